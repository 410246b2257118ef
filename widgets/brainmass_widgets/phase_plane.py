"""A phase plane to play with: field, nullclines, fixed points, trajectories, bifurcations."""

from __future__ import annotations

import html
import threading
import time
from typing import Any

import brainunit as u
import ipywidgets as widgets
import numpy as np

from .base import CodeBox, Instrument, StatusLine, wrapped
from .canvas import Canvas
from .controls import ButtonControl, CheckControl, ChipsControl
from .figure import draw
from .history import History, Numbers
from .numbers import NumberControl
from .phase_plane_code import plane_code
from .phase_plane_engine import Picture, PlaneEngine, PlaneRequest
from .phase_plane_panel import PlanePanel, rounded
from .phase_plane_plots import (
    LAYERS,
    describe_diagram,
    describe_plane,
    diagram_plot,
    eigenvalues_text,
    numbers,
    plane_plot,
)
from .phase_plane_settings import PLANE, checked_settings, first_settings, to_plain
from .plots import Phase, Plot
from .quantities import show
from .sheet import Sheet
from .worker import Latest

__all__ = ["PhasePlaneWidget"]

MOST_STARTS = 6
"""Trajectories that are shown; a further one takes the place of the oldest."""

_TWICE = 0.45
"""Seconds within which two clicks are one double click."""

_PAUSE = 0.1
"""Seconds for which the sliders rest before the diagram is computed anew."""


