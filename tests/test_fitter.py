"""The fitter: same point, units, failures, the loop in pieces, no recompilation; all backends."""

import threading
import time

import brainstate
import braintools
import brainunit as u
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from brainstate.nn import ExpT, IdentityT, L2Reg, Param, SigmoidT

import brainmass
from brainmass import Fitter, objectives
from brainmass._errors import UnitError


class Gain(brainstate.nn.Module):
    """The toy model of the Key Concepts: its parameter is its output."""

    def __init__(self, value=0.0, **options):
        super().__init__()
        self.gain = Param(value, fit=True, **options)

    def update(self):
        return self.gain.value()


def mean_output(model):
    simulator = brainmass.Simulator(model, dt=0.1 * u.ms)
    return jnp.mean(simulator.run(1.0 * u.ms, monitors=None)["output"])


def parabola(model):
    return (model.gain.value() - 2.0) ** 2


def adam(lr=0.2):
    return braintools.optim.Adam(lr=lr)


# -- the same point --------------------------------------------------------------------------


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


# -- what can be fitted ----------------------------------------------------------------------


@pytest.mark.parametrize("unit", [u.mV, u.volt, u.uvolt], ids=str)
def test_fit_is_the_same_in_any_unit(x64, unit):
    class Cell(brainstate.nn.Module):
        def __init__(self):
            super().__init__()
            self.v = Param((3.0 * u.mV).in_unit(unit), fit=True)

    fitter = Fitter(Cell(), adam(0.05), predict=lambda m: m.v.value())
    result = fitter.fit(5.0 * u.mV, n_steps=30)
    assert result.best_params["v"].unit == unit
    known = [2.0, 1.85, 1.7]  # each step of Adam moves by 0.05 of the initial 3 mV
    losses = u.Quantity(np.asarray(result.history[:3]), unit=result.loss_unit)
    assert np.allclose(losses.to_decimal(u.mV), known, rtol=1e-6)
    assert f"{losses.unit}" in repr(result)


def test_declared_parameters_move_in_widths_of_their_range(x64):
    class Pair(brainstate.nn.Module):
        def __init__(self, gain):
            super().__init__()
            self.node = brainmass.JansenRitStep(1, Ae=Param(gain, fit=True))

    for gain in (3.25 * u.mV, 3.25e-3 * u.volt):
        fitter = Fitter(Pair(gain), adam(0.01), predict=lambda m: m.node.Ae.value())
        result = fitter.fit(5.0 * u.mV, n_steps=2)
        first, second = result.history["node.Ae"].to_decimal(u.mV)
        low, high = result.model.node.Ae.spec.bounds
        assert second - first == pytest.approx(0.01 * (high - low), rel=1e-5)


def test_declared_domains_are_kept():
    node = brainmass.VanDerPolStep(1, mu=Param(0.05, fit=True))
    fitter = Fitter(node, adam(0.5), loss_fn=lambda m: jnp.sum(m.mu.value()))
    result = fitter.fit(n_steps=5)
    assert 0 < float(result.best_params["mu"]) < 1e-4


def test_transforms_are_optimised_in_their_own_space():
    model = Gain(0.5, t=SigmoidT(0.0, 1.0))
    result = Fitter(model, adam(), loss_fn=parabola).fit(n_steps=100)
    assert 0.99 < float(result.best_params["gain"]) < 1.0


def test_transform_with_units():
    class Cell(brainstate.nn.Module):
        def __init__(self):
            super().__init__()
            self.tau = Param(10.0 * u.ms, t=ExpT(0.0 * u.ms), fit=True)

    result = Fitter(Cell(), adam(0.1), predict=lambda m: m.tau.value()).fit(20.0 * u.ms, n_steps=60)
    assert abs(result.best_params["tau"] - 20.0 * u.ms) < 0.1 * u.ms


