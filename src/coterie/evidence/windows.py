"""Windows: which stretch of time a row belongs to.

Rooms above may trust that two tables cut by one window text are cut at the
same dates, because windows are counted from a fixed day and never from the
first row. Knows nothing of counts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from coterie.errors import EvidenceError
from coterie.typing import Integers

ORIGIN: Final = np.datetime64("2001-01-01", "ns")
"""A Monday. Fixed windows start whole multiples of their length away from it."""

WHOLE: Final = "all"
"""Label of the one window of a table cut by none."""

_DAY: Final = 86_400 * 10**9
_FIXED: Final = {"d": _DAY, "day": _DAY, "w": 7 * _DAY, "week": 7 * _DAY, "h": _DAY // 24}
_MONTHS: Final = {
    "ms": 1, "m": 1, "me": 1, "month": 1,
    "qs": 3, "q": 3, "qe": 3, "quarter": 3,
    "ys": 12, "y": 12, "ye": 12, "year": 12,
}  # fmt: skip
_FORM: Final = re.compile(r"\s*(\d{0,6})\s*([A-Za-z]+)\s*")


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of time repeated from a fixed origin: some nanoseconds, or some months.

    Attributes
    ----------
    text
        As the user wrote it.
    step
        Nanoseconds, or calendar months where ``monthly``.
    monthly
        Whether windows begin on the first of a month.
    """

    text: str
    step: int
    monthly: bool

    def number(self, moments: NDArray[np.datetime64]) -> Integers:
        """Count the windows from the origin to each moment, rounding down."""
        unit = "datetime64[M]" if self.monthly else "datetime64[ns]"
        since = moments.astype(unit) - ORIGIN.astype(unit)
        counted: Integers = np.floor_divide(since.astype(np.int64), self.step)
        return counted

    def start(self, number: Integers) -> NDArray[np.datetime64]:
        """Return the first moment of each numbered window."""
        if self.monthly:
            first = ORIGIN.astype("datetime64[M]") + (number * self.step).astype("timedelta64[M]")
            return first.astype("datetime64[ns]")
        return ORIGIN + (number * self.step).astype("timedelta64[ns]")


def parse_window(text: str) -> Window:
    """Read a window's length.

    Parameters
    ----------
    text
        A fixed length in days, weeks or hours (``"28D"``, ``"4W"``, ``"12h"``), or a
        calendar one: ``"MS"`` or ``"month"``, ``"QS"`` or ``"quarter"``, ``"YS"`` or ``"year"``,
        with a number before it for several.

    Raises
    ------
    EvidenceError
        If the text is neither.

    Examples
    --------
    >>> parse_window("4W") == Window("4W", 28 * 86_400 * 10**9, monthly=False)
    True
    """
    form = _FORM.fullmatch(text) if isinstance(text, str) else None
    times = int(form[1] or 1) if form else 0
    # "MS" (month start) ends in the same letter as a plural: both readings are tried.
    units = (form[2].casefold(), form[2].casefold().removesuffix("s")) if form else ()
    for unit in units:
        if times >= 1 and unit in _FIXED:
            return Window(text, times * _FIXED[unit], monthly=False)
        if times >= 1 and unit in _MONTHS:
            return Window(text, times * _MONTHS[unit], monthly=True)
    raise EvidenceError(
        f"window is {text!r}, which is no length of time. "
        "Write a fixed one such as '28D' or '7D', or a calendar one: 'month', 'quarter', 'year'."
    )


def window_labels(window: Window, starts: NDArray[np.datetime64]) -> NDArray[Any]:
    """Label each row with the first day of the window that holds its period's start.

    Parameters
    ----------
    window
        As parsed.
    starts
        (row,) first moments of the rows' periods, none missing.

    Returns
    -------
    numpy.ndarray
        (row,) of text: ISO dates, with the hour where windows are shorter than a day.
    """
    codes, numbers = pd.factorize(window.number(starts))
    unit: Literal["D", "h"] = "D" if window.monthly or window.step % _DAY == 0 else "h"
    firsts = window.start(np.asarray(numbers, dtype=np.int64))
    words = np.datetime_as_string(firsts, unit=unit).astype(object)
    labels: NDArray[Any] = words[codes]
    return labels


def window_lengths(window: Window, starts: NDArray[np.datetime64]) -> NDArray[np.timedelta64]:
    """Return the length of the window that holds each row's start."""
    number = window.number(starts)
    lengths: NDArray[np.timedelta64] = window.start(number + 1) - window.start(number)
    return lengths
