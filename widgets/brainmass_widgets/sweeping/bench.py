"""The commands of a sweep and the thread that obeys them."""

from __future__ import annotations

import time
from typing import Any, ClassVar

import ipywidgets as widgets
import numpy as np

from ..engine import Engine, Field, Request
from ..explorer import SimulatorWidget
from ..jobs import JobInstrument
from ..quantities import show
from ..settings import check_settings, first_settings
from .grid import SWEPT, Ramp, Sweep, ramp_of
from .observables import observable_named

__all__ = ["SweepBench"]

_EVERY = 0.15
"""Seconds between two pictures while a sweep runs."""


class SweepBench(JobInstrument):
    """Runs sweeps in a thread; a subclass draws what they give.

    It calls :meth:`_begin` before it builds its parts, and defines ``_below``, ``_redraw`` and
    ``_show_choices``.
    """

    work = "sweep"
    commands: ClassVar[dict[str, str]] = {
        "start": "Run the sweep",
        "pause": "Hold after the runs it is in",
        "resume": "Go on",
        "stop": "End with what is done",
    }
    _below: widgets.VBox

    def _begin(self, model, inputs, given: dict[str, Any], params, observable, signal) -> None:
        """Read what the constructor was given."""
        self.engine = Engine(model, inputs=inputs)
        self._settings, _ = first_settings("SweepWidget", self.engine, given)
        self._monitors: Any = self.engine.monitors
        self._swept = {p: f for p, f in self.engine.fields.items() if f.group in SWEPT}
        self.ramps = self._read_ramps(params)
        self._observable = observable_named(observable, self._regions).name
        self._signal = self._read_signal(signal)
        self._prepare_job()
        self._selected: tuple[int, ...] | None = None
        self.simulation: SimulatorWidget | None = None
        self._sweep = self._prepared()

    def _redraw(self, more: str = "") -> None:
        raise NotImplementedError

    def _show_choices(self) -> None:
        raise NotImplementedError

    @property
    def result(self) -> dict[str, Any]:
        """Values of the swept numbers, and the array of what was kept, first parameter first."""
        sweep = self._sweep
        axes = {r.path: self._swept[r.path].spec.attach(r.values) for r in sweep.ramps}
        name, _ = sweep.observable.label(sweep.signal, "")
        return {**axes, name: sweep.values.copy()}

    @property
    def state(self) -> dict[str, Any]:
        """Axes, observable and settings as plain JSON."""
        return {
            "format": 1,
            "model": type(self.engine.node).__name__,
            "ramps": [vars(ramp) for ramp in self.ramps],
            "observable": self._observable,
            "signal": self._signal,
            "run": dict(self._settings),
        }

    @state.setter
    def state(self, state: dict[str, Any]) -> None:
        self._check_idle()
        name = type(self.engine.node).__name__
        if not isinstance(state, dict) or state.get("format") != 1 or state.get("model") != name:
            raise ValueError(
                f"SweepWidget: state must be a dict that .state of a sweep of {name} gave; got "
                f"{type(state).__name__} of another kind. Save it anew."
            )
        ramps = tuple(Ramp(**ramp) for ramp in state["ramps"])
        for ramp in ramps:
            self._field(ramp.path)
        observable = observable_named(state["observable"], self._regions).name
        signal, settings = self._read_signal(state["signal"]), {**self._settings, **state["run"]}
        check_settings("SweepWidget", settings)
        self.ramps, self._observable, self._signal = ramps, observable, signal
        self._settings = settings
        self._renew()
        self._show_choices()

    # -- commands -----------------------------------------------------------------------------

    def start(self) -> None:
        """Run the sweep from the beginning; does nothing while one runs."""
        with self._lock:
            if self._job.active:
                return
            self._job.close()
            self._sweep = self._prepared()
            self._new_job()
        self._job.start()

    def stop(self) -> None:
        """End the sweep with the points that are done."""
        self._job.stop()

    def open_point(self, *point: int) -> None:
        """Open the simulation of a point below the map.

        Parameters
        ----------
        *point : int
            Position along each swept parameter.
        """
        sweep = self._sweep
        if len(point) != len(sweep.ramps) or not all(
            0 <= i < n for i, n in zip(point, sweep.values.shape, strict=False)
        ):
            raise ValueError(
                f"SweepWidget: a point must be {len(sweep.ramps)} positions below "
                f"{sweep.values.shape}; got {point}. Choose a cell of the map."
            )
        self._selected = tuple(int(i) for i in point)
        if self.simulation is None:
            self.simulation = SimulatorWidget(self.engine.given, inputs=self.engine.given_inputs)
            self._below.children = [self.simulation]
        self.simulation.show_request(sweep.at(self._selected))
        self._redraw()

    def flush(self, timeout: float = 600.0) -> None:
        """Wait until the sweep has ended or rests in a pause.

        Parameters
        ----------
        timeout : float, default 600
            Longest wait in seconds.
        """
        super().flush(timeout)
        if self.simulation is not None:
            self.simulation.flush(timeout)

    def _stop(self) -> None:
        self._job.close()
        if self.simulation is not None:
            self.simulation.close()

    # -- the sweep ----------------------------------------------------------------------------

    def _request(self) -> Request:
        return Request(values=dict(self.engine.start), **self._settings)

    def _prepared(self) -> Sweep:
        if self.engine.declared:
            self.engine.monitors = {self._signal: (self._monitors or {})[self._signal]}
        observable = observable_named(self._observable, self._regions)
        return Sweep(self.engine, self._request(), self.ramps, observable, self._signal)

    def _work(self, checkpoint):
        sweep, shown, began = self._sweep, 0.0, time.monotonic()
        self._line.say("Compiling …")

        def go_on() -> bool:
            nonlocal shown
            now = time.monotonic()
            if now - shown > _EVERY and sweep.done:
                shown = now
                left = (now - began) / sweep.done * (sweep.count - sweep.done)
                self._redraw(f" · about {show(float(f'{left:.2g}'))} s left")
            return checkpoint()

        try:
            return sweep.run(go_on)
        finally:
            self._redraw()

    # -- reading what was given ---------------------------------------------------------------

    @property
    def _regions(self) -> int:
        return int(np.prod(self.engine.shape)) if self.engine.shape else 1

    def _field(self, path: str) -> Field:
        if path not in self._swept:
            raise ValueError(
                f"SweepWidget: params must name numbers of the model, {', '.join(self._swept)}; "
                f"got '{path}'. Correct the name."
            )
        return self._swept[path]

    def _read_ramps(self, params: dict[str, Any] | None) -> tuple[Ramp, ...]:
        if not self._swept:
            raise ValueError(
                "SweepWidget: the model must have numbers to sweep; got one without parameters. "
                "Hold them in Param."
            )
        given = dict.fromkeys(list(self._swept)[:2]) if params is None else dict(params)
        if not 1 <= len(given) <= 2:
            raise ValueError(
                f"SweepWidget: one or two numbers must be swept; got {len(given)}. "
                "Use brainmass.sweep for more."
            )
        return tuple(ramp_of(self._field(p), v, self.engine.start[p]) for p, v in given.items())

    def _read_signal(self, signal: str | None) -> str:
        known = list(self._monitors) if isinstance(self._monitors, dict) else ["output"]
        if signal is None:
            return "output" if "output" in known else known[0]
        if signal not in known:
            raise ValueError(
                f"SweepWidget: signal must be one of {', '.join(map(repr, known))}; got "
                f"{signal!r}. Choose one of them."
            )
        return signal

    def _renew(self) -> None:
        """Forget the numbers of the last sweep: they belong to other choices."""
        with self._lock:
            self._sweep, self._selected = self._prepared(), None
        self._say()
        self._redraw()
