"""Objectives on power spectra."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import brainunit as u
import jax
import jax.numpy as jnp
import numpy as np

from brainmass._errors import UnitError, choices

from ..analysis.signals import _checks
from ..analysis.signals._numerics import jit, rms_difference, safe_divide, safe_sqrt
from ..analysis.signals.spectrum import Band, Welch, density, peak, powers_in, read_peak
from ._common import Array, in_unit, named, same_regions, same_shape, series

__all__ = ["band_power_distance", "peak_frequency_distance", "psd_distance"]

_FLOOR = 1e-10
"""Power that counts as none, relative to the largest of the target: -100 dB."""


def psd_distance(
    dt: Any,
    *,
    band: Any = None,
    relative: bool = False,
    window: Any = None,
    overlap: float = 0.5,
    target_dt: Any = None,
) -> Callable[[Array, Array], jax.Array]:
    r"""Distance of two power spectra in decibels.

    The root mean square, over frequencies and regions, of the ratio in decibels, known as the
    log spectral distance [1]_:

    .. math:: \sqrt{\Bigl\langle \bigl(10 \log_{10} P_{pred}(f) / P_{target}(f)\bigr)^2
              \Bigr\rangle_f}

    Parameters
    ----------
    dt : brainunit.Quantity
        Sampling interval of the prediction.
    band : tuple of brainunit.Quantity, optional
        ``(low, high)``: which frequencies to compare. Default: all above 0.
    relative : bool, default False
        Compare shapes: divide each spectrum by its power in the band. Units may then differ.
    window, overlap
        As for :func:`brainmass.analysis.psd`. By default the windows suit the shorter series.
    target_dt : brainunit.Quantity, optional
        Sampling interval of the target, where it is another.

    Returns
    -------
    callable
        ``loss(pred, target)`` in dB. The target is a series ``(time, region)``, or a spectrum
        as :func:`brainmass.analysis.psd` returns it: a tuple of frequencies and power
        ``(frequency, region)``, compared where both spectra have frequencies. Power more than
        100 dB below the largest of the target counts as none.

    Raises
    ------
    UnitError
        If units do not fit.
    ValueError
        If shapes do not fit, or a series is shorter than a window.

    References
    ----------
    .. [1] Gray & Markel 1976, IEEE Trans. Acoust. Speech Signal Process. 24:380,
       doi:10.1109/TASSP.1976.1162849

    Examples
    --------
    Twice the amplitude is 6 dB more power:

    >>> import brainmass, brainunit as u, numpy as np
    >>> series = np.random.default_rng(0).normal(size=(2000, 3))
    >>> loss = brainmass.objectives.psd_distance(1 * u.ms)
    >>> round(float(loss(2 * series, series)), 2)
    6.02
    >>> spectrum = brainmass.analysis.psd(series, 1 * u.ms)
    >>> round(float(loss(series, spectrum)), 4)
    0.0
    """
    who = "psd_distance"
    seconds = _checks.interval(who, dt)
    rate = 1.0 if target_dt is None else _checks.interval(who, target_dt) / seconds
    edges = None if band is None else Band.read(who, band)

    def read_plan(samples: int, others: float | None) -> Welch:
        length = window
        if length is None and others is not None:
            shorter = min(samples, int(others * rate))
            length = max(int(shorter / 4.5), min(shorter, 8))
        plan = Welch.read(who, samples, dt, length, overlap, what="prediction")
        if edges is not None:
            edges.check(who, seconds, plan)
        return plan

    def loss(pred: Array, target: Array) -> jax.Array:
        x, unit = series(who, pred, "pred"), u.get_unit(pred)
        if isinstance(target, tuple | list):
            plan = read_plan(x.shape[0], None)
            frequency, power = _read_spectrum(who, target, unit, x, relative)
            size = safe_sqrt(jnp.max(power))
            power = safe_divide(power, size**2)
        else:
            bare = u.get_mantissa(target) if relative else in_unit(who, target, unit)
            y = series(who, bare, "target").astype(x.dtype)
            plan = read_plan(x.shape[0], y.shape[0])
            other = max(4, round(plan.window / rate))
            other = Welch.read(who, y.shape[0], None, other, overlap, what="target")
            size = jnp.max(jnp.abs(y))
            frequency, power = density(safe_divide(y, size), seconds * rate, plan=other)
        same_regions(who, x.shape[1], power.shape[1])
        x = x / jax.lax.stop_gradient(jnp.where(size == 0, 1, size)).astype(x.dtype)
        mine = density(x, seconds, plan=plan)
        return _decibels(*mine, frequency, power, band=edges, relative=bool(relative))

    return named(loss, who)


@partial(jit, static_argnames=("band", "relative"))
def _decibels(f, mine, g, theirs, *, band: Band | None, relative: bool) -> jax.Array:
    """Compare spectra on grids f and g, where they overlap."""
    rounding = 1e-6 * f[-1]
    low, high = jnp.maximum(f[0], g[0]) - rounding, jnp.minimum(f[-1], g[-1]) + rounding

    def weights(grid: jax.Array) -> jax.Array:
        inside = (grid > 0) & (grid >= low) & (grid <= high)
        shares = jnp.asarray(inside, mine.dtype)
        return (shares if band is None else shares * band.shares(grid))[:, None]

    if relative:
        mine, theirs = (
            safe_divide(
                p, jnp.sum(weights(grid) * jnp.asarray(jnp.gradient(grid))[:, None] * p, axis=0)
            )
            for grid, p in ((f, mine), (g, theirs))
        )
    ours, known = _levels(mine, theirs)
    between = jax.vmap(lambda column: jnp.interp(f, g, column), 1, 1)(known)
    weight = weights(f)
    squares = jnp.sum(weight * (ours - between) ** 2)
    return safe_sqrt(safe_divide(squares, jnp.sum(weight) * mine.shape[1]))


def _levels(mine: jax.Array, theirs: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Return powers in decibels, with a floor below which power counts as none."""
    floor = _FLOOR * jax.lax.stop_gradient(jnp.max(theirs, axis=0, keepdims=True))
    floor = jnp.where(floor == 0, _FLOOR, floor)
    decibel = float(10 / np.log(10))
    return decibel * jnp.log(mine + floor), decibel * jnp.log(theirs + floor)


