"""From the rules of a system to the program that runs a chunk of it.

Three levels of loops: superblocks, blocks and steps. Blocks and superblocks lie on a grid of
absolute steps and the bounds of the loops are values, so one program serves every duration, and
where a run is cut changes no bit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from .superblock import dynamic_superblock, input_rows
from .system import SystemRules

__all__ = ["Program", "Recording", "capacity", "chunk_function", "kept_before"]

_OUTPUT_NUMBERS = 2**18


@dataclass(frozen=True)
class Recording:
    """What is kept of a run: which states are needed, how often, and what is made of them.

    ``numbers`` is the size of one sample. With observers, ``watch`` holds them, and ``plain`` names
    the states of which samples are kept.
    """

    states: tuple[str, ...]
    every: int
    observe: Callable[[dict, dict], Any]
    numbers: int = 1
    plain: tuple[str, ...] | None = None
    watch: Any = None

    @property
    def recorded(self) -> tuple[str, ...]:
        """States of which samples are kept."""
        return self.states if self.plain is None else self.plain

    def picks(self, superblock: int) -> int:
        """Return the largest number of samples kept in a superblock."""
        return -(-superblock // self.every)


@dataclass(frozen=True)
class Program:
    """A compiled chunk function: it holds code and shapes, no model.

    Attributes
    ----------
    call : callable
        ``(values, carry, start, stop, origin, drive) -> (carry, out, ok)``.
    rows : int
        How many samples one call can hold.
    sample : pytree
        Abstract samples of one call.
    """

    call: Callable
    rows: int
    sample: Any

    @classmethod
    def compile(cls, function, example: tuple, rows: int) -> Program:
        """Trace and compile for arguments shaped like ``example``."""
        lowered = jax.jit(function).lower(*example)
        return cls(lowered.compile(), rows, lowered.out_info[1])

    def empty(self):
        """Return samples of no step at all."""
        return jax.tree.map(
            lambda a: jax.device_put(np.zeros((0, *a.shape[1:]), a.dtype)), self.sample
        )


def kept_before(step, origin, every: int):
    """Return how many samples are kept before ``step``, when ``origin`` ends the transient."""
    maximum = np.maximum if isinstance(step, int | np.integer) else jnp.maximum
    return maximum(step - origin, 0) // every


def capacity(row_numbers: int, every: int) -> int:
    """Return how many samples one call of the program can hold; fewer where few are kept."""
    rows = np.clip(_OUTPUT_NUMBERS // max(1, row_numbers), 64, 16384)
    return int(max(64, rows // min(every, 2)))


def chunk_function(rules: SystemRules, recording: Recording, rows: int, drive_function=None):
    """Return the function ``(values, carry, start, stop, origin, drive) -> (carry, out, ok)``.

    ``start``, ``stop`` and ``origin`` are absolute steps; ``drive`` holds the rows of external
    input from the superblock of ``start`` on.
    """
    size = rules.superblock

    def chunk(values, carry, start, stop, origin, drive):
        prepared = rules.prepare(values)
        given = drive_function and partial(drive_function, values["drive"])
        before = kept_before(start, origin, recording.every)
        lanes = jnp.arange(recording.picks(size)) * recording.every

        def kept(index, low, samples):
            count = kept_before(index * size + low, origin, recording.every)
            first = origin + (count + 1) * recording.every - 1 - index * size
            picked = jax.tree.map(partial(_picked, recording.every, first, lanes), samples)
            return count - before, jax.vmap(partial(recording.observe, values))(picked)

        shapes = jax.eval_shape(
            recording.observe,
            values,
            {n: jax.ShapeDtypeStruct(rules.full_shape, rules.dtype) for n in recording.recorded},
        )
        total = rows + recording.picks(size)
        out = jax.tree.map(lambda a: jnp.zeros((total, *a.shape), a.dtype), shapes)
        watch = recording.watch
        seen: Any = None
        if watch is not None:
            carry = dict(carry)
            seen = watch.begin(values, carry.pop("watch"))

        def superblock(index, loop):
            carry, out, seen = loop
            low = jnp.maximum(start - index * size, 0)
            high = jnp.minimum(stop - index * size, size)
            inputs = input_rows(rules, drive, index - start // size, index, given)
            carry, samples = dynamic_superblock(
                rules, recording.states, prepared, carry, index, low, high, inputs
            )
            if watch is not None:
                seen = watch.superblock(values, seen, samples, index, low, high, span)
            if not recording.recorded:
                return carry, out, seen
            at, observed = kept(index, low, {name: samples[name] for name in recording.recorded})
            out = jax.tree.map(
                lambda o, n: lax.dynamic_update_slice_in_dim(o, n.astype(o.dtype), at, 0),
                out,
                observed,
            )
            return carry, out, seen

        span = (start, stop, origin)
        loop = (carry, out, seen)
        carry, out, seen = lax.fori_loop(start // size, -(-stop // size), superblock, loop)
        ok = jnp.array(True)
        for leaf in jax.tree.leaves((carry["y"], carry["noise"])):
            ok &= jnp.isfinite(leaf).all()
        if watch is not None:
            carry["watch"], watched = watch.end(values, seen)
            out = (out, watched)
        return carry, out, ok

    return chunk


def _picked(every: int, first, lanes, rows):
    """Return the rows ``first + lanes``; what lies past the end is anything, nobody keeps it."""
    size = rows.shape[0]
    if every == 1:  # a copy of what lies side by side, many times faster than a gather
        return lax.dynamic_slice_in_dim(jnp.concatenate([rows, rows]), first, size, 0)
    return jnp.take(rows, jnp.clip(first + lanes, 0, size - 1), axis=0)
