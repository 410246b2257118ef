"""Objectives: how well a prediction matches data, as one number.

Time series are ``(time, region)``. Every objective is a pure function that works under ``jit``,
``grad`` and ``vmap``, keeps the precision of what it is given, and has finite gradients
everywhere, also where it is zero or where a region is silent. Shapes and units are checked
before anything is computed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import brainunit as u
import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from ._errors import UnitError

__all__ = [
    "combine",
    "cosine_sim",
    "fc_corr",
    "fc_rmse",
    "fcd",
    "fcd_distribution",
    "fcd_ks",
    "fcd_wasserstein",
    "functional_connectivity",
    "ks_distance",
    "timeseries_rmse",
    "wasserstein_1d",
]

Array = Any  # an array or a quantity

# ---------------------------------------------------------------------------------------------
# Objectives on the values themselves
# ---------------------------------------------------------------------------------------------


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
        pred, target, unit = _comparable("timeseries_rmse", pred, target)
        _same_shape("timeseries_rmse", pred, target)
        return _attach(_rms_difference(pred, target), unit)

    return _named(loss, "timeseries_rmse")


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
    _check_not_negative("cosine_sim", "epsilon", epsilon)

    def score(pred: Array, target: Array) -> Array:
        pred, target, _ = _comparable("cosine_sim", pred, target)
        _same_shape("cosine_sim", pred, target)
        value = _cosine(pred, target, epsilon)
        return 1.0 - value if as_loss else value

    return _named(score, "cosine_sim")


# ---------------------------------------------------------------------------------------------
# Functional connectivity
# ---------------------------------------------------------------------------------------------


def functional_connectivity(series: ArrayLike) -> jax.Array:
    """Pearson correlation between regions over time.

    Parameters
    ----------
    series : array_like
        ``(time, region)``, at least two samples, with or without unit.

    Returns
    -------
    jax.Array
        ``(region, region)``, dimensionless, ones on the diagonal. A region that does not vary
        has correlation 0 with all others, and its gradient is zero.

    Examples
    --------
    >>> import brainmass, jax.numpy as jnp
    >>> series = jnp.array([[0.0, 1.0], [1.0, 0.0], [2.0, -1.0]])
    >>> brainmass.objectives.functional_connectivity(series).round(3)
    Array([[ 1., -1.],
           [-1.,  1.]], dtype=float32)
    """
    return _correlation_matrix(_series("functional_connectivity", series, regions=1))


def fc_corr(
    as_loss: bool = False, *, target_is_fc: bool = False
) -> Callable[[Array, Array], jax.Array]:
    """Similarity of two functional connectivity matrices.

    The Pearson correlation of their upper triangles [1]_.

    Parameters
    ----------
    as_loss : bool, default False
        Return ``1 - r``, which is 0 for a perfect match.
    target_is_fc : bool, default False
        Whether the target is a ``(region, region)`` matrix, for example an empirical one,
        rather than a time series.

    Returns
    -------
    callable
        ``score(pred, target)`` with ``pred`` ``(time, region)``; ``target`` may have another
        length in time, and another unit.

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
    >>> round(float(brainmass.objectives.fc_corr(target_is_fc=True)(series, fc)), 5)
    1.0
    """

    def score(pred: Array, target: Array) -> jax.Array:
        pred_fc, target_fc = _two_fcs("fc_corr", pred, target, target_is_fc, regions=3)
        value = _triangle_correlation(pred_fc, target_fc)
        return 1.0 - value if as_loss else value

    return _named(score, "fc_corr")


def fc_rmse(*, target_is_fc: bool = False) -> Callable[[Array, Array], jax.Array]:
    """Root mean square difference of two functional connectivity matrices.

    Parameters
    ----------
    target_is_fc : bool, default False
        Whether the target is a ``(region, region)`` matrix, for example an empirical one,
        rather than a time series.

    Returns
    -------
    callable
        ``loss(pred, target)`` with ``pred`` ``(time, region)``, over all elements of the
        matrices including the diagonal.

    Examples
    --------
    >>> import brainmass, numpy as np
    >>> loss = brainmass.objectives.fc_rmse(target_is_fc=True)
    >>> series = np.array([[0.0, 1.0], [1.0, 0.0], [2.0, -1.0]])
    >>> round(float(loss(series, np.eye(2))), 5)
    0.70711
    """

    def loss(pred: Array, target: Array) -> jax.Array:
        pred_fc, target_fc = _two_fcs("fc_rmse", pred, target, target_is_fc, regions=2)
        return _rms_difference(pred_fc, target_fc)

    return _named(loss, "fc_rmse")


# ---------------------------------------------------------------------------------------------
# Functional connectivity dynamics
# ---------------------------------------------------------------------------------------------


def fcd(window_size: int = 30, step_size: int = 5, as_loss: bool = False) -> Callable:
    """Functional connectivity dynamics: how the connectivity of windows resembles itself.

    The functional connectivity of each window, upper triangles correlated with each other [1]_.

    Parameters
    ----------
    window_size : int, default 30
        Samples in a window. The default is 60 s at a repetition time of 2 s, as in [1]_.
    step_size : int, default 5
        Samples between the starts of windows.
    as_loss : bool, default False
        With a target, return ``1 - r``.

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
    _check_window("fcd", window_size, step_size)

    def score(pred: Array, target: Array | None = None) -> jax.Array:
        windows = 2 if target is None else 3
        matrix = _fcd_matrix("fcd", pred, window_size, step_size, windows)
        if target is None:
            return matrix
        other = _fcd_matrix("fcd", target, window_size, step_size, windows, "target")
        if matrix.shape != other.shape:
            raise ValueError(
                f"fcd: prediction and target must have equally many windows; got "
                f"{matrix.shape[0]} and {other.shape[0]}. Cut the longer one, or compare "
                "distributions with fcd_ks or fcd_wasserstein."
            )
        value = _triangle_correlation(matrix, other)
        return 1.0 - value if as_loss else value

    return _named(score, "fcd")


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
    matrix = _plain("fcd_distribution", fcd_matrix, "fcd_matrix")
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
    grid = np.linspace(-0.99, 0.99, 100) if midpoints is None else midpoints
    grid = _plain("fcd_distribution", grid, "midpoints").astype(matrix.dtype)
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
    return _attach(_gap_area(p, q, grid), unit)


