"""The neural-mass models, one file per family."""

from .jansen_rit import JansenRitStep
from .linear import LinearStep
from .oscillators import HopfStep, StuartLandauStep, VanDerPolStep

__all__ = ["HopfStep", "JansenRitStep", "LinearStep", "StuartLandauStep", "VanDerPolStep"]
