"""Mappings: which cluster each campaign, ad set or playlist reached, as people state it.

Reads a small TOML file or a frame, and writes the template to fill in. Nothing is guessed: what
nobody mapped is an error, and what stays out is said to stay out.
"""

from __future__ import annotations

import datetime as dt
import difflib
import json
import os
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import narwhals.stable.v2 as nw
import pandas as pd

from coterie.errors import EvidenceError
from coterie.evidence.exports.export import Export
from coterie.evidence.exports.known import OWN
from coterie.evidence.exports.moments import stated_day
from coterie.evidence.wording import bare_name, counted, quoted

NAMED: Final = ("campaign", "ad_set", "ad", "segment", "playlist", "curator", "song", "video_id",
                "video")  # fmt: skip
"""What a row of a mapping may speak of."""

FILE: Final = "file"
PERIOD: Final = ("start", "end")
TAKEN: Final = frozenset({"source", "spend", "currency"}) | {
    column for kind in OWN for column in kind.counts
}
"""Columns that no row of a mapping may say."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of a mapping.

    Attributes
    ----------
    place
        Where it stands, for sentences: ``"row 3"``.
    told
        What it speaks of: ``{"campaign": "Night", "ad_set": "Headphones"}``; ``""`` of what
        has no name.
    said
        What it says of that: ``{"cluster": "late night", "geo": "DE"}``. A cluster of ``""``
        leaves it out.
    """

    place: str
    told: Mapping[str, str]
    said: Mapping[str, Any]


def read_mapping(mapping: Any) -> list[Entry]:
    """Read a mapping from a TOML file, a frame or a list of dictionaries.

    Parameters
    ----------
    mapping
        Path of a file of ``[[row]]`` tables, a frame with a row for each, or dictionaries.

    Raises
    ------
    EvidenceError
        If it cannot be read, or a row speaks of nothing or says nothing of a cluster.
    """
    rows = _rows(mapping)
    if not rows:
        raise EvidenceError("The mapping has no rows. Write [[row]] tables, one for each campaign.")
    return [_entry(f"row {i} of the mapping", row) for i, row in enumerate(rows, start=1)]


def _entry(place: str, row: Any) -> Entry:
    if not isinstance(row, Mapping):
        raise EvidenceError(f"{place} is {quoted(row)}, no table of names and values.")
    for key, value in row.items():
        _check_key(place, key)
        scalar = value is None or isinstance(value, str | int | float | dt.date)
        if not scalar or isinstance(value, bool):
            raise EvidenceError(f"{place} says {key} = {quoted(value)}; write a text or a number.")
    bare = {str(k): v for k, v in row.items() if not _missing(v)}
    told = {k: str(v) for k, v in bare.items() if k in (*NAMED, FILE)}
    said = {k: v for k, v in bare.items() if k not in told and not _blank(v)}
    if "cluster" not in row:
        raise EvidenceError(
            f'{place} has no cluster. Write the cluster it reached, or cluster = "" to leave it '
            "out."
        )
    if not told:
        raise EvidenceError(
            f"{place} speaks of nothing: write one of {', '.join(NAMED)}, or {FILE}."
        )
    for which in PERIOD:
        if which in said:
            said[which] = stated_day(said[which], f"{place}: {which}")
    return Entry(place, told, {"cluster": ""} | said)


def _check_key(place: str, key: Any) -> None:
    """Refuse what the export itself says, and what is nearly a name: it would map too much."""
    if key in (*NAMED, FILE, "cluster", *PERIOD, "artist", "release"):
        return
    if key in TAKEN:
        raise EvidenceError(
            f"{place} says {key} = ..., which comes from the exports alone. Leave it out."
        )
    close = [n for n in (*NAMED, FILE, "cluster") if bare_name(str(key)) == bare_name(n)]
    close += difflib.get_close_matches(str(key).casefold(), [*NAMED, FILE, "cluster"], 1, 0.85)
    if close:
        raise EvidenceError(f"{place} says {key!r}. Did you mean {close[0]!r}?")


