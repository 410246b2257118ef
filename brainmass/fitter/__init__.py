"""Fitting: tune the trainable parameters of a model to data."""

from ._fitter import Fitter
from ._health import GradientHealth
from ._history import History
from ._pareto import ParetoFront
from ._prior import NormalPrior
from ._problem import Evaluation
from ._recovery import Recovery
from ._report import FitReport
from ._result import FitResult

__all__ = [
    "Evaluation",
    "FitReport",
    "FitResult",
    "Fitter",
    "GradientHealth",
    "History",
    "NormalPrior",
    "ParetoFront",
    "Recovery",
]
