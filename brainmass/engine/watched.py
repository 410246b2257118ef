"""The derivative of a superblock with observers, by the adjoint of the network.

The observers only look at samples, so the reverse pass computes the samples of a superblock once
more, sends what observers return through them, and hands the rest to the adjoint of the network. Of
a superblock, what enters it is remembered, samples are not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from . import adjoint

__all__ = ["watched_superblock"]


@dataclass(frozen=True, eq=False)
class _Static:
    """What no value enters: the task of the adjoint, the observers, and how values are divided."""

    task: adjoint.Task
    feed: Callable
    light: Any
    seen: Any


def _divide(tree) -> tuple[list, list, Callable]:
    """Return the leaves that can be differentiated, the others, and what joins them again."""
    leaves, structure = jax.tree.flatten(tree)
    floats = tuple(jnp.issubdtype(jnp.result_type(leaf), jnp.floating) for leaf in leaves)

    def join(numbers, others):
        numbers, others = iter(numbers), iter(others)
        return structure.unflatten([next(numbers) if f else next(others) for f in floats])

    numbers = [leaf for leaf, f in zip(leaves, floats, strict=True) if f]
    return numbers, [leaf for leaf, f in zip(leaves, floats, strict=True) if not f], join


def watched_superblock(task, feed, numbers, others, light, seen, carry, index, high, inputs):
    """Run the first ``high`` steps of a superblock and feed the observers.

    ``feed(light, seen, samples, index, high)`` returns what is kept and what came out; ``light``
    are the values it reads. Returns states, noise, unshifted history, what is kept and came out.
    """
    rules = task.rules
    rows = jax.ShapeDtypeStruct((task.length, *rules.full_shape), rules.dtype)
    samples = dict.fromkeys(task.wanted, rows)
    feed, closed = jax.closure_convert(feed, light, seen, samples, index, high)
    light_floats, light_others, light_join = _divide(light)
    seen_floats, seen_others, seen_join = _divide(seen)
    static = _Static(task, feed, light_join, seen_join)
    floats = {
        "numbers": numbers,
        "closed": closed,
        "light": light_floats,
        "seen": seen_floats,
        "inputs": inputs,
        **carry,
    }
    fixed = {
        "others": others,
        "light": light_others,
        "seen": seen_others,
        "index": index,
        "high": high,
    }
    return _watched(static, floats, fixed)


def _feed(static: _Static, floats: dict, fixed: dict, samples: dict):
    """Return what is kept and what came out."""
    light = static.light(floats["light"], fixed["light"])
    seen = static.seen(floats["seen"], fixed["seen"])
    return static.feed(light, seen, samples, fixed["index"], fixed["high"], *floats["closed"])


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def _watched(static: _Static, floats: dict, fixed: dict):
    given = (floats["numbers"], fixed["others"], floats["y"], floats["noise"], floats["history"])
    step = (fixed["index"], fixed["high"], floats["inputs"])
    result: Any = adjoint.superblock(static.task, *given, *step)
    y, noise, history, samples = result
    return (y, noise, history, *_feed(static, floats, fixed, samples))


def _remember(static, floats, fixed):
    out = _watched(static, floats, fixed)
    past = adjoint.past_of(static.task, floats["history"])
    return out, ({**floats, "history": past}, fixed)


def _backward(static, memory, bars):
    floats, fixed = memory
    task = static.task
    known = (
        floats["numbers"], fixed["others"], floats["y"], floats["noise"], floats["history"],
        fixed["index"], fixed["high"], floats["inputs"],
    )  # fmt: skip
    history, kept = adjoint.again(task, known)
    samples = {name: kept["y"][name] for name in task.wanted}
    y_bar, noise_bar, history_bar, seen_bar, out_bar = bars
    read = {name: floats[name] for name in ("light", "seen", "closed")}

    def observed(read, samples):
        numbers, others, _ = _divide(_feed(static, {**floats, **read}, fixed, samples))
        return numbers, others

    _, pull, _ = jax.vjp(observed, read, samples, has_aux=True)
    leaves = jax.tree.leaves((seen_bar, out_bar))
    # Bars of counts and the like have no numbers.
    read_bar, samples_bar = pull([bar for bar in leaves if bar.dtype != jax.dtypes.float0])
    bars = (y_bar, noise_bar, history_bar, samples_bar)
    numbers_bar, _, y_bar, noise_bar, past_bar, _, _, inputs_bar = adjoint.pull_back(
        task, known, history, kept, bars
    )
    network = {"numbers": numbers_bar, "y": y_bar, "noise": noise_bar, "history": past_bar}
    return {**network, **read_bar, "inputs": inputs_bar}, None


_watched.defvjp(_remember, _backward)
