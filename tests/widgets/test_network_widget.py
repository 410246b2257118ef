"""NetworkWidget and explore."""

import brainunit as u
import numpy as np
import pytest

import brainmass
from brainmass_widgets import NetworkWidget, SimulatorWidget, explore
from brainmass_widgets.engine import Outcome, Request, Series
from brainmass_widgets.views import correlations


def test_network_opens_with_connectome_and_correlations(opened, ring):
    w = opened(NetworkWidget(ring, duration=50 * u.ms))
    w.flush()
    assert repr(w) == "NetworkWidget(Network of HopfStep, 5 parameters)"
    weights = w.board.canvases["connectome"].frame["heat"]
    assert (weights["rows"], weights["cols"], weights["matrix"]) == (4, 4, True)
    np.testing.assert_array_equal(
        np.frombuffer(weights["data"], np.uint8).reshape(4, 4) > 0,
        np.asarray(ring.conn.value()) > 0,
    )
    fc = w.board.canvases["fc"].frame["heat"]
    assert (fc["lo"], fc["hi"]) == (-1.0, 1.0)
    before = fc["data"]
    w.controls["speed"].set(20.0)
    w.flush()
    assert w.board.canvases["fc"].frame["heat"]["data"] != before
    assert w.picture().startswith(b"\x89PNG")


def test_correlations_are_those_of_numpy_and_zero_at_rest():
    data = np.random.default_rng(0).normal(size=(200, 5)).astype(np.float32)
    data[:, 3] = 2.0
    outcome = Outcome(Request(), 0.1, 0.1, {"x": Series("x", u.UNITLESS, data)})
    matrix = correlations(outcome, "x").data
    moving = [0, 1, 2, 4]
    expected = np.corrcoef(data[:, moving].T)
    np.testing.assert_allclose(matrix[np.ix_(moving, moving)], expected, atol=1e-5)
    assert (matrix[3] == 0).all()


def test_labels_name_the_regions(opened, ring):
    labels = ["left", "right", "front", "back"]
    w = opened(NetworkWidget(ring, duration=10 * u.ms, labels=labels))
    w.flush()
    assert [t["name"] for t in w.board.canvases["time"].frame["panels"][0]["traces"]] == labels
    assert w.board.canvases["regions"].frame["heat"]["names"] == labels
    assert dict(w.panel.region_picker.options)["1 right"] == 1


def test_something_else_is_refused():
    with pytest.raises(TypeError, match="network must be a Network; got HopfStep"):
        NetworkWidget(brainmass.HopfStep(2))


def test_explore_picks_the_widget(opened, ring):
    node = brainmass.HopfStep(1, init_x=0.1)
    for thing, kind in [
        (node, SimulatorWidget),
        (brainmass.Simulator(node, dt=0.1 * u.ms), SimulatorWidget),
        (brainmass.LinearStep, SimulatorWidget),
        ("LinearStep", SimulatorWidget),
        (ring, NetworkWidget),
        (brainmass.Simulator(ring, dt=0.1 * u.ms), NetworkWidget),
    ]:
        assert type(opened(explore(thing, duration=10 * u.ms))) is kind
    with pytest.raises(ValueError, match="got 'HopfStop'"):
        explore("HopfStop")
    with pytest.raises(TypeError, match="must be a brainstate module"):
        explore(3)
