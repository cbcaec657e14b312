"""Real data: fit what came first, score what came after, with the defaults and nothing else.

    python proofs/real.py home-playlists DATA      # homes: where an artist later does best
    python proofs/real.py home-hetrec DATA         # homes: where the other half of the users say
    python proofs/real.py placed DATA              # where the next placements go
    python proofs/real.py hetrec-located DATA      # in which cluster the next listeners are
    python proofs/real.py playlists DATA           # rates of later placements
    python proofs/real.py hetrec DATA              # rates of the other half of the users

DATA is a folder holding ``spotify_playlist_archive`` and ``hetrec_lastfm``. No task has an option
of its own: every fit is ``co.fit(evidence, MembershipPrior.uniform(clusters), rng=rng)``.
``--unseen`` (homes) fits a random half of the artists and scores the other half with ``co.score``.
``--until 2020-04`` validates inside the early window of playlists, and leaves the late one alone.
``--baselines`` scores the baselines of homes and fits nothing.

Every run says the bar, the figure, whether the fit settled, and coverage, and appends a line to
``proofs/results/real.jsonl``: every opening of a late window is on record.
"""

import argparse
import json
import time
import warnings
from dataclasses import dataclass
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
PLACED = co.Outcome.count("placed", total="placed", exposure="cluster_total")
DATED = {"artist": "artist_id", "period": ("start", "end"), "window": "quarter"}

BARS = {
    "home-playlists": -1.07, "home-hetrec": -0.89, "placed": -0.883, "hetrec-located": -1.240,
    "adoption": -1.476, "tagged": -1.144, "heavy": -1.340,
}  # fmt: skip
AHEAD = {"kept": 0.01, "spread": 0.01, "downstream": 0.01, "unseen": 0.02}
"""How far above the best baseline of the same rows, where no figure is the bar."""
STATED = ("uniform", "dirichlet_share", "dirichlet_p_best")
"""Baselines of homes that the bars were set by; all are scored and kept."""
COVERED = (0.88, 0.92)
MOST_PLACED = 300
EVENTS = 3
"""Later events from which an artist has a best cluster."""
ADDED = 1e-3
DIRICHLETS = 4000
EDGES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


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


def halves(data: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the rows of both halves of the users."""
    frame = pd.read_csv(data / "hetrec_lastfm" / "evidence_user_split.csv.gz")
    return frame[frame["half"] == "A"], frame[frame["half"] == "B"]


def read(frame: pd.DataFrame, **how: Any) -> co.Evidence:
    """Read a table; what is normal in it is not said again."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", co.EvidenceWarning)
        return co.Evidence.from_frame(frame, **how)


def believe(evidence: co.Evidence, rng: Any) -> co.Beliefs:
    """Fit with the defaults."""
    prior = co.MembershipPrior.uniform(evidence.clusters.tolist())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", co.ConvergenceWarning)
        return co.fit(evidence, prior, rng=rng)


def told(beliefs: co.Beliefs) -> dict[str, Any]:
    """Return whether the fit settled, and what it says of itself."""
    found = beliefs.diagnose()
    numbers = {k: found.numbers[k] for k in ("rhat", "ess_bulk", "ess_tail", "divergences")}
    return {"settled": found.ok, **numbers, "diagnosis": found.lines[0]}


