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

from ._calls import comparing, in_loss_fn, number, traced
from ._space import is_quantity, map_leaves

__all__ = ["FromLossFn", "FromPrediction", "check_transient", "ours", "series_of"]


@dataclass(frozen=True)
class FromLossFn:
    """``loss_fn(model)``, ``(model, target)`` or ``(model, inputs, target)``.

    It returns ``loss`` or ``(loss, aux)``. What parameters declare as regularisation is added
    unless it has asked for it itself.
    """

    loss_fn: Callable
    objective = None

    @property
    def takes_inputs(self) -> bool:
        """Whether the function is given inputs."""
        return _required(self.loss_fn) >= 3

    def check(self, inputs: Any, target: Any) -> None:
        """Refuse a target or inputs that would not be used."""
        if target is not None and _required(self.loss_fn) < 2:
            raise ValueError(
                "Fitter.fit: target must not be given to a loss_fn(model); got one that would be "
                "ignored. Write loss_fn(model, target), or use predict and objective."
            )
        _check_inputs(self.takes_inputs, inputs, "loss_fn(model, inputs, target)")

    def __call__(self, model: Any, inputs: Any, target: Any) -> tuple[Any, dict]:
        """Evaluate the loss."""
        given = (model, inputs, target)[: max(1, min(_required(self.loss_fn), 3))]
        given = (model, target) if len(given) == 2 else given
        asked = _watch_regularisation(model)
        with in_loss_fn(target):
            out = self.loss_fn(*given)
        loss, aux = out if isinstance(out, tuple) and len(out) == 2 else (out, None)
        loss = number(loss, "loss_fn")
        parts = {} if asked else _penalty(model)
        if parts:
            parts = {"loss_fn": loss, **parts}
            loss = _total(parts)
        return loss, {"parts": parts, "prediction": None, "aux": aux, "metrics": {}}


@dataclass(frozen=True)
class FromPrediction:
    """An objective, or a dict of them, of what ``predict`` returns, and regularisation."""

    predict: Callable
    objective: Any
    transient: Any
    metrics: dict[str, Callable]

    @property
    def takes_inputs(self) -> bool:
        """Whether the function is given inputs."""
        return _required(self.predict) >= 2

    def check(self, inputs: Any, target: Any) -> None:
        """Refuse a target that is missing or not finite where the objective is one of ours."""
        _check_inputs(self.takes_inputs, inputs, "predict(model, inputs)")
        named = isinstance(self.objective, dict)
        if named and isinstance(target, dict):
            _check_names(self.objective, target)
        for name, part in self.objective.items() if named else [("", self.objective)]:
            if not ours(part) or _required(part) < 2:
                continue
            data = target.get(name) if named and isinstance(target, dict) else target
            if data is None:
                raise ValueError(
                    f"Fitter.fit: target must be given for the objective "
                    f"'{part.__name__}'; got none. Pass fit(target=data)."
                )
            for leaf in map(np.asarray, jax.tree.leaves(data)):
                if leaf.dtype.kind == "f" and not np.isfinite(leaf).all():
                    raise ValueError(
                        f"Fitter.fit: target must be finite for the objective '{part.__name__}'; "
                        "got NaN or infinite values. Cut them out of target and prediction."
                    )

    def __call__(self, model: Any, inputs: Any, target: Any) -> tuple[Any, dict]:
        """Evaluate loss, its parts, the metrics and the prediction without its transient."""
        given = (model, inputs) if self.takes_inputs else (model,)
        with traced("predict"):
            prediction = self.predict(*given)
        if prediction is None:
            raise ValueError(
                "Fitter: predict must return what is compared with the target; got None. Return it."
            )
        prediction = self._settled(prediction)
        if isinstance(self.objective, dict):
            parts = self._by_name(prediction, target)
        else:
            parts = _parts(self.objective, series_of(prediction, self.objective), target)
        parts = {**parts, **_penalty(model)}
        return _total(parts), {
            "parts": parts if len(parts) > 1 else {},
            "prediction": prediction,
            "aux": None,
            "metrics": {n: _metric(n, f, prediction, target) for n, f in self.metrics.items()},
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


def ours(objective: Any) -> bool:
    """Whether an objective is a function of :mod:`brainmass.objectives`."""
    return (getattr(objective, "__module__", None) or "").startswith(objectives.__name__)


def _check_names(objectives: dict[str, Any], target: dict[str, Any]) -> None:
    needed = {name for name, part in objectives.items() if _required(part) >= 2}
    if needed - set(target) or set(target) - set(objectives):
        raise ValueError(
            f"Fitter.fit: target must have one entry for each objective, {choices(objectives)}; "
            f"got {choices(target)}. Name them alike."
        )


def _check_inputs(wanted: bool, inputs: Any, form: str) -> None:
    if wanted and inputs is None:
        raise ValueError(
            f"Fitter.fit: inputs must be given to {form}; got none. Pass fit(target, inputs=...)."
        )
    if not wanted and inputs is not None:
        raise ValueError(
            f"Fitter.fit: inputs are for {form}; got a function that does not take them. "
            "Give it the argument, or leave inputs out."
        )


def _penalty(model: Any) -> dict[str, Any]:
    """Return what the parameters declare as regularisation or prior, by the name of its part."""
    penalty = model.reg_loss()
    none = isinstance(penalty, int | float) and penalty == 0
    return {} if none else {"regularization": penalty}


def _watch_regularisation(model: Any) -> list:
    """Return a list that grows when somebody asks a parameter for its regularisation."""
    asked: list = []

    def watched(param):
        own = type(param).reg_loss

        def reg_loss():
            if param.reg is not None:
                asked.append(param)
            return own(param)

        return reg_loss

    for param in model.param_modules():
        vars(param)["reg_loss"] = watched(param)  # given back with the model after the trace
    return asked


def _metric(name: str, function: Callable, prediction: Any, target: Any) -> Any:
    with comparing(f"metric '{name}'", prediction, target):
        value = function(prediction, target)
    if value is None:
        raise ValueError(f"Fitter: metric '{name}' must return one number; got None. Return it.")
    if np.shape(u.get_mantissa(value)) != ():
        raise ValueError(
            f"Fitter: metric '{name}' must return one number; got shape {np.shape(value)}. "
            "Reduce it, for example with a mean."
        )
    return value


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
    name = getattr(objective, "__name__", "objective")
    what = "objective" if name in ("<lambda>", "objective") else f"objective '{name}'"
    with comparing(f"the {what}", prediction, target):
        parts = objective.parts(*data) if hasattr(objective, "parts") else {name: objective(*data)}
    return {name: number(part, f"the {what}") for name, part in parts.items()}


def series_of(prediction: Any, objective: Any) -> Any:
    """Return the one series of a simulation result that a ready-made objective can take."""
    known = ours(objective) or isinstance(objective, objectives.combine)
    if not known or not isinstance(prediction, dict):
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
    return sum(values[1:], start=values[0]) if values else 0.0
