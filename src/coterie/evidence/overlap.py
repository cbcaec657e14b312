"""Overlap: one set of listeners booked under several clusters.

Clusters of one export may share people. A table shows it where an artist's
counts agree to the last person in two clusters, more often than chance would
have it in a table of such counts. Repairs nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from coterie.errors import Problem
from coterie.evidence.checks import key_codes, period_codes, row_key
from coterie.evidence.parts import Parts, combined, repeated
from coterie.evidence.wording import of_rows
from coterie.names import CLUSTER
from coterie.typing import Flags, Integers

_PEOPLE: Final = 100
_ODDS: Final = 3.0


def same_listeners(parts: Parts) -> list[Problem]:
    """Warn where one artist's counts are identical in two clusters of one period.

    Parameters
    ----------
    parts
        A table taken apart. Rows of more than 100 people are compared, on every
        numerator and denominator.
    """
    tops = [parts.numerator(outcome) for outcome in parts.outcomes]
    bottoms = [parts.denominator(outcome) for outcome in parts.outcomes]
    many = np.logical_or.reduce(
        [(b > _PEOPLE) & (t > 0) for t, b in zip(tops, bottoms, strict=True)]
    )
    rows = np.flatnonzero(many)
    key = combined([key_codes(row_key(parts, without=[CLUSTER])), *period_codes(parts)])
    counts = [*tops, *bottoms]
    met = rows[repeated(_mixed([key, *counts], rows))]
    alike = np.zeros(parts.n_rows, dtype=bool)
    alike[met] = _identical(key, counts, parts.labels[CLUSTER].codes, met)
    if not alike.any() or not _beyond_chance(key[rows], _mixed(counts, rows)):
        return []
    return of_rows(
        "same-listeners", "warning", parts.layout.cluster, alike,
        what="one artist has the same counts in several clusters", shows=parts.place,
        fix="These are likely the same listeners counted under each cluster; count each listener "
        "in one cluster, or beliefs will be too sure.",
    )  # fmt: skip


def _identical(
    key: Integers, counts: Sequence[NDArray[Any]], cluster: Integers, rows: Integers
) -> Flags:
    seen = pd.DataFrame(np.column_stack([c[rows] for c in counts])).assign(key=key[rows])
    # Two rows of one cluster are duplicates, which is another rule.
    within = seen.assign(cluster=cluster[rows])
    alike: Flags = (
        seen.duplicated(keep=False).to_numpy() & ~within.duplicated(keep=False).to_numpy()
    )
    return alike


def _beyond_chance(key: Integers, counts: NDArray[np.uint64]) -> bool:
    """Whether equal counts meet within a key more often than between keys.

    Small or constant counts agree everywhere; listeners booked twice agree where the
    artist and the period do.
    """
    within, all_within = _pairs(combined([key_codes(key), _codes(counts)])), _pairs(key)
    between, all_between = _pairs(counts) - within, _pairs(np.zeros(key.size)) - all_within
    chance = between / all_between if all_between else 0.0
    return within > _ODDS * chance * all_within


def _pairs(numbers: NDArray[Any]) -> float:
    sizes = np.unique(numbers, return_counts=True)[1].astype(np.float64)
    return float((sizes * (sizes - 1)).sum() / 2)


def _codes(numbers: NDArray[np.uint64]) -> Integers:
    return np.unique(numbers, return_inverse=True)[1].astype(np.int64)


def _mixed(columns: Sequence[NDArray[Any]], rows: Integers) -> NDArray[np.uint64]:
    """Mix columns into one number a row; equal rows mix alike, unequal ones hardly ever."""
    mixture = np.zeros(rows.size, dtype=np.uint64)
    for column in columns:
        bits = np.ascontiguousarray(column[rows] + 0).view(np.uint64)
        mixture = (mixture ^ bits ^ (bits >> np.uint64(29))) * np.uint64(0x9E3779B97F4A7C15)
        mixture ^= mixture >> np.uint64(32)
    return mixture
