"""Evidence: what was counted, of whom, where and when.

Rooms above may trust that counts are whole, at least 0 and within those who
could have responded, that every row has its labels and its window, that no row
is there twice, and that nothing in it can be changed. An entry with NaN was not
measured. Knows nothing of priors, models or pictures.
"""

from __future__ import annotations

import warnings as python_warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, Self

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from coterie import names
from coterie.errors import EvidenceError, EvidenceWarning, Problem
from coterie.evidence.adding import check_addable, renaming
from coterie.evidence.cells import places, sum_cells
from coterie.evidence.covariates import Covariate
from coterie.evidence.cycles import Cycle
from coterie.evidence.forgetting import HalfLife, day_of, days_of, powers
from coterie.evidence.layout import Layout, Request
from coterie.evidence.outcomes import Outcome
from coterie.evidence.parts import Parts
from coterie.evidence.portrait import in_html, in_words
from coterie.evidence.reading import examine
from coterie.evidence.windows import WHOLE, parse_window, window_labels
from coterie.evidence.writing import stacked, to_frame

QUIET: Final = frozenset({"unused-columns", "unused-levels", "missing-value", "grid-completed"})
"""Warnings that are recorded and not raised: normal in a table of the world."""

_USUAL_LATER: Final = frozenset({"one-cluster", "absent-numerator"})


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Evidence:
    """A checked table of counts. Make one with :meth:`from_frame`.

    Attributes
    ----------
    counts
        ``numerator`` and ``denominator`` over (row, outcome), float64, NaN where not
        measured; an entry counts only where both are. Labels on row: ``artist``,
        ``cluster``, ``window``, each factor, and where given ``release``,
        ``period_start``, ``period_end``, ``seen`` and ``spend`` (NaN: not bought),
        each covariate and ``artist_units``, the weight.
        ``attrs["currency"]`` where known.
    outcomes
        What was counted, in the order of the outcome dimension.
    factors
        The user's factor columns, then those that follow from them: pairs of the parts of a
        cluster, and crossings.
    window
        How periods were cut, or None for one window over all.
    warnings
        What a person should know about the table.
    layout
        The user's own column names.
    covariates
        Numeric columns, with the centre and unit in which a model reads them.
    half_life
        How fast old windows fade and from which day; None where they do not.

    Examples
    --------
    >>> rows = {"artist": ["Ana", "Ana"], "cluster": ["gym", "focus"], "listeners": [400, 300]}
    >>> evidence = co.Evidence.from_frame(pd.DataFrame(rows | {"saves": [40, 9]}))
    >>> len(evidence), [outcome.name for outcome in evidence.outcomes]
    (2, ['save'])
    """

    counts: xr.Dataset
    outcomes: tuple[Outcome, ...]
    factors: tuple[str, ...]
    window: str | None
    warnings: tuple[Problem, ...]
    layout: Layout
    covariates: tuple[Covariate, ...] = ()
    half_life: HalfLife | None = None

    @classmethod
    def from_frame(  # noqa: PLR0913 - the one door through which every column is named
        cls,
        frame: Any,
        *,
        outcomes: Sequence[Outcome] | None = None,
        artist: str = "artist",
        cluster: str | Sequence[str] = "cluster",
        release: str | None = None,
        factors: Sequence[str | Cycle] = (),
        crossed: Sequence[Sequence[str]] = (),
        covariates: Sequence[str | Covariate] = (),
        weight: str | None = None,
        period: tuple[str, str] | None = None,
        window: str | None = None,
        seen: str | None = None,
        spend: str | None = None,
        currency: str | None = None,
        grid: Literal["complete"] | None = None,
        missing: Literal["drop", "error"] = "drop",
    ) -> Self:
        """Read a table, one row an observation of one artist in one cluster.

        Parameters
        ----------
        frame
            A pandas, polars (eager or lazy) or pyarrow table, a DuckDB relation, anything
            else narwhals reads, or a dictionary of columns. Never changed. A pandas index
            is ignored; rows are named by position, from 0.
        outcomes
            What was counted. Left out, the standard outcomes whose columns are there.
        artist, cluster, release
            Columns of labels. ``release`` left out, the column ``release`` if there. Several
            columns of clusters make each cluster their intersection, ``"north x fan x night"``;
            they and their pairs are factors, from which a small intersection borrows.
        factors
            Columns of further labels: context, geo, creative, surface. ``Cycle("hour", 24)``
            is one that comes round.
        crossed
            Factors that are crossed: ``[("creative", "cluster"), ("context", "geo")]``, of
            factors, ``cluster`` and ``release``. A combination has an effect beside those of
            its members, pooled with the other combinations.
        covariates
            Columns of numbers, fractional and negative ones too. A name is read from its
            mean in units of its standard deviation over the rows; a :class:`Covariate`
            states its own centre and unit. Rows to predict state them or inherit them.
        weight
            Column of frequencies: how many alike artists (units) a row's artist stands for,
            above 0, whole or fractional, the same in all rows of one artist. The
            probability of all that artist's counts is raised to this power.
        period
            Columns of the period's start and end: dates or ISO text. Left out,
            ``period_start`` and ``period_end`` if both are there.
        window
            How to cut time: ``"28D"``, ``"7D"``, ``"month"``, ``"quarter"``. A row belongs
            to the window that holds its period's start; fixed windows are counted from
            Monday 2001-01-01. Left out, all periods are one window.
        seen
            Column of the date when the row was read.
        spend, currency
            Columns of money and its currency; left out, those names if there. Rows without
            spend, or with 0, were not bought.
        grid
            ``"complete"``: a pair of artist and cluster without a row in a period is a zero,
            where the cluster's own rows of that period state one denominator.
        missing
            ``"drop"``: an outcome with a missing numerator or denominator is left out of that
            row; the others stay. ``"error"``: refused.

        Returns
        -------
        Evidence
            Checked. Its ``warnings`` are also raised once, as one ``EvidenceWarning``,
            apart from what is normal in any table (unused columns, missing values).

        Raises
        ------
        EvidenceError
            With every problem of the table at once, each naming its rows and the way out.

        Examples
        --------
        >>> evidence = Evidence.from_frame(
        ...     {"artist": ["a", "a"], "cluster": ["gym", "indie"],
        ...      "saves": [3, 9], "listeners": [40, 60]}
        ... )
        >>> evidence.clusters.tolist(), len(evidence)
        (['gym', 'indie'], 2)
        """
        request = Request(
            outcomes=outcomes, artist=artist, cluster=cluster, release=release, factors=factors,
            crossed=crossed, covariates=covariates, weight=weight, period=period, window=window,
            seen=seen, spend=spend, currency=currency, grid=grid, missing=missing,
        )  # fmt: skip
        evidence = cls._read(frame, request)
        _raise_once(evidence.warnings)
        return evidence

    @classmethod
    def _read(cls, frame: Any, request: Request) -> Self:
        parts, problems = examine(frame, request)
        errors = [problem for problem in problems if problem.severity == "error"]
        if errors or parts is None:
            raise EvidenceError(errors)
        return cls(
            counts=_counts(parts, request.window),
            outcomes=parts.outcomes,
            factors=(*parts.layout.factors, *parts.layout.derived),
            window=request.window,
            warnings=tuple(problems),
            layout=parts.layout,
            covariates=tuple(c.settled(parts.covariates[c.name]) for c in parts.layout.covariates),
        )

    @property
    def artists(self) -> NDArray[Any]:
        """Distinct artists, sorted."""
        return _distinct(self.counts, names.ARTIST)

    @property
    def clusters(self) -> NDArray[Any]:
        """Distinct clusters, sorted."""
        return _distinct(self.counts, names.CLUSTER)

    def read_more(self, frame: Any) -> Evidence:
        """Read another table with the arguments this one was read with.

        Parameters
        ----------
        frame
            As in :meth:`from_frame`: rows that came later, say.

        Returns
        -------
        Evidence
            With the same outcomes, columns, factors, windows, covariates and half-life.

        Raises
        ------
        EvidenceError
            As :meth:`from_frame`.
        """
        layout = self.layout
        request = Request(
            outcomes=self.outcomes, artist=layout.artist, cluster=layout.asked_cluster,
            release=layout.release, factors=layout.own_factors, covariates=self.covariates,
            crossed=layout.crossed,
            weight=layout.weight, period=layout.period, window=self.window, seen=layout.seen,
            spend=layout.spend, currency=layout.currency,
        )  # fmt: skip
        evidence = type(self)._read(frame, request)
        # A week's rows are often of one cluster, or lack an outcome: nothing to look at.
        _raise_once([p for p in evidence.warnings if p.code not in _USUAL_LATER])
        return replace(evidence, half_life=self.half_life)

    def forgetting(self, half_life: Any, as_of: Any = None) -> Evidence:
        """Let old windows fade: the same rows, of which a model takes less the older they are.

        A cell's log mass is raised to the power ``2 ** (-age / half_life)``, its age being the
        days from the last day of its window to ``as_of``. Counts are not touched: a count cut
        in half would still say nearly all it said where cells scatter.

        Parameters
        ----------
        half_life
            Days as a number, text such as ``"90D"`` or ``"12W"``, or a timedelta; ``"never"``,
            ``inf`` or None for no forgetting.
        as_of
            The day from which ages are counted: a date or ISO text. Left out, the end of the
            latest period. A window that ends later has age 0, never less.

        Returns
        -------
        Evidence
            With ``half_life`` set, or None.

        Raises
        ------
        EvidenceError
            If the half-life is not above 0, ``as_of`` is no date or stated where nothing fades,
            or the table states no windows: a cell then spans all time and has no age.

        Examples
        --------
        >>> table = Evidence.from_frame(
        ...     {"artist": ["a", "a"], "cluster": ["gym", "indie"], "saves": [3, 9],
        ...      "listeners": [40, 60], "period_start": ["2026-01-05", "2026-01-12"],
        ...      "period_end": ["2026-01-11", "2026-01-18"]}, window="7D"
        ... )
        >>> table.forgetting("7D").cells()["cell_power"].to_numpy().tolist()
        [0.5, 1.0]
        """
        days = days_of(half_life)
        day = None if as_of is None else day_of(as_of)
        if np.isinf(days):
            if as_of is not None:
                raise EvidenceError(
                    f"as_of is {as_of!r}, and with half_life {half_life!r} nothing fades. "
                    "Leave as_of out."
                )
            return replace(self, half_life=None)
        if self.window is None:
            raise EvidenceError(
                f"half_life is {half_life!r}, but the table states no windows: all periods of a "
                "cell are one, which has no age. Read it with window='28D', or another length."
            )
        if day is None:
            if not len(self):
                raise EvidenceError("The table has no rows to be as old as. State as_of.")
            day = self.counts[names.PERIOD_END].to_numpy().max().astype("datetime64[D]")
        return replace(self, half_life=HalfLife(days, str(day)))

    def cells(self) -> xr.Dataset:
        """Sum rows into cells: artist, cluster, release, factors, window, covariates.

        Returns
        -------
        xarray.Dataset
            ``numerator`` and ``denominator`` over (cell, outcome), summed over the rows in
            which both were measured, NaN where none was. Labels on cell, and ``bought``
            (part of the key only if an outcome informs in organic rows alone).
            Sorted by artist, cluster, then the rest. With a half-life also ``cell_power``,
            the power on the cell's log mass.
        """
        organic = any(outcome.informs == "organic" for outcome in self.outcomes)
        own = tuple(covariate.name for covariate in self.covariates)
        cells = sum_cells(self.counts, self.factors, split_bought=organic, covariates=own)
        if self.half_life is None or self.window is None:
            return cells
        power = powers(self.half_life, parse_window(self.window), cells[names.WINDOW].to_numpy())
        return cells.assign_coords({names.POWER: (names.CELL, power)})

    def cell_of_row(self) -> NDArray[np.int64]:
        """Return each row's place among :meth:`cells`: (row,)."""
        organic = any(outcome.informs == "organic" for outcome in self.outcomes)
        own = tuple(covariate.name for covariate in self.covariates)
        return places(self.counts, self.factors, split_bought=organic, covariates=own)[1]

    def to_frame(self) -> pd.DataFrame:
        """Return the rows under the user's own column names.

        Returns
        -------
        pandas.DataFrame
            Labels, dates and counts. Counts are int64, or Int64 where some are missing;
            exposures and money float64. Read again with the same arguments, it makes the
            same Evidence.
        """
        return to_frame(self)

    def __add__(self, other: Evidence) -> Evidence:
        if not isinstance(other, Evidence):
            return NotImplemented
        both = combine(self, other, self.layout.covariates)
        known = {problem.code for problem in (*self.warnings, *other.warnings)}
        _raise_once([problem for problem in both.warnings if problem.code not in known])
        return both

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Evidence):
            return NotImplemented
        return _terms(self) == _terms(other) and bool(self.counts.identical(other.counts))

    __hash__ = None  # type: ignore[assignment]

    def __len__(self) -> int:
        return int(self.counts.sizes[names.ROW])

    def __repr__(self) -> str:
        return in_words(self.counts, self.outcomes, _span(self), self.warnings)

    def _repr_html_(self) -> str:
        return in_html(self.counts, self.outcomes, _span(self), self.warnings)


