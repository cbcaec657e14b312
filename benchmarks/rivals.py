"""Our policies against the bandit libraries a user would pick instead, in the same markets.

MABWiser's and bayesianbandits' Thompson sampling play the worlds of ``proofs/policies.py``: they
see the same weekly answers at the same delay, and are given the same prior. Needs their packages,
in an environment of its own: ``requirements/dev.txt``, then ``requirements/benchmarks.txt``.

    python benchmarks/rivals.py run      # 200 worlds, and 25 of each other market: half an hour
    python benchmarks/rivals.py report

How a rival is used, each time with 400 draws a week, as ours:

- *plain*: all money is a trial, and what has not answered yet has failed;
- *waiting*: only weeks whose answers have had four weeks count;
- *told*: trials are what the money can have reached by now, with delay and saturation as they are;
- *tuned*: as told, a week counting for less than its answers and old weeks for less still, by what
  did best in 20 other worlds;
- *normal*: bayesianbandits' other learner, of each week's answers a unit, which learns their
  scatter; forgetting is tuned in the same worlds;
- *in sleeves*: as tuned, its pulls held to our sleeves;
- *our sharing*: as tuned, its draws shared out as ours are where reach saturates, no sleeves.

Ours are told delay, saturation, drift and scatter as they are; *unaware*, they know of none.
"""

import hashlib
import json
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from bayesianbandits import (
    Agent,
    Arm,
    GammaRegressor,
    NormalInverseGammaRegressor,
    StabilizedForgetting,
    ThompsonSampling,
)
from mabwiser.mab import MAB, LearningPolicy

import coterie as co
from coterie.findings import formulas, markets, policies, sharing
from coterie.findings.markets import WEEK, Market, Seen, World, believed
from coterie.findings.policies import Policy, in_sleeves, play

KEPT = Path(__file__).parent / "results" / "rivals.json"
SEED = 20261126
"""That of proofs/policies.py, so that the worlds are its worlds."""
WORLDS, ELSEWHERE, TUNED, TIMED = 200, 25, 20, 3
DRAWS, RESAMPLES, INTERVAL = 400, 4000, 0.95
PULLS = 5
"""Binary trials that a unit of money is told to MABWiser as: it may bring more than one answer."""
LIGHT = 1e-3
"""Weight of a row of answers that is next to no exposure."""
WINDOW = 4
"""Weeks that answers are waited for: five in six of them have come by then."""
WORTHS = (1.0, 0.3, 0.1, 0.03)
"""What an answer may count for, since a campaign's own scatter is more than chance's."""
KEEPS = (1.0, 0.95, 0.9)
WEEKS = (26, 12, 6)
MARKETS = {
    "as stated": {},
    "no saturation": {"saturation": 1.0},
    "strong saturation": {"saturation": 0.7},
    "strong drift": {"drift": 0.15},
    "well known before": {"spread": 0.25},
}
OURS = "thompson"
Maker = Callable[[int], Policy]
"""Makes a policy for one world, with chance of its own."""


def counted(seen: Seen, way: str) -> tuple[np.ndarray, np.ndarray]:
    """Return trials, in money, and answers of each week as a way of use counts them."""
    m, age = seen.market, seen.week - np.arange(seen.week)
    if way == "told":
        come = formulas.arrived(WEEK * (age - 0.5), mean_delay=m.delay)[:, None]
        return m.budget * (seen.spend / m.budget) ** m.saturation * come, seen.answers
    if way == "waiting":
        old = (age >= WINDOW)[:, None]
        return seen.spend * old, seen.answers * old
    return seen.spend, seen.answers


@dataclass
class Wiser:
    """MABWiser: fitted anew each week to binary trials, as its Thompson sampling wants them."""

    seed: int
    way: str = "plain"
    worth: float = 1.0
    weeks: int = 26
    bandit: Any = None

    def draws(self, seen: Seen) -> np.ndarray:
        """Draw answers a unit of money: (draw, cluster)."""
        size = seen.prior.size
        if self.bandit is None:
            self.bandit = MAB(list(range(size)), LearningPolicy.ThompsonSampling(), seed=self.seed)
        trials, answers = (part[-self.weeks :].sum(axis=0) for part in counted(seen, self.way))
        # It starts from Beta(1, 1) and takes no prior: a history of made-up trials makes it one.
        before = 1 / seen.market.spread**2
        successes = np.rint(self.worth * answers + before - 1).astype(int)
        tries = np.rint(PULLS * (self.worth * trials + before / seen.prior) - 2).astype(int)
        tries = np.maximum(tries, successes)
        arms = np.repeat(np.arange(size), tries)
        won = np.arange(tries.sum()) - np.repeat(tries.cumsum() - tries, tries)
        self.bandit.fit(arms, (won < np.repeat(successes, tries)).astype(int))
        told = self.bandit.predict_expectations(np.zeros((DRAWS, 1)))
        return PULLS * np.array([[draw[arm] for arm in range(size)] for draw in told])


