"""Couplings that are linear in what is sent."""

from __future__ import annotations

from typing import ClassVar

from .base import Coupling, in_unit_of

__all__ = [
    "AdditiveCoupling",
    "DiffusiveCoupling",
    "LaplacianCoupling",
    "ScalingCoupling",
]


class DiffusiveCoupling(Coupling):
    """Differences to the neighbours: ``k * sum_j w_ij (x_j(t - d_ij) - x_i(t))``.

    The ``Difference`` coupling of The Virtual Brain (Sanz-Leon et al. 2015,
    doi:10.1016/j.neuroimage.2015.01.002).

    Parameters
    ----------
    k : float, brainunit.Quantity or Param, default 1.0
        Global strength.

    Examples
    --------
    >>> import brainmass
    >>> brainmass.DiffusiveCoupling(k=0.5)
    DiffusiveCoupling(k=0.5)
    """

    name_in_network = "diffusive"
    elementwise = True
    reads_receiver = True
    defaults: ClassVar = {"k": (1.0, "global strength")}

    @staticmethod
    def post(total, x, degree, p):
        return p.k * (total[0] - degree * x)


class LaplacianCoupling(DiffusiveCoupling):
    """Diffusion along the graph Laplacian of the weights.

    ``k * sum_j L_ij x_j(t - d_ij)`` with ``L = W - diag(row sums)``; the diagonal has no delay, so
    this is :class:`DiffusiveCoupling` under the name that graph theory gives it. For a normalised
    Laplacian pass ``conn=LaplacianConnParam(W, normalize='rw')`` to an :class:`AdditiveCoupling`.

    Parameters
    ----------
    k : float, brainunit.Quantity or Param, default 1.0
        Global strength.

    Examples
    --------
    >>> import brainmass
    >>> brainmass.LaplacianCoupling(k=0.5)
    LaplacianCoupling(k=0.5)
    """

    name_in_network = "laplacian"
    elementwise = True


class AdditiveCoupling(Coupling):
    """The weighted sum: ``k * sum_j w_ij x_j(t - d_ij) + b``.

    The ``Linear`` coupling of The Virtual Brain (Sanz-Leon et al. 2015,
    doi:10.1016/j.neuroimage.2015.01.002).

    Parameters
    ----------
    k : float, brainunit.Quantity or Param, default 1.0
        Global strength.
    b : float, brainunit.Quantity or Param, default 0.0
        Offset, in the unit of the current.

    Examples
    --------
    >>> import brainmass
    >>> brainmass.AdditiveCoupling(k=0.1)
    AdditiveCoupling(k=0.1, b=0)
    """

    name_in_network = "additive"
    elementwise = True
    defaults: ClassVar = {"k": (1.0, "global strength"), "b": (0.0, "offset of the current")}

    @staticmethod
    def post(total, x, degree, p):
        current = p.k * total[0]
        return current + in_unit_of(p.b, current)


class ScalingCoupling(AdditiveCoupling):
    """The weighted sum, scaled: ``k * sum_j w_ij x_j(t - d_ij)``.

    The ``Scaling`` coupling of The Virtual Brain (Sanz-Leon et al. 2015,
    doi:10.1016/j.neuroimage.2015.01.002).

    Parameters
    ----------
    k : float, brainunit.Quantity or Param, default 1.0
        Scale.

    Examples
    --------
    >>> import brainmass
    >>> brainmass.ScalingCoupling(k=0.1)
    ScalingCoupling(k=0.1)
    """

    name_in_network = "scaling"
    elementwise = True
    defaults: ClassVar = {"k": (1.0, "scale")}

    @staticmethod
    def post(total, x, degree, p):
        return p.k * total[0]
