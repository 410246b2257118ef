"""From a model and an objective to one pure function.

The user's code is traced once, with the trainable parameters, the states, the random key, the
data and the fixed parameters of neural masses as arguments. What comes out is a program that holds
no model: the optimiser's step, a vmapped population and a single evaluation are all made from it,
and changed data compile nothing. What else the trace reads is part of its identity.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import brainstate
import brainunit as u
import jax
import jax.numpy as jnp
import numpy as np
from brainstate.nn import Param
from jax.extend.core import ClosedJaxpr, Literal, jaxpr_as_fun

from brainmass._errors import choices
from brainmass.engine import truncation
from brainmass.engine.cache import ReadsModel, Uncacheable, fingerprint
from brainmass.engine.simulations import Simulation, simulations

from ._borrowed import Borrowed, Holdings, is_fixed
from ._data import Data, strong
from ._derivative import differentiable_forward
from ._space import Space, nodes_of

__all__ = ["TRACED", "Evaluation", "Problem", "Program"]

_MOST_PROGRAMS = 8
TRACED = "traced"  # a window whose length is one more argument of the program


@dataclass(frozen=True)
class Program:
    """A traced objective: ``program(theta, frozen, key, data) -> (loss, extra)``.

    Attributes
    ----------
    jaxpr : ClosedJaxpr
        The pure function; ``loss`` is a bare scalar, ``extra`` a dict of prediction, parts,
        metrics and what a ``loss_fn`` returned beside the loss.
    frozen : tuple of str
        Which values of the model, apart from its trainable parameters, it needs.
    rest : dict
        Stand-ins for those that it does not need.
    tree : PyTreeDef
        Structure of the results.
    loss_unit : brainunit.Unit
        Unit of the loss.
    parts, metrics : tuple of str
        Names of the parts of the loss and of the metrics, in the order given.
    simulated : tuple of Simulation
        The different runs inside of it.
    compiled : dict
        Jitted functions made from it, by name.
    """

    jaxpr: ClosedJaxpr
    frozen: tuple[str, ...]
    rest: dict[str, Any]
    tree: Any
    loss_unit: u.Unit
    parts: tuple[str, ...]
    metrics: tuple[str, ...]
    simulated: tuple[Simulation, ...] = ()
    compiled: dict[str, Callable] = field(default_factory=dict)

    @cached_property
    def call(self) -> Callable:
        """The function, differentiable in reverse."""
        return self._callable(jaxpr_as_fun(self.jaxpr))

    @cached_property
    def call_forward(self) -> Callable:
        """The same function, differentiable forward."""
        return self._callable(jaxpr_as_fun(differentiable_forward(self.jaxpr)))

    def _callable(self, function: Callable) -> Callable:
        def call(theta, frozen, key, leaves, *window):
            flat = jax.tree.leaves((theta, {**self.rest, **frozen}, key, leaves, *window))
            return jax.tree.unflatten(self.tree, function(*flat))

        return call


@dataclass(frozen=True)
class Evaluation:
    """One point: its loss, its parts and metrics, and what was predicted there.

    Parameters
    ----------
    loss : float
        A number in the unit of the losses.
    parts : dict
        Weighted parts of the loss; empty if there is but one.
    prediction : object
        What ``predict`` returned, without its transient; None with a ``loss_fn``.
    aux : object
        What a ``loss_fn`` returned beside the loss.
    metrics : dict
        Name to number.

    Examples
    --------
    >>> import brainmass, brainstate
    >>> from brainstate.nn import Param
    >>> class Parabola(brainstate.nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.p = Param(0.0, fit=True)
    >>> fitter = brainmass.Fitter(Parabola(), loss_fn=lambda m: (m.p.value() - 2.0) ** 2)
    >>> fitter.start()
    >>> fitter.evaluate(p=5.0).loss
    9.0
    """

    loss: float
    parts: dict[str, float]
    prediction: Any
    aux: Any
    metrics: dict[str, float] = field(default_factory=dict)


class Problem:
    """A model together with what is computed from it.

    Parameters
    ----------
    model : brainstate.nn.Module
        The model.
    evaluate : callable
        ``evaluate(model, inputs, target) -> (loss, extra)`` in terms of the model, with units.
    window : float, optional
        How far back gradients reach, in ms.
    """

    def __init__(self, model: brainstate.nn.Module, evaluate: Callable, window: Any = None):
        self.model = model
        self.space = Space(model)
        self.window = window
        self._holdings = Holdings(model, self.space)
        self._evaluate = evaluate
        self._programs: dict[Any, list] = {}

    def program(
        self, data: Data, key: Any, leaves: list | None = None, window: Any = None
    ) -> Program:
        """Return the traced objective for data of this shape, from the cache if possible.

        Parameters
        ----------
        data : Data
            Inputs and target.
        key : jax.Array
            Random key.
        leaves : list, optional
            Arrays in place of those of ``data``, such as a mini-batch.
        window : float or 'traced', optional
            Another window than that of the problem.
        """
        leaves = data.leaves if leaves is None else leaves
        window = self.window if window is None else window
        theta, frozen = self.space.current(), self._holdings.leaves()
        identity = (
            _avals((theta, leaves)),
            data.static,
            _identity_of(self.model, {id(param) for param in self._holdings.fixed().values()}),
            _identity_of_environ(),
            str(jnp.result_type(float)),
            window,
        )
        for program, shapes in self._programs.get(identity, ()):
            if _avals([frozen.get(name) for name in program.frozen]) == shapes:
                return program
        program = self._trace((theta, frozen, key, leaves), data, window)
        shapes = _avals([frozen[name] for name in program.frozen])
        if len(self._programs) >= _MOST_PROGRAMS:
            self._programs.pop(next(iter(self._programs)))
        self._programs.setdefault(identity, []).append((program, shapes))
        return program

    def frozen(self, program: Program) -> dict[str, Any]:
        """Return the present values of what a program needs of the model."""
        values = self._holdings.leaves()
        return {name: values[name] for name in program.frozen}

    # -- tracing -----------------------------------------------------------------------------

    def _trace(self, arguments: tuple, data: Data, window: Any) -> Program:
        found: dict[str, Any] = {}
        if window == TRACED:
            arguments = (*arguments, jnp.float32(1.0))

        def pure(theta, frozen, key, leaves, *traced):
            length = traced[0] if traced else window
            borrowed = Borrowed(self._holdings, theta, frozen, key)
            with borrowed, truncation.gradient_window(length) as used:
                loss, extra = self._evaluate(self.model, *data.joined(leaves))
                found.update(
                    unit=u.get_unit(loss), used=used.used,
                    parts=tuple(extra["parts"]), metrics=tuple(extra["metrics"]),
                )  # fmt: skip
                return _scalar(u.get_mantissa(loss)), extra

        with simulations() as runs:
            closed, out = jax.make_jaxpr(pure, return_shape=True)(*arguments)
        # Arrays of the user that were read on the way are kept in the precision of the trace.
        closed = closed.replace(consts=[strong(constant) for constant in closed.consts])
        if window is not None and not found["used"]:
            raise ValueError(
                "Fitter: window (reach of the gradients) needs a simulation inside predict or "
                "loss_fn; got one without Simulator.run. Leave window out."
            )
        marks = jax.tree.unflatten(jax.tree.structure(arguments), _used(closed.jaxpr))
        _check_used(marks[0])
        frozen = arguments[1]
        needed = tuple(name for name, mark in marks[1].items() if mark)
        rest = {name: _stand_in(leaf) for name, leaf in frozen.items() if name not in needed}
        return Program(
            closed, needed, rest, jax.tree.structure(out),
            found["unit"], found["parts"], found["metrics"], tuple(runs),
        )  # fmt: skip


def _check_used(marks: dict[str, Any]) -> None:
    idle = [name for name, mark in marks.items() if not any(jax.tree.leaves(mark))]
    if len(idle) == len(marks):
        raise ValueError(
            "Fitter: the loss must depend on the trainable parameters of the model; got one "
            f"that reads none of {choices(idle)}. Compute it from the model that predict or "
            "loss_fn is given."
        )


def _scalar(loss) -> jax.Array:
    loss = jnp.asarray(loss)
    return loss if jnp.issubdtype(loss.dtype, jnp.floating) else loss.astype(float)


def _used(jaxpr) -> list[bool]:
    """Whether each argument of a jaxpr has any influence on its results."""
    live = {id(v) for v in jaxpr.outvars if not isinstance(v, Literal)}
    for equation in reversed(jaxpr.eqns):
        if equation.effects or any(id(v) in live for v in equation.outvars):
            live |= {id(v) for v in equation.invars if not isinstance(v, Literal)}
    return [id(v) in live for v in jaxpr.invars]


def _stand_in(leaf: jax.Array):
    """Return a constant for an argument that is not used."""
    if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
        return leaf
    return np.zeros(leaf.shape, leaf.dtype)


def _avals(tree):
    leaves, structure = jax.tree.flatten(tree, is_leaf=lambda x: x is None)
    return structure, tuple(
        leaf if leaf is None else (leaf.shape, str(leaf.dtype)) for leaf in leaves
    )


def _identity_of(model, lifted: set[int]) -> Any:
    """Return what a trace bakes in of a model: plain public attributes, fixed parameters."""
    parts = []
    for path, node in nodes_of(model).items():
        if isinstance(node, Param):
            baked = is_fixed(node) and id(node) not in lifted
            parts.append((path, type(node).__name__, repr(node.t), _mark(node.val) if baked else 0))
            continue
        for name, value in sorted(vars(node).items()):
            if name.startswith("_") or isinstance(value, brainstate.State | brainstate.nn.Module):
                continue
            parts.append((path, name, _mark(value)))
    return tuple(parts)


def _mark(value) -> Any:
    try:
        return fingerprint(value)
    except (Uncacheable, ReadsModel, TypeError, ValueError, RecursionError):
        return id(value)


def _identity_of_environ() -> Any:
    settings = brainstate.environ.all()
    return tuple(sorted((name, str(value)) for name, value in settings.items()))
