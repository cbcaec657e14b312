"""Settling: typed rows made to mean what they say: currency, period, what was not reported."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import pandas as pd

from coterie.errors import EvidenceError, Problem
from coterie.evidence.exports.columns import Body
from coterie.evidence.exports.kinds import Header, Kind
from coterie.evidence.exports.stating import Stated
from coterie.evidence.wording import listed, of_table

_MAY_BE: Final[Mapping[str, tuple[str, ...]]] = {
    "$": ("USD", "CAD", "AUD", "NZD", "SGD", "HKD", "MXN", "TWD", "CLP", "COP", "ARS"),
    "¥": ("JPY", "CNY"),
}
"""Currencies that share a symbol."""


def refuse_backwards(frame: pd.DataFrame, body: Body) -> None:
    """Refuse rows that end before they begin."""
    if "start" not in frame or "end" not in frame:
        return
    where = [i for i, bad in enumerate((frame["end"] < frame["start"]).tolist()) if bad]
    if where:
        fix = "Columns may have been moved; export the table again."
        raise EvidenceError([body.told("period-backwards", "end", where, "lies before start", fix)])


def unreported(frame: pd.DataFrame, kind: Kind) -> tuple[pd.DataFrame, list[Problem]]:
    """Make 0 missing where it cannot be true: streams without a listener."""
    told: list[Problem] = []
    for above, columns in kind.unreported.items():
        there = [c for c in columns if c in frame]
        if above not in frame or not there:
            continue
        where = (frame[above] > 0).fillna(False) & (frame[there].fillna(0) == 0).all(axis=1)
        where &= frame[there].notna().any(axis=1)
        if not where.any():
            continue
        frame = frame.assign(**{c: frame[c].mask(where) for c in there})
        rows = tuple(i for i, flag in enumerate(where.tolist()) if flag)
        message = (
            f"{' and '.join(there)} are 0 in {len(rows)} of {len(frame)} rows that have {above}: "
            "they were not reported, and are missing here."
        )
        fix = "Export a period for which the platform reports them (28 days or a year)."
        told.append(Problem("not-reported", "warning", there[0], rows, message, fix))
    return frame, told


def priced(
    frame: pd.DataFrame, header: Header, written: frozenset[str], stated: Stated
) -> tuple[pd.DataFrame, str | None, list[Problem]]:
    """Settle the currency of all money, from headers, cells, a column or the caller."""
    if not any(f.holds == "money" and f.name in frame for f in header.kind.fields):
        return frame, None, []
    symbols = {one for one in written if one in _MAY_BE}
    column = set(frame["currency"].dropna()) if "currency" in frame else set()
    codes = {*header.currencies.values(), *(written - symbols)}
    codes |= {stated.currency} if stated.currency else set()
    # Rows may differ in their currency, if nothing else speaks of one.
    codes |= column if codes or len(column) == 1 else set()
    if len(codes) > 1:
        raise EvidenceError(
            f"the money of this file is in {listed(sorted(codes))}; which is meant cannot be "
            "known. Export it in one currency."
        )
    for symbol in sorted(symbols):
        odd = sorted(one for one in codes | column if one not in _MAY_BE[symbol])
        if odd:
            raise EvidenceError(
                f"the money of this file is written with {symbol!r} and said to be {odd[0]}; "
                "which is meant cannot be known. Export it in one currency."
            )
    if len(codes) == 1:
        (code,) = codes
        return frame if "currency" in frame else frame.assign(currency=code), code, []
    return frame, None, [_unpriced(symbols, column)]


def _unpriced(symbols: set[str], column: set[str]) -> Problem:
    said = f"is written with {', '.join(sorted(symbols))}" if symbols else "has no currency"
    fix = "State it: currency='EUR'."
    if column:
        said, fix = f"is in {listed(sorted(column))}, as its column says", "Keep the rows apart."
    return of_table(
        "currency", "warning", "currency", message=f"the money of this file {said}.", fix=fix
    )


def with_facts(
    frame: pd.DataFrame, kind: Kind, stated: Stated
) -> tuple[pd.DataFrame, list[Problem]]:
    """Add what the caller states; say what nobody does."""
    for fact, value in stated.facts.items():
        if fact == "metric":
            continue
        if fact == "period":
            if {"start", "date", "day", "month"} & {*frame}:
                raise EvidenceError("the file has dates of its own; leave period out.")
            frame = frame.assign(start=value[0], end=value[1])
        elif fact in frame:
            raise EvidenceError(f"the file has a column {fact} of its own; leave {fact}= out.")
        else:
            frame = frame.assign(**{fact: value})
    told = [
        of_table(
            f"no-{fact}", "warning", None,
            message=f"the file does not say its {fact}; only its name may.",
            fix=f"State it: {fact}=... .",
        )
        for fact in kind.lacks
        if fact not in stated.facts
    ]  # fmt: skip
    return frame, told
