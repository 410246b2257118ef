"""What the plots of a fit show."""

from __future__ import annotations

from typing import Any

import brainunit as u
import jax
import numpy as np

from ..plots import Axis, Heat, Lines, Panel, Plot, Trace
from ..views import matrix_map
from .course import Course

__all__ = ["fit_plots"]

MOST_TRACES = 8
MOST_PANELS = 8


def fit_plots(course: Course, target: Any, names: list[str]) -> dict[str, Plot | None]:
    """Return the plots of a fit by name, None where there is nothing to show.

    Parameters
    ----------
    course : Course
        What was noted.
    target : object
        What the prediction is compared with.
    names : list of str
        Parameters whose course is shown.

    Returns
    -------
    dict
        ``'loss'``, ``'parts'``, ``'params'``, ``'prediction'`` and ``'target'``.
    """
    if not course.losses:
        return {}
    pictures = _matrices(course.prediction, target)
    return {
        "loss": loss_plot(course),
        "parts": _parts_plot(course),
        "params": _params_plot(course, names),
        "prediction": pictures[0] if pictures else _signals_plot(course.prediction, target),
        "target": pictures[1] if pictures else None,
    }


def loss_plot(course: Course) -> Lines:
    """Return the loss over the steps, and the best so far, on a logarithm where it spans much."""
    loss, best = np.asarray(course.losses), np.asarray(course.best)
    good = loss[np.isfinite(loss)]
    label = "loss"
    if good.size and good.min() > 0 and good.max() > 30 * good.min():
        loss, best, label = np.log10(loss), np.log10(best), "log₁₀ loss"
    traces = (Trace("best", best, color=1, role="ghost"), Trace("loss", loss))
    return _over_steps((Panel(Axis(label), traces),))


def _parts_plot(course: Course) -> Lines | None:
    if not course.parts:
        return None
    traces = tuple(
        Trace(name, np.asarray(values), color=k)
        for k, (name, values) in enumerate(course.parts.items())
    )
    return _over_steps((Panel(Axis("parts of the loss"), traces[:MOST_TRACES]),))


def _params_plot(course: Course, names: list[str]) -> Lines | None:
    panels = []
    for k, name in enumerate(n for n in names if n in course.values):
        columns = np.stack(course.values[name])[:, :MOST_TRACES].T
        many = len(columns) > 1
        traces = tuple(
            Trace(f"{name}[{i}]" if many else name, y, color=i if many else k)
            for i, y in enumerate(columns)
        )
        unit = course.units[name]
        panels.append(Panel(Axis(name, "" if unit.is_unitless else str(unit)), traces))
    return _over_steps(tuple(panels[:MOST_PANELS])) if panels else None


def _over_steps(panels: tuple[Panel, ...]) -> Lines:
    return Lines(Axis("step"), panels, x0=1.0, start=0.0)


def _signals_plot(prediction: Any, target: Any) -> Lines | None:
    across, step, axis = 0.0, 1.0, Axis("sample")
    if isinstance(prediction, dict) and "ts" in prediction:
        times = np.asarray(u.Quantity(prediction["ts"]).to_decimal(u.ms))
        if times.size > 1:
            across, step, axis = float(times[0]), float(times[1] - times[0]), Axis("time", "ms")
    panels = []
    for name, leaf in _leaves(prediction):
        wanted = dict(_leaves(target)).get(name) if target is not None else None
        traces = [*_lines("prediction", leaf), *_lines("target", wanted, "ghost")]
        if traces:
            unit = u.get_unit(leaf)
            label = name or ("prediction, target dashed" if len(traces) > 1 else "prediction")
            panels.append(Panel(Axis(label, "" if unit.is_unitless else str(unit)), tuple(traces)))
    return Lines(axis, tuple(panels[:MOST_PANELS]), across, step) if panels else None


def _lines(name: str, leaf: Any, role: str = "main") -> list[Trace]:
    """Return the columns of an array as lines; a single number has none."""
    if leaf is None:
        return []
    data = np.asarray(u.get_mantissa(leaf))
    if data.ndim == 0 or len(data) < 2:
        return []
    columns = data.reshape(len(data), -1)[:, :MOST_TRACES].T
    return [
        Trace(name if len(columns) == 1 else f"{name} {k}", y, color=k, role=role)
        for k, y in enumerate(columns)
    ]


def _matrices(prediction: Any, target: Any) -> tuple[Heat, Heat | None] | None:
    """Return prediction and target as matrices where that is what they are."""
    leaves = [leaf for _, leaf in _leaves(prediction)]
    if len(leaves) != 1:
        return None
    data = np.asarray(u.get_mantissa(leaves[0]))
    square = data.ndim == 2 and data.shape[0] == data.shape[1] > 2
    if not square or not np.allclose(data, data.T, rtol=1e-3, atol=1e-5):
        return None
    signed = bool(np.nanmax(np.abs(data)) <= 1.0 + 1e-3)
    wanted = [leaf for _, leaf in _leaves(target)] if target is not None else []
    shapes_agree = len(wanted) == 1 and np.shape(wanted[0]) == data.shape
    other = np.asarray(u.get_mantissa(wanted[0]), float) if shapes_agree else None
    return (
        matrix_map(data.astype(float), Axis("prediction"), signed=signed),
        None if other is None else matrix_map(other, Axis("target"), signed=signed),
    )


def _leaves(tree: Any) -> list[tuple[str, Any]]:
    """Return the arrays of a prediction or target by name; the time axis is none of them."""
    if isinstance(tree, dict):
        tree = {name: value for name, value in tree.items() if name != "ts"}
    flat = jax.tree_util.tree_flatten_with_path(tree, is_leaf=lambda x: isinstance(x, u.Quantity))[
        0
    ]
    return [(".".join(str(getattr(k, "key", getattr(k, "idx", k))) for k in p), v) for p, v in flat]
