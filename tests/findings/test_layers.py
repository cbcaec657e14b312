"""Layers: which of three holds music back, and that a bad mix is not read as bad ranking."""

import functools

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.special import expit, logit

import coterie as co
from coterie.findings import context_levels
from coterie.findings.context_levels import Rows, levels_of
from coterie.findings.exposure import Exposure
from coterie.findings.layer_scores import LAYERS
from coterie.findings.reference import Usual
from coterie.findings.shown import Shown

USUAL = co.Reference.stated(
    {"retrieval": (0.1, 1.5), "stream": (0.2, 1.3), "intent": (0.1, 1.5)}, about="our label, 2025"
)


def counted(levels, *, periods=20, people=50_000, eligible=(0.5, 0.5), scatter=None, seed=0):
    """Count periods at levels by context: (retrieval, stream, intent) each; whole where none."""
    rng = np.random.default_rng(seed)
    rows = []
    for (context, rates), share in zip(levels.items(), eligible, strict=True):
        for _ in range(periods):
            counts = [round(people * share)]
            for rate in rates:
                if scatter is None:
                    counts.append(round(counts[-1] * rate))
                    continue
                kappa = 1 / (scatter**2 * rate * (1 - rate))
                own = rng.beta(rate * kappa, (1 - rate) * kappa)
                counts.append(int(rng.binomial(counts[-1], own)))
            rows.append((context, *counts))
    return pd.DataFrame(rows, columns=["context", "eligible", "impressions", "streams", "intent"])


def found(table, *, seed=1, usual=USUAL, **said):
    return co.layers(table, usual=usual, rng=np.random.default_rng(seed), **said)


@functools.cache
def plain(**said):
    return found(counted({"radio": (0.1, 0.2, 0.1), "home": (0.1, 0.1, 0.1)}), **said)


def test_layers_of_steady_contexts_are_those_of_hand_arithmetic():
    # Equal impressions; conversion .2 x .1 and .1 x .1. At the mix 3 : 1, streams are
    # .75 x .2 + .25 x .1 = .175 of impressions and conversion is .0175; at the mix shown, 1 : 1,
    # it is .015, so that the mix is worth .015 / .0175 = .857.
    table = counted({"radio": (0.1, 0.2, 0.1), "home": (0.1, 0.1, 0.1)})
    told = found(table, mix={"radio": 3, "home": 1}).table
    wanted = dict(zip(LAYERS, (0.1, 0.0175, 0.015 / 0.0175), strict=True))
    for layer, rate in wanted.items():
        assert float(told["rate"].sel(layer=layer)) == pytest.approx(rate, rel=0.01)
    stream = (logit(0.175) - logit(0.2)) / np.log(1.3)
    assert float(told["part_index"].sel(part="stream")) == pytest.approx(stream, abs=0.05)
    # Ranking: log odds short of usual, streams' and intents' (none) together, over the root of
    # the sum of their squared spreads.
    together = (logit(0.175) - logit(0.2)) / np.hypot(np.log(1.3), np.log(1.5))
    index = told["index"].to_series()
    assert index["ranking"] == pytest.approx(together, abs=0.05)
    assert index["calibration"] == pytest.approx(np.log(0.015 / 0.0175) / np.log(1.25), abs=0.05)
    # Of intents, radio has .02 / (.02 + .01).
    assert float(told["converts"].sel(context="radio")) == pytest.approx(2 / 3, abs=0.01)
    assert float(told["surplus"].sel(context="radio")) == pytest.approx(-0.25, abs=0.01)
    # Jensen-Shannon of (1/2, 1/2) and (2/3, 1/3): H(7/12) less the mean of log 2 and H(1/3).
    half = stats.entropy([7 / 12, 5 / 12]) - (np.log(2) + stats.entropy([1 / 3, 2 / 3])) / 2
    assert float(told["divergence"].sel(against="intents")) == pytest.approx(half, abs=1e-3)


def test_a_bad_mix_is_not_read_as_bad_ranking():
    # Simpson: every context converts alike in both tables, and what is shown differs. All
    # impressions together convert at .0185 or .0055 of impressions.
    rates = {"radio": (0.2, 0.1), "home": (0.1, 0.02)}
    good, bad = (
        counted({c: (r, *rates[c]) for c, r in zip(rates, reach, strict=True)})
        for reach in ((0.18, 0.02), (0.02, 0.18))
    )
    crude = [t["intent"].sum() / t["impressions"].sum() for t in (good, bad)]
    assert crude[1] < 0.25 * crude[0]
    mix = {"radio": 0.9, "home": 0.1}
    first, second = (found(t, mix=mix).table for t in (good, bad))
    ranked = [float(t["index"].sel(layer="ranking")) for t in (first, second)]
    assert ranked[0] == pytest.approx(ranked[1], abs=0.05)
    assert float(first["index"].sel(layer="calibration")) == pytest.approx(0, abs=0.05)
    assert float(second["bottleneck"].sel(layer="calibration")) > 0.99
    assert "under-shown" in str(second["says"].sel(context="radio").item())
    assert "worse" in str(second["says"].sel(context="home").item())


