"""What noise does to a model: variances for every step, orders, multiplied noise."""

import brainstate
import brainunit as u
import numpy as np
import pytest
from noise.helpers import MS, held

import brainmass


@pytest.mark.parametrize("dt", [0.02, 0.1, 0.4])
def test_white_noise_into_a_linear_node_has_variance_independent_of_dt(dt):
    n, gamma, sigma = 20_000, 0.5, 0.2
    noise = brainmass.WhiteNoise(n, sigma=sigma)
    node = brainmass.LinearStep(n, gamma=-gamma, init_x=0.0, noise_x=noise)
    x = brainmass.Simulator(node, dt=dt * MS).run(
        20 * MS, monitors="x", seed=0, transient=20 * MS - dt * MS
    )["x"]
    # sigma^2 / (2 gamma), with Heun's error of order dt^2: (gamma dt)^2 / 4 = 1 % at dt = 0.4 ms;
    # a variance of n regions has relative standard error sqrt(2 / n).
    expected = sigma**2 / (2 * gamma)
    assert abs(np.var(x) / expected - 1) < 4 * np.sqrt(2 / n) + (gamma * dt) ** 2 / 3


@pytest.mark.parametrize("dt", [0.1, 0.8])
def test_ou_noise_into_a_linear_node_has_the_variance_of_theory(dt):
    n, gamma, sigma, tau = 20_000, 0.1, 0.2, 20.0
    noise = brainmass.OUProcess(n, sigma=sigma, tau=tau * MS)
    node = brainmass.LinearStep(n, gamma=-gamma, init_x=0.0, noise_x=noise)
    x = brainmass.Simulator(node, dt=dt * MS).run(
        120 * MS, monitors="x", seed=0, transient=120 * MS - dt * MS
    )["x"]
    # Lorentzian times low-pass: var = (sigma^2 / 2) tau / (gamma (1 + gamma tau)).
    expected = sigma**2 / 2 * tau / (gamma * (1 + gamma * tau))
    # Held for a step, noise reaches the node half a step late: dt / tau at most.
    assert abs(np.var(x) / expected - 1) < 4 * np.sqrt(2 / n) + dt / tau


@pytest.mark.parametrize("dt", [0.1, 1.0])
def test_brownian_variance_grows_as_sigma_squared_t(dt):
    n = 20_000
    values = held(brainmass.BrownianNoise(n, sigma=0.3, mean=1.0), 20, dt)
    for t in (5, 20):
        assert abs(values[round(t / dt) - 1].var() / (0.09 * t) - 1) < 4 * np.sqrt(2 / n)
    assert abs(values[-1].mean() - 1.0) < 4 * 0.3 * np.sqrt(20 / n)


def test_linear_network_has_the_covariance_of_the_lyapunov_equation():
    w = np.array([[0, 1, 0.5], [1, 0, 0.2], [0.5, 0.2, 0]])
    network = brainmass.Network(
        brainmass.LinearStep(3, gamma=-2.0, noise_x=brainmass.WhiteNoise(3, sigma=1.0)),
        conn=w,
        coupling="additive",
        coupled_var="x",
        k=0.5,
    )
    x = brainmass.Simulator(network, dt=0.05 * MS).run(
        400 * MS,
        monitors=lambda m: m.node.x.value,
        transient=5 * MS,
        sample_every=1 * MS,
        batch_size=100,
        seed=3,
    )["output"]
    x = np.asarray(x, np.float64).reshape(-1, 3)
    fc = np.corrcoef(x.T)[np.triu_indices(3, 1)]
    # 39 500 samples at 1 ms; the slowest mode decays at about 1.4 per ms, so r of neighbours is at
    # most exp(-1.4): (1 + r^2) / (1 - r^2) = 1.13 samples per independent one. Heun's bias,
    # (2 dt)^2 / 4, is 0.25 %.
    independent = 39_500 / 1.13
    np.testing.assert_allclose(
        fc, [0.258599, 0.142187, 0.084578], atol=3 / np.sqrt(independent) + 1e-3
    )
    assert abs(x[:, 0].var() / 0.272169 - 1) < 3 * np.sqrt(2 / independent) + 0.003


class Cubic(brainmass.NeuralMass):
    """A nonlinear drift for tests of convergence."""

    catalogued = False
    x = brainmass.state(0.5, doc="state")
    x_inp = brainmass.inlet(0.0, doc="input")

    @staticmethod
    def equations(s, p, i, t):
        return {"x": (s.x - s.x**3 + i.x_inp) / u.ms}


