"""Checks: whether the model makes tables like this one, and what a belief hangs on.

Makes pictures of a predictive check and of a sensitivity finding. Callers may trust that every
number is the finding's own. Computes nothing.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr
from arviz_plots import PlotCollection, visuals

from coterie import names
from coterie.deck import forest
from coterie.deck.saying import refuse_other, say_predictive_check
from coterie.deck.sentences import plain
from coterie.deck.style import (
    BLUE,
    GREY,
    INK,
    VERMILION,
    described,
    dressed,
    filled,
    hollow,
    interval_in_words,
    title_figure,
)
from coterie.findings import Finding, chosen, of_twenty

MOST: Final = 6
"""Artists drawn where none is named."""
_ROOM: Final = 1.15
_SOURCES: Final = {
    "membership_prior": "prior of membership",
    "own_counts": "the artist's own counts",
    "population_prior": "priors of the population",
}


def plot_ppc(finding: Finding, *, backend: str | None = None, **pc_kwargs: Any) -> PlotCollection:
    """Draw the observed rates among those of replicas of the table.

    Parameters
    ----------
    finding
        From :func:`coterie.predictive_check`.
    backend
        As in :func:`coterie.plot_home`.
    **pc_kwargs
        Passed to :meth:`arviz_plots.PlotCollection.wrap`.

    Returns
    -------
    arviz_plots.PlotCollection
        One facet an outcome; visuals ``interval``, ``expected``, ``observed`` and ``outside``
        (outcome, place): observed rates beyond their interval are filled. Nothing is shown or
        saved.

    Raises
    ------
    FindingError
        If the finding is no predictive check.

    Examples
    --------
    >>> found = co.predictive_check(co.example_beliefs(), rng=rng)
    >>> dict(co.plot_ppc(found, backend="none").viz["expected"].sizes)
    {'outcome': 5, 'place': 5}
    """
    refuse_other(finding, "predictive_check", "coterie.predictive_check(beliefs, rng=rng)")
    table = finding.table
    frame = table.to_dataframe().reset_index()
    frame = frame[frame["observed"].notna()]
    binary = frame["kind"] == "binary"
    numbers = ["observed", "expected", "lower", "upper"]
    frame.loc[binary, numbers] *= 100
    out = (frame["observed"] < frame["lower"]) | (frame["observed"] > frame["upper"])
    frame = frame.assign(
        seen=frame["observed"].where(~out), outside=frame["observed"].where(out),
        text=[f"{n:,.0f}" for n in frame["n"]],
    )  # fmt: skip
    kept = [names.OUTCOME, names.CLUSTER, *numbers, "seen", "outside", "text"]
    drawn = list(dict.fromkeys(frame[names.OUTCOME]))
    rows = forest.placed(frame[kept], drawn, by="expected", last=None, facet=names.OUTCOME)
    words = interval_in_words({str(k): v for k, v in table["observed"].attrs.items()})
    kinds = dict(
        zip(table[names.OUTCOME].values.tolist(), table["kind"].values.tolist(), strict=True)
    )
    with dressed(backend):
        replicas = int(table.attrs["replicas"])
        plots = _draw_ppc(rows, kinds, words, replicas, backend=backend, **pc_kwargs)
    return described(plots, say_predictive_check(finding))


def _draw_ppc(
    rows: xr.Dataset, kinds: dict[Any, str], words: str, replicas: int, *,
    backend: str | None, **pc_kwargs: Any,
) -> PlotCollection:  # fmt: skip
    plots, width = forest.empty_forest(rows, backend=backend, beside=0.8, header=1, **pc_kwargs)
    numbers = rows[["observed", "upper"]].to_array().max(["variable", forest.PLACE])
    limit = _ROOM * numbers.where(numbers > 0, 1.0)
    plots.map(
        visuals.line_x, "interval", data=forest.interval(rows), color=BLUE, width=4, alpha=0.45
    )
    plots.map(
        visuals.scatter_x, "expected", data=forest.column(rows, "expected"),
        **filled("o", BLUE, backend, size=30),
    )  # fmt: skip
    inside = hollow("D", VERMILION, backend, size=34)
    plots.map(visuals.scatter_x, "observed", data=forest.column(rows, "seen"), **inside)
    beyond = filled("D", VERMILION, backend, size=40)
    plots.map(visuals.scatter_x, "outside", data=forest.column(rows, "outside"), **beyond)
    forest.write_beside(plots, forest.column(rows, "text"), "n", 1.04 * limit)
    first = float(limit[0])
    key = [(0.0, "◇ observed", VERMILION), (0.45 * first, "● of replicas", BLUE)]
    forest.write_key(plots, rows, [*key, (1.04 * first, "n", INK)], 0.75, edge=first)
    once = {"store_artist": False, **forest.ONCE}
    facet = forest.per_facet(rows).assign({forest.VALUE: limit})
    plots.map(_limited, data=facet, **once)
    units = [
        f"{o}: {'%' if kinds[o] == 'binary' else 'events a unit'}"
        for o in rows[names.OUTCOME].values
    ]
    plots.map(_labelled, data=forest.per_facet(rows, units), **once)
    forest.title_facets(plots, rows)
    title_figure(
        plots,
        f"What was counted, among tables the model would have made. Bars: {words} of {replicas:,} "
        "replicas with new artists; ◆ lies outside.",
        width,
    )
    return plots


def _limited(da: xr.DataArray, target: Any) -> Any:
    most = float(da)
    return visuals.set_xlim(da, target, limits=(-0.02 * most, 1.02 * most))


def _labelled(da: xr.DataArray, target: Any) -> Any:
    return visuals.labelled_x(da, target, text=str(da.item()), color=INK)


def plot_sensitivity(
    finding: Finding,
    *,
    artists: Sequence[Hashable] | None = None,
    backend: str | None = None,
    **pc_kwargs: Any,
) -> PlotCollection:
    """Draw what would be believed had priors or counts weighed half, or twice.

    Parameters
    ----------
    finding
        From :func:`coterie.sensitivity`.
    artists
        Whom to draw, in this order. Left out, the six whose belief could move most.
    backend
        As in :func:`coterie.plot_home`.
    **pc_kwargs
        Passed to :meth:`arviz_plots.PlotCollection.wrap`.

    Returns
    -------
    arviz_plots.PlotCollection
        One facet an artist, about the place it is most believed in; visuals ``span``, ``now``,
        ``half``, ``twice`` and ``text`` (artist, place). Nothing is shown or saved.

    Raises
    ------
    FindingError
        If the finding is about something else.
    BeliefError
        If the finding knows no such artist.

    Examples
    --------
    >>> found = co.sensitivity(co.example_beliefs(), artists=["Oslo Choir", "Marrow"])
    >>> co.plot_sensitivity(found, backend="none").viz["half"].sizes["artist"]
    2
    """
    refuse_other(finding, "sensitivity", "coterie.sensitivity(beliefs)")
    table = finding.table
    known = table[names.ARTIST].values.tolist()
    if artists is not None:
        artists = chosen(artists, known, names.ARTIST)
    best = table["belief"].argmax(names.CLUSTER)
    own = table.isel({names.CLUSTER: best})
    if artists is None:
        span = abs(own["varied"] - own["belief"]).max(["source", "power"]).fillna(0.0)
        artists = span.to_series().nlargest(MOST).index.tolist()
    own = own.sel({names.ARTIST: list(artists)})
    frame = pd.DataFrame(
        [
            {
                names.ARTIST: artist, names.CLUSTER: label, "order": -number,
                "half": half, "twice": twice, "now": float(own["belief"].sel(artist=artist)),
                "lower": np.fmin(half, twice), "upper": np.fmax(half, twice),
                "text": _from_to(half, twice),
            }
            for artist in own[names.ARTIST].values
            for number, (source, label) in enumerate(_SOURCES.items())
            for half, twice in [own["varied"].sel(artist=artist, source=source).values.tolist()]
        ]
    )  # fmt: skip
    rows = forest.placed(frame, list(artists), by="order", last=None)
    with dressed(backend):
        plots = _draw_sensitivity(rows.drop_vars("order"), own, backend=backend, **pc_kwargs)
    return described(plots, ". ".join(_moves(own.sel({names.ARTIST: a})) for a in artists))


def _moves(own: xr.Dataset) -> str:
    """Say from where to where one artist's belief could be turned."""
    both = own["varied"].to_numpy()
    ends = np.nanmin(both), np.nanmax(both)
    return (
        f"{plain(own[names.ARTIST].item())}, {_where(own[names.CLUSTER].item())}: "
        f"{of_twenty(float(own['belief']))} now, {_from_to(*ends)} with one thing at half or twice "
        "its weight"
    )


