"""Fits of the model's rarer parts: windows, factors, many homes, no membership, no scatter."""

import numpy as np
import pytest

import coterie as co
from coterie.beliefs import fits
from coterie.beliefs import rows as laid
from coterie.beliefs.membership import MANY


@pytest.fixture(scope="module")
def drifting():
    """A world with three windows, a factor and many homes, and its fit."""
    world = co.simulate.world(
        artists=30, clusters=4, homes="many", pi=0.25, windows=3, factors={"context": 2},
        missing=0.2, rng=np.random.default_rng(31),
    )  # fmt: skip
    evidence = world.evidence()
    prior = co.MembershipPrior.uniform(evidence.clusters.tolist(), prob=0.25)
    rng = np.random.default_rng(1)
    with pytest.warns(co.ConvergenceWarning):
        beliefs = co.fit(evidence, prior, homes="many", draws=300, tune=300, chains=2, rng=rng)
    return world, beliefs


def test_effects_of_windows_and_factors_are_named_and_nothing_learns_pi(drifting):
    posterior = drifting[1].tree["posterior"]

    assert posterior["period_effect"].sizes["window"] == 3
    assert posterior["factor_effect_context"].sizes["context"] == 2
    assert "pi" not in posterior


def test_levels_of_windows_are_recovered(drifting):
    world, beliefs = drifting
    posterior, truth = beliefs.tree["posterior"], world.truth
    level = posterior["alpha"] + posterior["cluster_effect"] + posterior["period_effect"]
    true = truth["alpha"] + truth["cluster_effect"] + truth["period_effect"]
    mean = level.mean(("chain", "draw")).transpose("cluster", "window", "outcome")
    other = true.transpose("cluster", "window", "outcome")

    # Factor and artist means shift all levels alike: compare within each outcome.
    def centred(x):
        return (x - x.mean(("cluster", "window"))).to_numpy()

    assert np.corrcoef(centred(mean).ravel(), centred(other).ravel())[0, 1] > 0.9


def test_a_factor_left_out_is_averaged_between_its_levels(drifting):
    world, beliefs = drifting
    with_levels = co.predict(beliefs, beliefs.evidence, rng=np.random.default_rng(2))["rate"]
    bare = world.frame.drop(columns="context").groupby(["artist", "cluster"], as_index=False).sum(
        numeric_only=True
    )  # fmt: skip
    rows = co.Evidence.from_frame(bare)
    without = co.predict(beliefs, rows, rng=np.random.default_rng(2))["rate"]
    means = with_levels.mean(("chain", "draw")).groupby("cluster").mean()
    level = without.mean(("chain", "draw")).groupby("cluster").mean()

    # Averages over artists of the same cells: 600 draws, 30 artists.
    np.testing.assert_allclose(level, means, rtol=0.1)


def test_the_summary_averages_rates_over_a_factors_levels(drifting):
    world, beliefs = drifting
    pairs = world.frame.drop_duplicates(["artist", "cluster"]).drop(columns="context")
    evidence = co.Evidence.from_frame(pairs[["artist", "cluster", "listeners", "saves"]])
    drawn = co.predict(beliefs, evidence, rng=np.random.default_rng(2))["rate"]
    drawn = drawn.sel(binary_outcome="save").median(("chain", "draw")).to_numpy()
    said = beliefs.summary().set_index(["artist", "cluster"])["save_rate"]
    said = said.loc[list(zip(pairs["artist"], pairs["cluster"], strict=True))].to_numpy()

    assert np.abs(said - drawn).mean() < 0.1 * drawn.mean()
    assert abs(said.mean() / drawn.mean() - 1) < 0.03


def test_the_fit_of_an_artist_never_seen_is_as_wide_as_the_population(drifting):
    world, beliefs = drifting
    known = laid.Known.of(beliefs)
    # Two newcomers in one cluster and one row: they differ by what is an artist's own alone.
    frame = world.frame.drop_duplicates("cluster").iloc[[0, 0]].assign(artist=["new", "newer"])
    with pytest.warns(co.EvidenceWarning, match="one cluster"):
        evidence = co.Evidence.from_frame(frame, factors=("context",))
    parts = laid.states(known, evidence, np.random.default_rng(3))
    level = np.concatenate([state.level for _, state in parts])
    apart = level[:, 0] - level[:, 1]
    own = np.square([known.posterior[n].to_numpy() for n in ("artist_scale", "loading")])
    wanted = np.sqrt(2 * own.sum(axis=0).reshape(-1, own.shape[-1]).mean(axis=0))

    # 600 draws: a standard error of 3 %.
    np.testing.assert_allclose(apart.std(axis=0), wanted, rtol=0.12)


def test_an_artist_never_seen_is_a_member_as_often_as_pi_says():
    stated = np.array([0.9, 0.05, 0.5, 0.2])
    prior = np.log(stated)[None], 0.0
    drawn = fits.prior_fits(*prior, 20_000, homes=MANY, rng=np.random.default_rng(3))
    member = fits.members(drawn, *prior, homes=MANY, rng=np.random.default_rng(4))

    assert member[:, 0].mean(axis=0) == pytest.approx(stated, abs=4 * 0.5 / np.sqrt(20_000))


def test_two_levels_never_seen_have_effects_of_their_own(drifting):
    world, beliefs = drifting
    frame = world.frame.drop_duplicates("cluster").iloc[[0, 0, 1]]
    frame = frame.assign(context=["on a boat", "on a plane", "on a boat"])
    evidence = co.Evidence.from_frame(frame, factors=("context",))
    _, state = next(laid.states(laid.Known.of(beliefs), evidence, np.random.default_rng(3)))

    assert (state.level[:, 0] - state.level[:, 1]).std() > 0.05


def test_many_homes_score_above_the_base_rate(drifting):
    world, beliefs = drifting
    belief = beliefs.membership.mean(("chain", "draw"))
    truth = world.truth["member"].to_numpy().astype(bool)

    assert np.log(np.where(truth, belief, 1 - belief)).mean() > -0.5  # base rate: -0.562


def test_a_population_without_membership_and_without_scatter_is_a_plain_binomial_model(tmp_path):
    rng = np.random.default_rng(4)
    n = rng.integers(50, 200, (20, 2))
    y = rng.binomial(n, 0.2)
    frame = {
        "artist": np.repeat([f"a{i:02d}" for i in range(20)], 2), "cluster": ["x", "y"] * 20,
        "saves": y.ravel(), "listeners": n.ravel(),
    }  # fmt: skip
    fixed = co.ParameterPrior.fixed
    population = co.PopulationPrior().replace(
        kappa=fixed(np.inf), artist_scale=fixed(0.0), cluster_scale=fixed(0.0),
        period_scale=fixed(0.0), loading=fixed(0.0),
    )  # fmt: skip
    beliefs = co.fit(
        co.Evidence.from_frame(frame), None, homes=None, population=population,
        draws=1000, tune=300, chains=2, rng=rng,
    )  # fmt: skip
    rate = 1 / (1 + np.exp(-beliefs.tree["posterior"]["alpha"].to_numpy().ravel()))

    # One binomial rate under a wide prior: mean y/n, sd sqrt(p (1 - p) / n).
    total, share = n.sum(), y.sum() / n.sum()
    sd = np.sqrt(share * (1 - share) / total)
    assert rate.mean() == pytest.approx(share, abs=0.2 * sd)
    assert rate.std() == pytest.approx(sd, rel=0.15)
    with pytest.raises(co.BeliefError):
        _ = beliefs.home
    beliefs.save(tmp_path / "population.nc")
    assert "no membership" in repr(co.Beliefs.load(tmp_path / "population.nc"))
