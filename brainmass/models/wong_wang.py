"""Wong-Wang models: a decision between two populations, and a resting cortical area."""

import brainunit as u
import jax.numpy as jnp

from .._declare import inlet, option, param, preset, state
from ..dynamics import NeuralMass
from ..functions import soft_rectifier

__all__ = ["WongWangExcInhStep", "WongWangStep"]


def _rate(current, p):
    """Firing rate of a population for its synaptic current."""
    if p.transfer == "threshold_linear":
        return p.a * u.math.maximum(current - p.theta, 0.0 * u.nA)
    return soft_rectifier(p.a * current - p.b, 1.0 / p.d).in_unit(u.Hz)


class WongWangStep(NeuralMass):
    """Two populations that compete for a decision, by NMDA currents.

    The reduced two-variable model with the published soft transfer function and the published
    constants for a circuit without recurrent AMPA: one population wins in every trial, more
    often the favoured one the larger ``coherence``, from -1 to 1 (the paper gives percent). The
    stimulus is on all the time; ``mu_0 = 0 * u.Hz`` takes it away. Connections carry currents: a
    network couples into the current of the first population, or of the second with
    ``target="I2_inp"``, never into the coherence. Noise sits inside the transfer function; the
    published one is ``OUProcess(n, sigma=0.02 * u.nA, tau=2 * u.ms)``. ``update`` returns the two
    rates, for a stimulus without coherence.

    Examples
    --------
    >>> import brainmass, brainunit as u
    >>> node = brainmass.WongWangStep(1, init_S1=0.1, init_S2=0.1)
    >>> sim = brainmass.Simulator(node, dt=0.5 * u.ms)
    >>> S = sim.run(2 * u.second, inputs=lambda i, t: {"coherence": 0.512}, monitors=["S1", "S2"])
    >>> bool(S["S1"][-1, 0] > 0.6 > 0.1 > S["S2"][-1, 0])
    True
    """

    category = "physiological"
    rank = 3
    reference = "Wong & Wang 2006, J. Neurosci. 26:1314, doi:10.1523/JNEUROSCI.3733-05.2006"
    use = "Perceptual decisions, winner-take-all, working memory"
    ranges = "ours, around the published values"
    presets = {
        "easy decision": preset(
            "population 1 wins, at a coherence of 51.2 percent",
            source="Wong & Wang 2006, doi:10.1523/JNEUROSCI.3733-05.2006",
            init={"S1": 0.1, "S2": 0.1}, inputs={"coherence": 0.512}, duration=2.0 * u.second,
        ),
        "hard decision": preset(
            "slow competition, at a coherence of 3.2 percent",
            source="Wong & Wang 2006, doi:10.1523/JNEUROSCI.3733-05.2006",
            init={"S1": 0.1, "S2": 0.1}, inputs={"coherence": 0.032}, duration=3.0 * u.second,
        ),
        "working memory": preset(
            "without stimulus, a decision taken earlier is kept",
            source="Wong & Wang 2006, doi:10.1523/JNEUROSCI.3733-05.2006",
            params={"mu_0": 0.0 * u.Hz}, init={"S1": 0.7, "S2": 0.05}, duration=2.0 * u.second,
        ),
        "spontaneous": preset(
            "without stimulus, both populations stay at low rates",
            source="Wong & Wang 2006, doi:10.1523/JNEUROSCI.3733-05.2006",
            params={"mu_0": 0.0 * u.Hz}, init={"S1": 0.1, "S2": 0.1}, duration=2.0 * u.second,
        ),
    }  # fmt: skip

    tau_S = param(
        0.1 * u.second, bounds=(0.02, 0.5), domain="positive", doc="NMDA gating time constant"
    )
    gamma = param(0.641, bounds=(0.1, 1.5), doc="gating per spike")
    a = param(270.0 * u.Hz / u.nA, bounds=(100.0, 500.0), doc="gain of the rate")
    b = param(108.0 * u.Hz, bounds=(50.0, 200.0), doc="offset of the rate")
    d = param(0.154 * u.second, bounds=(0.05, 0.5), domain="positive", doc="curvature of the rate")
    theta = param(0.31 * u.nA, bounds=(0.1, 0.5), doc="threshold of the threshold-linear rate")
    J_N11 = param(0.2609 * u.nA, bounds=(0.0, 0.5), doc="self-excitation of 1")
    J_N22 = param(0.2609 * u.nA, bounds=(0.0, 0.5), doc="self-excitation of 2")
    J_N12 = param(0.0497 * u.nA, bounds=(0.0, 0.2), doc="inhibition of 1 by 2")
    J_N21 = param(0.0497 * u.nA, bounds=(0.0, 0.2), doc="inhibition of 2 by 1")
    J_A_ext = param(5.2e-4 * u.nA / u.Hz, bounds=(0.0, 2e-3), doc="current per stimulus rate")
    mu_0 = param(30.0 * u.Hz, bounds=(0.0, 100.0), doc="stimulus rate without coherence")
    I_0 = param(0.3255 * u.nA, bounds=(0.2, 0.5), doc="background current")
    transfer = option(
        "soft",
        doc="firing rate of a current: the published curve, or threshold-linear",
        choices=("soft", "threshold_linear"),
    )

    S1 = state(0.0, clamp=(0.0, 1.0), doc="open NMDA channels of population 1")
    S2 = state(0.0, clamp=(0.0, 1.0), doc="open NMDA channels of population 2")
    I1_inp = inlet(0.0 * u.nA, noise="noise_s1", additive=False, doc="current into population 1")
    I2_inp = inlet(0.0 * u.nA, noise="noise_s2", additive=False, doc="current into population 2")
    coherence = inlet(0.0, noise=None, additive=False, doc="evidence for population 1, -1 to 1")

    @staticmethod
    def equations(s, p, i, t):
        r1, r2 = _decision_rates(s, p, i.coherence, i.I1_inp, i.I2_inp)
        return dict(
            S1=(1 - s.S1) * p.gamma * r1 - s.S1 / p.tau_S,
            S2=(1 - s.S2) * p.gamma * r2 - s.S2 / p.tau_S,
        )

    @staticmethod
    def output(s, p):
        return _decision_rates(s, p, 0.0, 0.0 * u.nA, 0.0 * u.nA)

    def rates(self, coherence=0.0):
        """Return the firing rates of both populations in Hz, for a stimulus without noise."""
        s = self.read_states()
        return _decision_rates(s, self.read_parameters(), coherence, 0.0 * u.nA, 0.0 * u.nA)

    def get_decision(self, threshold=15.0 * u.Hz):
        """Return 1 where population 1 is ahead and over the threshold, -1 where 2 is, else 0."""
        r1, r2 = self.rates()
        over = u.math.maximum(r1, r2) > threshold
        return jnp.where(over, jnp.where(r1 > r2, 1, -1), 0)


