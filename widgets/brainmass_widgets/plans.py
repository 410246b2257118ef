"""From a declaration to what its slider looks like; pure functions."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import brainunit as u
import numpy as np

from .quantities import show

__all__ = ["SliderPlan", "plan_for"]

STEPS = 200
"""Key presses from one end of a slider to the other, about."""

_USUAL = ((u.Hz, (0.0, 400.0)), (u.mV, (-20.0, 20.0)))
"""Ranges for a quantity whose default is zero; ours, from the sizes met in neural-mass models."""


@dataclass(frozen=True)
class SliderPlan:
    """What a slider looks like: label, tooltip, range in the declared unit, step, scale.

    For a logarithmic slider ``step`` is in decades.
    """

    name: str
    label: str
    tooltip: str
    lo: float
    hi: float
    step: float
    log: bool = False


def plan_for(spec: Any, value: Any = None, *, name: str | None = None) -> SliderPlan:
    """Decide how a slider for a declared number looks.

    Parameters
    ----------
    spec : ParamSpec, StateSpec or InletSpec
        The declaration: unit, meaning and, for a parameter, bounds, domain and scale.
    value : float or array, optional
        Current value in the declared unit; the range always contains it.
    name : str, optional
        Shown in place of the name of the declaration.

    Returns
    -------
    SliderPlan
        Its range is the declared useful range, or a sensible one around the value that never
        leaves the domain of the parameter.

    Examples
    --------
    >>> import brainmass, brainunit as u
    >>> from brainmass_widgets.plans import plan_for
    >>> spec = brainmass.JansenRitStep.declaration.params["Ae"]
    >>> plan = plan_for(spec, 3.25)
    >>> plan.label, plan.lo, plan.hi, plan.step
    ('Ae [mV]', 2.6, 9.75, 0.05)
    """
    name = str(name or spec.name)
    default = number_of(spec.default, spec.unit)
    values = np.asarray(default if value is None else value, dtype=float).ravel()
    lo, hi = getattr(spec, "bounds", None) or _range(spec, default)
    lo, hi = min(lo, float(values.min())), max(hi, float(values.max()))
    domain = getattr(spec, "domain", "real")
    if domain in ("positive", "speed") and lo <= 0:
        lo = hi / 1000
    if domain == "negative" and hi >= 0:
        hi = lo / 1000
    log = bool(getattr(spec, "log", False)) and lo > 0
    unit = "" if spec.unit.is_unitless else f" [{str(spec.unit).replace(' ', '')}]"
    doc = spec.doc[:1].upper() + spec.doc[1:]
    tooltip = f"{doc}{unit}. Default {show(default)}."
    step = math.log10(hi / lo) / STEPS if log else _nice(hi - lo)
    return SliderPlan(name, f"{name}{unit}", tooltip, lo, hi, step, log)


def number_of(default: Any, unit: u.Unit) -> float:
    if callable(default):
        default = getattr(default, "low", 0.0)
    bare = u.get_unit(default).is_unitless  # in the declared unit already
    value = u.get_mantissa(default) if bare else u.Quantity(default).to_decimal(unit)
    return float(np.mean(np.asarray(value, dtype=float)))


def _range(spec: Any, default: float) -> tuple[float, float]:
    """Return a range for a number without declared bounds."""
    domain = getattr(spec, "domain", "real")
    size = abs(default)
    if size == 0:
        lo, hi = next((r for unit, r in _USUAL if spec.unit == unit), (-1.0, 1.0))
        lo, hi = {"nonnegative": (0.0, hi), "positive": (hi / 20, hi), "speed": (hi / 20, hi)}.get(
            domain, (lo, hi)
        )
        lo, hi = (-hi, -hi / 20) if domain == "negative" else (lo, hi)
    elif domain == "real":
        lo, hi = default - 2 * size, default + 2 * size
    elif domain == "nonnegative":
        lo, hi = 0.0, 4 * size
    elif default > 0:
        lo, hi = size / 20, 4 * size
    else:
        lo, hi = -4 * size, -size / 20
    low, high = getattr(spec, "clamp", None) or (None, None)
    return (lo if low is None else max(lo, low)), (hi if high is None else min(hi, high))


def _nice(span: float) -> float:
    """Return a step of 1, 2 or 5 times a power of ten, about ``span / STEPS``."""
    if not span > 0:
        return 0.01
    raw = span / STEPS
    power = 10.0 ** math.floor(math.log10(raw))
    factor = next(f for f in (1, 2, 5, 10) if raw <= f * power * 1.000001)
    return float(f"{factor * power:.3g}")
