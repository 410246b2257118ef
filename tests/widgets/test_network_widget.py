"""NetworkWidget and explore."""

import json

import brainunit as u
import numpy as np
import pytest

import brainmass
from brainmass_widgets import NetworkWidget, SimulatorWidget, explore
from brainmass_widgets.engine import Outcome, Request, Series
from brainmass_widgets.network_views import agreement, connectome, correlations, order_parameter


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
    w.panel.sheet.act("region", text="1")
    w.controls["node.w"].value = 0.9
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
    assert w.panel.region_picker.options[2] == "1 right"


@pytest.fixture
def network(opened, ring):
    w = opened(NetworkWidget(ring, duration=30 * u.ms))
    w.flush()
    return w


def code_gives(w, **names):
    exec(w.to_code(), names)
    for name in ("x", "y"):
        np.testing.assert_array_equal(names["result"][name], w.result[name])


def test_changed_and_cut_connections_compile_nothing_and_a_new_one_once(network, compile_count):
    before = network.result["x"]
    network.select(0, 1)
    with compile_count:
        network.board.bar("connectome").act("weight", text="0.25")
        network.flush()
        assert network.weights[0, 1] == 0.25
        network.cut()
        network.lesion(2)
        network.flush()
    assert compile_count.n == 0
    assert not network.weights[2].any()
    assert not network.weights[:, 2].any()
    assert not np.array_equal(before, network.result["x"])
    code_gives(network)
    network.select(0, 2)
    compilations = network.compilations
    for weight in (0.5, 0.7, 0.0, 0.4):
        network.set_weight(weight)
        network.flush()
    assert network.compilations - compilations <= 1
    code_gives(network)
    network.restore_weights()
    network.flush()
    np.testing.assert_array_equal(network.weights, network.engine.start["weights"])


def test_a_lesion_silences_what_the_region_sends(opened):
    weights = np.array([[0.0, 1.0], [0.0, 0.0]])  # 1 drives 0
    net = brainmass.Network(
        brainmass.LinearStep(2, gamma=-0.5, init_x=np.array([0.0, 1.0])), conn=weights,
        coupling="additive", coupled_var="x", k=1.0,
    )  # fmt: skip
    w = opened(NetworkWidget(net, duration=20 * u.ms))
    w.flush()
    assert np.abs(w.result["x"][:, 0]).max() > 0.01
    w.lesion(1)
    w.flush()
    assert np.abs(w.result["x"][:, 0]).max() < 1e-20


def test_edits_are_undone_saved_and_applied_as_plain_zeros(network, opened, ring):
    network.select(1, 0)
    network.cut()
    saved = json.loads(json.dumps(network.state))
    network.undo()
    assert network.weights[1, 0] == 1.0
    assert "weights" not in network.state["values"]
    network.state = saved
    network.flush()
    assert network.weights[1, 0] == 0.0
    assert float(ring.conn.value()[1, 0]) == 1.0
    network.apply()
    assert float(ring.conn.value()[1, 0]) == 0.0


def test_click_selects_a_connection_and_the_choices_follow(network):
    canvas = network.board.canvases["connectome"]
    canvas._handle_custom_msg({"type": "click", "panel": 0, "x": 2.2, "y": 1.9}, [])
    assert network.board.selected == (1, 2)
    bar = network.board.bar("connectome")
    assert (bar.shown["source"]["text"], bar.shown["target"]["text"]) == ("2", "1")
    assert bar.shown["weight"]["text"] == "1"
    assert canvas.frame["marks"][0]["kind"] == "cell"
    bar.act("target", text="3")
    assert network.board.selected == (3, 2)


@pytest.mark.parametrize(
    ("act", "reason"),
    [
        (lambda w: w.cut(), "a connection must be selected"),
        (lambda w: w.select(0, 9), "regions must be from 0 to 3"),
        (lambda w: (w.select(1, 1), w.set_weight(1.0)), "must not be connected with itself"),
        (lambda w: setattr(w, "weights", np.ones((3, 3))), "shape"),
    ],
)
def test_impossible_edits_are_refused_and_change_nothing(network, act, reason):
    before = network.weights
    with pytest.raises(ValueError, match=reason):
        act(network)
    assert network.weights is before
    network._guarded(lambda: act(network))
    assert reason in network.problem


