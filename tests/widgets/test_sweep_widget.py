"""SweepWidget without a browser: order, commands, choices, clicks, code."""

import json
import threading
import time

import brainstate
import brainunit as u
import numpy as np
import pytest
from brainstate.nn import Param

import brainmass
from brainmass_widgets import SweepWidget
from brainmass_widgets.sweeping.grid import Ramp, refined
from brainmass_widgets.sweeping.plots import point_at

WAIT = 60.0


def hopf(size=1, **settings):
    return brainmass.HopfStep(size, **{"w": 0.3, "init_x": 0.1, **settings})


def reaches(w, *states):
    end = time.monotonic() + WAIT
    while w.status not in states and time.monotonic() < end:
        time.sleep(0.002)
    return w.status in states


def swept(opened, *arguments, **settings):
    w = opened(SweepWidget(*arguments, **{"duration": 60 * u.ms, **settings}))
    w.toolbar.act("start", press=1)
    w.flush()
    assert reaches(w, "done")
    return w


def code_gives(w, **names):
    exec(w.to_code(), names)
    np.testing.assert_array_equal(names["values"], w._sweep.values)


def test_every_point_is_visited_once_and_coarse_grids_come_first():
    order = list(refined((5, 9)))
    assert len(order) == len(set(order)) == 45
    assert set(order[:2]) == {(0, 0), (0, 8)}
    assert set(order[:6]) == {(i, j) for i in (0, 4) for j in (0, 4, 8)}


def test_sweep_finds_the_birth_of_the_limit_cycle_and_compiles_once(opened, compile_count):
    node = hopf()
    w = opened(SweepWidget(node, {"a": (-0.3, 0.5, 9)}, transient=150 * u.ms))
    w.start()
    w.flush()
    w.panel.act("across.to", text="0.6")
    w.panel.act("across.to", text="0.5")
    with compile_count:
        w.start()
        w.flush()
    assert compile_count.n == 0
    kept = w.result["deviation of x"]
    a = w.result["a"]
    np.testing.assert_allclose(kept[a > 0.05], np.sqrt(a[a > 0.05] / 2), rtol=0.1)
    assert kept[a < 0].max() < 0.01
    assert float(node.a.value()) == np.float32(0.25)
    shown = w.canvas.frame
    assert (shown["kind"], shown["x"]["lo"], shown["x"]["hi"]) == ("lines", -0.3, 0.5)
    code_gives(w)


def test_two_numbers_make_a_map_with_units_on_its_axes(opened):
    w = swept(
        opened,
        brainmass.JansenRitStep(1),
        {"input.E_inp": (0 * u.Hz, 400 * u.Hz, 3), "Ae": (2.6 * u.mV, 9.75 * u.mV, 2)},
        signal="E",
    )
    assert w._sweep.values.shape == (3, 2)
    frame = w.canvas.frame
    assert (frame["x"]["label"], frame["x"]["unit"]) == ("input.E_inp", "Hz")
    assert (frame["y"]["label"], frame["y"]["unit"]) == ("Ae", "mV")
    assert frame["heat"]["columns"] == ["0", "200", "400"]
    assert frame["heat"]["names"] == ["2.6", "9.75"]
    assert frame["heat"]["unit"] == "mV"
    assert u.get_unit(w.result["Ae"]) == u.mV
    assert repr(w) == "SweepWidget(JansenRitStep, input.E_inp and Ae)"
    assert w.picture().startswith(b"\x89PNG")
    code_gives(w)


@pytest.mark.parametrize("observable", ["peak frequency", "order parameter", "mean correlation"])
def test_code_of_a_network_gives_the_same_numbers(opened, ring, observable):
    ring.node.noise_x = brainmass.OUProcess(4, sigma=0.1)
    w = swept(opened, ring, {"k": (0.0, 1.0, 2), "speed": (5.0, 90.0, 2)}, observable=observable)
    assert np.isfinite(w._sweep.values).all()
    code_gives(w)


