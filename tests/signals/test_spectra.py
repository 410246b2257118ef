"""Spectra and coherence against other implementations and formulas."""

from itertools import pairwise

import brainunit as u
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import signal as scipy_signal
from signals.helpers import MS, series, sine

from brainmass import analysis


@pytest.mark.parametrize("window", [64, 75])
def test_psd_is_that_of_welch(x64, window):
    x = series()
    frequency, power = analysis.psd(x * u.mV, 2 * u.ms, window=window)
    f, p = scipy_signal.welch(x, 500, nperseg=window, noverlap=window - round(window / 2), axis=0)
    assert np.allclose(frequency.to_decimal(u.Hz), f)
    assert np.allclose(power.to_decimal(u.mV**2 / u.Hz), p, rtol=1e-10)


def test_psd_integrates_to_the_variance(x64):
    x = np.random.default_rng(0).normal(size=(100_000, 1))
    frequency, power = analysis.psd(x, 0.1 * u.ms, window=500)
    assert np.isclose(power.sum() * frequency[1], x.var(), rtol=0.02)


def test_the_default_window_gives_eight_halves_of_overlap():
    frequency, _ = analysis.psd(series(time=900), MS)
    assert np.isclose(frequency[1].to_decimal(u.Hz), 1000 / 200)


def test_adjacent_bands_add_up(x64):
    x = series() * u.mV
    edges = [0.0, 33.0, 217.3, 500.0]
    bands = {str(a): (a * u.Hz, b * u.Hz) for a, b in pairwise(edges)}
    parts = analysis.band_power(x, MS, bands)
    whole = analysis.band_power(x, MS, (0 * u.Hz, 500 * u.Hz))
    assert u.get_unit(whole) == u.mV**2
    assert np.allclose(sum(p.mantissa for p in parts.values()), whole.mantissa)


def test_peak_frequency_is_exact_between_the_bins(x64):
    found = analysis.peak_frequency(sine(10.37), MS, window=1000)
    assert abs(found[0].to_decimal(u.Hz) - 10.37) < 2e-3


def test_peak_frequency_follows_the_frequency_of_a_model(x64):
    def peak(hertz):
        x = jnp.sin(2e-3 * jnp.pi * hertz * jnp.arange(4000.0))[:, None]
        return analysis.peak_frequency(x, MS, window=1000)[0].mantissa

    value, slope = jax.value_and_grad(peak)(11.2)
    assert abs(value - 11.2) < 2e-3
    assert abs(slope - 1) < 0.02


def test_peak_frequency_looks_in_its_band():
    x = sine(10) + 3 * sine(40)
    for band, known in (((5, 20), 10), ((30, 50), 40), ((5, 50), 40)):
        band = tuple(edge * u.Hz for edge in band)
        found = analysis.peak_frequency(x, MS, band=band, window=1000)[0].to_decimal(u.Hz)
        assert abs(found - known) < 0.05


def test_squared_coherence_is_that_of_scipy(x64):
    x = series()
    frequency, found = analysis.coherence(x, MS, window=64)
    f, known = scipy_signal.coherence(x[:, 0], x[:, 2], 1000, nperseg=64)
    assert np.allclose(frequency.mantissa, f)
    assert np.allclose(found[:, 0, 2], known, atol=1e-10)


def test_instantaneous_mixing_has_neither_imaginary_nor_lagged_coherence(x64):
    source = np.random.default_rng(0).normal(size=(4000, 1))
    x = source @ np.array([[1.0, 0.4, -2.0]])
    for kind in ("imaginary", "lagged"):
        assert np.abs(analysis.coherence(x, MS, kind=kind, window=200)[1]).max() < 1e-9


def test_imaginary_coherence_is_positive_where_the_row_leads():
    x = np.concatenate([sine(10, offset=0.0), sine(10, offset=-0.5)], axis=1)
    x = x + 0.1 * np.random.default_rng(0).normal(size=x.shape)
    c = analysis.coherence(x, MS, kind="imaginary", window=1000)[1][10]
    assert c[0, 1] > 0.4
    assert np.isclose(c[1, 0], -c[0, 1])


def test_lagged_coherence_tells_a_rhythm_from_noise(x64):
    noise = np.random.default_rng(0).normal(size=(60_000, 1))
    x = np.concatenate([sine(10, 60_000), noise], axis=1)
    found = analysis.lagged_coherence(x, MS, [10.0, 23.0] * u.Hz)
    assert found.shape == (2, 2)
    assert found[0, 0] > 0.9999
    assert found[:, 1].max() < 0.25


def test_lagged_coherence_matches_its_formula(x64):
    x, length = series(time=1000)[:, 0], 30
    parts = x[: 33 * length].reshape(33, length)
    parts = (parts - parts.mean(axis=1, keepdims=True)) * scipy_signal.get_window("hann", length)
    f = parts @ np.exp(-2j * np.pi * 0.1 * np.arange(length))
    known = abs(np.sum(f[:-1] * f[1:].conj()))
    known /= np.sqrt(np.sum(abs(f[:-1]) ** 2) * np.sum(abs(f[1:]) ** 2))
    assert np.isclose(analysis.lagged_coherence(x[:, None], MS, 100 * u.Hz)[0], known)
