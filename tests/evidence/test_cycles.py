"""Factors that come round: whole numbers from 0, and nothing else."""

import numpy as np
import pandas as pd
import pytest

import coterie as co
from coterie.beliefs.ledger import evidence_of, ledger_of
from coterie.evidence import Cycle, Evidence

HOUR = Cycle("hour", 24)
WEEKDAY = Cycle("weekday", 7, length=1.5)


def table(hours=(0, 5, 23, 7), weekdays=(6, 0, 1, 1)):
    return pd.DataFrame(
        {
            "artist": ["a"] * 4, "cluster": ["gym", "gym", "indie", "indie"], "hour": hours,
            "weekday": weekdays, "saves": [1, 2, 3, 4], "listeners": [10] * 4,
        }
    )  # fmt: skip


@pytest.mark.parametrize("hours", [["0", "5", "23", "7"], [0.0, 5.0, 23.0, 7.0], [0, 5, 23, 7]])
def test_places_on_a_cycle_are_whole_numbers_however_they_are_written(hours):
    evidence = Evidence.from_frame(table(hours), factors=[HOUR])

    assert evidence.factors == ("hour",)
    assert evidence.counts["hour"].dtype == np.int64
    assert evidence.counts["hour"].values.tolist() == [0, 5, 23, 7]


@pytest.mark.parametrize("odd", [24, -1, 3.5, "noon"])
def test_a_level_that_is_not_on_the_cycle_is_refused_with_its_row_and_how_many(odd):
    with pytest.raises(co.EvidenceError, match="none of 0 to 23 in 1 of 4 rows: row 2") as told:
        Evidence.from_frame(table([0, 5, odd, 7]), factors=[HOUR])

    assert told.value.problems[0].code == "cycle-level"


@pytest.mark.parametrize(
    "arguments",
    [
        {"factors": [HOUR, WEEKDAY], "crossed": [("hour", "weekday")]},
        {"factors": HOUR, "crossed": [("hour", "cluster")]},
        {"cluster": ["cluster_", "hour", "weekday"], "factors": [HOUR]},
    ],
)
def test_a_table_with_cycles_comes_back_as_it_was_written(arguments):
    rows = table().rename(columns={"cluster": "cluster_"} if "cluster" in arguments else {})
    evidence = Evidence.from_frame(rows, **arguments)

    assert evidence.read_more(evidence.to_frame()) == evidence
    assert evidence_of(ledger_of(evidence)) == evidence
    assert HOUR in evidence.layout.cycles


def test_a_cycle_does_not_add_to_the_same_column_without_its_circle():
    first = Evidence.from_frame(table(), factors=[HOUR])
    second = Evidence.from_frame(table().assign(artist="b"), factors=["hour"])

    with pytest.raises(co.EvidenceError, match="cycles"):
        first + second


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((5, 24), "names one column"),
        (("hour", 2), "period of cycle 'hour' is 2"),
        (("hour", 24.0), "is 24.0"),
        (("hour", 24, 0.0), "length of cycle 'hour' is 0.0"),
        (("hour", 24, 7), "at most 6 levels"),
        (("hour", 24, "long"), "is 'long'"),
    ],
)
def test_a_cycle_that_cannot_be_says_why(arguments, said):
    with pytest.raises(co.EvidenceError, match=said):
        Cycle(*arguments)
