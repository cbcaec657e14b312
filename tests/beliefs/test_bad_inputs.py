"""Bad inputs by number: each is refused, or read with a warning, or read as it was meant.

Nothing here compiles: a fit that was let through ends at the sampler's door.
"""

import json
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import coterie as co
from coterie.beliefs import fitting
from coterie.beliefs.assemble import fingerprint
from coterie.beliefs.predicting import Known, _new
from coterie.evidence import thin

PLAYS = co.Outcome.count("plays", total="plays", exposure="hours")
ROWS = 18


class LetThroughError(Exception):
    """The sampler was reached."""


@pytest.fixture(autouse=True)
def _no_sampler(monkeypatch):
    def stop(*_, **__):
        raise LetThroughError

    monkeypatch.setattr(fitting, "sample", stop)


def good(**columns):
    """Three artists in three clusters over two months."""
    rng = np.random.default_rng(7)
    months = (("2025-01-01", "2025-01-31"), ("2025-02-01", "2025-02-28"))
    frame = pd.DataFrame(
        [
            (a, k, *m)
            for a in ("Ada", "Bo", "Cy")
            for k in ("gym", "indie", "night")
            for m in months
        ],
        columns=["artist", "cluster", "period_start", "period_end"],
    )
    frame["listeners"] = rng.integers(50, 400, ROWS)
    frame["saves"] = rng.binomial(frame["listeners"], 0.2)
    return frame.assign(**columns)


def with_one(column, value, row=4):
    """The good table with one cell changed, whatever type that gives the column."""
    values = good()[column].astype(object)
    values[row] = value
    inferred = values.infer_objects()
    return good(**{column: inferred if inferred.dtype.kind in "iuf" else values})


def exposed(hours, plays=3):
    return good(hours=hours, plays=plays)


def with_hours(value):
    hours = np.full(ROWS, 50.0)
    hours[4] = value
    return hours


def read(frame, **arguments):
    return lambda: co.Evidence.from_frame(frame, **arguments)


def counts(frame):
    return read(frame, outcomes=[PLAYS])


def fit(frame=None, prior=None, **arguments):
    """Fit a table, up to the sampler."""

    def run():
        evidence = co.Evidence.from_frame(good() if frame is None else frame)
        told = co.MembershipPrior.uniform(evidence.clusters.tolist()) if prior is None else prior
        co.fit(evidence, told, **({"rng": np.random.default_rng(1)} | arguments))

    return run


UNIFORM = co.MembershipPrior.uniform
NORMAL, LOGNORMAL = co.ParameterPrior.normal, co.ParameterPrior.lognormal

