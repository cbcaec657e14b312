"""Moments: dates as exports write them, in the one order of day and month that fits.

Callers may trust that ``03/04/2026`` was read only where other cells, the vendor or the caller
told which of the two is the month. The language of a header tells nothing: people open French files
in English spreadsheets.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

import pandas as pd

from coterie.errors import EvidenceError
from coterie.evidence.exports.numerals import says_nothing
from coterie.evidence.wording import quoted

_ISO: Final = re.compile(r"\d{4}[-/]\d{1,2}[-/]\d{1,2}")
_MONTH: Final = re.compile(r"(\d{4})-(\d{1,2})")
_SLASHED: Final = re.compile(r"(\d{1,2})([/.-])(\d{1,2})\2(\d{4}|\d{2})")
_NAMED: Final = ("%b %d, %Y", "%B %d, %Y", "%d %b %Y", "%d %B %Y", "%b %d %Y", "%d-%b-%Y")
_CLOCK: Final = re.compile(
    r"[T ](?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d+)?)?\s*(?:Z|UTC|[+-]\d{2}:?\d{2})?$"
)
_ZONE: Final = re.compile(r"\s*(UTC|GMT|Z)$")
_YEARS: Final = range(1678, 2262)
"""Those that nanoseconds hold."""


def read_moment(cell: Any, *, day_first: bool, short: bool = False) -> pd.Timestamp | None:
    """Read one date, or return None where it is none in this order.

    Parameters
    ----------
    cell
        Text, or the date a workbook's cell holds.
    day_first
        Whether the day stands before the month where both are numbers.
    short
        Whether a year may have two digits: 26/07/10 has three readings.
    """
    if isinstance(cell, dt.datetime | dt.date):
        return pd.Timestamp(cell).tz_localize(None).normalize() if cell.year in _YEARS else None
    return _from_text(cell, day_first, short) if isinstance(cell, str) else None


def read_month(cell: Any) -> pd.Timestamp | None:
    """Read the first day of a month: 2026-06, or a day of it."""
    found = _MONTH.fullmatch(cell.strip()) if isinstance(cell, str) else None
    try:
        day = _made(int(found[1]), int(found[2]), 1) if found else None
    except ValueError:
        return None
    return day or read_moment(cell, day_first=False)


@lru_cache(maxsize=2**16)
def _from_text(cell: str, day_first: bool, short: bool) -> pd.Timestamp | None:
    text = _ZONE.sub("", _CLOCK.sub("", cell.strip()))
    try:
        return _numbered(text, day_first=day_first, short=short) or _named(text)
    except ValueError:
        return None


def _numbered(text: str, *, day_first: bool, short: bool) -> pd.Timestamp | None:
    if _ISO.fullmatch(text):
        year, month, day = map(int, re.split("[-/]", text))
        return _made(year, month, day)
    found = _SLASHED.fullmatch(text)
    if found is None or (len(found[4]) == len("26") and not short):
        return None
    # Points are written between day, month and year only.
    first = day_first or found[2] == "."
    at_day, at_month = (1, 3) if first else (3, 1)
    century = 2000 if len(found[4]) == len("26") else 0
    return _made(century + int(found[4]), int(found[at_month]), int(found[at_day]))


def _made(year: int, month: int, day: int) -> pd.Timestamp | None:
    return pd.Timestamp(dt.date(year, month, day)) if year in _YEARS else None


def _named(text: str) -> pd.Timestamp | None:
    english = {m.casefold() for m in _MONTHS} | {m[:3].casefold() for m in _MONTHS}
    words = re.findall(r"[^\W\d_]+", text)
    if len(words) != 1 or words[0].casefold() not in english:
        return None
    for form in _NAMED:
        try:
            day = dt.datetime.strptime(text, form)
            return _made(day.year, day.month, day.day)
        except ValueError:
            continue
    return None


_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip


def orders_of(cells: Sequence[Any], *, short: bool = False) -> dict[bool, list[pd.Timestamp]]:
    """Read a column of dates in each order in which all of it can be read.

    Parameters
    ----------
    cells
        Those that are not empty.
    short
        As in :func:`read_moment`.

    Returns
    -------
    dict
        From ``day_first`` to the dates; no entry for an order in which some cell is no date.
    """
    found: dict[bool, list[pd.Timestamp]] = {}
    for day_first in (False, True):
        read = [read_moment(cell, day_first=day_first, short=short) for cell in cells]
        known = [moment for moment in read if moment is not None]
        if len(known) == len(read):
            found[day_first] = known
    return found


def order_of_file(columns: Mapping[str, Sequence[Any]]) -> bool | None:
    """Tell the order of day and month of a file from all its dates.

    Parameters
    ----------
    columns
        Cells by field; ``day`` lies between ``start`` and ``end`` of its row.

    Returns
    -------
    bool or None
        ``day_first``, where some column can be read in one order only, or one order alone puts
        every day into its row's period. None where nothing tells.
    """
    orders = {
        name: orders_of([c for c in cells if not says_nothing(c)])
        for name, cells in columns.items()
    }
    forced = {next(iter(found)) for found in orders.values() if len(found) == 1}
    if len(forced) == 1:
        return forced.pop()
    sure = {name for name, found in orders.items() if found.get(True) == found.get(False)}
    if forced or "day" not in columns or not sure & {"start", "end"}:
        return None
    fits = {
        order
        for order in orders["day"]
        if all(
            _between(columns, row, order)
            for row, c in enumerate(columns["day"])
            if not says_nothing(c)
        )
    }
    return fits.pop() if len(fits) == 1 else None


def _between(columns: Mapping[str, Sequence[Any]], row: int, day_first: bool) -> bool:
    day, start, end = (
        read_moment(columns[name][row], day_first=day_first) if name in columns else None
        for name in ("day", "start", "end")
    )
    if day is None:
        return False
    return (start is None or start <= day) and (end is None or day <= end)


def stated_day(value: Any, what: str) -> pd.Timestamp:
    """Read a day that somebody states: a date, or ISO text.

    Raises
    ------
    EvidenceError
        If it is anything else, which could be read in two ways.
    """
    text = isinstance(value, str) and _ISO.fullmatch(value.strip())
    day = isinstance(value, dt.date) and not pd.isna(value)
    read = read_moment(value, day_first=False) if text or day else None
    if read is None:
        raise EvidenceError(f"{what} is {quoted(value)}; write a day: 2026-01-31.")
    return read
