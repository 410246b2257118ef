"""Observers: what is made of activity while it is simulated."""

from .base import Observer, Signal

__all__ = ["Observer", "Signal"]
