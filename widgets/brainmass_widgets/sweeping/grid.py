"""The grid of a sweep, and the runs on it; knows nothing of widgets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import brainunit as u
import numpy as np

from ..engine import Engine, Field, Request
from ..plans import plan_for
from ..quantities import show
from .observables import Observable

__all__ = ["SWEPT", "Ramp", "Sweep", "ramp_of", "refined"]

SWEPT = ("Parameters", "Coupling", "Noise", "Constant input", "Initial values")
"""Groups of numbers that can be swept."""

MOST = 512
"""Points along one axis."""


@dataclass(frozen=True)
class Ramp:
    """The values of one axis: equal steps, or equal factors if ``log``.

    ``path`` is the name of the number, ``lo`` and ``hi`` are in its declared unit.
    """

    path: str
    lo: float
    hi: float
    points: int = 24
    log: bool = False

    def __post_init__(self):
        if not (np.isfinite([self.lo, self.hi]).all() and self.lo < self.hi):
            raise ValueError(
                f"SweepWidget: '{self.path}' must run from a smaller to a larger number; got "
                f"{show(self.lo)} to {show(self.hi)}. Correct an end."
            )
        if not 2 <= self.points <= MOST:
            raise ValueError(
                f"SweepWidget: '{self.path}' must have from 2 to {MOST} points; got "
                f"{self.points}. Give for example 24."
            )
        if self.log and not self.lo > 0:
            raise ValueError(
                f"SweepWidget: '{self.path}' must be positive on a logarithmic axis; got "
                f"{show(self.lo)}. Raise the lower end or take equal steps."
            )

    @property
    def values(self) -> np.ndarray:
        """The values, rounded so that they can be written down."""
        if self.log:
            raw = np.geomspace(self.lo, self.hi, self.points)
        else:
            raw = np.linspace(self.lo, self.hi, self.points)
        return np.array([float(f"{v:.9g}") for v in raw])


def ramp_of(f: Field, given: Any, start: np.ndarray) -> Ramp:
    """Return the axis of a field: as given, or over its useful range.

    Parameters
    ----------
    f : Field
        The number.
    given : tuple or None
        ``(low, high)`` or ``(low, high, points)``, with or without units.
    start : numpy.ndarray
        Its value now.
    """
    plan = plan_for(f.spec, start)
    if given is None:
        return Ramp(f.path, plan.lo, plan.hi, log=plan.log)
    if not isinstance(given, tuple | list) or len(given) not in (2, 3):
        raise ValueError(
            f"SweepWidget: '{f.path}' must be given as (low, high) or (low, high, points); got "
            f"{given!r}. Pass for example (0.0, 1.0, 24)."
        )
    lo, hi = (_number(f, end) for end in given[:2])
    points = int(given[2]) if len(given) == 3 else 24
    return Ramp(f.path, lo, hi, points, plan.log and lo > 0)


def _number(f: Field, end: Any) -> float:
    bare = u.get_unit(end).is_unitless
    return float(end) if bare else float(f.spec.mantissa(end, "SweepWidget"))


def refined(shape: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """Return all points of a grid, those of coarser grids first, so that a picture appears early.

    Examples
    --------
    >>> from brainmass_widgets.sweeping.grid import refined
    >>> [index[0] for index in refined((5,))]
    [0, 4, 2, 1, 3]
    """
    stride = 1
    while stride < max(shape):
        stride *= 2
    seen: set[tuple[int, ...]] = set()
    while stride:
        for index in np.ndindex(*(-(-n // stride) for n in shape)):
            point = tuple(i * stride for i in index)
            if point not in seen:
                seen.add(point)
                yield point
        stride //= 2


class Sweep:
    """Runs a model at every point of one or two ramps.

    Parameters
    ----------
    engine : Engine
        The model.
    request : Request
        Numbers and settings that stay.
    ramps : tuple of Ramp
        One or two axes.
    observable : Observable
        What is kept of each run.
    signal : str
        Of which signal.

    Attributes
    ----------
    values : numpy.ndarray
        One number per point, first ramp first; NaN where nothing is known or the run diverged.
    done, diverged : int
        Points that were run, and that diverged.
    """

    def __init__(
        self,
        engine: Engine,
        request: Request,
        ramps: tuple[Ramp, ...],
        observable: Observable,
        signal: str,
    ):
        self.engine, self.request, self.ramps = engine, request, ramps
        self.observable, self.signal = observable, signal
        self.values = np.full(tuple(ramp.points for ramp in ramps), np.nan)
        for ramp in ramps:
            if ramp.path == "speed" and engine.model.speed_range is not None:
                # One range for all of it, so that nothing compiles on the way.
                slow, fast = engine.model.speed_range
                engine.model.speed_range = (min(slow, ramp.lo), max(fast, ramp.hi))
        self.done = self.diverged = 0

    @property
    def count(self) -> int:
        """All points."""
        return self.values.size

    def at(self, point: tuple[int, ...]) -> Request:
        """Return what is run at a point."""
        values = dict(self.request.values)
        for ramp, index in zip(self.ramps, point, strict=True):
            values[ramp.path] = np.asarray(ramp.values[index])
        return replace(self.request, values=values)

    def run(self, go_on: Callable[[], bool]) -> bool:
        """Run until the end, or until ``go_on()`` is False; return whether it came to the end."""
        for point in refined(self.values.shape):
            if not go_on():
                return False
            outcome = self.engine.run(self.at(point))
            assert outcome is not None  # nothing supersedes it
            value = self.observable(outcome, self.signal)
            self.diverged += bool(outcome.problem)
            self.values[point] = value
            self.done += 1
        return True
