"""What a phase plane shows, computed for given numbers; knows nothing of widgets."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import brainunit as u
import numpy as np

import brainmass
from brainmass.analysis import fixed_points, nullclines, vector_field
from brainmass.analysis.dynamics.diagram import Draft
from brainmass.analysis.dynamics.flow import Flow
from brainmass.analysis.dynamics.plane import settled
from brainmass.analysis.dynamics.points import resting
from brainmass.analysis.dynamics.search import explore, find, read_box

from .ahead import Ahead
from .engine import Tally, duplicate
from .phase_plane_parts import Field, Picture, PlaneRequest, tidy

__all__ = ["Field", "Picture", "PlaneEngine", "PlaneRequest"]

GRID = (25, 19)
"""Arrows across and up."""

POINT_STARTS = 128
"""Starts of the search for fixed points."""

STARTS = POINT_STARTS
"""Starts at each value of the parameter of a bifurcation diagram: the same program."""

STEP, MOST = 0.05, 2000
"""Defaults of :func:`brainmass.analysis.continuation`."""

CYCLES = 60
"""Limit cycles of each Hopf bifurcation."""


class PlaneEngine:
    """A neural mass of one region, and everything that its phase plane shows.

    Parameters
    ----------
    model : NeuralMass
        The model; it is not changed.
    region : int, optional
        Which region, where they differ.

    Attributes
    ----------
    fields : dict of str to Field
        Every number that can be changed.
    start : dict of str to float
        Their values in the model.
    ahead : Ahead
        The threads that compile ahead.

    Examples
    --------
    >>> import brainmass
    >>> from brainmass_widgets.phase_plane_engine import PlaneEngine
    >>> engine = PlaneEngine(brainmass.HopfStep(1, a=0.25))
    >>> list(engine.fields)
    ['a', 'w', 'beta', 'input.x_inp', 'input.y_inp']
    >>> picture = engine.picture(engine.request())
    >>> picture.points
    [FixedPoint(x=0, y=0, unstable focus)]
    """

    def __init__(self, model, region: int | None = None):
        self.given = _checked(model)
        flow = Flow(model, region=region, who="PhasePlaneWidget")
        self.region = flow.region
        kinds = flow.node.declaration
        self.states = dict(kinds.states)
        numbers = dict(zip(flow.rules.rows, flow.w[:, 0], strict=True))
        self.fields: dict[str, Field] = {}
        for name, spec in kinds.params.items():
            self.fields[name] = Field(name, "Parameters", spec, name)
        for name, spec in kinds.ports.items():
            self.fields[f"input.{name}"] = Field(f"input.{name}", "Constant input", spec, name)
        place = {"Parameters": "param", "Constant input": "input"}
        self.start = {p: float(numbers[place[f.group], f.name]) for p, f in self.fields.items()}
        self.begin = {n: float(v) for n, v in zip(self.states, flow.start()[:, 0], strict=True)}
        self._lock = threading.RLock()
        self._applied: dict[int, dict[str, float]] = {}
        # One copy for each of the two threads that ask, and one for what is compiled ahead.
        self.node, self._for_diagrams, self._spare = (_single(model, flow) for _ in range(3))
        self._tally = Tally()
        self.ahead = Ahead()

    @property
    def compilations(self) -> int:
        """Programs compiled so far."""
        return self._tally.count

    def compile_ahead(self, **changes: Any) -> None:
        """Start to compile what the first picture needs, while its window is looked for.

        Parameters
        ----------
        **changes : object
            As for :meth:`request`: axes, step and duration are part of what is compiled.
        """
        windows = {n: (v - 1.0, v + 1.0) for n, v in self.begin.items()}
        request = self.request(**{**changes, "windows": windows})
        flow = Flow(self._spare, at=self.drive(request), who="PhasePlaneWidget")

        def counted(work: Callable[[], Any]) -> Callable[[], None]:
            def run() -> None:
                with self._tally:
                    work()

            return run

        box = self.quantities(request.box)
        find = counted(lambda: fixed_points(flow, box=box, starts=POINT_STARTS))
        run = counted(lambda: self._trajectory(self._spare, request, self.begin))
        self.ahead.start([find, run])  # the search first: the window waits for it
        self.ahead.start([counted(lambda: self._curves(flow, request))])

    def close(self) -> None:
        """End the threads that compile ahead."""
        self.ahead.close()

    def _curves(self, flow: Any, request: PlaneRequest) -> tuple[Any, Any]:
        """Return nullclines and vector field."""
        x, y = request.axes
        window = self.quantities(request.window)
        state = {n: self.states[n].attach(v) for n, v in request.rest.items()}
        plane = {"box": window, "state": state, "others": request.others}
        curves = nullclines(flow, x, y, points=self.fineness, **plane)
        return curves, vector_field(flow, x, y, points=GRID, **plane)

    @property
    def name(self) -> str:
        """Name of the model."""
        return type(self.given).__name__

    @property
    def fineness(self) -> int:
        """Points along each axis of the grid in which nullclines are found, then sharpened."""
        return 81 if len(self.states) == 2 else 49

    def request(self, **changes: Any) -> PlaneRequest:
        """Return what is asked for when the widget opens, with some settings given."""
        given = {"values": dict(self.start), **changes}
        axes = given.setdefault("axes", tuple(self.states)[:2])
        if "windows" not in given:
            given["windows"] = self.windows(given["values"])
        given.setdefault("rest", {n: v for n, v in self.begin.items() if n not in axes})
        slow = self.given.category == "physiological"
        step = self.node.suggested_dt
        given.setdefault("dt", float(u.Quantity(step).to_decimal(u.ms)))
        given.setdefault("duration", 1000.0 if slow else 200.0)
        return PlaneRequest(**given)

    def check(self, path: str, value: float) -> None:
        """Raise ``ValueError`` if the model would refuse the value."""
        f = self.fields[path]
        if hasattr(f.spec, "check"):
            f.spec.check(f.spec.attach(value), self.name, (1,))

    # -- computing ----------------------------------------------------------------------------

    def drive(self, request: PlaneRequest) -> dict[str, Any]:
        """Return the constant inputs by name, with units."""
        return {
            f.name: f.spec.attach(request.values[path])
            for path, f in self.fields.items()
            if f.group == "Constant input"
        }

    def quantities(self, ranges: dict[str, tuple[float, float]]) -> dict[str, tuple[Any, Any]]:
        """Return ranges of states with units."""
        attach = {n: self.states[n].attach for n in ranges}
        return {n: (attach[n](low), attach[n](high)) for n, (low, high) in ranges.items()}

    def apply(self, node: Any, request: PlaneRequest) -> None:
        """Set the parameters of a copy."""
        known = self._applied.setdefault(id(node), {})
        for path, f in self.fields.items():
            value = request.values[path]
            if f.group == "Parameters" and known.get(path) != value:
                setattr(node, f.name, f.spec.attach(value))
                known[path] = value

    def picture(
        self, request: PlaneRequest, superseded: Callable[[], bool] = lambda: False
    ) -> Picture | None:
        """Compute a phase plane; None if a newer request is waiting."""
        with self._lock, self._tally:
            return self._picture(request, superseded)

    def _picture(self, request: PlaneRequest, superseded) -> Picture | None:
        began = time.perf_counter()
        self.apply(self.node, request)
        flow: Any = Flow(self.node, at=self.drive(request), who="PhasePlaneWidget")
        points = fixed_points(flow, box=self.quantities(request.box), starts=POINT_STARTS)
        curves, arrows = self._curves(flow, request)
        if superseded():
            return None
        trajectories = [self._trajectory(self.node, request, start) for start in request.starts]
        diverged = not all(
            np.isfinite(np.asarray(u.get_mantissa(t[n]))).all()
            for t in trajectories
            for n in request.axes
        )
        seconds = time.perf_counter() - began
        return Picture(request, arrows, curves, points, trajectories, diverged, seconds)

    def _trajectory(self, node: Any, request: PlaneRequest, start: dict[str, float]) -> Any:
        for name, value in start.items():
            setattr(node, f"init_{name}", self.states[name].attach(value))
        drive = {
            name: node.declaration.ports[name].attach(np.full(request.steps, u.get_mantissa(value)))
            for name, value in self.drive(request).items()
        }
        return brainmass.Simulator(node, dt=request.dt * u.ms).run(
            request.steps * request.dt * u.ms,
            monitors=list(request.axes),
            inputs=drive or None,
            on_divergence="ignore",
        )

    def draft(self, request: PlaneRequest, path: str, span: tuple[float, float]) -> Draft:
        """Compute the bifurcation diagram of fixed points along one number."""
        node, f = self._for_diagrams, self.fields[path]
        with self._tally:
            self.apply(node, request)
            at = {n: v for n, v in self.drive(request).items() if n != f.name}
            flow = Flow(node, at=at, who="PhasePlaneWidget")
            box = self.quantities(request.box)
            return Draft.trace(flow, f.name, span, box, STARTS, STEP, MOST)

    def finished(self, draft: Draft, stop: Callable[[], bool]) -> Any:
        """Return a diagram with the limit cycles that are born in it."""
        with self._tally:
            return draft.finished(CYCLES, stop)

    def settled(self, request: PlaneRequest, x: float, y: float) -> dict[str, float]:
        """Return all states for a place in the plane: the others follow, or are held."""
        out = {**request.rest, **dict(zip(request.axes, (x, y), strict=True))}
        if request.others == "quasi-steady" and len(self.states) > 2:
            with self._lock, self._tally:
                self.apply(self.node, request)
                state = {n: self.states[n].attach(v) for n, v in request.rest.items()}
                flow = Flow(self.node, at=self.drive(request), who="PhasePlaneWidget")
                box = self.quantities(request.window)
                found = settled(flow, request.axes, (x, y), box, state)
            if found is not None:
                out = dict(zip(self.states, map(float, found), strict=True))
                out |= dict(zip(request.axes, (x, y), strict=True))
        return {name: tidy(out[name]) for name in self.states}

    def first_start(self, request: PlaneRequest) -> dict[str, float]:
        """Return where the first trajectory starts: as the model does, unless it rests there."""
        with self._lock, self._tally:
            self.apply(self.node, request)
            flow = Flow(self.node, at=self.drive(request), who="PhasePlaneWidget")
            begin = np.array([self.begin[n] for n in self.states])
            scale = np.array([hi - lo for lo, hi in (request.windows[n] for n in self.states)])
            if not resting(flow, begin, scale):
                return {n: tidy(v) for n, v in self.begin.items()}
        x, y = request.axes
        size = {n: request.windows[n][1] - request.windows[n][0] for n in (x, y)}
        return self.settled(request, self.begin[x] + 0.08 * size[x], self.begin[y] + 0.03 * size[y])

    def windows(self, values: dict[str, float]) -> dict[str, tuple[float, float]]:
        """Return a range for every state that holds what happens at these values."""
        request = PlaneRequest(values=values)
        with self._lock, self._tally:
            self.apply(self.node, request)
            flow = Flow(self.node, at=self.drive(request), who="PhasePlaneWidget")
            least, most, _ = explore(flow)
            points, _ = find(flow, read_box(flow, None), POINT_STARTS)
        if len(points):
            least, most = np.minimum(least, points.min(0)), np.maximum(most, points.max(0))
        low, high = flow.clamps
        middle, half = (least + most) / 2, 0.62 * (most - least)
        unit = np.maximum(np.abs(flow.start().ravel()), 1.0)
        half = np.where(half < 0.005 * unit, 0.6 * unit, half)
        out = {}
        for k, name in enumerate(self.states):
            lo, hi = _rounded(middle[k] - half[k], middle[k] + half[k])
            out[name] = (max(lo, float(low[k])), min(hi, float(high[k])))
        return out


def _checked(model: Any) -> Any:
    who = "PhasePlaneWidget"
    if isinstance(model, type):
        raise TypeError(
            f"{who}: model must be an instance; got the class {model.__name__}. "
            f"Pass {model.__name__}(1)."
        )
    if isinstance(model, brainmass.Network):
        raise TypeError(
            f"{who}: model must be that of one region; got a Network. Pass its node, for example "
            "PhasePlaneWidget(network.node)."
        )
    if not isinstance(model, brainmass.NeuralMass):
        raise TypeError(
            f"{who}: model must declare its states and equations; got {type(model).__name__}. "
            "Pass a *Step model, or open it with SimulatorWidget."
        )
    if not model.elementwise:
        raise TypeError(
            f"{who}: model must have regions that do not interact; got {type(model).__name__}. "
            "Open it with SimulatorWidget."
        )
    if len(model.declaration.states) < 2:
        raise ValueError(
            f"{who}: model must have at least two states; got {type(model).__name__} with one. "
            "Open it with SimulatorWidget."
        )
    return model


def _single(model: Any, flow: Flow) -> Any:
    """Return a copy of one region, without noise."""
    kinds = model.declaration
    if model.varshape == (1,):
        node = duplicate(model)
        for slot in kinds.noise_slots:
            setattr(node, slot, None)
        return node
    settings: dict[str, Any] = {n: getattr(model, n) for n in (*kinds.options, "method")}
    for (kind, name), value in zip(flow.rules.rows, flow.w, strict=True):
        if kind == "param":
            settings[name] = kinds.params[name].attach(float(value[0]))
    return type(model)(1, **settings)


def _rounded(lo: float, hi: float) -> tuple[float, float]:
    """Round a range outwards to two digits of its width."""
    grain = 10.0 ** (np.floor(np.log10(hi - lo)) - 1)
    return tidy(np.floor(lo / grain) * grain), tidy(np.ceil(hi / grain) * grain)
