"""How models are written: what they declare, their parameters, and where they stand."""

from __future__ import annotations

import dataclasses
from typing import Any

import brainstate
import brainunit as u
import numpy as np
from brainstate.nn import Param

from .._param import DeclaredParam
from ..connectome import Connectome
from ..coupling import Coupling
from ..dynamics import NeuralMass
from ..network import Network
from ..network._reading import Expression, OfStates
from ..simulator import Simulator
from ._codec import Reader, Writer, handles, join
from ._names import name_of

# What brainstate keeps in every module, empty unless somebody uses it.
_PLUMBING = ("_name", "_in_size", "_out_size", "_before_updates", "_after_updates")
# What is found again when it is needed.
_CACHES = ("_wirings", "_units")


def is_transformed(parameter: Param) -> bool:
    """Whether the value of a parameter is not what it stores."""
    return type(parameter.t) is not brainstate.nn.IdentityT or parameter.precompute is not None


@handles("param", lambda value: isinstance(value, Param), shared=True)
class _Param:
    """A parameter: its value as it is stored, before the transform, so that no bit changes."""

    @staticmethod
    def write(writer: Writer, value, where):
        stored = writer.write(value.val.value if value.fit else value.val, where)
        node = {"fit": bool(value.fit), "value": stored}
        facts = {"role": "parameter", "fitted": int(value.fit)}
        if is_transformed(value):
            facts["role"] = "parameter before its transform"
        if isinstance(value, DeclaredParam):
            facts["long_name"] = value.spec.doc
        writer.mark(stored, **facts)
        if type(value.t) is not brainstate.nn.IdentityT:
            node["transform"] = writer.write(value.t, join(where, "transform"))
        if value.reg is not None:
            node["regularization"] = writer.write(value.reg, join(where, "regularization"))
        if value.precompute is not None:
            node["precompute"] = writer.write(value.precompute, join(where, "precompute"))
        if isinstance(value, DeclaredParam):
            node["declared"] = writer.write(value.spec, join(where, "spec"))
            node["owner"], node["fits"] = value.owner, list(value.fits)
        return node

    @staticmethod
    def read(reader: Reader, node, where):
        raw = reader.read(node["value"], where)
        parameter: Any = Param(raw, fit=node["fit"])
        if "transform" in node:
            parameter.t = reader.read(node["transform"], join(where, "transform"))
        if "regularization" in node:
            parameter.reg = reader.read(node["regularization"], join(where, "regularization"))
        if "precompute" in node:
            parameter.precompute = reader.read(node["precompute"], join(where, "precompute"))
        if "declared" in node:
            parameter.__class__ = DeclaredParam
            parameter.spec = reader.read(node["declared"], join(where, "spec"))
            parameter.owner, parameter.fits = node["owner"], tuple(node["fits"])

        def restore() -> None:
            if node["fit"]:
                parameter.val.value = raw
            else:
                parameter.val = raw

        restore()
        reader.last.append(restore)  # a constructor may set the value again, through the transform
        return parameter


@handles("state", lambda value: isinstance(value, brainstate.State), shared=True)
class _State:
    @staticmethod
    def write(writer, value, where):
        return {"class": name_of(type(value)), "value": writer.write(value.value, where)}

    @staticmethod
    def read(reader, node, where):
        cls = reader.find.cls(node["class"], where)
        return cls(reader.read(node["value"], where))


def _is_declared(value) -> bool:
    return isinstance(value, NeuralMass) and type(value).__init__ is NeuralMass.__init__


