"""What a run returns, what it compiles, and what it refuses."""

import brainstate
import brainunit as u
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from brainstate.nn import Param

import brainmass

MS = u.ms


def hopf(n=3, **settings):
    return brainmass.HopfStep(n, **{"a": 0.25, "w": 0.3, "init_x": 0.1, **settings})


def simulator(n=3, **settings):
    return brainmass.Simulator(hopf(n, **settings), dt=0.1 * MS)


def test_page_example_keeps_800_rows_in_order():
    result = simulator().run(100 * MS, monitors=["x", "y"], transient=20 * MS)
    assert list(result) == ["x", "y", "ts"]
    assert result["x"].shape == (800, 3)
    assert result["ts"].unit == u.ms
    np.testing.assert_allclose(result["ts"].mantissa[[0, -1]], [20.1, 100.0])


def test_output_is_what_update_returns():
    node = hopf()
    result = brainmass.Simulator(node, dt=0.1 * MS).run(1 * MS)
    with brainstate.environ.context(dt=0.1 * MS):
        node.init_all_states()
        for _ in range(10):
            x, y = node.update()
    np.testing.assert_allclose(result["output"][0][-1], x, rtol=1e-6)
    np.testing.assert_allclose(result["output"][1][-1], y, rtol=1e-6)


@pytest.mark.parametrize(
    ("monitors", "keys"),
    [
        ("x", ["x"]),
        (["y", "x"], ["y", "x"]),
        (lambda m: m.x.value + 1, ["output"]),
        ({"a": "x", "b": lambda m: m.a.value() * m.y.value}, ["a", "b"]),
        (None, ["output"]),
    ],
)
def test_every_form_of_monitors(monitors, keys):
    assert list(simulator().run(1 * MS, monitors=monitors)) == [*keys, "ts"]


def test_callable_monitor_sees_states_and_parameters():
    result = simulator().run(
        2 * MS, monitors={"x": "x", "twice": lambda m: 2 * m.x.value, "a": lambda m: m.a.value()}
    )
    np.testing.assert_allclose(result["twice"], 2 * result["x"], rtol=1e-6)
    np.testing.assert_allclose(result["a"], 0.25)


def test_sample_every_keeps_the_end_of_each_span():
    sim = simulator()
    every = sim.run(10 * MS, monitors="x")
    for stride in (7, 0.7 * MS):
        some = sim.run(10 * MS, monitors="x", transient=1 * MS, sample_every=stride)
        np.testing.assert_array_equal(some["x"], every["x"][16::7])
        np.testing.assert_allclose(some["ts"].mantissa, every["ts"].mantissa[16::7])


def test_nothing_compiles_twice(compile_count):
    noise = brainmass.OUProcess(3, sigma=0.1, tau=20 * MS)
    sim = simulator(noise_x=noise)
    inputs = np.ones(100, np.float32)
    sim.run(10 * MS, monitors=lambda m: m.x.value * 2, seed=0, inputs=inputs)
    sim.run(10 * MS, monitors=lambda m: m.x.value * 2, inputs=inputs)
    programs = brainmass.engine.compile_count()
    with compile_count:
        sim.model.a = 0.3
        sim.model.noise_x.sigma.set_value(0.2)
        sim.run(10 * MS, monitors=lambda m: m.x.value * 2, seed=1, inputs=inputs)
        sim.run(123.4 * MS, monitors=lambda m: m.x.value * 2, inputs=np.zeros(1234))
        again = brainmass.Simulator(
            hopf(noise_x=brainmass.OUProcess(3, sigma=0.3, tau=5 * MS), init_x=0.2), dt=0.1 * MS
        )
        again.run(10 * MS, monitors=lambda m: m.x.value * 2, seed=3, inputs=inputs)
        again.run(10 * MS, monitors=lambda m: m.x.value * 2, init_states=False, inputs=inputs)
    assert compile_count.n == 0
    assert brainmass.engine.compile_count() == programs


