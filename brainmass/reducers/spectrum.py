"""Power spectra and the power in a band, by Welch's method, segment by segment."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

import brainunit as u
import jax.numpy as jnp
import numpy as np
from jax import lax

from .._errors import UnitError
from ..observation.base import time_in_ms
from .base import Reducer

__all__ = ["BandPower", "PowerSpectrum", "Spectrum"]

_WINDOWS = {
    "hann": lambda n: 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n) / n),
    "hamming": lambda n: 0.54 - 0.46 * np.cos(2 * np.pi * np.arange(n) / n),
    "boxcar": np.ones,
}


class PowerSpectrum(NamedTuple):
    """A power spectral density with its frequencies: ``frequency, power = spectrum``.

    Parameters
    ----------
    frequency : brainunit.Quantity (F,)
        Frequencies.
    power : brainunit.Quantity (F, ...)
        One-sided density at each.

    Examples
    --------
    >>> import brainmass, brainunit as u, jax.numpy as jnp
    >>> wave = jnp.sin(2 * jnp.pi * 0.05 * jnp.arange(1000.0))
    >>> spectrum = brainmass.reducers.Spectrum(segment=200 * u.ms)(wave, 1 * u.ms)
    >>> spectrum.frequency[spectrum.power.argmax()]
    Quantity(50., "Hz")
    """

    frequency: Any
    power: Any


class Spectrum(Reducer):
    """Power spectral density of every region, by Welch's method.

    Parameters
    ----------
    source : str, callable or Observer, optional
        What is looked at. Default: what ``update`` returns.
    segment : brainunit.Quantity, default 1000 ms
        Length of a segment; its inverse is the spacing of the frequencies.
    overlap : float, default 0.5
        Fraction of a segment that the next one shares, at least 0 and below 1.
    window : {'hann', 'hamming', 'boxcar'}
        Taper of a segment.
    period : brainunit.Quantity, optional
        Time between two samples that are looked at, which are not averaged: faster activity
        aliases. Observe a :class:`brainmass.TemporalAverage` to have them averaged. Default: as
        often as the run records.

    Notes
    -----
    The result is ``(frequency, power)``: frequencies in Hz, and the one-sided density, frequency
    first, in the squared unit of the source per Hz. The mean of each segment is removed first, as
    in ``scipy.signal.welch``. A segment is kept in memory, so choose ``period`` for a long one.

    Raises
    ------
    ValueError
        If a segment is no multiple of the sampling period, or the run is shorter than one.

    References
    ----------
    .. [1] Welch 1967, IEEE Trans. Audio Electroacoust. 15:70, doi:10.1109/TAU.1967.1161901

    Examples
    --------
    >>> import brainmass, brainunit as u
    >>> node = brainmass.HopfStep(1, a=0.25, w=0.2 * 3.14159265, init_x=0.1)
    >>> psd = brainmass.reducers.Spectrum("x", segment=200 * u.ms, period=1 * u.ms)
    >>> result = brainmass.Simulator(node, dt=0.1 * u.ms).run(2 * u.second, monitors={"psd": psd})
    >>> frequency, power = result["psd"]
    >>> frequency[power[:, 0].argmax()]
    Quantity(100., "Hz")
    """

    def __init__(
        self,
        source=None,
        *,
        segment=1000.0 * u.ms,
        overlap: float = 0.5,
        window: str = "hann",
        period=None,
    ):
        super().__init__(source, period=period)
        who = type(self).__name__
        self.segment = time_in_ms(segment, who, "segment", "length of a segment", "1000 * u.ms")
        if not 0 <= overlap < 1:
            raise ValueError(
                f"{who}: overlap (shared fraction of a segment) must be at least 0 and below 1; "
                f"got {overlap}. Pass for example overlap=0.5."
            )
        if window not in _WINDOWS:
            raise ValueError(
                f"{who}: window (taper) must be one of {', '.join(map(repr, _WINDOWS))}; "
                f"got {window!r}. Choose one of them."
            )
        self.overlap, self.window = float(overlap), window

    def options(self):
        """Return the static settings."""
        return {"segment": self.segment, "overlap": self.overlap, "window": self.window}

    def check(self, signal):
        """Refuse a segment that is no multiple of the sampling period."""
        super().check(signal)
        exact = self.segment / signal.interval
        if round(exact) < 2 or abs(exact - round(exact)) > 1e-6 * exact:
            raise ValueError(
                f"{type(self).__name__}: segment (length of a segment) must be a multiple of the "
                f"{signal.interval:g} ms between samples, and at least two; got {self.segment:g} "
                f"ms. Take for example {max(2, round(exact)) * signal.interval:g} ms."
            )

    def least(self, interval):
        """Return how many samples are needed."""
        return round(self.segment / interval)

    def unit(self, signal_unit):
        """Return the units of the frequencies and of the density."""
        return PowerSpectrum(u.Hz, signal_unit * signal_unit / u.Hz)

    @staticmethod
    def start(p, like):
        """Return an empty segment and no sum."""
        length = round(p.segment / p.dt)
        return {
            "recent": jnp.zeros((length, *like.shape), like.dtype),
            "count": jnp.int32(0),
            "segments": jnp.int32(0),
            "sum": jnp.zeros((length // 2 + 1, *like.shape), like.dtype),
        }

    @classmethod
    def feed(cls, p, kept, stream, ends):
        """Add the periodograms of the segments that end within a superblock."""
        use = stream.valid & stream.kept
        first, number = jnp.argmax(use), jnp.sum(use, dtype=jnp.int32)
        room = stream.rows.shape[0]
        rows = jnp.take(stream.rows, jnp.clip(first + jnp.arange(room), 0, room - 1), axis=0)
        length, count = kept["recent"].shape[0], kept["count"]
        hop = max(1, length - round(p.overlap * length))
        known = jnp.concatenate([kept["recent"], rows])
        before = jnp.maximum((count - length) // hop + 1, 0)
        zero = jnp.zeros_like(kept["sum"])

        def one(total, k):
            end = length + (before + k) * hop
            done = end <= count + number
            at = jnp.clip(end - count, 0, room)

            def periodogram():
                return _periodogram(lax.dynamic_slice_in_dim(known, at, length), p)

            return total + lax.cond(done, periodogram, lambda: zero), done

        total, done = lax.scan(one, kept["sum"], jnp.arange(-(-room // hop), dtype=jnp.int32))
        return {
            "recent": lax.dynamic_slice_in_dim(known, number, length),
            "count": count + number,
            "segments": kept["segments"] + jnp.sum(done, dtype=jnp.int32),
            "sum": total,
        }, None

    @staticmethod
    def value(p, kept):
        """Return the frequencies and the mean of the periodograms, NaN of no segment."""
        number = kept["segments"]
        total = kept["sum"]
        power = total / jnp.maximum(number, 1).astype(total.dtype)
        frequency = jnp.asarray(_frequencies(p), total.dtype)
        return PowerSpectrum(frequency, jnp.where(number > 0, power, jnp.nan))


class BandPower(Spectrum):
    """Power of every region within a band of frequencies, by Welch's method.

    Parameters
    ----------
    source : str, callable or Observer, optional
        What is looked at. Default: what ``update`` returns.
    band : tuple of brainunit.Quantity, default (8 Hz, 12 Hz)
        Lowest and highest frequency, both included.
    relative : bool, default False
        Whether to give the share of the power of all frequencies.
    segment, overlap, window, period
        As for :class:`Spectrum`.

    Notes
    -----
    The density is summed over the frequencies in the band times their spacing; over all frequencies
    this is the variance.

    References
    ----------
    .. [1] Welch 1967, IEEE Trans. Audio Electroacoust. 15:70, doi:10.1109/TAU.1967.1161901

    Examples
    --------
    >>> import brainmass, brainunit as u
    >>> node = brainmass.HopfStep(1, a=0.25, w=0.2 * 3.14159265, init_x=0.1)
    >>> settings = {"segment": 200 * u.ms, "period": 1 * u.ms, "band": (90 * u.Hz, 110 * u.Hz)}
    >>> gamma = brainmass.reducers.BandPower("x", relative=True, **settings)
    >>> sim = brainmass.Simulator(node, dt=0.1 * u.ms)
    >>> result = sim.run(2 * u.second, transient=200 * u.ms, monitors={"gamma": gamma})
    >>> bool(result["gamma"][0] > 0.99)
    True
    """

    band_default: ClassVar[tuple] = (8.0 * u.Hz, 12.0 * u.Hz)

    def __init__(self, source=None, band=band_default, *, relative: bool = False, **settings):
        super().__init__(source, **settings)
        low, high = (_in_hertz(f) for f in band)
        if not 0 <= low < high:
            raise ValueError(
                f"{type(self).__name__}: band (lowest and highest frequency) must increase and not "
                f"be negative; got {low:g} to {high:g} Hz. Pass for example (8 * u.Hz, 12 * u.Hz)."
            )
        self.band, self.relative = (low, high), bool(relative)

    def options(self):
        """Return the static settings."""
        return {**super().options(), "band": self.band, "relative": self.relative}

    def check(self, signal):
        """Refuse a band in which no frequency lies."""
        super().check(signal)
        spacing, highest = 1000.0 / self.segment, 500.0 / signal.interval
        low, high = self.band
        first = np.ceil(low / spacing - 1e-9) * spacing
        if first > min(high, highest) + 1e-9:
            raise ValueError(
                f"{type(self).__name__}: band (lowest and highest frequency) must hold one of the "
                f"frequencies, {spacing:g} Hz apart up to {highest:g} Hz; got {low:g} to {high:g} "
                "Hz. Take a wider band, a longer segment or a shorter period."
            )

    def unit(self, signal_unit):
        """Return the unit of power; none if it is relative."""
        return u.UNITLESS if self.relative else signal_unit * signal_unit

    @staticmethod
    def value(p, kept):
        """Return the power in the band."""
        frequency, power = _frequencies(p), Spectrum.value(p, kept).power
        low, high = p.band
        inside = (frequency >= low - 1e-9) & (frequency <= high + 1e-9)
        spacing = 1000.0 / p.segment
        band = power[np.flatnonzero(inside)].sum(0)
        return band / power.sum(0) if p.relative else band * spacing


def _frequencies(p):
    length = round(p.segment / p.dt)
    return np.arange(length // 2 + 1) * (1000.0 / (length * p.dt))


def _periodogram(segment, p):
    """Return the one-sided density of one segment, frequency first."""
    length = segment.shape[0]
    window = _WINDOWS[p.window](length)
    columns = jnp.asarray(window, segment.dtype).reshape(-1, *(1,) * (segment.ndim - 1))
    transform = jnp.fft.rfft((segment - segment.mean(0)) * columns, axis=0)
    sides = np.full(length // 2 + 1, 2.0)
    sides[0] = 1.0
    if length % 2 == 0:
        sides[-1] = 1.0
    scale = sides * p.dt / (1000.0 * np.sum(window**2))
    scale = jnp.asarray(scale, segment.dtype).reshape(-1, *(1,) * (segment.ndim - 1))
    return (scale * (transform.real**2 + transform.imag**2)).astype(segment.dtype)


def _in_hertz(value) -> float:
    unit = u.get_unit(value)
    if not unit.has_same_dim(u.Hz):
        got = f"a value in [{unit}]" if not unit.is_unitless else repr(value)
        raise UnitError(
            f"BandPower: band (lowest and highest frequency) must be in [Hz]; got {got}. "
            "Pass for example (8 * u.Hz, 12 * u.Hz)."
        )
    return float(u.Quantity(value).to_decimal(u.Hz))
