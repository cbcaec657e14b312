"""Fits of small worlds: what a Beliefs must hold, whoever reads it."""

import numpy as np
import pytest
import xarray as xr
from scipy import stats

import coterie as co
from coterie.beliefs import (
    density,
    integrals,
    local_effects,
    stated_priors,
    vector_density,
    warming,
)

CHAINS, DRAWS = 2, 300


@pytest.fixture(scope="session")
def small_world():
    return co.simulate.world(artists=40, clusters=5, homes="one", rng=np.random.default_rng(11))


@pytest.fixture(scope="session")
def fit_small():
    """Fit as a test does: short, with the settling of chains looked at by the test itself."""

    def run(evidence, prior, *, homes="one", seed=5):
        rng = np.random.default_rng(seed)
        with pytest.warns(co.ConvergenceWarning):  # 300 draws never give 400 effective ones
            return co.fit(
                evidence, prior, homes=homes, draws=DRAWS, tune=300, chains=CHAINS, rng=rng
            )

    return run


@pytest.fixture(scope="session")
def fitted(small_world, fit_small):
    evidence = small_world.evidence()
    return fit_small(evidence, co.MembershipPrior.uniform(evidence.clusters.tolist()))


def test_home_and_elsewhere_sum_to_one_at_every_draw(fitted):
    total = fitted.home.sum("cluster") + fitted.elsewhere

    xr.testing.assert_allclose(total, xr.ones_like(total))


def test_the_posterior_names_every_parameter_over_its_dimensions(fitted):
    posterior = fitted.tree["posterior"]

    assert posterior["alpha"].dims == ("chain", "draw", "outcome")
    assert posterior["cluster_effect"].dims == ("chain", "draw", "cluster", "outcome")
    assert posterior["artist_effect"].dims == ("chain", "draw", "artist", "outcome")
    assert posterior["affinity"].dims == ("chain", "draw", "artist", "cluster")
    assert not [name for name in posterior.data_vars if str(name).endswith("_raw")]


def test_the_log_prior_is_kept_at_the_draws_of_the_beliefs(fitted):
    density, belief = fitted.tree["log_prior"], fitted.home
    posterior = fitted.tree["posterior"].dataset.sel(draw=belief["draw"])

    np.testing.assert_array_equal(density["draw"], fitted.tree["log_likelihood"]["draw"])
    names = {name for name, _, prior in stated_priors(fitted) if prior.family != "fixed"}
    assert set(density.data_vars) == names - {"factor_scale"}
    for name, outcome, prior in stated_priors(fitted):
        if name in density:
            values = posterior[name].sel(outcome=outcome)
            np.testing.assert_allclose(
                density[name].sel(outcome=outcome), prior.log_densities(values.to_numpy())
            )


def test_beliefs_know_more_of_true_homes_than_the_prior_did(small_world, fitted):
    belief = fitted.home.mean(("chain", "draw"))
    nowhere = fitted.elsewhere.mean(("chain", "draw"))
    score = [
        np.log(nowhere.sel(artist=a) if home == "elsewhere" else belief.sel(artist=a, cluster=home))
        for a, home in small_world.truth["home"].to_series().items()
    ]

    # The prior scores log(0.18) = -1.71 on a home of the inventory.
    assert np.mean(score) > -1.3


def test_population_parameters_cover_the_truth(small_world, fitted):
    z = []
    for name in ("alpha", "loading", "kappa", "artist_scale"):
        draws = fitted.tree["posterior"][name]
        truth = small_world.truth[name]
        z.append(((draws.mean(("chain", "draw")) - truth) / draws.std(("chain", "draw"))).values)

    # 16 standardised errors: none beyond 4, their mean square near 1 (sd 0.35 if independent).
    assert np.abs(z).max() < 4
    assert np.mean(np.square(z)) < 2.5


def test_drawn_rates_agree_with_the_rates_of_the_summary(fitted):
    # Two routes to one number: every rate drawn, or quantiles of what they are drawn from.
    rates = co.predict(fitted, fitted.evidence, rng=np.random.default_rng(0))
    summary = fitted.summary()
    merged = rates["rate"].median(("chain", "draw")).sel(binary_outcome="save").values
    rows = fitted.evidence.to_frame()[["artist", "cluster"]]
    table = rows.merge(summary, on=["artist", "cluster"])["save_rate"].to_numpy()

    # 600 draws, cell scatter included: standard error of a median about 5 % of the rate.
    assert np.mean(np.abs(merged / table - 1)) < 0.08


def homes_made(fits, stated, elsewhere):
    """How likely fits, (draw, artist, cluster), make each home; one may be higher unseen."""
    is_top = np.arange(fits.shape[2]) == fits.argmax(axis=2)[..., None]
    highest = stats.norm.cdf(fits.max(axis=2))
    own = (is_top * stated).sum(axis=2) * highest
    chance = own / (own + elsewhere * (1 - highest))
    return is_top * chance[..., None], 1 - chance


