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
import numpy as np
from model_runs import STEPS, convergence, draw, psychometric
from symbolic import latex_lines, tex

import brainmass
from brainmass import dynamics, textbook

PACKAGE = Path(brainmass.__file__).parent
MORE = {"WongWangStep": {"Psychometric curve": psychometric}}

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
    sources = [*PACKAGE.rglob("*.py"), *Path(__file__).parent.glob("*.py")]
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
