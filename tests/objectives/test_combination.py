"""Objectives that are sums of others."""

import brainunit as u
import jax.numpy as jnp
import numpy as np
import pytest
from objective_cases import FC_RMSE, series

from brainmass import objectives
from brainmass._errors import UnitError


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
