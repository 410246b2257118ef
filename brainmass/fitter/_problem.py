"""From a model and an objective to one pure function.

The user's code is traced once, with the trainable parameters, the states, the random key, the
target and the fixed parameters of neural masses as arguments. What comes out is a program that
holds no model: the optimiser's step, a vmapped population and a single evaluation are all made
from it, and a changed target compiles nothing. What else the trace reads is part of its identity.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

import brainstate
import brainunit as u
import jax
import jax.numpy as jnp
import numpy as np
from brainstate.nn import Param
from jax.extend.core import Literal, jaxpr_as_fun

from brainmass._errors import choices
from brainmass._random import lending
from brainmass.dynamics import NeuralMass
from brainmass.engine.cache import ReadsModel, Uncacheable, fingerprint
from brainmass.noise import Noise

from ._space import Space, nodes_of, states_of

__all__ = ["Evaluation", "Problem", "Program"]

_MOST_PROGRAMS = 8


@dataclass(frozen=True)
class Program:
    """A traced objective: ``program(theta, frozen, key, target) -> (loss, extra)``.

    Attributes
    ----------
    call : callable
        The pure function; ``loss`` is a bare scalar, ``extra`` a dict of prediction, parts
        and what a ``loss_fn`` returned beside the loss.
    frozen : tuple of str
        Which values of the model, apart from its trainable parameters, it needs.
    loss_unit : brainunit.Unit
        Unit of the loss.
    parts : tuple of str
        Names of the parts of the loss, in the order given.
    compiled : dict
        Jitted functions made from it, by name.
    """

    call: Callable
    frozen: tuple[str, ...]
    loss_unit: u.Unit
    parts: tuple[str, ...]
    compiled: dict[str, Callable]


@dataclass(frozen=True)
class Evaluation:
    """One point: its loss, its parts, and what was predicted there."""

    loss: float
    parts: dict[str, float]
    prediction: Any
    aux: Any


class Problem:
    """A model together with what is computed from it.

    Parameters
    ----------
    model : brainstate.nn.Module
        The model.
    evaluate : callable
        ``evaluate(model, target) -> (loss, extra)`` in terms of the model, with units.
    """

    def __init__(self, model: brainstate.nn.Module, evaluate: Callable):
        self.model = model
        self.space = Space(model)
        self._evaluate = evaluate
        self._programs: dict[Any, list] = {}

    def program(self, target: Any, key: Any) -> Program:
        """Return the traced objective for a target of this shape, from the cache if possible."""
        leaves, static = self.leaves(target), _split(target)[1]
        theta, frozen = self.space.current(), self._frozen()
        identity = (
            _avals((theta, leaves)),
            static,
            _identity_of(self.model, {id(param) for param in self._fixed().values()}),
            _identity_of_environ(),
            str(jnp.result_type(float)),
        )
        for known, shapes, program in self._programs.get(identity, ()):
            if _avals([frozen.get(name) for name in known]) == shapes:
                return program
        program = self._trace(theta, frozen, key, leaves, static)
        shapes = _avals([frozen[name] for name in program.frozen])
        if len(self._programs) >= _MOST_PROGRAMS:
            self._programs.pop(next(iter(self._programs)))
        self._programs.setdefault(identity, []).append((program.frozen, shapes, program))
        return program

    def frozen(self, program: Program) -> dict[str, Any]:
        """Return the present values of what a program needs of the model."""
        values = self._frozen()
        return {name: values[name] for name in program.frozen}

    @staticmethod
    def leaves(target: Any) -> list[Any]:
        """Return the arrays of a target, which a program takes."""
        return [strong(leaf) for leaf in _split(target)[0]]

    # -- the model as values -----------------------------------------------------------------

    def _states(self) -> dict[str, brainstate.State]:
        trained = {id(entry.state) for entry in self.space.entries.values()}
        return {
            f"state {'.'.join(map(str, path))}": state
            for path, state in states_of(self.model).items()
            if id(state) not in trained
        }

    def _fixed(self) -> dict[str, Param]:
        """Return the fixed parameters that may be traced: those that only enter equations.

        Others may decide about structure, as weights and speed of a network do.
        """
        nodes = nodes_of(self.model)
        return {
            f"fixed {'.'.join(map(str, path))}": param
            for path, param in nodes.items()
            if _is_fixed(param) and isinstance(nodes.get(path[:-1]), NeuralMass | Noise)
        }

    def _frozen(self) -> dict[str, Any]:
        """Return the leaves of all states and fixed parameters, by name."""
        tree = {name: state.value for name, state in self._states().items()}
        tree |= {name: param.val for name, param in self._fixed().items()}
        flat = jax.tree_util.tree_flatten_with_path(tree)[0]
        return {jax.tree_util.keystr(path): strong(leaf) for path, leaf in flat}

    # -- tracing -----------------------------------------------------------------------------

    def _trace(self, theta, frozen, key, leaves, static) -> Program:
        unit, parts = u.UNITLESS, ()

        def pure(theta, frozen, key, leaves):
            nonlocal unit, parts
            with _Borrowed(self, theta, frozen, key):
                loss, extra = self._evaluate(self.model, _join(leaves, static))
                unit, parts = u.get_unit(loss), tuple(extra["parts"])
                return _scalar(u.get_mantissa(loss)), extra

        arguments = (theta, frozen, key, leaves)
        closed, out = jax.make_jaxpr(pure, return_shape=True)(*arguments)
        marks = jax.tree.unflatten(jax.tree.structure(arguments), _used(closed.jaxpr))
        self._check_used(marks[0])
        needed = tuple(name for name, mark in marks[1].items() if mark)
        function, out_tree = jaxpr_as_fun(closed), jax.tree.structure(out)
        rest = {name: _stand_in(leaf) for name, leaf in frozen.items() if name not in needed}

        def call(theta, frozen, key, leaves):
            flat = jax.tree.leaves((theta, {**rest, **frozen}, key, leaves))
            return jax.tree.unflatten(out_tree, function(*flat))

        return Program(call, needed, unit, parts, {})

    def _check_used(self, marks: dict[str, Any]) -> None:
        idle = [name for name, mark in marks.items() if not any(jax.tree.leaves(mark))]
        if len(idle) == len(marks):
            raise ValueError(
                "Fitter: the loss must depend on the trainable parameters of the model; got one "
                f"that reads none of {choices(idle)}. Compute it from the model that predict or "
                "loss_fn is given."
            )


class _Borrowed:
    """The model with traced values inside, given back as it was."""

    def __init__(self, problem: Problem, theta, frozen, key):
        self._problem, self._theta, self._frozen, self._key = problem, theta, frozen, key

    def __enter__(self):
        problem, self._random = self._problem, lending()
        self._random.__enter__()
        self._nodes = [(node, dict(vars(node))) for node in nodes_of(problem.model).values()]
        containers = [v for _, saved in self._nodes for v in saved.values()]
        self._containers = [(c, c.copy()) for c in containers if type(c) in (dict, list)]
        states = [*states_of(problem.model).values(), brainstate.random.DEFAULT]
        self._values = [(state, state.value) for state in states]
        self._params = [n for n, _ in self._nodes if isinstance(n, Param)]
        self._stack = brainstate.StateTraceStack()
        self._stack.__enter__()
        try:
            self._lend()
        except BaseException:
            self.__exit__(None, None, None)
            raise

    def _lend(self):
        space = self._problem.space
        for name, raw in space.raw(self._theta).items():
            space.entries[name].state.restore_value(raw)
        self._fill(self._problem._states(), lambda state, value: state.restore_value(value))
        self._fill(self._problem._fixed(), lambda param, value: vars(param).update(val=value))
        brainstate.random.DEFAULT.restore_value(self._key)
        for param in self._params:
            param.clear_cache()

    def _fill(self, holders, put):
        for name, holder in holders.items():
            value = holder.value if isinstance(holder, brainstate.State) else holder.val
            flat, tree = jax.tree_util.tree_flatten_with_path({name: value})
            leaves = [self._frozen[jax.tree_util.keystr(path)] for path, _ in flat]
            put(holder, jax.tree.unflatten(tree, leaves)[name])

    def __exit__(self, *_):
        self._stack.__exit__(None, None, None)
        for node, saved in self._nodes:
            attributes = vars(node)
            attributes.update(saved)
            for name in attributes.keys() - saved.keys():
                del attributes[name]
        for container, saved in self._containers:
            container.clear()
            (container.update if isinstance(container, dict) else container.extend)(saved)
        for state, value in self._values:
            state.restore_value(value)
        for param in self._params:
            param.clear_cache()
        self._random.__exit__(None, None, None)


def _scalar(loss) -> jax.Array:
    loss = jnp.asarray(loss)
    if loss.shape != () or not jnp.issubdtype(loss.dtype, jnp.number):
        raise ValueError(
            f"Fitter: the loss must be one number; got shape {loss.shape} and dtype {loss.dtype}. "
            "Reduce it in the objective, for example with a mean."
        )
    if jnp.issubdtype(loss.dtype, jnp.complexfloating):
        raise ValueError("Fitter: the loss must be real; got a complex number. Take its modulus.")
    return loss if jnp.issubdtype(loss.dtype, jnp.floating) else loss.astype(float)


def _used(jaxpr) -> list[bool]:
    """Whether each argument of a jaxpr has any influence on its results."""
    live = {id(v) for v in jaxpr.outvars if not isinstance(v, Literal)}
    for equation in reversed(jaxpr.eqns):
        if equation.effects or any(id(v) in live for v in equation.outvars):
            live |= {id(v) for v in equation.invars if not isinstance(v, Literal)}
    return [id(v) in live for v in jaxpr.invars]


def strong(leaf) -> jax.Array:
    """Return a device array that no compilation cache tells from another of its shape."""
    if isinstance(leaf, jax.Array):
        return leaf if not leaf.weak_type else jax.device_put(np.asarray(leaf))
    array = np.asarray(leaf)
    return jax.device_put(array.astype(jax.dtypes.canonicalize_dtype(array.dtype), copy=False))


def _stand_in(leaf: jax.Array):
    """Return a constant for an argument that is not used."""
    if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
        return leaf
    return np.zeros(leaf.shape, leaf.dtype)


def _is_array(leaf) -> bool:
    return isinstance(leaf, jax.Array | np.ndarray | np.generic | bool | int | float | complex)


def _split(target):
    """Return the arrays of a target, and the rest with holes in their place."""
    leaves, tree = jax.tree.flatten(target)
    for leaf in leaves:
        if not _is_array(leaf) and not isinstance(leaf, Hashable):
            raise TypeError(
                "Fitter: the target must be made of arrays, numbers and quantities; got "
                f"{type(leaf).__name__}. Convert it to an array."
            )
    arrays = [leaf for leaf in leaves if _is_array(leaf)]
    return arrays, (tree, tuple(_HOLE if _is_array(leaf) else leaf for leaf in leaves))


def _join(arrays, static):
    tree, leaves = static
    arrays = iter(arrays)
    return jax.tree.unflatten(tree, [next(arrays) if x is _HOLE else x for x in leaves])


class _Hole:
    def __repr__(self):
        return "array"


_HOLE = _Hole()


def _avals(tree):
    leaves, structure = jax.tree.flatten(tree, is_leaf=lambda x: x is None)
    return structure, tuple(
        leaf if leaf is None else (leaf.shape, str(leaf.dtype)) for leaf in leaves
    )


def _is_fixed(node) -> bool:
    return isinstance(node, Param) and not isinstance(node.val, brainstate.State)


def _identity_of(model, lifted: set[int]) -> Any:
    """Return what a trace bakes in of a model: plain public attributes, fixed parameters."""
    parts = []
    for path, node in nodes_of(model).items():
        if isinstance(node, Param):
            baked = _is_fixed(node) and id(node) not in lifted
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
