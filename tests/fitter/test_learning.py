"""Inputs, mini-batches, metrics, held-out data, patience; networks that learn tasks."""

import brainstate
import braintools
import brainunit as u
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from fitter_models import SPACE, Bowl, Gain, adam, bowl, mean_output, parabola

import brainmass
from brainmass import Fitter, datasets, objectives, tasks
from brainmass.fitter._data import Batches, Data


def scaled(model, inputs):
    return model.gain.value() * inputs


def squares(prediction, target):
    return jnp.mean((prediction - target) ** 2)


def read_out(model, inputs):
    return model.update(jnp.swapaxes(inputs, 0, 1))


def learn(network, lr=0.01):
    return Fitter(
        network,
        optax.chain(optax.clip_by_global_norm(1.0), optax.adam(lr)),
        predict=read_out,
        objective=tasks.cross_entropy,
        metrics={"accuracy": tasks.accuracy},
    )


def test_oscillators_learn_delayed_match(x32):  # the start is drawn in this precision
    brainstate.random.seed(0)
    x, y = datasets.delayed_match_task(256, seq_len=6, seed=0)
    held_out = datasets.delayed_match_task(128, seq_len=6, seed=1)
    net = brainmass.HORNSeqNetwork(4, 32, 2, alpha=0.3, omega=0.4, gamma=0.05)
    fitter = learn(net, 0.02)
    result = fitter.fit(y, 240, inputs=x, validation=held_out, batch_size=64, seed=0)
    assert result.validation["validation_accuracy"] > 0.97
    assert result.metrics["accuracy"] > 0.97
    assert fitter.evaluate().loss == fitter.evaluate(result.best_params).loss == result.best_loss
    assert tasks.accuracy(read_out(net, held_out[0]), held_out[1]) == pytest.approx(
        result.validation["validation_accuracy"]
    )


def test_oscillators_learn_to_read_digits_row_by_row():
    brainstate.random.seed(0)
    x, y = tasks.sequential_digits(1000, rows=True, seed=0)
    held_out = tasks.sequential_digits(300, rows=True, seed=1)
    net = brainmass.HORNSeqNetwork(8, 48, 10, alpha=0.3, omega=0.4, gamma=0.05)
    result = learn(net, 0.02).fit(y, 400, inputs=x, validation=held_out, batch_size=50, seed=0)
    assert result.validation["validation_accuracy"] > 0.6  # chance is 0.1
    course = result.history["validation_accuracy"]
    assert np.isfinite(course).sum() == 400 // 20
    assert np.nanmax(course) > 3 * course[np.isfinite(course)][0]


def test_every_sample_is_seen_in_every_epoch_and_in_another_order():
    data = Data(np.arange(12.0), np.arange(12.0))
    batches = Batches(data, 4, jax.random.key(0))
    epochs = [np.concatenate([batches.index(3 * e + k) for k in range(3)]) for e in range(2)]
    for epoch in epochs:
        assert sorted(epoch) == list(range(12))
    assert list(epochs[0]) != list(epochs[1])
    again = Batches(data, 4, jax.random.key(0))
    assert np.array_equal(again.index(5), batches.index(5))


def test_the_loss_of_mini_batches_is_judged_on_all_data():
    x = np.linspace(-1.0, 1.0, 20, dtype=np.float32)[:, None]
    fitter = Fitter(Gain(), adam(0.1), predict=scaled, objective=squares)
    result = fitter.fit(2.0 * x, 33, inputs=x, batch_size=5, seed=0)
    ends = np.isfinite(result.history["epoch_loss"])
    assert np.flatnonzero(ends).tolist() == list(range(3, 33, 4))
    gain = float(result.best_params["gain"])
    assert result.best_loss == pytest.approx(np.mean((gain - 2.0) ** 2 * x**2), rel=1e-4)
    assert result.prediction.shape == (20, 1)
    assert fitter.evaluate().loss == result.best_loss


def test_mini_batches_with_units_and_losses_of_three_arguments():
    x = np.linspace(-1.0, 1.0, 20, dtype=np.float32)

    def loss(model, inputs, target):
        return jnp.mean((model.gain.value() * inputs - target / u.mV) ** 2)

    fitter = Fitter(Gain(), adam(0.2), loss_fn=loss)
    result = fitter.fit(2e-3 * x * u.volt, 60, inputs=x, batch_size=10, seed=0)
    assert float(result.best_params["gain"]) == pytest.approx(2.0, abs=0.05)


def test_a_mini_batch_step_compiles_nothing_after_the_first(compile_count):
    x = np.ones((20, 2), np.float32)
    fitter = Fitter(Gain(), adam(), predict=scaled, metrics={"mean": lambda p, t: jnp.mean(p)})
    fitter.start(x, 12, inputs=x, validation=(x[:5], x[:5]), batch_size=5)
    for _ in range(4):
        fitter.step()
    with compile_count:
        while fitter.status == "running":
            fitter.step()
        fitter.result()
    assert compile_count.n == 0


def test_held_out_data_choose_the_best_point_and_do_not_train():
    def loss(model, target):
        return (model.gain.value() - target) ** 2

    plain = Fitter(Gain(), adam(0.1), loss_fn=loss).fit(2.0, 60)
    fitter = Fitter(Gain(), adam(0.1), loss_fn=loss)
    result = fitter.fit(2.0, 60, validation=1.0)
    assert result.history[:] == plain.history[:]
    assert float(result.best_params["gain"]) == pytest.approx(1.0, abs=0.06)
    course = result.history["validation_loss"]
    assert result.validation["validation_loss"] == course.min()
    assert result.best_loss == result.history[int(course.argmin())]
    assert fitter.evaluate().loss == result.best_loss


