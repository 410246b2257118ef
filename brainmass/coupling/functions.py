"""The couplings as functions of arrays."""

from __future__ import annotations

from .base import couple
from .linear import AdditiveCoupling, DiffusiveCoupling
from .nonlinear import (
    HyperbolicTangentCoupling,
    KuramotoCoupling,
    SigmoidalCoupling,
    SigmoidalJansenRitCoupling,
)

__all__ = [
    "additive_coupling",
    "diffusive_coupling",
    "hyperbolic_tangent_coupling",
    "kuramoto_coupling",
    "sigmoidal_coupling",
    "sigmoidal_jansen_rit_coupling",
]


def diffusive_coupling(delayed_x, y, conn, k):
    """Return the current of :class:`DiffusiveCoupling`.

    Parameters
    ----------
    delayed_x : array or callable (..., N_out, N_in)
        What every receiver hears from every source; the last two axes may be flat.
    y : array or callable (..., N_out)
        What the receivers are doing now.
    conn : array (N_out, N_in)
        Weights; may be flat.
    k : float or brainunit.Quantity
        Global strength.

    Returns
    -------
    array or brainunit.Quantity (..., N_out)
        ``k * sum_j w_ij (x_ij - y_i)``.

    Raises
    ------
    ValueError
        If the shapes do not fit.

    Examples
    --------
    >>> import brainmass, numpy as np
    >>> brainmass.diffusive_coupling(np.ones((3, 2)), np.zeros(3), np.ones((3, 2)), 0.5).tolist()
    [1.0, 1.0, 1.0]
    """
    return couple(DiffusiveCoupling, delayed_x, y, conn, k=k)


def additive_coupling(delayed_x, conn, k=1.0, b=0.0):
    """Return the current of :class:`AdditiveCoupling`.

    Parameters
    ----------
    delayed_x : array or callable (..., N_out, N_in)
        What every receiver hears from every source; the last two axes may be flat.
    conn : array (N_out, N_in)
        Weights; may be flat if square.
    k : float or brainunit.Quantity, default 1.0
        Global strength.
    b : float or brainunit.Quantity, default 0.0
        Offset.

    Returns
    -------
    array or brainunit.Quantity (..., N_out)
        ``k * sum_j w_ij x_ij + b``.

    Raises
    ------
    ValueError
        If the shapes do not fit.

    Examples
    --------
    >>> import brainmass, numpy as np
    >>> brainmass.additive_coupling(np.ones((3, 2)), np.ones((3, 2)), b=1.0).tolist()
    [3.0, 3.0, 3.0]
    """
    return couple(AdditiveCoupling, delayed_x, None, conn, k=k, b=b)


def sigmoidal_coupling(delayed_x, conn, **parameters):
    """Return the current of :class:`SigmoidalCoupling`.

    Parameters
    ----------
    delayed_x : array or callable (..., N_out, N_in)
        What every receiver hears from every source; the last two axes may be flat.
    conn : array (N_out, N_in)
        Weights; may be flat if square.
    **parameters
        Those of :class:`SigmoidalCoupling`, with its defaults.

    Returns
    -------
    array or brainunit.Quantity (..., N_out)
        The current.

    Raises
    ------
    ValueError
        If the shapes do not fit.

    Examples
    --------
    >>> import brainmass, numpy as np
    >>> brainmass.sigmoidal_coupling(np.zeros((3, 2)), np.ones((3, 2))).tolist()
    [0.0, 0.0, 0.0]
    """
    return couple(SigmoidalCoupling, delayed_x, None, conn, **parameters)


def hyperbolic_tangent_coupling(delayed_x, conn, **parameters):
    """Return the current of :class:`HyperbolicTangentCoupling`.

    Parameters
    ----------
    delayed_x : array or callable (..., N_out, N_in)
        What every receiver hears from every source; the last two axes may be flat.
    conn : array (N_out, N_in)
        Weights; may be flat if square.
    **parameters
        Those of :class:`HyperbolicTangentCoupling`, with its defaults.

    Returns
    -------
    array or brainunit.Quantity (..., N_out)
        The current.

    Raises
    ------
    ValueError
        If the shapes do not fit.

    Examples
    --------
    >>> import brainmass, numpy as np
    >>> brainmass.hyperbolic_tangent_coupling(np.zeros((3, 2)), np.ones((3, 2))).tolist()
    [2.0, 2.0, 2.0]
    """
    return couple(HyperbolicTangentCoupling, delayed_x, None, conn, **parameters)


def sigmoidal_jansen_rit_coupling(delayed_x, conn, **parameters):
    """Return the current of :class:`SigmoidalJansenRitCoupling`.

    Parameters
    ----------
    delayed_x : array, brainunit.Quantity or callable (..., N_out, N_in)
        What every receiver hears from every source; the last two axes may be flat.
    conn : array (N_out, N_in)
        Weights; may be flat if square.
    **parameters
        Those of :class:`SigmoidalJansenRitCoupling`, with its defaults.

    Returns
    -------
    array or brainunit.Quantity (..., N_out)
        The current.

    Raises
    ------
    ValueError
        If the shapes do not fit.

    Examples
    --------
    >>> import brainmass, numpy as np
    >>> rate = brainmass.sigmoidal_jansen_rit_coupling(np.full((3, 2), 6.0), np.ones((3, 2)))
    >>> bool(np.allclose(rate, 0.005))
    True
    """
    return couple(SigmoidalJansenRitCoupling, delayed_x, None, conn, **parameters)


def kuramoto_coupling(delayed_x, y, conn, k=1.0):
    """Return the current of :class:`KuramotoCoupling`.

    Parameters
    ----------
    delayed_x : array or callable (..., N_out, N_in)
        Phases that every receiver hears from every source; the last two axes may be flat.
    y : array or callable (..., N_out)
        Phases of the receivers.
    conn : array (N_out, N_in)
        Weights; may be flat.
    k : float or brainunit.Quantity, default 1.0
        Global strength.

    Returns
    -------
    array or brainunit.Quantity (..., N_out)
        ``k * sum_j w_ij sin(x_ij - y_i)``.

    Raises
    ------
    ValueError
        If the shapes do not fit.

    Examples
    --------
    >>> import brainmass, numpy as np
    >>> current = brainmass.kuramoto_coupling(np.ones((3, 2)), np.zeros(3), np.ones((3, 2)))
    >>> bool(np.allclose(current, 2 * np.sin(1.0)))
    True
    """
    return couple(KuramotoCoupling, delayed_x, y, conn, k=k)
