"""Sweeps of a delayed network: two cores against one, a cluster and a store against neither."""

import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import brainunit as u
import numpy as np

import brainmass

from .common import DT, best, interleaved, network, table

REGIONS, POINTS, SAMPLE = 84, 1024, 32
SECOND = 1000 * u.ms
SETTINGS = {"monitors": "node.x", "sample_every": 10}


def spread(result):
    """Return what is kept of a run."""
    return np.asarray(result["node.x"]).std(0)


def sweep(points, **settings):
    """Sweep the strength of coupling and return the dataset."""
    sim = brainmass.Simulator(network(REGIONS), dt=DT * u.ms)
    values = np.linspace(0.1, 0.9, points)
    return brainmass.sweep(
        sim, {"k": values}, duration=SECOND, reduce={"sd": spread}, progress=False, **SETTINGS,
        **settings,
    )  # fmt: skip


def candidates():
    """Return calls that compute a batch of points on one core, by name."""
    import jax
    import jax.numpy as jnp
    from jax import lax

    net = network(REGIONS)
    sim = brainmass.Simulator(net, dt=DT * u.ms)
    values = np.linspace(0.1, 0.9, SAMPLE)

    def traced(k):
        net = network(REGIONS)
        net.couplings[0].k.set_value(k)
        run = brainmass.Simulator(net, dt=DT * u.ms).run(SECOND, seed=0, **SETTINGS)
        return jnp.std(run["node.x"], axis=0)

    def runs():
        for k in values:
            net.k = k
            spread(sim.run(SECOND, seed=0, **SETTINGS))

    mapped = jax.jit(lambda ks: lax.map(traced, ks))
    vectorised = jax.jit(jax.vmap(traced))
    ks = jnp.asarray(values, jnp.float32)
    return {
        "`Simulator.run` in a loop": runs,
        "`lax.map` of `Simulator.run`": lambda: jax.block_until_ready(mapped(ks)),
        "`vmap` of `Simulator.run`": lambda: jax.block_until_ready(vectorised(ks)),
        "`sweep` with one thread": lambda: sweep(SAMPLE, threads=1),
    }


def one_core(core, repeats):
    """Print milliseconds per point of every candidate on one core, and compute at a signal.

    The second half lets several processes compute at the same time: each waits for a line on its
    standard input, takes the best candidate through its points, and prints its time.
    """
    os.sched_setaffinity(0, {core})
    calls = candidates()
    times = {name: 1e3 * best(call, repeats) / SAMPLE for name, call in calls.items()}
    print(json.dumps(times), flush=True)
    fastest = calls[min(times, key=times.__getitem__)]
    for _ in sys.stdin:
        start = time.perf_counter()
        fastest()
        print(json.dumps(1e3 * (time.perf_counter() - start) / SAMPLE), flush=True)


def _child(core, repeats):
    program = f"from benchmarks.sweeps import one_core; one_core({core}, {repeats})"
    return subprocess.Popen(
        [sys.executable, "-c", program], text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )


def throughput():
    """Print a sweep on two cores against twice the best throughput of one."""
    cores = sorted(os.sched_getaffinity(0))[:2]
    children, found = [], []
    for core in cores:  # one after the other: each measures its core with the other one idle
        children.append(_child(core, 3))
        found.append(json.loads(children[-1].stdout.readline()))
    times = {name: min(each[name] for each in found) for name in found[0]}
    alone = min(times.values())
    both = []
    for _ in range(4):
        for child in children:
            print(file=child.stdin, flush=True)
        both.append(max(json.loads(child.stdout.readline()) for child in children))
    for child in children:
        child.stdin.close()
        child.wait()
    sweep(16, threads=2)
    start = time.perf_counter()
    result = sweep(POINTS, threads=2)
    seconds = time.perf_counter() - start
    if not (result["finished"].all() and np.isfinite(result["sd"]).all()):
        raise RuntimeError("Every point of the sweep must be finished and finite.")
    ideal = POINTS * alone / 2e3
    rows = [(f"one core, {name}", f"{t:.2f}", "") for name, t in times.items()]
    rows += [
        ("two processes, one core each, at the same time", f"{min(both) / 2:.2f}",
         f"{min(both) / alone:.2f}"),
        (f"`sweep` of {POINTS} points with two threads, {seconds:.1f} s",
         f"{1e3 * seconds / POINTS:.2f}", f"{seconds / ideal:.2f} (at most 1.2)"),
    ]  # fmt: skip
    header = ("84 regions, delays, noise, 10 000 steps", "ms per point", "of the ideal: half the "
              "best of one core")  # fmt: skip
    table("A sweep on two cores", header, rows)


def cluster_and_store(points=512, repeats=3):
    """Print what a Dask cluster and a store add to the time of a sweep."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from dask.distributed import Client, LocalCluster

        cluster = LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None)
        with tempfile.TemporaryDirectory() as folder, cluster, Client(cluster) as client:
            names = iter(range(1000))
            calls = [
                lambda: sweep(points, threads=2, batch=64),
                lambda: sweep(points, client=client, batch=64),
                lambda: sweep(points, threads=2, batch=64, store=f"{folder}/{next(names)}.zarr"),
                lambda: sweep(points, threads=2, batch=8, store=f"{folder}/{next(names)}.zarr"),
            ]
            threads, dask, stored, often = interleaved(calls, repeats)
            size = sum(f.stat().st_size for f in Path(folder).rglob("*") if f.is_file())
    if not size:
        raise RuntimeError("The store must hold the results.")
    rows = [
        ("two threads, batches of 64", f"{threads:.2f}", ""),
        ("two Dask workers, batches of 64", f"{dask:.2f}",
         f"{100 * (dask / threads - 1):+.1f} % (at most 5)"),
        ("two threads, every 64 points to a Zarr store", f"{stored:.2f}",
         f"{100 * (stored / threads - 1):+.1f} %"),
        ("two threads, every 8 points to a Zarr store", f"{often:.2f}",
         f"{100 * (often / threads - 1):+.1f} %"),
    ]  # fmt: skip
    header = (f"{points} points; 64 take a thread {64 * 2 * threads / points:.1f} s",
              "s", "more than threads alone")  # fmt: skip
    table("Cluster and store", header, rows)


def main():
    """Print all tables of this file."""
    throughput()
    cluster_and_store()
