"""Waveforms: the shapes of stimuli in time, and the regions they enter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import brainunit as u
import jax
import jax.numpy as jnp
import numpy as np

from ._checks import fit_regions, mask_of, read_numbers
from ._stimulus import Stimulus, Wave

TONES = 64


def constant(since, slack, i, v):
    return 1.0


def train(since, slack, i, v):
    late = since + slack
    phase = late - jnp.floor(late * v["rate"]) / v["rate"]
    return jnp.where(phase < v["length"], 1.0, 0.0)


def sinus(since, slack, i, v):
    return jnp.sin(2 * jnp.pi * v["rate"] * since + v["phase"])


def rise(since, slack, i, v):
    risen = jnp.clip(since / jnp.where(v["length"] > 0, v["length"], 1.0), 0.0, 1.0)
    return jnp.where(v["length"] > 0, risen, 1.0)


@dataclass(frozen=True)
class White:
    size: tuple[int, ...]

    def __call__(self, since, slack, i, v):
        return jax.random.normal(jax.random.fold_in(jax.random.key(v["seed"]), i), self.size)


@dataclass(frozen=True)
class Tones:
    size: tuple[int, ...]

    def __call__(self, since, slack, i, v):
        parts = jax.random.uniform(jax.random.key(v["seed"]), (2, TONES, *self.size))
        tone = (jnp.arange(TONES).reshape(-1, *[1] * len(self.size)) + parts[0]) / TONES
        rate = v["low"] + (v["high"] - v["low"]) * tone
        waves = jnp.sin(2 * jnp.pi * (rate * since + parts[1]))
        return (2 / TONES) ** 0.5 * waves.sum(0)


@dataclass(frozen=True)
class Where:
    """Where a stimulus enters: the inlet, and one factor per region or None for all alike."""

    name: str
    inlet: str | None
    weights: Any

    @classmethod
    def read(cls, name: str, regions, weights, n_regions, inlet) -> Where:
        if inlet is not None and not isinstance(inlet, str):
            raise TypeError(
                f"{name}: inlet (where it enters) must be a name; got {inlet!r}. "
                "Pass for example inlet='E_inp'."
            )
        if n_regions is not None and (
            isinstance(n_regions, bool)
            or not isinstance(n_regions, int | np.integer)
            or n_regions < 1
        ):
            raise ValueError(
                f"{name}: n_regions (number of regions) must be a positive integer; "
                f"got {n_regions!r}. Pass the size of the model."
            )
        if weights is not None:
            if regions is not None:
                raise ValueError(
                    f"{name}: regions and weights (who receives it) must not both be given; "
                    "got both. Give the weights of all regions, or a list of regions."
                )
            weights = read_numbers(weights, name, "weights", "factor of each region")
            if np.ndim(weights) != 1 or n_regions not in (None, np.shape(weights)[0]):
                wanted = "one number per region" if n_regions is None else f"{n_regions} numbers"
                raise ValueError(
                    f"{name}: weights (factor of each region) must be {wanted}; "
                    f"got shape {np.shape(weights)}. Pass a list of that length."
                )
        elif regions is not None:
            weights = mask_of(name, regions, n_regions)
        elif n_regions is not None:
            weights = np.ones(n_regions)
        return cls(name, inlet, weights)

    def wave(self, shape, amplitude, onset, until, **values) -> Stimulus:
        """Return the stimulus of one waveform, after checking its amplitude."""
        unit = u.get_unit(amplitude)
        size = read_numbers(u.get_mantissa(amplitude), self.name, "amplitude", "height")
        fit_regions(
            np.shape(size), np.shape(self.weights) if self.weights is not None else (), self.name
        )
        values = {"amplitude": size, "onset": onset, "begin": onset, "until": until, **values}
        return Stimulus((Wave(self.name, shape, unit, self.inlet, values, self.weights),))
