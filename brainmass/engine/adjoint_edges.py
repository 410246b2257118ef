"""The derivative of delayed sums: the same kind of sum, with edges transposed and time reversed."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
from jax import lax

from . import blocks
from .adjoint_steps import Task

__all__ = ["add_sums", "add_weights", "no_sums", "past_bars", "sent_bars"]


def no_sums(task: Task) -> list:
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


def add_sums(task: Task, sums_bar, here, offset) -> list:
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


def sent_bars(task: Task, prepared, history_bar, sums_bar, offset) -> list:
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


def past_bars(task: Task, prepared, history_bar, sums_bar) -> list:
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


def add_weights(task: Task, prepared, numbers_bar, history, sums_bar):
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
