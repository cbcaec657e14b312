"""Playbook: which pattern holds at which draws, and what is due on which day."""

import datetime as dt
import functools
import importlib.util
import json
import warnings
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import coterie as co
from coterie.deck.slides import Bars, Table
from coterie.deck.telling import chart_of
from coterie.findings.patterns import book_of, patterns_of
from coterie.findings.responses import Responses
from coterie.findings.signals import Groups

PROOFS = Path(__file__).parents[2] / "proofs"
KINDS = {
    "save": "binary", "add": "binary", "follow": "binary", "active": "binary",
    "programmed": "binary", "depth": "count", "streams": "count", "reach": "count",
}  # fmt: skip
# One standard deviation is a factor of e, so that scores are differences of logs.
USUAL = co.Reference.stated(
    {name: (0.1 if kind == "binary" else 1.0, np.e) for name, kind in KINDS.items()},
    about="stated", counts=tuple(name for name, kind in KINDS.items() if kind == "count"),
)  # fmt: skip
NAMES = [pattern.name for pattern in patterns_of(book_of(None))]
CLUSTERS = ("Oslo", "Lisbon", "won back", "cold")
GROUPS = Groups(places=CLUSTERS[:2], expected={"Oslo": 0.05, "Lisbon": 0.4}, warm=("won back",),
                cold=("cold",))  # fmt: skip


def level(outcome, score):
    """Return the rate so many standard deviations from what is usual."""
    score = np.asarray(score, dtype=float)
    if KINDS[outcome] == "count":
        return np.exp(score)
    odds = np.exp(score) / 9
    return odds / (1 + odds)


@functools.cache
def ledger():
    frame = {"artist": ["Ana"] * 2, "cluster": ["a", "b"], "listeners": 10, "saves": 1}
    return co.Evidence.from_frame(pd.DataFrame(frame))


def read(scores, *, clusters=CLUSTERS, people=None, outcomes=tuple(KINDS), homes=None, **said):
    """Read beliefs whose scores are stated, by outcome and then by cluster or for all: (draw,)."""
    size = max(
        np.size(v) for s in scores.values() for v in (s.values() if isinstance(s, dict) else [s])
    )
    levels = np.empty((size, len(clusters), len(outcomes)))
    for o, outcome in enumerate(outcomes):
        for k, cluster in enumerate(clusters):
            own = scores.get(outcome, 0.0)
            own = own.get(cluster, 0.0) if isinstance(own, dict) else own
            levels[:, k, o] = level(outcome, own)
    below = np.full((len(clusters), len(outcomes)), 100.0)
    if people is not None:
        below[:] = people
    measured = tuple(co.Outcome(o, KINDS[o], f"{o}_n", "people") for o in outcomes)
    made = Responses("Ana", clusters, measured, levels, levels, levels, below, below)
    tree = {"posterior": xr.Dataset({"alpha": ("draw", np.zeros(2))}), "ledger": xr.Dataset()}
    if homes:
        prior = np.array([[0.1, 0.5, 0.2, 0.1]])
        coords = {"artist": ["Ana"], "cluster": list(clusters)}
        tree["prior"] = xr.Dataset({"prior": (("artist", "cluster"), prior)}, coords=coords)
    beliefs = SimpleNamespace(
        evidence=ledger(), homes=homes,
        tree=xr.DataTree.from_dict(tree),
    )  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Responses, "of", classmethod(lambda *_, **__: made))
        return co.playbook.read(
            beliefs, "Ana", **{"reference": USUAL, "rng": np.random.default_rng(1)} | said
        )


def intent(by):
    return dict.fromkeys(("save", "add", "follow"), by)


def test_a_pattern_holds_at_the_draws_at_which_all_its_conditions_hold():
    # Streams are high at draws 1 to 3, intent is low at draws 2 to 4: each at 3 of 4, both at 2 of
    # 4. A product of the two would say 9/16, and the means (0.5 and -0.5) would say neither.
    found = read(
        {"streams": np.array([1.0, 1.0, 1.0, -1.0]), **intent(np.array([1.0, -1.0, -1.0, -1.0]))}
    ).table
    assert float(found["probability"].sel(pattern="shallow attention")) == 0.5
    held = found["held"].where(found["condition_of"] == "shallow attention", drop=True)
    assert held.to_numpy().tolist() == [0.75, 0.75]


