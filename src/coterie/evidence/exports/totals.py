"""Totals: rows of an export that sum up others, left out and compared with what is kept."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from coterie.errors import EvidenceError, Problem
from coterie.evidence.exports.columns import Body, read_columns
from coterie.evidence.exports.kinds import Header, Total
from coterie.evidence.exports.numerals import Mark, says_nothing
from coterie.evidence.totals import TOTAL
from coterie.evidence.wording import listed
from coterie.typing import Integers

_TWICE: Final = frozenset({"reach", "listeners"})
"""Counts of people that do not add up: one may be in two rows."""


@dataclass(frozen=True, slots=True)
class Totals:
    """Finds the rows of one export that sum up others.

    Attributes
    ----------
    body, header
        Of the export.
    counts
        By field, what adds up: (row,) with NaN where nothing was counted.
    """

    body: Body
    header: Header
    counts: dict[str, Any]

    @classmethod
    def of(cls, body: Body, header: Header, decimal: Mark | None) -> Totals:
        """Read what is counted; nothing where that cannot be done yet."""
        adds = tuple(f for f in header.kind.fields if f.holds == "count" and f.name not in _TWICE)
        kind = replace(header.kind, fields=adds, needs=frozenset(), named=(), counts={})
        read = read_columns(body, replace(header, kind=kind), decimal=decimal, day_first=None)
        if read.problems:
            return cls(body, header, {})
        return cls(
            body, header, {n: c.astype("float64").to_numpy() for n, c in read.columns.items()}
        )

    @property
    def named(self) -> list[int]:
        """Columns that say whose a row is, coarse ones first."""
        kind = self.header.kind
        known = kind.named or tuple(f.name for f in kind.fields if f.holds == "label")
        return [self.header.at[name] for name in known if name in self.header.at]

    @property
    def dated(self) -> list[int]:
        """Columns of days."""
        return [
            self.header.at[f.name]
            for f in self.header.kind.fields
            if f.holds in ("date", "month") and f.name in self.header.at
        ]

    def whole(self) -> list[int]:
        """Find rows without a name, or with a word for a sum in its place, that sum up all."""
        words = [total for total in self.header.kind.totals if not total.parts]
        own = [i for i in range(len(self.body.rows)) if any(self._alone(t, i) for t in words)]
        plain = Total("|".join(map(re.escape, sorted(TOTAL))))
        maybe = [i for i in range(len(self.body.rows)) if i not in {*own} and self._alone(plain, i)]
        rest = np.setdiff1d(np.arange(len(self.body.rows)), [*own, *maybe])
        return [*own, *(i for i in maybe if self._adds_up(i, rest))]

    def parts(self) -> dict[int, Integers]:
        """Find rows that sum up others of the same name, and the rows that each sums up."""
        found: dict[int, Integers] = {}
        for total in self.header.kind.totals:
            if not total.parts:
                continue
            said = [self._places(total, row) for row in self.body.rows]
            groups: dict[Any, list[int]] = {}
            for i, row in enumerate(self.body.rows):
                groups.setdefault(row[self.named[0]] if self.named else "", []).append(i)
            for members in groups.values():
                for i in (i for i in members if said[i]):
                    leaves = [j for j in members if not said[j] and self._under(j, i, said[i])]
                    if leaves and (
                        not said[i] & {*self.named} or self._adds_up(i, np.array(leaves))
                    ):
                        found[i] = np.array(leaves)
        return found

    def apart(self, row: int, parts: Integers) -> tuple[str, float, float] | None:
        """Return the first count of which the parts have another sum than their total."""
        for name, values in self.counts.items():
            own, total = np.nansum(values[parts]), values[row]
            if not np.isnan(total) and total != own:
                return name, float(own), float(total)
        return None

    def _adds_up(self, row: int, parts: Integers) -> bool:
        if not len(parts):
            return False
        sums = [(v[row], np.nansum(v[parts])) for v in self.counts.values()]
        return any(total == own and total > 0 for total, own in sums)

    def _alone(self, total: Total, row: int) -> bool:
        """Whether a row has the word, and no name or day beside it."""
        cells = self.body.rows[row]
        said = {i for i, cell in enumerate(cells) if _matches(total, cell)}
        others = {*self.named, *self.dated} - said
        return bool(said) and all(says_nothing(cells[at]) for at in others)

    def _places(self, total: Total, row: Sequence[Any]) -> set[int]:
        """Where a row has the word, but for the coarsest name: something may be called so."""
        first = {*self.named[:1]}
        return {i for i, cell in enumerate(row) if i not in first and _matches(total, cell)}

    def _under(self, part: int, total: int, said: set[int]) -> bool:
        """Whether one row is alike another in every name and day that the other has."""
        mine, theirs = self.body.rows[part], self.body.rows[total]
        days = [self.header.at["day"]] if "day" in self.header.at else []
        return all(
            mine[at] == theirs[at] or at in said or says_nothing(theirs[at])
            for at in (*self.named, *days)
        )


def without_totals(body: Body, header: Header, decimal: Mark | None) -> tuple[Body, list[Problem]]:
    """Leave out the rows of an export that sum up others.

    Parameters
    ----------
    body, header
        As found.
    decimal
        As the caller states it.

    Returns
    -------
    Body
        The rows kept.
    list of Problem
        What was left out, and whether the rows kept add up to it.

    Raises
    ------
    EvidenceError
        If there are no other rows.
    """
    totals = Totals.of(body, header, decimal)
    whole, parts = totals.whole(), totals.parts()
    gone = {*whole, *parts}
    kept = [i for i in range(len(body.rows)) if i not in gone]
    if not kept:
        raise EvidenceError(
            f"the file has {len(body.rows):,} rows, and all of them sum up others that are not "
            "there. Export it with a row for each campaign or song."
        )
    sums = {i: np.array(kept) for i in whole} | parts
    notes = [_note(totals, sums)] if gone else []
    return _undated(_part(body, kept), header), notes


def _note(totals: Totals, sums: dict[int, Integers]) -> Problem:
    rows = sorted(sums)
    lines = listed([str(totals.body.lines[i]) for i in rows])
    many = len(rows) > 1
    message = f"line{'s' if many else ''} {lines} sum{'' if many else 's'} up others and "
    message += f"{'were' if many else 'was'} left out."
    found = [(i, told) for i in rows if (told := totals.apart(i, sums[i])) is not None]
    fix = "Nothing to do."
    if found:
        name, own, total = found[0][1]
        message += f" The rows kept have {own:,g} {name} of its {total:,g}"
        message += f"; {len(found)} of {len(rows)} totals are like this." if many else "."
        fix = "Rows may be missing from the export; look before you use sums of it."
    return Problem("totals-left-out", "warning", None, (), message, fix)


def _undated(body: Body, header: Header) -> Body:
    """Empty the word where a day should stand: a row of all days has no day."""
    words = [total for total in header.kind.totals if total.parts]
    at = header.at.get("day")
    if at is None or not words:
        return body
    rows = tuple(
        (*r[:at], "", *r[at + 1 :]) if any(_matches(t, r[at]) for t in words) else r
        for r in body.rows
    )
    return Body(rows, body.lines)


def _part(body: Body, rows: Sequence[int]) -> Body:
    return Body(tuple(body.rows[i] for i in rows), tuple(body.lines[i] for i in rows))


def _matches(total: Total, cell: Any) -> bool:
    return isinstance(cell, str) and bool(re.fullmatch(total.word, cell.strip(), re.IGNORECASE))