def _rows(mapping: Any) -> Sequence[Any]:
    if isinstance(mapping, str | os.PathLike):
        return _from_file(Path(mapping))
    if isinstance(mapping, list | tuple):
        return mapping
    try:
        return nw.from_native(mapping, eager_only=True).rows(named=True)
    except (TypeError, nw.exceptions.NarwhalsError) as error:
        raise EvidenceError(
            f"a mapping was expected, not {type(mapping).__qualname__} ({error}). Give the path of "
            "a TOML file, a frame or a list of dictionaries."
        ) from None


def _from_file(path: Path) -> Sequence[Any]:
    try:
        said = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise EvidenceError(f"There is no file {path}. Make one: coterie map FILE.") from None
    except OSError as error:
        raise EvidenceError(f"The mapping {str(path)!r} cannot be opened: {error}.") from None
    except ValueError as error:
        raise EvidenceError(f"{path} is not TOML: {error}.") from None
    odd = sorted({*said} - {"row"})
    if odd or not isinstance(said.get("row"), list):
        wrong = f"it says {odd[0]!r}" if odd else "it has none"
        raise EvidenceError(f"A mapping holds [[row]] tables and nothing else; {wrong}: {path}.")
    rows: list[Any] = said["row"]
    return rows


def _missing(value: Any) -> bool:
    return value is None or bool(pd.isna(value))


def _blank(value: Any) -> bool:
    return isinstance(value, str) and not value.strip()


def template(exports: Iterable[Export]) -> str:
    """Write a mapping to fill in: one row for whatever the exports name.

    Parameters
    ----------
    exports
        From :func:`~coterie.read_export`.

    Returns
    -------
    str
        TOML. Above each row stands what the exports count there.
    """
    lines = [
        '# Which cluster did each of these reach? Fill cluster in; what stays "" is left out.',
        '# Name a release in all rows or in none: release = "..." beside cluster = "...".',
        "# Any further line becomes a column: release = ..., context = ..., geo = ...",
    ]
    exports = list(exports)
    # Where one export tells a release, the others have to: the rows join one table.
    facts = ["artist", "start", "end"]
    facts += ["release"] if any("release" in export.frame for export in exports) else []
    for export in exports:
        names = [name for name in export.named if name in export.frame]
        if not names:
            lines += [
                "",
                f"# {_text(export.name)}: {export.kind} of {export.vendor} tell no clusters apart.",
            ]
            continue
        for key, rows in export.frame.groupby(names, dropna=False, sort=False):
            told = dict(zip(names, key if isinstance(key, tuple) else (key,), strict=True))
            lines += ["", f"# {_tally(export, rows)}", "[[row]]", f"{FILE} = {_text(export.name)}"]
            lines += [f"{k} = {_text('' if _missing(v) else v)}" for k, v in told.items()]
            lines += [f"{k} = {_text('')}" for k in facts if _lacks(export, k)]
            lines += ['cluster = ""']
    return "\n".join(lines) + "\n"


def _lacks(export: Export, column: str) -> bool:
    if column in PERIOD:
        return export.period is None
    return column not in export.frame


def _tally(export: Export, rows: pd.DataFrame) -> str:
    words = [
        f"{counted(float(total))} {column if column != 'spend' else _currency(export)}"
        for column, field in export.counts.items()
        if field in rows and not pd.isna(total := rows[field].sum(min_count=1))
    ]
    holds = export.parents
    if holds is not None and {str(label).casefold() for label in rows[holds[0]]} <= holds[1]:
        words.append("the sum of its other rows: map these or those")
    return ", ".join(words) or "nothing that is counted by cluster"


def _currency(export: Export) -> str:
    return _text(export.currency).strip('"') if export.currency else "of spend"


def _text(value: Any) -> str:
    """Spell a value as TOML; what JSON escapes, TOML does too."""
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")


def shown(told: Mapping[str, Any]) -> str:
    """Show what a row of a mapping speaks of, in a sentence."""
    return ", ".join(f"{name} {quoted(value)}" for name, value in told.items())
