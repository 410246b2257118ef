"""brainmass: whole-brain modelling with neural masses, differentiable and with physical units."""

from importlib import import_module

from . import engine
from ._declare import inlet, option, param, state, uniform
from ._errors import DivergenceError, RunInterrupted, UnitError
from ._version import __version__
from .catalogue import ModelInfo, list_models
from .coupling import AdditiveCoupling, Coupling, DiffusiveCoupling
from .dynamics import NeuralMass
from .models import HopfStep, JansenRitStep, LinearStep, StuartLandauStep, VanDerPolStep
from .network import Network
from .noise import BrownianNoise, GaussianNoise, Noise, OUProcess, WhiteNoise
from .simulator import Simulator

_LAZY = {
    "Connectome": "connectome",
    "FitResult": "fitter",
    "Fitter": "fitter",
    "show_versions": "_versions",
}
_MODULES = ("connectome", "datasets", "objectives", "testing")

__all__ = [
    "AdditiveCoupling",
    "BrownianNoise",
    "Connectome",
    "Coupling",
    "DiffusiveCoupling",
    "DivergenceError",
    "FitResult",
    "Fitter",
    "GaussianNoise",
    "HopfStep",
    "JansenRitStep",
    "LinearStep",
    "ModelInfo",
    "Network",
    "NeuralMass",
    "Noise",
    "OUProcess",
    "RunInterrupted",
    "Simulator",
    "StuartLandauStep",
    "UnitError",
    "VanDerPolStep",
    "WhiteNoise",
    "__version__",
    "connectome",
    "datasets",
    "engine",
    "inlet",
    "list_models",
    "objectives",
    "option",
    "param",
    "show_versions",
    "state",
    "testing",
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
