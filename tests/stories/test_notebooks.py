"""Every notebook runs from its first cell to its last."""

from pathlib import Path

import jupytext
import nbclient
import pytest

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.py"))


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # the kernel's own machinery is not ours to mend
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_to_its_end_without_an_error(path, monkeypatch):
    monkeypatch.setenv("MPLBACKEND", "agg")
    notebook = jupytext.read(path)
    nbclient.NotebookClient(notebook, timeout=900, kernel_name="python3").execute()
    ran = [cell for cell in notebook.cells if cell.cell_type == "code"]

    assert ran[-1].outputs[0]["data"]["text/plain"] == "True"
