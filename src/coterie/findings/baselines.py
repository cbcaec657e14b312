"""Baselines: what a careful person would predict with a few formulas and no model.

Makes log scores of later counts under one rate for all, a rate for each cluster, and
empirical Bayes over the ledger and within each cluster. Callers may trust that only
the ledger is read to predict, and that scores are exact log probabilities, in nats.
Knows nothing of beliefs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr
from scipy import optimize, stats
from scipy.special import betaln, expit, gammaln, logit

from coterie import names
from coterie.evidence import Outcome
from coterie.typing import Floats

CONSTANT_RATE: Final = "constant_rate"
CLUSTER_RATE: Final = "cluster_rate"
LEDGER_EB: Final = "ledger_eb"
CLUSTER_EB: Final = "cluster_eb"

IN_WORDS: Final = {
    CONSTANT_RATE: "one rate for all, from the ledger",
    CLUSTER_RATE: "one rate a cluster, from the ledger",
    LEDGER_EB: "empirical Bayes over the whole ledger, the pair's own counts added",
    CLUSTER_EB: "empirical Bayes within each cluster, the pair's own counts added",
}

PAIRS_NEEDED: Final = 20
"""Pairs a cluster needs before its own scatter is fitted; with fewer it borrows everyone's."""

_LOG_STRENGTH: Final = (-8.0, 12.0)
_FURTHEST_LOGIT: Final = 15.0


def baseline_scores(cells: xr.Dataset, later: xr.Dataset, outcome: Outcome) -> dict[str, Floats]:
    """Score later counts of one outcome under each baseline.

    Parameters
    ----------
    cells
        The ledger: ``numerator`` and ``denominator`` over (cell, outcome).
    later
        Rows to be scored: ``numerator`` and ``denominator`` over (row,), all measured,
        denominators above 0; ``artist`` and ``cluster`` on row.
    outcome
        What was counted.

    Returns
    -------
    dict
        (row,) log probability of each row's numerator given its denominator, in nats,
        by baseline.
    """
    pairs = _pairs(cells, outcome.name)
    own, clusters = _own_counts(pairs, later), later[names.CLUSTER].to_numpy()
    above, below = (later[side].to_numpy() for side in (names.NUMERATOR, names.DENOMINATOR))
    rate, by_cluster = _rates(pairs, outcome.kind)
    of_cluster = pd.Series(clusters).map(by_cluster).fillna(rate).to_numpy(float)
    everyone, fitted = _fit(pairs, clusters, rate, outcome.kind)
    fixed, learned = (
        (_binomial, _beta_binomial) if outcome.kind == "binary" else (_poisson, _gamma_poisson)
    )
    rest = own[1] - own[0] if outcome.kind == "binary" else own[1]
    return {
        CONSTANT_RATE: fixed(above, below, rate),
        CLUSTER_RATE: fixed(above, below, of_cluster),
        LEDGER_EB: learned(above, below, everyone[0] + own[0], everyone[1] + rest),
        CLUSTER_EB: learned(above, below, fitted[0] + own[0], fitted[1] + rest),
    }


def _pairs(cells: xr.Dataset, outcome: str) -> pd.DataFrame:
    own = cells.sel({names.OUTCOME: outcome})
    frame = pd.DataFrame(
        {c: own[c].to_numpy() for c in (names.ARTIST, names.CLUSTER)}
        | {side: own[side].to_numpy() for side in (names.NUMERATOR, names.DENOMINATOR)}
    )
    frame = frame[(frame[names.DENOMINATOR] > 0) & frame[names.NUMERATOR].notna()]
    return frame.groupby([names.ARTIST, names.CLUSTER], sort=False).sum()


def _own_counts(pairs: pd.DataFrame, later: xr.Dataset) -> tuple[Floats, Floats]:
    wanted = pd.MultiIndex.from_arrays([later[names.ARTIST].values, later[names.CLUSTER].values])
    found = pairs.reindex(wanted).fillna(0.0)
    above, below = (found[side].to_numpy(float) for side in (names.NUMERATOR, names.DENOMINATOR))
    return above, below


