"""Stating: what a caller says of a file, checked before anything is read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from coterie.errors import EvidenceError
from coterie.evidence.exports.moments import stated_day
from coterie.evidence.exports.numerals import Mark
from coterie.evidence.wording import quoted

_CODE: Final = re.compile(r"[A-Z]{3}")
_TAKEN: Final = frozenset({"artist", "date"})


@dataclass(frozen=True, slots=True)
class Said:
    """The arguments of ``read_export``, as they came."""

    columns: Any
    artist: Any
    song: Any
    metric: Any
    period: Any
    currency: Any
    decimal: Any
    day_first: Any
    complete: Any


@dataclass(frozen=True, slots=True)
class Stated:
    """The arguments of ``read_export``, checked.

    ``facts`` holds artist, song, metric and period as far as they were stated.
    """

    columns: Mapping[str, str | tuple[str, str]] | None = None
    decimal: Mark | None = None
    day_first: bool | None = None
    currency: str | None = None
    complete: bool = False
    facts: Mapping[str, Any] = field(default_factory=dict)


def checked(said: Said) -> Stated:
    """Check what was said; refuse by name what cannot be meant."""
    if said.decimal not in (None, ".", ","):
        raise EvidenceError(f"decimal is {said.decimal!r}; write '.' or ','.")
    for name, value in (("day_first", said.day_first), ("complete", said.complete)):
        if not isinstance(value, bool | None):
            raise EvidenceError(f"{name} is {value!r}; write True or False.")
    currency = said.currency
    if currency is not None and not (isinstance(currency, str) and _CODE.fullmatch(currency)):
        raise EvidenceError(f"currency is {currency!r}; write an ISO code, such as 'EUR'.")
    facts = _texts(said)
    if said.period is not None:
        facts["period"] = _period(said.period)
    return Stated(
        columns=_columns(said.columns), decimal=said.decimal, day_first=said.day_first,
        currency=currency, complete=said.complete,
        facts=facts,
    )  # fmt: skip


def _texts(said: Said) -> dict[str, Any]:
    facts = {name: getattr(said, name) for name in ("artist", "song", "metric")}
    facts = {name: value for name, value in facts.items() if value is not None}
    for name, value in facts.items():
        if not isinstance(value, str) or not value.strip():
            raise EvidenceError(f"{name} is {value!r}; write a text that is not empty.")
    if said.metric in _TAKEN:
        raise EvidenceError(f"metric is {said.metric!r}, which another column is called.")
    return facts


def _period(period: Any) -> tuple[Any, Any]:
    if not isinstance(period, list | tuple) or len(period) != len(("first", "last")):
        raise EvidenceError(f"period is {quoted(period)}; give (first day, last day).")
    start, end = (
        stated_day(day, f"the {which} day of period")
        for which, day in zip(("first", "last"), period, strict=True)
    )
    if start > end:
        raise EvidenceError(f"period is {quoted(period)}: its end lies before its start.")
    return start, end


def _columns(columns: Any) -> Mapping[str, str | tuple[str, str]] | None:
    if columns is None:
        return None
    fits = isinstance(columns, Mapping) and len(columns) > 0
    for header, said in columns.items() if fits else ():
        pair = isinstance(said, tuple) and len(said) == len(("name", "holds"))
        words = said if pair else (said,)
        fits &= all(isinstance(word, str) and bool(word.strip()) for word in (header, *words))
    if not fits:
        raise EvidenceError(
            f"columns is {quoted(columns)}; give headers and what they are: "
            '{"Plays": "streams", "Skips": ("skips", "count")}.'
        )
    return dict(columns)
