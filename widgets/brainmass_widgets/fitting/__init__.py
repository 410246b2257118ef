"""A fit to watch: what is fitted, how, and what has come of it."""

from .widget import FitterWidget

__all__ = ["FitterWidget"]
