"""Numbers of the network models."""

import math

import brainunit as u
import numpy as np

from ..models import HORNSeqLayer, HORNSeqNetwork, HORNStep, KuramotoNetwork
from ._tools import Fact, period, simulate

__all__ = ["FACTS"]

KURAMOTO = "Kuramoto 1984, doi:10.1007/978-3-642-69689-3"
HORN = "Effenberger et al. 2025, doi:10.1073/pnas.2412830122"


def _order(K: float):
    """Order parameter of 1000 oscillators at the quantiles of a Lorentzian of width 0.01."""
    n, gamma = 1000, 0.01
    omega = gamma * np.tan(np.pi * (np.arange(n) + 0.5 - n / 2) / n)
    net = KuramotoNetwork(n, omega=omega, K=gamma * K, init_theta=0.0, exclude_self=False)
    R = simulate(net, 3000.0, 1.0, lambda m: m.order_parameter(), transient=1500.0)
    return R.mean()


def _locked_pair():
    net = KuramotoNetwork(2, omega=np.array([0.19, 0.21]), K=0.05, init_theta=0.0)
    theta = simulate(net, 1000.0, 0.5, "theta")[-1]
    return theta[1] - theta[0]


def _delayed_pair():
    net = KuramotoNetwork(2, omega=0.2, K=0.1, delay=5.0 * u.ms, init_theta=0.0)
    theta = simulate(net, 1000.0, 0.1, "theta")[:, 0]
    return (theta[-1] - theta[-1001]) / 100.0


def _ringing(gamma: float, **given):
    return simulate(HORNStep(1, init_x=1.0, gamma=gamma, **given), 560.0, 0.1, "x")[:, 0]


def _damping():
    x = _ringing(0.01, init_y=-0.01, method="rk4")
    envelope = x / np.cos(np.sqrt((2 * np.pi / 28) ** 2 - 1e-4) * 0.1 * np.arange(1, x.size + 1))
    return np.log(envelope[999] / envelope[3999]) / 300.0


def _resonance():
    """Amplitude of the response to a small sine at the natural frequency, over that of a step."""
    w = 2 * np.pi / 28
    node = HORNStep(1, method="rk4")
    wave = 1e-3 * np.sin(w * 0.1 * np.arange(10_000))
    x = simulate(node, 1000.0, 0.1, "x", inputs=wave)[:, 0]
    return np.abs(x[-560:]).max() / (1e-3 * 0.04 / w**2)


def _layer(n: int = 1):
    """A layer of one oscillator that is pushed once and does not hear itself."""
    inputs = np.zeros((29, n))
    inputs[0] = 1e-4
    return inputs, dict(rec_w_init=0.0, inp_w_init=1.0)


def _impulse():
    inputs, given = _layer()
    x = np.asarray(HORNSeqLayer(1, 1, gamma=0.0, **given).update(inputs))[:, 0]
    return float(np.argmax(x)) + 1


def _readout():
    inputs, given = _layer()
    net = HORNSeqNetwork(1, 1, 1, gamma=0.0, omega=1.0, **given)
    return np.asarray(net.update(inputs[:4]))[0] / 0.04e-4


FACTS = (
    *(Fact("KuramotoNetwork", f"order parameter at K = {K} times the width", math.sqrt(1 - 2 / K),
           0.01, "1", f"sqrt(1 - 2 / K): {KURAMOTO}", lambda K=K: _order(K)) for K in (3, 6)),
    Fact("KuramotoNetwork", "phase difference of a locked pair", math.asin(0.4), 1e-7, "rad",
         f"arcsin of detuning over K: {KURAMOTO}", _locked_pair),
    Fact("KuramotoNetwork", "frequency of a pair with a delay of 5 ms", 0.1635240, 1e-6, "rad/ms",
         "omega - K / 2 sin(Omega T): Yeung & Strogatz 1999, doi:10.1103/PhysRevLett.82.648",
         _delayed_pair),
    Fact("HORNStep", "period without damping", 28.0, 1e-4, "ms", HORN,
         lambda: period(_ringing(0.0, method="rk4"), 0.1)),
    Fact("HORNStep", "rate of the damping", 0.01, 1e-6, "1/ms", HORN, _damping),
    Fact("HORNStep", "gain at resonance over that at rest", 11.219974, 0.02, "1",
         f"omega / (2 gamma): {HORN}", _resonance),
    Fact("HORNSeqLayer", "sample of the largest response to a push", 7.0, 0.1, "1",
         f"a quarter of the period of 28 samples: {HORN}", _impulse),
    Fact("HORNSeqNetwork", "readout 4 samples after a unit push, omega = 1", -1.0, 1e-4, "1",
         f"x(n + 1) = x(n) - x(n - 1) of the semi-implicit rule: {HORN}", _readout),
)  # fmt: skip
