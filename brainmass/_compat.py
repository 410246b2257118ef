"""The differences between the supported generations of jax and brainstate, in one place."""

from functools import cache

import jax
import numpy as np
from jax._src import core as _core

__all__ = ["inside_trace", "is_tracer", "quick_to_compile"]


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


@cache
def quick_to_compile() -> dict:
    """Return compiler options with which small programs without long loops compile fastest.

    On the older generation the emitters of fused loops double the time of the compiler for
    programs of many small operations and make none of them faster; the newer one has no choice.
    """
    options = {"xla_cpu_use_fusion_emitters": False}
    try:
        jax.jit(lambda: 0, compiler_options=options).lower().compile()
    except jax.errors.JaxRuntimeError:
        return {}
    return options
