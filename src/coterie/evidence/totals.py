"""Totals rows: the sum of a table booked as one of its rows.

A totals row would enter as one more artist or cluster, larger than all others.
Knows the words exports use for it, in a few languages.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from coterie.errors import Problem
from coterie.evidence.checks import key_codes, period_codes, row_key
from coterie.evidence.labels import Labels
from coterie.evidence.parts import Parts, combined
from coterie.evidence.wording import of_rows
from coterie.names import ARTIST, CLUSTER
from coterie.typing import Flags, Integers

TOTAL: Final = frozenset(
    {
        "total", "totals", "grand total", "grand totals", "overall total", "total general",
        "total général", "subtotal", "sub-total", "sub total", "sum", "summe", "gesamt",
        "gesamtsumme", "insgesamt", "zwischensumme", "totale", "totaal", "suma", "somme",
        "合計", "总计",
    }
)  # fmt: skip
"""Refused as a label wherever it stands alone."""

PERHAPS: Final = frozenset(
    {"all", "(all)", "all clusters", "all artists", "overall", "everyone", "any", "alle", "*"}
)
"""Refused only where the row is the sum of the others."""


def totals_rows(parts: Parts) -> list[Problem]:
    """Refuse rows that are totals by name, or by name and sum.

    Parameters
    ----------
    parts
        A table taken apart.
    """
    told: list[Problem] = []
    for name, column in ((ARTIST, parts.layout.artist), (CLUSTER, parts.layout.cluster)):
        labels = parts.labels[name]
        where = labels.among(_named(labels, TOTAL))
        maybe = labels.among(_named(labels, PERHAPS))
        if maybe.any():
            where |= maybe & _sums_of_others(parts, name, maybe)
        told += of_rows(
            "totals-row", "error", column, where,
            what=f"column {column!r} holds a total in place of one {name}",
            shows=lambda row, labels=labels: repr(labels.at(row)),  # type: ignore[misc]
            fix="Remove the totals; they would count everyone twice.",
        )  # fmt: skip
    return told


def _named(labels: Labels, words: frozenset[str]) -> Flags:
    if labels.values.dtype != object:
        return np.zeros(labels.values.size, dtype=bool)
    plain = (" ".join(str(v).casefold().split()).rstrip(":") for v in labels.values)
    return np.array([word in words for word in plain], dtype=bool)


def _sums_of_others(parts: Parts, name: str, maybe: Flags) -> Flags:
    group = key_codes(combined([key_codes(row_key(parts, without=[name])), *period_codes(parts)]))
    size = int(group.max(initial=-1)) + 1
    others = np.bincount(group[~maybe], minlength=size)
    match = others[group] >= 2  # noqa: PLR2004 - the sum of one row is that row
    match &= np.logical_or.reduce([np.nan_to_num(parts.numerator(o)) > 0 for o in parts.outcomes])
    for outcome in parts.outcomes:
        own = np.nan_to_num(parts.numerator(outcome))
        match &= own == _sum(group, own, ~maybe, size)[group]
    return match


def _sum(group: Integers, values: np.ndarray, rows: Flags, size: int) -> np.ndarray:
    return np.bincount(group[rows], weights=values[rows], minlength=size)
