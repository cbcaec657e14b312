"""Standing: phases by their gates, and what the next campaign would change."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import coterie as co
from coterie.findings import Gates
from coterie.findings.gates import PHASES
from tests.findings.priced import rows, stated

WORTH = {"save": 10.0}


def standing(monkeypatch, levels, *, campaigns, kappa=1e9, spend=40.0, **said):
    """Return the phases of clusters whose campaigns are stated; a save is worth 10, people 0.1."""
    clusters = [name for name, count in zip("abcd", campaigns, strict=False) for _ in range(count)]
    table = rows(
        cluster=clusters, spend=[spend] * len(clusters), release=list(range(len(clusters)))
    )
    levels = np.asarray(levels, dtype=float)
    kept = [i for i, count in enumerate(campaigns) if count]
    rates = np.zeros((len(levels), len(kept), 3))
    rates[:, :, 0] = levels[:, kept]
    kappas = np.full(rates.shape, kappa)
    beliefs = stated(table, rates, kappas=kappas, monkeypatch=monkeypatch)
    return co.phases(beliefs, "Ana", values=WORTH, rng=np.random.default_rng(3), **said)


def around(middle, spread, size=1500, seed=0):
    rng = np.random.default_rng(seed)
    return np.clip(rng.normal(middle, spread, (size, len(middle))), 1e-4, 0.99)


# ---- gates


@given(
    pays=st.floats(0, 1), campaigns=st.integers(0, 20), now=st.sampled_from([None, *PHASES]),
)  # fmt: skip
def test_more_belief_never_lowers_a_phase(pays, campaigns, now):
    gates = Gates()
    ranks = [
        PHASES.index(gates.phase(p, campaigns=campaigns, now=now))
        for p in (pays, min(pays + 0.1, 1.0))
    ]
    assert ranks[1] >= ranks[0]


@given(pays=st.floats(0, 1), campaigns=st.integers(0, 20))
def test_being_in_a_phase_never_moves_a_cluster_out_of_the_one_it_would_have(pays, campaigns):
    gates = Gates()
    phase = gates.phase(pays, campaigns=campaigns)
    assert gates.phase(pays, campaigns=campaigns, now=phase) == phase


@pytest.mark.parametrize(
    ("pays", "campaigns", "phase"),
    [(0.99, 0, "scan"), (0.99, 1, "validate"), (0.99, 2, "scale"), (0.79, 9, "validate"),
     (0.49, 9, "scan"), (0.04, 9, "rest"), (0.04, 0, "scan"), (float("nan"), 3, "scan")],
)  # fmt: skip
def test_a_gate_asks_for_belief_and_for_campaigns(pays, campaigns, phase):
    assert Gates().phase(pays, campaigns=campaigns) == phase


def test_a_scaled_cluster_is_held_until_it_falls_well_below_its_gate():
    held = [Gates().phase(pays, campaigns=5, now="scale") for pays in (0.75, 0.71, 0.69)]
    assert held == ["scale", "scale", "validate"]


@pytest.mark.parametrize(
    ("said", "told"),
    [({"validate": 0.9}, "in that order"), ({"rest": 0.6}, "in that order"),
     ({"scale": 1.0}, "below 1"), ({"hold": -0.1}, "hold"), ({"campaigns": (3, 2)}, "at least as"),
     ({"campaigns": 2}, "two whole numbers"), ({"people": 0}, "people of a campaign"),
     ({"people": "400"}, "'400'"), ({"people": np.inf}, "inf"), ({"break_even": np.nan}, "nan"),
     ({"validate": None}, "None")],
)  # fmt: skip
def test_gates_out_of_order_are_refused(said, told):
    with pytest.raises(co.FindingError, match=told):
        Gates(**said)


@given(pays=st.floats(0, 1), campaigns=st.integers(0, 20))
def test_a_cluster_that_was_higher_is_never_put_lower_for_it(pays, campaigns):
    ranks = [
        PHASES.index(Gates().phase(pays, campaigns=campaigns, now=now))
        for now in ("scan", "validate", "scale")
    ]
    assert ranks == sorted(ranks)


# ---- phases


def counted(frame, monkeypatch):
    """Return campaigns and people of a table's clusters, all of them sure to pay."""
    clusters = list(dict.fromkeys(frame["cluster"]))
    levels = np.full((300, len(clusters), 3), 0.1)
    beliefs = stated(frame, levels, monkeypatch=monkeypatch)
    found = co.phases(beliefs, "Ana", values=WORTH, rng=np.random.default_rng(3)).table
    return found["campaigns"].values.tolist(), found.attrs["campaign"], found


def test_rows_of_one_release_are_one_campaign(monkeypatch):
    frame = rows(cluster=["a", "a", "b", "b"], spend=[40.0] * 4, release=[0, 0, 0, 1])
    frame["period_start"] = ["2026-01-01", "2026-01-08"] * 2
    frame["period_end"] = ["2026-01-07", "2026-01-14"] * 2
    campaigns, people, _ = counted(frame, monkeypatch)
    assert campaigns == [1, 2]
    assert people == 400


