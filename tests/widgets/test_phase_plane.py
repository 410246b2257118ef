"""PhasePlaneWidget without a browser."""

import base64
import json
import subprocess
import sys
import threading
import time
import warnings

import brainunit as u
import numpy as np
import pytest

import brainmass
from brainmass.analysis.dynamics.flow import Flow
from brainmass.engine import clear_cache
from brainmass_widgets import PhasePlaneWidget
from brainmass_widgets.phase_plane_engine import PlaneEngine


def running_threads():
    return [t for t in threading.enumerate() if t.name.startswith("brainmass-")]


WINDOW = {"x": (-1.0, 1.0), "y": (-1.0, 1.0)}


def hopf(size=1, **settings):
    return brainmass.HopfStep(size, **{"a": -0.2, "w": 0.3, **settings})


@pytest.fixture
def widget(opened):
    w = opened(PhasePlaneWidget(hopf(), box=WINDOW, duration=50 * u.ms))
    w.flush()
    return w


def traces(w, strip=False):
    frame = (w._strip if strip else w._canvas).frame
    return {t["name"]: t for t in frame["panels"][0]["traces"]}


def buffer(trace, axis="y"):
    return np.frombuffer(trace[axis], np.float32)


def marks(w, kind="circle"):
    return [m for m in w._canvas.frame["marks"] if m["kind"] == kind]


def click(w, x, y):
    """Hand over a click as the browser sends it."""
    w._canvas._handle_custom_msg({"type": "click", "panel": 0, "x": x, "y": y}, [])
    w.flush()


def press(w, name):
    control = w.toolbar.controls[name]
    w.toolbar.act(name, press=control._count + 1)
    w.flush()


def bare(value):
    return np.asarray(u.get_mantissa(value))


def run_code(w, **names):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        exec(w.to_code(), names)
    return names


def assert_same(made, shown):
    """Every array that is shown comes out of the code, to the last digit."""
    for name in ("dx", "dy"):
        a, b = getattr(made["field"], name), getattr(shown["field"], name)
        assert u.get_unit(a) == u.get_unit(b)
        np.testing.assert_array_equal(bare(a), bare(b))
    for name, curve in shown["curves"].curves.items():
        for a, b in zip(made["curves"][name], curve, strict=True):
            np.testing.assert_array_equal(bare(a), bare(b))
    for a, b in zip(made["points"], shown["points"], strict=True):
        np.testing.assert_array_equal(a.eigenvalues, b.eigenvalues)
    assert len(made.get("trajectories", [])) == len(shown["trajectories"])
    for a, b in zip(made.get("trajectories", []), shown["trajectories"], strict=True):
        for name in shown["field"].names:
            np.testing.assert_array_equal(bare(a[name]), bare(b[name]))
    for kind in ("branches", "cycles"):
        parts = [getattr(made["diagram"], kind), getattr(shown["diagram"], kind)]
        for a, b in zip(*parts, strict=True):
            np.testing.assert_array_equal(bare(a.values), bare(b.values))
    for a, b in zip(made["diagram"].bifurcations, shown["diagram"].bifurcations, strict=True):
        np.testing.assert_array_equal(bare(a.value), bare(b.value))


# -- showing -----------------------------------------------------------------------------------


def test_plane_shows_field_nullclines_fixed_points_and_a_trajectory(widget):
    assert list(traces(widget)) == ["x nullcline", "y nullcline", "trajectory"]
    arrows = widget._canvas.frame["arrows"]
    assert len(np.frombuffer(arrows["x"], np.float32)) == 25 * 19 - 1  # none at the fixed point
    (point,) = marks(widget)
    assert (round(point["x"], 9), round(point["y"], 9), point["filled"]) == (0, 0, True)
    assert point["name"].splitlines() == ["stable focus", "x 0", "y 0", "λ −0.2 ± 0.3i /ms"]
    assert widget._canvas.frame["x"]["lo"], widget._canvas.frame["x"]["hi"] == (-1.0, 1.0)
    assert "1 fixed point: stable focus" in widget._canvas.summary
    assert "stable focus" in widget._table.value


