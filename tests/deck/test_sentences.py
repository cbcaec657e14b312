"""Sentences with numbers that people can picture, and no certainty made by rounding."""

import re

import numpy as np
import pandas as pd
import pytest

import coterie as co
from coterie.deck import of_twenty
from coterie.deck.places import places
from coterie.deck.saying import everybody_sentence
from coterie.deck.sentences import home_sentence, per_cent, per_people, twentieths
from coterie.deck.story import of_beliefs
from tests.beliefs.small_world import OLD, believing
from tests.deck.conftest import made_up


@pytest.mark.parametrize(
    ("probability", "words"),
    [
        (0.0, "0 of 20"), (0.01, "fewer than 1 of 20"), (0.024, "fewer than 1 of 20"),
        (0.026, "1 of 20"), (0.125, "3 of 20"), (0.89, "18 of 20"), (0.974, "19 of 20"),
        (0.976, "more than 19 of 20"), (1.0, "20 of 20"),
    ],
)  # fmt: skip
def test_a_probability_is_said_in_twentieths_and_never_as_certain(probability, words):
    assert of_twenty(probability) == words


@pytest.mark.parametrize("wrong", [-0.01, 1.2, np.nan])
def test_what_is_no_probability_is_refused_by_name(wrong):
    with pytest.raises(co.FindingError, match="no probability"):
        of_twenty(wrong)


def test_a_cell_of_a_map_says_what_a_sentence_would():
    told = [twentieths(p, unsure=False) for p in (0.01, 0.3, 0.99, np.nan)]
    assert told == ["·", "6", "> 19", ""]
    assert twentieths(0.3, unsure=True) == "6 ?"


def test_rates_and_shares_are_whole_people():
    assert [per_people(r) for r in (0.08, 0.0042, 0.5, 0.0)] == [
        "8 of 100", "4 of 1,000", "50 of 100", "0 of 100",
    ]  # fmt: skip
    assert [per_cent(p) for p in (0.001, 0.126, 0.999)] == ["< 1 %", "13 %", "> 99 %"]


@pytest.mark.parametrize(
    ("beliefs", "said"),
    [
        ((0.99, 0.005), "X is at home in gym: more than 19 of 20 equally likely outcomes"),
        ((0.7, 0.2), "X is most likely at home in gym: 14 of 20 equally likely outcomes"),
        ((0.41, 0.31), "The home of X is open: gym has 8 of 20 equally likely outcomes, "
                     "indie 6 of 20"),
        ((0.41, 0.39), "The home of X is open: gym and indie are level with 8 of 20 equally "
                       "likely outcomes each"),
        ((0.1, 0.2), "X is most likely at home in none of these clusters: 14 of 20 equally "
                     "likely outcomes"),
    ],
)  # fmt: skip
def test_a_home_is_said_as_surely_as_it_is_known(beliefs, said):
    table = pd.DataFrame(
        {"cluster": ["gym", "indie", "elsewhere"], "belief": [*beliefs, 1 - sum(beliefs)]}
    )
    table = table.assign(lower=table["belief"] - 0.1, upper=table["belief"] + 0.1)
    table = table.assign(prior=[0.2, 0.7, 0.1] if beliefs[0] > 0.2 else [0.4, 0.4, 0.2])
    assert home_sentence("X", table, "one") == said
    wide = home_sentence("X", table.assign(lower=0.0, upper=0.9), "one")
    assert wide == said + ("" if "is open" in said else ", and that is not settled")


@pytest.mark.parametrize(
    ("beliefs", "said"),
    [
        ((0.9, 0.1), "X belongs in gym: 18 of 20 equally likely outcomes"),
        ((0.9, 0.6), "X more likely than not belongs in gym (18 of 20 equally likely "
                     "outcomes) and indie (12 of 20)"),
        ((0.2, 0.1), "X is not likely to belong in any of 2 clusters; gym comes nearest with "
                     "4 of 20 equally likely outcomes"),
    ],
)  # fmt: skip
def test_memberships_are_said_as_surely_as_they_are_known(beliefs, said):
    table = pd.DataFrame({"cluster": ["gym", "indie"], "belief": beliefs, "prior": 0.25})
    table = table.assign(lower=table["belief"] - 0.1, upper=table["belief"] + 0.1)
    assert home_sentence("X", table, "many") == said


def test_a_membership_whose_interval_is_wide_is_not_said_to_be_sure():
    ends = {"lower": [0.1], "upper": [1.0]}
    table = pd.DataFrame({"cluster": ["gym"], "belief": [0.9], "prior": [0.25], **ends})
    said = home_sentence("X", table, "many")
    assert said.startswith("X more likely than not belongs in gym")
    assert said.endswith("and that is not settled")


CLAIMS = re.compile(r"at home in|^X (more .*)?belongs in|leads|surely|^[1-9]")


