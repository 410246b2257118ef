"""Classes and functions by name: how files refer to code."""

from __future__ import annotations

import importlib
import sys
from dataclasses import dataclass, field
from typing import Any

from .. import dynamics

__all__ = ["Finder", "name_of"]

# Only from these packages does a file make us import a module; others must have been imported.
_KNOWN = {"brainmass", "brainstate", "braintools", "brainunit", "jax", "numpy", "saiunit"}
# Where functions of jax are public; their own modules move between versions.
_PUBLIC = ("jax.numpy", "jax.nn", "jax.lax", "jax.scipy.special", "numpy", "brainmass")


def name_of(value: Any) -> dict[str, str]:
    """Return the module and name under which a class or function is found again."""
    name = getattr(value, "__qualname__", getattr(value, "__name__", "function"))
    module = getattr(value, "__module__", None) or "numpy"
    if module.startswith(("jax.", "jaxlib")):
        for public in _PUBLIC:
            if getattr(sys.modules.get(public), name, None) is value:
                module = public
                break
    return {"module": module, "name": name}


@dataclass
class Finder:
    """Looks up what a file refers to.

    Attributes
    ----------
    define : dict
        What the user says certain names or places mean.
    """

    define: dict[str, Any] = field(default_factory=dict)

    def model(self, node: dict, where: str) -> type:
        """Return a model class: the one of that module, or the newest one of that name."""
        found = self._look_up(node, where)
        if found is None:
            found = dynamics.registry.get(node["name"].rpartition(".")[2])
        return self._given(found, node, where, "model", "class")

    def cls(self, node: dict, where: str, among: type = object) -> type:
        """Return a class; one of a user is also found among the subclasses of ``among``."""
        found = self._look_up(node, where)
        if found is None and among is not object:
            name = node["name"].rpartition(".")[2]
            found = next((c for c in _subclasses(among) if c.__name__ == name), None)
        return self._given(found, node, where, "class", "class")

    def function(self, node: dict, where: str) -> Any:
        """Return a function."""
        return self._given(self._look_up(node, where), node, where, "function", "function")

    def _look_up(self, node: dict, where: str) -> Any:
        module, name = node["module"], node["name"]
        for key in (where, name, name.rpartition(".")[2]):
            if key in self.define:
                return self.define[key]
        package = module.partition(".")[0]
        if package in _KNOWN:
            try:
                found = importlib.import_module(module)
            except ImportError:
                return None
        elif package in sys.stdlib_module_names and module != "__main__":
            return None
        else:
            found = sys.modules.get(module)
        for part in name.split("."):
            found = getattr(found, part, None)
        return found

    def _given(self, found: Any, node: dict, where: str, what: str, kind: str) -> Any:
        fits = isinstance(found, type) if kind == "class" else callable(found)
        if fits:
            return found
        name = node["name"]
        if name.endswith("<lambda>"):
            raise ValueError(
                f"load: the function at '{where}', a lambda, must be given again, because files "
                f"hold no code; got none. Pass load(path, define={{'{where}': lambda ...}})."
            )
        raise ValueError(
            f"load: the {what} '{name}' of module '{node['module']}' must be defined before; got "
            f"no such name. Define or import it and load again, or pass "
            f"load(path, define={{'{name}': ...}})."
        )


def _subclasses(cls: type):
    for sub in cls.__subclasses__():
        yield sub
        yield from _subclasses(sub)
