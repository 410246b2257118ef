"""Results of fits as labelled arrays; :mod:`brainmass.io` writes and reads the files."""

from __future__ import annotations

import json
from typing import Any

import brainstate
import brainunit as u
import jax
import numpy as np

from brainmass.io._codec import Reader, Writer
from brainmass.io._datasets import xarray_module
from brainmass.io._names import Finder

from ._history import History
from ._pareto import ParetoFront
from ._result import FitResult

__all__ = ["from_xarray", "to_xarray"]

_CONTENT = "fit"
_FOUND = "best_params"
_PLAIN = (
    "backend", "best_loss", "n_steps", "parts", "metrics", "validation", "interrupted", "message",
    "n_failed", "seed", "loss_unit", "best_params", "prediction", "aux",
    "simulations",
)  # fmt: skip


def to_xarray(result: FitResult) -> Any:
    """Return a result as a dataset; how to read it back is in its attributes."""
    xarray = xarray_module("FitResult.to_xarray")
    history = result.history
    course = history if isinstance(history, History) else History({"loss": list(history)})
    content = {name: getattr(result, name) for name in _PLAIN}
    content["history"] = {name: _stacked(course[name]) for name in course.columns}
    front = result.pareto
    content["pareto"] = None if front is None else {"losses": front.losses, "params": front.params}
    writer = Writer()
    description = writer.write(content)
    variables = {
        name: (_dims(name, data.ndim), data, {**attrs, **_role(name)})
        for name, (data, attrs) in writer.arrays.items()
    }
    attrs = {"backend": result.backend, "loss_unit": str(result.loss_unit)}
    if result.model is not None:
        attrs["model"] = repr(result.model).partition("\n")[0]
    if steps := _steps(result):
        attrs["dt"] = ", ".join(f"{float(u.Quantity(dt).to_decimal(u.ms))!r} ms" for dt in steps)
    if result.seed is not None:
        attrs["seed"] = int(result.seed)
    return xarray.Dataset(variables, attrs={**attrs, _CONTENT: json.dumps(description)})


def from_xarray(dataset: Any) -> FitResult:
    """Return the result that a dataset was made of."""
    if _CONTENT not in dataset.attrs:
        raise ValueError(
            "FitResult.from_xarray: dataset must come from FitResult.to_xarray; got one of another "
            "origin. Pass such a dataset."
        )
    arrays = {str(name): np.asarray(v.values) for name, v in dataset.variables.items()}
    content = Reader(arrays, Finder({})).read(json.loads(dataset.attrs[_CONTENT]))
    front = content.pop("pareto")
    columns = {name: _unstacked(column) for name, column in content.pop("history").items()}
    return FitResult(
        **content,
        history=History(columns),
        pareto=None if front is None else ParetoFront(front["losses"], front["params"]),
    )


def _steps(result: FitResult) -> list[Any]:
    """Return the integration steps of the fit: those of its simulations, else that of environ."""
    steps = [run["dt"] for run in result.simulations] or [brainstate.environ.get("dt", None)]
    numbers = {float(u.Quantity(dt).to_decimal(u.ms)): dt for dt in steps if dt is not None}
    return list(numbers.values())


def _role(name: str) -> dict[str, Any]:
    """Mark a fitted parameter as one, as the files of models do."""
    return {"role": "parameter", "fitted": 1} if name.startswith(f"{_FOUND}.") else {}


def _dims(name: str, count: int) -> tuple[str, ...]:
    dims = [f"{name}_{k}" for k in range(count)]
    if dims and name.startswith("history."):
        dims[0] = "evaluation"
    return tuple(dims)


def _stacked(column: Any) -> Any:
    """Return a column as arrays along the evaluations; one of dicts as a dict of columns."""
    if isinstance(column, list) and column and isinstance(column[0], dict):
        return jax.tree.map(lambda *leaves: np.stack([np.asarray(x) for x in leaves]), *column)
    return np.asarray(column) if isinstance(column, list) else column


def _unstacked(column: Any) -> list:
    if isinstance(column, dict):
        leaves = jax.tree.leaves(column)
        return [jax.tree.map(lambda leaf, k=k: leaf[k], column) for k in range(len(leaves[0]))]
    if isinstance(column, u.Quantity):
        return [u.Quantity(part, unit=column.unit) for part in np.asarray(column.mantissa)]
    plain = column.ndim == 1 and column.dtype in (np.float64, np.int64)
    return column.tolist() if plain else list(column)
