"""Observers: what is made of activity while it is simulated."""

from .average import TemporalAverage
from .base import Observer, Signal
from .hrf import HRFBold
from .kernels import (
    DoubleExponentialHRFKernel,
    FirstOrderVolterraHRFKernel,
    GammaHRFKernel,
    HRFKernel,
    MixtureOfGammasHRFKernel,
)

__all__ = [
    "DoubleExponentialHRFKernel",
    "FirstOrderVolterraHRFKernel",
    "GammaHRFKernel",
    "HRFBold",
    "HRFKernel",
    "MixtureOfGammasHRFKernel",
    "Observer",
    "Signal",
    "TemporalAverage",
]
