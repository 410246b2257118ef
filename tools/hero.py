"""Take the picture of the README: a network widget in JupyterLab, in a real browser.

Run it from the repository root where the picture no longer resembles the widget:

    python tools/hero.py
"""

import io
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from browser import lab  # noqa: E402
from browser.actions import click_cell, open_cells, plot  # noqa: E402

CELL = """
import brainmass, brainunit as u
from brainmass_widgets import explore

conn = brainmass.datasets.load_dataset("example_connectome")
network = brainmass.Network(
    brainmass.HopfStep(8, a=0.2, w=0.3), conn=conn.weights, distance=conn.distances,
    speed=10 * u.mm / u.ms, coupling="diffusive", coupled_var="x", k=0.5,
)
explore(network, duration=300 * u.ms, labels=list(conn.labels))
""".strip()


def main() -> None:
    from PIL import Image
    from playwright.sync_api import sync_playwright

    private = Path(tempfile.mkdtemp())
    folder = private / "notebooks"
    folder.mkdir()
    with lab.jupyterlab(folder, private) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=lab.chromium_path(), args=lab.CHROMIUM_FLAGS
        )
        size = {"width": 1400, "height": 1500}
        page = browser.new_context(base_url=url, viewport=size).new_page()
        open_cells(page, folder, "hero", CELL)
        for command in ("application:toggle-left-area", "notebook:move-cursor-down"):
            page.evaluate(f"window.jupyterapp.commands.execute('{command}').then(() => 0)")
        page.wait_for_timeout(1500)  # the plots take their new width
        click_cell(page, "Connectome", 0.42, 0.2)
        plot(page, "Time course").locator(".brainmass-base").hover(position={"x": 420, "y": 90})
        page.wait_for_timeout(1000)
        picture = page.locator(".jp-Notebook .jp-CodeCell").first.screenshot()
        browser.close()
    with Image.open(io.BytesIO(picture)) as image:
        small = image.convert("RGB").quantize(256, dither=Image.Dither.NONE)
        small.save(ROOT / "docs" / "_static" / "hero.png", optimize=True)


if __name__ == "__main__":
    main()
