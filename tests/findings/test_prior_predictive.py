import numpy as np
import pytest
from scipy.special import expit, logit
from scipy.stats import norm

import coterie as co
from coterie.findings import prior_rates

SAVE = co.Outcome.binary("save", successes="saves", trials="listeners")
REACH = co.Outcome.count("reach", total="listeners", exposure="spend", informs=False)
FIXED = co.ParameterPrior.fixed
STILL = {
    name: FIXED(0.0)
    for name in ("loading", "kappa_spread", "artist_scale", "cluster_scale", "period_scale")
}


def test_a_prior_without_any_doubt_draws_one_rate_for_each():
    prior = co.PopulationPrior().replace(alpha=FIXED(-1.0), kappa=FIXED(float("inf")), **STILL)

    table = prior_rates(prior, [SAVE], draws=50, rng=np.random.default_rng(0)).table

    assert table["rate"].sel(who="any cluster").values == pytest.approx(expit(-1.0))
    assert table["rate"].sel(who="home").values == pytest.approx(expit(-1.0))


def test_the_home_is_the_best_of_five_clusters():
    """Fits are normal: the median of the highest of five is that of its law, F to the fifth."""
    changed = STILL | {"loading": FIXED(0.7)}
    prior = co.PopulationPrior().replace(alpha=FIXED(-1.0), kappa=FIXED(float("inf")), **changed)

    median = prior_rates(prior, [SAVE], draws=40_000, rng=np.random.default_rng(3)).table["median"]

    highest = norm.ppf(0.5 ** (1 / 5))
    assert logit(median.sel(who="home", outcome="save").item()) == pytest.approx(
        -1.0 + 0.7 * highest, abs=4 * 0.7 * 0.72 / np.sqrt(40_000)
    )
    assert logit(median.sel(who="any cluster", outcome="save").item()) == pytest.approx(
        -1.0, abs=4 * 0.7 * 1.2533 / np.sqrt(40_000)
    )


def test_an_outcome_that_informs_nothing_is_the_same_in_the_home(rng):
    prior = co.PopulationPrior().replace(kappa=FIXED(float("inf")))

    rate = prior_rates(prior, [REACH], draws=200, rng=rng).table["rate"]

    assert rate.sel(who="home").values == pytest.approx(rate.sel(who="any cluster").values)


def test_overdispersion_scatters_cells_as_a_beta_of_that_strength(rng):
    # Rate 0.5 with kappa 8: sd sqrt(0.25 / 9) = 0.167; the middle 19 of 20 dots give it to 10 %.
    prior = co.PopulationPrior().replace(alpha=FIXED(0.0), kappa=FIXED(8.0), **STILL)

    dots = prior_rates(prior, [SAVE], rng=rng).table["rate"].sel(who="any cluster", outcome="save")

    assert float(dots.std()) == pytest.approx(0.167, rel=0.1)


def test_default_priors_draw_finite_rates_within_their_range(rng):
    rate = prior_rates(co.PopulationPrior(), [SAVE, REACH], draws=500, rng=rng).table["rate"]

    assert bool((rate.sel(outcome="save") <= 1).all())
    assert bool((rate >= 0).all())
    assert np.isfinite(rate.values).all()


def test_the_headline_speaks_of_every_outcome_in_its_own_unit(rng):
    headline = prior_rates(co.PopulationPrior(), [SAVE, REACH], draws=100, rng=rng).headline

    assert (
        "save: before any evidence half of the cells in the best of 5 clusters lie above"
        in headline
    )
    assert "a unit of spend" in headline


@pytest.mark.parametrize(("outcomes", "draws"), [([], 100), ([SAVE], 19)])
def test_no_outcome_or_too_few_draws_is_refused(outcomes, draws, rng):
    with pytest.raises(co.FindingError):
        prior_rates(co.PopulationPrior(), outcomes, draws=draws, rng=rng)
