"""The rules of the house that no linter knows."""

import ast
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src/coterie"
MODULES = sorted(SOURCE.rglob("*.py"))
ROOMS = {"evidence", "beliefs", "findings", "deck"}
JUNK_DRAWERS = {
    "utils", "util", "helpers", "helper", "common", "core", "base", "misc",
    "manager", "handler", "processor", "data", "info",
}  # fmt: skip

every_module = pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(SOURCE)))


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def definitions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node


def imported(path: Path) -> set[str]:
    """Return the modules a file imports, wherever in it the import stands."""
    found = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            found.add(node.module)
        elif isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
    return found


def is_compiled(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Say whether numba compiles a function: it bears ``njit``, or ``inner`` of the book."""
    marks = [mark.func if isinstance(mark, ast.Call) else mark for mark in node.decorator_list]
    return any(ast.unparse(mark) in {"njit", "inner"} for mark in marks)


def length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Count lines of a function's body, its docstring apart."""
    body = node.body[1:] if ast.get_docstring(node) is not None else node.body
    return node.end_lineno - body[0].lineno + 1 if body else 0


def public_methods(node: ast.ClassDef) -> list[str]:
    return [
        child.name
        for child in node.body
        if isinstance(child, ast.FunctionDef)
        and not child.name.startswith("_")
        and not any("property" in ast.unparse(mark) for mark in child.decorator_list)
    ]


@every_module
def test_a_module_says_in_its_header_what_it_makes(path):
    assert ast.get_docstring(tree(path))


@every_module
def test_a_module_has_at_most_500_lines(path):
    assert len(path.read_text().splitlines()) <= 500


@every_module
def test_a_function_body_has_at_most_40_lines_and_60_if_it_is_compiled(path):
    # Compiled code takes arrays and no objects: it unpacks them by hand, a line for each.
    long = {
        node.name: length(node)
        for node in definitions(path)
        if not isinstance(node, ast.ClassDef) and length(node) > (60 if is_compiled(node) else 40)
    }

    assert long == {}


@every_module
def test_a_class_has_at_most_ten_public_methods(path):
    wide = {
        node.name: public_methods(node)
        for node in definitions(path)
        if isinstance(node, ast.ClassDef) and len(public_methods(node)) > 10
    }

    assert wide == {}


@every_module
def test_nothing_is_called_a_junk_drawer(path):
    names = {path.stem, path.parent.name, *(node.name for node in definitions(path))}

    assert {name for name in names if name.strip("_").lower() in JUNK_DRAWERS} == set()


@every_module
def test_another_room_is_entered_by_its_door(path):
    room = path.relative_to(SOURCE).parts[0].removesuffix(".py")
    back_doors = {
        name
        for name in imported(path)
        if (parts := name.split("."))[0] == "coterie"
        and len(parts) > 2
        and parts[1] in ROOMS - {room}
    }

    assert back_doors == set()


def test_the_simulator_asks_nothing_but_numpy_for_its_numbers():
    simulator = [path for path in MODULES if path.stem.startswith("simulate")]
    roots = {name.partition(".")[0] for path in simulator for name in imported(path)}

    # pandas and xarray only label the numbers once they are made.
    assert "numpy" in roots
    assert roots - sys.stdlib_module_names <= {"numpy", "pandas", "xarray", "coterie"}


def test_the_rules_above_are_asked_of_every_room():
    assert {path.relative_to(SOURCE).parts[0] for path in MODULES} >= ROOMS
