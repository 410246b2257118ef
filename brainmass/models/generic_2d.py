"""Generic planar oscillator of The Virtual Brain."""

import brainunit as u

from .._declare import inlet, param, preset, state
from ..dynamics import NeuralMass

__all__ = ["Generic2dOscillatorStep"]


class Generic2dOscillatorStep(NeuralMass):
    """Two coupled nullclines, a cubic and a quadratic, that reproduce many planar systems.

    The defaults are excitable: one stable focus. With ``a=1, b=0, c=-5`` a rest state and a cycle
    are both stable; ``a=0.5, b=0.6, c=-4`` resembles Morris-Lecar. The input is multiplied by
    ``d * tau * gamma``; noise enters the derivatives as it is.

    Examples
    --------
    >>> import brainmass, brainunit as u
    >>> node = brainmass.Generic2dOscillatorStep(1, init_V=1.5)
    >>> V = brainmass.Simulator(node, dt=0.1 * u.ms).run(2000 * u.ms, monitors="V")["V"]
    >>> round(float(V[-1, 0]), 3)
    -0.189
    """

    category = "phenomenological"
    rank = 6
    reference = "Sanz-Leon, Knock, Spiegler & Jirsa 2015, NeuroImage 111:385, \
doi:10.1016/j.neuroimage.2015.01.002"
    use = "Any planar dynamics: excitable, bistable, oscillating"
    ranges = "those of The Virtual Brain"
    presets = {
        "excitable": preset(
            "one stable focus; a push makes a large excursion",
            source="Sanz-Leon et al. 2015, doi:10.1016/j.neuroimage.2015.01.002",
            init={"V": 1.5}, duration=1000.0 * u.ms,
        ),
        "bistable, rest": preset(
            "rest, beside a stable cycle",
            source="Sanz-Leon et al. 2015, doi:10.1016/j.neuroimage.2015.01.002",
            params={"a": 1.0, "b": 0.0, "c": -5.0}, init={"V": -1.7, "W": -12.0},
            duration=2000.0 * u.ms,
        ),
        "bistable, cycle": preset(
            "a cycle, beside a stable state of rest",
            source="Sanz-Leon et al. 2015, doi:10.1016/j.neuroimage.2015.01.002",
            params={"a": 1.0, "b": 0.0, "c": -5.0}, init={"V": 0.8, "W": 0.5},
            duration=2000.0 * u.ms,
        ),
        "Morris-Lecar like": preset(
            "excitable near a saddle",
            source="Sanz-Leon et al. 2015, doi:10.1016/j.neuroimage.2015.01.002",
            params={"a": 0.5, "b": 0.6, "c": -4.0}, init={"V": 0.5}, duration=2000.0 * u.ms,
        ),
    }  # fmt: skip

    a = param(-2.0, bounds=(-5.0, 5.0), doc="constant of the slow nullcline")
    b = param(-10.0, bounds=(-20.0, 15.0), doc="linear slope of the slow nullcline")
    c = param(0.0, bounds=(-10.0, 10.0), doc="curvature of the slow nullcline")
    d = param(0.02, bounds=(0.0001, 1.0), domain="positive", doc="overall rate in 1/ms")
    e = param(3.0, bounds=(-5.0, 5.0), doc="quadratic coefficient of the fast variable")
    f = param(1.0, bounds=(-5.0, 5.0), doc="cubic coefficient of the fast variable")
    g = param(0.0, bounds=(-5.0, 5.0), doc="linear coefficient of the fast variable")
    alpha = param(1.0, bounds=(-5.0, 5.0), doc="gain from slow to fast")
    beta = param(1.0, bounds=(-5.0, 5.0), doc="decay of the slow variable")
    gamma = param(1.0, bounds=(-1.0, 1.0), doc="scale of drive and input")
    I = param(0.0, bounds=(-5.0, 5.0), doc="constant drive")
    tau = param(1.0, bounds=(1.0, 5.0), domain="positive", doc="separation of the time scales")

    V = state(0.0, doc="fast variable")
    W = state(0.0, doc="slow variable")
    V_inp = inlet(0.0, noise=None, doc="input, scaled by d, tau and gamma")
    V_rate = inlet(0.0, noise="noise_V", port=False, doc="dV/dt in 1/ms")
    W_rate = inlet(0.0, noise="noise_W", port=False, doc="dW/dt in 1/ms")

    @staticmethod
    def equations(s, p, i, t):
        fast = -p.f * s.V**3 + p.e * s.V**2 + p.g * s.V + p.alpha * s.W
        slow = p.a + p.b * s.V + p.c * s.V**2 - p.beta * s.W
        return dict(
            V=(p.d * p.tau * (fast + p.gamma * (p.I + i.V_inp)) + i.V_rate) / u.ms,
            W=(p.d / p.tau * slow + i.W_rate) / u.ms,
        )
