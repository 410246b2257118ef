"""Time from a key on a slider to the painted picture, in a real JupyterLab.

Compares SimulatorWidget with the plain way, ``interactive_output`` and a matplotlib figure, on the
same compiled simulations in the same page. Prints one table; run it from the repository root:

    python benchmarks/widgets/slider.py
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from browser import lab  # noqa: E402
from browser.test_lab import write_notebook  # noqa: E402

PRESSES = 20

SETUP = """
import brainmass, brainunit as u, numpy as np
import ipywidgets, matplotlib.pyplot as plt
from brainmass_widgets import SimulatorWidget

rng = np.random.default_rng(0)
def node():
    return brainmass.HopfStep(1, a=0.25, w=0.3, init_x=0.1)
def network():
    weights = rng.lognormal(size=(84, 84)) * (rng.random((84, 84)) < 0.69) / 84
    lengths = rng.uniform(10, 150, (84, 84)) * u.mm
    return brainmass.Network(
        brainmass.HopfStep(84, a=0.1, w=0.3, init_x=0.1), conn=weights, distance=lengths,
        speed=10 * u.mm / u.ms, coupled_var="x", k=0.1,
    )
three = {"x": "x", "y": "y", "sum": lambda m: m.x.value + m.y.value}
"""
OURS = {
    "1 node, 3 x 2000": "SimulatorWidget(node(), monitors=three, plots=['time'])",
    "84 regions x 1000": "SimulatorWidget(network(), duration=100 * u.ms, plots=['regions'])",
}
PLAIN = {
    "1 node, 3 x 2000": """
model = node(); sim = brainmass.Simulator(model, dt=0.1 * u.ms)
def show(a):
    model.a = a
    result = sim.run(200 * u.ms, monitors=three)
    fig, ax = plt.subplots(figsize=(7, 3.5))
    for name in three:
        ax.plot(np.asarray(result["ts"].mantissa), np.asarray(result[name]))
    plt.show()
""",
    "84 regions x 1000": """
model = network(); sim = brainmass.Simulator(model, dt=0.1 * u.ms)
def show(a):
    model.node.a = a
    result = sim.run(100 * u.ms, monitors="node.x")
    fig, ax = plt.subplots(figsize=(7, 3.5))
    fig.colorbar(ax.imshow(np.asarray(result["node.x"]).T, aspect="auto"))
    plt.show()
""",
}
SHOW_PLAIN = """
slider = ipywidgets.FloatSlider(value=0.25, min=-1, max=1, step=0.01, description="a")
ipywidgets.VBox([slider, ipywidgets.interactive_output(show, {"a": slider})])
"""

# Resolves with the time between the next key and the frame that shows its effect.
WATCH = """(ours) => {
    window.latency = new Promise((done) => {
        let began = 0;
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
        if (ours) document.querySelectorAll('.brainmass-canvas').forEach(
            (c) => watcher.observe(c, {attributes: true, attributeFilter: ['data-frame']}));
        else watcher.observe(document.querySelector('.jp-Notebook'),
            {childList: true, subtree: true});
    });
    return 0;
}"""


def latencies(page, ours: bool) -> list[float]:
    """Milliseconds for each of some key presses, the first two left out."""
    times = []
    # The slider of `a`, the first in the panel of a node; behind k and speed in a network.
    row = page.locator(".widget-slider", has=page.get_by_text("a", exact=True)).first
    handle = row.locator(".noUi-handle")
    handle.focus()
    for k in range(PRESSES + 2):
        page.evaluate(WATCH, ours)
        page.keyboard.press("ArrowRight" if k % 2 == 0 else "ArrowLeft")
        times.append(page.evaluate("window.latency"))
        time.sleep(0.3)
    return times[2:]


def measure(page, folder: Path, name: str, cell: str, ours: bool) -> float:
    file = "".join(c for c in name if c.isalnum()) + str(ours) + ".ipynb"
    write_notebook(folder / file, SETUP, cell)
    lab.open_notebook(page, file)
    lab.run_all_cells(page)
    if errors := lab.cell_errors(page):
        raise RuntimeError(errors)
    page.wait_for_selector(".brainmass-canvas[data-frame]" if ours else ".jp-OutputArea img")
    time.sleep(2)
    median = statistics.median(latencies(page, ours))
    page.evaluate("window.jupyterapp.commands.execute('kernelmenu:shutdown'); 0")
    return median


def main() -> None:
    from playwright.sync_api import sync_playwright

    private = Path(tempfile.mkdtemp())
    folder = private / "notebooks"
    folder.mkdir()
    print("| picture | SimulatorWidget, ms | interactive_output, ms | ratio |")
    print("|---|---|---|---|")
    with lab.jupyterlab(folder, private) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=lab.chromium_path(), args=lab.CHROMIUM_FLAGS
        )
        size = {"width": 1280, "height": 1000}
        page = browser.new_context(base_url=url, viewport=size).new_page()
        for name in OURS:
            ours = measure(page, folder, name, OURS[name], True)
            plain = measure(page, folder, name, PLAIN[name] + SHOW_PLAIN, False)
            print(f"| {name} | {ours:.0f} | {plain:.0f} | {plain / ours:.1f} |", flush=True)
        browser.close()


if __name__ == "__main__":
    main()