def _rates(pairs: pd.DataFrame, kind: str) -> tuple[float, pd.Series[Any]]:
    above, below = (float(pairs[s].sum()) for s in (names.NUMERATOR, names.DENOMINATOR))
    if below == 0:
        # A ledger without this outcome knows nothing: even odds, or one event a unit.
        return (0.5 if kind == "binary" else 1.0), pd.Series(dtype=float)
    # Half an event keeps a rate of 0 (or 1) from calling the next event impossible.
    rate = max(above, 0.5) / below
    if kind == "binary":
        rate = float(np.clip(above / below, 0.5 / (below + 1), 1 - 0.5 / (below + 1)))
    sums = pairs.groupby(level=names.CLUSTER).sum()
    # Each cluster is lent one person (or one expected event's exposure) at everyone's rate.
    lent = 1.0 if kind == "binary" else 1 / rate
    return rate, (sums[names.NUMERATOR] + rate * lent) / (sums[names.DENOMINATOR] + lent)


def _fit(
    pairs: pd.DataFrame, clusters: Any, rate: float, kind: str
) -> tuple[tuple[float, float], tuple[Floats, Floats]]:
    """Return two parameters fitted on all pairs, and for each row those of its cluster."""
    fit = _fit_beta_binomial if kind == "binary" else _fit_gamma_poisson
    everyone = fit(pairs, rate)
    fitted = {
        cluster: fit(own, rate)
        for cluster, own in pairs.groupby(level=names.CLUSTER)
        if len(own) >= PAIRS_NEEDED and _varies(own, kind)
    }
    found = np.array([fitted.get(cluster, everyone) for cluster in clusters])
    return everyone, (found[:, 0], found[:, 1])


def _varies(pairs: pd.DataFrame, kind: str) -> bool:
    above, below = (float(pairs[s].sum()) for s in (names.NUMERATOR, names.DENOMINATOR))
    return above > 0 and (kind == "count" or above < below)


def _fit_beta_binomial(pairs: pd.DataFrame, rate: float) -> tuple[float, float]:
    above, below = (pairs[s].to_numpy(float) for s in (names.NUMERATOR, names.DENOMINATOR))

    def shape(point: Floats) -> tuple[float, float]:
        mean = float(expit(np.clip(point[0], -_FURTHEST_LOGIT, _FURTHEST_LOGIT)))
        strength = float(np.exp(np.clip(point[1], *_LOG_STRENGTH)))
        return mean * strength, (1 - mean) * strength

    def loss(point: Floats) -> float:
        a, b = shape(point)
        return -float(np.sum(betaln(above + a, below - above + b) - betaln(a, b)))

    return _fitted(shape, loss, np.array([logit(rate), 2.0]), varies=_varies(pairs, "binary"))


def _fit_gamma_poisson(pairs: pd.DataFrame, rate: float) -> tuple[float, float]:
    above, below = (pairs[s].to_numpy(float) for s in (names.NUMERATOR, names.DENOMINATOR))

    def shape(point: Floats) -> tuple[float, float]:
        strength = float(np.exp(np.clip(point[1], *_LOG_STRENGTH)))
        return strength, strength / float(np.exp(point[0]))

    def loss(point: Floats) -> float:
        return -float(np.sum(_gamma_poisson(above, below, *shape(point))))

    return _fitted(shape, loss, np.array([np.log(rate), 0.0]), varies=_varies(pairs, "count"))


def _fitted(
    shape: Callable[[Floats], tuple[float, float]],
    loss: Callable[[Floats], float],
    start: Floats,
    *,
    varies: bool,
) -> tuple[float, float]:
    if not varies:
        # Nothing (or everything) happened: the scatter cannot be seen, the start is all we have.
        return shape(start)
    best = optimize.minimize(loss, start, method="Nelder-Mead", options={"maxiter": 2000})
    return shape(best.x)


def _binomial(successes: Floats, trials: Floats, rate: Floats | float) -> Floats:
    return np.asarray(stats.binom.logpmf(successes, trials, rate))


def _poisson(events: Floats, exposure: Floats, rate: Floats | float) -> Floats:
    return np.asarray(stats.poisson.logpmf(events, exposure * rate))


def _beta_binomial(successes: Floats, trials: Floats, a: Floats, b: Floats) -> Floats:
    ways: Floats = gammaln(trials + 1) - gammaln(successes + 1) - gammaln(trials - successes + 1)
    scored: Floats = ways + np.asarray(betaln(successes + a, trials - successes + b) - betaln(a, b))
    return scored


def _gamma_poisson(
    events: Floats, exposure: Floats, shape: Floats | float, rate: Floats | float
) -> Floats:
    return np.asarray(stats.nbinom.logpmf(events, shape, rate / (rate + exposure)))
