"""Positioning: shares, their spread, and what few events leave open."""

import numpy as np
import pytest

import coterie as co
from tests.findings.priced import rows, stated


def positioned(monkeypatch, saves, **said):
    clusters = [f"c{i}" for i in range(len(saves))]
    table = rows(
        cluster=clusters, saves=saves, listeners=[100_000] * len(saves),
        follows=[0] * len(saves), downstream_streams=[0] * len(saves),
    )  # fmt: skip
    beliefs = stated(table, [[[0.1, 0, 0]] * len(saves)], monkeypatch=monkeypatch)
    return co.positioning(
        beliefs, "Ana", values={"save": 1.0}, rng=np.random.default_rng(2), **said
    )


def test_shares_of_many_events_are_the_counted_ones(monkeypatch):
    table = positioned(monkeypatch, [60_000, 25_000, 10_000, 5_000]).table
    np.testing.assert_allclose(table["share"], [0.6, 0.25, 0.1, 0.05], atol=2e-3)
    value = table["value"].to_series()
    assert value["entropy"] == pytest.approx(1.0331, abs=5e-3)
    assert value["normalised entropy"] == pytest.approx(0.745, abs=5e-3)
    assert value["effective clusters"] == pytest.approx(2.81, abs=0.02)
    assert value["herfindahl"] == pytest.approx(0.435, abs=5e-3)


def test_few_events_leave_concentration_open_and_do_not_make_it_look_higher(monkeypatch):
    few = positioned(monkeypatch, [12, 5, 2, 1]).table
    many = positioned(monkeypatch, [12_000, 5_000, 2_000, 1_000]).table
    width = [
        float((t["value_upper"] - t["value_lower"]).sel(measure="entropy")) for t in (few, many)
    ]
    assert width[0] > 10 * width[1]
    plugged = float(co.formulas.entropy([12, 5, 2, 1]))
    lower, upper = (float(few[f"value_{end}"].sel(measure="entropy")) for end in ("lower", "upper"))
    assert lower < plugged < upper


@pytest.mark.parametrize(
    ("saves", "shape"),
    [([7000, 2000, 1000], "focused"), ([9800, 100, 100], "narrow"), ([300] * 10, "spread"),
     ([4500, 4500, 1000], "several cores")],
)  # fmt: skip
def test_a_planted_shape_is_recognised(monkeypatch, saves, shape):
    profile = positioned(monkeypatch, saves).table["profile"].to_series()
    assert profile.idxmax() == shape
    assert profile[shape] > 0.9
    assert profile.sum() == pytest.approx(1)


def test_a_cluster_is_core_adjacent_or_exploration(monkeypatch):
    table = positioned(monkeypatch, [70, 20, 10], core=0.5, adjacent=0.15).table
    total = table["core"] + table["adjacent"] + table["exploration"]
    np.testing.assert_allclose(total, 1)


def test_ignorance_of_the_home_is_kept_apart_from_the_spread_of_the_audience():
    found = co.positioning(co.example_beliefs(), "Marrow", rng=np.random.default_rng(1)).table
    open_ = co.positioning(co.example_beliefs(), "Ferro", rng=np.random.default_rng(1)).table
    assert float(found["belief_entropy"]) < 0.3 < float(open_["belief_entropy"])


@pytest.mark.parametrize(("core", "adjacent"), [(0.1, 0.4), (1.2, 0.1), (0.4, 0.0)])
def test_thresholds_out_of_order_are_refused(monkeypatch, core, adjacent):
    with pytest.raises(co.FindingError, match="core is"):
        positioned(monkeypatch, [1, 2], core=core, adjacent=adjacent)


def test_no_events_have_no_shares(monkeypatch):
    with pytest.raises(co.FindingError, match="Nothing was counted"):
        positioned(monkeypatch, [0, 0])
