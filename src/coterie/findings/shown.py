"""Shown: a table of who could have been shown music, was shown it, streamed it and meant it.

Callers may trust that counts are whole and at least 0, that nobody did what they could not have
done, and that a context is written in one way. What is missing is NaN: not counted, and not 0.
"""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
import pandas as pd

from coterie.errors import FindingError
from coterie.findings.context_levels import Rows
from coterie.findings.tables import frame_of

if TYPE_CHECKING:
    from coterie.typing import Flags, Floats, Integers

CONTEXT: Final = "context"
PERIOD: Final = "period"
ELIGIBLE: Final = "eligible"
IMPRESSIONS: Final = "impressions"
STREAMS: Final = "streams"
INTENT: Final = "intent"
COUNTS: Final[tuple[str, ...]] = (ELIGIBLE, IMPRESSIONS, STREAMS, INTENT)
COLUMNS: Final[tuple[str, ...]] = (CONTEXT, PERIOD, *COUNTS)
PARTS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "retrieval": (IMPRESSIONS, ELIGIBLE),
        "stream": (STREAMS, IMPRESSIONS),
        "intent": (INTENT, STREAMS),
    }
)
"""What each rate is of: who did, and who could have."""
_NAMED: Final = 5


@dataclass(frozen=True, slots=True)
class Shown:
    """Counts by context and period.

    Attributes
    ----------
    contexts
        Labels, in order of appearance.
    place
        Context of each row: (row,).
    counts
        By column, those of :data:`COUNTS` that are there: (row,), NaN where not counted.
    unread
        Columns of the table that are none of ours; one of them may be misspelled.
    """

    contexts: tuple[Hashable, ...]
    place: Integers
    counts: Mapping[str, Floats]
    unread: tuple[str, ...] = ()

    @classmethod
    def of(cls, frame: Any, columns: Mapping[str, str] | None, kinds: Mapping[str, str]) -> Self:
        """Read a table.

        Parameters
        ----------
        frame
            A pandas, polars or pyarrow table, anything else that narwhals reads, or a dictionary of
            columns.
        columns
            From our names to those of the table, where they differ.
        kinds
            Of each rate of :data:`PARTS`, ``"binary"`` or ``"count"``.

        Raises
        ------
        FindingError
            If it is no such table, or a row cannot be.
        """
        table, named, unread = _columns_of(frame, dict(columns or {}))
        label = _labels(table[CONTEXT])
        contexts = tuple(dict.fromkeys(label))
        _refuse_alike(contexts)
        if PERIOD in table:
            _refuse_repeated(label, _labels(table[PERIOD], PERIOD))
        counts: dict[str, Floats] = {
            c: _whole(table[c], label, named[c]) for c in COUNTS if c in table
        }
        for part, kind in kinds.items():
            _refuse_impossible(counts, label, part, kind)
        where = {context: k for k, context in enumerate(contexts)}
        place = np.array([where[c] for c in label], dtype=np.int64)
        return cls(contexts, place, counts, unread)

    def rows(self, part: str, contexts: int) -> Rows | None:
        """Return the rows in which a rate was counted, of so many contexts; None without one."""
        above, below = (self.counts.get(column) for column in PARTS[part])
        if above is None or below is None:
            return None
        there = np.isfinite(above) & np.isfinite(below) & (np.nan_to_num(below) > 0)
        if not there.any():
            return None
        return Rows(above[there], below[there], self.place[there], contexts)

    def amounts(self, column: str) -> Floats:
        """Return what each context comes to, as if rows not counted were like those counted."""
        size = len(self.contexts)
        values = self.counts.get(column)
        if values is None:
            return np.full(size, np.nan)
        there = np.isfinite(values)
        total, known, every = (
            np.bincount(place, weight, size).astype(np.float64)
            for place, weight in (
                (self.place[there], values[there]), (self.place[there], None), (self.place, None),
            )
        )  # fmt: skip
        return np.divide(total * every, known, out=np.full(size, np.nan), where=known > 0)

    def fingerprint(self) -> str:
        """Return twelve hexadecimal digits of what was read."""
        digest = hashlib.sha256("\x1f".join(map(str, self.contexts)).encode())
        digest.update(self.place.tobytes())
        for column, values in self.counts.items():
            digest.update(column.encode() + values.tobytes())
        return digest.hexdigest()[:12]


