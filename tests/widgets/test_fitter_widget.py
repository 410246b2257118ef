"""FitterWidget without a browser: choices, commands, races, result, code."""

import json
import threading
import time
from dataclasses import replace

import brainunit as u
import numpy as np
import pytest
from brainstate.nn import Param, SigmoidT

import brainmass
from brainmass_widgets import FitterWidget, explore
from brainmass_widgets.fitting.course import Course
from brainmass_widgets.fitting.plots import fit_plots

WAIT = 60.0


def predict(model):
    return brainmass.Simulator(model, dt=0.1 * u.ms).run(20 * u.ms, monitors="x")["x"]


def predict_dict(model):
    simulator = brainmass.Simulator(model, dt=0.1 * u.ms)
    return simulator.run(20 * u.ms, monitors=["x", "y"], sample_every=1 * u.ms)


def linear(**settings):
    data = predict(brainmass.LinearStep(1, gamma=-0.1, init_x=1.0))
    node = brainmass.LinearStep(1, gamma=Param(-0.05, fit=True), init_x=1.0)
    return brainmass.Fitter(node, predict=predict, **settings), data


def hopf(**settings):
    data = {"x": predict_dict(brainmass.HopfStep(1, a=0.3, w=0.4, init_x=0.3))["x"]}
    node = brainmass.HopfStep(1, a=Param(0.2, fit=True), w=0.4, init_x=0.3)
    objective = {"x": brainmass.objectives.timeseries_rmse()}
    return brainmass.Fitter(node, predict=predict_dict, objective=objective, **settings), data


def reaches(w, *states):
    end = time.monotonic() + WAIT
    while w.status not in states and time.monotonic() < end:
        time.sleep(0.002)
    return w.status in states


def enabled(w):
    return [name for name, b in w.buttons.items() if not b.disabled]


def code_gives(w, fitter, target, **names):
    """Run the code on a fitter of the same kind that was never used; compare all losses."""
    names |= {"fitter": fitter, "target": target}
    exec(w.to_code(), names)
    history = names["result"].history
    losses = np.asarray(history["loss"] if hasattr(history, "columns") else history)
    np.testing.assert_array_equal(losses.ravel(), np.asarray(w.course.losses, losses.dtype))
    return names


def test_fit_runs_to_its_end_and_hands_back_what_fit_returns(opened):
    w = opened(FitterWidget(*linear(), n_steps=80))
    assert enabled(w) == ["start", "step"]
    w.toolbar.act("start", press=1)
    w.flush()
    assert reaches(w, "done")
    expected = linear()[0].fit(linear()[1], n_steps=80, seed=0)
    assert w.result.best_loss == expected.best_loss
    assert w.result.best_params["gamma"] == expected.best_params["gamma"]
    assert [t["name"] for t in w.canvases["loss"].frame["panels"][0]["traces"]] == ["best", "loss"]
    roles = [t["role"] for t in w.canvases["prediction"].frame["panels"][0]["traces"]]
    assert roles == ["main", "ghost"]
    assert float(w.rows["gamma"].text) == pytest.approx(float(w.result.best_params["gamma"]), 1e-4)
    assert enabled(w) == ["start", "step"]
    assert w.picture().startswith(b"\x89PNG")
    assert repr(w) == "FitterWidget(LinearStep, 1 parameter)"
    code_gives(w, *linear())


def test_step_pause_resume_and_stop_are_acknowledged(opened):
    w = opened(FitterWidget(*linear(), n_steps=100_000))
    w.toolbar.act("step", press=1)
    assert reaches(w, "paused")
    assert len(w.course) == 1
    w.toolbar.act("step", press=2)
    w.flush()
    assert reaches(w, "paused")
    assert len(w.course) == 2
    assert enabled(w) == ["step", "resume", "stop"]
    w.resume()
    assert w.status == "running"
    while len(w.course) < 5:
        time.sleep(0.002)
    w.pause()
    assert reaches(w, "paused")
    done = len(w.course)
    time.sleep(0.1)
    assert len(w.course) == done
    w.stop()
    assert reaches(w, "stopped")
    assert w.result.interrupted
    assert w.result.n_steps == done
    code_gives(w, *linear())


def test_stop_is_acknowledged_soon(opened):
    w = opened(FitterWidget(*linear(), n_steps=100_000))
    w.start()
    while len(w.course) < 3:
        time.sleep(0.002)
    began = time.perf_counter()
    w.stop()
    assert reaches(w, "stopped")
    assert time.perf_counter() - began < 2.0  # 0.3 on a free machine, see benchmarks/widgets