def test_linear_layers_are_fitted():
    class Readout(brainstate.nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = brainstate.nn.Linear(3, 1)

    brainstate.random.seed(0)
    x = jnp.asarray(np.random.default_rng(0).normal(size=(40, 3)), dtype=jnp.float32)
    y = x @ jnp.array([[1.0], [-2.0], [0.5]]) + 0.3
    fitter = Fitter(Readout(), adam(0.05), predict=lambda m: m.layer(x))
    result = fitter.fit(y, n_steps=300)
    assert list(result.best_params) == ["layer.weight"]
    weights = result.best_params["layer.weight"]
    assert np.allclose(weights["weight"].ravel(), [1.0, -2.0, 0.5], atol=0.02)
    assert np.allclose(weights["bias"], 0.3, atol=0.02)
    assert fitter.evaluate(result.best_params).loss == result.best_loss


def test_arrays_and_several_parameters_are_fitted_together():
    class Many(brainstate.nn.Module):
        def __init__(self):
            super().__init__()
            self.parts = [Param(jnp.zeros(3)), Param(1.0)]
            self.fixed = Param(4.0, fit=False)

    model = Many()
    fitter = Fitter(
        model,
        adam(),
        predict=lambda m: m.parts[0].value() * m.fixed.value() + m.parts[1].value(),
    )
    assert fitter.params == ["parts.0", "parts.1"]
    result = fitter.fit(jnp.array([1.0, 2.0, 3.0]), n_steps=100)
    assert result.best_loss < 0.02
    assert result.best_params["parts.0"].shape == (3,)
    assert float(model.fixed.value()) == 4.0


def test_parameters_of_a_delayed_noisy_network_are_fitted():
    conn = brainmass.datasets.load_dataset("example_connectome")

    def network(k):
        return brainmass.Network(
            brainmass.HopfStep(
                8, a=-0.1, w=np.linspace(0.2, 0.3, 8), init_x=0.1,
                noise_x=brainmass.OUProcess(8, sigma=0.02, tau=5 * u.ms),
            ),
            conn=conn.weights, distance=conn.distances, speed=10 * u.mm / u.ms,
            coupling="diffusive", coupled_var="x", k=k,
        )  # fmt: skip

    def predict(model):
        run = brainmass.Simulator(model, dt=0.2 * u.ms).run(
            100 * u.ms, monitors=lambda m: m.node.x.value, seed=3
        )
        return run["output"]

    data = predict(network(0.2))
    fitter = Fitter(network(Param(0.02, fit=True)), adam(0.01), predict=predict)
    result = fitter.fit(data, n_steps=60)
    (name,) = result.best_params
    assert float(result.best_params[name]) == pytest.approx(0.2, abs=0.01)


# -- objectives, targets ---------------------------------------------------------------------


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


# -- optimisers ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make",
    [
        lambda: None,
        lambda: braintools.optim.Adam(lr=0.05),
        lambda: braintools.optim.SGD(lr=0.1, momentum=0.5),
        lambda: braintools.optim.RMSprop(lr=0.05),
        lambda: braintools.optim.AdamW(lr=0.05, grad_clip_norm=1.0),
        lambda: braintools.optim.LBFGS(lr=1.0),
        lambda: optax.adam(0.05),
        lambda: optax.lbfgs(),
        lambda: optax.chain(optax.clip(1.0), optax.sgd(optax.cosine_decay_schedule(0.5, 100))),
    ],
)
def test_any_gradient_optimiser_reaches_the_minimum(make):
    result = Fitter(Gain(1.5), make(), loss_fn=parabola).fit(n_steps=100)
    assert result.best_loss < 1e-3


def test_an_optimiser_that_is_in_use_elsewhere_is_accepted_and_left_alone():
    optimizer = adam()
    other = Gain(7.0)
    optimizer.register_trainable_weights(other.states(brainstate.ParamState))
    before = jax.tree.leaves(optimizer.opt_state.value)
    fitter = Fitter(Gain(), optimizer, loss_fn=parabola)
    assert fitter.fit(n_steps=30).best_loss < 0.1
    assert fitter.optimizer is optimizer
    assert float(other.gain.value()) == 7.0
    after = jax.tree.leaves(optimizer.opt_state.value)
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))


def test_learning_rate_schedules_advance_with_the_steps_and_start_anew():
    schedule = braintools.optim.StepLR(base_lr=0.1, step_size=2, gamma=0.1)
    fitter = Fitter(Gain(), braintools.optim.SGD(lr=schedule), loss_fn=lambda m: m.gain.value())
    for _ in range(2):
        start = float(fitter.model.gain.value())
        result = fitter.fit(n_steps=5)
        steps = np.diff(result.history["gain"])
        assert np.allclose(steps, [-0.1, -0.1, -0.01, -0.01], atol=1e-6)
        assert result.history["gain"][0] == start


def test_a_schedule_is_left_where_the_user_has_it():
    schedule = braintools.optim.StepLR(base_lr=0.1, step_size=2, gamma=0.1)
    optimizer = braintools.optim.SGD(lr=schedule)
    fitter = Fitter(Gain(), optimizer, loss_fn=lambda m: m.gain.value())
    part = fitter.fit(n_steps=3)
    assert schedule.last_epoch.value == 0
    assert schedule.current_lrs.value == [0.1]
    other = Fitter(Gain(), optimizer, loss_fn=lambda m: m.gain.value()).fit(n_steps=3)
    assert other.history[:] == part.history[:]
    fitter.set(n_steps=5)
    steps = np.diff(fitter.resume().history["gain"])
    assert np.allclose(steps, [-0.1, -0.1, -0.01, -0.01], atol=1e-6)


def test_plateau_schedule_is_given_the_loss():
    schedule = braintools.optim.ReduceLROnPlateau(base_lr=0.1, factor=0.1, patience=2)
    loss = lambda m: 0.0 * m.gain.value() + 1.0  # noqa: E731
    fitter = Fitter(Gain(), braintools.optim.SGD(lr=schedule), loss_fn=loss)
    fitter.start(n_steps=20)
    rates = [fitter._search.rule.rates[0] for _ in range(8) if fitter.step()]
    assert rates[0] == pytest.approx(0.1)
    assert rates[-1] < 0.02


def test_other_optimisers_are_refused():
    for wrong in ("adam", {"method": "DE"}, 3.0, object()):
        with pytest.raises(TypeError, match=r"optimizer must be an optimiser of braintools\.optim"):
            Fitter(Gain(), wrong, loss_fn=parabola)


