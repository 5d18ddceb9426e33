"""Sphinx, over the whole repository: what stands beside the code is a page like those in here."""

project = "efficient_status"
extensions = ["myst_parser"]
html_theme = "furo"
html_title = "efficient_status"
html_copy_source = False
root_doc = "docs/index"
include_patterns = [
    "docs/*.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "DESIGN.md",
    "SECURITY.md",
    "benchmarks/*.md",
    "contrib/README.md",
]
exclude_patterns = [".git", ".tox", ".venv"]
myst_heading_anchors = 3
