"""Plots of fits."""

import brainunit as u
import numpy as np
import pytest

from brainmass import viz
from brainmass.fitter import FitResult, History


def result(losses, **columns):
    history = History({"step": list(range(len(losses))), "loss": losses, **columns})
    return FitResult(backend="grad", best_loss=0.1, best_params={}, history=history, loss_unit=u.mV)


def test_fit_history_shows_every_loss_the_best_so_far_and_failures():
    axes = viz.plot_fit_history(result([3.0, 1.0, np.nan, 2.0, 0.5]))
    drawn = {line.get_label(): line for line in axes.lines}
    assert drawn["loss"].get_xydata().tolist() == [[0, 3], [1, 1], [3, 2], [4, 0.5]]
    assert drawn["best so far"].get_ydata().tolist() == [3.0, 1.0, 1.0, 1.0, 0.5]
    assert drawn["failed"].get_xdata().tolist() == [2]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("step", "loss (mV)")
    assert axes.get_yscale() == "linear"
    assert viz.plot_fit_history([10.0, 0.1]).get_yscale() == "log"
    assert viz.plot_fit_history([1.0, -1.0]).get_yscale() == "linear"


def test_fit_history_shows_parameters_and_parts():
    fit = result([3.0, 2.0], tau=[1.0 * u.ms, 2.0 * u.ms], gradient_norm=[5.0, 6.0])
    axes = viz.plot_fit_history(fit, "tau")
    assert axes.get_ylabel() == "tau (ms)"
    assert axes.lines[0].get_ydata().tolist() == [1.0, 2.0]
    assert viz.plot_fit_history(fit, "gradient_norm").get_ylabel() == "gradient norm"
    with pytest.raises(ValueError, match="column must be one of 'step', 'loss'.*got 'k'"):
        viz.plot_fit_history(fit, "k")
    with pytest.raises(ValueError, match="must not be empty"):
        viz.plot_fit_history([])
