"""Every known export is read right: numbers, days, currency, and what was left out."""

from __future__ import annotations

import contextlib
import io
import zipfile
from pathlib import Path

import pandas as pd
import pytest

import coterie as co

SAMPLES = Path(__file__).parent / "samples"


def read(name, **stated):
    return co.read_export(SAMPLES / name, **stated)


def written(folder, text, name="export.csv", encoding="utf-8"):
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


def codes(export):
    return [note.code for note in export.notes]


def test_songs_have_their_counts_and_say_neither_artist_nor_period():
    songs = read("s4a_Demo Artist-songs-28day.csv")
    assert (songs.vendor, songs.kind) == ("spotify_for_artists", "songs")
    assert songs.frame["song"].tolist() == ["Night Window", 'A, "Quoted" Song']
    assert songs.frame["listeners"].tolist() == [402, 210]
    assert songs.frame["saves"].tolist() == [21, 9]
    assert songs.frame["listeners"].dtype == "Int64"
    assert songs.frame["release_date"].tolist() == [
        pd.Timestamp("2022-07-22"),
        pd.Timestamp("2022-05-16"),
    ]
    assert songs.period is None
    assert codes(songs) == ["no-artist", "no-period"]


def test_what_the_caller_states_becomes_columns():
    songs = read(
        "s4a_Demo Artist-songs-28day.csv", artist="Demo Artist", period=("2026-08-01", "2026-08-28")
    )
    assert songs.frame["artist"].unique().tolist() == ["Demo Artist"]
    assert songs.period == (pd.Timestamp("2026-08-01"), pd.Timestamp("2026-08-28"))
    assert codes(songs) == []


def test_listeners_of_all_time_are_missing_and_not_zero():
    songs = read("s4a_Demo Artist-songs-all.csv")
    assert songs.frame["streams"].tolist() == [706480, 355092]
    assert songs.frame[["listeners", "saves"]].isna().all(axis=None)
    note = next(n for n in songs.notes if n.code == "not-reported")
    assert note.rows == (0, 1)
    assert "2 of 2 rows" in note.message


def test_a_song_that_nobody_heard_keeps_its_zero(tmp_path):
    path = written(tmp_path, "song,listeners,streams,saves,release_date\nNew,0,0,0,2026-09-01\n")
    assert co.read_export(path).frame["listeners"].tolist() == [0]


@pytest.mark.parametrize(
    ("name", "listeners", "followers", "first"),
    [
        ("s4a_Demo Artist-audience-timeline_2026.csv", [84, 91, 88], [412, 412, 413], "2026-06-24"),
        ("s4a_Demo Artist-audience-timeline_2026_no_super.csv", [10], [4], "2026-08-01"),
        (
            "s4a_Demo Artist-audience-timeline_legacy.csv",
            [1992, 2804, 3821], [330, 331, 333], "2023-01-01",
        ),
    ],
)  # fmt: skip
def test_timelines_of_the_audience(name, listeners, followers, first):
    timeline = read(name)
    assert timeline.kind == "audience timeline"
    assert timeline.frame["listeners"].tolist() == listeners
    assert timeline.frame["date"].iloc[0] == pd.Timestamp(first)
    if "legacy" not in name:
        assert timeline.frame["followers"].tolist() == followers
        assert timeline.frame["adds"].tolist()[0] == {84: 4, 10: 3}[listeners[0]] - (
            1 if listeners[0] == 10 else 0
        )


def test_a_timeline_of_a_song_keeps_its_real_zero():
    timeline = read("s4a_Night Window-timeline.csv", song="Night Window", artist="Demo Artist")
    assert timeline.frame["streams"].tolist() == [50, 60, 0]
    assert timeline.frame["song"].unique().tolist() == ["Night Window"]


def test_playlists_keep_their_titles_and_unknown_curators_are_missing():
    lists = read("s4a_Demo Artist-playlists-1year.csv").frame
    assert lists["playlist"].tolist()[:2] == ["late night lofi \U0001f343 focus", "Radio"]
    assert lists["playlist"].iloc[3] == " leading space title"
    assert lists["curator"].tolist() == [None, "Spotify", "Spotify", "=curator"]
    assert lists["date_added"].notna().tolist() == [True, False, False, True]


