"""Plots: what they show, with which units, on light and on dark pages."""

import subprocess
import sys
from itertools import pairwise
from types import SimpleNamespace

import brainunit as u
import jax.numpy as jnp
import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgb

import brainmass
from brainmass import UnitError, datasets, viz
from brainmass.connectome import Connectome
from brainmass.fitter import FitResult, History


@pytest.fixture
def dark():
    with plt.style.context("dark_background"):
        yield


def waves(n_time=400, n=3, seed=0):
    return np.random.default_rng(seed).normal(size=(n_time, n)).cumsum(axis=0)


def lightness(colour):
    return np.dot(to_rgb(colour), [0.299, 0.587, 0.114])


# -- every plot ------------------------------------------------------------------------------

CONN = datasets.load_dataset("example_connectome")
HISTORY = History({"step": [0, 1, 2], "loss": [2.0, 0.5, 0.7], "best_loss": [2.0, 0.5, 0.5]})


def field(unit=u.mV):
    grid = np.linspace(-1.0, 1.0, 11)
    x, y = np.meshgrid(grid, grid)
    return SimpleNamespace(
        names=("V", "w"), x=grid * unit, y=grid, dx=(x - y) * unit / u.ms, dy=(x + y) / u.ms
    )


def diagram():
    values = np.linspace(-1.0, 1.0, 5)
    branch = SimpleNamespace(
        values=values * u.Hz, states={"E": values**2 * u.mV, "I": values}, stable=values < 0
    )
    hopf = SimpleNamespace(
        kind="Hopf", value=0.0 * u.Hz, state={"E": 0.0 * u.mV, "I": 0.0}, criticality="subcritical"
    )
    return SimpleNamespace(parameter="E_inp", branches=[branch], bifurcations=[hopf])


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


# -- signals ---------------------------------------------------------------------------------


def test_time_series_carry_units_and_labels():
    axes = viz.plot_timeseries(
        jnp.asarray(waves(n=2)) * u.mV, np.arange(400) * 0.5 * u.ms, labels=["V1", "MT"]
    )
    assert axes.get_xlabel() == "time (ms)"
    assert axes.get_ylabel() == "signal (mV)"
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["V1", "MT"]
    assert np.array_equal(axes.lines[0].get_xdata(), np.arange(400) * 0.5)
    assert np.allclose(axes.lines[1].get_ydata(), waves(n=2)[:, 1], rtol=1e-6)


def test_long_times_are_shown_in_seconds_and_missing_ones_as_samples():
    long = viz.plot_timeseries(waves(101), np.linspace(0, 20_000, 101) * u.ms)
    assert long.get_xlabel() == "time (s)"
    assert long.lines[0].get_xdata()[-1] == 20.0
    assert viz.plot_timeseries(waves()[:, 0]).get_xlabel() == "sample"


def test_results_of_runs_and_recordings_bring_their_times():
    node = brainmass.HopfStep(2, a=0.2, w=0.3, init_x=0.1)
    run = brainmass.Simulator(node, dt=0.1 * u.ms).run(5 * u.ms, monitors="x")
    axes = viz.plot_timeseries(run)
    assert axes.get_xlabel() == "time (ms)"
    assert np.allclose(axes.lines[0].get_xdata(), run["ts"].to_decimal(u.ms))
    with pytest.raises(ValueError, match=r"got a result with 'x', 'y'. Pass .*result\['x'\]"):
        viz.plot_timeseries({"x": waves(), "y": waves(), "ts": np.arange(400)})
    bold = datasets.load_dataset("synthetic_68_bold")
    assert viz.plot_timeseries(bold).lines[0].get_xdata()[1] == 0.72


def test_stacked_regions_do_not_overlap_and_show_their_scale():
    values = waves(200, 4) + 1000.0
    axes = viz.plot_timeseries(values * u.mV, labels=list("abcd"), stacked=True)
    assert [tick.get_text() for tick in axes.get_yticklabels()] == list("abcd")
    spaces = -np.diff(axes.get_yticks())
    assert np.allclose(spaces, spaces[0])
    assert spaces[0] > np.median(np.ptp(values, axis=0))
    assert any(text.get_text().endswith(" mV") for text in axes.texts)


