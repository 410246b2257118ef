"""One-step integrators: pure functions that know no model.

Every integrator has the signature ``step(rates, y, dt)``. ``y`` is a tuple of arrays,
``rates(y, c)`` returns the tuple of derivatives at the stage time ``t + c * dt``, and the result
is the tuple one step later. Inputs that change in time are the business of ``rates``, so that a
delayed coupling is read at the time of each stage and the order of the method survives.
"""

from collections.abc import Callable

import brainstate
import brainunit as u
import jax
import jax.numpy as jnp

from ._compat import is_tracer
from ._errors import choices

__all__ = [
    "ORDERS",
    "check_method",
    "environment_dt",
    "euler",
    "exp_euler",
    "heun",
    "rk4",
    "semi_implicit_euler",
    "stages",
    "stepper",
    "steps_per_tr",
]

Rates = Callable[[tuple, float], tuple]


def _move(y, h, k):
    return tuple(a + h * b for a, b in zip(y, k, strict=True))


def euler(rates: Rates, y: tuple, dt: float) -> tuple:
    """Forward Euler, order 1."""
    return _move(y, dt, rates(y, 0.0))


def heun(rates: Rates, y: tuple, dt: float) -> tuple:
    """Explicit trapezoid, order 2."""
    k1 = rates(y, 0.0)
    k2 = rates(_move(y, dt, k1), 1.0)
    return tuple(a + 0.5 * dt * (b + c) for a, b, c in zip(y, k1, k2, strict=True))


def rk4(rates: Rates, y: tuple, dt: float) -> tuple:
    """The classical Runge-Kutta method, order 4."""
    k1 = rates(y, 0.0)
    k2 = rates(_move(y, 0.5 * dt, k1), 0.5)
    k3 = rates(_move(y, 0.5 * dt, k2), 0.5)
    k4 = rates(_move(y, dt, k3), 1.0)
    return tuple(
        a + dt / 6.0 * (b + 2.0 * (c + d) + e)
        for a, b, c, d, e in zip(y, k1, k2, k3, k4, strict=True)
    )


def exp_euler(rates: Rates, y: tuple, dt: float) -> tuple:
    """Diagonal exponential Euler, order 1; exact for a linear decoupled variable.

    One forward derivative per state: a single linearisation multiplies by zeros that the compiler
    may not remove.
    """
    out = []
    for k, value in enumerate(y):

        def own(x, k=k):
            return rates((*y[:k], x, *y[k + 1 :]), 0.0)[k]

        rate, slope = jax.jvp(own, (value,), (jnp.ones_like(value),))
        out.append(value + dt * _phi(dt * slope) * rate)
    return tuple(out)


def semi_implicit_euler(rates: Rates, y: tuple, dt: float) -> tuple:
    """Semi-implicit Euler, order 1: states in reverse order, each with the newest of the others.

    With a position declared before its velocity it is symplectic.
    """
    out = list(y)
    for k in reversed(range(len(y))):
        out[k] = out[k] + dt * rates(tuple(out), 0.0)[k]
    return tuple(out)


def _phi(z):
    """(exp(z) - 1) / z with its limit at 0, finite in value and gradient."""
    small = jnp.abs(z) < 1e-4
    safe = jnp.where(small, 1.0, z)
    return jnp.where(small, 1.0 + z / 2.0 + z * z / 6.0, jnp.expm1(safe) / safe)


_OURS = {
    "exp_euler": exp_euler,
    "euler": euler,
    "heun": heun,
    "rk4": rk4,
    "semi_implicit_euler": semi_implicit_euler,
}
ORDERS = {"exp_euler": 1, "euler": 1, "heun": 2, "rk4": 4, "semi_implicit_euler": 1}
"""Order of convergence of the integrators written here."""

_QUAD = [
    *("rk2", "midpoint", "ralston2", "ralston3", "rk3", "ssprk33", "bs32", "rk23", "rk4_38"),
    *("rk45", "rkf45", "rk45_dopri", "dopri5", "dopri8", "rk87_dopri"),
]


def check_method(method: str, who: str) -> str:
    """Return ``method`` if it is a known integrator."""
    if method not in _OURS and method not in _QUAD:
        raise ValueError(
            f"{who}: method must be one of {choices([*_OURS, *_QUAD])}; got {method!r}. "
            "Choose one of them."
        )
    return method


def stages(method: str) -> int:
    """How far a step looks ahead in whole steps: 0 if only the start of the step is read."""
    return 0 if ORDERS.get(method) == 1 else 1


def stepper(method: str) -> Callable[[Rates, tuple, float], tuple]:
    """Return the integrator of that name; names that are not ours go to braintools.quad."""
    return _OURS.get(method) or _from_quad(method)


def _from_quad(method: str):
    import braintools

    one_step = getattr(braintools.quad, f"ode_{method}_step")

    def step(rates, y, dt):
        def at(y, t):
            return rates(y, t / dt)

        with brainstate.environ.context(dt=dt):
            return one_step(at, y, 0.0)

    return step


def milliseconds(value):
    """Return a time as a plain number of milliseconds, abstract if the time is."""
    bare = u.Quantity(value).to_decimal(u.ms)
    return bare if is_tracer(bare) else float(bare)


def environment_dt(who: str) -> float:
    """Return the step ``dt`` of brainstate's environment in milliseconds."""
    dt = brainstate.environ.get("dt", None)
    if dt is None:
        raise ValueError(
            f"{who}: update must have a step dt in brainstate.environ; got none. Use "
            "`with brainstate.environ.context(dt=0.1 * u.ms):` or a Simulator."
        )
    return milliseconds(dt)


def steps_per_tr(tr: float, dt: float, who: str) -> int:
    """Return how many steps a repetition time has, both in milliseconds."""
    steps = round(tr / dt)
    if steps < 1 or abs(steps * dt - tr) > 1e-6 * tr:
        raise ValueError(
            f"{who}: tr must be a multiple of dt; got tr = {tr:g} ms and dt = {dt:g} ms. "
            "Change one of them."
        )
    return steps
