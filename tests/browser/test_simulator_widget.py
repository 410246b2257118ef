"""SimulatorWidget in a real JupyterLab: keys, pointer, themes, reload."""

import re

import pytest
from browser.lab import CURRENT, cell_errors, cells, open_notebook, run_all_cells, screenshot
from browser.test_lab import write_notebook
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

IMPORTS = """
import brainmass, brainunit as u
from brainmass_widgets import SimulatorWidget
"""
HOPF = IMPORTS + "SimulatorWidget(brainmass.HopfStep(1, a=0.25, w=0.3, init_x=0.1))"
NETWORK = (
    IMPORTS
    + """
conn = brainmass.datasets.load_dataset("example_connectome")
net = brainmass.Network(
    brainmass.HopfStep(8, a=0.2, w=0.3), conn=conn.weights, distance=conn.distances,
    speed=10 * u.mm / u.ms, coupling="diffusive", coupled_var="x", k=0.5,
)
SimulatorWidget(net, duration=300 * u.ms)
"""
)

CANVAS = ".brainmass-canvas"


@pytest.fixture
def opened(page, lab):
    """Opens a notebook of one cell and waits for the first picture."""

    def open_(name, source):
        write_notebook(lab.folder / f"{name}.ipynb", source)
        open_notebook(page, f"{name}.ipynb")
        run_all_cells(page)
        assert cell_errors(page) == []
        page.wait_for_selector(f"{CANVAS}[data-frame]")
        return page

    return open_


def plot(page, label="Time course"):
    return page.locator(CANVAS, has=page.locator(f'canvas[aria-label^="{label}"]'))


def frame(page, label="Time course"):
    return int(plot(page, label).get_attribute("data-frame"))


def pixels(page, label="Time course"):
    return plot(page, label).locator(".brainmass-base").evaluate("c => c.toDataURL()")


def after_next_frame(page, label, before):
    page.wait_for_function(
        """([label, before]) => [...document.querySelectorAll('.brainmass-canvas')].some(
            (c) => c.querySelector(`canvas[aria-label^="${label}"]`) && c.dataset.frame > before
        )""",
        arg=[label, before],
    )


def handle(page, name):
    """The handle of the slider with that label."""
    row = page.locator(".widget-slider", has=page.get_by_text(name, exact=True))
    return row.locator(".noUi-handle")


def entry(page, name):
    row = page.locator(".widget-hbox", has=page.get_by_text(name, exact=True)).last
    return row.locator("input[type=text]")


def status(page):
    return page.locator(".brainmass-status").inner_text()


def theme(page, name):
    kind = "dark" if "Dark" in name else "light"
    page.evaluate(
        f"window.jupyterapp.commands.execute('apputils:change-theme', {{theme: '{name}'}}); 0"
    )
    page.wait_for_selector(f"{CANVAS}[data-theme={kind}]")
    page.wait_for_timeout(1300)  # the last redraw after a change of theme


def test_slider_moved_by_keyboard_moves_the_plot(opened, tmp_path):
    page = opened("hopf", HOPF)
    compiled = re.search(r"(\d+) compilation", status(page))[1]
    screenshot(page, tmp_path / "hopf-light.png")
    for name in ("a", "w", "beta"):
        before, picture = frame(page), pixels(page)
        handle(page, name).focus()
        page.keyboard.press("ArrowRight")
        after_next_frame(page, "Time course", before)
        assert pixels(page) != picture
    assert re.search(r"(\d+) compilation", status(page))[1] == compiled
    assert frame(page, "Phase portrait") == frame(page)
    theme(page, "JupyterLab Dark")
    screenshot(page, tmp_path / "hopf-dark.png")
    theme(page, "JupyterLab Light")


def test_typed_value_with_unit_and_divergence_with_its_sentence(opened, tmp_path):
    page = opened("diverge", HOPF)
    before = frame(page)
    entry(page, "beta").fill("-0.5")
    entry(page, "beta").press("Enter")
    after_next_frame(page, "Time course", before)
    notice = plot(page).locator(".brainmass-notice")
    notice.wait_for(state="visible")
    assert "must stay finite" in notice.inner_text()
    assert entry(page, "beta").input_value() == "-0.5"
    screenshot(page, tmp_path / "diverged.png")
    page.get_by_role("button", name="Undo").click()
    notice.wait_for(state="hidden")
    assert entry(page, "beta").input_value() == "1"
    page.get_by_label("duration").fill("0.4 s")
    page.get_by_label("duration").press("Enter")
    page.get_by_text("4000 steps").wait_for()


def test_pan_zoom_hover_and_reset(opened, tmp_path):
    page = opened("zoom", HOPF)
    base = plot(page).locator(".brainmass-base")
    box = base.bounding_box()
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    whole = pixels(page)
    page.mouse.move(*middle)
    tip = plot(page).locator(".brainmass-tip")
    tip.wait_for(state="visible")
    assert re.fullmatch(r"time [\d.]+ ms\nx [−\d.]+ ?\ny [−\d.]+ ?", tip.inner_text().strip("\n"))
    page.mouse.wheel(0, 100)  # without Ctrl the page scrolls
    page.wait_for_timeout(200)
    reset = plot(page).get_by_role("button", name="Reset view")
    assert reset.is_hidden()
    page.keyboard.down("Control")
    page.mouse.wheel(0, -300)
    page.keyboard.up("Control")
    reset.wait_for(state="visible")
    zoomed = pixels(page)
    assert zoomed != whole
    page.mouse.move(*middle)
    page.mouse.down()
    page.mouse.move(middle[0] - 60, middle[1], steps=4)
    page.mouse.up()
    page.wait_for_timeout(300)
    assert pixels(page) != zoomed
    screenshot(page, tmp_path / "zoomed.png")
    base.dblclick(position={"x": box["width"] / 2, "y": box["height"] / 2})
    reset.wait_for(state="hidden")
    page.wait_for_timeout(300)
    assert pixels(page) == whole


