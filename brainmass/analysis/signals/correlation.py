"""Functional connectivity, static and in windows."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import numpy as np

from . import _checks, _numerics

__all__ = ["fc", "fcd", "windowed_correlation"]


def fc(signal: Any) -> jax.Array:
    r"""Functional connectivity: the Pearson correlation between regions over time [1]_.

    .. math:: r_{ij} = \frac{\langle (x_i - \bar x_i)(x_j - \bar x_j) \rangle_t}{s_i s_j}

    Parameters
    ----------
    signal : array_like or brainunit.Quantity
        ``(time, region)`` or ``(time, batch, region)``, at least 2 samples.

    Returns
    -------
    jax.Array
        ``(region, region)`` or ``(batch, region, region)``, dimensionless, ones on the diagonal.
        A region that does not vary has correlation 0 with all others, with gradient zero.

    Raises
    ------
    ValueError
        If the signal has another shape, or is not finite.

    References
    ----------
    .. [1] Biswal, Yetkin, Haughton & Hyde 1995, Magn. Reson. Med. 34:537,
       doi:10.1002/mrm.1910340409

    Examples
    --------
    >>> import brainmass, jax.numpy as jnp
    >>> brainmass.analysis.fc(jnp.array([[0.0, 1.0], [1.0, 0.0], [2.0, -1.0]])).round(3)
    Array([[ 1., -1.],
           [-1.,  1.]], dtype=float32)
    """
    return _over_batch(_numerics.correlation_matrix, _checks.series("fc", signal))


def fcd(signal: Any, window: Any = 30, step: Any = 5, *, dt: Any = None) -> jax.Array:
    """Functional connectivity dynamics: how the connectivity of windows resembles itself.

    The functional connectivity of each window, upper triangles correlated with each other [1]_.

    Parameters
    ----------
    signal : array_like or brainunit.Quantity
        ``(time, region)`` or ``(time, batch, region)``, at least 3 regions.
    window : int or brainunit.Quantity, default 30
        Length of a window: samples, or a time where ``dt`` is given. The default is 60 s at a
        repetition time of 2 s, as in [1]_.
    step : int or brainunit.Quantity, default 5
        From the start of one window to the next: samples, or a time where ``dt`` is given.
    dt : brainunit.Quantity, optional
        Sampling interval; needed for windows given as times.

    Returns
    -------
    jax.Array
        ``(window, window)`` or ``(batch, window, window)``, ones on the diagonal.

    Raises
    ------
    ValueError
        For fewer than 3 regions or 2 windows.
    UnitError
        If ``window``, ``step`` or ``dt`` is no time.

    References
    ----------
    .. [1] Hansen, Battaglia, Spiegler, Deco & Jirsa 2015, NeuroImage 105:525,
       doi:10.1016/j.neuroimage.2014.11.001

    Examples
    --------
    >>> import brainmass, brainunit as u, numpy as np
    >>> series = np.random.default_rng(0).normal(size=(100, 4))
    >>> brainmass.analysis.fcd(series, window=30, step=10).shape
    (8, 8)
    >>> brainmass.analysis.fcd(series, 60 * u.second, 20 * u.second, dt=2 * u.second).shape
    (8, 8)
    """
    x = _checks.series("fcd", signal, regions=3)
    width = _checks.count("fcd", "window", window, dt, least=2)
    stride = _checks.count("fcd", "step", step, dt)
    windows = _checks.window_count("fcd", x.shape[0], width, stride, 2)
    return _over_batch(partial(windowed_correlation, window=width, step=stride, count=windows), x)


@partial(_numerics.jit, static_argnames=("window", "step", "count"))
def windowed_correlation(x: jax.Array, *, window: int, step: int, count: int) -> jax.Array:
    """FCD matrix of a bare ``(time, region)`` array."""
    index = step * np.arange(count)[:, None] + np.arange(window)
    rows = np.triu_indices(x.shape[1], 1)
    triangles = jax.vmap(lambda part: _numerics.correlation_matrix(part)[rows])(x[index])
    return _numerics.correlation_matrix(triangles.T)


def _over_batch(function, x: jax.Array) -> jax.Array:
    """Apply a function of ``(time, region)`` to every member between these axes."""
    for _ in range(x.ndim - 2):
        function = jax.vmap(function, in_axes=1)
    return function(x)
