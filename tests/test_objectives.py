"""Objectives: known numbers, finite gradients, and refusals."""

import brainunit as u
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from brainmass import analysis, objectives
from brainmass._errors import UnitError


def series(seed=0, time=120, region=5):
    """Correlated random series with a slow common part."""
    rng = np.random.default_rng(seed)
    common = np.cumsum(rng.normal(size=(time, 2)), axis=0) * 0.3
    return rng.normal(size=(time, region)) + common @ rng.normal(size=(2, region))


def finite_difference(f, x, eps=1e-6):
    steps = eps * np.eye(x.size).reshape(-1, *x.shape)
    slope = jax.jit(jax.vmap(lambda step: (f(x + step) - f(x - step)) / (2 * eps)))
    return np.asarray(slope(steps)).reshape(x.shape)


def _bare(loss):
    """The loss without its unit, so that it can be differentiated."""
    return lambda pred, target: u.get_mantissa(loss(pred, target))


MS = 1.0 * u.ms
BANDS = {"low": (50 * u.Hz, 200 * u.Hz), "high": (200 * u.Hz, 400 * u.Hz)}

FC_RMSE = objectives.fc_rmse()
OBJECTIVES = {
    "timeseries_rmse": objectives.timeseries_rmse(),
    "fc_corr": objectives.fc_corr(as_loss=True),
    "fc_rmse": objectives.fc_rmse(),
    "cosine_sim": objectives.cosine_sim(as_loss=True),
    "fcd": objectives.fcd(20, 10, as_loss=True),
    "fcd_ks": objectives.fcd_ks(20, 10),
    "fcd_wasserstein": objectives.fcd_wasserstein(20, 10),
    "combine": objectives.combine((1.0, objectives.timeseries_rmse()), (2.0, objectives.fc_rmse())),
    "psd_distance": objectives.psd_distance(MS),
    "relative psd": objectives.psd_distance(MS, band=BANDS["low"], relative=True),
    "band_power_distance": objectives.band_power_distance(MS, BANDS),
    "relative bands": objectives.band_power_distance(MS, BANDS, relative=True),
    "peak_frequency_distance": _bare(objectives.peak_frequency_distance(MS)),
    "metastability_distance": objectives.metastability_distance(),
    "phase_coherence_distance": objectives.phase_coherence_distance(dt=MS, band=BANDS["low"]),
}
GRADIENTS = {name: jax.jit(jax.value_and_grad(f)) for name, f in OBJECTIVES.items()}


@pytest.fixture(params=list(OBJECTIVES))
def objective(request):
    return OBJECTIVES[request.param]


@pytest.fixture
def gradient(request, objective):
    return GRADIENTS[request.node.callspec.params["objective"]]


# -- known numbers ---------------------------------------------------------------------------


def test_rmse_of_a_constant_offset_is_the_offset():
    loss = objectives.timeseries_rmse()
    assert float(loss(jnp.ones((4, 3)), 3.5 * jnp.ones((4, 3)))) == 2.5


def test_rmse_of_scalars_is_their_distance():
    assert float(objectives.timeseries_rmse()(jnp.asarray(0.5), jnp.asarray(2.0))) == 1.5


def test_rmse_keeps_the_unit_of_the_prediction_and_converts_the_target():
    loss = objectives.timeseries_rmse()(jnp.array([1.0, 2.0]) * u.mV, [0.001, 0.004] * u.volt)
    assert loss.unit == u.mV
    assert np.allclose(loss.to_decimal(u.mV), np.sqrt(2.0))


def test_rmse_of_tiny_and_huge_values_neither_underflows_nor_overflows():
    loss = objectives.timeseries_rmse()
    for size in (1e-30, 1e30):
        x = jnp.full((3,), size, dtype=jnp.float32)
        assert np.isclose(float(loss(x, jnp.zeros(3))), size, rtol=1e-6)


def test_functional_connectivity_is_the_pearson_matrix(x64):
    x = series()
    assert np.allclose(objectives.functional_connectivity(x), np.corrcoef(x.T), atol=1e-13)
    assert np.all(np.diag(objectives.functional_connectivity(x)) == 1.0)


