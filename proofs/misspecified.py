"""Misspecified worlds: how beliefs fare where the world is not the model's, and who says so.

    python proofs/misspecified.py run 1          # one world of each kind; goes on where it stopped
    python proofs/misspecified.py run 10 clean   # 10 worlds of one kind
    python proofs/misspecified.py report         # the table, kept in results/misspecified.json

Every world has 60 artists in 8 clusters and parameters like those of real campaigns, but for
lasting fits, whose loading is 0.8: an artist's odds at home are three times those in a usual
cluster. At the usual 0.5 a table of this size tells homes less well, which is a kind of its own
("weak fits"). The fit is the ordinary one, one home, uniform prior unless the kind of world says
otherwise.
"""

import hashlib
import json
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import coterie as co
from coterie import simulate

RESULTS = Path(__file__).parent / "results" / "misspecified"
SEED = 20261124
CLUSTERS = [f"cluster {k + 1}" for k in range(8)]
COUNTED = {"save": "saves", "add": "adds", "follow": "follows", "depth": "downstream_streams"}


class World:
    """A simulated table, the truth of who lives where, and the prior to be stated."""

    def __init__(self, seed: int, *, loading: float = 0.8, **options: Any) -> None:
        self.rng = np.random.default_rng([SEED, seed])
        stated = replace(simulate.plausible(), loading=np.full(4, loading))
        made = simulate.world(artists=60, clusters=8, parameters=stated, rng=self.rng, **options)
        self.truth, self.outcomes, self.frame = made.truth, made.outcomes, made.frame.copy()
        self.prior = co.MembershipPrior.uniform(CLUSTERS)
        self.population = co.PopulationPrior()
        self.home = made.truth["home"].to_series().to_dict()

    def redraw(self, *, affinity: Any = None) -> None:
        """Draw the counts again, with other affinities if they are given."""
        truth, frame = self.truth, self.frame
        at = {d: frame[d].to_numpy() for d in ("artist", "cluster")}
        lasting = truth["affinity"] if affinity is None else affinity
        fit = np.array(
            [float(lasting.sel(artist=a, cluster=c)) for a, c in zip(*at.values(), strict=True)]
        )
        for outcome in self.outcomes:
            here = truth.sel(outcome=outcome.name)
            pick = {d: here[f"{d}_effect"].sel({d: at[d]}).to_numpy() for d in at}
            drift = here["period_effect"].isel(window=0).sel(cluster=at["cluster"]).to_numpy()
            eta = float(here["alpha"]) + pick["artist"] + pick["cluster"] + drift
            eta += float(here["loading"]) * fit
            spread = float(here["kappa_spread"]) * here["kappa_cluster"].sel(cluster=at["cluster"])
            kappa = float(here["kappa"]) * np.exp(spread.to_numpy())
            n = frame[outcome.denominator].to_numpy()
            if outcome.kind == "binary":
                mu = 1 / (1 + np.exp(-eta))
                rate = self.rng.beta(
                    np.maximum(mu * kappa, 1e-9), np.maximum((1 - mu) * kappa, 1e-9)
                )
                frame[outcome.numerator] = self.rng.binomial(n.astype(int), rate)
            else:
                frame[outcome.numerator] = self.rng.poisson(
                    n * np.exp(eta) * self.rng.standard_gamma(kappa) / kappa
                )


def clean(seed: int) -> World:
    """Draw the model's own world."""
    return World(seed)


def weak_fits(seed: int) -> World:
    """Draw the model's own world, with a loading of 0.5 in place of 0.8."""
    return World(seed, loading=0.5)


def two_kinds(seed: int) -> World:
    """Draw two kinds of artists: fits at home lie two standard deviations above all others."""
    return World(seed, loading=0.5, fits="mixture")


def heavy_tails(seed: int) -> World:
    """Draw lasting fits from a t with 3 degrees of freedom, of variance 1."""
    return World(seed, fits="student")


def left_tails(seed: int) -> World:
    """Draw lasting fits as logarithms of exponential variables, heavy to the left."""
    return World(seed, fits="exponential")


def missing_cluster(seed: int) -> World:
    """Draw a world whose most common home is not in the inventory."""
    world = World(seed)
    homes = pd.Series(world.home)
    gone = homes[homes.isin(CLUSTERS)].mode()[0]
    world.frame = world.frame[world.frame["cluster"] != gone]
    world.prior = co.MembershipPrior.uniform([k for k in CLUSTERS if k != gone])
    world.home = {a: "elsewhere" if k == gone else k for a, k in world.home.items()}
    return world


