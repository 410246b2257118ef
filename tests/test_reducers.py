"""Reducers: one value of a run, equal to that of the recorded signal."""

import brainunit as u
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import signal as scipy_signal

import brainmass
from brainmass.reducers import FC, BandPower, Mean, OrderParameter, Spectrum, Variance

MS = u.ms


def noisy(n=3, **settings):
    noise = brainmass.WhiteNoise(n, sigma=0.1)
    return brainmass.HopfStep(n, a=0.25, w=0.3, init_x=0.1, noise_x=noise, **settings)


def phase(m):
    return jnp.arctan2(m.y.value, m.x.value)


def test_reducers_equal_functions_of_the_recording(x64):
    monitors = {
        "x": "x",
        "mean": Mean("x"),
        "variance": Variance("x", ddof=1),
        "fc": FC("x"),
        "slow": FC("x", period=1 * MS),
        "order": OrderParameter(phase),
        "metastability": OrderParameter(phase, statistic="metastability"),
        "phase": phase,
    }
    sim = brainmass.Simulator(noisy(), dt=0.1 * MS)
    result = sim.run(200 * MS, monitors=monitors, transient=33.3 * MS, seed=0)
    x = np.asarray(result["x"])
    np.testing.assert_allclose(result["mean"], x.mean(0), atol=1e-13)
    np.testing.assert_allclose(result["variance"], x.var(0, ddof=1), rtol=1e-12)
    np.testing.assert_allclose(result["fc"], np.corrcoef(x.T), atol=1e-12)
    np.testing.assert_allclose(result["slow"], np.corrcoef(x[9::10].T), atol=1e-12)
    order = np.abs(np.exp(1j * np.asarray(result["phase"])).mean(1))
    np.testing.assert_allclose(result["order"], order.mean(), atol=1e-12)
    np.testing.assert_allclose(result["metastability"], order.std(), atol=1e-12)


def test_spectrum_and_band_power_are_those_of_scipy(x64):
    rng = np.random.default_rng(0)
    x = 3.0 + rng.normal(size=(5000, 2)).cumsum(0) * 0.01 + rng.normal(size=(5000, 2))
    frequency, power = Spectrum(segment=250 * MS, overlap=0.6)(x * u.mV, 1 * MS)
    f, p = scipy_signal.welch(x, 1000.0, nperseg=250, noverlap=150, axis=0)
    np.testing.assert_allclose(frequency.to_decimal(u.Hz), f)
    np.testing.assert_allclose(power.to_decimal(u.mV**2 / u.Hz), p, rtol=1e-10)
    band = BandPower(band=(8 * u.Hz, 12 * u.Hz), segment=250 * MS, overlap=0.6)(x, 1 * MS)
    inside = (f >= 8) & (f <= 12)
    np.testing.assert_allclose(band, p[inside].sum(0) * f[1], rtol=1e-10)


def test_units_are_those_of_the_statistic():
    node = brainmass.JansenRitStep(2)
    run = brainmass.Simulator(node, dt=0.1 * MS).run(
        100 * MS,
        monitors={
            "mean": Mean("E"),
            "variance": Variance("E"),
            "fc": FC("E"),
            "psd": Spectrum("E", segment=50 * MS, period=1 * MS),
            "relative": BandPower("E", relative=True, segment=100 * MS, period=1 * MS),
        },
    )
    assert run["mean"].unit == u.mV
    assert run["variance"].unit == u.mV**2
    assert not isinstance(run["fc"], u.Quantity)
    assert run["psd"].power.unit.has_same_dim(u.mV**2 / u.Hz)
    assert run["psd"].frequency.unit == u.Hz
    assert not isinstance(run["relative"], u.Quantity)


