"""Objectives on functional connectivity dynamics."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
from jax.typing import ArrayLike

from ..analysis.signals import _checks
from ..analysis.signals._numerics import triangle_correlation
from ..analysis.signals.correlation import windowed_correlation
from ._common import WORDS, Array, named, of_matrix, series
from .distributions import DEFAULT_GRID, fcd_distribution, ks_distance, wasserstein_1d

__all__ = ["fcd", "fcd_ks", "fcd_wasserstein"]


def fcd(
    window_size: Any = 30,
    step_size: Any = 5,
    as_loss: bool = False,
    *,
    target_is_fcd: bool | None = None,
    dt: Any = None,
) -> Callable:
    """Functional connectivity dynamics: how the connectivity of windows resembles itself.

    The functional connectivity of each window, upper triangles correlated with each other [1]_.

    Parameters
    ----------
    window_size : int or brainunit.Quantity, default 30
        Samples in a window, or a time where ``dt`` is given. The default is 60 s at a repetition
        time of 2 s, as in [1]_.
    step_size : int or brainunit.Quantity, default 5
        From the start of one window to the next.
    as_loss : bool, default False
        With a target, return ``1 - r``.
    target_is_fcd : bool, optional
        Whether the target is a ``(window, window)`` FCD matrix rather than a time series. Default:
        it is if it is square and symmetric.
    dt : brainunit.Quantity, optional
        Sampling interval; needed for windows given as times.

    Returns
    -------
    callable
        ``fcd(pred)`` is the ``(window, window)`` matrix of a ``(time, region)`` series;
        ``fcd(pred, target)`` the correlation of the upper triangles of two of them.

    Raises
    ------
    ValueError
        For fewer than 3 regions or 2 windows (3 with a target).

    References
    ----------
    .. [1] Hansen et al. 2015, NeuroImage 105:525, doi:10.1016/j.neuroimage.2014.11.001

    Examples
    --------
    >>> import brainmass, numpy as np
    >>> series = np.random.default_rng(0).normal(size=(100, 4))
    >>> brainmass.objectives.fcd(window_size=30, step_size=10)(series).shape
    (8, 8)
    """
    windows = _Windows.read("fcd", window_size, step_size, dt)

    def score(pred: Array, target: Array | None = None) -> jax.Array:
        if target is None:
            return windows.matrix(pred, "pred", least=2)
        mine = windows.matrix(pred, "pred", least=3)

        def against(other: jax.Array) -> jax.Array:
            if mine.shape != other.shape:
                raise ValueError(
                    f"fcd: prediction and target must have equally many windows; got "
                    f"{mine.shape[0]} and {other.shape[0]}. Cut the longer one, or compare "
                    "distributions with fcd_ks or fcd_wasserstein."
                )
            return triangle_correlation(mine, other.astype(mine.dtype))

        value = windows.of_target(target, target_is_fcd, 3, against)
        return 1.0 - value if as_loss else value

    return named(score, "fcd")


def fcd_ks(
    window_size: Any = 30,
    step_size: Any = 5,
    midpoints: ArrayLike | None = None,
    bw_method: str | float | None = None,
    n_diag: int = 1,
    *,
    target_is_fcd: bool | None = None,
    dt: Any = None,
) -> Callable[[Array, Array], jax.Array]:
    """Kolmogorov-Smirnov distance of two FCD distributions.

    The usual score for functional connectivity dynamics [1]_. It is a maximum, so it is not
    smooth: use :func:`fcd_wasserstein` with gradients.

    Parameters
    ----------
    window_size, step_size, dt
        As in :func:`fcd`.
    midpoints, bw_method, n_diag
        As in :func:`fcd_distribution`.
    target_is_fcd : bool, optional
        Whether the target is a ``(window, window)`` FCD matrix rather than a time series. Default:
        it is if it is square and symmetric.

    Returns
    -------
    callable
        ``loss(pred, target)``, between 0 and 1; the two may differ in length.

    References
    ----------
    .. [1] Deco et al. 2018, Curr. Biol. 28:3065, doi:10.1016/j.cub.2018.07.083

    Examples
    --------
    >>> import brainmass, numpy as np
    >>> series = np.random.default_rng(0).normal(size=(200, 4))
    >>> round(float(brainmass.objectives.fcd_ks()(series, series)), 5)
    0.0
    """
    windows = _Windows.read("fcd_ks", window_size, step_size, dt)
    density = partial(fcd_distribution, midpoints=midpoints, n_diag=n_diag, bw_method=bw_method)

    def loss(pred: Array, target: Array) -> jax.Array:
        return ks_distance(*windows.densities(pred, target, target_is_fcd, n_diag, density))

    return named(loss, "fcd_ks")


def fcd_wasserstein(
    window_size: Any = 30,
    step_size: Any = 5,
    midpoints: ArrayLike | None = None,
    bw_method: str | float | None = None,
    n_diag: int = 1,
    *,
    target_is_fcd: bool | None = None,
    dt: Any = None,
) -> Callable[[Array, Array], jax.Array]:
    """Wasserstein-1 distance of two FCD distributions: smooth, for gradient fits.

    Parameters
    ----------
    window_size, step_size, dt
        As in :func:`fcd`.
    midpoints, bw_method, n_diag
        As in :func:`fcd_distribution`; ``midpoints`` must be a uniform grid.
    target_is_fcd : bool, optional
        As in :func:`fcd_ks`.

    Returns
    -------
    callable
        ``loss(pred, target)`` in units of correlation, between 0 and 2.

    Examples
    --------
    >>> import brainmass, numpy as np
    >>> series = np.random.default_rng(0).normal(size=(200, 4))
    >>> round(float(brainmass.objectives.fcd_wasserstein()(series, series)), 5)
    0.0
    """
    windows = _Windows.read("fcd_wasserstein", window_size, step_size, dt)
    density = partial(fcd_distribution, midpoints=midpoints, n_diag=n_diag, bw_method=bw_method)
    # A copy: JAX may remember how it once converted an array that lives on, in another precision.
    grid = DEFAULT_GRID.copy() if midpoints is None else midpoints

    def loss(pred: Array, target: Array) -> Array:
        p, q = windows.densities(pred, target, target_is_fcd, n_diag, density)
        return wasserstein_1d(p, q, grid)

    return named(loss, "fcd_wasserstein")


@dataclass(frozen=True)
class _Windows:
    """Windows of an objective, in samples."""

    who: str
    size: int
    step: int

    @classmethod
    def read(cls, who: str, size: Any, step: Any, dt: Any) -> _Windows:
        return cls(
            who,
            _checks.count(who, "window_size", size, dt, least=2),
            _checks.count(who, "step_size", step, dt),
        )

    def matrix(self, value: Array, what: str, least: int) -> jax.Array:
        """Return the FCD matrix of a series with at least so many windows."""
        x = series(self.who, value, what, regions=3)
        count = _checks.window_count(self.who, x.shape[0], self.size, self.step, least, WORDS[what])
        return windowed_correlation(x, window=self.size, step=self.step, count=count)

    def of_target(self, target: Array, given: bool | None, least: int, then: Callable) -> jax.Array:
        """Return ``then`` of the FCD matrix that the target is or has."""
        compute = partial(self.matrix, what="target", least=least)
        return of_matrix(self.who, target, "target", given, "target_is_fcd", compute, then)

    def densities(self, pred, target, given: bool | None, n_diag: int, density: Callable):
        """Return the distributions of both FCD matrices."""
        mine = self.matrix(pred, "pred", least=n_diag + 2)

        def of(other: jax.Array) -> jax.Array:
            return density(other.astype(mine.dtype))

        return density(mine), self.of_target(target, given, n_diag + 2, of)
