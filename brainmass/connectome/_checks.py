"""Checks that the parts of this package share."""

from __future__ import annotations

import brainunit as u
import numpy as np

from brainmass._compat import is_tracer
from brainmass._errors import UnitError

WHO = "Connectome"


def is_number(value) -> bool:
    """Whether this is one plain real number."""
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)


def attach(value, unit: u.Unit):
    return value if unit.is_unitless else u.Quantity(value, unit=unit)


def like(value, reference):
    return attach(value, u.get_unit(reference))


def frozen(value):
    """Return a read-only float copy of concrete values; tracers pass."""
    unit, mantissa = u.get_unit(value), u.get_mantissa(value)
    if is_tracer(mantissa):
        return value
    mantissa = np.array(mantissa)
    if mantissa.dtype.kind not in "fiub":
        raise TypeError(
            f"{WHO}: matrices must hold real numbers; got dtype {mantissa.dtype}. Convert them."
        )
    if mantissa.dtype.kind != "f":
        mantissa = mantissa.astype(float)
    mantissa.flags.writeable = False
    return attach(mantissa, unit)


def finite(value, what: str, who: str, negative: bool) -> None:
    if is_tracer(value):
        return
    mantissa = np.asarray(u.get_mantissa(value))
    bad = ~np.isfinite(mantissa) if negative else ~(np.isfinite(mantissa) & (mantissa >= 0))
    if np.any(bad):
        where = tuple(int(i) for i in np.argwhere(bad)[0])
        rule = "finite" if negative else "finite and not negative"
        raise ValueError(
            f"{who}: {what} must be {rule}; got {mantissa[where]} at {where}. Correct the entry."
        )


def matrix_of(value, what: str, who: str = WHO):
    value = frozen(value)
    shape = np.shape(u.get_mantissa(value))
    if len(shape) != 2 or shape[0] != shape[1] or shape[0] == 0:
        raise ValueError(
            f"{who}: {what} must be a square (region, region) matrix; got shape {shape}. "
            "Pass one row and one column per region."
        )
    finite(value, what, who, negative=False)
    return value


def lengths(value, what: str, shape: tuple[int, int], negative: bool):
    unit = u.get_unit(value)
    if not u.have_same_dim(unit, u.mm):
        raise UnitError(
            f"{WHO}: {what} must be lengths; got [{unit}]. Give them a unit, for example u.mm."
        )
    value = frozen(value)
    if np.shape(u.get_mantissa(value)) != shape:
        raise ValueError(
            f"{WHO}: {what} must have shape {shape}, matching the weights; got "
            f"{np.shape(u.get_mantissa(value))}. Pass one entry per region."
        )
    finite(value, what, WHO, negative)
    return value


def names_of(values, what: str, n: int) -> tuple[str, ...]:
    values = tuple(str(value) for value in values)
    if len(values) != n:
        raise ValueError(
            f"{WHO}: {what} must have one entry for each of the {n} regions; got {len(values)}. "
            "Add or drop some."
        )
    return values


def same(a, b) -> bool:
    if a is None or b is None:
        return a is b
    if u.get_unit(a) != u.get_unit(b):
        return False
    return bool(np.array_equal(np.asarray(u.get_mantissa(a)), np.asarray(u.get_mantissa(b))))
