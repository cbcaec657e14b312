"""Later home: whether the likeliest cluster is the one in which an artist did best afterwards.

Best is meant relative to what is usual: an artist's later count in a cluster over the count of all
artists there before. Callers may trust that artists with few later events are left out, and that
nothing of what came later was seen by the beliefs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from coterie import names

if TYPE_CHECKING:
    from coterie.beliefs import Beliefs

ENOUGH: Final = 3
"""Later events of an artist that say where it did best."""
_SAMPLE: Final = (names.CHAIN, names.DRAW)


def leaders(
    beliefs: Beliefs, artists: Sequence[Any], tables: Mapping[str, pd.DataFrame], *, count: str
) -> pd.DataFrame:
    """Return each artist's likeliest cluster, and what was counted there and everywhere.

    Parameters
    ----------
    beliefs
        With one home.
    artists
        Whom, in order.
    tables
        Tables of ``artist``, ``cluster`` and ``count``, by the name of the column that tells of
        each.
    count
        Column of counts.

    Returns
    -------
    pandas.DataFrame
        One row per artist: ``artist``, ``cluster``, ``belief`` and ``before`` (probabilities), then
        "4 of 5" for each table: events in that cluster of all events of the artist.
    """
    told = beliefs.summary(artists=list(artists))
    best = told.loc[told.groupby(names.ARTIST, sort=False)[names.HOME].idxmax()]
    columns: dict[str, Any] = {n: best[n].tolist() for n in (names.ARTIST, names.CLUSTER)}
    columns |= {"belief": best[names.HOME].tolist(), "before": best["prior"].tolist()}
    for name, table in tables.items():
        own = table.set_index([names.ARTIST, names.CLUSTER])[count]
        whole = own.groupby(names.ARTIST).sum()
        pairs = zip(columns[names.ARTIST], columns[names.CLUSTER], strict=True)
        columns[name] = [f"{own.get(p, 0)} of {whole.get(p[0], 0)}" for p in pairs]
    return pd.DataFrame(columns)


def later_best(beliefs: Beliefs, early: pd.DataFrame, later: pd.DataFrame, *, count: str) -> str:
    """Say how often the likeliest cluster was the one in which an artist later did best.

    Parameters
    ----------
    beliefs
        With one home, of the early table.
    early, later
        Tables of ``artist``, ``cluster`` and ``count``.
    count
        Column of counts.
    """
    told: Any = beliefs.home.mean(_SAMPLE)
    home: pd.DataFrame = told.to_pandas()
    usual = early.groupby(names.CLUSTER)[count].sum()[home.columns].to_numpy()
    wide = later.pivot_table(index=names.ARTIST, columns=names.CLUSTER, values=count, aggfunc="sum")
    wide = wide.reindex(index=home.index, columns=home.columns).fillna(0.0)
    enough = wide.sum(axis=1).to_numpy() >= ENOUGH
    counts, own = wide.to_numpy()[enough], home.to_numpy()[enough]
    if not len(counts):
        return f"No artist has {ENOUGH} later {count} or more, so that nothing can be said."
    best = (counts / np.maximum(usual, 1)).argmax(axis=1)
    right = int((own.argmax(axis=1) == best).sum())
    mean = float(np.take_along_axis(own, best[:, None], axis=1).mean())
    return (
        f"Of {len(best)} artists with {ENOUGH} later {count} or more, the likeliest cluster was "
        f"where they later did best, relative to what is usual there, {right} times; the "
        f"mean belief in that cluster was {mean:.2f}, and {1 / len(home.columns):.2f} would be "
        "chance."
    )
