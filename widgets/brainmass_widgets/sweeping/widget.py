"""A sweep to watch: a map of a model's behaviour, and the simulation behind each of its cells."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import brainunit as u
import ipywidgets as widgets

import brainmass

from ..base import wrapped
from ..canvas import Canvas
from ..controls import ChoiceControl, Control, TextControl
from ..plots import Plot
from ..quantities import parse, show
from ..settings import check_settings
from ..sheet import Sheet
from .bench import SweepBench
from .code import sweep_code
from .grid import Ramp, ramp_of
from .observables import observables_for
from .plots import point_at, sweep_plot

__all__ = ["SweepWidget"]

_NONE = "–"
_AXES = ("across", "up")
_TIMES = ("duration", "dt", "transient")


class SweepWidget(SweepBench):
    """Sweeps one or two parameters and draws one number of each run.

    The picture fills in from coarse to fine while the sweep runs in a thread. Click a cell, or a
    place on the curve, to open the simulation behind it. Points are computed several at a time on
    all cores, as by :func:`brainmass.sweep`; none of them compiles anything.

    Parameters
    ----------
    model_or_simulator : brainstate.nn.Module or brainmass.Simulator
        A ``*Step`` model, a :class:`brainmass.Network`, or a simulator of one of them. It is not
        changed.
    params : dict, optional
        One or two names of numbers, as in ``SimulatorWidget(...).controls``, with ``(low, high)``,
        ``(low, high, points)`` or None for the useful range. Default: the first two parameters.
    observable : str, default 'deviation'
        What is kept of each run: ``'mean'``, ``'deviation'``, ``'peak to peak'``, ``'largest'``,
        ``'smallest'``, ``'peak frequency'``, and of several regions ``'order parameter'``,
        ``'metastability'`` and ``'mean correlation'``.
    signal : str, optional
        Of which state; ``'output'`` is the output of the model. Default: that, or the first.
    duration, dt, transient, inputs, seed
        As for :class:`SimulatorWidget`; the same seed at every point, so that differences are
        those of the parameters.

    Attributes
    ----------
    result : dict
        Values of the swept numbers with units, and the array of what was kept, first parameter
        first; NaN where a run diverged or is not done.
    simulation : SimulatorWidget or None
        The simulation of the cell that was clicked.
    status : str
        As of :class:`FitterWidget`.
    state : dict
        Axes, observable and settings as plain JSON; assign it to restore them.

    Examples
    --------
    >>> import brainmass, brainunit as u
    >>> from brainmass_widgets import SweepWidget
    >>> node = brainmass.HopfStep(1, w=0.3, init_x=0.1)
    >>> w = SweepWidget(node, {"a": (-0.2, 0.4, 7)}, transient=100 * u.ms)
    >>> w
    SweepWidget(HopfStep, a)
    >>> w.start()
    >>> w.flush()
    >>> w.result["deviation of x"].round(1).tolist()
    [0.0, 0.0, 0.0, 0.2, 0.3, 0.4, 0.5]
    >>> w.close()
    """

    def __init__(
        self,
        model_or_simulator,
        params: dict[str, Any] | None = None,
        *,
        observable: str = "deviation",
        signal: str | None = None,
        duration=None,
        dt=None,
        transient=None,
        inputs=None,
        seed: int = 0,
    ):
        model = model_or_simulator
        if isinstance(model, brainmass.Simulator):
            model, dt = model.model, model.dt if dt is None else dt
        given = {"duration": duration, "dt": dt, "transient": transient, "seed": seed, "seeds": 1}
        self._begin(model, inputs, given, params, observable, signal)
        super().__init__(self._build())
        self._show_state("ready")
        self._redraw()

    # -- what it is ---------------------------------------------------------------------------

    def __repr__(self):
        if not hasattr(self, "ramps"):
            return "SweepWidget()"
        paths = " and ".join(ramp.path for ramp in self.ramps)
        kind = "Network of " if self.engine.network else ""
        return f"SweepWidget({kind}{type(self.engine.node).__name__}, {paths})"

    def to_code(self) -> str:
        """Return a script whose ``values`` is the array that is shown.

        Returns
        -------
        str
            Python code.
        """
        return sweep_code(self._sweep)

    # -- drawing ------------------------------------------------------------------------------

    def _plots(self) -> list[Plot]:
        sweep = self._sweep
        return [sweep_plot(sweep, self._swept, self._selected)] if sweep.done else []

    def _canvases(self) -> list[Canvas]:
        return [self.canvas]

    def _facts(self) -> list[tuple[str, str]]:
        return [(f"{name}", entry.text) for name, entry in self.entries.items()]

    def _redraw(self, more: str = "") -> None:
        with self._lock:
            if not self._open:
                return
            for plot in self._plots():
                self.canvas.show(plot)
            self._line.say(self._title() + more)
            self._code.refresh()

    def _title(self) -> str:
        sweep = self._sweep
        lost = f" · {sweep.diverged} diverged" if sweep.diverged else ""
        return f"{self.status}: {sweep.done} of {sweep.count} points{lost}"

    def _say(self, text: str = "", level: str = "info") -> None:
        self._message = (text, level)
        self.canvas.say(text, level)

    def _entries(self) -> list[Control]:
        return list(self.entries.values())

    # -- parts --------------------------------------------------------------------------------

    def _build(self) -> list[widgets.Widget]:
        self.canvas = Canvas(420, f"Sweep of {type(self.engine.node).__name__}")
        self.canvas.on_event(self._clicked, "click")
        self.toolbar = self._build_toolbar(type(self.engine.node).__name__)
        self.entries, groups = self._build_entries()
        self.panel = Sheet(groups, on_error=self._refuse)
        self._below = widgets.VBox(layout={"width": "100%"})
        left = widgets.VBox([self.panel], layout={"flex": "0 1 320px", "min_width": "290px"})
        right = widgets.VBox([self.canvas], layout={"flex": "1 1 440px", "min_width": "340px"})
        return [self.toolbar, wrapped([left, right]), self._line, self._code, self._below]

    def _build_entries(self) -> tuple[dict[str, Any], dict[str, dict[str, Control]]]:
        entries: dict[str, Any] = {}
        groups: dict[str, dict[str, Control]] = {}
        for k, axis in enumerate(_AXES):
            options = [*([_NONE] if k else []), *self._swept]
            rows: dict[str, Control] = {
                f"{axis}.path": self._choice(
                    "parameter", "What is swept", options, lambda t, k=k: self._choose_path(k, t)
                )
            }
            for end, tip in (("from", "Lowest value"), ("to", "Highest value")):
                rows[f"{axis}.{end}"] = self._text(
                    end, tip, lambda t, k=k, end=end: self._choose_end(k, end, t)
                )
            rows[f"{axis}.points"] = self._text(
                "points", "How many values", lambda t, k=k: self._choose_points(k, t)
            )
            groups[axis.capitalize()] = rows
            entries |= rows
        signals = list(self._monitors) if isinstance(self._monitors, dict) else [self._signal]
        groups["What is kept"] = {
            "observable": self._choice(
                "observable", "One number of each run", observables_for(self._regions),
                self._choose_observable,
            ),
            "signal": self._choice("of", "Of which signal", signals, self._choose_signal),
        }  # fmt: skip
        names = (*_TIMES, "seed")
        groups["Run"] = {n: self._text(n, "", lambda t, n=n: self._set(n, t)) for n in names}
        for rows in list(groups.values())[2:]:
            entries |= rows
        self.entries = entries
        self._show_choices()
        return entries, groups

    def _choice(self, label, tip, options, act) -> ChoiceControl:
        return ChoiceControl(label, tip, options[0], act, options, self._refuse)

    def _text(self, label, tip, act) -> TextControl:
        return TextControl(label, tip, "", act, self._refuse)

    def _show_choices(self) -> None:
        """Let the entries show what is chosen."""
        for k, axis in enumerate(_AXES):
            there = k < len(self.ramps)
            self.entries[f"{axis}.path"].put(self.ramps[k].path if there else _NONE)
            for name in ("from", "to", "points"):
                entry = self.entries[f"{axis}.{name}"]
                entry.hidden = not there
                if there:
                    ramp, unit = self.ramps[k], self._swept[self.ramps[k].path].spec.unit
                    text = {"from": show(ramp.lo), "to": show(ramp.hi)}.get(name, "")
                    text = f"{text} {unit}" if text and not unit.is_unitless else text
                    entry.put(text or str(ramp.points))
        self.entries["observable"].put(self._observable)
        self.entries["signal"].put(self._signal)
        for name in _TIMES:
            self.entries[name].put(f"{show(self._settings[name])} ms")
        self.entries["seed"].put(str(self._settings["seed"]))

    # -- reactions ----------------------------------------------------------------------------

    def _clicked(self, event: dict[str, Any]) -> None:
        def act():
            self.open_point(*point_at(self._sweep, event["x"], event["y"]))

        self._guarded(act)

    def _change(self, ramps: tuple[Ramp, ...] | None = None, **chosen: Any) -> None:
        """Take other axes, observable or signal."""
        self._check_idle()
        self.ramps = self.ramps if ramps is None else ramps
        self._observable = chosen.get("observable", self._observable)
        self._signal = chosen.get("signal", self._signal)
        self._renew()

    def _choose_path(self, k: int, path: str) -> None:
        rest = [ramp for i, ramp in enumerate(self.ramps) if i != k]
        if path == _NONE:
            new = rest
        elif path in (ramp.path for ramp in rest):
            raise ValueError(
                f"SweepWidget: two different numbers must be swept; got '{path}' twice. "
                "Choose another one."
            )
        else:
            f = self._field(path)
            new = [*rest[:k], ramp_of(f, None, self.engine.start[path]), *rest[k:]]
        self._change(tuple(new))
        self._show_choices()

    def _choose_end(self, k: int, end: str, text: str) -> str:
        unit = self._swept[self.ramps[k].path].spec.unit
        number = parse(text, unit)
        self._change(self._with(k, **{"lo" if end == "from" else "hi": number}))
        return show(number) if unit.is_unitless else f"{show(number)} {unit}"

    def _choose_points(self, k: int, text: str) -> str:
        try:
            points = int(text)
        except ValueError:
            points = 0
        self._change(self._with(k, points=points))
        return str(points)

    def _with(self, k: int, **changes: Any) -> tuple[Ramp, ...]:
        """Return the axes with one of them changed; a bad one is refused as it is made."""
        return (*self.ramps[:k], replace(self.ramps[k], **changes), *self.ramps[k + 1 :])

    def _choose_observable(self, text: str) -> None:
        self._change(observable=text)

    def _choose_signal(self, text: str) -> None:
        self._change(signal=text)

    def _set(self, name: str, text: str) -> str:
        self._check_idle()
        value = int(text) if name == "seed" else parse(text, u.ms)
        settings = {**self._settings, name: value}
        check_settings("SweepWidget", settings)
        self._settings = settings
        self._renew()
        return text if name == "seed" else f"{show(value)} ms"
