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
from arviz_base import rcParams
from arviz_plots import PlotCollection, visuals

from coterie import names
from coterie.deck.style import (
    CHARACTER,
    INK,
    LINE,
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
_BETWEEN: Final = 1.6
"""Inches between rows of facets, for the label of the upper and the title of the lower."""
ONCE: Final = {"ignore_aes": "all"}


def placed(
    frame: pd.DataFrame, facets: Sequence[Any], *, by: str, last: str | None,
    facet: str = names.ARTIST,
) -> xr.Dataset:  # fmt: skip
    """Give each facet its own order of rows.

    Parameters
    ----------
    frame
        The facet's column, ``cluster`` and columns of numbers or text.
    facets
        In order.
    by
        Column to sort by, highest at the top; rows without a number go below.
    last
        A label that stands at the bottom whatever its number.
    facet
        What a facet is: ``artist``, ``outcome``.

    Returns
    -------
    xarray.Dataset
        (facet, place): the columns, and ``label``. A facet with fewer rows is filled
        with NaN and None.
    """
    tables = []
    for label in facets:
        own = frame[frame[facet] == label]
        bottom = own[names.CLUSTER].eq(last) if last is not None else pd.Series(False, own.index)
        order = pd.DataFrame({"bottom": bottom, "by": -own[by]}).sort_values(["bottom", "by"])
        tables.append(own.loc[order.index].drop(columns=facet).reset_index(drop=True))
    size = max(len(table) for table in tables)
    columns = [c for c in tables[0].columns if c != names.CLUSTER]
    found = {c: ((facet, PLACE), np.stack([_filled(t[c], size) for t in tables])) for c in columns}
    labels = np.stack([_filled(table[names.CLUSTER].astype(object), size) for table in tables])
    return xr.Dataset(
        found | {"label": ((facet, PLACE), labels)},
        coords={facet: list(facets), PLACE: np.arange(size)},
    )


def empty_forest(
    rows: xr.Dataset, *, backend: str | None, beside: float, header: int, **pc_kwargs: Any
) -> tuple[PlotCollection, float]:
    """Lay out one facet beside the other, one row a place, labels at the left.

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
    facets, size = rows.sizes[facet_of(rows)], rows.sizes[PLACE]
    columns = int(pc_kwargs.get("col_wrap", facet_columns(facets, labels)))
    room = figure_size(labels, rows=size + header, facets=facets, columns=columns, beside=beside)
    grid = -(-facets // columns), columns
    layout: dict[str, Any] = {
        "cols": [facet_of(rows)], "col_wrap": columns,
        "aes": {"y": [PLACE]}, "y": -np.arange(size),
    }  # fmt: skip
    figure = sized(room, backend, spaced(room, labels, beside, grid, backend))
    figure |= pc_kwargs.pop("figure_kwargs", {})
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
    if str(plots.backend) == "plotly":
        # What stands beside the last facet is outside of it.
        plots.viz["figure"].item().update_layout(margin={"r": 100 * beside + 20})
    return plots, float(room[0])


def spaced(
    room: tuple[float, float], labels: Sequence[Any], beside: float, grid: tuple[int, int],
    backend: str | None,
) -> dict[str, Any]:  # fmt: skip
    """Leave room between facets where a backend does not by itself: Plotly does not."""
    if (backend or rcParams["plot.backend"]) != "plotly":
        return {}
    rows, columns = grid
    longest = max(len(line) for label in labels for line in broken(label, LINE).split("\n"))
    found = {}
    if columns > 1:
        across = (longest * CHARACTER + beside + 0.2) / room[0]
        found["plot_hspace"] = min(across, 0.9 / (columns - 1))
    if rows > 1:
        found["vertical_spacing"] = min(_BETWEEN / room[1], 0.9 / (rows - 1))
    return found


def facet_of(rows: xr.Dataset) -> str:
    """Return what a facet is."""
    return next(str(dim) for dim in rows.dims if dim != PLACE)


def column(rows: xr.Dataset, name: str) -> xr.Dataset:
    """Return one column under the name all marks share."""
    return rows[[name]].rename({name: VALUE})


def interval(rows: xr.Dataset, lower: str = "lower", upper: str = "upper") -> xr.Dataset:
    """Return both ends of each row's interval: (artist, place, ci_bound)."""
    ends = xr.concat([rows[lower], rows[upper]], dim=pd.Index(["lower", "upper"], name=BOUND))
    return ends.rename(VALUE).to_dataset()


def per_facet(rows: xr.Dataset, texts: Sequence[str] | None = None) -> xr.Dataset:
    """Return one value a facet, for what is drawn once in each."""
    facet = facet_of(rows)
    values = list(texts) if texts is not None else [0.0] * rows.sizes[facet]
    return xr.Dataset({VALUE: (facet, values)}, coords={facet: rows[facet]})


def title_facets(
    plots: PlotCollection, rows: xr.Dataset, titles: Sequence[str] | None = None
) -> None:
    """Write above each facet what it is about."""
    labels = titles or [str(label) for label in rows[facet_of(rows)].values]
    plots.map(_title, "title", data=per_facet(rows, labels), **ONCE)


def write_beside(plots: PlotCollection, texts: xr.Dataset, label: str, x: Any) -> None:
    """Write a text at the right of each row."""
    plots.map(write, label, data=texts, x=x, color=INK, horizontal_align="left", beside=True)


def write_key(
    plots: PlotCollection, rows: xr.Dataset, words: Sequence[tuple[float, str, str]], y: float,
    *, edge: float = np.inf,
) -> None:  # fmt: skip
    """Name the marks in their own colours, above the rows of the first facet.

    Parameters
    ----------
    words
        Where each word starts on the x axis, the word, and its colour.
    edge
        Right end of the axis: a word beyond it stands beside the facet.
    """
    others = [""] * (rows.sizes[facet_of(rows)] - 1)
    for number, (x, word, colour) in enumerate(words):
        plots.map(
            write, f"key_{number}", data=per_facet(rows, [word, *others]),
            x=x, y=y, color=colour, horizontal_align="left", beside=x > edge, **ONCE,
        )  # fmt: skip


def _title(da: xr.DataArray, target: Any, **kwargs: Any) -> Any:
    text = spelled(broken(da.item(), _TITLE_LINE), backend_of(target))
    return visuals.labelled_title(da, target, text=text, **kwargs)


def _filled(values: pd.Series[Any], size: int) -> Any:
    filler = None if values.dtype == object else np.nan
    return values.reindex(range(size), fill_value=filler).to_numpy()
