"""Cycles: labels that come round, such as the hour of the day.

Makes :class:`Cycle`, and reads its column as whole numbers from 0. Knows no smoothness.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from coterie.errors import EvidenceError, Problem
from coterie.evidence.labels import Labels
from coterie.evidence.wording import of_rows, quoted

_FEWEST = 3
_SHARE = 8
_LONGEST = 4


@dataclass(frozen=True, slots=True)
class Cycle:
    """A factor whose levels are places on a circle: what holds at 23 o'clock nearly holds at 0.

    Its effects are a smooth periodic curve about their mean over the cycle, apart from 2 % of
    their variance that each level has to itself. Levels without rows borrow from their
    neighbours. Crossed with another cycle, the curve is a smooth sheet.

    Attributes
    ----------
    column
        The user's column: whole numbers from 0 to ``period - 1``.
    period
        How many levels there are, at least 3: 24 hours, 7 weekdays.
    length
        Levels over which effects stay alike: nearby ones fall apart as a bell curve with this
        standard deviation. Above 0 and at most a quarter of the period; ``None``: an eighth.

    Examples
    --------
    >>> Cycle("hour", 24).reach
    3.0
    """

    column: str
    period: int
    length: float | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.column, str):
            raise EvidenceError(f"A cycle names one column, as text; got {self.column!r}.")
        whole = isinstance(self.period, int | np.integer) and not isinstance(self.period, bool)
        if not whole or self.period < _FEWEST:
            raise EvidenceError(
                f"The period of cycle {self.column!r} is {self.period!r}; it must be a whole "
                "number of at least 3, such as 24 hours or 7 weekdays."
            )
        object.__setattr__(self, "period", int(self.period))
        if self.length is None:
            return
        number = isinstance(self.length, int | float | np.number)
        if not number or isinstance(self.length, bool) or not self._fits(float(self.length)):
            raise EvidenceError(
                f"The length of cycle {self.column!r} is {self.length!r}; it must be above 0 and "
                f"at most {self.period / _LONGEST:g} levels, a quarter of the period. Left out, it "
                "is an eighth."
            )
        object.__setattr__(self, "length", float(self.length))

    def _fits(self, length: float) -> bool:
        return math.isfinite(length) and 0 < length <= self.period / _LONGEST

    @property
    def reach(self) -> float:
        """Levels over which effects stay alike."""
        return self.period / _SHARE if self.length is None else self.length


def read_places(labels: Labels, cycle: Cycle) -> tuple[Labels, list[Problem]]:
    """Read labels of a cycle as whole numbers.

    Parameters
    ----------
    labels
        As read from the column.
    cycle
        What it is.
    """
    places = np.array([_place(label) for label in labels.values.tolist()], dtype=np.float64)
    wrong = ~((places >= 0) & (places < cycle.period))
    told = of_rows(
        "cycle-level", "error", cycle.column, labels.among(wrong),
        what=f"column {cycle.column!r} is a cycle and has a level that is none of 0 to "
        f"{cycle.period - 1}",
        shows=lambda row: quoted(labels.at(row)),
        fix="Number the levels from 0 in the order in which they come round.",
    )  # fmt: skip
    if told or not places.size:
        return labels, told
    distinct, back = np.unique(places.astype(np.int64), return_inverse=True)
    return Labels(np.append(back, -1)[labels.codes].astype(np.int64), distinct), []


def _place(label: object) -> float:
    try:
        value = float(str(label))
    except ValueError:
        return math.nan
    return value if value.is_integer() else math.nan


def columns_of(factors: Sequence[str | Cycle]) -> tuple[str, ...]:
    """Return the columns of factors, cycles or not."""
    return tuple(f.column if isinstance(f, Cycle) else f for f in factors)
