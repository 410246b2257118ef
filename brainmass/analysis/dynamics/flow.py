"""A model as a bare flow dy/dt = f(y) in double precision, compiled once per structure.

A :class:`Flow` holds every number of a model as an argument, so that a changed number never
compiles. States are one flat vector, state after state, in the units in which the model declares
them; time is in milliseconds.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import brainunit as u
import jax
import numpy as np

from ..._compat import is_tracer, quick_to_compile
from ..._declare import ParamSpec, Spec, StateSpec
from ..._errors import choices
from ...dynamics import NeuralMass
from ...engine.cache import Uncacheable, programs, rules_fingerprint
from ...engine.node import Values
from ...engine.system import SystemRules
from ...network import Network
from .rules import FlowRules

__all__ = ["Flow", "flow_of", "mapping", "milliseconds", "shortest"]


_timeless: set = set()
"""Structures whose equations are known not to read the time."""


class Flow:
    """A model at given numbers: names, units, and compiled functions of its equations.

    Parameters
    ----------
    model : NeuralMass or Network
        A single region of a neural mass, or all regions of a network without its delays.
    at : dict, optional
        Values of parameters and inputs by name in place of those of the model.
    region : int, optional
        Which region of a neural mass with several.
    who : str
        The function that was called, for messages.
    """

    def __init__(self, model, at=None, region: int | None = None, who: str = "analysis"):
        self.who, self.model = who, model
        self.node: NeuralMass = _node_of(model, who)
        self.network = isinstance(model, Network)
        kinds = self.node.declaration
        self.states: dict[str, StateSpec] = dict(kinds.states)
        self.region = self._read_region(region)
        whole = self.network or not self.node.elementwise
        self.shape = tuple(self.node.varshape) if whole else (1,)
        self.specs: dict[tuple[str, str], Spec] = {}
        rows: dict[tuple[str, str], np.ndarray] = {}
        fixed: dict[str, Any] = {"pairs": {}, "paths": []}
        for name, spec in kinds.params.items():
            value = self._number(getattr(self.node, name).mantissa(), name)
            if spec.pairs:
                fixed["pairs"][name] = value
            else:
                self.specs["param", name] = spec
                rows["param", name] = self._own(value)
        system = self._couple(rows, fixed) if self.network else None
        driven = {path.target for path in system.pathways} if system else set()
        for name, spec in kinds.ports.items():
            self.specs["input", name] = spec
            start = 0.0 if name in driven else float(u.get_mantissa(spec.default))
            rows["input", name] = np.full(self.shape, start)
        self.rules = FlowRules(self.node.rules(), system, tuple(rows), self.shape)
        self.fixed = fixed
        self.w = np.stack(list(rows.values())) if rows else np.zeros((0, *self.shape))
        self._identity = self._find_identity()
        self._kernels: dict[Any, Callable] = {}
        for name, value in mapping(at, who, "at", "a value").items():
            self.set(name, value)
        self._refuse_time()

    # -- reading the model --------------------------------------------------------------------

    def _read_region(self, region: int | None) -> int | None:
        count = int(np.prod(self.node.varshape))
        if self.network or not self.node.elementwise:
            if region is not None:
                raise ValueError(
                    f"{self.who}: region must be left out for a model whose regions are coupled; "
                    f"got {region}. Pass `network.node` to analyse one region alone."
                )
            return None
        if region is not None and not 0 <= region < count:
            raise ValueError(
                f"{self.who}: region must be from 0 to {count - 1}; got {region}. Correct it."
            )
        return region

    def _number(self, value, name: str) -> np.ndarray:
        if is_tracer(value):
            raise TypeError(
                f"{self.who}: parameter '{name}' must be a number; got a traced value. Call it "
                "outside of jit, grad and vmap."
            )
        return shortest(value)

    def _own(self, value: np.ndarray) -> np.ndarray:
        """Return one number per region, or that of the chosen region."""
        if self.shape == tuple(self.node.varshape):
            return np.broadcast_to(value, self.shape).astype(float)
        values = np.broadcast_to(value, self.node.varshape).ravel()
        if self.region is None and np.ptp(values) > 0:
            raise ValueError(
                f"{self.who}: region must be given where parameters differ between regions; got "
                f"none for {values.size} regions. Pass for example region=0."
            )
        return values[[self.region or 0]].astype(float)

    def _couple(self, rows: dict, fixed: dict) -> SystemRules:
        """Read the couplings of a network as if nothing were delayed."""
        bare = self.model.engine_view(self.node)
        vars(bare).update(speed=None, distance=None, speed_range=None, _wirings={})
        paths = tuple(bare.engine_parts(1.0)[1])
        for k, path in enumerate(paths):
            values = path.values(lambda value: np.asarray(value, np.float64))
            for name, _ in path.rules.units:
                held = getattr(path.coupling, name)
                self.specs[str(k), name] = held.spec
                value = self._number(held.mantissa(), name)
                rows[str(k), name] = np.broadcast_to(value, self.shape).astype(float)
            values["params"] = {}
            fixed["paths"].append(values)
        rules = tuple(path.rules for path in paths)
        return SystemRules(self.node.rules(), (), rules, self.shape, (), 1.0, "float64")

    def _find_identity(self):
        try:
            return rules_fingerprint(self.rules)
        except Uncacheable:
            return None

    def _refuse_time(self) -> None:
        known = self._identity is not None and self._identity in _timeless
        if not known and self._reads_time():
            raise ValueError(
                f"{self.who}: the equations of {type(self.node).__name__} must not depend on time; "
                "got ones that do. Analyse the model without its time-dependent term."
            )
        if self._identity is not None:
            if len(_timeless) > 512:
                _timeless.clear()
            _timeless.add(self._identity)

    def _reads_time(self) -> bool:
        with jax.enable_x64(True):
            rates = self.rules.bind(self.fixed)
            y = np.zeros(self.rules.size)
            traced = jax.make_jaxpr(lambda t: rates(self.w, y, t))(0.0)
        time = traced.jaxpr.invars[0]
        return any(time is v for eqn in traced.jaxpr.eqns for v in eqn.invars)

    # -- numbers by name ----------------------------------------------------------------------

    @property
    def names(self) -> list[str]:
        """Names that ``at`` may use."""
        return [name for _, name in self.rules.rows]

    def row(self, name: str) -> int:
        """Return the row of ``w`` that belongs to a name, such as 'a', 'node.a', 'k', 'x_inp'."""
        bare = name.removeprefix("node.")
        # A coupling's k comes before a parameter of the node of that name.
        order = sorted(range(len(self.rules.rows)), key=lambda i: self.rules.rows[i][0])
        if name.startswith("node."):
            order = order[::-1]
        for index in order:
            if self.rules.rows[index][1] == bare:
                return index
        raise ValueError(
            f"{self.who}: names of numbers must be among {choices(self.names)}; got '{name}'. "
            "Correct the name."
        )

    def spec(self, name: str) -> Spec:
        """Return the declaration behind a name."""
        return self.specs[self.rules.rows[self.row(name)]]

    def read(self, name: str, value) -> np.ndarray:
        """Return a value of that name as a checked number per region, in the declared unit."""
        spec, model = self.spec(name), type(self.node).__name__
        if isinstance(spec, ParamSpec):
            mantissa = spec.check(value, model, self.shape)
        else:
            mantissa = spec.mantissa(value, model)
        number = self._number(mantissa, name)
        if not np.all(np.isfinite(number)):
            raise ValueError(
                f"{self.who}: '{name}' ({spec.doc}) must be finite; got {number}. Pass numbers."
            )
        return np.broadcast_to(number, self.shape).astype(float)

    def set(self, name: str, value) -> None:
        """Set a parameter or input."""
        self.w[self.row(name)] = self.read(name, value)

    def direction(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Return ``w`` without that number, and where to add it, for a path along it."""
        row = self.row(name)
        w, e = self.w.copy(), np.zeros(len(self.w))
        w[row], e[row] = 0.0, 1.0
        return w, e

    # -- states by name -----------------------------------------------------------------------

    @property
    def regions(self) -> int:
        """Numbers per state."""
        return int(np.prod(self.shape))

    def index(self, name: str) -> int:
        """Return the position of a state."""
        names = list(self.states)
        if name not in names:
            raise ValueError(
                f"{self.who}: states must be among {choices(names)}; got '{name}'. "
                "Choose one of them."
            )
        return names.index(name)

    def bare(self, name: str, value) -> np.ndarray:
        """Return values of a state as finite bare numbers in its unit."""
        self.index(name)
        number = self._number(
            self.states[name].mantissa(value, type(self.node).__name__, name), name
        )
        if not np.all(np.isfinite(number)):
            raise ValueError(
                f"{self.who}: state '{name}' must be finite; got {value}. Pass finite numbers."
            )
        return number

    def pack(self, state: dict | None) -> np.ndarray:
        """Return states by name as one vector; those that are missing start as in the model."""
        values = self.start()
        for name, value in mapping(state, self.who, "state", "a value").items():
            number = self.bare(name, value)
            if number.shape not in ((), (1,), self.shape):
                raise ValueError(
                    f"{self.who}: state '{name}' must be one number, or have the shape "
                    f"{self.shape}; got {number.shape}. Pass one value, or one per region."
                )
            values[self.index(name)] = number
        return values.ravel()

    def start(self) -> np.ndarray:
        """Return the initial states of the model, (state, region); the middle of random ones."""
        out = []
        for name, spec in self.states.items():
            value = getattr(self.node, f"init_{name}")
            if callable(value):
                ends = [getattr(value, end, 0.0 * spec.unit) for end in ("low", "high")]
                value = sum(float(u.Quantity(end).to_decimal(spec.unit)) for end in ends) / 2
                out.append(np.full(self.shape, value))
                continue
            number = self._number(spec.mantissa(value, type(self.node).__name__), name)
            number = np.broadcast_to(number, self.node.varshape)
            if self.shape != tuple(self.node.varshape):
                number = number.ravel()[[self.region or 0]]
            out.append(number.astype(float))
        return np.stack(out)

    def attach(self, y: np.ndarray) -> dict[str, Any]:
        """Return vectors ``(..., size)`` as values by name: scalars for a single region."""
        shape = self.shape if self.network or self.shape != (1,) else ()
        parts = y.reshape(*y.shape[:-1], len(self.states), *(shape or ()))
        axis = y.ndim - 1
        out = Values()
        for k, (name, spec) in enumerate(self.states.items()):
            value = np.take(parts, k, axis=axis)
            out[name] = spec.attach(float(value) if value.ndim == 0 else value)
        return out

    @property
    def clamps(self) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper limits of the states, infinite where there are none."""
        ends = [spec.clamp or (None, None) for spec in self.states.values()]
        low = [-np.inf if lo is None else lo for lo, _ in ends]
        high = [np.inf if hi is None else hi for _, hi in ends]
        return np.repeat(low, self.regions).astype(float), np.repeat(high, self.regions)

    @property
    def dt(self) -> float:
        """Step in ms at which the model is known to be integrated well."""
        return float(u.Quantity(self.node.suggested_dt).to_decimal(u.ms))

    # -- compiled functions -------------------------------------------------------------------

    def _cached(self, key, build):
        """Return what was built for this structure, here or in the cache of the process."""
        if key not in self._kernels:
            whole = None if self._identity is None else ("analysis", key, self._identity)
            self._kernels[key] = programs.get(whole, build)
        return self._kernels[key]

    def call(self, kernel: Callable, *args, static: tuple = (), often: bool = False):
        """Run ``kernel(rules, *static)(fixed, *args)`` in double precision, compiled once.

        Arguments are arrays or numbers; the result comes back as NumPy arrays. What runs ``often``
        is compiled to run fast, the rest to compile fast.
        """
        shapes = tuple(np.shape(a) for a in args)
        with jax.enable_x64(True):
            run = self._cached(
                (kernel.__module__, kernel.__name__, static, shapes),
                lambda: _Program(kernel(self.rules, *static), often),
            )
            return jax.tree.map(np.asarray, run(self.fixed, *args))


class _Program:
    """A compiled function; threads that need it while it compiles wait instead of doing it too."""

    def __init__(self, function: Callable, often: bool):
        options = {} if often else quick_to_compile()
        self._run = jax.jit(function, compiler_options=options)
        self._lock = threading.Lock()
        self._ready = False

    def __call__(self, *args):
        if self._ready:
            return self._run(*args)
        with self._lock:
            out = self._run(*args)
            self._ready = True
            return out


def flow_of(model, at=None, region=None, who: str = "analysis") -> Flow:
    """Return the flow of a model; one that was made before is used as it is."""
    return model if isinstance(model, Flow) else Flow(model, at, region, who)


def mapping(given, who: str, argument: str, what: str) -> dict:
    """Return a dict by name; nothing is an empty one."""
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise TypeError(
            f"{who}: {argument} must be a dict with {what} by name; got {given!r}. "
            f'Pass for example {argument}={{"x": ...}}.'
        )
    return given


def milliseconds(value, who: str, name: str, least: float | None = None) -> float:
    """Return a time that a user gave as a number of milliseconds, above ``least``."""
    unit = u.get_unit(value)
    number = float("nan")
    if unit.has_same_dim(u.ms) and np.ndim(u.get_mantissa(value)) == 0:
        number = float(u.Quantity(value).to_decimal(u.ms))
    if not np.isfinite(number) or number < (0.0 if least is None else least):
        raise ValueError(
            f"{who}: {name} must be a {'positive' if least is None else 'non-negative'} time; "
            f"got {value!r}. Pass for example {name}=100 * u.ms."
        )
    return number


def _node_of(model, who: str) -> NeuralMass:
    node = model.node if isinstance(model, Network) else model
    if isinstance(node, NeuralMass):
        return node
    got = f"the class {model.__name__}" if isinstance(model, type) else type(model).__name__
    raise TypeError(
        f"{who}: model must be a *Step model or a Network of one; got {got}. "
        "Pass for example HopfStep(1)."
    )


def shortest(value) -> np.ndarray:
    """Return numbers in double precision; a single-precision 0.1 becomes 0.1 again.

    Models hold single-precision numbers. The shortest decimal that gives the same one is what was
    typed, and a neighbour closer than its rounding where it was not.
    """
    array = np.asarray(value)
    if array.dtype == np.float32:
        return array.astype(str).astype(np.float64)
    return array.astype(np.float64)
