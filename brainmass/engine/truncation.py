"""Truncated gradients: what a run remembers is forgotten by its derivative at regular times.

A window is a matter of differentiation alone; the values of a run do not change. It is set around
the tracing of a run and read by the engine, so that models and users need not know of it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from .._compat import is_tracer

__all__ = ["Window", "active", "cutter", "gradient_window"]

_local = threading.local()


@dataclass
class Window:
    """How far back gradients reach, and whether any run has asked.

    Attributes
    ----------
    length : float or tracer
        In milliseconds.
    used : bool
        Whether a run was traced with it.
    """

    length: Any
    used: bool = False


@contextmanager
def gradient_window(length: Any) -> Iterator[Window]:
    """Let gradients of all runs traced inside reach back at most ``length`` milliseconds."""
    before = getattr(_local, "window", None)
    window = None if length is None else Window(length)
    _local.window = window
    try:
        yield window if window is not None else Window(float("inf"))
    finally:
        _local.window = before


def active() -> bool:
    """Whether gradients are truncated."""
    return getattr(_local, "window", None) is not None


def cutter(dt: float, multiple: int = 1) -> Callable[[Any, Any], Any]:
    """Return ``(tree, step) -> tree`` that stops gradients where a window begins.

    Parameters
    ----------
    dt : float
        Step in milliseconds.
    multiple : int
        Windows are rounded up to this many steps.
    """
    window = getattr(_local, "window", None)
    if window is None:
        return lambda tree, step: tree
    window.used = True
    if is_tracer(window.length):
        steps = jnp.maximum(jnp.round(window.length / dt).astype(jnp.int32), 1)
    else:
        steps = max(1, round(window.length / dt))
    steps = -(-steps // multiple) * multiple

    def cut(tree, step):
        begins = step % steps == 0

        def one(leaf):
            if not jnp.issubdtype(jnp.result_type(leaf), jnp.inexact):
                return leaf
            return jnp.where(begins, lax.stop_gradient(leaf), leaf)

        return jax.tree.map(one, tree)

    return cut
