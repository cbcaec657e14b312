"""Scorecard and reference: scores against what is usual, that no other cluster moves."""

import functools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import coterie as co
from tests.findings.priced import rows, stated

USUAL = co.Reference.stated(
    {"save": (0.1, np.e), "follow": (0.02, np.e), "depth": (1.0, np.e)},
    about="stated", counts=("depth",),
)  # fmt: skip


def test_a_score_is_the_weighted_distance_from_what_is_usual(monkeypatch, rng):
    levels = [[[0.2, 0.02, 1.0], [0.1, 0.02, np.e**2]]] * 20
    beliefs = stated(rows(cluster=["gym", "focus"]), levels, monkeypatch=monkeypatch)
    found = co.scorecard(
        beliefs, "Ana", reference=USUAL, weights={"save": 3, "depth": 1}, rng=rng
    ).table
    wanted = 0.75 * np.log(0.2 / 0.8 / (0.1 / 0.9))
    assert float(found["quality"].sel(cluster="gym")) == pytest.approx(wanted)
    assert float(found["quality"].sel(cluster="focus")) == pytest.approx(0.25 * 2)
    assert found["first"].to_numpy().tolist() == [1.0, 0.0]


FROZEN = co.Reference.stated(
    {"save": (0.06, 1.8), "add": (0.05, 1.9), "follow": (0.015, 2.3), "depth": (1.2, 1.9)},
    about="stated", counts=("depth",),
)  # fmt: skip


@functools.cache
def _beliefs():
    return co.example_beliefs()


@functools.cache
def _qualities(clusters=None):
    found = co.scorecard(
        _beliefs(), "Marrow", reference=FROZEN, clusters=clusters, rng=np.random.default_rng(4)
    )
    return found.table["quality"].to_series()


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 4), min_size=2, max_size=5, unique=True))
def test_leaving_clusters_out_moves_no_other_score_and_reorders_nothing(places):
    names = [_beliefs().evidence.clusters.tolist()[i] for i in places]
    every, some = _qualities(), _qualities(tuple(names))
    np.testing.assert_array_equal(some.loc[names], every.loc[names])
    assert some.sort_values().index.tolist() == every.loc[names].sort_values().index.tolist()


def test_ranks_are_probabilities_over_places_and_clusters():
    found = co.scorecard(
        co.example_beliefs(), "Juno Park", reference=FROZEN, rng=np.random.default_rng(4)
    ).table
    np.testing.assert_allclose(found["rank"].sum("cluster"), 1)
    np.testing.assert_allclose(found["rank"].sum("place"), 1)
    np.testing.assert_allclose(found["rank"].sel(place=1), found["first"], atol=1e-12)
    assert float(found["keeps_lead"].sum()) == pytest.approx(1)


def test_what_is_not_measured_is_left_out_and_said(monkeypatch, rng):
    beliefs = stated(rows(cluster=["gym"]), [[[0.2, 0.02, 1.0]]] * 3, monkeypatch=monkeypatch)
    found = co.scorecard(beliefs, "Ana", reference=USUAL, weights="fandom", rng=rng)
    assert found.caveats[0].startswith("Not measured and left out: add, active")
    assert float(found.table["weight"].sum()) == pytest.approx(1)
    assert float(found.table["weight"].sel(outcome="depth")) == pytest.approx(0.3 / 0.6)


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        ("fame", "weights is 'fame'; write 'fandom' or 'breakout'"),
        ({"save": -1}, "weight of 'save' is -1"),
        ({"shares": 1}, "None of the outcomes weighed"),
    ],
)
def test_weights_that_weigh_nothing_are_refused(rng, weights, words):
    with pytest.raises(co.FindingError, match=words):
        co.scorecard(co.example_beliefs(), "Marrow", reference=FROZEN, weights=weights, rng=rng)


def test_a_reference_is_kept_and_read_as_it_was(tmp_path):
    FROZEN.save(tmp_path / "usual.json")
    assert co.Reference.load(tmp_path / "usual.json") == FROZEN
    with pytest.raises(co.FindingError, match="Make it first"):
        FROZEN.save(tmp_path / "nowhere" / "usual.json")
    with pytest.raises(co.BeliefError, match="'nowhere' is not among the 5 clusters"):
        co.scorecard(
            co.example_beliefs(), "Marrow", reference=FROZEN, clusters=["nowhere"],
            rng=np.random.default_rng(1),
        )  # fmt: skip
    (tmp_path / "usual.json").write_text("{}")
    with pytest.raises(co.FindingError, match="is no saved reference"):
        co.Reference.load(tmp_path / "usual.json")


def test_a_reference_of_beliefs_is_the_law_of_their_next_cells():
    from coterie.beliefs import next_rates

    beliefs = co.example_beliefs()
    usual = co.Reference.of(beliefs, rng=np.random.default_rng(1)).outcomes["save"]
    drawn = next_rates(beliefs, rng=np.random.default_rng(1)).sel(outcome="save").to_numpy()
    odds = np.log(drawn) - np.log1p(-drawn)
    assert usual.centre == pytest.approx(odds.mean())
    assert usual.spread == pytest.approx(odds.std())


@pytest.mark.parametrize("bad", [(0.0, 2.0), (1.0, 2.0), (0.1, 1.0)])
def test_what_cannot_be_usual_is_refused(bad):
    with pytest.raises(co.FindingError, match="'save' is stated as"):
        co.Reference.stated({"save": bad}, about="nowhere")
    with pytest.raises(co.FindingError, match="of no outcome"):
        co.Reference({})
