"""Power spectra and what is read from them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import brainunit as u
import jax
import jax.numpy as jnp
import numpy as np

from brainmass._compat import is_tracer
from brainmass._errors import UnitError

from . import _checks
from ._numerics import demean, jit, safe_divide

__all__ = ["Band", "Welch", "band_power", "peak_frequency", "psd"]


@dataclass(frozen=True)
class Welch:
    """Segments of a signal: their length, the step between them, and how many there are."""

    window: int
    step: int
    count: int

    @classmethod
    def read(
        cls, who: str, samples: int, dt: Any, window: Any, overlap: float, least: int = 1, **words
    ) -> Welch:
        """Check window and overlap for a signal of that many samples."""
        if not isinstance(overlap, int | float) or not 0 <= overlap < 1:
            raise ValueError(
                f"{who}: overlap must be a fraction from 0 up to, not including, 1; got "
                f"{overlap!r}. Take 0.5."
            )
        if window is None:
            length = max(int(samples / 4.5), min(samples, 8))
        else:
            length = _checks.count(who, "window", window, dt, least=4)
        step = max(1, round(length * (1 - overlap)))
        return cls(length, step, _checks.window_count(who, samples, length, step, least, **words))

    def transform(self, x: jax.Array, finer: int = 1) -> jax.Array:
        """Return the Fourier transform ``(segment, frequency, ...)`` of tapered segments.

        Squared, it is the one-sided density for a sampling interval of one second. Zeros make
        the grid of frequencies ``finer``.
        """
        index = self.step * np.arange(self.count)[:, None] + np.arange(self.window)
        taper = np.sin(np.pi * np.arange(self.window) / self.window) ** 2
        length = finer * self.window
        weight = np.full(length // 2 + 1, 2.0)
        weight[0] = 1.0
        if length % 2 == 0:
            weight[-1] = 1.0
        weight = np.sqrt(weight / np.sum(taper**2))
        column = (-1, *[1] * (x.ndim - 1))
        parts = demean(x[index], axis=1) * taper.astype(x.dtype).reshape(column)
        return jnp.fft.rfft(parts, length, axis=1) * weight.astype(x.dtype).reshape(column)

    def frequencies(self, seconds: Any, dtype: Any, finer: int = 1) -> jax.Array:
        """Return the frequencies in Hz for a sampling interval in seconds."""
        length = finer * self.window
        return jnp.arange(length // 2 + 1, dtype=dtype) / (length * seconds)


@partial(jit, static_argnames=("plan", "finer"))
def density(
    x: jax.Array, seconds: Any, *, plan: Welch, finer: int = 1
) -> tuple[jax.Array, jax.Array]:
    """Return frequencies in Hz and the power density of a bare array per Hz."""
    z = plan.transform(x, finer)
    power = jnp.mean(z.real**2 + z.imag**2, axis=0) * seconds
    return plan.frequencies(seconds, x.dtype, finer), power.astype(x.dtype)


@dataclass(frozen=True)
class Band:
    """A band of frequencies in Hz."""

    low: float
    high: float

    @classmethod
    def read(cls, who: str, band: Any, name: str = "band") -> Band:
        """Check a pair of frequencies."""
        if not isinstance(band, tuple | list) or len(band) != 2:
            raise TypeError(
                f"{who}: {name} must be a pair (low, high) of frequencies; got {band!r}. "
                "Pass for example (8 * u.Hz, 13 * u.Hz)."
            )
        low, high = (hertz(who, edge, name) for edge in band)
        if not 0 <= low < high:
            raise ValueError(
                f"{who}: {name} must be (low, high) with 0 <= low < high; got ({low:g}, {high:g}) "
                "Hz. Give the lower frequency first."
            )
        return cls(low, high)

    def check(self, who: str, seconds: Any, plan: Welch, name: str = "band") -> None:
        """Refuse a band beyond half the sampling rate, or too narrow for the segments."""
        if is_tracer(seconds):
            return
        highest, width = 0.5 / seconds, 1 / (plan.window * seconds)
        if self.low >= highest:
            raise ValueError(
                f"{who}: {name} must begin below half the sampling rate, {highest:g} Hz; got "
                f"{self.low:g} Hz. Sample faster or choose a lower band."
            )
        if self.high - self.low < width * (1 - 1e-6):
            raise ValueError(
                f"{who}: {name} must be at least {width:.4g} Hz wide for windows of {plan.window} "
                f"samples; got {self.high - self.low:.4g} Hz. Use a longer window, and a longer "
                "signal if it is too short for that."
            )

    def shares(self, frequency: jax.Array) -> jax.Array:
        """Return which fraction of every frequency bin lies in the band."""
        width = jnp.asarray(jnp.gradient(frequency))
        above = jnp.maximum(frequency - width / 2, self.low)
        below = jnp.minimum(frequency + width / 2, self.high)
        return jnp.clip((below - above) / width, 0, 1)


def hertz(who: str, value: Any, name: str) -> float:
    """Return a frequency in Hz."""
    unit = u.get_unit(value)
    if not unit.has_same_dim(u.Hz):
        given = repr(value) if unit.is_unitless else f"[{unit}]"
        raise UnitError(
            f"{who}: {name} must hold frequencies; got {given}. Pass for example 10 * u.Hz."
        )
    return float(u.Quantity(value).to_decimal(u.Hz))


def psd(
    signal: Any, dt: Any, *, window: Any = None, overlap: float = 0.5
) -> tuple[u.Quantity, u.Quantity]:
    """Power spectral density after Welch [1]_.

    Segments lose their mean, are tapered by a Hann window and transformed; the one-sided densities
    are averaged.

    Parameters
    ----------
    signal : array_like or brainunit.Quantity
        ``(time, region)`` or ``(time, batch, region)``.
    dt : brainunit.Quantity
        Sampling interval.
    window : int or brainunit.Quantity, optional
        Length of a segment, in samples or as a time. The resolution is one over it. Default: so
        that about eight segments that overlap by half cover the signal.
    overlap : float, default 0.5
        Fraction of a segment that the next one shares.

    Returns
    -------
    frequency : brainunit.Quantity
        ``(frequency,)`` in Hz, from 0 to half the sampling rate.
    power : brainunit.Quantity
        ``(frequency, region)`` or ``(frequency, batch, region)``, in the squared unit of the
        signal per Hz: its integral over frequency is the variance.

    Raises
    ------
    ValueError
        If the signal is not finite, or shorter than a segment.
    UnitError
        If ``dt`` is no time.

    References
    ----------
    .. [1] Welch 1967, IEEE Trans. Audio Electroacoust. 15:70, doi:10.1109/TAU.1967.1161901

    Examples
    --------
    A sine of 10 Hz and amplitude 2 mV has a variance of 2 mV**2, all of it near 10 Hz:

    >>> import brainmass, brainunit as u, numpy as np
    >>> t = np.arange(2000)[:, None]
    >>> frequency, power = brainmass.analysis.psd(2 * np.sin(2 * np.pi * t / 100) * u.mV, 1 * u.ms)
    >>> total = power.sum() * (frequency[1] - frequency[0])
    >>> round(float(total / u.mV**2), 2)
    2.01
    >>> bool(abs(frequency[power[:, 0].argmax()] - 10 * u.Hz) < 1.2 * u.Hz)
    True
    """
    unit, (frequency, power) = u.get_unit(signal), _spectrum("psd", signal, dt, window, overlap)
    return u.Quantity(frequency, unit=u.Hz), u.Quantity(power, unit=unit**2 / u.Hz)


def band_power(
    signal: Any,
    dt: Any,
    bands: Any,
    *,
    relative: bool = False,
    window: Any = None,
    overlap: float = 0.5,
) -> Any:
    """Power in bands of frequency: the integral of the power spectral density.

    Parameters
    ----------
    signal : array_like or brainunit.Quantity
        ``(time, region)`` or ``(time, batch, region)``.
    dt : brainunit.Quantity
        Sampling interval.
    bands : tuple or dict
        ``(low, high)`` with unit, or a dict from name to such pairs.
    relative : bool, default False
        Divide by the power at all frequencies above 0.
    window, overlap
        As for :func:`psd`.

    Returns
    -------
    array, brainunit.Quantity or dict
        ``(region,)`` or ``(batch, region)``, in the squared unit of the signal, or dimensionless if
        ``relative``; a dict by name if ``bands`` is one. Adjacent bands add up: a frequency bin
        that an edge divides counts to both in proportion.

    Raises
    ------
    ValueError
        If a band is beyond half the sampling rate, or narrower than the resolution.
    UnitError
        If a band is not given in units of frequency, or ``dt`` is no time.

    Examples
    --------
    >>> import brainmass, brainunit as u, numpy as np
    >>> x = np.sin(2 * np.pi * 0.01 * np.arange(4000))[:, None] * u.mV
    >>> bands = {"alpha": (8 * u.Hz, 13 * u.Hz), "beta": (13 * u.Hz, 30 * u.Hz)}
    >>> power = brainmass.analysis.band_power(x, 1 * u.ms, bands, window=1 * u.second)
    >>> power["alpha"].round(3), bool(power["beta"][0] < 1e-3 * u.mV**2)
    (Quantity([0.5], "mV^2"), True)
    """
    who, unit = "band_power", u.get_unit(signal)
    named = bands if isinstance(bands, dict) else {"": bands}
    read = {name: Band.read(who, band) for name, band in named.items()}
    x = _checks.series(who, signal)
    seconds = _checks.interval(who, dt)
    plan = Welch.read(who, x.shape[0], dt, window, overlap)
    for band in read.values():
        band.check(who, seconds, plan)
    powers = powers_in(x, seconds, plan=plan, bands=tuple(read.values()), relative=bool(relative))
    if not relative:
        powers = [_checks.attach(power, unit**2) for power in powers]
    return dict(zip(read, powers, strict=True)) if isinstance(bands, dict) else powers[0]


@partial(jit, static_argnames=("plan", "bands", "relative"))
def powers_in(
    x: jax.Array, seconds: Any, *, plan: Welch, bands: tuple[Band, ...], relative: bool
) -> list[jax.Array]:
    """Return the power of a bare array in each band."""
    frequency, power = density(x, seconds, plan=plan)
    width = frequency[1] - frequency[0]
    total = jnp.sum(power[1:], axis=0) * width
    powers = [jnp.tensordot(band.shares(frequency), power, axes=1) * width for band in bands]
    return [safe_divide(power, total) for power in powers] if relative else powers


def peak_frequency(
    signal: Any, dt: Any, *, band: Any = None, window: Any = None, overlap: float = 0.5
) -> u.Quantity:
    """Frequency at which the power spectral density is largest.

    Segments are padded with zeros to four times their length, and a parabola through the
    logarithms of the three largest values is maximised; for a sine the error is below 0.1 % of
    the resolution. The result is differentiable, but for jumps to another peak.

    Parameters
    ----------
    signal : array_like or brainunit.Quantity
        ``(time, region)`` or ``(time, batch, region)``.
    dt : brainunit.Quantity
        Sampling interval.
    band : tuple of brainunit.Quantity, optional
        ``(low, high)``: where to look. Default: all frequencies above 0.
    window, overlap
        As for :func:`psd`; the resolution is one over ``window``.

    Returns
    -------
    brainunit.Quantity
        ``(region,)`` or ``(batch, region)`` in Hz; 0 with gradient 0 for a silent region.

    Raises
    ------
    ValueError
        If the band is beyond half the sampling rate, or narrower than the resolution.
    UnitError
        If ``band`` is not in units of frequency, or ``dt`` is no time.

    Examples
    --------
    >>> import brainmass, brainunit as u, numpy as np
    >>> x = np.sin(2 * np.pi * 0.0104 * np.arange(4000))[:, None]
    >>> round(float(brainmass.analysis.peak_frequency(x, 1 * u.ms)[0] / u.Hz), 2)
    10.4
    """
    who = "peak_frequency"
    x, seconds, plan, band = read_peak(who, signal, dt, band, window, overlap)
    return u.Quantity(peak(x, seconds, plan=plan, band=band), unit=u.Hz)


def read_peak(who, signal, dt, band, window, overlap, **checks):
    """Check the arguments of a search for a peak."""
    x = _checks.series(who, signal, **checks)
    seconds = _checks.interval(who, dt)
    plan = Welch.read(who, x.shape[0], dt, window, overlap)
    if band is not None:
        band = Band.read(who, band)
        band.check(who, seconds, plan)
    return x, seconds, plan, band


@partial(jit, static_argnames=("plan", "band"))
def peak(x: jax.Array, seconds: Any, *, plan: Welch, band: Band | None) -> jax.Array:
    """Return the peak frequency of a bare array in Hz."""
    frequency, power = density(x, seconds, plan=plan, finer=4)
    width = frequency[1] - frequency[0]
    allowed = jnp.arange(frequency.size) > 0
    if band is not None:
        allowed &= band.shares(frequency) > 0
    column = (-1, *[1] * (power.ndim - 1))
    inside = jax.lax.stop_gradient(jnp.where(allowed.reshape(column), power, -1.0))
    top = jnp.clip(jnp.argmax(inside, axis=0, keepdims=True), 1, frequency.size - 2)
    before, at, after = (jnp.take_along_axis(power, top + k, axis=0)[0] for k in (-1, 0, 1))
    floor = jnp.finfo(x.dtype).tiny
    before, at, after = (jnp.log(jnp.where(p <= floor, floor, p)) for p in (before, at, after))
    shift = 0.5 * safe_divide(before - after, before - 2 * at + after)
    found = (top[0] + jnp.clip(shift, -0.5, 0.5)) * width
    if band is not None:
        found = jnp.clip(found, band.low, band.high)
    return jnp.where(jnp.max(inside, axis=0) == 0, 0, found)


def _spectrum(who, signal, dt, window, overlap):
    x = _checks.series(who, signal)
    seconds = _checks.interval(who, dt)
    return density(x, seconds, plan=Welch.read(who, x.shape[0], dt, window, overlap))
