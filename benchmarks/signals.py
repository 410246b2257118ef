"""From activity to signals: BOLD beside the same run without it, and functional connectivity."""

import json
import subprocess
import sys

import brainunit as u
import jax
import jax.numpy as jnp
import numpy as np

import brainmass

from .common import DT, interleaved, network, table

REGIONS, SAMPLES = 84, 5000
TR = 720.0
SPANS = ((36.0, 6), (300.24, 2))
"""Seconds of activity, multiples of the repetition time, and how often each is repeated."""


def activity(seconds, bold, noise=0.01):
    """Return a call that simulates, with or without BOLD; both keep one sample per TR."""
    sim = brainmass.Simulator(network(REGIONS, noise=noise), dt=DT * u.ms)
    monitors = {"x": "node.x"}
    if bold:
        monitors["bold"] = brainmass.BOLDSignal(REGIONS, source="node.x", period=TR * u.ms)

    def run():
        return sim.run(
            seconds * u.second, monitors=monitors, sample_every=round(TR / DT), seed=0,
            progress=False,
        )  # fmt: skip

    return run


def bold():
    """Print what BOLD adds to the time of a run."""
    rows = []
    for noise in (0.01, 0.0):
        for seconds, repeats in SPANS:
            with_it, without = activity(seconds, True, noise), activity(seconds, False, noise)
            a, b = interleaved([with_it, without], repeats)
            name = f"{seconds:g} s, {'noise' if noise else 'no noise'}"
            rows.append((name, f"{b:.2f}", f"{a:.2f}", f"{a / b:.2f}"))
    header = ("84 regions, delays, dt 0.1 ms, TR 0.72 s", "without BOLD, s", "with, s",
              "ratio (at most 1.15)")  # fmt: skip
    table("BOLD while the activity runs", header, rows)


def one(seconds):
    """Print the peak memory of a run in this process as JSON, for :func:`memory`."""
    import resource

    result = activity(seconds, True)()
    samples = len(np.asarray(result["bold"]))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps([samples, peak]))


def memory():
    """Print peak memory by duration, each in a process of its own."""
    rows = []
    for seconds in (30.24, 300.24):
        program = f"from benchmarks.signals import one; one({seconds})"
        run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
        if run.returncode:
            raise RuntimeError(run.stderr)
        samples, peak = json.loads(run.stdout.splitlines()[-1])
        rows.append((f"{seconds:g} s, {samples} samples of BOLD", f"{peak:.1f}"))
    table("Peak memory of a process (flat in the duration)", ("run", "MB"), rows)


def correlation(x):
    """Return FC as one writes it bare: standardised columns and one matrix product."""
    x = x - x.mean(0)
    x = x / jnp.sqrt((x * x).sum(0))
    return x.T @ x


def connectivity():
    """Print FC, its gradient and losses of it against one matrix product and its gradient."""
    rng = np.random.default_rng(0)
    target = jnp.asarray(rng.uniform(-1, 1, (REGIONS, REGIONS)), jnp.float32)
    signal = jnp.asarray(rng.normal(size=(SAMPLES, REGIONS)).cumsum(0), jnp.float32)
    upper = np.triu_indices(REGIONS, 1)

    def distance(matrix):
        return lambda x: jnp.mean((matrix(x) - target) ** 2)

    def bare_corr(x):
        a, b = correlation(x)[upper], target[upper]
        return 1.0 - jnp.corrcoef(a, b)[0, 1]

    ours, score = (
        brainmass.analysis.fc,
        brainmass.objectives.fc_corr(as_loss=True, target_is_fc=True),
    )
    pairs = {
        "FC": (ours, correlation),
        "gradient of a distance of FC": (
            jax.grad(distance(ours)), jax.grad(distance(correlation))),
        "value and gradient of `fc_corr`": (
            jax.value_and_grad(lambda x: score(x, target)), jax.value_and_grad(bare_corr)),
    }  # fmt: skip
    rows = []
    for name, functions in pairs.items():
        calls = [jax.jit(f) for f in functions]
        a, b = interleaved([lambda f=f: jax.block_until_ready(f(signal)) for f in calls], 200)
        rows.append((name, f"{1e3 * b:.2f}", f"{1e3 * a:.2f}", f"{a / b:.2f}"))
    header = ("84 regions, 5000 samples", "bare matrix product, ms", "ours, ms",
              "ratio (at most 1.5)")  # fmt: skip
    table("Functional connectivity", header, rows)


def main():
    """Print all tables of this file."""
    bold()
    memory()
    connectivity()