def grid(
    frame: pd.DataFrame, artists: Any, clusters: Any, total: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Count placements of each artist and cluster, beside the cluster's total."""
    index = pd.MultiIndex.from_product([artists, clusters], names=["artist_id", "cluster"])
    size = frame.groupby(["artist_id", "cluster"]).size().reindex(index, fill_value=0)
    whole = frame if total is None else total
    of = whole.groupby("cluster").size().rename("cluster_total").reset_index()
    return size.rename("placed").reset_index().merge(of, on="cluster")


# Rates -------------------------------------------------------------------------------------


def playlists(args: argparse.Namespace, rng: Any) -> dict[str, Any]:
    """Score kept, spread and downstream per artist and cluster; windows are quarters."""
    first, second = split(args.data, args.until)
    beliefs = believe(read(counted(first, "month"), outcomes=PLAYLISTS, **DATED), rng)
    later = read(counted(second), outcomes=PLAYLISTS, artist="artist_id")
    return rates(beliefs, later, rng)


def hetrec(args: argparse.Namespace, rng: Any) -> dict[str, Any]:
    """Score adoption, tagging and heavy listening of the other half of the users."""
    first, second = (read(frame, outcomes=HETREC) for frame in halves(args.data))
    return rates(believe(first, rng), second, rng)


def rates(beliefs: co.Beliefs, later: co.Evidence, rng: Any) -> dict[str, Any]:
    """Backtest, and keep its table."""
    table = co.backtest(beliefs, later, rng=rng).table
    lines = {}
    for outcome in map(str, table["outcome"].values):
        own = table.sel(outcome=outcome)
        best = float(own["baseline_score"].max())
        bar = BARS.get(outcome, best + AHEAD.get(outcome, 0.0))
        lines[outcome] = {
            "score": float(own["score"]), "bar": bar, "met": bool(own["score"] > bar),
            "best_baseline": best, "coverage90": float(own["coverage"]), "rows": int(own["n"]),
        }  # fmt: skip
    return lines | told(beliefs)


def covered(beliefs: co.Beliefs, later: co.Evidence, rng: Any) -> float:
    """Return the share of later counts inside their 90 % intervals."""
    return float(co.backtest(beliefs, later, rng=rng).table["coverage"].mean())


# Where the next events are -----------------------------------------------------------------


def placed(args: argparse.Namespace, rng: Any) -> dict[str, Any]:
    """Score where the next placements go, on the complete grid."""
    first, second = split(args.data, args.until)
    artists, clusters = sorted(first["artist_id"].unique()), sorted(first["cluster"].unique())
    fitted, later = (grid(f, artists, clusters, first) for f in (first, second))
    real = grid(second, artists, clusters)
    keep = later.groupby("artist_id")["placed"].transform("sum") > 0
    return located("placed", fitted, later[keep], real, PLACED, "artist_id", rng)


def hetrec_located(args: argparse.Namespace, rng: Any) -> dict[str, Any]:
    """Score in which cluster the next listeners are."""
    first, second = (frame.assign(placed=frame["listeners"]) for frame in halves(args.data))
    early = first[["artist", "cluster", "audience"]]
    later = second.drop(columns="audience").merge(early)
    outcome = co.Outcome.count("placed", total="placed", exposure="audience")
    return located("hetrec-located", first, later, second, outcome, "artist", rng)


def located(
    task: str, first: pd.DataFrame, second: pd.DataFrame, real: pd.DataFrame, outcome: co.Outcome,
    artist: str, rng: Any,
) -> dict[str, Any]:  # fmt: skip
    """Log of the mean over draws of each artist's sequence probability, per event."""
    columns = [artist, "cluster", "placed", outcome.denominator]
    beliefs = believe(read(first[columns], outcomes=[outcome], artist=artist), rng)
    rows = second[columns].reset_index(drop=True)
    later = read(rows, outcomes=[outcome], artist=artist)
    exposure, events = rows[outcome.denominator].to_numpy(), rows["placed"].to_numpy()
    drawn = co.predict(beliefs, later, rng=rng)
    rate = drawn["intensity"].to_numpy().reshape(-1, len(rows)) * exposure
    total = 0.0
    for at in rows.groupby(artist).indices.values():
        share = np.log(rate[:, at]) - logsumexp(np.log(rate[:, at]), axis=1, keepdims=True)
        own = (share * events[at]).sum(axis=1)
        total += float(logsumexp(own) - np.log(own.size))
    score = total / rows["placed"].sum()
    return {
        "score": score, "bar": BARS[task], "met": bool(score > BARS[task]),
        "dirichlet_baseline": dirichlet(first, rows, artist, outcome.denominator),
        "artists": rows[artist].nunique(),
        "coverage90": covered(beliefs, read(real[columns], outcomes=[outcome], artist=artist), rng),
    } | told(beliefs)  # fmt: skip


def dirichlet(first: pd.DataFrame, rows: pd.DataFrame, artist: str, exposure: str) -> float:
    """Score the empirical-Bayes Dirichlet-multinomial with the artist's own counts added."""
    own = first.pivot_table(index=artist, columns="cluster", values="placed", fill_value=0)
    base = first.groupby("cluster")[exposure].first().reindex(own.columns).to_numpy(float)
    seen = own.to_numpy(float)
    alpha = shared_alpha(seen, base)
    later = rows.pivot_table(index=artist, columns="cluster", values="placed", fill_value=0)
    later = later.reindex(columns=own.columns, fill_value=0)
    mine = alpha + own.reindex(later.index).to_numpy(float)
    x = later.to_numpy(float)
    return sequence(mine, x) / float(x.sum())


def shared_alpha(counts: np.ndarray, base: np.ndarray) -> np.ndarray:
    """Return the Dirichlet in proportion to a base whose size makes counts likeliest."""
    shares = base / base.sum()
    fit = optimize.minimize_scalar(
        lambda t: -sequence(np.exp(t) * shares + 0 * counts, counts),
        bounds=(-6, 6), method="bounded",
    )  # fmt: skip
    return np.asarray(np.exp(fit.x) * shares)


def sequence(alpha: np.ndarray, x: np.ndarray) -> float:
    """Log probability of counts as sequences, all artists together."""
    total, events = alpha.sum(axis=1), x.sum(axis=1)
    heads = gammaln(total) - gammaln(total + events)
    return float((heads + (gammaln(alpha + x) - gammaln(alpha)).sum(axis=1)).sum())


# Homes -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Answers:
    """Counts of first and of later, by artist and cluster, and where artists later do best."""

    artists: list[Any]
    clusters: list[str]
    first: np.ndarray
    second: np.ndarray

    @property
    def usual(self) -> np.ndarray:
        """What is usual in a cluster: its early total over these artists."""
        return np.asarray(self.first.sum(axis=0))

    @property
    def best(self) -> np.ndarray:
        """Cluster of the most later events relative to what is usual: (artist,)."""
        return np.asarray((self.second / self.usual).argmax(axis=1))

    @property
    def known(self) -> np.ndarray:
        """Artists with events enough to say."""
        return np.asarray(self.second.sum(axis=1) >= EVENTS)


def judged(belief: np.ndarray, answers: Answers, who: np.ndarray) -> dict[str, Any]:
    """Score beliefs of (artist, cluster) in the cluster where each artist later does best."""
    there = answers.known & who
    own = belief[there] + ADDED
    own /= own.sum(axis=1, keepdims=True)
    best = answers.best[there]
    top, right = own.max(axis=1), own.argmax(axis=1) == best
    bins = np.digitize(top, EDGES[1:-1])
    table = [
        [round(float(top[bins == b].mean()), 3), round(float(right[bins == b].mean()), 3),
         int((bins == b).sum())]
        for b in range(len(EDGES) - 1) if (bins == b).any()
    ]  # fmt: skip
    return {
        "score": float(np.log(own[np.arange(best.size), best]).mean()),
        "first_guess_right": float(right.mean()), "artists": int(best.size),
        "reliability": table,
    }  # fmt: skip


def baselines(
    answers: Answers, shown: np.ndarray, who: np.ndarray, rng: Any
) -> dict[str, dict[str, Any]]:
    """Score what needs no model: uniform, and empirical-Bayes Dirichlets learned of those shown.

    Three readings of one Dirichlet: its mean share; that share over what is usual; and how often
    a cluster has the highest share over what is usual.
    """
    counts, usual = answers.first, answers.usual
    alpha = shared_alpha(counts[shown], counts[shown].sum(axis=0)) + counts
    share = alpha / alpha.sum(axis=1, keepdims=True)
    relative = share / usual
    highest = np.zeros_like(share)
    for a in np.flatnonzero(who):
        drawn = rng.dirichlet(alpha[a], size=DIRICHLETS) / usual
        highest[a] = np.bincount(drawn.argmax(axis=1), minlength=usual.size) / DIRICHLETS
    told_by = {
        "uniform": np.full_like(share, 1 / usual.size), "dirichlet_share": share,
        "dirichlet_relative_share": relative / relative.sum(axis=1, keepdims=True),
        "dirichlet_p_best": highest,
    }  # fmt: skip
    return {name: judged(belief, answers, who) for name, belief in told_by.items()}


def home(
    task: str, first: pd.DataFrame, second: pd.DataFrame, outcome: co.Outcome, artist: str,
    args: argparse.Namespace, rng: Any,
) -> dict[str, Any]:  # fmt: skip
    """Score beliefs in homes against where artists later do best."""
    wide = [
        frame.pivot_table(index=artist, columns="cluster", values=outcome.numerator)
        for frame in (first, second)
    ]
    later = wide[1].reindex(index=wide[0].index, columns=wide[0].columns)
    answers = Answers(
        wide[0].index.tolist(), wide[0].columns.tolist(),
        wide[0].to_numpy(float), later.to_numpy(float),
    )  # fmt: skip
    size = len(answers.artists)
    shown = np.ones(size, dtype=bool)
    if args.unseen:
        shown[rng.permutation(size)[size // 2 :]] = False
    who = ~shown if args.unseen else shown
    found: dict[str, Any] = {"baselines": baselines(answers, shown, who, rng)}
    scores = {name: line["score"] for name, line in found["baselines"].items()}
    stated = max(scores[name] for name in STATED)
    bar = stated + AHEAD["unseen"] if args.unseen else BARS[task]
    found |= {"bar": bar, "best_stated_baseline": stated, "best_baseline": max(scores.values())}
    if args.baselines:
        return found
    columns = [artist, "cluster", outcome.numerator, outcome.denominator]
    names = pd.Series(shown, index=answers.artists)
    fitted = first[first[artist].map(names)]
    beliefs = believe(read(fitted[columns], outcomes=[outcome], artist=artist), rng)
    if args.unseen:
        rest = read(first.loc[~first[artist].map(names), columns], outcomes=[outcome],
                    artist=artist)  # fmt: skip
        long = co.score(beliefs.population, rest)
        belief = long.pivot_table(index="artist", columns="cluster", values="mean")
    else:
        mean = beliefs.home.mean(("chain", "draw")).transpose("artist", "cluster")
        belief = mean.to_pandas()
        real = read(second[columns], outcomes=[outcome], artist=artist)
        found["coverage90"] = covered(beliefs, real, rng)
    belief = belief.reindex(index=answers.artists, columns=answers.clusters).fillna(0.0)
    mine = judged(belief.to_numpy(), answers, who)
    return found | mine | {"met": bool(mine["score"] > bar)} | told(beliefs)


def home_playlists(args: argparse.Namespace, rng: Any) -> dict[str, Any]:
    """Homes of the artists with most early placements, on the complete grid."""
    first, second = split(args.data, args.until)
    # Ties at the end are broken by who was placed first in the file.
    top = first["artist_id"].value_counts().index[:MOST_PLACED]
    artists, clusters = sorted(top), sorted(first["cluster"].unique())
    tables = (grid(f, artists, clusters) for f in (first, second))
    return home("home-playlists", *tables, PLACED, "artist_id", args, rng)


def home_hetrec(args: argparse.Namespace, rng: Any) -> dict[str, Any]:
    """Homes of artists among users of half A, answered by those of half B."""
    return home("home-hetrec", *halves(args.data), HETREC[0], "artist", args, rng)


TASKS = {
    "home-playlists": home_playlists, "home-hetrec": home_hetrec, "placed": placed,
    "hetrec-located": hetrec_located, "playlists": playlists, "hetrec": hetrec,
}  # fmt: skip


def summary(found: dict[str, Any]) -> str:
    """Say the figure, the bar, coverage and whether the fit settled, a line each."""
    lines = {k: v for k, v in found.items() if isinstance(v, dict) and "bar" in v}
    lines = lines or {"home or place": found}
    said = []
    for name, line in lines.items():
        if "score" not in line:
            best = line["best_baseline"]
            said.append(
                f"{name}: bar {line['bar']:.3f}, best baseline {best:.3f}; nothing was fitted"
            )
            continue
        share = line.get("coverage90")
        cover = "not asked" if share is None else f"{share:.3f} (wanted {COVERED})"
        said.append(
            f"{name}: {line['score']:.3f}, bar {line['bar']:.3f} "
            f"({'met' if line['met'] else 'missed'}); coverage of 90 % intervals {cover}"
        )
        if "baselines" in line:
            each = ", ".join(f"{k} {v['score']:.3f}" for k, v in line["baselines"].items())
            said.append(f"baselines: {each}; first guess right {line['first_guess_right']:.2f}")
    if "settled" in found:
        said.append(
            f"settled: {found['settled']} (R-hat {found['rhat']:.3f}, {found['ess_bulk']:.0f} "
            "effective draws at least)"
        )
    return "\n".join(said)


def main() -> None:
    """Run one task and put it on record."""
    parser = argparse.ArgumentParser()
    parser.add_argument("task", choices=TASKS)
    parser.add_argument("data", type=Path)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--unseen", action="store_true", help="Homes: score artists not fitted.")
    parser.add_argument("--until", help="Last month to fit; scores the rest of early.")
    parser.add_argument("--baselines", action="store_true", help="Homes: fit nothing.")
    asked = parser.parse_args()
    if (asked.unseen or asked.baselines) and not asked.task.startswith("home-"):
        parser.error("--unseen and --baselines are for tasks of homes")
    start = time.perf_counter()
    found = TASKS[asked.task](asked, np.random.default_rng(asked.seed))
    said = {k: v for k, v in vars(asked).items() if k != "data"} | {"version": co.__version__}
    line = said | {"seconds": round(time.perf_counter() - start, 1), "found": found}
    print(json.dumps(line, indent=1))
    print(summary(found))
    if not asked.baselines:
        with (RESULTS / "real.jsonl").open("a") as file:
            file.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
