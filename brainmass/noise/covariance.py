"""Noise that is correlated across regions: from a covariance to strengths and a factor."""

from __future__ import annotations

import brainunit as u
import jax.numpy as jnp
import numpy as np

from .._compat import is_tracer
from .._errors import UnitError

__all__ = ["read"]

_ROUNDING = 1e-5


def read(cov, sigma, in_size: tuple[int, ...], variance: float, who: str):
    """Return strengths and a factor of the correlation matrix.

    ``variance`` is that of the process with strength 1; independent normal numbers times the
    factor have the correlations asked for.
    """
    title = f"{who}: cov (covariance across regions)"
    cov = _numbers(cov, title) if isinstance(cov, list | tuple) else cov
    unit, matrix = u.get_unit(cov), u.get_mantissa(cov)
    if not is_tracer(matrix):
        matrix = _numbers(matrix, title)
    shape = (in_size[-1], in_size[-1])
    if len(in_size) > 1 or np.shape(matrix) != shape:
        raise ValueError(
            f"{title} must be a matrix with one row and column per region of in_size {in_size}; "
            f"got shape {np.shape(matrix)}. Pass a matrix (N, N) and in_size=N."
        )
    if not is_tracer(matrix):
        _check_symmetric(matrix, title)
    if sigma is None:
        spread, matrix = _normalised(matrix, title)
        root = unit**0.5
        sigma = spread * variance**-0.5
        sigma = sigma if root.is_unitless else u.Quantity(sigma, unit=root)
    elif not unit.is_unitless:
        raise UnitError(
            f"{title} must be a plain correlation matrix when sigma is given; got [{unit}]. "
            "Leave sigma out, or divide the matrix by the variances."
        )
    elif not is_tracer(matrix) and not np.allclose(np.diag(matrix), 1.0, atol=_ROUNDING):
        raise ValueError(
            f"{title} must have ones on its diagonal when sigma is given; "
            f"got {np.diag(matrix).min():g} to {np.diag(matrix).max():g}. "
            "Leave sigma out, or pass a correlation matrix."
        )
    return sigma, _factor(matrix, title)


def _numbers(matrix, title):
    try:
        matrix = np.asarray(matrix, dtype=np.float64)
    except (TypeError, ValueError):
        raise TypeError(
            f"{title} must be a matrix of real numbers; got {matrix!r}. Pass an array (N, N)."
        ) from None
    if not np.isfinite(matrix).all():
        raise ValueError(f"{title} must be finite; got NaN or infinity. Clean the matrix first.")
    return matrix


def _check_symmetric(matrix, title) -> None:
    size = np.abs(matrix).max()
    difference = np.abs(matrix - matrix.T).max()
    if difference > _ROUNDING * size:
        raise ValueError(
            f"{title} must be symmetric; got entries that differ by {difference:g} across the "
            "diagonal. Pass (C + C.T) / 2 if both halves are meant."
        )


def _normalised(matrix, title):
    """Split a covariance into standard deviations and correlations."""
    if is_tracer(matrix):
        spread = jnp.sqrt(jnp.diag(matrix))
        return spread, matrix / (spread[:, None] * spread)
    diagonal = np.diag(matrix)
    if (diagonal < 0).any():
        raise ValueError(
            f"{title} must have variances on its diagonal; got {diagonal.min():g}. "
            "Pass a covariance matrix."
        )
    spread = np.sqrt(diagonal)
    silent = spread == 0
    if matrix[silent].any():
        raise ValueError(
            f"{title} must be positive semi-definite; got a region without variance that covaries "
            "with others. Pass a covariance matrix."
        )
    scale = np.where(silent, 1.0, spread)
    correlation = matrix / (scale[:, None] * scale)
    correlation[silent, silent] = 1.0
    return spread, correlation


def _factor(matrix, title):
    if is_tracer(matrix):
        return jnp.linalg.cholesky(matrix)
    matrix = 0.5 * (matrix + matrix.T)
    try:
        return np.linalg.cholesky(matrix)
    except np.linalg.LinAlgError:
        values, vectors = np.linalg.eigh(matrix)
    if values[0] < -_ROUNDING * max(1.0, values[-1]):
        raise ValueError(
            f"{title} must be positive semi-definite; its correlations have the eigenvalue "
            f"{values[0]:.3g}. Pass a covariance that data or a factor model can have."
        )
    return vectors * np.sqrt(np.clip(values, 0.0, None))
