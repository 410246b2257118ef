"""The Wilson-Cowan model and its variants.

Weights are named source first in every class: ``wEI`` goes from the excitatory to the inhibitory
population. Each variant states the limit in which it is :class:`WilsonCowanStep`.
"""

from .base import (
    WilsonCowanLinearStep,
    WilsonCowanNoSaturationStep,
    WilsonCowanSimplifiedStep,
    WilsonCowanStep,
    WilsonCowanSymmetricStep,
)
from .divisive import WilsonCowanDivisiveInputStep, WilsonCowanDivisiveStep
from .memory import WilsonCowanAdaptiveStep, WilsonCowanDelayedStep
from .three import WilsonCowanThreePopBase, WilsonCowanThreePopulationStep

__all__ = [
    "WilsonCowanAdaptiveStep",
    "WilsonCowanDelayedStep",
    "WilsonCowanDivisiveInputStep",
    "WilsonCowanDivisiveStep",
    "WilsonCowanLinearStep",
    "WilsonCowanNoSaturationStep",
    "WilsonCowanSimplifiedStep",
    "WilsonCowanStep",
    "WilsonCowanSymmetricStep",
    "WilsonCowanThreePopBase",
    "WilsonCowanThreePopulationStep",
]
