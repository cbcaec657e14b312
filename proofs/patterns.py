"""Ask whether the playbook's patterns fire where they were planted, and nowhere else.

One simulated catalogue: ordinary artists, and six who were each given one pattern. The counts are
Beta-Binomial and Gamma-Poisson about planted rates; one fit to all of them is read.

python proofs/patterns.py
"""

import hashlib
import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import expit

import coterie as co

RESULTS = Path(__file__).parent / "results" / "patterns.json"
SEED = 20261126
ORDINARY = 24
WINDOWS = pd.to_datetime(["2026-01-05", "2026-02-02", "2026-03-02"])
DAYS = 28
SPEND = 600.0
CHAINS, DRAWS, TUNE = 2, 400, 600

INTENT = ("save", "add", "follow")
# Levels on the log odds of people, or logs of counts.
LEVELS = {
    "save": -2.6, "add": -3.2, "follow": -3.9, "active": -2.5, "programmed": -0.2,
    "depth": 0.2, "streams": 0.8, "reach": 0.2,
}  # fmt: skip
# What the home adds; between other clusters fits hardly differ, so that homes are a kind apart.
AT_HOME = {"save": 0.6, "add": 0.5, "follow": 0.6, "active": 0.4, "depth": 0.4}
ARTIST_SCALE, CLUSTER_SCALE, PERIOD_SCALE, PAIR_SCALE = 0.15, 0.15, 0.05, 0.15
KAPPA = {"binary": 400.0, "count": 30.0}
OUTCOMES = (
    *(co.Outcome.binary(o, successes=f"{o}s", trials="listeners") for o in INTENT),
    co.Outcome.binary("active", successes="new_active", trials="listeners"),
    co.Outcome.binary(
        "programmed", successes="programmed_listeners", trials="listeners", informs=False
    ),
    co.Outcome.count("depth", total="downstream_streams", exposure="new_listeners"),
    co.Outcome.count("streams", total="streams", exposure="listeners", informs=False),
    co.Outcome.count("reach", total="listeners", exposure="spend", informs=False),
)
PLACES, WARM, COLD = ("Lisbon", "Oslo"), "won back", "cold audience"
SHARES = {
    "late-night headphones": 0.25, "gym": 0.25, "Lisbon": 0.12, "Oslo": 0.08, WARM: 0.15,
    COLD: 0.15,
}  # fmt: skip
CLUSTERS = tuple(SHARES)


def _intent(by: float) -> dict[str, float]:
    return dict.fromkeys(INTENT, by)


# What each planted artist has over an ordinary one: everywhere, in a cluster, and where it is home.
EVERYWHERE = {
    "shallow attention": {"streams": 1.0, **_intent(-0.8)},
    "strong niche": {**_intent(1.2), "depth": 0.3},
    "visibility alone": {"programmed": 1.0, "active": -1.0},
    "song-level win": {**_intent(0.9), "depth": -1.0},
}
WITHIN = {
    "unexpected place": {"Oslo": 0.6},
    "warm demand": {WARM: 0.5, COLD: -0.5},
}
HOMES = dict.fromkeys(EVERYWHERE, "gym") | {"unexpected place": "Oslo", "warm demand": WARM}
PLANTED = tuple(HOMES)


def catalogue(rng: np.random.Generator) -> tuple[pd.DataFrame, dict[str, str]]:
    """Draw the counts of every artist, cluster and window, and where each artist is at home."""
    ordinary = [f"ordinary {i:02d}" for i in range(1, ORDINARY + 1)]
    homes = HOMES | dict(
        zip(ordinary, rng.choice(CLUSTERS, ORDINARY, p=list(SHARES.values())), strict=True)
    )
    size = len(LEVELS)
    cluster = {c: rng.normal(0, CLUSTER_SCALE, size) for c in CLUSTERS}
    period = {(c, w): rng.normal(0, PERIOD_SCALE, size) for c in CLUSTERS for w in WINDOWS}
    rows = []
    for artist, home in homes.items():
        # What was planted stands alone, so that the six differ by nothing else.
        own = np.zeros(size) if artist in HOMES else rng.normal(0, ARTIST_SCALE, size)
        for c in CLUSTERS:
            near = 0.0 if artist in HOMES else rng.normal(0, PAIR_SCALE)
            planted = planted_in(artist, c)
            for window in WINDOWS:
                eta = {
                    o: LEVELS[o] + own[i] + cluster[c][i] + period[c, window][i] + planted.get(o, 0)
                    + (near + (home == c)) * AT_HOME.get(o, 0)
                    for i, o in enumerate(LEVELS)
                }  # fmt: skip
                rows.append(
                    {"artist": artist, "cluster": c, "period_start": window}
                    | {"period_end": window + pd.Timedelta(days=DAYS - 1), **counted(eta, rng)}
                )
    return pd.DataFrame(rows), {artist: str(home) for artist, home in homes.items()}


def planted_in(artist: str, cluster: str) -> dict[str, float]:
    """Return what was planted in one cluster of an artist, by outcome."""
    if artist in WITHIN:
        return dict.fromkeys(AT_HOME, WITHIN[artist].get(cluster, 0.0))
    return EVERYWHERE.get(artist, {})


