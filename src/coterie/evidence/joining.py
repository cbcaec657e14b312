"""Joining: rows that arrive later are added to the rows that were there.

Callers may trust that no row counts twice: the same cell and period again is refused, or,
where the caller says so, takes the place of the earlier row, which is handed back. Column
names and covariates are read as the first table reads them.
"""

from __future__ import annotations

import warnings
from collections.abc import Hashable
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from coterie import names
from coterie.errors import EvidenceError, EvidenceWarning
from coterie.evidence.cells import bought_rows
from coterie.evidence.table import Evidence, combine
from coterie.evidence.wording import SHOWN, listed, quoted
from coterie.typing import Flags, Integers

_OVERLAP: Final = "periods-overlap"
_SIDES = (names.NUMERATOR, names.DENOMINATOR)


@dataclass(frozen=True, slots=True)
class Joined:
    """A ledger after new rows came.

    Attributes
    ----------
    evidence
        All rows that count now: those of the ledger that stay, then the new ones.
    replaced
        Rows of the ledger that no longer count; None where there are none.
    """

    evidence: Evidence
    replaced: Evidence | None


def join(ledger: Evidence, arrived: Evidence, *, replaces: bool) -> Joined:
    """Add rows to a ledger.

    Parameters
    ----------
    ledger, arrived
        Rows that were there, and rows that come now.
    replaces
        Whether a row of a cell and period that the ledger has is a correction or a later
        read, and takes its place. Otherwise it is refused.

    Raises
    ------
    EvidenceError
        If a row is there already and ``replaces`` does not say so, if it was read before
        the one it would replace, or the tables cannot be added.
    """
    _refuse_other_types(ledger, arrived)
    earlier = _earlier(ledger, arrived)
    met = earlier >= 0
    if replaces:
        _refuse_flips(ledger, arrived, met)
    if not met.any():
        whole = combine(ledger, arrived, ledger.covariates)
        return Joined(_without_overlap(ledger, whole, len(ledger), replaces=replaces), None)
    if not replaces:
        raise EvidenceError(_twice(ledger, arrived, earlier))
    _refuse_older(ledger, arrived, earlier)
    gone = np.isin(np.arange(len(ledger)), earlier[met])
    # Also where none stays: the new rows are read as the ledger reads.
    whole = combine(part_of(ledger, ~gone), arrived, ledger.covariates)
    kept = int((~gone).sum())
    return Joined(_without_overlap(ledger, whole, kept, replaces=True), part_of(ledger, gone))


def part_of(evidence: Evidence, rows: Flags) -> Evidence:
    """Keep some rows of a table, counted from 0 again; what was noted of rows is dropped.

    Parameters
    ----------
    evidence
        A table.
    rows
        Which to keep: (row,).
    """
    counts = evidence.counts.isel({names.ROW: np.flatnonzero(rows)})
    counts = counts.assign_coords({names.ROW: np.arange(counts.sizes[names.ROW])})
    return replace(evidence, counts=counts, warnings=())


def _earlier(ledger: Evidence, arrived: Evidence) -> Integers:
    """Return the ledger's row of the same cell and period, -1 where there is none: (row,)."""
    mine, theirs = (_keys(table, ledger) for table in (ledger, arrived))
    place: dict[tuple[Hashable, ...], int] = {key: i for i, key in enumerate(mine)}
    return np.array([place.get(key, -1) for key in theirs], dtype=np.int64)


def _refuse_flips(ledger: Evidence, arrived: Evidence, met: Flags) -> None:
    """Refuse a row that has a twin in the ledger but for having been bought, or not."""
    mine, theirs = ({k[:-1] for k in _keys(ledger, ledger)}, _keys(arrived, ledger))
    odd = [i for i, key in enumerate(theirs) if not met[i] and key[:-1] in mine]
    if odd:
        raise EvidenceError(
            f"{len(odd):,} of {len(arrived):,} rows are of a cell and period of the ledger, and "
            f"were bought where the ledger's was not, or the other way round: "
            f"{_place(arrived, odd[0])}. Which row they replace cannot be known: give spend as the "
            "ledger has it, or leave them out."
        )


def _keys(table: Evidence, like: Evidence) -> list[tuple[Hashable, ...]]:
    """Return what tells rows apart: labels, covariates, period, and whether they were bought."""
    counts = table.counts
    own = [names.ARTIST, names.CLUSTER, names.RELEASE, *like.layout.factors]
    own += [covariate.name for covariate in like.covariates]
    own += [names.PERIOD_START, names.PERIOD_END]
    columns = [counts[name].to_numpy().tolist() for name in own if name in counts.coords]
    return list(zip(*columns, bought_rows(counts).tolist(), strict=True))


def _refuse_other_types(ledger: Evidence, arrived: Evidence) -> None:
    """Refuse labels that are numbers in one table and text in the other: none would match."""
    for name in (names.ARTIST, names.CLUSTER, names.RELEASE, *ledger.factors):
        if name in ledger.counts.coords and name in arrived.counts.coords:
            told = unlike(name, ledger.counts[name].to_numpy(), arrived.counts[name].to_numpy())
            if told:
                raise EvidenceError(told)


