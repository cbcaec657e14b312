"""Rates: how an artist's listeners respond, cluster by cluster.

Makes one picture from the belief table and the ledger's own counts. Callers may
trust that intervals are those of ``summary()``, and that a raw rate stands beside
the number it was counted from. Knows nothing of how a rate is predicted.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
import xarray as xr
from arviz_plots import PlotCollection, visuals

from coterie import names
from coterie.deck import forest
from coterie.deck.sentences import plain
from coterie.deck.style import (
    BLUE,
    INK,
    VERMILION,
    described,
    dressed,
    filled,
    hollow,
    interval_in_words,
    title_figure,
)
from coterie.errors import FindingError

if TYPE_CHECKING:
    from coterie.beliefs import Beliefs
    from coterie.evidence import Outcome

MOST: Final = 6
"""Artists drawn where none is named."""
DEPTH: Final = "depth"
ROOM: Final = 1.3
"""How far the axis goes beyond the highest interval: raw rates of a few people may lie beyond."""


def plot_rates(
    beliefs: Beliefs,
    *,
    outcome: str,
    artists: Sequence[Hashable] | None = None,
    prob: float | None = None,
    backend: str | None = None,
    **pc_kwargs: Any,
) -> PlotCollection:
    """Draw the rate of one outcome in every cluster, with its interval and the raw rate.

    Parameters
    ----------
    beliefs
        From :func:`coterie.fit`.
    outcome
        Name of the outcome; percent for a binary one, events a unit of exposure for a count.
    artists
        Whom to draw, in this order. Left out, the six with the largest denominators.
    prob
        Probability of the interval, in (0, 1). Left out, ArviZ's ``stats.ci_prob``.
    backend
        As in :func:`coterie.plot_home`.
    **pc_kwargs
        Passed to :meth:`arviz_plots.PlotCollection.wrap`.

    Returns
    -------
    arviz_plots.PlotCollection
        One facet an artist; visuals ``interval``, ``rate``, ``raw``, ``beyond`` (a raw
        rate off the axis) and ``people`` (artist, place), from the highest rate down.
        Nothing is shown or saved.

    Raises
    ------
    FindingError
        If the outcome is unknown.
    BeliefError
        If an artist is unknown.

    Examples
    --------
    >>> plots = co.plot_rates(co.example_beliefs(), outcome="save", backend="none")
    >>> plots.viz["rate"].sizes["artist"]
    6
    """
    own = outcome_of(beliefs, outcome)
    raw = _raw(beliefs, own)
    frame = beliefs.summary(artists=_largest(raw) if artists is None else artists, prob=prob)
    words = interval_in_words({str(k): v for k, v in frame.attrs.items()})
    table = frame[[names.ARTIST, names.CLUSTER]].assign(
        **{part: frame[f"{outcome}_{part}"] for part in ("rate", "lower", "upper", "n")}
    )
    table = table.merge(raw.drop(columns="n"), how="left", on=[names.ARTIST, names.CLUSTER])
    drawn = list(dict.fromkeys(table[names.ARTIST]))
    if own.kind == "binary":
        table[["rate", "lower", "upper", "raw"]] *= 100
    limit = float(table["upper"].max()) * ROOM
    table = table.assign(
        text=[_in_words(n) for n in table["n"]],
        seen=table["raw"].where(table["raw"] <= limit),
        beyond=table["raw"].where(table["raw"] > limit) * 0 + limit,
    )
    rows = forest.placed(table, drawn, by="rate", last=None)
    with dressed(backend):
        plots = _draw(rows, own, words, limit=limit, backend=backend, **pc_kwargs)
    return described(plots, _alt(rows, own))


def _alt(rows: xr.Dataset, outcome: Outcome) -> str:
    """Say where each artist's rate is highest."""
    unit = " %" if outcome.kind == "binary" else f" per {outcome.denominator}"
    best = rows.isel({forest.PLACE: 0})
    told = zip(best[names.ARTIST].values, best["label"].values, best["rate"].values, strict=True)
    return ". ".join(
        f"Rate of {outcome.name}, {plain(artist)}: highest in {plain(label)}, {rate:.3g}{unit}"
        for artist, label, rate in told
    )


def plot_depth(
    beliefs: Beliefs,
    *,
    outcome: str | None = None,
    artists: Sequence[Hashable] | None = None,
    prob: float | None = None,
    backend: str | None = None,
    **pc_kwargs: Any,
) -> PlotCollection:
    """Draw how deep each cluster's listeners go into the catalogue, with its interval.

    Parameters
    ----------
    beliefs
        From :func:`coterie.fit`.
    outcome
        Name of a counted outcome; left out, the only one there is, or ``depth``.
    artists, prob, backend, **pc_kwargs
        As in :func:`coterie.plot_rates`.

    Returns
    -------
    arviz_plots.PlotCollection
        As of :func:`coterie.plot_rates`: events a unit of exposure, such as catalogue streams a
        new listener.

    Raises
    ------
    FindingError
        If there is no such counted outcome, or several and none is named.
    BeliefError
        If an artist is unknown.

    Examples
    --------
    >>> plots = co.plot_depth(co.example_beliefs(), artists=["Marrow"], backend="none")
    >>> plots.viz["rate"].sizes["artist"]
    1
    """
    name = counted_outcome(beliefs, outcome).name
    return plot_rates(
        beliefs, outcome=name, artists=artists, prob=prob, backend=backend, **pc_kwargs
    )


