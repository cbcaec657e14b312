"""Slides: what a page of the deck says, before anybody decides on what it is drawn.

A slide is a sentence with the answer, one chart, one line of how sure, and notes. Callers may
trust that the numbers of a chart are in its frame, that a chart has no more rows than can be
read from the back of a room, and that what was left out is counted. Draws nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import pandas as pd

from coterie.errors import FindingError

NOT_YET: Final = "Not to be acted on yet"
ROWS: Final = 9
"""Rows of bars, at most: with 20 clusters the others are summed or counted."""
COLUMNS: Final = 8
"""Columns of a map, at most."""
LINES: Final = 9
"""Rows of a table or map on one slide."""


@dataclass(frozen=True, slots=True)
class Bars:
    """Rows of one number with its interval, and what it was before.

    Attributes
    ----------
    frame
        ``label``, ``value``, ``lower``, ``upper``, ``text`` (the value in words), and
        ``before`` where there is one; best first. NaN is not drawn.
    value, before
        What the numbers are; ``before`` is empty where there is none.
    most
        End of the axis: 1 for probabilities.
    line
        What the dark line from ``lower`` to ``upper`` is.
    rows
        What the labels are.
    """

    frame: pd.DataFrame
    value: str
    before: str = ""
    most: float = 1.0
    line: str = "interval"
    rows: str = "Cluster"

    @property
    def lined(self) -> bool:
        """Whether any row has a line."""
        return bool(self.frame["lower"].notna().any())


@dataclass(frozen=True, slots=True)
class Map:
    """Numbers by row and column, shaded by size.

    Attributes
    ----------
    frame
        Probabilities, rows by columns, both labelled.
    unsure
        Whether the interval of each is so wide that it is not to be acted on: same shape.
    rows, columns
        What rows and columns are.
    """

    frame: pd.DataFrame
    unsure: pd.DataFrame
    rows: str
    columns: str


@dataclass(frozen=True, slots=True)
class Lines:
    """A few numbers through time, with intervals.

    Attributes
    ----------
    frame
        ``step`` (text, in order), ``series``, ``value``, ``lower``, ``upper``.
    value
        What the numbers are.
    """

    frame: pd.DataFrame
    value: str


@dataclass(frozen=True, slots=True)
class Table:
    """Text and numbers, already written as they are read.

    Attributes
    ----------
    frame
        Columns of text.
    """

    frame: pd.DataFrame


Chart = Bars | Map | Lines | Table


@dataclass(frozen=True, slots=True)
class Slide:
    """One page.

    Attributes
    ----------
    headline
        The answer, in a sentence.
    chart
        What shows it; None on a first page.
    sure
        One line of how sure this is.
    alt
        What the chart shows, for those who do not see it.
    notes
        Method, n, window, kind of interval, data cut and caveats: a line each.
    numbers
        Everything behind the chart, with nothing left out.
    name
        Of its files: letters, digits and dashes.
    """

    headline: str
    chart: Chart | None
    sure: str
    alt: str
    notes: tuple[str, ...]
    name: str
    numbers: pd.DataFrame = field(default_factory=pd.DataFrame)

    def __post_init__(self) -> None:
        if not self.headline.strip():
            raise FindingError("A slide has no headline. Its title is the answer.")


def warning_of(slides: Sequence[Slide]) -> str:
    """Return the headline that says not to act, for the first page; empty if there is none."""
    told = [slide.headline for slide in slides if slide.headline.startswith(NOT_YET)]
    return told[0] if told else ""