def test_keys_on_plot_and_slider_are_no_commands_for_the_notebook(opened):
    page = opened("keys", HOPF)
    base = plot(page).locator(".brainmass-base")
    reset = plot(page).get_by_role("button", name="Reset view")
    base.focus()
    page.keyboard.press("+")
    reset.wait_for(state="visible")
    page.keyboard.press("Home")
    reset.wait_for(state="hidden")
    for place in (base, handle(page, "a")):
        place.focus()
        for key in ("a", "b", "x", "d", "d", "m"):
            page.keyboard.press(key)
        page.wait_for_timeout(200)
        assert [c["cell_type"] for c in cells(page)] == ["code"]
    page.keyboard.press("Control+s")  # commands with a modifier still reach JupyterLab
    page.wait_for_function(f"!{CURRENT}.context.model.dirty")


def test_network_shows_regions_and_answers_speed_and_strength(opened, tmp_path):
    page = opened("network", NETWORK)
    screenshot(page, tmp_path / "network-light.png")
    for name in ("k", "speed [mm/ms]"):
        before, picture = frame(page, "Regions"), pixels(page, "Regions")
        handle(page, name).focus()
        page.keyboard.press("PageUp")
        after_next_frame(page, "Regions", before)
        assert pixels(page, "Regions") != picture
    box = plot(page, "Regions").locator(".brainmass-base").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    tip = plot(page, "Regions").locator(".brainmass-tip")
    tip.wait_for(state="visible")
    assert tip.inner_text().startswith("region ")
    theme(page, "JupyterLab Dark")
    screenshot(page, tmp_path / "network-dark.png")
    theme(page, "JupyterLab Light")


def test_buttons_open_plots_and_code(opened, tmp_path):
    page = opened("buttons", HOPF)
    page.get_by_role("button", name="Spectrum").click()
    plot(page, "Spectrum").wait_for(state="visible")
    page.get_by_role("button", name="Phase portrait").click()
    plot(page, "Phase portrait").wait_for(state="hidden")
    page.get_by_role("button", name="Code").click()
    code = page.locator(".brainmass-code textarea")
    expect(code).to_have_value(re.compile(r"brainmass\.HopfStep\(1, w=0\.3"))
    page.get_by_role("button", name="Pin").click()
    before = frame(page)
    handle(page, "a").focus()
    page.keyboard.press("PageUp")
    after_next_frame(page, "Time course", before)
    expect(code).to_have_value(re.compile(r"brainmass\.HopfStep\(1, a=0\.\d+, w=0\.3"))
    screenshot(page, tmp_path / "buttons.png")


def test_saved_notebook_holds_a_picture_and_the_page_can_be_reloaded(opened):
    page = opened("saved", HOPF)
    (output,) = [o for c in cells(page) for o in c["outputs"]]
    assert output["data"]["text/plain"] in (
        "SimulatorWidget(HopfStep, 3 parameters)",
        ["SimulatorWidget(HopfStep, 3 parameters)"],
    )
    assert "image/png" in output["data"]
    page.evaluate("window.jupyterapp.commands.execute('docmanager:save'); 0")
    page.wait_for_function(f"!{CURRENT}.context.model.dirty")
    page.reload()
    page.wait_for_selector(f"{CANVAS}[data-frame]", timeout=60_000)
    before = frame(page)
    handle(page, "a").focus()
    page.keyboard.press("ArrowRight")
    after_next_frame(page, "Time course", before)


FIT = """
import brainmass, brainunit as u
from brainstate.nn import Param
from brainmass_widgets import FitterWidget

def predict(model):
    return brainmass.Simulator(model, dt=0.1 * u.ms).run(100 * u.ms, monitors="x")["x"]

data = predict(brainmass.HopfStep(1, a=0.3, w=0.25, init_x=0.1))
node = brainmass.HopfStep(1, a=Param(0.1, fit=True), w=0.25, init_x=0.1)
FitterWidget(brainmass.Fitter(node, predict=predict), data, n_steps=100_000)
"""


def test_fit_starts_pauses_resumes_and_stops(page, lab, tmp_path):
    write_notebook(lab.folder / "fit.ipynb", FIT)
    open_notebook(page, "fit.ipynb")
    run_all_cells(page)
    assert cell_errors(page) == []

    def press(name):
        page.get_by_role("button", name=name, exact=True).click()

    def step():
        return int(re.search(r"step (\d+)", status(page))[1])

    press("Start")
    expect(page.locator(".brainmass-status")).to_contain_text("running: step")
    press("Pause")
    expect(page.locator(".brainmass-status")).to_contain_text("paused: step")
    page.wait_for_timeout(300)
    paused = step()
    page.wait_for_timeout(300)
    assert step() == paused
    screenshot(page, tmp_path / "fit.png")
    press("Resume")
    page.wait_for_function(
        "(n) => Number(/step (\\d+)/.exec(document.querySelector('.brainmass-status')"
        ".innerText)[1]) > n",
        arg=paused,
    )
    press("Stop")
    expect(page.locator(".brainmass-status")).to_contain_text("stopped: step")