def _from_to(half: float, twice: float) -> str:
    if np.isnan(half) and np.isnan(twice):
        return "cannot be told"
    if np.isnan(half) or np.isnan(twice):
        known, when = (twice, "twice") if np.isnan(half) else (half, "half")
        return f"{of_twenty(known)} at {when}"
    ends = sorted((half, twice))
    told = [of_twenty(end).removesuffix(" of 20") for end in ends]
    return f"{of_twenty(ends[0])}" if told[0] == told[1] else f"{told[0]} to {of_twenty(ends[1])}"


def _where(place: Any) -> str:
    return "none of these clusters" if place == names.ELSEWHERE else plain(place)


def _draw_sensitivity(
    rows: xr.Dataset, own: xr.Dataset, *, backend: str | None, **pc_kwargs: Any
) -> PlotCollection:
    plots, width = forest.empty_forest(rows, backend=backend, beside=1.9, header=1, **pc_kwargs)
    plots.map(
        visuals.scatter_x, "now", data=forest.column(rows, "now"),
        **filled("|", GREY, backend, size=160, width=1.6),
    )  # fmt: skip
    plots.map(visuals.line_x, "span", data=forest.interval(rows), color=BLUE, width=4, alpha=0.45)
    half = hollow("D", VERMILION, backend, size=34)
    plots.map(visuals.scatter_x, "half", data=forest.column(rows, "half"), **half)
    plots.map(
        visuals.scatter_x, "twice", data=forest.column(rows, "twice"),
        **filled("o", BLUE, backend, size=38),
    )  # fmt: skip
    forest.write_beside(plots, forest.column(rows, "text"), "text", 1.04)
    key = [(0.0, "◇ at half weight", VERMILION), (0.5, "● at twice the weight", BLUE)]
    forest.write_key(plots, rows, key, 0.75)
    once = {"data": forest.per_facet(rows), "store_artist": False, **forest.ONCE}
    plots.map(visuals.set_xlim, limits=(-0.03, 1.03), **once)
    plots.map(visuals.labelled_x, text="belief", color=INK, **once)
    titles = [
        f"{plain(artist)} in {_where(place)}"
        for artist, place in zip(own[names.ARTIST].values, own[names.CLUSTER].values, strict=True)
    ]
    forest.title_facets(plots, rows, titles)
    title_figure(
        plots,
        "What would be believed had one thing weighed half, or twice. Grey mark: what is believed.",
        width,
    )
    return plots
