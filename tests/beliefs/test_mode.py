"""The mode of the marginal likelihood: by hand where a hand can reach it."""

import numpy as np
import pytest
from scipy import stats
from scipy.optimize import minimize, minimize_scalar
from scipy.special import expit, logsumexp

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
    return co.mode(evidence, population=population, rng=rng, starts=2)


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
        co.mode(evidence, population=population, rng=rng)


def test_a_fit_refuses_weights_where_something_of_an_artist_is_sampled(rng):
    evidence = co.Evidence.from_frame(
        counts([1, 2], units=[1.0, 2.0]), outcomes=EVENTS, weight="units"
    )

    with pytest.raises(co.BeliefError, match="artist_scale"):
        co.fit(evidence, None, homes=None, rng=rng)


def test_with_its_prior_the_mode_is_that_of_the_posterior():
    population = BARE.replace(kappa=SURE, alpha=co.ParameterPrior.normal(0.0, 0.2))
    evidence = co.Evidence.from_frame(counts([1, 4, 2, 5]), outcomes=EVENTS)
    found = co.mode(
        evidence, population=population, with_prior=True, starts=2, rng=np.random.default_rng(3),
    )  # fmt: skip

    # Twelve events in four days: 12 a - 4 exp(a) - a^2 / (2 * 0.04).
    by_hand = minimize_scalar(lambda a: 4 * np.exp(a) - 12 * a + 12.5 * a**2, bounds=(0, 2))
    assert found["alpha"].item() == pytest.approx(by_hand.x, abs=1e-5)
    exact = stats.poisson.logpmf([1, 4, 2, 5], np.exp(by_hand.x)).sum()
    exact += stats.norm.logpdf(by_hand.x, 0, 0.2)
    assert found.attrs["log_posterior"] == pytest.approx(exact, abs=1e-8)


CLUSTERS = ["gym", "indie", "night"]
NODES, MASS = np.polynomial.hermite_e.hermegauss(41)
LOG_MASS = np.log(MASS / MASS.sum())


def lasting(artists=60, seed=8):
    """Saves of artists with a fit of their own in each of three clusters."""
    rng = np.random.default_rng(seed)
    own, fit = rng.normal(0, 0.5, (artists, 1)), rng.normal(0, 0.7, (artists, 3))
    saves = rng.binomial(100, expit(-2.0 + own + fit))
    frame = {
        "artist": np.repeat([f"a{i:03}" for i in range(artists)], 3), "cluster": CLUSTERS * artists,
        "saves": saves.ravel(), "listeners": [100] * (3 * artists),
    }  # fmt: skip
    return frame, saves


def by_hand(saves, alpha, loading, scale):
    """Log likelihood with every fit and every artist's own level integrated out."""
    own, fit = np.meshgrid(scale * NODES, loading * NODES, indexing="ij")
    told = stats.binom.logpmf(saves[..., None, None], 100, expit(alpha + own + fit))
    pairs = logsumexp(told + LOG_MASS, axis=3).sum(axis=1)
    return logsumexp(pairs + LOG_MASS, axis=1).sum()


def test_the_mode_integrates_every_fit_out_and_reads_no_membership():
    frame, saves = lasting()
    evidence = co.Evidence.from_frame(frame, outcomes=SAVES)
    population = BARE.replace(
        kappa=SURE, loading=co.ParameterPrior.halfnormal(1.0),
        artist_scale=co.ParameterPrior.halfnormal(1.0),
    )  # fmt: skip
    found = co.mode(evidence, population=population, rng=np.random.default_rng(3), starts=2)
    exact = minimize(
        lambda x: -by_hand(saves, x[0], *np.exp(x[1:])), [-2.0, -0.5, -0.5], method="Nelder-Mead",
        options={"xatol": 1e-5, "fatol": 1e-8},
    )  # fmt: skip

    assert found.attrs["converged"] == 1
    assert found.attrs["starts_agreeing"] == 2
    # Sixty artists in three clusters.
    assert found.attrs["log_likelihood"] == pytest.approx(-exact.fun, abs=2e-3)
    at_theirs = by_hand(saves, *(found[n].item() for n in ("alpha", "loading", "artist_scale")))
    assert at_theirs == pytest.approx(-exact.fun, abs=1e-4)
    for name, value in zip(("alpha", "loading", "artist_scale"), exact.x, strict=True):
        own = value if name == "alpha" else np.exp(value)
        assert found[name].item() == pytest.approx(own, abs=0.02 * found[f"se_{name}"].item())
    # The truth is -2, 0.7 and 0.5.
    for name, true in (("alpha", -2.0), ("loading", 0.7), ("artist_scale", 0.5)):
        assert abs(found[name].item() - true) < 3.5 * found[f"se_{name}"].item()


def test_artists_without_lasting_differences_send_loading_to_nothing_and_say_so():
    frame, _ = lasting()
    frame["saves"] = [13, 14, 13] * 60
    evidence = co.Evidence.from_frame(frame, outcomes=SAVES)
    population = BARE.replace(kappa=SURE, loading=co.ParameterPrior.halfnormal(1.0))
    found = co.mode(evidence, population=population, rng=np.random.default_rng(3), starts=2)

    assert found["loading"].item() == 0
    assert "loading[0] = 0" in found.attrs["boundary"]
