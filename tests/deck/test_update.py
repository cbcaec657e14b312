"""The picture of a belief through its updates shows the history and nothing else."""

import numpy as np
import pytest
import xarray as xr

import coterie as co
from coterie.beliefs.history import extended
from tests.beliefs.small_world import OLD, believing


@pytest.fixture(scope="module")
def updated():
    """Beliefs with a history of nine entries; artist c came at the third."""
    rng = np.random.default_rng(2)
    made = believing(OLD, rng)
    history = first = made.history
    for i in range(1, 9):
        mean = first["mean"] * (1 - 0.08 * i) + 0.05 * rng.random(first["mean"].shape)
        day = np.array([f"2026-0{1 + i // 4}-1{i}"], dtype=object)
        now = first.assign(mean=mean, lower=mean - 0.1 / i, upper=mean + 0.1 / i)
        now["replaced"] = now["replaced"] + (2 if i == 8 else 0)
        history = extended(history, now.assign_coords(until=("update", day)))
    late = (history["artist"] == "c") & (history["update"] < 2)
    history = history.where(~late)
    tree = made.tree.copy()
    tree["history"] = xr.DataTree(history)
    return co.Beliefs(tree)


def drawn(plots, name, axis):
    marks = plots.viz[name]["value"]
    return {str(m["cluster"].values): np.ravel(m.item()[axis]) for m in marks}


def test_every_belief_of_the_history_is_drawn_at_its_step(updated):
    plots = co.plot_update(updated, artist="a", backend="none")
    for cluster, line in drawn(plots, "line", "y").items():
        expected = updated.history["mean"].sel(artist="a", cluster=cluster)
        np.testing.assert_allclose(line, expected)
    for cluster, x in drawn(plots, "prior", "x").items():
        assert x.tolist() == [0.0], cluster


def test_who_came_later_is_drawn_from_then_on(updated):
    plots = co.plot_update(updated, artist="c", backend="none")
    assert all(line.size == 7 for line in drawn(plots, "line", "y").values())


def test_a_belief_never_updated_shows_its_interval_all_the_same():
    alone = believing(OLD, np.random.default_rng(2))
    plots = co.plot_update(alone, artist="a", clusters=["gym"], backend="matplotlib")
    (band,) = [m.item() for m in plots.viz["band"]["value"]]
    corners = band.get_paths()[0].vertices
    own = alone.history.sel(artist="a", cluster="gym", update=0)
    assert np.ptp(corners[:, 0]) > 0.1
    np.testing.assert_allclose(corners[:, 1].min(), own["lower"])
    np.testing.assert_allclose(corners[:, 1].max(), own["upper"])


def test_clusters_named_are_drawn_in_that_order(updated):
    plots = co.plot_update(updated, artist="a", clusters=["indie"], backend="none")
    assert plots.viz["line"]["cluster"].values.tolist() == ["indie"]


def test_the_artist_who_moved_most_is_drawn_where_none_is_named(updated):
    history = updated.history["mean"]
    span = (history.max("update") - history.min("update")).max("cluster")
    most = str(span["artist"].values[int(span.argmax("artist"))])
    plots = co.plot_update(updated, backend="matplotlib")
    title = plots.viz["figure"].item().get_suptitle()
    assert f"What is believed of {most}," in title
    assert "equal-tailed interval" in title.replace("\n", " ")


def test_an_unknown_artist_or_cluster_is_named(updated):
    with pytest.raises(co.BeliefError, match="'z' is not among the 3 artists"):
        co.plot_update(updated, artist="z")
    with pytest.raises(co.BeliefError, match="'z' is not among the"):
        co.plot_update(updated, artist="a", clusters=["z"])


def test_a_step_whose_rows_took_the_place_of_others_says_so(updated):
    plots = co.plot_update(updated, artist="a", clusters=["gym"], backend="matplotlib")
    (axes,) = plots.viz["figure"].item().axes
    words = [text.get_text() for text in axes.get_xticklabels()]
    assert [word for word in words if "corrected" in word] == ["03-18\ncorrected"]
