"""The five dimensions: proxies, what is not measured, and which side of usual."""

import numpy as np
import pytest

import coterie as co
from coterie.deck.slides import Map
from coterie.findings.responses import interval
from tests.findings.priced import rows, stated

FROZEN = co.Reference.stated(
    {"save": (0.1, 2.0), "follow": (0.02, 2.0), "depth": (1.5, 2.0)}, about="stated by hand",
    counts=("depth",),
)  # fmt: skip


@pytest.fixture(scope="module")
def many():
    return co.example_beliefs("many")


def laid_out(beliefs, artist="Oslo Choir", **said):
    rng = np.random.default_rng(4)
    reference = co.Reference.of(beliefs, rng=rng)
    return co.dimensions(beliefs, artist, reference=reference, rng=rng, **said)


def test_all_five_are_measured_where_there_are_many_homes_and_a_price(many):
    table = laid_out(many).table
    assert table["dimension"].values.tolist() == [
        "fit", "intent", "reach", "distinctiveness", "adjacency",
    ]  # fmt: skip
    assert table["good"].notnull().all()
    assert ((table["good"] >= 0) & (table["good"] <= 1)).all()


def test_what_has_no_proxy_is_missing_and_named():
    found = laid_out(co.example_beliefs())
    assert found.table["good"].sel(dimension="adjacency").isnull().all()
    assert found.table["proxy"].sel(dimension="adjacency").item() == "not measured"
    assert "Not measured here: adjacency." in found.caveats


def test_intent_is_the_mean_of_standardised_levels(monkeypatch):
    # Log odds of 0.1 are usual: a rate of 0.1 scores 0, and odds twice as high score 1.
    odds = 2 * 0.1 / 0.9
    levels = np.zeros((50, 2, 3))
    levels[:, 0] = [0.1, 0.02, 1.5]
    levels[:, 1] = [odds / (1 + odds), 0.02, 3.0]
    beliefs = stated(rows(cluster=["a", "b"]), levels, monkeypatch=monkeypatch)
    found = co.dimensions(beliefs, "Ana", reference=FROZEN, rng=np.random.default_rng(1))
    intent = found.table["value"].sel(dimension="intent")
    np.testing.assert_allclose(intent, [0.0, (1 + 0 + 1) / 3], atol=1e-9)
    assert found.table["proxy"].sel(dimension="intent").item() == "save, follow, depth"


def test_campaigns_that_scatter_less_are_more_distinct(monkeypatch):
    levels = np.full((400, 2, 3), 0.1)
    kappas = np.full((400, 2, 3), 50.0)
    kappas[:, 1] = 500.0
    beliefs = stated(rows(cluster=["a", "b"]), levels, kappas=kappas, monkeypatch=monkeypatch)
    found = co.dimensions(beliefs, "Ana", reference=FROZEN, rng=np.random.default_rng(1)).table
    distinct = found.sel(dimension="distinctiveness")
    assert distinct["value"].sel(cluster="a") > 2.5 * distinct["value"].sel(cluster="b")
    assert distinct["good"].sel(cluster="b") > distinct["good"].sel(cluster="a")


def test_fit_is_what_the_counts_added_to_the_prior(many):
    table = laid_out(many).table.sel(dimension="fit")
    rows_ = many.summary(artists=["Oslo Choir"]).set_index("cluster")
    gained = many.membership.sel(artist="Oslo Choir").mean(["chain", "draw"]).to_series()
    np.testing.assert_allclose(
        table["value"], (gained - rows_["prior"]).loc[table["cluster"].values], atol=1e-9
    )


def test_adjacency_counts_what_others_of_the_cluster_have_and_this_artist_has_not(many):
    member = many.membership.mean(["chain", "draw"]).to_pandas()
    others = member.drop(index="Oslo Choir")
    expected = {}
    for k in member.columns:
        share = (others.mul(others[k], axis=0)).sum() / others[k].sum()
        expected[k] = float((share.drop(k) * (1 - member.loc["Oslo Choir"].drop(k))).sum())
    value = laid_out(many).table["value"].sel(dimension="adjacency").to_series()
    # A mean of ratios at each draw is not the ratio of means, and is near it.
    np.testing.assert_allclose(value, [expected[k] for k in value.index], atol=0.05)


def test_one_cluster_can_be_asked_for_and_keeps_its_numbers(many):
    whole, one = laid_out(many).table, laid_out(many, clusters=["gym"]).table
    np.testing.assert_allclose(one["value"], whole["value"].sel(cluster=["gym"]))
    np.testing.assert_allclose(one["good"], whole["good"].sel(cluster=["gym"]))


def test_a_reference_of_other_outcomes_is_refused(many):
    other = co.Reference.stated({"plays": (0.1, 2.0)}, about="other")
    with pytest.raises(co.FindingError, match="no proxy"):
        co.dimensions(many, "Oslo Choir", reference=other, rng=np.random.default_rng(1))


@pytest.mark.parametrize("prob", ["x", None, 0, 1.0, float("nan"), [0.5], True])
def test_a_mass_that_is_no_probability_is_refused(prob):
    if prob is None:  # ArviZ's own
        assert interval(np.zeros(3), prob)[3]["ci_kind"] == "eti"
        return
    with pytest.raises(co.FindingError, match=r"prob is .*between 0 and 1"):
        interval(np.zeros(3), prob)


def test_the_slide_is_a_map_of_clusters_by_dimensions_measured():
    found = laid_out(co.example_beliefs())
    slide = co.Deck([found]).slides[0]
    assert isinstance(slide.chart, Map)
    assert list(slide.chart.frame.columns) == ["fit", "intent", "reach", "distinctiveness"]
    assert slide.headline.startswith("Oslo Choir: gym is rather better than usual on")
