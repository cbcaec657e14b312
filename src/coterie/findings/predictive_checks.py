"""Predictive checks: what a table shows against what its replicas show.

Plain arrays in, plain numbers out. A statistic sees counts alone; each is computed on the
table and on every replica by the same code. Replicas have artists of their own and share
the population, which the table has seen: p-values are calibrated as far as artists go and
a little too large (never too small) for what the population alone decides, such as the
total rate of a cluster.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats
from scipy.special import betainc

from coterie.beliefs import Replicas, smoothed_weights
from coterie.evidence import Outcome
from coterie.typing import Flags, Floats, Integers

_FEWEST = 3
_FEW = 3


@dataclass(frozen=True, slots=True)
class Comparison:
    """One statistic of the table among those of its replicas.

    Attributes
    ----------
    name
        What was compared, in words.
    observed
        On the table.
    expected, spread
        Mean and standard deviation over replicas.
    p_value
        Two-sided, by rank among replicas; ties count half.
    """

    name: str
    observed: float
    expected: float
    spread: float
    p_value: float

    @property
    def z(self) -> float:
        """Distance from the replicas' mean in their standard deviations."""
        gap = self.observed - self.expected
        return gap / self.spread if self.spread > 0 else (0.0 if gap == 0 else np.inf)


def compare(name: str, observed: float, drawn: Floats) -> Comparison:
    """Place one number among its replicas."""
    below = np.mean(drawn < observed) + 0.5 * np.mean(drawn == observed)
    size = len(drawn)
    tail = (min(below, 1 - below) * size + 0.5) / (size + 1)
    return Comparison(
        name, float(observed), float(drawn.mean()), float(drawn.std()), float(min(1.0, 2 * tail))
    )


def counts_compared(
    replicas: Replicas, outcomes: Sequence[Outcome], clusters: Sequence[object]
) -> list[Comparison]:
    """Compare every statistic of the counts."""
    made = replicas.made
    every = np.concatenate([made.y[None], replicas.y])
    told = []
    for o, outcome in enumerate(outcomes):
        own = made.outcome == o
        if own.sum() < _FEWEST:
            continue
        for name, values in _of_outcome(every[:, own], made.n[own]):
            told.append(compare(f"{outcome.name}: {name}", values[0], values[1:]))
        for k, cluster in enumerate(clusters):
            there = own & (made.cluster == k)
            if there.any():
                rate = every[:, there].sum(axis=1) / made.n[there].sum()
                told.append(compare(f"{outcome.name}: rate in {cluster}", rate[0], rate[1:]))
    for name, values in _between(every, replicas, outcomes):
        told.append(compare(name, values[0], values[1:]))
    return told


def _of_outcome(y: Floats, n: Floats) -> Iterator[tuple[str, Floats]]:
    log_rate = np.log((y + 0.5) / (n + 0.5))
    yield "spread between cells", log_rate.std(axis=1)
    yield "cells without an event", (y == 0).mean(axis=1)
    # What was not measured and read as 0 leaves a gap between 0 and the rest.
    yield "cells with one to three events", ((y > 0) & (y <= _FEW)).mean(axis=1)
    yield "largest cell", log_rate.max(axis=1)
    yield "smallest cell", log_rate.min(axis=1)
    if np.ptp(n) > 0:
        yield "rate against denominator", _correlation(log_rate, np.log(n))


