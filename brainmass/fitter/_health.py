"""Whether the gradient of a loss can be trusted with a fit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import brainunit as u
import jax
import numpy as np
from jax.flatten_util import ravel_pytree

from ._data import Data
from ._derivative import choose_mode, value_and_gradient
from ._problem import TRACED, Problem, Program
from ._search import compiled

__all__ = ["GradientHealth", "Line", "check_gradient", "gradient_of"]

_STEPS = (3e-2, 1e-2, 3e-3, 1e-3, 3e-4, 1e-4)  # of finite differences, in scaled parameters
_DOUBLINGS = 24  # from 1 ms to 2.3 hours
_LINE = np.linspace(-0.05, 0.05, 41)  # where roughness is looked for, in scaled parameters
_MOST_TURNS = 6  # of the loss along that line
_AGREES = 0.05  # relative, in single precision
_EXPLODES = 10.0  # in one doubling of the reach
_STEEP = 3.0  # a phase that is off grows in proportion to time, so it only doubles


@dataclass(frozen=True)
class GradientHealth:
    """What a look at the gradient of a loss has found.

    Parameters
    ----------
    kind : str
        ``'healthy'``; ``'growing'``, faster than in proportion to the time it reaches back;
        ``'chaotic'``, exponentially; ``'rough'``, of a loss that goes up and down all the time;
        ``'flat'``, zero; ``'inexact'``, not what finite differences give; or ``'undefined'``,
        not finite.
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
    ...     return brainmass.Simulator(model, dt=0.01 * u.ms).run(32 * u.ms, monitors="x")["x"]
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
    loss, gradient = gradient_of(program, theta)(theta, *rest)
    norm = float(np.linalg.norm(ravel_pytree(gradient)[0]))
    along = Line(program, theta, rest, gradient)
    difference = along.difference()
    reach, norms = _by_reach(problem, data, key, theta)
    rate, window = _growth(reach, norms)
    kind = _kind(float(loss), norm, difference, norms, rate, along.turns())
    return GradientHealth(
        kind, float(loss), norm, difference, reach * u.ms, norms,
        None if rate is None else rate / u.ms,
        None if window is None else window * u.ms,
        _advice(kind, window),
    )  # fmt: skip


def gradient_of(program: Program, theta: Any) -> Callable:
    """Return ``(theta, *rest) -> (loss, gradient)``, compiled."""
    mode = choose_mode("auto", program.jaxpr, theta)
    call = program.call if mode == "reverse" else program.call_forward

    def make(_):
        def both(theta, *rest):
            (loss, _), gradient = value_and_gradient(lambda t: call(t, *rest), mode)(theta)
            return loss, gradient

        return jax.jit(both)

    return compiled(program, "gradient", make)


class Line:
    """The loss along its gradient.

    Parameters
    ----------
    program : Program
        The traced loss.
    theta : pytree
        Where.
    rest : tuple
        Further arguments of the program.
    gradient : pytree
        The gradient there.
    """

    def __init__(self, program: Program, theta: Any, rest: tuple, gradient: Any):
        self._rest = rest
        self._x, self._unravel = ravel_pytree(jax.device_get(theta))
        self._gradient = np.asarray(ravel_pytree(gradient)[0], dtype=float)
        self._slope = float(np.linalg.norm(self._gradient))
        self._loss = compiled(program, "loss", lambda p: jax.jit(lambda *a: p.call(*a)[0]))

    @property
    def usable(self) -> bool:
        """Whether there is a direction to go."""
        return bool(np.isfinite(self._slope) and self._slope > 0.0)

    def loss(self, step: float) -> float:
        """Return the loss at a distance."""
        x = np.asarray(self._x) + step * self._gradient / self._slope
        theta = jax.device_get(self._unravel(x.astype(self._x.dtype)))
        return float(self._loss(theta, *self._rest))

    def difference(self) -> float:
        """Return the relative difference of the slope from finite differences.

        The steps are the two neighbouring ones that agree best: larger ones suffer from curvature,
        smaller ones from rounding, and one alone may agree by chance.
        """
        if not self.usable:
            return 0.0 if self._slope == 0.0 else float("nan")
        slopes = [(self.loss(step) - self.loss(-step)) / (2 * step) for step in _STEPS]
        off = np.abs(np.array(slopes) - self._slope) / self._slope
        both = np.maximum(off[1:], off[:-1])
        return float(np.nanmin(both)) if np.isfinite(both).any() else float("nan")

    def turns(self) -> int:
        """Return how often the loss turns round along a short way."""
        if not self.usable:
            return 0
        losses = np.array([self.loss(step) for step in _LINE])
        signs = np.sign(np.diff(losses[np.isfinite(losses)]))
        signs = signs[signs != 0]
        return int(np.sum(signs[1:] != signs[:-1]))


def _by_reach(problem, data, key, theta) -> tuple[np.ndarray, np.ndarray]:
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
    # Windows are rounded up to blocks of steps, so equal norms do not tell that a run is covered.
    longest = max(run.duration for run in program.simulated)
    reach, norms = [], []
    for k in range(_DOUBLINGS):
        reach.append(2.0**k)
        norms.append(float(function(theta, np.float32(reach[-1]), *rest)))
        if not np.isfinite(norms[-1]) or reach[-1] >= longest:
            break
    return np.array(reach), np.array(norms)


def _growth(reach: np.ndarray, norms: np.ndarray) -> tuple[float, float] | tuple[None, None]:
    """Return rate (1/ms) and useful reach (ms) where the gradient grows exponentially."""
    known = np.flatnonzero(np.isfinite(norms) & (norms > 0))
    times, logs = reach[known], np.log(norms[known])
    steep = np.flatnonzero(np.diff(logs) > np.log(_EXPLODES))
    lasts = len(steep) and len(logs) - 2 - steep[-1] <= 2  # it has not long stopped to grow
    if not lasts or logs[-1] - logs[0] < 2 * np.log(_EXPLODES):
        return None, None
    first, last = steep[0], steep[-1] + 1
    useful = np.flatnonzero(logs[:last] < np.minimum.accumulate(logs[:last]) + np.log(_EXPLODES))
    rate = (logs[last] - logs[first]) / (times[last] - times[first])
    return float(rate), float(times[useful[-1]])


def _kind(loss, norm, difference, norms, rate, turns) -> str:
    if rate is not None:
        return "chaotic"
    if not np.isfinite(loss) or not np.isfinite(norm):
        return "undefined"
    if norm == 0.0:
        return "flat"
    if turns > _MOST_TURNS:
        return "rough"
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
        "rough": "The loss goes up and down along the gradient: average over noise or time, take "
        "an objective of summaries, or search with backend='nevergrad'.",
        "inexact": "The loss has jumps, or a part of it has no derivative: make it smooth, or "
        "search with backend='nevergrad'.",
        "undefined": "Loss or gradient is not finite: look for divergence, a square root of zero "
        "or a division by zero.",
    }[kind]
