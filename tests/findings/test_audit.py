"""Audit: nine blockers, told as facts, as probabilities or as not checked, and the gate of them."""

import datetime as dt

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta

import coterie as co
from coterie.findings import Thresholds, ready_to_scale
from coterie.findings.catalogue import presence
from coterie.findings.traffic import Traffic
from tests.findings.priced import rows, stated

NINE = (
    "sparse catalogue", "long inactivity", "weak follower base", "muddy adjacency",
    "incomplete metadata", "incomplete profile", "programmed audience", "low-fit traffic",
    "missing release plan",
)  # fmt: skip
TODAY = "2026-03-01"
PROFILE = {
    "verified": True, "bio": "Two from Oslo.", "images": 4, "artist_pick": "a song",
    "playlists": 2, "links": ["site"], "followers": 4_000, "monthly_listeners": 12_000,
}  # fmt: skip
LISTENERS = {"active": 3_000, "previously_active": 2_000, "programmed": 4_000}


def tracks(size=12, last="2026-02-13", **columns):
    plain = {
        "track": [f"song {i}" for i in range(size)],
        "release": ["first"] * (size // 2) + ["second"] * (size - size // 2),
        "released": ["2025-06-06"] * (size // 2) + [last] * (size - size // 2),
        "lyrics": [True] * size, "credits": [True] * size, "artwork": [True] * size,
        "genre": ["indie pop"] * size, "mood": ["calm"] * size,
    }  # fmt: skip
    return pd.DataFrame(plain | columns)


def traffic(factor=1.0, *, campaigns=6, people=2_000):
    """Return paid and organic campaigns; paid people act this many times as often as others."""
    size = campaigns
    saves = [round(0.1 * people * f) for f in (*[factor] * size, *[1.0] * size)]
    return pd.DataFrame(
        {
            "source": ["social"] * size + ["organic"] * size, "listeners": [people] * (2 * size),
            "saves": saves, "spend": [500.0] * size + [0.0] * size,
        }
    )  # fmt: skip


CLEAN = {
    "tracks": tracks(), "profile": PROFILE, "listeners": LISTENERS, "traffic": traffic(),
    "signals": {"Marrow": 0.6, "Ferro": 0.4}, "plan": ["2026-02-24", "2026-03-05", "2026-03-20"],
}  # fmt: skip
PLANTED = {
    "sparse catalogue": {"tracks": tracks(4)},
    "long inactivity": {"tracks": tracks(last="2025-06-06"), "plan": None},
    "weak follower base": {"profile": PROFILE | {"followers": 90}},
    "muddy adjacency": {"signals": {f"artist {i}": 1 / 9 for i in range(9)}},
    "incomplete metadata": {"tracks": tracks(lyrics=[True] * 6 + [False] * 6)},
    "incomplete profile": {"profile": PROFILE | {"bio": "", "images": 0, "links": []}},
    "programmed audience": {"listeners": LISTENERS | {"programmed": 40_000}},
    "low-fit traffic": {"traffic": traffic(0.1)},
    "missing release plan": {"plan": []},
}


def audited(artist="Ana", *, seed=4, today=TODAY, **said):
    chance = np.random.default_rng(seed)
    return co.audit(artist, **({"tracks": None} | said), today=today, rng=chance)


def severities(found):
    return found.table["severity"].to_series().to_dict()


def part(found, name):
    return next(p for p in found.parts if p.provenance["check"] == name)


def test_a_catalogue_in_order_is_fine_nine_times_and_ready():
    found = audited(**CLEAN)
    assert severities(found) == dict.fromkeys(NINE, "fine")
    assert found.headline == "Ana is ready to scale: nothing that was checked blocks."
    assert ready_to_scale(found)
    assert [p.provenance["check"] for p in found.parts] == list(NINE)
    assert {p.severity for p in found.parts} == {"fine"}


@pytest.mark.parametrize("blocker", NINE)
def test_a_planted_blocker_blocks_alone_and_says_why_and_what_to_do(blocker):
    found = audited(**(CLEAN | PLANTED[blocker]))
    assert [k for k, v in severities(found).items() if v == "blocks"] == [blocker]
    assert found.table["check"].values[0] == blocker
    assert f"1 of 9 blockers blocks ({blocker})" in found.headline
    assert not ready_to_scale(found)
    own = part(found, blocker)
    assert own.headline.startswith(f"{blocker.capitalize()} blocks")
    assert len(str(own.table["fix"].item())) > 20


@settings(max_examples=12, deadline=None)
@given(st.sets(st.sampled_from(sorted(CLEAN))), st.sampled_from(NINE), st.integers(0, 99))
def test_what_is_not_known_is_never_fine_and_nothing_is_claimed_of_it(left_out, blocker, seed):
    said = {k: v for k, v in (CLEAN | PLANTED[blocker]).items() if k not in left_out}
    found = audited(seed=seed, **said)
    table = found.table
    needs = {
        "sparse catalogue": "tracks", "long inactivity": "tracks", "weak follower base": "profile",
        "incomplete metadata": "tracks", "incomplete profile": "profile",
        "programmed audience": "listeners", "low-fit traffic": "traffic",
    }  # fmt: skip
    told = severities(found)
    assert sorted(told) == sorted(NINE)
    assert all(told[k] == "not checked" for k, need in needs.items() if need in left_out)
    problem = table["problem"].to_series()
    assert (problem.isna() == (table["severity"].to_series() == "not checked")).all()
    for check, chance in problem.dropna().items():
        assert told[check] == Thresholds().of(chance)
    if ready_to_scale(found):
        assert "blocks" not in told.values()
        assert all(told[k] != "not checked" for k in NINE[4:7])
    unseen = sum(v == "not checked" for v in told.values())
    assert not unseen or f"{unseen} w" in found.headline


def test_programmed_share_by_hand():
    # 690 of 1,000: Beta(690.5, 310.5) beyond 2/3; 4,000 draws, standard error below 0.004.
    found = audited(listeners={"active": 310, "programmed": 690})
    wanted = beta(690.5, 310.5).sf(2 / 3)
    own = part(found, "programmed audience")
    assert float(own.table["probability"]) == pytest.approx(wanted, abs=0.02)
    assert own.severity == "blocks"
    assert own.table["value"].attrs["ci_kind"] == "eti"
    # The same share among ten times fewer people is less sure.
    few = part(audited(listeners={"active": 31, "programmed": 69}), "programmed audience")
    assert few.severity == "weakens"
    assert "equally likely outcomes" in few.headline


def test_listeners_by_source_and_spotifys_own_words_are_understood():
    named = {"Monthly active listeners": 3_000, "Programmed listeners": 40_000}
    assert part(audited(listeners=named), "programmed audience").severity == "blocks"
    sources = {"radio": 900, "AI DJ": 500, "library": 50, "artist profile": 40}
    own = part(audited(listeners=sources), "programmed audience")
    assert own.severity == "blocks"
    assert "in each of them" in own.caveats[0]
    alone = part(audited(listeners={"radio": 900}), "programmed audience")
    assert alone.severity == "not checked"


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 5_000), st.integers(1, 5_000), st.integers(0, 2_000))
def test_more_active_listeners_never_make_an_audience_more_programmed(active, programmed, more):
    values = [
        float(
            part(
                audited(listeners={"active": a, "programmed": programmed}), "programmed audience"
            ).table["value"][0]
        )
        for a in (active, active + more)
    ]
    assert values[1] <= values[0] + 0.005


