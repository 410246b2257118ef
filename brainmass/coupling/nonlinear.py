"""Couplings with a nonlinearity before or after the sum."""

from __future__ import annotations

from typing import ClassVar

import brainunit as u
import jax.numpy as jnp

from .base import Coupling, in_unit_of

__all__ = [
    "HyperbolicTangentCoupling",
    "KuramotoCoupling",
    "PreSigmoidalCoupling",
    "SigmoidalCoupling",
    "SigmoidalJansenRitCoupling",
]


class SigmoidalCoupling(Coupling):
    """A sigmoid of the weighted sum.

    ``k * (cmin + (cmax - cmin) / (1 + exp(-a * (sum_j w_ij x_j(t - d_ij) - midpoint) / sigma)))``,
    the ``Sigmoidal`` coupling of The Virtual Brain with its defaults (Sanz-Leon et al. 2015,
    doi:10.1016/j.neuroimage.2015.01.002).

    Parameters
    ----------
    k : float, brainunit.Quantity or Param, default 1.0
        Global strength; it carries the unit of the current.
    cmin, cmax : float or Param, default -1.0, 1.0
        Lower and upper end of the sigmoid.
    midpoint : float or Param, default 0.0
        Sum at half height; a plain number is in the unit of the sum.
    a : float or Param, default 1.0
        Steepness.
    sigma : float or Param, default 230.0
        Width; a plain number is in the unit of the sum.

    Examples
    --------
    >>> import brainmass
    >>> round(float(brainmass.sigmoidal_coupling([[0.0, 1.0]], [[0.0, 230.0]])[0]), 4)
    0.4621
    """

    name_in_network = "sigmoidal"
    elementwise = True
    defaults: ClassVar = {
        "k": (1.0, "global strength"),
        "cmin": (-1.0, "lower end"),
        "cmax": (1.0, "upper end"),
        "midpoint": (0.0, "sum at half height"),
        "a": (1.0, "steepness"),
        "sigma": (230.0, "width"),
    }

    @staticmethod
    def post(total, x, degree, p):
        s = total[0]
        z = p.a * (s - in_unit_of(p.midpoint, s)) / in_unit_of(p.sigma, s)
        return p.k * (p.cmin + (p.cmax - p.cmin) * u.math.sigmoid(u.get_mantissa(z)))


class HyperbolicTangentCoupling(Coupling):
    """A hyperbolic tangent of every source, then the weighted sum.

    ``k * sum_j w_ij a (1 + tanh((b * x_j(t - d_ij) - midpoint) / sigma))``, the
    ``HyperbolicTangent`` coupling of The Virtual Brain (Sanz-Leon et al. 2015,
    doi:10.1016/j.neuroimage.2015.01.002): the nonlinearity acts before the sum.

    Parameters
    ----------
    k : float, brainunit.Quantity or Param, default 1.0
        Global strength; it carries the unit of the current.
    a : float or Param, default 1.0
        Amplitude.
    b : float or Param, default 1.0
        Scale of the source.
    midpoint : float or Param, default 0.0
        Source at half height; a plain number is in the unit of the source.
    sigma : float or Param, default 1.0
        Width; a plain number is in the unit of the source.

    Examples
    --------
    >>> import brainmass
    >>> float(brainmass.hyperbolic_tangent_coupling([[0.0, 0.0]], [[1.0, 2.0]])[0])
    3.0
    """

    name_in_network = "tanh"
    elementwise = True
    defaults: ClassVar = {
        "k": (1.0, "global strength"),
        "a": (1.0, "amplitude"),
        "b": (1.0, "scale of the source"),
        "midpoint": (0.0, "source at half height"),
        "sigma": (1.0, "width"),
    }

    @staticmethod
    def pre(x, p):
        z = (p.b * x - in_unit_of(p.midpoint, x)) / in_unit_of(p.sigma, x)
        return p.a * (1.0 + jnp.tanh(u.get_mantissa(z)))

    @staticmethod
    def post(total, x, degree, p):
        return p.k * total[0]