def test_moved_slider_moves_nullclines_and_fixed_points_and_compiles_nothing(widget, compile_count):
    before = {name: trace["y"] for name, trace in traces(widget).items()}
    compiled, number = widget.compilations, widget._canvas.frame["id"]
    with compile_count:
        for path, value in {"a": 0.3, "w": 0.5, "beta": 2.0, "input.x_inp": 0.01}.items():
            widget.panel.sheet.act(path, number=value)
            widget.flush()
    assert compile_count.n == 0
    assert widget.compilations == compiled
    assert widget._canvas.frame["id"] > number
    assert all(before[name] != trace["y"] for name, trace in traces(widget).items())
    (point,) = marks(widget)
    assert point["name"].startswith("unstable focus")
    assert not point["filled"]
    count = f"{compiled} compilation{'s' if compiled != 1 else ''} in {widget.pictures} pictures"
    assert count in widget._line.text


def test_saddles_have_a_sign_of_their_own(opened):
    w = opened(PhasePlaneWidget(brainmass.WilsonCowanStep(1)))
    w.flush()
    assert len(marks(w, "diamond")) == 1
    assert len(marks(w, "circle")) == 2
    assert [p.kind for p in w.result["points"]] == ["stable node", "saddle", "stable node"]


def test_layers_can_be_left_out(widget):
    widget.toolbar.act("layers", chosen=["Nullclines"])
    widget.flush()
    assert list(traces(widget)) == ["x nullcline", "y nullcline"]
    assert widget._canvas.frame.get("arrows") is None
    assert widget._strip.layout.display == "none"
    assert "diagram" not in widget.result
    assert "continuation" not in widget.to_code()


# -- trajectories ------------------------------------------------------------------------------


def test_click_starts_a_trajectory_without_compiling(widget, compile_count):
    with compile_count:
        click(widget, 0.6123456, -0.4)
    assert compile_count.n == 0
    second = traces(widget)["trajectory 2"]
    assert (buffer(second, "x")[0], buffer(second)[0]) == (np.float32(0.612), np.float32(-0.4))
    expected = brainmass.HopfStep(1, a=-0.2, w=0.3, init_x=0.612, init_y=-0.4)
    run = brainmass.Simulator(expected, dt=0.1 * u.ms).run(50 * u.ms, monitors=["x", "y"])
    np.testing.assert_allclose(buffer(second, "x")[1:], run["x"][:, 0], atol=1e-6)


def test_start_can_be_typed_with_units(opened):
    w = opened(PhasePlaneWidget(brainmass.MontbrioPazoRoxinStep(1), duration=20 * u.ms))
    w.flush()
    w.panel.sheet.act("start", text="0.2 kHz, -1.5")
    w.flush()
    assert w.request.starts[-1] == {"r": 200.0, "v": -1.5}
    w.panel.sheet.act("start", text="7")
    assert "must be two values, of r and v" in w.problem


def test_more_starts_than_there_is_room_push_out_the_oldest(widget):
    for k in range(7):
        click(widget, 0.1 * k, 0.5)
    assert len(widget.request.starts) == 6
    assert widget.request.starts[-1]["x"] == pytest.approx(0.6)
    press(widget, "clear")
    assert list(traces(widget)) == ["x nullcline", "y nullcline"]
    press(widget, "undo")
    assert len(widget.request.starts) == 6


def test_double_click_leaves_no_trajectory_behind(widget):
    click(widget, 0.5, 0.5)
    click(widget, 0.5, 0.5)
    assert len(widget.request.starts) == 1


def test_trajectory_that_diverges_is_said_on_the_plane(opened):
    w = opened(PhasePlaneWidget(hopf(beta=-1.0), box=WINDOW))
    w.flush()
    assert w._canvas.notice == {}
    click(w, 0.9, 0.9)
    assert "left the finite numbers" in w._canvas.notice["text"]
    press(w, "clear")
    assert w._canvas.notice == {}


# -- diagram -----------------------------------------------------------------------------------


