# ruff: noqa: N806 - variables keep the letters of the papers
"""Wilson-Cowan: the states of the paper, and every variant in the limit where it is the base."""

import brainunit as u
import numpy as np
import pytest

import brainmass

# Figure 4 of Wilson & Cowan 1972, the default weights: silence, a saddle and a high state.
STATES = {(0.0, 0.0): True, (0.178037, 0.062801): False, (0.462465, 0.243364): True}

# The limit cycle of the paper, for a drive of 1.25.
CYCLE = dict(wEE=16.0, wIE=12.0, wEI=15.0, wII=3.0, a_E=1.3, theta_E=4.0, a_I=2.0, theta_I=3.7)

INPUTS = {"rE_inp": np.array([0.0, 1.25, -0.5]), "rI_inp": np.array([0.2, 0.0, 1.0])}
POINT = dict(rE=[0.1, 0.4, 0.7], rI=[0.3, 0.05, 0.6])


@pytest.mark.parametrize("state", list(STATES))
def test_default_pair_has_the_three_states_of_the_paper(state, x64, rates, eigenvalues):
    node = brainmass.WilsonCowanStep(1)
    rE, rI = state
    assert all(abs(v[0]) < 1e-5 for v in rates(node, rE=rE, rI=rI).values())
    assert (eigenvalues(node, rE=rE, rI=rI).real.max() < 0) == STATES[state]


def test_pair_of_the_paper_cycles(x64, simulate, period):
    node = brainmass.WilsonCowanStep(1, method="rk4", **CYCLE)
    rE = simulate(node, 200.0, 0.02, inputs=lambda i, t: 1.25, monitors="rE",
                  transient=100 * u.ms)[:, 0]  # fmt: skip
    assert rE.min() == pytest.approx(0.101523, abs=1e-5)
    assert rE.max() == pytest.approx(0.271487, abs=1e-5)
    assert period(rE, 0.02) == pytest.approx(5.003, abs=2e-3)


def test_weights_are_named_source_first(rates):
    low = rates(brainmass.WilsonCowanStep(3), **POINT)
    high = rates(brainmass.WilsonCowanStep(3, wIE=8.0), **POINT)
    assert (high["rE"] < low["rE"]).all()
    np.testing.assert_array_equal(high["rI"], low["rI"])
    high = rates(brainmass.WilsonCowanStep(3, wEI=20.0), **POINT)
    assert (high["rI"] > low["rI"]).all()
    np.testing.assert_array_equal(high["rE"], low["rE"])


SAME = dict(tau_E=2.0 * u.ms, tau_I=3.0 * u.ms, a_E=1.3, theta_E=3.0, a_I=0.9, theta_I=3.5)
WEIGHTS = dict(wEE=10.0, wIE=5.0, wEI=12.0, wII=9.0)

# The variant in its limit, and the base that it then is.
LIMITS = {
    "NoSaturation": (dict(SAME, **WEIGHTS), dict(SAME, r=0.0, **WEIGHTS), {}),
    "Symmetric": (
        dict(tau=2.0 * u.ms, a=1.3, theta=3.0, r=0.7, **WEIGHTS),
        dict(tau_E=2.0 * u.ms, tau_I=2.0 * u.ms, a_E=1.3, a_I=1.3, theta_E=3.0, theta_I=3.0,
             r=0.7, **WEIGHTS),
        {},
    ),
    "Simplified": (
        dict(SAME, w_exc=8.0, w_inh=11.0, r=0.7),
        dict(SAME, wEE=8.0, wEI=8.0, wIE=11.0, wII=11.0, r=0.7),
        {},
    ),
    "Divisive": (
        dict(SAME, wEE=6.0, wEI=6.5, wIE=0.0, wII=0.0, r=0.7),
        dict(SAME, wEE=6.0, wEI=6.5, wIE=0.0, wII=0.0, r=0.7),
        {},
    ),
    "DivisiveInput": (
        dict(SAME, wEE=6.0, wEI=6.5, wIE=0.0, wII=0.0, r=0.7),
        dict(SAME, wEE=6.0, wEI=6.5, wIE=0.0, wII=0.0, r=0.7),
        {},
    ),
    "Adaptive": (dict(SAME, b_E=0.0, b_I=0.0, **WEIGHTS), dict(SAME, **WEIGHTS), dict(aE=0, aI=0)),
    "ThreePopulation": (
        dict(SAME, wME=0.0, wMI=0.0, **WEIGHTS), dict(SAME, **WEIGHTS), dict(rM=0.5)
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", list(LIMITS))
def test_variant_is_the_base_in_its_limit(name, x64, rates):
    variant, base, extra = LIMITS[name]
    a = rates(getattr(brainmass, f"WilsonCowan{name}Step")(3, **variant), INPUTS, **POINT, **extra)
    b = rates(brainmass.WilsonCowanStep(3, **base), INPUTS, **POINT)
    for state in b:
        np.testing.assert_allclose(a[state], b[state], rtol=1e-12)


def test_linear_variant_is_rectified(x64, rates):
    node = brainmass.WilsonCowanLinearStep(3)
    found = rates(node, INPUTS, **POINT)
    rE, rI = np.array(POINT["rE"]), np.array(POINT["rI"])
    drive = np.maximum(0.8 * rE - 0.3 * rI + INPUTS["rE_inp"], 0)
    np.testing.assert_allclose(found["rE"], -rE + (1 - rE) * drive, rtol=1e-12)


@pytest.mark.parametrize("name", ["Divisive", "DivisiveInput"])
def test_division_by_inhibition_has_no_pole(name, rates):
    node = getattr(brainmass, f"WilsonCowan{name}Step")(1)
    for rI in (-1 / 2.0, -1 / 5.5, -10.0):
        assert all(np.isfinite(v).all() for v in rates(node, rE=0.5, rI=rI).values())


@pytest.mark.parametrize(
    ("name", "weight", "target", "sign"),
    [("wEM", 12.0, "rM", 1), ("wIM", 9.0, "rM", -1), ("wME", 6.0, "rE", 1), ("wMI", 4.0, "rI", 1)],
)
def test_third_population_is_named_source_first_too(name, weight, target, sign, rates):
    point = dict(POINT, rM=[0.3, 0.1, 0.2])
    low = rates(brainmass.WilsonCowanThreePopulationStep(3), **point)
    high = rates(brainmass.WilsonCowanThreePopulationStep(3, **{name: weight}), **point)
    for state in low:
        change = sign * (high[state] - low[state])
        assert (change > 0).all() if state == target else not change.any()


def test_adaptation_lowers_a_driven_rate(x64, simulate):
    strong = brainmass.WilsonCowanAdaptiveStep(1, b_E=3.0, init_rE=0.4, init_rI=0.2)
    rE = simulate(strong, 600.0, 0.1, monitors="rE")[:, 0]
    assert rE[50] > 0.4 > 0.05 > rE[-1]
