"""Ctrl-C and stop lose nothing, wherever they come."""

import sys
from pathlib import Path

import jax
import numpy as np
import pytest
from fitter_models import SPACE, Bowl, Gain, adam, bowl, build, interrupting, parabola

import brainmass
from brainmass import Fitter

HERE = str(Path(brainmass.__file__).parent / "fitter")


class CtrlC:
    """Raises KeyboardInterrupt before the n-th line that the fitter executes."""

    def __init__(self, line):
        self._left = line
        self.came = False

    def __call__(self, frame, event, arg):
        return self._count if frame.f_code.co_filename.startswith(HERE) else None

    def _count(self, frame, event, arg):
        self._left -= event == "line" and not self.came
        if self._left == 0 and not self.came:
            self.came = True
            raise KeyboardInterrupt
        return self._count


@pytest.mark.parametrize(
    ("way", "every"), [("adam", 31), ("starts", 61), ("DE", 83), ("L-BFGS-B", 97)]
)
def test_a_fit_interrupted_at_any_line_goes_on_as_if_nothing_had_happened(way, every):
    whole = build(way).fit(n_steps=3, seed=1)
    fitter, line, places = build(way), 1, 0
    while True:
        fitter.model.v.set_value(Bowl().v.value())
        fitter.model.w.set_value(Bowl().w.value())
        fitter.start(n_steps=3, seed=1)
        fitter.step()
        ctrl_c, before = CtrlC(line), sys.gettrace()
        sys.settrace(ctrl_c)
        try:
            fitter.resume()
        except KeyboardInterrupt:  # while the result was made
            pass
        finally:
            sys.settrace(before)
        if not ctrl_c.came:
            break
        rest = fitter.resume()
        assert rest.history[:] == whole.history[:], line
        assert np.array_equal(rest.history["w"], whole.history["w"])
        assert rest.best_loss == whole.best_loss
        assert not rest.interrupted
        line, places = line + every, places + 1
    assert places > 5


def test_interruption_returns_the_best_so_far_and_can_be_resumed():
    def interrupt(report):
        if report["step"] == 9 and len(calls) == 0:
            calls.append(1)
            raise KeyboardInterrupt

    calls = []
    fitter = Fitter(Gain(), adam(), loss_fn=parabola, callbacks=interrupt)
    part = fitter.fit(n_steps=30)
    assert part.interrupted
    assert part.n_steps == 10
    assert part.best_loss == min(part.history)
    assert "interrupted=True" in repr(part)
    assert float(fitter.model.gain.value()) == float(part.best_params["gain"])
    assert fitter.status == "interrupted"
    whole = fitter.resume()
    assert not whole.interrupted
    undisturbed = Fitter(Gain(), adam(), loss_fn=parabola).fit(n_steps=30)
    assert whole.history[:] == undisturbed.history[:]


@pytest.mark.parametrize("way", ["adam", "DE", "L-BFGS-B"])
def test_an_interrupted_fit_resumed_in_place_equals_the_whole(way):
    whole = build(way).fit(n_steps=5, seed=2)
    seen = []

    def look(report):
        if report["step_done"]:
            seen.append(report["step"])
        interrupting(1)(report)

    fitter = build(way, callbacks=look)
    assert fitter.fit(n_steps=5, seed=2).interrupted
    assert fitter.resume().history[:] == whole.history[:]
    assert seen == [0, 1, 2, 3, 4]


def test_nevergrad_interrupted_between_asking_and_telling_is_told_again(monkeypatch):
    whole = build("DE").fit(n_steps=4, seed=0)
    fitter = build("DE")
    fitter.start(n_steps=4, seed=0)
    fitter.step()

    def interrupt(cube):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(fitter._search, "many", interrupt)
        assert fitter.resume().interrupted
    assert fitter.resume().history[:] == whole.history[:]


def test_an_interrupted_restart_of_scipy_keeps_what_it_had():
    def loss(model):
        jax.debug.callback(count)
        return bowl(model)

    calls = []

    def count():
        calls.append(1)

    def interrupt(x):
        assert x.shape == (3,)
        if len(calls) > 3:
            raise KeyboardInterrupt

    optimizer = {"method": "Nelder-Mead", "callback": interrupt}
    fitter = Fitter(Bowl(), optimizer, loss_fn=loss, backend="scipy", search_space=SPACE)
    result = fitter.fit(n_steps=3)
    assert result.interrupted
    assert result.n_steps == 0  # the first restart was not finished
    assert len(result.history) > 3
    assert result.best_loss == pytest.approx(min(result.history), rel=1e-5)
    assert fitter.evaluate().loss == result.best_loss


def test_a_restart_of_scipy_can_be_stopped_in_its_middle_and_resumed():
    def fitter(callback=None):
        optimizer = {"method": "Nelder-Mead", "callback": callback}
        return Fitter(Bowl(), optimizer, loss_fn=bowl, backend="scipy", search_space=SPACE)

    whole = fitter().fit(n_steps=2, seed=1)
    calls = []

    def stop(x):
        calls.append(x)
        if len(calls) == 5:
            stopped.stop()

    stopped = fitter(stop)
    part = stopped.fit(n_steps=2, seed=1)
    assert part.interrupted
    assert part.n_steps == 0
    assert part.history[:] == whole.history[: len(part.history)]
    assert part.best_loss == pytest.approx(min(part.history), rel=1e-6)
    assert stopped.resume().history[:] == whole.history[:]


def test_a_finished_fit_cannot_be_stopped():
    fitter = Fitter(Gain(), adam(), loss_fn=parabola)
    fitter.fit(n_steps=2)
    assert fitter.stop().message == "all steps done"
    assert fitter.status == "finished"
