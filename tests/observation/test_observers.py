"""Observers as monitors: what they see, where a run may be cut, derivatives, averages."""

import brainstate
import brainunit as u
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from observation.helpers import kernel

import brainmass
from brainmass import BOLDSignal, HRFBold, TemporalAverage
from brainmass.reducers import FC, Mean, Reducer, Spectrum

MS = u.ms


def noisy(n=3):
    noise = brainmass.WhiteNoise(n, sigma=0.1)
    return brainmass.HopfStep(n, a=0.25, w=0.3, init_x=0.1, noise_x=noise)


def simulator(n=3):
    return brainmass.Simulator(noisy(n), dt=0.1 * MS)


def observers():
    """One of every kind, with periods that divide neither each other nor a block."""
    lead = np.arange(6.0).reshape(3, 2)
    average = TemporalAverage(1.3 * MS, source="x")
    centres, contacts = 10 * np.eye(3) * u.mm, np.array([[0.0, 5.0, 5.0], [20.0, 0.0, 0.0]]) * u.mm
    return {
        "bold": BOLDSignal(3, source="x", period=7.3 * MS),
        "average": average,
        "slow": TemporalAverage(13 * MS, source=average),
        "hrf": HRFBold(source="x", period=20 * MS, downsample_period=5 * MS, kernel=kernel()),
        "eeg": brainmass.EEGLeadFieldModel(3, 2, lead, noise_cov=np.eye(2), source="x"),
        "meg": brainmass.MEGLeadFieldModel(3, 2, lead, sensor_unit=u.ftesla, source="x"),
        "seeg": brainmass.SEEGLeadFieldModel(centres, contacts, source="x", period=2.1 * MS),
        "readout": brainmass.LeadfieldReadout(lead.T, y0=0.1, cy0=2.0, source=average),
        "fc": FC(average),
        "psd": Spectrum("x", segment=20 * MS, period=0.5 * MS),
    }


def same(a, b):
    for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
        np.testing.assert_array_equal(x, y)


@pytest.fixture(scope="module")
def whole():
    return simulator().run(150 * MS, monitors=observers(), transient=11.1 * MS, seed=1)


def test_observer_keeps_its_samples_on_its_own_axis_behind_the_transient():
    monitors = {"x": "x", "slow": TemporalAverage(1.3 * MS, source="x")}
    result = simulator().run(20 * MS, monitors=monitors, transient=2 * MS, sample_every=3)
    assert list(result) == ["x", "slow", "slow.ts", "ts"]
    every = simulator().run(20 * MS, monitors="x", transient=2 * MS, seed=0)
    result = simulator().run(20 * MS, monitors=monitors, transient=2 * MS, seed=0)
    windows = np.asarray(every["x"])[:169].reshape(13, 13, 3)
    np.testing.assert_allclose(result["slow"], windows.mean(1), atol=1e-6)
    np.testing.assert_allclose(result["slow.ts"].mantissa, 2 + 1.3 * np.arange(1, 14))


def test_without_anything_recorded_there_is_no_long_time_axis():
    result = simulator().run(10 * MS, monitors={"m": Mean("x")})
    assert list(result) == ["m"]


@pytest.mark.parametrize("chunk", [1, 37, 1000])
def test_chunks_change_no_bit(whole, chunk):
    run = simulator().run(150 * MS, monitors=observers(), transient=11.1 * MS, seed=1, chunk=chunk)
    same(run, whole)


def test_stopped_and_continued_equals_uninterrupted(whole):
    sim = simulator()
    first = sim.run(63.7 * MS, monitors=observers(), transient=11.1 * MS, seed=1)
    rest = sim.run(86.3 * MS, monitors=observers(), init_states=False)
    for name in ("fc", "psd"):
        same(rest[name], whole[name])
    for name in ("bold", "bold.ts", "average", "slow", "hrf"):
        joined = np.concatenate([u.get_mantissa(part[name]) for part in (first, rest)])
        np.testing.assert_array_equal(joined, u.get_mantissa(whole[name]))


