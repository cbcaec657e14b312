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
from coterie.evidence.exports.decoding import UNREADABLE, Row, Sheet, sheets_of
from coterie.evidence.exports.kinds import Header, recognise
from coterie.evidence.exports.known import kind_of_columns, known_kinds, nearest_kind
from coterie.evidence.exports.numerals import Mark
from coterie.evidence.exports.settling import priced, refuse_backwards, unreported, with_facts
from coterie.evidence.exports.stating import Said, Stated, checked
from coterie.evidence.exports.totals import without_totals
from coterie.evidence.exports.wide import lengthened, wide_header
from coterie.evidence.wording import listed, of_table

_LOOKED: Final = 25
"""Rows that are searched for a header."""


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

    Examples
    --------
    >>> rows = {"song": ["Night Window"], "listeners": [900], "streams": [2100], "saves": [80]}
    >>> pd.DataFrame(rows).to_csv(folder / "songs.csv", index=False)
    >>> co.read_export(folder / "songs.csv", artist="Ana").frame["streams"].tolist()
    [2100]
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

    Examples
    --------
    >>> rows = {"song": ["Night Window"], "listeners": [900], "streams": [2100], "saves": [80]}
    >>> pd.DataFrame(rows).to_csv(folder / "songs.csv", index=False)
    >>> co.read_export(folder / "songs.csv", artist="Ana").kind
    'songs'
    """
    said = Said(columns, artist, song, metric, period, currency, decimal, day_first, complete)
    return _read(path, checked(said))


def _read(path: str | os.PathLike[str], stated: Stated) -> Export:
    raw, name = _bytes(path)
    try:
        return _of(raw, name, stated)
    except EvidenceError as error:
        if name in str(error):
            raise
        problems = [_in_file(problem, name) for problem in error.problems]
        raise EvidenceError(problems or f"{name}: {error}") from None


def _bytes(path: str | os.PathLike[str]) -> tuple[bytes, str]:
    try:
        file = Path(path)
        return file.read_bytes(), file.name
    except FileNotFoundError:
        raise EvidenceError(f"There is no file {path}. Check its name and its folder.") from None
    except IsADirectoryError:
        raise EvidenceError(f"{path} is a folder. Name one of the files in it.") from None
    except TypeError:
        raise EvidenceError(f"path is {path!r}; give the path of a file.") from None
    except (OSError, ValueError) as error:
        raise EvidenceError(f"{str(path)!r} cannot be opened: {error}.") from None


def _of(raw: bytes, name: str, stated: Stated) -> Export:
    sheets, notes = sheets_of(raw, name)
    sheet, header = _found(sheets, name, stated)
    rows = sheet.rows()
    _refuse_twice(rows[header.row][1], header, name)
    body, told = _body(rows, sheet, header, stated)
    notes += told
    body, told = without_totals(body, header, stated.decimal)
    notes += told
    read = read_columns(body, header, decimal=stated.decimal, day_first=stated.day_first)
    if read.problems:
        raise EvidenceError(read.problems)
    notes += read.notes
    frame = pd.DataFrame(dict(read.columns))
    refuse_backwards(frame, body)
    frame, told = unreported(frame, header.kind)
    notes += told
    frame, currency, told = priced(frame, header, read.currencies, stated)
    notes += told
    if header.kind.vendor == "chartmetric":
        frame = lengthened(frame, str(stated.facts.get("metric", "value")))
    frame, told = with_facts(frame, header.kind, stated)
    notes += told + _unread(header)
    units = {f.name: f.unit for f in header.kind.fields if f.unit and f.name in frame}
    return Export(
        name=name, vendor=header.kind.vendor, kind=header.kind.name, frame=frame,
        units=units, period=_period(frame), currency=currency,
        notes=tuple(_in_file(note, name) for note in notes),
        named=header.kind.named, counts=header.kind.counts, parents=header.kind.parents,
    )  # fmt: skip


def _in_file(problem: Problem, name: str) -> Problem:
    if problem.message.startswith(name):
        return problem
    return replace(problem, message=f"{name}: {problem.message}")


def _found(sheets: Sequence[Sheet], name: str, stated: Stated) -> tuple[Sheet, Header]:
    kinds = [kind_of_columns(stated.columns)] if stated.columns else known_kinds()
    heads = [[row for _, row in sheet.rows(_LOOKED)] for sheet in sheets]
    found = [
        (sheet, header)
        for sheet, head in zip(sheets, heads, strict=True)
        for header in recognise(head, kinds)
    ]
    if not found and not stated.columns:
        found = [(s, h) for s in sheets if (h := wide_header([r for _, r in s.rows()])) is not None]
    if not found:
        raise EvidenceError(nearest_kind(name, heads, stated.columns))
    best = max(found, key=lambda pair: (len(pair[1].at), -len(pair[1].unread)))
    places = {(s.place, h.row) for s, h in found} - {(best[0].place, best[1].row)}
    if places:
        other, row = sorted(places)[0]
        where = f"one in {best[0].place!r} and one in {other!r}"
        if other == best[0].place:
            where = f"their headers stand in rows {best[1].row + 1} and {row + 1}"
        raise EvidenceError(
            f"{name} holds {len(places) + 1} tables: {where}. Save the one that is meant as a file "
            "of its own."
        )
    return best


def _refuse_twice(cells: Sequence[Any], header: Header, name: str) -> None:
    if not header.twice:
        return
    first, second = header.twice[0]
    raise EvidenceError(
        f"{name}: columns {first + 1} ({str(cells[first])!r}) and {second + 1} "
        f"({str(cells[second])!r}) mean the same ({len(header.twice)} columns are like this); "
        "which is meant cannot be known. Remove or rename one."
    )


def _body(
    rows: Sequence[tuple[int, Row]], sheet: Sheet, header: Header, stated: Stated
) -> tuple[Body, list[Problem]]:
    width = len(rows[header.row][1])
    kept: list[Row] = []
    lines: list[int] = []
    for line, row in rows[header.row + 1 :]:
        if not any(str(cell).strip() for cell in row if cell is not None):
            continue
        if row == (UNREADABLE,):
            raise EvidenceError(
                f"from line {line} on, quotes do not close, or a cell is longer than 131,072 "
                "characters: the file was cut short or edited by hand. Export it again."
            )
        if len(row) < width or any(str(cell).strip() for cell in row[width:]):
            raise EvidenceError(_misfit(line, row, width, last=line == rows[-1][0]))
        kept.append(row[:width])
        lines.append(line)
    if not kept:
        raise EvidenceError("the file has a header and no rows. Export a longer period.")
    words = {cell for cell in rows[header.row][1] if isinstance(cell, str) and cell.strip()}
    again = [
        line
        for line, row in zip(lines, kept, strict=True)
        if not words.isdisjoint(row) and recognise([row], [header.kind])
    ]
    if again:
        raise EvidenceError(
            f"line {again[0]} is a header again: the file holds {len(again) + 1} tables. Save each "
            "as a file of its own."
        )
    if not sheet.whole and not stated.complete:
        raise EvidenceError(
            f"the file does not end its last line ({lines[-1]}), as one does that was cut short: "
            "its last number may lack digits. Export it again, or say complete=True if it is whole."
        )
    skipped = [] if header.row == 0 else [_preamble([row for _, row in rows[: header.row]])]
    return Body(tuple(kept), tuple(lines)), skipped


def _misfit(line: int, row: Sequence[Any], width: int, *, last: bool) -> str:
    said = f"line {line} has {len(row)} fields where the header has {width}"
    if last and len(row) < width:
        return f"{said}, and it is the last: the file was cut short. Export it again."
    return (
        f"{said}. Numbers with commas and names with commas must stand in quotes; export it again."
    )


def _preamble(rows: Sequence[Sequence[Any]]) -> Problem:
    before = [c for row in rows for c in row if str(c or "").strip()]
    return of_table(
        "preamble", "warning", None,
        message=f"{len(rows)} lines above the header were not read: "
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


def _period(frame: pd.DataFrame) -> tuple[pd.Timestamp, pd.Timestamp] | None:
    days = [frame[c] for c in ("day", "date", "month") if c in frame]
    first, last = (
        pd.concat([*days, *([frame[end]] if end in frame else [])]).dropna()
        if days or end in frame
        else pd.Series(dtype="datetime64[ns]")
        for end in ("start", "end")
    )
    return None if first.empty or last.empty else (first.min(), last.max())
