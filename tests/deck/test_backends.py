"""Every picture on plotly as on Matplotlib: the same marks at the same places."""

import numpy as np
import pytest

import coterie as co
from coterie.deck.style import filled, hollow
from tests.deck.conftest import OUTCOMES, made_up
from tests.deck.test_calibration import backtested
from tests.deck.test_half_life import found

PICTURES = {
    "home": lambda backend: co.plot_home(made_up(artists=2, clusters=4), backend=backend),
    "intervals": lambda backend: co.plot_home(
        made_up(artists=2, clusters=4), kind="interval", backend=backend
    ),
    "rates": lambda backend: co.plot_rates(made_up(artists=2), outcome="save", backend=backend),
    "prior": lambda backend: co.plot_prior(
        co.PopulationPrior(), OUTCOMES, rng=np.random.default_rng(1), backend=backend
    ),
    "calibration": lambda backend: co.plot_calibration(backtested(), backend=backend),
    "half_life": lambda backend: co.plot_half_life(found(), backend=backend),
    "depth": lambda backend: co.plot_depth(made_up(artists=2), backend=backend),
    "ppc": lambda backend: co.plot_ppc(
        co.predictive_check(co.example_beliefs(), rng=np.random.default_rng(1)), backend=backend
    ),
    "sensitivity": lambda backend: co.plot_sensitivity(
        co.sensitivity(co.example_beliefs(), artists=["Marrow", "Ana Vale"]), backend=backend
    ),
}


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_drawn_with_plotly(name, tmp_path):
    pytest.importorskip("plotly")
    plots = PICTURES[name]("plotly")
    file = tmp_path / "picture.html"
    plots.savefig(file)
    figure = plots.viz["figure"].item()

    assert file.stat().st_size > 10_000
    assert any(trace.mode == "markers" for trace in figure.data) or name == "calibration"
    assert len(plots.viz.attrs["alt"]) > 10


def test_marks_stand_where_they_do_without_a_backend():
    pytest.importorskip("plotly")
    plain, plotly = (PICTURES["intervals"](backend) for backend in ("none", "plotly"))
    wanted = [v["x"] for v in plain.viz["belief"]["value"].values.ravel()]
    drawn = [v.x for v in plotly.viz["belief"]["value"].values.ravel()]
    np.testing.assert_allclose(np.ravel(drawn), np.ravel(wanted))


def test_a_mark_has_a_name_that_its_backend_knows():
    assert filled("o", "#000000", "plotly")["marker"] == "circle"
    assert hollow("D", "#000000", "plotly")["facecolor"] == "rgba(0,0,0,0)"
    assert hollow("D", "#000000", "matplotlib")["facecolor"] == "none"


def test_a_name_is_no_markup_to_plotly():
    pytest.importorskip("plotly")
    beliefs = made_up(artists=2, clusters=3)
    plain = beliefs.summary
    beliefs.summary = lambda **asked: plain(**asked).replace("gym", "A$AP <b>friends</b>")
    figure = co.plot_home(beliefs, backend="plotly").viz["figure"].item()
    assert "&lt;b&gt;friends&lt;/b&gt;" in str(figure.layout)
    assert "<b>friends" not in str(figure.layout)


def test_the_style_is_where_styles_are_looked_for():
    from arviz_plots import style

    assert co.style.NAME in style.available()["matplotlib"]
    if "plotly" in style.available():
        assert co.style.NAME in style.available()["common"]


def test_using_the_style_is_a_choice_that_pictures_do_not_make():
    import matplotlib as mpl

    before = dict(mpl.rcParams)
    co.plot_home(made_up(artists=2, clusters=3), backend="matplotlib")
    assert dict(mpl.rcParams) == before
    with mpl.rc_context():
        co.style.use()
        assert mpl.rcParams["axes.spines.top"] is False
