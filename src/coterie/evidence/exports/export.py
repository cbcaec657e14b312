"""Exports: a file of a platform in, typed rows out, and everything that was done on the way.

Makes ``Export``. A file is known by its header, not by its name. Callers may trust that each
number is the one that was written, that a row which sums up others is left out, and that nothing
was dropped, repaired or guessed without being listed.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import pandas as pd

from coterie.errors import EvidenceError, Problem
from coterie.evidence.exports.columns import Body, read_columns
from coterie.evidence.exports.decoding import UNREADABLE, Sheet, sheets_of
from coterie.evidence.exports.kinds import Header, Kind, recognise
from coterie.evidence.exports.known import kind_of_columns, known_kinds, nearest_kind
from coterie.evidence.exports.numerals import Mark
from coterie.evidence.exports.totals import without_totals
from coterie.evidence.exports.wide import lengthened, wide_header
from coterie.evidence.wording import listed, of_table

_LOOKED: Final = 25
"""Rows that are searched for a header."""


_MAY_BE: Final = {
    "$": ("USD", "CAD", "AUD", "NZD", "SGD", "HKD", "MXN", "TWD", "CLP", "COP", "ARS"),
    "¥": ("JPY", "CNY"),
}
"""Currencies that share a symbol."""


@dataclass(frozen=True, slots=True)
class Stated:
    """What the caller says of a file: the arguments of :func:`read_export`."""

    columns: Mapping[str, str | tuple[str, str]] | None = None
    decimal: Mark | None = None
    day_first: bool | None = None
    currency: str | None = None
    complete: bool = False
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Export:
    """One file of a platform, read. Made by :func:`read_export`.

    Attributes
    ----------
    name
        Of the file, without its folder.
    vendor, kind
        Whose export of what this is.
    frame
        Typed rows: text, whole numbers (``Int64``), amounts and probabilities (``float64``)
        and days (``datetime64``). Missing is missing, not 0.
    units
        By column, in words.
    period
        First and last day, or None where neither file nor caller says.
    currency
        ISO code of all money, or None where it is not known or not one.
    notes
        What was dropped, repaired or is not said, one :class:`Problem` each.
    named, counts, parents
        As in the kind: which columns say whose a row is, which go into a table of evidence,
        and which rows sum up others.
    """

    name: str
    vendor: str
    kind: str
    frame: pd.DataFrame
    units: Mapping[str, str]
    period: tuple[pd.Timestamp, pd.Timestamp] | None
    currency: str | None
    notes: tuple[Problem, ...]
    named: tuple[str, ...] = ()
    counts: Mapping[str, str] = field(default_factory=dict)
    parents: tuple[str, frozenset[str]] | None = None

    def __repr__(self) -> str:
        when = (
            "no period"
            if self.period is None
            else " to ".join(str(moment.date()) for moment in self.period)
        )
        lines = [
            f"Export of {self.vendor}, {self.kind}: {len(self.frame):,} rows, {when}, "
            f"{self.currency or 'no currency'} ({self.name})"
        ]
        return "\n".join([*lines, *(f"- {note}" for note in self.notes)])


def read_export(  # noqa: PLR0913 - one argument a thing a file may not say
    path: str | os.PathLike[str],
    *,
    columns: Mapping[str, str | tuple[str, str]] | None = None,
    artist: str | None = None,
    song: str | None = None,
    metric: str | None = None,
    period: tuple[Any, Any] | None = None,
    currency: str | None = None,
    decimal: Mark | None = None,
    day_first: bool | None = None,
    complete: bool = False,
) -> Export:
    """Read what a platform exports.

    Known are Spotify for Artists (songs, timelines, playlists, Marquee and Showcase
    campaigns), Meta, TikTok and Google Ads, YouTube Studio, Chartmetric comparisons, Apple
    Music for Artists and DistroKid, and whatever an installed package adds by the entry point
    ``coterie.readers``.

    Parameters
    ----------
    path
        File of text in any common encoding, workbook (.xlsx) or archive of tables (.zip).
    columns
        For a file of another origin: from its headers to names, each with what it holds where
        the name is not one of a known export: ``{"Plays": "streams", "Skips": ("skips",
        "count")}``. Other columns are not read.
    artist, song, metric
        Whose rows these are, and what is counted, where the file does not say.
    period
        First and last day, where the file does not say.
    currency
        ISO code of its money, where the file does not say or writes ``$``.
    decimal
        The decimal mark, ``"."`` or ``","``, where the file does not tell.
    day_first
        Whether 03/04 is in April, where the file does not tell.
    complete
        Accept a file whose last line is not ended, which a file cut short looks like.

    Returns
    -------
    Export
        Rows and notes.

    Raises
    ------
    EvidenceError
        If the file is no known export, is cut short, or a value can be read in two ways.
    """
    stated = Stated(
        columns=columns, decimal=decimal, day_first=day_first, currency=currency,
        complete=complete, facts=_facts(artist, song, metric, period),
    )  # fmt: skip
    return _read(Path(path), stated)


def _facts(
    artist: str | None, song: str | None, metric: str | None, period: tuple[Any, Any] | None
) -> dict[str, Any]:
    facts: dict[str, Any] = {"artist": artist, "song": song, "metric": metric}
    if period is not None:
        try:
            start, end = (pd.Timestamp(day).normalize() for day in period)
        except (ValueError, TypeError):
            raise EvidenceError(f"period is {period!r}; give (first day, last day).") from None
        if not start <= end:
            raise EvidenceError(f"period is {period!r}: its end lies before its start.")
        facts["period"] = (start, end)
    return {name: value for name, value in facts.items() if value is not None}


def _read(path: Path, stated: Stated) -> Export:
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise EvidenceError(f"There is no file {path}. Check its name and its folder.") from None
    sheets, notes = sheets_of(raw, path.name)
    sheet, header = _found(sheets, path.name, stated)
    _refuse_twice(sheet, header, path.name)
    body, told = _body(sheet, header, path.name, stated)
    notes += told
    body, sums = without_totals(body, header)
    read = read_columns(body, header, decimal=stated.decimal, day_first=stated.day_first)
    if read.problems:
        raise EvidenceError([_in_file(problem, path.name) for problem in read.problems])
    frame = pd.DataFrame(dict(read.columns))
    notes += [total.note(frame, decimal=stated.decimal) for total in sums]
    frame, told = _unreported(frame, header.kind)
    notes += told
    frame, currency, told = _priced(frame, header, read.currencies, stated)
    notes += told
    if header.kind.vendor == "chartmetric":
        frame = lengthened(frame, str(stated.facts.get("metric", "value")))
    frame, told = _with_facts(frame, header.kind, path.name, stated)
    notes += told + _unread(header)
    units = {f.name: f.unit for f in header.kind.fields if f.unit and f.name in frame}
    period = _period(frame)
    return Export(
        name=path.name, vendor=header.kind.vendor, kind=header.kind.name, frame=frame,
        units=units, period=period, currency=currency,
        notes=tuple(_in_file(note, path.name) for note in notes),
        named=header.kind.named, counts=header.kind.counts, parents=header.kind.parents,
    )  # fmt: skip


def _in_file(problem: Problem, name: str) -> Problem:
    return replace(problem, message=f"{name}: {problem.message}")


def _found(sheets: Sequence[Sheet], name: str, stated: Stated) -> tuple[Sheet, Header]:
    kinds = [kind_of_columns(stated.columns)] if stated.columns else known_kinds()
    found = [
        (sheet, header) for sheet in sheets for header in recognise(sheet.rows[:_LOOKED], kinds)[:1]
    ]
    if not found and not stated.columns:
        found = [(s, h) for s in sheets if (h := wide_header(s.rows)) is not None]
    if not found:
        raise EvidenceError(nearest_kind(name, [s.rows[:_LOOKED] for s in sheets], stated.columns))
    best = max(found, key=lambda pair: (len(pair[1].at), -len(pair[1].unread)))
    size = len(best[1].at)
    rivals = [s.place for s, h in found if len(h.at) == size and s.place != best[0].place]
    if rivals:
        raise EvidenceError(
            f"{name} holds more than one table of {best[1].kind.vendor}: {best[0].place!r} and "
            f"{listed([repr(r) for r in rivals])}. Save the one that is meant as a file of its own."
        )
    return best


def _refuse_twice(sheet: Sheet, header: Header, name: str) -> None:
    if not header.twice:
        return
    cells = sheet.rows[header.row]
    first, second = header.twice[0]
    raise EvidenceError(
        f"{name}: columns {first + 1} ({str(cells[first])!r}) and {second + 1} "
        f"({str(cells[second])!r}) mean the same ({len(header.twice)} columns are like this); "
        "which is meant cannot be known. Remove or rename one."
    )


def _body(sheet: Sheet, header: Header, name: str, stated: Stated) -> tuple[Body, list[Problem]]:
    width = len(sheet.rows[header.row])
    kept: list[tuple[Any, ...]] = []
    lines: list[int] = []
    blank = 0
    for row, line in list(zip(sheet.rows, sheet.lines, strict=True))[header.row + 1 :]:
        if not any(str(cell).strip() for cell in row if cell is not None):
            blank += 1
            continue
        if row == (UNREADABLE,):
            raise EvidenceError(
                f"{name}: from line {line} on, quotes do not close: the file was cut short or "
                "edited by hand. Export it again."
            )
        if len(row) < width or any(str(cell).strip() for cell in row[width:]):
            raise EvidenceError(_misfit(name, line, row, width, last=line == sheet.lines[-1]))
        kept.append(row[:width])
        lines.append(line)
    if not kept:
        raise EvidenceError(f"{name} has a header and no rows. Choose a longer period and export.")
    if not sheet.whole and not stated.complete:
        raise EvidenceError(
            f"{name} does not end its last line ({lines[-1]}), as a file does that was cut short: "
            "its last number may lack digits. Export it again, or say complete=True if it is whole."
        )
    skipped = [] if header.row == 0 else [_preamble(sheet, header)]
    return Body(tuple(kept), tuple(lines)), skipped


def _misfit(name: str, line: int, row: Sequence[Any], width: int, *, last: bool) -> str:
    said = f"{name}: line {line} has {len(row)} fields where the header has {width}"
    if last and len(row) < width:
        return f"{said}, and it is the last: the file was cut short. Export it again."
    return (
        f"{said}. Numbers with commas and names with commas must stand in quotes; export it again."
    )


def _preamble(sheet: Sheet, header: Header) -> Problem:
    before = [c for row in sheet.rows[: header.row] for c in row if str(c or "").strip()]
    return of_table(
        "preamble", "warning", None,
        message=f"{header.row} lines above the header were not read: "
        f"{listed([repr(str(c)) for c in before])}.",
        fix="Look whether they say anything the rows do not.",
    )  # fmt: skip


def _unread(header: Header) -> list[Problem]:
    if not header.unread:
        return []
    words = [repr(word) for word in header.unread]
    return [
        of_table(
            "unread-columns", "warning", None,
            message=f"{len(words)} columns were not read: {listed(words, 8)}.",
            fix="Read them with columns={header: name} if they are needed.",
        )
    ]  # fmt: skip


def _unreported(frame: pd.DataFrame, kind: Kind) -> tuple[pd.DataFrame, list[Problem]]:
    """Make 0 missing where it cannot be true: streams without a listener."""
    told: list[Problem] = []
    for above, columns in kind.unreported.items():
        there = [c for c in columns if c in frame]
        if above not in frame or not there:
            continue
        where = (frame[above] > 0).fillna(False) & (frame[there].fillna(0) == 0).all(axis=1)
        where &= frame[there].notna().any(axis=1)
        if not where.any():
            continue
        frame = frame.assign(**{c: frame[c].mask(where) for c in there})
        rows = tuple(i for i, flag in enumerate(where.tolist()) if flag)
        words = " and ".join(there)
        message = (
            f"{words} are 0 in {len(rows)} of {len(frame)} rows that have {above}: they were not "
            "reported, and are missing here."
        )
        fix = "Export a period for which the platform reports them (28 days or a year)."
        told.append(Problem("not-reported", "warning", there[0], rows, message, fix))
    return frame, told


def _priced(
    frame: pd.DataFrame, header: Header, written: frozenset[str], stated: Stated
) -> tuple[pd.DataFrame, str | None, list[Problem]]:
    """Settle the currency of all money, from headers, cells, a column or the caller."""
    money = [f.name for f in header.kind.fields if f.holds == "money" and f.name in frame]
    if not money:
        return frame, None, []
    symbols = {one for one in written if len(one) != 3}  # noqa: PLR2004 - an ISO code
    codes = {*header.currencies.values(), *(written - symbols)}
    codes |= set(frame["currency"].dropna()) if "currency" in frame else set()
    if stated.currency is not None:
        codes.add(stated.currency)
    if len(codes) > 1 and ("currency" not in frame or stated.currency is not None):
        raise EvidenceError(
            f"The money of this file is in {listed(sorted(codes))}; which is meant cannot be "
            "known. Export it in one currency."
        )
    strange = [(s, c) for s in sorted(symbols) for c in sorted(codes) if c not in _MAY_BE.get(s, c)]
    if strange:
        raise EvidenceError(
            f"The money of this file is written with {strange[0][0]!r} and said to be "
            f"{strange[0][1]}; which is meant cannot be known. Export it in one currency."
        )
    if len(codes) == 1:
        (code,) = codes
        return frame.assign(currency=code), code, []
    said = f"is written with {', '.join(sorted(symbols))}" if symbols else "has no currency"
    if codes:
        said = f"is in {listed(sorted(codes))}, as its column says"
    return frame, None, [
        of_table(
            "currency", "warning", "currency",
            message=f"the money of this file {said}.",
            fix="State it with currency='EUR' if it is one." if not codes else "Keep them apart.",
        )
    ]  # fmt: skip


def _with_facts(
    frame: pd.DataFrame, kind: Kind, name: str, stated: Stated
) -> tuple[pd.DataFrame, list[Problem]]:
    """Add what the caller states; say what nobody does."""
    for fact, value in stated.facts.items():
        if fact == "metric":
            continue
        if fact == "period":
            if "start" in frame or "date" in frame or "day" in frame:
                raise EvidenceError(f"{name} has dates of its own; leave period out.")
            frame = frame.assign(start=value[0], end=value[1])
        elif fact in frame:
            raise EvidenceError(f"{name} has a column {fact} of its own; leave {fact}= out.")
        else:
            frame = frame.assign(**{fact: value})
    told = [
        of_table(
            f"no-{fact}", "warning", None,
            message=f"the file does not say its {fact}; only its name may.",
            fix=f"State it: {fact}=... .",
        )
        for fact in kind.lacks
        if fact not in stated.facts
    ]  # fmt: skip
    return frame, told


def _period(frame: pd.DataFrame) -> tuple[pd.Timestamp, pd.Timestamp] | None:
    days = [frame[c] for c in ("day", "date", "month") if c in frame]
    first, last = (
        pd.concat([*days, *([frame[end]] if end in frame else [])]).dropna()
        if days or end in frame
        else pd.Series(dtype="datetime64[ns]")
        for end in ("start", "end")
    )
    return None if first.empty or last.empty else (first.min(), last.max())