REFUSED = {
    1: ("successes above trials", read(with_one("saves", 5000)), r"row 4 \(5,000 of"),
    2: ("negative successes", read(with_one("saves", -3)), r"'saves' is below 0 in 1 of 18"),
    3: ("successes of 2.5", read(with_one("saves", 2.5)), r"not whole .* row 4 \(2\.5\)"),
    6: ("infinite successes", read(with_one("saves", np.inf)), r"infinite in 1 of 18"),
    8: ("trials of 5.5", read(with_one("listeners", 55.5)), r"not whole .* \(55\.5\)"),
    10: (
        "successes of no trials",
        read(good(saves=1, listeners=[0, *[9] * 17])),
        r"counts events where 'listeners' is 0 .*row 0 \(1 of 0\)",
    ),
    11: ("negative trials", read(with_one("listeners", -8)), r"below 0 .*row 4 \(-8\)"),
    12: (
        "trials that wrapped round in uint8",
        read(good(saves=60, listeners=np.full(ROWS, 300).astype(np.uint8))),
        r"is uint8, which wraps round above 255",
    ),
    13: ("a float count above 2**53", read(with_one("saves", 2.0**60)), r"above 2\*\*53"),
    14: ("a count above int64", read(with_one("listeners", 10**30)), r"above 2\*\*53"),
    15: ("numbers as text", read(good(saves=good().saves.astype(str))), r"pandas\.to_numeric"),
    "16a": ("a thousands separator", read(with_one("saves", "1,234")), r"thousands separators"),
    "16b": ("a percentage", read(with_one("saves", "12%")), r"percentages as text .*'12%'"),
    20: ("complex counts", read(good(saves=good().saves + 1j)), r"complex numbers"),
    21: ("a Decimal that is not whole", read(with_one("saves", Decimal("2.5"))), r"2\.5"),
    22: (
        "dates in a count",
        read(good(saves=pd.Timestamp("2025-01-01"))),
        r"holds dates or times in 18 of 18",
    ),
    23: ("rates for counts", read(good(saves=good().saves / good().listeners)), r"holds rates"),
    "24a": ("percentages with a fraction", read(good(saves=12.5)), r"If these are percentages"),
    26: (
        "events of no exposure",
        counts(exposed(with_hours(0.0))),
        r"'plays' counts events where 'hours' is 0 .*row 4 \(3 of 0\)",
    ),
    27: ("a negative exposure", counts(exposed(with_hours(-50.0))), r"'hours' is below 0 in 1"),
    "28b": ("an infinite exposure", counts(exposed(with_hours(np.inf))), r"'hours' is infinite"),
    29: ("an exposure in logs", counts(exposed(np.linspace(-2, 5, ROWS))), r"like a logarithm"),
    32: ("no rows", read(good().iloc[:0]), r"no rows"),
    "39a": ("a cluster of None", read(with_one("cluster", None)), r"no label in 1 of 18"),
    "39b": ("an artist of NaN", read(with_one("artist", np.nan)), r"no label in 1 of 18"),
    40: (
        "a row twice",
        read(pd.concat([good(), good().iloc[[2]]])),
        r"counted more than once in 2 of 19",
    ),
    41: (
        "a column name twice",
        read(pd.concat([good(), good()[["saves"]]], axis=1)),
        r"'saves' is there more than once",
    ),
    42: (
        "required columns absent",
        read(good().drop(columns=["artist", "cluster"])),
        r"'artist'[\s\S]*'cluster'",
    ),
    43: (
        "a column name off by a space",
        read(good().rename(columns={"artist": "Artist "})),
        r"'Artist '",
    ),
    47: (
        "columns of two levels",
        read(good().set_axis(pd.MultiIndex.from_product([["a"], good().columns]), axis=1)),
        r"2 levels",
    ),
    48: (
        "columns of other lengths",
        read({"artist": ["a", "b"], "cluster": ["x"] * 2, "saves": [1] * 3, "listeners": [5] * 2}),
        r"'saves' 3",
    ),
    49: (
        "a column of one value",
        read({"artist": ["a"] * 3, "cluster": ["x"] * 3, "saves": [1] * 3, "listeners": [5]}),
        r"'listeners' 1",
    ),
    52: (
        "1 beside '1'",
        read(good(cluster=[1 if i % 2 else "1" for i in range(ROWS)])),
        r"1 and '1'|'1' and 1",
    ),
    "55b": ("a label of 1e5 letters", read(with_one("artist", "x" * 100_000)), r"10,000 char"),
    56: ("a cluster named twice", lambda: UNIFORM(["gym", "gym"]), r"'gym' is named twice"),
    "57b": (
        "new labels at prediction, refused on request",
        lambda: co.predict(
            BELIEFS.value, with_new(), unknown="error", rng=np.random.default_rng(1)
        ),
        r"know nothing of artist 'Zed' \(first in row 0; 1 of 4 rows\); cluster 'opera' .*row 3",
    ),
    "63a": (
        "a prior of kappa without bound",
        lambda: LOGNORMAL(50, np.inf),
        r"must be positive and finite",
    ),
    "64a": ("a prior with a negative sd", lambda: NORMAL(0, -1), r"must be positive and finite"),
    "64b": ("a prior with an sd of 0", lambda: NORMAL(0, 0), r"ParameterPrior\.fixed"),
    "64c": ("a prior of NaN", lambda: NORMAL(np.nan, 1), r"needs numbers"),
    "64d": ("a prior of text", lambda: co.ParameterPrior("normal", "0", 1.0), r"'0'"),
    "64e": (
        "a negative kappa",
        lambda: co.PopulationPrior().replace(kappa=co.ParameterPrior.fixed(-5)),
        r"kappa cannot be negative",
    ),
    "65a": (
        "a parameter misspelt",
        lambda: co.PopulationPrior().replace(kapa=NORMAL(0, 1)),
        r"Did you mean 'kappa'",
    ),
    "65b": (
        "an outcome misspelt in a prior",
        fit(population=co.PopulationPrior().replace(outcome="saev", alpha=NORMAL(0, 1))),
        r"Did you mean 'save'",
    ),
    "66a": ("no cluster", lambda: UNIFORM([]), r"at least one cluster"),
    "66b": ("a number of clusters", lambda: UNIFORM(3), r"clusters is 3.*list of names"),
    "66c": ("half a cluster", lambda: UNIFORM(2.5), r"clusters is 2\.5.*list of names"),
    "69a": ("no draws", fit(draws=0), r"draws is 0"),
    "69b": ("negative tuning", fit(tune=-1), r"tune is -1"),
    "69c": ("chains of 2.5", fit(chains=2.5), r"chains is 2\.5"),
    "71a": ("a seed for a generator", fit(rng=7), r"rng=np\.random\.default_rng"),
    "71b": ("no generator", fit(rng=None), r"rng=np\.random\.default_rng"),
    "72a": ("a list", read([1, 2]), r"builtins\.list"),
    "72b": ("an xarray Dataset", read(xr.Dataset({"saves": ("row", [1])})), r"to_dataframe"),
    "72c": ("an array", read(np.ones((2, 2))), r"numpy\.ndarray"),
}


