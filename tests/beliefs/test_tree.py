import sys
from types import ModuleType

import arviz_base
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from coterie import names
from coterie.beliefs.tree import Beliefs
from coterie.errors import BeliefError
from coterie.evidence import Evidence, simulate

OUTCOMES = ["save", "add", "follow", "depth"]
RATES = [f"{o}_{part}" for o in OUTCOMES for part in ("rate", "lower", "upper", "n")]


@pytest.fixture(autouse=True)
def rates(monkeypatch):
    """Stand in for the integrals: the rate of a pair is its place, so that order shows."""
    asked = []

    def rate_table(beliefs, artists, prob):
        asked.append({"artists": list(artists), "prob": prob})
        ledger, known = beliefs.tree["ledger"], beliefs.tree["posterior"]["artist"].values.tolist()
        shape = (ledger.sizes["outcome"], beliefs.tree["posterior"].sizes["cluster"])
        rows = np.array([known.index(a) for a in artists])
        median = (
            100 * rows[:, None, None]
            + 10 * np.arange(shape[1])[None, :, None]
            + np.arange(shape[0])[None, None, :]
        )
        dims = ("artist", "cluster", "outcome")
        found = {"median": median, "lower": median - 0.5, "upper": median + 0.5}
        coords = {
            "artist": list(artists),
            "cluster": beliefs.tree["posterior"]["cluster"].values,
            "outcome": ledger["outcome"].values,
        }
        return xr.Dataset({k: (dims, v) for k, v in found.items()}, coords=coords)

    module = ModuleType("coterie.beliefs.rates")
    module.rate_table = rate_table
    monkeypatch.setitem(sys.modules, "coterie.beliefs.rates", module)
    return asked


@pytest.fixture(scope="module")
def one(beliefs_like):
    return beliefs_like()


@pytest.fixture(scope="module")
def many(beliefs_like):
    return beliefs_like(homes="many")


@pytest.fixture(scope="module")
def none(beliefs_like):
    return beliefs_like(homes=None)


def test_one_home_has_home_and_elsewhere_that_sum_to_one_per_draw(one):
    assert one.homes == "one"
    assert one.home.dims == ("chain", "draw", "artist", "cluster")
    xr.testing.assert_allclose(one.home.sum("cluster") + one.elsewhere, xr.ones_like(one.elsewhere))


def test_asking_many_homes_for_the_one_home_says_why_there_is_none(many):
    assert many.membership.dims == ("chain", "draw", "artist", "cluster")
    with pytest.raises(BeliefError, match="several clusters"):
        _ = many.home
    with pytest.raises(BeliefError, match="several clusters"):
        _ = many.elsewhere


def test_asking_one_home_for_membership_says_why_there_is_none(one):
    with pytest.raises(BeliefError, match="exactly one home"):
        _ = one.membership


@pytest.mark.parametrize("name", ["home", "elsewhere", "membership"])
def test_beliefs_without_membership_refuse_each_belief(none, name):
    assert none.homes is None
    with pytest.raises(BeliefError, match="homes=None"):
        getattr(none, name)


def test_the_evidence_of_beliefs_is_the_evidence_they_were_made_of(beliefs_like, rng):
    evidence = simulate.world(artists=4, clusters=3, missing=0.3, rng=rng).evidence()

    assert beliefs_like(evidence).evidence == evidence


def test_the_summary_has_the_promised_columns_in_order(one, many, none):
    keys = ["artist", "cluster"]
    assert list(one.summary()) == [*keys, "prior", "home", "lower", "upper", *RATES]
    assert list(many.summary()) == [*keys, "prior", "membership", "lower", "upper", *RATES]
    assert list(none.summary()) == [*keys, *RATES]


def test_the_summary_has_one_row_per_artist_and_cluster_in_the_order_of_the_prior(beliefs_like):
    evidence = simulate.world(
        artists=["Bo", "Ada"], clusters=["gym", "indie"], rng=np.random.default_rng(1)
    ).evidence()
    beliefs = beliefs_like(evidence, clusters=["indie", "night", "gym"])

    rows = beliefs.summary()[["artist", "cluster"]].to_numpy().tolist()

    assert rows == [[a, c] for a in ("Ada", "Bo") for c in ("indie", "night", "gym")]


def test_rates_stand_beside_the_artist_and_cluster_they_belong_to(one):
    frame = one.summary(artists=["artist 4", "artist 2"])

    # The stand-in rate of artist 4 (place 3), cluster 2 (place 1), follow (place 2).
    row = frame[(frame["artist"] == "artist 4") & (frame["cluster"] == "cluster 2")].iloc[0]
    assert (row["follow_rate"], row["follow_lower"], row["follow_upper"]) == (312, 311.5, 312.5)


