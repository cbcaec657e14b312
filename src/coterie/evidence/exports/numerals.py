"""Numerals: numbers as people write them, read in the one way that fits a whole file.

Whether ``1,204`` is a thousand and more or one and a bit depends on who wrote it. The decimal
mark of a file is told by cells that can be read in one way only, and by counts, which are whole.
Callers may trust that a number that could mean two things was refused.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Literal

Mark = Literal[".", ","]

ABSENT: Final = frozenset(
    {"", "na", "n/a", "nan", "null", "none", "-", "--", "\u2013", "\u2014", "\u2212"}
)
"""What exports write where nothing was measured, in small letters."""


def says_nothing(cell: Any) -> bool:
    """Whether a cell says that nothing was measured: it is empty, or holds a word for that."""
    if isinstance(cell, str):
        return cell.strip().casefold() in ABSENT
    return cell is None or (isinstance(cell, float) and math.isnan(cell))


_LONGEST: Final = 40
"""Characters of a number; no count and no amount of money has more."""
_SPACES: Final = str.maketrans(dict.fromkeys(map(ord, "\u00a0\u202f\u2009\u2007\u2008\t"), " "))
_SYMBOLS: Final = {"€": "EUR", "£": "GBP", "¥": None, "$": None, "US$": "USD", "R$": "BRL"}
_BODY: Final = re.compile(r"[0-9][0-9., '\u2019]*|[.,][0-9]+")
_GROUPS: Final = {mark: re.compile(rf"\d{{1,3}}(?:[{mark}]\d{{3}})+") for mark in ".,"}
_SPACED: Final = re.compile(r"\d{1,3}(?:[ '\u2019]\d{3})+")
_AFFIX: Final = re.compile(r"^(US\$|R\$|[€£¥$]|[A-Z]{3})?\s*(.*?)\s*(US\$|R\$|[€£¥$]|[A-Z]{3})?$")


@dataclass(frozen=True, slots=True)
class Numeral:
    """One number as written, before it is known which mark is the decimal one.

    Attributes
    ----------
    body
        Digits and marks, without spaces, sign, currency and per cent.
    mark
        The decimal mark, where the body can be read in one way only; ``""`` where there is no
        mark at all, None where both readings are possible.
    sign
        1 or -1.
    per_cent
        Whether a per cent sign was written.
    currency
        ISO code, or the symbol of one of several currencies; None where none was written.
    """

    body: str
    mark: Mark | Literal[""] | None
    sign: int
    per_cent: bool
    currency: str | None

    def value(self, mark: Mark | None) -> float | int | None:
        """Read the number; None where ``mark`` does not fit it.

        Parameters
        ----------
        mark
            The decimal mark of the file, or None where no cell of it told.
        """
        if self.mark == "":
            return self.sign * int(self.body)
        chosen = self.mark or mark
        if chosen is None or (mark is not None and chosen != mark):
            return None
        whole, rest = self.body, ""
        if chosen in self.body:
            whole, _, rest = self.body.rpartition(chosen)
        other = "," if chosen == "." else "."
        if whole.count(chosen) or other in rest:
            return None
        digits = whole.replace(other, "")
        if not rest:
            return self.sign * int(digits)
        return self.sign * float(f"{digits or '0'}.{rest}")


@lru_cache(maxsize=2**16)
def numeral(text: str) -> Numeral | None:
    """Take a number apart, or return None where the text is none."""
    if len(text) > _LONGEST:
        return None
    bare = text.translate(_SPACES).strip().replace("\u2212", "-")
    inside = bare.startswith("(") and bare.endswith(")")
    sign = -1 if inside or bare.startswith("-") else 1
    bare = bare[1:-1] if inside else bare.removeprefix("-").removeprefix("+").strip()
    per_cent = bare.endswith("%")
    bare = bare.removesuffix("%").strip()
    parts = _AFFIX.match(bare)
    before, body, after = parts.groups() if parts else ("", "", "")
    if (before and after) or not _BODY.fullmatch(body):
        return None
    whole = _without_groups(body)
    if whole is None:
        return None
    found = _mark_of(*whole)
    if found is None:
        return None
    symbol = before or after
    code = _SYMBOLS.get(symbol, symbol) if symbol else None
    return Numeral(whole[0], found[0], sign, per_cent, code or symbol)


def _without_groups(body: str) -> tuple[str, bool] | None:
    """Take out spaces and apostrophes that stand between thousands, and say if there were any."""
    if not re.search(r"[ '\u2019]", body):
        return body, False
    at = max(body.rfind(c) for c in " '\u2019") + 4
    head, tail = body[:at], body[at:]
    if not _SPACED.fullmatch(head) or (tail and not re.fullmatch(r"[.,]\d+", tail)):
        return None
    return re.sub(r"[ '\u2019]", "", head) + tail, True


def _mark_of(body: str, spaced: bool) -> tuple[Mark | Literal[""] | None] | None:
    """Return the decimal mark in a tuple (None: either), or None where the body is no number."""
    dots, commas = body.count("."), body.count(",")
    if not dots and not commas:
        return ("",)
    if dots and commas:
        last: Mark = "." if body.rfind(".") > body.rfind(",") else ","
        other: Mark = "," if last == "." else "."
        head, _, tail = body.rpartition(last)
        fits = last not in head and _GROUPS[other].fullmatch(head) and tail.isdigit()
        return (last,) if fits else None
    own: Mark = "." if dots else ","
    other = "," if own == "." else "."
    if dots + commas > 1:
        return (other,) if _GROUPS[own].fullmatch(body) else None
    head, _, tail = body.partition(own)
    if not tail:
        return None
    either = not spaced and _GROUPS[own].fullmatch(body) and not head.startswith("0")
    return (None,) if either else (own,)


def decimal_mark(
    counts: Iterable[Numeral], others: Iterable[Numeral]
) -> tuple[dict[Mark, Numeral], bool]:
    """Tell the decimal mark of a file from its numbers.

    Parameters
    ----------
    counts
        Numbers of columns that count people or events: ``1,204`` there is a thousand and more,
        while ``65.000`` may also be 65.
    others
        Numbers of all other columns.

    Returns
    -------
    dict
        From each mark that was told to the first number that tells it; two of them contradict
        each other.
    bool
        Whether some number can only be read once the mark is known.
    """
    told: dict[Mark, Numeral] = {}
    unsure = False
    for whole, numbers in ((True, counts), (False, others)):
        for one in numbers:
            mark: Any = one.mark
            if mark is None and whole and not one.body.endswith("000"):
                # 65.000 is whole in both readings: 65 with three decimals, and thousands.
                mark = "." if "," in one.body else ","
            unsure |= mark is None
            if mark:
                told.setdefault(mark, one)
    return told, unsure
