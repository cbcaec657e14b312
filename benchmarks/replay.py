"""Our ways of sharing against rivals' on real answers: clicks logged under a uniform policy.

Replays the Open Bandit logs (Saito et al., 2021): 10,000 shows a campaign, each of one item with
the probability that it had. The data are read where they lie and are no part of coterie. Needs
the rivals' packages: ``requirements/dev.txt``, then ``requirements/benchmarks.txt``.

    python benchmarks/replay.py run DATA     # DATA has men.parquet, men_items.csv, ...; 15 minutes
    python benchmarks/replay.py report

A log is cut into ten batches; a policy shares each batch between arms by what it has learned from
all but the last batch before it, since answers are late. It learns from what it was *given*: shows
kept so that they fall as its shares (Li et al., 2011), as many for each policy; or from the whole
*log* so far, as a team that looks before it leaps. Its click rate is the self-normalised
importance-weighted rate of the batches it shared out, in which it had learned nothing yet.

Intervals are of 100 bootstraps of shows, each in an order of its own and with all policies in it.
Copies of a show stay in one batch: else a policy would be asked what it was told.
Where rates are planted, these intervals are too wide rather than too narrow.
"""

import hashlib
import json
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd
from bayesianbandits import Agent, Arm, GammaRegressor, ThompsonSampling
from mabwiser.mab import MAB, LearningPolicy

import coterie as co
from coterie.findings import formulas, sharing

KEPT = Path(__file__).parent / "results" / "replay.json"
SEED = 20261126
CAMPAIGNS = ("men", "women")
BATCHES, LATE = 10, 1
GROUPS = 5
ORDERS, BOOTSTRAPS, PLANTED = 20, 100, 100
DRAWS, INTERVAL, POWER = 400, 0.95, 2.8
"""2.8 standard errors are what four in five studies of this size would see."""
RATE, SPREAD = 0.005, 0.5
"""What is believed before: half a per cent, as is said of the data, mostly within a factor of e."""
OURS = "thompson"


@dataclass(frozen=True)
class Log:
    """Shows under one policy.

    ``arm``, ``click`` and ``chance``, that of the arm under the policy, are over (show,).
    """

    arm: np.ndarray
    click: np.ndarray
    chance: np.ndarray
    arms: int


class Learner(Protocol):
    """A policy that learns from shows."""

    def shares(self) -> np.ndarray:
        """Return the share of each arm in the next batch: (arm,)."""

    def learn(self, arm: np.ndarray, click: np.ndarray) -> None:
        """Take in shows."""


@dataclass
class Ours:
    """Gamma-Poisson belief in clicks a show, shared out by :func:`coterie.findings.sharing`."""

    arms: int
    seed: int
    method: Any
    shape: Any = None
    rate: Any = None
    rng: Any = None

    def __post_init__(self) -> None:
        self.shape = np.full(self.arms, 1 / SPREAD**2)
        self.rate = self.shape / RATE
        self.rng = np.random.default_rng(self.seed)

    def shares(self) -> np.ndarray:
        """Return the share of each arm in the next batch: (arm,)."""
        draws = self.rng.standard_gamma(self.shape, (DRAWS, self.arms)) / self.rate
        return sharing.wanted(draws, self.method)

    def learn(self, arm: np.ndarray, click: np.ndarray) -> None:
        """Take in shows."""
        self.shape = self.shape + np.bincount(arm, click, self.arms)
        self.rate = self.rate + np.bincount(arm, minlength=self.arms)


@dataclass
class Wiser:
    """MABWiser's Thompson sampling; from Beta(1, 1), or from made-up shows that state the prior."""

    arms: int
    seed: int
    told: bool
    bandit: Any = None
    started: bool = False

    def __post_init__(self) -> None:
        self.bandit = MAB(list(range(self.arms)), LearningPolicy.ThompsonSampling(), seed=self.seed)
        worth = round(1 / SPREAD**2)
        shows = round(worth / RATE) - 2 if self.told else 0
        clicks = np.arange(shows) < worth - 1
        self.learn(np.repeat(np.arange(self.arms), shows), np.tile(clicks, self.arms).astype(int))

    def shares(self) -> np.ndarray:
        """Return the share of each arm in the next batch: (arm,)."""
        if not self.started:
            # It refuses to pull before it was fitted; from Beta(1, 1) all arms are alike.
            return np.full(self.arms, 1 / self.arms)
        pulled = self.bandit.predict(np.zeros((DRAWS, 1)))
        return np.bincount(pulled, minlength=self.arms) / DRAWS

    def learn(self, arm: np.ndarray, click: np.ndarray) -> None:
        """Take in shows."""
        if arm.size:
            self.bandit.partial_fit(arm, click)
            self.started = True


