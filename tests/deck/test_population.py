import numpy as np
import pytest

import coterie as co
from coterie.findings import prior_rates
from tests.deck.conftest import OUTCOMES


def dots(plots, who, outcome, axis):
    return np.asarray(plots.viz[who]["value"].sel(outcome=outcome).item()[axis])


def test_each_outcome_shows_twenty_dots_at_home_and_in_any_cluster(rng):
    plots = co.plot_prior(co.PopulationPrior(), OUTCOMES, rng=rng, backend="none")

    for who in ("home", "any cluster"):
        for outcome in ("save", "depth"):
            assert dots(plots, who, outcome, "x").size == 20


def test_no_two_dots_stand_on_each_other_and_home_stands_above_any_cluster(rng):
    plots = co.plot_prior(co.PopulationPrior(), OUTCOMES, rng=rng, backend="none")

    for outcome in ("save", "depth"):
        own = {w: (dots(plots, w, outcome, "x"), dots(plots, w, outcome, "y")) for w in
               ("home", "any cluster")}  # fmt: skip
        places = {(round(x, 6), y) for xs, ys in own.values() for x, y in zip(xs, ys, strict=True)}
        assert len(places) == 40
        assert own["home"][1].min() > own["any cluster"][1].max()


def test_a_dot_stands_within_half_a_column_of_its_rate():
    plots = co.plot_prior(
        co.PopulationPrior(), OUTCOMES, rng=np.random.default_rng(4), backend="none"
    )
    table = prior_rates(co.PopulationPrior(), OUTCOMES, rng=np.random.default_rng(4)).table
    rates = 100 * table["rate"].sel(outcome="save", who="any cluster").values

    assert np.abs(dots(plots, "any cluster", "save", "x") - rates).max() <= 100 / 21 / 2 + 1e-9


def test_the_figure_states_its_draws_and_what_a_dot_is(rng):
    plots = co.plot_prior(co.PopulationPrior(), OUTCOMES[:1], rng=rng, backend="matplotlib")
    figure = plots.viz["figure"].item()
    figure.draw_without_rendering()
    title = figure.get_suptitle().replace("\n", " ")

    assert "4,000 draws" in title
    assert "1 of 20 equally likely" in title


@pytest.mark.parametrize("outcomes", [OUTCOMES[:1], OUTCOMES, OUTCOMES[1:]])
def test_the_axis_is_in_the_outcomes_own_unit(outcomes, rng):
    plots = co.plot_prior(co.PopulationPrior(), outcomes, rng=rng, backend="matplotlib")
    labels = [axes.get_xlabel() for axes in plots.viz["figure"].item().axes]
    units = {"save": "% of listeners", "depth": "downstream_streams per new_listeners"}

    assert labels == [units[o.name] for o in outcomes]