def test_clusters_are_pooled_on_the_scale_of_the_reference():
    # 100 people at one half, whose log odds lie log(9) above those of one tenth, and 300 at one
    # tenth: a quarter of log(9) = 0.549.
    found = read(
        {"save": {"Oslo": np.log(9.0)}}, clusters=("Oslo", "Lisbon"), outcomes=("save", "depth"),
        people=[[100, 1], [300, 1]],
    ).table  # fmt: skip
    signal = found["signal"].sel(condition="song-level win: intent above 0.5 sd")
    assert float(signal) == pytest.approx(np.log(9) / 4)
    assert signal.attrs["ci_kind"] == "eti"


def test_intent_is_the_mean_score_of_the_acts_that_were_measured():
    found = read({"save": 1.0, "follow": 2.0, "depth": -1.0}, outcomes=("save", "follow", "depth"))
    signal = found.table["signal"].sel(condition="song-level win: intent above 0.5 sd")
    assert float(signal) == pytest.approx(1.5)
    assert any("Intent is read from save, follow alone; not measured: add" in c
               for c in found.caveats)  # fmt: skip


PLANTED = {
    "shallow attention": {"streams": 1.2, **intent(-1.2)},
    "strong niche": intent(1.7),
    "visibility alone": {"programmed": 1.2, "active": -1.2},
    "song-level win": {"depth": -1.2, **intent(1.2)},
    "unexpected place": intent({"Oslo": 1.5}),
    "warm demand": intent({"won back": 0.7, "cold": -0.7}),
}


@pytest.mark.parametrize("planted", NAMES)
def test_a_planted_pattern_is_likely_and_no_other_is(planted):
    rng = np.random.default_rng(5)
    noisy = {
        outcome: {
            c: (own.get(c, 0.0) if isinstance(own, dict) else own) + rng.normal(0, 0.2, 400)
            for c in CLUSTERS
        }
        for outcome, own in (dict.fromkeys(KINDS, 0.0) | PLANTED[planted]).items()
    }
    found = read(noisy, groups=GROUPS)
    chances = found.table["probability"].to_series()
    assert chances.idxmax() == planted
    assert chances[planted] > 0.8
    assert (chances.drop(planted) < 0.2).all()
    assert found.headline.startswith(f"Ana: {planted}")
    assert str(found.table["action"].sel(pattern=planted).item()).rstrip(".") in found.headline


scores = st.lists(st.floats(-4, 4), min_size=5, max_size=5)


@settings(max_examples=12, deadline=None)
@given(st.fixed_dictionaries(dict.fromkeys(KINDS, scores)))
def test_together_is_never_likelier_than_any_condition_nor_rarer_than_it_can_be(drawn):
    table = read({o: np.array(v) for o, v in drawn.items()}, groups=GROUPS).table
    for name in NAMES:
        held = table["held"].where(table["condition_of"] == name, drop=True).to_numpy()
        chance = float(table["probability"].sel(pattern=name))
        assert held.sum() - (len(held) - 1) - 1e-9 <= chance <= held.min() + 1e-9
    both = table["probability"].sel(pattern=["strong niche", "song-level win"]).sum()
    assert float(both) <= 1  # they exclude each other


def test_what_was_not_measured_is_named_and_is_not_improbable():
    found = read({"save": 0.0}, outcomes=("save", "depth"))
    table = found.table
    assert np.isnan(table["probability"].sel(pattern="shallow attention"))
    assert "'streams' or 'plays'" in table["missing"].sel(pattern="shallow attention").item()
    assert found.caveats[0].startswith("Not measured, and so neither likely nor unlikely: shallow")
    assert "No pattern (1 of 6 could be read) is likely" in found.headline
    uncounted = read({"save": 0.0}, people=[1, 1, 1, 1, 0, 1, 1, 1]).table
    assert "nothing was counted" in uncounted["missing"].sel(pattern="visibility alone").item()
    strange = co.Reference.stated({"save": (0.1, 2), "depth": (1, 2)}, about="", counts=("depth",))
    assert "the reference has no" in read({"save": 0.0}, reference=strange).table[
        "missing"].sel(pattern="visibility alone").item()  # fmt: skip