def test_one_campaign_of_a_million_people_is_one_campaign():
    alone = audited(traffic=traffic(0.4, campaigns=1, people=1_000_000))
    several = audited(traffic=traffic(0.4, campaigns=12, people=2_000))
    chances = [float(part(f, "low-fit traffic").table["probability"]) for f in (alone, several)]
    assert chances[0] < 0.75
    assert chances[1] > 0.9
    assert any("One row only" in c for c in part(alone, "low-fit traffic").caveats)


def test_fit_by_hand_and_only_the_source_of_low_fit_is_blamed():
    # Twelve campaigns each: 40 of 2,000 against 200 of 2,000 is a fifth of the usual.
    good = traffic(1.0, campaigns=12).replace({"social": "marquee"}).head(12)
    rows_ = pd.concat([traffic(0.2, campaigns=12), good], ignore_index=True)
    own = part(audited(traffic=rows_), "low-fit traffic")
    table = own.table.sel(part=["social", "marquee"])
    np.testing.assert_allclose(table["value"], [0.2, 1.0], rtol=0.1)
    assert table["severity"].values.tolist() == ["blocks", "fine"]
    # Half of paid people is not more than half of them.
    assert own.severity == "fine"
    mostly = pd.concat([rows_, traffic(0.2).head(6)], ignore_index=True)
    worse = part(audited(traffic=mostly), "low-fit traffic")
    assert worse.severity == "blocks"
    assert "most by social, for 9,000 of 15,000 spent" in worse.headline


