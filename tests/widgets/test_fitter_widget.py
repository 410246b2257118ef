"""FitterWidget without a browser: commands, races, result."""

import threading
import time

import brainunit as u
import numpy as np
import pytest
from brainstate.nn import Param

import brainmass
from brainmass_widgets import FitterWidget, explore

WAIT = 60.0


def predict(model):
    return brainmass.Simulator(model, dt=0.1 * u.ms).run(20 * u.ms, monitors="x")["x"]


def build(**settings):
    data = predict(brainmass.LinearStep(1, gamma=-0.1, init_x=1.0))
    node = brainmass.LinearStep(1, gamma=Param(-0.05, fit=True), init_x=1.0)
    return brainmass.Fitter(node, predict=predict, **settings), data


def reaches(w, *states):
    end = time.monotonic() + WAIT
    while w.status not in states and time.monotonic() < end:
        time.sleep(0.002)
    return w.status in states


def enabled(w):
    return [name for name, b in w.buttons.items() if not b.disabled]


def test_fit_runs_to_its_end_and_hands_back_what_fit_returns(opened):
    w = opened(FitterWidget(*build(), n_steps=80))
    assert enabled(w) == ["Start", "Step"]
    w.buttons["Start"].click()
    w.flush()
    assert reaches(w, "done")
    expected = build()[0].fit(build()[1], n_steps=80, seed=0)
    assert w.result.best_loss == expected.best_loss
    assert w.result.best_params["gamma"] == expected.best_params["gamma"]
    assert w.canvases["loss"].frame["panels"][0]["traces"][0]["name"] == "loss"
    roles = [t["role"] for t in w.canvases["prediction"].frame["panels"][0]["traces"]]
    assert roles == ["main", "ghost"]
    assert float(w.entries["gamma"].value) == pytest.approx(
        float(np.asarray(w.result.history["gamma"])[-1]), rel=1e-4
    )
    assert enabled(w) == ["Start", "Step"]
    assert w.picture().startswith(b"\x89PNG")
    assert repr(w) == "FitterWidget(LinearStep, 1 parameter)"


def test_step_pause_resume_and_stop_are_acknowledged(opened):
    w = opened(FitterWidget(*build(), n_steps=100_000))
    w.buttons["Step"].click()
    assert reaches(w, "paused")
    assert len(w._losses) == 1
    w.buttons["Step"].click()
    assert reaches(w, "paused")
    w.flush()
    assert len(w._losses) == 2
    assert enabled(w) == ["Step", "Resume", "Stop"]
    w.buttons["Resume"].click()
    assert w.status == "running"
    time.sleep(0.2)
    w.buttons["Pause"].click()
    assert reaches(w, "paused")
    done = len(w._losses)
    assert done > 2
    time.sleep(0.1)
    assert len(w._losses) == done
    began = time.perf_counter()
    w.buttons["Stop"].click()
    assert reaches(w, "stopped")
    assert time.perf_counter() - began < 5
    assert w.result.interrupted
    assert w.result.n_steps == done


def test_parameter_set_by_hand_is_where_the_fit_goes_on(opened):
    w = opened(FitterWidget(*build(), n_steps=50))
    w.entries["gamma"].value = "-0.1"
    assert "once a fit has started" in w.problem
    w.step()
    assert reaches(w, "paused")
    w.entries["gamma"].value = "-0.1"
    assert w.problem == ""
    w.step()
    w.flush()
    assert reaches(w, "paused")
    assert w._losses[1] < 1e-3 < w._losses[0]
    w.entries["gamma"].value = "fast"
    assert "is not a unit" in w.problem


def test_second_fit_starts_from_where_the_first_ended(opened):
    w = opened(FitterWidget(*build(), n_steps=20))
    w.start()
    w.flush()
    assert reaches(w, "done")
    first = w.result.best_loss
    w.start()
    w.flush()
    assert reaches(w, "done")
    assert w._losses[0] == pytest.approx(first, rel=0.05)


def test_failing_fit_says_why(opened):
    fitter, _ = build()
    w = opened(FitterWidget(fitter, np.zeros((3, 1)), n_steps=5))
    w.start()
    assert reaches(w, "failed")
    assert w.problem
    assert w.canvases["loss"].notice["level"] == "error"
    assert enabled(w) == ["Start", "Step"]


def test_bad_number_of_steps_is_refused(opened):
    w = opened(FitterWidget(*build(), n_steps=5))
    w._steps.value = "many"
    assert "steps must be a whole number" in w.problem
    w.buttons["Start"].click()
    assert w.status == "ready"


def test_closing_a_running_fit_leaves_no_thread():
    w = FitterWidget(*build(), n_steps=100_000)
    w.start()
    w.close()
    assert [t for t in threading.enumerate() if t.name == "brainmass-fit"] == []


def test_something_else_is_refused_and_explore_knows_fitters(opened):
    with pytest.raises(TypeError, match="fitter must be a Fitter"):
        FitterWidget(brainmass.LinearStep(1))
    fitter, data = build()
    assert type(opened(explore(fitter, target=data))) is FitterWidget
