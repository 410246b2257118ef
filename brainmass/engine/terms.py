"""The additive terms of an expression, as text and as numbers: which of them is largest.

The expression is traced; sums are taken apart, also where they are multiplied or divided by
something, and what is left is written in the names of the arguments.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from jax.extend.core import Literal, jaxpr_as_fun

__all__ = ["Term", "largest_term", "terms_of"]

_SUMS = ("add", "add_any", "sub")
_SIGNS = {"add": " + ", "add_any": " + ", "sub": " - ", "mul": " * ", "div": " / "}
_SAME = (
    *("convert_element_type", "broadcast_in_dim", "reshape", "squeeze", "copy", "stop_gradient"),
    *("copy_p", "pvary", "optimization_barrier"),
)
_CALLS = ("pjit", "jit", "closed_call", "custom_jvp_call", "custom_vjp_call", "remat", "checkpoint")
_NAMES = {"logistic": "sigmoid", "select_n": "where", "integer_pow": "power"}
_LONGEST = 90


@dataclass(frozen=True)
class Term:
    """One summand: what it is, and what it is worth."""

    text: str
    value: float


@dataclass(frozen=True)
class _Expression:
    """A node of an expression: the operation, its arguments, its value.

    ``binds`` says how tightly the text holds together: 0 a sum, 1 a product, 2 a power, 3 an atom.
    """

    operation: str
    arguments: tuple
    value: Any
    text: str
    binds: int = 3

    def within(self, binds: int) -> str:
        """Return the text for a place that needs something as tight as that."""
        return self.text if self.binds >= binds else f"({self.text})"


def terms_of(function: Callable, arguments: dict[str, Any], region: tuple = ()) -> list[Term]:
    """Return the additive terms of ``function(**arguments)`` for one region.

    Evaluated in double precision, so that a term near overflow is still a number.
    """
    with jax.enable_x64(True):
        values = {name: np.asarray(v, np.float64) for name, v in arguments.items()}
        closed = jax.make_jaxpr(lambda given: function(**given))(values)
        # JAX sorts the keys of a dict.
        leaves = [_Expression("name", (), values[n], n) for n in sorted(values)]
        with np.errstate(all="ignore"):
            (whole,) = _walk(closed, leaves)
            found = _expand(whole)
    shape = np.shape(whole.value)
    return [
        Term(_shortened(text), float(np.broadcast_to(value, shape)[region]))
        for text, value in found
    ]


def largest_term(terms: list[Term]) -> Term | None:
    """Return the term of largest size; one that is not finite is larger than all others."""
    if not terms:
        return None
    return max(terms, key=lambda t: abs(t.value) if np.isfinite(t.value) else np.inf)


def _walk(closed, inputs: list[_Expression]) -> list[_Expression]:
    jaxpr = closed.jaxpr
    known: dict[int, _Expression] = {}
    for var, value in zip(jaxpr.constvars, closed.consts, strict=True):
        known[id(var)] = _constant(value)
    for var, expression in zip(jaxpr.invars, inputs, strict=True):
        known[id(var)] = expression

    def read(atom) -> _Expression:
        return _constant(atom.val) if isinstance(atom, Literal) else known[id(atom)]

    for equation in jaxpr.eqns:
        outs = _apply(equation, [read(atom) for atom in equation.invars])
        for var, out in zip(equation.outvars, outs, strict=True):
            known[id(var)] = out
    return [read(atom) for atom in jaxpr.outvars]


def _constant(value) -> _Expression:
    value = np.asarray(value)
    text = f"{float(value):.6g}" if value.ndim == 0 and value.dtype.kind in "fiub" else "constant"
    return _Expression("constant", (), value, text, 1 if text.startswith("-") else 3)


def _apply(equation, arguments: list[_Expression]) -> list[_Expression]:
    name = equation.primitive.name
    inner = _inner(equation)
    if inner is not None and len(inner.jaxpr.invars) == len(arguments):
        if inner.jaxpr.eqns and _is_plain(inner):
            return _walk(inner, arguments)
        values = jaxpr_as_fun(inner)(*(a.value for a in arguments))
        called = equation.params.get("name", name)
        if called == "_where":
            arguments = [arguments[0], arguments[2], arguments[1]]
        return [_call(called, arguments, v) for v in values]
    outs = _evaluate(equation, [a.value for a in arguments])
    if name in _SAME:
        return [_Expression(a.operation, a.arguments, v, a.text, a.binds)
                for a, v in zip(arguments, outs, strict=False)]  # fmt: skip
    return [_combined(name, equation.params, arguments, v) for v in outs]


def _evaluate(equation, values: list) -> list:
    """Return what an equation gives; NumPy where it can, as JAX would compile every operation."""
    name = equation.primitive.name
    if name in _NUMPY:
        return [_NUMPY[name](*values)]
    if name == "integer_pow":
        return [np.asarray(values[0], np.float64) ** equation.params["y"]]
    if name == "select_n" and len(values) == 3:
        return [np.where(values[0], values[2], values[1])]
    out = equation.primitive.bind(*values, **equation.params)
    return [np.asarray(v) for v in (out if equation.primitive.multiple_results else [out])]


_NUMPY: dict[str, Callable] = {
    "add": np.add, "add_any": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide,
    "neg": np.negative, "pow": np.power, "square": np.square, "exp": np.exp, "log": np.log,
    "tanh": np.tanh, "sin": np.sin, "cos": np.cos, "sqrt": np.sqrt, "abs": np.abs,
    "expm1": np.expm1, "log1p": np.log1p, "max": np.maximum, "min": np.minimum, "lt": np.less,
    "gt": np.greater, "le": np.less_equal, "ge": np.greater_equal, "eq": np.equal,
    "logistic": lambda x: 1 / (1 + np.exp(-x)), "stop_gradient": lambda x: x,
}  # fmt: skip


def _inner(equation):
    if equation.primitive.name not in _CALLS:
        return None
    inner = equation.params.get("jaxpr", equation.params.get("call_jaxpr"))
    return inner if hasattr(inner, "consts") else None


def _is_plain(inner) -> bool:
    """Whether a function is a formula that can be written out, not one known by its name."""
    known = {*_SUMS, *_SAME, "mul", "div", "neg", "integer_pow", "pow", "square"}
    return all(e.primitive.name in known or _inner(e) is not None for e in inner.jaxpr.eqns)


def _combined(name: str, params: dict, arguments, value) -> _Expression:
    args = tuple(arguments)
    if name in _SIGNS:
        binds = 0 if name in _SUMS else 1
        if name in ("mul", "div") and (kept := _scaled(args, name)) is not None:
            return _Expression("scale", kept, value, kept[0].text, kept[0].binds)
        right = binds + (name in ("sub", "div"))
        text = args[0].within(binds) + _SIGNS[name] + args[1].within(right)
        return _Expression(name, args, value, text, binds)
    if name == "neg":
        return _Expression(name, args, value, f"-{args[0].within(1)}", 1)
    if name in ("integer_pow", "pow", "square"):
        exponent = {"integer_pow": str(params.get("y")), "square": "2"}.get(name)
        exponent = args[1].within(3) if exponent is None else exponent
        return _Expression(name, args, value, f"{args[0].within(3)}**{exponent}", 2)
    return _call(_NAMES.get(name, name), arguments, value)


def _scaled(args: tuple, name: str):
    """Return expression and factor where one is a power of 1000: a conversion of units.

    The text leaves such factors out; sums within are taken apart all the same.
    """
    for one, other in (args, args[::-1])[: 1 + (name == "mul")]:
        factor, kept = (one, other) if name == "mul" else (other, one)
        if factor.operation != "constant" or np.ndim(factor.value) or kept.operation == "constant":
            continue
        number = float(factor.value)
        if number > 0 and abs((np.log10(number) + 1.5) % 3 - 1.5) < 1e-9:
            return kept, _constant(number if name == "mul" else 1 / number)
    return None


def _call(name: str, arguments, value) -> _Expression:
    name = name.lstrip("_")
    if name == "where" and len(arguments) == 3:
        known = [arguments[0], arguments[2], arguments[1]]
    else:
        known = [a for a in arguments if a.operation != "constant" or np.ndim(a.value) == 0]
    text = ", ".join(a.text for a in known)
    return _Expression(name, tuple(arguments), value, f"{name}({text})", 3)


def _expand(whole: _Expression) -> list[tuple[str, float]]:
    """Return text and value of every summand."""
    name, args = whole.operation, whole.arguments
    if name in _SUMS:
        first, second = _expand(args[0]), _expand(args[1])
        return first + ([_negative(t) for t in second] if name == "sub" else second)
    if name == "neg":
        return [_negative(t) for t in _expand(args[0])]
    if name == "scale":
        return [(text, value * args[1].value) for text, value in _expand(args[0])]
    if name == "mul":
        for sum_, factor in (args, args[::-1]):
            if _is_sum(sum_):
                return [_times(t, factor, " * ") for t in _expand(sum_)]
    if name == "div" and _is_sum(args[0]):
        return [_times(t, args[1], " / ") for t in _expand(args[0])]
    return [(whole.text, whole.value)]


def _is_sum(whole: _Expression) -> bool:
    if whole.operation in ("neg", "scale"):
        return _is_sum(whole.arguments[0])
    if whole.operation in ("mul", "div"):
        inside = whole.arguments[: 1 if whole.operation == "div" else 2]
        return any(map(_is_sum, inside))
    return whole.operation in _SUMS


def _negative(term: tuple[str, float]) -> tuple[str, float]:
    text, value = term
    return (text[1:] if text.startswith("-") else f"-{text}"), -value


def _times(term: tuple[str, float], factor: _Expression, sign: str) -> tuple[str, float]:
    text, value = term
    with np.errstate(all="ignore"):
        new = value / factor.value if sign == " / " else value * factor.value
    if sign == " * " and text == "1":
        return factor.within(1), new
    return text + sign + factor.within(2 if sign == " / " else 1), new


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 4]} ..."