@handles("model", _is_declared, shared=True)
class _NeuralMass:
    """A neural mass: class, size, method, options, parameters, noise, start, states, clock."""

    @staticmethod
    def write(writer, value, where):
        kinds = value.declaration
        parts = {
            "options": list(kinds.options),
            "parameters": list(kinds.params),
            "noise": list(kinds.noise_slots),
            "initial": [f"init_{name}" for name in kinds.states],
            "states": [name for name in kinds.states if name in vars(value)],
        }
        node = {
            "class": name_of(type(value)),
            "declares": _declared(type(value)),
            "in_size": list(value.varshape),
            "method": value.method,
        }
        for part, names in parts.items():
            node[part] = {
                name: writer.write(_plain(getattr(value, name)), join(where, name))
                for name in names
            }
        for name, state in node["states"].items():
            writer.mark(state, role="state", long_name=kinds.states[name].doc)
        known = {"method", *(name for names in parts.values() for name in names)}
        return node | _rest(writer, value, known, where)

    @staticmethod
    def read(reader, node, where):
        cls = reader.find.model(node["class"], where)
        if (found := _declared(cls)) != node["declares"]:
            raise ValueError(
                f"load: the model '{cls.__name__}' must declare what it declared when it was "
                f"saved, {_words(node['declares'])}; got {_words(found)}. Define that model again."
            )
        settings = {}
        for part in ("options", "parameters", "noise", "initial"):
            for name, item in node[part].items():
                settings[name] = reader.read(item, join(where, name))
        model = cls(tuple(node["in_size"]), method=node["method"], **settings)
        for name, item in node["states"].items():
            state = reader.read(item, join(where, name))
            setattr(model, name, brainstate.HiddenState(state))
        return _restore_rest(reader, node, model, where)


def _plain(value):
    """Return the value of a state; everything else as it is."""
    return value.value if isinstance(value, brainstate.HiddenState) else value


def _declared(cls: type[NeuralMass]) -> dict:
    kinds = cls.declaration
    return {
        "parameters": {name: str(spec.unit) for name, spec in kinds.params.items()},
        "states": {name: str(spec.unit) for name, spec in kinds.states.items()},
    }


def _words(declares: dict) -> str:
    return " and ".join(
        f"{kind} {', '.join(f'{n} [{unit}]' for n, unit in names.items()) or '(none)'}"
        for kind, names in declares.items()
    )


def _rest(writer: Writer, value: Any, known: set[str], where: str) -> dict:
    """Write what a model holds beside what its class says."""
    rest = {
        name: item
        for name, item in vars(value).items()
        if name not in {*known, *_CACHES, "_in_size", "_out_size"}
        and not (name in _PLUMBING and item is None)
    }
    return {"rest": {n: writer.write(v, join(where, n)) for n, v in rest.items()}} if rest else {}


def _restore_rest(reader: Reader, node: dict, model: Any, where: str) -> Any:
    reader.remember(node, model)
    for name, item in node.get("rest", {}).items():
        vars(model)[name] = reader.read(item, join(where, name))
    return model


@handles("network", lambda value: type(value) is Network, shared=True)
class _Network:
    """A network: node, weights, lengths and speed, couplings, noise, history, clock."""

    @staticmethod
    def write(writer, value, where):
        source = value._source
        if isinstance(source, OfStates):
            source = source.function
        elif isinstance(source, Expression):
            source = f"{source.first} {source.sign} {source.second}"
        parts = {
            "node": value.node,
            "conn": value.conn,
            "distance": value.distance,
            "speed": value.speed,
            "speed_range": value.speed_range,
            "coupling": list(value.couplings),
            "coupled_var": value.coupled_var,
            "source": source,
            "target": value._target,
            "delay_init": value.delay_init,
            "self_connection": value.self_connection,
            "noise": value.noise,
        }
        if value._edges is not None:
            parts["edges"] = (value._edges.target, value._edges.source)
        known = {*parts, "_source", "_target", "_edges", "n_node"}
        node = {name: writer.write(part, join(where, name)) for name, part in parts.items()}
        node["several"] = isinstance(value.coupling, tuple)
        return node | _rest(writer, value, known, where)

    @staticmethod
    def read(reader, node, where):
        own = {"$", "id", "several", "rest"}
        parts = {k: reader.read(v, join(where, k)) for k, v in node.items() if k not in own}
        distance, speed, limits = (parts.pop(k) for k in ("distance", "speed", "speed_range"))
        coupled_var = parts.pop("coupled_var")
        coupling = parts.pop("coupling")
        coupling = coupling if node["several"] else coupling[0]
        lengths = None
        if speed is not None:
            unit, start = speed.spec.unit, speed.spec
            bare = unit.is_unitless
            lengths = distance if bare else u.Quantity(distance, unit=unit * u.ms)
        edges, weights = parts.pop("edges", None), parts["conn"]
        if edges is not None:
            parts["conn"] = _sparse(edges, parts["node"].varshape[0])
        net = Network(**parts, coupling=coupling, distance=lengths, speed=speed)
        if edges is not None:
            vars(net)["conn"] = weights
        # As they were read when the network was built, to the bit.
        vars(net).update(distance=distance, speed_range=limits, coupled_var=coupled_var)
        if speed is not None:
            speed.spec = start
        return _restore_rest(reader, node, net, where)


