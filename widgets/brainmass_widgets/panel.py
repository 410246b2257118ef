"""The controls of a widget: a slider for every number of the model, and the settings of a run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import brainunit as u
import ipywidgets as widgets
import numpy as np

from .controls import ChoiceControl, Control, NoteControl, TextControl
from .engine import STIMULI, Engine
from .numbers import NumberControl
from .quantities import parse, show
from .sheet import Sheet

__all__ = ["NO_PRESET", "Panel"]

METHODS = ("heun", "rk4", "exp_euler", "euler")

NO_PRESET = "–"
"""What the list of presets shows once a number was changed."""

_OPEN_AT_FIRST = ("", "Parameters", "Coupling", "Noise", "Run")

_ORDER = ("", "Coupling", "Parameters", "Noise", "Add noise", "Constant input", "Stimulus")

_TIPS = {
    "duration": "Simulated time, for example 200 ms or 2 s",
    "dt": "Integration step; a new one compiles once",
    "transient": "Leading time that is not shown",
    "seed": "Seed of noise and random initial values",
    "seeds": "How many seeds to run together; more than one gives bands from 5 to 95 %",
    "method": "Integration method; a new one compiles once",
    "stimulus": "What enters from outside, on top of the constant input",
    "inlet": "Where the stimulus enters",
}
_LABELS = {"method": "integrator"}
_TIMES = ("duration", "dt", "transient")
_WHOLE = {"seed": 0, "seeds": 1}


class Panel:
    """Controls in groups that fold.

    Parameters
    ----------
    engine : Engine
        Whose fields get controls.
    values : dict of str to numpy.ndarray
        Their values.
    settings : dict
        Duration, dt and transient in ms, seed, seeds, method, stimulus and inlet.
    labels : sequence of str
        Names of the regions.
    presets : dict of str to str
        Names of the presets, with what they show and where that was published.
    on_value : callable
        ``on_value(path, value, gesture)`` after the user moved a control; the gesture is the same
        for all of one movement, and None where there is none.
    on_setting : callable
        ``on_setting(name, value)`` after the user changed a setting; raises ``ValueError`` to
        refuse it.
    on_region : callable
        ``on_region(index)`` after the user picked a region, None for all.
    on_preset : callable
        ``on_preset(name)`` after the user picked a preset.
    on_error : callable
        ``on_error(sentence)`` when an entry was refused.
    on_undo : callable
        ``on_undo('undo')`` or ``on_undo('redo')`` after that key.
    busy : callable, optional
        Whether a picture is on its way that matters more than answers; see :class:`Sheet`.

    Attributes
    ----------
    box : ipywidgets.Widget
        The whole panel.
    sheet : Sheet
        The rows in it.
    controls : dict of str to NumberControl
        One for each field.
    entries : dict of str to Control
        The settings of the run.
    region_picker, preset_picker : ChoiceControl or None
        Which region the controls set, and which preset was taken.
    """

    def __init__(
        self,
        engine: Engine,
        values: dict[str, np.ndarray],
        settings: dict[str, Any],
        labels: Sequence[str],
        presets: dict[str, str],
        *,
        on_value: Callable[[str, np.ndarray, Any], None],
        on_setting: Callable[[str, Any], None],
        on_region: Callable[[int | None], None],
        on_preset: Callable[[str], None],
        on_error: Callable[[str], None],
        on_undo: Callable[[str], None],
        busy: Callable[[], bool] = lambda: False,
    ):
        self._engine = engine
        self._on_value, self._on_setting = on_value, on_setting
        self._on_region, self._on_preset, self._on_error = on_region, on_preset, on_error
        self._settings = dict(settings)
        self.controls: dict[str, NumberControl] = {
            path: NumberControl(
                f.spec,
                values[path],
                name=f.label,
                on_change=lambda control, path=path: self._on_value(
                    path, control.value, control.gesture
                ),
                check=f.check,
                on_error=on_error,
            )
            for path, f in engine.fields.items()
            if f.group != "Connectome"
        }
        self.region_picker = self._build_region_picker(labels)
        self._presets = presets
        self.preset_picker = self._build_preset_picker(list(presets))
        self.preset_note = NoteControl()
        self.entries: dict[str, Any] = {
            name: self._build_entry(name) for name in _TIPS if self._applies(name)
        }
        self._show_stimulus()
        self.sheet = Sheet(
            self._groups(), opened=_OPEN_AT_FIRST, on_undo=on_undo, on_error=on_error, busy=busy
        )
        self.box = widgets.VBox(
            [self.sheet],
            layout={
                "flex": "0 1 340px",
                "min_width": "300px",
                "max_height": "640px",
                "overflow": "hidden auto",
                "padding": "0 8px 0 0",
            },
        )

    def show(
        self,
        values: dict[str, np.ndarray],
        settings: dict[str, Any],
        region: int | None,
        preset: str = NO_PRESET,
    ) -> None:
        """Let every control show what is set, without telling anyone."""
        self._settings = dict(settings)
        with self.sheet.holding():
            for path, control in self.controls.items():
                control.put(values[path])
            for name, entry in self.entries.items():
                entry.put(self._written(name))
            if self.region_picker is not None:
                options = self.region_picker.options
                self.region_picker.put(options[0 if region is None else region + 1])
            self.show_preset(preset)
            self._show_stimulus()
            self.select(region)

    def show_preset(self, preset: str = NO_PRESET) -> None:
        """Show which preset was taken, or that a number was changed since."""
        if self.preset_picker is not None:
            self.preset_picker.put(preset)
            self.preset_note.put(self._presets.get(preset, ""))

    def select(self, region: int | None) -> None:
        """Let the controls act on one region, or on all."""
        shape = self._engine.shape
        index = None
        if region is not None:
            index = tuple(int(i) for i in np.unravel_index(region, shape))
        with self.sheet.holding():
            for path, control in self.controls.items():
                own = self._engine.fields[path].shape == shape
                control.select(index if own else None, shape)

    # -- parts --------------------------------------------------------------------------------

    def _groups(self) -> dict[str, dict[str, Control]]:
        groups: dict[str, dict[str, Control]] = {name: {} for name in _ORDER}
        pickers: dict[str, Control | None] = {
            "preset": self.preset_picker,
            "preset_note": self.preset_note if self._presets else None,
            "region": self.region_picker,
        }
        groups[""] = {name: picker for name, picker in pickers.items() if picker is not None}
        entries = dict(self.entries)
        for name in ("stimulus", "inlet"):
            if name in entries:
                groups["Stimulus"][name] = entries.pop(name)
        for path, control in self.controls.items():
            groups.setdefault(self._engine.fields[path].group, {})[path] = control
        groups["Run"] = entries
        return {name: rows for name, rows in groups.items() if rows}

    def _applies(self, name: str) -> bool:
        """Whether the model has such a setting."""
        if name == "method":
            return self._engine.declared
        stimuli = any(path.startswith("stimulus.") for path in self._engine.fields)
        if name == "inlet":
            return stimuli and len(self._engine.node.declaration.ports) > 1
        return stimuli if name == "stimulus" else True

    def _build_region_picker(self, labels) -> ChoiceControl | None:
        shape = self._engine.shape
        count = int(np.prod(shape)) if shape else 1
        if count < 2:
            return None
        names = [f"{k} {labels[k]}" if k < len(labels) else str(k) for k in range(count)]
        options = ["all regions", *names]
        tip = "The region that the sliders set and the plots show"

        def picked(text: str) -> None:
            region = options.index(text) - 1
            self.select(None if region < 0 else region)
            self._on_region(None if region < 0 else region)

        return ChoiceControl("Region", tip, options[0], picked, options)

    def _build_preset_picker(self, presets: Sequence[str]) -> ChoiceControl | None:
        if not presets:
            return None
        tip = "Published regimes of this model: parameters, inputs and initial values"

        def picked(text: str) -> None:
            if text != NO_PRESET:
                self._on_preset(text)

        return ChoiceControl("Preset", tip, NO_PRESET, picked, [NO_PRESET, *presets])

    def _build_entry(self, name: str) -> TextControl:
        label, tip, text = _LABELS.get(name, name), _TIPS[name], self._written(name)

        def entered(typed: str) -> str:
            self._enter(name, typed)
            return self._written(name)

        if name == "method":
            options = METHODS if text in METHODS else (*METHODS, text)
        elif name == "stimulus":
            options = tuple(STIMULI)
        elif name == "inlet":
            options = tuple(self._engine.node.declaration.ports)
        else:
            return TextControl(label, tip, text, entered, self._on_error)
        return ChoiceControl(label, tip, text, entered, options, self._on_error)

    def _written(self, name: str) -> str:
        value = self._settings[name]
        return f"{show(value)} ms" if name in _TIMES else str(value)

    def _show_stimulus(self) -> None:
        """Show the numbers that the chosen stimulus takes, and the height in its inlet's unit."""
        kind, inlet = self._settings["stimulus"], self._settings["inlet"]
        for path, control in self.controls.items():
            if path.startswith("stimulus."):
                name = path.rpartition(".")[2]
                own = name != "amplitude" or path == f"stimulus.{inlet}.amplitude"
                control.hidden = not (own and name in STIMULI[kind])
        if "inlet" in self.entries:
            self.entries["inlet"].hidden = kind == "none"

    # -- reactions ----------------------------------------------------------------------------

    def _enter(self, name: str, text: str) -> None:
        """Read an entry; raise ``ValueError`` to refuse it."""
        if name in _TIMES:
            value: Any = parse(text, u.ms)
        else:
            value = _whole(name, text) if name in _WHOLE else text
        if value == self._settings[name]:
            return
        self._on_setting(name, value)
        self._settings[name] = value
        if name in ("stimulus", "inlet"):
            with self.sheet.holding():
                self._show_stimulus()


def _whole(name: str, text: str) -> int:
    least = _WHOLE[name]
    try:
        value = int(text)
    except ValueError:
        value = least - 1
    if value < least:
        raise ValueError(
            f"{name} must be a whole number, at least {least}; got '{text}'. Type {least + 1}."
        )
    return value
