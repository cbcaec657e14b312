"""Published results and what this library finds, one run a data set."""

import importlib.util
import json
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDER = ROOT.parent / "shared" / "reference"
PROOF = ROOT / "proofs" / "references.py"


@cache
def proof():
    spec = importlib.util.spec_from_file_location("published_references", PROOF)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def pytest_generate_tests(metafunc):
    if "reference" not in metafunc.fixturenames:
        return
    files = sorted(FOLDER.glob("*.json")) if PROOF.exists() else []
    known = [json.loads(f.read_text()) for f in files if "schema" not in f.name]
    blocks = [
        pytest.param((file, block), id=f"{file['name']}-{block['id']}")
        for file in known
        for block in file["references"]
    ]
    absent = pytest.param(None, id="absent", marks=pytest.mark.skip("no folder of references here"))
    metafunc.parametrize("reference", blocks or [absent])


@pytest.fixture(scope="session")
def found():
    """Return a function from a reference file to our results, run once a file."""
    kept = {}

    def of(file):
        name = file["name"]
        if name not in proof().DATA:
            pytest.skip(f"no code lays out {name}")
        if name not in kept:
            kept[name] = proof().DATA[name](file["data"]["columns"])
        return kept[name]

    return of


@pytest.fixture
def compare():
    return proof().compare
