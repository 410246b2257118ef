"""The model of 1972 and the variants that keep two populations with subtractive inhibition."""

import brainunit as u
import jax
import jax.numpy as jnp

from ..._declare import inlet, param, preset, state
from ...dynamics import NeuralMass

__all__ = [
    "WilsonCowanLinearStep",
    "WilsonCowanNoSaturationStep",
    "WilsonCowanSimplifiedStep",
    "WilsonCowanStep",
    "WilsonCowanSymmetricStep",
]

TVB = "range of The Virtual Brain, doi:10.1016/j.neuroimage.2015.01.002"
PAPER = "Wilson & Cowan 1972, Biophys. J. 12:1, doi:10.1016/S0006-3495(72)86068-5"


def response(x, a, theta):
    """Sigmoid of slope ``a`` and threshold ``theta``, shifted so that no input gives 0."""
    return jax.nn.sigmoid(a * (x - theta)) - jax.nn.sigmoid(-a * theta)


class ExcitatoryInhibitory(NeuralMass):
    """States, inputs, weights and time constants that all variants share."""

    category = "physiological"
    catalogued = False
    reference = PAPER
    ranges = "ours, around the published values"

    tau_E = param(1.0 * u.ms, bounds=(0.5, 50.0), domain="positive", doc="excitatory time constant")
    tau_I = param(1.0 * u.ms, bounds=(0.5, 50.0), domain="positive", doc="inhibitory time constant")
    wEE = param(12.0, bounds=(0.0, 16.0), doc="weight from E to E")
    wIE = param(4.0, bounds=(0.0, 16.0), doc="weight from I to E, inhibitory")
    wEI = param(13.0, bounds=(0.0, 22.0), doc="weight from E to I")
    wII = param(11.0, bounds=(0.0, 15.0), doc="weight from I to I, inhibitory")

    rE = state(0.0, doc="fraction of excitatory cells that fire")
    rI = state(0.0, doc="fraction of inhibitory cells that fire")
    rE_inp = inlet(0.0, noise="noise_E", additive=False, doc="drive of the excitatory cells")
    rI_inp = inlet(0.0, noise="noise_I", additive=False, doc="drive of the inhibitory cells")


class Sigmoidal(ExcitatoryInhibitory):
    """Slope and threshold of the two response functions, and the function ``F`` itself."""

    F = staticmethod(response)

    a_E = param(1.2, bounds=(0.1, 3.0), doc="excitatory slope")
    theta_E = param(2.8, bounds=(0.0, 10.0), doc="excitatory threshold")
    a_I = param(1.0, bounds=(0.1, 3.0), doc="inhibitory slope")
    theta_I = param(4.0, bounds=(0.0, 60.0), source=TVB, doc="inhibitory threshold")


class WilsonCowanStep(Sigmoidal):
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
    presets = {
        "bistable, silent": preset(
            "silence, beside a stable state of high activity", source=PAPER, init={"rE": 0.1},
            duration=30.0 * u.ms,
        ),
        "bistable, active": preset(
            "the state of high activity, at rE = 0.46", source=PAPER,
            init={"rE": 0.3, "rI": 0.1}, duration=30.0 * u.ms,
        ),
        "limit cycle": preset(
            "oscillations with a period of 5.0 ms under a steady drive", source=PAPER,
            params={
                "wEE": 16.0, "wIE": 12.0, "wEI": 15.0, "wII": 3.0,
                "a_E": 1.3, "theta_E": 4.0, "a_I": 2.0, "theta_I": 3.7,
            },
            inputs={"rE_inp": 1.25}, duration=60.0 * u.ms,
        ),
    }  # fmt: skip

    r = param(1.0, bounds=(0.0, 2.0), doc="refractory fraction")

    @staticmethod
    def equations(s, p, i, t):
        F_E = response(p.wEE * s.rE - p.wIE * s.rI + i.rE_inp, p.a_E, p.theta_E)
        F_I = response(p.wEI * s.rE - p.wII * s.rI + i.rI_inp, p.a_I, p.theta_I)
        return dict(
            rE=(-s.rE + (1 - p.r * s.rE) * F_E) / p.tau_E,
            rI=(-s.rI + (1 - p.r * s.rI) * F_I) / p.tau_I,
        )


