"""Fits: parameters that are known are found again, and what a step of each backend costs."""

import gc
import time

import braintools
import brainunit as u
import jax
import jax.numpy as jnp
import numpy as np
import optax
from brainstate.nn import Param

import brainmass
from brainmass import Fitter, datasets, tasks
from brainmass.fitter._derivative import choose_mode

from .common import DT, best, connectome, table
from .recoveries import full


def main():
    """Print the recovery table, then times of steps, then tasks."""
    recoveries()
    steps()
    modes()
    learning()


def recoveries():
    """Print errors and times of every problem and backend at full size."""
    rows = []
    for make in full().values():
        problem = make()
        for way in problem.ways:
            result, seconds = problem.fit(way)
            errors = problem.errors(result)
            rows.append(
                (problem.name, way, len(result.history), _errors(problem, errors),
                 f"{result.best_loss:.4g}", f"{seconds:.1f}")
            )  # fmt: skip
    header = ("known", "backend", "evaluations", "largest error", "loss", "s, compiling included")
    table("Known parameters, found from simulated data", header, rows)


def _errors(problem, errors) -> str:
    words = []
    for name, error in errors.items():
        true = problem.truth[name]
        unit = u.get_unit(true)
        size = float(np.mean(np.abs(u.get_mantissa(true))))
        label = "" if unit.is_unitless else f" {unit}"
        words.append(f"{name.split('.')[-1]} {error:.2g}{label} ({100 * error / size:.1f} %)")
    return ", ".join(words)


def steps():
    """Print what steps and candidates cost once everything is compiled."""
    rows = []
    for backend, optimizer, count in (
        ("grad", braintools.optim.Adam(lr=0.01), 1),
        ("nevergrad", {"method": "DE", "n_sample": 8}, 5),
        ("nevergrad", {"method": "DE", "n_sample": 40}, 1),
        ("scipy", "L-BFGS-B", 1),
    ):
        fitter, target = _small_network(backend, optimizer)
        start = time.perf_counter()
        fitter.fit(target, count, seed=0)
        first = time.perf_counter() - start
        warm = best(lambda: fitter.fit(target, count, seed=0), 3)  # noqa: B023
        evaluations = len(fitter.result().history)
        rows.append(
            (backend, optimizer.get("n_sample", 1) if isinstance(optimizer, dict) else 1,
             evaluations, f"{1e3 * warm:.0f}", f"{first:.1f}")
        )  # fmt: skip
    header = ("backend", "at once", "evaluations", "warm ms (40 candidates: at most 1500)",
              "first s")  # fmt: skip
    table("A 500-step network of 8 regions with delays, FC objective", header, rows)
    fitter, target = _small_network("grad", braintools.optim.Adam(lr=0.01))
    fitter.start(target, 10**6)
    for _ in range(50):
        fitter.step()
    gc.collect()
    before, began = len(jax.live_arrays()), time.perf_counter()
    for _ in range(1000):
        fitter.step()
    seconds = time.perf_counter() - began
    gc.collect()
    print(
        f"\n1000 further steps: {seconds:.2f} s, {len(jax.live_arrays()) - before:+d} arrays on "
        "the device"
    )


def _small_network(backend, optimizer):
    net = brainmass.Network(
        brainmass.HopfStep(8, a=0.2, w=0.3),
        conn=datasets.load_dataset("example_connectome"),
        speed=10 * u.mm / u.ms, coupling="diffusive", coupled_var="x", k=Param(0.5, fit=True),
    )  # fmt: skip

    def predict(model):
        run = brainmass.Simulator(model, dt=DT * u.ms)
        return run.run(50 * u.ms, monitors="node.x")["node.x"]

    space = None if backend == "grad" else {"coupling.k": (0.0, 2.0)}
    fitter = Fitter(
        net, optimizer, predict=predict, backend=backend, search_space=space,
        objective=brainmass.objectives.fc_corr(as_loss=True),
    )  # fmt: skip
    return fitter, np.random.default_rng(0).normal(size=(500, 8))


def modes():
    """Print a gradient step in reverse and forward, and which of them is chosen."""
    rows = []
    for name, make in _modal().items():
        milliseconds = {}
        for mode in ("reverse", "forward"):
            fitter = _gradient_of(*make(), mode)
            fitter.step()
            milliseconds[mode] = 1e3 * best(fitter.step, 15)
        program = fitter._search.program
        chosen = choose_mode("auto", program.jaxpr, fitter._search.theta)
        rows.append(
            (name, f"{milliseconds['reverse']:.1f}", f"{milliseconds['forward']:.1f}", chosen)
        )
    header = ("trained numbers", "reverse ms", "forward ms", "automatic choice")
    table("One step of a fit through 2000 steps", header, rows)