def counted(eta: dict[str, float], rng: np.random.Generator) -> dict[str, float]:
    """Draw one row: rates scatter about their levels, counts about their rates."""

    def events(outcome: str, exposure: float) -> int:
        kappa = KAPPA["count"]
        return int(rng.poisson(exposure * np.exp(eta[outcome]) * rng.gamma(kappa) / kappa))

    def people(outcome: str, trials: int) -> int:
        level, kappa = expit(eta[outcome]), KAPPA["binary"]
        return int(rng.binomial(trials, rng.beta(kappa * level, kappa * (1 - level))))

    listeners = max(events("reach", SPEND), 1)
    new = int(rng.binomial(listeners, 0.6))
    found = {"spend": SPEND, "listeners": listeners, "new_listeners": new}
    for outcome in OUTCOMES[:5]:
        found[outcome.numerator] = people(outcome.name, listeners)
    return found | {
        "downstream_streams": events("depth", new), "streams": events("streams", listeners)
    }  # fmt: skip


def fitted(frame: pd.DataFrame, rng: np.random.Generator) -> co.Beliefs:
    """Fit the catalogue once."""
    evidence = co.Evidence.from_frame(frame, outcomes=OUTCOMES, window="28D")
    prior = co.MembershipPrior.from_shares(SHARES, elsewhere=0.1)
    return co.fit(
        evidence, prior, chains=CHAINS, draws=DRAWS, tune=TUNE, rng=rng, cores=1, progress=False
    )


def read(
    beliefs: co.Beliefs, rng: np.random.Generator
) -> tuple[pd.DataFrame, dict[str, dict[str, float]]]:
    """Read every artist against the catalogue: chances by artist and pattern, planted signals."""
    reference = co.Reference.of(beliefs, rng=rng, about="the simulated catalogue")
    groups = co.playbook.Groups(places=PLACES, warm=[WARM], cold=[COLD])
    told, signals = {}, {}
    for artist in beliefs.evidence.artists.tolist():
        found = co.playbook.read(beliefs, artist, reference=reference, groups=groups, rng=rng)
        told[artist] = found.table["probability"].to_series()
        if artist in HOMES:
            own = found.table["signal"].to_series()[found.table["condition_of"].values == artist]
            signals[artist] = {str(k).partition(": ")[2]: round(v, 2) for k, v in own.items()}
            print(found.headline)
    return pd.DataFrame(told).T, signals


def alarms(others: pd.DataFrame, homes: dict[str, str]) -> dict[str, dict[str, int]]:
    """Count ordinary artists with a likely pattern, and those at home where it is true of them."""
    true_in = {"unexpected place": PLACES, "warm demand": (WARM,)}
    found = {}
    for pattern in PLANTED:
        likely = others.index[others[pattern] > 0.5]
        where = true_in.get(pattern, ())
        found[pattern] = {
            "likely": len(likely), "of_these_at_home_there": sum(homes[a] in where for a in likely)
        }  # fmt: skip
    return found


def main() -> None:
    """Simulate, fit, read, print and keep."""
    rng = np.random.default_rng(SEED)
    frame, homes = catalogue(rng)
    started = time.process_time()
    beliefs = fitted(frame, rng)
    seconds = time.process_time() - started
    table, signals = read(beliefs, rng)
    planted, others = table.loc[list(PLANTED), list(PLANTED)], table.drop(index=list(PLANTED))
    own = np.eye(len(PLANTED), dtype=bool)
    ok = bool((planted.to_numpy()[own] > 0.8).all() and (planted.to_numpy()[~own] < 0.2).all())
    ordinary = {"artists": len(others)} | alarms(others, homes)
    print(planted.round(3).to_string())
    print("signals of the planted:", signals)
    print("ordinary artists:", ordinary)
    print(f"own above 0.8 and others below 0.2: {ok}; {beliefs.diagnose().ok=}; {seconds:.0f} s")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "patterns.nc"
        beliefs.save(file)
        megabytes = file.stat().st_size / 1e6
    kept = {
        "command": "python proofs/patterns.py", "seed": SEED, "code": digest(), "rows": len(frame),
        "fit": {"chains": CHAINS, "draws": DRAWS, "tune": TUNE, "cpu_seconds": round(seconds)},
        "settled": beliefs.diagnose().ok, "diagnosis": list(beliefs.diagnose().lines),
        "megabytes": round(megabytes, 2), "holds": ok,
        "own_least": float(planted.to_numpy()[own].min()),
        "others_most": float(planted.to_numpy()[~own].max()),
        "table": planted.round(4).to_dict(orient="index"), "signals": signals,
        "ordinary": ordinary,
    }  # fmt: skip
    RESULTS.write_text(json.dumps(kept, indent=1, default=str) + "\n")
    sys.exit(0 if ok else 1)


def digest() -> str:
    """Return the first digits of a hash of this file and of the playbook."""
    book = Path(co.playbook.__file__).with_suffix(".toml")
    parts = (Path(__file__).read_bytes(), book.read_bytes())
    return hashlib.sha256(b"".join(parts)).hexdigest()[:12]


if __name__ == "__main__":
    main()
