"""Damaged and foreign files are refused, and nothing in a file is executed."""

import json
import sys

import brainunit as u
import h5py
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray
from file_cases import network

import brainmass
from brainmass import io


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
