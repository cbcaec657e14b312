"""Poststratify: rates among a stated audience, whoever the ledger happened to reach.

Each cell's rate is averaged over the levels of factors by shares somebody states: what an
audience of other contexts, countries or surfaces would do. Callers may trust that shares are
used as stated and sum to 1, and that one draw of the population serves all levels.

Source: Gelman and Little (1997), Poststratification into many categories using hierarchical
logistic regression.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr

from coterie import names
from coterie.beliefs.checked import BY_HAND
from coterie.beliefs.design import lookup
from coterie.beliefs.predicting import predict
from coterie.beliefs.rows import Known, covariate_means
from coterie.beliefs.tree import Beliefs, refuse_partial
from coterie.errors import BeliefError
from coterie.evidence import Evidence

SHARE: Final = "share"
_ROWS: Final = 2000

type Audience = Mapping[str, Mapping[Any, float]] | pd.DataFrame


def poststratify(
    beliefs: Beliefs,
    audience: Audience,
    *,
    artists: Sequence[Any] | None = None,
    rng: np.random.Generator,
) -> xr.Dataset:
    """Average the next cell's rates over a stated audience.

    Parameters
    ----------
    beliefs
        Of a table with factors.
    audience
        ``{factor: {level: share}}``, each factor's shares summing to 1 and factors apart from
        one another; or a table with a column for each factor, ``share``, and ``cluster`` where
        clusters have audiences of their own: shares of combinations, summing to 1 (in each
        cluster). Factors that are not named are averaged as the ledger has them.
    artists
        Labels wanted, in order; left out, all.
    rng
        Source of all chance.

    Returns
    -------
    xarray.Dataset
        ``rate`` (chain, draw, artist, cluster, binary_outcome) in [0, 1], and ``intensity``
        (chain, draw, artist, cluster, count_outcome), events per unit of exposure. Covariates
        stand at their mean in each cluster's ledger.

    Raises
    ------
    BeliefError
        If a factor or level is unknown, or shares do not sum to 1.

    Examples
    --------
    >>> audience = {"surface": {"playlist": 0.7, "radio": 0.3}}
    >>> rates = co.poststratify(beliefs, audience, rng=rng)  # doctest: +SKIP
    """
    refuse_partial(beliefs)
    known = Known.of(beliefs)
    named, shares = _table(audience, known)
    wanted = known.levels.artists if artists is None else chosen_artists(artists, known)
    clusters = known.levels.clusters
    weight = shares.to_numpy()
    step = max(1, _ROWS // weight.size)
    found = []
    for first in range(0, len(wanted), step):
        some = wanted[first : first + step]
        rows = every_pair(beliefs.evidence, known, some, named)
        drawn = predict(beliefs, rows, rng=rng)
        found.append(averaged(drawn, weight, some, clusters))
    return xr.concat(found, dim=names.ARTIST)


def _table(audience: Audience, known: Known) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return combinations of levels, and the share of each in every cluster: (cluster, row)."""
    factors = _own_factors(known)
    if not factors:
        raise BeliefError(
            "These beliefs know no factor to average over. Read the table with factors=(...)."
        )
    frame = _product(audience) if isinstance(audience, Mapping) else audience.copy()
    if SHARE not in frame:
        raise BeliefError(f"The audience has columns {list(frame)} and none is {SHARE!r}. Add it.")
    columns = [c for c in frame.columns if c not in (SHARE, names.CLUSTER)]
    _check_levels(frame, columns, known)
    by_cluster = names.CLUSTER in frame
    named = frame[columns].drop_duplicates().reset_index(drop=True)
    clusters = known.levels.clusters.tolist()
    index = pd.MultiIndex.from_frame(named)
    lines = {}
    for cluster in clusters:
        own = frame[frame[names.CLUSTER] == cluster] if by_cluster else frame
        lines[cluster] = _line(own, columns, index, f" in cluster {cluster!r}" * by_cluster)
    return named, pd.DataFrame(lines).T


def _product(audience: Mapping[str, Mapping[Any, float]]) -> pd.DataFrame:
    for factor, levels in audience.items():
        if not isinstance(levels, Mapping):
            raise BeliefError(
                f"The audience says {levels!r} of {factor!r}; say a share of each level, "
                "{'morning': 0.3, 'night': 0.7}."
            )
        _check_shares(np.array(list(levels.values()), dtype=float), f" of {factor!r}")
    rows = [
        dict(zip(audience, levels, strict=True))
        | {SHARE: np.prod([audience[f][v] for f, v in zip(audience, levels, strict=True)])}
        for levels in itertools.product(*audience.values())
    ]
    return pd.DataFrame(rows)


def _line(own: pd.DataFrame, columns: list[str], index: pd.MultiIndex, where: str) -> Any:
    _check_shares(own[SHARE].to_numpy(dtype=float), where)
    twice = own.duplicated(columns)
    if twice.any():
        first = own.loc[twice, columns].iloc[0].to_dict()
        raise BeliefError(f"The audience names {first} twice{where}. Give one share for each.")
    return (
        own.set_index(pd.MultiIndex.from_frame(own[columns]))[SHARE]
        .reindex(index)
        .fillna(0.0)
        .to_numpy()
    )


