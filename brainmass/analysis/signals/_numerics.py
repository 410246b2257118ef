"""Numerics with finite values and gradients everywhere, on bare arrays.

They are compiled as wholes: called eagerly they would compile one small program per operation.
"""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

jit = partial(jax.jit, inline=True)


def safe_sqrt(x: jax.Array) -> jax.Array:
    """Square root with gradient zero at zero; NaN stays NaN."""
    positive = x > 0
    return jnp.where(positive, jnp.sqrt(jnp.where(positive, x, 1)), jnp.where(x == 0, 0, x))


def safe_divide(a: jax.Array, b: jax.Array) -> jax.Array:
    """Quotient that is zero, gradient included, where the denominator is."""
    zero = b == 0
    return jnp.where(zero, 0, a / jnp.where(zero, 1, b))


def modulus(real: jax.Array, imag: jax.Array) -> jax.Array:
    """Length of a vector, with gradient zero at zero; it neither over- nor underflows."""
    size = jax.lax.stop_gradient(jnp.maximum(jnp.abs(real), jnp.abs(imag)))
    scale = jnp.where(size == 0, 1, size)
    return scale * safe_sqrt((real / scale) ** 2 + (imag / scale) ** 2)


def angle(real: jax.Array, imag: jax.Array) -> jax.Array:
    """Angle of a vector, 0 with gradient zero at zero."""
    zero = (real == 0) & (imag == 0)
    return jnp.where(zero, 0, jnp.arctan2(imag, jnp.where(zero, 1, real)))


def demean(x: jax.Array, axis: int = 0) -> jax.Array:
    """Subtract the mean along an axis; what is constant to rounding becomes 0."""
    centred = x - jnp.mean(x, axis=axis, keepdims=True)
    size, spread = (jnp.max(jnp.abs(a), axis=axis, keepdims=True) for a in (x, centred))
    return jnp.where(spread <= 8 * jnp.finfo(x.dtype).eps * size, 0, centred)


def unit_size(real: jax.Array, imag: jax.Array, axis: int, floor: jax.Array):
    """Scale complex numbers to a largest modulus of 1 along an axis; below the floor to 0."""
    size = jnp.max(jnp.maximum(jnp.abs(real), jnp.abs(imag)), axis=axis, keepdims=True)
    size = jax.lax.stop_gradient(jnp.where(size <= floor, 0, size))
    return safe_divide(real, size), safe_divide(imag, size)


def centre(x: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Return columns with mean 0, scaled to a size near 1, and the scale.

    The scale is exact, so that squares neither over- nor underflow. It is zero where a column is
    constant to rounding.
    """
    size = jax.lax.stop_gradient(jnp.max(jnp.abs(x), axis=0, keepdims=True))
    scale = jnp.where(size == 0, 0, 2.0 ** -jnp.floor(jnp.log2(jnp.where(size == 0, 1, size))))
    scale = jax.lax.stop_gradient(scale.astype(x.dtype))
    centred = x * scale
    centred = centred - jnp.mean(centred, axis=0, keepdims=True)
    power = jax.lax.stop_gradient(jnp.sum(centred * centred, axis=0, keepdims=True))
    rounding = 8 * jnp.finfo(x.dtype).eps * np.sqrt(x.shape[0])
    constant = power <= rounding**2
    return jnp.where(constant, 0, centred), jnp.where(constant, 0, scale)


def standardize(x: jax.Array) -> jax.Array:
    """Return columns with mean 0 and norm 1; a column that is constant to rounding becomes 0."""
    centred, _ = centre(x)
    return safe_divide(centred, safe_sqrt(jnp.sum(centred * centred, axis=0, keepdims=True)))


@jit
def correlation_matrix(x: jax.Array) -> jax.Array:
    """Pearson correlation of the columns, with ones on the diagonal."""
    return _pearson(x)


@jax.custom_jvp
def _pearson(x):
    return _correlation(x)[0]


def _correlation(x):
    c, scale = centre(x)
    gram = c.T @ c
    inverse = safe_divide(jnp.ones((), x.dtype), safe_sqrt(jnp.diag(gram)))
    identity = jnp.eye(x.shape[1], dtype=x.dtype)
    r = gram * inverse[:, None] * inverse * (1 - identity) + identity
    return r, c, scale, inverse


@_pearson.defjvp
def _pearson_jvp(primals, tangents):
    """Differentiate with one more matrix product, forward or backward."""
    (x,), (dx,) = primals, tangents
    r, c, scale, inverse = _correlation(x)
    identity = jnp.eye(x.shape[1], dtype=x.dtype)
    # The columns of c sum to zero, so the mean of dx needs no subtraction.
    half = (c.T @ dx) * (scale * inverse[:, None] * inverse)
    own = jnp.diag(half)
    return r, (half + half.T - r * (own[:, None] + own)) * (1 - identity)


@jit
def triangle_correlation(a: jax.Array, b: jax.Array) -> jax.Array:
    """Pearson correlation of the entries above the diagonals of two matrices."""
    rows = np.triu_indices(a.shape[0], 1)
    return jnp.sum(standardize(a[rows][:, None]) * standardize(b[rows][:, None]))


@jit
def rms_difference(a: jax.Array, b: jax.Array) -> jax.Array:
    """Root mean square that neither over- nor underflows."""
    x = a - b
    scale = jax.lax.stop_gradient(jnp.max(jnp.abs(x), initial=0))
    scale = jnp.where(scale > 0, scale, jnp.where(scale == 0, 1, scale))
    return scale * safe_sqrt(jnp.mean((x / scale) ** 2))
