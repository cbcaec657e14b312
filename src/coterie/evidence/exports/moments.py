"""Moments: dates as exports write them, in the one order of day and month that fits.

Callers may trust that ``03/04/2026`` was read only where other cells, the vendor or the caller
told which of the two is the month. The language of a header tells nothing: people open French files
in English spreadsheets.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import pandas as pd

from coterie.evidence.exports.numerals import ABSENT

_ISO: Final = re.compile(r"\d{4}[-/]\d{1,2}[-/]\d{1,2}")
_MONTH: Final = re.compile(r"\d{4}-\d{1,2}")
_SLASHED: Final = re.compile(r"(\d{1,2})([/.-])(\d{1,2})\2(\d{4}|\d{2})")
_NAMED: Final = ("%b %d, %Y", "%B %d, %Y", "%d %b %Y", "%d %B %Y", "%b %d %Y", "%d-%b-%Y")
_CLOCK: Final = re.compile(r"[T ]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?\s*(Z|UTC|[+-]\d{2}:?\d{2})?$")
_ZONE: Final = re.compile(r"\s*(UTC|GMT|Z)$")


def read_moment(cell: Any, *, day_first: bool) -> pd.Timestamp | None:
    """Read one date, or return None where it is none in this order.

    Parameters
    ----------
    cell
        Text, or the date a workbook's cell holds.
    day_first
        Whether the day stands before the month where both are numbers.
    """
    if isinstance(cell, dt.datetime | dt.date):
        return pd.Timestamp(cell).tz_localize(None).normalize()
    text = _ZONE.sub("", _CLOCK.sub("", cell.strip())) if isinstance(cell, str) else ""
    try:
        return _numbered(text, day_first=day_first) or _named(text)
    except ValueError:
        return None


def _numbered(text: str, *, day_first: bool) -> pd.Timestamp | None:
    if _ISO.fullmatch(text) or _MONTH.fullmatch(text):
        year, month, *day = map(int, re.split("[-/]", text))
        return _made(year, month, day[0] if day else 1)
    slashed = _SLASHED.fullmatch(text)
    return _slashed(slashed, day_first=day_first) if slashed else None


def _made(year: int, month: int, day: int) -> pd.Timestamp:
    return pd.Timestamp(dt.date(year, month, day))


def _slashed(found: re.Match[str], *, day_first: bool) -> pd.Timestamp:
    first, mark, second, year = found.groups()
    # Points are written between day, month and year only.
    day, month = (first, second) if day_first or mark == "." else (second, first)
    century = 2000 if len(year) == 2 else 0  # noqa: PLR2004 - two digits of a year
    return _made(century + int(year), int(month), int(day))


def _named(text: str) -> pd.Timestamp | None:
    english = {m.casefold() for m in _MONTHS} | {m[:3].casefold() for m in _MONTHS}
    words = re.findall(r"[^\W\d_]+", text)
    if len(words) != 1 or words[0].casefold() not in english:
        return None
    for form in _NAMED:
        try:
            return pd.Timestamp(dt.datetime.strptime(text, form).date())
        except ValueError:
            continue
    return None


_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip


def orders_of(cells: Sequence[Any]) -> dict[bool, list[pd.Timestamp]]:
    """Read a column of dates in each order in which all of it can be read.

    Parameters
    ----------
    cells
        Those that are not empty.

    Returns
    -------
    dict
        From ``day_first`` to the dates; no entry for an order in which some cell is no date.
    """
    found: dict[bool, list[pd.Timestamp]] = {}
    for day_first in (False, True):
        read = [read_moment(cell, day_first=day_first) for cell in cells]
        if all(moment is not None for moment in read):
            found[day_first] = read  # type: ignore[assignment]
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
        name: orders_of([c for c in cells if not no_date(c)]) for name, cells in columns.items()
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
            _between(columns, row, order) for row, c in enumerate(columns["day"]) if not no_date(c)
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


def no_date(cell: Any) -> bool:
    """Whether a cell says that there is no date."""
    return cell is None or (isinstance(cell, str) and cell.strip().casefold() in ABSENT)
