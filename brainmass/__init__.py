"""brainmass: whole-brain modelling with neural masses, differentiable and with physical units."""

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
