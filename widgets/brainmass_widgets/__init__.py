"""Interactive widgets for brainmass: move a slider, see the model answer."""

from .canvas import Canvas
from .explorer import SimulatorWidget
from .fitting import FitterWidget
from .network import NetworkWidget
from .open import explore
from .phase_plane import PhasePlaneWidget
from .sweeping import SweepWidget

__all__ = [
    "Canvas",
    "FitterWidget",
    "NetworkWidget",
    "PhasePlaneWidget",
    "SimulatorWidget",
    "SweepWidget",
    "explore",
]
