"""Columns: cells of an export into typed columns, each number in one reading only.

Makes one column a field: whole numbers where people or events are counted, probabilities where
per cent were written, days where dates stand. What cannot be read in one way only is refused
with its line, its extent and the argument that settles it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import pandas as pd

from coterie.errors import Problem
from coterie.evidence.amounts import EXACT
from coterie.evidence.exports.kinds import Field, Header
from coterie.evidence.exports.moments import order_of_file, orders_of, read_month
from coterie.evidence.exports.numerals import Mark, Numeral, decimal_mark, numeral, says_nothing
from coterie.evidence.wording import SHOWN, quoted

NUMBERS: Final = ("count", "number", "money", "share")


@dataclass(frozen=True, slots=True)
class Body:
    """The rows below a header, as they will be read.

    Attributes
    ----------
    rows
        Cells of each row.
    lines
        Where each begins in the file.
    """

    rows: tuple[tuple[Any, ...], ...]
    lines: tuple[int, ...]

    def cells(self, at: int) -> list[Any]:
        """Return one column; None where it has nothing."""
        return [None if _nothing(row[at]) else row[at] for row in self.rows]

    def told(self, code: str, column: str, where: Sequence[int], what: str, fix: str) -> Problem:
        """Make an error of some rows; ``where`` are their positions, in order."""
        column_words = [f"line {self.lines[i]}" for i in where[:SHOWN]]
        more = " and so on" if len(where) > SHOWN else ""
        extent = f"{len(where):,} of {len(self.rows):,} rows: {', '.join(column_words)}{more}"
        message = f"column {column!r} {what} in {extent}."
        return Problem(code, "error", column, tuple(where), message, fix)


@dataclass(frozen=True, slots=True)
class Read:
    """Typed columns and what was met on the way.

    Attributes
    ----------
    columns
        By field, in the kind's order.
    currencies
        Currencies written beside amounts: codes, or a symbol of several currencies.
    problems
        Errors; the columns stand only if there are none.
    notes
        What was not read, and why.
    """

    columns: Mapping[str, pd.Series[Any]]
    currencies: frozenset[str]
    problems: tuple[Problem, ...]
    notes: tuple[Problem, ...] = ()


def read_columns(
    body: Body, header: Header, *, decimal: Mark | None, day_first: bool | None
) -> Read:
    """Read every known column of an export.

    Parameters
    ----------
    body, header
        As found.
    decimal, day_first
        What the caller states; None to be told by the file.
    """
    header, notes = _without_bare_shares(body, header)
    numbers, problems = _numerals(body, header)
    mark, told = _settled_mark(body, header, numbers, decimal)
    problems += told
    order = _Order.of(body, header, day_first)
    columns: dict[str, pd.Series[Any]] = {}
    for field in header.kind.fields:
        if field.name not in header.at:
            continue
        cells = body.cells(header.at[field.name])
        told = []
        if field.holds == "label":
            columns[field.name] = _labels(cells, field)
        elif field.holds in ("date", "month"):
            columns[field.name], told = _dates(body, field, cells, order)
        elif not problems:
            columns[field.name], told = _amounts(body, field, numbers[field.name], mark)
        if field.name in columns and not told:
            told = _missing(body, field, columns[field.name], header)
        problems += told
    problems += _nameless(body, header, columns)
    return Read(columns, _written(header, numbers), tuple(problems), tuple(notes))


def _written(header: Header, numbers: Mapping[str, list[Any]]) -> frozenset[str]:
    """Return the currencies that stand beside amounts of money."""
    money = (f.name for f in header.kind.fields if f.holds == "money")
    return frozenset(
        one.currency
        for name in money
        for one in numbers.get(name, ())
        if isinstance(one, Numeral) and one.currency
    )


def _without_bare_shares(body: Body, header: Header) -> tuple[Header, list[Problem]]:
    """Leave out rates whose unit a workbook's cell does not tell: 0.03 may be 3 %."""
    bare = [
        f.name
        for f in header.kind.fields
        if f.holds == "share" and f.name in header.at
        if any(isinstance(cell, int | float) for cell in body.cells(header.at[f.name]))
    ]
    if not bare:
        return header, []
    message = (
        f"{', '.join(bare)} hold numbers of a workbook, which may be parts of 1 or per cent, and "
        "were not read."
    )
    fix = "Rates follow from the counts; export as CSV if they are needed."
    left = {name: at for name, at in header.at.items() if name not in bare}
    return replace(header, at=left), [Problem("bare-shares", "warning", bare[0], (), message, fix)]


