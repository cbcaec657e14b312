"""The documentation builds from what is in the repository, and from nothing else."""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import coterie as co

ROOT = Path(__file__).parents[2]


@pytest.mark.nightly
@pytest.mark.slow
def test_the_documentation_builds_without_a_single_warning(tmp_path):
    # A copy: pages left over from an earlier build must not decide.
    pages = tmp_path / "docs"
    shutil.copytree(ROOT / "docs", pages, ignore=shutil.ignore_patterns("_build", "api", "*.ipynb"))
    for part in ("notebooks", "tests/evidence/samples"):
        shutil.copytree(ROOT / part, tmp_path / part)
    environment = {k: v for k, v in os.environ.items() if k != "COTERIE_DOCS_LINKS"}
    built = subprocess.run(
        [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", pages, tmp_path / "built"],
        check=False,
        capture_output=True,
        text=True,
        timeout=1800,
        env={**environment, "PYTHONPATH": str(ROOT / "src")},
    )

    # What a kernel says of how it is spoken to is no warning about the documentation.
    said = [line for line in built.stderr.splitlines() if not line.startswith("[IPKernelApp]")]
    assert said == []
    assert built.returncode == 0
    assert (tmp_path / "built/reference/api/coterie.fit.html").exists()
    assert (tmp_path / "built/notebooks/quickstart.html").exists()


def test_every_picture_is_in_the_gallery_with_a_thumbnail():
    page = (ROOT / "docs" / "gallery.md").read_text(encoding="utf-8")
    pictures = {name for name in co.__all__ if name.startswith("plot_")} - {"plot_half_life"}
    assert {name for name in pictures if f"co.{name}(" in page} == pictures
    thumbnails = {file.stem for file in (ROOT / "docs/images/gallery").glob("*.png")}
    assert thumbnails == pictures
    assert all(f"images/gallery/{name}.png" in page for name in pictures)


def test_every_notebook_is_in_the_documentation():
    page = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    notebooks = {file.stem for file in (ROOT / "notebooks").glob("*.py")}
    assert {name for name in notebooks if f"notebooks/{name}" in page} == notebooks


def test_the_tables_of_the_proofs_are_those_of_their_kept_results():
    spec = importlib.util.spec_from_file_location("pages", ROOT / "proofs" / "pages.py")
    assert spec is not None
    assert spec.loader is not None
    pages = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(pages)
    page = pages.PAGE.read_text(encoding="utf-8")

    assert pages.filled(page) == page, "run: python proofs/pages.py"
