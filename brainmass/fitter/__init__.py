"""Fitting: tune the trainable parameters of a model to data."""

from ._fitter import Fitter
from ._problem import Evaluation
from ._result import FitResult, History

__all__ = ["Evaluation", "FitResult", "Fitter", "History"]
