"""Densities: checked against fifty-digit arithmetic, their own differences and their own sums."""

import math

import mpmath
import numpy as np
import pytest
from scipy import stats

from coterie.beliefs.density import log_constant, log_kernel, mass_and_below, shared_part

mpmath.mp.dps = 50
CASES = 300
KINDS = pytest.mark.parametrize("is_count", [False, True], ids=["binary", "count"])


def kernel(eta, kappa, y, n, is_count):
    shared = shared_part(float(kappa), float(y), float(n), is_count)
    return log_kernel(float(eta), float(kappa), float(y), float(n), *shared, is_count)


def log_mass(eta, kappa, y, n, is_count):
    constant = log_constant(np.array([y], float), np.array([n], float), np.array([is_count]))[0]
    return kernel(eta, kappa, y, n, is_count)[0] + constant


def exact_log_mass(eta, kappa, y, n, is_count):
    eta, kappa, y, n = (mpmath.mpf(float(v)) for v in (eta, kappa, y, n))
    gamma = mpmath.loggamma
    if is_count:
        mean = n * mpmath.exp(eta)
        rest = gamma(y + kappa) - gamma(kappa) - gamma(y + 1)
        spread = kappa * mpmath.log1p(mean / kappa)
        return rest - spread + y * (mpmath.log(mean) - mpmath.log(kappa + mean))
    mu, other = 1 / (1 + mpmath.exp(-eta)), 1 / (1 + mpmath.exp(eta))
    a, b = mu * kappa, other * kappa
    choose = gamma(n + 1) - gamma(y + 1) - gamma(n - y + 1)
    rise = gamma(a + y) - gamma(a) + gamma(b + n - y) - gamma(b)
    return choose + rise - gamma(kappa + n) + gamma(kappa)


def random_cases(is_count, seed, largest=6.0, eta_reach=8.0):
    """Cases whose y runs from none to all; n and kappa are spread evenly over their powers."""
    rng = np.random.default_rng(seed)
    for _ in range(CASES):
        n = float(np.floor(10 ** rng.uniform(0, largest)))
        eta, kappa = rng.uniform(-eta_reach, eta_reach), 10 ** rng.uniform(-3, 15)
        top = n * 10 ** rng.uniform(-3, 0)
        yield eta, kappa, float(rng.choice([0, n, np.floor(top)], p=[0.1, 0.1, 0.8])), n, is_count


@KINDS
def test_log_mass_agrees_with_fifty_digits_from_tiny_to_huge_concentration(is_count):
    for case in random_cases(is_count, seed=1):
        exact = float(exact_log_mass(*case))
        assert log_mass(*case) == pytest.approx(exact, rel=1e-10, abs=1e-8), case


@KINDS
def test_slope_in_the_level_agrees_with_fifty_digit_differences(is_count):
    step = mpmath.mpf(10) ** -15
    for eta, kappa, y, n, kind in list(random_cases(is_count, seed=2))[:100]:
        near = [exact_slope_point(eta, s * step, kappa, 0, y, n, kind) for s in (1, -1)]
        exact = float((near[0] - near[1]) / (2 * step))
        found = kernel(eta, kappa, y, n, kind)[1]
        assert found == pytest.approx(exact, rel=1e-7, abs=1e-7 * (1 + y)), (eta, kappa, y, n)


@KINDS
def test_slope_in_log_kappa_agrees_with_fifty_digit_differences(is_count):
    step = mpmath.mpf(10) ** -15
    for eta, kappa, y, n, kind in list(random_cases(is_count, seed=3))[:100]:
        near = [exact_slope_point(eta, 0, kappa, s * step, y, n, kind) for s in (1, -1)]
        exact = float((near[0] - near[1]) / (2 * step))
        found = kernel(eta, kappa, y, n, kind)[2]
        assert found == pytest.approx(exact, rel=1e-6, abs=1e-6 * (1 + y)), (eta, kappa, y, n)


def exact_slope_point(eta, more, kappa, log_more, y, n, is_count):
    """The exact log mass a step away, without rounding the step to a double."""
    eta = mpmath.mpf(eta) + more
    kappa = mpmath.mpf(kappa) * mpmath.exp(log_more)
    gamma = mpmath.loggamma
    if is_count:
        mean = n * mpmath.exp(eta)
        spread = kappa * mpmath.log1p(mean / kappa)
        return gamma(y + kappa) - gamma(kappa) - spread + y * mpmath.log(mean / (kappa + mean))
    a, b = kappa / (1 + mpmath.exp(-eta)), kappa / (1 + mpmath.exp(eta))
    rise = gamma(a + y) - gamma(a) + gamma(b + n - y) - gamma(b)
    return rise - gamma(kappa + n) + gamma(kappa)


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


def test_coefficients_of_a_billion_trials_keep_ten_digits():
    y, n = np.array([3.0, 4e8, 999_999_998.0]), np.full(3, 1e9)
    exact = [float(mpmath.log(mpmath.binomial(n[0], 3)))]
    for v in y[1:]:
        parts = [mpmath.loggamma(mpmath.mpf(x) + 1) for x in (n[0], v, n[0] - v)]
        exact.append(float(parts[0] - parts[1] - parts[2]))
    assert log_constant(y, n, np.zeros(3, bool)) == pytest.approx(exact, rel=1e-10)


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
