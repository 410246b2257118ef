"""Files: written in one piece or not at all, and read only if they are whole."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import uuid
import warnings
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .._errors import choices
from ._datasets import FORMAT, KIND, from_xarray, need, to_xarray, xarray_module

if TYPE_CHECKING:
    import xarray

__all__ = ["info", "load", "save"]

_NETCDF = (".nc", ".nc4", ".h5", ".hdf5")
_ZARR = (".zarr",)
_CHECKSUM = "brainmass_checksum"


def save(
    path: str | os.PathLike,
    thing: Any,
    *,
    model: Any = None,
    seed: int | None = None,
    labels: Any = None,
    dims: Mapping[str, Sequence[str]] | None = None,
) -> Path:
    """Save the result of a run, a model or a fit to a file.

    The file is NetCDF or Zarr, which many programs read; nothing is pickled. It is complete or it
    is not there: what stood under that name before is replaced at the end.

    Parameters
    ----------
    path : str or path
        Ending in ``.nc`` (or ``.nc4``, ``.h5``, ``.hdf5``) for NetCDF, in ``.zarr`` for Zarr.
    thing : dict, module, Simulator, Connectome, xarray.Dataset or object with ``to_xarray``
        What :meth:`Simulator.run` returns, a model, a fit, or dicts and lists of these. A model
        is saved with its parameters, its states, its delays and the state of its noise, so that a
        run can go on after loading.
    model, seed, labels, dims
        What belongs to a result, as for :func:`to_xarray`.

    Returns
    -------
    pathlib.Path
        Where it was saved.

    Raises
    ------
    ImportError
        If the packages of the extra ``data`` are not installed.
    TypeError
        If something is not made of arrays, numbers, modules and functions.
    ValueError
        If the ending of the path is unknown.

    Examples
    --------
    >>> import brainmass, brainunit as u, pathlib, tempfile
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> sim = brainmass.Simulator(brainmass.HopfStep(2, init_x=0.1), dt=0.1 * u.ms)
    >>> result = sim.run(5 * u.ms, monitors="x", seed=1)
    >>> path = brainmass.save(folder / "run.nc", result, model=sim, seed=1)
    >>> brainmass.load(path)["x"].shape
    (50, 2)
    """
    path = Path(path).expanduser()
    suffix = _suffix("save", path)
    xarray = xarray_module("save")
    _need_engine("save", suffix)
    if isinstance(thing, xarray.Dataset):
        dataset = thing.assign_attrs({KIND: thing.attrs.get(KIND, "dataset")})
    else:
        dataset = to_xarray(thing, model=model, seed=seed, labels=labels, dims=dims)
    if not path.parent.is_dir():
        raise FileNotFoundError(
            f"save: the folder of {path.name} must exist; got '{path.parent}'. Create it first."
        )
    now = datetime.now(UTC).isoformat(timespec="seconds")
    dataset = _writable(dataset.assign_attrs(created=now))
    dataset.attrs[_CHECKSUM] = _checksum(dataset)
    part = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.part")
    try:
        _write(dataset, part, suffix)
        _replace(part, path)
    finally:
        _remove(part)
    return path


def load(path: str | os.PathLike, *, define: Mapping[str, Any] | None = None) -> Any:
    """Load what :func:`save` has saved.

    Parameters
    ----------
    path : str or path
        The file, or the folder of a Zarr store.
    define : dict, optional
        What names or places in the file mean, for functions and classes that are not found by
        name: lambdas, for example. The message of the error says which.

    Returns
    -------
    object
        What was saved, equal bit by bit. A loaded model goes on with ``init_states=False`` as the
        saved one would have. Arrays of a type that JAX has not enabled come as NumPy arrays.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is damaged, comes from elsewhere or from a newer brainmass, or refers to a class
        or function that is not defined.

    Examples
    --------
    >>> import brainmass, brainunit as u, pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "model.nc"
    >>> node = brainmass.HopfStep(2, a=0.2, init_x=0.1)
    >>> sim = brainmass.Simulator(node, dt=0.1 * u.ms)
    >>> before = sim.run(5 * u.ms, monitors="x")
    >>> path = brainmass.save(path, node)
    >>> again = brainmass.Simulator(brainmass.load(path), dt=0.1 * u.ms)
    >>> after = again.run(5 * u.ms, monitors="x", init_states=False)
    >>> after["ts"][0]
    Quantity(5.1, "ms")
    """
    return from_xarray(_read("load", Path(path).expanduser()), define=define)


def info(path: str | os.PathLike) -> dict[str, Any]:
    """Return what a file says about itself, without building what it holds.

    Parameters
    ----------
    path : str or path
        The file, or the folder of a Zarr store.

    Returns
    -------
    dict
        Kind, versions, date, and step, seed, model and parameters where they are known; a parameter
        is a pair of its value and its unit.

    Examples
    --------
    >>> import brainmass, pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "model.nc"
    >>> path = brainmass.save(path, brainmass.HopfStep(2))
    >>> facts = brainmass.io.info(path)
    >>> facts["kind"], facts["model"], list(facts["parameters"])
    ('model', "HopfStep(in_size=2, method='heun')", ['a', 'w', 'beta'])
    """
    dataset = _read("info", Path(path).expanduser())
    attrs = dict(dataset.attrs)
    facts = {"kind": attrs.get(KIND), "versions": json.loads(attrs.get("versions", "{}"))}
    facts |= {k: attrs[k] for k in ("created", "model", "dt", "seed") if k in attrs}
    facts["parameters"] = {
        re.sub(r"^(parameter|best_params)\.", "", str(name)): (
            v.values,
            v.attrs.get("units", ""),
        )
        for name, v in dataset.variables.items()
        if v.attrs.get("role") == "parameter"
    }
    return facts


def _suffix(who: str, path: Path) -> str:
    suffix = path.suffix.lower()
    if suffix not in (*_NETCDF, *_ZARR):
        raise ValueError(
            f"{who}: the path must end in one of {choices((*_NETCDF, *_ZARR))}; got '{path.name}'. "
            "Take .nc for a NetCDF file."
        )
    return suffix


def _need_engine(who: str, suffix: str) -> None:
    for name in ("zarr",) if suffix in _ZARR else ("h5netcdf", "h5py"):
        need(who, name)


# ---------------------------------------------------------------------------------------------
# Writing
# ---------------------------------------------------------------------------------------------


def _writable(dataset: xarray.Dataset) -> xarray.Dataset:
    """Return the dataset with attributes that files can hold and no conversion on the way."""
    dataset = dataset.copy()
    dataset.attrs = _plain_attributes(dataset.attrs)
    for variable in dataset.variables.values():
        variable.attrs = _plain_attributes(variable.attrs)
        variable.encoding = {"_FillValue": None} if variable.dtype.kind in "fc" else {}
    return dataset


def _plain_attributes(attrs: Mapping) -> dict[str, Any]:
    plain = {}
    for name, value in attrs.items():
        scalar = isinstance(value, str | int | float | np.number) and not isinstance(value, bool)
        array = isinstance(value, np.ndarray) and value.ndim == 1 and value.dtype.kind in "iuf"
        plain[str(name)] = value if scalar or array else json.dumps(value, default=str)
    return plain


def _write(dataset: xarray.Dataset, part: Path, suffix: str) -> None:
    if suffix in _ZARR:
        # Version 2 of the format has names of regions; version 3 has no text yet.
        dataset.to_zarr(part, mode="w", consolidated=False, zarr_format=2)
    else:
        dataset.to_netcdf(part, engine="h5netcdf")


def _replace(part: Path, path: Path) -> None:
    """Put what was written in place of what was there."""
    if part.is_dir() and path.exists():
        old = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.old")
        os.replace(path, old)
        try:
            os.replace(part, path)
        except OSError:
            os.replace(old, path)
            raise
        _remove(old)
    elif path.is_dir():
        raise IsADirectoryError(
            f"save: {path.name} must not be a folder; got one there. Choose another name."
        )
    else:
        os.replace(part, path)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _checksum(dataset: xarray.Dataset) -> str:
    """Return a digest of attributes and numbers."""
    digest = hashlib.blake2b(digest_size=16)
    for name in sorted(map(str, dataset.attrs)):
        if name != _CHECKSUM:
            digest.update(f"{name}={_text(dataset.attrs[name])};".encode())
    for name in sorted(map(str, dataset.variables)):
        data = dataset.variables[name].values
        digest.update(f"{name}{data.shape};".encode())
        if data.dtype.kind in "iufb":
            digest.update(np.ascontiguousarray(data.astype(data.dtype.newbyteorder("<"))).data)
        elif data.dtype.kind in "UOT":
            digest.update("\0".join(map(str, data.ravel())).encode())
    return digest.hexdigest()


def _text(value: Any) -> str:
    return value if isinstance(value, str) else repr(np.asarray(value).tolist())


# ---------------------------------------------------------------------------------------------
# Reading
# ---------------------------------------------------------------------------------------------


def _read(who: str, path: Path) -> xarray.Dataset:
    suffix = _suffix(who, path)
    if not path.exists():
        raise FileNotFoundError(
            f"{who}: '{path}' must be a file; got nothing there. Check the path."
        )
    xarray = xarray_module(who)
    _need_engine(who, suffix)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if suffix in _ZARR:
                dataset = xarray.load_dataset(path, engine="zarr", consolidated=False)
            else:
                dataset = xarray.load_dataset(path, engine="h5netcdf")
    except Exception as error:
        reason = str(error).partition("\n")[0][:200]
        raise ValueError(
            f"{who}: '{path.name}' must be a whole file that brainmass.save has written; got one "
            f"that cannot be read ({type(error).__name__}: {reason}). Restore it from a copy."
        ) from None
    if KIND not in dataset.attrs:
        raise ValueError(
            f"{who}: '{path.name}' must be a file that brainmass.save has written; got one from "
            "elsewhere. Open it with xarray.open_dataset."
        )
    if int(dataset.attrs.get("brainmass_format", FORMAT)) > FORMAT:
        raise ValueError(
            f"{who}: '{path.name}' must be of the file format {FORMAT} or older; got format "
            f"{dataset.attrs['brainmass_format']} of brainmass "
            f"{dataset.attrs.get('brainmass_version')}. Update brainmass."
        )
    # The store of a sweep grows while it runs, so it has no checksum.
    growing = dataset.attrs[KIND] == "SweepResult" and _CHECKSUM not in dataset.attrs
    if not growing and dataset.attrs.get(_CHECKSUM) != _checksum(dataset):
        raise ValueError(
            f"{who}: '{path.name}' must be as brainmass.save has written it; got numbers or "
            "attributes that have changed since. Restore it from a copy."
        )
    return dataset
