"""Exports become one table of evidence, and nobody is in it twice."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pandas as pd
import pytest

import coterie as co

SAMPLES = Path(__file__).parent / "samples"


@pytest.fixture
def meta():
    return co.read_export(SAMPLES / "meta_ads_manager_campaign_en.csv", artist="Demo Artist")


@pytest.fixture
def campaigns():
    return co.read_export(SAMPLES / "s4a_campaigns_marquee_showcase.csv")


@pytest.fixture
def playlists():
    return co.read_export(SAMPLES / "s4a_Demo Artist-playlists-1year.csv", artist="Demo Artist")


NIGHT = {"release": "Night Window"}
LATE = {"campaign": "Late night, DE", "cluster": "late night", "geo": "DE"} | NIGHT
GYM = {"campaign": "Gym US", "cluster": "gym", "geo": "US"} | NIGHT
SEGMENTS = [
    {"segment": "All segments", "cluster": ""},
    {"segment": "Programmed listeners", "cluster": "programmed"},
    {"segment": "Previously active listeners", "cluster": "lapsed"},
]


def test_two_platforms_make_one_table_with_what_each_counts(meta, campaigns):
    table = co.assemble([meta, campaigns], [LATE, GYM, *SEGMENTS])
    assert table["cluster"].tolist() == ["late night", "gym", "programmed", "lapsed"]
    assert table["source"].tolist() == ["meta_ads"] * 2 + ["spotify_for_artists"] * 2
    assert table["clicks"].tolist()[:2] == [65, 10]
    assert table["saves"].tolist()[2:] == [10, 21]
    assert table["listeners"].tolist()[2:] == [140, 205]
    assert table["saves"].isna().tolist() == [True, True, False, False]
    assert table["geo"].tolist()[:2] == ["DE", "US"]
    assert (
        table["start"].tolist()
        == [pd.Timestamp("2026-07-23")] * 2 + [pd.Timestamp("2026-07-14")] * 2
    )


def test_the_table_is_evidence(meta, campaigns):
    table = co.assemble([meta, campaigns], [LATE, GYM, *SEGMENTS])
    evidence = co.Evidence.from_frame(table, period=("start", "end"))
    assert [outcome.name for outcome in evidence.outcomes][:2] == ["save", "add"]
    assert "click" in [outcome.name for outcome in evidence.outcomes]
    assert len(evidence) == 4


def test_a_release_is_said_of_all_rows_or_of_none(meta, campaigns):
    silent = {"campaign": "Gym US", "cluster": "gym"}
    with pytest.raises(co.EvidenceError, match=r"does not say its release.* in 1 of 2 rows"):
        co.assemble([meta, campaigns], [LATE, silent, *SEGMENTS])


def test_a_campaign_alone_means_all_that_is_under_it(campaigns):
    with pytest.raises(co.EvidenceError, match=r"mapped whole \('all segments'\) and in parts"):
        co.assemble([campaigns], [{"campaign": "Night Window - DE", "cluster": "night"}])


@pytest.mark.parametrize(
    ("mapping", "said"),
    [
        ([LATE], "campaign 'Gym US' is in no row of the mapping; 1 of 2 rows are like this"),
        ([LATE, GYM, GYM], "more than one row of the mapping (row 2 of the mapping, row 3"),
        ([LATE, GYM, {"campaign": "Gym UK", "cluster": "gym"}], "Did you mean 'Gym US'"),
        ([LATE, GYM | {"cluster": ""}, {"cluster": "x"}], "row 3 of the mapping speaks of nothing"),
        ([LATE, {"campaign": "Gym US"}], "row 2 of the mapping has no cluster"),
        ([LATE | {"cluster": ""}, GYM | {"cluster": ""}], "leaves everything out"),
        ([], "has no rows"),
        (3, "a mapping was expected, not int"),
        ("nowhere.toml", "There is no file nowhere.toml"),
    ],
)
def test_a_mapping_that_does_not_fit_is_refused(meta, mapping, said):
    with pytest.raises(co.EvidenceError) as refused:
        co.assemble([meta], mapping)
    assert said in str(refused.value)


def test_who_and_when_must_be_said_by_somebody(playlists):
    mapping = [{"file": playlists.name, "cluster": "night"}]
    with pytest.raises(co.EvidenceError, match="does not say its start, and nor does the mapping"):
        co.assemble([playlists], mapping)
    table = co.assemble([playlists], [mapping[0] | {"start": "2025-09-01", "end": "2026-08-31"}])
    assert table["start"].tolist() == [pd.Timestamp("2025-09-01")] * 4
    assert table["listeners"].tolist() == [22626, 13905, 9699, 753]
    with pytest.raises(co.EvidenceError, match="start is 'soon'; write a day"):
        co.assemble([playlists], [mapping[0] | {"start": "soon", "end": "2026-08-31"}])


def test_the_same_campaign_in_two_files_is_refused_unless_one_is_left_out(meta, tmp_path):
    copy = tmp_path / "again.csv"
    copy.write_bytes((SAMPLES / meta.name).read_bytes())
    again = co.read_export(copy, artist="Demo Artist")
    with pytest.raises(co.EvidenceError, match="everybody would be counted twice"):
        co.assemble([meta, again], [LATE, GYM])
    one = [row | {"file": meta.name} for row in (LATE, GYM)]
    table = co.assemble([meta, again], [*one, {"file": "again.csv", "cluster": ""}])
    assert len(table) == 2


def test_an_export_that_tells_no_clusters_apart_is_refused():
    audience = co.read_export(SAMPLES / "s4a_Demo Artist-audience-timeline_2026.csv")
    with pytest.raises(co.EvidenceError, match="does not tell clusters apart"):
        co.assemble([audience], [LATE])


def test_the_template_lists_everything_once_and_reads_back(meta, campaigns, playlists, tmp_path):
    exports = [meta, campaigns, playlists]
    text = co.exports.template(exports)
    rows = tomllib.loads(text)["row"]
    assert len(rows) == 2 + 3 + 4
    assert all(row["cluster"] == "" for row in rows)
    assert "# 2,497 impressions, 65 clicks, 164.4 USD" in text
    assert "the sum of its other rows: map these or those" in text
    filled = tmp_path / "mapping.toml"
    filled.write_text(text.replace('cluster = ""', 'cluster = "night"', 1), encoding="utf-8")
    table = co.assemble(exports, filled)
    assert table["cluster"].tolist() == ["night"]
    assert table["artist"].tolist() == ["Demo Artist"]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"campain": "Gym US", "cluster": "gym"}, "Did you mean 'campaign'"),
        ({"Campaign": "Gym US", "cluster": "gym"}, "Did you mean 'campaign'"),
        ({"campaign": "Gym US", "cluster": "gym", "clicks": 9}, "comes from the exports alone"),
        ({"campaign": "Gym US", "cluster": "gym", "spend": "lots"}, "comes from the exports alone"),
        ({"campaign": "Gym US", "cluster": ["a", "b"]}, "write a text or a number"),
        ({"campaign": "Gym US", "cluster": True}, "write a text or a number"),
        ({"campaign": "Gym US", "cluster": "x", "start": "01/31/2026"}, "write a day: 2026-01-31"),
        ({"campaign": "Gym US", "cluster": "x", "start": "2020-01-01"}, "and the mapping says"),
        ({"campaign": "Gym US", "cluster": "x", "artist": "Other"}, "and the mapping says"),
        (3, "no table of names and values"),
    ],
)
def test_a_row_of_a_mapping_that_says_too_much_or_nothing_is_refused(meta, row, said):
    with pytest.raises(co.EvidenceError) as refused:
        co.assemble([meta], [{"campaign": "Late night, DE", "cluster": "night"}, row])
    assert said in str(refused.value)


def test_a_cluster_may_be_a_number_and_nought_is_one(meta):
    mapping = [{"campaign": "Late night, DE", "cluster": 0}, {"campaign": "Gym US", "cluster": 1}]
    table = co.assemble(meta, mapping)
    assert table["cluster"].tolist() == [0, 1]
    assert table.columns.is_unique


def test_playlists_of_one_title_are_told_apart_by_their_curators(tmp_path):
    path = tmp_path / "lists.csv"
    path.write_text(
        "title,author,listeners,streams,date_added\nRadio,-,10,20,n/a\nRadio,Spotify,30,40,n/a\n"
    )
    lists = co.read_export(path, artist="a", period=("2026-01-01", "2026-01-28"))
    text = co.exports.template([lists])
    filled = tmp_path / "mapping.toml"
    filled.write_text(text.replace('cluster = ""', 'cluster = "one"', 1), encoding="utf-8")
    assert co.assemble(lists, filled)["listeners"].tolist() == [10]


def test_what_stands_twice_in_a_file_is_refused(tmp_path):
    header = "Reporting starts,Reporting ends,Campaign name,Impressions,Reach,Amount spent (EUR)"
    rows = {
        "stands there more than once": "2026-09-01,2026-09-07,A,10,5,1.50\n" * 2,
        "periods that share days": "2026-09-01,2026-09-30,A,10,5,1.50\n"
        "2026-09-01,2026-09-07,A,4,3,0.50\n",
    }
    for said, text in rows.items():
        path = tmp_path / "twice.csv"
        path.write_text(f"{header}\n{text}")
        export = co.read_export(path, artist="a")
        with pytest.raises(co.EvidenceError, match=said):
            co.assemble(export, [{"campaign": "A", "cluster": "night"}])


def test_exports_must_be_exports_with_names_of_their_own(meta):
    with pytest.raises(co.EvidenceError, match="str is none"):
        co.assemble(["meta.csv"], [LATE, GYM])
    with pytest.raises(co.EvidenceError, match="Rename one of the files"):
        co.assemble([meta, meta], [LATE, GYM])


def test_a_table_of_mixed_values_is_not_half_written(tmp_path):
    from coterie.deck import write_table

    frame = pd.DataFrame({"cluster": [3, "b"]})
    with pytest.raises(co.EvidenceError, match="one kind of value"):
        write_table(frame, tmp_path / "table.parquet")
    assert list(tmp_path.iterdir()) == []


def test_who_a_segment_is_made_of_is_no_outcome_of_it(campaigns):
    segments = co.assemble([campaigns], SEGMENTS)
    whole = co.assemble([campaigns], [{"segment": "All segments", "cluster": "all"}, *(
        row | {"cluster": ""} for row in SEGMENTS[1:]
    )])  # fmt: skip
    assert campaigns.frame["new_active_listeners"].tolist()[:2] == [211, 140]
    assert segments["new_active"].isna().all() if "new_active" in segments else True
    assert whole["new_active"].tolist() == [211]


def test_the_template_asks_for_a_release_where_other_exports_tell_theirs(meta, campaigns):
    alone, both = (co.exports.template(each) for each in ([meta], [meta, campaigns]))
    assert "release" not in alone.partition("[[row]]")[2]
    assert both.count('\nrelease = ""\n') == len(meta.frame)
