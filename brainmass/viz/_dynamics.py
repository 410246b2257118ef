"""Plots of what :mod:`brainmass.analysis` finds in a model: bifurcations and phase planes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import brainunit as u
import numpy as np

from brainmass._errors import UnitError, choices

from ._axes import axes, bare, ink, is_dark, palette, tidy, title

FINE = 31  # points of a field along an axis
MARKS = {"fold": "s", "branch point": "D", "Hopf": "o"}


def plot_bifurcation(
    diagram: Any,
    state: str | None = None,
    *,
    region: int | None = None,
    cycles: Sequence[tuple[Any, Any]] = (),
    ax: Any = None,
    **kwargs: Any,
) -> Any:
    """Plot a bifurcation diagram.

    Stable fixed points are solid, unstable ones dashed. A filled circle is a supercritical Hopf
    point, an open one a subcritical Hopf point. Of limit cycles that the diagram followed, the
    smallest and the largest values are drawn, solid where the cycle is stable, dashed where not.

    Parameters
    ----------
    diagram : Continuation
        What :func:`brainmass.analysis.continuation` returns.
    state : str, optional
        Which state goes up. Default: the first.
    region : int, optional
        Which region, in a network. Default: their mean.
    cycles : sequence of (value, LimitCycle), optional
        More limit cycles at values of the parameter, from
        :func:`brainmass.analysis.limit_cycle`, each drawn as two points.
    ax : matplotlib.axes.Axes, optional
        Where to draw. Default: a new figure.
    **kwargs
        For :meth:`matplotlib.axes.Axes.plot` of the branches.

    Returns
    -------
    matplotlib.axes.Axes
        Parameter across, state up, each with its unit.

    Raises
    ------
    ValueError
        If there is no such state.

    Examples
    --------
    >>> import brainmass
    >>> node = brainmass.HopfStep(1, w=0.3)
    >>> diagram = brainmass.analysis.continuation(node, "a", (-0.2, 0.25), cycles=True)
    >>> ax = brainmass.viz.plot_bifurcation(diagram, "x")
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('a', 'x')
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['stable', 'unstable', 'stable cycle', 'supercritical Hopf']
    """
    who = "plot_bifurcation"
    if not diagram.branches:
        raise ValueError(
            f"{who}: diagram must have a branch; got none. Widen the span or the box of the "
            "continuation."
        )
    names = list(diagram.branches[0].states)
    state = names[0] if state is None else state
    if state not in names:
        raise ValueError(f"{who}: state must be one of {choices(names)}; got {state!r}. Choose.")
    unit = u.get_unit(diagram.branches[0].states[state])
    across = u.get_unit(diagram.branches[0].values)
    ax = axes(ax, who)
    line = {"color": palette(ax)[0], "linewidth": 1.8} | kwargs
    for branch in diagram.branches:
        x, y = _in(branch.values, across), _one(branch.states[state], region, unit)
        _curve(ax, x, y, branch.stable, "", line)
    line = line | {"color": palette(ax)[2]}
    for branch in getattr(diagram, "cycles", ()):
        x = _in(branch.values, across)
        for extreme in (branch.minimum, branch.maximum):
            y = _one(extreme[state], region, unit)
            _curve(ax, x, y, branch.stable, " cycle", line)
    _cycles(ax, cycles, state, region, (across, unit))
    for found in diagram.bifurcations:
        x, y = _number(found.value, across), _one(found.state[state], region, unit)
        _mark(ax, found, x, float(y))
    _legend(ax)
    ax.set_xlabel(title(diagram.parameter, across))
    ax.set_ylabel(title(state, unit))
    return tidy(ax)


def plot_phase_plane(
    model: Any,
    x: str | None = None,
    y: str | None = None,
    *,
    nullclines: Any = None,
    fixed_points: Sequence[Any] | None = None,
    trajectory: Any = None,
    ax: Any = None,
    box: dict | None = None,
    at: dict | None = None,
    **kwargs: Any,
) -> Any:
    """Plot a phase plane: field, nullclines, fixed points and, if given, a trajectory.

    Filled circles are stable fixed points, open circles unstable ones, and open diamonds saddles.

    Parameters
    ----------
    model : NeuralMass or VectorField
        A model, which is analysed; or what :func:`brainmass.analysis.vector_field` returned.
    x, y : str, optional
        States on the axes. Default: the first two.
    nullclines : Nullclines, optional
        From :func:`brainmass.analysis.nullclines`. Default: those of the model.
    fixed_points : list of FixedPoint, optional
        From :func:`brainmass.analysis.fixed_points`. Default: those of the model in the box.
    trajectory : dict or tuple, optional
        The result of a run with both states recorded, or a pair of arrays.
    ax : matplotlib.axes.Axes, optional
        Where to draw. Default: a new figure.
    box, at : dict, optional
        Range of the states, and parameters and inputs in place of those of the model, for its
        analysis.
    **kwargs
        For :meth:`matplotlib.axes.Axes.streamplot`.

    Returns
    -------
    matplotlib.axes.Axes
        With unit on both axes.

    Raises
    ------
    ValueError
        If the model has one state, or the trajectory lacks one of the two.

    Examples
    --------
    >>> import brainmass
    >>> node = brainmass.FitzHughNagumoStep(1)
    >>> ax = brainmass.viz.plot_phase_plane(node, "V", "w", at={"V_inp": 0.5})
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('V', 'w')
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['dV/dt = 0', 'dw/dt = 0', 'stable focus']
    """
    who = "plot_phase_plane"
    field = model
    if not all(hasattr(model, name) for name in ("names", "x", "y", "dx", "dy")):
        field, found, points = _analysed(model, *_plane(model, x, y, who), box, at, trajectory)
        nullclines = found if nullclines is None else nullclines
        fixed_points = points if fixed_points is None else fixed_points
    names = field.names
    (across, ux), (up, uy) = bare(field.x), bare(field.y)
    units = (ux, uy)
    dx, dy = bare(field.dx)[0], bare(field.dy)[0]
    ax = axes(ax, who, (5.6, 4.8))
    shade = "#6f6f6f" if is_dark(ax) else "#b9b9b9"
    options = {"color": shade, "linewidth": 0.7, "arrowsize": 0.8, "density": 1.1, "zorder": 1}
    ax.streamplot(across, up, dx, dy, **(options | kwargs))
    colours = palette(ax)
    if nullclines is not None:
        for name, colour in zip(names, colours[:2], strict=True):
            line = [_in(values, unit) for values, unit in zip(nullclines[name], units, strict=True)]
            ax.plot(*line, color=colour, linewidth=1.8, label=f"d{name}/dt = 0", zorder=2)
    if trajectory is not None:
        pair = _path(trajectory, names, who)
        path = [_in(v, unit) for v, unit in zip(pair, units, strict=True)]
        ax.plot(*path, color=colours[2], linewidth=1.2, label="trajectory", zorder=3)
    for point in fixed_points or ():
        where = [_number(point.state[name], unit) for name, unit in zip(names, units, strict=True)]
        _dot(ax, point, *where)
    ax.set(xlim=(across.min(), across.max()), ylim=(up.min(), up.max()))
    ax.set_xlabel(title(names[0], ux))
    ax.set_ylabel(title(names[1], uy))
    _legend(ax)
    return tidy(ax)


def _plane(model: Any, x: str | None, y: str | None, who: str) -> tuple[str, str]:
    states = list(getattr(getattr(model, "declaration", None), "states", ()))
    if len(states) < 2:
        raise ValueError(
            f"{who}: model must be a *Step model with two states or more, or a vector field; got "
            f"{type(model).__name__}. Pass the node of a network."
        )
    x = x or next(name for name in states if name != y)
    return x, y or next(name for name in states if name != x)


def _analysed(model: Any, x: str, y: str, box: dict | None, at: dict | None, trajectory: Any):
    """Field, nullclines and fixed points of a model, where the trajectory is."""
    from brainmass import analysis

    field = analysis.vector_field(model, x, y, points=FINE, box=box, at=at)
    if trajectory is not None and box is None:
        box = _around(field, trajectory)
        field = analysis.vector_field(model, x, y, points=FINE, box=box, at=at)
    curves = analysis.nullclines(model, x, y, box=box, at=at)
    return field, curves, analysis.fixed_points(model, box=box, at=at)


def _around(field: Any, trajectory: Any) -> dict:
    """A box that holds a field and a trajectory."""
    box = {}
    path = _path(trajectory, field.names, "plot_phase_plane")
    for name, grid, values in zip(field.names, (field.x, field.y), path, strict=True):
        edges, unit = bare(grid)
        inside = _in(values, unit)
        low, high = float(min(edges.min(), inside.min())), float(max(edges.max(), inside.max()))
        room = 0.03 * (high - low)
        ends = (low - room, high + room)
        box[name] = ends if unit.is_unitless else tuple(u.Quantity(e, unit=unit) for e in ends)
    return box


def _path(trajectory: Any, names: tuple[str, str], who: str) -> tuple[Any, Any]:
    if isinstance(trajectory, dict):
        missing = [name for name in names if name not in trajectory]
        if missing:
            raise ValueError(
                f"{who}: trajectory must hold {choices(names)}; got {choices(trajectory)}. Record "
                "both states."
            )
        trajectory = tuple(trajectory[name] for name in names)
    return trajectory


def _dot(ax: Any, point: Any, x: float, y: float) -> None:
    saddle = point.kind.startswith("saddle")
    colour = ink(ax)
    face = colour if point.stable else ax.get_facecolor()
    shape = "D" if saddle else "o"
    ax.plot(x, y, shape, markersize=6 if saddle else 8, markerfacecolor=face, zorder=4,
            markeredgecolor=colour, markeredgewidth=1.5, label=point.kind)  # fmt: skip


def _mark(ax: Any, found: Any, x: float, y: float) -> None:
    colours = palette(ax)
    colour = colours[1] if found.kind == "Hopf" else colours[3]
    full = found.kind != "Hopf" or found.criticality == "supercritical"
    name = f"{found.criticality} {found.kind}".strip()
    face = colour if full else ax.get_facecolor()
    ax.plot(x, y, MARKS.get(found.kind, "x"), markersize=7, color=colour, label=name, zorder=4,
            markerfacecolor=face, markeredgewidth=1.5)  # fmt: skip


def _curve(ax: Any, x: Any, y: Any, stable: Any, what: str, line: dict) -> None:
    """Draw a curve, solid where it is stable and dashed where it is not."""
    for kind, style, name in ((True, "-", "stable"), (False, "--", "unstable")):
        if np.any(np.asarray(stable) == kind):
            ax.plot(x, _where(y, stable, kind), style, **(line | {"label": name + what}))


def _cycles(ax: Any, cycles: Any, state: str, region: int | None, units: tuple) -> None:
    colour = palette(ax)[2]
    ordered = sorted(cycles, key=lambda pair: _number(pair[0], units[0]))
    for kind, face in ((True, colour), (False, ax.get_facecolor())):
        some = [(v, c) for v, c in ordered if bool(c.stable) is kind]
        if not some:
            continue
        x = [_number(value, units[0]) for value, _ in some]
        name = "stable cycle" if kind else "unstable cycle"
        for extreme in ("minimum", "maximum"):
            y = [float(_one(getattr(cycle, extreme)[state], region, units[1])) for _, cycle in some]
            ax.plot(x, y, ".", color=colour, markerfacecolor=face, markersize=6, label=name)


def _legend(ax: Any) -> None:
    """One entry for each name, in the order they were drawn."""
    handles, names = ax.get_legend_handles_labels()
    shown = dict(zip(reversed(names), reversed(handles), strict=True))
    unique = [(shown[name], name) for name in dict.fromkeys(names)]
    if unique:
        ax.legend(*zip(*unique, strict=True), frameon=False, loc="upper left",
                  bbox_to_anchor=(1.0, 1.0))  # fmt: skip


def _one(values: Any, region: int | None, unit: u.Unit) -> np.ndarray:
    """Values of one region, or the mean of all, in the unit of an axis."""
    numbers = _in(values, unit)
    if numbers.ndim == 0:
        return numbers
    if region is not None:
        return numbers[..., region]
    return numbers.mean(axis=-1) if numbers.ndim > 1 else numbers


def _where(y: np.ndarray, stable: np.ndarray, kind: bool) -> np.ndarray:
    """Values where the stability is of this kind; pieces reach to the first point of the next."""
    chosen = np.asarray(stable) == kind
    if not kind:
        edges = chosen[1:] != chosen[:-1]
        chosen = chosen.copy()
        chosen[1:] |= edges
        chosen[:-1] |= edges
    return np.where(chosen, y, np.nan)


def _number(value: Any, unit: u.Unit) -> float:
    return float(np.ravel(_in(value, unit))[0])


def _in(values: Any, unit: u.Unit) -> np.ndarray:
    """Numbers in the unit of an axis."""
    own = u.get_unit(values)
    if not u.have_same_dim(own, unit):
        raise UnitError(f"plot: values must be in [{unit}], as the axis is; got [{own}]. Convert.")
    if unit.is_unitless:
        return np.asarray(u.get_mantissa(values))
    return np.asarray(u.Quantity(values).to_decimal(unit))
