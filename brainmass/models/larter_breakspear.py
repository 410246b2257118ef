"""Larter-Breakspear conductance-based neural mass."""

import brainunit as u
import jax.numpy as jnp

from .._declare import inlet, param, preset, state
from ..dynamics import NeuralMass

__all__ = ["LarterBreakspearStep"]


def gate(x, threshold, width):
    """Share of open channels, or of firing cells, at potential ``x``."""
    return 0.5 * (1.0 + jnp.tanh((x - threshold) / width))


class LarterBreakspearStep(NeuralMass):
    """Calcium, sodium, potassium and leak currents of an excitatory population with feedback.

    Dimensionless potentials, one unit of time is 1 ms. The regime depends on the width ``d_V`` of
    the firing curve: with the defaults the node rests at 0.50, oscillates from 0.53 on, and is
    weakly chaotic at 0.62. Other regions enter by their firing rate: give
    ``source=brainmass.LarterBreakspearStep.firing_rate`` to the network, so that the input is the
    mean of ``QV`` over the sources, not of potentials. Noise enters dV/dt as it is.

    Examples
    --------
    >>> import brainmass, brainunit as u, numpy as np
    >>> net = brainmass.Network(
    ...     brainmass.LarterBreakspearStep(2), conn=np.ones((2, 2)), coupling="additive",
    ...     source=brainmass.LarterBreakspearStep.firing_rate,
    ... )
    >>> run = brainmass.Simulator(net, dt=0.1 * u.ms).run(5 * u.ms, monitors="node.V")
    >>> run["node.V"].shape
    (50, 2)
    """

    category = "physiological"
    rank = 7
    reference = "Breakspear, Terry & Friston 2003, Network 14:703, \
doi:10.1088/0954-898X/14/4/305"
    use = "Chaos and limit cycles from ion channels"
    ranges = "those of The Virtual Brain"
    presets = {
        "rest": preset(
            "a stable fixed point, for a narrow firing curve",
            source="Breakspear et al. 2003, doi:10.1088/0954-898X/14/4/305",
            params={"d_V": 0.5}, duration=1000.0 * u.ms,
        ),
        "limit cycle": preset(
            "regular oscillations",
            source="Breakspear et al. 2003, doi:10.1088/0954-898X/14/4/305",
            params={"d_V": 0.57}, duration=1000.0 * u.ms,
        ),
        "chaos": preset(
            "irregular oscillations, for a wide firing curve",
            source="Breakspear et al. 2003, doi:10.1088/0954-898X/14/4/305",
            params={"d_V": 0.62}, duration=2000.0 * u.ms,
        ),
    }  # fmt: skip

    gCa = param(1.1, bounds=(0.9, 1.5), doc="conductance of calcium")
    gK = param(2.0, bounds=(1.95, 2.05), doc="conductance of potassium")
    gL = param(0.5, bounds=(0.45, 0.55), doc="conductance of the leak")
    gNa = param(6.7, bounds=(0.0, 10.0), doc="conductance of sodium")
    TCa = param(-0.01, bounds=(-0.02, -0.01), doc="threshold of calcium channels")
    TK = param(0.0, bounds=(0.0, 0.01), doc="threshold of potassium channels")
    TNa = param(0.3, bounds=(0.25, 0.3), doc="threshold of sodium channels")
    d_Ca = param(0.15, bounds=(0.1, 0.2), domain="positive", doc="width of calcium channels")
    d_K = param(0.3, bounds=(0.1, 0.4), domain="positive", doc="width of potassium channels")
    d_Na = param(0.15, bounds=(0.1, 0.2), domain="positive", doc="width of sodium channels")
    VCa = param(1.0, bounds=(0.9, 1.1), doc="reversal of calcium")
    VK = param(-0.7, bounds=(-0.8, -0.6), doc="reversal of potassium")
    VL = param(-0.5, bounds=(-0.7, -0.4), doc="reversal of the leak")
    VNa = param(0.53, bounds=(0.51, 0.55), doc="reversal of sodium")
    phi = param(0.7, bounds=(0.3, 0.9), doc="temperature factor")
    tau_K = param(
        1.0 * u.ms, bounds=(0.5, 10.0), domain="positive", doc="relaxation time of potassium"
    )
    aee = param(0.4, bounds=(0.0, 0.6), doc="weight from E to E")
    aei = param(2.0, bounds=(0.1, 2.0), doc="weight from E to I")
    aie = param(2.0, bounds=(0.5, 2.0), doc="weight from I to E")
    ane = param(1.0, bounds=(0.4, 1.0), doc="weight of the drive on E")
    ani = param(0.4, bounds=(0.3, 0.5), doc="weight of the drive on I")
    b = param(0.1, bounds=(0.0001, 1.0), doc="rate of the inhibitory population")
    C = param(0.1, bounds=(0.0, 1.0), doc="share of long-range in all excitation")
    Iext = param(0.3, bounds=(0.165, 0.3), doc="subcortical drive")
    rNMDA = param(0.25, bounds=(0.2, 0.3), doc="ratio of NMDA to AMPA receptors")
    VT = param(0.0, bounds=(0.0, 0.7), doc="threshold of excitatory firing")
    d_V = param(0.65, bounds=(0.49, 0.7), domain="positive", doc="width of excitatory firing")
    ZT = param(0.0, bounds=(0.0, 0.1), doc="threshold of inhibitory firing")
    d_Z = param(0.7, bounds=(0.001, 0.75), domain="positive", doc="width of inhibitory firing")
    QV_max = param(1.0, bounds=(0.1, 1.0), doc="maximal excitatory rate")
    QZ_max = param(1.0, bounds=(0.1, 1.0), doc="maximal inhibitory rate")
    t_scale = param(1.0, bounds=(0.1, 1.0), domain="positive", doc="factor of all rates")

    V = state(0.0, doc="mean potential of the excitatory cells")
    W = state(0.0, doc="share of open potassium channels")
    Z = state(0.0, doc="mean potential of the inhibitory cells")
    V_inp = inlet(0.0, noise=None, doc="mean firing rate of other regions")
    V_rate = inlet(0.0, noise="noise_V", port=False, doc="dV/dt in 1/ms")

    @staticmethod
    def equations(s, p, i, t):
        QV = LarterBreakspearStep.firing_rate(s, p)
        QZ = p.QZ_max * gate(s.Z, p.ZT, p.d_Z)
        excitation = p.aee * ((1 - p.C) * QV + p.C * i.V_inp)
        calcium = (p.gCa + p.rNMDA * excitation) * gate(s.V, p.TCa, p.d_Ca) * (s.V - p.VCa)
        sodium = (p.gNa * gate(s.V, p.TNa, p.d_Na) + excitation) * (s.V - p.VNa)
        potassium = p.gK * s.W * (s.V - p.VK)
        leak = p.gL * (s.V - p.VL)
        drive = p.ane * p.Iext - p.aie * s.Z * QZ
        return dict(
            V=(p.t_scale * (drive - calcium - sodium - potassium - leak) + i.V_rate) / u.ms,
            W=p.t_scale * p.phi * (gate(s.V, p.TK, p.d_K) - s.W) / p.tau_K,
            Z=p.t_scale * p.b * (p.ani * p.Iext + p.aei * s.V * QV) / u.ms,
        )

    @staticmethod
    def firing_rate(s, p):
        """Return the rate ``QV`` of the excitatory cells: what a network should send."""
        return p.QV_max * gate(s.V, p.VT, p.d_V)

    def QV(self):
        """Return the current firing rate of the excitatory cells."""
        return self.firing_rate(self.read_states(), self.read_parameters())

    def QZ(self):
        """Return the current firing rate of the inhibitory cells."""
        s, p = self.read_states(), self.read_parameters()
        return p.QZ_max * gate(s.Z, p.ZT, p.d_Z)
