"""The engine behind the widgets: numbers in, arrays out."""

import time

import brainstate
import brainunit as u
import numpy as np
import pytest

import brainmass
from brainmass_widgets.engine import Engine, Request, duplicate
from brainmass_widgets.engine import core as engine_module


def asked(engine, **settings):
    changes = settings.pop("values", {})
    values = {**engine.start, **{k: np.asarray(v, float) for k, v in changes.items()}}
    return Request(values=values, **settings)


def hopf(**settings):
    return brainmass.HopfStep(1, **{"a": 0.25, "init_x": 0.1, **settings})


def test_run_gives_what_the_simulator_gives():
    engine = Engine(hopf())
    outcome = engine.run(asked(engine, duration=50.0, transient=10.0, seed=3))
    expected = brainmass.Simulator(hopf(), dt=0.1 * u.ms).run(
        50 * u.ms, monitors=["x", "y"], transient=10 * u.ms, seed=3
    )
    for name in ("x", "y"):
        np.testing.assert_array_equal(outcome.series[name].values, expected[name])
    np.testing.assert_allclose(outcome.times, expected["ts"].mantissa, rtol=1e-6)


def test_given_model_is_never_changed():
    node = hopf()
    engine = Engine(node)
    engine.run(asked(engine, values={"a": 0.7, "init_x": 0.3}, method="rk4"))
    assert float(node.a.value()) == 0.25
    assert (node.init_x, node.method) == (0.1, "heun")
    assert "x" not in vars(node)


def test_copy_shares_nothing_that_can_be_set(ring):
    ring.node.noise_x = brainmass.OUProcess(4, sigma=0.1)
    copy = duplicate(ring)
    copy.k, copy.speed, copy.node.a = 0.1, 5 * u.mm / u.ms, 0.9
    copy.node.noise_x.sigma.set_value(0.5)
    assert float(ring.k.value()) == 0.5
    assert float(ring.speed.value().mantissa) == 10.0
    assert float(ring.node.a.value()) == pytest.approx(0.2)
    assert float(ring.node.noise_x.sigma.value()) == pytest.approx(0.1)


@pytest.mark.parametrize("path", ["a", "w", "beta", "init_x", "init_y"])
def test_changed_number_compiles_nothing(path, compile_count):
    engine = Engine(hopf())
    engine.run(asked(engine, duration=20.0))
    engine.run(asked(engine, duration=20.0, values={"a": 0.3}))
    before = engine.compilations
    with compile_count:
        outcome = engine.run(asked(engine, duration=20.0, values={path: 0.4}))
    assert (compile_count.n, engine.compilations - before, outcome.compiled) == (0, 0, 0)


def test_changed_seed_and_duration_compile_nothing(compile_count):
    engine = Engine(hopf(noise_x=brainmass.OUProcess(1, sigma=0.1)))
    engine.run(asked(engine, duration=20.0))
    engine.run(asked(engine, duration=20.0, seed=1))
    with compile_count:
        engine.run(asked(engine, duration=37.0, seed=2))
    assert compile_count.n == 0


def test_conduction_speed_and_strength_compile_nothing(ring, compile_count):
    engine = Engine(ring)
    assert [p for p, f in engine.fields.items() if f.group == "Coupling"] == ["k", "speed"]
    engine.run(asked(engine, duration=20.0))
    slow = engine.run(asked(engine, duration=20.0, values={"speed": 5.0}))
    with compile_count:
        fast = engine.run(asked(engine, duration=20.0, values={"speed": 30.0, "k": 0.4}))
    assert compile_count.n == 0
    assert not np.array_equal(slow.series["x"].data, fast.series["x"].data)


@pytest.mark.parametrize("speed", [3.0, 25.0, 70.0])
def test_network_at_any_speed_matches_a_network_built_for_it(ring, speed):
    ring.delay_init = 0.0  # random history depends on the length of the buffer
    engine = Engine(ring)
    outcome = engine.run(asked(engine, duration=30.0, values={"speed": speed}))
    ring.speed = speed * u.mm / u.ms
    expected = brainmass.Simulator(ring, dt=0.1 * u.ms).run(30 * u.ms, monitors="node.x", seed=0)
    np.testing.assert_allclose(outcome.series["x"].data, expected["node.x"], atol=2e-6)


