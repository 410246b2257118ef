"""HORN: the harmonic cell, the published recurrence, batches, delays and training."""

import brainunit as u
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from brainstate.nn import Param

import brainmass

OMEGA = 2 * np.pi / 28
RNG = np.random.default_rng(0)


def test_cell_is_a_damped_harmonic_oscillator(x64, simulate):
    g = 0.01
    cell = brainmass.HORNStep(1, init_x=1.0, init_y=-g, gamma=g, method="rk4")
    out = simulate(cell, 200.0, 0.1)
    turn = np.sqrt(OMEGA**2 - g**2)
    np.testing.assert_allclose(
        out["x"][:, 0], np.exp(-g * out["ts"]) * np.cos(turn * out["ts"]), atol=1e-5
    )


def test_cell_period_is_28_ms_without_damping(x64, simulate, period):
    x = simulate(brainmass.HORNStep(1, init_x=1.0, gamma=0.0, method="rk4"), 280.0, 0.1)["x"]
    assert period(x[:, 0], 0.1) == pytest.approx(28.0, abs=1e-4)


def test_cell_takes_batches_and_noise():
    cell = brainmass.HORNStep(3, noise_y=brainmass.WhiteNoise(3, sigma=0.1))
    run = brainmass.Simulator(cell, 1.0 * u.ms).run(10 * u.ms, monitors="x", batch_size=4, seed=0)
    assert run["x"].shape == (10, 4, 3)
    assert np.ptp(np.asarray(run["x"])[-1, :, 0]) > 0


def recurrence(inputs, inp, rec, offset, delay=None, v=0.0, laplacian=False):
    """The published update, one sample after the other."""
    n = rec.shape[0]
    x, past = np.zeros(n), [np.zeros(n)] * 10
    out = []
    for sample in inputs:
        y = past[0]
        if delay is None:
            total = y @ rec + offset
        else:
            total = np.array([
                sum(rec[j, i] * (past[delay[i, j]][j]) for j in range(n)) for i in range(n)
            ])  # fmt: skip
        if laplacian:
            total = total - rec.sum(axis=0) * y
        drive = sample @ inp + total / np.sqrt(n) + v * x
        y = y + 0.04 * np.tanh(drive) - OMEGA**2 * x - 2 * 0.01 * y
        x = x + y
        past = [y, *past[:-1]]
        out.append(x)
    return np.array(out)


def matrices(n_in=2, n=4):
    return RNG.normal(size=(n_in, n)), RNG.normal(size=(n, n)), RNG.normal(size=n)


def layer_of(inp, rec, offset, **given):
    return brainmass.HORNSeqLayer(
        *inp.shape, inp_w_init=inp, rec_w_init=rec, rec_b_init=offset, **given
    )


@pytest.mark.parametrize("v", [0.0, 0.3])
def test_layer_is_the_published_recurrence(v, x64):
    inp, rec, offset = matrices()
    inputs = RNG.normal(size=(30, 2))
    layer = layer_of(inp, rec, offset, v=v)
    np.testing.assert_allclose(
        layer.update(inputs), recurrence(inputs, inp, rec, offset, v=v), rtol=1e-10
    )


@pytest.mark.parametrize("connection", ["additive", "laplacian"])
def test_delays_are_whole_samples(connection, x64):
    inp, rec, _ = matrices()
    delay = RNG.integers(0, 4, size=(4, 4))
    inputs = RNG.normal(size=(20, 2))
    expected = recurrence(inputs, inp, rec, 0.0, delay, laplacian=connection == "laplacian")
    for given in (delay, delay * 1.0 * u.ms):
        layer = layer_of(inp, rec, 0.0, delay=given, connection=connection)
        np.testing.assert_allclose(layer.update(inputs), expected, rtol=1e-9)
    half = layer_of(inp, rec, 0.0, delay=delay * 0.5 * u.ms, step=0.5 * u.ms)
    np.testing.assert_array_equal(half.delay, delay)


def test_zero_delay_is_no_delay(x64):
    inp, rec, _ = matrices()
    inputs = RNG.normal(size=(15, 2))
    a, b = (layer_of(inp, rec, 0.0, delay=d).update(inputs) for d in (None, 0))
    np.testing.assert_allclose(a, b, rtol=1e-12)


