"""Numbers beside labels: what is refused, what is kept, and what survives a round trip."""

import numpy as np
import pytest

import coterie as co
from coterie.beliefs.ledger import evidence_of, ledger_of

OUTCOMES = [co.Outcome.binary("save", successes="saves", trials="listeners")]


def table(**changes):
    whole = {
        "artist": list("abcd"), "cluster": ["gym", "indie"] * 2, "saves": [1, 2, 3, 1],
        "listeners": [10, 9, 8, 7], "tempo": [-1.5, 2.0, 3.0, 4.0], "major": [0, 1, 1, 0],
        "units": [1.0, 2.5, 3.0, 4.0],
    }  # fmt: skip
    return whole | changes


STATED = {
    "outcomes": OUTCOMES,
    "covariates": ("tempo", co.Covariate("major", centre=0, unit=1)),
    "weight": "units",
}


@pytest.fixture
def read():
    return co.Evidence.from_frame(table(), **STATED)


def codes(**changes):
    return {problem.code: problem for problem in co.check(table(**changes), **STATED)}


def test_a_missing_covariate_is_an_error_that_names_its_row():
    assert codes(tempo=[1.0, np.nan, 2.0, 5.0])["missing-covariate"].rows == (1,)


def test_a_constant_covariate_is_an_error_that_names_the_column():
    problem = codes(tempo=[3.0] * 4)["constant-covariate"]

    assert (problem.severity, problem.column) == ("error", "tempo")
    assert "'tempo'" in problem.message


def test_a_collinear_pair_is_an_error_that_names_both():
    problem = codes(tempo=[5.0, 7.0, 7.0, 5.0])["collinear-covariates"]

    assert problem.severity == "error"
    assert "'tempo'" in problem.message
    assert "'major'" in problem.message


def test_three_covariates_of_which_one_is_the_sum_of_the_others_are_an_error():
    frame = table(both=[-1.5, 3.0, 4.0, 4.0])
    told = co.check(frame, **STATED | {"covariates": ("tempo", "major", "both")})

    assert [p.code for p in told if p.severity == "error"] == ["collinear-covariates"]


def test_a_covariate_on_the_scale_of_1e9_warns_and_is_standardised():
    assert codes(tempo=[1e9, 2e9, 3e9, 5e9])["wide-covariate"].severity == "warning"
    with pytest.warns(co.EvidenceWarning, match="standardised"):
        wide = co.Evidence.from_frame(table(tempo=[1e9, 2e9, 3e9, 5e9]), **STATED)
    tempo = wide.covariates[0].scaled(wide.counts["tempo"].to_numpy())
    assert tempo.mean() == pytest.approx(0, abs=1e-12)
    assert tempo.std() == pytest.approx(1)


@pytest.mark.parametrize("values", [["a", "b", "c", "d"], [1.0, np.inf, 2.0, 3.0]])
def test_text_and_infinity_are_no_covariate(values):
    assert any(p.severity == "error" and p.column == "tempo" for p in codes(tempo=values).values())


def test_the_cells_of_two_values_stay_apart(read):
    frame = table(artist=["a"] * 4, cluster=["gym"] * 4, units=[1.0] * 4)
    with pytest.warns(co.EvidenceWarning, match="one cluster"):
        one = co.Evidence.from_frame(frame, **STATED)

    assert one.cells().sizes["cell"] == 4
    assert sorted(read.cells()["tempo"].to_numpy()) == [-1.5, 2.0, 3.0, 4.0]


def test_ledger_and_frame_give_the_same_evidence_back(read):
    assert evidence_of(ledger_of(read)) == read
    assert co.Evidence.from_frame(read.to_frame(), **STATED) == read


def test_two_tables_add_and_the_mean_is_taken_over_both(read):
    other = co.Evidence.from_frame(table(artist=list("efgh"), tempo=[0.0, 1.0, 9.0, 2.0]), **STATED)
    both = read + other

    assert len(both) == 8
    # First table 7.5, second 12.
    assert both.covariates[0].centre == pytest.approx(19.5 / 8)
    assert both.covariates[1] == co.Covariate("major", centre=0, unit=1)


def test_tables_with_other_covariates_do_not_add(read):
    plain = co.Evidence.from_frame(table(artist=list("efgh")), **STATED | {"covariates": ()})

    with pytest.raises(co.EvidenceError, match="covariates"):
        read + plain


def test_an_artist_with_two_weights_is_refused():
    assert codes(artist=list("aacd"))["weights-differ"].rows == (1,)


@pytest.mark.parametrize("units", [[0.0, 1, 1, 1], [-1.0, 1, 1, 1]])
def test_a_weight_of_nobody_is_refused(units):
    assert codes(units=units)["weight-not-positive"].rows == (0,)


@pytest.mark.parametrize("unit", [0.0, -1.0, float("nan"), "1"])
def test_a_unit_must_be_a_positive_number(unit):
    with pytest.raises(co.EvidenceError, match="unit"):
        co.Covariate("tempo", unit=unit)
