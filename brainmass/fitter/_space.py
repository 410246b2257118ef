"""The trainable parameters of a model, as the plain scaled numbers that an optimiser sees.

Three forms of one point:

* *values*: what the model means and the user reads, ``Param.value()``, with units;
* *raw*: what a ``ParamState`` holds, in the unconstrained space of the transform, maybe with units;
* *theta*: raw without units, divided by a scale, so that a step of an optimiser means the same
  whether a potential was given in mV or in V.
"""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from typing import Any

import brainstate
import brainunit as u
import jax
import jax.numpy as jnp
import numpy as np
from brainstate.nn import ClipT, IdentityT, Param, ReluT, SoftsignT

from brainmass._errors import UnitError, choices

__all__ = ["Entry", "Space"]


def is_quantity(value: Any) -> bool:
    """Whether a pytree should be cut here."""
    return isinstance(value, u.Quantity)


def map_leaves(function, tree, *rest):
    """Map over arrays and whole quantities."""
    return jax.tree.map(function, tree, *rest, is_leaf=is_quantity)


def nodes_of(model: Any) -> dict[tuple, Any]:
    """Return all modules inside a model by path, itself included."""
    return dict(model.nodes().items())


def states_of(model: Any) -> dict[tuple, Any]:
    """Return all states inside a model by path."""
    return dict(model.states().items())


@dataclass(frozen=True)
class Entry:
    """One trainable parameter.

    Attributes
    ----------
    name : str
        Dotted path in the model.
    state : brainstate.ParamState
        Where its raw value is stored.
    param : brainstate.nn.Param or None
        The module around it; None for a bare ``ParamState``, such as that of a linear layer.
    units : pytree
        Unit of each leaf of the raw value.
    scales : pytree
        Number, in that unit, that is 1 in theta.
    """

    name: str
    state: brainstate.ParamState
    param: Param | None
    units: Any
    scales: Any

    @classmethod
    def of(cls, name: str, state: brainstate.ParamState, param: Param | None) -> Entry:
        """Read unit and scale of a parameter as it is now."""
        for leaf in jax.tree.leaves(state.value):
            if not jnp.issubdtype(jnp.result_type(leaf), jnp.floating):
                raise TypeError(
                    f"Fitter: parameter '{name}' must hold real floating-point numbers to be "
                    f"fitted; got dtype {jnp.result_type(leaf)}. Set fit=False or convert it."
                )
        units = map_leaves(u.get_unit, state.value)
        scales = map_leaves(lambda leaf: _scale(leaf, param), state.value)
        return cls(name, state, param, units, scales)

    @property
    def spec(self) -> Any:
        """Declaration of the parameter, None if it has none."""
        return getattr(self.param, "spec", None)

    @property
    def transform(self) -> Any:
        """Transform of the parameter, None if it has none."""
        return getattr(self.param, "t", None)

    def theta(self, raw: Any) -> Any:
        """Return raw as plain scaled numbers."""
        return map_leaves(
            lambda leaf, unit, scale: _mantissa(leaf, unit) / scale, raw, self.units, self.scales
        )

    def raw(self, theta: Any) -> Any:
        """Return theta with scale and unit put back."""
        return jax.tree.map(
            lambda leaf, unit, scale: attach(leaf * scale, unit), theta, self.units, self.scales
        )

    def values(self, raw: Any) -> Any:
        """Return raw as the model means it."""
        return raw if self.param is None else self.param.t.forward(raw)

    def invert(self, values: Any) -> Any:
        """Return the raw form of values, inside a trace or out of it."""
        return values if self.param is None else self.param.t.inverse(values)

    def project(self, theta: Any) -> Any:
        """Move theta into the mathematical domain of a declared parameter."""
        limits = _domain(self)
        if limits is None:
            return theta
        low, high = limits
        return jax.tree.map(
            lambda leaf, scale: jnp.clip(
                leaf,
                None if low is None else low / scale,
                None if high is None else high / scale,
            ),
            theta,
            self.scales,
        )

    def read(self, value: Any) -> Any:
        """Return a value given by the user in unit, shape and dtype of this parameter."""
        old = self.values(self.state.value)
        if jax.tree.structure(value, is_leaf=is_quantity) != jax.tree.structure(
            old, is_leaf=is_quantity
        ):
            raise TypeError(
                f"Fitter: parameter '{self.name}' must have the structure of its current value; "
                f"got {type(value).__name__}. Pass what best_params holds under this name."
            )
        return map_leaves(lambda new, leaf: self._fitting(new, leaf), value, old)

    def inside(self, values: Any) -> bool:
        """Whether values lie in a range that the inverse of the transform does not tell by NaN."""
        last = _last(self.transform)
        if not isinstance(last, ClipT | ReluT | SoftsignT):
            return True
        found = self.values(self.invert(values))
        pairs = zip(jax.tree.leaves(values), jax.tree.leaves(found), strict=True)
        width = np.asarray(u.get_mantissa(getattr(last, "width", 0.0)))
        return all(
            np.all(np.abs(a - b) <= 1e-4 * np.maximum(np.abs(a), width))
            for a, b in ((np.asarray(a), np.asarray(b)) for a, b in pairs)
        )

    def _fitting(self, new: Any, old: Any) -> Any:
        unit, wanted = u.get_unit(new), u.get_unit(old)
        if not u.have_same_dim(unit, wanted):
            raise UnitError(
                f"Fitter: parameter '{self.name}' must be in [{wanted}]; got [{unit}]. "
                "Convert or correct it."
            )
        number = np.asarray(u.get_mantissa(u.Quantity(new).in_unit(wanted)))
        shape, dtype = np.shape(old), jnp.result_type(old)
        try:
            number = np.broadcast_to(number, shape).astype(dtype)
        except ValueError:
            raise ValueError(
                f"Fitter: parameter '{self.name}' must have shape {shape}; got {number.shape}. "
                "Pass a scalar or an array of that shape."
            ) from None
        return attach(jnp.asarray(number), wanted)