@dataclass
class Bayesian:
    """bayesianbandits' Thompson sampling with Gamma-Poisson arms."""

    arms: int
    seed: int
    agent: Any = None

    def __post_init__(self) -> None:
        before = 1 / SPREAD**2
        learners = [GammaRegressor(alpha=before, beta=before / RATE) for _ in range(self.arms)]
        arms = [Arm(i, learner=learner) for i, learner in enumerate(learners)]
        self.agent = Agent(arms, ThompsonSampling(), random_seed=self.seed)

    def shares(self) -> np.ndarray:
        """Return the share of each arm in the next batch: (arm,)."""
        one = np.ones((1, 1))
        drawn = [arm.sample(one, size=DRAWS)[:, 0] for arm in self.agent.arms]
        return formulas.best_probability(np.column_stack(drawn))

    def learn(self, arm: np.ndarray, click: np.ndarray) -> None:
        """Take in shows."""
        clicks = np.bincount(arm, click, self.arms)
        for i, shows in enumerate(np.bincount(arm, minlength=self.arms)):
            if shows:
                # One row with all clicks, and one that weighs as the other shows.
                self.agent.select_for_update(i).update(
                    np.array([clicks[i], 0.0]), sample_weight=np.array([1.0, shows - 1.0])
                )


@dataclass
class Equal:
    """The same for every arm."""

    arms: int

    def shares(self) -> np.ndarray:
        """Return the share of each arm in the next batch: (arm,)."""
        return np.full(self.arms, 1 / self.arms)

    def learn(self, arm: np.ndarray, click: np.ndarray) -> None:
        """Take in shows."""


Maker = Callable[[int, int], Learner]
POLICIES: Mapping[str, Maker] = {
    "thompson": lambda arms, seed: Ours(arms, seed, "thompson"),
    "ucb": lambda arms, seed: Ours(arms, seed, "ucb"),
    "top_two": lambda arms, seed: Ours(arms, seed, "top_two"),
    "mabwiser": lambda arms, seed: Wiser(arms, seed, told=False),
    "mabwiser, told the prior": lambda arms, seed: Wiser(arms, seed, told=True),
    "bayesianbandits": Bayesian,
    "equal": lambda arms, _: Equal(arms),
}


@dataclass
class Told:
    """What one replay of one policy came to; ``truth`` where rates are known."""

    weighted: float = 0.0
    weight: float = 0.0
    shows: int = 0
    clicks: int = 0
    truth: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Self-normalised importance-weighted click rate."""
        return self.weighted / self.weight


def replay(
    log: Log, make: Maker, rows: np.ndarray, batch: np.ndarray, seed: int,
    *, given: bool, rates: np.ndarray | None = None,
) -> Told:  # fmt: skip
    """Replay one policy: ``rows`` of the log, each in its ``batch``."""
    learner, told = make(log.arms, seed % 2**32), Told()
    luck = np.random.default_rng(seed).random(rows.size)
    waiting: list[tuple[np.ndarray, np.ndarray]] = []
    for number in range(BATCHES):
        if len(waiting) > LATE:
            learner.learn(*waiting.pop(0))
        here = batch == number
        own = rows[here]
        share = learner.shares()
        weight = share[log.arm[own]] / log.chance[own]
        told.weighted += float(weight @ log.click[own])
        told.weight += float(weight.sum())
        # The same factor for every policy, so that each is given as many shows.
        taken = own[luck[here] < weight * log.chance.min()] if given else own
        told.shows += taken.size
        told.clicks += int(log.click[taken].sum())
        waiting.append((log.arm[taken], log.click[taken]))
        if rates is not None:
            told.truth.append(float(share @ rates))
    return told


def cut(size: int, rng: np.random.Generator | None) -> np.ndarray:
    """Return the batch of each show of a log; without chance, in the log's own order."""
    batch = np.arange(size) * BATCHES // size
    return batch if rng is None else rng.permutation(batch)


