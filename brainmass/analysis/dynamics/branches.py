"""How a curve of fixed points is followed, and how its bifurcations are located.

All coordinates are scaled: ``v`` holds the states in units of the size of the diagram, and the
parameter in half-widths of its span as the last entry.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial
from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from .flow import Flow
from .points import Area

__all__ = ["Curve", "Path", "Singular", "bifurcations_of", "follow"]

PIECE = 256
"""Points that are followed in one call."""

CHUNK = 64
"""Points whose eigenvalues are computed in one call."""

FAR = 30.0
"""Half-widths of the box after which a branch is taken to run to infinity, where it is ours."""

_SMALLEST = 1e-7
_FLAT = 0.97
"""Smallest cosine of the angle between neighbouring tangents."""

_DEPTH = 12


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
        return np.array([_unstable(row) for row in self.eigenvalues])


@dataclass(frozen=True, eq=False)
class Singular:
    """A bifurcation in the units of the flow."""

    kind: str
    y: np.ndarray
    q: float
    eigenvalues: np.ndarray
    omega: float | None = None
    criticality: str = ""


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


def _scaled_rates(rules, fixed, w, e, scale, width):
    rates = rules.bind(fixed)

    def scaled(v):
        return rates(w + v[-1] * width * e[:, None], v[:-1] * scale) / scale

    return scaled


def _extended(rules):
    """Scaled rates at one point, and their derivatives by states and parameter."""

    def run(fixed, w, e, v, scale, width):
        rates = _scaled_rates(rules, fixed, w, e, scale, width)
        return rates(v), jax.jacfwd(rates)(v)

    return run


def _matrices(rules):
    """Scaled Jacobians at many points; they have the eigenvalues of the unscaled ones."""

    def run(fixed, w, e, v, scale, width):
        rates = _scaled_rates(rules, fixed, w, e, scale, width)
        return jax.vmap(jax.jacfwd(rates))(v)[:, :, :-1]

    return run


def _trace(rules):
    """Follow a curve for a number of points: predict along the tangent, correct across it."""

    def run(fixed, w, e, v, tangent, length, start, scale, width, low, high, ends, longest, *more):
        shortest, first = more
        rates = _scaled_rates(rules, fixed, w, e, scale, width)
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


# -- bifurcations -------------------------------------------------------------------------------


def _slack(eigenvalues: np.ndarray) -> float:
    return 1e-10 * np.abs(eigenvalues).max(initial=0.0)


def _unstable(eigenvalues: np.ndarray) -> int:
    return int((eigenvalues.real > _slack(eigenvalues)).sum())


@dataclass(frozen=True, eq=False)
class _Point:
    """A point between two of a curve: coordinates, tangent and eigenvalues."""

    v: np.ndarray
    tangent: np.ndarray
    eigenvalues: np.ndarray

    @property
    def unstable(self) -> int:
        return _unstable(self.eigenvalues)

    @property
    def nearest(self) -> complex:
        """The eigenvalue closest to the imaginary axis."""
        return complex(self.eigenvalues[np.argmin(np.abs(self.eigenvalues.real))])


def bifurcations_of(path: Path, curve: Curve) -> list[Singular]:
    """Find and locate the bifurcations on a curve."""
    points = [_Point(*row) for row in zip(curve.v, curve.tangents, curve.eigenvalues, strict=True)]
    out: list[Singular] = []
    for a, b in pairwise(points):
        out += _between(path, a, b, 0)
    return out


def _between(path: Path, a: _Point, b: _Point, depth: int) -> list[Singular]:
    """Return the bifurcations between two neighbours, halving the piece where it holds several."""
    crossed = b.unstable - a.unstable
    turned = a.tangent[-1] * b.tangent[-1] < 0
    if not crossed and not turned:
        return []
    simple = (abs(crossed) == 1) or (abs(crossed) == 2 and not turned and _spirals(a, b))
    if not simple and depth < _DEPTH:
        middle = _middle(path, a, b, 0.5)
        if middle is not None:
            halves = ((a, middle), (middle, b))
            return [point for half in halves for point in _between(path, *half, depth + 1)]
    if turned:
        return _fold(path, a, b)
    if abs(crossed) > 1 and _spirals(a, b):
        return _hopf(path, a, b)
    return _crossing(path, a, b)


def _spirals(a: _Point, b: _Point) -> bool:
    """Whether a complex pair is closest to the imaginary axis on both sides."""
    return all(abs(p.nearest.imag) > _slack(p.eigenvalues) for p in (a, b))


def _middle(path: Path, a: _Point, b: _Point, share: float) -> _Point | None:
    """Return the point of the curve at a share of the way from a to b."""
    chord = b.v - a.v
    length = np.sqrt(chord @ chord)
    if length < 1e-12:
        return None
    normal = chord / length
    guess = a.v + share * chord
    v, matrix = path.correct(guess, normal, normal @ guess)
    if v is None or np.abs(v - guess).max() > 2 * length:
        return None
    tangent = np.linalg.svd(matrix)[2][-1]
    tangent = tangent if tangent @ normal > 0 else -tangent
    return _Point(v, tangent, np.linalg.eigvals(matrix[:, :-1]))


def _locate(path: Path, a: _Point, b: _Point, measure) -> _Point | None:
    """Return the point between two at which a measure of different signs vanishes."""
    from scipy.optimize import brentq

    def at(share):
        if share in (0.0, 1.0):
            return measure(b if share else a)
        middle = _middle(path, a, b, share)
        if middle is None:
            raise FloatingPointError
        return measure(middle)

    try:
        share = brentq(at, 0.0, 1.0, xtol=1e-14, rtol=1e-14, maxiter=100)
    except (ValueError, FloatingPointError):
        return None
    return {0.0: a, 1.0: b}.get(share) or _middle(path, a, b, share)


def _narrowed(path: Path, a: _Point, b: _Point) -> tuple[_Point, _Point]:
    """Halve a piece until nothing else comes close to the axis in it."""
    for _ in range(10):
        middle = _middle(path, a, b, 0.5)
        if middle is None:
            break
        a, b = (middle, b) if middle.unstable == a.unstable else (a, middle)
    return a, b


def _singular(path: Path, kind: str, point: _Point, **more) -> Singular:
    y, q = point.v[:-1] * path.scale, float(point.v[-1] * path.width)
    # What rounding leaves of a zero, against the width of the span.
    q = 0.0 if abs(q) < 1e-12 * path.width else q
    return Singular(kind, y, q, point.eigenvalues, **more)


def _fold(path: Path, a: _Point, b: _Point) -> list[Singular]:
    point = _locate(path, a, b, lambda p: p.tangent[-1])
    if point is None:
        return []
    return [_singular(path, "branch point" if _crosses(path, point) else "fold", point)]


def _crosses(path: Path, point: _Point) -> bool:
    """Whether the parameter does not push the state along its free direction: no fold."""
    _, matrix = path.linear(point.v)
    left, sizes, _ = np.linalg.svd(matrix[:, :-1])
    push = matrix[:, -1]
    return bool(abs(left[:, -1] @ push) <= 1e-5 * (np.linalg.norm(push) + sizes.max()))


def _crossing(path: Path, a: _Point, b: _Point) -> list[Singular]:
    a, b = _narrowed(path, a, b)

    def smallest(p):
        real = p.eigenvalues[np.abs(p.eigenvalues.imag) <= _slack(p.eigenvalues)].real
        return float(real[np.argmin(np.abs(real))]) if real.size else np.inf

    point = _locate(path, a, b, smallest) or a
    return [_singular(path, "branch point", point)]


def _hopf(path: Path, a: _Point, b: _Point) -> list[Singular]:
    a, b = _narrowed(path, a, b)
    point = _locate(path, a, b, lambda p: p.nearest.real) or a
    omega = abs(point.nearest.imag)
    return [_singular(path, "Hopf", point, omega=omega, criticality=_criticality(path, point))]


def _forms(rules):
    """Second derivatives along pairs of directions, third ones along triples."""

    def run(fixed, w, e, v, pairs, triples, scale, width):
        scaled = _scaled_rates(rules, fixed, w, e, scale, width)

        def rates(z):
            return scaled(jnp.append(z, v[-1]))

        def along(function, direction):
            return lambda z: jax.jvp(function, (z,), (direction,))[1]

        def nested(directions):
            function = rates
            for k in range(directions.shape[0]):
                function = along(function, directions[k])
            return function(v[:-1])

        return jax.vmap(nested)(pairs), jax.vmap(nested)(triples)

    return run


def _criticality(path: Path, point: _Point) -> str:
    """Sign of the first Lyapunov coefficient, Kuznetsov, Applied Bifurcation Theory, eq. 5.34."""
    matrix = path.linear(point.v)[1][:, :-1]
    values, vectors = np.linalg.eig(matrix)
    k = int(np.argmin(np.where(values.imag > 0, np.abs(values.real), np.inf)))
    omega, right = values[k].imag, vectors[:, k] / np.linalg.norm(vectors[:, k])
    lefts, rows = np.linalg.eig(matrix.T)
    left = rows[:, np.argmin(np.abs(lefts - values[k].conj()))]
    left = left / np.vdot(left, right).conj()
    a, b = right.real, right.imag
    forms = partial(path.flow.call, _forms, path.w, path.e, point.v)
    triples = np.stack([(a, a, a), (a, b, b), (a, a, b), (b, b, b)])
    zero = np.zeros_like(a)
    pairs = [(a, a), (a, b), (b, b), (a, zero), (a, zero), (a, zero)]
    second, third = forms(np.stack(pairs), triples, path.scale, path.width)
    aa, ab, bb = second[:3]
    cubic = third[0] + third[1] + 1j * (third[2] + third[3])
    try:
        mean = -np.linalg.solve(matrix, aa + bb)
        double = np.linalg.solve(2j * omega * np.eye(len(a)) - matrix, aa - bb + 2j * ab)
    except np.linalg.LinAlgError:
        return "degenerate"
    r, i = double.real, double.imag
    pairs = np.stack([(a, r), (b, i), (a, i), (b, r), (a, mean), (b, mean)])
    p = forms(pairs, triples, path.scale, path.width)[0]
    quadratic = p[0] + p[1] + 1j * (p[2] - p[3]) + 2 * (p[4] + 1j * p[5])
    parts = [np.vdot(left, cubic).real, np.vdot(left, quadratic).real]
    total, size = sum(parts), sum(map(abs, parts))
    if not np.isfinite(total) or abs(total) <= 1e-7 * (size + omega):
        return "degenerate"
    return "supercritical" if total < 0 else "subcritical"
