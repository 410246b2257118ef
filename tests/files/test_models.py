"""Models come back, and go on as the saved one would have."""

import brainstate
import brainunit as u
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.sparse
import xarray
from brainstate.nn import AffineT, ChainT, GaussianReg, Param, SigmoidT, SoftplusT
from file_cases import DT, again, assert_goes_on, assert_same, network

import brainmass
from brainmass import dynamics, io
from brainmass.models import WilsonCowanStep

DECLARED = [
    m
    for m in dynamics.registry.values()
    if m.__module__.startswith("brainmass.") and issubclass(m, brainmass.NeuralMass)
]


@pytest.mark.parametrize("cls", DECLARED, ids=lambda c: c.__name__)
def test_every_model_comes_back(cls):
    model = cls(3)
    with brainstate.environ.context(dt=DT):
        brainstate.nn.init_all_states(model)
    loaded = again(model)
    assert type(loaded) is cls
    for name in model.declaration.params:
        assert_same(getattr(model, name).val, getattr(loaded, name).val)
    for name in model.declaration.options:
        assert getattr(model, name) == getattr(loaded, name)
    for name in model.declaration.states:
        assert_same(getattr(model, name).value, getattr(loaded, name).value)


@pytest.mark.parametrize("name", ["net.nc", "net.zarr"])
def test_a_delayed_noisy_network_goes_on_after_loading(tmp_path, name):
    loaded = assert_goes_on(network(), tmp_path / name, monitors=["node.x", "node.y"])
    assert loaded.node.x.value.shape == (4,)


def test_a_batch_goes_on_after_loading():
    net = network()
    sim = brainmass.Simulator(net, dt=DT)
    sim.run(7 * u.ms, batch_size=3, seed=1)
    loaded = again(net)
    whole = sim.run(3 * u.ms, batch_size=3, init_states=False)
    rest = brainmass.Simulator(loaded, dt=DT).run(3 * u.ms, batch_size=3, init_states=False)
    assert_same(whole, rest)


def test_double_precision_goes_on_after_loading(tmp_path, x64):
    assert_goes_on(network(), tmp_path / "net.nc", monitors="node.x")


def test_networks_of_every_kind_go_on_after_loading():
    n, weights = 4, np.random.default_rng(0).random((4, 4))
    column = brainmass.JansenRitStep(
        n, init_E=10 * u.mV, method="rk4", noise_E=brainmass.PinkNoise(n, sigma=5 * u.Hz)
    )
    assert_goes_on(
        network(
            node=column, coupled_var=None, source="E - I", target="E_inp", k=None,
            coupling=brainmass.SigmoidalJansenRitCoupling(k=1000 * u.Hz, r=0.5),
        )
    )  # fmt: skip
    several = [
        brainmass.DiffusiveCoupling(k=Param(0.1, t=SoftplusT(0.0), fit=True)),
        brainmass.AdditiveCoupling(k=0.05, source="y", target="y_inp"),
    ]
    laplacian = brainmass.LaplacianConnParam(weights, normalize="rw", fit=True)
    assert_goes_on(
        network(
            coupling=several,
            k=None,
            conn=laplacian,
            speed_range=(5 * u.mm / u.ms, 20 * u.mm / u.ms),
        ),
        monitors="node.x",
    )
    cov = 0.01 * (np.eye(n) + 0.3)
    assert_goes_on(
        network(distance=None, speed=None, noise=brainmass.WhiteNoise(n, cov=cov), delay_init=0.3)
    )
    assert_goes_on(network(distance=weights, speed=0.5, delay_init=brainmass.uniform(0.0, 0.2)))


def test_a_trained_speed_keeps_the_range_it_was_built_with():
    net = network(speed=Param(10 * u.mm / u.ms, fit=True))
    net.speed = 13.0 * u.mm / u.ms
    loaded = assert_goes_on(net)
    assert loaded._trained_range == net._trained_range == (5.0, 20.0)


