"""From what was computed to what a phase plane and a bifurcation diagram show."""

from __future__ import annotations

import html
from typing import Any

import brainunit as u
import numpy as np

from .phase_plane_engine import Field, Picture
from .plots import Arrows, Axis, Mark, Phase, Trace
from .quantities import show

__all__ = [
    "LAYERS",
    "describe_diagram",
    "describe_plane",
    "diagram_plot",
    "plane_plot",
    "points_table",
]

LAYERS = ("field", "nullclines", "trajectories", "diagram")
"""What can be shown, besides fixed points."""

FEW, PIXELS = 2000, 700
"""Points of a trajectory up to which all are drawn, and about the width of a plane."""

MOST_ROWS = 12
"""Fixed points in the table below the plane."""

TRAJECTORY_COLOURS = (2, 3, 6, 5, 4, 7)

_CYCLES = {True: ("stable cycle", "curve", 2), False: ("unstable cycle", "guide", 3)}

_SIGNS: dict[str, dict[str, Any]] = {
    "stable": {"kind": "circle", "filled": True},
    "unstable": {"kind": "circle", "filled": False},
    "saddle": {"kind": "diamond", "filled": False},
    "fold": {"kind": "square", "filled": False},
    "Hopf": {"kind": "triangle", "filled": False},
    "branch point": {"kind": "square", "filled": True},
}


def plane_plot(picture: Picture, layers=LAYERS) -> Phase:
    """Return the phase plane.

    Parameters
    ----------
    picture : Picture
        What was computed.
    layers : sequence of str
        What of it is shown.

    Returns
    -------
    Phase
        Its box is the home window, whatever part of it was zoomed to.
    """
    request, names = picture.request, picture.request.axes
    traces: list[Trace] = []
    if "nullclines" in layers:
        for k, name in enumerate(names):
            x, y = (_bare(part) for part in picture.curves[name])
            traces.append(Trace(f"{name} nullcline", y, x, color=k, role="curve"))
    if "trajectories" in layers:
        traces += [_trajectory(picture, k) for k in range(len(picture.trajectories))]
    (x_lo, x_hi), (y_lo, y_hi) = (request.windows[n] for n in names)
    arrows = None
    if "field" in layers:
        arrows = _arrows(picture.field, x_hi - x_lo, y_hi - y_lo)
    units = [_label(u.get_unit(a)) for a in (picture.field.x, picture.field.y)]
    return Phase(
        Axis(names[0], units[0]),
        Axis(names[1], units[1]),
        tuple(traces),
        arrows=arrows,
        marks=tuple(
            _point_mark(picture, p, *(_number(p.state[n]) for n in names)) for p in picture.points
        ),
        box=(x_lo, x_hi, y_lo, y_hi),
    )


def _trajectory(picture: Picture, k: int) -> Trace:
    """Return one trajectory with the state that it starts from."""
    start, run = picture.request.starts[k], picture.trajectories[k]
    x, y = (
        np.concatenate([[np.float32(start[n])], _bare(run[n])[:, 0]]) for n in picture.request.axes
    )
    window = picture.request.window
    x, y = _thinned(x, y, *(window[n][1] - window[n][0] for n in picture.request.axes))
    color = TRAJECTORY_COLOURS[k % len(TRAJECTORY_COLOURS)]
    name = f"trajectory {k + 1}" if len(picture.trajectories) > 1 else "trajectory"
    return Trace(name, y, x, color=color)


def _thinned(x: np.ndarray, y: np.ndarray, wide: float, high: float):
    """Leave out points that are less than a pixel from the one before: most, where it rests."""
    if x.size <= FEW:
        return x, y
    with np.errstate(all="ignore"):
        path = np.cumsum(np.hypot(np.diff(x) / wide, np.diff(y) / high) * PIXELS)
        new = np.diff(np.floor(path), prepend=-1.0) != 0
    keep = np.flatnonzero(np.concatenate([[True], new]))
    keep = keep if keep[-1] == x.size - 1 else np.append(keep, x.size - 1)
    return x[keep], y[keep]


