"""brainmass: whole-brain modelling with neural masses, differentiable and with physical units."""

from importlib import import_module

from . import engine
from ._declare import delayed, inlet, option, param, preset, state, uniform
from ._errors import DivergenceError, RunInterrupted, UnitError
from ._version import __version__
from .catalogue import ModelDetails, ModelInfo, list_models, model_info
from .coupling import (
    AdditiveCoupling,
    Coupling,
    DiffusiveCoupling,
    HyperbolicTangentCoupling,
    KuramotoCoupling,
    LaplacianCoupling,
    PreSigmoidalCoupling,
    ScalingCoupling,
    SigmoidalCoupling,
    SigmoidalJansenRitCoupling,
    additive_coupling,
    diffusive_coupling,
    hyperbolic_tangent_coupling,
    kuramoto_coupling,
    sigmoidal_coupling,
    sigmoidal_jansen_rit_coupling,
)
from .dynamics import NeuralMass
from .functions import bounded_input, delay_index, process_sequence, sigmoid, sys2nd
from .models import (
    CoombesByrneStep,
    EpileptorStep,
    FitzHughNagumoStep,
    Generic2dOscillatorStep,
    HopfStep,
    HORNSeqLayer,
    HORNSeqNetwork,
    HORNStep,
    JansenRitStep,
    JansenRitTR,
    KuramotoNetwork,
    LarterBreakspearStep,
    LinearStep,
    LorenzStep,
    MontbrioPazoRoxinStep,
    StuartLandauStep,
    ThresholdLinearStep,
    VanDerPolStep,
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
    WongWangExcInhStep,
    WongWangStep,
    XY_Oscillator,
)
from .network import Network
from .noise import (
    BlueNoise,
    BrownianNoise,
    ColoredNoise,
    GaussianNoise,
    Noise,
    OUProcess,
    PinkNoise,
    VioletNoise,
    WhiteNoise,
)
from .sequence import SeqLayer, SeqNetwork
from .simulator import Simulator

_LAZY = {
    "Connectome": "connectome",
    "FitResult": "fitter",
    "Fitter": "fitter",
    "LaplacianConnParam": "coupling.laplacian",
    "laplacian_connectivity": "connectome",
    "show_versions": "_versions",
}
_MODULES = ("connectome", "datasets", "horn", "objectives", "stimuli", "testing", "textbook")

__all__ = [
    "AdditiveCoupling",
    "BlueNoise",
    "BrownianNoise",
    "ColoredNoise",
    "Connectome",
    "CoombesByrneStep",
    "Coupling",
    "DiffusiveCoupling",
    "DivergenceError",
    "EpileptorStep",
    "FitResult",
    "Fitter",
    "FitzHughNagumoStep",
    "GaussianNoise",
    "Generic2dOscillatorStep",
    "HORNSeqLayer",
    "HORNSeqNetwork",
    "HORNStep",
    "HopfStep",
    "HyperbolicTangentCoupling",
    "JansenRitStep",
    "JansenRitTR",
    "KuramotoCoupling",
    "KuramotoNetwork",
    "LaplacianConnParam",
    "LaplacianCoupling",
    "LarterBreakspearStep",
    "LinearStep",
    "LorenzStep",
    "ModelDetails",
    "ModelInfo",
    "MontbrioPazoRoxinStep",
    "Network",
    "NeuralMass",
    "Noise",
    "OUProcess",
    "PinkNoise",
    "PreSigmoidalCoupling",
    "RunInterrupted",
    "ScalingCoupling",
    "SeqLayer",
    "SeqNetwork",
    "SigmoidalCoupling",
    "SigmoidalJansenRitCoupling",
    "Simulator",
    "StuartLandauStep",
    "ThresholdLinearStep",
    "UnitError",
    "VanDerPolStep",
    "VioletNoise",
    "WhiteNoise",
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
    "__version__",
    "additive_coupling",
    "bounded_input",
    "connectome",
    "datasets",
    "delay_index",
    "delayed",
    "diffusive_coupling",
    "engine",
    "horn",
    "hyperbolic_tangent_coupling",
    "inlet",
    "kuramoto_coupling",
    "laplacian_connectivity",
    "list_models",
    "model_info",
    "objectives",
    "option",
    "param",
    "preset",
    "process_sequence",
    "show_versions",
    "sigmoid",
    "sigmoidal_coupling",
    "sigmoidal_jansen_rit_coupling",
    "state",
    "stimuli",
    "sys2nd",
    "testing",
    "textbook",
    "uniform",
]


def __getattr__(name: str):
    if name in _MODULES:
        return import_module(f".{name}", __name__)
    if name in _LAZY:
        value = getattr(import_module(f".{_LAZY[name]}", __name__), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'brainmass' has no attribute '{name}'")


def __dir__():
    return sorted({*globals(), *__all__})
