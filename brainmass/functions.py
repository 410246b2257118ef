"""Functions that several models share, safe in value and gradient for every finite argument."""

from __future__ import annotations

import brainunit as u
import jax
import jax.numpy as jnp
import numpy as np

from ._errors import choices

__all__ = [
    "bounded_input",
    "delay_index",
    "process_sequence",
    "sigmoid",
    "soft_rectifier",
    "sys2nd",
]


def sys2nd(A, a, u, x, v):
    """Acceleration of a critically damped second-order synapse.

    Parameters
    ----------
    A : float, array or brainunit.Quantity
        Amplitude of the response.
    a : float, array or brainunit.Quantity
        Rate constant.
    u : float, array or brainunit.Quantity
        Incoming rate.
    x, v : float, array or brainunit.Quantity
        Response and its rate of change.

    Returns
    -------
    array or brainunit.Quantity
        ``A * a * u - 2 * a * v - a**2 * x`` (Jansen & Rit 1995, doi:10.1007/BF00199471).

    Examples
    --------
    >>> from brainmass import sys2nd
    >>> sys2nd(A=3.25, a=0.1, u=1.0, x=0.0, v=0.0)
    0.325
    """
    return A * a * u - 2 * a * v - a**2 * x


def sigmoid(x, vmax, v0, r):
    """Logistic function from 0 to ``vmax`` with midpoint ``v0`` and steepness ``r``.

    Parameters
    ----------
    x : float, array or brainunit.Quantity
        Argument.
    vmax : float, array or brainunit.Quantity
        Upper limit.
    v0 : float, array or brainunit.Quantity
        Midpoint, in the unit of ``x``.
    r : float, array or brainunit.Quantity
        Steepness, in the inverse unit of ``x``.

    Returns
    -------
    array or brainunit.Quantity
        Value in the unit of ``vmax``.

    Examples
    --------
    >>> import brainunit as u
    >>> from brainmass import sigmoid
    >>> sigmoid(6.0 * u.mV, vmax=5.0 * u.Hz, v0=6.0 * u.mV, r=0.56 / u.mV)
    Quantity(2.5, "Hz")
    """
    return vmax * jax.nn.sigmoid(plain(r * (x - v0)))


def soft_rectifier(x, width):
    """Smooth threshold-linear function ``x / (1 - exp(-x / width))``, ``width`` at ``x = 0``.

    The firing rate of Abbott & Chance as Wong & Wang 2006 (doi:10.1523/JNEUROSCI.3733-05.2006)
    use it, with value and gradient finite at the removable singularity and far from it.

    Parameters
    ----------
    x : float, array or brainunit.Quantity
        Argument.
    width : float, array or brainunit.Quantity
        Range over which the corner is rounded, in the unit of ``x``; positive.

    Returns
    -------
    array or brainunit.Quantity
        Value in the unit of ``width``.

    Examples
    --------
    >>> from brainmass.functions import soft_rectifier
    >>> float(soft_rectifier(0.0, 6.5)), float(soft_rectifier(1e4, 6.5))
    (6.5, 10000.0)
    """
    z = jnp.asarray(plain(x / width))
    small = jnp.abs(z) < 1e-2
    safe = jnp.where(small, 1.0, z)
    size = jnp.abs(safe)
    decay = -jnp.expm1(-size)
    ratio = jnp.where(safe > 0, size / decay, size * jnp.exp(-size) / decay)
    return width * jnp.where(small, 1.0 + z / 2.0 + z * z / 12.0 - z**4 / 720.0, ratio)


def bounded_input(x, bound=500.0):
    """Saturate an input smoothly between ``-bound`` and ``bound``.

    Parameters
    ----------
    x : float, array or brainunit.Quantity
        Input.
    bound : float or brainunit.Quantity, default 500.0
        Limit; a plain number is read in the unit of ``x``.

    Returns
    -------
    array or brainunit.Quantity
        ``bound * tanh(x / bound)``.

    Examples
    --------
    >>> import brainunit as u
    >>> from brainmass import bounded_input
    >>> bounded_input(1e6 * u.Hz)
    Quantity(500., "Hz")
    """
    unit = u.get_unit(x)
    if u.get_unit(bound).is_unitless and not unit.is_unitless:
        bound = u.Quantity(bound, unit=unit)
    return bound * jnp.tanh(plain(x / bound))


_OVER_TIME = {
    "stack": lambda x: x,
    "first": lambda x: x[0],
    "last": lambda x: x[-1],
    "avg": lambda x: u.math.mean(x, axis=0),
    "mean": lambda x: u.math.mean(x, axis=0),
    "max": lambda x: u.math.max(x, axis=0),
    "min": lambda x: u.math.min(x, axis=0),
}


def process_sequence(data, mode="stack"):
    """Reduce the leading axis, time, of every array.

    Parameters
    ----------
    data : array, brainunit.Quantity or tree of them
        Sequences with time first.
    mode : {'stack', 'first', 'last', 'avg', 'mean', 'max', 'min'} or callable
        How; ``'stack'`` leaves them as they are.

    Returns
    -------
    array, brainunit.Quantity or tree of them
        What is left of each.

    Examples
    --------
    >>> import numpy as np
    >>> from brainmass import process_sequence
    >>> process_sequence(np.arange(6.0).reshape(3, 2), "last").tolist()
    [4.0, 5.0]
    """
    reduce = mode if callable(mode) else _OVER_TIME.get(mode)
    if reduce is None:
        raise ValueError(
            f"process_sequence: mode must be one of {choices(_OVER_TIME)} or a function; "
            f"got {mode!r}. Choose one of them."
        )
    return jax.tree.map(reduce, data, is_leaf=lambda x: isinstance(x, u.Quantity))


def delay_index(n_hidden: int) -> np.ndarray:
    """Index of the source of every connection between ``n_hidden`` units.

    Parameters
    ----------
    n_hidden : int
        Number of units.

    Returns
    -------
    numpy.ndarray
        Integers of shape (n_hidden, n_hidden); every row counts from 0.

    Examples
    --------
    >>> from brainmass import delay_index
    >>> delay_index(2).tolist()
    [[0, 1], [0, 1]]
    """
    whole = isinstance(n_hidden, int | np.integer) and not isinstance(n_hidden, bool)
    if not whole or n_hidden < 1:
        raise ValueError(
            "delay_index: n_hidden (number of units) must be a positive integer; got "
            f"{n_hidden!r}. Pass for example 8."
        )
    return np.tile(np.arange(n_hidden), (n_hidden, 1))


def plain(x):
    """Return a dimensionless quantity as a bare number."""
    return x.to_decimal(u.UNITLESS) if isinstance(x, u.Quantity) else x