def combine(first: Evidence, second: Evidence, covariates: Sequence[Covariate]) -> Evidence:
    """Put the rows of two tables one after the other, under the names of the first.

    Parameters
    ----------
    first, second
        Tables read with the same arguments.
    covariates
        How the first's covariates are to be read, centre and unit.

    Raises
    ------
    EvidenceError
        If they were not, or a row is there twice.
    """
    check_addable(first, second)
    outcomes = {o.name: o for o in (*first.outcomes, *second.outcomes)}
    # One list of names: the second table is read as if it were written like the first.
    layout = first.layout
    frame = stacked(
        first.to_frame(), second.to_frame().rename(columns=renaming(second.layout, layout))
    )
    request = Request(
        outcomes=tuple(outcomes.values()), artist=layout.artist, cluster=layout.asked_cluster,
        release=layout.release, factors=layout.own_factors, period=layout.period,
        crossed=layout.crossed,
        window=first.window, seen=layout.seen or second.layout.seen,
        spend=layout.spend or second.layout.spend,
        currency=layout.currency or second.layout.currency,
        covariates=tuple(covariates), weight=layout.weight,
    )  # fmt: skip
    made = Evidence._read(frame, request)
    return replace(made, half_life=_later_of(first.half_life, second.half_life))


def _later_of(first: HalfLife | None, second: HalfLife | None) -> HalfLife | None:
    """Return the half-life that either table states, as of the later day."""
    stated = [each for each in (first, second) if each is not None]
    return max(stated, key=lambda each: each.as_of, default=None)


