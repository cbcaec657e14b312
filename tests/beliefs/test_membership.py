"""The integrals against brute force."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from scipy.special import betaln, expit, gammaln, logsumexp

from coterie.beliefs.design import Design
from coterie.beliefs.membership import MANY, ONE, Phi, integrate


def one_artist(rng, *, outcomes, clusters=3, listeners=400, kappa=100.0, loading=0.3, scale=0.3):
    """Return one artist's design with a phi of one draw; two cells in the first cluster."""
    cells = [0, 0, *range(1, clusters - 1)]  # the last cluster has no rows
    cluster, outcome = (
        np.array(c) for c in zip(*itertools.product(cells, range(outcomes)), strict=True)
    )
    order = np.lexsort((outcome, cluster))
    cluster, outcome = cluster[order], outcome[order]
    is_count = outcome == 1
    n = rng.poisson(listeners, cluster.size) + 1.0
    base = np.where(is_count, 0.2, -2.5) + rng.normal(0, 0.3, cluster.size)
    mean = np.where(is_count, np.exp(base), expit(base + 0.4))
    y = np.where(is_count, rng.poisson(n * mean), rng.binomial(n.astype(int), np.minimum(mean, 1)))
    kept, pair = np.unique(cluster, return_inverse=True)
    zero = np.zeros(cluster.size, dtype=np.int64)
    made = Design(
        y=y.astype(float), n=n, outcome=outcome, artist=zero, cluster=cluster, window=zero,
        factor=(), informs=np.ones(cluster.size), is_count=is_count, weight=np.ones(cluster.size),
        pair=pair, pair_artist=np.zeros(kept.size, dtype=np.int64), pair_cluster=kept, cell=zero,
    )  # fmt: skip
    phi = Phi(
        base=base[None],
        log_kappa=np.full((1, clusters, outcomes), math.log(kappa)),
        loading=np.full((1, outcomes), loading),
        artist_scale=np.full((1, outcomes), scale),
        log_prior=np.log(np.linspace(1, 2, clusters)[None] * 0.9 / (1.5 * clusters)),
        log_elsewhere=math.log(0.1),
    )
    return made, phi


def log_mass(y, n, eta, kappa, is_count):
    """The textbook mass, by SciPy's own functions."""
    if is_count:
        p = kappa / (kappa + n * np.exp(eta))
        head = gammaln(y + kappa) - gammaln(kappa) - gammaln(y + 1)
        return head + kappa * np.log(p) + y * np.log1p(-p)
    mu = expit(eta)
    choose = gammaln(n + 1) - gammaln(y + 1) - gammaln(n - y + 1)
    return choose + betaln(y + mu * kappa, n - y + (1 - mu) * kappa) - betaln(
        mu * kappa, (1 - mu) * kappa
    )  # fmt: skip


def brute_force(made, phi, homes, *, wide=6.0, fine=61):
    """Integrate on dense grids over every effect and affinity."""
    outcomes, clusters = phi.loading.shape[1], phi.log_prior.shape[1]
    x = np.linspace(-wide, wide, fine)
    log_w = -0.5 * x**2 - 0.5 * math.log(2 * math.pi) + math.log(x[1] - x[0])
    effects = [g.ravel() for g in np.meshgrid(*[x] * outcomes, indexing="ij")]
    height = sum(g.ravel() for g in np.meshgrid(*[log_w] * outcomes, indexing="ij"))
    s = np.linspace(-6, 6, 601)
    log_s = -0.5 * s**2 - 0.5 * math.log(2 * math.pi) + math.log(s[1] - s[0])
    law = np.zeros((clusters + 1, height.size, s.size)) + log_s
    for j in range(made.y.size):
        o, k = made.outcome[j], made.cluster[j]
        eta = phi.base[0, j] + phi.artist_scale[0, o] * effects[o][:, None] + phi.loading[0, o] * s
        kappa = math.exp(phi.log_kappa[0, k, o])
        law[k] += log_mass(made.y[j], made.n[j], eta, kappa, made.is_count[j])
    mass = logsumexp(law, axis=2)
    law = np.exp(law - mass[..., None])
    below = np.cumsum(law, axis=2) - 0.5 * law
    total = height + mass[made.pair_cluster].sum(axis=0)
    weight = np.exp(total - logsumexp(total))
    if homes == ONE:
        first = [
            (law[k] * np.delete(below, k, axis=0).prod(axis=0)).sum(axis=1) @ weight
            for k in range(clusters + 1)
        ]
        chance = np.array(first) * np.append(np.exp(phi.log_prior[0]), np.exp(phi.log_elsewhere))
        return chance[:-1] / chance.sum(), logsumexp(total)
    edge = stats.norm.ppf(1 - np.exp(phi.log_prior[0]))
    above = [
        1 - np.array([np.interp(edge[k], s, own) for own in below[k]]) @ weight
        for k in range(clusters)
    ]
    return np.array(above), logsumexp(total)


