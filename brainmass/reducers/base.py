"""What every reducer has in common."""

from __future__ import annotations

from typing import ClassVar

import jax.numpy as jnp

from ..observation.base import Observer

__all__ = ["Reducer", "weights"]


class Reducer(Observer):
    """Base class of observers that reduce a run to one value.

    A reducer sees what a monitor would record, so behind the transient and every ``sample_every``
    or every ``period``; nothing is recorded. ``step`` and ``value`` are as for
    :class:`brainmass.Observer`; ``value`` is asked at the end.

    Parameters
    ----------
    source : str, callable or Observer, optional
        What is reduced: a state such as ``'node.x'``, a function of the model, or what an observer
        gives. Default: what ``update`` returns.
    period : brainunit.Quantity, optional
        Time between two samples that are looked at. Default: as often as the run records, or as
        the observer gives them.
    **settings
        Parameters and options that the class declares.

    Examples
    --------
    >>> import brainmass, brainunit as u, jax.numpy as jnp
    >>> class Largest(brainmass.reducers.Reducer):
    ...     "Largest value seen."
    ...     @staticmethod
    ...     def start(p, like):
    ...         return like - jnp.inf
    ...     @staticmethod
    ...     def step(p, kept, x):
    ...         return jnp.maximum(kept, x)
    ...     @staticmethod
    ...     def value(p, kept):
    ...         return kept
    >>> sim = brainmass.Simulator(brainmass.HopfStep(2, a=0.25, init_x=0.1), dt=0.1 * u.ms)
    >>> result = sim.run(200 * u.ms, transient=100 * u.ms, monitors={"top": Largest("x")})
    >>> result["top"].round(2).tolist()
    [0.5, 0.5]
    """

    reduces: ClassVar[bool] = True


def weights(stream):
    """Return 1 for every sample that counts, else 0, and their number."""
    use = stream.valid & stream.kept
    return use.astype(stream.rows.dtype), jnp.sum(use, dtype=jnp.int32)
