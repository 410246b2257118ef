"""The runs behind the pages of the models: pictures of their regimes, convergence, decisions."""

from pathlib import Path

import brainunit as u
import jax
import jax.numpy as jnp
import numpy as np

import brainmass
from brainmass import dynamics
from brainmass.textbook._tools import double_precision

METHODS = ("euler", "exp_euler", "semi_implicit_euler", "heun", "rk4")
REFINEMENTS = (4, 2, 1, 0.5, 0.25)
STEPS = 64


# -- pictures -------------------------------------------------------------------------------------


def regimes(model) -> dict:
    """Run every preset of a model; return ``(time in ms, states)`` by its name."""
    names, size = list(model.presets), 1 if model.elementwise else 5
    if not model.elementwise:
        return {name: _run(model, [name], size)[name] for name in names}
    return _run(model, names, len(names))


def _run(model, names: list[str], size: int) -> dict:
    """Run presets side by side, one node each, in one program; a lone preset takes all nodes."""
    kinds = model.declaration

    def gathered(part, specs):
        out = {}
        for key, spec in specs.items():
            given = [model.presets[n][part].get(key) for n in names]
            if any(v is not None for v in given):
                fill = [spec.default if v is None else v for v in given]
                values = [np.ravel(spec.mantissa(_number(v), model.__name__))[0] for v in fill]
                out[key] = spec.attach(np.array(values if len(names) > 1 else values[0]))
        return out

    starts = {f"init_{k}": v for k, v in gathered("init", kinds.states).items()}
    node = model(size, **gathered("params", kinds.params), **starts)
    inputs = gathered("inputs", kinds.ports)
    longest = max(model.presets[n]["duration"].to_decimal(u.ms) for n in names)
    dt = float(model.suggested_dt.to_decimal(u.ms))
    every = max(1, int(longest / dt) // 12000)
    run = brainmass.Simulator(node, model.suggested_dt).run(
        longest * u.ms, inputs=(lambda i, t: inputs) if inputs else None,
        monitors=list(kinds.states), sample_every=every, seed=1,
    )  # fmt: skip
    time = np.asarray(run["ts"].to_decimal(u.ms))
    out = {}
    for k, name in enumerate(names):
        kept = time <= float(model.presets[name]["duration"].to_decimal(u.ms))
        node_or_all = k if len(names) > 1 else slice(None)
        states = {s: np.asarray(u.get_mantissa(run[s]))[kept][:, node_or_all] for s in kinds.states}
        out[name] = time[kept], states
    return out


def _number(value):
    """A default that is drawn at random starts at the middle of a first draw."""
    return value((1,)) if callable(value) else value


def draw(name: str, model, file: Path) -> None:
    """Draw time course and phase portrait of every regime of a model."""
    from matplotlib.figure import Figure

    runs = regimes(model)
    figure = Figure(figsize=(8, 2.2 * len(runs)), layout="constrained")
    axes = figure.subplots(len(runs), 2, squeeze=False, width_ratios=[3, 1.4])
    for (left, right), (regime, (time, states)) in zip(axes, runs.items(), strict=True):
        left.set_title(f"{name}: {regime}", fontsize=10)
        traces, plane = _views(model, time, states)
        for label, values in traces.items():
            lines = left.plot(time, values, lw=0.8)
            lines[0].set_label(label)
        left.legend(fontsize=8, loc="upper right")
        (xlabel, x), (ylabel, y) = plane.items()
        if set(plane) == set(states):
            _field(right, model, model.presets[regime], states)
        right.plot(x, y, lw=0.9, color="black")
        right.plot(x[0], y[0], "o", ms=4, color="black")
        left.set_xlabel("time (ms)", fontsize=8)
        right.set_xlabel(xlabel, fontsize=8)
        right.set_ylabel(ylabel, fontsize=8)
        for ax in (left, right):
            ax.tick_params(labelsize=7)
    figure.savefig(file, dpi=90)


def _views(model, time, states) -> tuple[dict, dict]:
    """What is drawn over time, and the two axes of the phase portrait."""
    names = list(states)
    if names == ["theta"]:
        theta = states["theta"]
        mean = np.exp(1j * theta).mean(axis=1)
        return {"sin(theta)": np.sin(theta)}, {"Re of the mean": mean.real, "Im": mean.imag}
    if model.output is not dynamics.NeuralMass.output and not model.output_reads_parameters:
        out = model(1).rules().output({n: jnp.asarray(v) for n, v in states.items()})
        if not isinstance(out, tuple):
            signal = np.asarray(u.get_mantissa(out))
            return {"output": signal}, {
                "output": signal,
                "d output / dt": np.gradient(signal, time),
            }
    if len(names) == 1:
        x = states[names[0]]
        return dict(states), {names[0]: x, f"d{names[0]}/dt": np.gradient(x, time)}
    pair = {n: states[n] for n in names[:2]}
    return pair, pair


def _field(ax, model, preset, states) -> None:
    """Draw the field of a planar model around a trajectory."""
    spans, pair = [], list(states)
    for name in pair:
        low, high = float(states[name].min()), float(states[name].max())
        room = max(0.15 * (high - low), 0.02 * (1e-2 + abs(low) + abs(high)))
        spans.append(np.linspace(low - room, high + room, 17))
    x, y = np.meshgrid(*spans)
    node = model(x.size, **preset["params"])
    params = {n: getattr(node, n).mantissa() for n in model.declaration.params}
    inputs = {
        n: jnp.full(x.size, float(model.declaration.inlets[n].mantissa(v, "")))
        for n, v in preset["inputs"].items()
    }
    point = dict(zip(pair, (jnp.asarray(x.ravel()), jnp.asarray(y.ravel())), strict=True))
    rates = node.rules().rates(params, point, inputs, 0.0)
    dx, dy = (np.asarray(rates[n]).reshape(x.shape) for n in pair)
    ax.streamplot(x, y, dx, dy, color="0.75", linewidth=0.5, arrowsize=0.5, density=0.7)


def psychometric(file: Path) -> None:
    """Draw the share of correct decisions of Wong and Wang over the coherence."""
    from matplotlib.figure import Figure

    coherences, trials = np.array([0.0, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512]), 200
    n = coherences.size * trials
    noise = {
        f"noise_s{k}": brainmass.OUProcess(n, sigma=0.02 * u.nA, tau=2.0 * u.ms) for k in (1, 2)
    }
    node = brainmass.WongWangStep(n, init_S1=0.1, init_S2=0.1, **noise)
    given = {"coherence": np.repeat(coherences, trials)}
    run = brainmass.Simulator(node, 1.0 * u.ms).run(
        2 * u.second, inputs=lambda i, t: given, monitors=lambda m: m.get_decision(),
        transient=1999 * u.ms, seed=0,
    )  # fmt: skip
    correct = (np.asarray(run["output"])[-1].reshape(-1, trials) == 1).mean(axis=1)
    figure = Figure(figsize=(4, 2.6), layout="constrained")
    ax = figure.subplots()
    ax.plot(100 * np.maximum(coherences, 0.01), 100 * correct, "o-", color="black")
    ax.set_xscale("log")
    ax.set_xlabel("coherence (%, 0 drawn at 1)")
    ax.set_ylabel("correct (%)")
    ax.set_title(f"{trials} trials each, noise of the paper", fontsize=9)
    figure.savefig(file, dpi=90)


# -- convergence ----------------------------------------------------------------------------------


def convergence(model) -> dict:
    """Errors of every integrator at several steps, relative to the size of the states.

    Runs of 64 suggested steps from the first regime, in double precision; the reference is rk4 at
    a sixteenth of the smallest step.
    """
    methods = [m for m in METHODS if model.elementwise or m != "exp_euler"]
    with double_precision():
        dt = float(model.suggested_dt.to_decimal(u.ms))
        steps = [r * dt for r in REFINEMENTS]
        end = _ends_by_simulator if model.declaration.past else _ends
        errors = end(model, methods, steps, dt * STEPS)
    return {"steps": steps, "errors": errors}


def _start(model):
    """A node in the first regime, its states a little off, and the inputs."""
    regime = next(iter(model.presets.values()), {"params": {}, "init": {}, "inputs": {}})
    rng = np.random.default_rng(0)
    y = {}
    for name, spec in model.declaration.states.items():
        given = _number(regime["init"].get(name, spec.default))
        value = float(np.ravel(spec.mantissa(given, model.__name__))[0])
        value = value + 0.1 * (1 + abs(value)) * rng.random()
        low, high = spec.clamp or (None, None)
        y[name] = float(np.clip(value, low, high)) if spec.clamp else value
    return regime, y


def _ends(model, methods, steps, duration):
    regime, y = _start(model)
    node = model(3, **regime["params"])
    params = {n: getattr(node, n).mantissa() for n in model.declaration.params}
    inlets = model.declaration.inlets
    inputs = {n: jnp.full(3, float(inlets[n].mantissa(v, ""))) for n, v in regime["inputs"].items()}
    y = {n: v * jnp.array([1.0, 1.01, 0.98]) for n, v in y.items()}

    def run(method, y, dt, count):
        rules = type(node.rules())(model, method, node.rules().options)
        one = lambda _, y: rules.advance(params, y, lambda *_: inputs, 0.0, dt)  # noqa: E731
        return jax.lax.fori_loop(0, count, one, y)

    every = jax.jit(lambda y, dt, count: {m: run(m, y, dt, count) for m in methods})
    exact = every(y, steps[-1] / 16, round(16 * duration / steps[-1]))["rk4"]
    out = {m: [] for m in methods}
    for dt in steps:
        found = every(y, dt, round(duration / dt))
        for m in methods:
            out[m].append(_deviation(found[m], exact, y))
    return out


def _ends_by_simulator(model, methods, steps, duration):
    """For models with a memory of their own, whose steps are not those of the equations alone."""
    regime, y = _start(model)
    starts = {f"init_{n}": model.declaration.states[n].attach(v) for n, v in y.items()}

    def run(method, dt):
        node = model(1, method=method, **regime["params"], **starts)
        names = list(model.declaration.states)
        return {
            n: np.asarray(u.get_mantissa(v))[-1]
            for n, v in brainmass.Simulator(node, dt * u.ms)
            .run(duration * u.ms, monitors=names)
            .items()
            if n != "ts"
        }

    exact = run("rk4", steps[-1] / 8)
    return {m: [_deviation(run(m, dt), exact, y) for dt in steps] for m in ("euler", "heun", "rk4")}


def _deviation(found, exact, start) -> float:
    parts = []
    for name, value in exact.items():
        size = np.abs(np.asarray(value)).max() + np.abs(np.asarray(start[name])).max() + 1e-12
        parts.append(np.abs(np.asarray(found[name]) - np.asarray(value)).max() / size)
    return float(np.max(parts))
