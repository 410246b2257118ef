"""Objectives on the synchrony of regions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..analysis.signals import _checks
from ..analysis.signals.phases import Filter, angles, spread_of_order
from ._common import Array, named, series

__all__ = ["metastability_distance"]


def metastability_distance(
    *, dt: Any = None, band: Any = None
) -> Callable[[Array, Array], jax.Array]:
    """Difference in metastability: how much the synchrony of the regions varies in time.

    Metastability is the standard deviation of the Kuramoto order parameter, of phases by the
    Hilbert transform; see :func:`brainmass.analysis.metastability`.

    Parameters
    ----------
    dt : brainunit.Quantity, optional
        Sampling interval of both series; needed for ``band``.
    band : tuple of brainunit.Quantity, optional
        ``(low, high)`` to filter to first, for example 0.04 to 0.07 Hz for BOLD signals [1]_.

    Returns
    -------
    callable
        ``loss(pred, target)``, not negative. The target is a series ``(time, region)``, which may
        have another length and number of regions, or the metastability itself, a number.

    References
    ----------
    .. [1] Deco, Kringelbach, Jirsa & Ritter 2017, Sci. Rep. 7:3095,
       doi:10.1038/s41598-017-03073-5

    Examples
    --------
    >>> import brainmass, numpy as np
    >>> series = np.random.default_rng(0).normal(size=(200, 4))
    >>> loss = brainmass.objectives.metastability_distance()
    >>> round(float(loss(series, series)), 5), bool(loss(series, 0.0) > 0.1)
    (0.0, True)
    """
    who = "metastability_distance"
    keep = Filter.optional(who, dt, band)

    def of(what: str, value: Array) -> jax.Array:
        return spread_of_order(angles(keep(series(who, value, what, regions=2))))

    def loss(pred: Array, target: Array) -> jax.Array:
        mine = of("pred", pred)
        if np.ndim(target):
            return jnp.abs(mine - of("target", target))
        other = _checks.plain(who, target, "the target")
        _checks.finite(who, other, "the target")
        return jnp.abs(mine - other.astype(mine.dtype))

    return named(loss, who)