def test_usual_rates_can_be_stated_where_nothing_is_organic():
    paid = traffic(0.1).query("source == 'social'")
    assert part(audited(traffic=paid), "low-fit traffic").severity == "not checked"
    said = Thresholds(usual={"saves": 0.1})
    own = part(audited(traffic=paid, thresholds=said), "low-fit traffic")
    assert own.severity == "blocks"
    assert "rates that were stated" in own.caveats[0]
    fine = part(audited(traffic=paid, thresholds=Thresholds(usual={"saves": 0.01})), NINE[7])
    assert fine.severity == "fine"


def test_counted_tags_leave_open_what_weights_do_not():
    counts = part(audited(signals=dict.fromkeys("abcde", 1)), "muddy adjacency")
    weights = part(audited(signals=dict.fromkeys("abcde", 0.2)), "muddy adjacency")
    assert 0 < float(counts.table["probability"]) < 1
    assert float(weights.table["probability"]) == 1
    assert float(weights.table["value"][0]) == pytest.approx(5)
    one = part(audited(signals={"pop": 1.0}), "muddy adjacency")
    assert float(one.table["probability"]) == 0


@pytest.mark.parametrize(
    ("columns", "severity"),
    [
        ({"lyrics": [True] * 12}, "fine"), ({"lyrics": [True] * 11 + [None]}, "fine"),
        ({"lyrics": [True] * 9 + [None] * 3}, "not checked"),
        ({"lyrics": [None] * 12}, "not checked"),
        ({"lyrics": [True] * 6 + [False] * 3 + [None] * 3}, "blocks"),
        ({"lyrics": ["yes"] * 6 + ["no"] * 6}, "blocks"),
        ({"genre": ["pop"] * 6 + [""] * 6}, "blocks"),
        ({"isrc": ["NO123"] * 6 + [None] * 6}, "blocks"), ({"mood": [["calm"], []] * 6}, "blocks"),
    ],
)  # fmt: skip
def test_an_empty_truth_is_unknown_and_empty_words_are_missing(columns, severity):
    found = audited(**(CLEAN | {"tracks": tracks(**columns)}))
    assert part(found, "incomplete metadata").severity == severity


@pytest.mark.parametrize(
    ("lyrics", "told"),
    [
        # Nine say no and one says nothing: none of ten, one not known.
        (["no"] * 9 + ["n/a"], (0, 9, 1)), ([0] * 9 + [3], (1, 9, 0)), (["n"] * 10, (0, 10, 0)),
        (["f", "T", "Y", " No ", "1", "0.0", "2", "0", True, np.False_], (5, 5, 0)),
        (["NA", "none", "-", "unknown", "?", None, np.nan, "", [], pd.NA], (0, 0, 10)),
        (["yes", "n/a", "", None], (1, 0, 3)), ([3, None, 0], (1, 1, 1)),
        # Words say what is there; where they say nothing it is missing.
        (["la la", "n/a", "", None, ["n/a"], [None]], (1, 5, 0)),
        ([["calm"], []], (1, 1, 0)), (["NO123", 1975], (2, 0, 0)),
        ([np.array(0), np.array(["calm"])[:0], np.array(2)], (1, 1, 1)),
    ],
)  # fmt: skip
def test_each_value_of_a_column_is_read_on_its_own(lyrics, told):
    assert presence(pd.Series(lyrics, dtype=object)) == told


