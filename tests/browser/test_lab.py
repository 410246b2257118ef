"""The harness itself: a notebook runs in a real JupyterLab."""

import json

import pytest
from browser.lab import cell_errors, cells, open_notebook, run_all_cells, screenshot

pytestmark = pytest.mark.browser


def write_notebook(path, *sources):
    cell = {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": []}
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    notebook = {
        "cells": [cell | {"id": f"cell{n}", "source": s} for n, s in enumerate(sources)],
        "metadata": kernel,
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    path.write_text(json.dumps(notebook))


def test_notebook_runs_to_its_end(page, lab, tmp_path):
    write_notebook(lab.folder / "sum.ipynb", "print(1 + 1)", "import time; time.sleep(1); 3 * 4")
    open_notebook(page, "sum.ipynb")
    run_all_cells(page)
    assert cell_errors(page) == []
    first, second = cells(page)
    assert first["outputs"][0]["text"] in ("2\n", ["2\n"])
    assert "12" in second["outputs"][0]["data"]["text/plain"]
    screenshot(page, tmp_path / "sum.png")
    assert (tmp_path / "sum.png").stat().st_size > 10_000


def test_error_in_a_cell_is_reported(page, lab):
    write_notebook(lab.folder / "error.ipynb", "1 / 0")
    open_notebook(page, "error.ipynb")
    run_all_cells(page)
    assert cell_errors(page) == ["ZeroDivisionError: division by zero"]


def test_key_concepts_runs_top_to_bottom(page, lab, tmp_path):
    open_notebook(page, "01_key_concepts.ipynb")
    run_all_cells(page, timeout=240)
    assert cell_errors(page) == []
    code = [cell for cell in cells(page) if cell["cell_type"] == "code"]
    assert all(cell["execution_count"] for cell in code)
    screenshot(page, tmp_path / "key-concepts.png")
