"""Planar oscillators in normal form: Hopf, Stuart-Landau, Van der Pol."""

import brainunit as u
import jax.numpy as jnp

from .._declare import inlet, param, preset, state, uniform
from ..dynamics import NeuralMass

__all__ = ["HopfStep", "StuartLandauStep", "VanDerPolStep", "XY_Oscillator"]


class XY_Oscillator(NeuralMass):  # noqa: N801 - a public name
    """Base of planar oscillators: states x and y, each with its input; ``update`` returns both.

    A subclass declares its parameters and ``equations(s, p, i, t)``, the derivatives of ``x`` and
    ``y`` per unit of time.

    Parameters
    ----------
    in_size : int or tuple of int
        Shape of the population of nodes.
    **settings
        Parameters of the subclass, ``noise_x``, ``noise_y``, ``init_x``, ``init_y``, ``method``.

    Examples
    --------
    >>> import brainmass, brainunit as u
    >>> class Rotor(brainmass.XY_Oscillator):
    ...     "Rotation about the origin."
    ...     catalogued = False
    ...     w = brainmass.param(0.1, doc="angular frequency in rad/ms")
    ...     @staticmethod
    ...     def equations(s, p, i, t):
    ...         return dict(x=(i.x_inp - p.w * s.y) / u.ms, y=(i.y_inp + p.w * s.x) / u.ms)
    >>> brainmass.Simulator(Rotor(3), dt=0.1 * u.ms).run(1 * u.ms, monitors="x")["x"].shape
    (10, 3)
    """

    category = "phenomenological"

    x = state(uniform(0.0, 0.05), doc="first coordinate")
    y = state(uniform(0.0, 0.05), doc="second coordinate")
    x_inp = inlet(0.0, doc="input to x")
    y_inp = inlet(0.0, doc="input to y")

    @staticmethod
    def output(s):
        return s.x, s.y

    def amplitude(self):
        """Return the distance from the origin, ``sqrt(x**2 + y**2)``."""
        return jnp.hypot(self.x.value, self.y.value)

    def phase(self):
        """Return the angle about the origin in rad, from -pi to pi."""
        return jnp.arctan2(self.y.value, self.x.value)


class HopfStep(XY_Oscillator):
    """Normal form of a supercritical Hopf bifurcation.

    For ``a > 0`` a stable limit cycle of radius ``sqrt(a / beta)`` turns at ``w`` rad/ms, that is
    at ``1000 * w / (2 * pi)`` Hz; for ``a < 0`` the origin is a stable focus. The default initial
    state is the origin, a fixed point that is unstable for ``a > 0``: without noise, input or
    coupling a run stays there, so give ``init_x`` to see the cycle.

    Examples
    --------
    >>> import brainmass, brainunit as u
    >>> node = brainmass.HopfStep(1, a=0.25, w=0.3, init_x=0.1)
    >>> result = brainmass.Simulator(node, dt=0.1 * u.ms).run(200 * u.ms, monitors=["x", "y"])
    >>> radius = (result["x"][-1, 0] ** 2 + result["y"][-1, 0] ** 2) ** 0.5
    >>> bool(abs(radius - 0.5) < 1e-3)
    True
    """

    rank = 1
    reference = "Deco, Kringelbach, Jirsa & Ritter 2017, Sci. Rep. 7:3095, \
doi:10.1038/s41598-017-03073-5"
    use = "Oscillation onset, rhythm generation"
    ranges = "ours, around the bifurcation"
    presets = {
        "limit cycle": preset(
            "beyond the bifurcation: a cycle of radius 0.5 at 47.7 Hz",
            source="Deco et al. 2017, doi:10.1038/s41598-017-03073-5",
            params={"a": 0.25, "w": 0.3}, init={"x": 0.1}, duration=200.0 * u.ms,
        ),
        "edge of the bifurcation": preset(
            "where fits of resting-state fMRI put the regions: noise-driven, slowly damped waves",
            source="Deco et al. 2017, doi:10.1038/s41598-017-03073-5",
            params={"a": -0.02, "w": 0.3}, init={"x": 0.5}, duration=200.0 * u.ms,
        ),
        "stable focus": preset(
            "before the bifurcation: oscillations die out within a few cycles",
            source="Deco et al. 2017, doi:10.1038/s41598-017-03073-5",
            params={"a": -0.1, "w": 0.3}, init={"x": 0.5}, duration=200.0 * u.ms,
        ),
    }  # fmt: skip

    a = param(0.25, bounds=(-1.0, 1.0), doc="bifurcation parameter")
    w = param(0.2, bounds=(0.01, 1.0), doc="angular frequency in rad/ms")
    beta = param(1.0, bounds=(0.1, 5.0), doc="cubic saturation")
    x = state(0.0, doc="first coordinate")
    y = state(0.0, doc="second coordinate")

    @staticmethod
    def equations(s, p, i, t):
        growth = p.a - p.beta * (s.x**2 + s.y**2)
        return dict(
            x=(growth * s.x - p.w * s.y + i.x_inp) / u.ms,
            y=(growth * s.y + p.w * s.x + i.y_inp) / u.ms,
        )


