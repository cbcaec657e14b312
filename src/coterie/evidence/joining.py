"""Joining: rows that arrive later are added to the rows that were there.

Callers may trust that no row counts twice: the same cell and period again is refused, or,
where the caller says so, takes the place of the earlier row, which is handed back. Column
names and covariates are read as the first table reads them.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from coterie import names
from coterie.errors import EvidenceError
from coterie.evidence.cells import bought_rows
from coterie.evidence.table import Evidence, combine
from coterie.evidence.wording import SHOWN, listed, quoted
from coterie.typing import Flags, Integers

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
    earlier = _earlier(ledger, arrived)
    met = earlier >= 0
    if not met.any():
        return Joined(combine(ledger, arrived, ledger.covariates), None)
    if not replaces:
        raise EvidenceError(_twice(ledger, arrived, earlier))
    _refuse_older(ledger, arrived, earlier)
    gone = np.isin(np.arange(len(ledger)), earlier[met])
    kept = arrived if gone.all() else combine(part_of(ledger, ~gone), arrived, ledger.covariates)
    return Joined(kept, part_of(ledger, gone))


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


def _keys(table: Evidence, like: Evidence) -> list[tuple[Hashable, ...]]:
    """Return what tells rows apart: labels, covariates, period, and whether they were bought."""
    counts = table.counts
    own = [names.ARTIST, names.CLUSTER, names.RELEASE, *like.factors]
    own += [covariate.name for covariate in like.covariates]
    own += [names.PERIOD_START, names.PERIOD_END]
    columns = [counts[name].to_numpy().tolist() for name in own if name in counts.coords]
    return list(zip(*columns, bought_rows(counts).tolist(), strict=True))


def _twice(ledger: Evidence, arrived: Evidence, earlier: Integers) -> str:
    rows = np.flatnonzero(earlier >= 0)
    same = np.array([_alike(ledger, int(earlier[row]), arrived, int(row)) for row in rows])
    shown = listed([_place(arrived, int(row)) for row in rows], SHOWN)
    told = (
        f"{rows.size:,} of {len(arrived):,} rows are of a cell and period that is in the ledger "
        f"already: {shown}. "
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


def _alike(ledger: Evidence, mine: int, arrived: Evidence, theirs: int) -> bool:
    """Whether two rows count the same."""
    first, second = (
        table.counts[list(_SIDES)].isel({names.ROW: row}, drop=True).reset_coords(drop=True)
        for table, row in ((ledger, mine), (arrived, theirs))
    )
    shared = np.intersect1d(first[names.OUTCOME].to_numpy(), second[names.OUTCOME].to_numpy())
    at = {names.OUTCOME: shared}
    return shared.size > 0 and bool(first.sel(at).equals(second.sel(at)))


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
    own = [n for n in (names.ARTIST, names.CLUSTER, names.RELEASE, *table.factors) if n in counts]
    words = [f"{name} {quoted(counts[name].item())}" for name in own]
    if names.PERIOD_START in counts:
        days = (
            str(np.datetime_as_string(counts[name].to_numpy(), unit="D"))
            for name in (names.PERIOD_START, names.PERIOD_END)
        )
        words.append("period " + " to ".join(days))
    return f"row {row} ({', '.join(words)})"
