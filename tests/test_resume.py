"""A run that is stopped and continued equals the uninterrupted one, bit for bit."""

import itertools

import brainstate
import brainunit as u
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import brainmass
from brainmass.engine.loop import ChunkLoop

MS = u.ms
STEPS = 1500  # more than one superblock of any model here
quick = settings(
    max_examples=6,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def network(**settings):
    node = brainmass.HopfStep(
        3, a=0.2, w=0.3, init_x=brainmass.uniform(0.0, 0.3),
        noise_x=brainmass.OUProcess(3, sigma=0.1, tau=7 * MS),
        noise_y=brainmass.WhiteNoise(3, sigma=0.02),
    )  # fmt: skip
    return brainmass.Network(
        node,
        **{
            "conn": np.array([[0, 1.0, 0.5], [0.3, 0, 0.2], [0.7, 0.4, 0]]),
            "distance": np.array([[0, 12, 30], [12, 0, 3], [30, 3, 0]]) * u.mm,
            "speed": 10 * u.mm / MS,
            "coupled_var": "x",
            "k": 0.5,
            **settings,
        },
    )


class Drift(brainstate.nn.Module):
    """A foreign module with noise of its own."""

    def init_state(self, *_, **__):
        self.x = brainstate.HiddenState(np.zeros(2, brainstate.environ.dftype()))

    def update(self):
        self.x.value = 0.9 * self.x.value + brainstate.random.normal(size=(2,))
        return self.x.value


def pink():
    return brainmass.HopfStep(2, init_x=0.1, noise_x=brainmass.PinkNoise(2, sigma=0.1))


MODELS = {
    "delays and noise": (network, "node.x"),
    "no delays": (lambda: network(distance=None, speed=None), "node.x"),
    "interpolated delays": (
        lambda: network(speed=brainstate.nn.Param(10 * u.mm / MS, fit=True)), "node.x"
    ),
    "pink noise": (pink, "x"),
    "a foreign module": (Drift, "x"),
}  # fmt: skip


@pytest.fixture(scope="module")
def uninterrupted():
    """Simulator and whole run of each model, made once."""
    made = {}

    def get(name):
        if name not in made:
            build, state = MODELS[name]
            sim = brainmass.Simulator(build(), dt=0.1 * MS)
            made[name] = sim, state, sim.run(STEPS * 0.1 * MS, monitors=state, seed=3)
        return made[name]

    return get


def run(sim, state, steps, **settings):
    return sim.run(steps * 0.1 * MS, monitors=state, **settings)


@pytest.mark.parametrize("name", MODELS)
@quick
@given(
    cuts=st.lists(st.integers(1, STEPS - 1), min_size=1, max_size=4, unique=True),
    chunk=st.sampled_from([None, 1000, 333, 64]),
)
def test_stopping_anywhere_changes_no_bit(uninterrupted, name, cuts, chunk):
    sim, state, whole = uninterrupted(name)
    ends = [*sorted(cuts), STEPS]
    parts = [run(sim, state, ends[0], seed=3, chunk=chunk)]
    for before, end in itertools.pairwise(ends):
        parts.append(run(sim, state, end - before, init_states=False, chunk=chunk))
    np.testing.assert_array_equal(np.concatenate([p[state] for p in parts]), whole[state])
    times = np.concatenate([p["ts"].mantissa for p in parts])
    np.testing.assert_allclose(times, whole["ts"].mantissa, rtol=1e-6)


@pytest.mark.parametrize("name", ["delays and noise", "a foreign module"])
def test_going_on_after_ctrl_c_changes_no_bit(uninterrupted, name, monkeypatch):
    sim, state, whole = uninterrupted(name)
    original, calls = ChunkLoop._call, []

    def interrupted(self, *args):
        calls.append(args)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return original(self, *args)

    monkeypatch.setattr(ChunkLoop, "_call", interrupted)
    with pytest.raises(brainmass.RunInterrupted) as caught:
        run(sim, state, STEPS, seed=3, chunk=257)
    monkeypatch.undo()
    first = caught.value.result[state]
    assert 0 < len(first) < STEPS
    rest = run(sim, state, STEPS - len(first), init_states=False)
    np.testing.assert_array_equal(np.concatenate([first, rest[state]]), whole[state])


def test_a_stream_that_is_closed_can_be_gone_on_with(uninterrupted):
    sim, state, whole = uninterrupted("delays and noise")
    stream = sim.stream(STEPS * 0.1 * MS, monitors=state, seed=3, chunk=401)
    first = [next(stream)[state], next(stream)[state]]
    stream.close()
    done = sum(map(len, first))
    rest = run(sim, state, STEPS - done, init_states=False)
    np.testing.assert_array_equal(np.concatenate([*first, rest[state]]), whole[state])


def test_inputs_go_on_with_their_own_rows(uninterrupted):
    sim, state, _ = uninterrupted("delays and noise")
    rows = np.sin(np.arange(STEPS) * 0.05).astype(np.float32)
    whole = run(sim, state, STEPS, seed=3, inputs=rows)[state]
    first = run(sim, state, 700, seed=3, inputs=rows[:700])[state]
    rest = run(sim, state, STEPS - 700, init_states=False, inputs=rows[700:])[state]
    np.testing.assert_array_equal(np.concatenate([first, rest]), whole)
