"""Real data: fit what came first, score what came after.

    python proofs/real.py playlists DATA --homes many --until 2020-04    # validation inside early
    python proofs/real.py playlists DATA --homes many                    # opens the late window
    python proofs/real.py placed DATA [--until 2020-04]
    python proofs/real.py hetrec DATA                                    # user half A to half B
    python proofs/real.py hetrec-located DATA

DATA is a folder holding ``spotify_playlist_archive`` and ``hetrec_lastfm``. Every run appends
one line to ``proofs/results/real.jsonl``: every opening of a late window is on record.
"""

import argparse
import json
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import optimize
from scipy.special import gammaln, logsumexp

import coterie as co

RESULTS = Path(__file__).parent / "results"
PLAYLISTS = (
    co.Outcome.binary("kept", successes="kept28", trials="placements"),
    co.Outcome.binary("spread", successes="spread56", trials="placements"),
    co.Outcome.count("downstream", total="downstream56", exposure="entries"),
)
HETREC = (
    co.Outcome.binary("adoption", successes="listeners", trials="audience"),
    co.Outcome.binary("tagged", successes="tagged", trials="listeners"),
    co.Outcome.binary("heavy", successes="heavy", trials="listeners"),
)
DATED = {"artist": "artist_id", "period": ("start", "end")}


def placements(data: Path) -> pd.DataFrame:
    """Return dated placements with their month."""
    frame = pd.read_parquet(data / "spotify_playlist_archive" / "placements.parquet")
    return frame.assign(month=pd.to_datetime(frame["start"]).dt.to_period("M"))


def counted(frame: pd.DataFrame, *by: str) -> pd.DataFrame:
    """Sum placements over the labels named."""
    groups = frame.groupby(["artist_id", "cluster", *by])
    table = groups.agg(
        placements=("kept28", "size"), kept28=("kept28", "sum"), spread56=("spread56", "sum"),
        entries=("entry", "sum"), downstream56=("downstream56", "sum"),
    ).reset_index()  # fmt: skip
    if "month" in by:
        table["start"] = table["month"].dt.start_time
        table["end"] = table["month"].dt.end_time.dt.normalize()
    return table.drop(columns="month", errors="ignore")


def split(data: Path, until: str | None) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return placements to fit and to score: early and late, or early cut in two."""
    frame = placements(data)
    early = frame[frame["window"] == "early"]
    if until is None:
        return early, frame[frame["window"] == "late"]
    return early[early["month"] <= until], early[early["month"] > until]


def read(frame: pd.DataFrame, **how: Any) -> co.Evidence:
    """Read a table; what is normal in it is not said again."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", co.EvidenceWarning)
        return co.Evidence.from_frame(frame, **how)


def believe(evidence: co.Evidence, args: argparse.Namespace, rng: Any) -> co.Beliefs:
    """Fit as the arguments say."""
    population = co.PopulationPrior()
    if args.still:
        population = population.replace(period_scale=co.ParameterPrior.fixed(0.0))
    if args.loading is not None:
        population = population.replace(loading=co.ParameterPrior.halfnormal(args.loading))
    if args.uplift is not None:
        population = population.replace(uplift=co.ParameterPrior.lognormal(args.uplift, 0.5))
    if args.kappa is not None:
        scatter = co.ParameterPrior.lognormal(args.kappa, 1.0)
        if args.kappa == float("inf") or args.fixed:
            scatter = co.ParameterPrior.fixed(args.kappa)
        population = population.replace(kappa=scatter)
    if args.fixed:
        population = population.replace(kappa_spread=co.ParameterPrior.fixed(0.0))
    homes = None if args.homes == "none" else args.homes
    prior = co.MembershipPrior.uniform(evidence.clusters.tolist(), prob=args.prob)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", co.ConvergenceWarning)
        return co.fit(
            evidence,
            prior,
            homes=homes,
            population=population,
            draws=args.draws,
            tune=500,
            chains=2,
            rng=rng,
            belief_draws=10,
        )