def test_a_condition_that_only_sharpens_is_left_out_where_it_was_not_measured():
    found = read({"reach": 0.0, "save": 2.0}, outcomes=("reach", "save"))
    assert float(found.table["probability"].sel(pattern="strong niche")) == 1
    assert any("strong niche was read without depth" in c for c in found.caveats)


def test_nothing_measured_is_refused_with_the_way_out():
    with pytest.raises(co.FindingError, match=r"None of the 6 patterns can be read of 'Ana'.*Meas"):
        read({"reach": 0.0}, outcomes=("reach",))


def test_the_place_that_leads_is_found_at_each_draw_with_its_own_prior():
    # Oslo leads at draws 1 to 3 and is not expected; Lisbon leads at draw 4 and is.
    own = {"Oslo": np.array([1.0, 1.0, 1.0, 0.0]), "Lisbon": np.array([0.0, 0.0, 0.8, 2.0])}
    table = read(intent(own), groups=GROUPS).table
    # Draw 3 has too little lead: 0.2.
    assert float(table["probability"].sel(pattern="unexpected place")) == 0.5
    assert table["leads"].to_series().to_dict() == {"Oslo": 0.75, "Lisbon": 0.25}
    assert "where: Oslo" in table["path"].sel(pattern="unexpected place").item()


def test_a_place_is_as_expected_as_the_beliefs_had_it_unless_it_is_stated():
    own = intent({"Oslo": np.full(4, 2.0)})
    places = CLUSTERS[:2]
    chance = {
        prior: float(read(own, homes=homes, groups=Groups(places=places, expected=stated)).table[
            "probability"].sel(pattern="unexpected place"))
        for prior, homes, stated in (
            ("beliefs", "one", {}), ("stated", "one", {"Oslo": 0.5}), ("nobody", None, {}),
        )
    }  # fmt: skip
    assert chance["beliefs"] == 1
    assert chance["stated"] == 0
    assert np.isnan(chance["nobody"])


def test_one_cluster_can_be_read_alone():
    own = {"streams": {"Oslo": 2.0}, **intent({"Oslo": -2.0})}
    alone = read(own, groups=Groups(cluster="Oslo")).table["probability"]
    every = read(own | intent({"Oslo": -2.0, "Lisbon": 2.0, "cold": 1.0})).table["probability"]
    assert float(alone.sel(pattern="shallow attention")) == 1
    assert float(every.sel(pattern="shallow attention")) == 0


def test_people_counted_stand_for_reach_where_the_reference_says_how_many_are_usual():
    usual = co.Reference(
        dict(USUAL.outcomes)
        | co.Reference.stated({"people": (400, 2.0)}, about="", counts=("people",)).outcomes
    )
    few = [name for name in KINDS if name != "reach"]
    found = read({**intent(2.0), "depth": 0.0}, outcomes=few, reference=usual).table
    # Four clusters of 100 people are what is usual, so that reach is moderate.
    assert float(found["signal"].sel(condition="strong niche: reach between -1 and 1 sd")) == 0
    assert float(found["probability"].sel(pattern="strong niche")) == 1


