"""A box of parameters as the unit cube, for searches without gradients in the model's own space."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import brainunit as u
import jax
import jax.numpy as jnp
import numpy as np
from brainstate.nn import ClipT, IdentityT, ScaledSigmoidT, SigmoidT, SoftsignT, TanhT

from brainmass._errors import UnitError, choices

from ._space import Entry, Space, attach, map_leaves

__all__ = ["Box"]

_BOUNDED = (SigmoidT, TanhT, SoftsignT, ScaledSigmoidT)
_EDGE = 1e-6  # a transform that reaches its bounds only at infinity is kept this far inside


@dataclass(frozen=True)
class _Side:
    """Bounds of one array of a parameter, as plain numbers in its unit."""

    low: np.ndarray
    high: np.ndarray
    log: bool
    edge: float

    def number(self, z):
        """Return the value at a place between 0 and 1; works on NumPy and JAX arrays."""
        z = z * (1 - 2 * self.edge) + self.edge
        if self.log:
            ratio = np.log(self.high / self.low)
            return self.low * (jnp if isinstance(z, jax.Array) else np).exp(z * ratio)
        return self.low + z * (self.high - self.low)

    def place(self, number: np.ndarray) -> np.ndarray:
        """Return where between 0 and 1 a value lies."""
        if self.log:
            z = np.log(np.maximum(number, 1e-300) / self.low) / np.log(self.high / self.low)
        else:
            z = (number - self.low) / (self.high - self.low)
        return (z - self.edge) / (1 - 2 * self.edge)


class Box:
    """The search space: every parameter between a lower and an upper bound.

    Parameters
    ----------
    space : Space
        The parameters.
    given : dict or None
        Name to ``(low, high)``, with unit. For other parameters the bounds of the transform, else
        those of the declaration.
    """

    def __init__(self, space: Space, given: dict[str, Any] | None):
        given = {} if given is None else dict(given)
        if unknown := [name for name in given if name not in space.entries]:
            raise ValueError(
                f"Fitter: search_space must name parameters among {choices(space.names)}; got "
                f"{choices(unknown)}. Correct the name."
            )
        self._space = space
        self._sides: dict[str, list[_Side]] = {}
        self._units: dict[str, list[u.Unit]] = {}
        self._shapes: dict[str, list[tuple]] = {}
        self._trees: dict[str, Any] = {}
        for name, entry in space.entries.items():
            values = entry.values(entry.state.value)
            leaves, tree = jax.tree.flatten(values, is_leaf=lambda x: isinstance(x, u.Quantity))
            self._trees[name] = tree
            self._units[name] = [u.get_unit(leaf) for leaf in leaves]
            self._shapes[name] = [np.shape(leaf) for leaf in leaves]
            bounds = _each(entry, given.get(name), tree)
            self._sides[name] = [_side(entry, *pair) for pair in zip(bounds, leaves, strict=True)]
        self.size = sum(int(np.prod(s)) for shapes in self._shapes.values() for s in shapes)

    def numbers(self, z: Any) -> dict[str, list[Any]]:
        """Return the plain numbers of every parameter at a point of the cube."""
        out, start = {}, 0
        for name, sides in self._sides.items():
            out[name] = []
            for side, shape in zip(sides, self._shapes[name], strict=True):
                count = int(np.prod(shape))
                out[name].append(side.number(z[start : start + count].reshape(shape)))
                start += count
        return out

    def flat(self, z: np.ndarray) -> np.ndarray:
        """Return all numbers at a point of the cube as one vector, in the units of the bounds."""
        numbers = self.numbers(np.asarray(z, dtype=float))
        return np.concatenate([np.ravel(x) for parts in numbers.values() for x in parts])

    def theta(self, z: jax.Array) -> dict[str, Any]:
        """Return theta at a point of the cube; works inside a trace."""
        values = {}
        for name, parts in self.numbers(z).items():
            leaves = [attach(x, unit) for x, unit in zip(parts, self._units[name], strict=True)]
            values[name] = jax.tree.unflatten(self._trees[name], leaves)
        return self._space.theta_of(values)

    def place(self, theta: dict[str, Any]) -> np.ndarray:
        """Return the point of the cube of theta.

        Raises
        ------
        ValueError
            If a parameter lies outside of its bounds.
        """
        values, places = self._space.values(theta), []
        for name, sides in self._sides.items():
            leaves = jax.tree.leaves(values[name], is_leaf=lambda x: isinstance(x, u.Quantity))
            for leaf, side, unit in zip(leaves, sides, self._units[name], strict=True):
                number = np.asarray(u.get_mantissa(leaf), dtype=float)
                z = side.place(number)
                if not np.all((z > -1e-5) & (z < 1 + 1e-5)):
                    low, high = np.min(side.low), np.max(side.high)
                    raise ValueError(
                        f"Fitter: parameter '{name}' must start inside its bounds of {low:.6g} to "
                        f"{high:.6g} [{unit}]; got {_first(number, z):.6g}. Move it, or widen "
                        "search_space."
                    )
                places.append(np.ravel(np.clip(z, 0.0, 1.0)))
        return np.concatenate(places)


def _first(number: np.ndarray, z: np.ndarray) -> float:
    return float(np.ravel(number)[np.ravel(~((z > -1e-5) & (z < 1 + 1e-5)))][0])


def _each(entry: Entry, given: Any, tree: Any) -> list[Any]:
    """Return the bounds of every array of a parameter, which may be given as dicts like it."""
    pair = isinstance(given, tuple | list) and len(given) == 2
    if not pair or not any(isinstance(bound, dict) for bound in given):
        return [given] * tree.num_leaves
    sides = []
    for bound in given:
        leaves, found = jax.tree.flatten(bound, is_leaf=lambda x: isinstance(x, u.Quantity))
        if isinstance(bound, dict) and found != tree:
            raise ValueError(
                f"Fitter: bounds of '{entry.name}' that are dicts must have the entries of its "
                f"value; got {choices(bound)}. Name them alike."
            )
        sides.append(leaves if isinstance(bound, dict) else [bound] * tree.num_leaves)
    return list(zip(*sides, strict=True))


def _side(entry: Entry, given: Any, leaf: Any) -> _Side:
    unit, shape = u.get_unit(leaf), np.shape(leaf)
    low, high = (_number(entry, bound, unit, shape) for bound in _bounds(entry, given))
    if not (np.all(np.isfinite(low)) and np.all(np.isfinite(high)) and np.all(low < high)):
        raise ValueError(
            f"Fitter: bounds of '{entry.name}' must be finite with low < high; got "
            f"{np.min(low):.6g} and {np.max(high):.6g}. Correct search_space."
        )
    spec = entry.spec
    log = bool(getattr(spec, "log", False)) and bool(np.all(low > 0))
    transform = entry.transform
    _check_within(entry, low, high, unit)
    return _Side(low, high, log, 0.0 if _reaches(transform) else _EDGE)


def _check_within(entry: Entry, low: np.ndarray, high: np.ndarray, unit: u.Unit) -> None:
    """Refuse bounds of a search beyond those of the transform, which would cut them silently."""
    transform = entry.transform
    if not isinstance(transform, (*_BOUNDED, ClipT)):
        return
    least, most = (_plain(bound, unit) for bound in _own_bounds(transform))
    slack = 1e-6 * (most - least)
    if np.any(low < least - slack) or np.any(high > most + slack):
        raise ValueError(
            f"Fitter: bounds of '{entry.name}' must lie inside those of its "
            f"{type(transform).__name__}, {np.min(least):.6g} to {np.max(most):.6g} [{unit}]; got "
            f"{np.min(low):.6g} and {np.max(high):.6g}. Correct search_space."
        )


def _own_bounds(transform: Any) -> tuple[Any, Any]:
    if isinstance(transform, ClipT):
        return transform.lower, transform.upper
    return transform.lower, transform.lower + transform.width


def _plain(bound: Any, unit: u.Unit) -> np.ndarray:
    return np.asarray(u.Quantity(bound).to_decimal(unit), dtype=float)


def _reaches(transform: Any) -> bool:
    """Whether the inverse of a transform is finite at its bounds."""
    return transform is None or isinstance(transform, IdentityT | ClipT)


def _bounds(entry: Entry, given: Any) -> tuple[Any, Any]:
    if given is not None:
        try:
            low, high = given
        except (TypeError, ValueError):
            raise ValueError(
                f"Fitter: search_space['{entry.name}'] must be a pair (low, high); got {given!r}. "
                "Pass two bounds."
            ) from None
        return low, high
    transform = entry.transform
    if isinstance(transform, (*_BOUNDED, ClipT)):
        return _own_bounds(transform)
    bounds = getattr(entry.spec, "bounds", None)
    if bounds is not None:
        return tuple(attach(bound, entry.spec.unit) for bound in bounds)
    raise ValueError(
        f"Fitter: search_space must have an entry for '{entry.name}', which has no bounds of its "
        f"own; got none. Pass search_space={{'{entry.name}': (low, high)}}."
    )


def _number(entry: Entry, bound: Any, unit: u.Unit, shape: tuple) -> np.ndarray:
    given = u.get_unit(bound)
    if not u.have_same_dim(given, unit):
        raise UnitError(
            f"Fitter: bounds of '{entry.name}' must be in [{unit}]; got [{given}]. Give them "
            "that unit."
        )
    number = np.asarray(u.Quantity(bound).to_decimal(unit), dtype=float)
    try:
        return np.array(np.broadcast_to(number, shape))
    except ValueError:
        raise ValueError(
            f"Fitter: bounds of '{entry.name}' must be scalars or have its shape {shape}; got "
            f"{number.shape}. Correct search_space."
        ) from None


def slices(tree: Any, index: int) -> Any:
    """Return one member of a population, as arrays on the host."""
    return map_leaves(
        lambda leaf: attach(np.asarray(u.get_mantissa(leaf))[index], u.get_unit(leaf)), tree
    )
