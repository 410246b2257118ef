"""The phase plane of two states: vector field and nullclines."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from ..._errors import choices
from .flow import Flow, flow_of
from .points import FixedPoint
from .search import REACH, find, read_box

__all__ = ["Nullclines", "VectorField", "nullclines", "vector_field"]

OTHERS = ("quasi-steady", "held")

CHUNK = 1024
"""Points of a grid that are computed in one call, so that their number never compiles."""

LINE = 256
"""The same for points of a curve."""

_SHARPENING = 4
_SETTLING = 16
"""Newton steps in which the other states must have come to rest."""


@dataclass(frozen=True, eq=False)
class VectorField:
    """Rates of change on a grid in the plane of two states.

    Parameters
    ----------
    names : tuple of str
        The two states.
    x, y : array or brainunit.Quantity
        The grid, (nx,) and (ny,).
    dx, dy : array or brainunit.Quantity (ny, nx)
        Rates of both states, per ms; NaN where the other states have no quasi-steady value.

    Examples
    --------
    >>> import brainmass
    >>> node = brainmass.HopfStep(1, w=0.3)
    >>> type(brainmass.analysis.vector_field(node, "x", "y")).__name__
    'VectorField'
    """

    names: tuple[str, str]
    x: Any
    y: Any
    dx: Any
    dy: Any

    def __repr__(self):
        ny, nx = np.shape(self.dx)
        return f"VectorField({self.names[0]}, {self.names[1]}, {nx} x {ny} points)"


@dataclass(frozen=True, eq=False)
class Nullclines:
    """Curves on which one of two states does not change.

    Parameters
    ----------
    names : tuple of str
        The two states.
    curves : dict of str to tuple
        For each state the coordinates ``(x, y)`` of the points where its rate is zero. Pieces of a
        curve are separated by NaN, so that a plot can draw them as one line.

    Examples
    --------
    >>> import brainmass
    >>> from brainmass.analysis import nullclines
    >>> x, y = nullclines(brainmass.VanDerPolStep(1), "x", "y", box={"x": (-3, 3)})["x"]
    >>> bool(abs(y - (x - x**3 / 3))[~np.isnan(x)].max() < 1e-9)
    True
    """

    names: tuple[str, str]
    curves: dict[str, tuple[Any, Any]]

    def __getitem__(self, name: str):
        return self.curves[name]

    def __repr__(self):
        return f"Nullclines({self.names[0]}, {self.names[1]})"


def vector_field(
    model,
    x: str,
    y: str,
    *,
    box=None,
    at=None,
    state=None,
    others: str = "quasi-steady",
    points: int | tuple[int, int] = 21,
    region: int | None = None,
) -> VectorField:
    """Return the rates of two states on a grid.

    Parameters
    ----------
    model : NeuralMass
        A model of one region, or of several of which ``region`` is taken.
    x, y : str
        The states along the two axes.
    box : dict, optional
        Range ``(low, high)`` by state. Default: around what simulations visit and the fixed
        points.
    at : dict, optional
        Parameters and inputs by name in place of those of the model.
    state : dict or FixedPoint, optional
        Values of the other states; what is left out is at the initial value of the model.
    others : {'quasi-steady', 'held'}
        What states that are not on an axis do: follow at the values where their own rates vanish,
        searched from ``state``, or stay at ``state``.
    points : int or tuple of int, default 21
        Points along both axes, or along each.
    region : int, optional
        Which region, where they differ.

    Returns
    -------
    VectorField
        The grid and the rates.

    Raises
    ------
    TypeError
        If the model is a network.
    ValueError
        If a name, a range or a number of points is wrong.

    Examples
    --------
    >>> import brainmass
    >>> from brainmass.analysis import vector_field
    >>> field = vector_field(brainmass.HopfStep(1, a=0.5), "x", "y", box={"x": (-1, 1)}, points=5)
    >>> field
    VectorField(x, y, 5 x 5 points)
    """
    plane = _Plane(flow_of(model, at, region, "vector_field"), x, y, box, state, others)
    across, up = plane.grid(points)
    dx, dy, _ = plane.rates(across, up)
    units = [plane.flow.states[name].unit for name in (x, y)]
    attach = [partial(_with, unit) for unit in units]
    per_ms = [partial(_with, unit / _ms()) for unit in units]
    return VectorField((x, y), attach[0](across), attach[1](up), per_ms[0](dx), per_ms[1](dy))


def nullclines(
    model,
    x: str,
    y: str,
    *,
    box=None,
    at=None,
    state=None,
    others: str = "quasi-steady",
    points: int | tuple[int, int] | None = None,
    region: int | None = None,
) -> Nullclines:
    """Return the curves on which two states do not change.

    The curves are found as contours on a grid, then every point is moved onto the curve by
    Newton's method with exact derivatives. With quasi-steady other states the two curves cross in
    every fixed point of the model.

    Parameters
    ----------
    model, x, y, box, at, state, others, region
        As for :func:`vector_field`.
    points : int or tuple of int, optional
        Points of the grid along both axes, or along each. Default: 121, and 61 for a model with
        more than two states.

    Returns
    -------
    Nullclines
        Points on the curves, with units.

    Raises
    ------
    TypeError
        If the model is a network.
    ValueError
        If a name, a range or a number of points is wrong.

    Examples
    --------
    >>> import brainmass
    >>> from brainmass.analysis import nullclines
    >>> curves = nullclines(brainmass.FitzHughNagumoStep(1), "V", "w", box={"V": (-3, 3)})
    >>> curves
    Nullclines(V, w)
    """
    plane = _Plane(flow_of(model, at, region, "nullclines"), x, y, box, state, others)
    if points is None:
        points = 121 if len(plane.flow.states) == 2 else 61
    across, up = plane.grid(points)
    *rates, rest = plane.rates(across, up)
    specs = plane.flow.states
    curves = {}
    for k, name in enumerate((x, y)):
        line = plane.sharpened(k, _contour(across, up, rates[k]), (across, up), rest)
        curves[name] = (specs[x].attach(line[:, 0]), specs[y].attach(line[:, 1]))
    return Nullclines((x, y), curves)


class _Plane:
    """Two states of a flow, their ranges, and what the other states do."""

    def __init__(self, flow: Flow, x: str, y: str, box, state, others: str):
        if flow.regions > 1:
            raise TypeError(
                f"{flow.who}: model must be that of one region; got {type(flow.model).__name__} "
                f"with {flow.regions} coupled regions. Pass its node, for example network.node."
            )
        if others not in OTHERS:
            raise ValueError(
                f"{flow.who}: others must be one of {choices(OTHERS)}; got {others!r}. "
                "Choose one of them."
            )
        self.pair = (flow.index(x), flow.index(y))
        if x == y:
            raise ValueError(
                f"{flow.who}: x and y must be two states; got '{x}' twice. "
                f"Choose among {choices(flow.states)}."
            )
        self.flow = flow
        self.area = read_box(flow, box)
        if self.area.automatic:
            points, _ = find(flow, self.area, 128)
            self.area = self.area.around(points) if len(points) else self.area
        given = state.state if isinstance(state, FixedPoint) else state
        self.start = flow.pack(given)
        self.follow = (others == "quasi-steady" and len(flow.states) > 2,)
        free = [k for k in range(len(flow.states)) if k not in self.pair]
        self.order = np.array([*self.pair, *free])

    def grid(self, points) -> list[np.ndarray]:
        """Return the coordinates along both axes."""
        counts = points if isinstance(points, tuple | list) else (points, points)
        whole = all(isinstance(n, int | np.integer) and not isinstance(n, bool) for n in counts)
        if len(counts) != 2 or not whole or min(counts) < 2:
            raise ValueError(
                f"{self.flow.who}: points must be a whole number of at least 2, or two of them; "
                f"got {points!r}. Pass for example points=21."
            )
        return [
            np.linspace(self.area.low[i], self.area.high[i], n)
            for i, n in zip(self.pair, counts, strict=True)
        ]

    def rates(self, across: np.ndarray, up: np.ndarray):
        """Return both rates (ny, nx), and all states (ny, nx, size) with those two first."""
        grid = np.stack(np.meshgrid(across, up), axis=-1)
        points = grid.reshape(-1, 2)
        parts = []
        for first in range(0, len(points), CHUNK):
            part, count = _filled(points[first : first + CHUNK], CHUNK)
            given = (self.flow.w, self.order, part, self.start, self.area.scale)
            done = self.flow.call(_on_plane, *given, static=self.follow)
            parts.append([a[:count] for a in done])
        rates, rest = (np.concatenate(a) for a in zip(*parts, strict=True))
        rates = rates.reshape(*grid.shape[:2], 2)
        return rates[..., 0], rates[..., 1], rest.reshape(*grid.shape[:2], -1)

    def sharpened(self, which: int, line: np.ndarray, grid, rest: np.ndarray) -> np.ndarray:
        """Move the points of a contour onto the curve; NaN stays NaN."""
        inside = ~np.isnan(line[:, 0])
        points = line[inside]
        if not len(points):
            return line
        cells = [
            np.clip(np.rint((p - g[0]) / (g[1] - g[0])).astype(int), 0, len(g) - 1)
            for p, g in zip(points.T, grid, strict=True)
        ]
        states = rest[cells[1], cells[0]]
        states = np.where(np.isfinite(states), states, self.start[self.order])
        size = np.array([g[1] - g[0] for g in grid])
        out = line.copy()
        sharp = np.empty_like(points)
        for first in range(0, len(points), LINE):
            part = slice(first, first + LINE)
            (p, count), (v, _) = _filled(points[part], LINE), _filled(states[part], LINE)
            given = (self.flow.w, self.order, p, v, self.area.scale, size, which)
            sharp[part] = self.flow.call(_sharper, *given, static=self.follow)[:count]
        out[inside] = sharp
        return out


def settled(flow: Flow, axes: tuple[str, str], at: tuple[float, float], box, state):
    """Return all states, with those off the axes quasi-steady; None where they do not settle."""
    plane = _Plane(flow, *axes, box, state, "quasi-steady")
    _, _, states = plane.rates(np.array([at[0]]), np.array([at[1]]))
    found = np.empty(len(flow.states))
    found[plane.order] = states[0, 0]
    return found if np.isfinite(found).all() else None


def _filled(points: np.ndarray, size: int) -> tuple[np.ndarray, int]:
    """Repeat the last point until a chunk is full; return how many there were."""
    return np.pad(points, ((0, size - len(points)), (0, 0)), mode="edge"), len(points)


def _ms():
    import brainunit as u

    return u.ms


def _with(unit, mantissa):
    import brainunit as u

    return mantissa if unit.is_unitless else u.Quantity(mantissa, unit=unit)


def _contour(across, up, values) -> np.ndarray:
    """Return the zero contour as points (n, 2), its pieces separated by NaN."""
    from contourpy import contour_generator

    finite = np.ma.masked_invalid(values)
    lines = contour_generator(across, up, finite).lines(0.0)
    gap = np.full((1, 2), np.nan)
    parts = [part for line in lines for part in (np.asarray(line), gap)]
    return np.concatenate(parts[:-1]) if parts else np.zeros((0, 2))


# -- compiled parts -----------------------------------------------------------------------------
#
# ``order`` lists the states with the two of the plane first, so that other axes compile nothing.


def _ordered(rules, fixed, w, order, scale):
    """Return the rates of states in that order, as a function of states in it, both scaled."""
    rates = partial(rules.bind(fixed), w)
    size = scale[order]

    def ordered(v):
        return rates(jnp.zeros_like(v).at[order].set(v * size))[order] / size

    return ordered, size


def _on_plane(rules, follow: bool):
    """Rates of two states at many points of their plane, and where all states are."""

    def run(fixed, w, order, points, rest, scale):
        rates, size = _ordered(rules, fixed, w, order, scale)

        def inner(point, z):
            return rates(jnp.concatenate([point, z]))[2:]

        def step(point, z):
            value, matrix = inner(point, z), jax.jacfwd(partial(inner, point))(z)
            move = -jnp.linalg.solve(matrix, value)
            return move * jnp.minimum(1.0, REACH / (jnp.abs(move).max() + 1e-300))

        def settled(point, z):
            """Newton's method on the other states; NaN where it does not end."""

            def going(loop):
                k, _, moved = loop
                return (k < _SETTLING) & (moved > 1e-12)

            def improve(loop):
                k, z, _ = loop
                move = step(point, z)
                return k + 1, z + move, jnp.abs(move).max() / (1.0 + jnp.abs(z).max())

            _, z, moved = lax.while_loop(going, improve, (0, z, jnp.inf))
            return jnp.where(moved < 1e-6, z, jnp.nan)

        def one(point, v):
            z = settled(point, v[2:]) if follow else v[2:]
            v = jnp.concatenate([point, z])
            return rates(v)[:2] * size[:2], v * size

        return jax.vmap(partial(one, v=rest[order] / size))(points / size[:2])

    return run


