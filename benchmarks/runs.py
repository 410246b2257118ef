"""Single nodes and repeated runs: what a slider feels."""

import time

import brainunit as u
import jax
import numpy as np

import brainmass

from .baselines import blocked_scan
from .common import DT, best, interleaved, network, table


def single_node():
    """Print repeats of one node over 10 000 steps."""
    node = brainmass.HopfStep(1, a=0.25, w=0.3, init_x=0.1)
    sim = brainmass.Simulator(node, dt=DT * u.ms)
    count = iter(range(10**6))

    def run(duration=1000.0):
        return lambda: sim.run(duration * u.ms, monitors="x")

    def changed():
        node.a = 0.2 + 1e-6 * next(count)
        sim.run(1000 * u.ms, monitors="x")

    def longer():
        sim.run((1000 + next(count) % 50) * u.ms, monitors="x")

    rows = [
        (name, f"{1e3 * best(f, 20):.2f}")
        for name, f in (
            ("repeat", run()),
            ("changed parameter", changed),
            ("changed duration", longer),
        )
    ]
    table("One node, 10 000 steps", ("run", "ms (at most 1.5)"), rows)


def repeated_network():
    """Print a changed parameter of the 84-region network against compiling it anew."""
    net = network(84)
    sim = brainmass.Simulator(net, dt=DT * u.ms)
    count = iter(range(10**6))

    def ours():
        net.k = 0.5 + 1e-6 * next(count)
        sim.run(100 * u.ms, monitors="node.x", sample_every=10, seed=0)

    bare = blocked_scan(84, 1000)

    def anew():
        jax.clear_caches()
        brainmass.engine.clear_cache()
        start = time.perf_counter()
        sim.run(100 * u.ms, monitors="node.x", sample_every=10, seed=0)
        return time.perf_counter() - start

    warm, scan = interleaved([ours, bare], 100)
    cold = min(anew() for _ in range(2))
    rows = [
        ("through Simulator.run, k changed", f"{1e3 * warm:.2f}", "1"),
        ("the same, compiled anew", f"{1e3 * cold:.0f}", f"{cold / warm:.0f} (at least 50)"),
        ("bare lax scan of the same scheme", f"{1e3 * scan:.2f}",
         f"ours takes {warm / scan:.2f} times as long (at most 1.3)"),
    ]  # fmt: skip
    table("84 regions, delays, noise, 1000 steps", ("run", "ms", "ratio"), rows)


def memory():
    """Print the peak memory of a million steps that keep a thousand samples."""
    import resource

    sim = brainmass.Simulator(brainmass.HopfStep(84, init_x=0.1), dt=DT * u.ms)
    sim.run(1000 * u.ms, monitors="x", sample_every=10000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    out = sim.run(100_000 * u.ms, monitors="x", sample_every=1000)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    if np.shape(out["x"]) != (1000, 84):
        raise RuntimeError(f"runs: the run must keep 1000 samples; got {np.shape(out['x'])}.")
    rows = [("10^6 steps of 84 regions, 1000 samples", f"{(after - before) / 1024:.1f}")]
    table("Memory", ("run", "MB over keeping nothing (at most 50)"), rows)


def main():
    """Print all tables of this file."""
    single_node()
    repeated_network()
    memory()
