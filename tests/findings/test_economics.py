"""Economics: yields that can be counted by hand, and prices that are not there."""

import numpy as np
import pandas as pd
import pytest

import coterie as co
from coterie.findings.costs import elasticity, log_normal
from tests.findings.priced import rows, stated

WORTH = {"save": 1.0, "follow": 4.0, "depth": 0.1}


def test_a_yield_is_value_of_a_listener_over_what_one_costs(monkeypatch, rng):
    # 2,000 campaigns of the same price leave nothing open about the cost.
    many = 2000
    table = rows(cluster=["gym"] * many + ["focus"], spend=[200.0] * many + [0.0],
                 release=[str(i) for i in range(many + 1)])  # fmt: skip
    beliefs = stated(table, [[[0.1, 0.02, 1.5], [0.2, 0.05, 3.0]]] * 50, monkeypatch=monkeypatch)
    found = co.durable_yield(beliefs, "Ana", values=WORTH, rng=rng).table.sel(cluster="gym")
    # Depth is counted over new listeners, half of all here.
    value = 0.1 * 1 + 0.02 * 4 + 1.5 * 0.1 * 0.5
    assert float(found["value"]) == pytest.approx(value)
    assert float(found["cost"]) == pytest.approx(0.5, rel=0.01)
    assert float(found["yield"]) == pytest.approx(value / 0.5, rel=0.01)


def test_where_nothing_was_paid_there_is_no_price_and_nothing_infinite(monkeypatch, rng):
    table = rows(cluster=["gym", "focus"], spend=[200.0, np.nan])
    beliefs = stated(table, [[[0.1, 0.02, 1.5], [0.9, 0.5, 9.0]]] * 50, monkeypatch=monkeypatch)
    finding = co.durable_yield(beliefs, "Ana", values=WORTH, rng=rng)
    assert finding.table["price"].to_numpy().tolist() == ["priced", "unpriced"]
    organic = finding.table.sel(cluster="focus")
    assert np.isnan([float(organic[v]) for v in ("yield", "cost", "pays", "best")]).all()
    assert float(organic["value"]) > 0
    assert finding.headline.startswith("Ana: a unit of money buys most in gym")
    assert any("Nothing was paid in focus" in c for c in finding.caveats)


def test_nobody_paid_for_anything_is_said(monkeypatch, rng):
    beliefs = stated(rows(cluster=["gym"]), [[[0.1, 0.02, 1.5]]] * 9, monkeypatch=monkeypatch)
    found = co.durable_yield(beliefs, "Ana", values=WORTH, rng=rng)
    assert "has a price" in found.headline
    with pytest.raises(co.FindingError, match="has a price"):
        co.allocate(beliefs, "Ana", budget=100, values=WORTH, rng=rng)


def test_the_headline_is_a_ratio_of_totals_and_no_mean_of_ratios():
    # Costs with a log sd of 0.5: the mean of ratios would be larger by exp(0.25).
    own = pd.DataFrame(
        {"artist": "a", "cluster": "gym", "people": 100.0,
         "spend": 100 * np.exp(0.5 * np.random.default_rng(1).standard_normal(4000))}
    )  # fmt: skip
    level, following, _ = log_normal(own, "a", ["gym"], 4000, np.random.default_rng(2))
    total = own["spend"].sum() / own["people"].sum()
    assert level.mean() == pytest.approx(total, rel=0.01)
    assert (1 / following).mean() * level.mean() == pytest.approx(np.exp(0.25), rel=0.03)


def test_one_campaign_leaves_its_price_as_open_as_campaigns_usually_scatter():
    own = pd.DataFrame({"artist": ["a"], "cluster": ["gym"], "people": [100.0], "spend": [50.0]})
    _, following, _ = log_normal(own, "a", ["gym", "focus"], 20_000, np.random.default_rng(2))
    assert np.isnan(following[:, 1]).all()
    assert np.median(following[:, 0]) == pytest.approx(0.5, rel=0.05)
    assert 0.5 < np.log(following[:, 0]).std() < 1.3


@pytest.mark.parametrize("true", [0.6, 0.95])
def test_how_reach_saturates_is_learned_where_spend_varied(true):
    rng = np.random.default_rng(4)
    spend = np.exp(rng.normal(6, 1, 400))
    pair = np.repeat(np.arange(20), 20)
    people = np.exp(0.3 * rng.standard_normal(20))[pair] * spend**true
    people = people * np.exp(0.2 * rng.standard_normal(400))
    paid = pd.DataFrame({"artist": pair, "cluster": "gym", "spend": spend, "people": people})
    drawn = elasticity(paid, 4000, rng)
    assert drawn.mean() == pytest.approx(true, abs=0.04)
    assert np.quantile(drawn, 0.005) < true < np.quantile(drawn, 0.995)
    assert np.isnan(elasticity(paid.assign(spend=500.0), 10, rng)).all()
    assert np.isnan(elasticity(paid.head(5), 10, rng)).all()


def test_what_pays_is_counted_over_draws(monkeypatch, rng):
    many = 500
    table = rows(
        cluster=["gym"] * many, spend=[400.0] * many, release=[str(i) for i in range(many)]
    )
    levels = np.linspace(0.5, 1.5, 101)[:, None, None] * np.array([1.0, 0, 0])
    beliefs = stated(table, np.clip(levels, 0, 0.999), monkeypatch=monkeypatch)
    found = co.durable_yield(
        beliefs, "Ana", values={"save": 1.0}, break_even=0.75, prob=0.8, rng=rng
    )
    assert float(found.table["pays"][0]) == pytest.approx(0.75, abs=0.03)
    assert found.table["yield"].attrs["ci_prob"] == 0.8


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"save": -1}, "worth of 'save' is -1"),
        ({"nothing": 1}, "None of 'nothing'"),
        ({}, "None of"),
    ],
)
def test_values_that_are_none_are_refused(monkeypatch, rng, values, words):
    beliefs = stated(rows(cluster=["gym"]), [[[0.1, 0.02, 1.5]]], monkeypatch=monkeypatch)
    with pytest.raises(co.FindingError, match=words):
        co.durable_yield(beliefs, "Ana", values=values, rng=rng)


def test_a_column_that_nobody_counts_by_is_refused(monkeypatch, rng):
    beliefs = stated(rows(cluster=["gym"]), [[[0.1, 0.02, 1.5]]], monkeypatch=monkeypatch)
    with pytest.raises(co.FindingError, match="counted out of 'visitors'"):
        co.durable_yield(beliefs, "Ana", values=WORTH, per="visitors", rng=rng)


def test_costs_of_a_fit_with_reach_are_its_own_draws():
    beliefs = co.example_beliefs()
    found = co.durable_yield(
        beliefs, "Oslo Choir", values=WORTH, rng=np.random.default_rng(1)
    ).table
    assert set(found["price"].values) == {"priced"}
    frame = beliefs.evidence.to_frame()
    own = frame[frame["artist"] == "Oslo Choir"].set_index("cluster")
    raw = (own["spend"] / own["listeners"]).loc[list(found["cluster"].values)].to_numpy()
    # Shrunk toward each other, in the same order of size.
    assert np.all(np.abs(np.log(found["cost"].to_numpy() / raw)) < 1.0)
