"""From a dotted name to what it varies."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from brainstate.nn import Param

from ..._errors import choices
from ...dynamics import NeuralMass
from ...network import Network
from .base import INPUTS, Target, member_of, owner_of
from .networks import connectome, lengths, past, speed
from .nodes import choice, initial_value, inputs, parameter

__all__ = ["find_target", "target_names"]


def find_target(model, name: str) -> Target:
    """Return what ``name`` means for ``model``, or say which names there are."""
    if not isinstance(name, str):
        raise TypeError(
            f"sweep: params must have names as keys; got {name!r}. Use dotted names such as "
            "'node.a'."
        )
    if name == INPUTS:
        return inputs()
    owner, last = owner_of(model, name)
    made = None if owner is None else _target(owner, name, last)
    if made is None:
        known = list(target_names(model))
        close = difflib.get_close_matches(name, known, n=1)
        hint = f"Did you mean '{close[0]}'?" if close else "Choose one of them."
        raise ValueError(
            f"sweep: params of {type(model).__name__} must be among {choices(known)}; "
            f"got '{name}'. {hint}"
        )
    return made


def target_names(model) -> Iterator[str]:
    """Yield every name that can be varied."""
    if isinstance(model, Network):
        yield from (f"node.{name}" for name in _node_names(model.node))
        for k, coupling in enumerate(model.couplings):
            prefix = f"coupling.{k}" if isinstance(model.coupling, tuple) else "coupling"
            yield from (f"{prefix}.{name}" for name in coupling.defaults)
        if "k" in model.couplings[0].defaults:
            yield "k"
        yield "conn"
        yield from ("speed", "distance") if model.speed is not None else ()
        if model.noise is not None:
            yield from (f"noise.{name}" for name in model.noise.params)
        yield "delay_init"
    elif isinstance(model, NeuralMass):
        yield from _node_names(model)
    else:
        for path in model.nodes(Param):
            yield ".".join(map(str, path))
    yield INPUTS


def _node_names(node: NeuralMass) -> Iterator[str]:
    yield from node.declaration.params
    for slot in node.declaration.noise_slots:
        if (noise := getattr(node, slot)) is not None:
            yield from (f"{slot}.{name}" for name in noise.params)
    yield from (f"init_{name}" for name in node.declaration.states)
    yield from node.declaration.options
    yield "method"


def _target(owner, name: str, last: str) -> Target | None:
    if isinstance(owner, NeuralMass):
        declared = owner.declaration
        if last.startswith("init_") and last[5:] in declared.states:
            return initial_value(owner, name, last)
        if last in declared.options or last == "method":
            return choice(owner, name, last)
    if isinstance(owner, Network):
        if last == "delay_init":
            return past(owner, name)
        if last == "conn":
            return connectome(owner, name)
        if last == "distance" and owner.speed is not None:
            return lengths(owner, name)
        if last == "speed" and owner.speed is not None:
            return speed(owner, name)
    found = member_of(owner, last)
    return parameter(found, name) if isinstance(found, Param) else None
