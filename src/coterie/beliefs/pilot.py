"""Pilot: a rough Gaussian reading of every observation, to lay out the sampler's coordinates.

A sampler walks well when what it moves is nearly independent and of one scale.
The model therefore moves artist effects and affinities in units of what the
counts leave open about them, and for that it needs, per observation, a working
response ``e`` and its information ``i`` (as in iteratively reweighted least
squares). A bad pilot costs time and not truth, but where evidence fades: there the information of
a window is part of how its power is defined (:mod:`coterie.beliefs.fading`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from coterie.beliefs.design import Design, Levels
from coterie.typing import Floats, Integers

_BORROWED_PEOPLE = 20.0
_BORROWED_EVENTS = 2.0
_TYPICAL_SCALE = 0.3
_TYPICAL_SCATTER = 0.2


@dataclass(frozen=True, slots=True)
class Pilot:
    """Working responses, and how well the counts know each group's level.

    Attributes
    ----------
    response, information
        Working log odds (log rate) and its information without overdispersion, before any
        fading: (observation,).
    scatter
        Variance between cells that a kappa of 1 makes on the scale of levels: (outcome,).
    cluster, period
        Information of the counts on a typical group's level: (outcome,).
    thin_pair, thin_artist
        How thin the counts of pairs, and of artists, are: from 0, where each level is known, to 1,
        where only their mean is; (outcome,).
    factor
        The same information for each factor.
    """

    response: Floats
    information: Floats
    scatter: Floats
    cluster: Floats
    period: Floats
    thin_pair: Floats
    thin_artist: Floats
    factor: tuple[Floats, ...]


def pilot(made: Design, levels: Levels) -> Pilot:
    """Read every observation as if it were Gaussian."""
    outcomes = len(levels.outcomes)
    people = np.ones(made.y.size) if made.frequency is None else made.frequency
    units = people * made.weight
    above = np.bincount(made.outcome, made.y * units, outcomes)
    below = np.bincount(made.outcome, made.n * units, outcomes)
    pooled = ((above + 0.5) / (below + 1.0))[made.outcome]
    # A count has no log odds: its share is set aside at one half.
    share = np.where(made.is_count, 0.5, np.clip(pooled, 1e-7, 1 - 1e-7))
    binary = _binary(np.where(made.is_count, 0.0, made.y), made.n, share)
    count = _count(made.y, made.n, pooled)
    response = np.where(made.is_count, count[0], binary[0])
    information = np.where(made.is_count, count[1], binary[1])
    each = information / (1 + information * _TYPICAL_SCATTER)
    usable = units * each
    # The law of windows' effects fades with their rows, so that their information stays.
    standing = people * each * (made.weight > 0)
    clusters, windows = len(levels.clusters), len(levels.windows)
    period = made.cluster * windows + made.window
    return Pilot(
        response=response,
        information=information,
        scatter=_scatter(levels, (above + 0.5) / (below + 1.0)),
        cluster=_typical(usable, made.cluster, made.outcome, clusters, outcomes),
        period=_typical(standing, period, made.outcome, clusters * windows, outcomes),
        thin_pair=_thin(each, made.pair, made.outcome, outcomes),
        thin_artist=_thin(each, made.artist, made.outcome, outcomes),
        factor=tuple(
            _typical(usable, codes, made.outcome, len(known), outcomes)
            for codes, known in zip(made.factor, levels.factors.values(), strict=True)
        ),
    )


def axes(made: Design, rough: Pilot) -> tuple[Floats, Floats]:
    """Return where the counts know covariates best, and axes along which slopes are apart.

    Returns
    -------
    middle
        Mean of each covariate by information: (covariate,).
    map
        From coordinates of unit spread to slopes: (covariate, covariate).
    """
    values = np.stack(made.covariate)
    share = rough.information * made.weight
    share = share / max(share.sum(), 1e-300)
    middle = values @ share
    apart = (values - middle[:, None]) * np.sqrt(share)
    spread = np.maximum(np.sqrt((apart**2).sum(axis=1)), 1e-300)
    root = np.linalg.qr((apart / spread[:, None]).T, mode="r")
    # Nearly collinear covariates: an axis may be long, not endless.
    ridge = root.T @ root + 1e-12 * np.eye(len(values))
    return middle, np.linalg.inv(np.linalg.cholesky(ridge).T) / spread[:, None]


def _binary(y: Floats, n: Floats, pooled: Floats) -> tuple[Floats, Floats]:
    near = (y + _BORROWED_PEOPLE * pooled) / (n + _BORROWED_PEOPLE)
    information = n * near * (1 - near)
    return np.log(near) - np.log1p(-near) + (y - n * near) / information, information


def _count(y: Floats, n: Floats, pooled: Floats) -> tuple[Floats, Floats]:
    near = (y + _BORROWED_EVENTS) / (n + _BORROWED_EVENTS / pooled)
    information = n * near
    return np.log(near) + (y - information) / information, information


def _scatter(levels: Levels, pooled: Floats) -> Floats:
    """Return 1 of counts; 1 over the variance of one trial of shares."""
    share = np.clip(pooled, 1e-7, 1 - 1e-7)
    counted = [outcome.kind == "count" for outcome in levels.outcomes]
    return np.where(counted, 1.0, 1.0 / (share * (1 - share)))


def _thin(each: Floats, group: Integers, outcome: Integers, outcomes: int) -> Floats:
    flat = group * outcomes + outcome
    known, there = np.bincount(flat, each), np.bincount(flat)
    of = np.arange(known.size) % outcomes
    share = np.where(there > 0, 1 / (1 + known), 0.0)
    count = np.bincount(of, there > 0, outcomes)
    found: Floats = np.bincount(of, share, outcomes) / np.maximum(count, 1)
    return found


def _typical(
    usable: Floats, group: Integers, outcome: Integers, groups: int, outcomes: int
) -> Floats:
    """Return the information that settles the mean share of a typical effect's variance."""
    flat = np.bincount((group * outcomes + outcome).astype(np.int64), usable, groups * outcomes)
    known = flat.reshape(groups, outcomes) * _TYPICAL_SCALE**2
    share = np.mean(known / (1 + known), axis=0)
    information: Floats = share / (1 - share) / _TYPICAL_SCALE**2
    return information
