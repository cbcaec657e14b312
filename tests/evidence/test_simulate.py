"""Worlds follow the model they state, and their truth stands beside their table."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from coterie import names
from coterie.errors import EvidenceError
from coterie.evidence import simulate
from coterie.evidence.outcomes import Outcome
from coterie.evidence.windows import parse_window, window_labels

SAVE, ADD, FOLLOW, DEPTH = range(4)
ADOPTION = Outcome.binary("adoption", successes="listeners", trials="audience", informs="organic")
KEEP = Outcome.binary("save", successes="saves", trials="listeners")
SKIP = Outcome.binary("skip", successes="skips", trials="listeners", informs=False)


def flat(**changed):
    """Parameters without any effect but those named."""
    plain = simulate.plausible()
    off = dict.fromkeys(
        ["loading", "kappa_spread", "artist_scale", "cluster_scale", "period_scale"],
        np.zeros(4),
    )
    stated = off | {name: np.broadcast_to(value, 4) for name, value in changed.items()}
    return dataclasses.replace(plain, **stated)


def logit(p):
    return np.log(p) - np.log1p(-p)


@pytest.fixture
def rng():
    return np.random.default_rng(20)


def test_a_world_shows_itself_in_one_line(rng):
    drawn = simulate.world(artists=3, clusters=2, rng=rng)
    assert repr(drawn) == "World(3 artists, 2 clusters, 6 rows; save, add, follow, depth)"


def test_rates_have_the_mean_and_variance_of_their_beta_and_gamma(rng):
    given = flat(kappa=[30.0, 300.0, 400.0, 5.0])
    drawn = simulate.world(artists=500, clusters=10, parameters=given, rng=rng)
    rate, cells = drawn.truth["rate"].values, 5000
    mean = np.append(1 / (1 + np.exp(-given.alpha[:3])), np.exp(given.alpha[3]))
    variance = np.append(
        mean[:3] * (1 - mean[:3]) / (given.kappa[:3] + 1), mean[3] ** 2 / given.kappa[3]
    )
    # Standard errors over 5,000 independent cells; these laws have a kurtosis below 5.
    assert (np.abs(rate.mean(0) - mean) < 4 * np.sqrt(variance / cells)).all()
    assert (np.abs(rate.var(0) - variance) < 4 * variance * np.sqrt(4 / cells)).all()


def test_counts_scatter_around_their_cell_rate_as_binomial_and_poisson(rng):
    drawn = simulate.world(artists=500, clusters=10, rng=rng)
    frame, rate = drawn.frame, drawn.truth["rate"].values
    people, new = frame["listeners"].to_numpy(), frame["new_listeners"].to_numpy()
    expected = people * rate[:, SAVE]
    saves = (frame["saves"] - expected) ** 2 / (expected * (1 - rate[:, SAVE]))
    streams = (frame["downstream_streams"] - new * rate[:, DEPTH]) ** 2 / (new * rate[:, DEPTH])
    for squares in (saves, streams):  # a squared standard score: mean 1, standard error ~ sd / 71
        assert abs(squares.mean() - 1) < 4 * squares.std() / np.sqrt(len(squares))


def test_without_cell_noise_every_rate_is_the_sum_of_its_effects(rng):
    given = dataclasses.replace(simulate.plausible(), kappa=np.full(4, np.inf))
    drawn = simulate.world(
        artists=7,
        clusters=3,
        homes="many",
        windows=3,
        parameters=given,
        factors={"geo": 2, "context": 3},
        rng=rng,
    )
    truth, frame = drawn.truth, drawn.frame
    at = {
        dim: xr.DataArray(frame[dim].to_numpy(), dims="row")
        for dim in ("artist", "cluster", "geo", "context")
    }
    labels = window_labels(parse_window("28D"), frame["period_start"].to_numpy())
    level = (
        truth["alpha"]
        + truth["artist_effect"].sel(artist=at["artist"])
        + truth["cluster_effect"].sel(cluster=at["cluster"])
        + truth["period_effect"].sel(
            cluster=at["cluster"], window=xr.DataArray(labels.astype(str), dims="row")
        )
        + truth["factor_effect_geo"].sel(geo=at["geo"])
        + truth["factor_effect_context"].sel(context=at["context"])
        + truth["affinity"].sel(artist=at["artist"], cluster=at["cluster"]) * truth["loading"]
    ).transpose("row", "outcome")

    np.testing.assert_allclose(logit(truth["rate"].values[:, :3]), level.values[:, :3], atol=1e-10)
    np.testing.assert_allclose(np.log(truth["rate"].values[:, 3]), level.values[:, 3], atol=1e-10)
    assert len(frame) == 7 * 3 * 3 * 2 * 3


def test_effects_have_the_scales_that_were_stated(rng):
    given = flat(artist_scale=0.4, cluster_scale=0.8, period_scale=0.2)
    truth = simulate.world(
        artists=300, clusters=100, windows=2, parameters=given, sizes=(1, 1), rng=rng
    ).truth
    for effect, scale in (("artist", 0.4), ("cluster", 0.8), ("period", 0.2)):
        values = truth[f"{effect}_effect"].values
        error = scale / np.sqrt(2 * values.size)  # of a standard deviation, Normal draws
        assert values.std() == pytest.approx(scale, abs=4 * error)


def test_cells_of_a_cluster_scatter_by_that_clusters_own_kappa(rng):
    given = flat(kappa_spread=0.7, kappa=100.0)
    truth = simulate.world(artists=2000, clusters=4, parameters=given, rng=rng).truth
    rate = truth["rate"].values.reshape(2000, 4, 4)[:, :, SAVE]
    kappa = 100 * np.exp(0.7 * truth["kappa_cluster"].values[:, SAVE])
    mean = 1 / (1 + np.exp(2.6))
    variance = mean * (1 - mean) / (kappa + 1)
    # The variance of 2,000 draws of kurtosis below 5 has a relative standard error of 0.045.
    assert (np.abs(rate.var(0) / variance - 1) < 4 * np.sqrt(4 / 2000)).all()
    assert np.ptp(kappa) > 20


def test_homes_follow_their_shares_and_elsewhere(rng):
    artists = 4000
    drawn = simulate.world(
        artists=artists,
        clusters=["a", "b", "c"],
        shares=[5, 3, 2],
        elsewhere=0.2,
        sizes=(1, 1),
        rng=rng,
    )
    found = drawn.truth["home"].to_series().value_counts(normalize=True)
    for place, prob in {"a": 0.4, "b": 0.24, "c": 0.16, "elsewhere": 0.2}.items():
        assert found[place] == pytest.approx(prob, abs=4 * np.sqrt(prob * (1 - prob) / artists))


def test_one_home_is_one_member_and_elsewhere_is_none(rng):
    truth = simulate.world(artists=200, clusters=5, rng=rng).truth
    home, member = truth["home"].values, truth["member"].values
    at_home = home[:, None] == truth["cluster"].values

    assert (member == at_home).all()
    assert (member.sum(1) == (home != "elsewhere")).all()
    assert (home == "elsewhere").any()


def test_many_homes_have_the_stated_probability_in_each_cluster(rng):
    pi, artists = np.array([0.1, 0.25, 0.6]), 4000
    truth = simulate.world(
        artists=artists, clusters=3, homes="many", pi=pi, sizes=(1, 1), rng=rng
    ).truth
    error = np.sqrt(pi * (1 - pi) / artists)
    assert (np.abs(truth["member"].values.mean(0) - pi) < 4 * error).all()
    assert "home" not in truth


def test_a_world_without_members_has_none_and_keeps_its_affinity(rng):
    truth = simulate.world(homes=None, rng=rng).truth
    assert not truth["member"].any()
    assert truth["affinity"].std() > 0.9
    assert "home" not in truth


@pytest.mark.parametrize("fits", ["normal", "exponential", "student"])
@pytest.mark.parametrize("elsewhere", [0.0, 0.3])
def test_the_home_of_an_artist_has_its_highest_affinity(fits, elsewhere, rng):
    truth = simulate.world(
        artists=2000, clusters=4, shares=[6, 2, 1, 1], elsewhere=elsewhere, fits=fits,
        sizes=(1, 1), rng=rng,
    ).truth  # fmt: skip
    home, affinity = truth["home"].values, truth["affinity"].values
    highest = truth["cluster"].values[affinity.argmax(axis=1)]
    named = home != "elsewhere"
    assert (home[named] == highest[named]).all()
    assert named.all() == (elsewhere == 0)


def test_unequal_shares_only_move_where_the_highest_affinity_is(rng):
    """Sorted, an artist's affinities are those of exchangeable clusters, whatever the shares."""
    stated = {"artists": 20_000, "clusters": 3, "elsewhere": 0.0, "sizes": (1, 1)}
    truth = simulate.world(**stated, shares=[8, 1, 1], rng=rng).truth
    ordered = np.sort(truth["affinity"].values, axis=1)
    # Expected order statistics of three standard normals: -+ 3 / (2 sqrt(pi)) and 0.
    expected = np.array([-1.0, 0.0, 1.0]) * 3 / (2 * np.sqrt(np.pi))
    error = ordered.std(axis=0) / np.sqrt(20_000)
    assert (np.abs(ordered.mean(axis=0) - expected) < 4 * error).all()


