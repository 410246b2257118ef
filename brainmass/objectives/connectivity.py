"""Objectives on matrices between regions: functional connectivity and phase coherence."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax

from ..analysis.signals._numerics import correlation_matrix, rms_difference, triangle_correlation
from ..analysis.signals.phases import Filter, angles, locking
from ._common import Array, named, of_matrix, same_regions, series

__all__ = ["fc_corr", "fc_rmse", "phase_coherence_distance"]


def fc_corr(
    as_loss: bool = False, *, target_is_fc: bool | None = None, pred_is_fc: bool | None = None
) -> Callable[[Array, Array], jax.Array]:
    """Similarity of two functional connectivity matrices.

    The Pearson correlation of their upper triangles [1]_.

    Parameters
    ----------
    as_loss : bool, default False
        Return ``1 - r``, which is 0 for a perfect match.
    target_is_fc, pred_is_fc : bool, optional
        Whether target or prediction is a ``(region, region)`` matrix, for example an empirical
        one, rather than a time series. Default: it is if it is square and symmetric; its
        diagonal does not count.

    Returns
    -------
    callable
        ``score(pred, target)`` for series ``(time, region)`` or matrices; the two series may
        differ in length and unit.

    Raises
    ------
    ValueError
        For fewer than 3 regions, where there is nothing to correlate, or if the numbers of
        regions differ.

    References
    ----------
    .. [1] Cabral et al. 2011, NeuroImage 57:130, doi:10.1016/j.neuroimage.2011.04.010

    Examples
    --------
    >>> import brainmass, numpy as np
    >>> series = np.random.default_rng(0).normal(size=(100, 4))
    >>> fc = np.corrcoef(series.T)
    >>> round(float(brainmass.objectives.fc_corr()(series, fc)), 5)
    1.0
    """

    def score(pred: Array, target: Array) -> jax.Array:
        value = _compare_fcs(
            "fc_corr", pred, target, pred_is_fc, target_is_fc, 3, triangle_correlation
        )
        return 1.0 - value if as_loss else value

    return named(score, "fc_corr")


def fc_rmse(
    *, target_is_fc: bool | None = None, pred_is_fc: bool | None = None
) -> Callable[[Array, Array], jax.Array]:
    """Root mean square difference of two functional connectivity matrices.

    Parameters
    ----------
    target_is_fc, pred_is_fc : bool, optional
        As in :func:`fc_corr`. The diagonal of a matrix is read as ones.

    Returns
    -------
    callable
        ``loss(pred, target)`` for series ``(time, region)`` or matrices, over all elements of
        the matrices including the diagonal.

    Examples
    --------
    >>> import brainmass, numpy as np
    >>> loss = brainmass.objectives.fc_rmse()
    >>> series = np.array([[0.0, 1.0], [1.0, 0.0], [2.0, -1.0]])
    >>> round(float(loss(series, np.eye(2))), 5)
    0.70711
    """

    def loss(pred: Array, target: Array) -> jax.Array:
        return _compare_fcs("fc_rmse", pred, target, pred_is_fc, target_is_fc, 2, rms_difference)

    return named(loss, "fc_rmse")


def phase_coherence_distance(
    *, dt: Any = None, band: Any = None, target_is_matrix: bool | None = None
) -> Callable[[Array, Array], jax.Array]:
    """Root mean square difference of the phase locking of all pairs of regions.

    The matrices are those of :func:`brainmass.analysis.phase_coherence`, of phases by the Hilbert
    transform.

    Parameters
    ----------
    dt : brainunit.Quantity, optional
        Sampling interval of both series; needed for ``band``.
    band : tuple of brainunit.Quantity, optional
        ``(low, high)`` to filter to first.
    target_is_matrix : bool, optional
        Whether the target is a ``(region, region)`` matrix rather than a time series. Default: it
        is if it is square and symmetric.

    Returns
    -------
    callable
        ``loss(pred, target)``, between 0 and 1.

    References
    ----------
    .. [1] Lachaux, Rodriguez, Martinerie & Varela 1999, Hum. Brain Mapp. 8:194,
       doi:10.1002/(SICI)1097-0193(1999)8:4<194::AID-HBM4>3.0.CO;2-C

    Examples
    --------
    Two regions in step against a target where they are independent:

    >>> import brainmass, numpy as np
    >>> x = np.sin(0.1 * np.arange(1000))[:, None] * np.ones(2)
    >>> loss = brainmass.objectives.phase_coherence_distance()
    >>> round(float(loss(x, np.eye(2))), 3)
    0.707
    """
    who = "phase_coherence_distance"
    keep = Filter.optional(who, dt, band)

    def of(what: str, value: Array) -> jax.Array:
        return locking(angles(keep(series(who, value, what, regions=2))))

    def loss(pred: Array, target: Array) -> jax.Array:
        mine = of("pred", pred)

        def then(other: jax.Array) -> jax.Array:
            same_regions(who, mine.shape[0], other.shape[0])
            return rms_difference(mine, other.astype(mine.dtype))

        given = (target_is_matrix, "target_is_matrix")
        return of_matrix(who, target, "target", *given, partial(of, "target"), then)

    return named(loss, who)


def _compare_fcs(who, pred, target, pred_is_fc, target_is_fc, regions, measure):
    def of(what: str, value: Array) -> jax.Array:
        return correlation_matrix(series(who, value, what, regions=regions))

    def against(mine: jax.Array) -> jax.Array:
        if mine.shape[0] < regions:
            raise ValueError(
                f"{who}: the prediction must have at least {regions} regions; got "
                f"{mine.shape[0]}. With fewer there are no pairs to compare."
            )

        def then(other: jax.Array) -> jax.Array:
            same_regions(who, mine.shape[0], other.shape[0])
            return measure(mine, other.astype(mine.dtype))

        given = (target_is_fc, "target_is_fc")
        return of_matrix(who, target, "target", *given, partial(of, "target"), then)

    given = (pred_is_fc, "pred_is_fc")
    return of_matrix(who, pred, "pred", *given, partial(of, "pred"), against)
