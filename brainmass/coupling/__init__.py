"""Couplings between regions.

A coupling is declared by two pure functions. ``pre`` transforms what a region sends, before the
weighted, delayed sum; ``post`` turns the sum, and what the receiving region is doing now, into the
current. Every coupling of that form runs through the same blocked delayed sum.
"""

from .base import Coupling, coupling_named
from .functions import (
    additive_coupling,
    diffusive_coupling,
    hyperbolic_tangent_coupling,
    kuramoto_coupling,
    sigmoidal_coupling,
    sigmoidal_jansen_rit_coupling,
)
from .linear import AdditiveCoupling, DiffusiveCoupling, LaplacianCoupling, ScalingCoupling
from .nonlinear import (
    HyperbolicTangentCoupling,
    KuramotoCoupling,
    PreSigmoidalCoupling,
    SigmoidalCoupling,
    SigmoidalJansenRitCoupling,
)

__all__ = [
    "AdditiveCoupling",
    "Coupling",
    "DiffusiveCoupling",
    "HyperbolicTangentCoupling",
    "KuramotoCoupling",
    "LaplacianCoupling",
    "PreSigmoidalCoupling",
    "ScalingCoupling",
    "SigmoidalCoupling",
    "SigmoidalJansenRitCoupling",
    "additive_coupling",
    "coupling_named",
    "diffusive_coupling",
    "hyperbolic_tangent_coupling",
    "kuramoto_coupling",
    "sigmoidal_coupling",
    "sigmoidal_jansen_rit_coupling",
]