def _between(
    every: Floats, replicas: Replicas, outcomes: Sequence[Outcome]
) -> Iterator[tuple[str, Floats]]:
    """Correlations between outcomes of the same cells, and with each other's denominators."""
    made = replicas.made
    for o, first in enumerate(outcomes):
        for p, second in enumerate(outcomes):
            if o == p:
                continue
            a, b = np.flatnonzero(made.outcome == o), np.flatnonzero(made.outcome == p)
            _, mine, theirs = np.intersect1d(made.cell[a], made.cell[b], return_indices=True)
            a, b = a[mine], b[theirs]
            if a.size < _FEWEST:
                continue
            left = np.log((every[:, a] + 0.5) / (made.n[a] + 0.5))
            if o < p:
                right = np.log((every[:, b] + 0.5) / (made.n[b] + 0.5))
                yield f"{first.name} with {second.name}, cell by cell", _correlation(left, right)
            # Whom money reached are those who answer: their number says what reach was.
            upstream = first.numerator in {outcome.denominator for outcome in outcomes}
            alike = np.ptp(made.n[b]) == 0 or np.array_equal(made.n[a], made.n[b])
            if not upstream and not alike:
                name = f"{first.name}: rate against denominator of {second.name}"
                yield name, _correlation(left, np.log(made.n[b]))


def _correlation(left: Floats, right: Floats) -> Floats:
    """Correlate each line of the first with the second, or with its line of the second."""
    a = left - left.mean(axis=1, keepdims=True)
    b = right - right.mean(axis=-1, keepdims=True)
    spread = np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=-1))
    return (a * b).sum(axis=1) / np.where(spread > 0, spread, 1.0)


def mean_belief_test(belief: Floats, prior: Floats) -> Floats:
    """Return the p-value of each cluster's mean belief being its mean prior: (cluster,).

    Beliefs are memberships seen through a blur: their variance is that of memberships less
    the mean of ``belief * (1 - belief)``. The sum over artists is laid, in units of its
    standard deviation, on the binomial law of memberships seen clearly, whose skewness is
    that of few members.

    Parameters
    ----------
    belief, prior
        (artist, cluster).
    """
    size = len(belief)
    chance = prior.mean(axis=0)
    clear = (prior * (1 - prior)).mean(axis=0)
    seen = clear - (belief * (1 - belief)).mean(axis=0)
    # Beliefs that barely move have barely a spread; half an artist is the least told.
    spread = np.maximum(np.sqrt(np.maximum(seen, 0) * size), 0.5)
    moved = (belief - prior).sum(axis=0) / spread
    members = np.clip(size * chance + moved * np.sqrt(size * clear), 0, size)
    at_most = betainc(np.maximum(size - members, 1e-12), members + 1, 1 - chance)
    at_least = betainc(np.maximum(members, 1e-12), size - members + 1, chance)
    tails: Floats = np.minimum(1.0, 2 * np.minimum(at_most, at_least))
    return tails


@dataclass(frozen=True, slots=True)
class Scores:
    """Normal scores of the cells, each artist left out of what foresees it.

    Attributes
    ----------
    score
        Normal score of the randomised PIT: (observation,).
    khat
        Pareto k of leaving each artist out: (artist,).
    """

    score: Floats
    khat: Floats

    def shift(self, artist: Integers, own: Flags) -> tuple[float, float]:
        """Test that scores are centred on 0 and spread as 1, by artists: two p-values."""
        codes, place = np.unique(artist[own], return_inverse=True)
        if codes.size < _FEWEST:
            return 1.0, 1.0
        size = np.bincount(place)
        mean = np.bincount(place, self.score[own]) / size
        square = np.bincount(place, self.score[own] ** 2) / size
        return tuple(  # type: ignore[return-value]
            float(stats.ttest_1samp(values, at).pvalue) if np.ptp(values) > 0 else 1.0
            for values, at in ((mean, 0.0), (square, 1.0))
        )


def left_out(replicas: Replicas, rng: np.random.Generator) -> Scores:
    """Score each cell among replicas, weighted so that its artist is left out (PSIS)."""
    made = replicas.made
    weight, khat = smoothed_weights(-replicas.evidence)
    of = weight[made.artist].T
    below = (of * (replicas.y < made.y)).sum(axis=0)
    same = (of * (replicas.y == made.y)).sum(axis=0)
    pit = below + rng.random(made.y.size) * same
    # A table among S replicas cannot be known to lie further out than 1 in S.
    edge = 0.5 / len(replicas.y)
    return Scores(stats.norm.ppf(np.clip(pit, edge, 1 - edge)), khat)
