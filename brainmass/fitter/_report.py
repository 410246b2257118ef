"""How far the result of a fit can be trusted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import brainunit as u
import jax
import numpy as np
from jax.flatten_util import ravel_pytree

from ._health import Line, gradient_of
from ._information import Information, measure
from ._problem import Program
from ._recovery import CannotSimulate, Recovery, recover, simulated
from ._space import map_leaves

__all__ = ["FitReport", "make_report"]

_MOST = 400  # numbers for which the information is computed
_AWAY = 0.02  # of the scaled parameters: where gradients are compared, as they vanish at the best
_SHOWN = 3  # stiff and sloppy directions in the text


@dataclass(frozen=True)
class FitReport:
    """How far the result of a fit can be trusted; :meth:`FitResult.report` makes it.

    Parameters
    ----------
    best_loss, loss : float
        The loss that the fit reports, and the loss evaluated again at its parameters.
    method : str
        ``'fisher'``: information of a regression with the variance of the residuals, for
        ``timeseries_rmse``; ``'laplace'``: curvature of the loss as a negative log-likelihood;
        ``''`` if there are too many parameters.
    level : float
        Probability that an interval covers.
    intervals : dict
        Name to ``(low, high)`` in physical units; infinite where the data tell nothing.
    standard_errors : dict
        Name to half the width at one standard error, in physical units.
    labels : list of str
        Name of every fitted number.
    eigenvalues : numpy.ndarray
        Of the information by the scaled parameters, from the stiffest to the sloppiest direction.
    directions : numpy.ndarray
        ``(number, direction)``, unit vectors.
    covariance : numpy.ndarray
        Of the scaled parameters.
    residual : float or None
        Standard deviation of the residuals.
    gradient_difference : float
        Relative difference of automatic and finite-difference slopes near the best point.
    recovery : Recovery or None
        A fit to data simulated with the best parameters.
    params : dict
        The best parameters.
    notes : list of str
        What could not be done, and what to be careful with.

    Examples
    --------
    >>> import brainmass, brainstate
    >>> from brainstate.nn import Param
    >>> class Sum(brainstate.nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.a, self.b = Param(0.5, fit=True), Param(0.5, fit=True)
    >>> def loss(model):
    ...     return 50.0 * (model.a.value() + model.b.value() - 1.0) ** 2
    >>> report = brainmass.Fitter(Sum(), loss_fn=loss).fit(n_steps=1).report()
    >>> {name: round(abs(weight), 2) for name, weight in report.stiff[0].items()}
    {'a': 0.71, 'b': 0.71}
    >>> report.notes[0]
    'the data determine nothing in 1 direction'
    """

    best_loss: float
    loss: float
    method: str
    level: float
    intervals: dict[str, tuple[Any, Any]]
    standard_errors: dict[str, Any]
    labels: list[str]
    eigenvalues: np.ndarray
    directions: np.ndarray
    covariance: np.ndarray
    residual: float | None
    gradient_difference: float
    recovery: Recovery | None
    params: dict[str, Any] = field(repr=False)
    notes: list[str] = field(default_factory=list)

    @property
    def condition(self) -> float:
        """Ratio of the largest to the smallest eigenvalue of the information."""
        values = self.eigenvalues
        return float(values[0] / values[-1]) if len(values) and values[-1] > 0 else float("inf")

    @property
    def stiff(self) -> list[dict[str, float]]:
        """The best determined directions, as weights by label, the stiffest first."""
        return [self._direction(k) for k in range(min(_SHOWN, len(self.labels)))]

    @property
    def sloppy(self) -> list[dict[str, float]]:
        """The least determined directions, as weights by label, the sloppiest first."""
        count = len(self.labels)
        return [self._direction(count - 1 - k) for k in range(min(_SHOWN, count))]

    def _direction(self, index: int) -> dict[str, float]:
        vector = self.directions[:, index]
        order = np.argsort(-np.abs(vector))
        return {self.labels[k]: float(vector[k]) for k in order if abs(vector[k]) > 0.1}

    def __repr__(self) -> str:
        same = "the same" if self.loss == self.best_loss else "NOT the same"
        lines = [
            f"FitReport: loss {self.best_loss:.6g}, evaluated again {self.loss:.6g} ({same})",
            f"  gradient near the best point: finite differences differ by "
            f"{100 * self.gradient_difference:.2g} %",
        ]
        if self.method:
            lines.append(f"  {100 * self.level:g} % intervals ({self.method}):")
            lines += [f"    {line}" for line in self._interval_lines()]
            if len(self.labels) > 1:
                lines.append(f"  stiff:  {_words(self.stiff[0])}")
                lines.append(f"  sloppy: {_words(self.sloppy[0])}; condition {self.condition:.2g}")
        if self.recovery is not None:
            errors = ", ".join(f"{n} {100 * e:.2g} %" for n, e in self.recovery.errors().items())
            lines.append(f"  recovery from simulated data, largest relative error: {errors}")
        return "\n".join([*lines, *(f"  note: {note}" for note in self.notes)])

    def _interval_lines(self) -> list[str]:
        lines = []
        for name, (low, high) in self.intervals.items():
            value = self.params[name]
            if isinstance(value, dict) or np.size(u.get_mantissa(value)) > 12:
                lines.append(f"{name}: {np.size(jax.tree.leaves(value)[0])} numbers")
                continue
            unit = u.get_unit(value)
            rows = zip(*(np.ravel(u.get_mantissa(v)) for v in (value, low, high)), strict=True)
            text = ", ".join(f"{v:.5g} [{a:.5g}, {b:.5g}]" for v, a, b in rows)
            lines.append(f"{name}: {text}" + ("" if unit.is_unitless else f" {unit}"))
        return lines


def make_report(
    fitter: Any, result: Any, level: float, method: str, scale: float,
    recovery: bool, synthesize: Callable | None, seed: int,
) -> FitReport:  # fmt: skip
    """Return the report of the last fit of a fitter."""
    run = fitter._run
    search, space, notes = run.search, run.problem.space, []
    best, task = run.found(), run.search.task
    program: Program = task.whole
    rest = (search.whole, best.key, task.data.leaves)
    theta = jax.device_get(best.theta)
    again = search.evaluate(best.theta, best.key).loss
    information = None
    count = sum(np.size(leaf) for leaf in jax.tree.leaves(theta))
    if count > _MOST:
        notes.append(f"{count} fitted numbers are too many for intervals (at most {_MOST})")
    else:
        information = measure(fitter._loss, program, theta, rest, task.data, method, scale)
        notes += _doubts(information)
    found = None
    if recovery:
        try:
            found = _recovered(fitter, best, synthesize, seed)
        except CannotSimulate as reason:
            notes.append(f"no parameter-recovery run: {reason}")
    intervals, errors = _in_units(space, theta, information, level)
    return FitReport(
        best_loss=result.best_loss,
        loss=again,
        method="" if information is None else information.method,
        level=level,
        intervals=intervals,
        standard_errors=errors,
        labels=[] if information is None else information.labels,
        eigenvalues=np.empty(0) if information is None else information.eigenvalues,
        directions=np.empty((0, 0)) if information is None else information.directions,
        covariance=np.empty((0, 0)) if information is None else information.covariance,
        residual=None if information is None else information.residual,
        gradient_difference=_gradient_difference(program, theta, rest, seed),
        recovery=found,
        params=result.best_params,
        notes=notes,
    )


def _recovered(fitter: Any, best: Any, synthesize: Callable | None, seed: int) -> Recovery:
    search = fitter._run.search
    if synthesize is None:
        return recover(
            fitter, simulated(fitter._loss, best, search.task.data, search.evaluate, seed)
        )
    key = jax.random.fold_in(jax.random.key(seed), 1)
    fresh = search.evaluate(best.theta, key).record["extra"]["prediction"]
    return recover(fitter, synthesize(fresh))


def _doubts(information: Information) -> list[str]:
    if not np.all(np.isfinite(information.matrix)):
        return ["the curvature of the loss is not finite"]
    lost = int(np.sum(~information.determined))
    if not lost:
        return []
    if np.any(information.eigenvalues < -1e-3 * np.abs(information.eigenvalues[0])):
        return ["the best point is no minimum: the loss still falls in some direction"]
    return [f"the data determine nothing in {lost} direction{'s' * (lost > 1)}"]


def _in_units(space, theta, information, level) -> tuple[dict, dict]:
    """Return intervals and standard errors as the user means parameters."""
    if information is None:
        return {}, {}
    from scipy.stats import norm

    x, unravel = ravel_pytree(theta)
    errors = information.errors

    def values(distance):
        with np.errstate(invalid="ignore"):
            moved = (np.asarray(x, float) + distance * errors).astype(x.dtype)
        return jax.device_get(space.values(space.project(unravel(moved))))

    def between(distance):
        low, high = values(-distance), values(distance)
        return {
            n: (map_leaves(u.math.minimum, low[n], high[n]),
                map_leaves(u.math.maximum, low[n], high[n]))
            for n in low
        }  # fmt: skip

    one = between(1.0)
    half = {n: map_leaves(lambda a, b: (b - a) / 2, low, high) for n, (low, high) in one.items()}
    return between(float(norm.ppf(0.5 + level / 2))), half


def _gradient_difference(program: Program, theta: Any, rest: tuple, seed: int) -> float:
    """Compare slopes a little away from the best point, where the gradient would vanish."""
    x, unravel = ravel_pytree(theta)
    step = np.random.default_rng(seed).standard_normal(x.size)
    x = np.asarray(x) + _AWAY * step / np.linalg.norm(step)
    there = jax.device_get(unravel(x.astype(ravel_pytree(theta)[0].dtype)))
    gradient = gradient_of(program, there)(there, *rest)[1]
    return Line(program, there, rest, gradient).difference()


def _words(direction: dict[str, float]) -> str:
    parts = [f"{weight:+.2f} {name}" for name, weight in list(direction.items())[:4]]
    return " ".join(parts)
