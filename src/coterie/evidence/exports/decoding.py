"""Decoding: the bytes of a file into rows of cells, or a clear refusal.

Reads text in UTF-8, UTF-16 and cp1252, whatever ends its lines, and the sheets of a workbook
or the files of an archive. Callers may trust that no row was cut short and that every cell keeps
its place. Knows no vendor.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import islice
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
    """One way to cut one table into rows of cells.

    Attributes
    ----------
    place
        Which sheet of a workbook or file of an archive this is; empty for a plain file.
    delimiter
        What stands between cells; empty for a workbook.
    text
        Of the table; empty for a workbook.
    cells
        Of a workbook's sheet.
    """

    place: str
    delimiter: str
    text: str = ""
    cells: tuple[Row, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether the last row is surely whole: its line was ended."""
        return not self.delimiter or self.text.endswith(("\n", "\r"))

    def rows(self, most: int | None = None) -> list[tuple[int, Row]]:
        """Return rows, each with the line it begins at, as editors and spreadsheets count.

        Parameters
        ----------
        most
            Rows to return; left out, all.
        """
        if not self.delimiter:
            return list(enumerate(self.cells, start=1))[:most]
        return list(islice(_rows(self.text, self.delimiter), most))


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
    there = [d for d in DELIMITERS if d in text] or [","]
    return [Sheet(place, d, text) for d in there]


def _opened(raw: bytes, name: str) -> tuple[list[Sheet], list[Problem]]:
    try:
        archive = zipfile.ZipFile(io.BytesIO(raw))
        members = archive.infolist()
        if sum(member.file_size for member in members) > _MOST:
            raise EvidenceError(f"{name} unpacks to more than 1 GiB; it is not read.")
        if any(member.filename.startswith("xl/") for member in members):
            sheets = [m for m in members if m.filename.startswith("xl/worksheets/")]
            return _workbook(raw, name, [archive.read(sheet) for sheet in sheets]), []
        tables = {
            f"{member.filename} (number {number})": archive.read(member)
            for number, member in enumerate(members, start=1)
            if member.filename.casefold().endswith((".csv", ".tsv", ".txt"))
        }
    except EvidenceError:
        raise
    except _BROKEN as error:
        raise EvidenceError(f"{name} is cut short or damaged. Download it again.") from error
    read = {place: _text_of(inner, name) for place, inner in tables.items() if inner.strip()}
    if not read:
        raise EvidenceError(f"{name} is an archive without a table in it (.csv, .tsv or .txt).")
    found = [sheet for place, (text, _) in read.items() for sheet in _ways(text, place)]
    return found, [problem for _, told in read.values() for problem in told]


_BROKEN: Final = (
    zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError,
    struct.error, ValueError,
)  # fmt: skip
"""What reading a damaged archive may raise."""
_CELLS: Final = 20_000_000
"""Cells of one sheet that are read: one far cell makes a sheet of thousands of millions."""
_EMPTY_FORMULA: Final = re.compile(
    rb"<f(?:\s[^>]*)?(?:/>|>[^<]*</f>)\s*(?:<v\s*/>\s*|<v></v>\s*)?</c>"
)
_ERROR: Final = re.compile(rb"<c\s[^>]*t=\"e\"")


def _workbook(raw: bytes, name: str, written: list[bytes]) -> list[Sheet]:
    if find_spec("python_calamine") is None:
        raise EvidenceError(
            f'{name} is a workbook. Save the sheet as "CSV UTF-8", or install what reads '
            'workbooks: pip install "coterie[excel]".'
        )
    for what, form in (("errors (#DIV/0!)", _ERROR), ("formulas without a result", _EMPTY_FORMULA)):
        cells = sum(len(form.findall(sheet)) for sheet in written)
        if cells:
            raise EvidenceError(
                f"{name} has {cells:,} cells with {what}, which would be read as empty. Open it, "
                "mend them and save it again."
            )
    import python_calamine as calamine

    try:
        book = calamine.load_workbook(io.BytesIO(raw))
        sheets = [book.get_sheet_by_name(label) for label in book.sheet_names]
        sizes = [sheet.total_height * sheet.total_width for sheet in sheets]
        if any(size > _CELLS for size in sizes):
            raise EvidenceError(f"{name} has a sheet of {max(sizes):,} cells; that is no export.")
        read = [sheet.to_python(skip_empty_area=False) for sheet in sheets]
    except calamine.CalamineError as error:
        raise EvidenceError(f"{name} cannot be read as a workbook: {error}.") from None
    labels = list(book.sheet_names)
    return [
        Sheet(label, "", cells=tuple(map(tuple, rows)))
        for label, rows in zip(labels, read, strict=True)
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
