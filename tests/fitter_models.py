"""Small models and losses that the tests of the fitter share."""

import time

import brainstate
import braintools
import brainunit as u
import jax.numpy as jnp
import optax
from brainstate.nn import Param

import brainmass
from brainmass import Fitter


class Gain(brainstate.nn.Module):
    """The toy model of the Key Concepts: its parameter is its output."""

    def __init__(self, value=0.0, **options):
        super().__init__()
        self.gain = Param(value, fit=True, **options)

    def update(self):
        return self.gain.value()


def mean_output(model):
    simulator = brainmass.Simulator(model, dt=0.1 * u.ms)
    return jnp.mean(simulator.run(1.0 * u.ms, monitors=None)["output"])


def parabola(model):
    return (model.gain.value() - 2.0) ** 2


def adam(lr=0.2):
    return braintools.optim.Adam(lr=lr)


class Bowl(brainstate.nn.Module):
    """Two parameters, one with a unit, and a loss with its minimum at 3 mV and (1, 2)."""

    def __init__(self, v=1.0 * u.mV, w=(0.0, 0.0)):
        super().__init__()
        self.v = Param(v, fit=True)
        self.w = Param(jnp.asarray(w), fit=True)


def bowl(model):
    far = jnp.sum((model.w.value() - jnp.array([1.0, 2.0])) ** 2)
    return ((model.v.value() / u.mV) - 3.0) ** 2 + far


SPACE = {"v": (0.0 * u.volt, 0.01 * u.volt), "w": (-5.0, 5.0)}


def schedule():
    return braintools.optim.Adam(lr=braintools.optim.StepLR(base_lr=0.3, step_size=3, gamma=0.5))


def plateau():
    rate = braintools.optim.ReduceLROnPlateau(base_lr=0.3, factor=0.5, patience=1)
    return braintools.optim.SGD(lr=rate, momentum=0.5)


WAYS = {
    "adam": lambda: {"optimizer": schedule()},
    "plateau": lambda: {"optimizer": plateau()},
    "optax": lambda: {"optimizer": optax.chain(optax.clip(1.0), optax.adam(0.2))},
    "starts": lambda: {"optimizer": adam(0.3), "n_starts": 3, "search_space": SPACE},
    "noise": lambda: {"optimizer": adam(0.3), "fresh_noise": True},
    "DE": lambda: {"backend": "nevergrad", "optimizer": "DE", "search_space": SPACE},
    "CMA": lambda: {"backend": "nevergrad", "optimizer": "CMA", "search_space": SPACE},
    "L-BFGS-B": lambda: {"backend": "scipy", "search_space": SPACE},
    "evolution": lambda: {
        "backend": "scipy", "search_space": SPACE,
        "optimizer": {"method": "differential_evolution", "options": {"maxiter": 5}},
    },
}  # fmt: skip


def build(way, **more):
    return Fitter(Bowl(), loss_fn=bowl, **WAYS[way](), **more)


def interrupting(after):
    def look(report):
        if report["step"] == after and report["step_done"]:
            raise KeyboardInterrupt

    return look


def wait_for(condition, timeout=20.0):
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)