def playlists(args: argparse.Namespace, rng: Any) -> dict[str, Any]:
    """Score kept, spread and downstream per artist and cluster."""
    first, second = split(args.data, args.until)
    how = {"artist": "artist_id"} if args.window == "none" else DATED | {"window": args.window}
    beliefs = believe(
        read(
            counted(first, *([] if args.window == "none" else ["month"])), outcomes=PLAYLISTS, **how
        ),
        args,
        rng,
    )
    later = read(counted(second), outcomes=PLAYLISTS, artist="artist_id")
    return scored(beliefs, later, rng)


def hetrec(args: argparse.Namespace, rng: Any) -> dict[str, Any]:
    """Score adoption, tagging and heavy listening of the other half of the users."""
    frame = pd.read_csv(args.data / "hetrec_lastfm" / "evidence_user_split.csv.gz")
    half = {h: read(frame[frame["half"] == h], outcomes=HETREC) for h in "AB"}
    return scored(believe(half["A"], args, rng), half["B"], rng, args.of)


def placed(args: argparse.Namespace, rng: Any) -> dict[str, Any]:
    """Score where the next placements go, on the complete grid."""
    first, second = split(args.data, args.until)
    grid = pd.MultiIndex.from_product(
        [sorted(first["artist_id"].unique()), sorted(first["cluster"].unique())],
        names=["artist_id", "cluster"],
    )

    def table(frame: pd.DataFrame) -> pd.DataFrame:
        size = frame.groupby(["artist_id", "cluster"]).size().reindex(grid, fill_value=0)
        return size.rename("placed").reset_index()

    outcome = co.Outcome.count("placed", total="placed", exposure="cluster_total")
    total = first.groupby("cluster").size().rename("cluster_total").reset_index()
    fitted, later = (table(f).merge(total, on="cluster") for f in (first, second))
    later = later[later.groupby("artist_id")["placed"].transform("sum") > 0]
    return located(fitted, later, outcome, "artist_id", args, rng)


def hetrec_located(args: argparse.Namespace, rng: Any) -> dict[str, Any]:
    """Score in which cluster the next listeners are."""
    frame = pd.read_csv(args.data / "hetrec_lastfm" / "evidence_user_split.csv.gz")
    frame = frame.assign(placed=frame["listeners"])
    first = frame[frame["half"] == "A"]
    early = first[["artist", "cluster", "audience"]]
    second = frame[frame["half"] == "B"].drop(columns="audience").merge(early)
    outcome = co.Outcome.count("placed", total="placed", exposure="audience")
    return located(first, second, outcome, "artist", args, rng)


def located(
    first: pd.DataFrame, second: pd.DataFrame, outcome: co.Outcome, artist: str,
    args: argparse.Namespace, rng: Any,
) -> dict[str, Any]:  # fmt: skip
    """Log of the mean over draws of each artist's sequence probability, per event."""
    columns = [artist, "cluster", "placed", outcome.denominator]
    beliefs = believe(read(first[columns], outcomes=[outcome], artist=artist), args, rng)
    rows = second[columns].reset_index(drop=True)
    later = read(rows, outcomes=[outcome], artist=artist)
    exposure, placed = rows[outcome.denominator].to_numpy(), rows["placed"].to_numpy()
    heights: list[list[np.ndarray]] = [[] for _ in range(rows[artist].nunique())]
    for _ in range(args.times):
        drawn = co.predict(beliefs, later, of=args.of, rng=rng)
        rate = drawn["intensity"].to_numpy().reshape(-1, len(rows)) * exposure
        for own, at in zip(heights, rows.groupby(artist).indices.values(), strict=True):
            share = np.log(rate[:, at]) - np.log(rate[:, at].sum(axis=1, keepdims=True))
            own.append((share * placed[at]).sum(axis=1))
    joined = np.array([np.concatenate(own) for own in heights])
    total = float((logsumexp(joined, axis=1) - np.log(joined.shape[1])).sum())
    return {
        "per_event": total / rows["placed"].sum(),
        "dirichlet_baseline": dirichlet(first, rows, artist, outcome.denominator),
        "artists": rows[artist].nunique(), "diagnosis": beliefs.diagnose().lines[0],
    }  # fmt: skip


