"""Sweeps: a model at many points of its parameters, on threads, accelerators and clusters.

:func:`brainmass.sweep` is the way in; here is what surrounds it. :class:`Evaluator` serves
optimisers, which choose their points as they go.
"""

from typing import TYPE_CHECKING, Any

from ._evaluator import Evaluator
from ._result import SBIArrays, to_sbi
from ._sweep import sweep

if TYPE_CHECKING:
    from ._result import SweepResult

__all__ = ["Evaluator", "SBIArrays", "SweepResult", "sweep", "to_sbi"]


def __getattr__(name: str) -> Any:
    if name == "SweepResult":
        from ._result import result_class

        return result_class()
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