PLANTED = {
    "retrieval": {"a": (0.05, 0.24, 0.12), "b": (0.05, 0.22, 0.11)},
    "ranking": {"a": (0.11, 0.14, 0.07), "b": (0.11, 0.13, 0.07)},
    "calibration": {"a": (0.02, 0.4, 0.2), "b": (0.22, 0.15, 0.06)},
    "nothing": {"a": (0.15, 0.24, 0.14), "b": (0.15, 0.24, 0.14)},
}


@pytest.mark.parametrize("planted", PLANTED)
def test_the_planted_layer_is_found_and_where_none_is_low_nothing_is(planted):
    table = counted(PLANTED[planted], periods=12, scatter=0.2, seed=4)
    usual = co.Reference.stated(
        {"retrieval": (0.1, 1.5), "stream": (0.2, 1.3), "intent": (0.1, 1.5)}, about="stated"
    )
    said = found(table, usual=usual, at_least=0.0 if planted in LAYERS else 0.5)
    told = said.table
    if planted == "nothing":
        assert float(told["nothing"]) > 0.9
        assert said.headline.startswith("Nothing holds it back in")
        return
    assert told["bottleneck"].idxmax("layer").item() == planted
    assert float(told["bottleneck"].sel(layer=planted)) > 0.9
    assert said.headline.startswith(f"{planted.capitalize()} holds it back most in")


def test_many_people_of_one_week_are_not_many_weeks():
    rates = {"a": (0.1, 0.2, 0.1), "b": (0.1, 0.2, 0.1)}
    one = found(counted(rates, periods=1, people=2_000_000))
    many = found(counted(rates, periods=20, people=100_000))
    width = [t.table["index_upper"] - t.table["index_lower"] for t in (one, many)]
    assert (width[0].sel(layer="retrieval") > 3 * width[1].sel(layer="retrieval")).item()
    assert any("No context has more than one period" in line for line in one.caveats)
    assert not any("No context has more than one period" in line for line in many.caveats)


def test_a_level_is_the_one_of_a_brute_sum():
    above, below = np.array([4.0, 11, 2, 9]), np.array([60.0, 80, 70, 90])
    usual = Usual("binary", float(logit(0.15)), 0.4)
    drawn = levels_of(
        Rows(above, below, np.zeros(4, dtype=int), 1), usual, rng=np.random.default_rng(3)
    )
    eta = np.linspace(-6, 2, 801)
    scatter = np.geomspace(0.02, 1.5, 15)
    kappa = 1 / (scatter**2 * 0.15 * 0.85)
    mu = expit(eta)[:, None, None]
    mass = stats.betabinom.logpmf(above, below, mu * kappa[:, None], (1 - mu) * kappa[:, None])
    likely = np.exp(mass.sum(axis=-1)) @ np.exp(-0.5 * (np.log(scatter / 0.3) / 0.8) ** 2)
    # One context: its level is normal about a normal middle, apart by a half-normal.
    apart = context_levels.APART * np.geomspace(0.05, 4, 10)
    worth = apart * np.exp(-0.5 * (apart / context_levels.APART) ** 2)
    wide = np.sqrt(0.8**2 + apart**2)
    prior = stats.norm.pdf(eta[:, None], usual.centre, wide) @ worth
    weight = likely * prior / (likely * prior).sum()
    mean = float(weight @ eta)
    spread = float(np.sqrt(weight @ (eta - mean) ** 2))
    got = logit(drawn[:, 0])
    # 4,000 independent draws: standard errors of 0.016 and 0.011 of the spread.
    assert got.mean() == pytest.approx(mean, abs=0.06 * spread)
    assert got.std() == pytest.approx(spread, rel=0.05)


def test_contexts_that_convert_alike_are_not_called_apart_by_few_events():
    table = pd.DataFrame(
        {
            "context": ["a", "b", "c", "d"], "eligible": 4000, "impressions": 400,
            "streams": [80, 70, 85, 75], "intent": [9, 3, 11, 5],
        }
    )  # fmt: skip
    share = table["intent"] / table["intent"].sum()
    other = np.full(4, 0.25)
    plugged = stats.entropy((share + other) / 2) - (stats.entropy(share) + np.log(4)) / 2
    told = found(table).table.sel(against="intents")
    assert float(told["divergence"]) < plugged
    assert float(told["divergence_lower"]) < 0.25 * plugged


counts = st.lists(
    st.tuples(
        st.sampled_from("abc"), st.integers(0, 3000), *[st.floats(0, 1)] * 3, st.booleans()
    ),
    min_size=1, max_size=6,
)  # fmt: skip


