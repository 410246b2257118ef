"""Noise against theory: moments, spectra, covariances, convergence, gradients, and bad input.

Every run has a fixed seed. A bound of k standard errors says how the standard error comes about;
k is 4 where one number is compared and larger where the largest of many is, so that a correct
implementation with other numbers would pass as well.
"""

from itertools import pairwise

import brainstate
import brainunit as u
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from brainstate.nn import Param

import brainmass

MS, HZ = u.ms, u.Hz


class Integrator(brainmass.NeuralMass):
    """The integral of its input; with Euler steps, its differences are the noise held."""

    catalogued = False
    x = brainmass.state(0.0, doc="integral")
    v = brainmass.state(0.0 * u.mV, doc="integral with a unit")
    x_inp = brainmass.inlet(0.0, doc="rate")
    v_inp = brainmass.inlet(0.0 * u.mV, doc="rate with a unit")
    f_inp = brainmass.inlet(0.0, doc="input inside a nonlinearity", additive=False)

    @staticmethod
    def equations(s, p, i, t):
        return {"x": (i.x_inp + i.f_inp**2) / u.ms, "v": i.v_inp / u.ms}


def held(noise, duration, dt, seed=0, **settings):
    """The values of a process in every step, as the engine draws them."""
    node = Integrator(noise.in_size, noise_x=noise, method="euler")
    sim = brainmass.Simulator(node, dt=dt * MS)
    x = np.asarray(sim.run(duration * MS, monitors="x", seed=seed, **settings)["x"], np.float64)
    return np.diff(x, axis=0, prepend=0.0) / dt


def spectrum(values, dt, segment=4096):
    """Mean one-sided density of all columns by Welch's method; frequencies in Hz."""
    from scipy.signal import welch

    f, density = welch(values, fs=1e3 / dt, nperseg=segment, axis=0)
    return f, density.reshape(len(f), -1).mean(1)


def slope(values, dt, low, high, segment=4096):
    """Exponent of the density between two frequencies, over logarithmically even bins."""
    f, density = spectrum(values, dt, segment)
    edges = np.geomspace(low, high, 13)
    bins = [(f >= a) & (f < b) for a, b in pairwise(edges)]
    points = [(np.log(f[k]).mean(), np.log(density[k].mean())) for k in bins if k.any()]
    return np.polyfit(*np.transpose(points), 1)[0]


# --- stationary processes ------------------------------------------------------------------------

STATIONARY = {
    "ou": (lambda n: brainmass.OUProcess(n, mean=0.5, sigma=0.3, tau=20 * MS), 0.3 / 2**0.5),
    "pink": (lambda n: brainmass.PinkNoise(n, mean=0.5, sigma=0.3), 0.3),
    "brown": (lambda n: brainmass.ColoredNoise(n, 2.0, mean=0.5, sigma=0.3), 0.3),
    "flat": (lambda n: brainmass.ColoredNoise(n, 0.0, mean=0.5, sigma=0.3), 0.3),
    "between": (lambda n: brainmass.ColoredNoise(n, 0.7, mean=0.5, sigma=0.3), 0.3),
    "gaussian": (lambda n: brainmass.GaussianNoise(n, mean=0.5, sigma=0.3), 0.3),
}


@pytest.mark.parametrize("dt", [0.1, 7.0])
@pytest.mark.parametrize("name", STATIONARY)
def test_moments_are_stationary_from_the_first_step_for_every_dt(name, dt):
    make, sd = STATIONARY[name]
    n = 10_000
    values = held(make(n), 8 * dt, dt)[[0, -1]]
    # Regions are independent: standard errors sd / sqrt(n) and sd / sqrt(2 n), 4 of each. The
    # float32 running sum adds a rounding error well below them.
    np.testing.assert_allclose(values.mean(1), 0.5, atol=4 * sd / n**0.5)
    np.testing.assert_allclose(values.std(1), sd, rtol=4 / (2 * n) ** 0.5)


