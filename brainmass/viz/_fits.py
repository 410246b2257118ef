"""Plots of how a fit went."""

from __future__ import annotations

from typing import Any

import brainunit as u
import numpy as np

from brainmass._errors import choices

from ._axes import axes, bare, ink, palette, tidy, title


def plot_fit_history(
    result: Any,
    column: str = "loss",
    *,
    log: bool | None = None,
    ax: Any = None,
    **kwargs: Any,
) -> Any:
    """Plot the course of a fit.

    Of the loss every evaluation is shown as a dot and the best so far as a line; evaluations that
    failed are marked at the bottom.

    Parameters
    ----------
    result : FitResult, History or sequence of float
        The result of :meth:`~brainmass.Fitter.fit`, its ``history``, or bare losses.
    column : str, default 'loss'
        What to show: ``'loss'``, ``'gradient_norm'``, a part of the loss, or a parameter.
    log : bool, optional
        Logarithmic vertical axis. Default: for a loss that is positive and falls more than
        tenfold.
    ax : matplotlib.axes.Axes, optional
        Where to draw. Default: a new figure.
    **kwargs
        For :meth:`matplotlib.axes.Axes.plot`.

    Returns
    -------
    matplotlib.axes.Axes
        Step of the search across.

    Raises
    ------
    ValueError
        If there is no such column.

    Examples
    --------
    >>> import brainmass
    >>> ax = brainmass.viz.plot_fit_history([2.0, 0.9, 0.3, 0.4, 0.1])
    >>> ax.get_xlabel(), ax.get_yscale()
    ('step', 'log')
    """
    who = "plot_fit_history"
    history = getattr(result, "history", result)
    known = getattr(history, "columns", ["loss"])
    if column not in known:
        raise ValueError(f"{who}: column must be one of {choices(known)}; got {column!r}. Choose.")
    values = np.asarray(history) if not hasattr(history, "columns") else history[column]
    if len(values) == 0:
        raise ValueError(f"{who}: the history must not be empty; got no step. Run the fit first.")
    if isinstance(values, list):
        raise ValueError(
            f"{who}: column must hold numbers; got '{column}', which holds dictionaries. Plot its "
            "entries yourself."
        )
    values, unit = bare(values)
    values = values.reshape(len(values), -1).astype(float)
    steps = np.asarray(history["step"]) if "step" in known else np.arange(len(values))
    ax = axes(ax, who)
    ax.set_xlabel("step")
    if column != "loss":
        ax.set_prop_cycle(color=palette(ax))
        ax.plot(steps, values, **({"linewidth": 1.3} | kwargs))
        ax.set_ylabel(title(column.replace("_", " "), unit))
        return tidy(ax)
    unit = getattr(result, "loss_unit", u.UNITLESS)
    _losses(ax, steps, values[:, 0], log, kwargs)
    ax.set_ylabel(title("loss", unit))
    return tidy(ax)


def _losses(ax: Any, steps: np.ndarray, losses: np.ndarray, log: bool | None, kwargs: dict) -> None:
    fine = np.isfinite(losses)
    best = np.fmin.accumulate(np.where(fine, losses, np.nan))
    first, second = palette(ax)[:2]
    ax.plot(steps[fine], losses[fine], ".", color=first, alpha=0.45, markersize=5, label="loss")
    options = {"color": first, "linewidth": 1.8, "label": "best so far"}
    ax.plot(steps, best, **(options | kwargs))
    if log is None:
        log = bool(fine.any() and losses[fine].min() > 0 and np.ptp(np.log10(losses[fine])) > 1)
    if log:
        ax.set_yscale("log")
    if not fine.all():
        ax.plot(steps[~fine], np.zeros((~fine).sum()), "x", color=second, markersize=5,
                transform=ax.get_xaxis_transform(), clip_on=False, label="failed")  # fmt: skip
    if np.any(losses[fine] != best[fine]) or not fine.all():
        ax.legend(frameon=False)
    ax.grid(axis="y", alpha=0.15, color=ink(ax))
