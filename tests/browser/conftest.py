"""One private JupyterLab and one Chromium for all browser tests, a fresh page for each."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from browser import lab as driver


class Lab(NamedTuple):
    url: str
    folder: Path  # served by it: a copy of tutorials/, to which a test may add its own notebooks


@pytest.fixture(scope="session")
def lab(tmp_path_factory) -> Iterator[Lab]:
    private = tmp_path_factory.mktemp("jupyterlab")
    folder = private / "notebooks"
    tutorials = driver.ROOT / "tutorials"
    if tutorials.is_dir():
        shutil.copytree(tutorials, folder, ignore=shutil.ignore_patterns(".*"))
    folder.mkdir(exist_ok=True)
    with driver.jupyterlab(folder, private) as url:
        yield Lab(url, folder)


@pytest.fixture(scope="session")
def chromium():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=driver.chromium_path(), args=driver.CHROMIUM_FLAGS, timeout=60_000
        )
        yield browser
        browser.close()


@pytest.fixture
def page(chromium, lab):
    context = chromium.new_context(base_url=lab.url, viewport={"width": 1280, "height": 1000})
    context.set_default_timeout(30_000)
    yield context.new_page()
    context.close()
