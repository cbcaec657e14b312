"""Totals: rows of an export that sum up others, left out and compared with what is kept."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import pandas as pd

from coterie.errors import Problem
from coterie.evidence.exports.columns import Body, read_columns
from coterie.evidence.exports.kinds import Header, Total
from coterie.evidence.exports.numerals import Mark


@dataclass(frozen=True, slots=True)
class Sum:
    """Rows left out because they sum up others.

    Attributes
    ----------
    body, header
        The rows, read like the rest.
    where
        Positions of the rows kept that the first of them sums up; None for all.
    """

    body: Body
    header: Header
    where: tuple[int, ...] | None

    def note(self, frame: pd.DataFrame, *, decimal: Mark | None) -> Problem:
        """Say what was left out, and whether the rows kept add up to it.

        Parameters
        ----------
        frame
            The rows kept, typed.
        decimal
            As the caller states it.
        """
        lines = ", ".join(str(line) for line in self.body.lines)
        many = len(self.body.lines) > 1
        message = f"line{'s' if many else ''} {lines} sum{'' if many else 's'} up others and "
        message += f"{'were' if many else 'was'} left out."
        fix = "Nothing to do."
        apart = self._apart(frame, decimal)
        if apart:
            name, kept, total = apart
            message += f" The rows kept have {kept:,g} {name} of its {total:,g}."
            fix = "Rows may be missing from the export; look before you use sums of it."
        rows = () if self.where is None else self.where
        return Problem("totals-left-out", "warning", None, rows, message, fix)

    def _apart(self, frame: pd.DataFrame, decimal: Mark | None) -> tuple[str, float, float] | None:
        counts = tuple(f for f in self.header.kind.fields if f.holds == "count")
        kind = replace(self.header.kind, fields=counts, needs=frozenset(), named=(), counts={})
        read = read_columns(
            self.body, replace(self.header, kind=kind), decimal=decimal, day_first=None
        )
        kept = frame if self.where is None else frame.iloc[list(self.where)]
        for name, column in read.columns.items():
            # People reached on two days may be the same ones.
            total = pd.NA if name == "reach" else column.iloc[0]
            own = kept[name].sum(min_count=1)
            if not pd.isna(total) and not pd.isna(own) and total != own:
                return name, float(own), float(total)
        return None


def without_totals(body: Body, header: Header) -> tuple[Body, list[Sum]]:
    """Part the rows of an export into those kept and those that sum up others.

    Parameters
    ----------
    body, header
        As found.

    Returns
    -------
    Body
        The rows kept.
    list of Sum
        What was left out.
    """
    summed: dict[int, tuple[int, ...] | None] = {}
    for total in header.kind.totals:
        if not total.field:
            summed |= {i: None for i in range(len(body.rows)) if _alone(body, header, total, i)}
        elif total.field in header.at:
            summed |= _with_parts(body, header, total)
            body = _undated(body, header, total)
    if not summed or len(summed) == len(body.rows):
        return body, []
    stay = [i for i in range(len(body.rows)) if i not in summed]
    place = {old: new for new, old in enumerate(stay)}
    sums: list[Sum] = []
    for where in dict.fromkeys(summed.values()):
        rows = [i for i, w in summed.items() if w == where]
        parts = None if where is None else tuple(place[i] for i in where if i in place)
        sums.append(Sum(_part(body, rows), header, parts))
    return _part(body, stay), sums


def _undated(body: Body, header: Header, total: Total) -> Body:
    """Empty the word where a day should stand: a row of all days has no day."""
    holds = {f.name: f.holds for f in header.kind.fields}
    if holds[total.field] != "date":
        return body
    at = header.at[total.field]
    return Body(
        tuple((*r[:at], "", *r[at + 1 :]) if _matches(total, r[at]) else r for r in body.rows),
        body.lines,
    )


def _part(body: Body, rows: Sequence[int]) -> Body:
    return Body(tuple(body.rows[i] for i in rows), tuple(body.lines[i] for i in rows))


def _alone(body: Body, header: Header, total: Total, row: int) -> bool:
    """Whether a row has the word and no other label: a campaign may be called Total."""
    cells = body.rows[row]
    said = [i for i, cell in enumerate(cells) if _matches(total, cell)]
    labels = {
        header.at[f.name]
        for f in header.kind.fields
        if f.holds in ("label", "date") and f.name in header.at
    }
    others = [str(cells[at] or "").strip() for at in labels - {*said}]
    # A totals row may say its currency.
    return bool(said) and all(word in _NOTHING or len(word) == len("EUR") for word in others)


def _matches(total: Total, cell: Any) -> bool:
    return isinstance(cell, str) and bool(re.fullmatch(total.word, cell.strip(), re.IGNORECASE))


_NOTHING: Final = frozenset({"", "-", "--"})


def _with_parts(body: Body, header: Header, total: Total) -> Mapping[int, tuple[int, ...]]:
    """Find the rows that each total sums up: those alike in all other labels."""
    own = header.at[total.field]
    found = [i for i, row in enumerate(body.rows) if _matches(total, row[own])]
    labels = [
        header.at[f.name]
        for f in header.kind.fields
        if f.holds == "label" and f.name in header.at and header.at[f.name] != own
    ]

    def key(row: Sequence[Any]) -> tuple[Any, ...]:
        return tuple(row[a] for a in labels)

    parts: dict[tuple[Any, ...], list[int]] = {}
    for i, row in enumerate(body.rows):
        if i not in found:
            parts.setdefault(key(row), []).append(i)
    return {i: tuple(parts[key(body.rows[i])]) for i in found if key(body.rows[i]) in parts}
