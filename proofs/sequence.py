"""Weekly updates against one fit to all weeks: do they believe the same, and what do they cost.

``weekly``: worlds of 12 artists x 4 clusters in which every artist gets new rows in each of ten
weeks. ``catalogue``: one world of 300 artists x 6 clusters in which one artist at a time gets a
new week: in turn a week that nobody had before, and one that all others have. Each world leaves
one JSON file; FOLDER keeps the beliefs of each step, so that a run can be taken up again.

    python proofs/sequence.py weekly WORLDS FOLDER  # ten worlds: an hour on two cores
    python proofs/sequence.py catalogue STEPS FOLDER  # twelve steps: half an hour
    python proofs/sequence.py report
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

RESULTS = Path(__file__).parent / "results" / "sequence"
OUTCOMES = (
    co.Outcome.binary("save", successes="saves", trials="listeners"),
    co.Outcome.count("depth", total="downstream_streams", exposure="new_listeners"),
)
SEED = 20261125
WEEKS = 10


def read(frame: pd.DataFrame) -> co.Evidence:
    """Read rows of a world; what is odd in a week is not odd in a world."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", co.EvidenceWarning)
        return co.Evidence.from_frame(frame, outcomes=OUTCOMES, window="7D")


def fitted(evidence: co.Evidence, clusters: list[str], seed: int) -> tuple[co.Beliefs, float]:
    """Fit, and say how long it took."""
    prior = co.MembershipPrior.uniform(clusters)
    start = time.perf_counter()
    beliefs = co.fit(evidence, prior, rng=np.random.default_rng(seed))
    return beliefs, time.perf_counter() - start


def compared(sequence: co.Beliefs, batch: co.Beliefs, artists: list[str]) -> dict[str, float]:
    """Compare beliefs, and rates of each pair's next cell in units of their posterior sd."""
    means = [b.home.sel(artist=artists).mean(("chain", "draw")) for b in (sequence, batch)]
    every = batch.evidence.to_frame().drop_duplicates(["artist", "cluster"])
    rows = read(every[every["artist"].isin(artists)])
    drawn = [co.predict(b, rows, rng=np.random.default_rng(1)) for b in (sequence, batch)]
    found: dict[str, float] = {}
    for name in ("rate", "intensity"):
        first, second = (d[name].mean(("chain", "draw")) for d in drawn)
        spread = drawn[1][name].std(("chain", "draw"))
        found[f"{name}_in_sd"] = float((abs(first - second) / spread).mean())
    return {"belief": float(abs(means[0] - means[1]).mean()), **found}


def step(beliefs: co.Beliefs, rows: co.Evidence, seed: int, **how: Any) -> tuple[co.Beliefs, dict]:
    """Update once; note the path, its weights and its seconds."""
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", co.ConvergenceWarning)
        made = co.update(beliefs, rows, rng=np.random.default_rng(seed), **how)
    last = made.history.isel(update=-1)
    told = {name: float(last[name]) for name in ("khat", "effective")}
    return made, {"path": str(last["path"].values), "seconds": time.perf_counter() - start} | told


def weekly(worlds: int, folder: Path) -> None:
    """Run week by week, all worlds together, so that each size of table compiles once."""
    todo = [w for w in range(worlds) if not (RESULTS / f"weekly-{w:02d}.json").exists()]
    tables, now, steps = {}, {}, {w: [] for w in todo}
    for w in todo:
        drawn = simulate.world(
            artists=12, clusters=4, windows=WEEKS, window="7D", outcomes=OUTCOMES,
            rng=np.random.default_rng((SEED, w)),
        )  # fmt: skip
        tables[w] = drawn.frame
    for week in range(WEEKS):
        for w in todo:
            frame, clusters = tables[w], sorted(tables[w]["cluster"].unique())
            start = sorted(frame["period_start"].unique())[week]
            rows = read(frame[frame["period_start"] == start])
            kept = folder / f"world-{w:02d}-week-{week:02d}.nc"
            told = kept.with_suffix(".json")
            if told.exists():
                now[w] = co.Beliefs.load(kept)
                steps[w].append(json.loads(told.read_text()))
                continue
            if week == 0:
                now[w], seconds = fitted(rows, clusters, SEED + w)
                steps[w].append({"path": "fit", "seconds": seconds})
            else:
                now[w], found = step(now[w], rows, SEED + w)
                steps[w].append(found)
            now[w].save(kept)
            told.write_text(json.dumps(steps[w][-1]))
            print("week", week + 1, "world", w, steps[w][-1], flush=True)
    for w in todo:
        clusters = sorted(tables[w]["cluster"].unique())
        batch, seconds = fitted(read(tables[w]), clusters, SEED + 1000 + w)
        found = compared(now[w], batch, sorted(tables[w]["artist"].unique()))
        _keep(f"weekly-{w:02d}", {"steps": steps[w], "batch_seconds": seconds, **found})


