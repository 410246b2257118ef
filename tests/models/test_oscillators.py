# ruff: noqa: N806 - variables keep the letters of the papers
"""Planar oscillators, excitable models, the Lorenz flow and the linear node against textbooks."""

import brainunit as u
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import brainmass


def hopf_radius(t, a, beta, start):
    """Exact radius of the normal form, which obeys r' = (a - beta r**2) r."""
    return np.sqrt(a / (beta + (a / start**2 - beta) * np.exp(-2 * a * t)))


def test_hopf_amplitude_and_frequency(x64, simulate, period):
    node = brainmass.HopfStep(1, a=0.25, beta=1.0, w=0.3, init_x=0.5, method="rk4")
    out = simulate(node, 400.0, 0.02)
    assert np.hypot(out["x"], out["y"])[-1, 0] == pytest.approx(0.5, abs=1e-6)
    assert 1000 / period(out["x"][:, 0], 0.02) == pytest.approx(47.746483, abs=1e-4)


@pytest.mark.parametrize(("a", "beta"), [(0.25, 1.0), (0.1, 2.0), (-0.1, 1.0)])
def test_hopf_transient_follows_the_exact_solution(a, beta, x64, simulate):
    node = brainmass.HopfStep(1, a=a, beta=beta, w=0.3, init_x=0.2, method="rk4")
    out = simulate(node, 10.0, 0.02)
    expected = hopf_radius(out["ts"], a, beta, 0.2)
    np.testing.assert_allclose(np.hypot(out["x"], out["y"])[:, 0], expected, atol=1e-8)


def test_hopf_decays_at_rate_a_below_the_bifurcation(x64, simulate):
    out = simulate(brainmass.HopfStep(1, a=-0.1, init_x=1e-4, method="rk4"), 20.0, 0.02)
    r = np.hypot(out["x"], out["y"])[:, 0]
    assert np.log(r[499] / r[-1]) / 10.0 == pytest.approx(0.1, abs=1e-6)


def test_hopf_radius_has_the_exact_slope_in_a(x64):
    def radius(a):
        node = brainmass.HopfStep(1, a=a, w=0.3, init_x=0.5)
        out = brainmass.Simulator(node, 0.05 * u.ms).run(60 * u.ms, monitors=["x", "y"])
        return jnp.hypot(out["x"][-1, 0], out["y"][-1, 0])

    assert float(jax.jit(jax.grad(radius))(0.25)) == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize(("dt", "tolerance"), [(0.1, 2e-4), (0.5, 4e-3), (1.0, 1.5e-2)])
def test_default_integrator_keeps_the_squared_radius_of_hopf(dt, tolerance, simulate):
    """First-order exponential Euler gives 0.254, 0.270 and 0.293 here."""
    out = simulate(brainmass.HopfStep(1, a=0.25, w=0.3, init_x=0.5), 200.0, dt)
    assert (out["x"] ** 2 + out["y"] ** 2)[-1, 0] == pytest.approx(0.25, abs=tolerance)


def test_lorenz_that_overflows_says_so(simulate):
    with pytest.raises(brainmass.DivergenceError, match="LorenzStep"):
        simulate(brainmass.LorenzStep(1, method="euler"), 50.0, 0.1)


def test_hopf_at_rest_stays_at_rest(simulate):
    assert not simulate(brainmass.HopfStep(2), 5.0, 0.1)["x"].any()


def test_stuart_landau_is_hopf_with_unit_saturation(x64, simulate):
    given = dict(a=0.3, w=0.4, init_x=0.1, init_y=0.05)
    a = simulate(brainmass.StuartLandauStep(1, **given), 20.0, 0.02)
    b = simulate(brainmass.HopfStep(1, beta=1.0, **given), 20.0, 0.02)
    np.testing.assert_array_equal(a["x"], b["x"])
    radius = np.hypot(a["x"], a["y"])[-1, 0]
    assert radius == pytest.approx(hopf_radius(20.0, 0.3, 1.0, np.hypot(0.1, 0.05)), abs=1e-4)


def test_van_der_pol_relaxation_has_its_period_and_amplitude(x64, simulate, period):
    node = brainmass.VanDerPolStep(1, mu=5.0, init_x=2.0, init_y=0.0, method="rk4")
    x = simulate(node, 100.0, 0.005, monitors="x", transient=50 * u.ms)[:, 0]
    assert period(x, 0.005) == pytest.approx(11.612231, abs=1e-4)
    assert x.max() == pytest.approx(2.021508, abs=1e-4)