def fcd_ks(
    window_size: int = 30,
    step_size: int = 5,
    midpoints: ArrayLike | None = None,
    bw_method: str | float | None = None,
    n_diag: int = 1,
    *,
    target_is_fcd: bool = False,
) -> Callable[[Array, Array], jax.Array]:
    """Kolmogorov-Smirnov distance of two FCD distributions.

    The usual score for functional connectivity dynamics [1]_. It is a maximum, so it is not
    smooth: use :func:`fcd_wasserstein` with gradients.

    Parameters
    ----------
    window_size, step_size : int
        As in :func:`fcd`.
    midpoints, bw_method, n_diag
        As in :func:`fcd_distribution`.
    target_is_fcd : bool, default False
        Whether the target is a ``(window, window)`` FCD matrix rather than a time series.

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
    _check_window("fcd_ks", window_size, step_size)

    def loss(pred: Array, target: Array) -> jax.Array:
        p, q = _two_fcd_densities(
            "fcd_ks", pred, target, target_is_fcd, window_size, step_size, midpoints, n_diag,
            bw_method,
        )  # fmt: skip
        return ks_distance(p, q)

    return _named(loss, "fcd_ks")


def fcd_wasserstein(
    window_size: int = 30,
    step_size: int = 5,
    midpoints: ArrayLike | None = None,
    bw_method: str | float | None = None,
    n_diag: int = 1,
    *,
    target_is_fcd: bool = False,
) -> Callable[[Array, Array], jax.Array]:
    """Wasserstein-1 distance of two FCD distributions: smooth, for gradient fits.

    Parameters
    ----------
    window_size, step_size : int
        As in :func:`fcd`.
    midpoints, bw_method, n_diag
        As in :func:`fcd_distribution`; ``midpoints`` must be a uniform grid.
    target_is_fcd : bool, default False
        Whether the target is a ``(window, window)`` FCD matrix rather than a time series.

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
    _check_window("fcd_wasserstein", window_size, step_size)

    def loss(pred: Array, target: Array) -> Array:
        p, q = _two_fcd_densities(
            "fcd_wasserstein", pred, target, target_is_fcd, window_size, step_size, midpoints,
            n_diag, bw_method,
        )  # fmt: skip
        return wasserstein_1d(p, q, _DEFAULT_GRID if midpoints is None else midpoints)

    return _named(loss, "fcd_wasserstein")


# ---------------------------------------------------------------------------------------------
# Combination
# ---------------------------------------------------------------------------------------------


