"""Kuramoto phase oscillators."""

import math

import brainunit as u
import jax.numpy as jnp

from .._declare import inlet, option, param, state, uniform
from ..dynamics import NeuralMass

__all__ = ["KuramotoNetwork"]


class KuramotoNetwork(NeuralMass):
    """Phase oscillators that pull at each other through the sine of their phase differences.

    The nodes are coupled inside the model, through ``conn`` (row = target; all ones at first) and
    ``K``, without delay, at every stage of the integrator. ``K`` and ``alpha`` per node belong to
    the node that receives. The last axis of ``in_size`` counts the nodes. ``K = 0``, the default,
    leaves bare phase oscillators: for delays put them into a network with
    ``coupling="kuramoto"`` and ``coupled_var="theta"``. Phases are not wrapped. Ranges are ours.

    Examples
    --------
    >>> import brainmass, brainunit as u, numpy as np
    >>> omega = 0.2 + 0.01 * np.tan(np.pi * (np.arange(1000) + 0.5 - 500) / 1000)
    >>> net = brainmass.KuramotoNetwork(1000, omega=omega, K=0.08, init_theta=0.0)
    >>> sim = brainmass.Simulator(net, dt=0.5 * u.ms)
    >>> R = sim.run(500 * u.ms, monitors=lambda m: m.order_parameter())["output"]
    >>> bool(abs(R[-1] - (1 - 2 / 8) ** 0.5) < 0.01)
    True
    """

    category = "network"
    rank = 1
    elementwise = False
    reference = "Kuramoto 1975, Lect. Notes Phys. 39:420, doi:10.1007/BFb0013365; \
Sakaguchi & Kuramoto 1986, Prog. Theor. Phys. 76:576, doi:10.1143/PTP.76.576"
    use = "Synchronisation of phases"

    omega = param(0.0, bounds=(-1.0, 1.0), doc="natural frequency in rad/ms")
    K = param(0.0, bounds=(0.0, 5.0), doc="strength of the coupling in 1/ms")
    alpha = param(0.0, bounds=(-math.pi, math.pi), doc="phase lag in rad")
    conn = param(1.0, pairs=True, bounds=(0.0, 10.0), doc="weights, row = target")
    normalize_by_n = option(True, choices=(True, False), doc="divide the sum by the nodes")
    exclude_self = option(True, choices=(True, False), doc="leave out the pull on oneself")

    theta = state(uniform(0.0, 2 * math.pi), doc="phase in rad")
    theta_inp = inlet(0.0, doc="drive in rad/ms")

    @staticmethod
    def equations(s, p, i, t):
        nodes = s.theta.shape[-1]
        waves = jnp.stack([jnp.sin(s.theta), jnp.cos(s.theta)], axis=-2)
        if jnp.ndim(p.conn) == 0:
            total = p.conn * waves.sum(axis=-1, keepdims=True)
            own = p.conn * waves
        else:
            weights = jnp.broadcast_to(p.conn, (nodes, nodes))
            total, own = waves @ weights.T, jnp.diagonal(weights) * waves
        sine, cosine = jnp.moveaxis(total - own if p.exclude_self else total, -2, 0)
        lagged = s.theta + p.alpha
        pull = jnp.cos(lagged) * sine - jnp.sin(lagged) * cosine
        strength = p.K / nodes if p.normalize_by_n else p.K
        return dict(theta=(p.omega + strength * pull + i.theta_inp) / u.ms)

    def order_parameter(self):
        """Return the modulus of the mean of ``exp(i * theta)``: 1 if all phases are equal."""
        theta = self.theta.value
        return jnp.hypot(jnp.cos(theta).mean(axis=-1), jnp.sin(theta).mean(axis=-1))