@pytest.mark.parametrize("name", ["blue", "violet"])
@pytest.mark.parametrize("dt", [0.001, 0.1, 1.0])
def test_rising_noise_is_stationary_and_held_as_means_over_the_step(name, dt, x64):
    cls = {"blue": brainmass.BlueNoise, "violet": brainmass.VioletNoise}[name]
    n = 5000
    values = held(cls(n, mean=0.5, sigma=0.3), 8 * dt, dt)[[0, -1]]
    if name == "violet":
        a = 2e-3 * np.pi * 400 * dt
        shrunk = np.sqrt(2 * (1 - (1 + a) * np.exp(-a))) / a
    else:
        noise = brainmass.BlueNoise(1)
        a = np.ravel(noise.mantissas()["rate"]) * dt
        share = np.ravel(noise.mantissas()["rising"])
        closed = np.where(a < 1e-4, 1 - 2 * a / 3, 2 * (1 - (1 + a) * np.exp(-a)) / a**2)
        shrunk = np.sqrt((share * closed).sum())
    sd = 0.3 * shrunk
    np.testing.assert_allclose(values.mean(1), 0.5, atol=4 * sd / n**0.5)
    np.testing.assert_allclose(values.std(1), sd, rtol=4 / (2 * n) ** 0.5)
    if dt == 0.001:
        np.testing.assert_allclose(shrunk, 1.0, atol=1e-3)


@pytest.mark.parametrize("dt", [0.5, 5.0])
def test_autocorrelation_of_ou_is_exponential(dt):
    tau, n = 20.0, 10_000
    values = held(brainmass.OUProcess(n, sigma=0.3, tau=tau * MS), 60, dt)
    first = values[0]
    for lag in (10, 20, 40):
        r = np.mean(first * values[round(lag / dt)]) / (0.5 * 0.3**2)
        # A mean of n products with variance (1 + r^2) each: at most sqrt(2 / n).
        assert abs(r - np.exp(-lag / tau)) < 4 * np.sqrt(2 / n)


def test_spectrum_of_ou_is_a_lorentzian():
    tau, n, dt = 20.0, 64, 1.0
    values = held(brainmass.OUProcess(n, sigma=0.3, tau=tau * MS), 20_000, dt)
    f, density = spectrum(values, dt, 1024)
    band = (f > 2) & (f < 60)  # above 60 Hz, sampling at 1 kHz folds more than 1 % back
    expected = 4e-3 * tau * 0.045 / (1 + (2e-3 * np.pi * f * tau) ** 2)
    # 64 regions x 38 overlapping Hann segments, 1.9 segments per independent one: about 1300
    # independent estimates, so 2.8 % each; 60 bins, the largest below 4.
    np.testing.assert_allclose(density[band], expected[band], rtol=4 * 0.028 + 0.01)


COLORS = {
    "pink": (lambda n: brainmass.PinkNoise(n, sigma=0.3), -1.0),
    "blue": (lambda n: brainmass.BlueNoise(n, sigma=0.3), 1.0),
    "violet": (lambda n: brainmass.VioletNoise(n, sigma=0.3), 2.0),
    "brown": (lambda n: brainmass.ColoredNoise(n, 2.0, sigma=0.3), -2.0),
    "flat": (lambda n: brainmass.ColoredNoise(n, 0.0, sigma=0.3), 0.0),
    "between": (lambda n: brainmass.ColoredNoise(n, 1.5, sigma=0.3), -1.5),
}


@pytest.mark.parametrize("name", COLORS)
def test_spectral_exponents_hold_in_the_band(name, x64):
    (make, exponent), dt = COLORS[name], 0.5
    segment = round(2048 / dt)
    values = held(make(32), 10_000, dt, seed=1)
    measured = slope(values, dt, 2, 80, segment)
    # A bin of the lowest octaves holds 32 regions x 8 segments: 6 % each, over 12 bins that span
    # 3.7 e-folds, so 0.016 of the exponent; 3 of these, and 0.03 for the ripple, the ends of the
    # band and, at dt = 0.5 ms, folding at 1 kHz.
    assert abs(measured - exponent) < 3 * 0.016 + 0.03