SETTINGS = {
    "typical": {},
    "small": {"listeners": 8, "kappa": 20.0},
    "large": {"listeners": 5000, "kappa": 500.0},
    "no loading": {"loading": 1e-9},
    "wide": {"loading": 1.0, "scale": 0.8},
}


@pytest.mark.parametrize("homes", [ONE, MANY])
@pytest.mark.parametrize("outcomes", [1, 2])
@pytest.mark.parametrize("setting", SETTINGS)
def test_beliefs_equal_dense_integration_to_two_thousandths(homes, outcomes, setting):
    made, phi = one_artist(np.random.default_rng(3), outcomes=outcomes, **SETTINGS[setting])
    found = integrate(made, phi, homes=homes)
    belief, evidence = brute_force(made, phi, homes, fine=161 if outcomes == 1 else 81)

    np.testing.assert_allclose(found.belief[0, 0], belief, atol=2e-3)
    assert found.log_evidence[0, 0] == pytest.approx(evidence, abs=2e-3)


@pytest.mark.parametrize("homes", [ONE, MANY])
def test_three_outcomes_equal_dense_integration_to_five_thousandths(homes):
    made, phi = one_artist(np.random.default_rng(5), outcomes=3)
    belief, _ = brute_force(made, phi, homes, wide=4.5, fine=19)

    np.testing.assert_allclose(integrate(made, phi, homes=homes).belief[0, 0], belief, atol=5e-3)


def test_nothing_counted_leaves_the_prior_and_equal_priors_leave_equal_beliefs():
    made, phi = one_artist(np.random.default_rng(4), outcomes=1, loading=1e-9)
    found = integrate(made, phi, homes=ONE)

    np.testing.assert_allclose(found.belief[0, 0], np.exp(phi.log_prior[0]), atol=1e-3)
    assert found.elsewhere[0, 0] == pytest.approx(0.1, abs=1e-3)


@pytest.mark.parametrize("elsewhere", [0.0, 0.1])
def test_beliefs_sum_to_one(elsewhere):
    made, phi = one_artist(np.random.default_rng(6), outcomes=2)
    with np.errstate(divide="ignore"):
        found = integrate(made, replace(phi, log_elsewhere=np.log(elsewhere)), homes=ONE)

    assert found.belief[0, 0].sum() + found.elsewhere[0, 0] == pytest.approx(1, abs=1e-12)


def test_the_prior_of_homes_is_in_the_odds_and_not_in_the_evidence():
    made, phi = one_artist(np.random.default_rng(7), outcomes=2)
    other = replace(phi, log_prior=np.log(np.array([[0.5, 0.1, 0.3]])))
    first, second = (integrate(made, p, homes=ONE) for p in (phi, other))
    ratio = second.belief[0, 0] / first.belief[0, 0]
    stated = np.exp(other.log_prior[0] - phi.log_prior[0])

    np.testing.assert_allclose(ratio / ratio[0], stated / stated[0], rtol=1e-9)
    np.testing.assert_array_equal(first.log_evidence, second.log_evidence)