# -- noise -----------------------------------------------------------------------------------


def noisy_gain(model):
    return model.gain.value() + brainstate.random.normal(size=(3,))


def test_a_seed_makes_a_noisy_fit_reproducible():
    runs = [
        Fitter(Gain(), adam(), predict=noisy_gain).fit(jnp.zeros(3), n_steps=4, seed=seed)
        for seed in (1, 1, 2)
    ]
    assert runs[0].history[:] == runs[1].history[:]
    assert runs[0].history[:] != runs[2].history[:]
    assert runs[0].seed == 1


def test_without_seed_the_random_state_of_brainstate_is_used_and_moves_on():
    histories = []
    for _ in range(2):
        brainstate.random.seed(5)
        fitter = Fitter(Gain(), adam(0.0), predict=noisy_gain)
        histories.append([fitter.fit(jnp.zeros(3), n_steps=1).history[0] for _ in range(2)])
    assert histories[0] == histories[1]
    assert histories[0][0] != histories[0][1]


def test_noise_is_the_same_in_all_steps_unless_fresh_noise_is_asked_for():
    still = Fitter(Gain(), adam(0.0), predict=noisy_gain).fit(jnp.zeros(3), n_steps=4, seed=0)
    assert len(set(still.history)) == 1
    fitter = Fitter(Gain(), adam(0.0), predict=noisy_gain, fresh_noise=True)
    fresh = fitter.fit(jnp.zeros(3), n_steps=4, seed=0)
    assert len(set(fresh.history)) == 4
    assert fitter.evaluate().loss == fresh.best_loss == min(fresh.history)


def test_tracing_leaves_model_and_random_state_as_they_were():
    class Model(Gain):
        def __init__(self):
            super().__init__()
            self.fixed = Param(2.0, fit=False)
            self.h = brainstate.HiddenState(jnp.zeros(2))

    def loss(model):
        model.h.value = model.h.value + model.gain.value() * model.fixed.value()
        model.extra = brainstate.HiddenState(model.h.value)
        return jnp.sum((model.extra.value - 1.0) ** 2) + 0 * brainstate.random.normal()

    model = Model()
    key = brainstate.random.get_key()
    fitter = Fitter(model, adam(), loss_fn=loss)
    fitter.fit(n_steps=30, seed=1)
    assert float(model.gain.value()) == pytest.approx(0.5, abs=0.05)
    assert np.array_equal(model.h.value, np.zeros(2))
    assert not hasattr(model, "extra")
    assert not isinstance(model.fixed.value(), jax.core.Tracer)
    assert np.array_equal(
        jax.random.key_data(key), jax.random.key_data(brainstate.random.get_key())
    )


def test_an_error_inside_predict_leaves_the_model_usable():
    model = Gain(1.0)

    def predict(m):
        m.gain.value()
        raise RuntimeError("my own mistake")

    with pytest.raises(RuntimeError, match="my own mistake"):
        Fitter(model, predict=predict).fit(0.0)
    assert float(model.gain.value()) == 1.0
    assert float(brainstate.random.normal()) is not None


# -- failures --------------------------------------------------------------------------------


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


# -- callbacks, verbosity, interruption ------------------------------------------------------


def test_callbacks_see_the_point_of_the_loss_and_may_stop():
    seen = []

    def look(report):
        assert set(report) >= {"step", "loss", "best_loss", "model", "params", "prediction"}
        p = float(report["model"].gain.value())
        seen.append((report["step"], (p - 2.0) ** 2 - report["loss"]))

    result = Fitter(
        Gain(), adam(), loss_fn=parabola, callbacks=[look, lambda r: r["step"] == 4]
    ).fit(n_steps=50)
    assert [step for step, _ in seen] == [0, 1, 2, 3, 4]
    assert np.allclose([difference for _, difference in seen], 0.0, atol=1e-6)
    assert result.n_steps == 5
    assert not result.interrupted
    assert result.message == "a callback returned True"


def test_only_true_itself_stops():
    result = Fitter(Gain(), adam(), loss_fn=parabola, callbacks=lambda r: 1).fit(n_steps=3)
    assert result.n_steps == 3


def test_verbose_prints_about_ten_lines(capsys):
    Fitter(Gain(), adam(), loss_fn=parabola).fit(n_steps=50, verbose=True)
    lines = capsys.readouterr().out.splitlines()
    assert 10 <= len(lines) <= 12
    assert lines[0] == "step 1/50: loss 4, best 4"
    Fitter(Gain(), adam(), loss_fn=parabola).fit(n_steps=6, verbose=3)
    assert len(capsys.readouterr().out.splitlines()) == 3
    Fitter(Gain(), adam(), loss_fn=parabola).fit(n_steps=5)
    assert capsys.readouterr().out == ""