@pytest.mark.parametrize("beta", [-2.0, -1.5, -1.0, -0.5, 0.5, 1.0, 1.5, 2.0])
def test_theoretical_density_follows_the_power_law_in_the_band(beta):
    noise = brainmass.ColoredNoise(1, beta, f_min=0.5 * HZ, f_max=50 * HZ)
    values = noise.mantissas()
    rate = np.ravel(values["rate"])
    share = np.ravel(values["share"] if beta >= 0 else values["rising"])
    f = np.geomspace(0.5, 50, 300)
    ratio = 2e-3 * np.pi * f[:, None] / rate
    kernel = (1 if beta >= 0 else 2 * ratio**2 / (1 + ratio**2)) * 4e-3 / rate / (1 + ratio**2)
    density = (kernel * share).sum(1) * f**beta
    np.testing.assert_allclose(density / np.median(density), 1.0, atol=0.12)
    if beta == 1:
        np.testing.assert_allclose(density / np.median(density), 1.0, atol=0.01)
    # The density of unit variance: its integral over all frequencies is 1.
    wide = np.geomspace(1e-4, 1e7, 200_000)
    ratio = 2e-3 * np.pi * wide[:, None] / rate
    kernel = (1 if beta >= 0 else 2 * ratio**2 / (1 + ratio**2)) * 4e-3 / rate / (1 + ratio**2)
    np.testing.assert_allclose(np.trapezoid((kernel * share).sum(1), wide), 1.0, rtol=1e-3)


def test_colour_is_in_time_and_not_across_regions():
    values = held(brainmass.PinkNoise(256, sigma=1.0), 2, 0.1, batch_size=16)[-1]
    neighbours = np.mean(values[:, 1:] * values[:, :-1])
    assert abs(neighbours) < 4 / np.sqrt(16 * 255)
    assert abs(values.mean(1)).max() > 1e-3  # no zero mean is forced on an instant
    assert held(brainmass.PinkNoise(1, sigma=1.0), 5, 0.1).std() > 0


def test_band_is_a_choice():
    slow = brainmass.PinkNoise(32, f_min=10 * HZ, f_max=50 * HZ)
    values = held(slow, 10_000, 0.5, seed=2)
    assert abs(slope(values, 0.5, 12, 45) + 1) < 0.1
    assert abs(slope(values, 0.5, 0.5, 1.5, 16384)) < 0.2  # flat below the band


# --- dt, integration, networks -------------------------------------------------------------------


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


# --- multiplicative noise ------------------------------------------------------------------------


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


# --- correlated across regions -------------------------------------------------------------------

COV = np.array([[4.0, 1.0, -0.5], [1.0, 1.0, 0.0], [-0.5, 0.0, 0.25]])


@pytest.mark.parametrize(
    ("cls", "seen"),
    [
        (brainmass.GaussianNoise, 1.0),
        (brainmass.WhiteNoise, 10.0),  # held over 0.1 ms, the increments over 1 ms are cov
        (brainmass.OUProcess, 1.0),
        (brainmass.PinkNoise, 1.0),
        (brainmass.BrownianNoise, 0.8),  # after 0.8 ms
    ],
)
def test_covariance_is_the_one_asked_for(cls, seen):
    n = 20_000
    values = held(cls(3, cov=COV), 0.8, 0.1, batch_size=n)[-1] / np.sqrt(seen)
    found = np.cov(values.T)
    # The standard error of a covariance of n pairs: sqrt((c_ij^2 + c_ii c_jj) / n).
    error = np.sqrt((COV**2 + np.outer(np.diag(COV), np.diag(COV))) / n)
    assert (abs(found - COV) < 3.5 * error).all()


