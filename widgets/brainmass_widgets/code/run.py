"""A run as a script: the model, its inputs, and the call."""

from __future__ import annotations

from typing import Any

import brainunit as u
import numpy as np

from ..engine import LESION, AddedNoise, Engine, Request, network_output, node_output
from ..quantities import even, write
from .model import LOAD, MOST_NUMBERS, Unwritable, added_noise, call, construct

__all__ = ["inputs_code", "to_code"]

_WHY = (
    "# Zeros and equal numbers for each region change nothing. They make the program that of the\n"
    "# widget, and with it the last digits."
)


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
    layout, request = engine.layouts.of(request.values), engine.laid_out(request)
    try:
        model = [f"model = {construct(engine, request, layout.noisy)}"]
    except Unwritable:
        lines = _assignments(engine, request, layout.noisy)
        model = ["# `model` is what you gave to the widget.", *lines]
    arguments, notes = _arguments(engine, request)
    if any(layout):
        notes.append(_WHY)
    body = [
        *notes,
        *model,
        *_edits(engine, request),
        f"simulator = brainmass.Simulator(model, dt={request.dt!r} * u.ms)",
        call("result = simulator.run", arguments),
    ]
    text = "\n".join(body)
    if LOAD in text:
        text = f"connectome = {LOAD}\n" + text.replace(LOAD, "connectome")
    head = ["import brainmass", "import brainunit as u"]
    if "np." in text:
        head.append("import numpy as np")
    return "\n".join([*head, "", text]) + "\n"


def _arguments(engine: Engine, request: Request) -> tuple[list[str], list[str]]:
    given = engine.arguments(request, _always(engine, request))
    arguments, notes = [f"{request.steps * request.dt!r} * u.ms"], []
    monitors = _monitors(given["monitors"])
    if monitors is None:
        monitors = "monitors"
        notes.append("# `monitors` is what you gave to the widget.")
    arguments.append(f"monitors={monitors}")
    if inputs := inputs_code(engine, request):
        arguments.append(inputs)
    if engine.inputs is not None:
        notes.append("# `inputs` is what you gave to the widget.")
    for name in ("transient", "sample_every", "batch_size"):
        if name in given:
            arguments.append(f"{name}={given[name]}")
    arguments.append(f"seed={request.seed}")
    return arguments, notes


def inputs_code(engine: Engine, request: Request) -> str:
    """Return what enters from outside as an argument of a run, '' where nothing does."""
    if engine.inputs is not None:
        return "inputs=inputs"
    request = engine.laid_out(request)
    inputs = _inputs(engine, request) if engine.parts(request, _always(engine, request)) else ""
    return f"inputs={inputs}" if inputs else ""


def _always(engine: Engine, request: Request) -> list[str]:
    return engine.layouts.inputs(engine.layouts.of(request.values))


def _inputs(engine: Engine, request: Request) -> str:
    parts = engine.parts(request, _always(engine, request))
    if len(engine.shape) == 1:
        calls = []
        for part in parts:
            numbers = [f"{n}={write(v, unit)}" for n, (v, unit) in part.numbers.items()]
            numbers.append(f'inlet="{part.inlet}"')
            calls.append(f"brainmass.stimuli.{part.function}({', '.join(numbers)})")
        return "\n    + ".join(calls)
    entries = []
    for part in parts:
        value, unit = part.numbers["amplitude"]
        shape = (request.steps, *value.shape) if value.ndim else request.steps
        full = f"np.full({shape!r}, {write(value, u.UNITLESS)})"
        entries.append(f'"{part.inlet}": {full}{write(1.0, unit)[3:]}')
    return f"{{{', '.join(entries)}}}"


def _monitors(monitors: Any) -> str | None:
    known = {node_output: "lambda m: m.read_output()"}
    known[network_output] = "lambda m: m.node.read_output()"
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


def _assignments(engine: Engine, request: Request, kept: bool) -> list[str]:
    """Write what differs from the model that the widget was given."""
    lines = []
    for path, value in request.values.items():
        f = engine.fields[path]
        added = isinstance(f.owner, AddedNoise)
        same = np.array_equal(value, engine.start[path]) and not (added and kept)
        if f.owner is None or path == "weights" or same:
            continue
        if added:
            slot = path.rpartition(".")[0]
            line = f"model.{slot} = {added_noise(engine, request, slot)}"
            present = kept or np.any(request.values[f"{slot}.sigma"])
            if line not in lines and present:
                lines.append(line)
            continue
        if value.size > MOST_NUMBERS and not even(value):
            raise ValueError(f"to_code: '{path}' holds {value.size} numbers; too many to write.")
        lines.append(f"model.{path} = {write(value, f.spec.unit)}")
    span = getattr(engine.model, "speed_range", None)
    if span is not None and span != getattr(engine.given, "speed_range", None):
        lines.append(f"model.speed_range = {span!r}")
    if request.method is not None and request.method != engine.method:
        place = "model.node" if engine.network else "model"
        lines.append(f'{place}.method = "{request.method}"')
    return lines


def _edits(engine: Engine, request: Request) -> list[str]:
    """Write the changed weights of a connectome, one assignment for all of them."""
    if "weights" not in request.values:
        return []
    before, after = engine.start["weights"], engine.weights(request.values)
    rows, columns = np.nonzero(before != after)
    if not rows.size:
        return []
    values = ", ".join(f"{v:.9g}" for v in after[rows, columns])
    unit = engine.fields["weights"].spec.unit
    lines = [
        "weights = np.array(u.get_mantissa(model.conn.value()))",
        f"weights[{rows.tolist()}, {columns.tolist()}] = [{values}]",
        f"model.conn = weights{write(1.0, unit)[3:]}",
    ]
    if np.any(after == LESION):
        lines.insert(1, f"# A cut connection weighs {LESION:g}: nothing, but its delay stays.")
    return lines
