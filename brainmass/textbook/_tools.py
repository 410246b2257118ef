"""What the computations share: double precision, rates, eigenvalues, runs, periods."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import brainstate
import brainunit as u
import jax
import jax.numpy as jnp
import numpy as np

from ..simulator import Simulator

__all__ = ["Fact", "Flow", "double_precision", "exponent", "network_matrix", "period", "simulate"]


@dataclass(frozen=True)
class Fact:
    """One number that a correct implementation of a model gives.

    Parameters
    ----------
    model : str
        Name of the model.
    quantity : str
        What it is, with the parameters that differ from the defaults.
    expected : float
        The published number.
    tolerance : float
        How far ours may be off, in the same unit.
    unit : str
        Unit of both, ``'1'`` if there is none.
    source : str
        Where the number is from.
    compute : callable
        Returns our number; it runs in double precision.

    Examples
    --------
    >>> import brainmass.textbook
    >>> fact = brainmass.textbook.facts("LinearStep")[0]
    >>> abs(fact.value() - fact.expected) < fact.tolerance
    True
    """

    model: str
    quantity: str
    expected: float
    tolerance: float
    unit: str
    source: str
    compute: Callable[[], Any]

    def value(self) -> float:
        """Compute our number.

        Returns
        -------
        float
            In the unit of the fact.
        """
        with double_precision():
            return float(np.asarray(self.compute()))


@contextmanager
def double_precision():
    """Switch JAX and brainstate to double precision for a while."""
    before, x64 = brainstate.environ.get_precision(), jax.config.jax_enable_x64
    brainstate.environ.set(precision=64)
    try:
        yield
    finally:
        brainstate.environ.set(precision=before)
        jax.config.update("jax_enable_x64", x64)


class Flow:
    """The derivatives of one node as a function of a plain vector, and its Jacobian."""

    def __init__(self, node, **inputs):
        self.node, self.names = node, list(node.declaration.states)
        self._params = {n: getattr(node, n).mantissa() for n in node.declaration.params}
        self._inputs = {n: float(v) for n, v in inputs.items()}
        self._rates, self._jacobian = jax.jit(self._flow), jax.jit(jax.jacfwd(self._flow))

    def change(self, **params) -> None:
        """Set parameters, in their declared units; nothing is compiled anew."""
        self._params |= {n: jnp.asarray(v, float) for n, v in params.items()}

    def _flow(self, vector, inputs, params):
        y = {n: vector[k : k + 1] for k, n in enumerate(self.names)}
        given = {n: jnp.full(1, v) for n, v in inputs.items()}
        out = self.node.rules().rates(params, y, given, 0.0)
        return jnp.concatenate([out[n] for n in self.names])

    def rates(self, vector, **inputs) -> np.ndarray:
        """Derivatives per ms."""
        given = {**self._inputs, **inputs}
        return np.asarray(self._rates(jnp.asarray(vector, float), given, self._params))

    def eigenvalues(self, vector, **inputs) -> np.ndarray:
        """Eigenvalues of the Jacobian in 1/ms, the largest real part first."""
        found = np.linalg.eigvals(self._matrix(vector, inputs))
        return found[np.argsort(-found.real)]

    def _matrix(self, vector, inputs) -> np.ndarray:
        given = {**self._inputs, **inputs}
        return np.asarray(self._jacobian(jnp.asarray(vector, float), given, self._params))

    def rest(self, start, **inputs) -> np.ndarray:
        """Fixed point near ``start``, by Newton's method."""
        x = np.asarray(start, float)
        for _ in range(50):
            step = np.linalg.solve(self._matrix(x, inputs), self.rates(x, **inputs))
            x = x - step
            if np.abs(step).max() < 1e-13 * (1 + np.abs(x).max()):
                break
        return x


def simulate(node, duration: float, dt: float, monitors, **options):
    """Run ``duration`` ms and return the monitor as a bare array, time first."""
    if "transient" in options:
        options["transient"] = options["transient"] * u.ms
    run = Simulator(node, dt * u.ms).run(duration * u.ms, monitors=monitors, **options)
    key = monitors if isinstance(monitors, str) else "output"
    return np.asarray(u.get_mantissa(run[key]))


def network_matrix(net, node, names: tuple[str, ...]) -> np.ndarray:
    """Matrix of a network that is linear near the origin, in 1/ms, from its steps by hand."""
    size, h = node.varshape[0], 0.01
    columns = []
    for k in range(len(names) * size):
        start = 1e-6 * np.eye(len(names) * size)[k].reshape(len(names), size)
        for name, value in zip(names, start, strict=True):
            setattr(node, f"init_{name}", value)
        run = Simulator(net, h * u.ms).run(h * u.ms, monitors=[f"node.{n}" for n in names])
        columns.append(np.concatenate([run[f"node.{n}"][0] for n in names]) / 1e-6)
    values, vectors = np.linalg.eig(np.array(columns).T)
    return ((vectors * (np.log(values) / h)) @ np.linalg.inv(vectors)).real


def period(signal, dt: float) -> float:
    """Mean time between upward crossings of the mean, in the unit of ``dt``."""
    x = signal - signal.mean()
    k = np.flatnonzero((x[:-1] < 0) & (x[1:] >= 0))
    crossings = k + x[k] / (x[k] - x[k + 1])
    return float(dt * np.diff(crossings).mean())


def exponent(node, start, dt: float, steps: int) -> float:
    """Largest Lyapunov exponent in 1/ms, by the tangent map of the integrator."""
    rules, names = node.rules(), list(node.declaration.states)
    params = {n: getattr(node, n).mantissa() for n in node.declaration.params}

    def step(y):
        now = {n: y[k : k + 1] for k, n in enumerate(names)}
        after = rules.advance(params, now, lambda *_: {}, 0.0, dt)
        return jnp.concatenate([after[n] for n in names])

    def one(carry, _):
        y, v, total = carry
        y, v = jax.jvp(step, (y,), (v,))
        size = jnp.linalg.norm(v)
        return (y, v / size, total + jnp.log(size)), None

    run = jax.jit(lambda carry: jax.lax.scan(one, carry, None, steps)[0])
    y, v, _ = run((jnp.asarray(start, float), jnp.ones(len(names)), 0.0))
    return float(run((y, v, 0.0))[2]) / (steps * dt)
