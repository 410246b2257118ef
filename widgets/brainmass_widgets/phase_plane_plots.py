"""What a phase plane and a bifurcation diagram look like, as plain arrays, and their canvas."""

from __future__ import annotations

import pathlib
from dataclasses import dataclass
from typing import Any

import brainunit as u
import numpy as np
import traitlets

from .canvas import Canvas
from .phase_plane_engine import Field, Picture
from .plots import Axis, Phase, Trace
from .quantities import show

__all__ = ["LAYERS", "Mark", "Plane", "PlaneCanvas", "diagram_plot", "plane_plot"]

LAYERS = ("field", "nullclines", "trajectories")
"""What can be shown in the plane, besides fixed points."""

TRAJECTORY_COLOURS = (2, 3, 6, 5, 4, 7)

_STATIC = pathlib.Path(__file__).parent / "static"


@dataclass(frozen=True)
class Mark:
    """A point with a sign: ``'stable'``, ``'unstable'``, ``'saddle'`` or a bifurcation."""

    x: float
    y: float
    kind: str
    text: str


@dataclass(frozen=True, eq=False)
class Plane(Phase):
    """Curves in a plane of fixed limits, with arrows, marked points and a cursor.

    Roles of traces are ``'curve'`` for a line without ends, ``'dashed'``, and ``'main'`` for a
    trajectory. ``arrows`` holds x, y and the rates of both.
    """

    limits: tuple[tuple[float, float], tuple[float, float]] = ((0.0, 1.0), (0.0, 1.0))
    arrows: tuple[np.ndarray, ...] | None = None
    marks: tuple[Mark, ...] = ()
    cursor: float | None = None
    summary: str = ""

    def packed(self) -> dict[str, Any]:
        """Return what the canvas draws: small numbers and binary buffers."""
        (x_lo, x_hi), (y_lo, y_hi) = self.limits
        traces = [
            {"name": t.name, "color": t.color, "role": t.role, "x": _bytes(t.x), "y": _bytes(t.y)}
            for t in self.traces
            if t.y.size
        ]
        arrows = None
        if self.arrows is not None:
            arrows = dict(zip("xyuv", map(_bytes, self.arrows), strict=True))
        marks = [vars(mark) for mark in self.marks]
        return {
            "kind": "phase",
            "x": {"label": self.x.label, "unit": self.x.unit, "lo": x_lo, "hi": x_hi},
            "panels": [
                {
                    "y": {"label": self.y.label, "unit": self.y.unit, "lo": y_lo, "hi": y_hi},
                    "traces": traces,
                }
            ],
            "plane": {"arrows": arrows, "marks": marks, "cursor": self.cursor},
        }


class PlaneCanvas(Canvas):
    """The canvas of the other plots, with what a phase plane needs.

    Besides clicks and drags it reports ``'view'``, the ranges that are seen after the user moved
    or zoomed, None for all.
    """

    # The base draws axes and lines; the file of the phase plane adds the rest and its own export.
    _esm = (
        str(Canvas._esm).rpartition("export default")[0]
        + (_STATIC / "phase_plane.js").read_text(encoding="utf-8")
    )

    help = traitlets.Unicode("").tag(sync=True)

    def _transmit(self) -> None:
        plot = self._plot
        if not isinstance(plot, Plane):
            return
        self._count += 1
        with self.hold_sync():
            self.frame = {"id": self._count, **plot.packed()}
            self.summary = plot.summary

    def _receive(self, _widget, content, _buffers) -> None:
        if isinstance(content, dict) and content.get("type") == "view":
            for callback in list(self._listeners):
                callback(content)
            return
        super()._receive(_widget, content, _buffers)

    def __repr__(self):
        return "PlaneCanvas()"


def plane_plot(picture: Picture, layers: tuple[str, ...] = LAYERS) -> Plane:
    """Return the phase plane.

    Parameters
    ----------
    picture : Picture
        What was computed.
    layers : tuple of str
        What of it is shown.

    Returns
    -------
    Plane
        Its limits are the home window, whatever part of it was zoomed to.
    """
    request, names = picture.request, picture.request.axes
    traces = []
    if "nullclines" in layers:
        for k, name in enumerate(names):
            x, y = (_bare(part) for part in picture.curves[name])
            traces.append(Trace(f"{name} nullcline", y, x, color=k, role="curve"))
    if "trajectories" in layers:
        for k, run in enumerate(picture.trajectories):
            color = TRAJECTORY_COLOURS[k % len(TRAJECTORY_COLOURS)]
            x, y = (_bare(run[n])[:, 0] for n in names)
            start = [np.float32(request.starts[k][n]) for n in names]
            traces.append(
                Trace(
                    f"trajectory {k + 1}" if len(picture.trajectories) > 1 else "trajectory",
                    *(np.concatenate([[s], v]) for s, v in zip(start[::-1], (y, x), strict=True)),
                    color=color,
                )
            )
    arrows = None
    if "field" in layers:
        field = picture.field
        x, y = np.meshgrid(_bare(field.x), _bare(field.y))
        arrows = (x.ravel(), y.ravel(), _bare(field.dx).ravel(), _bare(field.dy).ravel())
    windows = request.windows
    axes = [Axis(n, _label(u.get_unit(p.state[n]))) for p in picture.points[:1] for n in names]
    axes = axes or [Axis(n, _label(u.get_unit(a))) for n, a in zip(names, _ends(picture), strict=True)]
    return Plane(
        axes[0],
        axes[1],
        tuple(traces),
        limits=(windows[names[0]], windows[names[1]]),
        arrows=arrows,
        marks=tuple(_mark(p, names) for p in picture.points),
        summary=_summary(picture),
    )


