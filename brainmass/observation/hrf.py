"""BOLD signal as the convolution of activity with a haemodynamic response function."""

from __future__ import annotations

from typing import Any

import brainstate
import brainunit as u
import jax.numpy as jnp
import numpy as np
from jax import lax

from .._declare import param
from .._errors import UnitError
from ..engine.node import Values
from ..engine.observers import attach
from .average import TemporalAverage
from .base import Observer
from .kernels import FirstOrderVolterraHRFKernel, HRFKernel

__all__ = ["HRFBold"]


class HRFBold(Observer):
    """BOLD signal by convolution with a haemodynamic response function.

    Activity is averaged over ``downsample_period``, convolved with the kernel over time in seconds
    and multiplied by ``k_1 V_0``; one sample is kept per ``period``. No activity gives 0.

    Parameters
    ----------
    k_1 : float, default 5.6
        Scale of the signal.
    V_0 : float, default 0.02
        Resting volume fraction of blood.
    period : brainunit.Quantity, default 1000 ms
        Repetition time TR; a multiple of ``downsample_period``.
    downsample_period : brainunit.Quantity, default 4 ms
        Step of the convolution; a multiple of the step of the signal. The amplitude does not depend
        on it.
    kernel : HRFKernel, optional
        The response. Default: :class:`FirstOrderVolterraHRFKernel`.
    convolution_mode : {'valid', 'same', 'full'}
        Which part of the convolution of a recorded signal is kept, as in NumPy, after zeros or
        ``history`` have been put before it: 'valid' for the times within the signal, 'same' and
        'full' also for what comes before and after. As a monitor: 'valid'.
    method : {'fft', 'direct'}
        How a recorded signal is convolved; as a monitor, directly.
    history : array (time, ...), optional
        Activity averaged over ``downsample_period`` before a recorded signal, as long as the
        kernel. Default: none. As a monitor, the transient is the history.
    scaling : {'integral', 'tvb'}
        'tvb' does as The Virtual Brain does: the sum over the samples of the kernel is not
        multiplied by their distance, so the amplitude goes with the inverse of
        ``downsample_period`` (4 ms there); and with the Volterra kernel 1 is subtracted from it, so
        that no activity gives ``-k_1 V_0``.
    source : str, callable or Observer, optional
        Activity. Default: what ``update`` returns.

    References
    ----------
    .. [1] Friston et al. 2000, NeuroImage 12:466, doi:10.1006/nimg.2000.0630
    .. [2] Sanz-Leon et al. 2015, NeuroImage 111:385, doi:10.1016/j.neuroimage.2015.01.002

    Examples
    --------
    >>> import brainmass, brainunit as u, jax.numpy as jnp
    >>> bold = brainmass.HRFBold(period=500 * u.ms)
    >>> y = bold(jnp.ones((30000, 2)), 1 * u.ms)
    >>> y.shape, f"{y[-1, 0] / (5.6 * 0.02):.4f}"
    ((60, 2), '0.1333')

    As a monitor, in memory that does not grow with the run:

    >>> sim = brainmass.Simulator(brainmass.HopfStep(2, a=0.25, init_x=0.1), dt=0.1 * u.ms)
    >>> bold = brainmass.HRFBold(period=500 * u.ms, source="x")
    >>> sim.run(2 * u.second, monitors={"bold": bold})["bold"].shape
    (4, 2)
    """

    k_1: Any = param(5.6, bounds=(1.0, 10.0), doc="scale of the signal")
    V_0: Any = param(0.02, bounds=(0.01, 0.08), domain="positive", doc="resting volume fraction")

    def __init__(
        self,
        k_1: Any = 5.6,
        V_0: Any = 0.02,  # noqa: N803
        period=1000.0 * u.ms,
        downsample_period=4.0 * u.ms,
        kernel: HRFKernel | None = None,
        convolution_mode: str = "valid",
        method: str = "fft",
        history=None,
        *,
        scaling: str = "integral",
        source=None,
    ):
        kernel = FirstOrderVolterraHRFKernel() if kernel is None else kernel
        if not isinstance(kernel, HRFKernel):
            raise TypeError(
                f"HRFBold: kernel (response) must be an HRFKernel; got {type(kernel).__name__}. "
                "Pass for example brainmass.GammaHRFKernel()."
            )
        _one_of("convolution_mode", convolution_mode, ("valid", "same", "full"))
        _one_of("method", method, ("fft", "direct"))
        _one_of("scaling", scaling, ("integral", "tvb"))
        average = TemporalAverage(downsample_period, source=source)
        super().__init__(average, period=period, k_1=k_1, V_0=V_0)
        self.downsample_period = downsample_period
        self.kernel, self.convolution_mode, self.method = kernel, convolution_mode, method
        self.history, self.scaling = history, scaling

    def options(self):
        """Return the static settings."""
        shape = (type(self.kernel), self.kernel.seconds)
        return {"response": shape, "scaling": self.scaling}

    def observer_values(self, cast):
        """Return the parameters, those of the kernel among them, as bare arrays."""
        values = super().observer_values(cast)
        kernel = {name: cast(value) for name, value in self.kernel.mantissas().items()}
        values["own"]["kernel"] = kernel
        return values

    def check(self, signal):
        """Refuse what cannot be convolved while it comes."""
        super().check(signal)
        if self.history is not None or self.convolution_mode != "valid":
            raise ValueError(
                "HRFBold: a monitor must have convolution_mode='valid' and no history; got "
                f"'{self.convolution_mode}' and history given: {self.history is not None}. "
                "Use the transient of the run as history."
            )
        self._check_unit(signal.unit)

    def _check_unit(self, unit) -> None:
        if self.scaling == "tvb" and self.kernel.baseline and not unit.is_unitless:
            raise UnitError(
                "HRFBold: source (activity) must be a plain number with scaling='tvb', which "
                f"subtracts 1; got a value in [{unit}]. Divide by a unit."
            )

    @staticmethod
    def start(p, like):
        """Return what past activity adds to the samples to come."""
        coming = _lags(p) // round(p.period / p.dt) + 1
        return jnp.zeros((coming, *like.shape), like.dtype)

    @classmethod
    def feed(cls, p, kept, stream, ends):
        """Add the responses to the activity of a superblock to the samples to come."""
        every = round(p.period / stream.interval) * stream.every
        coming = kept.shape[0] + len(ends)
        at = ends[0] + every * jnp.arange(coming, dtype=jnp.int32)
        lag = (at[:, None] - stream.end) // stream.every
        weight = jnp.where(stream.valid & (lag >= 0), _kernel(p, lag, stream.rows.dtype), 0)
        total = jnp.einsum("ct,t...->c...", weight, stream.rows)
        total = total + jnp.pad(kept, [(0, len(ends))] + [(0, 0)] * (kept.ndim - 1))
        done = jnp.sum(ends <= stream.last)
        kept = lax.dynamic_slice_in_dim(total, done, kept.shape[0])
        return kept, _scaled(p, total[: len(ends)])

    def __call__(self, signal, dt=None):
        """Convolve recorded activity.

        Parameters
        ----------
        signal : array or brainunit.Quantity (time, ...)
            Activity at equal distances; finite.
        dt : brainunit.Quantity
            Time between two samples.

        Returns
        -------
        array or brainunit.Quantity
            One row per ``period``.

        Raises
        ------
        UnitError
            If a unit is wrong.
        ValueError
            If the signal has NaN, or is shorter than ``period``, which must be a multiple of
            ``downsample_period``.
        """
        if self.convolution_mode == "valid" and self.method == "direct" and self.history is None:
            return super().__call__(signal, dt)
        average = TemporalAverage(self.downsample_period)(signal, dt)
        unit, rows = u.get_unit(average), u.get_mantissa(average)
        self._check_unit(unit)
        rules = self.observer_rules(float(u.Quantity(dt).to_decimal(u.ms)), 1)
        p = rules.parameters(self.observer_values(jnp.asarray))
        kernel = _kernel(p, jnp.arange(_lags(p)), rows.dtype)
        rows = jnp.concatenate([self._past(rows, len(kernel), unit), rows])
        out = _convolved(rows, kernel, self.convolution_mode, self.method)
        step = round(p.period / p.dt)
        if len(out) <= step:
            raise ValueError(
                f"HRFBold: signal must last at least one period of {p.period:g} ms; got "
                f"{len(average) * p.dt:g} ms. Give a longer signal or a shorter period."
            )
        return attach(_scaled(p, out[step::step]), unit)

    def _past(self, rows, length: int, unit):
        if self.history is None:
            return jnp.zeros((length, *rows.shape[1:]), rows.dtype)
        past = self.history
        past = past if unit.is_unitless else u.Quantity(past).to_decimal(unit)
        past = jnp.asarray(u.get_mantissa(past), brainstate.environ.dftype())
        if past.shape != (length, *rows.shape[1:]):
            raise ValueError(
                f"HRFBold: history (activity before the signal) must have the shape "
                f"{(length, *rows.shape[1:])}, as long as the kernel; got {past.shape}. "
                "Average it over downsample_period, and cut or pad it with zeros."
            )
        return past


