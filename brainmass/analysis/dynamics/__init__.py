"""Fixed points, phase planes, bifurcations, cycles and Lyapunov exponents of a model.

Everything is computed from the model's own ``equations`` and their exact derivatives, in double
precision whatever precision the simulation has, and compiled once per structure of a model:
another value of a parameter, an input or a state compiles nothing.
"""

from .cycles import LimitCycle, limit_cycle
from .diagram import Bifurcation, Branch, Continuation, CycleBranch, continuation
from .lyapunov import LyapunovSpectrum, lyapunov_exponents
from .plane import Nullclines, VectorField, nullclines, vector_field
from .points import FixedPoint, fixed_points, jacobian

__all__ = [
    "Bifurcation",
    "Branch",
    "Continuation",
    "CycleBranch",
    "FixedPoint",
    "LimitCycle",
    "LyapunovSpectrum",
    "Nullclines",
    "VectorField",
    "continuation",
    "fixed_points",
    "jacobian",
    "limit_cycle",
    "lyapunov_exponents",
    "nullclines",
    "vector_field",
]
