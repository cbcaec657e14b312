"""Population: what a prior says listeners do, before any table is opened.

Makes one picture from drawn prior rates. Callers may trust that each dot is one of
20 equally likely cells. Computes nothing but where a dot stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import xarray as xr
from arviz_plots import PlotCollection, visuals
from arviz_plots.plot_collection import backend_from_object

from coterie import names
from coterie.deck.style import (
    BLUE,
    GREY,
    INK,
    VERMILION,
    described,
    dressed,
    filled,
    sized,
    title_figure,
)
from coterie.findings import prior_rates
from coterie.typing import Floats

if TYPE_CHECKING:
    import numpy.typing as npt

    from coterie.beliefs import PopulationPrior
    from coterie.evidence import Outcome

VALUE: Final = "value"
WHO: Final = "who"
DOT: Final = "quantile"
AXIS: Final = "plot_axis"
BINS: Final = 21
"""Columns of dots across an axis."""
MARKS: Final = {"home": (BLUE, "o"), "any cluster": (VERMILION, "D")}
_ONCE: Final = {"store_artist": False}


def plot_prior(
    population_prior: PopulationPrior,
    outcomes: Sequence[Outcome],
    *,
    rng: np.random.Generator,
    backend: str | None = None,
    **pc_kwargs: Any,
) -> PlotCollection:
    """Draw the rates a population prior believes in, before any evidence.

    Parameters
    ----------
    population_prior
        The prior of each population parameter.
    outcomes
        What is to be counted.
    rng
        Source of chance.
    backend
        As in :func:`coterie.plot_home`.
    **pc_kwargs
        Passed to :meth:`arviz_plots.PlotCollection.wrap`.

    Returns
    -------
    arviz_plots.PlotCollection
        One facet an outcome; visuals ``home`` and ``any cluster``, 20 dots each: percent
        for binary outcomes, events a unit of exposure (on a scale of factors of ten) for
        counts. Nothing is shown or saved.

    Examples
    --------
    >>> outcomes = co.example_beliefs().evidence.outcomes
    >>> plots = co.plot_prior(co.PopulationPrior(), outcomes, rng=rng, backend="none")
    >>> plots.viz["home"].sizes["outcome"]
    5
    """
    table = prior_rates(population_prior, outcomes, rng=rng).table
    with dressed(backend):
        plots = _draw(table, backend=backend, **pc_kwargs)
    return described(plots, f"Rates before any evidence: {_alt(table)}")


def _alt(table: xr.Dataset) -> str:
    told = [
        f"of {name}, half of cells at home above {float(own.sel({WHO: 'home'})):.2g}, half "
        f"in any cluster above {float(own.sel({WHO: 'any cluster'})):.2g}"
        for name, own in zip(table[names.OUTCOME].values, table["median"], strict=True)
    ]
    return "; ".join(told)


def _draw(table: xr.Dataset, *, backend: str | None, **pc_kwargs: Any) -> PlotCollection:
    facets = table.sizes[names.OUTCOME]
    columns = int(pc_kwargs.pop("col_wrap", min(facets, 3)))
    size = (max(columns * 3.9 + 0.3, 5.5), -(-facets // columns) * 3.0 + 0.7)
    figure = sized(size, backend, pc_kwargs.pop("figure_kwargs", {}))
    layout: dict[str, Any] = {"cols": [names.OUTCOME], "col_wrap": columns}
    dots, axes = _dots(table)
    plots = PlotCollection.wrap(dots, backend=backend, figure_kwargs=figure, **(layout | pc_kwargs))
    once = {"data": axes[[VALUE]], **_ONCE}
    for who, (colour, marker) in MARKS.items():
        plots.map(
            visuals.scatter_xy, who, data=dots.sel({WHO: who}, drop=True),
            **filled(marker, colour, backend, size=34),
        )  # fmt: skip
        words = axes[[f"{who}_words"]].rename({f"{who}_words": VALUE})
        plots.map(
            _above, f"{who}_words", data=words, x=axes["left"], y=axes[f"{who}_top"], color=colour
        )
        plots.map(visuals.hline, data=axes[[f"{who}_base"]].rename({f"{who}_base": VALUE}),
                  color=GREY, width=0.8, **_ONCE)  # fmt: skip
    plots.map(_set_axis, ticks=axes["ticks"], labels=axes["labels"], **once)
    plots.map(_set_heights, top=axes["top"], **once)
    plots.map(_x_label, data=axes[["unit"]].rename(unit=VALUE), color=INK, **_ONCE)
    plots.map(_title, "title", data=axes[["name"]].rename(name=VALUE))
    draws = f"{table.attrs['draws']:,}"
    title_figure(
        plots,
        "What an artist's cell could show, before any evidence. Each dot: 1 of 20 equally likely "
        f"cells ({draws} draws).",
        size[0],
    )
    return plots


def _dots(table: xr.Dataset) -> tuple[xr.Dataset, xr.Dataset]:
    """Stack each outcome's dots into columns: those at home above those anywhere."""
    places, about = [], []
    for name in table[names.OUTCOME].values:
        own = table.sel({names.OUTCOME: name})
        binary = own["kind"].item() == "binary"
        rate = own["rate"].transpose(WHO, DOT).to_numpy()
        # Counts span factors of ten; a rate below a ten-thousandth stands at the edge.
        x = 100 * rate if binary else np.log10(np.maximum(rate, 1e-4))
        low, high = (0.0, 100.0) if binary else (np.floor(x.min()), np.ceil(x.max()))
        stacked = np.stack([_stacked(values, low, max(high, low + 1)) for values in x])
        heights = stacked[:, 1].max(axis=1) + 1
        stacked[0, 1] += heights[1] + _gap(heights)
        places.append(stacked)
        about.append(_about(own, low, max(high, low + 1), heights, binary=binary))
    coords = {names.OUTCOME: table[names.OUTCOME].values}
    dots = xr.DataArray(
        np.stack(places), dims=(names.OUTCOME, WHO, AXIS, DOT),
        coords=coords | {WHO: table[WHO].values, AXIS: ["x", "y"]}, name=VALUE,
    )  # fmt: skip
    axes = xr.Dataset(
        {key: (names.OUTCOME, _column([a[key] for a in about])) for key in about[0]}, coords=coords
    )
    return dots.to_dataset(), axes