class combine:  # noqa: N801 - reads as a function where it is used
    """Weighted sum of objectives.

    Parameters
    ----------
    *terms : tuple
        ``(weight, objective)`` each. A weight may carry a unit, to bring an objective that has
        one to a plain number: ``(1 / (5 * u.mV), timeseries_rmse())``.
    names : sequence of str, optional
        Names of the terms, under which a fit reports them. Default the names of the objectives,
        numbered where one occurs twice.

    Attributes
    ----------
    names : tuple of str
        Names of the terms.

    Raises
    ------
    TypeError
        If a term is not a pair of a weight and a callable.
    UnitError
        When called, if the weighted terms do not have the same unit.

    Examples
    --------
    >>> import brainmass, jax.numpy as jnp
    >>> from brainmass.objectives import combine, cosine_sim, timeseries_rmse
    >>> loss = combine((1.0, timeseries_rmse()), (0.5, cosine_sim(as_loss=True)))
    >>> pred, target = jnp.array([1.0, 0.0]), jnp.array([0.0, 1.0])
    >>> float(loss(pred, target))
    1.5
    >>> {name: float(part) for name, part in loss.parts(pred, target).items()}
    {'timeseries_rmse': 1.0, 'cosine_sim': 0.5}
    """

    def __init__(self, *terms: tuple[Any, Callable], names: Sequence[str] | None = None):
        for term in terms:
            if not (isinstance(term, tuple | list) and len(term) == 2 and callable(term[1])):
                raise TypeError(
                    "combine: each term must be a pair (weight, objective); got "
                    f"{term!r}. Pass for example (1.0, fc_corr(as_loss=True))."
                )
        if names is not None and (len(names) != len(terms) or len(set(names)) != len(names)):
            raise ValueError(
                f"combine: names must be {len(terms)} different names, one per term; got "
                f"{list(names)}. Pass one for each."
            )
        self.terms = tuple((weight, objective) for weight, objective in terms)
        default = _numbered([getattr(f, "__name__", type(f).__name__) for _, f in self.terms])
        self.names = tuple(default if names is None else names)

    def parts(self, pred: Array, target: Array | None = None) -> dict[str, Array]:
        """Evaluate the weighted terms one by one.

        Parameters
        ----------
        pred, target
            As for the objectives.

        Returns
        -------
        dict
            Name to weighted value; their sum is the value of the combination.
        """
        data = (pred,) if target is None else (pred, target)
        values = {
            name: weight * objective(*data)
            for name, (weight, objective) in zip(self.names, self.terms, strict=True)
        }
        dims = {name: u.get_dim(value) for name, value in values.items()}
        if len(set(map(str, dims.values()))) > 1:
            found = ", ".join(f"'{n}' [{u.get_unit(v)}]" for n, v in values.items())
            raise UnitError(
                f"combine: the weighted terms must all have the same unit; got {found}. "
                "Give the weights units, for example 1 / (5 * u.mV)."
            )
        return values

    def __call__(self, pred: Array, target: Array | None = None) -> Array:
        """Return the weighted sum, 0.0 if there are no terms."""
        values = list(self.parts(pred, target).values())
        return sum(values[1:], start=values[0]) if values else 0.0

    def __repr__(self) -> str:
        terms = (f"{w} * {n}" for n, (w, _) in zip(self.names, self.terms, strict=True))
        return f"combine({' + '.join(terms)})"


# ---------------------------------------------------------------------------------------------
# Numerics with finite gradients
# ---------------------------------------------------------------------------------------------

# Compiled as wholes: called eagerly they would compile one small program per operation.

_DEFAULT_GRID = np.linspace(-0.99, 0.99, 100)
_jit = partial(jax.jit, inline=True)


def _safe_sqrt(x: jax.Array) -> jax.Array:
    """Square root with gradient zero at zero."""
    positive = x > 0
    return jnp.where(positive, jnp.sqrt(jnp.where(positive, x, 1)), jnp.where(x == 0, 0, x))


def _safe_divide(a: jax.Array, b: jax.Array) -> jax.Array:
    """Quotient that is zero, gradient included, where the denominator is."""
    zero = b == 0
    return jnp.where(zero, 0, a / jnp.where(zero, 1, b))


@_jit
def _rms_difference(a: jax.Array, b: jax.Array) -> jax.Array:
    """Root mean square that neither over- nor underflows."""
    x = a - b
    scale = jax.lax.stop_gradient(jnp.max(jnp.abs(x), initial=0))
    scale = jnp.where(scale > 0, scale, jnp.where(scale == 0, 1, scale))
    return scale * _safe_sqrt(jnp.mean((x / scale) ** 2))


