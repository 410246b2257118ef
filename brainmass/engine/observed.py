"""The observers of one run, from what the user gave to what the user gets."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .._compat import inside_trace, is_tracer
from . import streams
from .observers import attach
from .watch import Layout, Watch, same_root

__all__ = ["Observed"]


class Observed:
    """The observers among the monitors of one run.

    Parameters
    ----------
    observers : dict
        From key to observer.
    system : BoundSystem or PlainSystem
        What is observed.
    every : int
        Steps between two samples that the run records.
    """

    def __init__(self, observers: dict, system, every: int):
        self.observers, self.system = observers, system
        rules = {key: o.observer_rules(system.dt, every) for key, o in observers.items()}
        roots = []
        for rule in rules.values():
            if not any(same_root(rule.root, root) for root in roots):
                roots.append(rule.root)
        self.watch = Watch(rules, self.read, roots, system.superblock)
        self.layout: Layout = Layout([], [], None, {}, None)
        self.units: dict[str, Any] = {}
        self.anchors: dict[str, int] = {}
        self.origin = 0

    @property
    def axes(self) -> dict[str, str]:
        """Observers with a time axis of their own, and what that is called."""
        rules = self.watch.rules.items()
        return {key: f"{key}.ts" for key, r in rules if r.own and not r.reduces}

    def read(self, values: dict, y) -> list:
        """Return one sample of every root."""
        view = None
        out = []
        for root in self.watch.roots:
            if isinstance(root, str):
                out.append(self.system.read_state(root, y))
            elif root is None:
                out.append(self.system.read_output(values, y))
            else:
                view = self.system.view(values, y) if view is None else view
                out.append(root(view))
        return jax.tree.map(jnp.asarray, out)

    def begin(self, values: dict, carry: dict, span, seed, abstract: Callable, key, earlier=None):
        """Return values and carry with those of the observers; what does not fit is refused.

        ``abstract`` evaluates shapes of what is read, ``key`` stands for the structure of the run,
        and ``earlier`` is what an earlier run left for this one to go on with.
        """
        start, self.origin = span
        rules = self.watch.rules
        random = any(r.draws for r in rules.values())
        noise = streams.run_key(seed) if random or seed is not None else values["key"]
        each = {name: o.observer_values(self._cast) for name, o in self.observers.items()}
        noise = streams.slot_key(noise, "observers") if random else noise
        values = {**values, "watch": {"each": each, "key": noise}}
        trace = inside_trace() or is_tracer(values)
        shape = None if trace or key is None else (key, _shapes(each))
        self.layout = self.watch.layout(shape, partial(abstract, values, carry), values)
        for name, observer in self.observers.items():
            slot = self.watch.slot(rules[name])
            like, unit = self.layout.likes[slot], self.layout.units[slot]
            bound = observer.bind(like.shape, unit, rules[name])
            self.units[name], self.watch.rules[name] = bound
        watched = self.watch.start(self.layout, values, start, self.origin, earlier)
        self.anchors = self.watch.anchors(watched, self.origin)
        return values, {**carry, "watch": watched}

    def _cast(self, value):
        return value if is_tracer(value) else np.asarray(value, self.system.dtype)

    def cut(self, out, kept: int, start: int, stop: int):
        """Return what one call of the program gave, without unused room."""
        plain, watched = out
        plain = jax.tree.map(lambda a: np.array(np.asarray(a)[:kept]), plain)
        return plain, self.watch.cut(watched, self.anchors, start, stop, self.origin)

    def join(self, parts: list, sample):
        """Join what the calls gave; ``sample`` describes one."""
        if not parts:
            none = lambda a: np.zeros((0, *a.shape[1:]), a.dtype)  # noqa: E731
            return jax.tree.map(none, sample[0]), self.watch.join([], self.layout, sample[1])
        plain = jax.tree.map(lambda *a: np.concatenate(a), *(part[0] for part in parts))
        return plain, self.watch.join([part[1] for part in parts], self.layout, sample[1])

    def result(self, watched: dict, start: int, stop: int) -> dict[str, Any]:
        """Return what every observer gave between two steps, with units and time axes."""
        out = {}
        for name in self.watch.rules:
            reduces = self.watch.rules[name].reduces
            value = watched["value" if reduces else "rows"][name]
            out[name] = attach(value, self.units[name])
            if name in self.axes:
                span = (self.anchors[name], start, stop, self.origin)
                out[self.axes[name]] = self.watch.axis(name, *span)
        return out


def _shapes(tree):
    leaves, structure = jax.tree.flatten(tree)
    return structure, tuple((np.shape(a), str(a.dtype)) for a in leaves)
