"""Keys for random initial values."""

from contextlib import contextmanager
from contextvars import ContextVar

import brainstate
import jax

from ._compat import is_tracer

__all__ = ["fresh_key", "seeded"]

_own: ContextVar[list | None] = ContextVar("brainmass_key", default=None)


def fresh_key():
    """Return a key for random initial values: of the seeded run, or of brainstate's state."""
    own = _own.get()
    if own is None:
        with jax.ensure_compile_time_eval():
            return brainstate.random.split_key()
    own[0], key = jax.random.split(own[0])
    return key


@contextmanager
def seeded(key, seed):
    """Let random initial values follow the seed, and leave brainstate's random state alone."""
    if seed is None:
        yield
        return
    key = jax.random.fold_in(key, 2**31 - 1)
    token = _own.set([key])
    state = brainstate.random.DEFAULT
    before = state.value
    if not is_tracer(key):
        state.value = key
    try:
        yield
    finally:
        _own.reset(token)
        if not is_tracer(key):
            state.value = before