@pytest.mark.parametrize("backend", ["nevergrad", "scipy"])
def test_held_out_data_in_searches_without_gradients(backend):
    def loss(model, target):
        return bowl(model) + 0.0 * target

    fitter = Fitter(Bowl(), loss_fn=loss, backend=backend, search_space=SPACE)
    result = fitter.fit(0.0, 3, validation=1.0, seed=0)
    assert result.validation["validation_loss"] == pytest.approx(result.best_loss, rel=1e-5)
    assert np.isfinite(result.history["validation_loss"]).sum() == 3


def test_patience_ends_a_fit_that_no_longer_improves():
    fitter = Fitter(Gain(2.0), adam(0.1), loss_fn=parabola)
    result = fitter.fit(n_steps=100, patience=5)
    assert result.n_steps == 6
    assert result.message == "no improvement in 5 steps"
    assert not result.interrupted
    slow = Fitter(Gain(), braintools.optim.SGD(lr=1e-4), loss_fn=parabola)
    assert slow.fit(n_steps=30, patience=3).n_steps == 30
    assert slow.fit(n_steps=30, patience=3, min_delta=0.1).n_steps == 4


def test_metrics_are_reported_but_not_minimised():
    seen = []
    fitter = Fitter(
        Gain(), adam(), predict=mean_output, callbacks=lambda r: seen.append(r["metrics"]),
        metrics={"double": lambda prediction, target: 2 * prediction},
    )  # fmt: skip
    result = fitter.fit(2.0, 10)
    assert np.allclose(result.history["double"], 2 * result.history["gain"])
    assert result.metrics["double"] == pytest.approx(2 * float(result.best_params["gain"]))
    assert fitter.evaluate().metrics == result.metrics
    assert len(seen) == 10
    assert list(seen[0]) == ["double"]


def test_bad_data_are_refused_before_anything_is_traced():
    def fail(model, *inputs):
        raise AssertionError("traced")

    x = np.ones((4, 1))
    two = Fitter(Gain(), predict=lambda m, x: fail(m, x))
    one = Fitter(Gain(), predict=lambda m: fail(m))
    for fitter, options, text in (
        (two, {}, r"inputs must be given to predict\(model, inputs\)"),
        (one, {"inputs": x}, "got a function that does not take them"),
        (two, {"inputs": x, "batch_size": 0}, "batch_size must be a whole number"),
        (two, {"inputs": x, "batch_size": 5}, "at most the 4 samples; got 5"),
        (two, {"inputs": x[:3], "batch_size": 2}, "equally many samples"),
        (two, {"inputs": x, "validation": x}, "validation must be a pair"),
        (one, {"patience": 0}, "patience must be a whole number"),
        (one, {"min_delta": -1.0}, "min_delta must be a number"),
    ):
        with pytest.raises(ValueError, match=text):
            fitter.fit(x, **options)
    with pytest.raises(ValueError, match=r"target must be finite.*'timeseries_rmse'"):
        one.fit(np.array([1.0, np.nan]))
    with pytest.raises(TypeError, match="options must be among"):
        one.start(x, batches=3)
    with pytest.raises(ValueError, match="batch_size needs backend='grad'"):
        Fitter(Bowl(), loss_fn=bowl, backend="scipy", search_space=SPACE).fit(batch_size=2)
    with pytest.raises(TypeError, match="metrics must be a dict of functions"):
        Fitter(Gain(), predict=mean_output, metrics=[max])
    with pytest.raises(ValueError, match="metric 'all' must return one number"):
        Fitter(Gain(), predict=mean_output, metrics={"all": lambda p, t: jnp.ones(3)}).fit(2.0)
    objective = objectives.timeseries_rmse()
    with pytest.raises(ValueError, match="objective, transient and metrics go with predict"):
        Fitter(Gain(), loss_fn=parabola, objective=objective)


def test_digits_are_made_from_their_seed_and_can_be_told_apart():
    x, y = tasks.sequential_digits(200, seed=3, noise=0.0)
    assert x.shape == (200, 64, 1)
    assert x.dtype == np.float32
    assert np.bincount(y).tolist() == [20] * 10
    again = tasks.sequential_digits(200, seed=3, noise=0.0)[0]
    assert np.array_equal(x, again)
    assert not np.array_equal(x, tasks.sequential_digits(200, seed=4, noise=0.0)[0])
    ink = (x > 0).sum(axis=(1, 2))
    assert ink[y == 8].mean() > ink[y == 1].mean()
    flat = (x > 0).reshape(200, -1).astype(int).astype(str)
    pictures = {}
    for label, row in zip(y, flat, strict=True):
        assert pictures.setdefault("".join(row), label) == label  # no two digits look the same
    rows = tasks.sequential_digits(5, seed=3, rows=True, noise=0.0)[0]
    assert rows.shape == (5, 8, 8)
    with pytest.raises(ValueError, match="size must be a whole number, at least 7; got 6"):
        tasks.sequential_digits(size=6)
    with pytest.raises(ValueError, match="noise"):
        tasks.sequential_digits(noise=-1.0)


def test_scores_of_tasks_are_checked_and_right():
    logits = np.log([[0.7, 0.3], [0.2, 0.8]])
    assert tasks.cross_entropy(logits, np.array([0, 0])) == pytest.approx(
        -(np.log(0.7) + np.log(0.2)) / 2
    )
    assert tasks.cross_entropy(1e4 * logits, np.array([0, 1])) == pytest.approx(0.0)
    with pytest.raises(ValueError, match="labels must have the shape of logits"):
        tasks.accuracy(logits, np.zeros(3, int))
    with pytest.raises(TypeError, match="labels must be whole numbers"):
        tasks.cross_entropy(logits, np.zeros(2))
