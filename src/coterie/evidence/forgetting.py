"""Forgetting: how much of what a cell says still counts, by the age of its window.

Callers may trust that ages are whole days and never negative, that a power lies in [0, 1],
that all rows of a cell have one, and that a window which has not ended counts in full. Knows
nothing of counts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from coterie.errors import EvidenceError
from coterie.evidence.windows import Window
from coterie.typing import Floats

NEVER: Final = "never"
"""Said of a half-life: no evidence fades."""

_DAY: Final = np.timedelta64(1, "D")
_NANOSECOND: Final = np.timedelta64(1, "ns")
_FORM: Final = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*")
_DAYS: Final = {"": 1, "d": 1, "day": 1, "days": 1, "w": 7, "week": 7, "weeks": 7}


@dataclass(frozen=True, slots=True)
class HalfLife:
    """How fast evidence fades, and the day from which its age is counted.

    Attributes
    ----------
    days
        Age at which a cell's log mass counts half; above 0 and finite.
    as_of
        ISO date. A window that ends on it or later has age 0.
    """

    days: float
    as_of: str

    def __str__(self) -> str:
        return f"half-life {self.days:g} days as of {self.as_of}"


def days_of(half_life: Any) -> float:
    """Read a half-life in days; infinite where nothing fades.

    Parameters
    ----------
    half_life
        A number of days, text such as ``"90D"`` or ``"12W"``, a timedelta; None, ``inf`` or
        ``"never"`` for no forgetting.

    Raises
    ------
    EvidenceError
        If it is none of these, or not above 0.

    Examples
    --------
    >>> days_of("12W"), days_of(90), days_of("never")
    (84.0, 90.0, inf)
    """
    if half_life is None or (isinstance(half_life, str) and half_life.casefold() == NEVER):
        return float("inf")
    days = _number(half_life)
    if not days > 0:
        raise EvidenceError(
            f"half_life is {half_life!r}, which is no stretch of time above 0. Write days as a "
            "number, text such as '90D' or '12W', or 'never'."
        )
    return days


def _number(half_life: Any) -> float:
    if isinstance(half_life, str):
        form = _FORM.fullmatch(half_life)
        unit = _DAYS.get(form[2].casefold()) if form else None
        return float(form[1]) * unit if form and unit else float("nan")
    if isinstance(half_life, bool):
        return float("nan")
    try:
        # A numpy timedelta is a numpy integer too, of whatever unit it has.
        plain = not isinstance(half_life, np.timedelta64)
        if plain and isinstance(half_life, int | float | np.integer | np.floating):
            return float(half_life)
        return float(pd.Timedelta(half_life) / _DAY)
    except (TypeError, ValueError):
        return float("nan")


def day_of(as_of: Any) -> np.datetime64:
    """Read a day: a date, a moment in it, or ISO text.

    Raises
    ------
    EvidenceError
        If it is none of these.
    """
    moment: Any = None
    by_the_clock = isinstance(as_of, str) and as_of.strip().lower() in {"now", "today"}
    if isinstance(as_of, str | date | np.datetime64) and not by_the_clock:
        try:
            moment = pd.Timestamp(as_of)
        except ValueError:
            moment = None
    if moment is None or pd.isna(moment):
        raise EvidenceError(f"as_of is {as_of!r}, which is no date. Write it as '2026-11-25'.")
    day: np.datetime64 = moment.tz_localize(None).to_datetime64().astype("datetime64[D]")
    return day


def ages(window: Window, labels: NDArray[Any], as_of: str) -> Floats:
    """Count the days from the last day of each window to ``as_of``, 0 where it is not over.

    Parameters
    ----------
    window
        How time was cut.
    labels
        First days of windows, as ISO text.
    as_of
        ISO date.
    """
    codes, distinct = pd.factorize(labels)
    starts = np.array(distinct.tolist(), dtype="datetime64[ns]")
    last = window.start(window.number(starts) + 1) - _NANOSECOND
    passed = (np.datetime64(as_of, "D") - last.astype("datetime64[D]")).astype(np.int64)
    days: Floats = np.maximum(passed, 0).astype(np.float64)
    return days[codes]


def powers(half_life: HalfLife, window: Window, labels: NDArray[Any]) -> Floats:
    """Return ``2 ** (-age / half_life)`` of each window: in [0, 1], 0 where it underflows."""
    with np.errstate(over="ignore"):
        power: Floats = np.exp2(-ages(window, labels, half_life.as_of) / half_life.days)
    return power
