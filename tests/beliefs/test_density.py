"""Densities: checked against sixty-digit arithmetic, their own differences and their own sums."""

import math

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from coterie.beliefs.density import (
    log_constant,
    log_kernel,
    mass_and_below,
    shared_part,
)
from coterie.beliefs.operations import log_likelihood

mpmath.mp.dps = 60
KINDS = pytest.mark.parametrize("is_count", [False, True], ids=["binary", "count"])


def kernel(eta, kappa, y, n, is_count):
    shared = shared_part(float(kappa), float(y), float(n), is_count)
    return log_kernel(float(eta), float(kappa), float(y), float(n), *shared, is_count)


def log_mass(eta, kappa, y, n, is_count):
    constant = log_constant(np.array([y], float), np.array([n], float), np.array([is_count]))[0]
    return kernel(eta, kappa, y, n, is_count)[0] + constant


def exact(eta, kappa, y, n, is_count):
    """The log mass, and its slopes in eta and in log kappa, in sixty digits."""
    eta, kappa, y, n = (mpmath.mpf(float(v)) for v in (eta, kappa, y, n))
    gamma, log = mpmath.loggamma, mpmath.log

    def more(x, by):
        return mpmath.psi(0, x + by) - mpmath.psi(0, x)

    if is_count:
        mean = n * mpmath.exp(eta)
        value = gamma(y + kappa) - gamma(kappa) - gamma(y + 1)
        value += y * log(mean / (kappa + mean)) - kappa * mpmath.log1p(mean / kappa)
        by_kappa = more(kappa, y) - mpmath.log1p(mean / kappa) + (mean - y) / (kappa + mean)
        return value, kappa * (y - mean) / (kappa + mean), kappa * by_kappa
    mu, other = 1 / (1 + mpmath.exp(-eta)), 1 / (1 + mpmath.exp(eta))
    a, b = mu * kappa, other * kappa
    value = gamma(n + 1) - gamma(y + 1) - gamma(n - y + 1)
    value += gamma(a + y) - gamma(a) + gamma(b + n - y) - gamma(b) - gamma(kappa + n) + gamma(kappa)
    by_a, by_b = more(a, y), more(b, n - y)
    by_kappa = a * by_a + b * by_b - kappa * more(kappa, n)
    return value, kappa * mu * other * (by_a - by_b), by_kappa


def exact_log_mass(*case):
    return exact(*case)[0]


def assert_close(found, wanted, case):
    """Within 1e-8 and 1e-10 of the exact number, compared in exact arithmetic."""
    off = abs(mpmath.mpf(float(found)) - wanted)
    assert off <= mpmath.mpf(10) ** -8 + mpmath.mpf(10) ** -10 * abs(wanted), (case, float(off))


@st.composite
def cases(draw, largest=9.0, concentration=(-3.0, 8.0)):
    """(eta, kappa, y, n): y at its ends, about its mean or anywhere; n and kappa by powers."""
    n = float(math.floor(10 ** draw(st.floats(0, largest))))
    kappa = 10 ** draw(st.floats(*concentration))
    eta = draw(st.floats(-10, 10))
    share = draw(st.sampled_from([0.0, 1.0]) | st.floats(0, 1) | st.just(None))
    share = 1 / (1 + math.exp(-eta)) if share is None else share
    return eta, kappa, float(math.floor(n * share)), n


MANY = settings(max_examples=400, deadline=None, derandomize=True, database=None)


@KINDS
@MANY
@given(case=cases())
def test_mass_and_slopes_agree_with_exact_arithmetic(is_count, case):
    eta, kappa, y, n = case
    mass, by_eta, by_log_kappa = exact(eta, kappa, y, n, is_count)
    _, eta_slope, kappa_slope = kernel(eta, kappa, y, n, is_count)

    assert_close(log_mass(eta, kappa, y, n, is_count), mass, case)
    assert_close(eta_slope, by_eta, case)
    assert_close(kappa_slope, by_log_kappa, case)


@KINDS
@MANY
@given(case=cases(largest=6.0, concentration=(8.0, 15.0)))
def test_mass_and_slopes_agree_up_to_a_concentration_that_is_a_limit(is_count, case):
    eta, kappa, y, n = case
    mass, by_eta, _ = exact(eta, kappa, y, n, is_count)

    assert_close(log_mass(eta, kappa, y, n, is_count), mass, case)
    assert_close(kernel(eta, kappa, y, n, is_count)[1], by_eta, case)


@KINDS
@MANY
@given(case=cases(largest=5.0))
def test_the_limit_is_reached_within_a_billionth(is_count, case):
    eta, _, y, n = case
    near, limit = (log_mass(eta, kappa, y, n, is_count) for kappa in (1e15, math.inf))
    # What the two laws really differ by, of order y**2 / kappa, is no error.
    apart = exact_log_mass(eta, 1e15, y, n, is_count) - exact_log_mass(eta, 1e40, y, n, is_count)

    assert near - limit == pytest.approx(float(apart), rel=1e-9, abs=1e-9 * (1 + abs(limit)))