def _lags(p) -> int:
    """Return how many samples of the kernel there are."""
    return int(np.ceil(1000.0 * p.response[1] / p.dt - 1e-9))


def _kernel(p, lag, dtype):
    """Return the weight of activity ``lag`` samples ago.

    A sample is the mean over its window, so the kernel is read in the middle of it.
    """
    cls, seconds = p.response
    step = p.dt / 1000.0
    parameters = Values(p.kernel)
    if p.scaling == "tvb":
        return cls.within(parameters, lag.astype(dtype) * step, seconds)
    return step * cls.within(parameters, (lag.astype(dtype) + 0.5) * step, seconds)


def _scaled(p, total):
    baseline = 1.0 if p.scaling == "tvb" and p.response[0].baseline else 0.0
    return p.k_1 * p.V_0 * (total - baseline)


def _convolved(rows, kernel, mode: str, method: str):
    """Convolve along the first axis."""
    length = len(rows) + len(kernel) - 1
    flat = rows.reshape(len(rows), -1)
    if method == "direct":
        full = jnp.stack([jnp.convolve(column, kernel) for column in flat.T], axis=1)
    else:
        size = 1 << (length - 1).bit_length()
        product = jnp.fft.rfft(flat, size, axis=0) * jnp.fft.rfft(kernel, size)[:, None]
        full = jnp.fft.irfft(product, size, axis=0)[:length].astype(rows.dtype)
    if mode == "valid":
        full = full[len(kernel) - 1 : len(rows)]
    elif mode == "same":
        first = (len(kernel) - 1) // 2
        full = full[first : first + len(rows)]
    return full.reshape(len(full), *rows.shape[1:])


def _one_of(name: str, value, known) -> None:
    if value not in known:
        raise ValueError(
            f"HRFBold: {name} must be one of {', '.join(map(repr, known))}; got {value!r}. "
            "Choose one of them."
        )
