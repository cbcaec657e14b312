"""Crossing: labels that stand for a combination of other labels.

Makes the cluster that is an intersection of columns, and factors that are crossed of others.
Callers may trust that what is derived follows from its members alone, so that it is never
written out, and that a label can be split into those it was made of. Knows nothing of counts.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from coterie import names
from coterie.errors import Problem
from coterie.evidence.labels import Labels
from coterie.evidence.wording import of_rows, of_table, quoted

SEPARATOR: Final = " x "
EACH_RELEASE: Final = "each release"
"""Main effect of releases, where a crossing names them."""
_FEWEST: Final = 2


def name_of(members: Iterable[str]) -> str:
    """Name a crossing by its members: ``"context x geo"``."""
    return SEPARATOR.join(members)


def derived(
    parts: tuple[str, ...], crossed: tuple[tuple[str, ...], ...]
) -> dict[str, tuple[str, ...]]:
    """Return the factors that follow from others, each with its members.

    Parameters
    ----------
    parts
        Columns that a cluster is the intersection of, or none.
    crossed
        Crossings that were asked for: factors, ``cluster`` and ``release``.

    Returns
    -------
    dict
        Pairs of the parts where a cluster has three or more, releases where they are crossed,
        and the crossings.
    """
    pairs = itertools.combinations(parts, 2) if len(parts) > _FEWEST else ()
    found: dict[str, tuple[str, ...]] = {name_of(pair): pair for pair in pairs}
    if any(names.RELEASE in members for members in crossed):
        found[EACH_RELEASE] = (names.RELEASE,)
    return found | {name_of(members): members for members in crossed}


def crossed_labels(members: Sequence[Labels]) -> Labels:
    """Join the labels of several columns, row by row; no label where one has none."""
    code, first = _numbered([labels.codes for labels in members])
    values = np.array(
        [name_of(str(labels.at(int(row))) for labels in members) for row in first], dtype=object
    )
    whole = np.logical_and.reduce([labels.codes >= 0 for labels in members])
    distinct, place = np.unique(values[np.unique(code[whole])], return_inverse=True)
    at = np.full(values.size, -1, dtype=np.int64)
    at[np.unique(code[whole])] = place
    return Labels(at[code], distinct)


def with_crossed(counts: xr.Dataset, crossings: Mapping[str, tuple[str, ...]]) -> xr.Dataset:
    """Add the labels of crossings whose members are there and that are not there themselves.

    Parameters
    ----------
    counts
        Labels on row.
    crossings
        Members of each, as from :func:`derived`.
    """
    for name, members in crossings.items():
        if name not in counts.coords and all(member in counts.coords for member in members):
            columns = [pd.factorize(counts[member].to_numpy()) for member in members]
            code, first = _numbered([codes.astype(np.int64) for codes, _ in columns])
            values = np.empty(first.size, dtype=object)
            values[:] = [
                name_of(str(known[codes[row]]) for codes, known in columns) for row in first
            ]
            spread = values[code]
            spread.setflags(write=False)
            counts = counts.assign_coords({name: (names.ROW, spread)})
    return counts


def _numbered(codes: Sequence[NDArray[np.int64]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Give combinations of codes numbers: of each row, and the first row of each."""
    whole = np.zeros(codes[0].size, dtype=np.int64)
    for part in codes:
        wide = whole * (int(part.max(initial=-1)) + 2) + (part + 1)
        whole = pd.factorize(wide)[0].astype(np.int64)
    first = np.unique(whole, return_index=True)[1]
    return whole, first


def split(labels: NDArray[Any], members: Sequence[str]) -> tuple[NDArray[Any], list[str]]:
    """Split labels of a crossing into those of its members.

    Returns
    -------
    numpy.ndarray
        Text: (label, member); empty where a label does not have as many parts.
    list of str
        Labels that do not.
    """
    cut = [str(label).split(SEPARATOR) for label in labels.tolist()]
    odd = [str(v) for v, p in zip(labels.tolist(), cut, strict=True) if len(p) != len(members)]
    parts = np.full((len(cut), len(members)), "", dtype=object)
    for row, found in enumerate(cut):
        if len(found) == len(members):
            parts[row] = found
    return parts, odd


def separator_problems(labels: Mapping[str, Labels], columns: Mapping[str, str]) -> list[Problem]:
    """Refuse labels that hold what stands between the labels of a crossing.

    Parameters
    ----------
    labels
        By canonical name.
    columns
        The user's column of each name that is crossed.
    """
    told: list[Problem] = []
    for name, column in columns.items():
        own = labels[name]
        # Split from the left, a label that ends in half a separator would lose its end.
        odd = np.array(
            [(str(v) + SEPARATOR).index(SEPARATOR) < len(str(v)) for v in own.values.tolist()],
            dtype=bool,
        )
        told += of_rows(
            "separator-in-label", "error", column, own.among(odd),
            what=f"column {column!r} is crossed and has a label that {SEPARATOR!r} would cut",
            shows=partial(_shown, own),
            fix="That stands between the labels of a crossing; write these labels without it.",
        )  # fmt: skip
    return told


def _shown(labels: Labels, row: int) -> str:
    return quoted(labels.at(row))


def crossing_problems(
    parts: tuple[str, ...],
    crossed: Sequence[Sequence[str]],
    taken: Sequence[str],
    *,
    released: bool,
    reserved: frozenset[str],
) -> list[Problem]:
    """Say which crossings cannot be.

    Parameters
    ----------
    parts, crossed
        As in :func:`derived`.
    taken
        Names of columns that are read.
    released
        Whether the table has releases.
    reserved
        Names that are no column of labels.
    """
    told = []
    if parts and (len(parts) < _FEWEST or len(set(parts)) < len(parts)):
        told.append(_problem(f"cluster is {list(parts)!r}", "Name two or more different columns."))
    known = {frozenset(parts), *map(frozenset, itertools.combinations(parts, 2))} - {frozenset()}
    for members in crossed:
        what = f"crossed holds {tuple(members)!r}"
        own = frozenset(members)
        if len(members) < _FEWEST or len(own) < len(members):
            told.append(_problem(what, "Name two or more different columns in each."))
        elif own in known:
            told.append(_problem(f"{what}, which is in the model already", "Leave it out."))
        elif names.CLUSTER in own and own & set(parts):
            told.append(_problem(f"{what}, and a cluster has its parts", "Cross it with others."))
        elif names.RELEASE in own and not released:
            told.append(_problem(f"{what}, and no column holds releases", "Name it: release=."))
        elif own & (reserved - {names.CLUSTER, names.RELEASE}):
            told.append(_problem(what, "Cross factors, the cluster and the release."))
        known.add(own)
    every = [*derived(parts, tuple(map(tuple, crossed))), *([name_of(parts)] if parts else [])]
    told += [
        _problem(f"column {name!r} has the name of a crossing", "Rename the column.")
        for name in every
        if name in taken
    ]
    return told


def _problem(says: str, fix: str) -> Problem:
    return of_table("argument", "error", None, message=f"{says}.", fix=fix)
