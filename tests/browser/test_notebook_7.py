"""The widgets in Jupyter Notebook 7."""

import pytest
from browser.actions import (
    compilations,
    enter,
    entry,
    open_cells,
    pixels,
    plot,
    slider,
    wait_changed,
)
from browser.lab import jupyterlab, screenshot
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

CELL = """
import brainmass, brainunit as u
from brainmass_widgets import explore
explore(brainmass.HopfStep(1, a=0.25, w=0.3, init_x=0.1))
"""


def test_widget_appears_and_answers_in_notebook_7(chromium, tmp_path):
    folder = tmp_path / "notebooks"
    folder.mkdir()
    with jupyterlab(folder, tmp_path, program="notebook") as url:
        context = chromium.new_context(base_url=url, viewport={"width": 1280, "height": 900})
        page = context.new_page()
        open_cells(page, folder, "seven", CELL, program="notebook")
        compiled = compilations(page)
        picture = pixels(page)
        slider(page, "a").focus()
        page.keyboard.press("ArrowRight")
        wait_changed(page, "Time course", picture)
        expect(entry(page, "a")).to_have_value("0.26")
        enter(page, "beta", "-0.5")
        notice = plot(page).locator(".brainmass-notice")
        notice.wait_for(state="visible")
        assert "must stay finite" in notice.inner_text()
        expect(entry(page, "beta")).to_have_value("-0.5")
        assert compilations(page) == compiled
        screenshot(page, tmp_path / "notebook-7.png")
        context.close()
