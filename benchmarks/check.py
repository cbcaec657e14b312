"""Seconds to name every problem of a table of a million rows.

python benchmarks/check.py    # median of 5, against reading the same columns once with pandas
"""

import json
import statistics
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

import coterie as co

ROWS, CLUSTERS, SEED = 1_000_000, 50, 0


def table() -> pd.DataFrame:
    """Artists in clusters over one month, with three cells that are wrong."""
    rng = np.random.default_rng(SEED)
    listeners = rng.integers(10, 1000, ROWS)
    frame = pd.DataFrame(
        {
            "artist": [f"artist {i // CLUSTERS}" for i in range(ROWS)],
            "cluster": [f"cluster {i % CLUSTERS}" for i in range(ROWS)],
            "period_start": "2025-01-01",
            "period_end": "2025-01-31",
            "listeners": listeners,
            "saves": rng.binomial(listeners, 0.1),
            "adds": rng.binomial(listeners, 0.05),
        }
    )
    frame.loc[10, "saves"] = 99_999
    frame.loc[[20, 30], "adds"] = -1
    return frame


def seconds(run: Callable[[], object], times: int = 5) -> float:
    """Median of wall time."""
    found = []
    for _ in range(times):
        start = time.perf_counter()
        run()
        found.append(time.perf_counter() - start)
    return statistics.median(found)


def main() -> None:
    """Measure, print, keep."""
    warnings.simplefilter("ignore")
    frame = table()
    keys = ["artist", "cluster", "period_start", "period_end"]
    codes = sorted(problem.code for problem in co.check(frame))
    result = {
        "command": "python benchmarks/check.py",
        "rows": ROWS,
        "codes": codes,
        "check_seconds": round(seconds(lambda: co.check(frame)), 3),
        "pandas_duplicated_seconds": round(seconds(lambda: frame.duplicated(keys).sum()), 3),
    }
    print(json.dumps(result, indent=1))
    path = Path(__file__).parent / "results" / "check.json"
    path.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
