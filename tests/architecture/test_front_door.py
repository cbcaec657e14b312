"""The front door: what it names, and what opening it wakes."""

import ast
import inspect
import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import coterie as co

ROOT = Path(__file__).parents[2]
HEAVY = ("arviz", "arviz_base", "matplotlib", "numba", "numpy", "pandas", "pymc", "xarray")
PUBLIC = [name for name in co.__all__ if not name.startswith("__")]

WOKEN = """
import json, sys
import coterie
print(json.dumps(sorted(sys.modules)))
"""
# The clock runs inside the process, so that starting an interpreter is not counted.
TIMED = """
import time
start = time.perf_counter()
import coterie
print(time.perf_counter() - start)
"""


def run(code: str, *arguments: str) -> str:
    return subprocess.run(
        [sys.executable, *arguments, "-c", code],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
    ).stdout


def test_opening_the_door_wakes_no_array_library_and_no_sampler():
    woken = {module.partition(".")[0] for module in json.loads(run(WOKEN))}

    assert "coterie" in woken
    assert woken.isdisjoint(HEAVY)


@pytest.mark.slow
def test_opening_the_door_takes_at_most_150_milliseconds():
    # The fastest of several: a busy machine slows some runs, and can speed up none.
    assert min(float(run(TIMED)) for _ in range(7)) <= 0.15


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [["--help"], ["fit", "--help"]])
def test_asking_the_command_for_help_wakes_no_array_library_and_no_sampler(arguments):
    code = f"""
import json, sys
from coterie.cli import app
try:
    app({arguments!r}, prog_name="coterie")
except SystemExit as end:
    assert end.code == 0
print()
print(json.dumps(sorted(sys.modules)))
"""
    woken = {module.partition(".")[0] for module in json.loads(run(code).splitlines()[-1])}

    assert woken.isdisjoint(HEAVY)


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_is_there_and_says_what_it_is(name):
    assert inspect.getdoc(getattr(co, name))


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_belongs_to_the_room_the_stub_says(name):
    stub = ast.parse((ROOT / "src/coterie/__init__.pyi").read_text())
    rooms = {
        alias.name: node.module
        for node in stub.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    value = getattr(co, name)
    home = value.__name__ if inspect.ismodule(value) else value.__module__

    assert home.split(".")[:2] == ["coterie", rooms[name]]


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="fitt"):
        co.fitt  # noqa: B018


def test_the_door_has_at_most_60_names_apart_from_pictures_and_their_sentences():
    assert len([name for name in PUBLIC if not name.startswith(("plot_", "say_"))]) <= 60


def test_the_reference_lists_exactly_the_public_names():
    page = (ROOT / "docs/reference/index.md").read_text()
    listed = [line.strip() for line in page.splitlines() if line.startswith("   ")]
    listed = [line for line in listed if not line.startswith(":")]

    assert sorted(listed) == sorted(PUBLIC)


def test_the_version_is_the_same_wherever_it_stands():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    citation = (ROOT / "CITATION.cff").read_text()

    assert co.__version__ == project
    assert f"\nversion: {project}\n" in citation


def test_no_file_of_the_lazy_room_hides_a_name_of_its_door():
    from coterie import beliefs

    files = {path.stem for path in (ROOT / "src/coterie/beliefs").glob("*.py")}

    assert not files & set(beliefs.__all__)


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_has_an_example(name):
    made = getattr(co, name)
    if inspect.ismodule(made):
        parts = [part for part in vars(made).values() if inspect.isfunction(part)]
        assert any(">>>" in (part.__doc__ or "") for part in parts)
    elif not (inspect.isclass(made) and issubclass(made, Exception)):
        assert ">>>" in (inspect.getdoc(made) or "")
