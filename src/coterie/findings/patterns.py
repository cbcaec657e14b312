"""Patterns: what is seen, what it means and what to do, read from a playbook file.

Makes :class:`Pattern` from tables of TOML, and checks every word of them. Callers may trust that
a pattern has a name of its own and at least one condition, that each condition is about a known
signal, and that an edge is a finite number. Knows nothing of beliefs.
"""

from __future__ import annotations

import difflib
import hashlib
import math
import os
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from coterie.errors import FindingError
from coterie.findings.quantities import is_number

if TYPE_CHECKING:
    from coterie.typing import Flags, Floats

SIGNALS: Final[Mapping[str, str]] = {
    "streams": "streams a listener",
    "intent": "intent",
    "active": "active conversion",
    "depth": "catalogue depth",
    "reach": "reach",
    "programmed": "programmed share",
    "place_intent": "intent of the leading place",
    "place_lead": "lead of that place over the next",
    "place_prior": "prior of that place",
    "warm_lead": "lead of warm over cold",
}
"""What a condition may be about, and how it is said."""
PRIOR: Final = "place_prior"
"""The one signal that is a probability; all others are standard deviations of the reference."""
PATTERNS: Final = "patterns"
PHASES: Final = "phases"
_EDGES: Final = ("above", "below", "between")
_PAIR: Final = 2


@dataclass(frozen=True, slots=True)
class Condition:
    """One signal, and where it must lie.

    Attributes
    ----------
    signal
        A name of :data:`SIGNALS`.
    lower, upper
        Open ends, in standard deviations of the reference; infinite where there is none.
    if_measured
        Whether the pattern can be read without it.
    """

    signal: str
    lower: float = -math.inf
    upper: float = math.inf
    if_measured: bool = False

    def holds(self, values: Floats) -> Flags:
        """Say at which draws a signal lies between the ends."""
        found: Flags = (values > self.lower) & (values < self.upper)
        return found

    @property
    def words(self) -> str:
        """The condition as it is read: ``reach between -1 and 1 sd``."""
        name, unit = SIGNALS[self.signal], "" if self.signal == PRIOR else " sd"
        if math.isinf(self.upper):
            return f"{name} above {self.lower:g}{unit}"
        if math.isinf(self.lower):
            return f"{name} below {self.upper:g}{unit}"
        return f"{name} between {self.lower:g} and {self.upper:g}{unit}"


@dataclass(frozen=True, slots=True)
class Pattern:
    """A row of the decision tree: a conjunction of conditions, its reading and its action.

    Attributes
    ----------
    name
        Of its own, short enough for a chart.
    seen, reading, action, source
        What one sees, what it means, what to do, and who says so.
    conditions
        All of them must hold.
    """

    name: str
    seen: str
    reading: str
    action: str
    source: str
    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Book:
    """A playbook file, as it was read.

    Attributes
    ----------
    tables
        Its tables by name.
    about
        Which file, and the first digits of its hash.
    """

    tables: Mapping[str, Any]
    about: str

    def rows(self, section: str) -> list[Any]:
        """Return the tables of one section, at least one.

        Raises
        ------
        FindingError
            If there is none.
        """
        rows = self.tables.get(section)
        if not isinstance(rows, list) or not rows:
            raise FindingError(
                f"The playbook {self.about} has {_shown(rows)} for {section}; it must have one or "
                f"more tables, each under [[{section}]]."
            )
        return rows


def book_of(path: str | os.PathLike[str] | None) -> Book:
    """Read a playbook file; left out, the package's own.

    Parameters
    ----------
    path
        A TOML file with ``[[patterns]]``, ``[[phases]]`` or both.

    Raises
    ------
    FindingError
        If it cannot be read, is no TOML, or has a section of another name.
    """
    if path is None:
        name = "that comes with coterie"
        raw = files("coterie.findings").joinpath("playbook.toml").read_bytes()
    else:
        name, raw = _file(path)
    try:
        tables = tomllib.loads(raw.decode("utf-8-sig"))
    except ValueError as error:
        raise FindingError(f"The playbook {name} is no TOML: {error}. Mend that line.") from None
    _refuse_unknown(tables, (PATTERNS, PHASES), f"The playbook {name}")
    return Book(tables, f"{name} ({hashlib.sha256(raw).hexdigest()[:12]})")


