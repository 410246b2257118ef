"""Tools on weight matrices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import brainunit as u
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from brainmass._errors import UnitError, choices

from ._checks import attach, is_number, like, matrix_of


def normalize_weights(weights: ArrayLike, by: str = "max") -> Any:
    """Divide weights by a size of their own, so that this size becomes 1.

    Parameters
    ----------
    weights : array_like or brainunit.Quantity
        ``(region, region)``.
    by : {'max', 'mean', 'row', 'strength', 'spectral'}
        The largest weight; the mean of the non-zero ones; the sum of each row (in-strength); the
        mean of these sums; or the spectral radius. Default ``'max'``. Rows without
        input stay zero.

    Returns
    -------
    numpy.ndarray
        Dimensionless.

    Examples
    --------
    >>> from brainmass.connectome import normalize_weights
    >>> normalize_weights([[0.0, 2.0], [4.0, 0.0]])
    array([[0. , 0.5],
           [1. , 0. ]])
    """
    sizes: dict[str, Callable] = {
        "max": lambda w: np.max(w),
        "mean": lambda w: np.mean(w[w > 0]) if np.any(w > 0) else 0.0,
        "row": lambda w: np.sum(w, axis=1, keepdims=True),
        "strength": lambda w: np.mean(np.sum(w, axis=1)),
        "spectral": lambda w: np.max(np.abs(np.linalg.eigvals(w))),
    }
    if by not in sizes:
        raise ValueError(
            f"normalize_weights: by must be one of {choices(sizes)}; got {by!r}. Choose one."
        )
    w = np.asarray(u.get_mantissa(matrix_of(weights, "weights", "normalize_weights")))
    size = np.asarray(sizes[by](w), dtype=w.dtype)
    return np.divide(w, size, out=np.zeros_like(w), where=np.broadcast_to(size > 0, w.shape))


def symmetrize(matrix: ArrayLike, how: str = "mean") -> Any:
    """Make a matrix equal to its transpose.

    Parameters
    ----------
    matrix : array_like or brainunit.Quantity
        ``(region, region)``.
    how : {'mean', 'max', 'min'}
        How to combine the two directions.

    Returns
    -------
    numpy.ndarray or brainunit.Quantity
        In the unit of ``matrix``.

    Examples
    --------
    >>> from brainmass.connectome import symmetrize
    >>> symmetrize([[0.0, 2.0], [4.0, 0.0]])
    array([[0., 3.],
           [3., 0.]])
    """
    ways = {"mean": lambda a, b: (a + b) / 2, "max": np.maximum, "min": np.minimum}
    if how not in ways:
        raise ValueError(
            f"symmetrize: how must be one of {choices(ways)}; got {how!r}. Choose one."
        )
    checked = matrix_of(matrix, "matrix", "symmetrize")
    mantissa = np.asarray(u.get_mantissa(checked))
    return like(ways[how](mantissa, mantissa.T), checked)


def threshold(weights: ArrayLike, weight: Any = None, *, density: float | None = None) -> Any:
    """Drop weak connections.

    Parameters
    ----------
    weights : array_like or brainunit.Quantity
        ``(region, region)``.
    weight : float or brainunit.Quantity, optional
        Set everything below it to zero.
    density : float, optional
        Keep this fraction (0 to 1) of the possible connections off the diagonal, the
        strongest. Equal weights at the limit are all kept, so a symmetric matrix stays so.

    Returns
    -------
    numpy.ndarray or brainunit.Quantity
        A copy, in the unit of ``weights``.

    Examples
    --------
    >>> from brainmass.connectome import threshold
    >>> threshold([[0.0, 2.0], [4.0, 0.0]], 3.0)
    array([[0., 0.],
           [4., 0.]])
    """
    if (weight is None) == (density is None):
        raise ValueError(
            "threshold: exactly one of weight and density must be given; got "
            f"{'neither' if weight is None else 'both'}. Pass one of them."
        )
    checked = matrix_of(weights, "weights", "threshold")
    w = np.array(u.get_mantissa(checked))
    if density is not None:
        if not (is_number(density) and 0 <= density <= 1):
            raise ValueError(
                f"threshold: density must be between 0 and 1; got {density!r}. Pass a fraction."
            )
        off = ~np.eye(len(w), dtype=bool)
        keep = round(density * off.sum())
        ordered = np.sort(w[off])[::-1]
        limit = ordered[keep - 1] if keep else np.inf
        w[off & (w < limit)] = 0
        return like(w, checked)
    unit, given = u.get_unit(checked), u.get_unit(weight)
    if not u.have_same_dim(unit, given):
        raise UnitError(
            f"threshold: weight must be in the unit of the weights, [{unit}]; got [{given}]. "
            "Give it that unit."
        )
    w[w < float(u.Quantity(weight).to_decimal(unit))] = 0
    return like(w, checked)


def laplacian_connectivity(
    W: Any,  # noqa: N803 - the symbol of the literature
    *,
    normalize: str | None = None,
    eps: float = 1e-12,
    return_diag: bool = False,
) -> Any:
    r"""Graph Laplacian of a weight matrix, with the sign that makes coupling diffusive.

    With :math:`d_i = \sum_j W_{ij}`:

    * ``None``: :math:`W - \mathrm{diag}(d)`,
    * ``'rw'``: :math:`W_{ij} / \max(d_i, \epsilon) - I`,
    * ``'sym'``: :math:`W_{ij} / \sqrt{\max(d_i, \epsilon) \max(d_j, \epsilon)} - I`.

    For symmetric non-negative weights it is negative semi-definite: the negative of what graph
    theory calls the Laplacian [1]_. Works under ``jit``, ``grad`` and ``vmap``.

    Parameters
    ----------
    W : array_like or brainunit.Quantity
        ``(region, region)``; ``W[i, j]`` leads to ``i`` from ``j``.
    normalize : {None, 'rw', 'sym'}
        Normalisation. The two normalised forms are dimensionless.
    eps : float, default 1e-12
        Smallest degree to divide by, in the unit of ``W``.
    return_diag : bool, default False
        Also return the degrees ``d``.

    Returns
    -------
    jax.Array or brainunit.Quantity
        ``(region, region)``; or a pair of it and ``d``, which has the unit of ``W``.

    Raises
    ------
    ValueError
        If ``W`` is not square or ``normalize`` is unknown.

    References
    ----------
    .. [1] Abdelnour et al. 2014, NeuroImage 90:335, doi:10.1016/j.neuroimage.2013.12.039

    Examples
    --------
    >>> from brainmass.connectome import laplacian_connectivity
    >>> laplacian_connectivity([[0.0, 2.0], [2.0, 0.0]], normalize="rw")
    Array([[-1.,  1.],
           [ 1., -1.]], dtype=float32)
    """
    who = "laplacian_connectivity"
    if normalize not in (None, "rw", "sym"):
        raise ValueError(
            f"{who}: normalize must be None, 'rw' or 'sym'; got {normalize!r}. Choose one."
        )
    unit = u.get_unit(W)
    w = jnp.asarray(u.get_mantissa(W))
    w = w if jnp.issubdtype(w.dtype, jnp.floating) else w.astype(jnp.result_type(float))
    if w.ndim != 2 or w.shape[0] != w.shape[1]:
        raise ValueError(
            f"{who}: W must be a square matrix; got shape {w.shape}. Pass (region, region)."
        )
    degree = jnp.sum(w, axis=1)
    identity = jnp.eye(w.shape[0], dtype=w.dtype)
    if normalize is None:
        matrix = attach(w - jnp.diag(degree), unit)
    else:
        bounded = jnp.maximum(degree, jnp.asarray(eps, dtype=w.dtype))
        if normalize == "rw":
            matrix = w / bounded[:, None] - identity
        else:
            root = jnp.sqrt(bounded)
            matrix = w / (root[:, None] * root[None, :]) - identity
    return (matrix, attach(degree, unit)) if return_diag else matrix
