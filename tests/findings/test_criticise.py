"""Criticism: what it asks, what it notices, and that it is not noticed for nothing."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy import stats

import coterie as co
import coterie.beliefs
from coterie.beliefs import population_of, replicas
from coterie.findings import doubts, influence
from coterie.findings.predictive_checks import Comparison, compare, mean_belief_test

VERDICTS = {"good", "check", "do not use"}


def table(**changed):
    rng = np.random.default_rng(3)
    frame = pd.DataFrame(
        [(a, k) for a in "abcdef" for k in ("gym", "indie", "night")], columns=["artist", "cluster"]
    )
    frame["listeners"] = rng.integers(50, 400, len(frame))
    frame["saves"] = rng.binomial(frame["listeners"], 0.2)
    frame["adds"] = rng.binomial(frame["listeners"], 0.1)
    return frame.assign(**changed)


def resting_on(frame):
    return SimpleNamespace(evidence=co.Evidence.from_frame(frame))


def test_a_number_in_the_middle_of_its_replicas_is_no_surprise(rng):
    drawn = rng.normal(size=999)

    assert compare("x", float(np.median(drawn)), drawn).p_value == pytest.approx(1, abs=0.01)
    assert compare("x", 9.0, drawn).p_value == pytest.approx(2 * 0.5 / 1000)
    assert compare("x", 9.0, drawn).z > 8


def test_p_values_of_what_is_one_more_replica_are_uniform(rng):
    p = []
    for _ in range(2000):
        drawn = rng.gamma(0.7, size=100)
        p.append(compare("x", drawn[0], drawn[1:]).p_value)

    assert stats.kstest(p, "uniform").pvalue > 1e-3


@pytest.mark.parametrize("blur", [0.3, 2.0])
@pytest.mark.parametrize("chance", [0.03, 0.11, 0.5])
def test_mean_beliefs_that_follow_the_prior_surprise_seldom(blur, chance, rng):
    prior = np.full((60, 2000), chance)
    member = rng.random(prior.shape) < chance
    seen = member + blur * rng.normal(size=prior.shape)
    log_odds = np.log(chance / (1 - chance)) + (seen - 0.5) / blur**2
    p = mean_belief_test(1 / (1 + np.exp(-log_odds)), prior)

    assert np.mean(p < 0.01) < 0.015
    assert np.mean(p < 0.1) < 0.12
    wrong = mean_belief_test(1 / (1 + np.exp(-log_odds)), np.full_like(prior, chance + 0.4))
    assert blur > 1 or np.mean(wrong < 0.01) > 0.9


def test_ties_count_half_and_surprise_nobody():
    assert compare("zeros", 0.0, np.zeros(400)).p_value == pytest.approx(1, abs=0.01)


def test_one_outcome_counted_as_two_is_named():
    found = doubts.counted_once(resting_on(table(adds=table()["saves"])))

    assert found.status == "do not use"
    assert "'save' and 'add' are equal in 18 of 18 rows" in found.said


def test_outcomes_that_are_their_own_are_not(rng):
    assert doubts.counted_once(resting_on(table())).status == "good"
    # Small counts agree by chance in a few rows.
    few = table(saves=rng.poisson(1, 18), adds=rng.poisson(1, 18))
    assert doubts.counted_once(resting_on(few)).status == "good"


def test_a_release_counted_under_two_names_is_named():
    frame = table(release="single")
    both = pd.concat([frame, frame.assign(release="album")], ignore_index=True)
    found = doubts.counted_once(resting_on(both))

    assert found.status == "do not use"
    assert "12 of 12 releases" in found.said


def statistic(name, z, p):
    return Comparison(name, z, 0.0, 1.0, p)


def test_statistics_far_from_their_replicas_are_doubted_the_further_the_more():
    usual = [statistic(f"usual {i}", 0.5, 0.6) for i in range(50)]
    judged = [
        doubts._judged("cells", [*usual, statistic("odd", z, 0.0025)], 400, "look alike")
        for z in (2.8, 5.0, 9.0)
    ]

    assert [each.status for each in judged] == ["good", "check", "do not use"]
    assert "odd 9 where 0 +- 1" in judged[2].said


def test_many_small_surprises_are_one_large_one():
    compared = [statistic(f"s{i}", 2.7, 0.005) for i in range(12)]
    compared += [statistic(f"u{i}", 0.3, 0.7) for i in range(40)]

    assert doubts._judged("cells", compared, 400, "look alike").status == "check"


@pytest.mark.parametrize(("p", "status"), [(0.2, "good"), (1e-4, "check"), (1e-12, "do not use")])
def test_a_test_is_judged_among_as_many_as_were_made(p, status):
    assert doubts._tested("left out", {"a": 0.5, "b": p}, "Foreseen").status == status


@pytest.fixture(scope="module")
def fitted():
    world = co.simulate.world(artists=40, clusters=5, rng=np.random.default_rng(21))
    evidence = world.evidence()
    prior = co.MembershipPrior.uniform(evidence.clusters.tolist())
    with pytest.warns(co.ConvergenceWarning):
        return co.fit(evidence, prior, draws=250, tune=300, chains=4, rng=np.random.default_rng(1))


@pytest.mark.slow
def test_a_page_answers_every_question_and_is_no_better_than_its_worst(fitted):
    page = co.criticise(fitted, rng=np.random.default_rng(2))
    frame = page.to_frame()

    assert frame["question"].tolist() == [
        "settled", "counted once", "cells", "left out", "artists", "evidence", "outcomes agree",
        "population", "prior of homes", "sensitivity", "membership",
    ]  # fmt: skip
    assert set(frame["verdict"]) <= VERDICTS
    assert frame["said"].str.endswith(".").all()
    order = ["good", "check", "do not use"]
    worst = max(frame["verdict"], key=order.index)
    assert page.headline.lower().startswith(f"{worst}: ")
    # A sound world: all that is doubted of 1,000 draws is that they are few.
    assert set(frame.loc[frame["verdict"] != "good", "question"]) <= {"settled"}


@pytest.mark.slow
def test_replicas_keep_cells_and_denominators_and_share_the_population(fitted):
    drawn, again = (replicas(fitted, draws=400, rng=np.random.default_rng(3)) for _ in range(2))
    made = drawn.made

    assert np.array_equal(drawn.y, again.y)
    assert drawn.y.shape == (400, made.y.size)
    assert (drawn.y[:, ~made.is_count] <= made.n[~made.is_count]).all()
    for o in range(4):
        own = made.outcome == o
        rates = drawn.y[:, own].sum(axis=1) / made.n[own].sum()
        observed = made.y[own].sum() / made.n[own].sum()
        assert abs(rates.mean() - observed) < 4 * rates.std()


@pytest.mark.slow
def test_the_priors_of_a_fit_are_read_back_from_its_file(fitted, tmp_path):
    fitted.save(tmp_path / "a.nc")
    back = population_of(co.Beliefs.load(tmp_path / "a.nc"))

    outcomes = fitted.evidence.outcomes
    for name in co.PopulationPrior().binary:
        want = co.PopulationPrior().for_outcomes(outcomes, name)
        if name != "factor_scale":
            assert back.for_outcomes(outcomes, name) == want


def sharp_as(own, none, monkeypatch, homes="one"):
    """Ask about membership where largest beliefs are ``own``, and ``none`` in tables by chance."""

    class Chance:
        belief = np.array([[[v, 1 - v]] for v in own])

        def integrated(self, at, *, replica):
            assert replica
            return [SimpleNamespace(belief=np.array([[[v, 1 - v]]])) for v in np.asarray(none)[at]]

    asked = {}

    def made(_, **how):
        asked.update(how)
        return Chance()

    monkeypatch.setattr(coterie.beliefs, "replicas", made)
    found = doubts.identified(SimpleNamespace(homes=homes), np.random.default_rng(1))
    assert asked["lasting"] is False
    return found


def test_leaders_further_ahead_than_by_chance_identify_membership(monkeypatch, rng):
    found = sharp_as(0.9 + 0.02 * rng.random(200), 0.6 + 0.02 * rng.random(200), monkeypatch)

    assert found.status == "good"
    assert found.p_value == pytest.approx(1 / 201)
    assert "highest belief is 0.91 on average, and 0.61 in replicated tables" in found.said


@pytest.mark.parametrize("homes", ["one", "many"])
def test_leaders_no_further_ahead_than_by_chance_are_doubted(homes, monkeypatch, rng):
    alike = 0.6 + 0.1 * rng.random((2, 200))
    found = sharp_as(*alike, monkeypatch, homes)

    assert found.status == "check"
    assert 0.3 < found.p_value < 0.7
    assert found.said.startswith("Membership not identified: an artist's highest belief is ")
    assert "what the prior says, not these counts" in found.said


def test_membership_by_chance_alone_is_seldom_taken_for_more(monkeypatch, rng):
    """A table of chance is one more replica: its p-values are uniform or larger."""
    p = []
    for _ in range(300):
        at_hand = rng.normal(0.6, 0.02)
        # One table: its belief differs between draws by the population alone.
        own = at_hand + 0.002 * rng.normal(size=100)
        p.append(sharp_as(own, 0.6 + 0.02 * rng.normal(size=100), monkeypatch).p_value)
    assert np.mean(np.array(p) < 0.05) < 0.05 + 4 * np.sqrt(0.05 * 0.95 / 300)


def test_releases_are_left_out_in_turn_those_with_most_counts_first():
    artist = np.array([0, 0, 0, 1, 1, 2, 2])
    named = np.array(["x", "y", "x", "z", "z", "x", "w"])
    turns = list(influence._turns(artist, named, np.array([1, 5, 1, 9, 9, 3, 4])))

    assert [(owners.tolist(), names) for owners, _, names in turns] == [
        ([0, 2], ["y", "w"]),
        ([0, 2], ["x", "x"]),
    ]
    assert np.flatnonzero(turns[0][1]).tolist() == [1, 6]
    assert np.flatnonzero(turns[1][1]).tolist() == [0, 2, 5]


def resting_on_one_release(log_ratio, after):
    """One artist of two releases; without either the belief is ``after``."""
    frame = pd.DataFrame(
        {"artist": "a", "cluster": "gym", "release": ["one", "two"], "saves": 5, "listeners": 50}
    )
    belief = np.full((100, 1, 1), 0.9)
    rest = log_ratio, np.full_like(belief, after)
    posterior = SimpleNamespace(
        dataset={"artist": xr.DataArray(["a"]), "cluster": xr.DataArray(["gym"])}
    )
    beliefs = SimpleNamespace(
        evidence=co.Evidence.from_frame(frame), tree={"posterior": posterior}, homes="one"
    )
    made = SimpleNamespace(artist=np.zeros(2, int), cell=np.arange(2), n=np.array([50.0, 50.0]))
    drawn = SimpleNamespace(
        made=made, belief=belief, evidence=np.zeros((100, 1)), without=lambda *_: rest
    )
    return influence.releases(beliefs, drawn)[0]


@pytest.mark.filterwarnings("ignore:1 thing to look at")
def test_a_release_that_carries_a_belief_is_named(rng):
    found = resting_on_one_release(0.1 * rng.normal(size=(100, 1)), 0.2)

    assert found.status == "good"
    assert "2 of 2 releases carry" in found.said
    assert "'one' of 'a' ('gym' 90% with it, 20% without)" in found.said
    still = resting_on_one_release(0.1 * rng.normal(size=(100, 1)), 0.8)
    assert still.said.startswith("No belief moves by more than 50%")


@pytest.mark.filterwarnings("ignore:1 thing to look at")
def test_a_release_that_draws_cannot_leave_out_is_doubted(rng):
    heavy = 12 * rng.standard_normal(size=(100, 1))
    found = resting_on_one_release(heavy, 0.2)

    assert found.status == "check"
    assert "cannot be read from these draws: 'one' of 'a' (k " in found.said


@pytest.mark.slow
def test_an_artist_of_whom_all_is_left_out_says_nothing_and_the_others_say_the_same(fitted):
    drawn = replicas(fitted, draws=20, rng=np.random.default_rng(3))
    owners = np.array([1, 3, 7])
    evidence, belief = drawn.without(drawn.made.artist == 3, owners)

    np.testing.assert_allclose(evidence[:, 1], 0, atol=1e-9)
    np.testing.assert_allclose(evidence[:, [0, 2]], drawn.evidence[:, [1, 7]], rtol=1e-12)
    np.testing.assert_allclose(belief[:, [0, 2]], drawn.belief[:, [1, 7]], rtol=1e-9)
    prior = fitted.tree["prior"]["prior"].to_numpy()[3]
    np.testing.assert_allclose(belief[:, 1], np.broadcast_to(prior, (20, 5)), atol=5e-4)


@pytest.mark.nightly
def test_where_nobody_belongs_anywhere_membership_is_not_identified():
    rng = np.random.default_rng([7, 1])
    plain = co.simulate.plausible()
    still = dataclasses.replace(plain, loading=np.zeros(4))
    world = co.simulate.world(artists=60, clusters=8, parameters=still, rng=rng)
    evidence = world.evidence()
    prior = co.MembershipPrior.uniform(evidence.clusters.tolist())
    with pytest.warns(co.ConvergenceWarning):
        beliefs = co.fit(
            evidence, prior, draws=300, tune=300, chains=4, rng=np.random.default_rng(1)
        )

    with pytest.raises(co.FindingError, match="Membership not identified"):
        co.criticise(beliefs, rng=np.random.default_rng(2), strict=True)