def _modal():
    """Return models and what is recorded of them."""
    a, free = np.full(84, 0.2, np.float32), {"fit": True}
    weights, steps = connectome(84)
    delays = {"distance": steps * 1.0 * u.mm, "speed": 10.0 * u.mm / u.ms, "delay_init": 0.01}

    def node(n, **given):
        return brainmass.HopfStep(n, **{"a": 0.2, "w": 0.3, "init_x": 0.1, **given})

    def column(n):
        gains = {"Ae": Param(3.25 * u.mV, **free), "Ai": Param(22.0 * u.mV, **free)}
        rates = {"be": Param(100.0 * u.Hz, **free), "bi": Param(50.0 * u.Hz, **free)}
        return brainmass.JansenRitStep(n, **gains, **rates)

    def network(k, a, more):
        net = brainmass.Network(node(84, a=a), conn=weights, coupled_var="x", k=k, **more)
        return net, "node.x"

    return {
        "1 Hopf node, 1": lambda: (node(1, a=Param(0.2, **free)), "x"),
        "8 Hopf nodes, a of each": lambda: (node(8, a=Param(a[:8], **free)), "x"),
        "84 Hopf nodes, a of each": lambda: (node(84, a=Param(a, **free)), "x"),
        "1 Jansen-Rit column, 4": lambda: (column(1), "E"),
        "8 Jansen-Rit columns, 4": lambda: (column(8), "E"),
        "84 Jansen-Rit columns, 4": lambda: (column(84), "E"),
        "84 regions without delays, 2": lambda: network(Param(0.1, **free), Param(0.2, **free), {}),
        "84 regions with delays, 1": lambda: network(Param(0.5, **free), 0.2, delays),
        "84 regions with delays, 2": lambda: network(
            Param(0.5, **free), Param(0.2, **free), delays
        ),
        "84 regions with delays, a of each": lambda: network(0.5, Param(a, **free), delays),
    }


def _gradient_of(model, state, mode):
    def loss(model):
        run = brainmass.Simulator(model, dt=DT * u.ms)
        out = run.run(2000 * DT * u.ms, monitors=state, sample_every=10, seed=0)
        return jnp.mean(u.get_mantissa(out[state]) ** 2)

    fitter = Fitter(model, optax.sgd(0.0), loss_fn=loss, differentiation=mode)
    fitter.start(None, 10**6, seed=0)
    return fitter


def learning():
    """Print what networks of harmonic oscillators learn."""
    rows = []
    for name, data, held_out, net, count in _tasks():
        x, y = data
        fitter = Fitter(
            net,
            optax.chain(optax.clip_by_global_norm(1.0), optax.adam(0.01)),
            predict=lambda model, x: model.update(jnp.swapaxes(x, 0, 1)),
            objective=tasks.cross_entropy,
            metrics={"accuracy": tasks.accuracy},
        )
        start = time.perf_counter()
        result = fitter.fit(y, count, inputs=x, validation=held_out, batch_size=64, seed=0)
        seconds = time.perf_counter() - start
        accuracy = result.validation["validation_accuracy"]
        chance = 1 / (1 + int(np.max(y)))
        rows.append((name, count, f"{accuracy:.3f}", f"{chance:.2f}", f"{seconds:.1f}"))
    header = ("task", "steps of 64", "accuracy on held-out data", "chance", "s")
    table("Networks of harmonic oscillators", header, rows)


def _tasks():
    settings = {"alpha": 0.3, "gamma": 0.05}
    yield (
        "delayed match, 10 steps, 32 oscillators",
        datasets.delayed_match_task(256, seed=0),
        datasets.delayed_match_task(256, seed=1),
        brainmass.HORNSeqNetwork(4, 32, 2, omega=0.4, **settings),
        600,
    )
    yield (
        "digits by rows, 8 steps, 64 oscillators",
        tasks.sequential_digits(2000, rows=True, seed=0),
        tasks.sequential_digits(500, rows=True, seed=1),
        brainmass.HORNSeqNetwork(8, 64, 10, omega=0.4, **settings),
        1200,
    )
    yield (
        "digits by pixels, 64 steps, 64 oscillators",
        tasks.sequential_digits(2000, seed=0),
        tasks.sequential_digits(500, seed=1),
        brainmass.HORNSeqNetwork(1, 64, 10, omega=0.2, **settings),
        3000,
    )
