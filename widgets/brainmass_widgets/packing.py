"""How a plot is packed for the browser: small numbers and binary buffers."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

import numpy as np

from .plots import Axis, Heat, Lines, Mark, Phase, Plot, Trace, limits, minmax

__all__ = ["pack"]

COLUMNS = 1500
"""Buckets of time that are sent for one trace or one heat map, about two per screen pixel."""

PHASE_POINTS = 12_000
"""Points that are sent for one trajectory of a phase portrait."""

COUNTING = ("main", "curve", "guide", "dots", "ghost")
"""Roles of the lines that decide about the limits of the axes."""


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
        counting = ("main",) if plot.robust else COUNTING
        lo, hi = limits([a for t in shown if t.role in counting for a in t.extent], plot.robust)
        packed = []
        for trace in shown:
            packed.append(_pack_trace(trace, plot, window))
            if trace.x is not None:
                ends += [float(np.min(trace.x)), float(np.max(trace.x))]
            else:
                ends += [plot.x0, plot.x0 + (trace.y.size - 1) * plot.dx]
        panels.append({"y": _axis(panel.y, lo, hi), "traces": packed})
    ends += [at for at in (plot.start, plot.end) if at is not None]
    lo, hi = (min(ends), max(ends)) if ends else (0.0, 1.0)
    x = _axis(plot.x, lo, hi if hi > lo else lo + (plot.dx or 1.0))
    marks = _marks(plot.marks)
    return {"kind": "lines", "x": x, "panels": panels, "marks": marks, "legend": plot.legend}


def _pack_trace(trace: Trace, plot: Lines, window) -> dict[str, Any]:
    entry = {"name": trace.name, "color": trace.color, "role": trace.role}
    if trace.x is not None:
        entry |= {"x": _float32(trace.x), "y": _float32(trace.y)}
        if trace.band is not None:
            lo, hi = trace.band
            entry["band"] = {"x": entry["x"], "lo": _float32(lo), "hi": _float32(hi)}
        return entry
    part = _span(trace.y.size, plot.x0, plot.dx, window)
    y, size = minmax(trace.y[part], COLUMNS)
    start = plot.x0 + part.start * plot.dx
    if size == 1:
        grid = {"x0": start, "dx": plot.dx}
    else:  # two points per bucket, a quarter from its ends
        grid = {"x0": start + (0.25 * size - 0.5) * plot.dx, "dx": 0.5 * size * plot.dx}
    entry |= {**grid, "y": _float32(y)}
    if trace.band is not None:
        lo, hi = (_envelope(e[part], size, f) for e, f in zip(trace.band, (min, max), strict=True))
        middle = start + 0.5 * (size - 1) * plot.dx
        band = {"x0": middle, "dx": size * plot.dx, "lo": _float32(lo), "hi": _float32(hi)}
        entry["band"] = band
    return entry


def _envelope(edge: np.ndarray, size: int, which) -> np.ndarray:
    """Return the smallest or largest value of each bucket."""
    if size == 1:
        return edge
    blocks = np.pad(edge, (0, -edge.size % size), mode="edge").reshape(-1, size)
    return blocks.min(1) if which is min else blocks.max(1)


def _marks(marks: tuple[Mark, ...]) -> list[dict[str, Any]]:
    return [asdict(mark) for mark in marks]


def _pack_phase(plot: Phase) -> dict[str, Any]:
    traces = [t for t in plot.traces if t.y.size and t.x is not None]
    main = [t for t in traces if t.role in (("main",) if plot.robust else COUNTING)]
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
    if plot.box is not None:
        across, up = plot.box[:2], plot.box[2:]
    panel = {"y": _axis(plot.y, *up), "traces": packed}
    frame = {"kind": "phase", "x": _axis(plot.x, *across), "panels": [panel], "bare": plot.bare}
    if plot.arrows is not None:
        field = plot.arrows
        frame["arrows"] = {n: _float32(getattr(field, n)) for n in ("x", "y", "u", "v")}
    return {**frame, "boxed": plot.box is not None, "marks": _marks(plot.marks)}


def _pack_heat(plot: Heat, window) -> dict[str, Any]:
    rows, cols = plot.data.shape
    lo, hi = plot.ends
    part = _span(cols, plot.x0, plot.dx, window)
    data = plot.data[:, part]
    size = max(1, math.ceil(data.shape[1] / COLUMNS))
    if size > 1:
        whole = data.shape[1] // size * size
        means = data[:, :whole].reshape(rows, -1, size).mean(2)
        rest = data[:, whole:]
        data = np.column_stack([means, rest.mean(1)]) if rest.shape[1] else means
    with np.errstate(invalid="ignore", over="ignore"):
        # Byte 0 says that there is no value.
        scaled = np.clip((data - lo) * (254.0 / (hi - lo)) + 1.5, 1.0, 255.0)
    levels = np.nan_to_num(scaled, nan=0.0).astype(np.uint8)
    start = plot.x0 if plot.start is None else min(plot.x0, plot.start)
    end = max(plot.x0 + cols * plot.dx, plot.x0 if plot.end is None else plot.end)
    return {
        "kind": "heat",
        "x": _axis(plot.x, start, end if end > start else start + 1.0),
        "y": {"label": plot.y.label, "unit": plot.y.unit},
        "marks": _marks(plot.marks),
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
            "columns": list(plot.columns),
            "matrix": plot.matrix,
            "palette": plot.palette,
            "up": plot.up,
            "data": np.ascontiguousarray(levels).tobytes(),
        },
    }
