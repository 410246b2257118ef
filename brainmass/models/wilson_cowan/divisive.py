"""Wilson-Cowan variants whose inhibition divides."""

import jax.numpy as jnp

from ..._declare import param
from .base import Sigmoidal, response

__all__ = ["WilsonCowanDivisiveInputStep", "WilsonCowanDivisiveStep"]


class _Divisive(Sigmoidal):
    """Half the weights of the subtractive model, and the two semisaturation constants."""

    reference = "Carandini & Heeger 2012, Nat. Rev. Neurosci. 13:51, doi:10.1038/nrn3136"

    wEE = param(6.0, bounds=(0.0, 16.0), doc="weight from E to E")
    wIE = param(2.0, bounds=(0.0, 16.0), domain="nonnegative", doc="weight from I to E, divisive")
    wEI = param(6.5, bounds=(0.0, 22.0), doc="weight from E to I")
    wII = param(5.5, bounds=(0.0, 15.0), domain="nonnegative", doc="weight from I to I, divisive")
    r = param(1.0, bounds=(0.0, 2.0), doc="refractory fraction")
    sigma_E = param(1.0, bounds=(0.1, 5.0), domain="positive", doc="semisaturation of E")
    sigma_I = param(1.0, bounds=(0.1, 5.0), domain="positive", doc="semisaturation of I")


class WilsonCowanDivisiveStep(_Divisive):
    """Wilson-Cowan model whose inhibition divides the response.

    With ``wIE = wII = 0`` and ``sigma_E = sigma_I = 1`` it is :class:`WilsonCowanStep` with the
    same weights. A rate that noise pushes below 0 does not divide.

    Examples
    --------
    >>> import brainmass
    >>> brainmass.WilsonCowanDivisiveStep(1)
    WilsonCowanDivisiveStep(in_size=1, method='heun')
    """

    use = "Gain control by divisive normalisation"

    @staticmethod
    def equations(s, p, i, t):
        inhibition = jnp.maximum(s.rI, 0.0)
        F_E = response(p.wEE * s.rE + i.rE_inp, p.a_E, p.theta_E)
        F_I = response(p.wEI * s.rE + i.rI_inp, p.a_I, p.theta_I)
        gain_E = (1 - p.r * s.rE) / (p.sigma_E + p.wIE * inhibition)
        gain_I = (1 - p.r * s.rI) / (p.sigma_I + p.wII * inhibition)
        return dict(
            rE=(-s.rE + gain_E * F_E) / p.tau_E,
            rI=(-s.rI + gain_I * F_I) / p.tau_I,
        )


class WilsonCowanDivisiveInputStep(_Divisive):
    """Wilson-Cowan model whose inhibition divides the recurrent excitation.

    With ``wIE = wII = 0`` and ``sigma_E = sigma_I = 1`` it is :class:`WilsonCowanStep` with the
    same weights. A rate that noise pushes below 0 does not divide.

    Examples
    --------
    >>> import brainmass
    >>> brainmass.WilsonCowanDivisiveInputStep(1)
    WilsonCowanDivisiveInputStep(in_size=1, method='heun')
    """

    use = "Shunting inhibition of the recurrent input"

    @staticmethod
    def equations(s, p, i, t):
        inhibition = jnp.maximum(s.rI, 0.0)
        recurrent_E = p.wEE * s.rE / (p.sigma_E + p.wIE * inhibition)
        recurrent_I = p.wEI * s.rE / (p.sigma_I + p.wII * inhibition)
        F_E = response(recurrent_E + i.rE_inp, p.a_E, p.theta_E)
        F_I = response(recurrent_I + i.rI_inp, p.a_I, p.theta_I)
        return dict(
            rE=(-s.rE + (1 - p.r * s.rE) * F_E) / p.tau_E,
            rI=(-s.rI + (1 - p.r * s.rI) * F_I) / p.tau_I,
        )
