"""Intersections against one-way pooling and raw rates: whose rates of small cells are nearest.

Worlds of 6 neighbourhoods x 5 listeners x 4 moments, one third of whose 120 cells have under 20
listeners. True log odds are main effects, effects of pairs and the cell's own. Three estimates
of each cell's rate are compared with the truth by their root mean squared error:

``raw``: saves over listeners. ``one-way``: this library with 120 clusters that know nothing of
their parts, each an exchangeable level of one cluster effect. ``crossed``: the same library,
table and priors with ``cluster=["neighbourhood", "listener", "moment"]``.

Worlds are of three kinds: ``main``, where parts matter most (the target is set for these);
``cell``, where most of the variance is the cells' own; ``none``, where parts say nothing at all
and borrowing from them can only cost.

    python proofs/intersections.py run [WORLDS] [KIND]    # ten seconds a world on two cores
    python proofs/intersections.py report
"""

import json
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit

import coterie as co

RESULTS = Path(__file__).parent / "results" / "intersections"
SEED = 20261125
SHAPE = (6, 5, 4)
PARTS = ["neighbourhood", "listener", "moment"]
LEVEL = -1.7
KINDS = {
    "main": {"main": 0.4, "pair": 0.2, "cell": 0.15},
    "cell": {"main": 0.2, "pair": 0.15, "cell": 0.4},
    "none": {"main": 0.0, "pair": 0.0, "cell": 0.5},
}
"""Standard deviations of main effects, of pairs and of the cell's own, in log odds."""
SMALL = 20
"""Listeners under which a cell is small; one third of the cells are."""
SAVE = co.Outcome.binary("save", successes="saves", trials="listeners")


def world(seed: tuple[int, int], scales: dict[str, float]) -> tuple[pd.DataFrame, np.ndarray]:
    """Draw a table, one row a cell, and the true rate of each."""
    rng = np.random.default_rng(seed)
    eta = np.full(SHAPE, LEVEL)
    for i in range(3):
        own = [1, 1, 1]
        own[i] = SHAPE[i]
        eta = eta + rng.normal(0, scales["main"], own)
        paired = list(SHAPE)
        paired[i] = 1
        eta = eta + rng.normal(0, scales["pair"], paired)
    rate = expit(eta + rng.normal(0, scales["cell"], SHAPE)).ravel()
    size = rate.size
    listeners = np.exp(rng.uniform(np.log(SMALL), np.log(400), size)).astype(int)
    small = rng.permutation(size)[: size // 3]
    listeners[small] = rng.integers(3, SMALL, small.size)
    at = np.unravel_index(np.arange(size), SHAPE)
    frame = pd.DataFrame({p: [f"{p[0]}{i}" for i in c] for p, c in zip(PARTS, at, strict=True)})
    frame = frame.assign(
        artist="everyone", saves=rng.binomial(listeners, rate), listeners=listeners
    )
    return frame, rate


def estimated(frame: pd.DataFrame, seed: int, **cluster: Any) -> tuple[np.ndarray, dict[str, Any]]:
    """Fit, and return the posterior mean of each cell's own rate."""
    # One artist: nothing of its own can be told from the level.
    still = co.ParameterPrior.fixed(0.0)
    population = co.PopulationPrior().replace(artist_scale=still, loading=still)
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        evidence = co.Evidence.from_frame(frame, outcomes=[SAVE], **cluster)
        rng = np.random.default_rng(seed)
        beliefs = co.fit(
            evidence, None, homes=None, population=population, draws=500, tune=500, chains=4,
            rng=rng, progress=False,
        )  # fmt: skip
        drawn = co.predict(beliefs, evidence, of="observed", rng=rng)["rate"]
    stats = beliefs.tree["sample_stats"]
    told = {
        "seconds": time.perf_counter() - start,
        "divergences": int(stats["diverging"].sum()) if "diverging" in stats else 0,
    }
    return drawn.mean(("chain", "draw")).to_numpy()[:, 0], told


def run(worlds: int, kind: str) -> None:
    """Run the worlds of a kind that are not there yet."""
    for w in range(worlds):
        file = RESULTS / f"{kind}-{w:02d}.json"
        if file.exists():
            continue
        frame, truth = world((SEED, w), KINDS[kind])
        small = frame["listeners"].to_numpy() < SMALL
        whole = frame[PARTS].agg("/".join, axis=1)
        found = {"raw": (frame["saves"] / frame["listeners"]).to_numpy()}
        found["one_way"], one_way = estimated(
            frame.assign(cell=whole).drop(columns=PARTS), w, cluster="cell"
        )
        found["crossed"], crossed = estimated(frame, w, cluster=PARTS)
        kept: dict[str, Any] = {
            "seed": [SEED, w], "command": " ".join(["proofs/intersections.py", *sys.argv[1:]]),
            "kind": kind, "scales": KINDS[kind], "cells": small.size, "small": int(small.sum()),
            "one_way": one_way, "crossed": crossed,
        }  # fmt: skip
        for name, where in (("rmse", slice(None)), ("rmse_small", small)):
            kept[name] = {
                k: float(np.sqrt(np.mean((v - truth)[where] ** 2))) for k, v in found.items()
            }
        part = RESULTS / f".{kind}-{w:02d}.part"
        part.write_text(json.dumps(kept, indent=1) + "\n")
        part.replace(file)
        print(w, kept["rmse"], kept["rmse_small"], one_way, crossed, flush=True)


def report() -> None:
    """Print the ratios of each kind over its worlds, and the worst of a single world."""
    for kind in KINDS:
        told = [json.loads(file.read_text()) for file in sorted(RESULTS.glob(f"{kind}-*.json"))]
        for name, cells in (("rmse", "all cells"), ("rmse_small", "cells under 20 listeners")):
            if not told:
                continue
            root = {k: np.sqrt(np.mean([f[name][k] ** 2 for f in told])) for k in told[0][name]}
            worst = [max(f[name]["crossed"] / f[name][k] for f in told) for k in ("raw", "one_way")]
            target = " (targets 0.6 and 0.9)" if (kind, name) == ("main", "rmse") else ""
            print(
                f"{kind}, {len(told)} worlds, {cells}: raw {root['raw']:.4f}, one-way "
                f"{root['one_way']:.4f}, crossed {root['crossed']:.4f}: "
                f"{root['crossed'] / root['raw']:.2f} of raw, "
                f"{root['crossed'] / root['one_way']:.2f} of one-way{target}; worst world "
                f"{worst[0]:.2f} and {worst[1]:.2f}"
            )


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["run", *how]:
            RESULTS.mkdir(parents=True, exist_ok=True)
            run(int(how[0]) if how else 20, how[1] if len(how) > 1 else "main")
        case ["report"]:
            report()
        case _:
            sys.exit(__doc__)
