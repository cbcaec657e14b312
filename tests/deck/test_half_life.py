import numpy as np
import pytest
import xarray as xr

import coterie as co
from coterie.errors import FindingError

GAIN = [0.002, 0.031, 0.035, 0.028, 0.0]
ERROR = [0.012, 0.010, 0.008, 0.006, 0.0]


def found(kind="half-life"):
    nats = {"units": "nats a row"}
    table = xr.Dataset(
        {
            "gain": ("half_life", GAIN, nats),
            "gain_se": ("half_life", ERROR, nats),
            "chosen": ("half_life", [0.0, 0.0, 0.0, 1.0, 0.0], {"units": "1 or 0"}),
        },
        coords={"half_life": ["14D", "28D", "56D", "112D", "never"]},
    )
    return co.Finding(kind=kind, headline="Let it fade.", table=table)


def xy(plots, visual):
    drawn = plots.viz[visual]["value"].item()
    return np.asarray(drawn["x"], dtype=float), np.asarray(drawn["y"], dtype=float)


def test_points_errors_and_the_choice_are_the_findings_own():
    plots = co.plot_half_life(found(), backend="none")
    np.testing.assert_allclose(xy(plots, "curve"), [np.arange(5), GAIN])
    np.testing.assert_allclose(xy(plots, "chosen"), [[3], [0.028]])
    np.testing.assert_allclose(xy(plots, "tried")[0], [0, 1, 2, 4])
    np.testing.assert_allclose(xy(plots, "error_1"), [[1, 1], [0.021, 0.041]])


def test_every_half_life_is_named_under_the_axis_and_the_choice_in_the_title():
    figure = co.plot_half_life(found(), backend="matplotlib").viz["figure"].item()
    (axes,) = figure.axes
    assert [t.get_text() for t in axes.get_xticklabels()] == ["14D", "28D", "56D", "112D", "never"]
    assert "112D: the longest within one standard error" in (
        figure.get_suptitle().replace("\n", " ")
    )


def test_another_finding_is_refused():
    with pytest.raises(FindingError, match="this one is a 'backtest'"):
        co.plot_half_life(found(kind="backtest"))
