import numpy as np
import pytest
import xarray as xr

import coterie as co


def backtested(outcomes=("save", "depth")):
    steps = np.linspace(0, 1, 101)
    size = len(outcomes)
    curve = np.outer(np.linspace(0.1, 0.4, size), np.sin(2 * np.pi * steps))
    band = 0.1 * np.sqrt(steps * (1 - steps))
    by_step = ("outcome", "step")
    share = {"units": "share of rows", "prob": 0.99}
    table = xr.Dataset(
        {
            "score": ("outcome", np.full(size, -1.0), {"units": "nats a row"}),
            "coverage": ("outcome", np.full(size, 0.91), share | {"prob": 0.9}),
            "n": ("outcome", np.full(size, 2310), {"units": "rows"}),
            "ecdf_difference": (by_step, curve, share),
            "band_lower": (by_step, np.tile(-band, (size, 1)), share),
            "band_upper": (by_step, np.tile(band, (size, 1)), share),
        },
        coords={"outcome": list(outcomes), "step": steps},
    )
    return co.Finding(kind="backtest", headline="save: good.", table=table)


def test_the_curve_and_band_drawn_are_the_findings_own():
    finding = backtested()
    plots = co.plot_calibration(finding, backend="none")
    own = finding.table.sel(outcome="depth")
    curve = plots.viz["curve"]["value"].sel(outcome="depth").item()
    band = plots.viz["band"]["value"].sel(outcome="depth").item()

    assert np.asarray(curve["y"]) == pytest.approx(own["ecdf_difference"].values)
    assert np.asarray(band["y_top"]) == pytest.approx(own["band_upper"].values)
    assert np.asarray(band["y_bottom"]) == pytest.approx(own["band_lower"].values)


def test_each_facet_says_how_often_its_intervals_held_and_of_how_many_rows():
    plots = co.plot_calibration(backtested(), backend="none")

    assert plots.viz["title"]["value"].sel(outcome="save").item()["string"] == (
        "save\n90 % intervals held\n91 % of 2,310 rows"
    )


def test_the_figure_says_what_the_band_means():
    figure = co.plot_calibration(backtested(), backend="matplotlib").viz["figure"].item()

    assert "99 of 100 calibrated models" in figure.get_suptitle().replace("\n", " ")


def test_all_facets_share_one_scale_that_holds_every_curve():
    figure = co.plot_calibration(backtested(), backend="matplotlib").viz["figure"].item()
    limits = {axes.get_ylim() for axes in figure.axes}

    assert len(limits) == 1
    assert limits.pop()[1] > 0.4


@pytest.mark.parametrize("size", [1, 5, 7])
def test_any_number_of_outcomes_is_drawn_one_facet_each(size):
    outcomes = [f"outcome {i}" for i in range(size)]
    figure = co.plot_calibration(backtested(outcomes), backend="matplotlib").viz["figure"].item()
    figure.draw_without_rendering()

    assert sum(axes.axison for axes in figure.axes) == size


def test_a_finding_of_another_kind_is_refused():
    table = backtested().table
    other = co.Finding(kind="lift", headline="Up.", table=table)

    with pytest.raises(co.FindingError, match="this finding is a 'lift'"):
        co.plot_calibration(other)
