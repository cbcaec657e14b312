"""Scoring is believing without a fit: the same numbers, part by part, whoever computes them."""

import warnings
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context

import numpy as np
import pandas as pd
import pytest

import coterie as co
from tests.beliefs import by_hand
from tests.beliefs.small_world import NEW, OLD, SHARES, believing, rows


@pytest.fixture(scope="module")
def beliefs():
    return believing(OLD, np.random.default_rng(4))


@pytest.fixture(scope="module")
def population(beliefs):
    return beliefs.population


def catalogue(artists, rng):
    """Rows of many artists, two clusters, two weeks."""
    people = rng.integers(20, 300, size=(artists, 2, 2))
    return rows(
        *(
            (f"artist {a:04d}", cluster, week, rng.binomial(n := people[a, k, week - 1], 0.12), n)
            for a in range(artists)
            for k, cluster in enumerate(SHARES)
            for week in (1, 2)
        )
    )  # fmt: skip


def test_scores_of_artists_of_the_fit_are_what_the_fit_believes(beliefs, population):
    found = co.score(population, population.read(OLD), draws=400)
    fitted = beliefs.home.mean(("chain", "draw")).to_series()
    mine = found.set_index(["artist", "cluster"])["mean"]
    # 400 draws and 200 others of one posterior.
    error = float(found["sd"].max()) * np.sqrt(1 / 400 + 1 / 200)
    np.testing.assert_array_less(abs(mine - fitted.reindex(mine.index)), 4 * error)
    away = found.groupby("artist")["elsewhere"].first()
    np.testing.assert_allclose(mine.groupby("artist").sum() + away, 1.0, atol=1e-9)


@pytest.mark.parametrize("homes", ["one", "many"])
def test_a_score_is_the_integral_by_hand_at_every_draw_of_the_population(homes):
    population = believing(OLD, np.random.default_rng(4), homes).population
    found = co.score(population, population.read(OLD), draws=400).set_index(["artist", "cluster"])
    alpha = population.tree["posterior"]["alpha"].to_numpy().ravel()
    assert alpha.size == found.attrs["draws"] == 400
    for artist in "abc":
        rows = by_hand.rows_of(OLD, artist, lambda _: (1.0, alpha))
        _, belief, away = by_hand.believed(rows, homes=homes, own=21, fits=301)
        mine = found.loc[artist].loc[list(SHARES)]
        np.testing.assert_allclose(mine["mean"], belief.mean(axis=0), atol=2e-3)
        np.testing.assert_allclose(mine["sd"], belief.std(axis=0), atol=1e-3)
        ends = np.quantile(belief, [0.055, 0.945], axis=0)
        np.testing.assert_allclose(mine[["lower", "upper"]].T, ends, atol=5e-3)
        if homes == "one":
            np.testing.assert_allclose(mine["elsewhere"], away.mean(), atol=2e-3)
    assert found["mean"].max() - found["mean"].min() > 0.3


def test_a_score_does_not_depend_on_who_else_is_scored(population, rng):
    frame = catalogue(12, rng)
    whole = co.score(population, population.read(frame))
    alone = co.score(population, population.read(frame[frame["artist"] == "artist 0007"]))
    own = whole[whole["artist"] == "artist 0007"].reset_index(drop=True)
    pd.testing.assert_frame_equal(alone, own)


def test_a_prior_stated_for_the_newcomers_is_theirs(population):
    surer = co.MembershipPrior.from_shares({"indie": 0.9, "gym": 0.1}, elsewhere=0.05)
    found = co.score(population, population.read(OLD), prior=surer)
    own = found.set_index(["artist", "cluster"])["prior"]
    assert own["a", "gym"] == pytest.approx(0.095)
    assert own["a", "indie"] == pytest.approx(0.855)


def test_a_population_is_saved_small_and_scores_the_same(beliefs, population, tmp_path):
    population.save(tmp_path / "population.nc")
    beliefs.save(tmp_path / "beliefs.nc")
    sizes = [(tmp_path / f"{n}.nc").stat().st_size for n in ("population", "beliefs")]
    assert sizes[0] < sizes[1] / 2
    again = co.Population.load(tmp_path / "population.nc")
    pd.testing.assert_frame_equal(
        *(co.score(p, p.read(NEW.assign(artist="z"))) for p in (population, again))
    )


