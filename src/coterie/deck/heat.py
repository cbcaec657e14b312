"""Heat: tables of probabilities, shaded, with what is not settled drawn small.

Makes pictures of who belongs where, and of how sure an order is. Callers may trust that every
number is one of :meth:`Beliefs.to_frame` or of its draws, and that what is left out is said.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import xarray as xr
from arviz_base import rcParams
from arviz_plots import PlotCollection
from arviz_plots.plot_collection import backend_from_object

from coterie import names
from coterie.deck.places import RANK, places, ranks
from coterie.deck.saying import everybody_sentence, say_ranks
from coterie.deck.sentences import shortened, twentieths
from coterie.deck.style import (
    PALE,
    PLAIN,
    backend_of,
    broken,
    described,
    dressed,
    filled,
    interval_in_words,
    shade,
    sized,
    spelled,
    title_figure,
)

if TYPE_CHECKING:
    from coterie.beliefs import Beliefs

VALUE: Final = "value"
PART: Final = "part"
_ONCE: Final = {"store_artist": False, "ignore_aes": "all"}
_ROWS: Final = 40
_COLUMNS: Final = 20
_SIDE: Final = 0.46
"""A cell's side, in inches."""
_LEAST: Final = 0.35
"""Side of the mark of a number that is not settled at all, over that of one that is."""
_POINTS: Final = 72
_UPRIGHT: Final = 26
"""Letters of a name that stands upright under its column."""
_LABEL: Final = 40
_SHORT: Final = 3


def plot_affinity(
    beliefs: Beliefs,
    *,
    artists: Sequence[Hashable] | None = None,
    backend: str | None = None,
    **pc_kwargs: Any,
) -> PlotCollection:
    """Draw who belongs where: darker is likelier, larger is more settled.

    Parameters
    ----------
    beliefs
        From :func:`coterie.fit`, with one home or many.
    artists
        Whom to draw, in this order. Left out, all, the surest first, forty at most.
    backend
        As in :func:`coterie.plot_home`.
    **pc_kwargs
        Passed to :meth:`arviz_plots.PlotCollection.wrap`.

    Returns
    -------
    arviz_plots.PlotCollection
        Visuals ``cell`` and ``number`` over (artist, cluster): outcomes of twenty, in squares
        whose side shrinks with the width of the interval. Clusters stand from the most believed
        to the least; one home has a last column ``elsewhere``.

    Raises
    ------
    FindingError
        If these beliefs hold no membership.
    BeliefError
        If an artist is unknown.

    Examples
    --------
    >>> plots = co.plot_affinity(co.example_beliefs(), backend="none")
    >>> dict(plots.viz["cell"].sizes)
    {'artist': 20, 'cluster': 6}
    """
    table = places(beliefs, artists)
    wide = table.assign(width=table["upper"] - table["lower"]).set_index(
        [names.ARTIST, names.CLUSTER]
    )[["belief", "width"]]
    found = wide.to_xarray().to_array(PART).rename(VALUE)
    drawn = list(dict.fromkeys(table[names.ARTIST]))
    belief = found.sel({PART: "belief"}).fillna(0.0)
    inside = belief.drop_sel({names.CLUSTER: names.ELSEWHERE}, errors="ignore")
    if artists is None:
        best = inside.max(names.CLUSTER).sel({names.ARTIST: drawn}).to_series()
        drawn = list(best.sort_values(ascending=False, kind="stable").index[:_ROWS])
    across = inside.sel({names.ARTIST: drawn}).sum(names.ARTIST).to_series()
    columns = list(across.sort_values(ascending=False, kind="stable").index[:_COLUMNS])
    left = len(across) - len(columns), len(set(table[names.ARTIST])) - len(drawn)
    columns += [names.ELSEWHERE] if beliefs.homes == "one" else []
    words = interval_in_words({str(k): v for k, v in table.attrs.items()})
    title = f"Outcomes of 20. Darker: likelier. Larger: more settled ({words}).{_left_out(left)}"
    cells = found.sel({names.ARTIST: drawn, names.CLUSTER: columns}).to_dataset(name=VALUE)
    with dressed(backend):
        plots = _draw(cells, names.ARTIST, names.CLUSTER, title, backend, pc_kwargs)
    return described(plots, everybody_sentence(table, str(beliefs.homes)))