def test_a_finding_is_a_slide_with_its_probabilities_as_bars():
    found = read({"streams": np.array([1.0, 2.0]), **intent(-1.0)})
    chart, left = chart_of(found)
    assert isinstance(chart, Bars)
    assert left == 0
    assert chart.frame["label"].iloc[0] == "shallow attention"
    assert found.headline in {slide.headline for slide in co.Deck([found]).slides}
    listed = co.playbook.plan("2026-06-05", today="2026-06-01")
    assert isinstance(chart_of(listed)[0], Table)
    assert listed.headline in {slide.headline for slide in co.Deck([listed]).slides}


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"roles": {"fame": "save"}}, "There is no role 'fame'"),
        ({"roles": {"intent": ["shares"]}}, "no outcome 'shares'"),
        ({"roles": {"intent": 3}}, "no outcome 3"),
        ({"roles": {"intent": []}}, "No outcome plays 'intent'"),
        ({"roles": {"intent": "people"}}, "The reference knows no 'people'"),
        ({"path": "nowhere.toml"}, "nowhere.toml cannot be read: No such file"),
        ({"path": 3}, "cannot be read"),
        ({"reference": co.Reference.stated({"save": (1.0, 2)}, about="", counts=("save",))},
         "'save' is binary here and count in the reference"),
    ],
)  # fmt: skip
def test_a_question_that_cannot_be_asked_is_refused(said, words):
    with pytest.raises(co.FindingError, match=words):
        read({"save": 0.0}, **said)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"places": ["Oslo"]}, "'Oslo' is the only place"),
        ({"places": "Oslo"}, "'Oslo' is the only place"),
        ({"places": [["a"], ["b"]]}, "is no label"),
        ({"warm": ["a"]}, "without the other"),
        ({"warm": ["a", "b"], "cold": "b"}, "'b' is warm and cold"),
        ({"places": ["a", "b"], "expected": {"c": 0.1}}, "'c' is expected and is none of"),
        ({"places": ["a", "b"], "expected": {"a": 1.5}}, "expected with 1.5"),
        ({"places": ["a", "b"], "expected": {"a": "low"}}, "expected with 'low'"),
    ],
)
def test_groups_in_conflict_are_refused(said, words):
    with pytest.raises(co.FindingError, match=words):
        co.playbook.Groups(**said)


def test_an_unknown_cluster_is_refused_with_those_nearest():
    with pytest.raises(co.BeliefError, match=r"'Oslow' is not among .* Did you mean one of: Oslo"):
        read({"save": 0.0}, groups=Groups(places=["Oslow", "Lisbon"]))


OWN = """
[[patterns]]
id = "{id}"
seen = "a"
reading = "b"
action = "c"
source = "d"
conditions = [{conditions}]
"""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x = ", "is no TOML"),
        ("", r"has nothing for patterns; .*\[\[patterns\]\]"),
        ("patterns = 3", "has 3 for patterns"),
        ("patterns = [3]", "3 stands where a table is read"),
        ("[[pattern]]\nid = 'a'", "key 'pattern', which nothing reads.*Did you mean 'patterns'"),
        (OWN.format(id="a", conditions=""), "conditions is nothing"),
        (OWN.format(id="a", conditions="{signal = 'stream', above = 1}"), "Did you mean 'streams'"),
        (OWN.format(id="a", conditions="{signal = 'intent'}"), "states no edge"),
        (OWN.format(id="a", conditions="{signal = 'intent', above = 1, below = 2}"),
         "states above and below"),
        (OWN.format(id="a", conditions="{signal = 'intent', above = 'much'}"), "'much'"),
        (OWN.format(id="a", conditions="{signal = 'intent', above = nan}"), "is nan"),
        (OWN.format(id="a", conditions="{signal = 'intent', above = true}"), "is True"),
        (OWN.format(id="a", conditions="{signal = 'intent', between = [2, 1]}"), "lies below"),
        (OWN.format(id="a", conditions="{signal = 'intent', between = [2]}"), r"is \[2\]"),
        (OWN.format(id="a", conditions="{signal = 'intent', abov = 2}"), "key 'abov'"),
        (OWN.format(id="a", conditions="{signal = 'depth', above = 2, if_measured = true}"),
         "if_measured stands in every"),
        (OWN.format(id="a", conditions="{signal = 'depth', above = 2, if_measured = 1}"),
         "write true or false"),
        (OWN.format(id=" ", conditions="{signal = 'depth', above = 2}"), "id is ' '"),
        (2 * OWN.format(id="a", conditions="{signal = 'depth', above = 2}"), "id of 2 patterns"),
    ],
)  # fmt: skip
def test_a_playbook_that_cannot_stand_says_what_is_wrong(tmp_path, text, words):
    (tmp_path / "own.toml").write_text(text)
    with pytest.raises(co.FindingError, match=words):
        read({"save": 0.0}, path=tmp_path / "own.toml")


