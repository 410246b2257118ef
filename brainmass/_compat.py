"""The differences between the supported generations of jax and brainstate, in one place."""

import jax
import numpy as np
from jax._src import core as _core

__all__ = ["inside_trace", "is_tracer"]


def inside_trace() -> bool:
    """Whether the caller runs under ``jit``, ``grad``, ``vmap`` or another JAX trace."""
    return not _core.trace_state_clean()


def is_tracer(value) -> bool:
    """Whether any leaf of ``value`` is abstract."""
    if isinstance(value, jax.core.Tracer):
        return True
    if isinstance(value, jax.Array | np.ndarray | float | int):
        return False  # asked in every run, so the usual answers come first
    return any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves(value))
