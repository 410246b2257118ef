"""Checks of what a stimulus is given: numbers, times, rates, regions."""

from __future__ import annotations

import brainunit as u
import jax.numpy as jnp
import numpy as np

from .._compat import is_tracer
from .._errors import UnitError

ENDLESS = np.float64(np.inf)


def _shown(value) -> str:
    """Write a value; formatting a quantity would compile something."""
    unit = u.get_unit(value)
    return repr(value) if unit.is_unitless else f"a value in [{unit}]"


def _number(rate) -> str:
    return f"shape {np.shape(rate)}" if np.ndim(rate) else f"{1e3 * float(rate):g} Hz"


def read_numbers(value, who: str, name: str, doc: str):
    """Return plain real numbers; concrete ones as a NumPy array."""
    if is_tracer(value) and not isinstance(value, u.Quantity):
        return value
    title = f"{who}: {name} ({doc})"
    value = np.asarray(value) if isinstance(value, list | tuple) else value
    if not u.get_unit(value).is_unitless:
        raise UnitError(f"{title} must be plain numbers; got {_shown(value)}. Remove the unit.")
    wrong = value is None or isinstance(value, bool | str | bytes | dict | set)
    array = None if wrong else np.asarray(value)
    if array is None or array.dtype.kind not in "fiu":
        raise TypeError(f"{title} must be real numbers; got {value!r}. Pass numbers.")
    if not np.isfinite(array).all():
        raise ValueError(f"{title} must be finite; got NaN or infinity. Pass finite numbers.")
    return array.astype(np.float64)


def read_time(value, who: str, name: str, doc: str, least: float | None = None):
    """Return a time in ms."""
    title = f"{who}: {name} ({doc})"
    if not u.get_unit(value).has_same_dim(u.ms):
        raise UnitError(
            f"{title} must be a quantity of time; got {_shown(value)}. "
            f"Pass for example {name}=10 * u.ms."
        )
    time = u.Quantity(value).to_decimal(u.ms)
    if is_tracer(time):
        return time
    if np.ndim(time) or np.isnan(time) or (least is not None and not least <= time < np.inf):
        wanted = "one finite time of at least 0 ms" if least is not None else "one time"
        got = f"shape {np.shape(time)}" if np.ndim(time) else f"{float(time):g} ms"
        raise ValueError(f"{title} must be {wanted}; got {got}. Pass for example 10 * u.ms.")
    return np.float64(time)


def read_rate(value, who: str, positive: bool = False):
    """Return a frequency in kHz."""
    if not u.get_unit(value).has_same_dim(u.Hz):
        raise UnitError(
            f"{who}: frequency must be a quantity in Hz; got {_shown(value)}. "
            "Pass for example 10 * u.Hz."
        )
    rate = u.Quantity(value).to_decimal(u.Hz) * 1e-3
    if is_tracer(rate):
        return rate
    if np.ndim(rate) or not np.isfinite(rate) or (positive and rate <= 0):
        wanted = "positive and finite" if positive else "one finite number"
        raise ValueError(
            f"{who}: frequency must be {wanted}; got {_number(rate)}. Pass for example 10 * u.Hz."
        )
    return np.float64(rate)


def read_until(onset, duration, who: str):
    if duration is None:
        return ENDLESS
    return onset + read_time(duration, who, "duration", "how long it lasts", least=0.0)


def to_steps(time, dt: float):
    """Return a time as whole steps."""
    if is_tracer(time):
        return jnp.round(jnp.clip(time / dt, -(2.0**30), 2.0**30)).astype(jnp.int32)
    return np.int32(np.round(np.clip(np.float64(time) / dt, -(2.0**30), 2.0**30)))


def mask_of(name: str, regions, n_regions):
    if n_regions is None:
        raise ValueError(
            f"{name}: regions (who receives it) must come with n_regions, the number of regions "
            "of the model; got none. Pass for example n_regions=84."
        )
    index = np.atleast_1d(np.asarray(regions))
    if index.ndim != 1 or index.dtype.kind not in "iu" or not index.size:
        raise TypeError(
            f"{name}: regions (who receives it) must be whole numbers; got {regions!r}. "
            "Pass for example regions=[0, 3], or a factor for every region as weights."
        )
    if index.min() < 0 or index.max() >= n_regions:
        raise ValueError(
            f"{name}: regions (who receives it) must be from 0 to {n_regions - 1}; "
            f"got {regions!r}. Correct the list or n_regions."
        )
    weights = np.zeros(n_regions)
    weights[index] = 1.0
    return weights


def fit_regions(shape, other, name: str):
    if len(shape) > 1 or (shape and other and shape != other):
        wanted = f"a number or {other[0]} numbers" if other else "a number or one per region"
        raise ValueError(
            f"{name}: amplitude (height) must be {wanted}; got shape {tuple(shape)}. "
            "Pass one value per region."
        )
