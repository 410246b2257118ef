"""Gradients, batches, precision and refusals of every analysis of signals."""

import brainunit as u
import jax
import numpy as np
import pytest
from signals.helpers import MS, number, series

from brainmass import analysis
from brainmass._errors import UnitError

FUNCTIONS = {
    "fc": analysis.fc,
    "fcd": lambda x: analysis.fcd(x, 60, 30),
    "psd": lambda x: analysis.psd(x, MS)[1].mantissa,
    "band_power": lambda x: analysis.band_power(x, MS, (50 * u.Hz, 200 * u.Hz), relative=True),
    "peak_frequency": lambda x: analysis.peak_frequency(x, MS).mantissa,
    "coherence": lambda x: analysis.coherence(x, MS, window=60)[1],
    "imaginary": lambda x: analysis.coherence(x, MS, kind="imaginary", window=60)[1],
    "lagged": lambda x: analysis.coherence(x, MS, kind="lagged", window=60)[1],
    "lagged_coherence": lambda x: analysis.lagged_coherence(x, MS, 100 * u.Hz),
    "bandpass": lambda x: analysis.bandpass(x, MS, (50 * u.Hz, 200 * u.Hz)),
    "envelope": lambda x: analysis.envelope(x, dt=MS, band=(50 * u.Hz, 200 * u.Hz)),
    "phase_coherence": lambda x: analysis.phase_coherence(analysis.phase(x)),
    "metastability": lambda x: analysis.metastability(analysis.phase(x)),
}
GRADIENTS = {name: jax.jit(jax.value_and_grad(number(f))) for name, f in FUNCTIONS.items()}
each = pytest.mark.parametrize("name", list(FUNCTIONS))


@each
def test_gradient_equals_central_difference(x64, name):
    x = series()
    _, slope = GRADIENTS[name](x)
    f = jax.jit(number(FUNCTIONS[name]))
    for seed in range(3):
        step = 1e-6 * np.random.default_rng(seed).normal(size=x.shape)
        known = (f(x + step) - f(x - step)) / 2
        assert np.isclose(np.sum(slope * step), known, rtol=1e-4, atol=1e-9)


@each
@pytest.mark.parametrize("where", ["zero", "constant", "one silent", "equal"])
def test_values_and_gradients_are_finite_where_naive_formulas_are_not(name, where):
    x = series().astype(np.float32)
    x = {
        "zero": 0 * x,
        "constant": 0 * x + np.float32(0.1),
        "one silent": np.concatenate([x[:, :3], 0 * x[:, :1]], axis=1),
        "equal": np.repeat(x[:, :1], 4, axis=1),
    }[where]
    value, slope = GRADIENTS[name](x)
    assert np.isfinite(value)
    assert np.all(np.isfinite(slope))


@each
def test_vmap_equals_a_loop_and_precision_is_kept(x64, name):
    f = jax.jit(FUNCTIONS[name])
    xs = np.stack([series(s) for s in range(2)])
    assert np.allclose(jax.vmap(f)(xs), [f(x) for x in xs], atol=1e-12)
    assert f(xs[0]).dtype == np.float64
    assert f(xs[0].astype(np.float32)).dtype == np.float32


@each
def test_a_batch_equals_its_members(x64, name):
    f = FUNCTIONS[name]
    xs = np.stack([series(s) for s in range(2)], axis=1)
    together = np.asarray(f(xs))
    alone = [np.asarray(f(xs[:, b])) for b in range(2)]
    axis = 1 if name in ("psd", "bandpass", "envelope") else 0
    assert np.allclose(together, np.stack(alone, axis=axis), atol=1e-12)


@pytest.mark.parametrize("name", sorted(set(FUNCTIONS) - {"phase_coherence", "metastability"}))
def test_nan_is_refused_and_located(name):
    x = series()
    x[7, 2] = np.nan
    with pytest.raises(ValueError, match=r"must be finite; got nan at index \(7, 2\)"):
        FUNCTIONS[name](x)


def test_a_sampling_interval_must_be_a_positive_time():
    with pytest.raises(UnitError, match=r"psd: dt .* must be a time; got 0\.1"):
        analysis.psd(series(), 0.1)
    with pytest.raises(UnitError, match=r"must be a time; got \[mV\]"):
        analysis.psd(series(), 1 * u.mV)
    with pytest.raises(ValueError, match="must be one positive, finite time"):
        analysis.psd(series(), -1 * u.ms)


def test_a_signal_too_short_for_its_windows_is_refused():
    with pytest.raises(ValueError, match=r"fcd: .*at least 2 windows of 300.*240 samples.* hold 0"):
        analysis.fcd(series(), 300)
    with pytest.raises(ValueError, match=r"psd: .*at least 1 windows of 300 samples"):
        analysis.psd(series(), MS, window=0.3 * u.second)
    with pytest.raises(ValueError, match=r"lagged_coherence: .*at least 3 windows of 300"):
        analysis.lagged_coherence(series(), MS, 10 * u.Hz)
    with pytest.raises(ValueError, match=r"coherence: .*at least 2 windows of 240"):
        analysis.coherence(series(), MS, window=240)


def test_windows_are_times_with_dt_or_whole_numbers():
    with pytest.raises(ValueError, match="window given as a time needs dt"):
        analysis.fcd(series(), 60 * u.second)
    with pytest.raises(
        UnitError, match=r"window must be a time or a number of samples; got \[mV\]"
    ):
        analysis.fcd(series(), 60 * u.mV, dt=MS)
    with pytest.raises(ValueError, match="step must be a whole number of samples"):
        analysis.fcd(series(), 60, 2.5)
    with pytest.raises(ValueError, match="overlap must be a fraction"):
        analysis.psd(series(), MS, overlap=1.0)


def test_bands_must_be_pairs_of_frequencies_that_the_signal_resolves():
    with pytest.raises(UnitError, match="band must hold frequencies; got 8"):
        analysis.band_power(series(), MS, (8, 13))
    with pytest.raises(ValueError, match="0 <= low < high; got"):
        analysis.band_power(series(), MS, (13 * u.Hz, 8 * u.Hz))
    with pytest.raises(ValueError, match="below half the sampling rate, 500 Hz"):
        analysis.bandpass(series(), MS, (600 * u.Hz, 700 * u.Hz))
    with pytest.raises(ValueError, match=r"at least 18\.87 Hz wide for windows of 53 samples"):
        analysis.band_power(series(), MS, (8 * u.Hz, 13 * u.Hz))
    with pytest.raises(TypeError, match=r"must be a pair \(low, high\)"):
        analysis.peak_frequency(series(), MS, band=10 * u.Hz)
    with pytest.raises(ValueError, match="band needs dt"):
        analysis.phase(series(), band=(8 * u.Hz, 13 * u.Hz))


def test_other_shapes_and_kinds_are_refused():
    with pytest.raises(ValueError, match=r"\(time, region\).*got shape \(9,\)"):
        analysis.fc(np.ones(9))
    with pytest.raises(ValueError, match="at least 3 regions; got 2"):
        analysis.fcd(series(region=2))
    with pytest.raises(ValueError, match="kind must be one of 'squared', 'imaginary', 'lagged'"):
        analysis.coherence(series(), MS, kind="real")
    with pytest.raises(UnitError, match=r"phase must be dimensionless; got \[mV\]"):
        analysis.kuramoto_order(series() * u.mV)
    with pytest.raises(TypeError, match="must be real; got complex"):
        analysis.fc(series() * 1j)
    with pytest.raises(ValueError, match="half the sampling rate, 500 Hz"):
        analysis.lagged_coherence(series(), MS, 700 * u.Hz)
