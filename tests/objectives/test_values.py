"""Objectives of series and matrices give the known numbers."""

import brainunit as u
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from objective_cases import series
from scipy import stats

from brainmass import objectives


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
