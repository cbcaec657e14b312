"""Amounts: numbers read exactly, or refused by name.

Makes ``Amounts``, float64 with NaN where nothing was measured. Callers may
trust that every other value is finite, not below 0 and, where people or events
were counted, whole and exact (at most 2**53). Knows one column at a time.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, Literal

import numpy as np
import pandas as pd
from pandas.api import types

from coterie.errors import Problem
from coterie.evidence.wording import of_rows, quoted
from coterie.typing import Flags, Floats

Role = Literal["numerator", "trials", "exposure", "money", "covariate"]

EXACT: Final = 2**53
"""The largest whole number up to which float64 misses none."""

_LOGGED: Final = 30.0
"""An exposure of e**30 is beyond any count; below it, negatives may be logarithms."""

_PERCENT: Final = re.compile(r"[+-]?[\d.,]+\s*%")
_THOUSANDS: Final = re.compile(r"[+-]?\d{1,3}(?:[,'\u2019 \u00a0\u202f]\d{3})+(?:\.\d+)?")
_COMMA: Final = re.compile(r"[+-]?[\d.]*,\d+")
_DATE: Final = re.compile(r"\d{4}-\d{1,2}-\d{1,2}.*|\d{1,2}[./-]\d{1,2}[./-]\d{2,4}.*")
_NOTHING: Final = frozenset({"", "na", "n/a", "nan", "null", "none", "-", "--", "—", "?", "<na>"})

_TEXT: Final = frozenset(
    {
        "percent",
        "thousands-separator",
        "decimal-comma",
        "missing-as-text",
        "date-in-count",
        "text-in-count",
    }
)
_FAULTS: Final[dict[str, tuple[str, str]]] = {
    "percent": (
        "holds percentages as text",
        "Give counts: how many people responded and, in the denominator, how many could have.",
    ),
    "thousands-separator": (
        "holds text with thousands separators",
        "Read the file with thousands=',' or remove the separators, so that it holds numbers.",
    ),
    "decimal-comma": (
        "holds text with a decimal comma",
        "Read the file with decimal=',' and check that the column counts something whole.",
    ),
    "number-as-text": (
        "holds numbers written as text",
        "Convert the column first, for example with pandas.to_numeric.",
    ),
    "missing-as-text": (
        "says 'nothing' in text",
        "Leave the field empty (None or NaN) where nothing was measured.",
    ),
    "date-in-count": ("holds dates or times", "Name the column that holds the counts."),
    "text-in-count": ("holds text", "Name the column that holds the counts, as numbers."),
    "complex": ("holds complex numbers", "Give the real count."),
    "decimal": ("holds decimals that are not whole", "Give whole counts."),
    "not-a-number": ("holds values that are not numbers", "Give one number in each row."),
    "infinite": ("is infinite", "Leave the field empty where nothing was measured."),
    "too-large": (
        "is above 2**53, where whole numbers are no longer exact",
        "Check the export: no count of people reaches this.",
    ),
}


@dataclass(frozen=True, slots=True)
class Amounts:
    """One column of numbers.

    Attributes
    ----------
    values
        (row,) float64; NaN where missing or refused.
    missing
        (row,) True where the table has no value.
    dtype
        Name of the column's type in the table.
    """

    values: Floats
    missing: Flags
    dtype: str


def read_amounts(column: pd.Series[Any], name: str, role: Role) -> tuple[Amounts, list[Problem]]:
    """Read one column of numbers.

    Parameters
    ----------
    column
        As it stands in the table.
    name
        The user's name of the column.
    role
        Numerators and trials are whole; exposures and money may be any amount,
        covariates any number.

    Returns
    -------
    Amounts
        What can be trusted.
    list of Problem
        One for each kind of fault, with every row.
    """
    whole = role in ("numerator", "trials")
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(column.cat.categories.dtype)
    show = lambda row: quoted(column.iloc[row])  # noqa: E731
    missing = column.isna().to_numpy(dtype=bool)
    values, faults = _values(column, missing, whole=whole)
    told: list[Problem] = []
    if _TEXT & faults.keys():
        # Others turned the column into text; the numbers among them are read on.
        faults.pop("number-as-text", None)
    faults |= {"infinite": np.isinf(values)} | (
        {"too-large": faults.get("too-large", False) | (np.isfinite(values) & (values > EXACT))}
        if whole
        else {}
    )
    for code, where in faults.items():
        what, fix = _FAULTS[code]
        told += of_rows(
            code, "error", name, np.asarray(where, dtype=bool),
            what=f"column {name!r} {what}", shows=show, fix=fix,
        )  # fmt: skip
        values = np.where(where, np.nan, values)
    if role == "covariate":
        return Amounts(values + 0.0, missing, str(column.dtype)), told
    values, signs = _signs(values, name, show, logs=role == "exposure")
    if whole:
        values, fractions = _fractions(values, name, show, numerator=role == "numerator")
        signs += fractions
    return Amounts(values + 0.0, missing, str(column.dtype)), told + signs


def _values(
    column: pd.Series[Any], missing: Flags, *, whole: bool
) -> tuple[Floats, dict[str, Flags]]:
    dtype = column.dtype
    n_rows = len(column)
    if types.is_bool_dtype(dtype) or types.is_integer_dtype(dtype) or types.is_float_dtype(dtype):
        return _plain_values(column, missing)
    refused = np.full(n_rows, np.nan)
    if types.is_complex_dtype(dtype):
        return refused, {"complex": ~missing}
    if types.is_datetime64_any_dtype(dtype) or types.is_timedelta64_dtype(dtype):
        return refused, {"date-in-count": ~missing}
    objects = column.astype(object)
    try:
        codes, distinct = pd.factorize(objects)
    except TypeError:
        return refused, {"not-a-number": ~missing}
    verdicts = [_read_value(v, whole=whole) for v in distinct]
    numbers = np.array([v for v, _ in verdicts] + [np.nan], dtype=np.float64)
    kinds = np.array([fault or "" for _, fault in verdicts] + [""], dtype=object)
    found = dict.fromkeys(k for k in kinds if k)
    return numbers[codes], {kind: (kinds == kind)[codes] for kind in found}


def _plain_values(column: pd.Series[Any], missing: Flags) -> tuple[Floats, dict[str, Flags]]:
    if types.is_integer_dtype(column.dtype):
        exact = column.fillna(0) if missing.any() else column
        unsigned = types.is_unsigned_integer_dtype(column.dtype)
        whole = exact.to_numpy(dtype=np.uint64 if unsigned else np.int64)
        values = np.where(missing, np.nan, whole.astype(np.float64))
        # Compared as integers: 2**53 + 1 and 2**53 are one float.
        return values, {"too-large": (whole > EXACT) & ~missing}
    values = column.to_numpy(dtype=np.float64, na_value=np.nan)
    return values, {}


def _read_value(value: Any, *, whole: bool) -> tuple[float, str | None]:
    """Read one value of a column that has no numeric type: its number, or its fault."""
    if isinstance(value, str):
        return _read_text(value.strip())
    if isinstance(value, Decimal):
        return _read_decimal(value, whole=whole)
    if isinstance(value, bool | np.bool_ | int | np.integer):
        return (np.nan, "too-large") if abs(int(value)) > EXACT else (float(value), None)
    if isinstance(value, float | np.floating):
        return float(value), None
    return np.nan, _stranger(value)


def _stranger(value: Any) -> str:
    if isinstance(value, complex | np.complexfloating):
        return "complex"
    timely = dt.date | dt.time | dt.timedelta | np.datetime64 | np.timedelta64
    return "date-in-count" if isinstance(value, timely) else "not-a-number"


def _read_decimal(value: Decimal, *, whole: bool) -> tuple[float, str | None]:
    if not value.is_finite():
        return np.nan, "infinite"
    if abs(value) > EXACT:
        return np.nan, "too-large"
    exact = value == value.to_integral_value()
    return (float(value), None) if exact or not whole else (np.nan, "decimal")


def _read_text(text: str) -> tuple[float, str]:
    if text.casefold() in _NOTHING:
        return np.nan, "missing-as-text"
    forms = {
        "percent": _PERCENT,
        "thousands-separator": _THOUSANDS,
        "decimal-comma": _COMMA,
        "date-in-count": _DATE,
    }
    for fault, form in forms.items():
        if form.fullmatch(text):
            return np.nan, fault
    try:
        return float(text), "number-as-text"
    except ValueError:
        return np.nan, "text-in-count"


def _signs(
    values: Floats, name: str, show: Callable[[int], str], *, logs: bool
) -> tuple[Floats, list[Problem]]:
    below = values < 0
    if not below.any():
        return values, []
    logged = logs and bool(np.nanmax(np.abs(values)) < _LOGGED)
    fix = "A count is at least 0; look for corrections or refunds booked as negative rows."
    if logged:
        fix = "It looks like a logarithm: give the exposure itself; its logarithm is taken inside."
    told = of_rows(
        "negative", "error", name, below,
        what=f"column {name!r} is below 0", shows=show, fix=fix,
    )  # fmt: skip
    return np.where(below, np.nan, values), told


def _fractions(
    values: Floats, name: str, show: Callable[[int], str], *, numerator: bool
) -> tuple[Floats, list[Problem]]:
    broken = np.isfinite(values) & (values != np.floor(values))
    if not broken.any():
        return values, []
    top = float(np.nanmax(values))
    code, what, fix = "fractional", "is not whole", "Count people or events, which are whole."
    if numerator and top <= 1:
        code, what = "rates-not-counts", "holds rates between 0 and 1 where counts belong"
        fix = "Give the people who responded; the rate times the denominator, if that is whole."
    elif numerator and top <= 100:  # noqa: PLR2004 - a per cent
        fix = "If these are percentages, give the people who responded in their place."
    told = of_rows(code, "error", name, broken, what=f"column {name!r} {what}", shows=show, fix=fix)
    return np.where(broken, np.nan, values), told
