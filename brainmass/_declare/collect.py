"""Everything that one model class declares, read from its body."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import brainunit as u

from .._errors import choices
from .functions import uniform
from .specs import InletSpec, OptionSpec, ParamSpec, Spec, StateSpec

__all__ = ["Declaration"]


@dataclass(frozen=True)
class Declaration:
    """Everything one model class declares, by kind and in order."""

    params: dict[str, ParamSpec]
    states: dict[str, StateSpec]
    inlets: dict[str, InletSpec]
    options: dict[str, OptionSpec]

    @classmethod
    def collect(cls, owner: type, inherited: Declaration | None) -> Declaration:
        """Read the class body of ``owner`` on top of what it inherits."""
        kinds: list[dict[str, Any]] = [{}, {}, {}, {}]
        if inherited is not None:
            kinds = [
                dict(k)
                for k in (inherited.params, inherited.states, inherited.inlets, inherited.options)
            ]
        order = (ParamSpec, StateSpec, InletSpec, OptionSpec)
        for name, value in list(vars(owner).items()):
            known = [name in kind for kind in kinds]
            if any(known) and (value is None or isinstance(value, Spec)):
                for kind in kinds:
                    kind.pop(name, None)
            for kind, spec in zip(kinds, order, strict=True):
                if isinstance(value, spec):
                    kind[name] = _complete(value, name)
                    delattr(owner, name)
        params, states, inlets, options = kinds
        for name, spec in inlets.items():
            if spec.source:
                inlets[name] = _of_the_past(spec, states, params, owner.__name__)
        return cls(params, states, inlets, options)

    @property
    def ports(self) -> dict[str, InletSpec]:
        """The inlets that are arguments of ``update``."""
        return {name: spec for name, spec in self.inlets.items() if spec.port}

    @property
    def past(self) -> dict[str, InletSpec]:
        """The inlets that receive the past of a state."""
        return {name: spec for name, spec in self.inlets.items() if spec.source}

    @property
    def noise_slots(self) -> dict[str, str]:
        """Noise slot names and the inlet that each one enters."""
        return {spec.noise: name for name, spec in self.inlets.items() if spec.noise}


def _of_the_past(spec: InletSpec, states: dict, params: dict, who: str) -> InletSpec:
    """Give the past of a state the unit of that state, or say what it lacks."""
    if spec.source not in states:
        raise TypeError(
            f"{who}: delayed '{spec.name}' must name one of the states {choices(states)}; "
            f"got '{spec.source}'. Declare the state or correct the name."
        )
    if spec.delay not in params or not params[spec.delay].unit.has_same_dim(u.ms):
        raise TypeError(
            f"{who}: delayed '{spec.name}' must name a parameter that is a time; got "
            f"'{spec.delay}'. Declare for example {spec.delay} = param(1.0 * u.ms, "
            'domain="nonnegative", ...).'
        )
    unit = states[spec.source].unit
    return replace(spec, unit=unit, default=0.0 if unit.is_unitless else u.Quantity(0.0, unit=unit))


def _complete(spec: Spec, name: str) -> Spec:
    if isinstance(spec, InletSpec) and spec.noise == "":
        spec = replace(spec, noise="noise_" + name.removesuffix("_inp"))
    if isinstance(spec, StateSpec) and isinstance(spec.default, uniform):
        spec = replace(spec, unit=spec.default.unit)
    return spec.named(name)