def test_parameters_keep_transform_bounds_regularisation_and_stored_bits():
    t = ChainT(AffineT(2.0, 0.1), SigmoidT(-1.0, 3.0))
    a = Param(np.linspace(0.1, 0.4, 3), t=t, reg=GaussianReg(0.3, 0.1), fit=True)
    node = brainmass.HopfStep(3, a=a, w=Param(0.3, t=SoftplusT(0.0), fit=False))
    node.a.val.value = np.float32([0.123456789, -1.5, 2.0])
    loaded = again(node)
    for name in "aw":
        old, new = getattr(node, name), getattr(loaded, name)
        assert_same(old.val.value if old.fit else old.val, new.val.value if new.fit else new.val)
        assert_same(old.value(), new.value())
        assert new.fit == old.fit
        assert repr(new.t) == repr(old.t)
        assert new.spec.bounds == old.spec.bounds
    assert float(loaded.reg_loss()) == float(node.reg_loss())
    loaded.a.set_value(0.2)
    loaded.a.cache()
    loaded.a.val.value = np.float32([0.0, 0.0, 0.0])
    assert not loaded.a.cache_stats["valid"]


def test_a_file_names_parameters_states_and_units(tmp_path):
    node = brainmass.JansenRitStep(2, Ae=Param(3.3 * u.mV, t=SigmoidT(1 * u.mV, 5 * u.mV)))
    brainmass.Simulator(node, dt=DT).run(1 * u.ms)
    path = brainmass.save(tmp_path / "node.nc", node)
    dataset = xarray.load_dataset(path)
    assert dataset["be"].attrs["role"] == "parameter"
    assert dataset["M"].attrs["role"] == "state"
    assert dataset["M"].attrs["units"] == "mV"
    facts = io.info(path)
    assert facts["dt"] == "0.1 ms"
    value, unit = facts["parameters"]["Ae"]
    assert unit == "mV"
    assert np.isclose(value, 3.3)


def test_shared_parameters_stay_shared():
    shared = Param(0.2, fit=True)
    pair = {"one": brainmass.HopfStep(1, a=shared), "two": brainmass.HopfStep(1, a=shared)}
    found = again(pair)
    assert found["one"].a is found["two"].a


class Gain(brainstate.nn.Module):
    """A module of a user, with parts."""

    def __init__(self):
        super().__init__()
        self.gain = Param(np.ones(2), fit=True)
        self.parts = [brainstate.nn.Linear(2, 2), {"node": brainmass.HopfStep(2)}]
        self.count = brainstate.ShortTermState(jnp.int32(0))

    def update(self):
        self.count.value += 1
        return self.gain.value() * self.count.value + brainstate.random.normal(size=2)


def test_modules_of_users_go_on_after_loading(tmp_path):
    module = Gain()
    loaded = assert_goes_on(module, tmp_path / "module.nc")
    assert_same(loaded.parts[0].weight.value, module.parts[0].weight.value)


def test_a_sparse_network_comes_back_sparse():
    weights = np.random.default_rng(1).random((5, 5)) * (np.eye(5, k=1) + np.eye(5, k=-3))
    lengths = np.full(np.count_nonzero(weights), 20.0) * u.mm
    net = network(5, conn=scipy.sparse.csr_array(weights), distance=lengths)
    loaded = assert_goes_on(net, monitors="node.x")
    assert loaded.conn.value().shape == net.conn.value().shape == (6,)


class MyNetwork(brainmass.Network):
    """A network of a user that builds itself."""

    def __init__(self, n):
        rng = np.random.default_rng(0)
        node = MyHopf(n)
        super().__init__(node, conn=rng.random((n, n)), coupled_var="x", k=0.1)
        self.note = "mine"


class MyHopf(brainmass.HopfStep):
    """A variant with a constructor of its own."""

    catalogued = False

    def __init__(self, n):
        super().__init__(n, a=0.1, init_x=0.2)


def test_subclasses_with_constructors_of_their_own_go_on():
    loaded = assert_goes_on(MyNetwork(3), monitors="node.x")
    assert loaded.note == "mine"
    assert type(loaded.node) is MyHopf


