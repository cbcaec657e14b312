"""Scores of artists who were in no fit, against a fit to everybody: how far apart are they.

One artist in ten (of the playlists: five in a hundred) is held out. A population is fitted to the
others and the artists held out are scored with it; a fit to all artists says what they should have
got. ``simulated``: 100 artists x 8 clusters, four outcomes. ``playlists``: the bundled placements
of the early window.

    python proofs/scoring.py simulated    # some minutes on two cores
    python proofs/scoring.py playlists
    python proofs/scoring.py report
"""

import json
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import coterie as co
from coterie.evidence import simulate

RESULTS = Path(__file__).parent / "results" / "scoring"
SEED = 20261128
DRAWS = (8, 32, 200)


def simulated() -> None:
    """Score a tenth of a simulated world."""
    world = simulate.world(artists=100, clusters=8, rng=np.random.default_rng(SEED))
    compare("simulated", world.frame, {}, share=0.1)


def playlists() -> None:
    """Score five in a hundred artists of real playlists."""
    outcomes = [o for o in co.datasets.playlist_outcomes() if o.name != "returned"]
    frame = co.datasets.load("playlists", window="early")
    compare("playlists", frame, {"outcomes": outcomes, "factors": ("context",)}, share=0.05)


def compare(name: str, frame: pd.DataFrame, how: dict[str, Any], *, share: float) -> None:
    """Fit with and without some artists, and score those."""
    artists = np.unique(frame["artist"])
    rng = np.random.default_rng(SEED)
    out = rng.choice(artists, max(1, round(share * artists.size)), replace=False)
    held = frame["artist"].isin(out)
    clusters = sorted(frame["cluster"].unique())
    whole, part = (fitted(f, how, clusters) for f in (frame, frame[~held]))
    truth = whole.home.sel(artist=out, cluster=clusters).mean(("chain", "draw"))
    population = part.population
    rows = quietly(population.read, frame[held])
    found: dict[str, Any] = {"seed": SEED, "held_out": int(out.size), "fitted": int(artists.size)}
    for draws in DRAWS:
        start = time.process_time()
        table = co.score(population, rows, draws=draws)
        seconds = time.process_time() - start
        wide = table.pivot(index="artist", columns="cluster", values="mean").loc[out, clusters]
        apart = np.abs(wide.to_numpy() - truth.transpose("artist", "cluster").to_numpy())
        found[str(draws)] = {
            "mean": float(apart.mean()), "p99": float(np.quantile(apart, 0.99)),
            "most": float(apart.max()), "cpu_seconds": seconds,
        }  # fmt: skip
        print(name, draws, found[str(draws)], flush=True)
    RESULTS.mkdir(parents=True, exist_ok=True)
    part_file = RESULTS / f".{name}.part"
    part_file.write_text(json.dumps(found, indent=1) + "\n")
    part_file.replace(RESULTS / f"{name}.json")


def fitted(frame: pd.DataFrame, how: dict[str, Any], clusters: list[str]) -> co.Beliefs:
    """Fit one table."""
    evidence = quietly(co.Evidence.from_frame, frame, **how)
    prior = co.MembershipPrior.uniform(clusters)
    return quietly(co.fit, evidence, prior, chains=2, rng=np.random.default_rng(SEED))


def quietly(call: Any, *args: Any, **how: Any) -> Any:
    """Call without what is odd in a part of a table, or unsettled in a short run."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", co.EvidenceWarning)
        warnings.simplefilter("ignore", co.ConvergenceWarning)
        return call(*args, **how)


def report() -> None:
    """Print how far apart scores and full fits are."""
    for file in sorted(RESULTS.glob("*.json")):
        found = json.loads(file.read_text())
        for draws in DRAWS:
            told = found[str(draws)]
            print(
                f"{file.stem}, {found['held_out']} of {found['fitted']:,} artists held out, "
                f"{draws} draws: mean absolute difference {told['mean']:.4f}, 99th percentile "
                f"{told['p99']:.4f}, most {told['most']:.4f}"
            )


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["simulated"]:
            simulated()
        case ["playlists"]:
            playlists()
        case ["report"]:
            report()
        case _:
            sys.exit(__doc__)
