"""Arriving: what share of each outcome had arrived when it was counted, told to a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from coterie import names
from coterie.beliefs import population as read
from coterie.beliefs.rows import Known
from coterie.typing import Floats

if TYPE_CHECKING:
    from coterie.beliefs.tree import Beliefs

_DRAWS: Final = 200


def maturity_table(beliefs: Beliefs, prob: float) -> pd.DataFrame:
    """Tell how much of each late outcome had arrived.

    Parameters
    ----------
    beliefs
        Fitted beliefs.
    prob
        Credible mass of the intervals.

    Returns
    -------
    pandas.DataFrame
        One row per outcome with a delay: ``outcome``; ``age``, days from the middle of a
        row's period until it was read, the median over people; ``arrived``, ``lower`` and
        ``upper``, the share that had arrived of all that will; ``delay``, ``delay_lower`` and
        ``delay_upper``, mean days until a response.
    """
    from arviz_base import rcParams
    from arviz_stats.base import array_stats

    known = Known.of(beliefs)
    kind = array_stats.hdi if rcParams["stats.ci_kind"] == "hdi" else array_stats.eti
    rows: list[dict[str, Any]] = []
    arrived = _arrived(known)
    for o, name in enumerate(known.levels.outcome_names):
        if name not in known.levels.late:
            continue
        of = known.made.outcome == o
        shares = arrived[:, of] @ (known.made.n[of] / known.made.n[of].sum())
        delay = read.flat(known.posterior, names.DELAY)[:, o]
        ends = [np.asarray(kind(values, prob)) for values in (shares, delay)]
        rows.append(
            {
                names.OUTCOME: name,
                "age": _median_age(beliefs, name),
                "arrived": shares.mean(), "lower": ends[0][0], "upper": ends[0][1],
                "delay": delay.mean(), "delay_lower": ends[1][0], "delay_upper": ends[1][1],
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def in_sentences(table: pd.DataFrame) -> list[str]:
    """Tell a maturity table in words, a sentence an outcome."""
    return [
        f"{100 * row['arrived']:.0f} % of {row[names.OUTCOME]} had arrived when it was read, "
        f"{row['age']:.0f} days on in the middle; it takes {row['delay']:.0f} days on average."
        for row in table.to_dict(orient="records")
    ]


def by_pair(beliefs: Beliefs) -> dict[str, Floats]:
    """Return the share of each pair's late outcomes that had arrived: (artist, cluster) each.

    NaN where a pair has no rows of an outcome.
    """
    known = Known.of(beliefs)
    made, levels = known.made, known.levels
    shape = (len(levels.artists), len(levels.clusters))
    if not levels.late:
        return {}
    mean, found = _arrived(known).mean(axis=0), {}
    for o, name in enumerate(levels.outcome_names):
        if name in levels.late:
            of = made.outcome == o
            at = np.ravel_multi_index((made.artist[of], made.cluster[of]), shape)
            size = int(np.prod(shape))
            whole = np.bincount(at, made.n[of], size)
            there = np.bincount(at, made.n[of] * mean[of], size)
            with np.errstate(invalid="ignore"):
                found[name] = (there / np.where(whole > 0, whole, np.nan)).reshape(shape)
    return found


def _arrived(known: Known) -> Floats:
    """Return the share of each observation at some draws: (draw, observation)."""
    at = np.unique(np.linspace(0, known.size - 1, min(_DRAWS, known.size)).astype(np.int64))
    found = read.arrived(known.posterior, known.made, at)
    return np.ones((1, known.made.y.size)) if found is None else found


def _median_age(beliefs: Beliefs, outcome: str) -> float:
    counts = beliefs.evidence.counts.sel({names.OUTCOME: outcome})
    people = np.nan_to_num(counts[names.DENOMINATOR].to_numpy())
    people = np.where(np.isnan(counts[names.NUMERATOR].to_numpy()), 0.0, people)
    day = np.timedelta64(1, "D")
    start, end = (counts[n].to_numpy() for n in (names.PERIOD_START, names.PERIOD_END))
    end = end.astype("datetime64[D]")
    age = (counts[names.SEEN].to_numpy() - start) / day - ((end - start) / day + 1) / 2
    order = np.argsort(age)
    below = np.cumsum(people[order])
    return float(age[order][np.searchsorted(below, below[-1] / 2)])
