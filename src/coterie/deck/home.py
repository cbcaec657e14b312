"""Home: where an artist belongs, before and after the evidence.

Makes one picture from the belief table of a Beliefs. Callers may trust that every
number in it stands in that table. Knows nothing of how beliefs came about.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

import numpy as np
import pandas as pd
import xarray as xr
from arviz_plots import PlotCollection, visuals
from arviz_plots.plot_collection import backend_from_object

from coterie import names
from coterie.deck import forest
from coterie.deck.places import outside
from coterie.deck.sentences import home_sentence
from coterie.deck.style import (
    BLUE,
    INK,
    PALE,
    VERMILION,
    described,
    dressed,
    filled,
    hollow,
    interval_in_words,
    title_figure,
)
from coterie.errors import FindingError
from coterie.findings import OUTCOMES, of_twenty, whole

if TYPE_CHECKING:
    from coterie.beliefs import Beliefs

Kind = Literal["dots", "interval"]

MOST: Final = 6
"""Artists drawn where none is named."""
NOWHERE: Final = "elsewhere (none of these)"


def plot_home(
    beliefs: Beliefs,
    *,
    artists: Sequence[Hashable] | None = None,
    kind: Kind = "dots",
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
    kind
        ``"dots"``: as many of twenty dots as a belief is, so that it is read as a frequency;
        ``"interval"``: one mark at the belief itself.
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
        (artist, place), clusters from the most believed down; of dots, ``outcomes`` too, where
        twenty may stand. Nothing is shown or saved. What the picture says to those who do not see
        it is in ``viz.attrs["alt"]``, as of all pictures here.

    Raises
    ------
    FindingError
        If these beliefs hold no membership, or there is no such kind.
    BeliefError
        If an artist is unknown.

    Examples
    --------
    >>> plots = co.plot_home(co.example_beliefs(), artists=["Oslo Choir"], backend="none")
    >>> plots.viz.attrs["alt"]
    'Oslo Choir is most likely at home in gym: 14 of 20 equally likely outcomes'
    """
    if kind not in get_args(Kind):
        raise FindingError(f"kind is {kind!r}; write 'dots' or 'interval'.")
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
    told = _in_two_places if kind == "interval" else _in_twentieths
    rows["text"] = xr.apply_ufunc(told, rows["belief"], vectorize=True)
    said = [
        home_sentence(artist, table[table[names.ARTIST] == artist], beliefs.homes)
        for artist in drawn
    ]
    with dressed(backend):
        plots = _draw(rows, words, homes=beliefs.homes, kind=kind, backend=backend, **pc_kwargs)
    return described(plots, ". ".join(said))


def _draw(
    rows: xr.Dataset, words: str, *, homes: str, kind: Kind, backend: str | None, **pc_kwargs: Any
) -> PlotCollection:
    beside = 0.5 if kind == "interval" else 1.2
    plots, width = forest.empty_forest(rows, backend=backend, beside=beside, header=1, **pc_kwargs)
    plots.map(
        visuals.line_x, "interval", data=forest.interval(rows), color=BLUE, width=4, alpha=0.45
    )
    if kind == "interval":
        plots.map(
            visuals.scatter_x, "belief", data=forest.column(rows, "belief"),
            **filled("o", BLUE, backend, size=42),
        )  # fmt: skip
    else:
        none = hollow("o", PALE, backend, size=34, width=1.0)
        plots.map(_dots, "outcomes", data=forest.column(rows, "belief"), every=True, **none)
        some = filled("o", BLUE, backend, size=34)
        plots.map(_dots, "belief", data=forest.column(rows, "belief"), every=False, **some)
    # Hollow and last: a prior that did not move still shows through.
    plots.map(
        visuals.scatter_x, "prior", data=forest.column(rows, "prior"),
        **hollow("D", VERMILION, backend, size=30),
    )  # fmt: skip
    forest.write_beside(plots, forest.column(rows, "text"), "number", 1.04)
    now = "● belief now" if kind == "interval" else "● 1 of 20 outcomes, now"
    forest.write_key(plots, rows, [(0.0, "◇ prior", VERMILION), (0.3, now, BLUE)], 0.75)
    once = {"data": forest.per_facet(rows), "store_artist": False, **forest.ONCE}
    plots.map(visuals.set_xlim, limits=(-0.03, 1.03), **once)
    plots.map(visuals.labelled_x, text="belief", color=INK, **once)
    forest.title_facets(plots, rows)
    what = "Where each artist may be at home" if homes == "one" else "Clusters each may belong in"
    dot = "" if kind == "interval" else " Each dot is 1 of 20 equally likely outcomes."
    bars = f"Bars: how far the population behind each belief is settled ({words})."
    title_figure(plots, f"{what}.{dot} {bars}", width)
    return plots


def _moved(beliefs: Beliefs) -> list[Any]:
    draws = beliefs.home if beliefs.homes == "one" else beliefs.membership
    prior = beliefs.tree[names.PRIOR][names.PRIOR]
    distance = abs(draws.mean([names.CHAIN, names.DRAW]) - prior).sum(names.CLUSTER)
    return list(distance.to_series().nlargest(MOST).index)


def _dots(da: xr.DataArray, target: Any, *, every: bool, y: Any, **kwargs: Any) -> Any:
    """Draw a belief's dots side by side, or all twenty places where they may stand."""
    belief = float(da)
    if np.isnan(belief):  # a facet with fewer rows
        return None
    count = OUTCOMES if every else whole(belief)
    x = (np.arange(count) + 0.5) / OUTCOMES
    height = np.full(count, float(y))
    return backend_from_object(target).scatter(x, height, target, **kwargs)


def _in_twentieths(value: float) -> str:
    return "" if np.isnan(value) else of_twenty(value)


def _in_two_places(value: float) -> str:
    if value != value:  # noqa: PLR0124 - NaN: a facet with fewer rows
        return ""
    if value < 0.005:  # noqa: PLR2004 - would read 0.00
        return "<0.01"
    return ">0.99" if value > 0.995 else f"{value:.2f}"  # noqa: PLR2004
