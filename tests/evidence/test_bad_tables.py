from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from coterie.errors import CoterieError, EvidenceError, EvidenceWarning
from coterie.evidence import Evidence, Outcome, check, unknown_clusters

SAVE = Outcome.binary("save", successes="saves", trials="listeners")
PLAYS = Outcome.count("plays", total="saves", exposure="hours")


def put(column, value, *rows, dtype=None):
    def bend(frame):
        if dtype is not None:
            frame[column] = frame[column].astype(dtype)
        frame.loc[list(rows), column] = value
        return frame

    return bend


def whole(column, values):
    def bend(frame):
        return frame.assign(**{column: values(frame) if callable(values) else values})

    return bend


ERRORS = {
    "successes above trials": (put("saves", 5_000, 4), "successes-exceed-trials", (4,), "5,000 of"),
    "a negative count": (put("saves", -3, 2), "negative", (2,), "-3"),
    "a negative denominator": (put("listeners", -3, 2), "negative", (2,), "-3"),
    "a fractional count": (put("saves", 2.5, 1, dtype=float), "fractional", (1,), "2.5"),
    "fractional trials": (put("listeners", 99.5, 1, dtype=float), "fractional", (1,), "99.5"),
    "an infinite count": (put("saves", np.inf, 3, dtype=float), "infinite", (3,), "inf"),
    "minus infinity": (put("saves", -np.inf, 3, dtype=float), "infinite", (3,), "-inf"),
    "complex counts": (
        whole("saves", lambda f: f.saves + 1j),
        "complex",
        tuple(range(18)),
        "1j",
    ),
    "events of nobody": (
        lambda f: put("listeners", 0, 5)(f.drop(columns="adds")),
        "events-without-denominator",
        (5,),
        "of 0",
    ),
    "a thousands separator": (
        put("saves", "1,234", 0, dtype=object),
        "thousands-separator",
        (0,),
        "1,234",
    ),
    "a decimal comma": (put("saves", "3,5", 0, dtype=object), "decimal-comma", (0,), "3,5"),
    "a percentage": (put("saves", "12%", 0, dtype=object), "percent", (0,), "12%"),
    "numbers as text": (
        whole("saves", lambda f: f.saves.astype(str)),
        "number-as-text",
        tuple(range(18)),
        "to_numeric",
    ),
    "a word": (put("saves", "many", 0, dtype=object), "text-in-count", (0,), "many"),
    "a dash for nothing": (put("saves", "-", 0, dtype=object), "missing-as-text", (0,), "'-'"),
    "a date as text": (
        put("saves", "2025-01-01", 0, dtype=object),
        "date-in-count",
        (0,),
        "2025-01-01",
    ),
    "dates as counts": (
        whole("saves", pd.Timestamp("2025-01-01")),
        "date-in-count",
        tuple(range(18)),
        "2025",
    ),
    "lists as counts": (
        whole("saves", lambda f: [[1]] * len(f)),
        "not-a-number",
        tuple(range(18)),
        "[1]",
    ),
    "decimals that are not whole": (
        put("saves", Decimal("2.5"), 0, dtype=object),
        "decimal",
        (0,),
        "2.5",
    ),
    "rates for counts": (
        whole("saves", lambda f: f.saves / f.listeners),
        "rates-not-counts",
        tuple(range(18)),
        "rates",
    ),
    "counts above 2**53": (put("listeners", 2**53 + 1, 6), "too-large", (6,), "9007199254740993"),
    "counts above int64": (put("listeners", 10**30, 6, dtype=object), "too-large", (6,), "1000000"),
    "a missing cluster": (put("cluster", None, 8), "missing-label", (8,), "no label"),
    "a blank artist": (put("artist", "  ", 8), "missing-label", (8,), "no label"),
    "a totals row": (put("cluster", "Grand Total", 8), "totals-row", (8,), "Grand Total"),
    "Summe": (put("artist", "Summe", 8), "totals-row", (8,), "Summe"),
    "an absent artist column": (
        lambda f: f.rename(columns={"artist": "Artist "}),
        "absent-column",
        (),
        "'Artist '",
    ),
    "an absent denominator": (
        lambda f: f.drop(columns="listeners"),
        "absent-denominator",
        (),
        "listeners",
    ),
    "no counts at all": (lambda f: f.iloc[:, :4], "no-outcome", (), "saves of listeners"),
    "no rows": (lambda f: f.iloc[:0], "empty-table", (), "no rows"),
    "a backwards period": (
        put("period_end", "2024-12-31", 9),
        "period-backwards",
        (9,),
        "2024-12-31",
    ),
    "a day before month": (
        put("period_start", "31/01/2025", 9),
        "unreadable-date",
        (9,),
        "31/01/2025",
    ),
    "dates as numbers": (
        whole("period_start", 20250101),
        "unreadable-date",
        tuple(range(18)),
        "20250101",
    ),
    "a missing date": (put("period_end", None, 9), "missing-date", (9,), "no date"),
    "one row twice": (
        lambda f: pd.concat([f, f.iloc[[2]]]),
        "duplicate-row",
        (2, 18),
        "artist 'Ada', cluster 'indie pop'",
    ),
    "1 beside '1'": (
        lambda f: put("cluster", 1, 0)(
            f.replace({"cluster": {"gym": "1"}}).astype({"cluster": object})
        ),
        "label-two-types",
        (0, 1, 6, 7, 12, 13),
        "1 and '1'",
    ),
    "two currencies": (
        lambda f: f.assign(spend=5.0, currency=["USD"] + ["EUR"] * 17),
        "mixed-currencies",
        (0,),
        "USD",
    ),
    "a label too long to print": (put("artist", "x" * 100_000, 3), "long-label", (3,), "10,000"),
    "levels of columns": (
        lambda f: f.set_axis(pd.MultiIndex.from_product([["a"], f.columns]), axis=1),
        "multiindex-columns",
        (),
        "2 levels",
    ),
    "a column twice": (
        lambda f: pd.concat([f, f[["saves"]]], axis=1),
        "duplicate-column",
        (),
        "'saves'",
    ),
    "a dictionary of unequal columns": (
        lambda _: {"artist": ["a"], "cluster": ["x"], "saves": [1, 2], "listeners": [3]},
        "unequal-columns",
        (),
        "'saves' 2",
    ),
    "one value for a column": (
        lambda _: {"artist": "a", "cluster": ["x", "y"]},
        "unequal-columns",
        (),
        "one value",
    ),
    "a path": (lambda _: "campaign.csv", "unsupported-type", (), "read_csv"),
    "columns of columns": (
        lambda _: {"artist": ["a", "b"], "saves": np.ones((2, 2))},
        "unequal-columns",
        (),
        "1-dim",
    ),
    "labels in bytes": (whole("artist", b"Ada"), "label-type", tuple(range(18)), "b'Ada'"),
    "a date outside what time can hold": (
        lambda f: f.astype({"period_start": "datetime64[s]"}).pipe(
            put("period_start", np.datetime64("0001-01-01", "s"), 9)
        ),
        "unreadable-date",
        (9,),
        "0001",
    ),
    "an unmeasured refund": (whole("spend", -2.5), "negative", tuple(range(18)), "refunds"),
    "a list": (lambda _: [1, 2], "unsupported-type", (), "builtins.list"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_a_bad_table_is_refused_naming_its_rows_and_the_way_out(name, campaign):
    bend, code, rows, said = ERRORS[name]

    found = [p for p in check(bend(campaign())) if p.severity == "error"]

    assert [p.code for p in found] == [code]
    assert found[0].rows == rows
    assert said in str(found[0])
    assert found[0].fix
    with pytest.raises(EvidenceError) as raised:
        Evidence.from_frame(bend(campaign()))
    assert [p.code for p in raised.value.problems] == [code]


WARNINGS = {
    "one cluster": (lambda f: f[f.cluster == "gym"], "one-cluster", ()),
    "zero of zero": (
        lambda f: put("adds", 0, 4)(put("saves", 0, 4)(put("listeners", 0, 4)(f))),
        "zero-denominator",
        (4,),
    ),
    "a count of no name": (
        lambda f: f.rename(columns={"adds": "Adds"}),
        "absent-numerator",
        (),
    ),
    "labels alike but for case": (
        put("cluster", "Indie  Pop", 2),
        "near-identical-labels",
        (2, 3, 8, 9, 14, 15),
    ),
    "labels alike but for Unicode form": (
        lambda f: f.replace({"cluster": {"gym": "caf\u00e9"}}).pipe(
            put("cluster", "cafe\u0301", 0)
        ),
        "near-identical-labels",
        (0, 1, 6, 7, 12, 13),
    ),
    "one set of listeners in two clusters": (
        lambda f: f.assign(
            listeners=[201, *f.listeners[1:2], 201, *f.listeners[3:]],
            saves=[33, *f.saves[1:2], 33, *f.saves[3:]],
            adds=[7, *f.adds[1:2], 7, *f.adds[3:]],
        ),
        "same-listeners",
        (0, 2),
    ),
    "periods that overlap": (
        put("period_start", "2025-01-20", 1),
        "periods-overlap",
        (1,),
    ),
}


@pytest.mark.parametrize("name", WARNINGS)
def test_an_odd_table_is_read_and_the_oddity_raised_and_recorded(name, campaign):
    bend, code, rows = WARNINGS[name]

    with pytest.warns(EvidenceWarning):
        evidence = Evidence.from_frame(bend(campaign()))

    loud = [p for p in evidence.warnings if p.code not in ("unused-columns", "missing-value")]
    assert [(p.code, p.rows) for p in loud] == [(code, rows)]


def test_a_period_longer_than_its_window_is_a_warning(campaign):
    with pytest.warns(EvidenceWarning, match="longer than its window"):
        Evidence.from_frame(campaign(), window="7D")


def test_all_problems_of_a_table_come_in_one_error(campaign):
    bad = campaign()
    bad.loc[0, "saves"] = 9_999
    bad.loc[1, "cluster"] = None
    bad["adds"] = bad["adds"].astype(object)
    bad.loc[2, "adds"] = "12%"
    bad.loc[3, "period_end"] = "soon"

    with pytest.raises(EvidenceError) as raised:
        Evidence.from_frame(bad)

    assert {p.code for p in raised.value.problems} == {
        "successes-exceed-trials", "missing-label", "percent", "unreadable-date",
    }  # fmt: skip
    assert isinstance(raised.value, CoterieError)
    assert isinstance(raised.value, ValueError)


def test_absent_columns_are_all_named_at_once(campaign):
    found = check(campaign(), outcomes=[SAVE], artist="performer", cluster="tribe", seen="read_on")

    assert {p.column for p in found if p.code == "absent-column"} == {
        "performer", "tribe", "read_on",
    }  # fmt: skip


def test_a_key_hidden_in_the_index_is_said_to_be_there(campaign):
    found = check(campaign().set_index("artist"))

    assert "reset_index" in found[0].fix


def test_a_message_names_three_rows_and_counts_the_rest(campaign):
    bad = campaign()
    bad["saves"] = bad["listeners"] + 1

    (problem,) = check(bad, outcomes=[SAVE])[:1]

    assert problem.rows == tuple(range(18))
    assert "18 of 18 rows" in problem.message
    assert "row 2" in problem.message
    assert "row 3" not in problem.message


def test_small_unsigned_integers_are_suspected_of_overflow(campaign):
    bad = campaign().assign(saves=20, listeners=np.full(18, 260).astype(np.uint8))  # 260 wraps to 4

    (problem,) = [p for p in check(bad, outcomes=[SAVE]) if p.severity == "error"]

    assert problem.code == "successes-exceed-trials"
    assert "uint8" in problem.fix


def test_one_event_of_nobody_is_already_too_many(campaign):
    bad = campaign().assign(hours=[0.0] + [5.0] * 17, saves=1)

    found = check(bad, outcomes=[PLAYS])

    assert [(p.code, p.rows) for p in found if p.severity == "error"] == [
        ("events-without-denominator", (0,))
    ]


def test_an_exposure_given_as_its_logarithm_is_recognised(campaign):
    bad = campaign().assign(hours=np.linspace(-2, 5, 18))

    (problem,) = [p for p in check(bad, outcomes=[PLAYS]) if p.severity == "error"]

    assert (problem.code, problem.column) == ("negative", "hours")
    assert "logarithm" in problem.fix


def test_exposures_in_two_units_are_warned_of(campaign):
    odd = campaign().assign(hours=[1e-3] + [1e9] * 17)

    assert "wide-exposure" in [p.code for p in check(odd, outcomes=[PLAYS])]


def test_all_is_a_total_only_where_it_is_the_sum(campaign):
    two = campaign()[lambda f: f.cluster != "late night"]
    keys = ["artist", "period_start", "period_end"]
    summed = two.groupby(keys, as_index=False)[["listeners", "saves", "adds"]].sum()
    sums = pd.concat([two, summed.assign(cluster="All")], ignore_index=True)
    named = campaign().replace({"cluster": {"gym": "All"}})

    assert [(p.code, p.rows) for p in check(sums)] == [("totals-row", tuple(range(12, 18)))]
    assert check(named) == []


def test_missing_values_are_counted_once_and_refused_on_request(campaign):
    table = campaign().astype({"saves": "Int64"})
    table.loc[[1, 5], "saves"] = pd.NA

    evidence = Evidence.from_frame(table)

    (warning,) = evidence.warnings
    assert (warning.code, warning.rows) == ("missing-value", (1, 5))
    assert "'saves' in 2" in warning.message
    assert [p.code for p in check(table, missing="error")] == ["missing-value"]


def test_unused_columns_are_recorded_and_not_raised(campaign):
    evidence = Evidence.from_frame(campaign().assign(mood="calm"))

    assert [p.code for p in evidence.warnings] == ["unused-columns"]


def test_a_window_without_a_period_is_refused(campaign):
    table = (
        campaign()
        .drop(columns=["period_start", "period_end"])
        .drop_duplicates(["artist", "cluster"])
    )

    assert [p.code for p in check(table, window="28D")] == ["window-without-period"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"missing": "ignore"}, "'ignore'"),
        ({"grid": "full"}, "'full'"),
        ({"window": "soon"}, "'soon'"),
        ({"period": "period_start"}, "two columns"),
        ({"outcomes": []}, "no outcome"),
        ({"outcomes": ["save"]}, "str"),
        ({"outcomes": [SAVE, SAVE]}, "more than once"),
        ({"artist": "cluster"}, "two parts"),
        ({"cluster": 5}, "one column"),
        ({"crossed": ["context"]}, "List pairs"),
        ({"crossed": [("cluster", "window")]}, "Cross factors"),
        ({"crossed": [("cluster", "release")]}, "no column holds releases"),
        ({"factors": 5}, "list of text"),
        ({"outcomes": 5}, "list of Outcome"),
        ({"factors": ["saves", "saves"]}, "two parts"),
    ],
)
def test_an_argument_that_means_nothing_is_a_problem_naming_it(arguments, said, campaign):
    found = [p for p in check(campaign(), **arguments) if p.severity == "error"]

    assert len(found) == 1
    assert said in str(found[0])


