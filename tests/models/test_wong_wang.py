# ruff: noqa: N806 - variables keep the letters of the papers
"""Wong-Wang: the decision is taken, and the resting area of Deco et al. has its fixed point."""

import brainunit as u
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import brainmass

COHERENCES = np.array([0.0, 0.032, 0.064, 0.128, 0.256, 0.512])
TRIALS = 200


@pytest.fixture(scope="module")
def decisions():
    """Final gating of both populations, (coherence, trial), and the rates."""
    n = COHERENCES.size * TRIALS
    noise = [brainmass.OUProcess(n, sigma=0.02 * u.nA, tau=2.0 * u.ms) for _ in range(2)]
    node = brainmass.WongWangStep(n, init_S1=0.1, init_S2=0.1, noise_s1=noise[0], noise_s2=noise[1])
    coherence = np.repeat(COHERENCES, TRIALS)
    run = brainmass.Simulator(node, 0.5 * u.ms).run(
        3 * u.second,
        inputs=lambda i, t: {"coherence": coherence},
        monitors={"S1": "S1", "S2": "S2", "choice": lambda m: m.get_decision()},
        transient=2999.5 * u.ms,
        seed=4,
    )
    return {k: np.asarray(run[k]).reshape(COHERENCES.size, TRIALS) for k in ("S1", "S2", "choice")}


def test_every_trial_has_one_winner(decisions):
    high = np.maximum(decisions["S1"], decisions["S2"])
    low = np.minimum(decisions["S1"], decisions["S2"])
    assert high.min() > 0.5
    assert low.max() < 0.2
    assert set(np.unique(decisions["choice"])) == {-1, 1}


def test_psychometric_curve_rises_from_chance_to_certainty(decisions):
    correct = (decisions["choice"] == 1).mean(axis=1)
    assert abs(correct[0] - 0.5) < 4 * np.sqrt(0.25 / TRIALS)
    assert correct[-1] > 0.95
    assert (np.diff(correct) > -0.05).all()
    assert 0.6 < correct[2] < 0.95


def test_output_is_a_pair_of_rates_in_hertz(simulate):
    r1, r2 = simulate(brainmass.WongWangStep(2), 1.0, 0.5, monitors=None)
    assert r1.shape == r2.shape == (2, 2)
    current = 0.3255 + 5.2e-4 * 30
    expected = (270 * current - 108) / (1 - np.exp(-0.154 * (270 * current - 108)))
    assert r1[0, 0] == pytest.approx(expected, rel=0.02)


def test_threshold_linear_transfer_is_an_option(rates):
    node = brainmass.WongWangStep(1, transfer="threshold_linear", mu_0=0.0 * u.Hz)
    found = rates(node, S1=0.1, S2=0.2)
    current = 0.2609 * 0.1 - 0.0497 * 0.2 + 0.3255
    expected = -0.1 / 100 + 0.9 * 0.641 * 270 * (current - 0.31) / 1000
    assert found["S1"][0] == pytest.approx(expected, rel=1e-4)


def test_network_couples_currents_into_either_population():
    node = brainmass.WongWangStep(2)
    for target in ("I1_inp", "I2_inp"):
        net = brainmass.Network(
            node, conn=np.ones((2, 2)), coupling="additive", coupled_var="S1", k=0.01 * u.nA,
            target=target,
        )  # fmt: skip
        run = brainmass.Simulator(net, 0.5 * u.ms).run(5 * u.ms, monitors="node.S1")
        assert np.isfinite(run["node.S1"]).all()
    with pytest.raises(brainmass.UnitError, match="nA"):
        brainmass.Network(node, conn=np.ones((2, 2)), coupling="additive", coupled_var="S1", k=0.1)


def test_resting_area_settles_at_the_published_state(x64, simulate):
    node = brainmass.WongWangExcInhStep(1)
    out = simulate(node, 5000.0, 0.2, monitors=["S_e", "S_i"])
    assert out["S_e"][-1, 0] == pytest.approx(0.1647572, abs=1e-5)
    assert out["S_i"][-1, 0] == pytest.approx(0.0392184, abs=1e-5)
    assert float(node.H_e()[0] / u.Hz) == pytest.approx(3.077327, abs=1e-4)
    assert float(node.H_i()[0] / u.Hz) == pytest.approx(3.921845, abs=1e-4)


def test_noise_leaves_the_gating_of_an_area_between_0_and_1(simulate):
    noise = {slot: brainmass.WhiteNoise(8, sigma=0.2) for slot in ("noise_e", "noise_i")}
    out = simulate(brainmass.WongWangExcInhStep(8, **noise), 100.0, 0.1, seed=0)
    for name in ("S_e", "S_i"):
        assert out[name].min() == 0.0
        assert out[name].max() <= 1.0


def test_area_without_feedback_inhibition_is_bistable(x64, simulate):
    """Deco et al. 2014: too little feedback inhibition lets the area jump to high activity."""
    node = brainmass.WongWangExcInhStep(2, init_S_e=np.array([0.001, 0.9]), J_i=0.3 * u.nA)
    S_e = simulate(node, 4000.0, 0.5, monitors="S_e")
    assert S_e[-1, 1] > 0.6


def test_rates_are_smooth_where_the_numerator_vanishes(x64):
    node = brainmass.WongWangExcInhStep(1)
    at_zero = 125.0 / 310.0 - 0.382

    def rate(extra):
        S = jnp.zeros(1)
        params = {n: getattr(node, n).mantissa() for n in node.declaration.params}
        out = node.rules().rates({**params, "I_ext": extra}, {"S_e": S, "S_i": S}, {}, 0.0)
        return out["S_e"][0]

    value, slope = jax.jit(jax.value_and_grad(rate))(at_zero)
    assert float(value) == pytest.approx(0.641 / 0.16 / 1000, rel=1e-9)
    assert float(slope) == pytest.approx(0.641 * 310 / 2 / 1000, rel=1e-6)


def test_noise_enters_the_derivative_as_it_is(rates):
    node = brainmass.WongWangExcInhStep(1)
    still = rates(node, S_e=0.1, S_i=0.1)
    shaken = rates(node, {"S_e_rate": 1.0, "S_i_rate": 1.0}, S_e=0.1, S_i=0.1)
    assert shaken["S_e"] - still["S_e"] == pytest.approx(1.0, rel=1e-5)
    assert shaken["S_i"] - still["S_i"] == pytest.approx(1.0, rel=1e-5)
