"""Are phases told as they were planted? One simulated catalogue, fitted once.

python proofs/phases.py run      # writes results/phases.json
python proofs/phases.py report   # prints the confusion table
"""

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd

import coterie as co
from coterie import names
from coterie.findings import Gates
from coterie.findings.gates import PHASES

KEPT = Path(__file__).parent / "results" / "phases.json"
SEED = 20261126
ARTISTS, CLUSTERS, PEOPLE = 40, 5, 1500
CAMPAIGNS = (0, 1, 2, 6)
WORTH = {"save": 1.0, "follow": 4.0}
CLEAR = (0.6, 1.5)
"""Shares of break-even below and above which a true yield is clear."""
OUTCOMES = (
    co.Outcome.binary("save", successes="saves", trials="listeners"),
    co.Outcome.binary("follow", successes="follows", trials="listeners"),
    co.Outcome.count("reach", total="listeners", exposure="spend", informs=False),
)
PARAMETERS = {
    "alpha": [-2.5, -4.0, 0.0], "loading": [0.6, 0.6, 0.0],
    "kappa": [300.0, 300.0, 30.0], "kappa_spread": [0.1, 0.1, 0.1],
    "artist_scale": [0.3, 0.3, 0.2], "cluster_scale": [0.3, 0.3, 0.2], "period_scale": [0.0] * 3,
}  # fmt: skip


def catalogue(rng: np.random.Generator) -> tuple[pd.DataFrame, dict[tuple[str, str], float]]:
    """Return campaigns of many artists, and the true long-run yield of each pair."""
    world = co.simulate.world(
        artists=ARTISTS, clusters=CLUSTERS, parameters=PARAMETERS, outcomes=OUTCOMES, rng=rng
    )
    t = world.truth
    eta = t["alpha"] + t["artist_effect"] + t["cluster_effect"]
    eta = eta + t["loading"] * t["affinity"]
    eta = eta.transpose(names.ARTIST, names.CLUSTER, names.OUTCOME).to_numpy()
    saves, follows = (1 / (1 + np.exp(-eta[..., i])) for i in range(2))
    reach = np.exp(eta[..., 2])
    rows, true = [], {}
    for a, artist in enumerate(t[names.ARTIST].values.tolist()):
        for k, cluster in enumerate(t[names.CLUSTER].values.tolist()):
            true[artist, cluster] = float((saves[a, k] + 4 * follows[a, k]) * reach[a, k])
            for release in range(int(rng.choice(CAMPAIGNS))):
                people = rng.poisson(PEOPLE * reach[a, k] * rng.gamma(30) / 30)
                own = [
                    rng.binomial(people, rng.beta(300 * p[a, k], 300 * (1 - p[a, k])))
                    for p in (saves, follows)
                ]
                rows.append((artist, cluster, release, PEOPLE, people, *own))
    columns = ["artist", "cluster", "release", "spend", "listeners", "saves", "follows"]
    return pd.DataFrame(rows, columns=columns), true


def planted(true: float, campaigns: int, edge: float) -> str | None:
    """Return the phase that was planted in a pair; None where none is clear."""
    if campaigns == 0:
        return "scan"
    if campaigns == max(CAMPAIGNS) and true >= CLEAR[1] * edge:
        return "scale"
    if campaigns == max(CAMPAIGNS) and true <= CLEAR[0] * edge:
        return "rest"
    return "validate" if campaigns == 1 and true >= CLEAR[1] * edge else None


def run() -> None:
    """Fit the catalogue, tell all phases, and keep planted against told."""
    rng = np.random.default_rng(SEED)
    frame, true = catalogue(rng)
    evidence = co.Evidence.from_frame(frame, outcomes=OUTCOMES)
    prior = co.MembershipPrior.uniform(sorted(frame["cluster"].unique()))
    beliefs = co.fit(evidence, prior, chains=2, draws=600, tune=600, rng=rng)
    edge = float(np.median(list(true.values())))
    seen = frame.groupby(["artist", "cluster"]).size()
    table = pd.DataFrame(0, index=PHASES, columns=PHASES)
    gates = Gates(break_even=edge)
    calibration = []
    for artist in evidence.artists.tolist():
        found = co.phases(beliefs, artist, values=WORTH, gates=gates, rng=rng).table
        for cluster in found[names.CLUSTER].values.tolist():
            row = found.sel({names.CLUSTER: cluster})
            calibration.append((float(row["pays"]), true[artist, cluster] > edge))
            state = planted(true[artist, cluster], int(seen.get((artist, cluster), 0)), edge)
            if state is not None:
                table.loc[state, row["phase"].item()] += 1
    pays, pay = (np.array(side, dtype=float) for side in zip(*calibration, strict=True))
    bins = np.digitize(pays, [0.2, 0.5, 0.8])
    told = [[float(pays[bins == b].mean()), float(pay[bins == b].mean()), int((bins == b).sum())]
            for b in range(4) if (bins == b).any()]  # fmt: skip
    kept = {
        "command": "python proofs/phases.py run", "seed": SEED, "break_even": edge,
        "settled": bool(beliefs.diagnose().ok), "planted": table.to_dict(orient="index"),
        "pays": told, "brier": float(((pays - pay) ** 2).mean()),
    }  # fmt: skip
    KEPT.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    report()


def report() -> None:
    """Print what is kept."""
    kept = json.loads(KEPT.read_text(encoding="utf-8"))
    table = pd.DataFrame.from_dict(kept["planted"], orient="index")
    print("planted in rows, told in columns; settled:", kept["settled"])
    print(table.to_string())
    right = sum(table.loc[p, p] for p in table.index)
    print(f"{right} of {int(table.to_numpy().sum())} as planted")
    for mean, share, count in kept["pays"]:
        print(f"told to pay with {mean:.2f} on average: {share:.2f} of {count} pairs do")


if __name__ == "__main__":
    {"run": run, "report": report}[sys.argv[1]]()
