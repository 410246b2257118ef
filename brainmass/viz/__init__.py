"""Plots of signals, matrices, brains, dynamics and fits, with matplotlib.

Every function draws on the ``ax`` it is given, or on a new figure, and returns the Axes. Axes carry
units. Colours follow the matplotlib style in force, so figures fit a light page and, after
``plt.style.use("dark_background")``, a dark one. Keyword arguments that a function does not name
go to matplotlib.
"""

from ._brain import plot_glass_brain
from ._dynamics import plot_bifurcation, plot_phase_plane
from ._fits import plot_fit_history
from ._matrices import plot_connectivity, plot_fc_pairs, plot_functional_connectivity
from ._signals import (
    plot_carpet,
    plot_phase_portrait,
    plot_power_spectrum,
    plot_timeseries,
)

__all__ = [
    "plot_bifurcation",
    "plot_carpet",
    "plot_connectivity",
    "plot_fc_pairs",
    "plot_fit_history",
    "plot_functional_connectivity",
    "plot_glass_brain",
    "plot_phase_plane",
    "plot_phase_portrait",
    "plot_power_spectrum",
    "plot_timeseries",
]
