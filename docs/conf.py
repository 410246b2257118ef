"""Sphinx configuration. API pages and copies of the tutorials are written before each build."""

import sys
import tomllib
from pathlib import Path
from urllib.parse import quote

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from generated_pages import copy_tutorials, write_api_pages  # noqa: E402
from model_pages import write_model_pages  # noqa: E402

import brainmass  # noqa: E402

copy_tutorials(HERE.parent / "tutorials", HERE / "tutorials")
write_api_pages(HERE / "api")
write_model_pages(HERE / "models", HERE / "_build" / "models")

project = "brainmass"
author = "The brainmass developers"
project_copyright = author
version = release = brainmass.__version__

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.mathjax", "numpydoc"]
exclude_patterns = ["_build", "_templates", "jupyter_execute", "**/.ipynb_checkpoints"]
suppress_warnings = ["myst.header"]  # notebooks and the changelog may skip a level

myst_enable_extensions = ["amsmath", "colon_fence", "dollarmath"]
myst_heading_anchors = 3

# Notebooks are executed and compared by the tests; here their stored output is shown. Without a
# kernel a widget is dead, so the picture stored beside it goes first.
nb_execution_mode = "off"
nb_mime_priority_overrides = [("html", "image/png", 5)]
nb_ipywidgets_js = {}

autodoc_member_order = "bysource"
autodoc_typehints = "none"
autodoc_inherit_docstrings = False
numpydoc_show_class_members = False  # autodoc lists them

html_theme = "pydata_sphinx_theme"
html_title = "brainmass"
html_show_sourcelink = False
html_theme_options = {"show_toc_level": 2, "secondary_sidebar_items": ["page-toc", "binder"]}

# Each page opens its notebook on Binder. The address of the repository has one home, `Repository`
# among the URLs of pyproject.toml; where none is given, the page asks for it.
templates_path = ["_templates"]
_urls = tomllib.loads((HERE.parent / "pyproject.toml").read_text())["project"].get("urls", {})
_address = quote(_urls.get("Repository", ""), safe="")
_binder = f"https://mybinder.org/v2/git/{_address}/HEAD?urlpath=lab/tree/" if _address else ""
html_context = {"binder": _binder}
