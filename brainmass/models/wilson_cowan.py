"""The Wilson-Cowan model and its variants.

Weights are named source first in every class: ``wEI`` goes from the excitatory to the inhibitory
population. Each variant states the limit in which it is :class:`WilsonCowanStep`.
"""

import brainunit as u
import jax
import jax.numpy as jnp

from .._declare import inlet, param, state
from ..dynamics import NeuralMass

__all__ = [
    "WilsonCowanAdaptiveStep",
    "WilsonCowanDivisiveInputStep",
    "WilsonCowanDivisiveStep",
    "WilsonCowanLinearStep",
    "WilsonCowanNoSaturationStep",
    "WilsonCowanSimplifiedStep",
    "WilsonCowanStep",
    "WilsonCowanSymmetricStep",
    "WilsonCowanThreePopulationStep",
]

_RANGE = "range of The Virtual Brain, doi:10.1016/j.neuroimage.2015.01.002"
_OURS = "ours"
_1972 = "Wilson & Cowan 1972, Biophys. J. 12:1, doi:10.1016/S0006-3495(72)86068-5"


def response(x, a, theta):
    """Sigmoid of slope ``a`` and threshold ``theta``, shifted so that no input gives 0."""
    return jax.nn.sigmoid(a * (x - theta)) - jax.nn.sigmoid(-a * theta)


class _ExcitatoryInhibitory(NeuralMass):
    """States, inputs, weights and time constants that all variants share."""

    category = "physiological"
    catalogued = False
    reference = _1972

    tau_E = param(
        1.0 * u.ms, bounds=(0.5, 50.0), domain="positive", source=_OURS,
        doc="excitatory time constant",
    )  # fmt: skip
    tau_I = param(
        1.0 * u.ms, bounds=(0.5, 50.0), domain="positive", source=_OURS,
        doc="inhibitory time constant",
    )  # fmt: skip
    wEE = param(12.0, bounds=(0.0, 16.0), source=_OURS, doc="weight from E to E")
    wIE = param(4.0, bounds=(0.0, 16.0), source=_OURS, doc="weight from I to E, inhibitory")
    wEI = param(13.0, bounds=(0.0, 22.0), source=_OURS, doc="weight from E to I")
    wII = param(11.0, bounds=(0.0, 15.0), source=_OURS, doc="weight from I to I, inhibitory")

    rE = state(0.0, doc="fraction of excitatory cells that fire")
    rI = state(0.0, doc="fraction of inhibitory cells that fire")
    rE_inp = inlet(0.0, noise="noise_E", additive=False, doc="drive of the excitatory cells")
    rI_inp = inlet(0.0, noise="noise_I", additive=False, doc="drive of the inhibitory cells")


class _Sigmoidal(_ExcitatoryInhibitory):
    """Slope and threshold of the two response functions."""

    a_E = param(1.2, bounds=(0.1, 3.0), source=_OURS, doc="excitatory slope")
    theta_E = param(2.8, bounds=(0.0, 10.0), source=_OURS, doc="excitatory threshold")
    a_I = param(1.0, bounds=(0.1, 3.0), source=_OURS, doc="inhibitory slope")
    theta_I = param(4.0, bounds=(0.0, 60.0), source=_RANGE, doc="inhibitory threshold")


class WilsonCowanStep(_Sigmoidal):
    """Excitatory and inhibitory populations with a shifted sigmoid and refractoriness.

    Weights are named source first: ``wIE = 4`` is the weight with which I inhibits E, ``wEI = 13``
    the weight with which E drives I, as in figure 4 of the paper, where silence and a state at
    ``rE = 0.46`` are both stable. The paper's limit cycle needs the set of the example below. Input
    sits inside the excitatory sigmoid, as in The Virtual Brain; time constants are 1 ms here and
    10 ms there.

    Examples
    --------
    >>> import brainmass, brainunit as u
    >>> pair = brainmass.WilsonCowanStep(
    ...     1, wEE=16.0, wIE=12.0, wEI=15.0, wII=3.0, a_E=1.3, theta_E=4.0, a_I=2.0, theta_I=3.7
    ... )
    >>> sim = brainmass.Simulator(pair, dt=0.05 * u.ms)
    >>> rE = sim.run(100 * u.ms, inputs=lambda i, t: 1.25, monitors="rE", transient=50 * u.ms)["rE"]
    >>> round(float(rE.min()), 2), round(float(rE.max()), 2)
    (0.1, 0.27)
    """

    catalogued = True
    rank = 1
    use = "Firing rates of excitatory and inhibitory populations"

    r = param(1.0, bounds=(0.0, 2.0), source=_OURS, doc="refractory fraction")

    @staticmethod
    def equations(s, p, i, t):
        to_E = response(p.wEE * s.rE - p.wIE * s.rI + i.rE_inp, p.a_E, p.theta_E)
        to_I = response(p.wEI * s.rE - p.wII * s.rI + i.rI_inp, p.a_I, p.theta_I)
        return dict(
            rE=(-s.rE + (1 - p.r * s.rE) * to_E) / p.tau_E,
            rI=(-s.rI + (1 - p.r * s.rI) * to_I) / p.tau_I,
        )


