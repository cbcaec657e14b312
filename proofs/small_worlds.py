"""Small campaign tables: are homes found about as well as by who knows all parameters.

    python proofs/small_worlds.py run                     # all shapes; goes on where it stopped
    python proofs/small_worlds.py run --shape one --worlds 8 --seed 3
    python proofs/small_worlds.py run --multiplier 1.0    # worlds in which nobody belongs anywhere
    python proofs/small_worlds.py ideal --shape one --worlds 8   # the ideal observer alone, no fit
    python proofs/small_worlds.py report                  # the table

The worlds come from this file and know nothing of the library: each artist has exactly one home,
where rates are multiplied by a factor between 1.6 and 2.5, one an outcome and world. The ideal
observer knows the base rates, every cluster's level, the law of artists, of lasting scatter and
of cells, and the factors; it integrates the artist's own effects and the scatter of each pair,
and enumerates homes. The library gets the table and its defaults. Both name a home among the
clusters: what the library believes to be elsewhere is left out and the rest renormalised. Runs
are kept a chunk of worlds at a time in results/small_worlds.json, with their seed.
"""

import argparse
import json
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import betaln, gammaln, logsumexp

RESULTS = Path(__file__).parent / "results" / "small_worlds.json"
SEED = 20261201
RATES = (0.06, 0.035, 0.015)
DEPTH = 1.2
COUNTED = ("saves", "adds", "follows")
ARTIST_SD, CLUSTER_SD, LASTING_SD = 0.3, 0.25, 0.25
KAPPA, SHAPE = 60.0, 5.0
TIMES = (1.6, 2.5)
NEW = 0.6
CHUNK = 4
LEAST = 1e-3
NODES, DRAWS = 9, 4000


@dataclass(frozen=True)
class Shape:
    """Size of a table: artists, clusters, releases, months, listeners a row, and the bar."""

    artists: int
    clusters: int
    releases: int
    months: int
    listeners: int
    bar: float
    worlds: int

    @property
    def cells(self) -> int:
        """Rows of each artist and cluster."""
        return self.releases * self.months


SHAPES = {
    "campaigns": Shape(6, 5, 2, 3, 300, 0.08, 16),
    "many": Shape(40, 5, 1, 1, 300, 0.12, 4),
    "three": Shape(3, 4, 1, 1, 300, 0.25, 32),
    "one": Shape(1, 4, 1, 1, 800, 0.30, 64),
    "one-campaigns": Shape(1, 4, 2, 3, 300, 0.45, 64),
}


