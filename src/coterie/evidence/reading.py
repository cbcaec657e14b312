"""Reading: any frame in, its parts and all its problems out.

The one path from a table to parts; ``Evidence.from_frame`` and ``check`` are two
ways to ask for it. Callers may trust that every rule that could run has run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal, Protocol, TypedDict, Unpack

import numpy as np

from coterie.errors import EvidenceError, Problem
from coterie.evidence import checks
from coterie.evidence.amounts import Amounts, Role, read_amounts
from coterie.evidence.covariates import (
    Covariate,
    check_covariates,
    check_weight,
    read_covariates,
    read_weight,
)
from coterie.evidence.crossing import crossed_labels, separator_problems
from coterie.evidence.cycles import Cycle, read_places
from coterie.evidence.dates import check_period, read_dates
from coterie.evidence.frames import Columns, open_table
from coterie.evidence.grid import complete, refuse_grid
from coterie.evidence.labels import Labels, near_identical, read_labels
from coterie.evidence.layout import Layout, Request, Settled, settle
from coterie.evidence.outcomes import Outcome
from coterie.evidence.overlap import same_listeners
from coterie.evidence.parts import Moments, Parts
from coterie.evidence.totals import totals_rows
from coterie.evidence.windows import parse_window
from coterie.evidence.wording import of_table
from coterie.names import ARTIST, CLUSTER


class Arguments(TypedDict, total=False):
    """The keyword arguments of ``Evidence.from_frame``."""

    outcomes: Sequence[Outcome] | None
    artist: str
    cluster: str | Sequence[str]
    release: str | None
    factors: Sequence[str | Cycle]
    crossed: Sequence[Sequence[str]]
    covariates: Sequence[str | Covariate]
    weight: str | None
    period: tuple[str, str] | None
    window: str | None
    seen: str | None
    spend: str | None
    currency: str | None
    grid: Literal["complete"] | None
    missing: Literal["drop", "error"]


class NamesClusters(Protocol):
    """Anything that names clusters, such as a prior."""

    @property
    def clusters(self) -> tuple[str, ...]:
        """Labels of the clusters."""
        ...


def check(
    frame: Any, *, prior: NamesClusters | None = None, **arguments: Unpack[Arguments]
) -> list[Problem]:
    """List everything that is wrong or odd about a table, without making Evidence of it.

    Parameters
    ----------
    frame
        As for :meth:`Evidence.from_frame`.
    prior
        If given, clusters it does not name are errors too.
    **arguments
        As for :meth:`Evidence.from_frame`.

    Returns
    -------
    list of Problem
        Errors first. Empty for a table with nothing to say about.

    Examples
    --------
    >>> table = {"artist": ["a"], "cluster": ["gym"], "saves": [3], "listeners": [2]}
    >>> [problem.code for problem in check(table)]
    ['successes-exceed-trials', 'one-cluster']
    """
    parts, problems = examine(frame, Request(**arguments))
    if prior is not None and parts is not None:
        clusters = parts.labels[CLUSTER]
        known = set(prior.clusters)
        strange = np.array([c not in known for c in clusters.values.tolist()], dtype=bool)
        rows = tuple(np.flatnonzero(clusters.among(strange)).tolist())
        problems += [
            replace(problem, column=parts.layout.cluster, rows=rows)
            for problem in checks.unknown_clusters(clusters.values.tolist(), prior.clusters)
        ]
    return sorted(problems, key=lambda problem: problem.severity != "error")


def examine(frame: Any, request: Request) -> tuple[Parts | None, list[Problem]]:
    """Take a table apart and apply every rule.

    Parameters
    ----------
    frame
        As for :meth:`Evidence.from_frame`.
    request
        Its other arguments.

    Returns
    -------
    Parts or None
        None where the columns themselves could not be settled or read.
    list of Problem
        Everything found. The parts stand only if none is an error.
    """
    try:
        table = open_table(frame)
        if not table.names:
            return None, [_empty()]
        settled = settle(request, table)
    except EvidenceError as error:
        return None, list(error.problems)
    told = list(settled.problems)
    there = set(table.names)
    wanted = [c for c in (*settled.layout.columns, *_amount_columns(settled)) if c in there]
    columns = table.fetch(dict.fromkeys(wanted))
    n_rows = len(next(iter(columns.values()))) if columns else 0
    if n_rows == 0 and (columns or not told):
        told.append(_empty())
    if n_rows == 0:
        return None, told
    amounts, found = _read_amounts(settled, columns)
    told += found
    unsettled = any(problem.code == "argument" for problem in settled.problems)
    needed = {settled.layout.artist, *(settled.layout.parts or (settled.layout.cluster,))}
    if unsettled or not needed <= there:
        return None, told
    parts, found = _assemble(settled, columns, amounts)
    told += found
    if set(settled.layout.keys) <= set(parts.labels):
        told += _cross_checks(parts, amounts, request)
    return _with_grid(parts, told, request)


def _amount_columns(settled: Settled) -> tuple[str, ...]:
    columns = [c for o in settled.outcomes for c in (o.numerator, o.denominator)]
    spend = [settled.layout.spend] if settled.layout.spend else []
    return tuple(dict.fromkeys([*columns, *spend]))


def _read_amounts(settled: Settled, columns: Columns) -> tuple[dict[str, Amounts], list[Problem]]:
    roles: dict[str, Role] = {settled.layout.spend: "money"} if settled.layout.spend else {}
    roles |= {o.denominator: "trials" for o in settled.outcomes if o.kind == "binary"}
    roles |= {o.numerator: "numerator" for o in settled.outcomes}
    amounts: dict[str, Amounts] = {}
    told: list[Problem] = []
    for name in _amount_columns(settled):
        if name in columns:
            role = roles.get(name, "exposure")
            amounts[name], found = read_amounts(columns[name], name, role)
            told += found
    return amounts, told


def _assemble(
    settled: Settled, columns: Columns, amounts: dict[str, Amounts]
) -> tuple[Parts, list[Problem]]:
    layout = settled.layout
    labels, told = _read_keys(layout, columns)
    start, end, found = _read_period(layout, columns)
    told += found
    seen = None
    if layout.seen in columns:
        seen, found = read_dates(columns[layout.seen], layout.seen, needed=False)
        told += found
    covariates, found = read_covariates(layout, columns)
    told += found
    weight, found = read_weight(layout, columns)
    told += found
    n_rows = next(iter(labels.values())).codes.size
    # An outcome whose column is not there was measured nowhere.
    nowhere = {c: np.full(n_rows, np.nan) for c in _amount_columns(settled) if c not in amounts}
    parts = Parts(
        layout=layout, outcomes=settled.outcomes, labels=labels,
        amounts={c: a.values for c, a in amounts.items()} | nowhere,
        start=start, end=end, seen=seen, currency=None, covariates=covariates, weight=weight,
    )  # fmt: skip
    if layout.currency in columns and layout.spend in amounts:
        currency, found = checks.read_currency(
            columns[layout.currency], layout.currency, parts.bought
        )
        parts = replace(parts, currency=currency)
        told += found
    return parts, told


def _read_keys(layout: Layout, columns: Columns) -> tuple[dict[str, Labels], list[Problem]]:
    labels: dict[str, Labels] = {}
    told: list[Problem] = []
    for name, column in layout.keys.items():
        if column in columns:
            labels[name], found = read_labels(columns[column], column)
            told += found + near_identical(labels[name], column)
    for cycle in layout.cycles:
        if cycle.column in labels:
            labels[cycle.column], found = read_places(labels[cycle.column], cycle)
            told += found
    told += separator_problems(labels, {n: c for n, c in layout.joined.items() if n in labels})
    return _with_derived(layout, labels), told


def _with_derived(layout: Layout, labels: dict[str, Labels]) -> dict[str, Labels]:
    """Add the labels that follow from those that were read."""
    if layout.parts and set(layout.parts) <= set(labels):
        whole = {CLUSTER: crossed_labels([labels[part] for part in layout.parts])}
        labels = {ARTIST: labels[ARTIST]} | whole | labels
    for name, members in layout.derived.items():
        if set(members) <= set(labels):
            labels[name] = crossed_labels([labels[member] for member in members])
    return labels


def _read_period(
    layout: Layout, columns: Columns
) -> tuple[Moments | None, Moments | None, list[Problem]]:
    if layout.period is None or not set(layout.period) <= set(columns):
        return None, None, []
    start, told = read_dates(columns[layout.period[0]], layout.period[0])
    end, found = read_dates(columns[layout.period[1]], layout.period[1])
    # One column may be both ends: say once what is wrong with it.
    return start, end, told + [p for p in found if p not in told]


def _cross_checks(parts: Parts, amounts: dict[str, Amounts], request: Request) -> list[Problem]:
    told: list[Problem] = []
    if request.window is not None and parts.layout.period is None:
        told.append(_no_period(request.window))
    if parts.start is not None and parts.end is not None and parts.layout.period is not None:
        told += check_period(parts.start, parts.end, parts.layout.period, _window(request))
    told += checks.within_denominators(parts, {c: a.dtype for c, a in amounts.items()})
    told += checks.repeated_rows(parts)
    if parts.outcomes:
        told += totals_rows(parts)
        told += same_listeners(parts)
    told += checks.zero_denominators(parts)
    told += checks.wide_exposures(parts)
    told += checks.per_cent(parts)
    told += check_covariates(parts.layout, parts.covariates) + check_weight(parts)
    told += checks.missing_values(parts, amounts, request.missing)
    return told + checks.one_cluster(parts)


def _with_grid(parts: Parts, told: list[Problem], request: Request) -> tuple[Parts, list[Problem]]:
    if request.grid != "complete":
        return parts, told
    refused = refuse_grid(parts) if set(parts.layout.keys) <= set(parts.labels) else []
    if refused or any(problem.severity == "error" for problem in told):
        return parts, told + refused
    parts, found = complete(parts)
    return parts, told + found


def _window(request: Request) -> Any:
    try:
        return None if request.window is None else parse_window(request.window)
    except EvidenceError:
        return None  # Said already, with the other arguments.


def _no_period(window: str) -> Problem:
    return of_table(
        "window-without-period", "error", None,
        message=f"window is {window!r}, but the table has no period.",
        fix="Name the columns of its start and end with period=(start, end), or leave window out.",
    )  # fmt: skip


def _empty() -> Problem:
    return of_table(
        "empty-table", "error", None,
        message="the table has no rows.",
        fix="Check the export or the filter before it; without rows a belief is its prior.",
    )  # fmt: skip
