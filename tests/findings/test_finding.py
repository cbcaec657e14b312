import json

import numpy as np
import pytest
import xarray as xr

import coterie as co


def finding(**changes):
    table = xr.Dataset(
        {
            "score": ("outcome", [-1.25, np.nan], {"units": "nats"}),
            "gain": (("outcome", "over"), [[0.1, 0.2], [0.3, 0.4]], {"units": "nats"}),
            "pit": (("row", "outcome"), np.zeros((5, 2)), {"units": "probability"}),
        },
        coords={"outcome": ["save", "<b>add</b>"], "over": ["a", "b"]},
    )
    stated = {
        "kind": "backtest",
        "headline": "save: good.",
        "table": table,
        "caveats": ["rows & few"],
        "provenance": {"rows": np.int64(5), "by": {"x": 1.5}},
    }
    return co.Finding(**(stated | changes))


def test_a_frame_has_one_row_for_each_label_and_a_column_for_each_further_label():
    frame = finding().to_frame()

    assert frame.columns.tolist() == ["outcome", "score", "gain_a", "gain_b"]
    assert frame["gain_b"].tolist() == [0.2, 0.4]


def test_a_finding_survives_json_with_missing_numbers_as_null():
    told = json.loads(json.dumps(finding().to_dict(), allow_nan=False))

    assert told["table"][0] == {"outcome": "save", "score": -1.25, "gain_a": 0.1, "gain_b": 0.2}
    assert told["table"][1]["score"] is None
    assert told["units"]["score"] == "nats"
    assert told["provenance"] == {"rows": 5, "by": {"x": 1.5}}


def test_the_text_leads_with_the_headline_and_names_every_caveat():
    lines = repr(finding()).splitlines()

    assert lines[0].endswith("save: good.")
    assert "caveat: rows & few" in lines[-1]


def test_the_text_of_a_long_finding_stays_under_25_lines():
    many = xr.Dataset({"x": ("cluster", np.arange(500.0), {"units": "rate"})})
    text = repr(finding(table=many, caveats=[f"number {i}" for i in range(30)]))

    assert len(text.splitlines()) < 25
    assert "and 491 more rows" in text
    assert "and 25 more in .caveats" in text


def test_no_line_of_the_text_is_cut_and_none_is_longer_than_a_screen():
    words = " ".join(f"word{i}" for i in range(60))
    wide = xr.Dataset(
        {
            f"a_rather_long_name_{i}": ("artist", np.arange(10.0) / 3, {"units": "x"})
            for i in range(9)
        },
        coords={"artist": [f"an artist of a long name, number {i}" for i in range(10)]},
    )
    text = repr(finding(headline=words, table=wide, caveats=[words]))

    assert all(len(line) <= 100 for line in text.splitlines())
    told = text.split()
    assert [word for word in told if word.startswith("word")] == 2 * words.split()
    assert all(f"a_rather_long_name_{i}" in told for i in range(9))


def test_what_the_text_leaves_out_is_counted_and_its_place_named():
    few = xr.Dataset({f"x{i}": ("artist", [0.0, 1.0], {"units": "x"}) for i in range(20)})
    few["aside"] = ("cluster", [1.0, 2.0], {"units": "x"})
    text = repr(finding(table=few.assign_coords(artist=["a", "b"])))

    # The artist and thirteen of twenty numbers.
    assert "x12" in text
    assert "x13" not in text
    assert "and 7 more columns: all 21 are in .to_frame()" in text
    assert "not in these rows, but in .table: aside (cluster)" in text


def test_html_escapes_every_word_that_came_from_outside():
    page = finding(headline="<script>alert(1)</script>")._repr_html_()

    assert "<script" not in page
    assert "<b>" not in page
    assert "rows &amp; few" in page


def test_html_of_many_rows_stays_under_50_kilobytes():
    many = xr.Dataset({"x": ("cluster", np.arange(5000.0), {"units": "rate"})})

    assert len(finding(table=many)._repr_html_()) < 50_000


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"headline": "  "}, "no headline"),
        ({"table": xr.Dataset()}, "empty table"),
        ({"table": xr.Dataset({"x": ("row", [1.0])})}, "'x' in a finding's table states no unit"),
    ],
)
def test_a_finding_without_an_answer_or_a_unit_is_refused(changes, told):
    with pytest.raises(co.FindingError, match=told):
        finding(**changes)


def test_a_severity_and_parts_are_told_where_there_are_any_and_only_there():
    own = finding(kind="blocker", severity="weakens")
    whole = finding(kind="audit", parts=[own])

    assert "<coterie.Finding: blocker, weakens>" in repr(own)
    assert "coterie.Finding: blocker, weakens" in own._repr_html_()
    assert own.to_dict()["severity"] == "weakens"
    assert "parts" not in own.to_dict()
    assert "severity" not in whole.to_dict()
    assert whole.to_dict()["parts"] == [own.to_dict()]
    assert whole.parts == (own,)
    json.dumps(whole.to_dict(), allow_nan=False)


def test_a_severity_that_is_none_is_refused():
    with pytest.raises(co.FindingError, match="severity of a 'backtest' finding is 'awful'"):
        finding(severity="awful")


def test_sentences_in_a_table_are_told_whole_below_its_numbers():
    told = ["short", "a sentence " * 12]
    table = xr.Dataset(
        {"chance": ("check", [0.5, 1.0], {"units": "x"}), "why": ("check", told, {"units": "x"})},
        coords={"check": ["one", "two"]},
    )
    text = repr(finding(table=table))

    assert all(len(line) <= 100 for line in text.splitlines())
    assert text.count("sentence") == 12
    assert "why of two: a sentence" in text
