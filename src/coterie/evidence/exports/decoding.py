"""Decoding: the bytes of a file into rows of cells, or a clear refusal.

Reads text in UTF-8, UTF-16 and cp1252, whatever ends its lines, and the sheets of a workbook
or the files of an archive. Callers may trust that no row was cut short and that every cell keeps
its place. Knows no vendor.
"""

from __future__ import annotations

import codecs
import csv
import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Final

from coterie.errors import EvidenceError, Problem
from coterie.evidence.wording import of_table

type Row = tuple[Any, ...]

DELIMITERS: Final = (",", ";", "\t", "|")
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_ARCHIVE: Final = b"PK\x03\x04"
_LEGACY: Final = b"\xd0\xcf\x11\xe0"
_MOST: Final = 2**30
"""Bytes of one file that are read; an export of more is no export."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """Rows of cells as they stand in one file.

    Attributes
    ----------
    rows
        Cells of each row: text as written, or what a workbook's cell holds.
    lines
        Where each row begins in the file, counted from 1 as editors and spreadsheets do.
    place
        Which sheet of a workbook or file of an archive this is; empty for a plain file.
    whole
        Whether the last row is surely whole: its line was ended.
    delimiter
        What stands between cells; empty for a workbook.
    """

    rows: tuple[Row, ...]
    lines: tuple[int, ...]
    place: str
    whole: bool
    delimiter: str


def sheets_of(raw: bytes, name: str) -> tuple[list[Sheet], list[Problem]]:
    """Take a file apart in every way it could be meant.

    Parameters
    ----------
    raw
        The whole file.
    name
        Of the file, for sentences.

    Returns
    -------
    list of Sheet
        One for each delimiter of a text, each sheet of a workbook, each file of an archive.
    list of Problem
        What was repaired on the way.

    Raises
    ------
    EvidenceError
        If it is no text and no workbook, or ends in the middle of a character.
    """
    if not raw.strip():
        raise EvidenceError(f"{name} is empty. Export it again.")
    if len(raw) > _MOST:
        raise EvidenceError(f"{name} has {len(raw):,} bytes; exports of at most 1 GiB are read.")
    if raw.startswith(_LEGACY):
        raise EvidenceError(f"{name} is a workbook of Excel 97. Save it as .xlsx or 'CSV UTF-8'.")
    if raw.startswith(_ARCHIVE):
        return _opened(raw, name)
    text, told = _text_of(raw, name)
    return _ways(text, ""), told


def _ways(text: str, place: str) -> list[Sheet]:
    """Cut a text at every delimiter that is in it."""
    whole = text.endswith(("\n", "\r"))
    there = [d for d in DELIMITERS if d in text] or [","]
    return [_cut(text, d, place, whole=whole) for d in there]


def _opened(raw: bytes, name: str) -> tuple[list[Sheet], list[Problem]]:
    try:
        archive = zipfile.ZipFile(io.BytesIO(raw))
        members = archive.namelist()
    except zipfile.BadZipFile:
        raise EvidenceError(f"{name} is cut short or damaged. Download it again.") from None
    if any(member.startswith("xl/") for member in members):
        return _workbook(raw, name), []
    found: list[Sheet] = []
    told: list[Problem] = []
    for member in members:
        if member.casefold().endswith((".csv", ".tsv", ".txt")):
            cut, repaired = _unpacked(archive, member, name)
            found += cut
            told += repaired
    if not found:
        raise EvidenceError(f"{name} is an archive without a table in it (.csv, .tsv or .txt).")
    return found, told


def _unpacked(
    archive: zipfile.ZipFile, member: str, name: str
) -> tuple[list[Sheet], list[Problem]]:
    if archive.getinfo(member).file_size > _MOST:
        raise EvidenceError(f"{member} in {name} unpacks to more than 1 GiB; it is not read.")
    try:
        inner = archive.read(member)
    except (zipfile.BadZipFile, RuntimeError, EOFError) as error:
        raise EvidenceError(f"{member} in {name} cannot be unpacked: {error}.") from None
    if not inner.strip():
        return [], []
    text, told = _text_of(inner, f"{member} in {name}")
    return _ways(text, member), told


def _workbook(raw: bytes, name: str) -> list[Sheet]:
    if find_spec("python_calamine") is None:
        raise EvidenceError(
            f'{name} is a workbook. Save the sheet as "CSV UTF-8", or install what reads '
            'workbooks: pip install "coterie[excel]".'
        )
    import python_calamine as calamine

    try:
        book = calamine.load_workbook(io.BytesIO(raw))
        sheets = [(label, book.get_sheet_by_name(label)) for label in book.sheet_names]
        read = [(label, sheet.to_python(skip_empty_area=False)) for label, sheet in sheets]
    except calamine.CalamineError as error:
        raise EvidenceError(f"{name} cannot be read as a workbook: {error}.") from None
    return [
        Sheet(tuple(map(tuple, rows)), tuple(range(1, len(rows) + 1)), label, True, "")
        for label, rows in read
        if rows
    ]


def _text_of(raw: bytes, name: str) -> tuple[str, list[Problem]]:
    encoding = next((e for mark, e in _MARKS if raw.startswith(mark)), None) or _unmarked(raw)
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError as error:
        if error.end >= len(raw) or "end of data" in error.reason or "truncated" in error.reason:
            raise EvidenceError(
                f"{name} ends in the middle of a character: it was cut short. Export it again."
            ) from None
        return _western(raw, name)
    if "\x00" in text:
        raise EvidenceError(f"{name} holds NUL characters: it is not a table in text.")
    return text.removeprefix("\ufeff"), []


def _unmarked(raw: bytes) -> str:
    """Tell UTF-16 without a mark by where its zero bytes stand."""
    head = raw[:1000]
    for start, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        zeros = head[start::2].count(0)
        if zeros > 0.4 * len(head[start::2]) and head[1 - start :: 2].count(0) == 0:
            return encoding
    return "utf-8"


def _western(raw: bytes, name: str) -> tuple[str, list[Problem]]:
    try:
        text = raw.decode("cp1252")
    except UnicodeDecodeError as error:
        raise EvidenceError(
            f"{name} is neither UTF-8 nor UTF-16 nor Western (cp1252): byte {error.start:,} is "
            f"{raw[error.start]:#04x}. Save it as 'CSV UTF-8'."
        ) from None
    if "\x00" in text:
        raise EvidenceError(f"{name} holds NUL characters: it is not a table in text.")
    told = of_table(
        "encoding", "warning", None,
        message=f"{name} is not in UTF-8 and was read as Western text (cp1252).",
        fix="Look at names with accents; save the file as 'CSV UTF-8' if they are wrong.",
    )  # fmt: skip
    return text, [told]


def _cut(text: str, delimiter: str, place: str, *, whole: bool) -> Sheet:
    rows: list[Row] = []
    lines: list[int] = []
    for line, row in _rows(text, delimiter):
        rows.append(row)
        lines.append(line)
    return Sheet(tuple(rows), tuple(lines), place, whole, delimiter)


def _rows(text: str, delimiter: str) -> Iterator[tuple[int, Row]]:
    """Yield rows; one that cannot be read is a row of nothing, which no width fits."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield line, (UNREADABLE,)
            return
        yield line, tuple(row)


UNREADABLE: Final = "\x00unreadable"
"""Stands where quotes do not close, so that the rest of a file cannot be told apart."""
