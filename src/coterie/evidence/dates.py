"""Dates: when a row was counted and when it was read.

Makes datetime64[ns] from dates, times and ISO text, and refuses what could be
read in two ways. Knows one column, or the two ends of a period.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from pandas.api import types

from coterie.errors import Problem
from coterie.evidence.parts import Moments
from coterie.evidence.windows import Window, window_lengths
from coterie.evidence.wording import of_rows, quoted

NEVER = np.datetime64("NaT", "ns")

# Nanoseconds hold no year before or after these.
_FIRST = np.datetime64("1678-01-01", "s")
_LAST = np.datetime64("2262-01-01", "s")


def read_dates(
    column: pd.Series[Any], name: str, *, needed: bool = True
) -> tuple[Moments, list[Problem]]:
    """Read one column of dates.

    Parameters
    ----------
    column
        Dates, times (a zone is dropped, the clock's reading kept) or ISO text.
    name
        The user's name of the column.
    needed
        Whether a missing date is an error.

    Returns
    -------
    numpy.ndarray
        (row,) datetime64[ns], NaT where missing or refused.
    list of Problem
        Dates that cannot be read, and missing ones where needed.
    """
    missing = column.isna().to_numpy(dtype=bool)
    moments = _moments(column)
    told = of_rows(
        "unreadable-date", "error", name, np.isnat(moments) & ~missing,
        what=f"column {name!r} holds no date that can be read in one way only",
        shows=lambda row: quoted(column.iloc[row]),
        fix="Write dates as 2025-01-31, or convert the column to dates first.",
    )  # fmt: skip
    if needed:
        told += of_rows(
            "missing-date", "error", name, missing,
            what=f"column {name!r} has no date",
            shows=lambda row: quoted(column.iloc[row]),
            fix="Fill the date in, or read the table without a period.",
        )  # fmt: skip
    return moments, told


def check_period(
    start: Moments, end: Moments, columns: tuple[str, str], window: Window | None
) -> list[Problem]:
    """Check that periods run forward, and warn of those longer than a window.

    Parameters
    ----------
    start, end
        (row,) first and last moment of each period.
    columns
        The user's names of the two columns.
    window
        As parsed, or None.
    """

    def shows(row: int) -> str:
        days = np.datetime_as_string(np.array([start[row], end[row]]), unit="D")
        return f"{days[0]} to {days[1]}"

    told = of_rows(
        "period-backwards", "error", columns[1], end < start,
        what=f"{columns[1]!r} lies before {columns[0]!r}", shows=shows,
        fix="Swap the two dates, or correct the one that is wrong.",
    )  # fmt: skip
    if window is None:
        return told
    known = ~np.isnat(start) & ~np.isnat(end)
    longer = np.zeros(start.size, dtype=bool)
    longer[known] = (end - start)[known] > window_lengths(window, start[known])
    return told + of_rows(
        "period-longer-than-window", "warning", columns[1], longer,
        what=f"the period is longer than its window ({window.text})", shows=shows,
        fix="Such a row counts wholly in the window of its first day; take a longer window.",
    )  # fmt: skip


def _moments(column: pd.Series[Any]) -> Moments:
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(column.cat.categories.dtype)
    if types.is_datetime64_any_dtype(column.dtype):
        return _in_nanoseconds(column)
    if types.is_numeric_dtype(column.dtype) or types.is_timedelta64_dtype(column.dtype):
        # 20250131 may be a date, a count of days or of seconds.
        return np.full(len(column), NEVER)
    try:
        codes, distinct = pd.factorize(column.astype(object))
    except TypeError:
        return np.full(len(column), NEVER)
    read = np.array([_moment(value) for value in distinct] + [NEVER], dtype="datetime64[ns]")
    moments: Moments = read[codes]
    return moments


def _moment(value: Any) -> np.datetime64:
    if isinstance(value, int | float | np.number):
        return NEVER
    try:
        if isinstance(value, str):
            read = pd.to_datetime(value.strip(), format="ISO8601")
        else:
            read = pd.Timestamp(value)
        return read.tz_localize(None).as_unit("ns").to_datetime64()
    except (ValueError, TypeError, OverflowError):
        return NEVER


def _in_nanoseconds(column: pd.Series[Any]) -> Moments:
    bare = column.dt.tz_localize(None) if column.dt.tz is not None else column
    wide = bare.to_numpy()
    held = ~np.isnat(wide) & (wide > _FIRST) & (wide < _LAST)
    moments = np.full(wide.size, NEVER)
    moments[held] = wide[held].astype("datetime64[ns]")
    return moments
