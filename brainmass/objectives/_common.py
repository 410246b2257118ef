"""How predictions and targets are read and compared."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import brainunit as u
import jax
import jax.numpy as jnp
import numpy as np

from brainmass._compat import is_tracer
from brainmass._errors import UnitError

from ..analysis.signals import _checks

Array = Any
"""An array or a quantity."""

WORDS = {"pred": "prediction", "target": "target"}


def named(function: Callable, name: str) -> Callable:
    """Give a loss the name of its factory, under which a fit reports it."""
    function.__name__ = function.__qualname__ = name
    function.__module__ = __package__
    return function


def comparable(who: str, pred: Any, target: Any) -> tuple[jax.Array, jax.Array, u.Unit]:
    """Return both mantissas in the unit of the prediction, and that unit."""
    if isinstance(pred, tuple | dict):
        raise TypeError(
            f"{who}: the prediction must be an array or a quantity; got {type(pred).__name__}. "
            "Return one array, or name an objective for each."
        )
    unit = u.get_unit(pred)
    other = in_unit(who, target, unit)
    target = _checks.real(who, other, "the target")
    _checks.finite(who, target, "the target")
    return _checks.real(who, u.get_mantissa(pred), "the prediction"), target, unit


def in_unit(who: str, target: Any, unit: u.Unit) -> Any:
    """Return the mantissa of a target in the unit of the prediction."""
    other, mantissa = u.get_unit(target), u.get_mantissa(target)
    if unit == other:
        return mantissa
    if not u.have_same_dim(unit, other):
        raise UnitError(
            f"{who}: prediction and target must have the same unit; got [{unit}] and "
            f"[{other}]. Convert one, or give the target its unit."
        )
    return u.Quantity(mantissa, unit=other).to_decimal(unit)


def same_shape(who: str, pred: jax.Array, target: jax.Array) -> None:
    """Refuse shapes that would be broadcast."""
    if pred.shape != target.shape:
        raise ValueError(
            f"{who}: prediction and target must have the same shape; got {pred.shape} and "
            f"{target.shape}. Nothing is broadcast: cut or repeat one of them."
        )


def series(who: str, value: Any, what: str, *, regions: int = 1, samples: int = 2) -> jax.Array:
    """Return the bare prediction or target ``(time, region)``; a target must be finite."""
    return _checks.series(
        who,
        value,
        what=WORDS[what],
        regions=regions,
        samples=samples,
        batched=False,
        check_finite=what == "target",
    )


def same_regions(who: str, pred: int, target: int) -> None:
    """Refuse different numbers of regions."""
    if pred != target:
        raise ValueError(
            f"{who}: prediction and target must have equally many regions; got {pred} and "
            f"{target}. Bring both to the same parcellation."
        )


def of_matrix(
    who: str,
    value: Any,
    what: str,
    given: bool | None,
    name: str,
    compute: Callable[[Any], jax.Array],
    then: Callable[[jax.Array], jax.Array] = lambda m: m,
) -> jax.Array:
    """Return ``then`` of a matrix that was given, or of the one that ``compute`` makes of a series.

    ``given`` says which it is; None reads a square symmetric array without unit as a matrix. The
    diagonal, which may have been left empty, becomes 1.
    """
    shape = np.shape(value)
    square = len(shape) == 2 and shape[0] == shape[1]
    if not given and (given is False or not square or not u.get_unit(value).is_unitless):
        return then(compute(value))
    if not square:
        raise ValueError(
            f"{who}: with {name}=True the {WORDS[what]} must be a square matrix; got shape "
            f"{shape}. Pass the matrix, or a time series with {name}=False."
        )
    bare = _checks.real(who, u.get_mantissa(value), f"the {WORDS[what]}")
    if given or not is_tracer(bare):
        if given is None and not _is_symmetric(np.asarray(bare)):
            return then(compute(value))
        return then(_as_matrix(who, value, bare, what, name))
    return _either(bare, compute, then)


def _as_matrix(who, value, bare, what, name):
    unit = u.get_unit(value)
    if not unit.is_unitless:
        raise UnitError(
            f"{who}: the {WORDS[what]} must be dimensionless, as a matrix; got [{unit}]. "
            f"Divide by the unit, or pass a time series with {name}=False."
        )
    ones = _with_ones(bare)
    if what == "target":
        _checks.finite(who, ones, "the target")
    return ones


def _either(bare, compute, then):
    """Evaluate both readings of an abstract square array, so that its values can decide."""
    readings = []
    for reading in (lambda: _with_ones(bare), lambda: compute(bare)):
        try:
            readings.append(then(reading()))
        except ValueError as error:  # too small or too short to be read like this
            readings.append(error)
    matrix, series = readings
    if isinstance(matrix, ValueError):
        matrix, series = series, matrix
    if isinstance(matrix, ValueError):
        raise matrix
    if isinstance(series, ValueError):
        return matrix
    return jnp.where(_is_symmetric(bare), matrix, series)


def _with_ones(m: jax.Array) -> jax.Array:
    return jnp.where(np.eye(m.shape[0], dtype=bool), 1, m)


def _is_symmetric(m: Any) -> Any:
    """Whether a square array is symmetric off its diagonal, to the rounding of a file."""
    array = jnp if isinstance(m, jax.Array) else np
    off = ~np.eye(m.shape[0], dtype=bool)
    gap = array.max(array.abs(array.where(off, m - m.T, 0)))
    return gap <= 1e-4 * array.max(array.abs(array.where(off, m, 0)))