def _file(path: str | os.PathLike[str]) -> tuple[str, bytes]:
    """Return the name and bytes of a file, or say why it cannot be read."""
    try:
        return Path(path).name, Path(path).read_bytes()
    except (OSError, TypeError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise FindingError(
            f"The playbook {path!s} cannot be read: {why}. Give the path of a TOML file, or leave "
            "it out for the one that comes with coterie."
        ) from None


def patterns_of(book: Book) -> tuple[Pattern, ...]:
    """Read the patterns of a playbook.

    Raises
    ------
    FindingError
        If a pattern lacks a word or a condition, a signal is unknown, an edge is no number, or
        two patterns have one name.

    Examples
    --------
    >>> from coterie.findings.patterns import book_of, patterns_of
    >>> [pattern.name for pattern in patterns_of(book_of(None))][:2]
    ['shallow attention', 'strong niche']
    """
    return every(book.rows(PATTERNS), _pattern, "pattern", lambda made: made.name)


def every[T](
    rows: Sequence[Any], make: Callable[[Any], T], what: str, name_of: Callable[[T], str]
) -> tuple[T, ...]:
    """Make something of each table, or say of the first that cannot stand, and of how many.

    Parameters
    ----------
    rows
        Tables, in order.
    make
        Makes one; refuses with a FindingError.
    what
        What is made, in one word.
    name_of
        Its name, which no two may share.
    """
    made, wrong = [], []
    for place, row in enumerate(rows, start=1):
        try:
            made.append(make(row))
        except FindingError as error:
            label = row.get("id") if isinstance(row, Mapping) else None
            wrong.append(f"{what.capitalize()} {place}{f' ({label})' if label else ''}: {error}")
    if wrong:
        raise FindingError(f"{wrong[0]} {len(wrong)} of {len(rows)} {what}s cannot be read.")
    names = [name_of(one) for one in made]
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if twice:
        raise FindingError(
            f"{twice[0]!r} is the id of {names.count(twice[0])} {what}s; {len(twice)} ids are like "
            "this. Give each its own."
        )
    return tuple(made)


def _pattern(row: Any) -> Pattern:
    words = ("id", "seen", "reading", "action", "source")
    table = table_of(row, (*words, "conditions"))
    stated = table.get("conditions")
    if not isinstance(stated, list) or not stated:
        raise FindingError(
            f"conditions is {_shown(stated)}; state one or more, such as "
            "conditions = [{ signal = 'intent', above = 0.5 }]."
        )
    conditions = tuple(_condition(one) for one in stated)
    if all(one.if_measured for one in conditions):
        raise FindingError(
            "if_measured stands in every condition, so that the pattern would hold where nothing "
            "is measured. Leave it out of one."
        )
    name, seen, reading, action, source = (text_of(table, word) for word in words)
    return Pattern(name, seen, reading, action, source, conditions)


def _condition(row: Any) -> Condition:
    table = table_of(row, ("signal", *_EDGES, "if_measured"))
    signal = text_of(table, "signal")
    if signal not in SIGNALS:
        raise FindingError(f"signal is {signal!r}, which is none. {_near(signal, SIGNALS)}")
    stated = [edge for edge in _EDGES if edge in table]
    if len(stated) != 1:
        raise FindingError(
            f"The condition on {signal!r} states {' and '.join(stated) or 'no edge'}; state one of "
            f"{', '.join(_EDGES)}."
        )
    optional = table.get("if_measured", False)
    if not isinstance(optional, bool):
        raise FindingError(f"if_measured of {signal!r} is {optional!r}; write true or false.")
    return Condition(signal, *_ends(stated[0], table[stated[0]], signal), optional)


def _ends(edge: str, value: Any, signal: str) -> tuple[float, float]:
    if edge == "between":
        pair = value if isinstance(value, list) and len(value) == _PAIR else [None, None]
        lower, upper = (number_of(one, f"between of {signal!r}", value) for one in pair)
        if lower >= upper:
            raise FindingError(
                f"between of {signal!r} is {value!r}; the first number lies below the second."
            )
        return lower, upper
    found = number_of(value, f"{edge} of {signal!r}", value)
    return (found, math.inf) if edge == "above" else (-math.inf, found)


def table_of(row: Any, known: Iterable[str]) -> Mapping[str, Any]:
    """Return a table whose keys are all known, or refuse it."""
    if not isinstance(row, Mapping):
        raise FindingError(f"{row!r} stands where a table is read. Write key = value pairs.")
    _refuse_unknown(row, tuple(known), "It")
    return row


def text_of(table: Mapping[str, Any], key: str) -> str:
    """Return a text that is not empty, or refuse it."""
    value = table.get(key)
    if not isinstance(value, str) or not value.strip():
        raise FindingError(f"{key} is {_shown(value)}; it must be text that is not empty.")
    return value.strip()


def number_of(value: Any, what: str, shown: Any) -> float:
    """Return a finite number, or refuse it."""
    if not is_number(value):
        raise FindingError(f"{what} is {_shown(shown)}; write a number, or two for between.")
    return float(value)


def _refuse_unknown(table: Mapping[str, Any], known: Sequence[str], what: str) -> None:
    strange = [str(key) for key in table if key not in known]
    if strange:
        raise FindingError(
            f"{what} has the key {strange[0]!r}, which nothing reads; {len(strange)} of "
            f"{len(table)} keys are like this. {_near(strange[0], known)}"
        )


def _near(word: str, known: Iterable[str]) -> str:
    every_one = list(known)
    near = difflib.get_close_matches(word, every_one, n=3)
    if near:
        return f"Did you mean {' or '.join(map(repr, near))}?"
    return f"Write one of {', '.join(every_one)}."


def _shown(value: Any) -> str:
    return "nothing" if value is None or value == [] else repr(value)
