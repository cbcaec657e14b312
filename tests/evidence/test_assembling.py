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
    with pytest.raises(co.EvidenceError, match=r"mapped whole \('All segments'\) and in parts"):
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
    with pytest.raises(co.EvidenceError, match="start = 'soon'"):
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
