"""Saving and loading: every bit comes back, runs go on, and bad files are refused."""

import functools
import json
import sys

import brainstate
import brainunit as u
import h5py
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.sparse
import xarray
from brainstate.nn import AffineT, ChainT, GaussianReg, Param, SigmoidT, SoftplusT

import brainmass
from brainmass import dynamics, io
from brainmass.models import WilsonCowanStep

DT = 0.1 * u.ms


def assert_same(a, b, where=""):
    """Same structure, types, units and bits."""
    assert type(a) is type(b), where
    if isinstance(a, dict):
        assert list(a) == list(b), where
        for key in a:
            assert_same(a[key], b[key], f"{where}.{key}")
    elif isinstance(a, list | tuple):
        assert len(a) == len(b), where
        for k, (x, y) in enumerate(zip(a, b, strict=True)):
            assert_same(x, y, f"{where}.{k}")
    elif isinstance(a, u.Quantity):
        assert a.unit == b.unit, where
        assert str(a.unit) == str(b.unit), where
        assert_same(a.mantissa, b.mantissa, where)
    elif isinstance(a, jax.Array | np.ndarray):
        assert a.dtype == b.dtype, where
        assert a.shape == b.shape, where
        if jnp.issubdtype(a.dtype, jax.dtypes.prng_key):
            a, b = jax.random.key_data(a), jax.random.key_data(b)
        assert np.asarray(a).tobytes() == np.asarray(b).tobytes(), where
    else:
        assert a == b or (a != a and b != b), where


def again(thing, **define):
    """The thing after it has been a dataset."""
    return io.from_xarray(brainmass.to_xarray(thing), define=define)


def network(n=4, **settings):
    rng = np.random.default_rng(0)
    given = dict(
        node=brainmass.HopfStep(
            n, a=0.1, w=0.3, init_x=0.1, noise_x=brainmass.OUProcess(n, sigma=0.1)
        ),
        conn=rng.random((n, n)),
        distance=rng.uniform(5, 60, (n, n)) * u.mm,
        speed=10 * u.mm / u.ms,
        coupled_var="x",
        k=0.2,
    )
    return brainmass.Network(**{**given, **settings})


def assert_goes_on(model, path=None, monitors=None, **define):
    """A run that was saved in the middle and loaded equals the uninterrupted one."""
    sim = brainmass.Simulator(model, dt=DT)
    sim.run(7.3 * u.ms, monitors=monitors, seed=3)
    if path is None:
        loaded = again(model, **define)
    else:
        loaded = brainmass.load(brainmass.save(path, model), define=define)
    whole = sim.run(5 * u.ms, monitors=monitors, init_states=False)
    rest = brainmass.Simulator(loaded, dt=DT).run(5 * u.ms, monitors=monitors, init_states=False)
    assert_same(whole, rest)
    assert np.isfinite(np.asarray(jax.tree.leaves(whole)[0])).all()
    return loaded


# -- results ---------------------------------------------------------------------------------

VALUES = {
    "x": np.array([[np.nan, -0.0], [np.inf, 1e-45]], np.float32),
    "double": np.array([0.1, np.pi, 5e-324]),
    "half": np.array([0.1, 2.0], np.float16),
    "count": np.array([2**62, -1]),
    "bytes": np.array([[255, 0]], np.uint8),
    "flag": np.array([True, False]),
    "wave": np.array([1 + 2j, -0.0 - 1j], np.complex64),
    "none": np.zeros((0, 3)),
    "number": 0.1,
    "nan": float("nan"),
    "whole": 3,
    "scalar": np.float32(0.1),
    "text": "mV",
    "names": np.array(["V1", "MT"]),
    "nothing": None,
    "time": 5.0 * u.ms,
    "odd unit": np.ones(2) * (u.mV**2 / u.Hz) ** 0.5,
    "keyed by": {1: (np.ones(1), [2, 3.0]), "$": {"deeper": ()}},
    "identity": (b"\x00\xff", frozenset({"b", "a"}), {1}, 1j, np.dtype("float32"), ..., Param),
    "partial": functools.partial(jnp.sum, axis=0),
}


