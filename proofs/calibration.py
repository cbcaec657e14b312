"""Calibration and recovery on worlds drawn from the priors.

Is a belief of 0.7 true seven times in ten, and do 90 % intervals hold nine in ten?

Each world draws its population parameters from the default priors, is simulated by NumPy
alone, fitted through the public surface, and leaves one small JSON file, so that a run can
be stopped and taken up again. No world is dropped, whatever its diagnosis.

    python proofs/calibration.py run one 0 20      # mode (one, many), first and last seed
    python proofs/calibration.py report            # tables, and proofs/results/calibration.json
"""

import hashlib
import json
import sys
import time
import warnings
from itertools import pairwise
from pathlib import Path

import numpy as np

import coterie as co

RESULTS = Path(__file__).parent / "results"
POPULATION = (
    "alpha", "loading", "kappa", "kappa_spread", "artist_scale", "cluster_scale", "period_scale",
)  # fmt: skip
PI = 0.25


def one_world(mode: str, seed: int) -> dict[str, object]:
    """Simulate, fit and compare one world."""
    rng = np.random.default_rng([20261122, seed, mode == "many"])
    parameters = co.PopulationPrior().draw(co.simulate.OUTCOMES, rng=rng)
    world = co.simulate.world(
        artists=60, clusters=8, homes=mode, parameters=parameters, pi=PI, rng=rng
    )
    evidence = world.evidence()
    clusters = evidence.clusters.tolist()
    prior = co.MembershipPrior.uniform(clusters, prob=PI)
    start = time.perf_counter()
    beliefs = co.fit(evidence, prior, homes=mode, chains=2, draws=500, tune=500, rng=rng)
    seconds = time.perf_counter() - start
    posterior = beliefs.tree["posterior"].to_dataset()
    belief = beliefs.home if mode == "one" else beliefs.membership
    mean = belief.mean(("chain", "draw")).sel(artist=world.truth["artist"])
    truth = world.truth["member"].sel(cluster=mean["cluster"]).to_numpy().astype(float)
    ranks = {}
    for name in POPULATION:
        draws = posterior[name].to_numpy().reshape(-1, posterior.sizes["outcome"])
        ranks[name] = (draws < world.truth[name].to_numpy()).mean(axis=0).tolist()
    observed = co.predict(beliefs, evidence, of="observed", rng=rng)
    rows = np.concatenate(
        [observed["rate"].to_numpy(), observed["intensity"].to_numpy()], axis=-1
    ).reshape(-1, len(evidence), len(evidence.outcomes))
    rate_ranks = (rows < world.truth["rate"].to_numpy()).mean(axis=0)
    found = beliefs.diagnose()
    return {
        "mode": mode, "seed": seed, "seconds": round(seconds, 1), "ok": found.ok,
        "diagnosis": list(found.lines),
        "belief": np.round(mean.to_numpy(), 5).ravel().tolist(),
        "truth": truth.ravel().tolist(), "ranks": ranks,
        "rate_covered": np.mean((rate_ranks > 0.05) & (rate_ranks < 0.95), axis=0).tolist(),
    }  # fmt: skip


def run(mode: str, first: int, last: int) -> None:
    """Make the worlds that are not there yet."""
    folder = RESULTS / "calibration"
    folder.mkdir(parents=True, exist_ok=True)
    for seed in range(first, last):
        path = folder / f"{mode}-{seed:03d}.json"
        if path.exists():
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", co.ConvergenceWarning)
            made = one_world(mode, seed)
        beside = path.with_suffix(".part")
        beside.write_text(json.dumps(made))
        beside.replace(path)
        print(mode, seed, made["seconds"], made["ok"], flush=True)


def summarise(mode: str) -> dict[str, object]:
    """Bin beliefs, count coverage, score against the base rate."""
    paths = sorted((RESULTS / "calibration").glob(f"{mode}-*.json"))
    worlds = [json.loads(path.read_text()) for path in paths]
    belief = np.array([w["belief"] for w in worlds])
    truth = np.array([w["truth"] for w in worlds])
    bins = merged_bins(belief, truth)
    ranks = {n: np.array([w["ranks"][n] for w in worlds]) for n in POPULATION}
    inside = {n: float(np.mean((r > 0.05) & (r < 0.95))) for n, r in ranks.items()}
    pooled = np.concatenate([r.ravel() for r in ranks.values()])
    base = 0.9 / 8 if mode == "one" else PI

    def score(p: object) -> float:
        near = np.clip(p, 1e-5, 1 - 1e-5)
        return float(np.mean(truth * np.log(near) + (1 - truth) * np.log(1 - near)))

    return {
        "worlds": len(worlds), "settled": int(sum(w["ok"] for w in worlds)),
        "seconds": [w["seconds"] for w in worlds], "bins": bins,
        "worst_bin_z": max(abs(b["z"]) for b in bins),
        "log_score": score(belief), "base_rate_score": score(base),
        "checks": int(pooled.size),
        "coverage90": float(np.mean((pooled > 0.05) & (pooled < 0.95))), "by_parameter": inside,
        "rate_coverage90": np.mean([w["rate_covered"] for w in worlds], axis=0).tolist(),
        "sha256": hashlib.sha256(b"".join(p.read_bytes() for p in paths)).hexdigest(),
    }  # fmt: skip


def merged_bins(belief: np.ndarray, truth: np.ndarray) -> list[dict[str, float]]:
    """Sum truth minus belief by bin of belief; the standard error is of the world totals."""
    edges = [0.0]
    for edge in np.linspace(0.1, 1, 10):
        expected = belief[(belief >= edges[-1]) & (belief < edge)]
        if (expected * (1 - expected)).sum() >= 10 or edge == 1:
            edges.append(float(edge))
    out = []
    for low, high in pairwise(edges):
        inside = (belief >= low) & ((belief < high) | (high == 1))
        total = ((truth - belief) * inside).sum(axis=1)
        error = float(np.sqrt(np.sum((total - total.mean()) ** 2) * len(total) / (len(total) - 1)))
        out.append(
            {
                "low": low, "high": high, "n": int(inside.sum()),
                "mean_belief": float(belief[inside].mean()),
                "share_true": float(truth[inside].mean()),
                "sum": float(total.sum()), "se": error, "z": float(total.sum() / error),
            }
        )  # fmt: skip
    return out


def report() -> None:
    """Print and keep the tables."""
    found = {
        mode: summarise(mode)
        for mode in ("one", "many")
        if list((RESULTS / "calibration").glob(f"{mode}-*.json"))
    }
    print(json.dumps(found, indent=1))
    (RESULTS / "calibration.json").write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    if sys.argv[1] == "run":
        run(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
    else:
        report()
