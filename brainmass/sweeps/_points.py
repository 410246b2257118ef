"""Which points a sweep visits: grids, pairs, random draws, and seeds."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import brainunit as u
import numpy as np

from .._errors import choices
from ._targets import Column, Target, find_target

__all__ = ["MODES", "SAMPLERS", "Design", "read_design", "read_seeds"]

MODES = ("grid", "zip", "random")
SAMPLERS = ("uniform", "sobol", "latin")
_MOST_SEEDS = 2**31


@dataclass(frozen=True)
class Design:
    """Every point of a sweep; a point is a choice of values and a seed.

    Attributes
    ----------
    targets : dict
        What is varied, by name.
    columns : dict
        The values of each.
    dims : dict
        Length of each dimension of the points, by its name.
    seeds : array of int
        Seeds; each point is run with each of them, which vary fastest.
    seed_dim : bool
        Whether seeds are a dimension of the result.
    common : bool
        Whether all points share their random numbers.
    mode : str
        How the columns are combined.
    """

    targets: dict[str, Target]
    columns: dict[str, Column]
    dims: dict[str, int]
    seeds: np.ndarray
    seed_dim: bool
    common: bool
    mode: str

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of all dimensions, seeds last."""
        return (*self.dims.values(), *((len(self.seeds),) if self.seed_dim else ()))

    @property
    def dim_names(self) -> tuple[str, ...]:
        """Names of all dimensions, seeds last."""
        return (*self.dims, *(("seed",) if self.seed_dim else ()))

    def __len__(self) -> int:
        return int(np.prod(self.shape, dtype=np.int64))

    def rows(self, flat: int) -> dict[str, int]:
        """Return which value of each column the point ``flat`` has."""
        point = flat // len(self.seeds)
        if self.mode != "grid":
            return dict.fromkeys(self.columns, point)
        places = np.unravel_index(point, tuple(self.dims.values()))
        return {name: int(k) for name, k in zip(self.columns, places, strict=True)}

    def values(self, flat: int) -> dict[str, Any]:
        """Return the values of one point, with units."""
        return {name: self.columns[name].value(int(k)) for name, k in self.rows(flat).items()}

    def seed(self, flat: int) -> int:
        """Return the seed of the noise of one point."""
        point, k = divmod(flat, len(self.seeds))
        return int(self.seeds[k]) if self.common else own_seed(int(self.seeds[k]), point)

    def where(self, flat: int) -> str:
        """Say in words which point this is."""
        out = []
        for name, k in self.rows(flat).items():
            column = self.columns[name]
            value = column.value(int(k))
            shown = f"{u.get_mantissa(value):g}" if column.scalar else f"[{k}]"
            unit = "" if not column.scalar or column.unit.is_unitless else f" {column.unit}"
            out.append(f"{name} = {shown}{unit}")
        return ", ".join(out)


def own_seed(seed: int, point: int) -> int:
    """Return the seed of a point that shares its random numbers with no other."""
    return int(np.random.SeedSequence([seed, point]).generate_state(1)[0] >> 1)


def read_seeds(seeds) -> tuple[np.ndarray, bool]:
    """Return the seeds, and whether they are a dimension."""
    if seeds is None:
        return np.zeros(1, np.int64), False
    whole = isinstance(seeds, int | np.integer) and not isinstance(seeds, bool)
    if whole and 0 < seeds <= 10**9:
        return np.arange(seeds), True
    try:
        array = np.asarray(seeds)
    except (TypeError, ValueError):
        array = np.empty(0)
    fits = array.ndim == 1 and array.size and array.dtype.kind in "iu"
    if not fits or (array < 0).any() or (array >= _MOST_SEEDS).any():
        raise ValueError(
            "sweep: seeds must be how many there are, or a list of different integers from 0 to "
            f"2**31 - 1; got {seeds!r}. Pass for example seeds=10."
        )
    if len(np.unique(array)) < len(array):
        raise ValueError(
            f"sweep: seeds must differ from each other; got {seeds!r}. Name each of them once."
        )
    return array.astype(np.int64), True


def read_design(model, params, mode: str, seeds, common, points, sampler, sample_seed) -> Design:
    """Read and check what a sweep varies."""
    if mode not in MODES:
        raise ValueError(
            f"sweep: mode must be one of {choices(MODES)}; got {mode!r}. Choose one of them."
        )
    if not isinstance(params, Mapping) or not params:
        raise TypeError(
            "sweep: params must be a dict from dotted names to values, with at least one; got "
            f"{params!r}. Pass for example {{'node.a': np.linspace(0, 1, 11)}}."
        )
    targets = {name: find_target(model, name) for name in params}
    if mode == "random":
        columns = _draw(targets, params, points, sampler, sample_seed)
    else:
        if points is not None:
            raise ValueError(
                f"sweep: points (how many are drawn) must be left out with mode='{mode}'; got "
                f"{points!r}. Use mode='random'."
            )
        columns = {name: targets[name].read(values) for name, values in params.items()}
    if common is None:
        common = mode != "random"
    if not isinstance(common, bool):
        raise TypeError(
            f"sweep: common (whether points share their noise) must be True or False; got "
            f"{common!r}. Pass one of them."
        )
    chosen, seed_dim = read_seeds(seeds)
    return Design(targets, columns, _dims(columns, mode), chosen, seed_dim, common, mode)


