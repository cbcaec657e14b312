"""Intents: how many of those who came by a source did something, at every draw.

Rows of one source are campaigns, and campaigns differ: each row has a rate of its own about its
source's (Beta-Binomial), so that one campaign of a million people is still one campaign. Callers
may trust that draws are exact, from a grid, and that no source lends another its rate; sources
share how much campaigns differ, which few rows of one could not tell.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from scipy.special import expit, logit, logsumexp

if TYPE_CHECKING:
    from coterie.typing import Floats, Integers

_ODDS: Final = np.linspace(logit(1e-5), logit(0.95), 200)
_RATES: Final = expit(_ODDS)
_EDGES: Final = expit(_ODDS + 0.5 * (_ODDS[1] - _ODDS[0]))
"""Where each cell of the grid ends: up to there its mass has been summed."""
_SPREAD: Final = np.linspace(-3.0, 3.0, 25)
_MIDDLE: Final = 54.6
"""Median concentration of a campaign's rates, and its log standard deviation: those that
:class:`coterie.PopulationPrior` fits with."""
_LOG_SD: Final = 1.5
_KAPPAS: Final = _MIDDLE * np.exp(_LOG_SD * _SPREAD)
# Jeffreys' prior of a rate, on log odds.
_PRIOR: Final = 0.5 * (np.log(_RATES) + np.log1p(-_RATES))


def intents(
    acts: Any, people: Any, groups: Integers, *, draws: int, rng: np.random.Generator
) -> Floats:
    """Draw acts a person of each group, summed over outcomes.

    Parameters
    ----------
    acts
        (row, outcome); NaN where unknown, which leaves that row out of that outcome.
    people
        Those who could have: (row,), above 0.
    groups
        Of each row, from 0 without a gap: (row,).
    draws
        How many.
    rng
        Source of chance.

    Returns
    -------
    numpy.ndarray
        (draw, group). Outcomes of the same people are drawn at one quantile, as if they moved
        together: taken for independent, their sum would claim too much.

    Examples
    --------
    >>> from coterie.findings.intents import intents
    >>> drawn = intents([[40], [90]], [400, 450], np.array([0, 1]), draws=2000, rng=rng)
    >>> bool((drawn[:, 1] > drawn[:, 0]).mean() > 0.8)
    True
    """
    counted, listeners = np.asarray(acts, dtype=np.float64), np.asarray(people, dtype=np.float64)
    size = int(groups.max()) + 1
    at, kappa_at = rng.random((draws, size)), rng.random(draws)
    total = np.zeros((draws, size))
    for own in counted.T:
        known = np.isfinite(own)
        total += _rates(own[known], listeners[known], groups[known], at, kappa_at)
    return total


def _rates(acts: Floats, people: Floats, groups: Integers, at: Floats, kappa_at: Floats) -> Floats:
    """Return rates at stated quantiles: first of the concentration, then given it."""
    from coterie.beliefs import add_log_likelihood

    rates, kappas = (v.ravel() for v in np.meshgrid(_RATES, _KAPPAS))
    size = at.shape[1]
    # (kappa, rate, group), rows of a group summed.
    told = np.zeros((_KAPPAS.size, _RATES.size, size))
    for group in range(size):
        own = groups == group
        if own.any():
            mass = np.zeros((rates.size, int(own.sum())))
            add_log_likelihood(mass, acts[own], people[own], rates, kappas)
            told[..., group] = mass.sum(axis=1).reshape(told.shape[:2])
    told += _PRIOR[:, None]
    evidence = logsumexp(told, axis=1)
    weight = evidence.sum(axis=1) - 0.5 * _SPREAD**2
    chances = np.cumsum(np.exp(weight - logsumexp(weight)))
    picked = np.minimum(np.searchsorted(chances, kappa_at), _KAPPAS.size - 1)
    below = np.cumsum(np.exp(told - evidence[:, None, :]), axis=1)
    found = np.empty(at.shape)
    for k in np.unique(picked):
        own = picked == k
        for group in range(size):
            found[own, group] = np.interp(at[own, group], below[k, :, group], _EDGES)
    return found
