"""Delays within a node: its own past as an input, through the same history that networks use."""

from __future__ import annotations

from typing import Any

import brainstate
import brainunit as u
import jax.numpy as jnp
import numpy as np

from .. import _step
from .._compat import is_tracer
from . import superblock
from .bind import BoundSystem
from .system import Pathway
from .wiring import Delays, PathBinding, Wiring, to_steps

__all__ = ["delay_pathway", "node_wiring", "own_pathways", "start_by_hand", "step_by_hand"]


class _Own:
    """What a node sends to itself: the state as it is."""

    features = 1
    elementwise = True

    @staticmethod
    def pre(x, p):
        return x

    @staticmethod
    def post(total, x, degree, p):
        return total[0]


def own_pathways(node, dt: float) -> tuple[PathBinding, ...]:
    """Return one pathway for every delayed state of a node whose delay is not zero."""
    paths = []
    regions = np.arange(node.varshape[-1])
    for name, spec in node.declaration.past.items():
        wiring = node_wiring(node, name, getattr(node, spec.delay), (regions, regions), dt)
        if wiring is not None:
            paths.append(delay_pathway(_Own, None, (), (spec.source, name), wiring, 1.0))
    return tuple(paths)


def delay_pathway(coupling, owner, names, ends, wiring, weights) -> PathBinding:
    """Return the pathway ``ends`` (source, target) within a node, whose weights have no unit.

    ``names`` are the parameters of ``owner`` that the coupling reads.
    """
    units = tuple((name, getattr(owner, name).spec.unit) for name in names)
    plan, late = wiring.plan.structure, wiring.interpolated
    source, target = ends
    rules = Pathway(coupling, units, u.UNITLESS, source, target, plan, late)
    nodes = wiring.plan.blocked.source.shape[0]
    weights = weights if np.ndim(weights) == 2 else np.broadcast_to(weights, (nodes, nodes))
    return PathBinding(rules, wiring, owner, weights, None)


def node_wiring(node, name: str, parameter, edges, dt: float) -> Wiring | None:
    """Return the delayed edges ``(target, source)`` within a node; None where no time passes.

    The delays are those of ``parameter``, one per node or per pair of nodes. Edges of concrete
    delays are remembered with the node.
    """
    known, value = vars(node).setdefault("_wirings", {}), parameter.mantissa()
    key = (name, dt, edges[0].size)
    if key in known and known[key][1] is value and not is_tracer(value):
        return known[key][0]
    delays = _read_delays(parameter, value, edges, node, dt)
    wiring = None
    if delays is not None:
        target, source = edges
        wiring = Wiring.build(target, source, delays, node.varshape[-1], dt)
    if delays is None or not delays.interpolated:
        known[key] = (wiring, value)
    return wiring


def _read_delays(parameter, value, edges, node, dt: float) -> Delays | None:
    """Return the delay of every edge, and the range for which the same program serves.

    Changing one delay per node within its bounds changes no structure, so nothing is compiled.
    """
    spec = parameter.spec
    per_unit = float(u.Quantity(1.0, unit=spec.unit).to_decimal(u.ms))
    traced = parameter.fit or is_tracer(value)
    value = value if traced else np.asarray(value, np.float64)
    value = _per_edge(jnp if traced else np, value * per_unit, edges, node, spec)
    usual = float(u.get_mantissa(spec.default))
    low, high = (b * per_unit for b in spec.bounds or (usual / 2, usual * 2))
    if traced:
        least, most = (np.full(value.shape, end) for end in (max(low, dt), max(high, 2 * dt)))
        return Delays(value, least, most, True)
    value = np.where(to_steps(value, dt) == 0, 0.0, value)
    if not value.any():
        return None
    if spec.bounds is None or spec.pairs:
        return Delays(value, value, value, False)
    least = np.where(value > 0, np.minimum(value, low), 0.0)
    most = np.where(value > 0, np.maximum(value, high), 0.0)
    return Delays(value, least, most, False)


def _per_edge(array, value, edges, node, spec):
    """Return one delay per edge from one per node of the last axis, or one per pair."""
    target, source = edges
    nodes = node.varshape[-1]
    if spec.pairs:
        return array.broadcast_to(value, (nodes, nodes))[target, source]
    rows = value.reshape(-1, value.shape[-1]) if value.ndim else value[None, None]
    if rows.shape[0] > 1:
        raise ValueError(
            f"{type(node).__name__}: parameter '{spec.name}' ({spec.doc}) must be one value or one "
            f"per node along the last axis; got shape {value.shape}. Use the same delays in "
            "every row."
        )
    return array.broadcast_to(rows[0], nodes)


def start_by_hand(model, batch_size: int | None) -> None:
    """Allocate or reset the history of a model that is stepped by hand."""
    vars(model).pop("_clock", None)
    model.position = brainstate.ShortTermState(jnp.int32(0))
    dt = brainstate.environ.get("dt", None)
    if dt is None:
        model.history = brainstate.ShortTermState([])
        return
    system = BoundSystem(model, _step.milliseconds(dt), batch_size)
    y = {n: u.get_mantissa(getattr(system.node, n).value) for n in system.rules.node.states}
    values = system.values(None)
    past = [path.past(system.rules) for path in system.paths]
    model.history = brainstate.ShortTermState(system.rules.start_history(values, y, past))


def step_by_hand(model, given: dict[str, Any]) -> None:
    """Advance a model with a history by one step of ``brainstate.environ``'s ``dt``."""
    dt = brainstate.environ.get("dt", None)
    if dt is None or "history" not in vars(model):
        raise ValueError(
            f"{type(model).__name__}: update needs dt in brainstate.environ and initialised "
            f"states; got {'no dt' if dt is None else 'no states'}. Use environ.context(dt=...) "
            "and init_all_states() within it, or a Simulator."
        )
    system = BoundSystem(model, _step.milliseconds(dt), _batch_of(model))
    values = system.values(brainstate.random.split_key() if system.noise else None)
    carry = system.current()
    carry["history"] = model.history.value
    rules = system.rules
    given = {
        n: jnp.broadcast_to(jnp.asarray(v, rules.dtype), rules.full_shape) for n, v in given.items()
    }
    carry = superblock.single_step(rules, values, carry, model.position.value, given)
    system.write_states(carry)
    model.history.value = carry["history"]
    model.position.value = model.position.value + 1


def _batch_of(model) -> int | None:
    node = getattr(model, "node", model)
    first = getattr(node, next(iter(node.declaration.states))).value
    return np.shape(first)[0] if np.ndim(first) > len(node.varshape) else None