@pytest.mark.parametrize("number", REFUSED, ids=str)
def test_it_is_refused_naming_what_was_found_and_the_way_out(number, beliefs_like):
    _, attempt, said = REFUSED[number]
    BELIEFS.value = beliefs_like()

    with pytest.raises((co.EvidenceError, co.BeliefError), match=said):
        attempt()


class BELIEFS:
    """Beliefs for those cases that need some; set by the test."""

    value = None


def with_new():
    known = BELIEFS.value.evidence
    artist, cluster = known.artists.tolist()[0], known.clusters.tolist()[0]
    rows = {"artist": ["Zed", artist, artist, artist], "cluster": [cluster, cluster, "x", "opera"]}
    rows["cluster"][2] = known.clusters.tolist()[1]
    return co.Evidence.from_frame(pd.DataFrame(rows).assign(saves=1, listeners=5))


NOBODY = with_one("listeners", 0).assign(saves=lambda f: f.saves.clip(upper=f.listeners))
WARNED = {
    5: ("successes missing", with_one("saves", None), "missing-value"),
    7: ("trials missing", with_one("listeners", np.nan), "missing-value"),
    9: ("none of none", NOBODY, "zero-denominator"),
    18: ("Int64 with NA", with_one("saves", None).astype({"saves": "Int64"}), "missing-value"),
    19: (
        "a masked array",
        good().to_dict("list") | {"saves": np.ma.array(good().saves, mask=np.arange(ROWS) == 4)},
        "missing-value",
    ),
    "24b": ("whole percentages of 100", good(saves=12, listeners=100), "percentages-as-counts"),
    50: (
        "a category without a row",
        good(cluster=lambda f: pd.Categorical(f.cluster, ["gym", "indie", "night", "ghost"])),
        "unused-levels",
    ),
    51: ("labels alike but for case", with_one("cluster", "Gym "), "near-identical-labels"),
    "55a": ("a label of 300 letters", with_one("artist", "x" * 300), "long-label"),
}  # fmt: skip


@pytest.mark.parametrize("number", WARNED, ids=str)
@pytest.mark.filterwarnings("ignore::coterie.EvidenceWarning")
def test_it_is_read_and_recorded_as_a_warning(number):
    _, table, code = WARNED[number]
    evidence = co.Evidence.from_frame(table)

    assert code in [problem.code for problem in evidence.warnings]
    assert all(problem.severity == "warning" and problem.fix for problem in evidence.warnings)


COUNTED = {
    25: ("no event of no exposure", exposed(with_hours(0.0), plays=0), "zero-denominator"),
    "28a": ("an exposure missing", exposed(with_hours(np.nan)), "missing-value"),
    30: ("exposures of ten orders", exposed(np.geomspace(1e-3, 1e9, ROWS)), "wide-exposure"),
}


@pytest.mark.parametrize("number", COUNTED, ids=str)
@pytest.mark.filterwarnings("ignore::coterie.EvidenceWarning")
def test_an_odd_exposure_is_read_and_recorded_as_a_warning(number):
    _, table, code = COUNTED[number]
    evidence = co.Evidence.from_frame(table, outcomes=[PLAYS])

    assert code in [problem.code for problem in evidence.warnings]


