"""Formulas: the worked numbers of the strategy, and what each form has to do."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

import coterie as co
from coterie.beliefs import log_mass

F = co.formulas
PI = [0.5, 0.3, 0.2]
RATES = {"save": [0.12, 0.09, 0.05], "add": [0.06, 0.045, 0.02], "follow": [0.03, 0.02, 0.008]}
COUNTS = {"save": 40, "add": 20, "follow": 9}


@pytest.mark.parametrize(
    ("kappa", "wanted"),
    [
        (20, [0.710, 0.268, 0.023]), (100, [0.651, 0.344, 0.005]), (500, [0.506, 0.494, 0.000]),
        (1000, [0.443, 0.557, 0.000]), (np.inf, [0.338, 0.662, 0.000]),
    ],
)  # fmt: skip
def test_the_answer_turns_with_how_far_cells_scatter(kappa, wanted):
    found = F.belief(PI, RATES, COUNTS, people=400, kappa=kappa)
    np.testing.assert_allclose(found, wanted, atol=6e-4)


@pytest.mark.parametrize(
    ("n", "binomial", "scattered"),
    [(100, 0.57, 0.57), (1000, 0.67, 0.63), (10_000, 0.93, 0.64), (100_000, 1.00, 0.64)],
)
def test_more_listeners_of_one_campaign_are_not_more_campaigns(n, binomial, scattered):
    one = {"save": RATES["save"]}
    for kappa, wanted in ((np.inf, binomial), (100, scattered)):
        found = F.belief(PI, one, {"save": round(0.105 * n)}, people=n, kappa=kappa)
        assert found[0] == pytest.approx(wanted, abs=6e-3)


def test_one_signal_told_three_times_is_believed_three_times_by_who_takes_it_for_three():
    once = F.belief(PI, {"save": RATES["save"]}, {"save": 40}, people=400, kappa=100)
    thrice = dict.fromkeys("abc", RATES["save"])
    same = F.belief(PI, thrice, dict.fromkeys("abc", 40), people=400, kappa=100)
    assert once[2] == pytest.approx(0.05, abs=5e-3)
    assert same[2] == pytest.approx(0.002, abs=5e-4)


def test_masses_hold_where_a_difference_of_log_betas_has_no_digits_left():
    for kappa, wanted in ((1e2, -7.326785), (1e6, -4.676653), (np.inf, -4.666752)):
        assert float(log_mass(2000, 20_000, 0.1, kappa)) == pytest.approx(wanted, abs=2e-6)
    limit = stats.binom.logpmf(2000, 20_000, 0.1)
    for kappa in (1e13, 1e15):
        assert float(log_mass(2000, 20_000, 0.1, kappa)) == pytest.approx(limit, abs=1e-6)


def test_masses_are_scipys_and_sum_to_one():
    y = np.arange(31)
    found = log_mass(y, 30, 0.2, 7.0)
    np.testing.assert_allclose(found, stats.betabinom.logpmf(y, 30, 1.4, 5.6), atol=1e-10)
    assert np.exp(found).sum() == pytest.approx(1)
    count = log_mass(y, 3.0, 2.0, 5.0, kind="count")
    np.testing.assert_allclose(count, stats.nbinom.logpmf(y, 5, 5 / 11), atol=1e-10)


@pytest.mark.parametrize("bad", [(5, 4, 0.1, 3), (1, 4, 1.0, 3), (1, 4, 0.1, 0), (-1, 4, 0.1, 3)])
def test_counts_that_have_no_probability_are_refused(bad):
    with pytest.raises(co.BeliefError, match="has no probability; 1 of 1"):
        log_mass(*bad)


def test_cost_per_listener_ranks_two_campaigns_the_other_way_round_than_their_yield():
    amounts = np.array([[40, 20, 9, 760], [60, 20, 8, 300]])
    found = F.durable_yield([1, 1.5, 4, 0.1], amounts, [200, 200])
    np.testing.assert_allclose(found, [0.91, 0.76])
    assert 200 / 400 > 200 / 2000
    assert np.isnan(F.durable_yield([1.0], [[3]], [0.0])).all()


def test_curiosity_turns_the_order_and_information_has_its_price():
    mean, sd = np.array([1, 0.9, 0.6]), np.array([0.05, 0.25, 0.6])
    assert F.priority(mean, sd, curiosity=0).argmax() == 0
    np.testing.assert_allclose(F.priority(mean, sd, curiosity=1), [1.05, 1.15, 1.20])
    draws = np.random.default_rng(0).normal(mean, sd, (400_000, 3))
    np.testing.assert_allclose(F.best_probability(draws), [0.489, 0.284, 0.226], atol=2e-3)
    assert F.perfect_information(draws) == pytest.approx(0.139, abs=1e-3)


def test_the_entropy_of_few_events_is_corrected_upwards():
    share = np.array([0.6, 0.25, 0.1, 0.05])
    assert float(F.entropy(share)) == pytest.approx(1.0331, abs=5e-5)
    assert float(F.normalised_entropy(share)) == pytest.approx(0.745, abs=5e-4)
    assert float(F.effective_number(share)) == pytest.approx(2.81, abs=5e-3)
    assert float(F.herfindahl(share)) == pytest.approx(0.435)
    assert float(F.expected_entropy(20 * share)) == pytest.approx(1.087, abs=5e-4)
    assert float(F.expected_entropy(2000 * share)) == pytest.approx(1.034, abs=5e-4)


def test_expected_entropy_is_the_mean_over_the_dirichlet_itself():
    counts = np.array([7, 3, 0])
    drawn = np.random.default_rng(2).dirichlet(counts + 1.0, 200_000)
    assert float(F.expected_entropy(counts)) == pytest.approx(F.entropy(drawn).mean(), abs=2e-3)


def test_delay_and_forgetting():
    found = F.arrived([3, 7, 14, 28], mean_delay=14)
    np.testing.assert_allclose(found, [0.193, 0.393, 0.632, 0.865], atol=5e-4)
    np.testing.assert_allclose(F.weight_of_age([28, 180], half_life=90), [0.806, 0.25], atol=5e-4)


def test_the_winners_curse_is_undone_by_shrinking():
    rng = np.random.default_rng(0)
    true = rng.beta(24, 276, (4000, 30))
    y = rng.binomial(200, true)
    top, row = y.argmax(1), np.arange(4000)
    assert (y / 200)[row, top].mean() == pytest.approx(0.136, abs=5e-4)
    assert true[row, top].mean() == pytest.approx(0.102, abs=5e-4)
    assert F.shrunk(y, 200, rate=0.08, worth=300)[row, top].mean() == pytest.approx(0.102, abs=5e-4)


def test_the_first_layer_cannot_buy_off_the_others():
    bought, even = [4.0, 0.5, 0.5], [1.0, 1.0, 1.0]
    assert F.release_index(bought) < F.release_index(even) == 1
    assert F.release_index(bought, form="additive") > F.release_index(even, form="additive")
    with pytest.raises(co.FindingError, match="acquisition must weigh less"):
        F.release_index(even, (0.5, 0.3, 0.2))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(0, 1e6), min_size=2, max_size=12).filter(lambda v: sum(v) > 0))
def test_concentration_is_between_one_cluster_and_all_alike(amounts):
    size = len(amounts)
    assert -1e-9 <= float(F.entropy(amounts)) <= np.log(size) + 1e-9
    assert 1 / size - 1e-9 <= float(F.herfindahl(amounts)) <= 1 + 1e-9
    assert float(F.effective_number(amounts)) >= 1 / float(F.herfindahl(amounts)) - 1e-6
    np.testing.assert_allclose(F.entropy(amounts), F.entropy(amounts[::-1]), atol=1e-12)


def test_a_prior_that_does_not_sum_to_one_and_counts_without_rates_are_refused():
    with pytest.raises(co.FindingError, match=r"sums to 0\.9"):
        F.belief([0.5, 0.4], {"save": [0.1, 0.2]}, {"save": 1}, people=10, kappa=5)
    with pytest.raises(co.FindingError, match="'add' was counted and has no rates"):
        F.belief([0.5, 0.5], {"save": [0.1, 0.2]}, {"add": 1}, people=10, kappa=5)