def _arrows(field: Any, wide: float, high: float) -> Arrows:
    """Return arrows that are longer where the flow is faster, but not by much."""
    x, y = np.meshgrid(_bare(field.x), _bare(field.y))
    dx, dy = _bare(field.dx).ravel() / wide, _bare(field.dy).ravel() / high
    moving = np.hypot(dx, dy) > 0  # neither at a fixed point nor where there is no flow
    x, y, dx, dy = (a.ravel()[moving] for a in (x, y, dx, dy))
    speed = np.hypot(dx, dy)
    length = (0.35 + 0.65 * (speed / speed.max(initial=1e-300)) ** 0.4) / speed
    return Arrows(x, y, dx * length, dy * length)


def diagram_plot(diagram: Any, f: Field, picture: Picture, span: tuple[float, float]) -> Phase:
    """Return the bifurcation diagram of the state across the plane, along one number.

    Parameters
    ----------
    diagram : brainmass.analysis.Continuation
        What was computed.
    f : Field
        The number.
    picture : Picture
        The phase plane beside it, for the present value and the fixed points there.
    span : tuple of float
        Range of the number.

    Returns
    -------
    Phase
        Solid where stable, dashed where unstable, with the extremes of limit cycles.
    """
    name = picture.request.axes[0]
    now = picture.request.values[f.path]
    lines: dict[bool, list[np.ndarray]] = {True: [], False: []}
    for branch in diagram.branches:
        points = np.stack([_bare(branch.values), _bare(branch.states[name])], axis=1)
        for stable, part in _pieces(points, branch.stable):
            lines[stable] += [part, np.full((1, 2), np.nan)]
    traces = []
    for stable, look in ((False, ("unstable", "guide", 1)), (True, ("stable", "curve", 0))):
        if lines[stable]:
            line = np.concatenate(lines[stable])
            traces.append(Trace(look[0], line[:, 1], line[:, 0], color=look[2], role=look[1]))
    for branch in diagram.cycles:
        traces += _envelope(branch, name)
    marks = [Mark(now, kind="rule", name=f.name)]
    marks += [
        Mark(_number(b.value), _number(b.state[name]), name=_told(b), **_SIGNS[b.kind])
        for b in diagram.bifurcations
    ]
    marks += [_point_mark(picture, p, now, _number(p.state[name])) for p in picture.points]
    lo, hi = _height(traces, picture.request.windows[name], picture.request.box[name])
    unit = _label(u.get_unit(picture.field.x))
    return Phase(
        Axis(f.name, _label(f.spec.unit)),
        Axis(name, unit),
        tuple(traces),
        marks=tuple(marks),
        box=(*span, lo, hi),
        bare=True,
    )


def _envelope(branch: Any, name: str) -> list[Trace]:
    """Return how far limit cycles reach up and down."""
    traces = []
    for ends in (branch.minimum, branch.maximum):
        points = np.stack([_bare(branch.values), _bare(ends[name])], axis=1)
        for stable, part in _pieces(points, branch.stable):
            label, role, color = _CYCLES[stable]
            traces.append(Trace(label, part[:, 1], part[:, 0], color=color, role=role))
    return traces


def _pieces(points: np.ndarray, stable: np.ndarray):
    """Cut a branch where its stability changes; neighbours share the point between them."""
    cuts = np.flatnonzero(stable[1:] != stable[:-1]) + 1
    for first, last in zip([0, *cuts], [*cuts, len(stable)], strict=True):
        yield bool(stable[first]), points[first : last + 1]


def _height(traces: list[Trace], window, box) -> tuple[float, float]:
    """Return a range that holds the window and the branches, but no more than the box."""
    ends = np.concatenate([*(trace.y for trace in traces), window])
    lo, hi = float(np.nanmin(ends)), float(np.nanmax(ends))
    room = 0.04 * (hi - lo)
    return max(lo - room, min(box[0], window[0])), min(hi + room, max(box[1], window[1]))


