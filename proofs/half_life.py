"""Does a chosen half-life foresee more where rates drift, and is none chosen where they do not.

``few``: tables of 20 artists x 4 clusters x 10 windows of 28 days, the half-life chosen by the two
windows before the last. ``many``: 12 artists x 12 clusters x 8 windows, chosen by three windows: a
choice is as sure as there are clusters whose levels were foreseen. The last window, which nobody
saw, is scored with what was chosen and without. In ``walk`` worlds the levels of clusters follow a
random walk (a step of 0.3 a window); in ``fresh`` ones each window has an effect of its own (0.15),
so that an old one tells as much as a new one.
``playlists``: placements of real playlists, early to late, at several half-lives, and with windows
of 28 days against none. Each world and each fit leaves one JSON file: a run can be taken up again.

    python proofs/half_life.py few WORLDS [KIND]     # of each kind or one; some minutes a world
    python proofs/half_life.py many WORLDS [KIND]
    python proofs/half_life.py playlists DATA        # the folder that holds data/
    python proofs/half_life.py report
"""

import dataclasses
import json
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import coterie as co
from coterie.evidence import part_of, simulate

RESULTS = Path(__file__).parent / "results" / "half_life"
OUTCOMES = (co.Outcome.binary("save", successes="saves", trials="listeners"),)
KEPT = (co.Outcome.binary("kept", successes="kept28", trials="placements"),)
SEED = 20261126
PLACED = ["placements", "kept28"]
DRIFT = {"walk": 0.3, "fresh": 0.15}
DESIGNS = {
    "few": {"artists": 20, "clusters": 4, "windows": 10, "origins": 2,
            "values": ["28D", "84D", "252D", "1000D"]},
    "many": {"artists": 12, "clusters": 12, "windows": 8, "origins": 3,
             "values": ["28D", "84D", "1000D"]},
}  # fmt: skip
REAL = ["never", "224D", "112D", "56D"]


def worlds(design: str, count: int, kinds: list[str]) -> None:
    """Choose a half-life in worlds of some kinds, in turn."""
    for w in range(count):
        for i, kind in enumerate(DRIFT):
            name = f"{design}-{kind}-{w:02d}"
            if kind in kinds and not (RESULTS / f"{name}.json").exists():
                found = _world(kind, (SEED, i, w), **DESIGNS[design])
                _keep(name, found, seed=[SEED, i, w])


def _world(
    kind: Any, seed: tuple[int, int, int], *, artists: int, clusters: int, windows: int,
    origins: int, values: list[str],
) -> dict[str, Any]:  # fmt: skip
    rng = np.random.default_rng(seed)
    scale = np.full(len(OUTCOMES), DRIFT[kind])
    parameters = dataclasses.replace(simulate.plausible(OUTCOMES), period_scale=scale)
    drawn = simulate.world(
        artists=artists, clusters=clusters, windows=windows, drift=kind, outcomes=OUTCOMES,
        parameters=parameters, rng=rng,
    )  # fmt: skip
    evidence = drawn.evidence()
    labels = evidence.counts["window"].to_numpy()
    last = labels == np.unique(labels)[-1]
    past, later = part_of(evidence, ~last), part_of(evidence, last)
    prior = co.MembershipPrior.uniform(evidence.clusters.tolist())
    start = time.perf_counter()
    found = co.choose_half_life(
        past, values, prior=prior, origins=origins, draws=300, chains=2, rng=rng
    )
    chosen = found.provenance["chosen"]
    scores = _scores(past, later, prior, [chosen], rng)
    return {
        "chosen": chosen,
        "curve": {k: found.table[k].to_numpy().tolist() for k in ("gain", "gain_se")},
        "half_lives": found.table["half_life"].to_numpy().tolist(),
        "held_out": {k: v["mean"] for k, v in scores.items()},
        "rows": len(later),
        "fits": found.provenance["fits"],
        "weighed": found.provenance["weighed"],
        "seconds": time.perf_counter() - start,
    }


def _scores(
    past: co.Evidence, later: co.Evidence, prior: Any, values: list[str], rng: np.random.Generator
) -> dict[str, Any]:
    """Score later rows without forgetting and at half-lives, each by a fit of its own."""
    found = {}
    for value in dict.fromkeys(["never", *values]):
        with warnings.catch_warnings():
            for told in (co.ConvergenceWarning, co.EvidenceWarning):
                warnings.simplefilter("ignore", told)
            beliefs = co.fit(past.forgetting(value), prior, draws=500, chains=2, rng=rng)
        score = co.backtest(beliefs, later, rng=rng).table["log_score"].to_numpy()
        found[value] = {"mean": float(np.nanmean(score))}
    return found


