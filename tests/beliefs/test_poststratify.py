"""Rates among a stated audience are averages over its levels, by its shares."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import coterie as co
from coterie.beliefs.ledger import ledger_of
from coterie.evidence import simulate

WHO = {"context": {"context 1": 0.7, "context 2": 0.3, "context 3": 0.0}}


@pytest.fixture(scope="module")
def beliefs(beliefs_like):
    world = simulate.world(
        artists=4, clusters=2, factors={"context": 3, "geo": 2}, rng=np.random.default_rng(3)
    )
    made = beliefs_like(world.evidence(factors=("context", "geo")), chains=2, draws=300)
    tree = made.tree.copy()
    posterior = tree["posterior"].to_dataset()
    of = {
        "period_effect": ("cluster", "window", "outcome"),
        "kappa_cluster": ("cluster", "outcome"),
        "affinity": ("artist", "cluster"),
    }
    for name, dims in of.items():
        shape = (2, 300, *(posterior.sizes[d] for d in dims))
        posterior[name] = (("chain", "draw", *dims), np.zeros(shape))
    tree["posterior"] = xr.DataTree(posterior)
    return co.Beliefs(tree)


def rates(made):
    return made["rate"].mean(("chain", "draw"))


def test_an_audience_of_one_level_has_the_rates_of_that_level(beliefs):
    only = {"context": {"context 2": 1.0}, "geo": {"geo 1": 1.0}}
    found = co.poststratify(beliefs, only, artists=["artist 2"], rng=np.random.default_rng(5))
    frame = beliefs.evidence.to_frame()
    rows = frame[
        (frame.artist == "artist 2") & (frame.context == "context 2") & (frame.geo == "geo 1")
    ]
    drawn = co.predict(beliefs, beliefs.evidence.read_more(rows), rng=np.random.default_rng(5))
    np.testing.assert_array_equal(
        found["rate"].isel(artist=0).transpose("chain", "draw", "cluster", "binary_outcome"),
        drawn["rate"].transpose("chain", "draw", "row", "binary_outcome"),
    )


def test_rates_of_an_audience_lie_between_those_of_its_levels_as_its_shares_say(beliefs):
    rng = np.random.default_rng(6)
    ends = [
        rates(co.poststratify(beliefs, {"context": {f"context {i}": 1.0}}, rng=rng)) for i in (1, 2)
    ]
    mixed = rates(co.poststratify(beliefs, WHO, rng=rng))
    expected = 0.7 * ends[0] + 0.3 * ends[1]
    # 600 draws of rates in [0, 1], three averages of them.
    np.testing.assert_allclose(mixed, expected, atol=4 * 0.5 * np.sqrt(2 / 600))
    assert float(abs(ends[0] - ends[1]).max()) > 0


def test_a_table_may_state_an_audience_for_each_cluster(beliefs):
    table = pd.DataFrame(
        {
            "cluster": ["cluster 1", "cluster 2", "cluster 2"],
            "context": ["context 1", "context 1", "context 3"],
            "share": [1.0, 0.25, 0.75],
        }
    )
    found = co.poststratify(beliefs, table, rng=np.random.default_rng(6))
    assert found["rate"].sizes["cluster"] == 2
    alone = co.poststratify(beliefs, {"context": {"context 1": 1.0}}, rng=np.random.default_rng(7))
    first = {"cluster": "cluster 1"}
    np.testing.assert_allclose(
        rates(found.sel(first)), rates(alone.sel(first)), atol=4 * 0.5 * np.sqrt(2 / 600)
    )


@pytest.mark.parametrize(
    ("audience", "said"),
    [
        ({"context": {"context 1": 0.5}}, r"shares of 'context' sum to 0.5 over 1 levels"),
        ({"weather": {"rain": 1.0}}, r"names 'weather', and these beliefs know .*context"),
        ({"context": {"dawn": 1.0}}, r"level 'dawn' of 'context'; 1 of 1 levels are unknown"),
        ({"context": 0.5}, r"says 0.5 of 'context'"),
        (pd.DataFrame({"context": ["context 1"]}), r"none is 'share'"),
        (
            pd.DataFrame({"context": ["context 1"] * 2, "share": [0.5, 0.5]}),
            r"names \{'context': 'context 1'\} twice",
        ),
    ],
)
def test_an_audience_that_cannot_be_is_refused(beliefs, audience, said, rng):
    with pytest.raises(co.BeliefError, match=said):
        co.poststratify(beliefs, audience, rng=rng)


def test_beliefs_without_factors_have_no_audience(beliefs_like, rng):
    with pytest.raises(co.BeliefError, match="no factor to average over"):
        co.poststratify(beliefs_like(), WHO, rng=rng)


def test_levels_that_are_whole_numbers_are_found(beliefs):
    world = beliefs.evidence.to_frame()
    hours = world["context"].str[-1].astype(int)
    tree = beliefs.tree.copy()
    posterior = tree["posterior"].to_dataset().assign_coords(context=[1, 2, 3])
    numbered = co.Evidence.from_frame(
        world.assign(context=hours), outcomes=beliefs.evidence.outcomes, factors=("context", "geo")
    )
    tree["posterior"] = xr.DataTree(posterior)
    tree["ledger"] = xr.DataTree(ledger_of(numbered))
    found = co.poststratify(
        co.Beliefs(tree), {"context": {1: 0.5, 3: 0.5}}, artists=["artist 1"],
        rng=np.random.default_rng(1),
    )  # fmt: skip
    assert bool(found["rate"].notnull().all())


def test_nobody_has_no_rates(beliefs, rng):
    with pytest.raises(co.BeliefError, match="artists is empty"):
        co.poststratify(beliefs, WHO, artists=[], rng=rng)
