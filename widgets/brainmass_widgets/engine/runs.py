"""What is asked of an engine and what it gives back, as plain arrays."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import brainunit as u
import numpy as np

__all__ = ["Outcome", "Request", "Series", "join", "plain"]


@dataclass(frozen=True)
class Request:
    """What to simulate: values by path in declared units, times in milliseconds."""

    values: dict[str, np.ndarray] = field(default_factory=dict)
    duration: float = 200.0
    dt: float = 0.1
    transient: float = 0.0
    seed: int = 0
    method: str | None = None
    seeds: int = 1
    stimulus: str = "none"
    inlet: str = ""

    @property
    def steps(self) -> int:
        """Whole steps of the run."""
        return max(1, round(self.duration / self.dt))


@dataclass(frozen=True, eq=False)
class Series:
    """One recorded signal.

    Attributes
    ----------
    name : str
        Its name.
    unit : brainunit.Unit
        Its unit.
    recorded : numpy.ndarray
        (time, region), or (time, seed, region) of several seeds.
    shape : tuple of int
        Shape of one sample.
    place : tuple of str and int, optional
        The monitor and the position in it, for a monitor that gives a tuple.
    """

    name: str
    unit: u.Unit
    recorded: np.ndarray
    shape: tuple[int, ...] = ()
    place: tuple[str, int] | None = None

    @property
    def several(self) -> bool:
        """Whether it holds several seeds."""
        return self.recorded.ndim == 3

    @cached_property
    def data(self) -> np.ndarray:
        """(time, region): the signal, or the median over the seeds."""
        return np.median(self.recorded, axis=1) if self.several else self.recorded

    def band(self, region: int) -> tuple[np.ndarray, np.ndarray] | None:
        """Return the 5 % and 95 % quantiles of one region over the seeds; None for one seed."""
        if not self.several:
            return None
        low, high = np.quantile(self.recorded[:, :, region], (0.05, 0.95), axis=1)
        return low, high

    @property
    def label(self) -> str:
        """The unit as text, empty for a plain number."""
        return "" if self.unit.is_unitless else str(self.unit)

    @property
    def values(self) -> Any:
        """The signal as the simulator records it, (time, ...) with its unit."""
        data = self.recorded.reshape(*self.recorded.shape[:-1], *self.shape)
        return data if self.unit.is_unitless else u.Quantity(data, unit=self.unit)


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a run gave.

    Attributes
    ----------
    request : Request
        What was asked.
    t0, step : float
        Time of the first sample and between samples, in ms.
    series : dict of str to Series
        The signals.
    problem : str
        Why the run ended early; empty if it did not.
    cure : float or None
        A step in ms with which it would have gone on.
    complete : bool
        False for what is there while a long run goes on.
    seconds : float
        Computing time, compiling included.
    compiled : int
        Programs compiled for this run.
    """

    request: Request
    t0: float
    step: float
    series: dict[str, Series]
    problem: str = ""
    cure: float | None = None
    complete: bool = True
    seconds: float = 0.0
    compiled: int = 0

    @property
    def samples(self) -> int:
        """Samples of each signal."""
        return rows(self.series)

    @property
    def times(self) -> np.ndarray:
        """Times of the samples in ms."""
        return self.t0 + self.step * np.arange(self.samples)

    @property
    def result(self) -> dict[str, Any]:
        """The signals and the time axis ``'ts'`` as :meth:`brainmass.Simulator.run` gives them."""
        out: dict[str, Any] = {}
        for name, series in self.series.items():
            if series.place is None:
                out[name] = series.values
            else:
                key, _ = series.place
                out[key] = (*out.get(key, ()), series.values)
        return {**out, "ts": u.Quantity(self.times, unit=u.ms)}

    @property
    def still(self) -> bool:
        """Whether nothing moves: every signal keeps its first value."""
        parts = [s.recorded for s in self.series.values()]
        return self.samples > 1 and all(bool((d == d[:1]).all()) for d in parts)


def plain(part: dict, batched: bool = False) -> dict[str, Series]:
    """Return the signals of a result as (time, region) arrays with units."""
    out = {}
    for name, value in part.items():
        if name == "ts":
            continue
        leaves = value if isinstance(value, tuple | list) else (value,)
        for k, leaf in enumerate(leaves):
            place = (name, k) if isinstance(value, tuple | list) else None
            key = name if place is None else f"{name}[{k}]"
            unit = u.get_unit(leaf)
            data = np.asarray(u.get_mantissa(leaf))
            lead = 2 if batched else 1
            flat = data.reshape(*data.shape[:lead], -1)
            out[key] = Series(key, unit, flat, data.shape[lead:], place)
    return out


def join(parts: list[dict[str, Series]]) -> dict[str, Series]:
    """Join the parts of a run in time."""
    if len(parts) < 2:
        return dict(parts[0]) if parts else {}
    return {
        name: replace(first, recorded=np.concatenate([p[name].recorded for p in parts]))
        for name, first in parts[0].items()
    }


def rows(series: dict[str, Series]) -> int:
    """Samples of the first signal."""
    return next((s.recorded.shape[0] for s in series.values()), 0)