def test_diagram_follows_the_slider_that_moves(widget):
    assert widget.along == "a"
    assert [round(h.value, 9) for h in widget.result["diagram"].hopfs] == [0.0]
    assert list(traces(widget, strip=True)) == ["unstable", "stable", "stable cycle"]
    widget.panel.sheet.act("beta", number=2.0)
    widget.flush()
    assert widget.result["diagram"].parameter == "beta"
    assert widget._strip.frame["x"]["label"] == "beta"
    widget.panel.sheet.act("along", text="w")
    widget.panel.sheet.act("beta", number=1.0)
    widget.flush()
    assert widget.result["diagram"].parameter == "w"


def test_its_own_slider_moves_only_the_cursor(widget):
    runs, number = widget._diagrams.runs, widget._strip.frame["id"]
    widget.panel.sheet.act("a", number=0.25)
    widget.flush()
    assert widget._diagrams.runs == runs
    assert widget._strip.frame["id"] > number
    (rule,) = [m for m in widget._strip.frame["marks"] if m["kind"] == "rule"]
    assert rule["x"] == 0.25


def test_drag_in_the_diagram_moves_the_slider_and_is_one_step_of_undo(widget):
    for phase, x in (("start", 0.11), ("move", 0.22), ("end", 0.3333333)):
        message = {"type": "drag", "phase": phase, "panel": 0, "x": x, "y": 0.0}
        widget._strip._handle_custom_msg(message, [])
    widget.flush()
    assert float(widget.controls["a"].value) == 0.333
    widget._strip._handle_custom_msg({"type": "click", "panel": 0, "x": 7.0, "y": 0.0}, [])
    widget.flush()
    assert float(widget.controls["a"].value) == 1.0
    press(widget, "undo")
    assert float(widget.controls["a"].value) == 0.333
    press(widget, "undo")
    assert float(widget.controls["a"].value) == -0.2


# -- views -------------------------------------------------------------------------------------


def test_zoomed_view_is_computed_anew_on_the_home_axes(widget, compile_count):
    with compile_count:
        message = {"type": "view", "x": [-0.1, 0.1], "y": [0.0, 0.1]}
        widget._canvas._handle_custom_msg(message, [])
        widget.flush()
    assert compile_count.n == 0
    field = widget.result["field"]
    assert (field.x[0], field.x[-1], field.y[-1]) == (-0.1, 0.1, 0.1)
    assert widget._canvas.frame["x"]["hi"] == 1.0
    widget._canvas._handle_custom_msg({"type": "view", "x": None, "y": None}, [])
    widget.flush()
    assert widget.result["field"].x[-1] == 1.0


def test_fit_shows_what_happens_at_the_present_numbers(widget):
    widget.controls["a"].value = 1.0
    widget.controls["beta"].value = 0.1
    widget.flush()
    press(widget, "fit")
    lo, hi = widget.request.windows["x"]
    assert lo < -(10**0.5)
    assert hi > 10**0.5


# -- a model with six states ---------------------------------------------------------------------


@pytest.fixture
def column(opened):
    w = PhasePlaneWidget(
        brainmass.JansenRitStep(1), "E", "I", inputs={"E_inp": 100 * u.Hz}, along="I_inp",
        duration=200 * u.ms,
    )  # fmt: skip
    w.flush()
    return opened(w)


def test_column_has_axes_to_choose_and_sliders_for_the_other_states(column):
    assert len(column.result["points"]) == 3
    hidden = [name for name, control in column.panel.rest.items() if control.hidden]
    assert hidden == ["E", "I"]
    assert column._canvas.frame["panels"][0]["y"] == {
        "label": "I", "unit": "mV", "lo": column.request.windows["I"][0],
        "hi": column.request.windows["I"][1],
    }  # fmt: skip


def test_trajectories_of_a_column_start_where_the_other_states_follow(column):
    click(column, 15.0, 10.0)
    start = column.request.starts[-1]
    rate = 5.0 / (1 + np.exp(0.56 * (6.0 - 5.0)))
    assert start["M"] == pytest.approx(3.25 / 100 * rate, rel=1e-6)


def test_code_of_a_column_gives_what_is_shown(column):
    column.flush()
    assert_same(run_code(column), column.result)


