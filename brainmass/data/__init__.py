"""Data that come with brainmass, and the script that made them."""
