"""Fixtures of all tests; the one that doctests need too is in the root of the repository."""

import pytest


@pytest.fixture
def x64(restored_globals):
    """Double precision in JAX and brainstate for the length of one test."""
    import brainstate

    brainstate.environ.set(precision=64)


@pytest.fixture
def x32(restored_globals):
    """Single precision, for what prints its digits or is about it."""
    import brainstate

    brainstate.environ.set(precision=32)


class CompileCount:
    """Counts XLA compilations: ``with compile_count: ...``, then ``compile_count.n``.

    Each ``with`` starts again at zero. A program found in the persistent cache counts as well.
    """

    event = "/jax/core/compile/backend_compile_duration"

    def __init__(self):
        self.n = 0

    def _listen(self, event, duration, **_):
        self.n += event == self.event

    def __enter__(self):
        from jax import monitoring

        self.n = 0
        # Kept, because each access to a bound method makes a new object.
        self._registered = self._listen
        monitoring.register_event_duration_secs_listener(self._registered)
        return self

    def __exit__(self, *_):
        from jax import monitoring

        monitoring.unregister_event_duration_listener(self._registered)


@pytest.fixture
def compile_count():
    return CompileCount()
