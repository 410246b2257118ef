"""Analysis of signals: arrays or quantities with time on the first axis."""
