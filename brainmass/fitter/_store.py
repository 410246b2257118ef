"""Results of fits as labelled arrays and files."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import brainunit as u
import jax
import numpy as np

from brainmass._version import __version__

from ._history import History
from ._pareto import ParetoFront
from ._result import FitResult

__all__ = ["from_xarray", "load", "save", "to_xarray"]

_KIND = "brainmass.FitResult"
_PLAIN = (
    "backend", "best_loss", "n_steps", "parts", "metrics", "validation", "interrupted", "message",
    "n_failed", "seed",
)  # fmt: skip


def to_xarray(result: FitResult) -> Any:
    """Return a result as a dataset; how to read it back is in its attributes."""
    xr = _xarray()
    variables: dict[str, Any] = {}
    history = result.history
    course = history if isinstance(history, History) else History({"loss": list(history)})
    columns = {name: _written(f"history.{name}", _stacked(course[name]), variables, "evaluation")
               for name in course.columns}  # fmt: skip
    layout = {
        "columns": columns,
        "params": _written("best", result.best_params, variables),
        "prediction": _written("prediction", result.prediction, variables),
        "aux": _written("aux", result.aux, variables),
        "pareto": _front(result.pareto, variables),
    }
    plain = {name: getattr(result, name) for name in _PLAIN}
    return xr.Dataset(
        {name: xr.Variable(dims, array, attrs) for name, (dims, array, attrs) in variables.items()},
        attrs={
            "kind": _KIND,
            "brainmass": __version__,
            "loss_unit": str(result.loss_unit),
            "result": json.dumps(plain),
            "layout": json.dumps(layout),
        },
    )


def from_xarray(dataset: Any) -> FitResult:
    """Return the result that a dataset was made of."""
    if dataset.attrs.get("kind") != _KIND:
        raise ValueError(
            "FitResult.from_xarray: dataset must come from FitResult.to_xarray; got "
            f"{dataset.attrs.get('kind', 'one of unknown origin')}. Pass such a dataset."
        )
    plain = json.loads(dataset.attrs["result"])
    layout = json.loads(dataset.attrs["layout"])
    columns = {name: _unstacked(_read(how, dataset)) for name, how in layout["columns"].items()}
    pareto = None
    if layout["pareto"] is not None:
        front = layout["pareto"]
        pareto = ParetoFront(
            {name: _read(how, dataset) for name, how in front["losses"].items()},
            [_read(how, dataset) for how in front["params"]],
        )
    return FitResult(
        **plain,
        best_params=_read(layout["params"], dataset),
        history=History(columns),
        prediction=_read(layout["prediction"], dataset),
        aux=_read(layout["aux"], dataset),
        loss_unit=u.Unit(dataset.attrs["loss_unit"]),
        pareto=pareto,
    )


def save(result: FitResult, path: str | os.PathLike) -> None:
    """Write a result to a NetCDF file; one that is there is replaced in one move."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.part")
    try:
        to_xarray(result).to_netcdf(temporary, engine="h5netcdf")
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def load(path: str | os.PathLike) -> FitResult:
    """Read a result from a NetCDF file."""
    xr = _xarray()
    if not Path(path).is_file():
        raise FileNotFoundError(
            f"FitResult.load: path must be a file written by FitResult.save; got '{path}', which "
            "does not exist. Correct it."
        )
    try:
        with xr.open_dataset(path, engine="h5netcdf", decode_cf=False) as dataset:
            loaded = dataset.load()
        return from_xarray(loaded)
    except (OSError, KeyError, TypeError, json.JSONDecodeError, ValueError) as error:
        raise ValueError(
            f"FitResult.load: path must be a file written by FitResult.save; got '{path}', which "
            "is damaged or something else. Choose another file."
        ) from error


def _xarray() -> Any:
    try:
        import h5netcdf  # noqa: F401
        import xarray
    except ImportError:
        raise ImportError(
            "FitResult: saving and xarray need the packages xarray and h5netcdf, which are not "
            "installed. Install them with: pip install 'brainmass[data]'"
        ) from None
    return xarray


def _written(name: str, tree: Any, variables: dict[str, Any], first: str | None = None) -> Any:
    """Add the arrays of a tree to the variables, and return how to put it together again."""
    if tree is None or isinstance(tree, bool | int | float | str):
        return {"plain": tree}
    if isinstance(tree, u.Quantity):
        inner = _written(name, u.get_mantissa(tree), variables, first)
        variables[inner["array"]][2]["units"] = str(tree.unit)
        return {"unit": str(tree.unit), **inner}
    if isinstance(tree, dict):
        parts = [[k, _written(f"{name}.{k}", v, variables, first)] for k, v in tree.items()]
        return {"dict": parts}
    if isinstance(tree, list | tuple):
        parts = [_written(f"{name}.{k}", v, variables, first) for k, v in enumerate(tree)]
        return {type(tree).__name__: parts}
    array = np.asarray(jax.device_get(tree))
    label = name.replace("/", "_")
    while label in variables:
        label += "_"
    dims = [f"{label}_{k}" for k in range(array.ndim)]
    if first is not None and dims:
        dims[0] = first
    stored = array.astype(np.int8) if array.dtype == bool else array
    variables[label] = (tuple(dims), stored, {})
    return {"array": label, "dtype": array.dtype.str}


def _read(how: dict[str, Any], dataset: Any) -> Any:
    if "plain" in how:
        return how["plain"]
    if "dict" in how:
        return {name: _read(part, dataset) for name, part in how["dict"]}
    if "list" in how or "tuple" in how:
        kind = list if "list" in how else tuple
        return kind(_read(part, dataset) for part in how[kind.__name__])
    array = np.asarray(dataset[how["array"]].values).astype(np.dtype(how["dtype"]), copy=False)
    return u.Quantity(array, unit=u.Unit(how["unit"])) if "unit" in how else array


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


def _front(front: ParetoFront | None, variables: dict[str, Any]) -> Any:
    if front is None:
        return None
    return {
        "losses": {n: _written(f"pareto.{n}", v, variables, "point")
                   for n, v in front.losses.items()},
        "params": [_written(f"pareto.{k}", p, variables) for k, p in enumerate(front.params)],
    }  # fmt: skip
