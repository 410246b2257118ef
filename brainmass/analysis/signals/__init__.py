"""Analysis of signals: arrays or quantities with time on the first axis."""

from .correlation import fc, fcd

__all__ = ["fc", "fcd"]
