"""Every other widget in a real JupyterLab, in one notebook: its page is shared by the tests."""

import os
import re
import signal

import pytest
from browser.actions import (
    CANVAS,
    button,
    click_cell,
    compilations,
    enter,
    entry,
    open_cells,
    output,
    pixels,
    plot,
    row,
    slider,
    theme,
    wait_changed,
)
from browser.lab import CURRENT, cells, run_all_cells, screenshot, wait_idle
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

IMPORTS = """
import os
import brainmass, brainunit as u
from brainstate.nn import Param
from brainmass_widgets import FitterWidget, NetworkWidget, SimulatorWidget, SweepWidget, explore
print(os.getpid())
"""
NETWORK = """
conn = brainmass.datasets.load_dataset("example_connectome")
net = brainmass.Network(
    brainmass.HopfStep(8, a=0.2, w=0.3), conn=conn.weights, distance=conn.distances,
    speed=10 * u.mm / u.ms, coupling="diffusive", coupled_var="x", k=0.5,
)
network = explore(net, duration=300 * u.ms, labels=list(conn.labels))
network
"""
FIT = """
def predict(model):
    return brainmass.Simulator(model, dt=0.1 * u.ms).run(100 * u.ms, monitors="x")["x"]

data = predict(brainmass.HopfStep(1, a=0.3, w=0.25, init_x=0.1))
node = brainmass.HopfStep(1, a=Param(0.1, fit=True), w=0.25, init_x=0.1)
fit = explore(brainmass.Fitter(node, predict=predict), target=data, n_steps=100_000)
fit
"""
SWEEP = """
sweep = SweepWidget(brainmass.HopfStep(1, init_x=0.1), {"a": (-0.2, 0.4, 12), "w": (0.1, 0.5, 8)})
sweep
"""
TWIN = "SimulatorWidget(node, duration=100 * u.ms)"
OTHER = "print(6 * 7)"
CELLS = {"network": 1, "fit": 2, "sweep": 3, "twin": 4}


@pytest.fixture(scope="module")
def shared(chromium, lab):
    context = chromium.new_context(base_url=lab.url, viewport={"width": 1400, "height": 1100})
    context.set_default_timeout(30_000)
    page = context.new_page()
    yield open_cells(page, lab.folder, "all", IMPORTS, NETWORK, FIT, SWEEP, TWIN, OTHER)
    context.close()


@pytest.fixture
def shown(shared):
    """Scrolls to one of the widgets and returns the page and what that widget shows."""

    def show(name):
        part = output(shared, CELLS[name])
        part.scroll_into_view_if_needed()
        return shared, part

    return show


def test_network_answers_strength_speed_and_a_cut_connection(shown, tmp_path):
    page, part = shown("network")
    compiled = compilations(part)
    label = "Regions of HopfStep"
    for name in ("k", "speed"):
        picture = pixels(page, label)
        slider(part, name).focus()
        page.keyboard.press("PageUp")
        wait_changed(page, label, picture)
    connectome, correlation = (pixels(page, p) for p in ("Connectome", "FC"))
    click_cell(page, "Connectome", 0.4, 0.2)
    expect(row(part, "weight").locator("input")).not_to_have_value("")
    button(part, "Lesion").click()
    wait_changed(page, "Connectome", connectome)
    wait_changed(page, "FC", correlation)
    assert compilations(part) == compiled
    button(part, "Order parameter").click()
    plot(part, "Order parameter").wait_for(state="visible")
    plot(part, "Connectome").scroll_into_view_if_needed()
    screenshot(page, tmp_path / "network-light.png")
    theme(page, "JupyterLab Dark")
    screenshot(page, tmp_path / "network-dark.png")
    theme(page, "JupyterLab Light")
    cut = pixels(page, "Connectome")
    button(part, "Undo").click()
    wait_changed(page, "Connectome", cut)
    assert compilations(part) == compiled
    tip = plot(part, "Regions").locator(".brainmass-tip")
    plot(part, "Regions").locator(".brainmass-base").hover()
    tip.wait_for(state="visible")
    assert tip.inner_text().startswith("region ")