def test_noise_numbers_are_fields(ring):
    ring.node.noise_x = brainmass.OUProcess(4, sigma=0.1, tau=20.0 * u.ms)
    engine = Engine(ring)
    fields = engine.fields.items()
    noise = {p: f.read().tolist() for p, f in fields if f.group == "Noise"}
    assert noise == {"node.noise_x.sigma": 0.1, "node.noise_x.mean": 0.0, "node.noise_x.tau": 20.0}


def test_noise_can_be_added_and_taken_away():
    engine = Engine(hopf())
    assert "noise_x.sigma" in engine.fields
    quiet = engine.run(asked(engine)).series["x"].data
    noisy = engine.run(asked(engine, values={"noise_x.sigma": 0.2, "noise_x.tau": 5.0}))
    expected = brainmass.Simulator(
        hopf(
            noise_x=brainmass.OUProcess(1, sigma=0.2, tau=5.0 * u.ms),
            noise_y=brainmass.OUProcess(1, sigma=0.0, tau=10.0 * u.ms),
        ),
        dt=0.1 * u.ms,
    ).run(200 * u.ms, monitors="x", seed=0)
    # The engine's program has the inputs too, all zero, which may change the last bits.
    eps = np.finfo(brainstate.environ.dftype()).eps
    np.testing.assert_allclose(noisy.series["x"].data, expected["x"], rtol=0, atol=100 * eps)
    compiled = engine.compilations
    louder = engine.run(asked(engine, values={"noise_x.sigma": 0.4})).series["x"].data
    assert not np.array_equal(louder, noisy.series["x"].data)
    np.testing.assert_array_equal(engine.run(asked(engine)).series["x"].data, quiet)
    assert engine.compilations == compiled