def _columns_of(
    frame: Any, named: Mapping[str, str]
) -> tuple[dict[str, list[Any]], dict[str, str], tuple[str, ...]]:
    """Return the columns that are ours as lists, what the table calls each, and all others."""
    strange = [name for name in named if name not in COLUMNS]
    if strange:
        raise FindingError(
            f"columns names {strange[0]!r}, which is none of ours; {len(strange)} of {len(named)} "
            f"are like this. Name some of {', '.join(COLUMNS)}."
        )
    table = frame_of(frame, "The table")
    there = list(table.columns)
    called = {name: str(named.get(name, name)) for name in COLUMNS}
    asked = {n: c for n, c in called.items() if n in named or n == CONTEXT}
    _refuse_missing([c for c in asked.values() if c not in there], there, len(asked))
    found = {n: table[c].to_list() for n, c in called.items() if c in there}
    twice = [c for n, c in called.items() if n in found and [*called.values()].count(c) > 1]
    if twice:
        raise FindingError(
            f"Column {twice[0]!r} stands for {len(twice)} of ours at once. Name another for each "
            "but one."
        )
    if not found[CONTEXT]:
        raise FindingError("The table has no rows. Give one for each context and period.")
    return found, called, tuple(c for c in there if c not in called.values())


def _refuse_missing(missing: list[str], there: list[str], asked: int) -> None:
    if missing:
        near = difflib.get_close_matches(missing[0], there, n=_NAMED, cutoff=0.3)
        told = list(dict.fromkeys([*near, *there]))
        more = f" and {len(told) - _NAMED} more" if len(told) > _NAMED else ""
        raise FindingError(
            f"The table has no column {missing[0]!r}; {len(missing)} of the {asked} it must have "
            f"are missing. It has {', '.join(map(repr, told[:_NAMED])) or 'no columns'}{more}. "
            "Say which is meant: columns={'context': 'surface'}."
        )


def _labels(values: list[Any], column: str = CONTEXT) -> list[Hashable]:
    """Return labels, none of them missing."""
    bad = np.array([_missing(v) for v in values])
    if bad.any():
        at = int(np.argmax(bad))
        raise FindingError(
            f"Row {at} has {values[at]!r} for a {column}; {int(bad.sum())} of {bad.size} rows are "
            f"like this. Name the {column} of each, or drop the rows."
        )
    return values


def _missing(value: Any) -> bool:
    """Say whether a label is none: NaN, blank, or something that cannot be one."""
    if isinstance(value, str):
        return not value.strip()
    label: Any = value
    return not isinstance(value, Hashable) or isinstance(value, tuple) or bool(pd.isna(label))


def _refuse_alike(contexts: tuple[Hashable, ...]) -> None:
    spelled: dict[str, list[Hashable]] = {}
    for context in contexts:
        spelled.setdefault(" ".join(str(context).split()).casefold(), []).append(context)
    twice = [own for own in spelled.values() if len(own) > 1]
    if twice:
        raise FindingError(
            f"Context {twice[0][0]!r} is also written {twice[0][1]!r}; {len(twice)} of "
            f"{len(spelled)} contexts are written in several ways. Write each in one."
        )


def _refuse_repeated(contexts: list[Hashable], periods: list[Hashable]) -> None:
    keys = list(zip(contexts, periods, strict=True))
    first = {key: i for i, key in reversed(list(enumerate(keys)))}
    again = [i for i, key in enumerate(keys) if first[key] != i]
    if again:
        context, period = keys[again[0]]
        raise FindingError(
            f"Row {again[0]} is a second one of {context!r} in {period!r}; {len(again)} of "
            f"{len(keys)} rows repeat another. Add them up, or drop what was counted twice."
        )


def _whole(values: list[Any], contexts: list[Hashable], column: str) -> Floats:
    """Return counts, NaN where there is none, and refuse what is no count."""
    numbers = np.array([_number(v) for v in values], dtype=np.float64)
    wrong = np.isinf(numbers) | (numbers < 0) | (numbers != np.floor(numbers)) & ~np.isnan(numbers)
    _refuse(
        wrong, contexts, lambda i: f"{column} {values[i]!r}",
        "Counts are whole numbers of at least 0; leave empty what was not counted.",
    )  # fmt: skip
    return numbers


def _number(value: Any) -> float:
    """Return a number: NaN for what is missing, minus infinity for what is none."""
    try:
        if value is None or pd.isna(value) is True:
            return float("nan")
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return -np.inf


def _refuse_impossible(
    counts: Mapping[str, Floats], contexts: list[Hashable], part: str, kind: str
) -> None:
    """Refuse more who did than could have, or something that came of nothing."""
    did, could = PARTS[part]
    if did not in counts or could not in counts:
        return
    above, below = counts[did], counts[could]
    if kind == "binary":
        wrong = above > below
        way = (
            f"Count each once, or, where one may count several times, state {part!r} of what is "
            f"usual as counts: Reference.stated(..., counts=({part!r},))."
        )
    else:
        wrong, way = (above > 0) & (below == 0), "Correct the counts, or leave them empty."
    _refuse(wrong, contexts, lambda i: f"{did} {above[i]:g} of {could} {below[i]:g}", way)


def _refuse(wrong: Flags, contexts: list[Hashable], shows: Any, way: str) -> None:
    if wrong.any():
        at = int(np.argmax(wrong))
        raise FindingError(
            f"Row {at} ({contexts[at]!r}) has {shows(at)}; {int(wrong.sum())} of {wrong.size} rows "
            f"are like this. {way}"
        )
