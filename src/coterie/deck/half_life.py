"""Half-life: what each speed of forgetting gained, in one picture.

Callers may trust that points, errors and the choice are the finding's own. Computes nothing.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import xarray as xr
from arviz_plots import PlotCollection, visuals
from arviz_plots.plot_collection import backend_from_object

from coterie.deck.style import (
    BLUE,
    GREY,
    INK,
    SMALL,
    VERMILION,
    described,
    dressed,
    filled,
    sized,
    title_figure,
)
from coterie.errors import FindingError
from coterie.findings import Finding

VALUE: Final = "value"
AXIS: Final = "plot_axis"
HALF_LIFE: Final = "half_life"
_ONCE: Final = {"store_artist": False}


def plot_half_life(
    finding: Finding, *, backend: str | None = None, **pc_kwargs: Any
) -> PlotCollection:
    """Draw how much better each half-life foresaw the next window than none.

    One point a half-life, shortest on the left and never on the right, with one standard
    error either way. The chosen one stands out: the longest within one standard error of
    the best. Where the curve only falls away from "never", nothing needs to fade.

    Parameters
    ----------
    finding
        From :func:`coterie.choose_half_life`.
    backend
        As in :func:`coterie.plot_home`.
    **pc_kwargs
        Passed to :meth:`arviz_plots.PlotCollection.wrap`.

    Returns
    -------
    arviz_plots.PlotCollection
        Visuals ``zero``, ``curve``, ``error``, ``tried`` and ``chosen``. Nothing is shown
        or saved.

    Raises
    ------
    FindingError
        If the finding is of another kind.

    Examples
    --------
    >>> found = co.choose_half_life(  # doctest: +SKIP
    ...     evidence, ["28D", "112D"], prior=prior, rng=rng
    ... )
    >>> co.plot_half_life(found)  # doctest: +SKIP
    """
    if finding.kind != "half-life":
        raise FindingError(
            f"Half-lives are drawn from a finding about them; this one is a {finding.kind!r}. "
            "Make one with coterie.choose_half_life(evidence, values, prior=prior, rng=rng)."
        )
    with dressed(backend):
        plots = _draw(finding.table, backend=backend, **pc_kwargs)
    return described(plots, finding.headline)


def _draw(table: xr.Dataset, *, backend: str | None, **pc_kwargs: Any) -> PlotCollection:
    size = (max(5.5, 1.6 + 0.75 * table.sizes[HALF_LIFE]), 3.6)
    figure = sized(size, backend, pc_kwargs.pop("figure_kwargs", {}))
    bare = xr.Dataset({VALUE: 0.0})
    plots = PlotCollection.wrap(bare, backend=backend, figure_kwargs=figure, **pc_kwargs)
    place = np.arange(float(table.sizes[HALF_LIFE]))
    gain, error = table["gain"].to_numpy(), table["gain_se"].to_numpy()
    plots.map(visuals.hline, "zero", data=bare, color=GREY, width=1)
    plots.map(visuals.line_xy, "curve", data=_points(place, gain), color=GREY, width=1)
    for i, (x, y, half) in enumerate(zip(place, gain, np.nan_to_num(error), strict=True)):
        bar = _points(np.array([x, x]), np.array([y - half, y + half]))
        plots.map(visuals.line_xy, "error" if i == 0 else f"error_{i}", data=bar,
                  color=BLUE, width=2)  # fmt: skip
    is_chosen = table["chosen"].to_numpy() == 1
    plots.map(
        visuals.scatter_xy, "tried", data=_points(place[~is_chosen], gain[~is_chosen]),
        **filled("o", BLUE, backend, size=40),
    )  # fmt: skip
    plots.map(
        visuals.scatter_xy, "chosen", data=_points(place[is_chosen], gain[is_chosen]),
        **filled("D", VERMILION, backend, size=70),
    )  # fmt: skip
    words = [str(label) for label in table[HALF_LIFE].values]
    plots.map(_ticks, words=words, data=bare, **_ONCE)
    plots.map(visuals.labelled_x, text="half-life", color=INK, data=bare, **_ONCE)
    plots.map(
        visuals.labelled_y, text="gain over never (nats a row)", color=INK, data=bare, **_ONCE
    )
    chosen = words[int(np.argmax(is_chosen))]
    title_figure(
        plots,
        f"How well what came next was foreseen. ◆ {chosen}: the longest within one standard "
        "error of the best. Bars: one standard error.",
        size[0],
    )
    return plots


def _points(x: Any, y: Any) -> xr.Dataset:
    both = xr.DataArray(np.stack([x, y]), dims=(AXIS, "point"), coords={AXIS: ["x", "y"]})
    return both.to_dataset(name=VALUE)


def _ticks(da: xr.DataArray, target: Any, *, words: list[str]) -> Any:
    del da
    return backend_from_object(target).xticks(np.arange(len(words)), words, target, size=SMALL)
