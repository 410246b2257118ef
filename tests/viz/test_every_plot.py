"""Every plot: axes, figures, light and dark pages, late imports."""

import subprocess
import sys

import brainunit as u
import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest
from viz.conftest import CONN, diagram, field, lightness, waves

from brainmass import viz
from brainmass.fitter import History

HISTORY = History({"step": [0, 1, 2], "loss": [2.0, 0.5, 0.7], "best_loss": [2.0, 0.5, 0.5]})


EVERY = {
    "plot_bifurcation": lambda **k: viz.plot_bifurcation(diagram(), **k),
    "plot_carpet": lambda **k: viz.plot_carpet(waves(), **k),
    "plot_connectivity": lambda **k: viz.plot_connectivity(CONN, **k),
    "plot_fc_pairs": lambda **k: viz.plot_fc_pairs(waves(), waves(seed=1), **k),
    "plot_fit_history": lambda **k: viz.plot_fit_history(HISTORY, **k),
    "plot_functional_connectivity": lambda **k: viz.plot_functional_connectivity(waves(), **k),
    "plot_glass_brain": lambda **k: viz.plot_glass_brain(CONN, **k),
    "plot_phase_plane": lambda **k: viz.plot_phase_plane(field(), **k),
    "plot_phase_portrait": lambda **k: viz.plot_phase_portrait(waves(), waves(), **k),
    "plot_power_spectrum": lambda **k: viz.plot_power_spectrum(waves(), 1 * u.ms, **k),
    "plot_timeseries": lambda **k: viz.plot_timeseries(waves(), **k),
}
each_plot = pytest.mark.parametrize("name", EVERY)


def test_the_list_of_plots_is_complete():
    assert sorted(EVERY) == sorted(viz.__all__)


@each_plot
def test_plots_draw_on_the_axes_given_and_return_them(name):
    figure, axes = plt.subplots()
    assert EVERY[name](ax=axes) is axes
    assert plt.get_fignums() == [figure.number]
    assert axes.has_data()
    figure.canvas.draw()


@each_plot
def test_plots_make_a_figure_of_their_own(name):
    axes = EVERY[name]()
    assert plt.get_fignums() == [axes.figure.number]


@each_plot
def test_text_is_legible_on_a_dark_page(name, dark):
    axes = EVERY[name]()
    axes.figure.canvas.draw()
    texts = [t for t in axes.figure.findobj(mpl.text.Text) if t.get_text() and t.get_visible()]
    assert texts
    assert all(lightness(text.get_color()) > 0.5 for text in texts)


@each_plot
def test_axes_that_are_none_are_refused(name):
    with pytest.raises(TypeError, match=f"{name}: ax must be a matplotlib Axes; got str"):
        EVERY[name](ax="here")


def test_lines_keep_their_distance_from_the_page(dark):
    many = viz.plot_timeseries(waves(50, 30))
    assert all(lightness(line.get_color()) > 0.25 for line in many.lines)
    with plt.style.context("default"):
        few, many = viz.plot_timeseries(waves(50, 8)), viz.plot_timeseries(waves(50, 30))
        assert all(lightness(line.get_color()) < 0.7 for line in [*few.lines, *many.lines])


def test_colours_of_a_style_are_kept():
    with plt.rc_context({"axes.prop_cycle": mpl.cycler(color=["#112233", "#445566"])}):
        lines = viz.plot_timeseries(waves(20, 2)).lines
    assert [line.get_color() for line in lines] == ["#112233", "#445566"]


def test_matplotlib_is_imported_by_the_first_plot_only():
    program = """
import sys
import brainmass
brainmass.viz.plot_timeseries
assert "matplotlib.pyplot" not in sys.modules
sys.modules["matplotlib.pyplot"] = None
try:
    brainmass.viz.plot_timeseries([1.0, 2.0])
except ImportError as error:
    print(error)
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert "matplotlib must be installed; it is not. Run pip install 'brainmass[viz]'" in run.stdout
