"""The values of a model that are not fitted, and the model with traced values inside."""

from __future__ import annotations

from typing import Any

import brainstate
import jax
from brainstate.nn import Param

from brainmass._random import lending
from brainmass.dynamics import NeuralMass
from brainmass.noise import Noise

from ._data import strong
from ._space import Space, nodes_of, states_of

__all__ = ["Borrowed", "Holdings", "is_fixed"]


class Holdings:
    """What a model holds beside its trainable parameters: states and fixed parameters.

    Parameters
    ----------
    model : brainstate.nn.Module
        The model.
    space : Space
        Its trainable parameters.
    """

    def __init__(self, model: brainstate.nn.Module, space: Space):
        self.model, self.space = model, space

    def states(self) -> dict[str, brainstate.State]:
        """Return the states that are not fitted."""
        trained = {id(entry.state) for entry in self.space.entries.values()}
        return {
            f"state {'.'.join(map(str, path))}": state
            for path, state in states_of(self.model).items()
            if id(state) not in trained
        }

    def fixed(self) -> dict[str, Param]:
        """Return the fixed parameters that may be traced: those that only enter equations.

        Others may decide about structure, as weights and speed of a network do.
        """
        nodes = nodes_of(self.model)
        return {
            f"fixed {'.'.join(map(str, path))}": param
            for path, param in nodes.items()
            if is_fixed(param) and isinstance(nodes.get(path[:-1]), NeuralMass | Noise)
        }

    def leaves(self) -> dict[str, Any]:
        """Return the present arrays of all of them, by name."""
        tree = {name: state.value for name, state in self.states().items()}
        tree |= {name: param.val for name, param in self.fixed().items()}
        flat = jax.tree_util.tree_flatten_with_path(tree)[0]
        return {jax.tree_util.keystr(path): strong(leaf) for path, leaf in flat}

    def fill(self, leaves: dict[str, Any]) -> None:
        """Put arrays into the model."""
        for name, state in self.states().items():
            state.restore_value(_filled(name, state.value, leaves))
        for name, param in self.fixed().items():
            vars(param).update(val=_filled(name, param.val, leaves))


class Borrowed:
    """The model with traced values inside; afterwards it is as it was."""

    def __init__(self, holdings: Holdings, theta, leaves, key):
        self._holdings, self._theta, self._leaves, self._key = holdings, theta, leaves, key

    def __enter__(self):
        model, self._random = self._holdings.model, lending()
        self._random.__enter__()
        self._nodes = [(node, dict(vars(node))) for node in nodes_of(model).values()]
        containers = [v for _, saved in self._nodes for v in saved.values()]
        self._containers = [(c, c.copy()) for c in containers if type(c) in (dict, list)]
        with jax.ensure_compile_time_eval():  # the first look at it makes it a key
            brainstate.random.DEFAULT.check_if_deleted()
        states = [*states_of(model).values(), brainstate.random.DEFAULT]
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
        space = self._holdings.space
        for name, raw in space.raw(self._theta).items():
            space.entries[name].state.restore_value(raw)
        self._holdings.fill(self._leaves)
        brainstate.random.DEFAULT.restore_value(self._key)
        for param in self._params:
            param.clear_cache()

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


def is_fixed(node: Any) -> bool:
    """Whether a module is a parameter that is not trained."""
    return isinstance(node, Param) and not isinstance(node.val, brainstate.State)


def _filled(name: str, value: Any, leaves: dict[str, Any]) -> Any:
    flat, tree = jax.tree_util.tree_flatten_with_path({name: value})
    new = [leaves[jax.tree_util.keystr(path)] for path, _ in flat]
    return jax.tree.unflatten(tree, new)[name]