def test_a_correlation_matrix_goes_with_sigma_and_keeps_its_convention():
    corr = np.array([[1.0, 0.6], [0.6, 1.0]])
    noise = brainmass.OUProcess(2, sigma=np.array([1.0, 2.0]), cov=corr)
    values = held(noise, 0.5, 0.1, batch_size=20_000)[-1]
    np.testing.assert_allclose(values.std(0), np.array([1, 2]) / 2**0.5, rtol=4 / np.sqrt(40_000))
    assert abs(np.corrcoef(values.T)[0, 1] - 0.6) < 4 * (1 - 0.36) / np.sqrt(20_000)


def test_a_covariance_keeps_its_unit_and_sets_sigma():
    noise = brainmass.OUProcess(3, cov=COV * u.mV**2, mean=1 * u.mV)
    assert noise.unit == u.mV
    np.testing.assert_allclose(noise.sigma.value().mantissa, np.sqrt(2 * np.diag(COV)), rtol=1e-6)
    node = Integrator(3, noise_v=noise)
    v = brainmass.Simulator(node, dt=0.1 * MS).run(1 * MS, monitors="v")["v"]
    assert v.unit == u.mV


def test_a_singular_covariance_is_drawn_exactly():
    values = held(brainmass.GaussianNoise(3, cov=np.ones((3, 3))), 1, 0.1)
    np.testing.assert_allclose(values, values[:, :1] * np.ones(3), atol=1e-4)
    silent = held(brainmass.GaussianNoise(2, cov=np.diag([0.0, 1.0])), 1, 0.1)
    assert not silent[:, 0].any()
    assert silent[:, 1].all()


def test_a_new_covariance_compiles_nothing(compile_count):
    def run(scale):
        node = Integrator(3, noise_x=brainmass.WhiteNoise(3, cov=scale * COV))
        return brainmass.Simulator(node, dt=0.1 * MS).run(5 * MS, monitors="x", seed=1)["x"]

    first = run(1.0)
    run(2.0)
    with compile_count:
        second = run(4.0)
    assert compile_count.n == 0
    np.testing.assert_allclose(second, 2 * first, rtol=1e-4, atol=1e-5)


# --- streams -------------------------------------------------------------------------------------

EVERY = {
    "gaussian": lambda n: brainmass.GaussianNoise(n, sigma=0.1),
    "white": lambda n: brainmass.WhiteNoise(n, sigma=0.1),
    "ou": lambda n: brainmass.OUProcess(n, sigma=0.1, tau=5 * MS),
    "brownian": lambda n: brainmass.BrownianNoise(n, sigma=0.1),
    "pink": lambda n: brainmass.PinkNoise(n, sigma=0.1),
    "blue": lambda n: brainmass.BlueNoise(n, sigma=0.1),
    "violet": lambda n: brainmass.VioletNoise(n, sigma=0.1),
    "correlated": lambda n: brainmass.WhiteNoise(n, cov=np.eye(n) * 0.5 + 0.5),
    "multiplied": lambda n: brainmass.WhiteNoise(n, sigma=0.1, amplitude=lambda s: s.x),
    "staged": lambda n: brainmass.WhiteNoise(
        n, sigma=0.1, amplitude=lambda s: s.x, interpretation="stratonovich"
    ),
}
each = pytest.mark.parametrize("name", EVERY)
each_kind = pytest.mark.parametrize("name", ["ou", "pink", "blue", "correlated", "staged"])


def hopf(name, **settings):
    node = brainmass.HopfStep(3, a=0.25, w=0.3, init_x=0.5, noise_x=EVERY[name](3), **settings)
    return brainmass.Simulator(node, dt=0.1 * MS)


@each
def test_chunks_change_no_bit_and_runs_continue(name):
    whole = hopf(name).run(30 * MS, monitors="x", seed=5)["x"]
    parts = hopf(name).run(30 * MS, monitors="x", seed=5, chunk=37)["x"]
    np.testing.assert_array_equal(parts, whole)
    sim = hopf(name)
    first = sim.run(11.3 * MS, monitors="x", seed=5)["x"]
    rest = sim.run(18.7 * MS, monitors="x", init_states=False)["x"]
    np.testing.assert_array_equal(np.concatenate([first, rest]), whole)


