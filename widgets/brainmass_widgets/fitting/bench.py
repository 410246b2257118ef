"""The commands of a fit and the thread that obeys them."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import Any, ClassVar

import brainunit as u
import numpy as np

from brainmass.fitter import Fitter

from ..jobs import JobInstrument
from .course import Course
from .setup import Choices, Setup

__all__ = ["FitBench", "whole"]

_EVERY = 0.1
"""Seconds between two pictures while a fit runs."""


class FitBench(JobInstrument):
    """Runs fits in a thread; a subclass draws what :attr:`course` holds.

    It calls :meth:`_prepare` before it builds its parts, and defines ``_redraw`` and
    ``_show_values``.
    """

    work = "fit"
    commands: ClassVar[dict[str, str]] = {
        "start": "Fit from the present parameters",
        "step": "Do one step and pause",
        "pause": "Hold after the step it is in",
        "resume": "Go on",
        "stop": "End with the best so far",
    }

    def _prepare(self, fitter: Fitter, target: Any, n_steps: int, seed: int) -> None:
        self.fitter, self.target = fitter, target
        self.result: Any = None
        self.setup = Setup(fitter)
        self.choices = self.setup.given
        self.course = Course()
        self._numbers = {"steps": whole("steps", n_steps, 1), "seed": whole("seed", seed, 0)}
        self._ran: tuple[Choices, int, int] = (self.choices, *self._numbers.values())
        self._prepare_job()
        self._stopper: threading.Thread | None = None
        self._single = False
        self._waiting: list[dict[str, Any]] = []

    def _redraw(self) -> None:
        raise NotImplementedError

    def _show_values(self) -> None:
        raise NotImplementedError

    # -- commands -----------------------------------------------------------------------------

    def start(self) -> None:
        """Fit from the present parameters of the model; does nothing while a fit runs."""
        with self._lock:
            if self._job.active:
                return
            self._job.close()
            self.fitter = self.setup.build(self.choices)
            self.course = Course(self.setup.settle())
            self._waiting = []
            self._ran = (self.choices, self._numbers["steps"], self._numbers["seed"])
            self._new_job()
        self._job.start()

    def resume(self) -> None:
        """Go on with a paused fit."""
        self._single = False
        self._job.resume()

    def step(self) -> None:
        """Do one step and pause."""
        self._single = True
        if self._job.active:
            self._job.resume()
        else:
            self.start()

    def stop(self) -> None:
        """End the fit with the best so far."""
        self._single = False
        was = self._job.state
        self._job.stop()
        if was in ("running", "pausing") and self.fitter.status in ("running", "paused"):
            # A step of scipy is a whole search: it looks at this flag. Not on this thread, which
            # would wait for the step.
            self._stopper = threading.Thread(target=self._interrupt, name="brainmass-stop")
            self._stopper.start()

    def nudge(self, name: str, value: Any) -> None:
        """Set a parameter by hand; a running or paused fit goes on from there.

        Parameters
        ----------
        name : str
            Dotted name, one of ``fitter.params``, or of any parameter while no fit runs.
        value : float, array or brainunit.Quantity
            New value, a plain number in the unit of the parameter.
        """
        if name not in self.setup.candidates:
            known = ", ".join(self.setup.candidates)
            raise ValueError(
                f"FitterWidget: parameter must be one of {known}; got '{name}'. Choose one."
            )
        unit = self.setup.candidates[name].unit
        given = u.get_unit(value)
        number = np.asarray(u.get_mantissa(value) if given.is_unitless else value.to_decimal(unit))
        if not self._job.active:
            self.setup.put(name, number)
            self._show_values()
        else:
            self._change({"values": {name: number}})

    def _change(self, change: dict[str, Any]) -> None:
        """Change a fit that runs, after the step it is in; at once where it is paused."""
        with self._lock:
            self._waiting.append(change)
            if self._job.state == "paused":
                self._apply_changes()

    def _apply_changes(self) -> None:
        with self._lock:
            waiting, self._waiting = self._waiting, []
        for change in waiting:
            units = {n: self.setup.candidates[n].unit for n in change.get("values", {})}
            values = {
                n: v if units[n].is_unitless else u.Quantity(v, unit=units[n])
                for n, v in change.get("values", {}).items()
            }
            rest = {n: v for n, v in change.items() if n != "values"}
            self.fitter.set(values, **rest)
            self.course.change(change)

    def _stop(self) -> None:
        self.stop()
        self._job.close()
        if self._stopper is not None:
            self._stopper.join(10.0)

    # -- the fit ------------------------------------------------------------------------------

    def _work(self, checkpoint):
        fitter, (_, steps, seed) = self.fitter, self._ran
        self._line.say("Compiling …")
        fitter.start(self.target, steps, seed=seed)
        shown = 0.0
        try:
            while checkpoint() and fitter.status == "running":
                self._apply_changes()
                self.course.note(fitter.step())
                if self._single:
                    self._single = False
                    self._job.pause()
                now = time.monotonic()
                if now - shown > _EVERY or self._job.state != "running":
                    shown = now
                    self._redraw()
        except KeyboardInterrupt:  # a long step gave up, with what it had
            pass
        if fitter.status == "running":
            self._interrupt()
        try:
            self.result = fitter.result()
        except ValueError:  # stopped before the first step was done
            return None
        if self.result.prediction is not None:
            self.course.prediction = self.result.prediction
        self._redraw()
        return self.result

    def _interrupt(self) -> None:
        with contextlib.suppress(ValueError):  # before the first step there is no result
            self.fitter.stop()


def whole(name: str, value: Any, least: int) -> int:
    """Return a whole number, or say what it must be."""
    try:
        number = int(value)
    except ValueError:
        number = least - 1
    if number < least:
        raise ValueError(
            f"FitterWidget: {name} must be a whole number, at least {least}; got '{value}'. "
            f"Type for example {100 if name == 'steps' else 1}."
        )
    return number
