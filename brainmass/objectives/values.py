"""Objectives on the values of a series themselves."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp

from ..analysis.signals import _checks
from ..analysis.signals._numerics import jit, rms_difference, safe_divide, safe_sqrt
from ._common import Array, comparable, named, same_shape

__all__ = ["cosine_sim", "timeseries_rmse"]


def timeseries_rmse() -> Callable[[Array, Array], Array]:
    r"""Root mean square difference of prediction and target.

    .. math:: \sqrt{\langle (x_{pred} - x_{target})^2 \rangle}

    Returns
    -------
    callable
        ``loss(pred, target)`` for two arrays or quantities of equal shape and dimension. The
        result has the unit of ``pred``; its gradient at zero difference is zero.

    Raises
    ------
    ValueError
        If the shapes differ.
    UnitError
        If the units do.

    Examples
    --------
    >>> import brainmass, brainunit as u, jax.numpy as jnp
    >>> loss = brainmass.objectives.timeseries_rmse()
    >>> float(loss(jnp.array([1.0, 2.0]), jnp.array([1.0, 4.0])))
    1.41421...
    >>> loss(jnp.array([1.0, 2.0]) * u.mV, jnp.array([0.001, 0.004]) * u.volt).unit
    Unit("mV")
    """

    def loss(pred: Array, target: Array) -> Array:
        pred, target, unit = comparable("timeseries_rmse", pred, target)
        same_shape("timeseries_rmse", pred, target)
        return _checks.attach(rms_difference(pred, target), unit)

    return named(loss, "timeseries_rmse")


def cosine_sim(as_loss: bool = False, epsilon: float = 0.0) -> Callable[[Array, Array], Array]:
    r"""Cosine of the angle between prediction and target, both flattened.

    .. math:: \frac{\langle x, y \rangle}{|x|\,|y| + \epsilon}

    Parameters
    ----------
    as_loss : bool, default False
        Return ``1 - cosine``, which is 0 for a perfect match.
    epsilon : float, default 0.0
        Added to the denominator, in the squared unit of the prediction.

    Returns
    -------
    callable
        ``score(pred, target)``, dimensionless. Value and gradient are zero at a zero vector.

    Examples
    --------
    >>> import brainmass, jax.numpy as jnp
    >>> score = brainmass.objectives.cosine_sim()
    >>> float(score(jnp.array([1.0, 0.0]), jnp.array([1.0, 1.0])))
    0.70710...
    """
    if not isinstance(epsilon, int | float) or not epsilon >= 0:
        raise ValueError(
            f"cosine_sim: epsilon must be a number >= 0; got {epsilon!r}. Pass 0 or more."
        )

    def score(pred: Array, target: Array) -> Array:
        pred, target, _ = comparable("cosine_sim", pred, target)
        same_shape("cosine_sim", pred, target)
        value = _cosine(pred, target, epsilon)
        return 1.0 - value if as_loss else value

    return named(score, "cosine_sim")


@jit
def _cosine(a: jax.Array, b: jax.Array, epsilon: float) -> jax.Array:
    norms = safe_sqrt(jnp.sum(a * a)) * safe_sqrt(jnp.sum(b * b))
    return safe_divide(jnp.sum(a * b), norms + epsilon)