def test_other_axes_and_held_states_compile_little_and_can_be_undone(column):
    column.panel.sheet.act("across", text="I")
    column.flush()
    assert column.request.axes == ("I", "E")
    column.panel.sheet.act("others", text="stay where they are")
    column.flush()
    assert column.request.others == "held"
    assert_same(run_code(column), column.result)
    column.undo()
    column.undo()
    column.flush()
    assert column.request.axes == ("E", "I")
    assert column.panel.entries["across"].text == "E"


# -- code, state, pictures ---------------------------------------------------------------------


def test_code_gives_what_is_shown_after_many_changes(widget):
    widget.controls["a"].value = 0.123456789
    widget.controls["input.y_inp"].value = 0.05
    click(widget, 0.3, 0.1)
    widget._canvas._handle_custom_msg({"type": "view", "x": [-0.5, 0.5], "y": [-0.4, 0.4]}, [])
    widget.flush()
    assert_same(run_code(widget), widget.result)


def test_code_takes_one_region_of_several(opened):
    node = brainmass.HopfStep(3, a=[-0.1, 0.2, 0.3], method="rk4")
    with pytest.raises(ValueError, match="region must be given where parameters differ"):
        PhasePlaneWidget(node)
    w = opened(PhasePlaneWidget(node, region=1, box=WINDOW, duration=20 * u.ms))
    w.flush()
    assert "brainmass.HopfStep(1, a=0.2, method='rk4')" in w.to_code()
    assert_same(run_code(w), w.result)


class Toggle(brainmass.NeuralMass):
    """Two genes that switch each other off."""

    catalogued = False
    n = brainmass.param(2.0, bounds=(1.0, 4.0), doc="cooperativity")
    p = brainmass.state(0.1, doc="first product")
    q = brainmass.state(0.2, doc="second product")

    @staticmethod
    def equations(s, p, i, t):
        return dict(
            p=(2 / (1 + s.q**p.n) - s.p) / u.ms,
            q=(2 / (1 + s.p**p.n) - s.q) / u.ms,
        )


def test_model_of_the_user_without_inputs(opened):
    box = {"p": (0.0, 2.5), "q": (0.0, 2.5)}
    w = opened(PhasePlaneWidget(Toggle(1, n=3.0), box=box, duration=20 * u.ms))
    w.flush()
    inside = [p for p in w.result["points"] if 0 <= p.state["p"] <= 2.5]
    assert [p.kind for p in inside] == ["stable node", "saddle", "stable node"]
    assert_same(run_code(w, Toggle=Toggle), w.result)


def test_state_is_plain_json_and_restores_everything(widget, opened):
    widget.controls["a"].value = 0.3
    click(widget, 0.4, 0.2)
    widget.toolbar.act("layers", chosen=["Field", "Diagram"])
    widget.flush()
    saved = json.loads(json.dumps(widget.state))
    other = opened(PhasePlaneWidget(hopf()))
    other.state = saved
    other.flush()
    assert other.request == widget.request
    assert other._chips.chosen == ["Field", "Diagram"]
    assert float(other.controls["a"].value) == 0.3
    assert [p.kind for p in other.result["points"]] == ["unstable focus"]


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"format": 2}, "state must be a dict that .state gave"),
        ({"model": "LorenzStep"}, "state must belong to HopfStep"),
        ({"settings": {}}, "missing or wrong"),
    ],
)
def test_states_of_something_else_are_refused(widget, change, text):
    before = widget.state
    with pytest.raises(ValueError, match=text):
        widget.state = {**before, **change}
    assert widget.state == before


def test_saved_notebook_gets_a_picture_and_a_short_text(widget, tmp_path):
    bundle = widget._repr_mimebundle_()
    assert bundle["text/plain"] == "PhasePlaneWidget(HopfStep, x, y)"
    assert base64.b64decode(bundle["image/png"])[:4] == b"\x89PNG"
    widget.save(tmp_path / "plane.svg")
    assert b"x nullcline" in (tmp_path / "plane.svg").read_bytes()
    page = widget.snapshot()
    assert "PhasePlaneWidget(HopfStep, x, y)" in page
    assert "nullclines(model" in page