def replays(
    log: Log, policies: Mapping[str, Maker], *, given: bool, bootstraps: int
) -> tuple[dict[str, list[Told]], dict[str, list[Told]], dict[str, Told]]:
    """Return replays in other orders, of bootstraps, and in the log's own order."""
    rng, size = np.random.default_rng(SEED), log.arm.size
    everyone = np.arange(size)
    orders: dict[str, list[Told]] = {name: [] for name in policies}
    samples: dict[str, list[Told]] = {name: [] for name in policies}
    for i in range(ORDERS + bootstraps):
        kept, batch, seed = orders if i < ORDERS else samples, cut(size, rng), rng.integers(2**63)
        rows = everyone if i < ORDERS else rng.integers(size, size=size)
        for name, make in policies.items():
            kept[name].append(replay(log, make, rows, batch[rows], int(seed), given=given))
    plain = {
        name: replay(log, make, everyone, cut(size, None), SEED, given=given)
        for name, make in policies.items()
    }
    return orders, samples, plain


def ends(values: Sequence[float]) -> list[float]:
    """Return the ends of an equal-tailed 95 % interval."""
    tail = (1 - INTERVAL) / 2
    return [round(float(v), 6) for v in np.quantile(values, [tail, 1 - tail])]


def compared(log: Log, *, given: bool) -> list[dict[str, Any]]:
    """Return each policy's click rate, and what it is ahead of ours."""
    orders, samples, plain = replays(log, POLICIES, given=given, bootstraps=BOOTSTRAPS)
    ours, ours_sampled = ([t.rate for t in kept[OURS]] for kept in (orders, samples))
    found = []
    for name in POLICIES:
        rates, sampled = ([t.rate for t in kept[name]] for kept in (orders, samples))
        ahead = np.subtract(sampled, ours_sampled)
        error = float(ahead.std(ddof=1))
        shows, clicks = (sum(getattr(t, of) for t in orders[name]) for of in ("shows", "clicks"))
        found.append(
            {
                "policy": name,
                "rate": round(float(np.mean(rates)), 6),
                "rate_interval": ends(sampled),
                "ahead_of_thompson": round(float(np.mean(np.subtract(rates, ours))), 6),
                "ahead_interval": ends(ahead),
                "ahead_error": round(error, 6),
                "could_be_seen": round(POWER * error, 6),
                "between_orders": round(float(np.std(rates, ddof=1)), 6),
                "as_logged": round(plain[name].rate, 6),
                "shows_learned_from": round(shows / ORDERS, 1),
                "rate_of_those_shows": round(clicks / shows, 6),
            }
        )
    return found


