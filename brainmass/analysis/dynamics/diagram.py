"""Bifurcation diagrams: fixed points followed along a parameter, with their bifurcations."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import brainunit as u
import numpy as np

from .branches import Curve, Path, follow
from .crossings import Singular, bifurcations_of
from .cycle_branches import CycleCurve, cycles_of
from .flow import Flow, flow_of
from .points import ordered, written
from .search import Area, find, read_box

__all__ = ["Bifurcation", "Branch", "Continuation", "CycleBranch", "continuation"]

CYCLES = 100
"""Cycles of a branch after which it is given up."""

SAMPLES = 9
"""Values of the parameter, evenly over its span, at which branches are looked for."""


@dataclass(frozen=True, eq=False)
class Branch:
    """Fixed points along a parameter, one after the other along their curve.

    Parameters
    ----------
    values : array or brainunit.Quantity (n,)
        The parameter; it turns back at a fold.
    states : dict of str to array or brainunit.Quantity
        Every state, (n,), or (n, regions) in a network.
    eigenvalues : numpy.ndarray of complex (n, size)
        Eigenvalues in 1/ms, largest real part first.
    stable : numpy.ndarray of bool (n,)
        Where the fixed point is stable.

    Examples
    --------
    >>> import brainmass
    >>> node = brainmass.HopfStep(1, w=0.3)
    >>> diagram = brainmass.analysis.continuation(node, "a", (-0.5, 0.5))
    >>> [type(branch).__name__ for branch in diagram.branches]
    ['Branch']
    """

    values: Any
    states: dict[str, Any]
    eigenvalues: np.ndarray
    stable: np.ndarray

    def __len__(self) -> int:
        return len(self.stable)

    def __repr__(self):
        bare = u.get_mantissa(self.values)
        share = f"{int(self.stable.sum())} stable"
        return f"Branch({len(self)} points from {bare[0]:.6g} to {bare[-1]:.6g}, {share})"


@dataclass(frozen=True, eq=False)
class CycleBranch:
    """Limit cycles along a parameter, from the Hopf bifurcation in which they are born.

    Parameters
    ----------
    values : array or brainunit.Quantity (n,)
        The parameter.
    periods : brainunit.Quantity (n,)
        In ms.
    minimum, maximum : dict of str to array or brainunit.Quantity
        Extremes of every state over the cycle, (n,), or (n, regions) in a network.
    stable : numpy.ndarray of bool (n,)
        Where the cycle is stable.

    Examples
    --------
    >>> import brainmass
    >>> node = brainmass.HopfStep(1, w=0.3)
    >>> diagram = brainmass.analysis.continuation(node, "a", (-0.2, 0.25), cycles=True)
    >>> born = diagram.cycles[0]
    >>> bool(born.stable.all()), bool(abs(born.maximum["x"] ** 2 - born.values).max() < 1e-3)
    (True, True)
    """

    values: Any
    periods: Any
    minimum: dict[str, Any]
    maximum: dict[str, Any]
    stable: np.ndarray

    def __len__(self) -> int:
        return len(self.stable)

    def __repr__(self):
        bare = u.get_mantissa(self.values)
        share = f"{int(self.stable.sum())} stable"
        return f"CycleBranch({len(self)} cycles from {bare[0]:.6g} to {bare[-1]:.6g}, {share})"


@dataclass(frozen=True, eq=False)
class Bifurcation:
    """A fixed point at which the number or the stability of fixed points changes.

    Parameters
    ----------
    kind : {'fold', 'Hopf', 'branch point'}
        Two fixed points meet and vanish; a pair of eigenvalues crosses the imaginary axis; or two
        branches cross, as in a pitchfork or a transcritical bifurcation.
    parameter : str
        Name of the parameter.
    value : float or brainunit.Quantity
        Where it happens.
    state : dict of str to float or brainunit.Quantity
        The fixed point.
    eigenvalues : numpy.ndarray of complex
        Its eigenvalues in 1/ms.
    frequency : brainunit.Quantity or None
        Of the cycle that is born in a Hopf bifurcation, in Hz.
    criticality : str
        For a Hopf bifurcation ``'supercritical'``, the cycle is stable against the spiral,
        ``'subcritical'``, or ``'degenerate'``, from the first Lyapunov coefficient; else empty.

    Examples
    --------
    >>> import brainmass
    >>> node = brainmass.HopfStep(1, w=0.3)
    >>> diagram = brainmass.analysis.continuation(node, "a", (-0.5, 0.5))
    >>> bool(abs(diagram.hopfs[0].value) < 1e-6)
    True
    """

    kind: str
    parameter: str
    value: Any
    state: dict[str, Any]
    eigenvalues: np.ndarray
    frequency: Any = None
    criticality: str = ""

    def __repr__(self):
        more = f", {self.criticality}" if self.criticality else ""
        where = written({self.parameter: self.value})
        if self.frequency is not None:
            more += f", {float(self.frequency / u.Hz):.4g} Hz"
        return f"Bifurcation({self.kind} at {where}{more})"


@dataclass(frozen=True, eq=False)
class Continuation:
    """A bifurcation diagram of fixed points.

    Parameters
    ----------
    parameter : str
        Name of the parameter.
    branches : list of Branch
        The curves of fixed points.
    bifurcations : list of Bifurcation
        Sorted by the parameter.
    cycles : list of CycleBranch
        Limit cycles, where they were asked for.

    Examples
    --------
    >>> import brainmass
    >>> node = brainmass.HopfStep(1, w=0.3)
    >>> diagram = brainmass.analysis.continuation(node, "a", (-0.5, 0.5))
    >>> len(diagram.hopfs), len(diagram.folds)
    (1, 0)
    """

    parameter: str
    branches: list[Branch]
    bifurcations: list[Bifurcation]
    cycles: list[CycleBranch] = field(default_factory=list)

    def _of(self, kind: str) -> list[Bifurcation]:
        return [b for b in self.bifurcations if b.kind == kind]

    @property
    def folds(self) -> list[Bifurcation]:
        """The folds, also called saddle-node bifurcations."""
        return self._of("fold")

    @property
    def hopfs(self) -> list[Bifurcation]:
        """The Hopf bifurcations."""
        return self._of("Hopf")

    @property
    def branch_points(self) -> list[Bifurcation]:
        """The points where branches cross."""
        return self._of("branch point")

    def __repr__(self):
        def count(items, name, plural):
            return f"{len(items)} {name if len(items) == 1 else plural}"

        parts = [count(self.branches, "branch", "branches"), count(self.folds, "fold", "folds")]
        parts.append(count(self.hopfs, "Hopf point", "Hopf points"))
        if self.cycles:
            parts.append(count(self.cycles, "branch of cycles", "branches of cycles"))
        if self.branch_points:
            parts.append(count(self.branch_points, "branch point", "branch points"))
        return f"Continuation({self.parameter}: {', '.join(parts)})"


def continuation(
    model,
    parameter: str,
    span,
    *,
    at=None,
    box=None,
    starts: int = 128,
    step: float = 0.05,
    most: int = 2000,
    cycles: bool | int = False,
    region: int | None = None,
) -> Continuation:
    """Follow all fixed points of a model along a parameter or an input.

    Fixed points are looked for from many starts at several values of the parameter. From each, its
    curve is followed in both directions by pseudo-arclength continuation [1]_ with the exact
    Jacobian, around folds, until it leaves the span or the box. Folds, Hopf points and crossings
    of branches are located to about ten digits. Delays of a network are left out, as in
    :func:`fixed_points`.

    Parameters
    ----------
    model : NeuralMass or Network
        As for :func:`fixed_points`.
    parameter : str
        A parameter, an input such as ``'E_inp'``, or the ``'k'`` of a network. It is the same in
        all regions.
    span : tuple of (float or brainunit.Quantity)
        First and last value.
    at : dict, optional
        Other parameters and inputs by name in place of those of the model.
    box : dict, optional
        Where to look, ``(low, high)`` by state; branches end where they leave it.
        Default: around what simulations visit, and branches may go far beyond.
    starts : int, default 128
        Number of starts at each value.
    step : float, default 0.05
        Longest step along a curve, where half of the span, and half of the range in which fixed
        points were found, have length 1.
    most : int, default 2000
        Points after which a branch is given up.
    cycles : bool or int, default False
        Whether to follow the limit cycles that are born in Hopf bifurcations too, until they leave
        the span, end in another Hopf bifurcation, or their period has grown ten-fold; at most 100
        of each, or the given number. It takes longer than all the rest.
    region : int, optional
        Which region, where they differ.

    Returns
    -------
    Continuation
        Branches and bifurcations.

    Raises
    ------
    ValueError
        If a name, a value, the span or the step is wrong.

    References
    ----------
    .. [1] Keller 1987, Lectures on Numerical Methods in Bifurcation Problems, Springer

    Examples
    --------
    >>> import brainmass
    >>> from brainmass.analysis import continuation
    >>> diagram = continuation(brainmass.HopfStep(1, w=0.25), "a", (-0.5, 0.5))
    >>> diagram
    Continuation(a: 1 branch, 0 folds, 1 Hopf point)
    >>> diagram.hopfs
    [Bifurcation(Hopf at a=0, supercritical, 39.79 Hz)]
    """
    flow = flow_of(model, at, region, "continuation")
    ends = _read_span(flow, parameter, span)
    if not 0 < step <= 1:
        raise ValueError(f"continuation: step must be in (0, 1]; got {step!r}. Pass 0.05.")
    draft = Draft.trace(flow, parameter, ends, box, starts, float(step), int(most))
    return draft.finished(CYCLES if cycles is True else int(cycles))


@dataclass(frozen=True, eq=False)
class Draft:
    """A diagram of fixed points to which cycles can be added."""

    flow: Flow
    parameter: str
    path: Path
    curves: list[Curve]
    points: list[Singular]

    @classmethod
    def trace(cls, flow: Flow, parameter: str, ends, box, starts: int, step: float, most: int):
        """Follow all curves of fixed points and locate their bifurcations."""
        w, e = flow.direction(parameter)
        area, found = _search(flow, w, e, ends, box, starts)
        path = Path(flow, w, e, ends, area, _scale(area, found), step, most)
        curves: list[Curve] = []
        for y, q in found:
            if not any(path.lies_on(curve, y, q) for curve in curves):
                curves.append(follow(path, y, q))
        points = _once(path, [p for curve in curves for p in bifurcations_of(path, curve)])
        return cls(flow, parameter, path, curves, points)

    def finished(self, most: int = 0, stop=lambda: False) -> Continuation:
        """Return the diagram, with up to ``most`` cycles of each Hopf bifurcation."""
        flow, spec = self.flow, self.flow.spec(self.parameter)
        hopfs = [point for point in self.points if point.kind == "Hopf"]
        orbits = cycles_of(self.path, hopfs, most, stop) if most else []
        return Continuation(
            self.parameter,
            [_branch(flow, spec, curve) for curve in self.curves],
            [_bifurcation(flow, self.parameter, spec, point) for point in self.points],
            [_cycles(flow, spec, curve) for curve in orbits],
        )


def _read_span(flow: Flow, parameter: str, span) -> tuple[float, float]:
    flow.row(parameter)
    if not isinstance(span, tuple | list) or len(span) != 2:
        raise ValueError(
            f"continuation: span must be (first, last) values of '{parameter}'; got {span!r}. "
            "Pass two values."
        )
    numbers = [flow.read(parameter, end) for end in span]
    lo, hi = (float(n.flat[0]) for n in numbers)
    if any(np.ptp(n) > 0 for n in numbers) or not lo < hi:
        raise ValueError(
            f"continuation: span must be (low, high) with low < high; got {span!r}. Correct it."
        )
    return lo, hi


def _search(flow: Flow, w, e, ends, box, starts: int):
    """Return a box for the whole span, and fixed points (y, q) at several values of it."""
    found, areas = [], []
    values = np.linspace(ends[0], ends[1], SAMPLES)
    # From the middle outwards: a curve is best entered away from the ends of the span.
    own = flow.w
    try:
        for q in values[np.argsort(np.abs(np.arange(SAMPLES) - SAMPLES // 2), kind="stable")]:
            flow.w = w + q * e[:, None]
            area = read_box(flow, box)
            points, _ = find(flow, area, starts)
            areas.append(area.around(points) if len(points) else area)
            found += [(y, float(q)) for y in points]
    finally:
        flow.w = own
    first = areas[0]
    low = np.min([a.low for a in areas], axis=0)
    high = np.max([a.high for a in areas], axis=0)
    return Area(low, high, first.given, first.seeds[:0]), found


def _scale(area: Area, found) -> np.ndarray:
    """Return the size of a diagram in every state: the spread of its points, if they differ."""
    if not found:
        return area.scale
    half = np.ptp([y for y, _ in found], axis=0) / 2
    return np.where(half > 1e-4 * area.scale, half, area.scale)


def _branch(flow: Flow, spec, curve: Curve) -> Branch:
    return Branch(
        spec.attach(curve.q),
        dict(flow.attach(curve.y)),
        np.stack([ordered(row) for row in curve.eigenvalues]),
        curve.unstable == 0,
    )


def _cycles(flow: Flow, spec, curve: CycleCurve) -> CycleBranch:
    return CycleBranch(
        spec.attach(curve.q),
        u.Quantity(curve.period, unit=u.ms),
        dict(flow.attach(curve.low)),
        dict(flow.attach(curve.high)),
        curve.stable,
    )


def _bifurcation(flow: Flow, parameter: str, spec, point: Singular) -> Bifurcation:
    frequency = None if point.omega is None else point.omega * 1000 / (2 * np.pi) * u.Hz
    return Bifurcation(
        point.kind,
        parameter,
        spec.attach(point.q),
        dict(flow.attach(point.y)),
        ordered(point.eigenvalues),
        frequency,
        point.criticality,
    )


def _once(path: Path, points: list[Singular]) -> list[Singular]:
    """Sort by the parameter, and leave out what several branches that meet there have found."""
    kept: list[Singular] = []
    for point in sorted(points, key=lambda p: p.q):
        if not any(_same(path, point, other) for other in kept):
            kept.append(point)
    return kept


def _same(path: Path, a: Singular, b: Singular) -> bool:
    gap = path.scaled(a.y, a.q) - path.scaled(b.y, b.q)
    return a.kind == b.kind and bool(np.abs(gap).max() < 1e-4)
