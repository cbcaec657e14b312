"""Tables of probabilities: every number its own, and what is not settled small."""

from itertools import pairwise

import numpy as np
import pytest

import coterie as co
from coterie.deck.places import places, ranks
from coterie.deck.sentences import twentieths
from tests.deck.conftest import made_up


def drawn(plots, name, what):
    viz = plots.viz[name]["value"]
    return viz, [None if v is None else v[what] for v in viz.values.ravel()]


def test_every_cell_says_its_belief_and_shrinks_with_its_interval():
    beliefs = made_up(artists=4, clusters=5)
    plots = co.plot_affinity(beliefs, backend="none")
    table = places(beliefs).set_index(["artist", "cluster"])
    numbers = plots.viz["number"]["value"]
    cells = plots.viz["cell"]["value"]

    assert numbers.sizes == {"artist": 4, "cluster": 6}
    widths, sides = [], []
    for (artist, cluster), own in table.iterrows():
        at = {"artist": artist, "cluster": cluster}
        assert numbers.sel(at).item()["string"] == twentieths(own["belief"], unsure=False)
        widths.append(own["upper"] - own["lower"])
        sides.append(cells.sel(at).item()["size"] ** 0.5)
    order = np.argsort(widths)
    assert (np.diff(np.array(sides)[order]) <= 1e-9).all()


def test_with_many_artists_the_surest_are_drawn_and_the_rest_counted():
    plots = co.plot_affinity(made_up(artists=45, clusters=20), backend="none")
    assert plots.viz["number"]["value"].sizes == {"artist": 40, "cluster": 21}
    assert "Not shown: 5 artists." in str(plots.viz["figure_title"].item())


def test_ranks_of_a_cluster_and_clusters_of_a_rank_are_all_there():
    beliefs = made_up(artists=3, clusters=6, homes="many")
    found = ranks(beliefs, ["artist 1", "artist 0"])
    assert found["artist"].to_numpy().tolist() == ["artist 1", "artist 0"]
    np.testing.assert_allclose(found.sum("rank"), 1.0)
    np.testing.assert_allclose(found.sum("cluster"), 1.0)
    draws = beliefs.membership.sel(artist="artist 1").stack(s=("chain", "draw")).to_numpy()
    first = np.bincount(draws.argmax(axis=0), minlength=6) / draws.shape[1]
    np.testing.assert_allclose(found.sel(artist="artist 1", rank=1), first)


def test_clusters_that_tie_share_their_ranks():
    beliefs = made_up(artists=2, clusters=3)
    beliefs.home[:] = np.array([0.5, 0.1, 0.1])
    found = ranks(beliefs, ["artist 0"])[0]
    np.testing.assert_allclose(found, [[1, 0, 0], [0, 0.5, 0.5], [0, 0.5, 0.5]])


@pytest.mark.parametrize("backend", ["matplotlib", "plotly"])
def test_both_are_drawn_with_names_that_do_not_lie_on_each_other(backend, tmp_path):
    pytest.importorskip(backend)
    beliefs = made_up(artists=12, clusters=20)
    for plots in (
        co.plot_affinity(beliefs, backend=backend),
        co.plot_ranks(beliefs, artist="artist 1", backend=backend),
    ):
        file = tmp_path / ("p.png" if backend == "matplotlib" else "p.html")
        plots.savefig(file)
        assert file.stat().st_size > 10_000
        if backend == "matplotlib":
            axes = plots.viz["figure"].item().axes[0]
            boxes = [label.get_window_extent() for label in axes.get_xticklabels()]
            assert all(a.x1 <= b.x0 + 1 for a, b in pairwise(boxes))
