import datetime as dt

import duckdb
import hypothesis.strategies as st
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings

from coterie.errors import EvidenceError, EvidenceWarning
from coterie.evidence import Evidence, Outcome

SAVE = Outcome.binary("save", successes="saves", trials="listeners")
ADOPT = Outcome.binary("adopt", successes="listeners", trials="audience")
PLAYS = Outcome.count("plays", total="plays", exposure="hours")


def by_relation(frame):
    connection = duckdb.connect()
    connection.register("campaign", frame)
    return connection.sql("select * from campaign")


def by_group_sum(frame):
    # Sums of integers are HUGEINT in DuckDB, which arrive as decimals.
    connection = duckdb.connect()
    connection.register("campaign", frame)
    return connection.sql(
        "select artist, cluster, period_start, period_end, sum(listeners) as listeners,"
        " sum(saves) as saves, sum(adds) as adds from campaign group by all order by all"
    )


FRAMES = {
    "polars": pl.DataFrame,
    "polars, lazy": pl.LazyFrame,
    "pyarrow": pa.table,
    "DuckDB": by_relation,
    "DuckDB sums": by_group_sum,
    "a dictionary of lists": lambda c: c,
    "a dictionary of arrays": lambda c: {k: np.array(v) for k, v in c.items()},
    "pandas with nullable types": lambda c: pd.DataFrame(c).convert_dtypes(),
    "pandas with arrow types": lambda c: pd.DataFrame(c).convert_dtypes(dtype_backend="pyarrow"),
    "pandas with an index of its own": lambda c: pd.DataFrame(c).set_index(np.arange(18)[::-1] % 5),
    "pandas categories": lambda c: pd.DataFrame(c).astype({"cluster": "category"}),
    "pandas objects": lambda c: pd.DataFrame(c, dtype=object),
}


def reader(kind):
    frames = ("DuckDB", "DuckDB sums")
    return (lambda c: FRAMES[kind](pd.DataFrame(c))) if kind in frames else FRAMES[kind]


@pytest.mark.parametrize("kind", FRAMES)
def test_every_kind_of_frame_makes_the_same_evidence(campaign, kind):
    columns = campaign().to_dict("list")

    evidence = Evidence.from_frame(reader(kind)(columns), window="28D")

    assert evidence == Evidence.from_frame(campaign(), window="28D")


@pytest.mark.parametrize("make", [pl.DataFrame, pa.table, lambda c: by_relation(pa.table(c))])
def test_missing_numbers_dates_and_large_integers_survive_every_frame(make):
    columns = {
        "artist": ["a", "b"],
        "cluster": ["x", "y"],
        "saves": [None, 2**53 - 1],
        "listeners": [5, 2**53],
        "period_start": [dt.date(2025, 1, 1), dt.date(2025, 2, 1)],
        "period_end": [dt.datetime(2025, 1, 31, 12), dt.datetime(2025, 2, 28)],
        "spend": [1.25, None],
    }

    evidence = Evidence.from_frame(make(columns), outcomes=[SAVE])

    table = evidence.to_frame()
    assert table["saves"].tolist() == [pd.NA, 2**53 - 1]
    assert table["listeners"].tolist() == [5, 2**53]
    assert table["period_end"][0] == pd.Timestamp("2025-01-31 12:00")
    assert evidence.counts["spend"].values[0] == 1.25
    assert np.isnan(evidence.counts["spend"].values[1])


def test_counts_are_laid_out_as_rows_by_outcomes_with_their_labels(campaign):
    frame = campaign().assign(spend=[9.5, None] * 9, currency="EUR", context="morning")

    counts = Evidence.from_frame(frame, outcomes=[SAVE], factors=["context"], window="28D").counts

    assert counts["numerator"].dims == ("row", "outcome")
    assert counts["numerator"].dtype == counts["denominator"].dtype == np.float64
    assert set(counts.coords) == {
        "row", "outcome", "artist", "cluster", "context", "period_start", "period_end", "window",
        "spend",
    }  # fmt: skip
    assert counts["period_start"].dtype == np.dtype("datetime64[ns]")
    assert counts["window"].values[:2].tolist() == ["2024-12-30", "2025-01-27"]
    assert counts.attrs == {"currency": "EUR"}


def test_without_a_window_all_periods_are_one(campaign):
    assert set(Evidence.from_frame(campaign()).counts["window"].values) == {"all"}