@_jit
def _cosine(a: jax.Array, b: jax.Array, epsilon: float) -> jax.Array:
    norms = _safe_sqrt(jnp.sum(a * a)) * _safe_sqrt(jnp.sum(b * b))
    return _safe_divide(jnp.sum(a * b), norms + epsilon)


def _standardize(x: jax.Array) -> jax.Array:
    """Columns with mean 0 and norm 1; a column that is constant to rounding becomes 0."""
    centred = x - jnp.mean(x, axis=0, keepdims=True)
    norm = _safe_sqrt(jnp.sum(centred * centred, axis=0, keepdims=True))
    size = jnp.max(jnp.abs(x), axis=0, keepdims=True)
    rounding = 4 * jnp.finfo(x.dtype).eps * np.sqrt(x.shape[0]) * size
    constant = jax.lax.stop_gradient(norm <= rounding)
    return jnp.where(constant, 0, centred / jnp.where(constant, 1, norm))


@_jit
def _correlation_matrix(x: jax.Array) -> jax.Array:
    z = _standardize(x)
    identity = jnp.eye(x.shape[1], dtype=x.dtype)
    return (z.T @ z) * (1 - identity) + identity


@_jit
def _triangle_correlation(a: jax.Array, b: jax.Array) -> jax.Array:
    rows = np.triu_indices(a.shape[0], 1)
    return jnp.sum(_standardize(a[rows][:, None]) * _standardize(b[rows][:, None]))


@partial(_jit, static_argnames=("window_size", "step_size", "count"))
def _windowed_correlation(x: jax.Array, *, window_size, step_size, count) -> jax.Array:
    index = step_size * np.arange(count)[:, None] + np.arange(window_size)
    rows = np.triu_indices(x.shape[1], 1)
    triangles = jax.vmap(lambda window: _correlation_matrix(window)[rows])(x[index])
    return _correlation_matrix(triangles.T)


@partial(_jit, static_argnames=("n_diag", "normalize"))
def _kernel_density(matrix, grid, factor, *, n_diag: int, normalize: bool) -> jax.Array:
    values = matrix[np.triu_indices(matrix.shape[0], n_diag)]
    spacing = jnp.asarray(jnp.gradient(grid))
    variance = jnp.var(values, ddof=1) * jnp.asarray(factor, dtype=values.dtype) ** 2
    variance = jnp.maximum(variance, (jnp.min(spacing) / 2) ** 2)
    squares = (grid[:, None] - values[None, :]) ** 2 / variance
    density = jnp.mean(jnp.exp(-squares / 2), axis=1) / jnp.sqrt(2 * np.pi * variance)
    return _safe_divide(density, jnp.sum(density * spacing)) if normalize else density


def _cumulative(p: jax.Array) -> jax.Array:
    total = jnp.cumsum(p)
    return _safe_divide(total, total[-1])


@_jit
def _largest_gap(p: jax.Array, q: jax.Array) -> jax.Array:
    return jnp.max(jnp.abs(_cumulative(p) - _cumulative(q)))


@_jit
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


def _fcd_matrix(who, series, window_size, step_size, windows, what="prediction") -> jax.Array:
    x = _series(who, series, regions=3, what=what)
    count = (x.shape[0] - window_size) // step_size + 1
    if count < windows:
        raise ValueError(
            f"{who}: the {what} must hold at least {windows} windows of {window_size} samples "
            f"every {step_size}; got {x.shape[0]} samples, which hold {max(count, 0)}. "
            "Use a longer series, a smaller window_size or a smaller step_size."
        )
    return _windowed_correlation(x, window_size=window_size, step_size=step_size, count=count)


def _two_fcd_densities(
    who, pred, target, target_is_fcd, window_size, step_size, midpoints, n_diag, bw_method
):
    windows = n_diag + 2
    matrix = _fcd_matrix(who, pred, window_size, step_size, windows)
    if target_is_fcd:
        other = target
    else:
        other = _fcd_matrix(who, target, window_size, step_size, windows, "target")
    return tuple(fcd_distribution(m, midpoints, n_diag, bw_method) for m in (matrix, other))


