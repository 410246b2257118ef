"""Plots of connectivity matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from brainmass.analysis.signals.correlation import fc

from ._axes import axes, bare, colourbar, diverging, ink, line_colours, named, region_ticks, tidy
from ._axes import title as axis_title
from ._series import series

DECADES = 1.5  # from the median to the largest weight; beyond it a linear scale shows few of them
CROWD = 3000  # pairs that are drawn one by one


def plot_connectivity(
    matrix: Any,
    *,
    labels: Any = None,
    ax: Any = None,
    cmap: str = "viridis",
    colorbar: bool = True,
    log: bool | None = None,
    **kwargs: Any,
) -> Any:
    """Plot weights, delays or any other matrix between regions.

    Parameters
    ----------
    matrix : array_like, brainunit.Quantity or Connectome
        ``(region, region)``; row = target, column = source. A
        :class:`~brainmass.connectome.Connectome` brings its labels, and lines between its
        hemispheres.
    labels : sequence of str, optional
        Names of the regions.
    ax : matplotlib.axes.Axes, optional
        Where to draw. Default: a new figure.
    cmap : str, default 'viridis'
        Colour map.
    colorbar : bool, default True
        Draw one.
    log : bool, optional
        Logarithmic colours, with zeros left blank. Default: for a Connectome whose largest weight
        is far above the median.
    **kwargs
        For :meth:`matplotlib.axes.Axes.imshow`.

    Returns
    -------
    matplotlib.axes.Axes
        With the image.

    Raises
    ------
    ValueError
        If the matrix is not square.

    Examples
    --------
    >>> import brainmass
    >>> conn = brainmass.datasets.load_dataset("synthetic_68")
    >>> ax = brainmass.viz.plot_connectivity(conn)
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('from', 'to')
    """
    who, what, sides = "plot_connectivity", "weight", None
    if hasattr(matrix, "weights"):
        labels = matrix.labels if labels is None else labels
        sides, matrix = matrix.hemispheres, matrix.weights
        log = _is_skewed(bare(matrix)[0]) if log is None else log
    values, unit = _square(matrix, who)
    ax = axes(ax, who, (5.4, 4.6))
    if log:
        _scale(values, kwargs, who)
        values = np.where(values > 0, values, np.nan)
    image = ax.imshow(values, **({"cmap": cmap, "interpolation": "nearest"} | kwargs))
    _frame(ax, named(labels, len(values), who), sides)
    ax.set_xlabel("from")
    ax.set_ylabel("to")
    if colorbar:
        name = "delay" if str(unit) in ("ms", "s") else "distance" if str(unit) == "mm" else what
        colourbar(ax, image, axis_title(name, unit))
    return ax


def plot_functional_connectivity(
    data: Any,
    *,
    is_matrix: bool = False,
    labels: Any = None,
    ax: Any = None,
    colorbar: bool = True,
    **kwargs: Any,
) -> Any:
    """Plot functional connectivity, with colours from -1 to 1.

    Parameters
    ----------
    data : array_like, brainunit.Quantity or Signal
        A signal ``(time, region)``, whose Pearson correlation is shown; or the matrix itself.
    is_matrix : bool, default False
        Whether ``data`` is the matrix.
    labels : sequence of str, optional
        Names of the regions. A :class:`~brainmass.datasets.Signal` brings its own.
    ax : matplotlib.axes.Axes, optional
        Where to draw. Default: a new figure.
    colorbar : bool, default True
        Draw one.
    **kwargs
        For :meth:`matplotlib.axes.Axes.imshow`.

    Returns
    -------
    matplotlib.axes.Axes
        With the image.

    Raises
    ------
    ValueError
        If the shape is wrong, or a matrix has entries outside [-1, 1].

    Examples
    --------
    >>> import brainmass
    >>> signal = brainmass.datasets.load_dataset("example_signal")
    >>> ax = brainmass.viz.plot_functional_connectivity(signal)
    >>> ax.images[0].get_clim()
    (-1.0, 1.0)
    """
    who = "plot_functional_connectivity"
    if hasattr(data, "fc") and labels is None:
        labels = data.labels
    values = _correlations(data, is_matrix, who)
    ax = axes(ax, who, (5.4, 4.6))
    options = {"cmap": diverging(ax), "vmin": -1.0, "vmax": 1.0, "interpolation": "nearest"}
    image = ax.imshow(values, **(options | kwargs))
    _frame(ax, named(labels, len(values), who), None)
    if colorbar:
        colourbar(ax, image, "correlation")
    return ax


def plot_fc_pairs(
    simulated: Any,
    empirical: Any,
    *,
    is_matrix: bool | tuple[bool, bool] = False,
    ax: Any = None,
    **kwargs: Any,
) -> Any:
    """Plot one functional connectivity against another, a point for each pair of regions.

    Parameters
    ----------
    simulated, empirical : array_like, brainunit.Quantity or Signal
        Signals ``(time, region)`` or matrices, of the same regions.
    is_matrix : bool or tuple of bool, default False
        Whether they are matrices; one for both or one for each.
    ax : matplotlib.axes.Axes, optional
        Where to draw. Default: a new figure.
    **kwargs
        For :meth:`matplotlib.axes.Axes.scatter`, or with more than 3000 pairs
        :meth:`matplotlib.axes.Axes.hexbin`.

    Returns
    -------
    matplotlib.axes.Axes
        With the correlation of the pairs, and the line on which both agree.

    Examples
    --------
    >>> import brainmass, numpy as np
    >>> bold = brainmass.datasets.load_dataset("synthetic_68_bold")
    >>> half = bold.signal[:300]
    >>> ax = brainmass.viz.plot_fc_pairs(half, bold)
    >>> ax.get_title()
    'r = 0.68 over 2278 pairs'
    """
    who = "plot_fc_pairs"
    kinds = is_matrix if isinstance(is_matrix, tuple) else (is_matrix, is_matrix)
    a, b = (
        _correlations(x, kind, who) for x, kind in zip((simulated, empirical), kinds, strict=True)
    )
    if a.shape != b.shape or len(a) < 3:
        raise ValueError(
            f"{who}: both must have the same regions, three or more; got {len(a)} and {len(b)}. "
            "Choose the same regions in both."
        )
    upper = np.triu_indices(len(a), 1)
    x, y = b[upper], a[upper]
    ax = axes(ax, who, (4.6, 4.6))
    low = np.floor(5 * min(x.min(), y.min(), 0.0)) / 5
    if len(x) > CROWD:
        bounds = (low, 1.0, low, 1.0)
        options = {"gridsize": 60, "bins": "log", "mincnt": 1, "extent": bounds, "linewidths": 0}
        ax.hexbin(x, y, **(options | {"cmap": "viridis"} | kwargs))
    else:
        options = {"s": 9, "alpha": 0.5, "linewidths": 0, "color": line_colours(ax, 1)[0]}
        ax.scatter(x, y, **(options | kwargs))
    ax.plot([low, 1], [low, 1], "--", color=ink(ax), alpha=0.6, linewidth=1, zorder=0.5)
    ax.set(xlim=(low, 1), ylim=(low, 1), aspect="equal")
    ax.set(xlabel="empirical FC", ylabel="simulated FC")
    r = np.corrcoef(x, y)[0, 1]
    ax.set_title(f"r = {r:.2f} over {len(x)} pairs", fontsize="medium")
    return tidy(ax)


def _correlations(data: Any, is_matrix: bool, who: str) -> np.ndarray:
    if hasattr(data, "fc"):
        return np.asarray(data.fc)
    if not is_matrix:
        return np.asarray(fc(series(data, None, None, who).values))
    values, unit = _square(data, who)
    if not unit.is_unitless or np.nanmax(np.abs(values)) > 1 + 1e-5:
        raise ValueError(
            f"{who}: a matrix of correlations must lie in [-1, 1]; got "
            f"{np.nanmin(values):.3g} to {np.nanmax(values):.3g} [{unit}]. For weights use "
            "plot_connectivity."
        )
    return values


def _square(matrix: Any, who: str):
    values, unit = bare(matrix)
    if values.ndim != 2 or values.shape[0] != values.shape[1]:
        raise ValueError(
            f"{who}: matrix must be square, (region, region); got shape {values.shape}. "
            "Pass one row and one column per region."
        )
    return values, unit


def _is_skewed(values: np.ndarray) -> bool:
    there = values[values > 0]
    return there.size > 0 and there.max() > 10**DECADES * np.median(there)


def _scale(values: np.ndarray, kwargs: dict, who: str) -> None:
    if not np.any(values > 0):
        raise ValueError(f"{who}: log needs a positive entry; got none. Pass log=False.")
    # The faintest hundredth shares one colour, so that a single tiny weight spends no colours.
    there = values[values > 0]
    if "norm" not in kwargs:
        kwargs["norm"] = "log"
        kwargs.setdefault("vmin", np.percentile(there, 1))


def _frame(ax: Any, labels: list[str] | None, sides: Any) -> None:
    ax.spines[:].set_visible(False)
    if labels is not None:
        region_ticks(ax, labels)
    if sides is not None:
        for i in range(1, len(sides)):
            if sides[i] != sides[i - 1]:
                for line in (ax.axhline, ax.axvline):
                    line(i - 0.5, color=ink(ax), linewidth=0.6, alpha=0.7)
