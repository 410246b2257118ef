"""External input of a run: arrays row by row, or a function of step and time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import brainunit as u
import jax
import jax.numpy as jnp
import numpy as np

from .._compat import is_tracer
from .cache import ReadsModel, Uncacheable, fingerprint

__all__ = ["Drive"]

_fitting: dict[Any, None] = {}


@dataclass
class Drive:
    """What enters a model from outside.

    Attributes
    ----------
    arrays : dict
        Rows of bare numbers by inlet, one per step of the run.
    function : callable or None
        ``(values, step) -> dict`` of bare numbers by inlet.
    given : callable or None
        What the user passed, for the identity of the program.
    values : list
        Numbers of a function that is a JAX pytree, for example of a stimulus: the program depends
        on its structure alone.
    """

    arrays: dict[Any, Any]
    function: Callable | None = None
    given: Any = None
    values: Any = ()

    @classmethod
    def read(cls, inputs, system, n_steps: int) -> Drive:
        """Read and check the ``inputs`` of a run."""
        if inputs is None:
            return cls({})
        if callable(inputs):
            return cls._from_function(inputs, system)
        if not isinstance(inputs, dict):
            inputs = {system.first_port(): inputs}
        arrays = {}
        for name, array in inputs.items():
            read = system.read_input(name, array)
            shape = np.shape(read)
            if not shape or shape[0] != n_steps:
                raise ValueError(
                    f"Simulator: inputs for '{name}' must have one row per step, {n_steps} rows; "
                    f"got shape {shape}. Give an array with time first, or a function of (i, t)."
                )
            system.check_row(name, shape[1:])
            if not is_tracer(read):
                read = np.asarray(read)
                if read.dtype.kind not in "fiub":
                    raise TypeError(
                        f"Simulator: inputs for '{name}' must be real numbers; got dtype "
                        f"{read.dtype}. Convert them first."
                    )
                if not np.isfinite(read).all():
                    raise ValueError(
                        f"Simulator: inputs for '{name}' must be finite; got NaN or infinity. "
                        "Clean the array first."
                    )
            arrays[name] = read
        return cls(arrays)

    @classmethod
    def _from_function(cls, inputs, system) -> Drive:
        if hasattr(inputs, "on_grid"):
            inputs = inputs.on_grid(system.dt)
        leaves, structure = jax.tree.flatten(inputs)
        live = not jax.tree_util.treedef_is_leaf(structure) and all(map(_is_number, leaves))
        leaves = [_number(leaf, system.dtype) for leaf in leaves] if live else []

        def rows(leaves, step):
            t = u.Quantity(step * jnp.asarray(system.dt, system.dtype), unit=u.ms)
            value = (structure.unflatten(leaves) if live else inputs)(step, t)
            named = value if isinstance(value, dict) else None
            if named is None:
                values = value if isinstance(value, tuple) else (value,)
                named = dict(zip(system.ports(len(values)), values, strict=True))
            out = {n: jnp.asarray(system.read_input(n, v)) for n, v in named.items()}
            for name, array in out.items():
                system.check_row(name, array.shape)
            return out

        out = cls({}, rows, structure if live else inputs, leaves)
        out._check(system)
        return out

    def _check(self, system) -> None:
        """Refuse a function that does not fit; what was found to fit is not traced again."""
        parts = (system.identity(), self.identity())
        known = None
        if None not in parts and not is_tracer(self.values):
            known = (*parts, *((np.shape(a), str(np.asarray(a).dtype)) for a in self.values))
        if known not in _fitting:
            jax.eval_shape(self.function, self.values, jax.ShapeDtypeStruct((), np.int32))
        if known is not None:
            _fitting[known] = None
            while len(_fitting) > 256:
                _fitting.pop(next(iter(_fitting)))

    def identity(self):
        """Return what the program depends on, or None if that has no identity."""
        shapes = tuple((n, np.shape(a)[1:]) for n, a in self.arrays.items())
        if self.given is None:
            return ("arrays", shapes)
        if isinstance(self.given, jax.tree_util.PyTreeDef):
            return ("pytree", self.given) if _hashable(self.given) else None
        try:
            return ("function", fingerprint(self.given))
        except (Uncacheable, ReadsModel):
            return None

    def capacity(self, superblock: int, n_steps: int) -> int:
        """Return how many rows the program takes at once; fixed by shapes alone."""
        numbers = sum(int(np.prod(np.shape(a)[1:])) for a in self.arrays.values())
        rows = max(2 * superblock, min(4096, 2**19 // max(1, numbers)))
        return -(-rows // superblock) * superblock

    def rows(self, start: int, stop: int, origin: int, superblock: int, limit: int) -> dict:
        """Return the rows of ``start`` to ``stop`` from the superblock of ``start`` on, padded.

        ``origin`` is the step of the first row of the arrays; at least ``limit`` rows come back.
        """
        base = start // superblock * superblock
        total = -(-max(limit, stop - base) // superblock) * superblock if self.arrays else 0
        out = {}
        for name, array in self.arrays.items():
            part = array[start - origin : stop - origin]
            pad = [(start - base, total - (stop - base))] + [(0, 0)] * (part.ndim - 1)
            out[name] = (
                jnp.pad(part, pad) if is_tracer(part) else np.pad(part, pad).astype(np.float64)
            )
        return out


def _is_number(leaf) -> bool:
    return isinstance(leaf, int | float | np.generic | np.ndarray | jax.Array)


def _hashable(structure) -> bool:
    try:
        hash(structure)
    except TypeError:
        return False
    return True


def _number(leaf, dtype):
    """Return a leaf of a function that is a pytree, as an argument of the program."""
    if is_tracer(leaf):
        return leaf
    leaf = np.asarray(leaf)
    return leaf.astype(dtype) if leaf.dtype.kind == "f" else leaf
