"""What a run records: names, functions of the model, or what ``update`` returns."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp

from .._errors import choices
from .cache import ReadsModel, Uncacheable, fingerprint
from .observed import Observed
from .observers import is_observer
from .program import Recording

__all__ = ["Monitors"]


@dataclass
class Monitors:
    """The monitors of one run, read and checked.

    Attributes
    ----------
    system : BoundSystem or PlainSystem
        What is watched.
    entries : dict
        From key to a state name, a callable, or None for the output of ``update``.
    observed : Observed or None
        The observers among them, which are not in ``entries``.
    keys : tuple of str
        All keys in the order given.
    """

    system: Any
    entries: dict[str, Any]
    observed: Observed | None = None
    keys: tuple[str, ...] = ()

    @classmethod
    def read(cls, monitors, system, every: int = 1) -> Monitors:
        """Read the ``monitors`` of a run that records every so many steps."""
        if monitors is None or callable(monitors):
            entries = {"output": monitors}
        elif isinstance(monitors, str):
            entries = {monitors: monitors}
        elif isinstance(monitors, dict):
            entries = dict(monitors)
        elif isinstance(monitors, Iterable):
            entries = {}
            for item in monitors:
                if not isinstance(item, str):
                    raise TypeError(
                        f"Simulator: a list of monitors must hold names; got {item!r}. "
                        "Give functions in a dict: monitors={'name': function}."
                    )
                entries[item] = item
        else:
            raise TypeError(
                "Simulator: monitors must be a name, a function, a list of names or a dict; "
                f"got {monitors!r}. Pass one of these."
            )
        if not entries:
            raise ValueError(
                "Simulator: monitors must name at least one thing; got none. Omit it to record "
                "what update returns."
            )
        keys = tuple(entries)
        observers = {key: item for key, item in entries.items() if is_observer(item)}
        if not observers:
            cls._check(entries, system)
            return cls(system, entries, None, keys)
        entries = {key: item for key, item in entries.items() if key not in observers}
        observed = Observed(observers, system, every)
        cls._check(entries, system)
        cls._check_observers(observed, system, keys)
        return cls(system, entries, observed, keys)

    @staticmethod
    def _check_observers(observed: Observed, system, keys) -> None:
        for key, rules in observed.watch.rules.items():
            Monitors._check({key: rules.root}, system)
        taken = [name for name in observed.axes.values() if name in keys]
        if taken:
            raise ValueError(
                f"Simulator: no monitor may be called '{taken[0]}', the time axis of an observer; "
                "got one. Rename it."
            )

    @staticmethod
    def _check(entries: dict, system) -> None:
        known = system.state_names()
        for key, item in entries.items():
            if not isinstance(key, str):
                raise TypeError(
                    f"Simulator: keys of monitors must be names; got {key!r}. Use a string."
                )
            if key == "ts":
                raise ValueError(
                    "Simulator: monitors must have other names than 'ts', the time axis; got 'ts'. "
                    "Rename it."
                )
            if item is not None and not callable(item) and item not in known:
                raise ValueError(
                    f"Simulator: monitors must be states of {system.who}, {choices(known)}, or "
                    f"functions of the model; got {item!r}. Choose one of these."
                )

    def identity(self):
        """Return what the program depends on, or None if that has no identity."""
        out = []
        items = self.entries if self.observed is None else self.entries | self.observed.watch.rules
        for key, item in items.items():
            try:
                plain = item is None or isinstance(item, str)
                out.append((key, item if plain else fingerprint(item)))
            except Uncacheable:
                return None
            except ReadsModel as found:
                raise ValueError(
                    f"Simulator: monitor '{key}' must read the model from its argument; it refers "
                    f"to {type(found.args[0]).__name__} from outside, whose values would be "
                    "frozen. Write lambda m: m...."
                ) from None
        return tuple(out)

    def observe(self, values: dict, y: dict) -> dict:
        """Return every monitor for one set of states."""
        view = None
        out = {}
        for key, item in self.entries.items():
            if isinstance(item, str):
                out[key] = self.system.read_state(item, y)
            elif item is None:
                out[key] = self.system.read_output(values, y)
            else:
                view = self.system.view(values, y) if view is None else view
                out[key] = item(view)
        return jax.tree.map(jnp.asarray, out)

    def recording(self, values: dict, every: int) -> Recording:
        """Return what the program must keep to evaluate the monitors."""
        plain = self.system.recording(self.observe, values, every)
        if self.observed is None:
            return plain
        read, watch = self.observed.read, self.observed.watch
        both = self.system.recording(lambda v, y: (self.observe(v, y), read(v, y)), values, every)
        needed = plain.states if self.entries else ()
        return replace(plain, states=both.states, plain=needed, watch=watch)
