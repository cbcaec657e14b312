"""Settings of the documentation; ``sphinx-build -W docs docs/_build`` makes it, without network."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))
os.environ.setdefault("MPLBACKEND", "Agg")

import jupytext

import coterie

HERE = Path(__file__).parent
"""Notebooks are kept as scripts beside the documentation, and read here as notebooks."""
for source in sorted((HERE.parent / "notebooks").glob("*.py")):
    target = HERE / "notebooks" / f"{source.stem}.ipynb"
    target.parent.mkdir(exist_ok=True)
    text = jupytext.writes(jupytext.read(source), fmt="ipynb")
    if not target.exists() or target.read_text(encoding="utf-8") != text:
        target.write_text(text, encoding="utf-8")

project = "coterie"
author = "The coterie authors"
copyright = author
version = release = coterie.__version__

extensions = [
    "myst_nb",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
]
templates_path = ["_templates"]
exclude_patterns = ["_build", "_templates", "**.ipynb_checkpoints"]
# Links to other projects' pages need their inventories from the network, so they are asked for:
# COTERIE_DOCS_LINKS=1 sphinx-build docs docs/_build
intersphinx_mapping = {}
if os.environ.get("COTERIE_DOCS_LINKS"):
    extensions.append("sphinx.ext.intersphinx")
    intersphinx_mapping = {
        "arviz": ("https://python.arviz.org/en/stable", None),
        "numpy": ("https://numpy.org/doc/stable", None),
        "pandas": ("https://pandas.pydata.org/docs", None),
        "pymc": ("https://www.pymc.io/projects/docs/en/stable", None),
        "python": ("https://docs.python.org/3", None),
        "xarray": ("https://docs.xarray.dev/en/stable", None),
    }

autosummary_generate = True
autosummary_ignore_module_all = False
autodoc_typehints = "none"
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False
numpydoc_xref_param_type = False

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
nb_execution_mode = "cache"
nb_execution_timeout = 900
nb_execution_raise_on_error = True

html_theme = "pydata_sphinx_theme"
html_title = "coterie"
html_show_sourcelink = False
html_theme_options = {
    "navigation_with_keys": False,
    "show_prev_next": True,
    "secondary_sidebar_items": ["page-toc"],
}
