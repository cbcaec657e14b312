"""Cutting: the observations of some artists, as a design of their own."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from coterie.beliefs.design import Design
from coterie.typing import Flags, Integers

_BY_OBSERVATION: Final = (
    "y", "n", "outcome", "artist", "cluster", "window", "informs", "is_count", "weight", "pair",
    "cell",
)  # fmt: skip


def cut_to(made: Design, owners: Integers, *, gone: Flags | None = None) -> Design:
    """Keep some artists, and of them all but what is gone.

    Parameters
    ----------
    made
        Observations of all artists.
    owners
        Codes of the artists to keep, in order; they are counted from 0 again.
    gone
        Observations that are to weigh nothing: (observation,).
    """
    found = observed_of(made, owners)
    pairs, pair = np.unique(found.pair, return_inverse=True)
    weight = found.weight
    if gone is not None:
        weight = np.where(gone[np.isin(made.artist, owners)], 0.0, weight)
    return replace(
        found,
        artist=np.searchsorted(owners, found.artist),
        weight=weight,
        pair=pair.astype(np.int64),
        pair_artist=np.searchsorted(owners, made.pair_artist[pairs]),
        pair_cluster=made.pair_cluster[pairs],
    )


def observed_of(made: Design, owners: Integers) -> Design:
    """Keep the observations of some artists; artists and pairs keep their numbers."""
    kept = np.isin(made.artist, owners)
    if kept.all():
        return made
    return replace(
        made,
        **{name: getattr(made, name)[kept] for name in _BY_OBSERVATION},
        frequency=None if made.frequency is None else made.frequency[kept],
        factor=tuple(codes[kept] for codes in made.factor),
        covariate=tuple(values[kept] for values in made.covariate),
        ages=None if made.ages is None else made.ages.cut(kept),
    )
