"""Observers: what is computed from a run while it goes on, in memory that does not grow.

The engine hands an observer the samples of one superblock after the other. What an observer keeps
between two superblocks is part of the carry of the compiled program. A superblock that a run leaves
unfinished is handed over again, from its beginning, when the run goes on: only whole superblocks
change what is kept for good, so where a run is cut changes no bit.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import brainunit as u
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from .node import Values

__all__ = ["ObserverRules", "Stream", "attach", "grid_ends", "is_observer", "known_ends"]


def is_observer(item) -> bool:
    """Whether a monitor is an observer."""
    return hasattr(type(item), "observer_rules")


@dataclass(frozen=True)
class Stream:
    """The samples of one superblock, as an observer sees them.

    Attributes
    ----------
    rows : array (K, ...)
        Samples, time first; zero where they are not valid.
    end : array of int32 (K,)
        Absolute number of steps that had been done at each sample; regularly spaced.
    valid : array of bool (K,)
        Which samples there are; they are consecutive.
    kept : array of bool (K,)
        Which of them lie behind the transient.
    last : int
        Absolute number of steps at the end of the superblock.
    every : int
        Steps between two samples.
    dt : float
        Length of a step in milliseconds.
    """

    rows: Any
    end: Any
    valid: Any
    kept: Any
    last: Any
    every: int
    dt: float

    @property
    def interval(self) -> float:
        """Time between two samples in milliseconds."""
        return self.every * self.dt

    def replaced(self, rows) -> Stream:
        """Return other rows at the same times."""
        return replace(self, rows=rows)

    def lanes(self, ends):
        """Return where the samples at ``ends`` are, and whether they are within this stream."""
        lane = (ends - self.end[0]) // self.every
        return jnp.clip(lane, 0, len(self.end) - 1), (lane >= 0) & (lane < len(self.end))

    def at(self, ends, every: int) -> Stream:
        """Return the samples at ``ends`` alone."""
        lane, there = self.lanes(ends)
        return Stream(
            jnp.take(self.rows, lane, axis=0),
            ends,
            self.valid[lane] & there,
            self.kept[lane] & there,
            self.last,
            every,
            self.dt,
        )


def known_ends(index: int, count: int, size: int, every: int, anchor: int):
    """Return the ends of ``count`` superblocks as :func:`grid_ends`, and which lie within them."""
    ends = np.stack([grid_ends(index + k, size, every, anchor, np) for k in range(count)])
    last = (index + np.arange(1, count + 1)) * size
    return ends.ravel(), (ends <= last[:, None]).ravel()


def grid_ends(index, size: int, every: int, anchor, array=jnp):
    """Return the multiples of ``every`` from ``anchor`` on within one superblock, and after it."""
    base = index * size
    first = base + every - (base - anchor) % every
    return first + every * array.arange(-(-size // every), dtype=array.int32)


@dataclass(frozen=True)
class ObserverRules:
    """The static part of an observer.

    Attributes
    ----------
    cls : type
        Class with the pure functions ``start``, ``step``, ``value`` and ``feed``.
    options : tuple of (str, hashable)
        Static settings.
    source : str, callable, None or ObserverRules
        What is observed: a state, a function of the model, its output, or another observer.
    every : int
        Steps between the samples that come out, or that a reducer takes in.
    own : bool
        Whether it has a time axis of its own.
    dt : float
        Length of a step in milliseconds.
    random : bool
        Whether it draws random numbers.
    factor : float
        What the numbers of the source are multiplied with, to be in the unit that is wanted.
    """

    cls: Any
    options: tuple[tuple[str, Any], ...]
    source: Any
    every: int
    own: bool
    dt: float
    random: bool = False
    factor: float = 1.0

    @property
    def reduces(self) -> bool:
        """Whether it gives one value for the whole run."""
        return self.cls.reduces

    @property
    def root(self):
        """What is observed in the end: a state, a function of the model or None."""
        return self.source.root if isinstance(self.source, ObserverRules) else self.source

    @property
    def draws(self) -> bool:
        """Whether it, or what it observes, draws random numbers."""
        return self.random or (isinstance(self.source, ObserverRules) and self.source.draws)

    @property
    def interval(self) -> float:
        """Time between the samples that are seen, in milliseconds."""
        if self.reduces:
            return self.every * self.dt
        return (self.source.every if isinstance(self.source, ObserverRules) else 1) * self.dt

    def stream(self, rows, end, valid, kept) -> Stream:
        """Return the samples of the root; zero where there are none."""
        mask = valid.reshape(-1, *(1,) * (rows.ndim - 1))
        return Stream(jnp.where(mask, rows, 0), end, valid, kept, end[-1], 1, self.dt)

    def parameters(self, values: dict, key=None) -> Values:
        """Return parameters and options by name, and times in milliseconds.

        ``dt`` is the time between two samples that are seen, ``period`` between two that come out.
        """
        p = Values(values["own"])
        p.update(self.options)
        p["dt"], p["period"], p["key"] = self.interval, self.every * self.dt, key
        return p

    def start(self, values: dict, like) -> dict:
        """Return what is kept before the first sample; ``like`` is one sample of the root."""
        kept = {}
        if isinstance(self.source, ObserverRules):
            kept["source"] = self.source.start(values["source"], like)
            like = self.source.sample(values["source"], kept["source"], like)
        zeros = jnp.zeros(like.shape, like.dtype)
        kept["own"] = jax.tree.map(jnp.asarray, self.cls.start(self.parameters(values), zeros))
        return kept

    def sample(self, values: dict, kept: dict, like):
        """Return the shape and type of one sample that comes out."""

        def emit(kept):
            yes = jnp.ones(1, bool)
            rows = jnp.zeros((1, *like.shape), like.dtype)
            one = Stream(rows, jnp.ones(1, jnp.int32), yes, yes, 1, 1, self.dt)
            out: Any = self.run(values, kept, one, 0, 1, 0, jax.random.key(0))[1]
            return out.rows[0]

        return jax.eval_shape(emit, kept)

    def run(self, values: dict, kept: dict, stream: Stream, index, size: int, anchor, key):
        """Take in a superblock; return what is kept after it and, of an observer, what came out."""
        new = {}
        if isinstance(self.source, ObserverRules):
            given = (values["source"], kept["source"], stream, index, size, anchor)
            new["source"], stream = self.source.run(*given, jax.random.fold_in(key, 1))
        p = self.parameters(values, jax.random.fold_in(key, index) if self.random else None)
        if self.factor != 1.0:
            stream = stream.replaced(stream.rows * self.factor)
        ends = None
        if self.every != stream.every or not self.reduces:
            ends = grid_ends(index, size, self.every, anchor)
        if self.reduces:
            seen = stream if ends is None else stream.at(ends, self.every)
            return {**new, "own": self._reduced(p, kept["own"], seen)}, None
        own, rows = self.cls.feed(p, kept["own"], stream, ends)
        lane, there = stream.lanes(ends)
        marks = (ends, stream.valid[lane] & there, stream.kept[lane] & there)
        return {**new, "own": own}, Stream(rows, *marks, stream.last, self.every, self.dt)

    def _reduced(self, p, own, stream: Stream):
        """Take in a superblock; one without samples, as most are where they are rare, is passed."""
        if len(stream.end) > 1:
            return self.cls.feed(p, own, stream, None)[0]
        feed = lambda: self.cls.feed(p, own, stream, None)[0]  # noqa: E731
        return lax.cond((stream.valid & stream.kept).any(), feed, lambda: own)

    def value(self, values: dict, kept: dict):
        """Return the value of a reducer."""
        return self.cls.value(self.parameters(values), kept["own"])


def attach(value, unit):
    """Return bare arrays as quantities; ``unit`` may be a tuple like the value."""
    if isinstance(unit, u.Unit):
        return value if unit.is_unitless else u.Quantity(value, unit=unit)
    return type(value)(*(attach(v, n) for v, n in zip(value, unit, strict=True)))
