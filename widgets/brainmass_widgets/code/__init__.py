"""The state of a widget as Python code that gives the same arrays."""

from .run import inputs_code, to_code

__all__ = ["inputs_code", "to_code"]