def test_interruption_returns_the_best_so_far_and_can_be_resumed():
    def interrupt(report):
        if report["step"] == 9 and len(calls) == 0:
            calls.append(1)
            raise KeyboardInterrupt

    calls = []
    fitter = Fitter(Gain(), adam(), loss_fn=parabola, callbacks=interrupt)
    part = fitter.fit(n_steps=30)
    assert part.interrupted
    assert part.n_steps == 10
    assert part.best_loss == min(part.history)
    assert "interrupted=True" in repr(part)
    assert float(fitter.model.gain.value()) == float(part.best_params["gain"])
    assert fitter.status == "interrupted"
    whole = fitter.resume()
    assert not whole.interrupted
    undisturbed = Fitter(Gain(), adam(), loss_fn=parabola).fit(n_steps=30)
    assert whole.history[:] == undisturbed.history[:]


# -- the loop in pieces ----------------------------------------------------------------------


def test_pieces_are_the_same_loop_as_fit():
    whole = Fitter(Gain(), adam(), loss_fn=parabola).fit(n_steps=20)
    fitter = Fitter(Gain(), adam(), loss_fn=parabola)
    assert fitter.status == "idle"
    fitter.start(n_steps=20)
    losses = [fitter.step()["loss"] for _ in range(5)]
    fitter.pause()
    assert fitter.status == "paused"
    result = fitter.resume()
    assert fitter.status == "finished"
    assert result.history[:] == whole.history[:]
    assert losses == whole.history[:5]


def test_set_moves_parameters_steps_and_rate():
    fitter = Fitter(Gain(), braintools.optim.SGD(lr=0.1), loss_fn=parabola)
    fitter.start(n_steps=4)
    fitter.step()
    fitter.set({"gain": 1.0}, n_steps=3, learning_rate=0.5)
    assert fitter.step()["loss"] == 1.0
    assert fitter.step()["loss"] == pytest.approx(0.0, abs=1e-12)
    assert fitter.status == "finished"
    fitter.set(n_steps=5, gain=0.0)
    assert fitter.resume().n_steps == 5


def test_learning_rate_of_an_injected_optax_transformation_can_be_set():
    make = optax.inject_hyperparams(optax.sgd)
    fitter = Fitter(Gain(), make(learning_rate=0.1), loss_fn=parabola)
    fitter.start(n_steps=4)
    fitter.set(learning_rate=0.5)
    fitter.step()
    assert fitter.step()["loss"] == pytest.approx(0.0, abs=1e-12)
    fitter = Fitter(Gain(), optax.sgd(0.1), loss_fn=parabola)
    fitter.start(n_steps=4)
    with pytest.raises(ValueError, match=r"learning_rate can be set for braintools"):
        fitter.set(learning_rate=0.5)


def test_set_refuses_unknown_names_units_shapes_and_values_out_of_range():
    class Cell(brainstate.nn.Module):
        def __init__(self):
            super().__init__()
            self.v = Param(jnp.ones(2) * u.mV)
            self.f = Param(0.5, t=SigmoidT(0.0, 1.0))

    fitter = Fitter(Cell(), loss_fn=lambda m: jnp.sum(m.v.value() / u.mV) + m.f.value())
    fitter.start(n_steps=2)
    with pytest.raises(ValueError, match="parameter must be one of 'f', 'v'; got 'w'"):
        fitter.set(w=1.0)
    with pytest.raises(UnitError, match=r"'v' must be in \[mV\]; got \[1\]"):
        fitter.set(v=1.0)
    with pytest.raises(ValueError, match=r"'v' must have shape \(2,\); got \(3,\)"):
        fitter.set(v=np.ones(3) * u.mV)
    fitter.set(v=0.002 * u.volt)
    assert fitter.step()["params"]["v"].to_decimal(u.mV) == pytest.approx([2.0, 2.0])


def test_a_loop_in_another_thread_is_paused_changed_resumed_and_stopped():
    results = []
    fitter = Fitter(Gain(), adam(1e-4), loss_fn=parabola)
    fitter.start(n_steps=10**7)
    thread = threading.Thread(target=lambda: results.append(fitter.resume()))
    thread.start()
    wait_for(lambda: fitter._done > 20)
    fitter.pause()
    wait_for(lambda: not fitter._lock._is_owned() and fitter.status == "paused")
    time.sleep(0.05)
    done = fitter._done
    time.sleep(0.1)
    assert fitter._done == done
    fitter.set(gain=1.9)
    assert fitter.resume() is None
    wait_for(lambda: fitter._done > done + 20)
    assert fitter.stop() is None
    thread.join(10)
    (result,) = results
    assert result.interrupted
    assert result.best_loss < 0.02


def wait_for(condition, timeout=20.0):
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_stop_without_a_loop_returns_the_best():
    fitter = Fitter(Gain(), adam(), loss_fn=parabola)
    fitter.start(n_steps=100)
    fitter.step()
    result = fitter.stop()
    assert result.interrupted
    assert result.message == "stopped after 1 of 100 steps"


# -- compilation -----------------------------------------------------------------------------


