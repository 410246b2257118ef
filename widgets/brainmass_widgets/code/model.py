"""The constructor of a model as Python code."""

from __future__ import annotations

from typing import Any

import brainunit as u
import numpy as np

import brainmass

from ..engine import AddedNoise, Engine, Request
from ..quantities import even, write

__all__ = ["LOAD", "Unwritable", "added_noise", "call", "construct"]

_EXAMPLE = "example_connectome"

LOAD = f'brainmass.datasets.load_dataset("{_EXAMPLE}")'
"""How the code loads the connectome that comes with the library."""

MOST_NUMBERS = 400
"""Numbers written out as literals; a larger array is taken from the user's own variable."""


class Unwritable(Exception):
    """A part of the model has no short code; the user's variable stands for it."""


def call(function: str, arguments: list[str], indent: int = 0) -> str:
    """Write a call, on several lines if it is long."""
    line = f"{function}({', '.join(arguments)})"
    if len(line) + indent <= 99:
        return line
    return f"{function}(\n" + "".join(f"    {a},\n" for a in arguments) + ")"


def construct(engine: Engine, request: Request, kept: bool = False) -> str:
    """Write the constructor of the model, or raise :class:`Unwritable`.

    With ``kept``, free noise slots get noise of strength zero.
    """
    if not engine.declared:
        raise Unwritable
    if not engine.network:
        return _node(engine, request, "", kept)
    net = engine.model
    if type(net) is not brainmass.Network:
        raise Unwritable
    arguments = [_node(engine, request, "node.", kept), *_wiring(engine, request)]
    arguments += _couplings(net, request)
    if net.delay_init is not None:
        arguments.append(f"delay_init={_start(net.delay_init)}")
    if net.self_connection:
        arguments.append("self_connection=True")
    if net.noise is not None:
        arguments.append(f"noise={_noise(net.noise, request, 'noise')}")
    return call("brainmass.Network", arguments, indent=len("model = "))


def _wiring(engine: Engine, request: Request) -> list[str]:
    """Write weights, lengths, speed and the range in which the speed compiles nothing."""
    net = engine.model
    if "weights" not in engine.start:
        raise Unwritable
    weights = engine.start["weights"]
    unit = net.conn.spec.unit
    lengths = np.asarray(net.distance) if net.distance is not None else None
    bundled = _bundled(weights, lengths, unit, net)
    matrix = f"{bundled}.weights" if bundled else _number(weights, unit)
    out = [f"conn={matrix}"]
    if lengths is None:
        return out
    speed = net.speed.spec.unit
    per_ms = u.UNITLESS if speed.is_unitless else speed * u.ms
    if bundled:
        out.append(f"distance={bundled}.distances")
    else:
        out.append(f"distance={_number(lengths, per_ms)}")
    value = request.values.get("speed", np.asarray(net.speed.mantissa(), float))
    out.append(f"speed={write(value, speed)}")
    if net.speed_range is not None:
        ends = ", ".join(write(end, speed) for end in net.speed_range)
        out.append(f"speed_range=({ends})")
    return out


def _bundled(weights, lengths, unit: u.Unit, net) -> str:
    """Return the code of the bundled connectome if this is the one, else ''."""
    example = brainmass.datasets.load_dataset(_EXAMPLE)
    given = np.asarray(u.get_mantissa(example.weights), np.float32)
    if u.get_unit(example.weights) != unit or not np.array_equal(given, np.float32(weights)):
        return ""
    if lengths is not None:
        per_ms = net.speed.spec.unit * u.ms
        unit = u.get_unit(example.distances)
        if not unit.has_same_dim(per_ms):
            return ""
        if not np.array_equal(np.asarray(example.distances.to_decimal(per_ms), float), lengths):
            return ""
    return LOAD


def _couplings(net, request: Request) -> list[str]:
    if len(net.couplings) > 1:
        raise Unwritable
    (coupling,) = net.couplings
    if coupling.source is not None or coupling.target is not None:
        raise Unwritable
    out = []
    numbers = [
        f"{n}={_number(request.values['k' if n == 'k' else f'coupling.{n}'], c.spec.unit)}"
        for n in coupling.defaults
        for c in [getattr(coupling, n)]
    ]
    if list(coupling.defaults) == ["k"] and coupling.name_in_network:
        out.append(f'coupling="{coupling.name_in_network}"')
        out += numbers
    else:
        out.append(f"coupling={call(_class(type(coupling)), numbers)}")
    source = net._source
    if isinstance(source, str):
        out.append(f'coupled_var="{source}"')
    elif hasattr(source, "sign"):
        out.append(f'source="{source.first} {source.sign} {source.second}"')
    else:
        raise Unwritable
    if net._target != next(iter(net.node.declaration.ports)):
        out.append(f'target="{net._target}"')
    return out