@dataclass
class Bayesian:
    """bayesianbandits: Gamma-Poisson arms, updated with what came since the last week."""

    seed: int
    way: str = "plain"
    worth: float = 1.0
    keep: float = 1.0
    agent: Any = None
    before: tuple[Any, Any] = field(default=(0.0, 0.0))

    def draws(self, seen: Seen) -> np.ndarray:
        """Draw answers a unit of money: (draw, cluster)."""
        if self.agent is None:
            before = 1 / seen.market.spread**2
            arms = [
                Arm(i, learner=GammaRegressor(alpha=before, beta=before / prior))
                for i, prior in enumerate(seen.prior)
            ]
            self.agent = Agent(arms, ThompsonSampling(), random_seed=self.seed)
        if self.keep < 1:
            self.agent.decay(StabilizedForgetting(self.keep))
        trials, answers = (part.sum(axis=0) for part in counted(seen, self.way))
        new = answers - self.before[1], trials - self.before[0]
        for arm, (count, exposure) in enumerate(zip(*new, strict=True)):
            # Late answers come where nothing was spent too, and a row of them must not count as
            # exposure; the weight of an empty row makes that up.
            if count or exposure:
                self.agent.select_for_update(arm).update(
                    np.array([np.rint(count / LIGHT), 0.0]),
                    sample_weight=self.worth * np.array([LIGHT, max(exposure - LIGHT, 0.0)]),
                )
        self.before = trials, answers
        return sampled(self.agent)


@dataclass
class Normal:
    """bayesianbandits: arms of normal answers a unit of money, whose scatter is learned.

    Made anew each week, since a week's answers are still coming; a week counts by how much of it
    has come, and for less where it was too small to tell more than chance.
    """

    seed: int
    keep: float = 1.0
    rng: Any = None

    def draws(self, seen: Seen) -> np.ndarray:
        """Draw answers a unit of money: (draw, cluster)."""
        self.rng = self.rng or np.random.default_rng(self.seed)
        m, age = seen.market, seen.week - np.arange(seen.week)
        trials, answers = counted(seen, "told")
        come = formulas.arrived(WEEK * (age - 0.5), mean_delay=m.delay)[:, None]
        weight = come * self.keep ** age[:, None] * trials / (trials + m.scatter / seen.prior)
        arms = [
            Arm(
                i,
                learner=NormalInverseGammaRegressor(
                    mu=prior, lam=1 / (m.scatter * m.spread**2), a=2.0, b=prior**2 / m.scatter
                ),
            )
            for i, prior in enumerate(seen.prior)
        ]
        agent = Agent(arms, ThompsonSampling(), random_seed=int(self.rng.integers(2**32)))
        for arm in range(seen.prior.size):
            some = trials[:, arm] > 0
            if some.any():
                agent.select_for_update(arm).update(
                    answers[some, arm] / trials[some, arm], sample_weight=weight[some, arm]
                )
        return sampled(agent)


Rival = Wiser | Bayesian | Normal


def sampled(agent: Any) -> np.ndarray:
    """Draw each arm 400 times, of which a pull takes the largest: (draw, arm)."""
    one = np.ones((1, 1))
    return np.column_stack([arm.sample(one, size=DRAWS)[:, 0] for arm in agent.arms])


def pulled(rival: Rival) -> Policy:
    """Return a policy that shares money as the rival's pulls fall."""
    return lambda seen: formulas.best_probability(rival.draws(seen))


def held(rival: Rival) -> Policy:
    """Return a policy that shares our sleeves as the rival's pulls fall within them."""
    inside = in_sleeves("thompson")

    def policy(seen: Seen) -> Any:
        market = replace(seen.market, saturation=1.0)
        return inside(replace(seen, draws=rival.draws(seen), market=market))

    return policy


def shared(rival: Rival) -> Policy:
    """Return a policy that shares money out by a rival's draws as ours does, without sleeves."""
    ours = free("thompson")
    return lambda seen: ours(replace(seen, draws=rival.draws(seen)))


def free(method: Any) -> Policy:
    """Return our policy without sleeves."""
    return lambda seen: sharing.wanted(seen.draws, method, saturation=seen.market.saturation)