def test_a_factor_may_not_take_a_name_the_results_need(campaign):
    found = check(campaign().assign(home="x"), factors=["home"])

    assert "'home'" in found[0].message
    assert found[0].severity == "error"


def test_clusters_the_prior_does_not_name_are_refused_with_the_nearest(campaign):
    class Prior:
        clusters = ("gym", "Indie Pop", "late night", "chill")

    (problem,) = check(campaign(), prior=Prior())

    assert (problem.code, problem.rows) == ("unknown-cluster", (2, 3, 8, 9, 14, 15))
    assert "'indie pop' (did you mean 'Indie Pop'?)" in problem.message


def test_a_prior_may_name_more_clusters_than_the_table():
    assert unknown_clusters(["gym"], ["gym", "chill"]) == []


def test_a_cluster_named_as_a_number_is_near_its_text():
    (problem,) = unknown_clusters(np.array([1, 2]), ("1", "2"))

    assert "1 (did you mean '1'?)" in problem.message


@pytest.mark.parametrize(
    "bend",
    [
        whole("saves", lambda f: f.listeners),
        whole("saves", 0),
        whole("saves", lambda f: f.saves.astype(float)),
        whole("listeners", 2**53),
        put("period_end", "2025-01-06", 0),
        whole("artist", lambda f: "=cmd\n,'" + f.artist),
        whole("spend", 0.0),
    ],
    ids=["all saved", "nobody saved", "whole floats", "2**53", "a day", "odd signs", "free"],
)
def test_an_unusual_table_that_is_right_has_no_problem(campaign, bend):
    assert [p for p in check(bend(campaign())) if p.code != "same-listeners"] == []


