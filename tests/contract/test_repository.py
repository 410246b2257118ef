"""What the repository says about itself is true: notebooks, documents, docstrings, requirements."""

import importlib
import importlib.metadata
import inspect
import json
import re
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import brainmass
from brainmass import dynamics

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "tutorials").glob("**/*.ipynb"))
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *(ROOT / "binder").glob("*.md"),
    *(ROOT / "docs").glob("*.md"),
    *(ROOT / "docs" / "concepts").glob("*.md"),
    *(ROOT / "docs" / "how-to").glob("*.md"),
]
LOCAL_PATH = re.compile(r"(?<![\w./])/(home|Users|root|tmp|work|private|mnt)/|\bC:\\")

each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.name)
each_page = pytest.mark.parametrize("path", PAGES, ids=lambda p: str(p.relative_to(ROOT)))


def code_cells(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [c for c in cells if c["cell_type"] == "code" and "".join(c["source"]).strip()]


@each_notebook
def test_notebook_was_run_from_top_to_bottom(path):
    counts = [cell["execution_count"] for cell in code_cells(path)]
    assert counts == list(range(1, len(counts) + 1))


@each_notebook
def test_notebook_holds_no_error(path):
    outputs = [output for cell in code_cells(path) for output in cell["outputs"]]
    assert [o["evalue"] for o in outputs if o["output_type"] == "error"] == []


@each_notebook
def test_notebook_holds_no_path_of_a_machine(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    assert [line[:200] for line in lines if LOCAL_PATH.search(line)] == []


@each_notebook
def test_notebook_holds_no_warning(path):
    outputs = [output for cell in code_cells(path) for output in cell["outputs"]]
    assert [o["text"] for o in outputs if o.get("name") == "stderr"] == []


# What only some calls of brainmass import, and a word in the notebooks that says they do.
LAZY = {"nevergrad": "nevergrad", "xarray": "sweep(", "zarr": ".zarr", "h5netcdf": ".nc"}


def installed_with(requirement):
    """Distributions that a requirement brings, itself included."""
    found, waiting = set(), [Requirement(requirement)]
    while waiting:
        need = waiting.pop()
        key = (canonicalize_name(need.name), frozenset(need.extras))
        if key in found:
            continue
        found.add(key)
        try:
            texts = importlib.metadata.requires(need.name) or []
        except importlib.metadata.PackageNotFoundError:
            continue  # where not everything is installed, as on the second Python
        for text in texts:
            below = Requirement(text)
            wanted = [{"extra": extra} for extra in ("", *need.extras)]
            if below.marker is None or any(map(below.marker.evaluate, wanted)):
                waiting.append(below)
    return {name for name, _ in found}


def test_binder_installs_what_the_tutorials_import():
    lines = (ROOT / "binder" / "requirements.txt").read_text().splitlines()
    (ours,) = (line for line in lines if line.startswith("."))
    brought = installed_with(f"brainmass{ours[1:]}")
    homes = importlib.metadata.packages_distributions()
    sources = ["".join(c["source"]) for path in NOTEBOOKS for c in code_cells(path)]
    text = "\n".join(sources)
    modules = set(re.findall(r"^\s*(?:import|from) (\w+)", text, re.MULTILINE))
    modules |= {module for module, word in LAZY.items() if word in text}
    missing = {
        module
        for module in modules - set(sys.stdlib_module_names) - {"brainmass", "brainmass_widgets"}
        if not brought & {canonicalize_name(name) for name in homes.get(module, [module])}
    }
    assert missing == set()


@each_page
def test_page_names_only_make_targets_that_exist(path):
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z][\w-]*):", makefile, re.MULTILINE))
    named = re.findall(r"(?:`|^)make ([a-z][\w-]*)", path.read_text(), re.MULTILINE)
    assert set(named) <= targets


@each_page
def test_page_example_runs(path, monkeypatch, x32):
    monkeypatch.setattr(dynamics, "registry", dict(dynamics.registry))
    blocks = re.findall(r"^```python\n(.*?)^```", path.read_text(), re.MULTILINE | re.DOTALL)
    exec(compile("\n".join(blocks), path, "exec"), {"__name__": "__main__"})


def public_objects():
    """Name and object of all that ``brainmass`` makes public, its public modules opened."""
    for name in brainmass.__all__:
        value = getattr(brainmass, name)
        if inspect.ismodule(value):
            members = getattr(value, "__all__", ())
            yield from ((f"{name}.{member}", getattr(value, member)) for member in members)
        else:
            yield name, value


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(value, id=name)
        for name, value in public_objects()
        if inspect.isclass(value) or inspect.isroutine(value)
    ],
)
def test_public_name_is_documented(value):
    doc = inspect.cleandoc(value.__doc__ or "")
    assert doc
    sections = set(re.findall(r"^(\w[\w ]*)\n-+$", doc, re.MULTILINE))
    needed = {"Examples"}
    # An exception is raised by us, not constructed by the reader.
    raised = inspect.isclass(value) and issubclass(value, Exception | KeyboardInterrupt | Warning)
    if not raised:
        signature = inspect.signature(value)
        if signature.parameters:
            needed.add("Parameters")
        if not inspect.isclass(value) and signature.return_annotation not in (None, "None"):
            needed.add("Returns")
    assert needed - sections == set()
    # The doctests run it.
    assert "\n>>> " in doc.partition("\nExamples\n")[2]


def test_public_names_exist_and_are_listed_by_dir():
    assert set(brainmass.__all__) <= set(dir(brainmass))
    assert len(set(brainmass.__all__)) == len(brainmass.__all__)
    assert importlib.import_module("brainmass._version").__version__ == brainmass.__version__


def test_constraints_hold_every_direct_dependency_within_its_bounds():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    needed = [Requirement(text) for group in groups for text in group]
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = [Requirement(line) for line in lines if line and not line.startswith("#")]
    for need in needed:
        if need.name != "brainmass":
            name = canonicalize_name(need.name)
            versions = [str(p.specifier)[2:] for p in pins if canonicalize_name(p.name) == name]
            assert versions, need
            assert all(version in need.specifier for version in versions), need
