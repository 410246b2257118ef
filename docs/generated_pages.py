"""Pages that follow from the code: one for every public name of brainmass, and the tutorials."""

import inspect
import shutil
import sys
from collections import defaultdict
from pathlib import Path

import brainmass
from brainmass.dynamics import registry

INTRODUCTION = """# API

Every public name of `brainmass`; the models have [pages of their own](../models/index.md). Each
example on these pages is run by the tests.
"""

# Sections of the index.
ORDER = ["Classes", "Functions", "Modules", "Errors"]


def copy_tutorials(source: Path, target: Path):
    shutil.rmtree(target, ignore_errors=True)
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns(".*", "*.cfg"))


def write_api_pages(folder: Path):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    sections = defaultdict(list)
    for name in brainmass.__all__:
        value = getattr(brainmass, name)
        section, text = _page(name, value)
        if text:
            # A module and a class may differ in case alone, which some file systems ignore.
            page = f"brainmass.{name}" if section == "Modules" else name
            sections[section].append(page)
            (folder / f"{page}.md").write_text(text)
    order = sorted(sections, key=lambda s: (ORDER.index(s) if s in ORDER else len(ORDER), s))
    index = [INTRODUCTION, *(_contents(section, sections[section]) for section in order)]
    (folder / "index.md").write_text("\n".join(index))


def _page(name: str, value) -> tuple[str, str]:
    """Section of the index that a public name belongs to, and its page; none for constants."""
    if inspect.ismodule(value):
        elsewhere = ", ".join(set(brainmass.__all__) & set(dir(value)))
        options = ("members", f"exclude-members: {elsewhere}") if elsewhere else ("members",)
        return "Modules", _directive(name, "automodule", value.__name__, *options)
    if inspect.isclass(value):
        if issubclass(value, BaseException):
            return "Errors", _directive(name, "autoexception", f"brainmass.{name}", "members")
        if value in registry.values():
            return "", ""  # on the pages of the models
        options = ("members", *_inherited(value))
        return "Classes", _directive(name, "autoclass", f"brainmass.{name}", *options)
    if inspect.isroutine(value):
        return "Functions", _directive(name, "autofunction", f"brainmass.{name}")
    return "", ""


def _inherited(value: type) -> list[str]:
    """Option that shows what comes from a base that is not public and so has no page."""
    package, base = value.__module__.rpartition(".")[0], value.__mro__[1]
    hidden = base.__module__.startswith(f"{package}._")
    public = getattr(sys.modules[package], base.__name__, None) is base
    return ["inherited-members"] if hidden and not public else []


def _directive(title: str, directive: str, target: str, *options: str) -> str:
    lines = "\n".join(
        f"   :{option}:" if ":" not in option else f"   :{option}" for option in options
    )
    return f"# {title}\n\n```{{eval-rst}}\n.. {directive}:: {target}\n{lines}\n```\n"


def _contents(section: str, names: list[str]) -> str:
    pages = "\n".join(names)
    return f"## {section}\n\n```{{toctree}}\n:maxdepth: 1\n\n{pages}\n```\n"