@KINDS
@MANY
@given(case=cases(largest=7.0, concentration=(-3.0, 15.0)))
def test_no_mass_is_above_one(is_count, case):
    eta, kappa, y, n = (np.array([v]) for v in case)
    constant = log_constant(y, n, np.array([is_count]))
    mass, below = mass_and_below(eta[None], kappa[None], y, n, is_count, constant)

    assert mass[0, 0] <= 0
    assert 0 <= below[0, 0] <= 1


@KINDS
@pytest.mark.parametrize("kind", [np.float32, int])
def test_numbers_of_lesser_types_are_computed_in_full(is_count, kind):
    kappa, y, n = np.array([5000.0]), np.array([300]), np.array([1000])
    constant = log_constant(y.astype(float), n.astype(float), np.array([is_count]))
    for level in (-2, -1):
        given = (v.astype(kind) for v in (y, n))
        found = log_likelihood(
            np.array([level]).astype(kind), np.log(kappa), *given, np.array([is_count]),
            np.ones(1, kind),
        )[0].eval()  # fmt: skip
        assert found + constant[0] == pytest.approx(
            float(exact_log_mass(level, 5000.0, 300, 1000, is_count)), rel=1e-12
        )


@KINDS
def test_where_the_arithmetic_changes_its_form_the_value_does_not_jump(is_count):
    for eta, kappa in ((-2.0, 50.0), (0.3, 0.01), (-5.0, 1e7)):
        for n in (99_999.0, 100_000.0, 100_001.0, 100_002.0):
            case = (eta, kappa, n if is_count else math.floor(n / 7), n)
            assert_close(log_mass(*case, is_count), exact_log_mass(*case, is_count), case)


@pytest.mark.parametrize("n", [1, 2, 9, 10, 11, 40])
@pytest.mark.parametrize("kappa", [1e-3, 0.7, 30.0, 1e6, 1e15, math.inf])
def test_masses_of_a_binary_outcome_sum_to_one(n, kappa):
    for eta in (-7.0, -0.3, 2.5):
        total = sum(math.exp(log_mass(eta, kappa, y, n, False)) for y in range(n + 1))
        assert total == pytest.approx(1.0, abs=1e-11)


@pytest.mark.parametrize("kappa", [2.0, 30.0, 1e6, 1e15, math.inf])
def test_masses_of_a_count_sum_to_one(kappa):
    for eta, exposure in ((-2.0, 3.0), (0.5, 8.5)):
        total = sum(math.exp(log_mass(eta, kappa, y, exposure, True)) for y in range(600))
        assert total == pytest.approx(1.0, abs=1e-11)


@pytest.mark.parametrize("kappa", [1e15, math.inf])
@pytest.mark.parametrize(("y", "n"), [(0, 7), (3, 7), (7, 7), (12, 400), (90_000, 1_000_000)])
def test_a_huge_concentration_reaches_the_binomial(kappa, y, n):
    eta = math.log(0.09 / 0.91)
    want = stats.binom.logpmf(y, n, 0.09)
    assert log_mass(eta, kappa, y, n, False) == pytest.approx(want, rel=1e-9, abs=1e-8)


@pytest.mark.parametrize("kappa", [1e15, math.inf])
@pytest.mark.parametrize(("y", "exposure"), [(0, 7.5), (3, 7.5), (40, 400.0), (900, 10_000.0)])
def test_a_huge_shape_reaches_the_poisson(kappa, y, exposure):
    want = stats.poisson.logpmf(y, 0.09 * exposure)
    assert log_mass(math.log(0.09), kappa, y, exposure, True) == pytest.approx(
        want, rel=1e-9, abs=1e-8
    )


@KINDS
def test_an_infinite_concentration_has_no_slope_in_log_kappa(is_count):
    assert kernel(-1.0, math.inf, 3, 9, is_count)[2] == 0.0


@KINDS
@pytest.mark.parametrize("eta", [-1e4, -300.0, 300.0, 1e4])
def test_absurd_levels_give_finite_values_and_slopes(is_count, eta):
    assert np.all(np.isfinite(kernel(eta, 50.0, 3, 9, is_count)))


@KINDS
def test_mass_and_below_agree_with_sums_of_masses(is_count):
    y, n = np.array([0.0, 4.0, 20.0]), np.array([5.0, 30.0, 20.0])
    constant = log_constant(y, n, np.full(3, is_count))
    eta, kappa = np.array([[-1.0, -2.0, 0.5]]), np.array([[2.0, 40.0, 1e14]])
    log_mass, below = mass_and_below(eta, kappa, y, n, is_count, constant)
    for r in range(3):
        masses = [
            math.exp(float(exact_log_mass(eta[0, r], kappa[0, r], k, n[r], is_count)))
            for k in range(int(y[r]) + 1)
        ]
        assert np.exp(log_mass[0, r]) == pytest.approx(masses[-1], rel=1e-8)
        assert below[0, r] == pytest.approx(sum(masses[:-1]), rel=1e-8, abs=1e-15)
