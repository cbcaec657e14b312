"""Calibration: whether what happened fell where predictions said it would.

Makes one picture from a backtest. Callers may trust that curve and band are the
finding's own. Computes nothing.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import xarray as xr
from arviz_plots import PlotCollection, visuals

from coterie import names
from coterie.deck.saying import say_calibration
from coterie.deck.style import BLUE, GREY, INK, PALE, described, dressed, sized, title_figure
from coterie.findings import Finding

VALUE: Final = "value"
STEP: Final = "step"
AXIS: Final = "plot_axis"
_ONCE: Final = {"store_artist": False}


def plot_calibration(
    finding: Finding, *, backend: str | None = None, **pc_kwargs: Any
) -> PlotCollection:
    """Draw whether a backtest's predictions were as uncertain as they should have been.

    For each outcome: where what happened fell within its prediction (the PIT), as the
    share observed below each point less the share expected. A curve inside the band is
    what calibrated predictions show. Shaped like a rising then falling wave, outcomes
    came out lower than foreseen; like a falling then rising one, higher.

    Parameters
    ----------
    finding
        From :func:`coterie.backtest`.
    backend
        As in :func:`coterie.plot_home`.
    **pc_kwargs
        Passed to :meth:`arviz_plots.PlotCollection.wrap`.

    Returns
    -------
    arviz_plots.PlotCollection
        One facet an outcome; visuals ``band``, ``zero``, ``curve`` and ``title``.
        Nothing is shown or saved.

    Raises
    ------
    FindingError
        If the finding is not a backtest.

    Examples
    --------
    >>> beliefs = co.example_beliefs()
    >>> found = co.backtest(beliefs, beliefs.evidence, of="observed", rng=rng)
    >>> co.plot_calibration(found, backend="none").viz["curve"].sizes["outcome"]
    5
    """
    said = say_calibration(finding)
    with dressed(backend):
        plots = _draw(finding.table, backend=backend, **pc_kwargs)
    return described(plots, said)


def _draw(table: xr.Dataset, *, backend: str | None, **pc_kwargs: Any) -> PlotCollection:
    facets = table.sizes[names.OUTCOME]
    columns = int(pc_kwargs.pop("col_wrap", min(facets, 3)))
    size = (max(columns * 3.7 + 0.3, 5.5), -(-facets // columns) * 2.9 + 0.6)
    figure = sized(size, backend, pc_kwargs.pop("figure_kwargs", {}))
    curve = table[["ecdf_difference"]].rename(ecdf_difference=VALUE)
    layout: dict[str, Any] = {"cols": [names.OUTCOME], "col_wrap": columns}
    plots = PlotCollection.wrap(
        curve, backend=backend, figure_kwargs=figure, **(layout | pc_kwargs)
    )
    band = _together(table, {"x": STEP, "y_bottom": "band_lower", "y_top": "band_upper"}, "kwarg")
    plots.map(visuals.fill_between_y, "band", data=band, color=PALE)
    plots.map(visuals.hline, "zero", data=_one_each(table), color=GREY, width=1)
    line = _together(table, {"x": STEP, "y": "ecdf_difference"}, AXIS)
    plots.map(visuals.line_xy, "curve", data=line, color=BLUE, width=2)
    # One scale for all facets, so that a worse curve looks worse.
    shown = [table[v] for v in ("ecdf_difference", "band_lower", "band_upper")]
    reach = 1.15 * max(float(np.abs(values).max()) for values in shown)
    once = {"data": _one_each(table), **_ONCE}
    plots.map(visuals.set_xlim, limits=(0, 1), **once)
    plots.map(visuals.set_ylim, limits=(-reach, reach), **once)
    plots.map(visuals.labelled_x, text="where it fell in its prediction (PIT)", color=INK, **once)
    first = table[names.OUTCOME].isel({names.OUTCOME: slice(0, None, columns)})
    left = _one_each(table).sel({names.OUTCOME: first.values})
    plots.map(
        visuals.labelled_y, data=left, text="share observed less expected", color=INK, **_ONCE
    )
    plots.map(_title, "title", data=_titles(table))
    inside = f"{100 * float(table['band_lower'].attrs['prob']):.3g}"
    title_figure(
        plots, f"Grey band: {inside} of 100 calibrated models stay wholly inside it.", size[0]
    )
    return plots


def _together(table: xr.Dataset, parts: dict[str, str], dim: str) -> xr.Dataset:
    like = table["ecdf_difference"]
    pieces = [table[name].broadcast_like(like).drop_attrs() for name in parts.values()]
    joined = xr.concat([p.rename(VALUE) for p in pieces], dim=dim, coords="minimal")
    return joined.assign_coords({dim: list(parts)}).to_dataset()


def _one_each(table: xr.Dataset) -> xr.Dataset:
    zeros = xr.zeros_like(table["coverage"], dtype=float).drop_attrs()
    return zeros.rename(VALUE).to_dataset()


def _titles(table: xr.Dataset) -> xr.Dataset:
    held, n = (table[v].to_numpy() for v in ("coverage", "n"))
    prob = f"{100 * float(table['coverage'].attrs['prob']):.3g}"
    texts = [
        f"{name}\n{prob} % intervals held\n{100 * h:.3g} % of {int(rows):,} rows"
        for name, h, rows in zip(table[names.OUTCOME].values, held, n, strict=True)
    ]
    return xr.Dataset({VALUE: (names.OUTCOME, texts)}, coords={names.OUTCOME: table[names.OUTCOME]})


def _title(da: xr.DataArray, target: Any, **kwargs: Any) -> Any:
    return visuals.labelled_title(da, target, text=str(da.item()), **kwargs)
