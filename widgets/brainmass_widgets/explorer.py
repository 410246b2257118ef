"""A model to play with: sliders beside its live time course, phase portrait and regions."""

from __future__ import annotations

from typing import Any

import ipywidgets as widgets

import brainmass

from . import code
from .base import CodeBox, StatusLine, wrapped
from .bench import COMMON, Bench
from .board import Board, offered_plots
from .canvas import Canvas
from .controls import ButtonControl, CheckControl
from .engine import Engine, Outcome, Request
from .history import Numbers
from .numbers import NumberControl
from .panel import NO_PRESET, Panel
from .plots import Plot
from .presets import preset_note
from .quantities import show
from .sheet import Sheet

__all__ = ["SimulatorWidget"]


class SimulatorWidget(Bench):
    """A slider for every declared number of a model, and plots that answer at once.

    The sliders act on a copy: the model that you pass is never changed. ``apply()`` writes the
    numbers of the sliders into it when you ask for that, and ``model`` is the copy. A moved slider
    is computed in a thread and compiles nothing; the line below the plots counts what was
    compiled. What constant inputs, added noise and single regions of a shared parameter need is
    compiled in the background after the first picture; a touch that comes earlier waits for it.
    Another step or integrator, another kind of stimulus, and several seeds compile once.

    Parameters
    ----------
    model_or_simulator : brainstate.nn.Module or brainmass.Simulator
        A ``*Step`` model, a :class:`brainmass.Network`, any brainstate module with ``update``, or
        a simulator of one of them.
    duration : brainunit.Quantity, optional
        Simulated time. Default 200 ms, 1000 ms for physiological models.
    dt : brainunit.Quantity, optional
        Integration step. Default: that of the simulator, then brainstate's, then what the
        model suggests, or a tenth of it if the run diverges.
    transient : brainunit.Quantity, optional
        Leading time that is simulated but not shown.
    monitors : str, callable, list or dict, optional
        What to record, as for :meth:`brainmass.Simulator.run`. Default: every state and output.
    inputs : array, callable or dict, optional
        External input, as for :meth:`brainmass.Simulator.run`, or constants by inlet name, such
        as ``{"E_inp": 220 * u.Hz}``. Constants have sliders, and so has every inlet by default.
    seed : int, default 0
        Seed of noise and of random initial values; the same seed gives the same picture.
    seeds : int, default 1
        How many independent runs to make together. With more than one, lines are medians and
        bands reach from 5 to 95 %.
    preset : str, optional
        Name of one of the model's published regimes to start with.
    plots : sequence of str, optional
        Which plots are open at first: ``'time'``, ``'regions'``, ``'phase'``, ``'spectrum'``.
    labels : sequence of str, optional
        Names of the regions.

    Attributes
    ----------
    controls : dict of str to NumberControl
        The sliders by name: ``'a'``, ``'init_x'``, and ``'node.a'`` or ``'k'`` in a network.
        Assign to ``.value`` to move one.
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
    >>> w.controls["a"].value = 0.64
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
        seeds: int = 1,
        preset: str | None = None,
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
        given = {"duration": duration, "dt": dt, "transient": transient}
        given |= {"seed": seed, "seeds": seeds}
        self._prepare(model, monitors, inputs, given, preset)
        self.board = self._build_board(plots, () if labels is None else [str(n) for n in labels])
        self.panel = Panel(
            self.engine,
            self._values,
            self._settings,
            self.board.labels,
            {name: preset_note(p) for name, p in self.presets.items()},
            on_value=self._moved,
            on_setting=self._set,
            on_region=self._pick,
            on_preset=lambda name: self._guarded(lambda: self.preset(name)),
            on_error=self._refuse,
            on_undo=lambda kind: self._guarded(getattr(self, kind)),
            busy=lambda: self._urgent,
        )
        self.panel.show_preset(self._preset)
        super().__init__(self._build())
        self._submit()

    # -- what it is ---------------------------------------------------------------------------

    @property
    def model(self):
        """The copy of the model that the sliders act on."""
        return self.engine.model

    @property
    def controls(self) -> dict[str, NumberControl]:
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
        text, level, _ = self._message
        return self._refusal or (text if level == "error" else "")

    @property
    def _name(self) -> str:
        node = type(self.engine.node).__name__
        return f"{type(self.engine.model).__name__} of {node}" if self.engine.network else node

    def __repr__(self):
        if not hasattr(self, "engine"):
            return f"{type(self).__name__}()"
        count = sum(f.group in ("Parameters", "Coupling") for f in self.engine.fields.values())
        return f"{type(self).__name__}({self._name}, {count} parameter{'s' if count != 1 else ''})"

    # -- what one can do ----------------------------------------------------------------------

    def stop(self) -> None:
        """End a run that takes long; what it has computed stays on the plots."""
        if self._worker.busy:
            self._worker.cancel()
            self._line.say(f"Stopped. {self._line.text}")
        self._stop_button.disabled = True

    def pin(self) -> None:
        """Keep the present numbers dashed in the background, to compare with.

        When seed, step or duration change, the pinned numbers are run again with them, so that
        both runs see the same noise.
        """
        self._pinned = self.board.pinned = self.board.outcome
        self._show_pin()

    def unpin(self) -> None:
        """Forget the pinned numbers."""
        self._pinned = self.board.pinned = None
        self._show_pin()

    def swap(self) -> None:
        """Exchange the present and the pinned numbers."""
        if self._pinned is None:
            return
        before, request, current = self._numbers(), self._pinned.request, self.board.outcome
        self._history.remember(before)
        settings = {name: getattr(request, name) for name in self._settings if name not in COMMON}
        self._pinned = current
        self._restore(Numbers(dict(request.values), settings, NO_PRESET))

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

    def _toggle_pin(self, on: bool) -> None:
        self._guarded(self.pin if on else self.unpin)

    def _show_pin(self) -> None:
        self._pin_button.put(self._pinned is not None)
        self._swap_button.disabled = self._pinned is None

    # -- parts --------------------------------------------------------------------------------

    def _build_board(self, plots, labels) -> Board:
        engine = self.engine
        states = len(engine.states) if engine.declared else None
        offered = offered_plots(engine.shape, states)
        return Board(*self._chosen_plots(offered, plots), labels)

    def _chosen_plots(self, offered: list[str], plots):
        """Return title, offered and open plots; refuse unknown ones."""
        opened = ["time"]
        if "regions" in offered:
            opened.append("regions")
        elif "phase" in offered and self.engine.declared:
            opened.append("phase")
        opened = opened if plots is None else list(plots)
        if unknown := [p for p in opened if p not in offered]:
            raise ValueError(
                f"{type(self).__name__}: plots must be among {', '.join(map(repr, offered))}; "
                f"got {unknown[0]!r}. Correct the name."
            )
        return type(self.engine.node).__name__, offered, opened

    def _build(self) -> list[widgets.Widget]:
        self._line = StatusLine()
        self._code = CodeBox(self.to_code)
        self.toolbar = self._build_toolbar()
        self.board.on_refresh = self._say
        for canvas in self.board.canvases.values():
            canvas.on_event(lambda _: self._guarded(self._cure), "action")
        right = widgets.VBox([self.board.box], layout={"flex": "1 1 420px", "min_width": "340px"})
        return [self.toolbar, wrapped([self.panel.box, right]), self._line, self._code]

    def _build_toolbar(self) -> Sheet:
        def press(label: str, tip: str, act) -> ButtonControl:
            return ButtonControl(label, tip, lambda: self._guarded(act))

        tip = "Keep these numbers dashed in the background; both see the same noise"
        self._pin_button = CheckControl("Pin", tip, False, self._toggle_pin, kind="toggle")
        self._swap_button = press("Swap", "Exchange present and pinned numbers", self.swap)
        self._swap_button.disabled = True
        self._stop_button = press("Stop", "End a run that takes long", self.stop)
        self._stop_button.disabled = True
        commands = {
            "reset": press("Reset", "Back to the numbers it was opened with", self.reset),
            "undo": press("Undo", "Take back the last change (Ctrl+Z on a slider)", self.undo),
            "redo": press("Redo", "Make it again (Ctrl+Shift+Z on a slider)", self.redo),
            "stop": self._stop_button,
            "pin": self._pin_button,
            "swap": self._swap_button,
            "code": self._code_control(),
            "export": self._export_control(),
        }
        groups = {"commands": commands, "plots": {"plots": self.board.chips}}
        return Sheet(groups, bar=True, title=self._name, on_error=self._refuse)

    # -- drawing ------------------------------------------------------------------------------

    def _shown(self, outcome: Outcome) -> None:
        super()._shown(outcome)
        self._stop_button.disabled = outcome.complete
        self._code.refresh()

    def _canvases(self) -> list[Canvas]:
        canvases = self.board.canvases
        return [canvases[n] for n in sorted(canvases, key=lambda n: n not in self.board.opened)]

    def _plots(self) -> list[Plot]:
        return self.board.plots()

    def _facts(self) -> list[tuple[str, str]]:
        facts = []
        for path, f in self.engine.fields.items():
            if f.group not in ("Connectome", "Add noise", "Stimulus"):
                text = self.controls[path].text
                facts.append((path, f"{text} {f.spec.unit}" if f.spec.dimensional else text))
        return facts + [(name, entry.text) for name, entry in self.panel.entries.items()]

    def _title(self) -> str:
        parts = []
        for path, f in self.engine.fields.items():
            value = self._values[path]
            if f.group in ("Parameters", "Coupling") and value.ndim == 0 and len(parts) < 8:
                unit = "" if f.spec.unit.is_unitless else f" {f.spec.unit}"
                parts.append(f"{f.attribute} = {show(float(value))}{unit}")
        return f"{self._name}: {', '.join(parts)}" if parts else self._name