@dataclass(frozen=True, slots=True)
class _Order:
    """How the dates of a file are written: ``day_first`` (None: not told), and short years."""

    day_first: bool | None
    short: bool

    @classmethod
    def of(cls, body: Body, header: Header, stated: bool | None) -> _Order:
        own = header.kind.day_first
        if stated is not None or own is not None:
            return cls(own if stated is None else stated, short=own is not None)
        dated = [f.name for f in header.kind.fields if f.holds == "date" and f.name in header.at]
        return cls(order_of_file({n: body.cells(header.at[n]) for n in dated}), short=False)


def _nothing(cell: Any) -> bool:
    if cell is None or cell == "":
        return True
    return isinstance(cell, float) and math.isnan(cell)


def _labels(cells: list[Any], field: Field) -> pd.Series[Any]:
    def label(cell: Any) -> Any:
        if cell is None or (isinstance(cell, str) and cell.strip() in {"", *field.absent}):
            return None
        if isinstance(cell, float) and cell.is_integer():
            return str(int(cell))
        return cell if isinstance(cell, str) else str(cell)

    return pd.Series([label(cell) for cell in cells], dtype=object)


def _missing(body: Body, field: Field, column: pd.Series[Any], header: Header) -> list[Problem]:
    """Refuse rows without a label or day that the kind needs."""
    needed = field.name in header.kind.needs and field.holds in ("label", "date", "month")
    if not needed or field.absent:
        return []
    where = [i for i, missing in enumerate(column.isna().tolist()) if missing]
    fix = "If they are sums of others, remove them; else fill it in."
    return [body.told("missing-label", field.name, where, "is empty", fix)] if where else []


def _nameless(body: Body, header: Header, columns: Mapping[str, pd.Series[Any]]) -> list[Problem]:
    """Refuse rows that no name says whose they are: sums that no word told."""
    labels = [name for name in header.kind.named if name in columns]
    if not labels or set(labels) & header.kind.needs:
        return []
    empty = np.logical_and.reduce([columns[name].isna().to_numpy() for name in labels])
    where = np.flatnonzero(empty).tolist()
    what = f"is empty, as all names are ({', '.join(labels)}),"
    fix = "If they are sums of others, remove them; else fill one in."
    return [body.told("missing-label", labels[0], where, what, fix)] if where else []


def _numerals(body: Body, header: Header) -> tuple[dict[str, list[Any]], list[Problem]]:
    """Take every number apart: a Numeral, a plain number of a workbook, or None for nothing."""
    found: dict[str, list[Any]] = {}
    problems: list[Problem] = []
    for field in header.kind.fields:
        if field.holds not in NUMBERS or field.name not in header.at:
            continue
        cells = body.cells(header.at[field.name])
        read = [_taken_apart(cell) for cell in cells]
        for code, (what, fix) in _WRONG.items():
            where = [i for i, one in enumerate(read) if _wrong(one, field, code)]
            if where:
                shown = ", ".join(quoted(cells[i]) for i in where[:SHOWN])
                problems.append(body.told(code, field.name, where, f"{what} ({shown})", fix))
        found[field.name] = read
    return found, problems


_WRONG: Final[dict[str, tuple[str, str]]] = {
    "no-number": (
        "holds what is no number",
        "Look at these lines; if a row is a note or a total, remove it.",
    ),
    "percent": (
        "counts something, and yet holds per cent",
        "Columns may have been moved; export the table again.",
    ),
    "money-in-count": (
        "is no amount of money, and yet holds a currency",
        "Columns may have been moved; export the table again.",
    ),
}


def _wrong(one: Any, field: Field, code: str) -> bool:
    if code == "no-number":
        return one is _NO_NUMBER
    if not isinstance(one, Numeral):
        return False
    if code == "percent":
        return one.per_cent and field.holds != "share"
    return one.currency is not None and field.holds != "money"


_NO_NUMBER: Final = object()
_MOST: Final = 1e18
"""Beyond any count and any amount of money; infinite ones too."""


def _taken_apart(cell: Any) -> Any:
    if says_nothing(cell):
        return None
    if isinstance(cell, str):
        found = numeral(cell)
        return _NO_NUMBER if found is None else found
    plain = isinstance(cell, int | float) and not isinstance(cell, bool)
    return cell if plain and abs(cell) < _MOST else _NO_NUMBER


