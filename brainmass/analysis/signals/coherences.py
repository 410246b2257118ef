"""Coherence: of pairs of regions, and of a region with its own past."""

from __future__ import annotations

from functools import partial
from typing import Any

import brainunit as u
import jax
import jax.numpy as jnp
import numpy as np

from brainmass._errors import UnitError, choices

from . import _checks
from ._numerics import demean, jit, modulus, safe_divide, safe_sqrt, unit_size
from .spectrum import Welch

__all__ = ["coherence", "lagged_coherence"]

_KINDS = ("squared", "imaginary", "lagged")


def coherence(
    signal: Any,
    dt: Any,
    *,
    kind: str = "squared",
    window: Any = None,
    overlap: float = 0.5,
) -> tuple[u.Quantity, jax.Array]:
    r"""Coherence of every pair of regions, by frequency.

    From the cross-spectra S, averaged over segments: ``'squared'`` is
    :math:`|S_{ij}|^2 / S_{ii} S_{jj}`; ``'imaginary'`` is
    :math:`\mathrm{Im}\, S_{ij} / \sqrt{S_{ii} S_{jj}}` [1]_ and ``'lagged'`` is
    :math:`(\mathrm{Im}\, S_{ij})^2 / (S_{ii} S_{jj} - (\mathrm{Re}\, S_{ij})^2)` [2]_, which both
    vanish for what reaches two sensors at once, as through volume conduction.

    Parameters
    ----------
    signal : array_like or brainunit.Quantity
        ``(time, region)`` or ``(time, batch, region)``.
    dt : brainunit.Quantity
        Sampling interval.
    kind : {'squared', 'imaginary', 'lagged'}
        Which coherence.
    window, overlap
        As for :func:`psd`. There must be at least 2 segments; with few, independent regions too
        look coherent.

    Returns
    -------
    frequency : brainunit.Quantity
        ``(frequency,)`` in Hz.
    coherence : jax.Array
        ``(frequency, region, region)`` or ``(batch, frequency, region, region)``; the imaginary
        one is antisymmetric, positive where the row leads the column. It is 0 with gradient 0
        where a region has no power.

    Raises
    ------
    ValueError
        If ``kind`` is unknown, or the signal is not finite or shorter than 2 segments.
    UnitError
        If ``dt`` is no time.

    References
    ----------
    .. [1] Nolte et al. 2004, Clin. Neurophysiol. 115:2292, doi:10.1016/j.clinph.2004.04.029
    .. [2] Pascual-Marqui 2007, arXiv:0711.1455

    Examples
    --------
    Two regions with a common rhythm, the second 90 degrees late:

    >>> import brainmass, brainunit as u, numpy as np
    >>> t, noise = np.arange(4000), np.random.default_rng(0).normal(size=(4000, 2))
    >>> x = np.stack([np.cos(0.0628 * t), np.sin(0.0628 * t)], axis=1) + 0.5 * noise
    >>> frequency, c = brainmass.analysis.coherence(x, 1 * u.ms, kind="imaginary", window=500)
    >>> round(float(frequency[5] / u.Hz), 1), bool(c[5, 0, 1] > 0.95)
    (10.0, True)
    """
    who = "coherence"
    if kind not in _KINDS:
        raise ValueError(f"{who}: kind must be one of {choices(_KINDS)}; got {kind!r}. Choose one.")
    x = _checks.series(who, signal)
    seconds = _checks.interval(who, dt)
    plan = Welch.read(who, x.shape[0], dt, window, overlap, least=2)
    function = partial(_coherence, plan=plan, kind=kind)
    for _ in range(x.ndim - 2):
        function = jax.vmap(function, in_axes=1)
    frequency = plan.frequencies(seconds, x.dtype)
    return u.Quantity(frequency, unit=u.Hz), function(x)


@partial(jit, static_argnames=("plan", "kind"))
def _coherence(x: jax.Array, *, plan: Welch, kind: str) -> jax.Array:
    z = plan.transform(x)
    eps = jnp.finfo(x.dtype).eps
    floor = eps * jnp.max(jnp.abs(jax.lax.stop_gradient(z)), axis=(0, 1))
    real, imag = unit_size(z.real, z.imag, 0, floor)
    along = _products(real, real) + _products(imag, imag)
    across = _products(imag, real) - _products(real, imag)
    power = jnp.diagonal(along, axis1=1, axis2=2)
    both = power[:, :, None] * power[:, None, :]
    if kind == "imaginary":
        return safe_divide(across, safe_sqrt(both))
    if kind == "squared":
        return safe_divide(along**2 + across**2, both)
    rest = both - along**2
    return safe_divide(across**2, jnp.where(rest <= 16 * eps * both, 0, rest))


