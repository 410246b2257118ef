"""HORN connections as modules: the recurrence they give, repetition times, batches, training."""

import brainstate
import brainunit as u
import jax.numpy as jnp
import numpy as np
import pytest

import brainmass
from brainmass import horn

OMEGA = 2 * np.pi / 28
N = 4
RNG = np.random.default_rng(3)
WEIGHTS = RNG.normal(size=(N, N))
DELAY = RNG.integers(0, 4, size=(N, N))
INPUTS = RNG.normal(size=(24, N))


def advance(layer, inputs, calls=1, dt=1.0, batch=()):
    """Feed the rows of ``inputs`` in equal calls and join what comes out."""
    with brainstate.environ.context(dt=dt * u.ms):
        brainstate.nn.init_all_states(layer, *batch)
        return np.concatenate([layer.update(part) for part in np.split(inputs, calls)])


def test_layer_without_delay_is_the_sequence_layer(x64):
    mine = horn.HORN_TR(N, rec_w_init=WEIGHTS, rec_b_init=0.3, v=0.2)
    other = brainmass.HORNSeqLayer(
        N, N, rec_w_init=WEIGHTS, rec_b_init=0.3, inp_w_init=np.eye(N), v=0.2
    )
    np.testing.assert_allclose(advance(mine, INPUTS), other.update(INPUTS), rtol=1e-10)


@pytest.mark.parametrize("rec_type", ["additive", "laplacian"])
@pytest.mark.parametrize("unit", [1, u.ms])
def test_delayed_layer_is_the_delayed_sequence_layer(rec_type, unit, x64):
    weights = np.abs(WEIGHTS) * ~np.eye(N, dtype=bool)
    mine = horn.HORN_TR(N, delay=DELAY * unit, rec_type=rec_type, rec_w_init=weights)
    other = brainmass.HORNSeqLayer(
        N, N, rec_w_init=weights.T, inp_w_init=np.eye(N), delay=DELAY, connection=rec_type
    )
    np.testing.assert_allclose(advance(mine, INPUTS), other.update(INPUTS), rtol=1e-9)


