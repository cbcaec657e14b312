"""The picture of a finding's main number."""

import numpy as np
import pytest
import xarray as xr

import coterie as co
from coterie.deck.telling import bars_of

WORTH = {"save": 1, "add": 1.5, "follow": 4, "depth": 0.1}
PICTURES = ("none", "matplotlib", "plotly")


@pytest.fixture(scope="module")
def money():
    rng = np.random.default_rng(3)
    return co.durable_yield(co.example_beliefs(), "Oslo Choir", values=WORTH, rng=rng)


def test_rows_stand_best_first_with_the_findings_own_numbers(money):
    data = co.plot_finding(money, backend="none").viz
    table = money.table.to_dataframe().sort_values("yield", ascending=False)
    assert data["value"].sizes == {"kind": 1, "place": 5}
    frame = bars_of(money).frame
    np.testing.assert_allclose(frame["value"], table["yield"])
    np.testing.assert_allclose(frame["lower"], table["yield_lower"])
    assert list(frame["label"]) == list(table.index)


@pytest.mark.parametrize("backend", PICTURES)
def test_a_picture_is_drawn_and_says_what_it_shows(money, backend):
    plots = co.plot_finding(money, backend=backend)
    assert plots.viz.attrs["alt"] == money.headline
    assert {"value", "interval", "text"} <= set(plots.viz.children) | set(plots.viz.data_vars)


def test_the_kind_of_interval_is_written(money):
    figure = co.plot_finding(money, backend="matplotlib").viz["figure"].item()
    title = " ".join(figure.get_suptitle().split())
    assert "89 % equal-tailed interval" in title.replace("\u00a0", " ")


def test_a_number_without_ends_has_no_bars():
    table = xr.Dataset(
        {"amount": ("line", [3.0, 1.0], {"units": "money"})}, coords={"line": ["a", "b"]},
        attrs={"main": "amount"},
    )  # fmt: skip
    viz = co.plot_finding(co.Finding("split", "Three go to a.", table), backend="none").viz
    assert "interval" not in set(viz.children) | set(viz.data_vars)


def test_a_long_finding_is_cut_and_says_so():
    table = xr.Dataset(
        {"amount": ("line", np.arange(50.0), {"units": "money"})},
        coords={"line": [f"line {i}" for i in range(50)]}, attrs={"main": "amount"},
    )  # fmt: skip
    plots = co.plot_finding(co.Finding("split", "All get some.", table), backend="matplotlib")
    assert plots.viz["value"].sizes["place"] == 40
    assert "10 more rows" in plots.viz["figure"].item().get_suptitle().replace("\n", " ")


def test_what_is_no_bars_is_refused_with_the_way_to_its_rows(money):
    table = xr.Dataset({"gain": ("a", [-1.0], {"units": "u"})}, attrs={"main": "gain"})
    with pytest.raises(co.FindingError, match="to_frame"):
        co.plot_finding(co.Finding("loss", "It lost.", table), backend="none")
    with pytest.raises(co.FindingError, match="'Dataset'"):
        co.plot_finding(money.table, backend="none")
