"""Catalogue: an artist's tracks and what is known of each.

Makes plain columns of any table. Callers may trust that dates are days without a zone or missing,
and that what was not said stays unknown: it is neither there nor absent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from coterie.errors import FindingError

type Column = pd.Series[Any]

_TRUE: Final = ("true", "yes", "1", "1.0")
_FALSE: Final = ("false", "no", "0", "0.0")
DATES: Final = "Write days such as '2026-03-27', or leave unknown ones empty."


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Tracks, one a row.

    Attributes
    ----------
    frame
        As it was given.
    released
        Days, missing where unknown.
    today
        The day it is looked at.
    """

    frame: pd.DataFrame
    released: Column
    today: pd.Timestamp

    @classmethod
    def of(cls, tracks: Any, today: pd.Timestamp) -> Self:
        """Read a table of tracks.

        Raises
        ------
        FindingError
            If it is no table, has no row, or ``released`` holds what is no day.
        """
        frame = frame_of(tracks, "tracks")
        if frame.empty:
            raise FindingError(
                "The table of tracks has no row. Give one row a track; a catalogue that is not "
                "known is tracks=None."
            )
        days = frame.get("released", pd.Series(None, frame.index, dtype=object))
        return cls(frame, days_of(days, "released"), today)

    @property
    def out(self) -> Any:
        """Which tracks are surely out."""
        return (self.released <= self.today).to_numpy()

    @property
    def undated(self) -> Any:
        """Which tracks may be out: their day is unknown."""
        return self.released.isna().to_numpy()

    def distinct(self, column: str, of: Any) -> tuple[int, int]:
        """Return how many labels there are among some rows, and how many are not named."""
        own = self.frame[column][of]
        named = own.map(_label)
        return int(named.nunique()), int(named.isna().sum())


def frame_of(table: Any, what: str) -> pd.DataFrame:
    """Return any table as a frame of its own, with columns named by text.

    Raises
    ------
    FindingError
        If it is no table, or a column stands in it more than once.
    """
    if isinstance(table, pd.DataFrame):
        frame = table.reset_index(drop=True)
    else:
        try:
            native = pd.DataFrame(table) if isinstance(table, Mapping) else table
            frame = nw.from_native(native).lazy().collect("pandas").to_native()
        except (TypeError, ValueError) as error:
            raise FindingError(
                f"{what} is a {type(table).__name__} and no table: {error}. Give a pandas, polars "
                "or pyarrow table, or a dictionary of columns of equal length."
            ) from None
    columns = [str(name) for name in frame.columns]
    twice = [name for name in columns if columns.count(name) > 1]
    if twice:
        raise FindingError(
            f"Column {twice[0]!r} stands in {what} {columns.count(twice[0])} times. Drop all but "
            "one."
        )
    return frame.set_axis(columns, axis=1)


def day(value: Any, what: str) -> Any:
    """Return a day without a zone, ``NaT`` where nothing is said.

    Raises
    ------
    FindingError
        If it is no day.
    """
    if _missing(value) or (isinstance(value, str) and not value.strip()):
        return pd.NaT
    try:
        # A number would be read as nanoseconds since 1970.
        if isinstance(value, int | float | np.number):
            raise TypeError
        found = pd.Timestamp(value)
    except (TypeError, ValueError, OverflowError):
        raise FindingError(f"{what} is {value!r}, which is no day. {DATES}") from None
    return pd.NaT if pd.isna(found) else found.tz_localize(None).normalize()


def days_of(values: Iterable[Any], what: str) -> Column:
    """Return days of a column; the first that is none is named, and how many are like it.

    Raises
    ------
    FindingError
        If one is no day.
    """
    given = list(values)
    found, bad = [], []
    for i, value in enumerate(given):
        try:
            found.append(day(value, what))
        except FindingError:
            bad.append(i)
    if bad:
        raise FindingError(
            f"{what} of row {bad[0]} is {given[bad[0]]!r}, which is no day; {len(bad)} of "
            f"{len(given)} are like this. {DATES}"
        )
    return pd.Series(found, dtype="datetime64[s]")


def presence(column: Column) -> tuple[int, int, int]:
    """Return how many tracks have something, have not, and of how many it is not said.

    A column of truths says nothing where it is empty; a column of words says that it is absent.
    """
    empty = column.map(_label).isna().to_numpy()
    if empty.all():
        return 0, 0, len(column)
    said = column[~empty].map(_truth)
    if said.notna().all():
        return int((said == 1).sum()), int((said == 0).sum()), int(empty.sum())
    return int((~empty).sum()), int(empty.sum()), 0


def is_there(value: Any) -> bool | None:
    """Say whether a part of a profile is there: a flag, a number, words or several of something."""
    if _missing(value):
        return None
    truth = _truth(value)
    if truth is not None:
        return truth == 1
    if isinstance(value, int | float | np.number):
        return bool(value > 0)
    if isinstance(value, str):
        return bool(value.strip())
    return not hasattr(value, "__len__") or len(value) > 0


def count_of(value: Any, what: str) -> float | None:
    """Return a count, none where nothing is said.

    Raises
    ------
    FindingError
        If it is no number of at least 0.
    """
    if _missing(value):
        return None
    number = _number(value)
    if number is None or not np.isfinite(number) or number < 0:
        raise FindingError(
            f"{what} is {value!r}; it is a count of at least 0. Leave it out where it is not known."
        )
    return number


def counts_of(column: Column, what: str) -> Any:
    """Return counts of a column, NaN where nothing is said.

    Raises
    ------
    FindingError
        If one is no number of at least 0, naming it and how many are like it.
    """
    read = [np.nan if _missing(v) else _number(v) for v in column]
    values = np.array([-1.0 if v is None else v for v in read], dtype=np.float64)
    wrong = (values < 0) | np.isinf(values)
    if wrong.any():
        i = int(np.argmax(wrong))
        raise FindingError(
            f"{what} of row {i} is {column.iloc[i]!r}; {int(wrong.sum())} of {len(values)} rows "
            "are like this. Write counts of at least 0, and leave unknown ones empty."
        )
    return values


def _number(value: Any) -> float | None:
    if isinstance(value, bool | np.bool_):
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _missing(value: Any) -> bool:
    return bool(pd.api.types.is_scalar(value) and pd.isna(value))


def _truth(value: Any) -> float | None:
    """Read yes and no in their usual spellings; nothing where it is neither."""
    if _missing(value):
        return None
    told = str(value).strip().lower()
    return 1.0 if told in _TRUE else 0.0 if told in _FALSE else None


def _label(value: Any) -> str | None:
    """Return a label as it is compared: its letters, without case and edges."""
    if _missing(value) or (hasattr(value, "__len__") and len(value) == 0):
        return None
    told = str(value).strip().casefold()
    return told or None