def dominated():
    listeners = np.where(good().artist == "Ada", 1_000_000, 1)
    return good(listeners=listeners, saves=np.where(good().artist == "Ada", 1000, 0))


THIN = {
    33: ("one row", good().iloc[:1], "one-row"),
    34: ("one artist", good()[good().artist == "Ada"], "one-artist"),
    35: ("two artists", good()[good().artist != "Ada"], "few-artists"),
    36: ("no success at all", good(saves=0), "no-event"),
    37: ("every trial a success", good(saves=good().listeners), "every-trial-a-success"),
    38: ("one artist with all the data", dominated(), "one-artist-counted"),
}


@pytest.mark.parametrize("number", THIN, ids=str)
@pytest.mark.filterwarnings("ignore:.*to look at in this table")
def test_a_fit_says_what_a_thin_table_cannot_teach(number):
    _, table, code = THIN[number]
    (problem,) = [p for p in thin(co.Evidence.from_frame(table)) if p.code == code]

    with (
        pytest.warns(co.EvidenceWarning, match=r"prior") as said,
        pytest.raises(LetThroughError),
    ):
        fit(table)()
    assert any(str(problem) in str(each.message) for each in said)


def test_68_more_clusters_than_the_table_can_tell_apart_are_warned_of():
    prior = UNIFORM(["gym", "indie", "night", *(f"k{i}" for i in range(30))])

    with (
        pytest.warns(co.EvidenceWarning, match=r"33 clusters and the table has 18 rows"),
        pytest.raises(LetThroughError),
    ):
        fit(prior=prior)()


def saves(table):
    evidence = co.Evidence.from_frame(table)
    return evidence.counts["numerator"].sel(outcome="save").to_numpy()


ACCEPTED = {
    4: ("successes of 2.0", good(saves=good().saves.astype(float)), good()),
    17: (
        "truth values of one trial",
        good(saves=np.arange(ROWS) % 2 == 0, listeners=1),
        good(saves=1 - np.arange(ROWS) % 2, listeners=1),
    ),
    "21b": ("whole Decimals", good(saves=[Decimal(int(v)) for v in good().saves]), good()),
    44: ("extra columns", good(mood="calm"), good()),
    45: ("an index with holes", good().set_index(np.arange(ROWS) * 7 + 3), good()),
    46: ("index labels twice", good().set_index(np.zeros(ROWS, dtype=int)), good()),
    "47b": (
        "rows of two levels",
        good().set_index(pd.MultiIndex.from_arrays([range(ROWS), range(ROWS)])),
        good(),
    ),
}


@pytest.mark.parametrize("number", ACCEPTED, ids=str)
def test_it_is_read_as_it_was_meant(number):
    _, table, plain = ACCEPTED[number]

    assert saves(table).tolist() == saves(plain).tolist()
    assert co.Evidence.from_frame(table).clusters.tolist() == ["gym", "indie", "night"]


def test_31_counts_of_a_million_million_are_kept_to_the_last_one():
    table = good(listeners=10**12 + np.arange(ROWS), saves=10**11 + np.arange(ROWS))
    evidence = co.Evidence.from_frame(table)

    assert evidence.to_frame()["listeners"].tolist() == (10**12 + np.arange(ROWS)).tolist()


HOSTILE = ["line\nbreak", "comma,", 'quo"te', "=1+1", "<script>alert(1)</script>", "a & b"]


def test_53_54_labels_that_are_code_elsewhere_stay_text_here(beliefs_like):
    artists = np.resize(HOSTILE, ROWS)
    table = good(artist=[f"{a}{i // 6}" for i, a in enumerate(artists)])
    evidence = co.Evidence.from_frame(table)
    beliefs = beliefs_like(evidence)

    assert set(evidence.to_frame()["artist"]) == set(table["artist"])
    for shown in (evidence._repr_html_(), beliefs._repr_html_()):
        assert "<script>" not in shown
    assert set(json.loads(beliefs.to_frame().to_json())["artist"].values()) == set(table["artist"])


def test_55_a_million_labels_are_refused_and_a_hundred_thousand_warned_of():
    n_rows = 1_000_000
    table = {"artist": np.arange(n_rows), "cluster": np.arange(n_rows) % 2,
             "saves": np.zeros(n_rows), "listeners": np.ones(n_rows)}  # fmt: skip
    (refused,) = [p for p in co.check(table) if p.severity == "error"]

    assert refused.code == "many-labels"
    assert "1,000,000 distinct" in refused.message


