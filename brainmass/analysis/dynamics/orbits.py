"""Limit cycles and Lyapunov exponents."""

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
from .flow import Flow, flow_of
from .points import FixedPoint, explore, written

__all__ = ["LimitCycle", "LyapunovSpectrum", "limit_cycle", "lyapunov_exponents"]

SAMPLES = 1024
"""Points of a cycle that are returned, its first one once more at the end."""

_RECORD = 4096
_CHUNKS = 60
_REST = 1e-7
_BLOCKS = 20


@dataclass(frozen=True, eq=False)
class LimitCycle:
    """A periodic orbit.

    Attributes
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


@dataclass(frozen=True, eq=False)
class LyapunovSpectrum:
    """Rates at which neighbouring trajectories separate.

    Attributes
    ----------
    exponents : numpy.ndarray (count,)
        In 1/ms, largest first.
    errors : numpy.ndarray (count,)
        Their standard errors, from the scatter along the trajectory.
    """

    exponents: np.ndarray
    errors: np.ndarray

    @property
    def dimension(self) -> float:
        """Kaplan-Yorke dimension of the attractor; NaN where too few exponents were computed."""
        total = np.cumsum(self.exponents)
        if total[0] < 0:
            return 0.0
        below = np.flatnonzero(total < 0)
        if not below.size:
            return float("nan")
        k = int(below[0])
        return float(k + total[k - 1] / abs(self.exponents[k]))

    @property
    def chaotic(self) -> bool:
        """Whether the largest exponent is positive by more than four standard errors."""
        return bool(self.exponents[0] > 4 * self.errors[0] and self.exponents[0] > 1e-9)

    def __repr__(self):
        values = ", ".join(f"{value:.4g}" for value in self.exponents)
        return f"LyapunovSpectrum([{values}] 1/ms)"


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
        length = _milliseconds(period, "limit_cycle", "period")
        track = flow.call(
            _record, flow.w, start, *flow.clamps, length / _RECORD, 1, static=(_RECORD,)
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
        return _cycle(flow, *found, scale)
    starts = [start + 1e-3 * scale]
    if given is None:
        starts += list(explore(flow)[2])
    problem = ""
    for begin in starts:
        found, problem = _approach(flow, begin, scale)
        if found is not None:
            return _cycle(flow, *found, scale)
    raise ValueError(
        f"limit_cycle: the model must return to where it was; it {problem}. "
        "Change its parameters, or give a `state` that leads to the cycle."
    )


def lyapunov_exponents(
    model,
    *,
    count: int | None = None,
    duration=None,
    transient=None,
    dt=None,
    state=None,
    at=None,
    region: int | None = None,
) -> LyapunovSpectrum:
    """Return the Lyapunov exponents of a model.

    A set of small disturbances is carried along the trajectory by the exact derivatives of the
    equations, with the fourth-order Runge-Kutta method, and made orthogonal again and again [1]_.
    Noise and delays are left out.

    Parameters
    ----------
    model : NeuralMass or Network
        As for :func:`fixed_points`.
    count : int, optional
        How many of the largest exponents. Default: all.
    duration : brainunit.Quantity, optional
        Time over which they are averaged. Default: 100 000 steps.
    transient : brainunit.Quantity, optional
        Time before. Default: a tenth of the duration.
    dt : brainunit.Quantity, optional
        Step. Default: that suggested for the model.
    state : dict or FixedPoint, optional
        Where to start; what is left out is at the initial value of the model.
    at : dict, optional
        Parameters and inputs by name in place of those of the model.
    region : int, optional
        Which region, where they differ.

    Returns
    -------
    LyapunovSpectrum
        The exponents in 1/ms and their standard errors.

    Raises
    ------
    ValueError
        If the trajectory diverges, or a name or a value is wrong.

    References
    ----------
    .. [1] Benettin, Galgani, Giorgilli & Strelcyn 1980, Meccanica 15:9, doi:10.1007/BF02128236

    Examples
    --------
    >>> import brainmass, brainunit as u
    >>> from brainmass.analysis import lyapunov_exponents
    >>> lyapunov_exponents(brainmass.LinearStep(1, gamma=-0.1), duration=100 * u.ms)
    LyapunovSpectrum([-0.1] 1/ms)
    """
    flow = flow_of(model, at, region, "lyapunov_exponents")
    size = flow.rules.size
    count = size if count is None else count
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= size:
        raise ValueError(
            f"lyapunov_exponents: count must be from 1 to {size}; got {count!r}. Correct it."
        )
    step = flow.dt if dt is None else _milliseconds(dt, "lyapunov_exponents", "dt")
    long = 1e5 * step
    long = long if duration is None else _milliseconds(duration, "lyapunov_exponents", "duration")
    before = 0.1 * long
    if transient is not None:
        before = _milliseconds(transient, "lyapunov_exponents", "transient", least=0.0)
    pieces = max(1, round(long / step / _BLOCKS / 10))
    given = state.state if isinstance(state, FixedPoint) else state
    start = flow.pack(given)
    steps = (round(before / step), pieces)
    growth, end = flow.call(
        _benettin, flow.w, start, *flow.clamps, step, *steps, static=(count, 10, _BLOCKS)
    )
    if not (np.isfinite(growth).all() and np.isfinite(end).all()):
        raise ValueError(
            f"lyapunov_exponents: the trajectory must stay finite; it diverged at dt = {step:g} "
            "ms. Take a smaller dt or another state."
        )
    order = np.argsort(-growth.mean(0), kind="stable")
    errors = growth.std(0, ddof=1) / np.sqrt(_BLOCKS)
    return LyapunovSpectrum(growth.mean(0)[order], errors[order])


def _milliseconds(value, who: str, name: str, least: float | None = None) -> float:
    unit = u.get_unit(value)
    number = float("nan")
    if unit.has_same_dim(u.ms) and np.ndim(u.get_mantissa(value)) == 0:
        number = float(u.Quantity(value).to_decimal(u.ms))
    if not np.isfinite(number) or number < (0.0 if least is None else least):
        raise ValueError(
            f"{who}: {name} must be a {'positive' if least is None else 'non-negative'} time; "
            f"got {value!r}. Pass for example {name}=100 * u.ms."
        )
    return number


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
        track = flow.call(_record, flow.w, y, *flow.clamps, flow.dt, stride, static=(_RECORD,))
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
        end, matrix, rate = flow.call(_flowed, flow.w, y, length, steps)
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


def _cycle(flow: Flow, y, length: float, matrix: np.ndarray, steps: int, scale) -> LimitCycle:
    multipliers = np.linalg.eigvals(matrix)
    if length < 0:
        length, multipliers = -length, 1 / multipliers
    inner = max(1, -(-steps // SAMPLES))
    dt = length / SAMPLES / inner
    free = np.full(len(y), np.inf)
    track = flow.call(_record, flow.w, y, -free, free, dt, inner, static=(SAMPLES,))
    track = np.concatenate([y[None], track])
    if (np.ptp(track, axis=0) / scale).max() < 1e-6:
        raise ValueError(
            "limit_cycle: the orbit must have an amplitude; it shrank to a fixed point. "
            "Give a `state` that is farther away from it."
        )
    slopes = flow.call(_slopes, flow.w, track)
    low, high = _extremes(track, slopes, length / SAMPLES)
    multipliers = np.delete(multipliers, np.argmin(np.abs(multipliers - 1)))
    multipliers = multipliers[np.argsort(-np.abs(multipliers), kind="stable")]
    times = u.Quantity(np.linspace(0.0, length, SAMPLES + 1), unit=u.ms)
    values = [dict(flow.attach(part)) for part in (track, low, high)]
    return LimitCycle(length * u.ms, times, *values, multipliers.astype(complex))


def _extremes(track: np.ndarray, slopes: np.ndarray, h: float):
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


def _record(rules, samples: int):
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


def _slopes(rules):
    """Rates at many states."""
    return lambda fixed, w, track: jax.vmap(partial(rules.bind(fixed), w))(track)


def _benettin(rules, count: int, every: int, blocks: int):
    """Mean growth rates of orthogonal disturbances in consecutive blocks of the trajectory."""

    def run(fixed, w, y, low, high, dt, before, pieces):
        rates = partial(rules.bind(fixed), w)

        def both(now, _c):
            y, frame = now

            def grown(direction):
                return jax.jvp(rates, (y,), (direction,))[1]

            return rates(y), jax.vmap(grown, in_axes=1, out_axes=1)(frame)

        def step(_, loop):
            y, frame = rk4(both, loop, dt)
            return jnp.clip(y, low, high), frame

        def piece(_, loop):
            y, frame, total = loop
            y, frame = lax.fori_loop(0, every, step, (y, frame))
            frame, growth = jnp.linalg.qr(frame)
            return y, frame, total + jnp.log(jnp.abs(jnp.diagonal(growth)))

        def block(loop, _):
            zero = jnp.zeros(count)
            y, frame, total = lax.fori_loop(0, pieces, piece, (*loop, zero))
            return (y, frame), total / (pieces * every * dt)

        frame = jnp.eye(y.size)[:, :count]
        y, frame, _ = lax.fori_loop(0, before // every, piece, (y, frame, jnp.zeros(count)))
        (y, _), growth = lax.scan(block, (y, frame), None, length=blocks)
        return growth, y

    return run
