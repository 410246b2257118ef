"""Tasks for networks that learn: sequences with labels, and what scores them.

Every task is made here from a seed; nothing is downloaded. The delayed-match task is
:func:`brainmass.datasets.delayed_match_task`. Inputs are ``(sample, step, feature)``;
models that put time first take ``jnp.swapaxes(inputs, 0, 1)``.
"""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np

__all__ = ["accuracy", "cross_entropy", "sequential_digits"]

# Strokes of the ten digits on a 5 x 3 grid, one row after the other, drawn for this package.
_GLYPHS = (
    "111101101101111", "010110010010111", "110001010100111", "110001010001110", "101101111001001",
    "111100110001110", "011100111101111", "111001010010010", "111101010101111", "111101111001110",
)  # fmt: skip


def sequential_digits(
    n_samples: int = 1000,
    *,
    size: int = 8,
    rows: bool = False,
    noise: float = 0.1,
    seed: int = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """Make pictures of digits that are read one pixel, or one row, at a time.

    The task of sequential digit recognition [1]_ in small: a digit of our own 5 x 3 strokes at a
    random place and of random size on a square, with noise.

    Parameters
    ----------
    n_samples : int, default 1000
        Number of pictures; the digits are equally frequent.
    size : int, default 8
        Pixels of an edge, at least 7.
    rows : bool, default False
        Read whole rows instead of single pixels.
    noise : float, default 0.1
        Standard deviation of the noise on every pixel, of which ink has 1.
    seed : int, default 0
        Seed of the random numbers; equal seeds give equal pictures.

    Returns
    -------
    inputs : numpy.ndarray
        ``(sample, size * size, 1)``, or ``(sample, size, size)`` with ``rows``, float32.
    labels : numpy.ndarray
        ``(sample,)``, 0 to 9.

    References
    ----------
    .. [1] Le, Jaitly & Hinton 2015, arXiv:1504.00941

    Examples
    --------
    >>> import brainmass
    >>> inputs, labels = brainmass.tasks.sequential_digits(20)
    >>> inputs.shape, sorted(set(labels.tolist()))
    ((20, 64, 1), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    """
    for what, value, least in (("n_samples", n_samples, 1), ("size", size, 7)):
        if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < least:
            raise ValueError(
                f"sequential_digits: {what} must be a whole number, at least {least}; got "
                f"{value!r}. Pass one."
            )
    if isinstance(noise, bool) or not isinstance(noise, int | float) or not 0 <= noise < np.inf:
        raise ValueError(
            f"sequential_digits: noise (standard deviation) must be a number, at least 0; got "
            f"{noise!r}. Pass for example 0.1."
        )
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(n_samples) % 10)
    pictures = np.stack([_picture(int(label), size, rng) for label in labels])
    pictures = pictures + noise * rng.standard_normal(pictures.shape)
    shape = (n_samples, size, size) if rows else (n_samples, size * size, 1)
    return pictures.reshape(shape).astype(np.float32), labels.astype(np.int64)


def _picture(digit: int, size: int, rng: np.random.Generator) -> np.ndarray:
    glyph = np.array(list(_GLYPHS[digit]), float).reshape(5, 3)
    height = int(rng.integers(5, size - 1))
    width = int(rng.integers(3, min(height, size - 2)))
    y = np.arange(height) * 5 // height
    x = np.arange(width) * 3 // width
    shape = glyph[np.ix_(y, x)]
    top = int(rng.integers(0, size - height + 1))
    left = int(rng.integers(0, size - width + 1))
    picture = np.zeros((size, size))
    picture[top : top + height, left : left + width] = shape
    return picture * rng.uniform(0.8, 1.2)


def cross_entropy(logits: Any, labels: Any) -> Any:
    """Mean cross-entropy of integer labels under the softmax of ``logits``.

    Parameters
    ----------
    logits : array (..., class)
        What a network reads out.
    labels : array of int (...)
        The right classes.

    Returns
    -------
    jax.Array
        In nats; ``log(number of classes)`` for a network that knows nothing.

    Raises
    ------
    ValueError
        If the shapes do not fit, or there is a label without a class.

    Examples
    --------
    >>> import brainmass, numpy as np
    >>> round(float(brainmass.tasks.cross_entropy(np.zeros((4, 10)), np.arange(4))), 4)
    2.3026
    """
    logits, labels = _fitting("cross_entropy", logits, labels)
    logits = logits - jnp.max(logits, axis=-1, keepdims=True)
    chosen = jnp.take_along_axis(logits, labels[..., None], axis=-1)[..., 0]
    return jnp.mean(jnp.log(jnp.sum(jnp.exp(logits), axis=-1)) - chosen)


def accuracy(logits: Any, labels: Any) -> Any:
    """Fraction of samples whose largest readout is at the right class.

    Parameters
    ----------
    logits : array (..., class)
        What a network reads out.
    labels : array of int (...)
        The right classes.

    Returns
    -------
    jax.Array
        Between 0 and 1.

    Examples
    --------
    >>> import brainmass, numpy as np
    >>> float(brainmass.tasks.accuracy(np.eye(4), np.array([0, 1, 2, 0])))
    0.75
    """
    logits, labels = _fitting("accuracy", logits, labels)
    return jnp.mean(jnp.argmax(logits, axis=-1) == labels)


def _fitting(who: str, logits: Any, labels: Any) -> tuple[Any, Any]:
    logits, labels = jnp.asarray(logits), jnp.asarray(labels)
    if logits.ndim < 1 or logits.shape[:-1] != labels.shape:
        raise ValueError(
            f"{who}: labels must have the shape of logits without their last axis; got "
            f"{labels.shape} for logits {logits.shape}. Put classes last."
        )
    if not jnp.issubdtype(labels.dtype, jnp.integer):
        raise TypeError(
            f"{who}: labels must be whole numbers, one class each; got dtype {labels.dtype}. "
            "Convert them with astype(int)."
        )
    return logits, labels