def of_shares(rows):
    table = pd.DataFrame(rows, columns=["context", "eligible", "i", "s", "a", "gone"])
    for column, before, share in (
        ("impressions", "eligible", "i"), ("streams", "impressions", "s"),
        ("intent", "streams", "a"),
    ):  # fmt: skip
        table[column] = np.floor(table[before] * table[share])
    table.loc[table["gone"], "intent"] = np.nan
    return table


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(counts)
def test_whatever_was_counted_probabilities_and_shares_are_what_they_are_called(rows):
    table = of_shares(rows)
    if not (table["eligible"] > 0).any():
        with pytest.raises(co.FindingError, match="None of the three layers can be measured"):
            found(table)
        return
    told = found(table, prob=0.8).table
    held = told["bottleneck"].dropna("layer")
    if held.size:
        assert float(held.sum() + told["nothing"]) == pytest.approx(1)
        assert (told["bottleneck"] <= told["lowest"] + 1e-12).sum() == held.size
    measured = told.dropna("layer", subset=["index"])
    assert (measured["index_lower"] <= measured["index_upper"]).all()
    assert (measured["rate"] >= 0).all()
    apart = told["divergence"].dropna("against")
    assert ((apart >= 0) & (apart <= np.log(2))).all()
    if np.isfinite(told["shown"]).all():
        assert float(told["shown"].sum()) == pytest.approx(1)


@pytest.mark.parametrize("seed", [3, 14])
def test_the_three_layers_multiply_to_the_intents_of_those_eligible(seed):
    rng = np.random.default_rng(seed)
    rates = {c: rng.uniform(0.05, 0.6, 3) for c in "abc"}
    table = counted(rates, periods=2, people=900, eligible=rng.dirichlet([3] * 3), seed=seed)
    mix = {"a": 1, "b": 2, "c": 0.5}
    drawn = Exposure.of(Shown.of(table, None, {}), USUAL, mix, rng=rng)
    stream, intent = drawn.ranking
    made = drawn.eligible.sum() * drawn.retrieved * stream * intent * drawn.calibration
    wanted = (drawn.eligible * drawn.rates["retrieval"] * drawn.conversion).sum(axis=1)
    np.testing.assert_allclose(made, wanted)


def test_what_is_not_measured_has_no_probability_and_the_rest_is_compared():
    table = counted({"a": (0.1, 0.1, 0.1), "b": (0.1, 0.1, 0.1)}, periods=3)
    said = found(table.drop(columns="eligible"), mix={"a": 1, "b": 1})
    assert np.isnan(said.table["bottleneck"].sel(layer="retrieval"))
    assert float(said.table["bottleneck"].sum() + said.table["nothing"]) == pytest.approx(1)
    assert said.caveats[0].startswith("Not measured and not compared: retrieval (it needs")
    alone = found(table.drop(columns="intent"))
    assert np.isnan(alone.table["bottleneck"]).all()
    assert alone.headline.startswith("Retrieval is the only layer measured")
    partly = found(table.drop(columns="eligible"))
    assert any("a bad mix would be read as bad ranking" in line for line in partly.caveats)


def test_a_layer_that_lies_above_usual_is_never_a_sure_bottleneck():
    said = plain()
    bolder = plain(at_least=1.0)
    assert (bolder.table["bottleneck"] <= said.table["bottleneck"]).all()
    np.testing.assert_array_equal(bolder.table["index"], said.table["index"])
    above = found(counted({"a": (0.2, 0.4, 0.3), "b": (0.2, 0.3, 0.3)}), mix={"a": 1, "b": 9})
    assert float(above.table["nothing"]) > 0.95
    assert above.headline.startswith("Nothing holds it back in more than 19 of 20")


def test_a_context_of_the_usual_mix_where_nothing_is_shown_borrows_and_is_said():
    table = counted({"a": (0.1, 0.2, 0.1), "b": (0.1, 0.2, 0.1)}, periods=4)
    said = found(table, mix={"a": 1, "b": 1, "mixes": 2})
    told = said.table.sel(context="mixes")
    assert (float(told["shown"]), float(told["usual"])) == (0, 0.5)
    assert np.isnan(told["retrieval"])
    assert float(told["conversion_upper"]) > 2 * float(told["conversion_lower"])
    assert any("Not shown at all in mixes" in line for line in said.caveats)


def test_every_kind_of_table_says_the_same():
    table = counted({"a": (0.1, 0.2, 0.1), "b": (0.1, 0.1, 0.1)}, periods=2)
    wanted = found(table)
    kinds = [pl.DataFrame(table.to_dict("list")).lazy(), pa.table(table), table.to_dict("list")]
    read = [Shown.of(kind, None, {}).fingerprint() for kind in kinds]
    assert read == [wanted.provenance["table"]] * 3
    named = found(table.rename(columns={"context": "surface"}), columns={"context": "surface"})
    assert named.table.identical(wanted.table)