class Space:
    """All trainable parameters of a model, in a fixed order.

    Parameters
    ----------
    model : brainstate.nn.Module
        A model with at least one ``ParamState``.
    """

    def __init__(self, model: brainstate.nn.Module):
        modules = {
            id(param.val): (path, param)
            for path, param in nodes_of(model).items()
            if isinstance(param, Param) and isinstance(param.val, brainstate.ParamState)
        }
        self.entries: dict[str, Entry] = {}
        for path, state in states_of(model).items():
            if not isinstance(state, brainstate.ParamState):
                continue
            path, param = modules.get(id(state), (path, None))
            name = ".".join(str(part) for part in path) or "value"
            self.entries[name] = Entry.of(name, state, param)
        if not self.entries:
            raise ValueError(
                f"Fitter: {type(model).__name__} must have at least one trainable parameter; got "
                "none. Wrap a value in Param(value, fit=True)."
            )

    @property
    def names(self) -> list[str]:
        """Names of the parameters."""
        return list(self.entries)

    def entry(self, name: str) -> Entry:
        """Return the parameter of a name."""
        if name not in self.entries:
            raise ValueError(
                f"Fitter: parameter must be one of {choices(self.names)}; got {name!r}. "
                "Choose one of them."
            )
        return self.entries[name]

    def current(self) -> dict[str, Any]:
        """Return theta of the values that the model holds now."""
        return {
            name: jax.tree.map(_strong, entry.theta(entry.state.value))
            for name, entry in self.entries.items()
        }

    def check(self) -> None:
        """Refuse a present value that is not finite, as one outside of its transform becomes."""
        for name, entry in self.entries.items():
            _check_edge(name, entry)
            leaves = jax.tree.leaves(jax.device_get(entry.state.value))
            if all(np.all(np.isfinite(np.asarray(leaf))) for leaf in leaves):
                continue
            transform, span = entry.transform, "finite"
            if hasattr(transform, "lower") and hasattr(transform, "width"):
                span = f"strictly between {transform.lower} and {transform.lower + transform.width}"
            elif transform is not None and not isinstance(transform, IdentityT):
                span = f"inside the range of its {type(transform).__name__}"
            raise ValueError(
                f"Fitter: parameter '{name}' must start {span}; got one that is not, or NaN. "
                "Start inside, or take a transform with other bounds."
            )

    def raw(self, theta: dict[str, Any]) -> dict[str, Any]:
        """Return what the parameter states hold at theta."""
        return {name: entry.raw(theta[name]) for name, entry in self.entries.items()}

    def values(self, theta: dict[str, Any]) -> dict[str, Any]:
        """Return the parameters at theta as the model means them."""
        return {n: e.values(r) for (n, e), r in self._with(self.raw(theta))}

    def theta_of(self, values: dict[str, Any]) -> dict[str, Any]:
        """Return theta of parameters as the model means them."""
        return {n: e.theta(e.invert(v)) for (n, e), v in self._with(values)}

    def project(self, theta: dict[str, Any]) -> dict[str, Any]:
        """Move theta into the mathematical domains of the declarations."""
        return {n: e.project(t) for (n, e), t in self._with(theta)}

    def write(self, theta: dict[str, Any]) -> None:
        """Put theta into the model."""
        # On the host, so that nothing is compiled where a fit ends or calls back.
        for (_, entry), raw in self._with(self.raw(jax.device_get(theta))):
            entry.state.value = map_leaves(_on_device, raw)
            _left[entry.state] = entry.state.value

    def _with(self, values: dict[str, Any]):
        return zip(self.entries.items(), (values[name] for name in self.entries), strict=True)


