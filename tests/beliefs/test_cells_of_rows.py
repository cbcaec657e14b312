"""Which ledger cell a row is, and names a factor may have."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import coterie as co
from coterie.beliefs import predicting
from coterie.beliefs.density import log_constant, mass_and_below
from coterie.beliefs.design import Levels


def counts_found(frame, rows):
    """Look rows up in a ledger of the frame."""
    ledger, asked = co.Evidence.from_frame(frame), co.Evidence.from_frame(rows)
    known = SimpleNamespace(levels=Levels.of(ledger))
    seen = predicting._ledger_counts(known, ledger, asked)
    return seen.y, seen.n


@pytest.fixture
def released():
    return pd.DataFrame(
        {
            "artist": ["A", "A", "B"],
            "cluster": ["gym", "gym", "rock"],
            "release": ["r1", "r2", "r1"],
            "listeners": [100, 200, 50],
            "saves": [1, 90, 5],
        }
    )


def test_two_releases_of_a_pair_are_two_cells(released):
    y, n = counts_found(released, released)

    assert y[:, 0].tolist() == [1, 90, 5]
    assert n[:, 0].tolist() == [100, 200, 50]


def test_rows_without_a_release_are_no_cell_of_a_ledger_with_releases(released):
    with pytest.raises(co.BeliefError, match=r"told apart by release"):
        counts_found(released, released.drop(columns="release").drop_duplicates("artist"))


def test_bought_and_organic_rows_are_two_cells():
    frame = pd.DataFrame(
        {
            "artist": ["A", "A", "B"],
            "cluster": ["gym", "gym", "rock"],
            "period_start": ["2026-01-01", "2026-02-01", "2026-01-01"],
            "period_end": ["2026-01-28", "2026-02-28", "2026-01-28"],
            "audience": [1000, 1000, 500],
            "listeners": [10, 200, 5],
            "spend": [0.0, 50.0, 0.0],
            "currency": ["EUR"] * 3,
        }
    )
    ledger = co.Evidence.from_frame(frame)
    known = SimpleNamespace(levels=Levels.of(ledger))
    y = predicting._ledger_counts(known, ledger, ledger).y
    adoption = [o.name for o in ledger.outcomes].index("adoption")

    assert y[:, adoption].tolist() == [10, 200, 5]


def test_the_score_of_a_row_all_but_impossible_stays_a_number():
    y, n = np.array([3e6]), np.array([1e7])
    constant = log_constant(y, n, np.array([False]))
    eta = np.array([[np.log(0.1 / 0.9)]])
    found, _ = mass_and_below(eta, np.array([[np.inf]]), y, n, False, constant)

    assert found[0, 0] == pytest.approx(stats.binom(1e7, 0.1).logpmf(3e6), rel=1e-6)
    assert found[0, 0] < -1e5


@pytest.mark.parametrize("name", ["y", "level", "pair", "grand", "period", "weight", "n"])
def test_a_factor_may_be_called_like_anything_inside_the_model(name):
    world = co.simulate.world(
        artists=4, clusters=3, factors={name: 2}, rng=np.random.default_rng(2)
    )
    evidence = co.Evidence.from_frame(world.frame, factors=(name,))
    model = co.build_model(evidence, co.MembershipPrior.uniform(evidence.clusters.tolist()))

    assert model[f"factor_effect_{name}"].type.ndim == 2


def test_a_misspelt_outcome_of_the_population_is_refused(released, rng):
    evidence = co.Evidence.from_frame(released)
    population = co.PopulationPrior().replace(outcome="saves", kappa=co.ParameterPrior.fixed(100.0))
    prior = co.MembershipPrior.uniform(evidence.clusters.tolist())

    with pytest.raises(co.BeliefError, match=r"'saves'.*Did you mean 'save'"):
        co.fit(evidence, prior, population=population, rng=rng)


def test_text_clusters_are_not_looked_up_among_numbers():
    known = SimpleNamespace(
        levels=Levels.of(
            co.Evidence.from_frame(
                pd.DataFrame({"artist": "A", "cluster": [1, 2], "listeners": 9, "saves": 1})
            )
        )
    )
    rows = co.Evidence.from_frame(
        pd.DataFrame({"artist": "A", "cluster": ["one", "two"], "listeners": 9, "saves": 1})
    )

    with pytest.raises(co.BeliefError, match=r"Clusters are numbers .* 'one'"):
        next(predicting.states(known, rows, np.random.default_rng(0)))


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"cluster": ["x", "y"], "share": [1.0, None]}, "no share for cluster 'y'"),
        ({"cluster": ["x", None], "share": [0.5, 0.5]}, "Row 1 of the prior has no cluster"),
        ({"cluster": ["x", "y"], "share": ["half", "half"]}, "is not numbers"),
        ({"cluster": ["x", "x"], "share": [0.5, 0.5]}, "two rows for artist 'A' in cluster 'x'"),
    ],
)
def test_a_prior_table_loses_no_row_quietly(table, said):
    with pytest.raises(co.BeliefError, match=said):
        co.MembershipPrior.from_frame({"artist": ["A", "A"], **table})


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: co.MembershipPrior.uniform(["x"], elsewhere="a"), "elsewhere is 'a'"),
        (lambda: co.ParameterPrior.concentration(np.inf), "positive and finite"),
        (lambda: co.PopulationPrior().replace(kappa=3.0), "prior of kappa is 3.0"),
        (lambda: co.PopulationPrior(binary={}), "lacks 'alpha'"),
        (
            lambda: co.MembershipPrior.from_shares({"x": 0.5, "y": 0.5}, prob={"x": "p", "y": 1}),
            "membership probability of cluster 'x' is 'p'",
        ),
    ],
)
def test_what_is_no_prior_is_refused_in_words(make, said):
    with pytest.raises(co.BeliefError, match=said):
        make()
