"""Telling: findings as charts, with the finding's own numbers."""

import numpy as np
import pytest
import xarray as xr

import coterie as co
from coterie.deck.sentences import twentieths
from coterie.deck.slides import ROWS, Bars, Map, Table
from coterie.deck.story import of_finding
from coterie.deck.telling import chart_of
from coterie.findings import of_share


def measured(values, *, unit="euro", **ends):
    clusters = [f"cluster {i}" for i in range(len(values))]
    table = xr.Dataset(
        {"worth": ("cluster", values, {"units": unit, "says": "worth of a euro"})}
        | {f"worth_{end}": ("cluster", v, {"units": unit}) for end, v in ends.items()},
        coords={"cluster": clusters}, attrs={"main": "worth"},
    )  # fmt: skip
    return co.Finding("worth", "Cluster 1 is worth most.", table)


def test_a_main_number_is_bars_from_the_best_down_with_its_own_ends():
    chart, left = chart_of(measured([1.0, 3.0, 2.0], lower=[0.5, 2, 1], upper=[2.0, 4, 5]))
    assert isinstance(chart, Bars)
    assert left == 0
    assert chart.frame["label"].tolist() == ["cluster 1", "cluster 2", "cluster 0"]
    assert chart.frame["upper"].tolist() == [4, 5, 2]
    assert chart.frame["text"].tolist() == ["3", "2", "1"]
    assert (chart.most, chart.value) == (5, "worth of a euro")


def test_a_probability_is_told_in_twentieths_on_an_axis_to_one():
    chart, _ = chart_of(measured([0.5, np.nan], unit="probability"))
    assert chart.frame["text"].tolist() == ["10 of 20", "not known"]
    assert chart.most == 1.0
    assert not chart.lined


def test_a_page_heads_rows_with_what_they_are(tmp_path):
    found = measured([1.0, 3.0])
    lines = co.Finding("worth", found.headline, found.table.rename(cluster="line"))
    for finding, head in ((found, "Cluster"), (lines, "Line")):
        page = co.Deck([finding]).to_html(tmp_path / "deck.html").read_text(encoding="utf-8")
        assert f'<th scope="col">{head}</th><th scope="col">worth of a euro</th>' in page


def test_numbers_below_nought_are_a_table():
    chart, _ = chart_of(measured([-1.0, 3.0]))
    assert isinstance(chart, Table)


def test_what_has_no_room_is_counted():
    chart, left = chart_of(measured(np.arange(1.0, 15.0)))
    assert (len(chart.frame), left) == (ROWS, 14 - ROWS)
    assert f"{14 - ROWS} more rows" in of_finding(measured(np.arange(1.0, 15.0))).sure


def mapped(good, draws=400):
    table = xr.Dataset(
        {"good": (("cluster", "dimension"), good, {"units": "probability"})},
        coords={"cluster": ["a", "b", "c"][: len(good)], "dimension": ["fit", "intent", "reach"]},
        attrs={"main": "good", "draws": draws},
    )  # fmt: skip
    return co.Finding("dimensions", "B fits best.", table)


def test_a_map_is_ordered_by_its_first_column_and_adds_nothing_up():
    # Their means are 0.77, 0.4 and 0.5.
    good = [[0.3, 1.0, 1.0], [0.8, 0.2, 0.2], [np.nan, 0.5, 0.5]]
    chart, _ = chart_of(mapped(good))
    assert isinstance(chart, Map)
    assert list(chart.frame.index) == ["b", "a", "c"]


def test_a_cell_of_a_map_is_never_certain_for_draws_are_finite():
    chart, _ = chart_of(mapped([[1.0, 0.0, 0.5]]))
    # Half a draw of 401 is 0.0012: what of_share says is what the cell says.
    assert chart.frame.iloc[0].tolist() == pytest.approx([400.5 / 401, 0.5 / 401, 0.5])
    told = [twentieths(v, unsure=False) for v in chart.frame.iloc[0]]
    assert told == ["> 19", "·", "10"]
    assert of_share(1.0, 400) == "more than 19 of 20"
    exact, _ = chart_of(mapped([[1.0, 0.0, 0.5]], draws=None))
    assert exact.frame.iloc[0].tolist() == [1.0, 0.0, 0.5]


def test_a_backtest_shows_how_often_intervals_held_beside_how_often_they_should():
    beliefs = co.example_beliefs()
    found = co.backtest(beliefs, beliefs.evidence, of="observed", rng=np.random.default_rng(1))
    chart, _ = chart_of(found)
    assert chart.frame["value"].tolist() == found.table["coverage"].to_numpy().tolist()
    assert chart.frame["before"].unique().tolist() == [0.9]
    slide = of_finding(found)
    assert slide.headline == co.say_calibration(found)
    assert found.headline in slide.notes[0]


def test_several_beliefs_are_told_apart_by_their_names():
    beliefs = co.example_beliefs()
    with pytest.raises(co.FindingError, match="2 beliefs in one deck cannot be told apart"):
        co.Deck([beliefs, beliefs])
    deck = co.Deck({"spring": beliefs, "autumn": beliefs}, artists=["Marrow"])
    half = len(deck.slides) // 2
    assert all(s.headline.startswith("spring: ") for s in deck.slides[:half])
    assert all(s.name.startswith("autumn-") for s in deck.slides[half:])


def test_a_warning_not_to_act_stays_first_in_a_named_headline():
    from dataclasses import replace

    from coterie.deck.deck import _under
    from coterie.deck.slides import NOT_YET, warning_of

    slide = of_finding(measured([1.0]))
    told = _under("spring", replace(slide, headline=f"{NOT_YET}: it has not settled"))
    assert warning_of([told]) == told.headline
    assert told.headline.endswith("(spring)")
