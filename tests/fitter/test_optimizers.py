"""Optimisers of braintools and optax, and their schedules."""

import brainstate
import braintools
import jax
import numpy as np
import optax
import pytest
from fitter_models import Gain, adam, parabola

from brainmass import Fitter


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