def test_functional_connectivity_ignores_units_and_scale(x64):
    x = series()
    fc = objectives.functional_connectivity(x * u.mV)
    assert np.allclose(fc, objectives.functional_connectivity(1e-3 * x), atol=1e-13)


def test_a_silent_region_correlates_with_none():
    x = jnp.asarray(series()).at[:, 2].set(0.1)
    fc = np.asarray(objectives.functional_connectivity(x))
    assert np.all(fc[2, [0, 1, 3, 4]] == 0)
    assert fc[2, 2] == 1.0
    assert np.all(np.isfinite(fc))


def test_fc_corr_is_the_correlation_of_upper_triangles(x64):
    x, y = series(0), series(1, time=80)
    rows = np.triu_indices(5, 1)
    known = np.corrcoef(np.corrcoef(x.T)[rows], np.corrcoef(y.T)[rows])[0, 1]
    assert np.isclose(objectives.fc_corr()(x, y), known, atol=1e-13)
    assert np.isclose(objectives.fc_corr(as_loss=True)(x, y), 1 - known, atol=1e-13)


def test_fc_rmse_is_over_the_full_matrices(x64):
    x, y = series(0), series(1)
    known = np.sqrt(np.mean((np.corrcoef(x.T) - np.corrcoef(y.T)) ** 2))
    assert np.isclose(objectives.fc_rmse()(x, y), known, atol=1e-13)


@pytest.mark.parametrize("make", [objectives.fc_corr, objectives.fc_rmse])
@pytest.mark.parametrize("diagonal", [1.0, 0.0, np.nan])
def test_an_empirical_fc_matrix_can_be_the_target(x64, make, diagonal):
    x, y = series(0), series(1)
    fc = np.corrcoef(y.T)
    np.fill_diagonal(fc, diagonal)
    known = make()(x, y)
    for loss in (make(), make(target_is_fc=True), jax.jit(make())):
        assert np.isclose(loss(x, fc), known, atol=1e-13)
    assert np.isclose(make()(np.corrcoef(x.T), fc), known, atol=1e-13)


def test_connectivity_of_a_series_fits_itself(x64):
    x = series()
    assert np.isclose(objectives.fc_corr()(x, x), 1.0, atol=1e-12)
    assert np.isclose(objectives.fcd(20, 10)(x, x), 1.0, atol=1e-12)
    assert objectives.fcd_ks(20, 10)(x, x) < 1e-12


def test_as_many_samples_as_regions_are_still_a_series(x64):
    x, y = series(0, time=5), series(1, time=5)
    rows = np.triu_indices(5, 1)
    known = np.corrcoef(np.corrcoef(x.T)[rows], np.corrcoef(y.T)[rows])[0, 1]
    for loss in (objectives.fc_corr(), jax.jit(objectives.fc_corr())):
        assert np.isclose(loss(x, y), known, atol=1e-13)


def test_the_reading_of_a_square_array_can_be_forced(x64):
    fc = np.corrcoef(series(1).T)
    as_series = objectives.fc_rmse(target_is_fc=False, pred_is_fc=False)(series(0), fc)
    known = np.sqrt(np.mean((np.corrcoef(series(0).T) - np.corrcoef(fc.T)) ** 2))
    assert np.isclose(as_series, known, atol=1e-13)


def test_an_fc_matrix_as_target_has_the_same_gradient_when_traced(x64):
    x, fc = series(0), np.corrcoef(series(1).T)
    loss = objectives.fc_corr(as_loss=True)
    plain = jax.grad(lambda x: loss(x, fc))(x)
    traced = jax.jit(jax.grad(loss))(x, fc)
    assert np.allclose(plain, traced, atol=1e-14)


