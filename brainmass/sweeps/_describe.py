"""Models as plain descriptions, to copy them and to send them to other processes.

Parameters hold locks and hooks and cannot be pickled. A description is a list of classes with the
values of their attributes; what belongs to one process alone is left out and made anew.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import brainstate
from brainstate.nn import Param

from ..dynamics import NeuralMass
from ..network import Network
from ..noise import Noise

__all__ = ["Description", "copy_model"]

_LOCKS = (type(threading.Lock()), type(threading.RLock()))
# What an earlier run or call left behind, and what belongs to one process; it is made again.
_LEFT_BEHIND = {
    "_clock",
    "_wirings",
    "_units",
    "_cached_value",
    "_cache_valid",
    "_cache_lock",
    "_cache_logger",
    "_cache_invalidation_hook_handle",
}


@dataclass(frozen=True)
class _Reference:
    """Another part of the same description."""

    index: int


@dataclass(frozen=True)
class _Part:
    """One module or state: its class and its attributes, or the value of the state."""

    cls: type
    content: Any


@dataclass
class Description:
    """A model as classes and values: no lock, no hook, no compiled program.

    Attributes
    ----------
    parts : list
        Modules and states; the first is the model itself.
    """

    parts: list[Any] = field(default_factory=list)

    @classmethod
    def of(cls, model: brainstate.nn.Module) -> Description:
        """Describe a model as it is now."""
        out = cls()
        _describe(model, out.parts, {})
        return out

    def build(self) -> Any:
        """Return a model that shares no state with the one described."""
        made: dict[int, Any] = {}
        return self._part(0, made)

    def _part(self, index: int, made: dict[int, Any]):
        if index in made:
            return made[index]
        part = self.parts[index]
        if issubclass(part.cls, brainstate.State):
            made[index] = part.cls(self._value(part.content, made))
            return made[index]
        module = made[index] = object.__new__(part.cls)
        attributes = {name: self._value(v, made) for name, v in part.content.items()}
        vars(module).update(attributes)
        if isinstance(module, Param):
            _renew_cache(module)
        memories = getattr(part.cls, "graph_invisible_attrs", ())
        vars(module).update({name: {} for name in ("_wirings", "_units") if name in memories})
        return module

    def _value(self, value, made):
        def leaf(v):
            return self._part(v.index, made) if isinstance(v, _Reference) else v

        return _mapped(value, leaf)


def copy_model(model: brainstate.nn.Module) -> Any:
    """Return an independent copy; arrays, which nobody writes to, are shared."""
    return Description.of(model).build()


def _describe(value, parts: list, known: dict[int, int]) -> _Reference:
    if id(value) in known:
        return _Reference(known[id(value)])
    index = known[id(value)] = len(parts)
    parts.append(None)
    if isinstance(value, brainstate.State):
        content: Any = _plain(value.value, parts, known)
    else:
        attributes = {n: v for n, v in vars(value).items() if not _left_behind(value, n, v)}
        content = {n: _plain(v, parts, known) for n, v in attributes.items()}
    parts[index] = _Part(type(value), content)
    return _Reference(index)


def _left_behind(owner, name: str, value) -> bool:
    """Whether an attribute is what a run left behind; of foreign modules that is not known."""
    ours = isinstance(owner, NeuralMass | Network | Noise)
    state = isinstance(value, brainstate.State) and not isinstance(value, brainstate.ParamState)
    return name in _LEFT_BEHIND or (ours and state)


def _plain(value, parts: list, known: dict[int, int]):
    def leaf(v):
        if isinstance(v, brainstate.nn.Module | brainstate.State):
            return _describe(v, parts, known)
        return None if isinstance(v, _LOCKS) else v

    return _mapped(value, leaf)


def _mapped(value, function: Callable):
    """Map over plain containers; anything else is a leaf."""
    if type(value) is dict:
        return {name: _mapped(v, function) for name, v in value.items()}
    if type(value) in (list, tuple):
        return type(value)(_mapped(v, function) for v in value)
    return function(value)


def _renew_cache(param: Param) -> None:
    """Give a parameter its own lock, and let writes to its state clear what it remembers."""
    vars(param).update(
        _cache_lock=threading.RLock(),
        _cached_value=None,
        _cache_valid=False,
        _cache_logger=None,
        _cache_invalidation_hook_handle=None,
    )
    if isinstance(param.val, brainstate.State):
        vars(param)["_cache_invalidation_hook_handle"] = param.val.register_hook(
            "write_after", param._on_param_state_write, priority=100, name="param_cache_invalidator"
        )
