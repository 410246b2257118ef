"""One row of the fitter's panel: whether a parameter is fitted, its value, its bounds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..controls import Control
from ..quantities import parse, show
from .setup import Candidate

__all__ = ["FitControl"]


class FitControl(Control):
    """A tick, a value and two bounds.

    Parameters
    ----------
    candidate : Candidate
        The parameter.
    on : bool
        Whether it is ticked.
    value : numpy.ndarray
        Its value.
    on_tick, on_value, on_bounds : callable
        Called with the new state, number or pair of numbers; raise ``ValueError`` to refuse.
    on_error : callable
        Called with the sentence that tells why an entry was refused.
    """

    kind = "fit"

    def __init__(
        self,
        candidate: Candidate,
        on: bool,
        value: np.ndarray,
        *,
        on_tick: Callable[[bool], None],
        on_value: Callable[[float], None],
        on_bounds: Callable[[tuple[float, float]], None],
        on_error: Callable[[str], None],
    ):
        unit = "" if candidate.unit.is_unitless else f" [{str(candidate.unit).replace(' ', '')}]"
        super().__init__(f"{candidate.name}{unit}", candidate.doc)
        self.candidate, self._on = candidate, on
        self._value, self._bounds = np.asarray(value, float), candidate.bounds
        self._on_tick, self._on_value, self._on_bounds = on_tick, on_value, on_bounds
        self._on_error = on_error

    @property
    def on(self) -> bool:
        """Whether the parameter is fitted."""
        return self._on

    @property
    def text(self) -> str:
        """What the field for the value shows."""
        if self._value.size > 1 and float(np.ptp(self._value)) > 0:
            return f"{self._value.size} values"
        return show(float(np.mean(self._value)))

    @property
    def bounds(self) -> tuple[float, float] | None:
        """Bounds in the unit of the parameter."""
        return self._bounds

    def put(self, *, on: bool | None = None, value: Any = None, bounds: Any = None) -> None:
        """Show something else without telling anyone."""
        with self._lock:
            self._on = self._on if on is None else bool(on)
            self._value = self._value if value is None else np.asarray(value, float)
            self._bounds = self._bounds if bounds is None else tuple(bounds)
        self._publish()

    def shown(self) -> dict[str, Any]:
        """Return tick, value and bounds."""
        low, high = ("", "") if self._bounds is None else map(show, self._bounds)
        return {
            **super().shown(),
            "on": self._on,
            "text": self.text,
            "low": low,
            "high": high,
            "movable": self.candidate.movable,
        }

    def answer(self, deed: dict[str, Any]) -> None:
        """React to a tick or to a finished entry."""
        try:
            if "on" in deed:
                self._on_tick(bool(deed["on"]))
                self.put(on=bool(deed["on"]))
            elif "low" in deed or "high" in deed:
                self._bound(deed)
            else:
                number = parse(str(deed["text"]), self.candidate.unit)
                self._on_value(number)
                self.put(value=number)
        except (ValueError, TypeError) as error:
            self._on_error(f"{self.candidate.name}: {error}")

    def _bound(self, deed: dict[str, Any]) -> None:
        ends = list(self._bounds or (-np.inf, np.inf))
        for k, name in enumerate(("low", "high")):
            if name in deed:
                ends[k] = parse(str(deed[name]), self.candidate.unit)
        if np.isfinite(ends).all():
            if not ends[0] < ends[1]:
                raise ValueError(
                    f"bounds must be low < high; got {show(ends[0])} and {show(ends[1])}."
                )
            self._on_bounds((ends[0], ends[1]))
        self.put(bounds=ends)

    def __repr__(self):
        return f"FitControl({self.label}, {'on' if self._on else 'off'}, {self.text})"
