"""Things as xarray datasets: labelled dimensions, units, and the description as attributes."""

from __future__ import annotations

import importlib
import json
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

import brainstate
import brainunit as u
import numpy as np

from .._errors import choices
from .._version import __version__
from ..connectome import Connectome
from ..simulator import Simulator
from . import _values  # noqa: F401 - it registers what can be written
from ._codec import Reader, Writer
from ._layout import Layout, leaves_of, model_of, wished_names
from ._models import is_transformed
from ._names import Finder

if TYPE_CHECKING:
    import xarray

__all__ = ["from_xarray", "register", "to_xarray"]

FORMAT = 1
KIND, DESCRIPTION = "brainmass_kind", "brainmass_description"
_PACKAGES = ("brainmass", "brainstate", "brainunit", "jax", "numpy")
_TIME = ("ts", "time")

_kinds: dict[str, str | type] = {
    "FitResult": "brainmass.fitter",
    "SweepResult": "brainmass.sweeps",
}
"""Kinds of things that write themselves, and the class or the module that has it."""


def register(kind: str, cls: type) -> None:
    """Let :func:`save` and :func:`load` know a class that writes and reads itself.

    Parameters
    ----------
    kind : str
        Name of the class in files.
    cls : type
        It has ``to_xarray()``, which returns a dataset, and a class method
        ``from_xarray(dataset)``.

    Examples
    --------
    >>> import brainmass, xarray, numpy as np
    >>> class Curve:
    ...     def __init__(self, y):
    ...         self.y = y
    ...     def to_xarray(self):
    ...         return xarray.Dataset({"y": ("x", self.y)})
    ...     @classmethod
    ...     def from_xarray(cls, dataset):
    ...         return cls(dataset["y"].values)
    >>> brainmass.io.register("Curve", Curve)
    """
    for name in ("to_xarray", "from_xarray"):
        if not callable(getattr(cls, name, None)):
            raise TypeError(
                f"io.register: the class must have to_xarray and from_xarray; got {cls!r} "
                f"without {name}. Write both."
            )
    _kinds[kind] = cls


def xarray_module(who: str) -> Any:
    """Return xarray, or say how to get it."""
    return need(who, "xarray")


def need(who: str, name: str) -> Any:
    """Return a package of the extra ``data``, or say how to get it."""
    try:
        return importlib.import_module(name)
    except ImportError:
        raise ImportError(
            f"{who}: the package {name} must be installed; got none. Run "
            "`pip install brainmass[data]`."
        ) from None


def to_xarray(
    thing: Any,
    *,
    model: Any = None,
    seed: int | None = None,
    labels: Any = None,
    dims: Mapping[str, Sequence[str]] | None = None,
) -> xarray.Dataset:
    """Return the result of a run, a model or a fit as a labelled dataset.

    Parameters
    ----------
    thing : dict, module, Simulator, Connectome or object with ``to_xarray``
        What :meth:`Simulator.run` returns, a model, or anything made of these and of arrays.
    model : module or Simulator, optional
        What a result came from: its parameters become variables ``parameter.<name>``, and the step
        of a simulator becomes an attribute.
    seed : int, optional
        Seed of the run, kept as an attribute.
    labels : sequence of str or Connectome, optional
        Names of the regions.
    dims : dict, optional
        Names of the dimensions of some variables, where the default guesses wrong.

    Returns
    -------
    xarray.Dataset
        For a result: dimensions ``time`` (with the times in ms), ``batch`` and ``region``; an entry
        with times of its own, ``'<name>.ts'``, has the dimension ``time_<name>``. Variables carry
        their unit in ``attrs["units"]``. :func:`brainmass.io.from_xarray` gives the thing back.

    Raises
    ------
    ImportError
        If xarray is not installed.
    TypeError
        If something is not made of arrays, numbers, modules and functions.

    Examples
    --------
    >>> import brainmass, brainunit as u
    >>> node = brainmass.JansenRitStep(2)
    >>> result = brainmass.Simulator(node, dt=0.1 * u.ms).run(5 * u.ms, monitors=["E", "I"])
    >>> dataset = brainmass.to_xarray(result, labels=["V1", "MT"])
    >>> dataset["E"].dims, dataset["E"].attrs["units"]
    (('time', 'region'), 'mV')
    >>> float(dataset["E"].sel(region="MT", time=5.0)) == float(result["E"][-1, 1] / u.mV)
    True
    """
    xarray = xarray_module("to_xarray")
    if isinstance(thing, xarray.Dataset):
        return thing
    if hasattr(thing, "to_xarray") and not isinstance(thing, dict | brainstate.nn.Module):
        return _written_by_itself(thing)
    kind = _kind_of(thing)
    writer = Writer()
    if kind == "result":
        writer.names = wished_names(thing)
    description = writer.write(thing)
    layout = Layout.of(thing, kind, model, labels, dims or {})
    if kind == "result":
        layout.learn({name: data.shape for name, (data, _) in writer.arrays.items()})
    variables, coords = {}, {}
    for name, (data, attrs) in writer.arrays.items():
        entry = (layout.dims(name, data.shape), data, attrs)
        (coords if entry[0] == (name,) else variables)[name] = entry
    if layout.labels is not None and "region" in layout.sizes:
        coords["region"] = ("region", list(layout.labels))
    attrs = _attributes(kind, model if kind == "result" else thing, seed)
    attrs[DESCRIPTION] = json.dumps(description, separators=(",", ":"))
    own = thing if kind in ("model", "simulator") else None
    variables |= _parameters(own or model, layout, {*variables, *coords}, every=own is None)
    return xarray.Dataset(variables, coords=coords, attrs=attrs)


