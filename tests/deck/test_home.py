from functools import partial

import matplotlib as mpl
import numpy as np
import pytest

import coterie as co
from coterie.deck import of_twenty
from tests.deck.conftest import LONG, made_up

plot_home = partial(co.plot_home, kind="interval")
NOWHERE = "elsewhere (none of these)"


def marks(plots, name, axis="x"):
    """Return one number a row: (artist, place)."""
    viz = plots.viz[name]["value"]
    taken = [np.nan if v is None else float(np.ravel(v[axis])[0]) for v in viz.values.ravel()]
    return np.array(taken).reshape(viz.shape)


def test_every_belief_of_the_table_is_drawn_and_nothing_else():
    beliefs = made_up(artists=2, clusters=5)
    plots = plot_home(beliefs, backend="none")

    drawn = marks(plots, "belief")
    table = beliefs.summary()
    for artist, row in zip(plots.viz["belief"]["artist"].values, drawn, strict=True):
        own = table[table["artist"] == artist]["home"]
        assert sorted(row[:-1]) == pytest.approx(sorted(own))
        assert row[-1] == pytest.approx(float(beliefs.elsewhere.sel(artist=artist).mean()))


def test_clusters_stand_from_the_most_believed_down_with_elsewhere_last():
    plots = plot_home(made_up(artists=3, clusters=8), backend="none")

    assert (np.diff(marks(plots, "belief")[:, :-1], axis=1) <= 0).all()
    assert (np.diff(marks(plots, "belief", "y"), axis=1) == -1).all()


def test_with_many_homes_there_is_no_elsewhere():
    plots = plot_home(made_up(artists=2, clusters=5, homes="many"), backend="none")

    assert plots.viz["belief"].sizes == {"artist": 2, "place": 5}


def test_the_six_whose_belief_moved_most_are_drawn_where_none_is_named():
    beliefs = made_up(artists=9, clusters=4)
    table = beliefs.summary()
    moved = (table["home"] - table["prior"]).abs().groupby(table["artist"]).sum()
    plots = plot_home(beliefs, backend="none")

    assert plots.viz["belief"]["artist"].values.tolist() == moved.nlargest(6).index.tolist()


def test_artists_named_are_drawn_in_the_order_given():
    plots = plot_home(made_up(), artists=["artist 2", "artist 0"], backend="none")

    assert plots.viz["belief"]["artist"].values.tolist() == ["artist 2", "artist 0"]


def test_prior_and_belief_differ_in_colour_and_in_shape():
    drawn = {b: plot_home(made_up(artists=1, clusters=3), backend=b) for b in
             ("none", "matplotlib")}  # fmt: skip
    prior, belief = ([drawn[b].viz[v]["value"].values.ravel()[0] for b in drawn] for v in
                     ("prior", "belief"))  # fmt: skip

    assert prior[0]["marker"] != belief[0]["marker"]
    assert prior[1].get_edgecolor().tolist() != belief[1].get_edgecolor().tolist()


@pytest.mark.parametrize(("prob", "told"), [(None, "89 %"), (0.5, "50 %")])
def test_the_figure_states_its_interval(prob, told):
    figure = plot_home(made_up(), prob=prob, backend="matplotlib").viz["figure"].item()

    assert f"{told} equal-tailed interval" in figure.get_suptitle().replace("\n", " ").replace(
        "\u00a0", " "
    )


@pytest.mark.slow
@pytest.mark.parametrize("clusters", [3, 8, 20])
@pytest.mark.parametrize("artists", [1, 6])
def test_no_label_touches_another_or_leaves_the_figure(artists, clusters):
    plots = plot_home(made_up(artists=artists, clusters=clusters), backend="matplotlib")
    figure = plots.viz["figure"].item()
    figure.draw_without_rendering()

    page = figure.bbox
    for axes in figure.axes:
        boxes = [t.get_window_extent() for t in axes.get_yticklabels()]
        assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[i + 1 :]), (
            "two cluster names overlap"
        )
        for box in [*boxes, axes.title.get_window_extent()]:
            assert box.x0 >= page.x0 - 1
            assert box.x1 <= page.x1 + 1


def test_no_text_is_below_nine_points_and_long_names_are_whole():
    plots = plot_home(made_up(artists=1, clusters=3), backend="matplotlib")
    figure = plots.viz["figure"].item()
    figure.draw_without_rendering()
    texts = [t for t in figure.findobj(mpl.text.Text) if t.get_text()]

    assert min(t.get_fontsize() for t in texts) >= 9
    assert LONG in {t.get_text().replace("\n", " ") for t in texts}


def test_a_name_with_dollars_is_not_read_as_mathematics():
    beliefs = made_up(artists=1, clusters=3)
    table = beliefs.summary()
    table["cluster"] = ["$ky$ and \\frac", "gym", "x_{1}$^$"]
    beliefs.summary = lambda **_: table
    figure = plot_home(beliefs, backend="matplotlib").viz["figure"].item()
    figure.draw_without_rendering()

    assert "$ky$ and \\frac" in [t.get_text() for t in figure.axes[0].get_yticklabels()]


def test_drawing_changes_nobodys_settings():
    before = dict(mpl.rcParams)
    plot_home(made_up(), backend="matplotlib")

    assert dict(mpl.rcParams) == before


def test_beliefs_without_membership_are_refused():
    with pytest.raises(co.FindingError, match="fitted without membership"):
        plot_home(made_up(homes=None))


def test_the_callers_figure_size_wins():
    plots = plot_home(made_up(), backend="matplotlib", figure_kwargs={"figsize": (20, 20)})

    assert plots.viz["figure"].item().get_size_inches().tolist() == [20, 20]


def test_as_many_dots_as_the_belief_is_of_twenty_stand_side_by_side():
    beliefs = made_up(artists=2, clusters=5)
    plots = co.plot_home(beliefs, backend="none")
    dots, rows = plots.viz["belief"]["value"], plots.viz["number"]["value"]
    marks_ = plot_home(beliefs, backend="none").viz["belief"]["value"]

    for drawn, mark, told in zip(
        dots.values.ravel(), marks_.values.ravel(), rows.values.ravel(), strict=True
    ):
        belief = float(np.ravel(mark["x"])[0])
        assert len(np.ravel(drawn["x"])) == int(20 * belief + 0.5)
        assert told["string"] == of_twenty(belief)
    assert len(plots.viz["outcomes"]["value"].values.ravel()[0]["x"]) == 20


def test_another_kind_is_refused():
    with pytest.raises(co.FindingError, match="kind is 'bars'"):
        co.plot_home(made_up(), kind="bars")
