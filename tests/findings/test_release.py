"""Release diagnostics: three layers against the usual, and an index no layer buys off."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import coterie as co
from tests.findings.priced import rows, stated

FROZEN = co.Reference.stated(
    {"save": (0.1, 2.0), "follow": (0.02, 2.0), "depth": (1.5, 2.0)}, about="stated by hand",
    counts=("depth",),
)  # fmt: skip
LAYERS = {"acquisition": ["save"], "intent": ["follow"], "retention": ["depth"]}


def diagnosed(monkeypatch, rates, **said):
    levels = np.tile(np.asarray(rates, dtype=float), (60, 1, 1))
    table = rows(cluster=[f"c{i}" for i in range(levels.shape[1])])
    beliefs = stated(table, levels, monkeypatch=monkeypatch)
    told = {"reference": FROZEN, "layers": LAYERS} | said
    return co.release_diagnostics(beliefs, "Ana", rng=np.random.default_rng(1), **told)


def test_layers_are_rates_over_the_usual_and_the_index_their_geometric_mean(monkeypatch):
    # 4 times the usual saves, half the follows, half the depth: 4^.2 * .5^.4 * .5^.4 = 0.758.
    table = diagnosed(monkeypatch, [[0.4, 0.01, 0.75]]).table["index"].to_series()
    np.testing.assert_allclose(table, [4.0, 0.5, 0.5, 0.758, 1.2], atol=1e-3)


def test_acquisition_cannot_buy_off_the_other_layers(monkeypatch):
    found = diagnosed(monkeypatch, [[0.8, 0.006, 0.45]])
    index = found.table["index"].to_series()
    # Eight times the listeners saved nothing: additive says 1.8, geometric 0.58.
    assert index["additive index"] > 1 > index["release index"]
    assert "weakest in" in found.headline


def test_clusters_are_pooled_by_what_was_counted(monkeypatch):
    table = rows(cluster=["a", "b"], listeners=[100, 300], saves=[10, 30])
    levels = np.tile([[0.1, 0.02, 1.5], [0.3, 0.02, 1.5]], (60, 1, 1))
    beliefs = stated(table, levels, monkeypatch=monkeypatch)
    found = co.release_diagnostics(
        beliefs, "Ana", reference=FROZEN, layers=LAYERS, rng=np.random.default_rng(1)
    )
    # The geometric mean of 1 times the usual (100 people) and 3 times (300): 3 ** 0.75 = 2.28.
    assert found.table["index"].sel(part="acquisition").item() == pytest.approx(3**0.75)


def test_a_catalogue_is_as_usual_against_itself():
    beliefs = co.example_beliefs()
    reference = co.Reference.of(beliefs, rng=np.random.default_rng(3))
    index = [
        co.release_diagnostics(
            beliefs, artist, reference=reference, rng=np.random.default_rng(4)
        ).table["index"].sel(part="release index").item()
        for artist in beliefs.evidence.artists
    ]  # fmt: skip
    # Twenty artists, each 1.3 times up or down: the mean of logs has an error of 0.06.
    assert abs(np.log(index).mean()) < 0.12
    assert 0.25 < np.mean(np.array(index) > 1) < 0.75


def test_an_artist_who_paid_for_nothing_has_no_acquisition():
    with pytest.MonkeyPatch.context() as patch:
        table = rows(cluster=["a"], new_listeners=[0], downstream_streams=[0])
        beliefs = stated(table, np.full((60, 1, 3), 0.1), monkeypatch=patch)
        found = co.release_diagnostics(
            beliefs, "Ana", reference=FROZEN, rng=np.random.default_rng(1),
            layers={"acquisition": ["depth"], "intent": ["save"], "retention": ["follow"]},
        )  # fmt: skip
    assert "acquisition" not in found.table["part"].values
    assert "acquisition" in found.caveats[0]


def test_a_count_that_is_stated_as_people_is_refused(monkeypatch):
    wrong = co.Reference.stated({"save": (0.1, 2.0), "depth": (0.3, 2.0)}, about="by hand")
    with pytest.raises(co.FindingError, match="no scale in common"):
        diagnosed(monkeypatch, [[0.1, 0.02, 1.5]], reference=wrong)
    with pytest.raises(co.FindingError, match="make one with"):
        diagnosed(monkeypatch, [[0.1, 0.02, 1.5]], reference=None)


def test_intent_density_is_acts_and_catalogue_streams_a_listener():
    beliefs = co.example_beliefs()
    rng = np.random.default_rng(2)
    reference = co.Reference.of(beliefs, rng=rng)
    found = co.release_diagnostics(beliefs, "Oslo Choir", reference=reference, rng=rng)
    own = beliefs.evidence.counts.isel(
        row=np.flatnonzero(beliefs.evidence.counts["artist"] == "Oslo Choir")
    )
    sums = own["numerator"].sum("row").to_series()
    people = float(own["denominator"].sel(outcome="save").sum())
    counted = sums[["save", "add", "follow", "depth"]].sum() / people
    # Levels are about the next releases, counts about these: near, and no more.
    assert 0.5 * counted < found.table["intent_density"].item() < 2 * counted


def test_a_layer_nobody_counted_is_named_and_not_as_usual():
    beliefs = co.example_beliefs()
    rng = np.random.default_rng(2)
    reference = co.Reference.of(beliefs, rng=rng)
    found = co.release_diagnostics(beliefs, "Marrow", reference=reference, rng=rng)
    assert "retention" not in found.table["part"].values
    assert found.caveats[0].startswith("Not measured, so not in the index: retention")


@settings(max_examples=30, deadline=None)
@given(factors=st.tuples(*[st.floats(0.05, 4.0)] * 3))
def test_a_release_that_is_as_usual_times_a_factor_has_that_index(factors):
    with pytest.MonkeyPatch.context() as patch:
        rates = [[0.1 * factors[0], 0.02 * factors[1], 1.5 * factors[2]]]
        index = diagnosed(patch, rates).table["index"].to_series()
    np.testing.assert_allclose(index.iloc[:3], factors, rtol=1e-9)
    assert min(factors) * (1 - 1e-9) <= index["release index"] <= max(factors) * (1 + 1e-9)
    assert index["release index"] <= index["additive index"] * (1 + 1e-9)


@pytest.mark.parametrize(
    ("said", "told"),
    [({"layers": {"virality": ["save"]}}, "no layer"), ({"weights": {"fun": 1}}, "no layer"),
     ({"layers": {"retention": ["repeat"]}}, "'repeat' of retention"),
     ({"weights": {"acquisition": 0.9}}, "weigh less"),
     ({"layers": {"intent": [], "acquisition": ["save"], "retention": []}}, "1 of 3 layers")],
)  # fmt: skip
def test_layers_and_weights_that_cannot_be_are_refused(monkeypatch, said, told):
    with pytest.raises(co.FindingError, match=told):
        diagnosed(monkeypatch, [[0.1, 0.02, 1.5]], **said)


def test_the_slide_has_the_layers_and_the_index(monkeypatch):
    slide = co.Deck([diagnosed(monkeypatch, [[0.4, 0.01, 0.75]])]).slides[0]
    assert "times a usual release" in slide.headline
    assert len(slide.chart.frame) == 5
