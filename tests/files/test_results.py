"""Results of runs, and whatever else is data, come back bit by bit."""

import functools
import json

import brainstate
import brainunit as u
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray
from brainstate.nn import Param
from file_cases import DT, assert_same, network

import brainmass
from brainmass import io

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
