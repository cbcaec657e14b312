"""Trials: what a test that has not been run may show, and what would be believed after it.

Makes weights of the draws at hand, one row for each result a test may have. Callers may trust
that results scatter as the next campaign does and not only as its people do, that a draw's
outcomes belong together, and that a test is read when its late answers are in.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from scipy.special import logsumexp

from coterie import names
from coterie.errors import FindingError
from coterie.findings.costs import told_rows

if TYPE_CHECKING:
    from coterie.beliefs import Beliefs
    from coterie.findings.responses import Responses
    from coterie.typing import Floats, Integers

RESULTS: Final = 128
"""Results of a test that are looked at."""
_EVENLY: Final = 0.3
"""Share of results that are made from any draw, where the others lean to some."""
_TINY: Final = float(np.finfo(np.float64).tiny)


@dataclass(frozen=True, slots=True)
class Trial:
    """A test of one cluster.

    Attributes
    ----------
    cluster
        Its place among the clusters.
    people
        Listeners of one campaign, as planned.
    campaigns
        How many, each with a scatter of its own.
    """

    cluster: int
    people: float
    campaigns: int = 1


@dataclass(frozen=True, slots=True)
class Ground:
    """What a test is simulated on.

    Attributes
    ----------
    drawn
        The artist's next rates.
    exposures
        Denominators that come with a listener: (cluster, outcome).
    worth
        Of one event of each outcome: (outcome,).
    per
        Column of qualified listeners.
    price
        Money that a listener of each cluster is expected to cost: (cluster,); NaN if unpriced.
    cost
        Mean (draw, cluster) and standard deviation (draw,) of one campaign's log cost, where
        listeners a unit of money are no outcome of the fit.
    counts
        What each draw counts for before the test: (draw,); ``None`` where all count alike.
    """

    drawn: Responses
    exposures: Floats
    worth: Floats
    per: str
    price: Floats
    cost: tuple[Floats, Floats] | None = None
    counts: Floats | None = None

    def part(self, draws: Any, counts: Floats) -> Ground:
        """Return the same at some draws, each for all that it stands for."""
        law = None if self.cost is None else (self.cost[0][draws], self.cost[1][draws])
        return replace(self, drawn=self.drawn.part(draws), cost=law, counts=counts)


@dataclass(frozen=True, slots=True)
class Expected:
    """What a test may show.

    Attributes
    ----------
    weights
        What each draw would count for after each result: (result, draw), rows summing to 1.
    truth
        The draw that each result was made from: (result,).
    shown
        Value a listener that each result shows: (result,).
    """

    weights: Floats
    truth: Integers
    shown: Floats

    def after(self, values: Floats) -> Floats:
        """Return the mean of draws' values after each result: (result, ...)."""
        found: Floats = np.tensordot(self.weights, values, axes=1)
        return found


def exposures_of(beliefs: Beliefs, drawn: Responses, per: str) -> Floats:
    """Return how much of each outcome's denominator comes with a listener: (cluster, outcome).

    Depth is counted over new listeners, who are a share of all. Of the rows in which both are
    known: the artist's own in the cluster, else everybody's.
    """
    if all(o.denominator != per for o in drawn.measured):
        raise FindingError(
            f"No outcome is counted out of {per!r}; the denominators here are "
            f"{', '.join(dict.fromkeys(o.denominator for o in drawn.measured))}. Name the column "
            "of qualified listeners with per=."
        )
    rows = told_rows(beliefs, per)
    counts = beliefs.evidence.counts
    below = counts[names.DENOMINATOR].transpose(names.ROW, names.OUTCOME).to_numpy().astype(float)
    people = rows["people"].to_numpy()[:, None]
    known = ~np.isnan(below) & ~np.isnan(people)
    above, under = np.where(known, below, 0.0), np.where(known, people, 0.0)
    own = (rows[names.ARTIST] == drawn.artist).to_numpy()
    where = rows[names.CLUSTER].to_numpy()
    found = np.empty((len(drawn.clusters), len(drawn.measured)))
    everybody = above.sum(axis=0) / np.maximum(under.sum(axis=0), 1.0)
    for k, cluster in enumerate(drawn.clusters):
        at = own & (where == cluster)
        there = under[at].sum(axis=0)
        found[k] = np.divide(above[at].sum(axis=0), there, out=everybody.copy(), where=there > 0)
    return found


