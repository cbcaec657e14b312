"""Weights of draws point the right way and say how far they carry."""

import numpy as np
import pytest

from coterie.beliefs.weighing import Weights, smoothed_weights

DRAWS = 4000


def normal_ratio(x, mean, sd):
    return -0.5 * ((x - mean) / sd) ** 2 + 0.5 * x**2


def test_weighed_draws_of_one_normal_have_the_moments_of_another(rng):
    x = rng.standard_normal(DRAWS)
    ratio = np.stack([normal_ratio(x, 0.5, 0.9), normal_ratio(x, -0.7, 0.8)], axis=1)
    weight, khat = smoothed_weights(ratio)
    np.testing.assert_allclose(weight.sum(axis=1), 1.0)
    for column, mean, sd in ((0, 0.5, 0.9), (1, -0.7, 0.8)):
        effective = 1 / np.square(weight[column]).sum()
        assert weight[column] @ x == pytest.approx(mean, abs=4 * sd / np.sqrt(effective))
        assert khat[column] < 0.5


def test_a_law_with_longer_tails_than_the_draws_has_a_large_k(rng):
    x = rng.standard_normal(DRAWS)
    assert smoothed_weights(normal_ratio(x, 0.0, 3.0)[:, None])[1] > 0.7


def test_leaving_an_observation_out_lowers_what_it_is_said_to_be_worth(rng):
    # A normal mean known from ten readings; the last of them, 2.0, is left out by weights.
    readings = np.array([0.1, -0.2, 0.3, 0.0, 0.2, -0.1, 0.4, -0.3, 0.1, 2.0])
    mean = rng.normal(readings.mean(), 1 / np.sqrt(10), DRAWS)
    weight, _ = smoothed_weights(0.5 * (2.0 - mean)[:, None] ** 2)
    others = readings[:-1].mean()
    assert weight[0] @ mean == pytest.approx(others, abs=4 / 3 / np.sqrt(DRAWS / 2))


def test_equal_ratios_leave_the_draws_as_they_are():
    found = Weights.of(np.full(100, -3.0))
    np.testing.assert_allclose(found.share, 0.01)
    assert found.effective == pytest.approx(100)


def test_draws_are_chosen_as_often_as_they_weigh_and_in_order(rng):
    weights = Weights.of(rng.normal(size=DRAWS))
    chosen = weights.chosen(rng)
    assert np.all(np.diff(chosen) >= 0)
    often = np.bincount(chosen, minlength=DRAWS)
    assert np.all(np.abs(often - DRAWS * weights.share) < 1)
