"""Noise with a power-law spectrum in time: independent exact processes of spread-out rates.

For a spectrum that falls, each process is Ornstein-Uhlenbeck; for one that rises, each is the
band-pass ``s / (s + a)**2`` of white noise. Their variances are fitted, by non-negative least
squares, so that the sum follows the power law in the band. Every process is advanced by its exact
update, so the process does not depend on the step.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import brainunit as u
import jax.numpy as jnp
import numpy as np

from .._errors import UnitError
from .base import Noise

__all__ = ["BlueNoise", "ColoredNoise", "PinkNoise", "VioletNoise"]

_MARGIN = 4.0  # the rates reach this factor beyond the band, so that its ends are straight
_PER_DECADE = 1.25  # with it the fitted spectrum of pink noise is within 1 % of the power law
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(24)


class ColoredNoise(Noise):
    """Noise with the power spectrum ``1 / f**beta`` in time, in every region on its own.

    The power law holds for ``f_min < f < f_max``, within 1 % of the density for pink noise and
    12 % at the ends of the band for every ``beta``. Below the band the spectrum becomes flat
    (``beta > 0``) or falls as ``f**2`` (``beta < 0``); above the band it falls as ``1 / f**2``. So
    the noise is stationary, and its standard deviation over all frequencies is ``sigma``, for every
    ``dt``. It starts in the stationary distribution.

    The value held during a step is that at its end for ``beta >= 0``. For ``beta < 0`` it is the
    mean over the step, so that all that a model integrates is exact; the standard deviation of
    these means is smaller than ``sigma``, by 8 % for violet noise of the default band at
    ``dt = 0.1 ms``.

    Parameters
    ----------
    in_size : int or tuple of int
        Shape of the population.
    beta : float, default 1.0
        Exponent, -2 to 2: 1 pink, 2 brown, -1 blue, -2 violet; 0 is white in the band.
    mean : float or brainunit.Quantity, optional
        Mean, in the unit of ``sigma``. Default 0.
    sigma : float or brainunit.Quantity, optional
        Stationary standard deviation. Default 1.
    f_min, f_max : brainunit.Quantity
        Band in which the power law holds. Default 1 Hz to 100 Hz (ours: the range of EEG); choose
        ``f_max`` well below ``1 / (2 * dt)``.
    cov : array or brainunit.Quantity, optional
        Stationary covariance (N, N) across regions; with ``sigma`` their correlations.
    amplitude : callable, optional
        Function of the model's states that multiplies the noise and returns plain numbers.

    Notes
    -----
    The construction is ours: a sum of processes whose rates are spread evenly on a logarithmic
    scale. A step draws one normal number per rate and region (six rates by default), two for
    ``beta < 0``; exponents 0, 2 and -2 need one rate only.

    Examples
    --------
    >>> import brainmass, brainunit as u
    >>> noise = brainmass.ColoredNoise(3, beta=1.0, sigma=0.1)
    >>> node = brainmass.HopfStep(3, noise_x=noise)
    >>> brainmass.Simulator(node, dt=0.1 * u.ms).run(10 * u.ms, monitors="x")["x"].shape
    (100, 3)
    """

    state_names = ("x",)

    def __init__(
        self,
        in_size,
        beta: float = 1.0,
        mean=None,
        sigma: Any = None,
        *,
        f_min=1.0 * u.Hz,
        f_max=100.0 * u.Hz,
        cov=None,
        amplitude=None,
    ):
        super().__init__(in_size, mean, sigma, cov=cov, amplitude=amplitude)
        who = type(self).__name__
        self.beta = _exponent(beta, who)
        self.band = _frequency(f_min, "f_min", who), _frequency(f_max, "f_max", who)
        if not 0 < self.band[0] < self.band[1]:
            raise ValueError(
                f"{who}: f_min and f_max (band of the power law) must satisfy 0 < f_min < f_max; "
                f"got {self.band[0]:g} Hz and {self.band[1]:g} Hz. Widen the band."
            )
        self.state_names = ("x",) if self.beta >= 0 else ("slow", "x")
        rates = len(_mixture(self.beta, *self.band)[0])
        self.lead = (rates,) if self.beta >= 0 else (2, rates)

    def mantissas(self):
        """Return the current values, the rates and their shares as bare arrays."""
        rate, share = _mixture(self.beta, *self.band)
        column = (-1, *[1] * len(self.in_size))
        return super().mantissas() | {
            "rate": rate.reshape(column),
            ("share" if self.beta >= 0 else "rising"): share.reshape(column),
        }

    @staticmethod
    def prepare(p, dt):
        """Return what ``advance`` needs and one run computes once."""
        if "rising" in p:
            return {"mean": p["mean"]} | _band_pass(p, p["rate"] * dt)
        spread = p["sigma"] * jnp.sqrt(-p["share"] * jnp.expm1(-2.0 * p["rate"] * dt))
        return {"mean": p["mean"], "decay": jnp.exp(-p["rate"] * dt), "spread": spread}

    @staticmethod
    def start(p, z, dt):
        """Return the state before the first step, drawn from the stationary distribution."""
        if "rising" not in p:
            return {"x": p["sigma"] * jnp.sqrt(p["share"]) * z}
        size = 2.0 * p["sigma"] * jnp.sqrt(p["rising"])
        first, second = _halves(z, p["rate"].ndim)
        x = size * 0.5**0.5 * first
        return {"slow": 0.5 * x + size * 0.125**0.5 * second, "x": x}

    @staticmethod
    def advance(s, z, p, dt):
        """Return the next state and the value held during the step."""
        axis = -p["decay"].ndim
        if "shift" not in p:
            x = p["decay"] * s["x"] + p["spread"] * z
            return {"x": x}, p["mean"] + x.sum(axis)
        first, second = _halves(z, p["decay"].ndim)
        kick = p["spread"] * first
        gain = p["shift"] * s["x"] - p["drop"] * s["slow"] + p["lean"] * kick + p["rest"] * second
        after = {"slow": s["slow"] + gain, "x": p["decay"] * s["x"] + kick}
        return after, p["mean"] + (gain / p["step"]).sum(axis)

    def __repr__(self):
        return super().__repr__().replace("sigma=", f"beta={self.beta:g}, sigma=")


class PinkNoise(ColoredNoise):
    """Noise with the power spectrum 1/f in time, in every region on its own.

    ``ColoredNoise`` with ``beta=1``: as much variance in every octave of the band.

    Parameters
    ----------
    in_size : int or tuple of int
        Shape of the population.
    mean : float or brainunit.Quantity, optional
        Mean, in the unit of ``sigma``. Default 0.
    sigma : float or brainunit.Quantity, optional
        Stationary standard deviation. Default 1.
    **settings
        ``f_min``, ``f_max``, ``cov`` and ``amplitude`` of :class:`ColoredNoise`.

    Examples
    --------
    >>> import brainmass
    >>> brainmass.PinkNoise(2, sigma=0.1)
    PinkNoise(in_size=(2,), beta=1, sigma=0.1)
    """

    def __init__(self, in_size, mean=None, sigma: Any = None, **settings):
        super().__init__(in_size, 1.0, mean, sigma, **settings)


class BlueNoise(ColoredNoise):
    """Noise whose power spectrum rises as f in time, in every region on its own.

    ``ColoredNoise`` with ``beta=-1``; nearly all of its variance lies near and above ``f_max``.

    Parameters
    ----------
    in_size : int or tuple of int
        Shape of the population.
    mean : float or brainunit.Quantity, optional
        Mean, in the unit of ``sigma``. Default 0.
    sigma : float or brainunit.Quantity, optional
        Stationary standard deviation. Default 1.
    **settings
        ``f_min``, ``f_max``, ``cov`` and ``amplitude`` of :class:`ColoredNoise`.

    Examples
    --------
    >>> import brainmass
    >>> brainmass.BlueNoise(2, sigma=0.1)
    BlueNoise(in_size=(2,), beta=-1, sigma=0.1)
    """

    def __init__(self, in_size, mean=None, sigma: Any = None, **settings):
        super().__init__(in_size, -1.0, mean, sigma, **settings)


class VioletNoise(ColoredNoise):
    """Noise whose power spectrum rises as f**2 in time, in every region on its own.

    ``ColoredNoise`` with ``beta=-2``: the derivative of white noise, low-passed above ``f_max``.

    Parameters
    ----------
    in_size : int or tuple of int
        Shape of the population.
    mean : float or brainunit.Quantity, optional
        Mean, in the unit of ``sigma``. Default 0.
    sigma : float or brainunit.Quantity, optional
        Stationary standard deviation. Default 1.
    **settings
        ``f_min``, ``f_max``, ``cov`` and ``amplitude`` of :class:`ColoredNoise`.

    Examples
    --------
    >>> import brainmass
    >>> brainmass.VioletNoise(2, sigma=0.1)
    VioletNoise(in_size=(2,), beta=-2, sigma=0.1)
    """

    def __init__(self, in_size, mean=None, sigma: Any = None, **settings):
        super().__init__(in_size, -2.0, mean, sigma, **settings)


def _band_pass(p: dict, step) -> dict:
    """Return the exact update of ``dx = -a x dt + dW``, ``dslow = a (x - slow) dt``.

    ``step`` is a dt. The process is ``x - slow``, so its mean over a step is the gain of ``slow``
    divided by a dt; samples instead of means would fold what lies above ``1 / (2 * dt)``, where
    such noise is strong, down to where it is weak. The moments of the noise are integrals over the
    step; a quadrature with positive terms has no cancellation where the closed form has nothing
    else. Numbers beyond the range of the quadrature have decayed.
    """
    lag = jnp.minimum(step, 12.0)
    nodes = lag[..., None] * jnp.asarray(0.5 * (1.0 + _NODES), lag.dtype)
    weights = lag[..., None] * jnp.asarray(0.5 * _WEIGHTS, lag.dtype) * jnp.exp(-2.0 * nodes)
    total = weights.sum(-1)
    lean = (weights * nodes).sum(-1) / total
    rest = (weights * (nodes - lean[..., None]) ** 2).sum(-1)
    size = 2.0 * p["sigma"] * jnp.sqrt(p["rising"])
    decay = jnp.exp(-step)
    return {
        "step": step,
        "decay": decay,
        "drop": -jnp.expm1(-step),
        "shift": step * decay,
        "spread": size * jnp.sqrt(total),
        "lean": lean,
        "rest": size * jnp.sqrt(rest),
    }


def _halves(z, trailing: int):
    """Split the numbers of two equations, which stand before the ``trailing`` axes."""
    index = (Ellipsis, 0, *[slice(None)] * trailing)
    other = (Ellipsis, 1, *[slice(None)] * trailing)
    return z[index], z[other]


@lru_cache(maxsize=64)
def _mixture(beta: float, f_min: float, f_max: float):
    """Return the rates per millisecond and the shares of the variance, which sum to 1."""
    low, high = f_min / _MARGIN, f_max * _MARGIN
    if beta in (2.0, 0.0, -2.0):  # a single process has these spectra
        corners = np.array([low if beta == 2.0 else high])
        share = np.ones(1)
    else:
        from scipy.optimize import nnls

        count = int(np.ceil(_PER_DECADE * np.log10(high / low))) + 1
        corners = np.geomspace(low, high, count)
        f = np.geomspace(f_min, f_max, 40 * count)
        ratio = f[:, None] / corners
        density = (1.0 if beta > 0 else ratio**2 / (1 + ratio**2)) / (1 + ratio**2) / corners
        relative = density * f[:, None] ** beta
        scale = relative.max(axis=0)
        share = nnls(relative / scale, np.ones(len(f)))[0] / scale
        share /= share.sum()
    return 2e-3 * np.pi * corners, share


def _exponent(beta, who: str) -> float:
    number = isinstance(beta, int | float | np.number) and not isinstance(beta, bool)
    if not number or not -2 <= beta <= 2:
        raise ValueError(
            f"{who}: beta (exponent of the spectrum 1/f**beta) must be a number from -2 to 2; "
            f"got {beta!r}. Take 1 for pink, 2 for brown, -1 for blue or -2 for violet noise."
        )
    return float(beta)


def _frequency(value, name: str, who: str) -> float:
    if not u.get_unit(value).has_same_dim(u.Hz):
        raise UnitError(
            f"{who}: {name} (edge of the band of the power law) must be a frequency; "
            f"got {value!r}. Pass for example {name}=10 * u.Hz."
        )
    return float(u.Quantity(value).to_decimal(u.Hz))
