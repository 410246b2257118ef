"""Workers on a Dask cluster: each batch is a task that any worker can do again.

The task travels as a description of the model, once per worker; results come back as soon as they
are there, so that a worker that dies takes with it the batches it was at and nothing else.
"""

from __future__ import annotations

import hashlib
import queue
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from typing import Any

from .._version import __version__
from ..engine import loop
from ._work import Crew, Outcome, Unit, enter

__all__ = ["ClusterWorkers", "check_client", "work_remotely"]

_LOOK = 0.1
_COUNT_AGAIN = 2.0
_AHEAD = 2

_crews: OrderedDict[str, Crew] = OrderedDict()
_lock = threading.Lock()


def check_client(client):
    """Return the client if it is one."""
    if client is None or all(hasattr(client, n) for n in ("submit", "nthreads", "cancel")):
        return client
    raise TypeError(
        f"sweep: client must be a dask.distributed.Client; got {type(client).__name__}. "
        "Pass Client(...) or leave it out to use this machine."
    )


class ClusterWorkers:
    """The workers of a Dask cluster.

    Parameters
    ----------
    task : Task
        What they compute.
    client : dask.distributed.Client
        The cluster.
    """

    def __init__(self, task, client):
        import cloudpickle

        self._client = client
        # Apart, because arrays of double precision can only be unpacked where it is switched on.
        self._bytes = cloudpickle.dumps((__version__, task.settings, cloudpickle.dumps(task)))
        self._key = hashlib.sha256(self._bytes).hexdigest()
        self._payload = None
        self._running: dict[Any, Unit] = {}
        self._where: dict[Any, str | None] = {}
        self.count = self._threads()

    def _threads(self) -> int:
        self._workers = dict(self._client.nthreads())
        return max(1, sum(self._workers.values()))

    def run(self, take: Callable[[], Unit | None]) -> Iterator[tuple[Unit, Outcome]]:
        """Yield finished units; ``take`` gives the next one."""
        if self._payload is None:
            # A task of its own, which the scheduler can repeat if its worker dies.
            self._payload = self._client.submit(
                _same, self._bytes, key=f"brainmass-{self._key}", pure=True
            )
        done: queue.Queue = queue.Queue()
        counted = time.monotonic()
        while True:
            if time.monotonic() - counted > _COUNT_AGAIN:
                self.count, counted = self._threads(), time.monotonic()
            while len(self._running) < _AHEAD * self.count and (unit := take()) is not None:
                self._submit(unit, done)
            if not self._running:
                return
            if loop.stopped():
                raise KeyboardInterrupt
            try:
                future = done.get(timeout=_LOOK)
            except queue.Empty:
                continue
            unit = self._running.pop(future)
            self._where.pop(future)
            yield unit, self._outcome(future, unit)

    def _submit(self, unit: Unit, done: queue.Queue) -> None:
        import cloudpickle

        # Left alone, the scheduler may give one worker the last batches while another has none.
        busy = Counter(self._where.values())
        place = min(self._workers, key=lambda w: busy[w] / self._workers[w], default=None)
        future = self._client.submit(
            work_remotely, self._payload, self._key, cloudpickle.dumps(unit), pure=False,
            workers=place, allow_other_workers=place is not None,
        )  # fmt: skip
        self._running[future] = unit
        self._where[future] = place
        future.add_done_callback(done.put)

    def _outcome(self, future, unit: Unit) -> Outcome:
        try:
            return future.result()
        except Exception as error:
            return Outcome(error=(unit.points[0], error))

    def leave(self) -> Iterator[tuple[Unit, Outcome]]:
        """Give up what is running and yield what had been finished."""
        ready = [f for f in self._running if f.status == "finished"]
        self._client.cancel([f for f in self._running if f not in ready])
        for future in ready:
            yield self._running[future], self._outcome(future, self._running[future])
        self._running.clear()
        self._where.clear()


def _same(value):
    return value


def work_remotely(payload: bytes, key: str, unit: bytes) -> Outcome:
    """Compute a unit in a worker process, which remembers the model for the next one."""
    import cloudpickle

    with _lock:
        crew = _crews.get(key)
        if crew is None:
            version, settings, task = cloudpickle.loads(payload)
            if version != __version__:
                raise RuntimeError(
                    f"sweep: brainmass on the workers must be {version} as here; got "
                    f"{__version__}. Install the same version on both."
                )
            enter(settings)
            crew = _crews[key] = Crew(cloudpickle.loads(task))
            while len(_crews) > 4:
                _crews.popitem(last=False)
    outcome = crew.work(cloudpickle.loads(unit))
    if outcome.error is not None:
        outcome.error = (outcome.error[0], _portable(outcome.error[1]))
    return outcome


def _portable(error: BaseException) -> BaseException:
    """Return an exception that survives the journey."""
    import cloudpickle

    try:
        cloudpickle.loads(cloudpickle.dumps(error))
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error
