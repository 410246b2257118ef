"""What the engine knows of coupled neural masses: pure functions of bare arrays."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import brainunit as u
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from .. import _step
from .._compat import is_tracer
from .._declare import unit_of
from . import blocks, streams
from .node import NodeRules, Values

__all__ = ["Pathway", "SystemRules"]


@dataclass(frozen=True)
class Pathway:
    """The static part of one coupling: what is sent, how it is summed, where it arrives.

    Attributes
    ----------
    coupling : type
        Class with the pure functions ``pre`` and ``post``.
    units : tuple of (str, Unit)
        Units of the coupling's parameters.
    weight_unit : Unit
        Unit of the weights.
    source : str or callable
        A state, or a function of the states and parameters of the node.
    target : str
        The inlet that receives the current.
    plan : tuple
        Structure of the edge plan.
    interpolated : bool
        Whether delays are real numbers, read by linear interpolation.
    """

    coupling: Any
    units: tuple[tuple[str, u.Unit], ...]
    weight_unit: u.Unit
    source: Any
    target: str
    plan: tuple[int, ...]
    interpolated: bool = False

    @property
    def delayed(self) -> bool:
        """Whether any edge reads the past."""
        return self.plan[2] + self.plan[3] > 0

    @property
    def elementwise(self) -> bool:
        """Whether every region is known to send and receive on its own."""
        known = isinstance(self.source, str) or getattr(self.source, "elementwise", False)
        return known and self.coupling.elementwise

    @property
    def feature_count(self) -> int:
        """How many arrays a region sends."""
        return self.coupling.features

    def sent(self, node: NodeRules, params: dict, y: dict):
        """Return what a node sends, before any transformation, as a quantity."""
        states = node.attach(y)
        if callable(self.source):
            return self.source(states, node.parameters(params))
        return states[self.source]

    def features(self, path: dict, sent) -> tuple:
        """Return the transformed source as bare arrays, and their units."""
        features = self.coupling.pre(sent, self.parameters(path))
        features = features if isinstance(features, tuple) else (features,)
        return tuple(u.get_mantissa(f) for f in features), tuple(map(unit_of, features))

    def parameters(self, path: dict) -> Values:
        """Return the parameters of the coupling as quantities."""
        return Values(
            {
                name: path["params"][name]
                if unit.is_unitless
                else u.Quantity(path["params"][name], unit=unit)
                for name, unit in self.units
            }
        )

    def current(self, node: NodeRules, path: dict, totals: tuple, units: tuple, sent, like):
        """Return the coupling current as a mantissa in the unit of the target inlet."""
        totals = tuple(
            u.Quantity(total, unit=unit * self.weight_unit)
            for total, unit in zip(totals, units, strict=True)
        )
        degree = u.Quantity(path["degree"], unit=self.weight_unit)
        current = self.coupling.post(totals, sent, degree, self.parameters(path))
        spec = node.cls.declaration.inlets[self.target]
        mantissa = spec.mantissa(current, f"Network of {node.cls.__name__}, coupling current")
        return jnp.broadcast_to(jnp.asarray(mantissa, like.dtype), like.shape)


@dataclass(frozen=True)
class SystemRules:
    """A node, its noise and its couplings at one step size: all that is static about a run."""

    node: NodeRules
    noise: tuple[tuple[str, str, Any], ...]
    pathways: tuple[Pathway, ...]
    shape: tuple[int, ...]
    batch: tuple[int, ...]
    dt: float
    dtype: str

    @property
    def full_shape(self) -> tuple[int, ...]:
        """Shape of every state."""
        return (*self.batch, *self.shape)

    @property
    def superblock(self) -> int:
        """Steps for which noise is drawn at once; fixed by the size of the model alone."""
        values = 1
        for n in self.full_shape:
            values *= n
        return streams.superblock_steps(values * max(1, len(self.noise)))

    @property
    def block(self) -> int:
        """Steps for which delayed coupling is computed at once."""
        delayed = [path.plan[0] for path in self.pathways if path.delayed]
        return min([self.superblock, *delayed]) if delayed else self.superblock

    @property
    def has_adjoint(self) -> bool:
        """Whether our own adjoint serves: regions meet only through edges longer than a block."""
        blocked = [path.plan[3] + path.plan[4] == 0 for path in self.pathways]
        blocked += [path.elementwise for path in self.pathways]
        delayed = any(path.delayed for path in self.pathways)
        noise = all(rules.elementwise for _, _, rules in self.noise)
        return delayed and all(blocked) and noise and self.node.cls.elementwise

    @property
    def lookahead(self) -> int:
        """Whole steps that one step of the integrator looks ahead."""
        return _step.stages(self.node.method)

    def prepare(self, values: dict) -> dict:
        """Compute once per run what does not change in it: padded weights and window starts."""
        return {
            "params": values["params"],
            "noise": {
                slot: rules.prepare(values["noise"][slot], self.dt) for slot, _, rules in self.noise
            },
            "paths": [
                self._prepare_path(path, v)
                for path, v in zip(self.pathways, values["paths"], strict=True)
            ],
            "keys": self.keys(values["key"]),
            "drawn": values.get("drawn", {}),
        }

    def keys(self, key) -> dict:
        """Return the random key of every noise slot of a run."""
        return {slot: streams.slot_key(key, slot) for slot, *_ in self.noise}

    def drawn(self, keys: dict, superblock, steps: tuple[int, ...]) -> dict:
        """Return independent normal numbers of a superblock by noise slot."""
        return {
            slot: streams.draw(
                keys[slot], superblock, (*steps, *noise.draws(self.batch)), self.dtype
            )
            for slot, _, noise in self.noise
        }

    def normal(self, prepared: dict, superblock, steps: tuple[int, ...]) -> dict:
        """Return the normal numbers of a superblock by noise slot, correlated as asked for."""
        if prepared["drawn"]:
            size = self.superblock
            cut = partial(lax.dynamic_slice_in_dim, start_index=superblock * size, slice_size=size)
            drawn = jax.tree.map(cut, prepared["drawn"])
        else:
            drawn = self.drawn(prepared["keys"], superblock, steps)
        return {slot: n.color(drawn[slot], prepared["noise"][slot]) for slot, _, n in self.noise}

    def _prepare_path(self, path: Pathway, values: dict) -> dict:
        weights = jnp.concatenate([values["weights"], jnp.zeros(1, values["weights"].dtype)])
        out: dict[str, Any] = {"params": values["params"]}
        degree = jnp.zeros(self.shape, weights.dtype)
        for kind, edges in values["edges"].items():
            weight = weights[edges["slot"]]
            degree = degree + weight.sum(axis=1)
            if kind == "instant":
                out[kind] = self._instant(weight, edges["source"])
                continue
            out[kind] = {name: edges[name] for name in ("source", "back") if name in edges}
            if path.interpolated:
                delays = jnp.concatenate([values["delay"], jnp.ones(1, weights.dtype)])
                delay = delays[edges["slot"]]
                whole = lax.stop_gradient(jnp.floor(delay))
                steps, late = whole.astype(jnp.int32), delay - whole
                out[kind]["reads"] = ((weight * (1 - late), steps), (weight * late, steps + 1))
            else:
                out[kind]["reads"] = ((weight, edges["delay"]),)
        out["degree"] = degree
        return out

    def _instant(self, weight, source):
        nodes = self.shape[-1]
        if weight.shape[1] * 4 < nodes:
            return {"source": source, "weight": weight}
        rows = jnp.arange(nodes)[:, None]
        return {"matrix": jnp.zeros((nodes, nodes), weight.dtype).at[rows, source].add(weight)}

    def start_history(self, values: dict, y: dict, before: list) -> list:
        """Return the history of every pathway: ``before`` for the past, then the states ``y``.

        Where ``before`` is None the states are held as they are.
        """
        histories = []
        for path, v, past in zip(self.pathways, values["paths"], before, strict=True):
            if not path.delayed:
                histories.append(())
                continue
            prepared = {"params": v["params"]}
            sent = path.sent(self.node, values["params"], y)
            now, _ = path.features(prepared, sent)
            if past is None:
                then = [array[None] for array in now]
            else:
                unit = unit_of(sent)
                past = past if unit.is_unitless else u.Quantity(past, unit=unit)
                then, _ = path.features(prepared, past)
            columns = partial(self._columns, path.plan[1])
            histories.append(tuple(map(columns, then, now)))
        return histories

    def _columns(self, length: int, then, now):
        """Join the past (time, ...nodes) and the present (...nodes) to node-major columns."""
        if not is_tracer((then, now)):
            columns = np.zeros((*self.full_shape, length + 1 + self.superblock), self.dtype)
            then = np.broadcast_to(then, (length, *self.full_shape))
            columns[..., :length] = np.moveaxis(then, 0, -1)
            columns[..., length] = now
            return columns
        now = jnp.broadcast_to(jnp.asarray(now, self.dtype), self.full_shape)
        then = jnp.broadcast_to(jnp.asarray(then, self.dtype), (length, *self.full_shape))
        ahead = jnp.zeros((*self.full_shape, self.superblock), self.dtype)
        return jnp.concatenate([jnp.moveaxis(then, 0, -1), now[..., None], ahead], axis=-1)

    def block_sums(self, prepared: dict, history: list, column) -> list:
        """Return the delayed sums of every pathway for the block that starts at ``column``."""
        width = self.block + self.lookahead
        out = []
        for path, p, features in zip(self.pathways, prepared["paths"], history, strict=True):
            if "blocked" not in p:
                out.append(None)
                continue
            sums = tuple(self.window_sums(path, p["blocked"], h, column, width) for h in features)
            out.append(sums)
        return out

    def window_sums(self, path, edges, history, column, width: int):
        """Return the delayed sums of one feature for ``width`` steps from ``column`` on."""
        return sum(
            blocks.delayed_sum(
                history, weight, edges["source"], path.plan[1] - delay + column, width
            )
            for weight, delay in edges["reads"]
        )

    def coupling_inputs(self, prepared, y, c, lane, sums, recent) -> dict:
        """Return the coupling currents by inlet at the stage time ``lane + c`` of the block."""
        inputs: dict[str, Any] = {}
        like = next(iter(y.values()))
        for k, (path, p) in enumerate(zip(self.pathways, prepared["paths"], strict=True)):
            sent = path.sent(self.node, prepared["params"], y)
            totals, units = path.features(p, sent)
            parts = [self._instant_sum(p.get("instant"), f) for f in totals]
            if sums[k] is not None:
                late = [_at_stage(partial(_row, rows, lane), c) for rows in sums[k]]
                parts = [a + b for a, b in zip(parts, late, strict=True)]
            if "short" in p:
                read = [partial(self._short_sum, p["short"], r, lane) for r in recent[k]]
                parts = [a + _at_stage(r, c) for a, r in zip(parts, read, strict=True)]
            current = path.current(self.node, p, tuple(parts), units, sent, like)
            inputs[path.target] = inputs.get(path.target, 0.0) + current
        return inputs

    def _instant_sum(self, edges, feature):
        if edges is None:
            return jnp.zeros(self.full_shape, self.dtype)
        feature = jnp.broadcast_to(feature, self.full_shape)
        if "matrix" in edges:
            return feature @ edges["matrix"].T
        return jnp.einsum("ij,...ij->...i", edges["weight"], feature[..., edges["source"]])

    def _short_sum(self, edges, recent, lane, ahead):
        """Read single samples of edges shorter than a block; ``recent`` starts a block earlier."""
        flat = recent.reshape(*recent.shape[:-2], -1)
        first = edges["source"] * recent.shape[-1] + self.block + lane + ahead
        return sum(
            jnp.einsum("ij,...ij->...i", weight, flat[..., first - delay])
            for weight, delay in edges["reads"]
        )

    def step(self, prepared, y, noise, z, inputs, t, stage_inputs):
        """Return states and noise states one step later."""
        base, staged, noise_after = dict(inputs), [], {}
        for slot, inlet, rules in self.noise:
            params = prepared["noise"][slot]
            noise_after[slot], value = rules.advance(noise[slot], z[slot], params, self.dt)
            if rules.amplitude is not None and rules.staged:
                staged.append((inlet, partial(rules.modulated, value, params)))
                continue
            if rules.amplitude is not None:
                value = rules.modulated(value, params, self.node.attach(y))
            _add(base, inlet, value)

        def drive(now, c):
            total = dict(base)
            for inlet, modulated in staged:
                _add(total, inlet, modulated(self.node.attach(now)))
            for inlet, current in stage_inputs(now, c).items():
                _add(total, inlet, current)
            return total

        y = self.node.advance(prepared["params"], y, drive, t, self.dt)
        return y, noise_after


def _add(inputs: dict, inlet: str, value) -> None:
    inputs[inlet] = inputs[inlet] + value if inlet in inputs else value


def _row(rows, lane, ahead):
    return rows[lane + ahead]


def _at_stage(read, c):
    """Read at a stage: at whole steps directly, between them by linear interpolation."""
    if isinstance(c, float | int) and c in (0.0, 1.0):
        return read(int(c))
    now = read(0)
    return now + c * (read(1) - now)
