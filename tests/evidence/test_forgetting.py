"""Forgetting: a cell counts by the age of its window, never below nothing."""

import json

import numpy as np
import pandas as pd
import pytest

from coterie import names
from coterie.beliefs.ledger import evidence_of, ledger_of
from coterie.errors import EvidenceError, EvidenceWarning
from coterie.evidence import Evidence, HalfLife, Outcome, days_of, join, part_of
from coterie.evidence.forgetting import powers
from coterie.evidence.windows import parse_window

SAVE = Outcome.binary("save", successes="saves", trials="listeners")


def table(window="7D", weeks=3):
    start = pd.Timestamp("2026-01-05") + pd.to_timedelta(7 * np.arange(weeks), unit="D")
    frame = pd.DataFrame(
        {"artist": "a", "cluster": ["gym", "indie"] * weeks, "saves": 3, "listeners": 40}
    ).assign(
        period_start=np.repeat(start, 2), period_end=np.repeat(start, 2) + pd.Timedelta(days=6)
    )
    return Evidence.from_frame(frame, outcomes=[SAVE], window=window)


def power_of(evidence):
    cells = evidence.cells()
    values = cells[names.POWER].to_numpy()
    return dict(zip(cells[names.WINDOW].to_numpy().tolist(), values.tolist(), strict=True))


def test_a_window_counts_half_for_every_half_life_since_its_last_day():
    # Weeks end on 11, 18 and 25 January: 14, 7 and 0 days before the last.
    assert power_of(table().forgetting("7D")) == {
        "2026-01-05": 0.25, "2026-01-12": 0.5, "2026-01-19": 1.0
    }  # fmt: skip


def test_age_is_counted_from_a_stated_day():
    faded = power_of(table().forgetting(7, as_of="2026-02-01"))
    assert faded["2026-01-19"] == 0.5
    assert faded["2026-01-05"] == 0.125


def test_a_window_that_is_not_over_or_comes_later_counts_in_full():
    for day in ("2026-01-19", "2025-01-01"):
        assert power_of(table().forgetting("7D", as_of=day))["2026-01-19"] == 1.0
    assert set(power_of(table().forgetting("7D", as_of="2025-01-01")).values()) == {1.0}


def test_calendar_and_hourly_windows_end_on_their_own_last_day():
    # January ends on the 31st: 10 days before 10 February.
    assert power_of(table("month").forgetting(10, as_of="2026-02-10")) == {"2026-01-01": 0.5}
    with pytest.warns(EvidenceWarning, match="longer than its window"):
        hourly = table("12h")
    assert power_of(hourly.forgetting(1, as_of="2026-01-06"))["2026-01-05T00"] == 0.5


def test_rows_of_one_window_are_one_cell_of_one_age():
    cells = table("month").forgetting(5).cells()
    assert cells.sizes[names.CELL] == 2
    assert cells[names.NUMERATOR].to_numpy().ravel().tolist() == [9.0, 9.0]


@pytest.mark.parametrize(
    "said", [90, 90.0, np.int64(90), "90D", "90", "90 days", pd.Timedelta(days=90)]
)
def test_a_half_life_is_read_however_it_is_written(said):
    assert table().forgetting(said).half_life == HalfLife(90.0, "2026-01-25")


@pytest.mark.parametrize("said", [None, "never", "NEVER", float("inf")])
def test_no_forgetting_is_no_forgetting_however_it_is_written(said):
    assert table().forgetting("7D").forgetting(said) == table()
    assert names.POWER not in table().forgetting(said).cells().coords


@pytest.mark.parametrize("said", [0, -3, "0D", float("nan"), "soon", "90M", True, pd.NaT, [90]])
def test_a_half_life_that_is_none_is_refused_by_its_value(said):
    with pytest.raises(EvidenceError, match=r"half_life is .* above 0\. Write days"):
        table().forgetting(said)


@pytest.mark.parametrize("said", ["soon", "now", "Today", 20260101, True, pd.NaT])
def test_a_day_that_is_none_is_refused_by_its_value(said):
    with pytest.raises(EvidenceError, match=r"as_of is .*, which is no date"):
        table().forgetting(7, as_of=said)


def test_a_day_is_not_taken_where_nothing_fades():
    with pytest.raises(EvidenceError, match=r"as_of is '2026-02-01', and with half_life 'never'"):
        table().forgetting("never", as_of="2026-02-01")


def test_a_day_is_read_however_it_is_written():
    said = ["2026-02-01", pd.Timestamp("2026-02-01 13:00"), np.datetime64("2026-02-01"),
            pd.Timestamp("2026-02-01").date(), pd.Timestamp("2026-02-01", tz="UTC")]  # fmt: skip
    assert {table().forgetting(7, as_of=day).half_life.as_of for day in said} == {"2026-02-01"}


def test_a_table_without_windows_has_no_ages():
    with pytest.raises(EvidenceError, match=r"states no windows.*window='28D'"):
        table(window=None).forgetting("90D")


def test_counts_and_rows_are_as_they_were():
    first, faded = table(), table().forgetting("7D")
    assert faded.counts.identical(first.counts)
    pd.testing.assert_frame_equal(faded.to_frame(), first.to_frame())
    assert faded != first
    assert faded == table().forgetting(7)
    assert faded != table().forgetting(8)
    assert faded != table().forgetting(7, as_of="2026-03-01")
    assert "half-life 7 days as of 2026-01-25" in repr(faded)


def test_the_half_life_stays_with_a_table_and_its_ledger():
    faded = table().forgetting("7D")
    file = json.dumps(evidence_of(ledger_of(faded)).half_life.days)
    assert file == "7.0"
    assert evidence_of(ledger_of(faded)) == faded
    assert evidence_of(ledger_of(table())) == table()
    assert part_of(faded, np.arange(6) < 3).half_life == faded.half_life


def test_tables_that_are_added_fade_alike_from_the_later_day():
    old, new = part_of(table(), np.arange(6) < 4), part_of(table(), np.arange(6) >= 4)
    faded, later = old.forgetting("7D"), new.forgetting("7D")
    for both in (faded + later, later + faded):
        assert both.half_life == HalfLife(7.0, "2026-01-25")
    assert (faded + new).half_life == HalfLife(7.0, "2026-01-18")
    assert join(faded, new, replaces=False).evidence.half_life == HalfLife(7.0, "2026-01-18")
    assert faded.read_more(new.to_frame()).half_life == faded.half_life
    with pytest.raises(EvidenceError, match=r"half-life: 7 days in one table and 8 days"):
        faded + new.forgetting("8D")


@pytest.mark.parametrize("unit", ["D", "h", "s", "ns"])
def test_a_stretch_of_time_of_numpy_is_read_in_its_own_unit(unit):
    assert days_of(np.timedelta64(90, "D").astype(f"timedelta64[{unit}]")) == 90


@pytest.mark.filterwarnings("error")
def test_the_shortest_half_life_there_is_leaves_what_is_not_over():
    half = HalfLife(1e-310, "2026-01-20")
    power = powers(half, parse_window("7D"), np.array(["2026-01-05", "2026-01-19"]))
    assert power.tolist() == [0.0, 1.0]