def test_a_stream_gives_the_same_in_parts(whole):
    given = {"monitors": observers(), "transient": 11.1 * MS, "seed": 1}
    parts = list(simulator().stream(150 * MS, chunk=40 * MS, **given))
    assert len(parts) > 3
    same(parts[-1]["fc"], whole["fc"])
    for name in ("bold", "bold.ts", "eeg"):
        joined = np.concatenate([u.get_mantissa(part[name]) for part in parts])
        np.testing.assert_array_equal(joined, u.get_mantissa(whole[name]))


def test_inside_jit_the_result_is_the_same(x64):
    given = {"monitors": {**observers(), "x": "x"}, "transient": 11.1 * MS, "seed": 1}
    eager = simulator().run(120 * MS, **given)
    traced = jax.jit(lambda: simulator().run(120 * MS, **given))()
    for a, b in zip(jax.tree.leaves(eager), jax.tree.leaves(traced), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


def test_observer_of_a_recording_gives_the_same(x64):
    result = simulator().run(150 * MS, monitors={**observers(), "x": "x"}, seed=1)
    for name, observer in observers().items():
        if name == "eeg":
            continue
        again = observer(np.asarray(result["x"]), 0.1 * MS)
        for a, b in zip(jax.tree.leaves(again), jax.tree.leaves(result[name]), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


def network(a, k):
    conn = brainmass.datasets.load_dataset("example_connectome")
    node = brainmass.HopfStep(
        8, a=a, w=0.05, init_x=np.linspace(0.1, 0.3, 8), noise_x=brainmass.WhiteNoise(8, sigma=0.02)
    )
    delays = {"distance": conn.distances, "speed": 10 * u.mm / MS}
    return brainmass.Network(node, conn=conn.weights, coupled_var="x", k=k, **delays)


def fit_like_loss(p, steps=1300):
    """Loss of BOLD, FC of BOLD and mean; parameters of network and haemodynamics."""
    bold = BOLDSignal(8, source="node.x", period=36 * MS, tau=p[2] * u.second, epsilon=p[3:])
    monitors = {"bold": bold, "fc": FC(bold), "mean": Mean("node.x")}
    sim = brainmass.Simulator(network(p[0], p[1]), dt=0.5 * MS)
    out = sim.run(0.5 * steps * MS, monitors=monitors, transient=110 * MS, seed=1)
    weights = jnp.arange(64.0).reshape(8, 8) * 1e-3
    return 1e3 * (out["bold"] ** 2).sum() + (out["fc"] * weights).sum() + out["mean"].sum()


def test_gradient_through_network_and_observers_equals_finite_difference(x64):
    p = jnp.concatenate([jnp.array([0.25, 0.5, 0.98]), jnp.linspace(0.8, 1.2, 8)])
    direction = jnp.concatenate([jnp.array([1.0, -1.0, 2.0]), jnp.cos(jnp.arange(8.0))])
    loss = jax.jit(lambda s: fit_like_loss(p + s * direction))
    expected = (loss(1e-5) - loss(-1e-5)) / 2e-5
    gradient = jax.jit(jax.grad(fit_like_loss))(p)
    assert abs(gradient).min() > 1e-6
    np.testing.assert_allclose(gradient @ direction, expected, rtol=1e-6)


def test_memory_of_a_gradient_holds_no_samples():
    """Between 30 000 and 60 000 steps of 8 regions lie a megabyte of samples of one state."""

    def memory(steps):
        compiled = jax.jit(jax.grad(lambda p: fit_like_loss(p, steps))).lower(jnp.ones(11))
        return compiled.compile().memory_analysis().temp_size_in_bytes

    assert memory(60_000) - memory(30_000) < 0.5e6


def test_vmap_over_a_parameter_equals_a_loop():
    def bold(k):
        monitors = {"b": BOLDSignal(8, source="node.x", period=10 * MS), "fc": FC("node.x")}
        return brainmass.Simulator(network(0.2, k), dt=0.5 * MS).run(
            50 * MS, monitors=monitors, seed=0
        )

    many = jax.vmap(bold)(jnp.array([0.1, 0.5]))
    one = bold(0.5)
    np.testing.assert_allclose(many["b"][1], one["b"], rtol=1e-4, atol=1e-9)
    np.testing.assert_allclose(many["fc"][1], one["fc"], atol=1e-5)


class Leaky(brainstate.nn.Module):
    """A module that the engine knows nothing about."""

    def init_state(self, *_, **__):
        self.h = brainstate.HiddenState(jnp.ones(3))

    def update(self):
        self.h.value = 0.99 * self.h.value + 0.1 * brainstate.random.randn(3)
        return self.h.value


def test_observers_of_any_module():
    monitors = {"h": "h", "fc": FC("h"), "slow": TemporalAverage(7 * MS), "m": Mean("h")}
    sim = brainmass.Simulator(Leaky(), dt=1 * MS)
    given = {"monitors": monitors, "transient": 10 * MS, "seed": 1}
    result = sim.run(200 * MS, **given)
    h = np.asarray(result["h"])
    np.testing.assert_allclose(result["fc"], np.corrcoef(h.T), atol=1e-5)
    np.testing.assert_allclose(result["slow"], h[:189].reshape(27, 7, 3).mean(1), atol=1e-6)
    same(sim.run(200 * MS, chunk=37, **given), result)
    traced = jax.jit(lambda: brainmass.Simulator(Leaky(), dt=1 * MS).run(200 * MS, **given))()
    for name in monitors:
        np.testing.assert_allclose(traced[name], result[name], atol=1e-6)


def test_parameters_of_observers_are_values_and_compile_nothing(compile_count):
    def run(tau, scale, duration=50):
        lead = brainmass.LeadFieldModel(3, 2, scale * np.ones((3, 2)), source="x")
        bold = BOLDSignal(3, source="x", tau=tau * u.second, period=5 * MS)
        fc = FC(lambda m: m.x.value + m.y.value)
        monitors = {"bold": bold, "eeg": lead, "fc": fc}
        return simulator().run(duration * MS, monitors=monitors, seed=1)

    run(0.98, 1.0)
    first = run(0.98, 1.0)
    programs = brainmass.engine.compile_count()
    with compile_count:
        second = run(0.2, 2.0)
        run(0.5, 2.0, duration=500)
    assert compile_count.n == 0
    assert brainmass.engine.compile_count() == programs
    np.testing.assert_allclose(second["eeg"].mantissa, 2 * first["eeg"].mantissa, rtol=1e-6)
    assert abs(second["bold"][-1] / first["bold"][-1] - 1).min() > 1e-3


class Spread(Reducer):
    """Largest minus smallest value."""

    gain = brainmass.param(1.0, doc="factor")

    @staticmethod
    def start(p, like):
        return {"low": like + jnp.inf, "high": like - jnp.inf}

    @staticmethod
    def step(p, kept, x):
        return {"low": jnp.minimum(kept["low"], x), "high": jnp.maximum(kept["high"], x)}

    @staticmethod
    def value(p, kept):
        return p.gain * (kept["high"] - kept["low"])


def test_observer_of_the_user():
    monitors = {"x": "x", "spread": Spread("x", gain=2.0)}
    result = simulator().run(30 * MS, monitors=monitors, transient=5 * MS, seed=1)
    np.testing.assert_allclose(result["spread"], 2 * np.ptp(np.asarray(result["x"]), axis=0))
    same(Spread(gain=2.0)(result["x"]), result["spread"])


def test_divergence_leaves_what_observers_saw():
    node = brainmass.HopfStep(1, beta=-1.0, init_x=1.0)
    monitors = {"x": "x", "m": Mean("x"), "each": TemporalAverage(0.1 * MS, source="x")}
    with pytest.raises(brainmass.DivergenceError) as caught:
        brainmass.Simulator(node, dt=0.1 * MS).run(50 * MS, monitors=monitors)
    result = caught.value.result
    x = np.asarray(result["x"])
    assert len(x) > 2
    np.testing.assert_array_equal(result["each"], x)
    np.testing.assert_allclose(result["m"], x.mean(0), rtol=1e-6)
    np.testing.assert_allclose(result["each.ts"].mantissa, result["ts"].mantissa)


def test_interruption_leaves_what_observers_saw(monkeypatch):
    from brainmass.engine import loop

    calls = iter(range(100))
    call = loop.ChunkLoop._call

    def interrupted(self, *given):
        if next(calls) == 2:
            raise KeyboardInterrupt
        return call(self, *given)

    monkeypatch.setattr(loop.ChunkLoop, "_call", interrupted)
    sim = simulator()
    with pytest.raises(brainmass.RunInterrupted) as caught:
        sim.run(60 * MS, monitors={"x": "x", "m": Mean("x")}, chunk=20 * MS, seed=1)
    result = caught.value.result
    np.testing.assert_allclose(result["m"], np.asarray(result["x"]).mean(0), atol=1e-6)
    monkeypatch.undo()
    rest = sim.run(20 * MS, monitors={"x": "x", "m": Mean("x")}, init_states=False)
    both = np.concatenate([result["x"], rest["x"]])
    np.testing.assert_allclose(rest["m"], both.mean(0), atol=1e-6)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: BOLDSignal(3, source="x", period=0.05 * MS), "at least the step of 0.1 ms; got"),
        (lambda: BOLDSignal(3, source="x", period=0.25 * MS), "a multiple of the step of 0.1 ms"),
        (lambda: BOLDSignal(3, source="x", period=720), "must be a quantity of time; got 720"),
        (lambda: BOLDSignal(3, source="x", period=-1 * MS), "one positive, finite time"),
        (lambda: BOLDSignal(2, source="x"), r"samples of shape \(2,\); got \(3,\)"),
        (lambda: BOLDSignal(3, source="z"), "must be states of HopfStep, 'x', 'y'"),
        (lambda: BOLDSignal(3), "source of 'r' must be one array; got tuple"),
        (lambda: BOLDSignal(3, source=3), "must be a state name, a function of the model or"),
        (lambda: BOLDSignal(3, source=lambda m: m.x.value * u.mV), "plain number; got .*mV"),
        (lambda: TemporalAverage(1 * MS, source=lambda m: 1j * m.x.value), "must be real"),
        (
            lambda: TemporalAverage(2 * MS, source=TemporalAverage(3 * MS, source="x")),
            "at least the 3 ms of its source",
        ),
        (lambda: HRFBold(source="x", history=np.zeros(3)), "no history"),
        (lambda: HRFBold(source="x", period=6 * MS), "a multiple of the 4 ms of its source"),
    ],
)
def test_what_cannot_be_observed_is_refused(make, words):
    with pytest.raises((TypeError, ValueError), match=words):
        simulator().run(20 * MS, monitors={"r": make()})


def test_a_monitor_must_not_take_the_name_of_a_time_axis():
    monitors = {"a.ts": "x", "a": TemporalAverage(1 * MS, source="x")}
    with pytest.raises(ValueError, match="'a.ts', the time axis of an observer"):
        simulator().run(20 * MS, monitors=monitors)


@pytest.mark.parametrize(
    ("signal", "dt", "words"),
    [
        (np.full((99, 2), np.nan), 1 * MS, "finite real numbers"),
        (np.zeros((3, 2)), 1 * MS, "at least 4 ms behind the transient; got 3 ms"),
        (np.zeros((99, 2)), 3 * MS, "a multiple of the step of 3 ms"),
        (np.zeros((99, 2)), None, "dt .* must be given"),
        (np.zeros((99, 2)), 1.0, "dt .* must be a quantity of time"),
        (np.float64(3.0), 1 * MS, "time as its first axis"),
    ],
)
def test_what_cannot_be_averaged_is_refused(signal, dt, words):
    with pytest.raises((TypeError, ValueError), match=words):
        TemporalAverage()(signal, dt)
