"""What the tests of the models share: runs, rates and Jacobians in bare numbers."""

import brainunit as u
import jax
import numpy as np
import pytest

import brainmass


def _quantity(value):
    return isinstance(value, u.Quantity)


def _plain(value):
    return np.asarray(u.get_mantissa(value))


@pytest.fixture
def simulate():
    """Run a model and return bare arrays: ``simulate(node, ms, dt, monitors=...)``."""

    def run(node, duration, dt, **options):
        monitors = options.pop("monitors", list(node.declaration.states))
        sim = brainmass.Simulator(node, dt * u.ms)
        result = sim.run(duration * u.ms, monitors=monitors, **options)
        out = {k: jax.tree.map(_plain, v, is_leaf=_quantity) for k, v in result.items()}
        if isinstance(monitors, list):
            return out
        return out[monitors if isinstance(monitors, str) else "output"]

    return run


@pytest.fixture
def rates():
    """Return the derivatives per ms at given states, in bare numbers of the declared units."""

    def at(node, inputs=None, **states):
        params = {n: getattr(node, n).mantissa() for n in node.declaration.params}
        y = {n: np.broadcast_to(np.asarray(v, float), node.varshape) for n, v in states.items()}
        y = {n: jax.numpy.asarray(v) for n, v in y.items()}
        out = node.rules().rates(params, y, inputs or {}, 0.0)
        return {n: np.asarray(v) for n, v in out.items()}

    return at


@pytest.fixture
def eigenvalues():
    """Return the eigenvalues of the Jacobian of a single node at given states, in 1/ms."""

    def at(node, inputs=None, **states):
        params = {n: getattr(node, n).mantissa() for n in node.declaration.params}
        names = list(node.declaration.states)
        given = {n: jax.numpy.full(1, v) for n, v in (inputs or {}).items()}

        def flat(vector):
            y = {n: vector[k : k + 1] for k, n in enumerate(names)}
            out = node.rules().rates(params, y, given, 0.0)
            return jax.numpy.concatenate([out[n] for n in names])

        point = jax.numpy.asarray([float(states[n]) for n in names])
        return np.linalg.eigvals(np.asarray(jax.jacfwd(flat)(point)))

    return at


@pytest.fixture
def period():
    """Return the mean time between upward crossings of the mean, by linear interpolation."""

    def of(signal, dt):
        x = signal - signal.mean()
        k = np.flatnonzero((x[:-1] < 0) & (x[1:] >= 0))
        crossings = k + x[k] / (x[k] - x[k + 1])
        return dt * np.diff(crossings).mean()

    return of
