"""The bifurcations on a curve of fixed points: found between its points, then located."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np

from .branches import Curve, Path, scaled_rates, slack, unstable

__all__ = ["Singular", "bifurcations_of"]

_DEPTH = 12
"""How often a piece that holds several bifurcations is halved."""


@dataclass(frozen=True, eq=False)
class Singular:
    """A bifurcation in the units of the flow."""

    kind: str
    y: np.ndarray
    q: float
    eigenvalues: np.ndarray
    omega: float | None = None
    criticality: str = ""


@dataclass(frozen=True, eq=False)
class _Point:
    """A point between two of a curve: coordinates, tangent and eigenvalues."""

    v: np.ndarray
    tangent: np.ndarray
    eigenvalues: np.ndarray

    @property
    def unstable(self) -> int:
        return unstable(self.eigenvalues)

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


def _rests(point: _Point, real: float) -> bool:
    """Whether an eigenvalue is on the imaginary axis, and not only close to it.

    Where branches cross, a correction can end on the other one and show a change that is none.
    """
    return abs(real) < 1e-6 * np.abs(point.eigenvalues).max()


def _spirals(a: _Point, b: _Point) -> bool:
    """Whether a complex pair is closest to the imaginary axis on both sides."""
    return all(abs(p.nearest.imag) > slack(p.eigenvalues) for p in (a, b))


def _middle(path: Path, a: _Point, b: _Point, share: float) -> _Point | None:
    """Return the point of the curve at a share of the way from a to b."""
    chord = b.v - a.v
    length = np.sqrt(chord @ chord)
    if length < 1e-12:
        return None
    normal = chord / length
    guess = a.v + share * chord
    v, matrix = path.correct(guess, normal, normal @ guess)
    if v is None or matrix is None or np.abs(v - guess).max() > 2 * length:
        return None
    tangent = np.asarray(np.linalg.svd(matrix)[2])[-1]
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
        real = p.eigenvalues[np.abs(p.eigenvalues.imag) <= slack(p.eigenvalues)].real
        return float(real[np.argmin(np.abs(real))]) if real.size else np.inf

    point = _locate(path, a, b, smallest) or _interpolated(path, a, b, smallest)
    return [_singular(path, "branch point", point)] if _rests(point, smallest(point)) else []


def _interpolated(path: Path, a: _Point, b: _Point, measure) -> _Point:
    """Return the point on the line between two at which a measure should vanish.

    Where branches cross, the equations are singular and Newton's method is no help.
    """
    first, last = measure(a), measure(b)
    share = first / (first - last) if np.isfinite(first - last) and first != last else 0.5
    v = a.v + share * (b.v - a.v)
    return _Point(v, a.tangent, np.linalg.eigvals(path.linear(v)[1][:, :-1]))


def _hopf(path: Path, a: _Point, b: _Point) -> list[Singular]:
    a, b = _narrowed(path, a, b)
    point = _locate(path, a, b, lambda p: p.nearest.real) or a
    if not _rests(point, point.nearest.real):
        return []
    omega = abs(point.nearest.imag)
    return [_singular(path, "Hopf", point, omega=omega, criticality=_criticality(path, point))]


def _forms(rules):
    """Second derivatives along pairs of directions, third ones along triples."""

    def run(fixed, w, e, v, pairs, triples, scale, width):
        scaled = scaled_rates(rules, fixed, w, e, scale, width)

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