@pytest.mark.parametrize("homes", ["one", "many", None])
@pytest.mark.parametrize("fits", ["normal", "exponential", "student"])
def test_every_law_of_fits_has_mean_0_and_variance_1(fits, homes, rng):
    truth = simulate.world(
        artists=25_000, clusters=4, homes=homes, elsewhere=0.0, fits=fits, sizes=(1, 1), rng=rng
    ).truth
    affinity = truth["affinity"].values
    assert affinity.mean() == pytest.approx(0, abs=4 / np.sqrt(affinity.size))
    if fits != "student":  # kurtosis of 5.4 at most: the variance has a standard error
        assert affinity.var() == pytest.approx(1, abs=4 * np.sqrt(4.4 / affinity.size))
        return
    # Of t with 3 degrees of freedom, scaled: its quartiles, and a share of 3 % beyond 1.84
    # (t beyond 3.18). Its fourth moment is endless, so that its variance cannot be tested alike.
    low, high = np.quantile(affinity, [0.25, 0.75]) * np.sqrt(3)
    assert [low, high] == pytest.approx([-0.7649, 0.7649], abs=0.02)
    beyond = (np.abs(affinity) * np.sqrt(3) > 3.1824).mean()
    assert beyond == pytest.approx(0.05, abs=4 * np.sqrt(0.05 * 0.95 / affinity.size))


