# ruff: noqa: N806 - variables keep the letters of the papers
"""Larter-Breakspear and the Epileptor: regimes, thresholds and what enters where."""

import brainunit as u
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import brainmass


def test_larter_breakspear_oscillates_for_a_wide_firing_curve(x64, simulate):
    node = brainmass.LarterBreakspearStep(3, d_V=np.array([0.5, 0.53, 0.57]))
    V = simulate(node, 2500.0, 0.1, monitors="V", transient=1500 * u.ms)
    swing = np.ptp(V, axis=0)
    assert swing[0] < 1e-3
    assert 0.05 < swing[1] < 0.2
    assert swing[2] > 0.5


def test_larter_breakspear_has_chaotic_windows(x64):
    node = brainmass.LarterBreakspearStep(2, d_V=np.array([0.5, 0.62]), method="rk4")
    rules, names = node.rules(), list(node.declaration.states)
    params = {n: getattr(node, n).mantissa() for n in node.declaration.params}

    def step(y):
        before = dict(zip(names, y, strict=True))
        after = rules.advance(params, before, lambda *_: {}, 0.0, 0.1)
        return jnp.stack([after[n] for n in names])

    def one(carry, _):
        y, v, total = carry
        y, v = jax.jvp(step, (y,), (v,))
        size = jnp.sqrt((v**2).sum(axis=0))
        return (y, v / size, total + jnp.log(size)), None

    run = jax.jit(lambda carry: jax.lax.scan(one, carry, None, 200_000)[0])
    y, v, _ = run((jnp.zeros((3, 2)), jnp.ones((3, 2)), jnp.zeros(2)))
    exponent = np.asarray(run((y, v, jnp.zeros(2)))[2]) / 20.0  # per second
    assert exponent[0] < -1
    assert 0.2 < exponent[1] < 1.0


def test_larter_breakspear_noise_is_not_scaled(rates):
    point = dict(V=-0.2, W=0.3, Z=0.1)
    node = brainmass.LarterBreakspearStep(1)
    still, shaken = rates(node, **point), rates(node, {"V_rate": 1.0}, **point)
    assert shaken["V"] - still["V"] == pytest.approx(1.0, rel=1e-5)
    coupled = rates(node, {"V_inp": 1.0}, **point)
    gain = 0.1 * 0.4 * (0.25 * (1 + np.tanh(-0.19 / 0.15)) / 2 * 1.2 + 0.73)
    assert coupled["V"] - still["V"] == pytest.approx(gain, rel=1e-3)


def test_larter_breakspear_network_sends_firing_rates(x64):
    node = brainmass.LarterBreakspearStep(2, init_V=np.array([-0.3, 0.2]))
    net = brainmass.Network(
        node, conn=np.ones((2, 2)), coupling="additive",
        source=brainmass.LarterBreakspearStep.firing_rate,
    )  # fmt: skip
    coupled = brainmass.Simulator(net, 0.1 * u.ms).run(0.1 * u.ms, monitors="node.V")["node.V"][0]
    rate = 0.5 * (1 + np.tanh(np.array([0.2, -0.3]) / 0.65))
    alone = brainmass.Simulator(node, 0.1 * u.ms)
    fed = alone.run(0.1 * u.ms, inputs=rate[None], monitors="V")["V"][0]
    # The input of the second stage differs by the change of the sender in one step.
    np.testing.assert_allclose(coupled, fed, atol=3e-4)
    np.testing.assert_allclose(np.asarray(node.QV()).shape, (2,))


def epileptor_rest(x1, drive=3.1):
    """Permittivity and excitability at which the fast pair rests at x1 < 0, with c = 1, d = 5."""
    z = 1 - 5 * x1**2 + drive - x1**3 + 3 * x1**2
    return z, x1 - z / 4


def test_epileptor_threshold_of_excitability():
    """The rest state of the fast pair ends where dz/dx1 = 0, at x1 = -4/3."""
    z, x0 = epileptor_rest(-4 / 3)
    assert z == pytest.approx(2.914815, abs=1e-5)
    assert x0 == pytest.approx(-2.062037, abs=1e-5)