@dataclass(frozen=True)
class World:
    """A table and what it was drawn from.

    ``people``, ``new``: (artist, cluster, cell); ``events``: (artist, cluster, cell, outcome), the
    last outcome counting streams of new listeners; ``level``: log odds or log of each cluster's
    rates, (cluster, outcome); ``factor``: (outcome,), what a home multiplies rates by.
    """

    shape: Shape
    people: np.ndarray
    new: np.ndarray
    events: np.ndarray
    level: np.ndarray
    factor: np.ndarray
    home: np.ndarray

    def frame(self) -> pd.DataFrame:
        """Return the table as a team would send it."""
        shape = self.shape
        a, k, c = (i.ravel() for i in np.indices(self.people.shape))
        table = pd.DataFrame(
            {
                "artist": [f"artist {i + 1}" for i in a],
                "cluster": [f"cluster {i + 1}" for i in k],
                "listeners": self.people.ravel(), "new_listeners": self.new.ravel(),
                "downstream_streams": self.events[..., -1].ravel(),
            }
            | {name: self.events[..., i].ravel() for i, name in enumerate(COUNTED)}
        )  # fmt: skip
        if shape.cells > 1:
            start = pd.to_datetime(["2026-01-01", "2026-02-01", "2026-03-01"])[c % shape.months]
            table["release"] = [f"release {i + 1}" for i in c // shape.months]
            table["period_start"] = start
            table["period_end"] = start + pd.offsets.MonthEnd(1)
        return table


def draw(shape: Shape, rng: np.random.Generator, multiplier: float | None = None) -> World:
    """Draw one world; ``multiplier`` in place of the factors of a home."""
    size, outcomes = (shape.artists, shape.clusters, shape.cells), len(RATES) + 1
    factor = rng.uniform(*TIMES, size=outcomes)
    if multiplier is not None:
        factor = np.full(outcomes, multiplier)
    base = np.append(np.log(RATES) - np.log1p(-np.array(RATES)), np.log(DEPTH))
    level = base + CLUSTER_SD * rng.normal(size=(shape.clusters, outcomes))
    artist = ARTIST_SD * rng.normal(size=(shape.artists, outcomes))
    home = rng.integers(shape.clusters, size=shape.artists)
    lasting = LASTING_SD * rng.normal(size=size[:2])
    people = 1 + rng.poisson(shape.listeners - 1, size=size)
    new = np.maximum(rng.binomial(people, NEW), 1)
    eta = level[None] + artist[:, None] + lasting[..., None]
    at_home = home[:, None] == np.arange(shape.clusters)
    events = np.empty((*size, outcomes))
    for o in range(outcomes):
        own = _rate(eta[..., o], o, np.where(at_home, factor[o], 1.0))[..., None]
        if o < len(RATES):
            chance = rng.beta(np.broadcast_to(KAPPA * own, size), KAPPA * (1 - own))
            events[..., o] = rng.binomial(people, chance)
        else:
            events[..., o] = rng.poisson(new * own * rng.gamma(SHAPE, size=size) / SHAPE)
    return World(shape, people, new, events, level, factor, home)


def _rate(eta: np.ndarray, outcome: int, times: Any) -> np.ndarray:
    """Return rates at levels, multiplied in a home; a share of people stays below 1."""
    if outcome == len(RATES):
        return np.asarray(np.exp(eta) * times)
    return np.asarray(np.minimum(times / (1 + np.exp(-eta)), 0.99))


def _log_likelihood(world: World, artist: int, eta: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Log probability of an artist's cells at levels (..., cluster, outcome): (..., cluster)."""
    total = np.zeros(eta.shape[:-1])
    for o in range(eta.shape[-1]):
        rate = _rate(eta[..., o], o, times[o])[..., None]
        y, n = world.events[artist, ..., o], world.people[artist]
        if o < len(RATES):
            a, b = KAPPA * rate, KAPPA * (1 - rate)
            each = betaln(a + y, b + n - y) - betaln(a, b)
        else:
            mean = world.new[artist] * rate
            each = gammaln(SHAPE + y) - gammaln(SHAPE) + y * np.log(mean / (mean + SHAPE))
            each = each + SHAPE * np.log(SHAPE / (mean + SHAPE))
        total += each.sum(axis=-1)
    return total


def ideal(world: World, rng: np.random.Generator) -> tuple[np.ndarray, float]:
    """Believe as who knows every parameter: (artist, cluster), and the least effective draws.

    Homes are enumerated; the lasting scatter of each pair is integrated by Gauss-Hermite
    quadrature, the artist's effects by importance sampling from a normal about their mode given
    each home, tails widened.
    """
    shape = world.shape
    node, weight = np.polynomial.hermite_e.hermegauss(NODES)
    log_weight = np.log(weight / weight.sum())
    outcomes = len(RATES) + 1
    found, least = np.empty((shape.artists, shape.clusters)), np.inf
    for a in range(shape.artists):
        home = np.empty(shape.clusters)

        def pairs(effect: np.ndarray, artist: int = a) -> tuple[np.ndarray, np.ndarray]:
            """Log evidence of each pair away and at home, at effects (draw, outcome)."""
            eta = world.level + effect[:, None, None, :] + LASTING_SD * node[:, None, None]
            sides = (np.ones(outcomes), world.factor)
            both = [
                logsumexp(_log_likelihood(world, artist, eta, times) + log_weight[:, None], axis=1)
                for times in sides
            ]
            return both[0], both[1]

        # One proposal for all homes: draws about the mode with no home and with each.
        centres, spreads = _about(pairs, outcomes, shape.clusters)
        part = rng.integers(len(centres), size=DRAWS)
        noise = rng.standard_t(6, size=(DRAWS, outcomes)) * spreads[part]
        effect = centres[part] + noise
        log_q = logsumexp(
            [_log_t((effect - c) / s).sum(axis=1) - np.log(s).sum()
             for c, s in zip(centres, spreads, strict=True)], axis=0,
        ) - np.log(len(centres))  # fmt: skip
        log_p = -0.5 * ((effect / ARTIST_SD) ** 2).sum(axis=1)
        log_p -= outcomes * np.log(ARTIST_SD * np.sqrt(2 * np.pi))
        away, there = pairs(effect)
        whole = away.sum(axis=1)
        for k in range(shape.clusters):
            own = whole - away[:, k] + there[:, k] + log_p - log_q
            home[k] = logsumexp(own)
            share = np.exp(own - home[k])
            least = min(least, 1 / float((share**2).sum()))
        found[a] = np.exp(home - logsumexp(home))
    return found, least


def _log_t(x: np.ndarray) -> np.ndarray:
    """Log density of Student's t with six degrees of freedom."""
    constant = gammaln(3.5) - gammaln(3.0) - 0.5 * np.log(6 * np.pi)
    return np.asarray(constant - 3.5 * np.log1p(x**2 / 6))


def _about(pairs: Any, outcomes: int, clusters: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the mode of effects given each home, and standard deviations there, widened."""
    step = 1e-2
    eye = np.eye(outcomes) * step
    centres, spreads = [], []
    for k in range(clusters):
        at = np.zeros(outcomes)
        curve = np.full(outcomes, ARTIST_SD**-2)
        for _ in range(8):
            points = np.vstack([at, at + eye, at - eye])
            away, there = pairs(points)
            height = away.sum(axis=1) - away[:, k] + there[:, k]
            height -= 0.5 * ((points / ARTIST_SD) ** 2).sum(axis=1)
            up, down = height[1 : outcomes + 1], height[outcomes + 1 :]
            curve = np.maximum(-(up - 2 * height[0] + down) / step**2, ARTIST_SD**-2)
            at = at + np.clip((up - down) / (2 * step) / curve, -0.5, 0.5)
        centres.append(at)
        spreads.append(1.3 / np.sqrt(curve))
    return np.array(centres), np.array(spreads)


def believed(world: World, rng: np.random.Generator) -> tuple[np.ndarray, dict[str, Any]]:
    """Fit with the defaults, and return beliefs without elsewhere: (artist, cluster)."""
    import coterie as co

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        how = {"window": "month"} if world.shape.cells > 1 else {}
        evidence = co.Evidence.from_frame(world.frame(), **how)
        prior = co.MembershipPrior.uniform(evidence.clusters.tolist())
        beliefs = co.fit(evidence, prior, rng=rng, progress=False)
    mean = beliefs.home.mean(("chain", "draw"))
    artists = [f"artist {i + 1}" for i in range(world.shape.artists)]
    clusters = [f"cluster {i + 1}" for i in range(world.shape.clusters)]
    own = mean.sel(artist=artists, cluster=clusters).transpose("artist", "cluster").to_numpy()
    away = float(beliefs.elsewhere.mean())
    numbers = beliefs.diagnose()
    return own / own.sum(axis=1, keepdims=True), {
        "settled": numbers.ok, "elsewhere": away, "rhat": numbers.numbers["rhat"],
    }  # fmt: skip


def one(
    shape: str, seed: int, number: int, multiplier: float | None, *, fits: bool
) -> dict[str, Any]:
    """Draw one world, and ask the ideal observer and the library."""
    salt = [SEED, seed, list(SHAPES).index(shape), number]
    world = draw(SHAPES[shape], np.random.default_rng(salt), multiplier)
    start = time.perf_counter()
    best, least = ideal(world, np.random.default_rng([*salt, 1]))
    line: dict[str, Any] = {
        "number": number, "home": world.home.tolist(), "ideal": np.round(best, 5).tolist(),
        "effective": round(least), "ideal_seconds": round(time.perf_counter() - start, 1),
    }  # fmt: skip
    if fits:
        start = time.perf_counter()
        own, about = believed(world, np.random.default_rng([*salt, 2]))
        line |= {"belief": np.round(own, 5).tolist(), **about}
        line["seconds"] = round(time.perf_counter() - start, 1)
    return line


def scored(lines: list[dict[str, Any]], who: str) -> dict[str, Any]:
    """Score beliefs in true homes, and put them into ten bins of belief."""
    belief = np.concatenate([np.array(line[who]) for line in lines])
    home = np.concatenate([np.array(line["home"]) for line in lines])
    own = belief[np.arange(home.size), home]
    world = np.repeat(np.arange(len(lines)), [len(line["home"]) for line in lines])
    true = home[:, None] == np.arange(belief.shape[1])
    bins = np.clip((belief * 10).astype(int), 0, 9)
    table = []
    for b in range(10):
        here = bins == b
        if here.any():
            # Artists of a world share its parameters: errors are of the totals of worlds.
            gap = np.bincount(world, ((true - belief) * here).sum(axis=1), len(lines))
            spread = np.sqrt(max(float((gap**2).sum()), float((belief * (1 - belief))[here].sum())))
            table.append(
                {"belief": round(float(belief[here].mean()), 3),
                 "true": round(float(true[here].mean()), 3), "n": int(here.sum()),
                 "z": round(float(gap.sum()) / max(spread, 1e-9), 2)}
            )  # fmt: skip
    return {
        "mean_log": float(np.log(np.maximum(own, LEAST)).mean()),
        "first_right": float((belief.argmax(axis=1) == home).mean()),
        "largest": float(belief.max(axis=1).mean()), "bins": table,
    }  # fmt: skip


def table(runs: dict[str, Any]) -> dict[str, Any]:
    """Score every run there is."""
    found = {}
    for key, run in runs.items():
        lines = run["worlds"]
        line = {"worlds": len(lines), "artists": sum(len(w["home"]) for w in lines)}
        line["ideal"] = scored(lines, "ideal")
        fitted = [w for w in lines if "belief" in w]
        if fitted:
            line["beliefs"] = scored(fitted, "belief")
            best = scored(fitted, "ideal")["mean_log"]
            line["gap"] = best - line["beliefs"]["mean_log"]
            line["bar"] = SHAPES[run["shape"]].bar
            line["met"] = bool(line["gap"] <= line["bar"])
            line["settled"] = sum(w["settled"] for w in fitted)
            line["worst_z"] = max(abs(b["z"]) for b in line["beliefs"]["bins"])
        found[key] = line
    return found


def held() -> dict[str, Any]:
    """Return what is kept."""
    return dict(json.loads(RESULTS.read_text())["runs"]) if RESULTS.exists() else {}


def keep(runs: dict[str, Any]) -> None:
    """Write all runs and their table, whole or not at all."""
    RESULTS.parent.mkdir(exist_ok=True)
    beside = RESULTS.with_suffix(".part")
    content = {"command": "python proofs/small_worlds.py run", "seed": SEED,
               "table": table(runs), "runs": runs}  # fmt: skip
    beside.write_text(json.dumps(content, indent=1) + "\n")
    beside.replace(RESULTS)


def run(args: argparse.Namespace) -> None:
    """Make the worlds that are not there yet, a chunk at a time."""
    runs = held()
    for shape in [args.shape] if args.shape else SHAPES:
        key = f"{shape}, seed {args.seed}"
        key += "" if args.multiplier is None else f", multiplier {args.multiplier:g}"
        own = runs.setdefault(
            key, {"shape": shape, "seed": args.seed, "multiplier": args.multiplier, "worlds": []}
        )
        wanted = args.worlds or SHAPES[shape].worlds
        while len(own["worlds"]) < wanted:
            first = len(own["worlds"])
            for number in range(first, min(first + CHUNK, wanted)):
                own["worlds"].append(one(shape, args.seed, number, args.multiplier, fits=True))
                line = {k: v for k, v in own["worlds"][-1].items() if k not in ("ideal", "belief")}
                print(key, line, flush=True)
            keep(runs)
    report(table(runs))


def report(found: dict[str, Any]) -> None:
    """Print a line a run, and its calibration."""
    for key, line in found.items():
        best = line["ideal"]
        print(f"{key}: {line['worlds']} worlds, {line['artists']} artists; ideal observer "
              f"{best['mean_log']:.3f}, first guess {best['first_right']:.2f}, largest belief "
              f"{best['largest']:.2f}")  # fmt: skip
        if "beliefs" not in line:
            continue
        own = line["beliefs"]
        print(f"  beliefs {own['mean_log']:.3f}, first guess {own['first_right']:.2f}, largest "
              f"belief {own['largest']:.2f}; gap {line['gap']:.3f}, bar {line['bar']:.2f} "
              f"({'met' if line['met'] else 'missed'}); {line['settled']} settled")  # fmt: skip
        for b in own["bins"]:
            print(f"    {b['belief']:.3f} -> {b['true']:.3f} of {b['n']}, z {b['z']:+.1f}")


def main() -> None:
    """Run worlds, ask the ideal observer alone, or report."""
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["run", "ideal", "report"])
    parser.add_argument("--shape", choices=SHAPES)
    parser.add_argument("--worlds", type=int, help="Left out, as many as each shape needs.")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--multiplier", type=float, help="1.0: nobody belongs anywhere.")
    args = parser.parse_args()
    if args.what == "run":
        run(args)
    elif args.what == "report":
        report(table(held()))
    else:
        for shape in [args.shape] if args.shape else SHAPES:
            numbers = range(args.worlds or SHAPES[shape].worlds)
            lines = [one(shape, args.seed, n, args.multiplier, fits=False) for n in numbers]
            least = min(line["effective"] for line in lines)
            report(table({shape: {"shape": shape, "worlds": lines}}))
            seconds = np.mean([line["ideal_seconds"] for line in lines])
            print(f"  at least {least} effective draws; {seconds:.1f} s a world")


if __name__ == "__main__":
    main()
