"""How values are written: keys, texts, arrays, quantities, units, containers, functions."""

from __future__ import annotations

import base64
import functools
from typing import Any

import brainunit as u
import jax
import jax.numpy as jnp
import numpy as np

from ._codec import Reader, Writer, handles, join
from ._names import name_of


def _is_key(value) -> bool:
    return isinstance(value, jax.Array) and jnp.issubdtype(value.dtype, jax.dtypes.prng_key)


@handles("key", _is_key)
class _Key:
    @staticmethod
    def write(writer: Writer, value, where):
        return {
            "algorithm": str(jax.random.key_impl(value)),
            "data": writer.array(jax.random.key_data(value), where),
        }

    @staticmethod
    def read(reader: Reader, node, where):
        return jax.random.wrap_key_data(reader.array(node["data"]), impl=node["algorithm"])


def _is_text(value) -> bool:
    return isinstance(value, np.ndarray | np.generic) and value.dtype.kind == "U"


@handles("text", _is_text)
class _Text:
    @staticmethod
    def write(writer, value, where):
        return {"values": value.tolist(), "scalar": isinstance(value, np.generic)}

    @staticmethod
    def read(reader, node, where):
        values = np.array(node["values"], dtype=str)
        return values[()] if node["scalar"] else values


@handles("array", lambda value: isinstance(value, jax.Array | np.ndarray | np.generic))
class _Array:
    @staticmethod
    def write(writer, value, where):
        return writer.array(value, where)

    @staticmethod
    def read(reader, node, where):
        return reader.array(node)


@handles("quantity", lambda value: isinstance(value, u.Quantity))
class _Quantity:
    @staticmethod
    def write(writer, value, where):
        mantissa = value.mantissa
        if isinstance(mantissa, jax.Array | np.ndarray | np.generic):
            number = writer.array(mantissa, where, units=str(value.unit))
        else:
            number = writer.write(mantissa, where)
        return {"unit": _write_unit(value.unit), "value": number}

    @staticmethod
    def read(reader, node, where):
        return u.Quantity(reader.read(node["value"], where), unit=_read_unit(node["unit"]))


@handles("unit", lambda value: isinstance(value, u.Unit))
class _Unit:
    @staticmethod
    def write(writer, value, where):
        return {"unit": _write_unit(value)}

    @staticmethod
    def read(reader, node, where):
        return _read_unit(node["unit"])


def _write_unit(unit: u.Unit) -> Any:
    """Return the name of a unit, or its definition if the name alone does not give it back."""
    try:
        if u.Unit(str(unit)) == unit:
            return str(unit)
    except (ValueError, TypeError):
        pass
    numbers = [float(x) for x in unit.dim._dims]
    definition = {"dimensions": numbers, "scale": float(unit.scale), "factor": float(unit.factor)}
    return definition | {"name": unit.name, "symbol": unit.dispname}


def _read_unit(node: Any) -> u.Unit:
    if isinstance(node, str):
        return u.Unit(node)
    return u.Unit(
        u.get_or_create_dimension(node["dimensions"]),
        scale=node["scale"],
        factor=node["factor"],
        name=node["name"],
        dispname=node["symbol"],
    )


@handles("tuple", lambda value: type(value) is tuple)
class _Tuple:
    @staticmethod
    def write(writer, value, where):
        return {"items": [writer.write(v, join(where, k)) for k, v in enumerate(value)]}

    @staticmethod
    def read(reader, node, where):
        return tuple(reader.read(node["items"], where))


@handles("namedtuple", lambda value: isinstance(value, tuple) and hasattr(value, "_fields"))
class _NamedTuple:
    @staticmethod
    def write(writer, value, where):
        items = {n: writer.write(getattr(value, n), join(where, n)) for n in value._fields}
        return {"class": name_of(type(value)), "items": items}

    @staticmethod
    def read(reader, node, where):
        cls = reader.find.cls(node["class"], where)
        return cls(**reader.read(node["items"], where))


@handles("dict", lambda value: type(value) is dict)
class _Dict:
    @staticmethod
    def write(writer, value, where):
        return {
            "items": [
                [writer.write(k, join(where, "key")), writer.write(v, join(where, k))]
                for k, v in value.items()
            ]
        }

    @staticmethod
    def read(reader, node, where):
        pairs = [(reader.read(k), v) for k, v in node["items"]]
        return {k: reader.read(v, join(where, k)) for k, v in pairs}


@handles("bytes", lambda value: isinstance(value, bytes))
class _Bytes:
    @staticmethod
    def write(writer, value, where):
        return {"base64": base64.b64encode(value).decode()}

    @staticmethod
    def read(reader, node, where):
        return base64.b64decode(node["base64"])


@handles("set", lambda value: type(value) in (set, frozenset))
class _Set:
    @staticmethod
    def write(writer, value, where):
        items = [writer.write(item, where) for item in sorted(value, key=repr)]
        return {"items": items, "frozen": isinstance(value, frozenset)}

    @staticmethod
    def read(reader, node, where):
        return (frozenset if node["frozen"] else set)(reader.read(node["items"], where))


@handles("complex", lambda value: type(value) is complex)
class _Complex:
    @staticmethod
    def write(writer, value, where):
        return {"parts": [writer.write(value.real), writer.write(value.imag)]}

    @staticmethod
    def read(reader, node, where):
        return complex(*reader.read(node["parts"]))


@handles("dtype", lambda value: isinstance(value, np.dtype))
class _Dtype:
    @staticmethod
    def write(writer, value, where):
        return {"name": value.name}

    @staticmethod
    def read(reader, node, where):
        return jnp.dtype(node["name"])


@handles("ellipsis", lambda value: value is ...)
class _Ellipsis:
    @staticmethod
    def write(writer, value, where):
        return {}

    @staticmethod
    def read(reader, node, where):
        return ...


@handles("partial", lambda value: isinstance(value, functools.partial))
class _Partial:
    @staticmethod
    def write(writer, value, where):
        parts = (value.func, list(value.args), value.keywords)
        return {"parts": [writer.write(part, where) for part in parts]}

    @staticmethod
    def read(reader, node, where):
        function, args, keywords = (reader.read(part, where) for part in node["parts"])
        return functools.partial(function, *args, **keywords)


@handles("class", lambda value: isinstance(value, type))
class _Class:
    @staticmethod
    def write(writer, value, where):
        return {"name": name_of(value)}

    @staticmethod
    def read(reader, node, where):
        return reader.find.cls(node["name"], where)


def _is_function(value) -> bool:
    return callable(value) and hasattr(value, "__name__") and not isinstance(value, type)


@handles("function", _is_function)
class _Function:
    @staticmethod
    def write(writer, value, where):
        return {"name": name_of(value)}

    @staticmethod
    def read(reader, node, where):
        return reader.find.function(node["name"], where)
