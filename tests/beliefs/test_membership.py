"""The integrals against brute force."""

import itertools
import math

import numpy as np
import pytest
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
        uplift=np.full((1, outcomes), 0.6),
        loading=np.full((1, outcomes), loading),
        artist_scale=np.full((1, outcomes), scale),
        log_prior=np.log(np.full((1, 1, clusters), 0.9 / clusters)),
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
    outcomes, clusters = phi.uplift.shape[1], phi.log_prior.shape[2]
    x = np.linspace(-wide, wide, fine)
    log_w = -0.5 * x**2 - 0.5 * math.log(2 * math.pi) + math.log(x[1] - x[0])
    effects = [g.ravel() for g in np.meshgrid(*[x] * outcomes, indexing="ij")]
    height = sum(g.ravel() for g in np.meshgrid(*[log_w] * outcomes, indexing="ij"))
    table = np.zeros((2, clusters, height.size))
    for k in made.pair_cluster:
        for z in (0, 1):
            inner = np.zeros((height.size, fine)) + log_w
            for j in np.flatnonzero(made.cluster == k):
                o = made.outcome[j]
                eta = phi.base[0, j] + phi.artist_scale[0, o] * effects[o][:, None]
                eta = eta + z * phi.uplift[0, o] + phi.loading[0, o] * x
                kappa = math.exp(phi.log_kappa[0, k, o])
                inner += log_mass(made.y[j], made.n[j], eta, kappa, made.is_count[j])
            table[z, k] = logsumexp(inner, axis=1)
    prior = phi.log_prior[0, 0][:, None]
    out = height + table[0].sum(axis=0)
    gain = table[1] - table[0]
    if homes == ONE:
        each = out + prior + gain
        total = np.logaddexp(logsumexp(each, axis=0), out + phi.log_elsewhere)
        return np.exp(logsumexp(each, axis=1) - logsumexp(total)), logsumexp(total)
    both = np.logaddexp(np.log1p(-np.exp(prior)), prior + gain)
    total = out + both.sum(axis=0)
    each = total + prior + gain - both
    return np.exp(logsumexp(each, axis=1) - logsumexp(total)), logsumexp(total)


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
def test_beliefs_equal_dense_integration_to_a_thousandth(homes, outcomes, setting, request):
    if (homes, outcomes, setting) == (MANY, 2, "no loading"):
        # Two clusters, precise outcomes and no affinity: the artist's effect has two humps
        # six widths apart, and one set of nodes misses both. Known limit, 0.07 off.
        request.applymarker(pytest.mark.xfail(strict=True))
    made, phi = one_artist(np.random.default_rng(3), outcomes=outcomes, **SETTINGS[setting])
    found = integrate(made, phi, homes=homes)
    belief, evidence = brute_force(made, phi, homes, fine=241 if outcomes == 1 else 101)

    np.testing.assert_allclose(found.belief[0, 0], belief, atol=1e-3)
    assert found.log_evidence[0, 0] == pytest.approx(evidence, abs=2e-3)


def test_three_outcomes_equal_dense_integration_to_a_thousandth():
    made, phi = one_artist(np.random.default_rng(5), outcomes=3)
    belief, _ = brute_force(made, phi, ONE, wide=5.0, fine=31)

    np.testing.assert_allclose(integrate(made, phi, homes=ONE).belief[0, 0], belief, atol=1e-3)
