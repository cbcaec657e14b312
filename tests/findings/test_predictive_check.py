"""Predictive check: rates of replicas, by hand, and tables that are not the model's."""

import numpy as np
import pytest

import coterie as co
from coterie.beliefs import replicas


def test_observed_and_interval_are_those_of_replicas_added_up_by_hand():
    beliefs = co.example_beliefs()
    found = co.predictive_check(beliefs, prob=0.8, rng=np.random.default_rng(3)).table
    drawn = replicas(beliefs, draws=400, rng=np.random.default_rng(3))
    frame = beliefs.evidence.to_frame()
    own = frame[frame["cluster"] == "gym"]
    cell = found.sel(outcome="save", cluster="gym")
    assert float(cell["n"]) == own["listeners"].sum()
    assert float(cell["observed"]) == pytest.approx(own["saves"].sum() / own["listeners"].sum())
    there = (drawn.made.outcome == 0) & (drawn.made.cluster == 2)
    rates = drawn.y[:, there].sum(axis=1) / drawn.made.n[there].sum()
    assert float(cell["lower"]) == pytest.approx(np.quantile(rates, 0.1))
    assert float(cell["upper"]) == pytest.approx(np.quantile(rates, 0.9))


def test_a_table_in_which_one_cluster_was_counted_otherwise_is_found_out():
    beliefs = co.example_beliefs()
    tree = beliefs.tree.copy()
    ledger = tree["ledger"].to_dataset()
    gym = ledger["cluster"].to_numpy() == "gym"
    saves = ledger["outcome"].to_numpy() == "save"
    counts = ledger["numerator"].to_numpy().copy()
    counts[np.ix_(gym, saves)] *= 3
    counts = np.fmin(counts, ledger["denominator"].to_numpy())
    tree["ledger"] = tree["ledger"].to_dataset().assign(
        numerator=(ledger["numerator"].dims, counts)
    )  # fmt: skip
    found = co.predictive_check(co.Beliefs(tree), rng=np.random.default_rng(3))
    assert found.table["p_value"].sel(outcome="save", cluster="gym") < 0.02
    assert "save in gym" in found.headline


@pytest.mark.parametrize("prob", [0, 1, 1.5])
def test_a_probability_that_is_none_is_refused(prob):
    with pytest.raises(co.FindingError, match="prob is"):
        co.predictive_check(co.example_beliefs(), prob=prob, rng=np.random.default_rng(1))
