"""Rates: what a table of beliefs says of each pair's next cell, without drawing anything.

Given one draw of the population and of what is the artist's own, the rate of the next
cell is Beta (or Gamma); over draws it is a mixture of these. Its quantiles are found from
the mixture itself, its median among them: no number said lies outside its own interval, as
a mean of very skewed rates would. A fresh window's
effect enters as one normal quantile a draw, a fixed sequence, so that equal beliefs
give equal tables.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import xarray as xr
from scipy import stats
from scipy.special import betainc, expit, gammainc, ndtri

from coterie import names
from coterie.beliefs import population as read
from coterie.beliefs.design import as_labels, lookup
from coterie.beliefs.left_out import cluster_codes, placed
from coterie.beliefs.rows import Known, covariate_means, sloped
from coterie.beliefs.tree import Beliefs
from coterie.typing import Floats

_DRAWS: Final = 100
_STEPS: Final = 90
_REACH: Final = 6.0
_TAIL: Final = 1e-12
_CLOSE: Final = 1e-5
"""Error allowed in the normal score of a quantile's mass."""
_NARROW: Final = 1e-9


def rate_table(beliefs: Beliefs, *, artists: Sequence[Any], prob: float) -> xr.Dataset:
    """Summarise the next cell's rate of each pair.

    Parameters
    ----------
    beliefs
        Fitted beliefs.
    artists
        Labels of the artists wanted.
    prob
        Mass of the equal-tailed interval, in (0, 1).

    Returns
    -------
    xarray.Dataset
        ``median``, ``lower`` and ``upper`` over (artist, cluster, outcome), in rates of
        [0, 1] or events per unit of exposure; factors are averaged over the combinations of
        their levels, by the outcome's denominators in the cluster's ledger, and covariates
        stand at their mean there, weighted by the same denominators.
    """
    known = Known.of(beliefs)
    levels = known.levels
    own = lookup(as_labels(list(artists)), levels.artists)
    at = np.unique(np.linspace(0, known.size - 1, min(_DRAWS, known.size)).round().astype(int))
    level, log_kappa = _laid_out(known, own, at)
    tables = {
        name: np.empty((own.size, len(levels.clusters), len(levels.outcomes)))
        for name in ("median", "lower", "upper")
    }
    for o, outcome in enumerate(levels.outcomes):
        eta = level[..., o]
        weight = np.full(eta.shape, 1 / len(at))
        kappa = np.broadcast_to(np.minimum(np.exp(log_kappa[:, None, :, o]), 1e12), eta.shape)
        law = BETA if outcome.kind == "binary" else GAMMA
        shares, middle, scatter = (each.reshape(len(each), -1) for each in (weight, eta, kappa))
        for name, mass in (("lower", (1 - prob) / 2), ("median", 0.5), ("upper", (1 + prob) / 2)):
            found = quantile(law, shares, middle, scatter, mass)
            tables[name][..., o] = found.reshape(eta.shape[1:])
    dims = (names.ARTIST, names.CLUSTER, names.OUTCOME)
    coords = {
        names.ARTIST: levels.artists[own],
        names.CLUSTER: levels.clusters,
        names.OUTCOME: levels.outcome_names,
    }
    return xr.Dataset({k: (dims, v) for k, v in tables.items()}, coords=coords)


def _laid_out(known: Known, own: Any, at: Any) -> tuple[Floats, Floats]:
    """Return levels, (draw, artist, cluster, outcome), and log kappa, (draw, cluster, outcome)."""
    post = known.posterior
    effect, affinity = (read.flat(post, n, at) for n in (names.ARTIST_EFFECT, names.AFFINITY))
    window = _sequence(len(at), read.flat(post, names.PERIOD_SCALE, at))
    level = (
        read.flat(post, names.ALPHA, at)[:, None, :]
        + read.flat(post, names.CLUSTER_EFFECT, at)
        + window[:, None, :]
        + sloped(post, at, covariate_means(known))
    )
    eta = (
        level[:, None]
        + effect[:, own, None, :]
        + read.flat(post, names.LOADING, at)[:, None, None, :] * affinity[:, own, :, None]
    )
    return _with_factors(known, at, eta), read.log_kappa(post, at)