def logs(folder: Path, campaign: str, policy: str = "random") -> dict[str, Log]:
    """Read one campaign: arms are its items, and five groups of them by their first feature."""
    frame = pd.read_parquet(folder / f"{campaign}.parquet")
    frame = frame[frame["policy"].astype(str) == policy].sort_values("timestamp", kind="stable")
    items = pd.read_csv(folder / f"{campaign}_items.csv").set_index("item_id").sort_index()
    arm, click = frame["item_id"].to_numpy(), frame["click"].to_numpy()
    place = items["item_feature_0"].rank(method="first").to_numpy() - 1
    group = (place * GROUPS // len(items)).astype(int)
    # Under a policy that is uniform over items, a group's chance is the share of its items.
    chance = np.bincount(group, minlength=GROUPS)[group] / len(items)
    return {
        "items": Log(arm, click, frame["propensity_score"].to_numpy(), len(items)),
        "groups": Log(group[arm], click, chance[arm], GROUPS),
    }


def uniform_from_other(folder: Path, campaign: str) -> dict[str, float]:
    """Return the uniform policy's click rate as weighted from the other log, and as counted."""
    other, own = (logs(folder, campaign, policy)["items"] for policy in ("bts", "random"))
    weight = 1 / (other.arms * other.chance)
    rate = float(weight @ other.click / weight.sum())
    error = np.sqrt((weight**2 * (other.click - rate) ** 2).sum()) / weight.sum()
    counted = float(own.click.mean())
    return {
        "weighted": round(rate, 6),
        "weighted_error": round(float(error), 6),
        "counted": round(counted, 6),
        "shop_own_policy_counted": round(float(other.click.mean()), 6),
        "counted_error": round(float(np.sqrt(counted * (1 - counted) / own.click.size)), 6),
    }


def planted(spread: float) -> dict[str, float]:
    """Replay logs whose rates are known: say how far off estimates are, and what intervals hold."""
    rng, off, inside, seen, gains = np.random.default_rng(SEED), [], [], [], []
    pair = {name: POLICIES[name] for name in (OURS, "equal")}
    size = 10_000
    for _ in range(PLANTED):
        rates = RATE * np.exp(rng.normal(-(spread**2) / 2, spread, GROUPS))
        arm = rng.integers(GROUPS, size=size)
        log = Log(arm, rng.binomial(1, rates[arm]), np.full(size, 1 / GROUPS), GROUPS)
        runs: dict[str, list[float]] = {"estimate": [], "truth": [], "sampled": []}
        for i in range(10 + BOOTSTRAPS // 2):
            batch, seed = cut(size, rng), int(rng.integers(2**63))
            rows = np.arange(size) if i < 10 else rng.integers(size, size=size)
            two = [
                replay(log, make, rows, batch[rows], seed, given=True, rates=rates)
                for make in pair.values()
            ]
            runs["sampled" if i >= 10 else "estimate"].append(two[0].rate - two[1].rate)
            if i < 10:
                runs["truth"].append(float(np.mean(two[0].truth) - np.mean(two[1].truth)))
        truth, low, high = float(np.mean(runs["truth"])), *ends(runs["sampled"])
        off.append(np.mean(runs["estimate"]) - truth)
        inside.append(low <= truth <= high)
        seen.append(low > 0 or high < 0)
        gains.append(truth)
    return {
        "spread": spread, "logs": PLANTED, "true_gain": round(float(np.mean(gains)), 6),
        "off_by": round(float(np.mean(off)), 6),
        "off_by_error": round(float(np.std(off, ddof=1) / np.sqrt(PLANTED)), 6),
        "intervals_that_hold_it": float(np.mean(inside)),
        "intervals_that_leave_zero_out": float(np.mean(seen)),
    }  # fmt: skip


def run(folder: Path) -> None:
    """Replay, check, keep."""
    files = [folder / f"{c}{end}" for c in CAMPAIGNS for end in (".parquet", "_items.csv")]
    kept: dict[str, Any] = {
        "command": "python benchmarks/replay.py run DATA",
        "data": "Open Bandit Dataset, small version (obp 0.4.1), random policy; arXiv:2008.07146",
        "data_hash": hashlib.sha256(b"".join(f.read_bytes() for f in files)).hexdigest()[:16],
        "seed": SEED,
        "versions": {
            name: version(name) for name in ("mabwiser", "bayesianbandits", "numpy", "scipy")
        }
        | {"coterie": co.__version__, "python": sys.version.split()[0]},
        "design": {
            "batches": BATCHES, "late": LATE, "orders": ORDERS, "bootstraps": BOOTSTRAPS,
            "prior_rate": RATE, "prior_spread": SPREAD,
        },
        "uniform_from_other_log": {c: uniform_from_other(folder, c) for c in CAMPAIGNS},
        "planted": [planted(spread) for spread in (0.0, 0.5, 1.0)],
        "replays": [],
    }  # fmt: skip
    for campaign in CAMPAIGNS:
        for arms, log in logs(folder, campaign).items():
            for given in (True, False):
                said = {
                    "campaign": campaign, "arms": arms, "learns_from": "given" if given else "log",
                    "shows": int(log.arm.size), "clicks": int(log.click.sum()),
                }  # fmt: skip
                print(said, flush=True)
                kept["replays"].append(said | {"table": compared(log, given=given)})
                KEPT.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    report()


def report() -> None:
    """Print what is kept."""
    kept = json.loads(KEPT.read_text(encoding="utf-8"))
    print(kept["versions"], "uniform from the other log:", kept["uniform_from_other_log"])
    for found in kept["planted"]:
        print("planted", found)
    for found in kept["replays"]:
        print(", ".join(f"{k} {v}" for k, v in found.items() if k != "table"), "(per mille)")
        for row in found["table"]:
            low, high = (1000 * v for v in row["rate_interval"])
            less, more = (1000 * v for v in row["ahead_interval"])
            print(
                f"  {row['policy']:<26}{1000 * row['rate']:5.2f} ({low:.2f} to {high:.2f})  ahead "
                f"{1000 * row['ahead_of_thompson']:+.2f} ({less:+.2f} to {more:+.2f}), could see "
                f"{1000 * row['could_be_seen']:.2f}; learned from {row['shows_learned_from']:,.0f} "
                f"shows, their rate {1000 * row['rate_of_those_shows']:.2f}"
            )


if __name__ == "__main__":
    warnings.simplefilter("error")
    match sys.argv[1:]:
        case ["run", folder]:
            run(Path(folder))
        case ["report"]:
            report()
        case _:
            sys.exit(__doc__)
