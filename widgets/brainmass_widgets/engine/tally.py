"""How many programs were compiled for a widget, whichever of its threads asked for them."""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager

from brainmass.engine.cache import noting

__all__ = ["Tally"]


class Tally:
    """Counts the programs that the thread compiles which has entered it, each once.

    What other threads compile meanwhile counts if they have entered it, too.

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
        self._local = threading.local()
        self.count = 0

    def __enter__(self) -> None:
        entered: list[AbstractContextManager] = self._local.__dict__.setdefault("entered", [])
        # Nested in itself, it counts once: the engine knows it by its one method.
        entered.append(noting(self._note))
        entered[-1].__enter__()

    def __exit__(self, *error) -> None:
        self._local.entered.pop().__exit__(*error)

    def _note(self) -> None:
        with self._lock:
            self.count += 1
