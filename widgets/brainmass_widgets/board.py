"""The plots of a widget: which are open, which signals they show, and what was pinned."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import ipywidgets as widgets
import numpy as np

from . import views
from .canvas import Canvas
from .engine import Outcome
from .plots import Lines, Plot

__all__ = ["PLOTS", "Board"]

PLOTS = {
    "time": "Time course",
    "regions": "Regions",
    "phase": "Phase portrait",
    "spectrum": "Spectrum",
    "connectome": "Connectome",
    "fc": "FC",
}

_BUTTON = {"width": "auto", "margin": "2px"}


class Board:
    """Canvases with their pickers, and the toggles that open and close them.

    Parameters
    ----------
    title : str
        What is simulated, for screen readers.
    offered : list of str
        Which plots can be opened.
    opened : list of str
        Which are open at first.
    labels : sequence of str, optional
        Names of the regions.
    on_refresh : callable, optional
        Called after a picker changed what is shown.
    weights : callable, optional
        Returns the weights of a network, for its connectome.

    Attributes
    ----------
    canvases : dict of str to Canvas
        One for each plot.
    box : ipywidgets.Widget
        All plots with their pickers.
    toggles : dict of str to ipywidgets.ToggleButton
        Open and close the plots.
    """

    def __init__(
        self,
        title: str,
        offered: list[str],
        opened: list[str],
        labels=(),
        on_refresh: Callable[[], None] = lambda: None,
        weights: Callable[[], np.ndarray] | None = None,
    ):
        self._lock = threading.RLock()
        self._quiet = False
        self._on_refresh, self._weights = on_refresh, weights
        self._outcome: Outcome | None = None
        self._pinned: Outcome | None = None
        self.labels = tuple(labels)
        self.opened = [p for p in PLOTS if p in opened]
        self.signals: list[str] = []
        self.phase: list[str] = []
        self.heat = ""
        self.region: int | None = None
        self.canvases = {name: Canvas(280, f"{PLOTS[name]} of {title}") for name in offered}
        self.toggles = {name: self._toggle(name) for name in offered}
        self.signal_buttons: dict[str, widgets.ToggleButton] = {}
        self.phase_pickers: list[widgets.Dropdown] = []
        self.heat_picker: widgets.Dropdown | None = None
        self._rows = {name: widgets.HBox(layout={"flex_flow": "row wrap"}) for name in PLOTS}
        self._cells = {
            name: widgets.VBox(
                [self._rows[name], canvas], layout={"min_width": "270px", "overflow": "visible"}
            )
            for name, canvas in self.canvases.items()
        }
        self.box = widgets.HBox(
            list(self._cells.values()), layout={"flex_flow": "row wrap", "overflow": "visible"}
        )
        self._place()

    # -- what is shown ------------------------------------------------------------------------

    @property
    def outcome(self) -> Outcome | None:
        """The run that is shown."""
        return self._outcome

    @property
    def pinned(self) -> Outcome | None:
        """The run that is kept in the background."""
        return self._pinned

    @pinned.setter
    def pinned(self, outcome: Outcome | None) -> None:
        with self._lock:
            self._pinned = outcome
            self.redraw()

    @property
    def view(self) -> dict[str, Any]:
        """What is open and chosen, as plain JSON."""
        with self._lock:
            return {
                "plots": list(self.opened),
                "signals": list(self.signals),
                "phase": list(self.phase),
                "regions": self.heat,
                "region": self.region,
            }

    @view.setter
    def view(self, view: dict[str, Any]) -> None:
        with self._lock:
            self.opened = [p for p in PLOTS if p in view.get("plots", self.opened)]
            self.signals = list(view.get("signals", self.signals))
            self.phase = list(view.get("phase", self.phase))
            self.heat = str(view.get("regions", self.heat))
            self.region = view.get("region", self.region)
            if self._outcome is not None:
                self._choose(list(self._outcome.series))
            self._refresh_pickers()
            self._place()
            self.redraw()

    def show(self, outcome: Outcome) -> None:
        """Draw a run.

        Parameters
        ----------
        outcome : Outcome
            The run.
        """
        with self._lock:
            names = list(outcome.series)
            known = self._outcome is not None and list(self._outcome.series) == names
            self._outcome = outcome
            if not known:
                self._choose(names)
                self._build_pickers(names)
            self.redraw()

    def plot(self, name: str) -> Plot | None:
        """Return what one of the plots shows, None when there is nothing."""
        outcome, region = self._outcome, self.region
        if outcome is None or not outcome.series:
            return None
        if name == "time":
            return views.time_course(outcome, self.signals, region, self._pinned, self.labels)
        if name == "spectrum":
            return views.spectrum(outcome, self.signals, region, self.labels)
        if name == "regions":
            return views.heat_map(outcome, self.heat, self.labels)
        if name == "fc":
            return views.correlations(outcome, self.heat, self.labels)
        if name == "connectome":
            return None if self._weights is None else views.connectome(self._weights(), self.labels)
        if len(self.phase) < 2:
            return None
        return views.phase_portrait(
            outcome, self.phase[0], self.phase[1], region, self._pinned, self.labels
        )

    def plots(self) -> list[Plot]:
        """Return what the open plots show."""
        with self._lock:
            return [p for name in self.opened if (p := self.plot(name)) is not None]

    def redraw(self) -> None:
        """Send the open plots to the browser."""
        with self._lock:
            for name in self.opened:
                plot = self.plot(name)
                if plot is None:
                    continue
                if isinstance(plot, Lines):
                    self.canvases[name].height = 160 + 120 * max(1, len(plot.panels))
                self.canvases[name].show(plot)

    def say(self, text: str, level: str) -> None:
        """Show a sentence on the first open plot."""
        with self._lock:
            first = self.opened[0] if self.opened else ""
            for name, canvas in self.canvases.items():
                canvas.say(*((text, level) if name == first else ()))

    # -- parts --------------------------------------------------------------------------------

    def _toggle(self, name: str) -> widgets.ToggleButton:
        toggle = widgets.ToggleButton(
            value=name in self.opened,
            description=PLOTS[name],
            tooltip=f"Show or hide: {PLOTS[name].lower()}",
            layout=_BUTTON,
        )
        toggle.observe(lambda change: self._open(name, change["new"]), "value")
        return toggle

    def _place(self) -> None:
        """Lay the open plots out: side by side, or with the heat map below the time course."""
        stacked = "regions" in self.opened
        flex = {"time": "3 1 400px", "regions": "1 1 100%"}
        for name, cell in self._cells.items():
            cell.layout.display = "" if name in self.opened else "none"
            cell.layout.flex = flex.get(name, "1 1 280px")
        if stacked:
            self._cells["time"].layout.flex = "1 1 100%"
            for name in ("time", "regions"):
                self.canvases[name].margins = [64, 88]  # so that their time axes line up
        else:
            self.canvases["time"].margins = [0, 0]

    def _choose(self, names: list[str]) -> None:
        """Choose what to show first among the signals of a run."""
        assert self._outcome is not None
        if not names:
            return
        self.signals = [s for s in self.signals if s in names]
        self.signals = self.signals or views.default_signals(self._outcome.series)
        pair = [s for s in self.phase if s in names]
        self.phase = pair if len(pair) == 2 else names[:2]
        self.heat = self.heat if self.heat in names else self.signals[0]

    def _build_pickers(self, names: list[str]) -> None:
        self.signal_buttons = {}
        if len(names) > len(self.signals):  # else the legend can hide what is not wanted
            for name in names:
                toggle = widgets.ToggleButton(
                    value=name in self.signals,
                    description=name,
                    tooltip=f"Show or hide {name}",
                    layout={"width": "auto", "min_width": "34px", "margin": "1px"},
                )
                toggle.add_class("brainmass-signal")
                toggle.observe(lambda change: self._picked(), "value")
                self.signal_buttons[name] = toggle
        self._rows["time"].children = list(self.signal_buttons.values())

        def dropdown(label: str, value: str, tip: str) -> widgets.Dropdown:
            made = widgets.Dropdown(
                options=names,
                value=value,
                description=label,
                tooltip=tip,
                style={"description_width": "auto"},
                layout={"width": "auto", "margin": "1px 6px"},
            )
            made.observe(lambda change: self._picked(), "value")
            return made

        self.phase_pickers = []
        if len(names) > 2:
            self.phase_pickers = [
                dropdown("across", self.phase[0], "Horizontal axis"),
                dropdown("up", self.phase[1], "Vertical axis"),
            ]
        self._rows["phase"].children = self.phase_pickers
        self.heat_picker = None
        if len(names) > 1:
            self.heat_picker = dropdown("signal", self.heat, "Signal shown as colour")
            self._rows["regions"].children = [self.heat_picker]

    def _refresh_pickers(self) -> None:
        """Let the pickers show what is chosen, without answering themselves."""
        self._quiet = True
        try:
            for name, toggle in self.toggles.items():
                toggle.value = name in self.opened
            for name, button in self.signal_buttons.items():
                button.value = name in self.signals
            for picker, name in zip(self.phase_pickers, self.phase, strict=False):
                picker.value = name
            if self.heat_picker is not None:
                self.heat_picker.value = self.heat
        finally:
            self._quiet = False

    # -- reactions ----------------------------------------------------------------------------

    def _open(self, name: str, shown: bool) -> None:
        with self._lock:
            if self._quiet:
                return
            self.opened = [p for p in PLOTS if p in self.opened or p == name]
            if not shown:
                self.opened.remove(name)
            self._place()
            self.redraw()
        self._on_refresh()

    def _picked(self) -> None:
        with self._lock:
            if self._quiet:
                return
            chosen = [n for n, b in self.signal_buttons.items() if b.value]
            self.signals = chosen or self.signals
            if self.phase_pickers:
                self.phase = [str(picker.value) for picker in self.phase_pickers]
            if self.heat_picker is not None:
                self.heat = str(self.heat_picker.value)
            self._refresh_pickers()
            self.redraw()
        self._on_refresh()


def offered_plots(shape: tuple[int, ...], states: int | None, network: bool) -> list[str]:
    """Return the plots that make sense for a population; ``states`` is None when unknown."""
    regions = int(np.prod(shape)) if shape else 1
    out = ["time"]
    if regions > 1:
        out.append("regions")
    if states is None or states > 1:
        out.append("phase")
    out.append("spectrum")
    return [*out, "connectome", "fc"] if network else out