@pytest.mark.parametrize("workers", [None, "threads", "processes"])
def test_a_file_is_scored_in_parts_to_the_numbers_of_the_whole(population, rng, tmp_path, workers):
    frame = catalogue(30, rng)
    frame.to_parquet(tmp_path / "in.parquet")
    executor = {
        None: lambda: None,
        "threads": lambda: ThreadPoolExecutor(1),
        "processes": lambda: ProcessPoolExecutor(1, get_context("spawn")),
    }[workers]()
    try:
        count = co.score_file(
            population, tmp_path / "in.parquet", tmp_path / "out.parquet", rows=37, draws=8,
            executor=executor,
        )  # fmt: skip
    finally:
        if executor is not None:
            executor.shutdown()
    assert count == 30
    found = pd.read_parquet(tmp_path / "out.parquet")
    whole = co.score(population, population.read(frame), draws=8)
    pd.testing.assert_frame_equal(found, whole, check_dtype=False)


def test_an_artist_whose_rows_are_not_together_is_named_and_nothing_is_written(
    population, rng, tmp_path
):
    frame = catalogue(20, rng)
    mixed = pd.concat([frame, frame[frame["artist"] == "artist 0003"].assign(saves=0)])
    mixed.to_parquet(tmp_path / "in.parquet")
    with pytest.raises(co.EvidenceError, match=r"artist 'artist 0003'.*not together.*Sort"):
        co.score_file(
            population, tmp_path / "in.parquet", tmp_path / "out.parquet", rows=30, draws=4
        )
    assert [p.name for p in tmp_path.iterdir()] == ["in.parquet"]


def test_what_a_population_knows_nothing_of_is_refused(population):
    party = rows(("z", "party", 1, 3, 40), ("z", "gym", 1, 3, 40))
    with pytest.raises(co.BeliefError, match=r"Cluster 'party' is not one of the population's 2"):
        co.score(population, population.read(party))
    with pytest.raises(co.BeliefError, match=r"prior is about 3 clusters, and there are 2 here"):
        co.score(
            population, population.read(OLD),
            prior=co.MembershipPrior.uniform(["gym", "indie", "party"]),
        )  # fmt: skip


def test_two_new_weeks_are_drawn_each_by_its_own_name(population):
    both = rows(("y", "gym", 3, 9, 60), ("z", "gym", 5, 9, 60), ("z", "indie", 5, 9, 60))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", co.EvidenceWarning)
        found = [
            co.score(population, population.read(frame)).query("artist == 'z'")["mean"].to_numpy()
            for frame in (both, both[both["artist"] == "z"])
        ]
    np.testing.assert_array_equal(*found)


def test_rows_read_otherwise_than_the_fit_are_refused(population):
    other = co.Outcome.binary("add", successes="saves", trials="listeners")
    evidence = co.Evidence.from_frame(OLD, outcomes=[other], window="7D")
    with pytest.raises(co.BeliefError, match=r"other outcomes than .*population\.read"):
        co.score(population, evidence)
    with pytest.raises(co.BeliefError, match="other window"):
        co.score(population, co.Evidence.from_frame(OLD, outcomes=population.read(OLD).outcomes))


@pytest.mark.parametrize(
    ("how", "said"), [({"prob": 90}, "prob is 90"), ({"draws": 0}, "draws is 0")]
)
def test_numbers_that_cannot_be_are_refused(population, how, said):
    with pytest.raises(co.BeliefError, match=said):
        co.score(population, population.read(OLD), **how)


def test_beliefs_are_no_population_and_stopped_ones_give_none(beliefs, tmp_path):
    beliefs.save(tmp_path / "beliefs.nc")
    with pytest.raises(co.BeliefError, match="holds beliefs, not a population"):
        co.Population.load(tmp_path / "beliefs.nc")
    tree = beliefs.tree.copy()
    tree.attrs["coterie_interrupted"] = 1
    with pytest.raises(co.BeliefError, match="accept_partial"):
        _ = co.Beliefs(tree).population


def test_a_file_with_a_missing_artist_or_no_file_is_refused_in_words(population, rng, tmp_path):
    with pytest.raises(co.EvidenceError, match="There is no file"):
        co.score_file(population, tmp_path / "no.parquet", tmp_path / "out.parquet")
    frame = catalogue(3, rng)
    frame.loc[[3, 11], "artist"] = None
    frame.to_parquet(tmp_path / "in.parquet")
    with pytest.raises(co.EvidenceError, match="artist"):
        co.score_file(
            population, tmp_path / "in.parquet", tmp_path / "out.parquet", rows=4, draws=2
        )
    with pytest.raises(co.BeliefError, match=r"folder .* does not exist"):
        co.score_file(population, tmp_path / "in.parquet", tmp_path / "none" / "out.parquet")
