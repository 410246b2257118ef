"""The process-wide cache of compiled programs, and the identity of what they were made from.

A program is found again by structure: code, shapes, units and static choices. Values never enter
a key, and no key or program holds a model.
"""

from __future__ import annotations

import dis
import functools
import hashlib
import os
import sys
import threading
import types
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import is_dataclass
from typing import Any

import brainstate
import brainunit as u
import jax
import numpy as np

__all__ = [
    "Cache",
    "ReadsModel",
    "Uncacheable",
    "clear_cache",
    "compile_count",
    "compiling_ahead",
    "fingerprint",
    "module_fingerprint",
    "noting",
]


class Uncacheable(Exception):
    """Something has no identity that could be compared; compile anew rather than be stale."""


class ReadsModel(Exception):
    """A callable reads a module from outside instead of from its argument."""


class Cache:
    """A bounded map from structure to compiled program; the least recently used goes first."""

    def __init__(self, size: int = 128, noted: bool = False):
        self._size, self._noted = size, noted
        self._programs: OrderedDict[Hashable, Any] = OrderedDict()
        self._lock = threading.RLock()
        self._building: dict[Hashable, threading.Lock] = {}
        self.compiled = 0

    def get(self, key: Hashable | None, build: Callable[[], Any]):
        """Return the program of ``key``, building it once; ``None`` is never remembered."""
        use_persistent_cache()
        if key is None:
            self._count()
            return build()
        if (device := jax.config.jax_default_device) is not None:
            key = (key, str(device))  # a compiled program belongs to the device it was compiled for
        with self._lock:
            if key in self._programs:
                self._programs.move_to_end(key)
                return self._programs[key]
            gate = self._building.setdefault(key, threading.Lock())
        with gate:
            with self._lock:
                if key in self._programs:
                    return self._programs[key]
            try:
                program = build()
            finally:
                with self._lock:
                    self._building.pop(key, None)
            with self._lock:
                self._count()
                self._programs[key] = program
                while len(self._programs) > self._size:
                    self._programs.popitem(last=False)
            return program

    def _count(self) -> None:
        if not _ahead.get():
            self.compiled += 1
        for note in set(_notes.get()) if self._noted else ():
            note()

    def clear(self) -> None:
        """Forget every program."""
        with self._lock:
            self._programs.clear()

    def __len__(self) -> int:
        return len(self._programs)


programs = Cache(noted=True)
_notes: ContextVar[tuple[Callable[[], None], ...]] = ContextVar("notes", default=())
_ahead: ContextVar[bool] = ContextVar("ahead", default=False)


@contextmanager
def compiling_ahead() -> Iterator[None]:
    """Leave what this thread compiles out of :func:`compile_count`: nobody waits for it."""
    token = _ahead.set(True)
    try:
        yield
    finally:
        _ahead.reset(token)


@contextmanager
def noting(note: Callable[[], None]) -> Iterator[None]:
    """Call ``note`` for each program that this thread, not another one, compiles meanwhile."""
    token = _notes.set((*_notes.get(), note))
    try:
        yield
    finally:
        _notes.reset(token)


def use_persistent_cache() -> None:
    """Let compiled programs survive the kernel, where a notebook runs and nobody has decided.

    The folder is ``BRAINMASS_CACHE`` or the user's cache folder; an empty ``BRAINMASS_CACHE``
    switches it off.
    """
    if "ipykernel" not in sys.modules or jax.config.jax_compilation_cache_dir is not None:
        return
    chosen = os.environ.get("BRAINMASS_CACHE")
    if chosen == "":
        return
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    folder = chosen or os.path.join(base, "brainmass", "xla")
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError:
        return
    jax.config.update("jax_compilation_cache_dir", folder)
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.1)


def compile_count() -> int:
    """Return how many programs the engine has compiled in this process, because a run needed them.

    Returns
    -------
    int
        A number that does not change while runs find their program in the cache. What a widget
        compiles in the background, before anything needs it, is not counted.

    Examples
    --------
    >>> import brainmass.engine
    >>> before = brainmass.engine.compile_count()
    >>> before >= 0
    True
    """
    return programs.compiled


