"""Threads that compute what will be needed soon, for programs that take long to compile."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Sequence
from typing import Any

from brainmass.engine.cache import compiling_ahead

from .worker import Environment, alive

__all__ = ["Ahead"]


class Ahead:
    """Threads that do, once, what will be needed soon; nobody hears what goes wrong with it.

    Examples
    --------
    >>> done = []
    >>> ahead = Ahead()
    >>> ahead.start([lambda: done.append(1), lambda: 1 / 0, lambda: done.append(2)])
    >>> ahead.wait()
    >>> done
    [1, 2]
    >>> ahead.close()
    """

    def __init__(self) -> None:
        self._threads: list[threading.Thread] = []
        self._closed = threading.Event()
        alive.add(self)

    def start(self, works: Sequence[Callable[[], Any]], after: float = 0.0) -> None:
        """Do one after the other in a thread of their own.

        Parameters
        ----------
        works : sequence of callable
            Called without arguments.
        after : float, default 0
            Seconds to wait before the first.
        """
        if self._closed.is_set():
            return
        thread = threading.Thread(
            target=self._do, args=(Environment(), works, after), name="brainmass-ahead", daemon=True
        )
        self._threads = [t for t in self._threads if t.is_alive()] + [thread]
        thread.start()

    def wait(self, timeout: float | None = None) -> None:
        """Wait until all is done, at most ``timeout`` seconds for each thread."""
        for thread in self._threads:
            thread.join(timeout)

    def close(self, timeout: float | None = 10.0) -> None:
        """Begin nothing more and wait for what is being done.

        Parameters
        ----------
        timeout : float, optional
            Longest wait for each thread in seconds.
        """
        self._closed.set()
        self.wait(timeout)
        alive.discard(self)

    def _do(self, environment: Environment, works: Sequence[Callable[[], Any]], after) -> None:
        self._closed.wait(after)
        with environment.entered(), compiling_ahead():
            for work in works:
                if self._closed.is_set():
                    return
                with contextlib.suppress(Exception):
                    work()
