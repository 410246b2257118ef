"""SimulatorWidget without a browser: plots, refusals, undo, pins, state."""

import json

import brainunit as u
import numpy as np
import pytest
from widget_models import assert_same, hopf, press

import brainmass
from brainmass_widgets import SimulatorWidget


def frame(w, plot="time"):
    return w.board.canvases[plot].frame


def buffer(w, trace=0, plot="time"):
    return np.frombuffer(frame(w, plot)["panels"][0]["traces"][trace]["y"], np.float32)


# -- showing -----------------------------------------------------------------------------------


def test_every_declared_parameter_has_a_slider(widget):
    assert list(widget.controls)[:3] == ["a", "w", "beta"]
    for name, spec in brainmass.HopfStep.declaration.params.items():
        control = widget.controls[name]
        assert control.range == spec.bounds
        assert spec.doc in control.tooltip.lower()


def test_moved_slider_changes_the_picture_and_compiles_nothing(widget, compile_count):
    widget.panel.sheet.act("a", number=0.3)
    widget.flush()
    before, number, compilations = buffer(widget), frame(widget)["id"], widget.compilations
    with compile_count:
        widget.panel.sheet.act("a", number=0.64)
        widget.flush()
    assert compile_count.n == 0
    assert widget.compilations == compilations <= 1
    assert frame(widget)["id"] > number
    assert buffer(widget).max() > before.max()
    count = f"{compilations} compilation{'s' if compilations != 1 else ''} in {widget.runs} runs"
    assert count in widget._line.value


def test_shown_samples_are_those_of_the_simulator(widget):
    expected = brainmass.Simulator(hopf(), dt=0.1 * u.ms).run(50 * u.ms, monitors=["x", "y"])
    # The browser is sent single precision, whatever the kernel computes in.
    x, y = (np.asarray(expected[name], np.float32)[:, 0] for name in "xy")
    np.testing.assert_array_equal(buffer(widget, 0), x)
    np.testing.assert_array_equal(buffer(widget, 1), y)
    phase = frame(widget, "phase")["panels"][0]["traces"][0]
    np.testing.assert_array_equal(np.frombuffer(phase["x"], np.float32), x)


def test_many_sliders_at_once_cost_few_runs(widget):
    runs = widget.runs
    for k in range(50):
        widget.panel.sheet.act("a", number=0.01 * k)
        widget.panel.sheet.act("w", number=0.1 + 0.01 * k)
    widget.flush()
    assert widget.runs - runs < 100
    assert widget.engine.node.w.value() == pytest.approx(0.59)


def test_network_shows_regions_and_its_own_sliders(opened, ring):
    w = opened(SimulatorWidget(ring, duration=30 * u.ms))
    w.flush()
    assert list(w.controls)[:5] == ["k", "speed", "node.a", "node.w", "node.beta"]
    heat = frame(w, "regions")["heat"]
    assert (heat["rows"], heat["cols"], len(heat["data"])) == (4, 300, 1200)
    for path, value in {"k": 1.0, "speed": 20.0, "node.a": -0.2}.items():
        before = frame(w, "regions")["heat"]["data"]
        w.controls[path].set(value)
        w.flush()
        assert frame(w, "regions")["heat"]["data"] != before
    assert w.compilations <= 1


def test_units_are_on_the_axes(opened):
    w = opened(SimulatorWidget(brainmass.JansenRitStep(1), inputs={"E_inp": 220 * u.Hz}))
    w.flush()
    assert frame(w)["panels"][0]["y"]["label"] == "output"
    assert frame(w)["panels"][0]["y"]["unit"] == "mV"
    w.board.signal_chips.flip("Mv")
    units = [panel["y"]["unit"] for panel in frame(w)["panels"]]
    assert units == ["mV / s", "mV"]


def test_resting_model_gets_a_hint(opened):
    w = opened(SimulatorWidget(brainmass.HopfStep(1)))
    w.flush()
    assert "Nothing moves" in w.board.canvases["time"].notice["text"]
    w.controls["init_x"].set(0.1)
    w.flush()
    assert w.board.canvases["time"].notice == {}


# -- problems ----------------------------------------------------------------------------------


