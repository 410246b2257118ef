"""Time from a key on a slider to the painted phase plane, in a real JupyterLab.

Two sliders of each model: that of the bifurcation diagram, which moves a cursor there, and another
one, after which the diagram is computed anew in the background. The first row is the time course of
a SimulatorWidget, to compare with. Prints one table; run it from the repository root:

    python benchmarks/widgets/phase_plane.py
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from browser import lab  # noqa: E402
from browser.actions import open_cells  # noqa: E402

PRESSES = 20

SETUP = """
import brainmass, brainunit as u
from brainmass_widgets import PhasePlaneWidget, SimulatorWidget
"""
PLANES = {
    "Hopf, time course": (
        "SimulatorWidget(brainmass.HopfStep(1, init_x=0.1), plots=['time'])", "a", "w",
    ),
    "Hopf, 2 states": ("PhasePlaneWidget(brainmass.HopfStep(1), along='a')", "a", "w"),
    "Montbrio-Pazo-Roxin, 2 states": (
        "PhasePlaneWidget(brainmass.MontbrioPazoRoxinStep(1), along='eta')", "eta", "J",
    ),
    "Jansen-Rit, 6 states": (
        "PhasePlaneWidget(brainmass.JansenRitStep(1), 'E', 'I', along='C')", "C", "v0",
    ),
}  # fmt: skip

# Resolves with the time between the next key and the plane that shows its effect.
WATCH = """() => {
    window.latency = new Promise((done) => {
        let began = 0;
        window.addEventListener('keydown', () => { began = performance.now(); },
            {capture: true, once: true});
        const plane = document.querySelector('.brainmass-canvas');
        const watcher = new MutationObserver(() => {
            if (!began) return;
            watcher.disconnect();
            // The canvas changes its attribute while it draws: the next frame finds it painted.
            requestAnimationFrame(() => done(performance.now() - began));
        });
        watcher.observe(plane, {attributes: true, attributeFilter: ['data-frame']});
    });
    return 0;
}"""


def latency(page, path: str) -> float:
    """Return the median of some key presses in milliseconds, the first two left out."""
    times = []
    page.locator(f'.brainmass-row[data-id="{path}"] .brainmass-slider').focus()
    for k in range(PRESSES + 2):
        page.evaluate(WATCH)
        page.keyboard.press("ArrowRight" if k % 2 == 0 else "ArrowLeft")
        times.append(page.evaluate("window.latency"))
        time.sleep(0.3)
    return statistics.median(times[2:])


def main() -> None:
    from playwright.sync_api import sync_playwright

    private = Path(tempfile.mkdtemp())
    folder = private / "notebooks"
    folder.mkdir()
    print("| model | slider of the diagram, ms | another slider, ms |")
    print("|---|---|---|")
    with lab.jupyterlab(folder, private) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=lab.chromium_path(), args=lab.CHROMIUM_FLAGS
        )
        size = {"width": 1280, "height": 1000}
        page = browser.new_context(base_url=url, viewport=size).new_page()
        for k, (name, (cell, own, other)) in enumerate(PLANES.items()):
            open_cells(page, folder, f"plane{k}", SETUP, cell)
            time.sleep(6)
            print(f"| {name} | {latency(page, own):.0f} | {latency(page, other):.0f} |", flush=True)
            page.evaluate("window.jupyterapp.commands.execute('kernelmenu:shutdown'); 0")
        browser.close()


if __name__ == "__main__":
    main()
