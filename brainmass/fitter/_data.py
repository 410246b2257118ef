"""What a fit is given to compare with: inputs and targets as arrays that a program takes."""

from __future__ import annotations

import hashlib
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

__all__ = ["Batches", "Data", "digest", "strong"]


class Data:
    """Inputs and target of a fit, split into arrays and the rest.

    Parameters
    ----------
    inputs, target : pytree
        Arrays, numbers and quantities; anything hashable may stand beside them.

    Attributes
    ----------
    leaves : list of jax.Array
        The arrays, on the device.
    static : hashable
        Structure, and what is no array.
    """

    def __init__(self, inputs: Any, target: Any):
        found, tree = jax.tree.flatten((inputs, target))
        for leaf in found:
            if (kind := _unusable(leaf)) is not None:
                raise TypeError(
                    "Fitter: the target must be made of arrays, numbers and quantities; got "
                    f"{kind}. Convert it to an array of numbers."
                )
        self.leaves = [strong(leaf) for leaf in found if _is_array(leaf)]
        self.static = (tree, tuple(_HOLE if _is_array(leaf) else leaf for leaf in found))

    def joined(self, leaves: list) -> tuple[Any, Any]:
        """Return inputs and target with other arrays in place of their own."""
        tree, parts = self.static
        rest = iter(leaves)
        return jax.tree.unflatten(tree, [next(rest) if x is _HOLE else x for x in parts])

    def digest(self) -> str:
        """Return a fingerprint of all values."""
        return digest(self.leaves)

    @property
    def count(self) -> int | None:
        """Number of samples along the first axis; None if arrays disagree or have no axis."""
        counts = {leaf.shape[0] if leaf.ndim else None for leaf in self.leaves}
        return counts.pop() if len(counts) == 1 else None


class Batches:
    """Mini-batches of a fit: which samples each step sees.

    Every epoch visits the samples in a new order that follows from the key; samples that do not
    fill a batch are left out of that epoch.

    Parameters
    ----------
    data : Data
        All samples, along the first axis of every array.
    size : int
        Samples of a batch.
    key : jax.Array
        Random key.
    """

    def __init__(self, data: Data, size: Any, key: jax.Array):
        if not isinstance(size, int | np.integer) or isinstance(size, bool) or size < 1:
            raise ValueError(
                f"Fitter.fit: batch_size must be a whole number, at least 1; got {size!r}. "
                "Pass the number of samples of a step."
            )
        count = data.count
        if count is None:
            shapes = ", ".join(str(leaf.shape) for leaf in data.leaves) or "no arrays"
            raise ValueError(
                "Fitter.fit: with batch_size all inputs and targets must have equally many samples "
                f"along the first axis; got {shapes}. Bring samples to the front."
            )
        if size > count:
            raise ValueError(
                f"Fitter.fit: batch_size must be at most the {count} samples; got {size}. "
                "Pass fewer."
            )
        self.size, self.count = int(size), count
        self._seed = [int(word) for word in np.ravel(jax.random.key_data(key))]
        self._epoch, self._order = -1, np.arange(count)

    @property
    def steps(self) -> int:
        """Steps of an epoch."""
        return self.count // self.size

    def index(self, step: int) -> np.ndarray:
        """Return the samples of a step."""
        epoch, place = divmod(step, self.steps)
        if epoch != self._epoch:
            generator = np.random.default_rng([*self._seed, epoch])
            self._epoch, self._order = epoch, generator.permutation(self.count)
        return self._order[place * self.size : (place + 1) * self.size].astype(np.int32)

    def ends_epoch(self, step: int) -> bool:
        """Whether a step is the last of its epoch."""
        return (step + 1) % self.steps == 0


def digest(tree: Any) -> str:
    """Return a fingerprint of all values of a pytree."""
    total = hashlib.sha256()
    for leaf in jax.tree.leaves(tree):
        if isinstance(leaf, jax.Array) and jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
            leaf = jax.random.key_data(leaf)
        array = np.ascontiguousarray(leaf)
        total.update(f"{array.shape}{array.dtype.str}".encode())
        total.update(array.tobytes())
    return total.hexdigest()[:32]


def strong(leaf) -> jax.Array:
    """Return a device array that no compilation cache tells from another of its shape."""
    if isinstance(leaf, jax.Array):
        return leaf if not getattr(leaf, "weak_type", False) else jax.device_put(np.asarray(leaf))
    array = np.asarray(leaf)
    return jax.device_put(array.astype(jax.dtypes.canonicalize_dtype(array.dtype), copy=False))


def _is_array(leaf) -> bool:
    return isinstance(leaf, jax.Array | np.ndarray | np.generic | bool | int | float | complex)


def _unusable(leaf: Any) -> str | None:
    """Return what something is that can stand neither as an array nor as a constant."""
    if isinstance(leaf, np.ndarray | np.generic):
        return None if leaf.dtype.kind in "biufcV" else f"an array of dtype {leaf.dtype}"
    hashable = type(leaf).__hash__ is not None
    return None if _is_array(leaf) or hashable else type(leaf).__name__


class _Hole:
    def __repr__(self):
        return "array"


_HOLE = _Hole()
