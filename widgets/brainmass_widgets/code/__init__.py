"""The state of a widget as Python code that gives the same arrays."""

from .run import to_code

__all__ = ["to_code"]
