"""The plots of a widget: which are open, which signals they show, and what was pinned."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import ipywidgets as widgets
import numpy as np

from . import views
from .canvas import Canvas
from .controls import ChipsControl, ChoiceControl
from .engine import Outcome
from .plots import Lines, Phase, Plot
from .sheet import Sheet

__all__ = ["PLOTS", "Board"]

PLOTS = {
    "time": "Time course",
    "regions": "Regions",
    "phase": "Phase portrait",
    "spectrum": "Spectrum",
}

WIDTHS = {"time": "3 1 400px", "regions": "1 1 100%"}
"""How the plots share a row; what is not named takes a narrow place."""


class Board:
    """Canvases with their pickers.

    A subclass may offer more plots: it extends ``titles`` and :meth:`plot`.

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

    Attributes
    ----------
    canvases : dict of str to Canvas
        One for each plot.
    box : ipywidgets.Widget
        All plots with their pickers.
    chips : ChipsControl
        Opens and closes the plots.
    signal_chips : ChipsControl
        Which signals the time course and the spectrum show.
    pickers : dict of str to ChoiceControl
        The axes of the phase portrait, and the signal of the other plots.
    on_refresh : callable
        Called after something else is shown.
    """

    titles: ClassVar[dict[str, str]] = PLOTS

    def __init__(
        self,
        title: str,
        offered: Sequence[str],
        opened: Sequence[str],
        labels: Sequence[str] = (),
        on_refresh: Callable[[], None] = lambda: None,
    ):
        self._lock = threading.RLock()
        self.on_refresh = on_refresh
        self._outcome: Outcome | None = None
        self._pinned: Outcome | None = None
        self.labels = tuple(labels)
        self.opened = [p for p in self.titles if p in opened]
        self.signals: list[str] = []
        self.phase: list[str] = []
        self.heat = ""
        self.region: int | None = None
        self.canvases = {name: Canvas(280, f"{self.titles[name]} of {title}") for name in offered}
        self.chips = ChipsControl(
            "",
            "Plots",
            [self.titles[p] for p in offered],
            [self.titles[p] for p in self.opened],
            self._opened,
        )
        self._build_pickers()
        self._bars = self._build_bars()
        self._cells = {
            name: widgets.VBox(
                [*([self._bars[name]] if name in self._bars else []), canvas],
                layout={"min_width": "270px", "overflow": "visible"},
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
            wanted = view.get("plots", self.opened)
            self.opened = [p for p in self.titles if p in wanted and p in self.canvases]
            self.signals = list(view.get("signals", self.signals))
            self.phase = list(view.get("phase", self.phase))
            self.heat = str(view.get("regions", self.heat))
            self.region = view.get("region", self.region)
            if self._outcome is not None:
                self._choose(list(self._outcome.series))
            self._refresh_pickers()
            self._place()
            self.redraw()

    def show(self, outcome: Outcome, pinned: Outcome | None = None) -> None:
        """Draw a run.

        Parameters
        ----------
        outcome : Outcome
            The run.
        pinned : Outcome, optional
            A run to compare with, dashed in the background.
        """
        with self._lock:
            names = list(outcome.series)
            known = self._outcome is not None and list(self._outcome.series) == names
            self._outcome = outcome
            self._pinned = pinned
            if not known:
                self._choose(names)
                self._refresh_pickers()
            self.redraw()

    def plot(self, name: str) -> Plot | None:
        """Return what one of the plots shows, None when there is nothing."""
        outcome, region = self._outcome, self.region
        if outcome is None or not outcome.series:
            return None
        if name == "time":
            return views.time_course(outcome, self.signals, region, self._pinned, self.labels)
        if name == "spectrum":
            return views.spectrum(outcome, self.signals, region, self._pinned, self.labels)
        if name == "regions":
            return views.heat_map(outcome, self.heat, self.labels)
        if name != "phase" or len(self.phase) < 2:
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
                elif isinstance(plot, Phase):
                    self.canvases[name].height = 300
                self.canvases[name].show(plot)

    def say(self, text: str, level: str, action: str = "") -> None:
        """Show a sentence on the first open plot."""
        with self._lock:
            first = self.opened[0] if self.opened else ""
            for name, canvas in self.canvases.items():
                canvas.say(*((text, level, action) if name == first else ()))

    # -- parts --------------------------------------------------------------------------------

    def _place(self) -> None:
        """Lay the open plots out: side by side, or with the heat map below the time course."""
        stacked = "regions" in self.opened
        for name, cell in self._cells.items():
            cell.layout.display = "" if name in self.opened else "none"
            cell.layout.flex = WIDTHS.get(name, "1 1 280px")
        if stacked:
            self._cells["time"].layout.flex = "1 1 100%"
            left = round(max(64, 34 + 6.2 * max(map(len, self.labels), default=0)))
            for name in ("time", "regions"):
                self.canvases[name].margins = [left, 88]  # so that their time axes line up
        else:
            self.canvases["time"].margins = [0, 0]

    def _choose(self, names: list[str]) -> None:
        """Choose what to show first among the signals of a run."""
        if not names or self._outcome is None:
            return
        self.signals = [s for s in self.signals if s in names]
        self.signals = self.signals or views.default_signals(self._outcome.series)
        pair = [s for s in self.phase if s in names]
        self.phase = pair if len(pair) == 2 else names[:2]
        self.heat = self.heat if self.heat in names else self.signals[0]

    def _build_pickers(self) -> None:
        self.signal_chips = ChipsControl("", "Signals shown", [], [], self._picked_signals, least=1)

        def picker(name: str, label: str, tip: str) -> ChoiceControl:
            return ChoiceControl(label, tip, "", lambda text: self._picked(name, text), [])

        self.pickers = {
            "across": picker("across", "across", "Horizontal axis"),
            "up": picker("up", "up", "Vertical axis"),
            "heat": picker("heat", "signal", "Signal shown as colour"),
        }
        for control in (self.signal_chips, *self.pickers.values()):
            control.hidden = True

    def _build_bars(self) -> dict[str, Sheet]:
        """Return the pickers that stand above a plot."""
        rows = {
            "time": {"signals": self.signal_chips},
            "phase": {name: self.pickers[name] for name in ("across", "up")},
            "regions": {"heat": self.pickers["heat"]},
        }
        return {name: Sheet({"": rows[name]}, bar=True) for name in rows if name in self.canvases}

    def _refresh_pickers(self) -> None:
        """Let the pickers show what is chosen, and hide those that leave no choice."""
        names = [] if self._outcome is None else list(self._outcome.series)
        self.chips.put([self.titles[p] for p in self.opened])
        self.signal_chips.put(self.signals, names)
        # The legend hides and shows the lines of a few signals as well.
        self.signal_chips.hidden = len(names) < 2 or (len(names) < 4 and self.signals == names)
        shown = {"across": self.phase[:1], "up": self.phase[1:], "heat": [self.heat]}
        for name, picker in self.pickers.items():
            picker.options = names
            picker.hidden = len(names) < (2 if name == "heat" else 3)
            if shown[name]:
                picker.put(shown[name][0])

    # -- reactions ----------------------------------------------------------------------------

    def _opened(self, titles: list[str]) -> None:
        with self._lock:
            self.opened = [p for p in self.titles if self.titles[p] in titles]
            self._place()
            self.redraw()
        self.on_refresh()

    def _picked_signals(self, chosen: list[str]) -> None:
        with self._lock:
            self.signals = list(chosen)
            self.redraw()
        self.on_refresh()

    def _picked(self, name: str, text: str) -> None:
        with self._lock:
            if name == "heat":
                self.heat = text
            else:
                self.phase[name == "up"] = text
            self.redraw()
        self.on_refresh()


def offered_plots(shape: tuple[int, ...], states: int | None) -> list[str]:
    """Return the plots that make sense for a population; ``states`` is None when unknown."""
    regions = int(np.prod(shape)) if shape else 1
    out = ["time"]
    if regions > 1:
        out.append("regions")
    if states is None or states > 1:
        out.append("phase")
    return [*out, "spectrum"]
