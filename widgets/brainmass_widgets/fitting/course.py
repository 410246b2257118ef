"""The course of a fit: what was noted after each step."""

from __future__ import annotations

import threading
from typing import Any

import brainunit as u
import numpy as np

__all__ = ["Course"]


class Course:
    """Losses, their parts, parameters and the last prediction of one fit.

    Attributes
    ----------
    losses : list of float
        One for each step.
    best : list of float
        The smallest so far.
    parts : dict of str to list of float
        What the loss is the sum of, and metrics.
    values : dict of str to list of numpy.ndarray
        Each parameter, flat, in ``units``.
    prediction : object
        The last one.
    changes : list of tuple
        ``(steps done, change)`` of what was changed by hand: ``values`` by name,
        ``learning_rate`` or ``n_steps``.
    start : dict of str to numpy.ndarray
        Where the parameters began.
    """

    def __init__(self, start: dict[str, np.ndarray] | None = None):
        self._lock = threading.RLock()
        self.start = dict(start or {})
        self.losses: list[float] = []
        self.best: list[float] = []
        self.parts: dict[str, list[float]] = {}
        self.values: dict[str, list[np.ndarray]] = {}
        self.units: dict[str, u.Unit] = {}
        self.prediction: Any = None
        self.changes: list[tuple[int, dict[str, Any]]] = []

    def __len__(self) -> int:
        return len(self.losses)

    def note(self, report: dict[str, Any]) -> None:
        """Add what a step reported."""
        with self._lock:
            loss = float(u.get_mantissa(report["loss"]))
            self.losses.append(loss)
            before = self.best[-1] if self.best else np.nan
            self.best.append(float(np.fmin(before, loss)))
            self.prediction = report["prediction"]
            for name, value in report["params"].items():
                if not isinstance(value, dict):
                    self.units[name] = u.get_unit(value)
                    self.values.setdefault(name, []).append(np.ravel(u.get_mantissa(value)))
            self._note_parts(report)

    def _note_parts(self, report: dict[str, Any]) -> None:
        """Add the parts of the loss, the metrics, and the loss of held-out data."""
        numbers = {**report["parts"], **report["metrics"]}
        numbers |= {n: report[n] for n in ("validation_loss",) if n in report}
        for name, value in numbers.items():
            missing = len(self.losses) - 1 - len(self.parts.setdefault(name, []))
            number = float(np.asarray(u.get_mantissa(value)))
            self.parts[name] += [float("nan")] * missing + [number]

    def change(self, change: dict[str, Any]) -> None:
        """Note what was changed by hand after the steps done so far."""
        with self._lock:
            self.changes.append((len(self.losses), change))

    def last(self, name: str) -> np.ndarray | None:
        """Return the present value of a parameter; None before the first step."""
        with self._lock:
            rows = self.values.get(name)
            return rows[-1] if rows else None
