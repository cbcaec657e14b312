"""Policies: markets that are as stated, and a comparison that is fair."""

import numpy as np
import pytest

import coterie as co
from coterie.findings.markets import Market, World, believed
from coterie.findings.policies import fixed, play
from coterie.findings.sharing import best_shares


def test_ours_beat_fixed_splits_in_markets_that_drift_answer_late_and_saturate():
    found = co.simulate_policy(worlds=12, rng=np.random.default_rng(3)).table
    for policy in ("thompson", "ucb", "top_two"):
        assert (found["gain_lower"].sel(policy=policy) > 0).all()
    assert float(found["brought"].max()) < 1
    assert (found["regret"] > 0).all()


def test_knowing_all_brings_what_there_was():
    market = Market(weeks=4, clusters=3)
    world = World.draw(market, np.random.default_rng(1))
    best = sum(world.best(week) for week in range(4))

    def oracle(seen):
        return best_shares(world.value[seen.week], market.saturation)

    assert play(world, oracle, np.random.default_rng(2)) == pytest.approx(best)
    assert play(world, fixed, np.random.default_rng(2)) < best


def test_the_best_shares_are_those_a_search_finds():
    rng = np.random.default_rng(2)
    value = np.array([1.0, 0.8, 0.3])
    tried = rng.dirichlet(np.ones(3), 200_000)
    brought = (value * tried**0.7).sum(axis=1)
    np.testing.assert_allclose(best_shares(value, 0.7), tried[brought.argmax()], atol=0.01)
    assert best_shares(np.array([2.0, 2.0, 1.0]), 1.0).tolist() == [0.5, 0.5, 0.0]


def test_beliefs_inside_a_market_are_about_right():
    market = Market(drift=0.0, weeks=12, spread=0.5)
    inside = []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        world = World.draw(market, rng)
        kept = []

        def policy(seen, kept=kept):
            kept.append(seen)
            return np.full(8, 1 / 8)

        play(world, policy, rng)
        drawn = believed(kept[-1], rng)
        low, high = np.quantile(drawn, [0.05, 0.95], axis=0)
        inside += ((world.value[-1] > low) & (world.value[-1] < high)).tolist()
    assert 0.8 < np.mean(inside) <= 0.98


def test_a_policy_of_ones_own_is_played_beside_ours_with_the_same_luck():
    def mine(seen):
        return np.full(seen.prior.size, 1 / seen.prior.size)

    found = co.simulate_policy({"mine": mine}, worlds=4, rng=np.random.default_rng(1)).table
    assert float(found["gain"].sel(policy="mine", against="equal")) == pytest.approx(0)


def test_shares_that_are_none_and_unknown_policies_are_refused():
    with pytest.raises(co.FindingError, match="Policy 'bad' returned"):
        co.simulate_policy({"bad": lambda _: [2.0, -1.0]}, worlds=1, rng=np.random.default_rng(1))
    with pytest.raises(co.FindingError, match="no policy 'luck'"):
        co.simulate_policy(["luck"], rng=np.random.default_rng(1))
    with pytest.raises(co.FindingError, match="saturation of a market is 2"):
        Market(saturation=2)
