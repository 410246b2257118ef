"""Objectives: how well a prediction matches data, as one number.

Time series are ``(time, region)``. Every objective is a pure function that works under ``jit``,
``grad`` and ``vmap``, keeps the precision of what it is given, and has finite gradients
everywhere, also where it is zero or where a region is silent. Shapes and units are checked
before anything is computed. A prediction that diverged gives NaN; a target must be finite.

Where a matrix can stand for a series, as an empirical functional connectivity does, an array is
read as a matrix if it is square and symmetric, and as a series otherwise; ``target_is_fc`` and its
like say it explicitly.
"""

from ..analysis.signals.correlation import fc as functional_connectivity
from .combination import combine
from .connectivity import fc_corr, fc_rmse, phase_coherence_distance
from .spectra import band_power_distance, peak_frequency_distance, psd_distance
from .synchrony import metastability_distance
from .values import cosine_sim, timeseries_rmse
from .windows import (
    fcd,
    fcd_distribution,
    fcd_ks,
    fcd_wasserstein,
    ks_distance,
    wasserstein_1d,
)

__all__ = [
    "band_power_distance",
    "combine",
    "cosine_sim",
    "fc_corr",
    "fc_rmse",
    "fcd",
    "fcd_distribution",
    "fcd_ks",
    "fcd_wasserstein",
    "functional_connectivity",
    "ks_distance",
    "metastability_distance",
    "peak_frequency_distance",
    "phase_coherence_distance",
    "psd_distance",
    "timeseries_rmse",
    "wasserstein_1d",
]
