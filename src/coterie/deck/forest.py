"""Forest: rows of intervals in facets, the shape of most pictures here.

Makes a PlotCollection with an empty, labelled forest; each picture then adds its
own marks. Callers may trust that every facet has its own order of rows, and that
labels have room.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr
from arviz_plots import PlotCollection, visuals

from coterie import names
from coterie.deck.style import (
    INK,
    backend_of,
    broken,
    facet_columns,
    figure_size,
    name_rows,
    sized,
    spelled,
    write,
)

PLACE: Final = "place"
VALUE: Final = "value"
BOUND: Final = "ci_bound"
_TITLE_LINE: Final = 32
ONCE: Final = {"ignore_aes": "all"}


def placed(frame: pd.DataFrame, artists: Sequence[Any], *, by: str, last: str | None) -> xr.Dataset:
    """Give each facet its own order of rows.

    Parameters
    ----------
    frame
        ``artist``, ``cluster`` and columns of numbers or text.
    artists
        Facets, in order.
    by
        Column to sort by, highest at the top; rows without a number go below.
    last
        A label that stands at the bottom whatever its number.

    Returns
    -------
    xarray.Dataset
        (artist, place): the columns, and ``label``. A facet with fewer rows is filled
        with NaN and None.
    """
    facets = []
    for artist in artists:
        own = frame[frame[names.ARTIST] == artist]
        bottom = own[names.CLUSTER].eq(last) if last is not None else pd.Series(False, own.index)
        order = pd.DataFrame({"bottom": bottom, "by": -own[by]}).sort_values(["bottom", "by"])
        facets.append(own.loc[order.index].drop(columns=names.ARTIST).reset_index(drop=True))
    size = max(len(facet) for facet in facets)
    columns = [c for c in facets[0].columns if c != names.CLUSTER]
    found = {
        c: ((names.ARTIST, PLACE), np.stack([_filled(f[c], size) for f in facets])) for c in columns
    }
    labels = np.stack([_filled(facet[names.CLUSTER].astype(object), size) for facet in facets])
    return xr.Dataset(
        found | {"label": ((names.ARTIST, PLACE), labels)},
        coords={names.ARTIST: list(artists), PLACE: np.arange(size)},
    )


def empty_forest(
    rows: xr.Dataset, *, backend: str | None, beside: float, header: int, **pc_kwargs: Any
) -> tuple[PlotCollection, float]:
    """Lay out one facet an artist, one row a place, labels at the left.

    Parameters
    ----------
    rows
        From :func:`placed`.
    backend, **pc_kwargs
        Passed to :meth:`arviz_plots.PlotCollection.wrap`; the caller's win.
    beside
        Room for text right of a facet, in inches.
    header
        Lines kept free above the first row.

    Returns
    -------
    PlotCollection, float
        And the figure's width, in inches.
    """
    labels = [label for label in rows["label"].values.ravel() if label is not None]
    facets, size = rows.sizes[names.ARTIST], rows.sizes[PLACE]
    columns = int(pc_kwargs.get("col_wrap", facet_columns(facets, labels)))
    room = figure_size(labels, rows=size + header, facets=facets, columns=columns, beside=beside)
    layout: dict[str, Any] = {
        "cols": [names.ARTIST], "col_wrap": columns,
        "aes": {"y": [PLACE]}, "y": -np.arange(size),
    }  # fmt: skip
    figure = sized(room, backend, pc_kwargs.pop("figure_kwargs", {}))
    first = rows[[str(next(iter(rows.data_vars)))]].rename({str(next(iter(rows.data_vars))): VALUE})
    plots = PlotCollection.wrap(
        first, backend=backend, figure_kwargs=figure, **(layout | pc_kwargs)
    )
    plots.map(
        name_rows, "labels", data=column(rows, "label"), rows=-np.arange(size),
        store_artist=False, **ONCE,
    )  # fmt: skip
    bottom, top = -size + 0.4, header + 0.1
    plots.map(
        visuals.set_ylim, data=per_facet(rows), limits=(bottom, top), store_artist=False, **ONCE
    )
    return plots, float(room[0])


def column(rows: xr.Dataset, name: str) -> xr.Dataset:
    """Return one column under the name all marks share."""
    return rows[[name]].rename({name: VALUE})


def interval(rows: xr.Dataset, lower: str = "lower", upper: str = "upper") -> xr.Dataset:
    """Return both ends of each row's interval: (artist, place, ci_bound)."""
    ends = xr.concat([rows[lower], rows[upper]], dim=pd.Index(["lower", "upper"], name=BOUND))
    return ends.rename(VALUE).to_dataset()


def per_facet(rows: xr.Dataset, texts: Sequence[str] | None = None) -> xr.Dataset:
    """Return one value a facet, for what is drawn once in each."""
    values = list(texts) if texts is not None else [0.0] * rows.sizes[names.ARTIST]
    return xr.Dataset({VALUE: (names.ARTIST, values)}, coords={names.ARTIST: rows[names.ARTIST]})


def title_facets(plots: PlotCollection, rows: xr.Dataset) -> None:
    """Write each facet's artist above it."""
    plots.map(
        _title, "title", data=per_facet(rows, [str(a) for a in rows[names.ARTIST].values]), **ONCE
    )


def write_beside(plots: PlotCollection, texts: xr.Dataset, label: str, x: float) -> None:
    """Write a text at the right of each row."""
    plots.map(write, label, data=texts, x=x, color=INK, horizontal_align="left")


def write_key(
    plots: PlotCollection, rows: xr.Dataset, words: Sequence[tuple[float, str, str]], y: float
) -> None:
    """Name the marks in their own colours, above the rows of the first facet.

    Parameters
    ----------
    words
        Where each word starts on the x axis, the word, and its colour.
    """
    others = [""] * (rows.sizes[names.ARTIST] - 1)
    for number, (x, word, colour) in enumerate(words):
        plots.map(
            write, f"key_{number}", data=per_facet(rows, [word, *others]),
            x=x, y=y, color=colour, horizontal_align="left", **ONCE,
        )  # fmt: skip


def _title(da: xr.DataArray, target: Any, **kwargs: Any) -> Any:
    text = spelled(broken(da.item(), _TITLE_LINE), backend_of(target))
    return visuals.labelled_title(da, target, text=text, **kwargs)


def _filled(values: pd.Series[Any], size: int) -> Any:
    filler = None if values.dtype == object else np.nan
    return values.reindex(range(size), fill_value=filler).to_numpy()
