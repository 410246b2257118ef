"""Forward models: from activity to what is measured."""

from .bold import BOLDSignal

__all__ = ["BOLDSignal"]