def _with_factors(known: Known, at: Any, eta: Floats) -> Floats:
    """Add what clusters are made of, and average over every other factor."""
    (found,) = placed(
        known.levels, known.made, cluster_codes(known.levels),
        [eta.reshape(len(eta), -1, eta.shape[3])],
        lambda factor, new: _effect(known, factor, at, new),
    )  # fmt: skip
    return found.reshape(eta.shape)


def _effect(known: Known, factor: str, at: Any, new: int) -> Floats:
    """Return a factor's effects, those of combinations never seen from a fixed sequence."""
    effect = read.flat(known.posterior, f"{names.FACTOR_EFFECT}{factor}", at)
    if not new:
        return effect
    scale = read.flat(known.posterior, f"{names.FACTOR_SCALE}{factor}", at)
    spread = stats.qmc.Halton(new * scale.shape[1], scramble=False).random(len(scale) + 1)[1:]
    fresh = ndtri(spread).reshape(len(scale), new, -1) * scale[:, None, :]
    return np.concatenate([effect, fresh], axis=1)


def _sequence(draws: int, scale: Floats) -> Floats:
    """Return one window effect a draw and outcome: an evenly spread, fixed sequence."""
    spread = stats.qmc.Halton(max(scale.shape[1], 1), scramble=False).random(draws + 1)[1:]
    effect: Floats = ndtri(spread) * scale
    return effect


@dataclass(frozen=True, slots=True)
class Law:
    """One kind of rate: its mean, its distribution and the scale it is given on.

    Attributes
    ----------
    mean
        Rate at a level on the link scale.
    cdf
        P(rate below the rate at link x), given the level and kappa.
    """

    mean: Callable[[Floats], Floats]
    cdf: Callable[[Floats, Floats, Floats], Floats]


def _sure(eta: Floats) -> Floats:
    return np.clip(expit(eta), 1e-12, 1 - 1e-12)


def _positive(eta: Floats) -> Floats:
    return np.exp(np.minimum(eta, 500))


BETA: Final = Law(
    _sure, lambda x, eta, kappa: betainc(_sure(eta) * kappa, _sure(-eta) * kappa, expit(x))
)
GAMMA: Final = Law(_positive, lambda x, eta, kappa: gammainc(kappa, kappa * _positive(x - eta)))


def quantile(law: Law, weight: Floats, eta: Floats, kappa: Floats, mass: float) -> Floats:
    """Solve for a quantile of mixtures on the link scale.

    The normal score of a mixture's distribution is nearly a straight line there, so
    false position (Illinois' rule) on the score settles in a few steps; where the mixture
    is lumpy it does not, and every third step halves the bracket instead.

    Parameters
    ----------
    law
        Beta or Gamma.
    weight, eta, kappa
        Of each component: (component, mixture).
    mass
        Probability below the quantile.

    Returns
    -------
    numpy.ndarray
        Rates: (mixture,).
    """
    target = ndtri(mass)
    low, high = eta.min(axis=0) - _REACH, eta.max(axis=0) + _REACH
    answer = np.empty(low.size)
    left = np.arange(low.size)

    def score(x: Floats) -> Floats:
        share = (weight[:, left] * law.cdf(x, eta[:, left], kappa[:, left])).sum(axis=0)
        found: Floats = ndtri(np.clip(share, _TAIL, 1 - _TAIL)) - target
        return found

    # A quantile beyond the bracket is taken for its end.
    below, above = np.minimum(score(low), -_TAIL), np.maximum(score(high), _TAIL)
    last = np.zeros(low.size)
    for step in range(1, _STEPS + 1):
        x = (low * above - high * below) / (above - below)
        if step % 3 == 0:
            x = (low + high) / 2
        found = score(x)
        answer[left] = x
        # Twice on one side: the other end is pulled in by half.
        under = found < 0
        stuck = np.where(np.where(under, 1, -1) == last, 0.5, 1.0)
        below, above = np.where(under, found, below * stuck), np.where(under, above * stuck, found)
        low, high = np.where(under, x, low), np.where(under, high, x)
        last = np.where(under, 1, -1)
        going = (np.abs(found) > _CLOSE) & (high - low > _NARROW)
        if not going.any():
            break
        left = left[going]
        low, high, below, above, last = (v[going] for v in (low, high, below, above, last))
    return law.mean(answer)