def _two_fcs(who, pred, target, target_is_fc, regions):
    series = _series(who, pred, regions=regions)
    n = series.shape[1]
    if target_is_fc:
        other = _plain(who, target, "target")
        if other.shape != (n, n):
            raise ValueError(
                f"{who}: with target_is_fc=True the target must be a ({n}, {n}) matrix, one row "
                f"per region of the prediction; got shape {other.shape}. Pass the matrix, or "
                "a time series with target_is_fc=False."
            )
        return _correlation_matrix(series), other.astype(series.dtype)
    other = _series(who, target, regions=regions, what="target")
    if other.shape[1] != n:
        raise ValueError(
            f"{who}: prediction and target must have equally many regions; got {n} and "
            f"{other.shape[1]}. Bring both to the same parcellation."
        )
    return _correlation_matrix(series), _correlation_matrix(other)


# ---------------------------------------------------------------------------------------------
# Checks
# ---------------------------------------------------------------------------------------------


def _real(who: str, value: Any, what: str) -> jax.Array:
    array = jnp.asarray(value)
    if jnp.issubdtype(array.dtype, jnp.complexfloating):
        raise TypeError(
            f"{who}: {what} must be real; got {array.dtype}. Take the real part or the modulus."
        )
    if jnp.issubdtype(array.dtype, jnp.floating):
        return array
    return array.astype(jnp.result_type(float))


def _series(who: str, value: Any, regions: int, what: str = "prediction") -> jax.Array:
    x = _real(who, u.get_mantissa(value), f"the {what}")
    if x.ndim != 2 or x.shape[0] < 2:
        raise ValueError(
            f"{who}: the {what} must be a time series of shape (time, region) with at least 2 "
            f"samples; got shape {x.shape}. Bring time to the first axis."
        )
    if x.shape[1] < regions:
        raise ValueError(
            f"{who}: the {what} must have at least {regions} regions; got {x.shape[1]}. "
            "With fewer there are no pairs to compare."
        )
    return x


def _plain(who: str, value: Any, what: str) -> jax.Array:
    unit = u.get_unit(value)
    if not unit.is_unitless:
        raise UnitError(f"{who}: {what} must be dimensionless; got [{unit}]. Divide by the unit.")
    return _real(who, u.get_mantissa(value), what)


def _comparable(who: str, pred: Any, target: Any) -> tuple[jax.Array, jax.Array, u.Unit]:
    """Return both mantissas in the unit of the prediction, and that unit."""
    unit, other = u.get_unit(pred), u.get_unit(target)
    mantissa = u.get_mantissa(target)
    if unit != other:
        if not u.have_same_dim(unit, other):
            raise UnitError(
                f"{who}: prediction and target must have the same unit; got [{unit}] and "
                f"[{other}]. Convert one, or give the target its unit."
            )
        mantissa = u.Quantity(mantissa, unit=other).to_decimal(unit)
    return (
        _real(who, u.get_mantissa(pred), "the prediction"),
        _real(who, mantissa, "the target"),
        unit,
    )


def _same_shape(who: str, pred: jax.Array, target: jax.Array) -> None:
    if pred.shape != target.shape:
        raise ValueError(
            f"{who}: prediction and target must have the same shape; got {pred.shape} and "
            f"{target.shape}. Nothing is broadcast: cut or repeat one of them."
        )


def _densities(who: str, p: Any, q: Any) -> tuple[jax.Array, jax.Array]:
    p, q = _plain(who, p, "p"), _plain(who, q, "q")
    if p.ndim != 1 or p.shape != q.shape or p.shape[0] < 2:
        raise ValueError(
            f"{who}: p and q must be 1-D densities on the same grid of at least 2 points; got "
            f"shapes {p.shape} and {q.shape}. Evaluate both on one grid."
        )
    return p, q


def _check_window(who: str, window_size: int, step_size: int) -> None:
    for name, value, least in (("window_size", window_size, 2), ("step_size", step_size, 1)):
        if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < least:
            raise ValueError(
                f"{who}: {name} must be a whole number of samples, at least {least}; got "
                f"{value!r}. Divide a duration by the sampling interval."
            )


def _check_not_negative(who: str, name: str, value: float) -> None:
    if not isinstance(value, int | float) or not value >= 0:
        raise ValueError(f"{who}: {name} must be a number >= 0; got {value!r}. Pass 0 or more.")


def _attach(value: jax.Array, unit: u.Unit) -> Array:
    return value if unit.is_unitless else u.Quantity(value, unit=unit)


def _named(function: Callable, name: str) -> Callable:
    function.__name__ = function.__qualname__ = name
    return function


def _numbered(names: Sequence[str]) -> list[str]:
    return [
        name if names.count(name) == 1 else f"{name}_{names[: i + 1].count(name)}"
        for i, name in enumerate(names)
    ]