@pytest.mark.parametrize(
    ("lyrics", "words"),
    [
        ([False] * 9 + ["instrumental"], "lyrics of row 0 is False.*row 9 is 'instrumental'.*9 of"),
        (["la la"] * 9 + ["no"], "lyrics of row 9 is 'no'.*row 0 is 'la la'; 1 of 10"),
        ([["calm"]] * 9 + [1], "lyrics of row 9 is 1,"),
    ],
)
def test_yes_and_no_among_free_words_is_refused(lyrics, words):
    with pytest.raises(co.FindingError, match=words):
        audited(tracks=tracks(10, lyrics=lyrics))


VALUE = st.sampled_from(["no", "yes", 0, 3, "n/a", "la la", None, "", True, False, "-", ["calm"]])


@settings(max_examples=80, deadline=None)
@given(st.lists(VALUE, min_size=1, max_size=8), st.randoms())
def test_a_no_is_never_counted_as_there_and_every_track_is_counted_once(values, chance):
    said = pd.Series(values, dtype=object)
    no = sum(v is False or v in ("no", 0) for v in values)
    try:
        there, absent, unknown = presence(said)
    except co.FindingError:
        assert {"la la", "calm"} & {str(v[0] if isinstance(v, list) else v) for v in values if v}
        return
    assert there + absent + unknown == len(values)
    assert there <= len(values) - no
    assert absent >= no
    mixed = values.copy()
    chance.shuffle(mixed)
    assert presence(pd.Series(mixed, dtype=object)) == (there, absent, unknown)


def test_parts_of_a_profile_that_say_no_or_nothing_are_not_filled():
    told = {"verified": "n", "bio": "n/a", "artist_pick": "none"}
    own = part(audited(profile=PROFILE | told), "incomplete profile")
    assert "3 of 6 parts filled" in own.headline
    assert "missing: verified; not known: bio, artist_pick" in own.headline


@pytest.mark.parametrize(
    ("paid", "wanted"),
    [
        ([True, False], [True, False]), (["paid", "organic"], [True, False]),
        (["Y", " f "], [True, False]), ([1, 0], [True, False]), (["no", "Paid "], [False, True]),
    ],
)  # fmt: skip
def test_a_row_is_paid_where_it_says_so(paid, wanted):
    frame = pd.DataFrame({"source": ["a", "b"], "listeners": 9, "saves": 1, "paid": paid})
    assert (Traffic.of(frame).groups == 0).tolist() == wanted


@pytest.mark.parametrize(
    ("paid", "words"),
    [
        ("instagram", "paid of row 0 is 'instagram'; 12 of 12.*True or False"),
        (250.0, "paid of row 0 is 250.0; 12 of 12"), ([["paid"]] * 12, "row 0 is .'paid'.; 12"),
        ([True] * 11 + ["n/a"], "paid of row 11 is 'n/a'; 1 of 12"),
        ([True] * 11 + [""], "paid of row 11 is empty; 1 of 12"),
    ],
)  # fmt: skip
def test_a_row_that_does_not_say_whether_it_was_paid_is_refused(paid, words):
    with pytest.raises(co.FindingError, match=words):
        audited(traffic=traffic().assign(paid=paid))


def test_listeners_counted_twice_under_two_spellings_are_refused():
    for twice in ({"Programmed listeners": 9_000}, {"PROGRAMMED": 100}):
        with pytest.raises(
            co.FindingError, match=r"'programmed' \(4,000\) and as '.*leave out all but one"
        ):
            audited(listeners=LISTENERS | twice)
    silent = audited(listeners={"Programmed listeners": None} | LISTENERS | {"Programmed": None})
    assert part(silent, "programmed audience").severity == "fine"


@pytest.mark.parametrize(
    "day", ["today", "now", "May", "10:30", "2026", "2026-05", "5", "March 2026", "2026-W09",
            "03/04/2026", np.datetime64("2026-05"), np.datetime64("2026"), pd.Period("2026-05")],
)  # fmt: skip
def test_a_relative_or_incomplete_date_is_refused(day):
    with pytest.raises(co.FindingError, match=r"today is .*no day"):
        audited(today=day)
    with pytest.raises(co.FindingError, match=r"released of row 0 is .*no day; 1 of 12"):
        audited(tracks=tracks(released=[day] + ["2026-02-13"] * 11))
    with pytest.raises(co.FindingError, match="plan of row 0 is"):
        audited(tracks=tracks(), plan=[day])


