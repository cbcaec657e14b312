"""The log prior of the population: what it is made of, and that it goes where draws go."""

import numpy as np
import pytest
import xarray as xr
from scipy import stats

import coterie as co
from coterie.beliefs.prior_density import log_prior
from tests.beliefs.small_world import NEW, OLD, SAVE, believing, read_rows

SAMPLE = ("chain", "draw")
DEPTH = co.Outcome.count("depth", total="streams", exposure="listeners")


def drawn(rng, names, shape=(2, 3, 2)):
    dims = (*SAMPLE, "outcome")
    made = {name: (dims, np.exp(rng.normal(size=shape))) for name in names}
    return xr.Dataset(made, coords={"outcome": ["save", "depth"]})


def test_each_parameter_has_the_density_of_its_own_prior(rng):
    draws = drawn(rng, ("alpha", "loading", "kappa", "artist_scale", "factor_scale_context"))
    prior = (
        co.PopulationPrior()
        .replace(outcome="depth", kappa=co.ParameterPrior.fixed(5.0))
        .replace(factor_scale=co.ParameterPrior.halfnormal(0.2))
    )
    found = log_prior(draws, prior, [SAVE, DEPTH])
    save, depth = (draws.sel(outcome=o) for o in ("save", "depth"))

    np.testing.assert_allclose(
        found["alpha"].sel(outcome="save"), stats.norm.logpdf(save["alpha"], -2, 2)
    )
    np.testing.assert_allclose(
        found["alpha"].sel(outcome="depth"), stats.norm.logpdf(depth["alpha"], 0, 2)
    )
    # kappa is the law of its scatter, 1 / sqrt(kappa), whose slope is half of kappa ** -1.5.
    by_hand = stats.halfnorm.logpdf(save["kappa"] ** -0.5, 0, 0.05) + np.log(
        0.5 * save["kappa"] ** -1.5
    )
    np.testing.assert_allclose(found["kappa"].sel(outcome="save"), by_hand)
    np.testing.assert_allclose(found["loading"], stats.halfnorm.logpdf(draws["loading"], 0, 1))
    np.testing.assert_array_equal(found["kappa"].sel(outcome="depth"), np.zeros((2, 3)))
    np.testing.assert_allclose(
        found["factor_scale_context"], stats.halfnorm.logpdf(draws["factor_scale_context"], 0, 0.2)
    )


def test_what_is_fixed_has_no_density_and_a_joint_prior_has_its_own(rng):
    draws = drawn(rng, ("loading", "artist_scale"))

    def density(artist_scale):
        return -0.5 * (artist_scale**2).sum()

    prior = co.PopulationPrior().replace(loading=co.ParameterPrior.fixed(0.7))
    prior = prior.with_joint(density, over=("artist_scale",))
    found = log_prior(draws, prior, [SAVE, DEPTH])

    assert list(found.data_vars) == ["joint_prior_0"]
    by_hand = -0.5 * (draws["artist_scale"] ** 2).sum("outcome")
    np.testing.assert_allclose(found["joint_prior_0"], by_hand)


def told_at_each_draw(beliefs):
    """Pair the log prior with what the counts of 'c' say, whose rows no update here changes."""
    evidence = beliefs.tree["log_likelihood"]["evidence"].sel(artist="c").to_numpy().ravel()
    return set(zip(beliefs.tree["log_prior"]["alpha"].to_numpy().ravel(), evidence, strict=True))


def test_weighed_draws_take_their_log_prior_along(tmp_path, rng):
    beliefs = believing(OLD, rng)
    before = told_at_each_draw(beliefs)
    made = co.update(beliefs, read_rows(NEW), rng=rng, refit="never")
    made.save(tmp_path / "made.nc")
    made = co.Beliefs.load(tmp_path / "made.nc")
    density = made.tree["log_prior"]["alpha"]

    assert density.dims == ("chain", "draw", "outcome")
    assert density.sizes["draw"] == made.home.sizes["draw"]
    assert told_at_each_draw(made) <= before
    assert 1 < len(told_at_each_draw(made)) < len(before)
    again = co.update(made, read_rows(NEW.assign(artist="b")), rng=rng, refit="never")
    assert again.tree["log_prior"]["alpha"].shape == density.shape


def test_beliefs_without_a_log_prior_are_updated_without_one(rng):
    beliefs = believing(OLD, rng)
    del beliefs.tree["log_prior"]
    made = co.update(beliefs, read_rows(NEW), rng=rng, refit="never")
    again = co.update(made, read_rows(NEW.assign(artist="b")), rng=rng, refit="never")

    assert not [name for name in again.tree.children if "log_prior" in name]


@pytest.mark.parametrize("homes", ["one", "many"])
def test_arviz_reads_the_log_prior_beside_beliefs(homes, rng):
    from arviz_stats import psense

    tree = believing(OLD, rng, homes).tree.copy()
    tree["posterior"] = tree["beliefs"]
    assert (psense(tree, group="prior")[{"one": "home", "many": "membership"}[homes]] >= 0).all()