def test_a_belief_is_the_mean_of_its_draws_and_its_interval_their_quantiles(one):
    frame = one.summary(prob=0.5).set_index(["artist", "cluster"])
    draws = one.home.sel(artist="artist 3", cluster="cluster 1").values

    row = frame.loc[("artist 3", "cluster 1")]
    assert row["home"] == pytest.approx(draws.mean())
    assert [row["lower"], row["upper"]] == pytest.approx(np.quantile(draws, [0.25, 0.75]).tolist())
    assert row["prior"] == pytest.approx(0.3)


def test_the_interval_follows_arviz_and_says_which_it_is(one, rates):
    stated = one.summary(artists="artist 1")
    with arviz_base.rc_context({"stats.ci_prob": 0.5, "stats.ci_kind": "hdi"}):
        other = one.summary(artists="artist 1")

    assert stated.attrs["ci_prob"] == arviz_base.rcParams["stats.ci_prob"]
    assert other.attrs["ci_kind"] == "hdi"
    assert (other["upper"] - other["lower"] < stated["upper"] - stated["lower"]).all()
    assert [call["prob"] for call in rates] == [arviz_base.rcParams["stats.ci_prob"], 0.5]


@pytest.mark.parametrize("prob", [0, 1, -0.1, 89, float("nan"), "0.9", True])
def test_a_credible_mass_outside_zero_and_one_is_refused(one, prob):
    with pytest.raises(BeliefError, match="strictly between 0 and 1"):
        one.summary(prob=prob)


def test_what_was_counted_so_far_is_summed_over_the_rows_where_both_were_measured(beliefs_like):
    # gym: 40 + 60 listeners; the third row has no saves, so its 500 tell nothing.
    evidence = Evidence.from_frame(
        {
            "artist": ["a", "a", "a", "b"],
            "cluster": ["gym", "gym", "gym", "night"],
            "release": ["x", "y", "z", "x"],
            "saves": [3, 9, None, 1],
            "listeners": [40, 60, 500, 7],
        }
    )
    beliefs = beliefs_like(evidence, clusters=["night", "gym", "nobody"])

    assert beliefs.summary()["save_n"].tolist() == [0, 100, 0, 7, 0, 0]
    assert beliefs.to_frame()["save_numerator"].tolist() == [0, 12, 0, 1, 0, 0]
    assert beliefs.to_frame()["save_denominator"].tolist() == [0, 100, 0, 7, 0, 0]


def test_artists_asked_for_come_back_in_that_order(one, rates):
    frame = one.summary(artists=["artist 4", "artist 2"])

    assert frame["artist"].unique().tolist() == ["artist 4", "artist 2"]
    assert rates[-1]["artists"] == ["artist 4", "artist 2"]
    assert len(one.summary(artists="artist 2")) == 3


def test_artists_named_by_number_are_found_by_number(beliefs_like):
    frame = pd.DataFrame({"artist": [7, 30, 7], "cluster": ["a", "a", "b"]})
    beliefs = beliefs_like(Evidence.from_frame(frame.assign(saves=1, listeners=9)))

    assert beliefs.summary(artists=30)["artist"].tolist() == [30, 30]
    with pytest.raises(BeliefError, match="'30'"):
        beliefs.summary(artists="30")


def test_an_artist_nobody_knows_is_refused_with_the_nearest_name(one):
    with pytest.raises(
        BeliefError, match=r"'artist 33'; 1 of 2 .* 5 here\. Did you mean 'artist 3'"
    ):
        one.summary(artists=["artist 1", "artist 33"])
    with pytest.raises(BeliefError, match="empty"):
        one.summary(artists=[])


@pytest.mark.parametrize(
    "stopped", [{"coterie_interrupted": 1}, {"coterie_draws_asked": 400}], ids=["told", "short"]
)
def test_a_summary_of_stopped_sampling_must_be_asked_for_by_name(beliefs_like, stopped):
    beliefs = beliefs_like(draws=200, **stopped)

    with pytest.raises(BeliefError, match="stopped after 200 of"):
        beliefs.summary()
    frame = beliefs.summary(partial=True)
    assert frame.attrs["partial"] is True
    assert "stopped after 200" in frame.attrs["diagnosis"][0]


def test_a_summary_carries_the_diagnosis_only_where_draws_are_in_doubt(one, beliefs_like):
    alone = beliefs_like(chains=1)

    assert "diagnosis" not in one.summary().attrs
    assert alone.summary().attrs["diagnosis"] == list(alone.diagnose().lines)