def _check_shares(shares: Any, where: str) -> None:
    if not np.all(shares >= 0) or abs(shares.sum() - 1) > BY_HAND:
        raise BeliefError(
            f"The shares{where} sum to {shares.sum():.6g} over {shares.size} levels; they must be "
            "at least 0 and sum to 1. Divide by their total."
        )


def _check_levels(frame: pd.DataFrame, columns: list[str], known: Known) -> None:
    factors = _own_factors(known)
    if not columns:
        raise BeliefError(f"The audience names no factor; these beliefs know {list(factors)}.")
    for column in columns:
        if column not in factors:
            raise BeliefError(
                f"The audience names {column!r}, and these beliefs know the factors "
                f"{list(factors)}. Rename it, or leave it out."
            )
        strange = [v for v in frame[column].unique().tolist() if v not in factors[column].tolist()]
        if strange:
            raise BeliefError(
                f"The audience names level {strange[0]!r} of {column!r}; {len(strange)} of "
                f"{frame[column].nunique()} levels are unknown. Known: "
                f"{', '.join(map(repr, factors[column].tolist()))}."
            )
    if names.CLUSTER in frame:
        absent = set(known.levels.clusters.tolist()) ^ set(frame[names.CLUSTER].unique().tolist())
        if absent:
            raise BeliefError(
                f"The audience and these beliefs do not name the same clusters: "
                f"{sorted(map(str, absent))[0]!r} is in one of them only. State all, or none."
            )


def _own_factors(known: Known) -> dict[str, Any]:
    """Return factors that an audience may have shares of: no other label decides them."""
    levels = known.levels
    away = {*levels.crossed, *levels.parts}
    return {factor: own for factor, own in levels.factors.items() if factor not in away}


def chosen_artists(artists: Iterable[Any], known: Known) -> Any:
    """Return labels of artists as the beliefs write them, and refuse those they do not know."""
    wanted = [artists] if isinstance(artists, str) else list(artists)
    if not wanted:
        raise BeliefError("artists is empty. Name one or more, or leave it out for all of them.")
    there = set(known.levels.artists.tolist())
    absent = [artist for artist in wanted if artist not in there]
    if absent:
        raise BeliefError(
            f"No beliefs about artist {absent[0]!r}; {len(absent)} of {len(wanted)} are unknown."
        )
    labels = np.empty(len(wanted), dtype=known.levels.artists.dtype)
    labels[:] = wanted
    return labels


def every_pair(evidence: Evidence, known: Known, artists: Any, named: pd.DataFrame) -> Evidence:
    """Lay out one row for each artist, cluster and combination of levels; nothing is counted."""
    clusters = known.levels.clusters
    size = (len(artists), len(clusters), len(named))
    a, k, level = (at.ravel() for at in np.indices(size))
    coords: dict[str, Any] = {
        names.ARTIST: (names.ROW, artists[a]),
        names.CLUSTER: (names.ROW, clusters[k]),
        names.WINDOW: (names.ROW, np.repeat(known.levels.windows[-1:], a.size)),
    }
    coords |= {c: (names.ROW, labels[level]) for c, labels in _own_labels(named, known).items()}
    means = covariate_means(known)
    for covariate, mean in zip(known.levels.covariates, means, strict=True):
        # A rate has one value of a covariate: the first outcome's mean.
        centre, unit = float(covariate.centre or 0.0), float(covariate.unit or 1.0)
        coords[covariate.name] = (names.ROW, centre + unit * mean[k, 0])
    outcomes = [o.name for o in evidence.outcomes]
    empty = np.full((a.size, len(outcomes)), np.nan)
    counts = xr.Dataset(
        dict.fromkeys((names.NUMERATOR, names.DENOMINATOR), ((names.ROW, names.OUTCOME), empty)),
        coords=coords | {names.ROW: np.arange(a.size), names.OUTCOME: outcomes},
    )
    return replace(evidence, counts=counts, factors=tuple(map(str, named.columns)), warnings=())


def _own_labels(named: pd.DataFrame, known: Known) -> dict[str, Any]:
    """Return levels as the beliefs write them, whole numbers as whole numbers."""
    factors = known.levels.factors
    return {c: factors[c][lookup(named[c].to_numpy(), factors[c])] for c in map(str, named)}


def averaged(drawn: xr.Dataset, weight: Any, artists: Any, clusters: Any) -> xr.Dataset:
    """Average rows over combinations of levels, and lay them out by artist and cluster."""
    found = {}
    for name, dim in ((names.RATE, names.BINARY_OUTCOME), (names.INTENSITY, names.COUNT_OUTCOME)):
        values = drawn[name].transpose(names.CHAIN, names.DRAW, names.ROW, dim).to_numpy()
        wide = values.reshape(*values.shape[:2], len(artists), *weight.shape, values.shape[-1])
        mean = np.einsum("cdaklo,kl->cdako", wide, weight)
        dims = (names.CHAIN, names.DRAW, names.ARTIST, names.CLUSTER, dim)
        found[name] = (dims, mean)
    kept = (names.CHAIN, names.DRAW, names.BINARY_OUTCOME, names.COUNT_OUTCOME)
    coords = {name: drawn[name].to_numpy() for name in kept}
    return xr.Dataset(found, coords=coords | {names.ARTIST: artists, names.CLUSTER: clusters})
