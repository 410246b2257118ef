"""Nested plain values and arrays as one file, bit for bit, without pickle."""

from __future__ import annotations

import json
import os
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import brainunit as u
import jax
import jax.numpy as jnp
import numpy as np

__all__ = ["Damaged", "read", "write"]

FORMAT = "brainmass fit"


class Damaged(Exception):
    """A file is not what :func:`write` wrote."""


def write(path: str | os.PathLike, content: dict[str, Any]) -> None:
    """Write a dict; a file of that name is replaced in one move, so it is never half written."""
    arrays: dict[str, np.ndarray] = {}
    text = json.dumps({"format": FORMAT, "content": _encode(content, arrays)})
    arrays["text"] = np.frombuffer(text.encode(), np.uint8)
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            np.savez(file, **arrays)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def read(path: str | os.PathLike) -> dict[str, Any]:
    """Read what :func:`write` wrote.

    Raises
    ------
    Damaged
        If the file is of another kind, or not whole.
    """
    try:
        with open(path, "rb") as stream, np.load(stream, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        text = json.loads(arrays["text"].tobytes())
        if text["format"] != FORMAT:
            raise Damaged
        return _decode(text["content"], arrays)
    except FileNotFoundError:
        raise
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise Damaged from error


def _encode(value: Any, arrays: dict[str, np.ndarray]) -> Any:
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float):
        return value
    if isinstance(value, u.Quantity):
        return {"unit": str(value.unit), "of": _encode(u.get_mantissa(value), arrays)}
    if isinstance(value, jax.Array) and jnp.issubdtype(value.dtype, jax.dtypes.prng_key):
        return {"key": _store(np.asarray(jax.random.key_data(value)), arrays)}
    if isinstance(value, np.ndarray | np.generic | jax.Array):
        return {"array": _store(np.asarray(value), arrays)}
    if isinstance(value, dict):
        return {"dict": [[name, _encode(v, arrays)] for name, v in value.items()]}
    if isinstance(value, list | tuple):
        stacked = _stacked(value)
        if stacked is not None:
            return {**stacked, "stack": _encode(stacked["stack"], arrays)}
        kind = "tuple" if isinstance(value, tuple) else "list"
        return {kind: [_encode(v, arrays) for v in value]}
    raise TypeError(f"a fit cannot store {type(value).__name__}")


def _stacked(values: list | tuple) -> dict[str, Any] | None:
    """Return a long list of like values as one array, or None."""
    if len(values) < 4 or isinstance(values, tuple):
        return None
    first = values[0]
    if all(type(v) is float for v in values):
        return {"stack": np.array(values), "each": "float"}
    if all(type(v) is int and abs(v) < 2**62 for v in values):
        return {"stack": np.array(values, np.int64), "each": "int"}
    if isinstance(first, np.ndarray) and all(
        isinstance(v, np.ndarray) and v.shape == first.shape and v.dtype == first.dtype
        for v in values
    ):
        return {"stack": np.stack(values), "each": "array"}
    if isinstance(first, u.Quantity) and all(
        isinstance(v, u.Quantity) and v.unit == first.unit for v in values
    ):
        inner = [np.asarray(u.get_mantissa(v)) for v in values]
        if len({(a.shape, a.dtype) for a in inner}) == 1:
            return {"stack": np.stack(inner), "each": "quantity", "unit": str(first.unit)}
    return None


def _store(array: np.ndarray, arrays: dict[str, np.ndarray]) -> str:
    name = f"a{len(arrays)}"
    arrays[name] = array
    return name


def _decode(value: Any, arrays: dict[str, np.ndarray]) -> Any:
    if not isinstance(value, dict):
        return value
    if "stack" in value:
        return _unstacked(value, _decode(value["stack"], arrays))
    if "unit" in value:
        return u.Quantity(_decode(value["of"], arrays), unit=u.Unit(value["unit"]))
    if "key" in value:
        return jax.random.wrap_key_data(arrays[value["key"]])
    if "array" in value:
        return arrays[value["array"]]
    if "dict" in value:
        return {name: _decode(v, arrays) for name, v in value["dict"]}
    if "tuple" in value:
        return tuple(_decode(v, arrays) for v in value["tuple"])
    return [_decode(v, arrays) for v in value["list"]]


def _unstacked(value: dict, array: np.ndarray) -> list:
    if value["each"] in ("float", "int"):
        return array.tolist()
    if value["each"] == "quantity":
        unit = u.Unit(value["unit"])
        return [u.Quantity(part, unit=unit) for part in array]
    return list(array)
