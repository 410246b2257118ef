"""A phase plane as Python code that gives the same arrays."""

from __future__ import annotations

from typing import Any

import brainunit as u
import numpy as np

import brainmass

from .phase_plane_engine import CYCLES, GRID, POINT_STARTS, STARTS, PlaneEngine, PlaneRequest
from .quantities import write

__all__ = ["plane_code"]


def plane_code(
    engine: PlaneEngine,
    request: PlaneRequest,
    along: str | None = None,
    span: tuple[float, float] = (0.0, 1.0),
) -> str:
    """Write a phase plane as a script.

    Parameters
    ----------
    engine : PlaneEngine
        The model.
    request : PlaneRequest
        What is shown.
    along : str, optional
        The number along which a bifurcation diagram is shown.
    span : tuple of float
        Its range.

    Returns
    -------
    str
        Python code with the variables ``field``, ``curves``, ``points``, ``trajectories`` and
        ``diagram``.

    Examples
    --------
    >>> import brainmass
    >>> from brainmass_widgets.phase_plane_code import plane_code
    >>> from brainmass_widgets.phase_plane_engine import PlaneEngine
    >>> engine = PlaneEngine(brainmass.VanDerPolStep(1, mu=2.0))
    >>> windows = {"x": (-3.0, 3.0), "y": (-2.0, 2.0)}
    >>> print(plane_code(engine, engine.request(windows=windows)).splitlines()[3])
    model = brainmass.VanDerPolStep(1, mu=2.0)
    """
    x, y = request.axes
    model, known = _model(engine, request)
    names = ["fixed_points", "nullclines", "vector_field"]
    more = _others(engine, request)
    lines = [*model, f"at = {_mapping(engine.drive(request))}"]
    lines += [
        f"window = {_ranges(engine, request.window)}",
        f"box = {_ranges(engine, request.box)}",
    ]
    lines += more[1]
    given = f"box=window, at=at{more[0]}"
    lines += [
        f'field = vector_field(model, "{x}", "{y}", points={GRID}, {given})',
        f'curves = nullclines(model, "{x}", "{y}", points={engine.fineness}, {given})',
        f"points = fixed_points(model, box=box, at=at, starts={POINT_STARTS})",
    ]
    if along is not None:
        names.insert(0, "continuation")
        lines += _diagram(engine, along, span)
    if request.starts:
        lines += _trajectories(engine, request)
    text = "\n".join(lines)
    head = ["import brainmass"] if known or request.starts else []
    head += ["import brainunit as u"] if "u." in text else []
    head += ["import numpy as np"] if "np." in text else []
    head.append(f"from brainmass.analysis import {', '.join(names)}")
    return "\n".join([*head, "", text]) + "\n"


def _model(engine: PlaneEngine, request: PlaneRequest) -> tuple[list[str], bool]:
    """Return the lines that make the model, and whether they need nothing of the user's."""
    cls, kinds = type(engine.given), engine.given.declaration
    changed = {
        f.name: write(request.values[path], f.spec.unit)
        for path, f in engine.fields.items()
        if f.group == "Parameters" and not _is_default(request.values[path], f.spec)
    }
    options = {
        n: getattr(engine.given, n)
        for n, spec in kinds.options.items()
        if getattr(engine.given, n) != spec.default
    }
    if engine.given.method != "heun":
        options["method"] = engine.given.method
    ours = getattr(brainmass, cls.__name__, None) is cls
    plain = all(isinstance(v, str | int | float | bool) for v in options.values())
    if plain and (ours or "<" not in cls.__qualname__):
        name = f"brainmass.{cls.__name__}" if ours else cls.__qualname__
        arguments = ["1", *(f"{n}={v}" for n, v in changed.items())]
        arguments += [f"{n}={v!r}" for n, v in options.items()]
        return [_call(f"model = {name}", arguments)], ours
    lines = ["# `model` is one region of what you gave to the widget, without noise."]
    for path, f in engine.fields.items():
        if f.group == "Parameters" and request.values[path] != engine.start[path]:
            lines.append(f"model.{f.name} = {write(request.values[path], f.spec.unit)}")
    return lines, False


def _others(engine: PlaneEngine, request: PlaneRequest) -> tuple[str, list[str]]:
    """Return arguments and lines about the states that are not on an axis."""
    if not request.rest:
        return "", []
    state = {n: engine.states[n].attach(v) for n, v in request.rest.items()}
    return f', state=state, others="{request.others}"', [f"state = {_mapping(state)}"]


def _diagram(engine: PlaneEngine, along: str, span: tuple[float, float]) -> list[str]:
    f = engine.fields[along]
    ends = ", ".join(write(end, f.spec.unit) for end in span)
    at = "at"
    if f.group == "Constant input":
        at = f'{{n: v for n, v in at.items() if n != "{f.name}"}}'
    arguments = ["model", f'"{f.name}"', f"({ends})", f"at={at}", "box=box", f"starts={STARTS}"]
    arguments.append(f"cycles={CYCLES}")
    return [_call("diagram = continuation", arguments)]


def _trajectories(engine: PlaneEngine, request: PlaneRequest) -> list[str]:
    x, y = request.axes
    arguments = [f"{request.steps * request.dt!r} * u.ms", f'monitors=["{x}", "{y}"]']
    lines = []
    ports = engine.given.declaration.ports
    if ports:
        arguments.append("inputs=drive")
        entries = []
        for name, value in engine.drive(request).items():
            unit = write(1.0, ports[name].unit)[3:]
            full = f"np.full({request.steps}, {float(u.get_mantissa(value))!r}){unit}"
            entries.append(f'"{name}": {full}')
        lines.append(f"drive = {{{', '.join(entries)}}}")
    arguments.append('on_divergence="ignore"')
    starts = [
        _mapping({n: engine.states[n].attach(v) for n, v in start.items()})
        for start in request.starts
    ]
    return [
        *lines,
        "trajectories = []",
        f"for start in [{', '.join(starts)}]:",
        "    for name, value in start.items():",
        '        setattr(model, f"init_{name}", value)',
        f"    simulator = brainmass.Simulator(model, dt={request.dt!r} * u.ms)",
        f"    trajectories.append(simulator.run({', '.join(arguments)}))",
    ]


def _mapping(values: dict[str, Any]) -> str:
    entries = (
        f'"{n}": {write(float(u.get_mantissa(v)), u.get_unit(v))}' for n, v in values.items()
    )
    return "{" + ", ".join(entries) + "}"


def _ranges(engine: PlaneEngine, ranges: dict[str, tuple[float, float]]) -> str:
    entries = []
    for name, ends in ranges.items():
        unit = engine.states[name].unit
        entries.append(f'"{name}": ({", ".join(write(end, unit) for end in ends)})')
    return "{" + ", ".join(entries) + "}"


def _is_default(value: float, spec: Any) -> bool:
    return float(np.asarray(u.Quantity(spec.default).to_decimal(spec.unit))) == value


def _call(function: str, arguments: list[str]) -> str:
    line = f"{function}({', '.join(arguments)})"
    if len(line) <= 99:
        return line
    return f"{function}(\n" + "".join(f"    {a},\n" for a in arguments) + ")"
