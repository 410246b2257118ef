"""Keys for random initial values and unseeded runs, also where several threads want them.

brainstate's random state is one for the whole process. Our own draws go through here: they wait
for each other, and they keep away from the state while another thread has lent it out, to a trace
or to a seeded run.
"""

import threading
import time
from contextlib import contextmanager
from contextvars import ContextVar

import brainstate
import jax

from ._compat import inside_trace, is_tracer

__all__ = ["fresh_key", "lending", "seeded", "split_key"]

_own: ContextVar[list | None] = ContextVar("brainmass_key", default=None)


class _Shared:
    """What threads know of brainstate's random state."""

    def __init__(self):
        self.lock = threading.RLock()
        self.lending = threading.RLock()
        self.borrower: int | None = None
        self.last = None
        self.meanwhile = 0


_shared = _Shared()


def split_key():
    """Return a key from brainstate's random state, and move that on."""
    if inside_trace():
        return brainstate.random.split_key()
    with _shared.lock:
        if _shared.borrower not in (None, threading.get_ident()):
            # Another thread has the state: a branch of its own, which no other draw will meet.
            if _shared.last is None:
                _shared.last = jax.random.key(time.time_ns() % 2**31)
            _shared.meanwhile += 1
            return jax.random.fold_in(_shared.last, 2**31 + _shared.meanwhile)
        key = brainstate.random.split_key()
        if _shared.borrower is None:
            _shared.last, _shared.meanwhile = key, 0
        return key


def fresh_key():
    """Return a key for random initial values: of the seeded run, or of brainstate's state."""
    own = _own.get()
    if own is None:
        with jax.ensure_compile_time_eval():
            return split_key()
    own[0], key = jax.random.split(own[0])
    return key


@contextmanager
def seeded(key, seed, foreign: bool = True):
    """Let random initial values follow the seed, and leave brainstate's random state alone.

    ``foreign`` says whether something other than :func:`fresh_key` draws them.
    """
    if seed is None:
        yield
        return
    key = jax.random.fold_in(key, 2**31 - 1)
    token = _own.set([key])
    try:
        if foreign and not is_tracer(key):
            with _lent(key):
                yield
        else:
            yield
    finally:
        _own.reset(token)


@contextmanager
def lending():
    """Let this thread put something else in the place of brainstate's random state for a while.

    Lenders wait for each other; draws of other threads do not wait and keep away from it.
    """
    with _shared.lending:
        with _shared.lock:
            outer, _shared.borrower = _shared.borrower, threading.get_ident()
        try:
            yield
        finally:
            with _shared.lock:
                _shared.borrower = outer


@contextmanager
def _lent(key):
    """Let brainstate's random state be ``key`` for this thread."""
    state = brainstate.random.DEFAULT
    with lending():
        before, state.value = state.value, key
        try:
            yield
        finally:
            state.value = before
