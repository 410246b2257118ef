"""Limit cycles followed from the Hopf points of a diagram."""

import brainunit as u
import numpy as np
import pytest

import brainmass
from brainmass.analysis import continuation, limit_cycle


def test_hopf_cycles_have_radius_sqrt_a_over_beta_and_the_period_of_the_phase():
    node = brainmass.HopfStep(1, w=0.3, beta=2.0)
    (branch,) = continuation(node, "a", (-0.2, 0.5), cycles=True).cycles
    values = np.asarray(branch.values)
    assert values.min() < 0.02
    assert values.max() > 0.4
    radius = np.sqrt(values / 2.0)
    for name in ("x", "y"):
        np.testing.assert_allclose(branch.maximum[name], radius, rtol=1e-4)
        np.testing.assert_allclose(branch.minimum[name], -radius, rtol=1e-4)
    np.testing.assert_allclose(branch.periods / u.ms, 2 * np.pi / 0.3, rtol=1e-6)
    assert branch.stable.all()


def test_cycles_of_a_subcritical_hopf_point_are_unstable_and_lie_before_it():
    diagram = continuation(brainmass.HopfStep(1, beta=-1.0), "a", (-0.4, 0.4), cycles=20)
    (branch,) = diagram.cycles
    assert (np.asarray(branch.values) < 0).all()
    assert not branch.stable.any()
    np.testing.assert_allclose(branch.maximum["x"] ** 2, -branch.values, rtol=1e-3)
    assert len(branch) <= 20


@pytest.fixture(scope="module")
def alpha():
    """The cycles between the two supercritical Hopf points of the alpha rhythm."""
    node = brainmass.JansenRitStep(1)
    return continuation(node, "E_inp", (60 * u.Hz, 330 * u.Hz), cycles=True)


def test_alpha_cycles_join_the_two_hopf_points_between_which_they_live(alpha):
    (branch,) = alpha.cycles
    first, last = (float(h.value / u.Hz) for h in alpha.hopfs)
    rates = np.asarray(branch.values / u.Hz)
    assert abs(rates.min() - first) < 5.0
    assert abs(rates.max() - last) < 5.0
    assert branch.stable.all()
    assert repr(alpha).endswith("1 fold, 2 Hopf points, 1 branch of cycles)")


@pytest.mark.parametrize(
    ("drive", "frequency"), [(150.0, 10.622), (220.0, 10.938), (300.0, 11.135)]
)
def test_frequency_of_the_alpha_rhythm_along_the_branch(alpha, drive, frequency):
    (branch,) = alpha.cycles
    order = np.argsort(branch.values / u.Hz)
    found = 1000 / np.interp(
        drive, np.asarray(branch.values / u.Hz)[order], np.asarray(branch.periods / u.ms)[order]
    )
    assert found == pytest.approx(frequency, rel=2e-3)


def test_a_cycle_of_the_branch_is_the_one_that_a_simulation_settles_on(alpha):
    (branch,) = alpha.cycles
    k = len(branch) // 2
    cycle = limit_cycle(brainmass.JansenRitStep(1), at={"E_inp": branch.values[k]})
    assert float(cycle.period / branch.periods[k]) == pytest.approx(1.0, rel=1e-4)
    for name in ("M", "E"):
        assert float(cycle.maximum[name] / branch.maximum[name][k]) == pytest.approx(1.0, rel=1e-3)
        assert float(cycle.minimum[name] / branch.minimum[name][k]) == pytest.approx(1.0, rel=1e-3)


def test_without_cycles_there_are_none():
    assert continuation(brainmass.HopfStep(1), "a", (-0.2, 0.2)).cycles == []
