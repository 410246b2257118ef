"""How a curve of fixed points is followed, and how its bifurcations are located.

All coordinates are scaled: ``v`` holds the states in units of the size of the diagram, and the
parameter in half-widths of its span as the last entry.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from .flow import Flow
from .search import Area

__all__ = ["Curve", "Path", "follow", "scaled_rates", "slack", "unstable"]

PIECE = 256
"""Points that are followed in one call."""

CHUNK = 64
"""Points whose eigenvalues are computed in one call."""

FAR = 30.0
"""Half-widths of the box after which a branch is taken to run to infinity, where it is ours."""

_SMALLEST = 1e-7
_FLAT = 0.97
"""Smallest cosine of the angle between neighbouring tangents."""


def slack(eigenvalues: np.ndarray) -> float:
    """Return the size below which a real part counts as zero."""
    return 1e-10 * np.abs(eigenvalues).max(initial=0.0)


def unstable(eigenvalues: np.ndarray) -> int:
    """Return the number of eigenvalues with a positive real part."""
    return int((eigenvalues.real > slack(eigenvalues)).sum())


@dataclass(frozen=True, eq=False)
class Curve:
    """A curve of fixed points in scaled coordinates, with tangents and eigenvalues."""

    v: np.ndarray
    tangents: np.ndarray
    eigenvalues: np.ndarray
    y: np.ndarray
    q: np.ndarray

    @cached_property
    def unstable(self) -> np.ndarray:
        """Number of eigenvalues with a positive real part."""
        return np.array([unstable(row) for row in self.eigenvalues])


@dataclass(eq=False)
class Path:
    """A flow along one of its numbers: what a continuation needs to know."""

    flow: Flow
    w: np.ndarray
    e: np.ndarray
    ends: tuple[float, float]
    area: Area
    scale: np.ndarray
    step: float
    most: int

    @property
    def width(self) -> float:
        """Half of the span."""
        return (self.ends[1] - self.ends[0]) / 2

    @property
    def limits(self) -> tuple[np.ndarray, np.ndarray]:
        """Scaled limits of the states: the given box, or far away."""
        middle = (self.area.low + self.area.high) / 2
        reach = np.where(self.area.given, 1.0, FAR) * self.area.scale
        low, high = self.flow.clamps
        room = 1e-6 * self.scale
        return (
            np.maximum(middle - reach, low - room) / self.scale,
            np.minimum(middle + reach, high + room) / self.scale,
        )

    def scaled(self, y: np.ndarray, q: float) -> np.ndarray:
        """Return a point in scaled coordinates."""
        return np.append(y / self.scale, q / self.width)

    def linear(self, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return scaled rates and their derivatives (size, size + 1)."""
        return self.flow.call(_extended, self.w, self.e, v, self.scale, self.width)

    def correct(self, v: np.ndarray, normal: np.ndarray, level: float, steps: int = 12):
        """Return the fixed point near ``v`` in the plane ``normal @ v = level``, and its slope.

        The slope is the matrix of derivatives; both are None where Newton's method fails.
        """
        for _ in range(steps):
            value, matrix = self.linear(v)
            full = np.vstack([matrix, normal])
            try:
                move = np.linalg.solve(full, -np.append(value, normal @ v - level))
            except np.linalg.LinAlgError:
                return None, None
            if not np.isfinite(move).all():
                return None, None
            v = v + move
            if np.abs(move).max() < 1e-11 * (1 + np.abs(v).max()):
                return v, self.linear(v)[1]
        return None, None

    def at_value(self, v: np.ndarray, q: float) -> np.ndarray | None:
        """Return the fixed point near ``v`` at a value of the parameter."""
        return self.correct(v, np.eye(len(v))[-1], q / self.width)[0]

    def lies_on(self, curve: Curve, y: np.ndarray, q: float) -> bool:
        """Whether a fixed point belongs to a curve that is known."""
        target = self.scaled(y, q)
        ahead = np.sign(curve.v[:, -1] - target[-1])
        for k in np.flatnonzero(ahead[:-1] * ahead[1:] <= 0):
            a, b = curve.v[k], curve.v[k + 1]
            share = (target[-1] - a[-1]) / (b[-1] - a[-1]) if b[-1] != a[-1] else 0.0
            guess = a + share * (b - a)
            if np.abs(guess - target).max() > 4 * max(np.abs(b - a).max(), 1e-3):
                continue
            exact = self.at_value(guess, q)
            if exact is not None and np.abs(exact - target).max() < 1e-5:
                return True
            if np.abs(guess - target).max() < 1e-3 * np.abs(b - a).max():
                return True
        return False

    def curve(self, v: np.ndarray, tangents: np.ndarray) -> Curve:
        """Return a curve with the eigenvalues of its points."""
        y, q = v[:, :-1] * self.scale, v[:, -1] * self.width
        for end in self.ends:  # the ends are what was asked for, to the last digit
            q[np.abs(q - end) < 1e-12 * (self.width + abs(end))] = end
        parts = []
        for first in range(0, len(v), CHUNK):
            part = v[first : first + CHUNK]
            full = np.pad(part, ((0, CHUNK - len(part)), (0, 0)), mode="edge")
            given = (self.w, self.e, full, self.scale, self.width)
            parts.append(np.linalg.eigvals(self.flow.call(_matrices, *given)[: len(part)]))
        return Curve(v, tangents, np.concatenate(parts), y, q)


