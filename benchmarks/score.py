"""Scoring a catalogue from parquet to parquet: cells a second, memory, and growth with size.

Compared in one run with what it replaces: one NUTS fit for each artist, its model compiled
before. A cell is one artist in one cluster, whatever the number of outcomes.

    python benchmarks/score.py run FOLDER 32 10000 100000           # at 32 draws: six minutes
    python benchmarks/score.py run FOLDER 8 10000 100000 1000000    # at 8: a quarter of an hour
    python benchmarks/score.py report
"""

import json
import resource
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

import coterie as co
from coterie.evidence import simulate

RESULTS = Path(__file__).parent / "results" / "score.json"
SEED = 20261125
CLUSTERS = 8
FITTED = 200
PART = 5_000


def population(folder: Path) -> co.Population:
    """Fit a world once, and keep its population."""
    file = folder / "population.nc"
    if not file.exists():
        world = simulate.world(artists=FITTED, clusters=CLUSTERS, rng=np.random.default_rng(SEED))
        prior = co.MembershipPrior.uniform(sorted(world.frame["cluster"].unique()))
        beliefs = co.fit(world.evidence(), prior, rng=np.random.default_rng(SEED))
        beliefs.population.save(file)
    return co.Population.load(file)


def catalogue(folder: Path, artists: int) -> Path:
    """Write rows of so many artists, part by part."""
    file = folder / f"catalogue-{artists}.parquet"
    if file.exists():
        return file
    writer = None
    for part, first in enumerate(range(0, artists, PART)):
        labels = [f"artist {first + i:07d}" for i in range(min(PART, artists - first))]
        world = simulate.world(
            artists=labels, clusters=CLUSTERS, rng=np.random.default_rng((SEED, part))
        )
        table = pa.Table.from_pandas(world.frame, preserve_index=False)
        writer = writer or pq.ParquetWriter(file, table.schema)
        writer.write_table(table)
    writer.close()
    return file


def one_by_one(folder: Path, fits: int = 3) -> float:
    """Return the seconds of one NUTS fit of one artist, its model compiled."""
    frame = pd.read_parquet(catalogue(folder, 10_000))
    seconds = []
    for artist in list(frame["artist"].unique()[: fits + 1]):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            evidence = co.Evidence.from_frame(frame[frame["artist"] == artist])
            prior = co.MembershipPrior.uniform(sorted(frame["cluster"].unique()))
            start = time.perf_counter()
            co.fit(evidence, prior, rng=np.random.default_rng(1))
        seconds.append(time.perf_counter() - start)
    return float(np.median(seconds[1:]))


def scored(folder: Path, artists: int, draws: int) -> dict[str, float]:
    """Score a catalogue in a process of its own, and say what it took."""
    source, target = catalogue(folder, artists), folder / f"scores-{artists}.parquet"
    done = subprocess.run(
        [sys.executable, __file__, "one", str(folder), str(source), str(target), str(draws)],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    return json.loads(done.stdout.splitlines()[-1])


def one(folder: Path, source: Path, target: Path, draws: int) -> None:
    """Score one file; print seconds, cells and peak memory."""
    known = population(folder)
    start, busy = time.perf_counter(), time.process_time()
    artists = co.score_file(known, source, target, draws=draws)
    seconds, cpu = time.perf_counter() - start, time.process_time() - busy
    cells = artists * CLUSTERS
    print(
        json.dumps(
            {
                "draws": draws, "artists": artists, "cells": cells,
                "seconds": seconds, "cpu_seconds": cpu,
                "cells_a_second": cells / seconds, "cells_a_second_a_core": cells / cpu,
                "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            }
        )
    )  # fmt: skip


def run(folder: Path, draws: int, sizes: list[int]) -> None:
    """Measure every size, and one fit an artist."""
    folder.mkdir(parents=True, exist_ok=True)
    population(folder)
    found = json.loads(RESULTS.read_text()) if RESULTS.exists() else {"seed": SEED, "sizes": {}}
    found["seconds_of_one_fit"] = one_by_one(folder)
    for size in sizes:
        name = f"{size} at {draws} draws"
        found["sizes"][name] = scored(folder, size, draws)
        print(name, found["sizes"][name], flush=True)
        RESULTS.write_text(json.dumps(found, indent=1) + "\n")
    report()


def report() -> None:
    """Print what was found."""
    found = json.loads(RESULTS.read_text())
    one_fit = CLUSTERS / found["seconds_of_one_fit"]
    print(f"one NUTS fit an artist: {one_fit:.2f} cells a second")
    for told in found["sizes"].values():
        times = told["cells_a_second"] / one_fit
        print(
            f"{told['artists']:>9,} artists at {told['draws']:>2} draws: "
            f"{told['cells_a_second']:,.0f} cells a second "
            f"({told['cells_a_second_a_core']:,.0f} a core; {times:,.0f} "
            f"times one fit an artist), {told['seconds']:,.0f} s, peak {told['peak_mib']:,.0f} MiB"
        )


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["run", folder, draws, *sizes]:
            run(Path(folder), int(draws), [int(size) for size in sizes])
        case ["one", folder, source, target, draws]:
            one(Path(folder), Path(source), Path(target), int(draws))
        case ["report"]:
            report()
        case _:
            sys.exit(__doc__)
