"""Rates of a table: quantiles of mixtures, found without drawing."""

import arviz_base
import numpy as np
import pytest
import xarray as xr
from scipy import optimize, stats
from scipy.special import expit, logit

import coterie as co
from coterie.beliefs import rates
from tests.beliefs.small_world import OLD, believing


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


def heavy(beliefs, rng):
    """Give fake beliefs rates next to nothing, and scatter and scales with tails of every size."""
    tree = beliefs.tree.copy(deep=True)
    post = tree["posterior"].to_dataset()
    shape = post["alpha"].shape
    post["alpha"][:] = rng.normal(rng.uniform(-14, 3), 1, shape)
    post["kappa"][:] = np.exp(np.clip(4 + 4 * rng.standard_t(2, shape), -7, 34))
    for name in ("kappa_spread", "loading", "artist_scale", "cluster_scale", "period_scale"):
        post[name][:] = np.abs(rng.uniform(0, 1) * rng.standard_t(3, shape))
    for name in ("cluster_effect", "artist_effect"):
        post[name][:] = rng.uniform(0, 1) * rng.standard_t(3, post[name].shape)
    tree["posterior"] = xr.DataTree(post)
    # Beliefs of which a few draws alone are sure.
    group = tree["beliefs"].to_dataset()
    size = (*group["elsewhere"].shape, group.sizes["cluster"] + 1)
    shares = rng.standard_gamma(10 ** rng.uniform(-2.5, 1, size[2:]), size) + 1e-300
    shares /= shares.sum(axis=-1, keepdims=True)
    group["home"][:], group["elsewhere"][:] = shares[..., :-1], shares[..., -1]
    tree["beliefs"] = xr.DataTree(group)
    return co.Beliefs(tree)


@pytest.mark.parametrize("kind", ["eti", "hdi"])
def test_no_number_of_a_summary_lies_outside_its_own_interval(kind, beliefs_like, rng):
    save = co.Outcome.binary("save", successes="saves", trials="listeners")
    depth = co.Outcome.count("depth", total="streams", exposure="listeners")
    seen = 0
    for _ in range(50):
        listeners = np.append(24_000, rng.integers(1, 24_000, 5))
        saves = np.append(0, rng.binomial(listeners[1:], rng.beta(0.3, 3, 5)))
        table = {"artist": list("aabbcc"), "cluster": ["gym", "indie"] * 3, "saves": saves,
                 "listeners": listeners, "streams": rng.poisson(0.3 * listeners)}  # fmt: skip
        evidence = co.Evidence.from_frame(table, outcomes=[save, depth])
        fake = beliefs_like(evidence, chains=2, draws=80, thin=1, rng=rng)
        with arviz_base.rc_context({"stats.ci_kind": kind}):
            frame = heavy(fake, rng).summary(prob=float(rng.choice([0.1, 0.5, 0.89, 0.99])))
        assert frame.loc[0, ["save_n", "artist"]].tolist() == [24_000, "a"]
        for point, low, high in (
            ("home", "lower", "upper"),
            ("save_rate", "save_lower", "save_upper"), ("depth_rate", "depth_lower", "depth_upper"),
        ):  # fmt: skip
            assert (frame[low] <= frame[point]).all()
            assert (frame[point] <= frame[high]).all()
            assert np.isfinite(frame[[low, high]]).all(axis=None)
            seen += len(frame)
        assert (frame[["save_lower", "lower"]] >= 0).all(axis=None)
        assert (frame[["save_upper", "upper"]] <= 1).all(axis=None)
    assert seen == 50 * 3 * 6


def test_a_table_of_rates_has_the_quantiles_of_what_predict_draws(rng):
    beliefs = believing(OLD, rng)
    table = rates.rate_table(beliefs, artists=["b", "a"], prob=0.8).isel(outcome=0)
    post = beliefs.tree["posterior"].dataset.isel(outcome=0)
    level = post["alpha"] + post["artist_effect"] + post["loading"] * post["affinity"]
    level = level.sel(artist=["b", "a"]).transpose("artist", "cluster", ...)
    # A fresh window moves all of it by 0.3, and a cell scatters about it by kappa.
    wide = level.to_numpy() + rng.normal(0, 0.3, level.shape)
    drawn = rng.beta(expit(wide) * 80, expit(-wide) * 80).reshape(2, 2, -1)
    for name, mass in (("lower", 0.1), ("median", 0.5), ("upper", 0.9)):
        wanted = logit(np.quantile(drawn, mass, axis=2))
        # The table reads a hundred draws: an error of a tenth of 0.5 or so, in log odds.
        np.testing.assert_allclose(logit(table[name]), wanted, atol=0.2)
    assert table["artist"].to_numpy().tolist() == ["b", "a"]