@pytest.mark.parametrize("elsewhere", [0.0, 0.05])
@pytest.mark.parametrize("prior", [0.3, 0.6, 0.9])
@pytest.mark.parametrize("gain", [0.7, 1.0, 1.5, 1.9])
def test_no_home_is_claimed_where_the_counts_hardly_moved_the_prior(prior, gain, elsewhere):
    """Odds less than twice those before claim nothing, however high a belief is."""
    odds = gain * prior / (1 - prior)
    belief = odds / (1 + odds)
    for homes in ("one", "many"):
        table = pd.DataFrame(
            {
                "artist": "X", "cluster": ["gym", "indie", "elsewhere"],
                "belief": [belief, 1 - belief - elsewhere * (1 - belief), elsewhere * (1 - belief)],
                "prior": [prior, 1 - prior - elsewhere * (1 - prior), elsewhere * (1 - prior)],
            }
        )  # fmt: skip
        table = table.assign(lower=table["belief"] - 0.05, upper=table["belief"] + 0.05)
        table = table if homes == "one" else table.iloc[:1]
        for said in (home_sentence("X", table, homes), everybody_sentence(table, homes)):
            assert "is open" in said or "None of" in said or "not likely" in said, said
            assert not CLAIMS.search(said), said


@pytest.mark.parametrize(
    ("belief", "prior", "said"),
    [
        ((0.62, 0.38), (0.6, 0.4), "The home of X is open: gym has 12 of 20 equally likely "
                                   "outcomes, as before the evidence"),
        ((0.7, 0.3), (0.6, 0.4), "The home of X is open: gym has 14 of 20 equally likely "
                                 "outcomes, and had 12 of 20 before the evidence"),
        ((0.52, 0.47), (0.2, 0.7), "The home of X is open: gym has 10 of 20 equally likely "
                                   "outcomes, indie 9 of 20"),
        ((0.9, 0.1), (0.5, 0.5), "X is most likely at home in gym: 18 of 20 equally likely "
                                 "outcomes"),
    ],
)  # fmt: skip
def test_a_leader_is_compared_with_its_prior_and_with_the_runner_up(belief, prior, said):
    table = pd.DataFrame({"cluster": ["gym", "indie"], "belief": belief, "prior": prior})
    table = table.assign(lower=table["belief"] - 0.1, upper=table["belief"] + 0.1)
    assert home_sentence("X", table, "one") == said


def test_no_slide_of_untold_homes_claims_one():
    """Beliefs that are their prior make a deck without a home on any of its slides."""
    beliefs = made_up(artists=4, clusters=1, seed=1)
    table = beliefs.to_frame()
    still = table.assign(mean=0.88, prior=0.9, lower=0.85, upper=0.9)
    still.attrs = table.attrs
    beliefs.to_frame = lambda: still
    beliefs.elsewhere = beliefs.elsewhere * 0 + 0.12
    slides = of_beliefs(beliefs, None, "analyst")
    told = [slide.headline for slide in slides]
    assert any("None of 4 artists has a likely home" in line for line in told)
    assert sum("is open: gym" in line or "is open: late" in line for line in told) == 4
    assert not any("at home in" in line or "leads" in line for line in told)


def test_the_sentence_of_an_artist_is_that_of_its_belief_table(rng):
    beliefs = believing(OLD, rng)
    table = places(beliefs, ["a"])
    assert table["belief"].sum() == pytest.approx(1.0)
    top = table.loc[table["belief"].idxmax()]
    said = co.say_home(beliefs, "a")
    assert said.startswith("a ")
    assert str(top["cluster"]) in said
    assert of_twenty(top["belief"]) in said


def test_an_artist_nobody_believes_in_is_named_with_those_who_are_near():
    with pytest.raises(co.BeliefError, match=r"'artist 9' is not among the 4 .* artist 0"):
        places(made_up(artists=4), ["artist 9"])


def test_beliefs_without_membership_have_no_home_to_speak_of():
    with pytest.raises(co.FindingError, match="homes=None"):
        co.say_home(made_up(homes=None), "artist 1")


def test_a_rate_of_people_is_never_all_or_none_by_rounding():
    from coterie.deck.sentences import per_people

    assert per_people(0.997) == "more than 99 of 100"
    assert per_people(1e-6) == "fewer than 1 of 100,000"
    assert per_people(1.0) == "100 of 100"
    assert per_people(0.0) == "0 of 100"


def test_a_stop_inside_a_name_ends_no_headline():
    from coterie.deck.story import _first_sentence

    assert _first_sentence("All keep it, not so St. Vincent and Dr. Dre.")[1] == ""
    assert _first_sentence("It holds. Check the rest.") == ("It holds.", "Check the rest.")
    assert _first_sentence("Only 4 of 20. Then more.")[0] == "Only 4 of 20."
