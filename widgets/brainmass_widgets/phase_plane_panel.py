"""The controls of a phase plane: axes, parameters, inputs, starts and the run of trajectories."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import brainunit as u
import ipywidgets as widgets
import numpy as np

from .controls import ChoiceControl, Control, TextControl
from .numbers import NumberControl
from .phase_plane_engine import PlaneEngine
from .quantities import parse, show
from .sheet import Sheet

__all__ = ["FOLLOW", "PlanePanel"]

FOLLOW = "the slider I move"
"""Choice of the parameter of the diagram: that of the slider that moved last."""

OTHERS = {"follow (quasi-steady)": "quasi-steady", "stay where they are": "held"}

_TIPS = {
    "duration": "Simulated time of a trajectory, for example 200 ms or 2 s",
    "dt": "Integration step of trajectories",
}


class PlanePanel:
    """Controls in groups that fold.

    Parameters
    ----------
    engine : PlaneEngine
        Whose numbers get sliders.
    settings : dict
        What is set, as for :class:`~brainmass_widgets.phase_plane_engine.PlaneRequest`, and
        ``'along'``, the number of the diagram, with ``'follow'``.
    on_value : callable
        ``on_value(path, number, gesture)`` after a slider moved; the gesture is the same for
        what belongs to one movement of the hand.
    on_rest : callable
        ``on_rest(state, number, gesture)`` after the value of a state that is on no axis changed.
    on_setting : callable
        ``on_setting(**changes)`` after something else changed; raises ``ValueError`` to refuse it.
    on_start : callable
        ``on_start(x, y)`` after a start was typed.
    on_error, on_undo : callable
        As for :class:`~brainmass_widgets.sheet.Sheet`.

    Attributes
    ----------
    box : ipywidgets.Widget
        The whole panel.
    controls : dict of str to NumberControl
        The sliders of parameters and inputs.
    """

    def __init__(
        self,
        engine: PlaneEngine,
        settings: dict[str, Any],
        *,
        on_value: Callable[[str, float, Any], None],
        on_rest: Callable[[str, float, Any], None],
        on_setting: Callable[..., None],
        on_start: Callable[[float, float], None],
        on_error: Callable[[str], None],
        on_undo: Callable[[str], None],
    ):
        self._engine, self._settings = engine, settings
        self._on_setting, self._on_start = on_setting, on_start
        self.controls: dict[str, NumberControl] = {
            path: NumberControl(
                f.spec,
                settings["values"][path],
                name=f.name,
                on_change=lambda control, path=path: on_value(
                    path, float(control.value), control.gesture
                ),
                check=lambda value, path=path: engine.check(path, float(value)),
                on_error=on_error,
            )
            for path, f in engine.fields.items()
        }
        self.rest = {
            name: self._rest(name, spec, on_rest, on_error) for name, spec in engine.states.items()
        }
        self.entries = self._build_entries(on_error)
        self.sheet = Sheet(self._groups(), on_undo=on_undo, on_error=on_error)
        self._show_axes()
        self.box = widgets.VBox(
            [self.sheet],
            layout={
                "flex": "0 1 340px",
                "min_width": "300px",
                "max_height": "760px",
                "overflow": "hidden auto",
                "padding": "0 8px 0 0",
            },
        )

    def show(self, settings: dict[str, Any]) -> None:
        """Let every control show what is set, without telling anyone."""
        self._settings = settings
        with self.sheet.holding():
            for path, control in self.controls.items():
                control.put(settings["values"][path])
            for name, value in settings["rest"].items():
                self.rest[name].put(value)
            for name, entry in self.entries.items():
                if name != "start":
                    entry.put(self._written(name))
            self._show_axes()

    def span(self, path: str) -> tuple[float, float]:
        """Return the range of a slider."""
        lo, hi = self.controls[path].range
        return float(lo), float(hi)

    # -- parts --------------------------------------------------------------------------------

    def _rest(self, name: str, spec: Any, on_rest, on_error) -> NumberControl:
        lo, hi = self._settings["windows"][name]
        value = self._settings["rest"].get(name, min(max(self._engine.begin[name], lo), hi))
        control = NumberControl(
            spec,
            value,
            name=name,
            on_change=lambda control: on_rest(name, float(control.value), control.gesture),
            on_error=on_error,
        )
        control.widen(lo, hi)
        return control

    def _groups(self) -> dict[str, dict[str, Control]]:
        groups: dict[str, dict[str, Control]] = {"Plane": {}, "Parameters": {}}
        for name in ("across", "up", "others", "along"):
            if name in self.entries:
                groups["Plane"][name] = self.entries[name]
        for path, control in self.controls.items():
            groups.setdefault(self._engine.fields[path].group, {})[path] = control
        if len(self.rest) > 2:
            groups["Other states"] = {f"rest.{name}": c for name, c in self.rest.items()}
        groups["Trajectories"] = {n: self.entries[n] for n in ("start", "duration", "dt")}
        return {name: rows for name, rows in groups.items() if rows}

    def _build_entries(self, on_error) -> dict[str, TextControl]:
        states = list(self._engine.states)

        def choice(name: str, label: str, tip: str, options) -> ChoiceControl:
            def picked(text: str) -> str:
                self._pick(name, text)
                return self._written(name)

            return ChoiceControl(label, tip, self._written(name), picked, options, on_error)

        entries: dict[str, TextControl] = {}
        if len(states) > 2:
            entries["across"] = choice(
                "across", "across", "State along the horizontal axis", states
            )
            entries["up"] = choice("up", "up", "State along the vertical axis", states)
            tip = (
                "What the states do that are on no axis: rest where their own rates vanish, or stay"
            )
            entries["others"] = choice("others", "other states", tip, list(OTHERS))
        tip = "The parameter of the bifurcation diagram"
        options = [FOLLOW, *(f.name for f in self._engine.fields.values())]
        entries["along"] = choice("along", "diagram along", tip, options)
        tip = "Type where a trajectory is to start, for example 0.5, 0.2; or click into the plane"
        entries["start"] = TextControl("start at", tip, "", self._type_start, on_error)
        for name in _TIPS:

            def entered(text: str, name=name) -> str:
                self._on_setting(**{name: parse(text, u.ms)})
                return self._written(name)

            entries[name] = TextControl(name, _TIPS[name], self._written(name), entered, on_error)
        return entries

    def _written(self, name: str) -> str:
        settings = self._settings
        if name in _TIPS:
            return f"{show(settings[name])} ms"
        if name in ("across", "up"):
            return settings["axes"][name == "up"]
        if name == "others":
            return next(text for text, kind in OTHERS.items() if kind == settings["others"])
        return FOLLOW if settings["follow"] else self._engine.fields[settings["along"]].name

    def _show_axes(self) -> None:
        """Show sliders for the states that are on no axis."""
        if len(self.rest) > 2:
            for name, control in self.rest.items():
                control.hidden = name in self._settings["axes"]

    # -- reactions ----------------------------------------------------------------------------

    def _pick(self, name: str, text: str) -> None:
        if name == "others":
            self._on_setting(others=OTHERS[text])
        elif name == "along":
            paths = {f.name: path for path, f in self._engine.fields.items()}
            along = paths.get(text, self._settings["along"])
            self._on_setting(follow=text == FOLLOW, along=along)
        else:
            axes = list(self._settings["axes"])
            place = int(name == "up")
            if text == axes[1 - place]:
                axes.reverse()
            axes[place] = text
            self._on_setting(axes=tuple(axes))

    def _type_start(self, text: str) -> str:
        if not text.strip():
            return ""
        parts = text.split(",")
        axes = self._settings["axes"]
        if len(parts) != 2:
            raise ValueError(
                f"A start must be two values, of {axes[0]} and {axes[1]}, with a comma between "
                f"them; got '{text}'. Type for example 0.5, 0.2."
            )
        values = [
            parse(part, self._engine.states[name].unit)
            for part, name in zip(parts, axes, strict=True)
        ]
        self._on_start(*values)
        return ""


def rounded(value: float, width: float) -> float:
    """Return a clicked value with the digits that a pixel tells."""
    digits = int(max(0, 3 - np.floor(np.log10(width)))) if width > 0 else 6
    return float(round(value, digits))