class WilsonCowanNoSaturationStep(_Sigmoidal):
    """Wilson-Cowan model without refractoriness: :class:`WilsonCowanStep` with ``r = 0``.

    Examples
    --------
    >>> import brainmass
    >>> brainmass.WilsonCowanNoSaturationStep(1)
    WilsonCowanNoSaturationStep(in_size=1, method='heun')
    """

    use = "Rate networks and machine learning"

    @staticmethod
    def equations(s, p, i, t):
        to_E = response(p.wEE * s.rE - p.wIE * s.rI + i.rE_inp, p.a_E, p.theta_E)
        to_I = response(p.wEI * s.rE - p.wII * s.rI + i.rI_inp, p.a_I, p.theta_I)
        return dict(rE=(to_E - s.rE) / p.tau_E, rI=(to_I - s.rI) / p.tau_I)


class WilsonCowanSymmetricStep(_ExcitatoryInhibitory):
    """Wilson-Cowan model with one time constant, slope and threshold for both populations.

    It is :class:`WilsonCowanStep` with ``tau_E = tau_I``, ``a_E = a_I``, ``theta_E = theta_I``.

    Examples
    --------
    >>> import brainmass
    >>> brainmass.WilsonCowanSymmetricStep(1)
    WilsonCowanSymmetricStep(in_size=1, method='heun')
    """

    use = "Analysis with few parameters"

    tau_E = None
    tau_I = None
    tau = param(
        1.0 * u.ms, bounds=(0.5, 50.0), domain="positive", source=_OURS, doc="time constant"
    )
    a = param(1.1, bounds=(0.1, 3.0), source=_OURS, doc="slope")
    theta = param(3.4, bounds=(0.0, 10.0), source=_OURS, doc="threshold")
    r = param(1.0, bounds=(0.0, 2.0), source=_OURS, doc="refractory fraction")

    @staticmethod
    def equations(s, p, i, t):
        to_E = response(p.wEE * s.rE - p.wIE * s.rI + i.rE_inp, p.a, p.theta)
        to_I = response(p.wEI * s.rE - p.wII * s.rI + i.rI_inp, p.a, p.theta)
        return dict(
            rE=(-s.rE + (1 - p.r * s.rE) * to_E) / p.tau,
            rI=(-s.rI + (1 - p.r * s.rI) * to_I) / p.tau,
        )


class WilsonCowanSimplifiedStep(_Sigmoidal):
    """Wilson-Cowan model with one excitatory and one inhibitory weight.

    It is :class:`WilsonCowanStep` with ``wEE = wEI = w_exc`` and ``wIE = wII = w_inh``.

    Examples
    --------
    >>> import brainmass
    >>> brainmass.WilsonCowanSimplifiedStep(1)
    WilsonCowanSimplifiedStep(in_size=1, method='heun')
    """

    use = "Fits with few weights"

    wEE = None
    wIE = None
    wEI = None
    wII = None
    w_exc = param(8.0, bounds=(0.0, 20.0), source=_OURS, doc="weight of E in both populations")
    w_inh = param(12.0, bounds=(0.0, 20.0), source=_OURS, doc="weight of I in both populations")
    r = param(1.0, bounds=(0.0, 2.0), source=_OURS, doc="refractory fraction")

    @staticmethod
    def equations(s, p, i, t):
        balance = p.w_exc * s.rE - p.w_inh * s.rI
        to_E = response(balance + i.rE_inp, p.a_E, p.theta_E)
        to_I = response(balance + i.rI_inp, p.a_I, p.theta_I)
        return dict(
            rE=(-s.rE + (1 - p.r * s.rE) * to_E) / p.tau_E,
            rI=(-s.rI + (1 - p.r * s.rI) * to_I) / p.tau_I,
        )