def unaware(policy: Policy, seed: int) -> Policy:
    """Return our policy in a team that knows of no delay, saturation, drift or scatter."""
    rng = np.random.default_rng(seed)

    def blind(seen: Seen) -> Any:
        market = replace(seen.market, delay=1e-3, saturation=1.0, drift=0.0, scatter=1e9)
        other = replace(seen, market=market)
        return policy(replace(other, draws=believed(other, rng)))

    return blind


def ours() -> dict[str, Maker]:
    """Return our policies, and the two that learn nothing."""
    found: dict[str, Maker] = {}
    for name, policy in policies.POLICIES.items():
        found[name] = lambda _, policy=policy: policy
    for method in sharing.METHODS:
        found[f"{method}, no sleeves"] = lambda _, method=method: free(method)
    found["thompson, unaware"] = lambda seed: unaware(in_sleeves("thompson"), seed)
    found["thompson, unaware, no sleeves"] = lambda seed: unaware(free("thompson"), seed)
    return found


def theirs(tuning: Mapping[str, Any]) -> dict[str, Maker]:
    """Return both rivals in every use."""
    found: dict[str, Maker] = {}
    last = {
        "mabwiser": (Wiser, tuning["mabwiser"]),
        "bayesianbandits": (Bayesian, tuning["bayesianbandits"]),
    }
    for name, (kind, how) in last.items():
        for way in ("plain", "waiting", "told"):
            found[f"{name}, {way}"] = lambda seed, kind=kind, way=way: pulled(kind(seed, way))
        found |= uses(name, "tuned", lambda seed, kind=kind, how=how: kind(seed, "told", *how))
    how = tuning["normal"]
    return found | uses("bayesianbandits", "normal", lambda seed: Normal(seed, *how))


def uses(name: str, way: str, make: Callable[[int], Rival]) -> dict[str, Maker]:
    """Return a rival by its own pulls, by pulls in our sleeves, and by our sharing of its draws."""
    return {
        f"{name}, {way}": lambda seed: pulled(make(seed)),
        f"{name}, {way}, in sleeves": lambda seed: held(make(seed)),
        f"{name}, {way}, our sharing": lambda seed: shared(make(seed)),
    }


def drawn(market: Market, worlds: int, seed: int) -> Iterator[tuple[World, int]]:
    """Yield the worlds and seeds of ``simulate_policy``, in its order."""
    rng = np.random.default_rng(seed)
    for _ in range(worlds):
        yield World.draw(market, rng), int(rng.integers(2**63))


def fingerprint(market: Market, worlds: int, seed: int) -> str:
    """Return a hash of true and believed values of all worlds."""
    told = hashlib.sha256()
    for world, _ in drawn(market, worlds, seed):
        told.update(world.value.tobytes() + world.prior.tobytes())
    return told.hexdigest()[:16]


def shares(
    makers: Mapping[str, Maker], market: Market, worlds: int, seed: int
) -> dict[str, np.ndarray]:
    """Play all policies in all worlds: yield over the most there was, (world,)."""
    found: dict[str, list[float]] = {name: [] for name in makers}
    for i, (world, luck) in enumerate(drawn(market, worlds, seed)):
        most = sum(world.best(week) for week in range(market.weeks))
        for name, make in makers.items():
            policy = make(luck % 2**32)
            found[name].append(play(world, policy, np.random.default_rng(luck), name) / most)
        if (i + 1) % 25 == 0:
            print(f"  {i + 1} of {worlds} worlds", flush=True)
    return {name: np.array(values) for name, values in found.items()}


def timed(policy: Policy, spent: list[float], believing: np.random.Generator | None) -> Policy:
    """Return a policy that notes its seconds, with those of a belief made before it was called."""

    def watched(seen: Seen) -> Any:
        start = time.perf_counter()
        if believing is not None:
            believed(seen, believing)
        found = policy(seen)
        spent.append(time.perf_counter() - start)
        return found

    return watched


def seconds(makers: Mapping[str, Maker]) -> dict[str, float]:
    """Return the mean seconds of a decision; ours with the belief that it stands on."""
    found, own = {}, {name for name in ours() if "unaware" not in name} - set(policies.FIXED)
    for name, make in makers.items():
        spent: list[float] = []
        for world, luck in drawn(Market(), TIMED, SEED):
            believing = np.random.default_rng(luck + 1) if name in own else None
            policy = timed(make(luck % 2**32), spent, believing)
            play(world, policy, np.random.default_rng(luck), name)
        found[name] = float(np.mean(spent))
    return found


