"""Pictures of a fit."""

from __future__ import annotations

from typing import Any

import brainunit as u
import jax
import numpy as np

__all__ = ["plot_fit"]

_MOST_LINES = 8


def plot_fit(result: Any, target: Any = None, *, axes: Any = None) -> Any:
    """Draw the course of loss and parameters, and the prediction at the best point."""
    from matplotlib import pyplot as plt

    panels = [_plot_loss, _plot_params]
    series = _series(result.prediction)
    if series:
        panels.append(lambda ax, result: _plot_prediction(ax, series, target))
    if axes is None:
        _, axes = plt.subplots(
            1, len(panels), figsize=(4.2 * len(panels), 3.2), layout="constrained", squeeze=False
        )
    axes = np.atleast_1d(axes).ravel()
    if len(axes) < len(panels):
        raise ValueError(
            f"FitResult.plot: axes must be {len(panels)} axes; got {len(axes)}. Pass as many, or "
            "none."
        )
    for ax, panel in zip(axes, panels, strict=False):
        panel(ax, result)
    return axes


def _plot_loss(ax: Any, result: Any) -> None:
    history = result.history
    loss = np.asarray(history["loss"])
    many = len(loss) > result.n_steps
    ax.plot(loss, lw=1, **({"ls": "", "marker": ".", "ms": 2, "alpha": 0.4} if many else {}))
    ax.plot(history["best_loss"], lw=1.2, color="C1", label="best")
    for name in ("epoch_loss", "validation_loss"):
        if name in history.columns:
            column = np.asarray(history[name])
            known = np.flatnonzero(np.isfinite(column))
            ax.plot(known, column[known], label=name.replace("_", " "))
    finite = loss[np.isfinite(loss)]
    if finite.size and finite.min() > 0 and finite.max() > 30 * finite.min():
        ax.set_yscale("log")
    unit = "" if result.loss_unit.is_unitless else f" [{result.loss_unit}]"
    ax.set(xlabel="evaluation", ylabel=f"loss{unit}")
    ax.legend(frameon=False)


def _plot_params(ax: Any, result: Any) -> None:
    """Draw every parameter from its first value (0) to where it ends (1), if it moved."""
    history, drawn = result.history, 0
    for name in result.best_params:
        if name not in history.columns or isinstance(history[name], list):
            continue
        column = history[name]
        unit = u.get_unit(column)
        rows = np.asarray(u.get_mantissa(column), float).reshape(len(history), -1)
        label = name if unit.is_unitless else f"{name} [{unit}]"
        for k in range(min(rows.shape[1], _MOST_LINES)):
            ax.plot(rows[:, k], lw=1, color=f"C{drawn % 10}", label=label if k == 0 else None)
        drawn += 1
    ax.set(xlabel="evaluation", ylabel="parameters")
    if drawn:
        ax.legend(frameon=False)


def _plot_prediction(ax: Any, series: list, target: Any) -> None:
    wanted = _series(target)
    for k, (prediction, _) in enumerate(series[:_MOST_LINES]):
        color = f"C{k % 10}"
        ax.plot(prediction, lw=1, color=color, label="prediction" if k == 0 else None)
        if k < len(wanted):
            ax.plot(wanted[k][0], lw=1, ls="--", color=color, label="target" if k == 0 else None)
    ax.set(xlabel="sample", ylabel=f"[{series[0][1]}]" if series[0][1] else "")
    ax.legend(frameon=False)


def _series(tree: Any) -> list[tuple[np.ndarray, str]]:
    out = []
    if isinstance(tree, dict):
        tree = {name: value for name, value in tree.items() if name != "ts"}
    for leaf in jax.tree.leaves(tree, is_leaf=lambda x: isinstance(x, u.Quantity)):
        data, unit = np.asarray(u.get_mantissa(leaf)), u.get_unit(leaf)
        if data.ndim == 0 or data.shape[0] < 2:
            continue
        columns = data.reshape(data.shape[0], -1).T
        out += [(column, "" if unit.is_unitless else str(unit)) for column in columns]
    return out