def _point_mark(picture: Picture, point: Any, x: float, y: float) -> Mark:
    sign = "stable" if point.stable else "unstable"
    sign = "saddle" if point.kind.startswith("saddle") else sign
    lines = [point.kind]
    for (name, value), text in zip(point.state.items(), numbers(picture, point), strict=True):
        lines.append(f"{name} {text} {_label(u.get_unit(value))}".rstrip())
    lines.append(f"λ {eigenvalues_text(point.eigenvalues)} /ms")
    return Mark(x, y, name="\n".join(lines), **_SIGNS[sign])


def numbers(picture: Picture, point: Any) -> list[str]:
    """Write the states of a fixed point; what rounding left of a zero is written as zero."""
    out = []
    for name, value in point.state.items():
        lo, hi = picture.request.windows[name]
        number = _number(value)
        out.append(show(0.0 if abs(number) < 1e-9 * (hi - lo) else number))
    return out


def eigenvalues_text(eigenvalues: np.ndarray, most: int = 6) -> str:
    """Write eigenvalues, a conjugate pair as one.

    Examples
    --------
    >>> eigenvalues_text(np.array([-1 + 2j, -1 - 2j, -3]))
    '−1 ± 2i, −3'
    """
    parts = []
    size = float(np.abs(eigenvalues).max(initial=0.0))
    for value in eigenvalues:
        if value.imag < -1e-9 * size:
            continue
        text = f"{value.real if abs(value.real) > 1e-12 * size else 0.0:.3g}"
        if value.imag > 1e-9 * size:
            text += f" ± {value.imag:.3g}i"
        parts.append(text.replace("-", "−"))
    return ", ".join(parts[:most]) + (" …" if len(parts) > most else "")


def _told(bifurcation: Any) -> str:
    where = f"{show(_number(bifurcation.value))} {_label(u.get_unit(bifurcation.value))}"
    lines = [f"{bifurcation.criticality} {bifurcation.kind}".strip()]
    lines.append(f"{bifurcation.parameter} {where}".rstrip())
    if bifurcation.frequency is not None:
        lines.append(f"{float(bifurcation.frequency / u.Hz):.4g} Hz")
    return "\n".join(lines)


def describe_plane(picture: Picture) -> str:
    """Say in one line what the plane shows, for those who do not see it."""
    across, up = picture.request.axes
    count = len(picture.points)
    if not count:
        return f"Plane of {across} and {up}; no fixed point."
    kinds = ", ".join(p.kind for p in picture.points[:6])
    return f"Plane of {across} and {up}; {count} fixed point{'s' * (count > 1)}: {kinds}."


def describe_diagram(diagram: Any) -> str:
    """Say in one line what the bifurcation diagram shows."""
    found = [f"{b.kind} at {show(_number(b.value))}" for b in diagram.bifurcations]
    return f"Fixed points along {diagram.parameter}; {', '.join(found[:8]) or 'no bifurcation'}."


def points_table(picture: Picture) -> str:
    """Return the fixed points as an HTML table."""
    if not picture.points:
        return '<span class="brainmass-status">No fixed point in this range.</span>'
    heads = ["fixed point", "eigenvalues [1/ms]"]
    for name, value in picture.points[0].state.items():
        unit = _label(u.get_unit(value))
        heads.append(f"{name} [{unit}]" if unit else name)
    rows = [
        [point.kind, eigenvalues_text(point.eigenvalues), *numbers(picture, point)]
        for point in picture.points[:MOST_ROWS]
    ]
    style = "padding:0 14px 0 0;text-align:left;white-space:nowrap;line-height:1.4"

    def line(cells, tag):
        return "".join(f'<{tag} style="{style}">{html.escape(c)}</{tag}>' for c in cells)

    body = "".join(f"<tr>{line(row, 'td')}</tr>" for row in rows)
    more = len(picture.points) - len(rows)
    rest = f"<tr><td>and {more} more</td></tr>" if more > 0 else ""
    return f'<table class="brainmass-status"><tr>{line(heads, "th")}</tr>{body}{rest}</table>'


def _number(value: Any) -> float:
    return float(u.get_mantissa(value))


def _bare(value: Any) -> np.ndarray:
    return np.asarray(u.get_mantissa(value))


def _label(unit: u.Unit) -> str:
    return "" if unit.is_unitless else str(unit).replace(" ", "")
