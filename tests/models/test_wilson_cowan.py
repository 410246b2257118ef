# ruff: noqa: N802, N806, N815 - variables keep the letters of the papers
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


def test_linear_variant_is_the_base_for_a_weak_drive_of_slope_four(x64, rates):
    """F(x; 4, 0) = x - 4 x**3 / 3 + ...: the deviation falls with the cube of rates and drives."""
    given = dict(tau_E=2.0 * u.ms, tau_I=3.0 * u.ms, r=0.7, wEE=2.0, wIE=0.3, wEI=1.0, wII=0.4)
    linear = brainmass.WilsonCowanLinearStep(1, **given)
    base = brainmass.WilsonCowanStep(1, a_E=4.0, a_I=4.0, theta_E=0.0, theta_I=0.0, **given)

    def deviation(size):
        point, drive = dict(rE=size, rI=0.5 * size), {"rE_inp": size, "rI_inp": size}
        a, b = (rates(node, drive, **point) for node in (linear, base))
        return np.array([abs(a[n][0] - b[n][0]) for n in a])

    coarse, fine = deviation(1e-2), deviation(1e-3)
    assert (coarse < 2e-4).all()
    np.testing.assert_allclose(np.log10(coarse / fine), 3.0, atol=0.05)


NO_DELAY = {f"delay_{a}{b}": 0.0 * u.ms for a in "EI" for b in "EI"}


def test_delayed_variant_without_delays_is_the_base(x64, simulate):
    start = dict(init_rE=0.3, init_rI=0.1)
    drive = np.full(300, 1.25)
    a = simulate(brainmass.WilsonCowanDelayedStep(1, **NO_DELAY, **start), 30.0, 0.1, inputs=drive)
    b = simulate(brainmass.WilsonCowanStep(1, **start), 30.0, 0.1, inputs=drive)
    np.testing.assert_allclose(a["rE"], b["rE"], rtol=1e-12)
    np.testing.assert_allclose(a["rI"], b["rI"], rtol=1e-12)


def test_delayed_variant_is_a_plain_loop_with_a_moving_history(x64, simulate):
    """The past moves on during a run: E sees itself 2 ms late and I 1.5 ms late."""
    node = brainmass.WilsonCowanDelayedStep(
        1, delay_EI=1.0 * u.ms, delay_II=0.5 * u.ms, init_rE=0.3, init_rI=0.05, method="euler"
    )
    found = simulate(node, 30.0, 0.1, inputs=np.full(300, 1.25))

    def F(x, a, theta):
        return 1 / (1 + np.exp(-a * (x - theta))) - 1 / (1 + np.exp(a * theta))

    rE, rI = [0.3], [0.05]
    ago = lambda x, n, k: x[n - k] if n >= k else x[0]  # noqa: E731
    for n in range(300):
        to_E = F(12 * ago(rE, n, 20) - 4 * ago(rI, n, 15) + 1.25, 1.2, 2.8)
        to_I = F(13 * ago(rE, n, 10) - 11 * ago(rI, n, 5), 1.0, 4.0)
        rE.append(rE[n] + 0.1 * (-rE[n] + (1 - rE[n]) * to_E))
        rI.append(rI[n] + 0.1 * (-rI[n] + (1 - rI[n]) * to_I))
    np.testing.assert_allclose(found["rE"][:, 0], rE[1:], rtol=1e-10)
    np.testing.assert_allclose(found["rI"][:, 0], rI[1:], rtol=1e-10)
    assert rI[-1] > 0.2


def test_delayed_inhibition_makes_a_resting_pair_oscillate(x64, simulate):
    """A fixed point keeps its place; long enough delays take its stability away."""
    pair = dict(wEE=10.0, wIE=12.0, wEI=10.0, wII=1.0, init_rE=0.1)
    late = dict(delay_EE=0.0 * u.ms, delay_II=0.0 * u.ms)
    delays = np.array([0.0, 6.0]) * u.ms
    node = brainmass.WilsonCowanDelayedStep(2, delay_EI=delays, delay_IE=delays, **late, **pair)
    rE = simulate(node, 400.0, 0.1, inputs=lambda i, t: 2.0, monitors="rE", transient=300 * u.ms)
    assert np.ptp(rE[:, 0]) < 1e-6
    assert np.ptp(rE[:, 1]) > 0.1


def test_base_of_three_populations_carries_models_of_a_user(x64, rates):
    class Relay(brainmass.WilsonCowanThreePopBase):
        """A third population that only listens."""

        catalogued = False
        tau_M = brainmass.param(5.0 * u.ms, domain="positive", doc="time constant of M")

        @staticmethod
        def equations(s, p, i, t):
            to_E = Relay.F(p.wEE * s.rE - p.wIE * s.rI + i.rE_inp, p.a_E, p.theta_E)
            to_I = Relay.F(p.wEI * s.rE - p.wII * s.rI + i.rI_inp, p.a_I, p.theta_I)
            return dict(
                rE=(to_E - s.rE) / p.tau_E,
                rI=(to_I - s.rI) / p.tau_I,
                rM=(s.rE + i.rM_inp - s.rM) / p.tau_M,
            )

    a = rates(Relay(3), INPUTS, **POINT, rM=0.2)
    b = rates(brainmass.WilsonCowanNoSaturationStep(3), INPUTS, **POINT)
    for state in b:
        np.testing.assert_allclose(a[state], b[state], rtol=1e-12)
    noise = brainmass.OUProcess(3, sigma=0.1, tau=5.0 * u.ms)
    assert Relay(3, noise_M=noise, init_rM=0.1).noise_M is noise
    with pytest.raises(TypeError, match="must declare states and equations"):
        brainmass.WilsonCowanThreePopBase(1)


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