def test_campaigns_have_rows_of_segments_and_spend_once():
    campaigns = read("s4a_campaigns_marquee_showcase.csv")
    frame = campaigns.frame.set_index("segment")
    assert frame["converted_listeners"].tolist() == [606, 140, 205]
    assert frame["spend"].dropna().to_dict() == {"All segments": 249.60}
    assert frame.loc["Programmed listeners", "conversion_rate"] == pytest.approx(0.0063)
    assert frame["reactivated_listeners"].isna().tolist() == [False, True, False]
    assert campaigns.currency == "EUR"
    assert campaigns.period == (pd.Timestamp("2026-07-14"), pd.Timestamp("2026-07-27"))


def test_meta_campaigns_take_the_currency_of_the_header():
    meta = read("meta_ads_manager_campaign_en.csv")
    assert meta.currency == "USD"
    assert meta.frame["campaign"].tolist() == ["Late night, DE", "Gym US"]
    assert meta.frame["spend"].tolist() == [164.4, 25.6]
    assert meta.frame["link_clicks"].tolist() == [65, 10]
    assert meta.frame["ctr_link"].tolist() == pytest.approx([0.026, 0.025])
    assert meta.frame["results"].isna().tolist() == [False, True]
    assert meta.period == (pd.Timestamp("2026-07-23"), pd.Timestamp("2026-08-22"))


def test_meta_by_day():
    meta = read("meta_ads_manager_adset_daily_en.csv").frame
    assert meta["day"].tolist() == [pd.Timestamp("2026-09-01"), pd.Timestamp("2026-09-02")]
    assert meta["ad_set"].unique().tolist() == ["Late-night headphones"]
    assert meta["results"].tolist() == [1, 0]


def test_meta_in_french_has_days_first_and_commas():
    meta = read("meta_ads_manager_fr_semicolon.csv")
    assert meta.frame["spend"].tolist() == [1234.56, 1002.0]
    assert meta.frame["day"].tolist() == [pd.Timestamp("2026-08-01"), pd.Timestamp("2026-08-02")]
    assert meta.frame["campaign"].unique().tolist() == ["Fenêtre - Broad"]
    assert meta.currency == "EUR"


def test_a_subtotal_of_meta_is_left_out_and_compared():
    meta = read("meta_ads_manager_es.csv")
    assert meta.frame["impressions"].tolist() == [22500]
    note = next(n for n in meta.notes if n.code == "totals-left-out")
    assert "line 2" in note.message
    assert "22,500 impressions of its 45,012" in note.message


def test_a_subtotal_without_its_parts_stays(tmp_path):
    header = "Ad name,Day,Reporting starts,Reporting ends,Amount spent (EUR),Impressions,Reach"
    path = written(tmp_path, f"{header}\nVideo A,All,2026-08-01,2026-08-07,12.50,4501,3011\n")
    meta = co.read_export(path)
    assert meta.frame["impressions"].tolist() == [4501]
    assert meta.period == (pd.Timestamp("2026-08-01"), pd.Timestamp("2026-08-07"))


def test_tiktok_leaves_its_last_row_out_and_has_no_currency():
    tiktok = read("tiktok_ads_manager.csv")
    assert tiktok.frame["link_clicks"].tolist() == [70]
    assert tiktok.currency is None
    assert codes(tiktok) == ["totals-left-out", "currency", "no-artist"]
    assert read("tiktok_ads_manager.csv", currency="EUR").currency == "EUR"


def test_a_campaign_called_total_is_a_campaign(tmp_path):
    text = (SAMPLES / "tiktok_ads_manager.csv").read_text().replace("TT Late,", "Total,", 1)
    assert co.read_export(written(tmp_path, text)).frame["campaign"].tolist() == ["Total"]


def test_google_skips_its_preamble_and_its_totals():
    google = read("google_ads_campaign_report.csv")
    assert google.frame["impressions"].tolist() == [1204, 1180]
    assert google.frame["spend"].tolist() == [172.45, 165.10]
    assert google.frame["location"].tolist() == [None, "Berlin, DE"]
    assert google.currency == "USD"
    assert codes(google) == ["preamble", "totals-left-out", "no-artist"]


