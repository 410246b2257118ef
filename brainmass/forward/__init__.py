"""Forward models: from activity to what is measured."""

from .bold import BOLDSignal
from .electromagnetic import EEGLeadFieldModel, MEGLeadFieldModel
from .leadfield import LeadFieldModel
from .readout import LeadfieldReadout
from .seeg import SEEGLeadFieldModel
from .sphere import SphericalHead

__all__ = [
    "BOLDSignal",
    "EEGLeadFieldModel",
    "LeadFieldModel",
    "LeadfieldReadout",
    "MEGLeadFieldModel",
    "SEEGLeadFieldModel",
    "SphericalHead",
]
