"""Whether a fit finds parameters that are known: those it has found, from data made with them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import brainunit as u
import jax
import numpy as np

from brainmass import objectives

from ._information import residuals_of
from ._loss import FromPrediction, ours, series_of
from ._space import map_leaves

__all__ = ["CannotSimulate", "Recovery", "recover", "simulated"]


class CannotSimulate(Exception):
    """Data cannot be made from what a model predicts; the text says why."""


@dataclass(frozen=True)
class Recovery:
    """A fit to data that were simulated with the best parameters of another fit.

    Parameters
    ----------
    known : dict
        Parameters with which the data were made.
    found : dict
        Parameters that the fit found.
    start : dict
        Where it began.
    loss : float
        Loss at what it found.
    loss_at_known : float
        Loss at the known parameters.

    Examples
    --------
    >>> from brainmass.fitter import Recovery
    >>> recovery = Recovery({"k": 2.0}, {"k": 2.1}, {"k": 1.0}, loss=0.1, loss_at_known=0.11)
    >>> round(recovery.errors()["k"], 3)
    0.05
    """

    known: dict[str, Any]
    found: dict[str, Any]
    start: dict[str, Any]
    loss: float
    loss_at_known: float

    def errors(self) -> dict[str, float]:
        """Return, by parameter, the largest error as a fraction of the known value.

        Returns
        -------
        dict
            Name to a plain number.
        """
        out = {}
        for name, known in self.known.items():
            pairs = zip(jax.tree.leaves(self.found[name]), jax.tree.leaves(known), strict=True)
            worst = 0.0
            for found, true in pairs:
                size = np.max(np.abs(true), initial=0.0) or 1.0
                worst = max(worst, float(np.max(np.abs(np.asarray(found) - true)) / size))
            out[name] = worst
        return out


def simulated(loss: Any, candidate: Any, data: Any, evaluate: Callable, seed: int) -> Any:
    """Return a target made from what the model predicts at a point.

    Noise of the model is drawn anew. A model without noise gets that of the residuals, where the
    loss has any.
    """
    if not isinstance(loss, FromPrediction):
        raise CannotSimulate("a loss_fn does not say what the model predicts")
    fresh = evaluate(candidate.theta, jax.random.fold_in(jax.random.key(seed), 1))
    prediction = fresh.record["extra"]["prediction"]
    old = candidate.record["extra"]["prediction"]
    target = data.joined(data.leaves)[1]
    given = loss.objective if isinstance(loss.objective, dict) else {"": loss.objective}
    out = {}
    for name, objective in given.items():
        one = prediction[name] if name else series_of(prediction, objective)
        wanted = target[name] if name and isinstance(target, dict) else target
        out[name] = _like(one, wanted, objective)
    noisy = any(
        not np.array_equal(a, b)
        for a, b in zip(jax.tree.leaves(prediction), jax.tree.leaves(old), strict=True)
    )
    residuals = residuals_of(loss)
    if not noisy and residuals is not None:
        sizes = [float(np.std(np.asarray(r))) for r in residuals(old, target)]
        rng = np.random.default_rng(seed)
        out = {n: _noised(v, s, rng) for (n, v), s in zip(out.items(), sizes, strict=True)}
    if "" in out:
        return out[""]
    return out if isinstance(target, dict) else next(iter(out.values()))


def _like(prediction: Any, target: Any, objective: Any) -> Any:
    """Return a prediction in the form of the target that an objective is given."""
    same = jax.tree.structure(prediction) == jax.tree.structure(target)
    shapes = [np.shape(leaf) for leaf in jax.tree.leaves(prediction)]
    wanted = [np.shape(leaf) for leaf in jax.tree.leaves(target)]
    if same and shapes == wanted:
        return prediction
    fc = ours(objective) and getattr(objective, "__name__", "") in ("fc_corr", "fc_rmse")
    if fc and same and len(shapes) == 1:
        regions = shapes[0][-1]
        if wanted[0] == (regions, regions):
            return objectives.functional_connectivity(prediction)
    raise CannotSimulate(
        f"the target of shape {wanted} is not of the form of the prediction {shapes}; pass "
        "synthesize=, a function from the prediction to a target"
    )


def _noised(value: Any, size: float, rng: np.random.Generator) -> Any:
    def one(leaf):
        unit, number = u.get_unit(leaf), np.asarray(u.get_mantissa(leaf))
        number = (number + size * rng.standard_normal(number.shape)).astype(number.dtype)
        return number if unit.is_unitless else u.Quantity(number, unit=unit)

    return map_leaves(one, value)


def recover(fitter: Any, target: Any) -> Recovery:
    """Fit simulated data the way the last fit of a fitter was done, from where it began."""
    run = fitter._run
    space, plan, task = run.problem.space, run.plan, run.search.task
    best = run.best
    inputs = task.data.joined(task.data.leaves)[0]
    twin = fitter._twin()
    try:
        space.write(run.origin)
        start = space.values(run.origin)
        size = None if task.batches is None else task.batches.size
        result = twin.fit(target, max(1, run.done), inputs=inputs, batch_size=size, seed=plan.seed)
        known = dict(best.record["values"])
        return Recovery(
            known, result.best_params, start, result.best_loss, twin.evaluate(known).loss
        )
    finally:
        space.write(best.theta)
