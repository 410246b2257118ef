"""From weights and delays of a network to the edges that the engine reads."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .._compat import inside_trace, is_tracer
from .blocks import EdgePlan, plan_edges
from .system import Pathway, SystemRules

__all__ = ["Delays", "PathBinding", "Wiring"]


@dataclass(frozen=True)
class Delays:
    """Conduction delays in milliseconds, and the range that a live speed may give them.

    Attributes
    ----------
    value : array (edges,)
        Current delays; abstract where speed or distances are trained.
    least, most : array (edges,)
        Concrete delays at the fastest and at the slowest speed.
    interpolated : bool
        Whether delays are read between steps.
    """

    value: Any
    least: np.ndarray
    most: np.ndarray
    interpolated: bool


@dataclass(frozen=True)
class Wiring:
    """The edges of one connectome at one step size."""

    target: np.ndarray
    source: np.ndarray
    plan: EdgePlan
    delay: Any
    interpolated: bool

    @classmethod
    def build(cls, target, source, delays: Delays | None, nodes: int, dt: float) -> Wiring:
        """Plan the edges ``source -> target`` with the given delays."""
        if delays is None:
            zero = np.zeros(target.size, np.int64)
            return cls(target, source, plan_edges(target, source, zero, nodes), None, False)
        if not delays.interpolated:
            steps = to_steps(delays.value, dt)
            least, most = to_steps(delays.least, dt), to_steps(delays.most, dt)
            least = np.where(most > 0, np.maximum(least, 1), least)
            steps = np.clip(steps, least, most)
            plan = plan_edges(target, source, steps, nodes, least, most)
            return cls(target, source, plan, None, False)
        least = np.maximum(np.floor(delays.least / dt + 1e-9).astype(np.int64), 1)
        most = np.ceil(delays.most / dt - 1e-9).astype(np.int64) + 1
        most = np.where(delays.most > 0, np.maximum(most, least + 1), 0)
        least = np.where(most > 0, least, 0)
        plan = plan_edges(target, source, least, nodes, least, most)
        exact = jnp.clip(
            jnp.asarray(delays.value) / dt, np.maximum(least, 1), np.maximum(most - 1, 1)
        )
        return cls(target, source, plan, exact, True)

    @cached_property
    def edges(self) -> dict:
        """The index arrays, on the device."""
        return jax.tree.map(jax.device_put, self.plan.arrays(self.interpolated))

    @cached_property
    def traced_edges(self) -> dict:
        """The index arrays for a trace, by source too."""
        return self.plan.arrays(self.interpolated, transposed=True)


def to_steps(delay, dt: float) -> np.ndarray:
    """Return delays as the nearest whole number of steps; a delay of n * dt is exactly n."""
    return np.floor(np.asarray(delay, np.float64) / dt + 0.5 + 1e-6).astype(np.int64)


@dataclass(frozen=True)
class PathBinding:
    """One coupling of a network, ready for the engine."""

    rules: Pathway
    wiring: Wiring
    coupling: Any
    weights: Any
    delay_init: Any

    @property
    def edge_count(self) -> int:
        """Number of edges."""
        return int(self.wiring.target.size)

    def values(self, cast) -> dict:
        """Return weights, parameters and index arrays."""
        weights = self.weights
        if not is_tracer(weights):
            weights = np.asarray(weights)
        out = {
            "params": {n: cast(getattr(self.coupling, n).mantissa()) for n, _ in self.rules.units},
            "weights": cast(
                weights if weights.ndim == 1 else weights[self.wiring.target, self.wiring.source]
            ),
            "edges": self.wiring.traced_edges if inside_trace() else self.wiring.edges,
        }
        if self.rules.interpolated:
            out["delay"] = cast(self.wiring.delay)
        return out

    def past(self, rules: SystemRules):
        """Return the source before the first step, time first; None holds the initial state."""
        if not self.rules.delayed or self.delay_init is None:
            return None
        shape = (self.rules.plan[1], *rules.full_shape)
        return self.delay_init(shape)
