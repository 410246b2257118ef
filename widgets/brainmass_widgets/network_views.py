"""What the plots of a network show: connectome, functional connectivity, synchrony, BOLD."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from .engine import Outcome
from .plots import Axis, Heat, Lines, Mark, Panel, Trace
from .views import correlation_matrix, ends_of, matrix_map, region_name, regions_shown

__all__ = [
    "Bold",
    "agreement",
    "bold_course",
    "connectome",
    "correlations",
    "empirical",
    "order_parameter",
]


@dataclass(frozen=True, eq=False)
class Bold:
    """A BOLD signal: ``data`` is (time, region), ``times`` in ms.

    ``wanted`` is the length of the whole run in ms.
    """

    data: np.ndarray
    times: np.ndarray
    wanted: float


def connectome(
    weights: np.ndarray, names: Sequence[str] = (), selected: tuple[int, int] | None = None
) -> Heat:
    """Return the weights of a network, with the selected connection marked.

    Parameters
    ----------
    weights : numpy.ndarray
        Row = target.
    names : sequence of str, optional
        Names of the regions.
    selected : tuple of int, optional
        Target and source.
    """
    marks = () if selected is None else (Mark(selected[1], selected[0], "cell"),)
    shown = np.where(weights == 0, np.nan, weights)  # blank where there is no connection
    if not np.isfinite(shown).any():
        shown = weights
    signed = bool((weights < 0).any())
    size = float(np.abs(weights).max())
    heat = matrix_map(shown, Axis("weight"), names, marks=marks)
    if signed:
        return replace(heat, palette="diverging", span=(-size, size))
    return replace(heat, span=(0.0, size or 1.0))


def correlations(
    outcome: Outcome,
    signal: str,
    names: Sequence[str] = (),
    empirical: np.ndarray | None = None,
    bold: Bold | None = None,
) -> Heat:
    """Return the functional connectivity of a signal, of BOLD where there is one.

    Parameters
    ----------
    outcome : Outcome
        The run.
    signal : str
        Which signal.
    names : sequence of str, optional
        Names of the regions.
    empirical : numpy.ndarray, optional
        A measured matrix; the label then tells how well both agree.
    bold : Bold, optional
        BOLD signals of a longer run.

    Returns
    -------
    Heat
        Pearson correlations from -1 to 1.
    """
    use_bold = bold is not None and len(bold.data) > 2
    matrix = (
        _pearson(bold.data) if use_bold and bold else correlation_matrix(outcome.series[signal])
    )
    label = f"correlation of {'BOLD' if use_bold else signal}"
    if empirical is not None:
        label += f", r = {agreement(matrix, empirical):.2f} with data"
    return matrix_map(matrix, Axis(label), names, signed=True)


def empirical(matrix: np.ndarray, names: Sequence[str] = ()) -> Heat:
    """Return a measured functional connectivity."""
    return matrix_map(matrix, Axis("empirical correlation"), names, signed=True)


def agreement(first: np.ndarray, second: np.ndarray) -> float:
    """Return the correlation of two matrices over their pairs of regions; 0 if one is flat.

    Examples
    --------
    >>> import numpy as np
    >>> a = np.array([[1.0, 0.2, 0.4], [0.2, 1.0, 0.6], [0.4, 0.6, 1.0]])
    >>> round(agreement(a, 0.5 * a), 6)
    1.0
    """
    rows, columns = np.tril_indices(len(first), -1)
    pair = np.stack([first[rows, columns], second[rows, columns]])
    good = np.isfinite(pair).all(0)
    if good.sum() < 2 or (pair[:, good].std(1) < 1e-12).any():
        return 0.0
    return float(np.corrcoef(pair[:, good])[0, 1])


def order_parameter(outcome: Outcome, signal: str, pinned: Outcome | None = None) -> Lines:
    """Return how well the phases of the regions agree over time.

    The phase of a region is the angle of its analytic signal, of the deviation from its mean.

    Parameters
    ----------
    outcome : Outcome
        The run.
    signal : str
        Which signal.
    pinned : Outcome, optional
        An earlier run, drawn dashed behind.

    Returns
    -------
    Lines
        Kuramoto order parameter from 0 to 1; the legend gives its mean and deviation, which
        measure synchrony and metastability.
    """
    now = _order(outcome.series[signal].recorded)
    middle = np.median(now, axis=1)
    band = None
    if now.shape[1] > 1:
        low, high = np.quantile(now, (0.05, 0.95), axis=1)
        band = (low, high)
    name = f"mean {now.mean():.2f}, SD {now.std(0).mean():.2f}" if now.size else "order"
    traces = [Trace(name, middle, band=band)]
    if pinned is not None and signal in pinned.series:
        before = np.median(_order(pinned.series[signal].recorded), axis=1)
        traces.append(Trace("pinned", before, pinned.times, role="ghost"))
    start, end = ends_of(outcome)
    panel = Panel(Axis(f"order of {signal}"), tuple(traces))
    grid = (outcome.t0, outcome.step)
    return Lines(Axis("time", "ms"), (panel,), *grid, start=start, end=end, legend=True)


def bold_course(bold: Bold, region: int | None = None, names: Sequence[str] = ()) -> Lines:
    """Return BOLD signals over time.

    Parameters
    ----------
    bold : Bold
        The signals.
    region : int, optional
        Which region; some of all by default.
    names : sequence of str, optional
        Names of the regions.
    """
    seconds = bold.times / 1e3
    shown = regions_shown(bold.data.shape[1], region)
    traces = tuple(
        Trace(region_name(r, names), bold.data[:, r], seconds, color=k) for k, r in enumerate(shown)
    )
    panel = Panel(Axis("BOLD"), traces)
    return Lines(Axis("time", "s"), (panel,), start=0.0, end=bold.wanted / 1e3)


def _order(recorded: np.ndarray) -> np.ndarray:
    """Return the order parameter of (time, region) or (time, seed, region) as (time, seed)."""
    from scipy.signal import hilbert

    runs = recorded if recorded.ndim == 3 else recorded[:, None, :]
    finite = np.isfinite(runs).all((1, 2))
    out = np.full(runs.shape[:2], np.nan)
    if finite.sum() < 2:
        return out[:0]
    moving = runs[finite].astype(float)
    angles = np.angle(np.asarray(hilbert(moving - moving.mean(0), axis=0)))
    out[finite] = np.abs(np.exp(1j * angles).mean(-1))
    return out[finite]


def _pearson(data: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):
        return np.nan_to_num(np.corrcoef(data.astype(float).T))