def _start(value: Any) -> str:
    if callable(value):
        return _option(value)
    return _number(np.asarray(u.get_mantissa(value)), u.get_unit(value))


def _node(engine: Engine, request: Request, prefix: str, kept: bool) -> str:
    node = engine.node
    kinds = node.declaration
    size = node.varshape[0] if len(node.varshape) == 1 else tuple(node.varshape)
    arguments = [repr(size)]
    for name, spec in kinds.params.items():
        value = request.values[prefix + name]
        if not _is_default(value, spec):
            arguments.append(f"{name}={_number(value, spec.unit)}")
    for name, spec in kinds.options.items():
        value = getattr(node, name)
        if value != spec.default:
            arguments.append(f"{name}={_option(value)}")
    for slot in kinds.noise_slots:
        path = f"{prefix}{slot}"
        if _added(engine, path):
            if kept or np.any(request.values[f"{path}.sigma"]):
                arguments.append(f"{slot}={added_noise(engine, request, path)}")
        elif (process := getattr(node, slot)) is not None:
            arguments.append(f"{slot}={_noise(process, request, path)}")
    for name, spec in kinds.states.items():
        path = f"{prefix}init_{name}"
        value = request.values[path]
        drawn = engine.drawn.get(path)
        if drawn is not None and np.array_equal(value, engine.start[path]):
            if drawn != spec.default:
                arguments.append(f"init_{name}={_option(drawn)}")
        elif callable(spec.default) or not _is_default(value, spec):
            arguments.append(f"init_{name}={_number(value, spec.unit)}")
    method = request.method or node.method
    if method != type(node).default_method:
        arguments.append(f"method={method!r}")
    return call(_class(type(node)), arguments)


def _class(cls: type) -> str:
    """Write a class: those of the library by their module, those of the user by their name."""
    if getattr(brainmass, cls.__name__, None) is cls:
        return f"brainmass.{cls.__name__}"
    if "<" in cls.__qualname__:
        raise Unwritable
    return cls.__qualname__


def _is_default(value: np.ndarray, spec: Any) -> bool:
    default = u.Quantity(spec.default).to_decimal(spec.unit)
    return value.ndim == 0 and float(value) == float(default)


def _number(value: np.ndarray, unit: u.Unit) -> str:
    if value.size > MOST_NUMBERS and not even(value):
        raise Unwritable
    return write(value, unit)


def _option(value: Any) -> str:
    if isinstance(value, str | int | float | bool | type(None)):
        return repr(value)
    if isinstance(value, brainmass.uniform) and u.get_unit(value.low).is_unitless:
        return f"brainmass.{value!r}"
    raise Unwritable


def _noise(process: Any, request: Request, path: str) -> str:
    if getattr(process, "init", None) is not None:
        raise Unwritable
    size = process.in_size[0] if len(process.in_size) == 1 else tuple(process.in_size)
    arguments = [repr(size)]
    for name, held in process.params.items():
        value = request.values[f"{path}.{name}"]
        if name != "mean" or np.any(value != 0):
            arguments.append(f"{name}={_number(value, held.spec.unit)}")
    return call(_class(type(process)), arguments)


def _added(engine: Engine, path: str) -> bool:
    """Whether the noise in this slot was added in the widget."""
    f = engine.fields.get(f"{path}.sigma")
    return f is not None and isinstance(f.owner, AddedNoise)


def added_noise(engine: Engine, request: Request, path: str) -> str:
    """Write the noise that was added in the widget in a slot."""
    node = engine.node
    size = node.varshape[0] if len(node.varshape) == 1 else tuple(node.varshape)
    numbers = [
        f"{name}={_number(request.values[f'{path}.{name}'], f.spec.unit)}"
        for name in ("sigma", "tau")
        for f in [engine.fields[f"{path}.{name}"]]
    ]
    return call("brainmass.OUProcess", [repr(size), *numbers])
