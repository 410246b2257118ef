"""Wilson-Cowan variants with a memory: adaptation, and delays within the node."""

import brainunit as u

from ..._declare import delayed, param, state
from .base import Sigmoidal, response

__all__ = ["WilsonCowanAdaptiveStep", "WilsonCowanDelayedStep"]


class WilsonCowanAdaptiveStep(Sigmoidal):
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

    r = param(1.0, bounds=(0.0, 2.0), doc="refractory fraction")
    tau_aE = param(
        100.0 * u.ms, bounds=(10.0, 1000.0), domain="positive", doc="time of the adaptation of E"
    )
    tau_aI = param(
        80.0 * u.ms, bounds=(10.0, 1000.0), domain="positive", doc="time of the adaptation of I"
    )
    b_E = param(0.1, bounds=(0.0, 5.0), doc="strength of the adaptation of E")
    b_I = param(0.08, bounds=(0.0, 5.0), doc="strength of the adaptation of I")

    aE = state(0.0, doc="adaptation of E")
    aI = state(0.0, doc="adaptation of I")

    @staticmethod
    def equations(s, p, i, t):
        F_E = response(p.wEE * s.rE - p.wIE * s.rI + i.rE_inp - s.aE, p.a_E, p.theta_E)
        F_I = response(p.wEI * s.rE - p.wII * s.rI + i.rI_inp - s.aI, p.a_I, p.theta_I)
        return dict(
            rE=(-s.rE + (1 - p.r * s.rE) * F_E) / p.tau_E,
            rI=(-s.rI + (1 - p.r * s.rI) * F_I) / p.tau_I,
            aE=(p.b_E * s.rE - s.aE) / p.tau_aE,
            aI=(p.b_I * s.rI - s.aI) / p.tau_aI,
        )


class WilsonCowanDelayedStep(Sigmoidal):
    """Wilson-Cowan model whose four connections take time.

    All delays are named source first, as the weights: ``delay_EI`` is that from E to I. With all
    delays at 0 it is :class:`WilsonCowanStep`. The past is read at the time of every stage of the
    integrator; before time 0 both rates are held at their initial values. Delays may differ between
    nodes, be changed between runs, and be trained.

    Examples
    --------
    >>> import brainmass, brainunit as u
    >>> pair = brainmass.WilsonCowanDelayedStep(1, delay_EE=5.0 * u.ms, init_rE=0.3)
    >>> rE = brainmass.Simulator(pair, dt=0.1 * u.ms).run(20 * u.ms, monitors="rE")["rE"]
    >>> rE.shape
    (200, 1)
    """

    reference = "Coombes & Laing 2009, Phil. Trans. R. Soc. A 367:1117, doi:10.1098/rsta.2008.0256"
    use = "Oscillations from the delays of local connections"

    r = param(1.0, bounds=(0.0, 2.0), doc="refractory fraction")
    delay_EE = param(2.0 * u.ms, bounds=(0.5, 20.0), domain="nonnegative", doc="delay from E to E")
    delay_IE = param(1.5 * u.ms, bounds=(0.5, 20.0), domain="nonnegative", doc="delay from I to E")
    delay_EI = param(2.0 * u.ms, bounds=(0.5, 20.0), domain="nonnegative", doc="delay from E to I")
    delay_II = param(1.5 * u.ms, bounds=(0.5, 20.0), domain="nonnegative", doc="delay from I to I")

    rE_EE = delayed("rE", by="delay_EE", doc="rate of E as it reaches E")
    rI_IE = delayed("rI", by="delay_IE", doc="rate of I as it reaches E")
    rE_EI = delayed("rE", by="delay_EI", doc="rate of E as it reaches I")
    rI_II = delayed("rI", by="delay_II", doc="rate of I as it reaches I")

    @staticmethod
    def equations(s, p, i, t):
        F_E = response(p.wEE * i.rE_EE - p.wIE * i.rI_IE + i.rE_inp, p.a_E, p.theta_E)
        F_I = response(p.wEI * i.rE_EI - p.wII * i.rI_II + i.rI_inp, p.a_I, p.theta_I)
        return dict(
            rE=(-s.rE + (1 - p.r * s.rE) * F_E) / p.tau_E,
            rI=(-s.rI + (1 - p.r * s.rI) * F_I) / p.tau_I,
        )
