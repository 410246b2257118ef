"""Parts of the loss, dicts, transients, units of the loss."""

import brainstate
import brainunit as u
import jax.numpy as jnp
import numpy as np
import pytest
from brainstate.nn import L2Reg, Param
from fitter_models import Gain, adam, parabola

import brainmass
from brainmass import Fitter, objectives


def series_model():
    class Series(brainstate.nn.Module):
        def __init__(self):
            super().__init__()
            self.p = Param(jnp.ones(3), reg=L2Reg(weight=0.1))
            self.basis = jnp.asarray(np.random.default_rng(0).normal(size=(50, 3, 4)))

        def series(self):
            return jnp.einsum("tkn,k->tn", self.basis, self.p.value())

    return Series()


def test_named_parts_and_regularisation_are_reported():
    data = np.random.default_rng(1).normal(size=(50, 4))
    objective = objectives.combine(
        (1.0, objectives.timeseries_rmse()),
        (0.5, objectives.fc_corr(as_loss=True)),
        names=["signal", "fc"],
    )
    fitter = Fitter(series_model(), adam(0.05), predict=lambda m: m.series(), objective=objective)
    result = fitter.fit(data, n_steps=5)
    assert list(result.parts) == ["signal", "fc", "regularization"]
    assert sum(result.parts.values()) == pytest.approx(result.best_loss, rel=1e-5)
    assert result.history["fc"].shape == (5,)
    penalty = float(result.model.reg_loss())
    assert result.parts["regularization"] == pytest.approx(penalty)


def test_predictions_and_objectives_may_be_dicts():
    def predict(model):
        return {"a": model.series(), "b": jnp.mean(model.series(), axis=0)}

    target = {"a": np.zeros((50, 4)), "b": np.ones(4)}
    rmse = objectives.timeseries_rmse()
    fitter = Fitter(series_model(), adam(), predict=predict, objective={"a": rmse, "b": rmse})
    result = fitter.fit(target, n_steps=3)
    assert list(result.parts) == ["a", "b", "regularization"]
    assert set(result.prediction) == {"a", "b"}


def test_the_single_series_of_a_simulation_result_meets_the_objective():
    node = brainmass.HopfStep(1, a=Param(0.1, fit=True), init_x=0.2)
    simulate = lambda m: brainmass.Simulator(m, dt=0.1 * u.ms).run(2 * u.ms, monitors="x")  # noqa: E731
    fitter = Fitter(node, predict=simulate)
    result = fitter.fit(np.ones((20, 1)), n_steps=2)
    assert set(result.prediction) == {"x", "ts"}
    assert result.prediction["ts"].unit == u.ms


def test_transient_is_dropped_by_samples_or_by_time():
    node = brainmass.HopfStep(1, a=Param(0.1, fit=True), init_x=0.2)
    simulate = lambda m: brainmass.Simulator(m, dt=0.1 * u.ms).run(2 * u.ms, monitors="x")  # noqa: E731
    for transient in (5, 0.5 * u.ms):
        fitter = Fitter(node, predict=simulate, transient=transient)
        result = fitter.fit(np.ones((15, 1)), n_steps=1)
        assert result.prediction["x"].shape == (15, 1)
    only_x = lambda m: simulate(m)["x"]  # noqa: E731
    with pytest.raises(ValueError, match="needs the sampling interval"):
        Fitter(node, predict=only_x, transient=0.5 * u.ms).fit(np.ones((15, 1)))
    with brainstate.environ.context(dt=0.1 * u.ms):
        Fitter(node, predict=only_x, transient=0.5 * u.ms).fit(np.ones((15, 1)), n_steps=1)
    with pytest.raises(ValueError, match="transient must be shorter than the prediction of 20"):
        Fitter(node, predict=simulate, transient=20).fit(np.ones((15, 1)))


def test_loss_fn_may_return_a_scalar_or_a_pair_and_may_take_the_target():
    scalar = Fitter(Gain(), adam(), loss_fn=parabola).fit(n_steps=3)
    pair = Fitter(Gain(), adam(), loss_fn=lambda m: (parabola(m), {"seven": 7})).fit(n_steps=3)
    assert scalar.history[:] == pair.history[:]
    assert scalar.aux is None
    assert pair.aux["seven"] == 7
    assert pair.prediction is None

    def with_target(model, target):
        return (model.gain.value() - target) ** 2

    assert Fitter(Gain(), adam(), loss_fn=with_target).fit(2.0, n_steps=3).best_loss == (
        scalar.best_loss
    )


def test_a_loss_with_a_unit_is_a_number_in_that_unit():
    fitter = Fitter(Gain(), adam(), loss_fn=lambda m: parabola(m) * u.mV)
    result = fitter.fit(n_steps=2)
    assert result.loss_unit == u.mV
    assert result.history[0] == 4.0
    assert "mV, n_steps" in repr(result)
