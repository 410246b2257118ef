"""Small models that every test of sweeps can share a compiled program of."""

import brainunit as u
import numpy as np
import pytest

import brainmass

WEIGHTS = np.array([[0, 1.0, 0.5], [0.3, 0, 0.2], [0.7, 0.4, 0]])


def make_network(noise=0.0, **settings):
    node = {"a": 0.2, "w": 0.3, "init_x": 0.1}
    if noise:
        node["noise_x"] = brainmass.WhiteNoise(3, sigma=noise)
    return brainmass.Network(
        brainmass.HopfStep(3, **node),
        **{
            "conn": WEIGHTS,
            "distance": np.array([[0, 12, 30], [12, 0, 21], [30, 21, 0]]) * u.mm,
            "speed": 10 * u.mm / u.ms,
            "coupled_var": "x",
            "k": 0.5,
            "delay_init": 0.01,
            **settings,
        },
    )


def spread(result):
    return np.asarray(result["node.x"]).std(0)


@pytest.fixture
def network():
    return make_network()


@pytest.fixture
def noisy():
    return make_network(noise=0.05)


def simulator(model):
    return brainmass.Simulator(model, dt=0.1 * u.ms)