class WilsonCowanNoSaturationStep(Sigmoidal):
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
        F_E = response(p.wEE * s.rE - p.wIE * s.rI + i.rE_inp, p.a_E, p.theta_E)
        F_I = response(p.wEI * s.rE - p.wII * s.rI + i.rI_inp, p.a_I, p.theta_I)
        return dict(rE=(F_E - s.rE) / p.tau_E, rI=(F_I - s.rI) / p.tau_I)


class WilsonCowanSymmetricStep(ExcitatoryInhibitory):
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
    tau = param(1.0 * u.ms, bounds=(0.5, 50.0), domain="positive", doc="time constant")
    a = param(1.1, bounds=(0.1, 3.0), doc="slope")
    theta = param(3.4, bounds=(0.0, 10.0), doc="threshold")
    r = param(1.0, bounds=(0.0, 2.0), doc="refractory fraction")

    @staticmethod
    def equations(s, p, i, t):
        F_E = response(p.wEE * s.rE - p.wIE * s.rI + i.rE_inp, p.a, p.theta)
        F_I = response(p.wEI * s.rE - p.wII * s.rI + i.rI_inp, p.a, p.theta)
        return dict(
            rE=(-s.rE + (1 - p.r * s.rE) * F_E) / p.tau,
            rI=(-s.rI + (1 - p.r * s.rI) * F_I) / p.tau,
        )


class WilsonCowanSimplifiedStep(Sigmoidal):
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
    w_exc = param(8.0, bounds=(0.0, 20.0), doc="weight of E in both populations")
    w_inh = param(12.0, bounds=(0.0, 20.0), doc="weight of I in both populations")
    r = param(1.0, bounds=(0.0, 2.0), doc="refractory fraction")

    @staticmethod
    def equations(s, p, i, t):
        balance = p.w_exc * s.rE - p.w_inh * s.rI
        F_E = response(balance + i.rE_inp, p.a_E, p.theta_E)
        F_I = response(balance + i.rI_inp, p.a_I, p.theta_I)
        return dict(
            rE=(-s.rE + (1 - p.r * s.rE) * F_E) / p.tau_E,
            rI=(-s.rI + (1 - p.r * s.rI) * F_I) / p.tau_I,
        )


class WilsonCowanLinearStep(ExcitatoryInhibitory):
    """Wilson-Cowan model with a rectified linear response in place of the sigmoid.

    For weak rates and drives it is :class:`WilsonCowanStep` with slopes 4 and thresholds 0, where
    the sigmoid has the slope 1. Rates are unbounded for ``r = 0`` and a strong ``wEE``.

    Examples
    --------
    >>> import brainmass
    >>> brainmass.WilsonCowanLinearStep(1)
    WilsonCowanLinearStep(in_size=1, method='heun')
    """

    use = "Linear analysis of excitation and inhibition"

    wEE = param(0.8, bounds=(0.0, 3.0), doc="weight from E to E")
    wIE = param(0.3, bounds=(0.0, 3.0), doc="weight from I to E, inhibitory")
    wEI = param(1.0, bounds=(0.0, 3.0), doc="weight from E to I")
    wII = param(0.85, bounds=(0.0, 3.0), doc="weight from I to I, inhibitory")
    r = param(1.0, bounds=(0.0, 2.0), doc="refractory fraction")

    @staticmethod
    def equations(s, p, i, t):
        F_E = jnp.maximum(p.wEE * s.rE - p.wIE * s.rI + i.rE_inp, 0.0)
        F_I = jnp.maximum(p.wEI * s.rE - p.wII * s.rI + i.rI_inp, 0.0)
        return dict(
            rE=(-s.rE + (1 - p.r * s.rE) * F_E) / p.tau_E,
            rI=(-s.rI + (1 - p.r * s.rI) * F_I) / p.tau_I,
        )