def _decision_rates(s, p, coherence, extra1, extra2):
    stimulus = p.J_A_ext * p.mu_0
    I1 = p.J_N11 * s.S1 - p.J_N12 * s.S2 + stimulus * (1 + coherence) + p.I_0 + extra1
    I2 = p.J_N22 * s.S2 - p.J_N21 * s.S1 + stimulus * (1 - coherence) + p.I_0 + extra2
    return _rate(I1, p), _rate(I2, p)


class WongWangExcInhStep(NeuralMass):
    """Excitatory and inhibitory pools of a cortical area at rest, with NMDA and GABA gating.

    Currents are in nA and rates in Hz. ``gamma_e`` and ``gamma_i`` are pure numbers: the 0.641
    and 1 that the paper divides by 1000 because it counts time in ms. The input is the summed
    gating of other areas; it is multiplied by ``G * J_N`` in the current of the excitatory pool and
    by ``lamda`` times that in the inhibitory one, so let either ``G`` or the network's ``k`` scale
    the coupling. Noise enters the derivatives directly.

    Examples
    --------
    >>> import brainmass, brainunit as u
    >>> area = brainmass.WongWangExcInhStep(1)
    >>> out = brainmass.Simulator(area, dt=0.1 * u.ms).run(5 * u.second, monitors=lambda m: m.H_e())
    >>> round(float(out["output"][-1, 0] / u.Hz), 2)
    3.08
    """

    category = "physiological"
    rank = 4
    reference = "Deco, Ponce-Alvarez, Hagmann, Romani, Mantini & Corbetta 2014, J. Neurosci. \
34:7886, doi:10.1523/JNEUROSCI.5068-13.2014"
    use = "Resting-state BOLD and its connectivity, balance of excitation and inhibition"
    ranges = "ours, around the published values"
    presets = {
        "resting state": preset(
            "low activity at 3.08 Hz, with feedback inhibition",
            source="Deco et al. 2014, doi:10.1523/JNEUROSCI.5068-13.2014",
            duration=3.0 * u.second,
        ),
        "weak inhibition": preset(
            "a jump to high activity, when feedback inhibition is too weak",
            source="Deco et al. 2014, doi:10.1523/JNEUROSCI.5068-13.2014",
            params={"J_i": 0.3 * u.nA}, init={"S_e": 0.4}, duration=3.0 * u.second,
        ),
    }  # fmt: skip

    a_e = param(310.0 * u.Hz / u.nA, bounds=(100.0, 600.0), doc="gain of the E rate")
    b_e = param(125.0 * u.Hz, bounds=(50.0, 250.0), doc="offset of the E rate")
    d_e = param(
        0.16 * u.second, bounds=(0.05, 0.5), domain="positive", doc="curvature of the E rate"
    )
    gamma_e = param(0.641, bounds=(0.1, 1.5), domain="positive", doc="E gating per spike")
    tau_e = param(100.0 * u.ms, bounds=(20.0, 300.0), domain="positive", doc="E gating time")
    w_p = param(1.4, bounds=(0.0, 3.0), doc="local recurrent excitation")
    W_e = param(1.0, bounds=(0.0, 2.0), doc="share of the background current in E")
    a_i = param(615.0 * u.Hz / u.nA, bounds=(200.0, 1200.0), doc="gain of the I rate")
    b_i = param(177.0 * u.Hz, bounds=(50.0, 350.0), doc="offset of the I rate")
    d_i = param(
        0.087 * u.second, bounds=(0.02, 0.3), domain="positive", doc="curvature of the I rate"
    )
    gamma_i = param(1.0, bounds=(0.1, 2.0), domain="positive", doc="I gating per spike")
    tau_i = param(10.0 * u.ms, bounds=(2.0, 50.0), domain="positive", doc="I gating time")
    W_i = param(0.7, bounds=(0.0, 2.0), doc="share of the background current in I")
    J_N = param(0.15 * u.nA, bounds=(0.001, 0.5), doc="NMDA current")
    J_i = param(1.0 * u.nA, bounds=(0.001, 2.0), doc="feedback inhibition")
    I_o = param(0.382 * u.nA, bounds=(0.0, 1.0), doc="background current")
    I_ext = param(0.0 * u.nA, bounds=(-0.1, 0.5), doc="further current into E")
    G = param(2.0, bounds=(0.0, 10.0), doc="strength of the input")
    lamda = param(0.0, bounds=(0.0, 1.0), doc="share of the input that reaches I")

    S_e = state(0.001, clamp=(0.0, 1.0), doc="open excitatory channels")
    S_i = state(0.001, clamp=(0.0, 1.0), doc="open inhibitory channels")
    coupling = inlet(0.0, noise=None, additive=False, doc="summed gating of other areas")
    S_e_rate = inlet(0.0, noise="noise_e", port=False, doc="dS_e/dt in 1/ms")
    S_i_rate = inlet(0.0, noise="noise_i", port=False, doc="dS_i/dt in 1/ms")

    @staticmethod
    def equations(s, p, i, t):
        rate_e, rate_i = _area_rates(s, p, i.coupling)
        return dict(
            S_e=(1 - s.S_e) * p.gamma_e * rate_e - s.S_e / p.tau_e + i.S_e_rate / u.ms,
            S_i=p.gamma_i * rate_i - s.S_i / p.tau_i + i.S_i_rate / u.ms,
        )

    def H_e(self, coupling=0.0):
        """Return the firing rate of the excitatory pool in Hz, for a given input."""
        return _area_rates(self.read_states(), self.read_parameters(), coupling)[0]

    def H_i(self, coupling=0.0):
        """Return the firing rate of the inhibitory pool in Hz, for a given input."""
        return _area_rates(self.read_states(), self.read_parameters(), coupling)[1]


def _area_rates(s, p, coupling):
    """Firing rates of both pools; one unit of gated GABA current is 1 nA."""
    distant = p.G * p.J_N * coupling
    x_e = p.w_p * p.J_N * s.S_e - p.J_i * s.S_i + p.W_e * p.I_o + distant + p.I_ext
    x_i = p.J_N * s.S_e - s.S_i * u.nA + p.W_i * p.I_o + p.lamda * distant
    rate_e = soft_rectifier(p.a_e * x_e - p.b_e, 1.0 / p.d_e)
    rate_i = soft_rectifier(p.a_i * x_i - p.b_i, 1.0 / p.d_i)
    return rate_e.in_unit(u.Hz), rate_i.in_unit(u.Hz)
