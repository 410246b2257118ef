"""Runs a model for given numbers and hands back plain arrays; knows nothing of widgets."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import brainstate
import brainunit as u
import numpy as np

import brainmass

from .copying import duplicate
from .drive import Part, drive_fields, parts_of
from .fields import Field, decimals, find_fields
from .layout import Layouts, height_of
from .noise import AddedNoise
from .runs import Outcome, Request, Series, join, plain
from .tally import Tally

__all__ = ["Engine", "network_output", "node_output"]

MOST_SAMPLES = 20_000
"""Samples kept of each signal; a longer run is thinned while it computes."""

LESION = 1e-30
"""Weight of an edge that was cut: float32 knows it, and no sum of currents notices it."""

SHORTEST = 1e-4
"""Step in ms below which none is offered: the equations run away, and no step would help."""

PATIENCE = 0.3
"""Seconds after which a run gives way to a newer request."""


class Engine:
    """A model, the numbers that can be changed, and a compiled way to run it.

    Parameters
    ----------
    model : brainstate.nn.Module
        The model, a network, or any module with ``update``.
    monitors : str, callable, list or dict, optional
        What to record, as for :meth:`brainmass.Simulator.run`. Default: every state of a
        declared model and, where it is more than its states, the model's output.
    inputs : array, callable or dict, optional
        External input, as for :meth:`brainmass.Simulator.run`, or a dict of constants by inlet
        name. With constants, or without it, every inlet gets a constant that can be changed.
    copy : bool, default True
        Whether to run a copy; otherwise ``apply`` and ``run`` change the given object.

    Attributes
    ----------
    fields : dict of str to Field
        Every number that can be changed, in the order of the declaration.
    runs, compilations : int
        How often it ran and how many programs were compiled for that.
    tally : Tally
        Enter it to count what is compiled for the runs.

    Examples
    --------
    >>> import brainmass
    >>> from brainmass_widgets.engine import Engine, Request
    >>> engine = Engine(brainmass.HopfStep(1, a=0.25, init_x=0.1))
    >>> list(engine.fields)
    ['a', 'w', 'beta', 'noise_x.sigma', 'noise_x.tau', 'noise_y.sigma', 'noise_y.tau',
     'input.x_inp', 'input.y_inp', 'stimulus.x_inp.amplitude', 'stimulus.y_inp.amplitude',
     'stimulus.onset', 'stimulus.length', 'stimulus.frequency', 'init_x', 'init_y']
    >>> engine.run(Request(duration=10.0)).series["x"].data.shape
    (100, 1)
    """

    def __init__(self, model, *, monitors: Any = None, inputs: Any = None, copy: bool = True):
        if not isinstance(model, brainstate.nn.Module):
            raise TypeError(
                "Engine: model must be a brainstate module, such as a *Step model or a Network; "
                f"got {type(model).__name__}. Pass the model or a Simulator."
            )
        self.given, self.given_inputs, self.copied = model, inputs, copy
        self.model: Any = duplicate(model) if copy else model
        if copy and isinstance(model, brainmass.Network):
            _open_speed(self.model)
        self.inputs, self._drive = _split(inputs)
        self.monitors = self._default_monitors() if monitors is None else monitors
        self.fields = {f.path: f for f in self._find_fields()}
        self.start = {path: f.read() for path, f in self.fields.items()}
        self._read_drive()
        self.method = self.node.method if self.declared else None
        self.layouts = Layouts(self.fields, self.start, self.shape)
        self.runs = 0
        self.tally = Tally()
        self._applied = dict(self.start)
        self._edges = self.start["weights"] != 0 if "weights" in self.start else np.zeros(0, bool)
        self.drawn = {path: f.held for path, f in self.fields.items() if f.random}

    @property
    def compilations(self) -> int:
        """How many programs were compiled for the runs."""
        return self.tally.count

    # -- what the model is ----------------------------------------------------------------

    @property
    def node(self) -> Any:
        """The neural mass: the model itself, or the node of a network."""
        inner = getattr(self.model, "node", None)
        return inner if isinstance(inner, brainmass.NeuralMass) else self.model

    @property
    def network(self) -> bool:
        """Whether the model is a network of nodes."""
        return self.node is not self.model

    @property
    def declared(self) -> bool:
        """Whether the node declares its parameters and states."""
        return isinstance(self.node, brainmass.NeuralMass)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the population."""
        return tuple(self.node.varshape) if self.declared else ()

    @property
    def states(self) -> tuple[str, ...]:
        """Names of the declared states."""
        return tuple(self.node.declaration.states) if self.declared else ()

    def _default_monitors(self):
        if not self.declared:
            return None
        prefix = "node." if self.network else ""
        monitors: dict[str, Any] = {name: f"{prefix}{name}" for name in self.states}
        if type(self.node).output is not brainmass.NeuralMass.output and not _lists_states(
            self.node
        ):
            monitors["output"] = network_output if self.network else node_output
        return monitors

    def _find_fields(self) -> Iterator[Field]:
        found = list(find_fields(self.model, self.node))
        for f in found:
            if f.group != "Initial values":
                yield f
        if self.declared and self.inputs is None:
            yield from drive_fields(self.node.declaration, self.shape)
        for f in found:
            if f.group == "Initial values":
                yield f

    def _read_drive(self) -> None:
        """Start the constant inputs at what the user gave."""
        for name, value in self._drive.items():
            path = f"input.{name}"
            if path not in self.fields:
                known = ", ".join(p[6:] for p in self.fields if p.startswith("input.")) or "(none)"
                raise ValueError(
                    f"{type(self.node).__name__}: inputs must name inlets of the model, {known}; "
                    f"got '{name}'. Correct the name."
                )
            spec = self.fields[path].spec
            self.start[path] = decimals(spec.mantissa(value, type(self.node).__name__))

    # -- running --------------------------------------------------------------------------

    def laid_out(self, request: Request) -> Request:
        """Return a request whose numbers have the shapes of the program that it needs."""
        layout = self.layouts.of(request.values)
        values = self.layouts.lay(request.values, layout, height_of(request))
        return replace(request, values=values)

    @property
    def history(self) -> tuple[np.ndarray, Any]:
        """What earlier runs left in the structure of later ones: edges, and range of the speed."""
        return self._edges, getattr(self.model, "speed_range", None)

    @history.setter
    def history(self, history: tuple[np.ndarray, Any]) -> None:
        self._edges, span = history
        if span is not None:
            self.model.speed_range = span

    def structure(self, request: Request) -> Hashable:
        """Return what a program depends on besides the layout of the numbers."""
        edges, span = self.history
        given = (request.method, request.dt, request.stimulus, request.inlet, request.seeds)
        # Edges are only ever added, so that their number tells which.
        return (*given, self.thinning(request), int(edges.sum()), span)

    def arguments(self, request: Request, always: Sequence[str] = ()) -> dict[str, Any]:
        """Return the keyword arguments of :meth:`brainmass.Simulator.run` for a request.

        Constants in ``always`` count at zero too.
        """
        out: dict[str, Any] = {"monitors": self.monitors, "seed": request.seed}
        if request.transient > 0:
            out["transient"] = round(request.transient / request.dt)
        if (every := self.thinning(request)) > 1:
            out["sample_every"] = every
        inputs = self.inputs if self.inputs is not None else self.drive(request, always)
        if inputs is not None:
            out["inputs"] = inputs
        if request.seeds > 1:
            out["batch_size"] = request.seeds
        return out

    def thinning(self, request: Request) -> int:
        """Return every how many steps a sample is kept."""
        return -(-request.steps // MOST_SAMPLES)

    def parts(self, request: Request, always: Sequence[str] = ()) -> list[Part]:
        """Return what enters the model from outside; constants in ``always`` count at zero too."""
        if self.inputs is not None or not self.declared:
            return []
        return parts_of(self.fields, {**self.start, **request.values}, request, always)

    def drive(self, request: Request, always: Sequence[str] = ()) -> Any:
        """Return the sum of :meth:`parts`, None where there are none."""
        parts = self.parts(request, always)
        if len(self.shape) == 1 or not parts:
            total = None
            for part in parts:
                total = part.make() if total is None else total + part.make()
            return total
        rows = {}
        for part in parts:  # constants; a stimulus knows populations of one dimension alone
            value, unit = part.numbers["amplitude"]
            full = np.full((request.steps, *value.shape), value)
            rows[part.inlet] = full if unit.is_unitless else u.Quantity(full, unit=unit)
        return rows

    def prepare(self, request: Request) -> tuple[brainmass.Simulator, dict[str, Any]]:
        """Set the numbers of a request, in the layout that they need.

        Returns
        -------
        Simulator, dict
            What runs it, and the keyword arguments of :meth:`brainmass.Simulator.run`.
        """
        laid, layout = self.laid_out(request), self.layouts.of(request.values)
        for f in self.fields.values():
            if isinstance(f.owner, AddedNoise):
                f.owner.kept = layout.noisy
        self.apply(laid)
        arguments = self.arguments(laid, self.layouts.inputs(layout))
        return brainmass.Simulator(self.model, dt=request.dt * u.ms), arguments

    def compile(self, request: Request) -> None:
        """Make sure that the program of a request is there: run its first step."""
        simulator, arguments = self.prepare(request)
        duration = request.steps * request.dt * u.ms
        stream: Any = simulator.stream(duration, chunk=1, **arguments)
        with self.tally:
            next(stream, None)
        stream.close()

    def apply(self, request: Request) -> None:
        """Set the numbers of a request in the copy of the model."""
        for path, value in request.values.items():
            if value is self._applied[path] or np.array_equal(value, self._applied[path]):
                continue
            f = self.fields[path]
            if path == "weights" and self.copied:
                value = self.weights(request.values)
            if path == "speed" and self.model.speed_range is not None:
                slow, fast = self.model.speed_range
                self.model.speed_range = (min(slow, float(value)), max(fast, float(value)))
            if path in self.drawn and np.array_equal(value, self.start[path]):
                setattr(f.owner, f.attribute, self.drawn[path])
            else:
                f.write(value)
            self._applied[path] = request.values[path]
        if request.method is not None and self.declared and self.node.method != request.method:
            self.node.method = request.method

    def weights(self, values: dict[str, np.ndarray]) -> np.ndarray:
        """Return the weights that a network is given.

        An edge that was there once and is cut gets a weight so small that it changes no sum. It
        keeps its place in the compiled program, so a lesion compiles nothing and only a new edge
        compiles once; delays and random history stay as they were.
        """
        wanted = values["weights"]
        self._edges = self._edges | (wanted != 0)
        return np.where(self._edges & (wanted == 0), LESION, wanted)

    def run(
        self,
        request: Request,
        superseded: Callable[[], bool] = lambda: False,
        on_part: Callable[[Outcome], None] | None = None,
    ) -> Outcome | None:
        """Simulate.

        Parameters
        ----------
        request : Request
            What to simulate.
        superseded : callable, optional
            Asked between chunks; once it returns True a run that takes long gives up.
        on_part : callable, optional
            Called with what is there while a long run goes on.

        Returns
        -------
        Outcome or None
            None if the run gave way to a newer request.
        """
        began, before = time.perf_counter(), self.tally.count
        self.runs += 1
        simulator, arguments = self.prepare(request)
        # A whole number of steps, so that rounding of the duration is nobody's concern.
        duration = request.steps * request.dt * u.ms
        parts: list[dict[str, Series]] = []
        problem, cure, shown = "", None, began

        def outcome(complete: bool) -> Outcome:
            seconds, compiled = time.perf_counter() - began, self.tally.count - before
            grid, series = self._grid(request), self._in_order(join(parts))
            return Outcome(request, *grid, series, problem, cure, complete, seconds, compiled)

        try:
            with self.tally:
                stream: Any = simulator.stream(duration, **arguments)
                for part in stream:
                    parts.append(plain(part, request.seeds > 1))
                    now = time.perf_counter()
                    if now - began > PATIENCE and superseded():
                        stream.close()
                        return None
                    if on_part is not None and now - shown > PATIENCE:
                        shown = now
                        on_part(outcome(False))
        except brainmass.DivergenceError as error:
            problem, cure = str(error), _stable_step(error)
            parts.append(plain(error.result, request.seeds > 1))
        return outcome(True)

    def _in_order(self, series: dict[str, Series]) -> dict[str, Series]:
        """Sort signals as the monitors name them; JAX sorts dictionaries by key."""
        if not isinstance(self.monitors, dict | list | tuple):
            return series
        order = list(self.monitors)
        place = {name: order.index(s.place[0] if s.place else name) for name, s in series.items()}
        return dict(sorted(series.items(), key=lambda item: place[item[0]]))

    def _grid(self, request: Request) -> tuple[float, float]:
        """Time of the first sample, and between samples, in ms."""
        every = self.thinning(request)
        dropped = round(request.transient / request.dt)
        return (dropped + every) * request.dt, every * request.dt


def _split(inputs) -> tuple[Any, dict[str, Any]]:
    """Tell constants by inlet name, which get sliders, from input that changes in time."""
    if isinstance(inputs, dict) and all(np.ndim(u.get_mantissa(v)) == 0 for v in inputs.values()):
        return None, inputs
    return inputs, {}


def _open_speed(net) -> None:
    """Give the speed a range around its value, in which a change compiles nothing."""
    if net.speed is None or net.speed.fit:
        return
    speed = float(net.speed.mantissa())
    if not np.isfinite(speed):
        return
    slow, fast = net.speed_range or (speed / 4, speed * 4)
    if np.isfinite(fast):
        net.speed_range = (min(slow, speed), max(fast, speed))


def _stable_step(error: brainmass.DivergenceError) -> float | None:
    """Return a step in ms at which the run would have been stable; None if none would help."""
    if error.stable_dt is None:
        return None
    step = float(error.stable_dt.to_decimal(u.ms))
    return step if step >= SHORTEST else None


def node_output(model):
    """Return the output of a model, as a monitor."""
    return model.read_output()


def network_output(model):
    """Return the output of the nodes of a network, as a monitor."""
    return model.node.read_output()


def _lists_states(node) -> bool:
    """Whether the model's output is nothing but its states."""
    marks = {name: object() for name in node.declaration.states}
    try:
        out = type(node).output(SimpleNamespace(**marks))
    except Exception:
        return False
    return all(any(o is m for m in marks.values()) for o in (out if type(out) is tuple else (out,)))
