"""Sensitivity: what is said of another prior is what another prior says."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import coterie as co
from coterie.beliefs import Alone
from coterie.findings import turning
from coterie.findings.turning import POWERS


@pytest.fixture(scope="module", params=["one", "many"])
def beliefs(request):
    return co.example_beliefs(request.param)


def test_a_prior_turned_is_what_that_prior_says_by_the_integrals_themselves(beliefs):
    artist = "Salt Year"
    found = co.sensitivity(beliefs, artists=[artist]).table
    alone = Alone.of(beliefs, artist)
    log_prior = alone._phi.log_prior
    clusters = log_prior.shape[-1]
    for power in POWERS:
        if beliefs.homes == "one":
            rest = np.exp(power * alone._phi.log_elsewhere)
            whole = np.exp(power * log_prior).sum(axis=-1, keepdims=True) + rest
            phi = replace(
                alone._phi, log_prior=np.ascontiguousarray(power * log_prior - np.log(whole)),
                log_elsewhere=float(np.log(rest / whole.item())),
            )  # fmt: skip
        else:
            odds = power * (log_prior - np.log1p(-np.exp(log_prior)))
            phi = replace(alone._phi, log_prior=np.ascontiguousarray(-np.log1p(np.exp(-odds))))
        wanted = replace(alone, _phi=phi).believe()[0].mean(axis=0)
        got = found["varied"].sel(source="membership_prior", power=power, artist=artist)
        np.testing.assert_allclose(got.to_numpy()[:clusters], wanted[:clusters], atol=2e-3)


def test_places_of_one_home_sum_to_one_whatever_is_turned():
    found = co.sensitivity(co.example_beliefs(), artists=["Ana Vale", "Marrow"]).table
    total = found["varied"].sum("cluster")
    told = found["varied"].notnull().all("cluster").to_numpy()
    assert told[:, :2].all()
    np.testing.assert_allclose(total.to_numpy()[told], 1.0, atol=1e-6)


def test_counts_turned_twice_are_the_same_counts_seen_twice(beliefs):
    alone = Alone.of(beliefs, "Ferro")
    twice = replace(alone.made, weight=2 * alone.made.weight)
    wanted = replace(alone, made=twice).believe()[0].mean(axis=0)
    found = co.sensitivity(beliefs, artists=["Ferro"]).table["varied"]
    got = found.sel(source="own_counts", power=2, artist="Ferro")
    np.testing.assert_allclose(got.to_numpy(), wanted, atol=1e-9)


def test_counts_of_no_power_leave_the_prior(beliefs):
    alone = Alone.of(beliefs, "Ferro")
    np.testing.assert_allclose(
        alone.believe(counts_power=1e-9)[0].mean(axis=0), alone.prior, atol=5e-4
    )


def test_draws_of_the_population_are_weighed_by_its_prior(beliefs):
    found = co.sensitivity(beliefs, artists=["Ferro"]).table["varied"].sel(artist="Ferro")
    density = beliefs.tree["log_prior"].to_dataset()
    total = sum(v.sum([d for d in v.dims if d not in ("chain", "draw")]) for v in density.values())
    log_weight = total.transpose("chain", "draw").to_numpy()
    weight = np.exp(log_weight - log_weight.max())
    draws = beliefs.home if beliefs.homes == "one" else beliefs.membership
    own = draws.sel(artist="Ferro").transpose("chain", "draw", "cluster").to_numpy()
    wanted = (weight[..., None] * own).sum(axis=(0, 1)) / weight.sum()
    got = found.sel(source="population_prior", power=2).to_numpy()[: own.shape[-1]]
    # Weights are smoothed in their tail.
    np.testing.assert_allclose(got, wanted, atol=0.02)


def test_a_likeliest_place_that_a_prior_decides_is_said_not_to_be_kept():
    found = co.sensitivity(co.example_beliefs())
    table = found.table
    at = table["varied"].fillna(table["belief"]).argmax("cluster")
    kept = (at == table["belief"].argmax("cluster")).all(["source", "power"])
    assert kept.to_numpy().tolist() == table["kept"].to_numpy().tolist()
    assert 0 < int(kept.sum()) < kept.size
    assert found.headline.startswith(f"{int(kept.sum())} of {kept.size} artists keep")


def test_nothing_is_claimed_of_priors_that_the_draws_cannot_turn(monkeypatch):
    def few(beliefs):
        weight, khat = weights(beliefs)
        return weight, np.full_like(khat, 0.9)

    weights = turning._population_weights
    monkeypatch.setattr(turning, "_population_weights", few)
    found = co.sensitivity(co.example_beliefs())
    assert (found.table["khat"] > 0.7).all()
    assert "the prior of membership or the artist's own counts weighing" in found.headline
    assert "cannot be told" in found.caveats[0]


def test_what_is_believed_is_what_the_beliefs_say():
    beliefs = co.example_beliefs()
    found = co.sensitivity(beliefs).table["belief"].drop_sel(cluster="elsewhere")
    wanted = beliefs.home.mean(("chain", "draw"))
    np.testing.assert_allclose(found, wanted.transpose("artist", "cluster"), atol=1e-6)


def test_beliefs_without_a_log_prior_say_that_the_population_cannot_be_turned():
    beliefs = co.example_beliefs()
    tree = beliefs.tree.copy()
    del tree["log_prior"]
    found = co.sensitivity(co.Beliefs(tree), artists=["Marrow"])
    assert found.table["varied"].sel(source="population_prior").isnull().all()
    assert found.table["varied"].sel(source="own_counts").notnull().all()
    assert any("cannot be told" in caveat for caveat in found.caveats)


def test_unknown_artists_and_beliefs_without_membership_are_refused():
    beliefs = co.example_beliefs()
    with pytest.raises(co.BeliefError, match="'Nobody' is not among the 20 artists here"):
        co.sensitivity(beliefs, artists=["Marrow", "Nobody"])
    with pytest.raises(co.BeliefError, match="No artist is named"):
        co.sensitivity(beliefs, artists=[])


@pytest.fixture(scope="module")
def updated():
    beliefs = co.example_beliefs()
    rows = {"artist": ["New"] * 2, "cluster": ["gym", "focus"], "listeners": [400, 300]}
    more = co.Evidence.from_frame(pd.DataFrame(rows | {"saves": [40, 9]}))
    prior = co.MembershipPrior.uniform(beliefs.evidence.clusters.tolist())
    return co.update(beliefs, more, prior=prior, refit="never", rng=np.random.default_rng(2))


def test_beliefs_by_weights_are_varied_from_where_they_are(updated):
    table = co.sensitivity(updated, artists=["New"]).table.sel(artist="New")
    inside = table["belief"].drop_sel(cluster="elsewhere")
    wanted = updated.home.sel(artist="New").mean(("chain", "draw"))
    np.testing.assert_allclose(inside, wanted, atol=1e-9)
    alone = Alone.of(updated, "New")
    moved = alone.believe(prior_power=2.0)[0].mean(axis=0) - alone.believe()[0].mean(axis=0)
    turned = table["varied"].sel(source="membership_prior", power=2) - table["belief"]
    np.testing.assert_allclose(turned, moved, atol=1e-9)