def test_steps_after_the_first_and_a_second_fit_compile_nothing(compile_count):
    node = brainmass.HopfStep(
        2, a=Param(0.1, fit=True), w=0.4, init_x=0.2,
        noise_x=brainmass.OUProcess(2, sigma=0.01, tau=5 * u.ms),
    )  # fmt: skip

    def predict(model):
        run = brainmass.Simulator(model, dt=0.1 * u.ms).run(5 * u.ms, monitors="x")
        return run["x"]

    fitter = Fitter(node, adam(0.01), predict=predict)
    fitter.start(np.zeros((50, 2)), n_steps=10)
    fitter.step()
    with compile_count:
        while fitter.status == "running":
            fitter.step()
        first = fitter.result()
    assert compile_count.n == 0
    node.w = 0.45  # a fixed parameter
    brainmass.Simulator(node, dt=0.1 * u.ms).run(1 * u.ms)  # leaves states in the model
    with compile_count:
        second = fitter.fit(np.ones((50, 2)), n_steps=10)
    assert compile_count.n == 0
    assert second.history[0] != first.history[0]


def test_a_changed_fixed_parameter_state_or_attribute_is_seen():
    class Model(Gain):
        def __init__(self):
            super().__init__()
            self.fixed = Param(1.0, fit=False)
            self.h = brainstate.HiddenState(jnp.asarray(1.0))
            self.plain = 1.0
            self.array = np.ones(2)

    def loss(m):
        factor = m.fixed.value() * m.h.value * m.plain * jnp.sum(m.array)
        return (m.gain.value() + 1.0) ** 2 * factor

    model = Model()
    fitter = Fitter(model, adam(0.0), loss_fn=loss)
    assert fitter.fit(n_steps=1).best_loss == 2.0
    model.fixed.set_value(2.0)
    assert fitter.fit(n_steps=1).best_loss == 4.0
    model.h.value = jnp.asarray(2.0)
    assert fitter.fit(n_steps=1).best_loss == 8.0
    model.plain = 2.0
    assert fitter.fit(n_steps=1).best_loss == 16.0
    model.array = np.ones(4)
    assert fitter.fit(n_steps=1).best_loss == 32.0


def test_a_second_fit_continues_from_the_best_point_with_a_fresh_optimiser():
    fitter = Fitter(Gain(), adam(0.1), loss_fn=parabola)
    first = fitter.fit(n_steps=5)
    second = fitter.fit(n_steps=2)
    assert second.history[0] == pytest.approx(first.best_loss)
    assert second.history["gain"][1] - second.history["gain"][0] == pytest.approx(0.1, rel=1e-4)


def test_another_shape_of_target_compiles_anew_and_works():
    class Series(Gain):
        pass

    fitter = Fitter(Series(), adam(), loss_fn=lambda m, y: jnp.mean((m.gain.value() - y) ** 2))
    assert fitter.fit(jnp.ones(3), n_steps=40).best_loss < 0.05
    assert fitter.fit(2.0 * jnp.ones(5), n_steps=40).best_loss < 0.05
    assert fitter.fit(1.0, n_steps=40).best_loss < 0.05


# -- refusals --------------------------------------------------------------------------------


def test_a_model_without_trainable_parameters_is_refused():
    with pytest.raises(ValueError, match=r"at least one trainable parameter; got none"):
        Fitter(brainmass.HopfStep(1), loss_fn=lambda m: 0.0)


def test_integer_parameters_are_refused():
    class Model(brainstate.nn.Module):
        def __init__(self):
            super().__init__()
            self.n = brainstate.ParamState(jnp.arange(3))

    with pytest.raises(TypeError, match="'n' must hold real floating-point"):
        Fitter(Model(), loss_fn=lambda m: 0.0)


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({}, ValueError, r"exactly one of predict and loss_fn must be given; got neither"),
        ({"predict": mean_output, "loss_fn": parabola}, ValueError, "got both"),
        ({"loss_fn": parabola, "backend": "sgd"}, ValueError, r"'grad', 'nevergrad', 'scipy'"),
        ({"loss_fn": 3}, TypeError, "loss_fn must be a function of the model; got 3"),
        ({"loss_fn": parabola, "transient": 3}, ValueError, "go with predict"),
        ({"loss_fn": parabola, "callbacks": 3}, TypeError, "callbacks must be a callable"),
        ({"loss_fn": parabola, "search_space": {}}, ValueError, "search_space is for backend"),
        ({"predict": mean_output, "objective": 3}, TypeError, "objective must be a callable"),
        ({"predict": mean_output, "objective": {}}, TypeError, "objective must be a callable"),
        ({"predict": mean_output, "transient": -1}, ValueError, "must not be negative"),
        ({"predict": mean_output, "transient": 1.5}, TypeError, "whole number of samples"),
        ({"predict": mean_output, "transient": 3 * u.mV}, UnitError, r"got \[mV\]"),
    ],
)
def test_contradictory_arguments_are_refused(arguments, error, text):
    with pytest.raises(error, match=text):
        Fitter(Gain(), **arguments)


def test_something_that_is_no_module_is_refused():
    with pytest.raises(TypeError, match="model must be a brainstate module; got list"):
        Fitter([], loss_fn=parabola)


@pytest.mark.parametrize("n_steps", [0, -1, 2.5, True])
def test_bad_numbers_of_steps_are_refused(n_steps):
    with pytest.raises(ValueError, match="n_steps must be a whole number, at least 1"):
        Fitter(Gain(), loss_fn=parabola).fit(n_steps=n_steps)


