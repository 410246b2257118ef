"""One page per model, written from its declaration: equations, tables, pictures, convergence.

What takes long, the runs behind the pictures and tables, is kept in ``docs/_build/models`` under
the fingerprint of the code that it follows from.
"""

import hashlib
import inspect
import json
import shutil
import warnings
from pathlib import Path

import brainunit as u
import jax
import jax.numpy as jnp
import numpy as np
from symbolic import latex_lines, tex

import brainmass
from brainmass import dynamics, textbook
from brainmass.textbook._tools import double_precision

PACKAGE = Path(brainmass.__file__).parent
METHODS = ("euler", "exp_euler", "semi_implicit_euler", "heun", "rk4")
REFINEMENTS = (4, 2, 1, 0.5, 0.25)
STEPS = 64

INTRODUCTION = """# Models

Every model declares its science once: parameters with unit, range and source, states, inputs and
equations. These pages are written from that declaration; formulas are read from the code that runs.
[Numbers of the literature beside ours](textbook.md) are computed when the pages are built.
"""


def models() -> dict:
    """Every model of the package by name, in the order of the catalogue, variants after."""
    ours = {n: m for n, m in dynamics.registry.items() if m.__module__.startswith("brainmass.")}
    listed = [info.name for info in brainmass.list_models()]
    order = [*listed, *sorted(set(ours) - set(listed))]
    return {name: ours[name] for name in order}


def write_model_pages(folder: Path, cache: Path) -> None:
    """Write the index, the table of textbook numbers and one page per model."""
    folder.mkdir(exist_ok=True)
    for old in folder.glob("*"):
        old.unlink()
    cache = cache / fingerprint()
    for old in cache.parent.glob("*"):
        if old.name != cache.name:
            shutil.rmtree(old)
    cache.mkdir(parents=True, exist_ok=True)
    numbers = _kept(cache / "textbook.json", lambda: [f.value() for f in textbook.facts()])
    (folder / "index.md").write_text(_index())
    (folder / "textbook.md").write_text(_textbook_page(numbers))
    for name, model in models().items():
        (folder / f"{name}.md").write_text(_page(name, model, folder, cache, numbers))


def fingerprint() -> str:
    """Return what the pictures and tables follow from, as a short text."""
    sources = [*PACKAGE.rglob("*.py"), Path(__file__)]
    text = b"".join(path.read_bytes() for path in sorted(sources))
    return hashlib.sha256(text + jax.__version__.encode()).hexdigest()[:16]


def _kept(file: Path, compute):
    if not file.exists():
        file.write_text(json.dumps(compute()))
    return json.loads(file.read_text())


# -- pages ----------------------------------------------------------------------------------------


def _index() -> str:
    rows = [["model", "kind", "states", "for"]]
    rows += [
        [f"[{m.name}]({m.name}.md)", m.category, m.n_state_vars, m.use_case]
        for m in brainmass.list_models()
    ]
    listed = {m.name for m in brainmass.list_models()}
    variants = [[f"[{n}]({n}.md)", m.use] for n, m in models().items() if n not in listed]
    names = "\n".join(["textbook", *models()])
    return (
        f"{INTRODUCTION}\n## Catalogue\n\n{_table(rows)}\n\n## Variants\n\n"
        f"{_table([['model', 'for'], *variants])}\n\n```{{toctree}}\n:hidden:\n\n{names}\n```\n"
    )


def _textbook_page(numbers) -> str:
    text = """# Numbers of the literature beside ours

Each number is computed in double precision by `brainmass.textbook` and must agree within the
tolerance. `brainmass.textbook.to_table()` prints the same table on your machine.

"""
    rows = [["model", "quantity", "unit", "textbook", "ours", "tolerance", "source"]]
    for fact, ours in zip(textbook.facts(), numbers, strict=True):
        rows.append([f"[{fact.model}]({fact.model}.md)", *_compared(fact, ours), fact.source])
    return text + _table(rows) + "\n"


def _compared(fact, ours) -> list[str]:
    return [
        fact.quantity, fact.unit, f"{fact.expected:.8g}", f"{ours:.8g}", f"{fact.tolerance:.0e}",
    ]  # fmt: skip