def test_an_exponential_law_has_its_heavy_tail_to_the_left(rng):
    affinity = simulate.world(
        artists=25_000, clusters=4, homes=None, fits="exponential", sizes=(1, 1), rng=rng
    ).truth["affinity"].values.ravel()  # fmt: skip
    # Skewness of the logarithm of an exponential variable: -1.1395.
    assert (affinity**3).mean() == pytest.approx(-1.1395, abs=0.1)


@pytest.mark.parametrize("fits", ["normal", "exponential", "student"])
def test_with_many_homes_members_are_the_pi_highest(fits, rng):
    pi, artists = np.array([0.0, 0.1, 0.25, 0.6, 1.0]), 10_000
    truth = simulate.world(
        artists=artists, clusters=5, homes="many", pi=pi, fits=fits, sizes=(1, 1), rng=rng
    ).truth
    member, affinity = truth["member"].values, truth["affinity"].values
    error = np.sqrt(pi * (1 - pi) / artists)
    assert (np.abs(member.mean(0) - pi) <= 4 * error).all()
    for k in range(1, 4):
        assert affinity[member[:, k], k].min() > affinity[~member[:, k], k].max()


def test_a_mixture_sets_members_two_standard_deviations_above_others(rng):
    pi, artists = np.array([0.1, 0.4]), 20_000
    truth = simulate.world(
        artists=artists, clusters=2, homes="many", pi=pi, fits="mixture", sizes=(1, 1), rng=rng
    ).truth
    member, affinity = truth["member"].values, truth["affinity"].values
    assert (np.abs(member.mean(0) - pi) < 4 * np.sqrt(pi * (1 - pi) / artists)).all()
    for of, level in ((member, 2.0), (~member, 0.0)):
        own = affinity[of]
        assert own.mean() == pytest.approx(level, abs=4 / np.sqrt(own.size))
        assert own.std() == pytest.approx(1, abs=4 / np.sqrt(2 * own.size))


