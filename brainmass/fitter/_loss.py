"""What is minimised: ``loss_fn``, or an objective of what ``predict`` returns."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import brainstate
import brainunit as u
import jax
import numpy as np

from brainmass import objectives
from brainmass._compat import is_tracer
from brainmass._errors import UnitError, choices

from ._space import is_quantity, map_leaves

__all__ = ["FromLossFn", "FromPrediction"]


@dataclass(frozen=True)
class FromLossFn:
    """``loss_fn(model)`` or ``loss_fn(model, target)``, returning ``loss`` or ``(loss, aux)``."""

    loss_fn: Callable

    def check_target(self, target: Any) -> None:
        """Refuse a target that would not be used."""
        if target is not None and _required(self.loss_fn) < 2:
            raise ValueError(
                "Fitter.fit: target must not be given to a loss_fn(model); got one that would be "
                "ignored. Write loss_fn(model, target), or use predict and objective."
            )

    def __call__(self, model: Any, target: Any) -> tuple[Any, dict]:
        """Evaluate the loss."""
        both = _required(self.loss_fn) >= 2
        out = self.loss_fn(model, target) if both else self.loss_fn(model)
        loss, aux = out if isinstance(out, tuple) and len(out) == 2 else (out, None)
        return loss, {"parts": {}, "prediction": None, "aux": aux}


@dataclass(frozen=True)
class FromPrediction:
    """An objective, or a dict of them, of what ``predict(model)`` returns, and regularisation."""

    predict: Callable
    objective: Any
    transient: Any

    def check_target(self, target: Any) -> None:
        """Refuse a missing target where the objective needs one."""
        if target is not None:
            return
        parts = self.objective.values() if isinstance(self.objective, dict) else [self.objective]
        for part in parts:
            if getattr(part, "__module__", None) == objectives.__name__ and _required(part) >= 2:
                raise ValueError(
                    f"Fitter.fit: target must be given for the objective "
                    f"'{part.__name__}'; got none. Pass fit(target=data)."
                )

    def __call__(self, model: Any, target: Any) -> tuple[Any, dict]:
        """Evaluate loss, its parts and the prediction without its transient."""
        prediction = self._settled(self.predict(model))
        if isinstance(self.objective, dict):
            parts = self._by_name(prediction, target)
        else:
            parts = _parts(self.objective, _only(prediction, self.objective), target)
        penalty = model.reg_loss()
        if not (isinstance(penalty, int | float) and penalty == 0):
            parts = {**parts, "regularization": penalty}
        return _total(parts), {
            "parts": parts if len(parts) > 1 else {},
            "prediction": prediction,
            "aux": None,
        }

    def _by_name(self, prediction: Any, target: Any) -> dict[str, Any]:
        if not isinstance(prediction, dict) or not set(self.objective) <= set(prediction):
            given = choices(prediction) if isinstance(prediction, dict) else "no dict"
            raise ValueError(
                f"Fitter: predict must return a dict with {choices(self.objective)}, one for each "
                f"objective; got {given}. Return them by name."
            )
        parts = {}
        for name, objective in self.objective.items():
            data = target[name] if isinstance(target, dict) else target
            found = _parts(objective, prediction[name], data)
            single = len(found) == 1
            parts |= {name if single else f"{name}.{key}": part for key, part in found.items()}
        return parts

    def _settled(self, prediction: Any) -> Any:
        if self.transient is None:
            return prediction
        rows = self.transient
        if is_quantity(rows):
            rows = round(float(rows.to_decimal(u.ms)) / _interval(prediction))

        def drop(leaf):
            if np.ndim(leaf) == 0:
                return leaf
            if np.shape(leaf)[0] <= rows:
                raise ValueError(
                    f"Fitter: transient must be shorter than the prediction of "
                    f"{np.shape(leaf)[0]} samples; got {rows}. Predict longer or drop less."
                )
            return leaf[rows:]

        return map_leaves(drop, prediction)


def check_transient(transient: Any) -> None:
    """Refuse what is neither a number of samples nor a time."""
    if transient is None:
        return
    if is_quantity(transient):
        if not u.have_same_dim(u.get_unit(transient), u.ms):
            raise UnitError(
                f"Fitter: transient must be a time or a number of samples; got "
                f"[{u.get_unit(transient)}]. Pass for example 20 * u.ms."
            )
        value = float(u.get_mantissa(transient))
    elif isinstance(transient, int | np.integer) and not isinstance(transient, bool):
        value = int(transient)
    else:
        raise TypeError(
            f"Fitter: transient must be a time or a whole number of samples; got {transient!r}. "
            "Pass for example 20 * u.ms."
        )
    if not (np.isfinite(value) and value >= 0):
        raise ValueError(
            f"Fitter: transient must not be negative or infinite; got {transient}. Pass 0 or more."
        )


def _interval(prediction: Any) -> float:
    """Return the sampling interval in ms: of the time axis of a result, else environ's ``dt``."""
    times = prediction.get("ts") if isinstance(prediction, dict) else None
    if times is not None and not is_tracer(times) and np.shape(times)[0] > 1:
        return float((times[1] - times[0]).to_decimal(u.ms))
    dt = brainstate.environ.get("dt", None)
    if dt is None:
        raise ValueError(
            "Fitter: a transient given as a time needs the sampling interval of the prediction; "
            "got a prediction without 'ts' and no dt in brainstate.environ. Give transient as a "
            "number of samples, or set dt."
        )
    return float(dt.to_decimal(u.ms))


def _required(function: Callable) -> int:
    """Count the positional arguments that a function accepts and has no default for."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return 1
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(p.kind in positional and p.default is p.empty for p in parameters)


def _parts(objective: Any, prediction: Any, target: Any) -> dict[str, Any]:
    data = (prediction, target)
    if target is None and _required(objective) < 2:
        data = (prediction,)
    if hasattr(objective, "parts"):
        return objective.parts(*data)
    return {getattr(objective, "__name__", "objective"): objective(*data)}


def _only(prediction: Any, objective: Any) -> Any:
    """Return the one series of a simulation result that a ready-made objective can take."""
    ours = getattr(objective, "__module__", None) == objectives.__name__
    ours = ours or isinstance(objective, objectives.combine)
    if not ours or not isinstance(prediction, dict):
        return prediction
    names = [name for name in prediction if name != "ts"]
    if len(names) != 1:
        raise ValueError(
            f"Fitter: predict must return one array for a single objective; got a dict with "
            f"{choices(names)}. Return one of them, or give a dict of objectives by name."
        )
    return prediction[names[0]]


def _total(parts: dict[str, Any]) -> Any:
    values = list(parts.values())
    dims = {str(u.get_dim(value)) for value in values}
    if len(dims) > 1:
        found = ", ".join(f"'{n}' [{u.get_unit(v)}]" for n, v in parts.items())
        raise UnitError(
            f"Fitter: the parts of the loss must have the same unit; got {found}. Weight them with "
            "objectives.combine, for example by 1 / (5 * u.mV)."
        )
    total = sum(values[1:], start=values[0]) if values else 0.0
    if jax.tree.leaves(total) and np.shape(u.get_mantissa(total)) != ():
        raise ValueError(
            f"Fitter: the objective must return one number; got shape {np.shape(total)}. "
            "Reduce it, for example with a mean."
        )
    return total
