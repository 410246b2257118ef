"""Reading and checking what a fitter is given, and small helpers of its loop."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import brainstate
import brainunit as u
import numpy as np

from brainmass import objectives
from brainmass._errors import UnitError, choices

from ._derivative import MODES
from ._loss import FromLossFn, FromPrediction, check_transient

__all__ = [
    "Bar",
    "callbacks_of",
    "check_backend",
    "check_batches",
    "check_model",
    "given",
    "loss_of",
    "options_of",
    "outside",
    "rate_of",
    "validation_of",
    "window_of",
]

BACKENDS = ("grad", "nevergrad", "scipy")
_GIVEN = ("inputs", "validation", "batch_size")
_TOLD = (
    "verbose", "progress", "seed", "patience", "min_delta", "checkpoint", "checkpoint_every",
)  # fmt: skip


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

    def show(self, best: float, evaluations: int) -> None:
        """Show how far a long step is."""
        if self._bar is not None:
            self._bar.set_postfix(best=f"{best:.4g}", evaluations=evaluations)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()


_DEFAULTS = {
    "backend": "grad", "fresh_noise": False, "differentiation": "auto", "n_starts": 1,
    "pareto": False,
}  # fmt: skip


def given(**arguments: Any) -> dict[str, Any]:
    """Return the arguments of a fitter that are not the default."""
    given = {name: value for name, value in arguments.items() if value is not None}
    return {n: v for n, v in given.items() if n not in _DEFAULTS or v != _DEFAULTS[n]}


def check_model(model: Any) -> None:
    """Refuse what is no module."""
    if not isinstance(model, brainstate.nn.Module):
        raise TypeError(
            f"Fitter: model must be a brainstate module; got {type(model).__name__}. "
            "Pass a *Step model or a Network."
        )


def check_backend(backend, search_space, mode, n_starts, pareto, window) -> None:
    """Refuse a backend that is not known, or arguments that it has no use for."""
    if backend not in BACKENDS:
        raise ValueError(
            f"Fitter: backend must be one of {choices(BACKENDS)}; got {backend!r}. Choose one."
        )
    if mode not in MODES:
        raise ValueError(
            f"Fitter: differentiation must be one of {choices(MODES)}; got {mode!r}. Choose one."
        )
    if not isinstance(n_starts, int | np.integer) or isinstance(n_starts, bool) or n_starts < 1:
        raise ValueError(
            f"Fitter: n_starts must be a whole number, at least 1; got {n_starts!r}. Pass one."
        )
    if n_starts > 1 and backend != "grad":
        raise ValueError(
            f"Fitter: n_starts needs backend='grad'; got backend='{backend}'. Use n_steps, the "
            "number of restarts of 'scipy', or n_sample, the population of 'nevergrad'."
        )
    if search_space is not None and backend == "grad" and n_starts == 1:
        raise ValueError(
            "Fitter: search_space is for backend='nevergrad' and 'scipy', and for n_starts; got "
            "it with a single start of 'grad'. Bound a parameter by its transform, for example "
            "Param(x, t=SigmoidT(low, high))."
        )
    if pareto and backend != "nevergrad":
        raise ValueError(
            f"Fitter: pareto needs backend='nevergrad'; got backend='{backend}'. Change it, or "
            "weight the objectives with objectives.combine."
        )
    if window is not None and backend == "nevergrad":
        raise ValueError(
            "Fitter: window is about gradients; got it with backend='nevergrad', which uses none. "
            "Leave it out."
        )


def window_of(window: Any) -> float | None:
    """Return the reach of gradients in ms."""
    if window is None:
        return None
    if not u.have_same_dim(u.get_unit(window), u.ms):
        raise UnitError(
            f"Fitter: window (reach of the gradients) must be a time; got {window!r}. Pass for "
            "example 50 * u.ms."
        )
    length = float(window.to_decimal(u.ms))
    if not (np.isfinite(length) and length > 0):
        raise ValueError(
            f"Fitter: window (reach of the gradients) must be positive; got {window}. Pass for "
            "example 50 * u.ms."
        )
    return length


def rate_of(rate: Any) -> float:
    """Return a learning rate."""
    if isinstance(rate, bool) or not isinstance(rate, int | float | np.number) or not rate >= 0:
        raise ValueError(
            f"Fitter.set: learning_rate must be a number, at least 0; got {rate!r}. Pass one."
        )
    return float(rate)


def options_of(options: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Split the options of a fit into what is compared and how it runs."""
    if unknown := [name for name in options if name not in _GIVEN + _TOLD]:
        raise TypeError(
            f"Fitter.start: options must be among {choices(_GIVEN + _TOLD)}; got "
            f"{choices(unknown)}. Correct the name."
        )
    given = {name: options.get(name) for name in _GIVEN}
    return given, {name: options[name] for name in _TOLD if name in options}


def check_batches(backend: str, batch_size: Any) -> None:
    """Refuse mini-batches for a backend that compares losses of different steps."""
    if batch_size is not None and backend != "grad":
        raise ValueError(
            f"Fitter.fit: batch_size needs backend='grad'; got backend='{backend}', which compares "
            "losses of different steps. Leave it out."
        )


def validation_of(validation: Any, takes_inputs: bool) -> tuple[Any, Any]:
    """Return inputs and target that were held out."""
    if not takes_inputs:
        return None, validation
    if not isinstance(validation, tuple | list) or len(validation) != 2:
        raise ValueError(
            "Fitter.fit: validation must be a pair (inputs, target) where predict takes inputs; "
            f"got {type(validation).__name__}. Pass both."
        )
    return tuple(validation)


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


def loss_of(loss_fn, predict, objective, transient, metrics) -> FromLossFn | FromPrediction:
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
    metrics = {} if metrics is None else metrics
    if not isinstance(metrics, dict) or not all(callable(metric) for metric in metrics.values()):
        raise TypeError(
            f"Fitter: metrics must be a dict of functions of prediction and target; got "
            f"{metrics!r}. Pass for example metrics={{'accuracy': tasks.accuracy}}."
        )
    if loss_fn is not None:
        if objective is not None or transient is not None or metrics:
            raise ValueError(
                "Fitter: objective, transient and metrics go with predict; got them with loss_fn, "
                "which is the whole loss. Pass predict, or leave them out."
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
    return FromPrediction(predict, objective, transient, dict(metrics))


def outside() -> int:
    """Return the stack level of the first caller outside of this package."""
    frame, level = inspect.currentframe(), 0
    while frame is not None and __package__ in frame.f_globals.get("__name__", ""):
        frame, level = frame.f_back, level + 1
    return level