def test_a_mixture_with_one_home_lifts_the_home_alone_and_none_elsewhere(rng):
    truth = simulate.world(
        artists=20_000, clusters=3, elsewhere=0.3, fits="mixture", sizes=(1, 1), rng=rng
    ).truth
    member, affinity = truth["member"].values, truth["affinity"].values
    away = (truth["home"] == "elsewhere").values
    assert (member == (truth["home"].values[:, None] == truth["cluster"].values)).all()
    for of, level in ((member, 2.0), (~member, 0.0)):
        own = affinity[of]
        assert own.mean() == pytest.approx(level, abs=4 / np.sqrt(own.size))
    assert affinity[away].mean() == pytest.approx(0, abs=4 / np.sqrt(affinity[away].size))


def test_where_nobody_belongs_anywhere_no_artist_answers_otherwise_anywhere(rng):
    given = flat(kappa=np.inf, artist_scale=0.3, cluster_scale=0.3)
    rate = simulate.world(artists=9, clusters=4, parameters=given, rng=rng).truth["rate"].values
    level = logit(rate[:, SAVE]).reshape(9, 4)
    additive = level.mean(0) + level.mean(1, keepdims=True) - level.mean()
    np.testing.assert_allclose(level, additive, atol=1e-10)


def test_a_loading_adds_itself_for_each_standard_deviation_of_affinity(rng):
    loading = np.array([0.6, 0.5, 0.6, 0.5])
    truth = simulate.world(parameters=flat(kappa=np.inf, loading=loading), rng=rng).truth
    affinity = truth["affinity"].values.ravel()
    rate = truth["rate"].values
    np.testing.assert_allclose(logit(rate[:, SAVE]), -2.6 + 0.6 * affinity, atol=1e-10)
    np.testing.assert_allclose(np.log(rate[:, DEPTH]), 0.2 + 0.5 * affinity, atol=1e-10)


def test_a_loading_correlates_outcomes_and_no_loading_leaves_them_apart(rng):
    def correlation(loading):
        given = flat(alpha=-1.0, kappa=300.0, loading=loading)
        drawn = simulate.world(artists=300, clusters=10, homes=None, parameters=given, rng=rng)
        rate = drawn.truth["rate"].values
        return np.corrcoef(logit(rate[:, SAVE]), logit(rate[:, ADD]))[0, 1]

    # Noise of logit(p) at mean 0.27, kappa 300: variance 1 / (301 * 0.197) = 0.017.
    # With loading 0.3 the shared part is 0.09 of 0.107, so the correlation is 0.84.
    assert correlation(0.3) == pytest.approx(0.84, abs=0.03)
    assert abs(correlation(0.0)) < 4 / np.sqrt(3000)


def test_what_is_missing_is_missing_and_the_rest_is_as_it_was():
    full = simulate.world(artists=200, rng=np.random.default_rng(3)).frame
    holed = simulate.world(artists=200, missing=0.3, rng=np.random.default_rng(3)).frame
    counted = ["saves", "adds", "follows", "downstream_streams"]
    gone = holed[counted].isna()

    # 1,600 entries a column: standard error 0.0115.
    assert gone.mean().to_numpy() == pytest.approx(0.3, abs=4 * 0.0115)
    assert not holed.drop(columns=counted).isna().any(axis=None)
    for column in counted:
        kept = ~gone[column]
        assert (holed.loc[kept, column] == full.loc[kept, column]).all()
        assert (full.loc[gone[column], column] > 0).any()


def test_missing_entries_of_different_outcomes_are_independent(rng):
    gone = simulate.world(artists=500, missing=0.5, rng=rng).frame[["saves", "adds"]].isna()
    assert abs(np.corrcoef(gone.to_numpy().T.astype(float))[0, 1]) < 4 / np.sqrt(4000)


