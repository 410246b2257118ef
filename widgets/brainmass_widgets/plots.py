"""What a plot shows, as plain arrays.

Three kinds, :class:`Lines`, :class:`Phase` and :class:`Heat`, hold the full data.
:mod:`brainmass_widgets.packing` reduces one of them to a dictionary of small numbers and binary
buffers that the canvas draws; :mod:`brainmass_widgets.figure` draws the same with matplotlib.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

__all__ = [
    "Arrows",
    "Axis",
    "Heat",
    "Lines",
    "Mark",
    "Panel",
    "Phase",
    "Plot",
    "Trace",
    "limits",
    "minmax",
]


@dataclass(frozen=True)
class Axis:
    """Name and unit of what an axis shows."""

    label: str
    unit: str = ""


@dataclass(frozen=True, eq=False)
class Trace:
    """One line: values against the uniform grid of its plot, or against its own ``x``.

    Attributes
    ----------
    name : str
        Its name in the legend; lines of one name are shown and hidden together.
    y, x : numpy.ndarray
        Values; ``x`` is None on the grid of the plot.
    color : int
        Which colour of the palette.
    role : {'main', 'curve', 'ghost', 'guide', 'faint', 'dots'}
        Solid; solid without ends, for a nullcline or a stable branch; dashed and behind, for an
        earlier run; dashed, for an unstable branch or a target; thin and pale, for one of many;
        points without a line.
    band : tuple of numpy.ndarray, optional
        Lower and upper edge of a shaded band.
    """

    name: str
    y: np.ndarray
    x: np.ndarray | None = None
    color: int = 0
    role: str = "main"
    band: tuple[np.ndarray, np.ndarray] | None = None

    @property
    def across(self) -> np.ndarray:
        """Its own ``x``; empty for a line on the grid of its plot."""
        return np.zeros(0) if self.x is None else self.x

    @property
    def extent(self) -> list[np.ndarray]:
        """The arrays that an axis must hold."""
        return [self.y, *(self.band or ())]


@dataclass(frozen=True)
class Mark:
    """A marked place: a fixed point, a chosen cell, the value of a slider.

    Attributes
    ----------
    x, y : float
        Where; column and row for what marks a cell of a heat map, only ``x`` for ``'rule'``.
    kind : {'circle', 'square', 'diamond', 'triangle', 'cross', 'rule', 'cell'}
        Shape; a cross says that nothing could be computed there, a rule is a vertical line, a cell
        the outline of a cell of a heat map.
    name : str
        What the pointer reads there, on several lines if it has line breaks.
    color : int or None
        Which colour of the palette; None for that of the text.
    filled : bool
        Whether the shape is filled, as is usual for what is stable.
    panel : int
        Which panel of :class:`Lines`.
    """

    x: float
    y: float = 0.0
    kind: str = "circle"
    name: str = ""
    color: int | None = None
    filled: bool = True
    panel: int = 0


@dataclass(frozen=True, eq=False)
class Arrows:
    """A vector field: at each (x, y) an arrow along (u, v), the longest of length 1.

    ``u`` and ``v`` are directions on the screen: parts of the width and of the height.
    """

    x: np.ndarray
    y: np.ndarray
    u: np.ndarray
    v: np.ndarray


@dataclass(frozen=True, eq=False)
class Panel:
    """Traces that share one vertical axis."""

    y: Axis
    traces: tuple[Trace, ...]


@dataclass(frozen=True, eq=False)
class Lines:
    """Panels stacked over one horizontal axis with samples at ``x0 + k * dx``.

    ``robust`` keeps a blow-up from flattening the rest; ``start`` and ``end`` are where the axis
    starts and ends when the data do not reach that far; ``legend`` names a single line, too.
    """

    x: Axis
    panels: tuple[Panel, ...]
    x0: float = 0.0
    dx: float = 1.0
    robust: bool = False
    start: float | None = None
    end: float | None = None
    marks: tuple[Mark, ...] = ()
    legend: bool = False


@dataclass(frozen=True, eq=False)
class Phase:
    """Trajectories in the plane of two state variables, on a vector field if there is one.

    ``box`` fixes the axes, ``(x low, x high, y low, y high)``; ``bare`` leaves out the rings and
    dots where trajectories start and end.
    """

    x: Axis
    y: Axis
    traces: tuple[Trace, ...]
    robust: bool = False
    arrows: Arrows | None = None
    marks: tuple[Mark, ...] = ()
    box: tuple[float, float, float, float] | None = None
    bare: bool = False


@dataclass(frozen=True, eq=False)
class Heat:
    """A matrix as colours: one row per region, one column per sample or per region.

    NaN is left blank. ``span`` fixes the ends of the colour scale, ``palette`` is
    ``'sequential'`` or ``'diverging'``, ``columns`` names the columns, and ``up`` puts the first
    row at the bottom.
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
    palette: str = "sequential"
    columns: tuple[str, ...] = ()
    up: bool = False
    marks: tuple[Mark, ...] = ()

    @property
    def ends(self) -> tuple[float, float]:
        """Ends of the colour scale."""
        lo, hi = self.span or limits([self.data], self.robust)
        if hi > lo:
            return lo, hi
        half = 0.1 * abs(lo) or 1.0
        return lo - half, hi + half

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