@pytest.mark.parametrize(("x0", "healthy"), [(-2.07, True), (-2.05, False)])
def test_epileptor_is_healthy_below_the_threshold(x0, healthy, x64, rates, eigenvalues):
    x1 = next(
        r.real for r in np.roots([1.0, 2.0, 4.0, -4 * x0 - 4.1]) if abs(r.imag) < 1e-12
    )  # fmt: skip
    z, found = epileptor_rest(x1)
    assert found == pytest.approx(x0, abs=1e-9)
    g = 0.1 * x1
    x2 = min(
        r.real
        for r in np.roots([-1.0, 0.0, 1.0, 0.45 + 2 * g - 0.3 * (z - 3.5)])
        if abs(r.imag) < 1e-9
    )
    point = dict(x1=x1, y1=1 - 5 * x1**2, z=z, x2=x2, y2=0.0, g=g)
    node = brainmass.EpileptorStep(1, x0=x0)
    assert all(abs(v[0]) < 1e-9 for v in rates(node, **point).values())
    assert (eigenvalues(node, **point).real.max() < 0) == healthy


def test_epileptor_seizes_and_recovers_when_epileptogenic(simulate):
    x0 = np.array([-1.6, -2.4])
    node = brainmass.EpileptorStep(2, x0=x0)
    out = simulate(node, 6000.0, 0.1, monitors=["x1", "z"], sample_every=10)
    seizing = (out["x1"] > 0).mean(axis=0)
    assert 0.1 < seizing[0] < 0.9
    assert seizing[1] < 0.01
    z = out["z"][:, 0]
    assert np.ptp(z) > 0.5


def test_epileptor_noise_passes_by_the_gains(rates):
    node = brainmass.EpileptorStep(1)
    point = dict(x1=-1.5, y1=-10.0, z=3.5, x2=-1.0, y2=0.0, g=0.0)
    still, shaken = rates(node, **point), rates(node, {"x1_rate": 1.0, "x2_rate": 2.0}, **point)
    assert shaken["x1"] - still["x1"] == pytest.approx(1.0, rel=1e-4)
    assert shaken["x2"] - still["x2"] == pytest.approx(2.0, rel=1e-4)
    assert rates(node, {"x1_inp": 5.0, "x2_inp": 5.0}, **point)["x1"] == still["x1"]


def test_epileptor_that_runs_away_says_so(simulate):
    """Far from the attractor, at z well below 3, the fast equation grows without bound."""
    node = brainmass.EpileptorStep(1, init_x1=1.0, init_z=-20.0)
    with pytest.raises(brainmass.DivergenceError, match="EpileptorStep"):
        simulate(node, 100.0, 0.1)


def test_epileptor_network_couples_both_populations(x64):
    """Differences of x1 into the first input and of x2 into the second, as The Virtual Brain."""
    node = brainmass.EpileptorStep(
        2, Kvf=0.3, Kf=0.7, init_x1=np.array([-1.5, -1.2]), init_x2=np.array([-1.0, -0.4])
    )
    pulls = [brainmass.DiffusiveCoupling(source=f"x{k}", target=f"x{k}_inp", k=0.5) for k in (1, 2)]
    net = brainmass.Network(node, conn=np.ones((2, 2)), coupling=pulls, coupled_var="x1")
    names = ["node.x1", "node.x2"]
    run = brainmass.Simulator(net, 1e-4 * u.ms).run(1e-4 * u.ms, monitors=names)
    alone = brainmass.EpileptorStep(
        2, init_x1=np.array([-1.5, -1.2]), init_x2=np.array([-1.0, -0.4])
    )
    free = brainmass.Simulator(alone, 1e-4 * u.ms).run(1e-4 * u.ms, monitors=["x1", "x2"])
    np.testing.assert_allclose(
        (run["node.x1"] - free["x1"])[0] / 1e-4, 0.3 * 0.5 * np.array([0.3, -0.3]), rtol=5e-3
    )
    np.testing.assert_allclose(
        (run["node.x2"] - free["x2"])[0] / 1e-4, 0.7 * 0.5 * np.array([0.6, -0.6]), rtol=5e-3
    )


def test_epileptor_blends_its_two_targets_of_z(x64, rates):
    point = dict(x1=-1.2, y1=-6.0, z=-0.5, x2=-1.0, y2=0.0, g=0.0)
    linear = 4 * (-1.2 + 1.6) - 0.1 * (-0.5) ** 7
    sigmoidal = -1.6 + 3 / (1 + np.exp(7.0))
    for share in (0.0, 0.3, 1.0):
        found = rates(brainmass.EpileptorStep(1, modification=share), **point)["z"][0]
        expected = 0.00035 * (share * sigmoidal + (1 - share) * linear + 0.5)
        assert found == pytest.approx(expected, rel=1e-9)


def test_epileptor_sigmoid_does_not_overflow(rates):
    node = brainmass.EpileptorStep(1, modification=1.0)
    for x1 in (-1e4, 1e4):
        found = rates(node, x1=x1, y1=0.0, z=3.5, x2=-1.0, y2=0.0, g=0.0)
        assert np.isfinite(found["z"]).all()
