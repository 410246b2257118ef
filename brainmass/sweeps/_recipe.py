"""What is made of each point: monitors of the run, reducers inside its loop, functions of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import brainunit as u
import jax
import numpy as np

__all__ = ["Piece", "Recipe", "read_recipe"]

_DEFAULT = "output"


@dataclass(frozen=True)
class Piece:
    """One variable of one point.

    Attributes
    ----------
    array : array
        Bare numbers.
    unit : str
        Their unit; empty for plain numbers.
    dims : tuple of str
        Names of the axes.
    coords : dict
        From an axis to its values and their unit, where they are known.
    """

    array: np.ndarray
    unit: str
    dims: tuple[str, ...]
    coords: dict[str, tuple[np.ndarray, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Recipe:
    """What each point records and what is kept of it.

    Attributes
    ----------
    monitors : any
        For ``Simulator.run``; a dict where there are reducers.
    kept : tuple of str or None
        Which entries of the result are kept as they are; None for all.
    functions : dict
        Functions of the result, by the name of what they give.
    """

    monitors: Any
    kept: tuple[str, ...] | None
    functions: dict[str, Callable]

    def pieces(self, result: dict, shape: tuple[int, ...]) -> dict[str, Piece]:
        """Return the variables of one point from the result of its run."""
        kept = self.kept
        if kept is None:
            kept = tuple(k for k in result if k != "ts" and not k.endswith(".ts"))
        out: dict[str, Piece] = {}
        for name in kept:
            label = partial(_recorded, name, result=result, shape=shape, reduced=self._reduced)
            _add(out, name, result[name], label)
        for name, function in self.functions.items():
            _add(out, name, function(result), _computed)
        return out

    @property
    def _reduced(self) -> set[str]:
        """Names of what has no time axis."""
        named = self.monitors.items() if isinstance(self.monitors, Mapping) else ()
        return {name for name, item in named if getattr(type(item), "reduces", False)}


def read_recipe(monitors, reduce) -> Recipe:
    """Read ``monitors`` and ``reduce`` of a sweep."""
    if reduce is None:
        return Recipe(monitors, None, {})
    if not isinstance(reduce, Mapping):
        reduce = {reduce if isinstance(reduce, str) else "value": reduce}
    if not reduce:
        raise ValueError(
            "sweep: reduce must name at least one result; got none. Omit it to keep what the "
            "monitors record."
        )
    inside, functions = {}, {}
    for name, item in reduce.items():
        _check_name(name)
        if is_monitor(item):
            inside[name] = item
        elif callable(item):
            functions[name] = item
        else:
            raise TypeError(
                f"sweep: reduce['{name}'] must be a function of the result, a reducer or the name "
                f"of a state; got {item!r}. Pass for example lambda result: result['x'].mean()."
            )
    if not inside:
        return Recipe(monitors, (), functions)
    recorded = _as_dict(monitors) if functions or monitors is not None else {}
    if both := sorted(recorded.keys() & inside.keys()):
        raise ValueError(
            f"sweep: names of reduce must differ from those of monitors; got '{both[0]}' in both. "
            "Rename one."
        )
    return Recipe({**recorded, **inside}, tuple(inside), functions)


def is_monitor(item) -> bool:
    """Whether something is recorded inside the loop, rather than a function of the result."""
    return isinstance(item, str) or hasattr(type(item), "observer_rules")


def _check_name(name) -> None:
    if not isinstance(name, str) or not name or name == "ts" or "/" in name:
        raise ValueError(
            "sweep: names in reduce must be text other than 'ts', without '/'; got "
            f"{name!r}. Rename it."
        )


def _as_dict(monitors) -> dict:
    if monitors is None or (callable(monitors) and not isinstance(monitors, str)):
        return {_DEFAULT: monitors}
    if isinstance(monitors, str):
        return {monitors: monitors}
    if isinstance(monitors, Mapping):
        return dict(monitors)
    if isinstance(monitors, Iterable):
        return {item: item for item in monitors}
    return {_DEFAULT: monitors}


# -- from a result to named arrays ---------------------------------------------------------------


def _add(out: dict, name: str, value, make: Callable) -> None:
    """Add one value, or each of several, under names of their own."""
    if isinstance(value, Mapping):
        for key, part in value.items():
            _add(out, f"{name}_{key}", part, make)
    elif isinstance(value, list | tuple) and any(np.ndim(u.get_mantissa(v)) for v in value):
        for k, part in enumerate(value):
            _add(out, f"{name}_{k}", part, make)
    else:
        out[name] = make(name, value)


def _bare(name: str, value) -> tuple[np.ndarray, str]:
    unit = u.get_unit(value) if isinstance(value, u.Quantity | jax.Array) else u.UNITLESS
    array = np.asarray(u.get_mantissa(value))
    if array.dtype.kind not in "biufc":
        raise TypeError(
            f"sweep: reduce['{name}'] must give numbers; got {type(value).__name__} of dtype "
            f"{array.dtype}. Return numbers, arrays or quantities."
        )
    return array, "" if unit.is_unitless else str(unit)


def _recorded(item: str, name: str, value, result: dict, shape, reduced) -> Piece:
    """Name the axes of what a run recorded; reducers have no time."""
    array, unit = _bare(name, value)
    own = f"{item}.ts"
    times = None if item in reduced else result.get(own, result.get("ts"))
    dims, coords, rest = (), {}, array.shape
    if times is not None and array.ndim:
        time = f"time_{item}" if own in result else "time"
        dims, rest = (time,), array.shape[1:]
        coords[time] = (np.asarray(u.get_mantissa(times)), str(u.get_unit(times)))
    return Piece(array, unit, (*dims, *_axes(name, rest, shape)), coords)


def _axes(name: str, rest: tuple[int, ...], shape: tuple[int, ...]) -> tuple[str, ...]:
    if len(shape) == 1 and rest == shape:
        return ("region",)
    if len(shape) == 1 and rest == shape * 2:
        return ("region", "other_region")
    return tuple(f"{name}_{k}" for k in range(len(rest)))


def _computed(name: str, value) -> Piece:
    """Name the axes of what a function returned; a DataArray has named them itself."""
    if hasattr(value, "dims") and hasattr(value, "coords"):
        coords = {
            dim: (np.asarray(value.coords[dim]), value.coords[dim].attrs.get("units", ""))
            for dim in value.dims
            if dim in value.coords
        }
        array, _ = _bare(name, value.values)
        return Piece(array, value.attrs.get("units", ""), tuple(map(str, value.dims)), coords)
    array, unit = _bare(name, value)
    return Piece(array, unit, tuple(f"{name}_{k}" for k in range(array.ndim)))