# -- following ----------------------------------------------------------------------------------


def follow(path: Path, y: np.ndarray, q: float) -> Curve:
    """Follow the curve through a fixed point in both directions."""
    start = path.scaled(y, q)
    up, ahead, closed = _one_way(path, start, 1.0)
    if closed:
        return path.curve(np.vstack([up, up[:1]]), np.vstack([ahead, ahead[:1]]))
    down, behind, _ = _one_way(path, start, -1.0)
    # The start is in both halves; behind it the curve is passed in the other sense.
    v = np.concatenate([down[:0:-1], up])
    tangents = np.concatenate([-behind[:0:-1], ahead])
    return path.curve(v, tangents)


def _one_way(path: Path, start: np.ndarray, sign: float):
    low, high = path.limits
    ends = np.array(path.ends) / path.width
    tangent = np.append(np.zeros(len(start) - 1), sign)
    v, length, first = start, 0.2 * path.step, True
    points, tangents = [], []
    status = 0
    while status == 0 and sum(map(len, points)) < path.most:
        given = (path.w, path.e, v, tangent, length, start, path.scale, path.width)
        limits = (low, high, ends, path.step, _SMALLEST, first)
        values, slopes, count, length, status = path.flow.call(_trace, *given, *limits)
        skip = 0 if first else 1  # a piece begins with the last point of the one before
        points.append(values[skip:count])
        tangents.append(slopes[skip:count])
        v, tangent, first = values[count - 1], slopes[count - 1], False
    v, tangents = np.concatenate(points), np.concatenate(tangents)
    return *_cut(path, v, tangents, ends), status == 2


def _cut(path: Path, v: np.ndarray, tangents: np.ndarray, ends):
    """Let a curve that left the span end exactly there, one that left the box inside it."""
    if len(v) < 2:
        return v, tangents
    low, high = path.limits
    last, before = v[-1], v[-2]
    for end, beyond in zip(ends, (last[-1] < ends[0], last[-1] > ends[1]), strict=True):
        if beyond:
            share = (end - before[-1]) / (last[-1] - before[-1])
            exact = path.at_value(before + share * (last - before), end * path.width)
            if exact is None:
                return v[:-1], tangents[:-1]
            return np.vstack([v[:-1], exact]), tangents
    inside = ((last[:-1] >= low) & (last[:-1] <= high)).all()
    return (v, tangents) if inside else (v[:-1], tangents[:-1])


def scaled_rates(rules, fixed, w, e, scale, width):
    """Return the scaled rates as a function of scaled states and parameter."""
    rates = rules.bind(fixed)

    def scaled(v):
        return rates(w + v[-1] * width * e[:, None], v[:-1] * scale) / scale

    return scaled


