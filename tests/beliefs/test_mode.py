"""The mode of the marginal likelihood: by hand where a hand can reach it."""

import numpy as np
import pytest
from scipy import stats

import coterie as co

ZERO, SURE = co.ParameterPrior.fixed(0.0), co.ParameterPrior.fixed(np.inf)
BARE = co.PopulationPrior().replace(
    loading=ZERO, artist_scale=ZERO, kappa_spread=ZERO, cluster_scale=ZERO, period_scale=ZERO
)
EVENTS = [co.Outcome.count("plays", total="plays", exposure="days")]
SAVES = [co.Outcome.binary("save", successes="saves", trials="listeners")]

pytestmark = pytest.mark.filterwarnings("ignore::coterie.EvidenceWarning")


def counts(plays, **more):
    size = len(plays)
    frame = {"artist": [f"a{i:03}" for i in range(size)], "cluster": ["all"] * size}
    return frame | {"plays": plays, "days": [1.0] * size} | more


def top(frame, population, outcomes=EVENTS, **arguments):
    evidence = co.Evidence.from_frame(frame, outcomes=outcomes, **arguments)
    rng = np.random.default_rng(3)
    return co.mode(evidence, None, homes=None, population=population, rng=rng, starts=2)


def test_a_poisson_rate_is_the_mean_and_its_error_is_by_hand():
    found = top(counts([1, 4, 2, 5]), BARE.replace(kappa=SURE))

    assert found["alpha"].item() == pytest.approx(np.log(3), rel=1e-7)
    assert found["se_alpha"].item() == pytest.approx(1 / np.sqrt(12), rel=1e-5)
    exact = stats.poisson.logpmf([1, 4, 2, 5], 3).sum()
    assert found.attrs["log_likelihood"] == pytest.approx(exact, abs=1e-9)
    assert found.attrs["converged"] == 1


def test_a_slope_is_the_log_odds_ratio_of_two_groups():
    frame = {
        "artist": ["a", "b"], "cluster": ["all"] * 2, "saves": [10, 30], "listeners": [100, 100],
        "loud": [0.0, 2.0],
    }  # fmt: skip
    loud = co.Covariate("loud", centre=0, unit=2)
    found = top(frame, BARE.replace(kappa=SURE), SAVES, covariates=(loud,))

    odds = (30 / 70) / (10 / 90)
    assert found["slope"].item() == pytest.approx(np.log(odds), rel=1e-6)
    exact = stats.binom.logpmf([10, 30], 100, [0.1, 0.3]).sum()
    assert found.attrs["log_likelihood"] == pytest.approx(exact, abs=1e-9)


def test_a_weight_of_three_is_three_rows():
    plays = [0, 3, 9, 1]
    weighed = top(counts(plays, units=[3.0] * 4), BARE, weight="units")
    repeated = top(counts(plays * 3), BARE)

    assert weighed.attrs["log_likelihood"] == pytest.approx(repeated.attrs["log_likelihood"])
    assert weighed["kappa"].item() == pytest.approx(repeated["kappa"].item(), rel=1e-5)


def test_counts_without_overdispersion_send_kappa_to_infinity_and_say_so():
    found = top(counts([3, 3, 4, 3, 4]), BARE)

    assert np.isinf(found["kappa"].item())
    assert "kappa" in found.attrs["boundary"]


def test_a_scale_that_the_integrals_do_not_cover_is_refused(rng):
    frame = counts([1, 2, 3, 4]) | {"cluster": ["gym", "indie"] * 2}
    evidence = co.Evidence.from_frame(frame, outcomes=EVENTS)
    population = BARE.replace(cluster_scale=co.ParameterPrior.halfnormal(1.0))

    with pytest.raises(co.BeliefError, match=r"cluster_scale=ParameterPrior\.fixed"):
        co.mode(evidence, None, homes=None, population=population, rng=rng)


def test_a_fit_refuses_weights_where_something_of_an_artist_is_sampled(rng):
    evidence = co.Evidence.from_frame(
        counts([1, 2], units=[1.0, 2.0]), outcomes=EVENTS, weight="units"
    )

    with pytest.raises(co.BeliefError, match="artist_scale"):
        co.fit(evidence, None, homes=None, rng=rng)
