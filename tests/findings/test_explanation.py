"""What moved a belief: the parts are differences through the whole model."""

import numpy as np
import pytest

import coterie as co
from coterie.beliefs import Alone
from tests.beliefs.small_world import NEW, OLD, believing, read_rows, rows


@pytest.fixture(scope="module")
def beliefs():
    return believing(OLD, np.random.default_rng(4))


@pytest.fixture(scope="module")
def found(beliefs):
    return co.explain(beliefs, "b")


def log_odds(share):
    return np.log(share) - np.log1p(-share)


def test_an_artist_alone_is_believed_in_as_in_the_fit(beliefs):
    for artist in ("a", "b", "c"):
        belief, _ = Alone.of(beliefs, artist, draws=200).believe()
        fitted = beliefs.home.sel(artist=artist)
        error = 4 * belief.std(axis=0)[:2].max() * np.sqrt(2 / 200)
        np.testing.assert_allclose(
            belief.mean(axis=0)[:2], fitted.mean(("chain", "draw")), atol=error
        )
        np.testing.assert_allclose(belief.sum(axis=1), 1.0)


def test_parts_of_one_kind_and_what_they_share_are_the_way_from_prior_to_belief(rng):
    made = co.update(believing(OLD, rng), read_rows(NEW), rng=rng, refit="never")
    table = co.explain(made, "a").table
    assert table["of"].to_numpy().tolist() == ["window", "window", "window"]
    way = log_odds(table["belief"]) - log_odds(table["prior"])
    np.testing.assert_allclose(table["nats"].sum("part"), way, atol=1e-9)


def test_a_part_is_worth_what_its_absence_costs(rng):
    # Two weeks of one artist: the second week alone makes the home.
    told = rows(("a", "gym", 2, 45, 160), ("a", "indie", 2, 12, 160))
    made = co.update(believing(OLD, rng), read_rows(told), rng=rng, refit="never")
    table = co.explain(made, "a").table
    nats = table["nats"].sel(cluster="gym").to_numpy()
    assert nats[1] > nats[0]
    before = co.explain(believing(OLD, rng), "a").table["belief"].sel(cluster="gym")
    without = log_odds(float(table["belief"].sel(cluster="gym"))) - nats[1]
    assert without == pytest.approx(log_odds(float(before)), abs=0.25)


def test_the_factor_on_the_prior_makes_two_places_equal(found, beliefs):
    factor = found.table["prior_factor"].sel(cluster="gym").item()
    belief, _ = Alone.of(beliefs, "b", draws=200).believe()
    tilted = belief * [factor, 1, 1]
    tilted /= tilted.sum(axis=1, keepdims=True)
    means = tilted.mean(axis=0)
    assert means[0] == pytest.approx(means[1:].max(), rel=1e-6)
    assert found.table["prior_factor"].sel(cluster="indie") < 1


def test_the_factor_on_kappa_turns_the_home(beliefs, found):
    alone = Alone.of(beliefs, "b", draws=200)
    factor = found.table["kappa_factor"].item()
    home = alone.believe()[0].mean(axis=0).argmax()
    if np.isnan(factor):
        for extreme in (1e-3, 1e3):
            other = alone.believe(scatter=np.array([extreme]))[0].mean(axis=0)
            assert other.argmax() == home
    else:
        assert alone.believe(scatter=np.array([factor]))[0].mean(axis=0).argmax() != home


def test_the_headline_names_the_home_and_both_probabilities(found):
    belief = found.table["belief"].sel(cluster="indie").item()
    assert f"'indie' ({belief:.2f}, before the counts 0.36)" in found.headline


def test_who_is_not_there_cannot_be_explained(beliefs):
    with pytest.raises(co.BeliefError, match="No beliefs about artist 'z'"):
        co.explain(beliefs, "z")


def test_many_homes_are_explained_each_on_its_own(rng):
    table = co.explain(believing(OLD, rng, "many"), "b").table
    assert table["belief"].sel(cluster="indie") > 0.5
    assert table["prior_factor"].sel(cluster="indie") < 1
    assert table["prior_factor"].sel(cluster="gym") > 1