def unlike(name: str, known: NDArray[Any], labels: NDArray[Any]) -> str:
    """Say so where labels are numbers on one side and text on the other; '' where they are alike.

    Parameters
    ----------
    name
        What they name.
    known, labels
        Those that are known, and those of the rows.
    """
    if not known.size or not labels.size:
        return ""
    words = ["numbers" if side.dtype.kind in "iufb" else "text" for side in (known, labels)]
    if words[0] == words[1]:
        return ""
    return (
        f"{name} is {words[0]} so far and {words[1]} in these rows (the first is "
        f"{labels.tolist()[0]!r}), so that none would match. Write them alike."
    )


def _without_overlap(ledger: Evidence, whole: Evidence, kept: int, *, replaces: bool) -> Evidence:
    """Warn of new rows that share days with others of their cell; refuse where they replace."""
    told = [p for p in whole.warnings if p.code == _OVERLAP and any(r >= kept for r in p.rows)]
    before = {row for p in ledger.warnings if p.code == _OVERLAP for row in p.rows}
    if not told or len(told[0].rows) <= len(before):
        return whole
    rows = [row - kept for row in told[0].rows if row >= kept]
    said = (
        f"{len(rows):,} of {len(whole) - kept:,} new rows share days with rows of the same cell "
        f"and another period: {_place(whole, rows[0] + kept)}. "
    )
    if replaces:
        raise EvidenceError(
            f"{said}A row is replaced by one of the very same period; give the periods as they "
            "stand in the ledger, or people would be counted twice."
        )
    warnings.warn(f"{said}{told[0].fix}", EvidenceWarning, stacklevel=5)
    return whole


def _twice(ledger: Evidence, arrived: Evidence, earlier: Integers) -> str:
    rows = np.flatnonzero(earlier >= 0)
    same = _alike(ledger, earlier[rows], arrived, rows)
    shown = listed([_place(arrived, int(row)) for row in rows[:SHOWN]], SHOWN)
    more = f" and {rows.size - SHOWN:,} more" if rows.size > SHOWN else ""
    told = (
        f"{rows.size:,} of {len(arrived):,} rows are of a cell and period that is in the ledger "
        f"already: {shown}{more}. "
    )
    dated = names.PERIOD_START in arrived.counts.coords
    if same.all():
        told += "They are the same rows, counts and all. Leave them out"
    else:
        told += (
            f"{int((~same).sum()):,} of them have other counts. If they are corrections or later "
            "reads of the same people, say so with replaces=True"
        )
    return told + ("." if dated else ", or give rows of another time a period.")


def _alike(ledger: Evidence, mine: Integers, arrived: Evidence, theirs: Integers) -> Flags:
    """Say which pairs of rows count the same: (pair,)."""
    shared = [o.name for o in arrived.outcomes if o in ledger.outcomes]
    same = np.full(mine.size, bool(shared))
    for side in _SIDES:
        first = ledger.counts[side].sel({names.OUTCOME: shared}).to_numpy()[mine]
        second = arrived.counts[side].sel({names.OUTCOME: shared}).to_numpy()[theirs]
        same &= np.all((first == second) | (np.isnan(first) & np.isnan(second)), axis=1)
    return same


def _refuse_older(ledger: Evidence, arrived: Evidence, earlier: Integers) -> None:
    if not all(names.SEEN in table.counts.coords for table in (ledger, arrived)):
        return
    rows = np.flatnonzero(earlier >= 0)
    before = pd.DatetimeIndex(ledger.counts[names.SEEN].to_numpy()[earlier[rows]])
    now = pd.DatetimeIndex(arrived.counts[names.SEEN].to_numpy()[rows])
    older = rows[np.asarray(now < before)]
    if older.size:
        first = int(np.flatnonzero(np.asarray(now < before))[0])
        raise EvidenceError(
            f"{older.size:,} of {len(arrived):,} rows were read before the rows they would "
            f"replace: {_place(arrived, int(older[0]))} was read on {now[first]:%Y-%m-%d}, the "
            f"ledger's on {before[first]:%Y-%m-%d}. Leave them out."
        )


def _place(table: Evidence, row: int) -> str:
    """Say where a row stands in words."""
    counts = table.counts.isel({names.ROW: row})
    own = [
        n
        for n in (names.ARTIST, names.CLUSTER, names.RELEASE, *table.layout.factors)
        if n in counts
    ]
    words = [f"{name} {quoted(counts[name].item())}" for name in own]
    if names.PERIOD_START in counts:
        days = (
            str(np.datetime_as_string(counts[name].to_numpy(), unit="D"))
            for name in (names.PERIOD_START, names.PERIOD_END)
        )
        words.append("period " + " to ".join(days))
    return f"row {row} ({', '.join(words)})"
