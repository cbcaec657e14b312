from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import coterie as co
from coterie.findings.backtest import _share_inside
from tests.findings.conftest import foresee, stated_beliefs

SAVE = (co.Outcome.binary("save", successes="saves", trials="listeners"),)


def one_outcome(saves, listeners, **columns):
    frame = {"artist": "x", "cluster": "gym", "saves": saves, "listeners": listeners} | columns
    return co.Evidence.from_frame(pd.DataFrame(frame), outcomes=SAVE)


# Small tables of one cluster are warned about; here they are meant.
pytestmark = pytest.mark.filterwarnings("ignore::coterie.errors.EvidenceWarning")


def test_expected_coverage_counts_each_row_by_the_part_of_it_inside(foreseen_by, rng):
    # Y is 0 or 1, half and half. Y = 0 covers u in (0, 0.5), of which (0.05, 0.5) is inside:
    # 0.45 / 0.5 = 0.9. Y = 1 the same from above.
    ledger = one_outcome([5], [10])
    foreseen_by({"save": 0.5})
    later = one_outcome([0, 1, 1], [1, 1, 1], artist=["a", "b", "c"])

    table = co.backtest(stated_beliefs(ledger), later, rng=rng).table

    assert table["coverage"].sel(outcome="save").item() == pytest.approx(0.9)


def test_expected_coverage_is_the_mean_of_randomised_coverage(rng):
    below, upto = np.sort(rng.random((2, 40)), axis=0)
    u = below + rng.random((4000, 40)) * (upto - below)

    drawn = ((u > 0.05) & (u < 0.95)).mean(axis=0)

    # 4,000 draws: the standard error of a share is at most 0.008.
    assert np.abs(_share_inside(below, upto, 0.05) - drawn).max() < 0.035


def test_beliefs_that_say_what_the_constant_baseline_says_gain_nothing(foreseen_by, rng):
    ledger = one_outcome([5], [20])
    foreseen_by({"save": 0.25})
    later = one_outcome([3, 0, 7], [9, 4, 11], artist=["a", "b", "c"])

    own = co.backtest(stated_beliefs(ledger), later, rng=rng).table.sel(outcome="save")

    assert own["score"].item() == pytest.approx(
        stats.binom.logpmf([3, 0, 7], [9, 4, 11], 0.25).mean()
    )
    assert own["difference"].sel(baseline="constant_rate").item() == pytest.approx(0, abs=1e-12)


def test_the_standard_error_is_that_of_paired_rows(foreseen_by, rng, two_months):
    early, late = two_months
    rates = {o.name: 0.08 for o in late.outcomes}
    foreseen_by(rates)
    table = co.backtest(stated_beliefs(early), late, rng=rng).table

    o = late.outcomes[0].name
    own = late.counts.sel(outcome=o)
    rows = ((own["denominator"] > 0) & own["numerator"].notnull()).to_numpy()
    y, n = own["numerator"].to_numpy()[rows], own["denominator"].to_numpy()[rows]
    cells = early.cells().sel(outcome=o)
    constant = float(cells["numerator"].sum() / cells["denominator"].sum())
    gain = stats.binom.logpmf(y, n, 0.08) - stats.binom.logpmf(y, n, constant)
    found = table.sel(outcome=o, baseline="constant_rate")

    assert found["difference"].item() == pytest.approx(gain.mean())
    assert found["difference_se"].item() == pytest.approx(gain.std(ddof=1) / np.sqrt(gain.size))


def test_rows_not_measured_or_out_of_nobody_are_not_scored(foreseen_by, rng):
    ledger = one_outcome([5], [20])
    foreseen_by({"save": 0.25})
    later = one_outcome([3, 0, None, 2], [9, 0, 5, None], artist=["a", "b", "c", "d"])

    table = co.backtest(stated_beliefs(ledger), later, rng=rng).table

    assert table["n"].sel(outcome="save").item() == 1
    assert np.isnan(table["pit"].sel(outcome="save")).values.tolist() == [False, True, True, True]


def test_the_pit_of_a_true_model_stays_inside_its_band(foreseen_by, rng):
    ledger = one_outcome([50], [1000])
    people = np.full(800, 40)
    later = one_outcome(rng.binomial(people, 0.05), people, artist=[f"a{i}" for i in range(800)])
    foreseen_by({"save": 0.05})

    table = co.backtest(stated_beliefs(ledger), later, rng=rng).table.sel(outcome="save")

    assert (table["ecdf_difference"] <= table["band_upper"] + 1e-12).all()
    assert (table["ecdf_difference"] >= table["band_lower"] - 1e-12).all()


