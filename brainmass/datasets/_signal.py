"""Activity of several regions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import brainunit as u
import numpy as np

from brainmass._errors import UnitError, choices


class Signal(NamedTuple):
    """Recorded or simulated activity of several regions.

    It unpacks as ``signal, dt, labels, fc``. :meth:`of` makes one from an array and computes what
    is missing.

    Parameters
    ----------
    signal : numpy.ndarray or brainunit.Quantity
        ``(time, region)``, or ``(epoch, time, region)``.
    dt : brainunit.Quantity
        Sampling interval; the TR of functional MRI.
    labels : tuple of str
        Names of the regions.
    fc : numpy.ndarray
        ``(region, region)``, Pearson correlation over time.

    Examples
    --------
    >>> import brainmass
    >>> recorded = brainmass.datasets.load_dataset("example_signal")
    >>> recorded
    Signal(500 samples of 8 regions, dt 1 ms)
    >>> signal, dt, labels, fc = recorded
    >>> signal.shape, recorded.ts[-1]
    ((500, 8), Quantity(499., "ms"))
    """

    signal: Any
    dt: u.Quantity
    labels: tuple[str, ...]
    fc: np.ndarray

    @classmethod
    def of(
        cls,
        signal: Any,
        dt: u.Quantity,
        labels: Iterable[str] | None = None,
        *,
        who: str = "Signal.of",
    ) -> Signal:
        """Make a signal from an array; check it, and compute its functional connectivity.

        Parameters
        ----------
        signal : array_like or brainunit.Quantity
            ``(time, region)``, ``(epoch, time, region)``, or ``(time,)`` of one region; finite.
        dt : brainunit.Quantity
            Sampling interval, a positive time.
        labels : iterable of str, optional
            Names of the regions. Default ``'R0'``, ``'R1'``, ...
        who : str, optional
            Who complains about bad input.

        Returns
        -------
        Signal
            With ``fc`` over the samples of all epochs, each without its own mean.

        Raises
        ------
        ValueError
            If a value is not finite, a region does not vary, or shapes do not fit.
        UnitError
            If ``dt`` is no time.

        Examples
        --------
        >>> import brainunit as u, numpy as np
        >>> from brainmass.datasets import Signal
        >>> Signal.of(np.array([[0.0, 1.0], [1.0, 0.0], [2.0, -3.0]]), 0.72 * u.second).labels
        ('R0', 'R1')
        """
        unit = u.get_unit(signal)
        values = np.array(u.get_mantissa(signal), dtype=float)
        values = values[:, None] if values.ndim == 1 else values
        if values.ndim not in (2, 3) or values.shape[-2] < 2 or values.shape[-1] < 1:
            raise ValueError(
                f"{who}: signal must be (time, region) or (epoch, time, region), with two samples "
                f"or more; got shape {values.shape}. Reshape it."
            )
        step = sampling_interval(dt, who)
        n = values.shape[-1]
        names = tuple(f"R{i}" for i in range(n)) if labels is None else tuple(map(str, labels))
        if len(names) != n:
            raise ValueError(
                f"{who}: labels must name each of the {n} regions; got {len(names)}. Add or drop "
                "some."
            )
        fc = _correlation(values, names, who)
        return cls(values if unit.is_unitless else u.Quantity(values, unit=unit), step, names, fc)

    @property
    def ts(self) -> u.Quantity:
        """Times of the samples, from 0, in the unit of ``dt``."""
        steps = np.arange(np.shape(u.get_mantissa(self.signal))[-2])
        return u.Quantity(steps * float(self.dt.mantissa), unit=self.dt.unit)

    @property
    def n_regions(self) -> int:
        """Number of regions."""
        return len(self.labels)

    def __repr__(self) -> str:
        shape, unit = np.shape(u.get_mantissa(self.signal)), u.get_unit(self.signal)
        epochs = f"{shape[0]} epochs of " if len(shape) == 3 else ""
        in_unit = "" if unit.is_unitless else f" in {unit}"
        return (
            f"Signal({epochs}{shape[-2]} samples of {shape[-1]} regions{in_unit}, "
            f"dt {float(self.dt.mantissa):g} {self.dt.unit})"
        )


def sampling_interval(dt: Any, who: str) -> u.Quantity:
    if not u.have_same_dim(u.get_unit(dt), u.ms):
        raise UnitError(
            f"{who}: dt must be a time, the sampling interval; got [{u.get_unit(dt)}]. "
            "Pass for example 0.72 * u.second."
        )
    if np.size(u.get_mantissa(dt)) != 1:
        raise ValueError(
            f"{who}: dt must be one number; got shape {np.shape(u.get_mantissa(dt))}. "
            "Resample the signal to a constant interval."
        )
    step = float(np.asarray(u.get_mantissa(dt)).reshape(()))
    if not (np.isfinite(step) and step > 0):
        raise ValueError(f"{who}: dt must be positive and finite; got {dt}. Correct it.")
    return u.Quantity(step, unit=u.get_unit(dt))


def _correlation(values: np.ndarray, labels: tuple[str, ...], who: str) -> np.ndarray:
    bad = np.argwhere(~np.isfinite(values))
    if bad.size:
        where = tuple(int(i) for i in bad[0])
        raise ValueError(
            f"{who}: signal must be finite; got {values[where]} at {where}, region "
            f"'{labels[where[-1]]}'. Interpolate the gap or leave the region out."
        )
    centred = values - values.mean(axis=-2, keepdims=True)
    pooled = centred.reshape(-1, values.shape[-1])
    size = np.sqrt(np.sum(pooled**2, axis=0))
    largest = np.abs(values).reshape(-1, values.shape[-1]).max(axis=0)
    still = size <= 1e-12 * largest * np.sqrt(len(pooled))
    if np.any(still):
        raise ValueError(
            f"{who}: every region must vary; got a constant in "
            f"{choices(np.array(labels)[still][:5])}. Leave it out."
        )
    fc = (pooled / size).T @ (pooled / size)
    np.fill_diagonal(fc, 1.0)
    return np.clip(fc, -1.0, 1.0)
