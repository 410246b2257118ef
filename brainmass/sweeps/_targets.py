"""What a sweep can vary: every parameter of a model by its dotted name, and what enters a run."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import brainunit as u
import jax
import numpy as np
from brainstate.nn import Param

from .._declare import ParamSpec, StateSpec
from .._errors import choices
from ..dynamics import NeuralMass
from ..network import Network
from ..network._reading import read_lengths, read_weights

__all__ = ["Column", "Target", "find_target", "target_names"]

INPUTS = "inputs"
# Within such a span of speeds one compiled program serves; a wider one would make slow speeds pay
# for the short blocks that fast ones need.
_SPEEDS_PER_PROGRAM = 4.0


@dataclass(frozen=True)
class Column:
    """The checked values of one parameter, first axis: the points.

    Attributes
    ----------
    numbers : array (points, ...) or None
        Bare values in ``unit``.
    objects : list or None
        Values that are no numbers: inputs, functions, names.
    unit : brainunit.Unit
        Unit of the numbers.
    doc : str
        What the parameter means.
    axes : tuple of str
        Names of the axes behind the first.
    """

    numbers: np.ndarray | None
    objects: list | None
    unit: u.Unit
    doc: str
    axes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.objects if self.numbers is None else self.numbers)

    @property
    def scalar(self) -> bool:
        """Whether each point is one number."""
        return self.numbers is not None and self.numbers.ndim == 1

    def value(self, k: int) -> Any:
        """Return the value of one point as the model takes it."""
        if self.numbers is None:
            return self.objects[k]  # pyright: ignore[reportOptionalSubscript]
        number = self.numbers[k]
        return number if self.unit.is_unitless else u.Quantity(number, unit=self.unit)


@dataclass(frozen=True)
class Target:
    """One thing that can be varied.

    Attributes
    ----------
    name : str
        Dotted name.
    unit : brainunit.Unit
        Unit of its values.
    doc : str
        What it is.
    read : callable
        ``values -> Column``; refuses what does not fit.
    apply : callable
        ``(model, value, hint) -> None``; sets one value.
    hint : callable, optional
        ``Column -> hint``: what lets one compiled program serve all values; it travels to workers.
    structural : bool
        Whether a value decides about more than numbers that the program takes.
    bare : callable, optional
        ``value -> array`` of bare numbers in ``unit``; None where nothing can be drawn at random.
    """

    name: str
    unit: u.Unit
    doc: str
    read: Callable[[Any], Column]
    apply: Callable[[Any, Any, Any], None]
    hint: Callable[[Column], Any] | None = None
    structural: bool = True
    bare: Callable[[Any], Any] | None = None


def find_target(model, name: str) -> Target:
    """Return what ``name`` means for ``model``, or say which names there are."""
    if not isinstance(name, str):
        raise TypeError(
            f"sweep: params must have names as keys; got {name!r}. Use dotted names such as "
            "'node.a'."
        )
    if name == INPUTS:
        return _inputs()
    owner, last = _owner(model, name)
    made = None if owner is None else _target(owner, name, last)
    if made is None:
        known = list(target_names(model))
        close = difflib.get_close_matches(name, known, n=1)
        hint = f"Did you mean '{close[0]}'?" if close else "Choose one of them."
        raise ValueError(
            f"sweep: params of {type(model).__name__} must be among {choices(known)}; "
            f"got '{name}'. {hint}"
        )
    return made


def target_names(model) -> Iterator[str]:
    """Yield every name that can be varied."""
    if isinstance(model, Network):
        yield from (f"node.{name}" for name in _node_names(model.node))
        for k, coupling in enumerate(model.couplings):
            prefix = f"coupling.{k}" if isinstance(model.coupling, tuple) else "coupling"
            yield from (f"{prefix}.{name}" for name in coupling.defaults)
        if "k" in model.couplings[0].defaults:
            yield "k"
        yield "conn"
        yield from ("speed", "distance") if model.speed is not None else ()
        if model.noise is not None:
            yield from (f"noise.{name}" for name in model.noise.params)
        yield "delay_init"
    elif isinstance(model, NeuralMass):
        yield from _node_names(model)
    else:
        for path in model.nodes(Param):
            yield ".".join(map(str, path))
    yield INPUTS


def _node_names(node: NeuralMass) -> Iterator[str]:
    yield from node.declaration.params
    for slot in node.declaration.noise_slots:
        if (noise := getattr(node, slot)) is not None:
            yield from (f"{slot}.{name}" for name in noise.params)
    yield from (f"init_{name}" for name in node.declaration.states)
    yield from node.declaration.options
    yield "method"


def _owner(model, name: str) -> tuple[Any, str]:
    """Return the module that holds the last part of a dotted name."""
    *path, last = name.split(".")
    owner = model
    for part in path:
        owner = _member(owner, part)
        if owner is None:
            return None, last
    return owner, last


def _member(owner, part: str):
    if isinstance(owner, list | tuple):
        return owner[int(part)] if part.isdigit() and int(part) < len(owner) else None
    found = vars(owner).get(part)
    if found is None and isinstance(getattr(type(owner), part, None), property):
        found = getattr(owner, part)
    return found


def _target(owner, name: str, last: str) -> Target | None:
    if isinstance(owner, NeuralMass):
        declared = owner.declaration
        if last.startswith("init_") and last[5:] in declared.states:
            return _initial(owner, name, last)
        if last in declared.options or last == "method":
            return _choice(owner, name, last)
    if isinstance(owner, Network):
        if last == "delay_init":
            return _past(owner, name)
        if last == "conn":
            return _connectome(owner, name)
        if last == "distance" and owner.speed is not None:
            return _lengths(owner, name)
        if last == "speed" and owner.speed is not None:
            return _speed(owner, name)
    found = _member(owner, last)
    return _parameter(found, name) if isinstance(found, Param) else None


# -- the kinds of targets ---------------------------------------------------------------------


def _parameter(param: Param, name: str) -> Target:
    spec = getattr(param, "spec", None)
    if spec is None:
        value = param.value()
        if len(jax.tree.leaves(value)) != 1:
            raise TypeError(
                f"sweep: parameter '{name}' must hold one array; got a tree of them. "
                "Vary a parameter that is one array."
            )
        spec = ParamSpec(0.0, "parameter", name=name, unit=u.get_unit(value))
        shape, who = np.shape(u.get_mantissa(value)), "sweep"
    else:
        shape, who = param.fits, param.owner  # pyright: ignore[reportAttributeAccessIssue]
    fits = (shape[-1], shape[-1]) if spec.pairs else shape

    def read(values) -> Column:
        numbers = _numbers(values, spec, who, name)
        spec.check(_first(numbers, spec), who, shape)
        spec.check(spec.attach(numbers), who, numbers.shape if not spec.pairs else (0,))
        return Column(numbers, None, spec.unit, spec.doc, _axes(numbers))

    def read_pairs(values) -> Column:
        numbers = _numbers(values, spec, who, name)
        _exactly(numbers, fits, name)
        for row in numbers:
            spec.check(spec.attach(row), who, shape)
        return Column(numbers, None, spec.unit, spec.doc, ("target", "source"))

    def apply(model, value, hint=None) -> None:
        owner, last = _owner(model, name)
        param: Any = _member(owner, last)
        param.set_value(value)

    bare = lambda value: spec.mantissa(value, who, name)  # noqa: E731
    return Target(
        name,
        spec.unit,
        spec.doc,
        read_pairs if spec.pairs else read,
        apply,
        structural=False,
        bare=bare,
    )


def _initial(node: NeuralMass, name: str, last: str) -> Target:
    spec, who = node.declaration.states[last[5:]], type(node).__name__

    def read(values) -> Column:
        if _holds_functions(values):
            for value in values:
                if not callable(value):
                    spec.start(value, who, node.varshape)
            return Column(None, list(values), spec.unit, spec.doc)
        numbers = _numbers(values, spec, who, last)
        spec.start(_first(numbers, spec), who, node.varshape)
        spec.start(spec.attach(numbers), who, numbers.shape)
        return Column(numbers, None, spec.unit, spec.doc, _axes(numbers))

    def apply(model, value, hint=None) -> None:
        setattr(_owner(model, name)[0], last, value)

    bare = lambda value: spec.mantissa(value, who, last)  # noqa: E731
    return Target(name, spec.unit, spec.doc, read, apply, bare=bare)


def _past(net: Network, name: str) -> Target:
    system_unit = net._sent_unit(net._pathway(net.couplings[0], (1, 8, 0, 0, 0), False))
    spec = StateSpec(0.0, "source before time 0", name="delay", unit=system_unit)

    def read(values) -> Column:
        if _holds_functions(values):
            return Column(None, list(values), spec.unit, spec.doc)
        numbers = _numbers(values, spec, "Network", name)
        spec.start(_first(numbers, spec), "Network", (net.n_node,))
        spec.start(spec.attach(numbers), "Network", numbers.shape)
        return Column(numbers, None, spec.unit, spec.doc, _axes(numbers))

    def apply(model, value, hint=None) -> None:
        model.delay_init = value

    bare = lambda value: spec.mantissa(value, "Network", name)  # noqa: E731
    return Target(name, spec.unit, spec.doc, read, apply, bare=bare)


def _connectome(net: Network, name: str) -> Target:
    spec, n, edges = net.conn.spec, net.n_node, net._edges

    def one(value):
        """Return the weights of one point as the network stores them."""
        value = getattr(value, "weights", value)
        if edges is not None:
            return spec.mantissa(edges.values(value, name), "Network", name)
        weights, stored = read_weights(value, n, True)
        bare = np.asarray(spec.mantissa(weights.value(), "Network", name))
        if stored is None:
            return bare
        dense = np.zeros((n, n), bare.dtype)
        dense[stored.target, stored.source] = bare
        return dense

    def read(values) -> Column:
        if not isinstance(values, list | tuple):
            _refuse_scalar_points(values, net.conn.fits, name)
        _refuse_empty(values, name)
        numbers = np.stack([np.asarray(one(v), np.float64) for v in values])
        for row in numbers:
            spec.check(spec.attach(row), "Network", net.conn.fits)
        axes = ("target", "source") if edges is None else ("edge",)
        return Column(numbers, None, spec.unit, spec.doc, axes)

    def apply(model, value, hint=None) -> None:
        model.kept_edges = hint
        model.conn.set_value(value)

    def hint(column: Column):
        """Return the edges of all points together, if they are not the same everywhere."""
        if edges is not None:
            return None
        used = column.numbers != 0
        union = used.any(axis=0)
        return union if (union != used).any() else None

    return Target(name, spec.unit, spec.doc, read, apply, hint)


def _lengths(net: Network, name: str) -> Target:
    n, edges = net.n_node, net._edges
    speed: Any = net.speed
    unit, doc = speed.spec.unit * u.ms, "lengths of the connections"

    def read(values) -> Column:
        if not isinstance(values, list | tuple):
            _refuse_scalar_points(values, np.asarray(net.distance).shape, name)
        _refuse_empty(values, name)
        numbers = np.stack([np.asarray(read_lengths(v, speed, n, edges)[0]) for v in values])
        axes = ("target", "source") if edges is None else ("edge",)
        return Column(numbers, None, unit, doc, axes)

    def apply(model, value, hint=None) -> None:
        model.distance = np.asarray(u.get_mantissa(value), np.float64)
        model._wirings.clear()

    return Target(name, unit, doc, read, apply)


def _speed(net: Network, name: str) -> Target:
    plain = _parameter(net.speed, name)
    given = net.speed_range

    def apply(model, value, hint=None) -> None:
        number = float(np.asarray(u.get_mantissa(value)))
        chosen = (hint or {}).get(number, model.speed_range)
        if chosen != model.speed_range:
            model.speed_range = chosen
            model._wirings.clear()
        model.speed.set_value(value)

    def hint(column: Column):
        return speed_ranges(np.asarray(column.numbers).ravel(), given)

    return Target(name, plain.unit, plain.doc, plain.read, apply, hint, bare=plain.bare)


def speed_ranges(speeds: np.ndarray, given) -> dict[float, tuple[float, float] | None]:
    """Return for each speed the range whose one compiled program serves it."""
    out: dict[float, tuple[float, float] | None] = {}
    group: list[float] = []
    for speed in [*sorted({float(s) for s in speeds if np.isfinite(s)}, reverse=True), None]:
        if group and (speed is None or group[0] > speed * _SPEEDS_PER_PROGRAM):
            slow, fast = group[-1], group[0]
            if given is not None and given[0] <= slow and fast <= given[1]:
                slow, fast = given
            out |= dict.fromkeys(group, (slow, fast))
            group = []
        group.append(speed)
    return out | {float(s): None for s in speeds if not np.isfinite(s)}


def _choice(node: NeuralMass, name: str, last: str) -> Target:
    spec = node.declaration.options.get(last)
    doc = "integrator" if spec is None else spec.doc

    def read(values) -> Column:
        values = [values] if isinstance(values, str) or callable(values) else list(values)
        _refuse_empty(values, name)
        kept = getattr(node, last)
        try:
            for value in values:
                setattr(node, last, value)
        finally:
            setattr(node, last, kept)
        return Column(None, values, u.UNITLESS, doc)

    def apply(model, value, hint=None) -> None:
        setattr(_owner(model, name)[0], last, value)

    return Target(name, u.UNITLESS, doc, read, apply)


def _inputs() -> Target:
    def read(values) -> Column:
        if not isinstance(values, list | tuple) and not hasattr(values, "shape"):
            raise TypeError(
                "sweep: params['inputs'] must be a list with one input per point; got "
                f"{type(values).__name__}. Pass for example [pulse(...), pulse(...)]."
            )
        _refuse_empty(values, INPUTS)
        return Column(None, list(values), u.UNITLESS, "external input")

    return Target(INPUTS, u.UNITLESS, "external input", read, lambda model, value, hint=None: None)


# -- reading values ---------------------------------------------------------------------------


def _numbers(values, spec, who: str, name: str) -> np.ndarray:
    """Return values, first axis the points, as bare float64 numbers in the declared unit."""
    if isinstance(values, str | bytes | dict | set | bool) or values is None or callable(values):
        raise TypeError(
            f"sweep: params['{name}'] ({spec.doc}) must be an array or a list with one value per "
            f"point; got {values!r}. Pass for example np.linspace(0, 1, 11)."
        )
    if isinstance(values, list | tuple):
        _refuse_empty(values, name)
        rows = [np.asarray(spec.mantissa(_known(v, spec, name), who, name)) for v in values]
        if len({row.shape for row in rows}) > 1:
            raise ValueError(
                f"sweep: params['{name}'] ({spec.doc}) must have one shape at all points; got "
                f"{sorted({row.shape for row in rows})}. Make them alike."
            )
        array = np.stack(rows)
    else:
        array = np.asarray(spec.mantissa(values, who, name))
    if array.ndim == 0:
        raise ValueError(
            f"sweep: params['{name}'] ({spec.doc}) must have one value per point; got a single "
            "value. Pass an array or a list, or set it on the model."
        )
    if array.dtype.kind not in "fiu":
        raise TypeError(
            f"sweep: params['{name}'] ({spec.doc}) must hold real numbers; got dtype "
            f"{array.dtype}. Convert them first."
        )
    _refuse_empty(array, name)
    return array.astype(np.float64)


def _known(value, spec, name: str):
    if value is None or isinstance(value, str | bytes | dict | set | bool):
        raise TypeError(
            f"sweep: params['{name}'] ({spec.doc}) must hold numbers; got {value!r}. "
            "Pass numbers or quantities."
        )
    return value


def _first(numbers: np.ndarray, spec):
    return spec.attach(numbers[0])


def _refuse_empty(values, name: str) -> None:
    if len(values) == 0:
        raise ValueError(
            f"sweep: params['{name}'] must have at least one value; got none. Pass some values."
        )


def _exactly(numbers: np.ndarray, shape: tuple[int, ...], name: str) -> None:
    if numbers.shape[1:] != shape:
        wanted = ", ".join(map(str, shape))
        raise ValueError(
            f"sweep: params['{name}'] must have shape (points, {wanted}); got {numbers.shape}. "
            "Put the points first."
        )


def _refuse_scalar_points(values, shape: tuple[int, ...], name: str) -> None:
    """Refuse a single matrix where one per point is meant."""
    given = np.shape(u.get_mantissa(values))
    if len(given) < 2 or given == shape:
        raise ValueError(
            f"sweep: params['{name}'] must have the points first, then the shape {tuple(shape)}; "
            f"got shape {given}. Pass a list of matrices or stack them."
        )


def _holds_functions(values) -> bool:
    return isinstance(values, list | tuple) and any(map(callable, values))


def _axes(numbers: np.ndarray) -> tuple[str, ...]:
    return ("region",) if numbers.ndim == 2 else tuple(f"axis_{k}" for k in range(numbers.ndim - 1))
