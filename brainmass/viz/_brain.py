"""Connectomes on a glass brain."""

from __future__ import annotations

from typing import Any

import brainunit as u
import numpy as np

from ._axes import axes, bare, colourbar, ink, is_dark, palette, title

# Name, and which coordinates are across and up; left stays left from above and from behind.
VIEWS = (("from the right", 1, 2), ("from above", 0, 1), ("from behind", 0, 2))
GAP = 22.0  # mm between two views
MARGIN = 10.0  # mm from the outermost centres to the outline: half of a region
HARMONICS = 4  # of the outline: what the smooth curve of a head needs


def plot_glass_brain(
    conn: Any,
    values: Any = None,
    *,
    n_edges: int | None = None,
    labels: bool | Any = False,
    value_name: str = "value",
    cmap: str = "viridis",
    ax: Any = None,
    **kwargs: Any,
) -> Any:
    """Plot regions and their strongest connections in a transparent brain, from three sides.

    Parameters
    ----------
    conn : Connectome
        With centres. The outline encloses them.
    values : array_like or brainunit.Quantity, optional
        ``(region,)``, shown as colours with a colour bar, for example a mean rate. Default: dots
        of one colour, larger for regions with stronger connections.
    n_edges : int, optional
        Draw this many connections, the strongest. Default: twice as many as regions, at most 250.
    labels : bool or sequence of str, default False
        Whether to name regions, or which.
    value_name : str, default 'value'
        Of the colour bar.
    cmap : str, default 'viridis'
        Colour map of the values.
    ax : matplotlib.axes.Axes, optional
        Where to draw all three views. Default: a new figure.
    **kwargs
        For :meth:`matplotlib.axes.Axes.scatter`.

    Returns
    -------
    matplotlib.axes.Axes
        The views next to each other, in mm, with a bar of 50 mm.

    Raises
    ------
    ValueError
        If the connectome has no centres, or ``values`` has another length.

    Examples
    --------
    >>> import brainmass
    >>> conn = brainmass.datasets.load_dataset("synthetic_68")
    >>> ax = brainmass.viz.plot_glass_brain(conn, n_edges=80)
    >>> len(ax.collections)  # connections and regions of three views
    6
    """
    who = "plot_glass_brain"
    centres = _centres(conn, who)
    weights = np.asarray(u.get_mantissa(conn.weights), dtype=float)
    pairs, strength = _strongest(weights, n_edges, who)
    shown = _shown(labels, conn, who)
    options = {"cmap": cmap, "linewidths": 0, "zorder": 3} | _dots(values, weights, who) | kwargs
    ax = axes(ax, who, (9.0, 3.4))
    options.setdefault("edgecolors", ink(ax))
    if "c" not in options:
        options.pop("cmap")
        options.setdefault("color", palette(ax)[0])
    start, dots, height = 0.0, None, 0.0
    for name, i, j in VIEWS:
        points = centres[:, [i, j]]
        outline = _outline(points)
        middle = (outline[:, 1].min() + outline[:, 1].max()) / 2
        shift = np.array([start - outline[:, 0].min(), -middle])
        points, outline = points + shift, outline + shift
        _draw_outline(ax, outline, name, split=i == 0, middle=shift[0])
        _draw_edges(ax, points, pairs, strength)
        dots = ax.scatter(*points.T, **options)
        for k in shown if i == 0 and j == 1 else ():  # from the side left and right coincide
            ax.annotate(conn.labels[k], points[k], (3, 3), textcoords="offset points", fontsize=6)
        start, height = outline[:, 0].max() + GAP, max(height, outline[:, 1].max())
    _finish(ax, start - GAP, height)
    if values is not None:
        label = title(value_name, bare(values)[1])
        colourbar(ax, dots, label, shrink=0.7, pad=0.01)
    return ax


def _centres(conn: Any, who: str) -> np.ndarray:
    if getattr(conn, "centres", None) is None:
        raise ValueError(
            f"{who}: conn must be a Connectome with centres; got none. Give centres= when "
            "building it."
        )
    return np.asarray(conn.centres.to_decimal(u.mm), dtype=float)


