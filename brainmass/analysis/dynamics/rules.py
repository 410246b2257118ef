"""The static part of a flow: pure functions of bare arrays, and a hashable identity."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np

from ...engine.node import NodeRules
from ...engine.system import SystemRules

__all__ = ["FlowRules"]


@dataclass(frozen=True)
class FlowRules:
    """The static part of a flow: code, names and shape, without any number.

    Attributes
    ----------
    node : NodeRules
        The neural mass.
    system : SystemRules or None
        The couplings of a network, without delays.
    rows : tuple of (str, str)
        Kind and name of each row of ``w``: ``'param'``, ``'input'``, or the index of a coupling.
    shape : tuple of int
        Shape of one state: (1,) for a single region.
    """

    node: NodeRules
    system: SystemRules | None
    rows: tuple[tuple[str, str], ...]
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """Number of variables."""
        return len(self.node.states) * int(np.prod(self.shape))

    def bind(self, fixed: dict) -> Callable:
        """Return ``rates(w, y, t=0)`` with what never changes computed beforehand."""
        prepared: dict[str, Any] = {}
        if self.system is not None:
            params = {n: jnp.zeros(()) for n in self.node.cls.declaration.params}
            values = {"params": params, "noise": {}, "paths": fixed["paths"], "key": None}
            prepared = self.system.prepare(values)

        def rates(w, y, t=0.0):
            parts = self._read(w, fixed)
            states = dict(zip(self.node.states, y.reshape(-1, *self.shape), strict=True))
            inputs = parts["input"]
            if self.system is not None:
                inputs = self._coupled(self.system, prepared, parts, states)
            out = self.node.rates(parts["param"], states, inputs, t)
            return jnp.concatenate([out[n].ravel() for n in self.node.states])

        return rates

    def _read(self, w, fixed: dict) -> dict[str, dict]:
        parts: dict[str, dict] = {"param": dict(fixed["pairs"]), "input": {}}
        for row, (kind, name) in zip(w, self.rows, strict=True):
            parts.setdefault(kind, {})[name] = row
        return parts

    def _coupled(self, system: SystemRules, prepared: dict, parts: dict, states: dict) -> dict:
        """Return the inputs with the coupling currents of the present states added."""
        paths = [
            {**path, "params": parts.get(str(k), {})} for k, path in enumerate(prepared["paths"])
        ]
        now = {**prepared, "params": parts["param"], "paths": paths}
        none = [None] * len(paths)
        currents = system.coupling_inputs(now, states, 0.0, 0, none, [()] * len(paths))
        inputs = dict(parts["input"])
        for inlet, current in currents.items():
            inputs[inlet] = inputs[inlet] + current
        return inputs