def clear_cache() -> None:
    """Forget every compiled program, so that the next run compiles again.

    Examples
    --------
    >>> import brainmass.engine
    >>> brainmass.engine.clear_cache()
    """
    programs.clear()


def fingerprint(value) -> Hashable:
    """Return a hashable identity of code and constants that survives re-running a cell.

    Raises
    ------
    Uncacheable
        If there is none.
    ReadsModel
        If a callable refers to a module or state outside its arguments.
    """
    return _identity(value, {})


_known: OrderedDict[Hashable, Hashable] = OrderedDict()
# Tags of what a user may have written. With a space, so that none equals the name of an attribute.
_FUNCTION, _CLASS, _OBJECT = "a function", "a class", "an object"
_WRAPPED, _METHOD, _PARTIAL = "a wrapper", "a method", "a partial"
_OF_THE_USER = (_FUNCTION, _CLASS, _OBJECT, _WRAPPED, _METHOD, _PARTIAL)


def rules_fingerprint(rules: Hashable) -> Hashable:
    """Return the fingerprint of static rules; remembered where all code is that of packages."""
    if rules in _known:
        return _known[rules]
    identity = fingerprint(rules)
    if not _mentions(identity, _OF_THE_USER):
        _known[rules] = identity
        while len(_known) > 256:
            _known.popitem(last=False)
    return identity


def _mentions(identity, words) -> bool:
    if not isinstance(identity, tuple):
        return False
    return (len(identity) > 0 and identity[0] in words) or any(
        _mentions(part, words) for part in identity
    )


def module_fingerprint(module) -> Hashable:
    """Return the identity of a module: its code and constants, and of its states the structure."""
    return _module(module, {})


def _module(module, seen) -> Hashable:
    if isinstance(module, brainstate.State):
        leaves, tree = jax.tree.flatten(module.value)
        return ("state", type(module).__name__, tree, tuple(np.shape(leaf) for leaf in leaves))
    if id(module) in seen:
        return ("seen", seen[id(module)])
    if isinstance(module, dict):
        return ("dict", *((k, _module(v, seen)) for k, v in module.items()))
    if isinstance(module, tuple | list):
        return (type(module).__name__, *(_module(v, seen) for v in module))
    if not isinstance(module, brainstate.nn.Module):
        return _identity(module, seen)
    seen[id(module)] = len(seen)
    private = ("_cache", "_clock", "_cached", "_name", "_enable_cache")
    attributes = {n: v for n, v in vars(module).items() if not n.startswith(private)}
    if isinstance(module, brainstate.nn.Param):
        attributes.pop("val")
    inside = tuple((n, _module(v, seen)) for n, v in sorted(attributes.items()))
    return ("module", _identity(type(module), seen), inside)


_PLAIN = (bool, int, float, complex, str, bytes, type(None), type(Ellipsis), np.dtype, np.generic)


def _identity(value, seen: dict[int, int]) -> Hashable:
    if isinstance(value, _PLAIN):
        return (type(value).__name__, value if value == value else repr(value))
    if isinstance(value, u.Quantity):
        return ("quantity", value.unit, _identity(u.get_mantissa(value), seen))
    if isinstance(value, u.Unit):
        return value
    if isinstance(value, np.ndarray | jax.Array):
        if isinstance(value, jax.core.Tracer):
            raise Uncacheable(value)
        array = np.asarray(value)
        digest = hashlib.sha1(np.ascontiguousarray(array).tobytes()).digest()
        return ("array", array.shape, array.dtype.str, digest)
    if id(value) in seen:
        return ("seen", seen[id(value)])
    seen[id(value)] = len(seen)
    return _compound(value, seen)


