"""Costs: what reaching a qualified listener costs, as a posterior.

Where listeners a unit of money are an outcome of the fit, its draws are used, and clusters that
were never paid for borrow from the others as all rates do. Otherwise campaigns' costs are read
as log-normal about their cluster's, with one scatter for all. Callers may trust that organic
rows are in no price.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from coterie import names

if TYPE_CHECKING:
    from coterie.beliefs import Beliefs
    from coterie.findings.responses import Responses
    from coterie.typing import Floats

PRICED: Final = "priced"
BORROWED: Final = "borrowed"
UNPRICED: Final = "unpriced"
_USUAL_SCATTER: Final = 0.5
"""Standard deviation of log cost between campaigns of one cluster, before any was seen."""
_WORTH: Final = 4.0
"""Degrees of freedom that this guess is worth."""
_WIDE: Final = 2.0
"""Standard deviation of a cluster's own log cost about all clusters'."""
_FEWEST: Final = 8
_VARIES: Final = 0.25
_ELASTICITY: Final = (0.85, 0.2)
"""Mean and sd of the power of spend that reach goes with, before any was seen; cut to (0, 1]."""


@dataclass(frozen=True, slots=True)
class Costs:
    """Money a listener.

    Attributes
    ----------
    level
        Total spend over total listeners in the long run: (draw, cluster); NaN where unpriced.
    next
        Of the next campaign: (draw, cluster).
    marginal
        Power of spend that reach goes with, which is the share of the average that the next unit
        buys: (draw,); NaN where spend hardly varied.
    price
        Of each cluster: ``priced``, ``borrowed`` from other artists, or ``unpriced``.
    spend
        Money of a usual campaign in each cluster, at which costs were seen: (cluster,).
    campaign
        Mean (draw, cluster) and standard deviation (draw,) of one campaign's log cost; None where
        listeners a unit of money are an outcome of the fit, whose own law it is then.
    """

    level: Floats
    next: Floats
    marginal: Floats
    price: tuple[str, ...]
    spend: Floats
    campaign: tuple[Floats, Floats] | None = None


def costs_of(
    beliefs: Beliefs, artist: Hashable, drawn: Responses, *, per: str, rng: np.random.Generator
) -> Costs:
    """Return what a listener of each cluster costs, at every draw of responses."""
    size = len(drawn.rates)
    paid = paid_rows(beliefs, per)
    marginal = elasticity(paid, size, rng)
    usual = usual_spend(paid, artist, drawn.clusters)
    spend = beliefs.evidence.layout.spend
    at = [
        i for i, o in enumerate(drawn.measured)
        if o.numerator == per and o.denominator in (spend, names.SPEND)
    ]  # fmt: skip
    if at:
        tiny = np.finfo(np.float64).tiny
        level, following = (
            1 / np.maximum(side[:, :, at[0]], tiny) for side in (drawn.levels, drawn.rates)
        )
        bought = drawn.denominators[:, at[0]] > 0
        told = np.where(bought, PRICED, BORROWED)
        return Costs(level, following, marginal, tuple(told.tolist()), usual)
    level, following, campaign = log_normal(paid, artist, drawn.clusters, size, rng)
    told = np.where(np.isfinite(level).all(axis=0), PRICED, UNPRICED)
    return Costs(level, following, marginal, tuple(told.tolist()), usual, campaign)


def usual_spend(paid: pd.DataFrame, artist: Hashable, clusters: Sequence[Any]) -> Floats:
    """Return the mean spend of a paid row: of the artist in each cluster, else of everybody."""
    own = paid[paid[names.ARTIST] == artist].groupby(names.CLUSTER)["spend"].mean()
    everybody = float(paid["spend"].mean()) if len(paid) else float("nan")
    return np.array([float(own.get(cluster, everybody)) for cluster in clusters])


def paid_rows(beliefs: Beliefs, per: str) -> pd.DataFrame:
    """Return rows that were paid for and reached somebody: artist, cluster, spend, people."""
    frame = told_rows(beliefs, per)
    return frame[(frame["spend"] > 0) & (frame["people"] > 0)].reset_index(drop=True)


def told_rows(beliefs: Beliefs, per: str) -> pd.DataFrame:
    """Return every row: artist, cluster, release, window, spend, people; NaN where not told."""
    counts = beliefs.evidence.counts
    keys = {
        k: counts[k].to_numpy() if k in counts.coords else np.zeros(counts.sizes[names.ROW])
        for k in (names.ARTIST, names.CLUSTER, names.RELEASE, names.WINDOW)
    }
    people = np.full(counts.sizes[names.ROW], np.nan)
    spend = people.copy()
    if names.SPEND in counts.coords:
        spend = counts[names.SPEND].to_numpy().astype(float)
    for o in beliefs.evidence.outcomes:
        own = counts.sel({names.OUTCOME: o.name})
        for column, side in ((o.numerator, names.NUMERATOR), (o.denominator, names.DENOMINATOR)):
            values = own[side].to_numpy().astype(float)
            if column == per:
                people = np.where(np.isnan(people), values, people)
            elif column == (beliefs.evidence.layout.spend or names.SPEND):
                spend = np.where(np.isnan(spend), values, spend)
    return pd.DataFrame(keys | {"spend": spend, "people": people})


def log_normal(
    paid: pd.DataFrame, artist: Hashable, clusters: Sequence[Any], size: int,
    rng: np.random.Generator,
) -> tuple[Floats, Floats, tuple[Floats, Floats]]:  # fmt: skip
    """Draw long-run and next costs from campaigns' own, and the law of one: (draw, cluster) each.

    Conjugate: one scatter for all clusters (inverse chi-square), a normal law of each cluster's
    log cost about all of them. A cluster in which this artist never paid is unpriced.
    """
    level, following, centre = (np.full((size, len(clusters)), np.nan) for _ in range(3))
    own = paid[paid[names.ARTIST] == artist]
    if own.empty:
        return level, following, (centre, np.full(size, np.nan))
    cost = np.log((own["spend"] / own["people"]).to_numpy(dtype=float))
    where = own[names.CLUSTER].to_numpy()
    groups = {c: cost[where == c] for c in clusters if (where == c).any()}
    freedom = _WORTH + sum(len(seen) - 1 for seen in groups.values())
    total = _WORTH * _USUAL_SCATTER**2 + sum(
        float(((seen - seen.mean()) ** 2).sum()) for seen in groups.values()
    )
    scatter = np.sqrt(total / rng.chisquare(freedom, size))
    middle = float(np.mean([seen.mean() for seen in groups.values()]))
    for k, cluster in enumerate(clusters):
        if cluster not in groups:
            continue
        seen = groups[cluster]
        precision = len(seen) / scatter**2 + 1 / _WIDE**2
        mean = (seen.sum() / scatter**2 + middle / _WIDE**2) / precision
        at = centre[:, k] = mean + rng.standard_normal(size) / np.sqrt(precision)
        level[:, k] = np.exp(at + scatter**2 / 2)
        following[:, k] = np.exp(at + scatter * rng.standard_normal(size))
    return level, following, (centre, scatter)


def elasticity(paid: pd.DataFrame, size: int, rng: np.random.Generator) -> Floats:
    """Draw the power of spend that reach goes with, from campaigns of one artist and cluster.

    A regression of log listeners on log spend, each pair with a level of its own; NaN where fewer
    than eight campaigns beyond the first of each pair say it, or spend hardly varied.
    """
    if paid.empty:
        return np.full(size, np.nan)
    keys = [names.ARTIST, names.CLUSTER]
    x = np.log(paid["spend"])
    x = x - x.groupby([paid[k] for k in keys]).transform("mean")
    y = np.log(paid["people"])
    y = y - y.groupby([paid[k] for k in keys]).transform("mean")
    free = len(paid) - paid.groupby(keys).ngroups
    if free < _FEWEST or float(np.sqrt((x**2).sum() / free)) < _VARIES:
        return np.full(size, np.nan)
    slope = float((x * y).sum() / (x**2).sum())
    noise = float(((y - slope * x) ** 2).sum()) / max(free - 1, 1)
    centre, sd = _ELASTICITY
    precision = float((x**2).sum()) / max(noise, 1e-12) + 1 / sd**2
    mean = (slope * float((x**2).sum()) / max(noise, 1e-12) + centre / sd**2) / precision
    from scipy.stats import truncnorm

    spread = precision**-0.5
    low, high = (0.0 - mean) / spread, (1.0 - mean) / spread
    found: Floats = truncnorm.rvs(low, high, mean, spread, size=size, random_state=rng)
    return found
