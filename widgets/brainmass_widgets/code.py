"""The state of a widget as Python code that gives the same arrays."""

from __future__ import annotations

from typing import Any

import brainunit as u
import numpy as np

import brainmass

from .engine import AddedNoise, Engine, Request, _decimals, _network_output, _node_output
from .quantities import write

__all__ = ["to_code"]

_EXAMPLE = "example_connectome"
_LOAD = f'brainmass.datasets.load_dataset("{_EXAMPLE}")'

MOST_NUMBERS = 400
"""Numbers written out as literals; a larger array is taken from the user's own variable."""


class _Unwritable(Exception):
    """A part of the model has no short code; the user's variable stands for it."""


def to_code(engine: Engine, request: Request) -> str:
    """Write a run as a script.

    Parameters
    ----------
    engine : Engine
        The model.
    request : Request
        The run.

    Returns
    -------
    str
        Python code. It builds the model where that can be written down. Otherwise it starts from
        variables ``model``, ``inputs`` or ``monitors``, which stand for what the widget was given,
        and says so.

    Examples
    --------
    >>> import brainmass
    >>> from brainmass_widgets.code import to_code
    >>> from brainmass_widgets.engine import Engine, Request
    >>> engine = Engine(brainmass.HopfStep(1, init_x=0.1))
    >>> print(to_code(engine, Request(values=engine.start)))
    import brainmass
    import brainunit as u
    <BLANKLINE>
    model = brainmass.HopfStep(1, init_x=0.1)
    simulator = brainmass.Simulator(model, dt=0.1 * u.ms)
    result = simulator.run(200.0 * u.ms, monitors=["x", "y"], seed=0)
    """
    try:
        model = [f"model = {_model(engine, request)}"]
    except _Unwritable:
        model = ["# `model` is what you gave to the widget.", *_assignments(engine, request)]
    arguments, notes = _arguments(engine, request)
    body = [
        *notes,
        *model,
        f"simulator = brainmass.Simulator(model, dt={request.dt!r} * u.ms)",
        _call("result = simulator.run", arguments),
    ]
    text = "\n".join(body)
    if _LOAD in text:
        text = f"connectome = {_LOAD}\n" + text.replace(_LOAD, "connectome")
    head = ["import brainmass", "import brainunit as u"]
    if "np." in text:
        head.append("import numpy as np")
    return "\n".join([*head, "", text]) + "\n"


def _call(function: str, arguments: list[str], indent: int = 0) -> str:
    line = f"{function}({', '.join(arguments)})"
    if len(line) + indent <= 99:
        return line
    return f"{function}(\n" + "".join(f"    {a},\n" for a in arguments) + ")"


def _duration(request: Request) -> float:
    return request.steps * request.dt


def _arguments(engine: Engine, request: Request) -> tuple[list[str], list[str]]:
    given = engine.arguments(request)
    arguments, notes = [f"{_duration(request)!r} * u.ms"], []
    monitors = _monitors(given["monitors"])
    if monitors is None:
        monitors = "monitors"
        notes.append("# `monitors` is what you gave to the widget.")
    arguments.append(f"monitors={monitors}")
    if "inputs" in given and engine.inputs is not None:
        arguments.append("inputs=inputs")
        notes.append("# `inputs` is what you gave to the widget.")
    elif "inputs" in given:
        ports = engine.node.declaration.ports
        entries = []
        for name, value in engine.constants(request).items():
            shape = (request.steps, *value.shape) if value.ndim else request.steps
            full = f"np.full({shape!r}, {write(value, u.UNITLESS)})"
            unit = write(1.0, ports[name].unit)[3:]
            entries.append(f'"{name}": {full}{unit}')
        arguments.append(f"inputs={{{', '.join(entries)}}}")
    for name in ("transient", "sample_every"):
        if name in given:
            arguments.append(f"{name}={given[name]}")
    arguments.append(f"seed={request.seed}")
    return arguments, notes


def _monitors(monitors: Any) -> str | None:
    known = {_node_output: "lambda m: m.read_output()"}
    known[_network_output] = "lambda m: m.node.read_output()"
    if monitors is None or isinstance(monitors, str):
        return _quoted(monitors) if monitors else "None"
    if isinstance(monitors, dict):
        if all(key == item for key, item in monitors.items()):
            return f"[{', '.join(map(_quoted, monitors))}]"
        entries = []
        for key, item in monitors.items():
            text = _quoted(item) if isinstance(item, str) else known.get(item)
            if text is None:
                return None
            entries.append(f"{_quoted(key)}: {text}")
        return f"{{{', '.join(entries)}}}"
    if isinstance(monitors, list | tuple) and all(isinstance(m, str) for m in monitors):
        return f"[{', '.join(map(_quoted, monitors))}]"
    return None


def _quoted(text: str) -> str:
    return f'"{text}"'


def _model(engine: Engine, request: Request) -> str:
    """Write the constructor of the model, or raise ``_Unwritable``."""
    if not engine.declared:
        raise _Unwritable
    if not engine.network:
        return _node(engine, request, "")
    net = engine.model
    if type(net) is not brainmass.Network:
        raise _Unwritable
    arguments = [_node(engine, request, "node."), *_wiring(net, request)]
    arguments += _couplings(net, request)
    if net.delay_init is not None:
        arguments.append(f"delay_init={_start(net.delay_init)}")
    if net.self_connection:
        arguments.append("self_connection=True")
    if net.noise is not None:
        arguments.append(f"noise={_noise(net.noise, request, 'noise')}")
    return _call("brainmass.Network", arguments, indent=len("model = "))


