"""Rules a table must satisfy, beyond what one column says of itself.

Each rule takes the parts of a table and returns the problems it finds, with
every row. Callers may trust that a table without errors has whole counts within
their denominators, one row for each key, and one currency. Repairs nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal

import numpy as np
import pandas as pd

from coterie.errors import Problem
from coterie.evidence.amounts import Amounts
from coterie.evidence.covariates import covariate_codes
from coterie.evidence.parts import Moments, Parts, combined, repeated
from coterie.evidence.wording import counted, listed, nearest, of_rows, of_table
from coterie.names import CLUSTER
from coterie.typing import Flags, Floats, Integers

_SMALL_UNSIGNED: Final = {"uint8": 255, "uint16": 65_535}
_ORDERS: Final = 1e10
_ENOUGH: Final = 3


def within_denominators(parts: Parts, dtypes: Mapping[str, str]) -> list[Problem]:
    """Refuse successes above trials, and events where nobody could have responded.

    Parameters
    ----------
    parts
        A table taken apart.
    dtypes
        Type of each amount's column, to recognise integers that overflowed.
    """
    told: list[Problem] = []
    for outcome in parts.outcomes:
        above, below = parts.numerator(outcome), parts.denominator(outcome)
        top, bottom = outcome.numerator, outcome.denominator

        def shows(row: int, above: Floats = above, below: Floats = below) -> str:
            return f"{counted(above[row])} of {counted(below[row])}"

        told += of_rows(
            "events-without-denominator", "error", bottom, (below == 0) & (above > 0),
            what=f"{top!r} counts events where {bottom!r} is 0", shows=shows,
            fix="Leave the denominator empty where it was not measured.",
        )  # fmt: skip
        if outcome.kind == "binary":
            told += of_rows(
                "successes-exceed-trials", "error", top, (above > below) & (below > 0),
                what=f"successes {top!r} exceed trials {bottom!r}", shows=shows,
                fix=_excess_fix(dtypes.get(bottom, ""), bottom),
            )  # fmt: skip
    return told


def zero_denominators(parts: Parts) -> list[Problem]:
    """Warn of rows where nobody could have responded and nobody did."""
    told: list[Problem] = []
    for column in dict.fromkeys(o.denominator for o in parts.outcomes):
        if column == parts.layout.spend:
            continue
        told += of_rows(
            "zero-denominator", "warning", column, parts.amounts[column] == 0,
            what=f"denominator {column!r} is 0", shows=parts.place,
            fix="Such rows carry no evidence for its outcomes.",
        )  # fmt: skip
    return told


def wide_exposures(parts: Parts) -> list[Problem]:
    """Warn of exposures over ten orders of magnitude: two units are likely in one column."""
    told = []
    for outcome in parts.outcomes:
        exposure = parts.denominator(outcome)
        positive = exposure[exposure > 0]
        if outcome.kind == "count" and positive.size and positive.max() > _ORDERS * positive.min():
            told.append(
                of_table(
                    "wide-exposure", "warning", outcome.denominator,
                    message=f"exposure {outcome.denominator!r} runs from {positive.min():g} to "
                    f"{positive.max():g}, over more than ten orders of magnitude.",
                    fix="Check that every row is in one unit.",
                )
            )  # fmt: skip
    return told


def per_cent(parts: Parts) -> list[Problem]:
    """Warn of trials that are 100 everywhere: percentages, likely, and not people."""
    told = []
    for outcome in parts.outcomes:
        trials = parts.denominator(outcome)
        known = trials[np.isfinite(trials)]
        if outcome.kind == "binary" and known.size >= _ENOUGH and np.all(known == 100):  # noqa: PLR2004
            told.append(
                of_table(
                    "percentages-as-counts", "warning", outcome.denominator,
                    message=f"trials {outcome.denominator!r} are 100 in all {known.size:,} rows.",
                    fix=f"If {outcome.numerator!r} holds percentages, give the people who responded"
                    " and those who could have; of 100 people each, a belief would be far too sure "
                    "or too unsure.",
                )
            )  # fmt: skip
    return told


def missing_values(
    parts: Parts, amounts: Mapping[str, Amounts], missing: Literal["drop", "error"]
) -> list[Problem]:
    """Count what was not measured: one warning, or an error for each column.

    Spend is left out: a row without spend was not bought.
    """
    columns = {c for o in parts.outcomes for c in (o.numerator, o.denominator)}
    absent = {
        c: amounts[c].missing
        for c in amounts
        if c in columns and c != parts.layout.spend and amounts[c].missing.any()
    }
    if missing == "error":
        return [
            problem
            for column, where in absent.items()
            for problem in of_rows(
                "missing-value", "error", column, where,
                what=f"column {column!r} is missing", shows=parts.place,
                fix="Fill it in, remove the row, or read with missing='drop', which leaves that "
                "outcome out of that row.",
            )
        ]  # fmt: skip
    if not absent:
        return []
    rows = np.flatnonzero(np.logical_or.reduce(list(absent.values())))
    words = [f"{c!r} in {int(w.sum()):,}" for c, w in absent.items()]
    return [
        Problem(
            "missing-value", "warning", None, tuple(rows.tolist()),
            f"values are missing in {rows.size:,} of {parts.n_rows:,} rows: {listed(words, 8)}.",
            "Not measured is not zero: that outcome is left out of that row, the others stay.",
        )
    ]  # fmt: skip


def period_codes(parts: Parts) -> list[Integers]:
    """Give the distinct starts, and the distinct ends, numbers in order."""
    return [
        pd.factorize(moments, sort=True)[0].astype(np.int64)
        for moments in (parts.start, parts.end)
        if moments is not None
    ]


def row_key(parts: Parts, *, without: Sequence[str] = ()) -> Integers:
    """Give one number to what makes rows comparable: labels, and whether they were bought."""
    away = {*without, *parts.layout.derived, *(parts.layout.parts if CLUSTER in without else ())}
    codes = [labels.codes for name, labels in parts.labels.items() if name not in away]
    return combined([*codes, parts.bought.astype(np.int64)])


def repeated_rows(parts: Parts) -> list[Problem]:
    """Refuse two rows for one cell and period, and warn of periods that overlap."""
    labelled = np.logical_and.reduce([labels.codes >= 0 for labels in parts.labels.values()])
    key = combined([key_codes(row_key(parts)), *covariate_codes(parts.covariates)])
    periods = period_codes(parts)
    whole = combined([key_codes(key), *periods])
    twice = repeated(whole) & labelled
    fix = "Keep one of them, or add what tells them apart as a factor"
    told = of_rows(
        "duplicate-row", "error", None, twice,
        what="the same cell and period is counted more than once", shows=parts.place,
        fix=f"{fix}." if periods else f"{fix} or a period.",
    )  # fmt: skip
    return told + _overlapping(parts, key, labelled & ~twice)


def key_codes(key: Integers) -> Integers:
    """Count a combined key from 0, so that it can be combined again."""
    codes: Integers = pd.factorize(key)[0].astype(np.int64)
    return codes


def one_cluster(parts: Parts) -> list[Problem]:
    """Warn of a table with a single cluster."""
    values = parts.labels[CLUSTER].values
    if values.size != 1:
        return []
    return [
        of_table(
            "one-cluster", "warning", parts.layout.cluster,
            message=f"all rows are in one cluster, {values.tolist()[0]!r}.",
            fix="Nothing can be compared between clusters; add rows of others.",
        )
    ]  # fmt: skip


def read_currency(
    column: pd.Series[Any], name: str, spent: Flags
) -> tuple[str | None, list[Problem]]:
    """Read the one currency of all rows with spend.

    Parameters
    ----------
    column, name
        The currency's column and the user's name for it.
    spent
        (row,) True where money was spent.
    """
    said = column.isna().to_numpy(dtype=bool)
    words = column.astype(object).map(lambda v: str(v).strip().upper()).to_numpy(dtype=object)
    words = np.where(said, "", words)
    known = spent & (words != "")
    distinct = pd.unique(words[known])
    if distinct.size <= 1:
        return (str(distinct[0]) if distinct.size else None), []
    most = max(distinct, key=lambda w: int((words[known] == w).sum()))
    return None, of_rows(
        "mixed-currencies", "error", name, known & (words != most),
        what=f"spend is in {distinct.size} currencies ({listed(sorted(distinct), 5)}); "
        f"other than {most}",
        shows=lambda row: str(words[row]),
        fix="Convert all spend to one currency.",
    )  # fmt: skip


def unknown_clusters(
    evidence_clusters: Iterable[Any], prior_clusters: Iterable[Any]
) -> list[Problem]:
    """Refuse clusters that the prior does not name.

    Parameters
    ----------
    evidence_clusters
        Distinct clusters of a table.
    prior_clusters
        Clusters the prior gives a probability. More of them than the table has is fine.

    Returns
    -------
    list of Problem
        At most one, naming every unknown cluster up to ten with close matches.
    """
    known = list(prior_clusters)
    there = set(known)
    strangers = [c for c in evidence_clusters if c not in there]
    if not strangers:
        return []
    return [
        of_table(
            "unknown-cluster", "error", CLUSTER,
            message=f"the table has clusters that the prior does not name ({len(strangers)}): "
            f"{listed([_with_nearest(c, known) for c in strangers], 10)}.",
            fix=f"Spell them as the prior does ({listed([repr(c) for c in known], 8)}), or give "
            "them a prior.",
        )
    ]  # fmt: skip


def _with_nearest(cluster: Any, known: Sequence[Any]) -> str:
    plain = cluster.item() if isinstance(cluster, np.generic) else cluster
    close = " or ".join(repr(name) for name in nearest(plain, known))
    return f"{plain!r} (did you mean {close}?)" if close else repr(plain)


def _excess_fix(dtype: str, column: str) -> str:
    largest = _SMALL_UNSIGNED.get(dtype.casefold())
    if largest:
        return (
            f"Column {column!r} is {dtype}, which wraps round above {largest:,}: it likely "
            "overflowed before it came here. Count again in 64 bits."
        )
    return (
        "Trials are the people who could have responded. If the export counts events, "
        "count people, or use Outcome.count."
    )


def _overlapping(parts: Parts, key: Integers, usable: Flags) -> list[Problem]:
    if parts.start is None or parts.end is None:
        return []
    if not _some_overlap(parts.start, parts.end):
        return []
    rows = np.flatnonzero(usable & ~np.isnat(parts.start) & ~np.isnat(parts.end))
    order = rows[np.lexsort((parts.start[rows], key[rows]))]
    same = key[order][1:] == key[order][:-1]
    inside = parts.start[order][1:] < parts.end[order][:-1]
    overlap = np.zeros(parts.n_rows, dtype=bool)
    overlap[order[1:][same & inside]] = True
    return of_rows(
        "periods-overlap", "warning", parts.layout.period[0] if parts.layout.period else None,
        overlap, what="the period begins before the one before it of the same cell has ended",
        shows=parts.place,
        fix="Listeners of the days in common are counted twice; cut the periods apart.",
    )  # fmt: skip


def _some_overlap(start: Moments, end: Moments) -> bool:
    """Whether any two distinct periods overlap, whoever's they are."""
    known = ~np.isnat(start) & ~np.isnat(end)
    first, last = start[known].view(np.int64), end[known].view(np.int64)
    codes, starts = pd.factorize(first, sort=True)
    latest = np.full(starts.size, np.iinfo(np.int64).min)
    soonest = np.full(starts.size, np.iinfo(np.int64).max)
    np.maximum.at(latest, codes, last)
    np.minimum.at(soonest, codes, last)
    return bool((starts[1:] < np.maximum.accumulate(latest)[:-1]).any() or (latest > soonest).any())
