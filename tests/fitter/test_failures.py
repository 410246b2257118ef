"""Losses that are not finite, errors of the user, Ctrl-C."""

import braintools
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from fitter_models import Gain, adam, parabola

from brainmass import Fitter


def test_a_nan_loss_is_survived_and_reported_once():
    def loss(model):
        p = model.gain.value()
        return jnp.where(p > 1.0, jnp.nan, (p - 1.2) ** 2)

    fitter = Fitter(Gain(), adam(0.4), loss_fn=loss)
    with pytest.warns(RuntimeWarning, match="the loss was NaN or infinite at step 3") as caught:
        result = fitter.fit(n_steps=100)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert result.n_failed > 0
    assert np.isnan(result.history["loss"]).any()
    assert np.isfinite(result.best_loss)
    assert 0.8 < float(fitter.model.gain.value()) <= 1.0


def test_a_nan_gradient_at_a_finite_loss_is_survived():
    def loss(model):
        p = model.gain.value()
        return jnp.sqrt((p - 1.0) ** 2)  # no gradient at p = 1

    fitter = Fitter(Gain(), braintools.optim.SGD(lr=0.5), loss_fn=loss)
    with pytest.warns(RuntimeWarning, match="the gradient was NaN"):
        result = fitter.fit(n_steps=10)
    assert result.best_loss == 0.0
    assert float(result.best_params["gain"]) == 1.0


def test_a_fit_that_starts_at_nan_ends_at_once_and_says_so():
    fitter = Fitter(Gain(), adam(), loss_fn=lambda m: m.gain.value() * jnp.nan)
    with pytest.warns(RuntimeWarning, match="start elsewhere"):
        result = fitter.fit(n_steps=50)
    assert result.n_steps == 1
    assert np.isnan(result.best_loss)
    assert float(result.best_params["gain"]) == 0.0
    assert float(fitter.model.gain.value()) == 0.0
    assert "no point" in result.message


def test_an_optimiser_that_steps_to_nan_is_survived():
    def update(gradient, state, params=None):
        bad = jnp.where(state == 2, jnp.nan, -0.1)
        return jax.tree.map(lambda g: bad * g, gradient), state + 1

    optimizer = optax.GradientTransformation(lambda params: jnp.zeros((), jnp.int32), update)
    result = Fitter(Gain(), optimizer, loss_fn=parabola).fit(n_steps=60)
    assert np.all(np.isfinite(result.history["loss"]))
    assert result.best_loss < 1e-3


def test_an_error_in_a_callback_ends_the_fit_with_the_model_at_the_best_point():
    def fail(report):
        if report["step"] == 3:
            raise RuntimeError("my own mistake")

    fitter = Fitter(Gain(), adam(), loss_fn=parabola, callbacks=fail)
    with pytest.raises(RuntimeError, match="my own mistake"):
        fitter.fit(n_steps=50)
    assert fitter.status == "interrupted"
    assert float(fitter.model.gain.value()) == pytest.approx(0.6, abs=0.01)
    assert fitter.result().n_steps == 4


def test_ctrl_c_before_the_first_step_is_done_is_passed_on():
    def interrupt(model):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Fitter(Gain(), adam(), loss_fn=interrupt).fit(n_steps=3)
