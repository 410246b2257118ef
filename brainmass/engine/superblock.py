"""The steps of one superblock, with bounds that are values or fixed.

A superblock is the stretch for which noise is drawn at once; within it, blocks are what delayed
coupling is summed for, and steps are a small loop that is never unrolled.
"""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from . import truncation
from .system import SystemRules

__all__ = [
    "block_stepper",
    "dynamic_superblock",
    "input_rows",
    "normal",
    "recent_samples",
    "sent_features",
    "shift_history",
    "single_step",
    "stage_inputs",
    "static_superblock",
    "write_history",
]


def input_rows(rules, drive, relative, index, drive_function) -> dict:
    """Return the rows of external input of one superblock, by inlet."""
    size = rules.superblock
    rows = {
        name: lax.dynamic_slice_in_dim(array, relative * size, size, 0)
        for name, array in drive.items()
    }
    if drive_function is not None:
        steps = index * size + jnp.arange(size)
        rows |= jax.vmap(drive_function)(steps)
    return rows


def block_stepper(rules: SystemRules, prepared, index, z, inputs, offset):
    """Return the step function ``(y, noise, lane, sums, recent) -> (y, noise)`` of one block.

    Everything it reads is cut to the block first: the compiler turns a loop over small arrays into
    one kernel, and a loop over large ones into many.
    """
    cut = partial(lax.dynamic_slice_in_dim, start_index=offset, slice_size=rules.block, axis=0)
    z, inputs = jax.tree.map(cut, (z, inputs))

    def step(y, noise, lane, sums, recent):
        now = {slot: array[lane] for slot, array in z.items()}
        given = {
            name: jnp.broadcast_to(rows[lane].astype(rules.dtype), rules.full_shape)
            for name, rows in inputs.items()
        }
        j = index * rules.superblock + offset + lane
        t = j * jnp.asarray(rules.dt, rules.dtype)
        stage = partial(stage_inputs, rules, prepared, lane, sums, recent)
        return rules.step(prepared, y, noise, now, given, t, stage)

    return step


def stage_inputs(rules, prepared, lane, sums, recent, y, c):
    """Return the inputs by coupling at one stage of a step."""
    return rules.coupling_inputs(prepared, y, c, lane, sums, recent)


def normal(rules: SystemRules, prepared, index) -> dict:
    """Return the normal numbers of a superblock."""
    return rules.normal(prepared, index, (rules.superblock,))


def recent_samples(rules: SystemRules, history, offset) -> list:
    """Return, where short edges need them, the samples from a block before to a block after."""
    out = []
    for path, features in zip(rules.pathways, history, strict=True):
        if path.delayed and path.plan[3]:
            first = path.plan[1] + offset - rules.block
            width = 2 * rules.block + 1
            out.append(tuple(lax.dynamic_slice_in_dim(h, first, width, -1) for h in features))
        else:
            out.append(())
    return out


def sent_features(rules: SystemRules, prepared, y) -> list:
    """Return the features that every delayed pathway sends, as bare arrays."""
    out = []
    for path, p in zip(rules.pathways, prepared["paths"], strict=True):
        if not path.delayed:
            out.append(())
            continue
        features, _ = path.features(p, path.sent(rules.node, prepared["params"], y))
        out.append(
            tuple(jnp.broadcast_to(jnp.asarray(f, rules.dtype), rules.full_shape) for f in features)
        )
    return out


def _append_recent(rules: SystemRules, prepared, recent, y, lane) -> list:
    if not any(recent):
        return recent
    out = []
    for features, new in zip(recent, sent_features(rules, prepared, y), strict=True):
        column = rules.block + 1 + lane
        out.append(
            tuple(
                lax.dynamic_update_slice_in_dim(r, n[..., None], column, -1)
                for r, n in zip(features, new, strict=False)
            )
        )
    return out


