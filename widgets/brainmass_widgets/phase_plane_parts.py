"""What is asked of a phase plane and what it shows; knows nothing of how it is computed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

__all__ = ["Field", "Picture", "PlaneRequest", "tidy"]

ROOM = 2.0
"""How much larger than the window the box is in which fixed points are looked for."""


@dataclass(frozen=True, eq=False)
class Field:
    """One number that a control can change: a parameter, or a constant input."""

    path: str
    group: str
    spec: Any
    name: str


@dataclass(frozen=True)
class PlaneRequest:
    """What to show: numbers in declared units, times in milliseconds.

    Attributes
    ----------
    values : dict of str to float
        Parameters by name, constant inputs as ``'input.<name>'``.
    axes : tuple of str
        The states across and up.
    others : str
        What the other states do, as for :func:`brainmass.analysis.nullclines`.
    rest : dict of str to float
        Where the states are that are not on an axis.
    windows : dict of str to tuple
        Range in which every state is shown.
    view : tuple of tuple or None
        Part of the plane to which the user zoomed.
    starts : tuple of dict
        Where trajectories start, every state by name.
    """

    values: dict[str, float] = field(default_factory=dict)
    axes: tuple[str, str] = ("", "")
    others: str = "quasi-steady"
    rest: dict[str, float] = field(default_factory=dict)
    windows: dict[str, tuple[float, float]] = field(default_factory=dict)
    view: tuple[tuple[float, float], tuple[float, float]] | None = None
    starts: tuple[dict[str, float], ...] = ()
    duration: float = 200.0
    dt: float = 0.1

    @property
    def steps(self) -> int:
        """Whole steps of a trajectory."""
        return max(1, round(self.duration / self.dt))

    @property
    def window(self) -> dict[str, tuple[float, float]]:
        """Range of every state; that of the axes is what is seen."""
        shown = self.view or tuple(self.windows[name] for name in self.axes)
        return {**self.windows, **dict(zip(self.axes, shown, strict=True))}

    @property
    def box(self) -> dict[str, tuple[float, float]]:
        """Where fixed points are looked for: the windows and some room around them."""
        out = {}
        for name, (lo, hi) in self.windows.items():
            middle, half = (lo + hi) / 2, ROOM * (hi - lo) / 2
            out[name] = (tidy(middle - half), tidy(middle + half))
        return out


@dataclass(frozen=True, eq=False)
class Picture:
    """A phase plane.

    Attributes
    ----------
    request : PlaneRequest
        What was asked.
    field : brainmass.analysis.VectorField
        Arrows.
    curves : brainmass.analysis.Nullclines
        Nullclines.
    points : list of brainmass.analysis.FixedPoint
        Fixed points.
    trajectories : list of dict
        As :meth:`brainmass.Simulator.run` gives them.
    diverged : bool
        Whether a trajectory left the finite numbers.
    seconds : float
        Computing time.
    """

    request: PlaneRequest
    field: Any
    curves: Any
    points: list[Any]
    trajectories: list[dict[str, Any]]
    diverged: bool = False
    seconds: float = 0.0


def tidy(value: float) -> float:
    """Drop the digits that rounding left behind."""
    return float(f"{value:.10g}")
