"""Things as a description in plain JSON, with their arrays beside it.

What a thing is made of is written down by kind: numbers, arrays, quantities, functions by name,
and objects by class and attributes. Nothing that is read back runs code of its own: classes and
functions are looked up by name, in packages that are known or that the reader has imported.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ._names import Finder

__all__ = ["Reader", "Writer", "handles"]


@dataclass(frozen=True)
class Handler:
    """How one kind of thing is written and read."""

    tag: str
    matches: Callable[[Any], bool]
    write: Callable[[Writer, Any, str], dict]
    read: Callable[[Reader, dict, str], Any]
    shared: bool = False


HANDLERS: list[Handler] = []
_WIDE = ("float64", "complex128", "int64", "uint64")
"""Types that JAX narrows unless they are enabled."""


def handles(tag: str, matches: Callable[[Any], bool], *, shared: bool = False):
    """Register a class with static ``write`` and ``read`` for what ``matches``.

    Of a ``shared`` kind each object is written once, so that it is read back as one.
    """

    def add(cls):
        HANDLERS.append(Handler(tag, matches, cls.write, cls.read, shared))
        return cls

    return add


@dataclass
class Writer:
    """Turns things into JSON and collects their arrays.

    Attributes
    ----------
    arrays : dict
        Name to a NumPy array, and to what is to be said about it.
    names : dict
        Names wished for the arrays at some places.
    """

    arrays: dict[str, tuple[np.ndarray, dict[str, Any]]] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    _seen: dict[int, tuple[dict, Any]] = field(default_factory=dict)
    _count: int = 0

    def write(self, value: Any, where: str = "") -> Any:
        """Return the JSON of a thing; ``where`` is its place, for names and messages."""
        if value is None or type(value) in (bool, str, int):
            return value
        if type(value) is float:
            return value if math.isfinite(value) else {"$": "float", "value": repr(value)}
        if isinstance(value, jax.core.Tracer):
            raise TypeError(
                f"save: {place(where)} must hold known numbers; got a value that is being traced. "
                "Save outside of jit, grad and vmap."
            )
        if type(value) is list:
            return [self.write(item, join(where, k)) for k, item in enumerate(value)]
        if _is_plain(value):
            return {key: self.write(item, join(where, key)) for key, item in value.items()}
        handler = next((h for h in HANDLERS if h.matches(value)), None)
        if handler is None:
            raise TypeError(
                f"save: {place(where)} must be made of arrays, quantities, numbers, names, "
                f"functions and modules of these; got {type(value).__name__}. Leave it out, or "
                "give its class to_xarray and from_xarray and register it with io.register."
            )
        if not handler.shared:
            return {"$": handler.tag, **handler.write(self, value, where)}
        if id(value) in self._seen:
            node, _ = self._seen[id(value)]
            if "id" not in node:
                self._count += 1
                node["id"] = self._count
            return {"$": "ref", "id": node["id"]}
        node: dict[str, Any] = {"$": handler.tag}
        self._seen[id(value)] = (node, value)
        node.update(handler.write(self, value, where))
        return node

    def array(self, value: Any, where: str, **facts: Any) -> dict:
        """Keep an array and what is to be said about it, and return its JSON."""
        data = np.asarray(value)
        name = self._free(self.names.get(where, where))
        self.arrays[name] = (_storable(data, where), facts)
        backing = "jax" if isinstance(value, jax.Array) else "numpy"
        backing = "scalar" if isinstance(value, np.generic) else backing
        return {"$": "array", "name": name, "dtype": data.dtype.name, "backing": backing}

    def mark(self, node: Any, **facts: Any) -> None:
        """Say something about all arrays of some JSON."""
        if isinstance(node, dict):
            if node.get("$") == "array":
                self.arrays[node["name"]][1].update(facts)
            node = list(node.values())
        for part in node if isinstance(node, list) else ():
            self.mark(part, **facts)

    def _free(self, name: str) -> str:
        name = taken = clean(name)
        k = 1
        while taken in self.arrays:
            k += 1
            taken = f"{name}_{k}"
        return taken


@dataclass
class Reader:
    """Turns JSON and arrays back into things.

    Attributes
    ----------
    arrays : dict
        Name to NumPy array.
    find : Finder
        Looks up classes and functions.
    """

    arrays: dict[str, np.ndarray]
    find: Finder
    known: dict[int, Any] = field(default_factory=dict)
    last: list[Callable[[], None]] = field(default_factory=list)
    """What remains to be done when everything has been read."""

    def read(self, node: Any, where: str = "") -> Any:
        """Return the thing that some JSON describes."""
        if isinstance(node, list):
            return [self.read(item, join(where, k)) for k, item in enumerate(node)]
        if not isinstance(node, dict):
            return node
        tag = node.get("$")
        if tag is None:
            return {key: self.read(item, join(where, key)) for key, item in node.items()}
        if tag == "float":
            return float(node["value"])
        if tag == "ref":
            return self.known[node["id"]]
        handler = next((h for h in HANDLERS if h.tag == tag), None)
        if handler is None:
            raise KeyError(tag)
        value = handler.read(self, node, where)
        self.remember(node, value)
        return value

    def remember(self, node: dict, value: Any) -> None:
        """Note a shared thing, before its parts are read if these may refer to it."""
        if "id" in node:
            self.known[node["id"]] = value

    def array(self, node: dict) -> Any:
        """Return an array as it was, on the device if it was there and its type is enabled."""
        data, dtype = self.arrays[node["name"]], jnp.dtype(node["dtype"])
        if dtype.kind == "b":
            data = data.astype(bool)
        elif data.dtype != dtype:
            data = np.ascontiguousarray(data).view(dtype)
            data = data[..., 0] if dtype.kind == "c" else data
        if node["backing"] == "scalar":
            return data[()]
        enabled = jax.config.jax_enable_x64 or dtype.name not in _WIDE
        if node["backing"] == "jax" and enabled:
            return jnp.asarray(data)
        return np.array(data)


def _is_plain(value: Any) -> bool:
    """Whether a dict can be written as the JSON that it looks like."""
    return type(value) is dict and all(type(key) is str for key in value) and "$" not in value


def clean(name: str) -> str:
    """Return a name that variables of files can have."""
    return re.sub(r"[^0-9A-Za-z_.+-]", "_", name).strip(".") or "value"


def join(where: str, part: Any) -> str:
    """Return the place of a part."""
    return f"{where}.{part}" if where else str(part)


def place(where: str) -> str:
    """Return a place in words."""
    return f"'{where}'" if where else "what is saved"


def _storable(data: np.ndarray, where: str) -> np.ndarray:
    """Return the same bits in a type that every file format knows."""
    kind, size = data.dtype.kind, data.dtype.itemsize
    if kind in "iu" or (kind == "f" and size in (4, 8)):
        return data
    if kind == "b":
        return data.astype(np.uint8)
    if kind == "c":
        return np.ascontiguousarray(data)[..., None].view(data.real.dtype)
    if kind in "fV" and data.dtype.names is None and size in (1, 2):
        return np.ascontiguousarray(data).view(f"u{size}")
    raise TypeError(
        f"save: {place(where)} must be an array of numbers; got dtype {data.dtype}. "
        "Convert it first."
    )
