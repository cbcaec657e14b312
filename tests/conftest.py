"""What tests of several rooms share."""

import numpy as np
import pytest


@pytest.fixture
def rng() -> np.random.Generator:
    """Return a fresh generator with a stated seed, the same for each test."""
    return np.random.default_rng(20260907)
