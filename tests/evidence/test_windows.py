import numpy as np
import pytest

from coterie.errors import EvidenceError
from coterie.evidence.windows import parse_window, window_labels, window_lengths


def label(text, *days):
    return window_labels(parse_window(text), np.array(days, dtype="datetime64[ns]")).tolist()


def test_fixed_windows_are_counted_from_a_monday_in_2001():
    # 2001-01-01 + 313 * 28 days = 2024-12-30; the next begins on 2025-01-27.
    assert label("28D", "2025-01-26", "2025-01-27") == ["2024-12-30", "2025-01-27"]


def test_a_days_window_does_not_depend_on_the_other_rows():
    days = ["2025-01-03", "2025-06-30", "1999-12-31"]

    assert label("7D", *days) == [label("7D", day)[0] for day in days]


def test_weeks_begin_on_mondays_before_the_origin_too():
    assert label("W", "2000-12-31", "2001-01-01") == ["2000-12-25", "2001-01-01"]


@pytest.mark.parametrize(
    ("text", "day", "start"),
    [
        ("MS", "2024-02-29", "2024-02-01"),
        ("month", "2024-02-29", "2024-02-01"),
        ("QS", "2024-05-31", "2024-04-01"),
        ("quarter", "1999-12-31", "1999-10-01"),
        ("year", "2024-05-31", "2024-01-01"),
        ("4 weeks", "2025-01-27", "2025-01-27"),
        ("2 months", "2001-04-30", "2001-03-01"),
    ],
)
def test_a_window_begins_on_the_day_its_text_says(text, day, start):
    assert label(text, day) == [start]


def test_windows_shorter_than_a_day_keep_their_hour():
    assert label("12h", "2025-01-01T13:00") == ["2025-01-01T12"]


def test_a_leap_february_is_29_days_long():
    length = window_lengths(parse_window("month"), np.array(["2024-02-05"], dtype="datetime64[ns]"))

    assert length == np.timedelta64(29, "D")


@pytest.mark.parametrize("text", ["", "28", "fortnight", "0D", "-7D", None, 28, "D28"])
def test_a_text_that_is_no_length_is_refused_with_examples(text):
    with pytest.raises(EvidenceError, match="'28D'"):
        parse_window(text)
