"""Threshold-linear excitatory and inhibitory rates."""

import brainunit as u
import jax.numpy as jnp

from .._declare import inlet, param, preset, state
from ..dynamics import NeuralMass

__all__ = ["ThresholdLinearStep"]


class ThresholdLinearStep(NeuralMass):
    """Excitatory and inhibitory rates that relax to a rectified linear function of their drive.

    A steady drive ``E_inp > 0`` leads to ``E = beta_E * E_inp`` within a few ``tau_E``, a negative
    one to silence; the same holds for ``I``. The two do not interact inside the node: local and
    long-range weights are supplied by a network or by inputs. Drives are in pA and rates in Hz in
    the paper, plain numbers here.

    Examples
    --------
    >>> import brainmass, brainunit as u, numpy as np
    >>> sim = brainmass.Simulator(brainmass.ThresholdLinearStep(1), dt=0.1 * u.ms)
    >>> E = sim.run(200 * u.ms, inputs=np.full(2000, 300.0), monitors="E")["E"]
    >>> round(float(E[-1, 0]), 2)
    19.8
    """

    category = "phenomenological"
    rank = 5
    reference = "Chaudhuri, Knoblauch, Gariel, Kennedy & Wang 2015, Neuron 88:419, \
doi:10.1016/j.neuron.2015.09.008"
    use = "Hierarchy of time scales, fast linear responses"
    ranges = "ours, around the published values"
    presets = {
        "driven": preset(
            "relaxation to the rates of a steady drive of 300 pA, 19.8 and 105.3 Hz",
            source="Chaudhuri et al. 2015, doi:10.1016/j.neuron.2015.09.008",
            inputs={"E_inp": 300.0, "I_inp": 300.0}, duration=150.0 * u.ms,
        ),
        "silent": preset(
            "a negative drive silences both populations",
            source="Chaudhuri et al. 2015, doi:10.1016/j.neuron.2015.09.008",
            inputs={"E_inp": -50.0, "I_inp": -50.0}, init={"E": 10.0, "I": 20.0},
            duration=150.0 * u.ms,
        ),
    }  # fmt: skip

    tau_E = param(
        0.02 * u.second, bounds=(0.002, 0.2), domain="positive", doc="excitatory time constant"
    )
    tau_I = param(
        0.01 * u.second, bounds=(0.001, 0.1), domain="positive", doc="inhibitory time constant"
    )
    beta_E = param(0.066, bounds=(0.01, 0.5), domain="nonnegative", doc="excitatory slope in Hz/pA")
    beta_I = param(0.351, bounds=(0.05, 2.0), domain="nonnegative", doc="inhibitory slope in Hz/pA")

    E = state(0.0, clamp=(0.0, None), doc="excitatory rate")
    I = state(0.0, clamp=(0.0, None), doc="inhibitory rate")
    E_inp = inlet(0.0, additive=False, doc="drive of the excitatory cells")
    I_inp = inlet(0.0, additive=False, doc="drive of the inhibitory cells")

    @staticmethod
    def equations(s, p, i, t):
        return dict(
            E=(p.beta_E * jnp.maximum(i.E_inp, 0.0) - s.E) / p.tau_E,
            I=(p.beta_I * jnp.maximum(i.I_inp, 0.0) - s.I) / p.tau_I,
        )