def test_listeners_have_the_mean_that_was_asked_for(rng):
    people = simulate.world(artists=500, clusters=10, listeners=40, rng=rng).frame["listeners"]
    # Variance of 1 + Poisson(Gamma(2, 19.5)): 39 + 39**2 / 2 = 800.
    assert people.mean() == pytest.approx(40, abs=4 * np.sqrt(800 / 5000))
    assert people.min() >= 1


def test_six_in_ten_listeners_are_new(rng):
    frame = simulate.world(artists=500, clusters=10, sizes=(1001, 1001), rng=rng).frame
    # 1 + Binomial(1000, 0.6): mean 601, variance 240.
    assert frame["new_listeners"].mean() == pytest.approx(601, abs=4 * np.sqrt(240 / 5000))


def test_unequal_sizes_are_log_uniform_between_their_bounds(rng):
    people = simulate.world(artists=500, clusters=10, sizes=(10, 100_000), rng=rng).frame[
        "listeners"
    ]
    span = np.log(10_000)
    assert people.between(10, 100_000).all()
    assert np.log(people).mean() == pytest.approx(
        np.log(10) + span / 2, abs=4 * span / np.sqrt(12 * 5000)
    )


def test_binary_outcomes_never_exceed_their_people_even_with_one_listener(rng):
    frame = simulate.world(artists=300, listeners=1, rng=rng).frame
    assert (frame["listeners"] == 1).all()
    assert (frame["new_listeners"] == 1).all()
    for column in ("saves", "adds", "follows"):
        assert frame[column].between(0, frame["listeners"]).all()


def test_one_generator_gives_one_world_and_another_gives_another():
    def drawn(seed):
        rng = np.random.default_rng(seed)
        return simulate.world(windows=2, factors={"geo": 2, "context": 2}, missing=0.1, rng=rng)

    pd.testing.assert_frame_equal(drawn(1).frame, drawn(1).frame)
    xr.testing.assert_identical(drawn(1).truth, drawn(1).truth)
    assert not drawn(1).frame["saves"].equals(drawn(2).frame["saves"])


def test_absent_pairs_have_no_row_but_keep_their_truth(rng):
    drawn = simulate.world(artists=300, clusters=8, absent=0.4, windows=2, rng=rng)
    present = drawn.truth["present"].to_series()
    pairs = drawn.frame.groupby(["artist", "cluster"]).size()

    assert set(pairs.index) == set(present.index[present])
    assert (pairs == 2).all()
    assert present.mean() == pytest.approx(0.6, abs=4 * np.sqrt(0.24 / 2400))
    assert not drawn.truth["affinity"].isnull().any()
    assert drawn.truth.sizes["row"] == len(drawn.frame)


def test_rates_beside_rows_stay_beside_them_when_pairs_are_absent(rng):
    given = flat(kappa=np.inf, loading=1.0)
    drawn = simulate.world(homes="many", absent=0.5, parameters=given, rng=rng)
    affinity = drawn.truth["affinity"].to_series()
    of_row = affinity.loc[list(zip(drawn.frame["artist"], drawn.frame["cluster"], strict=True))]
    answers = logit(drawn.truth["rate"].values[:, SAVE])
    np.testing.assert_allclose(answers, -2.6 + of_row.to_numpy(), atol=1e-10)


@pytest.mark.parametrize("window", ["7D", "28D", "30D", "month", "quarter", "12h"])
def test_every_period_lies_inside_the_window_that_truth_names(window, rng):
    drawn = simulate.world(artists=2, clusters=2, windows=3, window=window, rng=rng)
    cut = parse_window(window)
    starts, ends = (drawn.frame[c].to_numpy() for c in ("period_start", "period_end"))

    assert (cut.number(starts) == cut.number(ends)).all()
    assert (ends >= starts).all()
    assert list(dict.fromkeys(window_labels(cut, starts))) == drawn.truth["window"].values.tolist()
    assert len(set(starts)) == 3


def test_a_single_window_is_called_all_and_states_no_period(rng):
    drawn = simulate.world(rng=rng)
    assert drawn.truth["window"].values.tolist() == ["all"]
    assert not {"period_start", "period_end"} & set(drawn.frame.columns)


