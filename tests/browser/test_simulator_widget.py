"""SimulatorWidget in a real JupyterLab: keys, pointer, themes, reload."""

import re

import pytest
from browser.actions import (
    CANVAS,
    button,
    compilations,
    enter,
    entry,
    open_cells,
    pixels,
    plot,
    row,
    slider,
    status,
    theme,
    unfold,
    wait_changed,
)
from browser.lab import CURRENT, cells, screenshot
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

IMPORTS = """
import brainmass, brainunit as u
from brainmass_widgets import SimulatorWidget
"""
HOPF = IMPORTS + "SimulatorWidget(brainmass.HopfStep(1, a=0.25, w=0.3, init_x=0.1))"


@pytest.fixture
def hopf(page, lab):
    return open_cells(page, lab.folder, "hopf", HOPF)


def test_every_kind_of_control_moves_the_plot_and_values_stay_as_they_were_set(hopf, tmp_path):
    page = hopf
    compiled = compilations(page)
    screenshot(page, tmp_path / "hopf-light.png")
    for name, shown in (("a", "0.26"), ("w", "0.305"), ("beta", "1.05")):
        picture = pixels(page)
        slider(page, name).focus()
        page.keyboard.press("ArrowRight")
        wait_changed(page, "Time course", picture)
        expect(entry(page, name)).to_have_value(shown)
    assert compilations(page) == compiled
    # Between two steps of the slider, with a unit, and outside its range.
    for name, typed, shown in (
        ("a", "0.123456", "0.123456"), ("w", "5 ms / (16 ms)", "0.3125"), ("beta", "7.7", "7.7"),
    ):  # fmt: skip
        picture = pixels(page)
        enter(page, name, typed)
        wait_changed(page, "Time course", picture)
        expect(entry(page, name)).to_have_value(shown)
    assert compilations(page) == compiled
    expect(slider(page, "beta")).to_have_js_property("value", "1")
    # A step goes on from where it was typed.
    slider(page, "a").focus()
    page.keyboard.press("Shift+ArrowRight")
    expect(entry(page, "a")).to_have_value("0.124456")
    page.keyboard.press("Home")
    expect(entry(page, "a")).to_have_value("-1")
    page.keyboard.press("Control+z")
    expect(entry(page, "a")).to_have_value("0.124456")
    # The pointer.
    picture, box = pixels(page), slider(page, "a").bounding_box()
    page.mouse.click(box["x"] + 0.9 * box["width"], box["y"] + box["height"] / 2)
    wait_changed(page, "Time course", picture)
    assert 0.7 < float(entry(page, "a").input_value()) < 1.0
    page.get_by_text("beta", exact=True).dblclick()
    expect(entry(page, "beta")).to_have_value("1")
    # Choices and text.
    row(page, "method").locator("select").select_option("rk4")
    page.get_by_text(f"{compiled + 1} compilation").wait_for()
    enter(page, "duration", "0.4 s")
    page.get_by_text("4000 steps").wait_for()
    unfold(page, "Stimulus")
    row(page, "stimulus").locator("select").select_option("pulse")
    row(page, "stimulus.length").wait_for(state="visible")
    assert row(page, "stimulus.frequency").is_hidden()


def test_typed_value_outside_the_range_stays_and_divergence_has_its_sentence(hopf, tmp_path):
    page = hopf
    for _ in range(3):
        enter(page, "beta", "-0.5")
        notice = plot(page).locator(".brainmass-notice")
        notice.wait_for(state="visible")
        assert "must stay finite" in notice.inner_text()
        expect(entry(page, "beta")).to_have_value("-0.5")
        screenshot(page, tmp_path / "diverged.png")
        button(page, "Undo").click()
        notice.wait_for(state="hidden")
        expect(entry(page, "beta")).to_have_value("1")
    enter(page, "a", "much")
    notice.wait_for(state="visible")
    assert "a: 'much' is not a unit" in notice.inner_text() or "'much'" in notice.inner_text()
    expect(entry(page, "a")).to_have_value("0.25")


def test_pan_zoom_hover_and_reset(hopf, tmp_path):
    page = hopf
    base = plot(page).locator(".brainmass-base")
    box = base.bounding_box()
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    whole = pixels(page)
    page.mouse.move(*middle)
    tip = plot(page).locator(".brainmass-tip")
    tip.wait_for(state="visible")
    assert re.fullmatch(r"time [\d.]+ ms\nx [−\d.]+ ?\ny [−\d.]+ ?", tip.inner_text().strip("\n"))
    reset = plot(page).get_by_role("button", name="Reset view")
    page.mouse.wheel(0, 1)  # without Ctrl the page scrolls
    page.mouse.wheel(0, -1)
    page.keyboard.down("Control")
    assert reset.is_hidden()
    page.mouse.wheel(0, -300)
    page.keyboard.up("Control")
    reset.wait_for(state="visible")
    wait_changed(page, "Time course", whole)
    zoomed = pixels(page)
    page.mouse.move(*middle)
    page.mouse.down()
    page.mouse.move(middle[0] - 60, middle[1], steps=4)
    page.mouse.up()
    wait_changed(page, "Time course", zoomed)
    screenshot(page, tmp_path / "zoomed.png")
    base.dblclick(position={"x": box["width"] / 2, "y": box["height"] / 2})
    reset.wait_for(state="hidden")
    page.wait_for_function(
        "(w) => document.querySelector('.brainmass-base').toDataURL() === w", arg=whole
    )


