"""Runs a model for given numbers and hands back plain arrays; knows nothing of widgets.

An :class:`Engine` owns a copy of the model. It lists every number that can be changed as a
:class:`Field`, runs a :class:`Request`, and returns an :class:`Outcome`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import brainstate
import brainunit as u
import numpy as np

import brainmass
from brainmass.engine import compile_count

__all__ = ["AddedNoise", "Engine", "Field", "Outcome", "Request", "Series", "duplicate"]

MOST_SAMPLES = 20_000
"""Samples kept of each signal; a longer run is thinned while it computes."""

PATIENCE = 0.3
"""Seconds after which a run gives way to a newer request."""

_SYMBOLS = {"sigma": "σ", "tau": "τ", "mean": "μ"}

_SIGMAS = ((u.Hz, 100.0), (u.mV, 5.0))
"""Largest strength that a slider offers for added noise; ours, 1 where the unit is another."""

_LOCK = type(threading.RLock())


@dataclass(frozen=True, eq=False)
class Field:
    """One number of the model that a control can change.

    Attributes
    ----------
    path : str
        Unique name, such as ``'a'``, ``'node.a'``, ``'speed'`` or ``'init_x'``.
    group : str
        Heading under which it is shown.
    spec : ParamSpec, StateSpec or InletSpec
        Its declaration.
    shape : tuple of int
        Shape of the population it belongs to.
    owner : object or None
        Module that holds it as attribute ``attribute``; None for a constant input.
    """

    path: str
    group: str
    spec: Any
    shape: tuple[int, ...]
    owner: Any
    attribute: str

    @property
    def label(self) -> str:
        """What stands beside the slider."""
        slot, _, name = self.path.rpartition(".")
        slot = slot.removeprefix("node.")
        if "noise" not in slot or name not in _SYMBOLS:
            return self.attribute
        return f"{_SYMBOLS[name]} {slot.removeprefix('noise').removeprefix('_')}".rstrip()

    @property
    def held(self) -> Any:
        """What the model holds: a Param, a value, or a callable that draws values."""
        return None if self.owner is None else getattr(self.owner, self.attribute)

    @property
    def random(self) -> bool:
        """Whether the model draws this number anew for each run."""
        return callable(self.held) and not isinstance(self.held, brainstate.nn.Param)

    def read(self) -> np.ndarray:
        """Return the current value in the declared unit, as the shortest equal decimals.

        For numbers drawn at random, the middle of a uniform distribution, or zero.
        """
        value = self.held
        if self.owner is None:
            return np.asarray(float(u.get_mantissa(self.spec.default)))
        if self.random:
            ends = [getattr(value, end, 0.0 * self.spec.unit) for end in ("low", "high")]
            ends = [np.mean(u.Quantity(end).to_decimal(self.spec.unit)) for end in ends]
            return _decimals(np.float32(np.mean(ends)))
        if isinstance(value, brainstate.nn.Param):
            value = value.value()
        return _decimals(u.Quantity(value).to_decimal(self.spec.unit))

    def write(self, value: np.ndarray) -> None:
        """Set the value in the model."""
        if self.owner is None:
            return
        quantity = self.spec.attach(value if value.ndim else float(value))
        if isinstance(self.held, brainstate.nn.Param):
            self.held.set_value(quantity)
        else:
            setattr(self.owner, self.attribute, quantity)

    def check(self, value: np.ndarray) -> None:
        """Raise ``ValueError`` if the model would refuse the value."""
        who = type(self.owner).__name__
        quantity = self.spec.attach(value)
        if hasattr(self.spec, "start"):
            self.spec.start(quantity, who, self.shape)
        elif hasattr(self.spec, "check"):
            self.spec.check(quantity, who, self.shape)


@dataclass(frozen=True)
class Request:
    """What to simulate: values by path in declared units, times in milliseconds."""

    values: dict[str, np.ndarray] = field(default_factory=dict)
    duration: float = 200.0
    dt: float = 0.1
    transient: float = 0.0
    seed: int = 0
    method: str | None = None

    @property
    def steps(self) -> int:
        """Whole steps of the run."""
        return max(1, round(self.duration / self.dt))


@dataclass(frozen=True, eq=False)
class Series:
    """One recorded signal: ``data`` is (time, region), ``shape`` that of one sample.

    ``place`` is the monitor and the position in it, for a monitor that gives a tuple.
    """

    name: str
    unit: u.Unit
    data: np.ndarray
    shape: tuple[int, ...] = ()
    place: tuple[str, int] | None = None

    @property
    def label(self) -> str:
        """The unit as text, empty for a plain number."""
        return "" if self.unit.is_unitless else str(self.unit)

    @property
    def values(self) -> Any:
        """The signal as the simulator records it, (time, ...) with its unit."""
        data = self.data.reshape(-1, *self.shape)
        return data if self.unit.is_unitless else u.Quantity(data, unit=self.unit)


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a run gave.

    Attributes
    ----------
    request : Request
        What was asked.
    t0, step : float
        Time of the first sample and between samples, in ms.
    series : dict of str to Series
        The signals.
    problem : str
        Why the run ended early; empty if it did not.
    complete : bool
        False for what is there while a long run goes on.
    seconds : float
        Computing time, compiling included.
    compiled : int
        Programs compiled for this run.
    """

    request: Request
    t0: float
    step: float
    series: dict[str, Series]
    problem: str = ""
    complete: bool = True
    seconds: float = 0.0
    compiled: int = 0

    @property
    def samples(self) -> int:
        """Samples of each signal."""
        return _rows(self.series)

    @property
    def times(self) -> np.ndarray:
        """Times of the samples in ms."""
        return self.t0 + self.step * np.arange(self.samples)

    @property
    def result(self) -> dict[str, Any]:
        """The signals and the time axis ``'ts'`` as :meth:`brainmass.Simulator.run` gives them."""
        out: dict[str, Any] = {}
        for name, series in self.series.items():
            if series.place is None:
                out[name] = series.values
            else:
                key, _ = series.place
                out[key] = (*out.get(key, ()), series.values)
        return {**out, "ts": u.Quantity(self.times, unit=u.ms)}

    @property
    def still(self) -> bool:
        """Whether nothing moves: every signal keeps its first value."""
        parts = [s.data for s in self.series.values()]
        return self.samples > 1 and all(bool((d == d[:1]).all()) for d in parts)


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

    Examples
    --------
    >>> import brainmass
    >>> from brainmass_widgets.engine import Engine, Request
    >>> engine = Engine(brainmass.HopfStep(1, a=0.25, init_x=0.1))
    >>> list(engine.fields)
    ['a', 'w', 'beta', 'noise_x.sigma', 'noise_x.tau', 'noise_y.sigma', 'noise_y.tau',
     'input.x_inp', 'input.y_inp', 'init_x', 'init_y']
    >>> engine.run(Request(duration=10.0)).series["x"].data.shape
    (100, 1)
    """

    def __init__(self, model, *, monitors: Any = None, inputs: Any = None, copy: bool = True):
        if not isinstance(model, brainstate.nn.Module):
            raise TypeError(
                "Engine: model must be a brainstate module, such as a *Step model or a Network; "
                f"got {type(model).__name__}. Pass the model or a Simulator."
            )
        self.given = model
        self.model: Any = duplicate(model) if copy else model
        if copy and isinstance(model, brainmass.Network):
            _open_speed(self.model)
        self.inputs, self._drive = _split(inputs)
        self.monitors = self._default_monitors() if monitors is None else monitors
        self.fields = {f.path: f for f in self._find_fields()}
        self.start = {path: f.read() for path, f in self.fields.items()}
        self._read_drive()
        self.method = self.node.method if self.declared else None
        self.runs = 0
        self.compilations = 0
        self._applied = dict(self.start)
        self.drawn = {path: f.held for path, f in self.fields.items() if f.random}

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
            monitors["output"] = _network_output if self.network else _node_output
        return monitors

    def _find_fields(self) -> Iterator[Field]:
        if not self.declared:
            yield from _loose_params(self.model, "", set())
            return
        node, shape = self.node, self.shape
        prefix = "node." if self.network else ""
        kinds = node.declaration
        if isinstance(self.model, brainmass.Network):
            yield from _network_fields(self.model)
        for name, spec in kinds.params.items():
            own = (shape[-1],) * 2 if getattr(spec, "pairs", False) else shape
            yield Field(prefix + name, "Parameters", spec, own, node, name)
        for slot in kinds.noise_slots:
            process = getattr(node, slot)
            if process is not None:
                for name, held in process.params.items():
                    path = f"{prefix}{slot}.{name}"
                    yield Field(path, "Noise", held.spec, shape, process, name)
        for slot, inlet in kinds.noise_slots.items():
            if getattr(node, slot) is None:
                unit = kinds.inlets[inlet].unit
                source = AddedNoise(node, slot, unit)
                for name, spec in source.specs(inlet).items():
                    yield Field(f"{prefix}{slot}.{name}", "Add noise", spec, shape, source, name)
        if self.inputs is None:
            for name, spec in kinds.ports.items():
                yield Field(f"input.{name}", "Constant input", spec, shape, None, name)
        for name, spec in kinds.states.items():
            yield Field(f"{prefix}init_{name}", "Initial values", spec, shape, node, f"init_{name}")

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
            self.start[path] = _decimals(spec.mantissa(value, type(self.node).__name__))

    # -- running --------------------------------------------------------------------------

    def arguments(self, request: Request) -> dict[str, Any]:
        """Return the keyword arguments of :meth:`brainmass.Simulator.run` for a request."""
        out: dict[str, Any] = {"monitors": self.monitors, "seed": request.seed}
        if request.transient > 0:
            out["transient"] = round(request.transient / request.dt)
        if (every := self.thinning(request)) > 1:
            out["sample_every"] = every
        inputs = self.inputs if self.inputs is not None else self._constants(request)
        if inputs is not None:
            out["inputs"] = inputs
        return out

    def thinning(self, request: Request) -> int:
        """Return every how many steps a sample is kept."""
        return -(-request.steps // MOST_SAMPLES)

    def constants(self, request: Request) -> dict[str, np.ndarray]:
        """Return the constant inputs that are not zero, by inlet."""
        values = {
            f.attribute: request.values[path]
            for path, f in self.fields.items()
            if f.owner is None and path in request.values
        }
        return {name: value for name, value in values.items() if np.any(value != 0)}

    def _constants(self, request: Request):
        constants = self.constants(request)
        ports = self.node.declaration.ports if constants else {}
        rows = {
            name: ports[name].attach(np.full((request.steps, *value.shape), value))
            for name, value in constants.items()
        }
        return rows or None

    def apply(self, request: Request) -> None:
        """Set the numbers of a request in the copy of the model."""
        for path, value in request.values.items():
            if np.array_equal(value, self._applied[path]):
                continue
            f = self.fields[path]
            if path == "speed" and self.model.speed_range is not None:
                slow, fast = self.model.speed_range
                self.model.speed_range = (min(slow, float(value)), max(fast, float(value)))
            if path in self.drawn and np.array_equal(value, self.start[path]):
                setattr(f.owner, f.attribute, self.drawn[path])
            else:
                f.write(value)
            self._applied[path] = value
        if request.method is not None and self.declared and self.node.method != request.method:
            self.node.method = request.method

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
        began, before = time.perf_counter(), compile_count()
        self.runs += 1
        self.apply(request)
        simulator = brainmass.Simulator(self.model, dt=request.dt * u.ms)
        # A whole number of steps, so that rounding of the duration is nobody's concern.
        duration = request.steps * request.dt * u.ms
        parts: list[dict[str, Series]] = []
        problem, shown = "", began

        def outcome(complete: bool) -> Outcome:
            seconds, compiled = time.perf_counter() - began, compile_count() - before
            grid, series = self._grid(request), self._in_order(_join(parts))
            return Outcome(request, *grid, series, problem, complete, seconds, compiled)

        stream: Any = simulator.stream(duration, **self.arguments(request))
        try:
            for part in stream:
                parts.append(_plain(part))
                now = time.perf_counter()
                if now - began > PATIENCE and superseded():
                    stream.close()
                    return None
                if on_part is not None and now - shown > PATIENCE:
                    shown = now
                    on_part(outcome(False))
        except brainmass.DivergenceError as error:
            problem = str(error)
            parts.append(_plain(error.result))
        finally:
            self.compilations += compile_count() - before
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


class AddedNoise:
    """An Ornstein-Uhlenbeck process that is in the model while its strength is not zero.

    Parameters
    ----------
    node : NeuralMass
        The model.
    slot : str
        Name of the noise slot, free so far.
    unit : brainunit.Unit
        Unit of the strength.
    """

    def __init__(self, node, slot: str, unit: u.Unit):
        self._node, self._slot = node, slot
        self._held: dict[str, Any] = {"sigma": 0.0 * unit, "tau": 10.0 * u.ms}
        self._unit = unit

    def specs(self, inlet: str) -> dict[str, Any]:
        """Return the declarations of strength and correlation time."""
        most = next((m for unit, m in _SIGMAS if unit == self._unit), 1.0)
        return {
            "sigma": brainmass.param(
                self._held["sigma"],
                bounds=(0.0, most),
                domain="nonnegative",
                doc=f"strength of noise entering {inlet}; 0 for none",
            ).named("sigma"),
            "tau": brainmass.param(
                self._held["tau"],
                bounds=(1.0, 100.0),
                domain="positive",
                log=True,
                doc=f"correlation time of the noise entering {inlet}",
            ).named("tau"),
        }

    @property
    def sigma(self):
        """Strength, in the unit of the inlet."""
        return self._held["sigma"]

    @sigma.setter
    def sigma(self, value) -> None:
        self._set(sigma=value)

    @property
    def tau(self):
        """Correlation time."""
        return self._held["tau"]

    @tau.setter
    def tau(self, value) -> None:
        self._set(tau=value)

    def _set(self, **change) -> None:
        self._held |= change
        process = None
        if np.any(u.get_mantissa(self._held["sigma"])):
            process = brainmass.OUProcess(self._node.varshape, **self._held)
        setattr(self._node, self._slot, process)


def duplicate(model: Any) -> Any:
    """Return an independent copy of a brainstate module.

    Parameters
    ----------
    model : brainstate.nn.Module
        Any module. Its modules, parameters and states are copied, everything else is shared.

    Returns
    -------
    brainstate.nn.Module
        The copy.

    Examples
    --------
    >>> import brainmass
    >>> from brainmass_widgets.engine import duplicate
    >>> node = brainmass.HopfStep(1, a=0.2)
    >>> copy = duplicate(node)
    >>> copy.a = 0.7
    >>> round(float(node.a.value()), 3)
    0.2
    """
    # brainstate's own clone and copy.deepcopy stumble over the locks inside parameters.
    return _duplicate(model, {})


def _duplicate(value: Any, made: dict[int, Any]) -> Any:
    if id(value) in made:
        return made[id(value)]
    if isinstance(value, brainstate.nn.Module | brainstate.State):
        new = made[id(value)] = object.__new__(type(value))
        for name, held in vars(value).items():
            vars(new)[name] = _duplicate(held, made)
        return new
    if isinstance(value, _LOCK):
        return threading.RLock()
    if isinstance(value, list | tuple) and type(value) in (list, tuple):
        return type(value)(_duplicate(v, made) for v in value)
    if type(value) is dict:
        return {k: _duplicate(v, made) for k, v in value.items()}
    return value


def _split(inputs) -> tuple[Any, dict[str, Any]]:
    """Tell constants by inlet name, which get sliders, from input that changes in time."""
    if isinstance(inputs, dict) and all(np.ndim(u.get_mantissa(v)) == 0 for v in inputs.values()):
        return None, inputs
    return inputs, {}


def _network_fields(net) -> Iterator[Field]:
    """Return strength and other numbers of the couplings, conduction speed, and noise."""
    for i, coupling in enumerate(net.couplings):
        place = "coupling" if len(net.couplings) == 1 else f"coupling[{i}]"
        for name in coupling.defaults:
            spec = getattr(coupling, name).spec
            if name == "k" and spec.bounds is None:
                size = float(np.max(np.abs(getattr(coupling, name).mantissa())))
                spec = replace(spec, bounds=(0.0, 4 * size or 1.0))
            path = "k" if (i, name) == (0, "k") else f"{place}.{name}"
            yield Field(path, "Coupling", spec, tuple(net.node.varshape), coupling, name)
    if net.speed is not None and np.isfinite(net.speed.mantissa()):
        spec = net.speed.spec
        if net.speed_range is not None:
            spec = replace(spec, bounds=net.speed_range, log=True)
        yield Field("speed", "Coupling", spec, (), net, "speed")
    if net.noise is not None:
        for name, held in net.noise.params.items():
            path, shape = f"noise.{name}", tuple(net.node.varshape)
            yield Field(path, "Noise", held.spec, shape, net.noise, name)


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


def _loose_params(module, prefix: str, skipped: set[int]) -> Iterator[Field]:
    """Find parameters, declared or not, by walking through a module."""
    for name, held in vars(module).items():
        if id(held) in skipped or name.startswith("_"):
            continue
        path = f"{prefix}{name}"
        if isinstance(held, brainstate.nn.Param):
            spec = getattr(held, "spec", None)
            if spec is None:
                value = held.value()
                if not np.issubdtype(np.asarray(u.get_mantissa(value)).dtype, np.floating):
                    continue
                spec = brainmass.param(value, doc="parameter").named(name)
            shape = tuple(getattr(held, "fits", np.shape(held.value())))
            yield Field(path, "Parameters", spec, shape, module, name)
        elif isinstance(held, brainstate.nn.Module):
            yield from _loose_params(held, f"{path}.", skipped)


def _node_output(model):
    return model.read_output()


def _network_output(model):
    return model.node.read_output()


def _lists_states(node) -> bool:
    """Whether the model's output is nothing but its states."""
    marks = {name: object() for name in node.declaration.states}
    try:
        out = type(node).output(SimpleNamespace(**marks))
    except Exception:
        return False
    return all(any(o is m for m in marks.values()) for o in (out if type(out) is tuple else (out,)))


