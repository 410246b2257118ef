"""The loop in pieces is the same loop, in every backend; what a fitter tells about itself."""

import threading
import time

import brainunit as u
import numpy as np
import pytest
from fitter_models import SPACE, Bowl, Gain, adam, bowl, build, mean_output, parabola, wait_for

from brainmass import Fitter, objectives

BACKENDS = ("adam", "DE", "L-BFGS-B", "evolution")


@pytest.mark.parametrize("way", BACKENDS)
def test_pieces_are_the_same_loop_as_fit(way):
    whole = build(way).fit(n_steps=5, seed=1)
    fitter = build(way)
    assert fitter.status == "idle"
    assert fitter.steps_done == 0
    assert list(fitter.history) == []
    fitter.start(n_steps=5, seed=1)
    first = fitter.step()
    assert set(first) >= {"step", "loss", "best_loss", "model", "params", "prediction", "parts"}
    fitter.pause()
    assert fitter.status == "paused"
    fitter.step()
    assert (fitter.status, fitter.steps_done) == ("paused", 2)
    assert fitter.history[:] == whole.history[: len(fitter.history)]
    result = fitter.resume()
    assert fitter.status == "finished"
    assert result.history[:] == whole.history[:]
    assert result.best_loss == whole.best_loss == fitter.evaluate().loss
    assert fitter.history[:] == result.history[:]


@pytest.mark.parametrize("way", BACKENDS)
def test_a_point_that_is_set_is_evaluated_next(way):
    fitter = build(way)
    fitter.start(n_steps=2, seed=1)
    fitter.step()
    known = len(fitter.history)
    fitter.pause()
    fitter.set(v=3.0 * u.mV, w=np.array([1.0, 2.0]), n_steps=4)
    result = fitter.resume()
    assert result.n_steps == 4
    assert min(result.history[known : known + 8]) == pytest.approx(0.0, abs=1e-4)
    assert result.best_loss == pytest.approx(0.0, abs=1e-4)
    assert abs(result.best_params["v"] - 3.0 * u.mV) < 0.02 * u.mV


def test_callbacks_look_into_a_search_of_scipy_and_end_it():
    seen = []

    def look(report):
        seen.append(report)
        assert float(bowl(report["model"])) == pytest.approx(report["loss"], rel=1e-4)
        return len(seen) == 12

    fitter = Fitter(
        Bowl(), "Nelder-Mead", loss_fn=bowl, backend="scipy", search_space=SPACE, callbacks=look
    )
    result = fitter.fit(n_steps=5, seed=0)
    assert result.message == "a callback returned True"
    assert not result.interrupted
    assert result.n_steps == 1
    assert len(result.history) == 12
    assert [r["loss"] for r in seen] == result.history[:]
    assert [r["best_loss"] for r in seen] == list(np.minimum.accumulate(result.history))
    assert not any(r["step_done"] for r in seen)
    assert result.best_loss == pytest.approx(min(result.history), rel=1e-5)


def test_a_long_search_tells_how_far_it_is(capsys):
    fitter = Fitter(Bowl(), "Nelder-Mead", loss_fn=bowl, backend="scipy", search_space=SPACE)
    result = fitter.fit(n_steps=1, verbose=True, progress=True)
    told = capsys.readouterr()
    counts = [k for k in (10, 20, 50, 100, 200) if k <= len(result.history)]
    lines = told.out.splitlines()
    assert [line.split(":")[0] for line in lines[:-1]] == [
        f"step 1/1, evaluation {k}" for k in counts
    ]
    assert lines[-1].startswith("step 1/1: loss")
    assert "evaluations=" in told.err


def test_a_long_search_is_paused_in_its_middle_and_changed():
    def slow(report):
        time.sleep(0.01)

    optimizer = {"method": "Nelder-Mead", "options": {"xatol": 1e-9, "fatol": 1e-12}}
    fitter = Fitter(
        Bowl(), optimizer, loss_fn=bowl, backend="scipy", search_space=SPACE, callbacks=slow
    )
    whole = build_alike(fitter).fit(n_steps=1, seed=0)
    fitter.start(n_steps=1, seed=0)
    results = []
    thread = threading.Thread(target=lambda: results.append(fitter.resume()))
    thread.start()
    wait_for(lambda: fitter._run.search._rows)
    fitter.pause()
    part = fitter.result()  # the lock is free: nothing waits for the end of the search
    assert 0 < len(part.history) < len(whole.history)
    assert fitter.steps_done == 0
    assert fitter.resume() is None
    thread.join(20)
    assert results[0].history[:] == whole.history[:]


def build_alike(fitter):
    arguments = {n: v for n, v in fitter.arguments.items() if n != "callbacks"}
    return Fitter(Bowl(), **arguments)


def test_a_fitter_tells_what_it_was_made_with_and_where_its_parameters_are():
    objective = objectives.timeseries_rmse()
    fitter = Fitter(Gain(1.5), adam(), predict=mean_output, objective=objective, n_starts=1)
    assert set(fitter.arguments) == {"optimizer", "predict", "objective"}
    assert fitter.arguments["objective"] is objective
    assert {name: float(value) for name, value in fitter.values.items()} == {"gain": 1.5}
    fitter = build("DE")
    assert fitter.arguments["backend"] == "nevergrad"
    assert fitter.arguments["search_space"] == SPACE
    assert fitter.values["v"] == 1.0 * u.mV
    fitter.model.v.set_value(2.0 * u.mV)
    assert fitter.values["v"] == 2.0 * u.mV


def test_reports_hold_the_parts_of_the_loss():
    seen = []
    Fitter(
        Gain(0.5), adam(),
        predict=lambda m: {"a": m.gain.value(), "b": 2 * m.gain.value()},
        objective={"a": lambda p, t: (p - t) ** 2, "b": lambda p, t: abs(p - t)},
        callbacks=lambda r: seen.append(r["parts"]),
    ).fit({"a": 1.0, "b": 2.0}, n_steps=1)  # fmt: skip
    assert seen == [{"a": pytest.approx(0.25), "b": pytest.approx(1.0)}]


def test_the_course_may_be_read_while_a_fit_runs():
    fitter = Fitter(Gain(), adam(1e-4), loss_fn=parabola)
    fitter.start(n_steps=10**7)
    thread = threading.Thread(target=fitter.resume)
    thread.start()
    wait_for(lambda: fitter.steps_done > 20)
    for _ in range(50):
        history = fitter.history
        assert len({len(history[name]) for name in history.columns}) == 1
    fitter.stop()
    thread.join(10)
