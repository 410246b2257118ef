"""From a declaration to a slider with a typed entry.

:func:`plan_for` decides label, range and step and is a pure function; :func:`control_for` builds
the widget from it.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import brainunit as u
import ipywidgets as widgets
import numpy as np

from .quantities import parse, show

__all__ = ["ParameterControl", "SliderPlan", "control_for", "plan_for"]

LABEL_WIDTH = "112px"
"""Width of the labels, so that sliders and entries stand in columns."""

STEPS = 200
"""Key presses from one end of a slider to the other, about."""

_ANSWER = 5.0
"""Seconds within which a browser answers to a new range of a slider."""

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
    >>> from brainmass_widgets.controls import plan_for
    >>> spec = brainmass.JansenRitStep.declaration.params["Ae"]
    >>> plan = plan_for(spec, 3.25)
    >>> plan.label, plan.lo, plan.hi, plan.step
    ('Ae [mV]', 2.6, 9.75, 0.05)
    """
    name = str(name or spec.name)
    default = _number(spec.default, spec.unit)
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


def _number(default: Any, unit: u.Unit) -> float:
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


def control_for(
    spec: Any,
    value: Any = None,
    *,
    name: str | None = None,
    on_change: Callable[[ParameterControl], None] | None = None,
    check: Callable[[np.ndarray], None] | None = None,
    on_error: Callable[[str], None] | None = None,
) -> ParameterControl:
    """Build the control of a declared number.

    Parameters
    ----------
    spec : ParamSpec, StateSpec or InletSpec
        The declaration.
    value : float or array, optional
        Current value in the declared unit, one number or one per region.
    name : str, optional
        Label in place of the name of the declaration.
    on_change : callable, optional
        Called with the control after the user changed it.
    check : callable, optional
        Called with a new value; raises ``ValueError`` to refuse it.
    on_error : callable, optional
        Called with the sentence that tells why an entry was refused.

    Returns
    -------
    ParameterControl
        A slider and a field to type into.

    Examples
    --------
    >>> import brainmass
    >>> from brainmass_widgets.controls import control_for
    >>> control = control_for(brainmass.HopfStep.declaration.params["a"], 0.25)
    >>> control.slider.min, control.slider.max, control.entry.value
    (-1.0, 1.0, '0.25')
    """
    start = _number(spec.default, spec.unit) if value is None else value
    return ParameterControl(
        spec, plan_for(spec, start, name=name), start, on_change, check, on_error
    )


