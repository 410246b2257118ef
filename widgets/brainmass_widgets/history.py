"""Undo and redo of numbers."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np

__all__ = ["History", "Numbers"]

_DRAG = 1.0
"""Seconds within which changes of one number count as one change for undo."""

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
    >>> history.remember("seed", before)
    >>> history.undo(after).settings
    {'seed': 0}
    >>> history.redo(before).settings
    {'seed': 1}
    """

    def __init__(self):
        self._lock = threading.RLock()
        self._past: list[Numbers] = []
        self._future: list[Numbers] = []
        self._touched = ("", 0.0)

    def remember(self, touched: str, numbers: Numbers) -> None:
        """Keep the numbers as they are before ``touched`` changes; a drag counts once."""
        with self._lock:
            now = time.monotonic()
            last, when = self._touched
            self._touched = (touched, now)
            self._future.clear()
            if touched == last and now - when < _DRAG:
                return
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
            self._touched = ("", 0.0)
            return source.pop()
