"""A sweep as a script that gives the same numbers."""

from __future__ import annotations

from ..code.model import LOAD, Unwritable, call, construct
from ..engine import Field
from ..quantities import code_of, write
from .grid import Sweep

__all__ = ["sweep_code"]


def sweep_code(sweep: Sweep) -> str:
    """Write a sweep.

    Parameters
    ----------
    sweep : Sweep
        The sweep.

    Returns
    -------
    str
        Python code. ``values`` in it is the array that is shown, first parameter first.
    """
    engine, request = sweep.engine, sweep.request
    try:
        model = [f"model = {construct(engine, request)}"]
    except Unwritable:
        model = ["# `model` is what you gave to the widget."]
    names = ["first", "second"][: len(sweep.ramps)]
    body = [
        *model,
        f"simulator = brainmass.Simulator(model, dt={request.dt!r} * u.ms)",
        *(f"{n} = {_axis(ramp)}" for n, ramp in zip(names, sweep.ramps, strict=True)),
        f"values = np.full({sweep.values.shape!r}, np.nan)",
        f"step = {_step(sweep)!r} * u.ms",
        "for point in np.ndindex(*values.shape):",
        *(f"    {line}" for line in _settings(sweep, names)),
        f"    {call('result = simulator.run', _arguments(sweep, names), 4)}".replace(
            "\n", "\n    "
        ),
        f'    x = np.asarray(u.get_mantissa(result["{sweep.signal}"]), np.float64)',
        "    x = x.reshape(len(x), -1)",
        "    if np.isfinite(x).all():",
        f"        values[point] = {sweep.observable.code}",
    ]
    if engine.inputs is not None:
        body.insert(0, "# `inputs` is what you gave to the widget.")
    text = "\n".join(body)
    if LOAD in text:
        text = f"connectome = {LOAD}\n" + text.replace(LOAD, "connectome")
    return (
        "\n".join(["import brainmass", "import brainunit as u", "import numpy as np", "", text])
        + "\n"
    )


def _axis(ramp) -> str:
    kind = "geomspace" if ramp.log else "linspace"
    values = f"np.{kind}({ramp.lo!r}, {ramp.hi!r}, {ramp.points})"
    return f'np.array([float(f"{{v:.9g}}") for v in {values}])'


def _step(sweep: Sweep) -> float:
    return sweep.engine.thinning(sweep.request) * sweep.request.dt


def _settings(sweep: Sweep, names: list[str]) -> list[str]:
    lines = []
    for k, (name, ramp) in enumerate(zip(names, sweep.ramps, strict=True)):
        f = sweep.engine.fields[ramp.path]
        if f.owner is not None:
            lines.append(f"model.{ramp.path} = {_written(f'{name}[point[{k}]]', f)}")
    return lines


def _written(text: str, f: Field) -> str:
    unit = code_of(f.spec.unit)
    if not unit:
        return text
    return f"{text} / {unit[4:]}" if unit.startswith("1 / ") else f"{text} * {unit}"


def _arguments(sweep: Sweep, names: list[str]) -> list[str]:
    engine, request = sweep.engine, sweep.request
    given = engine.arguments(request)
    out = [f"{request.steps * request.dt!r} * u.ms", f"monitors={_monitors(sweep)}"]
    if engine.inputs is not None:
        out.append("inputs=inputs")
    elif inputs := _inputs(sweep, names):
        out.append(f"inputs={inputs}")
    for name in ("transient", "sample_every"):
        if name in given:
            out.append(f"{name}={given[name]}")
    return [*out, f"seed={request.seed}", 'on_divergence="ignore"']


def _monitors(sweep: Sweep) -> str:
    if not sweep.engine.declared:
        return "None"
    node = "node." if sweep.engine.network else ""
    if sweep.signal == "output":
        return f'{{"output": lambda m: m.{node}read_output()}}'
    return f'{{"{sweep.signal}": "{node}{sweep.signal}"}}'


def _inputs(sweep: Sweep, names: list[str]) -> str:
    pairs = enumerate(zip(names, sweep.ramps, strict=True))
    swept = {ramp.path: f"{name}[point[{k}]]" for k, (name, ramp) in pairs}
    terms = []
    for path, f in sweep.engine.fields.items():
        if not path.startswith("input."):
            continue
        value = sweep.request.values[path]
        if path in swept:
            amplitude = _written(swept[path], f)
        elif value.any():
            amplitude = write(value, f.spec.unit)
        else:
            continue
        terms.append(f'brainmass.stimuli.step(amplitude={amplitude}, inlet="{f.attribute}")')
    return " + ".join(terms)
