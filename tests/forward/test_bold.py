"""The Balloon-Windkessel model against its equations."""

import brainstate
import brainunit as u
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp

import brainmass
from brainmass import BOLDSignal

MS = u.ms


def balloon(activity, times, **changed):
    """BOLD of the Balloon-Windkessel equations as they are printed, by scipy."""
    p = {"g": 0.41, "k": 0.65, "al": 0.32, "tau": 0.98, "rho": 0.34, "V0": 0.02, **changed}

    def slopes(t, y):
        x, f, v, q = y
        return [
            activity(t) - p["k"] * x - p["g"] * (f - 1),
            x,
            (f - v ** (1 / p["al"])) / p["tau"],
            (f * (1 - (1 - p["rho"]) ** (1 / f)) / p["rho"] - q * v ** (1 / p["al"] - 1))
            / p["tau"],
        ]

    start = [0.0, 1.0, 1.0, 1.0]
    solution = solve_ivp(slopes, (0, times[-1]), start, t_eval=times, rtol=1e-10, atol=1e-12,
                         max_step=0.02)  # fmt: skip
    _, _, v, q = solution.y
    rho = p["rho"]
    return p["V0"] * (7 * rho * (1 - q) + 2 * (1 - q / v) + (2 * rho - 0.2) * (1 - v))


def activity(t):
    return 0.5 * np.sin(2 * np.pi * 0.1 * t) ** 2 + 0.3 * np.sin(2 * np.pi * 8 * t)


def test_rest_is_exactly_zero():
    np.testing.assert_array_equal(BOLDSignal(2)(np.zeros((5000, 2)), 1 * MS), 0.0)
    by_hand = BOLDSignal(2)
    by_hand.init_state()
    assert (by_hand.bold() == 0).all()


def test_steady_state_under_constant_activity(x64):
    bold = BOLDSignal(1)
    bold.init_state()
    with brainstate.environ.context(dt=10 * MS):
        step = brainstate.transform.jit(lambda: bold.update(jnp.full(1, 0.1)))
        for _ in range(9000):
            step()
    for value, expected in ((bold.f, 1.243902), (bold.v, 1.072338), (bold.q, 0.895642)):
        np.testing.assert_allclose(value.value, expected, atol=1e-6)
    np.testing.assert_allclose(bold.bold(), 0.01086402, atol=1e-8)
    np.testing.assert_allclose(BOLDSignal(1)(np.full((9000, 1), 0.1), 10 * MS)[-1], 0.01086402,
                               atol=1e-8)  # fmt: skip


@pytest.mark.parametrize("dt", [0.1, 1.0, 7.0])
def test_bold_solves_the_printed_equations_in_single_precision_at_any_step(dt):
    t = (np.arange(round(14_000 / dt)) + 0.5) * dt / 1000
    bold = BOLDSignal(1, period=700 * MS)(activity(t)[:, None], dt * MS)
    exact = balloon(activity, np.arange(0.7, 14.01, 0.7))
    np.testing.assert_allclose(bold[:, 0], exact, atol=1e-6)


def test_bold_does_not_depend_on_the_step_of_the_simulation():
    """Stepping the haemodynamics in single precision at 0.1 ms is 0.2 % off."""
    times = np.arange(0.5, 20.01, 0.5)
    exact = balloon(lambda t: 0.3, times)
    bold = BOLDSignal(1, period=500 * MS)(np.full((200_000, 1), 0.3), 0.1 * MS)
    np.testing.assert_allclose(bold[:, 0], exact, rtol=2e-5, atol=1e-8)


def test_response_to_an_impulse_peaks_near_three_seconds(x64):
    impulse = np.zeros((12_000, 1))
    impulse[:100] = 0.1
    bold = BOLDSignal(1, period=10 * MS)(impulse, 1 * MS)
    assert abs(0.01 * (np.argmax(bold) + 1) - 3.1) < 0.15


def test_parameters_may_differ_between_regions(x64):
    tau = np.array([0.7, 1.4])
    z = activity(np.arange(8000) * 1e-3 + 5e-4)
    bold = BOLDSignal(2, tau=tau * u.second, V0=[0.02, 0.04], k=0.00065 / u.ms, period=500 * MS)
    both = bold(np.stack([z, z], 1), 1 * MS)
    times = np.arange(0.5, 8.01, 0.5)
    for k, changed in enumerate(({"tau": 0.7}, {"tau": 1.4, "V0": 0.04})):
        np.testing.assert_allclose(both[:, k], balloon(activity, times, **changed), atol=1e-6)


