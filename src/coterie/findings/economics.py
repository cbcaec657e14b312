"""Economics: durable yield, what a unit of money buys of acts that last (the article's EDY).

What people of a cluster do is valued, and divided by what reaching them costs, at every draw.
Callers may trust that the headline is a ratio of totals and never a mean of ratios, and that
where nothing was paid there is no price and no yield.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from coterie import names
from coterie.errors import FindingError
from coterie.findings.costs import BORROWED, UNPRICED, Costs, costs_of
from coterie.findings.finding import UNIT, Finding
from coterie.findings.formulas import best_probability
from coterie.findings.origin import origin_of
from coterie.findings.quantities import number
from coterie.findings.responses import Responses, interval
from coterie.findings.trials import Ground, exposures_of
from coterie.findings.words import of_share

if TYPE_CHECKING:
    from coterie.beliefs import Beliefs
    from coterie.typing import Floats, Integers


@dataclass(frozen=True, slots=True)
class Yields:
    """Value a unit of money of each cluster, at every draw.

    Attributes
    ----------
    clusters
        Labels, in order.
    level
        In the long run, total value over total spend: (draw, cluster); NaN where unpriced.
    next
        Of the next campaign alone: (draw, cluster).
    value
        Of a listener in the long run: (draw, cluster).
    cost
        Of a listener in the long run, spend over listeners: (draw, cluster); NaN where unpriced.
    marginal
        Share of the average that the next unit of money buys: (draw,); NaN where unknown.
    price
        Of each cluster: ``priced``, ``borrowed`` or ``unpriced``.
    spend
        Money of a usual campaign in each cluster, at which its cost was seen: (cluster,).
    left_out
        Outcomes with a value that these beliefs do not know.
    campaign
        Law of one campaign's log cost, as in :class:`Costs`.
    """

    clusters: tuple[Hashable, ...]
    level: Floats
    next: Floats
    value: Floats
    cost: Floats
    marginal: Floats
    price: tuple[str, ...]
    spend: Floats
    left_out: tuple[str, ...]
    campaign: tuple[Floats, Floats] | None = None

    def part(self, draws: Any) -> Yields:
        """Return the same at some draws."""
        by_draw = ("level", "next", "value", "cost", "marginal")
        law = None if self.campaign is None else (self.campaign[0][draws], self.campaign[1][draws])
        return replace(self, campaign=law, **{n: getattr(self, n)[draws] for n in by_draw})

    @property
    def saturation(self) -> float:
        """Power of spend that reach goes with; 1 where it is not known."""
        known = np.isfinite(self.marginal)
        return float(self.marginal[known].mean()) if known.any() else 1.0

    @property
    def priced(self) -> Integers:
        """Places of the clusters that have a price."""
        return np.flatnonzero(np.isfinite(self.level).all(axis=0))


def durable_yield(
    beliefs: Beliefs,
    artist: Hashable,
    *,
    values: Mapping[str, float],
    break_even: float = 1.0,
    per: str = "listeners",
    prob: float | None = None,
    rng: np.random.Generator,
) -> Finding:
    """Say what a unit of money buys in each cluster: expected durable yield (EDY).

    Parameters
    ----------
    beliefs
        Fitted.
    artist
        Whose clusters.
    values
        What one event of each outcome is worth, in money or in points: ``{"save": 1, "add": 1.5,
        "follow": 4, "depth": 0.1}``. By objective: weigh follows for a release, depth for fandom.
    break_even
        Yield from which a cluster pays; 1 where values are in the currency of the spend.
    per
        Column of qualified listeners: what a price is a price of.
    prob
        Probability of the equal-tailed interval. Left out, ArviZ's ``stats.ci_prob``.
    rng
        Source of chance.

    Returns
    -------
    Finding
        Kind ``"durable_yield"``. Over (cluster): ``yield`` with ``yield_lower`` and
        ``yield_upper``: total value over total spend in the long run, membership included;
        ``next_lower`` and ``next_upper`` of the next campaign alone, whose own scatter is the
        risk; ``pays``, the probability that the yield is above ``break_even``; ``best``, the
        probability of the highest yield; ``value`` of a listener and ``cost`` of one, with their
        ends; ``marginal``, what the next unit of money buys where reach saturates (NaN where spend
        never varied); ``price``: ``priced``; ``borrowed`` where this artist paid nothing and the
        fit knows what others paid; ``unpriced`` where nobody's cost is known: all money is NaN
        there, and is not infinite.

    Raises
    ------
    FindingError
        If no valued outcome is known, or nobody paid for anything.
    BeliefError
        If the artist is unknown.

    Examples
    --------
    >>> worth = {"save": 1, "add": 1.5, "follow": 4, "depth": 0.1}
    >>> found = co.durable_yield(co.example_beliefs(), "Oslo Choir", values=worth, rng=rng)
    >>> found.table["yield"].idxmax("cluster").item()
    'gym'
    """
    number(break_even, "break_even")
    drawn = Responses.of(beliefs, artist, rng=rng)
    made = yields_of(beliefs, artist, drawn, values=values, per=per, rng=rng)
    table = _table(made, break_even, prob)
    return Finding(
        kind="durable_yield", headline=_headline(table, artist, break_even), table=table,
        caveats=_caveats(made, table, values),
        provenance=origin_of(beliefs, artist=str(artist), values=dict(values)),
    )  # fmt: skip


def yields_of(
    beliefs: Beliefs, artist: Hashable, drawn: Responses, *,
    values: Mapping[str, float], per: str, rng: np.random.Generator,
) -> Yields:  # fmt: skip
    """Value what listeners do, and divide it by what reaching them costs, draw by draw."""
    worth, gone = worth_of(values, drawn)
    amounts = worth * exposures_of(beliefs, drawn, per)
    cost: Costs = costs_of(beliefs, artist, drawn, per=per, rng=rng)
    # Each cluster has exposures of its own: its own column of the product.
    level, following = (
        np.einsum("dkm,km->dk", side, amounts) for side in (drawn.levels, drawn.rates)
    )
    return Yields(
        drawn.clusters, level / cost.level, following / cost.next, level, cost.level,
        cost.marginal, cost.price, cost.spend, tuple(gone), cost.campaign,
    )  # fmt: skip


def ground_of(
    beliefs: Beliefs, drawn: Responses, made: Yields, values: Mapping[str, float], per: str
) -> Ground:
    """Return what a test of these clusters is simulated on."""
    worth, exposures = worth_of(values, drawn)[0], exposures_of(beliefs, drawn, per)
    return Ground(drawn, exposures, worth, per, made.cost.mean(axis=0), made.campaign)


def worth_of(values: Mapping[str, float], drawn: Responses) -> tuple[Floats, list[str]]:
    """Return what an event of each outcome is worth, and which valued outcomes are not known."""
    if not isinstance(values, Mapping):
        raise FindingError(
            f"values is {values!r}; say what one event of each outcome is worth: "
            "{'save': 1, 'follow': 4}."
        )
    for name, value in values.items():
        number(value, f"The worth of {name!r}")
    if not any(values.get(name, 0) > 0 for name in drawn.outcomes):
        raise FindingError(
            f"None of {', '.join(map(repr, values)) or 'no outcome'} is among the outcomes of "
            f"these beliefs: {', '.join(drawn.outcomes)}. Value one that is."
        )
    worth = np.array([float(values.get(name, 0.0)) for name in drawn.outcomes])
    return worth, [name for name in values if name not in drawn.outcomes]


def _table(made: Yields, break_even: float, prob: float | None) -> xr.Dataset:
    clusters = list(made.clusters)
    level, following = made.level, made.next
    mean, lower, upper, attrs = interval(level, prob)
    _, next_lower, next_upper, _ = interval(following, prob)
    value, cost = interval(made.value, prob), interval(made.cost, prob)
    priced = np.isfinite(mean)
    best = np.full(len(clusters), np.nan)
    if priced.any():
        best[priced] = best_probability(level[:, priced])
    marginal = (level * made.marginal[:, None]).mean(axis=0)
    pays = np.where(priced, (level > break_even).mean(axis=0), np.nan)
    unit = {UNIT: "value a unit of money"} | attrs
    each = {UNIT: "value a listener"} | attrs
    money = {UNIT: "money a listener"} | attrs
    dims = names.CLUSTER
    return xr.Dataset(
        {
            "yield": (dims, mean, unit | {"says": "durable value for a unit of money"}),
            "yield_lower": (dims, lower, unit),
            "yield_upper": (dims, upper, unit),
            "next_lower": (dims, next_lower, unit),
            "next_upper": (dims, next_upper, unit),
            "pays": (dims, pays, {UNIT: "probability", "break_even": break_even}),
            "best": (dims, best, {UNIT: "probability"}),
            "value": (dims, value[0], each),
            "value_lower": (dims, value[1], each),
            "value_upper": (dims, value[2], each),
            "cost": (dims, cost[0], money),
            "cost_lower": (dims, cost[1], money),
            "cost_upper": (dims, cost[2], money),
            "marginal": (dims, marginal, unit),
            "price": (dims, np.where(priced, made.price, UNPRICED), {UNIT: "words"}),
        },
        coords={dims: clusters}, attrs={"main": "yield", "draws": len(level)},
    )  # fmt: skip


def _headline(table: xr.Dataset, artist: Hashable, break_even: float) -> str:
    order = table["yield"].to_series().dropna().sort_values(ascending=False, kind="stable")
    if order.empty:
        return f"No cluster of {artist} has a price: nothing was paid for, so there is no yield."
    best, draws = table.sel({names.CLUSTER: order.index[0]}), table.attrs["draws"]
    return (
        f"{artist}: a unit of money buys most in {order.index[0]}, {order.iloc[0]:.2f} of durable "
        f"value ({float(best['yield_lower']):.2f} to {float(best['yield_upper']):.2f}); "
        f"{of_share(float(best['best']), draws)} equally likely outcomes put it first, "
        f"{of_share(float(best['pays']), draws)} above {break_even:g}."
    )


def _caveats(made: Yields, table: xr.Dataset, values: Mapping[str, float]) -> tuple[str, ...]:
    told = [
        "Yield is gross: what these people would have done unasked is in it. "
        f"Worth of one event: {', '.join(f'{k} {v:g}' for k, v in values.items())}."
    ]
    if made.left_out:
        told.append(f"Valued and not measured, so not in it: {', '.join(made.left_out)}.")
    unpriced = table[names.CLUSTER].values[(table["price"] == UNPRICED).to_numpy()].tolist()
    if unpriced:
        told.append(
            f"Nothing was paid in {', '.join(map(str, unpriced[:5]))}; {len(unpriced)} of "
            f"{table.sizes[names.CLUSTER]} clusters are like this: without a price, not free."
        )
    borrowed = table[names.CLUSTER].values[(table["price"] == BORROWED).to_numpy()].tolist()
    if borrowed:
        told.append(
            f"The cost of {', '.join(map(str, borrowed[:5]))} is what other artists paid; "
            f"{len(borrowed)} of {table.sizes[names.CLUSTER]} clusters are like this."
        )
    if np.isnan(made.marginal).any():
        told.append(
            "Spend hardly varied within clusters, so that what the next unit of money buys, where "
            "reach saturates, is not known."
        )
    return tuple(told)
