"""Delayed sums in blocks.

No delayed edge is shorter than a block of B steps, so what the next B steps receive depends only on
history that exists already. One gather fetches a window of consecutive samples for every edge, and
one contraction meets the windows with the weights.

The history of one feature is node-major, ``(..., nodes, past + superblock + 1)``; the column
``past`` holds the sample at the start of the current superblock. Edges are padded to the same
number for every target; edges shorter than a block are read step by step, and edges without delay
are a matrix-vector product.
"""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

__all__ = ["EdgePlan", "PaddedEdges", "delayed_sum", "plan_edges", "windows"]

LARGEST_BLOCK = 32


@dataclass(frozen=True)
class PaddedEdges:
    """Edges sorted by target and padded to equal length: sources, weight slots and delays.

    All arrays are ``(nodes, K)``; ``slot`` points into the edge weights, and ``padding``,
    one past the last, is a zero.
    """

    source: np.ndarray
    slot: np.ndarray
    delay: np.ndarray
    padding: int

    def transposed(self) -> tuple[np.ndarray, np.ndarray]:
        """Return, by source, the target of every edge and its place in the flattened arrays."""
        nodes, width = self.source.shape
        real = np.flatnonzero(self.slot.ravel() != self.padding)
        source = self.source.ravel()[real]
        order = np.argsort(source, kind="stable")
        real, source = real[order], source[order]
        degree = np.bincount(source, minlength=nodes)
        first = np.concatenate([[0], np.cumsum(degree)[:-1]])
        column = np.arange(real.size) - first[source]
        shape = (nodes, int(degree.max(initial=0)))
        target, edge = np.zeros(shape, np.int32), np.full(shape, nodes * width, np.int32)
        target[source, column] = real // width
        edge[source, column] = real
        return target, edge

    @property
    def width(self) -> int:
        """Edges per target, padding included."""
        return self.source.shape[1]


@dataclass(frozen=True)
class EdgePlan:
    """How the edges of one connectome are read: in blocks, step by step, or at once."""

    block: int
    past: int
    blocked: PaddedEdges
    short: PaddedEdges
    instant: PaddedEdges

    @property
    def structure(self):
        """What the compiled program depends on."""
        widths = (self.blocked.width, self.short.width, self.instant.width)
        return (self.block, self.past, *widths)

    def arrays(self, interpolated: bool = False, transposed: bool = False) -> dict:
        """Return the traced part: index arrays, for the reverse pass also by source."""
        out = {}
        for name in ("blocked", "short", "instant"):
            edges = getattr(self, name)
            if edges.width:
                out[name] = {"source": edges.source, "slot": edges.slot}
                if name != "instant" and not interpolated:
                    out[name]["delay"] = edges.delay
        if transposed and self.blocked.width:
            out["blocked"]["back"] = self.blocked.transposed()
        return out


def choose_block(delays: np.ndarray) -> int:
    """Return the block length, a power of two, that costs least for these delays.

    The weights are nanoseconds per edge and step measured on a CPU: a short edge is gathered each
    step, a blocked edge costs less the longer the block, and each block has a fixed price.
    """
    delays = delays[delays > 0]
    if delays.size == 0:
        return LARGEST_BLOCK
    best, cheapest = 1, np.inf
    block = 1
    while block <= LARGEST_BLOCK:
        short = np.count_nonzero(delays < block)
        blocked = delays.size - short
        cost = 5.0 * short + (800.0 if short else 0.0)
        cost += blocked * (0.15 + 3.0 / block) + 3000.0 / block
        if cost < cheapest:
            best, cheapest = block, cost
        block *= 2
    return best


def plan_edges(
    target: np.ndarray, source: np.ndarray, delay: np.ndarray, nodes: int, least=None, most=None
) -> EdgePlan:
    """Sort edges into blocked, short and instantaneous ones.

    ``delay`` is in steps; ``least`` and ``most`` are the delays at the ends of a declared range of
    conduction speeds, which size block and history.
    """
    least = delay if least is None else least
    most = delay if most is None else most
    instant = most == 0
    block = choose_block(least[~instant])
    blocked = ~instant & (least >= block)
    short = ~instant & ~blocked
    longest = int(most.max(initial=0))
    past = max(block, 8 * -(-longest // 8))
    parts = (_pad(target, source, delay, nodes, keep) for keep in (blocked, short, instant))
    return EdgePlan(block, past, *parts)


def _pad(target, source, delay, nodes, keep) -> PaddedEdges:
    index = np.flatnonzero(keep)
    index = index[np.argsort(target[index], kind="stable")]
    rows = target[index]
    degree = np.bincount(rows, minlength=nodes)
    width = int(degree.max(initial=0)) if index.size else 0
    first = np.concatenate([[0], np.cumsum(degree)[:-1]])
    column = np.arange(index.size) - first[rows]
    shape = (nodes, width)
    out = PaddedEdges(
        np.zeros(shape, np.int32),
        np.full(shape, target.size, np.int32),
        np.full(shape, int(delay[index].max(initial=1)), np.int32),
        target.size,
    )
    out.source[rows, column] = source[index]
    out.slot[rows, column] = index
    out.delay[rows, column] = delay[index]
    return out


def delayed_sum(history, weights, source, start, width: int):
    """Return ``sum_j w_ij x_j`` for ``width`` consecutive steps, time first.

    Parameters
    ----------
    history : array (..., nodes, samples)
        Node-major samples.
    weights, source, start : array (nodes, K)
        Padded edges: weight, source node, and first column of the window in ``history``.
    width : int
        Number of steps.

    Returns
    -------
    array (width, ..., nodes)
    """
    if history.ndim > 2:
        sums = jax.vmap(lambda h: delayed_sum(h, weights, source, start, width), out_axes=1)
        return sums(history)
    return jnp.einsum("ij,ijb->bi", weights, windows(history, source, start, width))


def windows(history, source, start, width: int):
    """Return ``width`` consecutive samples for every edge: ``(nodes, K, width)``."""
    return lax.gather(
        history,
        jnp.stack([source, start], axis=-1),
        lax.GatherDimensionNumbers(
            offset_dims=(2,), collapsed_slice_dims=(0,), start_index_map=(0, 1)
        ),
        slice_sizes=(1, width),
        mode=lax.GatherScatterMode.PROMISE_IN_BOUNDS,
    )
