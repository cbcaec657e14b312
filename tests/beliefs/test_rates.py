"""Quantiles of mixtures, found without drawing."""

import numpy as np
import pytest
from scipy import optimize, stats
from scipy.special import expit, logit

from coterie.beliefs import rates


@pytest.mark.parametrize("mass", [0.055, 0.5, 0.945])
@pytest.mark.parametrize("kappa", [3.0, 400.0])
def test_a_mixture_quantile_is_where_its_distribution_says(mass, kappa):
    eta = logit(np.array([[0.02], [0.3]]))
    weight = np.array([[0.7], [0.3]])
    _, cdf, back = rates._beta(eta, np.full(eta.shape, kappa))
    found = rates._quantile(cdf, back, weight, eta, mass)[0]
    laws = [stats.beta(m * kappa, (1 - m) * kappa) for m in expit(eta[:, 0])]
    exact = optimize.brentq(
        lambda x: 0.7 * laws[0].cdf(x) + 0.3 * laws[1].cdf(x) - mass, 1e-300, 1 - 1e-12
    )

    assert found == pytest.approx(exact, rel=1e-3, abs=1e-4)
