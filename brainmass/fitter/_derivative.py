"""Value and gradient of a traced loss: in reverse, forward, or whichever suits it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.core import ClosedJaxpr, Jaxpr, jaxpr_as_fun, primitives
from jax.flatten_util import ravel_pytree

__all__ = ["MODES", "choose_mode", "differentiable_forward", "value_and_gradient"]

MODES = ("auto", "reverse", "forward")

# Measured with JAX on a CPU, see the benchmarks. A reverse pass costs three times a run and more,
# for any number of parameters. Forward, a run is computed once and each parameter adds its
# tangents: next to nothing while the vectors in the loop are short, about half of a run from some
# hundred numbers on, and a whole one where the loop carries delay lines. Through delays whose
# simulation brings its own reverse rule, reverse costs as much as one parameter in forward.
_MOST_FORWARD = 6
_MOST_FORWARD_WIDE = 2
_WIDE = 20_000
_MOST_LANES = 512


def choose_mode(mode: str, jaxpr: ClosedJaxpr, theta: Any) -> str:
    """Return how a traced loss, whose first arguments are the leaves of theta, is differentiated.

    ``'auto'`` is forward where that is cheaper, and where reverse is impossible, as through a loop
    whose length is a value. It follows from the program alone, so that a fit done again takes the
    same way.
    """
    if mode != "auto":
        return mode
    leaves = jax.tree.leaves(theta)
    if _forward_is_cheaper(jaxpr.jaxpr, sum(leaf.size for leaf in leaves)):
        return "forward"
    reversible = not _has_open_loop(jaxpr.jaxpr) or _reverses(jaxpr, len(leaves))
    return "reverse" if reversible else "forward"


def _forward_is_cheaper(jaxpr: Jaxpr, count: int) -> bool:
    if _has_custom_reverse(jaxpr, around_loops=True):
        return count == 1
    width = max(_loop_widths(jaxpr), default=0)
    most = _MOST_FORWARD if 0 < width <= _WIDE else _MOST_FORWARD_WIDE
    return count <= most or 0 < count * width <= _MOST_LANES


def _loop_widths(jaxpr: Jaxpr) -> Iterator[int]:
    """Return how many real numbers each loop carries from step to step."""
    for equation in jaxpr.eqns:
        if equation.primitive.name == "scan":
            # What a step hands on leaves the loop as it leaves the step; all else is stacked.
            steps = [v.aval for v in _open(equation.params["jaxpr"]).outvars]
            ends = zip((v.aval for v in equation.outvars), steps, strict=True)
            carried = [end for end, step in ends if end.shape == step.shape]
            yield sum(a.size for a in carried if jnp.issubdtype(a.dtype, jnp.floating))
        for inside in _inside(equation):
            yield from _loop_widths(inside)


def _open(jaxpr: Any) -> Jaxpr:
    return jaxpr.jaxpr if isinstance(jaxpr, ClosedJaxpr) else jaxpr


def _reverses(jaxpr: ClosedJaxpr, count: int) -> bool:
    """Whether the first result can be differentiated in reverse by the first arguments."""
    function = jaxpr_as_fun(jaxpr)
    gradient = jax.grad(lambda *flat: function(*flat)[0], argnums=tuple(range(count)))
    try:
        jax.eval_shape(gradient, *(jax.ShapeDtypeStruct(a.shape, a.dtype) for a in jaxpr.in_avals))
    except ValueError:
        return False
    return True


def value_and_gradient(loss: Callable, mode: str) -> Callable:
    """Return ``theta -> ((loss, extra), gradient)`` for ``loss(theta) -> (loss, extra)``."""
    if mode == "reverse":
        return jax.value_and_grad(loss, has_aux=True)

    def forward(theta):
        x, unravel = ravel_pytree(theta)

        def along(direction):
            return jax.jvp(lambda x: loss(unravel(x)), (x,), (direction,), has_aux=True)

        basis = jnp.eye(x.size, dtype=x.dtype)
        value, slopes, extra = jax.vmap(along, out_axes=(None, 0, None))(basis)
        return (value, extra), unravel(slopes)

    return forward


def differentiable_forward(closed: ClosedJaxpr) -> ClosedJaxpr:
    """Return the same program with every function that brings its own reverse rule opened.

    Such functions have no forward derivative; what they compute has.
    """
    return _opened(closed)


def _opened(part: Any) -> Any:
    jaxpr = _open(part)
    if not _has_custom_reverse(jaxpr):
        return part
    equations = [_opened_equation(equation) for equation in jaxpr.eqns]
    new = jaxpr.replace(eqns=equations)
    return part.replace(jaxpr=new) if isinstance(part, ClosedJaxpr) else new


def _opened_equation(equation: Any) -> Any:
    if _is_custom_reverse(equation):
        inner = _opened(equation.params["call_jaxpr"])
        return equation.replace(primitive=primitives.closed_call_p, params={"call_jaxpr": inner})
    params = dict(equation.params)
    for name, value in params.items():
        if isinstance(value, ClosedJaxpr | Jaxpr):
            params[name] = _opened(value)
        elif isinstance(value, tuple) and any(isinstance(v, ClosedJaxpr) for v in value):
            params[name] = tuple(_opened(v) for v in value)
    return equation.replace(params=params)


def _is_custom_reverse(equation: Any) -> bool:
    return equation.primitive.name.startswith("custom_vjp_call")


def _has_custom_reverse(jaxpr: Jaxpr, around_loops: bool = False) -> bool:
    """Whether there is a function that brings its own reverse rule; maybe only if it loops."""
    for equation in jaxpr.eqns:
        bodies = list(_inside(equation))
        if _is_custom_reverse(equation) and (not around_loops or any(map(_loops, bodies))):
            return True
        if any(_has_custom_reverse(body, around_loops) for body in bodies):
            return True
    return False


def _loops(jaxpr: Jaxpr) -> bool:
    return any(True for _ in _loop_widths(jaxpr))


def _has_open_loop(jaxpr: Jaxpr) -> bool:
    """Whether there is a loop without a fixed length, outside of what brings its own rule."""
    for equation in jaxpr.eqns:
        if _is_custom_reverse(equation):
            continue
        if equation.primitive.name == "while" or any(map(_has_open_loop, _inside(equation))):
            return True
    return False


def _inside(equation: Any) -> Iterator[Jaxpr]:
    for value in equation.params.values():
        for part in value if isinstance(value, tuple) else (value,):
            if isinstance(part, ClosedJaxpr):
                yield part.jaxpr
            elif isinstance(part, Jaxpr):
                yield part
