"""Update: how the belief about one artist moved as rows arrived.

Makes one picture from the history of a Beliefs. Callers may trust that every number in it
stands in that history. Computes nothing.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import xarray as xr
from arviz_plots import PlotCollection, visuals
from arviz_plots.plot_collection import backend_from_object

from coterie import names
from coterie.deck.saying import update_sentence
from coterie.deck.style import (
    BLUE,
    INK,
    SMALL,
    VERMILION,
    broken,
    described,
    dressed,
    filled,
    hollow,
    interval_in_words,
    sized,
    title_figure,
)
from coterie.errors import FindingError
from coterie.findings import chosen

if TYPE_CHECKING:
    from coterie.beliefs import Beliefs

MOST: Final = 4
"""Clusters drawn where none is named."""
VALUE: Final = "value"
AXIS: Final = "plot_axis"
STEP: Final = "update"
_ONCE: Final = {"store_artist": False}
_TITLE_LINE: Final = 30
_LONGEST_TICKS: Final = 7
_HALF_WIDTH: Final = 0.08


def plot_update(
    beliefs: Beliefs,
    *,
    artist: Hashable | None = None,
    clusters: Sequence[Hashable] | None = None,
    backend: str | None = None,
    **pc_kwargs: Any,
) -> PlotCollection:
    """Draw how the belief about one artist moved: prior, fit, and each update.

    Parameters
    ----------
    beliefs
        From :func:`coterie.update`; beliefs that were never updated show prior and fit.
    artist
        Whom to draw. Left out, the artist whose belief moved most since the fit.
    clusters
        Which clusters, in this order. Left out, the four most believed in now.
    backend
        As in :func:`coterie.plot_home`.
    **pc_kwargs
        Passed to :meth:`arviz_plots.PlotCollection.wrap`.

    Returns
    -------
    arviz_plots.PlotCollection
        One facet a cluster; visuals ``band``, ``line``, ``belief`` and ``prior``. Nothing is
        shown or saved.

    Raises
    ------
    FindingError
        If these beliefs hold no membership.
    BeliefError
        If the artist or a cluster is unknown.

    Examples
    --------
    >>> plots = co.plot_update(co.example_beliefs(), artist="Marrow", backend="none")
    >>> plots.viz["line"].sizes["cluster"]
    4
    """
    if beliefs.homes is None:
        raise FindingError(
            "These beliefs were fitted without membership (homes=None), so there is no belief to "
            'follow. Fit with homes="one" or "many".'
        )
    history = beliefs.history
    who = _moved_most(history) if artist is None else artist
    who = chosen([who], history[names.ARTIST].to_numpy().tolist(), names.ARTIST)[0]
    own = history.sel({names.ARTIST: who})
    # Who came later has no belief before.
    own = own.isel({STEP: np.flatnonzero(own["mean"].notnull().any(names.CLUSTER))})
    if clusters is None:
        last = own["mean"].isel({STEP: -1}).to_series()
        clusters = last.nlargest(MOST).index.tolist()
    clusters = chosen(clusters, history[names.CLUSTER].to_numpy().tolist(), names.CLUSTER)
    own = own.sel({names.CLUSTER: list(clusters)})
    said = [
        update_sentence(who, cluster, own.sel({names.CLUSTER: cluster})) for cluster in clusters
    ]
    with dressed(backend):
        plots = _draw(own, str(who), backend=backend, **pc_kwargs)
    return described(plots, ". ".join(said))


def _moved_most(history: xr.Dataset) -> Any:
    span = history["mean"].max(STEP) - history["mean"].min(STEP)
    return span.max(names.CLUSTER).idxmax(names.ARTIST).item()


def _draw(own: xr.Dataset, who: str, *, backend: str | None, **pc_kwargs: Any) -> PlotCollection:
    facets, steps = own.sizes[names.CLUSTER], own.sizes[STEP]
    columns = int(pc_kwargs.pop("col_wrap", min(facets, 2)))
    size = (columns * (2.6 + 0.22 * steps) + 0.5, -(-facets // columns) * 2.3 + 0.9)
    figure = sized(size, backend, pc_kwargs.pop("figure_kwargs", {}))
    layout: dict[str, Any] = {"cols": [names.CLUSTER], "col_wrap": columns}
    first = own[["mean"]].rename(mean=VALUE)
    plots = PlotCollection.wrap(
        first, backend=backend, figure_kwargs=figure, **(layout | pc_kwargs)
    )
    x = xr.DataArray(np.arange(1.0, steps + 1), dims=STEP, coords={STEP: own[STEP]})
    plots.map(visuals.fill_between_y, "band", data=_band(x, own), color=BLUE, alpha=0.25)
    line = _together({"x": x, "y": own["mean"]}, own, AXIS)
    plots.map(visuals.line_xy, "line", data=line, color=BLUE, width=2)
    plots.map(visuals.scatter_xy, "belief", data=line, **filled("o", BLUE, backend, size=36))
    before = own["prior"].isel({STEP: [0]})
    start = _together({"x": xr.zeros_like(before), "y": before}, own.isel({STEP: [0]}), AXIS)
    plots.map(
        visuals.scatter_xy, "prior", data=start,
        **hollow("D", VERMILION, backend, size=34),
    )  # fmt: skip
    _label(plots, own, columns)
    words = interval_in_words({str(k): v for k, v in own.attrs.items()})
    title_figure(
        plots,
        f"What is believed of {who}, as rows arrived. ◇ prior, ● belief; band: how far the "
        f"population behind it is settled ({words}).",
        size[0],
    )
    return plots


def _band(x: xr.DataArray, own: xr.Dataset) -> xr.Dataset:
    """Lay out the interval at each step; a single step has a width, or it would not be seen."""
    if own.sizes[STEP] == 1:
        own = xr.concat([own, own.assign_coords({STEP: own[STEP] + 1})], dim=STEP, join="outer")
        sides = [x.item() - _HALF_WIDTH, x.item() + _HALF_WIDTH]
        x = xr.DataArray(sides, dims=STEP, coords={STEP: own[STEP]})
    ends = {"x": x, "y_bottom": own["lower"], "y_top": own["upper"]}
    return _together(ends, own, "kwarg")


def _label(plots: PlotCollection, own: xr.Dataset, columns: int) -> None:
    facets = own[names.CLUSTER]
    each = xr.Dataset({VALUE: (names.CLUSTER, [0.0] * facets.size)}, coords={names.CLUSTER: facets})
    once = {"data": each, **_ONCE}
    plots.map(visuals.set_ylim, limits=(-0.04, 1.04), **once)
    plots.map(visuals.set_xlim, limits=(-0.4, own.sizes[STEP] + 0.4), **once)
    plots.map(_ticks, words=_steps(own), **once)
    left = each.isel({names.CLUSTER: slice(0, None, columns)})
    plots.map(visuals.labelled_y, data=left, text="belief", color=INK, **_ONCE)
    texts = [broken(label, _TITLE_LINE) for label in facets.values]
    titles = xr.Dataset({VALUE: (names.CLUSTER, texts)}, coords={names.CLUSTER: facets})
    plots.map(_title, "title", data=titles)


def _steps(own: xr.Dataset) -> list[str]:
    """Name each step under the axis; where there are many, every other one and the last."""
    until = [str(day)[5:] for day in own["until"].values]
    again = ["\ncorrected" if rows > 0 else "" for rows in own["replaced"].values]
    words = ["prior", *(f"{day or f'#{i}'}{again[i]}" for i, day in enumerate(until))]
    # Who came later was never in the fit: the first step is an update.
    if int(own[STEP].values[0]) == 0:
        words[1] = "fit" if not until[0] else f"fit\n{until[0]}"
    every = -(-len(words) // _LONGEST_TICKS)
    last = len(words) - 1
    return [w if i < 2 or i == last or (last - i) % every == 0 else "" for i, w in enumerate(words)]  # noqa: PLR2004 - prior and fit


def _ticks(da: xr.DataArray, target: Any, *, words: list[str]) -> Any:
    del da
    return backend_from_object(target).xticks(np.arange(len(words)), words, target, size=SMALL)


def _together(parts: dict[str, xr.DataArray], own: xr.Dataset, dim: str) -> xr.Dataset:
    like = own["mean"]
    pieces = [part.broadcast_like(like).drop_attrs() for part in parts.values()]
    plain = [p.reset_coords(drop=True).rename(VALUE) for p in pieces]
    return (
        xr.concat(plain, dim=dim, coords="minimal").assign_coords({dim: list(parts)}).to_dataset()
    )


def _title(da: xr.DataArray, target: Any, **kwargs: Any) -> Any:
    return visuals.labelled_title(da, target, text=str(da.item()), **kwargs)