@each_kind
def test_traced_runs_of_delayed_networks_equal_compiled_ones(name):
    network = brainmass.Network(
        hopf(name).model,
        conn=np.ones((3, 3)),
        distance=np.full((3, 3), 20.0) * u.mm,
        speed=10.0 * u.mm / u.ms,
        coupled_var="x",
        k=0.1,
        delay_init=0.0,
    )
    sim = brainmass.Simulator(network, dt=0.1 * MS)
    monitor = {"x": lambda m: m.node.x.value}
    eager = sim.run(20 * MS, monitors=monitor, seed=3)["x"]
    traced = jax.jit(lambda: sim.run(20 * MS, monitors=monitor, seed=3)["x"])()
    np.testing.assert_allclose(traced, eager, atol=2e-5)


@each_kind
def test_batch_members_are_independent(name):
    node = brainmass.LinearStep(2, gamma=-0.1, init_x=1.0, noise_x=EVERY[name](2))
    sim = brainmass.Simulator(node, dt=0.1 * MS)
    x = np.asarray(sim.run(3 * MS, monitors="x", batch_size=4000, seed=0)["x"][-1])
    first, second = x[:2000, 0], x[2000:, 0]
    assert abs(np.corrcoef(first, second)[0, 1]) < 4 / np.sqrt(2000)
    assert np.unique(x).size > 7000


@each
def test_update_by_hand_draws_one_value_per_region(name):
    noise = EVERY[name](3)
    with brainstate.environ.context(dt=0.1 * MS):
        if noise.amplitude is None:
            noise.init_state()
            assert noise().shape == (3,)
            assert not np.array_equal(noise(), noise())
        if noise.state_names:
            noise.init_state(5)
            assert noise().shape == (5, 3)


def test_a_population_may_have_several_axes():
    node = brainmass.HopfStep((2, 3), noise_x=brainmass.PinkNoise((2, 3), sigma=0.1))
    sim = brainmass.Simulator(node, dt=0.1 * MS)
    assert sim.run(2 * MS, monitors="x", batch_size=4)["x"].shape == (20, 4, 2, 3)


def test_new_values_of_coloured_noise_compile_nothing(compile_count):
    def run(beta, sigma, top):
        noise = brainmass.ColoredNoise(3, beta, sigma=sigma, f_max=top * HZ)
        node = Integrator(3, noise_x=noise)
        return brainmass.Simulator(node, dt=0.1 * MS).run(5 * MS, monitors="x", seed=1)

    run(1.0, 0.1, 100)
    run(1.1, 0.1, 100)
    with compile_count:
        run(1.3, 0.2, 110)
    assert compile_count.n == 0


def test_units_of_noise_convert_to_those_of_the_inlet():
    node = Integrator(3, noise_v=brainmass.PinkNoise(3, sigma=0.001 * u.volt))
    sim = brainmass.Simulator(node, dt=0.1 * MS)
    small = sim.run(2 * MS, monitors="v", seed=1)["v"]
    node.noise_v = brainmass.PinkNoise(3, sigma=1.0 * u.mV)
    large = sim.run(2 * MS, monitors="v", seed=1)["v"]
    # Sums of numbers near 1 that pass through zero: float32 rounding is absolute there.
    np.testing.assert_allclose(small.mantissa, large.mantissa, rtol=1e-5, atol=1e-6)


def test_defaults_of_mean_and_sigma():
    noise = brainmass.GaussianNoise(3)
    assert (float(noise.sigma.value()), float(noise.mean.value())) == (1.0, 0.0)
    noise = brainmass.OUProcess(3, mean=2 * u.mV)
    assert noise.unit == u.mV
    assert noise.sigma.value() == 1 * u.mV
    noise = brainmass.WhiteNoise(3, sigma=2 * u.mV)
    assert noise.mean.value() == 0 * u.mV
    with brainstate.environ.context(dt=0.1 * MS):
        noise = brainmass.BrownianNoise(2, sigma=0.1)
        noise.init_state()
        assert noise().shape == (2,)