def test_whole_labels_stay_whole_and_text_keeps_its_spaces(campaign):
    frame = campaign().assign(artist=np.repeat([30, 10, 20], 6)).replace({"gym": " gym "})

    evidence = Evidence.from_frame(frame)

    assert evidence.artists.tolist() == [10, 20, 30]
    assert evidence.artists.dtype == np.int64
    assert evidence.clusters.tolist() == [" gym ", "indie pop", "late night"]


def test_truth_values_and_whole_floats_and_decimals_count(campaign):
    frame = campaign().iloc[:3].assign(listeners=[1.0, 1.0, 1.0], saves=[True, False, True])

    assert Evidence.from_frame(frame, outcomes=[SAVE]).to_frame()["saves"].tolist() == [1, 0, 1]


def test_the_callers_table_is_neither_changed_nor_shared(campaign):
    frame = campaign()
    evidence = Evidence.from_frame(frame)
    before = evidence.counts.copy(deep=True)

    frame["saves"] = 0
    frame.loc[0, "artist"] = "somebody else"

    assert evidence.counts.identical(before)
    pd.testing.assert_frame_equal(campaign().assign(saves=0).iloc[1:], frame.iloc[1:])


@pytest.mark.parametrize("name", ["numerator", "denominator", "artist", "period_start", "window"])
def test_no_array_of_evidence_can_be_written(campaign, name):
    counts = Evidence.from_frame(campaign()).counts

    with pytest.raises(ValueError, match="read-only"):
        counts[name].values[0] = counts[name].values[1]


def test_arrays_handed_over_in_a_dictionary_stay_the_callers(campaign):
    columns = {name: np.array(column) for name, column in campaign().items()}
    evidence = Evidence.from_frame(columns)

    columns["saves"][0] = 0

    assert evidence == Evidence.from_frame(campaign())


def test_a_missing_numerator_drops_its_outcome_from_that_row_alone(campaign):
    frame = campaign().astype({"saves": "Int64"})
    frame.loc[0, "saves"] = pd.NA

    cells = Evidence.from_frame(frame).cells()

    ada = cells.isel(cell=0)
    # Two rows of Ada in the gym: saves were measured in the second alone, adds in both.
    assert ada["denominator"].sel(outcome="save") == frame["listeners"][1]
    assert ada["denominator"].sel(outcome="add") == frame["listeners"][:2].sum()


def test_a_cell_without_any_measured_row_is_not_measured(campaign):
    frame = campaign().astype({"saves": "Int64"})
    frame.loc[[0, 1], "saves"] = pd.NA

    cell = Evidence.from_frame(frame).cells().isel(cell=0).sel(outcome="save")

    assert np.isnan(cell["numerator"])
    assert np.isnan(cell["denominator"])


def test_sums_are_exact_up_to_2_to_the_53(campaign):
    frame = campaign().assign(saves=[2**52 + 1, 2**52 - 1] * 9, listeners=2**53)

    saves = Evidence.from_frame(frame, outcomes=[SAVE]).cells()["numerator"]

    assert [int(v) for v in saves.values.ravel()] == [2**53] * 9


def test_cells_split_by_factor_and_window_and_are_sorted(campaign):
    frame = campaign().assign(context=["night", "day"] * 9)

    by_factor = Evidence.from_frame(frame, factors=["context"]).cells()
    by_window = Evidence.from_frame(frame, window="28D").cells()
    whole = Evidence.from_frame(frame).cells()

    assert (by_factor.sizes["cell"], by_window.sizes["cell"], whole.sizes["cell"]) == (18, 18, 9)
    assert by_factor["context"].values[:2].tolist() == ["day", "night"]
    assert whole["artist"].values.tolist() == ["Ada"] * 3 + ["Bo"] * 3 + ["Cy"] * 3
    assert by_factor["numerator"].values[0, 0] == frame["saves"][1]


def test_bought_rows_are_cells_of_their_own_only_where_organic_rows_matter(campaign):
    frame = campaign().assign(spend=[5.0, 0.0] * 9, audience=1_000)

    with_adoption = Evidence.from_frame(frame).cells()
    without = Evidence.from_frame(frame, outcomes=[SAVE]).cells()

    assert with_adoption["bought"].values[:2].tolist() == [False, True]
    assert (with_adoption.sizes["cell"], without.sizes["cell"]) == (18, 9)
    assert without["bought"].values.all()


