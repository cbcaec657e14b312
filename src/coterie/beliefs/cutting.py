"""Cutting: the observations of some artists, as a design of their own."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from coterie.beliefs.design import Design
from coterie.typing import Flags, Integers

_BY_OBSERVATION: Final = (
    "y", "n", "outcome", "cluster", "window", "informs", "is_count", "cell",
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
    kept = np.isin(made.artist, owners)
    pairs, pair = np.unique(made.pair[kept], return_inverse=True)
    weight = made.weight if gone is None else np.where(gone, 0.0, made.weight)
    return replace(
        made,
        **{name: getattr(made, name)[kept] for name in _BY_OBSERVATION},
        artist=np.searchsorted(owners, made.artist[kept]),
        weight=weight[kept],
        pair=pair.astype(np.int64),
        pair_artist=np.searchsorted(owners, made.pair_artist[pairs]),
        pair_cluster=made.pair_cluster[pairs],
        frequency=None if made.frequency is None else made.frequency[kept],
        factor=tuple(codes[kept] for codes in made.factor),
        covariate=tuple(values[kept] for values in made.covariate),
        ages=None if made.ages is None else made.ages.cut(kept),
    )
