import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy import stats

import coterie as co
from coterie.findings.baselines import baseline_scores

SAVE = co.Outcome.binary("save", successes="saves", trials="listeners")
PLAYS = co.Outcome.count("plays", total="plays", exposure="days")


def cells_of(frame, outcome):
    return co.Evidence.from_frame(frame, outcomes=(outcome,)).cells()


def rows_of(artist, cluster, above, below):
    return xr.Dataset(
        {
            "numerator": ("row", np.asarray(above, float)),
            "denominator": ("row", np.asarray(below, float)),
        },
        coords={"artist": ("row", np.array(artist, object)), "cluster": ("row", cluster)},
    )


def table(rng, *, pairs=60, strength=30.0, mean=0.2, people=50):
    """Draw a ledger: ``pairs`` artists in each of two clusters, rates scattered as a Beta."""
    clusters = np.repeat(["gym", "indie"], pairs)
    rate = rng.beta(mean * strength, (1 - mean) * strength, size=2 * pairs)
    return pd.DataFrame(
        {
            "artist": [f"a{i}" for i in range(2 * pairs)],
            "cluster": clusters,
            "saves": rng.binomial(people, rate),
            "listeners": people,
            "plays": rng.poisson(rate * 100),
            "days": 10.0,
        }
    )


def test_the_constant_rate_is_events_over_people_of_the_whole_ledger(rng):
    frame = table(rng)
    rate = frame["saves"].sum() / frame["listeners"].sum()
    later = rows_of(["new", "a0"], ["gym", "gym"], [3, 0], [8, 20])

    found = baseline_scores(cells_of(frame, SAVE), later, SAVE)["constant_rate"]

    assert found == pytest.approx(stats.binom.logpmf([3, 0], [8, 20], rate))


def test_an_unknown_cluster_is_given_the_constant_rate(rng):
    later = rows_of(["new"], ["jazz"], [3], [8])

    for outcome in (SAVE, PLAYS):
        found = baseline_scores(cells_of(table(rng), outcome), later, outcome)
        assert found["cluster_rate"] == pytest.approx(found["constant_rate"])


def test_empirical_bayes_finds_the_mean_and_scatter_a_ledger_was_drawn_with():
    # 400 pairs of 200 people: log kappa is known to about 0.1, so the score of a row to about 0.01.
    frame = table(np.random.default_rng(5), pairs=400, people=200)
    later = rows_of(["new", "new"], ["gym", "indie"], [9, 0], [20, 20])

    found = baseline_scores(cells_of(frame, SAVE), later, SAVE)["cluster_eb"]

    assert found == pytest.approx(stats.betabinom.logpmf([9, 0], 20, 6, 24), abs=0.15)


def test_empirical_bayes_adds_the_pairs_own_counts(rng):
    frame = table(rng)
    frame.loc[0, ["saves", "listeners"]] = 900, 1000
    later = rows_of(["a0", "new"], ["gym", "gym"], [18, 18], [20, 20])

    found = baseline_scores(cells_of(frame, SAVE), later, SAVE)["cluster_eb"]

    assert found[0] > found[1] + 5


@pytest.mark.parametrize("outcome", [SAVE, PLAYS], ids=["binary", "count"])
def test_every_baseline_is_a_distribution(outcome, rng):
    # Of 12 people, or within 400 events: the probabilities of all answers sum to 1.
    size = 13 if outcome.kind == "binary" else 400
    answers = np.arange(size)
    later = rows_of(["a0"] * size, ["gym"] * size, answers, np.full(size, 12))

    for score in baseline_scores(cells_of(table(rng), outcome), later, outcome).values():
        assert np.exp(score).sum() == pytest.approx(1, abs=1e-8)


@pytest.mark.parametrize("outcome", [SAVE, PLAYS], ids=["binary", "count"])
@pytest.mark.parametrize("fill", [0, 50])
def test_a_ledger_where_nothing_or_everything_happened_still_calls_all_possible(outcome, fill, rng):
    frame = table(rng).assign(saves=fill, plays=fill)
    later = rows_of(["a0", "new"], ["gym", "indie"], [0, 5], [5, 5])

    for score in baseline_scores(cells_of(frame, outcome), later, outcome).values():
        assert np.isfinite(score).all()


def test_a_cluster_of_few_pairs_borrows_the_scatter_of_all(rng):
    frame = table(rng)
    few = frame.iloc[:5].assign(cluster="jazz", saves=50)
    later = rows_of(["new", "new"], ["jazz", "nowhere"], [3, 3], [8, 8])

    found = baseline_scores(cells_of(pd.concat([frame, few]), SAVE), later, SAVE)["cluster_eb"]

    assert found[0] == pytest.approx(found[1])


def test_a_ledger_that_never_measured_the_outcome_scores_at_even_odds(rng):
    frame = table(rng).assign(saves=0, listeners=0)
    with pytest.warns(co.EvidenceWarning):
        cells = cells_of(frame, SAVE)

    found = baseline_scores(cells, rows_of(["new"], ["gym"], [1], [1]), SAVE)

    assert found["constant_rate"] == pytest.approx([np.log(0.5)])
