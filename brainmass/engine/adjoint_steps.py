"""All steps of a superblock at once: the derivatives of each, and what they are made of."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from .superblock import normal, sent_features, stage_inputs

__all__ = ["Steps", "Task", "join", "merge", "split"]


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


def merge(task: Task, light, weights) -> list:
    """Return the floating-point leaves in their order from those with and without edges."""
    light, weights = iter(light), iter(weights)
    return [next(weights) if h else next(light) for h in task.heavy]


class Steps:
    """All steps of a superblock at once, as functions of the states before them.

    The model is elementwise over regions, so the Jacobian of a step is a few numbers per region;
    computed for all steps together, it leaves only a tiny loop to the reverse pass.
    """

    def __init__(self, task, numbers, others, y, noise, kept, index, high, inputs):
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
        task, rules = self.task, self.task.rules
        prepared = join(task, merge(task, light, self.weights), self.others)
        state = jax.tree.unflatten(self.tree, leaves)
        full = {
            name: jnp.broadcast_to(row.astype(rules.dtype), rules.full_shape)
            for name, row in given.items()
        }
        t = position * jnp.asarray(rules.dt, rules.dtype)
        stage = partial(stage_inputs, rules, prepared, 0, sums, [()] * len(rules.pathways))
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
        task = self.task
        prepared = join(task, merge(task, light, self.weights), self.others)

        def one(leaves):
            y = jax.tree.unflatten(self.tree, leaves)["y"]
            return [f for features in sent_features(task.rules, prepared, y) for f in features]

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
