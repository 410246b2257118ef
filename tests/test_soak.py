"""The short form of the soak: nothing grows when the same is done again and again."""

import importlib.util
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[1] / "tools" / "soak.py"


@pytest.fixture(scope="module")
def tool():
    spec = importlib.util.spec_from_file_location("soak", TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("name", "amount"),
    [
        ("runs", 80),
        ("divergences", 60),
        ("sweeps", 40),
        ("widgets", 20),
        ("fits", 200),
        ("bold", 0.4),
    ],
)
def test_memory_is_flat_and_caches_keep_their_bounds(tool, name, amount):
    function, _ = tool.LONG[name]
    count = 40 if name == "bold" else amount
    report = tool.soak(function(amount), count, looks=20)
    assert tool.complaints(report) == []


def test_programs_of_old_structures_are_forgotten(tool, monkeypatch):
    from brainmass.engine import cache

    monkeypatch.setattr(cache, "programs", cache.Cache(size=3))
    for module in ("brainmass.engine.plan", "brainmass.sweeps._lanes"):
        monkeypatch.setattr(f"{module}.programs", cache.programs)
    for _ in tool.structures(6):
        assert len(cache.programs) <= 3
    assert cache.programs.compiled == 6
