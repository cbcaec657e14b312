"""Plant one low layer, or none, in simulated artists, and see which is found.

python proofs/layers.py run      # 300 artists; writes results/layers.json
python proofs/layers.py report   # prints what is kept
"""

import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.special import expit, logit

import coterie as co
from coterie.findings import context_levels, exposure, layer_scores, shown
from coterie.findings.exposure import Exposure
from coterie.findings.layer_scores import LAYERS, Scores
from coterie.findings.responses import interval
from coterie.findings.shown import Shown

KEPT = Path(__file__).parent / "results" / "layers.json"
FILES = [Path(m.__file__) for m in (context_levels, exposure, layer_scores, shown)]
SEED = 20261203
ARTISTS = 300
CONTEXTS, PERIODS = 4, 8
FACTOR = 0.5
USUAL = {"retrieval": (0.1, 1.5), "stream": (0.2, 1.3), "intent": (0.06, 1.5)}
MIX = 1.25
EDGES = (0.0, 1.0)
PROB = 0.89
BINS = (0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


def code() -> str:
    """Return a fingerprint of the code that is judged."""
    return hashlib.sha256(b"".join(file.read_bytes() for file in FILES)).hexdigest()[:12]


def about(part: str, rng: np.random.Generator, factor: float = 1.0) -> float:
    """Draw an artist's rate from what is usual, times a factor."""
    middle, spread = USUAL[part]
    return factor * float(expit(logit(middle) + np.log(spread) * rng.standard_normal()))


def standing(rate: float, part: str) -> tuple[float, float]:
    """Return a rate's distance from usual on the log odds, and what is usual of it."""
    middle, spread = USUAL[part]
    return float(logit(rate) - logit(middle)), float(np.log(spread))


def tilted(weights: np.ndarray, conversion: np.ndarray, times: float) -> np.ndarray | None:
    """Return a mix at which conversion is so many times that of the weights; None without one."""

    def mix(power: float) -> np.ndarray:
        tilt = weights * conversion**power
        return tilt / tilt.sum()

    def gap(power: float) -> float:
        return float(mix(power) @ conversion / (weights @ conversion) - times)

    return None if gap(-30) > 0 or gap(30) < 0 else mix(brentq(gap, -30, 30))


def artist(planted: str, rng: np.random.Generator) -> tuple[pd.DataFrame, dict, dict]:
    """Draw an artist with one layer at half: its table, its usual mix, its true indices."""
    low = {layer: FACTOR if layer == planted else 1.0 for layer in LAYERS}
    while True:
        weights, among = rng.dirichlet(np.full(CONTEXTS, 4.0), 2)
        scale = 20_000 * np.exp(0.2 * rng.standard_normal((CONTEXTS, PERIODS)))
        people = np.ceil(among[:, None] * scale).astype(int)
        # Layers are of the people there were, not of those there might have been.
        eligible = people.sum(axis=1) / people.sum()
        stated = rng.random() < 0.5
        weights = weights if stated else eligible
        reach = about("retrieval", rng, low["retrieval"])
        stream = np.exp(0.5 * rng.standard_normal(CONTEXTS))
        stream *= about("stream", rng, low["ranking"] ** 0.5) / (weights @ stream)
        intent = np.exp(0.4 * rng.standard_normal(CONTEXTS))
        level = about("intent", rng, low["ranking"] ** 0.5)
        intent *= level * (weights @ stream) / (weights @ (stream * intent))
        times = low["calibration"] * float(np.exp(np.log(MIX) * rng.standard_normal()))
        mix = tilted(weights, stream * intent, times)
        if mix is None:
            continue
        retrieval = reach * mix / eligible
        if max(retrieval.max(), stream.max(), intent.max()) < 0.9:
            break
    total = weights @ (stream * intent)
    scores = [standing(float(weights @ stream), "stream")]
    scores.append(standing(float(total / (weights @ stream)), "intent"))
    gap, spread = standing(reach, "retrieval")
    truth = {
        "retrieval": gap / spread,
        "ranking": sum(g for g, _ in scores) / np.sqrt(sum(s**2 for _, s in scores)),
        "calibration": float(np.log(times) / np.log(MIX)),
    }
    table = counted(people, (retrieval, stream, intent), rng)
    named = dict(zip("abcd", weights.tolist(), strict=True)) if stated else None
    return table, named, truth


def counted(people: np.ndarray, levels: tuple, rng: np.random.Generator) -> pd.DataFrame:
    """Count periods that scatter about the levels of their context."""
    place = np.repeat(np.arange(CONTEXTS), PERIODS)
    counts = [people.ravel()]
    for level in levels:
        scatter = 0.3 * np.exp(0.5 * rng.standard_normal())
        middle = float(level.mean())
        kappa = 1 / (scatter**2 * middle * (1 - middle))
        rate = rng.beta(level[place] * kappa, (1 - level[place]) * kappa)
        counts.append(rng.binomial(counts[-1], rate))
    names = ("eligible", "impressions", "streams", "intent")
    return pd.DataFrame(
        {"context": list(np.array([*"abcd"])[place])} | dict(zip(names, counts, strict=True))
    )


def one(number: int) -> list[dict]:
    """Plant, ask, and return what came out."""
    rng = np.random.default_rng([SEED, number])
    planted = (*LAYERS, "nothing")[number % 4]
    table, mix, truth = artist(planted, rng)
    usual = co.Reference.stated(USUAL, about="simulated")
    drawn = Shown.of(table, None, dict.fromkeys(shown.PARTS, "binary"))
    chance = np.random.default_rng([SEED, number, 1])
    scores = Scores.of(Exposure.of(drawn, usual, mix, rng=chance), usual)
    mean, lower, upper, _ = interval(np.stack([scores.index[k] for k in LAYERS], axis=1), PROB)
    lowest = min(truth, key=truth.get)
    rows = []
    for edge in EDGES:
        held = scores.chances(edge)
        said = dict(zip(LAYERS, held.bottleneck.tolist(), strict=True)) | {"nothing": held.nothing}
        rows.append(
            {
                "planted": planted, "edge": edge, "said": said,
                "true": lowest if truth[lowest] < -edge else "nothing",
                "inside": [
                    bool(lower[i] <= truth[k] <= upper[i]) for i, k in enumerate(LAYERS)
                ],
                "width": (upper - lower).tolist(),
                "bias": (mean - [truth[k] for k in LAYERS]).tolist(),
            }
        )  # fmt: skip
    return rows


def summed(rows: list[dict], edge: float) -> dict:
    """Return the confusion table and the calibration of what was said at one edge."""
    own = [row for row in rows if row["edge"] == edge]
    found = [max(row["said"], key=row["said"].get) for row in own]
    confusion: dict = {p: dict.fromkeys((*LAYERS, "nothing"), 0) for p in (*LAYERS, "nothing")}
    against_truth: dict = {p: dict.fromkeys((*LAYERS, "nothing"), 0) for p in confusion}
    for row, label in zip(own, found, strict=True):
        confusion[row["planted"]][label] += 1
        against_truth[row["true"]][label] += 1
    every = [(p, row["true"] == k) for row in own for k, p in row["said"].items()]
    leading = [(row["said"][k], row["true"] == k) for row, k in zip(own, found, strict=True)]
    return {
        "planted_found": confusion, "true_found": against_truth,
        "leading": binned(leading), "every": binned(every, (0, 0.1, 0.2, 0.4, 0.6, 0.8, 0.9, 1)),
    }  # fmt: skip


def binned(pairs: list[tuple[float, bool]], edges: tuple = BINS) -> list[dict]:
    """Return how often what was said with so much probability was so."""
    said, was = (np.array(v, dtype=float) for v in zip(*pairs, strict=True))
    at = np.clip(np.digitize(said, edges) - 1, 0, len(edges) - 2)
    return [
        {
            "from": edges[b], "to": edges[b + 1], "count": int((at == b).sum()),
            "said": float(said[at == b].mean()), "was": float(was[at == b].mean()),
        }
        for b in range(len(edges) - 1) if (at == b).any()
    ]  # fmt: skip


def by_layer(values: np.ndarray) -> dict:
    """Return values by the name of their layer."""
    return dict(zip(LAYERS, map(float, values), strict=True))


def by_planted(rows: list[dict], what: str) -> dict:
    """Return the mean of something by what was planted and by layer."""
    return {
        p: by_layer(np.mean([row[what] for row in rows if row["planted"] == p], axis=0))
        for p in (*LAYERS, "nothing")
    }


def run() -> None:
    """Simulate all artists and keep what came out."""
    rows = []
    for number in range(ARTISTS):
        rows += one(number)
        if number % 50 == 49:
            print(number + 1, flush=True)
    first = [row for row in rows if row["edge"] == EDGES[0]]
    kept = {
        "command": "python proofs/layers.py run", "seed": SEED, "code": code(),
        "artists": ARTISTS, "contexts": CONTEXTS, "periods": PERIODS, "factor": FACTOR,
        "coverage": by_layer(np.mean([row["inside"] for row in first], axis=0)),
        "coverage_planted": by_planted(first, "inside"),
        "bias_planted": by_planted(first, "bias"),
        "coverage_error": float(np.sqrt(PROB * (1 - PROB) / ARTISTS)),
        "width": by_layer(np.median([row["width"] for row in first], axis=0)),
        "edges": {f"{edge:g}": summed(rows, edge) for edge in EDGES},
    }  # fmt: skip
    KEPT.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


def report() -> None:
    """Print what is kept."""
    kept = json.loads(KEPT.read_text(encoding="utf-8"))
    same = "as now" if kept["code"] == code() else "other than now"
    print(f"seed {kept['seed']}, code {kept['code']}: {same}; {kept['artists']} artists")
    covered = ", ".join(f"{k} {v:.3f}" for k, v in kept["coverage"].items())
    print(f"89% intervals of the index held in: {covered} (error {kept['coverage_error']:.3f})")
    print("by what was planted:\n", pd.DataFrame(kept["coverage_planted"]).T.to_string())
    print("estimate less truth, sd:\n", pd.DataFrame(kept["bias_planted"]).T.to_string())
    print("median widths:", ", ".join(f"{k} {v:.2f}" for k, v in kept["width"].items()))
    for edge, own in kept["edges"].items():
        for rows in ("planted", "true"):
            print(f"at_least {edge}: {rows} (rows) and found")
            print(pd.DataFrame(own[f"{rows}_found"]).T.to_string())
        for kind in ("leading", "every"):
            for b in own[kind]:
                print(
                    f"  {kind} said {b['from']:.1f} to {b['to']:.1f}: {b['count']}, on average "
                    f"{b['said']:.3f}, was so {b['was']:.3f}"
                )


if __name__ == "__main__":
    {"run": run, "report": report}[sys.argv[1]]()
