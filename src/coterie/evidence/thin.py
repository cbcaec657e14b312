"""Thin tables: right in every row, and too poor for what a model would learn from them.

Such a table is read without a word; a fit of it says which of its answers are the priors'.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from coterie import names
from coterie.errors import Problem
from coterie.evidence.wording import counted, listed, of_table, quoted

if TYPE_CHECKING:
    from coterie.evidence.table import Evidence

FEW_ARTISTS: Final = 2
NEARLY_ALL: Final = 0.99


def thin(evidence: Evidence, n_clusters: int | None = None) -> list[Problem]:
    """Name what a table is too poor to teach.

    Parameters
    ----------
    evidence
        A checked table.
    n_clusters
        Clusters that the prior names, if there is one.

    Returns
    -------
    list of Problem
        Warnings about the whole table.
    """
    told = _few(evidence) + _one_artist_counted(evidence)
    if n_clusters is not None and n_clusters > len(evidence):
        told.append(
            of_table(
                "more-clusters-than-rows", "warning", names.CLUSTER,
                message=f"the prior names {n_clusters:,} clusters and the table has "
                f"{len(evidence):,} rows.",
                fix="Clusters without a row keep their prior; name fewer, or add rows.",
            )
        )  # fmt: skip
    return told + _one_sided(evidence)


def _few(evidence: Evidence) -> list[Problem]:
    if len(evidence) == 1:
        return [
            of_table(
                "one-row", "warning", None,
                message="the table has one row.",
                fix="How artists, clusters and cells differ comes from the priors alone; add rows.",
            )
        ]  # fmt: skip
    artists = evidence.artists.tolist()
    if len(artists) > FEW_ARTISTS:
        return []
    if len(artists) == 1:
        return [
            of_table(
                "one-artist", "warning", names.ARTIST,
                message=f"the table has one artist ({quoted(artists[0])}): how much of a "
                "difference between clusters is the artist's own is decided by the priors of "
                "cluster_scale and kappa.",
                fix="State population=PopulationPrior.streaming() if these are rates of streaming "
                "campaigns, or fit it among other artists of the roster.",
            )
        ]  # fmt: skip
    return [
        of_table(
            "few-artists", "warning", names.ARTIST,
            message=f"the table has {len(artists)} artists "
            f"({listed([quoted(a) for a in artists])}).",
            fix="How much artists and cells differ comes mostly from the priors; add artists.",
        )
    ]  # fmt: skip


def _one_artist_counted(evidence: Evidence) -> list[Problem]:
    artists = pd.factorize(evidence.counts[names.ARTIST].to_numpy())
    if len(artists[1]) <= FEW_ARTISTS:
        return []
    told = []
    for o, outcome in enumerate(evidence.outcomes):
        below = np.nan_to_num(evidence.counts[names.DENOMINATOR].to_numpy()[:, o])
        totals = np.bincount(artists[0], weights=below)
        if totals.sum() > 0 and totals.max() > NEARLY_ALL * totals.sum():
            largest = artists[1][int(totals.argmax())]
            told.append(
                of_table(
                    "one-artist-counted", "warning", outcome.denominator,
                    message=f"artist {quoted(largest)} holds {counted(totals.max())} of "
                    f"{counted(totals.sum())} in {outcome.denominator!r}.",
                    fix=f"What {outcome.name!r} says of the other {len(artists[1]) - 1:,} artists "
                    "is mostly prior; measure them too.",
                )
            )  # fmt: skip
    return told


def _one_sided(evidence: Evidence) -> list[Problem]:
    told = []
    for o, outcome in enumerate(evidence.outcomes):
        above = evidence.counts[names.NUMERATOR].to_numpy()[:, o]
        below = evidence.counts[names.DENOMINATOR].to_numpy()[:, o]
        there = np.nan_to_num(below) > 0
        if not there.any():
            continue
        if not above[there].any():
            told.append(
                of_table(
                    "no-event", "warning", outcome.numerator,
                    message=f"{outcome.numerator!r} is 0 in all {int(there.sum()):,} rows where it "
                    "was measured.",
                    fix=f"The counts bound the rate of {outcome.name!r} from above; how low it is "
                    "comes from the prior.",
                )
            )  # fmt: skip
        elif outcome.kind == "binary" and np.array_equal(above[there], below[there]):
            told.append(
                of_table(
                    "every-trial-a-success", "warning", outcome.numerator,
                    message=f"{outcome.numerator!r} equals {outcome.denominator!r} in all "
                    f"{int(there.sum()):,} rows where it was measured.",
                    fix="The counts bound the rate from below; how high it is comes from the "
                    "prior. Check that the denominator is everybody who could have responded.",
                )
            )  # fmt: skip
    return told
