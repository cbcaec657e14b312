"""Layout: which column of a table plays which part.

Turns what the user asked for, and the column names that are there, into one
settled ``Layout`` and the problems met on the way. Knows names, not values.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from coterie import names
from coterie.errors import EvidenceError, Problem
from coterie.evidence.covariates import Covariate
from coterie.evidence.crossing import crossing_problems, derived, name_of
from coterie.evidence.cycles import Cycle, columns_of
from coterie.evidence.frames import Table
from coterie.evidence.outcomes import STANDARD, Outcome, standard_outcomes
from coterie.evidence.windows import parse_window
from coterie.evidence.wording import did_you_mean, listed, nearest, of_table

RESERVED: Final = frozenset(
    value for word, value in vars(names).items() if word.isupper() and isinstance(value, str)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the caller of ``Evidence.from_frame`` asked for, as written there."""

    outcomes: Sequence[Outcome] | None = None
    artist: str = names.ARTIST
    cluster: str | Sequence[str] = names.CLUSTER
    release: str | None = None
    factors: Sequence[str | Cycle] = ()
    crossed: Sequence[Sequence[str]] = ()
    covariates: Sequence[str | Covariate] = ()
    weight: str | None = None
    period: tuple[str, str] | None = None
    window: str | None = None
    seen: str | None = None
    spend: str | None = None
    currency: str | None = None
    grid: Literal["complete"] | None = None
    missing: Literal["drop", "error"] = "drop"


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The user's own column names, by the part each one plays.

    ``parts`` are columns that a cluster is the intersection of: factors too. ``crossed`` are
    crossings by the names of factors, ``cluster`` and ``release``; ``cycles`` are the
    factors that come round.
    """

    artist: str
    cluster: str
    release: str | None
    factors: tuple[str, ...]
    period: tuple[str, str] | None
    seen: str | None
    spend: str | None
    currency: str | None
    covariates: tuple[Covariate, ...] = ()
    weight: str | None = None
    parts: tuple[str, ...] = ()
    crossed: tuple[tuple[str, ...], ...] = ()
    cycles: tuple[Cycle, ...] = ()

    @property
    def keys(self) -> dict[str, str]:
        """From the canonical name of each label that is read to the user's column."""
        cluster = {} if self.parts else {names.CLUSTER: self.cluster}
        release = {names.RELEASE: self.release} if self.release else {}
        return (
            {names.ARTIST: self.artist}
            | cluster
            | release
            | {factor: factor for factor in self.factors}
        )

    @property
    def asked_cluster(self) -> str | tuple[str, ...]:
        """The column of clusters, or the columns they are the intersection of."""
        return self.parts or self.cluster

    @property
    def own_factors(self) -> tuple[str | Cycle, ...]:
        """Factors as they were asked for, parts of a cluster apart but for cycles."""
        cycles = {cycle.column: cycle for cycle in self.cycles}
        own = [f for f in self.factors if f not in self.parts or f in cycles]
        return tuple(cycles.get(factor, factor) for factor in own)

    @property
    def derived(self) -> dict[str, tuple[str, ...]]:
        """Factors that follow from other labels, each with its members."""
        return derived(self.parts, self.crossed)

    @property
    def joined(self) -> dict[str, str]:
        """From the canonical name of each label that is part of another to the user's column."""
        wanted = {*self.parts, *(member for members in self.crossed for member in members)}
        return {name: column for name, column in self.keys.items() if name in wanted}

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column named here, each once."""
        single = (self.seen, self.spend, self.currency, self.weight)
        every = [*self.keys.values(), *(self.period or ()), *(c for c in single if c)]
        every += [covariate.name for covariate in self.covariates]
        return tuple(dict.fromkeys(every))


@dataclass(frozen=True, slots=True)
class Settled:
    """A layout, the outcomes to be read, and what was wrong or odd on the way.

    ``absent`` holds outcome columns that are not in the table and may be missing.
    """

    layout: Layout
    outcomes: tuple[Outcome, ...]
    absent: frozenset[str]
    problems: tuple[Problem, ...]


def settle(request: Request, table: Table) -> Settled:
    """Give every part its column, and say which are not there.

    Parameters
    ----------
    request
        As asked for.
    table
        An open table; only its names are read.

    Raises
    ------
    EvidenceError
        If an argument cannot be a column name at all.
    """
    _refuse_types(request)
    layout = _lay_out(request, table.names)
    outcomes, told = _choose_outcomes(request, table.names)
    there = set(table.names)
    missing = [c for c in layout.columns if c not in there]
    missing += [o.denominator for o in outcomes if o.denominator not in there]
    absent = frozenset(o.numerator for o in outcomes) - there
    told += [_absent_column(c, table) for c in dict.fromkeys(missing)]
    told += _absent_numerators(outcomes, absent, table.names)
    told += _argument_problems(request) + _part_problems(layout, outcomes)
    if not any(p.severity == "error" for p in told):
        told += _unused(layout, outcomes, table.names)
    return Settled(layout, outcomes, absent, tuple(told))


def _refuse_types(request: Request) -> None:
    factors = request.factors
    several = isinstance(factors, Sequence | Cycle)
    factors = (factors,) if isinstance(factors, Cycle) else factors
    single: dict[str, Any] = {
        "artist": request.artist, "release": request.release, "seen": request.seen,
        "spend": request.spend, "currency": request.currency, "weight": request.weight,
    }  # fmt: skip
    if not _is_listed(request.cluster):
        single["cluster"] = request.cluster
    told = [
        _argument(name, f"is {column!r}", "Name one column, as text.")
        for name, column in single.items()
        if not isinstance(column, str) and (column is not None or name in ("artist", "cluster"))
    ]
    if not several or not all(isinstance(factor, str | Cycle) for factor in factors):
        told.append(_argument("factors", f"is {factors!r}", "Name columns, as a list of text."))
    if not isinstance(request.crossed, tuple | list) or not all(map(_is_listed, request.crossed)):
        told.append(
            _argument(
                "crossed", f"is {request.crossed!r}", "List pairs: [('creative', 'cluster')]."
            )
        )
    if not isinstance(request.covariates, Sequence | Covariate) or not all(
        isinstance(covariate, str | Covariate) for covariate in _listed(request.covariates)
    ):
        told.append(
            _argument(
                "covariates", f"is {request.covariates!r}", "List columns, or Covariate values."
            )
        )
    if not _is_pair(request.period):
        told.append(
            _argument("period", f"is {request.period!r}", "Name two columns: (start, end).")
        )
    if not isinstance(request.outcomes, Sequence | Outcome | None):
        told.append(
            _argument("outcomes", f"is {request.outcomes!r}", "Give a list of Outcome values.")
        )
    if told:
        raise EvidenceError(told)


def _lay_out(request: Request, there: Sequence[str]) -> Layout:
    asked = request.factors
    several = (asked,) if isinstance(asked, str | Cycle) else tuple(asked)
    factors = columns_of(several)
    parts = () if isinstance(request.cluster, str) else tuple(request.cluster)
    cluster = name_of(parts) if parts else str(request.cluster)
    canonical = {cluster: names.CLUSTER, request.release: names.RELEASE}
    crossed = tuple(tuple(canonical.get(c, c) for c in each) for each in request.crossed)
    # What is crossed has an effect of its own, and so have the parts of a cluster.
    members = [c for each in crossed for c in each if c not in RESERVED]
    factors = (*parts, *(f for f in factors if f not in parts))
    factors += tuple(dict.fromkeys(c for c in members if c not in factors))
    taken = {request.artist, cluster, *factors}

    def default(column: str | None, name: str) -> str | None:
        return name if column is None and name in there and name not in taken else column

    period = request.period
    if period is None and names.PERIOD_START in there and names.PERIOD_END in there:
        period = (names.PERIOD_START, names.PERIOD_END)
    return Layout(
        artist=request.artist,
        cluster=cluster,
        release=default(request.release, names.RELEASE),
        factors=factors,
        period=None if period is None else (period[0], period[1]),
        seen=request.seen,
        spend=default(request.spend, names.SPEND),
        currency=default(request.currency, names.CURRENCY),
        covariates=tuple(
            Covariate(c) if isinstance(c, str) else c for c in _listed(request.covariates)
        ),
        weight=request.weight,
        parts=parts,
        crossed=crossed,
        cycles=tuple(factor for factor in several if isinstance(factor, Cycle)),
    )


def _is_listed(columns: Any) -> bool:
    return isinstance(columns, tuple | list) and all(isinstance(c, str) for c in columns)


def _listed(covariates: Any) -> Sequence[Any]:
    return (covariates,) if isinstance(covariates, str | Covariate) else tuple(covariates)


def _is_pair(period: Any) -> bool:
    return period is None or (
        isinstance(period, tuple | list)
        and len(period) == 2  # noqa: PLR2004
        and all(isinstance(column, str) for column in period)
    )


def _choose_outcomes(
    request: Request, there: Sequence[str]
) -> tuple[tuple[Outcome, ...], list[Problem]]:
    if request.outcomes is None:
        return standard_outcomes(there), _standard_problems(there)
    given = request.outcomes
    outcomes = (given,) if isinstance(given, Outcome) else tuple(given)
    if not outcomes:
        return (), [_no_outcome()]
    strangers = [type(o).__name__ for o in outcomes if not isinstance(o, Outcome)]
    if strangers:
        return (), [
            _argument("outcomes", f"holds {listed(strangers)}", "Make each with Outcome.binary or "
                      "Outcome.count.")
        ]  # fmt: skip
    labels = [o.name for o in outcomes]
    repeated = sorted({name for name in labels if labels.count(name) > 1})
    told = [
        _argument("outcomes", f"names {name!r} more than once", "Give each outcome its own name.")
        for name in repeated
    ]
    return outcomes, told


def _standard_problems(there: Sequence[str]) -> list[Problem]:
    # listeners is a denominator first: a table without audience or spend lacks nothing.
    denominators = {o.denominator for o in STANDARD}
    lacking = [
        o for o in STANDARD
        if o.numerator in there and o.denominator not in there and o.numerator not in denominators
    ]  # fmt: skip
    told = []
    for column in dict.fromkeys(o.denominator for o in lacking):
        counts = [repr(o.numerator) for o in lacking if o.denominator == column]
        told.append(
            of_table(
                "absent-denominator", "error", column,
                message=f"{listed(counts, 8)} {'is' if len(counts) == 1 else 'are'} counted, but "
                f"the denominator {column!r} is not in the table.{did_you_mean(column, there)}",
                fix=f"Add or rename the column {column!r}, or name the outcomes that are meant "
                "with outcomes=.",
            )
        )  # fmt: skip
    told += _misspelt_numerators(there)
    if not standard_outcomes(there) and not lacking:
        told.append(_no_outcome())
    return told


def _misspelt_numerators(there: Sequence[str]) -> list[Problem]:
    used = {c for o in STANDARD for c in (o.numerator, o.denominator)} | RESERVED
    free = [c for c in there if c not in used]
    numerators = dict.fromkeys(
        o.numerator for o in STANDARD if o.numerator not in there and o.denominator in there
    )
    return [
        of_table(
            "absent-numerator", "warning", numerator,
            message=f"there is no column {numerator!r}, but one that looks like it: "
            f"{listed([repr(c) for c in close])}.",
            fix=f"Rename it to {numerator!r} if it is the same count; as it stands it is not read.",
        )
        for numerator in numerators
        if (close := nearest(numerator, free))
    ]  # fmt: skip


def _no_outcome() -> Problem:
    pairs = listed([f"{o.numerator} of {o.denominator}" for o in STANDARD], len(STANDARD))
    return of_table(
        "no-outcome", "error", None,
        message="no outcome can be read: no column of counts stands beside its denominator.",
        fix=f"Name the columns as the standard outcomes do ({pairs}), or say what was counted "
        "with outcomes=.",
    )  # fmt: skip


def _absent_column(column: str, table: Table) -> Problem:
    hidden = column in table.index_names
    return of_table(
        "absent-column", "error", column,
        message=f"column {column!r} is not in the table."
        + ("" if hidden else did_you_mean(column, table.names)),
        fix="It is in the index: call reset_index() first." if hidden
        else f"Add it, or name the column that plays its part. Columns there: "
        f"{listed([repr(n) for n in table.names], 8)}.",
    )  # fmt: skip


def _absent_numerators(
    outcomes: Sequence[Outcome], absent: frozenset[str], there: Sequence[str]
) -> list[Problem]:
    if outcomes and all(o.numerator in absent for o in outcomes):
        return [
            of_table(
                "absent-column", "error", o.numerator,
                message=f"column {o.numerator!r}, counted by outcome {o.name!r}, is not in the "
                f"table, nor is that of any other outcome.{did_you_mean(o.numerator, there)}",
                fix="Add the counts, or name the columns that hold them.",
            )
            for o in outcomes
        ]  # fmt: skip
    return [
        of_table(
            "absent-numerator", "warning", o.numerator,
            message=f"column {o.numerator!r}, counted by outcome {o.name!r}, is not in the table."
            f"{did_you_mean(o.numerator, there)}",
            fix=f"Outcome {o.name!r} is read as not measured in every row; add or rename the "
            "column if it was.",
        )
        for o in outcomes
        if o.numerator in absent
    ]  # fmt: skip


def _argument(name: str, says: str, fix: str) -> Problem:
    return of_table("argument", "error", None, message=f"{name} {says}.", fix=fix)


def _argument_problems(request: Request) -> list[Problem]:
    told = []
    if request.missing not in ("drop", "error"):
        told.append(_argument("missing", f"is {request.missing!r}", "Write 'drop' or 'error'."))
    if request.grid not in (None, "complete"):
        told.append(_argument("grid", f"is {request.grid!r}", "Write 'complete', or leave it out."))
    if request.window is not None:
        try:
            parse_window(request.window)
        except EvidenceError as error:
            told.append(of_table("window", "error", None, message=str(error), fix=""))
    return told


def _part_problems(layout: Layout, outcomes: Sequence[Outcome]) -> list[Problem]:
    told = []
    own = [covariate.name for covariate in layout.covariates]
    columns = [*layout.keys.values(), *own]
    twice = sorted({str(c) for c in columns if columns.count(c) > 1})
    labels = 1 if layout.parts else 2
    if len(layout.factors) + labels + bool(layout.release) + len(own) > len(columns):
        twice += [f for f in layout.factors if f in RESERVED or layout.factors.count(f) > 1]
    told += [
        _argument(f"column {c!r}", "is named for two parts", "Give each part its own column.")
        for c in dict.fromkeys(twice)
    ]
    told += [
        _argument(f"factor {f!r}", "has a name that is spoken for", "Rename the column.")
        for f in layout.factors
        if f in RESERVED and f not in twice
    ]
    told += [
        _argument(f"covariate {c!r}", "has a name that is spoken for", "Rename the column.")
        for c in own
        if c in RESERVED and c not in twice
    ]
    counted = {c for o in outcomes for c in (o.numerator, o.denominator)}
    told += [
        _argument(f"crossed names {c!r},", "which an outcome counts", "Cross labels, not counts.")
        for c in dict.fromkeys(member for each in layout.crossed for member in each)
        if c in counted
    ]
    return told + crossing_problems(
        layout.parts, layout.crossed, columns, released=bool(layout.release), reserved=RESERVED
    )


def _unused(layout: Layout, outcomes: Sequence[Outcome], there: Sequence[str]) -> list[Problem]:
    used = {*layout.columns, *(c for o in outcomes for c in (o.numerator, o.denominator))}
    left = [c for c in there if c not in used]
    if not left:
        return []
    return [
        of_table(
            "unused-columns", "warning", None,
            message=f"columns that are not read: {listed([repr(c) for c in left], 8)}.",
            fix="Nothing to do unless one of them is a count, a release, a factor or a date.",
        )
    ]  # fmt: skip
