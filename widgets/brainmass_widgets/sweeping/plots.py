"""What a sweep shows: a curve for one parameter, a map for two."""

from __future__ import annotations

import numpy as np

from ..engine import Field
from ..plots import Axis, Heat, Lines, Mark, Panel, Trace
from .grid import Sweep

__all__ = ["point_at", "sweep_plot"]


MOST_CROSSES = 2000
"""Crosses that a map shows; more of them would be one grey area."""

_LOST = "diverged"


def sweep_plot(
    sweep: Sweep, fields: dict[str, Field], selected: tuple[int, ...] | None = None
) -> Lines | Heat:
    """Return the picture of a sweep, blank where it has not been, crossed out where runs diverged.

    Parameters
    ----------
    sweep : Sweep
        The sweep.
    fields : dict of str to Field
        The numbers that can be swept.
    selected : tuple of int, optional
        The point whose simulation is open.
    """
    node = sweep.engine.node
    spec = node.declaration.states.get(sweep.signal) if sweep.engine.declared else None
    unit = str(spec.unit) if spec is not None and spec.dimensional else ""
    kept = Axis(*sweep.observable.label(sweep.signal, unit))
    axes = [_axis(sweep.ramps[k].path, fields) for k in range(len(sweep.ramps))]
    first = sweep.ramps[0].values
    if len(sweep.ramps) == 1:
        return _curve(sweep, axes[0], kept, selected)
    second = sweep.ramps[1].values
    marks = () if selected is None else (Mark(selected[0], selected[1], "cell"),)
    lost = (Mark(int(i), int(j), "cross", _LOST) for i, j in np.argwhere(sweep.lost)[:MOST_CROSSES])
    return Heat(
        axes[0],
        axes[1],
        kept,
        sweep.values.T.copy(),
        x0=-0.5,
        dx=1.0,
        names=tuple(f"{v:.4g}" for v in second),
        columns=tuple(f"{v:.4g}" for v in first),
        up=True,
        marks=(*marks, *lost),
    )


def _curve(sweep: Sweep, across: Axis, kept: Axis, selected) -> Lines:
    values, (ramp,) = sweep.ramps[0].values, sweep.ramps
    known = np.isfinite(sweep.values)
    x, y = values[known], sweep.values[known]
    label = across
    marks: tuple[Mark, ...] = ()
    if ramp.log:
        x, label = np.log10(x), Axis(f"log₁₀ {across.label}", across.unit)
    if selected is not None:
        at = values[selected[0]]
        marks = (Mark(float(np.log10(at)) if ramp.log else float(at), kind="rule"),)
    low = float(y.min()) if y.size else 0.0
    places = np.log10(values) if ramp.log else values
    marks += tuple(Mark(float(at), low, "cross", _LOST) for at in places[sweep.lost])
    start, end = ((np.log10(v) if ramp.log else v) for v in (ramp.lo, ramp.hi))
    traces = (Trace(kept.label, y, x), Trace(kept.label, y, x, role="dots"))
    return Lines(label, (Panel(kept, traces),), start=float(start), end=float(end), marks=marks)


def _axis(path: str, fields: dict[str, Field]) -> Axis:
    unit = fields[path].spec.unit
    return Axis(path, "" if unit.is_unitless else str(unit))


def point_at(sweep: Sweep, x: float, y: float) -> tuple[int, ...]:
    """Return the point of a sweep nearest to a place on its picture.

    Parameters
    ----------
    sweep : Sweep
        The sweep.
    x, y : float
        Coordinates of the axes, as a click of the canvas gives them.
    """
    if len(sweep.ramps) == 1:
        values = sweep.ramps[0].values
        values = np.log10(values) if sweep.ramps[0].log else values
        return (int(np.abs(values - x).argmin()),)
    columns, rows = sweep.values.shape
    return (int(np.clip(round(x), 0, columns - 1)), int(np.clip(int(y), 0, rows - 1)))