def test_flow_stays_positive_under_strong_inhibition():
    bold = BOLDSignal(1)(np.full((30_000, 1), -3.0), 1 * MS)
    assert np.isfinite(bold).all()


def test_stepping_by_hand_equals_the_function(x64):
    z = np.random.default_rng(0).normal(size=(2000, 2))
    bold = BOLDSignal(2, init={"f": [1.1, 0.9]}, period=1 * MS)
    bold.init_state()
    with brainstate.environ.context(dt=1 * MS):
        step = brainstate.transform.jit(bold.update)
        rows = np.stack([step(row) for row in z])
    # The function averages this noise over 8 ms before it steps.
    np.testing.assert_allclose(bold(z, 1 * MS), rows, atol=3e-6)
    assert abs(rows).max() > 1e-3


def test_stepping_by_hand_in_single_precision_does_not_stall(x32):
    bold = BOLDSignal(1)
    bold.init_state()
    with brainstate.environ.context(dt=1 * MS):
        brainstate.transform.for_loop(lambda _: bold.update(jnp.full(1, 0.1)), jnp.arange(60_000))
    np.testing.assert_allclose(bold.f.value, 1 + 0.1 / 0.41, rtol=3e-7)
    np.testing.assert_allclose(bold.bold(), 0.01086402, rtol=3e-6)


def test_a_state_that_is_set_by_hand_counts():
    bold, other = BOLDSignal(1), BOLDSignal(1, init={"f": 1.2})
    with brainstate.environ.context(dt=1 * MS):
        for signal in (bold, other):
            signal.init_state()
        bold.f.value = jnp.full(1, 1.2)
        np.testing.assert_array_equal(bold.update(jnp.ones(1)), other.update(jnp.ones(1)))
    assert bold.f.value > 1.19


def test_derivative_is_that_of_the_equations():
    dx, df, dv, dq = BOLDSignal(1).derivative((0.1, 1.2, 1.1, 0.9), 0 * MS, 0.5)
    np.testing.assert_allclose(dx.to_decimal(u.Hz), 0.5 - 0.65 * 0.1 - 0.41 * 0.2, rtol=1e-5)
    np.testing.assert_allclose(df.to_decimal(u.Hz), 0.1, rtol=1e-5)
    np.testing.assert_allclose(dv.to_decimal(u.Hz), (1.2 - 1.1 ** (1 / 0.32)) / 0.98, rtol=1e-5)
    extracted = 1.2 * (1 - 0.66 ** (1 / 1.2)) / 0.34
    expected = (extracted - 0.9 * 1.1 ** (1 / 0.32 - 1)) / 0.98
    np.testing.assert_allclose(dq.to_decimal(u.Hz), expected, rtol=1e-5)


def test_bold_as_a_model_of_its_own_runs_in_a_simulator(x64):
    z = np.random.default_rng(1).normal(size=(300, 2)) + 1.0
    sim = brainmass.Simulator(BOLDSignal(2), dt=10 * MS)
    result = sim.run(3 * u.second, inputs=z, monitors={"b": lambda m: m.bold()})
    np.testing.assert_allclose(result["b"], BOLDSignal(2, period=10 * MS)(z, 10 * MS), atol=1e-6)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"tau": 0.98}, r"'tau' .* must be a quantity in \[s\]; got 0.98"),
        ({"rho": 1.2}, "'rho' .* between 0 and 1"),
        ({"alpha": 0.0}, "'alpha' .* positive"),
        ({"gamma": np.ones(3) * u.Hz}, r"'gamma' .* broadcasts to \(2,\)"),
        ({"init": 1.0}, "init .* must be a dict"),
        ({"init": {"f": 0.0}}, "'f' .* must be positive"),
        ({"init": {"z": 0.0}}, "keys among 'x', 'f', 'v', 'q'; got 'z'"),
    ],
)
def test_wrong_parameters_are_refused(settings, words):
    with pytest.raises((TypeError, ValueError), match=words):
        BOLDSignal(2, **settings)