# Where fits have left parameters: that is inside, also at a bound.
_left: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()


def _check_edge(name: str, entry: Entry) -> None:
    """Refuse a start on the bound of a transform that moves there whatever lies outside.

    A parameter forgets the value that it was made of, so such a start may have been any value.
    """
    last = _last(entry.transform)
    edges = {ClipT: ("lower", "upper"), ReluT: ("lower_bound",)}.get(type(last), ())
    if not edges or _left.get(entry.state) is entry.state.value:
        return
    value = entry.values(entry.state.value)
    for edge in (getattr(last, edge) for edge in edges):
        for leaf in jax.tree.leaves(value, is_leaf=is_quantity):
            bound = np.asarray(_mantissa(edge, u.get_unit(leaf)))
            if np.any(np.asarray(u.get_mantissa(leaf)) == bound):
                raise ValueError(
                    f"Fitter: parameter '{name}' must start strictly inside the bounds of its "
                    f"{type(last).__name__}; got one at {edge}, where the transform also puts "
                    "whatever lies outside. Start inside, or take a transform with other bounds."
                )


def _last(transform: Any) -> Any:
    """Return the transform that is applied last."""
    return _last(transform.transforms[-1]) if hasattr(transform, "transforms") else transform


def attach(number: Any, unit: u.Unit) -> Any:
    """Return a bare number as a quantity, or as it is if there is no unit."""
    return number if unit.is_unitless else u.Quantity(number, unit=unit)


def _strong(leaf) -> jax.Array:
    leaf = jnp.asarray(leaf)
    return jax.device_put(np.asarray(leaf)) if leaf.weak_type else leaf


def _on_device(leaf):
    return attach(jax.device_put(np.asarray(u.get_mantissa(leaf))), u.get_unit(leaf))


def _mantissa(leaf: Any, unit: u.Unit) -> Any:
    if u.get_unit(leaf) == unit:
        return u.get_mantissa(leaf)
    return u.Quantity(leaf).to_decimal(unit)


def _scale(leaf: Any, param: Param | None) -> float:
    """Return the size of a parameter in its own unit, the same physical size for any unit.

    Of a declared parameter the width of its useful range; of another one with a unit its
    present size; of a plain number, or in the space of a transform, 1.
    """
    unit = u.get_unit(leaf)
    spec = getattr(param, "spec", None)
    if spec is not None and isinstance(getattr(param, "t", None), IdentityT):
        low, high = spec.bounds if spec.bounds is not None else (0.0, 0.0)
        width = high - low or float(np.max(np.abs(u.get_mantissa(spec.default))))
        if width:
            return float(u.Quantity(width, unit=spec.unit).to_decimal(unit))
    if unit.is_unitless:
        return 1.0
    return float(np.max(np.abs(u.get_mantissa(leaf)), initial=0.0)) or 1.0


_SMALLEST = 1e-6  # of the useful range: as close as a positive parameter may come to zero


def _domain(entry: Entry) -> tuple[float | None, float | None] | None:
    """Return the mathematical domain of a declared parameter, in the unit of its raw value."""
    spec = entry.spec
    if spec is None or not isinstance(entry.transform, IdentityT):
        return None
    least = _SMALLEST * jax.tree.leaves(entry.scales)[0]
    return {
        "positive": (least, None),
        "nonnegative": (0.0, None),
        "negative": (None, -least),
    }.get(spec.domain)