def catalogue(count: int, folder: Path) -> None:
    """Give one artist at a time a new week, and compare all of them with one fit at the end."""
    world = simulate.world(
        artists=300, clusters=6, windows=3, window="7D", outcomes=OUTCOMES,
        rng=np.random.default_rng(SEED),
    )  # fmt: skip
    frame, week = world.frame, world.frame["period_start"].rank(method="dense")
    artists = sorted(frame["artist"].unique())[:count]
    # In turn: a week that nobody had, and one that all others have.
    which = {artist: 3 - i % 2 for i, artist in enumerate(artists)}
    own = frame["artist"].map(which)
    arriving = frame[week == own]
    before = frame[(week < 3) & (week != own)]
    clusters = sorted(frame["cluster"].unique())
    beliefs, steps = None, []
    for i, artist in enumerate(["", *artists]):
        kept = folder / f"catalogue-{i:02d}.nc"
        told = kept.with_suffix(".json")
        if told.exists():
            steps.append(json.loads(told.read_text()))
            beliefs = co.Beliefs.load(kept)
            continue
        if beliefs is None:
            beliefs, seconds = fitted(read(before), clusters, SEED)
            steps.append({"path": "fit", "seconds": seconds})
        else:
            beliefs, found = step(beliefs, read(arriving[arriving["artist"] == artist]), SEED + i)
            steps.append(found | {"week": which[artist]})
        beliefs.save(kept)
        told.write_text(json.dumps(steps[-1]))
        print(artist, steps[-1], flush=True)
    batch, seconds = fitted(read(pd.concat([before, arriving])), clusters, SEED + 1000)
    found = compared(beliefs, batch, artists)
    everyone = compared(beliefs, batch, sorted(before["artist"].unique()))
    _keep("catalogue", {"steps": steps, "batch_seconds": seconds, **found, "all": everyone})


def _keep(name: str, found: dict[str, Any]) -> None:
    RESULTS.mkdir(parents=True, exist_ok=True)
    part = RESULTS / f".{name}.part"
    part.write_text(json.dumps({"seed": SEED, **found}, indent=1) + "\n")
    part.replace(RESULTS / f"{name}.json")
    print(name, {k: v for k, v in found.items() if k != "steps"}, flush=True)


def report() -> None:
    """Print what was found, every world a line."""
    for file in sorted(RESULTS.glob("*.json")):
        found = json.loads(file.read_text())
        paths = [s["path"] for s in found["steps"]]
        cheap = [s["seconds"] for s in found["steps"] if s["path"] == "weights"]
        again = [s["seconds"] for s in found["steps"] if s["path"] == "refit"]
        print(
            f"{file.stem}: belief {found['belief']:.4f}, rate {found['rate_in_sd']:.3f} sd, "
            f"intensity {found['intensity_in_sd']:.3f} sd; weights {paths.count('weights')} of "
            f"{len(paths) - 1} steps, median {np.median(cheap) if cheap else np.nan:.1f} s; refits "
            f"median {np.median(again) if again else np.nan:.1f} s; batch "
            f"{found['batch_seconds']:.1f} s"
        )


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["weekly", number, folder]:
            Path(folder).mkdir(parents=True, exist_ok=True)
            weekly(int(number), Path(folder))
        case ["catalogue", number, folder]:
            Path(folder).mkdir(parents=True, exist_ok=True)
            catalogue(int(number), Path(folder))
        case ["report"]:
            report()
        case _:
            sys.exit(__doc__)