def test_rows_that_were_not_bought_say_nothing_of_reach(campaign):
    frame = campaign().assign(spend=[5.0, 0.0, None] * 6)

    evidence = Evidence.from_frame(frame, missing="error")

    reach = evidence.counts["denominator"].sel(outcome="reach").values
    assert np.isnan(reach).tolist() == [False, True, True] * 6
    assert evidence.counts["spend"].values[1] == 0
    assert evidence.warnings == ()


def test_an_absent_numerator_leaves_its_outcome_unmeasured(campaign):
    with pytest.warns(EvidenceWarning, match="'plays'"):
        evidence = Evidence.from_frame(
            campaign().assign(hours=1.5), outcomes=[SAVE, PLAYS]
        )  # fmt: skip

    assert np.isnan(evidence.counts["numerator"].sel(outcome="plays")).all()
    assert [o.name for o in evidence.outcomes] == ["save", "plays"]


def rich(campaign):
    frame = campaign().assign(
        spend=[9.5, None, 0.0] * 6, currency="EUR", context=["day", "night"] * 9,
        read_on="2025-04-01", single=np.repeat([3, 1, 2], 6), hours=np.linspace(0.5, 9, 18),
        plays=pd.array([1, None, 3] * 6, dtype="Int64"), audience=10_000,
    )  # fmt: skip
    frame = frame.rename(columns={"period_start": "from", "period_end": "to", "artist": "who"})
    arguments = {
        "outcomes": [SAVE, PLAYS, ADOPT],
        "artist": "who", "release": "single", "factors": ["context"], "period": ("from", "to"),
        "seen": "read_on", "window": "month",
    }  # fmt: skip
    return frame, arguments


def test_a_table_written_and_read_again_is_the_same_evidence(campaign):
    frame, arguments = rich(campaign)
    evidence = Evidence.from_frame(frame, **arguments)

    back = evidence.to_frame()

    assert Evidence.from_frame(back, **arguments) == evidence
    assert list(back.columns) == [
        "who", "cluster", "single", "context", "from", "to", "read_on", "saves", "listeners",
        "plays", "hours", "audience", "spend", "currency",
    ]  # fmt: skip
    assert back["plays"].tolist() == [1, pd.NA, 3] * 6
    assert back["single"].dtype == np.int64
    assert back["saves"].dtype == np.int64
    assert back["hours"].tolist() == frame["hours"].tolist()
    assert back["currency"].isna().tolist() == [False, True, False] * 6


def test_two_tables_added_are_the_table_of_both(campaign):
    frame, arguments = rich(campaign)
    early, late = frame[frame["from"] < "2025-02"], frame[frame["from"] >= "2025-02"]

    added = Evidence.from_frame(early, **arguments) + Evidence.from_frame(late, **arguments)

    whole = Evidence.from_frame(pd.concat([early, late]), **arguments)
    assert added == whole
    assert len(added) == 18


def test_tables_of_different_outcomes_add_to_their_union(campaign):
    first = campaign().iloc[::2].drop(columns="adds")
    second = campaign().iloc[1::2].drop(columns="saves")

    added = Evidence.from_frame(first) + Evidence.from_frame(second)

    assert [o.name for o in added.outcomes] == ["save", "add"]
    assert np.isfinite(added.counts["numerator"].values).sum() == 18
    assert added.cells()["numerator"].sel(outcome="add").values[0] == campaign()["adds"][1]


def test_tables_that_share_a_row_cannot_be_added(campaign):
    evidence = Evidence.from_frame(campaign())
    some = Evidence.from_frame(campaign().iloc[[4, 8]])

    with pytest.raises(EvidenceError) as raised:
        evidence + some

    (problem,) = raised.value.problems
    assert (problem.code, problem.rows) == ("duplicate-row", (4, 8, 18, 19))


