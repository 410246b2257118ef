"""The derivative of a superblock with delayed coupling, by its own adjoint.

The adjoint of a delayed weighted sum is the same kind of sum with weights and delays transposed and
time reversed, so the reverse pass runs the forward kernel instead of scattering into the history.
Only what enters a superblock is remembered; its steps are computed again and its noise is drawn
again. Within a step the derivative is that of JAX.
"""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
from jax import lax

from .adjoint_edges import add_sums, add_weights, no_sums, past_bars, sent_bars
from .adjoint_steps import Steps, Task, join, merge, split
from .superblock import block_stepper, normal, write_history

__all__ = ["Task", "again", "join", "past_of", "pull_back", "split", "superblock"]


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def superblock(task: Task, numbers, others, y, noise, history, index, high, inputs) -> tuple:
    """Run the first ``high`` steps; returns states, noise, unshifted history, samples."""
    prepared = join(task, numbers, others)
    carry, kept = _forward(task, prepared, y, noise, history, index, high, inputs)
    return (*carry, {name: kept["y"][name] for name in task.wanted})


def _forward(task, prepared, y, noise, history, index, high, inputs):
    """Run block by block, keeping states and noise after every step and the sums of every block.

    The bounds of the small loops are values: the compiler makes one kernel of such a loop.
    """
    rules, block = task.rules, task.rules.block
    z = normal(rules, prepared, index)
    none: list = [()] * len(rules.pathways)

    def one_block(loop, offset):
        y, noise, history = loop
        step = block_stepper(rules, prepared, index, z, inputs, offset)
        sums = rules.block_sums(prepared, history, offset)

        def one_step(lane, loop):
            state, rows = loop
            y, noise = step(state["y"], state["noise"], lane, sums, none)
            state = {"y": y, "noise": noise}
            write = partial(lax.dynamic_update_index_in_dim, index=lane, axis=0)
            return state, jax.tree.map(write, rows, state)

        state = {"y": y, "noise": noise}
        rows = jax.tree.map(lambda a: jnp.zeros((block, *a.shape), rules.dtype), state)
        lanes = _lanes(block, offset, high)
        state, rows = lax.fori_loop(0, lanes, one_step, (state, rows))
        done = jnp.arange(block) < lanes
        history = write_history(rules, prepared, history, rows["y"], offset, done)
        return (state["y"], state["noise"], history), {**rows, "sums": sums}

    loop, kept = lax.scan(one_block, (y, noise, history), block * jnp.arange(task.length // block))
    flat = jax.tree.map(
        lambda a: a.reshape(-1, *a.shape[2:]), {"y": kept["y"], "noise": kept["noise"]}
    )
    return loop, {**flat, "sums": kept["sums"]}


def _lanes(block: int, offset, high):
    """Return how many steps of the block at ``offset`` are run."""
    return jnp.clip(lax.optimization_barrier(jnp.int32(high)) - offset, 0, block)


def _remember(task, numbers, others, y, noise, history, index, high, inputs):
    out = superblock(task, numbers, others, y, noise, history, index, high, inputs)
    return out, (numbers, others, y, noise, past_of(task, history), index, high, inputs)


def past_of(task: Task, history) -> list:
    """Return the part of the history that a superblock reads."""
    return [
        tuple(h[..., : path.plan[1] + 1] for h in features)
        for path, features in zip(task.rules.pathways, history, strict=True)
    ]


def again(task: Task, memory):
    """Run the superblock once more; returns the history after it, and all states and sums."""
    numbers, others, y, noise, past, index, high, inputs = memory
    history = [
        tuple(jnp.pad(h, [(0, 0)] * (h.ndim - 1) + [(0, task.rules.superblock)]) for h in features)
        for features in past
    ]
    prepared = join(task, numbers, others)
    (_, _, history), kept = _forward(task, prepared, y, noise, history, index, high, inputs)
    return history, kept


def _backward(task: Task, memory, bars):
    history, kept = again(task, memory)
    return pull_back(task, memory, history, kept, bars)


def pull_back(task: Task, memory, history, kept, bars):
    """Return the bars of what entered the superblock from those of what left it."""
    numbers, others, y, noise, _, index, high, inputs = memory
    block = task.rules.block
    prepared = join(task, numbers, others)
    y_bar, noise_bar, history_bar, samples_bar = bars
    steps = Steps(task, numbers, others, y, noise, kept, index, high, inputs)
    slopes = steps.slopes()

    def reverse_block(loop, offset):
        bar, sums_bar = loop
        sent_bar = sent_bars(task, prepared, history_bar, sums_bar, offset)
        cut = partial(lax.dynamic_slice_in_dim, start_index=offset, slice_size=block, axis=0)
        here, extra = jax.tree.map(cut, (slopes, samples_bar))
        lanes = _lanes(block, offset, high)
        done = jnp.arange(block) < lanes
        own = [jnp.moveaxis(jnp.where(done, f, 0), -1, 0) for fs in sent_bar for f in fs]

        def reverse_step(k, loop):
            """Collect what reaches the states after the step, then pass it through the step."""
            bar, after = loop
            lane = lanes - 1 - k
            bar = [
                b + extra[n][lane] if n in extra else b
                for n, b in zip(steps.names, bar, strict=True)
            ]
            for f, feature in enumerate(own):
                for k, slope in enumerate(here["sent"][f]):
                    bar[k] = bar[k] + slope[lane] * feature[lane]
            passed = [
                sum(here["state"][k][j][lane] * bar[k] for k in range(len(bar)))
                for j in range(len(bar))
            ]
            write = partial(lax.dynamic_update_index_in_dim, index=lane, axis=0)
            return passed, jax.tree.map(write, after, bar)

        after = [jnp.zeros((block, *b.shape), b.dtype) for b in bar]
        bar, after = lax.fori_loop(0, lanes, reverse_step, (bar, after))
        here_bar = [
            [sum(s * a for s, a in zip(column, after, strict=True)) for column in stage]
            for stage in here["sums"]
        ]
        return (bar, add_sums(task, sums_bar, here_bar, offset)), (after, own)

    state_bar = {"y": y_bar, "noise": noise_bar}
    loop = (jax.tree.leaves(state_bar), no_sums(task))
    offsets = block * jnp.arange(task.length // block)
    (bar, sums_bar), rows = lax.scan(reverse_block, loop, offsets, reverse=True)
    after, sent = jax.tree.map(lambda a: a.reshape(-1, *a.shape[2:]), rows)
    light_bar, given_bar = steps.pull(after, sent)
    weights = [jnp.zeros_like(n) for n, h in zip(numbers, task.heavy, strict=True) if h]
    numbers_bar = merge(task, light_bar, weights)
    if task.weights:
        numbers_bar = add_weights(task, prepared, numbers_bar, history, sums_bar)
    state_bar = jax.tree.unflatten(jax.tree.structure(state_bar), bar)
    past_bar = past_bars(task, prepared, history_bar, sums_bar)
    first = (state_bar["y"], state_bar["noise"], past_bar)
    return numbers_bar, None, *first, None, None, _inputs_bar(inputs, given_bar)


def _to_length(rows, length: int):
    return jnp.pad(rows, [(0, length - rows.shape[0])] + [(0, 0)] * (rows.ndim - 1))


def _inputs_bar(inputs, given) -> dict:
    return {
        name: _to_length(given[name], rows.shape[0]).astype(rows.dtype)
        for name, rows in inputs.items()
    }


superblock.defvjp(_remember, _backward)
