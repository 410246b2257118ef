"""The derivative of a superblock with delayed coupling, by its own adjoint.

The adjoint of a delayed weighted sum is the same kind of sum with weights and delays transposed and
time reversed, so the reverse pass runs the forward kernel instead of scattering into the history.
Only what enters a superblock is remembered; its steps are computed again and its noise is drawn
again. Within a step the derivative is that of JAX.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from . import blocks

__all__ = ["Task", "again", "join", "past_of", "pull_back", "split", "superblock"]


@dataclass(frozen=True)
class Task:
    """The static part of one superblock.

    Attributes
    ----------
    rules : SystemRules
        The system.
    wanted : tuple of str
        States whose samples are returned.
    length : int
        Most steps to run, in whole blocks; how many are run is a value.
    tree : PyTreeDef
        Structure of the prepared values.
    floats : tuple of bool
        Which of their leaves can be differentiated.
    heavy : tuple of bool
        Which of those are weights of delayed edges, which no single step reads.
    weights : bool
        Whether the weights of the edges are differentiated.
    """

    rules: Any
    wanted: tuple[str, ...]
    length: int
    tree: Any
    floats: tuple[bool, ...]
    heavy: tuple[bool, ...]
    weights: bool


def split(prepared) -> tuple[list, list, tuple[Any, tuple, tuple]]:
    """Return the floating-point leaves, the other leaves, and what puts them together again."""
    paths, tree = jax.tree.flatten_with_path(prepared)
    leaves = [leaf for _, leaf in paths]
    floats = tuple(jnp.issubdtype(leaf.dtype, jnp.floating) for leaf in leaves)
    heavy = tuple(
        any(getattr(key, "key", None) == "blocked" for key in path)
        for (path, _), f in zip(paths, floats, strict=True)
        if f
    )
    numbers = [leaf for leaf, f in zip(leaves, floats, strict=True) if f]
    others = [leaf for leaf, f in zip(leaves, floats, strict=True) if not f]
    return numbers, others, (tree, floats, heavy)


def join(task: Task, numbers, others):
    """Return the prepared values."""
    numbers, others = iter(numbers), iter(others)
    leaves = [next(numbers) if f else next(others) for f in task.floats]
    return jax.tree.unflatten(task.tree, leaves)


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
    from .program import _block_stepper, _normal, _write_history

    rules, block = task.rules, task.rules.block
    z = _normal(rules, prepared, index)
    none: list = [()] * len(rules.pathways)

    def one_block(loop, offset):
        y, noise, history = loop
        step = _block_stepper(rules, prepared, index, z, inputs, offset)
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
        history = _write_history(rules, prepared, history, rows["y"], offset, done)
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
    from .program import _normal

    numbers, others, y, noise, _, index, high, inputs = memory
    block = task.rules.block
    prepared = join(task, numbers, others)
    y_bar, noise_bar, history_bar, samples_bar = bars
    steps = _Steps(task, numbers, others, y, noise, kept, index, high, inputs, _normal)
    slopes = steps.slopes()

    def reverse_block(loop, offset):
        bar, sums_bar = loop
        sent_bar = _sent_bars(task, prepared, history_bar, sums_bar, offset)
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
        return (bar, _add_sums(task, sums_bar, here_bar, offset)), (after, own)

    state_bar = {"y": y_bar, "noise": noise_bar}
    loop = (jax.tree.leaves(state_bar), _no_sums(task))
    offsets = block * jnp.arange(task.length // block)
    (bar, sums_bar), rows = lax.scan(reverse_block, loop, offsets, reverse=True)
    after, sent = jax.tree.map(lambda a: a.reshape(-1, *a.shape[2:]), rows)
    light_bar, given_bar = steps.pull(after, sent)
    weights = [jnp.zeros_like(n) for n, h in zip(numbers, task.heavy, strict=True) if h]
    numbers_bar = _merge(task, light_bar, weights)
    if task.weights:
        numbers_bar = _add_weights(task, prepared, numbers_bar, history, sums_bar)
    state_bar = jax.tree.unflatten(jax.tree.structure(state_bar), bar)
    past_bar = _past_bars(task, prepared, history_bar, sums_bar)
    first = (state_bar["y"], state_bar["noise"], past_bar)
    return numbers_bar, None, *first, None, None, _inputs_bar(inputs, given_bar)


def _to_length(rows, length: int):
    return jnp.pad(rows, [(0, length - rows.shape[0])] + [(0, 0)] * (rows.ndim - 1))


class _Steps:
    """All steps of a superblock at once, as functions of the states before them.

    The model is elementwise over regions, so the Jacobian of a step is a few numbers per region;
    computed for all steps together, it leaves only a tiny loop to the reverse pass.
    """

    def __init__(self, task, numbers, others, y, noise, kept, index, high, inputs, normal):
        rules = task.rules
        self.task, self.others = task, others
        self.light = [n for n, h in zip(numbers, task.heavy, strict=True) if not h]
        self.weights = [n for n, h in zip(numbers, task.heavy, strict=True) if h]
        prepared = join(task, numbers, others)
        first = {"y": y, "noise": noise}
        done = jnp.arange(task.length) < high

        def filled(a, rows):
            """Put a state that is surely valid where no step was run."""
            shape = (-1,) + (1,) * (rows.ndim - 1)
            return jnp.where(done.reshape(shape), rows, a.astype(rows.dtype))

        after = jax.tree.map(filled, first, {kind: kept[kind] for kind in first})
        before = jax.tree.map(
            lambda a, r: jnp.concatenate([a[None].astype(r.dtype), r[:-1]]), first, after
        )
        self.after = jax.tree.leaves(after)
        self.leaves, self.tree = jax.tree.flatten(before)
        cut = partial(lax.slice_in_dim, start_index=0, limit_index=task.length, axis=0)
        self.z, self.given = jax.tree.map(cut, (normal(rules, prepared, index), inputs))
        self.position = index * rules.superblock + jnp.arange(task.length)
        self.sums = jax.tree.map(self._by_step, kept["sums"])

    def _by_step(self, sums):
        """Return the sums at the start and at the end of every step: ``(steps, 2, ...)``."""
        rules = self.task.rules
        ends = (0, rules.lookahead)
        both = [sums[:, e : e + rules.block].reshape(-1, *sums.shape[2:]) for e in ends]
        return jnp.stack(both, axis=1)

    @property
    def names(self) -> list[str]:
        """Names of the differentiated leaves: states, then empty for noise."""
        paths, _ = jax.tree.flatten_with_path(jax.tree.unflatten(self.tree, self.leaves))
        return [path[-1].key if path[0].key == "y" else "" for path, _ in paths]

    def _step(self, light, leaves, sums, given, z, position):
        from .program import _stage

        task, rules = self.task, self.task.rules
        prepared = join(task, _merge(task, light, self.weights), self.others)
        state = jax.tree.unflatten(self.tree, leaves)
        full = {
            name: jnp.broadcast_to(row.astype(rules.dtype), rules.full_shape)
            for name, row in given.items()
        }
        t = position * jnp.asarray(rules.dt, rules.dtype)
        stage = partial(_stage, rules, prepared, 0, sums, [()] * len(rules.pathways))
        y, noise = rules.step(prepared, state["y"], state["noise"], z, full, t, stage)
        return jax.tree.leaves({"y": y, "noise": noise})

    def _all(self, light, leaves, sums, given):
        return jax.vmap(self._step, in_axes=(None, 0, 0, 0, 0, 0))(
            light, leaves, sums, given, self.z, self.position
        )

    def slopes(self) -> dict:
        """Return the derivatives of every step.

        ``state[k][j]`` of leaf k after by leaf j before; ``sums[e][f][k]`` by feature f at the
        start or end of the step; ``sent[f][k]`` of what is sent by the state after.
        """

        def by_leaves(leaves):
            return self._all(self.light, leaves, self.sums, self.given)

        state = _columns(by_leaves, self.leaves)

        def by_sums(sums):
            return self._all(self.light, self.leaves, jax.tree.unflatten(tree, sums), self.given)

        flat, tree = jax.tree.flatten(self.sums)
        ends = range(1 + self.task.rules.lookahead)
        sums = [
            [jax.jvp(by_sums, (flat,), (_only(flat, f, e),))[1] for f in range(len(flat))]
            for e in ends
        ]
        sent = _columns(partial(self._sent, self.light), self.after)
        return {"state": state, "sums": sums, "sent": sent}

    def _sent(self, light, leaves):
        from .program import _sent

        task = self.task
        prepared = join(task, _merge(task, light, self.weights), self.others)

        def one(leaves):
            y = jax.tree.unflatten(self.tree, leaves)["y"]
            return [f for features in _sent(task.rules, prepared, y) for f in features]

        return jax.vmap(one)(leaves)

    def pull(self, after, sent):
        """Return the bars of parameters and inputs from those of the steps and of what is sent."""

        def by_values(light, given):
            leaves = self._all(light, self.leaves, self.sums, given)
            return leaves, self._sent(light, self.after)

        return jax.vjp(by_values, self.light, self.given)[1]((after, sent))


def _columns(function, leaves) -> list:
    """Return the derivatives of an elementwise function: ``[output][input]``."""
    columns = []
    for j in range(len(leaves)):
        tangents = [jnp.ones_like(a) if k == j else jnp.zeros_like(a) for k, a in enumerate(leaves)]
        columns.append(jax.jvp(function, (leaves,), (tangents,))[1])
    return [[column[k] for column in columns] for k in range(len(columns[0]))]


def _only(flat, f: int, end: int) -> list:
    """Return the tangent that moves one feature at one end of every step."""
    out = [jnp.zeros_like(a) for a in flat]
    out[f] = out[f].at[:, end].set(1.0)
    return out


def _merge(task: Task, light, weights) -> list:
    light, weights = iter(light), iter(weights)
    return [next(weights) if h else next(light) for h in task.heavy]


def _inputs_bar(inputs, given) -> dict:
    return {
        name: _to_length(given[name], rows.shape[0]).astype(rows.dtype)
        for name, rows in inputs.items()
    }


def _no_sums(task: Task) -> list:
    """Return zero bars of the sums, node-major: the past, the superblock, and room behind."""
    rules = task.rules
    out = []
    for path, width in zip(rules.pathways, _features(task), strict=True):
        length = 2 * path.plan[1] + rules.superblock + 2 * rules.block + 2
        zeros = jnp.zeros((*rules.full_shape, length), rules.dtype)
        out.append(tuple(zeros for _ in range(width)))
    return out


def _features(task: Task) -> list[int]:
    return [path.feature_count if path.delayed else 0 for path in task.rules.pathways]


def _add_sums(task: Task, sums_bar, here, offset) -> list:
    """Add the bars of one block's sums; the past comes first in the buffer."""
    out, f = [], 0
    for path, buffers in zip(task.rules.pathways, sums_bar, strict=True):
        added = []
        for buffer in buffers:
            for end, stage in enumerate(here):
                columns = jnp.moveaxis(stage[f], 0, -1)
                at = path.plan[1] + offset + end
                old = lax.dynamic_slice_in_dim(buffer, at, columns.shape[-1], -1)
                buffer = lax.dynamic_update_slice_in_dim(buffer, old + columns, at, -1)
            added.append(buffer)
            f += 1
        out.append(tuple(added))
    return out


