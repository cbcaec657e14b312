"""Rates by level: what each level of a factor does in each cluster, all else alike.

One artist with no effect and no affinity of its own is reached with each level in
turn; other factors are averaged as the cluster's ledger has them. Callers may trust that the
levels of one draw share everything but the level itself, so that their ratio is the level's.
"""

from __future__ import annotations

import numpy as np
import xarray as xr
from scipy.special import expit

from coterie import names
from coterie.beliefs import population as read
from coterie.beliefs.left_out import cluster_codes, placed
from coterie.beliefs.rows import Known, covariate_means, sloped
from coterie.beliefs.tree import Beliefs, refuse_partial
from coterie.errors import BeliefError
from coterie.typing import Floats, Integers

LEVEL = "level"
DRAWS = 1000
"""Draws of the posterior that are used, at most."""


def level_rates(beliefs: Beliefs, factor: str, *, rng: np.random.Generator) -> xr.Dataset:
    """Return the mean rates of each level of a factor in each cluster.

    Parameters
    ----------
    beliefs
        Fitted beliefs.
    factor
        One whose levels can be chosen: not crossed, not part of a cluster.
    rng
        Source of chance: combinations never seen are drawn from their population.

    Returns
    -------
    xarray.Dataset
        ``rate`` over (draw, level, cluster, outcome): shares of people in [0, 1], or events
        per unit of exposure, of no more than 1000 draws; ``reached``, the denominators of the
        ledger, over (level, cluster, outcome).

    Raises
    ------
    BeliefError
        If the factor is none, or follows from other labels.
    """
    refuse_partial(beliefs)
    known = Known.of(beliefs)
    levels = known.levels
    free = [f for f in levels.factors if f not in levels.crossed and f not in levels.parts]
    if factor not in free:
        raise BeliefError(
            f"{factor!r} is no factor whose levels can be chosen; these beliefs have "
            f"{', '.join(map(repr, free)) or 'none'}. Name one of them, or read the table with "
            f"factors=[{factor!r}]."
        )
    at = np.unique(np.linspace(0, known.size - 1, min(DRAWS, known.size)).round().astype(np.int64))
    rate = _rates(known, factor, at, rng)
    shape = (at.size, len(levels.factors[factor]), len(levels.clusters), len(levels.outcomes))
    dims = (LEVEL, names.CLUSTER, names.OUTCOME)
    return xr.Dataset(
        {
            names.RATE: ((names.DRAW, *dims), rate.reshape(shape)),
            "reached": (dims, _reached(known, factor)),
        },
        coords={
            LEVEL: levels.factors[factor],
            names.CLUSTER: levels.clusters,
            names.OUTCOME: levels.outcome_names,
        },
    )


def _rates(known: Known, factor: str, at: Integers, rng: np.random.Generator) -> Floats:
    """Return rates over (draw, level by cluster, outcome)."""
    post, levels = known.posterior, known.levels
    size, clusters = len(levels.factors[factor]), len(levels.clusters)
    level = (
        read.flat(post, names.ALPHA, at)[:, None, :]
        + read.flat(post, names.CLUSTER_EFFECT, at)
        + sloped(post, at, covariate_means(known))
    )
    given = {name: np.tile(codes, size) for name, codes in cluster_codes(levels).items()}
    given[factor] = np.repeat(np.arange(size), clusters)

    def effect(name: str, new: int) -> Floats:
        own = read.flat(post, f"{names.FACTOR_EFFECT}{name}", at)
        scale = read.flat(post, f"{names.FACTOR_SCALE}{name}", at)
        fresh = rng.standard_normal((len(own), new, own.shape[2])) * scale[:, None, :]
        return np.concatenate([own, fresh], axis=1)

    (eta,) = placed(levels, known.made, given, [np.tile(level, (1, size, 1))], effect)
    binary = np.array([outcome.kind == "binary" for outcome in levels.outcomes])
    return np.where(binary, expit(eta), np.exp(np.minimum(eta, 700)))


def _reached(known: Known, factor: str) -> Floats:
    made, levels = known.made, known.levels
    place = list(levels.factors).index(factor)
    shape = (len(levels.factors[factor]), len(levels.clusters), len(levels.outcomes))
    at = np.ravel_multi_index((made.factor[place], made.cluster, made.outcome), shape)
    total: Floats = np.bincount(at, made.n, int(np.prod(shape))).reshape(shape)
    return total