@pytest.mark.parametrize("name", ["it.nc", "it.zarr"])
def test_everything_comes_back_bit_by_bit(tmp_path, name):
    found = brainmass.load(brainmass.save(tmp_path / name, {**VALUES, "key": jax.random.key(7)}))
    assert found["partial"].func is jnp.sum
    assert_same({**VALUES, "key": jax.random.key(7)} | {"partial": 0}, found | {"partial": 0})


def test_double_precision_on_the_device_comes_back(tmp_path, x64):
    thing = {"x": jnp.array([0.1, np.pi]), "y": jnp.float32(0.1) * u.mV}
    assert_same(brainmass.load(brainmass.save(tmp_path / "x.nc", thing)), thing)


def test_a_type_that_jax_has_not_enabled_comes_as_numpy(tmp_path, x32):
    with brainstate.environ.context(precision=64):
        path = brainmass.save(tmp_path / "x.nc", {"x": jnp.array([0.1, np.pi])})
    found = brainmass.load(path)["x"]
    assert isinstance(found, np.ndarray)
    assert found.tolist() == [0.1, np.pi]


@pytest.mark.parametrize("name", ["run.nc", "run.zarr"])
@pytest.mark.parametrize("batch", [None, 3])
def test_a_result_comes_back_with_its_units(tmp_path, name, batch):
    sim = brainmass.Simulator(brainmass.JansenRitStep(2), dt=DT)
    monitors = {"E": "E", "both": lambda m: {"sum": m.E.value + m.I.value, "pair": (m.M.value,)}}
    result = sim.run(2 * u.ms, monitors=monitors, batch_size=batch)
    found = brainmass.load(brainmass.save(tmp_path / name, result, model=sim, seed=4))
    assert_same(result, found)


def test_a_result_is_labelled():
    conn = brainmass.datasets.load_dataset("example_connectome")
    sim = brainmass.Simulator(network(8, conn=conn, distance=None, speed=10 * u.mm / u.ms), dt=DT)
    monitors = {"x": "node.x", "mean": lambda m: m.node.x.value.mean()}
    result = sim.run(2 * u.ms, monitors=monitors, batch_size=3)
    dataset = brainmass.to_xarray(result, model=sim, seed=1, labels=conn)
    assert dataset["x"].dims == ("time", "batch", "region")
    assert dataset["mean"].dims == ("time",)
    assert dataset["time"].attrs["units"] == "ms"
    assert np.array_equal(dataset["time"], result["ts"].mantissa)
    assert dataset["region"].values.tolist() == list(conn.labels)
    assert dataset["parameter.conn"].dims == ("region", "other_region")
    assert dataset["parameter.speed"].attrs["units"] == "mm / ms"
    assert dataset.attrs["dt"] == "0.1 ms"
    assert dataset.attrs["seed"] == 1
    assert "jax" in json.loads(dataset.attrs["versions"])


def test_observers_have_their_own_time_axis_and_reducers_none():
    n = 5
    result = {
        "x": jnp.ones((20, n)),
        "bold": jnp.ones((4, n)),
        "bold.ts": np.arange(4.0) * u.second,
        "fc": jnp.eye(n),
        "spectrum": (jnp.arange(3.0) * u.Hz, jnp.ones((3, n))),
        "ts": np.arange(20.0) * u.ms,
    }
    dataset = brainmass.to_xarray(result)
    assert dataset["bold"].dims == ("time_bold", "region")
    assert dataset["time_bold"].attrs["units"] == "s"
    assert dataset["fc"].dims == ("region", "other_region")
    assert dataset["spectrum.1"].dims == ("spectrum.0", "region")
    assert dataset["spectrum.0"].attrs["units"] == "Hz"
    assert "spectrum.0" in dataset.coords
    assert_same(io.from_xarray(dataset), result)