def test_closed_widget_is_silent(opened):
    w = opened(PhasePlaneWidget(hopf(), box=WINDOW))
    w.close()
    w.controls["a"].value = 0.3
    click(w, 0.1, 0.1)
    assert running_threads() == []


# -- problems ----------------------------------------------------------------------------------


def test_value_outside_of_the_domain_is_refused_with_a_sentence(opened):
    w = opened(PhasePlaneWidget(brainmass.VanDerPolStep(1)))
    w.flush()
    w.panel.sheet.act("mu", text="-1")
    assert "must be positive" in w.problem
    assert "must be positive" in w._canvas.notice["text"]
    w.panel.sheet.act("mu", text="2")
    w.flush()
    assert w.problem == ""
    w.panel.sheet.act("duration", text="0 ms")
    assert "duration must be positive" in w.problem


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: PhasePlaneWidget(3), TypeError, "must declare its states"),
        (lambda: PhasePlaneWidget(brainmass.HopfStep), TypeError, "got the class HopfStep"),
        (
            lambda: PhasePlaneWidget(
                brainmass.Network(hopf(2), conn=np.ones((2, 2)), coupled_var="x")
            ),
            TypeError,
            "Pass its node",
        ),
        (lambda: PhasePlaneWidget(brainmass.LinearStep(1)), ValueError, "at least two states"),
        (
            lambda: PhasePlaneWidget(brainmass.KuramotoNetwork(3)),
            TypeError,
            "regions that do not interact",
        ),
        (lambda: PhasePlaneWidget(hopf(), "x", "x"), ValueError, "x and y must be two states"),
        (lambda: PhasePlaneWidget(hopf(), "q"), ValueError, "must be among 'x', 'y'; got 'q'"),
        (lambda: PhasePlaneWidget(hopf(), along="q"), ValueError, "along must be a parameter"),
        (lambda: PhasePlaneWidget(hopf(), inputs={"q": 1.0}), ValueError, "must name inlets"),
        (lambda: PhasePlaneWidget(hopf(), inputs=3.0), TypeError, "inputs must be a dict"),
        (lambda: PhasePlaneWidget(hopf(), box={"x": (1, 0)}), ValueError, "low < high"),
        (lambda: PhasePlaneWidget(hopf(), others="free"), ValueError, "others must be one of"),
        (
            lambda: PhasePlaneWidget(hopf(), duration=3.0),
            brainmass.UnitError,
            "duration must be a quantity of time",
        ),
    ],
)
def test_bad_input_is_one_sentence(make, error, text):
    with pytest.raises(error, match=text):
        make()


def test_what_the_first_picture_needs_is_compiled_ahead():
    engine = PlaneEngine(brainmass.WilsonCowanStep(1))
    clear_cache()
    engine.compile_ahead(axes=("rE", "rI"))
    windows = {n: (0.0, 1.0) for n in engine.states}
    request = engine.request(axes=("rE", "rI"), windows=windows, starts=(engine.begin,))
    engine.ahead.wait()
    compiled = engine.compilations
    assert compiled >= 4  # search, field, nullclines, trajectory
    assert engine.picture(request).points
    assert engine.compilations == compiled
    engine.close()
    assert not running_threads()


def test_an_interpreter_ends_well_while_programs_are_compiled_ahead():
    code = """if True:
        import time, brainmass
        from brainmass_widgets.phase_plane_engine import PlaneEngine
        engine = PlaneEngine(brainmass.JansenRitStep(1))
        engine.compile_ahead()
        time.sleep(0.6)
    """
    assert subprocess.run([sys.executable, "-c", code], timeout=120).returncode == 0


def test_threads_that_need_one_kernel_compile_it_once():
    def kernel(rules):
        def run(fixed, y):
            traced.append(threading.current_thread())
            time.sleep(0.1)
            return 2 * y

        return run

    traced: list = []
    flow = Flow(brainmass.HopfStep(1))
    threads = [
        threading.Thread(target=flow.call, args=(kernel, np.ones(3)), daemon=True) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(traced) == 1
