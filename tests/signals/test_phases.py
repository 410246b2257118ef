"""Phases, filters and synchrony."""

import brainunit as u
import numpy as np
import pytest
from scipy import signal as scipy_signal
from signals.helpers import MS, series, sine

from brainmass import analysis


@pytest.mark.parametrize("time", [240, 241])
def test_analytic_signal_is_the_hilbert_transform_of_scipy(x64, time):
    x = series(time=time)
    known = scipy_signal.hilbert(x - x.mean(axis=0), axis=0)
    found = analysis.analytic_signal(x * u.mV)
    assert found.unit == u.mV
    assert np.allclose(found.mantissa, known)
    assert np.allclose(analysis.phase(x), np.angle(known))
    assert np.allclose(analysis.envelope(x), np.abs(known))


def test_bandpass_halves_its_edges_and_keeps_phases(x64):
    for hertz, gain in ((8, 0.5), (10, 1.0), (13, 0.5), (40, 0.0)):
        x = sine(hertz, 40_000)
        kept = analysis.bandpass(x, MS, (8 * u.Hz, 13 * u.Hz))
        assert np.abs(kept - gain * x)[10_000:30_000].max() < 1e-3


def test_bandpass_agrees_with_a_filter_applied_forwards_and_backwards(x64):
    x = series(time=4000)
    known = scipy_signal.sosfiltfilt(
        scipy_signal.butter(4, (2, 20), "bandpass", fs=1000, output="sos"), x, axis=0
    )
    found = analysis.bandpass(x, MS, (2 * u.Hz, 20 * u.Hz))
    assert np.abs(found - known)[1000:-1000].max() < 0.02 * np.abs(known).max()


def test_order_parameter_of_random_phases_is_that_of_a_random_walk():
    phase = np.random.default_rng(0).uniform(-np.pi, np.pi, (20_000, 90))
    assert np.isclose(analysis.kuramoto_order(phase).mean(), np.sqrt(np.pi / 90) / 2, rtol=0.02)


def test_metastability_is_the_deviation_of_the_order_parameter(x64):
    phase = np.random.default_rng(0).uniform(-np.pi, np.pi, (500, 3, 10))
    known = np.abs(np.exp(1j * phase).mean(axis=2)).std(axis=0)
    assert np.allclose(analysis.metastability(phase), known)


def test_phase_coherence_is_the_phase_locking_value(x64):
    phase = np.random.default_rng(0).uniform(-np.pi, np.pi, (50, 4))
    z = np.exp(1j * phase)
    assert np.allclose(analysis.phase_coherence(phase), np.abs(z.T @ z.conj()) / 50)
