"""Crossed: levels that follow from other labels, in labels and in codes.

A level of ``context x geo`` is known once the context and the geo are, and the parts of a
cluster that is an intersection stand in its name. Callers may trust that a combination never
seen is given a code of its own, after those that are known.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

from coterie import names
from coterie.beliefs.checked import BY_HAND, check_clusters, numbers
from coterie.errors import BeliefError
from coterie.evidence import EACH_RELEASE, SEPARATOR, Evidence, split, with_crossed
from coterie.typing import Integers

if TYPE_CHECKING:
    from coterie.beliefs.design import Labels, Levels


def part_labels(
    clusters: Labels, parts: tuple[str, ...], known: Mapping[str, Labels]
) -> dict[str, Labels]:
    """Split names of intersections into their parts, in the type of the levels that are known.

    Raises
    ------
    BeliefError
        If a name is not that of an intersection.
    """
    found, odd = split(clusters, parts)
    if odd:
        raise BeliefError(_no_intersection(odd, len(clusters), parts))
    return {
        part: _typed(found[:, i], known[part].dtype) if part in known else found[:, i]
        for i, part in enumerate(parts)
    }


def _typed(labels: Labels, dtype: Any) -> Labels:
    try:
        return labels.astype(np.int64) if dtype.kind in "iu" else labels
    except ValueError:
        return labels


def with_parts(
    factors: dict[str, Labels],
    clusters: Labels,
    parts: tuple[str, ...],
    crossings: Mapping[str, tuple[str, ...]],
) -> dict[str, Labels]:
    """Add to the levels of factors the parts, and pairs of parts, that clusters are made of.

    A cluster without rows has parents that may have some.
    """
    if not parts:
        return factors
    own = part_labels(clusters, parts, factors)
    made = xr.Dataset(coords={part: (names.ROW, labels) for part, labels in own.items()})
    among = {f: members for f, members in crossings.items() if set(members) <= set(parts)}
    whole = with_crossed(made, among)
    return factors | {
        f: np.sort(pd.unique(np.concatenate([factors[f], whole[f].to_numpy()])))
        for f in (*parts, *among)
    }


def completed(rows: Evidence, levels: Levels) -> Evidence:
    """Add to rows the labels that follow from their own: parts of clusters, and crossings.

    Raises
    ------
    BeliefError
        If clusters are intersections and a row's is not.
    """
    counts = rows.counts
    if any(part not in counts.coords for part in levels.parts):
        clusters, row = np.unique(counts[names.CLUSTER].to_numpy(), return_inverse=True)
        own = part_labels(clusters, levels.parts, levels.factors)
        counts = counts.assign_coords({p: (names.ROW, v[row]) for p, v in own.items()})
    counts = with_crossed(counts, levels.crossed)
    return rows if counts is rows.counts else replace(rows, counts=counts)


def inventory(levels: Levels, column: str) -> Labels:
    """Return what is known of a column that crossings are made of."""
    return inventory_of(levels.factors, levels.clusters, column)


def inventory_of(factors: Mapping[str, Labels], clusters: Labels, column: str) -> Labels:
    """Return the levels of a column that crossings are made of."""
    if column == names.CLUSTER:
        return clusters
    return factors[EACH_RELEASE if column == names.RELEASE else column]


def codes_of(levels: Levels, factor: str, columns: Mapping[str, Integers]) -> tuple[Integers, int]:
    """Return the codes of a crossed factor, and how many of its combinations were never seen.

    Parameters
    ----------
    levels
        Names that are known.
    factor
        A factor that follows from others.
    columns
        Codes of its members, which broadcast; numbers past an inventory are new labels.
    """
    members = levels.crossed[factor]
    known = _member_codes(levels, factor)
    wanted = np.broadcast_arrays(*[columns[member] for member in members])
    sizes = [
        int(max(known[:, i].max(initial=0), codes.max(initial=0))) + 1
        for i, codes in enumerate(wanted)
    ]
    keys = np.ravel_multi_index(tuple(known.T), sizes)
    asked = np.ravel_multi_index(tuple(codes.ravel() for codes in wanted), sizes)
    codes = pd.Index(keys).get_indexer(pd.Index(asked)).astype(np.int64)
    new = codes < 0
    found, place = np.unique(asked[new], return_inverse=True)
    codes[new] = len(keys) + place
    return codes.reshape(wanted[0].shape), found.size


def _member_codes(levels: Levels, factor: str) -> Integers:
    """Return the members of every known level of a crossed factor: (level, member)."""
    members = levels.crossed[factor]
    wide = [m for member in members for m in pieces_of(levels, member)]
    found, _ = split(levels.factors[factor], wide)
    columns, at = [], 0
    for member in members:
        size = len(pieces_of(levels, member))
        labels = [SEPARATOR.join(row) for row in found[:, at : at + size]]
        known = pd.Index([str(v) for v in inventory(levels, member).tolist()])
        columns.append(known.get_indexer(pd.Index(labels)).astype(np.int64))
        at += size
    return np.stack(columns, axis=1)


def pieces_of(levels: Levels, member: str) -> tuple[str, ...]:
    """Return the columns that the label of a member is made of."""
    return levels.parts if member == names.CLUSTER and levels.parts else (member,)


def splitting(levels: Levels) -> dict[str, dict[str, float]]:
    """Return what splits each factor's levels further, and its levels' share: 1 over how often.

    ``neighbourhood x listener`` splits neighbourhoods, and so do clusters they are part of.
    """
    whole = {names.CLUSTER, *levels.parts}

    def columns(factor: str) -> set[str]:
        members = levels.crossed.get(factor, (factor,))
        return {m for each in members for m in (whole if each == names.CLUSTER else {each})}

    of = {factor: columns(factor) for factor in levels.factors} | {names.CLUSTER: whole}
    sizes = {f: len(own) for f, own in levels.factors.items()} | {
        names.CLUSTER: len(levels.clusters)
    }
    return {f: {g: sizes[f] / sizes[g] for g in of if of[f] < of[g]} for f in levels.factors}


def product_of(
    parts: Mapping[str, Mapping[Any, float]], clusters: Iterable[str] | None
) -> dict[str, float]:
    """Return the share of each intersection: the product of its parts' shares, summing to 1.

    Parameters
    ----------
    parts
        Shares by label, of each part.
    clusters
        Names of intersections; None for all combinations.

    Raises
    ------
    BeliefError
        If a part's shares do not sum to 1, or a name holds a label that has none.
    """
    if not isinstance(parts, Mapping) or not parts:
        raise BeliefError(
            f"parts is {parts!r}. Give shares by label for each part: "
            "{'place': {'north': 0.6, 'south': 0.4}, ...}."
        )
    _check_shares(parts)
    known = [{str(label): float(share) for label, share in own.items()} for own in parts.values()]
    every = (SEPARATOR.join(labels) for labels in itertools.product(*known))
    named = list(every if clusters is None else clusters)
    check_clusters(tuple(named))
    found, odd = split(as_text(named), tuple(parts))
    if odd:
        raise BeliefError(_no_intersection(odd, len(named), tuple(parts)))
    strange = [
        (name, part)
        for name, labels in zip(named, found, strict=True)
        for part, label, own in zip(parts, labels, known, strict=True)
        if label not in own
    ]
    if strange:
        name, part = strange[0]
        raise BeliefError(
            f"Cluster {name!r} has a label of {part!r} without a share; {len(strange)} labels in "
            f"{len(named)} clusters are like this. Give it a share, or leave the cluster out."
        )
    product = [
        float(np.prod([own[label] for label, own in zip(labels, known, strict=True)]))
        for labels in found
    ]
    total = sum(product)
    return {name: value / total for name, value in zip(named, product, strict=True)}


def _check_shares(parts: Mapping[str, Mapping[Any, float]]) -> None:
    odd = [part for part, shares in parts.items() if not isinstance(shares, Mapping)]
    if odd:
        raise BeliefError(
            f"The shares of {odd[0]!r} are {parts[odd[0]]!r}; {len(odd)} of {len(parts)} parts are "
            "like this. Give a share for each label: {'north': 0.6, 'south': 0.4}."
        )
    for part, shares in parts.items():
        as_written = list(map(str, shares))
        twice = [label for label in as_written if as_written.count(label) > 1]
        if twice:
            raise BeliefError(
                f"Label {twice[0]!r} of {part!r} has a share twice, as a number and as text; "
                f"{len(twice)} of {len(shares)} shares are like this. Write each label once."
            )
        total = float(numbers(shares, f"share of {part!r}").sum())
        if abs(total - 1) > BY_HAND:
            raise BeliefError(
                f"The shares of {part!r} sum to {total:.6g} over {len(shares)} labels, not to 1. "
                "Divide by their total."
            )


def as_text(labels: list[Any]) -> Labels:
    """Return names as an array that keeps them whole."""
    out = np.empty(len(labels), dtype=object)
    out[:] = [str(label) for label in labels]
    return out


def _no_intersection(odd: list[str], size: int, parts: tuple[str, ...]) -> str:
    shape = SEPARATOR.join(f"<{part}>" for part in parts)
    return (
        f"Cluster {odd[0]!r} is not an intersection of {', '.join(parts)}; {len(odd)} of {size} "
        f"are like this. Write each as {shape!r}."
    )