def test_google_in_utf16_with_tabs():
    google = read("google_ads_utf16_tab.csv").frame
    assert google["campaign"].tolist() == ["YouTube · Night Window"]
    assert google["campaign_id"].tolist() == ["21456789012"]
    assert google["impressions"].tolist() == [1204]


def test_youtube_from_the_table_and_from_the_archive(tmp_path):
    table = read("youtube_studio_Table data.csv")
    assert table.frame["views"].tolist() == [8120]
    assert table.frame["published"].tolist() == [pd.Timestamp("2026-07-10")]
    assert table.frame["impressions_ctr"].tolist() == pytest.approx([0.056])
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("Chart data.csv", "Date,Content,Views\n2026-07-10,R26,3\n")
        archive.writestr("Table data.csv", (SAMPLES / "youtube_studio_Table data.csv").read_bytes())
        archive.writestr("Totals.csv", "Date,Views\n2026-07-10,3\n")
    path = tmp_path / "youtube.zip"
    path.write_bytes(packed.getvalue())
    pd.testing.assert_frame_equal(co.read_export(path).frame, table.frame)


def test_chartmetric_becomes_long_and_keeps_the_gap():
    wide = read("chartmetric_Spotify Monthly Listeners Comparison.csv", metric="monthly_listeners")
    assert wide.frame["artist"].tolist() == ["Demo Artist"] * 3 + ["Adjacent One"] * 3
    assert wide.frame["monthly_listeners"].dropna().tolist() == [
        12345, 12401, 1204331, 1204980, 1205114,
    ]  # fmt: skip
    assert wide.period == (pd.Timestamp("2026-09-01"), pd.Timestamp("2026-09-03"))


def test_apple_calls_an_average_an_average():
    apple = read("apple_music_for_artists_songs.csv")
    assert apple.frame["plays"].tolist() == [1204]
    assert "listeners" not in apple.frame
    assert "no count of people" in apple.units["average_daily_listeners"]


def test_distrokid_with_carriage_returns_and_western_letters():
    bank = read("distrokid_bank_details.tsv")
    assert bank.frame["song"].tolist() == ["Fenêtre"]
    assert bank.frame["earnings"].tolist() == [3.4127]
    assert bank.frame["month"].tolist() == [pd.Timestamp("2026-06-01")]
    assert bank.currency == "USD"
    assert codes(bank) == ["encoding"]


def test_every_sample_is_read_and_says_its_file():
    files = sorted(SAMPLES.iterdir())
    assert len(files) == 20
    for file in files:
        export = co.read_export(file)
        assert len(export.frame) > 0
        assert all(note.message.startswith(file.name) for note in export.notes)
        assert file.name in repr(export)


# --- refusals ---------------------------------------------------------------------------------

