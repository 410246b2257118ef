"""The settings of a run: how they start, and what is refused."""

from __future__ import annotations

from typing import Any

import brainstate
import brainunit as u
import numpy as np

import brainmass

from .engine import STIMULI, Engine

__all__ = ["check_settings", "first_settings", "rounded_range", "shortened"]


def first_settings(who: str, engine: Engine, given: dict[str, Any]) -> tuple[dict[str, Any], bool]:
    """Return the settings that a widget starts with, and whether it may choose a finer step.

    Parameters
    ----------
    who : str
        Name of the widget, for messages.
    engine : Engine
        The model.
    given : dict
        ``duration``, ``dt`` and ``transient`` as quantities or None, ``seed`` and ``seeds``.
    """
    dt = given["dt"]
    if dt is None:
        dt = brainstate.environ.get("dt", None)
    free = dt is None
    duration = given["duration"]
    if duration is None:
        slow = getattr(engine.node, "category", "") == "physiological"
        duration = (1000.0 if slow else 200.0) * u.ms
    times = {
        "duration": duration,
        "dt": getattr(engine.node, "suggested_dt", 0.1 * u.ms) if dt is None else dt,
        "transient": 0.0 * u.ms if given["transient"] is None else given["transient"],
    }
    ports = engine.node.declaration.ports if engine.declared else ()
    settings = {
        **{name: _milliseconds(who, name, value) for name, value in times.items()},
        "seed": int(given["seed"]),
        "method": engine.method,
        "seeds": int(given["seeds"]),
        "stimulus": "none",
        "inlet": next(iter(ports), ""),
    }
    check_settings(who, settings)
    return settings, free


def check_settings(who: str, settings: dict[str, Any]) -> None:
    """Raise ``ValueError`` for settings that cannot be run."""
    for name in ("duration", "dt"):
        if not (np.isfinite(settings[name]) and settings[name] > 0):
            raise ValueError(
                f"{who}: {name} must be positive and finite; got {settings[name]:g} ms. "
                "Give for example 0.1 ms."
            )
    for name in ("dt", "transient"):
        if not 0 <= settings[name] < settings["duration"]:
            raise ValueError(
                f"{who}: {name} must be shorter than the duration of "
                f"{settings['duration']:g} ms; got {settings[name]:g} ms. Lower it."
            )
    if not 1 <= settings["seeds"] <= 256:
        raise ValueError(
            f"{who}: seeds (runs beside each other) must be from 1 to 256; "
            f"got {settings['seeds']}. Give for example 16."
        )
    if settings["stimulus"] not in STIMULI:
        raise ValueError(
            f"{who}: stimulus must be one of {', '.join(STIMULI)}; got {settings['stimulus']!r}. "
            "Choose one of them."
        )


def _milliseconds(who: str, name: str, value: Any) -> float:
    unit = u.get_unit(value)
    if not unit.has_same_dim(u.ms):
        raise brainmass.UnitError(
            f"{who}: {name} must be a quantity of time; got {value!r}. Pass for example "
            f"{name}=200 * u.ms."
        )
    return shortened(float(u.Quantity(value).to_decimal(u.ms)))


def shortened(value: float) -> float:
    """Drop the digits that rounding left behind."""
    return float(f"{value:.7g}")


def rounded_range(data: np.ndarray) -> tuple[float, float]:
    """Return the range of the data, rounded outwards to two digits."""
    lo, hi = float(data.min()), float(data.max())
    size = max(abs(lo), abs(hi))
    if not (np.isfinite(size) and size > 0):
        return 0.0, 0.0
    grain = 10.0 ** (np.floor(np.log10(size)) - 1)
    return float(np.floor(lo / grain) * grain), float(np.ceil(hi / grain) * grain)
