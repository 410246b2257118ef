"""What objectives refuse, and in which words."""

import brainunit as u
import jax.numpy as jnp
import numpy as np
import pytest
from objective_cases import BANDS, FC_RMSE, MS, series

from brainmass import analysis, objectives
from brainmass._errors import UnitError


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