def _stacked(values: Floats, low: float, high: float) -> Floats:
    edges = np.linspace(low, high, BINS + 1)
    column = np.clip(np.digitize(values, edges) - 1, 0, BINS - 1)
    height = np.array([int((column[:i] == c).sum()) for i, c in enumerate(column)])
    return np.stack([(edges[column] + edges[column + 1]) / 2, height.astype(np.float64)])


def _gap(heights: Floats) -> float:
    """Return the room that words need above the lower dots: more where dots are small."""
    return max(2.5, 0.16 * float(heights.sum()))


def _about(
    own: xr.Dataset, low: float, high: float, heights: Floats, *, binary: bool
) -> dict[str, Any]:
    ticks = np.linspace(0, 100, 6) if binary else np.arange(low, high + 1)
    labels = [f"{t:.0f}" for t in ticks] if binary else [f"{10.0**t:g}" for t in ticks]
    below, above = own[names.DENOMINATOR].item(), own[names.NUMERATOR].item()
    base = heights[1] + _gap(heights)
    found: dict[str, Any] = {
        VALUE: 0.0, "left": low, "ticks": tuple(ticks), "labels": tuple(labels),
        "unit": f"% of {below}" if binary else f"{above} per {below}",
        "name": own[names.OUTCOME].item(), "top": base + heights[0] + 2.0,
        "home_base": base - 0.6, "any cluster_base": -0.6,
        "home_top": base + heights[0] + 0.3, "any cluster_top": heights[1] + 0.3,
    }  # fmt: skip
    for who in MARKS:
        middle = float(own["median"].sel({WHO: who}))
        text = f"{100 * middle:.2g} %" if binary else f"{middle:.2g}"
        found[f"{who}_words"] = f"{who}: half above {text}"
    return found


def _column(values: list[Any]) -> npt.NDArray[Any]:
    if not isinstance(values[0], tuple):
        return np.array(values)
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column


def _above(da: xr.DataArray, target: Any, *, x: Any, y: Any, color: str) -> Any:
    return backend_from_object(target).text(
        float(x), float(y), str(da.item()), target, size=9, color=color,
        vertical_align="bottom", horizontal_align="left",
    )  # fmt: skip


def _set_axis(_: xr.DataArray, target: Any, *, ticks: Any, labels: Any) -> None:
    at, words = list(ticks.item()), list(labels.item())
    half = (at[-1] - at[0]) / BINS
    plots = backend_from_object(target)
    plots.xticks(at, words, target)
    plots.xlim((at[0] - half, at[-1] + half), target)


def _set_heights(_: xr.DataArray, target: Any, *, top: Any) -> None:
    plots = backend_from_object(target)
    plots.yticks([], [], target)
    plots.ylim((-1.0, float(top)), target)


def _x_label(da: xr.DataArray, target: Any, **kwargs: Any) -> Any:
    return visuals.labelled_x(da, target, text=str(da.item()), **kwargs)


def _title(da: xr.DataArray, target: Any, **kwargs: Any) -> Any:
    return visuals.labelled_title(da, target, text=str(da.item()), **kwargs)
