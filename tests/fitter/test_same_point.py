"""Loss, parameters and prediction belong to one point; gradients are right."""

import braintools
import brainunit as u
import jax.numpy as jnp
import numpy as np
import pytest
from brainstate.nn import Param
from fitter_models import Gain, adam, mean_output, parabola

import brainmass
from brainmass import Fitter, objectives


def test_toy_fit_of_the_key_concepts_ends_at_its_target():
    fitter = Fitter(Gain(), adam(), predict=mean_output, objective=objectives.timeseries_rmse())
    result = fitter.fit(target=jnp.asarray(2.0), n_steps=60)
    start = "FitResult(backend='grad', best_loss="
    assert repr(result).startswith(start)
    assert repr(result).endswith(", n_steps=60, params=[gain])")
    assert f"{float(result.best_params['gain']):.3f}" == "2.000"
    assert result.best_loss < 1e-4


def test_best_parameters_loss_and_prediction_are_of_one_point():
    seen = []
    optimizer = braintools.optim.SGD(lr=1.5)  # p -> 3 (2 - p) + ...: away from the minimum
    fitter = Fitter(Gain(), optimizer, loss_fn=parabola, callbacks=lambda r: seen.append(r) or None)
    result = fitter.fit(n_steps=3)
    assert result.best_loss == 4.0
    assert float(result.best_params["gain"]) == 0.0
    assert [r["loss"] for r in seen] == [4.0, 16.0, 64.0]
    for report in seen:
        assert (float(report["params"]["gain"]) - 2.0) ** 2 == report["loss"]


def test_loss_evaluated_again_at_the_best_point_is_the_best_loss():
    fitter = Fitter(Gain(), adam(0.7), predict=mean_output)
    result = fitter.fit(jnp.asarray(2.0), n_steps=20)
    assert fitter.evaluate().loss == result.best_loss
    assert fitter.evaluate(result.best_params).loss == result.best_loss
    assert float(fitter.evaluate().prediction) == float(result.prediction)
    assert abs(float(result.prediction) - 2.0) == pytest.approx(result.best_loss, abs=1e-6)
    assert fitter.evaluate(gain=5.0).loss == pytest.approx(3.0)


def test_model_is_left_at_the_best_point():
    model = Gain()
    result = Fitter(model, adam(0.7), predict=mean_output).fit(jnp.asarray(2.0), n_steps=20)
    assert float(model.gain.value()) == float(result.best_params["gain"])


def test_history_holds_the_loss_before_each_step_and_columns():
    result = Fitter(Gain(), adam(), loss_fn=parabola).fit(n_steps=5)
    assert len(result.history) == 5
    assert result.history[0] == 4.0
    assert isinstance(result.history, list)
    assert np.allclose((result.history["gain"] - 2) ** 2, result.history["loss"])
    assert np.array_equal(result.history["step"], np.arange(5))
    assert np.all(np.diff(result.history["best_loss"]) <= 0)
    assert result.history["gradient_norm"][0] == 4.0
    assert np.asarray(result.history).shape == (5,)
    with pytest.raises(KeyError, match="column must be one of 'step'"):
        result.history["speed"]


def test_gradient_matches_a_finite_difference_through_a_simulation(x64):
    def predict(model):
        run = brainmass.Simulator(model, dt=0.1 * u.ms).run(20 * u.ms, monitors="x")
        return run["x"]

    data = predict(brainmass.HopfStep(1, a=0.3, w=0.5, init_x=0.2))
    node = brainmass.HopfStep(1, a=Param(0.1, fit=True), w=0.4, init_x=0.2)
    fitter = Fitter(node, braintools.optim.SGD(lr=1e-3), predict=predict)
    fitter.start(data, n_steps=10)
    report = fitter.step()
    slope = (fitter.evaluate(a=0.1 + 1e-5).loss - fitter.evaluate(a=0.1 - 1e-5).loss) / 2e-5
    width = 2.0  # the declared range of a is -1 to 1
    assert report["gradient_norm"] == pytest.approx(abs(slope) * width, rel=1e-6)


def test_gradient_through_a_delayed_network_matches_a_finite_difference(x64):
    conn = brainmass.datasets.load_dataset("example_connectome")
    net = brainmass.Network(
        brainmass.HopfStep(8, a=0.1, w=np.linspace(0.2, 0.3, 8), init_x=0.1),
        conn=conn, speed=5 * u.mm / u.ms, coupling="diffusive", coupled_var="x",
        k=Param(0.1, fit=True),
    )  # fmt: skip

    def predict(model):
        run = brainmass.Simulator(model, dt=0.5 * u.ms).run(
            80 * u.ms, monitors=lambda m: m.node.x.value
        )
        return run["output"]

    fitter = Fitter(net, braintools.optim.SGD(lr=0.0), predict=predict)
    fitter.start(np.ones((160, 8)), n_steps=1)
    (name,) = fitter.params
    norm = fitter.step()["gradient_norm"]
    up, down = (fitter.evaluate({name: 0.1 + step}).loss for step in (1e-5, -1e-5))
    assert norm > 1e-3
    assert norm == pytest.approx(abs(up - down) / 2e-5, rel=1e-5)