def test_agreement_with_a_measured_matrix_stands_beside_the_colours(opened, ring):
    rng = np.random.default_rng(0)
    data = np.corrcoef(rng.normal(size=(4, 50)))
    w = opened(NetworkWidget(ring, duration=30 * u.ms, empirical_fc=data))
    w.flush()
    fc = correlations(w.board.outcome, "x")
    expected = np.corrcoef(fc.data[np.tril_indices(4, -1)], data[np.tril_indices(4, -1)])[0, 1]
    label = w.board.canvases["fc"].frame["heat"]["label"]
    assert label == f"correlation of x, r = {expected:.2f} with data"
    assert w.board.canvases["empirical"].frame["heat"]["label"] == "empirical correlation"
    with pytest.raises(ValueError, match=r"empirical_fc must have shape \(4, 4\)"):
        NetworkWidget(ring, empirical_fc=np.eye(3))


def test_agreement_ignores_the_diagonal_and_flat_matrices():
    a = np.array([[9.0, 0.1, 0.5], [0.1, 9.0, 0.3], [0.5, 0.3, 9.0]])
    assert agreement(a, 2 * a + 1) == pytest.approx(1.0)
    assert agreement(a, -a) == pytest.approx(-1.0)
    assert agreement(a, np.eye(3)) == 0.0


def test_order_parameter_is_one_in_synchrony_and_small_for_spread_phases():
    t = np.arange(2000)[:, None] * 0.1
    for shift, order in ((0.0, 1.0), (2 * np.pi / 5, 0.0)):
        data = np.cos(2 * np.pi * 0.05 * t + shift * np.arange(5)).astype(np.float32)
        outcome = Outcome(Request(), 0.1, 0.1, {"x": Series("x", u.UNITLESS, data)})
        shown = order_parameter(outcome, "x").panels[0].traces[0].y
        np.testing.assert_allclose(shown[200:-200], order, atol=0.02)


def test_connectome_leaves_blank_what_is_not_connected_and_shows_signs():
    weights = np.array([[0.0, 2.0], [-1.0, 0.0]])
    heat = connectome(weights)
    assert np.isnan(heat.data[0, 0])
    assert (heat.palette, heat.span) == ("diverging", (-2.0, 2.0))
    assert connectome(np.abs(weights)).span == (0.0, 2.0)


def test_bold_is_made_beside_the_sliders_and_grows_outdated(network):
    bar = network.board.bar("bold")
    bar.act("duration", text="1.5 s")
    bar.act("period", text="0.5 s")
    network.run_bold()
    network.flush()
    assert network.bold["bold"].shape == (3, 4)
    assert network.bold["bold.ts"].mantissa.tolist() == [500.0, 1000.0, 1500.0]
    assert network.board.canvases["fc"].frame["heat"]["label"] == "correlation of BOLD"
    names = {}
    exec(network.to_code(), names)
    np.testing.assert_array_equal(names["long"]["bold"], network.bold["bold"])
    network.controls["k"].value = 0.1
    network.flush()
    assert "changed since" in network.board.canvases["bold"].notice["text"]
    assert "BOLDSignal" not in network.to_code()


def test_code_of_bold_has_the_constant_input(network):
    bar = network.board.bar("bold")
    bar.act("duration", text="0.5 s")
    bar.act("period", text="0.5 s")
    network.controls["input.x_inp"].set(0.2)
    network.run_bold()
    network.flush()
    names = {}
    exec(network.to_code(), names)
    np.testing.assert_array_equal(names["long"]["bold"], network.bold["bold"])


def test_bold_may_be_asked_for_at_once(opened, ring):
    w = opened(NetworkWidget(ring, duration=20 * u.ms))
    w.board.bar("bold").act("duration", text="1 s")
    w.run_bold()
    w.flush()
    assert w.bold["bold"].shape == (1, 4)


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
