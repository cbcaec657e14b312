"""Home: where an artist belongs, before and after the evidence.

Makes one picture from the belief table of a Beliefs. Callers may trust that every
number in it stands in that table. Knows nothing of how beliefs came about.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any, Final

import pandas as pd
import xarray as xr
from arviz_plots import PlotCollection, visuals

from coterie import names
from coterie.deck import forest
from coterie.deck.places import outside
from coterie.deck.style import (
    BLUE,
    INK,
    VERMILION,
    dressed,
    filled,
    hollow,
    interval_in_words,
    title_figure,
)
from coterie.errors import FindingError

if TYPE_CHECKING:
    from coterie.beliefs import Beliefs

MOST: Final = 6
"""Artists drawn where none is named."""
NOWHERE: Final = "elsewhere (none of these)"


def plot_home(
    beliefs: Beliefs,
    *,
    artists: Sequence[Hashable] | None = None,
    prob: float | None = None,
    backend: str | None = None,
    **pc_kwargs: Any,
) -> PlotCollection:
    """Draw where each artist belongs: what was believed before, and what is believed now.

    Parameters
    ----------
    beliefs
        From :func:`coterie.fit`, with one home or many.
    artists
        Whom to draw, in this order. Left out, the six whose belief moved most.
    prob
        Probability of the interval, in (0, 1). Left out, ArviZ's ``stats.ci_prob``.
    backend
        ``"matplotlib"``, ``"plotly"``, ``"bokeh"``, or ``"none"`` for a picture of plain
        data. Left out, ArviZ's ``plot.backend``.
    **pc_kwargs
        Passed to :meth:`arviz_plots.PlotCollection.wrap`.

    Returns
    -------
    arviz_plots.PlotCollection
        One facet an artist; visuals ``interval``, ``prior``, ``belief`` and ``number``
        (artist, place), clusters from the most believed down. Nothing is shown or saved.

    Raises
    ------
    FindingError
        If these beliefs hold no membership.
    BeliefError
        If an artist is unknown.
    """
    if beliefs.homes is None:
        raise FindingError(
            "These beliefs were fitted without membership (homes=None), so there is no home to "
            'draw. Fit with homes="one" or "many", or draw rates with plot_rates.'
        )
    frame = beliefs.summary(artists=_moved(beliefs) if artists is None else artists, prob=prob)
    column = names.HOME if beliefs.homes == "one" else names.MEMBERSHIP
    table = frame.rename(columns={column: "belief"})
    drawn = list(dict.fromkeys(table[names.ARTIST]))
    words = interval_in_words({str(k): v for k, v in frame.attrs.items()})
    table = table[[names.ARTIST, names.CLUSTER, "belief", "prior", "lower", "upper"]]
    last = None
    if beliefs.homes == "one":
        last = NOWHERE
        rest = outside(beliefs, drawn, frame.attrs).assign(**{names.CLUSTER: NOWHERE})
        table = pd.concat([table, rest], ignore_index=True)
    rows = forest.placed(table, drawn, by="belief", last=last)
    rows["text"] = xr.apply_ufunc(_in_two_places, rows["belief"], vectorize=True)
    with dressed(backend):
        return _draw(rows, words, homes=beliefs.homes, backend=backend, **pc_kwargs)


def _draw(
    rows: xr.Dataset, words: str, *, homes: str, backend: str | None, **pc_kwargs: Any
) -> PlotCollection:
    plots, width = forest.empty_forest(rows, backend=backend, beside=0.5, header=1, **pc_kwargs)
    plots.map(
        visuals.line_x, "interval", data=forest.interval(rows), color=BLUE, width=4, alpha=0.45
    )
    plots.map(
        visuals.scatter_x, "belief", data=forest.column(rows, "belief"),
        **filled("o", BLUE, backend, size=42),
    )  # fmt: skip
    # Hollow and last: a prior that did not move still shows through.
    plots.map(
        visuals.scatter_x, "prior", data=forest.column(rows, "prior"),
        **hollow("D", VERMILION, backend, size=30),
    )  # fmt: skip
    forest.write_beside(plots, forest.column(rows, "text"), "number", 1.04)
    forest.write_key(plots, rows, [(0.0, "◇ prior", VERMILION), (0.3, "● belief now", BLUE)], 0.75)
    once = {"data": forest.per_facet(rows), "store_artist": False, **forest.ONCE}
    plots.map(visuals.set_xlim, limits=(-0.03, 1.03), **once)
    plots.map(visuals.labelled_x, text="belief", color=INK, **once)
    forest.title_facets(plots, rows)
    what = "Where each artist is at home" if homes == "one" else "Clusters each artist belongs in"
    title_figure(
        plots,
        f"{what}. Bars: how far the population behind each belief is settled ({words}).",
        width,
    )
    return plots


def _moved(beliefs: Beliefs) -> list[Any]:
    draws = beliefs.home if beliefs.homes == "one" else beliefs.membership
    prior = beliefs.tree[names.PRIOR][names.PRIOR]
    distance = abs(draws.mean([names.CHAIN, names.DRAW]) - prior).sum(names.CLUSTER)
    return list(distance.to_series().nlargest(MOST).index)


def _in_two_places(value: float) -> str:
    if value != value:  # noqa: PLR0124 - NaN: a facet with fewer rows
        return ""
    if value < 0.005:  # noqa: PLR2004 - would read 0.00
        return "<0.01"
    return ">0.99" if value > 0.995 else f"{value:.2f}"  # noqa: PLR2004
