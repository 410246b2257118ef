"""What plots of signals accept: arrays, quantities, results of runs, recordings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import brainunit as u
import numpy as np

from brainmass._errors import UnitError, choices

from ._axes import bare, named, title

LONG = 10_000.0  # ms on an axis; more is written in seconds


@dataclass(frozen=True, eq=False)
class Series:
    """A signal (time, region), when it was sampled, and what stands on the axes."""

    values: np.ndarray
    unit: u.Unit
    times: np.ndarray
    time_label: str
    labels: list[str] | None
    dt: Any = None


def series(signal: Any, ts: Any, labels: Any, who: str, dt: Any = None) -> Series:
    """Read a signal in any of the forms that users have it."""
    if isinstance(signal, dict):
        signal, ts = _of_result(signal, ts, who)
    elif all(hasattr(signal, name) for name in ("signal", "dt", "ts", "labels")):
        recording = signal
        signal = recording.signal
        ts = recording.ts if ts is None else ts
        dt = recording.dt if dt is None else dt
        labels = recording.labels if labels is None and len(recording.labels) > 1 else labels
    values, unit = bare(signal)
    values = values[:, None] if values.ndim == 1 else values
    if values.ndim != 2 or values.dtype.kind not in "fiub" or len(values) < 2:
        raise ValueError(
            f"{who}: signal must be real numbers (time,) or (time, region), two samples or more; "
            f"got {values.dtype} of shape {np.shape(u.get_mantissa(signal))}. Choose one member of "
            "a batch or one epoch."
        )
    times, time_label = _times(ts, len(values), who)
    return Series(values, unit, times, time_label, named(labels, values.shape[1], who), dt)


def _of_result(result: dict, ts: Any, who: str) -> tuple[Any, Any]:
    recorded = [name for name in result if name != "ts"]
    if len(recorded) != 1:
        raise ValueError(
            f"{who}: signal must be one recorded variable; got a result with {choices(recorded)}. "
            f"Pass for example result['{recorded[0] if recorded else 'x'}'], result['ts']."
        )
    return result[recorded[0]], result.get("ts") if ts is None else ts


def _times(ts: Any, n: int, who: str) -> tuple[np.ndarray, str]:
    if ts is None:
        return np.arange(n), "sample"
    times, unit = bare(ts)
    if times.shape != (n,):
        raise ValueError(
            f"{who}: ts must hold a time for each of the {n} samples; got shape {times.shape}. "
            "Pass the 'ts' of the same run."
        )
    if unit.is_unitless:
        return times, "time"
    if not u.have_same_dim(unit, u.ms):
        raise UnitError(f"{who}: ts must be times; got [{unit}]. Pass result['ts'].")
    in_ms = u.Quantity(times.astype(float), unit=unit).to_decimal(u.ms)
    if np.ptp(in_ms) >= LONG:
        return in_ms / 1000.0, title("time", u.second)
    return times, title("time", unit)
