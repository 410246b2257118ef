"""Threads that compute while the notebook stays alive.

:class:`Latest` answers the newest of many requests and skips the ones between, for sliders.
:class:`Job` runs one long piece of work that can be paused, resumed and stopped, for fits.
"""

from __future__ import annotations

import atexit
import contextlib
import threading
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import brainstate
import jax

__all__ = ["Environment", "Job", "Latest", "alive"]

alive: weakref.WeakSet = weakref.WeakSet()
"""What has a thread that must end before the interpreter does."""


@atexit.register
def _close_all() -> None:
    # A thread that is inside XLA while the interpreter goes down can abort the process; on a busy
    # machine it may be there for some seconds.
    for worker in list(alive):
        worker.close(timeout=20.0)


class Environment:
    """The settings that a thread does not inherit: brainstate's precision, JAX's x64 switch.

    Created on the thread that asks and entered on the thread that works.

    Examples
    --------
    >>> with Environment().entered():
    ...     pass
    """

    def __init__(self) -> None:
        self.x64 = bool(jax.config.read("jax_enable_x64"))
        self.precision = brainstate.environ.get_precision()
        if self.x64 and threading.current_thread() is not threading.main_thread():
            # A thread of the user may not have inherited what the switch was turned on for.
            self.precision = 64

    @contextlib.contextmanager
    def entered(self) -> Iterator[None]:
        """Re-establish the settings on the current thread.

        A context of brainstate would end by setting the switch of all of JAX back, under the feet
        of the threads that compute meanwhile.
        """
        if brainstate.environ.get_precision() != self.precision:
            brainstate.environ.set(precision=self.precision)
        with jax.enable_x64(self.x64):
            yield


class Latest:
    """A thread that answers the newest request.

    ``submit`` returns at once. A request that is still waiting when a newer one arrives is never
    started; one that is running learns from ``superseded`` that it may give up.

    Parameters
    ----------
    work : callable
        ``work(request, superseded)`` computes the answer; ``superseded()`` tells whether a newer
        request waits or the worker is closing.
    on_result : callable
        Called with the answer, on the worker's thread, unless it is None.
    on_error : callable
        Called with the exception that ``work`` or ``on_result`` raised.
    name : str, optional
        Name of the thread.

    Attributes
    ----------
    runs, skipped : int
        How many requests were started, and how many were replaced before that.

    Examples
    --------
    >>> answers = []
    >>> worker = Latest(lambda request, superseded: request * 2, answers.append, print)
    >>> worker.submit(21)
    >>> worker.flush()
    True
    >>> answers
    [42]
    >>> worker.close()
    """

    def __init__(
        self,
        work: Callable[[Any, Callable[[], bool]], Any],
        on_result: Callable[[Any], None],
        on_error: Callable[[BaseException], None],
        name: str = "brainmass-latest",
    ):
        self._work, self._on_result, self._on_error = work, on_result, on_error
        self._name = name
        self._changed = threading.Condition()
        self._waiting: tuple[Environment, Any] | None = None
        self._busy = False
        self._closed = self._cancelled = False
        self._thread: threading.Thread | None = None
        self.runs = 0
        self.skipped = 0
        alive.add(self)

    @property
    def closed(self) -> bool:
        """Whether the worker takes no more requests."""
        return self._closed

    @property
    def busy(self) -> bool:
        """Whether a request is running or waiting."""
        return self._busy or self._waiting is not None

    def submit(self, request: Any) -> None:
        """Hand in a request in place of the one that waits; does not block.

        Parameters
        ----------
        request : object
            Passed to ``work``.
        """
        environment = Environment()
        with self._changed:
            if self._closed:
                return
            self.skipped += self._waiting is not None
            self._waiting = (environment, request)
            if self._thread is None:
                self._thread = threading.Thread(target=self._loop, name=self._name, daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def cancel(self) -> None:
        """Let the request that is running give up, and forget the one that waits."""
        with self._changed:
            self._cancelled = self._busy
            self._waiting = None
            self._changed.notify_all()

    def flush(self, timeout: float | None = None) -> bool:
        """Wait until nothing waits and nothing runs.

        Parameters
        ----------
        timeout : float, optional
            Longest wait in seconds.

        Returns
        -------
        bool
            Whether the worker came to rest in that time.
        """
        if threading.current_thread() is self._thread:
            return False
        with self._changed:
            return self._changed.wait_for(lambda: self._closed or not self.busy, timeout)

    def close(self, timeout: float | None = 10.0) -> None:
        """Take no more requests, let the running one give up, and end the thread.

        Parameters
        ----------
        timeout : float, optional
            Longest wait for the thread in seconds.
        """
        with self._changed:
            self._closed = True
            self._waiting = None
            self._changed.notify_all()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout)
        alive.discard(self)

    def _superseded(self) -> bool:
        return self._closed or self._cancelled or self._waiting is not None

    def _loop(self) -> None:
        while True:
            with self._changed:
                self._busy = self._cancelled = False
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._closed or self._waiting is not None)
                if self._closed or self._waiting is None:
                    return
                (environment, request), self._waiting = self._waiting, None
                self._busy = True
                self.runs += 1
            try:
                with environment.entered():
                    answer = self._work(request, self._superseded)
                if answer is not None and not self._closed:
                    self._on_result(answer)
            except BaseException as error:  # the thread must survive whatever a run raises
                if not self._closed:
                    with contextlib.suppress(Exception):
                        self._on_error(error)


