"""Distributions of the values of FCD matrices, and distances between them."""

from __future__ import annotations

from functools import partial
from typing import Any

import brainunit as u
import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from ..analysis.signals import _checks
from ..analysis.signals._numerics import jit, safe_divide
from ._common import Array

__all__ = ["DEFAULT_GRID", "fcd_distribution", "ks_distance", "wasserstein_1d"]

DEFAULT_GRID = np.linspace(-0.99, 0.99, 100)


def fcd_distribution(
    fcd_matrix: ArrayLike,
    midpoints: ArrayLike | None = None,
    n_diag: int = 1,
    bw_method: str | float | None = None,
    normalize: bool = True,
) -> jax.Array:
    """Density of the values of an FCD matrix, by Gaussian kernels.

    Parameters
    ----------
    fcd_matrix : array_like
        ``(window, window)``, as :func:`fcd` returns it.
    midpoints : array_like, optional
        Where to evaluate the density, ascending. Default 100 points from -0.99 to 0.99.
    n_diag : int, default 1
        Diagonals above this one count; raise it to leave out windows that overlap.
    bw_method : {'scott', 'silverman'} or float, optional
        Bandwidth as a multiple of the standard deviation of the values, as
        ``scipy.stats.gaussian_kde`` understands it. Default ``'scott'``. It is never taken
        smaller than half the spacing of ``midpoints``: a narrower kernel falls between them.
    normalize : bool, default True
        Scale the density so that it sums to 1 over the grid.

    Returns
    -------
    jax.Array
        The density on ``midpoints``.

    Examples
    --------
    >>> import brainmass, numpy as np
    >>> from brainmass.objectives import fcd, fcd_distribution
    >>> series = np.random.default_rng(0).normal(size=(200, 4))
    >>> density = fcd_distribution(fcd()(series))
    >>> round(float(density.sum() * 1.98 / 99), 5)
    1.0
    """
    matrix = _checks.plain("fcd_distribution", fcd_matrix, "fcd_matrix")
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise ValueError(
            "fcd_distribution: fcd_matrix must be square (window, window); got shape "
            f"{matrix.shape}. Compute it with objectives.fcd()."
        )
    count = len(np.triu_indices(matrix.shape[0], n_diag)[0])
    if count < 2:
        raise ValueError(
            "fcd_distribution: the triangle above diagonal "
            f"{n_diag} must hold at least 2 values; got {count} from {matrix.shape[0]} "
            "windows. Use more windows or a smaller n_diag."
        )
    # A copy: JAX may remember how it once converted an array that lives on, in another precision.
    grid = DEFAULT_GRID.copy() if midpoints is None else midpoints
    grid = _checks.plain("fcd_distribution", grid, "midpoints").astype(matrix.dtype)
    if grid.ndim != 1 or grid.shape[0] < 2:
        raise ValueError(
            "fcd_distribution: midpoints must be a 1-D grid of at least 2 points; got shape "
            f"{grid.shape}. Pass for example np.linspace(-0.99, 0.99, 100)."
        )
    factor = _bandwidth_factor(bw_method, count)
    return _kernel_density(matrix, grid, factor, n_diag=n_diag, normalize=bool(normalize))


def ks_distance(p: ArrayLike, q: ArrayLike) -> jax.Array:
    """Kolmogorov-Smirnov distance of two densities on the same grid.

    Parameters
    ----------
    p, q : array_like
        Densities or histograms, 1-D, of equal length; each is normalised.

    Returns
    -------
    jax.Array
        The largest difference of the cumulative sums, between 0 and 1.

    Examples
    --------
    >>> import brainmass
    >>> float(brainmass.objectives.ks_distance([1.0, 0.0, 0.0], [0.0, 0.0, 1.0]))
    1.0
    """
    p, q = _densities("ks_distance", p, q)
    return _largest_gap(p, q)


def wasserstein_1d(p: ArrayLike, q: ArrayLike, x: ArrayLike) -> Array:
    """Wasserstein-1 (earth mover's) distance of two densities on a uniform grid.

    Parameters
    ----------
    p, q : array_like
        Densities or histograms, 1-D, of equal length; each is normalised.
    x : array_like or brainunit.Quantity
        The uniform grid that both are given on.

    Returns
    -------
    jax.Array or brainunit.Quantity
        The distance, in the unit of ``x``.

    Examples
    --------
    >>> import brainmass
    >>> p, q = [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]
    >>> float(brainmass.objectives.wasserstein_1d(p, q, [0.0, 0.5, 1.0]))
    1.0
    """
    p, q = _densities("wasserstein_1d", p, q)
    unit, grid = u.get_unit(x), jnp.asarray(u.get_mantissa(x), dtype=p.dtype)
    if grid.shape != p.shape:
        raise ValueError(
            f"wasserstein_1d: x must be the grid of p and q, of shape {p.shape}; "
            f"got {grid.shape}. Pass the points where the densities were evaluated."
        )
    return _checks.attach(_gap_area(p, q, grid), unit)


@partial(jit, static_argnames=("n_diag", "normalize"))
def _kernel_density(matrix, grid, factor, *, n_diag: int, normalize: bool) -> jax.Array:
    values = matrix[np.triu_indices(matrix.shape[0], n_diag)]
    spacing = jnp.asarray(jnp.gradient(grid))
    variance = jnp.var(values, ddof=1) * jnp.asarray(factor, dtype=values.dtype) ** 2
    variance = jnp.maximum(variance, (jnp.min(spacing) / 2) ** 2)
    squares = (grid[:, None] - values[None, :]) ** 2 / variance
    density = jnp.mean(jnp.exp(-squares / 2), axis=1) / jnp.sqrt(2 * np.pi * variance)
    return safe_divide(density, jnp.sum(density * spacing)) if normalize else density


def _cumulative(p: jax.Array) -> jax.Array:
    total = jnp.cumsum(p)
    return safe_divide(total, total[-1])


@jit
def _largest_gap(p: jax.Array, q: jax.Array) -> jax.Array:
    return jnp.max(jnp.abs(_cumulative(p) - _cumulative(q)))


@jit
def _gap_area(p: jax.Array, q: jax.Array, grid: jax.Array) -> jax.Array:
    return jnp.sum(jnp.abs(_cumulative(p) - _cumulative(q))) * (grid[1] - grid[0])


def _bandwidth_factor(bw_method: str | float | None, n: int) -> float:
    if bw_method in (None, "scott"):
        return n ** (-0.2)
    if bw_method == "silverman":
        return (0.75 * n) ** (-0.2)
    if isinstance(bw_method, int | float) and bw_method > 0:
        return float(bw_method)
    raise ValueError(
        "fcd_distribution: bw_method must be 'scott', 'silverman' or a positive number; "
        f"got {bw_method!r}. Pass one of these."
    )


def _densities(who: str, p: Any, q: Any) -> tuple[jax.Array, jax.Array]:
    p, q = _checks.plain(who, p, "p"), _checks.plain(who, q, "q")
    if p.ndim != 1 or p.shape != q.shape or p.shape[0] < 2:
        raise ValueError(
            f"{who}: p and q must be 1-D densities on the same grid of at least 2 points; got "
            f"shapes {p.shape} and {q.shape}. Evaluate both on one grid."
        )
    return p, q
