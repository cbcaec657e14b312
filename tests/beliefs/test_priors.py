"""Priors: what is stated comes back as probabilities, and what cannot stand is refused."""

import re

import numpy as np
import pandas as pd
import pytest

import coterie as co

CLUSTERS = ["gym", "indie", "night"]


def test_one_home_leaves_room_for_elsewhere():
    # (1 - 0.1) / 3 = 0.3 each.
    table = co.MembershipPrior.uniform(CLUSTERS).table(["a", "b"], "one")

    np.testing.assert_allclose(table, np.full((2, 3), 0.3))


def test_shares_are_read_in_the_order_given():
    prior = co.MembershipPrior.from_shares({"night": 0.5, "indie": 0.3, "gym": 0.2}, elsewhere=0.2)

    assert prior.clusters == ("night", "indie", "gym")
    np.testing.assert_allclose(prior.table(["a"], "one"), [[0.4, 0.24, 0.16]])


def test_counts_are_divided_by_their_total():
    prior = co.MembershipPrior.from_counts({"gym": 30, "indie": 10})

    np.testing.assert_allclose(prior.shares, [0.75, 0.25])


def test_a_table_gives_each_artist_its_own_row_in_the_order_asked():
    frame = pd.DataFrame(
        {"artist": ["a", "a", "b", "b"], "cluster": ["x", "y"] * 2, "share": [0.9, 0.1, 0.5, 0.5]}
    )
    prior = co.MembershipPrior.from_frame(frame, elsewhere=0.0)

    np.testing.assert_allclose(prior.table(["b", "a"], "one"), [[0.5, 0.5], [0.9, 0.1]])
    with pytest.raises(co.BeliefError, match="no row for artist 'c'"):
        prior.table(["c"], "one")


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: co.MembershipPrior.uniform([]), "at least one cluster"),
        (lambda: co.MembershipPrior.uniform(["a", "a"]), "named twice"),
        (lambda: co.MembershipPrior.uniform(CLUSTERS, elsewhere=1.0), "elsewhere is 1.0"),
        (lambda: co.MembershipPrior.uniform(CLUSTERS, elsewhere=float("nan")), "elsewhere is nan"),
        (lambda: co.MembershipPrior.uniform(CLUSTERS, prob=1.0), "strictly between"),
        (lambda: co.MembershipPrior.from_shares({"a": 0.5, "b": 0.4}), "sum to 0.9"),
        (lambda: co.MembershipPrior.from_shares({"a": 1.0, "b": 0.0}), "cluster 'b' is 0.0"),
        (lambda: co.MembershipPrior.from_shares({"a": "0.5", "b": 0.5}), "cluster 'a' is '0.5'"),
        (lambda: co.MembershipPrior.from_shares({"a": None, "b": 0.5}), "cluster 'a' is None"),
        (lambda: co.MembershipPrior.from_shares({"a": 1.0}, prob={"b": 0.5}), "different clusters"),
        (
            lambda: co.MembershipPrior(clusters=("a", "b"), shares=np.array([0.5, 0.2])),
            "must sum to 1",
        ),
        (
            lambda: co.MembershipPrior(
                clusters=("a", "b"), shares=np.array([0.5, 0.5]), prob=np.array([0.2])
            ),
            "prob has shape",
        ),
        (
            lambda: co.MembershipPrior.from_frame(
                {"artist": ["a", "a", "b"], "cluster": ["x", "y", "x"], "share": [0.5, 0.5, 1.0]}
            ),
            "no share for cluster 'y'",
        ),
        (lambda: co.PopulationPrior().replace(kapa=co.ParameterPrior.fixed(1)), "kappa"),
        (
            lambda: co.PopulationPrior().replace(loading=co.ParameterPrior.normal(0, 1)),
            "cannot be negative",
        ),
        (
            lambda: co.PopulationPrior().replace(uplift=co.ParameterPrior.fixed(0.7)),
            "There is no uplift: home is the cluster of the highest lasting fit, and loading",
        ),
        (
            lambda: co.PopulationPrior().replace(loading=co.ParameterPrior.concentration(0.1)),
            "Only kappa is a concentration",
        ),
        (lambda: co.ParameterPrior.halfnormal(0), "positive and finite"),
        (lambda: co.ParameterPrior.lognormal(-1, 1), "must be positive"),
        (lambda: co.PopulationPrior.preset("streaming"), "streaming campaign"),
    ],
)
def test_what_cannot_stand_is_refused_in_words(make, said):
    with pytest.raises(co.BeliefError, match=re.escape(said)):
        make()


def test_many_homes_ask_for_the_probability_of_each():
    with pytest.raises(co.BeliefError, match="Many homes need"):
        co.MembershipPrior.uniform(CLUSTERS).table(["a"], "many")


def test_a_prior_replaced_for_one_outcome_leaves_the_others():
    prior = co.PopulationPrior().replace(outcome="save", kappa=co.ParameterPrior.fixed(np.inf))

    assert prior.of("save", "binary", "kappa").first == np.inf
    assert prior.of("add", "binary", "kappa") == co.PopulationPrior().of("add", "binary", "kappa")


