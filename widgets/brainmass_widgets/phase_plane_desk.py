"""What is set in a phase plane, its history, and the threads that compute what it shows."""

from __future__ import annotations

import threading
import time
from typing import Any

import ipywidgets as widgets
import numpy as np

from .base import CodeBox, Instrument, StatusLine
from .canvas import Canvas
from .history import History, Numbers
from .phase_plane_engine import Picture, PlaneEngine, PlaneRequest
from .phase_plane_panel import PlanePanel, rounded
from .phase_plane_plots import (
    LAYERS,
    describe_diagram,
    describe_plane,
    diagram_plot,
    plane_plot,
    points_table,
)
from .phase_plane_settings import PLANE, checked_settings, first_settings, to_plain
from .plots import Phase
from .worker import Latest

__all__ = ["LAYER_NAMES", "PlaneDesk"]

LAYER_NAMES = {
    "field": "Field",
    "nullclines": "Nullclines",
    "trajectories": "Trajectories",
    "diagram": "Diagram",
}

MOST_STARTS = 6
"""Trajectories that are shown; a further one takes the place of the oldest."""

_TWICE = 0.45
"""Seconds within which two clicks are one double click."""

_PAUSE = 0.5
"""Seconds for which the sliders rest before the diagram is computed anew."""

_DIVERGED = (
    "A trajectory left the finite numbers. Start it closer to the others, or take a smaller dt."
)