@pytest.mark.parametrize(
    "day", [TODAY, " 20260301", "2026-03-01T18:00:00Z", dt.date(2026, 3, 1),
            dt.datetime(2026, 3, 1, 18), pd.Timestamp(TODAY, tz="Europe/Oslo"),
            np.datetime64(TODAY)],
)  # fmt: skip
def test_a_whole_date_is_read_in_every_usual_form(day):
    assert audited(today=day).provenance["today"] == TODAY


def test_a_day_that_is_said_not_to_be_known_is_not_known():
    found = audited(tracks=tracks(released=["n/a", "unknown", "-"] * 4))
    assert part(found, "long inactivity").severity == "not checked"


def test_a_column_that_is_not_there_is_not_checked_and_what_is_known_bad_stays_bad():
    without = tracks().drop(columns="mood")
    own = part(audited(**(CLEAN | {"tracks": without})), "incomplete metadata")
    assert own.severity == "not checked"
    assert "the column 'mood' is not there" in own.headline
    bad = part(audited(tracks=without.assign(lyrics=False)), "incomplete metadata")
    assert bad.severity == "blocks"
    fewer = Thresholds(metadata=("lyrics",))
    assert part(audited(tracks=without, thresholds=fewer), "incomplete metadata").severity == "fine"


def test_tracks_count_once_and_only_when_they_are_out():
    twice = pd.concat([tracks(6), tracks(6).assign(release="again")], ignore_index=True)
    assert part(audited(tracks=twice), NINE[0]).severity == "blocks"
    ahead = tracks(12, last="2026-09-01")
    assert "6 tracks out, of at least 10" in part(audited(tracks=ahead), NINE[0]).headline
    undated = tracks(12, last=None)
    assert part(audited(tracks=undated), NINE[0]).severity == "not checked"
    assert part(audited(tracks=undated), NINE[1]).severity == "not checked"


def test_four_tracks_of_four_genres_are_not_taken_for_an_artist_of_four():
    own = part(audited(tracks=tracks(4, genre=["pop", "folk", "noise", "choir"])), NINE[3])
    assert own.severity == "blocks"
    assert part(audited(tracks=tracks(4, genre=["pop"] * 4)), NINE[3]).severity == "fine"


def test_odd_days_and_unnamed_sources_are_read_and_not_stumbled_over():
    ancient = audited(tracks=tracks(released=["1877-01-01"] * 12))
    assert part(ancient, NINE[1]).severity == "blocks"
    zoned = audited(tracks=tracks(released=[pd.Timestamp("2026-02-13", tz="UTC")] * 12))
    assert part(zoned, NINE[1]).severity == "fine"
    unnamed = traffic(0.1).assign(source=[None] * 6 + ["organic"] * 6)
    assert "most by not named" in part(audited(traffic=unnamed), NINE[7]).headline
    nobody = part(audited(traffic=traffic().assign(listeners=0, saves=0)), NINE[7])
    assert nobody.severity == "not checked"


@pytest.mark.parametrize(
    ("days", "severity"), [(179, "fine"), (180, "blocks"), (181, "blocks"), (0, "fine")]
)
def test_days_without_a_release_are_a_fact(days, severity):
    last = pd.Timestamp(TODAY) - pd.Timedelta(days=days)
    own = part(audited(tracks=tracks(released=[last] * 12)), "long inactivity")
    assert own.severity == severity
    assert float(own.table["probability"]) in (0.0, 1.0)
    assert float(own.table["value"][0]) == days


@pytest.mark.parametrize(
    ("plan", "severity"),
    [
        # Released on 13 February: week 2 begins on the 20th, week 6 ends on 26 March.
        (["2026-02-20", "2026-03-26"], "fine"), (["2026-02-19", "2026-03-26"], "blocks"),
        (["2026-02-20", "2026-03-27"], "blocks"), (["2026-02-20", "2026-02-26"], "blocks"),
        (dt.date(2026, 2, 20), "blocks"), ([], "blocks"), (None, "not checked"),
    ],
)  # fmt: skip
def test_a_plan_is_of_weeks_two_to_six(plan, severity):
    found = audited(tracks=tracks(last="2026-02-13"), plan=plan)
    assert part(found, "missing release plan").severity == severity


