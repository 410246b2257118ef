"""What was simulated inside a trace: step, duration and method of every run, for who asks.

A traced program holds numbers only. Whoever keeps one, as a fit does, learns here at which step
its results were computed.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

__all__ = ["Simulation", "note", "simulations"]

_local = threading.local()


@dataclass(frozen=True)
class Simulation:
    """One run as it was asked for; times in milliseconds.

    Attributes
    ----------
    dt : float
        Integration step.
    duration : float
        Simulated time.
    transient : float
        Time at its beginning that was not recorded.
    sample_every : int
        Steps between two samples.
    method : str
        Integrator; ``''`` where the model steps itself.
    """

    dt: float
    duration: float
    transient: float = 0.0
    sample_every: int = 1
    method: str = ""


@contextmanager
def simulations() -> Iterator[dict[Simulation, None]]:
    """Collect the runs that are traced inside, each kind once, in their order."""
    before = getattr(_local, "found", None)
    _local.found = {}
    try:
        yield _local.found
    finally:
        _local.found = before


def note(simulation: Simulation) -> None:
    """Tell of a run, if anybody asks."""
    if (found := getattr(_local, "found", None)) is not None:
        found[simulation] = None