def _transposed_sum(path, edges, buffer, column, width: int):
    """Return what the sums send back to the samples from ``column`` of the history on."""
    total = 0.0
    target, edge = edges["back"]
    for weight, delay in edges["reads"]:
        flat_weight = jnp.append(weight.reshape(-1), 0.0)[edge]
        flat_delay = jnp.append(delay.reshape(-1), path.plan[1])[edge]
        total = total + blocks.delayed_sum(buffer, flat_weight, target, flat_delay + column, width)
    return jnp.moveaxis(total, 0, -1)


def _sent_bars(task: Task, prepared, history_bar, sums_bar, offset) -> list:
    """Return the bars of what the steps of one block have sent."""
    rules = task.rules
    out = []
    for path, p, bars, buffers in zip(
        rules.pathways, prepared["paths"], history_bar, sums_bar, strict=True
    ):
        if not path.delayed:
            out.append(())
            continue
        column = path.plan[1] + 1 + offset
        out.append(
            tuple(
                lax.dynamic_slice_in_dim(bar, column, rules.block, -1)
                + _transposed_sum(path, p["blocked"], buffer, column, rules.block)
                for bar, buffer in zip(bars, buffers, strict=True)
            )
        )
    return out


def _past_bars(task: Task, prepared, history_bar, sums_bar) -> list:
    """Return the bars of the history that the superblock found."""
    rules = task.rules
    out = []
    for path, p, bars, buffers in zip(
        rules.pathways, prepared["paths"], history_bar, sums_bar, strict=True
    ):
        if not path.delayed:
            out.append(())
            continue
        length = path.plan[1] + 1
        count = -(-length // rules.block)
        new = []
        for bar, buffer in zip(bars, buffers, strict=True):

            def part(k, path=path, p=p, buffer=buffer):
                return _transposed_sum(path, p["blocked"], buffer, k * rules.block, rules.block)

            parts = lax.map(part, jnp.arange(count))
            columns = jnp.moveaxis(parts, 0, -2)
            columns = columns.reshape(*columns.shape[:-2], count * rules.block)[..., :length]
            ahead = bar.shape[-1] - length
            columns = columns + bar[..., :length]
            new.append(jnp.pad(columns, [(0, 0)] * (columns.ndim - 1) + [(0, ahead)]))
        out.append(tuple(new))
    return out


def _add_weights(task: Task, prepared, numbers_bar, history, sums_bar):
    """Add the bars of the edge weights: each window of the history against its sums."""
    rules = task.rules
    count = -(-(task.length + rules.lookahead) // rules.block)
    bars = jax.tree.map(jnp.zeros_like, prepared)
    for path, p, bar, features, buffers in zip(
        rules.pathways, prepared["paths"], bars["paths"], history, sums_bar, strict=True
    ):
        if not path.delayed:
            continue
        reads = []
        for weight, delay in p["blocked"]["reads"]:

            def add(k, total, path=path, p=p, features=features, buffers=buffers, delay=delay):
                column = k * rules.block
                for feature, buffer in zip(features, buffers, strict=True):
                    sums = lax.dynamic_slice_in_dim(buffer, path.plan[1] + column, rules.block, -1)
                    start = path.plan[1] - delay + column
                    pair = partial(_edge_products, p["blocked"]["source"], start, rules.block)
                    flat = jnp.vectorize(pair, signature="(n,l),(n,b)->(n,k)")(feature, sums)
                    total = total + flat.reshape(-1, *total.shape).sum(0)
                return total

            reads.append((lax.fori_loop(0, count, add, jnp.zeros_like(weight)), delay))
        bar["blocked"]["reads"] = tuple(reads)
    leaves = [leaf for leaf, f in zip(jax.tree.leaves(bars), task.floats, strict=True) if f]
    return jax.tree.map(jnp.add, numbers_bar, leaves)


def _edge_products(source, start, width: int, history, sums):
    """Return for every edge the product of its window with the sums of its target."""
    windows = blocks.windows(history, source, start, width)
    return jnp.einsum("ib,ijb->ij", sums, windows)


superblock.defvjp(_remember, _backward)