def test_variables_never_have_the_name_of_a_dimension():
    result = {"region": jnp.ones((20, 2)), "my x": jnp.ones((20, 2)), "time": jnp.ones((20, 2))}
    result["ts"] = np.arange(20.0) * u.ms
    dataset = brainmass.to_xarray(result)
    assert dataset["region_"].dims == dataset["my_x"].dims == ("time", "region")
    assert_same(io.from_xarray(dataset), result)


def test_names_of_dimensions_can_be_given():
    result = {"eeg": jnp.ones((20, 7)), "x": jnp.ones((20, 2)), "ts": np.arange(20.0) * u.ms}
    dataset = brainmass.to_xarray(result, dims={"eeg": ("time", "channel")}, labels=["a", "b"])
    assert dataset["eeg"].dims == ("time", "channel")
    assert dataset["x"].dims == ("time", "region")


def test_a_dataset_is_saved_as_it_is(tmp_path):
    dataset = xarray.Dataset(
        {"loss": (("k", "region"), np.ones((2, 3)))}, {"region": ["a", "b", "c"]}, {"note": "x"}
    )
    before = dataset.copy(deep=True)
    found = brainmass.load(brainmass.save(tmp_path / "sweep.nc", dataset))
    xarray.testing.assert_identical(dataset, before)
    xarray.testing.assert_equal(dataset, found)
    assert found.attrs["note"] == "x"


def test_a_connectome_and_lists_of_things_come_back(tmp_path):
    conn = brainmass.datasets.load_dataset("example_connectome")
    found, list_of = brainmass.load(brainmass.save(tmp_path / "c.nc", [conn, [1, conn.labels]]))
    assert found == conn
    assert not found.weights.flags.writeable
    assert list_of == [1, conn.labels]


# -- models ----------------------------------------------------------------------------------

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


# -- things that write themselves ------------------------------------------------------------


class Curve:
    def __init__(self, y):
        self.y = y

    def to_xarray(self):
        return xarray.Dataset({"y": ("x", self.y)}, attrs={"facts": {"a": 1}, "ok": True})

    @classmethod
    def from_xarray(cls, dataset):
        return cls(dataset["y"].values)


def test_things_that_write_themselves_are_saved_by_kind(tmp_path, monkeypatch):
    monkeypatch.setattr("brainmass.io._datasets._kinds", {})
    path = brainmass.save(tmp_path / "curve.nc", Curve(np.arange(3.0)))
    with pytest.raises(ValueError, match="a dataset of the kind 'Curve' must be known"):
        brainmass.load(path)
    io.register("Curve", Curve)
    assert brainmass.load(path).y.tolist() == [0.0, 1.0, 2.0]
    with pytest.raises(TypeError, match="must have to_xarray and from_xarray"):
        io.register("Other", dict)


# -- refusals --------------------------------------------------------------------------------


@pytest.fixture
def saved(tmp_path):
    return brainmass.save(tmp_path / "model.nc", network())


def test_a_truncated_file_is_refused(saved):
    saved.write_bytes(saved.read_bytes()[:3000])
    with pytest.raises(ValueError, match=r"'model.nc' must be a whole file .*cannot be read"):
        brainmass.load(saved)


def test_a_changed_number_is_noticed(saved):
    with h5py.File(saved, "r+") as file:
        file["conn"][0, 1] += 1e-3
    with pytest.raises(ValueError, match="numbers or attributes that have changed"):
        brainmass.load(saved)


def test_other_files_are_refused(tmp_path):
    text = tmp_path / "text.nc"
    text.write_text("no numbers here")
    with pytest.raises(ValueError, match=r"'text.nc' must be a whole file"):
        brainmass.load(text)
    xarray.Dataset({"x": 1.0}).to_netcdf(tmp_path / "foreign.nc", engine="h5netcdf")
    with pytest.raises(ValueError, match=r"got one from elsewhere. Open it with xarray"):
        brainmass.load(tmp_path / "foreign.nc")
    (tmp_path / "empty.zarr").mkdir()
    with pytest.raises(ValueError, match=r"'empty.zarr' must be a whole file"):
        brainmass.load(tmp_path / "empty.zarr")


