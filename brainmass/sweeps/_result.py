"""The result of a sweep: an xarray Dataset over the points, with units and coordinates."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from .._errors import choices
from ._points import Design
from ._recipe import Piece

__all__ = ["MARKS", "SBIArrays", "Variable", "coordinates", "decode", "to_sbi"]

# What every sweep says of its points, beside what is computed: type, value where nothing is known,
# attributes.
MARKS: dict[str, tuple[str, Any, dict[str, str]]] = {
    "finished": ("?", False, {"long_name": "whether the point was computed"}),
    "diverged": ("?", False, {"long_name": "whether the run left the finite numbers"}),
    "diverged_state": ("i1", -1, {"long_name": "first state that was not finite"}),
    "diverged_region": ("i4", -1, {"long_name": "region where it was not finite"}),
    "diverged_time": ("f8", np.nan, {"long_name": "when it was not finite", "units": "ms"}),
}


class Variable(NamedTuple):
    """One variable of the result: what its part of one point looks like."""

    dims: tuple[str, ...]
    shape: tuple[int, ...]
    dtype: np.dtype
    attrs: dict[str, str]

    @classmethod
    def of(cls, piece: Piece) -> Variable:
        """Return the variable that such a piece belongs to; whole numbers make room for NaN."""
        dtype = piece.array.dtype
        if dtype.kind in "biu":
            dtype = np.dtype(np.float64)
        attrs = {"units": piece.unit} if piece.unit else {}
        return cls(piece.dims, piece.array.shape, dtype, attrs)


def coordinates(design: Design) -> dict[str, tuple]:
    """Return the coordinates of the points: name to dims, values and attributes."""
    out: dict[str, tuple] = {}
    for name, column in design.columns.items():
        attrs = {"long_name": column.doc}
        if not column.unit.is_unitless:
            attrs["units"] = str(column.unit)
        dim = name if design.mode == "grid" else "point"
        if column.numbers is None:
            values, labels = _labels(column.objects)
            out[name] = (dim,), values, attrs | ({"labels": labels} if labels else {})
        elif column.scalar:
            out[name] = (dim,), column.numbers, attrs
        elif design.mode == "grid":
            out[name] = (dim,), np.arange(len(column)), {"long_name": f"number of the {column.doc}"}
            out[f"{name}_values"] = (dim, *column.axes), column.numbers, attrs
        else:
            out[name] = (dim, *column.axes), column.numbers, attrs
    if design.mode != "grid":
        out["point"] = ("point",), np.arange(design.dims["point"]), {"long_name": "number of point"}
    if design.seed_dim:
        out["seed"] = ("seed",), design.seeds, {"long_name": "seed of the noise"}
    return out


def _labels(objects) -> tuple[np.ndarray, list[str]]:
    """Return values that are no numbers as numbers, with names where they are distinct."""
    names = [str(getattr(o, "__name__", o)) for o in objects]
    plain = all(isinstance(o, str) or hasattr(o, "__name__") for o in objects)
    return np.arange(len(names)), names if plain and len(set(names)) == len(names) else []


def decode(dataset):
    """Return a stored dataset as the user sees it: names of states and choices as text."""
    dataset = dataset.copy()
    for name, variable in dict(dataset.variables).items():
        dataset[name].attrs.pop("result", None)
        if "labels" in variable.attrs:
            labels = np.array(list(variable.attrs["labels"]))
            attrs = {k: v for k, v in variable.attrs.items() if k != "labels"}
            dataset = dataset.assign_coords(
                {name: (variable.dims, labels[np.asarray(variable.values)], attrs)}
            )
    number = dataset["diverged_state"]
    if "flag_meanings" in number.attrs:
        names = np.array(["", *number.attrs["flag_meanings"].split()])
        attrs = {k: v for k, v in number.attrs.items() if k != "flag_meanings"}
        dataset = dataset.assign(
            diverged_state=(number.dims, names[number.values.astype(int) + 1], attrs)
        )
    return result_class()(dataset.data_vars, dataset.coords, dataset.attrs)


class SBIArrays(NamedTuple):
    """Arrays for simulation-based inference, one row per run.

    Parameters
    ----------
    theta : array (runs, parameters)
        Varied parameters, float32.
    x : array (runs, features)
        What was computed, flattened, float32; NaN where a run diverged.
    parameters : tuple of str
        What the columns of ``theta`` are, with units.
    features : tuple of str
        What the columns of ``x`` are.

    Examples
    --------
    >>> import brainmass, numpy as np
    >>> arrays = brainmass.sweeps.SBIArrays(np.zeros((3, 1)), np.zeros((3, 2)), ("k",), ("a", "b"))
    >>> arrays.theta.shape
    (3, 1)
    """

    theta: np.ndarray
    x: np.ndarray
    parameters: tuple[str, ...]
    features: tuple[str, ...]


def to_sbi(dataset, variables: str | Sequence[str] | None = None) -> SBIArrays:
    """Return parameters and results of a sweep as flat arrays for simulation-based inference.

    Parameters
    ----------
    dataset : xarray.Dataset
        Result of :func:`brainmass.sweep`, also one that was stored and opened again.
    variables : str or sequence of str, optional
        Which results become features. Default: all.

    Returns
    -------
    SBIArrays
        ``theta`` and ``x``, one row per finished run; each seed is a run of its own. Runs that
        diverged stay, with NaN, so that whoever infers can decide about them.

    Raises
    ------
    ValueError
        If there are no such variables, or all points shared their noise.

    Notes
    -----
    Inference needs noise that is independent from run to run. Random points have it; of a grid,
    ask for it with ``sweep(..., common=False)``.

    Examples
    --------
    >>> import brainmass, brainunit as u
    >>> sim = brainmass.Simulator(brainmass.HopfStep(2, init_x=0.1), dt=0.1 * u.ms)
    >>> result = brainmass.sweep(
    ...     sim, {"a": (-0.2, 0.4)}, mode="random", points=6, duration=20 * u.ms, monitors="x",
    ...     reduce={"power": lambda result: (result["x"] ** 2).mean(0)}, progress=False,
    ... )
    >>> arrays = result.to_sbi()
    >>> arrays.theta.shape, arrays.x.shape, arrays.parameters, arrays.features
    ((6, 1), (6, 2), ('a',), ('power[0]', 'power[1]'))
    """
    if "brainmass_sweep" not in getattr(dataset, "attrs", {}):
        raise TypeError(
            "to_sbi: dataset must be the result of brainmass.sweep; got "
            f"{type(dataset).__name__}. Pass what sweep returned or stored."
        )
    known = [name for name in dataset.data_vars if name not in MARKS]
    named = [variables] if isinstance(variables, str) else variables
    chosen = known if named is None else list(named)
    if not chosen or not set(chosen) <= set(known):
        raise ValueError(
            f"to_sbi: variables must be among {choices(known)}; got {variables!r}. "
            "Choose some of them."
        )
    if dataset.attrs.get("noise") == "common":
        raise ValueError(
            "to_sbi: noise must be independent from point to point; got a sweep whose points share "
            "theirs. Sweep with common=False."
        )
    dims = [str(d) for d in dataset["finished"].dims]
    rows = np.flatnonzero(dataset["finished"].transpose(*dims).values.ravel())
    theta, parameters = _flat(dataset, dataset.attrs["parameters"].split(), dims, rows)
    x, features = _flat(dataset, chosen, dims, rows)
    return SBIArrays(theta, x, parameters, features)


def _flat(dataset, names, dims: list[str], rows) -> tuple[np.ndarray, tuple[str, ...]]:
    parts, labels = [], []
    for name in names:
        array = dataset[f"{name}_values" if f"{name}_values" in dataset.coords else name]
        rest = [d for d in array.dims if d not in dims]
        array = array.broadcast_like(dataset["finished"]).transpose(*dims, *rest)
        flat = np.asarray(array.values).reshape(int(np.prod(array.shape[: len(dims)])), -1)[rows]
        if flat.dtype.kind == "c":
            flat = np.concatenate([flat.real, flat.imag], axis=1)
        unit = (
            f" [{array.attrs['units']}]"
            if name in dataset.coords and array.attrs.get("units")
            else ""
        )
        size = flat.shape[1]
        labels += [f"{name}{unit}"] if not rest else [f"{name}[{k}]{unit}" for k in range(size)]
        parts.append(flat.astype(np.float32))
    return np.concatenate(parts, axis=1), tuple(labels)


@cache
def result_class():
    """Return the class of results; xarray is imported when there is one."""
    import xarray

    class SweepResult(xarray.Dataset):
        """Result of a sweep: an xarray Dataset that can become arrays for inference.

        Parameters
        ----------
        data_vars, coords, attrs
            As for ``xarray.Dataset``; :func:`brainmass.sweep` gives them.

        Examples
        --------
        >>> import brainmass, brainunit as u
        >>> sim = brainmass.Simulator(brainmass.HopfStep(2, init_x=0.1), dt=0.1 * u.ms)
        >>> result = brainmass.sweep(
        ...     sim, {"a": [0.1, 0.2]}, duration=5 * u.ms, common=False, progress=False,
        ...     monitors="x",
        ... )
        >>> type(result).__name__, dict(result.sizes)
        ('SweepResult', {'a': 2, 'time': 50, 'region': 2})
        >>> result.sel(a=[0.2]).to_sbi("x").x.shape
        (1, 100)
        """

        __slots__ = ()

        @classmethod
        def from_xarray(cls, dataset):
            """Return a dataset that was stored as the result it was, for ``brainmass.load``.

            Parameters
            ----------
            dataset : xarray.Dataset
                As read from a file.

            Returns
            -------
            SweepResult
                The result.
            """
            return decode(dataset)

        def to_xarray(self):
            """Return the result as the dataset that it is, for ``brainmass.save``.

            Returns
            -------
            xarray.Dataset
                The same data.
            """
            return xarray.Dataset(self.data_vars, self.coords, self.attrs)

        def to_sbi(self, variables: str | Sequence[str] | None = None) -> SBIArrays:
            """Return flat arrays for simulation-based inference; see ``brainmass.sweeps.to_sbi``.

            Parameters
            ----------
            variables : str or sequence of str, optional
                Which results become features. Default: all.

            Returns
            -------
            SBIArrays
                ``theta`` and ``x``, one row per run.
            """
            return to_sbi(self, variables)

    SweepResult.__module__, SweepResult.__qualname__ = __name__, "SweepResult"
    return SweepResult


def __getattr__(name: str) -> Any:
    if name == "SweepResult":
        return result_class()
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