def counted_outcome(beliefs: Beliefs, name: str | None) -> Outcome:
    """Return a counted outcome: the one named, the only one there is, or ``depth``."""
    if name is not None:
        found = outcome_of(beliefs, name)
        if found.kind != "count":
            raise FindingError(
                f"{name!r} is an outcome of {found.denominator}, one by one, and has no depth. "
                "Draw it with plot_rates."
            )
        return found
    counted = [o for o in beliefs.evidence.outcomes if o.kind == "count"]
    told = counted if len(counted) == 1 else [o for o in counted if o.name == DEPTH]
    if not told:
        known = ", ".join(repr(o.name) for o in counted) or "none"
        raise FindingError(
            f"Which counted outcome is meant? These beliefs have {known}. Name it with outcome=, "
            "or draw a binary one with plot_rates."
        )
    return told[0]


def _draw(
    rows: xr.Dataset,
    outcome: Outcome,
    words: str,
    *,
    limit: float,
    backend: str | None,
    **pc_kwargs: Any,
) -> PlotCollection:
    plots, width = forest.empty_forest(rows, backend=backend, beside=0.8, header=1, **pc_kwargs)
    plots.map(
        visuals.line_x, "interval", data=forest.interval(rows), color=BLUE, width=4, alpha=0.45
    )
    plots.map(
        visuals.scatter_x, "rate", data=forest.column(rows, "rate"),
        **filled("o", BLUE, backend, size=42),
    )  # fmt: skip
    plots.map(
        visuals.scatter_x, "raw", data=forest.column(rows, "seen"),
        **hollow("D", VERMILION, backend, size=30),
    )  # fmt: skip
    plots.map(
        visuals.scatter_x, "beyond", data=forest.column(rows, "beyond"),
        **hollow(">", VERMILION, backend, size=40),
    )  # fmt: skip
    forest.write_beside(plots, forest.column(rows, "text"), "people", limit * 1.04)
    key = [(0.0, "◇ raw rate", VERMILION), (0.42 * limit, "● rate", BLUE)]
    key.append((1.04 * limit, f"{outcome.denominator}", INK))
    forest.write_key(plots, rows, key, 0.75, edge=limit)
    once = {"data": forest.per_facet(rows), "store_artist": False, **forest.ONCE}
    plots.map(visuals.set_xlim, limits=(-0.02 * limit, 1.02 * limit), **once)
    plots.map(visuals.labelled_x, text=_unit(outcome), color=INK, **once)
    forest.title_facets(plots, rows)
    beyond = " ▷: raw rate beyond the axis." if bool(rows["beyond"].notnull().any()) else ""
    title_figure(
        plots,
        f"{outcome.name}: the rate to expect next. Bars: {words}.{beyond}",
        width,
    )
    return plots


def outcome_of(beliefs: Beliefs, name: str) -> Outcome:
    """Return an outcome by its name, and refuse one that these beliefs do not know."""
    outcomes = {o.name: o for o in beliefs.evidence.outcomes}
    if name not in outcomes:
        close = get_close_matches(name, outcomes, n=3)
        hint = f"Did you mean {' or '.join(map(repr, close))}?" if close else ""
        raise FindingError(
            f"There is no outcome {name!r} in these beliefs, which are about "
            f"{', '.join(map(repr, outcomes))}. {hint}"
        )
    return outcomes[name]


def _raw(beliefs: Beliefs, outcome: Outcome) -> pd.DataFrame:
    cells = beliefs.evidence.cells().sel({names.OUTCOME: outcome.name})
    sides = [names.NUMERATOR, names.DENOMINATOR]
    keys = [names.ARTIST, names.CLUSTER]
    frame = pd.DataFrame({c: cells[c].to_numpy() for c in (*keys, *sides)})
    sums = frame.groupby(keys, sort=False)[sides].sum()
    below = sums[names.DENOMINATOR]
    raw = sums[names.NUMERATOR] / below.where(below > 0)
    return pd.DataFrame({"raw": raw, "n": below}).reset_index()


def _largest(raw: pd.DataFrame) -> list[Any]:
    return list(raw.groupby(names.ARTIST, sort=False)["n"].sum().nlargest(MOST).index)


def _unit(outcome: Outcome) -> str:
    if outcome.kind == "binary":
        return f"{outcome.name}: % of {outcome.denominator}"
    return f"{outcome.name}: {outcome.numerator} per {outcome.denominator}"


def _in_words(amount: float) -> str:
    if np.isnan(amount) or amount == 0:
        return "none"
    return f"{amount:,.0f}" if amount == int(amount) else f"{amount:,.4g}"
