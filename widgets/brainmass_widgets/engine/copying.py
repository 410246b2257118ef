"""Independent copies of models."""

from __future__ import annotations

import threading
from typing import Any

import brainstate

__all__ = ["duplicate"]

_LOCK = type(threading.RLock())


def duplicate(model: Any) -> Any:
    """Return an independent copy of a brainstate module.

    Parameters
    ----------
    model : brainstate.nn.Module
        Any module. Its modules, parameters and states are copied, everything else is shared.

    Returns
    -------
    brainstate.nn.Module
        The copy.

    Examples
    --------
    >>> import brainmass
    >>> from brainmass_widgets.engine import duplicate
    >>> node = brainmass.HopfStep(1, a=0.2)
    >>> copy = duplicate(node)
    >>> copy.a = 0.7
    >>> round(float(node.a.value()), 3)
    0.2
    """
    # brainstate's own clone and copy.deepcopy stumble over the locks inside parameters.
    return _duplicate(model, {})


def _duplicate(value: Any, made: dict[int, Any]) -> Any:
    if id(value) in made:
        return made[id(value)]
    if isinstance(value, brainstate.nn.Module | brainstate.State):
        new = made[id(value)] = object.__new__(type(value))
        for name, held in vars(value).items():
            vars(new)[name] = _duplicate(held, made)
        return new
    if isinstance(value, _LOCK):
        return threading.RLock()
    if isinstance(value, list | tuple) and type(value) in (list, tuple):
        return type(value)(_duplicate(v, made) for v in value)
    if type(value) is dict:
        return {k: _duplicate(v, made) for k, v in value.items()}
    return value
