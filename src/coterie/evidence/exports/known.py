"""Known kinds: those of this package, those that others add, and one made of the caller's words."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final

from coterie.errors import EvidenceError, EvidenceWarning
from coterie.evidence.exports import advertising, others, spotify
from coterie.evidence.exports.kinds import HOLDS, Field, Holds, Kind, plain
from coterie.evidence.wording import did_you_mean, listed

GROUP: Final = "coterie.readers"
"""Entry points that load to a Kind, or to several."""

OWN: Final = (*spotify.KINDS, *advertising.KINDS, *others.KINDS)

_MORE: Final[dict[str, Holds]] = {
    "artist": "label", "cluster": "label", "context": "label", "geo": "label", "creative": "label",
    "surface": "label", "follows": "count", "downstream_streams": "count", "new_listeners": "count",
    "new_active": "count", "audience": "count", "clicks": "count", "date": "date",
}  # fmt: skip


def known_kinds() -> list[Kind]:
    """Return every kind of export that can be read here."""
    return [*OWN, *(kind for entry in entry_points(group=GROUP) for kind in _loaded(entry))]


@cache
def _loaded(entry: EntryPoint) -> tuple[Kind, ...]:
    """Load what a package adds; one that fails is named and left out."""
    try:
        made = entry.load()
    except Exception as error:  # Another's code may fail in any way.
        made, why = None, f"{type(error).__name__}: {error}"
    else:
        why = f"it is a {type(made).__name__}, not a Kind or several"
    kinds = (made,) if isinstance(made, Kind) else tuple(made) if _several(made) else ()
    if not kinds:
        warnings.warn(
            f"The reader {entry.name!r} of {entry.value!r} cannot be used: {why}. Files of other "
            "kinds are read as before.",
            EvidenceWarning,
            stacklevel=5,
        )
    return kinds


def _several(made: Any) -> bool:
    return isinstance(made, list | tuple) and all(isinstance(one, Kind) for one in made)


def kind_of_columns(columns: Mapping[str, str | tuple[str, str]]) -> Kind:
    """Make a kind of what the caller says of the columns.

    Parameters
    ----------
    columns
        As for :func:`~coterie.read_export`.
    """
    known = {f.name: f.holds for kind in OWN for f in kind.fields} | _MORE
    units = {f.name: f.unit for kind in OWN for f in kind.fields}
    fields: list[Field] = []
    for header, said in columns.items():
        name, holds = said if isinstance(said, tuple) else (said, known.get(said))
        if holds is None:
            raise EvidenceError(
                f"columns says {header!r} is {name!r}, which no known export has. Say what it "
                f"holds: ({name!r}, 'count').{did_you_mean(name, known)}"
            )
        if known.get(name, holds) != holds:
            raise EvidenceError(
                f"columns says {name!r} holds {holds!r}; it holds {known[name]!r} everywhere. Give "
                "the column another name."
            )
        if holds not in HOLDS:
            raise EvidenceError(
                f"columns says {header!r} holds {holds!r}; write one of {', '.join(HOLDS)}."
            )
        fields.append(Field(name, holds, {"": (header,)}, units.get(name, "")))
    names = [one.name for one in fields]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise EvidenceError(f"columns calls more than one column {twice[0]!r}; each needs a name.")
    return Kind("stated", "table", tuple(fields), needs=frozenset(names), literal=True)


def nearest_kind(
    name: str, sheets: Sequence[Sequence[Sequence[Any]]], columns: Mapping[str, Any] | None
) -> str:
    """Say why no header was found, and what is nearest to one.

    Parameters
    ----------
    name
        Of the file.
    sheets
        First rows of each.
    columns
        As the caller stated them, if so.
    """
    rows = [row for rows in sheets for row in rows]
    words = [{plain(c): c.strip() for c in row if isinstance(c, str) and c.strip()} for row in rows]
    if columns:
        best = max(words, key=lambda w: sum(c in w.values() for c in columns), default={})
        lost = [c for c in columns if c not in best.values()] or list(columns)
        missing, first = [repr(c) for c in lost], lost[0]
        return (
            f"{name} has no row with all headers that columns names: {listed(missing)} "
            f"{'is' if len(missing) == 1 else 'are'} not there.{did_you_mean(first, best.values())}"
        )
    scored = [
        (len(found), kind, w)
        for w in words
        for kind in OWN
        if (
            found := {plain(s) for f in kind.fields for ss in f.spelled.values() for s in ss} & {*w}
        )
    ]
    if scored and (best_of := max(scored, key=lambda s: s[0]))[0] > 1:
        _, kind, there = best_of
        lacks = [
            f.spelled["en"][0]
            for f in kind.fields
            if f.name in kind.needs
            and not any(plain(s) in there for ss in f.spelled.values() for s in ss)
        ]
        return (
            f"{name} is nearest to {kind.name} of {kind.vendor}, but has no column "
            f"{listed([repr(w) for w in lacks])}. Export it with that column and with headers in "
            'English, or say what its columns are: columns={"Plays": "streams", ...}.'
        )
    shown = max(words, key=len, default={})
    return (
        f"{name} is no export that is known here; its headers may be "
        f"{listed([repr(w) for w in shown.values()], 6)}. Say what its columns are: "
        'columns={"Plays": "streams", "Who": "artist"}.'
    )
