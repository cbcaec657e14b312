"""Parts: a table taken apart, before it is put together as Evidence.

A plain value shared by the reader, the rules and the grid. Knows no rule.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coterie.evidence.labels import Labels
from coterie.evidence.layout import Layout
from coterie.evidence.outcomes import Outcome
from coterie.typing import Flags, Floats, Integers

type Moments = NDArray[np.datetime64]

_ROOM = 2**62


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Everything read from a table.

    Attributes
    ----------
    layout, outcomes
        As settled.
    labels
        By canonical name: artist, cluster, release and each factor.
    amounts
        By the user's column: (row,) float64, NaN where not measured.
    start, end, seen
        (row,) datetime64[ns], or None.
    currency
        The one currency of all spend, or None.
    covariates
        By the user's column: (row,) float64, finite.
    weight
        (row,) units the row's artist stands for, or None.
    """

    layout: Layout
    outcomes: tuple[Outcome, ...]
    labels: dict[str, Labels]
    amounts: dict[str, Floats]
    start: Moments | None
    end: Moments | None
    seen: Moments | None
    currency: str | None
    covariates: dict[str, Floats] = field(default_factory=dict)
    weight: Floats | None = None

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return next(iter(self.labels.values())).codes.size

    @property
    def spend(self) -> Floats | None:
        """(row,) money, NaN where nothing was bought; None without such a column."""
        return self.amounts.get(self.layout.spend) if self.layout.spend else None

    @property
    def bought(self) -> Flags:
        """(row,) True where money was spent."""
        if self.spend is None:
            return np.zeros(self.n_rows, dtype=bool)
        return np.nan_to_num(self.spend) > 0

    def numerator(self, outcome: Outcome) -> Floats:
        """(row,) those who did it."""
        return self.amounts[outcome.numerator]

    def denominator(self, outcome: Outcome) -> Floats:
        """(row,) those who could have; money not spent is no exposure, so not measured."""
        values = self.amounts[outcome.denominator]
        if outcome.denominator == self.layout.spend:
            return np.where(values == 0, np.nan, values)
        return values

    def place(self, row: int) -> str:
        """Say where a row stands in words."""
        away = self.layout.derived
        own = {name: labels for name, labels in self.labels.items() if name not in away}
        words = [f"{name} {labels.at(row)!r}" for name, labels in own.items()]
        if self.start is not None and self.end is not None:
            days = (str(np.datetime_as_string(m[row], unit="D")) for m in (self.start, self.end))
            words.append("period " + " to ".join(days))
        return ", ".join(words)


def combined(codes: Sequence[Integers]) -> Integers:
    """Give each distinct combination of codes one number, in the order of the codes.

    Parameters
    ----------
    codes
        Each (row,), at least -1.
    """
    whole = np.zeros(codes[0].size, dtype=np.int64)
    size = 1
    for part in codes:
        width = int(part.max(initial=-1)) + 2
        if size * width > _ROOM:
            distinct, whole = np.unique(whole, return_inverse=True)
            size = distinct.size
        whole = whole * width + (part + 1)
        size *= width
    return whole


def repeated(numbers: NDArray[Any]) -> Flags:
    """Mark the entries that are there more than once.

    Parameters
    ----------
    numbers
        (row,) integers.
    """
    # Sorting whole numbers is several times faster than hashing them.
    order = np.sort(numbers)
    twice = np.unique(order[1:][order[1:] == order[:-1]])
    if twice.size == 0:
        return np.zeros(numbers.size, dtype=bool)
    places = np.minimum(np.searchsorted(twice, numbers), twice.size - 1)
    marked: Flags = twice[places] == numbers
    return marked