def plot_ranks(
    beliefs: Beliefs, *, artist: Hashable, backend: str | None = None, **pc_kwargs: Any
) -> PlotCollection:
    """Draw how sure the order of clusters is: the probability of each rank.

    Parameters
    ----------
    beliefs
        From :func:`coterie.fit`, with one home or many.
    artist
        Whom it is about.
    backend
        As in :func:`coterie.plot_home`.
    **pc_kwargs
        Passed to :meth:`arviz_plots.PlotCollection.wrap`.

    Returns
    -------
    arviz_plots.PlotCollection
        Visuals ``cell`` and ``number`` over (cluster, rank): in how many of twenty equally likely
        populations a cluster's belief has that rank. The likeliest first cluster is on top.

    Raises
    ------
    FindingError
        If these beliefs hold no membership.
    BeliefError
        If the artist is unknown.

    Examples
    --------
    >>> plots = co.plot_ranks(co.example_beliefs(), artist="Marrow", backend="none")
    >>> dict(plots.viz["cell"].sizes)
    {'cluster': 5, 'rank': 5}
    """
    found = ranks(beliefs, [artist]).isel({names.ARTIST: 0}, drop=True)
    order = (found * found[RANK]).sum(RANK).to_series().sort_values(kind="stable").index
    shown = found.sel({names.CLUSTER: list(order[:_COLUMNS])}).isel({RANK: slice(_COLUMNS)})
    settled = xr.zeros_like(shown)
    cells = xr.concat([shown, settled], dim=PART).assign_coords({PART: ["belief", "width"]})
    left = len(order) - shown.sizes[names.CLUSTER], 0
    title = (
        f"How sure is the order of {shortened(artist, _LABEL)}'s clusters? In how many of 20 "
        f"equally likely populations each comes first, second, ...{_left_out(left)}"
    )
    with dressed(backend):
        plots = _draw(
            cells.to_dataset(name=VALUE), names.CLUSTER, RANK, title, backend, pc_kwargs
        )  # fmt: skip
    return described(plots, say_ranks(beliefs, artist))


def _left_out(left: tuple[int, int]) -> str:
    told = [f"{n} {what}" for n, what in zip(left, ("clusters", "artists"), strict=True) if n]
    return f" Not shown: {' and '.join(told)}." if told else ""


def _draw(
    cells: xr.Dataset, up: str, across: str, title: str, backend: str | None, more: dict[str, Any]
) -> PlotCollection:
    """Draw (part, up, across) as a table of squares with numbers."""
    rows, columns = cells.sizes[up], cells.sizes[across]
    labels = [broken(label, _LABEL) for label in cells[up].to_numpy()]
    longest = max(len(line) for label in labels for line in label.split("\n"))
    under = 0.08 * max(map(len, _names(cells[across])))
    size = (max(columns * _SIDE + 0.09 * longest + 0.6, 5.0), rows * _SIDE + 1.2 + under)
    figure = sized(size, backend, more.pop("figure_kwargs", {}))
    # ArviZ knows x and y of dimensions; a label may be text, so that places are numbers.
    layout: dict[str, Any] = {
        "aes": {"x": [across], "y": [up]}, "x": np.arange(columns), "y": -np.arange(rows),
    }  # fmt: skip
    base = cells.isel({PART: 0}, drop=True)
    plots = PlotCollection.wrap(base, backend=backend, figure_kwargs=figure, **(layout | more))
    side = _SIDE * _POINTS * 0.94
    plots.map(_square, "cell", data=cells, side=side, backend=backend)
    plots.map(_number, "number", data=cells, backend=backend or rcParams["plot.backend"])
    whole = base.isel({up: 0, across: 0}, drop=True)
    plots.map(_frame, "frame", data=whole, labels=labels, below=_names(cells[across]), **_ONCE)
    title_figure(plots, title, size[0])
    return plots


def _names(across: xr.DataArray) -> list[str]:
    return [shortened(label, _UPRIGHT) for label in across.to_numpy()]


def _square(da: xr.DataArray, target: Any, *, side: float, backend: str | None, **at: Any) -> Any:
    belief, width = (float(da.sel({PART: part})) for part in ("belief", "width"))
    if np.isnan(belief):
        return None
    share = 1 - (1 - _LEAST) * min(width, 1.0)
    colour = shade(belief)[0]
    mark = filled("s", colour, backend, size=(share * side) ** 2)
    mark |= {"facecolor": colour, "edgecolor": PALE, "width": 0.6}
    return backend_from_object(target).scatter(at["x"], at["y"], target, **mark)


def _number(da: xr.DataArray, target: Any, *, backend: str | None, **at: Any) -> Any:
    belief = float(da.sel({PART: "belief"}))
    # Plotly calls the middle of a height by another name than all others.
    middle = "middle" if backend == "plotly" else "center"
    return backend_from_object(target).text(
        at["x"], at["y"], twentieths(belief, unsure=False), target, size=PLAIN,
        color=shade(belief)[1], horizontal_align="center", vertical_align=middle,
    )  # fmt: skip


def _frame(da: xr.DataArray, target: Any, *, labels: list[str], below: list[str]) -> None:
    """Name rows and columns, once; ``da`` is not read."""
    del da
    longest = max(map(len, below))
    plots, name = backend_from_object(target), backend_of(target)
    labels, below = ([spelled(text, name) for text in each] for each in (labels, below))
    plots.yticks(-np.arange(len(labels)), labels, target)
    upright = 90 if longest > _SHORT else 0
    plots.xticks(np.arange(len(below)), below, target, rotation=upright)
    plots.xlim((-0.6, len(below) - 0.4), target)
    plots.ylim((-len(labels) + 0.4, 0.6), target)