def test_organic_rows_are_no_campaigns_and_say_nothing_of_their_size(monkeypatch):
    frame = rows(
        cluster=["a", "a", "a"], spend=[40.0, np.nan, np.nan], release=[0, 1, 2],
        listeners=[400, 20_000, 20_000], saves=[40, 2000, 2000],
    )  # fmt: skip
    campaigns, people, table = counted(frame, monkeypatch)
    assert campaigns == [1]
    assert people == 400
    assert table["phase"].item() == "validate"


def test_a_campaign_without_one_outcome_is_still_a_campaign(monkeypatch):
    frame = rows(cluster=["a", "a"], spend=[40.0] * 2, release=[0, 1])
    frame["saves"] = [40, np.nan]
    assert counted(frame, monkeypatch)[0] == [2]


def test_each_cluster_stands_where_its_beliefs_and_campaigns_put_it(monkeypatch):
    # Break-even is a save rate of 0.01: people cost 0.1, a save is worth 10.
    levels = around([0.10, 0.10, 0.012, 0.001], [0.005, 0.005, 0.003, 0.0003])
    table = standing(monkeypatch, levels, campaigns=(4, 1, 3, 4)).table
    assert table["phase"].values.tolist() == ["scale", "validate", "validate", "rest"]
    assert table["campaigns"].values.tolist() == [4, 1, 3, 4]
    assert table["people"].values.tolist() == [1600, 400, 1200, 1600]


def test_a_sure_cluster_with_one_campaign_needs_one_more(monkeypatch):
    table = standing(monkeypatch, around([0.1], [0.005]), campaigns=(1,)).table
    assert table["needed"].item() == 1
    assert table["needed_people"].item() == 400
    assert table["promoted"].item() > 0.95


def test_an_open_cluster_needs_more_campaigns_the_more_they_scatter(monkeypatch):
    # Either well below break-even, a rate of 0.01, or well above it.
    pays = np.random.default_rng(2).random((1500, 1)) < 0.4
    levels = np.where(pays, 0.018, 0.005) * around([1.0], [0.1])
    needed = [
        standing(monkeypatch, levels, campaigns=(3,), kappa=kappa).table["needed"].item()
        for kappa in (1e9, 60.0, 10.0)
    ]
    assert needed[0] < needed[1] < needed[2]


def test_what_promotes_is_more_than_what_demotes(monkeypatch):
    levels = around([0.011], [0.004])
    table = standing(monkeypatch, levels, campaigns=(3,), now={"a": "validate"}).table
    assert table["phase"].item() == "validate"
    up, down = float(table["promoted_from"].item()), float(table["demoted_to"].item())
    # A save is worth 10 and break-even is 0.1 a listener.
    assert down < 0.1 < up
    assert 0.1 < table["promoted"].item() + table["demoted"].item() <= 1


def test_assurance_is_how_often_a_real_next_campaign_promotes(monkeypatch):
    # Conjugate: a Beta law, one more Binomial campaign; the gate is read off exact Beta tails.
    from scipy.stats import beta

    a, b, people, edge = 8, 792, 400, 0.01
    rng = np.random.default_rng(11)
    levels = rng.beta(a, b, (6000, 1))
    gates = Gates(validate=0.3, scale=0.8, people=people)
    # So many campaigns that their cost is known: 0.1 a listener, break-even at a rate of 0.01.
    table = standing(monkeypatch, levels, campaigns=(400,), gates=gates).table
    truth = rng.beta(a, b, 20_000)
    saves = rng.binomial(people, truth)
    after = beta.sf(edge, a + saves, b + people - saves)
    # 128 results, evenly laid: a standard error of 0.03 or less.
    assert table["promoted"].item() == pytest.approx((after >= 0.8).mean(), abs=0.09)


def test_a_phase_that_is_stated_is_kept_or_lost_and_a_wrong_one_is_refused(monkeypatch):
    levels = around([0.0113], [0.0016])
    pays = float((levels > 0.01).mean())
    assert 0.7 < pays < 0.85
    with pytest.raises(co.FindingError, match="'scaling'"):
        standing(monkeypatch, levels, campaigns=(3,), now={"a": "scaling"})
    with pytest.raises(co.FindingError, match="name the phase"):
        standing(monkeypatch, levels, campaigns=(3,), now="scale")
    with pytest.raises(co.BeliefError, match="Did you mean"):
        standing(monkeypatch, levels, campaigns=(3,), now={"z": "scale"})


def test_a_cluster_without_a_price_is_scanned_and_it_is_said(monkeypatch):
    found = standing(monkeypatch, around([0.1], [0.01]), campaigns=(2,), spend=np.nan)
    assert found.table["phase"].item() == "scan"
    assert np.isnan(found.table["pays"].item())
    assert any("Without a price" in line for line in found.caveats)
    assert "no price" in found.table["why"].item()


def test_the_deck_tells_phases_as_bars_of_what_pays(monkeypatch):
    levels = around([0.10, 0.012], [0.005, 0.003])
    found = standing(monkeypatch, levels, campaigns=(4, 3))
    slide = co.Deck([found]).slides[0]
    assert slide.headline.startswith("Ana: scale a (pays in more than 19 of 20")
    assert list(slide.chart.frame["label"]) == ["a: scale", "b: validate"]
