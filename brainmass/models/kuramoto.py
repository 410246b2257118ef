"""Kuramoto phase oscillators."""

import math
from typing import ClassVar

import brainunit as u
import jax.numpy as jnp
import numpy as np

from .._compat import is_tracer
from .._declare import InletSpec, inlet, option, param, preset, state, uniform
from ..dynamics import NeuralMass
from ..engine import feedback

__all__ = ["KuramotoNetwork"]


def instant_pull(s, p):
    """Return the sum over the others of the sine of their phase lead, at this moment."""
    nodes = s.theta.shape[-1]
    waves = jnp.stack([jnp.sin(s.theta), jnp.cos(s.theta)], axis=-2)
    if jnp.ndim(p.conn) == 0:
        total = p.conn * waves.sum(axis=-1, keepdims=True)
        own = p.conn * waves
    else:
        weights = jnp.broadcast_to(p.conn, (nodes, nodes))
        total, own = waves @ weights.T, jnp.diagonal(weights) * waves
    sums = jnp.moveaxis(total - own if p.exclude_self else total, -2, 0)
    return PhaseLead.post(tuple(sums), s.theta, None, p)


class PhaseLead:
    """The sine of the phase of a sender over that of the receiver, lagged, as two sums."""

    features: ClassVar[int] = 2
    elementwise: ClassVar[bool] = True

    @staticmethod
    def pre(x, p):
        return jnp.sin(x), jnp.cos(x)

    @staticmethod
    def post(total, x, degree, p):
        lagged = x + p.alpha
        return total[0] * jnp.cos(lagged) - total[1] * jnp.sin(lagged)


class KuramotoNetwork(NeuralMass):
    """Phase oscillators that pull at each other through the sine of their phase differences.

    The nodes are coupled inside the model, through ``conn`` (row = target; all ones at first),
    ``K`` and ``delay``, a time per pair of nodes: without delay at every stage of the integrator,
    with delays through the history that networks use, where phases before time 0 are held.
    ``K`` and ``alpha`` per node belong to the node that receives. The last axis of ``in_size``
    counts the nodes. With ``K = 0``, the default, they are bare phase oscillators, for a
    :class:`Network` with ``coupling="kuramoto"`` and ``coupled_var="theta"``; its currents add to
    the drive. Phases are not wrapped.

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
    ranges = "ours"
    presets = {
        "drifting": preset(
            "uncoupled phases that turn at the same speed",
            source="Kuramoto 1975, doi:10.1007/BFb0013365",
            params={"omega": 0.2, "K": 0.0}, duration=200.0 * u.ms,
        ),
        "synchronised": preset(
            "identical oscillators whose phases meet",
            source="Kuramoto 1975, doi:10.1007/BFb0013365",
            params={"omega": 0.2, "K": 0.1}, duration=200.0 * u.ms,
        ),
        "repelling": preset(
            "a phase lag beyond a right angle drives the phases apart",
            source="Sakaguchi & Kuramoto 1986, doi:10.1143/PTP.76.576",
            params={"omega": 0.2, "K": 0.1, "alpha": 2.0}, duration=200.0 * u.ms,
        ),
    }  # fmt: skip

    omega = param(0.0, bounds=(-1.0, 1.0), doc="natural frequency in rad/ms")
    K = param(0.0, bounds=(0.0, 5.0), doc="strength of the coupling in 1/ms")
    alpha = param(0.0, bounds=(-math.pi, math.pi), doc="phase lag in rad")
    conn = param(1.0, pairs=True, bounds=(0.0, 10.0), doc="weights, row = target")
    delay = param(
        0.0 * u.ms, pairs=True, bounds=(0.0, 50.0), domain="nonnegative",
        doc="delay of every connection, row = target",
    )  # fmt: skip
    normalize_by_n = option(True, choices=(True, False), doc="divide the sum by the nodes")
    exclude_self = option(True, choices=(True, False), doc="leave out the pull on oneself")

    theta = state(uniform(0.0, 2 * math.pi), doc="phase in rad")
    theta_inp = inlet(0.0, doc="drive in rad/ms")
    pull = InletSpec(
        0.0, "weighted sum of the sines of the phase leads of the other nodes",
        noise=None, additive=False, port=False, now=instant_pull,
        formula=r"\sum_j w_{ij} \sin(\theta_j(t - d_{ij}) - \theta_i - \alpha_i)",
    )  # fmt: skip

    @staticmethod
    def equations(s, p, i, t):
        strength = p.K / s.theta.shape[-1] if p.normalize_by_n else p.K
        return dict(theta=(p.omega + strength * i.pull + i.theta_inp) / u.ms)

    @property
    def has_past(self) -> bool:
        """Whether any connection takes time."""
        delay = self.delay.mantissa()
        return bool(self.delay.fit or is_tracer(delay) or np.any(np.asarray(delay)))

    def engine_parts(self, dt: float):
        """Return the node and, where connections take time, its pathway to itself."""
        if not self.has_past:
            return self, (), []
        weights = self.conn.mantissa()
        nodes = self.varshape[-1]
        trained = self.conn.fit or is_tracer(weights)
        weights = weights if trained else np.asarray(weights)
        weights = (jnp if trained else np).broadcast_to(weights, (nodes, nodes))
        there = np.ones((nodes, nodes), bool) if trained else weights != 0
        if self.exclude_self:
            there = there & ~np.eye(nodes, dtype=bool)
        edges = np.nonzero(there)
        wiring = feedback.node_wiring(self, "pull", self.delay, edges, dt)
        if wiring is None:
            return self, (), []
        ends = ("theta", "pull")
        path = feedback.delay_pathway(PhaseLead, self, ("alpha",), ends, wiring, weights)
        return self, (path,), []

    def order_parameter(self):
        """Return the modulus of the mean of ``exp(i * theta)``: 1 if all phases are equal."""
        return jnp.abs(self.mean_field())

    def mean_field(self):
        """Return the mean of ``exp(i * theta)``, whose angle is the phase of the population."""
        return jnp.exp(1j * self.theta.value).mean(axis=-1)
