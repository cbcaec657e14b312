"""Kinds: what each export looks like, as values.

A ``Kind`` says which columns make an export known, what each of them holds and which of its
rows are sums of others. A vendor is a file of kinds; anyone may add more. Knows no file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from coterie.errors import EvidenceError

Holds = Literal["label", "count", "number", "money", "share", "date", "month"]
HOLDS: Final[tuple[Holds, ...]] = ("label", "count", "number", "money", "share", "date", "month")


@dataclass(frozen=True, slots=True)
class Field:
    """One column of an export.

    Attributes
    ----------
    name
        What it is called in the frame that is read.
    holds
        ``"label"``: text as it stands. ``"count"``: people or events, whole. ``"money"``: an
        amount of one currency. ``"share"``: a part of a whole, written in per cent and read as
        a probability. ``"number"``: anything else. ``"date"``: a day. ``"month"``: the first
        day of one.
    spelled
        Headers it has, by language: ``{"en": ("Reach",), "fr": ("Couverture",)}``. Case,
        spaces and a currency in brackets do not matter.
    unit
        Of its values, in words.
    absent
        What stands for nothing in a label, such as ``"-"``. In all else this is known.
    """

    name: str
    holds: Holds
    spelled: Mapping[str, tuple[str, ...]]
    unit: str = ""
    absent: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if self.holds not in HOLDS:
            raise EvidenceError(
                f"field {self.name!r} holds {self.holds!r}; write one of {', '.join(HOLDS)}."
            )


@dataclass(frozen=True, slots=True)
class Total:
    """Rows that are sums of others, told by a word.

    Attributes
    ----------
    word
        Pattern of a whole cell, case ignored.
    parts
        Whether such a row sums up the rows alike in all names that it has itself, and stays
        where there are none. Otherwise it has no name at all, and sums up everything.
    """

    word: str
    parts: bool = False


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of export.

    Attributes
    ----------
    vendor, name
        What :class:`~coterie.Export` calls it.
    fields
        Every column that is known.
    needs
        Names of fields without which a file is of another kind.
    exact
        Whether a file with any other column is of another kind: for headers so short that
        they could be anybody's.
    totals
        Rows to leave out.
    day_first
        Order of day and month, where the vendor always writes one.
    lacks
        What the file does not say, by the argument of ``read_export`` that states it.
    unreported
        Names of fields that are missing, and not 0, in rows where all of them are 0 while
        the field named as key is above 0.
    named
        Fields that say whose a row is, coarse ones first: what a mapping speaks of. None for
        exports that cannot be told apart by cluster.
    counts
        From columns of an evidence table to the fields that go there.
    parents
        A field and its values, in small letters, whose rows hold the rows of its other values
        once more.
    literal
        Whether headers are spelled with the currency in brackets, where they have one.
    """

    vendor: str
    name: str
    fields: tuple[Field, ...]
    needs: frozenset[str]
    exact: bool = False
    totals: tuple[Total, ...] = ()
    day_first: bool | None = None
    lacks: tuple[str, ...] = ()
    unreported: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    named: tuple[str, ...] = ()
    counts: Mapping[str, str] = field(default_factory=dict)
    parents: tuple[str, frozenset[str]] | None = None
    literal: bool = False

    def __post_init__(self) -> None:
        said = {*self.needs, *self.named, *self.counts.values()}
        unknown = sorted(said - {f.name for f in self.fields})
        if unknown:
            raise EvidenceError(f"kind {self.name!r} names {unknown[0]!r}, which no field is.")


@dataclass(frozen=True, slots=True)
class Header:
    """One row of headers, recognised.

    Attributes
    ----------
    kind
        Of the export.
    row
        Where it stands among the rows.
    at
        Position of each field that is there.
    currencies
        By field, where the header has one in brackets.
    unread
        Headers that are no field.
    twice
        Positions of columns that are the same field.
    """

    kind: Kind
    row: int
    at: Mapping[str, int]
    currencies: Mapping[str, str]
    unread: tuple[str, ...]
    twice: tuple[tuple[int, int], ...] = ()


_CURRENCY: Final = re.compile(r"\s*\(([A-Z]{3})\)\s*$")
_BLANKS: Final = re.compile(r"\s+")


def plain(header: str, *, literal: bool = False) -> str:
    """Return a header without what may vary: case, kinds of spaces and quotes, currency."""
    bare = header.replace("\ufeff", "")
    bare = bare if literal else _CURRENCY.sub("", bare)
    bare = bare.replace("\u2019", "'").replace("\u2018", "'")
    return _BLANKS.sub(" ", bare).strip().casefold()


def currency_of(header: str) -> str | None:
    """Return the currency that a header has in brackets."""
    found = _CURRENCY.search(header)
    return found[1] if found else None


def recognise(rows: Sequence[Sequence[Any]], kinds: Sequence[Kind]) -> list[Header]:
    """Find the rows that are headers of a kind, best first.

    Parameters
    ----------
    rows
        The first rows of a sheet.
    kinds
        To look for.

    Returns
    -------
    list of Header
        Those with most known columns first; earlier rows before later ones.
    """
    found = [
        header
        for i, row in enumerate(rows)
        for kind in kinds
        if (header := _header(i, row, kind)) is not None
    ]
    return sorted(found, key=lambda h: (-len(h.at), len(h.unread), h.row))


def _header(row: int, cells: Sequence[Any], kind: Kind) -> Header | None:
    known = _spellings(kind)
    at: dict[str, int] = {}
    unread: list[str] = []
    twice: list[tuple[int, int]] = []
    for i, cell in enumerate(cells):
        word = plain(cell, literal=kind.literal) if isinstance(cell, str) else ""
        if word not in known:
            unread += [cell.strip()] if word else []
            continue
        name = known[word]
        if name in at:
            twice.append((at[name], i))
            continue
        at[name] = i
    if not kind.needs <= at.keys() or (kind.exact and unread):
        return None
    holds = {one.name: one.holds for one in kind.fields}
    money = {n: currency_of(str(cells[i])) for n, i in at.items() if holds[n] == "money"}
    return Header(
        kind=kind, row=row, at=at,
        currencies={name: code for name, code in money.items() if code},
        unread=tuple(unread), twice=tuple(twice),
    )  # fmt: skip


def _spellings(kind: Kind) -> dict[str, str]:
    found: dict[str, str] = {}
    for one in kind.fields:
        for words in one.spelled.values():
            for word in words:
                if found.setdefault(plain(word, literal=kind.literal), one.name) != one.name:
                    raise EvidenceError(
                        f"{word!r} is spelled of both another field and {one.name!r} in "
                        f"kind {kind.name!r} of {kind.vendor!r}."
                    )
    return found