def test_cosine_is_the_cosine(x64):
    x, y = series(0), series(1)
    known = np.sum(x * y) / np.linalg.norm(x) / np.linalg.norm(y)
    assert np.isclose(objectives.cosine_sim()(x, y), known, atol=1e-14)
    assert np.isclose(objectives.cosine_sim(as_loss=True)(x, y), 1 - known, atol=1e-14)
    damped = np.sum(x * y) / (np.linalg.norm(x) * np.linalg.norm(y) + 7.0)
    assert np.isclose(objectives.cosine_sim(epsilon=7.0)(x, y), damped, atol=1e-14)


def test_fcd_matrix_matches_a_loop_over_windows(x64):
    x = series(0, time=100)
    rows = np.triu_indices(5, 1)
    triangles = [np.corrcoef(x[s : s + 30].T)[rows] for s in range(0, 71, 10)]
    assert np.allclose(objectives.fcd(30, 10)(x), np.corrcoef(triangles), atol=1e-12)


def test_fcd_with_a_target_correlates_the_two_matrices(x64):
    x, y = series(0), series(1)
    a, b = objectives.fcd(20, 10)(x), objectives.fcd(20, 10)(y)
    rows = np.triu_indices(a.shape[0], 1)
    known = np.corrcoef(a[rows], b[rows])[0, 1]
    assert np.isclose(objectives.fcd(20, 10)(x, y), known, atol=1e-12)
    assert np.isclose(objectives.fcd(20, 10, as_loss=True)(x, y), 1 - known, atol=1e-12)


@pytest.mark.parametrize("bw_method", [None, "scott", "silverman", 0.4])
def test_fcd_distribution_is_the_gaussian_kde_of_scipy(x64, bw_method):
    matrix = np.asarray(objectives.fcd(20, 10)(series()))
    grid = np.linspace(-0.99, 0.99, 100)
    values = matrix[np.triu_indices(matrix.shape[0], 1)]
    known = stats.gaussian_kde(values, bw_method)(grid)
    raw = objectives.fcd_distribution(matrix, bw_method=bw_method, normalize=False)
    assert np.allclose(raw, known, rtol=1e-9)
    density = objectives.fcd_distribution(matrix, bw_method=bw_method)
    assert np.allclose(density, known / (known.sum() * (grid[1] - grid[0])), rtol=1e-9)


def test_fcd_distribution_of_equal_values_is_a_narrow_peak():
    density = objectives.fcd_distribution(jnp.full((6, 6), 0.5))
    assert np.all(np.isfinite(density))
    assert abs(np.linspace(-0.99, 0.99, 100)[np.argmax(density)] - 0.5) < 0.02


def test_ks_distance_of_disjoint_densities_is_one():
    assert float(objectives.ks_distance([2.0, 0.0, 0.0], [0.0, 0.0, 5.0])) == 1.0
    assert float(objectives.ks_distance([1.0, 2.0], [2.0, 4.0])) < 1e-7


def test_wasserstein_of_a_shift_is_the_shift_with_its_unit():
    x = np.linspace(0.0, 9.0, 10)
    p, q = np.eye(10)[2], np.eye(10)[6]
    assert np.isclose(objectives.wasserstein_1d(p, q, x), 4.0)
    assert objectives.wasserstein_1d(p, q, x * u.ms).unit == u.ms


def test_fcd_distances_compose_the_densities(x64):
    x, y = series(0), series(1, time=200)
    p, q = (objectives.fcd_distribution(objectives.fcd(20, 10)(s)) for s in (x, y))
    grid = np.linspace(-0.99, 0.99, 100)
    assert np.isclose(objectives.fcd_ks(20, 10)(x, y), objectives.ks_distance(p, q))
    known = objectives.wasserstein_1d(p, q, grid)
    assert np.isclose(objectives.fcd_wasserstein(20, 10)(x, y), known)
    matrix = objectives.fcd(20, 10)(y)
    for given in (None, True):
        loss = objectives.fcd_wasserstein(20, 10, target_is_fcd=given)
        assert np.isclose(loss(x, matrix), known)
        assert np.isclose(jax.jit(loss)(x, matrix), known)
    short = objectives.fcd(20, 10)(series(1))
    assert np.isclose(objectives.fcd(20, 10)(x, short), objectives.fcd(20, 10)(x, series(1)))


