"""Rates: what a table of beliefs says of each pair's next cell, without drawing anything.

Given one draw of the population and of the artist's own effects, the rate of the next
cell is a mixture over membership of two Beta (or Gamma) laws; over draws it is a larger
mixture. Its mean and quantiles are found from the mixture itself. A fresh window's
effect enters as one normal quantile a draw, a fixed sequence, so that equal beliefs
give equal tables.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import xarray as xr
from scipy import stats
from scipy.special import betainc, expit, gammainc, ndtri

from coterie import names
from coterie.beliefs import population as read
from coterie.beliefs.design import as_labels, lookup
from coterie.beliefs.membership import conditional_log_odds, member_probability
from coterie.beliefs.rows import Known
from coterie.beliefs.tree import Beliefs
from coterie.typing import Floats

_DRAWS = 100
_STEPS = 9
_REACH = 6.0
_TAIL = 1e-12


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
        ``mean``, ``lower`` and ``upper`` over (artist, cluster, outcome), in rates of
        [0, 1] or events per unit of exposure; factors stand at their average level.
    """
    known = Known.of(beliefs)
    levels = known.levels
    own = lookup(as_labels(list(artists)), levels.artists)
    at = np.unique(np.linspace(0, known.size - 1, min(_DRAWS, known.size)).round().astype(int))
    eta, uplift, log_kappa, member = _laid_out(known, own, at)
    tables = {
        name: np.empty((own.size, len(levels.clusters), len(levels.outcomes)))
        for name in ("mean", "lower", "upper")
    }
    for o, outcome in enumerate(levels.outcomes):
        both = np.concatenate([eta[..., o], eta[..., o] + uplift[:, None, None, o]])
        weight = np.concatenate([1 - member, member]) / len(at)
        kappa = np.concatenate([np.exp(log_kappa[..., o])] * 2)[:, None, :]
        kappa = np.broadcast_to(np.minimum(kappa, 1e12), both.shape)
        law = _beta(both, kappa) if outcome.kind == "binary" else _gamma(both, kappa)
        tables["mean"][..., o] = (weight * law[0]).sum(axis=0)
        for name, mass in (("lower", (1 - prob) / 2), ("upper", (1 + prob) / 2)):
            tables[name][..., o] = _quantile(law[1], law[2], weight, both, mass)
    dims = (names.ARTIST, names.CLUSTER, names.OUTCOME)
    coords = {
        names.ARTIST: levels.artists[own],
        names.CLUSTER: levels.clusters,
        names.OUTCOME: levels.outcome_names,
    }
    return xr.Dataset({k: (dims, v) for k, v in tables.items()}, coords=coords)


def _laid_out(known: Known, own: Any, at: Any) -> tuple[Floats, Floats, Floats, Floats]:
    """Return level (draw, artist, cluster, outcome), uplift, log kappa, and P(member)."""
    post, made, stated = known.posterior, known.made, known.stated
    phi = read.phi(post, made, known.levels, stated, at)
    effect = np.ascontiguousarray(read.flat(post, names.ARTIST_EFFECT, at))
    affinity = read.flat(post, names.AFFINITY, at).astype(np.float64)
    pairs = np.ascontiguousarray(affinity[:, made.pair_artist, made.pair_cluster])
    low, high = conditional_log_odds(made, phi, effect, (pairs, pairs))
    member, _ = member_probability(high - low, made, phi, homes=stated.code)
    window = _sequence(len(at), read.flat(post, names.PERIOD_SCALE, at))
    level = (
        read.flat(post, names.ALPHA, at)[:, None, :]
        + read.flat(post, names.CLUSTER_EFFECT, at)
        + window[:, None, :]
    )
    eta = (
        level[:, None]
        + effect[:, own, None, :]
        + phi.loading[:, None, None, :] * affinity[:, own, :, None]
    )
    return eta, phi.uplift, phi.log_kappa, member[:, own]


def _sequence(draws: int, scale: Floats) -> Floats:
    """Return one window effect a draw and outcome: an evenly spread, fixed sequence."""
    spread = stats.qmc.Halton(max(scale.shape[1], 1), scramble=False).random(draws + 1)[1:]
    effect: Floats = ndtri(spread) * scale
    return effect


def _beta(eta: Floats, kappa: Floats) -> tuple[Floats, Callable[..., Floats], Any]:
    mu = np.clip(expit(eta), 1e-12, 1 - 1e-12)
    a, b = mu * kappa, (1 - mu) * kappa
    return mu, lambda x: betainc(a, b, expit(x)), expit


def _gamma(eta: Floats, kappa: Floats) -> tuple[Floats, Callable[..., Floats], Any]:
    mean = np.exp(np.minimum(eta, 500))
    return mean, lambda x: gammainc(kappa, kappa * np.exp(np.minimum(x - eta, 500))), np.exp


def _quantile(
    cdf: Callable[..., Floats], back: Any, weight: Floats, eta: Floats, mass: float
) -> Floats:
    """Solve for a quantile of the mixture on the link scale.

    The normal score of the mixture's distribution is nearly a straight line there, so
    false position (Illinois' rule) on the score settles in a few steps.
    """
    target = ndtri(mass)

    def score(x: Floats) -> Floats:
        share = (weight * cdf(x)).sum(axis=0)
        found: Floats = ndtri(np.clip(share, _TAIL, 1 - _TAIL)) - target
        return found

    low, high = eta.min(axis=0) - _REACH, eta.max(axis=0) + _REACH
    below, above = score(low), score(high)
    last = np.zeros(low.shape)
    for _ in range(_STEPS):
        x = (low * above - high * below) / (above - below)
        found = score(x)
        left = found < 0
        # Twice on one side: the other end is pulled in by half.
        stuck = np.where(np.where(left, 1, -1) == last, 0.5, 1.0)
        below, above = np.where(left, found, below * stuck), np.where(left, above * stuck, found)
        low, high = np.where(left, x, low), np.where(left, high, x)
        last = np.where(left, 1, -1)
    answer: Floats = back((low * above - high * below) / (above - below))
    return answer
