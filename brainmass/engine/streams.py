"""Random numbers by absolute step: the stream does not depend on chunks or blocks.

Numbers are drawn for superblocks of a fixed number of steps; the index of the superblock is folded
into the key. A run stopped anywhere and continued meets the numbers it would have met.
"""

import math
import zlib
from functools import lru_cache

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.extend.random import threefry_2x32

from .._compat import is_tracer
from .._random import split_key

__all__ = ["draw", "run_key", "slot_key", "superblock_steps"]


def superblock_steps(values: int) -> int:
    """Return the steps drawn at once for a model with that many values per step.

    A power of two, so that blocks divide it; larger for small models, where the price of a draw
    outweighs the price of its numbers.
    """
    steps = 1024
    while steps > 64 and steps * values > 65536:
        steps //= 2
    return steps


def run_key(seed):
    """Return the key of one run: from ``seed``, or split from brainstate's random state."""
    if seed is None:
        with jax.ensure_compile_time_eval():
            return split_key()
    return jax.random.key(seed) if is_tracer(seed) else _concrete_key(seed)


@lru_cache(maxsize=256)
def _concrete_key(seed: int):
    with jax.ensure_compile_time_eval():
        return jax.random.key(seed)


def draw(key, superblock, shape, dtype):
    """Return the standard normal numbers of one superblock."""
    key = jax.random.fold_in(key, superblock)
    if np.dtype(dtype) == np.float32 and str(jax.random.key_impl(key)) == "threefry2x32":
        return _normal(key, shape)
    return jax.random.normal(key, shape, dtype)


_ONE = np.float32(1).view(np.uint32)
_LOW = np.nextafter(np.float32(-1), np.float32(0))


def _normal(key, shape):
    """Return float32 normal numbers, at half the price of ``jax.random.normal``.

    A call of Threefry-2x32 (Salmon et al. 2011, doi:10.1145/2063384.2063405) makes two words; jax
    joins them into one, so that arrays can be cut over devices. Here each is a number of its own.
    """
    words = jax.random.key_data(key) if _typed(key) else key
    bits = threefry_2x32(words, lax.iota(np.uint32, math.prod(shape))).reshape(shape)
    # 23 random bits as the mantissa of a number in [1, 2), then (-1, 1), then its quantile.
    unit = lax.bitcast_convert_type((bits >> 9) | _ONE, np.float32) - 1
    centred = jnp.maximum(_LOW, unit * (1 - _LOW) + _LOW)
    return np.float32(np.sqrt(2)) * lax.erf_inv(centred)


def _typed(key) -> bool:
    return jnp.issubdtype(key.dtype, jax.dtypes.prng_key)


def slot_key(key, slot: str):
    """Return the key of one noise slot."""
    return jax.random.fold_in(key, zlib.crc32(slot.encode()))
