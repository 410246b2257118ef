"""The control of a number with a unit: a slider and a field to type into."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .controls import Control
from .plans import number_of, plan_for
from .quantities import parse, show

__all__ = ["NumberControl"]


class NumberControl(Control):
    """A slider and a field to type into, for one number or for one number per region.

    The slider shows and sets the regions that are selected; with all selected it sets them
    together. What it shows is decided here alone: the browser tells what people did and never
    answers to a new value or range.

    Parameters
    ----------
    spec : ParamSpec, StateSpec or InletSpec
        The declaration.
    value : float or array, optional
        Value in the declared unit. Default: that of the declaration.
    name : str, optional
        Label in place of the name of the declaration.
    on_change : callable, optional
        Called with the control after the user changed it.
    check : callable, optional
        Called with a new value; raises ``ValueError`` to refuse it.
    on_error : callable, optional
        Called with the sentence that tells why an entry was refused.

    Examples
    --------
    >>> import brainmass
    >>> from brainmass_widgets.numbers import NumberControl
    >>> control = NumberControl(brainmass.JansenRitStep.declaration.params["Ae"])
    >>> control.type("0.005 V")
    >>> control.value, control.range
    (array(5.), (2.6, 9.75))
    """

    kind = "number"

    def __init__(
        self,
        spec: Any,
        value: Any = None,
        *,
        name: str | None = None,
        on_change: Callable[[NumberControl], None] | None = None,
        check: Callable[[np.ndarray], None] | None = None,
        on_error: Callable[[str], None] | None = None,
    ):
        start = number_of(spec.default, spec.unit) if value is None else value
        self.spec, self.plan = spec, plan_for(spec, start, name=name)
        super().__init__(self.plan.label, self.plan.tooltip)
        self._on_change, self._check, self._on_error = on_change, check, on_error
        self._value = np.asarray(start, dtype=float)
        self._range = (self.plan.lo, self.plan.hi)
        self._region: tuple[int, ...] | None = None
        self._shape: tuple[int, ...] = ()
        self._gesture: Any = None

    # -- what it holds ------------------------------------------------------------------------

    @property
    def value(self) -> np.ndarray:
        """The value in the declared unit: no dimension, or one number per region.

        Assigning a number sets the selected regions, as a person would.
        """
        return self._value

    @value.setter
    def value(self, number: float) -> None:
        self.set(number)

    @property
    def range(self) -> tuple[float, float]:
        """Ends of the slider, in the declared unit."""
        return self._range

    @property
    def region(self) -> tuple[int, ...] | None:
        """Index of the selected region; None while all are selected."""
        return self._region

    @property
    def gesture(self) -> Any:
        """Which movement of the hand the present change belongs to; None for any other change."""
        return self._gesture

    @property
    def text(self) -> str:
        """What the field shows."""
        current = self._current()
        varies = current.ndim and float(np.ptp(current)) > 0
        return "varies" if varies else show(float(np.mean(current)))

    def row(self) -> dict[str, Any]:
        """Return what does not change."""
        first = number_of(self.spec.default, self.spec.unit)
        hint = f"Type {self.plan.name}, with or without a unit"
        return {**super().row(), "hint": hint, "first": first}

    def shown(self) -> dict[str, Any]:
        """Return value, text and range."""
        lo, hi = self._range
        number = float(np.mean(self._current()))
        return {
            **super().shown(),
            "value": number if math.isfinite(number) else lo,
            "text": self.text,
            "lo": lo,
            "hi": hi,
            "step": self.plan.step,
            "log": self.plan.log,
        }

    # -- changing it --------------------------------------------------------------------------

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
        with self._lock:
            if self.plan.log and lo <= 0:
                return
            old = self._range
            self._range = (min(old[0], float(lo)), max(old[1], float(hi)))
            if self._range != old:
                self._publish()

    def set(self, number: float) -> bool:
        """Set the selected regions as if the user had; return whether the number was accepted."""
        with self._lock:
            if self._region is None:
                value = np.asarray(float(number))
            else:
                value = np.array(np.broadcast_to(self._value, self._shape), dtype=float)
                value[self._region] = number
            if np.array_equal(value, self._value):
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

    def type(self, text: str) -> None:
        """Set the selected regions from what a person types, a number with or without a unit."""
        try:
            number = parse(text, self.spec.unit)
        except ValueError as error:
            self._refuse(f"{self.plan.name}: {error}")
            return
        self.set(number)

    def answer(self, deed: dict[str, Any]) -> None:
        """React to a moved slider or to a finished entry."""
        if "text" in deed:
            self.type(str(deed["text"]))
        else:
            self._gesture = deed.get("gesture")
            try:
                self.set(float(deed["number"]))
            finally:
                self._gesture = None

    def _current(self) -> np.ndarray:
        if self._region is None:
            return self._value
        return np.broadcast_to(self._value, self._shape)[self._region]

    def _refresh(self) -> None:
        """Show the value; the range always contains it."""
        current = self._current()
        lo, hi = self._range
        lo, hi = min(lo, float(np.min(current))), max(hi, float(np.max(current)))
        if not self.plan.log or lo > 0:
            self._range = (lo, hi)
        self._publish()

    def _refuse(self, sentence: str) -> None:
        if self._on_error is not None:
            self._on_error(sentence)

    def __repr__(self):
        return f"NumberControl({self.plan.label}, {self.text})"