def test_a_file_that_is_no_text_is_refused(tmp_path):
    (tmp_path / "own.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(co.FindingError, match="is no TOML"):
        read({"save": 0.0}, path=tmp_path / "own.toml")
    with pytest.raises(co.FindingError, match="cannot be read"):
        read({"save": 0.0}, path=tmp_path)


def test_a_playbook_of_ones_own_is_read_instead(tmp_path):
    file = tmp_path / "own.toml"
    file.write_text(OWN.format(id="deep", conditions="{signal = 'depth', between = [1, 3]}"))
    found = read({"depth": np.array([0.0, 2.0, 2.0, 4.0])}, path=file)
    assert found.table["probability"].to_series().to_dict() == {"deep": 0.5}
    assert found.provenance["playbook"].startswith("own.toml (")


@functools.cache
def proof():
    spec = importlib.util.spec_from_file_location("proof_of_patterns", PROOFS / "patterns.py")
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def test_the_kept_proof_is_of_the_patterns_there_are_and_holds():
    kept = json.loads((PROOFS / "results/patterns.json").read_text(encoding="utf-8"))
    table = pd.DataFrame(kept["table"]).T
    own = np.eye(len(NAMES), dtype=bool)
    assert table.columns.tolist() == table.index.tolist() == NAMES == list(proof().PLANTED)
    assert (table.to_numpy()[own] > 0.8).all()
    assert (table.to_numpy()[~own] < 0.2).all()


@pytest.mark.nightly
@pytest.mark.slow
def test_patterns_planted_in_counts_are_found_by_a_fit_and_no_others_are():
    rng = np.random.default_rng(31)  # not the seed of the kept proof
    with warnings.catch_warnings(action="ignore", category=co.ConvergenceWarning):
        beliefs = proof().fitted(proof().catalogue(rng)[0], rng)
    table = proof().read(beliefs, rng)[0].loc[NAMES, NAMES].to_numpy()
    own = np.eye(len(NAMES), dtype=bool)
    assert (table[own] > 0.8).all()
    assert (table[~own] < 0.2).all()


# Dates.


def status(found):
    return found.table["status"].to_series().to_dict()


def test_a_pitch_is_due_seven_days_before_release():
    # 5 June less 7 days is 29 May: due on that day, late on the next.
    due = co.playbook.plan("2026-06-05", today="2026-05-29")
    late = co.playbook.plan("2026-06-05", today="2026-05-30")
    assert due.table["due"].sel(task="pitch").item() == "2026-05-29"
    assert (status(due)["pitch"], status(late)["pitch"]) == ("due", "late")
    early = co.playbook.plan("2026-06-05", today="2026-05-01")
    assert status(early)["pitch"] == "ahead"  # it opens 28 days before: on 8 May


@pytest.mark.parametrize(
    ("pitched", "said"),
    [
        ("2026-05-29", "done"),
        ("2026-05-20", "done"),
        ("2026-05-30", "late"),
        ("2026-06-06", "late"),
    ],
)
def test_a_pitch_is_done_in_time_or_late(pitched, said):
    found = co.playbook.plan("2026-06-05", today="2026-06-07", pitched=pitched)
    assert status(found)["pitch"] == said
    assert f"pitched {pitched}" in found.table["note"].sel(task="pitch").item()


@settings(max_examples=20, deadline=None)
@given(st.integers(-60, 120), st.sets(st.sampled_from(["pitch", "halo", "retarget"])))
def test_every_task_has_one_status_and_it_follows_from_its_days(after, done):
    release = dt.date(2026, 6, 5)
    now = release + dt.timedelta(days=after)
    table = co.playbook.plan(release, today=now, done=done).table
    for task in table["task"].to_numpy().tolist():
        own = table.sel(task=task)
        opens, due = (dt.date.fromisoformat(own[d].item()) for d in ("opens", "due"))
        wanted = (
            "done" if task in done else
            "late" if now > due else "due" if now >= opens else "ahead"
        )  # fmt: skip
        assert own["status"].item() == wanted
    order = [["late", "due", "ahead", "done"].index(s) for s in table["status"].to_numpy()]
    assert order == sorted(order)


def test_phases_follow_each_other_without_a_gap():
    table = co.playbook.plan("2026-06-05", today="2026-06-08").table
    starts = [dt.date.fromisoformat(d) for d in table["starts"].to_numpy()]
    ends = [dt.date.fromisoformat(d) for d in table["ends"].to_numpy()]
    assert [a - b for a, b in zip(starts[1:], ends[:-1], strict=True)] == [dt.timedelta(days=1)] * 3
    assert table["phase_status"].to_numpy().tolist() == ["late", "due", "ahead", "ahead"]


def test_no_status_is_stated_where_today_is_not():
    found = co.playbook.plan("2026-06-05")
    assert set(status(found).values()) == {"not stated"}
    assert found.caveats[0].startswith("Today was not stated")
    assert "the pitch is due by 2026-05-29" in found.headline


@pytest.mark.parametrize(
    "day",
    [dt.date(2026, 6, 5), dt.datetime(2026, 6, 5, 18), "2026-06-05", "2026-06-05T18:00", "20260605",
     pd.Timestamp("2026-06-05", tz="Europe/Oslo"), np.datetime64("2026-06-05")],
)  # fmt: skip
def test_a_date_is_read_in_every_usual_form(day):
    assert co.playbook.plan(day).provenance["release"] == "2026-06-05"


@pytest.mark.parametrize(
    "day", ["today", "soon", "5", "", 20260605, None, True, pd.NaT, np.datetime64("NaT", "D"),
            "0026-06-05", np.datetime64("9999-01-01")],
)  # fmt: skip
def test_what_is_no_date_is_refused(day):
    with pytest.raises(co.FindingError, match=r"release is .*no date"):
        co.playbook.plan(day)
    if day is not None:
        with pytest.raises(co.FindingError, match="today is"):
            co.playbook.plan("2026-06-05", today=day)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"done": ["pich"]}, "'pich' is no task.*Did you mean 'pitch'"),
        ({"done": [3]}, "3 is no task"),
        ({"done": None}, "None is no task"),
        ({"evidence": 3}, "3, which is no Finding"),
        ({"pitched": "2026-05-20", "today": "2026-05-01"}, "19 days after today"),
        ({"evidence": [3]}, "is no Finding"),
    ],
)
def test_a_plan_that_cannot_be_is_refused(said, words):
    with pytest.raises(co.FindingError, match=words):
        co.playbook.plan("2026-06-05", **said)