def _read_spectrum(who, target, unit, x, relative):
    if len(target) != 2:
        raise ValueError(
            f"{who}: a spectrum as target must be a tuple (frequency, power); got {len(target)} "
            "items. Pass what analysis.psd returns."
        )
    frequency, power = target
    if not u.get_unit(frequency).has_same_dim(u.Hz):
        raise UnitError(
            f"{who}: the frequencies of the target must be frequencies; got "
            f"[{u.get_unit(frequency)}]. Pass what analysis.psd returns."
        )
    f = _checks.real(who, u.Quantity(frequency).to_decimal(u.Hz), "the target's frequencies")
    bare = u.get_mantissa(power) if relative else in_unit(who, power, unit**2 / u.Hz)
    p = _checks.real(who, bare, "the target's power").astype(x.dtype)
    if f.ndim != 1 or f.shape[0] < 2 or p.ndim != 2 or p.shape[0] != f.shape[0]:
        raise ValueError(
            f"{who}: a spectrum as target must have shapes (frequency,) and (frequency, region); "
            f"got {f.shape} and {p.shape}. Pass what analysis.psd returns."
        )
    _checks.finite(who, p, "the target's power")
    return f.astype(x.dtype), p


def band_power_distance(
    dt: Any,
    bands: Any,
    *,
    relative: bool = False,
    window: Any = None,
    overlap: float = 0.5,
    target_dt: Any = None,
) -> Callable[[Array, Array], jax.Array]:
    """Distance of the powers in bands of frequency, in decibels.

    The root mean square, over bands and regions, of the ratio of the powers of
    :func:`brainmass.analysis.band_power` in decibels.

    Parameters
    ----------
    dt : brainunit.Quantity
        Sampling interval of the prediction.
    bands : tuple or dict
        ``(low, high)`` with unit, or a dict from name to such pairs.
    relative : bool, default False
        Compare the fractions of the power above 0 Hz. Units may then differ.
    window, overlap
        As for :func:`brainmass.analysis.psd`.
    target_dt : brainunit.Quantity, optional
        Sampling interval of the target, where it is another.

    Returns
    -------
    callable
        ``loss(pred, target)`` in dB. The target is a series ``(time, region)``, or the powers
        ``(region,)`` as :func:`brainmass.analysis.band_power` returns them.

    Raises
    ------
    UnitError
        If units do not fit.
    ValueError
        If a band is narrower than the resolution, or shapes do not fit.

    Examples
    --------
    >>> import brainmass, brainunit as u, numpy as np
    >>> series = np.random.default_rng(0).normal(size=(2000, 3))
    >>> bands = {"alpha": (8 * u.Hz, 13 * u.Hz), "beta": (13 * u.Hz, 30 * u.Hz)}
    >>> loss = brainmass.objectives.band_power_distance(1 * u.ms, bands)
    >>> round(float(loss(2 * series, series)), 2)
    6.02
    """
    who = "band_power_distance"
    named_bands = bands if isinstance(bands, dict) else {"": bands}
    read = {name: Band.read(who, band) for name, band in named_bands.items()}
    interval = _checks.interval(who, dt)
    other_dt = dt if target_dt is None else target_dt
    other_interval = _checks.interval(who, other_dt)

    def powers(x: jax.Array, step: Any, seconds: Any, what: str) -> jax.Array:
        plan = Welch.read(who, x.shape[0], step, window, overlap, what=what)
        for band in read.values():
            band.check(who, seconds, plan)
        return jnp.stack(
            powers_in(x, seconds, plan=plan, bands=tuple(read.values()), relative=bool(relative))
        )

    def given(target: Array, unit: u.Unit) -> jax.Array:
        entries = target if isinstance(bands, dict) else {"": target}
        if set(entries) != set(read):
            raise ValueError(
                f"{who}: powers as target must be given for {choices(read)}; got "
                f"{choices(entries)}. Pass what analysis.band_power returns."
            )
        wanted = u.UNITLESS if relative else unit**2
        rows = [_checks.real(who, in_unit(who, entries[n], wanted), "the target") for n in read]
        return jnp.stack([jnp.atleast_1d(row) for row in rows])

    def loss(pred: Array, target: Array) -> jax.Array:
        x, unit = series(who, pred, "pred"), u.get_unit(pred)
        if isinstance(target, dict) or (not isinstance(bands, dict) and np.ndim(target) < 2):
            theirs = given(target, unit).astype(x.dtype)
            _checks.finite(who, theirs, "the target")
            size = safe_sqrt(jnp.max(theirs)) if not relative else jnp.ones((), x.dtype)
            theirs = theirs if relative else safe_divide(theirs, size**2)
        else:
            bare = u.get_mantissa(target) if relative else in_unit(who, target, unit)
            y = series(who, bare, "target").astype(x.dtype)
            size = jnp.max(jnp.abs(y))
            theirs = powers(safe_divide(y, size), other_dt, other_interval, "target")
        size = jax.lax.stop_gradient(jnp.where(size == 0, 1, size))
        mine = powers(x / size, dt, interval, "prediction")
        same_shape(who, mine, theirs)
        return rms_difference(*_levels(mine, theirs))

    return named(loss, who)