def test_a_plan_is_held_against_the_next_release_once_the_last_one_is_over():
    ahead = tracks(last="2026-04-03")
    early = audited(tracks=ahead, plan=["2026-03-05", "2026-03-12"])
    due = audited(tracks=ahead, plan=["2026-04-15", "2026-05-01"])
    assert part(early, NINE[8]).severity == "blocks"
    assert part(due, NINE[8]).severity == "fine"
    over = audited(tracks=tracks(last="2026-01-02"), plan=["2026-01-15"])
    assert part(over, NINE[8]).severity == "not checked"


def test_every_kind_of_table_is_read_alike():
    frame = tracks(released=pd.to_datetime(["2026-02-13"] * 12))
    told = [
        severities(audited(**(CLEAN | {"tracks": table, "traffic": paid})))
        for table, paid in (
            (frame, traffic()), (pl.from_pandas(frame), pl.from_pandas(traffic()).lazy()),
            (frame.to_dict("list"), traffic().to_dict("list")),
            (frame.set_index("track", drop=False), traffic()),
        )
    ]  # fmt: skip
    assert all(t == told[0] for t in told)


def test_a_name_that_nothing_reads_is_told():
    found = audited(profile=PROFILE | {"artistpick": True}, listeners=LISTENERS | {"radoi": 3})
    assert any("artistpick, radoi" in c for c in found.caveats)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"tracks": 3}, "tracks is no table that can be read.*int"),
        ({"tracks": {"a": [1], "b": [1, 2]}}, "no table.*differ in length"),
        ({"tracks": tracks().head(0)}, "has no row"),
        ({"tracks": tracks(released=["soon"] * 12)}, "released of row 0 is 'soon'.*12 of 12"),
        ({"tracks": tracks(released=[2026] * 12)}, "released of row 0 is 2026"),
        (
            {"tracks": pd.concat([tracks()[["track"]], tracks()], axis=1)},
            "tracks is no table.*'track' is there more than once",
        ),
        ({"today": "tomorrowish"}, "today is 'tomorrowish'"), ({"today": None}, "today is None"),
        ({"plan": ["someday"]}, "plan of row 0 is 'someday'"), ({"plan": 7}, "plan of row 0 is 7"),
        ({"profile": ["bio"]}, "profile is a list"), ({"listeners": 5}, "listeners is a int"),
        ({"profile": {"followers": -3}}, "followers is -3"),
        ({"profile": {"followers": "many"}}, "followers is 'many'"),
        ({"listeners": {"active": float("inf")}}, "active is inf"),
        ({"signals": {"pop": -0.1}}, "signal 'pop' is -0.1"),
        ({"traffic": traffic().drop(columns="source")}, "no column 'source'"),
        ({"traffic": traffic().drop(columns="saves")}, "no column 'saves'"),
        ({"traffic": traffic().drop(columns="spend")}, "whether it was paid for"),
        ({"traffic": traffic().assign(saves=9_999)}, "9,999 of 2,000 listeners; 12 of 12"),
        ({"traffic": traffic().assign(saves=0.1)}, "saves of row 0 is 0.1.*Give counts"),
        ({"traffic": traffic().assign(saves="a")}, "saves of row 0 is 'a'; 12 of 12"),
        ({"traffic": traffic().assign(paid=None)}, "paid of row 0 is empty"),
        ({"thresholds": 3}, "thresholds is a int"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_with_its_place_and_the_way_out(said, words):
    with pytest.raises(co.FindingError, match=words):
        audited(**said)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"complete": 1.5}, "complete is 1.5"), ({"tracks": -1}, "tracks is -1"),
        ({"weeks": 6}, "weeks is 6"), ({"blocks": 0.4}, "weakens is 0.5 and blocks is 0.4"),
        ({"usual": {"likes": 0.1}}, "usual names 'likes'"), ({"profile": ()}, "names no part"),
        ({"usual": {"saves": 1.0}}, "above 0 and below 1"), ({"tracks": "ten"}, "tracks is 'ten'"),
        ({"usual": [1]}, r"usual is \[1\]"), ({"usual": None}, "usual is None"),
        ({"metadata": None}, "metadata is None"), ({"metadata": 3}, "metadata is 3"),
        ({"profile": None}, "profile is None"), ({"profile": ["bio", 3]}, "names 3.*1 of 2"),
    ],
)  # fmt: skip
def test_thresholds_out_of_range_are_refused(said, words):
    with pytest.raises(co.FindingError, match=words):
        Thresholds(**said)