class SigmoidalJansenRitCoupling(Coupling):
    """The firing rate of every source, then the weighted sum.

    ``k * sum_j w_ij (cmin + (cmax - cmin) / (1 + exp(r * (midpoint - x_j(t - d_ij)))))``, the
    ``SigmoidalJansenRit`` coupling of The Virtual Brain, which reads the difference of the
    potentials: use it with ``source='E - I'`` (Jansen & Rit 1995, doi:10.1007/BF00199471).

    Parameters
    ----------
    k : float, brainunit.Quantity or Param, default 1.0
        Global strength; ``k=1000 * u.Hz`` turns the rates per ms of ``cmax`` into Hz.
    cmin, cmax : float or Param, default 0.0, 0.005
        Lowest and highest rate, per ms.
    midpoint : float or Param, default 6.0
        Potential at half the rate; a plain number is in the unit of the source.
    r : float or Param, default 0.56
        Steepness, per unit of the source.

    Examples
    --------
    >>> import brainmass
    >>> rate = brainmass.sigmoidal_jansen_rit_coupling([[6.0, 6.0]], [[1.0, 1.0]])
    >>> round(float(rate[0]), 6)
    0.005
    """

    name_in_network = "sigmoidal_jansen_rit"
    elementwise = True
    defaults: ClassVar = {
        "k": (1.0, "global strength"),
        "cmin": (0.0, "lowest rate"),
        "cmax": (0.005, "highest rate"),
        "midpoint": (6.0, "potential at half the rate"),
        "r": (0.56, "steepness"),
    }

    @staticmethod
    def pre(x, p):
        z = p.r * u.get_mantissa((x - in_unit_of(p.midpoint, x)) / u.get_unit(x))
        return p.cmin + (p.cmax - p.cmin) * u.math.sigmoid(z)

    @staticmethod
    def post(total, x, degree, p):
        return p.k * total[0]


class KuramotoCoupling(Coupling):
    """Phase differences: ``k * sum_j w_ij sin(x_j(t - d_ij) - x_i(t))``.

    Kuramoto 1984, doi:10.1007/978-3-642-69689-3. With weights of 1 the classical mean field is
    ``k = K / N``. The sine splits into two weighted sums, so delays cost no more than elsewhere.

    Parameters
    ----------
    k : float, brainunit.Quantity or Param, default 1.0
        Global strength.

    Examples
    --------
    >>> import brainmass
    >>> brainmass.KuramotoCoupling(k=0.1)
    KuramotoCoupling(k=0.1)
    """

    name_in_network = "kuramoto"
    elementwise = True
    features = 2
    reads_receiver = True
    defaults: ClassVar = {"k": (1.0, "global strength")}

    @staticmethod
    def pre(x, p):
        return jnp.sin(x), jnp.cos(x)

    @staticmethod
    def post(total, x, degree, p):
        return p.k * (total[0] * jnp.cos(x) - total[1] * jnp.sin(x))


class PreSigmoidalCoupling(Coupling):
    """A shifted hyperbolic tangent of every source, then the weighted sum.

    ``k * sum_j w_ij H (Q + tanh(G (P * x_j(t - d_ij) - theta)))``, the static form of the
    ``PreSigmoidal`` coupling of The Virtual Brain with its defaults (Sanz-Leon et al. 2015,
    doi:10.1016/j.neuroimage.2015.01.002).

    Parameters
    ----------
    k : float, brainunit.Quantity or Param, default 1.0
        Global strength; it carries the unit of the current.
    H, Q, G, P : float or Param, default 0.5, 1.0, 60.0, 1.0
        Amplitude, offset, steepness and scale of the source.
    theta : float or Param, default 0.5
        Threshold; a plain number is in the unit of the source.

    Examples
    --------
    >>> import brainmass
    >>> brainmass.PreSigmoidalCoupling(G=10.0).G.value().item()
    10.0
    """

    name_in_network = "presigmoidal"
    elementwise = True
    defaults: ClassVar = {
        "k": (1.0, "global strength"),
        "H": (0.5, "amplitude"),
        "Q": (1.0, "offset"),
        "G": (60.0, "steepness"),
        "P": (1.0, "scale of the source"),
        "theta": (0.5, "threshold"),
    }

    @staticmethod
    def pre(x, p):
        z = (p.P * x - in_unit_of(p.theta, x)) / u.get_unit(x)
        return p.H * (p.Q + jnp.tanh(p.G * u.get_mantissa(z)))

    @staticmethod
    def post(total, x, degree, p):
        return p.k * total[0]
