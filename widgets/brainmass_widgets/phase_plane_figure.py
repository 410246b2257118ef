"""Static pictures of a phase plane and its bifurcation diagram; matplotlib is loaded late."""

from __future__ import annotations

import io

import numpy as np

from .figure import _STYLE, COLOURS, _label, _small
from .phase_plane_plots import Mark, Plane

__all__ = ["draw_planes"]

_SIGNS = {"fold": "s", "Hopf": "^", "branch point": "D"}
_LINES = {"curve": ("-", 1.4), "dashed": ("--", 1.1), "main": ("-", 1.0)}


def draw_planes(planes: list[Plane], *, title: str = "", form: str = "png") -> bytes:
    r"""Draw a phase plane, and beside it its bifurcation diagram.

    Parameters
    ----------
    planes : list of Plane
        One or two.
    title : str, optional
        One line above.
    form : {'png', 'svg', 'pdf'}
        Format of the picture.

    Returns
    -------
    bytes
        The file.

    Examples
    --------
    >>> from brainmass_widgets.phase_plane_figure import draw_planes
    >>> from brainmass_widgets.phase_plane_plots import Plane
    >>> from brainmass_widgets.plots import Axis
    >>> draw_planes([Plane(Axis("x"), Axis("y"), ())])[:4]
    b'\x89PNG'
    """
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(7.2, 3.3 + 0.3 * bool(title)), layout="constrained")
        FigureCanvasAgg(figure)
        if title:
            figure.suptitle(title, fontsize=9, x=0.01, ha="left")
        axes = figure.subplots(1, len(planes), width_ratios=[1.25, 1.0][: len(planes)])
        for ax, plane in zip(np.atleast_1d(axes), planes, strict=True):
            _draw(ax, plane)
        buffer = io.BytesIO()
        # No date in the file: the same picture is the same bytes.
        stamp = {"png": {"Software": None}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}
        figure.savefig(buffer, format=form, metadata=stamp[form])
    return _small(buffer.getvalue()) if form == "png" else buffer.getvalue()


def _draw(ax, plane: Plane) -> None:
    if plane.arrows is not None:
        _arrows(ax, plane)
    for trace in plane.traces:
        dashes, width = _LINES[trace.role]
        color = COLOURS[trace.color % len(COLOURS)]
        ax.plot(trace.across, trace.y, dashes, color=color, lw=width, label=trace.name)
        if trace.role == "main":
            ax.plot(trace.across[-1:], trace.y[-1:], "o", color=color, ms=4)
            ax.plot(trace.across[:1], trace.y[:1], "o", color=color, mfc="white", ms=4)
    if plane.cursor is not None:
        ax.axvline(plane.cursor, color="#444444", lw=0.8, ls=":")
    for mark in plane.marks:
        _mark(ax, mark)
    if plane.traces:
        place = {"loc": "lower right", "bbox_to_anchor": (1.0, 1.0), "borderaxespad": 0.1}
        ax.legend(fontsize=7, frameon=False, ncols=3, handlelength=1.6, **place)
    ax.set_xlim(*plane.limits[0])
    ax.set_ylim(*plane.limits[1])
    ax.set_xlabel(_label(plane.x))
    ax.set_ylabel(_label(plane.y))


def _arrows(ax, plane: Plane) -> None:
    """Arrows of nearly one length, in the direction that the flow has on the page."""
    assert plane.arrows is not None
    x, y, dx, dy = plane.arrows
    wide, high = (hi - lo for lo, hi in plane.limits)
    speed = np.hypot(dx / wide, dy / high)
    with np.errstate(all="ignore"):
        length = 0.03 * (0.35 + 0.65 * (speed / np.nanmax(speed)) ** 0.4) / speed
        u, v = dx * length, dy * length
    good = np.isfinite(u) & np.isfinite(v)
    ax.quiver(
        x[good], y[good], u[good], v[good], angles="xy", scale_units="xy", scale=1,
        pivot="mid", color="#9a9a9a", width=0.0025, headwidth=4, headlength=4,
    )  # fmt: skip


def _mark(ax, mark: Mark) -> None:
    look = {"mec": "#222222", "mew": 1.0, "ls": "none", "zorder": 5}
    if mark.kind in _SIGNS:
        ax.plot([mark.x], [mark.y], _SIGNS[mark.kind], mfc="white", ms=6, **look)
    elif mark.kind == "saddle":
        left = {"fillstyle": "left", "mfc": "#222222", "mfcalt": "white"}
        ax.plot([mark.x], [mark.y], "o", ms=6, **left, **look)
    else:
        fill = "#222222" if mark.kind == "stable" else "white"
        ax.plot([mark.x], [mark.y], "o", mfc=fill, ms=6, **look)