def _sparse(edges, nodes: int):
    """Return a sparse matrix with ones at the edges."""
    from scipy.sparse import coo_array

    target, source = map(np.asarray, edges)
    return coo_array((np.ones(target.size), (target, source)), shape=(nodes, nodes))


def _is_coupling(value) -> bool:
    return isinstance(value, Coupling) and type(value).__init__ is Coupling.__init__


@handles("coupling", _is_coupling, shared=True)
class _Coupling:
    @staticmethod
    def write(writer, value, where):
        parts = {"source": value.source, "target": value.target, "parts": value._parts}
        parts["parameters"] = {name: getattr(value, name) for name in value.defaults}
        node = {name: writer.write(part, join(where, name)) for name, part in parts.items()}
        known = {*parts, "_parts", *value.defaults}
        return {"class": name_of(type(value)), **node} | _rest(writer, value, known, where)

    @staticmethod
    def read(reader, node, where):
        cls = reader.find.cls(node["class"], where, among=Coupling)
        names = ("source", "target", "parts", "parameters")
        source, target, parts, given = (reader.read(node[n], join(where, n)) for n in names)
        if set(given) != set(cls.defaults):
            raise ValueError(
                f"load: the coupling '{cls.__name__}' must have the parameters "
                f"{', '.join(given)}; got {', '.join(cls.defaults)}. Define it as it was."
            )
        coupling = cls(*parts.values(), source=source, target=target, **given)
        return _restore_rest(reader, node, coupling, where)


@handles("connectome", lambda value: isinstance(value, Connectome))
class _Connectome:
    @staticmethod
    def write(writer, value, where):
        fields = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
        return {"fields": {n: writer.write(v, join(where, n)) for n, v in fields.items()}}

    @staticmethod
    def read(reader, node, where):
        return Connectome(**reader.read(node["fields"], where))


@handles("simulator", lambda value: type(value) is Simulator, shared=True)
class _Simulator:
    @staticmethod
    def write(writer, value, where):
        return {"model": writer.write(value.model, where), "dt": writer.write(value.dt)}

    @staticmethod
    def read(reader, node, where):
        return Simulator(reader.read(node["model"], where), dt=reader.read(node["dt"]))


def _is_object(value) -> bool:
    """Whether attributes are all that a thing is made of."""
    builtin = isinstance(value, dict | list | tuple | set | frozenset | type | np.ndarray)
    slots = any(vars(cls).get("__slots__") for cls in type(value).__mro__)
    return hasattr(value, "__dict__") and not builtin and not slots


@handles("object", _is_object, shared=True)
class _Object:
    """Anything else that is made of attributes: other modules, transforms, initialisers."""

    @staticmethod
    def write(writer, value, where):
        attributes = {
            name: item
            for name, item in vars(value).items()
            if not (name in _PLUMBING and item is None)
        }
        attributes |= {name: {} for name in _CACHES if name in attributes}
        return {
            "class": name_of(type(value)),
            "attributes": {n: writer.write(v, join(where, n)) for n, v in attributes.items()},
        }

    @staticmethod
    def read(reader, node, where):
        cls = reader.find.cls(node["class"], where)
        made = object.__new__(cls)
        reader.remember(node, made)
        if isinstance(made, brainstate.nn.Module):
            vars(made).update(dict.fromkeys(_PLUMBING))
        for name, item in node["attributes"].items():
            vars(made)[name] = reader.read(item, join(where, name))
        return made
