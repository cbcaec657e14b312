"""Formulas: the arithmetic of strategy, on plain arrays.

Every finding that decides computes with these, draw by draw. The source article's own formulas
were pictures and are lost; forms marked *reconstructed* are ours, with the reason beside them.
Callers may trust that axes are kept: a formula over clusters reads the last axis.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

import numpy as np
from scipy.special import digamma, logsumexp

from coterie.errors import FindingError
from coterie.typing import Floats

type Shares = Any
"""Numbers of at least 0 over clusters, on the last axis."""

_NEAR: Final = 1e-9


def belief(
    prior: Any,
    rates: Mapping[str, Any],
    counts: Mapping[str, float],
    *,
    people: float,
    kappa: float,
) -> Floats:
    """Return P(cluster | counts) for stated rates: Bayes' rule with Beta-Binomial counts.

    The textbook case, with nothing learned; :func:`coterie.fit` learns rates and concentrations
    and keeps outcomes of the same people apart.

    Parameters
    ----------
    prior
        Of each cluster, summing to 1.
    rates
        By outcome: the rate in each cluster, in (0, 1).
    counts
        By outcome: how many people did it.
    people
        How many could have.
    kappa
        Concentration of a cell's rate; ``inf`` for Binomial counts.

    Returns
    -------
    numpy.ndarray
        (cluster,).

    Examples
    --------
    >>> rates = {"save": [0.12, 0.09, 0.05], "add": [0.06, 0.045, 0.02]}
    >>> co.formulas.belief([0.5, 0.3, 0.2], rates, {"save": 40, "add": 20}, people=400, kappa=100
    ... ).round(2).tolist()
    [0.63, 0.36, 0.01]
    """
    from coterie.beliefs import log_mass

    share = np.asarray(prior, dtype=np.float64)
    if share.ndim != 1 or (share < 0).any() or abs(share.sum() - 1) > _NEAR:
        raise FindingError(
            f"The prior of {share.size} clusters sums to {share.sum():.6g}, not to 1. Give shares "
            "of at least 0 that do."
        )
    missing = sorted(set(counts) - set(rates))
    if missing:
        raise FindingError(f"{missing[0]!r} was counted and has no rates. State them, or drop it.")
    with np.errstate(divide="ignore"):
        log_odds = np.log(share)
    for outcome, count in counts.items():
        log_odds = log_odds + log_mass(count, people, np.asarray(rates[outcome]), kappa)
    found: Floats = np.exp(log_odds - logsumexp(log_odds))
    return found


def standardised(rates: Any, centre: float, spread: float, *, kind: str) -> Floats:
    """Return rates in standard deviations of a reference: on log odds, or logs of counts.

    Parameters
    ----------
    rates
        In (0, 1), or events a unit of exposure.
    centre, spread
        Mean and standard deviation of the reference on that scale.
    kind
        ``"binary"`` or ``"count"``.

    Examples
    --------
    >>> co.formulas.standardised([0.5, 0.731], 0.0, 1.0, kind="binary").round(1).tolist()
    [0.0, 1.0]
    """
    tiny = np.finfo(np.float64).tiny
    values = np.asarray(rates, dtype=np.float64)
    scale = np.log(np.maximum(values, tiny))
    if kind == "binary":
        scale = scale - np.log1p(-np.minimum(values, 1 - 1e-15))
    found: Floats = (scale - centre) / spread
    return found


def quality(scores: Any, weights: Any) -> Floats:
    """Return the cluster quality score (CQS): a weighted sum of standardised outcomes.

    Parameters
    ----------
    scores
        Standardised outcomes: (..., outcome).
    weights
        Of each outcome; they are divided by their sum.

    Examples
    --------
    >>> co.formulas.quality([[1.0, 0.0], [0.0, 2.0]], [3, 1]).tolist()
    [0.75, 0.5]
    """
    shares = np.asarray(weights, dtype=np.float64)
    found: Floats = np.asarray(scores, dtype=np.float64) @ (shares / shares.sum())
    return found


def durable_yield(values: Any, amounts: Any, spend: Any) -> Floats:
    """Return the expected durable yield: what people did, valued, for a unit of money.

    Parameters
    ----------
    values
        Worth of one event of each outcome, in money or points: (outcome,).
    amounts
        Events: (..., outcome).
    spend
        What they cost: (...,); NaN where nothing was spent, which has no yield.

    Examples
    --------
    >>> worth = [1, 1.5, 4, 0.1]
    >>> co.formulas.durable_yield(worth, [[40, 20, 9, 760], [60, 20, 8, 300]], [200, 200]).tolist()
    [0.91, 0.76]
    """
    money = np.asarray(spend, dtype=np.float64)
    total = np.asarray(amounts, dtype=np.float64) @ np.asarray(values, dtype=np.float64)
    found: Floats = np.divide(
        total, money, out=np.full(np.broadcast(total, money).shape, np.nan), where=money > 0
    )
    return found


def shares_of(amounts: Shares) -> Floats:
    """Return amounts as shares of their sum; of nothing at all, NaN."""
    values = np.asarray(amounts, dtype=np.float64)
    total = values.sum(axis=-1, keepdims=True)
    found: Floats = np.divide(values, total, out=np.full(values.shape, np.nan), where=total > 0)
    return found


def entropy(shares: Shares) -> Floats:
    """Return Shannon's entropy of shares, in nats.

    Examples
    --------
    >>> co.formulas.entropy([0.6, 0.25, 0.1, 0.05]).round(4).item()
    1.0331
    """
    p = shares_of(shares)
    found: Floats = -np.where(p > 0, p * np.log(np.where(p > 0, p, 1.0)), 0.0).sum(axis=-1)
    return np.where(np.isnan(p).any(axis=-1), np.nan, found)


def normalised_entropy(shares: Shares) -> Floats:
    """Return entropy over its most, that of equal shares: 0 is one cluster, 1 is all alike.

    Examples
    --------
    >>> co.formulas.normalised_entropy([0.6, 0.25, 0.1, 0.05]).round(3).item()
    0.745
    """
    size = np.shape(shares)[-1]
    found: Floats = entropy(shares) / np.log(size) if size > 1 else entropy(shares)
    return found


def effective_number(shares: Shares) -> Floats:
    """Return how many clusters of equal share would have this entropy.

    Examples
    --------
    >>> co.formulas.effective_number([0.6, 0.25, 0.1, 0.05]).round(2).item()
    2.81
    """
    found: Floats = np.exp(entropy(shares))
    return found


def herfindahl(shares: Shares) -> Floats:
    """Return the Herfindahl-Hirschman index: 1 is one cluster, 1/K is K alike.

    Examples
    --------
    >>> co.formulas.herfindahl([0.6, 0.25, 0.1, 0.05]).round(3).item()
    0.435
    """
    found: Floats = (shares_of(shares) ** 2).sum(axis=-1)
    return found


def expected_entropy(counts: Shares, *, prior: float = 1.0) -> Floats:
    """Return the posterior mean of the entropy behind counted events.

    The entropy of the counted shares themselves is too low where events are few.

    Parameters
    ----------
    counts
        Events of each cluster.
    prior
        Dirichlet pseudo-count of each cluster.

    References
    ----------
    .. [1] D. Wolpert, D. Wolf (1995), *Estimating functions of probability distributions from a
       finite set of samples*, Physical Review E 52.

    Examples
    --------
    >>> share = np.array([0.6, 0.25, 0.1, 0.05])
    >>> co.formulas.expected_entropy(20 * share).round(3).item()
    1.087
    """
    a = np.asarray(counts, dtype=np.float64) + prior
    total = a.sum(axis=-1, keepdims=True)
    found: Floats = digamma(total[..., 0] + 1) - (a / total * digamma(a + 1)).sum(axis=-1)
    return found


def priority(mean: Any, sd: Any, *, curiosity: float) -> Floats:
    """Return the upper confidence bound: an estimate, and a bonus for what is not known.

    Parameters
    ----------
    mean, sd
        Estimate of each cluster's value and its standard deviation.
    curiosity
        The article's lambda: standard deviations added; 0 is greed.

    Examples
    --------
    >>> co.formulas.priority([1, 0.9, 0.6], [0.05, 0.25, 0.6], curiosity=1).tolist()
    [1.05, 1.15, 1.2]
    """
    found: Floats = np.asarray(mean, dtype=np.float64) + curiosity * np.asarray(sd)
    return found


def best_probability(draws: Any) -> Floats:
    """Return how probable it is that each cluster is the best: (cluster,). Ties are shared.

    Parameters
    ----------
    draws
        Values: (draw, cluster).

    Examples
    --------
    >>> co.formulas.best_probability([[1, 2], [3, 2], [2, 2], [0, 5]]).tolist()
    [0.375, 0.625]
    """
    values = np.asarray(draws, dtype=np.float64)
    top = values == values.max(axis=1, keepdims=True)
    found: Floats = (top / top.sum(axis=1, keepdims=True)).mean(axis=0)
    return found


def perfect_information(draws: Any) -> float:
    """Return the expected value of perfect information: the best of each draw, less the best mean.

    Parameters
    ----------
    draws
        Values: (draw, cluster).

    Examples
    --------
    >>> co.formulas.perfect_information([[1.0, 2.0], [3.0, 2.0]])
    0.5
    """
    values = np.asarray(draws, dtype=np.float64)
    return float(values.max(axis=1).mean() - values.mean(axis=0).max())


def arrived(days: Any, *, mean_delay: float) -> Floats:
    """Return which share of responses has come after some days, delays being exponential.

    Examples
    --------
    >>> co.formulas.arrived([3, 7, 14, 28], mean_delay=14).round(2).tolist()
    [0.19, 0.39, 0.63, 0.86]
    """
    found: Floats = -np.expm1(-np.asarray(days, dtype=np.float64) / mean_delay)
    return found


def weight_of_age(days: Any, *, half_life: float) -> Floats:
    """Return what old evidence still counts.

    Examples
    --------
    >>> co.formulas.weight_of_age([28, 180], half_life=90).round(3).tolist()
    [0.806, 0.25]
    """
    found: Floats = 0.5 ** (np.asarray(days, dtype=np.float64) / half_life)
    return found


def shrunk(successes: Any, trials: Any, *, rate: float, worth: float) -> Floats:
    """Return rates drawn toward a usual one: what undoes the winner's curse.

    Parameters
    ----------
    successes, trials
        Counts.
    rate, worth
        The usual rate, and how many trials it is worth.

    Examples
    --------
    >>> co.formulas.shrunk([30, 10], [200, 200], rate=0.08, worth=300).tolist()
    [0.108, 0.068]
    """
    found: Floats = (np.asarray(successes) + rate * worth) / (np.asarray(trials) + worth)
    return found


def release_index(
    layers: Any,
    weights: Any = (0.2, 0.4, 0.4),
    *,
    form: Literal["geometric", "additive"] = "geometric",
) -> Floats:
    """Return the release diagnostics index of acquisition, intent and retention (reconstructed).

    The geometric form does not let the first layer buy off the others, which is what the article
    warns of; the additive one is closest to its style.

    Parameters
    ----------
    layers
        Each layer over its benchmark, 1 being as usual: (..., 3).
    weights
        Of acquisition, intent and retention: the first below the second, the second at most the
        third. Divided by their sum.
    form
        ``"geometric"`` or ``"additive"``.

    Examples
    --------
    >>> co.formulas.release_index([4.0, 0.5, 0.5]).round(3).item()
    0.758
    >>> co.formulas.release_index([4.0, 0.5, 0.5], form="additive").round(3).item()
    1.2
    """
    share = np.asarray(weights, dtype=np.float64)
    first, second, third = share.tolist()
    if not (0 < first < second <= third):
        raise FindingError(
            f"The weights are {first:g}, {second:g} and {third:g}; acquisition must weigh less "
            "than intent, and intent no more than retention."
        )
    share = share / share.sum()
    values = np.asarray(layers, dtype=np.float64)
    if form == "additive":
        found: Floats = values @ share
    else:
        with np.errstate(divide="ignore"):
            found = np.exp(np.log(values) @ share)
    return found


def intent_density(saves: Any, adds: Any, follows: Any, streams: Any, listeners: Any) -> Floats:
    """Return intentional acts and catalogue streams for each listener (reconstructed).

    Examples
    --------
    >>> co.formulas.intent_density(40, 20, 9, 760, 400).round(3).item()
    2.072
    """
    acts = sum(np.asarray(v, dtype=np.float64) for v in (saves, adds, follows, streams))
    found: Floats = np.asarray(acts / np.asarray(listeners, dtype=np.float64))
    return found


def neighbourhood_density(weights: Any) -> float:
    """Return the mean weight of all pairs of a neighbourhood (reconstructed).

    Parameters
    ----------
    weights
        Symmetric, in [0, 1], between neighbours: (neighbour, neighbour); its diagonal is not read.

    Examples
    --------
    >>> co.formulas.neighbourhood_density([[0, 0.5, 0.1], [0.5, 0, 0.3], [0.1, 0.3, 0]])
    0.3
    """
    w = np.asarray(weights, dtype=np.float64)
    return float(w[np.triu_indices(len(w), k=1)].mean())


def conductance(weights: Any, inside: Any) -> float:
    """Return how leaky a cluster's edge is: weight that crosses it over the smaller side's.

    Parameters
    ----------
    weights
        Symmetric, at least 0: (node, node).
    inside
        Which nodes are in the cluster: (node,).

    Examples
    --------
    >>> graph = [[0, 1, 0.1, 0], [1, 0, 0, 0], [0.1, 0, 0, 1], [0, 0, 1, 0]]
    >>> round(co.formulas.conductance(graph, [True, True, False, False]), 4)
    0.0476
    """
    w, own = np.asarray(weights, dtype=np.float64), np.asarray(inside, dtype=bool)
    degree = w.sum(axis=1)
    smaller = min(degree[own].sum(), degree[~own].sum())
    return float(w[np.ix_(own, ~own)].sum() / smaller) if smaller > 0 else float("nan")
