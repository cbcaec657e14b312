"""Two small worlds whose truth is known, against what a user would do instead of fitting.

The study over many worlds is proofs/correlated.py; this keeps its answer from changing
unnoticed.
"""

import warnings

import numpy as np
import pytest

import coterie as co

PI = 0.25
SAVE = co.Outcome.binary("save", successes="saves", trials="listeners")


@pytest.fixture(scope="module")
def worlds():
    """Worlds in which an artist belongs where its fits are among the quarter that is highest."""
    return [
        co.simulate.world(
            artists=50, clusters=8, homes="many", pi=PI, rng=np.random.default_rng(seed)
        )
        for seed in (1, 2)
    ]


@pytest.fixture(scope="module")
def truths(worlds):
    return [world.truth["member"].transpose("artist", "cluster").to_numpy() for world in worlds]


def believed(worlds, outcomes=None):
    """Fit each world, from all of its outcomes or some."""
    found = []
    for seed, world in enumerate(worlds):
        evidence = (
            world.evidence() if outcomes is None
            else co.Evidence.from_frame(world.frame, outcomes=outcomes)
        )  # fmt: skip
        prior = co.MembershipPrior.uniform(world.truth["cluster"].values.tolist(), prob=PI)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", co.ConvergenceWarning)
            beliefs = co.fit(
                evidence,
                prior,
                homes="many",
                draws=300,
                tune=300,
                chains=2,
                rng=np.random.default_rng(seed),
            )
        mean = beliefs.membership.mean(("chain", "draw"))
        mean = mean.sel(artist=world.truth["artist"], cluster=world.truth["cluster"])
        found.append(mean.transpose("artist", "cluster").to_numpy())
    return found


@pytest.fixture(scope="module")
def beliefs(worlds):
    return believed(worlds)


def score(found, truths):
    """Return the mean log probability of what was true, over both worlds."""
    near = np.clip(np.stack(found), 1e-3, 1 - 1e-3)
    return np.log(np.where(np.stack(truths), near, 1 - near)).mean()


@pytest.mark.slow
def test_beliefs_know_more_than_raw_rates_and_the_base_rate(worlds, truths, beliefs):
    shares = []
    for world in worlds:
        table = world.frame.assign(rate=world.frame["saves"] / world.frame["listeners"])
        wide = table.pivot_table(index="artist", columns="cluster", values="rate")
        wide = wide.loc[world.truth["artist"].values, world.truth["cluster"].values].to_numpy()
        shares.append(wide / wide.sum(axis=1, keepdims=True) * PI * wide.shape[1])

    assert score(beliefs, truths) > score(shares, truths) + 0.03
    assert score(beliefs, truths) > score(np.full(np.shape(truths), PI), truths) + 0.03


@pytest.mark.slow
def test_what_all_outcomes_say_together_is_worth_more_than_what_one_says(worlds, truths, beliefs):
    assert score(beliefs, truths) > score(believed(worlds, [SAVE]), truths) + 0.03


@pytest.mark.slow
def test_what_is_believed_with_a_chance_comes_true_as_often(truths, beliefs):
    found, true = np.stack(beliefs).ravel(), np.stack(truths).ravel()
    for low, high in ((0.0, 0.1), (0.1, 0.3), (0.3, 0.6), (0.6, 1.0)):
        some = (low <= found) & (found < high)
        assert some.sum() > 40
        # Beliefs of one world err together, through its population: twice the independent error.
        error = 2 * np.sqrt((found[some] * (1 - found[some])).sum()) / some.sum()
        assert abs(true[some].mean() - found[some].mean()) < 3 * error


@pytest.mark.slow
def test_beliefs_sum_to_what_is_true(truths, beliefs):
    found, true = np.stack(beliefs), np.stack(truths)
    # Beliefs of one world err together, through its population: twice the independent error.
    error = 2 * np.sqrt((found * (1 - found)).sum())

    assert abs((true - found).sum()) < 3 * error
