"""A model to play with: sliders beside its live time course, phase portrait and regions."""

from __future__ import annotations

import html
import threading
import time
from typing import Any

import brainstate
import brainunit as u
import ipywidgets as widgets
import numpy as np

import brainmass

from . import code
from .base import Instrument, button, toggle
from .board import Board, offered_plots
from .controls import ParameterControl
from .engine import Engine, Outcome, Request
from .figure import draw
from .panel import Panel
from .quantities import show
from .worker import Latest

__all__ = ["SimulatorWidget"]

_DRAG = 1.0
"""Seconds within which changes of one number count as one change for undo."""

_REST = (
    "Nothing moves: the run stays where it started, which may be a fixed point. "
    "Change an initial value or add an input."
)


class SimulatorWidget(Instrument):
    """A slider for every declared number of a model, and plots that answer at once.

    The sliders act on a copy: the model that you pass is never changed. ``apply()`` writes the
    numbers of the sliders into it when you ask for that, and ``model`` is the copy. A moved slider
    is computed in a thread and compiles nothing; the line below the plots counts what was
    compiled. The first touch of a constant input, of a single region of a scalar parameter, of the
    step or of the integrator compiles once, because it changes the structure of the program.

    Parameters
    ----------
    model_or_simulator : brainstate.nn.Module or brainmass.Simulator
        A ``*Step`` model, a :class:`brainmass.Network`, any brainstate module with ``update``, or
        a simulator of one of them.
    duration : brainunit.Quantity, optional
        Simulated time. Default 200 ms, 1000 ms for physiological models.
    dt : brainunit.Quantity, optional
        Integration step. Default: that of the simulator, then brainstate's, then 0.1 ms, or a
        tenth of it if the model needs that.
    transient : brainunit.Quantity, optional
        Leading time that is simulated but not shown.
    monitors : str, callable, list or dict, optional
        What to record, as for :meth:`brainmass.Simulator.run`. Default: every state and output.
    inputs : array, callable or dict, optional
        External input, as for :meth:`brainmass.Simulator.run`, or constants by inlet name, such
        as ``{"E_inp": 220 * u.Hz}``. Constants have sliders, and so has every inlet by default.
    seed : int, default 0
        Seed of noise and of random initial values; the same seed gives the same picture.
    plots : sequence of str, optional
        Which plots are open at first: ``'time'``, ``'regions'``, ``'phase'``, ``'spectrum'``, and
        for a network ``'connectome'`` and ``'fc'``, the functional connectivity.
    labels : sequence of str, optional
        Names of the regions.

    Attributes
    ----------
    controls : dict of str to ParameterControl
        The sliders by name: ``'a'``, ``'init_x'``, and ``'node.a'`` or ``'k'`` in a network.
    result : dict
        What is shown, laid out as by :meth:`brainmass.Simulator.run`.
    state : dict
        Everything that was set, as plain JSON; assign it to restore it.
    error : BaseException or None
        What kept the last run from being computed; its sentence is shown on the plot.

    Examples
    --------
    >>> import brainmass
    >>> from brainmass_widgets import SimulatorWidget
    >>> w = SimulatorWidget(brainmass.HopfStep(1, a=0.25, init_x=0.1))
    >>> w
    SimulatorWidget(HopfStep, 3 parameters)
    >>> w.flush()
    >>> before = w.compilations
    >>> w.controls["a"].slider.value = 0.64
    >>> w.flush()
    >>> round(float(w.result["x"].max()), 2), w.compilations - before
    (0.8, 0)
    >>> w.close()
    """

    def __init__(
        self,
        model_or_simulator,
        *,
        duration=None,
        dt=None,
        transient=None,
        monitors=None,
        inputs=None,
        seed: int = 0,
        plots=None,
        labels=None,
    ):
        model = model_or_simulator
        if isinstance(model, brainmass.Simulator):
            model, dt = model.model, model.dt if dt is None else dt
        if isinstance(model, type):
            raise TypeError(
                f"SimulatorWidget: model must be an instance; got the class {model.__name__}. "
                f"Pass {model.__name__}(1)."
            )
        self._lock = threading.RLock()
        self._history: list[dict[str, Any]] = []
        self._touched = ("", 0.0)
        self._message = ("", "info")
        self._refusal = ""
        self.error: BaseException | None = None
        self.engine = Engine(model, monitors=monitors, inputs=inputs)
        self._values = dict(self.engine.start)
        self._settings = self._first_settings(duration, dt, transient, seed)
        self._first = self._numbers()
        self._build_board(plots, () if labels is None else [str(n) for n in labels])
        self.panel = Panel(
            self.engine,
            self._values,
            self._settings,
            self.board.labels,
            on_value=self._moved,
            on_setting=self._set,
            on_region=self._pick,
            on_error=self._refuse,
        )
        self._worker = Latest(self._work, self._arrived, self._failed, name="brainmass-simulator")
        super().__init__(self._build())
        self._submit()

    # -- what it is ---------------------------------------------------------------------------

    @property
    def model(self):
        """The copy of the model that the sliders act on."""
        return self.engine.model

    @property
    def controls(self) -> dict[str, ParameterControl]:
        """The sliders by name."""
        return self.panel.controls

    @property
    def result(self) -> dict[str, Any]:
        """What is shown: one array per signal, time first, with units, and ``'ts'`` in ms."""
        outcome = self.board.outcome
        return {} if outcome is None else outcome.result

    @property
    def problem(self) -> str:
        """Why the last run ended early or was refused; empty if all is well."""
        text, level = self._message
        return self._refusal or (text if level == "error" else "")

    @property
    def runs(self) -> int:
        """How many runs were made."""
        return self.engine.runs

    @property
    def compilations(self) -> int:
        """How many programs were compiled for this widget."""
        return self.engine.compilations

    @property
    def _name(self) -> str:
        node = type(self.engine.node).__name__
        return f"{type(self.engine.model).__name__} of {node}" if self.engine.network else node

    def __repr__(self):
        if not hasattr(self, "engine"):
            return "SimulatorWidget()"
        count = sum(f.group in ("Parameters", "Coupling") for f in self.engine.fields.values())
        return f"{type(self).__name__}({self._name}, {count} parameter{'s' if count != 1 else ''})"

    # -- what one can do ----------------------------------------------------------------------

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
                f"SimulatorWidget: a run must end within {timeout:g} s; it is still computing. "
                "Wait longer or simulate a shorter duration."
            )

    def reset(self) -> None:
        """Go back to the numbers that the widget was opened with."""
        self._remember("reset")
        self._restore(self._first)

    def undo(self) -> None:
        """Take back the last change of a number."""
        with self._lock:
            if not self._history:
                return
            before = self._history.pop()
            self._touched = ("", 0.0)
        self._restore(before)

    def pin(self) -> None:
        """Keep the present run dashed in the background, to compare with."""
        self.board.pinned = self.board.outcome

    def unpin(self) -> None:
        """Forget the pinned run."""
        self.board.pinned = None

    def apply(self):
        """Write the numbers of the sliders into the model that the widget was given.

        Returns
        -------
        brainstate.nn.Module
            That model.
        """
        target = Engine(self.engine.given, monitors=self.engine.monitors, copy=False)
        request = self.request
        known = {p: v for p, v in request.values.items() if p in target.fields}
        target.apply(Request(values=known, method=request.method))
        return self.engine.given

    def to_code(self) -> str:
        """Return a script that gives exactly the arrays that are shown.

        Returns
        -------
        str
            Python code.
        """
        return code.to_code(self.engine, self.request)

    def picture(self, form: str = "png") -> bytes:
        """Draw what is shown with matplotlib.

        Parameters
        ----------
        form : {'png', 'svg', 'pdf'}
            Format of the picture.

        Returns
        -------
        bytes
            The file; empty when nothing has been computed.
        """
        self.flush()
        shown = self.board.plots()
        return draw(shown, title=self._title(), note=self.problem, form=form) if shown else b""

    def _stop(self) -> None:
        self._worker.close()

    # -- state --------------------------------------------------------------------------------

    @property
    def request(self) -> Request:
        """What the sliders ask for."""
        with self._lock:
            return Request(values=dict(self._values), **self._settings)

    @property
    def state(self) -> dict[str, Any]:
        """Everything that was set, as plain JSON."""
        model = type(self.engine.node).__name__
        return {"format": 1, "model": model, **self._numbers(), "view": self.board.view}

    @state.setter
    def state(self, state: dict[str, Any]) -> None:
        self._check_state(state)
        self._remember("state")
        self.board.view = state.get("view", {})
        self._restore(state)

    def _numbers(self) -> dict[str, Any]:
        with self._lock:
            values = {path: value.tolist() for path, value in self._values.items()}
            return {"values": values, "run": dict(self._settings)}

    def _check_state(self, state: dict[str, Any]) -> None:
        name = type(self.engine.node).__name__
        if not isinstance(state, dict) or state.get("format") != 1:
            raise ValueError(
                "SimulatorWidget: state must be a dict that .state gave; "
                f"got {type(state).__name__} of another format. Save it anew."
            )
        if state.get("model") != name:
            raise ValueError(
                f"SimulatorWidget: state must belong to {name}; got one of {state.get('model')}. "
                "Open that model first."
            )
        for path, value in state.get("values", {}).items():
            if path not in self.engine.fields:
                raise ValueError(
                    f"SimulatorWidget: state must name numbers of the model; got '{path}'. "
                    f"Known are {', '.join(self.engine.fields)}."
                )
            self.engine.fields[path].check(np.asarray(value, dtype=float))
        _check_settings({**self._settings, **state.get("run", {})})

    def _restore(self, numbers: dict[str, Any]) -> None:
        with self._lock:
            for path, value in numbers.get("values", {}).items():
                self._values[path] = np.asarray(value, dtype=float)
            self._settings = {**self._settings, **numbers.get("run", {})}
        self.panel.show(self._values, self._settings, self.board.region)
        self._submit()

    def _remember(self, touched: str) -> None:
        """Keep the present numbers for undo; a slider in motion counts once."""
        with self._lock:
            now = time.monotonic()
            last, when = self._touched
            self._touched = (touched, now)
            if touched == last and now - when < _DRAG:
                return
            self._history.append(self._numbers())
            del self._history[:-100]

    # -- reactions of the controls ------------------------------------------------------------

    def _moved(self, path: str, value: np.ndarray) -> None:
        with self._lock:
            self._remember(path)
            self._values[path] = value
        self._submit()

    def _set(self, name: str, value: Any) -> None:
        with self._lock:
            settings = {**self._settings, name: value}
            _check_settings(settings)
            self._remember(name)
            self._settings = settings
        self._submit()

    def _pick(self, region: int | None) -> None:
        self.board.region = region
        self.board.redraw()

    def _refuse(self, sentence: str) -> None:
        """Say why an entry was refused, until something else is set."""
        self._refusal = sentence
        self._say()

    def _guarded(self, action) -> None:
        """Do what a button asks for; tell on the plot what went wrong."""
        if not self._open:
            return
        try:
            action()
        except Exception as error:  # shown where the user looks, not lost in a log
            self._refuse(str(error))

    def _show_code(self, shown: bool) -> None:
        self._code.layout.display = "" if shown else "none"
        self._write_code()
        if shown:
            next(iter(self.board.canvases.values())).copy(self._code.value)

    def _write_code(self) -> None:
        if self._code.layout.display != "none":
            self._code.value = self.to_code()

    # -- computing ----------------------------------------------------------------------------

    def _submit(self) -> None:
        self._refusal = ""
        if self._open:
            self._worker.submit(self.request)

    def _work(self, request: Request, superseded):
        if self.board.outcome is None:
            self._status("Compiling …")
        outcome = self.engine.run(request, superseded, on_part=self._arrived)
        if outcome is not None and outcome.problem and self._free_step:
            # Nobody chose the step, and a fast model needs a finer one.
            self._free_step = False
            with self._lock:
                self._settings["dt"] = self._first["run"]["dt"] = _short(0.1 * self._settings["dt"])
            self.panel.show(self._values, self._settings, self.board.region)
            return self.engine.run(self.request, superseded, on_part=self._arrived)
        self._free_step = False
        return outcome

    def _arrived(self, outcome: Outcome) -> None:
        first = self.board.outcome is None
        self.error = None
        if outcome.problem:
            self._message = (outcome.problem.partition(" What was recorded")[0], "error")
        else:
            resting = outcome.complete and outcome.still
            self._message = (_REST if resting else "", "info")
        self.board.show(outcome)
        if first and not outcome.problem:
            self._widen(outcome)
        self._say()
        self._write_code()
        self._status(_summary(outcome, self.engine))

    def _failed(self, error: BaseException) -> None:
        self.error = error
        self._message = (str(error) or type(error).__name__, "error")
        self._say()
        self._status("Not computed.")

    def _say(self) -> None:
        refused = (self._refusal, "warning")
        self.board.say(*(refused if self._refusal else self._message))

    def _status(self, text: str) -> None:
        self._line.value = f'<span class="brainmass-status">{html.escape(text)}</span>'

    def _widen(self, outcome: Outcome) -> None:
        """Let the sliders of initial values reach wherever the states went."""
        for path, f in self.engine.fields.items():
            series = outcome.series.get(f.attribute.removeprefix("init_"))
            if f.group == "Initial values" and series is not None and series.data.size:
                self.controls[path].widen(*_rounded(series.data))

    # -- parts --------------------------------------------------------------------------------

    def _first_settings(self, duration, dt, transient, seed) -> dict[str, Any]:
        if dt is None:
            dt = brainstate.environ.get("dt", None)
        self._free_step = dt is None
        dt = 0.1 * u.ms if dt is None else dt
        if duration is None:
            slow = getattr(self.engine.node, "category", "") == "physiological"
            duration = (1000.0 if slow else 200.0) * u.ms
        settings = {
            "duration": _milliseconds(duration, "duration"),
            "dt": _milliseconds(dt, "dt"),
            "transient": 0.0 if transient is None else _milliseconds(transient, "transient"),
            "seed": int(seed),
            "method": self.engine.method,
        }
        _check_settings(settings)
        return settings

    def _build_board(self, plots, labels) -> None:
        engine = self.engine
        states = len(engine.states) if engine.declared else None
        offered = offered_plots(engine.shape, states, engine.network)
        opened = ["time"]
        if engine.network:
            opened.append("regions")
        elif "phase" in offered and engine.declared:
            opened.append("phase")
        opened = opened if plots is None else list(plots)
        if unknown := [p for p in opened if p not in offered]:
            raise ValueError(
                f"SimulatorWidget: plots must be among {', '.join(map(repr, offered))}; "
                f"got {unknown[0]!r}. Correct the name."
            )
        title = type(engine.node).__name__
        weights = self._weights if engine.network else None
        self.board = Board(title, offered, opened, labels, weights=weights)

    def _weights(self) -> np.ndarray:
        return np.asarray(self.engine.model.conn.mantissa())

    def _build(self) -> list[widgets.Widget]:
        self._line = widgets.HTML(layout={"margin": "2px 8px"})
        self._code = widgets.Textarea(
            layout={"width": "calc(100% - 4px)", "height": "190px", "display": "none"},
            tooltip="Python code that gives the arrays shown",
        )
        self._code.add_class("brainmass-code")
        title = widgets.HTML(f"<b>{html.escape(self._name)}</b>")
        title.layout.margin = "2px 10px 2px 4px"
        guarded = self._guarded
        toolbar = widgets.HBox(
            [
                title,
                button(
                    "Reset", "Back to the numbers it was opened with", lambda: guarded(self.reset)
                ),
                button("Undo", "Take back the last change", lambda: guarded(self.undo)),
                toggle(
                    "Pin",
                    "Keep this run dashed in the background",
                    lambda on: guarded(self.pin if on else self.unpin),
                ),
                toggle(
                    "Code",
                    "Show Python code for what is shown, and copy it",
                    lambda on: guarded(lambda: self._show_code(on)),
                ),
                widgets.Box(layout={"flex": "1 1 20px"}),
                *self.board.toggles.values(),
            ],
            layout={"flex_flow": "row wrap", "width": "100%", "align_items": "center"},
        )
        right = widgets.VBox([self.board.box], layout={"flex": "1 1 420px", "min_width": "340px"})
        body = widgets.HBox(
            [self.panel.box, right],
            layout={"flex_flow": "row wrap", "width": "100%", "overflow": "visible"},
        )
        return [toolbar, body, self._line, self._code]

    def _title(self) -> str:
        parts = []
        for path, f in self.engine.fields.items():
            value = self._values[path]
            if f.group in ("Parameters", "Coupling") and value.ndim == 0 and len(parts) < 8:
                unit = "" if f.spec.unit.is_unitless else f" {f.spec.unit}"
                parts.append(f"{f.attribute} = {show(float(value))}{unit}")
        return f"{self._name}: {', '.join(parts)}" if parts else self._name