def peak_frequency_distance(
    dt: Any,
    *,
    band: Any = None,
    window: Any = None,
    overlap: float = 0.5,
    target_dt: Any = None,
) -> Callable[[Array, Array], u.Quantity]:
    """Root mean square difference of the peak frequencies of the regions.

    The peaks are those of :func:`brainmass.analysis.peak_frequency`. A peak moves smoothly with
    the parameters of a model until another becomes the larger one: give a ``band`` around the
    rhythm that is meant.

    Parameters
    ----------
    dt : brainunit.Quantity
        Sampling interval of the prediction.
    band : tuple of brainunit.Quantity, optional
        ``(low, high)``: where to look. Default: all frequencies above 0.
    window, overlap
        As for :func:`brainmass.analysis.psd`; the resolution is one over ``window``.
    target_dt : brainunit.Quantity, optional
        Sampling interval of the target, where it is another.

    Returns
    -------
    callable
        ``loss(pred, target)`` in Hz. The target is a series ``(time, region)``, or the frequency
        itself: one for all regions, or one per region.

    Raises
    ------
    UnitError
        If the target is neither a series nor in units of frequency.

    Examples
    --------
    >>> import brainmass, brainunit as u, numpy as np
    >>> x = np.sin(2 * np.pi * 0.0104 * np.arange(4000))[:, None]
    >>> loss = brainmass.objectives.peak_frequency_distance(1 * u.ms)
    >>> round(float(loss(x, 10 * u.Hz) / u.Hz), 2)
    0.4
    """
    who = "peak_frequency_distance"
    other_dt = dt if target_dt is None else target_dt
    for step in (dt, other_dt):
        _checks.interval(who, step)
    if band is not None:
        Band.read(who, band)

    def find(value: Array, step: Any, what: str) -> jax.Array:
        read = read_peak(
            who, value, step, band, window, overlap,
            what=what, batched=False, check_finite=what == "target",
        )  # fmt: skip
        return peak(*read[:2], plan=read[2], band=read[3])

    def loss(pred: Array, target: Array) -> u.Quantity:
        mine = find(pred, dt, "prediction")
        if np.ndim(target) > 1:
            theirs = find(target, other_dt, "target")
        else:
            theirs = _checks.real(who, in_unit(who, target, u.Hz), "the target")
            _checks.finite(who, theirs, "the target")
            theirs = jnp.broadcast_to(theirs, mine.shape) if theirs.ndim == 0 else theirs
        same_regions(who, mine.shape[0], theirs.shape[0])
        return u.Quantity(rms_difference(mine, theirs.astype(mine.dtype)), unit=u.Hz)

    return named(loss, who)
