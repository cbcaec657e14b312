"""Problems in words: the value, its place, its extent and the way out.

Makes ``Problem`` values with one shape of sentence, so that every rule reads
alike. Knows no rule.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from coterie.errors import Problem, Severity
from coterie.typing import Flags

SHOWN = 3
"""Rows or labels named in a sentence; all of them are in ``Problem.rows``."""

LONGEST = 60
"""Characters of a value shown in a sentence."""


def quoted(value: object) -> str:
    """Show a value in a sentence, cut where it is long."""
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def counted(amount: float) -> str:
    """Show a number without a decimal point where it is whole."""
    return f"{int(amount):,}" if float(amount).is_integer() else f"{amount:,g}"


def listed(words: Sequence[str], most: int = SHOWN) -> str:
    """Join words, naming the first few and how many more there are."""
    if len(words) <= most:
        return ", ".join(words)
    return f"{', '.join(words[:most])} and {len(words) - most:,} more"


def of_table(
    code: str, severity: Severity, column: str | None, *, message: str, fix: str
) -> Problem:
    """Make a problem about a column or the whole table."""
    return Problem(code, severity, column, (), message, fix)


def of_rows(
    code: str,
    severity: Severity,
    column: str | None,
    where: Flags,
    *,
    what: str,
    shows: Callable[[int], str],
    fix: str,
) -> list[Problem]:
    """Make at most one problem from the rows where a rule is broken.

    Parameters
    ----------
    code, severity, column
        As in :class:`~coterie.errors.Problem`.
    where
        (row,) True where the rule is broken.
    what
        Beginning of the sentence: what is wrong.
    shows
        From a row's position to the value found there.
    fix
        The way out.

    Returns
    -------
    list of Problem
        Empty where no row breaks the rule.
    """
    positions = np.flatnonzero(where)
    if positions.size == 0:
        return []
    places = [f"row {row} ({shows(int(row))})" for row in positions[:SHOWN]]
    more = " and so on" if positions.size > SHOWN else ""
    message = f"{what} in {positions.size:,} of {where.size:,} rows: {', '.join(places)}{more}."
    return [Problem(code, severity, column, tuple(positions.tolist()), message, fix)]


def nearest(name: object, known: Iterable[object], most: int = 3) -> list[str]:
    """Find the known names that look like one, same letters in another case first."""
    spelled = {str(k): bare_name(str(k)) for k in known}
    bare = bare_name(str(name))
    same = [k for k, b in spelled.items() if b == bare]
    close = difflib.get_close_matches(bare, list(spelled.values()), n=most, cutoff=0.7)
    alike = [k for b in close for k, other in spelled.items() if other == b]
    return list(dict.fromkeys(same + alike))[:most]


def did_you_mean(name: object, known: Iterable[object]) -> str:
    """Name the nearest known names in a sentence, or nothing."""
    close = nearest(name, known)
    return f" Did you mean {' or '.join(repr(c) for c in close)}?" if close else ""


def bare_name(name: str) -> str:
    """Return a name without what people vary: case, underscores, hyphens and blanks."""
    return name.casefold().replace("_", "").replace("-", "").replace(" ", "")
