import numpy as np
import pandas as pd
import pytest

from coterie.errors import EvidenceError
from coterie.evidence import Evidence, Outcome, check

PLACED = Outcome.count("placed", total="placements", exposure="total")
SAVE = Outcome.binary("save", successes="saves", trials="listeners")
ADOPT = Outcome.binary("adopt", successes="listeners", trials="audience")


def placements():
    # Cluster x: 40 in all, y: 70, z: 90. Ada is absent from z, Bo from x and y.
    return pd.DataFrame(
        {
            "artist": ["Ada", "Ada", "Bo", "Cy", "Cy"],
            "cluster": ["x", "y", "z", "x", "z"],
            "placements": [3, 4, 5, 6, 7],
            "total": [40, 70, 90, 40, 90],
        }
    )


def test_absent_pairs_are_zeros_of_the_clusters_own_exposure():
    evidence = Evidence.from_frame(placements(), outcomes=[PLACED], grid="complete")

    added = evidence.to_frame().iloc[5:]
    assert sorted(added.itertuples(index=False, name=None)) == [
        ("Ada", "z", 0, 90.0), ("Bo", "x", 0, 40.0), ("Bo", "y", 0, 70.0), ("Cy", "y", 0, 70.0),
    ]  # fmt: skip
    assert [p.code for p in evidence.warnings] == ["grid-completed"]


def test_absent_pairs_are_nothing_unless_the_grid_is_stated():
    assert len(Evidence.from_frame(placements(), outcomes=[PLACED])) == 5


def test_a_completed_table_has_nothing_left_to_complete():
    evidence = Evidence.from_frame(placements(), outcomes=[PLACED], grid="complete")

    again = Evidence.from_frame(evidence.to_frame(), outcomes=[PLACED], grid="complete")

    assert again == evidence


def test_a_cluster_that_states_two_totals_is_not_completed():
    frame = placements()
    frame.loc[3, "total"] = 41

    evidence = Evidence.from_frame(frame, outcomes=[PLACED], grid="complete")

    assert set(evidence.to_frame()["cluster"][5:]) == {"y", "z"}


def test_each_period_is_completed_with_its_own_exposure():
    frame = pd.concat(
        [
            placements().assign(
                period_start=start, period_end=start, total=lambda f, k=k: f.total * k
            )
            for k, start in ((1, "2025-01-01"), (2, "2025-02-01"))
        ]
    )

    evidence = Evidence.from_frame(frame, outcomes=[PLACED], grid="complete", window="month")

    bo = evidence.cells()
    bo = bo.isel(cell=(bo.artist == "Bo") & (bo.cluster == "x"))
    assert bo["denominator"].values.ravel().tolist() == [40, 80]
    assert bo["numerator"].values.ravel().tolist() == [0, 0]


def test_nobody_of_an_audience_means_nobody_who_saved():
    frame = placements().assign(audience=lambda f: f.total, listeners=[9, 8, 7, 6, 5], saves=1)

    evidence = Evidence.from_frame(
        frame, outcomes=[ADOPT, SAVE], grid="complete", missing="error"
    )  # fmt: skip

    cells = evidence.cells()
    absent = cells.isel(cell=((cells.artist == "Bo") & (cells.cluster == "x")).values)
    assert absent["numerator"].values.tolist() == [[0, 0]]
    assert absent["denominator"].values.tolist() == [[40, 0]]
    assert np.isfinite(evidence.counts["denominator"].values).all()


def test_completed_rows_were_not_bought():
    frame = placements().assign(spend=5.0)

    evidence = Evidence.from_frame(frame, outcomes=[PLACED], grid="complete")

    assert np.isnan(evidence.counts["spend"].values[5:]).all()


def test_a_grid_without_one_denominator_a_cluster_is_refused():
    frame = placements().assign(total=[1, 2, 3, 4, 5])

    with pytest.raises(EvidenceError, match="cluster 'x' has 'total' 1, 4"):
        Evidence.from_frame(frame, outcomes=[PLACED], grid="complete")


@pytest.mark.parametrize("arguments", [{"factors": ["mood"]}, {"release": "mood"}])
def test_a_grid_is_over_artist_and_cluster_only(arguments):
    frame = placements().assign(mood="calm")

    (problem,) = check(frame, outcomes=[PLACED], grid="complete", **arguments)

    assert "artist x cluster only" in problem.message
    assert "'mood'" in problem.message
