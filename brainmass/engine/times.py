"""Times given by users, read as whole steps."""

from __future__ import annotations

import warnings

import brainunit as u
import numpy as np

from .._errors import UnitError

__all__ = ["read_count", "read_step", "read_steps", "read_time"]


def read_time(value, name: str, example: str) -> float:
    """Return a time in milliseconds, or say what is wrong with it."""
    plain = isinstance(value, u.Quantity) and isinstance(value.mantissa, float | int)
    if plain and value.unit == u.ms:
        return float(value.mantissa)
    unit = u.get_unit(value)
    if not unit.has_same_dim(u.ms):
        got = f"a value in [{unit}]" if not unit.is_unitless else repr(value)
        raise UnitError(
            f"Simulator: {name} must be a quantity of time; got {got}. Pass for example "
            f"{name}={example}."
        )
    if np.ndim(u.get_mantissa(value)):
        raise ValueError(
            f"Simulator: {name} must be a single time; got shape {np.shape(value)}. "
            f"Pass for example {name}={example}."
        )
    return float(u.Quantity(value).to_decimal(u.ms))


def read_step(dt) -> float:
    """Return the integration step in milliseconds."""
    value = read_time(dt, "dt", "0.1 * u.ms")
    if not np.isfinite(value) or value <= 0:
        raise ValueError(
            f"Simulator: dt must be positive and finite; got {value:g} ms. "
            "Pass for example dt=0.1 * u.ms."
        )
    return value


def read_steps(duration, dt: float) -> int:
    """Return a duration in steps; one that is no multiple of ``dt`` is floored with a warning."""
    value = read_time(duration, "duration", "100 * u.ms")
    if not np.isfinite(value) or value <= 0:
        raise ValueError(
            f"Simulator: duration must be positive and finite; got {value:g} ms. "
            "Pass for example 100 * u.ms."
        )
    exact = value / dt
    steps = round(exact)
    if abs(exact - steps) > 1e-6 * max(1.0, exact):
        steps = int(exact)
        if steps:
            warnings.warn(
                f"Simulator: duration {value:g} ms is no multiple of dt = {dt:g} ms; "
                f"running {steps} steps = {steps * dt:g} ms.",
                UserWarning,
                stacklevel=4,
            )
    if steps < 1:
        raise ValueError(
            f"Simulator: duration must be at least one step of {dt:g} ms; got {value:g} ms. "
            "Run longer or with a smaller dt."
        )
    if steps >= 2**31:
        raise ValueError(
            f"Simulator: duration must be fewer than 2**31 steps; got {steps}. "
            "Run it in parts with init_states=False."
        )
    return steps


def read_count(value, dt: float, name: str, least: int = 1) -> int:
    """Return a number of steps from a count or a time."""
    if isinstance(value, int) or u.get_unit(value).is_unitless:
        number = u.get_mantissa(value)
        if isinstance(number, bool) or not isinstance(number, int | np.integer):
            raise TypeError(
                f"Simulator: {name} must be a whole number of steps or a time; got {value!r}. "
                f"Pass for example {name}=10 or {name}=1 * u.ms."
            )
        count = int(number)
    else:
        time = read_time(value, name, "1 * u.ms")
        if not np.isfinite(time):
            raise ValueError(f"Simulator: {name} must be finite; got {time} ms. Pass a time.")
        exact = time / dt
        count = round(exact)
        if name == "sample_every" and abs(exact - count) > 1e-6 * max(1.0, exact):
            raise ValueError(
                f"Simulator: {name} must be a multiple of dt = {dt:g} ms; got {time:g} ms. "
                "Choose a multiple."
            )
    if count < least:
        raise ValueError(
            f"Simulator: {name} must be at least {least} step{'s' if least != 1 else ''}; "
            f"got {count}. Pass a larger one."
        )
    return count