def chances(kind, name="first", unit="probability", **values):
    table = xr.Dataset(
        {name: ("cluster", list(values.values()), {"units": unit})},
        coords={"cluster": list(values)}, attrs={"draws": 400},
    )  # fmt: skip
    return co.Finding(kind, "Somebody leads.", table)


def test_a_gate_is_met_by_the_number_that_was_handed_in_and_is_open_without_one():
    answers = {}
    for top in (0.79, 0.8, None):
        handed = [] if top is None else chances("scorecard", gym=top, focus=0.1)
        found = co.playbook.plan("2026-06-05", evidence=handed)
        answers[top] = found.table["answer"].to_numpy().tolist()[0]
    assert answers == {0.79: "not met", 0.8: "met", None: "open"}
    told = co.playbook.plan("2026-06-05", evidence=chances("scorecard", gym=1.0)).table["gates"]
    assert "met: more than 19 of 20" in told.sel(phase="release week").item()


def test_a_reading_of_the_playbook_is_evidence_for_its_gates():
    bad = read({"programmed": 2.0, "active": -2.0, "depth": 0.0})
    found = co.playbook.plan("2026-06-05", evidence=[bad])
    rows = found.table["answer"].to_series()
    assert [rows.iloc[i] for i in (1, 2)] == ["not met", "met"]
    unmeasured = read({"save": 0.0}, outcomes=("save", "depth"))
    assert co.playbook.plan("2026-06-05", evidence=unmeasured).table["answer"][1] == "open"


