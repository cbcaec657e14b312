"""The complete grid: pairs of artist and cluster that are absent, read as zeros.

Only where the user states it. A denominator is borrowed from the cluster's own
rows of the same period, and only where they all state one value. Guesses none.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pandas as pd

from coterie.errors import Problem
from coterie.evidence.labels import Labels
from coterie.evidence.parts import Parts, combined
from coterie.evidence.wording import counted, listed, of_table
from coterie.names import ARTIST, CLUSTER
from coterie.typing import Flags, Floats, Integers

LARGEST: Final = 20_000_000
"""Rows of a grid; beyond it the grid does not fit in memory beside a model."""


@dataclass(frozen=True, slots=True)
class _Absent:
    """Pairs without a row in a period: codes of the three."""

    artist: Integers
    cluster: Integers
    period: Integers


def refuse_grid(parts: Parts) -> list[Problem]:
    """Say why a grid cannot be completed, if it cannot."""
    own = [covariate.name for covariate in parts.layout.covariates]
    named = [c for c in (parts.layout.release, *parts.layout.factors, *own) if c]
    named += [parts.layout.weight] if parts.layout.weight else []
    if named:
        return [
            of_table(
                "grid", "error", None,
                message=f"grid='complete' is over artist x cluster only, but this table also has "
                f"{listed([repr(c) for c in named])}.",
                fix="Leave the grid out, or read a table without them.",
            )
        ]  # fmt: skip
    sizes = (parts.labels[ARTIST].values.size, parts.labels[CLUSTER].values.size)
    rows = sizes[0] * sizes[1] * _periods(parts)[1].size
    if rows > LARGEST:
        return [
            of_table(
                "grid", "error", None,
                message=f"the complete grid of {sizes[0]:,} artists x {sizes[1]:,} clusters would "
                f"have {rows:,} rows.",
                fix=f"At most {LARGEST:,} are completed; read fewer artists or periods at a time.",
            )
        ]  # fmt: skip
    return []


def complete(parts: Parts) -> tuple[Parts, list[Problem]]:
    """Add a row of zeros for every artist and cluster without one in a period.

    Parameters
    ----------
    parts
        A table taken apart, without errors, releases or factors.

    Returns
    -------
    Parts
        With the rows added at the end, not bought.
    list of Problem
        An error if no outcome could be completed; otherwise one warning that counts.
    """
    code, firsts = _periods(parts)
    absent = _absent(parts, code, firsts.size)
    if absent.artist.size == 0:
        return parts, []
    group = parts.labels[CLUSTER].codes * firsts.size + code
    wanted = absent.cluster * firsts.size + absent.period
    borrowed: dict[str, Floats] = {}
    for column in dict.fromkeys(o.denominator for o in parts.outcomes):
        if column != parts.layout.spend:
            shared = _shared(group, parts.amounts[column], parts)
            if shared is not None:
                borrowed[column] = shared[wanted]
    done = [o for o in parts.outcomes if np.isfinite(borrowed.get(o.denominator, np.nan)).any()]
    if not done:
        return parts, [_nothing_shared(parts)]
    added = _columns(parts, borrowed, absent.artist.size)
    some = np.logical_or.reduce([np.isfinite(borrowed[o.denominator]) for o in done])
    whole = _append(parts, absent, firsts, added, some)
    return whole, [_completed(parts, whole, [o.name for o in done])]


def _periods(parts: Parts) -> tuple[Integers, Integers]:
    """Code of each row's period, and the first row of each distinct one."""
    if parts.start is None or parts.end is None:
        return np.zeros(parts.n_rows, dtype=np.int64), np.array([0])
    both = combined([pd.factorize(m)[0].astype(np.int64) for m in (parts.start, parts.end)])
    _, first, code = np.unique(both, return_index=True, return_inverse=True)
    return code.astype(np.int64), first


def _absent(parts: Parts, period: Integers, n_periods: int) -> _Absent:
    artist, cluster = parts.labels[ARTIST], parts.labels[CLUSTER]
    shape = (n_periods, artist.values.size, cluster.values.size)
    there = np.zeros(shape, dtype=bool)
    there[period, artist.codes, cluster.codes] = True
    which, who, where = np.nonzero(~there)
    return _Absent(who, where, which)


