"""Threads that compute what will be needed soon, for programs that take long to compile."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Sequence
from typing import Any

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
        self._closed = False
        alive.add(self)

    def start(self, works: Sequence[Callable[[], Any]]) -> None:
        """Do one after the other in a thread of their own.

        Parameters
        ----------
        works : sequence of callable
            Called without arguments.
        """
        thread = threading.Thread(
            target=self._do, args=(Environment(), works), name="brainmass-ahead", daemon=True
        )
        self._threads.append(thread)
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
        self._closed = True
        self.wait(timeout)
        alive.discard(self)

    def _do(self, environment: Environment, works: Sequence[Callable[[], Any]]) -> None:
        with environment.entered():
            for work in works:
                if self._closed:
                    return
                with contextlib.suppress(Exception):
                    work()
