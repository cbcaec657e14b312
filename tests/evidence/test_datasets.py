"""The bundled tables are real, whole, unchanged and say where they come from."""

import re
from importlib.resources import files

import pandas as pd
import pytest

from coterie.errors import EvidenceError, EvidenceWarning
from coterie.evidence import datasets
from coterie.evidence.table import Evidence

SOURCE = [
    "artist_id",
    "artist",
    "cluster",
    "context",
    "window",
    "placements",
    "tracks",
    "playlists",
    "kept28",
    "days28",
    "spread56",
    "spread_other56",
    "entries",
    "entries_returned56",
    "downstream56",
]


def test_the_playlists_are_the_rows_their_text_promises():
    frame = datasets.load("playlists")
    said = " ".join(datasets.about("playlists").split())
    early, late = (int((frame["window"] == w).sum()) for w in ("early", "late"))
    first_met_late = frame.groupby("artist_id")["window"].agg(lambda w: "early" not in set(w)).sum()

    assert f"{len(frame):,} rows of {frame['artist_id'].nunique()} artists" in said
    assert f"{early} rows of the early window, {late} of the late one" in said
    assert f"first met in the late window ({first_met_late})" in said
    assert f"{(frame['entries'] == 0).sum()} rows have no entry" in said


def test_no_more_than_300_artists_are_shipped_and_each_has_one_name():
    frame = datasets.load("playlists")
    assert frame["artist_id"].nunique() <= 300
    assert frame["artist"].nunique() == frame["artist_id"].nunique()


def test_columns_are_the_sources_and_two_dates():
    frame = datasets.load("playlists")
    assert list(frame.columns) == [*SOURCE, "period_start", "period_end"]
    assert not frame.isna().any(axis=None)
    assert all(frame[column].dtype == "int64" for column in SOURCE[5:])


@pytest.mark.parametrize(
    ("window", "start", "end"),
    [("early", "2019-12-01", "2020-06-04"), ("late", "2020-08-01", "2021-03-10")],
)
def test_a_window_holds_its_own_rows_and_dates_alone(window, start, end):
    frame = datasets.load("playlists", window=window)
    both = datasets.load("playlists")

    assert set(frame["window"]) == {window}
    assert len(frame) == (both["window"] == window).sum()
    assert frame.index.equals(pd.RangeIndex(len(frame)))
    assert set(frame["period_start"]) == {pd.Timestamp(start)}
    assert set(frame["period_end"]) == {pd.Timestamp(end)}
    assert all(day in datasets.about("playlists") for day in (start, end))


def test_counts_never_exceed_what_they_are_counted_out_of():
    frame = datasets.load("playlists")
    assert (frame["placements"] > 0).all()
    for column in ("kept28", "spread56", "spread_other56", "entries"):
        assert frame[column].between(0, frame["placements"]).all()
    assert frame["entries_returned56"].between(0, frame["entries"]).all()
    assert (frame.loc[frame["entries"] == 0, "downstream56"] == 0).all()


def test_each_load_is_a_frame_of_the_callers_own():
    first = datasets.load("playlists")
    first.loc[0, "placements"] = -1
    assert datasets.load("playlists").loc[0, "placements"] > 0


def test_each_bundled_table_says_whose_decisions_it_holds_and_on_what_terms():
    for name in datasets.names():
        assert "curators' decisions, not listeners'" in datasets.about(name)
        assert "LICENSE.source.txt" in datasets.about(name)
    for function in (datasets.load, datasets.playlist_outcomes):
        assert "curators' decisions, not listeners'" in re.sub(r"\s+", " ", function.__doc__)


def test_the_licence_of_the_source_is_shipped_beside_its_rows():
    licence = files("coterie.evidence").joinpath("bundled", "LICENSE.source.txt").read_text()
    assert licence.startswith("MIT License")
    assert "Mack Ward" in licence


def test_the_shipped_bytes_carry_no_date_of_their_making():
    shipped = files("coterie.evidence").joinpath("bundled", "playlists.csv.gz").read_bytes()
    assert shipped[4:8] == bytes(4)  # MTIME of RFC 1952
    assert shipped[3] == 0  # no file name either


@pytest.mark.parametrize("ask", [datasets.load, datasets.about])
def test_an_unknown_table_is_refused_with_a_close_name(ask):
    with pytest.raises(EvidenceError, match="Did you mean 'playlists'"):
        ask("playlist")
    with pytest.raises(EvidenceError, match="There are: playlists"):
        ask("zzz")


def test_an_unknown_window_is_refused():
    with pytest.raises(EvidenceError, match="window is 'middle'"):
        datasets.load("playlists", window="middle")


def test_evidence_reads_both_windows_with_every_count_in_place():
    frame = datasets.load("playlists")
    outcomes = datasets.playlist_outcomes()
    with pytest.warns(EvidenceWarning, match="'entries' is 0 in 767 of 1,068 rows"):
        evidence = Evidence.from_frame(frame, outcomes=outcomes, factors=("context",))
    totals = evidence.counts["numerator"].sum("row")

    assert len(evidence) == len(frame)
    for outcome in outcomes:
        assert totals.sel(outcome=outcome.name) == frame[outcome.numerator].sum()