def test_the_share_of_draws_whose_highest_fit_makes_a_home_is_the_belief_in_it(fitted):
    fits = fitted.tree["posterior"]["affinity"].to_numpy().reshape(CHAINS * DRAWS, 40, 5)
    at_home, away = homes_made(fits, 0.18, 0.1)
    for drawn, belief in ((at_home, fitted.home), (away, fitted.elsewhere)):
        mean = belief.mean(("chain", "draw")).to_numpy()
        # Draws of a fit are worth a third of independent ones, or more.
        error = np.sqrt(mean * (1 - mean) / (CHAINS * DRAWS / 3)) + 2e-3
        z = (drawn.mean(axis=0) - mean) / error
        assert np.abs(z).max() < 4
        assert np.mean(z**2) < 1.2
    assert fitted.home.mean(("chain", "draw")).max() > 0.8


def test_predictions_never_read_the_outcomes_of_the_rows(fitted, small_world):
    frame = small_world.frame
    other = frame.assign(saves=0, adds=0, follows=0, downstream_streams=0)
    one, two = (
        co.predict(fitted, co.Evidence.from_frame(f), rng=np.random.default_rng(2))
        for f in (frame, other)
    )

    xr.testing.assert_identical(one, two)


def test_the_observed_rate_of_a_large_cell_is_close_to_its_raw_rate(fitted, small_world):
    frame = small_world.frame
    rates = co.predict(fitted, fitted.evidence, of="observed", rng=np.random.default_rng(3))
    large = (frame["listeners"] > 800).to_numpy()
    raw = (frame["saves"] / frame["listeners"]).to_numpy()[large]
    mean = rates["rate"].sel(binary_outcome="save").mean(("chain", "draw")).values[large]

    assert large.sum() > 5
    assert np.abs(mean - raw).mean() < 0.02


def test_artists_never_seen_are_drawn_from_the_population(fitted, small_world):
    frame = small_world.frame.head(5).assign(artist="somebody new")
    rates = co.predict(fitted, co.Evidence.from_frame(frame), rng=np.random.default_rng(4))["rate"]
    known = co.predict(fitted, fitted.evidence, rng=np.random.default_rng(4))["rate"]

    # Nobody knows the new artist: its save rate is wider than a known artist's on average.
    assert (
        rates.isel(binary_outcome=0).std(("chain", "draw")).mean()
        > known.isel(binary_outcome=0).std(("chain", "draw")).mean()
    )


def test_later_rows_score_better_than_every_stated_baseline(fitted, small_world):
    later = co.simulate.later(small_world, rng=np.random.default_rng(8)).evidence()
    finding = co.backtest(fitted, later, rng=np.random.default_rng(9))
    best = finding.table["baseline_score"].max("baseline")

    assert bool((finding.table["score"] > best).all())


def test_more_people_of_the_same_cells_are_foreseen_from_each_cells_own_counts(fitted, small_world):
    rng = np.random.default_rng(13)
    frame, rate = small_world.frame.copy(), small_world.truth["rate"].sel(outcome="save").to_numpy()
    frame["saves"] = rng.binomial(frame["listeners"].to_numpy(dtype=int), rate)
    evidence = co.Evidence.from_frame(frame)
    own, fresh = (
        co.backtest(fitted, evidence, of=of, rng=np.random.default_rng(9)).table.sel(outcome="save")
        for of in ("observed", "next")
    )

    assert float(own["score"]) > float(fresh["score"]) + 0.1
    assert float(own["score"]) > float(own["baseline_score"].max())
    assert abs(float(own["coverage"]) - 0.9) < 0.05


def test_rows_outside_the_ledger_have_no_cell_of_their_own(fitted, small_world, rng):
    frame = small_world.frame.assign(artist="somebody new").head(2)

    with pytest.raises(co.BeliefError, match=r"somebody new.*has no cell in the ledger"):
        co.backtest(fitted, co.Evidence.from_frame(frame), of="observed", rng=rng)


def test_warming_compiles_what_a_fit_will_call(fitted, small_world):
    later = co.simulate.later(small_world, rng=np.random.default_rng(8)).evidence()
    co.backtest(fitted, later, rng=np.random.default_rng(9))
    loops = (
        integrals.some_artists, local_effects._fill, density._mass_and_below,
        vector_density.log_density,
    )  # fmt: skip
    before = [set(loop.signatures) for loop in loops]
    warming.warm()

    assert [set(loop.signatures) for loop in loops] == before


