"""What a sweep can vary: every parameter of a model by its dotted name, and what enters a run."""

from .base import INPUTS, Column, Target
from .find import find_target, target_names

__all__ = ["INPUTS", "Column", "Target", "find_target", "target_names"]
