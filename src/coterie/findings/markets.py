"""Markets: simulated weeks of spending in clusters that drift, answer late and saturate.

Worlds in which policies are compared. Callers may trust that a policy sees only what a team
would: its prior, its spend, and the answers that have come.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from coterie.errors import FindingError
from coterie.findings.formulas import arrived
from coterie.findings.sharing import best_shares
from coterie.typing import Floats

WEEK: Final = 7.0
_DRAWS: Final = 400
_FEWEST: Final = 2
"""Clusters and weeks without which there is nothing to choose, and nothing to learn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """How a simulated market behaves.

    Attributes
    ----------
    clusters, weeks, budget
        How many, for how long, and money a week.
    spread
        Standard deviation of clusters' log values about what the team believes of them.
    known
        Standard deviation of what the team believes, between clusters.
    drift
        Standard deviation of a week's step of a log value.
    delay
        Mean days until an answer.
    saturation
        Power of spend that answers go with, in (0, 1].
    scatter
        Shape of a campaign's own Gamma scatter; larger is less.
    per_money
        Answers that a unit of money buys where a cluster has all of the budget.

    Examples
    --------
    >>> co.Market(clusters=5, weeks=12).saturation
    0.85
    """

    clusters: int = 8
    weeks: int = 26
    budget: float = 1000.0
    spread: float = 0.5
    known: float = 0.25
    drift: float = 0.05
    delay: float = 14.0
    saturation: float = 0.85
    scatter: float = 10.0
    per_money: float = 0.3

    def __post_init__(self) -> None:
        small = [n for n in ("clusters", "weeks") if getattr(self, n) < _FEWEST]
        low = [n for n in ("budget", "scatter", "per_money", "delay") if not getattr(self, n) > 0]
        if small or low or not 0 < self.saturation <= 1:
            name = (small + low + ["saturation"])[0]
            raise FindingError(f"{name} of a market is {getattr(self, name)!r}, out of its range.")


@dataclass(slots=True)
class Seen:
    """What a policy may know.

    Attributes
    ----------
    week
        From 0.
    prior
        What a unit of money was believed to buy, with all of the budget in one cluster: (cluster,).
    spend, answers
        Each week's money, and its answers that have come: (week, cluster).
    draws
        Of what a unit of money buys in each cluster now, by a Gamma-Poisson belief that knows
        delay, drift and saturation: (draw, cluster).
    market
        How such markets behave; true values are not in it.
    """

    week: int
    prior: Floats
    spend: Floats
    answers: Floats
    draws: Floats
    market: Market


@dataclass(frozen=True, slots=True)
class World:
    """True values of one market, week by week.

    Attributes
    ----------
    value
        Answers a unit of money, with all of the budget in one cluster: (week, cluster).
    prior
        What was believed of it: (cluster,).
    """

    market: Market
    value: Floats
    prior: Floats

    @classmethod
    def draw(cls, market: Market, rng: np.random.Generator) -> World:
        """Draw what is believed, what is true about it, and how that drifts."""
        told = rng.normal(0, market.known, market.clusters)
        start = told + rng.normal(0, market.spread, market.clusters)
        steps = rng.normal(0, market.drift, (market.weeks, market.clusters))
        steps[0] = 0.0
        log_value = np.log(market.per_money) + start + steps.cumsum(axis=0)
        return cls(market, np.exp(log_value), market.per_money * np.exp(told))

    def expected(self, week: int, spend: Floats) -> Floats:
        """Return what spending brings in the end, on average: (cluster,)."""
        m = self.market
        found: Floats = self.value[week] * m.budget * (spend / m.budget) ** m.saturation
        return found

    def best(self, week: int) -> float:
        """Return the most that a week's budget could have brought."""
        share = best_shares(self.value[week], self.market.saturation)
        return float(self.expected(week, share * self.market.budget).sum())


def believed(seen: Seen, rng: np.random.Generator) -> Floats:
    """Draw what a unit of money buys: Gamma-Poisson, late and old answers weighed.

    A week's answers are read against the share that can have come by now; what is old counts as
    much as drift has left of it; a campaign counts no more than its own scatter allows.
    """
    m = seen.market
    precision = 1 / m.spread**2
    shape = np.full(m.clusters, precision)
    rate = precision / seen.prior
    age = seen.week - np.arange(seen.week)
    share = arrived(WEEK * (age - 0.5), mean_delay=m.delay)[:, None]
    reach = m.budget * (seen.spend / m.budget) ** m.saturation * share
    expected = reach * seen.prior
    # Scatter of a campaign, and steps since, keep a week from counting more than they allow.
    loose = 1 / m.scatter + m.drift**2 * age[:, None]
    weight = 1 / (1 + expected * loose)
    shape = shape + (weight * seen.answers).sum(axis=0)
    rate = rate + (weight * reach).sum(axis=0)
    drawn: Floats = rng.standard_gamma(shape, (_DRAWS, m.clusters)) / rate
    return drawn
