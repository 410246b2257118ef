"""Objectives of spectra, frequencies and synchrony."""

import brainunit as u
import jax
import jax.numpy as jnp
import numpy as np
from objective_cases import BANDS, GRADIENTS, MS, OBJECTIVES, series

from brainmass import analysis, objectives


def test_twice_the_amplitude_is_six_decibels():
    x = series() * u.mV
    for loss in (objectives.psd_distance(MS), objectives.band_power_distance(MS, BANDS)):
        assert np.isclose(loss(2 * x, x), 20 * np.log10(2), rtol=1e-5)
        assert np.isclose(loss(2 * x, x.in_unit(u.volt)), 20 * np.log10(2), rtol=1e-5)


def test_relative_spectra_ignore_scale_and_unit():
    x = series()
    for loss in (
        objectives.psd_distance(MS, relative=True),
        objectives.band_power_distance(MS, BANDS, relative=True),
    ):
        assert float(loss(3 * x, x * u.mV)) < 1e-4


def test_psd_distance_is_the_log_spectral_distance(x64):
    x, y = series(0), series(1, time=200)
    f, p = analysis.psd(x, MS, window=50)
    _, q = analysis.psd(y, MS, window=50)
    known = np.sqrt(np.mean((10 * np.log10(p.mantissa / q.mantissa))[1:] ** 2))
    assert np.isclose(objectives.psd_distance(MS, window=50)(x, y), known, rtol=1e-7)
    assert np.isclose(objectives.psd_distance(MS, window=50)(x, (f, q)), known, rtol=1e-7)


def test_psd_distance_compares_a_series_of_another_sampling_interval():
    t = np.arange(20_000)
    rng = np.random.default_rng(0)
    slow = np.convolve(rng.normal(size=t.size + 99), np.hanning(100), "valid")[:, None]
    loss = objectives.psd_distance(
        0.1 * u.ms, target_dt=1 * u.ms, band=(1 * u.Hz, 50 * u.Hz), window=400 * u.ms
    )
    assert float(loss(slow, slow[::10])) < 0.1
    assert float(loss(slow, 2 * slow[::10])) > 5.9


def test_tiny_signals_have_finite_distances_and_gradients():
    x, y = (1e-15 * series(s).astype(np.float32) for s in (0, 1))
    for name in ("psd_distance", "band_power_distance", "peak_frequency_distance"):
        value, slope = GRADIENTS[name](x, y)
        scaled = OBJECTIVES[name](1e15 * x, 1e15 * y)
        assert np.isclose(value, scaled, rtol=1e-3)
        assert np.all(np.isfinite(slope))


def test_band_powers_may_be_the_target(x64):
    x, y = series(0) * u.mV, series(1) * u.mV
    loss = objectives.band_power_distance(MS, BANDS)
    powers = analysis.band_power(y, MS, BANDS)
    assert np.isclose(loss(x, powers), loss(x, y))
    one = objectives.band_power_distance(MS, BANDS["low"])
    assert np.isclose(one(x, powers["low"]), one(x, y))


def test_peak_frequency_distance_is_in_hertz_and_takes_a_frequency_as_target():
    x = np.sin(2e-3 * np.pi * np.array([10.0, 12.0]) * np.arange(4000)[:, None])
    loss = objectives.peak_frequency_distance(MS, window=1000)
    assert np.isclose(loss(x, 9 * u.Hz).to_decimal(u.Hz), np.sqrt(5.0), rtol=1e-2)
    assert loss(x, [10.0, 12.0] * u.Hz).to_decimal(u.Hz) < 0.01
    assert loss(x, x).to_decimal(u.Hz) == 0


def test_a_model_frequency_is_found_by_descent_on_the_peak_frequency(x64):
    t = jnp.arange(4000.0)[:, None]
    loss = objectives.peak_frequency_distance(MS, window=1000)

    def squared(hertz):
        x = jnp.sin(2e-3 * jnp.pi * hertz * t)
        return loss(x, 12 * u.Hz).mantissa ** 2 / 2

    hertz, slope = 9.0, jax.jit(jax.grad(squared))
    for _ in range(8):
        hertz = hertz - 0.8 * slope(hertz)
    assert abs(hertz - 12) < 0.02


def test_metastability_and_phase_coherence_are_those_of_the_analysis(x64):
    x, y = series(0), series(1)
    a, b = (analysis.metastability(analysis.phase(v)) for v in (x, y))
    assert np.isclose(objectives.metastability_distance()(x, y), abs(a - b))
    assert np.isclose(objectives.metastability_distance()(x, 0.5), abs(a - 0.5))
    a, b = (analysis.phase_coherence(analysis.phase(v)) for v in (x, y))
    known = np.sqrt(np.mean((a - b) ** 2))
    assert np.isclose(objectives.phase_coherence_distance()(x, y), known)
    assert np.isclose(objectives.phase_coherence_distance()(x, b), known)