def test_a_newer_format_is_refused(saved):
    with h5py.File(saved, "r+") as file:
        file.attrs["brainmass_format"] = 99
    with pytest.raises(ValueError, match=r"file format 1 or older; got format 99 .*Update"):
        brainmass.load(saved)


def test_missing_paths_folders_and_endings_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="nothing there"):
        brainmass.load(tmp_path / "none.nc")
    with pytest.raises(FileNotFoundError, match="the folder of x.nc must exist"):
        brainmass.save(tmp_path / "no" / "x.nc", {})
    for name in ("model", "model.pkl"):
        with pytest.raises(ValueError, match=r"save: the path must end in one of '.nc'"):
            brainmass.save(tmp_path / name, {})


@pytest.mark.parametrize("package", ["xarray", "h5py", "h5netcdf"])
def test_missing_packages_are_named(tmp_path, monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(
        ImportError, match=rf"{package} must be installed.*pip install brainmass\[d"
    ):
        brainmass.save(tmp_path / "x.nc", {})


@pytest.mark.parametrize("name", ["model.nc", "model.zarr"])
def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch, name):
    path = brainmass.save(tmp_path / name, {"x": 1.0})

    def fail(*_, **__):
        raise OSError("disk full")

    with monkeypatch.context() as m:
        m.setattr(xarray.Dataset, "to_netcdf", fail)
        m.setattr(xarray.Dataset, "to_zarr", fail)
        with pytest.raises(OSError, match="disk full"):
            brainmass.save(path, {"x": 2.0})
    assert brainmass.load(path) == {"x": 1.0}
    brainmass.save(path, {"x": 3.0})
    assert brainmass.load(path) == {"x": 3.0}
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_files_make_nobody_import_or_run_anything():
    for module, name in (("os", "system"), ("subprocess", "Popen"), ("antigravity", "webbrowser")):
        node = {"$": "function", "name": {"module": module, "name": name}}
        attrs = {"brainmass_kind": "collection", "brainmass_description": json.dumps(node)}
        with pytest.raises(ValueError, match=f"'{name}' of module '{module}' must be defined"):
            io.from_xarray(xarray.Dataset(attrs=attrs))
        node = {"$": "object", "class": {"module": module, "name": name}, "attributes": {}}
        attrs["brainmass_description"] = json.dumps(node)
        with pytest.raises(ValueError, match="must be defined"):
            io.from_xarray(xarray.Dataset(attrs=attrs))


def test_a_lost_piece_of_a_zarr_store_is_noticed(tmp_path):
    path = brainmass.save(tmp_path / "x.zarr", {"x": np.arange(3.0)})
    chunk = next(p for p in path.glob("x/*") if not p.name.startswith("."))
    chunk.unlink()
    with pytest.raises(ValueError, match="have changed since"):
        brainmass.load(path)


def test_things_that_are_not_data_are_refused():
    with pytest.raises(TypeError, match=r"save: 'a.0' must be made of arrays.*got generator"):
        brainmass.to_xarray({"a": [(k for k in range(3))]})
    with pytest.raises(TypeError, match="got dtype object"):
        brainmass.to_xarray({"a": np.array([object()])})
    with pytest.raises(TypeError, match="being traced"):
        jax.jit(lambda x: brainmass.to_xarray({"x": x}))(1.0)


def test_labels_and_dims_of_the_wrong_number_are_refused():
    result = {"x": jnp.ones((20, 2)), "ts": np.arange(20.0) * u.ms}
    with pytest.raises(ValueError, match="labels must name the 2 regions; got 3 names"):
        brainmass.to_xarray(result, labels=["a", "b", "c"])
    with pytest.raises(ValueError, match="dims of 'x' must name its 2 axes"):
        brainmass.to_xarray(result, dims={"x": ("time",)})


def test_options_of_models_come_back():
    model = WilsonCowanStep(2, method="rk4")
    assert again(model).method == "rk4"