META = "Reporting starts,Reporting ends,Campaign name,Impressions,Reach,Amount spent (EUR)"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        (f"{META}\n", "has a header and no rows"),
        (f"{META}\n2026-09-01,2026-09-02,A,10,5,1.50", "does not end its last line"),
        (f"{META}\n2026-09-01,2026-09-02,A,10\n", "line 2 has 4 fields where the header has 6"),
        (f"{META}\n2026-09-01,2026-09-02,A,1,204,5,1.50\n", "must stand in quotes"),
        (f'{META}\n2026-09-01,2026-09-02,"A,10,5,1.50\n', "quotes do not close"),
        (f"{META}\n2026-09-01,2026-09-02,A,many,5,1.50\n", "holds what is no number ('many')"),
        (f"{META}\n2026-09-01,2026-09-02,A,10.5,5,1.50\n", "is not whole (10.5)"),
        (f"{META}\n2026-09-01,2026-09-02,A,-3,5,1.50\n", "is below 0 (-3)"),
        (f"{META}\n2026-09-01,2026-09-02,A,12%,5,1.50\n", "yet holds per cent"),
        (f"{META}\n2026-09-01,2026-09-02,A,€12,5,1.50\n", "yet holds a currency"),
        (f"{META}\n2026-09-01,2026-09-02,A,10,5,1.204\n", "which may be 1.204 or 1,204"),
        (f'{META}\n2026-09-01,2026-09-02,A,10,5,"1,5"\n2026-09-01,2026-09-02,B,10,5,1.5\n',
         "contradict each other"),
        (f"{META}\n03/04/2026,05/04/2026,A,10,5,1.50\n", "tells the day from the month"),
        (f"{META}\n2026-13-01,2026-09-02,A,10,5,1.50\n", "is no date that can be read"),
        (f"{META}\n2026-09-01,2026-09-02,,10,5,1.50\n2026-09-01,2026-09-02,A,10,5,1.50\n",
         "is empty, as all names are (campaign), in 1 of 2 rows: line 2"),
        (f"{META}\n,2026-09-02,A,10,5,1.50\n", "column 'start' is empty in 1 of 1 rows: line 2"),
        (f"{META},Reach\n2026-09-01,2026-09-02,A,10,5,1.50,5\n", "mean the same"),
        ("Campaign name,Impressions,Reach\nA,1,2\n", "is nearest to results of meta_ads"),
        ("who,what\na,b\n", "is no export that is known here"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_one_way_only_is_refused(tmp_path, text, said):
    path = written(tmp_path, text)
    with pytest.raises(co.EvidenceError, match=r"export\.csv") as refused:
        co.read_export(path)
    assert said in str(refused.value)


def test_the_way_out_of_each_refusal_works(tmp_path):
    path = written(tmp_path, f"{META}\n03/04/2026,05/04/2026,A,10,5,1.204")
    export = co.read_export(path, day_first=True, decimal=",", complete=True)
    assert export.frame["spend"].tolist() == [1204]
    assert export.frame["start"].tolist() == [pd.Timestamp("2026-04-03")]


def test_a_dollar_sign_agrees_with_a_dollar_in_the_header(tmp_path):
    text = f"{META}\n2026-09-01,2026-09-02,A,10,5,$1.50\n".replace("EUR", "USD")
    assert co.read_export(written(tmp_path, text)).currency == "USD"


def test_a_dollar_sign_contradicts_a_euro_in_the_header(tmp_path):
    path = written(tmp_path, f"{META}\n2026-09-01,2026-09-02,A,10,5,$1.50\n")
    with pytest.raises(co.EvidenceError, match=r"with '\$' and said to be EUR"):
        co.read_export(path)


def test_money_in_two_currencies_is_refused(tmp_path):
    path = written(tmp_path, f"{META}\n2026-09-01,2026-09-02,A,10,5,£1.50\n")
    with pytest.raises(co.EvidenceError, match="is in EUR, GBP"):
        co.read_export(path)


def test_rows_that_no_name_tells_are_refused(tmp_path):
    text = "song,listeners,streams,saves,release_date\nA,1,2,0,2026-01-01\n,9,9,9,\n"
    with pytest.raises(co.EvidenceError, match=r"column 'song' is empty in 1 of 2 rows: line 3"):
        co.read_export(written(tmp_path, text))


def test_columns_of_another_origin_are_stated(tmp_path):
    path = written(tmp_path, "Fan group;Plays;Cost\nnight;1.204;3,50\n")
    export = co.read_export(
        path, columns={"Fan group": "cluster", "Plays": "streams", "Cost": ("spend", "money")}
    )
    assert export.frame.iloc[0].to_dict() == {"cluster": "night", "streams": 1204, "spend": 3.5}


def test_a_column_that_is_not_there_is_named(tmp_path):
    path = written(tmp_path, "Fan group;Plays\nnight;1\n")
    with pytest.raises(co.EvidenceError, match="Did you mean 'Plays'"):
        co.read_export(path, columns={"Play": "streams"})


def test_a_name_that_means_nothing_asks_what_it_holds(tmp_path):
    path = written(tmp_path, "Plays,Skips\n1,2\n")
    with pytest.raises(co.EvidenceError, match=r"Say what it holds: \('skips', 'count'\)"):
        co.read_export(path, columns={"Skips": "skips"})


def test_there_is_no_such_file(tmp_path):
    with pytest.raises(co.EvidenceError, match="There is no file"):
        co.read_export(tmp_path / "nothing.csv")


# --- workbooks --------------------------------------------------------------------------------


def workbook(path, rows, label="Worksheet"):
    """Write a workbook of one sheet: text, numbers and days, as spreadsheets store them."""
    pytest.importorskip("python_calamine", reason="workbooks are read by the extra 'excel'")

    def cell(value):
        if isinstance(value, pd.Timestamp):
            days = (value - pd.Timestamp("1899-12-30")).days
            return f'<c s="1"><v>{days}</v></c>'
        if isinstance(value, int | float):
            return f"<c><v>{value}</v></c>"
        text = str(value).replace("&", "&amp;").replace("<", "&lt;")
        return f'<c t="inlineStr"><is><t>{text}</t></is></c>'

    lines = "".join(f"<row>{''.join(map(cell, row))}</row>" for row in rows)
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    files = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.'
        'relationships+xml"/><Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" '
        f'Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets><sheet '
        f'name="{label}" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships">'
        f'<Relationship Id="r1" Type="{office}/worksheet" Target="worksheets/sheet1.xml"/>'
        f'<Relationship Id="r2" Type="{office}/styles" Target="styles.xml"/></Relationships>',
        "xl/styles.xml": f'<styleSheet xmlns="{main}"><cellXfs count="2"><xf numFmtId="0"/>'
        '<xf numFmtId="14" applyNumberFormat="1"/></cellXfs></styleSheet>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData>{lines}</sheetData>'
        "</worksheet>",
    }
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, f'<?xml version="1.0" encoding="UTF-8"?>{text}')
    return path


