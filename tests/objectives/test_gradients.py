"""Gradients of objectives, and what transformations and precision do to them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from objective_cases import finite_difference, series

from brainmass import objectives


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