def from_xarray(dataset: xarray.Dataset, *, define: Mapping[str, Any] | None = None) -> Any:
    """Return the thing that a dataset of :func:`to_xarray` was made from.

    Parameters
    ----------
    dataset : xarray.Dataset
        As :func:`to_xarray` returned it, or read from a file.
    define : dict, optional
        What names or places that the dataset refers to mean, for functions and classes that
        cannot be found by name: lambdas, for example.

    Returns
    -------
    object
        The result, model or fit, equal to the original bit by bit.

    Raises
    ------
    ValueError
        If the dataset does not come from :func:`to_xarray`, or refers to a class or function that
        is not defined.

    Examples
    --------
    >>> import brainmass
    >>> node = brainmass.HopfStep(2, a=0.3)
    >>> brainmass.io.from_xarray(brainmass.to_xarray(node))
    HopfStep(in_size=2, method='heun')
    """
    kind = dataset.attrs.get(KIND)
    if kind is None:
        raise ValueError(
            "load: the dataset must come from brainmass.to_xarray; got one without the attribute "
            f"'{KIND}'. Read it with xarray.open_dataset and use its variables."
        )
    if kind in _kinds:
        return _class_of(kind).from_xarray(dataset)
    if kind == "dataset":
        return dataset
    if DESCRIPTION not in dataset.attrs:
        raise ValueError(
            f"load: a dataset of the kind '{kind}' must be known; got {choices(_kinds)} as known. "
            "Import the package that defines it, or call io.register."
        )
    arrays = {
        str(name): np.asarray(variable.values) for name, variable in dataset.variables.items()
    }
    reader = Reader(arrays, Finder(dict(define or {})))
    try:
        thing = reader.read(json.loads(dataset.attrs[DESCRIPTION]))
    except (KeyError, json.JSONDecodeError) as error:
        raise ValueError(
            f"load: the description must be one that brainmass {__version__} can read; got one of "
            f"{dataset.attrs.get('brainmass_version', 'an unknown version')} that mentions "
            f"{error}. Install that version."
        ) from None
    for restore in reader.last:
        restore()
    return thing


def _written_by_itself(thing: Any) -> xarray.Dataset:
    dataset = thing.to_xarray()
    kind = type(thing).__name__
    found = next((k for k in _kinds if _kinds[k] is type(thing)), kind)
    return dataset.assign_attrs({KIND: dataset.attrs.get(KIND, found), **_versions()})


def _class_of(kind: str) -> Any:
    known = _kinds[kind]
    return getattr(importlib.import_module(known), kind) if isinstance(known, str) else known


def _kind_of(thing: Any) -> str:
    if isinstance(thing, dict):
        timed = any(isinstance(key, str) and f".{key}".endswith(".ts") for key in thing)
        return "result" if timed else "collection"
    kinds = {Simulator: "simulator", Connectome: "connectome", brainstate.nn.Module: "model"}
    return next((name for cls, name in kinds.items() if isinstance(thing, cls)), "collection")


def _versions() -> dict[str, Any]:
    versions = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = "unknown"
    return {
        "brainmass_version": __version__,
        "brainmass_format": FORMAT,
        "versions": json.dumps(versions),
    }


def _attributes(kind: str, source: Any, seed: int | None) -> dict[str, Any]:
    attrs = {KIND: kind, **_versions()}
    dt = source.dt if isinstance(source, Simulator) else None
    if dt is None and hasattr(model_of(source), "_clock"):
        dt = model_of(source)._clock.dt * u.ms
    if dt is not None:
        attrs["dt"] = f"{float(u.Quantity(dt).to_decimal(u.ms))!r} ms"
    if source is not None and kind != "collection":
        attrs["model"] = repr(model_of(source)).partition("\n")[0]
    if seed is not None:
        attrs["seed"] = int(seed)
    return attrs


def _parameters(model: Any, layout: Layout, taken: set[str], every: bool) -> dict[str, Any]:
    """Return parameters as variables, all or those that a model stores before a transform."""
    if model is None:
        return {}
    variables = {}
    for path, parameter in model_of(model).nodes(brainstate.nn.Param).items():
        if not every and not is_transformed(parameter):
            continue
        name = ".".join(["parameter", *map(str, path)])
        facts = {"role": "parameter", "fitted": int(parameter.fit)}
        for leaf in leaves_of(parameter.value()):
            data, unit = np.asarray(u.get_mantissa(leaf)), u.get_unit(leaf)
            while name in taken:
                name += "_"
            taken.add(name)
            units = {} if unit.is_unitless else {"units": str(unit)}
            variables[name] = (layout.dims(name, data.shape), data, facts | units)
    return variables