def test_a_workbook_with_its_header_lower_down(tmp_path):
    header = [
        "Reporting starts", "Reporting ends", "Campaign name", "Impressions", "Reach",
        "Amount spent (EUR)",
    ]  # fmt: skip
    first, last = pd.Timestamp("2026-09-01"), pd.Timestamp("2026-09-07")
    rows = [["Raw data report"], [""], header, [first, last, "A & B", 1204, 804, 12.5]]
    meta = co.read_export(workbook(tmp_path / "meta.xlsx", rows))
    assert meta.frame["impressions"].tolist() == [1204]
    assert meta.frame["spend"].tolist() == [12.5]
    assert meta.frame["campaign"].tolist() == ["A & B"]
    assert meta.period == (first, last)
    assert meta.currency == "EUR"


def test_a_workbook_that_was_cut_is_refused(tmp_path):
    path = workbook(tmp_path / "meta.xlsx", [["song", "listeners", "streams"], ["A", 1, 2]])
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(co.EvidenceError, match="cut short or damaged"):
        co.read_export(path)


def test_a_workbook_does_not_tell_whether_a_rate_is_per_cent(tmp_path):
    rows = [[*META.replace(" (EUR)", " (USD)").split(","), "CTR (all)"]]
    rows.append([pd.Timestamp("2026-09-01"), pd.Timestamp("2026-09-07"), "A", 10, 5, 1.5, 0.0348])
    meta = co.read_export(workbook(tmp_path / "meta.xlsx", rows))
    assert "ctr_all" not in meta.frame
    assert "bare-shares" in codes(meta)


def test_errors_and_formulas_without_results_in_a_workbook_are_refused(tmp_path):
    path = workbook(tmp_path / "songs.xlsx", [["song", "listeners", "streams"], ["A", 1, 2]])
    for cell, said in (
        ('<c t="e"><v>#DIV/0!</v></c>', "errors"),
        ("<c><f>1+1</f></c>", "formulas"),
    ):
        broken = tmp_path / "broken.xlsx"
        with zipfile.ZipFile(path) as old, zipfile.ZipFile(broken, "w") as new:
            for name in old.namelist():
                new.writestr(name, old.read(name).replace(b"<c><v>1</v></c>", cell.encode()))
        with pytest.raises(co.EvidenceError, match=rf"1 cells with {said}"):
            co.read_export(broken)


# --- sums of others ---------------------------------------------------------------------------

