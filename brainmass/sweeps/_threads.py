"""Workers in this process: threads that call one compiled program, each on its own copy.

The program releases Python's lock while it computes, so threads use all cores; on accelerators two
threads per device keep it busy while results are read.
"""

from __future__ import annotations

import os
import queue
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from threading import Event

import jax

from ..engine import loop
from ._work import Crew, Outcome, Task, Unit

__all__ = ["LocalWorkers", "default_threads"]

_LOOK = 0.1


def default_threads() -> int:
    """Return how many threads keep the devices of this process busy."""
    devices = jax.local_devices()
    if devices[0].platform != "cpu":
        return 2 * len(devices)
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1


class LocalWorkers:
    """Threads of this process.

    Parameters
    ----------
    task : Task
        What they compute.
    threads : int
        How many they are.
    """

    def __init__(self, task: Task, threads: int):
        self.crew = Crew(task)
        self.count = threads

    def run(self, take: Callable[[], Unit | None]) -> Iterator[tuple[Unit, Outcome]]:
        """Yield finished units; ``take`` gives the next one.

        When the caller stops listening or Ctrl-C comes, workers stop at the next look, and what
        they finished until then is yielded by :meth:`leave`.
        """
        self._halt = halt = Event()
        done: queue.Queue = queue.Queue()
        devices = jax.local_devices()

        def work(unit: Unit, k: int) -> None:
            many = len(devices) > 1
            try:
                with jax.default_device(devices[k % len(devices)]) if many else nullcontext():
                    outcome = self.crew.work(unit, halt.is_set)
            except BaseException as error:
                outcome = Outcome(error=(unit.points[0], error))
            done.put((unit, outcome))

        self._running, self._done = 0, done
        self._pool = ThreadPoolExecutor(self.count, thread_name_prefix="brainmass-sweep")
        started = 0
        while True:
            while self._running < self.count and (unit := take()) is not None:
                self._pool.submit(work, unit, started)
                self._running, started = self._running + 1, started + 1
            if not self._running:
                break
            yield self._next()

    def _next(self) -> tuple[Unit, Outcome]:
        while True:
            if loop.stopped():
                raise KeyboardInterrupt
            try:
                out = self._done.get(timeout=_LOOK)
            except queue.Empty:
                continue
            self._running -= 1
            return out

    def leave(self) -> Iterator[tuple[Unit, Outcome]]:
        """Stop the workers and yield what they had finished."""
        self._halt.set()
        while self._running:
            self._running -= 1
            yield self._done.get()
        self._pool.shutdown(wait=True)