def test_keys_on_plot_and_slider_are_no_commands_for_the_notebook(hopf):
    page = hopf
    base = plot(page).locator(".brainmass-base")
    reset = plot(page).get_by_role("button", name="Reset view")
    base.focus()
    page.keyboard.press("+")
    reset.wait_for(state="visible")
    page.keyboard.press("Home")
    reset.wait_for(state="hidden")
    for place in (base, slider(page, "a")):
        place.focus()
        for key in ("a", "b", "x", "d", "d", "m"):
            page.keyboard.press(key)
        assert [c["cell_type"] for c in cells(page)] == ["code"]
    page.keyboard.press("Control+s")  # commands with a modifier still reach JupyterLab
    page.wait_for_function(f"!{CURRENT}.context.model.dirty")


def test_buttons_open_plots_code_pin_and_download(hopf, tmp_path):
    page = hopf
    button(page, "Spectrum").click()
    plot(page, "Spectrum").wait_for(state="visible")
    button(page, "Phase portrait").click()
    plot(page, "Phase portrait").wait_for(state="hidden")
    button(page, "Code").click()
    code = page.locator(".brainmass-code textarea")
    expect(code).to_have_value(re.compile(r"brainmass\.HopfStep\(1, w=0\.3"))
    button(page, "Pin").click()
    expect(button(page, "Swap")).to_be_enabled()
    slider(page, "a").focus()
    page.keyboard.press("PageUp")
    expect(code).to_have_value(re.compile(r"brainmass\.HopfStep\(1, a=0\.35, w=0\.3"))
    expect(page.locator(".brainmass-status").first).to_contain_text("differs from the pinned run")
    screenshot(page, tmp_path / "pinned.png")
    button(page, "Swap").click()
    expect(entry(page, "a")).to_have_value("0.25")
    with page.expect_download() as download:
        row(page, "export").locator("select").select_option("HTML page")
    assert download.value.suggested_filename == "simulatorwidget-hopfstep--3-parameters.html"
    saved = tmp_path / "snapshot.html"
    download.value.save_as(saved)
    theme(page, "JupyterLab Dark")
    screenshot(page, tmp_path / "hopf-dark.png")
    theme(page, "JupyterLab Light")
    check_snapshot(page, saved, tmp_path)


def check_snapshot(page, saved, tmp_path):
    """The exported page draws its plots alone, from a file and without a network."""
    page.context.set_offline(True)
    page.goto(f"file://{saved}")
    page.wait_for_selector(f"{CANVAS}[data-frame]")
    assert page.locator(CANVAS).count() == 2
    assert "brainmass.HopfStep(1, w=0.3, init_x=0.1)" in page.locator("pre").inner_text()
    screenshot(page, tmp_path / "snapshot.png")
    page.context.set_offline(False)


def test_saved_notebook_holds_a_picture_and_the_page_can_be_reloaded(hopf):
    page = hopf
    (output,) = [o for c in cells(page) for o in c["outputs"]]
    text = output["data"]["text/plain"]
    assert (text if isinstance(text, str) else "".join(text)) == (
        "SimulatorWidget(HopfStep, 3 parameters)"
    )
    assert "image/png" in output["data"]
    enter(page, "a", "0.3333")
    expect(entry(page, "a")).to_have_value("0.3333")
    page.evaluate("window.jupyterapp.commands.execute('docmanager:save'); 0")
    page.wait_for_function(f"!{CURRENT}.context.model.dirty")
    page.reload()
    page.wait_for_selector(f"{CANVAS}[data-frame]", timeout=60_000)
    expect(entry(page, "a")).to_have_value("0.3333")
    picture = pixels(page)
    slider(page, "a").focus()
    page.keyboard.press("ArrowRight")
    wait_changed(page, "Time course", picture)
    expect(entry(page, "a")).to_have_value("0.3433")
    assert "Waiting" not in status(page)


def test_closed_widget_leaves_a_sentence(page, lab, tmp_path):
    open_cells(page, lab.folder, "closed", HOPF + "\n", "w = _\nw", "print(w.runs)")
    add = "w.close()\nw"
    page.evaluate(
        f"""(source) => {{
            const book = {CURRENT}.content;
            book.widgets[2].model.sharedModel.setSource(source);
            book.activeCellIndex = 2;
            return window.jupyterapp.commands.execute('notebook:run-cell').then(() => 0);
        }}""",
        add,
    )
    notes = page.get_by_text("This was closed. Run the cell again to open it anew.")
    expect(notes).to_have_count(2)
    expect(notes.first).to_be_visible()
    expect(page.locator(CANVAS)).to_have_count(0)
    expect(page.get_by_text("SimulatorWidget(HopfStep, 3 parameters), closed.")).to_be_visible()
    screenshot(page, tmp_path / "closed.png")
