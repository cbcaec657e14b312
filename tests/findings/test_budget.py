"""Budget: whole money that keeps its rules, with the reason of every line."""

from contextlib import nullcontext

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import coterie as co
from coterie.findings import Gates
from tests.findings.priced import rows, stated

WORTH = {"save": 1.0}
MANY = 60
CLUSTERS = ("gym", "focus", "pop", "rain")
CENTRES = (0.62, 0.55, 0.5, 0.3)


@pytest.fixture
def beliefs(monkeypatch):
    """Return four clusters at 0.5 a listener, of which two surely pay."""
    clusters = np.repeat(CLUSTERS, MANY)
    table = rows(
        cluster=clusters, spend=[200.0] * clusters.size,
        release=[str(i) for i in range(clusters.size)],
    )  # fmt: skip
    rng = np.random.default_rng(8)
    saves = np.clip(rng.normal(CENTRES, (0.02, 0.01, 0.06, 0.02), (800, 4)), 0, 1)
    levels = np.stack([saves, saves * 0, saves * 0], axis=-1)
    return stated(table, levels, monkeypatch=monkeypatch)


def allocated(beliefs, budget=10_000, **said):
    return co.allocate(
        beliefs, "Ana", budget=budget, values=WORTH, rng=np.random.default_rng(5), **said
    )


@pytest.mark.parametrize("method", ["thompson", "ucb", "top_two"])
@pytest.mark.parametrize("budget", [1000, 9_999, 123_457])
def test_amounts_sum_to_the_budget_exactly_and_sleeves_keep_their_ranges(beliefs, method, budget):
    table = allocated(beliefs, budget, method=method).table
    assert float(table["amount"].sum()) == budget
    by_sleeve = table["amount"].groupby(table["sleeve"]).sum() / budget
    for sleeve, (low, high) in co.Rules().sleeves.items():
        share = float(by_sleeve.sel(sleeve=sleeve))
        assert low - 1 / budget <= share <= high + 1 / budget


def test_what_pays_is_validated_and_the_rest_is_learned_about(beliefs):
    table = allocated(beliefs).table
    where = dict(zip(table["line"].values.tolist(), table["sleeve"].values.tolist(), strict=True))
    assert where["gym (validated)"] == "validated"
    assert where["rain (adjacent)"] == "adjacent"
    assert "rain (experiment)" not in where
    assert "pop (adjacent)" in where
    assert all(len(why) > 20 for why in table["why"].values.tolist())
    assert float(table["amount"].sel(line="gym (validated)")) > 3_000


def test_the_headline_names_who_gets_most_and_how_sure_that_is(beliefs):
    found = allocated(beliefs)
    money = found.table["amount"].to_series()
    most = money.groupby(found.table["cluster"].values).sum()
    leader = most.index[most == most.max()]
    assert any(f"{most.max():,.0f} go to {cluster}" in found.headline for cluster in leader)
    assert "20 of 20" not in found.headline.replace("more than 19 of 20", "")
    assert "equally likely outcomes" in found.headline


def test_floors_caps_and_fixed_lines_are_kept_over_all_lines_of_a_cluster(beliefs):
    rules = co.Rules(
        floors={"rain": 900}, caps={"gym": 4_000}, pending={"gym": 1_000}, fixed={"pop": 700}
    )
    table = allocated(beliefs, rules=rules).table
    money = table["amount"].groupby(table["cluster"]).sum()
    assert float(money.sel(cluster="rain")) >= 900
    assert float(money.sel(cluster="gym")) <= 3_000
    assert float(money.sel(cluster="pop")) == 700
    assert float(money.sum()) == 10_000
    assert "gym (experiment)" not in table["line"].values


def test_a_line_is_worth_a_test_or_nothing(beliefs):
    table = allocated(beliefs, rules=co.Rules(least_test=600, unit=50)).table
    amounts = table["amount"].to_numpy()
    assert ((amounts == 0) | (amounts >= 600)).all()
    assert (amounts % 50 == 0).all()
    assert amounts.sum() == 10_000


def test_cents_are_whole_cents(beliefs):
    table = allocated(beliefs, 1000.01, rules=co.Rules(unit=0.01)).table
    cents = table["amount"].to_numpy() * 100
    np.testing.assert_allclose(cents, np.round(cents), atol=1e-6)
    assert round(cents.sum()) == 100_001


def test_an_emerging_artist_explores_more_than_an_established_one(beliefs):
    shares = []
    for maturity in (0.0, 1.0):
        table = allocated(beliefs, rules=co.Rules(maturity=maturity)).table
        own = table["amount"].where(table["sleeve"] == "adjacent", 0.0)
        shares.append(float(own.sum()) / 10_000)
    assert shares == [pytest.approx(0.20, abs=1e-3), pytest.approx(0.15, abs=1e-3)]


def test_where_nothing_is_validated_all_is_learning_and_it_is_said(beliefs):
    found = allocated(beliefs, rules=co.Rules(validated=[]))
    assert set(found.table["sleeve"].values) == {"adjacent"}
    assert any("No cluster for experiment and validated" in c for c in found.caveats)


