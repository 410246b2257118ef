"""PhasePlaneWidget in a real JupyterLab: sliders, clicks, drags, zoom and both themes."""

import re

import pytest
from browser.lab import CURRENT, cell_errors, cells, open_notebook, run_all_cells, screenshot
from browser.test_lab import write_notebook
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

IMPORTS = """
import brainmass, brainunit as u
from brainmass_widgets import PhasePlaneWidget
"""
HOPF = IMPORTS + "w = PhasePlaneWidget(brainmass.HopfStep(1, a=-0.2, w=0.3))\nw"
COLUMN = (
    IMPORTS
    + 'PhasePlaneWidget(brainmass.JansenRitStep(1), "E", "I", inputs={"E_inp": 100 * u.Hz}, '
    'along="E_inp")'
)

PLANE, DIAGRAM = "Phase plane", "Bifurcation diagram"


@pytest.fixture
def opened(page, lab):
    """Opens a notebook with one widget and waits for plane and diagram."""

    def open_(name, source):
        # The diagram may come after the plane: the second cell waits for it.
        write_notebook(lab.folder / f"{name}.ipynb", source, "_.flush()")
        open_notebook(page, f"{name}.ipynb")
        run_all_cells(page)
        assert cell_errors(page) == []
        for label in (PLANE, DIAGRAM):
            expect(plot(page, label)).to_have_attribute("data-frame", re.compile(r"\d+"))
        return page

    return open_


def plot(page, label):
    return page.locator(".brainmass-canvas", has=page.locator(f'canvas[aria-label^="{label}"]'))


def frame(page, label):
    return int(plot(page, label).get_attribute("data-frame"))


def pixels(page, label):
    return plot(page, label).locator(".brainmass-base").evaluate("c => c.toDataURL()")


def after_next_frame(page, label, before):
    page.wait_for_function(
        """([label, before]) => [...document.querySelectorAll('.brainmass-canvas')].some(
            (c) => c.querySelector(`canvas[aria-label^="${label}"]`) && c.dataset.frame > before
        )""",
        arg=[label, before],
    )


def slider(page, name):
    return page.get_by_label(name, exact=True)


def legend(page, label):
    return plot(page, label).locator(".brainmass-key").all_inner_texts()


def theme(page, name):
    kind = "dark" if "Dark" in name else "light"
    page.evaluate(
        f"window.jupyterapp.commands.execute('apputils:change-theme', {{theme: '{name}'}}); 0"
    )
    page.wait_for_selector(f".brainmass-canvas[data-theme={kind}]")
    page.wait_for_timeout(1300)  # the last redraw after a change of theme


def test_a_cycle_is_born_by_dragging_one_slider(opened, tmp_path):
    page = opened("plane", HOPF)
    screenshot(page, tmp_path / "plane-light.png")
    assert legend(page, PLANE)[:2] == ["x nullcline", "y nullcline"]
    table = page.locator("table.brainmass-status")
    expect(table).to_contain_text("stable focus")
    compiled = re.search(r"(\d+) compilation", page.locator(".brainmass-status").last.inner_text())
    before, picture = frame(page, PLANE), pixels(page, PLANE)
    slider(page, "a").focus()
    for _ in range(5):
        page.keyboard.press("PageUp")
    after_next_frame(page, PLANE, before)
    expect(table).to_contain_text("unstable focus")
    assert pixels(page, PLANE) != picture
    page.wait_for_timeout(500)
    again = re.search(r"(\d+) compilation", page.locator(".brainmass-status").last.inner_text())
    assert again[1] == compiled[1]
    theme(page, "JupyterLab Dark")
    screenshot(page, tmp_path / "plane-dark.png")
    theme(page, "JupyterLab Light")


