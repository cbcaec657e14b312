"""Catalogue: an artist's tracks and what is known of each.

Makes plain columns of any table. Callers may trust that dates are whole days without a zone or
missing, that no clock is read, that each value is read on its own, so that a "no" is never there,
and that what was not said stays unknown: it is neither there nor absent.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
import pandas as pd

from coterie.errors import FindingError
from coterie.findings.tables import frame_of

type Column = pd.Series[Any]

_TRUE: Final = ("true", "t", "yes", "y", "1", "1.0")
_FALSE: Final = ("false", "f", "no", "n", "0", "0.0")
_UNSAID: Final = (
    "n/a", "na", "n.a.", "none", "null", "nil", "nan", "nat", "<na>", "-", "--", "\u2013",
    "\u2014", "?", "unknown", "not known", "missing", "tbd",
)  # fmt: skip
"""What people write where they have nothing to say: a convention of this package."""
_SILENT, _FLAG, _COUNT, _WORDS = "silent", "flag", "count", "words"
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


def day(value: Any, what: str) -> Any:
    """Return a day without a zone, ``NaT`` where nothing is said.

    Text is an ISO date with year, month and day: "May" or "2026-05" is no day, and neither is
    "today", which would be read off a clock.

    Raises
    ------
    FindingError
        If it is no day.
    """
    if _missing(value) or (isinstance(value, str) and _silent(value)):
        return pd.NaT
    try:
        found = pd.Timestamp(_whole_day(value))
    except (TypeError, ValueError, OverflowError):
        raise FindingError(f"{what} is {value!r}, which is no day. {DATES}") from None
    return pd.NaT if pd.isna(found) else found.tz_localize(None).normalize()


def _whole_day(value: Any) -> Any:
    """Return what names one day by itself; what pandas would complete by guessing is refused."""
    if isinstance(value, str):
        told = value.strip()
        # A week of a year would be read as its Monday.
        if "W" in told:
            raise ValueError
        return dt.datetime.fromisoformat(told)
    if isinstance(value, np.datetime64) and np.datetime_data(value)[0] in ("Y", "M", "W"):
        raise ValueError
    # A number would be read as nanoseconds since 1970.
    if not isinstance(value, np.datetime64 | dt.date):
        raise TypeError
    return value


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

    Each value is read on its own. A flag (True, ``yes``, ``n``, 1 and the like) says so; a number
    is there above 0; other words are the thing itself. A cell that is empty, or holds ``n/a``,
    ``none``, ``-``, ``unknown`` and the like, is silent: among flags and numbers it is not known,
    and among words it is absent.

    Raises
    ------
    FindingError
        If flags stand among free words. "instrumental" beside False, or "no" beside lyrics, may
        mean either, and what is silent there may be unknown or absent.
    """
    read = [_read(value) for value in column]
    _refuse_mixed(column, [kind for kind, _ in read])
    silent = sum(kind == _SILENT for kind, _ in read)
    there = sum(kind != _SILENT and bool(held) for kind, held in read)
    absent = len(read) - there - silent
    if any(kind == _WORDS for kind, _ in read):
        return there, absent + silent, 0
    return there, absent, silent


def _refuse_mixed(column: Column, kinds: list[str]) -> None:
    if _FLAG not in kinds or _WORDS not in kinds:
        return
    flag, word, given = kinds.index(_FLAG), kinds.index(_WORDS), column.tolist()
    raise FindingError(
        f"{column.name} of row {flag} is {given[flag]!r}, which is a yes or a no, and of row "
        f"{word} is {given[word]!r:.40}; {kinds.count(_FLAG)} of {len(kinds)} rows are a yes "
        f"or a no, and {kinds.count(_WORDS)} are words. Write True or False in every row, or what "
        "is there, and leave rows that lack it empty."
    )


def is_there(value: Any) -> bool | None:
    """Say whether a part of a profile is there: a flag, a number, words or several of something.

    As :func:`presence` reads one value: "no" and 0 are not there, and of "n/a", "none", "-" and the
    like it is not known. Empty words and an empty list are not there.
    """
    return _read(value)[1]


def flag(value: Any) -> bool | None:
    """Return a yes or a no in its usual spellings; none where it is neither."""
    kind, held = _read(value)
    return held if kind == _FLAG else None


def counts_by_name(given: Mapping[Any, Any], plain: Callable[[Any], str]) -> dict[str, float]:
    """Return the counts that are said, by plain names.

    Raises
    ------
    FindingError
        If one is no count, or two that are said have one plain name.
    """
    found: dict[str, float] = {}
    spelled: dict[str, str] = {}
    for name, value in given.items():
        count, own = count_of(value, str(name)), plain(name)
        if count is None:
            continue
        if own in found:
            raise FindingError(
                f"{own!r} is counted as {spelled[own]!r} ({found[own]:,.0f}) and as {str(name)!r} "
                f"({count:,.0f}); leave out all but one."
            )
        found[own], spelled[own] = count, str(name)
    return found


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
    except (TypeError, ValueError, OverflowError):
        return None


def _missing(value: Any) -> bool:
    return bool(pd.api.types.is_scalar(value) and pd.isna(value))


def _silent(text: str) -> bool:
    told = text.strip().casefold()
    return not told or told in _UNSAID


def _read(value: Any) -> tuple[str, bool | None]:
    """Return how a value speaks, and whether it says that something is there."""
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value.item()
    if _missing(value):
        return _SILENT, None
    if not isinstance(value, str) and hasattr(value, "__len__"):
        return _read_several(value)
    told = str(value).strip().casefold()
    if told in _TRUE or told in _FALSE:
        return _FLAG, told in _TRUE
    if _silent(told):
        return _SILENT, None if told else False
    number = _number(value)
    return (_WORDS, True) if number is None else (_COUNT, number > 0)


def _read_several(values: Any) -> tuple[str, bool | None]:
    """Read several of something: there is some where any of it speaks."""
    if len(values) == 0:
        return _SILENT, False
    if isinstance(values, Iterable) and all(_read(value)[0] == _SILENT for value in values):
        return _SILENT, None
    return _WORDS, True


def _label(value: Any) -> str | None:
    """Return a label as it is compared: its letters, without case and edges."""
    if _missing(value) or (hasattr(value, "__len__") and len(value) == 0):
        return None
    told = str(value).strip().casefold()
    return told or None
