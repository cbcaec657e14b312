"""Log likelihoods of many counts at many draws, against masses and against exact arithmetic."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coterie.beliefs import add_log_likelihood, log_mass
from coterie.errors import BeliefError


def told(y, n, rate, kappa, kind):
    found = np.zeros((np.size(rate), np.size(y)))
    add_log_likelihood(found, y, n, rate, kappa, kind=kind)
    return found


@settings(max_examples=60, deadline=None)
@given(
    kind=st.sampled_from(["binary", "count"]), seed=st.integers(0, 2**32 - 1),
    size=st.sampled_from([1, 20, 3_000, 2_000_000]),
    kappa=st.sampled_from([0.01, 0.7, 12.0, 900.0, 1e6, 1e11, np.inf]),
)  # fmt: skip
def test_draws_differ_in_likelihood_as_they_do_in_mass(kind, seed, size, kappa):
    rng = np.random.default_rng(seed)
    n = rng.integers(1, size + 1, 30).astype(float)
    y = rng.integers(0, n + 1).astype(float)
    rate = np.exp(rng.uniform(-9, -0.01, 12))
    masses = log_mass(y, n, rate[:, None], kappa, kind=kind)
    apart = told(y, n, rate, kappa, kind) - masses
    scale = np.maximum(np.abs(masses).max(axis=0), 1.0)
    # A constant of the count is left out: the rest is the same at every draw.
    assert (np.ptp(apart, axis=0) <= 1e-8 * scale + 1e-7).all()


@pytest.mark.parametrize(("a", "b", "y", "n"), [(1, 3, 0, 5), (2, 40, 5, 5), (30, 9, 11, 60)])
def test_a_binary_count_has_the_likelihood_of_exact_fractions(a, b, y, n):
    exact = Fraction(1)
    for i in range(n):
        over = a + i if i < y else b + i - y
        exact *= Fraction(over, a + b + i)
    found = told([y], [n], [a / (a + b)], [a + b], "binary").item()
    assert found == pytest.approx(math.log(exact), abs=1e-9)


def test_what_is_there_is_added_to_and_alike_rows_are_alike():
    found = np.ones((3, 4))
    y, n = [5.0, 2.0, 5.0, 2.0], [9.0, 9.0, 9.0, 8.0]
    add_log_likelihood(found, y, n, [0.1, 0.2, 0.3], 40.0)
    np.testing.assert_array_equal(found[:, 0], found[:, 2])
    np.testing.assert_allclose(
        found[:, 1], 1 + told([2.0], [9.0], [0.1, 0.2, 0.3], 40.0, "binary")[:, 0]
    )
    assert (found[:, 1] != found[:, 3]).all()


def test_what_no_law_allows_is_refused():
    with pytest.raises(BeliefError, match="6 of 5"):
        told([6.0], [5.0], [0.1], [10.0], "binary")
    with pytest.raises(BeliefError, match="a rate of 1"):
        told([1.0], [5.0], [1.0], [10.0], "binary")


@pytest.mark.parametrize("kind", ["binary", "count"])
def test_a_rate_next_to_nothing_explains_no_event_and_is_sure_of_none(kind):
    found = told([0.0, 1.0], [5.0, 5.0], [2.3e-308, 0.1], np.inf, kind)
    assert np.isfinite(found).all()
    # Five people, none of whom acts: 0.9 to the fifth, or e to the minus half.
    assert found[0, 0] - found[1, 0] == pytest.approx(0.5268 if kind == "binary" else 0.5, abs=1e-4)
    assert found[0, 1] < found[1, 1] - 600
