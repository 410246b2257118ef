"""Small models and losses that the tests of the fitter share."""

import brainstate
import braintools
import brainunit as u
import jax.numpy as jnp
from brainstate.nn import Param

import brainmass


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