class PhasePlaneWidget(Instrument):
    """Field, nullclines and fixed points of a model, which follow its sliders.

    Click into the plane to start a trajectory there. Fixed points are shown with their stability
    and eigenvalues: filled where stable, open where unstable, a diamond for a saddle. Below the
    plane a bifurcation diagram follows the slider that moved last, or a chosen one: click or drag
    in it to set that slider. Dragging in the plane moves it, Ctrl and the wheel zoom it, and what
    is seen is computed anew. Sliders act on a copy without noise; they compile nothing.

    Parameters
    ----------
    model : NeuralMass
        A model of one region with at least two states, or of several of which ``region`` is
        taken.
    x, y : str, optional
        States across and up. Default: the first two.
    inputs : dict, optional
        Constant inputs by name, such as ``{"E_inp": 120 * u.Hz}``.
    along : str, optional
        Parameter or input of the bifurcation diagram. Default: the slider that moved last, at
        first the first parameter.
    box : dict, optional
        Range ``(low, high)`` that is shown, by state. Default: around what simulations visit and
        the fixed points.
    others : {'quasi-steady', 'held'}
        What states do that are on no axis: rest where their own rates vanish, or stay at the
        values of their sliders.
    duration, dt : brainunit.Quantity, optional
        Length and step of trajectories. Default: 200 ms, 1000 ms for physiological models, and
        the step that is suggested for the model.
    region : int, optional
        Which region, where they differ.

    Attributes
    ----------
    controls : dict of str to NumberControl
        The sliders: parameters by name, inputs as ``'input.<name>'``.
    result : dict
        What is shown: ``'field'``, ``'curves'``, ``'points'``, ``'trajectories'`` and
        ``'diagram'``, as :mod:`brainmass.analysis` and :class:`brainmass.Simulator` give them.
    state : dict
        Everything that was set, as plain JSON; assign it to restore it.
    error : BaseException or None
        What kept the last picture from being computed; its sentence is shown on the plane.

    Examples
    --------
    >>> import brainmass
    >>> from brainmass_widgets import PhasePlaneWidget
    >>> w = PhasePlaneWidget(brainmass.HopfStep(1, a=-0.2))
    >>> w
    PhasePlaneWidget(HopfStep, x, y)
    >>> w.flush()
    >>> w.result["points"]
    [FixedPoint(x=0, y=0, stable focus)]
    >>> w.controls["a"].value = 0.3
    >>> w.flush()
    >>> w.result["points"], w.result["diagram"]
    ([FixedPoint(x=0, y=0, unstable focus)], Continuation(a: 1 branch, 0 folds, 1 Hopf point))
    >>> w.close()
    """

    def __init__(
        self,
        model,
        x: str | None = None,
        y: str | None = None,
        *,
        inputs=None,
        along: str | None = None,
        box=None,
        others: str = "quasi-steady",
        duration=None,
        dt=None,
        region: int | None = None,
    ):
        self._lock = threading.RLock()
        self._history = History()
        self._refusal = ""
        self._message = ("", "info")
        self._shown: Picture | None = None
        self._diagram: Any = None
        self._diagram_key: Any = None
        self._clicked = (0.0, 0.0, 0.0)
        self.error: BaseException | None = None
        self.pictures = 0
        self.engine = PlaneEngine(model, region)
        given = {"inputs": inputs, "along": along, "box": box, "others": others}
        given |= {"duration": duration, "dt": dt}
        self._settings = first_settings(self.engine, x, y, given)
        self._first = dict(self._settings)
        self._layers = list(LAYERS)
        self.panel = PlanePanel(
            self.engine,
            self._settings,
            on_value=self._moved,
            on_rest=self._moved_rest,
            on_setting=self._set,
            on_start=self.start,
            on_error=self._refuse,
            on_undo=lambda kind: self._guarded(getattr(self, kind)),
        )
        self._worker = Latest(self._work, self._arrived, self._failed, name="brainmass-plane")
        self._diagrams = Latest(
            self._work_diagram,
            self._arrived_diagram,
            self._failed_diagram,
            name="brainmass-diagram",
        )
        super().__init__(self._build())
        self._submit()

    # -- what it is ---------------------------------------------------------------------------

    @property
    def controls(self) -> dict[str, NumberControl]:
        """The sliders by name."""
        return self.panel.controls

    @property
    def request(self) -> PlaneRequest:
        """What is asked for."""
        with self._lock:
            return PlaneRequest(**{name: self._settings[name] for name in PLANE})

    @property
    def along(self) -> str:
        """The number along which the bifurcation diagram is."""
        return self._settings["along"]

    @property
    def result(self) -> dict[str, Any]:
        """What is shown, as the functions of the library give it."""
        picture = self._shown
        if picture is None:
            return {}
        out = {name: getattr(picture, name) for name in ("field", "curves", "points")}
        out["trajectories"] = picture.trajectories
        if self._diagram is not None and "diagram" in self._layers:
            out["diagram"] = self._diagram
        return out

    @property
    def problem(self) -> str:
        """Why something was refused or not computed; empty if all is well."""
        text, level = self._message
        return self._refusal or (text if level == "error" else "")

    @property
    def compilations(self) -> int:
        """How many programs were compiled for this widget."""
        return self.engine.compilations

    def __repr__(self):
        if not hasattr(self, "_settings"):
            return "PhasePlaneWidget()"
        return f"PhasePlaneWidget({self.engine.name}, {', '.join(self._settings['axes'])})"

    # -- what one can do ----------------------------------------------------------------------

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
        names = self.request.axes
        for name, value in zip(names, (x, y), strict=True):
            if not np.isfinite(value):
                raise ValueError(f"A start must be finite; got {name} = {value:g}. Type numbers.")
        begin = self.engine.settled(self.request, float(x), float(y))
        with self._lock:
            starts = (*self._settings["starts"], begin)[-MOST_STARTS:]
            self._change("start", starts=starts)

    def clear(self) -> None:
        """Take all trajectories away."""
        self._change("clear", starts=())

    def fit(self) -> None:
        """Show the ranges in which something happens at the present numbers."""
        windows = self.engine.windows(self._settings["values"])
        self._change("fit", windows=windows, view=None)
        self._canvas.send({"type": "reset"})

    def reset(self) -> None:
        """Go back to what the widget was opened with."""
        self._history.remember("reset", self._numbers())
        self._restore(self._first)
        self._canvas.send({"type": "reset"})

    def undo(self) -> None:
        """Take back the last change."""
        if (before := self._history.undo(self._numbers())) is not None:
            self._restore(before.settings)

    def redo(self) -> None:
        """Make the change again that was taken back last."""
        if (after := self._history.redo(self._numbers())) is not None:
            self._restore(after.settings)

    def to_code(self) -> str:
        """Return a script that gives exactly the arrays that are shown.

        Returns
        -------
        str
            Python code with the variables ``field``, ``curves``, ``points``, ``trajectories`` and
            ``diagram``.
        """
        along = self.along if "diagram" in self._layers else None
        return plane_code(self.engine, self.request, along, self.panel.span(self.along))

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
        plots = self._plots()
        return draw(plots, title=self._title(), note=self.problem, form=form) if plots else b""

    # -- state --------------------------------------------------------------------------------

    @property
    def state(self) -> dict[str, Any]:
        """Everything that was set, as plain JSON."""
        with self._lock:
            settings = to_plain(self._settings)
        return {
            "format": 1,
            "model": self.engine.name,
            "settings": settings,
            "layers": list(self._layers),
        }

    @state.setter
    def state(self, state: dict[str, Any]) -> None:
        settings = checked_settings(self.engine, state)
        layers = [name for name in LAYERS if name in state.get("layers", LAYERS)]
        self._history.remember("state", self._numbers())
        self._layers = layers
        self._chips.put([_LAYER_NAMES[name] for name in layers])
        self._place()
        self._restore({**self._settings, **settings})

    def _numbers(self) -> Numbers:
        with self._lock:
            return Numbers(settings=dict(self._settings))

    def _restore(self, settings: dict[str, Any]) -> None:
        with self._lock:
            self._settings = dict(settings)
        self.panel.show(self._settings)
        self._submit()

    # -- reactions of the controls ------------------------------------------------------------

    def _change(self, touched: str, **changes: Any) -> None:
        with self._lock:
            self._history.remember(touched, self._numbers())
            self._settings = {**self._settings, **changes}
        self.panel.show(self._settings)
        self._submit()

    def _moved(self, path: str, value: float) -> None:
        with self._lock:
            self._history.remember(path, self._numbers())
            values = {**self._settings["values"], path: value}
            along = path if self._settings["follow"] else self._settings["along"]
            self._settings = {**self._settings, "values": values, "along": along}
        self._submit()

    def _moved_rest(self, name: str, value: float) -> None:
        with self._lock:
            self._history.remember(f"rest.{name}", self._numbers())
            self._settings = {**self._settings, "rest": {**self._settings["rest"], name: value}}
        self._submit()

    def _set(self, **changes: Any) -> None:
        settings = {**self._settings, **changes}
        if "axes" in changes:
            lost = {n: float(self.panel.rest[n].value) for n in self.engine.states}
            settings["rest"] = {n: v for n, v in lost.items() if n not in changes["axes"]}
            settings["view"] = None
            self._canvas.send({"type": "reset"})
        checked_settings(self.engine, {**self.state, "settings": to_plain(settings)})
        self._change(",".join(changes), **settings)

    def _choose(self, names: list[str]) -> None:
        self._layers = [layer for layer, name in _LAYER_NAMES.items() if name in names]
        self._place()
        self._draw()
        self._submit()

    def _hear(self, event: dict[str, Any]) -> None:
        """React to a click into the plane, or to another view of it."""
        self._guarded(lambda: self._click(event) if event["type"] == "click" else self._view(event))

    def _click(self, event: dict[str, Any]) -> None:
        window = self.request.window
        ends = [window[name] for name in self.request.axes]
        x, y = (rounded(event[n], hi - lo) for n, (lo, hi) in zip("xy", ends, strict=True))
        now = time.monotonic()
        when, *place = self._clicked
        self._clicked = (now, x, y)
        widths = [hi - lo for lo, hi in ends]
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
        lo, hi = self.panel.span(self.along)
        value = rounded(min(max(event["x"], lo), hi), hi - lo)
        self._guarded(lambda: self.controls[self.along].set(value))

    def _refuse(self, sentence: str) -> None:
        """Say why something was refused, until something else is set."""
        self._refusal = sentence
        self._say()

    def _toggle_code(self, on: bool) -> None:
        def show_code():
            self._code.show(on)
            if on:
                self._canvas.copy(self._code.value)

        self._guarded(show_code)

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
        self._table.value = _table(picture)
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
        diagram = self.engine.finished(draft, superseded)
        return None if superseded() else (key, diagram)

    def _arrived_diagram(self, answer) -> None:
        self._show_diagram(*answer)

    def _show_diagram(self, key: Any, diagram: Any) -> None:
        self._diagram_key, self._diagram = key, diagram
        self._strip.say()
        self._draw_diagram()
        self._status()
        self._code.refresh()

    def _failed_diagram(self, error: BaseException) -> None:
        self._diagram = self._diagram_key = None
        self._strip.say(str(error) or type(error).__name__, "warning")

    # -- drawing ------------------------------------------------------------------------------

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
        count, compiled = len(picture.points), self.compilations
        self._line.say(
            f"{count} fixed point{'s' * (count != 1)} in {picture.seconds * 1e3:.3g} ms · "
            f"{compiled} compilation{'s' * (compiled != 1)} in "
            f"{self.pictures} picture{'s' * (self.pictures != 1)}"
        )

    def _title(self) -> str:
        parts = []
        for path, f in self.engine.fields.items():
            value = self._settings["values"][path]
            if len(parts) < 8 and (f.group == "Parameters" or value != 0):
                unit = "" if f.spec.unit.is_unitless else f" {f.spec.unit}"
                parts.append(f"{f.name} = {show(value)}{unit}")
        return f"{self.engine.name}: {', '.join(parts)}"

    # -- parts --------------------------------------------------------------------------------

    def _build(self) -> list[widgets.Widget]:
        name = self.engine.name
        self._canvas = Canvas(400, f"Phase plane of {name}")
        self._canvas.on_event(self._hear, "click", "view")
        self._strip = Canvas(220, f"Bifurcation diagram of {name}")
        self._strip.on_event(self._hear_diagram, "click", "drag")
        self._table = widgets.HTML(layout={"margin": "2px 8px", "overflow": "auto"})
        self._line = StatusLine()
        self._code = CodeBox(self.to_code)
        self.toolbar = self._build_toolbar()
        right = widgets.VBox(
            [self._canvas, self._strip, self._table],
            layout={"flex": "1 1 420px", "min_width": "340px", "overflow": "visible"},
        )
        return [self.toolbar, wrapped([self.panel.box, right]), self._line, self._code]

    def _build_toolbar(self) -> Sheet:
        def press(label: str, tip: str, act) -> ButtonControl:
            return ButtonControl(label, tip, lambda: self._guarded(act))

        tip = "Show Python code for what is shown, and copy it"
        commands = {
            "reset": press("Reset", "Back to what it was opened with", self.reset),
            "undo": press("Undo", "Take back the last change (Ctrl+Z on a slider)", self.undo),
            "redo": press("Redo", "Make it again (Ctrl+Shift+Z on a slider)", self.redo),
            "clear": press("Clear", "Take all trajectories away", self.clear),
            "fit": press("Fit", "Show the ranges in which something happens now", self.fit),
            "code": CheckControl("Code", tip, False, self._toggle_code, kind="toggle"),
            "export": self._export_control(),
        }
        names = list(_LAYER_NAMES.values())
        tip = "What is shown besides the fixed points"
        self._chips = ChipsControl("", tip, names, names, self._choose)
        groups = {"commands": commands, "layers": {"layers": self._chips}}
        return Sheet(groups, bar=True, title=self.engine.name, on_error=self._refuse)

    def _place(self) -> None:
        self._strip.layout.display = "" if "diagram" in self._layers else "none"

    def _canvases(self) -> list[Canvas]:
        return [self._canvas, self._strip]

    def _plots(self) -> list[Plot]:
        if self._shown is None:
            return []
        diagram = self._diagram_plot()
        return [plane_plot(self._shown, self._layers), *([] if diagram is None else [diagram])]

    def _facts(self) -> list[tuple[str, str]]:
        facts = []
        for path, f in self.engine.fields.items():
            text = show(self._settings["values"][path])
            facts.append((path, f"{text} {f.spec.unit}" if f.spec.dimensional else text))
        return facts

    def _stop(self) -> None:
        self._worker.close()
        self._diagrams.close()


