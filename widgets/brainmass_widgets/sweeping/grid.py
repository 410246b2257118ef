"""The grid of a sweep, and the runs on it; knows nothing of widgets."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import brainunit as u
import numpy as np

import brainmass
from brainmass.engine.loop import stop_when
from brainmass.sweeps import Evaluator

from ..engine import Engine, Field, Request
from ..plans import plan_for
from ..quantities import show
from .observables import Observable

__all__ = ["KEPT", "SWEPT", "Ramp", "Sweep", "ramp_of", "refined", "target_of"]

SWEPT = ("Parameters", "Coupling", "Noise", "Constant input", "Initial values")
"""Groups of numbers that can be swept."""

KEPT = "kept"
"""Name of the number that is kept, in what a sweep gives."""

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
    """Runs a model at every point of one or two ramps, many points in each compiled call.

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
    finished, lost : numpy.ndarray of bool
        Which points were run, and which of them diverged.
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
        shape = tuple(ramp.points for ramp in ramps)
        self.values = np.full(shape, np.nan)
        self.finished, self.lost = np.zeros(shape, bool), np.zeros(shape, bool)

    @property
    def count(self) -> int:
        """All points."""
        return self.values.size

    @property
    def done(self) -> int:
        """Points that were run."""
        return int(self.finished.sum())

    @property
    def diverged(self) -> int:
        """Points that diverged."""
        return int(self.lost.sum())

    @property
    def step(self) -> float:
        """Time between two samples in ms."""
        return self.engine.thinning(self.request) * self.request.dt

    def at(self, point: tuple[int, ...]) -> Request:
        """Return what is run at a point."""
        values = dict(self.request.values)
        for ramp, index in zip(self.ramps, point, strict=True):
            values[ramp.path] = np.asarray(ramp.values[index])
        return replace(self.request, values=values)

    def run(self, go_on: Callable[[], bool]) -> bool:
        """Run until the end, or until ``go_on()`` is False; return whether it came to the end.

        Points that are finished stay when it is stopped.
        """
        order = list(refined(self.values.shape))
        places = tuple(np.array(order).T)
        stopped = False

        def asked() -> bool:
            nonlocal stopped
            stopped = stopped or not go_on()
            return stopped

        def take_in(points: list[int], found: dict[str, np.ndarray]) -> None:
            here = tuple(along[points] for along in places)
            self.finished[here] = True
            self.lost[here] = found["diverged"][points, 0]
            if KEPT in found:
                self.values[here] = found[KEPT][points, 0]

        try:
            with stop_when(asked):
                evaluate = self._evaluator()
                values = self._columns(order)
                evaluate(values, seeds=[self.request.seed], on_points=take_in)
        except KeyboardInterrupt:
            if not stopped:
                raise
            return False
        return True

    def _evaluator(self) -> Evaluator:
        engine, request = self.engine, self.request
        given = engine.arguments(request)
        given = {n: v for n, v in given.items() if n not in ("seed", "batch_size")}
        engine.apply(request)
        if any(ramp.path == "speed" for ramp in self.ramps):
            # The sweep itself lays one program out for all speeds.
            engine.model.speed_range = engine.given.speed_range
        step = self.step * u.ms
        return Evaluator(
            brainmass.Simulator(engine.model, dt=request.dt * u.ms),
            list(dict.fromkeys(map(target_of, (ramp.path for ramp in self.ramps)))),
            duration=request.steps * request.dt * u.ms,
            reduce={KEPT: lambda result: self.observable(result, self.signal, step)},
            **given,
        )

    def _columns(self, order: list[tuple[int, ...]]) -> dict[str, Any]:
        """Return the values of every point in that order."""
        out: dict[str, Any] = {}
        for k, ramp in enumerate(self.ramps):
            name = target_of(ramp.path)
            if name != "inputs":
                values = ramp.values[[point[k] for point in order]]
                out[name] = self.engine.fields[ramp.path].spec.attach(values)
            elif name not in out:
                swept = [r.path for r in self.ramps]
                out[name] = [self.engine.drive(self.at(point), swept) for point in order]
        return out


def target_of(path: str) -> str:
    """Return the name that :func:`brainmass.sweep` has for a number."""
    return "inputs" if path.startswith("input.") else re.sub(r"\[(\d+)\]", r".\1", path)
