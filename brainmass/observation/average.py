"""Means over consecutive windows of time."""

from __future__ import annotations

import brainunit as u
import jax.numpy as jnp
from jax import lax

from .base import Observer

__all__ = ["TemporalAverage", "average", "average_start"]

_FEW = 8
"""Most windows of a superblock that are summed by a product with a matrix of zeros and ones."""


def average_start(like) -> dict:
    """Return an open window without samples."""
    return {"sum": like, "count": jnp.int32(0)}


def average(kept: dict, stream, ends, width: int) -> tuple:
    """Take in a superblock: return the open window, and the means of those that ``ends`` close.

    ``width`` is the number of samples of a window. Samples before the first of ``ends`` belong to
    the window that was open.
    """
    weight = stream.valid.astype(stream.rows.dtype)
    sums, counts = (_few if len(ends) <= _FEW else _aligned)(stream, weight, ends, width)
    column = (-1,) + (1,) * (stream.rows.ndim - 1)
    first = jnp.arange(len(ends) + 1) == 0
    counts = counts + jnp.where(first, kept["count"], 0).astype(counts.dtype)
    sums = sums + jnp.where(first.reshape(column), kept["sum"], 0)
    closed = jnp.sum(ends <= stream.last)
    left = {"sum": sums[closed], "count": counts[closed].astype(jnp.int32)}
    return left, (sums / jnp.maximum(counts, 1).reshape(column))[: len(ends)]


def _few(stream, weight, ends, width):
    place = jnp.sum(stream.end[:, None] > ends, axis=1)
    member = (place == jnp.arange(len(ends) + 1)[:, None]) * weight
    return jnp.einsum("wt,t...->w...", member, stream.rows), member.sum(1)


def _aligned(stream, weight, ends, width):
    """Shift the samples so that windows are rows of a matrix."""
    first = stream.lanes(ends[:1])[0][0] + 1
    length = (len(ends) + 1) * width

    def shifted(a):
        a = jnp.pad(a, [(width, 2 * width)] + [(0, 0)] * (a.ndim - 1))
        a = lax.dynamic_slice_in_dim(a, first, length)
        return a.reshape(len(ends) + 1, width, *a.shape[1:]).sum(1)

    return shifted(stream.rows), shifted(weight)


class TemporalAverage(Observer):
    """Mean over consecutive windows of time, which keeps fast activity from aliasing.

    Parameters
    ----------
    period : brainunit.Quantity, default 4 ms
        Length of a window, and time between two samples of the result; a multiple of the step.
    source : str, callable or Observer, optional
        What is averaged. Default: what ``update`` returns.

    Raises
    ------
    ValueError
        If the period is no multiple of the step.

    Notes
    -----
    A window belongs to the time of its last sample; samples after the last whole window are left
    out. The unit is kept.

    Examples
    --------
    >>> import brainmass, brainunit as u, jax.numpy as jnp
    >>> brainmass.TemporalAverage(4 * u.ms)(jnp.arange(10.0) * u.mV, 1 * u.ms)
    Quantity([1.5 5.5], "mV")
    >>> sim = brainmass.Simulator(brainmass.HopfStep(2, a=0.25, init_x=0.1), dt=0.1 * u.ms)
    >>> slow = brainmass.TemporalAverage(4 * u.ms, source="x")
    >>> sim.run(40 * u.ms, monitors={"slow": slow})["slow"].shape
    (10, 2)
    """

    def __init__(self, period=4.0 * u.ms, *, source=None):
        super().__init__(source, period=period)

    @staticmethod
    def start(p, like):
        """Return an open window without samples."""
        return average_start(like)

    @classmethod
    def feed(cls, p, kept, stream, ends):
        """Average the windows that end within a superblock."""
        return average(kept, stream, ends, round(p.period / stream.interval))