def test_frequency_is_that_of_the_oscillator(opened):
    w = swept(
        opened, hopf(a=0.5), {"w": (0.2, 0.6, 3)}, observable="peak frequency",
        duration=500 * u.ms, transient=100 * u.ms,
    )  # fmt: skip
    np.testing.assert_allclose(w._sweep.values, 1e3 * w.result["w"] / (2 * np.pi), rtol=0.02)


def test_click_opens_the_simulation_of_that_cell(opened):
    w = swept(opened, hopf(), {"a": (0.1, 0.4, 4), "w": (0.2, 0.5, 4)})
    assert point_at(w._sweep, 2.3, 1.9) == (2, 1)
    w.canvas._handle_custom_msg({"type": "click", "panel": 0, "x": 2.3, "y": 1.9}, [])
    w.flush()
    assert w.canvas.frame["marks"][0]["kind"] == "cell"
    assert w.simulation.controls["a"].text == "0.3"
    assert w.simulation.controls["w"].text == "0.3"
    assert w._sweep.values[2, 1] == pytest.approx(w.simulation.result["x"].std(), rel=1e-5)
    w.open_point(0, 0)
    w.flush()
    assert w.simulation.controls["a"].text == "0.1"
    w.simulation.undo()
    assert w.simulation.controls["a"].text == "0.3"
    with pytest.raises(ValueError, match="a point must be 2 positions"):
        w.open_point(9, 9)


def test_diverging_points_stay_blank_and_are_counted(opened):
    w = swept(opened, hopf(init_x=1.0), {"beta": (-1.0, 1.0, 3)}, duration=50 * u.ms)
    assert np.isnan(w._sweep.values[0])
    assert np.isfinite(w._sweep.values[2])
    marks = w.canvas.frame["marks"]
    assert {m["kind"] for m in marks} == {"cross"}
    assert [m["x"] for m in marks] == w._sweep.ramps[0].values[w._sweep.lost].tolist()
    assert f"{w._sweep.diverged} diverged" in w._line.text
    code_gives(w)


def test_pause_resume_and_stop_keep_what_is_done(opened):
    w = opened(SweepWidget(hopf(), {"a": (0.1, 0.4, 100), "w": (0.2, 0.5, 100)}))
    w.start()
    while w._sweep.done < 5:
        time.sleep(0.002)
    w.pause()
    assert reaches(w, "paused")
    done = w._sweep.done
    time.sleep(0.05)
    assert w._sweep.done == done
    w.panel.act("across.points", text="5")
    assert "must not run while it is changed" in w.problem
    w.resume()
    while w._sweep.done < done + 5:
        time.sleep(0.002)
    w.stop()
    assert reaches(w, "stopped", "done")
    w.flush()
    assert np.isfinite(w._sweep.values).sum() == w._sweep.done < 10_000
    assert w.canvas.frame["kind"] == "heat"


def test_choices_are_made_in_the_panel_and_restored(opened):
    w = opened(SweepWidget(hopf(), {"a": (0.1, 0.4, 4)}))
    w.panel.act("up.path", text="w")
    w.panel.act("up.from", text="0.25")
    w.panel.act("up.points", text="3")
    w.panel.act("across.path", text="init_x")
    w.panel.act("observable", text="largest")
    w.panel.act("signal", text="y")
    w.panel.act("duration", text="0.05 s")
    assert [r.path for r in w.ramps] == ["init_x", "w"]
    assert w.panel.shown["up.from"]["text"] == "0.25"
    saved = json.loads(json.dumps(w.state))
    other = opened(SweepWidget(hopf()))
    other.state = saved
    assert other.state == saved
    assert other.ramps == w.ramps
    w.panel.act("up.path", text="–")
    assert w.panel.shown["up.from"]["hidden"]
    with pytest.raises(ValueError, match="state must be a dict"):
        other.state = {**saved, "model": "LinearStep"}
    assert other.state == saved


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (({"zeta": None},), "got 'zeta'"),
        (({"a": (1.0, 0.0)},), "from a smaller to a larger"),
        (({"a": (0.0, 1.0, 1)},), "from 2 to 512 points"),
        (({"a": 3},), "must be given as"),
        ((dict.fromkeys(["a", "w", "beta"]),), "one or two numbers"),
    ],
)
def test_bad_axes_are_refused(arguments, reason):
    with pytest.raises(ValueError, match=reason):
        SweepWidget(hopf(), *arguments)


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("across.from", "2", "from a smaller to a larger"),
        ("across.to", "3 mV", "must be a plain number"),
        ("across.points", "some", "from 2 to 512 points"),
        ("up.path", "a", "got 'a' twice"),
        ("dt", "1 s", "dt must be shorter"),
    ],
)
def test_bad_entries_are_refused_and_the_old_ones_stay(opened, name, text, reason):
    w = opened(SweepWidget(hopf(), {"a": (0.1, 0.4, 4), "w": (0.2, 0.5, 4)}))
    before = w.state
    w.panel.act(name, text=text)
    assert reason in w.problem
    assert w.state == before


