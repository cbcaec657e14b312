"""Rates at day 60 from rows read at day 7, where responses take 14 days on average.

Worlds of 20 artists x 3 clusters x 4 days, whose rows are read after 7, 28, 60 or 90 days, half of
them after 7. The delay is learned from a stated prior (median 14 days, a factor of 1.6 either
way). Cells that were read at day 7 are held against their true rates at day 60: bias, and how
often the 90 % interval covers. ``ignored`` is the same fit without a delay.

    python proofs/maturity.py run [WORLDS]    # half a minute a world on two cores
    python proofs/maturity.py report
"""

import json
import math
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np

import coterie as co
from coterie.evidence import simulate

RESULTS = Path(__file__).parent / "results" / "maturity"
SEED = 20261127
DAYS = 14.0
YOUNG, OLD = 7, 60
OUTCOMES = (
    co.Outcome.binary("follow", successes="follows", trials="listeners"),
    co.Outcome.count("depth", total="downstream_streams", exposure="new_listeners"),
)
PRIORS = {
    "learned": co.ParameterPrior.lognormal(DAYS, 0.5),
    "ignored": co.ParameterPrior.fixed(0.0),
}


def run(worlds: int) -> None:
    """Fit each world with a delay and without; leave a file a world."""
    for w in range(worlds):
        if (RESULTS / f"world-{w:02d}.json").exists():
            continue
        drawn = simulate.world(
            artists=20, clusters=3, windows=4, window="1D", outcomes=OUTCOMES, listeners=1000,
            delays={o.name: DAYS for o in OUTCOMES}, read_after=(YOUNG,) * 3 + (28, OLD, 90),
            rng=np.random.default_rng((SEED, w)),
        )  # fmt: skip
        found: dict[str, Any] = {"seed": [SEED, w]}
        for name, prior in PRIORS.items():
            start = time.perf_counter()
            beliefs = fitted(drawn.evidence(), prior, w)
            found[name] = judged(beliefs, drawn) | {"seconds": time.perf_counter() - start}
        _keep(f"world-{w:02d}", found)


def fitted(evidence: co.Evidence, delay: co.ParameterPrior, seed: int) -> co.Beliefs:
    """Fit with one prior of the delay."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", co.ConvergenceWarning)
        return co.fit(
            evidence, co.MembershipPrior.uniform(evidence.clusters),
            population=co.PopulationPrior().replace(delay=delay), chains=2, draws=500,
            rng=np.random.default_rng(seed),
        )  # fmt: skip


def judged(beliefs: co.Beliefs, drawn: simulate.World) -> dict[str, Any]:
    """Hold rates at day 60 of cells read at day 7 against the truth."""
    late = "delay" in beliefs.tree["posterior"].dataset
    rates = co.predict(
        beliefs, drawn.evidence(), of="observed", age=OLD if late else None,
        rng=np.random.default_rng(1),
    )  # fmt: skip
    age = (drawn.frame["seen"] - drawn.frame["period_end"]).dt.days - 1
    young = (age == YOUNG).to_numpy()
    found: dict[str, Any] = {}
    for o, outcome in enumerate(OUTCOMES):
        values = rates["rate" if outcome.kind == "binary" else "intensity"].to_numpy()
        told = values.reshape(-1, young.size)[:, young]
        truth = drawn.truth["rate"].to_numpy()[young, o] * -math.expm1(-OLD / DAYS)
        low, high = np.quantile(told, [0.05, 0.95], axis=0)
        found[outcome.name] = {
            "cells": int(young.sum()),
            "told": float(told.mean(axis=0).sum()), "truth": float(truth.sum()),
            "covered": int(((low <= truth) & (truth <= high)).sum()),
        }  # fmt: skip
        if late:
            delay = beliefs.tree["posterior"]["delay"].isel(outcome=o)
            found[outcome.name] |= {"delay": float(delay.mean()), "delay_sd": float(delay.std())}
    return found


def _keep(name: str, found: dict[str, Any]) -> None:
    RESULTS.mkdir(parents=True, exist_ok=True)
    part = RESULTS / f".{name}.part"
    part.write_text(json.dumps(found, indent=1) + "\n")
    part.replace(RESULTS / f"{name}.json")
    print(name, found, flush=True)


def report() -> None:
    """Print bias and coverage over all worlds, with the standard error of the bias."""
    worlds = [json.loads(file.read_text()) for file in sorted(RESULTS.glob("world-*.json"))]
    for how in PRIORS:
        for outcome in OUTCOMES:
            own = [world[how][outcome.name] for world in worlds]
            bias = np.array([each["told"] / each["truth"] - 1 for each in own])
            covered = sum(e["covered"] for e in own) / sum(e["cells"] for e in own)
            error = bias.std(ddof=1) / math.sqrt(bias.size) if bias.size > 1 else math.nan
            print(
                f"{how}, {outcome.name}: {len(own)} worlds, bias {100 * bias.mean():+.1f} % "
                f"(standard error {100 * error:.1f}), 90 % intervals cover {100 * covered:.1f} % "
                f"of {sum(e['cells'] for e in own)} cells"
            )


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["run", *number]:
            run(int(number[0]) if number else 12)
        case ["report"]:
            report()
        case _:
            sys.exit(__doc__)
