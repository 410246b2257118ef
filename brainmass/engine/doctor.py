"""What to say when a run diverges."""

from __future__ import annotations

import brainunit as u
import jax
import numpy as np

from .._errors import DivergenceError
from .loop import NonFinite

__all__ = ["diagnose"]


def diagnose(system, failure: NonFinite, values: dict, result: dict) -> DivergenceError:
    """Return the error that names state, region and time, and what to do."""
    state, region = _first_bad(failure.after["y"])
    where = f"region {region[-1]}" if region else "the only node"
    if len(region) > 1:
        where = f"index {region}"
    time = failure.step * system.dt
    advice = system.stable_step(values, failure.before["y"], region)
    message = (
        f"Simulator: the states of {system.who} must stay finite; '{state}' of {where} was not "
        f"after t = {time:g} ms. {advice} What was recorded until then is in .result."
    )
    return DivergenceError(
        message, state=state, region=region, time=u.Quantity(time, unit=u.ms), result=result
    )


def _first_bad(y: dict) -> tuple[str, tuple]:
    for name, value in y.items():
        bad = np.argwhere(~np.isfinite(np.asarray(value)))
        if len(bad):
            return name, tuple(int(k) for k in bad[0])
    return "noise", ()


def stable_step(rules, params: dict, y: dict, region: tuple, dt: float) -> str:
    """Advise on the step from the Jacobian of one node where it last was finite.

    The step at which forward Euler is marginal for the stiffest decaying mode is
    ``-2 Re(lambda) / |lambda|**2`` (Hairer & Wanner 1996, doi:10.1007/978-3-642-05221-7).
    """
    names = rules.states
    shape = np.shape(next(iter(y.values())))
    node = region[len(region) - len(shape) :] if region else ()
    local = np.array([np.asarray(y[n])[node] if node else np.ravel(y[n])[0] for n in names])

    def own(value):
        value = np.asarray(value)
        return value[node[-value.ndim :]] if value.ndim and node else np.ravel(value)[0]

    here = {name: own(value) for name, value in params.items()}

    def rates(vector):
        out = rules.rates(here, dict(zip(names, vector, strict=True)), {}, 0.0)
        return jax.numpy.stack([out[n] for n in names])

    jacobian = np.asarray(jax.jacfwd(rates)(jax.numpy.asarray(local)))
    if not np.isfinite(jacobian).all():
        return "Use a smaller dt, or check parameters and inputs."
    modes = np.linalg.eigvals(jacobian.astype(np.float64))
    decaying = modes[modes.real < -1e-9]
    limits = -2 * decaying.real / np.abs(decaying) ** 2
    if not limits.size or limits.min() > dt:
        return (
            "At that state dt was small enough, so the equations themselves run away there: "
            "check parameters, inputs and initial values."
        )
    return f"There dt must be below {limits.min():.3g} ms; got {dt:g} ms. Use a smaller dt."
