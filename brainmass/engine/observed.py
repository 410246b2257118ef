"""The observers of one run, from what the user gave to what the user gets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import brainunit as u
import jax
import jax.numpy as jnp
import numpy as np

from .._compat import inside_trace, is_tracer
from .._errors import choices
from . import streams
from .loop import first_rows
from .observers import attach
from .watch import Layout, Watch, remembered, same_root

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
        self.layout: Layout = Layout([], {}, None)
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
        return [self._one_array(sample) for sample in out]

    def _one_array(self, sample):
        """Return a sample as one floating-point array with its unit, or say what it is."""
        mantissa = u.get_mantissa(sample)
        if not isinstance(mantissa, jax.Array | np.ndarray | np.generic | float | int):
            raise TypeError(
                f"Simulator: the source of {self._names()} must be one array; got "
                f"{type(sample).__name__}. Name a state, or write a function that returns an array."
            )
        mantissa = jnp.asarray(mantissa)
        if jnp.iscomplexobj(mantissa):
            raise TypeError(
                f"Simulator: the source of {self._names()} must be real; got complex numbers. "
                "Observe a real part or an angle."
            )
        if not jnp.issubdtype(mantissa.dtype, jnp.floating):
            mantissa = mantissa.astype(self.system.dtype)
        return attach(mantissa, u.get_unit(sample))

    def _names(self) -> str:
        return choices(self.observers)

    def begin(self, values: dict, carry: dict, span, seed, abstract: Callable, key, earlier=None):
        """Return values and carry with those of the observers; what does not fit is refused.

        ``span`` is where the run begins, where its transient ends, and where it ends;
        ``abstract`` evaluates shapes of what is read, ``key`` stands for the structure of the run,
        and ``earlier`` is what an earlier run left for this one to go on with.
        """
        start, self.origin, stop = span
        rules = self.watch.rules
        random = any(r.draws for r in rules.values())
        noise = streams.run_key(seed) if random or seed is not None else values["key"]
        each = {name: o.observer_values(self._cast) for name, o in self.observers.items()}
        noise = streams.slot_key(noise, "observers") if random else noise
        values = {**values, "watch": {"each": each, "key": noise}}
        trace = inside_trace() or is_tracer(values)
        shape = None if trace or key is None else (key, _shapes(each))
        known = remembered(shape)
        roots = abstract(values, carry, self.read) if known is None else known.roots
        for name, observer in self.observers.items():
            root = roots[self.watch.slot(rules[name])]
            bound = observer.bind(u.get_mantissa(root).shape, u.get_unit(root), rules[name])
            self.units[name], rules[name] = bound
            if earlier is None and rules[name].reduces:
                observer.check_length(stop - self.origin, rules[name])
        self.layout = self.watch.layout(shape, roots, values) if known is None else known
        watched = self.watch.start(self.layout, values, start, self.origin, earlier)
        self.anchors = self.watch.anchors(watched, self.origin)
        return values, {**carry, "watch": watched}

    def _cast(self, value):
        return value if is_tracer(value) else np.asarray(value, self.system.dtype)

    def cut(self, out, kept: int, start: int, stop: int):
        """Return what one call of the program gave, without unused room."""
        plain, watched = out
        plain = jax.tree.map(lambda a: first_rows(a, kept), plain)
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
