"""What a sweep keeps of each run: one number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import brainunit as u
import numpy as np

import brainmass

__all__ = ["OBSERVABLES", "Observable"]


@dataclass(frozen=True)
class Observable:
    """A number that is computed from a signal.

    Attributes
    ----------
    name : str
        Its name in the list.
    code : str
        An expression of ``x``, the signal as a plain array (time, region), and ``step``, the time
        between its samples. The widget evaluates it and the script contains it, so both agree.
    unit : str
        ``'signal'`` where it has the unit of the signal, otherwise what stands on the axis.
    several : bool
        Whether it needs more than one region.
    """

    name: str
    code: str
    unit: str = "signal"
    several: bool = False

    def __call__(self, result: dict[str, Any], signal: str, step: u.Quantity) -> float:
        """Return the number for a run; NaN where the signal is not finite."""
        x = np.asarray(u.get_mantissa(result[signal]), np.float64)
        x = x.reshape(len(x), -1)
        if not np.isfinite(x).all():
            return float("nan")
        names = {"np": np, "u": u, "brainmass": brainmass, "x": x, "step": step}
        return float(eval(self.code, names))  # one of the constants below

    def label(self, signal: str, unit: str) -> tuple[str, str]:
        """Return what stands beside the colours, and its unit."""
        return f"{self.name} of {signal}", unit if self.unit == "signal" else self.unit


_PHASES = "brainmass.analysis.phase(x)"

OBSERVABLES: dict[str, Observable] = {
    o.name: o
    for o in (
        Observable("mean", "x.mean()"),
        Observable("deviation", "x.std(axis=0).mean()"),
        Observable("peak to peak", "np.ptp(x, axis=0).mean()"),
        Observable("largest", "x.max()"),
        Observable("smallest", "x.min()"),
        Observable(
            "peak frequency",
            "np.mean(brainmass.analysis.peak_frequency(x, step).to_decimal(u.Hz))",
            unit="Hz",
        ),
        Observable(
            "order parameter",
            f"np.mean(brainmass.analysis.kuramoto_order({_PHASES}))",
            unit="",
            several=True,
        ),
        Observable(
            "metastability", f"brainmass.analysis.metastability({_PHASES})", unit="", several=True
        ),
        Observable(
            "mean correlation",
            "np.asarray(brainmass.analysis.fc(x))[np.tril_indices(x.shape[1], -1)].mean()",
            unit="",
            several=True,
        ),
    )
}


def observables_for(regions: int) -> list[str]:
    """Return the observables that make sense for a number of regions."""
    return [name for name, o in OBSERVABLES.items() if regions > 1 or not o.several]


def observable_named(name: Any, regions: int) -> Observable:
    """Return an observable, or say which there are."""
    known = observables_for(regions)
    if name not in known:
        raise ValueError(
            f"SweepWidget: observable must be one of {', '.join(map(repr, known))}; got {name!r}. "
            "Choose one of them."
        )
    return OBSERVABLES[name]