def _strongest(weights: np.ndarray, n_edges: int | None, who: str):
    n = len(weights)
    if n_edges is None:
        n_edges = min(2 * n, 250)
    if not isinstance(n_edges, int | np.integer) or isinstance(n_edges, bool) or n_edges < 0:
        raise ValueError(
            f"{who}: n_edges must be a whole number, at least 0; got {n_edges!r}. Pass one."
        )
    i, j = np.triu_indices(n, 1)
    both = np.maximum(weights[i, j], weights[j, i])
    chosen = np.argsort(both, kind="stable")[::-1][:n_edges]
    chosen = chosen[both[chosen] > 0][::-1]  # the strongest last, so on top
    ranks = np.linspace(0.15, 1.0, len(chosen))
    return np.stack([i[chosen], j[chosen]], axis=1), ranks


def _shown(labels: Any, conn: Any, who: str) -> list[int]:
    if isinstance(labels, bool):
        return list(range(conn.n_regions)) if labels else []
    return [conn.index(label) for label in ([labels] if isinstance(labels, str) else labels)]


def _dots(values: Any, weights: np.ndarray, who: str) -> dict[str, Any]:
    n = len(weights)
    largest = 60.0 * min(1.0, 68.0 / n) + 6.0
    if values is not None:
        numbers, _ = bare(values)
        if numbers.shape != (n,):
            raise ValueError(
                f"{who}: values must hold one number for each of the {n} regions; got shape "
                f"{numbers.shape}. Average over time first."
            )
        return {"c": numbers, "s": 0.75 * largest, "linewidths": 0.4}
    strength = weights.sum(axis=0) + weights.sum(axis=1)
    return {"s": 5.0 + largest * strength / max(strength.max(), 1e-300)}


def _outline(points: np.ndarray) -> np.ndarray:
    """Smooth closed curve around the points: their convex hull with a margin, without corners."""
    angle = np.linspace(0.0, 2 * np.pi, 180, endpoint=False)
    direction = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    hull = points[(points @ direction.T).argmax(axis=0)] + MARGIN * direction
    ring = np.concatenate([hull, hull[:1]])
    length = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(ring, axis=0), axis=1))])
    even = np.linspace(0.0, length[-1], 240, endpoint=False)
    curve = np.interp(even, length, ring[:, 0]) + 1j * np.interp(even, length, ring[:, 1])
    waves = np.fft.fft(curve)
    waves[HARMONICS + 1 : -HARMONICS] = 0.0
    curve = np.fft.ifft(waves)
    curve = np.append(curve, curve[0])
    return np.stack([curve.real, curve.imag], axis=1)


def _draw_outline(ax: Any, outline: np.ndarray, name: str, *, split: bool, middle: float) -> None:
    colour = ink(ax)
    fill = 0.08 if is_dark(ax) else 0.05
    ax.fill(*outline.T, facecolor=colour, alpha=fill, edgecolor="none", zorder=0)
    ax.plot(*outline.T, color=colour, alpha=0.45, linewidth=1.0, zorder=1)
    low, high = outline[:, 1].min(), outline[:, 1].max()
    centre = (outline[:, 0].min() + outline[:, 0].max()) / 2
    if split:
        ax.plot([middle, middle], [low, high], ":", color=colour, alpha=0.35, lw=0.8, zorder=1)
        for side, x, where in (
            ("L", outline[:, 0].min(), "left"),
            ("R", outline[:, 0].max(), "right"),
        ):
            ax.text(x, high, side, ha=where, va="top", fontsize=8, alpha=0.7)
    ax.text(centre, high + 4, name, ha="center", va="bottom", fontsize=9)


def _draw_edges(ax: Any, points: np.ndarray, pairs: np.ndarray, strength: np.ndarray) -> None:
    from matplotlib.collections import LineCollection
    from matplotlib.colors import to_rgba

    red, green, blue, _ = to_rgba(ink(ax))
    colours = [(red, green, blue, 0.55 * s) for s in strength]
    ax.add_collection(
        LineCollection(points[pairs], colors=colours, linewidths=0.4 + 1.2 * strength, zorder=2)
    )


def _finish(ax: Any, width: float, height: float) -> None:
    low = -height - 8
    ax.plot([0, 50], [low, low], color=ink(ax), linewidth=2, solid_capstyle="butt")
    ax.text(25, low - 3, "50 mm", ha="center", va="top", fontsize=8)
    ax.set(xlim=(-5, width + 5), ylim=(low - 16, height + 18), aspect="equal")
    ax.axis("off")