def test_targets_that_do_not_fit_are_refused():
    fitter = Fitter(Gain(), predict=mean_output)
    with pytest.raises(ValueError, match=r"same shape; got \(\) and \(3,\)"):
        fitter.fit(np.ones(3))
    with pytest.raises(UnitError, match=r"same unit; got \[1\] and \[mV\]"):
        fitter.fit(2.0 * u.mV)
    with pytest.raises(ValueError, match="target must be given for the objective 'timeseries_rmse"):
        fitter.fit()
    with pytest.raises(ValueError, match="target must not be given to a loss_fn"):
        Fitter(Gain(), loss_fn=parabola).fit(1.0)
    with pytest.raises(TypeError, match="target must be made of arrays"):
        Fitter(Gain(), loss_fn=lambda m, y: parabola(m)).fit({"a": bytearray(b"x")})


def test_a_loss_that_is_no_number_is_refused():
    with pytest.raises(ValueError, match=r"loss must be one number; got shape \(3,\)"):
        Fitter(Gain(), loss_fn=lambda m: m.gain.value() * jnp.ones(3)).fit()
    with pytest.raises(ValueError, match=r"must return one number; got shape \(2,\)"):
        Fitter(Gain(), predict=lambda m: m.gain.value(), objective=lambda p, t: p * t).fit(
            jnp.ones(2)
        )


def test_a_loss_that_reads_another_model_is_refused():
    other = Gain(1.0)
    with pytest.raises(ValueError, match=r"must depend on the trainable parameters.*'gain'"):
        Fitter(Gain(), loss_fn=lambda m: parabola(other)).fit()


def test_parts_with_different_units_are_refused():
    with pytest.raises(UnitError, match=r"parts of the loss must have the same unit"):
        Fitter(Gain(1.0, reg=L2Reg(weight=1.0)), predict=lambda m: m.gain.value() * u.mV).fit(
            2.0 * u.mV
        )


def test_pieces_before_a_start_are_refused():
    fitter = Fitter(Gain(), loss_fn=parabola)
    for piece in (fitter.step, fitter.pause, fitter.resume, fitter.result, fitter.evaluate):
        with pytest.raises(ValueError, match=r"a fit must have been started"):
            piece()
    fitter.start(n_steps=1)
    with pytest.raises(ValueError, match="at least one step must have been done"):
        fitter.result()


def test_identity_transform_of_the_declared_base_is_what_scaling_relies_on():
    node = brainmass.HopfStep(1, a=Param(0.1, fit=True))
    assert isinstance(node.a.t, IdentityT)
    assert node.a.spec.bounds is not None


# -- searches without gradients in the space of the model --------------------------------------


class Bowl(brainstate.nn.Module):
    """Two parameters, one with a unit, and a loss with its minimum at 3 mV and (1, 2)."""

    def __init__(self, v=1.0 * u.mV, w=(0.0, 0.0)):
        super().__init__()
        self.v = Param(v, fit=True)
        self.w = Param(jnp.asarray(w), fit=True)


def bowl(model):
    far = jnp.sum((model.w.value() - jnp.array([1.0, 2.0])) ** 2)
    return ((model.v.value() / u.mV) - 3.0) ** 2 + far


SPACE = {"v": (0.0 * u.volt, 0.01 * u.volt), "w": (-5.0, 5.0)}


@pytest.fixture(params=["nevergrad", "scipy", "differential_evolution"])
def search(request):
    """Backend, optimiser and number of steps that find the bottom of the bowl."""
    if request.param == "nevergrad":
        pytest.importorskip("nevergrad", reason="the extra 'fit' is not installed")
        return {"backend": "nevergrad", "optimizer": {"method": "CMA", "n_sample": 12}}, 40
    if request.param == "scipy":
        return {"backend": "scipy"}, 2
    options = {"method": "differential_evolution", "options": {"maxiter": 60}}
    return {"backend": "scipy", "optimizer": options}, 1


def test_searches_in_a_box_find_the_minimum_with_units_and_arrays(search):
    arguments, n_steps = search
    model = Bowl()
    fitter = Fitter(model, loss_fn=bowl, search_space=SPACE, **arguments)
    result = fitter.fit(n_steps=n_steps, seed=1)
    assert result.best_loss < 1e-2
    assert abs(result.best_params["v"] - 3.0 * u.mV) < 0.1 * u.mV
    assert np.allclose(result.best_params["w"], [1.0, 2.0], atol=0.1)
    assert model.v.value() == result.best_params["v"]
    assert repr(result).startswith(f"FitResult(backend='{arguments['backend']}', best_loss=")
    assert fitter.evaluate().loss == result.best_loss
    assert fitter.evaluate(result.best_params).loss == pytest.approx(result.best_loss, rel=1e-3)


def test_searches_in_a_box_start_from_the_present_values(search):
    arguments, _ = search
    fitter = Fitter(Bowl(2.0 * u.mV, (1.0, 2.0)), loss_fn=bowl, search_space=SPACE, **arguments)
    result = fitter.fit(n_steps=1, seed=1)
    assert min(result.history[:40]) <= 1.0 + 1e-4
    assert np.isclose(np.asarray(result.history), 1.0, atol=1e-4).any()