def test_tables_in_two_currencies_cannot_be_added(campaign):
    euros, dollars = (
        Evidence.from_frame(campaign().iloc[part].assign(spend=5.0, currency=code))
        for part, code in ((slice(9), "EUR"), (slice(9, 18), "USD"))
    )

    with pytest.raises(EvidenceError, match="EUR in one table and USD in the other"):
        euros + dollars


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"window": "7D"}, "window"),
        ({"factors": ["context"]}, "factors"),
        ({"outcomes": [Outcome.binary("save", successes="adds", trials="listeners")]}, "'save'"),
    ],
)
@pytest.mark.filterwarnings("ignore::coterie.errors.EvidenceWarning")
def test_tables_read_differently_cannot_be_added(campaign, arguments, said):
    frame = campaign().assign(context="day")
    other = Evidence.from_frame(frame.iloc[9:], **arguments)

    with pytest.raises(EvidenceError, match=said):
        Evidence.from_frame(frame.iloc[:9]) + other


def test_evidence_says_what_it_holds_and_what_to_look_at(campaign):
    frame = campaign().replace({"gym": "<script>gym"}).assign(note="x")
    evidence = Evidence.from_frame(frame, window="28D")

    said = repr(evidence)

    assert "18 rows, 3 artists x 3 clusters, 2025-01-06 to 2025-03-02, windows of 28D" in said
    assert f"save: {frame.saves.sum():,} saves of {frame.listeners.sum():,} listeners" in said
    assert "'note'" in said
    assert len(said.splitlines()) < 25


def test_the_notebook_view_escapes_what_came_from_outside(campaign):
    frame = campaign().assign(**{"<script>alert(1)</script>": 1})

    page = Evidence.from_frame(frame)._repr_html_()

    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_one_warning_is_raised_for_a_table_however_many_are_recorded(campaign):
    frame = campaign()[lambda f: f.cluster == "gym"].rename(columns={"adds": "Adds"})

    with pytest.warns(EvidenceWarning) as raised:
        evidence = Evidence.from_frame(frame)

    assert len(raised) == 1
    assert raised[0].filename == __file__
    assert {"one-cluster", "absent-numerator"} <= {p.code for p in evidence.warnings}


counts_of_people = st.integers(0, 10**9)


@settings(max_examples=20, deadline=None)
@given(
    row=st.integers(0, 17), listeners=counts_of_people, share=st.floats(0, 1),
    saved=st.floats(0, 1), cut=st.integers(1, 26),
)  # fmt: skip
def test_cutting_a_row_in_two_changes_no_cell(campaign, row, listeners, share, saved, cut):
    frame = campaign()[["artist", "cluster", "period_start", "period_end", "listeners", "saves"]]
    frame = frame.astype({"period_start": "datetime64[ns]", "period_end": "datetime64[ns]"})
    frame.loc[row, ["listeners", "saves"]] = [listeners, int(saved * listeners)]
    part = int(share * listeners)
    some = min(int(saved * listeners), part)
    first, second = frame.iloc[[row]].copy(), frame.iloc[[row]].copy()
    middle = frame.loc[row, "period_start"] + pd.Timedelta(days=cut)
    first[["listeners", "saves"]] = [part, some]
    rest = [listeners - part, min(int(saved * listeners) - some, listeners - part)]
    frame.loc[row, "saves"] = some + rest[1]
    second[["listeners", "saves"]] = rest
    first["period_end"] = second["period_start"] = middle
    in_two = pd.concat([frame.drop(index=row), second, first])

    cells = [quietly(f, window="month").cells() for f in (frame, in_two)]

    same_month = middle.month == frame.loc[row, "period_start"].month
    assert cells[0].identical(cells[1]) == same_month


@settings(max_examples=20, deadline=None)
@given(order=st.permutations(range(18)), seed=st.integers(0, 99))
def test_the_order_of_rows_changes_no_cell(campaign, order, seed):
    rng = np.random.default_rng(seed)
    # Nine rows a cell, so that sums of fractions could come out in several ways.
    frame = campaign().assign(
        artist="Ada", cluster=["gym", "indie pop"] * 9, hours=rng.gamma(0.3, 10, 18),
        plays=rng.integers(0, 9, 18), period_start=pd.date_range("2025-01-01", periods=18),
        period_end=pd.date_range("2025-01-01", periods=18),
    )  # fmt: skip
    mixed = frame.iloc[list(order)]

    cells = [quietly(f, outcomes=[SAVE, PLAYS]).cells() for f in (frame, mixed)]

    assert cells[0].identical(cells[1])


def quietly(frame, **arguments):
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", EvidenceWarning)
        return Evidence.from_frame(frame, **arguments)