def test_parameter_set_by_hand_is_where_the_fit_goes_on(opened):
    w = opened(FitterWidget(*linear(), n_steps=50))
    w.panel.act("gamma", text="-0.2")  # before the fit: it begins there
    assert w.setup.value("gamma") == -0.2
    w.step()
    assert reaches(w, "paused")
    w.panel.act("gamma", text="-0.1")
    assert w.problem == ""
    w.step()
    w.flush()
    assert reaches(w, "paused")
    assert w.course.losses[1] < 1e-3 < w.course.losses[0]
    w.panel.act("gamma", text="fast")
    assert "is not a unit" in w.problem
    w.resume()
    while len(w.course) < 10:
        time.sleep(0.002)
    w.panel.act("gamma", text="-0.3")  # while it runs: after the step it is in
    w.flush()
    assert reaches(w, "done")
    assert max(w.course.losses[10:]) > 0.1
    assert "fitter.set({'gamma': -0.3})" in w.to_code()
    code_gives(w, *linear())


def test_second_fit_starts_from_where_the_first_ended(opened):
    w = opened(FitterWidget(*linear(), n_steps=20))
    w.start()
    w.flush()
    assert reaches(w, "done")
    best = w.result.best_loss
    w.start()
    w.flush()
    assert reaches(w, "done")
    assert w.course.losses[0] == pytest.approx(best, rel=0.05)


# -- what is fitted, and how -------------------------------------------------------------------


def test_every_number_of_the_model_can_be_ticked_and_bounded(opened):
    w = opened(FitterWidget(*hopf(), n_steps=15))
    assert [n for n, row in w.rows.items() if row.on] == ["a"]
    assert set(w.rows) == {"a", "w", "beta"}
    assert w.rows["beta"].shown()["low"] == "0.1"
    w.panel.act("w", on=True)
    w.panel.act("a", low="0.1", high="0.5")
    w.panel.act("optimizer", text="AdamW")
    w.panel.act("rate", text="0.02")
    w.start()
    w.flush()
    assert reaches(w, "done")
    assert w.fitter.params == ["a", "w"]
    assert isinstance(w.setup.model.a.t, SigmoidT)
    assert all(0.1 <= float(v[0]) <= 0.5 for v in w.course.values["a"])
    assert w.course.losses[-1] < w.course.losses[0]
    assert repr(w) == "FitterWidget(HopfStep, 2 parameters)"
    objective = {"x": brainmass.objectives.timeseries_rmse()}
    names = code_gives(w, *hopf(), predict=predict_dict, objective=objective)
    assert names["fitter"].params == ["a", "w"]


def test_unticked_parameter_stays_where_it_is(opened):
    w = opened(FitterWidget(*hopf(), n_steps=5))
    w.panel.act("beta", on=True)
    w.panel.act("a", on=False)
    w.start()
    w.flush()
    assert float(w.setup.model.a.value()) == np.float32(0.2)
    assert w.fitter.params == ["beta"]
    w.panel.act("beta", on=False)
    assert "at least one parameter must be fitted" in refused(w, w.start)


def refused(w, act):
    w._guarded(act)
    return w.problem


@pytest.mark.parametrize("backend", ["nevergrad", "scipy"])
def test_other_backends_search_within_the_bounds(opened, backend):
    w = opened(FitterWidget(*linear(), n_steps=6))
    w.panel.act("backend", text=backend)
    assert "Adam" not in w.entries["optimizer"].options
    w.panel.act("gamma", low="-0.5", high="-0.01")
    w.start()
    w.flush()
    assert reaches(w, "done", "stopped")
    assert w.fitter.backend == backend
    assert -0.5 <= float(w.result.best_params["gamma"]) <= -0.01
    assert f"backend='{backend}'" in w.to_code()
    assert "search_space={'gamma': (-0.5, -0.01)}" in w.to_code()


def test_bad_entries_are_refused_and_nothing_changes_while_a_fit_runs(opened):
    w = opened(FitterWidget(*linear(), n_steps=100_000))
    before = w.choices
    for name, deed, reason in (
        ("steps", {"text": "many"}, "steps must be a whole number"),
        ("seed", {"text": "-1"}, "seed must be a whole number"),
        ("gamma", {"low": "0.5"}, "bounds must be low < high"),
        ("gamma", {"low": "3 mV"}, "must be a plain number"),
        ("gamma", {"text": "0.1 mV"}, "must be a plain number"),
    ):
        w.panel.act(name, **deed)
        assert reason in w.problem, name
    assert w.choices == before
    w.start()
    w.panel.act("gamma", on=False)
    assert "must not run while it is changed" in w.problem
    w.panel.act("backend", text="scipy")
    assert w.choices == before
    w.stop()
    assert reaches(w, "stopped")


