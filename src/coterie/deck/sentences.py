"""Sentences: what a belief says, in natural frequencies.

"18 of 20 equally likely outcomes" is understood where "0.89" is not (Gigerenzer and Hoffrage,
1995, *Psychological Review* 102). Callers may trust that a number in a sentence is one of the
belief table, rounded to twentieths, that certainty is never claimed by rounding, and that no
home is claimed where the counts have hardly moved the prior or another place is level.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from coterie import names
from coterie.deck.places import places
from coterie.findings import OUTCOMES, likely, of_twenty, raised, whole

if TYPE_CHECKING:
    from coterie.beliefs import Beliefs

_HALF: Final = 0.5
_SURE: Final = 0.8
"""From here on a membership is said without 'more likely than not'."""
_NAMED: Final = 3
WIDE: Final = 0.5
"""Width of an interval from which a belief is said not to be settled."""
_LEAST: Final = 0.5 / OUTCOMES
_NOUGHT: Final = 0.005
"""A share below it would read 0 %."""
_SEVERAL: Final = 1.5
"""People who are said as two or more."""
_PER: Final = (100, 1_000, 10_000, 100_000)


def twentieths(value: float, *, unsure: bool) -> str:
    """Write a cell of a map: outcomes of twenty, a dot for none, a mark where it is not settled."""
    if np.isnan(value):
        return ""
    number = "> 19" if 1 - _LEAST <= value < 1 else "·" if value < _LEAST else str(whole(value))
    return f"{number} ?" if unsure else number


def shortened(label: object, most: int) -> str:
    """Return a name that fits a narrow place; what is left out is marked.

    Examples
    --------
    >>> from coterie.deck.sentences import shortened
    >>> shortened("late-night headphones", 12)
    'late-night…'
    """
    text = plain(label)
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def per_people(rate: float) -> str:
    """Say a rate of people as a whole number of them: ``8 of 100``.

    Parameters
    ----------
    rate
        In [0, 1].

    Examples
    --------
    >>> from coterie.deck.sentences import per_people
    >>> per_people(0.08), per_people(0.0042)
    ('8 of 100', '4 of 1,000')
    """
    if rate == 0:
        return f"0 of {_PER[0]:,}"
    people = next((people for people in _PER if rate * people >= _SEVERAL), _PER[-1])
    number = round(rate * people)
    if number == 0:
        return f"fewer than 1 of {people:,}"
    if number == people and rate < 1:
        return f"more than {people - 1:,} of {people:,}"
    return f"{number:,} of {people:,}"


def per_cent(value: float) -> str:
    """Write a share in per cent, never 0 or 100 by rounding.

    Examples
    --------
    >>> from coterie.deck.sentences import per_cent
    >>> per_cent(0.123), per_cent(0.9999)
    ('12 %', '> 99 %')
    """
    if np.isnan(value):
        return "?"
    if 0 < value < _NOUGHT:
        return "< 1 %"
    if 1 - _NOUGHT < value < 1:
        return "> 99 %"
    return f"{100 * value:.0f} %"


def say_home(beliefs: Beliefs, artist: Hashable) -> str:
    """Say where an artist belongs, in one sentence with the answer first.

    Parameters
    ----------
    beliefs
        With one home or many.
    artist
        Whom it is about.

    Returns
    -------
    str
        "Ana Vale is most likely at home in gym: 18 of 20 equally likely outcomes."

    Raises
    ------
    FindingError
        If these beliefs hold no membership.
    BeliefError
        If the artist is unknown.

    Examples
    --------
    >>> co.say_home(co.example_beliefs(), "Oslo Choir")
    'Oslo Choir is most likely at home in gym: 14 of 20 equally likely outcomes'
    """
    return home_sentence(artist, places(beliefs, [artist]), str(beliefs.homes))


def plain(label: object) -> str:
    """Return a name on one line."""
    return " ".join(str(label).split())


def home_sentence(artist: Hashable, table: pd.DataFrame, homes: str) -> str:
    """Say the rows of one artist's belief table, from :func:`places`."""
    rows = table.sort_values("belief", ascending=False, kind="stable")
    if homes == "many":
        return _many(plain(artist), rows)
    return _one(plain(artist), rows)


def _one(artist: str, rows: pd.DataFrame) -> str:
    first, second = rows.iloc[0], rows.iloc[1] if len(rows) > 1 else None
    told = f"{of_twenty(first['belief'])} equally likely outcomes"
    open_ = ", and that is not settled" if unsettled(first) else ""
    name = _place(first)
    if likely(rows["belief"], rows["prior"], many=False).any():
        if first["belief"] > 1 - _LEAST and first[names.CLUSTER] != names.ELSEWHERE:
            return f"{artist} is at home in {name}: {told}{open_}"
        return (
            f"{artist} is most likely at home in {name.removeprefix('a home in ')}: {told}{open_}"
        )
    if not raised(first["belief"], first["prior"]):
        return f"The home of {artist} is open: {name} has {told}{_as_before(first)}"
    if second is None:
        return f"The home of {artist} is open: {name} has {told}"
    other = _place(second)
    if whole(first["belief"]) == whole(second["belief"]):
        return f"The home of {artist} is open: {name} and {other} are level with {told} each"
    return f"The home of {artist} is open: {name} has {told}, {other} {of_twenty(second['belief'])}"


def _place(row: pd.Series[Any]) -> str:
    name = plain(row[names.CLUSTER])
    return "a home in none of these clusters" if name == names.ELSEWHERE else name


def _as_before(row: pd.Series[Any]) -> str:
    """Say that the counts did not raise a belief, and what it was."""
    before, now = of_twenty(row["prior"]), of_twenty(row["belief"])
    if before == now:
        return ", as before the evidence"
    return f", and had {before} before the evidence"


def unsettled(row: pd.Series[Any]) -> bool:
    """Say whether a belief's interval is too wide for it to be acted on."""
    return bool(row["upper"] - row["lower"] > WIDE)


def _many(artist: str, rows: pd.DataFrame) -> str:
    found = rows[likely(rows["belief"], rows["prior"], many=True)]
    if found.empty:
        first = rows.iloc[0]
        if first["belief"] > _HALF:
            return (
                f"Whether {artist} belongs in {plain(first[names.CLUSTER])} is open: it has "
                f"{of_twenty(first['belief'])} equally likely outcomes{_as_before(first)}"
            )
        return (
            f"{artist} is not likely to belong in any of {len(rows)} clusters; "
            f"{plain(first[names.CLUSTER])} comes nearest with {of_twenty(first['belief'])} "
            "equally likely outcomes"
        )
    wide = bool(found.apply(unsettled, axis=1).any())
    sure = found["belief"].min() >= _SURE and not wide
    verb = "belongs in" if sure else "more likely than not belongs in"
    pairs = [
        (plain(cluster), of_twenty(belief))
        for cluster, belief in zip(found[names.CLUSTER], found["belief"], strict=True)
    ]
    told = [f"{pairs[0][0]}: {pairs[0][1]} equally likely outcomes"]
    if len(pairs) > 1:
        told = [f"{cluster} ({part})" for cluster, part in pairs[:_NAMED]]
        told[0] = f"{pairs[0][0]} ({pairs[0][1]} equally likely outcomes)"
        told += [f"{len(pairs) - _NAMED} more"] if len(pairs) > _NAMED else []
    which = f"{', '.join(told[:-1])} and {told[-1]}" if len(told) > 1 else told[0]
    return f"{artist} {verb} {which}" + (", and that is not settled" if wide else "")
