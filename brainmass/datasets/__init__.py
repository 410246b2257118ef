"""Data sets by name, tasks, and readers for your own data. Nothing is downloaded."""

from brainmass.connectome import Connectome

from . import _bundled as _bundled  # registers what comes with brainmass
from ._connectomes import read_connectome, read_matrix, read_tvb
from ._recordings import read_mne, read_nifti, read_signal
from ._registry import list_datasets, load_dataset, register_dataset
from ._signal import Signal
from ._tasks import delayed_match_task

__all__ = [
    "Connectome",
    "Signal",
    "delayed_match_task",
    "list_datasets",
    "load_dataset",
    "read_connectome",
    "read_matrix",
    "read_mne",
    "read_nifti",
    "read_signal",
    "read_tvb",
    "register_dataset",
]