def test_what_is_open_is_worth_no_more_than_knowing_all(beliefs):
    found = allocated(beliefs)
    assert 0 < float(found.table["open"]) < 0.2 * float(found.table["total"])


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ({"floors": {"nowhere": 1}}, "floors names 'nowhere'"),
        ({"pending": {"nowhere": 1}}, "pending names 'nowhere'; the clusters are gym"),
        ({"validated": ["nowhere"]}, "validated names 'nowhere'"),
        ({"floors": {"gym": 20_000}}, "gym must have 20,000|No amounts|take 20,000"),
        ({"unit": 3}, "no whole number of units"),
        ({"sleeves": {"validated": (0.2, 0.3), "adjacent": (0.1, 0.2)}}, "cannot sum to 1"),
    ],
)
def test_rules_that_cannot_be_kept_are_refused_by_name(beliefs, rules, words):
    with pytest.raises(co.FindingError, match=words):
        allocated(beliefs, rules=co.Rules(**rules))


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ({"unit": 0}, "unit is 0"), ({"unit": "1"}, "unit is '1'"),
        ({"despite": None}, "despite is None; write the reason"), ({"despite": True}, "is True"),
        ({"break_even": float("nan")}, "break_even is nan"), ({"break_even": "1"}, "is '1'"),
        ({"break_even": float("inf")}, "break_even is inf"),
        ({"maturity": 3}, "maturity is 3"), ({"maturity": "0.5"}, "maturity is '0.5'"),
        ({"maturity": None}, "maturity is None"), ({"maturity": True}, "maturity is True"),
        ({"maturity": float("nan")}, "maturity is nan"), ({"curiosity": "x"}, "curiosity is 'x'"),
        ({"least_test": -1}, "least_test is -1"), ({"least_test": None}, "least_test is None"),
        ({"caps": {"gym": -1}}, "caps of 'gym' is -1; 1 of 1"), ({"caps": 5}, "caps is 5; give"),
        ({"caps": {"gym": "100"}}, "caps of 'gym' is '100'"), ({"floors": ["gym"]}, "floors is"),
        ({"fixed": None}, "fixed is None"), ({"fixed": {"gym": None}}, "fixed of 'gym' is None"),
        ({"pending": {"pop": 1, "gym": -1}}, "pending of 'gym' is -1; 1 of 2"),
        ({"pending": {"gym": float("nan")}}, "pending of 'gym' is nan"),
        ({"pending": [("gym", 1)]}, "pending is"), ({"sleeves": None}, "sleeves is None"),
    ],
)  # fmt: skip
def test_rules_that_are_none_are_refused_when_they_are_stated(rules, words):
    with pytest.raises(co.FindingError, match=words):
        co.Rules(**rules)


@settings(max_examples=50, deadline=None)
@given(st.one_of(st.none(), st.booleans(), st.text(), st.floats(), st.lists(st.integers())))
def test_a_maturity_is_a_share_or_is_refused(value):
    share = isinstance(value, float) and 0 <= value <= 1
    with nullcontext() if share else pytest.raises(co.FindingError, match="maturity is"):
        assert co.Rules(maturity=value).maturity == value


def test_rules_that_are_no_rules_are_refused(beliefs):
    with pytest.raises(co.FindingError, match=r"rules is a dict; give Rules\(...\)"):
        allocated(beliefs, rules={"maturity": 0.5})


@pytest.mark.parametrize("budget", [0, -5, float("nan"), "1000", None, True, [1000], float("inf")])
def test_no_money_is_no_budget(beliefs, budget):
    with pytest.raises(co.FindingError, match="must be money above 0"):
        allocated(beliefs, budget)


def test_an_allocation_is_a_slide(beliefs):
    from coterie.deck.slides import Bars
    from coterie.deck.story import of_finding

    slide = of_finding(allocated(beliefs))
    assert isinstance(slide.chart, Bars)
    assert slide.chart.frame["value"].is_monotonic_decreasing


def test_the_same_chance_gives_the_same_budget():
    beliefs = co.example_beliefs()
    said = {"budget": 5000, "values": {"save": 1.0, "follow": 4.0}}
    first, second = (
        co.allocate(beliefs, "Marrow", rng=np.random.default_rng(3), **said).table["amount"]
        for _ in range(2)
    )
    assert first.to_series().tolist() == second.to_series().tolist()


def test_what_all_of_it_brings_is_told_and_that_it_does_not_pay(beliefs):
    good = allocated(beliefs)
    # Half a listener's price: a save rate of 0.6 at 0.5 each is 1.2 for a unit of money.
    assert 10_000 < float(good.table["total"]) < 13_000
    assert f"{float(good.table['total']):,.0f} of value" in good.headline
    assert not any("Rather not" in line for line in good.caveats)
    bad = allocated(beliefs, rules=co.Rules(break_even=3.0))
    assert float(bad.table["total_pays"]) < 0.05
    assert any("Rather not worth it" in line and "break-even of 3" in line for line in bad.caveats)


def test_the_phases_say_what_is_validated(beliefs):
    gates = Gates(break_even=1.1, validate=0.3, scale=0.6)
    stands = co.phases(beliefs, "Ana", values=WORTH, gates=gates, rng=np.random.default_rng(6))
    proven = [
        str(c) for c in CLUSTERS
        if stands.table["phase"].sel(cluster=c).item() in ("validate", "scale")
    ]  # fmt: skip
    assert 0 < len(proven) < len(CLUSTERS)
    table = allocated(beliefs, rules=co.Rules(validated=stands)).table
    told = table["cluster"][(table["sleeve"] == "validated").to_numpy()].values.tolist()
    assert sorted(told) == sorted(proven)
    with pytest.raises(co.FindingError, match=r"co\.phases"):
        co.Rules(validated=allocated(beliefs))


def test_a_cluster_that_is_held_by_its_cap_says_so(beliefs):
    table = allocated(beliefs, rules=co.Rules(caps={"gym": 1000, "rain": 0})).table
    why = dict(zip(table["line"].values, table["why"].values, strict=True))
    held = {line.split(" (")[0] for line, told in why.items() if told.endswith("up to its cap")}
    assert held == {"gym"}
    assert all("its cap leaves no room" in told for line, told in why.items() if "rain" in line)
