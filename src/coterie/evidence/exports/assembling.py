"""Assembling: exports and a mapping into one table of evidence.

Makes a frame that ``Evidence.from_frame`` reads. Callers may trust that every row of every export
is in it once, or was left out by a row of the mapping that says so; that nobody was counted by
two exports; and that no number was made up.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from coterie.errors import EvidenceError
from coterie.evidence.exports.export import Export
from coterie.evidence.exports.mapping import FILE, PERIOD, Entry, read_mapping, shown
from coterie.evidence.wording import did_you_mean, listed, quoted

SOURCE: Final = "source"

_BY_DEFINITION: Final = "new_active"
"""Of people chosen for how active they were before, all or none are newly active."""


def assemble(exports: Iterable[Export], mapping: Any) -> pd.DataFrame:
    """Join exports into one table of evidence.

    Parameters
    ----------
    exports
        From :func:`read_export`.
    mapping
        Which cluster each campaign, ad set, playlist or song reached: path of a TOML file of
        ``[[row]]`` tables (``coterie map`` writes one to fill in), a frame, or dictionaries.
        A row speaks of all it names: ``campaign`` alone means all its ad sets. What else it
        says becomes a column, such as ``release``, ``context`` or ``geo``; ``artist``,
        ``start`` and ``end`` where the export lacks them. ``cluster = ""`` leaves out.

    Returns
    -------
    pandas.DataFrame
        One row per row of an export that has a cluster: ``artist``, ``cluster``, what the
        mapping says, ``start``, ``end``, ``source`` and counts, missing where the export
        does not count them; ``spend`` and ``currency`` where money is.

    Raises
    ------
    EvidenceError
        If a row of an export is mapped by none or by two, a row of the mapping speaks of
        nothing that is there, an artist or a period is said by nobody, or two exports count
        the same people.

    Examples
    --------
    >>> rows = {"song": ["Night Window"], "listeners": [900], "streams": [2100], "saves": [80]}
    >>> pd.DataFrame(rows).to_csv(folder / "songs.csv", index=False)
    >>> september = ("2026-09-01", "2026-09-28")
    >>> export = co.read_export(folder / "songs.csv", artist="Ana", period=september)
    >>> mapping = pd.DataFrame({"song": ["Night Window"], "cluster": ["gym"]})
    >>> co.assemble([export], mapping)["saves"].tolist()
    [80]
    """
    exports = _checked(exports)
    entries = read_mapping(mapping)
    used: set[int] = set()
    kept = [_kept(export, entries, used) for export in exports]
    idle = [i for i in range(len(entries)) if i not in used]
    if idle:
        raise EvidenceError(_idle(entries, idle, exports))
    kept = [(rows, said, export) for rows, said, export in kept if len(rows)]
    if not kept:
        raise EvidenceError("The mapping leaves everything out. Fill in the clusters of some rows.")
    _refuse_counted_twice(kept)
    tables = [_table(*one) for one in kept]
    _refuse_half_said(tables, [export for _, _, export in kept])
    return _ordered(pd.concat(tables, ignore_index=True))


def _checked(exports: Any) -> list[Export]:
    made = [exports] if isinstance(exports, Export) else list(exports or ())
    odd = [one for one in made if not isinstance(one, Export)]
    if odd or not made:
        said = f"{type(odd[0]).__qualname__} is none" if odd else "there are none"
        raise EvidenceError(f"assemble takes exports, and {said}. Read some: co.read_export(path).")
    names = [export.name for export in made]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise EvidenceError(
            f"Two exports are called {twice[0]!r}, so that a mapping cannot tell them apart. "
            "Rename one of the files."
        )
    return made


type _Kept = tuple[pd.DataFrame, list[Mapping[str, Any]], Export]


def _kept(export: Export, entries: Sequence[Entry], used: set[int]) -> _Kept:
    """Return the rows of an export that have a cluster, and what the mapping says of each."""
    if not export.named:
        raise EvidenceError(
            f"{export.name} ({export.vendor} {export.kind}) does not tell clusters apart, so that "
            "it is no evidence of one. Leave it out."
        )
    of = _entry_of_each(export, entries)
    used |= {*of.tolist()}
    inside = np.array([entry.said["cluster"] != "" for entry in entries], dtype=bool)
    kept = inside[of]
    _refuse_both(export, kept)
    return export.frame[kept].reset_index(drop=True), [entries[i].said for i in of[kept]], export


def _table(rows: pd.DataFrame, said: list[Mapping[str, Any]], export: Export) -> pd.DataFrame:
    made = {column: rows[field] for column, field in export.counts.items() if field in rows}
    if export.parents is not None and _BY_DEFINITION in made:
        column, whole = export.parents
        told = rows[column].map(lambda label: str(label).casefold() in whole)
        made[_BY_DEFINITION] = made[_BY_DEFINITION].where(told.astype(bool))
    table = pd.DataFrame(made, index=rows.index)
    for column in dict.fromkeys(k for row in said for k in row):
        table[column] = [row.get(column) for row in said]
    return _with_context(table, rows, export)


def _entry_of_each(export: Export, entries: Sequence[Entry]) -> np.ndarray[Any, Any]:
    """Return the entry that speaks of each row of an export: one and no more."""
    names = [name for name in export.named if name in export.frame]
    labels = export.frame[names].astype(object)
    labels = labels.where(labels.notna(), "")
    group = labels.groupby(names, sort=False).ngroup().to_numpy()
    distinct = labels.drop_duplicates().to_dict(orient="records")
    speaks = _speaking(export, entries, names)
    found = [
        [i for keys, by in speaks.items() for i in by.get(tuple(one[k] for k in keys), ())]
        for one in distinct
    ]
    times = np.array([len(one) for one in found])[group]
    for wrong, what, fix in (
        (times == 0, "is in no row of the mapping", 'Map it, or leave it out with cluster = "".'),
        (times > 1, "is in more than one row of the mapping", "Leave one of these rows out."),
    ):
        if wrong.any():
            at = int(group[np.flatnonzero(wrong)[0]])
            told = {str(name): value for name, value in distinct[at].items()}
            where = [entries[i].place for i in found[at]]
            raise EvidenceError(
                f"{export.name}: {shown(told)} {what}{f' ({listed(where)})' if where else ''}; "
                f"{int(wrong.sum()):,} of {len(labels):,} rows are like this. {fix}"
            )
    return np.array([one[0] for one in found])[group]


def _speaking(
    export: Export, entries: Sequence[Entry], names: Sequence[str]
) -> dict[tuple[str, ...], dict[tuple[str, ...], list[int]]]:
    """Sort the entries that may speak of an export by what they name, and by its value."""
    found: dict[tuple[str, ...], dict[tuple[str, ...], list[int]]] = {}
    for i, entry in enumerate(entries):
        keys = tuple(name for name in names if name in entry.told)
        mine = entry.told.get(FILE, export.name) == export.name
        if mine and {*entry.told} <= {FILE, *names}:
            values = tuple(entry.told[key] for key in keys)
            found.setdefault(keys, {}).setdefault(values, []).append(i)
    return found


def _refuse_both(export: Export, kept: np.ndarray[Any, Any]) -> None:
    """Refuse a row that sums up others beside those others."""
    if export.parents is None or export.parents[0] not in export.frame:
        return
    column, values = export.parents
    plain = export.frame[column].astype(str).str.casefold()
    sums = plain.isin(values).to_numpy(dtype=bool)
    rest = [name for name in export.named if name != column and name in export.frame]
    group = export.frame.groupby(rest, dropna=False).ngroup().to_numpy()
    both = sorted({*group[kept & sums]} & {*group[kept & ~sums]})
    if both:
        row = export.frame[group == both[0]].iloc[0]
        told = {name: row[name] for name in rest}
        raise EvidenceError(
            f"{export.name}: {shown(told)} is mapped whole ({listed(sorted(map(repr, values)))}) "
            f"and in parts, which counts everybody twice; {len(both)} are like this. Give the "
            'whole, or the parts, cluster = "".'
        )


def _with_context(table: pd.DataFrame, rows: pd.DataFrame, export: Export) -> pd.DataFrame:
    """Add who, when and from where; refuse what nobody says, or two say differently."""
    for column in ("artist", "release"):
        if column in rows:
            table[column] = _agreed(rows[column], table.get(column), column, export)
    if "currency" in rows:
        table["currency"] = rows["currency"]
    for which in PERIOD:
        own = [rows[c] for c in ("day", which) if c in rows]
        first = own[0] if own else pd.Series(pd.NaT, index=rows.index, dtype="datetime64[ns]")
        for more in own[1:]:
            first = first.fillna(more)
        said = table.get(which)
        said = None if said is None else pd.to_datetime(said).astype("datetime64[ns]")
        table[which] = _agreed(first, said, which, export)
    for column in ("artist", *PERIOD):
        missing = table[column].isna() if column in table else table["cluster"].notna()
        if missing.any():
            raise EvidenceError(
                f"{export.name} does not say its {column}, and nor does the mapping, in "
                f"{int(missing.sum()):,} of {len(table):,} rows. Write {column} = ... in the row "
                "of the mapping, or state it when the file is read."
            )
    table[SOURCE] = export.vendor
    return table


def _agreed(
    own: pd.Series[Any], said: pd.Series[Any] | None, column: str, export: Export
) -> pd.Series[Any]:
    """Return what the export says, and what the mapping does where the export is silent."""
    if said is None:
        return own
    apart = own.notna() & said.notna() & (own != said)
    if apart.any():
        at = int(np.flatnonzero(apart)[0])
        raise EvidenceError(
            f"{export.name} says {column} is {quoted(own.iloc[at])}, and the mapping says "
            f"{quoted(said.iloc[at])}, in {int(apart.sum()):,} of {len(own):,} rows. Leave it out "
            "of the mapping, or correct it."
        )
    return own.where(own.notna(), said)


def _refuse_half_said(tables: Sequence[pd.DataFrame], exports: Sequence[Export]) -> None:
    """Refuse rows that belong to no release beside rows that do."""
    known = [t["release"].notna() if "release" in t else t["artist"].isna() for t in tables]
    if not any(each.any() for each in known):
        return
    for each, export in zip(known, exports, strict=True):
        if not each.all():
            raise EvidenceError(
                f"{export.name} does not say its release, and nor does the mapping, in "
                f"{int((~each).sum()):,} of {len(each):,} rows, while other rows do. Write "
                'release = "..." in the row of the mapping.'
            )


def _refuse_counted_twice(kept: Sequence[_Kept]) -> None:
    """Refuse rows and exports that count the same people."""
    for i, (rows, _, export) in enumerate(kept):
        _refuse_own_overlap(rows, export)
        for others, _, other in kept[:i]:
            if export.vendor != other.vendor or not _meet(export, other):
                continue
            names = [n for n in export.named if n in rows and n in others]
            both = rows[names].merge(others[names], on=names) if names else rows
            if len(both):
                told = shown({name: both[name].iloc[0] for name in names}) or "the same days"
                raise EvidenceError(
                    f"{other.name} and {export.name} both count {told} at the same time, so "
                    "that everybody would be counted twice. Leave one out."
                )


def _refuse_own_overlap(rows: pd.DataFrame, export: Export) -> None:
    """Refuse a row that stands twice, and a period that holds another of the same name."""
    names = [name for name in export.named if name in rows]
    counted = [field for field in export.counts.values() if field in rows]
    twice = rows.duplicated(keep=False) & (rows[counted].fillna(0) > 0).any(axis=1)
    if twice.any():
        told = shown({name: rows.loc[twice, name].iloc[0] for name in names})
        raise EvidenceError(
            f"{export.name}: {told} stands there more than once with the same counts; "
            f"{int(twice.sum())} of {len(rows)} rows are like this. Remove the copies."
        )
    if not set(PERIOD) <= {*rows} or "day" in rows:
        return
    spans = rows[[*names, *PERIOD]].drop_duplicates().sort_values([*names, "start"])
    last = spans.groupby(names, dropna=False)["end"].cummax().shift()
    same = (spans[names].shift().fillna("") == spans[names].fillna("")).all(axis=1)
    inside = same & (spans["start"] <= last)
    if inside.any():
        told = shown({name: spans.loc[inside, name].iloc[0] for name in names})
        raise EvidenceError(
            f"{export.name}: {told} has periods that share days ({int(inside.sum())} are like "
            "this), so that people would be counted twice. Export by day, or one period."
        )


def _meet(one: Export, other: Export) -> bool:
    """Whether two exports share a day, as far as is known."""
    if one.period is None or other.period is None:
        return True
    return one.period[0] <= other.period[1] and other.period[0] <= one.period[1]


def _idle(entries: Sequence[Entry], idle: Sequence[int], exports: Sequence[Export]) -> str:
    entry = entries[idle[0]]
    known: set[str] = set()
    for export in exports:
        for name in entry.told:
            if name == FILE:
                known.add(export.name)
            elif name in export.frame:
                known |= {*export.frame[name].dropna()}
    near = "".join(
        did_you_mean(value, known) for value in entry.told.values() if value not in known
    )
    return (
        f"{entry.place} speaks of {shown(entry.told)}, which no export has; {len(idle)} of "
        f"{len(entries)} rows are like this. Correct or remove it.{near}"
    )


def _ordered(table: pd.DataFrame) -> pd.DataFrame:
    first = [c for c in ("artist", "cluster", "release", *PERIOD, SOURCE) if c in table]
    numbers = [c for c in table if pd.api.types.is_numeric_dtype(table[c])]
    counts = [c for c in numbers if c not in first]
    rest = [c for c in table if c not in {*first, *counts, "currency"}]
    money = ["currency"] if "currency" in table else []
    return table[[*first, *rest, *counts, *money]]