def unfold(
    trial: Trial, ground: Ground, *, truth: Integers, rng: np.random.Generator
) -> Iterator[Expected]:
    """Draw what a test may show campaign by campaign, and weigh the draws by all of it so far.

    Parameters
    ----------
    trial
        What is tested.
    ground
        What is believed and counted of the artist.
    truth
        Draws that results are made from, one each.
    rng
        Source of chance.
    """
    drawn, worth = ground.drawn, ground.worth
    level, kappa = drawn.levels[:, trial.cluster], drawn.kappas[:, trial.cluster]
    amounts = ground.exposures[trial.cluster]
    log_weight, shown = np.zeros((len(level), truth.size)), np.zeros(truth.size)
    if ground.counts is not None:
        log_weight += np.log(ground.counts)[:, None]
    reach, money = _reach(drawn, ground.per), trial.people * ground.price[trial.cluster]
    reached = np.zeros(truth.size)
    for _ in range(trial.campaigns):
        people = np.full(truth.size, np.round(max(trial.people, 1.0)))
        if reach is not None and money > 0:
            # What is planned is money; how many listeners it brings is an answer too.
            paid = np.full(truth.size, money)
            people = _events(drawn, reach, level[truth], kappa[truth], paid, rng)
            _add_told(log_weight, drawn, reach, level, kappa, (people, paid))
        elif ground.cost is not None:
            log_weight += _priced(ground.cost[0][:, trial.cluster], ground.cost[1], truth, rng)
        reached += people
        for o, outcome in enumerate(drawn.measured):
            if outcome.numerator == ground.per or amounts[o] <= 0 or outcome.informs == "organic":
                continue
            below = people * amounts[o]
            below = np.round(below) if outcome.kind == "binary" else below
            seen = _events(drawn, o, level[truth], kappa[truth], below, rng)
            _add_told(log_weight, drawn, o, level, kappa, (seen, below))
            shown += worth[o] * seen
        weights = _weights(log_weight, truth)
        yield Expected(weights, truth, shown / np.maximum(reached, 1.0))


def _weights(log_weight: Floats, truth: Integers) -> Floats:
    """Return what draws count for after each result, the draw it was made from left out.

    A draw is likelier under its own result than under any other's: with it, few draws of a skewed
    value would be found again too surely. Where no other draw is left, it stays.
    """
    alone = log_weight.copy()
    alone[truth, np.arange(truth.size)] = -np.inf
    none = ~np.isfinite(alone.max(axis=0))
    alone[:, none] = log_weight[:, none]
    found: Floats = np.exp(alone - logsumexp(alone, axis=0)).T
    return found


def spaced(value: Floats, size: int, rng: np.random.Generator) -> Integers:
    """Return draws that stand for all: evenly spaced in order of value, which is less noisy."""
    return leaning(value, np.ones(value.size), size, rng)


def leant(toward: Floats, counts: Floats | None = None) -> Floats:
    """Return how often draws are to be taken, against evenly: more of those that matter: (draw,).

    ``toward`` is how much a draw matters, at least 0; where none does, all are alike. ``counts``
    is what each stands for.
    """
    mean = float(np.average(toward, weights=counts))
    return np.ones(toward.size) if mean <= 0 else _EVENLY + (1 - _EVENLY) * toward / mean


def leaning(value: Floats, lean: Floats, size: int, rng: np.random.Generator) -> Integers:
    """Return draws taken as often as they are leant to, spaced in order of a value."""
    order = np.argsort(value, kind="stable")
    edges = np.cumsum(lean[order]) / lean.sum()
    at = np.searchsorted(edges, (np.arange(size) + rng.random(size)) / size)
    found: Integers = order[np.minimum(at, order.size - 1)]
    return found


def _reach(drawn: Responses, per: str) -> int | None:
    """Return the place of the outcome that counts listeners for money."""
    found = (
        i for i, o in enumerate(drawn.measured) if o.numerator == per and o.informs is False
    )  # fmt: skip
    return next(found, None)


def _events(
    drawn: Responses, o: int, level: Floats, kappa: Floats, below: Floats, rng: np.random.Generator
) -> Floats:
    """Draw the events of one campaign at each draw."""
    mean, scatter = level[:, o], np.minimum(kappa[:, o], 1e12)
    if drawn.measured[o].kind == "binary":
        rate = rng.beta(np.maximum(mean * scatter, _TINY), np.maximum((1 - mean) * scatter, _TINY))
        return rng.binomial(below.astype(np.int64), rate).astype(np.float64)
    return rng.poisson(below * mean * rng.standard_gamma(scatter) / scatter).astype(np.float64)


def _priced(mean: Floats, sd: Floats, truth: Integers, rng: np.random.Generator) -> Floats:
    """Draw what a campaign's listeners cost, and say how probable that is: (draw, result)."""
    if not np.isfinite(mean).all():
        return np.zeros((mean.size, truth.size))
    seen = mean[truth] + sd[truth] * rng.standard_normal(truth.size)
    away = (seen - mean[:, None]) / sd[:, None]
    found: Floats = -0.5 * away**2 - np.log(sd)[:, None]
    return found


def _add_told(
    log_weight: Floats, drawn: Responses, o: int, level: Floats, kappa: Floats,
    counts: tuple[Floats, Floats],
) -> None:  # fmt: skip
    """Add how probable each result is at every draw: (draw, result); nobody tells nothing."""
    from coterie.beliefs import add_log_likelihood

    seen, below = counts
    there = below > 0
    kind = drawn.measured[o].kind
    rate = np.clip(level[:, o], _TINY, 1 - 1e-15 if kind == "binary" else np.inf)
    if there.all():
        add_log_likelihood(log_weight, seen, below, rate, kappa[:, o], kind=kind)
        return
    told = np.zeros((len(level), int(there.sum())))
    add_log_likelihood(told, seen[there], below[there], rate, kappa[:, o], kind=kind)
    log_weight[:, there] += told
