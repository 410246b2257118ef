"""Where fixed points are looked for, and how they are found: Newton's method from many starts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from ..._step import rk4
from .flow import Flow, mapping

__all__ = ["ITERATIONS", "REACH", "Area", "explore", "find", "read_box"]

ITERATIONS = 40
"""Newton steps after which a start is given up."""

REACH = 3.0
"""Longest Newton step, in half-widths of the box."""

_CANDIDATES = (1.0, 0.5, 0.25, 0.1)


@dataclass(frozen=True)
class Area:
    """Where to look: a box, which of its sides are given, and points that are known inside."""

    low: np.ndarray
    high: np.ndarray
    given: np.ndarray
    seeds: np.ndarray

    @property
    def scale(self) -> np.ndarray:
        """Half-widths of the box."""
        return (self.high - self.low) / 2

    @property
    def automatic(self) -> bool:
        """Whether any side was found by simulation."""
        return not bool(self.given.all())

    def around(self, points: np.ndarray) -> Area:
        """Return the box that holds the points too, on the sides that are not given."""
        low, high = np.minimum(self.low, points.min(0)), np.maximum(self.high, points.max(0))
        low, high = _roomy(low, high)
        return Area(
            np.where(self.given, self.low, low),
            np.where(self.given, self.high, high),
            self.given,
            self.seeds,
        )


def read_box(flow: Flow, box: dict | None) -> Area:
    """Return the box that a user gave, its other sides found by simulation."""
    low, high = np.full((2, len(flow.states), flow.regions), np.nan)
    for name, ends in mapping(box, flow.who, "box", "(low, high)").items():
        index = flow.index(name)
        if not isinstance(ends, tuple | list) or len(ends) != 2:
            raise ValueError(
                f"{flow.who}: box['{name}'] must be (low, high); got {ends!r}. Pass two values."
            )
        lo, hi = (flow.bare(name, end) for end in ends)
        if not np.all(lo < hi):
            raise ValueError(
                f"{flow.who}: box['{name}'] must be (low, high) with low < high; got {ends!r}. "
                "Exchange or correct them."
            )
        low[index], high[index] = lo, hi
    low, high = low.ravel(), high.ravel()
    given = np.isfinite(low)
    seeds = np.zeros((0, low.size))
    if not given.all():
        least, most, seeds = explore(flow)
        # A model that rests where it starts tells nothing of the size of its world.
        unit = 0.05 * np.maximum(np.abs(flow.start().ravel()), 1.0)
        middle, half = (least + most) / 2, np.maximum((most - least) / 2, unit)
        least, most = middle - half, middle + half
        low, high = np.where(given, low, least), np.where(given, high, most)
    return Area(low, high, given, seeds)


def explore(flow: Flow, count: int = 16, steps: int = 3000):
    """Simulate from scattered starts; return a box around what is visited late, and the ends.

    The starts that are far away only tell where they lead: a slow model is still coming back.
    """
    low, high = flow.clamps
    start = flow.start().ravel()
    unit = np.maximum(np.abs(start), 1.0)
    size = 10.0 ** (np.arange(count) % 3)[:, None]
    starts = start + unit * size * (2 * _spread(count, start.size) - 1)
    starts[0] = start
    starts = np.clip(starts, low, high)
    if flow.regions > 1:  # a slow part of a network's trajectory is enough
        steps = steps // 3
    ends, least, most = flow.call(
        _explored, flow.w, starts, low, high, flow.dt, steps, often=flow.regions > 1
    )
    fine = np.isfinite(ends).all(1) & np.isfinite(least).all(1) & np.isfinite(most).all(1)
    fine &= np.abs(ends).max(1) < 1e9
    if not fine.any():
        return *_roomy(start, start), start[None]
    near = fine & ((np.arange(count) % 3 == 0) | ~fine[::3].any())
    least, most = least[near].min(0), most[near].max(0)
    return *_roomy(least, most), ends[fine]


def _roomy(low, high):
    """Widen a box, and give one of no width the size of its place."""
    middle, half = (low + high) / 2, (high - low) / 2
    size = np.maximum(1.3 * half, 0.25 * np.maximum(np.abs(low), np.abs(high)))
    size = np.where(size > 1e-12, size, 1.0)
    return middle - size, middle + size


def _spread(count: int, size: int) -> np.ndarray:
    """Points that fill the unit cube evenly: the additive recurrence of M. Roberts."""
    phi = 2.0
    for _ in range(40):
        phi = (1 + phi) ** (1 / (size + 1))
    steps = phi ** -np.arange(1.0, size + 1) % 1
    return (0.5 + np.arange(1, count + 1)[:, None] * steps) % 1


def _starts(flow: Flow, area: Area, count: int) -> np.ndarray:
    """Points in the box, a half of them in one three and ten times as large where it is ours."""
    size = area.low.size
    if flow.regions > 1:
        # Every other start is the same in all regions: symmetric states are small targets.
        alike = np.repeat(_spread(count, len(flow.states)), flow.regions, axis=1)
        cube = np.where(np.arange(count)[:, None] % 2 == 0, alike, _spread(count, size))
    else:
        cube = _spread(count, size)
    factor = np.array([1.0, 3.0, 1.0, 10.0])[(np.arange(count) // 2) % 4][:, None]
    factor = np.where(area.given, 1.0, factor)
    middle = (area.low + area.high) / 2
    points = middle + factor * area.scale * (2 * cube - 1)
    points = np.clip(points, *flow.clamps)
    seeds = area.seeds[:count]
    points[: len(seeds)] = seeds
    return points


def find(flow: Flow, area: Area, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return distinct fixed points (k, size) and their Jacobians (k, size, size)."""
    points, matrices = _converged(flow, area, count)
    for _ in range(2 if area.automatic else 0):
        if not len(points):
            break
        area = area.around(points)
        more, jacobians = _converged(flow, area, count)
        known = len(points)
        points, matrices = _distinct(
            np.concatenate([points, more]), np.concatenate([matrices, jacobians]), area.scale
        )
        if len(points) == known:
            break
    order = np.lexsort(points.T[::-1])
    return points[order], matrices[order]


