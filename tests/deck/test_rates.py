import numpy as np
import pytest

import coterie as co
from tests.deck.conftest import made_up
from tests.deck.test_home import marks


def test_a_binary_rate_is_drawn_in_percent_and_a_count_as_it_is():
    beliefs = made_up(artists=1, clusters=5)
    table = beliefs.summary()

    for outcome, scale in (("save", 100), ("depth", 1)):
        drawn = marks(co.plot_rates(beliefs, outcome=outcome, backend="none"), "rate")
        assert sorted(drawn.ravel()) == pytest.approx(sorted(scale * table[f"{outcome}_rate"]))


def test_a_raw_rate_is_the_ledgers_and_absent_where_nobody_was_reached():
    beliefs = made_up(artists=1, clusters=8)
    counts = beliefs.evidence.counts.sel(outcome="save")
    above, below = (counts[s].to_numpy() for s in ("numerator", "denominator"))
    plots = co.plot_rates(beliefs, outcome="save", backend="none")
    raw, beyond = marks(plots, "raw").ravel(), marks(plots, "beyond").ravel()

    assert (below > 0).sum() == (~np.isnan(raw)).sum() + (~np.isnan(beyond)).sum()
    expected = 100 * above[below > 0] / below[below > 0]
    assert sorted(raw[~np.isnan(raw)]) == pytest.approx(
        sorted(expected)[: int((~np.isnan(raw)).sum())]
    )


def test_a_raw_rate_off_the_axis_is_pinned_to_its_edge_with_another_mark():
    # The first pair has 2 saves of 3 listeners: 67 %, far beyond every interval.
    plots = co.plot_rates(made_up(artists=2, clusters=4), outcome="save", backend="none")
    beyond = plots.viz["beyond"]["value"].values.ravel()
    pinned = [mark for mark in beyond if mark is not None]

    assert len(pinned) == 1
    assert pinned[0]["marker"] == ">"
    assert float(np.ravel(pinned[0]["x"])[0]) < 67


def test_the_number_of_people_is_written_beside_each_row():
    beliefs = made_up(artists=1, clusters=5)
    plots = co.plot_rates(beliefs, outcome="save", backend="none")
    written = [text["string"] for text in plots.viz["people"]["value"].values.ravel()]
    expected = [f"{n:,.0f}" if n else "none" for n in beliefs.summary()["save_n"]]

    assert sorted(written) == sorted(expected)


def test_each_facet_stands_from_its_highest_rate_down():
    drawn = marks(co.plot_rates(made_up(), outcome="depth", backend="none"), "rate")

    assert (np.diff(drawn, axis=1) <= 0).all()


@pytest.mark.slow
@pytest.mark.parametrize(("artists", "clusters"), [(1, 3), (6, 8), (2, 20)])
def test_names_and_numbers_of_people_stay_in_the_figure_and_apart(artists, clusters):
    beliefs = made_up(artists=artists, clusters=clusters)
    figure = co.plot_rates(beliefs, outcome="save", backend="matplotlib").viz["figure"].item()
    figure.draw_without_rendering()

    for axes in figure.axes:
        texts = [t for t in (*axes.texts, *axes.get_yticklabels()) if t.get_text()]
        boxes = [t.get_window_extent() for t in texts]
        assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[i + 1 :])
        assert all(b.x0 >= 0 and b.x1 <= figure.bbox.x1 + 1 for b in boxes)


def test_rates_are_drawn_of_beliefs_without_membership_too():
    plots = co.plot_rates(made_up(homes=None), outcome="save", backend="none")

    assert plots.viz["rate"].sizes["artist"] == 6


def test_an_unknown_outcome_is_refused_and_a_close_one_named():
    with pytest.raises(co.FindingError, match=r"no outcome 'saves'.*'save'"):
        co.plot_rates(made_up(), outcome="saves")
