"""Lyapunov exponents."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from ..._step import rk4
from .flow import flow_of, milliseconds
from .points import FixedPoint

__all__ = ["LyapunovSpectrum", "lyapunov_exponents"]

_BLOCKS = 20
"""Pieces of the trajectory whose scatter gives the standard errors."""

_EVERY = 10
"""Steps after which the disturbances are made orthogonal."""


@dataclass(frozen=True, eq=False)
class LyapunovSpectrum:
    """Rates at which neighbouring trajectories separate.

    Parameters
    ----------
    exponents : numpy.ndarray (count,)
        In 1/ms, largest first.
    errors : numpy.ndarray (count,)
        Their standard errors, from the scatter along the trajectory.

    Examples
    --------
    >>> import brainmass, brainunit as u
    >>> node = brainmass.LinearStep(1, gamma=-0.1)
    >>> found = brainmass.analysis.lyapunov_exponents(node, duration=100 * u.ms)
    >>> bool(abs(found.exponents[0] + 0.1) < 1e-3)
    True
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
    step = flow.dt if dt is None else milliseconds(dt, "lyapunov_exponents", "dt")
    long = 1e5 * step
    long = long if duration is None else milliseconds(duration, "lyapunov_exponents", "duration")
    before = 0.1 * long
    if transient is not None:
        before = milliseconds(transient, "lyapunov_exponents", "transient", least=0.0)
    pieces = max(1, round(long / step / _BLOCKS / _EVERY))
    given = state.state if isinstance(state, FixedPoint) else state
    start = flow.pack(given)
    steps = (round(before / step), pieces)
    growth, end = flow.call(
        _benettin, flow.w, start, *flow.clamps, step, *steps,
        static=(count, _EVERY, _BLOCKS), often=True,
    )  # fmt: skip
    if not (np.isfinite(growth).all() and np.isfinite(end).all()):
        raise ValueError(
            f"lyapunov_exponents: the trajectory must stay finite; it diverged at dt = {step:g} "
            "ms. Take a smaller dt or another state."
        )
    order = np.argsort(-growth.mean(0), kind="stable")
    errors = growth.std(0, ddof=1) / np.sqrt(_BLOCKS)
    return LyapunovSpectrum(growth.mean(0)[order], errors[order])


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