# --- gradients -----------------------------------------------------------------------------------

TRAINED = {
    "ou": lambda p: brainmass.OUProcess(2, sigma=Param(p[0]), tau=Param(p[1] * MS)),
    "pink": lambda p: brainmass.PinkNoise(2, sigma=Param(p[0]), mean=Param(p[1])),
    "blue": lambda p: brainmass.BlueNoise(2, sigma=Param(p[0]), mean=Param(p[1])),
    "correlated": lambda p: brainmass.OUProcess(
        2, cov=jnp.array([[1.0, 0.3], [0.3, 1.0]]) * p[0] ** 2 + jnp.eye(2) * p[1]
    ),
    "multiplied": lambda p: brainmass.WhiteNoise(
        2, sigma=Param(p[0]), mean=Param(p[1]), amplitude=lambda s: s.x
    ),
}


@pytest.mark.parametrize(
    ("name", "delayed"),
    [
        ("ou", False),
        ("blue", False),
        ("multiplied", False),
        ("ou", True),
        ("pink", True),
        ("correlated", True),
    ],
)
def test_gradient_with_frozen_noise_is_the_difference_quotient(name, delayed, x64):
    def loss(p):
        node = brainmass.HopfStep(2, a=-0.2, init_x=0.5, noise_x=TRAINED[name](p))
        if delayed:
            node = brainmass.Network(
                node,
                conn=np.array([[0.0, 1.0], [0.5, 0.0]]),
                distance=np.full((2, 2), 5.0) * u.mm,
                speed=10.0 * u.mm / u.ms,
                coupled_var="x",
                k=0.5,
                delay_init=0.0,
            )
        read = (lambda m: m.node.x.value) if delayed else (lambda m: m.x.value)
        sim = brainmass.Simulator(node, dt=0.1 * MS)
        return (sim.run(3 * MS, monitors=read, seed=7)["output"][-1] ** 2).sum()

    at = jnp.array([0.3, 4.0 if name == "ou" else 0.4])
    slope = jax.grad(loss)(at)
    for k in range(2):
        move = jnp.zeros(2).at[k].set(1e-5)
        central = (loss(at + move) - loss(at - move)) / 2e-5
        np.testing.assert_allclose(slope[k], central, rtol=1e-5, atol=1e-9)


# --- bad input -----------------------------------------------------------------------------------


def node(slot, noise, **settings):
    return Integrator(3, **{slot: noise}, **settings)


def multiplied(**settings):
    return brainmass.WhiteNoise(3, amplitude=lambda s: s.x, **settings)


