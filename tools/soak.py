"""Do the same thing very often and look whether memory grows: runs, widgets, fits, hours of BOLD.

``python tools/soak.py`` does each in a process of its own and prints a table; it fails if the
memory of the last quarter is more than 2 % above that of the second, or a cache beyond its bound.
``python tools/soak.py runs fits`` does some; the short form in the tests calls the functions.
"""

import contextlib
import ctypes
import gc
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import brainunit as u
import jax.numpy as jnp
import numpy as np
from brainstate.nn import Param

import brainmass

LIMIT = 0.02
MS = u.ms
HOUR = 3.6e6


def resident() -> float:
    """Return the memory of this process in MB, without what could be given back."""
    gc.collect()
    with contextlib.suppress(OSError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)
    with open("/proc/self/status") as status:
        line = next(line for line in status if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def caches() -> dict[str, tuple[int, int]]:
    """Return how full every cache of the library is, and its bound."""
    from brainmass.engine import cache, stability, streams, watch

    keys = streams._concrete_key.cache_info()
    return {
        "programs": (len(cache.programs), cache.programs._size),
        "identities": (len(cache._known), 256),
        "observers": (len(watch._layouts), 128),
        "diagnoses": (len(stability._functions), stability._functions._size),
        "keys": (keys.currsize, keys.maxsize),
    }


def network(n: int, **settings):
    """Return a Hopf network with delays and noise."""
    rng = np.random.default_rng(n)
    weights = rng.uniform(0, 1, (n, n)) * (1 - np.eye(n))
    node = brainmass.HopfStep(
        n, a=0.1, w=0.05, init_x=0.1, noise_x=brainmass.WhiteNoise(n, sigma=0.02)
    )
    return brainmass.Network(
        node,
        **{
            "conn": weights / weights.sum(1).max(),
            "distance": rng.uniform(10, 100, (n, n)) * u.mm,
            "speed": 10 * u.mm / MS,
            "coupled_var": "x",
            "k": 0.3,
            **settings,
        },
    )


# What is done; each yields once per repetition.


def runs(count: int) -> Iterator[None]:
    """Run freshly built models of several sizes, with changing parameters and durations."""
    for k in range(count):
        net = network(4 + 4 * (k % 3), k=0.1 + 0.001 * k)
        sim = brainmass.Simulator(net, dt=0.1 * MS)
        sim.run((100 + k % 7) * MS, monitors={"x": "node.x", "r": _radius}, seed=k)
        list(sim.stream(20 * MS, monitors="node.x", init_states=False))
        yield


def _radius(m):
    return m.node.x.value**2 + m.node.y.value**2


def structures(count: int) -> Iterator[None]:
    """Run models whose programs all differ, so that the cache has to forget."""
    for k in range(count):
        sim = brainmass.Simulator(brainmass.HopfStep(2, init_x=0.1), dt=0.1 * MS)
        scale = 1.0 + k
        sim.run(5 * MS, monitors=lambda m, scale=scale: m.x.value * scale)
        yield


def divergences(count: int) -> Iterator[None]:
    """Let runs diverge and be diagnosed."""
    for k in range(count):
        node = brainmass.HopfStep(3, beta=np.array([1.0, -1.0 - 0.01 * k, 1.0]), init_x=0.9)
        try:
            brainmass.Simulator(node, dt=0.1 * MS).run(50 * MS, monitors="x")
        except brainmass.DivergenceError as error:
            if error.region != (1,):
                raise RuntimeError(f"the wrong region was named: {error}") from error
        yield


def sweeps(count: int) -> Iterator[None]:
    """Sweep, with threads, reductions and results as datasets."""
    sim = brainmass.Simulator(network(4), dt=0.1 * MS)
    for k in range(count):
        values = np.linspace(0.1, 0.5, 6) + 0.001 * k
        brainmass.sweep(
            sim, {"k": values}, duration=50 * MS, monitors="node.x", progress=False, seeds=[k],
            reduce={"sd": lambda result: result["node.x"].std(0)},
        )  # fmt: skip
        yield


def widgets(count: int) -> Iterator[None]:
    """Open a widget, move a slider, close it."""
    from brainmass_widgets import NetworkWidget, SimulatorWidget

    for k in range(count):
        kind, model = SimulatorWidget, brainmass.HopfStep(2, init_x=0.1)
        if k % 2:
            kind, model = NetworkWidget, network(4)
        widget = kind(model, duration=50 * MS)
        widget.flush()
        name = "a" if kind is SimulatorWidget else "k"
        widget.controls[name].set(0.2)
        widget.flush()
        widget.close()
        yield


def fits(count: int) -> Iterator[None]:
    """Take steps of one fit after the other; a hundred steps are one fit."""
    node = brainmass.HopfStep(2, a=Param(0.2, fit=True), init_x=0.2)
    sim = brainmass.Simulator(node, dt=0.1 * MS)

    def predict(model):
        return jnp.mean(sim.run(20 * MS, monitors="x", seed=0)["x"] ** 2)

    fitter = brainmass.Fitter(node, predict=predict)
    for k in range(count):
        if k % 100 == 0:
            fitter.start(jnp.float32(0.05 + 0.0001 * k), n_steps=100)
        fitter.step()
        yield


def bold(hours: float, parts: int = 40) -> Iterator[None]:
    """Simulate BOLD for hours, one part after the other, without keeping the neural signal."""
    net = network(8)
    sim = brainmass.Simulator(net, dt=0.5 * MS)
    signal = brainmass.BOLDSignal(8, source="node.x", period=720 * MS)
    steps = int(hours * HOUR / parts / 720)
    for k in range(parts):
        result = sim.run(
            steps * 720 * MS, monitors={"bold": signal}, init_states=k == 0, seed=0 if k == 0
            else None, progress=False,
        )  # fmt: skip
        samples = np.asarray(result["bold"])
        if len(samples) != steps or not np.isfinite(samples).all():
            raise RuntimeError(f"BOLD must have {steps} finite samples; got {samples}.")
        yield


LONG: dict[str, tuple[Callable, float]] = {
    "runs": (runs, 200),
    "structures": (structures, 200),
    "divergences": (divergences, 200),
    "sweeps": (sweeps, 200),
    "widgets": (widgets, 200),
    "fits": (fits, 1000),
    "bold": (bold, 10.0),
}


def soak(activity: Iterator[None], count: int, looks: int = 40) -> dict:
    """Do something ``count`` times; return the memory of the second and of the last quarter."""
    every = max(1, count // looks)
    memory, began = [], time.perf_counter()
    for k, _ in enumerate(activity):
        if k % every == every - 1:
            memory.append(resident())
    quarter = len(memory) // 4
    second, last = np.mean(memory[quarter : 2 * quarter]), np.mean(memory[-quarter:])
    return {
        "second": float(second),
        "last": float(last),
        "growth": float(last / second - 1),
        "seconds": time.perf_counter() - began,
        "caches": caches(),
    }


def complaints(report: dict) -> list[str]:
    """Return what is wrong with a report."""
    out = [f"memory grew by {report['growth']:.1%}"] if report["growth"] > LIMIT else []
    full = [f"{n} holds {size} of {most}" for n, (size, most) in report["caches"].items()
            if size > most]  # fmt: skip
    return out + full


def one(name: str) -> None:
    """Do one activity in this process and print its report."""
    function, amount = LONG[name]
    if name == "structures":
        from brainmass.engine import cache

        cache.programs._size = 16
    count = 40 if name == "bold" else int(amount)
    print(json.dumps(soak(function(amount), count)))


def main(names: list[str]) -> int:
    """Do every activity in a process of its own and print a table."""
    print("| what | how often | MB, second quarter | MB, last quarter | growth | s |")
    print("|---|---|---|---|---|---|")
    failed = []
    for name in names or list(LONG):
        command = [sys.executable, __file__, "--one", name]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            failed.append(f"{name}: {done.stderr.strip().splitlines()[-1]}")
            continue
        report = json.loads(done.stdout.splitlines()[-1])
        amount = f"{LONG[name][1]:g}" + (" h" if name == "bold" else "")
        print(
            f"| {name} | {amount} | {report['second']:.0f} | {report['last']:.0f} | "
            f"{report['growth']:+.2%} | {report['seconds']:.0f} |",
            flush=True,
        )
        failed += [f"{name}: {text}" for text in complaints(report)]
    for text in failed:
        print(f"soak: {text}", file=sys.stderr)
    return bool(failed)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        one(sys.argv[2])
    else:
        sys.exit(main(sys.argv[1:]))
