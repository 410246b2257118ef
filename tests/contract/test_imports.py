"""Who may import whom inside brainmass, and what ``import brainmass`` must not load."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "brainmass"

# From the bottom up: a module may import those of its own level and of the levels below.
LEVELS = (
    {"_version", "_compat", "_errors", "_random"},
    {"_declare", "_describe", "_param", "_sizes", "_step", "_weights", "functions"},
    {"engine"},
    {"noise", "coupling", "connectome", "stimuli"},
    {"dynamics"},
    {"sequence"},
    {"models"},
    {"catalogue", "horn"},
)
BELOW_MODELS = set().union(*LEVELS[:5])
ALLOWED = {name: set().union(*LEVELS[: n + 1]) for n, level in enumerate(LEVELS) for name in level}
ALLOWED["network"] = BELOW_MODELS
ALLOWED["simulator"] = BELOW_MODELS | {"network"}
# The part of it on signals, which the objectives use, knows no model.
ALLOWED["analysis"] = BELOW_MODELS | {"analysis/signals", "network", "simulator"}
ALLOWED["analysis/signals"] = set().union(*LEVELS[:2])
ALLOWED["objectives"] = set().union(*LEVELS[:2]) | {"analysis/signals"}
ALLOWED["observation"] = set().union(*LEVELS[:3])
ALLOWED["forward"] = ALLOWED["observation"] | {"observation"}
ALLOWED["reducers"] = ALLOWED["observation"] | {"observation"}
ALLOWED["sweeps"] = BELOW_MODELS | {"network", "simulator"}
ALLOWED["fitter"] = BELOW_MODELS | {"io", "network", "objectives", "simulator"}
# At the edge: they may import anything, and only the package itself imports them.
EDGE = {"_versions", "data", "datasets", "io", "tasks", "testing", "textbook", "viz"}

# Slow to import and not needed by everyone: imported inside the function that uses them.
LAZY = {
    "braintools",
    "contourpy",
    "dask",
    "distributed",
    "h5netcdf",
    "h5py",
    "matplotlib",
    "mne",
    "nevergrad",
    "nibabel",
    "nilearn",
    "optax",
    "scipy",
    "tqdm",
    "xarray",
    "zarr",
}
# Known to the widgets alone.
NEVER = {"anywidget", "brainmass_widgets", "IPython", "ipywidgets"}

FILES = sorted(PACKAGE.rglob("*.py"))
each_file = pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))


def part(module: list[str]) -> str:
    """The entry of the tables above that a dotted module belongs to; '' is the package itself."""
    if "/".join(module[:2]) in ALLOWED:
        return "/".join(module[:2])
    if module and ((PACKAGE / module[0]).is_dir() or (PACKAGE / f"{module[0]}.py").exists()):
        return module[0]
    return ""


def imported(path: Path, nodes) -> set[tuple[str, ...]]:
    """Absolute dotted names of everything that the import statements among ``nodes`` name."""
    here = ["brainmass", *path.relative_to(PACKAGE).parts]
    names = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            names |= {tuple(alias.name.split(".")) for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = here[: -node.level] if node.level else []
            base = [*base, *(node.module.split(".") if node.module else [])]
            names |= {(*base, alias.name) for alias in node.names}
    return names


def at_import(tree: ast.AST):
    """The nodes that run when the module is imported, so none inside a function or for typing."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        yield node
        yield from at_import(node)


@each_file
def test_module_imports_only_what_stands_below_it(path):
    me = part(list(path.relative_to(PACKAGE).with_suffix("").parts)) or "__init__"
    if me in EDGE | {"__init__"}:
        return
    assert me in ALLOWED, f"{me} is new: give it a place in LEVELS, ALLOWED or EDGE"
    names = imported(path, ast.walk(ast.parse(path.read_text())))
    inside = {part(list(name[1:])) for name in names if name[0] == "brainmass"}
    assert inside - ALLOWED[me] - {me} == set()


@each_file
def test_module_leaves_slow_packages_to_the_functions_that_use_them(path):
    tree = ast.parse(path.read_text())
    assert {name[0] for name in imported(path, at_import(tree))} & LAZY == set()
    assert {name[0] for name in imported(path, ast.walk(tree))} & NEVER == set()


@pytest.mark.parametrize("path", sorted((PACKAGE / "models").glob("*.py")), ids=lambda p: p.name)
def test_model_file_imports_no_other_family(path):
    names = imported(path, ast.walk(ast.parse(path.read_text())))
    families = {name[2] for name in names if name[:2] == ("brainmass", "models")}
    assert path.stem == "__init__" or families == set()


def test_tables_name_no_module_that_is_gone():
    there = {part(list(path.relative_to(PACKAGE).with_suffix("").parts)) for path in FILES}
    assert set(ALLOWED) | EDGE <= there


def test_import_and_first_simulation_load_no_slow_package():
    """brainunit looks for dask on the first use of an array; that is not ours to change."""
    program = """
import sys
sys.modules["dask"] = None
import brainmass
import brainunit as u

result = brainmass.Simulator(brainmass.HopfStep(1), dt=0.1 * u.ms).run(1.0 * u.ms, monitors=["x"])
assert result["x"].shape == (10, 1)
slow = "braintools nevergrad sklearn pandas ipywidgets matplotlib.pyplot scipy.stats xarray"
print(sorted(set(slow.split()) & set(sys.modules)))
"""
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, timeout=120
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == "[]"