def test_later_windows_follow_and_keep_everything_but_drift_and_noise(rng):
    before = simulate.world(windows=2, absent=0.2, factors={"geo": 2}, rng=rng)
    after = simulate.later(before, windows=2, rng=rng)
    fresh = {"period_effect", "rate"}

    for name in set(before.truth.data_vars) - fresh:
        xr.testing.assert_identical(before.truth[name], after.truth[name])
    for name in fresh:
        assert not np.isclose(before.truth[name], after.truth[name]).any()
    days = pd.Timedelta(days=1)
    assert after.frame["period_start"].min() == before.frame["period_end"].max() + days
    third = simulate.later(after, rng=rng)
    assert third.frame["period_start"].min() == after.frame["period_end"].max() + days


def test_clusters_that_walk_take_independent_steps_of_the_stated_scale_and_go_on_later(rng):
    stated = {"clusters": 400, "artists": 1, "windows": 6, "drift": "walk", "absent": 0.0}
    first = simulate.world(**stated, rng=rng)
    then = simulate.later(first, windows=2, rng=rng)
    effect = np.concatenate([w.truth["period_effect"].to_numpy() for w in (first, then)], axis=1)
    steps = np.diff(effect, axis=1, prepend=0.0)
    # 400 x 8 steps of each outcome: standard error of a scale 0.15 / sqrt(6,400).
    np.testing.assert_allclose(steps.std(axis=(0, 1)), 0.15, atol=4 * 0.15 / np.sqrt(6400))
    np.testing.assert_allclose(effect[:, -1].std(axis=0), 0.15 * np.sqrt(8), rtol=4 / np.sqrt(800))
    flat = steps.transpose(1, 0, 2).reshape(8, -1)
    apart = np.corrcoef(flat)[~np.eye(8, dtype=bool)]
    assert np.abs(apart).max() < 5 / np.sqrt(1600)
    with pytest.raises(EvidenceError, match="drift is 'random'"):
        simulate.world(drift="random", rng=rng)


def test_later_rates_stay_close_to_those_of_the_same_cells(rng):
    given = flat(artist_scale=0.5, kappa=3000.0)
    before = simulate.world(parameters=given, rng=rng)
    after = simulate.later(before, rng=rng)
    rates = [logit(w.truth["rate"].values[:, SAVE]) for w in (before, after)]
    # Artists: variance 0.25; cell noise: 1 / (3001 * 0.064) = 0.005. Correlation 0.98.
    assert np.corrcoef(rates)[0, 1] > 0.95


def test_an_outcome_that_does_not_inform_gets_no_loading(rng):
    drawn = simulate.world(outcomes=[KEEP, SKIP], rng=rng)
    assert drawn.truth["loading"].values.tolist() == [0.5, 0.0]


def test_counted_listeners_are_the_people_who_could_save(rng):
    drawn = simulate.world(outcomes=[KEEP, ADOPTION], listeners=5000, missing=0.2, rng=rng)
    frame = drawn.frame
    known = frame["audience"].notna()
    assert (frame["listeners"][known] <= frame["audience"][known]).all()
    assert (frame["saves"].dropna() <= frame["listeners"][frame["saves"].notna()]).all()
    assert not frame["listeners"].isna().any()
    assert 0.1 < 1 - known.mean() < 0.3


def test_no_noise_is_left_at_an_endless_kappa_and_little_at_a_huge_one(rng):
    exact = simulate.world(parameters=flat(kappa=np.inf), rng=rng).truth["rate"].values
    huge = simulate.world(parameters=flat(kappa=1e14), rng=rng).truth["rate"].values
    assert np.ptp(exact, axis=0).max() == 0
    np.testing.assert_allclose(huge, exact, rtol=1e-5)  # sd of p is 1e-7 of 1 here