def interval(values: np.ndarray) -> list[float]:
    """Return mean and ends of a 95 % bootstrap interval over worlds."""
    rng = np.random.default_rng(SEED)
    means = values[rng.integers(values.size, size=(RESAMPLES, values.size))].mean(axis=1)
    tail = (1 - INTERVAL) / 2
    return [round(float(v), 5) for v in (values.mean(), *np.quantile(means, [tail, 1 - tail]))]


def table(found: Mapping[str, np.ndarray]) -> list[dict[str, Any]]:
    """Return each policy's share of the most, and what it is ahead of ours, in shares of it."""
    return [
        {
            "policy": name,
            "brought": interval(own),
            "ahead_of_thompson": interval(own - found[OURS]),
            "ahead_of_thompson_no_sleeves": interval(own - found[f"{OURS}, no sleeves"]),
            "ahead_of_thompson_unaware_no_sleeves": interval(
                own - found[f"{OURS}, unaware, no sleeves"]
            ),
            "better_in_worlds": round(float((own > found[OURS]).mean()), 3),
        }
        for name, own in found.items()
    ]


def tuned() -> dict[str, Any]:
    """Choose how rivals count and forget, in worlds of their own."""
    tried = {
        "mabwiser": list(product(WORTHS, WEEKS)),
        "bayesianbandits": list(product(WORTHS, KEEPS)),
        "normal": [(keep,) for keep in KEEPS],
    }
    makers: dict[str, Maker] = {}
    for how in tried["mabwiser"]:
        makers[f"mabwiser {how}"] = lambda s, how=how: pulled(Wiser(s, "told", *how))
    for how in tried["bayesianbandits"]:
        makers[f"bayesianbandits {how}"] = lambda s, how=how: pulled(Bayesian(s, "told", *how))
    for how in tried["normal"]:
        makers[f"normal {how}"] = lambda s, how=how: pulled(Normal(s, *how))
    found = {k: float(v.mean()) for k, v in shares(makers, Market(), TUNED, SEED + 1).items()}
    best = {
        name: max(hows, key=lambda how, name=name: found[f"{name} {how}"])
        for name, hows in tried.items()
    }
    return {"worlds": TUNED, "seed": SEED + 1, "brought": found} | best


def code() -> str:
    """Return a fingerprint of the code that is played."""
    files = [Path(module.__file__) for module in (markets, policies, sharing)] + [Path(__file__)]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]


def run(worlds: int, elsewhere: int) -> None:
    """Tune, play, keep."""
    kept: dict[str, Any] = {
        "command": "python benchmarks/rivals.py run",
        "seed": SEED,
        "code": code(),
        "versions": {
            name: version(name) for name in ("mabwiser", "bayesianbandits", "numpy", "scipy")
        }
        | {"coterie": co.__version__, "python": sys.version.split()[0]},
        "interval": "95 % bootstrap over worlds: mean, lower, upper",
        "tuning": tuned(),
        "markets": {},
    }
    makers = ours() | theirs(kept["tuning"])
    kept["seconds_a_decision"] = {k: round(v, 6) for k, v in seconds(makers).items()}
    for name, said in MARKETS.items():
        market, size = Market(**said), elsewhere if said else worlds
        print(name, flush=True)
        kept["markets"][name] = {
            "worlds": size,
            "hash": fingerprint(market, size, SEED),
            "table": table(shares(makers, market, size, SEED)),
        }
        KEPT.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    report()


def report() -> None:
    """Print what is kept."""
    kept = json.loads(KEPT.read_text(encoding="utf-8"))
    same = "as now" if kept["code"] == code() else "other than now"
    print(f"seed {kept['seed']}, code {kept['code']}: {same}; {kept['versions']}")
    print("tuning", {k: round(v, 4) for k, v in kept["tuning"]["brought"].items()})
    for name, found in kept["markets"].items():
        print(f"{name}, {found['worlds']} worlds {found['hash']}: share of the most; ahead of ours")
        for row in sorted(found["table"], key=lambda r: -r["brought"][0]):
            ahead = [
                "{:+6.1f} ({:+.1f} to {:+.1f})".format(*(100 * v for v in row[key]))
                for key in row
                if key.startswith("ahead_of")
            ]
            print(
                f"  {row['policy']:<42}{row['brought'][0]:6.1%}  {'  '.join(ahead)}  "
                f"{1000 * kept['seconds_a_decision'][row['policy']]:.1f} ms"
            )


if __name__ == "__main__":
    warnings.simplefilter("error")
    match sys.argv[1:]:
        case ["run"]:
            run(WORLDS, ELSEWHERE)
        case ["report"]:
            report()
        case _:
            sys.exit(__doc__)