def _wiring(net, request: Request) -> list[str]:
    """Write weights, lengths, speed and the range in which the speed compiles nothing."""
    weights = np.asarray(net.conn.mantissa())
    unit = net.conn.spec.unit
    lengths = np.asarray(net.distance) if net.distance is not None else None
    bundled = _bundled(weights, lengths, unit, net)
    matrix = f"{bundled}.weights" if bundled else _number(_decimals(weights), unit)
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
    given = np.asarray(u.get_mantissa(example.weights), weights.dtype)
    if u.get_unit(example.weights) != unit or not np.array_equal(given, weights):
        return ""
    if lengths is not None:
        per_ms = net.speed.spec.unit * u.ms
        unit = u.get_unit(example.distances)
        if not unit.has_same_dim(per_ms):
            return ""
        if not np.array_equal(np.asarray(example.distances.to_decimal(per_ms), float), lengths):
            return ""
    return _LOAD


def _couplings(net, request: Request) -> list[str]:
    if len(net.couplings) > 1:
        raise _Unwritable
    (coupling,) = net.couplings
    if coupling.source is not None or coupling.target is not None:
        raise _Unwritable
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
        out.append(f"coupling={_call(_class(type(coupling)), numbers)}")
    source = net._source
    if isinstance(source, str):
        out.append(f'coupled_var="{source}"')
    elif hasattr(source, "sign"):
        out.append(f'source="{source.first} {source.sign} {source.second}"')
    else:
        raise _Unwritable
    if net._target != next(iter(net.node.declaration.ports)):
        out.append(f'target="{net._target}"')
    return out


def _start(value: Any) -> str:
    if callable(value):
        return _option(value)
    return _number(np.asarray(u.get_mantissa(value)), u.get_unit(value))


def _node(engine: Engine, request: Request, prefix: str) -> str:
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
            if np.any(request.values[f"{path}.sigma"]):
                arguments.append(f"{slot}={_added_noise(engine, request, path)}")
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
    if method != "heun":
        arguments.append(f"method={method!r}")
    return _call(_class(type(node)), arguments)


def _class(cls: type) -> str:
    """Write a class: those of the library by their module, those of the user by their name."""
    if getattr(brainmass, cls.__name__, None) is cls:
        return f"brainmass.{cls.__name__}"
    if "<" in cls.__qualname__:
        raise _Unwritable
    return cls.__qualname__


def _is_default(value: np.ndarray, spec: Any) -> bool:
    default = u.Quantity(spec.default).to_decimal(spec.unit)
    return value.ndim == 0 and float(value) == float(default)


def _number(value: np.ndarray, unit: u.Unit) -> str:
    if value.size > MOST_NUMBERS:
        raise _Unwritable
    return write(value, unit)


def _option(value: Any) -> str:
    if isinstance(value, str | int | float | bool | type(None)):
        return repr(value)
    if isinstance(value, brainmass.uniform) and u.get_unit(value.low).is_unitless:
        return f"brainmass.{value!r}"
    raise _Unwritable


def _noise(process: Any, request: Request, path: str) -> str:
    if getattr(process, "init", None) is not None:
        raise _Unwritable
    size = process.in_size[0] if len(process.in_size) == 1 else tuple(process.in_size)
    arguments = [repr(size)]
    for name, held in process.params.items():
        value = request.values[f"{path}.{name}"]
        if name != "mean" or np.any(value != 0):
            arguments.append(f"{name}={_number(value, held.spec.unit)}")
    return _call(_class(type(process)), arguments)


def _added(engine: Engine, path: str) -> bool:
    """Whether the noise in this slot was added in the widget."""
    f = engine.fields.get(f"{path}.sigma")
    return f is not None and isinstance(f.owner, AddedNoise)


def _added_noise(engine: Engine, request: Request, path: str) -> str:
    node = engine.node
    size = node.varshape[0] if len(node.varshape) == 1 else tuple(node.varshape)
    numbers = [
        f"{name}={_number(request.values[f'{path}.{name}'], f.spec.unit)}"
        for name in ("sigma", "tau")
        for f in [engine.fields[f"{path}.{name}"]]
    ]
    return _call("brainmass.OUProcess", [repr(size), *numbers])


def _assignments(engine: Engine, request: Request) -> list[str]:
    """Write what differs from the model that the widget was given."""
    lines = []
    for path, value in request.values.items():
        f = engine.fields[path]
        if f.owner is None or np.array_equal(value, engine.start[path]):
            continue
        if isinstance(f.owner, AddedNoise):
            slot = path.rpartition(".")[0]
            line = f"model.{slot} = {_added_noise(engine, request, slot)}"
            if line not in lines and np.any(request.values[f"{slot}.sigma"]):
                lines.append(line)
            continue
        if value.size > MOST_NUMBERS:
            raise ValueError(f"to_code: '{path}' holds {value.size} numbers; too many to write.")
        lines.append(f"model.{path} = {write(value, f.spec.unit)}")
    span = getattr(engine.model, "speed_range", None)
    if span is not None and span != getattr(engine.given, "speed_range", None):
        lines.append(f"model.speed_range = {span!r}")
    if request.method is not None and request.method != engine.method:
        place = "model.node" if engine.network else "model"
        lines.append(f'{place}.method = "{request.method}"')
    return lines
