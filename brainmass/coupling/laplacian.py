"""A connectome parameter whose value is a graph Laplacian."""

from __future__ import annotations

from dataclasses import dataclass

import brainunit as u
import jax.numpy as jnp
import numpy as np
from brainstate.nn import IdentityT, Param

from ..connectome import laplacian_connectivity

__all__ = ["LaplacianConnParam"]


@dataclass(frozen=True, eq=False)
class _Laplacian:
    """The Laplacian of the weights that are present, as an object that can be saved."""

    present: np.ndarray
    normalize: str | None
    eps: float

    def __call__(self, weights):
        weights = u.math.where(jnp.asarray(self.present), weights, 0 * weights)
        return laplacian_connectivity(weights, normalize=self.normalize, eps=self.eps)


class LaplacianConnParam(Param):
    """Weights whose value is their graph Laplacian ``W - diag(row sums)``.

    Use it as ``conn`` of a :class:`Network` with an additive coupling. The value of a fresh
    parameter is the Laplacian of ``W`` itself, and the weights train only when asked to.

    Parameters
    ----------
    W : array (N, N) or brainunit.Quantity
        Weights; the diagonal is ignored.
    t : Transform, optional
        Transform of the weights, for example ``SoftplusT(0.0)`` to keep them positive.
    reg : Regularization, optional
        Penalty on the weights.
    mask : array (N, N), optional
        Connections that exist; others stay zero.
    fit : bool, default False
        Whether the weights are trained.
    normalize : {None, 'rw', 'sym'}, optional
        As in :func:`brainmass.connectome.laplacian_connectivity`.
    eps : float, default 1e-12
        Smallest degree that is divided by.

    References
    ----------
    .. [1] Chung 1997, Spectral Graph Theory, doi:10.1090/cbms/092

    Examples
    --------
    >>> import brainmass, numpy as np
    >>> brainmass.LaplacianConnParam(np.array([[0.0, 2.0], [1.0, 0.0]])).value().tolist()
    [[-2.0, 2.0], [1.0, -1.0]]
    """

    def __init__(self, W, t=None, reg=None, mask=None, fit=False, normalize=None, eps=1e-12):
        shape = np.shape(u.get_mantissa(W))
        if len(shape) != 2 or shape[0] != shape[1]:
            raise ValueError(
                f"LaplacianConnParam: W (weights) must be a square matrix; got shape {shape}. "
                "Pass an (N, N) array."
            )
        present = ~np.eye(shape[0], dtype=bool)
        if mask is not None:
            present &= np.asarray(mask, bool)
        laplacian = _Laplacian(present, normalize, eps)
        transform = IdentityT() if t is None else t
        super().__init__(W, t=transform, reg=reg, precompute=laplacian, fit=fit)