def _products(a: jax.Array, b: jax.Array) -> jax.Array:
    """Sum over segments of the products of all pairs of regions, by frequency."""
    return jnp.einsum("sfi,sfj->fij", a, b)


def lagged_coherence(signal: Any, dt: Any, frequency: Any, *, cycles: float = 3.0) -> jax.Array:
    r"""How well the phase of a rhythm predicts its phase some cycles later [1]_.

    The signal is cut into adjacent segments of ``cycles`` periods, tapered by a Hann window, and
    transformed at the given frequency. With the coefficients :math:`F_k`,

    .. math:: \frac{|\sum_k F_k F^*_{k+1}|}{\sqrt{\sum_k |F_k|^2 \sum_k |F_{k+1}|^2}}

    is 1 for a steady rhythm and small for noise. For pairs of regions see
    :func:`coherence` with ``kind='lagged'``.

    Parameters
    ----------
    signal : array_like or brainunit.Quantity
        ``(time, region)`` or ``(time, batch, region)``.
    dt : brainunit.Quantity
        Sampling interval.
    frequency : brainunit.Quantity
        One frequency, or ``(frequency,)``.
    cycles : float, default 3.0
        Length of a segment, in periods of the frequency; the default is that of [1]_.

    Returns
    -------
    jax.Array
        ``(region,)`` or ``(batch, region)``, with a leading axis where ``frequency`` has one;
        between 0 and 1.

    Raises
    ------
    ValueError
        If a frequency is not positive or above half the sampling rate, or the signal is shorter
        than 3 segments.
    UnitError
        If ``frequency`` is no frequency, or ``dt`` is no time.

    References
    ----------
    .. [1] Fransen, van Ede & Maris 2015, NeuroImage 118:256,
       doi:10.1016/j.neuroimage.2015.06.003

    Examples
    --------
    >>> import brainmass, brainunit as u, numpy as np
    >>> x = np.sin(2 * np.pi * 0.01 * np.arange(3000))[:, None]
    >>> brainmass.analysis.lagged_coherence(x, 1 * u.ms, 10 * u.Hz).round(3)
    Array([1.], dtype=float32)
    """
    who = "lagged_coherence"
    x = _checks.series(who, signal)
    seconds = _checks.interval(who, dt)
    if not u.get_unit(frequency).has_same_dim(u.Hz):
        raise UnitError(
            f"{who}: frequency must be a frequency; got [{u.get_unit(frequency)}]. "
            "Pass for example 10 * u.Hz."
        )
    hertz = np.asarray(u.Quantity(frequency).to_decimal(u.Hz), np.float64)
    if hertz.ndim > 1 or not np.all((hertz > 0) & (hertz < 0.5 / seconds)):
        raise ValueError(
            f"{who}: frequency must be one or a list of numbers between 0 and half the sampling "
            f"rate, {0.5 / seconds:g} Hz; got {frequency}. Choose others."
        )
    if not isinstance(cycles, int | float) or not cycles >= 1:
        raise ValueError(f"{who}: cycles must be at least 1; got {cycles!r}. Take 3.")
    out = []
    for f in np.atleast_1d(hertz):
        length = round(cycles / (f * seconds))
        count = _checks.window_count(who, x.shape[0], length, length, 3)
        out.append(_rhythmicity(x, f * seconds, length=length, count=count))
    return jnp.stack(out) if hertz.ndim else out[0]


@partial(jit, static_argnames=("length", "count"))
def _rhythmicity(x: jax.Array, rate: Any, *, length: int, count: int) -> jax.Array:
    parts = x[: length * count].reshape(count, length, *x.shape[1:])
    parts = demean(parts, axis=1)
    steps = np.arange(length)
    taper = np.sin(np.pi * steps / length) ** 2
    angle = 2 * np.pi * rate * steps
    real, imag = (
        jnp.tensordot(parts, jnp.asarray(taper * wave, x.dtype), axes=(1, 0))
        for wave in (jnp.cos(angle), jnp.sin(angle))
    )
    eps = jnp.finfo(x.dtype).eps
    real, imag = unit_size(real, imag, 0, eps * jnp.max(jnp.abs(parts), axis=(0, 1)))
    along = jnp.sum(real[:-1] * real[1:] + imag[:-1] * imag[1:], axis=0)
    across = jnp.sum(imag[:-1] * real[1:] - real[:-1] * imag[1:], axis=0)
    power = real**2 + imag**2
    norms = safe_sqrt(jnp.sum(power[:-1], axis=0) * jnp.sum(power[1:], axis=0))
    return safe_divide(modulus(along, across), norms)
