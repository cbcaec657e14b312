"""Beliefs on worlds whose outcomes are correlated, and on worlds whose are not.

Do beliefs pay where saves, adds and follows share their noise, and what do they cost where they do
not? The worlds are of two kinds of artists. Compared with three things a user would do instead.

    python proofs/correlated.py PROTOTYPE_FOLDER [--worlds 10]

PROTOTYPE_FOLDER holds ``prototype.py``, whose ``world`` draws the worlds. Each world leaves
one small JSON file, so that a run can be taken up again.
"""

import argparse
import hashlib
import json
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np

import coterie as co

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
from speed import PI, evidence_of

RESULTS = Path(__file__).parent / "results"


def log_score(belief: np.ndarray, truth: np.ndarray) -> float:
    """Return the mean log probability of what was true, in nats."""
    near = np.clip(belief, 1e-3, 1 - 1e-3)
    return float(np.log(np.where(truth, near, 1 - near)).mean())


def raw_shares(world: dict[str, Any]) -> np.ndarray:
    """Turn raw rates into shares of the artist's clusters, times the memberships expected."""
    rates = np.concatenate(
        [world["y"] / world["n"][..., None], (world["depth"] / world["new"])[..., None]], axis=-1
    )
    share = rates / np.maximum(rates.sum(axis=1, keepdims=True), 1e-12)
    return np.asarray(share.mean(axis=-1) * PI * rates.shape[1])


def believed(world: dict[str, Any], seed: int, only: str | None = None) -> np.ndarray:
    """Fit, and return the probability of membership: (artist, cluster); of one outcome if named."""
    evidence = evidence_of(world)
    if only is not None:
        told = [o for o in evidence.outcomes if o.name == only]
        evidence = co.Evidence.from_frame(evidence.to_frame(), outcomes=told)
    prior = co.MembershipPrior.uniform(evidence.clusters.tolist(), prob=PI)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", co.ConvergenceWarning)
        beliefs = co.fit(
            evidence,
            prior,
            homes="many",
            draws=500,
            tune=500,
            chains=2,
            belief_draws=200,
            rng=np.random.default_rng(seed),
        )
    mean = beliefs.membership.mean(("chain", "draw"))
    return np.asarray(mean.transpose("artist", "cluster").to_numpy())


def one(prototype: Any, loading: float, seed: int) -> dict[str, Any]:
    """Score one world four ways."""
    world = prototype.world(seed=seed, loading=loading)
    truth = world["z"]
    belief = believed(world, seed)
    return {
        "loading": loading,
        "seed": seed,
        "beliefs": log_score(belief, truth),
        "saves_alone": log_score(believed(world, seed, only="save"), truth),
        "raw_shares": log_score(raw_shares(world), truth),
        "base_rate": log_score(np.full(truth.shape, PI), truth),
        "sure": int((belief > 0.9).sum()),
        "sure_and_true": int(truth[belief > 0.9].sum()),
    }


def main() -> None:
    """Make the worlds that are not there yet; print and keep the means."""
    parser = argparse.ArgumentParser()
    parser.add_argument("prototype", type=Path)
    parser.add_argument("--worlds", type=int, default=10)
    args = parser.parse_args()
    sys.path.insert(0, str(args.prototype))
    import prototype

    folder = RESULTS / "correlated"
    folder.mkdir(parents=True, exist_ok=True)
    found: dict[str, Any] = {}
    for loading in (0.3, 0.0):
        worlds = []
        for seed in range(1, args.worlds + 1):
            path = folder / f"{loading}-{seed:03d}.json"
            if not path.exists():
                beside = path.with_suffix(".part")
                beside.write_text(json.dumps(one(prototype, loading, seed)) + "\n")
                beside.replace(path)
            worlds.append(json.loads(path.read_text()))
            print(worlds[-1], flush=True)
        ways = ("beliefs", "saves_alone", "raw_shares", "base_rate")
        found[f"loading {loading}"] = {
            "worlds": len(worlds),
            "mean_log_score": {way: float(np.mean([w[way] for w in worlds])) for way in ways},
            "best_in": {
                way: sum(w["beliefs"] > w[way] for w in worlds) for way in ways if way != "beliefs"
            },
            "of_beliefs_above_0.9_true": sum(w["sure_and_true"] for w in worlds)
            / max(sum(w["sure"] for w in worlds), 1),
        }
    files = sorted(folder.glob("*.json"))
    found["sha256"] = hashlib.sha256(b"".join(f.read_bytes() for f in files)).hexdigest()
    print(json.dumps(found, indent=1))
    (RESULTS / "correlated.json").write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
