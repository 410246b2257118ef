"""Jansen-Rit cortical column."""

import brainunit as u
import jax

from .._declare import inlet, option, param, state
from ..dynamics import NeuralMass

__all__ = ["JansenRitStep"]


def unchanged(rate):
    """Return a firing rate as it is."""
    return rate


class JansenRitStep(NeuralMass):
    """Pyramidal, excitatory and inhibitory populations that produce the alpha rhythm.

    There is no drive inside the model: the pulse density p of the paper, 120 to 320 Hz, enters at
    ``E_inp``, and with 220 Hz the column oscillates at 10.9 Hz. Long-range connections carry firing
    rates, so a network couples into ``E_inp``, the first input. The signal is ``E - I``.

    Examples
    --------
    >>> import brainmass, brainunit as u
    >>> column = brainmass.JansenRitStep(1, init_M=0.1 * u.mV, init_E=20 * u.mV, init_I=10 * u.mV)
    >>> run = brainmass.Simulator(column, dt=0.1 * u.ms).run
    >>> eeg = run(1 * u.second, inputs=lambda i, t: 220 * u.Hz, monitors=None)["output"]
    >>> eeg.shape, str(eeg.unit)
    ((10000, 1), 'mV')
    """

    category = "physiological"
    rank = 2
    reference = "Jansen & Rit 1995, Biol. Cybern. 73:357, doi:10.1007/BF00199471"
    use = "EEG generation, alpha rhythm, evoked potentials"

    Ae = param(
        3.25 * u.mV, bounds=(2.6, 9.75), domain="nonnegative", doc="excitatory synaptic gain"
    )
    Ai = param(
        22.0 * u.mV, bounds=(17.6, 110.0), domain="nonnegative", doc="inhibitory synaptic gain"
    )
    be = param(
        100.0 * u.Hz, bounds=(5.0, 150.0), domain="positive", doc="excitatory rate constant"
    )
    bi = param(50.0 * u.Hz, bounds=(25.0, 75.0), domain="positive", doc="inhibitory rate constant")
    C = param(135.0, bounds=(65.0, 1350.0), domain="nonnegative", doc="mean number of synapses")
    a1 = param(1.0, bounds=(0.5, 1.5), doc="pyramidal to excitatory, as a fraction of C")
    a2 = param(0.8, bounds=(0.4, 1.2), doc="excitatory to pyramidal, as a fraction of C")
    a3 = param(0.25, bounds=(0.125, 0.375), doc="pyramidal to inhibitory, as a fraction of C")
    a4 = param(0.25, bounds=(0.125, 0.375), doc="inhibitory to pyramidal, as a fraction of C")
    s_max = param(5.0 * u.Hz, bounds=(2.5, 7.5), domain="positive", doc="maximal firing rate 2 e0")
    v0 = param(6.0 * u.mV, bounds=(3.12, 10.0), doc="potential at half the maximal rate")
    r = param(0.56, bounds=(0.28, 0.84), domain="positive", doc="steepness of the rate in 1/mV")
    fr_scale = option(unchanged, doc="function applied to the three firing-rate drives")

    M = state(0.0 * u.mV, doc="potential from the pyramidal cells on the interneurons")
    E = state(0.0 * u.mV, doc="excitatory potential on the pyramidal cells")
    I = state(0.0 * u.mV, doc="inhibitory potential on the pyramidal cells")
    Mv = state(0.0 * u.mV / u.second, doc="rate of change of M")
    Ev = state(0.0 * u.mV / u.second, doc="rate of change of E")
    Iv = state(0.0 * u.mV / u.second, doc="rate of change of I")

    E_inp = inlet(0.0 * u.Hz, doc="pulse density reaching the excitatory synapses")
    M_inp = inlet(0.0 * u.mV, additive=False, doc="potential added inside the pyramidal sigmoid")
    I_inp = inlet(0.0 * u.mV, additive=False, doc="potential added inside the inhibitory sigmoid")

    @staticmethod
    def equations(s, p, i, t):
        def rate(v):
            return p.s_max * jax.nn.sigmoid(p.r * ((v - p.v0) / u.mV))

        pyramidal = rate(s.E - s.I + i.M_inp)
        excitatory = i.E_inp + p.C * p.a2 * rate(p.C * p.a1 * s.M)
        inhibitory = p.C * p.a4 * rate(p.C * p.a3 * s.M + i.I_inp)
        return dict(
            M=s.Mv,
            E=s.Ev,
            I=s.Iv,
            Mv=p.Ae * p.be * p.fr_scale(pyramidal) - 2 * p.be * s.Mv - p.be**2 * s.M,
            Ev=p.Ae * p.be * p.fr_scale(excitatory) - 2 * p.be * s.Ev - p.be**2 * s.E,
            Iv=p.Ai * p.bi * p.fr_scale(inhibitory) - 2 * p.bi * s.Iv - p.bi**2 * s.I,
        )

    @staticmethod
    def output(s):
        return s.E - s.I

    def eeg(self):
        """Return the potential ``E - I`` of the pyramidal cells, the EEG proxy, in mV."""
        return self.read_output()