def strong_errors(node_of, drive_of, steps, exact=None):
    """Mean distance at the end, over 500 paths, for noise that is coarsened by whole steps.

    The paths enter as an array of inputs, so that every step size sees the same Brownian motion.
    """
    n, fine, duration = 500, 512, 2.0
    increments = np.random.default_rng(0).normal(size=(fine, n)) * np.sqrt(duration / fine)

    def end(count):
        summed = increments.reshape(count, fine // count, n).sum(1)
        return node_of(drive_of(summed * count / duration), duration / count)

    reference = end(fine) if exact is None else exact(increments.sum(0))
    return [abs(end(count) - reference).mean() for count in steps]


def test_euler_maruyama_has_strong_order_one_for_additive_noise(x64):
    def run(drive, dt):
        sim = brainmass.Simulator(Cubic(500, method="euler"), dt=dt * MS)
        return np.asarray(sim.run(2.0 * MS, inputs=drive, monitors="x")["x"][-1])

    steps = (8, 16, 32, 64)
    errors = strong_errors(run, lambda rate: 0.5 * rate, steps)
    order = -np.polyfit(np.log(steps), np.log(errors), 1)[0]
    assert abs(order - 1) < 0.15  # the reference of 512 steps itself adds 0.06


def geometric(n, dt, method, interpretation, **settings):
    """Geometric Brownian motion dx = -0.1 x dt + 0.4 x dW from 1, after 4 ms."""
    noise = brainmass.WhiteNoise(
        n, sigma=0.4, amplitude=lambda s: s.x, interpretation=interpretation
    )
    node = brainmass.LinearStep(n, gamma=-0.1, init_x=1.0, noise_x=noise, method=method)
    sim = brainmass.Simulator(node, dt=dt * MS)
    return np.asarray(sim.run(4 * MS, monitors="x", seed=1, **settings)["x"][-1], np.float64)


@pytest.mark.parametrize("method", ["euler", "heun", "rk4", "exp_euler"])
def test_geometric_brownian_motion_after_ito_has_the_mean_of_its_drift(method):
    x = geometric(40_000, 0.02, method, "ito")
    # sd / mean = sqrt(exp(sigma^2 t) - 1) = 0.95, 4 standard errors; weak error of order dt.
    assert abs(x.mean() / np.exp(-0.4) - 1) < 4 * 0.95 / np.sqrt(40_000) + 0.002


@pytest.mark.parametrize("method", ["heun", "rk4"])
def test_geometric_brownian_motion_after_stratonovich_gains_half_the_variance(method):
    x = geometric(40_000, 0.02, method, "stratonovich")
    assert abs(x.mean() / np.exp(-0.4 + 0.08 * 4) - 1) < 4 * 0.95 / np.sqrt(40_000) + 0.004
    assert abs(np.log(x).mean() + 0.4) < 4 * 0.8 / np.sqrt(40_000) + 0.002


def test_multiplicative_noise_equals_its_update_by_hand(x64):
    noise = brainmass.WhiteNoise(3, mean=0.2, sigma=0.4, amplitude=lambda s: s.x)
    node = brainmass.LinearStep(3, gamma=-0.1, init_x=1.0, noise_x=noise, method="euler")
    sim = brainmass.Simulator(node, dt=0.1 * MS)
    x = np.asarray(sim.run(0.2 * MS, monitors="x", seed=1)["x"])
    plain = brainmass.WhiteNoise(3, sigma=1.0)
    z = held(plain, 0.2, 0.1, seed=1)
    first = 1.0 + 0.1 * (-0.1 + 0.2 + 0.4 * z[0])
    np.testing.assert_allclose(x[0], first, rtol=1e-9)
    second = first + 0.1 * (-0.1 * first + 0.2 + 0.4 * first * z[1])
    np.testing.assert_allclose(x[1], second, rtol=1e-9)


def test_an_amplitude_works_by_hand_in_batches_and_with_coloured_noise():
    noise = brainmass.WhiteNoise(3, sigma=0.4, amplitude=lambda s: s.x)
    node = brainmass.LinearStep(3, gamma=-0.1, init_x=0.0, noise_x=noise)
    with brainstate.environ.context(dt=0.1 * MS):
        node.init_all_states(4)
        assert not np.any(node.update())
    pink = brainmass.PinkNoise(3, sigma=0.4, amplitude=lambda s: 1 / (1 + s.x**2))
    node = brainmass.LinearStep(3, gamma=-0.1, noise_x=pink)
    sim = brainmass.Simulator(node, dt=0.1 * MS)
    assert np.isfinite(sim.run(5 * MS, monitors="x", batch_size=2)["x"]).all()
