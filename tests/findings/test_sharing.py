"""Sharing: probabilities into whole units of money, with every rule kept."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import coterie as co
from coterie.findings.rules import SLEEVES
from coterie.findings.sharing import METHODS, Group, Line, apportioned, sleeve_shares, wanted

DRAWS = np.random.default_rng(0).normal([1, 0.9, 0.6], [0.05, 0.25, 0.6], (200_000, 3))


def test_thompson_gives_as_much_as_a_cluster_is_probably_the_best():
    np.testing.assert_allclose(wanted(DRAWS, "thompson"), [0.489, 0.284, 0.226], atol=3e-3)


def test_ucb_is_in_proportion_to_estimate_and_bonus():
    found = wanted(DRAWS, "ucb", curiosity=1)
    np.testing.assert_allclose(found, np.array([1.05, 1.15, 1.20]) / 3.4, atol=2e-3)
    assert wanted(DRAWS, "ucb", curiosity=0).argmax() == 0


def test_top_two_is_what_drawing_until_another_leads_would_give():
    rng = np.random.default_rng(1)
    best = DRAWS[:40_000].argmax(axis=1)
    counts = np.zeros(3)
    for i, leader in enumerate(best):
        counts[leader] += 0.5
        j = i
        while best[j] == leader:
            j = int(rng.integers(best.size))
        counts[best[j]] += 0.5
    np.testing.assert_allclose(wanted(DRAWS[:40_000], "top_two"), counts / counts.sum(), atol=0.01)


def test_top_two_tests_the_runner_up_also_where_the_leader_is_certain():
    draws = np.column_stack([np.full(500, 9.0), DRAWS[:500, 1], DRAWS[:500, 2]])
    found = wanted(draws, "top_two")
    assert found[0] == 0.5
    assert found.sum() == pytest.approx(1)
    assert (found[1:] > 0).all()


@pytest.mark.parametrize("method", METHODS)
def test_one_cluster_has_all_and_values_below_nought_break_nothing(method):
    assert wanted(DRAWS[:, :1], method).tolist() == [1.0]
    assert wanted(DRAWS[:1000] - 9, method).sum() == pytest.approx(1)


@pytest.mark.parametrize(
    ("maturity", "shares"),
    [(0, (0.70, 0.20, 0.10)), (0.5, (0.75, 0.175, 0.075)), (1, (0.80, 0.15, 0.05))],
)
def test_sleeves_go_from_most_exploration_to_least_with_maturity(maturity, shares):
    np.testing.assert_allclose(list(sleeve_shares(maturity, SLEEVES).values()), shares, atol=1e-9)


def test_sleeves_that_cannot_sum_to_one_are_refused():
    with pytest.raises(co.FindingError, match="cannot sum to 1"):
        sleeve_shares(0.5, {"a": (0.1, 0.2), "b": (0.1, 0.3)})
    with pytest.raises(co.FindingError, match="maturity is 2"):
        sleeve_shares(2, SLEEVES)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(0, 100), min_size=1, max_size=8).filter(lambda v: sum(v) > 1),
    st.integers(50, 5000),
    st.integers(0, 40),
)
def test_amounts_are_whole_sum_exactly_and_are_worth_a_test_or_nothing(parts, budget, least):
    share = np.array(parts) / sum(parts)
    lines = [Line(i, "all", float(p * budget), least=least) for i, p in enumerate(share)]
    found = apportioned(lines, budget)
    assert sum(found) == budget
    assert all(v == 0 or v >= least for v in found)
    if least == 0:
        assert np.abs(np.array(found) - share * budget).max() < len(parts) + 1


def test_floors_caps_and_groups_are_kept():
    lines = [
        Line("a", "v", 900.0), Line("b", "v", 50.0, floor=200), Line("c", "x", 50.0, cap=20),
        Line("a", "e", 0.0),
    ]  # fmt: skip
    groups = [Group("a", (0, 3), 0, 600), Group("sleeve e", (3,), 100, 150)]
    found = apportioned(lines, 1000, groups)
    assert sum(found) == 1000
    assert found[1] >= 200
    assert found[2] <= 20
    assert found[0] + found[3] <= 600
    assert 100 <= found[3] <= 150


@pytest.mark.parametrize(
    ("lines", "groups", "words"),
    [
        ([Line("a", "v", 5, floor=20)], [], "Floors and fixed lines take 20"),
        ([Line("a", "v", 5, cap=3)], [], "Caps leave room for 3"),
        ([Line("a", "v", 5)], [Group("a", (0,), 5, 4)], "a must have 5 units and may have 4"),
        ([Line("a", "v", 5), Line("b", "w", 5)], [Group("a", (0,), 8), Group("b", (1,), 8)],
         "a 8 to any; b 8 to any"),
    ],
)  # fmt: skip
def test_rules_in_conflict_are_named(lines, groups, words):
    with pytest.raises(co.FindingError, match=words):
        apportioned(lines, 10, groups)
