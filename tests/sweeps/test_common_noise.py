"""Random numbers that all points of a sweep have in common are drawn once."""

import brainunit as u
import numpy as np
import pytest

import brainmass
from brainmass.engine import common_noise


@pytest.fixture
def eager(monkeypatch):
    """Share also where it does not pay, and count the draws."""
    drawn = []
    draw = common_noise._drawn

    def counted(*given):
        drawn.append(given[1])
        return draw(*given)

    monkeypatch.setattr(common_noise, "_LEAST_DRAWN", 1)
    monkeypatch.setattr(common_noise, "_drawn", counted)
    return drawn


def network(coloured=False):
    """Four regions with delays: white noise, or coloured and correlated noise."""
    noise = brainmass.WhiteNoise(4, sigma=0.02)
    if coloured:
        noise = brainmass.OUProcess(4, sigma=0.02, tau=5 * u.ms)
    weights = np.ones((4, 4)) - np.eye(4)
    return brainmass.Network(
        brainmass.HopfStep(4, a=0.1, noise_x=noise), conn=weights, coupled_var="x", k=0.1,
        distance=20 * weights * u.mm, speed=10 * u.mm / u.ms,
    )  # fmt: skip


def swept(model, **settings):
    """Standard deviations of three strengths, two threads."""
    return brainmass.sweep(
        brainmass.Simulator(model, dt=0.1 * u.ms), {"k": [0.05, 0.1, 0.2]}, duration=250 * u.ms,
        monitors="node.x", sample_every=3, reduce={"sd": lambda r: r["node.x"].std(0)},
        progress=False, threads=2, **settings,
    )  # fmt: skip


@pytest.mark.parametrize("coloured", [False, True], ids=["white", "coloured"])
def test_common_numbers_change_no_bit(coloured, monkeypatch):
    own = swept(network(coloured), seeds=2)
    monkeypatch.setattr(common_noise, "_LEAST_DRAWN", 1)
    np.testing.assert_array_equal(swept(network(coloured), seeds=2)["sd"], own["sd"])


def test_each_seed_is_drawn_once_for_all_points(eager):
    swept(network(), seeds=2)
    steps = brainmass.Simulator(network(), dt=0.1 * u.ms)._plan(
        250 * u.ms, None, None, None, None, None, True, 0
    ).system.superblock  # fmt: skip
    assert eager == [-(-2500 // steps)] * 2


def test_points_with_numbers_of_their_own_share_none(eager):
    swept(network(), seeds=2, common=False)
    assert eager == []


def test_numbers_that_would_fill_the_memory_are_not_kept(eager, monkeypatch):
    monkeypatch.setattr(common_noise, "_MOST_KEPT", 2 * 2500 * 4 - 1)
    swept(network(), seeds=2)
    assert eager == []


def test_divergence_is_found_among_common_numbers(eager):
    result = brainmass.sweep(
        brainmass.Simulator(network(), dt=0.1 * u.ms), {"node.beta": [1.0, -50.0]},
        duration=250 * u.ms, monitors="node.x", progress=False,
    )  # fmt: skip
    assert len(eager) == 1
    assert result["diverged"].values.tolist() == [False, True]