def test_what_does_not_inform_has_no_loading(rng):
    reach = co.Outcome.count("reach", total="listeners", exposure="spend", informs=False)
    drawn = co.PopulationPrior().draw([reach], rng=rng)

    assert drawn["loading"].tolist() == [0.0]


PARAMETERS = {
    "alpha", "loading", "kappa", "kappa_spread", "artist_scale", "cluster_scale", "period_scale",
    "factor_scale", "slope",
}  # fmt: skip


def test_every_stated_prior_has_its_reason():
    table = co.PopulationPrior().table()

    assert (table["reason"].str.len() > 10).all()
    for kind in ("binary", "count"):
        assert sorted(table.loc[table["outcome"] == kind, "parameter"]) == sorted(PARAMETERS)


STREAMED = [
    *(co.Outcome.binary(n, successes=n, trials="listeners") for n in ("save", "add", "follow")),
    co.Outcome.count("depth", total="streams", exposure="listeners"),
]


def test_every_prior_of_streaming_has_its_reason_and_its_own_outcomes_are_narrower():
    streaming = co.PopulationPrior.streaming()
    table, plain = (p.table(STREAMED, slopes=True) for p in (streaming, co.PopulationPrior()))

    assert (streaming.table()["reason"].str.len() > 10).all()
    assert (table["reason"].str.len() > 10).all()
    assert len(table) == 4 * len(PARAMETERS)
    width = {}
    for name, each in (("streaming", table), ("plain", plain)):
        own = each.set_index(["parameter", "outcome"])
        width[name] = (own["upper"] - own["lower"]).sort_index()
    changed = width["streaming"] != width["plain"]
    assert (width["streaming"] <= width["plain"]).all()
    parameters = set(changed[changed].index.get_level_values("parameter"))
    assert {"alpha", "artist_scale", "cluster_scale"} <= parameters
    assert not streaming.joint


def test_no_scatter_is_the_likeliest_and_shares_scatter_less_than_counts():
    scatter = {}
    for kind, outcome in (("binary", "save"), ("count", "plays")):
        prior = co.PopulationPrior().of(outcome, kind, "kappa")
        # Of 1 / sqrt(kappa): half-normal, whose density only falls.
        at = np.linspace(1e-3, 1, 200)
        height = prior.log_densities(at**-2.0) + np.log(2) - 3 * np.log(at)
        assert (np.diff(height) < 0).all()
        scatter[kind] = float(prior.quantile(0.5)) ** -0.5
    assert scatter["binary"] == pytest.approx(0.05 * 0.6745, rel=1e-3)
    assert scatter["count"] == pytest.approx(0.2 * 0.6745, rel=1e-3)


def test_draws_follow_the_stated_quantiles(rng):
    save = co.Outcome.binary("save", successes="saves", trials="listeners")
    prior = co.PopulationPrior()
    kappa = np.array([prior.draw([save], rng=rng)["kappa"][0] for _ in range(400)])
    share = np.mean(kappa < prior.of("save", "binary", "kappa").quantile(0.5))

    assert abs(share - 0.5) < 0.1  # four standard errors of 400 draws


PARTS = {"place": {"north": 0.75, "south": 0.25}, "moment": {1: 0.6, 2: 0.4}}


def test_the_prior_of_an_intersection_is_the_product_of_its_parts():
    prior = co.MembershipPrior.from_parts(PARTS)

    assert prior.clusters == ("north x 1", "north x 2", "south x 1", "south x 2")
    np.testing.assert_allclose(prior.shares, [0.45, 0.3, 0.15, 0.1])


def test_combinations_left_out_leave_their_share_to_the_rest():
    prior = co.MembershipPrior.from_parts(PARTS, clusters=["south x 2", "north x 1"], elsewhere=0.2)

    # 0.1 and 0.45 of 0.55, of which one fifth is elsewhere.
    np.testing.assert_allclose(prior.shares, [0.1 / 0.55, 0.45 / 0.55])
    np.testing.assert_allclose(prior.table(["a"], "one")[0], [0.8 / 5.5, 3.6 / 5.5])


@pytest.mark.parametrize(
    ("parts", "clusters", "said"),
    [
        ({"place": {"north": 0.7, "south": 0.2}}, None, "'place' sum to 0.9"),
        ({"place": {"north": 1.2, "south": -0.2}}, None, "'south' is -0.2"),
        (PARTS, ["north"], "'north' is not an intersection of place, moment; 1 of 1"),
        (PARTS, ["north x 3", "south x 1"], "'north x 3' has a label of 'moment'"),
        (PARTS, ["north x 1", "north x 1"], "named twice"),
        ({}, None, "parts is {}"),
        ({"moment": {1: 0.5, "1": 0.5}}, None, "Label '1' of 'moment' has a share twice"),
        ({"place": [0.6, 0.4]}, None, "'place' are [0.6, 0.4]; 1 of 1 parts"),
    ],
)
def test_parts_that_make_no_prior_say_why(parts, clusters, said):
    with pytest.raises(co.BeliefError, match=re.escape(said)):
        co.MembershipPrior.from_parts(parts, clusters=clusters)
