"""Callbacks, verbosity, interruption, the loop in pieces."""

import threading
import time

import brainstate
import braintools
import brainunit as u
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from brainstate.nn import Param, SigmoidT
from fitter_models import Gain, adam, parabola, wait_for

from brainmass import Fitter
from brainmass._errors import UnitError


def test_callbacks_see_the_point_of_the_loss_and_may_stop():
    seen = []

    def look(report):
        assert set(report) >= {"step", "loss", "best_loss", "model", "params", "prediction"}
        p = float(report["model"].gain.value())
        seen.append((report["step"], (p - 2.0) ** 2 - report["loss"]))

    result = Fitter(
        Gain(), adam(), loss_fn=parabola, callbacks=[look, lambda r: r["step"] == 4]
    ).fit(n_steps=50)
    assert [step for step, _ in seen] == [0, 1, 2, 3, 4]
    assert np.allclose([difference for _, difference in seen], 0.0, atol=1e-6)
    assert result.n_steps == 5
    assert not result.interrupted
    assert result.message == "a callback returned True"


def test_only_true_itself_stops():
    result = Fitter(Gain(), adam(), loss_fn=parabola, callbacks=lambda r: 1).fit(n_steps=3)
    assert result.n_steps == 3


def test_verbose_prints_about_ten_lines(capsys):
    Fitter(Gain(), adam(), loss_fn=parabola).fit(n_steps=50, verbose=True)
    lines = capsys.readouterr().out.splitlines()
    assert 10 <= len(lines) <= 12
    assert lines[0] == "step 1/50: loss 4, best 4"
    Fitter(Gain(), adam(), loss_fn=parabola).fit(n_steps=6, verbose=3)
    assert len(capsys.readouterr().out.splitlines()) == 3
    Fitter(Gain(), adam(), loss_fn=parabola).fit(n_steps=5)
    assert capsys.readouterr().out == ""


def test_set_moves_parameters_steps_and_rate():
    fitter = Fitter(Gain(), braintools.optim.SGD(lr=0.1), loss_fn=parabola)
    fitter.start(n_steps=4)
    fitter.step()
    fitter.set({"gain": 1.0}, n_steps=3, learning_rate=0.5)
    assert fitter.step()["loss"] == 1.0
    assert fitter.step()["loss"] == pytest.approx(0.0, abs=1e-12)
    assert fitter.status == "finished"
    fitter.set(n_steps=5, gain=0.0)
    assert fitter.resume().n_steps == 5


def test_learning_rate_of_an_injected_optax_transformation_can_be_set():
    make = optax.inject_hyperparams(optax.sgd)
    fitter = Fitter(Gain(), make(learning_rate=0.1), loss_fn=parabola)
    fitter.start(n_steps=4)
    fitter.set(learning_rate=0.5)
    fitter.step()
    assert fitter.step()["loss"] == pytest.approx(0.0, abs=1e-12)
    fitter = Fitter(Gain(), optax.sgd(0.1), loss_fn=parabola)
    fitter.start(n_steps=4)
    with pytest.raises(ValueError, match=r"learning_rate can be set for braintools"):
        fitter.set(learning_rate=0.5)


def test_set_refuses_unknown_names_units_shapes_and_values_out_of_range():
    class Cell(brainstate.nn.Module):
        def __init__(self):
            super().__init__()
            self.v = Param(jnp.ones(2) * u.mV)
            self.f = Param(0.5, t=SigmoidT(0.0, 1.0))

    fitter = Fitter(Cell(), loss_fn=lambda m: jnp.sum(m.v.value() / u.mV) + m.f.value())
    fitter.start(n_steps=2)
    with pytest.raises(ValueError, match="parameter must be one of 'f', 'v'; got 'w'"):
        fitter.set(w=1.0)
    with pytest.raises(UnitError, match=r"'v' must be in \[mV\]; got \[1\]"):
        fitter.set(v=1.0)
    with pytest.raises(ValueError, match=r"'v' must have shape \(2,\); got \(3,\)"):
        fitter.set(v=np.ones(3) * u.mV)
    fitter.set(v=0.002 * u.volt)
    assert fitter.step()["params"]["v"].to_decimal(u.mV) == pytest.approx([2.0, 2.0])


def test_a_loop_in_another_thread_is_paused_changed_resumed_and_stopped():
    results = []
    fitter = Fitter(Gain(), adam(1e-4), loss_fn=parabola)
    fitter.start(n_steps=10**7)
    thread = threading.Thread(target=lambda: results.append(fitter.resume()))
    thread.start()
    wait_for(lambda: fitter._run.done > 20)
    fitter.pause()
    wait_for(lambda: not fitter._lock._is_owned() and fitter.status == "paused")
    time.sleep(0.05)
    done = fitter._run.done
    time.sleep(0.1)
    assert fitter._run.done == done
    fitter.set(gain=1.9)
    assert fitter.resume() is None
    wait_for(lambda: fitter._run.done > done + 20)
    assert fitter.stop() is None
    thread.join(10)
    (result,) = results
    assert result.interrupted
    assert result.best_loss < 0.02


def test_stop_without_a_loop_returns_the_best():
    fitter = Fitter(Gain(), adam(), loss_fn=parabola)
    fitter.start(n_steps=100)
    fitter.step()
    result = fitter.stop()
    assert result.interrupted
    assert result.message == "stopped after 1 of 100 steps"


def test_a_progress_bar_counts_steps_and_shows_the_best(capsys):
    Fitter(Gain(), adam(), loss_fn=parabola).fit(n_steps=5, progress=True)
    shown = capsys.readouterr().err
    assert "5/5" in shown
    assert "best=" in shown
