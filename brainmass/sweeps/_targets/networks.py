"""What a network adds: the connectome, its lengths, the speed, and the past."""

from __future__ import annotations

from typing import Any

import brainunit as u
import numpy as np

from ..._declare import StateSpec
from ...network import Network
from ...network._reading import read_lengths, read_weights
from .base import Column, Target
from .nodes import parameter
from .values import (
    axes_of,
    first_of,
    holds_functions,
    read_numbers,
    refuse_empty,
    refuse_single_matrix,
)

__all__ = ["connectome", "lengths", "past", "speed"]

# Within such a span of speeds one compiled program serves; a wider one would make slow speeds pay
# for the short blocks that fast ones need.
_SPEEDS_PER_PROGRAM = 4.0


def past(net: Network, name: str) -> Target:
    system_unit = net._sent_unit(net._pathway(net.couplings[0], (1, 8, 0, 0, 0), False))
    spec = StateSpec(0.0, "source before time 0", name="delay", unit=system_unit)

    def read(values) -> Column:
        if holds_functions(values):
            return Column(None, list(values), spec.unit, spec.doc)
        numbers = read_numbers(values, spec, "Network", name)
        spec.start(first_of(numbers, spec), "Network", (net.n_node,))
        spec.start(spec.attach(numbers), "Network", numbers.shape)
        return Column(numbers, None, spec.unit, spec.doc, axes_of(numbers))

    def apply(model, value, hint=None) -> None:
        model.delay_init = value

    bare = lambda value: spec.mantissa(value, "Network", name)  # noqa: E731
    return Target(name, spec.unit, spec.doc, read, apply, bare=bare)


def connectome(net: Network, name: str) -> Target:
    spec, n, edges = net.conn.spec, net.n_node, net._edges

    def one(value):
        """Return the weights of one point as the network stores them."""
        value = getattr(value, "weights", value)
        if edges is not None:
            return spec.mantissa(edges.values(value, name), "Network", name)
        weights, stored = read_weights(value, n, True)
        bare = np.asarray(spec.mantissa(weights.value(), "Network", name))
        if stored is None:
            return bare
        dense = np.zeros((n, n), bare.dtype)
        dense[stored.target, stored.source] = bare
        return dense

    def read(values) -> Column:
        if not isinstance(values, list | tuple):
            refuse_single_matrix(values, net.conn.fits, name)
        refuse_empty(values, name)
        numbers = np.stack([np.asarray(one(v), np.float64) for v in values])
        for row in numbers:
            spec.check(spec.attach(row), "Network", net.conn.fits)
        axes = ("target", "source") if edges is None else ("edge",)
        return Column(numbers, None, spec.unit, spec.doc, axes)

    def apply(model, value, hint=None) -> None:
        model.kept_edges = hint
        model.conn.set_value(value)

    def hint(column: Column):
        """Return the edges of all points together, if they are not the same everywhere."""
        if edges is not None:
            return None
        used = column.numbers != 0
        union = used.any(axis=0)
        return union if (union != used).any() else None

    return Target(name, spec.unit, spec.doc, read, apply, hint)


def lengths(net: Network, name: str) -> Target:
    n, edges = net.n_node, net._edges
    speed: Any = net.speed
    unit, doc = speed.spec.unit * u.ms, "lengths of the connections"

    def read(values) -> Column:
        if not isinstance(values, list | tuple):
            refuse_single_matrix(values, np.asarray(net.distance).shape, name)
        refuse_empty(values, name)
        numbers = np.stack([np.asarray(read_lengths(v, speed, n, edges)[0]) for v in values])
        axes = ("target", "source") if edges is None else ("edge",)
        return Column(numbers, None, unit, doc, axes)

    def apply(model, value, hint=None) -> None:
        model.distance = np.asarray(u.get_mantissa(value), np.float64)
        model._wirings.clear()

    return Target(name, unit, doc, read, apply)


def speed(net: Network, name: str) -> Target:
    plain = parameter(net.speed, name)
    given = net.speed_range

    def apply(model, value, hint=None) -> None:
        number = float(np.asarray(u.get_mantissa(value)))
        chosen = (hint or {}).get(number, model.speed_range)
        if chosen != model.speed_range:
            model.speed_range = chosen
            model._wirings.clear()
        model.speed.set_value(value)

    def hint(column: Column):
        return speed_ranges(np.asarray(column.numbers).ravel(), given)

    return Target(name, plain.unit, plain.doc, plain.read, apply, hint, bare=plain.bare)


def speed_ranges(speeds: np.ndarray, given) -> dict[float, tuple[float, float] | None]:
    """Return for each speed the range whose one compiled program serves it."""
    out: dict[float, tuple[float, float] | None] = {}
    group: list[float] = []
    for speed in [*sorted({float(s) for s in speeds if np.isfinite(s)}, reverse=True), None]:
        if group and (speed is None or group[0] > speed * _SPEEDS_PER_PROGRAM):
            slow, fast = group[-1], group[0]
            if given is not None and given[0] <= slow and fast <= given[1]:
                slow, fast = given
            out |= dict.fromkeys(group, (slow, fast))
            group = []
        group.append(speed)
    return out | {float(s): None for s in speeds if not np.isfinite(s)}