def test_a_changed_global_of_a_monitor_is_not_stale():
    global SCALE
    SCALE = 2.0
    monitor = lambda m: m.x.value * SCALE  # noqa: E731
    first = simulator().run(1 * MS, monitors=monitor)["output"]
    SCALE = 3.0
    second = simulator().run(1 * MS, monitors=monitor)["output"]
    np.testing.assert_allclose(second, 1.5 * first, rtol=1e-6)


def test_parameters_are_values_not_constants():
    sim = simulator()
    before = sim.run(50 * MS, monitors="x")["x"]
    sim.model.a = -1.0
    after = sim.run(50 * MS, monitors="x")["x"]
    assert abs(before[-1]).max() > 0.05
    assert abs(after[-1]).max() < 1e-6


@pytest.mark.parametrize("chunk", [1, 37, 1000, 3.3 * MS])
def test_chunks_change_no_bit(chunk):
    sim = simulator(noise_x=brainmass.OUProcess(3, sigma=0.1, tau=20 * MS))
    whole = sim.run(30 * MS, monitors="x", seed=5)["x"]
    np.testing.assert_array_equal(sim.run(30 * MS, monitors="x", seed=5, chunk=chunk)["x"], whole)


def test_stopped_and_continued_equals_uninterrupted():
    sim = simulator(noise_x=brainmass.WhiteNoise(3, sigma=0.1))
    whole = sim.run(200 * MS, monitors="x", seed=5)
    first = sim.run(77.7 * MS, monitors="x", seed=5)
    rest = sim.run(122.3 * MS, monitors="x", init_states=False)
    np.testing.assert_array_equal(np.concatenate([first["x"], rest["x"]]), whole["x"])
    np.testing.assert_allclose(rest["ts"].mantissa[[0, -1]], [77.8, 200.0])


def test_stream_yields_the_same_run_in_parts():
    sim = simulator()
    whole = sim.run(30 * MS, monitors="x", transient=5 * MS)
    parts = list(sim.stream(30 * MS, chunk=7 * MS, monitors="x", transient=5 * MS))
    np.testing.assert_array_equal(np.concatenate([p["x"] for p in parts]), whole["x"])
    ts = np.concatenate([p["ts"].mantissa for p in parts])
    np.testing.assert_allclose(ts, whole["ts"].mantissa)


def test_closing_a_stream_leaves_the_model_where_it_stands():
    sim = simulator()
    stream = sim.stream(30 * MS, chunk=10 * MS, monitors="x")
    first = next(stream)
    stream.close()
    np.testing.assert_array_equal(sim.model.x.value, first["x"][-1])


def test_a_stream_that_diverges_gives_the_rest_of_its_last_chunk():
    sim = brainmass.Simulator(hopf(1, beta=-1.0, init_x=0.3), dt=0.1 * MS)
    parts = []
    stream = sim.stream(100 * MS, chunk=10, monitors="x")
    with pytest.raises(brainmass.DivergenceError) as caught:
        parts.extend(stream)
    rest = caught.value.result
    assert len(rest["x"]) == len(rest["ts"])
    times = np.concatenate([p["ts"].mantissa for p in [*parts, rest]])
    np.testing.assert_allclose(times, 0.1 * np.arange(1, len(times) + 1), rtol=1e-6)