@pytest.mark.parametrize("kappa", [1e-3, 1e-12, 1e-308])
def test_a_vanishing_kappa_leaves_cells_all_or_nothing_with_the_right_mean(kappa, rng):
    given = flat(kappa=[kappa, kappa, kappa, 5.0])
    rate = simulate.world(artists=500, clusters=10, parameters=given, rng=rng).truth["rate"]
    save = rate.values[:, SAVE]
    mean = 1 / (1 + np.exp(2.6))
    assert ((save < 1e-3) | (save > 1 - 1e-3)).mean() > 0.98
    assert save.mean() == pytest.approx(mean, abs=4 * np.sqrt(mean * (1 - mean) / 5000))


@pytest.mark.parametrize("alpha", [-800.0, 800.0])
def test_levels_past_every_float_give_rates_of_nobody_or_everybody(alpha, rng):
    given = flat(alpha=[alpha, alpha, alpha, 0.0])
    rate = simulate.world(parameters=given, rng=rng).truth["rate"].values[:, :3]
    assert (rate == (alpha > 0)).all()


def test_truth_speaks_the_shared_names_and_labels(rng):
    truth = simulate.world(factors={"context": 2}, rng=rng).truth
    shared = {word for word in vars(names).values() if isinstance(word, str)}
    known = shared | {"member", "present", "factor_effect_context", "factor_scale_context"}
    assert set(truth.data_vars) <= known
    assert truth["outcome"].values.tolist() == ["save", "add", "follow", "depth"]
    assert truth["kappa_cluster"].dims == ("cluster", "outcome")
    assert truth["affinity"].dims == ("artist", "cluster")


class OneDraw:
    def draw(self, outcomes, *, rng):
        size = len(outcomes)
        parameters = dataclasses.asdict(simulate.plausible(outcomes)) | {"pi": 0.3}
        return parameters | {"alpha": rng.normal(-2, 0.1, size), "factor_scale": np.ones(size)}


def test_a_prior_that_draws_parameters_makes_the_world_it_drew():
    outcomes = (KEEP, SKIP)
    drawn = simulate.draw_parameters(OneDraw(), outcomes, rng=np.random.default_rng(5))
    by_mapping = OneDraw().draw(outcomes, rng=np.random.default_rng(5))
    a, b = (
        simulate.world(outcomes=outcomes, parameters=p, rng=np.random.default_rng(6))
        for p in (drawn, by_mapping)
    )
    xr.testing.assert_identical(a.truth, b.truth)
    assert a.truth["alpha"].values == pytest.approx(by_mapping["alpha"], abs=0)


def test_each_factor_takes_its_own_scale_from_a_mapping(rng):
    given = dataclasses.asdict(flat())
    del given["factor_scale"]
    scales = {"factor_scale_geo": np.zeros(4), "factor_scale_context": np.full(4, 2.0)}
    truth = simulate.world(
        parameters=given | scales, factors={"geo": 3, "context": 3}, rng=rng
    ).truth
    assert not truth["factor_effect_geo"].any()
    assert truth["factor_effect_context"].std() > 0.5


def test_parameters_cannot_be_changed_through_the_array_they_came_from():
    alpha = np.zeros(4)
    given = flat(alpha=alpha)
    alpha[:] = 9
    assert not given.alpha.any()
    with pytest.raises(ValueError, match="read-only"):
        given.alpha[0] = 1