def test_the_same_chance_gives_the_same_audit():
    first, second = (audited(**CLEAN).to_dict() for _ in range(2))
    assert first == second
    assert [p["severity"] for p in first["parts"]] == ["fine"] * 9


def test_a_column_of_tracks_that_may_be_misspelled_is_named():
    whole = CLEAN["tracks"].assign(colour="red")
    assert not any("misspelled" in c for c in audited(**CLEAN | {"tracks": whole}).caveats)
    wrong = whole.rename(columns={"lyrics": "lyric"})
    caveats = audited(**CLEAN | {"tracks": wrong}).caveats
    assert any("perhaps misspelled: lyric, colour" in c for c in caveats), caveats


def test_an_audit_and_each_of_its_parts_is_a_slide():
    from coterie.deck.slides import Bars
    from coterie.deck.story import of_finding

    found = audited(**(CLEAN | PLANTED["low-fit traffic"] | {"plan": None}))
    chart = of_finding(found).chart
    assert isinstance(chart, Bars)
    assert chart.frame["label"].iloc[0] == "low-fit traffic"
    assert chart.frame["text"].iloc[-1] == "not known"
    assert len(co.Deck([found, found.parts[7], audited()]).slides) >= 3
    assert all(of_finding(p).headline for p in found.parts)


@pytest.fixture
def beliefs(monkeypatch):
    clusters = ["gym"] * 20 + ["rain"] * 20
    table = rows(cluster=clusters, spend=[200.0] * 40, release=[str(i) for i in range(40)])
    levels = np.tile(np.array([[0.6], [0.3]]), (50, 1, 3))
    return stated(table, levels, monkeypatch=monkeypatch)


def allocated(beliefs, **said):
    return co.allocate(
        beliefs, "Ana", budget=1_000, values={"save": 1.0}, rules=co.Rules(**said),
        rng=np.random.default_rng(5),
    )  # fmt: skip


def test_no_money_is_given_against_an_audit_without_a_reason(beliefs):
    blocked = audited(**(CLEAN | PLANTED["sparse catalogue"]))
    for reason in ("", "  "):
        with pytest.raises(co.FindingError, match=r"blocked by sparse catalogue; 1 of 9.*despite="):
            allocated(beliefs, audit=blocked, despite=reason)
    unseen = audited(**(CLEAN | {"profile": None}))
    with pytest.raises(co.FindingError, match="not checked: incomplete profile"):
        allocated(beliefs, audit=unseen)


def test_a_reason_to_go_on_is_kept_with_what_was_blocked(beliefs):
    blocked = audited(**(CLEAN | PLANTED["sparse catalogue"]))
    found = allocated(beliefs, audit=blocked, despite="a tour begins in May")
    assert found.caveats[0].startswith("Not ready to scale: sparse catalogue. Given despite it: a")
    assert found.provenance["despite"] == "a tour begins in May"
    assert found.provenance["blocked"] == ["sparse catalogue"]
    told = found.table["why"].values
    assert all(str(why).endswith("given despite it: a tour begins in May") for why in told)
    assert float(found.table["amount"].sum()) == 1_000


def test_an_audit_that_is_ready_opens_the_gate_and_without_one_it_is_said(beliefs):
    found = allocated(beliefs, audit=audited(**CLEAN), despite="never needed")
    assert "despite" not in found.provenance
    assert not any("audited" in c for c in found.caveats)
    assert any("was not audited" in c for c in allocated(beliefs).caveats)


def test_an_audit_of_another_artist_and_what_is_no_audit_are_refused(beliefs):
    with pytest.raises(co.FindingError, match="audit is of 'Bo', and the budget is for 'Ana'"):
        allocated(beliefs, audit=audited("Bo", **CLEAN))
    with pytest.raises(co.FindingError, match="'blocker' is no audit"):
        allocated(beliefs, audit=audited(**CLEAN).parts[0])
    with pytest.raises(co.FindingError, match="is no audit"):
        ready_to_scale("yes")