def test_batch_equals_a_loop(x64):
    inp, rec, offset = matrices()
    layer = layer_of(inp, rec, offset, delay=RNG.integers(0, 3, size=(4, 4)))
    inputs = RNG.normal(size=(12, 5, 2))
    batch = layer.update(inputs)
    assert batch.shape == (12, 5, 4)
    for k in range(5):
        np.testing.assert_allclose(batch[:, k], layer.update(inputs[:, k]), rtol=1e-12)


def test_sequence_can_be_continued(x64):
    inp, rec, offset = matrices()
    inputs = RNG.normal(size=(20, 2))
    layer = layer_of(inp, rec, offset)
    whole = layer.update(inputs)
    first, second = layer.update(inputs[:8]), layer.update(inputs[8:], init_states=False)
    np.testing.assert_allclose(np.concatenate([first, second]), whole, rtol=1e-9)
    states, out = layer.update(inputs, record_state=True)
    np.testing.assert_array_equal(states["x"], out)
    assert states["y"].shape == out.shape


def test_continuing_without_a_sequence_is_refused():
    with pytest.raises(ValueError, match="init_states=False needs an earlier sequence"):
        brainmass.HORNSeqLayer(2, 3).update(np.zeros((4, 2)), init_states=False)


@pytest.mark.parametrize(
    ("given", "message"),
    [(dict(connection="none"), "connection must be one of"),
     (dict(delay=np.ones((2, 2))), "delay must be one value"), (dict(delay=-1), "not negative"),
     (dict(rec_w_init=np.ones((2, 3))), "weights must have shape"),
     (dict(omega=np.ones(5)), "'omega'")],
)  # fmt: skip
def test_layer_refuses_what_does_not_fit(given, message):
    with pytest.raises(ValueError, match=message):
        brainmass.HORNSeqLayer(2, 3, **given)


@pytest.mark.parametrize("shape", [(4,), (4, 3), (4, 1, 1, 2)])
def test_inputs_of_a_wrong_shape_are_refused(shape):
    with pytest.raises(ValueError, match="inputs must have shape"):
        brainmass.HORNSeqLayer(2, 3).update(np.zeros(shape))


def test_network_reads_out_its_last_layer(x64):
    net = brainmass.HORNSeqNetwork(2, (6, 4), 3)
    inputs = RNG.normal(size=(10, 5, 2))
    hidden = net.hidden_activation(inputs)
    assert [h.shape for h in hidden] == [(10, 5, 6), (10, 5, 4)]
    expected = hidden[-1][-1] @ net.h2o.weight.value() + net.h2o.bias.value()
    np.testing.assert_allclose(net.update(inputs), expected, rtol=1e-12)


@pytest.mark.parametrize("n_hidden", [0, 2.5, (), (3, 0)])
def test_network_refuses_layers_that_are_no_sizes(n_hidden):
    with pytest.raises(ValueError, match="n_hidden"):
        brainmass.HORNSeqNetwork(2, n_hidden, 1)


def test_gradients_equal_central_differences(x64):
    inp, rec, _ = matrices()
    inputs = jnp.asarray(RNG.normal(size=(12, 2)))

    def loss(alpha, omega, rec):
        layer = brainmass.HORNSeqLayer(
            2, 4, alpha=alpha, omega=omega, inp_w_init=inp, rec_w_init=Param(rec)
        )
        return (layer.update(inputs) ** 2).sum()

    point = (jnp.asarray(0.04), jnp.asarray(0.2), jnp.asarray(rec))
    slopes = jax.jit(jax.grad(loss, argnums=(0, 1, 2)))(*point)
    one = jax.jit(loss)
    for k in range(2):
        up, down = (one(*(p + (h if i == k else 0) for i, p in enumerate(point)))
                    for h in (1e-6, -1e-6))  # fmt: skip
        assert float(slopes[k]) == pytest.approx(float(up - down) / 2e-6, rel=1e-5)
    bump = jnp.zeros((4, 4)).at[1, 2].set(1e-6)
    up, down = (one(point[0], point[1], point[2] + s * bump) for s in (1, -1))
    assert float(slopes[2][1, 2]) == pytest.approx(float(up - down) / 2e-6, rel=1e-4)


def test_network_learns_a_mini_batch():
    import optax

    net = brainmass.HORNSeqNetwork(1, 8, 1)
    inputs = RNG.normal(size=(20, 16, 1))
    target = jnp.asarray(np.sign(inputs.sum(axis=0)))
    fitter = brainmass.Fitter(
        net, optax.adam(0.05), loss_fn=lambda m: (((m.update(inputs) - target) ** 2).mean(), None)
    )
    result = fitter.fit(n_steps=60)
    assert result.best_loss < 0.5
