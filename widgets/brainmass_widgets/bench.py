"""The numbers of a simulation, their history, and the thread that computes what they give."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from typing import Any

import brainunit as u
import numpy as np

from .base import Instrument, StatusLine
from .board import Board
from .engine import Engine, Forerunner, Outcome, Request
from .history import History, Numbers
from .panel import NO_PRESET, Panel
from .presets import preset_values, presets_of
from .quantities import show
from .settings import check_settings, first_settings, rounded_range, shortened
from .worker import Latest

__all__ = ["COMMON", "Bench"]

_REST = (
    "Nothing moves: the run stays where it started, which may be a fixed point. "
    "Change an initial value or add an input."
)
_ALIKE = (
    "All seeds agree: the model has neither noise nor random initial values. "
    "Add noise to see a band."
)
COMMON = ("duration", "dt", "transient", "seed", "seeds")
"""Settings that a pinned run shares with the present one, so that both see the same noise."""


@dataclass(frozen=True, eq=False)
class Answer:
    """What is shown: a run, and the pinned one with the same random numbers."""

    outcome: Outcome
    pinned: Outcome | None


class Bench(Instrument):
    """Holds numbers and settings, runs them in a thread, and hands what comes out to a board.

    A subclass calls :meth:`_prepare` before it builds its parts, and defines ``board``, ``panel``
    and ``_line``, then calls :meth:`_submit`.
    """

    board: Board
    panel: Panel
    _line: StatusLine

    def _prepare(self, model, monitors, inputs, given: dict[str, Any], preset: str | None) -> None:
        """Read the model and what the constructor was given."""
        self._lock = threading.RLock()
        self._history = History()
        self._message = ("", "info", "")
        self._refusal = ""
        self._urgent = False  # a picture is on its way; answers of the panel can wait for it
        self._pinned: Outcome | None = None
        self.error: BaseException | None = None
        self.engine = Engine(model, monitors=monitors, inputs=inputs)
        self._forerunner = Forerunner(self.engine)
        self._values = dict(self.engine.start)
        self._settings, self._free_step = first_settings(type(self).__name__, self.engine, given)
        self._preset = NO_PRESET
        if preset is not None:
            self._take(preset)
        self._first = self._numbers()
        self._worker = Latest(self._work, self._arrived, self._failed, name="brainmass-simulator")

    @property
    def presets(self) -> dict[str, dict[str, Any]]:
        """The published regimes of the model by name."""
        return presets_of(self.engine)

    @property
    def runs(self) -> int:
        """How many runs were made."""
        return self.engine.runs

    @property
    def compilations(self) -> int:
        """How many programs were compiled for the runs, while somebody waited for them."""
        return self.engine.compilations

    @property
    def compiled_ahead(self) -> int:
        """How many programs were compiled in the background for what may be touched next."""
        return self._forerunner.compilations

    def flush(self, timeout: float = 120.0) -> None:
        """Wait until the plots show the present sliders.

        Parameters
        ----------
        timeout : float, default 120
            Longest wait in seconds.

        Raises
        ------
        TimeoutError
            If the run takes longer.
        """
        if not self._worker.flush(timeout):
            raise TimeoutError(
                f"{type(self).__name__}: a run must end within {timeout:g} s; it is still "
                "computing. Wait longer or simulate a shorter duration."
            )

    def preset(self, name: str) -> None:
        """Go to a published regime of the model.

        Parameters
        ----------
        name : str
            One of ``presets``.
        """
        before = self._numbers()
        self._take(name)
        self._history.remember(before)
        self._show_and_run()

    def show_request(self, request: Request) -> None:
        """Take the numbers and settings of a request; it can be undone.

        Parameters
        ----------
        request : Request
            What to show.
        """
        self._history.remember(self._numbers())
        settings = {name: getattr(request, name) for name in self._settings}
        self._restore(Numbers(dict(request.values), settings, NO_PRESET))

    def reset(self) -> None:
        """Go back to the numbers that the widget was opened with."""
        self._history.remember(self._numbers())
        self._restore(self._first)

    def undo(self) -> None:
        """Take back the last change of a number."""
        if (before := self._history.undo(self._numbers())) is not None:
            self._restore(before)

    def redo(self) -> None:
        """Make the change again that was taken back last."""
        if (after := self._history.redo(self._numbers())) is not None:
            self._restore(after)

    # -- state --------------------------------------------------------------------------------

    @property
    def request(self) -> Request:
        """What the sliders ask for."""
        with self._lock:
            return Request(values=dict(self._values), **self._settings)

    @property
    def state(self) -> dict[str, Any]:
        """Everything that was set, as plain JSON."""
        with self._lock:
            values = {
                path: value.tolist()
                for path, value in self._values.items()
                if path != "weights" or value is not self.engine.start["weights"]
            }
            numbers = {"values": values, "run": dict(self._settings), "preset": self._preset}
        model = type(self.engine.node).__name__
        return {"format": 1, "model": model, **numbers, "view": self.board.view}

    @state.setter
    def state(self, state: dict[str, Any]) -> None:
        self._check_state(state)
        self._history.remember(self._numbers())
        self.board.view = state.get("view", {})
        values = {p: np.asarray(v, dtype=float) for p, v in state.get("values", {}).items()}
        if "weights" in self.engine.start:
            values.setdefault("weights", self.engine.start["weights"])
        self._restore(Numbers(values, state.get("run", {}), state.get("preset", NO_PRESET)))

    def _numbers(self) -> Numbers:
        with self._lock:
            return Numbers(dict(self._values), dict(self._settings), self._preset)

    def _check_state(self, state: dict[str, Any]) -> None:
        who, name = type(self).__name__, type(self.engine.node).__name__
        if not isinstance(state, dict) or state.get("format") != 1:
            raise ValueError(
                f"{who}: state must be a dict that .state gave; "
                f"got {type(state).__name__} of another format. Save it anew."
            )
        if state.get("model") != name:
            raise ValueError(
                f"{who}: state must belong to {name}; got one of {state.get('model')}. "
                "Open that model first."
            )
        for path, value in state.get("values", {}).items():
            if path not in self.engine.fields:
                raise ValueError(
                    f"{who}: state must name numbers of the model; got '{path}'. "
                    f"Known are {', '.join(self.engine.fields)}."
                )
            self.engine.fields[path].check(np.asarray(value, dtype=float))
        check_settings(who, {**self._settings, **state.get("run", {})})

    def _restore(self, numbers: Numbers) -> None:
        with self._lock:
            self._values = {**self._values, **numbers.values}
            self._settings = {**self._settings, **numbers.settings}
            self._preset = numbers.preset
        self._show_and_run()

    def _show_and_run(self) -> None:
        self._show_numbers()
        self._submit()

    def _show_numbers(self) -> None:
        self.panel.show(self._values, self._settings, self.board.region, self._preset)

    def _take(self, name: str) -> None:
        if name not in self.presets:
            known = ", ".join(map(repr, self.presets)) or "(none)"
            raise ValueError(
                f"{type(self).__name__}: preset must be one of {known}; got {name!r}. "
                "Choose one of them."
            )
        values, duration = preset_values(self.engine, name), self.presets[name].get("duration")
        with self._lock:
            self._values = {**self._values, **values}
            if duration is not None:
                time = shortened(float(duration.to_decimal(u.ms)))
                self._settings = {**self._settings, "duration": time}
            self._preset = name

    # -- reactions of the controls ------------------------------------------------------------

    def _moved(self, path: str, value: np.ndarray, gesture: Any = None) -> None:
        with self._lock:
            self._history.remember(self._numbers(), None if gesture is None else (path, gesture))
            self._values[path] = value
            self._preset = NO_PRESET
        self.panel.show_preset(NO_PRESET)
        self._submit()

    def _set(self, name: str, value: Any) -> None:
        with self._lock:
            settings = {**self._settings, name: value}
            check_settings(type(self).__name__, settings)
            self._history.remember(self._numbers())
            self._settings = settings
        self._submit()

    def _pick(self, region: int | None) -> None:
        self.board.region = region
        self.board.redraw()

    def _refuse(self, sentence: str) -> None:
        """Say why an entry was refused, until something else is set."""
        self._refusal = sentence
        self._say()

    def _cure(self) -> None:
        """Take the step that the message on the plot offers."""
        outcome = self.board.outcome
        if outcome is not None and outcome.cure is not None:
            self._free_step = False
            self._set("dt", outcome.cure)
            self._show_numbers()

    def _stop(self) -> None:
        self._worker.close()
        self._forerunner.close()

    # -- computing ----------------------------------------------------------------------------

    def _submit(self) -> None:
        self._refusal = ""
        if self._open:
            self._urgent = True
            self._worker.submit(self.request)

    def _settle(self) -> None:
        self._urgent = False
        self.panel.sheet.settle()

    def _work(self, request: Request, superseded) -> Answer | None:
        if self.board.outcome is None:
            self._line.say("Compiling …")
        outcome = self.engine.run(request, superseded, on_part=self._arrived)
        if outcome is not None and outcome.problem and self._free_step:
            # Nobody chose the step, and a fast model needs a finer one.
            self._free_step = False
            with self._lock:
                dt = shortened(0.1 * self._settings["dt"])
                self._settings["dt"] = dt
                self._first = replace(self._first, settings={**self._first.settings, "dt": dt})
            self._show_numbers()
            outcome = self.engine.run(self.request, superseded, on_part=self._arrived)
        self._free_step = False
        if outcome is None:
            self._settle()
            return None
        return Answer(outcome, self._pinned_like(outcome.request, superseded))

    def _pinned_like(self, request: Request, superseded) -> Outcome | None:
        """Return the pinned run with the random numbers, step and duration of a request."""
        pinned = self._pinned
        if pinned is None:
            return None
        shared = {name: getattr(request, name) for name in COMMON}
        if all(getattr(pinned.request, name) == value for name, value in shared.items()):
            return pinned
        again = self.engine.run(replace(pinned.request, **shared), superseded)
        return pinned if again is None else again

    def _arrived(self, answer: Answer | Outcome) -> None:
        part = isinstance(answer, Outcome)
        outcome = answer if part else answer.outcome
        first = self.board.outcome is None
        self.error = None
        self._message = _message(outcome)
        with self._lock:
            if not part and self._pinned is not None:
                self._pinned = answer.pinned
        self.board.show(outcome, self._pinned)
        if first and not outcome.problem:
            self._widen(outcome)
        self._say()
        self._shown(outcome)
        self._settle()
        if outcome.complete and not outcome.problem:
            self._forerunner.follow(outcome.request)

    def _shown(self, outcome: Outcome) -> None:
        """React to a new picture."""
        counts = self.compilations, self.runs, self.compiled_ahead
        self._line.say(_summary(outcome, self._pinned, self.board.signals, counts))

    def _failed(self, error: BaseException) -> None:
        self.error = error
        self._message = (str(error) or type(error).__name__, "error", "")
        self._say()
        self._line.say("Not computed.")
        self._settle()

    def _say(self) -> None:
        refused = (self._refusal, "warning", "")
        self.board.say(*(refused if self._refusal else self._message))

    def _widen(self, outcome: Outcome) -> None:
        """Let the sliders of initial values reach wherever the states went."""
        with self.panel.sheet.holding():
            for path, f in self.engine.fields.items():
                series = outcome.series.get(f.attribute.removeprefix("init_"))
                if f.group == "Initial values" and series is not None and series.recorded.size:
                    self.panel.controls[path].widen(*rounded_range(series.recorded))


def _message(outcome: Outcome) -> tuple[str, str, str]:
    """Return what to say about a run, how serious it is, and what a button could do."""
    if outcome.problem:
        action = "" if outcome.cure is None else f"Use dt = {show(outcome.cure)} ms"
        return outcome.problem.partition(" What was recorded")[0], "error", action
    if outcome.complete and outcome.still:
        return _REST, "info", ""
    several = [s.recorded for s in outcome.series.values() if s.several]
    if outcome.complete and several and all((r == r[:, :1]).all() for r in several):
        return _ALIKE, "info", ""
    return "", "info", ""


def _summary(outcome: Outcome, pinned: Outcome | None, signals: list[str], counts) -> str:
    request = outcome.request
    if not outcome.complete:
        done = outcome.samples * outcome.step
        return f"Computing … {show(done)} of {show(request.duration)} ms"
    took = f"{outcome.seconds * 1e3:.3g} ms" if outcome.seconds < 1 else f"{outcome.seconds:.2g} s"
    compiled, runs, ahead = counts
    seeds = f" for {request.seeds} seeds" if request.seeds > 1 else ""
    parts = [
        f"{request.steps} steps of {show(request.dt)} ms{seeds} in {took}",
        f"{compiled} compilation{'s' if compiled != 1 else ''} in "
        f"{runs} run{'s' if runs != 1 else ''}{f', {ahead} ahead' if ahead else ''}",
    ]
    if pinned is not None and signals:
        parts.append(_distance(outcome, pinned, signals[0]))
    return " · ".join(part for part in parts if part)


def _distance(outcome: Outcome, pinned: Outcome, signal: str) -> str:
    """Say how far a run is from the pinned one."""
    if signal not in outcome.series or signal not in pinned.series:
        return ""
    now, before = outcome.series[signal], pinned.series[signal]
    rows = min(len(now.recorded), len(before.recorded))
    if now.recorded.shape[1:] != before.recorded.shape[1:] or not rows:
        return ""
    size = float(np.sqrt(np.mean((now.recorded[:rows] - before.recorded[:rows]) ** 2.0)))
    return f"{signal} differs from the pinned run by {size:.3g} {now.label}".rstrip() + " (RMS)"
