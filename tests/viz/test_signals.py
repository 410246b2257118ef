"""Plots of signals: values, times, units."""

import brainunit as u
import jax.numpy as jnp
import numpy as np
import pytest
from viz.conftest import waves

import brainmass
from brainmass import UnitError, datasets, viz


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
