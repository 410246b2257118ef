"""Whether the gradient of a loss can be trusted with a fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import brainunit as u
import jax
import numpy as np
from jax.flatten_util import ravel_pytree

from ._data import Data
from ._derivative import choose_mode, value_and_gradient
from ._problem import TRACED, Problem
from ._search import compiled

__all__ = ["GradientHealth", "check_gradient", "compare_with_differences"]

_STEPS = (3e-2, 1e-2, 3e-3, 1e-3, 3e-4, 1e-4)  # of finite differences, in scaled parameters
_DOUBLINGS = 24  # from 1 ms to 2.3 hours
_AGREES = 0.05  # relative, in single precision
_STEEP = 3.0  # a phase that is off grows in proportion to time, so it only doubles


@dataclass(frozen=True)
class GradientHealth:
    """What a look at the gradient of a loss has found.

    Attributes
    ----------
    kind : str
        ``'healthy'``; ``'growing'``, faster than in proportion to the time it reaches back;
        ``'chaotic'``, exponentially; ``'flat'``, zero; ``'inexact'``, not what finite
        differences give; or ``'undefined'``, not finite.
    loss : float
        The loss at the present parameters.
    norm : float
        Norm of the gradient by the scaled parameters.
    difference : float
        Relative difference of its slope from that by finite differences.
    reach : brainunit.Quantity
        Times that gradients were let reach back, in ms; empty where nothing is simulated.
    norms : numpy.ndarray
        Norm of the gradient for each of them.
    growth_rate : brainunit.Quantity or None
        Exponential growth of the gradient with its reach, in 1/ms; None if it is not exponential.
    window : brainunit.Quantity or None
        A reach at which the gradient is still useful, for ``Fitter(window=...)``.
    advice : str
        What to do.

    Examples
    --------
    >>> import brainmass, brainunit as u
    >>> from brainstate.nn import Param
    >>> node = brainmass.LorenzStep(1, rho=Param(27.0, fit=True), init_x=1.0)
    >>> def predict(model):
    ...     return brainmass.Simulator(model, dt=0.01 * u.ms).run(16 * u.ms, monitors="x")["x"]
    >>> data = predict(brainmass.LorenzStep(1, rho=28.0, init_x=1.0))
    >>> brainmass.Fitter(node, predict=predict).check_gradient(data).kind
    'chaotic'
    """

    kind: str
    loss: float
    norm: float
    difference: float
    reach: u.Quantity
    norms: np.ndarray
    growth_rate: u.Quantity | None
    window: u.Quantity | None
    advice: str

    def __repr__(self) -> str:
        lines = [
            f"GradientHealth: {self.kind}",
            f"  loss {self.loss:.4g}, gradient norm {self.norm:.4g}, "
            f"finite differences differ by {100 * self.difference:.2g} %",
        ]
        if len(self.norms):
            reach = np.asarray(self.reach.to_decimal(u.ms))
            pairs = zip(reach, self.norms, strict=True)
            lines.append("  reach: " + ", ".join(f"{t:g} ms {n:.2g}" for t, n in pairs))
        if self.growth_rate is not None:
            lines.append(f"  growth rate {float(self.growth_rate * u.ms):.3g} per ms")
        return "\n".join([*lines, f"  {self.advice}"])


def check_gradient(problem: Problem, data: Data, key: Any) -> GradientHealth:
    """Look at the gradient of a loss at the present parameters."""
    program = problem.program(data, key)
    theta = problem.space.current()
    rest = (problem.frozen(program), key, data.leaves)
    mode = choose_mode("auto", program.jaxpr, theta)
    call = program.call if mode == "reverse" else program.call_forward

    def make(_):
        def both(theta, *rest):
            (loss, _), gradient = value_and_gradient(lambda t: call(t, *rest), mode)(theta)
            return loss, gradient

        return jax.jit(both)

    loss, gradient = compiled(program, "gradient", make)(theta, *rest)
    norm = float(np.linalg.norm(ravel_pytree(gradient)[0]))
    difference = compare_with_differences(program, theta, rest, gradient)
    reach, norms = _by_reach(problem, data, key, theta, norm)
    rate = _growth(reach, norms)
    window = None if rate is None else _round(2.0 / rate)
    kind = _kind(float(loss), norm, difference, norms, rate)
    return GradientHealth(
        kind, float(loss), norm, difference, reach * u.ms, norms,
        None if rate is None else rate / u.ms,
        None if window is None else window * u.ms,
        _advice(kind, window),
    )  # fmt: skip


def compare_with_differences(program, theta, rest, gradient) -> float:
    """Return the relative difference of a slope along the gradient from finite differences.

    The step is the one that agrees best: larger ones suffer from curvature, smaller ones from
    rounding.
    """
    x, unravel = ravel_pytree(jax.device_get(theta))
    g = np.asarray(ravel_pytree(gradient)[0], dtype=float)
    size = np.linalg.norm(g)
    if not np.isfinite(size):
        return float("nan")
    if size == 0.0:
        return 0.0
    evaluate = compiled(program, "loss", lambda p: jax.jit(lambda *a: p.call(*a)[0]))
    slopes = []
    for step in _STEPS:
        up, down = (
            float(
                evaluate(jax.device_get(unravel((x + s * step * g / size).astype(x.dtype))), *rest)
            )
            for s in (1, -1)
        )
        slopes.append((up - down) / (2 * step))
    with np.errstate(invalid="ignore"):
        off = np.abs(np.array(slopes) - size) / size
    return float(np.nanmin(off)) if np.isfinite(off).any() else float("nan")


def _by_reach(problem, data, key, theta, full: float) -> tuple[np.ndarray, np.ndarray]:
    """Return times and norms of gradients that reach back so far, doubling up to the whole run."""
    try:
        program = problem.program(data, key, window=TRACED)
    except ValueError as error:
        if "without Simulator.run" in str(error):
            return np.empty(0), np.empty(0)
        raise
    rest = (problem.frozen(program), key, data.leaves)
    mode = choose_mode("auto", program.jaxpr, theta)
    call = program.call if mode == "reverse" else program.call_forward

    def make(_):
        def norm(theta, length, *rest):
            gradient = value_and_gradient(lambda theta: call(theta, *rest, length), mode)(theta)[1]
            return jax.numpy.linalg.norm(ravel_pytree(gradient)[0])

        return jax.jit(norm)

    function = compiled(program, "norm", make)
    reach, norms = [], []
    for k in range(_DOUBLINGS):
        reach.append(2.0**k)
        norms.append(float(function(theta, np.float32(reach[-1]), *rest)))
        whole = np.isclose(norms[-1], full, rtol=1e-3) and k > 0
        if not np.isfinite(norms[-1]) or (whole and _settled(norms)):
            break
    return np.array(reach), np.array(norms)


def _settled(norms: list[float]) -> bool:
    return bool(np.isclose(norms[-1], norms[-2], rtol=1e-3)) or len(norms) == _DOUBLINGS


def _growth(reach: np.ndarray, norms: np.ndarray) -> float | None:
    """Return the rate of exponential growth in 1/ms, None if growth is slower than that."""
    if len(norms) < 3:
        return None
    finite = np.isfinite(norms) & (norms > 0)
    known = np.flatnonzero(finite)
    if len(known) < 2:
        return None
    logs = np.log(norms[known])
    steps = np.diff(logs)
    steep = np.flatnonzero(steps > np.log(10.0))
    if not len(steep) or logs[-1] - logs[0] < np.log(100.0):
        return None
    last = steep[-1]
    if len(known) - 2 - last > 2:  # it has long stopped to grow
        return None
    times = reach[known]
    return float(steps[last] / (times[last + 1] - times[last]))


def _kind(loss, norm, difference, norms, rate) -> str:
    if rate is not None:
        return "chaotic"
    if not np.isfinite(loss) or not np.isfinite(norm):
        return "undefined"
    if norm == 0.0:
        return "flat"
    if difference > _AGREES:
        return "inexact"
    positive = norms[norms > 0]
    steps = positive[1:] / positive[:-1]
    return "growing" if len(steps) > 1 and steps[-2:].max() > _STEEP else "healthy"


def _advice(kind: str, window: float | None) -> str:
    return {
        "healthy": "Gradients can be followed.",
        "growing": "It grows faster than the simulated time: simulate for a shorter time, or take "
        "small steps and clip the gradient.",
        "chaotic": f"Trajectories diverge: take window={window or 0:g} * u.ms, an objective of "
        "summaries such as fc_corr or a spectrum, or backend='nevergrad'.",
        "flat": "The loss does not depend on the parameters here: start elsewhere, or search with "
        "backend='nevergrad'.",
        "inexact": "The loss is rough or has jumps: average over noise or time, or search with "
        "backend='nevergrad'.",
        "undefined": "Loss or gradient is not finite: look for divergence, a square root of zero "
        "or a division by zero.",
    }[kind]


def _round(value: float) -> float:
    return float(f"{value:.1g}")
