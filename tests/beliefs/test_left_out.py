"""Factors that rows leave out are averaged as they stood together in the ledger."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

import coterie as co
from coterie.beliefs.design import Levels, design
from coterie.beliefs.left_out import LeftOut
from coterie.beliefs.rates import rate_table
from tests.beliefs.stated_world import read, stating

PLACES = ["place", "listener", "moment"]
TOGETHER = pd.DataFrame(
    {
        "artist": ["a"] * 5,
        "cluster": ["gym", "gym", "gym", "indie", "indie"],
        "context": ["day", "night", "night", "day", "night"],
        "geo": ["de", "fr", "de", "fr", "fr"],
        "saves": [10, 20, 5, 10, 10],
        "listeners": [100, 200, 100, 50, 50],
    }
)
EFFECTS = {
    "context": {"day": 0.3, "night": -0.3},
    "geo": {"de": 0.5, "fr": 0.0},
    "context x geo": {"day x de": 0.4, "night x de": -0.4, "night x fr": 0.2, "day x fr": -0.1},
}


def bare(cluster, **more):
    """Return one row to predict."""
    columns = {"artist": ["a"], "cluster": [cluster], "saves": [0], "listeners": [1]}
    with pytest.warns(co.EvidenceWarning, match="one cluster"):
        return read(columns | {k: [v] for k, v in more.items()}, factors=list(more))


def rate_of(beliefs, rows):
    drawn = co.predict(beliefs, rows, rng=np.random.default_rng(1))["rate"]
    return drawn.isel(row=0, binary_outcome=0).to_numpy().ravel()


def test_levels_are_averaged_by_what_stood_together_and_not_by_their_margins():
    beliefs = stating(read(TOGETHER, factors=["context", "geo"]), EFFECTS)

    # 100 day in de, 200 night in fr, 100 night in de, of 400; day in fr never was.
    by_hand = 0.25 * expit(-1 + 0.8) + 0.5 * expit(-1 - 0.3) + 0.25 * expit(-1 + 0.2)
    np.testing.assert_allclose(rate_of(beliefs, bare("gym")), by_hand, rtol=1e-12)


def test_a_crossed_level_follows_from_the_levels_it_is_made_of():
    beliefs = stating(read(TOGETHER, crossed=[("context", "geo")]), EFFECTS)

    by_hand = 0.25 * expit(-1 + 1.2) + 0.5 * expit(-1 - 0.1) + 0.25 * expit(-1 - 0.2)
    np.testing.assert_allclose(rate_of(beliefs, bare("gym")), by_hand, rtol=1e-12)


def test_a_crossing_of_what_a_row_states_and_leaves_out_takes_both():
    beliefs = stating(read(TOGETHER, crossed=[("context", "geo")]), EFFECTS)
    rows = bare("indie", context="night")

    # Indie was reached in fr alone.
    np.testing.assert_allclose(rate_of(beliefs, rows), expit(-1 - 0.3 + 0.2), rtol=1e-12)


def test_a_cluster_without_rows_has_the_shares_of_the_whole_ledger():
    effects = {"context": EFFECTS["context"]}
    beliefs = stating(read(TOGETHER, factors=["context", "geo"]), effects)

    # 150 of 500 by day.
    by_hand = 0.3 * expit(-1 + 0.3) + 0.7 * expit(-1 - 0.3)
    np.testing.assert_allclose(rate_of(beliefs, bare("night owls")), by_hand, rtol=1e-12)


def test_a_combination_never_seen_is_drawn_from_its_population_and_its_parents_are_known():
    evidence = read(TOGETHER.iloc[:4], crossed=[("context", "geo")])
    beliefs = stating(evidence, EFFECTS, scales={"context x geo": 0.2}, draws=4000)
    two = {"artist": ["a", "a"], "cluster": ["gym", "indie"], "saves": [0, 0], "listeners": [1, 1]}
    rows = read(
        two | {"context": ["day", "night"], "geo": ["de", "de"]}, factors=["context", "geo"]
    )
    never = read(
        two | {"context": ["dawn", "dawn"], "geo": ["de", "de"]}, factors=["context", "geo"]
    )
    drawn = co.predict(beliefs, rows, rng=np.random.default_rng(1))
    beyond = co.predict(beliefs, never, rng=np.random.default_rng(1))
    level = np.log(beyond["rate"] / (1 - beyond["rate"])).to_numpy().reshape(8000, 2)

    assert not drawn["new"].any()
    assert drawn["rate"].std(("chain", "draw")).max() < 1e-12
    # Dawn has no effect here, de 0.5, and the combination its own, one for both rows.
    np.testing.assert_array_equal(level[:, 0], level[:, 1])
    assert abs(level.mean() - (-1 + 0.5)) < 4 * 0.2 / np.sqrt(8000)
    assert abs(level.std() - 0.2) < 4 * 0.2 / np.sqrt(2 * 8000)


def test_rows_need_not_be_read_with_the_crossings_of_the_ledger():
    beliefs = stating(read(TOGETHER, crossed=[("context", "geo"), ("context", "cluster")]), EFFECTS)
    crossed = rate_of(beliefs, beliefs.evidence)
    plain = rate_of(beliefs, read(TOGETHER, factors=["geo", "context"]))

    np.testing.assert_array_equal(crossed, plain)


def test_the_table_of_rates_says_what_predict_draws():
    evidence = read(TOGETHER, crossed=[("context", "geo"), ("context", "cluster")])
    effects = EFFECTS | {"context x cluster": {"night x gym": 0.7}}
    beliefs = stating(evidence, effects)
    table = rate_table(beliefs, artists=["a"], prob=0.9)["median"].isel(artist=0, outcome=0)
    drawn = [rate_of(beliefs, bare(cluster))[0] for cluster in ("gym", "indie")]

    np.testing.assert_allclose(table, drawn, rtol=1e-9)


PARTED = pd.DataFrame(
    {
        "artist": ["a"] * 4,
        "place": ["north", "north", "south", "south"],
        "listener": [1, 2, 1, 2],
        "moment": ["day", "day", "night", "day"],
        "saves": [1, 2, 3, 4],
        "listeners": [50] * 4,
    }
)
OF_PARTS = {
    "cluster": {"north x 1 x day": 0.05},
    "place": {"north": 0.4, "south": -0.4},
    "listener": {1: 0.1, 2: -0.1},
    "moment": {"night": 0.2},
    "place x moment": {"south x night": 0.3},
}


def test_the_parts_of_a_cluster_are_known_from_its_label():
    beliefs = stating(read(PARTED, cluster=PLACES), OF_PARTS)
    both = {"artist": ["a", "a"], "cluster": ["north x 1 x day", "south x 2 x night"]}
    rows = read(both | {"saves": [0, 0], "listeners": [1, 1]})
    rates = co.predict(beliefs, rows, rng=np.random.default_rng(1))["rate"]
    rates = rates.isel(chain=0, draw=0, binary_outcome=0)

    # The second cluster was never in the ledger, its parts and two of its pairs were.
    expected = expit([-1 + 0.05 + 0.4 + 0.1, -1 - 0.4 - 0.1 + 0.2 + 0.3])
    np.testing.assert_allclose(rates, expected, rtol=1e-12)


def test_a_cluster_named_without_rows_has_parents_in_the_table_of_rates():
    evidence = read(PARTED, cluster=PLACES)
    named = [*evidence.clusters.tolist(), "south x 2 x night", "west x 1 x night"]
    beliefs = stating(evidence, OF_PARTS | {"place": {"south": -0.4, "west": 0.9}}, clusters=named)
    table = rate_table(beliefs, artists=["a"], prob=0.9)["median"].isel(artist=0, outcome=0)

    found = table.sel(cluster=named[-2:])
    np.testing.assert_allclose(
        found, expit([-1 - 0.4 - 0.1 + 0.2 + 0.3, -1 + 0.9 + 0.1 + 0.2]), rtol=1e-9
    )


def test_a_cluster_that_is_no_intersection_is_refused_by_name():
    evidence = read(PARTED, cluster=PLACES)

    with pytest.raises(co.BeliefError, match="'the north' is not an intersection of place, lis"):
        Levels.of(evidence, [*evidence.clusters.tolist(), "the north"])
    with pytest.raises(co.BeliefError, match="1 of 1 are like this"):
        rate_of(stating(evidence, OF_PARTS), bare("the north"))


def test_an_audience_may_not_have_shares_of_what_other_labels_decide():
    beliefs = stating(read(PARTED.assign(context=["x", "y"] * 2), cluster=PLACES,
                           crossed=[("context", "cluster")]), OF_PARTS)  # fmt: skip
    found = co.poststratify(
        beliefs, {"context": {"x": 0.5, "y": 0.5}}, rng=np.random.default_rng(1)
    )

    assert found["rate"].sel(cluster="south x 1 x night").to_numpy().ravel()[0] == pytest.approx(
        expit(-1 - 0.4 + 0.1 + 0.2 + 0.3)
    )
    for factor in ("place", "context x cluster"):
        with pytest.raises(co.BeliefError, match=r"know the factors \['context'\]"):
            co.poststratify(beliefs, {factor: {"x": 1.0}}, rng=np.random.default_rng(1))


def test_shares_sum_to_one_and_releases_are_left_out_with_the_rest():
    table = TOGETHER.assign(release=["ep", "lp", "lp", "ep", "lp"])
    evidence = read(table, crossed=[("release", "cluster"), ("context", "geo")])
    levels = Levels.of(evidence)
    left = LeftOut.of(levels, design(evidence, levels), {"cluster": np.array([0, 1, 2])})

    np.testing.assert_allclose(left.share.sum(axis=2), 1)
    assert set(left.codes) == set(levels.factors)
    # A new cluster's combinations with a release are new too, two of them.
    assert left.new["release x cluster"] == 2 + 0
    assert left.new["context x geo"] == 0


def test_beliefs_of_intersections_come_back_from_a_file(tmp_path):
    rows = PARTED.assign(hour=[0, 1, 1, 0])
    evidence = read(
        rows, cluster=PLACES, factors=[co.Cycle("hour", 24)], crossed=[("hour", "place")]
    )
    beliefs = stating(evidence, OF_PARTS)
    beliefs.save(tmp_path / "crossed.nc")
    back = co.Beliefs.load(tmp_path / "crossed.nc")

    assert back.evidence == evidence
    np.testing.assert_array_equal(rate_of(back, evidence), rate_of(beliefs, evidence))
    assert back.tree["posterior"]["factor_effect_hour x place"].sizes["hour x place"] == 48
