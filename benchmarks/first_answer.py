"""Seconds until a settled answer, from a new process, beside those of another checkout.

    python benchmarks/first_answer.py [--rival PATH] [--times 5] [--tables one campaigns ...]
    python benchmarks/first_answer.py --report

Four tables: one artist in four clusters after one campaign; 6 artists x 5 clusters x 6 cells; the
table that is bundled; 300 artists x 10 clusters of one outcome. Each is read, fitted with the
defaults and believed in, in a process of its own: cold, with the caches of numba and PyTensor
empty, in a folder that is thrown away; and warm, with those that the cold run of the same table
left. PATH is another checkout, such as an earlier commit in a git worktree: its own ``src`` is
imported, by the same interpreter. Both sides take turns. Seconds are medians, those of the whole
process and those of the fit; R-hat and the least effective draws stand beside them, so that
unequal work shows.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).parent / "results" / "first_answer.json"
SEED = 20261201
TABLES = ("one", "campaigns", "bundled", "catalogue")
SAVED = {"saves": -2.6, "adds": -3.2, "follows": -4.1}
LONGEST = 3600


def table(name: str) -> pd.DataFrame:
    """Return a table; no line of the library has a part in it, so that both sides read the same."""
    rng = np.random.default_rng([SEED, TABLES.index(name)])
    if name == "one":
        return _campaigns(rng, artists=1, clusters=4, cells=1, listeners=800)
    if name == "campaigns":
        return _campaigns(rng, artists=6, clusters=5, cells=6, listeners=300)
    if name == "bundled":
        return _bundled()
    frame = _campaigns(rng, artists=300, clusters=10, cells=1, listeners=200)
    return frame[["artist", "cluster", "listeners", "saves"]]


def _campaigns(
    rng: np.random.Generator, *, artists: int, clusters: int, cells: int, listeners: int
) -> pd.DataFrame:
    a, k, c = (i.ravel() for i in np.indices((artists, clusters, cells)))
    fit = rng.normal(size=(artists, clusters))[a, k]
    around = 0.3 * rng.normal(size=artists)[a] + 0.25 * rng.normal(size=clusters)[k]
    people = 1 + rng.poisson(listeners - 1, size=a.size)
    frame = pd.DataFrame(
        {"artist": [f"artist {i + 1}" for i in a], "cluster": [f"cluster {i + 1}" for i in k],
         "listeners": people, "new_listeners": np.maximum(1, rng.binomial(people, 0.6))}
    )  # fmt: skip
    for column, level in SAVED.items():
        chance = 1 / (1 + np.exp(-(level + around + 0.5 * fit)))
        frame[column] = rng.binomial(people, rng.beta(200 * chance, 200 * (1 - chance)))
    mean = frame["new_listeners"] * np.exp(0.2 + around + 0.5 * fit)
    frame["downstream_streams"] = rng.poisson(mean * rng.gamma(5.0, size=a.size) / 5.0)
    if cells > 1:
        start = pd.to_datetime(["2026-01-01", "2026-02-01", "2026-03-01"])[c % 3]
        frame["release"] = [f"release {i + 1}" for i in c // 3]
        frame["period_start"] = start
        frame["period_end"] = start + pd.offsets.MonthEnd(1)
    return frame


def _bundled() -> pd.DataFrame:
    """Return the demo's table: placements of the bundled early window on the complete grid."""
    sys.path.insert(0, str(ROOT / "src"))
    from coterie.evidence import datasets

    frame = datasets.load("playlists", "early")
    counted = ["placements", "kept28", "spread56", "entries", "downstream56"]
    own = frame.groupby(["artist", "cluster"])[counted].sum()
    clusters = sorted(datasets.load("playlists")["cluster"].unique())
    places = [sorted(frame["artist"].unique()), clusters]
    whole = pd.MultiIndex.from_product(places, names=["artist", "cluster"])
    found = own.reindex(whole, fill_value=0).reset_index()
    total = found.groupby("cluster")["placements"].transform("sum")
    return found.assign(cluster_total=total)