def test_single_precision_survives_a_long_signal_far_from_zero():
    rng = np.random.default_rng(1)
    x = (100.0 + rng.normal(size=(200_000, 2)) @ [[1.0, 0.6], [0.0, 0.8]]).astype(np.float32)
    exact = x.astype(np.float64)
    np.testing.assert_allclose(Mean()(x), exact.mean(0), rtol=1e-6)
    np.testing.assert_allclose(Variance()(x), exact.var(0), rtol=1e-5)
    np.testing.assert_allclose(FC()(x)[0, 1], np.corrcoef(exact.T)[0, 1], atol=1e-5)


def test_fc_of_a_still_region_is_zero_with_finite_gradient(x64):
    x = np.random.default_rng(2).normal(size=(100, 3)) * [1.0, 1.0, 0.0]
    np.testing.assert_array_equal(FC()(x)[2], [0.0, 0.0, 1.0])
    gradient = jax.grad(lambda x: FC()(x).sum())(jnp.asarray(x))
    assert np.isfinite(gradient).all()
    assert abs(gradient[:, :2]).max() > 1e-4


def test_gradients_equal_finite_differences(x64):
    rng = np.random.default_rng(3)
    x, direction = rng.normal(size=(300, 3)), rng.normal(size=(300, 3))

    def value(s):
        y = jnp.asarray(x) + s * direction
        fc, variance = FC()(y), Variance()(y)
        band = BandPower(band=(50 * u.Hz, 90 * u.Hz), segment=100 * MS)(y, 1 * MS)
        order = OrderParameter(statistic="metastability")(y)
        return fc[0, 1] + variance.sum() + 10.0 * band.sum() + order

    value = jax.jit(value)
    expected = (value(1e-5) - value(-1e-5)) / 2e-5
    np.testing.assert_allclose(jax.grad(value)(0.0), expected, rtol=1e-6)


def test_order_of_random_phases_is_that_of_the_null():
    phases = np.random.default_rng(4).uniform(0, 2 * np.pi, (5000, 90))
    expected = np.sqrt(np.pi) / (2 * np.sqrt(90))
    np.testing.assert_allclose(OrderParameter()(phases), expected, rtol=0.02)


def test_batch_members_are_reduced_on_their_own():
    sim = brainmass.Simulator(noisy(), dt=0.1 * MS)
    result = sim.run(50 * MS, monitors={"x": "x", "fc": FC("x")}, batch_size=2, seed=1)
    assert result["fc"].shape == (2, 3, 3)
    for k in range(2):
        np.testing.assert_allclose(result["fc"][k], np.corrcoef(result["x"][:, k].T), atol=1e-5)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Spectrum("x", overlap=1.0), "overlap .* below 1"),
        (lambda: Spectrum("x", window="kaiser"), "window .* must be one of 'hann'"),
        (lambda: Spectrum("x", segment=20), "segment .* must be a quantity of time"),
        (lambda: Spectrum("x", segment=20.05 * MS), "segment .* multiple of the 0.1 ms"),
        (lambda: Spectrum("x"), "must last at least 1000 ms behind the transient; got 20 ms"),
        (lambda: BandPower("x", (8 * u.Hz, 9 * u.Hz), segment=20 * MS), "band .* 50 Hz apart"),
        (lambda: BandPower("x", (8, 9)), r"band .* must be in \[Hz\]"),
        (lambda: BandPower("x", (9 * u.Hz, 8 * u.Hz)), "band .* must increase"),
        (lambda: OrderParameter("x", statistic="median"), "must be 'mean' or 'metastability'"),
        (lambda: OrderParameter(lambda m: m.x.value * u.mV), "one phase in radian per region"),
        (lambda: FC(FC("x")), "must give a signal; got a FC"),
        (lambda: FC(lambda m: m.x.value[0]), "must have regions; got single numbers"),
    ],
)
def test_what_cannot_be_reduced_is_refused(make, words):
    sim = brainmass.Simulator(noisy(), dt=0.1 * MS)
    with pytest.raises((TypeError, ValueError), match=words):
        sim.run(20 * MS, monitors={"r": make()})
