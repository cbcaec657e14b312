"""Families: the kinds of world on which the inference is put to the test.

A family states everything that is drawn before a fit: parameters from priors, members
from their prior, cells from the model. Callers may trust that a replication's truth is
drawn from exactly the prior that is fitted, which is what calibration is about.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

import numpy as np
import pandas as pd
import xarray as xr

from coterie import names
from coterie.beliefs import MembershipPrior, ParameterPrior, PopulationPrior
from coterie.evidence import Evidence, Outcome, simulate
from coterie.typing import Floats

OUTCOMES: Final[tuple[Outcome, ...]] = tuple(
    outcome for outcome in simulate.OUTCOMES if outcome.name in {"save", "depth"}
)
"""One binary outcome and one count, which share each pair's affinity."""

_SHARES: Final = (0.4, 0.3, 0.2, 0.1)
_ELSEWHERE: Final = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """A kind of world to replicate.

    Attributes
    ----------
    name, sentence
        What it is called, and what is hard about it.
    artists, clusters
        Artists that are fitted, and named clusters. One artist more is drawn and never shown.
    homes
        One home an artist, or many memberships.
    population
        Prior of the population parameters: drawn from, and fitted with.
    sizes
        Bounds of log-uniform denominators, in people; ``None``: about 400.
    windows
        Windows of 28 days.
    lost
        Share of rows that lose one of their outcomes, chosen at random.
    """

    name: str
    sentence: str
    artists: int = 12
    clusters: int = 4
    homes: Literal["one", "many"] = "one"
    population: PopulationPrior = PopulationPrior()
    sizes: tuple[float, float] | None = None
    windows: int = 1
    lost: float = 0.0


@dataclass(frozen=True, slots=True)
class Replicate:
    """One world of a family: what is fitted, what is held back, and the truth.

    Attributes
    ----------
    frame
        Table of the artists shown.
    later
        The next window of all artists, the one never shown among them.
    later_truth
        ``rate`` (row, outcome) of ``later``.
    truth
        Of the world shown.
    shown
        Rows of the truth's ``rate`` that are in ``frame``.
    prior
        Of membership, for all artists.
    """

    frame: pd.DataFrame
    later: pd.DataFrame
    later_truth: xr.Dataset
    truth: xr.Dataset
    shown: Floats
    prior: MembershipPrior


def draw(family: Family, rng: np.random.Generator) -> Replicate:
    """Draw one world of a family."""
    chances = np.resize(_SHARES, family.clusters)
    shares = chances / chances.sum()
    drawn = simulate.world(
        artists=family.artists + 1,
        clusters=family.clusters,
        homes=family.homes,
        parameters=family.population.draw(OUTCOMES, rng=rng),
        outcomes=OUTCOMES,
        sizes=family.sizes,
        windows=family.windows,
        elsewhere=_ELSEWHERE,
        shares=shares.tolist() if family.homes == "one" else None,
        pi=chances.tolist(),
        rng=rng,
    )
    clusters = drawn.truth[names.CLUSTER].to_numpy().tolist()
    prior = MembershipPrior.from_shares(
        dict(zip(clusters, shares.tolist(), strict=True)),
        prob=dict(zip(clusters, chances.tolist(), strict=True)),
        elsewhere=_ELSEWHERE,
    )
    truth = drawn.truth
    hidden = truth[names.ARTIST].to_numpy()[-1]
    shown = (drawn.frame[names.ARTIST] != hidden).to_numpy()
    frame = _lose(drawn.frame[shown].reset_index(drop=True), family.lost, rng)
    later = simulate.later(drawn, rng=rng)
    return Replicate(frame, later.frame, later.truth, truth, shown, prior)


def read(frame: pd.DataFrame) -> Evidence:
    """Read a world's table."""
    dated = {"window": "28D"} if names.PERIOD_START in frame else {}
    return Evidence.from_frame(frame, outcomes=OUTCOMES, **dated)  # type: ignore[arg-type]


def _lose(frame: pd.DataFrame, share: float, rng: np.random.Generator) -> pd.DataFrame:
    """Take one outcome from some rows: every row keeps the other."""
    if not share:
        return frame
    lost = rng.random(len(frame)) < share
    which = rng.integers(len(OUTCOMES), size=len(frame))
    kept = frame.astype({o.numerator: np.float64 for o in OUTCOMES})
    for i, outcome in enumerate(OUTCOMES):
        kept.loc[lost & (which == i), outcome.numerator] = np.nan
    return kept


_RARE: Final = PopulationPrior().replace(
    outcome="save", alpha=ParameterPrior.normal(float(np.log(0.001)), 0.5)
)
_ALL: Final = (
    Family(name="one-home", sentence="12 artists, 4 clusters, about 400 listeners a cell"),
    Family(name="many-homes", sentence="20 artists, many memberships", artists=20, homes="many"),
    Family(name="unequal-sizes", sentence="cells of 20 to 1,000,000 listeners", sizes=(20, 1e6)),
    Family(name="rare-outcomes", sentence="1 save in 1,000 listeners", population=_RARE),
    Family(name="missing-outcomes", sentence="half the rows lack one outcome", lost=0.5),
    Family(name="window-drift", sentence="three windows of 28 days", windows=3),
)
FAMILIES: Final[Mapping[str, Family]] = MappingProxyType({f.name: f for f in _ALL})
