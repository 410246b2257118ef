"""Every line and every printed fact of the Key Concepts page."""

import brainstate
import brainunit as u
import jax.numpy as jnp
import numpy as np
import pytest
from brainstate.nn import Param

import brainmass


@pytest.fixture(autouse=True)
def global_step():
    brainstate.environ.set(dt=0.1 * u.ms)


def test_units():
    assert float(200.0 * u.ms / (0.1 * u.ms)) == 2000.0
    delay = (30.0 * u.mm) / (10.0 * u.mm / u.ms)
    assert float(delay.to_decimal(u.ms)) == 3.0


def test_step_contract():
    node = brainmass.HopfStep(in_size=3, a=0.25, w=0.3)
    with brainstate.environ.context(dt=0.1 * u.ms):
        node.init_all_states()
        node.update()
    assert str(node.x.value) == "[0. 0. 0.]"


def test_catalogue_record():
    record = next(m for m in brainmass.list_models() if m.name == "HopfStep")
    assert repr(record) == (
        "ModelInfo(name='HopfStep', category='phenomenological', n_state_vars=2, "
        "use_case='Oscillation onset, rhythm generation')"
    )


def test_simulator():
    node = brainmass.HopfStep(in_size=3, a=0.25, w=0.3)
    sim = brainmass.Simulator(node, dt=0.1 * u.ms)
    res = sim.run(100.0 * u.ms, monitors=["x", "y"], transient=20.0 * u.ms)
    assert res["x"].shape[0] == 800
    assert list(res) == ["x", "y", "ts"]


def test_noise():
    stochastic = brainmass.HopfStep(
        in_size=3, a=0.25, w=0.3,
        noise_x=brainmass.OUProcess(in_size=3, sigma=0.1, tau=20.0 * u.ms),
    )  # fmt: skip
    res = brainmass.Simulator(stochastic, dt=0.1 * u.ms).run(50.0 * u.ms, monitors=["x"])
    assert res["x"].shape == (500, 3)
    assert np.abs(np.asarray(res["x"])).max() > 0


def test_network():
    conn = brainmass.datasets.load_dataset("example_connectome")
    n = conn.weights.shape[0]
    net = brainmass.Network(
        brainmass.HopfStep(in_size=n, a=0.2, w=0.3),
        conn=conn.weights,
        distance=conn.distances,
        speed=10.0 * u.mm / u.ms,
        coupling="diffusive",
        coupled_var="x",
        k=0.5,
    )
    run = brainmass.Simulator(net, dt=0.1 * u.ms).run
    res = run(50.0 * u.ms, monitors=lambda m: m.node.x.value)
    assert n == 8
    assert res["output"].shape == (500, 8)
    assert np.abs(np.asarray(res["output"][-1])).max() > 0


class Gain(brainstate.nn.Module):
    """A toy model whose single trainable parameter is its output."""

    def __init__(self):
        super().__init__()
        self.gain = Param(0.0, fit=True)

    def update(self):
        return self.gain.value()


def predict(model):
    out = brainmass.Simulator(model, dt=0.1 * u.ms).run(1.0 * u.ms, monitors=None)["output"]
    return jnp.mean(out)


def test_fitter(x32):
    import braintools

    fitter = brainmass.Fitter(
        Gain(),
        braintools.optim.Adam(lr=0.2),
        predict=predict,
        objective=brainmass.objectives.timeseries_rmse(),
    )
    result = fitter.fit(target=jnp.asarray(2.0), n_steps=60)
    assert repr(result) == (
        "FitResult(backend='grad', best_loss=1.50383e-05, n_steps=60, params=[gain])"
    )
    assert f"{float(result.best_params['gain']):.3f}" == "2.000"