def test_click_starts_a_trajectory_and_clear_takes_all_away(opened):
    page = opened("click", HOPF)
    base = plot(page, PLANE).locator(".brainmass-base")
    box = base.bounding_box()
    before = frame(page, PLANE)
    base.click(position={"x": 0.7 * box["width"], "y": 0.3 * box["height"]})
    after_next_frame(page, PLANE, before)
    assert legend(page, PLANE)[2:] == ["trajectory 1", "trajectory 2"]
    page.get_by_role("button", name="Clear").click()
    expect(plot(page, PLANE).locator(".brainmass-key")).to_have_count(2)
    page.get_by_label("start at").fill("0.5, 0.2")
    page.get_by_label("start at").press("Enter")
    expect(plot(page, PLANE).locator(".brainmass-key")).to_have_count(3)
    page.get_by_role("button", name="Nullclines").click()
    expect(plot(page, PLANE).locator(".brainmass-legend")).to_be_hidden()


def test_dragging_in_the_diagram_moves_the_slider(opened):
    page = opened("drag", HOPF)
    base = plot(page, DIAGRAM).locator(".brainmass-base")
    box = base.bounding_box()
    entry = page.get_by_label("a, type a value", exact=True)
    assert entry.input_value() == "-0.2"
    y = box["y"] + 0.5 * box["height"]
    page.mouse.move(box["x"] + 0.5 * box["width"], y)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.75 * box["width"], y, steps=6)
    page.mouse.up()
    expect(entry).to_have_value(re.compile(r"0\.\d+"))
    expect(page.locator("table.brainmass-status")).to_contain_text("unstable focus")


def test_zoom_is_computed_anew_and_double_click_shows_everything(opened):
    page = opened("zoom", HOPF)
    base = plot(page, PLANE).locator(".brainmass-base")
    box = base.bounding_box()
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    before = frame(page, PLANE)
    page.mouse.move(*middle)
    page.keyboard.down("Control")
    page.mouse.wheel(0, -300)
    page.keyboard.up("Control")
    plot(page, PLANE).get_by_role("button", name="Reset view").wait_for(state="visible")
    after_next_frame(page, PLANE, before)
    tip = plot(page, PLANE).locator(".brainmass-tip")
    page.mouse.move(middle[0] + 1, middle[1])
    page.keyboard.press("Home")
    before = frame(page, PLANE)
    base.dblclick(position={"x": 0.8 * box["width"], "y": 0.2 * box["height"]})
    after_next_frame(page, PLANE, before)
    page.wait_for_timeout(600)
    assert legend(page, PLANE)[2:] == ["trajectory"]
    assert tip.count() == 1


def test_jansen_rit_shows_its_folds_and_hopf_points(opened, tmp_path):
    page = opened("column", COLUMN)
    page.wait_for_timeout(500)
    screenshot(page, tmp_path / "column.png")
    rows = page.locator("table.brainmass-status tr")
    expect(rows).to_have_count(4)
    before = frame(page, PLANE)
    slider(page, "E_inp [Hz]").focus()
    page.keyboard.press("PageUp")
    after_next_frame(page, PLANE, before)
    expect(rows).to_have_count(2)
    live = plot(page, DIAGRAM).locator(".brainmass-live")
    expect(live).to_contain_text(re.compile(r"Hopf at 315"))
    found = {kind: at for kind, at in re.findall(r"(fold|Hopf) at ([\d.]+)", live.inner_text())}
    assert float(found["fold"]) == pytest.approx(113.58, abs=0.01)
    assert re.search(r"Hopf at 89\.8.*Hopf at 315", live.inner_text())


def test_saved_notebook_holds_a_picture(opened):
    page = opened("saved-plane", HOPF)
    (output,) = [o for c in cells(page) for o in c["outputs"]]
    assert "".join(output["data"]["text/plain"]) == "PhasePlaneWidget(HopfStep, x, y)"
    assert "image/png" in output["data"]
    page.evaluate("window.jupyterapp.commands.execute('docmanager:save'); 0")
    page.wait_for_function(f"!{CURRENT}.context.model.dirty")
    page.reload()
    page.wait_for_selector(".brainmass-canvas[data-frame]", timeout=60_000)
    before = frame(page, PLANE)
    slider(page, "a").focus()
    page.keyboard.press("ArrowRight")
    after_next_frame(page, PLANE, before)