@pytest.mark.parametrize("rec_type", ["additive_tr", "laplacian_tr"])
@pytest.mark.parametrize("per_call", [1, 2])
def test_tr_layer_reads_once_per_call_and_records_every_tr(rec_type, per_call, x64):
    """Records are 3 steps apart; a call of one or two TRs holds what it read at its start."""
    weights = np.abs(WEIGHTS)
    layer = horn.HORN_TR(
        N, delay=DELAY, rec_type=rec_type, rec_w_init=weights, tr=3.0 * u.ms, delay_init=0.2
    )
    found = advance(layer, INPUTS, calls=8 // per_call)
    delay, w = DELAY, weights
    if rec_type == "laplacian_tr":
        off = weights * ~np.eye(N, dtype=bool)
        delay, w = DELAY * ~np.eye(N, dtype=bool), off - np.diag(off.sum(axis=1))
    x = y = np.zeros(N)
    records, out = [np.full(N, 0.2)] * 5, []
    for n, row in enumerate(INPUTS):
        if n % 3 == 0:
            records = [y, *records]
        if n % (3 * per_call) == 0:
            held = [sum(w[i, j] * records[delay[i, j]][j] for j in range(N)) for i in range(N)]
            held = np.array(held) / np.sqrt(N)
        y = y + 0.04 * np.tanh(row + held) - OMEGA**2 * x - 0.02 * y
        x = x + y
        out.append(x)
    np.testing.assert_allclose(found, out, rtol=1e-10)


@pytest.mark.parametrize("rec_type", ["additive", "laplacian_tr"])
def test_batch_equals_a_loop(rec_type, x64):
    inputs = RNG.normal(size=(6, 3, N))
    layer = horn.HORN_TR(N, delay=DELAY, rec_type=rec_type, rec_w_init=np.abs(WEIGHTS))
    batch = advance(layer, inputs, batch=(3,))
    for k in range(3):
        np.testing.assert_allclose(batch[:, k], advance(layer, inputs[:, k]), rtol=1e-10)


def test_connection_serves_any_model_and_state(x64):
    """Additive feedback of the rate, 2 ms late, of a model that is no oscillator."""
    node = brainmass.ThresholdLinearStep(2, init_E=np.array([1.0, 2.0]))
    conn = horn.DelayedAdditiveConn(node, 2.0 * u.ms, state="E", w_init=np.eye(2), k=0.5)
    with brainstate.environ.context(dt=1.0 * u.ms):
        brainstate.nn.init_all_states(conn)
        drives = []
        for _ in range(3):
            drives.append(np.asarray(conn.update()))
            node.update()
    np.testing.assert_allclose(drives, [[0, 0], [0, 0], [0.5, 1.0]])


def test_cell_by_hand_is_the_published_rule(x64):
    cell = brainmass.HORNStep(1, init_x=0.3, init_y=0.01, v=0.5)
    run = brainmass.Simulator(cell, 1.0 * u.ms).run(1 * u.ms, monitors=["x", "y"])
    y = 0.01 + 0.04 * np.tanh(0.15) - OMEGA**2 * 0.3 - 0.02 * 0.01
    assert float(run["y"][0, 0]) == pytest.approx(y, rel=1e-12)
    assert float(run["x"][0, 0]) == pytest.approx(0.3 + y, rel=1e-12)


class Classifier(brainstate.nn.Module):
    """Library layers around ours: a linear map, oscillators, and a linear readout."""

    def __init__(self, layer):
        super().__init__()
        self.first = brainstate.nn.Linear(2, N)
        self.layer = layer
        self.last = brainstate.nn.Linear(N, 1)

    def update(self, inputs):
        hidden = self.first(inputs)
        if isinstance(self.layer, horn.HORN_TR):
            with brainstate.environ.context(dt=1.0 * u.ms):
                brainstate.nn.init_all_states(self.layer, inputs.shape[1])
                return self.last(self.layer.update(hidden)[-1])
        return self.last(self.layer.update(hidden)[-1])


LAYERS = {
    "sequence layer": lambda: brainmass.HORNSeqLayer(N, N),
    "additive": lambda: horn.HORN_TR(N),
    "delayed additive": lambda: horn.HORN_TR(N, delay=2),
    "delayed laplacian": lambda: horn.HORN_TR(N, delay=2, rec_type="laplacian"),
    "additive per TR": lambda: horn.HORN_TR(N, delay=2, rec_type="additive_tr", tr=2.0 * u.ms),
}


@pytest.mark.parametrize("kind", list(LAYERS))
def test_module_with_linear_layers_learns_in_a_fitter(kind):
    import optax

    brainstate.random.seed(0)
    inputs = RNG.normal(size=(16, 24, 2))
    target = jnp.asarray(np.sign(inputs.sum(axis=(0, 2)))[:, None])
    model = Classifier(LAYERS[kind]())
    fitter = brainmass.Fitter(
        model, optax.adam(0.05), loss_fn=lambda m: (((m.update(inputs) - target) ** 2).mean(), None)
    )
    result = fitter.fit(n_steps=40)
    assert result.best_loss < 0.7 * result.history[0]
    trained = " ".join(result.best_params)
    assert "first" in trained
    assert ("conn" in trained) or ("h2h" in trained)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: horn.HORN_TR(0), "n_hidden must be a positive integer"),
        (lambda: horn.HORN_TR(3, rec_type="none"), "rec_type must be one of"),
        (lambda: horn.AdditiveConn(brainmass.HORNStep(3), state="z"), "state must be one of"),
        (lambda: horn.AdditiveConn(brainmass.HORNStep(3), w_init=np.ones(2)), "weights must have"),
        (lambda: brainmass.HORNSeqLayer(2.5, 3), "n_input must be a positive integer"),
        (lambda: advance(horn.HORN_TR(3, delay=np.ones(2)), INPUTS[:, :3]), "delay must be one"),
        (lambda: advance(horn.HORN_TR(3, delay=-1), INPUTS[:, :3]), "not negative"),
        (lambda: advance(horn.HORN_TR(3), INPUTS), "inputs must have shape"),
        (lambda: horn.HORN_TR(3).update(INPUTS[:, :3]), "states must be initialised"),
        (
            lambda: advance(
                horn.HORN_TR(3, delay=1, rec_type="additive_tr"), INPUTS[:, :3], dt=0.3
            ),
            "tr must be a multiple of dt",
        ),
    ],
)
def test_what_does_not_fit_is_refused_by_name(build, message):
    with pytest.raises(ValueError, match=message):
        build()


def test_connection_of_something_else_is_refused():
    with pytest.raises(TypeError, match="model must be a neural mass"):
        horn.AdditiveConn(3)