class WilsonCowanLinearStep(_ExcitatoryInhibitory):
    """Wilson-Cowan model with a rectified linear response in place of the sigmoid.

    Rates are unbounded for ``r = 0`` and a strong ``wEE``.

    Examples
    --------
    >>> import brainmass
    >>> brainmass.WilsonCowanLinearStep(1)
    WilsonCowanLinearStep(in_size=1, method='heun')
    """

    use = "Linear analysis of excitation and inhibition"

    wEE = param(0.8, bounds=(0.0, 3.0), source=_OURS, doc="weight from E to E")
    wIE = param(0.3, bounds=(0.0, 3.0), source=_OURS, doc="weight from I to E, inhibitory")
    wEI = param(1.0, bounds=(0.0, 3.0), source=_OURS, doc="weight from E to I")
    wII = param(0.85, bounds=(0.0, 3.0), source=_OURS, doc="weight from I to I, inhibitory")
    r = param(1.0, bounds=(0.0, 2.0), source=_OURS, doc="refractory fraction")

    @staticmethod
    def equations(s, p, i, t):
        to_E = jnp.maximum(p.wEE * s.rE - p.wIE * s.rI + i.rE_inp, 0.0)
        to_I = jnp.maximum(p.wEI * s.rE - p.wII * s.rI + i.rI_inp, 0.0)
        return dict(
            rE=(-s.rE + (1 - p.r * s.rE) * to_E) / p.tau_E,
            rI=(-s.rI + (1 - p.r * s.rI) * to_I) / p.tau_I,
        )


