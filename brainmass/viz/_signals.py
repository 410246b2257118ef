"""Plots of signals over time, against each other, and over frequency."""

from __future__ import annotations

from typing import Any

import brainunit as u
import numpy as np

from brainmass._errors import UnitError
from brainmass.analysis.signals.spectrum import psd

from ._axes import (
    MANY,
    axes,
    colourbar,
    diverging,
    line_colours,
    region_ticks,
    tidy,
    title,
    written,
)
from ._series import series


def plot_timeseries(
    signal: Any,
    ts: Any = None,
    *,
    labels: Any = None,
    stacked: bool = False,
    ax: Any = None,
    **kwargs: Any,
) -> Any:
    """Plot activity over time.

    Parameters
    ----------
    signal : array_like, brainunit.Quantity, dict or Signal
        ``(time,)`` or ``(time, region)``; or the result of a run with one recorded variable, or a
        :class:`~brainmass.datasets.Signal`, which bring their own times.
    ts : array_like or brainunit.Quantity, optional
        ``(time,)``, the ``'ts'`` of a run. Default: the number of the sample.
    labels : sequence of str, optional
        Names of the regions, for a legend.
    stacked : bool, default False
        Draw the regions above each other, as an EEG is shown, with a bar for the scale.
    ax : matplotlib.axes.Axes, optional
        Where to draw. Default: a new figure.
    **kwargs
        For :meth:`matplotlib.axes.Axes.plot`.

    Returns
    -------
    matplotlib.axes.Axes
        With unit on both axes.

    Examples
    --------
    >>> import brainmass, brainunit as u
    >>> node = brainmass.HopfStep(2, a=0.2, w=0.3, init_x=0.1)
    >>> result = brainmass.Simulator(node, dt=0.1 * u.ms).run(50 * u.ms, monitors="x")
    >>> ax = brainmass.viz.plot_timeseries(result["x"], result["ts"], labels=["V1", "MT"])
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('time (ms)', 'signal')
    """
    who = "plot_timeseries"
    data = series(signal, ts, labels, who)
    n = data.values.shape[1]
    height = 4.0 if not stacked else min(1.5 + 0.28 * n, 9.0)
    ax = axes(ax, who, (6.4, height))
    if "color" not in kwargs and "c" not in kwargs:
        ax.set_prop_cycle(color=line_colours(ax, 1 if stacked else n))
    kwargs = {"linewidth": 1.3 if n <= MANY else 0.8} | kwargs
    ax.set_xlabel(data.time_label)
    ax.margins(x=0.01)
    if stacked:
        return _stack(ax, data, kwargs)
    lines = ax.plot(data.times, data.values, **kwargs)
    ax.set_ylabel(title("signal", data.unit))
    if data.labels is not None and (labels is not None or n <= MANY):
        _legend(ax, lines, data.labels)
    return tidy(ax)


