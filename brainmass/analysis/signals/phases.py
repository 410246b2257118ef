"""Filters, phases by the Hilbert transform, and synchrony."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import brainunit as u
import jax
import jax.numpy as jnp
import numpy as np

from brainmass._compat import is_tracer

from . import _checks
from ._numerics import angle, demean, jit, modulus, safe_sqrt
from .spectrum import Band

__all__ = [
    "analytic_signal",
    "bandpass",
    "envelope",
    "kuramoto_order",
    "metastability",
    "phase",
    "phase_coherence",
]


def bandpass(signal: Any, dt: Any, band: Any, *, order: int = 4) -> Any:
    """Keep a band of frequencies, without shifting phases.

    The gain is that of a Butterworth filter [1]_ of the given order, applied forwards and
    backwards: 1/2 at the edges of the band. The ends are continued by their odd reflection.

    Parameters
    ----------
    signal : array_like or brainunit.Quantity
        ``(time, region)`` or ``(time, batch, region)``.
    dt : brainunit.Quantity
        Sampling interval.
    band : tuple of brainunit.Quantity
        ``(low, high)``; a low edge of 0 Hz makes it a low-pass filter.
    order : int, default 4
        Steepness of the edges.

    Returns
    -------
    array or brainunit.Quantity
        The filtered signal, in its unit.

    Raises
    ------
    ValueError
        If the band does not begin below half the sampling rate, or the signal is not finite.
    UnitError
        If ``band`` is not in units of frequency, or ``dt`` is no time.

    References
    ----------
    .. [1] Butterworth 1930, Experimental Wireless 7:536

    Examples
    --------
    >>> import brainmass, brainunit as u, numpy as np
    >>> t = np.arange(2001)[:, None]
    >>> slow, fast = np.sin(0.006 * np.pi * t), np.sin(0.16 * np.pi * t)
    >>> kept = brainmass.analysis.bandpass(slow + fast, 1 * u.ms, (1 * u.Hz, 10 * u.Hz))
    >>> bool(abs(kept - slow).max() < 0.02)
    True
    """
    keep = Filter.read("bandpass", dt, band, order)
    return _checks.attach(keep(_checks.series("bandpass", signal)), u.get_unit(signal))


@dataclass(frozen=True)
class Filter:
    """A checked band-pass filter: the sampling interval, the band and the order."""

    seconds: Any
    band: Band
    order: int

    @classmethod
    def read(cls, who: str, dt: Any, band: Any, order: int = 4) -> Filter:
        """Check the arguments."""
        if not isinstance(order, int | np.integer) or isinstance(order, bool) or order < 1:
            raise ValueError(
                f"{who}: order must be a whole number of at least 1; got {order!r}. Take 4."
            )
        seconds, edges = _checks.interval(who, dt), Band.read(who, band)
        if not is_tracer(seconds) and edges.low >= 0.5 / seconds:
            raise ValueError(
                f"{who}: band must begin below half the sampling rate, {0.5 / seconds:g} Hz; got "
                f"{edges.low:g} Hz. Sample faster or choose a lower band."
            )
        return cls(seconds, edges, int(order))

    @classmethod
    def optional(cls, who: str, dt: Any, band: Any) -> Callable[[jax.Array], jax.Array]:
        """Check the arguments; without a band nothing is filtered."""
        if band is None:
            return lambda x: x
        if dt is None:
            raise ValueError(
                f"{who}: band needs dt, the sampling interval; got a band without dt. Pass dt=... ."
            )
        return cls.read(who, dt, band)

    def __call__(self, x: jax.Array) -> jax.Array:
        """Filter a bare array."""
        pad = x.shape[0] - 1
        if not is_tracer(self.seconds):
            slowest = self.band.low or self.band.high
            pad = min(pad, round(3 / (slowest * self.seconds)))
        return _butterworth(x, self.seconds, band=self.band, order=self.order, pad=pad)


def _filtered(who: str, signal: Any, dt: Any, band: Any) -> jax.Array:
    keep = Filter.optional(who, dt, band)
    return keep(_checks.series(who, signal))


@partial(jit, static_argnames=("band", "order", "pad"))
def _butterworth(x: jax.Array, seconds: Any, *, band: Band, order: int, pad: int) -> jax.Array:
    before = 2 * x[:1] - x[pad:0:-1]
    after = 2 * x[-1:] - x[-2 : -pad - 2 : -1]
    longer = jnp.concatenate([before, x, after])
    n = longer.shape[0]
    f = jnp.arange(n // 2 + 1, dtype=x.dtype) / (n * seconds)
    if band.low == 0:
        ratio = f / band.high
    else:
        positive = jnp.where(f == 0, 1, f)
        ratio = (f * f - band.low * band.high) / (positive * (band.high - band.low))
        ratio = jnp.where(f == 0, jnp.finfo(x.dtype).max, ratio)
    gain = 1 / (1 + ratio ** (2 * order))
    spectrum = jnp.fft.rfft(longer, axis=0) * gain.reshape(-1, *[1] * (x.ndim - 1))
    return jnp.fft.irfft(spectrum, n, axis=0)[pad : pad + x.shape[0]].astype(x.dtype)


def analytic_signal(signal: Any, *, dt: Any = None, band: Any = None) -> Any:
    """Complex signal whose real part is the signal without its mean, by the Hilbert transform.

    Parameters
    ----------
    signal : array_like or brainunit.Quantity
        ``(time, region)`` or ``(time, batch, region)``. Amplitude and phase have a meaning for a
        narrow band of frequencies: give ``band``, or a signal that has been filtered. The ends
        are distorted over about a period; leave them out of averages.
    dt : brainunit.Quantity, optional
        Sampling interval; needed for ``band``.
    band : tuple of brainunit.Quantity, optional
        ``(low, high)`` to filter to first, by :func:`bandpass`.

    Returns
    -------
    array or brainunit.Quantity
        Complex, of the shape and unit of the signal.

    References
    ----------
    .. [1] Gabor 1946, J. Inst. Electr. Eng. 93:429, doi:10.1049/ji-3-2.1946.0074

    Examples
    --------
    >>> import brainmass, numpy as np
    >>> x = np.cos(2 * np.pi * np.arange(100) / 20)[:, None]
    >>> z = brainmass.analysis.analytic_signal(3.0 + x)
    >>> bool(abs(z.real - x).max() < 1e-5), bool(abs(abs(z) - 1).max() < 1e-5)
    (True, True)
    """
    real, imag = hilbert(_filtered("analytic_signal", signal, dt, band))
    return _checks.attach(jax.lax.complex(real, imag), u.get_unit(signal))


@jit
def hilbert(x: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Return a bare array without its mean, and its Hilbert transform."""
    n = x.shape[0]
    x = demean(x)
    turn = np.full(n // 2 + 1, -1j)
    turn[0] = 0
    if n % 2 == 0:
        turn[-1] = 0
    spectrum = jnp.fft.rfft(x, axis=0)
    spectrum = spectrum * turn.astype(spectrum.dtype).reshape(-1, *[1] * (x.ndim - 1))
    return x, jnp.fft.irfft(spectrum, n, axis=0).astype(x.dtype)


def envelope(signal: Any, *, dt: Any = None, band: Any = None) -> Any:
    """Amplitude of a rhythm over time: the modulus of the analytic signal.

    Parameters
    ----------
    signal, dt, band
        As for :func:`analytic_signal`.

    Returns
    -------
    array or brainunit.Quantity
        Of the shape and unit of the signal, not negative.

    Examples
    --------
    >>> import brainmass, numpy as np
    >>> x = 2 * np.cos(2 * np.pi * np.arange(100) / 20)[:, None]
    >>> bool(abs(brainmass.analysis.envelope(x) - 2).max() < 1e-5)
    True
    """
    amplitude = modulus(*hilbert(_filtered("envelope", signal, dt, band)))
    return _checks.attach(amplitude, u.get_unit(signal))


def phase(signal: Any, *, dt: Any = None, band: Any = None) -> jax.Array:
    """Phase of a rhythm over time: the angle of the analytic signal.

    Parameters
    ----------
    signal, dt, band
        As for :func:`analytic_signal`.

    Returns
    -------
    jax.Array
        Of the shape of the signal, in radians from -pi to pi; 0 with gradient 0 where the
        amplitude is 0.

    Examples
    --------
    >>> import brainmass, numpy as np
    >>> x = np.cos(2 * np.pi * np.arange(100) / 20)[:, None]
    >>> bool(abs(brainmass.analysis.phase(x)[5, 0] - np.pi / 2) < 1e-5)
    True
    """
    return angles(_filtered("phase", signal, dt, band))


@jit
def angles(x: jax.Array) -> jax.Array:
    """Return the phases of a bare array."""
    return angle(*hilbert(x))


def kuramoto_order(phase: Any) -> jax.Array:
    r"""Kuramoto order parameter: how well the regions agree in phase [1]_.

    .. math:: R(t) = \Bigl| \frac{1}{N} \sum_j e^{i \theta_j(t)} \Bigr|

    Parameters
    ----------
    phase : array_like
        ``(..., region)`` in radians, for example from :func:`phase`.

    Returns
    -------
    jax.Array
        ``(...)``, between 0 and 1. For N independent phases its mean is about
        ``sqrt(pi / N) / 2``.

    References
    ----------
    .. [1] Acebron et al. 2005, Rev. Mod. Phys. 77:137, doi:10.1103/RevModPhys.77.137

    Examples
    --------
    >>> import brainmass, jax.numpy as jnp
    >>> brainmass.analysis.kuramoto_order(jnp.array([[0.5, 0.5], [0.0, jnp.pi / 2]])).round(3)
    Array([1.   , 0.707], dtype=float32)
    """
    return order(_phases("kuramoto_order", phase, 1))


@jit
def order(theta: jax.Array) -> jax.Array:
    """Return the order parameter of bare phases."""
    return modulus(jnp.mean(jnp.cos(theta), axis=-1), jnp.mean(jnp.sin(theta), axis=-1))


def metastability(phase: Any) -> jax.Array:
    """Standard deviation over time of the Kuramoto order parameter [1]_ [2]_.

    Parameters
    ----------
    phase : array_like
        ``(time, region)`` or ``(time, batch, region)`` in radians.

    Returns
    -------
    jax.Array
        A number, or ``(batch,)``. It is the deviation of all samples, divided by their number; [1]_
        takes the variance instead.

    References
    ----------
    .. [1] Shanahan 2010, Chaos 20:013108, doi:10.1063/1.3305451
    .. [2] Cabral, Hugues, Sporns & Deco 2011, NeuroImage 57:130,
       doi:10.1016/j.neuroimage.2011.04.010

    Examples
    --------
    >>> import brainmass, jax.numpy as jnp
    >>> theta = jnp.array([[0.0, 0.0], [0.0, jnp.pi]])
    >>> round(float(brainmass.analysis.metastability(theta)), 3)
    0.5
    """
    return spread_of_order(_phases("metastability", phase, 2))


@jit
def spread_of_order(theta: jax.Array) -> jax.Array:
    """Return the standard deviation over time of the order parameter of bare phases."""
    r = order(theta)
    return safe_sqrt(jnp.mean((r - jnp.mean(r, axis=0, keepdims=True)) ** 2, axis=0))


def phase_coherence(phase: Any) -> jax.Array:
    r"""Phase locking of every pair of regions [1]_.

    .. math:: \Bigl| \langle e^{i (\theta_i(t) - \theta_j(t))} \rangle_t \Bigr|

    Parameters
    ----------
    phase : array_like
        ``(time, region)`` or ``(time, batch, region)`` in radians.

    Returns
    -------
    jax.Array
        ``(region, region)`` or ``(batch, region, region)``, between 0 and 1, ones on the diagonal.

    References
    ----------
    .. [1] Lachaux, Rodriguez, Martinerie & Varela 1999, Hum. Brain Mapp. 8:194,
       doi:10.1002/(SICI)1097-0193(1999)8:4<194::AID-HBM4>3.0.CO;2-C

    Examples
    --------
    >>> import brainmass, jax.numpy as jnp
    >>> theta = jnp.array([[0.0, 1.0], [1.0, 2.0], [2.0, 3.0]])
    >>> bool(abs(brainmass.analysis.phase_coherence(theta) - 1).max() < 1e-6)
    True
    """
    theta = _phases("phase_coherence", phase, 2)
    function = locking
    for _ in range(theta.ndim - 2):
        function = jax.vmap(function, in_axes=1)
    return function(theta)


@jit
def locking(theta: jax.Array) -> jax.Array:
    """Return the phase locking of bare phases ``(time, region)``."""
    c, s = jnp.cos(theta), jnp.sin(theta)
    along = (c.T @ c + s.T @ s) / theta.shape[0]
    across = (s.T @ c - c.T @ s) / theta.shape[0]
    identity = jnp.eye(theta.shape[1], dtype=theta.dtype)
    return modulus(along, across) * (1 - identity) + identity


def _phases(who: str, phase: Any, least: int) -> jax.Array:
    theta = _checks.plain(who, phase, "the phase")
    if theta.ndim < least or 0 in theta.shape:
        shape = "(time, region)" if least == 2 else "(..., region)"
        raise ValueError(
            f"{who}: the phase must have the shape {shape}; got {theta.shape}. Compute it with "
            "analysis.phase(signal)."
        )
    _checks.finite(who, theta, "the phase")
    return theta
