"""The numbers of a model that a control can change."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import brainstate
import brainunit as u
import numpy as np

import brainmass

from .noise import AddedNoise

__all__ = ["Field", "decimals", "find_fields"]

MOST_DECIMALS = 20_000
"""Numbers of an array that are worth short decimals; nobody reads a longer one."""

_SYMBOLS = {"sigma": "σ", "tau": "τ", "mean": "μ"}


@dataclass(frozen=True, eq=False)
class Field:
    """One number of the model that a control can change.

    Attributes
    ----------
    path : str
        Unique name, such as ``'a'``, ``'node.a'``, ``'speed'`` or ``'init_x'``.
    group : str
        Heading under which it is shown.
    spec : ParamSpec, StateSpec or InletSpec
        Its declaration.
    shape : tuple of int
        Shape of the population it belongs to.
    owner : object or None
        Module that holds it as attribute ``attribute``; None for a constant input.
    """

    path: str
    group: str
    spec: Any
    shape: tuple[int, ...]
    owner: Any
    attribute: str

    @property
    def label(self) -> str:
        """What stands beside the slider."""
        slot, _, name = self.path.rpartition(".")
        if slot.startswith("stimulus."):
            return name
        slot = slot.removeprefix("node.")
        if "noise" not in slot or name not in _SYMBOLS:
            return self.attribute
        return f"{_SYMBOLS[name]} {slot.removeprefix('noise').removeprefix('_')}".rstrip()

    @property
    def held(self) -> Any:
        """What the model holds: a Param, a value, or a callable that draws values."""
        return None if self.owner is None else getattr(self.owner, self.attribute)

    @property
    def random(self) -> bool:
        """Whether the model draws this number anew for each run."""
        return callable(self.held) and not isinstance(self.held, brainstate.nn.Param)

    def read(self) -> np.ndarray:
        """Return the current value in the declared unit, as the shortest equal decimals.

        For numbers drawn at random, the middle of a uniform distribution, or zero.
        """
        value = self.held
        if self.owner is None:
            return np.asarray(float(u.get_mantissa(self.spec.default)))
        if self.random:
            ends = [getattr(value, end, 0.0 * self.spec.unit) for end in ("low", "high")]
            ends = [np.mean(u.Quantity(end).to_decimal(self.spec.unit)) for end in ends]
            return decimals(np.float32(np.mean(ends)))
        if isinstance(value, brainstate.nn.Param):
            value = value.value()
        return decimals(u.Quantity(value).to_decimal(self.spec.unit))

    def write(self, value: np.ndarray) -> None:
        """Set the value in the model."""
        if self.owner is None:
            return
        quantity = self.spec.attach(value if value.ndim else float(value))
        if isinstance(self.held, brainstate.nn.Param):
            self.held.set_value(quantity)
        else:
            setattr(self.owner, self.attribute, quantity)

    def check(self, value: np.ndarray) -> None:
        """Raise ``ValueError`` if the model would refuse the value."""
        who = "Input" if self.owner is None else type(self.owner).__name__
        quantity = self.spec.attach(value)
        if hasattr(self.spec, "start"):
            self.spec.start(quantity, who, self.shape)
        elif hasattr(self.spec, "check"):
            self.spec.check(quantity, who, self.shape)


def find_fields(model: Any, node: Any) -> Iterator[Field]:
    """Return every number of a model that a control can change, in the order of declaration.

    Parameters
    ----------
    model : brainstate.nn.Module
        The model.
    node : brainstate.nn.Module
        The neural mass inside a network, or the model itself.
    """
    if not isinstance(node, brainmass.NeuralMass):
        yield from _loose_params(model, "", set())
        return
    shape = tuple(node.varshape)
    prefix = "" if node is model else "node."
    if isinstance(model, brainmass.Network):
        yield from _network_fields(model)
    kinds = node.declaration
    for name, spec in kinds.params.items():
        own = (shape[-1],) * 2 if getattr(spec, "pairs", False) else shape
        yield Field(prefix + name, "Parameters", spec, own, node, name)
    yield from _noise_fields(node, prefix, shape)
    for name, spec in kinds.states.items():
        yield Field(f"{prefix}init_{name}", "Initial values", spec, shape, node, f"init_{name}")


def _noise_fields(node: Any, prefix: str, shape: tuple[int, ...]) -> Iterator[Field]:
    """Return the numbers of the noise that is there, then of noise that can be added."""
    slots = node.declaration.noise_slots
    for slot in slots:
        process = getattr(node, slot)
        if process is not None:
            for name, held in process.params.items():
                yield Field(f"{prefix}{slot}.{name}", "Noise", held.spec, shape, process, name)
    for slot, inlet in slots.items():
        if getattr(node, slot) is None:
            source = AddedNoise(node, slot, node.declaration.inlets[inlet].unit)
            for name, spec in source.specs(inlet).items():
                yield Field(f"{prefix}{slot}.{name}", "Add noise", spec, shape, source, name)


def _network_fields(net) -> Iterator[Field]:
    """Return strength and other numbers of the couplings, conduction speed, and noise."""
    for i, coupling in enumerate(net.couplings):
        place = "coupling" if len(net.couplings) == 1 else f"coupling[{i}]"
        for name in coupling.defaults:
            spec = getattr(coupling, name).spec
            if name == "k" and spec.bounds is None:
                size = float(np.max(np.abs(getattr(coupling, name).mantissa())))
                spec = replace(spec, bounds=(0.0, 4 * size or 1.0))
            path = "k" if (i, name) == (0, "k") else f"{place}.{name}"
            yield Field(path, "Coupling", spec, tuple(net.node.varshape), coupling, name)
    if net.speed is not None and np.isfinite(net.speed.mantissa()):
        spec = net.speed.spec
        if net.speed_range is not None:
            spec = replace(spec, bounds=net.speed_range, log=True)
        yield Field("speed", "Coupling", spec, (), net, "speed")
    if net.conn.precompute is None:
        count = net.node.varshape[-1]
        yield Field("weights", "Connectome", net.conn.spec, (count, count), net, "conn")
    if net.noise is not None:
        for name, held in net.noise.params.items():
            path, shape = f"noise.{name}", tuple(net.node.varshape)
            yield Field(path, "Noise", held.spec, shape, net.noise, name)


def _loose_params(module, prefix: str, skipped: set[int]) -> Iterator[Field]:
    """Find parameters, declared or not, by walking through a module."""
    for name, held in vars(module).items():
        if id(held) in skipped or name.startswith("_"):
            continue
        path = f"{prefix}{name}"
        if isinstance(held, brainstate.nn.Param):
            spec = getattr(held, "spec", None)
            if spec is None:
                value = held.value()
                if not np.issubdtype(np.asarray(u.get_mantissa(value)).dtype, np.floating):
                    continue
                spec = brainmass.param(value, doc="parameter").named(name)
            shape = tuple(getattr(held, "fits", np.shape(held.value())))
            yield Field(path, "Parameters", spec, shape, module, name)
        elif isinstance(held, brainstate.nn.Module):
            yield from _loose_params(held, f"{path}.", skipped)


def decimals(value) -> np.ndarray:
    """Return float64 numbers whose decimals are the shortest that give the same float32."""
    array = np.asarray(value)
    short = array.dtype == np.float32 and array.size <= MOST_DECIMALS
    return array.astype(str).astype(np.float64) if short else array.astype(float)