def test_57_new_labels_are_drawn_from_the_population_and_marked(beliefs_like):
    BELIEFS.value = beliefs_like()
    marked = [at.tolist() for _, _, at in _new(Known.of(BELIEFS.value), with_new())]

    assert np.logical_or.reduce(marked).tolist() == [True, False, False, True]


def test_62_a_level_never_seen_is_drawn_marked_and_refused_on_request(beliefs_like):
    table = good(context=np.resize(["day", "night"], ROWS))
    beliefs = beliefs_like(co.Evidence.from_frame(table, factors=["context"]))
    rows = table.iloc[:4].assign(context=["day", "dawn", "night", "dawn"])
    asked = co.Evidence.from_frame(rows, factors=["context"])
    found = _new(Known.of(beliefs), asked)

    assert np.logical_or.reduce([at for _, _, at in found]).tolist() == [False, True, False, True]
    said = r"know nothing of context 'dawn' \(first in row 1; 2 of 4 rows\)"
    with pytest.raises(co.BeliefError, match=said):
        co.predict(beliefs, asked, unknown="error", rng=np.random.default_rng(1))


def test_67_one_cluster_is_a_model_like_any_other():
    table = good()[good().cluster == "gym"]

    with pytest.warns(co.EvidenceWarning, match="one cluster"), pytest.raises(LetThroughError):
        fit(table)()


def test_70_one_chain_cannot_be_said_to_have_settled(beliefs_like):
    found = beliefs_like(chains=1).diagnose()

    assert not found.ok
    assert "cannot be assessed with one chain" in " ".join(found.lines)


def test_71_a_generator_used_before_is_accepted_and_its_state_recorded():
    rng = np.random.default_rng(1)
    first = fingerprint(rng)
    rng.random()

    assert fingerprint(rng) != first
    assert fingerprint(np.random.default_rng(1)) == first


def test_72_the_callers_table_is_neither_changed_nor_shared():
    table = good()
    before = table.copy(deep=True)
    evidence = co.Evidence.from_frame(table)
    kept = saves(before).tolist()
    pd.testing.assert_frame_equal(table, before)

    table["saves"] = 0
    table.loc[0, "listeners"] = 1
    assert evidence.counts["numerator"].sel(outcome="save").values.tolist() == kept

    values = good().saves.to_numpy().copy()
    values.setflags(write=False)
    assert saves(good(saves=values)).tolist() == kept


def test_all_that_is_wrong_with_a_table_is_said_at_once():
    table = good()
    table["saves"] = table["saves"].astype(object)
    table.loc[0, "saves"] = "12%"
    table.loc[1, "cluster"] = None
    table["listeners"] = table["listeners"].astype(float)
    table.loc[2, "listeners"] = np.inf
    table.loc[3, "period_end"] = "soon"
    table.loc[5, "saves"] = 99_999

    with pytest.raises(co.EvidenceError) as told:
        co.Evidence.from_frame(table)
    assert {problem.code for problem in told.value.problems} == {
        "percent", "missing-label", "infinite", "unreadable-date", "successes-exceed-trials",
    }  # fmt: skip


def test_text_among_numbers_is_accused_and_the_numbers_are_read_on():
    table = good(saves=good().saves.astype(str), listeners=good().listeners.astype(str))
    table.loc[3, "saves"] = "n/a"
    table.loc[5, "saves"] = "99999"
    table.loc[6, "listeners"] = "many"

    found = {problem.code: problem.rows for problem in co.check(table)}
    assert found["missing-as-text"] == (3,)
    assert found["text-in-count"] == (6,)
    assert found["successes-exceed-trials"] == (5,)
    assert "number-as-text" not in found


ELSEWHERE = {58, 59, 60, 61}
"""Numeric covariates have a file of their own."""


def test_every_number_is_here():
    tables = (REFUSED, WARNED, COUNTED, THIN, ACCEPTED)
    numbers = {int(str(n).rstrip("abcde")) for table in tables for n in table}
    alone = {31, 53, 54, 55, 57, 62, 67, 68, 70, 71, 72}

    assert numbers | alone | ELSEWHERE == set(range(1, 73))