def _settled_mark(
    body: Body, header: Header, numbers: Mapping[str, list[Any]], decimal: Mark | None
) -> tuple[Mark | None, list[Problem]]:
    """Return the decimal mark of a file, or what keeps it from being known."""
    if decimal is not None:
        return decimal, []
    holds = {f.name: f.holds for f in header.kind.fields}
    written = {
        name: [one for one in read if isinstance(one, Numeral)] for name, read in numbers.items()
    }
    counts = (one for name, read in written.items() if holds[name] == "count" for one in read)
    others = (one for name, read in written.items() if holds[name] != "count" for one in read)
    told, unsure = decimal_mark(counts, others)
    if len(told) > 1:
        words = " and ".join(f"{one.body!r} (decimal {m!r})" for m, one in told.items())
        fix = "Export it again in one language, or state the mark: decimal='.' or decimal=','."
        message = f"the numbers of this file contradict each other: {words}."
        return None, [Problem("decimal-mark", "error", None, (), message, fix)]
    if told or not unsure:
        return next(iter(told), None), []
    unknown = [
        (name, i)
        for name, read in numbers.items()
        for i, one in enumerate(read)
        if isinstance(one, Numeral) and one.mark is None
    ]
    name, first = unknown[0]
    shown = numbers[name][first].body
    one_way, other_way = (numbers[name][first].value(mark) for mark in (".", ","))
    what = f"holds {shown!r}, which may be {one_way:,} or {other_way:,}; nothing tells which"
    where = [i for n, i in unknown if n == name]
    fix = "State the decimal mark of the file: decimal='.' or decimal=','."
    return None, [body.told("decimal-mark", name, where, what, fix)]


def _amounts(
    body: Body, field: Field, read: list[Any], mark: Mark | None
) -> tuple[pd.Series[Any], list[Problem]]:
    values = [one.value(mark) if isinstance(one, Numeral) else one for one in read]
    unfit = [i for i, (v, one) in enumerate(zip(values, read, strict=True)) if v is None is not one]
    if unfit:
        fix = "Check the decimal mark: decimal='.' or decimal=','."
        what = f"holds {read[unfit[0]].body!r}, which does not fit the decimal mark {mark!r}"
        return pd.Series(dtype=float), [body.told("decimal-mark", field.name, unfit, what, fix)]
    if field.holds == "count":
        return _counts(body, field, values)
    scale = 100.0 if field.holds == "share" else 1.0
    plain = [np.nan if value is None else float(value) / scale for value in values]
    return pd.Series(plain, dtype="float64"), []


def _counts(body: Body, field: Field, values: list[Any]) -> tuple[pd.Series[Any], list[Problem]]:
    rules: dict[str, tuple[Callable[[Any], bool], str, str]] = {
        "negative": (lambda v: v < 0, "is below 0", "A count is at least 0; look for refunds."),
        "fractional": (
            lambda v: float(v) != math.floor(v), "is not whole",
            "Columns may have been moved, or decimal= is the other mark.",
        ),
        "too-large": (lambda v: abs(v) > EXACT, "is above 2**53", "No count of people is."),
    }  # fmt: skip
    problems = []
    for code, (broken, what, fix) in rules.items():
        where = [i for i, value in enumerate(values) if value is not None and broken(value)]
        if where:
            said = f"{what} ({values[where[0]]:,})"
            problems.append(body.told(code, field.name, where, said, fix))
    if problems:
        return pd.Series(dtype="Int64"), problems
    return pd.Series([None if v is None else int(v) for v in values], dtype="Int64"), []


def _dates(
    body: Body, field: Field, cells: list[Any], order: _Order
) -> tuple[pd.Series[Any], list[Problem]]:
    there = [i for i, cell in enumerate(cells) if not says_nothing(cell)]
    column = pd.Series(pd.NaT, index=range(len(cells)), dtype="datetime64[ns]")
    said = [cells[i] for i in there]
    found = _months(said) if field.holds == "month" else orders_of(said, short=order.short)
    if order.day_first is None and len(found) > 1:
        apart = [there[i] for i, (a, b) in enumerate(zip(*found.values(), strict=True)) if a != b]
        if apart:
            what = f"holds {quoted(cells[apart[0]])}, and nothing tells the day from the month"
            fix = "State the order of the file: day_first=True or day_first=False."
            return column, [body.told("day-or-month", field.name, apart, what, fix)]
    day_first = None if field.holds == "month" else order.day_first
    if not found or (day_first is not None and day_first not in found):
        return column, [_unreadable(body, field, cells, _broken(cells, there, order))]
    column.iloc[there] = found[day_first] if day_first in found else next(iter(found.values()))
    return column, []


def _months(cells: list[Any]) -> dict[bool, list[pd.Timestamp]]:
    read = [read_month(cell) for cell in cells]
    known = [day for day in read if day is not None]
    return {False: known} if len(known) == len(read) else {}


def _broken(cells: list[Any], there: list[int], order: _Order) -> list[int]:
    each = {i: orders_of([cells[i]], short=order.short) for i in there}
    wanted = order.day_first
    return [
        i for i in there if not each[i] or (wanted is not None and wanted not in each[i])
    ] or there


def _unreadable(body: Body, field: Field, cells: list[Any], where: list[int]) -> Problem:
    what = f"holds {quoted(cells[where[0]])}, which is no date that can be read in one way"
    fix = "Write dates as 2026-01-31, or state the order: day_first=True or day_first=False."
    return body.told("unreadable-date", field.name, where, what, fix)
