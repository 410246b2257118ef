"""What the next touch of a control needs is compiled before anybody waits for it."""

import threading
import time
from dataclasses import replace

import brainunit as u
import numpy as np
import pytest
from widget_models import assert_same, hopf, run_code

import brainmass
from brainmass.engine import clear_cache
from brainmass.engine.program import Program
from brainmass_widgets import SimulatorWidget
from brainmass_widgets.engine import Engine, Forerunner, Request, Tally
from brainmass_widgets.engine import forerunner as module


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    """Nothing compiled by other tests, and no rest before compiling ahead."""
    monkeypatch.setattr(module, "REST", 0.0)
    clear_cache()


@pytest.fixture
def followed(opened):
    """Returns an engine, its forerunner and the first request, which has been run."""

    def make(model):
        engine = Engine(model)
        forerunner = opened(Forerunner(engine))
        first = Request(values=dict(engine.start), duration=5.0)
        engine.run(first)
        forerunner.follow(first)
        forerunner.wait()
        return engine, forerunner, first

    return make


def touched(request, **changes):
    values = {path.replace("__", "."): np.asarray(v, float) for path, v in changes.items()}
    return replace(request, values={**request.values, **values})


def test_first_touch_of_anything_compiles_nothing(followed, compile_count):
    engine, forerunner, first = followed(hopf())
    assert forerunner.compilations <= 2
    with compile_count:
        for path, value in engine.start.items():
            assert engine.run(touched(first, **{path: value + 0.1})).compiled == 0, path
    assert compile_count.n == 0


def test_what_is_compiled_ahead_is_not_counted_among_what_runs_waited_for(followed):
    before = brainmass.engine.compile_count()
    engine, forerunner, _ = followed(hopf())
    assert forerunner.compilations > 0
    assert brainmass.engine.compile_count() - before == engine.compilations == 1


def test_first_touch_of_one_region_compiles_nothing(followed, ring, compile_count):
    engine, _, first = followed(ring)
    values = [0.1, 0.2, 0.1, 0.1]
    with compile_count:
        for path in ("node__a", "node__w", "k", "input__x_inp", "node__noise_y__sigma"):
            assert engine.run(touched(first, **{path: values})).compiled == 0, path
    assert compile_count.n == 0


def test_all_combinations_need_five_programs(followed, ring, compile_count):
    engine, forerunner, shown = followed(ring)
    assert engine.compilations + forerunner.compilations == 5
    touches = {
        "input__x_inp": 0.1, "node__noise_x__sigma": 0.05, "node__a": [0.2, 0.1, 0.2, 0.2],
        "input__y_inp": [0.0, 0.1, 0.0, 0.0], "node__noise_y__tau": 5.0,
        "node__noise_y__sigma": 0.1, "node__w": [0.3, 0.3, 0.2, 0.3], "k": [0.5, 0.4, 0.3, 0.2],
    }  # fmt: skip
    with compile_count:
        for path, value in touches.items():
            shown = touched(shown, **{path: value})
            assert engine.run(shown).compiled == 0, path
        engine.run(touched(shown, node__noise_x__sigma=0, node__noise_y__sigma=0))
    assert compile_count.n == 0


def test_a_constant_that_was_given_can_be_taken_to_zero(opened, compile_count):
    engine = Engine(brainmass.HopfStep(1, init_x=0.1), inputs={"x_inp": 0.5})
    request = Request(values=dict(engine.start), duration=5.0)
    engine.run(request)
    with compile_count:
        engine.run(touched(request, input__x_inp=0.0))
    assert compile_count.n == 0


@pytest.fixture
def slow_compiler(monkeypatch):
    """Compiling takes long enough to meddle with; ``begun`` is set once it begins."""
    begun, names, compile_now = threading.Event(), [], Program.compile.__func__

    def compile_slowly(cls, *arguments):
        names.append(threading.current_thread().name)
        if names[-1] == "brainmass-ahead":
            begun.set()
            time.sleep(0.3)
        return compile_now(cls, *arguments)

    monkeypatch.setattr(Program, "compile", classmethod(compile_slowly))
    return begun, names


def test_a_touch_waits_for_the_program_that_is_being_compiled(opened, slow_compiler):
    begun, names = slow_compiler
    engine = Engine(brainmass.LinearStep(3, gamma=-0.5, init_x=0.1))
    forerunner = opened(Forerunner(engine))
    first = Request(values=dict(engine.start), duration=5.0, seeds=3)
    engine.run(first)
    forerunner.follow(first)
    assert begun.wait(20)
    assert engine.run(touched(first, input__x_inp=0.5)).compiled == 0
    forerunner.close()
    assert names.count("MainThread") == 1
    assert (engine.compilations, forerunner.compilations) == (1, names.count("brainmass-ahead"))


def test_closing_begins_no_further_program(opened, slow_compiler):
    begun, names = slow_compiler
    engine = Engine(brainmass.LinearStep(5, gamma=-0.5, init_x=0.1))
    forerunner = opened(Forerunner(engine))
    first = Request(values=dict(engine.start), duration=5.0, seeds=4)
    engine.run(first)
    forerunner.follow(first)
    assert begun.wait(20)
    forerunner.close()
    assert names.count("brainmass-ahead") == 1
    forerunner.follow(replace(first, seeds=5))
    assert not [t for t in threading.enumerate() if t.name == "brainmass-ahead"]


def test_nothing_is_compiled_ahead_where_programs_are_not_found_again(opened):
    mark = object()  # has no identity that could be compared
    engine = Engine(hopf(), monitors={"odd": lambda m: (mark, m.x.value)[1]})
    forerunner = opened(Forerunner(engine))
    first = Request(values=dict(engine.start), duration=5.0)
    engine.run(first)
    forerunner.follow(first)
    forerunner.wait()
    assert forerunner.compilations == 1


def test_a_tally_counts_what_its_threads_compile():
    def run(size, seeds):
        simulator = brainmass.Simulator(hopf(size), dt=0.1 * u.ms)
        simulator.run(0.1 * u.ms, monitors="x", batch_size=seeds, seed=0)

    tally = Tally()
    with tally, tally:
        other = threading.Thread(target=run, args=(6, 7))
        other.start()
        other.join()
        assert tally.count == 0
        run(6, 8)
    run(6, 9)
    assert tally.count == 1


def test_widget_shows_what_was_compiled_ahead_and_its_code_is_exact(opened, ring):
    w = opened(SimulatorWidget(ring, duration=20 * u.ms))
    w.flush()
    w._forerunner.wait()
    before = w.compilations
    for path, value in {"input.x_inp": 0.1, "node.noise_y.sigma": 0.05}.items():
        w.controls[path].set(value)
        w.flush()
        w._forerunner.wait()
    w.panel.sheet.act("region", text="2")
    w.controls["node.w"].set(0.5)
    w.flush()
    assert w.compilations == before
    assert f"{w.compiled_ahead} ahead" in w._line.text
    assert "# Zeros and equal numbers" in w.to_code()
    assert_same(run_code(w), w.result)
    w.reset()
    w.flush()
    assert "# Zeros" not in w.to_code()
    assert_same(run_code(w), w.result)
