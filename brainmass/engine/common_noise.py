"""Normal numbers that many runs have in common: drawn once, and read from memory by each run."""

from __future__ import annotations

import math
import threading
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial

import jax
import jax.numpy as jnp
from jax import lax

from .system import SystemRules

__all__ = ["CommonNoise", "common_numbers", "share", "worth_sharing"]

# Drawing 10**9 numbers takes a core about three seconds, compiling a program of its own about one.
_LEAST_DRAWN, _MOST_KEPT = 3 * 10**8, 2**25

_shared: ContextVar[CommonNoise | None] = ContextVar("brainmass_common_noise", default=None)


class CommonNoise:
    """The normal numbers of every seed met so far, for runs of one length from step 0.

    Any number of threads may ask; the first one to need a seed draws.
    """

    def __init__(self):
        self._kept: dict = {}
        self._lock = threading.Lock()

    def numbers(self, rules: SystemRules, key, seed: int, n_steps: int) -> dict:
        """Return, by noise slot, the numbers of all superblocks of a run, one after the other."""
        count = -(-n_steps // rules.superblock)
        slots = tuple((slot, noise.draws(rules.batch)) for slot, _, noise in rules.noise)
        run = (slots, count, rules.superblock, rules.dtype, jax.config.jax_default_device)
        with self._lock:
            if self._kept.get("run") != run:
                self._kept = {"run": run}
            if seed not in self._kept:
                self._kept[seed] = _drawn(rules, count, key)
            return self._kept[seed]


@contextmanager
def share(noise: CommonNoise | None):
    """Let runs of this thread read ``noise``; they draw their own where it is None."""
    token = _shared.set(noise)
    try:
        yield
    finally:
        _shared.reset(token)


def common_numbers(system, key, seed, n_steps: int) -> dict:
    """Return what a run that starts at step 0 adds to its values, nothing if nothing is shared."""
    noise = _shared.get()
    if noise is None or not isinstance(seed, int) or not getattr(system, "noise", None):
        return {}
    return {"drawn": noise.numbers(system.rules, key, seed, n_steps)}


def worth_sharing(system, n_steps: int, seeds: int, points: int) -> bool:
    """Whether drawing once saves more than compiling costs, and what is drawn fits in memory."""
    rules = getattr(system, "rules", None)
    if rules is None:
        return False
    numbers = n_steps * sum(math.prod(noise.draws(rules.batch)) for *_, noise in rules.noise)
    return numbers * seeds <= _MOST_KEPT and numbers * (points - seeds) >= _LEAST_DRAWN


@partial(jax.jit, static_argnums=(0, 1))
def _drawn(rules: SystemRules, count: int, key) -> dict:
    keys = rules.keys(key)
    numbers = lax.map(lambda k: rules.drawn(keys, k, (rules.superblock,)), jnp.arange(count))
    return jax.tree.map(lambda z: z.reshape(-1, *z.shape[2:]), numbers)
