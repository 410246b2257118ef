"""Delayed networks of all sizes against C loops and the plain gather."""

import time

import brainunit as u

import brainmass

from .baselines import blocked_c, gather_scan, naive_c
from .common import DT, interleaved, network, table

LIMITS = {8: "at most 0.4 us", 84: "1.1 x naive C", 400: "0.6 x naive C", 1000: "0.3 x naive C"}


def main():
    """Print microseconds a step for every size."""
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
