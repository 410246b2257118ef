# ruff: noqa: N806 - variables keep the letters of the paper
"""Single models: a node against C, a population against a bare scan, and the first compilation."""

import ctypes
import time

import brainunit as u
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

import brainmass
from brainmass import dynamics

from .baselines import library
from .common import DT, best, interleaved, table

STEPS = 10_000
COLUMNS, COLUMN_STEPS = 400, 10_000


def hopf_c():
    """Return a call of the loop in C: one Hopf node, heun, 10 000 steps."""
    out = np.zeros(STEPS, np.float32)
    state = np.zeros(2, np.float32)
    pointers = [a.ctypes.data_as(ctypes.POINTER(ctypes.c_float)) for a in (state, out)]
    numbers = [ctypes.c_float(v) for v in (0.25, 0.3, DT)]
    function = library().hopf_heun

    def run():
        state[:] = 0.1, 0.0
        function(STEPS, pointers[0], *numbers, pointers[1])
        return out

    return run


def jansen_rit_scan():
    """Return a call of the equations of Jansen and Rit written bare in ``lax.scan``, heun."""
    A, B, a, b, C = 3.25, 22.0, 0.1, 0.05, 135.0  # mV and 1/ms; rates in 1/ms

    def rate(v):
        return 0.005 * jax.nn.sigmoid(0.56 * (v - 6.0))

    def field(y, p):
        M, E, I, Mv, Ev, Iv = y  # noqa: E741
        return (
            Mv, Ev, Iv,
            A * a * rate(E - I) - 2 * a * Mv - a * a * M,
            A * a * (p + 0.8 * C * rate(C * M)) - 2 * a * Ev - a * a * E,
            B * b * 0.25 * C * rate(0.25 * C * M) - 2 * b * Iv - b * b * I,
        )  # fmt: skip

    @jax.jit
    def run(p):
        def step(y, _):
            k1 = field(y, p)
            k2 = field(tuple(v + DT * k for v, k in zip(y, k1, strict=True)), p)
            y = tuple(v + 0.5 * DT * (j + k) for v, j, k in zip(y, k1, k2, strict=True))
            return y, y[1] - y[2]

        zero = jnp.zeros(COLUMNS)
        return lax.scan(step, (zero,) * 6, None, COLUMN_STEPS)[1]

    drive = jnp.full(COLUMNS, 0.22)
    return lambda: jax.block_until_ready(run(drive))


def program_of(sim, steps: int, monitors, inputs=None):
    """Return a call of the compiled program of a run alone, without what surrounds it."""
    plan = sim._plan(steps * DT * u.ms, inputs, monitors, None, None, None, True, None)
    loop, carry, start, _ = plan._prepare("raise", None)
    span = (np.int32(start), np.int32(start + steps), np.int32(start))
    given = (loop.values, carry, *span, loop.rows_at(start, start + steps))
    return lambda: jax.block_until_ready(loop.program(*given))


def beside(hand, program, run, repeats: int):
    """Return the times of the loop by hand and the program, called in turns, then of the run.

    What a run does in Python leaves the caches of the processor to neither of the other two.
    """
    return *interleaved([hand, program], repeats), best(run, repeats)


def against_baselines():
    """Print how the engine compares with the same arithmetic written by hand."""
    hopf = brainmass.Simulator(brainmass.HopfStep(1, a=0.25, w=0.3, init_x=0.1), dt=DT * u.ms)
    hopf_times = beside(
        hopf_c(), program_of(hopf, STEPS, "x"),
        lambda: hopf.run(STEPS * DT * u.ms, monitors="x"), 60,
    )  # fmt: skip
    alpha = brainmass.Simulator(brainmass.JansenRitStep(COLUMNS), dt=DT * u.ms)
    given = np.float32(220.0) * u.Hz

    def drive(i, t):
        return given

    alpha_times = beside(
        jansen_rit_scan(), program_of(alpha, COLUMN_STEPS, None, drive),
        lambda: alpha.run(COLUMN_STEPS * DT * u.ms, inputs=drive), 20,
    )  # fmt: skip
    rows = []
    for what, (hand, program, run), limit in (
        (f"Hopf, heun, one node, {STEPS} steps; by hand in C", hopf_times, 2),
        (f"Jansen-Rit, heun, {COLUMNS} columns, {COLUMN_STEPS} steps; by hand in lax.scan",
         alpha_times, 1.5),
    ):  # fmt: skip
        rows.append((
            what, f"{1e3 * hand:.3f}", f"{1e3 * program:.3f}",
            f"{program / hand:.2f} (at most {limit})", f"{1e3 * run:.3f}", f"{run / hand:.2f}",
        ))  # fmt: skip
    header = ("model", "by hand, ms", "compiled program, ms", "ratio", "whole run, ms", "ratio")
    table("One model against the same arithmetic by hand", header, rows)


def first_compilation():
    """Print the first run of every model, tracing and compiling included."""
    kept = jax.config.jax_compilation_cache_dir
    jax.config.update("jax_compilation_cache_dir", None)
    rows = []
    for name, model in dynamics.registry.items():
        if not hasattr(model, "equations"):
            continue
        rows.append((name, min(_first_run(model) for _ in range(2))))
    jax.config.update("jax_compilation_cache_dir", kept)
    rows.sort(key=lambda row: -row[1])
    rows = [(name, f"{seconds:.2f}") for name, seconds in rows]
    table("First run of a model", ("model", "s (at most 1.5)"), rows)


def _first_run(model) -> float:
    jax.clear_caches()
    brainmass.engine.clear_cache()
    sim = brainmass.Simulator(model(3), model.suggested_dt)
    start = time.perf_counter()
    sim.run(100 * model.suggested_dt, monitors=None)
    return time.perf_counter() - start


def main():
    """Print all tables of this file."""
    against_baselines()
    first_compilation()