def test_a_fit_of_another_size_compiles_nothing(fitted, fit_small):
    world = co.simulate.world(artists=23, clusters=4, homes="one", rng=np.random.default_rng(21))
    evidence = world.evidence()
    before = list(vector_density.log_density.signatures)
    again = fit_small(evidence, co.MembershipPrior.uniform(evidence.clusters.tolist()))

    assert len(before) == 1
    assert list(vector_density.log_density.signatures) == before
    assert again.evidence == evidence != fitted.evidence


def test_the_same_generator_gives_the_same_numbers(fitted, small_world, fit_small):
    evidence = small_world.evidence()
    again = fit_small(evidence, co.MembershipPrior.uniform(evidence.clusters.tolist()))

    xr.testing.assert_identical(again.home, fitted.home)


def test_a_saved_fit_comes_back_with_its_ledger(fitted, tmp_path):
    fitted.save(tmp_path / "beliefs.nc")
    back = co.Beliefs.load(tmp_path / "beliefs.nc")

    assert back.evidence == fitted.evidence
    xr.testing.assert_allclose(back.home, fitted.home)


def test_many_homes_believe_in_each_cluster_apart(fit_small):
    world = co.simulate.world(
        artists=40, clusters=5, homes="many", pi=0.25, rng=np.random.default_rng(12)
    )
    evidence = world.evidence()
    prior = co.MembershipPrior.uniform(evidence.clusters.tolist(), prob=0.25)
    beliefs = fit_small(evidence, prior, homes="many")
    belief = beliefs.membership.mean(("chain", "draw"))
    truth = world.truth["member"].to_numpy().astype(bool)
    score = np.log(np.where(truth, belief, 1 - belief)).mean()

    assert score > -0.50  # the base rate scores -0.562
    fits = beliefs.tree["posterior"]["affinity"].to_numpy().reshape(CHAINS * DRAWS, 40, 5)
    above = (fits > stats.norm.ppf(0.75)).mean(axis=0)
    error = np.sqrt(belief.to_numpy() * (1 - belief.to_numpy()) / (CHAINS * DRAWS / 3)) + 2e-3
    assert np.abs((above - belief.to_numpy()) / error).max() < 4
    with pytest.raises(co.BeliefError, match="many"):
        _ = beliefs.home


@pytest.mark.slow
def test_a_fit_asked_for_no_number_of_draws_goes_on_until_chains_agree(small_world):
    evidence = small_world.evidence()
    prior = co.MembershipPrior.uniform(evidence.clusters.tolist())
    beliefs = co.fit(evidence, prior, draws=None, rng=np.random.default_rng(6))

    assert beliefs.diagnose().ok
    assert not beliefs.interrupted
    sizes = beliefs.tree["posterior"].sizes
    assert sizes["chain"] == 4
    assert sizes["draw"] >= 1000


def test_nothing_of_24000_has_a_rate_within_its_interval_and_below_any_that_was_seen(fit_small):
    artists, listeners = np.repeat([f"a{i}" for i in range(8)], 3), np.full(24, 24_000)
    saves = np.random.default_rng(3).binomial(listeners, 0.02)
    saves[:3] = 0
    table = {"artist": artists, "cluster": ["gym", "indie", "night"] * 8, "saves": saves,
             "listeners": listeners}  # fmt: skip
    evidence = co.Evidence.from_frame(table)
    frame = fit_small(evidence, co.MembershipPrior.uniform(evidence.clusters.tolist())).summary()

    for point, low, high in (
        ("save_rate", "save_lower", "save_upper"), ("home", "lower", "upper"),
    ):  # fmt: skip
        assert (frame[low] <= frame[point]).all()
        assert (frame[point] <= frame[high]).all()
    # One in 24,000 is the least that could have been seen.
    assert (frame["save_rate"][:3] < 5e-4).all()
    assert (frame["save_rate"][3:] > 0.01).all()


def test_an_unknown_cluster_is_refused_before_anything_is_compiled(small_world, rng):
    prior = co.MembershipPrior.uniform(["cluster 1", "cluster 2"])
    with pytest.raises(co.EvidenceError, match="cluster 3"):
        co.fit(small_world.evidence(), prior, rng=rng)


def test_a_fit_without_a_prior_is_refused(small_world, rng):
    with pytest.raises(co.BeliefError, match="needs a prior"):
        co.fit(small_world.evidence(), None, rng=rng)


@pytest.mark.parametrize(
    "wrong", [{"draws": 0}, {"chains": 1.5}, {"tune": True}, {"belief_draws": 0}]
)
def test_numbers_of_draws_that_make_no_sense_are_refused(small_world, rng, wrong):
    prior = co.MembershipPrior.uniform([f"cluster {i}" for i in range(1, 6)])
    with pytest.raises(co.BeliefError, match="whole number"):
        co.fit(small_world.evidence(), prior, rng=rng, **wrong)
