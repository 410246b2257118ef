"""One or two parameters swept over a grid, and a picture that fills in while it runs."""

from .widget import SweepWidget

__all__ = ["SweepWidget"]
