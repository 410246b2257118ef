"""What a plot shows, as plain arrays, and how it is packed for the browser.

Three kinds, :class:`Lines`, :class:`Phase` and :class:`Heat`, hold the full data. :func:`pack`
reduces one of them to a dictionary of small numbers and binary buffers that the canvas draws;
:mod:`brainmass_widgets.figure` draws the same objects with matplotlib.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

__all__ = ["Axis", "Heat", "Lines", "Panel", "Phase", "Plot", "Trace", "limits", "minmax", "pack"]

COLUMNS = 1500
"""Buckets of time that are sent for one trace or one heat map, about two per screen pixel."""

PHASE_POINTS = 12_000
"""Points that are sent for one trajectory of a phase portrait."""


@dataclass(frozen=True)
class Axis:
    """Name and unit of what an axis shows."""

    label: str
    unit: str = ""


@dataclass(frozen=True, eq=False)
class Trace:
    """One line: values against the uniform grid of its plot, or against its own ``x``.

    ``role`` is ``'main'``, or ``'ghost'`` for an earlier run drawn dashed behind it.
    """

    name: str
    y: np.ndarray
    x: np.ndarray | None = None
    color: int = 0
    role: str = "main"

    @property
    def across(self) -> np.ndarray:
        """Its own ``x``; empty for a line on the grid of its plot."""
        return np.zeros(0) if self.x is None else self.x


@dataclass(frozen=True, eq=False)
class Panel:
    """Traces that share one vertical axis."""

    y: Axis
    traces: tuple[Trace, ...]


@dataclass(frozen=True, eq=False)
class Lines:
    """Panels stacked over one horizontal axis with samples at ``x0 + k * dx``.

    ``robust`` keeps a blow-up from flattening the rest; ``start`` and ``end`` are where the axis
    starts and ends when the data do not reach that far.
    """

    x: Axis
    panels: tuple[Panel, ...]
    x0: float = 0.0
    dx: float = 1.0
    robust: bool = False
    start: float | None = None
    end: float | None = None


@dataclass(frozen=True, eq=False)
class Phase:
    """Trajectories in the plane of two state variables."""

    x: Axis
    y: Axis
    traces: tuple[Trace, ...]
    robust: bool = False


@dataclass(frozen=True, eq=False)
class Heat:
    """A matrix as colours: one row per region, one column per sample or per region.

    ``span`` fixes the ends of the colour scale.
    """

    x: Axis
    y: Axis
    value: Axis
    data: np.ndarray
    x0: float = 0.0
    dx: float = 1.0
    names: tuple[str, ...] = field(default=())
    robust: bool = False
    start: float | None = None
    end: float | None = None
    span: tuple[float, float] | None = None

    @property
    def matrix(self) -> bool:
        """Whether the columns are regions too."""
        return self.x.label == self.y.label


Plot = Lines | Phase | Heat


def limits(arrays: Iterable[np.ndarray], robust: bool = False) -> tuple[float, float]:
    """Return the smallest and largest finite value, ``(-1, 1)`` when there is none.

    With ``robust`` a blow-up at the end of a diverging run does not flatten everything before it.
    """
    flat = [np.ravel(a) for a in arrays]
    values = np.concatenate(flat) if len(flat) > 1 else flat[0] if flat else np.zeros(0)
    if values.size and not np.isfinite(values.sum()):
        values = values[np.isfinite(values)]
    if not values.size:
        return -1.0, 1.0
    lo, hi = float(values.min()), float(values.max())
    if robust:
        low, high = (float(q) for q in np.quantile(values, (0.05, 0.95)))
        room = 4 * (high - low) or 4 * abs(high) or 1.0
        lo, hi = max(lo, low - room), min(hi, high + room)
    return lo, hi


def minmax(y: np.ndarray, buckets: int) -> tuple[np.ndarray, int]:
    """Reduce ``y`` to the smallest and largest value of each bucket, in the order they occur.

    Parameters
    ----------
    y : numpy.ndarray
        Samples on a uniform grid.
    buckets : int
        Largest number of buckets.

    Returns
    -------
    reduced : numpy.ndarray
        Two values per bucket; the samples themselves where there are few.
    size : int
        Samples per bucket; 1 when nothing was reduced.

    Examples
    --------
    >>> import numpy as np
    >>> minmax(np.array([0.0, 3.0, 1.0, 2.0, -1.0, 0.0, 5.0, 4.0]), 2)
    (array([ 0.,  3., -1.,  5.]), 4)
    """
    y = np.asarray(y)
    if y.size <= 2 * buckets:
        return y, 1
    size = math.ceil(y.size / buckets)
    count = math.ceil(y.size / size)
    if count * size > y.size:
        y = np.concatenate([y, np.full(count * size - y.size, y[-1], dtype=y.dtype)])
    blocks = y.reshape(count, size)
    if np.isfinite(blocks.sum()):
        low, high = blocks.argmin(1), blocks.argmax(1)
    else:
        finite = np.isfinite(blocks)
        low = np.where(finite, blocks, np.inf).argmin(1)
        high = np.where(finite, blocks, -np.inf).argmax(1)
    first, second = np.minimum(low, high), np.maximum(low, high)
    rows = np.arange(count)
    return np.stack([blocks[rows, first], blocks[rows, second]], 1).ravel(), size


def pack(plot: Plot, window: tuple[float, float] | None = None) -> dict[str, Any]:
    """Return what the canvas draws: small numbers and binary buffers.

    Parameters
    ----------
    plot : Lines, Phase or Heat
        The full data.
    window : tuple of float, optional
        Range of x in view. Only this range and a margin are sent, in finer detail.

    Returns
    -------
    dict
        ``float32`` buffers for lines, ``uint8`` for a heat map.
    """
    if isinstance(plot, Phase):
        return _pack_phase(plot)
    if isinstance(plot, Heat):
        return _pack_heat(plot, window)
    return _pack_lines(plot, window)


def _float32(values) -> bytes:
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(values, dtype=np.float32).tobytes()


def _axis(axis: Axis, lo: float, hi: float) -> dict[str, Any]:
    return {"label": axis.label, "unit": axis.unit, "lo": lo, "hi": hi}


def _span(n: int, x0: float, dx: float, window) -> slice:
    """Samples inside ``window`` and half its width on either side."""
    if window is None:
        return slice(0, n)
    lo, hi = window
    margin = 0.5 * (hi - lo)
    first = max(0, math.floor((lo - margin - x0) / dx))
    last = min(n, math.ceil((hi + margin - x0) / dx) + 1)
    return slice(min(first, n), max(last, min(first, n)))


def _pack_lines(plot: Lines, window) -> dict[str, Any]:
    panels, ends = [], []
    for panel in plot.panels:
        shown = [t for t in panel.traces if t.y.size]
        lo, hi = limits([t.y for t in shown if t.role == "main"], plot.robust)
        packed = []
        for trace in shown:
            entry = {"name": trace.name, "color": trace.color, "role": trace.role}
            if trace.x is not None:
                packed.append({**entry, "x": _float32(trace.x), "y": _float32(trace.y)})
                ends += [float(trace.x[0]), float(trace.x[-1])]
                continue
            part = _span(trace.y.size, plot.x0, plot.dx, window)
            y, size = minmax(trace.y[part], COLUMNS)
            start = plot.x0 + part.start * plot.dx
            if size == 1:
                grid = {"x0": start, "dx": plot.dx}
            else:  # two points per bucket, a quarter from its ends
                grid = {"x0": start + (0.25 * size - 0.5) * plot.dx, "dx": 0.5 * size * plot.dx}
            packed.append({**entry, **grid, "y": _float32(y)})
            ends += [plot.x0, plot.x0 + (trace.y.size - 1) * plot.dx]
        panels.append({"y": _axis(panel.y, lo, hi), "traces": packed})
    ends += [at for at in (plot.start, plot.end) if at is not None]
    lo, hi = (min(ends), max(ends)) if ends else (0.0, 1.0)
    x = _axis(plot.x, lo, hi if hi > lo else lo + (plot.dx or 1.0))
    return {"kind": "lines", "x": x, "panels": panels}


def _pack_phase(plot: Phase) -> dict[str, Any]:
    traces = [t for t in plot.traces if t.y.size and t.x is not None]
    main = [t for t in traces if t.role == "main"]
    packed = []
    for trace in traces:
        stride = math.ceil(trace.y.size / PHASE_POINTS)
        x, y = trace.across[::stride], trace.y[::stride]
        if (trace.y.size - 1) % stride:
            x, y = np.append(x, trace.across[-1]), np.append(y, trace.y[-1])
        packed.append(
            {
                "name": trace.name,
                "color": trace.color,
                "role": trace.role,
                "x": _float32(x),
                "y": _float32(y),
            }
        )
    across = limits([t.across for t in main], plot.robust)
    up = limits([t.y for t in main], plot.robust)
    panel = {"y": _axis(plot.y, *up), "traces": packed}
    return {"kind": "phase", "x": _axis(plot.x, *across), "panels": [panel]}


def _pack_heat(plot: Heat, window) -> dict[str, Any]:
    rows, cols = plot.data.shape
    lo, hi = plot.span or limits([plot.data], plot.robust)
    if hi <= lo:
        half = 0.1 * abs(lo) or 1.0
        lo, hi = lo - half, hi + half
    part = _span(cols, plot.x0, plot.dx, window)
    data = plot.data[:, part]
    size = max(1, math.ceil(data.shape[1] / COLUMNS))
    if size > 1:
        whole = data.shape[1] // size * size
        means = data[:, :whole].reshape(rows, -1, size).mean(2)
        rest = data[:, whole:]
        data = np.column_stack([means, rest.mean(1)]) if rest.shape[1] else means
    with np.errstate(invalid="ignore", over="ignore"):
        scaled = np.clip((data - lo) * (255.0 / (hi - lo)), 0.0, 255.0)
    levels = np.nan_to_num(scaled, nan=0.0).astype(np.uint8)
    start = plot.x0 if plot.start is None else min(plot.x0, plot.start)
    end = max(plot.x0 + cols * plot.dx, plot.x0 if plot.end is None else plot.end)
    return {
        "kind": "heat",
        "x": _axis(plot.x, start, end if end > start else start + 1.0),
        "y": {"label": plot.y.label},
        "heat": {
            "rows": rows,
            "cols": int(levels.shape[1]),
            "x0": plot.x0 + part.start * plot.dx,
            "dx": plot.dx * size,
            "lo": lo,
            "hi": hi,
            "label": plot.value.label,
            "unit": plot.value.unit,
            "names": list(plot.names),
            "matrix": plot.matrix,
            "data": np.ascontiguousarray(levels).tobytes(),
        },
    }