def fitzhugh_nagumo_thresholds():
    """Drives at which the trace of the Jacobian vanishes: a Hopf bifurcation each."""
    V = np.roots([-9.0, 8.0, -1.5 - 0.5 / 20.0])
    return np.sort(3 * V**3 - 4 * V**2 + 1.5 * V + V / 0.5).real


def test_fitzhugh_nagumo_loses_stability_at_its_hopf_bifurcations(x64, eigenvalues):
    low, high = fitzhugh_nagumo_thresholds()
    for drive, growing in [(low - 0.01, False), (low + 0.01, True), (high - 0.01, True),
                           (high + 0.01, False)]:  # fmt: skip
        V = next(v.real for v in np.roots([3.0, -4.0, 3.5, -drive]) if abs(v.imag) < 1e-12)
        found = eigenvalues(brainmass.FitzHughNagumoStep(1), V=V, w=V / 0.5)
        assert (found.real.max() > 0) == growing


def test_fitzhugh_nagumo_rests_cycles_and_is_blocked_by_its_drive(x64, simulate):
    low, high = fitzhugh_nagumo_thresholds()
    drives = np.array([0.0, (low + high) / 2, high + 0.3])
    node = brainmass.FitzHughNagumoStep(3)
    V = simulate(node, 800.0, 0.1, inputs=np.tile(drives, (8000, 1)), monitors="V",
                 transient=500 * u.ms)  # fmt: skip
    swing = np.ptp(V, axis=0)
    assert swing[1] > 0.6
    assert swing[[0, 2]].max() < 1e-3


def test_threshold_linear_rates_settle_at_slope_times_drive(x64, simulate):
    node = brainmass.ThresholdLinearStep(3, init_E=1.0, init_I=1.0)
    drive = np.array([-50.0, 0.0, 300.0])
    out = simulate(node, 300.0, 0.1, inputs=lambda i, t: (jnp.array(drive), jnp.array(drive)))
    np.testing.assert_allclose(out["E"][-1], [0.0, 0.0, 0.066 * 300], atol=1e-5)
    np.testing.assert_allclose(out["I"][-1], [0.0, 0.0, 0.351 * 300], atol=1e-5)


def test_threshold_linear_inhibition_decays_without_drive(x64, simulate):
    out = simulate(brainmass.ThresholdLinearStep(1, init_E=1.0, init_I=1.0), 20.0, 0.01)
    np.testing.assert_allclose(out["I"][:, 0], np.exp(-out["ts"] / 10.0), rtol=1e-5)
    np.testing.assert_allclose(out["E"][:, 0], np.exp(-out["ts"] / 20.0), rtol=1e-5)


def test_generic_2d_default_is_a_stable_focus(x64, rates, eigenvalues):
    V = -0.18865175  # the real root of V**3 - 3 V**2 + 10 V + 2
    node = brainmass.Generic2dOscillatorStep(1)
    assert all(abs(v[0]) < 1e-8 for v in rates(node, V=V, W=-2 - 10 * V).values())
    found = eigenvalues(node, V=V, W=-2 - 10 * V)
    np.testing.assert_allclose(found.real, -0.02238679, atol=1e-7)
    np.testing.assert_allclose(np.abs(found.imag), 0.0632005, atol=1e-7)


def test_generic_2d_of_the_bistable_set_rests_or_cycles(x64, simulate, eigenvalues):
    rest = -(1 + np.sqrt(5)) / 2  # the lowest root of V**3 + 2 V**2 - 1
    node = brainmass.Generic2dOscillatorStep(
        2, a=1.0, b=0.0, c=-5.0, init_V=np.array([-1.7, 0.8]), init_W=np.array([-12.0, 0.5])
    )
    V = simulate(node, 3000.0, 0.5, monitors="V", transient=2000 * u.ms)
    np.testing.assert_allclose(V[:, 0], rest, atol=1e-4)
    assert np.ptp(V[:, 1]) > 2.0
    alone = brainmass.Generic2dOscillatorStep(1, a=1.0, b=0.0, c=-5.0)
    assert eigenvalues(alone, V=rest, W=1 - 5 * rest**2).real.max() < 0


def test_generic_2d_noise_is_not_scaled_by_its_gains(rates):
    node = brainmass.Generic2dOscillatorStep(1, gamma=0.5)
    state = dict(V=0.1, W=0.2)
    still, shaken = rates(node, **state), rates(node, {"V_rate": 1.0, "W_rate": 1.0}, **state)
    assert shaken["V"] - still["V"] == pytest.approx(1.0, rel=1e-5)
    assert shaken["W"] - still["W"] == pytest.approx(1.0, rel=1e-5)
    driven = rates(node, {"V_inp": 1.0}, **state)
    assert driven["V"] - still["V"] == pytest.approx(0.01, rel=1e-4)


