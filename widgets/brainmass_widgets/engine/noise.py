"""Noise that can be added to a model and taken away again."""

from __future__ import annotations

from typing import Any

import brainunit as u
import numpy as np

import brainmass

__all__ = ["AddedNoise"]

_SIGMAS = ((u.Hz, 100.0), (u.mV, 5.0))
"""Largest strength that a slider offers for added noise; ours, 1 where the unit is another."""


class AddedNoise:
    """An Ornstein-Uhlenbeck process that is in the model while its strength is not zero, or kept.

    Parameters
    ----------
    node : NeuralMass
        The model.
    slot : str
        Name of the noise slot, free so far.
    unit : brainunit.Unit
        Unit of the strength.
    """

    def __init__(self, node, slot: str, unit: u.Unit):
        self._node, self._slot = node, slot
        self._held: dict[str, Any] = {"sigma": 0.0 * unit, "tau": 10.0 * u.ms}
        self._unit = unit
        self._kept = False

    @property
    def kept(self) -> bool:
        """Whether it stays in the model at strength zero, to keep the program as it is."""
        return self._kept

    @kept.setter
    def kept(self, kept: bool) -> None:
        if kept != self._kept:
            self._kept = kept
            self._set()

    def specs(self, inlet: str) -> dict[str, Any]:
        """Return the declarations of strength and correlation time."""
        most = next((m for unit, m in _SIGMAS if unit == self._unit), 1.0)
        return {
            "sigma": brainmass.param(
                self._held["sigma"],
                bounds=(0.0, most),
                domain="nonnegative",
                doc=f"strength of noise entering {inlet}; 0 for none",
            ).named("sigma"),
            "tau": brainmass.param(
                self._held["tau"],
                bounds=(1.0, 100.0),
                domain="positive",
                log=True,
                doc=f"correlation time of the noise entering {inlet}",
            ).named("tau"),
        }

    @property
    def sigma(self):
        """Strength, in the unit of the inlet."""
        return self._held["sigma"]

    @sigma.setter
    def sigma(self, value) -> None:
        self._set(sigma=value)

    @property
    def tau(self):
        """Correlation time."""
        return self._held["tau"]

    @tau.setter
    def tau(self, value) -> None:
        self._set(tau=value)

    def _set(self, **change) -> None:
        self._held |= change
        process = None
        if self._kept or np.any(u.get_mantissa(self._held["sigma"])):
            process = brainmass.OUProcess(self._node.varshape, **self._held)
        setattr(self._node, self._slot, process)