def test_a_model_can_be_labelled():
    dataset = brainmass.to_xarray(brainmass.HopfStep(2, a=[0.1, 0.2]), labels=["V1", "MT"])
    assert float(dataset["a"].sel(region="MT")) == np.float32(0.2)


def test_sequence_layers_and_whole_brain_columns_come_back():
    layer = brainmass.HORNSeqNetwork(2, (3, 4), 2, alpha=Param(0.05, fit=True))
    inputs = np.random.default_rng(0).normal(size=(6, 2))
    loaded = again(layer)
    assert_same(loaded.update(inputs), layer.update(inputs))
    gains = dict.fromkeys(("k", "w_ll", "w_ff", "w_bb", "g_l", "g_f", "g_b"), 1.0)
    column = brainmass.JansenRitTR(3, delay=np.ones((3, 3)), sc=np.eye(3), **gains)
    with brainstate.environ.context(dt=DT):
        brainstate.nn.init_all_states(column)
        column.update(np.zeros(3))
        loaded = again(column)
        assert_same(loaded.update(np.zeros(3)), column.update(np.zeros(3)))


def test_a_simulator_comes_back(tmp_path):
    found = brainmass.load(brainmass.save(tmp_path / "s.nc", brainmass.Simulator(network(), DT)))
    assert found.dt == DT
    assert found.run(1 * u.ms, monitors="node.x")["node.x"].shape == (10, 4)


def test_a_model_of_a_user_is_found_by_name(monkeypatch):
    monkeypatch.setattr(dynamics, "registry", dict(dynamics.registry))

    def define(unit):
        class MyLeak(brainmass.NeuralMass):
            """A leaky node."""

            tau = brainmass.param(10.0 * unit, domain="positive", doc="decay time")
            x = brainmass.state(1.0, doc="activity")

            @staticmethod
            def equations(s, p, i, t):
                return {"x": -s.x / p.tau}

        return MyLeak

    define(u.ms)
    dataset = brainmass.to_xarray(dynamics.registry["MyLeak"](2, tau=7.0 * u.ms))
    assert float(io.from_xarray(dataset).tau.value() / u.ms) == 7.0
    define(u.second)
    with pytest.raises(
        ValueError, match=r"model 'MyLeak' must declare .*tau \[ms\].*got .*tau \[s\]"
    ):
        io.from_xarray(dataset)
    del dynamics.registry["MyLeak"]
    with pytest.raises(
        ValueError, match=r"the model '.*MyLeak' of module .* must be defined before"
    ):
        io.from_xarray(dataset)
    own = define(u.ms)
    assert isinstance(io.from_xarray(dataset, define={"MyLeak": own}), own)


def test_a_lambda_must_be_given_again(tmp_path):
    noise = brainmass.WhiteNoise(4, sigma=0.1, amplitude=lambda s: 1 + s.x**2)
    net = network(node=brainmass.HopfStep(4, init_x=0.1, noise_x=noise), source=lambda s: s.x + s.y)
    path = brainmass.save(tmp_path / "net.nc", net)
    with pytest.raises(
        ValueError, match=r"function at 'node.noise_x.amplitude', a lambda, must be"
    ):
        brainmass.load(path)
    assert_goes_on(
        net,
        **{"node.noise_x.amplitude": lambda s: 1 + s.x**2, "source": lambda s: s.x + s.y},
    )


def _twice(x):
    return 2 * x


def test_functions_are_found_by_name():
    model = {"jax": jnp.tanh, "nn": jax.nn.relu, "numpy": np.sin, "own": _twice}
    description = brainmass.to_xarray(model).attrs["brainmass_description"]
    assert '"jax.numpy"' in description
    assert "jax._src" not in description
    found = again(model)
    assert all(found[name] is model[name] for name in model)


def test_options_of_models_come_back():
    model = WilsonCowanStep(2, method="rk4")
    assert again(model).method == "rk4"