def answer(file: Path) -> dict[str, Any]:
    """Read, fit and believe, in this process; say how long it took and how much work it was."""
    import warnings

    import coterie as co

    frame = pd.read_parquet(file)
    how: dict[str, Any] = {"window": "month"} if "period_start" in frame else {}
    if "kept28" in frame:
        how["outcomes"] = (
            co.Outcome.count("placed", total="placements", exposure="cluster_total"),
            co.Outcome.binary("kept", successes="kept28", trials="placements"),
            co.Outcome.binary("spread", successes="spread56", trials="placements"),
            co.Outcome.count("downstream", total="downstream56", exposure="entries"),
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        start = time.perf_counter()
        evidence = co.Evidence.from_frame(frame, **how)
        prior = co.MembershipPrior.uniform(sorted(frame["cluster"].unique()))
        beliefs = co.fit(evidence, prior, rng=np.random.default_rng(SEED), progress=False)
        home = beliefs.home.mean(("chain", "draw"))
        found = beliefs.diagnose()
    return {
        "fit_seconds": time.perf_counter() - start, "settled": bool(found.ok),
        "rhat": found.numbers.get("rhat"), "ess": found.numbers.get("ess_bulk"),
        "draws": int(found.numbers["chains"] * found.numbers["draws"]),
        "largest_belief": float(home.max("cluster").mean()), "from": co.__file__,
    }  # fmt: skip


def asked(tree: Path, file: Path, caches: Path) -> dict[str, Any]:
    """Get one answer from a new process that imports this tree's source."""
    source = tree / "src"
    if not (source / "coterie").is_dir():
        sys.exit(f"{tree} holds no src/coterie.")
    own = {
        "PYTHONPATH": str(source), "NUMBA_CACHE_DIR": str(caches / "numba"),
        "PYTENSOR_FLAGS": f"base_compiledir={caches / 'pytensor'}",
    }  # fmt: skip
    start = time.perf_counter()
    said = subprocess.run(
        [sys.executable, __file__, "--answer", str(file)],
        env=os.environ | own, capture_output=True, text=True, timeout=LONGEST, check=False,
        cwd=caches,
    )  # fmt: skip
    seconds = time.perf_counter() - start
    if said.returncode:
        return {"failed": said.stderr.strip().splitlines()[-1:], "seconds": seconds}
    found: dict[str, Any] = json.loads(said.stdout.strip().splitlines()[-1])
    if not Path(found["from"]).is_relative_to(source.resolve()):
        sys.exit(f"{found['from']} was imported, not {source}.")
    return found | {"seconds": seconds}


def measured(trees: dict[str, Path], names: list[str], times: int) -> list[dict[str, Any]]:
    """Ask both sides in turn: a cold process, and a warm one with the caches it left."""
    runs = []
    with tempfile.TemporaryDirectory(prefix="first-answer-") as made:
        folder = Path(made)
        for name in names:
            file = folder / f"{name}.parquet"
            table(name).to_parquet(file)
            for number in range(times):
                # Who is first changes, so that a machine that tires favours nobody.
                sides = list(trees.items())[:: 1 if number % 2 == 0 else -1]
                for side, tree in sides:
                    with tempfile.TemporaryDirectory(dir=folder) as caches:
                        for state in ("cold", "warm"):
                            found = asked(tree, file, Path(caches))
                            runs.append({"table": name, "side": side, "state": state, **found})
                            print(json.dumps(runs[-1]), flush=True)
    return runs


def medians(runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return a line for each table, side and state."""
    lines = []
    for key in dict.fromkeys((r["table"], r["state"], r["side"]) for r in runs):
        own = [r for r in runs if (r["table"], r["state"], r["side"]) == key]
        good = [r for r in own if "failed" not in r]
        line: dict[str, Any] = dict(zip(("table", "state", "side"), key, strict=True))
        line |= {"times": len(own), "failed": len(own) - len(good)}
        if good:
            middle = ("seconds", "fit_seconds", "draws", "largest_belief")
            line |= {name: statistics.median(r[name] for r in good) for name in middle}
            line["worst_rhat"] = max((r["rhat"] or float("nan")) for r in good)
            line["least_ess"] = min((r["ess"] or 0.0) for r in good)
            line["settled"] = sum(r["settled"] for r in good)
        lines.append(line)
    return lines


def report(lines: list[dict[str, Any]]) -> None:
    """Print the table."""
    head = ("table", "state", "side", "seconds", "fit", "settled", "R-hat", "ess", "draws")
    print(("{:<11}{:<6}{:<9}" + "{:>9}" * 6).format(*head))
    for line in lines:
        if "seconds" not in line:
            print(f"{line['table']:<11}{line['state']:<6}{line['side']:<9}   failed")
            continue
        print(
            f"{line['table']:<11}{line['state']:<6}{line['side']:<9}{line['seconds']:>9.1f}"
            f"{line['fit_seconds']:>9.1f}{line['settled']:>6} of{line['times']:>2}"
            f"{line['worst_rhat']:>8.3f}{line['least_ess']:>9.0f}{line['draws']:>9.0f}"
        )


def commit(tree: Path) -> str:
    """Return the commit of a checkout, with a mark where files were changed since."""
    said = subprocess.run(
        ["git", "-C", str(tree), "describe", "--always", "--dirty"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return said.stdout.strip() or "unknown"


def main() -> None:
    """Measure, print and keep; or answer one table for another process."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rival", type=Path, help="Another checkout, with a src of its own.")
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--tables", nargs="+", choices=TABLES, default=list(TABLES))
    parser.add_argument("--report", action="store_true")
    parser.add_argument("--answer", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.answer:
        print(json.dumps(answer(args.answer)))
        return
    if args.report:
        report(json.loads(RESULTS.read_text())["medians"])
        return
    trees = {"here": ROOT} | ({"rival": args.rival.resolve()} if args.rival else {})
    runs = measured(trees, args.tables, args.times)
    lines = medians(runs)
    kept = {
        "command": "python benchmarks/first_answer.py --rival PATH",
        "commits": {side: commit(tree) for side, tree in trees.items()},
        "cores": os.cpu_count(), "medians": lines, "runs": runs,
    }  # fmt: skip
    RESULTS.write_text(json.dumps(kept, indent=1) + "\n")
    report(lines)


if __name__ == "__main__":
    main()