def test_observables_and_signals_are_those_that_make_sense():
    for more, reason in (
        ({"observable": "order parameter"}, "observable must be one of"),
        ({"signal": "z"}, "signal must be one of 'x', 'y'"),
    ):
        with pytest.raises(ValueError, match=reason):
            SweepWidget(hopf(), {"a": (0.0, 1.0)}, **more)
    assert Ramp("tau", 1.0, 100.0, 3, log=True).values.tolist() == [1.0, 10.0, 100.0]


def test_many_points_share_a_call_and_a_cell_gives_the_numbers_of_its_simulation(opened):
    w = swept(
        opened,
        brainmass.WilsonCowanStep(1, noise_E=brainmass.OUProcess(1, sigma=0.1)),
        signal="rE",
        seed=7,
    )
    assert w._sweep.values.shape == (24, 24)
    for point in ((0, 0), (7, 19), (23, 23)):
        w.open_point(*point)
        w.flush()
        x = np.asarray(w.simulation.result["rE"], float)
        np.testing.assert_allclose(w._sweep.values[point], x.std(), rtol=1e-4)
    code_gives(w)


def test_stop_is_obeyed_within_300_ms_and_loses_nothing(opened):
    long = {"duration": 20_000 * u.ms}
    w = opened(SweepWidget(hopf(64), {"a": (0.1, 0.4, 40), "w": (0.2, 0.5, 40)}, **long))
    w.start()
    while not w._sweep.done:
        time.sleep(0.002)
    began = time.monotonic()
    w.stop()
    assert reaches(w, "stopped")
    assert time.monotonic() - began < 0.3
    assert 0 < w._sweep.done == np.isfinite(w._sweep.values).sum() < 1600


def test_two_constant_inputs_are_swept_together(opened):
    w = swept(
        opened,
        brainmass.JansenRitStep(1),
        {"input.E_inp": (0 * u.Hz, 300 * u.Hz, 3), "input.I_inp": (0 * u.mV, 3 * u.mV, 2)},
    )
    assert len(np.unique(w._sweep.values)) == 6
    code_gives(w)


def test_any_module_with_parameters_can_be_swept(opened):
    class Leak(brainstate.nn.Module):
        def __init__(self):
            super().__init__()
            self.rate = Param(0.1)
            self.x = brainstate.HiddenState(np.ones(1, brainstate.environ.dftype()))

        def init_state(self, batch_size=None, **kwargs):
            self.x.value = np.ones(1, brainstate.environ.dftype())

        def update(self, inputs=None):
            self.x.value = self.x.value * (1.0 - self.rate.value())
            return self.x.value

    w = swept(opened, Leak(), {"rate": (0.1, 0.5, 3)}, observable="largest", dt=1 * u.ms)
    np.testing.assert_allclose(w._sweep.values, [0.9, 0.7, 0.5], rtol=1e-6)


def test_closing_a_running_sweep_leaves_no_thread():
    w = SweepWidget(hopf(), {"a": (0.1, 0.4, 300), "w": (0.2, 0.5, 300)})
    w.start()
    w.open_point(0, 0)
    w.close()
    assert [t for t in threading.enumerate() if t.name.startswith("brainmass-")] == []