def test_the_frame_for_pipelines_tells_mean_and_spread_of_each_belief(many, none):
    frame = many.to_frame()
    draws = many.membership.sel(artist="artist 1", cluster="cluster 2").values
    row = frame.set_index(["artist", "cluster"]).loc[("artist 1", "cluster 2")]

    assert list(frame)[:8] == [
        "artist", "cluster", "prior", "mean", "sd", "lower", "upper", "draws",
    ]  # fmt: skip
    assert [row["mean"], row["sd"]] == pytest.approx([draws.mean(), draws.std()])
    assert row["draws"] == draws.size
    assert "mean" not in none.to_frame()


@pytest.mark.parametrize("homes", ["one", "many", None])
def test_a_portrait_has_fewer_than_25_lines_whatever_labels_hold(beliefs_like, homes):
    labels = ["line\nbreak\r\n\x85here", "x" * 190, "tab\tname", "para\u2028graph", *"abcdefghij"]
    world = simulate.world(
        artists=labels, clusters=["c\n\n1", *"defghijklm"], rng=np.random.default_rng(2)
    )
    portrait = repr(beliefs_like(world.evidence(), homes=homes, draws=100))

    assert len(portrait.splitlines()) < 25
    assert max(map(len, portrait.splitlines())) < 500


def test_a_portrait_says_question_sizes_interval_and_trust(one, many, none):
    assert "Which one cluster is each artist's home?" in repr(one)
    assert "5 artists x 3 clusters, 30 rows, 2024-01-01 to 2024-02-25" in repr(one)
    assert f"{100 * arviz_base.rcParams['stats.ci_prob']:.3g}% eti" in repr(one)
    assert "Have the draws converged? Yes. Settled" in repr(one)
    assert "Which clusters does each artist belong in?" in repr(many)
    assert "no membership" in repr(none)


def test_a_portrait_of_one_chain_does_not_say_yes(beliefs_like):
    told = repr(beliefs_like(chains=1))

    assert "Have the draws converged? Not yet. Convergence cannot be assessed" in told


def test_a_portrait_says_how_far_counts_tell_clusters_apart_and_convergence_is_another_matter(
    one, none
):
    tree = one.tree.copy(deep=True)
    home = tree["beliefs"]["home"]
    # The leading beliefs: 0.8, 0.6, 0.5, 0.4 and 0.3; each was 0.3 before.
    leading = np.array([0.8, 0.6, 0.5, 0.4, 0.3])
    home[:] = (leading[:, None] * [0.25, 1.0, 0.25]).astype(float)
    told = [line for line in repr(Beliefs(tree)).splitlines() if "tell clusters apart" in line]

    assert told == [
        "  Do the counts tell clusters apart? 3 of 5 artists have a cluster believed in with 50% "
        "or more; leading beliefs are 0.52 on average, and were 0.30 before."
    ]
    assert "Have the draws converged? Yes." in repr(Beliefs(tree))
    assert "tell clusters apart" not in repr(none)
    assert "3 of 5 artists" in Beliefs(tree)._repr_html_()


def test_a_portrait_shows_elsewhere_where_it_is_the_likeliest_home(one):
    tree = one.tree.copy(deep=True)
    tree["beliefs"]["home"][:] = 0.01
    tree["beliefs"]["elsewhere"][:] = 0.97

    lines = [line for line in repr(Beliefs(tree)).splitlines() if "artist 1 " in line]

    assert "elsewhere  0.10   0.97" in lines[0]


def test_a_portrait_in_html_escapes_labels_and_runs_nothing(beliefs_like):
    evil = "<script>alert(1)</script>"
    rng = np.random.default_rng(3)
    world = simulate.world(artists=[evil, "b&b"], clusters=[evil, "x"], rng=rng)
    html = beliefs_like(world.evidence())._repr_html_()

    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert "http" not in html


def test_a_portrait_in_html_stays_small_for_many_artists(beliefs_like):
    world = simulate.world(artists=400, clusters=12, rng=np.random.default_rng(4))

    assert len(beliefs_like(world.evidence(), draws=40)._repr_html_().encode()) < 50_000


def test_html_falls_back_to_the_text_where_style_is_dropped(one):
    html = one._repr_html_()

    assert html.startswith("<pre")
    assert "hidden" in html.partition("</pre>")[2].partition(">")[0] + ">"
    assert "Which one cluster is each artist&#x27;s home?" in html.partition("</pre>")[0]


def test_beliefs_offer_at_most_ten_methods():
    offered = [n for n in dir(Beliefs) if not n.startswith("_") and callable(getattr(Beliefs, n))]

    assert len(offered) <= 10


def test_summaries_leave_the_tree_as_it_was(one):
    before = one.tree.copy(deep=True)
    one.summary()
    repr(one)

    for group in before.children:
        assert one.tree[group].to_dataset().identical(before[group].to_dataset())
    assert names.BELIEFS in before.children