def test_a_large_square_fcd_matrix_is_told_from_a_series_when_traced(x64):
    x, y = series(0, time=200), series(1, time=420)
    matrix = objectives.fcd(20, 10)(y)
    assert matrix.shape == (41, 41)  # long enough to be a series with three windows
    loss = objectives.fcd_ks(20, 10)
    assert np.isclose(jax.jit(loss)(x, matrix), loss(x, y))


def test_windows_may_be_times():
    x, y = series(0), series(1)
    loss = objectives.fcd_ks(40 * u.second, 20 * u.second, dt=2 * u.second)
    assert float(loss(x, y)) == float(objectives.fcd_ks(20, 10)(x, y))


# -- spectra and synchrony -------------------------------------------------------------------


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


# -- gradients -------------------------------------------------------------------------------


def test_gradient_equals_finite_difference_in_double_precision(x64, objective, gradient):
    x, y = series(0, time=60, region=4), series(1, time=60, region=4)
    assert np.allclose(
        gradient(x, y)[1], finite_difference(lambda v: objective(v, y), x), atol=2e-7
    )


@pytest.mark.parametrize("where", ["same", "zeros", "constant", "silent region", "zero target"])
def test_gradients_are_finite_where_the_naive_formula_is_not(gradient, where):
    x, y = (jnp.asarray(series(s, time=80), dtype=jnp.float32) for s in (0, 1))
    x, y = {
        "same": (y, y),
        "zeros": (0 * x, y),
        "constant": (0 * x + 0.1, y),
        "silent region": (x.at[:, 1].set(0.1), y),
        "zero target": (x, 0 * y),
    }[where]
    value, slope = gradient(x, y)
    assert np.isfinite(value)
    assert np.all(np.isfinite(slope))


def test_a_diverged_prediction_is_not_hidden(objective):
    x = jnp.asarray(series(0, time=80)).at[3, 1].set(jnp.nan)
    assert np.isnan(objective(x, jnp.asarray(series(1, time=80))))


# -- transformations and precision -----------------------------------------------------------


def test_jit_and_vmap_equal_the_plain_call(x64, objective):
    xs = np.stack([series(s, time=80) for s in range(3)])
    y = series(7, time=80)
    plain = [float(objective(x, y)) for x in xs]
    assert np.allclose([float(jax.jit(objective)(x, y)) for x in xs], plain, atol=1e-13)
    assert np.allclose(jax.vmap(objective, in_axes=(0, None))(xs, y), plain, atol=1e-13)


def test_double_precision_is_kept(x64, objective):
    x, y = series(0, time=80), series(1, time=80)
    assert objective(x, y).dtype == jnp.float64
    assert objective(x.astype(np.float32), y.astype(np.float32)).dtype == jnp.float32


def test_integers_are_accepted():
    loss = objectives.timeseries_rmse()
    assert float(loss(np.array([1, 2]), np.array([1, 4]))) == pytest.approx(np.sqrt(2))


# -- combine ---------------------------------------------------------------------------------


def test_combine_is_the_weighted_sum_of_its_named_parts():
    x, y = jnp.asarray(series(0)), jnp.asarray(series(1))
    rmse, fc = objectives.timeseries_rmse(), objectives.fc_rmse()
    loss = objectives.combine((1.0, rmse), (0.5, fc), names=["signal", "fc"])
    parts = loss.parts(x, y)
    assert list(parts) == ["signal", "fc"]
    assert float(parts["fc"]) == pytest.approx(0.5 * float(fc(x, y)))
    assert float(loss(x, y)) == pytest.approx(float(rmse(x, y)) + 0.5 * float(fc(x, y)))


def test_combine_takes_terms_by_name_and_a_target_for_each():
    x, y = jnp.asarray(series(0)), jnp.asarray(series(1))
    fc = objectives.functional_connectivity(y)
    loss = objectives.combine(signal=(1.0, objectives.timeseries_rmse()), fc=(2.0, FC_RMSE))
    parts = loss.parts(x, {"signal": y, "fc": fc})
    assert list(parts) == ["signal", "fc"]
    assert np.isclose(loss(x, {"signal": y, "fc": fc}), loss(x, y), rtol=1e-5)


