import arviz_stats
import numpy as np
import pytest
import xarray as xr

from coterie.beliefs.diagnosis import Diagnosis


def with_draws(beliefs, name, change, **where):
    """Change the draws (chain, draw) of one population parameter of one outcome."""
    place = beliefs.tree["posterior"][name].loc[where]
    place[:] = change(place.transpose("chain", "draw").values)
    return beliefs


def crawl(draws):
    """Draws that remember: a random walk within each chain, around the same level."""
    steps = np.random.default_rng(5).normal(size=draws.shape)
    walk = np.empty_like(draws)
    walk[:, 0] = 0
    for i in range(1, draws.shape[1]):
        walk[:, i] = 0.98 * walk[:, i - 1] + steps[:, i]
    return walk


def test_independent_draws_are_trusted(beliefs_like):
    diagnosis = beliefs_like().diagnose()

    assert diagnosis.ok
    assert "4 chains agree on all 28 population parameters" in diagnosis.lines[0]
    assert diagnosis.numbers["divergences"] == 0


def test_a_parameter_on_which_chains_disagree_is_named_with_its_outcome(beliefs_like):
    beliefs = with_draws(
        beliefs_like(), "loading", lambda d: d + np.arange(4)[:, None], outcome="follow"
    )
    diagnosis = beliefs.diagnose()

    assert not diagnosis.ok
    assert diagnosis.lines[0].startswith(
        "1 of 28 population parameters has not settled: loading of follow (R-hat "
    )
    assert "Run more draws" in diagnosis.lines[0]
    assert diagnosis.numbers["unsettled"] == 1


def test_the_worst_parameters_are_named_first_and_the_rest_counted(beliefs_like):
    beliefs = beliefs_like()
    for i, outcome in enumerate(["save", "add", "follow", "depth"], start=1):
        shift = np.arange(4)[:, None] * i * 2.0
        with_draws(beliefs, "alpha", lambda d, shift=shift: d + shift, outcome=outcome)
    line = beliefs.diagnose().lines[0]

    assert line.startswith("4 of 28 population parameters have not settled: alpha of depth")
    assert ", and 1 more." in line


def test_draws_that_repeat_themselves_are_counted_by_what_they_are_worth(beliefs_like):
    diagnosis = with_draws(beliefs_like(), "loading", crawl, outcome="add").diagnose()

    assert not diagnosis.ok
    assert "loading of add" in diagnosis.lines[0]
    assert diagnosis.numbers["ess_bulk"] < 400


def test_the_numbers_are_those_of_arviz(beliefs_like):
    beliefs = with_draws(beliefs_like(), "kappa", crawl, outcome="save")
    numbers = beliefs.diagnose().numbers
    known = [n for n in beliefs.tree["posterior"].data_vars if not n.endswith("effect")]
    rhat = arviz_stats.rhat(beliefs.tree, var_names=known)
    bulk = arviz_stats.ess(beliefs.tree, var_names=known, method="bulk")
    tail = arviz_stats.ess(beliefs.tree, var_names=known, method="tail", prob=(0.05, 0.95))

    assert numbers["rhat"] == pytest.approx(max(float(rhat[n].max()) for n in known))
    assert numbers["ess_bulk"] == pytest.approx(min(float(bulk[n].min()) for n in known))
    assert numbers["ess_tail"] == pytest.approx(min(float(tail[n].min()) for n in known))


def test_one_chain_is_never_called_settled(beliefs_like):
    diagnosis = beliefs_like(chains=1).diagnose()

    assert not diagnosis.ok
    assert "cannot be assessed with one chain" in diagnosis.lines[0]
    assert "rhat" not in diagnosis.numbers


@pytest.mark.parametrize("value", [0.0, np.inf, 50.0])
def test_a_parameter_that_was_stated_is_not_asked_to_move(beliefs_like, value):
    beliefs = with_draws(beliefs_like(), "kappa", lambda d: np.full_like(d, value), outcome="save")
    diagnosis = beliefs.diagnose()

    assert diagnosis.ok
    assert diagnosis.numbers["parameters"] == 27


def test_chains_that_each_stand_still_at_another_place_are_not_a_stated_parameter(beliefs_like):
    beliefs = with_draws(
        beliefs_like(), "alpha", lambda d: np.zeros_like(d) + np.arange(4)[:, None], outcome="add"
    )

    assert "alpha of add" in beliefs.diagnose().lines[0]


def test_a_draw_that_is_no_number_is_not_settled(beliefs_like):
    def spoil(draws):
        draws[0, 3] = np.nan
        return draws

    diagnosis = with_draws(beliefs_like(), "alpha", spoil, outcome="save").diagnose()

    assert not diagnosis.ok
    assert "alpha of save" in diagnosis.lines[0]


def test_divergences_are_counted(beliefs_like):
    beliefs = beliefs_like()
    beliefs.tree["sample_stats"]["diverging"][1, :3] = True
    diagnosis = beliefs.diagnose()

    assert diagnosis.lines[0].startswith("3 of 4,000 draws diverged")
    assert diagnosis.numbers["divergences"] == 3


def test_energy_that_crawls_is_told(beliefs_like):
    beliefs = beliefs_like()
    stats = beliefs.tree["sample_stats"]
    stats["energy"][:] = crawl(stats["energy"].values)
    diagnosis = beliefs.diagnose()

    assert not diagnosis.ok
    assert "BFMI" in diagnosis.lines[0]
    assert diagnosis.numbers["bfmi"] < 0.3


def test_sampling_that_was_stopped_is_said_first(beliefs_like):
    diagnosis = beliefs_like(draws=500, coterie_draws_asked=1000).diagnose()

    assert not diagnosis.ok
    assert diagnosis.lines[0].startswith("Sampling was stopped after 500 of 1,000 draws")


def test_sampling_that_was_stopped_is_said_where_nobody_wrote_what_was_asked(beliefs_like):
    beliefs = beliefs_like(draws=500, coterie_interrupted=1)
    del beliefs.tree.attrs["coterie_draws_asked"]

    assert beliefs.diagnose().lines[0].startswith("Sampling was stopped after 500 draws")


def test_three_draws_are_too_few_to_be_judged(beliefs_like):
    diagnosis = beliefs_like(draws=3, thin=1).diagnose()

    assert not diagnosis.ok
    assert "3 draws a chain are too few" in diagnosis.lines[0]


def test_the_scales_of_factors_are_judged_and_what_is_an_artists_own_is_not(beliefs_like):
    beliefs = beliefs_like()
    posterior = beliefs.tree["posterior"]
    wild = xr.zeros_like(posterior["alpha"]) + np.arange(4)[:, None, None]
    posterior["factor_scale_geo"] = wild + posterior["alpha"]
    posterior["artist_effect"][0] += 100
    posterior["affinity"][0] += 100
    diagnosis = beliefs.diagnose()

    assert diagnosis.numbers["parameters"] == 32
    assert diagnosis.numbers["unsettled"] == 4
    assert "factor_scale_geo of " in diagnosis.lines[0]


def test_beliefs_that_were_never_sampled_are_judged_without_walls(beliefs_like):
    tree = beliefs_like().tree.filter(lambda node: node.name != "sample_stats")
    diagnosis = type(beliefs_like())(tree).diagnose()

    assert diagnosis.ok
    assert "divergences not recorded" in diagnosis.lines[0]
    assert "divergences" not in diagnosis.numbers


def test_a_diagnosis_reads_as_its_lines():
    assert str(Diagnosis(False, ("one", "two"), {})) == "one\ntwo"