def overlapping(seed: int) -> World:
    """Draw half of the artists nearly as fit for a second cluster as for their home."""
    world = World(seed)
    affinity = world.truth["affinity"].copy(deep=True)
    for a, home in world.home.items():
        if home in CLUSTERS and world.rng.random() < 0.5:
            second = {"artist": a, "cluster": CLUSTERS[(CLUSTERS.index(home) + 1) % 8]}
            affinity.loc[second] = float(affinity.sel(artist=a, cluster=home)) - 0.1
    world.redraw(affinity=affinity)
    return world


def bots(seed: int) -> World:
    """Draw bots: in one cluster, for a quarter of artists, nine listeners in ten do nothing."""
    world = World(seed)
    artists = world.rng.choice(sorted(world.home), 15, replace=False)
    hit = (world.frame["cluster"] == CLUSTERS[0]) & world.frame["artist"].isin(artists)
    for column in dict.fromkeys(o.denominator for o in world.outcomes):
        world.frame.loc[hit, column] = world.frame.loc[hit, column] * 10
    return world


def one_outcome_as_two(seed: int) -> World:
    """Draw one outcome and count it as two: adds are the saves again."""
    world = World(seed)
    world.frame["adds"] = world.frame["saves"]
    return world


def imbalance(seed: int) -> World:
    """Draw one cluster with 95 % of all listeners."""
    world = World(seed)
    large = world.frame["cluster"] == CLUSTERS[0]
    for column in dict.fromkeys(o.denominator for o in world.outcomes):
        own = world.frame[column].astype(float)
        scale = np.where(large, 0.95 / own[large].sum(), 0.05 / own[~large].sum()) * own.sum()
        world.frame[column] = np.maximum(1, (own * scale).round()).astype(int)
    world.redraw()
    return world


def wrong_pi(seed: int) -> World:
    """Draw a world whose rarest home is stated ten times as likely as any other."""
    world = World(seed)
    rarest = pd.Series(world.home).value_counts().reindex(CLUSTERS, fill_value=0).idxmin()
    shares = {k: (10.0 if k == rarest else 1.0) / 17 for k in CLUSTERS}
    world.prior = co.MembershipPrior.from_shares(shares)
    return world


def swapped(seed: int) -> World:
    """Count those who did not save as savers."""
    world = World(seed)
    world.frame["saves"] = world.frame["listeners"] - world.frame["saves"]
    return world


def exposure_ignored(seed: int) -> World:
    """Count streams of cells as if each had as many new listeners."""
    world = World(seed, sizes=(40, 4000))
    world.frame["new_listeners"] = int(world.frame["new_listeners"].mean())
    return world


def missing_as_zero(seed: int) -> World:
    """Read saves that were not measured, in three rows of ten, as no saves."""
    world = World(seed)
    world.frame.loc[world.rng.random(len(world.frame)) < 0.3, "saves"] = 0
    return world


def no_scatter(seed: int) -> World:
    """State that cells do not scatter (kappa infinite)."""
    world = World(seed)
    world.population = world.population.replace(kappa=co.ParameterPrior.fixed(np.inf))
    return world


def no_affinity(seed: int) -> World:
    """State that artists have no lasting fits; they have."""
    world = World(seed)
    world.population = world.population.replace(loading=co.ParameterPrior.fixed(0.0))
    return world


def no_members(seed: int) -> World:
    """Draw a world in which nobody belongs anywhere: no lasting fits."""
    world = World(seed, loading=0.0)
    world.home = dict.fromkeys(world.home, "elsewhere")
    return world


KINDS: dict[str, Callable[[int], World]] = {
    f.__name__.replace("_", " "): f
    for f in (
        clean, weak_fits, two_kinds, heavy_tails, left_tails, missing_cluster, overlapping, bots,
        one_outcome_as_two, imbalance, wrong_pi, no_members, swapped, exposure_ignored,
        missing_as_zero, no_scatter, no_affinity,
    )
}  # fmt: skip