def test_a_masked_entry_is_a_missing_one(campaign):
    columns = campaign().to_dict("list")
    columns["saves"] = np.ma.array(columns["saves"], mask=np.arange(18) == 3)

    (warning,) = check(columns)

    assert (warning.code, warning.rows) == ("missing-value", (3,))


def test_categories_without_a_row_are_dropped_and_recorded(campaign):
    levels = ["gym", "indie pop", "late night", "ghost"]
    frame = campaign().assign(cluster=lambda f: pd.Categorical(f.cluster, categories=levels))

    evidence = Evidence.from_frame(frame)

    assert evidence.clusters.tolist() == levels[:3]
    assert "'ghost'" in evidence.warnings[0].message


def test_counts_that_agree_everywhere_do_not_mean_shared_listeners(campaign):
    # 1,000 people and 20 saves in every row: a design, not the same people under two names.
    frame = campaign().assign(listeners=1_000, saves=20, adds=3)

    assert check(frame) == []


def test_listeners_listed_in_every_cluster_are_warned_of_in_all_of_them(campaign):
    one = campaign()[lambda f: f.cluster == "gym"].assign(listeners=lambda f: f.listeners + 100)
    frame = pd.concat([one.assign(cluster=name) for name in "abc"])

    assert [(p.code, p.rows) for p in check(frame)] == [("same-listeners", tuple(range(18)))]


def test_very_many_labels_are_warned_of_before_a_model_meets_them():
    n_rows = 100_002
    table = {"artist": np.arange(n_rows), "cluster": np.arange(n_rows) % 2,
             "saves": np.zeros(n_rows), "listeners": np.ones(n_rows)}  # fmt: skip

    assert [p.code for p in check(table)] == ["many-labels"]


def test_errors_come_before_warnings(campaign):
    bad = put("saves", 5_000, 4)(campaign().assign(note="x", cluster="gym", artist=range(18)))

    severities = [p.severity for p in check(bad)]

    assert severities == sorted(severities)
    assert set(severities) == {"error", "warning"}
