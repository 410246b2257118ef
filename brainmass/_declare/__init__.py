"""What a model file declares: parameters, states, inlets and options.

Each function returns a small immutable specification. The class that owns them is told their
names by :class:`brainmass.dynamics.NeuralMass`, which reads everything else from here too: the
constructor, the checks, the documentation, the slider ranges and the catalogue.
"""

from .collect import Declaration
from .functions import delayed, inlet, option, param, state, uniform
from .presets import check_presets, fitting_presets, preset
from .specs import InletSpec, OptionSpec, ParamSpec, Spec, StateSpec, unit_code, unit_of

__all__ = [
    "Declaration",
    "InletSpec",
    "OptionSpec",
    "ParamSpec",
    "Spec",
    "StateSpec",
    "check_presets",
    "delayed",
    "fitting_presets",
    "inlet",
    "option",
    "param",
    "preset",
    "state",
    "uniform",
    "unit_code",
    "unit_of",
]
