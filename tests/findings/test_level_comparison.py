"""Does one framing convert here and another there: by hand, and on draws of a known law."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from scipy.stats import norm

import coterie as co
from tests.beliefs.stated_world import SAVE, STREAM, read, stating

ROWS = pd.DataFrame(
    {
        "artist": ["a"] * 6,
        "cluster": ["gym", "gym", "gym", "indie", "indie", "night"],
        "creative": ["live", "story", "text", "live", "story", "live"],
        "saves": [10, 20, 5, 10, 10, 4],
        "listeners": [100, 200, 100, 50, 50, 60],
        "streams": [30, 50, 20, 10, 10, 9],
        "hours": [10.0, 20.0, 10.0, 5.0, 5.0, 6.0],
    }
)
CROSSED = {"crossed": [("creative", "cluster")]}
DRAWS = 2000


def compared(beliefs, **arguments):
    return co.compare_levels(beliefs, "creative", rng=np.random.default_rng(1), **arguments)


@pytest.fixture(scope="module")
def counting():
    """Compare live with story: log ratios of sd 0.2 about 0.4 in gym and about -0.4 in indie.

    All levels of one draw share a level that moves far more.
    """
    evidence = read(ROWS, outcomes=(STREAM,), **CROSSED)
    rng = np.random.default_rng(5)
    size = evidence.counts["creative x cluster"].to_numpy()
    levels = sorted(set(size.tolist()))
    effect = np.zeros((2, DRAWS, len(levels), 1))
    for label, mean in (("live x gym", 0.4), ("live x indie", -0.4)):
        effect[:, :, levels.index(label), 0] = rng.normal(mean, 0.2, (2, DRAWS))
    beliefs = stating(
        evidence, {"creative x cluster": effect}, draws=DRAWS,
        alpha=rng.normal(0, 2, (2, DRAWS, 1)),
    )  # fmt: skip
    return compared(beliefs, first="live", second="story", rope=0.1)


def test_ratios_and_probabilities_are_those_of_their_law(counting):
    own = counting.table.sel(level="live", outcome="stream")

    # 1000 draws: errors of a median, a quantile and a probability.
    assert float(np.log(own["ratio"].sel(cluster="gym"))) == pytest.approx(0.4, abs=0.03)
    assert float(np.log(own["ratio"].sel(cluster="indie"))) == pytest.approx(-0.4, abs=0.03)
    above = norm.sf(0, 0.4, 0.2)
    assert float(own["p_above"].sel(cluster="gym")) == pytest.approx(above, abs=0.02)
    rope = np.log(1.1)
    real = norm.sf(rope, 0.4, 0.2) + norm.cdf(-rope, 0.4, 0.2)
    assert float(own["p_real"].sel(cluster="gym")) == pytest.approx(real, abs=0.04)
    assert own["ratio"].attrs["ci_kind"] in {"eti", "hdi"}
    z = norm.ppf((1 + own["ratio"].attrs["ci_prob"]) / 2)
    assert float(np.log(own["upper"].sel(cluster="gym"))) == pytest.approx(0.4 + z * 0.2, abs=0.06)


def test_a_level_better_here_and_worse_there_is_said_to_depend_on_the_cluster(counting):
    rope = np.log(1.1)
    # Night has no row of story: its combination there is 0, as live's is. Both of the other two
    # clusters beyond the rope, each its own way.
    depends = norm.sf(rope, 0.4, 0.2) * norm.cdf(-rope, -0.4, 0.2)

    assert float(counting.table["p_depends"].sel(outcome="stream")) == pytest.approx(
        depends, abs=0.05
    )
    assert "'gym'" in counting.headline
    assert "'indie'" in counting.headline
    assert "depends on the cluster" in counting.headline


def test_a_clusters_ratio_stands_against_that_of_all_clusters(counting):
    own = counting.table.sel(level="live", outcome="stream", cluster="gym")

    # 0.4 less the mean of 0.4, -0.4 and 0.
    assert float(np.log(own["against_all"])) == pytest.approx(0.4, abs=0.03)
    assert float(own["p_differs"]) > 0.9


def test_without_a_crossing_the_ratio_is_alike_everywhere_and_a_caveat_says_so():
    beliefs = stating(
        read(ROWS, outcomes=(SAVE, STREAM), factors=["creative"]),
        {"creative": {"live": 0.5}, "cluster": {"gym": 1.0}},
    )
    found = compared(beliefs, first="live", second="story")
    ratio = found.table["ratio"].sel(level="live")

    np.testing.assert_allclose(ratio.sel(outcome="stream"), np.exp(0.5))
    np.testing.assert_allclose(ratio.sel(outcome="save", cluster="gym"), expit(0.5) / expit(0.0))
    assert float(found.table["p_depends"].max()) == 0
    assert "by construction" in found.caveats[0]
    assert "crossed=[('creative', \"cluster\")]" in found.caveats[0]


def test_each_level_is_compared_with_the_mean_rate_of_the_others():
    beliefs = stating(read(ROWS, outcomes=(STREAM,), **CROSSED), {"creative": {"live": 0.5}})
    found = compared(beliefs)
    ratio = found.table["ratio"].sel(cluster="gym", outcome="stream")

    assert ratio["level"].to_numpy().tolist() == ["live", "story", "text"]
    np.testing.assert_allclose(ratio, [np.exp(0.5), 2 / (1 + np.exp(0.5)), 2 / (1 + np.exp(0.5))])
    assert "by construction" not in " ".join(found.caveats)
    # Story in night, text in indie and in night.
    assert "3 of 9 pairs" in " ".join(found.caveats)
    assert float(found.table["reached"].sel(level="story", cluster="gym", outcome="stream")) == 20


def test_a_pair_never_seen_is_as_unsure_as_its_population():
    beliefs = stating(
        read(ROWS, outcomes=(STREAM,), **CROSSED), {}, scales={"creative x cluster": 0.3},
        draws=DRAWS,
    )  # fmt: skip
    found = compared(beliefs, first="story", second="live", prob=0.9)
    own = found.table.sel(level="story", outcome="stream", cluster="night")

    half = norm.ppf(0.95) * 0.3
    assert float(np.log(own["upper"] / own["lower"])) / 2 == pytest.approx(half, rel=0.12)
    gym = found.table.sel(level="story", outcome="stream", cluster="gym")
    assert float(gym["upper"]) == float(gym["lower"]) == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"first": "poem"}, "'poem' is no level of 'creative'; 3 are known"),
        ({"first": "live", "second": "live"}, "two different ones"),
        ({"second": "live"}, "two different ones"),
        ({"rope": -0.1}, "rope is -0.1"),
        ({"prob": 1.0}, "prob is 1.0"),
        ({"prob": "most"}, "prob is 'most'"),
    ],
)
def test_a_question_that_means_nothing_is_refused(arguments, said):
    beliefs = stating(read(ROWS, **CROSSED), {})

    with pytest.raises(co.FindingError, match=said):
        compared(beliefs, **arguments)


@pytest.mark.parametrize("factor", ["mood", "creative x cluster"])
def test_a_factor_that_cannot_be_chosen_is_refused(factor):
    with pytest.raises(co.BeliefError, match="these beliefs have 'creative'"):
        co.compare_levels(stating(read(ROWS, **CROSSED), {}), factor, rng=np.random.default_rng(1))
