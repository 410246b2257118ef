"""The plots of a network: beside those of any population its connectome, synchrony and BOLD."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import numpy as np

from . import network_views as views
from .board import PLOTS, Board
from .controls import ChoiceControl, Control
from .network_views import Bold
from .plots import Plot
from .sheet import Sheet

__all__ = ["NetworkBoard"]

ACTIVITY, BOLD = "activity", "BOLD"


class NetworkBoard(Board):
    """A board that knows weights, a measured matrix and BOLD signals.

    Parameters
    ----------
    title, offered, opened, labels
        As for :class:`Board`.
    weights : callable
        Returns the weights now.
    empirical : numpy.ndarray or None
        Measured functional connectivity.
    bars : dict of str to dict of str to Control
        Controls above some of the plots.

    Attributes
    ----------
    bold : Bold or None
        What is shown as BOLD.
    stale : bool
        Whether it belongs to numbers that were changed since.
    selected : tuple of int or None
        Target and source of the connection that is edited.
    """

    titles: ClassVar[dict[str, str]] = {
        **PLOTS,
        "connectome": "Connectome",
        "fc": "FC",
        "empirical": "Empirical FC",
        "order": "Order parameter",
        "bold": "BOLD",
    }

    def __init__(
        self,
        title,
        offered,
        opened,
        labels,
        *,
        weights: Callable[[], np.ndarray],
        empirical: np.ndarray | None,
        bars: dict[str, dict[str, Control]],
    ):
        self._weights, self._empirical, self._extra = weights, empirical, bars
        self.bold: Bold | None = None
        self.stale = False
        self.selected: tuple[int, int] | None = None
        self._of = ACTIVITY
        self.fc_picker = ChoiceControl(
            "of", "What the correlations are of", ACTIVITY, self._picked_fc, [ACTIVITY, BOLD]
        )
        self.fc_picker.hidden = True
        super().__init__(title, offered, opened, labels)

    def plot(self, name: str) -> Plot | None:
        """Return what one of the plots shows, None when there is nothing."""
        if name == "connectome":
            return views.connectome(self._weights(), self.labels, self.selected)
        if name == "empirical":
            return (
                None if self._empirical is None else views.empirical(self._empirical, self.labels)
            )
        if name == "bold":
            return self.bold and views.bold_course(self.bold, self.region, self.labels)
        outcome = self._outcome
        if outcome is None or not outcome.series:
            return None
        if name == "fc":
            bold = self.bold if self._of == BOLD else None
            return views.correlations(outcome, self.heat, self.labels, self._empirical, bold)
        if name == "order":
            return views.order_parameter(outcome, self.heat, self._pinned)
        return super().plot(name)

    def show_bold(self, bold: Bold) -> None:
        """Draw BOLD signals, and the correlations of them."""
        with self._lock:
            first, self.bold, self.stale = self.bold is None, bold, False
            if first:
                self.fc_picker.hidden = False
                self.fc_picker.type(BOLD)
            self.redraw()

    def outdate(self) -> None:
        """Mark BOLD signals as those of numbers that were changed since."""
        with self._lock:
            if self.bold is None or self.stale:
                return
            self.stale = True
            self.canvases["bold"].say("These signals belong to numbers that were changed since.")

    def _build_bars(self) -> dict[str, Sheet]:
        bars = super()._build_bars()
        extra = {**self._extra, "fc": {"of": self.fc_picker}}
        more = {n: Sheet({"": rows}, bar=True) for n, rows in extra.items() if n in self.canvases}
        return {**bars, **more}

    def bar(self, name: str) -> Sheet:
        """Return the controls above a plot."""
        return self._bars[name]

    def _picked_fc(self, text: str) -> None:
        with self._lock:
            self._of = text
            self.redraw()