class Job:
    """One long piece of work in a thread, with pause, resume and stop.

    The work calls ``checkpoint()`` between its steps; that is where a pause waits and where a
    stop takes effect. A state that ends in ``-ing`` has been asked for; the one without has been
    acknowledged by the work.

    Parameters
    ----------
    work : callable
        ``work(checkpoint)``; ``checkpoint()`` returns False once the work should end.
    on_state : callable, optional
        Called with the new state whenever it changes, on either thread.
    name : str, optional
        Name of the thread.

    Attributes
    ----------
    state : {'ready', 'running', 'pausing', 'paused', 'stopping', 'stopped', 'done', 'failed'}
        Where the job stands.
    result : object
        What ``work`` returned.
    error : BaseException or None
        What it raised.

    Examples
    --------
    >>> def count(checkpoint):
    ...     n = 0
    ...     while n < 1000 and checkpoint():
    ...         n += 1
    ...     return n
    >>> job = Job(count)
    >>> job.start()
    >>> job.wait()
    True
    >>> job.state, job.result
    ('done', 1000)
    """

    def __init__(
        self,
        work: Callable[[Callable[[], bool]], Any],
        on_state: Callable[[str], None] | None = None,
        name: str = "brainmass-job",
    ):
        self._work, self._on_state, self._name = work, on_state, name
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self.state = "ready"
        self.result: Any = None
        self.error: BaseException | None = None
        alive.add(self)

    @property
    def active(self) -> bool:
        """Whether the work has started and has not ended."""
        return self.state in ("running", "pausing", "paused", "stopping")

    def start(self) -> None:
        """Start the work; does nothing unless the job is ready."""
        with self._changed:
            if self.state != "ready":
                return
            self._thread = threading.Thread(
                target=self._run, args=(Environment(),), name=self._name, daemon=True
            )
            self._set("running")
            self._thread.start()

    def pause(self) -> None:
        """Ask the work to wait at its next checkpoint."""
        self._request("pausing", {"running"})

    def resume(self) -> None:
        """Let paused work go on."""
        self._request("running", {"pausing", "paused"})

    def stop(self) -> None:
        """Ask the work to end at its next checkpoint, with what it has."""
        self._request("stopping", {"running", "pausing", "paused"})

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the work has ended or rests in a pause.

        Parameters
        ----------
        timeout : float, optional
            Longest wait in seconds.

        Returns
        -------
        bool
            Whether it ended or paused in that time.
        """
        with self._changed:
            resting = ("ready", "paused", "stopped", "done", "failed")
            return self._changed.wait_for(lambda: self.state in resting, timeout)

    def close(self, timeout: float | None = 10.0) -> None:
        """Stop the work and end the thread.

        Parameters
        ----------
        timeout : float, optional
            Longest wait for the thread in seconds.
        """
        self.stop()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout)
        alive.discard(self)

    def checkpoint(self) -> bool:
        """Wait while the job is paused; return whether the work should go on."""
        with self._changed:
            if self.state == "pausing":
                self._set("paused")
            self._changed.wait_for(lambda: self.state != "paused")
            return self.state not in ("stopping", "stopped")

    def _request(self, state: str, allowed: set[str]) -> None:
        with self._changed:
            if self.state in allowed:
                # Set before the worker is let go, so that it can never see an older state.
                self._set(state)

    def _set(self, state: str) -> None:
        self.state = state
        self._changed.notify_all()
        if self._on_state is not None:
            self._on_state(state)

    def _run(self, environment: Environment) -> None:
        try:
            with environment.entered():
                result = self._work(self.checkpoint)
        except BaseException as error:  # delivered, never lost in the thread
            with self._changed:
                self.error = error
                self._set("failed")
            return
        with self._changed:
            self.result = result
            self._set("stopped" if self.state == "stopping" else "done")
