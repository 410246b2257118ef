"""The harmonic oscillator cell."""

import math

import brainunit as u
import jax.numpy as jnp

from ..._declare import inlet, param, preset, state
from ...dynamics import NeuralMass

__all__ = ["OMEGA", "REFERENCE", "HORNStep"]

REFERENCE = "Effenberger, Carvalho, Dubinin & Singer 2025, PNAS 122:e2412830122, \
doi:10.1073/pnas.2412830122"
OMEGA = 2 * math.pi / 28


class HORNStep(NeuralMass):
    """Damped harmonic oscillators driven through a hyperbolic tangent.

    ``x'' = alpha * tanh(drive + v * x) - 2 * gamma * x' - omega**2 * x``, one unit of time is 1 ms.
    The paper advances it by 1 ms with the semi-implicit Euler rule, the default ``method`` here
    and that of :class:`HORNSeqLayer`; give ``dt=1.0 * u.ms`` for its numbers.

    Examples
    --------
    >>> import brainmass, brainunit as u
    >>> cell = brainmass.HORNStep(2, init_x=1.0)
    >>> brainmass.Simulator(cell, dt=1.0 * u.ms).run(28 * u.ms, monitors="x")["x"].shape
    (28, 2)
    """

    category = "network"
    rank = 2
    suggested_dt = 1.0 * u.ms
    default_method = "semi_implicit_euler"
    reference = REFERENCE
    use = "One oscillator of a recurrent network, driven by a sequence"
    ranges = "ours, around the published values"
    presets = {
        "ringing": preset(
            "the published cell: damped oscillations with a period of 28 ms",
            source="Effenberger et al. 2025, doi:10.1073/pnas.2412830122",
            init={"x": 1.0}, duration=300.0 * u.ms,
        ),
        "driven": preset(
            "relaxation to the amplitude of a steady drive",
            source="Effenberger et al. 2025, doi:10.1073/pnas.2412830122",
            inputs={"drive": 1.0}, duration=300.0 * u.ms,
        ),
        "undamped": preset(
            "a harmonic oscillator", source="ours", params={"gamma": 0.0}, init={"x": 1.0},
            duration=300.0 * u.ms,
        ),
    }  # fmt: skip

    alpha = param(0.04, bounds=(0.0, 1.0), doc="excitability")
    omega = param(OMEGA, bounds=(0.01, 1.0), doc="natural frequency in rad/ms")
    gamma = param(0.01, bounds=(0.0, 0.2), doc="damping in 1/ms")
    v = param(0.0, bounds=(-1.0, 1.0), doc="feedback of the amplitude")

    x = state(0.0, doc="amplitude")
    y = state(0.0, doc="velocity in 1/ms")
    drive = inlet(0.0, noise=None, additive=False, doc="input inside the hyperbolic tangent")
    y_rate = inlet(0.0, noise="noise_y", port=False, doc="dy/dt in 1/ms")

    @staticmethod
    def equations(s, p, i, t):
        force = p.alpha * jnp.tanh(i.drive + p.v * s.x)
        return dict(
            x=s.y / u.ms,
            y=(force - p.omega**2 * s.x - 2 * p.gamma * s.y + i.y_rate) / u.ms,
        )

    def energy(self):
        """Return ``(y**2 + omega**2 * x**2) / 2``, constant without drive and damping."""
        omega = self.omega.value()
        return (self.y.value**2 + (omega * self.x.value) ** 2) / 2
