"""The documentation builds from what is in the repository, and from nothing else."""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.nightly
@pytest.mark.slow
def test_the_documentation_builds_without_a_single_warning(tmp_path):
    # A copy: pages left over from an earlier build must not decide.
    pages = tmp_path / "docs"
    shutil.copytree(ROOT / "docs", pages, ignore=shutil.ignore_patterns("_build", "api"))
    environment = {k: v for k, v in os.environ.items() if k != "COTERIE_DOCS_LINKS"}
    built = subprocess.run(
        [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", pages, tmp_path / "built"],
        check=False,
        capture_output=True,
        text=True,
        timeout=600,
        env={**environment, "PYTHONPATH": str(ROOT / "src")},
    )

    assert built.stderr == ""
    assert built.returncode == 0
    assert (tmp_path / "built/reference/api/coterie.fit.html").exists()


def test_the_tables_of_the_proofs_are_those_of_their_kept_results():
    spec = importlib.util.spec_from_file_location("pages", ROOT / "proofs" / "pages.py")
    assert spec is not None
    assert spec.loader is not None
    pages = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(pages)
    page = pages.PAGE.read_text(encoding="utf-8")

    assert pages.filled(page) == page, "run: python proofs/pages.py"
