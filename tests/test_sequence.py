# ruff: noqa: N802, N806 - variables keep the letters of the papers
"""Layers of any model that read sequences: the recurrence, delays, batches, training."""

import brainunit as u
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from brainstate.nn import Param

import brainmass

RNG = np.random.default_rng(5)
N = 3
INP, REC, OFFSET = RNG.normal(size=(2, N)), RNG.normal(size=(N, N)), RNG.normal(size=N)
INPUTS = RNG.normal(size=(12, 2))


def wilson_cowan(**given):
    cells = brainmass.WilsonCowanNoSaturationStep(N, method="euler", init_rE=0.1)
    return brainmass.SeqLayer(cells, 2, inp_w_init=INP, rec_w_init=REC, rec_b_init=OFFSET, **given)


def plain_loop(delay=None, gain=1.0, substeps=1, h=0.1):
    """Euler steps of rates without refractoriness, the drive held between two samples."""

    def F(x, a, theta):
        return 1 / (1 + np.exp(-a * (x - theta))) - 1 / (1 + np.exp(a * theta))

    E, I, out = np.full(N, 0.1), np.zeros(N), []  # noqa: E741
    past = [E] + [np.zeros(N)] * 8
    for sample in INPUTS:
        if delay is None:
            total = past[0] @ REC + OFFSET
        else:
            total = np.array([sum(REC[j, i] * past[delay[i, j]][j] for j in range(N))
                              for i in range(N)])  # fmt: skip
        drive = sample @ INP + gain * total
        for _ in range(substeps):
            to_E, to_I = F(12 * E - 4 * I + drive, 1.2, 2.8), F(13 * E - 11 * I, 1.0, 4.0)
            E, I = E + h / substeps * (to_E - E), I + h / substeps * (to_I - I)  # noqa: E741
        past = [E, *past[:-1]]
        out.append(E)
    return np.array(out)


@pytest.mark.parametrize("given", [{}, dict(gain=0.3), dict(substeps=4)])
def test_layer_is_a_plain_recurrence(given, x64):
    np.testing.assert_allclose(wilson_cowan(**given).update(INPUTS), plain_loop(**given), rtol=1e-9)


def test_delays_are_samples_or_times(x64):
    delay = RNG.integers(0, 4, size=(N, N))
    expected = plain_loop(delay)
    for given in (delay, delay * 0.1 * u.ms):
        np.testing.assert_allclose(wilson_cowan(delay=given).update(INPUTS), expected, rtol=1e-9)


def test_batch_equals_a_loop_and_a_sequence_continues(x64):
    layer, inputs = wilson_cowan(), RNG.normal(size=(8, 4, 2))
    batch = layer.update(inputs)
    np.testing.assert_allclose(batch[:, 2], layer.update(inputs[:, 2]), rtol=1e-12)
    whole = layer.update(INPUTS)
    parts = layer.update(INPUTS[:5]), layer.update(INPUTS[5:], init_states=False)
    np.testing.assert_allclose(np.concatenate(parts), whole, rtol=1e-12)


def test_units_of_another_model_send_and_return_what_they_are_told(x64):
    """Jansen-Rit columns send M in mV, receive Hz and return E."""
    cells = brainmass.JansenRitStep(2, method="euler")
    layer = brainmass.SeqLayer(
        cells, 1, send="M", observe="E", step=1.0 * u.ms, substeps=10, inp_w_init=100.0
    )
    states, out = layer.update(np.ones((50, 1)), record_state=True)
    assert set(states) == set(cells.declaration.states)
    np.testing.assert_array_equal(states["E"], out)
    alone = brainmass.JansenRitStep(2, method="euler")
    run = brainmass.Simulator(alone, 0.1 * u.ms).run(
        1 * u.ms, inputs=lambda i, t: 100 * u.Hz, monitors="E"
    )
    np.testing.assert_allclose(out[0], run["E"][-1] / u.mV, rtol=1e-9)


def test_gradients_reach_weights_and_parameters(x64):
    def loss(rec, a):
        cells = brainmass.WilsonCowanNoSaturationStep(N, init_rE=0.1, a_E=a)
        layer = brainmass.SeqLayer(cells, 2, inp_w_init=INP, rec_w_init=Param(rec))
        return (layer.update(INPUTS) ** 2).sum()

    point = (jnp.asarray(REC), jnp.asarray(1.2))
    slopes = jax.jit(jax.grad(loss, argnums=(0, 1)))(*point)
    one = jax.jit(loss)
    bump = jnp.zeros((N, N)).at[0, 2].set(1e-6)
    up, down = (one(point[0] + s * bump, point[1]) for s in (1, -1))
    assert float(slopes[0][0, 2]) == pytest.approx(float(up - down) / 2e-6, rel=1e-5)
    up, down = (one(point[0], point[1] + s * 1e-6) for s in (1, -1))
    assert float(slopes[1]) == pytest.approx(float(up - down) / 2e-6, rel=1e-5)


def test_network_of_two_models_learns_to_integrate():
    import brainstate
    import optax

    brainstate.random.seed(1)
    inputs = RNG.normal(size=(12, 32, 1))
    target = jnp.asarray(np.sign(inputs.sum(axis=0)))
    net = brainmass.SeqNetwork(
        brainmass.SeqLayer(brainmass.WilsonCowanNoSaturationStep(6), 1, step=0.5 * u.ms),
        brainmass.SeqLayer(brainmass.ThresholdLinearStep(4), 6, step=5.0 * u.ms),
        n_output=1,
    )
    fitter = brainmass.Fitter(
        net, optax.adam(0.03), loss_fn=lambda m: (((m.update(inputs) - target) ** 2).mean(), None)
    )
    result = fitter.fit(n_steps=80)
    assert result.best_loss < 0.7 * result.history[0]


@pytest.mark.parametrize(
    ("build", "error", "message"),
    [
        (lambda c: brainmass.SeqLayer(3, 2), TypeError, "model must be a neural mass"),
        (lambda c: brainmass.SeqLayer(c, 0), ValueError, "n_input must be a positive integer"),
        (lambda c: brainmass.SeqLayer(c, 2, send="q"), ValueError, "send must be one of 'rE'"),
        (lambda c: brainmass.SeqLayer(c, 2, receive="q"), ValueError, "receive must be one of"),
        (lambda c: brainmass.SeqLayer(c, 2, connection="q"), ValueError, "connection must be"),
        (lambda c: brainmass.SeqLayer(c, 2, rec_w_init=np.ones(2)), ValueError, "weights must"),
        (
            lambda c: brainmass.SeqLayer(brainmass.WilsonCowanDelayedStep(2), 2),
            ValueError, "neither noise nor a past",
        ),
        (lambda c: brainmass.SeqNetwork(n_output=1), TypeError, "layers must be one SeqLayer"),
        (
            lambda c: brainmass.SeqNetwork(
                brainmass.SeqLayer(c, 2), brainmass.SeqLayer(c, 5), n_output=1
            ),
            ValueError, "must read what the one before returns",
        ),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(build, error, message):
    with pytest.raises(error, match=message):
        build(brainmass.WilsonCowanStep(N))
