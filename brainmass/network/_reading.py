"""What a network is given: sources, targets, couplings, weights, lengths and speeds, checked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import brainunit as u
import numpy as np
from brainstate.nn import Param

from .._compat import is_tracer
from .._declare import ParamSpec
from .._errors import UnitError, choices
from .._param import DeclaredParam
from ..coupling import Coupling, coupling_named
from ..dynamics import NeuralMass


@dataclass(frozen=True)
class Expression:
    """A sum or difference of two states, written as text."""

    elementwise: ClassVar[bool] = True

    first: str
    sign: str
    second: str

    def __call__(self, s, p):
        return (
            s[self.first] - s[self.second] if self.sign == "-" else s[self.first] + s[self.second]
        )


@dataclass(frozen=True)
class OfStates:
    """A function of the states alone."""

    function: Callable

    def __call__(self, s, p):
        return self.function(s)


def read_source(source, node: NeuralMass):
    states = node.declaration.states
    if source is None:
        raise ValueError(
            f"Network: coupled_var (the state that is sent) must be one of {choices(states)}; "
            "got none. Pass coupled_var=... or source=...."
        )
    if isinstance(source, str):
        parts = source.split()
        if source in states:
            return source
        if len(parts) == 3 and parts[1] in "+-" and {parts[0], parts[2]} <= set(states):
            return Expression(*parts)
        raise ValueError(
            f"Network: coupled_var (the state that is sent) must be one of {choices(states)}, or a "
            f"sum or difference of two; got {source!r}. Choose one of them."
        )
    if not callable(source):
        raise TypeError(
            f"Network: source must be a name or a function of the states; got {source!r}. "
            "Pass for example source=lambda s: s.E - s.I."
        )
    code = getattr(source, "__code__", None)
    return OfStates(source) if code is not None and code.co_argcount == 1 else source


def read_target(target, node: NeuralMass) -> str:
    ports = node.declaration.ports
    if target is None:
        if not ports:
            raise ValueError(
                f"Network: node must have an input to couple into; got {type(node).__name__} "
                "without one. Declare an inlet."
            )
        return next(iter(ports))
    if target not in ports:
        raise ValueError(
            f"Network: target (inlet that receives the coupling) must be one of {choices(ports)}; "
            f"got {target!r}. Choose one of them."
        )
    return target


def read_couplings(coupling, k):
    if isinstance(coupling, str):
        return coupling_named(coupling, **({} if k is None else {"k": k}))
    several = isinstance(coupling, list | tuple)
    items = tuple(coupling) if several else (coupling,)
    if not items or not all(isinstance(c, Coupling) for c in items):
        raise TypeError(
            f"Network: coupling must be a name, a Coupling or a list of them; got {coupling!r}. "
            "Pass for example coupling='diffusive'."
        )
    if k is not None:
        raise ValueError(
            "Network: k must be given once; got k beside a Coupling object. Pass k to the object."
        )
    return items if several else items[0]


def is_laplacian(conn) -> bool:
    """Whether the diagonal of ``conn`` is part of what it means."""
    return isinstance(conn, Param) and conn.precompute is not None


@dataclass(frozen=True)
class Edges:
    """The connections of a sparse connectome, by target, then by source.

    Attributes
    ----------
    target, source : array (edges,)
        Indices of the regions.
    nodes : int
        Number of regions.
    """

    target: np.ndarray
    source: np.ndarray
    nodes: int

    def values(self, matrix, name: str):
        """Return the numbers of ``matrix`` at the edges: sparse, dense, or one number per edge."""
        unit, bare = u.get_unit(matrix), u.get_mantissa(matrix)
        sparse = _entries(bare)
        if sparse is not None:
            target, source, numbers, shape = sparse
            self._refuse_shape(shape, name)
            keys, wanted = target * self.nodes + source, self.target * self.nodes + self.source
            place = np.minimum(np.searchsorted(keys, wanted), max(len(keys) - 1, 0))
            if len(keys) < len(wanted) or not np.array_equal(keys[place], wanted):
                raise ValueError(
                    f"Network: {name} must have an entry for each of the {len(wanted)} connections "
                    "of the sparse conn; got one without some of them. Store explicit zeros, or "
                    "build a new Network."
                )
            bare = numbers[place]
        elif np.shape(bare) != self.target.shape:
            self._refuse_shape(np.shape(bare), name)
            bare = bare[self.target, self.source]
        return bare if unit.is_unitless else u.Quantity(bare, unit=unit)

    def _refuse_shape(self, shape, name: str) -> None:
        if tuple(shape) != (self.nodes, self.nodes):
            raise ValueError(
                f"Network: {name} must have shape ({self.nodes}, {self.nodes}), or "
                f"({self.target.size},) for one number per connection; got {tuple(shape)}. "
                "Pass one of these."
            )


def _entries(matrix):
    """Return targets, sources, values and shape of a sparse matrix, in order; None for others."""
    if hasattr(matrix, "tocoo"):  # scipy.sparse
        matrix = matrix.tocoo()
        target, source, values = matrix.row, matrix.col, matrix.data
    elif hasattr(matrix, "todense") and len(matrix.shape) == 2:  # jax.experimental.sparse
        matrix = matrix if hasattr(matrix, "indices") else matrix.to_bcoo()
        matrix = matrix if np.ndim(matrix.indices) == 2 else matrix.to_bcoo()
        (target, source), values = np.asarray(matrix.indices).T, matrix.data
    else:
        return None
    key = np.asarray(target, np.int64) * matrix.shape[1] + source
    order = np.argsort(key, kind="stable")
    distinct, first = np.unique(key[order], return_index=True)
    values = values[order]
    if len(distinct) < len(key):  # entries that are given twice add up
        values = np.add.reduceat(np.asarray(values), first)
    return distinct // matrix.shape[1], distinct % matrix.shape[1], values, matrix.shape


def read_weights(conn, n: int, own: bool) -> tuple[DeclaredParam, Edges | None]:
    """Return the weights, and the edges they belong to if ``conn`` is sparse.

    ``own`` says whether the connections of a region with itself count.
    """
    if isinstance(conn, list | tuple):
        conn = np.asarray(conn)
    value = conn.value() if isinstance(conn, Param) else conn
    unit = u.get_unit(value)
    spec = ParamSpec(0.0, "weights of the connectome", name="conn", unit=unit)
    entries = _entries(u.get_mantissa(value))
    if entries is not None:
        target, source, numbers, shape = entries
        _refuse_size(shape, n)
        kept = np.full(target.shape, True) if own else target != source
        edges = Edges(target[kept], source[kept], n)
        return DeclaredParam.adopt(
            spec.attach(numbers[kept]), spec, "Network", (edges.target.size,)
        ), edges
    shape = np.shape(u.get_mantissa(value))
    if shape == (n * n,) and not isinstance(conn, Param):
        conn = value = u.math.reshape(u.math.asarray(value), (n, n))
        shape = (n, n)
    _refuse_size(shape, n)
    return DeclaredParam.adopt(conn, spec, "Network", (n, n)), None


def _refuse_size(shape, n: int) -> None:
    if tuple(shape) != (n, n):
        raise ValueError(
            f"Network: conn (weights) must have shape ({n}, {n}) for a node of {n} regions; "
            f"got {tuple(shape)}. Size the node or the connectome."
        )


def read_lengths(distance, speed, n: int, edges: Edges | None):
    """Return lengths as bare numbers in the unit of speed * ms, and the speed as a parameter."""
    if (distance is None) != (speed is None):
        given, missing = ("distance", "speed") if speed is None else ("speed", "distance")
        raise ValueError(
            f"Network: distance and speed must be given together; got {given} without {missing}. "
            "Pass both for delays, neither for none."
        )
    if distance is None:
        return None, None
    if edges is not None:
        distance = edges.values(distance, "distance")
    current = speed.value() if isinstance(speed, Param) else speed
    unit = u.get_unit(current)
    bare = unit.is_unitless and u.get_unit(distance).is_unitless
    per_ms = u.get_unit(distance) if bare else unit * u.ms
    if not per_ms.has_same_dim(u.get_unit(distance)):
        raise UnitError(
            "Network: distance / speed must be a time; got distance in "
            f"[{u.get_unit(distance)}] and speed in [{unit}]. Pass for example distance in mm "
            "and speed=10 * u.mm / u.ms."
        )
    lengths = np.asarray(u.Quantity(distance).to_decimal(per_ms), np.float64)
    if edges is None and lengths.shape != (n, n):
        raise ValueError(
            f"Network: distance must have shape ({n}, {n}); got {lengths.shape}. "
            "Pass one length per connection."
        )
    if not np.isfinite(lengths).all() or (lengths < 0).any():
        raise ValueError(
            "Network: distance must be finite and non-negative; got "
            f"{lengths[~(np.isfinite(lengths) & (lengths >= 0))][0]:g}. Correct the matrix."
        )
    start = np.nan if is_tracer(current) else float(np.asarray(u.get_mantissa(current)))
    spec = ParamSpec(start, "conduction speed", name="speed", unit=unit, domain="speed")
    return lengths, DeclaredParam.adopt(speed, spec, "Network", ())


def read_range(speed_range, speed):
    if speed_range is None:
        return None
    pair = isinstance(speed_range, tuple | list) and len(speed_range) == 2
    if speed is None or not pair:
        got = type(speed_range).__name__ if not pair else "no speed"
        raise ValueError(
            "Network: speed_range must be (slowest, fastest) beside distance and speed; "
            f"got {got}. Pass two speeds."
        )
    slow, fast = (float(speed.spec.check(v, "Network", ())) for v in speed_range)
    if not 0 < slow <= fast:
        raise ValueError(
            f"Network: speed_range must be (slowest, fastest); got ({slow:g}, {fast:g}). "
            "Give the slower speed first."
        )
    return slow, fast