def _sharper(rules, follow: bool):
    """Newton steps of many points onto the curve on which the rate ``which`` vanishes.

    A step goes along the slope of that rate in the plane; the other states follow to first order.
    """

    def run(fixed, w, order, points, rest, scale, cell, which):
        rates, size = _ordered(rules, fixed, w, order, scale)
        pixel = cell / size[:2]

        def step(v):
            value, matrix = rates(v), jax.jacfwd(rates)(v)
            value, free = value[which], value[2:]
            slope, inward = matrix[which, :2], matrix[2:, :2]
            lag = jnp.zeros_like(free)
            if follow:
                both = jnp.concatenate([free[:, None], inward], axis=1)
                solved = jnp.linalg.solve(matrix[2:, 2:], both)
                lag, inward = solved[:, 0], solved[:, 1:]
                value, slope = value - matrix[which, 2:] @ lag, slope - matrix[which, 2:] @ inward
            slope = slope * pixel
            move = -value * slope / (slope @ slope + 1e-300)
            move = jnp.where(jnp.isfinite(move).all() & (jnp.abs(move).max() < 1.5), move, 0.0)
            move = move * pixel
            if follow:
                lag = lag + inward @ move
            after = v + jnp.concatenate([move, -lag])
            return jnp.where(jnp.isfinite(after).all(), after, v)

        v = jnp.concatenate([points / size[:2], rest[:, 2:] / size[2:]], axis=1)
        v = lax.fori_loop(0, _SHARPENING, lambda _, v: jax.vmap(step)(v), v)
        return v[:, :2] * size[:2]

    return run
