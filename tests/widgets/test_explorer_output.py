"""What leaves a SimulatorWidget: code, pictures, saved notebooks; and how it ends."""

import base64
import gc
import threading

import brainunit as u
import numpy as np
import pytest
from widget_models import assert_same, hopf, press, run_code

import brainmass
from brainmass_widgets import SimulatorWidget


def frame(w, plot="time"):
    return w.board.canvases[plot].frame


def buffer(w, trace=0, plot="time"):
    return np.frombuffer(frame(w, plot)["panels"][0]["traces"][trace]["y"], np.float32)


# -- code --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "build",
    [
        pytest.param(lambda: hopf(), id="hopf"),
        pytest.param(lambda: hopf((2, 2), a=np.full((2, 2), 0.1)), id="array"),
        pytest.param(
            lambda: hopf(3, noise_x=brainmass.OUProcess(3, sigma=0.1, tau=5.0 * u.ms)), id="noise"
        ),
        pytest.param(lambda: brainmass.StuartLandauStep(2), id="random start"),
        pytest.param(lambda: brainmass.VanDerPolStep(1, method="rk4"), id="rk4"),
        pytest.param(lambda: brainmass.JansenRitStep(2, Ae=3.3 * u.mV), id="units"),
    ],
)
def test_code_reproduces_the_arrays(opened, build):
    w = opened(SimulatorWidget(build(), duration=20 * u.ms))
    w.flush()
    assert_same(run_code(w), w.result)
    first = next(iter(w.controls.values()))
    first.set(0.5 * sum(first.range))
    w.controls[next(p for p in w.controls if p.startswith("input."))].set(0.1)
    added = [p for p, f in w.engine.fields.items() if f.group == "Add noise"]
    for path in added[:1]:
        w.controls[path].set(0.05)
    w.panel.sheet.act("transient", text="5")
    w.panel.sheet.act("seed", text="3")
    w.flush()
    assert_same(run_code(w), w.result)


def test_code_of_a_network_reproduces_the_arrays(opened, ring):
    ring.node.noise_x = brainmass.OUProcess(4, sigma=0.05)
    w = opened(SimulatorWidget(ring, duration=20 * u.ms))
    for path, value in {"k": 0.3, "speed": 7.0, "node.a": 0.1, "node.init_x": 0.2}.items():
        w.controls[path].set(value)
    w.panel.sheet.act("region", text="2")
    w.controls["node.w"].set(0.5)
    w.flush()
    assert "brainmass.Network(" in w.to_code()
    assert_same(run_code(w), w.result)


def test_code_of_the_bundled_connectome_is_short(opened):
    conn = brainmass.datasets.load_dataset("example_connectome")
    net = brainmass.Network(
        hopf(8), conn=conn.weights, distance=conn.distances, speed=10 * u.mm / u.ms,
        coupling="additive", coupled_var="x", k=0.1,
    )  # fmt: skip
    w = opened(SimulatorWidget(net, duration=20 * u.ms))
    w.flush()
    assert 'connectome = brainmass.datasets.load_dataset("example_connectome")' in w.to_code()
    assert len(w.to_code()) < 1000
    assert_same(run_code(w), w.result)


def test_code_starts_from_the_users_model_where_it_cannot_be_written(opened):
    rng = np.random.default_rng(0)
    net = brainmass.Network(
        hopf(30), conn=rng.random((30, 30)), distance=rng.uniform(10, 90, (30, 30)) * u.mm,
        speed=5 * u.mm / u.ms, coupled_var="x", k=0.01,
    )  # fmt: skip
    w = opened(SimulatorWidget(net, duration=20 * u.ms))
    w.controls["k"].set(0.02)
    w.controls["node.noise_x.sigma"].set(0.1)
    w.panel.sheet.act("method", text="euler")
    w.flush()
    assert "`model` is what you gave to the widget" in w.to_code()
    assert_same(run_code(w, model=net), w.result)


def test_code_names_inputs_and_monitors_of_the_user(opened):
    def inputs(i, t):
        return 0.1 * (i < 50)

    monitors = {"twice": lambda m: 2 * m.x.value}
    w = opened(SimulatorWidget(hopf(), inputs=inputs, monitors=monitors, duration=20 * u.ms))
    w.flush()
    assert_same(run_code(w, inputs=inputs, monitors=monitors), w.result)


