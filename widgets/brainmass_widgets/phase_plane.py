"""A phase plane to play with: field, nullclines, fixed points, trajectories, bifurcations."""

from __future__ import annotations

from typing import Any

import ipywidgets as widgets

from .base import CodeBox, StatusLine, wrapped
from .canvas import Canvas
from .controls import ButtonControl, ChipsControl
from .numbers import NumberControl
from .phase_plane_code import plane_code
from .phase_plane_desk import LAYER_NAMES, PlaneDesk
from .phase_plane_panel import PlanePanel
from .phase_plane_plots import LAYERS, plane_plot
from .phase_plane_settings import checked_settings, to_plain
from .plots import Plot
from .quantities import show
from .sheet import Sheet

__all__ = ["PhasePlaneWidget"]

_PATIENCE = 0.7
"""Seconds that a cell waits for the bifurcation diagram before it shows the plane without it."""


class PhasePlaneWidget(PlaneDesk):
    """Field, nullclines and fixed points of a model, which follow its sliders.

    Click into the plane to start a trajectory there. Fixed points are shown with their stability
    and eigenvalues: filled where stable, open where unstable, a diamond for a saddle. Below the
    plane a bifurcation diagram follows the slider that moved last, or a chosen one, with the
    limit cycles that are born in it: click or drag in it to set that slider. Dragging in the plane
    moves it, Ctrl and the wheel zoom it, and what is seen is computed anew. Sliders act on a copy
    without noise; they compile nothing.

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
    >>> w.result["points"], w.result["diagram"].hopfs
    ([FixedPoint(x=0, y=0, unstable focus)],
     [Bifurcation(Hopf at a=0, supercritical, 31.83 Hz)])
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
        given = {"inputs": inputs, "along": along, "box": box, "others": others}
        given |= {"duration": duration, "dt": dt}
        self._prepare(model, region, x, y, given)
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
        super().__init__(self._build())
        self._submit()

    # -- what it is ---------------------------------------------------------------------------

    @property
    def controls(self) -> dict[str, NumberControl]:
        """The sliders by name."""
        return self.panel.controls

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

    def clear(self) -> None:
        """Take all trajectories away."""
        self._change(starts=())

    def fit(self) -> None:
        """Show the ranges in which something happens at the present numbers."""
        windows = self.engine.windows(self._settings["values"])
        self._change(windows=windows, view=None)
        self._canvas.send({"type": "reset"})

    def reset(self) -> None:
        """Go back to what the widget was opened with."""
        self._history.remember(self._numbers())
        self._restore(self._first)
        self._canvas.send({"type": "reset"})

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

    def _first_picture(self) -> bytes:
        # A diagram that is compiled for the first time takes many times as long as the plane.
        self._worker.flush(120.0)
        self._diagrams.flush(_PATIENCE)
        return self._drawn("png")

    # -- state --------------------------------------------------------------------------------

    @property
    def state(self) -> dict[str, Any]:
        """Everything that was set, as plain JSON."""
        with self._lock:
            settings = to_plain(self._settings)
        layers = list(self._layers)
        return {"format": 1, "model": self.engine.name, "settings": settings, "layers": layers}

    @state.setter
    def state(self, state: dict[str, Any]) -> None:
        settings = checked_settings(self.engine, state)
        self._history.remember(self._numbers())
        self._layers = [name for name in LAYERS if name in state.get("layers", LAYERS)]
        self._chips.put([LAYER_NAMES[name] for name in self._layers])
        self._place()
        self._restore({**self._settings, **settings})

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

        commands = {
            "reset": press("Reset", "Back to what it was opened with", self.reset),
            "undo": press("Undo", "Take back the last change (Ctrl+Z on a slider)", self.undo),
            "redo": press("Redo", "Make it again (Ctrl+Shift+Z on a slider)", self.redo),
            "clear": press("Clear", "Take all trajectories away", self.clear),
            "fit": press("Fit", "Show the ranges in which something happens now", self.fit),
            "code": self._code_control(),
            "export": self._export_control(),
        }
        names = list(LAYER_NAMES.values())
        tip = "What is shown besides the fixed points"
        self._chips = ChipsControl("", tip, names, names, self._choose)
        groups = {"commands": commands, "layers": {"layers": self._chips}}
        return Sheet(groups, bar=True, title=self.engine.name, on_error=self._refuse)

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

    def _title(self) -> str:
        parts = []
        for path, f in self.engine.fields.items():
            value = self._settings["values"][path]
            if len(parts) < 8 and (f.group == "Parameters" or value != 0):
                unit = "" if f.spec.unit.is_unitless else f" {f.spec.unit}"
                parts.append(f"{f.name} = {show(value)}{unit}")
        return f"{self.engine.name}: {', '.join(parts)}"
