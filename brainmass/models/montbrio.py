"""Exact mean fields of quadratic integrate-and-fire neurons."""

import math

import brainunit as u

from .._declare import inlet, param, preset, state, uniform
from ..dynamics import NeuralMass
from ..functions import plain

__all__ = ["CoombesByrneStep", "MontbrioPazoRoxinStep"]


class MontbrioPazoRoxinStep(NeuralMass):
    """Firing rate and mean membrane potential of infinitely many coupled QIF neurons.

    ``delta`` and ``eta`` are dimensionless as in the paper; rates come out in units of ``1 / tau``,
    so a rate of 1 in the paper is 1000 Hz here at ``tau = 1 ms``. The defaults are bistable: a low
    state at 81.1 Hz, a focus at 1030.6 Hz. Firing of other regions enters the equation of the
    potential, the first input; a network that sends ``r`` needs a strength with the unit of time,
    for example ``k=1.0 * u.ms``.

    Examples
    --------
    >>> import brainmass, brainunit as u
    >>> node = brainmass.MontbrioPazoRoxinStep(1, init_r=1000.0 * u.Hz)
    >>> r = brainmass.Simulator(node, dt=0.01 * u.ms).run(40 * u.ms, monitors="r")["r"]
    >>> round(float(r[-1, 0] / u.Hz), 1)
    1030.6
    """

    category = "physiological"
    rank = 5
    reference = "Montbrio, Pazo & Roxin 2015, Phys. Rev. X 5:021028, \
doi:10.1103/PhysRevX.5.021028"
    use = "Firing rates derived exactly from spiking neurons, bistability"
    ranges = "those of The Virtual Brain"
    presets = {
        "bistable, low": preset(
            "the state of low activity, 81.1 Hz",
            source="Montbrio et al. 2015, doi:10.1103/PhysRevX.5.021028",
            init={"r": 100.0 * u.Hz, "v": -2.0}, duration=40.0 * u.ms,
        ),
        "bistable, high": preset(
            "damped waves to the state of high activity, 1030.6 Hz",
            source="Montbrio et al. 2015, doi:10.1103/PhysRevX.5.021028",
            init={"r": 800.0 * u.Hz, "v": 0.0}, duration=40.0 * u.ms,
        ),
        "driven": preset(
            "a current of 3 takes the low state away",
            source="Montbrio et al. 2015, doi:10.1103/PhysRevX.5.021028",
            init={"r": 100.0 * u.Hz, "v": -2.0}, inputs={"v_inp": 3.0}, duration=40.0 * u.ms,
        ),
    }  # fmt: skip

    tau = param(1.0 * u.ms, bounds=(1.0, 15.0), domain="positive", doc="membrane time constant")
    eta = param(-5.0, bounds=(-10.0, 10.0), doc="mean excitability")
    delta = param(
        1.0, bounds=(0.0, 10.0), domain="nonnegative", doc="half-width of the excitabilities"
    )
    J = param(15.0, bounds=(-25.0, 25.0), doc="recurrent weight")

    r = state(uniform(0.0 * u.Hz, 0.05 * u.Hz), doc="firing rate")
    v = state(uniform(0.0, 0.05), doc="mean membrane potential")
    v_inp = inlet(0.0, doc="current into every neuron")
    r_inp = inlet(0.0 * u.Hz, doc="rate added to the rate equation")

    @staticmethod
    def equations(s, p, i, t):
        spread = p.delta / (math.pi * p.tau)
        rate = p.tau * s.r
        return dict(
            r=(spread + 2 * s.r * s.v + i.r_inp) / p.tau,
            v=(s.v**2 + p.eta + i.v_inp + p.J * rate - (math.pi * rate) ** 2) / p.tau,
        )

    def synchrony(self):
        """Return the modulus of the Kuramoto order parameter of the neurons.

        ``|1 - conj(W)| / |1 + conj(W)|`` with ``W = pi * tau * r + i * v``, as in the paper.
        """
        return _order(math.pi * plain(self.tau.value() * self.r.value), self.v.value)


class CoombesByrneStep(NeuralMass):
    """Next-generation neural mass: QIF neurons with instantaneous conductance synapses.

    The planar form of The Virtual Brain, dimensionless, one unit of time is 1 ms. With ``k = 0`` it
    is the Montbrio-Pazo-Roxin model without recurrent weight. Input of other regions is a current
    in the equation of the potential, the first input.

    Examples
    --------
    >>> import brainmass, brainunit as u
    >>> node = brainmass.CoombesByrneStep(1, k=0.0, eta=1.0)
    >>> r = brainmass.Simulator(node, dt=0.01 * u.ms).run(40 * u.ms, monitors="r")["r"]
    >>> round(float(r[-1, 0]), 4)
    0.3497
    """

    category = "physiological"
    rank = 6
    reference = "Byrne, O'Dea, Forrester, Ross & Coombes 2020, J. Neurophysiol. 123:726, \
doi:10.1152/jn.00406.2019"
    use = "Mean field with conductance synapses, event-related synchrony"
    ranges = "those of The Virtual Brain"
    presets = {
        "focus": preset(
            "damped waves to the only fixed point",
            source="Byrne et al. 2020, doi:10.1152/jn.00406.2019", duration=40.0 * u.ms,
        ),
        "strongly driven": preset(
            "faster damped waves at a high mean excitability",
            source="Byrne et al. 2020, doi:10.1152/jn.00406.2019",
            params={"eta": 10.0}, duration=40.0 * u.ms,
        ),
    }  # fmt: skip

    Delta = param(
        1.0, bounds=(0.0, 10.0), domain="nonnegative", doc="half-width of the excitabilities"
    )
    eta = param(2.0, bounds=(-10.0, 10.0), doc="mean excitability")
    k = param(1.0, bounds=(0.0, 5.0), doc="strength of the synaptic conductance")
    v_syn = param(-4.0, bounds=(-20.0, 10.0), doc="reversal potential of the synapses")

    r = state(0.1, doc="firing rate in 1/ms")
    v = state(0.0, doc="mean membrane potential")
    v_inp = inlet(0.0, doc="current into every neuron")
    r_inp = inlet(0.0, doc="input to the rate equation")

    @staticmethod
    def equations(s, p, i, t):
        g = p.k * math.pi * s.r
        return dict(
            r=(p.Delta / math.pi + 2 * s.v * s.r - g * s.r + i.r_inp) / u.ms,
            v=(s.v**2 - (math.pi * s.r) ** 2 + p.eta + (p.v_syn - s.v) * g + i.v_inp) / u.ms,
        )

    def synchrony(self):
        """Return the modulus of the Kuramoto order parameter of the neurons.

        ``|1 - conj(W)| / |1 + conj(W)|`` with ``W = pi * r + i * v``, r in 1/ms.
        """
        return _order(math.pi * self.r.value, self.v.value)


def _order(x, v):
    """Modulus of the order parameter of QIF neurons for ``W = x + i * v``."""
    return (((1 - x) ** 2 + v**2) / ((1 + x) ** 2 + v**2)) ** 0.5
