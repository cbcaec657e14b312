"""Scores of artists who were in no fit, against a fit to everybody: how far apart are they.

Some artists are held out. A population is fitted to the others and the artists held out are
scored with it (``unseen``); a fit to all artists says what they should have got. ``same`` scores
them with the population of that fit to all, which leaves the scoring itself and the number of
its draws; ``again`` is what another seed of the fit to all says, the noise of the measure.
``simulated``: 160 artists x 8 clusters, four outcomes, one artist in ten held out.
``playlists``: the bundled placements of the early window, five artists in a hundred.

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
    """Score some artists of a simulated world."""
    world = simulate.world(artists=160, clusters=8, rng=np.random.default_rng(SEED))
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
    whole, other = (fitted(frame, how, clusters, seed) for seed in (SEED, SEED + 1))
    part = fitted(frame[~held], how, clusters, SEED)
    truth, noise = (home(b, out, clusters) for b in (whole, other))
    found: dict[str, Any] = {"seed": SEED, "held_out": int(out.size), "fitted": int(artists.size)}
    found["again"] = apart(noise, truth)
    for kind, beliefs in (("unseen", part), ("same", whole)):
        rows = quietly(beliefs.population.read, frame[held])
        for draws in DRAWS:
            start = time.process_time()
            table = co.score(beliefs.population, rows, draws=draws)
            seconds = time.process_time() - start
            wide = table.pivot(index="artist", columns="cluster", values="mean")
            told = apart(wide.loc[out, clusters].to_numpy(), truth)
            found[f"{kind}, {draws} draws"] = told | {"cpu_seconds": seconds}
    print(name, json.dumps(found, indent=1), flush=True)
    RESULTS.mkdir(parents=True, exist_ok=True)
    part_file = RESULTS / f".{name}.part"
    part_file.write_text(json.dumps(found, indent=1) + "\n")
    part_file.replace(RESULTS / f"{name}.json")


def fitted(frame: pd.DataFrame, how: dict[str, Any], clusters: list[str], seed: int) -> co.Beliefs:
    """Fit one table, and believe at many of its draws."""
    evidence = quietly(co.Evidence.from_frame, frame, **how)
    prior = co.MembershipPrior.uniform(clusters)
    rng = np.random.default_rng(seed)
    return quietly(co.fit, evidence, prior, draws=1000, chains=2, belief_draws=400, rng=rng)


def home(beliefs: co.Beliefs, artists: Any, clusters: list[str]) -> np.ndarray[Any, Any]:
    """Return mean beliefs over (artist, cluster)."""
    mean = beliefs.home.sel(artist=artists, cluster=clusters).mean(("chain", "draw"))
    return mean.transpose("artist", "cluster").to_numpy()


def apart(found: np.ndarray[Any, Any], truth: np.ndarray[Any, Any]) -> dict[str, float]:
    """Say how far beliefs are apart."""
    gap = np.abs(found - truth)
    return {
        "mean": float(gap.mean()),
        "p99": float(np.quantile(gap, 0.99)),
        "most": float(gap.max()),
    }


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
        for kind, told in found.items():
            if isinstance(told, dict):
                print(
                    f"{file.stem}, {found['held_out']} of {found['fitted']:,} artists held out, "
                    f"{kind}: mean absolute difference {told['mean']:.4f}, 99th percentile "
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
