"""A sweep as a script that gives the same numbers."""

from __future__ import annotations

from ..code.model import LOAD, Unwritable, call, construct
from ..engine import Field
from ..quantities import code_of, write
from .grid import KEPT, Ramp, Sweep, target_of

__all__ = ["sweep_code"]

_NAMES = ("first", "second")


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
    body = [
        *model,
        f"simulator = brainmass.Simulator(model, dt={request.dt!r} * u.ms)",
        *(f"{n} = {_axis(ramp)}" for n, ramp in zip(_NAMES, sweep.ramps, strict=False)),
        f"step = {sweep.step!r} * u.ms",
        "",
        "def keep(result):",
        f'    x = np.asarray(u.get_mantissa(result["{sweep.signal}"]), np.float64)',
        "    x = x.reshape(len(x), -1)",
        f"    return {sweep.observable.code} if np.isfinite(x).all() else np.nan",
        "",
        call("result = brainmass.sweep", _arguments(sweep)),
        f'values = result["{KEPT}"].values.reshape({sweep.values.shape!r})',
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


def _axis(ramp: Ramp) -> str:
    kind = "geomspace" if ramp.log else "linspace"
    values = f"np.{kind}({ramp.lo!r}, {ramp.hi!r}, {ramp.points})"
    return f'np.array([float(f"{{v:.9g}}") for v in {values}])'


def _written(text: str, f: Field) -> str:
    unit = code_of(f.spec.unit)
    if not unit:
        return text
    return f"{text} / {unit[4:]}" if unit.startswith("1 / ") else f"{text} * {unit}"


def _arguments(sweep: Sweep) -> list[str]:
    engine, request = sweep.engine, sweep.request
    given = engine.arguments(request)
    out = [
        "simulator",
        _params(sweep),
        f"duration={request.steps * request.dt!r} * u.ms",
        f"monitors={_monitors(sweep)}",
        f'reduce={{"{KEPT}": keep}}',
        f"seeds=[{request.seed}]",
    ]
    if engine.inputs is not None:
        out.append("inputs=inputs")
    elif not any(map(_enters, sweep.ramps)) and (inputs := _inputs(sweep)):
        out.append(f"inputs={inputs}")
    for name in ("transient", "sample_every"):
        if name in given:
            out.append(f"{name}={given[name]}")
    return [*out, "progress=False"]


def _params(sweep: Sweep) -> str:
    """Write what is varied: each ramp, and all constant inputs of a point as one."""
    names = dict(zip(_NAMES, sweep.ramps, strict=False))
    fields, terms = sweep.engine.fields, []
    entering = [n for n, ramp in names.items() if _enters(ramp)]
    for name, ramp in names.items():
        if not _enters(ramp):
            terms.append(f'"{target_of(ramp.path)}": {_written(name, fields[ramp.path])}')
        elif name == entering[0]:
            # The last loop is the innermost, as in a grid.
            loops = " ".join(f"for {n}_value in {n}" for n in entering)
            terms.append(f'"inputs": [{_inputs(sweep)} {loops}]')
    return "{" + ", ".join(terms) + "}"


def _enters(ramp: Ramp) -> bool:
    return target_of(ramp.path) == "inputs"


def _monitors(sweep: Sweep) -> str:
    if not sweep.engine.declared:
        return "None"
    node = "node." if sweep.engine.network else ""
    if sweep.signal == "output":
        return f'{{"output": lambda m: m.{node}read_output()}}'
    return f'{{"{sweep.signal}": "{node}{sweep.signal}"}}'


def _inputs(sweep: Sweep) -> str:
    """Write the input of one point; what is swept goes by the name of its value."""
    swept = {ramp.path: f"{n}_value" for n, ramp in zip(_NAMES, sweep.ramps, strict=False)}
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
