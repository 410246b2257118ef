"""Wilson-Cowan models of three populations."""

import brainunit as u

from ..._declare import inlet, param, state
from .base import Sigmoidal, response

__all__ = ["WilsonCowanThreePopBase", "WilsonCowanThreePopulationStep"]


class WilsonCowanThreePopBase(Sigmoidal):
    """Base of models of an excitatory, an inhibitory and a third population M.

    It has the states ``rE``, ``rI``, ``rM``, an input and a noise slot for each, and the parameters
    of the first two populations of :class:`WilsonCowanStep`. A subclass declares what M adds and
    ``equations(s, p, i, t)``; ``F`` is the shifted sigmoid.

    Parameters
    ----------
    in_size : int or tuple of int
        Shape of the population of nodes.
    **settings
        Parameters of the subclass, ``noise_E``, ``noise_I``, ``noise_M``, ``init_rE``, ``init_rI``,
        ``init_rM``, ``method``.

    Examples
    --------
    >>> import brainmass, brainunit as u
    >>> class Relay(brainmass.WilsonCowanThreePopBase):
    ...     "A third population that only listens to E."
    ...     catalogued = False
    ...     tau_M = brainmass.param(5.0 * u.ms, domain="positive", doc="time constant of M")
    ...     @staticmethod
    ...     def equations(s, p, i, t):
    ...         E = Relay.F(p.wEE * s.rE - p.wIE * s.rI + i.rE_inp, p.a_E, p.theta_E)
    ...         I = Relay.F(p.wEI * s.rE - p.wII * s.rI + i.rI_inp, p.a_I, p.theta_I)
    ...         return dict(
    ...             rE=(E - s.rE) / p.tau_E, rI=(I - s.rI) / p.tau_I,
    ...             rM=(s.rE + i.rM_inp - s.rM) / p.tau_M,
    ...         )
    >>> Relay(2)
    Relay(in_size=2, method='heun')
    """

    rM = state(0.0, doc="fraction of the third cells that fire")
    rM_inp = inlet(0.0, noise="noise_M", additive=False, doc="drive of the third population")


class WilsonCowanThreePopulationStep(WilsonCowanThreePopBase):
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

    r = param(1.0, bounds=(0.0, 2.0), doc="refractory fraction")
    tau_M = param(2.0 * u.ms, bounds=(0.5, 50.0), domain="positive", doc="modulatory time constant")
    a_M = param(1.0, bounds=(0.1, 3.0), doc="modulatory slope")
    theta_M = param(3.5, bounds=(0.0, 10.0), doc="modulatory threshold")
    wEM = param(8.0, bounds=(0.0, 20.0), doc="weight from E to M")
    wIM = param(6.0, bounds=(0.0, 20.0), doc="weight from I to M, inhibitory")
    wME = param(4.0, bounds=(0.0, 20.0), doc="weight from M to E")
    wMI = param(2.0, bounds=(0.0, 20.0), doc="weight from M to I")
    wMM = param(2.0, bounds=(0.0, 20.0), doc="weight from M to M")

    @staticmethod
    def equations(s, p, i, t):
        F_E = response(p.wEE * s.rE - p.wIE * s.rI + p.wME * s.rM + i.rE_inp, p.a_E, p.theta_E)
        F_I = response(p.wEI * s.rE - p.wII * s.rI + p.wMI * s.rM + i.rI_inp, p.a_I, p.theta_I)
        F_M = response(p.wEM * s.rE - p.wIM * s.rI + p.wMM * s.rM + i.rM_inp, p.a_M, p.theta_M)
        return dict(
            rE=(-s.rE + (1 - p.r * s.rE) * F_E) / p.tau_E,
            rI=(-s.rI + (1 - p.r * s.rI) * F_I) / p.tau_I,
            rM=(-s.rM + (1 - p.r * s.rM) * F_M) / p.tau_M,
        )
