"""Moments, correlations and spectra of the processes by themselves."""

import numpy as np
import pytest
from noise.helpers import HZ, MS, held, slope, spectrum

import brainmass

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
    fast = brainmass.PinkNoise(128, f_min=30 * HZ, f_max=120 * HZ)
    values = held(fast, 10_000, 0.5, seed=2)
    assert abs(slope(values, 0.5, 36, 110) + 1) < 0.1
    # Flat far below the band: the density falls by 4 % to 1.5 Hz, and the standard error is 0.04.
    assert abs(slope(values, 0.5, 0.2, 1.5, 16384)) < 0.2
