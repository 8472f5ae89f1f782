"""Configuration of the documentation: ``sphinx-build -W -b html docs docs/_build/html``.

Needs no network. The examples are run, which takes a few minutes.
"""

import os
import sys
from pathlib import Path

import sklearn_ssafe

sys.path.insert(0, str(Path(__file__).parent))  # for gallery_order and the plots
# No example may wait for a hub.
os.environ["HF_HUB_OFFLINE"] = "1"

project = "sklearn-ssafe"
author = "The sklearn-ssafe developers"
copyright = author
version = release = sklearn_ssafe.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "numpydoc",
    "sphinx_gallery.gen_gallery",
]
templates_path = ["_templates"]
exclude_patterns = ["_build", "auto_examples/*.ipynb"]
default_role = "py:obj"

autosummary_generate = True
autodoc_typehints = "none"
numpydoc_show_class_members = False

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": "/plot_",
    "ignore_pattern": r"_onnx\.py$",  # programs, shown in the guide
    "within_subsection_order": "gallery_order.reading_order",
    "download_all_examples": False,
    "show_memory": False,
    "show_signature": False,
    "min_reported_time": 1000,
}

html_theme = "pydata_sphinx_theme"
html_title = "sklearn-ssafe"
html_show_sourcelink = False
# Pages without pages below them.
html_sidebars = {
    page: [] for page in ("index", "getting_started", "method", "forensic", "changelog")
}
html_theme_options = {
    "header_links_before_dropdown": 7,
    "navbar_align": "left",
    "show_toc_level": 2,
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": ["page-toc"],
}


def list_forensic_columns(app):
    """Write the table of the page on the columns of the forensic encoder."""
    from sklearn_ssafe.encoders import describe_features

    table = describe_features()[["label", "meaning", "column"]]
    table = table.assign(column="``" + table["column"] + "``")  # an underscore at the end is a link
    table.to_csv(Path(app.srcdir) / "forensic_columns.csv", index=False)


def setup(app):
    import speed_plots
    import verdict_plots

    app.connect("builder-inited", speed_plots.draw)
    app.connect("builder-inited", verdict_plots.draw)
    app.connect("builder-inited", list_forensic_columns)
