"""Whether a home came true, worked out by hand."""

import numpy as np
import pandas as pd
import xarray as xr

from coterie.findings import later_best


class _Said:
    """Two artists, each believed at home in one of two clusters."""

    home = xr.DataArray(
        np.array([[[[0.8, 0.1], [0.3, 0.6], [0.5, 0.4]]]]),
        dims=("chain", "draw", "artist", "cluster"),
        coords={"artist": ["a", "b", "c"], "cluster": ["gym", "indie"]},
    )


def table(*rows):
    return pd.DataFrame(rows, columns=["artist", "cluster", "placements"])


def test_best_is_relative_to_what_is_usual_and_few_events_say_nothing():
    early = table(("a", "gym", 10), ("b", "gym", 10), ("a", "indie", 2), ("b", "indie", 2))
    # a: 3 of 20 in gym; b: 4 of 20 in gym against 1 of 4 in indie, so that indie is b's best.
    later = table(("a", "gym", 3), ("b", "gym", 4), ("b", "indie", 1), ("c", "gym", 2))
    said = later_best(_Said(), early, later, count="placements")

    assert said.startswith("Of 2 artists with 3 later placements or more")
    assert "relative to what is usual there, 2 times" in said
    assert "mean belief in that cluster was 0.70, and 0.50 would be chance" in said


def test_where_nobody_has_enough_events_nothing_is_said():
    early = table(("a", "gym", 1), ("a", "indie", 1))
    said = later_best(_Said(), early, table(("c", "gym", 2)), count="placements")

    assert said.startswith("No artist has 3 later placements or more")
