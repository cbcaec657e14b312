"""What every test and every docstring example starts from: a stated seed, and no screen."""

import os
from typing import Any

import pytest

# Before anything imports matplotlib: pictures are drawn to memory, on any machine.
os.environ.setdefault("MPLBACKEND", "Agg")


@pytest.fixture(autouse=True)
def examples(request, doctest_namespace: dict[str, Any]) -> None:
    """Names that docstring examples use unsaid: ``co``, ``np``, ``pd``, ``rng``, ``folder``."""
    if not isinstance(request.node, pytest.DoctestItem):
        return
    import numpy as np
    import pandas as pd

    import coterie as co

    doctest_namespace.update(co=co, np=np, pd=pd, rng=np.random.default_rng(7))
    doctest_namespace["folder"] = request.getfixturevalue("tmp_path")
