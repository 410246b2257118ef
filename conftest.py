"""Every test and every doctest leaves the global state of JAX and brainstate as it found it."""

import os
import sys

import pytest


def pytest_configure(config):
    # No test opens a window. The kernels of notebooks inherit the environment and draw inline.
    if not config.getoption("nbval", False):
        os.environ.setdefault("MPLBACKEND", "Agg")


@pytest.fixture(scope="session", autouse=True)
def session_precision():
    """Double precision from the start, where `make test-matrix` asks for it.

    For the session, because models that a whole module shares are built before its first test.
    """
    if os.environ.get("BRAINMASS_TEST_PRECISION") == "64":
        import brainstate

        brainstate.environ.set(precision=64)


@pytest.fixture(autouse=True)
def restored_globals(request, session_precision):
    import brainstate
    import jax

    environ = brainstate.environ
    settings, key, x64 = environ.all(), brainstate.random.get_key(), jax.config.jax_enable_x64
    if isinstance(request.node, pytest.DoctestItem):  # it prints numbers of single precision
        environ.set(precision=32)
    yield
    for name in environ.all().keys() - settings.keys():
        environ.pop(name)
    environ.set(**settings)
    jax.config.update("jax_enable_x64", x64)
    brainstate.random.set_key(key)
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")