def test_lorenz_equilibria_are_where_lorenz_put_them(rates):
    c = np.sqrt(8 / 3 * 27)
    assert c == pytest.approx(8.4852814, abs=1e-6)
    node = brainmass.LorenzStep(3)
    found = rates(node, x=[0, c, -c], y=[0, c, -c], z=[0, 27, 27])
    assert max(np.abs(v).max() for v in found.values()) < 1e-4


# sigma (sigma + beta + 3) / (sigma - beta - 1), equation 34 of Lorenz 1963
@pytest.mark.parametrize(("rho", "growing"), [(24.73, False), (24.75, True)])
def test_lorenz_convection_turns_unstable_at_rho_24_74(rho, growing, x64, eigenvalues):
    c = np.sqrt(8 / 3 * (rho - 1))
    found = eigenvalues(brainmass.LorenzStep(1, rho=rho), x=c, y=c, z=rho - 1)
    assert (found.real.max() > 0) == growing
    assert found.sum().real == pytest.approx(-13.666667, abs=1e-6)


def test_lorenz_largest_exponent(x64):
    start = brainmass.LorenzStep(1)
    rules = start.rules()
    params = {n: getattr(start, n).mantissa() for n in start.declaration.params}
    names = list(start.declaration.states)

    def step(y):
        out = rules.__class__(rules.cls, "rk4").advance(
            params, dict(zip(names, y, strict=True)), lambda *_: {}, 0.0, 0.01
        )
        return jnp.stack([out[n] for n in names])

    def one(carry, _):
        y, v, total = carry
        y, v = jax.jvp(step, (y,), (v,))
        size = jnp.linalg.norm(v)
        return (y, v / size, total + jnp.log(size)), None

    run = jax.jit(lambda y, v: jax.lax.scan(one, (y, v, 0.0), None, 200_000)[0])
    y, v, _ = run(jnp.array([1.0, 1.0, 25.0]), jnp.array([1.0, 0.0, 0.0]))
    exponent = float(run(y, v)[2]) / 2000.0
    assert exponent == pytest.approx(0.9056, abs=0.02)


def test_linear_node_decays_and_settles_exactly(x64, simulate):
    node = brainmass.LinearStep(1, gamma=-10.0, method="exp_euler")
    x = simulate(node, 1.0, 0.1, monitors="x")[:, 0]
    np.testing.assert_allclose(x, 0.01 * np.exp(-10 * 0.1 * np.arange(1, 11)), rtol=1e-12)
    x = simulate(node, 10.0, 0.1, monitors="x", inputs=np.full(100, 2.0))
    assert x[-1, 0] == pytest.approx(0.2, abs=1e-12)


def test_linear_node_has_the_exact_slope_in_gamma(x64):
    def last(gamma):
        node = brainmass.LinearStep(1, gamma=gamma, init_x=1.0, method="rk4")
        run = brainmass.Simulator(node, 0.01 * u.ms).run(1 * u.ms, monitors="x")
        return run["x"][-1, 0]

    assert float(jax.jit(jax.grad(last))(-2.0)) == pytest.approx(np.exp(-2.0), abs=1e-6)


def test_linear_network_has_the_covariance_of_its_matrix(x64):
    W = np.array([[0, 1, 0.5], [1, 0, 0.2], [0.5, 0.2, 0]])
    node = brainmass.LinearStep(
        3, gamma=-2.0, init_x=0.0, noise_x=brainmass.WhiteNoise(3, sigma=1.0)
    )
    net = brainmass.Network(node, conn=W, coupling="additive", coupled_var="x", k=0.5)
    x = brainmass.Simulator(net, 0.02 * u.ms).run(
        600 * u.ms, monitors="node.x", transient=10 * u.ms, batch_size=64, sample_every=25, seed=3
    )["node.x"]
    each = np.moveaxis(np.asarray(x), 0, 1)
    cov = np.array([np.cov(copy, rowvar=False, bias=True) for copy in each])
    deviation = np.sqrt(np.einsum("kii->ki", cov))
    fc = cov / deviation[:, :, None] / deviation[:, None, :]
    for (i, j), expected in {(0, 1): 0.258599, (0, 2): 0.142187, (1, 2): 0.084578}.items():
        error = fc[:, i, j].std() / np.sqrt(64)
        assert abs(fc[:, i, j].mean() - expected) < 3 * error + 0.002
    assert cov[:, 0, 0].mean() == pytest.approx(0.272169, rel=0.02)