def _shared(group: Integers, values: Floats, parts: Parts) -> Floats | None:
    """One value for each cluster and period whose rows all state it, NaN elsewhere.

    None where the column is clearly each row's own: it differs within most of the
    clusters that have two rows or more.
    """
    size = parts.labels[CLUSTER].values.size * _periods(parts)[1].size
    low, high = np.full(size, np.inf), np.full(size, -np.inf)
    filled = np.isfinite(values)
    np.minimum.at(low, group[filled], values[filled])
    np.maximum.at(high, group[filled], values[filled])
    rows = np.bincount(group, minlength=size)
    stated = np.bincount(group[filled], minlength=size)
    agree = (low == high) & (stated == rows) & (rows > 0)
    several = rows > 1
    if several.any() and agree[several].mean() < 0.5:  # noqa: PLR2004 - most of them
        return None
    return np.where(agree, low, np.nan)


def _columns(parts: Parts, borrowed: dict[str, Floats], n_added: int) -> dict[str, Floats]:
    added = {c: np.full(n_added, np.nan) for c in parts.amounts}
    zero: dict[str, Flags] = {}
    # Nobody of an audience listened, so nobody of those listeners saved: zeros run on
    # from numerator to numerator for as long as one is another's denominator.
    for _ in parts.outcomes:
        for outcome in parts.outcomes:
            known = np.isfinite(borrowed.get(outcome.denominator, added[outcome.denominator]))
            reached = known | zero.get(outcome.denominator, np.zeros(n_added, dtype=bool))
            before = zero.get(outcome.numerator, np.zeros(n_added, dtype=bool))
            if outcome.denominator != parts.layout.spend:
                zero[outcome.numerator] = before | reached
    added |= borrowed
    for column, where in zero.items():
        added[column] = np.where(where, 0.0, added[column])
    return added


def _append(
    parts: Parts, absent: _Absent, firsts: Integers, added: dict[str, Floats], some: Flags
) -> Parts:
    kept = np.flatnonzero(some)
    codes = {ARTIST: absent.artist[kept], CLUSTER: absent.cluster[kept]}
    labels = {
        name: Labels(np.concatenate([own.codes, codes[name]]), own.values)
        for name, own in parts.labels.items()
    }
    rows = firsts[absent.period[kept]]
    never = np.full(kept.size, np.datetime64("NaT", "ns"))
    return replace(
        parts,
        labels=labels,
        amounts={c: np.concatenate([v, added[c][kept]]) for c, v in parts.amounts.items()},
        start=None if parts.start is None else np.concatenate([parts.start, parts.start[rows]]),
        end=None if parts.end is None else np.concatenate([parts.end, parts.end[rows]]),
        seen=None if parts.seen is None else np.concatenate([parts.seen, never]),
    )


def _nothing_shared(parts: Parts) -> Problem:
    columns = list(dict.fromkeys(o.denominator for o in parts.outcomes))
    column = columns[0]
    group = parts.labels[CLUSTER]
    values = [
        f"cluster {label!r} has {column!r} "
        f"{listed([counted(v) for v in np.unique(own[np.isfinite(own)])])}"
        for code, label in enumerate(group.values[:2])
        if (own := parts.amounts[column][group.codes == code]).size
    ]
    return of_table(
        "grid", "error", None,
        message="grid='complete' cannot say how many could have responded in an absent pair: no "
        f"denominator has one value a cluster and period ({listed(values)}).",
        fix="Add an outcome whose denominator belongs to the cluster, such as its audience, or "
        "leave the grid out.",
    )  # fmt: skip


def _completed(before: Parts, after: Parts, done: list[str]) -> Problem:
    left = [o.name for o in before.outcomes if o.name not in done]
    rest = f"; not measured there: {listed(left, 8)}" if left else ""
    return of_table(
        "grid-completed", "warning", None,
        message=f"{after.n_rows - before.n_rows:,} absent pairs of artist and cluster were added "
        f"as zeros for {listed(done, 8)}{rest}.",
        fix="Nothing to do if every artist was open to every cluster.",
    )  # fmt: skip