def test_fit_starts_pauses_goes_on_from_a_typed_value_and_stops(shown, tmp_path):
    page, part = shown("fit")
    line = part.locator(".brainmass-status")

    def step():
        return int(re.search(r"step (\d+)", line.inner_text())[1])

    button(part, "Start").click()
    expect(line).to_contain_text("running: step")
    # The kernel answers other cells meanwhile.
    page.evaluate(
        f"""() => {{
            const panel = {CURRENT};
            panel.content.activeCellIndex = 5;
            return window.jupyterapp.commands.execute('notebook:run-cell').then(() => 0);
        }}"""
    )
    expect(output(page, 5)).to_contain_text("42")
    assert "running" in line.inner_text()
    button(part, "Pause").click()
    expect(line).to_contain_text("paused: step")
    paused = step()
    enter(part, "a", "0.25")
    expect(entry(part, "a")).to_have_value("0.25")
    button(part, "Step").click()
    expect(line).to_contain_text(f"paused: step {paused + 1} ")
    expect(button(part, "Resume")).to_be_enabled()
    screenshot(page, tmp_path / "fit.png")
    button(part, "Resume").click()
    page.wait_for_function(
        """(n) => [...document.querySelectorAll('.brainmass-status')].some(
            (s) => Number(/running: step (\\d+)/.exec(s.innerText)?.[1]) > n + 1
        )""",
        arg=paused,
    )
    button(part, "Stop").click()
    expect(line).to_contain_text("stopped: step")
    assert step() > paused + 1
    expect(button(part, "Start")).to_be_enabled()
    button(part, "Code").click()
    code = part.locator(".brainmass-code textarea")
    expect(code).to_have_value(re.compile(r"fitter\.set\(\{'a': 0\.25\}\)"))
    assert f"for _ in range({paused}):" in code.input_value()


def test_sweep_fills_its_map_and_a_click_opens_the_simulation(shown, tmp_path):
    page, part = shown("sweep")
    button(part, "Start").click()
    expect(part.locator(".brainmass-status").first).to_contain_text("done: 96 of 96 points")
    click_cell(page, "Sweep of", 0.6, 0.3)
    plot(part, "Phase portrait").wait_for(state="visible")
    opened = part.locator(".brainmass-widget .brainmass-widget")
    opened.locator(f"{CANVAS}[data-frame]").first.wait_for()
    assert float(entry(opened, "a").input_value()) > 0
    assert "2000 steps" in opened.locator(".brainmass-status").first.inner_text()
    plot(part, "Sweep of").scroll_into_view_if_needed()
    screenshot(page, tmp_path / "sweep.png")


def test_two_widgets_on_one_model_do_not_meet(shown):
    _, part = shown("twin")
    before = entry(part, "a").input_value()
    slider(part, "a").focus()
    part.page.keyboard.press("PageUp")
    expect(entry(part, "a")).not_to_have_value(before)
    moved = entry(part, "a").input_value()
    fitted = entry(output(part.page, CELLS["fit"]), "a").input_value()
    assert float(moved) > float(before)
    assert fitted not in (moved, "0.1")


def test_silent_kernel_and_restart_are_said_in_the_widget(shown, tmp_path):
    page, part = shown("twin")
    pid = int("".join(cells(page)[0]["outputs"][0]["text"]))
    os.kill(pid, signal.SIGSTOP)
    try:
        enter(part, "beta", "2.5")
        note = part.locator(".brainmass-sheet-note:visible")
        expect(note).to_have_text(re.compile("No answer from the kernel yet"))
    finally:
        os.kill(pid, signal.SIGCONT)
    expect(part.locator(".brainmass-sheet-note:visible")).to_have_count(0)
    assert entry(part, "beta").input_value() == "2.5"
    page.evaluate(f"{CURRENT}.sessionContext.session.kernel.restart().then(() => 0)")
    gone = part.get_by_text("Run the cell again")
    expect(gone).to_have_count(1)
    expect(gone).to_be_visible()
    screenshot(page, tmp_path / "restarted.png")
    wait_idle(page)
    run_all_cells(page)
    output(page, CELLS["twin"]).locator(f"{CANVAS}[data-frame]").first.wait_for()
    assert entry(output(page, CELLS["twin"]), "beta").input_value() == "1"
