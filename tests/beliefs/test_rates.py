"""Quantiles of mixtures, found without drawing."""

import numpy as np
import pytest
from scipy import optimize, stats
from scipy.special import expit, logit

from coterie.beliefs import rates


@pytest.mark.parametrize("mass", [0.015, 0.055, 0.5, 0.945, 0.985])
@pytest.mark.parametrize("kappa", [3.0, 400.0, 1e5, 1e12])
def test_a_mixture_quantile_is_where_its_distribution_says(mass, kappa):
    eta = logit(np.array([[0.02], [0.025], [0.3]]))
    weight = np.array([[0.5], [0.2], [0.3]])
    found = rates.quantile(rates.BETA, weight, eta, np.full(eta.shape, kappa), mass)[0]

    def share(x):
        laws = [stats.beta(m * kappa, (1 - m) * kappa) for m in expit(eta[:, 0])]
        return sum(w * law.cdf(x) for w, law in zip(weight[:, 0], laws, strict=True))

    exact = optimize.brentq(lambda x: share(x) - mass, 1e-300, 1 - 1e-12, xtol=1e-14)

    # Between two lumps the distribution is flat: any point there has the same mass.
    assert found == pytest.approx(exact, rel=1e-3, abs=1e-4) or share(found) == pytest.approx(
        mass, abs=1e-5
    )


def test_a_count_quantile_is_that_of_a_gamma():
    eta, kappa = np.log(np.array([[1.3]])), np.array([[2.0]])
    found = rates.quantile(rates.GAMMA, np.ones((1, 1)), eta, kappa, 0.9)[0]

    assert found == pytest.approx(stats.gamma(2.0, scale=1.3 / 2).ppf(0.9), rel=1e-4)
