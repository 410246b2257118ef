"""What a person does with a widget in the browser, and what there is to see.

Every wait is for something that must come, never for a time.
"""

import re

from browser.lab import cell_errors, open_notebook, run_all_cells
from browser.test_lab import write_notebook

CANVAS = ".brainmass-canvas"

CHANGED = """([label, before]) => {
    const all = [...document.querySelectorAll('.brainmass-canvas')];
    const one = all.find((c) => c.querySelector(`canvas[aria-label^="${label}"]`));
    return one && one.querySelector('.brainmass-base').toDataURL() !== before;
}"""


def open_cells(page, folder, name, *sources, timeout=120, program="lab"):
    """Run a new notebook and wait until its first canvas is drawn."""
    write_notebook(folder / f"{name}.ipynb", *sources)
    open_notebook(page, f"{name}.ipynb", program=program)
    run_all_cells(page, timeout)
    assert cell_errors(page) == []
    page.wait_for_selector(f"{CANVAS}[data-frame]")
    return page


def plot(page, label="Time course"):
    return page.locator(f'{CANVAS}:has(canvas[aria-label^="{label}"])').first


def pixels(page, label="Time course"):
    return plot(page, label).locator(".brainmass-base").evaluate("c => c.toDataURL()")


def wait_changed(page, label, before):
    """Wait until the first plot of that label looks different from what it was."""
    page.wait_for_function(CHANGED, arg=[label, before])


def click_cell(page, label, across, up):
    """Click a place of a plot, as parts of its width and height."""
    base = plot(page, label).locator(".brainmass-base")
    base.scroll_into_view_if_needed()
    box = base.bounding_box()
    base.click(position={"x": across * box["width"], "y": up * box["height"]})


def row(page, name):
    return page.locator(f'.brainmass-row[data-id="{name}"]').first


def slider(page, name):
    return row(page, name).locator(".brainmass-slider")


def entry(page, name):
    return row(page, name).locator(".brainmass-entry").first


def unfold(page, group):
    heading = page.locator(".brainmass-heading", has_text=re.compile(f"{group}$")).first
    if heading.get_attribute("aria-expanded") == "false":
        heading.click()


def enter(page, name, text):
    entry(page, name).fill(text)
    entry(page, name).press("Enter")


def output(page, number):
    """What the cell of that number shows, from 0."""
    return page.locator(".jp-Notebook .jp-CodeCell").nth(number).locator(".jp-Cell-outputArea")


def button(page, name):
    return page.get_by_role("button", name=name, exact=True).first


def status(page):
    return page.locator(".brainmass-status").first.inner_text()


def compilations(page):
    return int(re.search(r"(\d+) compilation", status(page))[1])


def theme(page, name):
    """Change the theme of JupyterLab and wait until the plots follow."""
    kind = "dark" if "Dark" in name else "light"
    page.evaluate(
        f"window.jupyterapp.commands.execute('apputils:change-theme', {{theme: '{name}'}}); 0"
    )
    page.wait_for_selector(f"{CANVAS}[data-theme={kind}]")
