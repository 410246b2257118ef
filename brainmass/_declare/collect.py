"""Everything that one model class declares, read from its body."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

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
        return cls(*kinds)

    @property
    def ports(self) -> dict[str, InletSpec]:
        """The inlets that are arguments of ``update``."""
        return {name: spec for name, spec in self.inlets.items() if spec.port}

    @property
    def noise_slots(self) -> dict[str, str]:
        """Noise slot names and the inlet that each one enters."""
        return {spec.noise: name for name, spec in self.inlets.items() if spec.noise}


def _complete(spec: Spec, name: str) -> Spec:
    if isinstance(spec, InletSpec) and spec.noise == "":
        spec = replace(spec, noise="noise_" + name.removesuffix("_inp"))
    if isinstance(spec, StateSpec) and isinstance(spec.default, uniform):
        spec = replace(spec, unit=spec.default.unit)
    return spec.named(name)
