"""Checked: what a user states of a prior, refused in words where it cannot stand.

Callers may trust that every function either returns numbers that can be used or
raises a BeliefError that names the value, how many are like it, and the way out.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any, Final

import numpy as np
import pandas as pd

from coterie.errors import BeliefError
from coterie.typing import Floats

BY_HAND: Final = 1e-6
"""How far shares may sum from 1: they are typed by hand, to six figures."""


def is_number(value: Any) -> bool:
    """Return whether a value is a number, truth values left out."""
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


def numbers(given: Mapping[Any, float], what: str) -> Floats:
    """Return positive numbers by cluster as an array."""
    if not given:
        raise BeliefError(f"A prior needs at least one cluster; no {what} was given.")
    bad = [
        name
        for name, value in given.items()
        if not is_number(value) or not np.isfinite(value) or value <= 0
    ]
    if bad:
        raise BeliefError(
            f"The {what} of cluster {bad[0]!r} is {given[bad[0]]!r}; {len(bad)} of {len(given)} "
            "are like this. Each must be a number above 0: leave a cluster out to rule it out."
        )
    return np.array([float(value) for value in given.values()])


def aligned(prob: Mapping[Any, float], clusters: tuple[Hashable, ...]) -> Floats:
    """Return probabilities in the order of the clusters."""
    odd = set(prob) ^ set(clusters)
    if odd:
        raise BeliefError(
            f"prob and shares name different clusters: {sorted(map(str, odd))[:3]} stand in one "
            "only."
        )
    bad = [cluster for cluster in clusters if not is_number(prob[cluster])]
    if bad:
        raise BeliefError(
            f"The membership probability of cluster {bad[0]!r} is {prob[bad[0]]!r}; {len(bad)} of "
            f"{len(clusters)} are like this. Each must be a number between 0 and 1."
        )
    return np.array([float(prob[cluster]) for cluster in clusters])


def check_clusters(clusters: tuple[Hashable, ...]) -> None:
    """Refuse no cluster, and one named twice."""
    if not clusters:
        raise BeliefError("A prior needs at least one cluster; none was named.")
    twice = sorted({str(c) for c in clusters if clusters.count(c) > 1})
    if twice:
        raise BeliefError(f"Cluster {twice[0]!r} is named twice in the prior. Name each once.")


def check_shares(
    shares: Floats, clusters: tuple[Hashable, ...], artists: tuple[Hashable, ...] | None
) -> None:
    """Refuse shares of another shape, not positive, or not summing to 1."""
    want = (len(clusters),) if artists is None else (len(artists), len(clusters))
    if np.shape(shares) != want:
        raise BeliefError(f"The prior's shares have shape {np.shape(shares)}; expected {want}.")
    parts = np.asarray(shares, dtype=float)
    if not np.all(parts > 0):
        worst = parts.ravel()[np.argmax(~(parts > 0).ravel())]
        raise BeliefError(
            f"A share in the prior is {worst}; each must be above 0. Leave a cluster out to rule "
            "it out, or give it a share as small as you mean."
        )
    off = np.abs(parts.sum(axis=-1) - 1)
    if np.any(off > BY_HAND):
        raise BeliefError(
            f"The prior's shares sum to {1 + off.max():.6g} or as far below 1; they must sum to 1. "
            "Divide by their total."
        )


def check_prob(prob: Floats, shape: tuple[int, ...]) -> None:
    """Refuse membership probabilities of another shape or outside (0, 1)."""
    if np.shape(prob) != shape:
        raise BeliefError(f"prob has shape {np.shape(prob)} where shares have {shape}.")
    if not np.all((prob > 0) & (prob < 1)):
        worst = np.asarray(prob).ravel()[np.argmax(~((prob > 0) & (prob < 1)).ravel())]
        raise BeliefError(
            f"A membership probability in the prior is {worst}; each must lie strictly between "
            "0 and 1. Leave a cluster out to rule it out."
        )


def check_rows_sum(parts: Floats, artists: pd.Index) -> None:
    """Refuse an artist's shares that do not sum to 1."""
    off = np.abs(parts.sum(axis=1) - 1) > BY_HAND
    if np.any(off):
        first = int(np.argmax(off))
        raise BeliefError(
            f"The shares of artist {artists[first]!r} sum to {parts[first].sum():.6g}, not to 1; "
            f"{int(off.sum())} of {len(artists)} artists are like this. Divide by their total."
        )


def pivot(table: pd.DataFrame, artist: str, cluster: str, values: str) -> pd.DataFrame:
    """Return one column of a long table over (artist, cluster), in order of appearance."""
    for column in (artist, cluster):
        unnamed = table[column].isna().to_numpy()
        if unnamed.any():
            raise BeliefError(
                f"Row {int(np.argmax(unnamed))} of the prior has no {column}; {int(unnamed.sum())} "
                f"of {len(table)} rows are like this. Name each, or take the rows out."
            )
    if table[values].dtype.kind not in "iuf":
        raise BeliefError(
            f"The column {values!r} of the prior is not numbers (the first is "
            f"{table[values].tolist()[0]!r}). Turn it into numbers between 0 and 1."
        )
    twice = table.duplicated([artist, cluster]).to_numpy()
    if twice.any():
        first = int(np.argmax(twice))
        raise BeliefError(
            f"The prior has two rows for artist {table[artist].tolist()[first]!r} in cluster "
            f"{table[cluster].tolist()[first]!r}; {int(twice.sum())} rows are like this. Keep one."
        )
    wide = table.pivot(index=artist, columns=cluster, values=values)
    wide = wide.loc[table[artist].unique(), table[cluster].unique()]
    missing = wide.isna().to_numpy()
    if missing.any():
        row, column = np.argwhere(missing)[0]
        raise BeliefError(
            f"Artist {wide.index.tolist()[row]!r} has no {values} for cluster "
            f"{wide.columns.tolist()[column]!r}; {int(missing.sum())} pairs are like this. Every "
            "artist needs every cluster."
        )
    return wide


def mass_of(prob: float | None) -> float:
    """Return the credible mass stated, or ArviZ's ``stats.ci_prob``."""
    from arviz_base import rcParams

    mass = rcParams["stats.ci_prob"] if prob is None else prob
    if isinstance(mass, bool | str) or not 0 < mass < 1:
        raise BeliefError(
            f"prob is {prob!r}; it must lie strictly between 0 and 1. Write 0.9 for 90 %."
        )
    return float(mass)


def whole_number(name: str, value: Any) -> int:
    """Return a number of things, at least 1."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise BeliefError(f"{name} is {value!r}; it must be a whole number of at least 1.")
    return int(value)
