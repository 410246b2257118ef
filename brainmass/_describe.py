"""Signature and docstring of a model class, written from its declaration."""

from __future__ import annotations

import inspect
from typing import Any

import brainunit as u

from ._declare import Declaration, ParamSpec, Spec, StateSpec

__all__ = ["document", "signature"]


def signature(declaration: Declaration, method: str) -> inspect.Signature:
    """Return the signature of the constructor, with the declared defaults."""
    kind = inspect.Parameter.KEYWORD_ONLY
    entries = [inspect.Parameter("in_size", inspect.Parameter.POSITIONAL_OR_KEYWORD)]
    defaults: dict[str, Any] = {n: s.default for n, s in declaration.params.items()}
    defaults |= {n: s.default for n, s in declaration.options.items()}
    defaults |= dict.fromkeys(declaration.noise_slots)
    defaults |= {f"init_{n}": s.default for n, s in declaration.states.items()}
    defaults["method"] = method
    entries += [inspect.Parameter(n, kind, default=value) for n, value in defaults.items()]
    return inspect.Signature(entries)


def document(cls) -> str:
    """Build the class docstring: what the author wrote, then the generated sections."""
    written = inspect.cleandoc(vars(cls).get("__doc__") or f"{cls.__name__} model.")
    kinds = cls.declaration
    lines = ["Parameters", "----------", "in_size : int or tuple of int"]
    lines += ["    Shape of the population of nodes."]

    def entry(name: str, spec: Spec, text: str) -> list[str]:
        return [f"{name} : {_kind(spec)}, default {_shown(spec)}", f"    {text}"]

    for name, spec in kinds.params.items():
        text = spec.doc[0].upper() + spec.doc[1:]
        if spec.bounds:
            text += f"; useful range {spec.bounds[0]:g} to {spec.bounds[1]:g}"
        if spec.domain != "real":
            text += f"; must be {spec.domain}"
        lines += entry(name, spec, text + (f" ({spec.source})." if spec.source else "."))
    for name, spec in kinds.options.items():
        lines += entry(name, spec, spec.doc[0].upper() + spec.doc[1:] + ".")
    for slot, inlet in kinds.noise_slots.items():
        lines += [f"{slot} : Noise, optional", f"    Noise that enters {inlet}, in its unit."]
    for name, spec in kinds.states.items():
        lines += entry(f"init_{name}", spec, f"Initial value of the state: {spec.doc}.")
    lines += [
        f"method : str, default '{cls.default_method}'",
        "    Integrator; an unknown name lists the known.",
    ]
    lines += ["", "Notes", "-----", "States: "]
    lines[-1] += "; ".join(f"``{n}`` {s.doc} [{s.unit}]" for n, s in kinds.states.items()) + "."
    if kinds.ports:
        ports = (f"``{n}`` {s.doc} [{s.unit}]" for n, s in kinds.ports.items())
        lines += ["Inputs, in order; a network couples into the first: " + "; ".join(ports) + "."]
    if cls.ranges:
        lines += [f"Useful ranges: {cls.ranges}."]
    if cls.presets:
        lines += ["Presets: " + ", ".join(f"'{name}'" for name in cls.presets) + "."]
    if cls.reference:
        lines += ["", "References", "----------", f".. [1] {cls.reference}"]
    head, marker, examples = written.partition("\nExamples\n")
    return "\n".join([head.rstrip(), "", *lines]) + (f"\n{marker}{examples}" if marker else "")


def _shown(spec: Spec) -> str:
    """Write a default; formatting a quantity would load array packages that nobody asked for."""
    default = spec.default
    if isinstance(default, u.Quantity):
        return f"{u.get_mantissa(default)!r} {u.get_unit(default)}"
    return str(getattr(default, "__name__", default))


def _kind(spec: Spec) -> str:
    if not isinstance(spec, ParamSpec | StateSpec):
        return "hashable"
    return "brainunit.Quantity" if spec.dimensional else "float"