def test_divergence_is_said_on_the_plot_and_goes_away(widget):
    widget.panel.sheet.act("beta", text="-1")
    widget.flush()
    assert "must stay finite" in widget.board.canvases["time"].notice["text"]
    assert widget.board.canvases["time"].notice["level"] == "error"
    assert widget.problem
    assert len(buffer(widget)) > 0
    widget.panel.sheet.act("beta", text="1")
    widget.flush()
    assert widget.board.canvases["time"].notice == {}
    assert widget.problem == ""


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("duration", "-3 ms", "duration must be positive"),
        ("duration", "long", "is not a unit"),
        ("duration", "3 mV", "must be a value in [ms]"),
        ("dt", "0", "dt must be positive"),
        ("dt", "1 s", "dt must be shorter than the duration"),
        ("transient", "1 s", "transient must be shorter than the duration"),
        ("seed", "1.5", "seed must be a whole number"),
    ],
)
def test_refused_entry_says_why_and_shows_the_old_value(widget, name, text, reason):
    old, runs = widget.panel.entries[name].text, widget.runs
    widget.panel.sheet.act(name, text=text)
    widget.flush()
    assert reason in widget.board.canvases["time"].notice["text"]
    assert (widget.panel.entries[name].text, widget.runs) == (old, runs)


def test_value_outside_the_domain_is_refused_with_the_sentence_of_the_model(opened):
    w = opened(SimulatorWidget(brainmass.VanDerPolStep(1), duration=10 * u.ms))
    w.panel.sheet.act("mu", text="-1")
    w.flush()
    assert "'mu'" in w.problem
    assert "positive" in w.problem
    assert float(w.engine.node.mu.value()) == 1.0
    assert w.board.canvases["time"].notice["text"] == w.problem
    w.panel.sheet.act("mu", text="2")
    w.flush()
    assert w.problem == ""


def test_error_in_a_run_is_a_sentence_and_not_the_end(opened):
    def monitor(model):
        raise RuntimeError("the monitor is broken")

    w = opened(SimulatorWidget(hopf(), monitors=monitor))
    w.flush()
    assert w.problem == "the monitor is broken"
    assert isinstance(w.error, RuntimeError)
    assert w.picture() == b""
    assert not w._worker.closed


@pytest.mark.parametrize(
    ("argument", "reason"),
    [
        ({"duration": 3.0}, "duration must be a quantity of time"),
        ({"dt": 1 * u.mV}, "dt must be a quantity of time"),
        ({"duration": -1 * u.ms}, "duration must be positive"),
        ({"transient": 1 * u.second}, "transient must be shorter"),
        ({"plots": ["pie"]}, "plots must be among"),
    ],
)
def test_bad_arguments_are_refused(argument, reason):
    with pytest.raises((ValueError, TypeError), match=reason):
        SimulatorWidget(hopf(), **argument)


def test_a_class_or_a_number_is_refused():
    with pytest.raises(TypeError, match=r"got the class HopfStep. Pass HopfStep\(1\)"):
        SimulatorWidget(brainmass.HopfStep)
    with pytest.raises(TypeError, match="must be a brainstate module"):
        SimulatorWidget(3)


# -- the model of the user ---------------------------------------------------------------------


def test_given_model_is_not_changed_until_apply(opened):
    node = hopf()
    w = opened(SimulatorWidget(node, duration=10 * u.ms))
    w.controls["a"].set(0.7)
    w.controls["init_x"].set(0.3)
    w.panel.sheet.act("method", text="rk4")
    w.flush()
    assert (float(node.a.value()), node.init_x, node.method) == (0.25, 0.1, "heun")
    assert w.apply() is node
    assert float(node.a.value()) == pytest.approx(0.7)
    assert float(node.init_x) == pytest.approx(0.3)
    assert node.method == "rk4"


def test_two_widgets_on_one_model_do_not_meet(opened):
    node = hopf()
    first, second = (opened(SimulatorWidget(node, duration=10 * u.ms)) for _ in range(2))
    first.controls["a"].set(0.9)
    first.flush()
    second.flush()
    assert float(second.engine.node.a.value()) == 0.25


def test_simulator_brings_its_step(opened):
    w = opened(SimulatorWidget(brainmass.Simulator(hopf(), dt=0.05 * u.ms), duration=10 * u.ms))
    w.flush()
    assert len(w.result["x"]) == 200


