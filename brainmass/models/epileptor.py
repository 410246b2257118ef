"""The Epileptor."""

import brainunit as u
import jax
import jax.numpy as jnp

from .._declare import inlet, param, preset, state
from ..dynamics import NeuralMass

__all__ = ["EpileptorStep"]


class EpileptorStep(NeuralMass):
    """Seizures that start and stop by themselves, driven by a slow permittivity variable.

    The form of The Virtual Brain. A fast population (x1, y1), a slower one of spikes and waves
    (x2, y2), and the permittivity z, whose cycle lasts about ``1 / r`` ms. The healthy state is
    stable for ``x0`` below -2.06. The signal is ``x2 - x1``. All gains of the coupling are 0 at
    first: ``Kvf`` and ``Ks`` scale the first input, for which The Virtual Brain takes differences
    of ``x1``, ``Kf`` scales the second, of ``x2``. Noise enters the derivatives as it is. Start
    near the canonical point: far from it, at ``z`` well below 3, the fast equation runs away.

    Examples
    --------
    >>> import brainmass, brainunit as u
    >>> healthy = brainmass.EpileptorStep(1, x0=-2.4)
    >>> sim = brainmass.Simulator(healthy, dt=0.1 * u.ms)
    >>> x1 = sim.run(500 * u.ms, monitors="x1", transient=300 * u.ms)["x1"]
    >>> bool(x1.max() < -1)
    True
    """

    category = "physiological"
    rank = 8
    reference = "Jirsa, Stacey, Quilichini, Ivanov & Bernard 2014, Brain 137:2210, \
doi:10.1093/brain/awu133"
    use = "Onset, spread and end of seizures"
    ranges = "those of The Virtual Brain where it has one, else ours"
    presets = {
        "epileptogenic": preset(
            "seizures that come and go by themselves, every few seconds of the model",
            source="Proix et al. 2014, doi:10.1523/JNEUROSCI.1570-14.2014",
            params={"x0": -1.6}, duration=6000.0 * u.ms,
        ),
        "healthy": preset(
            "rest, with the excitability below the threshold of -2.06",
            source="Jirsa et al. 2014, doi:10.1093/brain/awu133",
            params={"x0": -2.4}, duration=3000.0 * u.ms,
        ),
    }  # fmt: skip

    a = param(1.0, bounds=(0.5, 1.5), doc="cubic coefficient of x1")
    b = param(3.0, bounds=(2.0, 4.0), doc="quadratic coefficient of x1")
    c = param(1.0, bounds=(0.5, 1.5), doc="constant of y1")
    d = param(5.0, bounds=(4.0, 6.0), doc="quadratic coefficient of y1")
    r = param(0.00035, bounds=(0.0, 0.001), domain="nonnegative", doc="rate of z in 1/ms")
    x0 = param(-1.6, bounds=(-3.0, -1.0), doc="excitability; healthy below -2.06")
    Iext = param(3.1, bounds=(1.5, 5.0), doc="drive of the first population")
    slope = param(0.0, bounds=(-16.0, 6.0), doc="linear coefficient of x1 for x1 >= 0")
    Iext2 = param(0.45, bounds=(0.0, 1.0), doc="drive of the second population")
    tau = param(10.0, bounds=(1.0, 20.0), domain="positive", doc="time scale of y2")
    aa = param(6.0, bounds=(2.0, 10.0), doc="slope of y2 for x2 >= -0.25")
    bb = param(2.0, bounds=(0.0, 4.0), doc="gain from g to x2")
    Kvf = param(0.0, bounds=(0.0, 4.0), doc="gain of the very fast coupling")
    Kf = param(0.0, bounds=(0.0, 4.0), doc="gain of the fast coupling")
    Ks = param(0.0, bounds=(-4.0, 4.0), doc="gain of the coupling of z")
    tt = param(1.0, bounds=(0.001, 10.0), domain="positive", doc="factor of all rates")
    modification = param(0.0, bounds=(0.0, 1.0), doc="linear (0) to sigmoidal (1) target of z")

    x1 = state(-1.5, doc="fast activity of the first population")
    y1 = state(-10.0, doc="fast recovery of the first population")
    z = state(3.5, doc="permittivity")
    x2 = state(-1.0, doc="activity of the second population")
    y2 = state(0.0, doc="recovery of the second population")
    g = state(0.0, doc="low-pass filtered x1")
    x1_inp = inlet(0.0, noise=None, doc="coupling of the first population")
    x2_inp = inlet(0.0, noise=None, doc="coupling of the second population")
    x1_rate = inlet(0.0, noise="noise_x1", port=False, doc="dx1/dt in 1/ms")
    x2_rate = inlet(0.0, noise="noise_x2", port=False, doc="dx2/dt in 1/ms")

    @staticmethod
    def equations(s, p, i, t):
        below = -p.a * s.x1**2 + p.b * s.x1
        above = p.slope - s.x2 + 0.6 * (s.z - 4.0) ** 2
        f1 = jnp.where(s.x1 < 0, below, above)
        f2 = p.aa * jnp.maximum(s.x2 + 0.25, 0.0)
        sigmoidal = p.x0 + 3.0 * jax.nn.sigmoid((s.x1 + 0.5) / 0.1)
        linear = 4.0 * (s.x1 - p.x0) - 0.1 * jnp.minimum(s.z, 0.0) ** 7
        target = p.modification * sigmoidal + (1.0 - p.modification) * linear
        first = s.y1 - s.z + p.Iext + p.Kvf * i.x1_inp + f1 * s.x1
        slow = p.bb * s.g - 0.3 * (s.z - 3.5)
        second = s.x2 - s.y2 - s.x2**3 + p.Iext2 + slow + p.Kf * i.x2_inp
        return dict(
            x1=(p.tt * first + i.x1_rate) / u.ms,
            y1=p.tt * (p.c - p.d * s.x1**2 - s.y1) / u.ms,
            z=p.tt * p.r * (target - s.z + p.Ks * i.x1_inp) / u.ms,
            x2=(p.tt * second + i.x2_rate) / u.ms,
            y2=p.tt * (f2 - s.y2) / p.tau / u.ms,
            g=-0.01 * p.tt * (s.g - 0.1 * s.x1) / u.ms,
        )

    @staticmethod
    def output(s):
        return s.x2 - s.x1

    def lfp(self):
        """Return ``x2 - x1``, the proxy of the local field potential."""
        return self.read_output()
