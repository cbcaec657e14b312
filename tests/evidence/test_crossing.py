"""Clusters that are intersections, and factors that are crossed."""

import numpy as np
import pandas as pd
import pytest

from coterie import EvidenceError
from coterie.beliefs.ledger import evidence_of, ledger_of
from coterie.evidence import EACH_RELEASE, Evidence, check, split

PLACES = ["neighbourhood", "listener", "moment"]


def table(**more):
    """Return eight rows of three columns of clusters, a creative and a release."""
    columns = {
        "artist": ["ana"] * 8,
        "neighbourhood": ["north", "south"] * 4,
        "listener": [1, 1, 2, 2] * 2,
        "moment": ["day"] * 4 + ["night"] * 4,
        "creative": ["live", "story", "story", "live"] * 2,
        "release": ["ep", "lp"] * 4,
        "saves": range(1, 9),
        "listeners": [20] * 8,
    }
    return pd.DataFrame(columns | more)


def test_an_intersection_is_named_by_its_parts_which_are_factors_with_their_pairs():
    evidence = Evidence.from_frame(table(), cluster=PLACES)

    assert evidence.counts["cluster"].values[0] == "north x 1 x day"
    assert len(evidence.clusters) == 8
    assert evidence.factors == (
        *PLACES, "neighbourhood x listener", "neighbourhood x moment", "listener x moment",
    )  # fmt: skip
    assert evidence.counts["listener x moment"].values[2] == "2 x day"


def test_two_parts_have_no_pair_beside_the_cluster():
    evidence = Evidence.from_frame(
        table().drop(columns="moment")[:4], cluster=["neighbourhood", "listener"]
    )

    assert evidence.factors == ("neighbourhood", "listener")
    assert evidence.clusters.tolist() == ["north x 1", "north x 2", "south x 1", "south x 2"]


def test_what_is_crossed_has_main_effects_too():
    evidence = Evidence.from_frame(
        table(), cluster="moment", factors=["neighbourhood", "listener"],
        crossed=[("creative", "cluster"), ("release", "creative")],
    )  # fmt: skip

    assert evidence.factors == (
        "neighbourhood", "listener", "creative", EACH_RELEASE, "creative x cluster",
        "release x creative",
    )  # fmt: skip
    assert evidence.counts["creative x cluster"].values[-1] == "live x night"


def test_the_users_name_of_a_column_crosses_it_as_well():
    plain = Evidence.from_frame(table(), cluster=PLACES, crossed=[("creative", "cluster")])
    told = Evidence.from_frame(
        table().rename(columns={"release": "single"}), cluster=PLACES, release="single",
        crossed=[("creative", "single")],
    )  # fmt: skip

    assert plain.layout.crossed == (("creative", "cluster"),)
    assert told.layout.crossed == (("creative", "release"),)


@pytest.mark.parametrize(
    "arguments",
    [
        {"cluster": PLACES},
        {"cluster": PLACES, "crossed": [("creative", "cluster"), ("release", "moment")]},
        {"cluster": "moment", "factors": PLACES[:2], "crossed": [("creative", "cluster")]},
    ],
)
def test_a_table_comes_back_as_it_was_written(arguments):
    evidence = Evidence.from_frame(table(), **arguments)
    written = evidence.to_frame()
    ledger = ledger_of(evidence)

    assert set(written.columns) <= set(table().columns)
    assert Evidence.from_frame(written, **arguments) == evidence
    assert evidence.read_more(written) == evidence
    assert evidence_of(ledger) == evidence
    assert not [n for n in ledger.variables if " x " in str(n)]


def test_two_tables_of_one_intersection_add_up():
    whole = table()
    first, second = (
        Evidence.from_frame(part, cluster=PLACES, crossed=[("creative", "cluster")])
        for part in (whole[:5], whole[5:])
    )

    both = first + second

    assert both == Evidence.from_frame(whole, cluster=PLACES, crossed=[("creative", "cluster")])


def test_an_intersection_does_not_add_to_plain_clusters_of_the_same_columns():
    rows = table().drop(columns="release")
    crossed = Evidence.from_frame(rows, cluster=["moment", "listener"], factors=["neighbourhood"])
    plain = Evidence.from_frame(
        rows, cluster="creative", factors=["moment", "listener", "neighbourhood"]
    )

    with pytest.raises(EvidenceError, match="an intersection"):
        crossed + plain


def test_same_counts_of_one_artist_in_two_parts_are_still_found():
    rows = table(saves=[5] * 8, listeners=[500] * 8).drop(columns=["creative", "release"])
    other = rows.assign(
        artist="bo", saves=np.arange(8) * 3 + 40, listeners=np.arange(8) * 100 + 900
    )

    told = check(pd.concat([rows, other]), cluster=PLACES)

    assert "same-listeners" in [problem.code for problem in told]


@pytest.mark.parametrize("odd", ["north x east", "north x"])
def test_a_label_that_the_separator_would_cut_is_refused_with_its_rows(odd):
    rows = table().replace({"neighbourhood": {"north": odd}})

    with pytest.raises(EvidenceError, match="4 of 8 rows") as told:
        Evidence.from_frame(rows, cluster=PLACES)

    assert told.value.problems[0].code == "separator-in-label"
    # Where nothing is crossed such a label is one like any other.
    Evidence.from_frame(rows, cluster="neighbourhood", factors=["moment", "listener"])


def test_a_label_of_one_x_is_split_as_it_was_joined():
    rows = table().replace({"neighbourhood": {"north": "x"}, "moment": {"day": "x y"}})

    evidence = Evidence.from_frame(rows, cluster=PLACES)

    found, odd = split(evidence.clusters, PLACES)
    assert not odd
    assert found.tolist()[-1] == ["x", "2", "x y"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"cluster": ["moment", "moment"]}, "two or more different"),
        ({"cluster": PLACES, "crossed": [("listener", "moment")]}, "in the model already"),
        ({"cluster": PLACES, "crossed": [("listener", "cluster")]}, "a cluster has its parts"),
        ({"cluster": "moment", "crossed": [("creative", "mood")]}, "'mood' is not in the table"),
        ({"cluster": "moment", "crossed": [("creative", "artist")]}, "Cross factors"),
        ({"cluster": "moment", "crossed": [("creative", "saves")]}, "which an outcome counts"),
        ({"cluster": "moment", "crossed": [("creative",)]}, "two or more different"),
    ],
)
def test_a_crossing_that_cannot_be_says_why(arguments, said):
    with pytest.raises(EvidenceError, match=said):
        Evidence.from_frame(table(), **arguments)


def test_a_column_named_like_a_crossing_is_refused():
    rows = table().rename(columns={"release": "creative x cluster"})

    with pytest.raises(EvidenceError, match="name of a crossing"):
        Evidence.from_frame(
            rows, cluster=PLACES, factors=["creative x cluster"], crossed=[("creative", "cluster")]
        )
