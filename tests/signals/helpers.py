"""Signals that the tests share."""

import brainunit as u
import jax.numpy as jnp
import numpy as np

MS = 1.0 * u.ms
WEIGHT = np.random.default_rng(9).normal(size=10_000)


def series(seed=0, time=240, region=4):
    """Correlated random series with a slow common part."""
    rng = np.random.default_rng(seed)
    common = np.cumsum(rng.normal(size=(time, 2)), axis=0) * 0.3
    return rng.normal(size=(time, region)) + common @ rng.normal(size=(2, region))


def sine(hertz, time=4000, offset=0.3):
    return np.sin(2e-3 * np.pi * hertz * np.arange(time) + offset)[:, None]


def number(function):
    """The function as one number, which is no symmetric reading of its result."""

    def reduced(x):
        out = function(x)
        return jnp.sum(out.ravel() * jnp.asarray(WEIGHT[: out.size], out.dtype))

    return reduced
