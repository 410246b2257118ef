"""A linear node."""

import brainunit as u

from .._declare import inlet, param, preset, state
from ..dynamics import NeuralMass

__all__ = ["LinearStep"]


class LinearStep(NeuralMass):
    """Damped linear node, the yardstick for coupling, noise and integrators.

    Input adds to the derivative and settles at ``-x_inp / gamma``.

    Examples
    --------
    >>> import brainmass, brainunit as u
    >>> node = brainmass.LinearStep(1, gamma=-1.0, method="exp_euler")
    >>> x = brainmass.Simulator(node, dt=0.1 * u.ms).run(1 * u.ms, monitors="x")["x"]
    >>> bool(abs(x[-1, 0] / (0.01 * 2.718281828**-1) - 1) < 1e-5)
    True
    """

    category = "phenomenological"
    rank = 8
    reference = "Sanz-Leon, Knock, Spiegler & Jirsa 2015, NeuroImage 111:385, \
doi:10.1016/j.neuroimage.2015.01.002"
    use = "Baseline node, checks of coupling and noise"
    ranges = "ours, within the stable values"
    presets = {
        "decay": preset(
            "relaxation within a few tenths of a millisecond, as in The Virtual Brain",
            source="Sanz-Leon et al. 2015, doi:10.1016/j.neuroimage.2015.01.002",
            init={"x": 1.0}, duration=1.0 * u.ms,
        ),
        "slow, driven": preset(
            "relaxation to the drive divided by the damping", source="ours",
            params={"gamma": -0.2}, inputs={"x_inp": 1.0}, init={"x": 0.0}, duration=40.0 * u.ms,
        ),
    }  # fmt: skip

    gamma = param(-10.0, bounds=(-20.0, -0.1), doc="damping rate in 1/ms, stable if negative")
    x = state(0.01, doc="activity")
    x_inp = inlet(0.0, doc="input to x")

    @staticmethod
    def equations(s, p, i, t):
        return dict(x=(p.gamma * s.x + i.x_inp) / u.ms)
