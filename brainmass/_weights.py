"""Trainable weights of layers that read sequences."""

from __future__ import annotations

import math

import brainstate
import brainunit as u
import jax
import jax.numpy as jnp
import numpy as np
from brainstate.nn import Param

from ._random import fresh_key

__all__ = ["Affine", "affine", "normal", "read_delay", "trainable"]


class Affine(brainstate.nn.Module):
    """A trainable matrix (inputs, outputs) and offset."""

    def __init__(self, n_in: int, n_out: int, weight, bias, who: str):
        super().__init__()
        self.weight = trainable(normal if weight is None else weight, (n_in, n_out), who)
        self.bias = None if bias is None else trainable(bias, (n_out,), who)

    def arrays(self) -> dict:
        """Return the current values."""
        bias = 0.0 if self.bias is None else self.bias.value()
        return {"weight": self.weight.value(), "bias": bias}

    def update(self, x):
        """Return ``x @ weight + bias``."""
        return affine(self.arrays(), x)


def affine(arrays, x):
    """Return the affine map of ``x`` for the arrays of an :class:`Affine`."""
    return x @ arrays["weight"] + arrays["bias"]


def normal(shape):
    """Normal numbers with variance 2 / fan-in (He et al. 2015, doi:10.1109/ICCV.2015.123)."""
    draw = jax.random.normal(fresh_key(), shape, brainstate.environ.dftype())
    return draw * math.sqrt(2 / shape[0])


def trainable(value, shape, who: str) -> Param:
    """Return ``value``, a number, an array, a callable of the shape or a ``Param``, as weights."""
    if not isinstance(value, Param):
        value = value(shape) if callable(value) else value
        if np.ndim(value) == 0:
            value = jnp.full(shape, value)
        value = Param(jnp.asarray(value, brainstate.environ.dftype()), fit=True)
    given = tuple(jnp.asarray(value.value()).shape)
    if given != shape:
        raise ValueError(
            f"{who}: weights must have shape {shape}; got {given}. Pass one number, an "
            "array of that shape, or a function of the shape."
        )
    return value


def read_delay(delay, n: int, step: float, who: str) -> np.ndarray:
    """Return delays as whole steps of ``step`` ms, one per connection."""
    if isinstance(delay, u.Quantity):
        delay = np.asarray(delay.to_decimal(u.ms)) / step
    delay = np.asarray(delay, float)
    if np.ndim(delay) and delay.shape != (n, n):
        raise ValueError(
            f"{who}: delay must be one value or have shape ({n}, {n}); got {delay.shape}. "
            "Pass one delay per connection."
        )
    if not np.isfinite(delay).all() or (delay < 0).any():
        raise ValueError(
            f"{who}: delay must be finite and not negative; got a value that is not. Correct it."
        )
    return np.broadcast_to(np.rint(delay).astype(np.int32), (n, n))
