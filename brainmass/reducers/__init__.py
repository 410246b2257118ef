"""Streaming reducers: one value of a whole run, computed while it goes on.

Each is a monitor, ``monitors={"fc": brainmass.reducers.FC("node.x")}``, and a function of a
recorded signal, ``brainmass.reducers.FC()(signal)``.
"""

from .base import Reducer
from .moments import FC, Mean, Variance
from .order import OrderParameter
from .spectrum import BandPower, PowerSpectrum, Spectrum

__all__ = [
    "FC",
    "BandPower",
    "Mean",
    "OrderParameter",
    "PowerSpectrum",
    "Reducer",
    "Spectrum",
    "Variance",
]