def _stack(ax: Any, data: Any, kwargs: dict) -> Any:
    values = data.values - data.values.mean(axis=0)
    # Robust, so that a single outlier does not flatten all others.
    room = 1.1 * np.percentile(np.ptp(values, axis=0), 90) or 1.0
    n = values.shape[1]
    ax.plot(data.times, values - room * np.arange(n), **kwargs)
    names = data.labels or [str(i) for i in range(n)]
    every = max(1, n // 40)
    ax.set_yticks(-room * np.arange(0, n, every), names[::every], fontsize=8 if n <= 20 else 6)
    ax.tick_params(left=False)
    ax.set_ylim(-room * (n - 0.2), 0.8 * room)
    size = float(f"{room / 2:.0e}")
    unit = "" if data.unit.is_unitless else f" {written(data.unit)}"
    across = ax.get_yaxis_transform()
    ax.plot([1.01, 1.01], [-size, 0.0], transform=across, color=ax.yaxis.label.get_color(), lw=2,
            clip_on=False)  # fmt: skip
    ax.text(1.02, -size / 2, f"{size:g}{unit}", transform=across, va="center", fontsize=8)
    ax.spines[["left"]].set_visible(False)
    return tidy(ax)


def _legend(ax: Any, lines: list, labels: list[str]) -> None:
    if len(labels) <= MANY:
        ax.legend(lines, labels, frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))
        return
    columns = -(-len(labels) // 24)
    ax.legend(lines, labels, frameon=False, fontsize=6, ncols=columns, loc="upper left",
              bbox_to_anchor=(1.0, 1.0))  # fmt: skip


def plot_phase_portrait(
    x: Any, y: Any, *, names: tuple[str, str] = ("x", "y"), ax: Any = None, **kwargs: Any
) -> Any:
    """Plot one variable against another.

    Parameters
    ----------
    x, y : array_like or brainunit.Quantity
        ``(time,)`` or ``(time, region)``, of equal shape. A dot marks the start.
    names : tuple of str, default ('x', 'y')
        Of the axes.
    ax : matplotlib.axes.Axes, optional
        Where to draw. Default: a new figure.
    **kwargs
        For :meth:`matplotlib.axes.Axes.plot`.

    Returns
    -------
    matplotlib.axes.Axes
        With unit on both axes.

    Examples
    --------
    >>> import brainmass, brainunit as u
    >>> node = brainmass.HopfStep(1, a=0.2, w=0.3, init_x=0.1)
    >>> result = brainmass.Simulator(node, dt=0.1 * u.ms).run(50 * u.ms, monitors=["x", "y"])
    >>> ax = brainmass.viz.plot_phase_portrait(result["x"], result["y"])
    >>> ax.get_xlabel()
    'x'
    """
    who = "plot_phase_portrait"
    across, up = series(x, None, None, who), series(y, None, None, who)
    if across.values.shape != up.values.shape:
        raise ValueError(
            f"{who}: x and y must have the same shape; got {across.values.shape} and "
            f"{up.values.shape}. Pass two variables of one run."
        )
    ax = axes(ax, who, (4.8, 4.4))
    n = across.values.shape[1]
    if "color" not in kwargs and "c" not in kwargs:
        ax.set_prop_cycle(color=line_colours(ax, n))
    lines = ax.plot(across.values, up.values, **({"linewidth": 1.2} | kwargs))
    for line in lines:
        first = [line.get_xdata()[:1], line.get_ydata()[:1]]
        ax.plot(*first, "o", color=line.get_color(), markersize=5, zorder=3)
    ax.set_xlabel(title(names[0], across.unit))
    ax.set_ylabel(title(names[1], up.unit))
    return tidy(ax)


def plot_power_spectrum(
    signal: Any, dt: Any = None, *, ax: Any = None, loglog: bool = True, **kwargs: Any
) -> Any:
    """Plot the power spectral density after Welch [1]_.

    About eight segments with a Hann window that overlap by half cover the signal. Of several
    regions each is drawn thin, and their mean thick.

    Parameters
    ----------
    signal : array_like, brainunit.Quantity or Signal
        ``(time,)`` or ``(time, region)``.
    dt : brainunit.Quantity
        Sampling interval. A :class:`~brainmass.datasets.Signal` brings its own.
    ax : matplotlib.axes.Axes, optional
        Where to draw. Default: a new figure.
    loglog : bool, default True
        Logarithmic axes, without the power at zero frequency.
    **kwargs
        For :meth:`matplotlib.axes.Axes.plot`.

    Returns
    -------
    matplotlib.axes.Axes
        Frequency in Hz, power in the squared unit of the signal per Hz.

    Raises
    ------
    UnitError
        If ``dt`` is no time.

    References
    ----------
    .. [1] Welch 1967, IEEE Trans. Audio Electroacoust. 15:70, doi:10.1109/TAU.1967.1161901

    Examples
    --------
    >>> import brainmass, brainunit as u, numpy as np
    >>> alpha = np.sin(2 * np.pi * 10 * np.arange(0, 10, 0.001)) * u.mV
    >>> ax = brainmass.viz.plot_power_spectrum(alpha, 1 * u.ms)
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('frequency (Hz)', 'power (mV²/Hz)')
    """
    who = "plot_power_spectrum"
    data = series(signal, None, None, who, dt)
    if data.dt is None or not u.have_same_dim(u.get_unit(data.dt), u.second):
        unit = u.get_unit(data.dt)
        got = data.dt if data.dt is None or unit.is_unitless else f"[{unit}]"
        raise UnitError(
            f"{who}: dt (sampling interval) must be a time; got {got}. "
            "Pass for example dt=0.1 * u.ms."
        )
    frequency, power = map(np.asarray, map(u.get_mantissa, psd(data.values, data.dt)))
    ax = axes(ax, who)
    if loglog:
        frequency, power = frequency[1:], power[1:]
        ax.set(xscale="log", yscale="log")
    n = power.shape[1]
    if "color" not in kwargs and "c" not in kwargs:
        ax.set_prop_cycle(color=line_colours(ax, n))
    thick = {"linewidth": 1.5} | kwargs
    if n == 1:
        ax.plot(frequency, power[:, 0], **thick)
    else:
        ax.plot(frequency, power, **(thick | {"linewidth": 0.7, "alpha": 0.5, "label": None}))
        mean = {"color": ax.yaxis.label.get_color(), "label": "mean"} | kwargs
        ax.plot(frequency, power.mean(axis=1), **({"linewidth": 2.0} | mean))
        ax.legend(frameon=False)
    ax.set_xlabel(title("frequency", u.Hz))
    unit = "1" if data.unit.is_unitless else written(data.unit**2)
    ax.set_ylabel(f"power ({unit}/Hz)")
    return tidy(ax)


def plot_carpet(
    signal: Any,
    ts: Any = None,
    *,
    labels: Any = None,
    normalize: bool = True,
    ax: Any = None,
    colorbar: bool = True,
    **kwargs: Any,
) -> Any:
    """Plot all regions over time as a carpet [1]_: one row each, values as colours.

    Parameters
    ----------
    signal : array_like, brainunit.Quantity, dict or Signal
        ``(time, region)``, or as for :func:`plot_timeseries`.
    ts : array_like or brainunit.Quantity, optional
        ``(time,)``, evenly spaced.
    labels : sequence of str, optional
        Names of the regions.
    normalize : bool, default True
        Show each region in standard deviations from its own mean.
    ax : matplotlib.axes.Axes, optional
        Where to draw. Default: a new figure.
    colorbar : bool, default True
        Draw one.
    **kwargs
        For :meth:`matplotlib.axes.Axes.imshow`.

    Returns
    -------
    matplotlib.axes.Axes
        Regions from top to bottom.

    References
    ----------
    .. [1] Power 2017, NeuroImage 154:150, doi:10.1016/j.neuroimage.2016.08.009

    Examples
    --------
    >>> import brainmass
    >>> bold = brainmass.datasets.load_dataset("synthetic_68_bold")
    >>> ax = brainmass.viz.plot_carpet(bold)
    >>> ax.get_xlabel()
    'time (s)'
    """
    who = "plot_carpet"
    data = series(signal, ts, labels, who)
    values, what = data.values.astype(float), title("signal", data.unit)
    n = values.shape[1]
    ax = axes(ax, who, (6.8, min(2.2 + 0.04 * n, 6.0)))
    if normalize:
        spread = values.std(axis=0)
        centred = values - values.mean(axis=0)
        values = np.divide(centred, spread, out=np.zeros_like(values), where=spread > 0)
        what = "z score"
        kwargs = {"vmin": -2.5, "vmax": 2.5, "cmap": diverging(ax)} | kwargs
    half = (data.times[-1] - data.times[0]) / (len(values) - 1) / 2
    extent = (data.times[0] - half, data.times[-1] + half, n - 0.5, -0.5)
    options = {"aspect": "auto", "interpolation": "nearest", "extent": extent} | kwargs
    image = ax.imshow(values.T, **options)
    ax.set_xlabel(data.time_label)
    ax.set_ylabel("region")
    if data.labels is not None:
        _few_ticks(ax, data.labels)
    if colorbar:
        colourbar(ax, image, what, extend="both" if normalize else "neither")
    return ax


def _few_ticks(ax: Any, labels: list[str]) -> None:
    """Name regions where there is room; otherwise leave their numbers."""
    if len(labels) <= 24:
        region_ticks(ax, labels, "y")