_LAYER_NAMES = {
    "field": "Field",
    "nullclines": "Nullclines",
    "trajectories": "Trajectories",
    "diagram": "Diagram",
}

_DIVERGED = (
    "A trajectory left the finite numbers. Start it closer to the others, or take a smaller dt."
)


def _table(picture: Picture) -> str:
    """Return the fixed points as an HTML table."""
    if not picture.points:
        return '<span class="brainmass-status">No fixed point in this range.</span>'
    names = list(picture.points[0].state)
    units = [u.get_unit(v) for v in picture.points[0].state.values()]
    heads = [
        "fixed point",
        *(n if unit.is_unitless else f"{n} [{unit}]" for n, unit in zip(names, units, strict=True)),
        "eigenvalues [1/ms]",
    ]
    rows = []
    for point in picture.points[:12]:
        rows.append([point.kind, *numbers(picture, point), eigenvalues_text(point.eigenvalues)])
    style = "padding:1px 14px 1px 0;text-align:left;white-space:nowrap"

    def line(cells, tag):
        return "".join(f'<{tag} style="{style}">{html.escape(str(c))}</{tag}>' for c in cells)

    body = "".join(f"<tr>{line(row, 'td')}</tr>" for row in rows)
    more = len(picture.points) - len(rows)
    rest = f"<tr><td>and {more} more</td></tr>" if more > 0 else ""
    return f'<table class="brainmass-status"><tr>{line(heads, "th")}</tr>{body}{rest}</table>'
