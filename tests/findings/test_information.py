"""Information: EVPI and EVSI against exact sums, and what a test is worth in money."""

import warnings
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta, betabinom, norm

import coterie as co
from coterie.findings import information
from coterie.findings.economics import Yields
from coterie.findings.information import learn, thinned
from coterie.findings.responses import Responses
from coterie.findings.trials import Ground, Trial, leaning, leant
from tests.findings.priced import OUTCOMES, rows, stated

WORTH = {"save": 1.0}
SHAPES = ((12, 88), (9, 91), (4, 36))
"""Beta laws of three clusters' save rates: means of 0.12, 0.09 and 0.10."""


def made(levels, kappas=None, cost=1.0):
    """Return what is believed of clusters whose saves alone are worth anything."""
    size, clusters = levels.shape
    rates = np.zeros((size, clusters, len(OUTCOMES)))
    rates[:, :, 0] = levels
    tight = np.full(rates.shape, np.inf if kappas is None else kappas)
    none = np.zeros((clusters, len(OUTCOMES)))
    drawn = Responses("Ana", tuple(range(clusters)), OUTCOMES, rates, rates, tight, none, none)
    exposures = np.tile([1.0, 0.0, 0.0], (clusters, 1))
    ground = Ground(
        drawn, exposures, np.array([1.0, 0.0, 0.0]), "listeners", np.full(clusters, cost)
    )
    value = levels / cost
    money = np.full(levels.shape, cost)
    return ground, Yields(
        tuple(range(clusters)), value, value, levels, money, np.full(size, np.nan),
        ("priced",) * clusters, np.ones(clusters), (),
    )  # fmt: skip


def drawn_levels(size, seed=0, shapes=SHAPES):
    rng = np.random.default_rng(seed)
    return np.stack([rng.beta(a, b, size) for a, b in shapes], axis=1)


def exactly(place, people, kappa=np.inf):
    """Sum over all results of a test: what the best cluster is worth more after it."""
    means = np.array([a / (a + b) for a, b in SHAPES])
    y = np.arange(people + 1)
    a, b = SHAPES[place]
    if np.isinf(kappa):
        chance, after = betabinom.pmf(y, people, a, b), (a + y) / (a + b + people)
    else:
        at = (np.arange(4000) + 0.5) / 4000
        at = beta.ppf(at, a, b)  # equally likely rates
        mass = betabinom.pmf(y[:, None], people, kappa * at, kappa * (1 - at))
        chance = mass.mean(axis=1)
        after = (mass * at).mean(axis=1) / chance
    others = np.delete(means, place).max()
    return float((chance * np.maximum(after, others)).sum() - means.max())


@pytest.mark.parametrize("people", [50, 200, 1000])
@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("kappa", [np.inf, 60.0])
def test_a_test_is_worth_what_summing_over_all_its_results_says(place, people, kappa):
    told = []
    for seed in range(4):
        ground, yields = made(drawn_levels(4000, seed), kappa)
        rng = np.random.default_rng(seed + 100)
        told.append(learn(Trial(place, people), ground, yields, rng=rng).worth)
    exact = exactly(place, people, kappa)
    # Of four runs; one run's error is about 5 % of the value of perfect information.
    assert np.mean(told) == pytest.approx(exact, rel=0.1, abs=2e-4)


def test_a_test_that_tells_all_is_worth_knowing_that_cluster_and_no_more():
    levels = drawn_levels(4000)
    ground, yields = made(levels)
    found = learn(Trial(2, 200_000), ground, yields, rng=np.random.default_rng(3))
    means = levels.mean(axis=0)
    all_of_it = np.maximum(levels[:, 2], means[:2].max()).mean() - means.max()
    assert found.worth == pytest.approx(all_of_it, rel=0.1)


def test_people_that_saves_say_nothing_of_are_worth_nothing():
    levels = drawn_levels(2000)
    ground, yields = made(levels)
    unseen = Ground(
        ground.drawn, np.zeros_like(ground.exposures), ground.worth, "listeners", ground.price
    )
    found = learn(Trial(1, 500), unseen, yields, rng=np.random.default_rng(4))
    assert found.worth == pytest.approx(0.0, abs=1e-6)


