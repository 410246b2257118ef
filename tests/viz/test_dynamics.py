"""Plots of what the analysis of a model finds."""

from types import SimpleNamespace

import brainunit as u
import numpy as np
import pytest
from viz.conftest import diagram, field

import brainmass
from brainmass import UnitError, analysis, viz


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


def drawn_by_name(axes):
    return {line.get_label(): line for line in axes.lines}


def test_phase_plane_of_a_model_is_that_of_its_analysis():
    node = brainmass.FitzHughNagumoStep(1)
    at = {"V_inp": 0.9}
    axes = viz.plot_phase_plane(node, "V", "w", at=at)
    drawn = drawn_by_name(axes)
    curves = analysis.nullclines(node, "V", "w", at=at)
    for k, name in enumerate(("V", "w")):
        for shown, found in zip(drawn[f"d{name}/dt = 0"].get_data(), curves[name], strict=True):
            np.testing.assert_array_equal(shown, np.asarray(found), err_msg=str(k))
    (found,) = analysis.fixed_points(node, at=at)
    dot = drawn[found.kind]
    assert dot.get_xydata()[0] == pytest.approx([float(found.state["V"]), float(found.state["w"])])
    assert (dot.get_markerfacecolor() == axes.xaxis.label.get_color()) is found.stable
    # Both nullclines pass through the fixed point.
    for name in ("dV/dt = 0", "dw/dt = 0"):
        gap = np.hypot(*(drawn[name].get_xydata() - dot.get_xydata()[0]).T)
        assert np.nanmin(gap) < 0.05


def test_phase_plane_of_a_model_with_units_holds_its_run():
    node = brainmass.JansenRitStep(1)
    run = brainmass.Simulator(node, dt=0.5 * u.ms).run(200 * u.ms, monitors=["M", "E"])
    axes = viz.plot_phase_plane(node, "M", "E", trajectory=run, at={"E_inp": 220 * u.Hz})
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("M (mV)", "E (mV)")
    path = drawn_by_name(axes)["trajectory"].get_xydata()
    np.testing.assert_allclose(path[:, 0], np.ravel(run["M"].mantissa), rtol=1e-6)
    (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
    assert left < path[:, 0].min() <= path[:, 0].max() < right
    assert low < path[:, 1].min() <= path[:, 1].max() < high


def test_bifurcation_diagram_of_a_model_shows_where_its_cycles_lie():
    found = analysis.continuation(brainmass.HopfStep(1, w=0.3), "a", (-0.2, 0.25), cycles=True)
    axes = viz.plot_bifurcation(found, "x")
    (branch,) = found.cycles
    low, high = [line for line in axes.lines if line.get_label() == "stable cycle"]
    np.testing.assert_array_equal(
        low.get_xydata(), np.stack([branch.values, branch.minimum["x"]], 1)
    )
    np.testing.assert_array_equal(high.get_ydata(), branch.maximum["x"])
    assert low.get_linestyle() == high.get_linestyle() == "-"
    assert low.get_color() != axes.lines[0].get_color()
    names = [text.get_text() for text in axes.get_legend().get_texts()]
    assert names == ["stable", "unstable", "stable cycle", "supercritical Hopf"]


def test_unstable_cycles_are_dashed():
    found = analysis.continuation(brainmass.HopfStep(1, beta=-1.0), "a", (-0.4, 0.4), cycles=True)
    axes = viz.plot_bifurcation(found)
    cycles = [line for line in axes.lines if line.get_label() == "unstable cycle"]
    assert [line.get_linestyle() for line in cycles] == ["--", "--"]
    assert not [line for line in axes.lines if line.get_label() == "stable cycle"]