def test_combine_of_nothing_is_zero():
    assert objectives.combine()(jnp.ones(3)) == 0.0


def test_combine_numbers_objectives_of_the_same_name():
    one = objectives.fc_corr(as_loss=True)
    assert objectives.combine((1, one), (2, one)).names == ("fc_corr_1", "fc_corr_2")


def test_combine_without_target_calls_with_the_prediction_alone():
    loss = objectives.combine((2.0, lambda x: jnp.sum(x)))
    assert float(loss(jnp.ones(3))) == 6.0


def test_combine_brings_units_together_through_its_weights():
    x, y = jnp.asarray(series(0)) * u.mV, jnp.asarray(series(1)) * u.mV
    rmse, fc = objectives.timeseries_rmse(), objectives.fc_rmse()
    with pytest.raises(UnitError, match=r"combine: .*same unit.*mV.*Give the weights units"):
        objectives.combine((1.0, rmse), (1.0, fc))(x, y)
    loss = objectives.combine((1 / (5 * u.mV), rmse), (1.0, fc))(x, y)
    assert u.get_unit(loss).is_unitless


# -- refusals --------------------------------------------------------------------------------


def test_mismatched_shapes_are_refused_rather_than_broadcast():
    for make in (objectives.timeseries_rmse, objectives.cosine_sim):
        with pytest.raises(ValueError, match=r"same shape; got \(3, 2\) and \(3, 1\)"):
            make()(jnp.ones((3, 2)), jnp.ones((3, 1)))


def test_mismatched_units_are_refused():
    with pytest.raises(UnitError, match=r"timeseries_rmse: .*\[mV\] and \[ms\]"):
        objectives.timeseries_rmse()(jnp.ones(3) * u.mV, jnp.ones(3) * u.ms)
    with pytest.raises(UnitError, match=r"\[mV\] and \[1\]"):
        objectives.timeseries_rmse()(jnp.ones(3) * u.mV, jnp.ones(3))


def test_too_few_regions_are_refused():
    with pytest.raises(ValueError, match=r"fc_corr: .*at least 3 regions; got 2"):
        objectives.fc_corr()(jnp.ones((9, 2)), jnp.ones((9, 2)))
    with pytest.raises(ValueError, match=r"fcd_ks: .*at least 3 regions; got 1"):
        objectives.fcd_ks(4, 2)(jnp.ones((9, 1)), jnp.ones((9, 1)))


def test_different_numbers_of_regions_are_refused():
    with pytest.raises(ValueError, match="equally many regions; got 5 and 4"):
        objectives.fc_corr()(series(), series(region=4))


def test_a_series_without_a_region_axis_is_refused():
    with pytest.raises(ValueError, match=r"\(time, region\).*got shape \(9,\)"):
        objectives.fc_rmse()(jnp.ones(9), jnp.ones((9, 3)))


def test_a_series_passed_as_an_fc_is_refused():
    with pytest.raises(ValueError, match=r"must be a square matrix; got shape \(120, 5\)"):
        objectives.fc_corr(target_is_fc=True)(series(), series())


def test_an_fc_matrix_with_a_unit_is_refused():
    with pytest.raises(UnitError, match=r"fc_rmse: the target must be dimensionless.*got \[mV\]"):
        objectives.fc_rmse(target_is_fc=True)(series(), jnp.eye(5) * u.mV)


def test_a_series_too_short_for_its_windows_is_refused():
    with pytest.raises(ValueError, match=r"at least 3 windows of 30.*got 30 samples, which hold 1"):
        objectives.fcd_wasserstein()(series(time=30), series())
    with pytest.raises(ValueError, match=r"the target must hold.*got 10 samples, which hold 0"):
        objectives.fcd_ks()(series(), series(time=10))


