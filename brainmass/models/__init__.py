"""The neural-mass models, one file per family."""

from .epileptor import EpileptorStep
from .fitzhugh_nagumo import FitzHughNagumoStep
from .generic_2d import Generic2dOscillatorStep
from .horn import HORNSeqLayer, HORNSeqNetwork, HORNStep
from .jansen_rit import JansenRitStep, JansenRitTR
from .kuramoto import KuramotoNetwork
from .larter_breakspear import LarterBreakspearStep
from .linear import LinearStep
from .lorenz import LorenzStep
from .montbrio import CoombesByrneStep, MontbrioPazoRoxinStep
from .oscillators import HopfStep, StuartLandauStep, VanDerPolStep, XY_Oscillator
from .threshold_linear import ThresholdLinearStep
from .wilson_cowan import (
    WilsonCowanAdaptiveStep,
    WilsonCowanDelayedStep,
    WilsonCowanDivisiveInputStep,
    WilsonCowanDivisiveStep,
    WilsonCowanLinearStep,
    WilsonCowanNoSaturationStep,
    WilsonCowanSimplifiedStep,
    WilsonCowanStep,
    WilsonCowanSymmetricStep,
    WilsonCowanThreePopBase,
    WilsonCowanThreePopulationStep,
)
from .wong_wang import WongWangExcInhStep, WongWangStep

__all__ = [
    "CoombesByrneStep",
    "EpileptorStep",
    "FitzHughNagumoStep",
    "Generic2dOscillatorStep",
    "HORNSeqLayer",
    "HORNSeqNetwork",
    "HORNStep",
    "HopfStep",
    "JansenRitStep",
    "JansenRitTR",
    "KuramotoNetwork",
    "LarterBreakspearStep",
    "LinearStep",
    "LorenzStep",
    "MontbrioPazoRoxinStep",
    "StuartLandauStep",
    "ThresholdLinearStep",
    "VanDerPolStep",
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
    "WongWangExcInhStep",
    "WongWangStep",
    "XY_Oscillator",
]
