"""Undo and redo of numbers."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

import numpy as np

__all__ = ["History", "Numbers"]

_MOST = 100


@dataclass(frozen=True, eq=False)
class Numbers:
    """Everything that can be undone: values by path, settings of the run, name of the preset."""

    values: dict[str, np.ndarray] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    preset: str = ""


class History:
    """What the numbers were before.

    Examples
    --------
    >>> from brainmass_widgets.history import History, Numbers
    >>> history = History()
    >>> before, after = Numbers(settings={"seed": 0}), Numbers(settings={"seed": 1})
    >>> history.remember(before)
    >>> history.undo(after).settings
    {'seed': 0}
    >>> history.redo(before).settings
    {'seed': 1}
    """

    def __init__(self):
        self._lock = threading.RLock()
        self._past: list[Numbers] = []
        self._future: list[Numbers] = []
        self._gesture: Any = None

    def remember(self, numbers: Numbers, gesture: Any = None) -> None:
        """Keep the numbers as they are before a change; those of one gesture count once."""
        with self._lock:
            same = gesture is not None and gesture == self._gesture
            self._gesture = gesture
            self._future.clear()
            if not same:
                self._past.append(numbers)
                del self._past[:-_MOST]

    def undo(self, now: Numbers) -> Numbers | None:
        """Return the numbers before the last change, None if there was none."""
        return self._step(self._past, self._future, now)

    def redo(self, now: Numbers) -> Numbers | None:
        """Return the numbers before the last undo, None if there was none."""
        return self._step(self._future, self._past, now)

    def _step(self, source: list[Numbers], target: list[Numbers], now: Numbers) -> Numbers | None:
        with self._lock:
            if not source:
                return None
            target.append(now)
            self._gesture = None
            return source.pop()