class _Divisive(_Sigmoidal):
    """Half the weights of the subtractive model, and the two semisaturation constants."""

    reference = "Carandini & Heeger 2012, Nat. Rev. Neurosci. 13:51, doi:10.1038/nrn3136"

    wEE = param(6.0, bounds=(0.0, 16.0), source=_OURS, doc="weight from E to E")
    wIE = param(
        2.0, bounds=(0.0, 16.0), domain="nonnegative", source=_OURS,
        doc="weight from I to E, divisive",
    )  # fmt: skip
    wEI = param(6.5, bounds=(0.0, 22.0), source=_OURS, doc="weight from E to I")
    wII = param(
        5.5, bounds=(0.0, 15.0), domain="nonnegative", source=_OURS,
        doc="weight from I to I, divisive",
    )  # fmt: skip
    r = param(1.0, bounds=(0.0, 2.0), source=_OURS, doc="refractory fraction")
    sigma_E = param(
        1.0, bounds=(0.1, 5.0), domain="positive", source=_OURS, doc="semisaturation of E"
    )
    sigma_I = param(
        1.0, bounds=(0.1, 5.0), domain="positive", source=_OURS, doc="semisaturation of I"
    )


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
        to_E = response(p.wEE * s.rE + i.rE_inp, p.a_E, p.theta_E)
        to_I = response(p.wEI * s.rE + i.rI_inp, p.a_I, p.theta_I)
        gain_E = (1 - p.r * s.rE) / (p.sigma_E + p.wIE * inhibition)
        gain_I = (1 - p.r * s.rI) / (p.sigma_I + p.wII * inhibition)
        return dict(
            rE=(-s.rE + gain_E * to_E) / p.tau_E,
            rI=(-s.rI + gain_I * to_I) / p.tau_I,
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
        to_E = response(recurrent_E + i.rE_inp, p.a_E, p.theta_E)
        to_I = response(recurrent_I + i.rI_inp, p.a_I, p.theta_I)
        return dict(
            rE=(-s.rE + (1 - p.r * s.rE) * to_E) / p.tau_E,
            rI=(-s.rI + (1 - p.r * s.rI) * to_I) / p.tau_I,
        )


class WilsonCowanAdaptiveStep(_Sigmoidal):
    """Wilson-Cowan model with spike-frequency adaptation of both populations.

    With ``b_E = b_I = 0`` it is :class:`WilsonCowanStep`.

    Examples
    --------
    >>> import brainmass
    >>> brainmass.WilsonCowanAdaptiveStep(1)
    WilsonCowanAdaptiveStep(in_size=1, method='heun')
    """

    reference = "Benda & Herz 2003, Neural Comput. 15:2523, doi:10.1162/089976603322385063"
    use = "Slow alternation, adaptation to a steady drive"

    r = param(1.0, bounds=(0.0, 2.0), source=_OURS, doc="refractory fraction")
    tau_aE = param(
        100.0 * u.ms, bounds=(10.0, 1000.0), domain="positive", source=_OURS,
        doc="time of the adaptation of E",
    )  # fmt: skip
    tau_aI = param(
        80.0 * u.ms, bounds=(10.0, 1000.0), domain="positive", source=_OURS,
        doc="time of the adaptation of I",
    )  # fmt: skip
    b_E = param(0.1, bounds=(0.0, 5.0), source=_OURS, doc="strength of the adaptation of E")
    b_I = param(0.08, bounds=(0.0, 5.0), source=_OURS, doc="strength of the adaptation of I")

    aE = state(0.0, doc="adaptation of E")
    aI = state(0.0, doc="adaptation of I")

    @staticmethod
    def equations(s, p, i, t):
        to_E = response(p.wEE * s.rE - p.wIE * s.rI + i.rE_inp - s.aE, p.a_E, p.theta_E)
        to_I = response(p.wEI * s.rE - p.wII * s.rI + i.rI_inp - s.aI, p.a_I, p.theta_I)
        return dict(
            rE=(-s.rE + (1 - p.r * s.rE) * to_E) / p.tau_E,
            rI=(-s.rI + (1 - p.r * s.rI) * to_I) / p.tau_I,
            aE=(p.b_E * s.rE - s.aE) / p.tau_aE,
            aI=(p.b_I * s.rI - s.aI) / p.tau_aI,
        )


class WilsonCowanThreePopulationStep(_Sigmoidal):
    """Wilson-Cowan model with a third, modulatory population M that excites E and I.

    With ``wME = wMI = 0`` the first two populations are :class:`WilsonCowanStep`. All weights are
    named source first: ``wEM`` goes from E to M.

    Examples
    --------
    >>> import brainmass
    >>> brainmass.WilsonCowanThreePopulationStep(1)
    WilsonCowanThreePopulationStep(in_size=1, method='heun')
    """

    reference = "Pfeffer, Xue, He, Huang & Scanziani 2013, Nat. Neurosci. 16:1068, \
doi:10.1038/nn.3446"
    use = "Disinhibition and modulation by a third cell type"

    r = param(1.0, bounds=(0.0, 2.0), source=_OURS, doc="refractory fraction")
    tau_M = param(
        2.0 * u.ms, bounds=(0.5, 50.0), domain="positive", source=_OURS,
        doc="modulatory time constant",
    )  # fmt: skip
    a_M = param(1.0, bounds=(0.1, 3.0), source=_OURS, doc="modulatory slope")
    theta_M = param(3.5, bounds=(0.0, 10.0), source=_OURS, doc="modulatory threshold")
    wEM = param(8.0, bounds=(0.0, 20.0), source=_OURS, doc="weight from E to M")
    wIM = param(6.0, bounds=(0.0, 20.0), source=_OURS, doc="weight from I to M, inhibitory")
    wME = param(4.0, bounds=(0.0, 20.0), source=_OURS, doc="weight from M to E")
    wMI = param(2.0, bounds=(0.0, 20.0), source=_OURS, doc="weight from M to I")
    wMM = param(2.0, bounds=(0.0, 20.0), source=_OURS, doc="weight from M to M")

    rM = state(0.0, doc="fraction of modulatory cells that fire")
    rM_inp = inlet(0.0, noise="noise_M", additive=False, doc="drive of the modulatory cells")

    @staticmethod
    def equations(s, p, i, t):
        to_E = response(p.wEE * s.rE - p.wIE * s.rI + p.wME * s.rM + i.rE_inp, p.a_E, p.theta_E)
        to_I = response(p.wEI * s.rE - p.wII * s.rI + p.wMI * s.rM + i.rI_inp, p.a_I, p.theta_I)
        to_M = response(p.wEM * s.rE - p.wIM * s.rI + p.wMM * s.rM + i.rM_inp, p.a_M, p.theta_M)
        return dict(
            rE=(-s.rE + (1 - p.r * s.rE) * to_E) / p.tau_E,
            rI=(-s.rI + (1 - p.r * s.rI) * to_I) / p.tau_I,
            rM=(-s.rM + (1 - p.r * s.rM) * to_M) / p.tau_M,
        )