def _converged(flow: Flow, area: Area, count: int):
    starts = _starts(flow, area, count)
    points, matrices, moved, left = flow.call(
        _newton, flow.w, starts, area.scale, often=flow.regions > 1
    )
    low, high = flow.clamps
    low = np.where(area.given, np.maximum(low, area.low), low)
    high = np.where(area.given, np.minimum(high, area.high), high)
    room = 1e-9 * area.scale
    good = (moved < 1e-8) & (left < 1e-9) & np.isfinite(points).all(1)
    good &= np.isfinite(matrices).all((1, 2))
    good &= ((points >= low - room) & (points <= high + room)).all(1)
    return _distinct(points[good], matrices[good], area.scale)


def _distinct(points: np.ndarray, matrices: np.ndarray, scale: np.ndarray):
    kept: list[int] = []
    for k, point in enumerate(points):
        # Only digits that a degenerate root loses may differ.
        near = 1e-6 * (scale + np.abs(point))
        if not any((np.abs(points[j] - point) <= near).all() for j in kept):
            kept.append(k)
    return points[kept], matrices[kept]


# -- compiled parts -----------------------------------------------------------------------------


def _newton(rules):
    """Newton's method with limited, damped steps from many starts; scaled by ``scale``."""

    def run(fixed, w, starts, scale):
        bound = rules.bind(fixed)

        def rates(z):
            return bound(w, z * scale)

        def linear(z):
            value, matrix = rates(z), jax.jacfwd(rates)(z)
            weight = 1.0 / (jnp.abs(matrix).sum(-1) + 1e-300)
            return value * weight, matrix * weight[:, None], weight

        def one(z, value, matrix, weight):
            step = -jnp.linalg.solve(matrix, value)
            step = step * jnp.minimum(1.0, REACH / (jnp.abs(step).max() + 1e-300))
            tried = z + jnp.asarray(_CANDIDATES)[:, None] * step
            left = jnp.abs(jax.vmap(rates)(tried) * weight).max(-1)
            best = jnp.argmin(jnp.where(jnp.isfinite(left), left, jnp.inf))
            return tried[best], jnp.abs(tried[best] - z).max() / (1.0 + jnp.abs(z).max())

        def going(loop):
            k, _, moved, _ = loop
            return (k <= ITERATIONS) & ((k == 0) | jnp.any(moved > 1e-12))

        def improve(loop):
            """Take a step, none in the first round, and linearise where it leads.

            So there is one linearisation to compile, and the last one is that of the points found.
            """
            k, z, moved, there = loop
            new, step = jax.vmap(one)(z, *there)
            rest = (moved <= 1e-12) | (k == 0)
            z = jnp.where(rest[:, None], z, new)
            # A singular start is over; NaN compares as at rest and is left out later.
            return k + 1, z, jnp.where(rest, moved, step), jax.vmap(linear)(z)

        z = starts / scale
        nothing = (jnp.zeros_like(z), jnp.zeros((*z.shape, z.shape[1])), jnp.ones_like(z))
        first = (0, z, jnp.full(z.shape[0], jnp.inf), nothing)
        _, z, moved, (value, matrix, weight) = lax.while_loop(going, improve, first)
        exact = matrix / weight[..., None] / scale
        return z * scale, exact, moved, jnp.abs(value).max(-1)

    return run


def _explored(rules):
    """Where trajectories stay after a first fifth, and where they end."""

    def run(fixed, w, starts, low, high, dt, steps):
        rates = partial(rules.bind(fixed), w)

        def step(k, loop):
            y, least, most = loop
            (y,) = rk4(lambda now, _c: (jax.vmap(rates)(now[0]),), (y,), dt)
            y = jnp.clip(y, low, high)
            late = k >= steps // 5
            return (
                y,
                jnp.where(late, jnp.minimum(least, y), y),
                jnp.where(late, jnp.maximum(most, y), y),
            )

        return lax.fori_loop(0, steps, step, (starts, starts, starts))

    return run
