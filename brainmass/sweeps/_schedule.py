"""Which points go to a worker together: batches of about a second, smaller towards the end."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ._points import Design
from ._work import Outcome, Unit

__all__ = ["Schedule"]

_SMOOTHING = 0.5


class Schedule:
    """Hands out the points that are missing.

    Points that one compiled call holds together stay together wherever a sweep is interrupted, so
    that going on gives the same bits.

    Parameters
    ----------
    design : Design
        All points.
    finished : array of bool
        Which need not be computed again.
    lanes : int
        Points of one compiled call.
    batch : int or None
        Points of a unit; None for about ``seconds`` of computing.
    seconds : float
        Length of a unit.
    workers : callable
        ``() -> int``, how many units are computed at a time.
    """

    def __init__(
        self,
        design: Design,
        finished: np.ndarray,
        *,
        lanes: int,
        batch: int | None,
        seconds: float,
        workers: Callable[[], int],
    ):
        self._design, self._lanes, self._batch = design, lanes, batch
        self._seconds, self._workers = seconds, workers
        starts = np.arange(0, len(design), lanes)
        missing = ~np.logical_and.reduceat(finished, starts)
        self._groups = starts[missing]
        self._next = 0
        self._per_point: float | None = None
        self._hints = {n: t.hint(design.columns[n]) for n, t in design.targets.items() if t.hint}

    def take(self) -> Unit | None:
        """Return the next unit, None when all points are handed out."""
        left = len(self._groups) - self._next
        if not left:
            return None
        count = min(left, self._size(left))
        groups = self._groups[self._next : self._next + count]
        self._next += count
        points = tuple(
            int(p) for g in groups for p in range(g, min(g + self._lanes, len(self._design)))
        )
        values = [self._design.values(p) for p in points]
        return Unit(points, values, [self._design.seed(p) for p in points], self._hints)

    def _size(self, left: int) -> int:
        """Return how many groups the next unit has."""
        if self._batch is not None:
            return max(1, self._batch // self._lanes)
        if self._per_point is None:
            return 1
        wanted = self._seconds / max(self._per_point * self._lanes, 1e-9)
        share = -(-left // (2 * self._workers()))
        return int(max(1, min(wanted, share)))

    def learn(self, outcome: Outcome) -> None:
        """Take in how long a unit took."""
        if not outcome.timed:
            return
        now = outcome.seconds / outcome.timed
        old = self._per_point
        self._per_point = now if old is None else old + _SMOOTHING * (now - old)
