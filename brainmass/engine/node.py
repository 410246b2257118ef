"""What the engine knows of a neural mass: its pure functions, and a hashable identity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import brainunit as u
import jax.numpy as jnp

from .. import _step

__all__ = ["NodeRules", "Values"]


class Values(dict):
    """A dict whose keys read as attributes, for the arguments of ``equations``."""

    __slots__ = ()

    def __getattr__(self, name: str):
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"equations: no value is called '{name}'") from None


@dataclass(frozen=True)
class NodeRules:
    """The static part of a neural mass: its class, integrator and options."""

    cls: Any
    method: str
    options: tuple[tuple[str, Any], ...] = ()

    @property
    def states(self) -> tuple[str, ...]:
        """Names of the states, in order."""
        return tuple(self.cls.declaration.states)

    def attach(self, y: dict) -> Values:
        """Return the states as quantities; those that are not given are left out."""
        specs = self.cls.declaration.states
        return Values({name: specs[name].attach(y[name]) for name in specs if name in y})

    def parameters(self, params: dict) -> Values:
        """Return parameters as quantities, with the options beside them."""
        specs = self.cls.declaration.params
        values = Values({name: specs[name].attach(params[name]) for name in specs})
        values.update(self.options)
        return values

    def rates(self, params: dict, y: dict, inputs: dict, t) -> dict:
        """Return the derivatives per millisecond, as mantissas by state."""
        kinds = self.cls.declaration
        states, values, inlets = self.attach(y), self.parameters(params), Values()
        for name, spec in kinds.inlets.items():
            if name in inputs:
                inlets[name] = spec.attach(inputs[name])
            else:
                inlets[name] = spec.now(states, values) if spec.now else spec.default
        derivative = self.cls.equations(states, values, inlets, u.Quantity(t, unit=u.ms))
        if set(derivative) != set(kinds.states):
            raise ValueError(
                f"{self.cls.__name__}: equations must return one derivative for each of "
                f"{sorted(kinds.states)}; got {sorted(derivative)}. Correct the returned dict."
            )
        return {name: self._rate(name, derivative[name], y[name]) for name in kinds.states}

    def _rate(self, name: str, rate, like):
        wanted = self.cls.declaration.states[name].unit / u.ms
        try:
            mantissa = u.Quantity(rate).to_decimal(wanted)
        except (u.UnitMismatchError, u.DimensionMismatchError):
            raise u.UnitMismatchError(
                f"{self.cls.__name__}: the derivative of '{name}' must be in [{wanted}]; "
                f"got [{u.get_unit(rate)}]. Correct the equations."
            ) from None
        return jnp.broadcast_to(jnp.asarray(mantissa, like.dtype), like.shape)

    def advance(self, params: dict, y: dict, drive, t, dt: float) -> dict:
        """Return the states one step later.

        ``drive(y, c)`` gives the inputs by inlet at the stage time ``t + c * dt``.
        """
        names = self.states

        def rates(values, c):
            now = dict(zip(names, values, strict=True))
            out = self.rates(params, now, drive(now, c), t + c * dt)
            return tuple(out[name] for name in names)

        values = _step.stepper(self.method)(rates, tuple(y[n] for n in names), dt)
        return {n: self._clamped(n, v) for n, v in zip(names, values, strict=True)}

    def _clamped(self, name: str, value):
        clamp = self.cls.declaration.states[name].clamp
        return value if clamp is None else jnp.clip(value, *clamp)

    def output(self, y: dict, params: dict | None = None):
        """Return what ``update`` returns, for the given states and parameters."""
        if self.cls.output_reads_parameters:
            return self.cls.output(self.attach(y), self.parameters(params or {}))
        return self.cls.output(self.attach(y))
