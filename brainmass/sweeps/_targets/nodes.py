"""Parameters, initial values and choices of models."""

from __future__ import annotations

from typing import Any

import brainunit as u
import jax
import numpy as np
from brainstate.nn import Param

from ..._declare import ParamSpec
from ...dynamics import NeuralMass
from .base import INPUTS, Column, Target, member_of, owner_of
from .values import (
    axes_of,
    first_of,
    holds_functions,
    read_numbers,
    refuse_empty,
    refuse_other_shapes,
)

__all__ = ["choice", "initial_value", "inputs", "parameter"]


def parameter(param: Param, name: str) -> Target:
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
        numbers = read_numbers(values, spec, who, name)
        spec.check(first_of(numbers, spec), who, shape)
        spec.check(spec.attach(numbers), who, numbers.shape if not spec.pairs else (0,))
        return Column(numbers, None, spec.unit, spec.doc, axes_of(numbers))

    def read_pairs(values) -> Column:
        numbers = read_numbers(values, spec, who, name)
        refuse_other_shapes(numbers, fits, name)
        for row in numbers:
            spec.check(spec.attach(row), who, shape)
        return Column(numbers, None, spec.unit, spec.doc, ("target", "source"))

    def apply(model, value, hint=None) -> None:
        owner, last = owner_of(model, name)
        param: Any = member_of(owner, last)
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


def initial_value(node: NeuralMass, name: str, last: str) -> Target:
    spec, who = node.declaration.states[last[5:]], type(node).__name__

    def read(values) -> Column:
        if holds_functions(values):
            for value in values:
                if not callable(value):
                    spec.start(value, who, node.varshape)
            return Column(None, list(values), spec.unit, spec.doc)
        numbers = read_numbers(values, spec, who, last)
        spec.start(first_of(numbers, spec), who, node.varshape)
        spec.start(spec.attach(numbers), who, numbers.shape)
        return Column(numbers, None, spec.unit, spec.doc, axes_of(numbers))

    def apply(model, value, hint=None) -> None:
        setattr(owner_of(model, name)[0], last, value)

    bare = lambda value: spec.mantissa(value, who, last)  # noqa: E731
    return Target(name, spec.unit, spec.doc, read, apply, bare=bare)


def choice(node: NeuralMass, name: str, last: str) -> Target:
    spec = node.declaration.options.get(last)
    doc = "integrator" if spec is None else spec.doc

    def read(values) -> Column:
        values = [values] if isinstance(values, str) or callable(values) else list(values)
        refuse_empty(values, name)
        kept = getattr(node, last)
        try:
            for value in values:
                setattr(node, last, value)
        finally:
            setattr(node, last, kept)
        return Column(None, values, u.UNITLESS, doc)

    def apply(model, value, hint=None) -> None:
        setattr(owner_of(model, name)[0], last, value)

    return Target(name, u.UNITLESS, doc, read, apply)


def inputs() -> Target:
    def read(values) -> Column:
        if not isinstance(values, list | tuple) and not hasattr(values, "shape"):
            raise TypeError(
                "sweep: params['inputs'] must be a list with one input per point; got "
                f"{type(values).__name__}. Pass for example [pulse(...), pulse(...)]."
            )
        refuse_empty(values, INPUTS)
        return Column(None, list(values), u.UNITLESS, "external input")

    return Target(INPUTS, u.UNITLESS, "external input", read, lambda model, value, hint=None: None)