def test_searches_in_a_box_follow_their_seed(search):
    arguments, _ = search
    runs = [
        Fitter(Bowl(), loss_fn=bowl, search_space=SPACE, **arguments).fit(n_steps=2, seed=seed)
        for seed in (3, 3, 4)
    ]
    assert runs[0].history[:] == runs[1].history[:]
    assert runs[0].history[:] != runs[2].history[:]
    brainstate.random.seed(0)
    first = Fitter(Bowl(), loss_fn=bowl, search_space=SPACE, **arguments).fit(n_steps=2)
    brainstate.random.seed(0)
    again = Fitter(Bowl(), loss_fn=bowl, search_space=SPACE, **arguments).fit(n_steps=2)
    assert first.history[:] == again.history[:]


def test_searches_in_a_box_record_every_candidate(search):
    arguments, _ = search
    fitter = Fitter(Bowl(), loss_fn=bowl, search_space=SPACE, **arguments)
    result = fitter.fit(n_steps=2, seed=0)
    values = result.history["v"].to_decimal(u.mV)
    others = result.history["w"]
    assert values.shape == (len(result.history),)
    assert others.shape == (len(result.history), 2)
    known = (values - 3.0) ** 2 + ((others - np.array([1.0, 2.0])) ** 2).sum(axis=1)
    assert np.allclose(known, result.history["loss"], rtol=1e-4, atol=1e-4)
    assert np.all(np.diff(result.history["best_loss"]) <= 0)


def test_searches_in_a_box_survive_nan(search):
    arguments, n_steps = search

    def loss(model):
        return jnp.where(model.v.value() > 4.0 * u.mV, jnp.nan, bowl(model))

    fitter = Fitter(Bowl(), loss_fn=loss, search_space=SPACE, **arguments)
    if arguments["backend"] == "scipy" and "optimizer" not in arguments:
        fitter.start(n_steps=3, seed=1)
        fitter.set(v=9.0 * u.mV)
    else:
        fitter.start(n_steps=n_steps, seed=1)
    with pytest.warns(RuntimeWarning, match="Such points count as bad ones"):
        result = fitter.resume()
    assert result.n_failed > 0
    assert result.best_loss < 0.1


def test_searches_in_a_box_call_back_print_and_stop(search, capsys):
    arguments, _ = search
    seen = []

    def look(report):
        gap = float(bowl(report["model"])) - report["loss"]
        seen.append(gap)
        return len(seen) == 2

    fitter = Fitter(Bowl(), loss_fn=bowl, search_space=SPACE, callbacks=look, **arguments)
    result = fitter.fit(n_steps=9, verbose=1, seed=0)
    assert result.n_steps == 2
    assert np.allclose(seen, 0.0, atol=1e-5)
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_searches_in_a_box_compile_nothing_after_the_first_step(search, compile_count):
    arguments, _ = search
    fitter = Fitter(
        Bowl(),
        predict=lambda m: m.w.value() * (m.v.value() / u.mV),
        search_space=SPACE,
        **arguments,
    )
    fitter.fit(np.ones(2), n_steps=2, seed=0)
    with compile_count:
        fitter.fit(np.zeros(2), n_steps=2, seed=1)
    assert compile_count.n == 0


def test_an_interrupted_restart_of_scipy_keeps_what_it_had():
    def loss(model):
        jax.debug.callback(count)
        return bowl(model)

    calls = []

    def count():
        calls.append(1)

    def interrupt(x):
        assert x.shape == (3,)
        if len(calls) > 3:
            raise KeyboardInterrupt

    optimizer = {"method": "Nelder-Mead", "callback": interrupt}
    fitter = Fitter(Bowl(), optimizer, loss_fn=loss, backend="scipy", search_space=SPACE)
    result = fitter.fit(n_steps=3)
    assert result.interrupted
    assert result.n_steps == 1
    assert result.best_loss == pytest.approx(min(result.history), rel=1e-5)


@pytest.mark.parametrize(
    "method",
    ["Nelder-Mead", "Powell", "CG", "BFGS", "TNC", "SLSQP", "Newton-CG", "COBYLA", "trust-ncg"],
)
def test_every_kind_of_scipy_method_works(x64, method):
    fitter = Fitter(Bowl(), method, loss_fn=bowl, backend="scipy", search_space=SPACE)
    result = fitter.fit(n_steps=1)
    assert result.best_loss < 1e-3
    assert result.raw.success


def test_scipy_constraints_are_on_the_physical_values(x64):
    positive = {"type": "ineq", "fun": lambda x: 2.0 - x[0]}  # v <= 2 mV
    optimizer = {"method": "SLSQP", "constraints": [positive]}
    fitter = Fitter(Bowl(), optimizer, loss_fn=bowl, backend="scipy", search_space=SPACE)
    result = fitter.fit(n_steps=1)
    assert result.best_params["v"].to_decimal(u.mV) == pytest.approx(2.0, abs=1e-4)