def test_acts_that_count_several_times_are_stated_as_counts():
    table = counted({"a": (0.1, 0.2, 0.1), "b": (0.1, 0.2, 0.1)}, periods=3)
    table["intent"] = 2 * table["streams"]
    usual = co.Reference.stated(
        {"retrieval": (0.1, 1.5), "stream": (0.2, 1.3), "intent": (2.0, 1.5)},
        about="stated", counts=("intent",),
    )  # fmt: skip
    told = found(table, usual=usual).table
    assert float(told["part_rate"].sel(part="intent")) == pytest.approx(2, rel=0.1)
    assert float(told["part_index"].sel(part="intent")) == pytest.approx(0, abs=0.2)
    with pytest.raises(co.FindingError, match=r"of streams .*; 6 of 6 rows.*state 'intent' of"):
        found(table)


ROW = {"context": ["a", "b"], "eligible": [90, 80], "impressions": [9, 8], "streams": [3, 2]}


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"streams": [-1, 2]}, r"Row 0 \('a'\) has streams -1; 1 of 2 rows"),
        ({"streams": [3, 1.5]}, r"Row 1 \('b'\) has streams 1.5"),
        ({"streams": ["many", 2]}, "streams 'many'"),
        ({"streams": [12, 9]}, r"streams 12 of impressions 9; 2 of 2 rows.*Count each once"),
        ({"context": ["a", None]}, "Row 1 has .* for a context; 1 of 2 rows"),
        ({"context": ["a", [1]]}, r"Row 1 has \[1\] for a context"),
        ({"context": ["Home", "home "]}, "Context 'Home' is also written 'home '"),
        ({"context": ["a", "a"], "period": [1, 1]}, "Row 1 is a second one of 'a' in 1"),
        ({"impressions": [None, None]}, "None of the three layers can be measured"),
        ({"eligible": [1]}, "is no table that can be read"),
    ],
)
def test_a_table_that_cannot_be_is_refused_with_its_row_and_a_way_out(changed, words):
    with pytest.raises(co.FindingError, match=words):
        found(ROW | changed)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"mix": {"a": 1}}, "does not name 'b'; 1 of 2 contexts"),
        ({"mix": {"a": 1, "b": -1}}, "states -1 for 'b'"),
        ({"mix": {"a": 0, "b": 0}}, "states 0 for every context"),
        ({"mix": [1, 2]}, "mix is"),
        ({"columns": {"surface": "context"}}, "'surface', which is none of ours"),
        ({"columns": {"intent": "intents"}}, "no column 'intents'; 1 of the 2"),
        ({"columns": {"intent": "streams"}}, "stands for 2 of ours"),
        ({"columns": "surface"}, "columns is 'surface'"),
        ({"at_least": -1}, "at_least is -1"),
        ({"prob": 1.5}, "prob is 1.5"),
        ({"usual": {"retrieval": 0.1}}, "usual is a dict; give a Reference"),
        (
            {"usual": co.Reference.stated({"calibration": (0.9, 1.2)}, about="")},
            r"counts=\('calibration',\)",
        ),
    ],
)
def test_what_is_usual_and_how_it_is_asked_are_checked(said, words):
    with pytest.raises(co.FindingError, match=words):
        found(ROW, **said)


def test_what_is_no_table_is_refused():
    for nothing in (None, "table.csv", np.zeros((2, 2)), pd.DataFrame({"context": []})):
        with pytest.raises(co.FindingError, match=r"no table|no rows"):
            found(nothing)


def test_a_deck_shows_how_probable_each_layer_is_the_bottleneck():
    deck = co.Deck([plain()])
    frame = deck.slides[0].chart.frame
    names = [label.split(", ")[0] for label in frame["label"]]
    assert sorted(names) == sorted(LAYERS)
    assert all(label.endswith("times usual") for label in frame["label"])
    told = plain().table["bottleneck"].to_series()
    np.testing.assert_array_equal(frame["value"], told.loc[names])
    assert deck.slides[0].sure.startswith("These are proxies")


def test_a_column_that_may_be_misspelled_is_named():
    table = {"context": ["radio", "mixes"], "eligible": [9000, 8000], "impressions": [900, 800],
             "streams": [90, 85], "intents": [9, 8]}  # fmt: skip
    usual = co.Reference.stated(
        {"retrieval": (0.1, 1.5), "stream": (0.1, 1.3), "intent": (0.1, 1.5)}, about="by hand"
    )
    found = co.layers(table, usual=usual, rng=np.random.default_rng(1))
    assert "'intents'" in found.caveats[0]
    assert "'intent'" in found.caveats[0]
