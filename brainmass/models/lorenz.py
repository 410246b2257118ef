"""The Lorenz system."""

import brainunit as u

from .._declare import inlet, param, preset, state
from ..dynamics import NeuralMass

__all__ = ["LorenzStep"]


class LorenzStep(NeuralMass):
    """Lorenz's three equations of convection, the standard chaotic flow.

    One unit of Lorenz's time is 1 ms: use ``dt = 0.01 * u.ms``. Trajectories that start close
    separate at 0.906 per ms, so compare them over a short stretch only.

    Examples
    --------
    >>> import brainmass, brainunit as u
    >>> sim = brainmass.Simulator(brainmass.LorenzStep(1), dt=0.01 * u.ms)
    >>> z = sim.run(40 * u.ms, monitors="z", transient=10 * u.ms)["z"]
    >>> bool(20 < z.mean() < 27)
    True
    """

    category = "phenomenological"
    rank = 7
    suggested_dt = 0.01 * u.ms
    reference = "Lorenz 1963, J. Atmos. Sci. 20:130, \
doi:10.1175/1520-0469(1963)020<0130:DNF>2.0.CO;2"
    use = "Chaos, and a hard test for couplings and integrators"
    ranges = "ours"
    presets = {
        "chaos": preset(
            "the butterfly, at the values of the paper",
            source="Lorenz 1963, doi:10.1175/1520-0469(1963)020<0130:DNF>2.0.CO;2",
            duration=40.0 * u.ms,
        ),
        "steady convection": preset(
            "a spiral into one of the two fixed points, for rho between 1 and 24.74",
            source="Lorenz 1963, doi:10.1175/1520-0469(1963)020<0130:DNF>2.0.CO;2",
            params={"rho": 14.0}, init={"x": 1.0, "y": 5.0, "z": 10.0}, duration=20.0 * u.ms,
        ),
        "no convection": preset(
            "rest at the origin, for rho below 1",
            source="Lorenz 1963, doi:10.1175/1520-0469(1963)020<0130:DNF>2.0.CO;2",
            params={"rho": 0.5}, init={"x": 5.0, "y": 5.0, "z": 5.0}, duration=10.0 * u.ms,
        ),
    }  # fmt: skip

    sigma = param(10.0, bounds=(1.0, 20.0), domain="positive", doc="Prandtl number")
    rho = param(28.0, bounds=(0.0, 50.0), doc="relative Rayleigh number")
    beta = param(8 / 3, bounds=(0.5, 5.0), domain="positive", doc="aspect of the cells")

    x = state(1.0, doc="speed of the convection")
    y = state(1.0, doc="temperature difference between rising and falling fluid")
    z = state(1.0, doc="departure of the temperature profile from a line")
    x_inp = inlet(0.0, doc="input to x")

    @staticmethod
    def equations(s, p, i, t):
        return dict(
            x=(p.sigma * (s.y - s.x) + i.x_inp) / u.ms,
            y=(s.x * (p.rho - s.z) - s.y) / u.ms,
            z=(s.x * s.y - p.beta * s.z) / u.ms,
        )
