import pytest

from coterie.errors import EvidenceError
from coterie.evidence import STANDARD, Outcome, standard_outcomes


def test_the_two_constructors_say_what_they_count():
    save = Outcome.binary("save", successes="saves", trials="listeners")
    plays = Outcome.count("plays", total="plays", exposure="hours", informs=False)

    assert (save.kind, save.numerator, save.denominator, save.informs) == (
        "binary", "saves", "listeners", True,
    )  # fmt: skip
    assert (plays.kind, plays.numerator, plays.denominator, plays.informs) == (
        "count", "plays", "hours", False,
    )  # fmt: skip


def test_reach_does_not_inform_and_adoption_informs_in_organic_rows_alone():
    informs = {outcome.name: outcome.informs for outcome in STANDARD}

    assert informs == {
        "save": True, "add": True, "follow": True, "depth": True, "active": True,
        "click": True,
        "adoption": "organic", "reach": False,
    }  # fmt: skip


def test_a_standard_outcome_is_read_only_beside_its_own_denominator():
    chosen = standard_outcomes(["saves", "listeners", "downstream_streams", "spend"])

    assert [outcome.name for outcome in chosen] == ["save", "reach"]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"name": ""}, "name of an outcome is ''"),
        ({"kind": "ratio"}, "'ratio'"),
        ({"denominator": "saves"}, "by itself"),
        ({"informs": "paid"}, "'paid'"),
        ({"numerator": 3}, "numerator of an outcome is 3"),
    ],
)
def test_an_outcome_that_means_nothing_is_refused_by_its_value(fields, said):
    right = {"name": "save", "kind": "binary", "numerator": "saves", "denominator": "listeners"}

    with pytest.raises(EvidenceError, match=said):
        Outcome(**(right | fields))
