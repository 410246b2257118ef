"""Static pictures of the plots, for saved notebooks and for export; matplotlib is loaded late."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np

from .packing import COLUMNS
from .plots import Heat, Lines, Phase, Plot, Trace, limits, minmax

__all__ = ["draw"]

COLOURS = ("#0072b2", "#d1480d", "#00805c", "#a8448c", "#8a6d00", "#3d8fc4", "#6a51c7", "#5c5c5c")

MOST_COLUMNS = 700

_STYLE: dict[Any, Any] = {
    "font.size": 8,
    "axes.linewidth": 0.6,
    "axes.labelcolor": "#444444",
    "axes.edgecolor": "#777777",
    "xtick.color": "#333333",
    "ytick.color": "#333333",
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "figure.dpi": 100,
    "svg.hashsalt": "brainmass",
}


def draw(
    plots: Sequence[Plot], *, title: str = "", note: str = "", form: str = "png", width: float = 7.2
) -> bytes:
    r"""Draw plots below each other, narrow ones side by side.

    Parameters
    ----------
    plots : sequence of Lines, Phase or Heat
        What to draw.
    title : str, optional
        What stands above; a long one takes several lines.
    note : str, optional
        One sentence below, such as why a run ended early.
    form : {'png', 'svg', 'pdf'}
        Format of the picture.
    width : float, default 7.2
        Width in inches.

    Returns
    -------
    bytes
        The file.

    Examples
    --------
    >>> import numpy as np
    >>> from brainmass_widgets.figure import draw
    >>> from brainmass_widgets.plots import Axis, Heat
    >>> heat = Heat(Axis("time", "ms"), Axis("region"), Axis("x"), np.eye(4))
    >>> draw([heat])[:4]
    b'\x89PNG'
    """
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = _rows(plots)
    heights = [_height(row) for row in rows]
    with mpl.rc_context(_STYLE):
        title, note = (_wrapped(text, int(14 * width)) for text in (title, note))
        extra = sum(0.14 + 0.16 * len(text.splitlines()) for text in (title, note) if text)
        figure = Figure(figsize=(width, sum(heights) + extra), layout="constrained")
        FigureCanvasAgg(figure)
        if title:
            figure.suptitle(title, fontsize=9, x=0.01, ha="left")
        if note:
            figure.supxlabel(note, fontsize=8, color="#b3261e")
        parts = figure.subfigures(len(rows), 1, height_ratios=heights, squeeze=False)[:, 0]
        for part, row in zip(parts, rows, strict=True):
            shares = [1.8 if isinstance(p, Lines) else 1.0 for p in row]
            cells = part.subfigures(1, len(row), width_ratios=shares, squeeze=False)[0]
            for cell, plot in zip(cells, row, strict=True):
                _draw(cell, plot)
        buffer = io.BytesIO()
        # No date in the file: the same picture is the same bytes.
        stamp = {"png": {"Software": None}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}
        figure.savefig(buffer, format=form, metadata=stamp[form])
    return _small(buffer.getvalue()) if form == "png" else buffer.getvalue()


def _small(picture: bytes) -> bytes:
    """Reduce a picture to 256 colours, so that a saved notebook stays small."""
    from PIL import Image

    buffer = io.BytesIO()
    with Image.open(io.BytesIO(picture)) as image:
        image.convert("RGB").quantize(
            256, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE
        ).save(buffer, "png", optimize=True)
    return buffer.getvalue()


def _rows(plots: Sequence[Plot]) -> list[list[Plot]]:
    """Two plots to a row; a heat map stands below the time course, at full width."""
    if len(plots) > 1 and not isinstance(plots[0], Heat) and isinstance(plots[1], Phase):
        return [list(plots[:2]), *_rows(plots[2:])]
    rows = [[plots[0]]] if plots else []
    rest = list(plots[1:])
    while rest:
        alone = isinstance(rest[0], Heat) and not rest[0].matrix
        rows.append(rest[: 1 if alone else 2])
        rest = rest[len(rows[-1]) :]
    return rows


def _height(row: Sequence[Plot]) -> float:
    def height(plot: Plot) -> float:
        if isinstance(plot, Lines):
            return 1.3 + 0.9 * len(plot.panels)
        return 3.2 if isinstance(plot, Phase) and plot.box is not None else 2.3

    return max(map(height, row))


def _wrapped(text: str, columns: int) -> str:
    import textwrap

    # A name stays beside its number.
    text = text.replace(" = ", "\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}")
    return "\n".join(textwrap.wrap(text, columns))


def _draw(cell, plot: Plot) -> None:
    if isinstance(plot, Lines):
        _draw_lines(cell, plot)
    elif isinstance(plot, Phase):
        _draw_phase(cell, plot)
    else:
        _draw_heat(cell, plot)


_ROLES: dict[str, dict[str, Any]] = {
    "main": {"linewidth": 1.0},
    "ghost": {"linewidth": 0.7, "linestyle": "--", "alpha": 0.5},
    "guide": {"linewidth": 0.9, "linestyle": (0, (5, 3))},
    "faint": {"linewidth": 0.5, "alpha": 0.3},
    "curve": {"linewidth": 1.4},
    "dots": {"linestyle": "none", "marker": ".", "markersize": 1.5},
}
_MARKERS = {"circle": "o", "square": "s", "diamond": "D", "triangle": "^"}


def _colour(index: int | None) -> str:
    return "#333333" if index is None else COLOURS[index % len(COLOURS)]


def _style(trace: Trace) -> dict:
    named = trace.role not in ("ghost", "faint")
    return {
        "color": _colour(trace.color),
        "label": trace.name if named else None,
        **_ROLES[trace.role],
    }


def _draw_marks(ax, marks, panel: int = 0) -> None:
    for mark in marks:
        if mark.panel != panel:
            continue
        color = _colour(mark.color)
        if mark.kind == "rule":
            ax.axvline(mark.x, color=color, linestyle=":", linewidth=0.9)
        elif mark.kind == "cross":
            ax.plot(mark.x, mark.y, "x", color=color, ms=3.5, mew=0.7, alpha=0.6, zorder=5)
        elif mark.kind in _MARKERS:
            face = color if mark.filled else "white"
            shape = _MARKERS[mark.kind]
            ax.plot(mark.x, mark.y, shape, color=color, mfc=face, ms=5, zorder=5)


def _draw_lines(cell, plot: Lines) -> None:
    panels = max(1, len(plot.panels))
    axes = cell.subplots(panels, 1, sharex=True, squeeze=False)[:, 0]
    for k, (ax, panel) in enumerate(zip(axes, plot.panels, strict=False)):
        for trace in panel.traces:
            if trace.y.size:
                _draw_trace(ax, plot, trace)
        _draw_marks(ax, plot.marks, k)
        main = [t for t in panel.traces if t.role == "main"]
        if plot.robust:
            _limit(ax, limits([t.y for t in main], True), "y")
        if len(main) > 1 or plot.legend:
            # Above the axes, so that it hides nothing.
            place = {"loc": "lower right", "bbox_to_anchor": (1.0, 1.0), "borderaxespad": 0.1}
            ax.legend(fontsize=7, frameon=False, ncols=min(8, len(main)), **place)
        ax.set_ylabel(_label(panel.y))
        ax.margins(x=0)
    axes[-1].set_xlim(plot.start, plot.end)
    axes[-1].set_xlabel(_label(plot.x))


def _draw_trace(ax, plot: Lines, trace: Trace) -> None:
    if trace.x is None:
        y, size = minmax(trace.y, COLUMNS // 2)
        step = plot.dx if size == 1 else 0.5 * size * plot.dx
        x = plot.x0 + step * np.arange(y.size)
    else:
        x, y = trace.x, trace.y
    if trace.band is not None:
        whole = plot.x0 + plot.dx * np.arange(trace.y.size) if trace.x is None else trace.x
        stride = -(-whole.size // MOST_COLUMNS)
        low, high = (edge[::stride] for edge in trace.band)
        ax.fill_between(
            whole[::stride], low, high, color=_colour(trace.color), alpha=0.22, linewidth=0
        )
    ax.plot(x, y, **_style(trace))


def _draw_phase(cell, plot: Phase) -> None:
    ax = cell.subplots()
    _draw_arrows(ax, plot)
    for trace in plot.traces:
        if not trace.y.size:
            continue
        ax.plot(trace.x, trace.y, **_style(trace))
        if trace.role == "main" and not plot.bare:
            color = _colour(trace.color)
            ax.plot(trace.across[-1:], trace.y[-1:], "o", color=color, ms=4)
            ax.plot(trace.across[:1], trace.y[:1], "o", color=color, mfc="white", ms=4)
    if plot.robust:
        main = [t for t in plot.traces if t.role == "main"]
        _limit(ax, limits([t.across for t in main], True), "x")
        _limit(ax, limits([t.y for t in main], True), "y")
    _draw_marks(ax, plot.marks)
    if plot.box is not None:
        ax.set_xlim(plot.box[:2])
        ax.set_ylim(plot.box[2:])
        named = {line.get_label(): line for line in ax.lines if line.get_label()[:1] != "_"}
        if len(named) > 1:
            # Two columns from the left edge: four in a row reach beyond a square plot.
            place = {"loc": "lower left", "bbox_to_anchor": (0.0, 1.0), "borderaxespad": 0.1}
            ax.legend(named.values(), named.keys(), fontsize=7, frameon=False, ncols=2, **place)
    ax.set_xlabel(_label(plot.x))
    ax.set_ylabel(_label(plot.y))


def _draw_arrows(ax, plot: Phase) -> None:
    """Draw a vector field; on the page its arrows point along the trajectories."""
    field = plot.arrows
    if field is None:
        return
    if plot.box is not None:
        wide, high = plot.box[1] - plot.box[0], plot.box[3] - plot.box[2]
    else:
        wide, high = np.ptp(field.x), np.ptp(field.y)
    u, v = 0.04 * wide * field.u, 0.04 * high * field.v
    ax.quiver(
        field.x, field.y, u, v, angles="xy", scale_units="xy", scale=1, pivot="mid",
        color="#999999", width=0.0025, headwidth=4, headlength=4, zorder=0,
    )  # fmt: skip


def _draw_heat(cell, plot: Heat) -> None:
    ax = cell.subplots()
    rows, cols = plot.data.shape
    lo, hi = plot.ends
    height = (-0.5, rows - 0.5) if plot.up else (rows - 0.5, -0.5)
    extent = (plot.x0, plot.x0 + max(cols, 1) * plot.dx, *height)
    image = ax.imshow(
        _columns(plot.data) if cols else np.full((rows, 1), np.nan),
        aspect="equal" if plot.matrix else "auto",
        extent=extent,
        vmin=lo,
        vmax=hi,
        cmap={"sequential": "viridis", "diverging": "RdBu_r"}[plot.palette],
        interpolation="nearest",
        origin="lower" if plot.up else "upper",
    )
    ax.set_xlim(plot.start, plot.end)
    ax.set_xlabel(_label(plot.x))
    ax.set_ylabel(_label(plot.y))
    if plot.names and rows <= 12:
        ax.set_yticks(range(rows), plot.names)
    elif plot.columns:
        some = range(0, rows, max(1, rows // 6))
        ax.set_yticks(some, [plot.names[i] for i in some])
    elif rows <= 12:
        ax.set_yticks(range(rows))
    if plot.columns:
        some = range(0, cols, max(1, cols // 6))
        ax.set_xticks(some, [plot.columns[i] for i in some])
    _draw_cells(ax, plot)
    bar = cell.colorbar(image, ax=ax, pad=0.02)
    bar.set_label(_label(plot.value))
    bar.outline.set_linewidth(0.6)


def _draw_cells(ax, plot: Heat) -> None:
    """Outline the chosen cell, and cross out those without a number."""
    for mark in plot.marks:
        left = plot.x0 + mark.x * plot.dx
        if mark.kind == "cross":
            ax.plot(left + plot.dx / 2, mark.y, "x", color="#555555", ms=3.5, mew=0.7)
        elif mark.kind == "cell":
            across = left + plot.dx * np.array([0, 1, 1, 0, 0])
            ax.plot(across, mark.y + np.array([-0.5, -0.5, 0.5, 0.5, -0.5]), "k-", lw=1.2)


def _columns(data: np.ndarray) -> np.ndarray:
    """Average a matrix in time until it has no more columns than the picture has pixels."""
    size = -(-data.shape[1] // MOST_COLUMNS)
    whole = data.shape[1] // size * size
    return data[:, :whole].reshape(data.shape[0], -1, size).mean(2) if size > 1 else data


def _limit(ax, ends, which: str) -> None:
    lo, hi = ends
    pad = 0.05 * (hi - lo) or 1.0
    (ax.set_xlim if which == "x" else ax.set_ylim)(lo - pad, hi + pad)


def _label(axis) -> str:
    return f"{axis.label} [{axis.unit}]" if axis.unit else axis.label
