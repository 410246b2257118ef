"""Several points in one compiled call give what each gives by itself."""

import os
import subprocess
import sys

import brainunit as u
import numpy as np
import pytest
from sweeps.conftest import WEIGHTS, make_network, simulator, spread

import brainmass
from brainmass.sweeps import _sweep

MS = u.ms


@pytest.fixture
def four_lanes(monkeypatch):
    """As on an accelerator, which this machine need not have."""
    monkeypatch.setattr(_sweep, "choose_lanes", lambda setup, design: 4)


PULSES = [brainmass.stimuli.pulse(s, 5 * MS, 2 * MS) for s in (0.5, 0.2)]


def sweep(model, params, **settings):
    settings = {"duration": 40 * MS, "monitors": "node.x", "progress": False, **settings}
    return brainmass.sweep(simulator(model), params, **settings)


def assert_same(result, other, name="sd", **tolerance):
    np.testing.assert_allclose(result[name], other[name], **{"rtol": 1e-4, **tolerance})


def test_small_models_share_a_call_and_agree_with_single_runs():
    sim = simulator(brainmass.HopfStep(1, w=0.3, init_x=0.1))
    settings = {"duration": 50 * MS, "monitors": "x", "progress": False}
    before = brainmass.engine.compile_count()
    result = brainmass.sweep(sim, {"a": np.linspace(-0.2, 0.4, 45)}, **settings)
    assert brainmass.engine.compile_count() == before + 1
    for k in (0, 7, 44):
        sim.model.a = float(result["a"][k])
        lone = sim.run(50 * MS, monitors="x")["x"]
        np.testing.assert_allclose(result["x"][k], lone, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize(
    "params",
    [
        {"node.a": [0.1, 0.2, 0.3], "k": [0.1, 0.9]},
        {"speed": np.array([5.0, 8.0]) * u.mm / u.ms, "k": [0.1, 0.2]},
        {"conn": [WEIGHTS, np.triu(WEIGHTS), 2 * WEIGHTS]},
        {"node.init_x": [0.1, -0.2], "delay_init": [0.0, 0.1]},
        {"node.noise_x.sigma": [0.01, 0.1, 0.2], "inputs": PULSES},
    ],
    ids=lambda p: " ".join(p),
)  # fmt: skip
def test_lanes_agree_with_single_points(four_lanes, monkeypatch, params):
    together = sweep(make_network(0.05), params, reduce={"sd": spread}, seeds=2)
    monkeypatch.undo()
    assert_same(together, sweep(make_network(0.05), params, reduce={"sd": spread}, seeds=2))


def test_observers_work_in_lanes(four_lanes, monkeypatch):
    from sweeps.test_sweep import observers

    params = {"k": [0.1, 0.2, 0.3, 0.5, 0.8]}
    watched = {name: observers()[name] for name in ("fc", "bold")}
    settings = {"duration": 600 * MS, "reduce": watched, "monitors": None}
    together = sweep(make_network(0.05), params, **settings)
    monkeypatch.undo()
    single = sweep(make_network(0.05), params, **settings)
    for name in watched:
        assert_same(together, single, name, atol=1e-5)


def test_batches_and_threads_change_no_bit(four_lanes):
    params = {"node.a": np.linspace(0.0, 0.4, 11)}
    one = sweep(make_network(0.05), params, threads=1)["node.x"]
    for settings in ({"threads": 2}, {"batch": 8, "threads": 2}, {"sample_every": 1}):
        np.testing.assert_array_equal(sweep(make_network(0.05), params, **settings)["node.x"], one)


def test_lanes_that_diverge_are_found_at_their_step(four_lanes, monkeypatch):
    params = {"node.beta": [1.0, -1.0, 0.5, -2.0, -0.7, 1.5], "node.init_x": [0.1, 0.9]}
    together = sweep(make_network(), params, reduce={"sd": spread})
    monkeypatch.undo()
    single = sweep(make_network(), params, reduce={"sd": spread})
    assert_same(together, single)
    for name in ("diverged", "diverged_state", "diverged_region"):
        np.testing.assert_array_equal(together[name], single[name])
    np.testing.assert_allclose(together["diverged_time"], single["diverged_time"], atol=0.11)
    assert int(single["diverged"].sum()) > 2


def test_an_interrupted_sweep_goes_on_with_the_same_bits(four_lanes, monkeypatch, tmp_path):
    from brainmass.sweeps import _threads

    params = {"node.a": np.linspace(0.0, 0.4, 15)}
    whole = sweep(make_network(0.05), params)
    original, waits = _threads.LocalWorkers._next, []

    def wait(self):
        waits.append(1)
        if len(waits) == 2:
            raise KeyboardInterrupt
        return original(self)

    with monkeypatch.context() as patch:
        patch.setattr(_threads.LocalWorkers, "_next", wait)
        part = sweep(make_network(0.05), params, store=tmp_path / "s.zarr", threads=1, batch=4)
    assert 0 < int(part["finished"].sum()) < 15
    again = sweep(make_network(0.05), params, store=tmp_path / "s.zarr")
    np.testing.assert_array_equal(again["node.x"], whole["node.x"])


def test_all_devices_are_used(tmp_path):
    """Two CPU devices stand for two accelerators; they can only be asked for before JAX starts."""
    program = """
import brainunit as u, jax, numpy as np, brainmass
assert jax.local_device_count() == 2
used = set()

def last(result):
    used.add(next(iter(result["x"].devices())).id)
    return result["x"][-1]

sim = brainmass.Simulator(brainmass.HopfStep(2, init_x=0.1), dt=0.1 * u.ms)
result = brainmass.sweep(
    sim, {"a": np.linspace(0, 0.4, 12)}, duration=20 * u.ms, monitors="x", reduce={"x": last},
    progress=False, threads=2, batch=1,
)
assert brainmass.engine.compile_count() == 2
one = brainmass.sweep(
    sim, {"a": np.linspace(0, 0.4, 12)}, duration=20 * u.ms, monitors="x", reduce={"x": last},
    progress=False, threads=1,
)
np.testing.assert_array_equal(result["x"], one["x"])
print(sorted(used))
"""
    flags = {"XLA_FLAGS": "--xla_force_host_platform_device_count=2"}
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, timeout=120,
        env={**os.environ, **flags},
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == "[0, 1]"