class StuartLandauStep(XY_Oscillator):
    """Stuart-Landau oscillator: the Hopf normal form with unit saturation.

    Starts near the origin, uniformly in [0, 0.05), and grows to the cycle of radius ``sqrt(a)``.

    Examples
    --------
    >>> import brainmass, brainunit as u
    >>> node = brainmass.StuartLandauStep(2, a=0.25)
    >>> brainmass.Simulator(node, dt=0.1 * u.ms).run(10 * u.ms, monitors="x")["x"].shape
    (100, 2)
    """

    rank = 3
    reference = "Kuramoto 1984, Chemical Oscillations, Waves, and Turbulence, \
doi:10.1007/978-3-642-69689-3"
    use = "Weakly nonlinear oscillations with a set amplitude"
    ranges = "ours, around the bifurcation"
    presets = {
        "limit cycle": preset(
            "a cycle of radius sqrt(a)", source="Kuramoto 1984, doi:10.1007/978-3-642-69689-3",
            params={"a": 0.25}, init={"x": 0.05}, duration=200.0 * u.ms,
        ),
        "damped": preset(
            "a stable focus", source="Kuramoto 1984, doi:10.1007/978-3-642-69689-3",
            params={"a": -0.1}, init={"x": 0.5}, duration=200.0 * u.ms,
        ),
    }  # fmt: skip

    a = param(0.25, bounds=(-1.0, 1.0), doc="bifurcation parameter")
    w = param(0.2, bounds=(0.01, 1.0), doc="angular frequency in rad/ms")

    @staticmethod
    def equations(s, p, i, t):
        growth = p.a - (s.x**2 + s.y**2)
        return dict(
            x=(growth * s.x - p.w * s.y + i.x_inp) / u.ms,
            y=(growth * s.y + p.w * s.x + i.y_inp) / u.ms,
        )


class VanDerPolStep(XY_Oscillator):
    """Van der Pol oscillator in the Lienard plane, where ``y`` is not the derivative of ``x``.

    One unit of the textbook's time is 1 ms; for small ``mu`` the period is ``2 * pi`` ms.

    Examples
    --------
    >>> import brainmass, brainunit as u
    >>> node = brainmass.VanDerPolStep(1, mu=1.0)
    >>> x = brainmass.Simulator(node, dt=0.01 * u.ms).run(60 * u.ms, monitors="x")["x"]
    >>> bool(abs(x.max() - 2.0086) < 1e-3)
    True
    """

    rank = 2
    reference = "van der Pol 1926, Phil. Mag. 2:978, doi:10.1080/14786442608564127"
    use = "Relaxation oscillations"
    suggested_dt = 0.02 * u.ms
    ranges = "ours, from nearly harmonic to relaxation oscillations"
    presets = {
        "nearly harmonic": preset(
            "a slow approach to a circle of radius 2 with a period of 6.29 ms",
            source="van der Pol 1926, doi:10.1080/14786442608564127",
            params={"mu": 0.1}, init={"x": 0.5}, duration=100.0 * u.ms,
        ),
        "relaxation": preset(
            "slow stretches and jumps, with a period of 11.61 ms",
            source="van der Pol 1926, doi:10.1080/14786442608564127",
            params={"mu": 5.0}, init={"x": 2.0}, duration=60.0 * u.ms,
        ),
    }  # fmt: skip

    mu = param(1.0, bounds=(0.1, 8.0), domain="positive", doc="nonlinear damping")

    @staticmethod
    def equations(s, p, i, t):
        return dict(
            x=(p.mu * (s.x - s.x**3 / 3 - s.y) + i.x_inp) / u.ms,
            y=(s.x / p.mu + i.y_inp) / u.ms,
        )