def _compound(value, seen) -> Hashable:
    if isinstance(value, tuple | list):
        return (type(value).__name__, *(_identity(v, seen) for v in value))
    if isinstance(value, dict):
        return ("dict", *((k, _identity(v, seen)) for k, v in value.items()))
    if isinstance(value, set | frozenset):
        return ("set", frozenset(_identity(v, seen) for v in value))
    if isinstance(value, types.ModuleType):
        return ("module", value.__name__)
    if isinstance(value, brainstate.nn.Module | brainstate.State):
        raise ReadsModel(value)
    if isinstance(value, functools.partial):
        return (_PARTIAL, *(_identity(v, seen) for v in (value.func, value.args, value.keywords)))
    if isinstance(value, types.MethodType):
        return (_METHOD, _identity(value.__self__, seen), _identity(value.__func__, seen))
    if isinstance(value, staticmethod | classmethod):
        return (type(value).__name__, _identity(value.__func__, seen))
    if isinstance(value, property):
        return ("property", _identity(value.fget, seen))
    if _installed(value):
        return ("installed", value.__module__, getattr(value, "__qualname__", repr(value)))
    if isinstance(value, types.FunctionType):
        return _function(value, seen)
    if isinstance(value, type):
        return _class(value, seen)
    if hasattr(value, "__wrapped__"):
        return (_WRAPPED, type(value).__name__, _identity(value.__wrapped__, seen))
    if is_dataclass(value) and _installed(type(value)):
        fields = vars(value).items()
        name = ("installed", type(value).__module__, type(value).__qualname__)
        return ("data", name, *((k, _identity(v, seen)) for k, v in fields))
    if hasattr(value, "__dict__"):
        return (_OBJECT, _identity(type(value), seen), _identity(vars(value), seen))
    raise Uncacheable(value)


def _function(function: types.FunctionType, seen) -> Hashable:
    cells = [_cell(cell) for cell in function.__closure__ or ()]
    names = sorted(_global_names(function.__code__))
    read = [(n, function.__globals__[n]) for n in names if n in function.__globals__]
    return (
        _FUNCTION,
        _code(function.__code__, seen),
        _identity(function.__defaults__, seen),
        _identity(function.__kwdefaults__, seen),
        *(_identity(c, seen) for c in cells),
        *((n, _identity(v, seen)) for n, v in read),
    )


def _cell(cell):
    try:
        return cell.cell_contents
    except ValueError:
        return "empty cell"


def _code(code: types.CodeType, seen) -> Hashable:
    constants = tuple(
        _code(c, seen) if isinstance(c, types.CodeType) else _identity(c, seen)
        for c in code.co_consts
    )
    return (code.co_code, code.co_names, code.co_varnames, code.co_freevars, constants)


@functools.lru_cache(maxsize=512)
def _global_names(code: types.CodeType) -> frozenset[str]:
    """Return the globals that code reads; attributes of the same name do not count."""
    names = {i.argval for i in dis.get_instructions(code) if i.opname in _READS_GLOBAL}
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            names |= _global_names(constant)
    return frozenset(names)


_READS_GLOBAL = ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS")


def _class(cls: type, seen) -> Hashable:
    """Identify a class of the user by its code, so that re-running its cell changes nothing."""
    skipped = ("__doc__", "__dict__", "__weakref__", "__module__", "__annotations__")
    skipped += ("__firstlineno__", "__static_attributes__", "__signature__", "_abc_impl")
    body = [
        (name, _class_member(member, seen))
        for name, member in sorted(vars(cls).items())
        if name not in skipped
    ]
    return (_CLASS, cls.__qualname__, *(_identity(b, seen) for b in cls.__bases__), *body)


def _class_member(member, seen) -> Hashable:
    try:
        return _identity(member, seen)
    except Uncacheable:
        return ("opaque", type(member).__name__)


@functools.cache
def _installed_root(root: str) -> bool:
    if root in ("brainmass", "builtins") or root in sys.stdlib_module_names:
        return True
    file = getattr(sys.modules.get(root), "__file__", None) or ""
    return "site-packages" in file or "dist-packages" in file


def _installed(value) -> bool:
    """Whether the code belongs to an installed package, where a name is identity enough."""
    if isinstance(value, type | types.FunctionType | types.BuiltinFunctionType) or hasattr(
        value, "__wrapped__"
    ):
        module = getattr(value, "__module__", None) or ""
        local = "<locals>" in getattr(value, "__qualname__", "")
        return (
            bool(module)
            and module != "__main__"
            and not local
            and _installed_root(module.partition(".")[0])
        )
    return isinstance(value, np.ufunc)
