"""Computing for the widgets, without widgets.

An :class:`Engine` owns a copy of a model. It lists every number that can be changed as a
:class:`Field`, runs a :class:`Request`, and returns an :class:`Outcome`.
"""

from .copying import duplicate
from .core import LESION, Engine, network_output, node_output
from .drive import STIMULI
from .fields import Field, decimals
from .forerunner import Forerunner
from .noise import AddedNoise
from .runs import Outcome, Request, Series
from .tally import Tally

__all__ = [
    "LESION",
    "STIMULI",
    "AddedNoise",
    "Engine",
    "Field",
    "Forerunner",
    "Outcome",
    "Request",
    "Series",
    "Tally",
    "decimals",
    "duplicate",
    "network_output",
    "node_output",
]