REFUSED = {
    "wrong unit": (
        lambda: node("noise_v", brainmass.OUProcess(3, sigma=0.1)),
        "noise_v .* sigma in \\[mV\\]; got \\[1\\]",
    ),
    "wrong size": (lambda: node("noise_x", brainmass.PinkNoise(2)), "in_size \\(3,\\)"),
    "white inside": (lambda: node("noise_f", brainmass.WhiteNoise(3)), "must not be white"),
    "no size": (lambda: brainmass.PinkNoise(0), "in_size .* positive integer"),
    "size of text": (lambda: brainmass.OUProcess("3"), "in_size .* positive integer"),
    "negative sigma": (lambda: brainmass.WhiteNoise(3, sigma=-1.0), "'sigma' .* non-negative"),
    "sigma of text": (lambda: brainmass.WhiteNoise(3, sigma="1"), "'sigma' .* must be a number"),
    "sigmas of another size": (lambda: brainmass.WhiteNoise(3, sigma=np.ones(2)), "broadcasts"),
    "mean of another unit": (lambda: brainmass.WhiteNoise(3, 1 * u.mV, 1.0), "'mean' .* plain"),
    "tau of zero": (lambda: brainmass.OUProcess(3, tau=0 * MS), "'tau' .* positive"),
    "tau without unit": (lambda: brainmass.OUProcess(3, tau=10.0), "'tau' .* quantity in \\[ms\\]"),
    "beta outside": (lambda: brainmass.ColoredNoise(3, 3.0), "beta .* from -2 to 2; got 3.0"),
    "beta of text": (lambda: brainmass.ColoredNoise(3, "pink"), "beta .* from -2 to 2"),
    "band upside down": (
        lambda: brainmass.PinkNoise(3, f_min=10 * HZ, f_max=1 * HZ),
        "0 < f_min < f_max; got 10 Hz and 1 Hz",
    ),
    "band without unit": (lambda: brainmass.PinkNoise(3, f_min=1.0), "f_min .* a frequency"),
    "cov not symmetric": (
        lambda: brainmass.WhiteNoise(2, cov=[[1.0, 0.5], [0.0, 1.0]]),
        "cov .* symmetric; got entries that differ by 0.5",
    ),
    "cov indefinite": (
        lambda: brainmass.WhiteNoise(2, cov=[[1.0, 2.0], [2.0, 1.0]]),
        "positive semi-definite; its correlations have the eigenvalue -1",
    ),
    "cov with negative variance": (lambda: brainmass.WhiteNoise(1, cov=[[-1.0]]), "variances"),
    "cov of a silent region": (
        lambda: brainmass.WhiteNoise(2, cov=[[0.0, 1.0], [1.0, 1.0]]),
        "a region without variance",
    ),
    "cov of another size": (lambda: brainmass.WhiteNoise(3, cov=np.eye(2)), "matrix with one row"),
    "cov of two axes": (lambda: brainmass.WhiteNoise((2, 2), cov=np.eye(2)), "matrix with one row"),
    "cov of text": (lambda: brainmass.WhiteNoise(1, cov=[["a"]]), "cov .* real numbers"),
    "cov with nan": (lambda: brainmass.WhiteNoise(1, cov=[[np.nan]]), "cov .* finite"),
    "sigma and covariance": (
        lambda: brainmass.WhiteNoise(2, sigma=0.1, cov=2 * np.eye(2)),
        "ones on its diagonal when sigma is given; got 2 to 2",
    ),
    "sigma and covariance with unit": (
        lambda: brainmass.WhiteNoise(2, sigma=1 * u.mV, cov=np.eye(2) * u.mV**2),
        "plain correlation matrix when sigma is given",
    ),
    "cov of another unit": (
        lambda: node("noise_x", brainmass.WhiteNoise(3, cov=np.eye(3) * u.mV**2)),
        "sigma in \\[1\\]; got \\[mV\\]",
    ),
    "amplitude of a number": (lambda: brainmass.WhiteNoise(3, amplitude=2.0), "amplitude .* func"),
    "interpretation unknown": (
        lambda: brainmass.WhiteNoise(3, interpretation="klimontovich"),
        "'ito' or 'stratonovich'",
    ),
    "stratonovich with euler": (
        lambda: run(node("noise_x", multiplied(interpretation="stratonovich"), method="euler")),
        "Integrator: noise_x .* 'ito' with method 'euler'",
    ),
    "stratonovich with exponential euler": (
        lambda: run(node("noise_x", multiplied(interpretation="stratonovich"), method="exp_euler")),
        "method 'exp_euler'",
    ),
    "amplitude with a unit": (
        lambda: run(node("noise_x", brainmass.WhiteNoise(3, amplitude=lambda s: s.v))),
        "amplitude .* plain numbers; got a value in \\[mV\\]",
    ),
    "amplitude by hand": (lambda: by_hand(multiplied()), "given the states of the model"),
    "not a noise": (lambda: node("noise_x", 0.1), "must be a noise process"),
}


def run(model):
    return brainmass.Simulator(model, dt=0.1 * MS).run(1 * MS, monitors="x")


def by_hand(noise):
    with brainstate.environ.context(dt=0.1 * MS):
        return noise()


@pytest.mark.parametrize("name", REFUSED)
def test_bad_input_is_refused_in_one_sentence(name):
    make, match = REFUSED[name]
    with pytest.raises((ValueError, TypeError), match=match) as caught:
        make()
    assert "\n" not in str(caught.value)
