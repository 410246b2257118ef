"""Reading and checking what a fitter is given, and small helpers of its loop."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from brainmass import objectives

from ._loss import FromLossFn, FromPrediction, check_transient

__all__ = ["Bar", "callbacks_of", "loss_of", "outside"]


class Bar:
    """A progress bar, or nothing."""

    def __init__(self, wanted: bool, total: int):
        self._bar = None
        if wanted:
            from tqdm.auto import tqdm

            self._bar = tqdm(total=total, desc="fit")

    def move(self, report: dict[str, Any]) -> None:
        if self._bar is not None:
            self._bar.set_postfix(best=f"{report['best_loss']:.4g}", refresh=False)
            self._bar.update()

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()


def callbacks_of(callbacks: Any) -> list[Callable]:
    """Return callbacks as a list."""
    if callbacks is None:
        return []
    found = [callbacks] if callable(callbacks) else callbacks
    if not isinstance(found, list | tuple) or not all(callable(c) for c in found):
        raise TypeError(
            f"Fitter: callbacks must be a callable or a list of them; got {callbacks!r}. "
            "Pass functions of one dict."
        )
    return list(found)


def loss_of(loss_fn, predict, objective, transient) -> FromLossFn | FromPrediction:
    """Return what is minimised."""
    if (loss_fn is None) == (predict is None):
        raise ValueError(
            "Fitter: exactly one of predict and loss_fn must be given; got "
            f"{'neither' if predict is None else 'both'}. Pass predict(model) with an objective, "
            "or loss_fn(model)."
        )
    for name, function in (("loss_fn", loss_fn), ("predict", predict)):
        if function is not None and not callable(function):
            raise TypeError(
                f"Fitter: {name} must be a function of the model; got {function!r}. Pass one."
            )
    if loss_fn is not None:
        if objective is not None or transient is not None:
            raise ValueError(
                "Fitter: objective and transient go with predict; got them with loss_fn, which "
                "is the whole loss. Pass predict, or leave them out."
            )
        return FromLossFn(loss_fn)
    objective = objectives.timeseries_rmse() if objective is None else objective
    given = objective.values() if isinstance(objective, dict) else [objective]
    if not given or not all(callable(part) for part in given):
        raise TypeError(
            f"Fitter: objective must be a callable or a dict of them; got {objective!r}. "
            "Pass for example objectives.timeseries_rmse()."
        )
    check_transient(transient)
    return FromPrediction(predict, objective, transient)


def outside() -> int:
    """Return the stack level of the first caller outside of this package."""
    frame, level = inspect.currentframe(), 0
    while frame is not None and __package__ in frame.f_globals.get("__name__", ""):
        frame, level = frame.f_back, level + 1
    return level
