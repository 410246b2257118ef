"""Delayed networks of all sizes against C loops and the plain gather."""

import time
from concurrent.futures import ThreadPoolExecutor

import brainunit as u
import numpy as np

import brainmass

from .baselines import blocked_c, gather_scan, naive_c
from .common import DT, best, interleaved, network, table

LIMITS = {8: "at most 0.4 us", 84: "1.1 x naive C", 400: "0.6 x naive C", 1000: "0.3 x naive C"}


def sweep(points=64, steps=10_000):
    """Print a sweep of one network over 64 strengths, on two threads."""
    simulators = []
    for _ in range(2):
        net = network(84)
        simulators.append((net, brainmass.Simulator(net, dt=DT * u.ms)))
    values = np.linspace(0.1, 0.9, points)

    def work(thread):
        net, sim = simulators[thread]
        for k in values[thread::2]:
            net.k = k
            sim.run(steps * DT * u.ms, monitors="node.x", sample_every=10, seed=0)

    def both():
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(work, range(2)))

    seconds = best(both, 1)
    rows = [("64 points on two threads", f"{1e6 * seconds / points / steps:.2f} (at most 4)")]
    table("Sweep, N = 84, 10 000 steps", ("run", "us per point and step"), rows)


def main():
    """Print microseconds a step for every size, and the sweep."""
    rows = []
    for n in (8, 84, 400, 1000):
        steps = {8: 20000, 84: 10000, 400: 1500, 1000: 600}[n]
        calls, compiled = [], []
        for method in ("euler", "heun"):
            sim = brainmass.Simulator(network(n, method), dt=DT * u.ms)
            start = time.perf_counter()
            sim.run(DT * 10 * u.ms, monitors="node.x", sample_every=10, seed=0)
            compiled.append(time.perf_counter() - start)
            calls.append(
                lambda sim=sim, steps=steps: sim.run(
                    steps * DT * u.ms, monitors="node.x", sample_every=10, seed=0
                )
            )
        calls += [gather_scan(n, steps), naive_c(n, steps), blocked_c(n, steps)]
        euler, heun, gather, naive, blocked = (1e6 * t / steps for t in interleaved(calls, 4))
        rows.append(
            (n, f"{euler:.2f}", f"{heun:.2f}", f"{gather:.2f}", f"{naive:.2f}", f"{blocked:.2f}",
             f"{gather / euler:.1f}", f"{euler / naive:.2f} ({LIMITS[n]})",
             f"{compiled[0]:.2f}, {compiled[1]:.2f}")
        )  # fmt: skip
    header = ("N", "ours euler", "ours heun", "gather in lax.scan", "naive C", "blocked C",
              "gather / ours", "ours / naive C", "first run, s")  # fmt: skip
    table("Delayed networks with noise, us a step", header, rows)
    sweep()
