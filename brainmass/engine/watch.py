"""All observers of one run: how they enter the compiled program, and what comes out of it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import brainunit as u
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from .._compat import is_tracer
from .cache import ReadsModel, Uncacheable, fingerprint
from .observers import ObserverRules, known_ends

__all__ = ["Layout", "Watch"]

_OUTPUT_NUMBERS = 2**18


@dataclass(frozen=True)
class Layout:
    """Shapes and units of what is observed: found once per structure, and holding no model.

    Attributes
    ----------
    roots : list
        Shape, type and unit of one sample of every root.
    samples : dict
        Shape and type of one sample that comes out of an observer.
    start : callable or None
        Compiled function of the values that returns what is kept at the start.
    """

    roots: list
    samples: dict
    start: Callable | None

    @property
    def likes(self) -> list:
        """The roots without units."""
        return [u.get_mantissa(root) for root in self.roots]


_layouts: OrderedDict[Any, Layout] = OrderedDict()


def remembered(key) -> Layout | None:
    """Return the layout of a structure, if it is known."""
    if key is None or key not in _layouts:
        return None
    _layouts.move_to_end(key)
    return _layouts[key]


@dataclass(frozen=True)
class Watch:
    """All observers of one run.

    Attributes
    ----------
    rules : dict of str to ObserverRules
        The observers by name.
    read : callable
        ``(values, y) -> list``: one sample of every root, as quantities.
    roots : list
        What is read, each once.
    size : int
        Steps of a superblock.
    """

    rules: dict[str, ObserverRules]
    read: Callable
    roots: list
    size: int

    def slot(self, rules: ObserverRules) -> int:
        """Return the place of the root of an observer."""
        return next(k for k, root in enumerate(self.roots) if same_root(root, rules.root))

    def layout(self, key, roots: list, values: dict) -> Layout:
        """Return the layout of these roots, and remember it under ``key``."""
        likes = [u.get_mantissa(root) for root in roots]
        begin = lambda each: self._start(each, likes)  # noqa: E731
        each = values["watch"]["each"]
        samples = self._samples(values, jax.eval_shape(begin, each), likes)
        start = None if key is None else jax.jit(begin).lower(each).compile()
        layout = Layout(roots, samples, start)
        if key is not None:
            _layouts[key] = layout
            while len(_layouts) > 128:
                _layouts.popitem(last=False)
        return layout

    def _samples(self, values: dict, kept: dict, likes, time_axes: int = 0) -> dict:
        """Return shape and type of what comes out of every observer."""
        each = values["watch"]["each"]
        ones = [jax.ShapeDtypeStruct(a.shape[time_axes:], a.dtype) for a in likes]
        return {
            name: rules.sample(each[name], kept[name], ones[self.slot(rules)])
            for name, rules in self.rules.items()
            if not rules.reduces
        }

    def _start(self, each: dict, likes) -> dict:
        return {n: r.start(each[n], likes[self.slot(r)]) for n, r in self.rules.items()}

    def start(self, layout: Layout, values: dict, begin: int, origin: int, earlier=None) -> dict:
        """Return the carry before the first step; observers of an ``earlier`` run go on."""
        each = values["watch"]["each"]
        kept = layout.start(each) if layout.start else self._start(each, layout.likes)
        marks = {"born": np.int32(begin), "anchor": np.int32(origin)}
        carry = {
            "each": {name: {**marks, "kept": kept[name]} for name in self.rules},
            "rows": [np.zeros((self.size, *a.shape), a.dtype) for a in layout.likes],
            "kept": np.zeros(self.size, bool),
        }
        return carry if earlier is None else self._resumed(carry, earlier)

    def _resumed(self, carry: dict, earlier: dict) -> dict:
        rows = list(carry["rows"])
        each = dict(carry["each"])
        for name, rules in self.rules.items():
            stored = earlier["each"].get(name)
            if stored is None or stored[0] != identity(rules) or not _alike(stored[1], each[name]):
                continue
            each[name] = stored[1]
            rows[self.slot(rules)] = stored[2]
        return {"each": each, "rows": rows, "kept": earlier["kept"]}

    def leave(self, carry: dict) -> dict:
        """Return what a later run needs to go on."""
        each = {
            name: (identity(rules), carry["each"][name], carry["rows"][self.slot(rules)])
            for name, rules in self.rules.items()
        }
        return {"each": each, "kept": carry["kept"]}

    def capacity(self, samples: dict) -> dict[str, int]:
        """Return how many samples of each observer one call of the program can hold."""
        out = {}
        for name, sample in samples.items():
            numbers = max(1, int(np.prod(sample.shape)))
            rows = int(np.clip(_OUTPUT_NUMBERS // numbers, 64, 16384))
            out[name] = max(64, rows // min(self.rules[name].every, 16))
        return out

    def longest(self, layout: Layout) -> int:
        """Return the most steps of one call of the program."""
        held = [n * self.rules[name].every for name, n in self.capacity(layout.samples).items()]
        return min([2**30, *held])

    def _take_in(self, values, each: dict, rows, kept, index, high, origin):
        """Return the observers after one superblock, and what came out of them."""
        lanes = jnp.arange(self.size, dtype=jnp.int32)
        end = index * self.size + lanes + 1
        new, out = {}, {}
        for k, (name, rules) in enumerate(self.rules.items()):
            state = each[name]
            valid = (end > state["born"]) & (lanes < high)
            anchor = state["anchor"] if rules.own or rules.reduces else origin
            stream = rules.stream(rows[self.slot(rules)], end, valid, kept)
            key = jax.random.fold_in(values["watch"]["key"], k)
            given = (values["watch"]["each"][name], state["kept"], stream)
            after, emitted = rules.run(*given, index, self.size, anchor, key)
            new[name] = {**state, "kept": after}
            if emitted is not None:
                out[name] = emitted.rows
        return new, out

    def _read(self, values, samples: dict) -> list:
        """Return the samples of every root in a superblock, as bare arrays."""
        return jax.vmap(lambda y: [u.get_mantissa(r) for r in self.read(values, y)])(samples)

    # The eager path: the bounds are values.

    def begin(self, values: dict, carry: dict) -> dict:
        """Return the state of the loop over superblocks."""
        out = {}
        samples = self._samples(
            values, {n: s["kept"] for n, s in carry["each"].items()}, carry["rows"], 1
        )
        for name, rows in self.capacity(samples).items():
            picks = -(-self.size // self.rules[name].every)
            sample = samples[name]
            out[name] = jnp.zeros((rows + picks, *sample.shape), sample.dtype)
        return {"carry": carry, "tip": carry["each"], "out": out}

    def superblock(self, values, loop: dict, samples: dict, index, low, high, span) -> dict:
        """Take in the steps ``low`` to ``high`` of a superblock."""
        return self.take_rows(values, loop, self._read(values, samples), index, low, high, span)

    def take_rows(self, values, loop: dict, fresh: list, index, low, high, span) -> dict:
        """Take in the samples of every root for the steps ``low`` to ``high`` of a superblock."""
        start, _, origin = span
        carry = loop["carry"]
        lanes = jnp.arange(self.size, dtype=jnp.int32)
        early = lanes < low
        rows = [_where(early, r, f) for r, f in zip(carry["rows"], fresh, strict=True)]
        kept = jnp.where(early, carry["kept"], index * self.size + lanes + 1 > origin)
        tip, emitted = self._take_in(values, carry["each"], rows, kept, index, high, origin)
        out = {}
        for name, buffer in loop["out"].items():
            rules = self.rules[name]
            anchor = carry["each"][name]["anchor"] if rules.own else origin
            place = _place(rules.every, anchor, index * self.size, jnp.maximum(start, origin))
            out[name] = _write(buffer, emitted[name], *place)
        whole = high == self.size
        each = jax.tree.map(lambda n, o: jnp.where(whole, n, o), tip, carry["each"])
        return {"carry": {"each": each, "rows": rows, "kept": kept}, "tip": tip, "out": out}

    def end(self, values, loop: dict):
        """Return the carry after the last superblock, and what came out."""
        return loop["carry"], {"rows": loop["out"], "value": self._values(values, loop["tip"])}

    def _values(self, values, each: dict) -> dict:
        given = values["watch"]["each"]
        return {
            name: rules.value(given[name], each[name]["kept"])
            for name, rules in self.rules.items()
            if rules.reduces
        }

    # Inside a trace: where a run begins and ends is known.

    def traced(self, values, carry: dict, samples: dict, index, low, high, origin):
        """Return the carry after a superblock and what came out; all of it may be differentiated.

        ``samples`` are those of the steps ``low`` to ``high``, or of the whole superblock; a run
        that begins within a superblock has rows of an earlier one in its carry.
        """
        size = self.size
        lanes = jnp.arange(size, dtype=jnp.int32)

        def filled(a):
            """Put samples that are surely valid where no step was run."""
            rest = size - low - a.shape[0]
            if low or rest:
                a = jnp.pad(a, [(low, rest)] + [(0, 0)] * (a.ndim - 1), mode="edge")
            return _where(lanes < high, a, a[:1]) if is_tracer(high) else a

        rows = self._read(values, jax.tree.map(filled, samples))
        return self.traced_rows(values, carry, rows, index, low, high, origin)

    def traced_rows(self, values, carry: dict, rows: list, index, low, high, origin):
        """Return the carry and what came out of the samples of every root in a superblock."""
        lanes = jnp.arange(self.size, dtype=jnp.int32)
        kept = index * self.size + lanes + 1 > origin
        if "rows" in carry and low:
            early = lanes < low
            rows = [_where(early, r, f) for r, f in zip(carry["rows"], rows, strict=True)]
            kept = jnp.where(early, carry["kept"], kept)
        each, out = self._take_in(values, carry["each"], rows, kept, index, high, origin)
        return {"each": each}, out

    def between(self, carry: dict) -> dict:
        """Return the carry without the rows that only an unfinished superblock has."""
        return {"each": carry["each"]}

    def result(self, values, carry: dict, pieces: list, span, anchors: dict) -> dict:
        """Join what came out of ``pieces``: ``(index, count, rows)``; alone if count is None."""
        start, stop, origin = span
        rows = {}
        for name, rules in self.rules.items():
            if rules.reduces:
                continue
            anchor = anchors[name] if rules.own else origin
            parts = []
            for index, count, emitted in pieces:
                ends, within = known_ends(index, count or 1, self.size, rules.every, anchor)
                within &= (ends > max(start, origin)) & (ends <= stop)
                flat = emitted[name]
                flat = flat if count is None else flat.reshape(-1, *flat.shape[2:])
                parts.append(flat[np.flatnonzero(within).astype(np.int32)])
            rows[name] = jnp.concatenate(parts)
        return {"rows": rows, "value": self._values(values, carry["each"])}

    # Outside of the program: NumPy arrays.

    def count(self, name: str, anchor: int, start: int, stop: int, origin: int) -> int:
        """Return how many samples an observer gives between two steps."""
        every = self.rules[name].every
        return max(0, (stop - anchor) // every - (max(start, origin) - anchor) // every)

    def anchors(self, carry: dict, origin: int) -> dict[str, int]:
        """Return where the grid of every observer lies."""
        return {
            name: int(carry["each"][name]["anchor"]) if rules.own else origin
            for name, rules in self.rules.items()
        }

    def cut(self, out, anchors: dict, start: int, stop: int, origin: int) -> dict:
        """Return what one call gave, without the unused room."""
        rows = {}
        for name, array in out["rows"].items():
            kept = self.count(name, anchors[name], start, stop, origin)
            rows[name] = np.array(np.asarray(array)[:kept])
        return {"rows": rows, "value": jax.tree.map(np.array, out["value"])}

    def join(self, parts: list, layout: Layout, program) -> dict:
        """Join what the calls gave, in time; the last value of a reducer counts."""
        if parts:
            names = parts[0]["rows"]
            rows = {n: np.concatenate([part["rows"][n] for part in parts]) for n in names}
            return {"rows": rows, "value": parts[-1]["value"]}
        none = {n: np.zeros((0, *s.shape), s.dtype) for n, s in layout.samples.items()}
        value = jax.tree.map(lambda a: np.full(a.shape, np.nan, a.dtype), program["value"])
        return {"rows": none, "value": value}

    def axis(self, name: str, anchor: int, start: int, stop: int, origin: int):
        """Return the time of every sample of an observer."""
        every, dt = self.rules[name].every, self.rules[name].dt
        first = (max(start, origin) - anchor) // every
        count = self.count(name, anchor, start, stop, origin)
        ends = anchor + every * np.arange(first + 1, first + 1 + count)
        return u.Quantity(ends * dt, unit=u.ms)


def same_root(a, b) -> bool:
    """Whether two observers read the same."""
    return a is b or (isinstance(a, str) and a == b)


def identity(rules: ObserverRules):
    """Return what a later run must share to go on with an observer."""
    try:
        return fingerprint(rules)
    except (Uncacheable, ReadsModel):
        return rules


def _alike(a, b) -> bool:
    leaves, tree = jax.tree.flatten(a)
    others, other = jax.tree.flatten(b)
    return tree == other and all(
        np.shape(x) == np.shape(y) for x, y in zip(leaves, others, strict=True)
    )


def _where(mask, a, b):
    return jnp.where(mask.reshape(-1, *(1,) * (b.ndim - 1)), a, b)


def _place(every: int, anchor, base, begin):
    """Return the first row of a superblock that counts, and where it goes."""
    before = lambda step: (step - anchor) // every  # noqa: E731
    first = before(jnp.maximum(base, begin))
    return first - before(base), first - before(begin)


def _write(buffer, rows, first, at):
    lanes = jnp.clip(first + jnp.arange(rows.shape[0]), 0, rows.shape[0] - 1)
    rows = jnp.take(rows, lanes, axis=0).astype(buffer.dtype)
    return lax.dynamic_update_slice_in_dim(buffer, rows, at, 0)