def diagram_plot(diagram: Any, f: Field, picture: Picture, span: tuple[float, float]) -> Plane:
    """Return the bifurcation diagram of the state across the plane, along one number.

    Parameters
    ----------
    diagram : brainmass.analysis.Continuation
        What was computed.
    f : Field
        The number.
    picture : Picture
        The phase plane beside it, for its present value and fixed points.
    span : tuple of float
        Range of the number.

    Returns
    -------
    Plane
        Solid where stable, dashed where unstable.
    """
    name = picture.request.axes[0]
    now = picture.request.values[f.path]
    solid: list[np.ndarray] = []
    dashed: list[np.ndarray] = []
    unit = ""
    for branch in diagram.branches:
        points = np.stack([_bare(branch.values), _bare(branch.states[name])], axis=1)
        unit = _label(u.get_unit(branch.states[name]))
        for stable, part in _pieces(points, branch.stable):
            (solid if stable else dashed).extend([part, np.full((1, 2), np.nan)])
    traces = [
        Trace(label, line[:, 1], line[:, 0], color=color, role=role)
        for label, role, color, line in (
            ("unstable", "dashed", 1, np.concatenate([np.zeros((0, 2)), *dashed])),
            ("stable", "curve", 0, np.concatenate([np.zeros((0, 2)), *solid])),
        )
        if len(line)
    ]
    marks = [
        Mark(float(u.get_mantissa(b.value)), float(u.get_mantissa(b.state[name])), b.kind, _told(b))
        for b in diagram.bifurcations
    ]
    marks += [
        Mark(now, float(u.get_mantissa(p.state[name])), _sign(p), _point_text(p))
        for p in picture.points
    ]
    return Plane(
        Axis(f.name, _label(f.spec.unit)),
        Axis(name, unit),
        tuple(traces),
        limits=(span, picture.request.windows[name]),
        marks=tuple(marks),
        cursor=now,
        summary=_diagram_summary(diagram, f),
    )


def _pieces(points: np.ndarray, stable: np.ndarray):
    """Cut a branch where its stability changes; neighbours share the point between them."""
    cuts = np.flatnonzero(stable[1:] != stable[:-1]) + 1
    for first, last in zip([0, *cuts], [*cuts, len(stable)], strict=True):
        yield bool(stable[first]), points[first : last + 1]


def _mark(point: Any, names) -> Mark:
    x, y = (float(u.get_mantissa(point.state[n])) for n in names)
    return Mark(x, y, _sign(point), _point_text(point))


def _sign(point: Any) -> str:
    if point.stable:
        return "stable"
    return "saddle" if point.kind.startswith("saddle") else "unstable"


def _point_text(point: Any) -> str:
    lines = [point.kind]
    for name, value in point.state.items():
        unit = _label(u.get_unit(value))
        lines.append(f"{name} {show(float(u.get_mantissa(value)))} {unit}".rstrip())
    return "\n".join([*lines, f"λ {eigenvalues_text(point.eigenvalues)} /ms"])


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
    unit = _label(u.get_unit(bifurcation.value))
    where = show(float(u.get_mantissa(bifurcation.value)))
    lines = [f"{bifurcation.criticality} {bifurcation.kind}".strip()]
    lines.append(f"{bifurcation.parameter} {where} {unit}".rstrip())
    if bifurcation.frequency is not None:
        lines.append(f"{show(float(bifurcation.frequency / u.Hz))} Hz")
    return "\n".join(lines)


def _summary(picture: Picture) -> str:
    across, up = picture.request.axes
    count = len(picture.points)
    if not count:
        return f"Plane of {across} and {up}; no fixed point."
    kinds = ", ".join(p.kind for p in picture.points[:6])
    return f"Plane of {across} and {up}; {count} fixed point{'s' * (count > 1)}: {kinds}."


def _diagram_summary(diagram: Any, f: Field) -> str:
    found = [f"{b.kind} at {show(float(u.get_mantissa(b.value)))}" for b in diagram.bifurcations]
    return f"Fixed points along {f.name}; {', '.join(found[:8]) or 'no bifurcation'}."


def _ends(picture: Picture):
    return picture.field.x, picture.field.y


def _bare(value: Any) -> np.ndarray:
    return np.asarray(u.get_mantissa(value))


def _label(unit: u.Unit) -> str:
    return "" if unit.is_unitless else str(unit).replace(" ", "")


def _bytes(values: Any) -> bytes:
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(values, dtype=np.float32).tobytes()
