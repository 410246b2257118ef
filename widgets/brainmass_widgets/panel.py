"""The controls of a widget: a slider for every number of the model, and the settings of a run."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import brainunit as u
import ipywidgets as widgets
import numpy as np

from .controls import LABEL_WIDTH, ParameterControl, control_for
from .engine import Engine
from .quantities import parse, show

__all__ = ["Panel"]

METHODS = ("heun", "rk4", "exp_euler", "euler")

_OPEN_AT_FIRST = ("Parameters", "Coupling", "Noise", "Run")

_TIPS = {
    "duration": "Simulated time, for example 200 ms or 2 s",
    "dt": "Integration step; a new one compiles once",
    "transient": "Leading time that is not shown",
    "seed": "Seed of noise and random initial values",
    "method": "Integration method; a new one compiles once",
}


class Panel:
    """Controls in groups that fold.

    Parameters
    ----------
    engine : Engine
        Whose fields get controls.
    values : dict of str to numpy.ndarray
        Their values.
    settings : dict
        Duration, dt and transient in ms, seed and method.
    labels : sequence of str
        Names of the regions.
    on_value : callable
        ``on_value(path, value)`` after the user moved a control.
    on_setting : callable
        ``on_setting(name, value)`` after the user changed a setting; raises ``ValueError`` to
        refuse it.
    on_region : callable
        ``on_region(index)`` after the user picked a region, None for all.
    on_error : callable
        ``on_error(sentence)`` when an entry was refused.

    Attributes
    ----------
    box : ipywidgets.Widget
        The whole panel.
    controls : dict of str to ParameterControl
        One for each field.
    entries : dict of str to ipywidgets.Widget
        The settings of the run.
    region_picker : ipywidgets.Dropdown or None
        Which region the controls set.
    headings : dict of str to ipywidgets.ToggleButton
        Fold and unfold the groups.
    """

    def __init__(
        self,
        engine: Engine,
        values: dict[str, np.ndarray],
        settings: dict[str, Any],
        labels,
        *,
        on_value: Callable[[str, np.ndarray], None],
        on_setting: Callable[[str, Any], None],
        on_region: Callable[[int | None], None],
        on_error: Callable[[str], None],
    ):
        self._lock = threading.RLock()
        self._quiet = False
        self._engine = engine
        self._on_value, self._on_setting = on_value, on_setting
        self._on_region, self._on_error = on_region, on_error
        self._settings = dict(settings)
        self.controls: dict[str, ParameterControl] = {
            path: control_for(
                f.spec,
                values[path],
                name=f.label,
                on_change=lambda control, path=path: self._on_value(path, control.value),
                check=f.check,
                on_error=on_error,
            )
            for path, f in engine.fields.items()
        }
        self.region_picker = self._build_region_picker(labels)
        self.entries: dict[str, Any] = {name: self._build_entry(name) for name in _TIPS}
        if not engine.declared:
            del self.entries["method"]
        self.headings: dict[str, widgets.ToggleButton] = {}
        self.box = widgets.VBox(
            self._build(),
            layout={
                "flex": "0 1 350px",
                "min_width": "310px",
                "max_height": "640px",
                "overflow": "hidden auto",
                "padding": "0 6px 0 0",
            },
        )

    def show(
        self, values: dict[str, np.ndarray], settings: dict[str, Any], region: int | None
    ) -> None:
        """Let every control show what is set, without telling anyone."""
        with self._lock:
            self._settings = dict(settings)
            self._quiet = True
            try:
                for path, control in self.controls.items():
                    control.put(values[path])
                for name, entry in self.entries.items():
                    entry.value = self._written(name)
                if self.region_picker is not None:
                    self.region_picker.value = -1 if region is None else region
            finally:
                self._quiet = False
            self.select(region)

    def select(self, region: int | None) -> None:
        """Let the controls act on one region, or on all."""
        shape = self._engine.shape
        index = None
        if region is not None:
            index = tuple(int(i) for i in np.unravel_index(region, shape))
        for path, control in self.controls.items():
            own = self._engine.fields[path].shape == shape
            control.select(index if own else None, shape)

    # -- parts --------------------------------------------------------------------------------

    def _build(self) -> list[widgets.Widget]:
        groups: dict[str, list[widgets.Widget]] = {}
        for path, f in self._engine.fields.items():
            groups.setdefault(f.group, []).append(self.controls[path])
        groups["Run"] = list(self.entries.values())
        parts: list[widgets.Widget] = []
        if self.region_picker is not None:
            parts.append(self.region_picker)
        for title, rows in groups.items():
            parts += self._group(title, rows)
        return parts

    def _group(self, title: str, rows: list[widgets.Widget]) -> list[widgets.Widget]:
        box = widgets.VBox(rows, layout={"width": "100%", "overflow": "visible"})
        heading = widgets.ToggleButton(
            value=title in _OPEN_AT_FIRST,
            description=title,
            tooltip=f"Show or hide: {title.lower()}",
            layout={"width": "100%", "margin": "4px 0 2px 0"},
        )
        heading.add_class("brainmass-heading")

        def fold(change=None):
            heading.icon = "caret-down" if heading.value else "caret-right"
            box.layout.display = "" if heading.value else "none"

        heading.observe(fold, "value")
        fold()
        self.headings[title] = heading
        return [heading, box]

    def _build_region_picker(self, labels) -> widgets.Dropdown | None:
        shape = self._engine.shape
        count = int(np.prod(shape)) if shape else 1
        if count < 2:
            return None
        names = [f"{k} {labels[k]}" if k < len(labels) else str(k) for k in range(count)]
        options = [("all regions", -1), *zip(names, range(count), strict=True)]
        picker = widgets.Dropdown(
            options=options,
            value=-1,
            description="Region",
            tooltip="The region that the sliders set and the plots show",
            style={"description_width": LABEL_WIDTH},
            layout={"width": "100%"},
        )
        picker.observe(lambda change: self._picked(change["new"]), "value")
        return picker

    def _build_entry(self, name: str) -> widgets.Widget:
        look = {
            "tooltip": _TIPS[name],
            "style": {"description_width": LABEL_WIDTH},
            "layout": {"width": "100%"},
        }
        if name == "method":
            current = self._settings["method"]
            known = METHODS if current in (*METHODS, None) else (*METHODS, current)
            entry = widgets.Dropdown(
                options=known, value=current or METHODS[0], description="integrator", **look
            )
        else:
            entry = widgets.Text(
                value=self._written(name), description=name, continuous_update=False, **look
            )
        entry.observe(lambda change: self._entered(name, change["new"]), "value")
        return entry

    def _written(self, name: str) -> str:
        value = self._settings[name]
        return str(value) if name in ("seed", "method") else f"{show(value)} ms"

    # -- reactions ----------------------------------------------------------------------------

    def _picked(self, region: int) -> None:
        with self._lock:
            if self._quiet:
                return
        chosen = None if region < 0 else region
        self.select(chosen)
        self._on_region(chosen)

    def _entered(self, name: str, text: str) -> None:
        with self._lock:
            if self._quiet:
                return
        try:
            if name == "seed":
                value: Any = _whole(text)
            else:
                value = text if name == "method" else parse(text, u.ms)
            if value != self._settings[name]:
                self._on_setting(name, value)
                self._settings[name] = value
        except ValueError as error:
            self._on_error(str(error))
        with self._lock:
            self._quiet = True
            try:
                self.entries[name].value = self._written(name)
            finally:
                self._quiet = False


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"seed must be a whole number; got '{text}'. Type 1.") from None
