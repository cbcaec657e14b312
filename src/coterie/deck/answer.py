"""Answer: a finding's main number, row by row, with its interval.

One picture for every finding that has a main number: the same rows as on its slide. Callers may
trust that every number is the finding's own. Computes nothing.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import xarray as xr
from arviz_plots import PlotCollection, visuals

from coterie import names
from coterie.deck import forest
from coterie.deck.sentences import plain
from coterie.deck.slides import Bars
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
from coterie.deck.telling import bars_of
from coterie.errors import FindingError
from coterie.findings import Finding

MOST: Final = 40
"""Rows drawn, at most."""
_KIND: Final = "kind"
_BESIDE: Final = 1.04


def plot_finding(
    finding: Finding, *, backend: str | None = None, **pc_kwargs: Any
) -> PlotCollection:
    """Draw the main number of a finding, best row first.

    Parameters
    ----------
    finding
        Any with a main number: a scorecard, yields, an allocation, phases, a value of
        information, positioning, layers, an audit, a playbook, policies.
    backend
        As in :func:`coterie.plot_home`.
    **pc_kwargs
        Passed to :meth:`arviz_plots.PlotCollection.wrap`.

    Returns
    -------
    arviz_plots.PlotCollection
        One facet; visuals ``value``, ``interval`` and ``text`` (kind, place), and ``before``
        where there is one. At most 40 rows. Nothing is shown or saved.

    Raises
    ------
    FindingError
        If the finding has no main number that starts at 0: ``finding.to_frame()`` has its rows.

    Examples
    --------
    >>> found = co.positioning(co.example_beliefs(), "Oslo Choir", rng=rng)
    >>> dict(co.plot_finding(found, backend="none").viz["value"].sizes)
    {'kind': 1, 'place': 5}
    """
    made = bars_of(finding) if isinstance(finding, Finding) else None
    if made is None:
        what = getattr(finding, "kind", type(finding).__name__)
        raise FindingError(
            f"A {what!r} has no main number that bars can show. Read finding.to_frame(), or put "
            "it on a slide as a table: co.Deck([finding])."
        )
    frame = made.frame.head(MOST).rename(columns={"label": names.CLUSTER})
    frame[_KIND], frame["order"] = finding.kind, -np.arange(len(frame), dtype=float)
    rows = forest.placed(frame, [finding.kind], by="order", last=None, facet=_KIND)
    with dressed(backend):
        plots = _draw(rows.drop_vars("order"), made, finding, backend=backend, **pc_kwargs)
    return described(plots, finding.headline)


def _draw(
    rows: xr.Dataset, made: Bars, finding: Finding, *, backend: str | None, **pc_kwargs: Any
) -> PlotCollection:
    longest = max(len(str(text)) for text in made.frame["text"])
    plots, width = forest.empty_forest(
        rows, backend=backend, beside=0.4 + 0.09 * longest, header=1, **pc_kwargs
    )
    if made.lined:
        plots.map(
            visuals.line_x, "interval", data=forest.interval(rows), color=BLUE, width=4, alpha=0.45
        )
    plots.map(
        visuals.scatter_x, "value", data=forest.column(rows, "value"),
        **filled("o", BLUE, backend, size=38),
    )  # fmt: skip
    key = [(0.0, f"● {made.value}", BLUE)]
    if made.before and "before" in rows:
        plots.map(
            visuals.scatter_x, "before", data=forest.column(rows, "before"),
            **hollow("D", VERMILION, backend, size=34),
        )  # fmt: skip
        key.append((0.6 * made.most, f"◇ {made.before}", VERMILION))
    forest.write_beside(plots, forest.column(rows, "text"), "text", _BESIDE * made.most)
    forest.write_key(plots, rows, key, 0.75)
    once = {"data": forest.per_facet(rows), "store_artist": False, **forest.ONCE}
    room = 0.03 * made.most
    plots.map(visuals.set_xlim, limits=(-room, made.most + room), **once)
    main = finding.table.get(str(finding.table.attrs.get("main")))
    about = {} if main is None else {str(k): v for k, v in main.attrs.items()}
    plots.map(visuals.labelled_x, text=str(about.get("units", "")), color=INK, **once)
    forest.title_facets(plots, rows, [plain(finding.kind).replace("_", " ")])
    left = len(made.frame) - MOST
    words = f" Bars: {interval_in_words(about)}." if made.lined and "ci_kind" in about else ""
    more = f" {left} more rows are in to_frame()." if left > 0 else ""
    title_figure(plots, f"{finding.headline}{words}{more}", width)
    return plots