def test_different_numbers_of_windows_are_refused():
    with pytest.raises(ValueError, match="equally many windows"):
        objectives.fcd()(series(time=100), series(time=120))


def test_a_bad_window_is_refused():
    for arguments in ((1, 5), (30, 0), (30.0, 5), (True, 5)):
        with pytest.raises(ValueError, match=r"fcd: (window|step)_size must be a whole number"):
            objectives.fcd(*arguments)


def test_a_bad_bandwidth_or_matrix_or_grid_is_refused():
    matrix = jnp.eye(5)
    with pytest.raises(ValueError, match="bw_method must be 'scott'"):
        objectives.fcd_distribution(matrix, bw_method="wide")
    with pytest.raises(ValueError, match=r"square.*got shape \(5, 4\)"):
        objectives.fcd_distribution(matrix[:, :4])
    with pytest.raises(ValueError, match="at least 2 values; got 1 from 5"):
        objectives.fcd_distribution(matrix, n_diag=4)
    with pytest.raises(ValueError, match="midpoints must be a 1-D grid"):
        objectives.fcd_distribution(matrix, midpoints=[0.0])


def test_densities_on_different_grids_are_refused():
    with pytest.raises(ValueError, match=r"ks_distance: .*shapes \(2,\) and \(3,\)"):
        objectives.ks_distance([1.0, 0.0], [1.0, 0.0, 0.0])
    with pytest.raises(ValueError, match="wasserstein_1d: x must be the grid"):
        objectives.wasserstein_1d([1.0, 0.0], [0.0, 1.0], [0.0, 0.5, 1.0])


def test_complex_data_are_refused():
    with pytest.raises(TypeError, match="must be real; got complex64"):
        objectives.timeseries_rmse()(jnp.ones(3, dtype=jnp.complex64), jnp.ones(3))


def test_a_target_with_nan_is_refused(objective):
    y = series()
    y[3, 1] = np.nan
    with pytest.raises(ValueError, match=r"the target must be finite; got nan at index \(3, 1\)"):
        objective(series(), y)


def test_targets_that_are_no_spectrum_no_power_and_no_frequency_are_refused():
    x = series()
    psd, bands = objectives.psd_distance(MS), objectives.band_power_distance(MS, BANDS)
    f, p = analysis.psd(x, MS)
    with pytest.raises(UnitError, match=r"psd_distance: .*same unit; got \[mV\^2 / Hz\]"):
        psd(x * u.mV, (f, p))
    with pytest.raises(ValueError, match=r"shapes \(frequency,\) and \(frequency, region\)"):
        psd(x, (f, p[:, 0]))
    with pytest.raises(UnitError, match="frequencies of the target must be frequencies"):
        psd(x, (f.mantissa, p))
    with pytest.raises(ValueError, match="powers as target must be given for 'low', 'high'"):
        bands(x, {"low": np.ones(5)})
    with pytest.raises(ValueError, match=r"same shape; got \(2, 5\) and \(2, 3\)"):
        bands(x, {"low": np.ones(3), "high": np.ones(3)})
    with pytest.raises(UnitError, match=r"peak_frequency_distance: .*same unit; got \[Hz\]"):
        objectives.peak_frequency_distance(MS)(x, 10.0)
    with pytest.raises(UnitError, match="metastability_distance: .*dimensionless"):
        objectives.metastability_distance()(x, 0.1 * u.mV)


def test_bad_weights_are_refused():
    for weight in ("1", True, np.ones(2)):
        with pytest.raises(TypeError, match="a weight must be one number"):
            objectives.combine((weight, FC_RMSE))
    with pytest.raises(ValueError, match="a weight must be finite; got nan"):
        objectives.combine((np.nan, FC_RMSE))


def test_malformed_terms_and_names_of_combine_are_refused():
    with pytest.raises(TypeError, match=r"pair \(weight, objective\)"):
        objectives.combine(objectives.fc_corr())
    with pytest.raises(ValueError, match="1 different names"):
        objectives.combine((1.0, objectives.fc_corr()), names=["a", "b"])
