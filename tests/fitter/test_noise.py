"""Seeds, and what tracing leaves behind."""

import brainstate
import brainunit as u
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from brainstate.nn import Param
from fitter_models import Gain, adam

import brainmass
from brainmass import Fitter


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


def test_a_seeded_fit_may_be_the_first_that_looks_at_the_random_state():
    """brainstate makes the key of its random state when somebody first reads it."""
    brainstate.random.DEFAULT._value = np.array([1, 2], np.uint32)
    Fitter(Gain(), adam(), predict=noisy_gain).fit(jnp.zeros(3), n_steps=1, seed=0)
    assert not isinstance(brainstate.random.get_key(), jax.core.Tracer)
    assert np.isfinite(float(brainstate.random.normal()))


@pytest.mark.parametrize("backend", ["grad", "nevergrad", "scipy"])
def test_a_prediction_may_fix_the_seed_of_its_own_noise(backend):
    def node(a):
        noise = brainmass.OUProcess(2, sigma=0.1, tau=5 * u.ms)
        return brainmass.HopfStep(2, a=a, w=0.4, init_x=0.2, noise_x=noise)

    def predict(model):
        run = brainmass.Simulator(model, dt=0.1 * u.ms)
        return run.run(5 * u.ms, monitors="x", seed=7)["x"]

    data = predict(node(0.3))
    for seed in (0, 5):  # the seed of the fit does not reach the noise
        fitter = Fitter(node(Param(0.1, fit=True)), predict=predict, backend=backend)
        fitter.fit(data, n_steps=2, seed=seed)
        assert fitter.evaluate(a=0.3).loss < 1e-6
        assert fitter.evaluate(a=0.1).loss > 1e-4