def _check_settings(settings: dict[str, Any]) -> None:
    for name in ("duration", "dt"):
        if not (np.isfinite(settings[name]) and settings[name] > 0):
            raise ValueError(
                f"SimulatorWidget: {name} must be positive and finite; got "
                f"{settings[name]:g} ms. Give for example 0.1 ms."
            )
    for name in ("dt", "transient"):
        if not 0 <= settings[name] < settings["duration"]:
            raise ValueError(
                f"SimulatorWidget: {name} must be shorter than the duration of "
                f"{settings['duration']:g} ms; got {settings[name]:g} ms. Lower it."
            )


def _milliseconds(value: Any, name: str) -> float:
    unit = u.get_unit(value)
    if not unit.has_same_dim(u.ms):
        raise brainmass.UnitError(
            f"SimulatorWidget: {name} must be a quantity of time; got {value!r}. Pass for example "
            f"{name}=200 * u.ms."
        )
    return _short(float(u.Quantity(value).to_decimal(u.ms)))


def _short(value: float) -> float:
    """Drop the digits that rounding left behind."""
    return float(f"{value:.7g}")


def _rounded(data: np.ndarray) -> tuple[float, float]:
    """Return the range of the data, rounded outwards to two digits."""
    lo, hi = float(data.min()), float(data.max())
    size = max(abs(lo), abs(hi))
    if not (np.isfinite(size) and size > 0):
        return 0.0, 0.0
    grain = 10.0 ** (np.floor(np.log10(size)) - 1)
    return float(np.floor(lo / grain) * grain), float(np.ceil(hi / grain) * grain)


def _summary(outcome: Outcome, engine: Engine) -> str:
    request = outcome.request
    if not outcome.complete:
        done = outcome.samples * outcome.step
        return f"Computing … {show(done)} of {show(request.duration)} ms"
    took = f"{outcome.seconds * 1e3:.3g} ms" if outcome.seconds < 1 else f"{outcome.seconds:.2g} s"
    compiled, runs = engine.compilations, engine.runs
    return (
        f"{request.steps} steps of {show(request.dt)} ms in {took} · "
        f"{compiled} compilation{'s' if compiled != 1 else ''} in "
        f"{runs} run{'s' if runs != 1 else ''}"
    )
