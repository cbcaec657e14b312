"""Is the yield of the cluster that is picked told too high? Worlds drawn from the prior, fitted.

python proofs/curse.py run 40    # 40 more worlds, kept one by one in results/curse.json
python proofs/curse.py report    # bias of the picked cluster's yield, ours and as counted
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

import coterie as co
from coterie import names

KEPT = Path(__file__).parent / "results" / "curse.json"
SEED = 20261126
ARTISTS, CLUSTERS = 20, 6
WORTH = {"save": 1.0, "follow": 4.0}
OUTCOMES = (
    co.Outcome.binary("save", successes="saves", trials="listeners"),
    co.Outcome.binary("follow", successes="follows", trials="listeners"),
    co.Outcome.count("reach", total="listeners", exposure="spend", informs=False),
)
NORMAL, LOG = co.ParameterPrior.normal, co.ParameterPrior.lognormal
SMALL = co.ParameterPrior.halfnormal(0.1)
KNOWN = {"save": (-2.4, 200.0), "follow": (-4.0, 200.0), "reach": (0.0, 20.0)}
"""A prior as earlier campaigns leave one: usual rates and scatters known to a fifth or so."""
POPULATION = co.PopulationPrior().replace(period_scale=SMALL, kappa_spread=SMALL)
for _name, (_alpha, _kappa) in KNOWN.items():
    POPULATION = POPULATION.replace(
        outcome=_name, alpha=NORMAL(_alpha, 0.2), kappa=LOG(_kappa, 0.2)
    )


def one(world: int) -> dict[str, float]:
    """Draw a world from the prior, fit it, pick each artist's best buy, and look what is true."""
    rng = np.random.default_rng([SEED, world])
    drawn = co.simulate.world(
        artists=ARTISTS, clusters=CLUSTERS, parameters=POPULATION.draw(OUTCOMES, rng=rng),
        outcomes=OUTCOMES, rng=rng,
    )  # fmt: skip
    prior = co.MembershipPrior.uniform(drawn.truth[names.CLUSTER].to_numpy().tolist())
    beliefs = co.fit(
        drawn.evidence(), prior, population=POPULATION, chains=2, draws=1000, tune=1000, rng=rng
    )
    later = co.simulate.later(drawn, rng=rng)
    rate = later.truth["rate"].to_numpy()
    # What its saves and follows are worth, for a unit of money: reach is listeners a unit.
    true = dict(zip(_keys(later.frame), (rate[:, 0] + 4 * rate[:, 1]) * rate[:, 2], strict=True))
    frame = drawn.frame
    counted = (frame["saves"] + 4 * frame["follows"]) / frame["spend"]
    raw = dict(zip(_keys(frame), counted, strict=True))
    ours, as_counted, expected = [], [], []
    for artist in frame[names.ARTIST].unique():
        table = co.durable_yield(beliefs, artist, values=WORTH, rng=rng).table["yield"]
        best = table.idxmax().item()
        expected.append(float(table.mean()))
        ours.append(float(table.max()) - true[artist, best])
        best = max(table[names.CLUSTER].values, key=lambda c: raw[artist, c])
        as_counted.append(raw[artist, best] - true[artist, best])
    # What is divided by must be known before the truth is, or it would bias by itself.
    return {
        "world": world, "ours": float(np.mean(ours)), "as_counted": float(np.mean(as_counted)),
        "expected": float(np.mean(expected)), "settled": bool(beliefs.diagnose().ok),
    }  # fmt: skip


def _keys(frame: pd.DataFrame) -> list[tuple[str, str]]:
    """Return artist and cluster of every row."""
    return list(zip(frame[names.ARTIST], frame[names.CLUSTER], strict=True))


def kept() -> dict:
    """Return what is kept so far."""
    if KEPT.exists():
        return json.loads(KEPT.read_text(encoding="utf-8"))
    return {"command": "python proofs/curse.py run N", "seed": SEED, "worlds": []}


def run(more: int) -> None:
    """Fit more worlds, each kept when it is done."""
    for _ in range(more):
        told = kept()
        start = time.perf_counter()
        told["worlds"].append(one(len(told["worlds"])))
        KEPT.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
        print(told["worlds"][-1], f"{time.perf_counter() - start:.0f} s", flush=True)


def report() -> None:
    """Print biases in shares of the mean expected yield, with standard errors over worlds."""
    worlds = kept()["worlds"]
    unsettled = sum(not world["settled"] for world in worlds)
    print(f"{len(worlds)} worlds of {ARTISTS} artists, {unsettled} of them not settled")
    for name in ("ours", "as_counted"):
        bias = np.array([world[name] / world["expected"] for world in worlds])
        error = bias.std(ddof=1) / np.sqrt(bias.size)
        print(
            f"{name:10} {bias.mean():+.4f} of the mean expected yield, se {error:.4f}: "
            f"{bias.mean() / error:+.1f} standard errors"
        )


if __name__ == "__main__":
    if sys.argv[1] == "run":
        run(int(sys.argv[2]))
    else:
        report()