def test_inputs_as_array_dict_and_function_agree():
    sim = simulator(init_x=0.0)
    rows = np.sin(np.arange(50) * 0.1).astype(np.float32)
    array = sim.run(5 * MS, monitors="x", inputs=rows)["x"]
    named = sim.run(5 * MS, monitors="x", inputs={"x_inp": rows[:, None] * np.ones(3)})["x"]
    function = sim.run(5 * MS, monitors="x", inputs=lambda i, t: jnp.sin(t / MS))["x"]
    both = sim.run(5 * MS, monitors="x", inputs=lambda i, t: (jnp.sin(t / MS), 0.0))["x"]
    np.testing.assert_allclose(array, named, rtol=1e-6)
    np.testing.assert_allclose(array, function, rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(function, both)
    assert abs(array).max() > 0.01


def test_batch_members_have_their_own_noise():
    sim = simulator(noise_x=brainmass.WhiteNoise(3, sigma=0.1))
    x = sim.run(10 * MS, monitors="x", batch_size=4, seed=0)["x"]
    assert x.shape == (100, 4, 3)
    assert np.unique(np.asarray(x[-1])).size == 12


def test_a_batch_without_noise_equals_one_run():
    sim = simulator()
    one = sim.run(10 * MS, monitors="x")["x"]
    batch = sim.run(10 * MS, monitors="x", batch_size=2)["x"]
    np.testing.assert_allclose(batch[:, 1], one, rtol=1e-6)


def test_seed_reproduces_noise_and_random_starts_and_leaves_the_global_state():
    sim = brainmass.Simulator(brainmass.StuartLandauStep(3), dt=0.1 * MS)
    before = jax.random.key_data(brainstate.random.DEFAULT.value)
    a = sim.run(5 * MS, monitors="x", seed=1)["x"]
    np.testing.assert_array_equal(sim.run(5 * MS, monitors="x", seed=1)["x"], a)
    np.testing.assert_array_equal(jax.random.key_data(brainstate.random.DEFAULT.value), before)
    assert not np.array_equal(sim.run(5 * MS, monitors="x", seed=2)["x"], a)


def test_traced_run_equals_compiled_run_and_leaves_no_tracer():
    sim = simulator(noise_x=brainmass.OUProcess(3, sigma=0.1, tau=20 * MS))
    options = {"monitors": "x", "seed": 3, "transient": 13, "sample_every": 7}
    eager = sim.run(220 * MS, **options)
    state = np.asarray(sim.model.x.value)
    traced = jax.jit(lambda: sim.run(220 * MS, **options))()
    np.testing.assert_allclose(traced["x"], eager["x"], atol=2e-5)
    np.testing.assert_array_equal(sim.model.x.value, state)
    sim.run(1 * MS, monitors="x", init_states=False)


def test_gradient_through_a_run_equals_a_difference(x64):
    def final(a):
        node = hopf(2, a=Param(a))
        return brainmass.Simulator(node, dt=0.1 * MS).run(60 * MS, monitors="x")["x"][-1].sum()

    slope = jax.grad(final)(0.2)
    h = 1e-6
    central = (final(0.2 + h) - final(0.2 - h)) / (2 * h)
    np.testing.assert_allclose(slope, central, rtol=1e-6)


def test_vmap_over_a_parameter_equals_a_loop():
    def final(a):
        return brainmass.Simulator(hopf(2, a=a), dt=0.1 * MS).run(20 * MS, monitors="x")["x"][-1]

    values = jnp.array([0.1, 0.2, 0.4])
    mapped = jax.vmap(final)(values)
    np.testing.assert_allclose(mapped, jnp.stack([final(v) for v in values]), rtol=1e-5)


def test_brainstate_jit_advances_the_random_state():
    sim = simulator(noise_x=brainmass.WhiteNoise(3, sigma=0.1))
    run = brainstate.transform.jit(lambda: sim.run(5 * MS, monitors="x")["x"])
    assert not np.array_equal(run(), run())


def test_divergence_names_state_region_time_and_keeps_results():
    node = hopf(3, beta=np.array([1.0, -1.0, 1.0]), init_x=0.9)
    with pytest.raises(brainmass.DivergenceError, match=r"'x' of region 1") as caught:
        brainmass.Simulator(node, dt=0.1 * MS).run(100 * MS, monitors="x")
    error = caught.value
    kept = np.asarray(error.result["x"])
    assert (error.state, error.region) == ("x", (1,))
    assert np.isfinite(kept).all()
    assert len(kept) > 0
    np.testing.assert_allclose(error.time.mantissa, len(kept) * 0.1, rtol=1e-6)


def test_divergence_by_a_large_step_names_the_largest_safe_one():
    node = brainmass.LinearStep(1, gamma=-10.0, method="euler")
    with pytest.raises(brainmass.DivergenceError, match=r"dt must be below 0\.2 ms; got 0\.5 ms"):
        brainmass.Simulator(node, dt=0.5 * MS).run(300 * MS, monitors="x")


def test_on_divergence_warn_and_ignore():
    sim = brainmass.Simulator(hopf(1, beta=-1.0, init_x=1.0), dt=0.1 * MS)
    with pytest.warns(RuntimeWarning, match="diverged"):
        result = sim.run(20 * MS, monitors="x", on_divergence="warn")
    assert not np.isfinite(result["x"][-1]).all()
    assert sim.run(20 * MS, monitors="x", on_divergence="ignore")["x"].shape == (200, 1)


def test_interruption_keeps_what_was_recorded(monkeypatch):
    from brainmass.engine.loop import ChunkLoop

    original, calls = ChunkLoop._call, []

    def interrupted(self, *args):
        calls.append(args)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return original(self, *args)

    monkeypatch.setattr(ChunkLoop, "_call", interrupted)
    sim = simulator()
    with pytest.raises(KeyboardInterrupt) as caught:
        sim.run(100 * MS, monitors="x", chunk=100)
    assert isinstance(caught.value, brainmass.RunInterrupted)
    assert caught.value.result["x"].shape == (200, 3)
    np.testing.assert_array_equal(sim.model.x.value, caught.value.result["x"][-1])


def test_interruption_before_the_first_chunk_gives_empty_results(monkeypatch):
    from brainmass.engine.loop import ChunkLoop

    def interrupted(self, *args):
        raise KeyboardInterrupt

    monkeypatch.setattr(ChunkLoop, "_call", interrupted)
    with pytest.raises(brainmass.RunInterrupted) as caught:
        simulator().run(10 * MS, monitors="x")
    assert caught.value.result["x"].shape == (0, 3)


def test_a_duration_that_is_no_multiple_of_dt_is_floored_with_a_warning():
    with pytest.warns(UserWarning, match="no multiple of dt"):
        assert simulator().run(1.05 * MS, monitors="x")["x"].shape[0] == 10


def test_dt_defaults_to_the_environment():
    with brainstate.environ.context(dt=0.5 * MS):
        assert brainmass.Simulator(hopf()).run(5 * MS, monitors="x")["x"].shape[0] == 10


def test_float64_follows_the_environment(x64):
    x = simulator().run(1 * MS, monitors="x")["x"]
    assert x.dtype == np.float64


class Counter(brainstate.nn.Module):
    """A foreign module: a state, a constant, an input, noise from brainstate, and a hook."""

    def __init__(self, step=1.0):
        super().__init__()
        self.step = Param(step, fit=False)

    def init_state(self, batch_size=None, **_):
        self.n = brainstate.HiddenState(jnp.zeros(2))

    def update(self, x=0.0):
        self.n.value = self.n.value + self.step.value() + x
        return self.n.value * 2


def test_a_foreign_module_runs_and_its_constants_are_values(compile_count):
    sim = brainmass.Simulator(Counter(), dt=0.1 * MS)
    result = sim.run(1 * MS, monitors={"n": "n", "out": None})
    np.testing.assert_allclose(result["n"][:, 0], np.arange(1, 11))
    np.testing.assert_allclose(result["out"], 2 * result["n"])
    sim.run(1 * MS, monitors={"n": "n", "out": None})
    with compile_count:
        sim.model.step.set_value(jnp.float32(2.0))
        out = sim.run(1 * MS, monitors={"n": "n", "out": None})
    np.testing.assert_allclose(out["n"][-1], 20.0)
    assert compile_count.n <= 1


def test_a_foreign_module_takes_inputs_and_continues():
    sim = brainmass.Simulator(Counter(), dt=0.1 * MS)
    rows = np.arange(10, dtype=np.float32)
    out = sim.run(1 * MS, monitors="n", inputs=rows)["n"]
    np.testing.assert_allclose(out[-1], 10 + 45)
    more = sim.run(1 * MS, monitors="n", init_states=False)
    np.testing.assert_allclose(more["n"][-1], 65)
    np.testing.assert_allclose(more["ts"].mantissa[-1], 2.0)


def test_a_foreign_module_that_was_never_initialised_has_gradients():
    def last(step):
        sim = brainmass.Simulator(Counter(step), dt=0.1 * MS)
        return sim.run(1 * MS, monitors=lambda m: m.n.value)["output"][-1, 0]

    np.testing.assert_allclose(jax.grad(last)(1.0), 10.0)


def test_a_foreign_module_with_brainstate_noise_is_reproducible():
    class Noisy(brainstate.nn.Module):
        def update(self):
            return brainstate.random.normal(size=(2,))

    sim = brainmass.Simulator(Noisy(), dt=0.1 * MS)
    a = sim.run(1 * MS, seed=1)["output"]
    np.testing.assert_array_equal(sim.run(1 * MS, seed=1)["output"], a)
    assert np.unique(np.asarray(a)).size == 20
    assert not np.array_equal(sim.run(1 * MS)["output"], sim.run(1 * MS)["output"])


def test_hooks_of_a_foreign_module_run():
    class Ring(brainstate.nn.Dynamics):
        def __init__(self):
            super().__init__(2)
            self.old = self.prefetch_delay("x", 0.3 * MS, init=lambda shape, **_: jnp.zeros(shape))

        def init_state(self, *_, **__):
            self.x = brainstate.HiddenState(jnp.zeros(2))

        def update(self):
            self.x.value = self.x.value + 1.0
            return self.old()

    with brainstate.environ.context(dt=0.1 * MS):
        out = brainmass.Simulator(Ring(), dt=0.1 * MS).run(1 * MS)["output"]
    assert float(out[-1, 0]) > 0


def test_hooks_of_our_models_run():
    node = hopf(2)
    with brainstate.environ.context(dt=0.1 * MS):
        old = node.prefetch_delay("x", 0.5 * MS, init=lambda shape, **_: jnp.zeros(shape))
        brainstate.nn.init_all_states(node)
        old()
        result = brainmass.Simulator(node, dt=0.1 * MS).run(
            3 * MS, monitors={"x": lambda m: m.x.value}
        )
    plain = simulator(2).run(3 * MS, monitors="x")
    np.testing.assert_allclose(result["x"], plain["x"], rtol=1e-5)
    assert node.after_updates


def test_a_progress_bar_appears_on_request(capsys):
    simulator().run(10 * MS, monitors="x", progress=True)
    assert "step" in capsys.readouterr().err


def test_the_persistent_cache_is_for_notebooks_and_can_be_switched_off(monkeypatch, tmp_path):
    import sys

    from brainmass.engine.cache import use_persistent_cache

    before = jax.config.jax_compilation_cache_dir
    try:
        jax.config.update("jax_compilation_cache_dir", None)
        monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
        use_persistent_cache()
        assert jax.config.jax_compilation_cache_dir is None
        monkeypatch.setitem(sys.modules, "ipykernel", pytest)
        monkeypatch.setenv("BRAINMASS_CACHE", "")
        use_persistent_cache()
        assert jax.config.jax_compilation_cache_dir is None
        monkeypatch.setenv("BRAINMASS_CACHE", str(tmp_path / "xla"))
        use_persistent_cache()
        assert jax.config.jax_compilation_cache_dir == str(tmp_path / "xla")
    finally:
        jax.config.update("jax_compilation_cache_dir", before)


BAD = {
    "duration without unit": (lambda: simulator().run(1.0), "duration must be a quantity of time"),
    "duration in mV": (lambda: simulator().run(1.0 * u.mV), "duration must be a quantity of time"),
    "negative duration": (lambda: simulator().run(-1 * MS), "duration must be positive and finite"),
    "nan duration": (lambda: simulator().run(np.nan * MS), "duration must be positive and finite"),
    "short duration": (lambda: simulator().run(0.01 * MS), "at least one step"),
    "array duration": (lambda: simulator().run(np.ones(2) * MS), "duration must be a single time"),
    "dt without unit": (lambda: brainmass.Simulator(hopf(), dt=0.1), "dt must be a quantity"),
    "zero dt": (lambda: brainmass.Simulator(hopf(), dt=0 * MS), "dt must be positive"),
    "infinite dt": (lambda: brainmass.Simulator(hopf(), dt=np.inf * MS), "dt must be positive"),
    "no dt": (lambda: brainmass.Simulator(hopf()).run(1 * MS), "dt .* must be given"),
    "transient in mV": (
        lambda: simulator().run(1 * MS, transient=1 * u.mV),
        "transient must be a quantity of time",
    ),
    "long transient": (
        lambda: simulator().run(1 * MS, transient=1 * MS),
        "transient must be shorter",
    ),
    "negative transient": (
        lambda: simulator().run(1 * MS, transient=-1 * MS),
        "transient must be at least 0",
    ),
    "fractional stride": (lambda: simulator().run(1 * MS, sample_every=2.7), "sample_every must"),
    "zero stride": (lambda: simulator().run(1 * MS, sample_every=0), "sample_every must"),
    "odd stride": (lambda: simulator().run(1 * MS, sample_every=0.25 * MS), "multiple of dt"),
    "unknown monitor": (lambda: simulator().run(1 * MS, monitors=["z"]), "states of HopfStep, 'x'"),
    "parameter as monitor": (lambda: simulator().run(1 * MS, monitors="a"), "monitors must be"),
    "number as monitor": (lambda: simulator().run(1 * MS, monitors=3), "monitors must be"),
    "callables in a list": (lambda: simulator().run(1 * MS, monitors=[len]), "list of monitors"),
    "monitor called ts": (lambda: simulator().run(1 * MS, monitors={"ts": "x"}), "'ts'"),
    "no monitors": (lambda: simulator().run(1 * MS, monitors=[]), "at least one"),
    "short inputs": (lambda: simulator().run(1 * MS, inputs=np.ones(9)), "one row per step, 10"),
    "wide inputs": (lambda: simulator().run(1 * MS, inputs=np.ones((10, 4))), "fit the shape"),
    "inputs in mV": (lambda: simulator().run(1 * MS, inputs=np.ones(10) * u.mV), "plain number"),
    "nan inputs": (lambda: simulator().run(1 * MS, inputs=np.full(10, np.nan)), "must be finite"),
    "complex inputs": (lambda: simulator().run(1 * MS, inputs=1j * np.ones(10)), "real numbers"),
    "unknown inlet": (lambda: simulator().run(1 * MS, inputs={"z": np.ones(10)}), "'x_inp'"),
    "too many inputs": (
        lambda: simulator().run(1 * MS, inputs=lambda i, t: (0.0, 0.0, 0.0)),
        "at most 2",
    ),
    "zero batch": (lambda: simulator().run(1 * MS, batch_size=0), "batch_size must be"),
    "resume of nothing": (lambda: simulator().run(1 * MS, init_states=False), "earlier run"),
    "unknown policy": (lambda: simulator().run(1 * MS, on_divergence="stop"), "on_divergence"),
    "not a model": (lambda: brainmass.Simulator(3), "model must be a brainstate module"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_before_tracing(case, compile_count):
    call, message = BAD[case]
    programs = brainmass.engine.compile_count()
    with pytest.raises((ValueError, TypeError), match=message) as caught:
        call()
    assert "\n" not in str(caught.value)
    assert brainmass.engine.compile_count() == programs


def test_a_monitor_that_reads_the_model_from_outside_is_refused():
    node = hopf()
    with pytest.raises(ValueError, match="must read the model from its argument"):
        brainmass.Simulator(node, dt=0.1 * MS).run(1 * MS, monitors=lambda m: node.x.value)