@pytest.mark.parametrize(
    ("handed", "words"),
    [
        ([chances("scorecard", gym=0.1)] * 2, "two findings of kind 'scorecard'"),
        ([chances("scorecard", name="best", gym=0.1)], "has no such probability; it has best"),
        ([chances("scorecard", unit="money", gym=0.1)], "has no such probability; it has none"),
        ([chances("playbook", name="probability", gym=0.1)], "'visibility alone', which is not"),
    ],
)
def test_evidence_that_a_gate_cannot_read_is_refused(handed, words):
    with pytest.raises(co.FindingError, match=words):
        co.playbook.plan("2026-06-05", evidence=handed)


def test_evidence_about_several_artists_is_refused_by_their_names():
    mine, theirs = (
        replace(chances(kind, gym=0.9), provenance={"artist": artist})
        for kind, artist in (("scorecard", "Ana"), ("other", "Bo"))
    )
    with pytest.raises(
        co.FindingError, match=r"'Ana' \(scorecard\) and 'Bo' \(other\).*one artist"
    ):
        co.playbook.plan("2026-06-05", evidence=[mine, theirs])
    alike = replace(theirs, provenance={"artist": "Ana"})
    for handed in ([mine, alike], [mine, chances("other", gym=0.9)], [theirs]):
        assert co.playbook.plan("2026-06-05", evidence=handed).kind == "release_plan"


PHASE = """
[[phases]]
id = "only"
starts = 0
ends = {ends}
entry = "a"
exit = "b"
source = "c"
{tasks}
"""
SOLE = "[[phases.tasks]]\nid = 'one'\ndoes = 'it'\nsource = 'x'\ndue = {due}\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[patterns]]", "nothing for phases"),
        (PHASE.format(ends=3, tasks=""), "has no task"),
        (PHASE.format(ends=-3, tasks=SOLE.format(due=1)), "ends after it starts"),
        (PHASE.format(ends="'x'", tasks=SOLE.format(due=1)), "ends is 'x'; write whole days"),
        (PHASE.format(ends=3, tasks="tasks = 4"), "tasks is 4"),
        (PHASE.format(ends=3, tasks="tasks = [4]"), "4 stands where a table is read"),
        (PHASE.format(ends=3, tasks=SOLE.format(due=1.5)), "due is 1.5"),
        (PHASE.format(ends=3, tasks=SOLE.format(due=10**9)), "due is 1000000000"),
        (PHASE.format(ends=3, tasks=SOLE.format(due=-1)), "it opens first"),
        (PHASE.format(ends=3, tasks=2 * SOLE.format(due=1)), "id of 2 tasks"),
        (PHASE.format(ends=3, tasks=SOLE.format(due=1) + "[[phases.gates]]\nfinding = 'a'\n"
         "number = 'b'\nof = 'c'\nat_least = 2"), "a gate compares a probability"),
        (PHASE.format(ends=3, tasks=SOLE.format(due=1) + "[[phases.gates]]\nfinding = 'a'\n"
         "number = 'b'\nof = 'c'"), "at_least or at_most"),
        (2 * PHASE.format(ends=3, tasks=SOLE.format(due=1)), "id of 2 phases"),
    ],
)  # fmt: skip
def test_phases_that_cannot_stand_say_what_is_wrong(tmp_path, text, words):
    (tmp_path / "own.toml").write_text(text)
    with pytest.raises(co.FindingError, match=words):
        co.playbook.plan("2026-06-05", path=tmp_path / "own.toml")


def test_a_plan_of_ones_own_needs_no_pitch_and_no_gate(tmp_path):
    (tmp_path / "own.toml").write_text(PHASE.format(ends=3, tasks=SOLE.format(due=1)))
    found = co.playbook.plan("2026-06-05", today="2026-06-05", path=tmp_path / "own.toml")
    assert status(found) == {"one": "due"}
    with pytest.raises(co.FindingError, match="no task 'pitch'"):
        co.playbook.plan("2026-06-05", pitched="2026-05-01", path=tmp_path / "own.toml")
