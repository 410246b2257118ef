"""Structural connectomes: the type, tools on weight matrices, and random graphs.

Convention: ``weights[i, j]`` is the connection **to** region ``i`` **from** region ``j``.
"""

from ._connectome import Connectome
from ._graphs import erdos_renyi, lognormal, scale_free, small_world
from ._synthetic import synthetic_brain
from ._tools import laplacian_connectivity, normalize_weights, symmetrize, threshold

__all__ = [
    "Connectome",
    "erdos_renyi",
    "laplacian_connectivity",
    "lognormal",
    "normalize_weights",
    "scale_free",
    "small_world",
    "symmetrize",
    "synthetic_brain",
    "threshold",
]