def test_choices_are_json_and_restore_another_widget(opened):
    w = opened(FitterWidget(*hopf(), n_steps=7))
    w.panel.act("w", on=True)
    w.panel.act("w", low="0.2", high="0.6")
    w.panel.act("optimizer", text="SGD")
    w.panel.act("a", text="0.25")
    saved = json.loads(json.dumps(w.state))
    other = opened(FitterWidget(*hopf()))
    other.state = saved
    assert other.state == saved
    assert other.choices == w.choices
    assert other.rows["w"].shown()["high"] == "0.6"
    assert float(other.setup.model.a.value()) == 0.25
    for change, reason in (
        ({"format": 2}, "state must be a dict"),
        ({"model": "LinearStep"}, "state must be a dict"),
        ({"ticked": ["zeta"]}, "got 'zeta'"),
    ):
        with pytest.raises(ValueError, match=reason):
            other.state = {**saved, **change}
    assert other.state == saved


# -- what is shown -----------------------------------------------------------------------------


def test_parts_of_the_loss_are_drawn(opened):
    parts = {
        "x": brainmass.objectives.timeseries_rmse(),
        "y": brainmass.objectives.timeseries_rmse(),
    }
    data = predict_dict(brainmass.HopfStep(1, a=0.3, w=0.4, init_x=0.3))
    del data["ts"]
    node = brainmass.HopfStep(1, a=Param(0.2, fit=True), w=0.4, init_x=0.3)
    w = opened(FitterWidget(brainmass.Fitter(node, predict=predict_dict, objective=parts), data,
                            n_steps=5))  # fmt: skip
    w.start()
    w.flush()
    traces = w.canvases["parts"].frame["panels"][0]["traces"]
    assert [t["name"] for t in traces] == ["x", "y"]
    np.testing.assert_allclose(
        np.sum([w.course.parts[n] for n in ("x", "y")], axis=0), w.course.losses, rtol=1e-5
    )
    shown = w.canvases["prediction"].frame
    assert (shown["x"]["label"], shown["x"]["unit"]) == ("time", "ms")
    assert [p["y"]["label"] for p in shown["panels"]] == ["x", "y"]


def test_matrices_are_drawn_as_matrices_beside_their_target():
    course = Course()
    course.losses, course.best = [1.0], [1.0]
    course.prediction = np.corrcoef(np.random.default_rng(0).normal(size=(4, 20)))
    shown = fit_plots(course, np.eye(4), [])
    np.testing.assert_array_equal(shown["prediction"].data, course.prediction)
    np.testing.assert_array_equal(shown["target"].data, np.eye(4))
    assert shown["prediction"].palette == "diverging"


def test_failing_fit_says_why(opened):
    fitter, _ = linear()
    w = opened(FitterWidget(fitter, np.zeros((3, 1)), n_steps=5))
    w.start()
    assert reaches(w, "failed")
    assert w.problem
    assert w.canvases["loss"].notice["level"] == "error"
    assert enabled(w) == ["start", "step"]


def test_page_holds_plots_values_and_code(opened):
    w = opened(FitterWidget(*linear(), n_steps=3))
    w.start()
    w.flush()
    page = w.snapshot()
    assert "result = fitter.fit(target, n_steps=3, seed=0)" in page
    assert page.count('"kind": "lines"') == 3


def test_another_choice_keeps_how_the_given_fitter_works(opened):
    fitter, data = linear(transient=5 * u.ms, window=10 * u.ms, n_starts=2, fresh_noise=True)
    w = opened(FitterWidget(fitter, data))
    kept = {"predict": predict, "transient": 5 * u.ms, "fresh_noise": True}
    grad = w.setup.arguments(replace(w.choices, optimizer="Adam"))
    assert grad == {**kept, "window": 10 * u.ms, "n_starts": 2, "backend": "grad"}
    assert w.setup.arguments(replace(w.choices, backend="scipy")) == {
        **kept, "window": 10 * u.ms, "backend": "scipy",
    }  # fmt: skip
    assert w.setup.arguments(replace(w.choices, backend="nevergrad")) == {
        **kept, "backend": "nevergrad",
    }  # fmt: skip
    w.panel.act("optimizer", text="Adam")
    assert "transient=5 * u.ms" in w.to_code()


def test_closing_a_running_fit_leaves_no_thread():
    w = FitterWidget(*linear(), n_steps=100_000)
    w.start()
    w.close()
    assert [t for t in threading.enumerate() if t.name.startswith("brainmass-")] == []


def test_something_else_is_refused_and_explore_knows_fitters(opened):
    with pytest.raises(TypeError, match="fitter must be a Fitter"):
        FitterWidget(brainmass.LinearStep(1))
    fitter, data = linear()
    assert type(opened(explore(fitter, target=data))) is FitterWidget