@pytest.mark.parametrize(
    ("stated", "said"),
    [
        ({"homes": "two"}, "homes is 'two'"),
        ({"fits": "cauchy"}, "fits is 'cauchy'"),
        ({"elsewhere": 1.5}, "elsewhere is 1.5"),
        ({"elsewhere": float("nan")}, "elsewhere is nan"),
        ({"homes": "many", "pi": [0.5, 0.5]}, "pi has 2 values; there are 8 clusters"),
        ({"homes": "many", "pi": -0.1}, "pi is -0.1"),
        ({"shares": [1, 2]}, "state 8 shares"),
        ({"shares": [0] * 8}, "not all 0"),
        ({"missing": 1.0}, "missing is 1.0"),
        ({"absent": 1.0}, "no pair of this world has a row"),
        ({"listeners": 0}, "listeners is 0"),
        ({"sizes": (100, 10)}, r"sizes is \(100, 10\)"),
        ({"windows": 0}, "windows is 0"),
        ({"window": "soon"}, "window is 'soon'"),
        ({"artists": 0}, "0 labels of 'artist'"),
        ({"clusters": ["a", "a"]}, "1 of them distinct"),
        ({"factors": {"affinity": 2}}, "factor 'affinity'"),
        ({"factors": {"geo": 0}}, "0 labels of 'geo'"),
        ({"outcomes": []}, "there is no outcome"),
        ({"outcomes": [KEEP, dataclasses.replace(KEEP, name="kept")]}, "'saves' is counted by two"),
        ({"parameters": simulate.plausible([KEEP])}, "stated for 1 outcomes; this world has 4"),
        ({"parameters": {"alpha": np.zeros(4)}}, "parameters lack loading"),
    ],
)
def test_a_world_that_cannot_stand_is_refused_by_what_is_wrong_with_it(stated, said, rng):
    with pytest.raises(EvidenceError, match=said):
        simulate.world(**stated, rng=rng)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"kappa": 0.0}, "'kappa' is 0.0 for outcome 0; 4 of 4"),
        ({"artist_scale": [0, 0, -1, 0]}, "'artist_scale' is -1.0 for outcome 2; 1 of 4"),
        ({"loading": -0.5}, "'loading' is -0.5"),
        ({"alpha": [0, np.nan, 0, 0]}, "'alpha' is nan for outcome 1"),
        ({"loading": np.inf}, "'loading' is inf"),
    ],
)
def test_parameters_that_cannot_stand_are_refused_by_name_and_outcome(changed, said):
    with pytest.raises(EvidenceError, match=said):
        flat(**changed)


def test_parameters_of_the_wrong_length_are_refused():
    with pytest.raises(EvidenceError, match=r"'kappa' has shape \(2,\); 4 outcomes"):
        dataclasses.replace(simulate.plausible(), kappa=np.ones(2))


def test_a_factor_without_a_stated_scale_is_refused(rng):
    given = dataclasses.asdict(flat())
    del given["factor_scale"]
    with pytest.raises(EvidenceError, match="factor 'geo' has no scale"):
        simulate.world(parameters=given, factors={"geo": 2}, rng=rng)


@pytest.mark.parametrize("alpha", [60.0, 800.0])
def test_counts_too_large_to_tell_apart_are_refused_with_their_outcome(alpha, rng):
    with pytest.raises(EvidenceError, match="'depth' would count"):
        simulate.world(parameters=flat(alpha=[-2, -2, -2, alpha]), rng=rng)


def test_outcomes_counted_out_of_each_other_are_refused(rng):
    circle = [
        Outcome.binary("a", successes="x", trials="y"),
        Outcome.binary("b", successes="y", trials="x"),
    ]
    with pytest.raises(EvidenceError, match="counted out of itself"):
        simulate.world(outcomes=circle, rng=rng)


def test_evidence_of_a_world_holds_its_counts_row_for_row(rng):
    drawn = simulate.world(
        artists=20, windows=2, missing=0.2, absent=0.1, factors={"context": 2}, rng=rng
    )
    evidence = drawn.evidence()
    saves = drawn.frame["saves"].to_numpy(dtype=float, na_value=np.nan)
    counts = evidence.counts.sel(outcome="save")

    np.testing.assert_array_equal(counts["numerator"].values, saves)
    assert evidence.factors == ("context",)
    assert set(evidence.counts["window"].values) == set(drawn.truth["window"].values)
    assert [o.name for o in evidence.outcomes] == drawn.truth["outcome"].values.tolist()


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ({"delays": {"nope": 7.0}, "read_after": [3]}, "'nope'.*1 of 1"),
        ({"delays": {"follow": 0.0}, "read_after": [3]}, "follow.*0.0"),
        ({"delays": {"follow": 7.0}}, "State both"),
        ({"delays": {"follow": 7.0}, "read_after": ["x"]}, "'x'"),
        ({"delays": {"follow": 7.0}, "read_after": [3], "delay_shape": 0.0}, "delay_shape is 0"),
    ],
)  # fmt: skip
def test_delays_that_cannot_be_are_refused(how, told):
    with pytest.raises(EvidenceError, match=told):
        simulate.world(artists=3, clusters=2, rng=np.random.default_rng(1), **how)
