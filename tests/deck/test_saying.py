"""Sentences: twins of pictures, with numbers that can be counted by hand."""

import numpy as np
import pytest
import xarray as xr

import coterie as co
from coterie.beliefs import next_rates
from coterie.deck import of_twenty
from coterie.deck.saying import everybody_sentence
from tests.deck.conftest import made_up


@pytest.fixture(scope="module")
def beliefs():
    return co.example_beliefs()


def test_an_order_of_rates_is_told_as_often_as_it_holds(beliefs):
    said = co.say_rates(beliefs, "Marrow", outcome="save", rng=np.random.default_rng(4))
    drawn = next_rates(beliefs, artists=["Marrow"], rng=np.random.default_rng(4)).sel(
        outcome="save", artist="Marrow"
    )
    order = drawn.median(("chain", "draw")).to_series().sort_values(ascending=False).index
    above = float((drawn.sel(cluster=order[0]) > drawn.sel(cluster=order[1])).mean())
    assert f"{of_twenty(above)} equally likely outcomes put it above {order[1]}" in said
    assert said.startswith("Rate of save, Marrow: ")


def test_depth_is_told_in_events_for_so_many_people(beliefs):
    said = co.say_depth(beliefs, "Marrow", rng=np.random.default_rng(4))
    assert "downstream_streams for 10 new_listeners in road trip" in said


@pytest.mark.parametrize("outcome", ["save", "nothing"])
def test_depth_of_what_is_not_counted_is_refused(beliefs, outcome):
    with pytest.raises(co.FindingError, match=r"no depth|no outcome"):
        co.plot_depth(beliefs, outcome=outcome)


def test_first_ranks_are_counted_over_draws(beliefs):
    draws = beliefs.home.sel(artist="Juno Park")
    first = draws.argmax("cluster")
    share = float(
        (first == draws["cluster"].to_numpy().tolist().index("late-night headphones")).mean()
    )
    assert f"late-night headphones comes first for Juno Park in {of_twenty(share)}" in co.say_ranks(
        beliefs, "Juno Park"
    )


def test_nobody_with_a_likely_home_is_said_so():
    table = made_up(artists=3, clusters=4).to_frame().rename(columns={"mean": "belief"})
    assert everybody_sentence(table.assign(belief=0.1), "one").startswith("None of 3 artists has")


def test_two_clusters_that_lead_are_both_named():
    table = made_up(artists=4, clusters=2).to_frame().rename(columns={"mean": "belief"})
    belief = [0.9, 0.1, 0.9, 0.1, 0.1, 0.9, 0.1, 0.9]
    said = everybody_sentence(table.assign(belief=belief), "one")
    assert said.startswith("4 of 4 artists have a likely home")
    assert said.endswith("lead with 2 each")


def test_a_belief_through_time_is_told_from_prior_to_now():
    beliefs = made_up(updates=2)
    own = beliefs.history.sel(artist="artist 0")
    best = own["mean"].isel(update=-1).idxmax("cluster").item()
    line = own.sel(cluster=best)
    said = co.say_update(beliefs, "artist 0")
    assert said.startswith(f"artist 0 in {best}: from {of_twenty(float(line['prior'][0]))} to ")
    assert of_twenty(float(line["mean"][-1])) in said
    assert "in 3 readings" in said
    with pytest.raises(co.BeliefError, match="'Nobody' is not among"):
        co.say_update(beliefs, "Nobody")


def test_calibration_names_the_outcomes_that_stray(beliefs):
    found = co.backtest(beliefs, beliefs.evidence, of="observed", rng=np.random.default_rng(2))
    odd = found.table["ecdf_difference"] < found.table["band_lower"]
    odd |= found.table["ecdf_difference"] > found.table["band_upper"]
    astray = odd.any([d for d in odd.dims if d != "outcome"])
    names = astray["outcome"].to_numpy()[astray.to_numpy()].tolist()
    said = co.say_calibration(found)
    assert all(name in said.partition("; ")[2] for name in names)
    assert isinstance(astray, xr.DataArray)


@pytest.mark.parametrize(
    "say", [co.say_calibration, co.say_predictive_check, co.say_sensitivity, co.plot_ppc]
)
def test_another_finding_is_refused_with_the_way_to_the_right_one(beliefs, say):
    with pytest.raises(co.FindingError, match=r"Make one with coterie\."):
        say(co.explain(beliefs, "Marrow"))
    with pytest.raises(co.FindingError, match="this is a Beliefs"):
        say(beliefs)


def test_artists_that_a_finding_is_not_about_are_refused(beliefs):
    found = co.sensitivity(beliefs, artists=["Marrow"])
    with pytest.raises(co.BeliefError, match="'Ferro' is not among"):
        co.plot_sensitivity(found, artists=["Ferro"])


def test_all_clusters_that_lead_are_counted_and_named_where_artists_have_many():
    beliefs = co.example_beliefs("many")
    mean = beliefs.membership.mean(("chain", "draw")).to_pandas()
    prior = beliefs.tree["prior"]["prior"].transpose("artist", "cluster").to_numpy()
    odds, before = (p / (1 - p) for p in (mean.to_numpy(), prior))
    likely = (mean.to_numpy() >= 0.5) & (odds >= 2 * before)
    best = mean.columns[int(likely.sum(axis=0).argmax())]
    said = co.say_affinity(beliefs)
    assert f"{best} leads with {likely.sum(axis=0).max()}" in said
    assert said.startswith(f"{int(likely.any(axis=1).sum())} of 20 artists")


def test_what_held_in_every_draw_is_not_certain(beliefs):
    assert "more than 19 of 20" in co.say_ranks(beliefs, "Oslo Choir")
    assert "20 of 20" not in co.say_ranks(beliefs, "Oslo Choir").replace("more than 19 of 20", "")


@pytest.mark.parametrize("artists", ["Marrow", ["Marrow", "Marrow"]])
def test_one_name_and_a_name_said_twice_are_one_artist(beliefs, artists):
    found = co.sensitivity(beliefs, artists=artists)
    plots = co.plot_sensitivity(found, artists=artists, backend="none")
    assert plots.viz["half"].sizes["artist"] == 1
    assert "Marrow, road trip" in plots.viz.attrs["alt"]


def test_naming_nobody_is_refused(beliefs):
    found = co.sensitivity(beliefs, artists=["Marrow"])
    for draw in (
        lambda: co.plot_affinity(beliefs, artists=[]),
        lambda: co.plot_update(beliefs, clusters=[]),
        lambda: co.plot_sensitivity(found, artists=[]),
    ):
        with pytest.raises(co.BeliefError, match=r"No (artist|cluster) is named"):
            draw()


@pytest.mark.parametrize(
    ("half", "twice", "said"),
    [
        (0.3, 0.6, "6 to 12 of 20"), (0.6, 0.3, "6 to 12 of 20"), (0.5, 0.51, "10 of 20"),
        (np.nan, 0.6, "12 of 20 at twice"), (0.6, np.nan, "12 of 20 at half"),
        (np.nan, np.nan, "cannot be told"),
    ],
)  # fmt: skip
def test_what_cannot_be_told_of_one_weight_is_told_of_the_other(half, twice, said):
    from coterie.deck.checks import _from_to

    assert _from_to(half, twice) == said
