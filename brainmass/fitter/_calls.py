"""Calls of what the user wrote: errors that say what it was given, and what it must return."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import brainunit as u
import jax
import numpy as np

from brainmass._errors import UnitError, choices

__all__ = ["comparing", "in_loss_fn", "number", "traced"]

_OURS = re.compile(r"^[A-Za-z_][\w.]*: .*; (got|must)", re.DOTALL)
_UNITS = (u.UnitMismatchError, u.DimensionMismatchError)
_SHAPE = re.compile(r"\((?:\d+, ?)*\d*,?\)")


@contextmanager
def traced(what: str) -> Iterator[None]:
    """Say of an error about values inside a trace where it came up and what to do."""
    try:
        yield
    except (jax.errors.ConcretizationTypeError, jax.errors.TracerArrayConversionError) as error:
        error.add_note(
            f"Fitter: {what} is traced once and then compiled, so values are not known in it; "
            "compute with jax.numpy, without float(), NumPy or if on values that depend on the "
            "model or the data."
        )
        raise


@contextmanager
def comparing(what: str, prediction: Any, target: Any) -> Iterator[None]:
    """Say of an error about shapes or units which ones a function was given.

    Parameters
    ----------
    what : str
        The function, such as ``"objective 'mse'"``.
    prediction, target : pytree
        What it was given.
    """
    try:
        with traced(what):
            yield
    except (TypeError, ValueError, *_UNITS) as error:
        if sentence := _about(error, what, prediction, target):
            kind = UnitError if _is_about_units(error) else ValueError
            raise kind(sentence) from error
        if isinstance(prediction, dict) and not _OURS.match(str(error)):
            error.add_note(f"Fitter: the prediction was a dict with {choices(prediction)}.")
        raise


@contextmanager
def in_loss_fn(target: Any) -> Iterator[None]:
    """Say of an error about shapes which ones met in a ``loss_fn``."""
    try:
        with traced("loss_fn"):
            yield
    except (TypeError, ValueError) as error:
        message = str(error)
        if _OURS.match(message) or "incompatible shapes" not in message.lower():
            raise
        shapes = " and ".join(dict.fromkeys(_SHAPE.findall(message))) or message
        given = f", with a target of shape {np.shape(target)}" if _is_array(target) else ""
        raise ValueError(
            f"Fitter: loss_fn must combine arrays whose shapes fit; got {shapes}{given}. "
            "Cut, repeat or reshape one of them."
        ) from error


def number(value: Any, what: str) -> Any:
    """Return a real number, maybe with a unit, or refuse what is none.

    Parameters
    ----------
    value : object
        What a function of the user returned.
    what : str
        The function.
    """
    if value is None:
        raise ValueError(f"Fitter: {what} must return one number; got None. Return the loss.")
    if not _is_array(value):
        kind = f"{type(value).__name__}"
        kind += f" of {len(value)}" if isinstance(value, tuple | list | dict) else ""
        raise TypeError(
            f"Fitter: {what} must return one number; got {kind}. Return the loss alone."
        )
    shape, dtype = np.shape(value), jax.numpy.result_type(u.get_mantissa(value))
    if shape != () or not jax.numpy.issubdtype(dtype, np.number):
        raise ValueError(
            f"Fitter: {what} must return one number; got shape {shape} and dtype {dtype}. "
            "Reduce it, for example with a mean."
        )
    if jax.numpy.issubdtype(dtype, np.complexfloating):
        raise ValueError(
            f"Fitter: {what} must return a real number; got a complex one. Take its modulus."
        )
    return value


def _about(error: Exception, what: str, prediction: Any, target: Any) -> str:
    """Return a sentence in place of a message about units or shapes; else ''."""
    message = str(error)
    if _OURS.match(message):
        return ""
    known = _is_array(prediction) and _is_array(target)
    if _is_about_units(error):
        units = [u.get_unit(x) for x in (prediction, target)] if known else []
        if not units or u.have_same_dim(*units):
            return ""
        return (
            f"Fitter: {what} must be given a prediction and a target in the same unit; got "
            f"[{units[0]}] and [{units[1]}]. Convert one of them."
        )
    if not re.search("shape|broadcast", message):
        return ""
    shapes = [np.shape(x) for x in (prediction, target)] if known else []
    if shapes and not _broadcast(*shapes):
        return (
            f"Fitter: {what} must be given a prediction and a target whose shapes fit; got "
            f"{shapes[0]} and {shapes[1]}. Cut, repeat or reshape one of them."
        )
    return ""


def _is_about_units(error: Exception) -> bool:
    return isinstance(error, _UNITS)


def _is_array(value: Any) -> bool:
    kinds = u.Quantity | jax.Array | np.ndarray | np.generic | bool | int | float | complex
    return isinstance(value, kinds)


def _broadcast(*shapes: tuple[int, ...]) -> bool:
    try:
        np.broadcast_shapes(*shapes)
    except ValueError:
        return False
    return True