def _terms(evidence: Evidence) -> tuple[Any, ...]:
    """Return everything a table states beside its counts."""
    return (
        evidence.outcomes, evidence.factors, evidence.window, evidence.layout,
        evidence.covariates, evidence.half_life,
    )  # fmt: skip


def _counts(parts: Parts, window: str | None) -> xr.Dataset:
    labels = {name: own.spread() for name, own in parts.labels.items()}
    moments = {
        names.PERIOD_START: parts.start, names.PERIOD_END: parts.end, names.SEEN: parts.seen,
        names.SPEND: parts.spend, names.WINDOW: _windows(parts, window),
    }  # fmt: skip
    on_row = labels | {name: m for name, m in moments.items() if m is not None}
    on_row |= parts.covariates
    if parts.weight is not None:
        on_row[names.WEIGHT] = parts.weight
    dims = (names.ROW, names.OUTCOME)
    sides = {
        names.NUMERATOR: [parts.numerator(o) for o in parts.outcomes],
        names.DENOMINATOR: [parts.denominator(o) for o in parts.outcomes],
    }
    counts = xr.Dataset(
        {side: (dims, np.column_stack(columns)) for side, columns in sides.items()},
        coords={name: (names.ROW, values) for name, values in on_row.items()}
        | {
            names.ROW: np.arange(parts.n_rows),
            names.OUTCOME: np.array([o.name for o in parts.outcomes], dtype=object),
        },
        attrs={} if parts.currency is None else {"currency": parts.currency},
    )
    for variable in counts.variables.values():
        if isinstance(variable.values, np.ndarray):
            variable.values.setflags(write=False)
    return counts


def _windows(parts: Parts, window: str | None) -> NDArray[Any]:
    if window is None or parts.start is None:
        return np.full(parts.n_rows, WHOLE, dtype=object)
    return window_labels(parse_window(window), parts.start)


def _distinct(counts: xr.Dataset, name: str) -> NDArray[Any]:
    distinct: NDArray[Any] = np.sort(pd.unique(counts[name].to_numpy()))
    return distinct


def _raise_once(problems: Sequence[Problem]) -> None:
    loud = [p for p in problems if p.severity == "warning" and p.code not in QUIET]
    if not loud:
        return
    first = " ".join(str(problem) for problem in loud[:3])
    more = f" And {len(loud) - 3} more in .warnings." if len(loud) > 3 else ""  # noqa: PLR2004
    python_warnings.warn(
        f"{len(loud)} {'thing' if len(loud) == 1 else 'things'} to look at in this table: "
        f"{first}{more}",
        EvidenceWarning,
        stacklevel=3,
    )


def _span(evidence: Evidence) -> str | None:
    told = evidence.window
    return told if evidence.half_life is None else f"{told}, {evidence.half_life}"