def test_phase_portraits_carry_units_and_mark_the_start():
    axes = viz.plot_phase_portrait(
        waves(n=1)[:, 0] * u.mV, waves(n=1)[:, 0] * u.Hz, names=("M", "rate")
    )
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("M (mV)", "rate (Hz)")
    assert axes.lines[1].get_xdata() == axes.lines[0].get_xdata()[0]
    with pytest.raises(ValueError, match="x and y must have the same shape"):
        viz.plot_phase_portrait(waves(10), waves(11))


@pytest.mark.parametrize("dt", [1 * u.ms, 0.001 * u.second])
def test_spectrum_of_a_ten_hertz_sine_peaks_at_ten_hertz(dt):
    sine = 2 * np.sin(2 * np.pi * 10 * np.arange(20_000) * 0.001)
    axes = viz.plot_power_spectrum(sine * u.mV, dt)
    frequency, power = axes.lines[0].get_data()
    assert axes.get_xlabel() == "frequency (Hz)"
    assert axes.get_ylabel() == "power (mV²/Hz)"
    assert abs(frequency[power.argmax()] - 10.0) < 0.15
    # The integral of the density is the variance, 2 mV².
    assert abs(power.sum() * (frequency[1] - frequency[0]) - 2.0) < 0.02
    assert axes.get_xscale() == axes.get_yscale() == "log"
    assert frequency[0] > 0


def test_spectrum_needs_a_sampling_interval_with_unit():
    with pytest.raises(UnitError, match=r"dt \(sampling interval\) must be a time; got 0.1"):
        viz.plot_power_spectrum(waves(), 0.1)
    with pytest.raises(UnitError, match="got None"):
        viz.plot_power_spectrum(waves())
    with pytest.raises(ValueError, match="two samples or more"):
        viz.plot_power_spectrum(waves(1), 1 * u.ms)
    bold = datasets.load_dataset("synthetic_68_bold")
    axes = viz.plot_power_spectrum(bold, loglog=False)
    assert len(axes.lines) == 69
    assert axes.get_xscale() == "linear"
    assert np.isclose(axes.lines[0].get_xdata()[-1], 0.5 / 0.72, rtol=0.01)


def test_carpet_shows_each_region_in_its_own_spread():
    values = waves(200, 5)
    values[:, 2] = 7.0
    axes = viz.plot_carpet(values, np.arange(200) * 2.0 * u.second, labels=list("abcde"))
    shown = axes.images[0].get_array()
    assert shown.shape == (5, 200)
    assert np.allclose(shown[[0, 1, 3, 4]].std(axis=1), 1.0)
    assert np.all(shown[2] == 0.0)
    assert axes.images[0].get_extent() == [-1.0, 399.0, 4.5, -0.5]
    assert axes.get_xlabel() == "time (s)"
    raw = viz.plot_carpet(values * u.mV, normalize=False)
    assert raw.images[0].colorbar.ax.get_ylabel() == "signal (mV)"


def test_signals_that_cannot_be_drawn_are_refused():
    with pytest.raises(ValueError, match=r"signal must be real.*got float64 of shape \(2, 3, 4\)"):
        viz.plot_timeseries(np.ones((2, 3, 4)))
    with pytest.raises(ValueError, match="ts must hold a time for each of the 400 samples"):
        viz.plot_timeseries(waves(), np.arange(3) * u.ms)
    with pytest.raises(UnitError, match=r"ts must be times; got \[mV\]"):
        viz.plot_timeseries(waves(), np.arange(400) * u.mV)
    with pytest.raises(ValueError, match="labels must name each of the 3 regions; got 2"):
        viz.plot_timeseries(waves(), labels=["a", "b"])


# -- matrices --------------------------------------------------------------------------------


def test_connectivity_shows_targets_as_rows_and_names_units():
    weights = np.array([[0.0, 3.0], [1.0, 0.0]])
    axes = viz.plot_connectivity(weights * u.Hz, labels=["V1", "MT"])
    assert np.array_equal(axes.images[0].get_array(), weights)
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("from", "to")
    assert axes.images[0].colorbar.ax.get_ylabel() == "weight (Hz)"
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["V1", "MT"]
    assert axes.images[0].get_cmap().name == "viridis"
    assert viz.plot_connectivity(weights, colorbar=False).images[0].colorbar is None
    with pytest.raises(ValueError, match=r"must be square, .*got shape \(2, 3\)"):
        viz.plot_connectivity(np.ones((2, 3)))