GOOGLE = "Campaign,Impr.,Clicks,Cost"
DAILY = "Campaign name,Campaign delivery,Day,Reporting starts,Impressions,Reach,Amount spent (EUR)"


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (f"{GOOGLE}\nTotal Recall,100,5,1.50\nOther,10,1,0.50\n", [100, 10]),
        (f"{GOOGLE},Ad group\nGym,100,5,1.50,Total fitness\nB,1,1,1.00,x\n", [100, 1]),
        (f"{GOOGLE},Labels\nGym,100,5,1.50,Total push\nB,1,1,1.00,x\n", [100, 1]),
        (f"{GOOGLE}\nA,100,5,1.50\nB,10,1,0.50\nGrand total,110,6,2.00\n", [100, 10]),
        (f"{GOOGLE}\nA,100,5,1.50\nTotal: Campaigns,100,5,1.50\n", [100]),
        (f"{DAILY}\nX,,All,2026-09-01,30,9,3.00\nX,active,2026-09-01,2026-09-01,10,5,1.00\n"
         "X,active,2026-09-02,2026-09-02,20,5,2.00\n", [10, 20]),
        ("Campaign name,Age,Reporting starts,Impressions,Reach,Amount spent (EUR)\n"
         "X,All,2026-09-01,30,9,3.00\nX,18-24,2026-09-01,10,5,1.00\nX,25-34,2026-09-01,20,5,2.00\n",
         [10, 20]),
        ("Campaign name,Ad set name,Ad name,Reporting starts,Impressions,Reach,Amount spent (EUR)\n"
         "X,All,All,2026-09-01,30,9,3.00\nX,S,A,2026-09-01,10,5,1.00\nX,S,B,2026-09-01,20,5,2.00\n",
         [10, 20]),
        ("Campaign name,Ad set name,Reporting starts,Impressions,Reach,Amount spent (EUR)\n"
         "X,All,2026-09-01,50,9,3.00\nX,S,2026-09-01,10,5,1.00\n", [50, 10]),
    ],
)  # fmt: skip
def test_sums_are_left_out_and_names_that_look_like_sums_stay(tmp_path, text, kept):
    assert co.read_export(written(tmp_path, text)).frame["impressions"].tolist() == kept


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"{GOOGLE}\nTotal: Campaigns,0,0,0.00\n", "all of them sum up others"),
        (f"{META},Attribution setting\n2026-09-01,2026-09-07,,30,9,3.00,7-day click\n"
         "2026-09-01,2026-09-07,X,30,9,3.00,7-day click\n", "as all names are (campaign)"),
        (f"{META}\n2026-09-09,2026-09-01,A,10,5,1.50\n", "lies before start"),
        (f"{META}\n2026-09,2026-10,A,10,5,1.50\n", "no date that can be read"),
        (f"{META}\n26/07/10,26/07/14,A,10,5,1.50\n", "no date that can be read"),
        (f"{META}\n2026-09-01 99:99,2026-09-02,A,10,5,1.50\n", "no date that can be read"),
        (f"{META}\n2026-09-01,9999-12-31,A,10,5,1.50\n", "no date that can be read"),
        (f"{META}\n2026-09-01,2026-09-02,A,65.000,10.000,164.400\n", "which may be 10.0 or 10,000"),
        (f"{META}\n2026-09-01,2026-09-02,A,{'9' * 400},5,1.50\n", "holds what is no number"),
        (f"{GOOGLE},Currency code\nA,1,1,€5,USD\nB,1,1,€6,USD\n", "is in EUR, USD"),
        (f"{GOOGLE}\nA,1,1,1.00\n\n{GOOGLE},Conversions\nB,1,1,1.00,0\n", "holds 2 tables"),
        (f"{GOOGLE}\nA,1,1,1.00\n{GOOGLE}\nB,1,1,1.00\n", "2 tables"),
    ],
)  # fmt: skip
def test_what_would_be_counted_wrong_is_refused(tmp_path, text, said):
    with pytest.raises(co.EvidenceError) as refused:
        co.read_export(written(tmp_path, text))
    assert said in str(refused.value)