def dirichlet(first: pd.DataFrame, rows: pd.DataFrame, artist: str, exposure: str) -> float:
    """Score the empirical-Bayes Dirichlet-multinomial with the artist's own counts added."""
    own = first.pivot_table(index=artist, columns="cluster", values="placed", fill_value=0)
    base = first.groupby("cluster")[exposure].first()
    shares = (base / base.sum()).reindex(own.columns).to_numpy()
    seen = own.to_numpy(float)

    def score(alpha: np.ndarray, x: np.ndarray) -> float:
        total, events = alpha.sum(axis=1), x.sum(axis=1)
        heads = gammaln(total) - gammaln(total + events)
        return float((heads + (gammaln(alpha + x) - gammaln(alpha)).sum(axis=1)).sum())

    fit = optimize.minimize_scalar(
        lambda t: -score(np.exp(t) * shares + 0 * seen, seen), bounds=(-6, 6), method="bounded"
    )
    later = rows.pivot_table(index=artist, columns="cluster", values="placed", fill_value=0)
    later = later.reindex(columns=own.columns, fill_value=0)
    alpha = np.exp(fit.x) * shares + own.reindex(later.index).to_numpy(float)
    return score(alpha, later.to_numpy(float)) / float(later.to_numpy().sum())


def scored(beliefs: co.Beliefs, later: co.Evidence, rng: Any, of: Any = "next") -> dict[str, Any]:
    """Backtest, and keep its table."""
    table = co.backtest(beliefs, later, of=of, rng=rng).table
    found: dict[str, Any] = {
        str(o): {
            "score": float(table["score"].sel(outcome=o)),
            "best_baseline": float(table["baseline_score"].sel(outcome=o).max()),
            "coverage90": float(table["coverage"].sel(outcome=o)),
            "rows": int(table["n"].sel(outcome=o)),
        }
        for o in table["outcome"].values
    }
    return found | {"diagnosis": beliefs.diagnose().lines[0]}


TASKS = {
    "playlists": playlists, "placed": placed, "hetrec": hetrec, "hetrec-located": hetrec_located,
}  # fmt: skip

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("task", choices=TASKS)
    parser.add_argument("data", type=Path)
    parser.add_argument("--homes", choices=["one", "many", "none"], default="one")
    parser.add_argument("--prob", type=float, default=0.25)
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--still", action="store_true", help="No drift between windows.")
    parser.add_argument("--loading", type=float, help="Scale of loading's prior.")
    parser.add_argument("--uplift", type=float, help="Median of uplift's prior.")
    parser.add_argument("--times", type=int, default=1, help="Rates drawn from each draw.")
    parser.add_argument("--kappa", type=float, help="Median of kappa's prior; inf fixes it.")
    parser.add_argument("--fixed", action="store_true", help="State kappa, the same everywhere.")
    parser.add_argument("--window", default="month", help="Windows of playlists.")
    parser.add_argument("--of", choices=["next", "observed"], default="next", help="See predict.")
    parser.add_argument("--until", help="Last month to fit; scores the rest of early.")
    asked = parser.parse_args()
    start = time.perf_counter()
    answer = TASKS[asked.task](asked, np.random.default_rng(asked.seed))
    said = {k: v for k, v in vars(asked).items() if k != "data"}
    line = said | {"seconds": round(time.perf_counter() - start, 1), "found": answer}
    print(json.dumps(line, indent=1))
    with (RESULTS / "real.jsonl").open("a") as file:
        file.write(json.dumps(line) + "\n")