def dynamic_superblock(rules, wanted, prepared, carry, index, low, high, inputs):
    """Run the steps ``low`` to ``high`` of one superblock; the bounds are values."""
    size, block = rules.superblock, rules.block
    z = normal(rules, prepared, index)
    delayed = any(path.delayed for path in rules.pathways)
    needed = tuple(rules.node.states) if delayed else wanted
    samples = {n: jnp.zeros((size, *rules.full_shape), rules.dtype) for n in wanted}

    def one_block(b, loop):
        y, noise, history, samples = loop
        offset = b * block
        step = block_stepper(rules, prepared, index, z, inputs, offset)
        sums = rules.block_sums(prepared, history, offset)
        rows = {n: jnp.zeros((block, *rules.full_shape), rules.dtype) for n in needed}
        first, last = jnp.maximum(low - offset, 0), jnp.minimum(high - offset, block)

        def one_step(lane, loop):
            y, noise, recent, rows = loop
            y, noise = step(y, noise, lane, sums, recent)
            recent = _append_recent(rules, prepared, recent, y, lane)
            rows = {n: lax.dynamic_update_index_in_dim(rows[n], y[n], lane, 0) for n in rows}
            return y, noise, recent, rows

        loop = (y, noise, recent_samples(rules, history, offset), rows)
        y, noise, _, rows = lax.fori_loop(first, last, one_step, loop)
        if delayed:
            lanes = jnp.arange(block)
            done = (lanes >= first) & (lanes < last)
            history = write_history(rules, prepared, history, rows, offset, done)
        samples = {
            n: lax.dynamic_update_slice_in_dim(samples[n], rows[n], offset, 0) for n in samples
        }
        return y, noise, history, samples

    loop = (carry["y"], carry["noise"], carry["history"], samples)
    y, noise, history, samples = lax.fori_loop(low // block, -(-high // block), one_block, loop)
    history = shift_history(rules, history, jnp.where(high == size, size, 0))
    return {"y": y, "noise": noise, "history": history}, samples


@partial(jax.jit, static_argnums=0, inline=True)
def single_step(rules: SystemRules, values: dict, carry: dict, position, inputs: dict) -> dict:
    """Run the one step at the absolute ``position``; noise comes from the key in ``values``."""
    prepared = rules.prepare(values)
    low = position % rules.superblock
    offset = low // rules.block * rules.block
    lane = low - offset
    z = rules.normal(prepared, 0, ())
    history = carry["history"]
    sums = rules.block_sums(prepared, history, offset)
    stage = partial(
        stage_inputs, rules, prepared, lane, sums, recent_samples(rules, history, offset)
    )
    t = position * jnp.asarray(rules.dt, rules.dtype)
    y, noise = rules.step(prepared, carry["y"], carry["noise"], z, inputs, t, stage)
    if any(path.delayed for path in rules.pathways):
        lanes = jnp.arange(rules.block)
        rows = {n: jnp.broadcast_to(v, (rules.block, *v.shape)) for n, v in y.items()}
        history = write_history(rules, prepared, history, rows, offset, lanes == lane)
        last = low + 1 == rules.superblock
        history = shift_history(rules, history, jnp.where(last, rules.superblock, 0))
    return {"y": y, "noise": noise, "history": history}


def write_history(rules: SystemRules, prepared, history, rows, offset, done=None) -> list:
    """Append what a block has sent; steps that were not done keep what is there."""
    sent = jax.vmap(partial(sent_features, rules, prepared))(rows)
    out = []
    for path, features, new in zip(rules.pathways, history, sent, strict=True):
        written = []
        for h, f in zip(features, new, strict=True):
            columns = jnp.moveaxis(f, 0, -1)
            at = path.plan[1] + 1 + offset
            if done is not None:
                old = lax.dynamic_slice_in_dim(h, at, rules.block, -1)
                columns = jnp.where(done, columns, old)
            written.append(lax.dynamic_update_slice_in_dim(h, columns, at, -1))
        out.append(tuple(written))
    return out


def shift_history(rules: SystemRules, history, by) -> list:
    """Move the end of a finished superblock to where the next one expects its past."""
    out = []
    for path, features in zip(rules.pathways, history, strict=True):
        kept = path.plan[1] + 1 if path.delayed else 0
        out.append(
            tuple(
                lax.dynamic_update_slice_in_dim(h, lax.dynamic_slice_in_dim(h, by, kept, -1), 0, -1)
                for h in features
            )
        )
    return out


def static_superblock(rules, wanted, prepared, carry, index, low: int, high: int, inputs):
    """Run the steps ``low`` to ``high`` of one superblock; fixed bounds, differentiable."""
    size, block = rules.superblock, rules.block
    z = normal(rules, prepared, index)
    delayed = any(path.delayed for path in rules.pathways)
    needed = tuple(rules.node.states) if delayed else wanted
    # History enters a whole block at once, so where there is one, windows begin with blocks.
    cut = truncation.cutter(rules.dt, block if delayed else 1)

    def some_steps(loop, offset, first: int, last: int):
        y, noise, history = cut(loop, index * size + offset) if delayed else loop
        step = block_stepper(rules, prepared, index, z, inputs, offset)
        sums = rules.block_sums(prepared, history, offset)

        def one_step(loop, lane):
            y, noise, recent = loop if delayed else cut(loop, index * size + offset + lane)
            y, noise = step(y, noise, lane, sums, recent)
            recent = _append_recent(rules, prepared, recent, y, lane)
            return (y, noise, recent), {n: y[n] for n in needed}

        loop = (y, noise, recent_samples(rules, history, offset))
        (y, noise, _), rows = lax.scan(one_step, loop, jnp.arange(first, last))
        if delayed:
            full = first == 0 and last == block
            padded = rows
            if not full:
                padded = {
                    n: jnp.pad(r, [(first, block - last)] + [(0, 0)] * (r.ndim - 1))
                    for n, r in rows.items()
                }
            lanes = np.arange(block)
            done = None if full else jnp.asarray((lanes >= first) & (lanes < last))
            history = write_history(rules, prepared, history, padded, offset, done)
        return (y, noise, history), {n: rows[n] for n in wanted}

    loop = (carry["y"], carry["noise"], carry["history"])
    parts = []
    position = low
    while position < high:
        offset = position // block * block
        full = (high - position) // block
        if position == offset and full > 1:
            loop, rows = lax.scan(
                lambda loop, at: some_steps(loop, at, 0, block),
                loop,
                offset + block * jnp.arange(full),
            )
            parts.append({n: r.reshape(-1, *r.shape[2:]) for n, r in rows.items()})
            position += full * block
        else:
            last = min(high - offset, block)
            loop, rows = some_steps(loop, offset, position - offset, last)
            parts.append(rows)
            position = offset + last
    y, noise, history = loop
    samples = {n: jnp.concatenate([part[n] for part in parts]) for n in wanted}
    if high == size:
        history = shift_history(rules, history, size)
    return {"y": y, "noise": noise, "history": history}, samples
