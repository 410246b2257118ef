"""Compiles, in the background, what the next touch of a control will need."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Hashable
from dataclasses import replace
from typing import Any

from ..ahead import Ahead
from .copying import duplicate
from .core import Engine
from .runs import Request

__all__ = ["REST", "Forerunner"]

REST = 0.3
"""Seconds after a run before anything is compiled, so that its picture comes first."""


class Forerunner:
    """Compiles the programs that touches of controls lead to from a run, on a copy of its model.

    Programs are found again by their structure, so what was compiled for the copy serves the
    model. A run that needs a program which is being compiled waits for it; none is compiled twice.

    Parameters
    ----------
    engine : Engine
        Whose runs are followed. Its model must be as it was given.

    Attributes
    ----------
    compilations : int
        How many programs were compiled.

    Examples
    --------
    >>> import brainmass
    >>> from brainmass_widgets.engine import Engine, Forerunner, Request
    >>> engine = Engine(brainmass.HopfStep(1, init_x=0.1))
    >>> forerunner, first = Forerunner(engine), Request(values=engine.start, duration=5.0)
    >>> _ = engine.run(first)
    >>> forerunner.follow(first)
    >>> forerunner.wait()
    >>> with_noise = {**engine.start, "noise_x.sigma": engine.start["a"]}
    >>> engine.run(Request(values=with_noise, duration=5.0)).compiled
    0
    >>> forerunner.close()
    """

    def __init__(self, engine: Engine):
        self._engine = engine
        self._model = duplicate(engine.model)
        self._copy: Engine | None = None
        self._lock = threading.Lock()
        self._ahead = Ahead()
        self._now: Hashable = None
        self._followed: set[Hashable] = set()

    @property
    def compilations(self) -> int:
        """How many programs were compiled."""
        return 0 if self._copy is None else self._copy.tally.count

    def follow(self, request: Request) -> None:
        """Compile soon what changes of numbers in this request may need.

        Parameters
        ----------
        request : Request
            What the engine ran last.
        """
        history = self._engine.history
        structure = self._engine.structure(request)
        if structure == self._now:
            return
        self._now = structure
        if structure not in self._followed:
            self._ahead.start([lambda: self._compile(structure, history, request)], after=REST)

    def wait(self, timeout: float | None = None) -> None:
        """Wait until nothing is being compiled."""
        self._ahead.wait(timeout)

    def close(self) -> None:
        """Compile nothing more, and end the thread once it has compiled what it is at."""
        self._now = None
        self._ahead.close()

    def _compile(self, structure: Hashable, history: Any, request: Request) -> None:
        with self._lock:
            if self._now != structure or structure in self._followed:
                return
            if self._copy is None:
                self._copy = Engine(
                    self._model, monitors=self._engine.monitors, inputs=self._engine.given_inputs
                )
            copy = self._copy
            copy.history = history
            # Where nothing is found again, compiling ahead is of no use.
            before = copy.tally.count
            copy.compile(request)
            self._followed.add(structure)
            if copy.tally.count > before:
                return
            for values in copy.layouts.others(request.values):
                if self._now != structure:
                    self._followed.discard(structure)
                    return
                with contextlib.suppress(Exception):  # a touch that fails says so itself
                    copy.compile(replace(request, values=values))