def _decimals(value) -> np.ndarray:
    """Return float64 numbers whose decimals are the shortest that give the same float32."""
    array = np.asarray(value)
    return (
        array.astype(str).astype(np.float64) if array.dtype == np.float32 else array.astype(float)
    )


def _plain(part: dict) -> dict[str, Series]:
    """Return the signals of a result as (time, region) arrays with units."""
    out = {}
    for name, value in part.items():
        if name == "ts":
            continue
        leaves = value if isinstance(value, tuple | list) else (value,)
        for k, leaf in enumerate(leaves):
            place = (name, k) if isinstance(value, tuple | list) else None
            key = name if place is None else f"{name}[{k}]"
            unit = u.get_unit(leaf)
            data = np.asarray(u.get_mantissa(leaf))
            flat = data.reshape(data.shape[0], -1)
            out[key] = Series(key, unit, flat, data.shape[1:], place)
    return out


def _join(parts: list[dict[str, Series]]) -> dict[str, Series]:
    if len(parts) < 2:
        return dict(parts[0]) if parts else {}
    return {
        name: replace(first, data=np.concatenate([p[name].data for p in parts]))
        for name, first in parts[0].items()
    }


def _rows(series: dict[str, Series]) -> int:
    return next((s.data.shape[0] for s in series.values()), 0)
