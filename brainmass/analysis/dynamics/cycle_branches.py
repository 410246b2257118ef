"""Limit cycles followed along a parameter from the Hopf bifurcation in which they are born."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from ..._step import rk4
from .branches import Path
from .crossings import Singular
from .cycles import extremes, record, slopes

__all__ = ["CycleCurve", "cycles_of"]

SAMPLES = 256
"""Points of an orbit from which its extremes are taken."""

_FIRST, _LONGEST, _SMALLEST = 0.02, 0.12, 1e-4
_FLAT = 0.9
_LONG = 10.0
"""Periods, of that at birth, after which a cycle is taken to run into a homoclinic orbit."""

_ROUNDS = 40


@dataclass(frozen=True, eq=False)
class CycleCurve:
    """Cycles one after the other: parameter, period, extremes and stability."""

    q: np.ndarray
    period: np.ndarray
    low: np.ndarray
    high: np.ndarray
    stable: np.ndarray
    ends: float | None


def cycles_of(path: Path, hopfs: list[Singular], most: int, stop=lambda: False) -> list[CycleCurve]:
    """Follow the cycles of every Hopf bifurcation; those that join two are followed once."""
    curves: list[CycleCurve] = []
    for hopf in hopfs:
        met = [c.ends for c in curves if c.ends is not None]
        if any(abs(q - hopf.q) < 1e-2 * path.width for q in met):
            continue
        follower = _Follower(path, hopf)
        if (curve := follower.run(most, stop)) is not None:
            curves.append(curve)
    return curves


class _Follower:
    """Pseudo-arclength continuation in start, period and parameter; all scaled."""

    def __init__(self, path: Path, hopf: Singular):
        self.path, self.hopf = path, hopf
        self.flow, self.scale, self.width = path.flow, path.scale, path.width
        self.first = 2 * np.pi / float(hopf.omega or 1.0)
        _, matrix = path.linear(path.scaled(hopf.y, hopf.q))
        values, vectors = np.linalg.eig(matrix[:, :-1])
        k = int(np.argmin(np.where(values.imag > 0, np.abs(values.real), np.inf)))
        vector = vectors[:, k]
        # Every cycle starts where the state that swings most is at its largest.
        self.top = int(np.argmax(np.abs(vector)))
        vector = vector * np.exp(-1j * np.angle(vector[self.top]))
        self.away = vector.real / np.linalg.norm(vector.real)

    def run(self, most: int, stop) -> CycleCurve | None:
        x = np.concatenate([self.hopf.y / self.scale, [1.0, self.hopf.q / self.width]])
        tangent = np.concatenate([self.away, [0.0, 0.0]])
        length = _FIRST
        rows: list[tuple] = []
        ends = None
        while len(rows) < most and length > _SMALLEST and not stop():
            found = self._correct(x, x + length * tangent, tangent)
            if found is None:
                length /= 2
                continue
            new, turned, matrix, tries = found
            row = self._row(new, matrix)
            # A cycle that is suddenly small is the fixed point, which returns after any time.
            lost = bool(rows) and row is not None and self._size(row) < 0.4 * self._size(rows[-1])
            if lost or (rows and turned @ tangent < _FLAT):
                length /= 2
                continue
            if row is None or self._gone(new) or self._passed(new, row):
                ends = row[0] if row is not None and self._passed(new, row) else None
                break
            rows.append(row)
            if self._shrunk(rows):
                ends = row[0]
                break
            x, tangent = new, turned
            length = min(1.4 * length, _LONGEST) if tries < 5 else length
        if not rows:
            return None
        q, period, low, high, stable = (np.array(column) for column in zip(*rows, strict=True))
        return CycleCurve(q, period, low, high, stable, ends)

    def _steps(self, period: float) -> int:
        """Whole rounds of samples, so that an orbit is recorded as it was found."""
        return SAMPLES * int(np.clip(np.ceil(0.4 * period / self.flow.dt / SAMPLES), 1, _ROUNDS))

    def _returned(self, x: np.ndarray):
        """Return the scaled residual of the return, and its derivatives by x."""
        size = len(self.scale)
        y, period, q = x[:size] * self.scale, x[size] * self.first, x[-1] * self.width
        given = (self.path.w, self.path.e, y, q, period, self._steps(period))
        end, slope, rate = self.flow.call(_returned, *given, often=True)
        with np.errstate(over="ignore", invalid="ignore"):
            matrix = slope[:, :-1] * self.scale / self.scale[:, None]
            by_time, by_value = (
                rate * self.first / self.scale,
                slope[:, -1] * self.width / self.scale,
            )
        full = np.column_stack([matrix - np.eye(size), by_time, by_value])
        return (end - y) / self.scale, full, matrix

    def _correct(self, base: np.ndarray, guess: np.ndarray, tangent: np.ndarray):
        """Newton's method across the tangent; every cycle starts where one state is at its top."""
        x, size = guess, len(self.scale)
        for tries in range(8):
            if not 0 < x[size] < 2 * _LONG:
                return None
            left, full, matrix = self._returned(x)
            if not (np.isfinite(left).all() and np.isfinite(full).all()):
                return None
            rates, slopes = self.path.linear(np.append(x[:size], x[-1]))
            phase = np.insert(slopes[self.top], size, 0.0)
            norm = max(float(np.linalg.norm(phase)), 1e-300)
            system = np.vstack([full, phase / norm, tangent])
            residual = [*left, rates[self.top] / norm, tangent @ (x - guess)]
            try:
                move = np.linalg.solve(system, -np.array(residual))
                if np.abs(move).max() < 1e-9:
                    unit = np.zeros(len(x))
                    unit[-1] = 1.0
                    turned = np.linalg.solve(system, unit)
                    return x, turned / np.linalg.norm(turned), matrix, tries
            except np.linalg.LinAlgError:
                return None
            if np.abs(move).max() > 5 * max(np.abs(guess - base).max(), 1e-2):
                return None
            x = x + move
        return None

    def _row(self, x: np.ndarray, matrix: np.ndarray):
        """Return parameter, period, extremes and stability of a cycle."""
        size = len(self.scale)
        y, period, q = x[:size] * self.scale, float(x[size] * self.first), float(x[-1] * self.width)
        w = self.path.w + q * self.path.e[:, None]
        steps = self._steps(period)
        free = np.full(size, np.inf)
        given = (w, y, -free, free, period / steps, steps // SAMPLES)
        track = np.concatenate([y[None], self.flow.call(record, *given, static=(SAMPLES,))])
        if not np.isfinite(track).all() or np.abs((track[-1] - y) / self.scale).max() > 1e-3:
            return None  # it repels so strongly that it cannot be simulated
        low, high = extremes(track, self.flow.call(slopes, w, track), period / SAMPLES)
        multipliers = np.linalg.eigvals(matrix)
        multipliers = np.delete(multipliers, np.argmin(np.abs(multipliers - 1)))
        return q, period, low, high, bool((np.abs(multipliers) < 1).all())

    def _passed(self, x: np.ndarray, row) -> bool:
        """Whether the start is at the bottom now: the cycle went through another bifurcation."""
        _, _, low, high, _ = row
        k = self.top
        return bool(x[k] * self.scale[k] < (low[k] + high[k]) / 2)

    def _size(self, row) -> float:
        return float(((row[3] - row[2]) / self.scale).max())

    def _shrunk(self, rows) -> bool:
        """Whether the cycle is as small again as at its birth: it ends in another bifurcation."""
        sizes = [self._size(row) for row in rows]
        return len(rows) > 4 and sizes[-1] < min(1.5 * sizes[0], 0.3 * max(sizes))

    def _gone(self, x: np.ndarray) -> bool:
        size = len(self.scale)
        lo, hi = np.array(self.path.ends) / self.width
        low, high = self.path.limits
        inside = ((x[:size] >= low) & (x[:size] <= high)).all()
        return not (inside and lo <= x[-1] <= hi and x[size] < _LONG)


def _returned(rules):
    """Where a state is after a time, its derivatives by state and parameter, and the rate there."""

    def run(fixed, w, e, y, q, period, steps):
        bound = rules.bind(fixed)

        def end(packed):
            at = w + packed[-1] * e[:, None]

            def step(_, y):
                return rk4(lambda now, _c: (bound(at, now[0]),), (y,), period / steps)[0]

            y = lax.fori_loop(0, steps, step, packed[:-1])
            return y, (y, bound(at, y))

        slope, (last, rate) = jax.jacfwd(end, has_aux=True)(jnp.append(y, q))
        return last, slope, rate

    return run