def test_a_test_of_one_cluster_tells_of_another_that_goes_with_it():
    # Either the first cluster saves or the second does, and the third is known.
    home = np.random.default_rng(5).random(4000) < 0.5
    levels = np.stack([np.where(home, 0.2, 0.05), np.where(home, 0.05, 0.2)], axis=1)
    levels = np.column_stack([levels, np.full(4000, 0.13)])
    ground, yields = made(levels)
    found = learn(Trial(0, 400), ground, yields, rng=np.random.default_rng(6))
    # After it one of the two is known to be at 0.2, where 0.13 was the best.
    assert found.worth == pytest.approx(0.07, abs=0.004)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1), people=st.integers(1, 3000),
    place=st.integers(0, 2), kappa=st.floats(1.0, 1e6),
)  # fmt: skip
def test_a_test_is_never_worth_less_than_nothing_nor_more_than_certainty(
    seed, people, place, kappa
):
    levels = drawn_levels(600, seed)
    ground, yields = made(levels, kappa)
    found = learn(Trial(place, people), ground, yields, rng=np.random.default_rng(seed))
    sure = co.formulas.perfect_information(levels)
    assert -4 * found.error - 1e-9 <= found.worth <= sure + 4 * found.error
    assert 0 <= found.changes <= 1


def test_results_that_are_leant_to_count_for_less():
    levels = drawn_levels(3000)
    own = levels[:, 1]
    rng = np.random.default_rng(7)
    lean = leant(np.maximum(own - 0.12, 0))
    truth = leaning(own, lean, 2000, rng)
    assert levels[truth, 1].mean() > own.mean() + 0.005
    assert (own[truth] / lean[truth]).mean() * lean.mean() == pytest.approx(own.mean(), abs=5e-4)
    # Which draws are leant to is no matter of what a test is worth.
    ground, yields = made(levels)
    even = np.ones_like
    told = [learn(Trial(1, 300), ground, yields, rng=rng, results=2000)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(information, "leant", lambda toward, _: even(toward))
        told.append(learn(Trial(1, 300), ground, yields, rng=rng, results=2000))
    assert told[0].worth == pytest.approx(told[1].worth, rel=0.12)
    assert told[0].changes == pytest.approx(told[1].changes, abs=0.02)


def test_of_a_campaign_no_more_is_learned_than_its_scatter_allows():
    few, many = (
        learn(Trial(1, people), *made(drawn_levels(4000), 30.0), rng=np.random.default_rng(8)).worth
        for people in (2_000, 200_000)
    )
    assert many < 1.2 * few


def priced(monkeypatch, levels, **said):
    clusters = ["a", "b", "c"]
    table = rows(cluster=clusters * 4, spend=[200.0] * 12, release=list(range(12)))
    rates = np.zeros((len(levels), 3, 3))
    rates[:, :, 0] = levels
    beliefs = stated(table, rates, monkeypatch=monkeypatch)
    told = {"budget": 1000.0, "values": {"save": 10.0}, "people": (100, 1000)} | said
    return co.value_of_information(beliefs, "Ana", rng=np.random.default_rng(9), **told)


def test_the_money_of_a_test_is_counted(monkeypatch):
    table = priced(monkeypatch, drawn_levels(2000)).table
    # 400 listeners for 200 in every campaign: 0.5 each, give or take a scatter that few tell.
    cost = table["cost"].sel(cluster="a")
    assert cost.sel(people=1000).item() == pytest.approx(10 * cost.sel(people=100).item())
    assert 0.45 < float(cost.sel(people=100)) / 100 < 0.75
    assert (table["net"] == table["evsi"] - table["given_up"]).all()
    assert (table["given_up"] >= 0).all()
    assert (table["evsi"] <= float(table["evpi"])).all()
    np.testing.assert_allclose(table["per_cost"], table["evsi"] / table["cost"])


def test_people_who_are_added_to_a_test_never_make_it_worth_less(monkeypatch):
    sizes = (900, 50, 100, 60, 1000, 800)
    table = priced(monkeypatch, drawn_levels(300), people=sizes).table
    worth = table["evsi"].sortby("people")
    assert (worth.diff("people") >= 0).all()
    assert float(worth.max()) > float(worth.min()) > 0


def test_twice_the_budget_makes_an_answer_worth_twice_as_much(monkeypatch):
    once, twice = (
        priced(monkeypatch, drawn_levels(2000), budget=budget).table for budget in (1e3, 2e3)
    )
    np.testing.assert_allclose(twice["evsi"], 2 * once["evsi"])
    np.testing.assert_allclose(twice["cost"], once["cost"])


def test_the_headline_says_which_test_or_that_none_is_worth_it(monkeypatch):
    found = priced(monkeypatch, drawn_levels(2000))
    frame = found.table[["per_cost", "evsi", "evsi_error", "net"]].to_dataframe()
    good = frame[(frame["net"] > 0) & (frame["evsi"] > 2 * frame["evsi_error"])]
    best = good["per_cost"].idxmax()
    assert f"test {best[0]} ({best[1]:,.0f} listeners" in found.headline
    assert "knowing every cluster's yield" in found.headline
    known = np.tile([0.3, 0.1, 0.1], (2000, 1))
    assert "no test of these sizes" in priced(monkeypatch, known).headline


def test_a_test_that_leaves_hardly_a_draw_is_told_with_a_warning(monkeypatch):
    found = priced(monkeypatch, drawn_levels(2000), people=(5_000_000,))
    assert any("hardly any draw" in line for line in found.caveats)


def test_clusters_without_a_price_are_named_and_not_worth_nothing(monkeypatch):
    table = rows(
        cluster=["a", "b", "c"] * 4, spend=[200.0, 200.0, np.nan] * 4, release=list(range(12))
    )
    rates = np.zeros((500, 3, 3))
    rates[:, :, 0] = drawn_levels(500)
    beliefs = stated(table, rates, monkeypatch=monkeypatch)
    found = co.value_of_information(
        beliefs, "Ana", budget=1000, values=WORTH, people=[100], rng=np.random.default_rng(1)
    )
    assert np.isnan(found.table["evsi"].sel(cluster="c")).all()
    assert any("Without a price" in line and "c" in line for line in found.caveats)


@pytest.mark.parametrize(
    ("said", "told"),
    [({"budget": 0}, "budget is 0"), ({"budget": np.nan}, "budget is nan"),
     ({"budget": "1000"}, "budget is '1000'"), ({"people": 1000}, "name one size"),
     ({"people": ()}, "name one size"), ({"people": (0,)}, "size is 0"),
     ({"people": ["x"]}, "size is 'x'"), ({"people": [1e19]}, "size is 1e"),
     ({"people": [True]}, "size is True"), ({"values": None}, "values is None"),
     ({"values": {"save": "1"}}, "worth of 'save'"),
     ({"per": "streams"}, "per="), ({"values": {"likes": 1}}, "'likes'")],
)  # fmt: skip
def test_what_cannot_be_asked_is_refused(monkeypatch, said, told):
    with pytest.raises(co.FindingError, match=told):
        priced(monkeypatch, drawn_levels(50), **said)


def test_one_priced_cluster_leaves_nothing_to_choose(monkeypatch):
    table = rows(cluster=["a", "b", "c"], spend=[200.0, np.nan, np.nan])
    beliefs = stated(table, np.full((50, 3, 3), 0.1), monkeypatch=monkeypatch)
    with pytest.raises(co.FindingError, match="1 of 3 clusters"):
        co.value_of_information(
            beliefs, "Ana", budget=10, values=WORTH, rng=np.random.default_rng(1)
        )


def test_a_deck_ranks_tests_by_what_their_money_tells(monkeypatch):
    slide = co.Deck([priced(monkeypatch, drawn_levels(500))]).slides[0]
    assert slide.chart.frame["value"].is_monotonic_decreasing
    assert "of simulation" in slide.headline or "no test" in slide.headline


def test_what_a_test_shows_of_home_is_told_though_it_is_worth_nothing():
    # Saves of the first are worth something and say nothing; follows are worth nothing and say
    # at which of two rates the second saves. The third is known to be between.
    rng = np.random.default_rng(5)
    home = rng.random(4000) < 0.5
    levels = np.stack([np.full(4000, 0.02), np.where(home, 0.2, 0.05)], axis=1)
    ground, yields = made(np.column_stack([levels, np.full(4000, 0.13)]))
    rates = ground.drawn.levels.copy()
    rates[:, 0, 1] = np.where(home, 0.03, 0.15)
    drawn = replace(ground.drawn, levels=rates, rates=rates)
    exposures = np.tile([1.0, 1.0, 0.0], (3, 1))
    more = replace(ground, drawn=drawn, exposures=exposures)
    rng = np.random.default_rng(6)
    found = learn(Trial(0, 1000), more, yields, rng=rng, results=512)
    # Half the time 0.2 is bought in place of 0.13: 512 results, a standard error of 0.0016.
    assert found.worth == pytest.approx(0.035, abs=0.005)


def alike(size, times, share, seed):
    """Return yields of which draws that were made at one draw of the fit share a part."""
    rng = np.random.default_rng(seed)
    common = np.tile(rng.standard_normal((size, 3)), (times, 1))
    own = rng.standard_normal(common.shape)
    at = norm.cdf(np.sqrt(share) * common + np.sqrt(1 - share) * own)
    levels = np.stack([beta.ppf(at[:, k], *shape) for k, shape in enumerate(SHAPES)], axis=1)
    return levels, np.tile(np.arange(size), times)


@pytest.mark.parametrize("share", [0.0, 0.36, 0.9])
def test_the_error_told_is_how_far_it_is_from_the_exact_sum(share):
    exact, away = exactly(2, 300, 60.0), []
    for seed in range(10):
        levels, fitted = alike(400, 20, share, seed)
        ground, yields = made(levels, 60.0)
        ground = replace(ground, drawn=replace(ground.drawn, fitted=fitted))
        one = learn(Trial(2, 300), ground, yields, rng=np.random.default_rng(seed), results=256)
        away.append((one.worth - exact) / one.error)
    # Ten of them: a standard deviation that is known to a quarter. Results are evenly spaced, which
    # the error does not count on: it is on the safe side where draws have nothing in common.
    assert 0.2 < np.sqrt(np.mean(np.square(away))) < 1.7


def test_of_one_draw_nothing_is_learned():
    found = learn(Trial(0, 100), *made(drawn_levels(1)), rng=np.random.default_rng(1))
    assert (found.worth, found.error) == (0.0, 0.0)


def test_organic_rows_make_no_test_smaller():
    outcomes = (
        co.Outcome.binary("save", successes="saves", trials="listeners"),
        co.Outcome.count("reach", total="listeners", exposure="spend", informs=False),
    )
    from coterie.findings.economics import ground_of, yields_of
    from coterie.findings.trials import unfold as unfolded

    people = []
    for organic in (0, 16_000):
        frame = pd.DataFrame(
            {"artist": "Ana", "cluster": ["a", "a"], "release": [0, 1],
             "listeners": [400, organic or 400], "saves": [40, 40],
             "spend": [200.0, np.nan if organic else 200.0]}
        )  # fmt: skip
        with warnings.catch_warnings(action="ignore", category=co.EvidenceWarning):
            evidence = co.Evidence.from_frame(frame, outcomes=outcomes)
        levels = np.tile([0.1, 2.0], (200, 1, 1))
        below = np.array([[400.0 + (organic or 400), 200.0]])
        drawn = Responses("Ana", ("a",), outcomes, levels, levels, np.full(levels.shape, 1e9),
                          below, below)  # fmt: skip
        beliefs = SimpleNamespace(evidence=evidence)
        told = {"values": {"save": 1.0}, "per": "listeners"}
        yields = yields_of(beliefs, "Ana", drawn, **told, rng=np.random.default_rng(1))
        ground = ground_of(beliefs, drawn, yields, **told)
        assert ground.price.item() == pytest.approx(0.5)
        (result,) = unfolded(
            Trial(0, 1000), ground, truth=np.arange(50), rng=np.random.default_rng(2)
        )
        people.append(result.shown.mean())
    # A listener shows what she is worth, whoever else came unasked.
    np.testing.assert_allclose(people, 0.1, rtol=0.05)


def test_thinned_draws_stand_for_all_and_keep_the_rare_ones():
    levels = drawn_levels(100_000)
    ground, yields = made(levels)
    kept, fewer = thinned(ground, yields, rng=np.random.default_rng(1))
    assert 19_000 < len(fewer.level) < 21_000
    assert kept.counts.sum() == pytest.approx(100_000, rel=0.02)
    np.testing.assert_allclose(
        np.average(fewer.level, axis=0, weights=kept.counts), levels.mean(axis=0), rtol=0.01
    )
    assert len(np.unique(fewer.level, axis=0)) == len(fewer.level)
    # Half of the draws at which the third is by far the best are there: a fifth of all is kept.
    rare = levels[:, 2] > 0.25
    assert (fewer.level[:, 2] > 0.25).sum() > 0.5 * rare.sum() > 50
    few = made(drawn_levels(500))
    assert thinned(*few, rng=np.random.default_rng(1))[1] is few[1]


@pytest.mark.parametrize(("place", "people"), [(0, 200), (1, 200), (2, 50), (2, 1000)])
def test_one_run_from_thinned_draws_is_within_a_tenth_of_the_exact_sum(place, people):
    ground, yields = made(drawn_levels(100_000, 7), 60.0)
    rng = np.random.default_rng(11)
    found = learn(Trial(place, people), *thinned(ground, yields, rng=rng), rng=rng)
    exact = exactly(place, people, 60.0)
    assert found.worth == pytest.approx(exact, rel=0.1)