def test_same_seed_same_run_other_seed_other_run():
    engine = Engine(hopf(noise_x=brainmass.OUProcess(1, sigma=0.1)))
    first, again, other = (engine.run(asked(engine, seed=s)).series["x"].data for s in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_random_initial_values_stay_random_until_they_are_set():
    engine = Engine(brainmass.StuartLandauStep(3))
    assert engine.start["init_x"] == pytest.approx(0.025)
    drawn = engine.run(asked(engine, duration=1.0)).series["x"].data[0]
    assert np.ptp(drawn) > 0
    fixed = engine.run(asked(engine, duration=1.0, values={"init_x": 0.3})).series["x"].data[0]
    assert np.abs(fixed - 0.3).max() < 0.02
    again = engine.run(asked(engine, duration=1.0)).series["x"].data[0]
    assert np.array_equal(drawn, again)


def test_constant_input_reaches_the_model():
    engine = Engine(hopf(a=-1.0, w=0.01), inputs={"x_inp": 0.5})
    assert engine.start["input.x_inp"] == 0.5
    driven = engine.run(asked(engine)).series["x"].data[-1, 0]
    quiet = engine.run(asked(engine, values={"input.x_inp": 0.0})).series["x"].data[-1, 0]
    assert driven > 0.3 > 1e-6 > abs(quiet)


def test_constant_input_of_one_region(ring):
    engine = Engine(ring)
    kicked = [0.0, 0.0, 1.0, 0.0]
    outcome = engine.run(asked(engine, duration=3.0, values={"input.x_inp": kicked}))
    assert np.argmax(outcome.series["x"].data[-1]) == 2


def test_unknown_constant_input_is_refused():
    with pytest.raises(ValueError, match="inputs must name inlets of the model, x_inp, y_inp"):
        Engine(hopf(), inputs={"z_inp": 1.0})


def test_input_that_changes_in_time_has_no_slider():
    def pulse(i, t):
        return 0.1 * (i < 50)

    engine = Engine(hopf(), inputs=pulse)
    assert not [p for p in engine.fields if p.startswith("input.")]
    assert engine.run(asked(engine)).problem == ""


def test_signals_come_in_the_order_of_the_declaration_with_units():
    engine = Engine(brainmass.JansenRitStep(2), inputs={"E_inp": 220 * u.Hz})
    series = engine.run(asked(engine, duration=10.0)).series
    assert list(series) == ["M", "E", "I", "Mv", "Ev", "Iv", "output"]
    assert series["output"].label == "mV"
    difference = series["E"].data - series["I"].data
    np.testing.assert_allclose(series["output"].data, difference, atol=1e-5)
    assert series["output"].values.shape == (100, 2)


def test_monitors_of_the_user():
    both = Engine(hopf(), monitors={"r": lambda m: (m.x.value**2 + m.y.value**2) ** 0.5, "x": "x"})
    assert list(both.run(asked(both)).series) == ["r", "x"]
    pair = Engine(hopf(), monitors=lambda m: (m.x.value, m.y.value))
    assert list(pair.run(asked(pair)).series) == ["output[0]", "output[1]"]


def test_long_run_is_thinned_and_says_so():
    engine = Engine(hopf())
    outcome = engine.run(asked(engine, duration=5000.0))
    assert outcome.samples <= engine_module.MOST_SAMPLES
    assert outcome.step == pytest.approx(0.3)
    assert outcome.t0 == pytest.approx(0.3)
    assert outcome.times[-1] == pytest.approx(5000.0, abs=0.3)


def test_divergence_is_a_sentence_beside_what_was_recorded():
    engine = Engine(hopf(init_x=1.0))
    outcome = engine.run(asked(engine, values={"beta": -1.0}))
    assert "HopfStep" in outcome.problem
    assert 0 < outcome.samples < 100
    assert np.isfinite(outcome.series["x"].data[0]).all()
    assert engine.run(asked(engine)).problem == ""


def test_late_divergence_keeps_the_whole_run():
    engine = Engine(hopf(a=1e-3, beta=0.0, init_x=1e-20))
    # From 1e-20 until the square of a state overflows.
    end = (0.5 * np.log(np.finfo(brainstate.environ.dftype()).max) - np.log(1e-20)) / 0.05
    outcome = engine.run(asked(engine, values={"a": 0.05}, duration=2.2 * end, dt=0.05))
    assert outcome.problem
    assert outcome.samples * outcome.step == pytest.approx(end, rel=0.05)
    assert len({s.data.shape for s in outcome.series.values()}) == 1
    growth = np.log(np.hypot(*(s.data[:-2, 0].astype(float) for s in outcome.series.values())))
    np.testing.assert_allclose(np.diff(growth) / outcome.step, 0.05, atol=2e-3)


def test_resting_run_is_recognised():
    engine = Engine(brainmass.HopfStep(2))
    assert engine.run(asked(engine)).still
    assert not engine.run(asked(engine, values={"init_x": 0.1})).still


def test_long_run_gives_way_to_a_newer_request(monkeypatch):
    monkeypatch.setattr(engine_module, "PATIENCE", 0.0)
    engine = Engine(hopf())
    began = time.perf_counter()
    assert engine.run(asked(engine, duration=1e7), superseded=lambda: True) is None
    assert time.perf_counter() - began < 10


def test_parts_arrive_while_a_long_run_goes_on(monkeypatch):
    monkeypatch.setattr(engine_module, "PATIENCE", 0.0)
    engine = Engine(hopf())
    parts = []
    whole = engine.run(asked(engine, duration=20_000.0), on_part=parts.append)
    assert parts
    assert not any(p.complete for p in parts)
    assert whole.complete
    shown = parts[0].series["x"].data
    np.testing.assert_array_equal(shown, whole.series["x"].data[: len(shown)])


class Gain(brainstate.nn.Module):
    """A module of the user that declares nothing."""

    def __init__(self):
        super().__init__()
        self.gain = brainstate.nn.Param(2.0, fit=True)
        self.x = brainstate.HiddenState(np.zeros(2, np.float32))

    def init_state(self, *args, **kwargs):
        self.x.value = np.zeros(2, np.float32)

    def update(self):
        self.x.value = self.x.value + self.gain.value()
        return self.x.value


def test_module_without_declarations_runs_with_its_parameters():
    engine = Engine(Gain())
    assert list(engine.fields) == ["gain"]
    outcome = engine.run(asked(engine, duration=1.0, values={"gain": 3.0}))
    np.testing.assert_allclose(outcome.series["output"].data[-1], [30.0, 30.0])


def test_something_else_is_refused():
    with pytest.raises(TypeError, match="model must be a brainstate module"):
        Engine(3)
