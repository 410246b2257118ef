"""Where the chunks of a run end, what is copied of them, and what a repeated run does not do."""

import brainunit as u
import jax
import numpy as np
import pytest

import brainmass
from brainmass.engine import program
from brainmass.engine.loop import ChunkLoop, first_rows

MS = u.ms


def test_chunks_that_samples_cut_short_end_with_superblocks(monkeypatch):
    spans = []
    call = ChunkLoop._call

    def watched(self, carry, start, stop):
        spans.append((start, stop))
        return call(self, carry, start, stop)

    monkeypatch.setattr(ChunkLoop, "_call", watched)
    monkeypatch.setattr(program, "_OUTPUT_NUMBERS", 2000)
    node = brainmass.HopfStep(1, noise_x=brainmass.WhiteNoise(1, sigma=0.1))
    sim = brainmass.Simulator(node, dt=0.1 * MS)
    size = sim._plan(1 * MS, None, None, None, None, None, True, 0).system.superblock
    sim.run((4 * size + 7) * 0.1 * MS, monitors="x", seed=0)
    assert len(spans) > 2
    assert [stop % size for _, stop in spans[:-1]] == [0] * (len(spans) - 1)


@pytest.mark.parametrize(("kept", "shares"), [(5, True), (8, True), (4, False)])
def test_full_buffers_are_not_copied_and_empty_ones_not_kept(kept, shares):
    buffer = np.arange(9.0)
    rows = first_rows(buffer, kept)
    np.testing.assert_array_equal(rows, np.arange(kept))
    assert np.shares_memory(rows, buffer) is shares


def test_an_input_function_that_was_checked_is_not_traced_again(monkeypatch):
    traced = []
    eval_shape = jax.eval_shape
    monkeypatch.setattr(jax, "eval_shape", lambda *a: traced.append(a) or eval_shape(*a))
    sim = brainmass.Simulator(brainmass.HopfStep(2), dt=0.1 * MS)
    given = np.float32(0.2512)  # no other test gives this function

    def run():
        return sim.run(10 * MS, inputs=lambda i, t: given, monitors="x")["x"]

    first, before = run(), len(traced)
    np.testing.assert_array_equal(first, run())
    assert before > 0
    assert len(traced) == before
