"""From what a run gave to what the plots show: time course, phase portrait, regions, spectrum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from .engine import Outcome, Series
from .plots import Axis, Heat, Lines, Panel, Phase, Trace

__all__ = [
    "correlation_matrix",
    "default_signals",
    "ends_of",
    "heat_map",
    "matrix_map",
    "phase_portrait",
    "region_name",
    "regions_shown",
    "spectrum",
    "time_course",
]

MOST_REGIONS = 8
"""Regions drawn as lines while all are selected; the heat map shows the others."""

MOST_SEEDS = 8
"""Seeds of which a phase portrait shows the trajectories."""

TIME = "time"


def default_signals(series: dict[str, Series]) -> list[str]:
    """Choose what to show first: the model's output, or the first signals that share a unit.

    Examples
    --------
    >>> import brainunit as u
    >>> import numpy as np
    >>> from brainmass_widgets.engine import Series
    >>> one = np.zeros((2, 1))
    >>> default_signals({n: Series(n, u.UNITLESS, one) for n in ("x", "y")})
    ['x', 'y']
    """
    if "output" in series:
        return ["output"]
    names = list(series)
    alike = [n for n in names if series[n].unit == series[names[0]].unit] if names else []
    wide = bool(names) and series[names[0]].recorded.shape[-1] > 1
    return alike[: 1 if wide else 3]


def regions_shown(count: int, region: int | None) -> list[int]:
    """Return the regions drawn as lines: the selected one, or some spread over all."""
    if region is not None:
        return [region] if 0 <= region < count else []
    if count <= MOST_REGIONS:
        return list(range(count))
    return np.linspace(0, count - 1, MOST_REGIONS).round().astype(int).tolist()


def time_course(
    outcome: Outcome,
    signals: Sequence[str],
    region: int | None = None,
    pinned: Outcome | None = None,
    names: Sequence[str] = (),
) -> Lines:
    """Return the signals over time: one panel per unit, or per signal when there are regions.

    Parameters
    ----------
    outcome : Outcome
        The run.
    signals : sequence of str
        Which signals.
    region : int, optional
        Which region; some of all by default.
    pinned : Outcome, optional
        An earlier run, drawn dashed behind.
    names : sequence of str, optional
        Names of the regions.

    Returns
    -------
    Lines
        Time in ms.
    """
    panels = []
    for group in _groups(outcome, signals, region):
        traces = _traces(outcome, group, region, names)
        if pinned is not None:
            traces += [
                replace(t, role="ghost", x=pinned.times, band=None)
                for t in _traces(pinned, group, region, names)
            ]
        first = outcome.series[group[0]]
        label = group[0] if len(group) == 1 else ", ".join(group)
        panels.append(Panel(Axis(label, first.label), tuple(traces)))
    axis = Axis(TIME, "ms")
    robust = bool(outcome.problem)
    start, end = ends_of(outcome)
    grid = (outcome.t0, outcome.step)
    return Lines(axis, tuple(panels), *grid, robust=robust, start=start, end=end)


def phase_portrait(
    outcome: Outcome,
    across: str,
    up: str,
    region: int | None = None,
    pinned: Outcome | None = None,
    names: Sequence[str] = (),
) -> Phase:
    """Return trajectories in the plane of two signals.

    Parameters
    ----------
    outcome : Outcome
        The run.
    across, up : str
        The two signals.
    region, pinned, names
        As for :func:`time_course`.

    Returns
    -------
    Phase
        One trajectory per region; those of further seeds are pale.
    """

    def trajectories(run: Outcome, role: str) -> list[Trace]:
        if across not in run.series or up not in run.series:
            return []
        x, y = (_members(run.series[name]) for name in (across, up))
        shown = regions_shown(min(x.shape[2], y.shape[2]), region)
        traces = []
        for k, r in enumerate(shown):
            name = region_name(r, names)
            for seed in range(min(x.shape[1], MOST_SEEDS if role == "main" else 1)):
                kind = "faint" if seed and role == "main" else role
                traces.append(Trace(name, y[:, seed, r], x[:, seed, r], color=k, role=kind))
        return traces

    traces = trajectories(outcome, "main")
    if pinned is not None:
        traces += trajectories(pinned, "ghost")
    x_axis = Axis(across, outcome.series[across].label)
    y_axis = Axis(up, outcome.series[up].label)
    return Phase(x_axis, y_axis, tuple(traces), robust=bool(outcome.problem))


def heat_map(outcome: Outcome, signal: str, names: Sequence[str] = ()) -> Heat:
    """Return one signal of all regions over time.

    Parameters
    ----------
    outcome : Outcome
        The run.
    signal : str
        Which signal.
    names : sequence of str, optional
        Names of the regions.

    Returns
    -------
    Heat
        One row per region.
    """
    series = outcome.series[signal]
    start, end = ends_of(outcome)
    return Heat(
        Axis(TIME, "ms"),
        Axis("region"),
        Axis(signal, series.label),
        series.data.T,
        outcome.t0 - 0.5 * outcome.step,
        outcome.step,
        tuple(names),
        robust=bool(outcome.problem),
        start=start,
        end=end,
    )


def correlation_matrix(series: Series) -> np.ndarray:
    """Return Pearson correlations of the regions, averaged over seeds; 0 where nothing moves."""
    runs = _members(series)
    total = np.zeros((runs.shape[2],) * 2)
    for k in range(runs.shape[1]):
        data = runs[:, k].astype(float)
        with np.errstate(all="ignore"):
            centred = data - data.mean(0)
            size = np.sqrt((centred**2).sum(0))
            total += np.nan_to_num((centred.T @ centred) / np.outer(size, size))
    return total / runs.shape[1]


def matrix_map(
    data: np.ndarray, value: Axis, names: Sequence[str] = (), *, signed: bool = False, marks=()
) -> Heat:
    """Return a matrix of regions by regions.

    Parameters
    ----------
    data : numpy.ndarray
        Row = target.
    value : Axis
        What the colours mean.
    names : sequence of str, optional
        Names of the regions.
    signed : bool, default False
        Whether it holds correlations, shown from -1 to 1 around white.
    marks : tuple of Mark, optional
        Marked cells.

    Returns
    -------
    Heat
        The matrix.
    """
    region = Axis("region")
    return Heat(
        region,
        region,
        value,
        data,
        x0=-0.5,
        dx=1.0,
        names=tuple(names),
        span=(-1.0, 1.0) if signed else None,
        palette="diverging" if signed else "sequential",
        marks=tuple(marks),
    )


def spectrum(
    outcome: Outcome,
    signals: Sequence[str],
    region: int | None = None,
    pinned: Outcome | None = None,
    names: Sequence[str] = (),
) -> Lines:
    """Return amplitude spectra of the signals, with a Hann window and without the mean.

    The height of a peak is the amplitude of a sine of that frequency.

    Parameters
    ----------
    outcome : Outcome
        The run.
    signals, region, pinned, names
        As for :func:`time_course`.

    Returns
    -------
    Lines
        Frequency in Hz, up to where almost all power is.
    """
    groups = _groups(outcome, signals, region)
    spectra, top = [], 0.0
    for group in groups:
        traces = _spectra(outcome, group, region, names)
        top = max([top, *(_highest(t.across, t.y) for t in traces)])
        if pinned is not None:
            before = _spectra(pinned, group, region, names)
            traces += [replace(t, role="ghost", band=None) for t in before]
        spectra.append((group, traces))
    panels = []
    for group, traces in spectra:
        cut = [_cut(t, top) for t in traces]
        label = group[0] if len(group) == 1 else ", ".join(group)
        panels.append(Panel(Axis(f"|{label}|", outcome.series[group[0]].label), tuple(cut)))
    return Lines(Axis("frequency", "Hz"), tuple(panels))


def _spectra(outcome: Outcome, group, region, names) -> list[Trace]:
    traces = []
    for trace, runs in _with_runs(outcome, group, region, names):
        hertz, sizes = _amplitudes(runs, outcome.step)
        size, band = sizes[:, 0], None
        if sizes.shape[1] > 1:
            size = np.median(sizes, axis=1)
            low, high = np.quantile(sizes, (0.05, 0.95), axis=1)
            band = (low, high)
        traces.append(replace(trace, x=hertz, y=size, band=band))
    return traces


def _members(series: Series) -> np.ndarray:
    """Return (time, seed, region)."""
    return series.recorded if series.several else series.recorded[:, None, :]


def ends_of(outcome: Outcome) -> tuple[float, float]:
    """Where the time axis starts and ends, also when the run has not come that far."""
    start = outcome.t0 - outcome.step
    return start, max(outcome.request.duration, outcome.t0)


def _groups(outcome: Outcome, signals: Sequence[str], region: int | None) -> list[list[str]]:
    known = [s for s in signals if s in outcome.series]
    wide = any(outcome.series[s].recorded.shape[-1] > 1 for s in known)
    if wide and region is None:
        return [[s] for s in known]
    groups: dict[object, list[str]] = {}
    for s in known:
        groups.setdefault(outcome.series[s].label, []).append(s)
    return list(groups.values())


def _traces(outcome: Outcome, group, region, names) -> list[Trace]:
    return [trace for trace, _ in _with_runs(outcome, group, region, names)]


def _with_runs(outcome: Outcome, group, region, names) -> list[tuple[Trace, np.ndarray]]:
    """Return the lines of a group of signals, each with its runs as (time, seed)."""
    traces = []
    order = list(outcome.series)
    for name in group:
        if name not in outcome.series:
            continue
        series = outcome.series[name]
        count = series.recorded.shape[-1]
        shown = regions_shown(count, region if count > 1 else None)
        for k, r in enumerate(shown):
            single = count == 1 or region is not None
            label = name if single else region_name(r, names)
            color = order.index(name) if single else k
            trace = Trace(label, series.data[:, r], color=color, band=series.band(r))
            runs = series.recorded.reshape(len(series.recorded), -1, count)[:, :, r]
            traces.append((trace, runs))
    return traces


def region_name(region: int, names: Sequence[str]) -> str:
    """Return the name of a region, or its number."""
    return names[region] if region < len(names) else f"region {region}"


def _amplitudes(runs: np.ndarray, step: float) -> tuple[np.ndarray, np.ndarray]:
    """Return frequencies in Hz and the amplitudes of each run, up to where all are finite."""
    finite = runs[np.isfinite(runs).all(1)].astype(float)
    if len(finite) < 8:
        return np.zeros(1), np.zeros((1, runs.shape[1]))
    window = np.hanning(len(finite))
    with np.errstate(over="ignore", invalid="ignore"):
        moving = (finite - finite.mean(0)) * window[:, None]
        size = np.abs(np.fft.rfft(moving, axis=0)) * 2 / window.sum()
    return np.fft.rfftfreq(len(finite), step * 1e-3), size


def _highest(hertz: np.ndarray, size: np.ndarray) -> float:
    """Return a frequency below which almost all power is, with room to see the peaks."""
    power = np.cumsum(np.nan_to_num(size) ** 2)
    if not power.size or not power[-1] > 0:
        return 50.0
    edge = hertz[np.searchsorted(power, 0.999 * power[-1])]
    return max(20.0, 2.5 * float(edge))


def _cut(trace: Trace, top: float) -> Trace:
    n = max(2, int(np.searchsorted(trace.across, top, side="right")))
    band = None if trace.band is None else (trace.band[0][:n], trace.band[1][:n])
    return replace(trace, x=trace.across[:n], y=trace.y[:n], band=band)
