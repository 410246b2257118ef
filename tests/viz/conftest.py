"""What the tests of plots share: a dark page, random walks, a small brain."""

from types import SimpleNamespace

import brainunit as u
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgb

from brainmass import datasets

CONN = datasets.load_dataset("example_connectome")


@pytest.fixture
def dark():
    with plt.style.context("dark_background"):
        yield


def waves(n_time=400, n=3, seed=0):
    return np.random.default_rng(seed).normal(size=(n_time, n)).cumsum(axis=0)


def lightness(colour):
    return np.dot(to_rgb(colour), [0.299, 0.587, 0.114])


def field(unit=u.mV):
    grid = np.linspace(-1.0, 1.0, 11)
    x, y = np.meshgrid(grid, grid)
    return SimpleNamespace(
        names=("V", "w"), x=grid * unit, y=grid, dx=(x - y) * unit / u.ms, dy=(x + y) / u.ms
    )


def diagram():
    values = np.linspace(-1.0, 1.0, 5)
    branch = SimpleNamespace(
        values=values * u.Hz, states={"E": values**2 * u.mV, "I": values}, stable=values < 0
    )
    hopf = SimpleNamespace(
        kind="Hopf", value=0.0 * u.Hz, state={"E": 0.0 * u.mV, "I": 0.0}, criticality="subcritical"
    )
    return SimpleNamespace(parameter="E_inp", branches=[branch], bifurcations=[hopf])