def test_weights_over_decades_get_logarithmic_colours():
    conn = datasets.load_dataset("synthetic_68")
    axes = viz.plot_connectivity(conn)
    assert isinstance(axes.images[0].norm, mpl.colors.LogNorm)
    assert np.ma.count_masked(axes.images[0].get_array()) == 68**2 - conn.n_connections
    linear = viz.plot_connectivity(conn, log=False).images[0]
    assert type(linear.norm) is mpl.colors.Normalize
    even = Connectome([[0.0, 1.0], [0.9, 0.0]])
    assert type(viz.plot_connectivity(even).images[0].norm) is mpl.colors.Normalize
    with pytest.raises(ValueError, match="log needs a positive entry"):
        viz.plot_connectivity(np.zeros((2, 2)), log=True)


def test_functional_connectivity_is_pinned_to_one():
    axes = viz.plot_functional_connectivity(0.01 * waves() * u.mV)
    assert axes.images[0].get_clim() == (-1.0, 1.0)
    assert np.allclose(axes.images[0].get_array(), np.corrcoef(waves().T))
    fc = np.array([[1.0, 0.2], [0.2, 1.0]])
    given = viz.plot_functional_connectivity(fc, is_matrix=True)
    assert np.array_equal(given.images[0].get_array(), fc)
    with pytest.raises(ValueError, match=r"must lie in \[-1, 1\]; got 0.4 to 2"):
        viz.plot_functional_connectivity(2 * fc, is_matrix=True)


def test_the_middle_of_correlations_is_the_page(dark):
    on_dark = viz.plot_functional_connectivity(waves()).images[0]
    assert lightness(on_dark.cmap(0.5)[:3]) < 0.15
    with plt.style.context("default"):
        on_light = viz.plot_functional_connectivity(waves()).images[0]
    assert lightness(on_light.cmap(0.5)[:3]) > 0.9


def test_pairs_show_every_pair_once_with_their_correlation():
    a, b = waves(n=6), waves(n=6, seed=1)
    axes = viz.plot_fc_pairs(a, np.corrcoef(b.T), is_matrix=(False, True))
    upper = np.triu_indices(6, 1)
    x, y = np.corrcoef(b.T)[upper], np.corrcoef(a.T)[upper]
    assert np.allclose(axes.collections[0].get_offsets(), np.stack([x, y], axis=1))
    assert axes.get_title() == f"r = {np.corrcoef(x, y)[0, 1]:.2f} over 15 pairs"
    assert axes.get_xlim()[1] == axes.get_ylim()[1] == 1.0
    crowd = viz.plot_fc_pairs(waves(n=90), waves(n=90, seed=1))
    assert crowd.collections[0].get_array().sum() == 4005
    with pytest.raises(ValueError, match="the same regions, three or more; got 6 and 5"):
        viz.plot_fc_pairs(a, b[:, :5])


# -- brains ----------------------------------------------------------------------------------


def test_glass_brain_shows_three_views_with_the_strongest_connections():
    axes = viz.plot_glass_brain(CONN, n_edges=10)
    lines, dots = axes.collections[0::2], axes.collections[1::2]
    assert [len(dot.get_offsets()) for dot in dots] == [8, 8, 8]
    assert [len(line.get_segments()) for line in lines] == [10, 10, 10]
    views = ["from the right", "from above", "from behind"]
    texts = [text.get_text() for text in axes.texts]
    assert [text for text in texts if text.startswith("from")] == views
    assert "50 mm" in texts
    centres = CONN.centres.to_decimal(u.mm)
    above = dots[1].get_offsets()
    assert np.allclose(above - above.mean(axis=0), (centres - centres.mean(axis=0))[:, :2])
    strongest = np.unravel_index(np.argmax(CONN.weights), CONN.weights.shape)
    ends = np.sort(lines[1].get_segments()[-1], axis=0)
    assert np.allclose(ends, np.sort(above[list(strongest)], axis=0))


def test_views_do_not_overlap():
    axes = viz.plot_glass_brain(datasets.load_dataset("synthetic_68"))
    spans = [
        (dot.get_offsets()[:, 0].min(), dot.get_offsets()[:, 0].max())
        for dot in axes.collections[1::2]
    ]
    assert all(left[1] < right[0] for left, right in pairwise(spans))


def test_glass_brain_shows_values_with_their_unit():
    rates = np.arange(8.0)
    axes = viz.plot_glass_brain(CONN, rates * u.Hz, value_name="rate", labels=["L frontal"])
    dots = axes.collections[-1]
    assert np.array_equal(dots.get_array(), rates)
    assert dots.colorbar.ax.get_ylabel() == "rate (Hz)"
    assert sum(text.get_text() == "L frontal" for text in axes.texts) == 1


