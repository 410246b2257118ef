"""Analysis of signals: known numbers, other implementations, gradients, and refusals."""

import time
from itertools import pairwise

import brainunit as u
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import signal as scipy_signal

import brainmass
from brainmass import analysis
from brainmass._errors import UnitError

MS = 1.0 * u.ms


def series(seed=0, time=240, region=4):
    """Correlated random series with a slow common part."""
    rng = np.random.default_rng(seed)
    common = np.cumsum(rng.normal(size=(time, 2)), axis=0) * 0.3
    return rng.normal(size=(time, region)) + common @ rng.normal(size=(2, region))


def sine(hertz, time=4000, offset=0.3):
    return np.sin(2e-3 * np.pi * hertz * np.arange(time) + offset)[:, None]


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
WEIGHT = np.random.default_rng(9).normal(size=10_000)


def number(function):
    """The function as one number, which is no symmetric reading of its result."""

    def reduced(x):
        out = function(x)
        return jnp.sum(out.ravel() * jnp.asarray(WEIGHT[: out.size], out.dtype))

    return reduced


GRADIENTS = {name: jax.jit(jax.value_and_grad(number(f))) for name, f in FUNCTIONS.items()}
each = pytest.mark.parametrize("name", list(FUNCTIONS))


# -- functional connectivity -----------------------------------------------------------------


def test_fc_is_the_pearson_matrix_whatever_the_unit(x64):
    x = series()
    assert np.allclose(analysis.fc(x * u.mV), np.corrcoef(x.T), atol=1e-13)
    assert np.all(np.diag(analysis.fc(x)) == 1.0)


def test_fc_of_tiny_and_huge_signals_neither_underflows_nor_overflows():
    x = series().astype(np.float32)
    for scale in (1e-30, 1e30):
        assert np.allclose(analysis.fc(x * np.float32(scale)), np.corrcoef(x.T), atol=1e-5)


def test_fc_of_a_batch_is_one_matrix_per_member(x64):
    x = np.stack([series(s) for s in range(3)], axis=1)
    known = [np.corrcoef(x[:, b].T) for b in range(3)]
    assert np.allclose(analysis.fc(x), known, atol=1e-13)


def test_fc_of_a_linear_network_is_that_of_its_lyapunov_equation():
    weights = np.array([[0, 1, 0.5], [1, 0, 0.2], [0.5, 0.2, 0]])
    node = brainmass.LinearStep(3, gamma=-2.0, noise_x=brainmass.WhiteNoise(3, sigma=1.0))
    net = brainmass.Network(node, conn=weights, coupling="additive", k=0.5, coupled_var="x")
    x = brainmass.Simulator(net, dt=0.02 * u.ms).run(
        300 * u.ms, monitors="node.x", transient=10 * u.ms, sample_every=5, batch_size=64, seed=1
    )["node.x"]
    found = np.asarray(analysis.fc(x))
    error = found.std(axis=0) / 8
    for (i, j), known in {(0, 1): 0.258599, (0, 2): 0.142187, (1, 2): 0.084578}.items():
        assert error[i, j] < 0.01
        assert abs(found[:, i, j].mean() - known) < 3 * error[i, j]


def test_fc_has_a_second_derivative(x64):
    x = series(time=12, region=3)
    f = number(analysis.fc)
    step = 1e-5 * np.random.default_rng(3).normal(size=x.shape)
    slope = jax.jit(jax.grad(f))
    known = (slope(x + step) - slope(x - step)) / 2
    product = jax.jit(lambda x: jax.jvp(jax.grad(f), (x,), (step,))[1])(x)
    assert np.allclose(product, known, atol=1e-9)


def test_fc_and_its_gradient_cost_less_than_one_and_a_half_bare_products():
    x = jnp.asarray(np.random.default_rng(0).normal(size=(5000, 84)), jnp.float32)
    weight = jnp.asarray(np.random.default_rng(1).normal(size=(84, 84)), jnp.float32)

    def bare(x):
        z = x - jnp.mean(x, axis=0)
        z = z / jnp.sqrt(jnp.sum(z * z, axis=0))
        return z.T @ z

    programs = [
        jax.jit(jax.value_and_grad(lambda x, f=f: jnp.sum(f(x) * weight)))
        for f in (analysis.fc, bare)
    ]
    jax.block_until_ready([f(x) for f in programs])
    best = [np.inf, np.inf]
    for _ in range(60):
        for k, f in enumerate(programs):
            began = time.perf_counter()
            jax.block_until_ready(f(x))
            best[k] = min(best[k], time.perf_counter() - began)
    assert best[0] < 1.5 * best[1]


def test_fcd_matches_a_loop_over_windows(x64):
    x = series(time=100, region=5)
    rows = np.triu_indices(5, 1)
    triangles = [np.corrcoef(x[s : s + 30].T)[rows] for s in range(0, 71, 10)]
    assert np.allclose(analysis.fcd(x, 30, 10), np.corrcoef(triangles), atol=1e-12)
    given = analysis.fcd(x, 60 * u.second, 20_000 * u.ms, dt=2 * u.second)
    assert np.allclose(given, analysis.fcd(x, 30, 10))


# -- spectra ---------------------------------------------------------------------------------


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


# -- coherence -------------------------------------------------------------------------------


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


# -- phases ----------------------------------------------------------------------------------


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


# -- all of them -----------------------------------------------------------------------------


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


# -- refusals --------------------------------------------------------------------------------


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
