"""Limit cycles: period, orbit, extremes and stability."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import brainunit as u
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from ..._step import rk4
from .flow import Flow, flow_of, milliseconds
from .points import FixedPoint, written
from .search import explore

__all__ = ["LimitCycle", "extremes", "limit_cycle", "record", "slopes"]

SAMPLES = 1024
"""Points of a cycle that are returned, its first one once more at the end."""

_RECORD = 4096
_CHUNKS = 60
_REST = 1e-7


@dataclass(frozen=True, eq=False)
class LimitCycle:
    """A periodic orbit.

    Parameters
    ----------
    period : brainunit.Quantity
        In ms.
    times : brainunit.Quantity (n,)
        From 0 to the period, in ms.
    states : dict of str to array or brainunit.Quantity
        Every state at these times, (n,), or (n, regions) in a network; the last row is the first.
    minimum, maximum : dict of str to float or brainunit.Quantity
        Extremes of every state over the cycle, between the samples too.
    multipliers : numpy.ndarray of complex
        Floquet multipliers without the one along the cycle, largest first.

    Examples
    --------
    >>> import brainmass
    >>> cycle = brainmass.analysis.limit_cycle(brainmass.HopfStep(1, a=0.25, w=0.3))
    >>> bool(abs(cycle.maximum["x"] - 0.5) < 1e-6)
    True
    """

    period: Any
    times: Any
    states: dict[str, Any]
    minimum: dict[str, Any]
    maximum: dict[str, Any]
    multipliers: np.ndarray

    @property
    def frequency(self):
        """Frequency in Hz."""
        return float(1000.0 / self.period.to_decimal(u.ms)) * u.Hz

    @property
    def amplitude(self) -> dict[str, Any]:
        """Half of the distance from minimum to maximum, by state."""
        return {name: _half(self.maximum[name], low) for name, low in self.minimum.items()}

    @property
    def stable(self) -> bool:
        """Whether every small disturbance dies out."""
        return bool((np.abs(self.multipliers) < 1).all())

    def __repr__(self):
        kind = "stable" if self.stable else "unstable"
        period = float(self.period.to_decimal(u.ms))
        return f"LimitCycle({period:.6g} ms, {written(self.amplitude)}, {kind})"


def limit_cycle(
    model, *, state=None, at=None, period=None, region: int | None = None
) -> LimitCycle:
    """Find a limit cycle of a model, with its exact period and its stability.

    The model is simulated until it nearly returns to where it was; then period and orbit are found
    by Newton's method on the return, differentiated exactly through the integrator, whose step is
    refined until the period has nine digits. Unstable cycles are found from a state close to
    them together with a ``period``. Noise and delays are left out.

    Parameters
    ----------
    model : NeuralMass or Network
        As for :func:`fixed_points`.
    state : dict or FixedPoint, optional
        Where to start; what is left out is at the initial value of the model. Default: the
        initial state of the model, and others if it comes to rest from there.
    at : dict, optional
        Parameters and inputs by name in place of those of the model.
    period : brainunit.Quantity, optional
        About the period of the cycle through ``state``; then nothing is simulated beforehand.
    region : int, optional
        Which region, where they differ.

    Returns
    -------
    LimitCycle
        Period, orbit, extremes and Floquet multipliers.

    Raises
    ------
    ValueError
        If the model comes to rest, diverges or never returns, or if a name or a value is wrong.

    Examples
    --------
    >>> import brainmass
    >>> from brainmass.analysis import limit_cycle
    >>> limit_cycle(brainmass.VanDerPolStep(1, mu=1.0))
    LimitCycle(6.66329 ms, x=2.00862, y=2.17271, stable)
    """
    flow = flow_of(model, at, region, "limit_cycle")
    given = state.state if isinstance(state, FixedPoint) else state
    start = flow.pack(given)
    scale = _scale_of(flow, start)
    if period is not None:
        length = milliseconds(period, "limit_cycle", "period")
        track = flow.call(
            record, flow.w, start, *flow.clamps, length / _RECORD, 1, static=(_RECORD,)
        )
        size = np.ptp(track, axis=0) / 2
        scale = np.where(np.isfinite(size) & (size > scale), size, scale)
        # What repels in time attracts when time runs backwards.
        found = _closed(flow, start, length, scale) or _closed(flow, start, -length, scale)
        if found is None:
            raise ValueError(
                f"limit_cycle: a cycle must be close to the given state with a period of about "
                f"{length:g} ms; found none. Give a closer state or period."
            )
        return _cycle(flow, found, scale)
    starts = [start + 1e-3 * scale]
    if given is None:
        starts += list(explore(flow)[2])
    problem = ""
    for begin in starts:
        found, problem = _approach(flow, begin, scale)
        if found is not None:
            return _cycle(flow, found, scale)
    raise ValueError(
        f"limit_cycle: the model must return to where it was; it {problem}. "
        "Change its parameters, or give a `state` that leads to the cycle."
    )


def _half(high, low):
    """Half of a distance, in the unit in which it is declared."""
    unit = u.get_unit(high)
    half = (u.get_mantissa(high) - u.get_mantissa(low)) / 2
    return half if unit.is_unitless else u.Quantity(half, unit=unit)


# -- finding a cycle ----------------------------------------------------------------------------


def _scale_of(flow: Flow, start: np.ndarray) -> np.ndarray:
    low, high, _ = explore(flow)
    return np.maximum((high - low) / 2, 1e-3 * np.abs(start))


def _approach(flow: Flow, y: np.ndarray, scale: np.ndarray):
    """Simulate until the orbit nearly closes; return the cycle, or what happened instead."""
    stride = 1
    for _ in range(_CHUNKS):
        track = flow.call(record, flow.w, y, *flow.clamps, flow.dt, stride, static=(_RECORD,))
        if not np.isfinite(track).all():
            return None, "diverged"
        spans = np.ptp(track[_RECORD // 2 :], axis=0)
        if (spans / scale).max() < _REST:
            return None, "came to rest at a fixed point"
        crossings, states = _section(track, spans / scale)
        m = _recurrence(states, spans, scale)
        if m:
            length = (crossings[-1] - crossings[-1 - m]) * stride * flow.dt
            found = _closed(flow, states[-1], length, scale)
            # A trajectory may pass by a cycle that it does not stay on.
            if found is not None and not _repels(found[2]):
                return found, ""
        if len(crossings) < 4 and stride < 1024:
            stride *= 2
        y = track[-1]
    return None, "never settled on a cycle"


def _section(track: np.ndarray, spans: np.ndarray):
    """Return the passages of the state that passes least often, so once per burst of spikes."""
    found = [_returns(track, k) for k in np.flatnonzero(spans > 1e-2 * spans.max())]
    several = [pair for pair in found if len(pair[0]) > 2]
    return min(several or found, key=lambda pair: len(pair[0]))


def _repels(matrix: np.ndarray) -> bool:
    return bool(np.sort(np.abs(np.linalg.eigvals(matrix)))[-1] > 1 + 1e-4)


def _returns(track: np.ndarray, k: int):
    """Return when a state passes the middle of its range upwards, and all states there."""
    half = track[len(track) // 2 :, k]
    above = track[:, k] - (half.max() + half.min()) / 2
    index = np.flatnonzero((above[:-1] < 0) & (above[1:] >= 0))
    share = above[index] / (above[index] - above[index + 1])
    states = track[index] + share[:, None] * (track[index + 1] - track[index])
    return index + share, states


def _recurrence(states: np.ndarray, spans: np.ndarray, scale: np.ndarray) -> int:
    """Return after how many crossings the orbit closes, 0 if it does not."""
    size = np.maximum(spans, 1e-6 * scale)
    for m in range(1, min(len(states) - 1, 12) + 1):
        if (np.abs(states[-1] - states[-1 - m]) / size).max() < 0.02:
            return m
    return 0


def _closed(flow: Flow, y: np.ndarray, length: float, scale: np.ndarray):
    """Return start, period and return map of the cycle near ``y``, or None."""
    steps = max(256, int(np.ceil(abs(length) / flow.dt)))
    before = None
    for _ in range(8):
        found = _newton(flow, y, length, scale, steps)
        if found is None:
            return None
        y, length, matrix = found
        if before is not None and abs(length - before) < 1e-9 * abs(length):
            return y, length, matrix, steps
        before, steps = length, 2 * steps
    return y, length, matrix, steps // 2


def _newton(flow: Flow, y: np.ndarray, length: float, scale: np.ndarray, steps: int):
    first, anchor = length, y
    normal = None
    for _ in range(15):
        end, matrix, rate = flow.call(_flowed, flow.w, y, length, steps, often=True)
        if not (np.isfinite(end).all() and np.isfinite(matrix).all()):
            return None
        matrix = matrix * scale / scale[:, None]
        rate = rate / scale
        normal = rate / np.linalg.norm(rate) if normal is None else normal
        full = np.zeros((len(y) + 1,) * 2)
        full[:-1, :-1] = matrix - np.eye(len(y))
        full[:-1, -1] = rate * length
        full[-1, :-1] = normal
        left = np.append((end - y) / scale, normal @ ((y - anchor) / scale))
        move = np.linalg.lstsq(full, -left, rcond=None)[0]
        move *= min(1.0, 0.3 / max(np.abs(move).max(), 1e-300))
        y, length = y + move[:-1] * scale, length * (1 + move[-1])
        if not 0.2 < length / first < 5:
            return None
        if np.abs(move).max() < 1e-11 and np.abs(left).max() < 1e-9:
            return y, length, matrix
        if np.abs(move).max() < 1e-8 and np.abs(left).max() < 1e-8:
            # As close as the rounding of a strongly unstable orbit allows.
            continue
    return None


def _cycle(flow: Flow, found, scale) -> LimitCycle:
    """Return the orbit, its extremes and its multipliers."""
    y, length, matrix, steps = found
    multipliers = np.linalg.eigvals(matrix)
    if length < 0:
        length, multipliers = -length, 1 / multipliers
    inner = max(1, -(-steps // SAMPLES))
    dt = length / SAMPLES / inner
    free = np.full(len(y), np.inf)
    track = flow.call(record, flow.w, y, -free, free, dt, inner, static=(SAMPLES,))
    track = np.concatenate([y[None], track])
    if (np.ptp(track, axis=0) / scale).max() < 1e-6:
        raise ValueError(
            "limit_cycle: the orbit must have an amplitude; it shrank to a fixed point. "
            "Give a `state` that is farther away from it."
        )
    low, high = extremes(track, flow.call(slopes, flow.w, track), length / SAMPLES)
    multipliers = np.delete(multipliers, np.argmin(np.abs(multipliers - 1)))
    multipliers = multipliers[np.argsort(-np.abs(multipliers), kind="stable")]
    times = u.Quantity(np.linspace(0.0, length, SAMPLES + 1), unit=u.ms)
    states, least, most = (dict(flow.attach(part)) for part in (track, low, high))
    return LimitCycle(length * u.ms, times, states, least, most, multipliers.astype(complex))


def extremes(track: np.ndarray, slopes: np.ndarray, h: float):
    """Return the smallest and largest values of the cubic curves through the samples."""
    a, b = track[:-1], track[1:]
    da, db = slopes[:-1] * h, slopes[1:] * h
    # value(s) = a + da s + c2 s^2 + c3 s^3 on each piece
    c2, c3 = 3 * (b - a) - 2 * da - db, 2 * (a - b) + da + db
    with np.errstate(all="ignore"):
        root = np.sqrt(c2**2 - 3 * c3 * da)
        # Written so that a vanishing cubic term does no harm.
        at = np.stack([-da / (c2 + root), -da / (c2 - root)])
        at = np.where((at >= 0) & (at <= 1), at, 0.0)
    values = a + at * (da + at * (c2 + at * c3))
    both = np.concatenate([values.reshape(-1, track.shape[1]), track])
    return both.min(0), both.max(0)


# -- compiled parts -----------------------------------------------------------------------------


def _step(rates, y, dt):
    return rk4(lambda now, _c: (rates(now[0]),), (y,), dt)[0]


def record(rules, samples: int):
    """Simulate; keep every ``stride``-th step."""

    def run(fixed, w, y, low, high, dt, stride):
        rates = partial(rules.bind(fixed), w)

        def one(_, y):
            return jnp.clip(_step(rates, y, dt), low, high)

        def sample(y, _):
            y = lax.fori_loop(0, stride, one, y)
            return y, y

        return lax.scan(sample, y, None, length=samples)[1]

    return run


def _flowed(rules):
    """Where a state is after a time, its derivatives by the state, and the rate there."""

    def run(fixed, w, y, length, steps):
        rates = partial(rules.bind(fixed), w)

        def end(y):
            return lax.fori_loop(0, steps, lambda _, y: _step(rates, y, length / steps), y)

        def both(y):
            y = end(y)
            return y, y

        matrix, last = jax.jacfwd(both, has_aux=True)(y)
        return last, matrix, rates(last)

    return run


def slopes(rules):
    """Rates at many states."""
    return lambda fixed, w, track: jax.vmap(partial(rules.bind(fixed), w))(track)
