"""Effective draws a second, side by side in one run: coterie's whole second fit, beliefs included,
against the sampling alone of a careful PyMC model of the same world. That model is a mixture of
two kinds of artists, ours a regression with lasting fits: the posteriors differ, and so do beliefs;
what is compared is the pace at which the parameters that both have are known.

    python benchmarks/speed.py PROTOTYPE_FOLDER [--seeds 5] [--naive 1] [--out FILE.json]

PROTOTYPE_FOLDER holds ``prototype.py`` (world, model) and ``naive.py``. Both sides keep
2 x 1,000 draws after 500 tuning draws; compilation is left out on both sides.
"""  # noqa: D205

import argparse
import json
import statistics
import subprocess
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import arviz as az
import numpy as np
import nutpie
import pandas as pd

import coterie as co

NAMES = ["alpha", "loading", "kappa", "artist_scale", "cluster_scale"]
SAMPLING = {"draws": 1000, "tune": 500, "chains": 2, "cores": 2}
PI = 0.25


def lowest(tree: Any) -> float:
    """Return the least bulk effective sample size over the population parameters."""
    ess = az.ess(tree, var_names=NAMES)
    return min(float(ess[name].min()) for name in NAMES)


def evidence_of(world: dict[str, Any]) -> co.Evidence:
    """Read a prototype world as a table."""
    artists, clusters, _ = world["y"].shape
    artist, cluster = (i.ravel() for i in np.indices((artists, clusters)))
    columns = {
        name: world["y"][..., i].ravel() for i, name in enumerate(("saves", "adds", "follows"))
    }
    frame = pd.DataFrame(
        {"artist": artist, "cluster": cluster, "listeners": world["n"].ravel()}
        | columns
        | {"downstream_streams": world["depth"].ravel(), "new_listeners": world["new"].ravel()}
    )
    return co.Evidence.from_frame(frame)


def same_priors() -> co.PopulationPrior:
    """State the prototype's priors."""
    prior = co.PopulationPrior().replace(
        kappa_spread=co.ParameterPrior.fixed(0.0), period_scale=co.ParameterPrior.fixed(0.0)
    )
    stated = {"save": (-2.5, 5.0), "add": (-3.0, 5.0), "follow": (-4.0, 5.0), "depth": (0.0, 1.5)}
    for outcome, (level, log_kappa) in stated.items():
        prior = prior.replace(
            outcome=outcome,
            alpha=co.ParameterPrior.normal(level, 1.0),
            kappa=co.ParameterPrior.lognormal(np.exp(log_kappa), 1.0),
        )
    return prior


def ours(world: dict[str, Any], seed: int) -> tuple[float, float, np.ndarray]:
    """Time one whole fit."""
    evidence = evidence_of(world)
    prior = co.MembershipPrior.uniform(evidence.clusters.tolist(), prob=PI)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", co.ConvergenceWarning)
        start = time.perf_counter()
        beliefs = co.fit(
            evidence, prior, homes="many", population=same_priors(),
            rng=np.random.default_rng(seed), **SAMPLING,
        )  # fmt: skip
        seconds = time.perf_counter() - start
    mean = beliefs.membership.mean(("chain", "draw")).to_numpy()
    return lowest(beliefs.tree), seconds, mean


def theirs(prototype: Any, world: dict[str, Any], seed: int) -> tuple[float, float, np.ndarray]:
    """Time the prototype's sampling."""
    compiled = nutpie.compile_pymc_model(prototype.model(world, pi=PI))
    start = time.perf_counter()
    tree = nutpie.sample(compiled, seed=seed, progress_bar=False, **SAMPLING)
    seconds = time.perf_counter() - start
    return lowest(tree), seconds, tree["posterior"]["membership"].mean(("chain", "draw")).to_numpy()


def main() -> None:
    """Run both sides in turn, seed by seed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("prototype", type=Path)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--naive", type=int, default=1, help="0 leaves the naive model out")
    parser.add_argument("--loading", type=float, default=0.3)
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    sys.path.insert(0, str(args.prototype))
    import prototype

    ours(prototype.world(seed=99, loading=args.loading), 99)  # compiles
    runs = []
    for seed in range(1, args.seeds + 1):
        world = prototype.world(seed=seed, loading=args.loading)
        a, b = ours(world, seed), theirs(prototype, world, seed)
        runs.append(
            {
                "seed": seed, "ess": a[0], "seconds": a[1], "prototype_ess": b[0],
                "prototype_seconds": b[1], "ratio": (a[0] / a[1]) / (b[0] / b[1]),
                "membership_difference": float(np.abs(a[2] - b[2]).mean()),
            }
        )  # fmt: skip
        print({k: round(v, 3) for k, v in runs[-1].items()}, flush=True)
    found = {
        "runs": runs,
        "median_ratio": statistics.median(r["ratio"] for r in runs),
        "median_ess_per_second": statistics.median(r["ess"] / r["seconds"] for r in runs),
        "worst_membership_difference": max(r["membership_difference"] for r in runs),
    }
    if args.naive:
        said = subprocess.run(
            [sys.executable, "naive.py"],
            cwd=args.prototype,
            capture_output=True,
            check=True,
            text=True,
        )
        found["naive"] = said.stdout.strip().splitlines()[-1]
    text = json.dumps(found, indent=1)
    print(text)
    if args.out:
        args.out.write_text(text + "\n")


if __name__ == "__main__":
    main()
