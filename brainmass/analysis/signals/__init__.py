"""Analysis of signals: arrays or quantities with time on the first axis."""

from .coherences import coherence, lagged_coherence
from .correlation import fc, fcd
from .phases import (
    analytic_signal,
    bandpass,
    envelope,
    kuramoto_order,
    metastability,
    phase,
    phase_coherence,
)
from .spectrum import band_power, peak_frequency, psd

__all__ = [
    "analytic_signal",
    "band_power",
    "bandpass",
    "coherence",
    "envelope",
    "fc",
    "fcd",
    "kuramoto_order",
    "lagged_coherence",
    "metastability",
    "peak_frequency",
    "phase",
    "phase_coherence",
    "psd",
]