def _dims(columns: dict[str, Column], mode: str) -> dict[str, int]:
    sizes = {name: len(column) for name, column in columns.items()}
    if mode == "grid":
        return sizes
    if len(set(sizes.values())) > 1:
        raise ValueError(
            "sweep: params must have equally many values with mode='zip'; got "
            f"{', '.join(f'{n} for {name!r}' for name, n in sizes.items())}. Make them alike, or "
            "use mode='grid'."
        )
    return {"point": next(iter(sizes.values()))}


# -- random points ----------------------------------------------------------------------------


def _draw(targets, params, points, sampler, sample_seed) -> dict[str, Column]:
    if not isinstance(points, int | np.integer) or isinstance(points, bool) or points < 1:
        raise ValueError(
            "sweep: points (how many are drawn) must be a positive integer with mode='random'; "
            f"got {points!r}. Pass for example points=1000."
        )
    if sampler not in SAMPLERS:
        raise ValueError(
            f"sweep: sampler must be one of {choices(SAMPLERS)}; got {sampler!r}. Choose one."
        )
    whole = isinstance(sample_seed, int | np.integer) and not isinstance(sample_seed, bool)
    if not whole or sample_seed < 0:
        raise ValueError(
            "sweep: sample_seed (of the points) must be a non-negative integer; got "
            f"{sample_seed!r}. Pass for example sample_seed=0."
        )
    laws = {name: _law(targets[name], given) for name, given in params.items()}
    rng = np.random.default_rng(sample_seed)
    cube = _unit_cube(sampler, int(points), sum(law.size for law in laws.values()), rng)
    columns, used = {}, 0
    for name, law in laws.items():
        values = law.values(cube[:, used : used + law.size], rng)
        used += law.size
        columns[name] = targets[name].read(values)
        if len(columns[name]) != points:
            raise ValueError(
                f"sweep: params['{name}'] must draw one value per point, {points}; got "
                f"{len(columns[name])}. Return an array whose first axis is the points."
            )
    return columns


def _unit_cube(sampler: str, points: int, size: int, rng) -> np.ndarray:
    if sampler == "uniform" or size == 0:
        return rng.random((points, size))
    from scipy.stats import qmc

    if sampler == "latin":
        return qmc.LatinHypercube(size, rng=rng).random(points)
    with warnings.catch_warnings():
        # Any number of points is fine; a power of two merely fills space most evenly.
        warnings.filterwarnings("ignore", message="The balance properties of Sobol")
        return qmc.Sobol(size, rng=rng).random(points)


@dataclass(frozen=True)
class _Law:
    """How one parameter is drawn, from ``size`` uniform numbers per point or from a generator."""

    size: int
    function: Any

    def values(self, cube: np.ndarray, rng):
        return self.function(cube, rng)


def _law(target: Target, given) -> _Law:
    name = target.name
    if target.bare is None:
        raise ValueError(
            f"sweep: params['{name}'] must not be drawn at random; got mode='random'. "
            "Use mode='zip' with a list of values."
        )
    if hasattr(given, "ppf"):
        return _Law(1, lambda cube, rng: given.ppf(cube[:, 0]) * _one(target))
    if callable(given):
        return _Law(0, lambda cube, rng: given(rng, len(cube)))
    if isinstance(given, tuple) and len(given) in (2, 3) and given[2:] in ((), ("log",)):
        return _interval(target, given)
    raise TypeError(
        f"sweep: params['{name}'] must be (low, high), (low, high, 'log'), a scipy.stats "
        f"distribution or a function of (rng, n) with mode='random'; got {given!r}. "
        "Pass one of these."
    )


def _one(target: Target):
    return 1.0 if target.unit.is_unitless else u.Quantity(1.0, unit=target.unit)


def _interval(target: Target, given: tuple) -> _Law:
    bare: Any = target.bare
    low, high = (np.asarray(bare(v), np.float64) for v in given[:2])
    low, high = np.broadcast_arrays(low, high)
    log = len(given) == 3
    if not np.isfinite([low, high]).all() or not (low < high).all():
        raise ValueError(
            f"sweep: params['{target.name}'] must be (low, high) with finite low < high; got "
            f"({_shown(low)}, {_shown(high)}). Correct the interval."
        )
    if log and (low <= 0).any():
        raise ValueError(
            f"sweep: params['{target.name}'] must have a positive low end to be drawn on a "
            f"logarithmic scale; got {_shown(low)}. Raise it."
        )

    def values(cube, rng):
        cube = cube.reshape(len(cube), *low.shape)
        if log:
            numbers = np.exp(np.log(low) + cube * (np.log(high) - np.log(low)))
        else:
            numbers = low + cube * (high - low)
        return numbers * _one(target)

    return _Law(low.size, values)


def _shown(value: np.ndarray) -> str:
    return f"{value:g}" if value.ndim == 0 else f"an array {value.shape}"
