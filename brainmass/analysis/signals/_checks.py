"""What a signal, a sampling interval and a window must be."""

from __future__ import annotations

from typing import Any

import brainunit as u
import jax
import jax.numpy as jnp
import numpy as np

from brainmass._compat import is_tracer
from brainmass._errors import UnitError

__all__ = ["attach", "count", "finite", "interval", "plain", "real", "series", "window_count"]


def real(who: str, value: Any, what: str) -> jax.Array:
    """Return a real array in the precision it came in; integers become floats."""
    try:
        array = jnp.asarray(value)
    except (TypeError, ValueError):
        raise TypeError(
            f"{who}: {what} must be an array or a quantity; got {type(value).__name__}. "
            "Pass numbers, time first."
        ) from None
    if jnp.issubdtype(array.dtype, jnp.complexfloating):
        raise TypeError(
            f"{who}: {what} must be real; got {array.dtype}. Take the real part or the modulus."
        )
    if jnp.issubdtype(array.dtype, jnp.floating):
        return array
    return array.astype(jnp.result_type(float))


def plain(who: str, value: Any, what: str) -> jax.Array:
    """Return a real array that must not carry a unit."""
    unit = u.get_unit(value)
    if not unit.is_unitless:
        raise UnitError(f"{who}: {what} must be dimensionless; got [{unit}]. Divide by the unit.")
    return real(who, u.get_mantissa(value), what)


def finite(who: str, array: jax.Array, what: str) -> None:
    """Refuse NaN and infinity, naming the first; an abstract array cannot be looked at."""
    if is_tracer(array):
        return
    ok = np.isfinite(np.asarray(array))
    if not ok.all():
        first = tuple(int(i) for i in np.argwhere(~ok)[0])
        raise ValueError(
            f"{who}: {what} must be finite; got {np.asarray(array)[first]} at index {first}. "
            "Cut, interpolate or leave out what is missing."
        )


def series(
    who: str,
    value: Any,
    *,
    what: str = "signal",
    regions: int = 1,
    samples: int = 2,
    batched: bool = True,
    check_finite: bool = True,
) -> jax.Array:
    """Return a signal ``(time, ..., region)`` as bare numbers after checking it."""
    x = real(who, u.get_mantissa(value), f"the {what}")
    if x.ndim < 2 or (x.ndim > 2 and not batched) or x.shape[0] < samples:
        raise ValueError(
            f"{who}: the {what} must be a time series of shape (time, region) with at least "
            f"{samples} samples; got shape {x.shape}. Bring time to the first axis."
        )
    if x.shape[-1] < regions:
        raise ValueError(
            f"{who}: the {what} must have at least {regions} regions; got {x.shape[-1]}. "
            "With fewer there are no pairs to compare."
        )
    if check_finite:
        finite(who, x, f"the {what}")
    return x


def interval(who: str, dt: Any) -> Any:
    """Return a sampling interval in seconds."""
    if not u.have_same_dim(u.get_unit(dt), u.second):
        given = dt if u.get_unit(dt).is_unitless else f"[{u.get_unit(dt)}]"
        raise UnitError(
            f"{who}: dt (sampling interval) must be a time; got {given}. "
            "Pass for example dt=0.1 * u.ms."
        )
    seconds = u.Quantity(dt).to_decimal(u.second)
    if is_tracer(seconds):
        return seconds
    if np.ndim(seconds) or not (np.isfinite(seconds) and seconds > 0):
        raise ValueError(
            f"{who}: dt (sampling interval) must be one positive, finite time; got {dt}. "
            "Pass for example dt=0.1 * u.ms."
        )
    return float(seconds)


def count(who: str, name: str, value: Any, dt: Any = None, *, least: int = 1) -> int:
    """Return a number of samples from a whole number or, where ``dt`` is known, a time."""
    if isinstance(value, u.Quantity) and not value.unit.is_unitless:
        return _samples(who, name, value, dt, least)
    if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < least:
        raise ValueError(
            f"{who}: {name} must be a whole number of samples, at least {least}; got {value!r}. "
            "Divide a duration by the sampling interval."
        )
    return int(value)


def _samples(who: str, name: str, value: Any, dt: Any, least: int) -> int:
    if not u.have_same_dim(value.unit, u.second):
        raise UnitError(
            f"{who}: {name} must be a time or a number of samples; got [{value.unit}]. "
            f"Pass for example {name}=60 * u.second."
        )
    if dt is None:
        raise ValueError(
            f"{who}: {name} given as a time needs dt, the sampling interval; got {value} without "
            f"dt. Pass dt=..., or {name} as a number of samples."
        )
    step = interval(who, dt)
    if is_tracer(step):
        raise ValueError(
            f"{who}: {name} given as a time needs a dt that is known when the function is traced; "
            f"got a traced dt. Pass {name} as a number of samples."
        )
    number = round(float(value.to_decimal(u.second)) / step)
    if number < least:
        raise ValueError(
            f"{who}: {name} must last at least {least} samples of dt; got {value} at dt {dt}. "
            "Take a longer one."
        )
    return number


def window_count(
    who: str, samples: int, window: int, step: int, least: int, what: str = "signal"
) -> int:
    """Return how many windows fit, or say that the signal is too short for them."""
    windows = max((samples - window) // step + 1, 0)
    if windows < least:
        raise ValueError(
            f"{who}: the {what} must hold at least {least} windows of {window} samples every "
            f"{step}; got {samples} samples, which hold {windows}. Use a longer signal, a smaller "
            "window or a smaller step."
        )
    return windows


def attach(value: jax.Array, unit: u.Unit) -> Any:
    """Return an array as a quantity, unless it has no unit."""
    return value if unit.is_unitless else u.Quantity(value, unit=unit)
