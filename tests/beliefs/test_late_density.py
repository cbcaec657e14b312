"""Late density: mean and variance of thinned counts, slopes, and the limit of full maturity."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.special import expit, logsumexp

from coterie.beliefs.density import log_constant, log_kernel, shared_part
from coterie.beliefs.late_density import late_kernel, thinned
from coterie.beliefs.operations import late_log_likelihood, log_likelihood

LEVELS = st.floats(-8, 4)
SCATTER = st.floats(-1, 9)
SHARES = st.floats(0.01, 0.99)


def log_masses(eta, kappa, mature, n):
    """The log mass of each count out of n."""
    y = np.arange(n + 1.0)
    constant = log_constant(y, np.full(n + 1, float(n)), np.zeros(n + 1, dtype=bool))
    return constant + [late_kernel(eta, kappa, mature, v, float(n), False)[0] for v in y]


@settings(max_examples=50, deadline=None)
@given(LEVELS, SCATTER, SHARES)
def test_what_has_arrived_has_the_mean_and_variance_of_the_thinned_rate(eta, log_kappa, mature):
    kappa, mu = math.exp(log_kappa), float(expit(eta))
    level, narrow, _ = thinned(eta, kappa, mature)
    share = float(expit(level))
    assert share == pytest.approx(mature * mu, rel=1e-10)
    spread = mature**2 * mu * (1 - mu) / (kappa + 1)
    assert share * (1 - share) / (narrow + 1) == pytest.approx(spread, rel=1e-9)


@pytest.mark.parametrize(("eta", "kappa", "mature"), [(-2.0, 30.0, 0.4), (-3.5, 300.0, 0.1)])
def test_masses_sum_to_one_and_lie_near_the_mixture_they_stand_for(eta, kappa, mature):
    n = 60
    own = log_masses(eta, kappa, mature, n)
    assert logsumexp(own) == pytest.approx(0, abs=1e-10)
    mu = expit(eta)
    nodes = stats.beta(mu * kappa, (1 - mu) * kappa).ppf((np.arange(20_000) + 0.5) / 20_000)
    exact = stats.binom.pmf(np.arange(n + 1)[:, None], n, mature * nodes).mean(axis=1)
    # The same mean and variance: 0.5 * the sum of distances is total variation.
    assert 0.5 * np.abs(np.exp(own) - exact).sum() < 0.005


@settings(max_examples=100, deadline=None)
@given(LEVELS, SCATTER, SHARES, st.integers(0, 40), st.integers(0, 400), st.booleans())
def test_slopes_are_those_of_the_value(eta, log_kappa, mature, y, more, is_count):
    n = float(y + more + 1)

    def value(a, b, c):
        return late_kernel(a, math.exp(b), c, float(y), n, is_count)[0]

    found = late_kernel(eta, math.exp(log_kappa), mature, float(y), n, is_count)
    at, step = np.array([eta, log_kappa, mature]), np.array([1e-5, 1e-5, 1e-6])
    for i in range(3):
        move = step * (np.arange(3) == i)
        slope = (value(*(at + move)) - value(*(at - move))) / (2 * step[i])
        noise = 1e-14 * (abs(found[0]) + n * 20) / step[i]
        assert found[i + 1] == pytest.approx(slope, rel=1e-5, abs=1e-4 + 10 * noise)


@pytest.mark.parametrize("is_count", [False, True])
def test_all_arrived_is_the_density_itself(is_count):
    shared = shared_part(40.0, 7.0, 90.0, is_count)
    usual = log_kernel(-1.3, 40.0, 7.0, 90.0, *shared, is_count)
    assert late_kernel(-1.3, 40.0, 1.0, 7.0, 90.0, is_count)[:3] == usual
    near = late_kernel(-1.3, 40.0, 1 - 1e-12, 7.0, 90.0, is_count)
    assert near[:3] == pytest.approx(usual, rel=1e-9)


def test_a_rate_without_scatter_is_thinned_to_a_binomial():
    found = log_masses(-1.0, math.inf, 0.3, 25)
    assert found == pytest.approx(stats.binom.logpmf(np.arange(26), 25, 0.3 * expit(-1.0)))


@pytest.mark.parametrize("late", [False, True])
def test_the_operation_is_the_sum_of_weighted_masses_and_has_the_gradient_of_its_value(late):
    import pytensor
    import pytensor.tensor as pt

    rng = np.random.default_rng(4)
    n = rng.integers(5, 200, 6).astype(float)
    y = rng.binomial(n.astype(int), 0.2).astype(float)
    count = np.array([0, 1, 0, 1, 0, 0], dtype=bool)
    weight = rng.uniform(0.2, 1, 6)
    at = [rng.normal(-1, 0.3, 6), rng.normal(3, 1, 6), rng.uniform(0.2, 0.9, 6)][: 2 + late]
    names = [pt.vector(f"given_{i}") for i in range(len(at))]
    operation = late_log_likelihood if late else log_likelihood
    total = operation(*names, y, n, count, weight)[0]
    run = pytensor.function(names, [total, *pytensor.grad(2.0 * total, names)])
    found = run(*at)

    mature = at[2] if late else np.ones(6)
    masses = [
        late_kernel(at[0][j], math.exp(at[1][j]), mature[j], y[j], n[j], bool(count[j]))[0]
        for j in range(6)
    ]
    assert found[0] == pytest.approx(weight @ masses, rel=1e-12)
    for i in range(len(at)):
        for j in range(6):
            move = [v + 1e-6 * ((k == i) & (np.arange(6) == j)) for k, v in enumerate(at)]
            back = [v - 1e-6 * ((k == i) & (np.arange(6) == j)) for k, v in enumerate(at)]
            slope = 2.0 * (run(*move)[0] - run(*back)[0]) / 2e-6
            assert found[i + 1][j] == pytest.approx(slope, rel=1e-5, abs=1e-5)