class ParameterControl(widgets.HBox):
    """A slider and an entry field for one number, or for one number per region.

    The slider shows and sets the regions that are selected; with all selected it sets them
    together.

    Parameters
    ----------
    spec : ParamSpec, StateSpec or InletSpec
        The declaration.
    plan : SliderPlan
        How the slider looks.
    value : float or array
        Value in the declared unit.
    on_change, check, on_error : callable, optional
        As for :func:`control_for`.
    """

    def __init__(self, spec, plan: SliderPlan, value, on_change=None, check=None, on_error=None):
        self._lock = threading.RLock()
        self._quiet = False
        self._on_change, self._check, self._on_error = on_change, check, on_error
        self._value = np.asarray(value, dtype=float)
        self._region: tuple[int, ...] | None = None
        self.spec, self.plan = spec, plan
        ends = {"min": plan.lo, "max": plan.hi}
        if plan.log:
            ends = {"min": math.log10(plan.lo), "max": math.log10(plan.hi)}
        kind = widgets.FloatLogSlider if plan.log else widgets.FloatSlider
        self.slider = kind(
            value=self._shown(),
            step=plan.step,
            **ends,
            description=plan.label,
            tooltip=plan.tooltip,
            readout=False,
            style={"description_width": LABEL_WIDTH},
            layout={"flex": "1 1 auto", "width": "auto", "min_width": "210px", "margin": "0"},
        )
        self.entry = widgets.Text(
            value=self._text(),
            continuous_update=False,
            tooltip=f"Type {plan.name}, with or without a unit",
            layout={"flex": "0 0 76px", "width": "76px", "margin": "0 0 0 4px"},
        )
        self._answer = (0.0, 0.0, 0.0)
        self.slider.observe(self._slid, "value")
        self.entry.observe(self._typed, "value")
        super().__init__(
            [self.slider, self.entry],
            layout={"width": "100%", "align_items": "center", "min_height": "30px"},
        )

    @property
    def value(self) -> np.ndarray:
        """The value in the declared unit: no dimension, or one number per region."""
        return self._value

    @property
    def region(self) -> tuple[int, ...] | None:
        """Index of the selected region; None while all are selected."""
        return self._region

    def select(self, region: tuple[int, ...] | None, shape: tuple[int, ...]) -> None:
        """Let the slider act on one region of a population of ``shape``, or on all of them."""
        with self._lock:
            self._region, self._shape = region, shape
            self._refresh()

    def put(self, value) -> None:
        """Set the value without telling anyone, for a reset or a restored state."""
        with self._lock:
            self._value = np.asarray(value, dtype=float)
            self._refresh()

    def widen(self, lo: float, hi: float) -> None:
        """Let the slider reach at least from ``lo`` to ``hi``."""
        if self.plan.log:
            if lo <= 0:
                return
            lo, hi = math.log10(lo), math.log10(hi)
        with self._lock:
            if lo < self.slider.min or hi > self.slider.max:
                self._answer = (time.monotonic() + _ANSWER, self.slider.min, self.slider.max)
            if hi > self.slider.max:
                self.slider.max = hi
            if lo < self.slider.min:
                self.slider.min = lo

    def set(self, number: float) -> bool:
        """Set the selected regions as if the user had; return whether the number was accepted."""
        with self._lock:
            if self._region is None:
                value = np.asarray(float(number))
            else:
                value = np.array(np.broadcast_to(self._value, self._shape), dtype=float)
                value[self._region] = number
            if np.array_equal(value, self._value):
                self._refresh()
                return True
            try:
                if self._check is not None:
                    self._check(value)
            except (ValueError, TypeError) as error:
                self._refuse(str(error))
                return False
            self._value = value
            self._refresh()
        # Outside the lock: the listener takes its own.
        if self._on_change is not None:
            self._on_change(self)
        return True

    def _current(self) -> np.ndarray:
        if self._region is None:
            return self._value
        return np.broadcast_to(self._value, self._shape)[self._region]

    def _shown(self) -> float:
        return float(np.mean(self._current()))

    def _text(self) -> str:
        current = self._current()
        varies = current.ndim and float(np.ptp(current)) > 0
        return "varies" if varies else show(float(np.mean(current)))

    def _refresh(self) -> None:
        shown = self._shown()
        self._quiet = True
        try:
            # In one message: a browser that gets the range alone answers with the old value.
            with self.slider.hold_sync():
                self.widen(shown, shown)
                # A logarithmic slider rests between rounded numbers; do not pull it back.
                if not (self.plan.log and math.isclose(self.slider.value, shown, rel_tol=6e-3)):
                    self.slider.value = shown
            self.entry.value = self._text()
        finally:
            self._quiet = False

    def _slid(self, change) -> None:
        with self._lock:
            if self._quiet:
                return
            until, *ends = self._answer
            cut = any(math.isclose(change["new"], end, rel_tol=1e-6) for end in ends)
            if time.monotonic() < until and cut:
                # The browser's answer to a new range: the new value, cut to the old one.
                self._refresh()
                return
        self.set(float(f"{change['new']:.{3 if self.plan.log else 10}g}"))

    def _typed(self, change) -> None:
        with self._lock:
            if self._quiet:
                return
        try:
            number = parse(change["new"], self.spec.unit)
        except ValueError as error:
            self._refuse(f"{self.plan.name}: {error}")
            return
        self.set(number)

    def _refuse(self, sentence: str) -> None:
        with self._lock:
            self._refresh()
        if self._on_error is not None:
            self._on_error(sentence)

    def __repr__(self):
        return f"ParameterControl({self.plan.label}, {self._text()})"