def _page(name: str, model, folder: Path, cache: Path, numbers) -> str:
    summary = inspect.cleandoc(model.__doc__ or "").partition("\n")[0]
    parts = [f"# {name}\n", summary, f"*{model.use}.*"]
    if hasattr(model, "equations"):
        parts += _declared(name, model, folder, cache)
    rows = [["quantity", "unit", "textbook", "ours", "tolerance", "source"]]
    for fact, ours in zip(textbook.facts(), numbers, strict=True):
        if fact.model == name:
            rows.append([*_compared(fact, ours), fact.source])
    if len(rows) > 1:
        parts += ["## Numbers of the literature", _table(rows)]
    parts += ["## Reference", f"{model.reference}."]
    target = f"brainmass.{name}"
    parts += ["## Class", f"```{{eval-rst}}\n.. autoclass:: {target}\n   :members:\n```"]
    return "\n\n".join(parts) + "\n"


def _declared(name: str, model, folder: Path, cache: Path) -> list[str]:
    """The parts of a page that follow from a declaration."""
    equations = "\\\\\n".join(latex_lines(model))
    info = brainmass.model_info(model)
    parts = ["## Equations", f"$$\n\\begin{{aligned}}\n{equations}\n\\end{{aligned}}\n$$"]
    parts += [
        "A dot is the derivative in time, in ms where nothing else is said; symbols carry the "
        "units of the tables, $\\xi$ is noise."
    ]
    rows = [["name", "symbol", "default", "unit", "useful range", "meaning"]]
    for entry in info.parameters:
        span = "" if entry.bounds is None else f"{entry.bounds[0]:g} to {entry.bounds[1]:g}"
        symbol = f"${tex(entry.name)}$"
        rows.append([f"`{entry.name}`", symbol, entry.default, entry.unit, span, entry.doc])
    parts += ["## Parameters", _table(rows)]
    if info.ranges:
        parts += [f"Useful ranges: {info.ranges}."]
    for title, entries in (("States", info.states), ("Inputs", info.inlets)):
        rows = [["name", "symbol", "at rest" if title == "Inputs" else "start", "unit", "meaning"]]
        rows += [[f"`{e.name}`", f"${tex(e.name)}$", e.default, e.unit, e.doc] for e in entries]
        parts += [f"## {title}", _table(rows)]
    parts += ["A network couples into the first input unless `target=` names another."]
    if model.presets:
        rows = [["name", "what happens", "source"]]
        rows += [[f"`{n}`", p["doc"], p["source"]] for n, p in model.presets.items()]
        picture = cache / f"{name}.png"
        if not picture.exists():
            draw(name, model, picture)
        shutil.copy(picture, folder)
        parts += ["## Published regimes", _table(rows)]
        parts += [f'`brainmass.{name}.from_preset("{next(iter(model.presets))}")` builds one.']
        parts += [f"![Time courses and phase portraits of {name}]({name}.png)"]
    for title, painter in MORE.get(name, {}).items():
        picture = cache / f"{name}-{painter.__name__.strip('_')}.png"
        if not picture.exists():
            painter(picture)
        shutil.copy(picture, folder)
        parts += [f"## {title}", f"![{title}]({picture.name})"]
    table = _kept(cache / f"{name}.json", lambda: convergence(model))
    parts += ["## Convergence", _convergence_text(model, table)]
    return parts


def _table(rows) -> str:
    lines = ["| " + " | ".join(str(c).replace("|", "\\|") for c in row) + " |" for row in rows]
    return "\n".join([lines[0], "|" + "---|" * len(rows[0]), *lines[1:]])


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


MORE = {"WongWangStep": {"Psychometric curve": psychometric}}


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


def _convergence_text(model, table) -> str:
    methods = list(table["errors"])
    rows = [["dt (ms)", *(f"`{m}`" for m in methods)]]
    for k, dt in enumerate(table["steps"]):
        rows.append([f"{dt:.4g}", *(_error(table["errors"][m][k]) for m in methods)])
    rows.append(["order", *(_order(table["errors"][m]) for m in methods)])
    duration = table["steps"][2] * STEPS
    return (
        f"Relative error after {duration:.4g} ms against a much finer run, by integrator; the last "
        f"row is the slope between the two smallest steps. The suggested step is "
        f"{model.suggested_dt.to_decimal(u.ms):g} ms and the default integrator "
        f"`{model.default_method}`.\n\n{_table(rows)}"
    )


def _error(value: float) -> str:
    return f"{value:.1e}" if np.isfinite(value) else "diverges"


def _order(errors) -> str:
    a, b = errors[-2:]
    if not np.isfinite([a, b]).all() or b < 1e-13:
        return "exact" if b < 1e-13 else ""
    return f"{np.log2(a / b):.2f}"


def main() -> None:
    """Write the pages beside this file, to look at them without building everything."""
    here = Path(__file__).parent
    warnings.simplefilter("error")
    write_model_pages(here / "models", here / "_build" / "models")


if __name__ == "__main__":
    main()