def test_an_archive_of_two_tables_is_refused(tmp_path):
    path = tmp_path / "months.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("aug.csv", f"{GOOGLE}\nA,1,1,1.00\n")
        archive.writestr("sep.csv", f"{GOOGLE},Conversions\nC,1,1,1.00,0\n")
    with pytest.raises(co.EvidenceError, match="holds 2 tables"):
        co.read_export(path)


def test_a_damaged_archive_is_refused_whatever_is_damaged(tmp_path):
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("Table data.csv", f"{GOOGLE}\n" + "A,1,1,1.00\n" * 50)
    path = tmp_path / "damaged.zip"
    for at in range(len(whole.getvalue())):
        damaged = bytearray(whole.getvalue())
        damaged[at] ^= 0x10
        path.write_bytes(bytes(damaged))
        with contextlib.suppress(co.EvidenceError):
            assert co.read_export(path).frame["impressions"].tolist() == [1] * 50


@pytest.mark.parametrize(
    ("stated", "said"),
    [
        ({"decimal": ";"}, "write '.' or ','"),
        ({"day_first": "yes"}, "write True or False"),
        ({"currency": "euro"}, "write an ISO code"),
        ({"artist": ["a", "b"]}, "write a text"),
        ({"metric": "date"}, "another column is called"),
        ({"period": ("03/04/2026", "05/04/2026")}, "write a day"),
        ({"period": (None, None)}, "write a day"),
        ({"period": "2026"}, "give (first day, last day)"),
        ({"period": ("2026-02-01", "2026-01-01")}, "its end lies before its start"),
        ({"columns": ["Plays"]}, "give headers and what they are"),
        ({"columns": {"Plays": ("date", "label")}}, "it holds 'date' everywhere"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_read(stated, said):
    with pytest.raises(co.EvidenceError) as refused:
        read("s4a_Demo Artist-songs-28day.csv", **stated)
    assert said in str(refused.value)


def test_a_column_is_stated_with_its_currency_or_not_at_all(tmp_path):
    path = written(tmp_path, "Plays (GBR),Who\n10,a\n")
    with pytest.raises(co.EvidenceError, match="Did you mean 'Plays \\(GBR\\)'"):
        co.read_export(path, columns={"Plays (USA)": "streams"})


def test_a_folder_is_no_export(tmp_path):
    with pytest.raises(co.EvidenceError, match="is a folder"):
        co.read_export(tmp_path)


# --- kinds that others add --------------------------------------------------------------------


class Added:
    """An entry point of another package."""

    name, value = "fanlink", "fanlink.coterie:KIND"

    def __init__(self, made):
        self.made = made

    def load(self):
        if isinstance(self.made, Exception):
            raise self.made
        return self.made


def added(monkeypatch, made):
    from coterie.evidence.exports import known

    monkeypatch.setattr(known, "entry_points", lambda **_: [Added(made)])


FANLINK = "Link,Fan clicks\nnight,12\n"


def test_a_package_may_add_a_kind(monkeypatch, tmp_path):
    fields = (
        co.exports.Field("link", "label", {"en": ("Link",)}),
        co.exports.Field("clicks", "count", {"en": ("Fan clicks",)}, unit="people"),
    )
    kind = co.exports.Kind(
        "fanlink", "links", fields, needs=frozenset({"link", "clicks"}), named=("link",)
    )
    added(monkeypatch, [kind])
    export = co.read_export(written(tmp_path, FANLINK))
    assert (export.vendor, export.units) == ("fanlink", {"clicks": "people"})
    assert export.frame["clicks"].tolist() == [12]


@pytest.mark.parametrize(
    ("made", "said"),
    [(ImportError("no module fanlink"), "ImportError: no module fanlink"), (3, "it is a int")],
)
def test_a_package_that_cannot_be_loaded_is_named_and_left_out(monkeypatch, made, said):
    added(monkeypatch, made)
    with pytest.warns(co.EvidenceWarning, match=said):
        songs = read("s4a_Demo Artist-songs-28day.csv")
    assert songs.frame["listeners"].tolist() == [402, 210]


def test_a_kind_that_names_no_field_is_refused():
    with pytest.raises(co.EvidenceError, match="names 'link', which no field is"):
        co.exports.Kind("fanlink", "links", (), needs=frozenset({"link"}))