def test_code_of_a_long_run_is_thinned_alike(opened):
    w = opened(SimulatorWidget(hopf(), duration=4500 * u.ms))
    w.flush()
    assert "sample_every=3" in w.to_code()
    assert_same(run_code(w), w.result)


def test_code_button_shows_the_code_of_the_present_sliders(widget):
    press(widget, "Code")
    assert widget._code.layout.display == ""
    assert widget._code.value == widget.to_code()
    widget.controls["a"].set(0.66)
    widget.flush()
    assert "a=0.66" in widget._code.value
    press(widget, "Code")
    assert widget._code.layout.display == "none"


# -- notebooks ---------------------------------------------------------------------------------


def test_repr_is_short_and_stable(widget, opened, ring):
    assert repr(widget) == "SimulatorWidget(HopfStep, 3 parameters)"
    assert (
        repr(opened(SimulatorWidget(ring))) == "SimulatorWidget(Network of HopfStep, 5 parameters)"
    )
    assert repr(opened(SimulatorWidget(brainmass.LinearStep(1)))) == (
        "SimulatorWidget(LinearStep, 1 parameter)"
    )


def test_saved_notebook_gets_a_picture_beside_the_view(widget):
    widget.panel.sheet.act("a", number=0.5)
    bundle = widget._repr_mimebundle_()
    assert bundle["text/plain"] == repr(widget)
    assert "application/vnd.jupyter.widget-view+json" in bundle
    picture = base64.b64decode(bundle["image/png"])
    assert picture.startswith(b"\x89PNG")
    assert len(picture) < 60_000
    assert widget._repr_mimebundle_()["image/png"] == bundle["image/png"]


@pytest.mark.parametrize("form", ["png", "svg", "pdf"])
def test_picture_is_saved(widget, tmp_path, form):
    widget.save(tmp_path / f"plot.{form}")
    start = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}[form]
    assert (tmp_path / f"plot.{form}").read_bytes().startswith(start)
    with pytest.raises(ValueError, match="must end in .png, .svg, .pdf or .html; got 'plot.gif'"):
        widget.save(tmp_path / "plot.gif")


@pytest.mark.parametrize("name", ["time", "phase", "spectrum"])
def test_every_plot_can_be_shown_and_hidden(widget, name):
    title = widget.board.titles[name]
    widget.board.chips.flip(title)
    if title not in widget.board.chips.chosen:
        assert widget.board._cells[name].layout.display == "none"
        widget.board.chips.flip(title)
    assert frame(widget, name)["kind"] == ("phase" if name == "phase" else "lines")
    assert widget.board._cells[name].layout.display == ""


def test_spectrum_peaks_at_the_frequency_of_the_oscillator(opened):
    w = opened(
        SimulatorWidget(
            hopf(init_x=0.5), duration=2000 * u.ms, transient=200 * u.ms, plots=["spectrum"]
        )
    )
    w.flush()
    trace = frame(w, "spectrum")["panels"][0]["traces"][0]
    hertz, size = (np.frombuffer(trace[k], np.float32) for k in "xy")
    assert hertz[size.argmax()] == pytest.approx(300 / (2 * np.pi), abs=0.6)
    assert size.max() == pytest.approx(0.5, rel=0.15)


def test_close_leaves_no_thread_and_can_be_repeated():
    w = SimulatorWidget(hopf(), duration=10 * u.ms)
    w.close()
    w.close()
    w.controls["a"].set(0.3)
    assert [t for t in threading.enumerate() if t.name.startswith("brainmass-")] == []
    del w
    gc.collect()


def test_callbacks_from_several_threads_end_in_the_last_state(widget):
    def push(name, values):
        for value in values:
            widget.controls[name].set(value)

    threads = [
        threading.Thread(target=push, args=(name, np.linspace(0.1, last, 40)))
        for name, last in {"a": 0.9, "w": 0.8, "beta": 2.0}.items()
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    widget.flush()
    node = widget.engine.node
    np.testing.assert_allclose(
        [node.a.value(), node.w.value(), node.beta.value()], [0.9, 0.8, 2.0], rtol=1e-6
    )
    assert_same(run_code(widget), widget.result)