def test_the_pit_of_a_wrong_model_leaves_its_band(foreseen_by, rng):
    ledger = one_outcome([50], [1000])
    people = np.full(800, 40)
    later = one_outcome(rng.binomial(people, 0.1), people, artist=[f"a{i}" for i in range(800)])
    foreseen_by({"save": 0.05})

    table = co.backtest(stated_beliefs(ledger), later, rng=rng).table.sel(outcome="save")

    assert (table["ecdf_difference"] < table["band_lower"]).any()


def test_the_headline_says_who_wins_and_what_the_intervals_held(foreseen_by, rng, two_months):
    early, late = two_months
    foreseen_by({o.name: 0.5 for o in late.outcomes})

    finding = co.backtest(stated_beliefs(early), late, rng=rng)
    headline = finding.headline

    first = late.outcomes[0].name
    assert headline.startswith(f"{first}: predictions fall ")
    held = 100 * float(finding.table["coverage"][0])
    assert f"90 % intervals held {held:.3g} % of 36 rows" in headline


def test_the_same_generator_gives_the_same_finding(foreseen_by, two_months):
    early, late = two_months
    foreseen_by({o.name: 0.1 for o in late.outcomes})
    twice = [
        co.backtest(stated_beliefs(early), late, rng=np.random.default_rng(3)) for _ in range(2)
    ]

    assert twice[0].table.identical(twice[1].table)


def test_caveats_name_rows_that_do_not_come_later(foreseen_by, rng, two_months):
    early, late = two_months
    foreseen_by({o.name: 0.1 for o in late.outcomes})

    backwards = co.backtest(stated_beliefs(late), early, rng=rng).caveats
    forwards = co.backtest(stated_beliefs(early), late, rng=rng).caveats

    assert any("are not a forecast" in caveat for caveat in backwards)
    assert not any("are not a forecast" in caveat for caveat in forwards)


def test_caveats_name_strangers_thin_scores_and_a_fit_in_doubt(foreseen_by, rng):
    ledger = one_outcome([5], [20])
    foreseen_by({"save": 0.25})
    doubt = SimpleNamespace(ok=False, lines=("2 of 36 parameters have not settled.",))
    later = one_outcome([3, 1], [9, 5], artist=["x", "a newcomer"])

    told = " ".join(co.backtest(stated_beliefs(ledger, trust=doubt), later, rng=rng).caveats)

    assert "1 of 2 rows name a artist" not in told
    assert "1 of 2 rows name an artist the beliefs never saw ('a newcomer')" in told
    assert "save was scored on 2 rows alone" in told
    assert "The fit itself is in doubt: 2 of 36 parameters have not settled." in told


def test_tables_without_a_shared_outcome_are_refused(rng):
    ledger = one_outcome([5], [20])
    adds = (co.Outcome.binary("add", successes="saves", trials="listeners"),)
    later = co.Evidence.from_frame(ledger.to_frame(), outcomes=adds)

    with pytest.raises(co.FindingError, match="no outcome is in both"):
        co.backtest(stated_beliefs(ledger), later, rng=rng)


def test_rows_that_measured_nothing_are_refused(foreseen_by, rng):
    ledger = one_outcome([5], [20])
    foreseen_by({"save": 0.25})
    later = one_outcome([0], [0])

    with pytest.raises(co.FindingError, match="nothing can be scored"):
        co.backtest(stated_beliefs(ledger), later, rng=rng)


def test_predictions_of_stated_rates_are_exact_in_this_test_room():
    late = one_outcome([1], [2])

    assert foresee(late, {"save": 0.5})["cdf"].item() == pytest.approx(0.75)


def test_a_prediction_that_called_an_event_impossible_is_said_aloud(foreseen_by, rng):
    ledger = one_outcome([5], [20])
    foreseen_by({"save": 0.0})
    later = one_outcome([1, 0], [9, 5], artist=["a", "b"])

    finding = co.backtest(stated_beliefs(ledger), later, rng=rng)

    assert "called impossible something that happened" in finding.headline
    assert finding.to_dict()["table"][0]["score"] is None