def playlists(data: Path) -> None:
    """Score late kept28 per artist and cluster, after fits that let early months fade."""
    frame = pd.read_parquet(data / "data" / "spotify_playlist_archive" / "placements.parquet")
    frame = frame.assign(day=pd.to_datetime(frame["start"]))
    early = _counted(frame[frame["window"] == "early"], ["day"])
    late = _counted(frame[frame["window"] == "late"], [])
    for window in ("28D", None):
        for half_life in REAL if window else ["never"]:
            name = f"playlists-{window or 'none'}-{half_life}"
            if (RESULTS / f"{name}.json").exists():
                continue
            rng, start = np.random.default_rng(SEED), time.perf_counter()
            how = {"period": ("start", "end"), "window": window} if window else {}
            evidence = _read(early, **how).forgetting(half_life)
            prior = co.MembershipPrior.uniform(evidence.clusters.tolist())
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", co.ConvergenceWarning)
                warnings.simplefilter("ignore", co.EvidenceWarning)
                beliefs = co.fit(evidence, prior, draws=300, chains=2, rng=rng, belief_draws=10)
            own = co.backtest(beliefs, _read(late), rng=rng).table.sel(outcome="kept")
            told = {k: float(own[k]) for k in ("score", "coverage", "n")}
            best = {k: float(own["baseline_score"].max()) for k in ("best_baseline",)}
            _keep(name, {**told, **best, "seconds": time.perf_counter() - start}, seed=SEED)


def _counted(frame: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    groups = frame.groupby(["artist_id", "cluster", *by])["kept28"]
    table = groups.agg(placements="size", kept28="sum").reset_index()
    return table.assign(start=table["day"], end=table["day"]) if by else table


def _read(frame: pd.DataFrame, **how: Any) -> co.Evidence:
    if not how:
        frame = frame.groupby(["artist_id", "cluster"], as_index=False)[
            ["placements", "kept28"]
        ].sum()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", co.EvidenceWarning)
        return co.Evidence.from_frame(frame, outcomes=KEPT, artist="artist_id", **how)


def _keep(name: str, found: dict[str, Any], *, seed: Any) -> None:
    RESULTS.mkdir(parents=True, exist_ok=True)
    command = " ".join(["python proofs/half_life.py", *sys.argv[1:2]])
    part = RESULTS / f".{name}.part"
    part.write_text(json.dumps({"seed": seed, "command": command, **found}, indent=1) + "\n")
    part.replace(RESULTS / f"{name}.json")
    print(name, found, flush=True)


def report() -> None:
    """Print what was chosen in each world, and what the choice gained in the window held out."""
    for kind in (f"{design}-{kind}" for design in DESIGNS for kind in DRIFT):
        held = [json.loads(f.read_text()) for f in sorted(RESULTS.glob(f"{kind}-*.json"))]
        if not held:
            continue
        gains = np.array([h["held_out"][h["chosen"]] - h["held_out"]["never"] for h in held])
        print(f"{kind}: chosen {', '.join(h['chosen'] for h in held)}")
        if gains.size > 1:
            error = gains.std(ddof=1) / np.sqrt(gains.size)
            print(f"  gain in the last window {gains.mean():+.4f} nats a row (se {error:.4f}),")
            print(f"  above 0 in {(gains > 0).sum()} of {gains.size} worlds: {gains.round(4)}")
    for file in sorted(RESULTS.glob("playlists-*.json")):
        found = json.loads(file.read_text())
        print(
            f"{file.stem}: {found['score']:.4f} nats a cell, best baseline "
            f"{found['best_baseline']:.4f}, coverage {found['coverage']:.3f} of {found['n']:.0f}"
        )


if __name__ == "__main__":
    match sys.argv[1:]:
        case [("few" | "many") as design, number, *kinds]:
            worlds(design, int(number), kinds or list(DRIFT))
        case ["playlists", folder]:
            playlists(Path(folder))
        case ["report"]:
            report()
        case _:
            sys.exit(__doc__)
