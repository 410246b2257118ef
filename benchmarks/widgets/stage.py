"""A private JupyterLab, a browser, and clocks that run inside the page."""

import os
import re
import statistics
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from browser import lab  # noqa: E402
from browser.test_lab import write_notebook  # noqa: E402

PRESSES = 20
PAUSE = 0.15
"""Seconds between two keys, so that each finds a widget at rest."""

IMPORTS = """
import brainmass, brainunit as u, numpy as np
import ipywidgets, matplotlib.pyplot as plt
from brainstate.nn import Param
from brainmass_widgets import (
    FitterWidget, NetworkWidget, PhasePlaneWidget, SimulatorWidget, SweepWidget
)
"""

# Resolves with the time between the next key and the frame that shows its effect.
WATCH = """(ours) => {
    window.latency = new Promise((done, fail) => {
        let began = 0;
        setTimeout(() => fail('no frame'), 20000);
        window.addEventListener('keydown', () => { began = performance.now(); },
            {capture: true, once: true});
        // The canvas changes its attribute while it draws a frame: the next one finds it painted;
        // an image is painted by the frame after the one that finds it decoded.
        const end = () => { watcher.disconnect(); done(performance.now() - began); };
        const painted = () => requestAnimationFrame(ours ? end : () => requestAnimationFrame(end));
        const watcher = new MutationObserver((changes) => {
            if (!began) return;
            if (ours) return painted();
            for (const change of changes) for (const node of change.addedNodes) {
                const image = node.querySelector?.('img') || (node.tagName === 'IMG' ? node : null);
                if (image) return image.decode().then(painted, painted);
            }
        });
        const shown = [...document.querySelectorAll('.brainmass-canvas')].find(
            (canvas) => canvas.offsetParent !== null);
        if (ours) watcher.observe(shown, {attributes: true, attributeFilter: ['data-frame']});
        else watcher.observe(document.querySelector('.jp-Notebook'),
            {childList: true, subtree: true});
    });
    return 0;
}"""

# Resolves with the time between a click on a button and the text that acknowledges it.
PRESS = """([name, text]) => new Promise((done, fail) => {
    const button = [...document.querySelectorAll('.brainmass-widget button')].find(
        (b) => b.innerText.trim() === name);
    const began = performance.now();
    const said = () => [...document.querySelectorAll('.brainmass-status')].some(
        (line) => line.innerText.includes(text));
    const look = () => said() ? done(performance.now() - began)
        : performance.now() - began > 20000 ? fail(`no '${text}'`) : setTimeout(look, 2);
    button.click();
    look();
})"""

# Resolves with the time that a cell needs to be run and answered.
RUN = """([number, selector]) => new Promise((done, fail) => {
    const panel = window.jupyterapp.shell.currentWidget;
    panel.content.activeCellIndex = number;
    const began = performance.now();
    const wait = () => {
        const cell = document.querySelectorAll('.jp-Notebook .jp-CodeCell')[number];
        if (cell.querySelector(selector)) return requestAnimationFrame(
            () => done(performance.now() - began));
        if (performance.now() - began > 60000) return fail('nothing shown');
        setTimeout(wait, 2);
    };
    window.jupyterapp.commands.execute('notebook:run-cell').then(() => 0, fail);
    wait();
})"""


class Stage:
    """A page of JupyterLab on which notebooks are opened one after the other."""

    def __init__(self, page, folder: Path):
        self.page, self.folder = page, folder
        self._count = 0

    @contextmanager
    def notebook(self, *cells: str):
        """Open a notebook whose first cell holds the imports and has been run: a warm kernel."""
        self._count += 1
        name = f"bench{self._count}.ipynb"
        write_notebook(self.folder / name, IMPORTS, *cells)
        lab.open_notebook(self.page, name)
        self.page.evaluate(
            """() => {
                window.jupyterapp.shell.currentWidget.content.activeCellIndex = 0;
                return window.jupyterapp.commands.execute('notebook:run-cell').then(() => 0);
            }"""
        )
        self._check()
        yield self
        self.page.evaluate("window.jupyterapp.commands.execute('kernelmenu:shutdown'); 0")

    def run(self, number: int, selector: str = ".jp-OutputArea-output") -> float:
        """Run a cell and return the milliseconds until it shows something."""
        took = self.page.evaluate(RUN, [number, selector])
        lab.wait_idle(self.page)
        self._check()
        return took

    def picture(self, number: int) -> float:
        """Run the cell of a widget and return the milliseconds until its first frame."""
        return self.run(number, ".brainmass-canvas[data-frame]")

    def keys(self, path: str, ours: bool = True) -> float:
        """Return the median of some key steps of a slider in milliseconds, without the first."""
        slider = f'.brainmass-row[data-id="{path}"] .brainmass-slider' if ours else ".noUi-handle"
        self.page.locator(slider).first.focus()
        times = []
        for k in range(PRESSES + 2):
            self.page.evaluate(WATCH, ours)
            self.page.keyboard.press("ArrowRight" if k % 2 == 0 else "ArrowLeft")
            times.append(self.page.evaluate("window.latency"))
            time.sleep(PAUSE)
        return statistics.median(times[2:])

    def press(self, name: str, text: str) -> float:
        """Click a button and return the milliseconds until the status line says a text."""
        return self.page.evaluate(PRESS, [name, text])

    def touch_all(self) -> None:
        """Move every slider by one step, those in folded groups too."""
        folded = self.page.locator(".brainmass-heading[aria-expanded=false]:visible")
        for _ in range(folded.count()):
            folded.first.click()
        sliders = self.page.locator(".brainmass-slider:visible")
        for k in range(sliders.count()):
            sliders.nth(k).focus()
            self.page.keyboard.press("ArrowRight")
            time.sleep(PAUSE)

    def pick(self, region: int) -> bool:
        """Let the sliders set one region from now on; return whether the widget has any."""
        picker = self.page.locator('.brainmass-row[data-id="region"] select')
        if picker.count():
            picker.first.select_option(index=region + 1)
        return bool(picker.count())

    def status(self) -> str:
        """Return what the status lines say."""
        return " ".join(self.page.locator(".brainmass-status").all_inner_texts())

    def compilations(self) -> int:
        """Return the count of compilations that the widget shows."""
        return int(re.findall(r"(\d+) compilation", self.status())[-1])

    def settle(self, seconds: float = 1.5) -> None:
        """Let a widget come to rest: what it computes in the background, too."""
        time.sleep(seconds)

    def _check(self) -> None:
        if errors := lab.cell_errors(self.page):
            raise RuntimeError(errors)


@contextmanager
def stage():
    """Start JupyterLab and the browser; nothing is compiled in advance."""
    from playwright.sync_api import sync_playwright

    private = Path(tempfile.mkdtemp())
    folder = private / "notebooks"
    folder.mkdir()
    os.environ["XDG_CACHE_HOME"] = str(private / "cache")  # no programs of an earlier day
    with lab.jupyterlab(folder, private) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=lab.chromium_path(), args=lab.CHROMIUM_FLAGS
        )
        size = {"width": 1280, "height": 1000}
        page = browser.new_context(base_url=url, viewport=size).new_page()
        page.set_default_timeout(60_000)
        yield Stage(page, folder)
        browser.close()