def _extended(rules):
    """Scaled rates at one point, and their derivatives by states and parameter."""

    def run(fixed, w, e, v, scale, width):
        rates = scaled_rates(rules, fixed, w, e, scale, width)
        return rates(v), jax.jacfwd(rates)(v)

    return run


def _matrices(rules):
    """Scaled Jacobians at many points; they have the eigenvalues of the unscaled ones."""

    def run(fixed, w, e, v, scale, width):
        rates = scaled_rates(rules, fixed, w, e, scale, width)
        return jax.vmap(jax.jacfwd(rates))(v)[:, :, :-1]

    return run


def _trace(rules):
    """Follow a curve for a number of points: predict along the tangent, correct across it."""

    def run(fixed, w, e, v, tangent, length, start, scale, width, low, high, ends, longest, *more):
        shortest, first = more
        rates = scaled_rates(rules, fixed, w, e, scale, width)
        slope = jax.jacfwd(rates)
        size = v.size
        unit = jnp.zeros(size).at[-1].set(1.0)

        def tangent_at(v, like):
            t = jnp.linalg.solve(jnp.vstack([slope(v), like]), unit)
            t = t / jnp.sqrt(t @ t)
            return jnp.where(t @ like < 0, -t, t)

        def corrected(guess, normal):
            def going(loop):
                k, _, moved = loop
                return (k < 8) & (moved > 1e-12)

            def improve(loop):
                k, x, _ = loop
                full = jnp.vstack([slope(x), normal])
                move = jnp.linalg.solve(full, -jnp.append(rates(x), normal @ (x - guess)))
                return k + 1, x + move, jnp.abs(move).max() / (1.0 + jnp.abs(x).max())

            return lax.while_loop(going, improve, (0, guess, jnp.inf))

        def going(loop):
            return (loop["status"] == 0) & (loop["count"] < PIECE)

        def advance(loop):
            v, t, length, count = loop["v"], loop["t"], loop["length"], loop["count"]
            guess = v + length * t
            tries, new, moved = corrected(guess, t)
            turned = tangent_at(new, t)
            off = new - guess
            good = (moved < 1e-9) & (turned @ t > _FLAT) & (off @ off < 0.25 * length**2)
            good = good & jnp.isfinite(turned).all()
            easy = (tries <= 4) & (turned @ t > 0.5 * (1 + _FLAT))
            grown = jnp.where(easy, jnp.minimum(1.4 * length, longest), length)
            q = new[-1]
            gone = (q < ends[0]) | (q > ends[1])
            gone = gone | jnp.any((new[:-1] < low) | (new[:-1] > high))
            gap = start - new
            closed = (gap @ gap < (0.6 * length) ** 2) & (turned @ loop["t0"] > 0.9) & (count > 8)
            status = jnp.where(gone, 1, jnp.where(closed, 2, 0))
            stuck = jnp.where(0.5 * length < shortest, 3, 0)
            return {
                "v": jnp.where(good, new, v),
                "t": jnp.where(good, turned, t),
                "length": jnp.where(good, grown, 0.5 * length),
                "points": jnp.where(good, loop["points"].at[count].set(new), loop["points"]),
                "slopes": jnp.where(good, loop["slopes"].at[count].set(turned), loop["slopes"]),
                "count": count + good,
                "status": jnp.where(good, status, stuck),
                "t0": loop["t0"],
            }

        # The direction at the start is that in which the parameter grows or falls.
        begin = jnp.where(first, tangent_at(v, tangent), tangent)
        begin = jnp.where(jnp.isfinite(begin).all(), begin, tangent)
        empty = jnp.zeros((PIECE, size))
        loop = {
            "v": v,
            "t": begin,
            "length": jnp.asarray(length),
            "points": empty.at[0].set(v),
            "slopes": empty.at[0].set(begin),
            "count": jnp.asarray(1),
            "status": jnp.asarray(0),
            "t0": begin,
        }
        out = lax.while_loop(going, advance, loop)
        return out["points"], out["slopes"], out["count"], out["length"], out["status"]

    return run
