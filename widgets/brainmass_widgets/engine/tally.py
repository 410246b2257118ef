"""How many programs were compiled for a widget, whichever of its threads asked for them."""

from __future__ import annotations

import threading

from brainmass.engine import compile_count

__all__ = ["Tally"]


class Tally:
    """Counts the programs that are compiled while it is entered, each once.

    Examples
    --------
    >>> tally = Tally()
    >>> with tally:
    ...     pass
    >>> tally.count
    0
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = self._seen = self._count = 0

    @property
    def count(self) -> int:
        """Programs so far."""
        with self._lock:
            self._read()
            return self._count

    def __enter__(self) -> None:
        with self._lock:
            self._read()
            self._inside += 1

    def __exit__(self, *_error) -> None:
        with self._lock:
            self._read()
            self._inside -= 1

    def _read(self) -> None:
        """Add what is new, if it came while anybody was inside."""
        now = compile_count()
        if self._inside:
            self._count += now - self._seen
        self._seen = now
