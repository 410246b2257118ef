"""What a declaration knows of itself: name, default, unit, meaning, and how to check a value."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import brainstate
import brainunit as u
import jax
import jax.numpy as jnp
import numpy as np

from .._compat import is_tracer
from .._errors import UnitError, choices

__all__ = [
    "DOMAINS",
    "InletSpec",
    "OptionSpec",
    "ParamSpec",
    "Spec",
    "StateSpec",
    "unit_code",
    "unit_of",
]

_BARE = (float, int, np.ndarray, jax.Array)

DOMAINS = {
    "real": (lambda v: np.isfinite(v), "finite"),
    "positive": (lambda v: np.isfinite(v) & (v > 0), "positive and finite"),
    "nonnegative": (lambda v: np.isfinite(v) & (v >= 0), "non-negative and finite"),
    "negative": (lambda v: np.isfinite(v) & (v < 0), "negative and finite"),
    "speed": (lambda v: v > 0, "positive"),
    "nonzero": (lambda v: np.isfinite(v) & (v != 0), "non-zero and finite"),
    "fraction": (lambda v: (v > 0) & (v < 1), "between 0 and 1"),
}


def unit_of(value) -> u.Unit:
    """Return the unit of a value; for bare arrays without looking into them, which costs."""
    if isinstance(value, u.Quantity):
        return value.unit
    return u.UNITLESS if isinstance(value, _BARE) else u.get_unit(value)


@dataclass(frozen=True, eq=False)
class Spec:
    """What every declaration has: a name, a default with its unit, and one line of meaning."""

    kind = "value"

    default: Any
    doc: str
    name: str = ""
    unit: u.Unit = field(default=u.UNITLESS)

    def named(self, name: str):
        """Return the same declaration under the name that the class body gave it."""
        return replace(self, name=name)

    @cached_property
    def dimensional(self) -> bool:
        """Whether values carry a physical unit."""
        return not self.unit.is_unitless

    def attach(self, mantissa):
        """Return a bare array as a quantity in the declared unit."""
        return u.Quantity(mantissa, unit=self.unit) if self.dimensional else mantissa

    def mantissa(self, value, who: str, argument: str | None = None):
        """Return ``value`` as a bare array in the declared unit, or say what is wrong with it."""
        unit = unit_of(value)
        if unit is self.unit or unit == self.unit:
            return u.get_mantissa(value)
        argument = argument or self.name
        title = f"{who}: {self.kind} '{argument}' ({self.doc})"
        if self.dimensional and unit.is_unitless:
            raise UnitError(
                f"{title} must be a quantity in [{self.unit}]; got {_short(value)}. "
                f"Pass one, for example {argument}={_short(value)} * {unit_code(self.unit)}."
            )
        try:
            return u.Quantity(value).to_decimal(self.unit)
        except (u.UnitMismatchError, u.DimensionMismatchError):
            wanted = f"in [{self.unit}]" if self.dimensional else "a plain number"
            raise UnitError(
                f"{title} must be {wanted}; got a value in [{unit}]. Convert or correct it."
            ) from None


@dataclass(frozen=True, eq=False)
class ParamSpec(Spec):
    """A parameter: default, mathematical domain, useful range."""

    kind = "parameter"

    bounds: tuple[float, float] | None = None
    domain: str = "real"
    log: bool = False
    source: str = ""
    pairs: bool = False

    def check(self, value, who: str, shape: tuple[int, ...]):
        """Return the mantissa of ``value`` after checking unit, shape, finiteness and domain."""
        _refuse_text(value, self, who)
        mantissa = self.mantissa(_array_of(value, self, who), who)
        if not is_tracer(mantissa):
            mantissa = np.asarray(mantissa)
            _refuse_other_dtypes(mantissa, self, who)
            check, wording = DOMAINS[self.domain]
            if not np.all(check(mantissa)):
                bad = mantissa[~check(mantissa)].ravel()[0] if mantissa.ndim else mantissa
                raise ValueError(
                    f"{who}: parameter '{self.name}' ({self.doc}) must be {wording}; "
                    f"got {float(bad):.6g}. Pass a value in that range."
                )
        wanted = (shape[-1], shape[-1]) if self.pairs else shape
        _fit_shape(np.shape(mantissa), wanted, self, who)
        return mantissa


@dataclass(frozen=True, eq=False)
class StateSpec(Spec):
    """A state variable: initial value and, if it is bounded, the interval it is clamped to."""

    kind = "initial value"

    clamp: tuple[float | None, float | None] | None = None

    def start(self, value, who: str, shape: tuple[int, ...]):
        """Return the initial mantissa of ``shape`` from a number, an array or a callable."""
        if type(value) is float and not self.dimensional and math.isfinite(value):
            return np.full(shape, value, brainstate.environ.dftype())
        argument = f"init_{self.name}"
        if callable(value):
            value = value(shape)
        _refuse_text(value, self, who, argument)
        mantissa = self.mantissa(_array_of(value, self, who, argument), who, argument)
        if not is_tracer(mantissa):
            mantissa = np.asarray(mantissa)
            _refuse_other_dtypes(mantissa, self, who, argument)
            if not np.all(np.isfinite(mantissa)):
                raise ValueError(
                    f"{who}: initial value '{argument}' ({self.doc}) must be finite; "
                    "got NaN or infinity. Pass finite numbers."
                )
        _fit_shape(np.shape(mantissa), shape, self, who, argument)
        dtype = brainstate.environ.dftype()
        if isinstance(mantissa, np.ndarray):
            return np.array(np.broadcast_to(mantissa, shape), dtype=dtype)
        return jnp.broadcast_to(jnp.asarray(mantissa, dtype=dtype), shape)


@dataclass(frozen=True, eq=False)
class InletSpec(Spec):
    """A place where input enters: its value when nothing is connected, and its noise slot.

    ``additive`` states that the inlet enters the derivative of its state linearly, so that white
    noise there is well defined. ``now(s, p)`` gives the value where nothing is delivered, in place
    of the default, and ``formula`` is what that is in LaTeX. An inlet with ``source`` and ``delay``
    receives that state as it was that parameter's time ago.
    """

    kind = "input"

    noise: str | None = None
    additive: bool = True
    port: bool = True
    now: Callable[[Any, Any], Any] | None = None
    source: str = ""
    delay: str = ""
    formula: str = ""


@dataclass(frozen=True, eq=False)
class OptionSpec(Spec):
    """A static choice that is not a number, for example a transfer function."""

    kind = "option"

    choices: tuple[Hashable, ...] | None = None

    def check(self, value, who: str):
        """Return ``value`` if it is one of the choices and hashable."""
        if self.choices is not None and value not in self.choices:
            raise ValueError(
                f"{who}: option '{self.name}' ({self.doc}) must be one of "
                f"{choices(self.choices)}; got {value!r}. Choose one of them."
            )
        try:
            hash(value)
        except TypeError:
            raise TypeError(
                f"{who}: option '{self.name}' ({self.doc}) must be hashable; "
                f"got {type(value).__name__}. Pass a function or a constant."
            ) from None
        return value


def _fit_shape(shape, wanted, spec: Spec, who: str, argument: str | None = None) -> None:
    try:
        fits = np.broadcast_shapes(shape, wanted) == tuple(wanted)
    except ValueError:
        fits = False
    if not fits:
        raise ValueError(
            f"{who}: {spec.kind} '{argument or spec.name}' ({spec.doc}) must have a shape that "
            f"broadcasts to {tuple(wanted)}; got {tuple(shape)}. "
            "Pass a scalar or one value per region."
        )


def _refuse_text(value, spec: Spec, who: str, argument: str | None = None) -> None:
    if value is None or isinstance(value, str | bytes | dict | set | bool):
        raise TypeError(
            f"{who}: {spec.kind} '{argument or spec.name}' ({spec.doc}) must be a number, a "
            f"quantity or an array; got {value!r}. Pass one of these."
        )


def _array_of(value, spec: Spec, who: str, argument: str | None = None):
    """Return a list of plain numbers as an array; anything else as it is."""
    if not isinstance(value, list | tuple) or any(isinstance(v, u.Quantity) for v in value):
        return value
    if is_tracer(value):
        return value
    try:
        array = np.asarray(value)
    except ValueError:
        array = np.empty(0, object)
    if array.dtype.kind not in "fiubc":
        raise TypeError(
            f"{who}: {spec.kind} '{argument or spec.name}' ({spec.doc}) must hold real numbers in "
            f"an array of one shape; got {value!r}. Correct the list."
        )
    return array


def _refuse_other_dtypes(array, spec: Spec, who: str, argument: str | None = None) -> None:
    if array.dtype.kind not in "fiu":
        raise TypeError(
            f"{who}: {spec.kind} '{argument or spec.name}' ({spec.doc}) must hold real numbers; "
            f"got dtype {array.dtype}. Convert it first."
        )


def _short(value) -> str:
    known = np.ndim(value) == 0 and not is_tracer(value)
    text = str(np.asarray(value)) if known else "values"
    return text if len(text) < 30 else "value"


def unit_code(unit: u.Unit) -> str:
    """Write a unit as Python, for example ``u.mV / u.second``."""
    return re.sub(r"[A-Za-z]+", lambda m: f"u.{_LONG_NAMES.get(m[0], m[0])}", str(unit))


_LONG_NAMES = {"s": "second", "m": "meter", "V": "volt", "A": "amp", "T": "tesla"}
