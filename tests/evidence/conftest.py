import numpy as np
import pandas as pd
import pytest


def make_campaign() -> pd.DataFrame:
    """Three artists in three clusters over two months: 18 rows, saves and adds of listeners."""
    rng = np.random.default_rng(7)
    rows = [
        (artist, cluster, start, end)
        for artist in ("Ada", "Bo", "Cy")
        for cluster in ("gym", "indie pop", "late night")
        for start, end in (("2025-01-06", "2025-02-02"), ("2025-02-03", "2025-03-02"))
    ]
    frame = pd.DataFrame(rows, columns=["artist", "cluster", "period_start", "period_end"])
    frame["listeners"] = rng.integers(50, 400, len(frame))
    frame["saves"] = rng.binomial(frame["listeners"], 0.2)
    frame["adds"] = rng.binomial(frame["listeners"], 0.1)
    return frame


@pytest.fixture(scope="session")
def campaign():
    """A maker of one good table, small enough to see, that every test bends in its own way."""
    return make_campaign
