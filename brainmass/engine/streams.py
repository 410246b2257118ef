"""Random numbers by absolute step: the stream does not depend on chunks or blocks.

Numbers are drawn for superblocks of a fixed number of steps; the index of the superblock is folded
into the key. A run stopped anywhere and continued meets the numbers it would have met.
"""

import zlib
from functools import lru_cache

import brainstate
import jax

from .._compat import is_tracer

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
            return brainstate.random.split_key()
    return jax.random.key(seed) if is_tracer(seed) else _concrete_key(seed)


@lru_cache(maxsize=256)
def _concrete_key(seed: int):
    with jax.ensure_compile_time_eval():
        return jax.random.key(seed)


def draw(key, superblock, shape, dtype):
    """Return the standard normal numbers of one superblock."""
    return jax.random.normal(jax.random.fold_in(key, superblock), shape, dtype)


def slot_key(key, slot: str):
    """Return the key of one noise slot."""
    return jax.random.fold_in(key, zlib.crc32(slot.encode()))