# -- regions -----------------------------------------------------------------------------------


def test_region_picker_sets_one_region_and_shows_it(opened):
    w = opened(SimulatorWidget(hopf(3), duration=20 * u.ms))
    w.flush()
    w.panel.sheet.act("region", text="1")
    assert [t["name"] for t in frame(w)["panels"][0]["traces"]] == ["x"]
    w.controls["a"].set(-0.5)
    w.flush()
    np.testing.assert_allclose(w.engine.node.a.value(), [0.25, -0.5, 0.25])
    w.panel.sheet.act("region", text="all regions")
    assert w.controls["a"].text == "varies"


def test_scalar_of_a_network_is_not_split_into_regions(opened, ring):
    w = opened(SimulatorWidget(ring, duration=20 * u.ms))
    w.panel.sheet.act("region", text="1")
    w.controls["speed"].set(20.0)
    w.flush()
    assert w.problem == ""
    assert np.shape(w.engine.model.speed.value()) == ()


# -- undo, reset, pin, state -------------------------------------------------------------------


def test_undo_takes_back_one_change_and_a_drag_counts_once(widget):
    for value in (0.3, 0.4, 0.5):
        widget.panel.sheet.act("a", number=value, gesture="drag")
    widget.panel.sheet.act("w", number=0.5, gesture="another")
    press(widget, "Undo")
    assert (widget.controls["w"].value, widget.controls["a"].value) == (0.3, 0.5)
    press(widget, "Undo")
    assert widget.controls["a"].value == 0.25
    press(widget, "Undo")
    assert widget.controls["a"].value == 0.25
    press(widget, "Redo")
    widget.panel.sheet.act("redo", press=1)  # by the key
    assert (widget.controls["w"].value, widget.controls["a"].value) == (0.5, 0.5)
    press(widget, "Redo")
    widget.panel.sheet.act("a", number=0.1)
    widget.panel.sheet.act("a", number=0.2)
    press(widget, "Undo")
    assert widget.controls["a"].value == 0.1


def test_reset_goes_back_to_the_start_and_can_be_undone(widget):
    first = widget.state
    widget.controls["a"].set(0.7)
    widget.panel.sheet.act("duration", text="0.02 s")
    widget.flush()
    assert len(widget.result["x"]) == 200
    press(widget, "Reset")
    assert widget.state == first
    assert len(widget.result["x"]) == 500
    press(widget, "Undo")
    assert widget.controls["a"].value == 0.7


def test_pinned_run_stays_behind_the_new_one(widget):
    press(widget, "Pin")
    old = buffer(widget)
    widget.controls["a"].set(0.7)
    widget.flush()
    roles = [t["role"] for t in frame(widget)["panels"][0]["traces"]]
    assert roles == ["main", "main", "ghost", "ghost"]
    np.testing.assert_array_equal(buffer(widget, 2), old)
    press(widget, "Pin")
    assert len(frame(widget)["panels"][0]["traces"]) == 2


def test_state_is_json_and_restores_another_widget(opened, widget):
    widget.controls["a"].set(0.7)
    widget.controls["input.x_inp"].set(0.1)
    widget.panel.sheet.act("seed", text="5")
    widget.panel.sheet.act("method", text="rk4")
    widget.board.chips.flip("Spectrum")
    widget.flush()
    saved = json.loads(json.dumps(widget.state))
    other = opened(SimulatorWidget(hopf(), duration=10 * u.ms))
    other.state = saved
    other.flush()
    assert other.state == saved
    assert_same(other.result, widget.result)
    assert other.controls["a"].text == "0.7"
    assert other.panel.entries["method"].text == "rk4"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"format": 2}, "must be a dict that .state gave"),
        ({"model": "LinearStep"}, "must belong to HopfStep"),
        ({"values": {"zeta": 1.0}}, "got 'zeta'"),
        ({"values": {"a": float("nan")}}, "must be finite"),
        ({"run": {"dt": -1.0}}, "dt must be positive"),
    ],
)
def test_foreign_state_is_refused_and_changes_nothing(widget, change, reason):
    before = widget.state
    with pytest.raises(ValueError, match=reason):
        widget.state = {**before, **change}
    assert widget.state == before