def test_nevergrad_settings_are_used():
    pytest.importorskip("nevergrad", reason="the extra 'fit' is not installed")
    optimizer = {"method": "DE", "n_sample": 5, "method_params": {"popsize": 10}, "seed": 2,
                 "use_nevergrad_recommendation": True}  # fmt: skip
    fitter = Fitter(Bowl(), optimizer, loss_fn=bowl, backend="nevergrad", search_space=SPACE)
    result = fitter.fit(n_steps=4)
    assert len(result.history) == 20
    assert set(result.raw) == {"v", "w"}
    with pytest.raises(ValueError, match=r"method must be one of nevergrad's.*'TwoPointsDE'"):
        Fitter(Bowl(), "TwoPointDE", loss_fn=bowl, backend="nevergrad", search_space=SPACE)
    with pytest.raises(ValueError, match="n_sample must be a whole number"):
        Fitter(Bowl(), {"n_sample": 0}, loss_fn=bowl, backend="nevergrad", search_space=SPACE)


def test_bounds_come_from_the_transform_or_the_declaration():
    class Model(brainstate.nn.Module):
        def __init__(self):
            super().__init__()
            self.node = brainmass.JansenRitStep(1, Ae=Param(3.25e-3 * u.volt, fit=True))
            self.s = Param(0.5 * u.ms, t=SigmoidT(0.0 * u.ms, 2.0 * u.ms))

    def loss(model):
        gain = model.node.Ae.value() / (1.0 * u.mV)
        return (gain - 20.0) ** 2 + ((model.s.value() / u.ms) - 1.5) ** 2

    fitter = Fitter(Model(), loss_fn=loss, backend="scipy")
    result = fitter.fit(n_steps=1)
    high = result.model.node.Ae.spec.bounds[1]
    assert result.best_params["node.Ae"].to_decimal(u.mV) == pytest.approx(high, rel=1e-4)
    assert result.best_params["s"].to_decimal(u.ms) == pytest.approx(1.5, abs=0.01)


@pytest.mark.parametrize(
    ("space", "error", "text"),
    [
        ({"w": (0.0, 1.0)}, ValueError, r"must have an entry for 'v', which has no bounds"),
        ({**SPACE, "x": (0.0, 1.0)}, ValueError, r"among 'v', 'w'; got 'x'"),
        ({**SPACE, "w": (1.0, -1.0)}, ValueError, r"low < high; got 1 and -1"),
        ({**SPACE, "w": (0.0, np.inf)}, ValueError, "must be finite"),
        ({**SPACE, "w": 3.0}, ValueError, r"must be a pair \(low, high\); got 3"),
        ({**SPACE, "w": (np.zeros(3), np.ones(3))}, ValueError, r"its shape \(2,\); got \(3,\)"),
        ({**SPACE, "v": (0.0, 1.0)}, UnitError, r"must be in \[mV\]; got \[1\]"),
    ],
)
def test_bad_search_spaces_are_refused(space, error, text):
    with pytest.raises(error, match=text):
        Fitter(Bowl(), loss_fn=bowl, backend="scipy", search_space=space)


def test_a_start_outside_of_the_bounds_is_refused():
    fitter = Fitter(Bowl(w=(0.0, 7.0)), loss_fn=bowl, backend="scipy", search_space=SPACE)
    with pytest.raises(
        ValueError, match=r"'w' must start inside its bounds of -5 to 5 \[1\]; got 7"
    ):
        fitter.fit()


def test_bad_optimisers_of_scipy_are_refused():
    for wrong, error, text in (
        ("gradient", ValueError, "method of backend='scipy' must be one of 'CG'"),
        ({"methods": "CG"}, ValueError, "must use the keys 'method'"),
        (braintools.optim.Adam(lr=0.1), TypeError, "must be the name of a method or a dict"),
        ({"method": "SLSQP", "constraints": 3}, TypeError, "constraints must be dicts"),
    ):
        with pytest.raises(error, match=text):
            Fitter(Bowl(), wrong, loss_fn=bowl, backend="scipy", search_space=SPACE).fit(n_steps=1)


def test_learning_rates_belong_to_gradients():
    fitter = Fitter(Bowl(), loss_fn=bowl, backend="scipy", search_space=SPACE)
    fitter.start(n_steps=2)
    with pytest.raises(ValueError, match="learning_rate needs backend='grad'"):
        fitter.set(learning_rate=0.1)


def test_backends_agree_on_a_simulated_recovery():
    def predict(model):
        run = brainmass.Simulator(model, dt=0.1 * u.ms).run(30 * u.ms, monitors="x")
        return run["x"]

    data = predict(brainmass.HopfStep(1, a=0.4, w=0.3, init_x=0.2))
    found = {}
    for backend, optimizer, n_steps in (
        ("grad", adam(0.02), 80),
        ("scipy", None, 1),
        ("scipy", "Nelder-Mead", 1),
    ):
        node = brainmass.HopfStep(1, a=Param(0.1, fit=True), w=Param(0.25, fit=True), init_x=0.2)
        result = Fitter(node, optimizer, predict=predict, backend=backend).fit(
            data, n_steps=n_steps
        )
        found[backend, optimizer and str(optimizer)[:3]] = result.best_params
    for params in found.values():
        assert float(params["a"]) == pytest.approx(0.4, abs=0.02)
        assert float(params["w"]) == pytest.approx(0.3, abs=0.005)