def test_brains_that_cannot_be_drawn_are_refused():
    with pytest.raises(ValueError, match="must be a Connectome with centres; got none"):
        viz.plot_glass_brain(Connectome(np.ones((2, 2))))
    with pytest.raises(ValueError, match=r"each of the 8 regions; got shape \(3,\)"):
        viz.plot_glass_brain(CONN, np.ones(3))
    with pytest.raises(ValueError, match="n_edges must be a whole number, at least 0; got -1"):
        viz.plot_glass_brain(CONN, n_edges=-1)
    with pytest.raises(ValueError, match="region must be one of 'L frontal'"):
        viz.plot_glass_brain(CONN, labels=["V1"])


# -- dynamics --------------------------------------------------------------------------------


def test_bifurcation_diagram_tells_stable_from_unstable():
    axes = viz.plot_bifurcation(diagram())
    stable, unstable, hopf = axes.lines
    assert stable.get_linestyle() == "-"
    assert unstable.get_linestyle() == "--"
    assert np.array_equal(np.isfinite(stable.get_ydata()), [True, True, False, False, False])
    # The dashes begin where the line ends, so that there is no gap.
    assert np.array_equal(np.isfinite(unstable.get_ydata()), [False, True, True, True, True])
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("E_inp (Hz)", "E (mV)")
    assert hopf.get_markerfacecolor() == axes.get_facecolor()  # open: subcritical
    names = [text.get_text() for text in axes.get_legend().get_texts()]
    assert names == ["stable", "unstable", "subcritical Hopf"]


def test_bifurcation_diagram_shows_cycles_and_one_region():
    cycle = SimpleNamespace(stable=True, minimum={"E": -1.0 * u.mV}, maximum={"E": 2e-3 * u.volt})
    axes = viz.plot_bifurcation(diagram(), cycles=[(5e-4 * u.kHz, cycle)])
    low, high = [line for line in axes.lines if line.get_label() == "stable cycle"]
    assert low.get_xydata().tolist() == [[0.5, -1.0]]
    assert np.allclose(high.get_xydata(), [[0.5, 2.0]])
    network = diagram()
    network.branches[0].states["E"] = np.stack([np.arange(5.0), np.arange(5.0) + 10], 1) * u.mV
    network.bifurcations = []
    second = viz.plot_bifurcation(network, "E", region=1)
    assert second.lines[0].get_ydata()[0] == 10.0
    assert viz.plot_bifurcation(network, "E").lines[0].get_ydata()[0] == 5.0
    with pytest.raises(ValueError, match="state must be one of 'E', 'I'; got 'V'"):
        viz.plot_bifurcation(diagram(), "V")


def point(kind, x):
    return SimpleNamespace(kind=kind, stable=kind.startswith("stable"), state={"V": x, "w": 0.0})


def test_phase_plane_shows_field_nullclines_and_fixed_points():
    line = np.linspace(-1, 1, 5)
    curves = {"V": (line * u.mV, line), "w": (line * u.mV, -line)}
    points = [point("stable focus", 0.0 * u.mV), point("saddle", 5e-4 * u.volt)]
    path = {"V": line * u.mV, "w": line**2}
    axes = viz.plot_phase_plane(field(), nullclines=curves, fixed_points=points, trajectory=path)
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("V (mV)", "w")
    drawn = {item.get_label(): item for item in axes.lines}
    assert np.array_equal(drawn["dw/dt = 0"].get_ydata(), -line)
    assert np.array_equal(drawn["trajectory"].get_ydata(), line**2)
    assert np.allclose(drawn["saddle"].get_xdata(), [0.5])
    assert drawn["saddle"].get_markerfacecolor() == axes.get_facecolor()
    assert drawn["stable focus"].get_markerfacecolor() == axes.xaxis.label.get_color()
    with pytest.raises(ValueError, match="trajectory must hold 'V', 'w'; got 'V'"):
        viz.plot_phase_plane(field(), trajectory={"V": line * u.mV})
    with pytest.raises(UnitError, match=r"must be in \[mV\], as the axis is; got \[1\]"):
        viz.plot_phase_plane(field(), trajectory=(line, line))


# -- fits ------------------------------------------------------------------------------------


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