class PlaneDesk(Instrument):
    """Holds settings, computes plane and diagram in two threads, and draws what comes out.

    A subclass calls :meth:`_prepare` before it builds its parts, defines the parts named below,
    then calls :meth:`_submit`.
    """

    panel: PlanePanel
    _canvas: Canvas
    _strip: Canvas
    _table: widgets.HTML
    _line: StatusLine
    _code: CodeBox

    def _prepare(self, model, region: int | None, x, y, given: dict[str, Any]) -> None:
        """Read the model and what the constructor was given."""
        self._lock = threading.RLock()
        self._history = History()
        self._refusal, self._message = "", ("", "info")
        self._shown: Picture | None = None
        self._diagram: Any = None
        self._diagram_key: Any = None
        self._clicked = (0.0, 0.0, 0.0)
        self._drags = 0
        self.error: BaseException | None = None
        self.pictures = 0
        self.engine = PlaneEngine(model, region)
        self._settings = first_settings(self.engine, x, y, given)
        self._first = dict(self._settings)
        self._layers = list(LAYERS)
        self._worker = Latest(self._work, self._arrived, self._failed, name="brainmass-plane")
        answers = (self._work_diagram, self._arrived_diagram, self._failed_diagram)
        self._diagrams = Latest(*answers, name="brainmass-diagram")

    @property
    def request(self) -> PlaneRequest:
        """What is asked for."""
        with self._lock:
            return PlaneRequest(**{name: self._settings[name] for name in PLANE})

    @property
    def along(self) -> str:
        """The number along which the bifurcation diagram is."""
        return self._settings["along"]

    def flush(self, timeout: float = 120.0) -> None:
        """Wait until plane and diagram show the present sliders.

        Parameters
        ----------
        timeout : float, default 120
            Longest wait in seconds.

        Raises
        ------
        TimeoutError
            If it takes longer.
        """
        for worker in (self._worker, self._diagrams):
            if not worker.flush(timeout):
                raise TimeoutError(
                    f"PhasePlaneWidget: a picture must be there within {timeout:g} s; it is still "
                    "computing. Wait longer or shorten the trajectories."
                )

    def start(self, x: float, y: float) -> None:
        """Start a trajectory.

        Parameters
        ----------
        x, y : float
            Where, in the units of the axes. States that are on no axis start where the plane puts
            them.
        """
        for name, value in zip(self.request.axes, (x, y), strict=True):
            if not np.isfinite(value):
                raise ValueError(f"A start must be finite; got {name} = {value:g}. Type numbers.")
        begin = self.engine.settled(self.request, float(x), float(y))
        with self._lock:
            starts = (*self._settings["starts"], begin)[-MOST_STARTS:]
        self._change(starts=starts)

    def undo(self) -> None:
        """Take back the last change."""
        if (before := self._history.undo(self._numbers())) is not None:
            self._restore(before.settings)

    def redo(self) -> None:
        """Make the change again that was taken back last."""
        if (after := self._history.redo(self._numbers())) is not None:
            self._restore(after.settings)

    def _numbers(self) -> Numbers:
        with self._lock:
            return Numbers(settings=dict(self._settings))

    def _restore(self, settings: dict[str, Any]) -> None:
        with self._lock:
            self._settings = dict(settings)
        self.panel.show(self._settings)
        self._submit()

    # -- reactions of the controls ------------------------------------------------------------

    def _change(self, gesture: Any = None, **changes: Any) -> None:
        with self._lock:
            self._history.remember(self._numbers(), gesture)
            self._settings = {**self._settings, **changes}
        self.panel.show(self._settings)
        self._submit()

    def _moved(self, path: str, value: float, gesture: Any = None) -> None:
        with self._lock:
            self._history.remember(self._numbers(), None if gesture is None else (path, gesture))
            values = {**self._settings["values"], path: value}
            along = path if self._settings["follow"] else self._settings["along"]
            self._settings = {**self._settings, "values": values, "along": along}
        self._submit()

    def _moved_rest(self, name: str, value: float, gesture: Any = None) -> None:
        with self._lock:
            self._history.remember(self._numbers(), None if gesture is None else (name, gesture))
            self._settings = {**self._settings, "rest": {**self._settings["rest"], name: value}}
        self._submit()

    def _set(self, **changes: Any) -> None:
        settings = {**self._settings, **changes}
        if "axes" in changes:
            every = {n: float(self.panel.rest[n].value) for n in self.engine.states}
            settings["rest"] = {n: v for n, v in every.items() if n not in changes["axes"]}
            settings["view"] = None
            self._canvas.send({"type": "reset"})
        state = {"format": 1, "model": self.engine.name, "settings": to_plain(settings)}
        checked_settings(self.engine, state)
        self._change(**settings)

    def _choose(self, names: list[str]) -> None:
        self._layers = [layer for layer, name in LAYER_NAMES.items() if name in names]
        self._place()
        self._draw()
        self._submit()

    def _place(self) -> None:
        self._strip.layout.display = "" if "diagram" in self._layers else "none"

    def _hear(self, event: dict[str, Any]) -> None:
        """React to a click into the plane, or to another view of it."""
        self._guarded(lambda: self._click(event) if event["type"] == "click" else self._view(event))

    def _click(self, event: dict[str, Any]) -> None:
        request = self.request
        ends = [request.window[name] for name in request.axes]
        widths = [hi - lo for lo, hi in ends]
        x, y = (rounded(event[n], w) for n, w in zip("xy", widths, strict=True))
        now = time.monotonic()
        when, *place = self._clicked
        self._clicked = (now, x, y)
        moved = [abs(a - b) / w for a, b, w in zip(place, (x, y), widths, strict=True)]
        if max(moved) <= 0.01 and now - when < _TWICE:
            # A double click shows everything again; its first half started a trajectory.
            self._clicked = (0.0, x, y)
            self.undo()
            return
        self.start(x, y)

    def _view(self, event: dict[str, Any]) -> None:
        axes, windows = self._settings["axes"], self._settings["windows"]
        seen = [event[n] or windows[name] for n, name in zip("xy", axes, strict=True)]
        view = tuple((float(lo), float(hi)) for lo, hi in seen)
        whole = view == tuple(windows[name] for name in axes)
        with self._lock:
            self._settings = {**self._settings, "view": None if whole else view}
        self._submit()

    def _hear_diagram(self, event: dict[str, Any]) -> None:
        """Set the slider of the diagram to where it was clicked or dragged."""

        def put() -> None:
            path, (lo, hi) = self.along, self.panel.span(self.along)
            value = rounded(min(max(event["x"], lo), hi), hi - lo)
            self._drags += event.get("phase") == "start"
            gesture = ("diagram", self._drags) if event["type"] == "drag" else None
            if value != self._settings["values"][path]:
                self.engine.check(path, value)
                self.panel.controls[path].put(value)
                self._moved(path, value, gesture)

        self._guarded(put)

    def _refuse(self, sentence: str) -> None:
        """Say why something was refused, until something else is set."""
        self._refusal = sentence
        self._say()

    # -- computing ----------------------------------------------------------------------------

    def _submit(self) -> None:
        self._refusal = ""
        if self._open:
            self._worker.submit(self.request)

    def _work(self, request: PlaneRequest, superseded) -> Picture | None:
        if self._shown is None:
            self._line.say("Compiling …")
        return self.engine.picture(request, superseded)

    def _arrived(self, picture: Picture) -> None:
        self.error = None
        self.pictures += 1
        self._shown = picture
        self._message = (_DIVERGED, "warning") if picture.diverged else ("", "info")
        self._draw()
        self._say()
        if (table := points_table(picture)) != self._table.value:
            self._table.value = table
        self._status()
        self._code.refresh()
        self._ask_diagram(picture.request)

    def _failed(self, error: BaseException) -> None:
        self.error = error
        self._message = (str(error) or type(error).__name__, "error")
        self._say()
        self._line.say("Not computed.")

    def _ask_diagram(self, request: PlaneRequest) -> None:
        """Compute the diagram anew if anything but its own number changed."""
        if "diagram" not in self._layers:
            return
        along = self.along
        others = tuple(v for path, v in request.values.items() if path != along)
        key = (along, self.panel.span(along), others, tuple(request.box.items()))
        if key != self._diagram_key:
            self._diagrams.submit((request, along, key))

    def _work_diagram(self, asked, superseded):
        request, along, key = asked
        until = time.monotonic() + (_PAUSE if self._diagram is not None else 0.0)
        while time.monotonic() < until:
            if superseded():
                return None
            time.sleep(0.01)
        if self._diagram_key is None:
            self._strip.say("Computing …")
        draft = self.engine.draft(request, along, key[1])
        if not superseded():
            self._show_diagram(key, draft.finished())

        def give_way() -> bool:
            """Let the plane go first: cycles can wait while somebody moves a slider."""
            while self._worker.busy and not superseded():
                time.sleep(0.005)
            return superseded()

        diagram = self.engine.finished(draft, give_way)
        return None if superseded() else (key, diagram)

    def _arrived_diagram(self, answer) -> None:
        self._show_diagram(*answer)

    def _failed_diagram(self, error: BaseException) -> None:
        self._diagram = self._diagram_key = None
        self._strip.say(str(error) or type(error).__name__, "warning")

    # -- drawing ------------------------------------------------------------------------------

    def _show_diagram(self, key: Any, diagram: Any) -> None:
        self._diagram_key, self._diagram = key, diagram
        self._strip.say()
        self._draw_diagram()
        self._status()
        self._code.refresh()

    def _draw(self) -> None:
        picture = self._shown
        if picture is None:
            return
        self._canvas.show(plane_plot(picture, self._layers))
        self._canvas.summary = describe_plane(picture)
        self._draw_diagram()

    def _draw_diagram(self) -> None:
        if (plot := self._diagram_plot()) is not None:
            self._strip.show(plot)
            self._strip.summary = describe_diagram(self._diagram)

    def _diagram_plot(self) -> Phase | None:
        picture, key = self._shown, self._diagram_key
        if picture is None or key is None or "diagram" not in self._layers:
            return None
        return diagram_plot(self._diagram, self.engine.fields[key[0]], picture, key[1])

    def _say(self) -> None:
        self._canvas.say(*((self._refusal, "warning") if self._refusal else self._message))

    def _status(self) -> None:
        picture = self._shown
        if picture is None:
            return
        count, compiled = len(picture.points), self.engine.compilations
        self._line.say(
            f"{count} fixed point{'s' * (count != 1)} in {picture.seconds * 1e3:.3g} ms · "
            f"{compiled} compilation{'s' * (compiled != 1)} in "
            f"{self.pictures} picture{'s' * (self.pictures != 1)}"
        )

    def _stop(self) -> None:
        self._worker.close()
        self._diagrams.close()
        self.engine.close()
