"""What is set in a phase plane: at first, as plain JSON, and checked."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import brainunit as u
import numpy as np

import brainmass

from .phase_plane_engine import PlaneEngine, PlaneRequest

__all__ = ["PLANE", "checked_settings", "first_settings", "to_plain"]

WHO = "PhasePlaneWidget"

PLANE = tuple(f.name for f in fields(PlaneRequest))
"""Settings that are part of a request; the others are ``'along'`` and ``'follow'``."""

KINDS = ("quasi-steady", "held")


def first_settings(engine: PlaneEngine, x, y, given: dict[str, Any]) -> dict[str, Any]:
    """Return the settings with which a widget opens.

    Parameters
    ----------
    engine : PlaneEngine
        The model.
    x, y : str or None
        States of the axes.
    given : dict
        Further arguments of the widget.
    """
    values = {**engine.start, **_inputs(engine, given["inputs"])}
    axes = _axes(engine, x, y)
    changes = {"values": values, "axes": axes, "others": given["others"]}
    for name in ("duration", "dt"):
        if given[name] is not None:
            changes[name] = _milliseconds(given[name], name)
    box = _box(engine, given["box"])
    engine.compile_ahead(**changes)
    changes["windows"] = {**engine.windows(values), **box}
    request = engine.request(**changes)
    settings: dict[str, Any] = {name: getattr(request, name) for name in PLANE}
    settings["starts"] = (engine.first_start(request),)
    along = given["along"]
    settings["follow"] = along is None
    settings["along"] = next(iter(engine.fields)) if along is None else _path(engine, along)
    _check(engine, settings)
    return settings


def to_plain(settings: dict[str, Any]) -> dict[str, Any]:
    """Return settings as plain JSON."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: plain(v) for name, v in value.items()}
        if isinstance(value, tuple | list):
            return [plain(v) for v in value]
        return value

    return plain(settings)


def checked_settings(engine: PlaneEngine, state: Any) -> dict[str, Any]:
    """Return the settings of a saved state, or say what is wrong with it."""
    if not isinstance(state, dict) or state.get("format") != 1 or "settings" not in state:
        raise ValueError(
            f"{WHO}: state must be a dict that .state gave; got {type(state).__name__} of another "
            "format. Save it anew."
        )
    if state.get("model") != engine.name:
        raise ValueError(
            f"{WHO}: state must belong to {engine.name}; got one of {state.get('model')}. "
            "Open that model first."
        )
    out = dict(state["settings"])
    try:
        out["axes"] = tuple(out["axes"])
        out["starts"] = tuple(
            {n: float(start[n]) for n in engine.states} for start in out["starts"]
        )
        out["windows"] = {n: (float(lo), float(hi)) for n, (lo, hi) in out["windows"].items()}
        if out["view"] is not None:
            out["view"] = tuple((float(lo), float(hi)) for lo, hi in out["view"])
        _check(engine, out)
    except (KeyError, TypeError) as error:
        raise ValueError(
            f"{WHO}: state must be a dict that .state gave; got one in which {error} is missing or "
            "wrong. Save it anew."
        ) from None
    return out


def _check(engine: PlaneEngine, settings: dict[str, Any]) -> None:
    for path in settings["values"]:
        if path not in engine.fields:
            raise ValueError(
                f"{WHO}: state must name numbers of the model; got '{path}'. "
                f"Known are {', '.join(engine.fields)}."
            )
        engine.check(path, float(settings["values"][path]))
    _axes(engine, *settings["axes"])
    if settings["others"] not in KINDS:
        raise ValueError(
            f"{WHO}: others must be one of {', '.join(map(repr, KINDS))}; "
            f"got {settings['others']!r}. Choose one of them."
        )
    for name, (lo, hi) in settings["windows"].items():
        if name not in engine.states or not (np.isfinite([lo, hi]).all() and lo < hi):
            raise ValueError(
                f"{WHO}: the range of a state must be (low, high) with low < high; got "
                f"({lo:g}, {hi:g}) for '{name}'. Correct it."
            )
    _path(engine, settings["along"])
    for name in ("duration", "dt"):
        if not (np.isfinite(settings[name]) and settings[name] > 0):
            raise ValueError(
                f"{WHO}: {name} must be positive and finite; got {settings[name]:g} ms. "
                "Give for example 0.1 ms."
            )
    if not settings["dt"] < settings["duration"] <= 1e5 * settings["dt"]:
        raise ValueError(
            f"{WHO}: the duration must be longer than dt, and at most 100 000 of it; got "
            f"{settings['duration']:g} ms and dt = {settings['dt']:g} ms. Change one of them."
        )


def _axes(engine: PlaneEngine, x, y) -> tuple[str, str]:
    names = list(engine.states)
    x = names[0] if x is None else x
    y = next(n for n in names if n != x) if y is None else y
    for name in (x, y):
        if name not in names:
            raise ValueError(
                f"{WHO}: x and y must be among {', '.join(map(repr, names))}; got {name!r}. "
                "Choose two of them."
            )
    if x == y:
        raise ValueError(f"{WHO}: x and y must be two states; got '{x}' twice. Choose another.")
    return x, y


def _inputs(engine: PlaneEngine, inputs: Any) -> dict[str, float]:
    out = {}
    if inputs is not None and not isinstance(inputs, dict):
        raise TypeError(
            f"{WHO}: inputs must be a dict of constants by name; got {type(inputs).__name__}. "
            'Pass for example inputs={"x_inp": 1.0}.'
        )
    for name, value in (inputs or {}).items():
        path = f"input.{name}"
        if path not in engine.fields:
            known = ", ".join(p[6:] for p in engine.fields if p.startswith("input.")) or "(none)"
            raise ValueError(
                f"{WHO}: inputs must name inlets of the model, {known}; got '{name}'. "
                "Correct the name."
            )
        number = np.asarray(engine.fields[path].spec.mantissa(value, engine.name), float)
        if number.ndim or not np.isfinite(number):
            raise ValueError(
                f"{WHO}: input '{name}' must be one finite number; got {value!r}. Pass a constant."
            )
        out[path] = float(number)
    return out


def _box(engine: PlaneEngine, box: Any) -> dict[str, tuple[float, float]]:
    out = {}
    for name, ends in (box or {}).items():
        if name not in engine.states or not isinstance(ends, tuple | list) or len(ends) != 2:
            raise ValueError(
                f"{WHO}: box must hold (low, high) for states, "
                f"{', '.join(map(repr, engine.states))}; got {ends!r} for '{name}'. Correct it."
            )
        spec = engine.states[name]
        lo, hi = (float(np.asarray(spec.mantissa(end, engine.name, name))) for end in ends)
        out[name] = (lo, hi)
    return out


def _path(engine: PlaneEngine, along: Any) -> str:
    for path in (along, f"input.{along}"):
        if path in engine.fields:
            return path
    names = ", ".join(repr(f.name) for f in engine.fields.values())
    raise ValueError(
        f"{WHO}: along must be a parameter or an input, {names}; got {along!r}. Choose one of them."
    )


def _milliseconds(value: Any, name: str) -> float:
    unit = u.get_unit(value)
    if not unit.has_same_dim(u.ms):
        raise brainmass.UnitError(
            f"{WHO}: {name} must be a quantity of time; got {value!r}. Pass for example "
            f"{name}=200 * u.ms."
        )
    return float(f"{float(u.Quantity(value).to_decimal(u.ms)):.7g}")
