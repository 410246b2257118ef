"""A model at one step size: its rules, and its values in and out of the engine."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import brainstate
import brainunit as u
import jax
import jax.numpy as jnp
import numpy as np

from .._compat import is_tracer
from .._declare import uniform
from .._errors import choices
from . import doctor, streams
from .cache import Uncacheable, rules_fingerprint
from .node import NodeRules
from .program import Recording, chunk_function
from .system import SystemRules
from .traced import traced_run

__all__ = ["BoundSystem", "Clock"]


@dataclass
class Clock:
    """Where a model stands after a run: steps done, their length, and the key of its noise."""

    steps: int
    dt: float
    key: Any
    random: Any = None
    structure: Any = None
    watch: Any = None


class BoundSystem:
    """A neural mass or a network of one, ready to run at a given step and batch size.

    Parameters
    ----------
    model : NeuralMass or Network
        It gives ``engine_parts(dt)``: the node, its couplings and additional noise.
    dt : float
        Step in milliseconds.
    batch_size : int or None
        Number of independent copies.
    """

    def __init__(self, model, dt: float, batch_size: int | None):
        self.model = model
        parts = model.engine_parts(dt)
        self.node, self.paths, extra = parts
        self.prefix = "node." if self.node is not model else ""
        slots = [
            (slot, inlet, getattr(self.node, slot))
            for slot, inlet in self.node.declaration.noise_slots.items()
        ]
        slots += extra
        self.noise = {slot: noise for slot, _, noise in slots if noise is not None}
        for slot, noise in self.noise.items():
            noise.check_method(self.who, slot, self.node.method)
        inlets = self.node.declaration.inlets
        self.rules = SystemRules(
            node=self.node.rules(),
            noise=tuple(
                (slot, inlet, noise.rules(inlets[inlet].unit))
                for slot, inlet, noise in slots
                if noise is not None
            ),
            pathways=tuple(path.rules for path in self.paths),
            shape=tuple(self.node.varshape),
            batch=() if batch_size is None else (int(batch_size),),
            dt=dt,
            dtype=np.dtype(brainstate.environ.dftype()).name,
        )

    @property
    def who(self) -> str:
        """Name of the model in messages."""
        return type(self.model).__name__

    def values(self, key) -> dict:
        """Return everything that may change between runs, as bare arrays."""
        cast = self._cast
        return {
            "params": {n: cast(getattr(self.node, n).mantissa()) for n in self._params},
            "noise": {s: jax.tree.map(cast, n.mantissas()) for s, n in self.noise.items()},
            "paths": [path.values(cast) for path in self.paths],
            "key": key,
        }

    @property
    def _params(self):
        return self.node.declaration.params

    def _cast(self, value):
        if isinstance(value, jax.Array) and value.dtype == self.rules.dtype:
            return value
        if isinstance(value, jax.Array):
            return jnp.asarray(value, self.rules.dtype)
        return np.asarray(value, self.rules.dtype)

    def initial(self, values: dict, key) -> dict:
        """Return the carry before the first step: states, noise and history."""
        rules, full = self.rules, self.rules.full_shape
        y = {
            name: spec.start(getattr(self.node, f"init_{name}"), self.who, full)
            for name, spec in self.node.declaration.states.items()
        }
        noise = {}
        for k, (slot, process) in enumerate(self.noise.items()):
            if process.state_names:
                z = jax.random.normal(
                    jax.random.fold_in(key, k), process.rules().draws(rules.batch), rules.dtype
                )
                noise[slot] = jax.tree.map(self._cast, process.initial(z, rules.dt))
            else:
                noise[slot] = {}
        past = [path.past(rules) for path in self.paths]
        history = rules.start_history(values, y, past) if self.paths else []
        return {"y": y, "noise": noise, "history": history}

    @property
    def random_start(self) -> bool:
        """Whether any initial value is drawn at random."""
        starts = (getattr(self.node, f"init_{n}") for n in self.node.declaration.states)
        return any(map(callable, starts)) or getattr(self.model, "random_start", False)

    @property
    def foreign_start(self) -> bool:
        """Whether something of the user draws initial values, and not we."""
        starts = [getattr(self.node, f"init_{n}") for n in self.node.declaration.states]
        starts.append(getattr(self.model, "delay_init", None))
        return any(callable(s) and not isinstance(s, uniform) for s in starts)

    def resume(self) -> tuple[dict, Clock]:
        """Return the carry and clock that an earlier run left in the model."""
        clock = vars(self.model).get("_clock")
        if clock is None or clock.structure != self.structure:
            missing = "no earlier run" if clock is None else "a run of another dt, size or wiring"
            raise ValueError(
                f"{self.who}: init_states=False must follow an earlier run of the same model with "
                f"the same dt and batch size; got {missing}. Run once with init_states=True."
            )
        carry = self.current()
        history = vars(self.model).get("history")
        carry["history"] = [] if history is None else history.value
        return carry, clock

    def current(self) -> dict:
        """Return states and noise as they stand in the model."""
        y = {
            name: self._cast(spec.mantissa(getattr(self.node, name).value, self.who))
            for name, spec in self.node.declaration.states.items()
        }
        noise = {
            slot: {
                n: self._cast(u.get_mantissa(getattr(process, n).value))
                for n in process.state_names
            }
            for slot, process in self.noise.items()
        }
        return {"y": y, "noise": noise, "history": []}

    @property
    def structure(self):
        """What a continued run must have in common with the run it continues."""
        rules = self.rules
        return (rules.dt, rules.full_shape, rules.dtype, tuple(p.plan for p in rules.pathways))

    def store(self, carry: dict, steps: int, key) -> None:
        """Leave the final states in the model."""
        self.write_states(carry)
        if self.paths:
            _write(self.model, "history", carry["history"], brainstate.ShortTermState)
            _write(self.model, "position", np.int32(steps), brainstate.ShortTermState)
        vars(self.model)["_clock"] = Clock(steps, self.rules.dt, key, structure=self.structure)

    def write_states(self, carry: dict) -> None:
        """Write states and noise into the model."""
        for name, spec in self.node.declaration.states.items():
            _write(self.node, name, spec.attach(carry["y"][name]))
        for slot, process in self.noise.items():
            for name, value in carry["noise"][slot].items():
                unit = process.unit
                _write(process, name, value if unit.is_unitless else u.Quantity(value, unit=unit))

    def view(self, values: dict, y: dict):
        """Return a stand-in of the model whose states and parameters are the given arrays."""
        node = view_of(self.node, self.rules.node, values["params"], y)
        return node if self.node is self.model else self.model.engine_view(node)

    def identity(self):
        """Return what the program depends on beside shapes, or None if that has no identity."""
        try:
            return rules_fingerprint(self.rules)
        except Uncacheable:
            return None

    @property
    def dt(self) -> float:
        """Step in milliseconds."""
        return self.rules.dt

    @property
    def dtype(self) -> str:
        """Name of the floating-point type."""
        return self.rules.dtype

    @property
    def superblock(self) -> int:
        """Steps of the grid on which programs and noise are laid out."""
        return self.rules.superblock

    @property
    def work(self) -> int:
        """Rough number of operations of one step."""
        numbers = int(np.prod(self.rules.full_shape)) * 4 * len(self.rules.node.states)
        return numbers + sum(path.edge_count for path in self.paths)

    def shapes(self, read, values: dict, carry: dict, drive, drive_function):
        """Return the shapes of what ``read`` takes from the states."""
        shape = jax.ShapeDtypeStruct(self.rules.full_shape, self.rules.dtype)
        return jax.eval_shape(
            lambda y: read(values, y), dict.fromkeys(self.rules.node.states, shape)
        )

    def chunk(self, recording, rows: int, drive_function):
        """Return the chunk function of the eager path."""
        return chunk_function(self.rules, recording, rows, drive_function)

    def traced(self, recording, values, carry, span, drive, drive_function):
        """Run inside a trace."""
        start, stop, origin = span
        given = (drive, drive_function)
        return traced_run(self.rules, recording, values, carry, start, stop, origin, *given)

    def recording(self, observe, values: dict, every: int) -> Recording:
        """Return what the program must keep to evaluate the monitors."""
        shape = jax.ShapeDtypeStruct(self.rules.full_shape, self.rules.dtype)
        shapes = dict.fromkeys(self.rules.node.states, shape)
        closed, out = jax.make_jaxpr(lambda y: observe(values, y), return_shape=True)(shapes)
        used = {id(v) for equation in closed.jaxpr.eqns for v in equation.invars}
        used |= {id(v) for v in closed.jaxpr.outvars}
        names = sorted(shapes)
        needed = {n for n, v in zip(names, closed.jaxpr.invars, strict=True) if id(v) in used}
        states = tuple(n for n in shapes if n in needed) or tuple(shapes)[:1]
        numbers = sum(int(np.prod(leaf.shape)) for leaf in jax.tree.leaves(out))
        return Recording(states, every, observe, numbers)

    def state_names(self) -> list[str]:
        """Return the names a monitor may use."""
        return [self.prefix + name for name in self.rules.node.states]

    def read_state(self, name: str, y: dict):
        """Return one state as a quantity."""
        name = name.removeprefix(self.prefix)
        return self.node.declaration.states[name].attach(y[name])

    def read_output(self, values: dict, y: dict):
        """Return what ``update`` returns."""
        return self.rules.node.output(y, values["params"])

    def first_port(self) -> str:
        """Return the inlet that a bare input goes to."""
        return self.ports(1)[0]

    def ports(self, count: int) -> list[str]:
        """Return the first ``count`` inlets."""
        names = list(self.node.declaration.ports)
        if count > len(names):
            raise ValueError(
                f"Simulator: inputs must be at most {len(names)} for {self.who}, "
                f"{choices(names)}; got {count}. Pass fewer."
            )
        return names[:count]

    def read_input(self, name: str, value):
        """Return an input as bare numbers in the unit of its inlet."""
        ports = self.node.declaration.ports
        if name not in ports:
            raise ValueError(
                f"Simulator: inputs of {self.who} must be among {choices(ports)}; got '{name}'. "
                "Correct the name."
            )
        return ports[name].mantissa(value, self.who)

    def check_row(self, name: str, shape: tuple[int, ...]) -> None:
        """Refuse the input of one step if it does not fit the states."""
        full = self.rules.full_shape
        try:
            fits = np.broadcast_shapes(shape, full) == full
        except ValueError:
            fits = False
        if not fits:
            raise ValueError(
                f"Simulator: the input to '{name}' in one step must fit the shape {full} of "
                f"{self.who}; got {tuple(shape)}. Give one value, or one per region."
            )

    def warn_if_diverged(self, carry) -> None:
        """Warn if the final states are not finite."""
        bad = [n for n, a in carry["y"].items() if not np.isfinite(np.asarray(a)).all()]
        if bad:
            warnings.warn(
                f"{self.who}: the run diverged; {choices(bad)} is not finite at its end.",
                RuntimeWarning,
                stacklevel=5,
            )

    def diagnosis(self, failure, loop, drive, state: str, region: tuple) -> doctor.Diagnosis:
        """Find out why a run diverged."""

        def external(step: int) -> dict:
            """Return what enters from outside at one step."""
            row = step - step // self.superblock * self.superblock
            now = {name: rows[row] for name, rows in loop.rows_at(step, step + 1).items()}
            if drive.function is not None:
                now |= drive.function(loop.values["drive"], step)
            return {name: self._cast(value) for name, value in now.items()}

        identity = self.identity()
        return doctor.examine(self.rules, identity, loop.values, failure, external, state, region)

    def default_key(self, seed):
        """Return the key of a run; models without randomness never touch the random state."""
        if seed is None and not self.noise:
            return _no_key()
        return streams.run_key(seed)


def _no_key():
    global _ZERO_KEY
    if _ZERO_KEY is None:
        with jax.ensure_compile_time_eval():
            _ZERO_KEY = jax.random.key(0)
    return _ZERO_KEY


_ZERO_KEY = None


def _write(module, name: str, value, kind=brainstate.HiddenState) -> None:
    state = vars(module).get(name)
    if state is None:
        setattr(module, name, kind(value))
        return
    if isinstance(value, jax.Array):
        same = isinstance(state.value, jax.Array) and state.value.shape == value.shape
    else:
        leaves, tree = jax.tree.flatten(state.value)
        new_leaves, new_tree = jax.tree.flatten(value)
        same = tree == new_tree and all(map(_same_shape, leaves, new_leaves))
    if same and not is_tracer(state.value):
        state.value = value
    else:
        setattr(module, name, kind(value))


def _same_shape(a, b) -> bool:
    return np.shape(a) == np.shape(b)


@dataclass(frozen=True)
class _Reading:
    """A state of a view: only its value can be read."""

    value: Any


@dataclass(frozen=True)
class _Setting:
    """A parameter of a view."""

    current: Any
    fit: bool

    def value(self):
        return self.current

    def mantissa(self):
        return u.get_mantissa(self.current)


def view_of(model, rules: NodeRules, params: dict, y: dict):
    """Return a copy of ``model`` that shows the given states and parameters."""
    view = object.__new__(type(model))
    attributes = vars(view)
    attributes.update(vars(model))
    specs = rules.cls.declaration
    for name, spec in specs.states.items():
        if name in y:
            attributes[name] = _Reading(spec.attach(y[name]))
        else:
            attributes.pop(name, None)
    for name, spec in specs.params.items():
        attributes[name] = _Setting(spec.attach(params[name]), getattr(model, name).fit)
    return view