def study(kind: str, number: int) -> dict[str, Any]:
    """Fit one world, score its beliefs, criticise them."""
    world, start = KINDS[kind](number), time.perf_counter()
    rng = np.random.default_rng([SEED, number, 1])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        evidence = co.Evidence.from_frame(world.frame, outcomes=world.outcomes)
        beliefs = co.fit(
            evidence, world.prior, population=world.population, draws=1000, tune=400, rng=rng,
            progress=False,
        )  # fmt: skip
        page = co.criticise(beliefs, rng=rng)
    mean = beliefs.home.mean(("chain", "draw"))
    nowhere = beliefs.elsewhere.mean(("chain", "draw"))
    prior = beliefs.tree["prior"].dataset["prior"]
    scores, base, best, right = [], [], [], []
    for a, home in world.home.items():
        own = {str(k): float(v) for k, v in mean.sel(artist=a).to_series().items()}
        own["elsewhere"] = float(nowhere.sel(artist=a))
        before = {str(k): float(v) for k, v in prior.sel(artist=a).to_series().items()}
        before["elsewhere"] = 1 - sum(before.values())
        scores.append(np.log(max(own[home], 1e-12)))
        base.append(np.log(before[home]))
        top = max(own, key=own.__getitem__)
        best.append(own[top])
        right.append(top == home)
    return {
        "kind": kind, "number": number, "seconds": round(time.perf_counter() - start, 1),
        "log_score": float(np.mean(scores)), "base_rate": float(np.mean(base)),
        "best": best, "right": right, "headline": page.headline,
        "membership": str(page.table["said"].sel(question="membership").item()),
        "verdicts": dict(zip(page.table["question"].values.tolist(),
                             page.table["verdict"].values.tolist(), strict=True)),
    }  # fmt: skip


def run(worlds: int, kinds: list[str]) -> None:
    """Study what is not there yet, all kinds in turn."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    for number in range(worlds):
        for kind in kinds:
            path = RESULTS / f"{kind.replace(' ', '-')}-{number:03d}.json"
            if path.exists():
                continue
            found = study(kind, number)
            beside = path.with_suffix(".part")
            beside.write_text(json.dumps(found) + "\n")
            beside.replace(path)
            print(
                kind,
                number,
                found["seconds"],
                found["headline"][:200],
                found["membership"][-60:],
                flush=True,
            )


def report() -> None:
    """Make the table, print it, keep it."""
    table, digest = [], hashlib.sha256()
    for kind, make in KINDS.items():
        files = sorted(RESULTS.glob(f"{kind.replace(' ', '-')}-*.json"))
        for file in files:
            digest.update(file.read_bytes())
        held = [json.loads(file.read_text()) for file in files]
        if not held:
            continue
        best, right = (np.concatenate([h[k] for h in held]) for k in ("best", "right"))
        sure = best > 0.8
        raised: dict[str, int] = {}
        for each in held:
            for question, verdict in each["verdicts"].items():
                raised[question] = raised.get(question, 0) + (verdict != "good")
        flags = [f"{q} {n}" for q, n in raised.items() if n and q != "settled"]
        verdicts = [h["headline"].split(":")[0].lower() for h in held]
        counts = [f"{v} {verdicts.count(v)}" for v in ("good", "check", "do not use")]
        table.append({
            "world": str(make.__doc__).removeprefix("Draw ").rstrip("."),
            "worlds": str(len(held)),
            "log score": f"{np.mean([h['log_score'] for h in held]):.2f}",
            "base rate's": f"{np.mean([h['base_rate'] for h in held]):.2f}",
            "best belief, mean": f"{best.mean():.2f}",
            "best belief true": f"{right.mean():.2f}",
            "above 0.8, true": f"{right[sure].sum()} of {sure.sum()}",
            "verdicts": ", ".join(c for c in counts if not c.endswith(" 0")),
            "questions that raised a doubt, in worlds": ", ".join(flags) or "none",
        })  # fmt: skip
        print(table[-1])
    kept: dict[str, Any] = {
        "command": "python proofs/misspecified.py run 1, then run 10 clean",
        "seed": SEED,
    }
    kept |= {"results_sha256": digest.hexdigest(), "table": table}
    (RESULTS.parent / "misspecified.json").write_text(json.dumps(kept, indent=1) + "\n")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["run", worlds, *named]:
            run(int(worlds), named or list(KINDS))
        case ["report"]:
            report()
        case _:
            sys.exit(__doc__)
